// SPDX-License-Identifier: Apache-2.0
// Layers with weights, windows, norms, sums over axes, classes. Weights change from our order to
// ONNX's here: (OUT, KH, KW, IN/groups) to (OUT, IN/groups, KH, KW).
#include "sw/export/onnx_writer.h"
#include "sw/graph/conv.h"
#include "sw/graph/norm.h"
#include "sw/graph/pool.h"
#include "sw/graph/subsample.h"

static bool has_weights(struct onnx_writer *w) {
  for (uint32_t i = 1; i < w->node->n_in; i++)
    if (!node_in(w->graph, w->node, i)->init)
      return writer_refuse(w, "export what train -o wrote", "its weights are computed");
  return true;
}

// A tensor as it is.
static const char *plain(struct onnx_writer *w, uint32_t i) {
  uint32_t value = w->node->in[i].value;
  const struct value *v = &w->graph->values[value];
  return writer_weights(w, value, v->rank, v->shape, NULL, 0);
}

// ---- matrices

// Weights (OUT, IN), or (IN, OUT) for MatMul; columns in the order of what is read.
static const char *matrix(struct onnx_writer *w, bool rows, const int64_t *element) {
  uint32_t value = w->node->in[1].value;
  const struct value *v = &w->graph->values[value];
  int64_t outs = v->shape[0], ins = v->shape[1], shape[2] = {rows ? outs : ins, rows ? ins : outs};
  int64_t *index = ARENA_NEW(w->arena, int64_t, outs * ins);
  for (int64_t o = 0; o < outs; o++)
    for (int64_t i = 0; i < ins; i++)
      index[rows ? o * ins + i : i * outs + o] = o * ins + (element ? element[i] : i);
  return writer_weights(w, value, 2, shape, index, rows ? 0 : 1);
}

bool onnx_put_linear(struct onnx_writer *w) {
  if (!has_weights(w)) return false;
  uint32_t x = w->node->in[0].value;
  bool flat = w->graph->values[x].rank == 1, biased = w->node->n_in > 2;
  const char *in[3] = {writer_read(w, x, ORDER_PLAIN), matrix(w, flat, w->values[x].element)};
  if (biased) in[2] = plain(w, 2);
  const char *out = writer_made(w, 0, ORDER_PLAIN);
  if (flat) {
    onnx_file_attr_int(w->file, writer_node(w, w->op, biased ? 3 : 2, in, out), "transB", 1);
  } else if (!biased) {
    writer_node(w, "MatMul", 2, in, out);
  } else {
    in[0] = writer_before(w, "MatMul", "product", 2, in);
    in[1] = in[2];
    writer_node(w, "Add", 2, in, out);
  }
  return true;
}

// ---- windows

static void put_window(struct onnx_writer *w, Onnx__NodeProto *n, const struct window *win) {
  int first = WINDOW_AXES - win->axes;
  int64_t pads[2 * WINDOW_AXES];
  for (int d = 0; d < win->axes; d++) {
    pads[d] = win->before[first + d];
    pads[win->axes + d] = win->after[first + d];
  }
  onnx_file_attr_ints(w->file, n, "kernel_shape", win->axes, win->kernel + first);
  onnx_file_attr_ints(w->file, n, "strides", win->axes, win->stride + first);
  onnx_file_attr_ints(w->file, n, "pads", 2 * win->axes, pads);
}

static void put_dilation(struct onnx_writer *w, Onnx__NodeProto *n, const struct window *win) {
  onnx_file_attr_ints(w->file, n, "dilations", win->axes, win->dilation + WINDOW_AXES - win->axes);
}

static const char *kernels(struct onnx_writer *w, int rank, const int64_t *ours) {
  int64_t shape[RANK_MAX] = {ours[0], ours[rank - 1]}, taps = 1, ins = ours[rank - 1], n = 0;
  for (int d = 1; d < rank - 1; d++) taps *= shape[d + 1] = ours[d];
  int64_t *index = ARENA_NEW(w->arena, int64_t, ours[0] * taps * ins);
  for (int64_t o = 0; o < ours[0]; o++)
    for (int64_t i = 0; i < ins; i++)
      for (int64_t k = 0; k < taps; k++) index[n++] = (o * taps + k) * ins + i;
  return writer_weights(w, w->node->in[1].value, rank, shape, index, 0);
}

