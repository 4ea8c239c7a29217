// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/reorder.h"

static int64_t common(int64_t a, int64_t b) {
  return b ? common(b, a % b) : a;
}

// Each dimension is along its own axis, every element at most once.
static bool in_order(const struct space *s) {
  for (int d = 0; d < s->in_rank[0]; d++)
    if (s->in[0][d].per > 1 || s->in[0][d].term[0].axis != d) return false;
  return true;
}

// ---- beats that go away or come in between

// The last dimension that isn't what it was, whose elements are the products of those behind it;
// NONE: they all are, or axes of one element have other places.
static int last_moved(const struct space *s, int64_t *inner) {
  bool own = in_order(s);
  *inner = 1;
  for (int d = s->in_rank[0] - 1; d >= 0; d--) {
    if (own && form_axis(s, 0, d) != d) return d;
    *inner *= s->in[0][d].extent;
  }
  return NONE;
}

static bool steps(const struct form *f) {
  return f->term[0].stride > 1;
}

static int64_t extent_unit(const struct space *s) {
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

// ---- beats in another order

// The dimension of the input that is read along an axis; each is along one.
static int read_along(const struct space *s, int axis) {
  int d = 0;
  while (s->in[0][d].term[0].axis != axis) d++;
  return d;
}

// One more dimension, the slowest so far: a part of the one below where that goes on in its stride.
static void add_walk(struct circuit_blocks *b, int64_t size, int64_t stride) {
  int below = b->dims - 1;
  if (size == 1) return;
  if (b->dims && stride == b->size[below] * b->stride[below]) {
    b->size[below] *= size;
    return;
  }
  b->size[b->dims] = size;
  b->stride[b->dims++] = stride;
}

// In elements, as one block.
static struct circuit_blocks whole_walk(const struct space *s) {
  struct circuit_blocks b = {.blocks = 1, .in = 1};
  int64_t stride[RANK_MAX];
  for (int d = s->in_rank[0]; d-- > 0; b.in *= s->in[0][d].extent) stride[d] = b.in;
  for (int axis = s->axes; axis-- > 0;) {
    int d = read_along(s, axis);
    add_walk(&b, s->in[0][d].per, 0);
    add_walk(&b, s->in[0][d].extent, stride[d]);
  }
  return b;
}

// What the slowest dimension goes through, if that is the frame from its begin to its end, is
// blocks.
static struct circuit_blocks elements_of(const struct space *s) {
  struct circuit_blocks b = whole_walk(s);
  int last = b.dims - 1;
  if (!b.dims || b.size[last] * b.stride[last] != b.in) return b;
  b.blocks = b.size[last];
  b.in = b.stride[last];
  b.dims--;
  return b;
}

bool circuit_reorder_moves(const struct space *s) {
  return !in_order(s) && elements_of(s).dims > 0;
}

int64_t circuit_reorder_unit(const struct space *s) {
  if (!circuit_reorder_moves(s)) return extent_unit(s);
  struct circuit_blocks b = elements_of(s);
  return b.dims && b.stride[0] == 1 ? b.size[0] : 1;
}

// More than one lane stands where the fastest dimension is a stride of 1.
struct circuit_blocks circuit_blocks_of(const struct space *s, int64_t lanes) {
  struct circuit_blocks b = elements_of(s), beats = {.blocks = b.blocks, .in = b.in / lanes};
  for (int k = 0; k < b.dims; k++)
    if (b.stride[k] == 1)
      add_walk(&beats, b.size[k] / lanes, 1);
    else
      add_walk(&beats, b.size[k], b.stride[k] / lanes);
  beats.out = 1;
  for (int k = 0; k < beats.dims; k++) beats.out *= beats.size[k];
  return beats;
}

int64_t circuit_blocks_at(const struct circuit_blocks *b, int64_t i) {
  int64_t at = 0;
  for (int k = 0; k < b->dims; i /= b->size[k++]) at += i % b->size[k] * b->stride[k];
  return at;
}
