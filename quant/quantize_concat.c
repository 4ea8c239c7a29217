// SPDX-License-Identifier: Apache-2.0
// Casts of the inputs of a concat to its output's type, unless all have it.
#include "quant/quantize_layer.h"

static bool quantize_concat(struct quantizer *q, const struct node *from, uint32_t node,
                            const struct format *f, const struct type *out) {
  const struct node *n = &q->to->nodes[node];
  (void)from;
  (void)f;
  bool equal = true;
  for (uint32_t i = 0; i < n->n_in; i++) equal &= type_equal(&node_in(q->to, n, i)->type, out);
  for (uint32_t i = 0; !equal && i < n->n_in; i++) {
    const struct value *x = node_in(q->to, n, i);
    int64_t mul;
    int32_t shift;
    if (!quantize_scale(q, node, type_scale(&x->type, 0) / type_scale(out, 0), &mul, &shift))
      return err_within(q->err, "input \"%s\"", x->name);
    graph_add_requant(q->to, node, 1, &mul, &shift);
  }
  return true;
}

const struct quant_column quant_concat = {.quantize = quantize_concat};
