// SPDX-License-Identifier: Apache-2.0
// The pass from a float graph to a fixed-point graph: docs/numerics.md, "Defaults of quantisation".
#ifndef NNGEN_QUANT_QUANTIZE_H
#define NNGEN_QUANT_QUANTIZE_H

#include "quant/formats.h"

// True if any value but a reference is real.
bool graph_is_real(const struct graph *g);

// A new graph with the formats applied; names and origins stay. Every requantisation, table and
// integer constant is made here, once. NULL on error.
struct graph *quantize(struct arena *a, const struct graph *g, struct formats *f, struct err *e);

// The same where formats leave scales open, which a calibrator made for g chooses (calibrate.h),
// and the codes of the weights.
struct calibrator;
struct graph *quantize_calibrated(struct arena *a, const struct graph *g, struct formats *f,
                                  struct calibrator *c, struct err *e);

// Gives a source whose pixels become codes of type t its table.
void quantize_pixels(struct arena *a, const struct type *t, struct source *s);

#endif
