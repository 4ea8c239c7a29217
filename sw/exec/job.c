// SPDX-License-Identifier: Apache-2.0
// What both element types and all executors share.
#include "sw/exec/job.h"

#include <string.h>

struct array array_of(const struct value *v, void *data) {
  struct array x = {data, v->rank, {0}, value_elements(v), v->per_frame};
  memcpy(x.shape, v->shape, sizeof x.shape);
  return x;
}

// ---- slices: kernels know nothing of them, they get the part of each array that is needed

void array_narrow(struct arena *a, struct array *x, int64_t frames, int dim,
                  const struct needs *needs, size_t element) {
  int64_t inner = shape_elements(x->rank - dim - 1, x->shape + dim + 1), from = x->shape[dim];
  int64_t outer = (x->per_frame ? frames : 1) * shape_elements(dim, x->shape);
  int64_t size = needs_size(needs, from);
  unsigned char *data = x->data ? arena_alloc(a, (size_t)(outer * size * inner), element) : NULL,
                *to = data;
  for (int64_t o = 0; data && o < outer; o++)
    for (int64_t i = 0; i < needs->ranges; i++) {
      int64_t begin = needs->range[2 * i], end = needs->range[2 * i + 1];
      size_t bytes = (size_t)((end - begin) * inner) * element;
      memcpy(to, (unsigned char *)x->data + (size_t)((o * from + begin) * inner) * element, bytes);
      to += bytes;
    }
  x->data = data;
  x->shape[dim] = size;
  x->elements = shape_elements(x->rank, x->shape);
}

void array_widen(struct arena *a, struct array *x, int64_t frames, int dim,
                 const struct needs *needs, int64_t extent, size_t element) {
  int64_t inner = shape_elements(x->rank - dim - 1, x->shape + dim + 1);
  int64_t outer = (x->per_frame ? frames : 1) * shape_elements(dim, x->shape);
  unsigned char *data = arena_alloc(a, (size_t)(outer * extent * inner), element);
  const unsigned char *from = x->data;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < needs->ranges; i++) {
      int64_t begin = needs->range[2 * i], end = needs->range[2 * i + 1];
      size_t bytes = (size_t)((end - begin) * inner) * element;
      memcpy(data + (size_t)((o * extent + begin) * inner) * element, from, bytes);
      from += bytes;
    }
  x->data = data;
  x->shape[dim] = extent;
  x->elements = shape_elements(x->rank, x->shape);
}

// The original indices of a sliced axis.
static int64_t *points_of(struct arena *a, const struct slice *s, int64_t size) {
  int64_t *channel = ARENA_NEW(a, int64_t, size), k = 0;
  for (int64_t i = 0; i < s->ranges; i++)
    for (int64_t c = s->range[2 * i]; c < s->range[2 * i + 1]; c++) channel[k++] = c;
  return channel;
}

void job_narrow(struct arena *a, struct job *j, const struct space *space,
                const struct slice *slice, size_t element) {
  for (uint32_t i = 0; i < j->node->n_in && i < INPUTS_MAX; i++)
    for (int d = 0; d < space->in_rank[i]; d++) {
      struct needs needs = slice_needs(a, space, slice, i, d);
      if (!needs.whole && form_axis(space, i, d) != NONE)
        array_narrow(a, &j->in[i], j->frames, d, &needs, element);
    }
  if (!slice->ranges) return;
  j->axis = slice->axis;
  j->index = points_of(a, slice, slice_size(slice, space, slice->axis));
  for (int d = 0; d < space->out_rank; d++) {
    if (space->out_axis[d] != slice->axis) continue;
    j->sliced = d;
    j->kept = j->index;
    if (d == space->out_rank - 1) j->channel = j->kept;
  }
}

static void apply_slice(struct arena *a, struct job *j, size_t element) {
  struct space space;
  struct slice slice;
  struct err e = {0};
  if (space_of(j->graph, j->node, &space, &e) && slice_of(j->node, &space, &slice, &e))
    job_narrow(a, j, &space, &slice, element);
}

struct job job_of(struct arena *a, const struct graph *g, const struct node *n, int64_t frames,
                  size_t element, void *const *in, void *const *out) {
  struct job j = {.graph = g, .node = n, .frames = frames, .parts = (const void *const *)in};
  for (uint32_t i = 0; i < n->n_in && i < JOB_INPUTS; i++)
    j.in[i] = array_of(node_in(g, n, i), in[i]);
  for (uint32_t i = 0; i < n->n_out && i < JOB_OUTPUTS; i++)
    j.out[i] = array_of(node_out(g, n, i), out[i]);
  if (op_has_space(n->op) && node_attr(n, ATTR_slice)) apply_slice(a, &j, element);
  return j;
}

// ---- moving

static void move_concat(const struct job *j, size_t element) {
  int axis = concat_axis(j->graph, j->node);
  const struct array *y = &j->out[0];
  int64_t inner = shape_elements(y->rank - axis - 1, y->shape + axis + 1);
  int64_t rows = shape_elements(axis, y->shape), row = y->shape[axis] * inner;
  int64_t outer = job_frames(j, y) * rows;
  unsigned char *to = y->data;
  for (uint32_t i = 0; i < j->node->n_in; i++) {
    int64_t part = node_in(j->graph, j->node, i)->shape[axis] * inner;
    for (int64_t o = 0; o < outer; o++)
      memcpy(to + (size_t)(o * row) * element,
             (const unsigned char *)j->parts[i] +
                 (size_t)(job_part_row(j, i, rows, o) * part) * element,
             (size_t)part * element);
    to += (size_t)part * element;
  }
}

bool job_moves(const struct node *n) {
  if (op_is(n->op, TRAIT_REFERS)) return n->n_out > 0;
  return op_is(n->op, TRAIT_ALIAS | TRAIT_PARTS) && !n->n_rq;
}

bool job_move(const struct job *j, size_t element) {
  if (!job_moves(j->node)) return false;
  if (op_is(j->node->op, TRAIT_PARTS)) {
    move_concat(j, element);
    return true;
  }
  size_t size = (size_t)(j->out[0].elements * job_frames(j, &j->out[0])) * element;
  const void *from = j->node->n_ref ? j->held[0] : j->in[0].data;
  if (from != j->out[0].data) memcpy(j->out[0].data, from, size);
  return true;
}

// ---- shares and indices

void job_share(const struct job *j, int64_t count, int64_t *begin, int64_t *end) {
  int64_t shares = j->shares ? j->shares : 1;
  *begin = count * j->share / shares;
  *end = count * (j->share + 1) / shares;
}

int64_t job_broadcast(const struct array *x, const struct array *y, int64_t at) {
  int64_t index = 0, stride = 1;
  for (int d = y->rank - 1; d >= 0; d--) {
    int k = d - (y->rank - x->rank);
    if (k >= 0 && x->shape[k] > 1) index += at % y->shape[d] * stride;
    if (k >= 0) stride *= x->shape[k];
    at /= y->shape[d];
  }
  return index;
}

static bool summed(const struct node *n, int axis) {
  const struct attr *axes = node_attr(n, ATTR_axes);
  for (int64_t i = 0; axes && i < axes->count; i++)
    if (axes->ints[i] == axis) return true;
  return false;
}

int64_t job_result(const struct job *j, int64_t at) {
  int64_t index = 0, stride = 1;
  for (int d = j->in[0].rank - 1; d >= 0; d--) {
    int64_t k = at % j->in[0].shape[d];
    at /= j->in[0].shape[d];
    if (summed(j->node, d)) continue;
    index += k * stride;
    stride *= j->in[0].shape[d];
  }
  return index;
}
