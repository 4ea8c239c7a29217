// SPDX-License-Identifier: Apache-2.0
#include "tests/net/helper_nearest.h"

#include <math.h>
#include <stdlib.h>

// The integer next to u, ties as the mode's name says.
static double rounded(double u, enum fix_rounding mode) {
  double below = floor(u), above = ceil(u), sign = u < 0 ? -1 : 1, size = fabs(u);
  double tie = u - below == 0.5;
  switch (mode) {
  case FIX_FLOOR:
    return below;
  case FIX_CEIL:
    return above;
  case FIX_ZERO:
    return sign * floor(size);
  case FIX_AWAY:
    return sign * ceil(size);
  case FIX_HALF_UP:
    return tie ? above : nearbyint(u);
  case FIX_HALF_DOWN:
    return tie ? below : nearbyint(u);
  case FIX_HALF_ZERO:
    return tie ? sign * floor(size) : nearbyint(u);
  case FIX_HALF_AWAY:
    return tie ? sign * ceil(size) : nearbyint(u);
  case FIX_HALF_EVEN:
    return nearbyint(u);
  case FIX_TFLITE:
  case FIX_ROUNDINGS:
    break;
  }
  abort();
}

double nearest_value(const struct node *n, const struct type *t, int64_t c, double x,
                     bool *inside) {
  int64_t k = t->axis < 0 ? 0 : c;
  double s = t->scale[k];
  if (t->cls == TYPE_BIPOLAR) {
    *inside = x >= -s && x <= s;
    return x < 0 ? -s : s;
  }
  double z = t->zero[k], hi = ldexp(1, t->width - t->is_signed) - 1,
         lo = t->is_signed ? -hi - 1 : 0;
  double q = rounded(x / s, n->rounding) + z, span = ldexp(1, t->width);
  if (n->overflow == FIX_SYMMETRIC && t->is_signed) lo = -hi;
  *inside = q >= lo && q <= hi;
  if (!*inside && n->overflow == FIX_TO_ZERO) q = z;
  if (!*inside && n->overflow == FIX_WRAP) q -= span * floor((q - lo) / span);
  return (fmin(fmax(q, lo), hi) - z) * s;
}
