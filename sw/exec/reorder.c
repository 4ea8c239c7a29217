// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/reorder.h"

#include <string.h>

// The dimension of the input that is read along an axis; each is along one.
static int read_along(const struct space *s, int axis) {
  for (int d = 0; d < s->in_rank[0]; d++)
    if (s->in[0][d].term[0].axis == axis) return d;
  return NONE;
}

// One that is an axis is cut as the axis is, any other is there as a whole.
static int64_t index_of(const struct job *j, const struct space *s, int d, int axis, int64_t i) {
  const struct form *f = &s->in[0][d];
  if (form_axis(s, 0, d) != NONE) return i;
  int64_t index = form_index(f, job_index(j, axis, i));
  return index < 0 || index >= f->extent ? NONE : index;
}

// From the last dimension on, those whose parts follow each other.
static void find_block(struct reorder *r) {
  r->block = 1;
  for (r->outer = r->rank; r->outer > 0; r->outer--) {
    int d = r->outer - 1;
    for (int64_t i = 0; i < r->size[d]; i++)
      if (r->part[d][i] == NONE || r->part[d][i] != r->part[d][0] + i * r->block) return;
    r->first += r->part[d][0];
    r->block *= r->size[d];
  }
}

bool reorder_of(struct arena *a, const struct job *j, struct reorder *r) {
  const struct array *x = &j->in[0], *y = &j->out[0];
  struct space s;
  struct err e = {0};
  if (!space_of(j->graph, j->node, &s, &e)) return false;
  *r = (struct reorder){.rank = y->rank};
  for (int k = 0; k < y->rank; k++) {
    int d = read_along(&s, k);
    int64_t stride = shape_elements(x->rank - d - 1, x->shape + d + 1);
    int64_t *part = ARENA_NEW(a, int64_t, y->shape[k]);
    for (int64_t i = 0; i < y->shape[k]; i++) {
      int64_t index = index_of(j, &s, d, k, i);
      part[i] = index == NONE ? NONE : index * stride;
    }
    r->size[k] = y->shape[k];
    r->part[k] = part;
  }
  find_block(r);
  return true;
}

int64_t reorder_at(const struct reorder *r, int64_t at) {
  int64_t sum = 0;
  for (int k = r->rank - 1; k >= 0; k--) {
    int64_t part = r->part[k][at % r->size[k]];
    if (part == NONE) return NONE;
    sum += part;
    at /= r->size[k];
  }
  return sum;
}

struct frame {
  const struct reorder *r;
  size_t element; // bytes
  const unsigned char *from;
  const void *constant;
  unsigned char *to; // what comes next
};

static void put_constants(struct frame *f, int64_t count) {
  for (int64_t i = 0; i < count; i++, f->to += f->element) memcpy(f->to, f->constant, f->element);
}

// The elements of dimensions from k on that begin at `at`.
static void put(struct frame *f, int k, int64_t at) {
  const struct reorder *r = f->r;
  if (k == r->outer) {
    size_t bytes = (size_t)r->block * f->element;
    memcpy(f->to, f->from + (size_t)at * f->element, bytes);
    f->to += bytes;
    return;
  }
  for (int64_t i = 0; i < r->size[k]; i++)
    if (r->part[k][i] == NONE)
      put_constants(f, shape_elements(r->rank - k - 1, r->size + k + 1));
    else
      put(f, k + 1, at + r->part[k][i]);
}

void reorder_frame(const struct reorder *r, size_t element, const void *from, const void *constant,
                   void *to) {
  struct frame f = {r, element, from, constant, to};
  put(&f, 0, r->first);
}
