// SPDX-License-Identifier: Apache-2.0
// Kinds that slide over an image.
#include "tests/net/helper_netgen_parts.h"

#include <string.h>

static int64_t divisor(struct netgen *n, int64_t of, int64_t most) {
  int64_t d = netgen_pick(n, 1, of < most ? of : most);
  while (of % d) d--;
  return d;
}

// The chain's end as (H, W, C) or (L, C).
static void image(struct netgen *n, int axes) {
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

// A window that fits: its attributes are at their defaults where the chance is so.
struct sliding {
  int64_t kernel[2], stride[2], dilation[2], pad[4], out[3];
};

static struct sliding sliding(struct netgen *n, int axes) {
  struct sliding s;
  const int64_t *in = netgen_end(n)->shape;
  bool plain = netgen_chance(n, 30);
  for (int d = 0; d < axes; d++) {
    s.stride[d] = plain ? 1 : netgen_pick(n, 1, 3);
    s.dilation[d] = plain || netgen_chance(n, 60) ? 1 : 2;
    s.kernel[d] = netgen_pick(n, 1, 4);
    s.pad[d] = plain ? 0 : netgen_pick(n, 0, s.kernel[d]);
    s.pad[axes + d] = plain ? 0 : netgen_pick(n, 0, s.kernel[d]);
    int64_t padded = in[d] + s.pad[d] + s.pad[axes + d];
    while ((s.kernel[d] - 1) * s.dilation[d] + 1 > padded) s.kernel[d]--;
    s.out[d] = (padded - (s.kernel[d] - 1) * s.dilation[d] - 1) / s.stride[d] + 1;
  }
  return s;
}

static void add_attrs(struct netgen *n, uint32_t node, const struct sliding *s, int axes) {
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
  image(n, axes);
  uint32_t x = n->at;
  struct sliding s = sliding(n, axes);
  int64_t channels = netgen_end(n)->shape[axes], kernel[4];
  int64_t groups = netgen_chance(n, 50) ? 1 : divisor(n, channels, channels);
  kernel[0] = s.out[axes] = groups * netgen_pick(n, 1, 3);
  memcpy(kernel + 1, s.kernel, (size_t)axes * sizeof *kernel);
  kernel[axes + 1] = channels / groups;
  struct type w = netgen_weight_type(n, kernel[0]), out = netgen_stream_type(n, true, 16);
  uint32_t node = netgen_add_node(n, op, out, axes + 1, s.out, netgen_end(n)->per_frame);
  netgen_use(n, node, x);
  add_attrs(n, node, &s, axes);
  if (groups > 1) graph_add_int(n->g, node, ATTR_groups, groups);
  netgen_use(n, node, netgen_tensor(n, "w", axes + 2, kernel, w));
  netgen_weighted(n, node, x, &w, &out);
}
