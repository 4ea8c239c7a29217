// SPDX-License-Identifier: Apache-2.0
// Weights are (OUT, taps): (OUT, IN) of a linear layer, (OC, KH, KW, IC) of a kernel. The first
// dimension numbers the outputs, by which scales and zero points go; the taps of one lie side by
// side.
#ifndef NNGEN_GRAPH_WEIGHTS_H
#define NNGEN_GRAPH_WEIGHTS_H

#include "sw/graph/graph.h"

struct weights {
  const struct value *value;
  int64_t outs, taps;
};

// How many products an output is the sum of, by the shape of the weights.
static inline int64_t fan_in(int rank, const int64_t *shape) {
  return shape_elements(rank - 1, shape + 1);
}

static inline struct weights weights_of(const struct value *w) {
  return (struct weights){w, w->shape[0], fan_in(w->rank, w->shape)};
}

// What tap i of output o stands for, minus its zero point; the weights are constant.
static inline int64_t weight_of(const struct weights *w, int64_t o, int64_t i) {
  return type_integer(&w->value->type, o, tensor_int(w->value->init, o * w->taps + i));
}

#endif
