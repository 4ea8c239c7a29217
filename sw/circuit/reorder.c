// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/reorder.h"

static int64_t common(int64_t a, int64_t b) {
  return b ? common(b, a % b) : a;
}

// The last dimension that isn't what it was, whose elements are the products of those behind it;
// NONE: they all are.
static int last_moved(const struct space *s, int64_t *inner) {
  *inner = 1;
  for (int d = s->in_rank[0] - 1; d >= 0; d--) {
    if (form_axis(s, 0, d) != d) return d;
    *inner *= s->in[0][d].extent;
  }
  return NONE;
}

static bool steps(const struct form *f) {
  return f->term[0].stride > 1;
}

int64_t circuit_reorder_unit(const struct space *s) {
  int64_t inner;
  int d = last_moved(s, &inner);
  if (d == NONE || steps(&s->in[0][d])) return inner;
  const struct form *f = &s->in[0][d];
  int64_t offset = f->offset < 0 ? -f->offset : f->offset;
  return inner * common(common(f->extent, s->size[d]), offset);
}

// Of the elements of a dimension, each a block of `inner` of those behind it.
static void add_dim(struct circuit_extent *x, const struct form *f, int64_t size, int64_t inner) {
  int64_t from = f->offset * inner;
  x->in_size[x->dims] = f->extent * inner;
  x->out_size[x->dims] = size * inner;
  x->in_from[x->dims] = from < 0 ? -from : 0;
  x->out_from[x->dims] = from < 0 ? 0 : from;
  x->step[x->dims++] = f->term[0].stride;
}

// Dimension k only goes through its one place.
static bool stands(const struct circuit_extent *x, int k) {
  return circuit_extent_span(x, k) == 1;
}

static void drop_standing(struct circuit_extent *x) {
  int kept = 0;
  for (int k = 0; k < x->dims; k++) {
    if (stands(x, k) && (kept || k + 1 < x->dims)) continue;
    x->in_size[kept] = x->in_size[k];
    x->in_from[kept] = x->in_from[k];
    x->out_size[kept] = x->out_size[k];
    x->out_from[kept] = x->out_from[k];
    x->step[kept++] = x->step[k];
  }
  x->dims = kept;
}

struct circuit_extent circuit_extent_of(const struct space *s, int64_t lanes) {
  struct circuit_extent x = {0};
  const struct form whole = {.per = 1, .terms = 1, .term = {{.stride = 1}}};
  int64_t inner;
  int d = last_moved(s, &inner);
  struct form block = whole;
  block.extent = inner;
  if (d == NONE || steps(&s->in[0][d])) {
    add_dim(&x, &block, inner, 1);
    inner = 1;
  }
  for (; d >= 0; d--, inner = 1) add_dim(&x, &s->in[0][d], s->size[d], inner);
  x.in_size[0] /= lanes;
  x.in_from[0] /= lanes;
  x.out_size[0] /= lanes;
  x.out_from[0] /= lanes;
  drop_standing(&x);
  return x;
}

int64_t circuit_extent_span(const struct circuit_extent *x, int k) {
  int64_t in = x->in_from[k] + x->in_size[k];
  int64_t out = x->out_from[k] + (x->out_size[k] - 1) * x->step[k] + 1;
  return in > out ? in : out;
}

int64_t circuit_extent_places(const struct circuit_extent *x) {
  int64_t places = 1;
  for (int k = 0; k < x->dims; k++) places *= circuit_extent_span(x, k);
  return places;
}

void circuit_extent_at(const struct circuit_extent *x, int64_t i, bool *in, bool *out) {
  *in = *out = true;
  for (int k = 0; k < x->dims; k++) {
    int64_t span = circuit_extent_span(x, k), at = i % span, left = at - x->out_from[k];
    *in &= at >= x->in_from[k] && at < x->in_from[k] + x->in_size[k];
    *out &= left >= 0 && left % x->step[k] == 0 && left / x->step[k] < x->out_size[k];
    i /= span;
  }
}
