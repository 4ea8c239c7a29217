// SPDX-License-Identifier: Apache-2.0
// The integer function of a pointwise node before its requantisation: exact.c, or its
// table. One definition for the golden model, the proven ranges and the builder.
#ifndef NNGEN_GRAPH_POINTWISE_H
#define NNGEN_GRAPH_POINTWISE_H

#include "sw/graph/exact.h"

struct pointwise {
  const struct exact *exact; // NULL: its kind is a table
  struct exact_codes constants;
  const struct tensor *table;
  int64_t table_lowest;     // code of table[0]
  const struct requant *rq; // to the output type; NULL: the accumulator is the code - zero
  struct fix_target target; // of the output, channel 0
};

// The facts of a verified integer node of column POINTWISE.
struct pointwise pointwise_of(const struct graph *g, const struct node *n);

// The exact accumulator of input code n; not for table nodes. Its scale is s_x * 2^-slope_shift.
fix_wide pointwise_acc(const struct pointwise *p, int64_t n);

// The output code of input code n, for types with one scale.
int64_t pointwise_code(const struct pointwise *p, int64_t n);

struct fix_target target_of(const struct node *n, const struct value *out, int64_t channel);

#endif
