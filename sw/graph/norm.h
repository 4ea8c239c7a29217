// SPDX-License-Identifier: Apache-2.0
// batch_norm: its inputs, and what its attributes are if they aren't given.
#ifndef NNGEN_GRAPH_NORM_H
#define NNGEN_GRAPH_NORM_H

enum norm_input { NORM_X, NORM_GAMMA, NORM_BETA, NORM_MEAN, NORM_VARIANCE, NORM_STEP };

#define NORM_EPSILON 1e-5
#define NORM_MOMENTUM 0.9 // of a running average, what it keeps of itself in a step

#endif
