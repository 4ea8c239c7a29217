// SPDX-License-Identifier: Apache-2.0
// What the parts of the fast golden model share: golden.c prepares and runs, golden_chunk.c
// computes a chunk.
#ifndef NNGEN_EXEC_GOLDEN_PARTS_H
#define NNGEN_EXEC_GOLDEN_PARTS_H

#include "sw/base/pool.h"
#include "sw/exec/golden.h"
#include "sw/exec/golden_prepare.h"

// Where a value's array is in a workspace.
struct place {
  int64_t offset; // bytes, times the frames of a chunk; NONE: no array
  bool narrow;    // uint8_t code - lowest, otherwise int32_t codes
  bool bits;      // the codes are uint32_t in these (type_code)
  int32_t lowest; // 0 if not narrow
};

struct golden {
  const struct graph *graph;
  const struct kernels *kernels;
  const bool *keep; // (n_values) what can be tapped besides graph outputs; NULL: everything
  uint32_t *order;
  struct prepared *nodes; // (n_nodes)
  struct place *places;   // (n_values)
  const uint8_t *pixels;  // (256) pixel -> byte, if the input is narrow and has one table
  struct pool *pool;      // NULL: the caller's thread alone
  struct steps *steps;    // of a sequence, which needs nothing else; NULL: frames stand alone
  int64_t chunk;          // frames that go through the graph at a time
  int64_t workspace;      // bytes per frame
  int64_t scratch;        // bytes: packed rows, accumulators, the plain kernels' copies
};

struct golden_call {
  int64_t images;
  const uint8_t *pixels; // one of the two
  const int32_t *codes;
  const struct golden_tap *taps;
  uint32_t n_taps;
};

// The frames of a call, each after the one before; the next call goes on from there.
void golden_sequence(const struct golden *m, const struct golden_call *c);

// Some images and what is computed of them.
struct chunk {
  const struct golden *m;
  int64_t frames;         // in this chunk
  int64_t most;           // that there is room for
  unsigned char *work;    // the arrays of the values
  unsigned char *scratch; // reused by every node
  const void **parts;     // (most inputs of a node) for the plain kernels
};

// A reshaped value is its input's array.
static inline bool golden_is_alias(const struct node *n) {
  return op_is(n->op, TRAIT_ALIAS);
}

// Every node once, from the input's array on.
void golden_chunk(const struct chunk *c);

// A layer with weights that a kernel serves; and the scratch memory that it needs for so many
// frames, bytes.
void golden_rows(const struct chunk *c, const struct node *n, const struct prepared *p);
int64_t golden_rows_scratch(const struct graph *g, const struct node *n, const struct prepared *p,
                            int64_t frames);

// The array of a value: (frames, elements), stored as its place says.
void *golden_array(const struct chunk *c, uint32_t value);

// Element i of such an array, and all of one as codes.
void golden_store(void *array, const struct place *p, int64_t i, int64_t code);
void golden_widen(const void *array, const struct place *p, int64_t count, int32_t *codes);

#endif
