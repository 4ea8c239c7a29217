// SPDX-License-Identifier: Apache-2.0
// The pointwise kinds that are no tables (exact.def): each function on integers, on reals, and how
// the constants of one become those of the other. docs/numerics.md, "Activations".
#ifndef NNGEN_GRAPH_EXACT_H
#define NNGEN_GRAPH_EXACT_H

#include "sw/graph/graph.h"

// The integer constants of a fixed node.
struct exact_codes {
  const int64_t *codes; // attribute `codes`, or NULL
  int64_t zero;         // of the input
  int64_t slope_mul;    // leaky_relu, hard_sigmoid
  int32_t slope_shift;  // also shifts the scale of the result
};

// The real ones.
struct exact_reals {
  double lo, hi, lambda, slope, offset;
  struct type type; // requant: what it rounds to, how, and the channel of the element
  enum fix_rounding rounding;
  enum fix_overflow overflow;
  int64_t channel;
};

struct exact {
  fix_wide (*integer)(fix_wide v, const struct exact_codes *c); // of v, the code minus its zero
  double (*real)(double x, const struct exact_reals *c);
  // At a kink as PyTorch takes it: of the flat side, of the left side for leaky_relu; but clip
  // passes the gradient at both its bounds.
  double (*slope)(double x, const struct exact_reals *c);
  // Integer constants for inputs of type `in`; false if they don't exist.
  bool (*codes)(const struct exact_reals *c, const struct type *in, int32_t slope_shift,
                int64_t codes[2], struct err *e);
  double lo, hi;
  bool monotone; // and closed: no requantisation is needed between equal types
  const char *module;
  int stages;
  const char *shift, *parameters[2]; // of the module
};

// NULL for kinds that are tables or not pointwise.
const struct exact *exact_of(enum op op);

struct exact_reals exact_reals_of(const struct node *n);

#endif
