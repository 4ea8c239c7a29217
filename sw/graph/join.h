// SPDX-License-Identifier: Apache-2.0
// The accumulators of add, sub and mul, for the files of their column.
//
//   add, sub          acc = a * M_a +- b * M_b                      two requantisations, one shift,
//                                                                   which is the accumulator's
//   rounding tflite   acc = two(a * 2^20, M_a, S_a) +- two(b * 2^20, M_b, S_b)           a third
//   one mul               acc = a * b                                                        one
#ifndef NNGEN_GRAPH_JOIN_H
#define NNGEN_GRAPH_JOIN_H

#include "sw/graph/graph.h"

enum { JOIN_TFLITE_BITS = 20 };

// Whether each of the addends is requantised before they are added.
bool join_rescales(const struct node *n);

// Whether its inputs may change places.
bool join_commutes(const struct node *n);

// Requantisations that such a node has.
uint32_t join_requants(const struct node *n);

// Of inputs a and b minus their zeros.
fix_wide join_acc_of(const struct node *n, int64_t a, int64_t b);

// What takes the accumulator to the output: M = 1 where inputs were brought to one scale.
struct requant join_last(const struct node *n);

#endif
