// SPDX-License-Identifier: Apache-2.0
// A linear layer: its weights.
#include "quant/quantize_layer.h"
#include "sw/graph/weights.h"

static bool design(const struct graph *g, const struct node *n, struct design *d, struct err *e) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1);
  (void)e;
  d->groups = 1;
  d->taps = fan_in(w->rank, w->shape);
  d->rows = value_elements(x) / d->taps;
  return true;
}

static void row(const struct design *d, const double *frame, int64_t group, int64_t row,
                double *to) {
  (void)group;
  for (int64_t i = 0; i < d->taps; i++) to[i] = frame[row * d->taps + i];
}

const struct quant_column quant_linear = {
    .quantize = quantize_weighted, .design = design, .row = row};
