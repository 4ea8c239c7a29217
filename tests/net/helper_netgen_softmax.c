// SPDX-License-Identifier: Apache-2.0
// softmax of random graphs: of one row or several; any legal types.
#include "tests/net/helper_netgen_parts.h"

#include "sw/graph/softmax.h"

#include <math.h>

// F beyond the width saturates whatever is large; a coarse one leaves 0 and 1.
static struct type output(struct netgen *n) {
  int fraction = (int)(netgen_chance(n, 80) ? netgen_pick(n, 0, 12)
                                            : netgen_pick(n, 0, SOFTMAX_FRACTION_MOST));
  int width = netgen_chance(n, 50) && fraction ? fraction : (int)netgen_pick(n, 1, 16);
  int64_t most = width < 12 ? (1 << width) - 1 : 4095;
  int32_t zero = netgen_chance(n, 70) ? 0 : (int32_t)netgen_pick(n, 0, most);
  return type_fixed(n->arena, width, false, ldexp(1, -fraction), zero);
}

// TFLite's, of 8 bits at most.
static void tflite(struct netgen *n, uint32_t node) {
  const int64_t mul = netgen_pick(n, 1 << 30, INT32_MAX);
  const int32_t shift = (int32_t)netgen_pick(n, 0, 12);
  n->g->nodes[node].rounding = FIX_TFLITE;
  graph_add_requant(n->g, node, 1, &mul, &shift);
}

void netgen_softmax(struct netgen *n, enum op op) {
  bool logarithm = op == OP_log_softmax;
  bool host = logarithm || (n->kind == NETGEN_ANY && netgen_chance(n, 40));
  bool bytes = host && !logarithm && netgen_chance(n, 50);
  int most = bytes ? 8 : SOFTMAX_IN_MOST;
  const struct type *end = &netgen_end(n)->type;
  if (end->cls != TYPE_FIXED || end->axis >= 0 || end->width > most)
    netgen_quantize(n, netgen_stream_type(n, false, most));
  if (netgen_chance(n, 50)) netgen_flatten(n);
  const struct value *x = netgen_end(n);
  struct type out = logarithm ? netgen_stream_type(n, false, 16)
                    : host    ? type_fixed(n->arena, 8, bytes, 0x1p-8, bytes ? -128 : 0)
                              : output(n);
  uint32_t from = n->at, node = netgen_add_node(n, op, out, x->rank, x->shape, x->per_frame);
  netgen_use(n, node, from);
  n->g->nodes[node].where = host ? WHERE_HOST : WHERE_CIRCUIT;
  n->g->nodes[node].rounding = FIX_HALF_EVEN;
  n->g->nodes[node].overflow = FIX_SATURATE;
  if (bytes) tflite(n, node);
  netgen_finish(n, node);
}
