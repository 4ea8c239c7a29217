// SPDX-License-Identifier: Apache-2.0
// QONNX's MultiThreshold: how many thresholds of its channel an element reaches. A power of two
// apart they are a floor, which is exact. Others are compared one by one: each channel becomes a
// channel for each of its thresholds, x - t, of which the sign is taken, +1 where x reaches t and
// -1 where it doesn't; N signs have the sum 2 count - N.
#include "sw/import/depthwise.h"
#include "sw/import/onnx_grid.h"

#include <math.h>
#include <string.h>

struct steps {
  const struct tensor *list; // (channels, steps), or (1, steps) for all
  int64_t channels, steps;
  int axis;         // of the stream's channels, without the batch
  double out, bias; // the output is out * count + bias
};

// The axis of the channels, without the batch.
static int channel_axis(struct onnx *o, int rank) {
  const char *layout = onnx_text(o, "data_layout", ""), *c = strchr(layout, 'C');
  if (c > layout && c - layout <= rank) return (int)(c - layout) - 1;
  return rank == 2 ? 1 : 0; // (N, W, C), but (N, C, H, W)
}

// ---- equally far apart

// The distance of the thresholds of a channel, of which each may be off by as much as its float is
// rounded, if that is to count; 0: they aren't equally far apart, or don't rise.
static double distance(const struct steps *s, int64_t channel, bool exactly) {
  double first = tensor_real(s->list, channel * s->steps);
  double last = tensor_real(s->list, (channel + 1) * s->steps - 1);
  double apart = s->steps > 1 ? (last - first) / (double)(s->steps - 1) : 1;
  double most = fabs(first) > fabs(last) ? fabs(first) : fabs(last);
  double off = exactly ? 0 : 1e-5 * fabs(apart) + 0x1p-22 * most;
  for (int64_t i = 0; i < s->steps; i++) {
    double at = tensor_real(s->list, channel * s->steps + i);
    if (!(fabs(at - first - (double)i * apart) <= off)) return 0;
  }
  return apart > 0 ? apart : 0;
}

enum { COMPARED_MOST = 64 }; // thresholds of a channel: of equal steps more are a floor

// Whether all channels have equal steps, and whether these are powers of two.
static bool is_floor(const struct steps *s, bool *exact) {
  int exponent;
  *exact = true;
  for (int64_t c = 0; c < s->channels; c++) {
    *exact &= frexp(distance(s, c, true), &exponent) == 0.5;
    if (distance(s, c, false) == 0) return false;
  }
  return *exact || s->steps > COMPARED_MOST;
}

static bool floors(struct onnx *o, const struct item *x, const struct steps *s) {
  double *scale = ARENA_NEW(o->arena, double, s->channels),
         *shift = ARENA_NEW(o->arena, double, s->channels);
  for (int64_t c = 0; c < s->channels; c++) {
    double apart = distance(s, c, false);
    scale[c] = 1 / apart;
    shift[c] = 1 - tensor_real(s->list, c * s->steps) / apart;
  }
  int axis = s->channels > 1 ? s->axis : NONE;
  if (!onnx_scaled(o, *x, axis, s->channels, scale, shift)) return false;
  struct tensor *one = tensor_new(o->arena, DTYPE_F64, 0, NULL);
  *(double *)one->data = 1;
  struct grid g = {.width = 32, .hi = (double)s->steps, .scale = one, .rounding = FIX_FLOOR};
  if (!grid_requantise(o, *onnx_item(o, o->node->output[0]), &g)) return false;
  return (s->out == 1 && s->bias == 0) ||
         onnx_scaled(o, *onnx_item(o, o->node->output[0]), NONE, 1, &s->out, &s->bias);
}

// ---- compared one by one

// Sums of each group of channels, all with the one weight `scale`, and a bias.
static bool layer(struct onnx *o, const char *suffix, int64_t outs, int64_t groups, double scale,
                  struct tensor *bias, uint32_t *value) {
  double size = fabs(scale);
  int64_t *weights = ARENA_NEW(o->arena, int64_t, outs);
  for (int64_t i = 0; i < outs; i++) weights[i] = scale < 0 ? -1 : 1;
  struct type type =
      type_signs(o->arena, TYPE_BIPOLAR, -1, 1, arena_copy(o->arena, &size, sizeof size));
  return depthwise_put(&o->builder, suffix, outs, groups, type, weights, bias, value);
}

