// SPDX-License-Identifier: Apache-2.0
// Streams on grids that no single type has: a scale for each channel, and codes that are rounded
// about their zero point.
#include "sw/import/depthwise.h"
#include "sw/import/onnx_grid.h"

#include <math.h>
#include <string.h>

enum { STREAM_BITS = 32, SPARE_BITS = 16 };

// ---- a scale for each channel

bool grid_has_channels(const struct grid *g) {
  for (int64_t i = 1; i < g->scale->count; i++)
    if (tensor_real(g->scale, i) != tensor_real(g->scale, 0)) return true;
  return false;
}

// The axis along which alone the scales differ, without the batch; NONE if there is none such.
static int axis_of(const struct grid *g, const struct layout *l) {
  const struct tensor *t = g->scale;
  int rank = l->rank + 1, found = NONE;
  for (int d = 0; d < t->rank; d++) {
    int64_t axis = t->rank == 1 ? (g->axis < 0 ? g->axis + rank : g->axis) : d + rank - t->rank;
    if (t->shape[d] == 1) continue;
    if (found != NONE || axis < 1 || axis > l->rank || t->shape[d] != l->shape[axis - 1])
      return NONE;
    found = (int)axis - 1;
  }
  return found;
}

// The scales as integers of at most so many bits and a power of two, exactly if they can be.
static double as_integers(const struct tensor *scale, int bits, int64_t *to) {
  int most = INT32_MIN, exponent;
  int64_t all = 0, n = scale->count;
  for (int64_t i = 0; i < n; i++) {
    frexp(tensor_real(scale, i), &exponent);
    most = exponent > most ? exponent : most;
  }
  for (int64_t i = 0; i < n; i++) {
    to[i] = (int64_t)rint(ldexp(tensor_real(scale, i), bits - most));
    if (to[i] == (int64_t)1 << bits) to[i]--;
    all |= to[i];
  }
  int spare = 0;
  while (all && !(all >> spare & 1)) spare++;
  for (int64_t i = 0; i < n; i++) to[i] >>= spare;
  return ldexp(1, most - bits + spare);
}

static bool is_exact(const struct tensor *scale, const int64_t *n, double unit) {
  for (int64_t i = 0; i < scale->count; i++) {
    double s = tensor_real(scale, i);
    if (n[i] < 1 || fabs((double)n[i] * unit - s) > 1e-6 * s) return false;
  }
  return true;
}

static bool times_scales(struct onnx *o, const struct grid *g, struct stream *s, int axis) {
  int axes[RANK_MAX], width = 1, bits;
  int64_t channels = g->scale->count, *n = ARENA_NEW(o->arena, int64_t, channels);
  double size = fmax(fabs(g->lo), fabs(g->hi));
  while (exp2(width) <= size) width++;
  bits = STREAM_BITS - 1 - width < 24 ? STREAM_BITS - 1 - width : 24;
  if (bits < 4)
    return onnx_refuse(o, "quantise to fewer bits", "%d bits with a scale for each channel",
                       width + 1);
  double unit = as_integers(g->scale, bits, n);
  if (!is_exact(g->scale, n, unit))
    builder_note(&o->builder, "its scales differ so much by channel that they are rounded", false);
  layout_axes(&s->layout, axes);
  if (!builder_tidy(&o->builder, s, axes)) return false;
  layout_last(axes, s->layout.rank, axis);
  if (!builder_arrange(&o->builder, s, axes)) return false;
  if (s->layout.rank > 3)
    return onnx_refuse(o, "quantise streams per tensor", "scales for channels of %d axes",
                       s->layout.rank);
  int64_t most = 1;
  for (int64_t c = 0; c < channels; c++) most = n[c] > most ? n[c] : most;
  for (bits = 1; most >> bits; bits++) continue;
  struct type type = type_fixed(o->arena, bits + 1, true, unit, 0);
  return depthwise_put(&o->builder, "scales", channels, channels, type, n, NULL, &s->value);
}

