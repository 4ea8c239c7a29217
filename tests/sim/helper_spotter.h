// SPDX-License-Identifier: Apache-2.0
// Networks as wake words are spotted: layers over the rows of a frame and the last ones before it.
#ifndef NNGEN_TESTS_HELPER_SPOTTER_H
#define NNGEN_TESTS_HELPER_SPOTTER_H

#include "sw/graph/graph.h"

// How rows are kept: by a delay or in a variable; or so that no line buffer can keep them.
enum twist { PLAIN, VARIABLES, NOT_ZERO, READ_ELSEWHERE, PADDED };

// Three layers in a row, of frames of three rows (T, 1, 4) that become single ones: the first and
// the last are convolutions, the one between is depthwise.
const struct graph *spotter_three(struct arena *a, bool floats, enum twist twist);

// Nine taps along time of 32 channels, a row per frame.
const struct graph *spotter_single(struct arena *a, enum twist twist);

// 3 x 3 taps, over columns too.
const struct graph *spotter_square(struct arena *a);

// The largest of 3 x 2, with columns of padding in front.
const struct graph *spotter_pool(struct arena *a, int64_t pad);

#endif
