// SPDX-License-Identifier: Apache-2.0
// The requantisation of a sum.
#include "quant/quantize_layer.h"

static bool quantize_reduce(struct quantizer *q, const struct node *n, uint32_t node,
                            const struct format *f, const struct type *out) {
  (void)n;
  (void)f;
  return quantize_product(q, node, out);
}

const struct quant_column quant_reduce = {.quantize = quantize_reduce};
