// SPDX-License-Identifier: Apache-2.0
// What a slice reads of a dimension. Each term of its form turns a range into as many as its axis
// has indices, a stride apart, or into one where these meet.
#include "sw/graph/slice.h"

#include <stdlib.h>

static const struct term *term_of(const struct form *f, int axis) {
  for (int t = 0; t < f->terms; t++)
    if (f->term[t].axis == axis) return &f->term[t];
  return NULL;
}

static int64_t floor_of(int64_t v, int64_t per) {
  return v / per - (v % per < 0);
}

int64_t form_index(const struct form *f, int64_t at) {
  return floor_of(f->offset + f->term[0].stride * at, f->per);
}

int form_axis(const struct space *s, uint32_t input, int dim) {
  const struct form *f = &s->in[input][dim];
  bool own = f->terms == 1 && f->term[0].stride == 1 && f->offset == 0 && f->per == 1 &&
             f->extent == s->size[f->term[0].axis];
  return own ? f->term[0].axis : NONE;
}

int axis_dimension(const struct space *s, int axis, uint32_t input) {
  int found = NONE, parts = 0;
  for (int d = 0; d < s->in_rank[input]; d++) {
    if (!term_of(&s->in[input][d], axis)) continue;
    parts++;
    if (form_axis(s, input, d) == axis) found = d;
  }
  return parts == 1 ? found : NONE;
}

int64_t needs_size(const struct needs *n, int64_t extent) {
  int64_t size = 0;
  for (int64_t i = 0; i < n->ranges; i++) size += n->range[2 * i + 1] - n->range[2 * i];
  return n->whole ? extent : size;
}

// ---- sets of indices: (count, 2)

struct set {
  int64_t count;
  int64_t (*range)[2];
};

static int by_begin(const void *a, const void *b) {
  const int64_t *x = a, *y = b;
  return x[0] < y[0] ? -1 : x[0] > y[0];
}

// Sorted, and one where they meet.
static void merge(struct set *s) {
  int64_t kept = 0;
  qsort(s->range, (size_t)s->count, sizeof *s->range, by_begin);
  for (int64_t i = 0; i < s->count; i++) {
    int64_t begin = s->range[i][0], end = s->range[i][1];
    if (kept && begin <= s->range[kept - 1][1]) {
      if (end > s->range[kept - 1][1]) s->range[kept - 1][1] = end;
      continue;
    }
    s->range[kept][0] = begin;
    s->range[kept++][1] = end;
  }
  s->count = kept;
}

// The set, and the same 1, 2, .. steps - 1 strides further.
static struct set spread(struct arena *a, const struct set *from, int64_t stride, int64_t steps) {
  struct set to = {0, arena_alloc(a, (size_t)(from->count * steps), sizeof *to.range)};
  for (int64_t i = 0; i < from->count; i++) {
    int64_t begin = from->range[i][0], end = from->range[i][1];
    bool meets = stride <= end - begin;
    for (int64_t k = 0; k < (meets ? 1 : steps); k++) {
      to.range[to.count][0] = begin + k * stride;
      to.range[to.count++][1] = end + (meets ? steps - 1 : k) * stride;
    }
  }
  merge(&to);
  return to;
}

// The indices of a slice times a stride.
static struct set scaled(struct arena *a, const struct slice *slice, int64_t stride,
                         int64_t offset) {
  struct needs own = {.ranges = slice->ranges, .range = slice->range};
  struct set all = {0, arena_alloc(a, (size_t)needs_size(&own, 0), sizeof *all.range)};
  for (int64_t i = 0; i < slice->ranges; i++) {
    int64_t begin = slice->range[2 * i], end = slice->range[2 * i + 1];
    int64_t length = stride == 1 ? end - begin : 1; // of what lies side by side
    for (int64_t k = begin; k < end; k += length) {
      all.range[all.count][0] = k * stride + offset;
      all.range[all.count++][1] = k * stride + offset + length;
    }
  }
  return all;
}

// Several points may have one index.
static void divide(struct set *s, int64_t per) {
  for (int64_t i = 0; i < s->count; i++) {
    s->range[i][0] = floor_of(s->range[i][0], per);
    s->range[i][1] = floor_of(s->range[i][1] - 1, per) + 1;
  }
  merge(s);
}

static void clamp(struct set *s, int64_t extent) {
  int64_t kept = 0;
  for (int64_t i = 0; i < s->count; i++) {
    int64_t begin = s->range[i][0], end = s->range[i][1];
    if (begin < 0) begin = 0;
    if (end > extent) end = extent;
    if (begin >= end) continue;
    s->range[kept][0] = begin;
    s->range[kept++][1] = end;
  }
  s->count = kept;
}

struct needs slice_needs(struct arena *a, const struct space *s, const struct slice *slice,
                         uint32_t input, int dim) {
  const struct form *f = &s->in[input][dim];
  const struct term *own = slice->ranges ? term_of(f, slice->axis) : NULL;
  if (!own) return (struct needs){.whole = true};
  if (form_axis(s, input, dim) != NONE)
    return (struct needs){.ranges = slice->ranges, .range = slice->range};
  struct set all = scaled(a, slice, own->stride, f->offset);
  for (int t = 0; t < f->terms; t++)
    if (&f->term[t] != own) all = spread(a, &all, f->term[t].stride, s->size[f->term[t].axis]);
  if (f->per > 1) divide(&all, f->per);
  clamp(&all, f->extent);
  return (struct needs){.ranges = all.count, .range = &all.range[0][0]};
}
