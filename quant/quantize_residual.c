// SPDX-License-Identifier: Apache-2.0
#include "quant/quantize_residual.h"

#include <math.h>

static double mean_size(int64_t count, const double *w) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += fabs(w[i]);
  return sum / (double)count;
}

// The scale at which integers are nearest to weights, by least squares; `guess` if none is.
static double fitting(int64_t count, const double *w, const int64_t *codes, double guess) {
  double products = 0, squares = 0;
  for (int64_t i = 0; i < count; i++) {
    products += w[i] * (double)codes[i];
    squares += (double)(codes[i] * codes[i]);
  }
  return products > 0 ? products / squares : guess;
}

struct type quantize_residuals(struct arena *a, const struct format *f, int64_t channels,
                               int64_t run, const double *w, int64_t *codes) {
  struct residual r = f->weight_residual;
  double *alike = ARENA_NEW(a, double, channels *run), *scale = ARENA_NEW(a, double, channels);
  int64_t count = 0;
  for (int64_t c = 0; c < channels; c++) {
    scale[c] = mean_size(run, w + c * run);
    for (int64_t i = 0; scale[c] > 0 && i < run; i++) alike[count++] = w[c * run + i] / scale[c];
  }
  double unit = count ? residual_choose(&r, count, alike) : 0;
  for (int64_t c = 0; c < channels; c++) {
    scale[c] *= unit;
    for (int64_t i = 0; scale[c] > 0 && i < run; i++)
      codes[c * run + i] = residual_round(&r, w[c * run + i] / scale[c]);
    if (scale[c] > 0) scale[c] = fitting(run, w + c * run, codes + c * run, scale[c]);
  }
  return type_residual(a, &r, f->weight == WEIGHT_CHANNEL ? 0 : -1, channels, scale);
}
