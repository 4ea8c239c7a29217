// SPDX-License-Identifier: Apache-2.0
// Windows, and AVERAGE_POOL_2D, MAX_POOL_2D and MEAN, which are pools.
#include "sw/import/tflite_window.h"

#include "sw/graph/pool.h"

#include <math.h>

enum { AXES = WINDOW_AXES };
enum { SAME, VALID };

bool tflite_is_image(struct tflite *t) {
  const struct tflite_tensor *x = tflite_in(t, 0), *y = tflite_out(t, 0);
  if (x->rank != 4 || y->rank != 4)
    return err_set(t->err, "ranks %d and %d, expected images of rank 4", x->rank, y->rank);
  if (tflite_is_batch(x) && tflite_is_batch(y)) return true;
  return tflite_refuse(t, "convert the model with batch_size = 1",
                       "a batch of %lld images, expected 1", (long long)x->shape[0]);
}

// SAME: as many outputs as strides begin in the image, padding on both sides, the rest behind.
static void pad_same(struct tflite_window *w, int axis, int64_t in) {
  int64_t out = (in + w->stride[axis] - 1) / w->stride[axis];
  int64_t total = (out - 1) * w->stride[axis] + (w->kernel[axis] - 1) * w->dilation[axis] + 1 - in;
  if (total < 0) total = 0;
  w->pad[axis] = total / 2;
  w->pad[AXES + axis] = total - total / 2;
}

static int64_t field(const struct tflite *t, int number, int64_t otherwise) {
  return number == NONE ? 1 : flat_int(t->op->options, (uint32_t)number, FLAT_I32, otherwise);
}

bool tflite_window_of(struct tflite *t, const struct tflite_window_fields *f, int64_t kernel_h,
                      int64_t kernel_w, struct tflite_window *w) {
  int64_t padding = flat_int(t->op->options, (uint32_t)f->padding, FLAT_I8, SAME);
  *w = (struct tflite_window){.kernel = {kernel_h, kernel_w},
                              .stride = {field(t, f->stride_h, 0), field(t, f->stride_w, 0)},
                              .dilation = {field(t, f->dilation_h, 1), field(t, f->dilation_w, 1)}};
  for (int axis = 0; axis < AXES; axis++) {
    bool good = w->kernel[axis] >= 1 && w->kernel[axis] <= DIM_MAX && w->stride[axis] >= 1 &&
                w->dilation[axis] >= 1;
    if (!good || padding < SAME || padding > VALID)
      return err_set(t->err, "kernel %lld, stride %lld, dilation %lld, padding %lld",
                     (long long)w->kernel[axis], (long long)w->stride[axis],
                     (long long)w->dilation[axis], (long long)padding);
    if (padding == SAME) pad_same(w, axis, tflite_in(t, 0)->shape[1 + axis]);
  }
  return true;
}

void tflite_window_put(struct tflite *t, uint32_t node, const struct tflite_window *w) {
  const int64_t *s = w->stride, *d = w->dilation, *p = w->pad;
  if (s[ROWS] != 1 || s[COLUMNS] != 1) graph_add_ints(t->graph, node, ATTR_stride, AXES, s);
  if (d[ROWS] != 1 || d[COLUMNS] != 1) graph_add_ints(t->graph, node, ATTR_dilation, AXES, d);
  if (p[0] || p[1] || p[2] || p[3]) graph_add_ints(t->graph, node, ATTR_pad, 2 * AXES, p);
}

// ---- pools

// Codes of the image, the largest or their average.
static bool pool(struct tflite *t, enum op kind) {
  enum { PADDING, STRIDE_W, STRIDE_H, FILTER_W, FILTER_H, ACTIVATION };
  const struct tflite_window_fields fields = {PADDING, STRIDE_W, STRIDE_H, NONE, NONE};
  const struct tflite_tensor *x = tflite_in(t, 0), *y = tflite_out(t, 0);
  struct tflite_window w;
  struct tflite_node n;
  if (!tflite_streams(t) || !tflite_is_image(t)) return false;
  if (!tflite_same(x, y))
    return tflite_refuse(t, "convert the model anew", "its input and output have different scales");
  if (!tflite_window_of(t, &fields, field(t, FILTER_H, 0), field(t, FILTER_W, 0), &w)) return false;
  uint32_t value = tflite_value(t, 0, tflite_frame(x));
  int activation = (int)flat_int(t->op->options, ACTIVATION, FLAT_I8, 0);
  if (!tflite_begin(t, kind, activation, &n)) return false;
  tflite_use(t, n.id, value);
  graph_add_ints(t->graph, n.id, ATTR_kernel, AXES, w.kernel);
  tflite_window_put(t, n.id, &w);
  if (kind == OP_avg_pool) {
    tflite_requant(t, n.id, 1, 0);
    t->graph->nodes[n.id].rounding = FIX_TFLITE;
  }
  tflite_end(t, &n, tflite_frame(y));
  return true;
}

bool tflite_max_pool(struct tflite *t) {
  return pool(t, OP_max_pool);
}

bool tflite_average_pool(struct tflite *t) {
  return pool(t, OP_avg_pool);
}

// Rows and columns, in any order; nothing else.
static bool over_image(struct tflite *t) {
  int64_t count, seen = 0;
  const int64_t *axes = tflite_list(t, 1, &count);
  if (!axes) return false;
  for (int64_t i = 0; i < count; i++) {
    int axis = tflite_axis(t, tflite_in(t, 0), axes[i]);
    if (axis == NONE) return false;
    seen |= 1 << axis;
  }
  return (tflite_in(t, 0)->rank == 4 && seen == (1 << 1 | 1 << 2)) ||
         tflite_refuse(t, "take the mean over rows and columns of an image (1, H, W, C)",
                       "a mean over other axes than 1 and 2 of rank 4");
}

bool tflite_mean(struct tflite *t) {
  const struct tflite_tensor *x = tflite_in(t, 0), *y = tflite_out(t, 0);
  struct tflite_node n;
  int64_t mul;
  int32_t shift;
  if (!tflite_is_stream(t, x, false) || !tflite_is_stream(t, y, false) || !over_image(t))
    return false;
  if (!tflite_is_batch(x) || tflite_elements(y) != x->shape[3])
    return tflite_refuse(t, "convert the model with batch_size = 1",
                         "a batch of %lld images, expected 1", (long long)x->shape[0]);
  double r = tflite_scale(x, 0) / tflite_scale(y, 0);
  if (!tflite_multiplier(r, &mul, &shift))
    return tflite_refuse(t, "calibrate with data that reach the layer's range",
                         "the scales of input over output give %g", r);
  pool_mean_scale(x->shape[1] * x->shape[2], &mul, &shift);
  uint32_t value = tflite_value(t, 0, tflite_frame(x));
  if (!tflite_begin(t, OP_avg_pool, TFLITE_NONE, &n)) return false;
  tflite_use(t, n.id, value);
  tflite_requant(t, n.id, mul, shift);
  t->graph->nodes[n.id].rounding = FIX_TFLITE;
  tflite_end(t, &n, (struct tflite_shape){3, {1, 1, x->shape[3]}});
  return true;
}
