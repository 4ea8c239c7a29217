// SPDX-License-Identifier: Apache-2.0
// A convolution: its weights.
#include "quant/quantize_layer.h"

static bool design(const struct graph *g, const struct node *n, struct design *d, struct err *e) {
  if (!conv_of(g, n, &d->conv, e)) return false;
  const struct window *w = &d->conv.window;
  d->groups = d->conv.groups;
  d->taps = w->kernel[ROWS] * w->kernel[COLUMNS] * d->conv.ins;
  d->rows = window_pixels(w);
  return true;
}

// A tap in the padding is 0.
static void row(const struct design *d, const double *frame, int64_t group, int64_t row,
                double *to) {
  const struct window *w = &d->conv.window;
  int64_t oy = row / w->out[COLUMNS], ox = row % w->out[COLUMNS], ins = d->conv.ins;
  for (int64_t ky = 0; ky < w->kernel[ROWS]; ky++)
    for (int64_t kx = 0; kx < w->kernel[COLUMNS]; kx++, to += ins) {
      int64_t y = window_at(w, ROWS, oy, ky), x = window_at(w, COLUMNS, ox, kx);
      bool inside = window_inside(w, ROWS, y) && window_inside(w, COLUMNS, x);
      const double *from = frame + (y * w->in[COLUMNS] + x) * w->channels + group * ins;
      for (int64_t i = 0; i < ins; i++) to[i] = inside ? from[i] : 0;
    }
}

const struct quant_column quant_conv = {
    .quantize = quantize_weighted, .design = design, .row = row};
