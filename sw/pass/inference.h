// SPDX-License-Identifier: Apache-2.0
// The pass back from training: a model without what only training needs (dropout).
#ifndef NNGEN_PASS_INFERENCE_H
#define NNGEN_PASS_INFERENCE_H

#include "sw/graph/graph.h"

// A copy that shares the tensors.
struct graph *inference(struct arena *a, const struct graph *model);

#endif
