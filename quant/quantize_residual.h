// SPDX-License-Identifier: Apache-2.0
// Weights become sums of signs: docs/numerics.md, "Residuals".
#ifndef NNGEN_QUANT_QUANTIZE_RESIDUAL_H
#define NNGEN_QUANT_QUANTIZE_RESIDUAL_H

#include "quant/formats.h"

// The type of weights w (channels, run), whose outputs have a scale each, or one; and their
// integers `codes` (channels, run). Outputs are weighed alike when the factors are chosen, whatever
// the size of their weights. One whose weights are all 0 gets scale 0, which is no type's.
struct type quantize_residuals(struct arena *a, const struct format *f, int64_t channels,
                               int64_t run, const double *w, int64_t *codes);

#endif