static bool signs(struct onnx *o, uint32_t *value) {
  static const double one = 1;
  struct builder *b = &o->builder;
  const char *name = b->node;
  b->node = arena_printf(o->arena, "%s.signs", name);
  uint32_t node = builder_node(b, OP_requant, 1, value);
  graph_add_type(b->graph, node, ATTR_type, type_signs(o->arena, TYPE_BIPOLAR, -1, 1, &one));
  b->node = name;
  return builder_out(b, node, value);
}

// Channels are last in our order, of an image or a sequence.
static bool compare_each(struct onnx *o, const struct steps *s, uint32_t *value) {
  const struct value *v = &o->builder.graph->values[*value];
  int64_t channels = v->shape[v->rank - 1], all = channels * s->steps;
  struct tensor *less = tensor_new(o->arena, DTYPE_F32, 1, &all);
  struct tensor *bias = tensor_new(o->arena, DTYPE_F32, 1, &channels);
  for (int64_t i = 0; i < all; i++)
    ((float *)less->data)[i] = (float)-tensor_real(s->list, s->channels > 1 ? i : i % s->steps);
  for (int64_t c = 0; c < channels; c++)
    ((float *)bias->data)[c] = (float)(s->out * (double)s->steps / 2 + s->bias);
  return layer(o, "thresholds", all, channels, 1, less, value) && signs(o, value) &&
         layer(o, NULL, channels, channels, s->out / 2, bias, value);
}

static bool compares(struct onnx *o, struct item *x, const struct steps *s) {
  struct stream y = {0};
  int axes[RANK_MAX];
  if (!onnx_made(o, x, &y)) return false;
  int rank = y.layout.rank;
  if (rank > 3)
    return onnx_refuse(o, "use images (N, C, H, W)",
                       "unequal thresholds of an array of %d axes beside the batch", rank);
  if (!builder_tidy(&o->builder, &y, axes)) return false;
  if (s->channels > 1 && rank > 1) {
    layout_last(axes, rank, s->axis);
    if (!builder_arrange(&o->builder, &y, axes)) return false;
  }
  const struct value *v = &o->builder.graph->values[y.value];
  int64_t made[2] = {v->shape[v->rank - 1], s->steps};
  if (!builder_takes(&o->builder, 2, made) || made[0] * made[1] > DIM_MAX)
    return onnx_refuse(o, "use Quant, or fewer bits", "%lld thresholds that are no equal steps",
                       (long long)(made[0] * made[1]));
  if (!compare_each(o, s, &y.value)) return false;
  onnx_set_stream(o, 0, y);
  return true;
}

bool onnx_multi_threshold(struct onnx *o) {
  struct item *x = onnx_in(o, 0), *list = grid_constant(o, 1, "threshold list");
  if (!x || !list) return false;
  const struct tensor *t = list->constant;
  if (x->kind != ITEM_STREAM || x->grid || t->rank != 2 || t->shape[0] < 1 || t->shape[1] < 1 ||
      t->shape[1] > 1 << 20)
    return onnx_refuse(o, "check the file", "its thresholds aren't (channels, steps)");
  struct steps s = {.list = t,
                    .channels = t->shape[0],
                    .steps = t->shape[1],
                    .axis = channel_axis(o, x->stream.layout.rank),
                    .out = onnx_real(o, "out_scale", 1),
                    .bias = onnx_real(o, "out_bias", 0)};
  for (int64_t i = 0; i < t->count; i++)
    if (!isfinite(tensor_real(t, i)))
      return onnx_refuse(o, "check the file", "threshold %lld is %g", (long long)i,
                         tensor_real(t, i));
  if (s.channels > 1 && (!x->stream.layout.rank || s.channels != x->stream.layout.shape[s.axis]))
    return onnx_refuse(o, "check the file", "thresholds for %lld channels", (long long)s.channels);
  if (s.out == 0 || !isfinite(s.out) || !isfinite(s.bias))
    return onnx_refuse(o, "check the file", "out_scale %g, out_bias %g", s.out, s.bias);
  bool exact;
  if (!is_floor(&s, &exact)) return compares(o, x, &s);
  if (!exact)
    builder_note(&o->builder,
                 "its thresholds are equal steps, too many to compare one by one and no power of "
                 "two apart: where an element meets one exactly, it may not count",
                 false);
  return floors(o, x, &s);
}
