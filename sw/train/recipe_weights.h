// SPDX-License-Identifier: Apache-2.0
// Weights that a recipe gives.
#ifndef NNGEN_TRAIN_RECIPE_WEIGHTS_H
#define NNGEN_TRAIN_RECIPE_WEIGHTS_H

#include "sw/base/json.h"
#include "sw/graph/graph.h"

// Fills t, floats (OUT, IN), from a list of rows or from the code of that name (data/codes). False
// if they don't fit.
bool recipe_weights(struct arena *a, const json_t *j, struct tensor *t, struct err *e);

#endif
