// SPDX-License-Identifier: Apache-2.0
// Kinds that slide over an image.
#include "tests/net/helper_netgen_parts.h"

#include "sw/graph/pool.h"

#include <string.h>

static int64_t divisor(struct netgen *n, int64_t of, int64_t most) {
  int64_t d = netgen_pick(n, 1, of < most ? of : most);
  while (of % d) d--;
  return d;
}

// The chain's end as (H, W, C) or (L, C).
void netgen_image(struct netgen *n, int axes) {
  int64_t elements = value_elements(netgen_end(n)), shape[3];
  if (netgen_end(n)->rank == axes + 1) return;
  int64_t channels = divisor(n, elements, 5);
  int64_t rows = axes == 2 ? divisor(n, elements / channels, 9) : 1;
  shape[0] = rows;
  shape[axes - 1] = elements / channels / rows;
  shape[axes] = channels;
  uint32_t x = n->at, node = netgen_add_node(n, OP_reshape, netgen_end(n)->type, axes + 1, shape,
                                             netgen_end(n)->per_frame);
  netgen_use(n, node, x);
  graph_add_ints(n->g, node, ATTR_shape, axes + 1, shape);
  netgen_finish(n, node);
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

// A kernel that isn't larger than the padded image; `less`: and padding less than it.
static void fit(struct netgen_sliding *s, int d, int axes, int64_t in, bool less) {
  for (;; s->kernel[d]--) {
    int64_t span = (s->kernel[d] - 1) * s->dilation[d];
    if (less) s->pad[d] = least(s->pad[d], span);
    if (less) s->pad[axes + d] = least(s->pad[axes + d], span);
    if (span < in + s->pad[d] + s->pad[axes + d]) return;
  }
}

struct netgen_sliding netgen_slide(struct netgen *n, int axes) {
  struct netgen_sliding s;
  const int64_t *in = netgen_end(n)->shape;
  bool plain = netgen_chance(n, 30), zero = netgen_end(n)->type.cls != TYPE_BIPOLAR;
  for (int d = 0; d < axes; d++) {
    s.stride[d] = plain ? 1 : netgen_pick(n, 1, 3);
    s.dilation[d] = plain || netgen_chance(n, 60) ? 1 : 2;
    // taps may not pass an image by
    if (n->kind == NETGEN_CIRCUIT && in[d] == 1) s.dilation[d] = 1;
    s.kernel[d] = netgen_pick(n, 1, 4);
    s.pad[d] = plain || !zero ? 0 : netgen_pick(n, 0, s.kernel[d]);
    s.pad[axes + d] = plain || !zero ? 0 : netgen_pick(n, 0, s.kernel[d]);
    fit(&s, d, axes, in[d], n->kind == NETGEN_CIRCUIT);
    int64_t padded = in[d] + s.pad[d] + s.pad[axes + d];
    s.out[d] = (padded - (s.kernel[d] - 1) * s.dilation[d] - 1) / s.stride[d] + 1;
  }
  return s;
}

static void add_attrs(struct netgen *n, uint32_t node, const struct netgen_sliding *s, int axes) {
  bool strides = false, dilations = false, pads = false;
  for (int d = 0; d < axes; d++) {
    strides |= s->stride[d] > 1;
    dilations |= s->dilation[d] > 1;
    pads |= s->pad[d] || s->pad[axes + d];
  }
  if (strides) graph_add_ints(n->g, node, ATTR_stride, axes, s->stride);
  if (dilations) graph_add_ints(n->g, node, ATTR_dilation, axes, s->dilation);
  if (pads) graph_add_ints(n->g, node, ATTR_pad, 2 * axes, s->pad);
}

void netgen_conv(struct netgen *n, enum op op) {
  int axes = op == OP_conv1d ? 1 : 2;
  netgen_image(n, axes);
  netgen_conv_over(n, op, netgen_slide(n, axes));
  if (n->kind == NETGEN_CIRCUIT && netgen_chance(n, 25)) netgen_rows(n);
}

void netgen_conv_over(struct netgen *n, enum op op, struct netgen_sliding s) {
  int axes = op == OP_conv1d ? 1 : 2;
  uint32_t x = n->at;
  int64_t channels = netgen_end(n)->shape[axes], kernel[4];
  bool depthwise = n->kind == NETGEN_CIRCUIT && netgen_chance(n, 30);
  bool dense = netgen_chance(n, n->kind == NETGEN_CIRCUIT ? 35 : 50);
  int64_t groups = depthwise ? channels : dense ? 1 : divisor(n, channels, channels);
  if (n->kind == NETGEN_CIRCUIT && !dense && groups == 1) groups = channels % 2 ? channels : 2;
  kernel[0] = s.out[axes] = groups * (depthwise ? 1 : netgen_pick(n, 1, 3));
  memcpy(kernel + 1, s.kernel, (size_t)axes * sizeof *kernel);
  kernel[axes + 1] = channels / groups;
  struct type w = netgen_weight_type(n, kernel[0]), out = netgen_sum_type(n, true, 16);
  uint32_t node = netgen_add_node(n, op, out, axes + 1, s.out, netgen_end(n)->per_frame);
  netgen_use(n, node, x);
  add_attrs(n, node, &s, axes);
  if (groups > 1) graph_add_int(n->g, node, ATTR_groups, groups);
  netgen_use(n, node, netgen_tensor(n, "w", axes + 2, kernel, w));
  netgen_weighted(n, node, x, &w, &out);
}

// No window is padding alone: there is less of it than of the kernel.
static struct netgen_sliding pooling(struct netgen *n, int axes) {
  struct netgen_sliding s = netgen_slide(n, axes);
  const int64_t *in = netgen_end(n)->shape;
  bool apart = netgen_chance(n, 40); // which needs no window
  bool pads = netgen_end(n)->type.cls != TYPE_BIPOLAR && !apart;
  for (int d = 0; d < axes; d++) {
    s.dilation[d] = 1;
    if (s.kernel[d] > in[d]) s.kernel[d] = in[d];
    if (apart) s.stride[d] = netgen_pick(n, s.kernel[d], s.kernel[d] + 2);
    s.pad[d] = pads ? netgen_pick(n, 0, s.kernel[d] - 1) : 0;
    s.pad[axes + d] = pads ? netgen_pick(n, 0, s.kernel[d] - 1) : 0;
    s.out[d] = (in[d] + s.pad[d] + s.pad[axes + d] - s.kernel[d]) / s.stride[d] + 1;
  }
  s.out[axes] = in[axes];
  return s;
}

// One requantisation that divides exactly, or one for each count.
static void average(struct netgen *n, uint32_t node, const struct type *in,
                    const struct type *out) {
  struct pool_window p;
  struct err e = {0};
  int64_t counts = 0, mul = 1;
  int32_t shift = (int32_t)(type_width(in) - type_width(out) + netgen_pick(n, -2, 1));
  pool_of(n->g, &n->g->nodes[node], &p, &e);
  const int64_t *count = pool_counts(n->arena, &p, &counts);
  bool codes = type_equal(in, out) && !p.count_pad && netgen_chance(n, 70);
  if (codes || (counts == 1 && type_width(in) < 16 && netgen_chance(n, 40)))
    n->g->nodes[node].rounding = FIX_TFLITE;
  if (codes) shift = 0;
  if (codes || (n->g->nodes[node].rounding != FIX_TFLITE && netgen_chance(n, 40)))
    counts = 1;
  else
    mul = netgen_pick(n, 1 << 30, INT32_MAX);
  for (int64_t i = 0; i < counts; i++) {
    int32_t by = shift;
    for (int64_t c = 1; mul > 1 && c < count[i]; c *= 2) by++;
    if (mul > 1) by += 31;
    if (n->g->nodes[node].rounding == FIX_TFLITE && !codes && by < 31) by = 31;
    graph_add_requant(n->g, node, 1, &mul, &by);
  }
}

void netgen_pool(struct netgen *n, enum op op) {
  int axes = netgen_chance(n, 50) ? 1 : 2;
  netgen_image(n, axes);
  bool global = netgen_chance(n, 20), ceil = netgen_chance(n, 30);
  // a circuit has no 0 of signs for what is beyond
  if (op == OP_avg_pool && netgen_end(n)->type.cls == TYPE_BIPOLAR) ceil = false;
  netgen_pool_over(n, op, pooling(n, axes), global, ceil);
}

void netgen_pool_over(struct netgen *n, enum op op, struct netgen_sliding s, bool global,
                      bool ceil) {
  int axes = netgen_end(n)->rank - 1;
  uint32_t x = n->at;
  struct type in = netgen_end(n)->type, out = op == OP_max_pool ? netgen_sum_type(n, true, 16)
                                                                : netgen_stream_type(n, false, 16);
  bool same = netgen_chance(n, 40) && (op == OP_max_pool || in.cls == TYPE_FIXED);
  if (same) out = in;
  bool frames = netgen_end(n)->per_frame;
  uint32_t node = netgen_add_node(n, op, out, axes + 1, s.out, frames);
  netgen_use(n, node, x);
  if (global)
    s = (struct netgen_sliding){.stride = {1, 1}, .dilation = {1, 1}};
  else
    graph_add_ints(n->g, node, ATTR_kernel, axes, s.kernel);
  add_attrs(n, node, &s, axes);
  if (ceil) graph_add_int(n->g, node, ATTR_ceil, 1);
  if (op == OP_avg_pool && netgen_chance(n, same ? 15 : 50))
    graph_add_int(n->g, node, ATTR_count_pad, 1);
  struct value *y = &n->g->values[n->g->nodes[node].out[0]];
  struct err e = {0};
  graph_shape(n->g, &n->g->nodes[node], 0, &y->rank, y->shape, &e);
  if (op == OP_avg_pool) {
    average(n, node, &in, &out);
  } else if (!type_equal(&in, &out)) {
    netgen_requant(n, node, type_width(&in) + 1, &out, 1);
  }
  netgen_finish(n, node);
}

// Windows as those of convolutions, or of pools, a last one beyond the image among them.
void netgen_subsample(struct netgen *n) {
  int axes = netgen_chance(n, 50) ? 1 : 2;
  netgen_image(n, axes);
  uint32_t x = n->at;
  bool global = netgen_chance(n, 15), pools = netgen_chance(n, 50);
  bool ceil = pools && netgen_end(n)->type.cls == TYPE_FIXED && netgen_chance(n, 50);
  struct netgen_sliding s = pools ? pooling(n, axes) : netgen_slide(n, axes);
  int64_t channels = netgen_end(n)->shape[axes];
  s.out[axes] = channels;
  struct type w = netgen_weight_type(n, channels), out = netgen_sum_type(n, true, 16);
  uint32_t node = netgen_add_node(n, OP_subsample, out, axes + 1, s.out, netgen_end(n)->per_frame);
  netgen_use(n, node, x);
  if (global)
    s = (struct netgen_sliding){.stride = {1, 1}, .dilation = {1, 1}};
  else
    graph_add_ints(n->g, node, ATTR_kernel, axes, s.kernel);
  add_attrs(n, node, &s, axes);
  if (ceil) graph_add_int(n->g, node, ATTR_ceil, 1);
  netgen_use(n, node, netgen_tensor(n, "w", 1, &channels, w));
  struct value *y = &n->g->values[n->g->nodes[node].out[0]];
  struct err e = {0};
  graph_shape(n->g, &n->g->nodes[node], 0, &y->rank, y->shape, &e);
  netgen_weighted(n, node, x, &w, &out);
}
