// SPDX-License-Identifier: Apache-2.0
// CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED: sums of inputs times weights. Biases are added as
// they stand; the scale that the file gives them isn't used, and must be that of the products.
#include "sw/import/tflite_window.h"

#include <math.h>

// Relative; the file's is a product in floats.
#define SCALE_TOLERANCE 1e-6

// A layer's weights and where they lie in the file: weight i of output o at o * row + i * step.
struct layer {
  const struct tflite_tensor *x, *w, *b, *y; // b NULL: none
  int64_t outs, taps, row, step;
  struct tflite_shape shape; // of the weights in the graph, (OUT, ..)
};

static bool is_weights(struct tflite *t, const struct layer *l, int axis) {
  const struct tflite_tensor *w = l->w;
  if (w->type != TFLITE_INT8 || !w->data.count)
    return tflite_refuse(t, "convert the model with full integer quantisation",
                         "weights \"%s\" of type %s%s, expected constants of INT8", w->name,
                         tflite_type_text(w->type), w->data.count ? "" : " that are computed");
  if (w->scales != 1 && (w->scales != l->outs || w->axis != axis))
    return tflite_refuse(
        t, "quantise the weights per tensor or per output channel",
        "weights \"%s\" have %u scales on axis %lld, expected 1 or %lld on axis %d", w->name,
        w->scales, (long long)w->axis, (long long)l->outs, axis);
  for (uint32_t c = 0; c < w->scales; c++) {
    double scale = tflite_scale(w, c);
    if (!(scale > 0) || !isfinite(scale) || tflite_zero(w, c) != 0)
      return tflite_refuse(
          t, "quantise the weights symmetrically",
          "weights \"%s\" have scale %g and zero point %lld in channel %u, expected "
          "a positive scale and 0",
          w->name, scale, (long long)tflite_zero(w, c), c);
  }
  return true;
}

// (OUT, taps) from wherever the file has them.
static uint32_t add_weights(struct tflite *t, const struct layer *l) {
  struct tensor *data = tensor_new(t->arena, DTYPE_I8, l->shape.rank, l->shape.size);
  double *scale = ARENA_NEW(t->arena, double, l->w->scales);
  for (int64_t o = 0; o < l->outs; o++)
    for (int64_t i = 0; i < l->taps; i++)
      tensor_set_int(data, o * l->taps + i, tflite_integer(l->w, o * l->row + i * l->step));
  for (uint32_t c = 0; c < l->w->scales; c++) scale[c] = tflite_scale(l->w, c);
  int axis = l->w->scales > 1 ? 0 : -1;
  return tflite_constant(t, "weight", data,
                         type_channels(t->arena, 8, true, axis, l->w->scales, scale,
                                       ARENA_NEW(t->arena, int32_t, l->w->scales)));
}

static bool is_bias(struct tflite *t, const struct layer *l) {
  const struct tflite_tensor *b = l->b;
  if (b->type != TFLITE_INT32 || !b->data.count || tflite_elements(b) != l->outs)
    return tflite_refuse(
        t, "convert the model with full integer quantisation",
        "bias \"%s\" of type %s and %lld elements, expected %lld constants of INT32", b->name,
        tflite_type_text(b->type), (long long)tflite_elements(b), (long long)l->outs);
  for (uint32_t c = 0; c < b->scales; c++) {
    double expected = tflite_scale(l->x, 0) * tflite_scale(l->w, c), found = tflite_scale(b, c);
    bool fits = fabs(found - expected) <= SCALE_TOLERANCE * expected && tflite_zero(b, c) == 0;
    if (!fits)
      return tflite_refuse(t, "convert the model anew",
                           "bias \"%s\" has scale %.9g and zero point %lld in channel %u, expected "
                           "that of input times weight, %.9g, and 0",
                           b->name, found, (long long)tflite_zero(b, c), c, expected);
  }
  return true;
}

// Signed bits that hold all of them.
static int width_of(const struct tflite_tensor *b) {
  int width = 2;
  for (int64_t i = 0; i < tflite_elements(b); i++) {
    int64_t v = tflite_integer(b, i);
    while (v < fix_lowest(width, true) || v > fix_highest(width, true)) width++;
  }
  return width;
}

static uint32_t add_bias(struct tflite *t, const struct layer *l) {
  uint32_t channels = l->w->scales;
  double *scale = ARENA_NEW(t->arena, double, channels);
  for (uint32_t c = 0; c < channels; c++) scale[c] = tflite_scale(l->x, 0) * tflite_scale(l->w, c);
  struct type type = type_channels(t->arena, width_of(l->b), true, channels > 1 ? 0 : -1, channels,
                                   scale, ARENA_NEW(t->arena, int32_t, channels));
  struct tensor *data = tensor_new(t->arena, dtype_for(&type), 1, &l->outs);
  for (int64_t o = 0; o < l->outs; o++) tensor_set_int(data, o, tflite_integer(l->b, o));
  return tflite_constant(t, "bias", data, type);
}

static bool add_requants(struct tflite *t, uint32_t node, const struct layer *l) {
  int64_t *mul = ARENA_NEW(t->arena, int64_t, l->w->scales);
  int32_t *shift = ARENA_NEW(t->arena, int32_t, l->w->scales);
  for (uint32_t c = 0; c < l->w->scales; c++) {
    double r = tflite_scale(l->x, 0) * tflite_scale(l->w, c) / tflite_scale(l->y, 0);
    if (!tflite_multiplier(r, &mul[c], &shift[c]))
      return tflite_refuse(t, "calibrate with data that reach the layer's range",
                           "the scales of input times weight over output give %g in channel %u", r,
                           c);
  }
  graph_add_requant(t->graph, node, l->w->scales, mul, shift);
  return true;
}

