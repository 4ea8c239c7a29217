// SPDX-License-Identifier: Apache-2.0
// Weights are (OUT, taps): (OUT, IN) of a linear layer, (OC, KH, KW, IC) of a kernel. The first
// dimension numbers the outputs, by which scales and zero points go; the taps of one lie side by
// side, or are all the same weight.
#ifndef NNGEN_GRAPH_WEIGHTS_H
#define NNGEN_GRAPH_WEIGHTS_H

#include "sw/graph/graph.h"

struct weights {
  const struct value *value;
  int64_t outs, taps;
  int64_t row,
      step; // from an output's first weight to that of the next, from a tap's to the next's
};

// How many products an output is the sum of, by the shape of the weights.
static inline int64_t fan_in(int rank, const int64_t *shape) {
  return shape_elements(rank - 1, shape + 1);
}

static inline struct weights weights_of(const struct value *w) {
  int64_t taps = fan_in(w->rank, w->shape);
  return (struct weights){w, w->shape[0], taps, taps, 1};
}

// (OUT): one weight for all taps of an output.
static inline struct weights weights_shared(const struct value *w, int64_t taps) {
  return (struct weights){w, w->shape[0], taps, 1, 0};
}

// What tap i of output o stands for, minus its zero point; the weights are constant.
static inline int64_t weight_of(const struct weights *w, int64_t o, int64_t i) {
  return type_integer(&w->value->type, o, tensor_int(w->value->init, o * w->row + i * w->step));
}

// How many bits the bias of a node is finer than its products: acc = 2^f sum + bias, where the bias
// has the scale of input times weight, times 2^-f; 0 without a bias.
enum { FINER_MOST = 24 };
int weighted_finer(const struct graph *g, const struct node *n);

#endif
