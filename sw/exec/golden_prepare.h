// SPDX-License-Identifier: Apache-2.0
// What the fast golden model prepares for a node, once: packed weights, tables.
#ifndef NNGEN_EXEC_GOLDEN_PREPARE_H
#define NNGEN_EXEC_GOLDEN_PREPARE_H

#include "sw/exec/kernels.h"
#include "sw/graph/conv.h"
#include "sw/graph/pool.h"

// How the integers of a value are stored: code - lowest in bytes, if they fit, otherwise the codes
// in 32 bits.
static inline bool value_is_narrow(const struct value *v) {
  return type_highest(&v->type) - type_lowest(&v->type) <= 255;
}

// The byte for a byte, or for a sum of two: itself plus an offset, within bounds.
struct clamp {
  int offset, lo, hi;
};

// The exponentials (2^bits of an input), 0 where they vanish, and F.
struct softmax {
  int32_t *exps;
  int fraction;
};

struct prepared {
  bool packed;              // linear, conv: a kernel serves, otherwise the plain one
  struct conv *conv;        // conv: whose patches are rows of a linear layer; NULL: of linear
  bool bytes;               // both: a kernel of 8 bits
  int base;                 // both, bytes: what is taken from the input as it is stored
  int64_t taps;             // both: of an output
  int64_t groups;           // both: of 2 or 4 inputs that a kernel takes at a time
  int64_t outs;             // both: outputs, padded
  void *weight;             // both: (groups, outs, 2 or 4), minus their zero, times `finer`
  int32_t *bias;            // both: (outs)
  int parts;                // both: of each weight, the first in `weight`; one, or two or three:
  void *upper[2];           // (groups, outs, 2), times 2^PREPARED_SPLIT and its square
  const int64_t *wide_bias; // of several parts: (outs), what is added to their sum
  int64_t finer;            // both: what the weights are times, 2^f of a bias that is finer
  bool shift_only;          // both: requant32 or requant8 serves
  int32_t *table;           // pointwise: output code by input code - lowest
  bool depthwise;           // conv: each channel alone; weight (taps, outs) of 16 bits
  uint8_t *joined;          // join: as stored, by the stored inputs a + 256 b
  uint8_t *added;           // add of equal scales: by their sum, (511)
  struct window *largest;   // max_pool of bytes that stay what they are
  struct pool_window *mean; // avg_pool of bytes
  struct reorder *reorder;  // slice and its like
  struct clamp *clamp;      // pointwise, join of bytes: what the table is, if it is no more
  uint8_t *table8;          // pointwise: (256) the same for narrow input and output, as stored
  struct softmax *softmax;  // softmax in the circuit
};

// Bits of the lower parts of weights that a kernel takes in several.
enum { PREPARED_SPLIT = 10 };

// Pixels of the output that a convolution takes at a time.
enum { GOLDEN_BLOCK = 256 };

// The clamp that a table of `count` bytes is; NULL: it isn't one.
struct clamp *golden_clamp(struct arena *a, const uint8_t *table, int count);

// The average of a sum of integers over `count` elements, one of the numbers that occur.
int64_t golden_average(const struct graph *g, const struct node *n, fix_wide sum, int64_t count,
                       const int64_t *counts);

// p for node n, by its column; nothing, if only the plain kernel serves. The graph's ranges are
// proven.
void golden_prepare(struct arena *a, const struct kernels *k, const struct graph *g,
                    const struct node *n, struct prepared *p);

// The columns' parts of it.
#define YES(f)                                                                                     \
  void f(struct arena *a, const struct kernels *k, const struct graph *g, const struct node *n,    \
         struct prepared *p);
#define NO(f)
#define COLUMN(id, stem, golden, prepare, ...) prepare(golden_prepare_##stem)
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef NO

#endif
