// SPDX-License-Identifier: Apache-2.0
// Radial basis functions: what a row of weights is away from a row of inputs. Both are integers at
// the finer of their two scales, one of them shifted to it.
#ifndef NNGEN_GRAPH_RBF_H
#define NNGEN_GRAPH_RBF_H

#include "sw/graph/graph.h"

enum { RBF_SHIFT_MAX = 16 };

struct rbf {
  int up_x, up_w; // bits that inputs and weights are shifted by; one of them is 0
  double scale;   // of their difference
};

// False if the scales, one of each type, aren't a power of two up to 2^RBF_SHIFT_MAX apart.
bool rbf_of(const struct type *x, const struct type *w, struct rbf *r);

// Of integers that stand for x and w, without their zero points.
static inline fix_wide rbf_square(const struct rbf *r, fix_wide x, fix_wide w) {
  fix_wide d = x * ((fix_wide)1 << r->up_x) - w * ((fix_wide)1 << r->up_w);
  return d * d;
}

#endif
