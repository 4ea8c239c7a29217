// SPDX-License-Identifier: Apache-2.0
// Proven intervals: what integers a value can take, how wide each accumulator must be, and the
// inputs that attain the ends. Exact for linear layers (each channel with its own weights).
#ifndef NNGEN_GRAPH_INTERVAL_H
#define NNGEN_GRAPH_INTERVAL_H

#include "sw/graph/graph.h"

struct interval {
  fix_wide lo, hi;
};

enum { ACCUMULATOR_BITS_MAX = 62 };

// A step may hold this many frames where a node sums over them.
#define FRAMES_MAX ((int64_t)1 << 16)

// What an interval is worked out from: the ranges of values as graph_ranges set them, or any legal
// integer of their types.
enum known { KNOWN_PROVEN, KNOWN_TYPES };

// Narrows lo and hi of every value to what is proven: inputs and delayed tokens have their type's
// whole range. Readers and passes that make graphs call it; executors get nothing else.
void graph_ranges(struct graph *g);

// The accumulator of output channel `channel` (last axis) of a node with a requantisation.
struct interval interval_acc(const struct graph *g, const struct node *n, enum known known,
                             int64_t channel);

// What a unit of it stands for; 0: no accumulator is requantised to the node's output.
double interval_scale(const struct graph *g, const struct node *n, int64_t channel);

// Over all channels.
struct interval interval_node(const struct graph *g, const struct node *n, enum known known);

// Bits of the narrowest two's complement that holds the interval.
int interval_bits(struct interval i);

// Whether rounding tflite takes accumulators of it: |acc * 2^max(31 - S, 0)| < 2^31.
bool interval_fits_tflite(struct interval acc, int shift);

// The inputs, one per tap, of a node with constant weights that attain the low or high end of a
// channel's interval.
void interval_witness(const struct graph *g, const struct node *n, int64_t channel, bool high,
                      int64_t *x);

#endif