bool onnx_put_conv(struct onnx_writer *w) {
  struct conv c;
  struct err e = {0};
  const struct value *kernel = node_in(w->graph, w->node, 1);
  if (!has_weights(w)) return false;
  if (!conv_of(w->graph, w->node, &c, &e)) return writer_refuse(w, "check the model", "%s", e.text);
  const char *in[3] = {writer_read(w, w->node->in[0].value, ORDER_CHANNELS),
                       kernels(w, kernel->rank, kernel->shape)};
  if (w->node->n_in > 2) in[2] = plain(w, 2);
  Onnx__NodeProto *n = writer_node(w, w->op, w->node->n_in, in, writer_made(w, 0, ORDER_CHANNELS));
  put_window(w, n, &c.window);
  put_dilation(w, n, &c.window);
  onnx_file_attr_int(w->file, n, "group", c.groups);
  return true;
}

// Of the whole image, without attributes: a global pool.
static bool is_global(const struct node *n) {
  return !node_attr(n, ATTR_kernel) && !node_attr(n, ATTR_pad);
}

bool onnx_put_pool(struct onnx_writer *w) {
  struct pool_window p;
  struct err e = {0};
  bool average = op_is(w->node->op, TRAIT_WINDOWS) && op_takes(w->node->op, ATTR_count_pad);
  if (!pool_of(w->graph, w->node, &p, &e)) return writer_refuse(w, "check the model", "%s", e.text);
  const char *in = writer_read(w, w->node->in[0].value, ORDER_CHANNELS);
  const char *out = writer_made(w, 0, ORDER_CHANNELS);
  if (is_global(w->node)) {
    writer_node(w, average ? "GlobalAveragePool" : "GlobalMaxPool", 1, &in, out);
    return true;
  }
  Onnx__NodeProto *n = writer_node(w, w->op, 1, &in, out);
  put_window(w, n, &p.window);
  if (!average || onnx_file_opset(w->file) >= 19) put_dilation(w, n, &p.window);
  if (node_int(w->node, ATTR_ceil, 0)) onnx_file_attr_int(w->file, n, "ceil_mode", 1);
  if (average) onnx_file_attr_int(w->file, n, "count_include_pad", p.count_pad);
  return true;
}

