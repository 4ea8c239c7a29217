// SPDX-License-Identifier: Apache-2.0
// The requantisation of a matrix product.
#include "quant/quantize_layer.h"

static bool quantize_matmul(struct quantizer *q, const struct node *n, uint32_t node,
                            const struct format *f, const struct type *out) {
  (void)n;
  (void)f;
  return quantize_product(q, node, out);
}

const struct quant_column quant_matmul = {.quantize = quantize_matmul};
