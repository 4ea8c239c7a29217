// SPDX-License-Identifier: Apache-2.0
// Pruned networks of other frameworks, whose files have zeros and no masks.
#ifndef NNGEN_IMPORT_PRUNED_H
#define NNGEN_IMPORT_PRUNED_H

#include "sw/graph/graph.h"

// Gives weights a mask that cuts their zeros where there are too many to be there by chance: a
// tenth of floats, half of integers, whose small weights are rounded to 0.
void pruned_masks(struct graph *g);

#endif
