// SPDX-License-Identifier: Apache-2.0
// softmax gives probabilities: below 1, as many bits as the layer's stream has. log_softmax has
// that stream's type.
#include "quant/quantize_layer.h"

#include <math.h>

static struct type type_out(const struct quantizer *q, const struct node *n, uint32_t out,
                            const struct format *f) {
  int width = type_width(&f->stream);
  (void)out;
  if (n->op == OP_log_softmax) return f->stream;
  return type_fixed(q->arena, width, false, ldexp(1, -width), 0);
}

const struct quant_column quant_softmax = {.type_out = type_out};
