// SPDX-License-Identifier: Apache-2.0
// Several models of the same input as one graph, whose outputs are added:
//
//           +--> [net 1] --+
//   image --+--> [net 2] --+ add --+
//           +--> [net 3] --------- + add --> sum
//
// and the way back: which nets a graph adds, the first of them and the others as graphs of their
// own, so that the others run only where the first isn't sure.
#ifndef NNGEN_PASS_ENSEMBLE_H
#define NNGEN_PASS_ENSEMBLE_H

#include "sw/graph/graph.h"

enum { ENSEMBLE_MOST = 16 };

// The models, float, 2 to ENSEMBLE_MOST of them, with one input and one output each, as one graph
// of that name; what belongs to net k has the prefix "netK.". `files` are what messages call them.
// Unless NAN, `margin` is kept: where the two best outputs of net 1 are so far apart or farther,
// net 1 may answer alone. NULL if inputs or outputs differ, or can't be added in a circuit.
struct graph *ensemble(struct arena *a, const char *name, uint32_t n,
                       const struct graph *const *models, const char *const *files, double margin,
                       struct err *e);

// A graph of one input and one output, seen as an ensemble.
struct ensemble {
  uint32_t nets;  // 2 or more
  uint32_t first; // value: what net 1 gives
  double margin;  // NAN: none is kept
};

// False with the reason if the output isn't the sum of parts that share the input alone. Where a
// margin is kept net 1 is what it is of, otherwise the first of as many parts as there are.
bool ensemble_find(const struct graph *g, struct ensemble *out, struct err *e);

// Net 1: input and output are graph input and `first`.
struct graph *ensemble_first(struct arena *a, const struct graph *g, const struct ensemble *of);

// What is left: inputs are the graph's, then `first`; the output is the graph's.
struct graph *ensemble_rest(struct arena *a, const struct graph *g, const struct ensemble *of);

#endif
