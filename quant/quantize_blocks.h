// SPDX-License-Identifier: Apache-2.0
// Weights in blocks that share an exponent: docs/numerics.md, "From floats".
#ifndef NNGEN_QUANT_QUANTIZE_BLOCKS_H
#define NNGEN_QUANT_QUANTIZE_BLOCKS_H

#include "quant/formats.h"

// The exponents (outs, blocks), above the least, of weights (outs, taps) by the format's rule, and
// with them the type; blocks of zeros have the least. NULL with the reason if one is too large.
int8_t *quantize_exponents(struct arena *a, const struct format *f, int64_t outs, int64_t taps,
                           const double *w, struct type *t, struct err *e);

// The nearest integer to v of a block with that exponent.
int64_t quantize_in_block(const struct type *t, int exponent, double v);

#endif
