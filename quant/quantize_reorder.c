// SPDX-License-Identifier: Apache-2.0
// What is only put elsewhere keeps the type of its input; what is put around it is a code of that.
#include "quant/quantize_layer.h"

static bool quantize_reorder(struct quantizer *q, const struct node *n, uint32_t node,
                             const struct format *f, const struct type *out) {
  double value = node_real(n, ATTR_value, 0);
  (void)f;
  if (!op_takes(n->op, ATTR_codes)) return true;
  if (type_is_bipolar(out) && value == 0)
    return err_set(q->err, "its stream is bipolar, which has no 0 to pad with: give value");
  int64_t code = type_encode(out, value);
  graph_add_ints(q->to, node, ATTR_codes, 1, &code);
  return true;
}

const struct quant_column quant_reorder = {.type_out = quantize_type_kept,
                                           .quantize = quantize_reorder};