// c times the sum of the window, plus b: a convolution of each channel for itself, whose taps are
// all c.
// Convolutions have no windows that reach beyond the padding, as `ceil` makes them: they are padded
// as far as they reach.
static void pad_windows(struct window *w) {
  for (int d = 0; d < WINDOW_AXES; d++) {
    int64_t reach = (w->out[d] - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1;
    int64_t beyond = reach - w->before[d] - w->in[d];
    if (beyond > w->after[d]) w->after[d] = beyond;
  }
}

bool onnx_put_subsample(struct onnx_writer *w) {
  struct window win;
  struct err e = {0};
  if (!has_weights(w)) return false;
  writer_note(w, "a sub-sampling is a convolution in ONNX, with a weight for each tap");
  if (!subsample_of(w->graph, w->node, &win, &e))
    return writer_refuse(w, "check the model", "%s", e.text);
  pad_windows(&win);
  int64_t taps = win.kernel[ROWS] * win.kernel[COLUMNS], n = 0;
  int64_t shape[4] = {win.channels, 1, win.kernel[ROWS], win.kernel[COLUMNS]};
  int64_t *index = ARENA_NEW(w->arena, int64_t, win.channels * taps);
  for (int64_t c = 0; c < win.channels; c++)
    for (int64_t k = 0; k < taps; k++) index[n++] = c;
  if (win.axes == 1) shape[2] = win.kernel[COLUMNS];
  const char *in[3] = {writer_read(w, w->node->in[0].value, ORDER_CHANNELS),
                       writer_weights(w, w->node->in[1].value, win.axes + 2, shape, index, 0)};
  if (w->node->n_in > 2) in[2] = plain(w, 2);
  Onnx__NodeProto *node =
      writer_node(w, w->op, w->node->n_in, in, writer_made(w, 0, ORDER_CHANNELS));
  put_window(w, node, &win);
  put_dilation(w, node, &win);
  onnx_file_attr_int(w->file, node, "group", win.channels);
  return true;
}

// ---- norms

bool onnx_put_norm(struct onnx_writer *w) {
  if (w->node->n_out > 1) return writer_refuse(w, "export what train -o wrote", "it is training");
  if (!has_weights(w)) return false;
  const char *in[5] = {writer_read(w, w->node->in[0].value, ORDER_CHANNELS)};
  for (uint32_t i = 1; i < 5; i++) in[i] = plain(w, i);
  Onnx__NodeProto *n = writer_node(w, w->op, 5, in, writer_made(w, 0, ORDER_CHANNELS));
  onnx_file_attr_real(w->file, n, "epsilon", node_real(w->node, ATTR_epsilon, NORM_EPSILON));
  return true;
}

// ---- axes

// The axes are an input of the operator, or an attribute.
static bool put_reduce(struct onnx_writer *w, bool as_input) {
  const struct value *x = node_in(w->graph, w->node, 0);
  const struct attr *axes = node_attr(w->node, ATTR_axes);
  int64_t list[RANK_MAX], count = axes ? axes->count : 0;
  if (node_int(w->node, ATTR_frames, 0))
    return writer_refuse(w, "export what train -o wrote", "it sums over frames");
  for (int64_t i = 0; i < count; i++) list[i] = writer_axis(x->rank, ORDER_PLAIN, axes->ints[i]);
  const char *in[2] = {writer_read(w, w->node->in[0].value, ORDER_PLAIN)};
  if (as_input)
    in[1] = onnx_file_ints(w->file, arena_printf(w->arena, "%s.axes", w->node->name), count, list);
  Onnx__NodeProto *n = writer_node(w, w->op, as_input ? 2 : 1, in, writer_made(w, 0, ORDER_PLAIN));
  if (!as_input) onnx_file_attr_ints(w->file, n, "axes", count, list);
  onnx_file_attr_int(w->file, n, "keepdims", 0);
  return true;
}

bool onnx_put_sum(struct onnx_writer *w) {
  return put_reduce(w, true);
}

// Whose axes became an input in opset 18.
bool onnx_put_mean(struct onnx_writer *w) {
  return put_reduce(w, onnx_file_opset(w->file) >= 18);
}

static Onnx__NodeProto *along_channels(struct onnx_writer *w) {
  uint32_t x = w->node->in[0].value;
  enum order order = writer_order(w, x);
  int rank = w->graph->values[x].rank;
  const char *in = writer_read(w, x, order), *out = writer_made(w, 0, order);
  Onnx__NodeProto *n = writer_node(w, w->op, 1, &in, out);
  onnx_file_attr_int(w->file, n, "axis", writer_axis(rank, order, rank - 1));
  return n;
}

bool onnx_put_softmax(struct onnx_writer *w) {
  along_channels(w);
  return true;
}

// The first k elements of the order, or the last: ONNX gives them and their indices, which are our
// first output.
static bool put_top_k(struct onnx_writer *w, int64_t k, bool largest) {
  uint32_t x = w->node->in[0].value;
  enum order order = writer_order(w, x);
  int rank = w->graph->values[x].rank;
  const char *in[2] = {
      writer_read(w, x, order),
      onnx_file_ints(w->file, arena_printf(w->arena, "%s.k", w->node->name), 1, &k)};
  bool both = w->node->n_out > 1;
  const char *elements =
      both ? writer_made(w, 1, order)
           : onnx_file_name(w->file, arena_printf(w->arena, "%s.elements", w->node->name));
  Onnx__NodeProto *n = writer_node(w, "TopK", 2, in, elements);
  onnx_file_output(w->file, n, writer_made(w, 0, order));
  onnx_file_attr_int(w->file, n, "axis", writer_axis(rank, order, rank - 1));
  onnx_file_attr_int(w->file, n, "largest", largest);
  return true;
}

bool onnx_put_top_k(struct onnx_writer *w) {
  return put_top_k(w, node_int(w->node, ATTR_k, 1), true);
}

bool onnx_put_classify(struct onnx_writer *w) {
  if (w->node->n_out > 1) return put_top_k(w, 1, !op_is(w->node->op, TRAIT_LEAST));
  onnx_file_attr_int(w->file, along_channels(w), "keepdims", 1);
  return true;
}
