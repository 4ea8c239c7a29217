// SPDX-License-Identifier: Apache-2.0
// Weights (OUT, ...) from floats to integers: docs/numerics.md, "From floats".
#ifndef NNGEN_QUANT_QUANTIZE_WEIGHTS_H
#define NNGEN_QUANT_QUANTIZE_WEIGHTS_H

#include "quant/quantize_layer.h"

// The codes of a tensor of weights, in the format of its layer, and their type. NULL with the
// reason in q->err if the format can't hold them.
struct tensor *quantize_weights(struct quantizer *q, const struct tensor *w, const struct format *f,
                                struct type *type);

// The smallest power of two s, within the exponents that types have, at which no number up to
// `most` saturates when most / s is rounded.
double quantize_covering(const struct minifloat *m, double most);

#endif
