// SPDX-License-Identifier: Apache-2.0
// argmax, argmin and top_k give indices.
#include "quant/quantize_layer.h"
#include "sw/base/bits.h"

static struct type type_out(const struct quantizer *q, const struct node *n, uint32_t out,
                            const struct format *f) {
  if (out == 1) return quantize_type_kept(q, n, 0, f);
  const struct value *x = node_in(q->from, n, 0);
  int width = bits_unsigned((uint64_t)x->shape[x->rank - 1] - 1);
  return type_fixed(q->arena, width, false, 1, 0);
}

const struct quant_column quant_classify = {.type_out = type_out};
