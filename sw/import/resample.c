// SPDX-License-Identifier: Apache-2.0
#include "sw/import/resample.h"

#include "sw/import/transposed.h"

#include <math.h>

// Old pixels that a new one lies between, on each side.
static int64_t reach_of(const struct resample *r) {
  return r->cubic ? 2 : 1;
}

// ---- the edges

static bool edge(struct builder *b, const char *suffix, int axis, int64_t at, uint32_t in,
                 uint32_t *out) {
  const struct value *v = &b->graph->values[in];
  const char *name = b->node;
  int64_t begin[RANK_MAX] = {0}, end[RANK_MAX];
  int rank = v->rank;
  for (int d = 0; d < rank; d++) end[d] = v->shape[d];
  begin[axis] = at;
  end[axis] = at + 1;
  b->node = arena_printf(b->arena, "%s.%s%d", name, suffix, axis);
  uint32_t node = builder_node(b, OP_slice, 1, &in);
  graph_add_ints(b->graph, node, ATTR_begin, rank, begin);
  graph_add_ints(b->graph, node, ATTR_end, rank, end);
  b->node = name;
  return builder_out(b, node, out);
}

// The first and the last element of an axis stand `count` times more.
static bool extend(struct builder *b, int axis, int64_t count, uint32_t *value) {
  const char *name = b->node;
  uint32_t first, last, in[5], n = 0;
  int64_t size = b->graph->values[*value].shape[axis];
  if (!edge(b, "first", axis, 0, *value, &first) || !edge(b, "last", axis, size - 1, *value, &last))
    return false;
  for (int64_t i = 0; i < count; i++) in[n++] = first;
  in[n++] = *value;
  for (int64_t i = 0; i < count; i++) in[n++] = last;
  b->node = arena_printf(b->arena, "%s.edges%d", name, axis);
  uint32_t node = builder_node(b, OP_concat, n, in);
  graph_add_int(b->graph, node, ATTR_axis, axis);
  b->node = name;
  return builder_out(b, node, value);
}

// ---- weights

// Of a pixel at distance u.
static double weight_at(const struct resample *r, double u) {
  double d = fabs(u), a = r->a;
  if (!r->cubic) return d < 1 ? 1 - d : 0;
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? a * (((d - 5) * d + 8) * d - 4) : 0;
}

// Element k of the kernel along an axis, which begins `reach` pixels in front.
static double kernel_at(const struct resample *r, int64_t factor, int64_t k) {
  if (factor == 1) return 1;
  double f = (double)factor, shift = r->corner ? 0 : ((double)(factor / 2) + 0.5) / f - 0.5;
  return weight_at(r, (double)k / f + shift - (double)reach_of(r));
}

static uint32_t kernel(struct builder *b, const struct resample *r, const struct transposed *t) {
  int64_t shape[TRANSPOSED_AXES + 2];
  transposed_shape(t, shape);
  struct tensor *w = tensor_new(b->arena, DTYPE_F32, t->axes + 2, shape);
  for (int64_t i = 0; i < w->count; i++) {
    struct transposed_tap tap;
    if (!transposed_tap(t, i, &tap)) continue;
    double v = 1;
    for (int d = t->axes - 1; d >= 0; d--) {
      v *= kernel_at(r, t->stride[d], tap.element % t->kernel[d]);
      tap.element /= t->kernel[d];
    }
    ((float *)w->data)[i] = (float)v;
  }
  return builder_tensor(b, arena_printf(b->arena, "%s.weights", b->node), w);
}

bool resample_put(struct builder *b, const struct resample *r, struct stream *x) {
  int64_t size[TRANSPOSED_AXES], cut[TRANSPOSED_AXES], reach = reach_of(r);
  const struct value *v = &b->graph->values[x->value];
  struct transposed t = {.axes = v->rank - 1, .outs = 1};
  t.in = t.groups = v->shape[v->rank - 1];
  for (int d = 0; d < t.axes; d++) {
    int64_t f = r->factor[d];
    bool same = f == 1;
    size[d] = v->shape[d] + (same ? 0 : 2 * reach);
    if (f < 1 || size[d] > DIM_MAX / f)
      return builder_refuse(b, "use a smaller factor", "%lld rows or columns times %lld",
                            (long long)v->shape[d], (long long)f);
    t.stride[d] = f;
    t.kernel[d] = same ? 1 : 2 * reach * f;
    t.out[d] = v->shape[d] * f;
    cut[d] = same ? 0 : 2 * reach * f - (r->corner ? 0 : f / 2);
  }
  for (int d = 0; d < t.axes; d++)
    if (t.stride[d] > 1 && !extend(b, d, reach, &x->value)) return false;
  if (!transposed_fit(b, &t, size, cut)) return false;
  uint32_t in[2] = {x->value, kernel(b, r, &t)};
  uint32_t node = builder_node(b, t.axes == 2 ? OP_conv2d : OP_conv1d, 2, in);
  return transposed_put(b, &t, node, x);
}
