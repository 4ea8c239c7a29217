// SPDX-License-Identifier: Apache-2.0
// The circuit of a sub-sampling: hw/axis_window.sv, and behind it hw/fixed_subsample.sv.
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"
#include "sw/graph/subsample.h"

static bool subsample_lanes(const struct graph *g, const struct node *n, bool chosen, int64_t *in,
                            int64_t *out, struct err *e) {
  struct window w;
  if (!subsample_of(g, n, &w, e)) return false;
  if (chosen && *in != *out) return err_set(e, "its lanes in and out differ");
  if (chosen) return circuit_divides(w.channels, *in, "", e);
  *in = *out = circuit_divisor(w.channels, *in);
  return true;
}

static bool subsample_shape(const struct graph *g, const struct node *n, int64_t in, int64_t out,
                            struct circuit_window *w, struct err *e) {
  struct window shape;
  (void)out;
  if (!subsample_of(g, n, &shape, e)) return false;
  *w = (struct circuit_window){.shape = shape,
                               .lanes = in,
                               .taps = 1,
                               .beats = shape.channels / in,
                               .groups = shape.channels / in,
                               .steps = 1,
                               .pad = type_from_integer(&node_in(g, n, 0)->type, 0, 0)};
  circuit_line_keep(g, n, w);
  return true;
}

static bool subsample_window(struct arena *a, const struct graph *g, const struct node *n,
                             int64_t in, int64_t out, struct circuit_window *w, struct err *e) {
  (void)a;
  return subsample_shape(g, n, in, out, w, e) && circuit_window_size(w, e);
}

static int64_t subsample_cycles(const struct graph *g, const struct node *n, int64_t in,
                                int64_t out) {
  struct circuit_window w;
  struct err e = {0};
  return subsample_shape(g, n, in, out, &w, &e) ? circuit_window_bound(&w) : 0;
}

static bool make_subsample(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  struct window w;
  if (!subsample_of(g, n, &w, e)) return false;
  struct weights weights = subsample_weights(g, n, &w);
  return circuit_depthwise(a, g, c, &weights, window_pixels(&w), 1, e);
}

static bool subsample_unit(const struct graph *g, const struct node *n, struct circuit_unit *u,
                           struct err *e) {
  struct window w;
  if (!subsample_of(g, n, &w, e)) return false;
  struct weights weights = subsample_weights(g, n, &w);
  return circuit_weighted_unit(g, n, &weights, true, false, u, e);
}

// A depthwise convolution of one tap, of sums.
static void subsample_bill(const struct cell *c, struct bill *n) {
  struct circuit_linear l = *(const struct circuit_linear *)c->facts;
  int64_t lanes = c->in[0]->lanes;
  l.in_width = l.sum_width;
  circuit_depthwise_bill(&l, lanes, 1, n);
  n->part = PART_subsample;
  n->term[TERM_SUMS] += (double)(lanes * l.sum_width);
}

const struct circuit_column circuit_subsample = {.make = make_subsample,
                                                 .lanes = subsample_lanes,
                                                 .cycles = subsample_cycles,
                                                 .unit = subsample_unit,
                                                 .windows = subsample_of,
                                                 .bill = subsample_bill,
                                                 .window = subsample_window};
