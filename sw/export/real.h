// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_EXPORT_REAL_H
#define NNGEN_EXPORT_REAL_H

#include "sw/graph/graph.h"
#include "sw/import/refusals.h"

// The float graph with integer weights that says what a graph of integers computes; with `types` a
// requant behind each layer has its type, without they are left out. NULL with a message, or with
// the layers in `r` that no float graph can say.
struct graph *export_real(struct arena *a, const struct graph *g, bool types, struct refusals *r,
                          struct err *e);

// The first layer of a graph of integers whose numbers don't follow from the types that its float
// graph says: what reads that computes others. NULL: there is none.
const char *export_changed(struct arena *a, const struct graph *g, const struct graph *real);

#endif