// An input that is quantised has that type. One that isn't quantised at once gets a finer one, of
// as many bits as streams have: `most` is the largest scale.
static bool fine_input(struct onnx *o, struct item *x, const struct grid *g, double most) {
  const struct value *v = &o->builder.graph->values[x->stream.value];
  bool plain =
      x->kind == ITEM_STREAM && !x->channels && (!x->term || x->term->function == FUNCTION_X);
  if (!plain || v->node != NONE) return true;
  int width = 2;
  while (exp2(width - 1) <= fmax(fabs(g->lo), fabs(g->hi)) * 2) width++;
  int spare = STREAM_BITS - width < SPARE_BITS ? STREAM_BITS - width : SPARE_BITS;
  struct type fine = type_fixed(o->arena, width + spare, true, ldexp(most, -spare), 0);
  const char *name = o->builder.node;
  o->builder.node = arena_printf(o->arena, "%s.fine", name);
  bool ok = grid_add_requant(o, &x->stream, fine, FIX_HALF_EVEN, FIX_SATURATE);
  o->builder.node = name;
  return ok;
}

// Divided by their scales, rounded to whole numbers, and each channel times its scale.
bool grid_per_channel(struct onnx *o, struct item x, const struct grid *g, struct stream *s) {
  int axis = axis_of(g, &x.stream.layout);
  int64_t channels = g->scale->count;
  struct grid whole = *g;
  double *scale = ARENA_NEW(o->arena, double, channels),
         *shift = ARENA_NEW(o->arena, double, channels), most = 0;
  if (axis == NONE || channels != x.stream.layout.shape[axis])
    return onnx_refuse(o, "quantise streams per tensor or per channel",
                       "%lld scales that aren't one for each channel", (long long)channels);
  for (int64_t c = 0; c < channels; c++) {
    scale[c] = 1 / tensor_real(g->scale, c);
    most = fmax(most, tensor_real(g->scale, c));
  }
  whole.scale = tensor_new(o->arena, DTYPE_F64, 0, NULL);
  *(double *)whole.scale->data = 1;
  if (!fine_input(o, &x, g, most)) return false;
  if (!g->bipolar) {
    if (!onnx_scaled(o, x, axis, channels, scale, shift)) return false;
    x = *onnx_item(o, o->node->output[0]);
  }
  return grid_to(o, x, &whole, s) && times_scales(o, g, s, axis);
}

// ---- rounded about the zero point

// The integers of a stream stand for zero * scale less.
static bool less_zero(struct onnx *o, struct stream *s, const struct grid *g, double scale,
                      double zero) {
  struct builder *b = &o->builder;
  const struct value *v = &b->graph->values[s->value];
  if (!builder_takes(b, v->rank, v->shape)) return false;
  int width = 2;
  while (exp2(width - 1) <= fabs(zero)) width++;
  struct type type = type_fixed(o->arena, width, true, scale, 0);
  struct tensor *t = tensor_new(o->arena, dtype_for(&type), v->rank, v->shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, (int64_t)zero);
  const char *name = b->node;
  b->node = arena_printf(o->arena, "%s.about", name);
  uint32_t in[2] = {s->value, builder_typed(b, arena_printf(o->arena, "%s.zero", name), t, type)};
  bool ok = builder_out(b, builder_node(b, OP_sub, 2, in), &s->value);
  b->node = name;
  return ok && grid_add_requant(o, s, grid_type(o, g, scale, zero), FIX_HALF_EVEN, FIX_SATURATE);
}

// x + zero * scale becomes integers of no zero point, of which that is taken off again.
bool grid_about_zero(struct onnx *o, struct item x, const struct grid *g, struct stream *s) {
  struct grid plain = *g;
  double scale, zero, one = 1;
  if (!grid_number(o, g->scale, "scale", &scale) || !grid_number(o, g->zero, "zero point", &zero))
    return false;
  if (!grid_zero_fits(o, g, zero)) return false;
  double shift = zero * scale;
  plain.zero = NULL;
  plain.about_zero = false;
  if (!fine_input(o, &x, g, scale) || !onnx_scaled(o, x, NONE, 1, &one, &shift)) return false;
  return grid_to(o, *onnx_item(o, o->node->output[0]), &plain, s) &&
         less_zero(o, s, g, scale, zero);
}
