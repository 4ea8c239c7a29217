// SPDX-License-Identifier: Apache-2.0
// The integers of one node, by column: types in, integers out.
#ifndef NNGEN_QUANT_QUANTIZE_LAYER_H
#define NNGEN_QUANT_QUANTIZE_LAYER_H

#include "quant/formats.h"

struct quantizer {
  struct arena *arena;
  const struct graph *from;
  struct graph *to;
  struct formats *formats;
  int32_t *value; // (from->n_values) id in `to`, NONE while it has none
  struct err *err;
};

// Weights and bias of a linear node become tensors of `to`; fills in its uses and requantisation.
bool quantize_linear(struct quantizer *q, const struct node *n, uint32_t node,
                     const struct format *f, const struct type *out);

// Integer constants, slopes, table or requantisation of a pointwise node.
bool quantize_pointwise(struct quantizer *q, const struct node *n, uint32_t node,
                        const struct type *in, const struct type *out);

// Requantisations of add, sub, mul, sum and matmul.
bool quantize_join(struct quantizer *q, const struct node *n, uint32_t node, const struct type *in0,
                   const struct type *in1, const struct type *out);

// Casts of the inputs of a concat to its output's type, unless all have it.
bool quantize_concat(struct quantizer *q, uint32_t node, const struct type *out);

// M and S of r for the node's rounding.
bool quantize_scale(struct quantizer *q, uint32_t node, double r, int64_t *mul, int32_t *shift);

#endif
