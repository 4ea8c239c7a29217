// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/whole.h"

#include <math.h>

// Half of what floats count: sizes are themselves sums of floats.
static const double units_most = 0x1p23;

static struct extent extent_of(int64_t count, const float *x) {
  struct extent e;
  kernels_best()->extent_real(count, x, &e);
  return e;
}

linear_kernel *whole_linear(const struct node *n, int64_t count, const float *x, int64_t in,
                            int64_t out, const float *w, const float *bias) {
  const struct kernels *k = kernels_best();
  if (!n->odd) return k->linear_real;
  struct extent xs = extent_of(count, x), b = {.unit = INFINITY};
  for (int64_t o = 0; o < out; o++) {
    struct extent ws = extent_of(in, w + o * in);
    if (bias) b = extent_of(1, &bias[o]);
    double unit = fmin((double)xs.unit * (double)ws.unit, (double)b.unit);
    double size = (double)xs.most * (double)ws.sum + (double)b.most;
    if (!(size <= units_most * unit)) return k->linear_odd; // NaN, too
  }
  return k->linear_real;
}

bool whole_sums(int64_t count, const float *x, int64_t terms) {
  struct extent e = extent_of(count, x);
  return (double)e.most * (double)terms <= units_most * (double)e.unit;
}