static bool add_layer(struct tflite *t, const struct layer *l, const struct tflite_node *n,
                      enum fix_rounding rounding) {
  if (!tflite_take(t, l->outs * l->taps + 4 * l->outs)) return false;
  t->graph->nodes[n->id].rounding = rounding;
  tflite_use(t, n->id, add_weights(t, l));
  if (l->b) tflite_use(t, n->id, add_bias(t, l));
  return add_requants(t, n->id, l);
}

// What all three have, but for the shapes.
static bool layer_of(struct tflite *t, int rank, int axis, struct layer *l) {
  *l = (struct layer){
      .x = tflite_in(t, 0), .w = tflite_in(t, 1), .b = tflite_in(t, 2), .y = tflite_out(t, 0)};
  if (!tflite_is_stream(t, l->x, false) || !tflite_is_stream(t, l->y, false)) return false;
  if (l->w->rank != rank)
    return err_set(t->err, "weights \"%s\" have rank %d, expected %d", l->w->name, l->w->rank,
                   rank);
  l->outs = l->w->shape[axis];
  l->taps = tflite_elements(l->w) / l->outs;
  l->row = l->taps;
  l->step = 1;
  return is_weights(t, l, axis) && (!l->b || is_bias(t, l));
}

// (rows, columns), or one row.
static struct tflite_shape matrix(int64_t rows, int64_t columns) {
  if (rows == 1) return (struct tflite_shape){1, {columns}};
  return (struct tflite_shape){2, {rows, columns}};
}

// How many rows of inputs there are, whatever the shapes; 0 with a message.
static int64_t rows_of(struct tflite *t, const struct layer *l) {
  int64_t in = tflite_elements(l->x), out = tflite_elements(l->y), rows = in / l->taps;
  if (rows * l->taps == in && rows * l->outs == out) return rows;
  err_put(t->err, "%lld elements in and %lld out, weights (%lld, %lld)", (long long)in,
          (long long)out, (long long)l->outs, (long long)l->taps);
  return 0;
}

bool tflite_fully_connected(struct tflite *t) {
  enum { ACTIVATION, FORMAT };
  struct layer l;
  struct tflite_node n;
  if (!layer_of(t, 2, 0, &l)) return false;
  if (flat_int(t->op->options, FORMAT, FLAT_I8, 0) != 0)
    return tflite_refuse(t, "convert the model without shuffled weights",
                         "its weights are shuffled");
  int64_t rows = rows_of(t, &l);
  if (!rows) return false;
  l.shape = (struct tflite_shape){2, {l.outs, l.taps}};
  uint32_t x = tflite_value(t, 0, matrix(rows, l.taps));
  int activation = (int)flat_int(t->op->options, ACTIVATION, FLAT_I8, 0);
  if (!tflite_begin(t, OP_linear, activation, &n)) return false;
  tflite_use(t, n.id, x);
  if (!add_layer(t, &l, &n, FIX_HALF_UP)) return false;
  tflite_end(t, &n, matrix(rows, l.outs));
  return true;
}

static bool add_conv(struct tflite *t, const struct layer *l, const struct tflite_window *w,
                     int activation, int64_t groups) {
  struct tflite_node n;
  uint32_t x = tflite_value(t, 0, tflite_frame(l->x));
  if (!tflite_begin(t, OP_conv2d, activation, &n)) return false;
  tflite_use(t, n.id, x);
  if (!add_layer(t, l, &n, FIX_TFLITE)) return false;
  tflite_window_put(t, n.id, w);
  if (groups != 1) graph_add_int(t->graph, n.id, ATTR_groups, groups);
  tflite_end(t, &n, tflite_frame(l->y));
  return true;
}

bool tflite_conv(struct tflite *t) {
  enum { PADDING, STRIDE_W, STRIDE_H, ACTIVATION, DILATION_W, DILATION_H };
  struct layer l;
  struct tflite_window w;
  if (!layer_of(t, 4, 0, &l) || !tflite_is_image(t)) return false;
  const struct tflite_window_fields fields = {PADDING, STRIDE_W, STRIDE_H, DILATION_W, DILATION_H};
  if (!tflite_window_of(t, &fields, l.w->shape[1], l.w->shape[2], &w)) return false;
  int64_t channels = l.x->shape[3];
  if (channels % l.w->shape[3] != 0)
    return err_set(t->err, "%lld channels, the weights expect %lld", (long long)channels,
                   (long long)l.w->shape[3]);
  l.shape = tflite_whole(l.w);
  return add_conv(t, &l, &w, (int)flat_int(t->op->options, ACTIVATION, FLAT_I8, 0),
                  channels / l.w->shape[3]);
}

// Weights (1, KH, KW, OUT): output o reads channel o / multiplier.
bool tflite_depthwise_conv(struct tflite *t) {
  enum { PADDING, STRIDE_W, STRIDE_H, MULTIPLIER, ACTIVATION, DILATION_W, DILATION_H };
  struct layer l;
  struct tflite_window w;
  if (!layer_of(t, 4, 3, &l) || !tflite_is_image(t)) return false;
  const struct tflite_window_fields fields = {PADDING, STRIDE_W, STRIDE_H, DILATION_W, DILATION_H};
  if (!tflite_window_of(t, &fields, l.w->shape[1], l.w->shape[2], &w)) return false;
  if (l.w->shape[0] != 1)
    return err_set(t->err, "weights (%lld, ..), expected (1, KH, KW, OUT)",
                   (long long)l.w->shape[0]);
  l.row = 1;
  l.step = l.outs;
  l.shape = (struct tflite_shape){4, {l.outs, l.w->shape[1], l.w->shape[2], 1}};
  return add_conv(t, &l, &w, (int)flat_int(t->op->options, ACTIVATION, FLAT_I8, 0), l.x->shape[3]);
}
