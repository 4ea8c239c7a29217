// SPDX-License-Identifier: Apache-2.0
// The circuit of radial basis functions: hw/fixed_linear.sv with squared differences in place of
// products.
#include "sw/circuit/facts.h"
#include "sw/graph/interval.h"
#include "sw/graph/rbf.h"
#include "sw/graph/weights.h"

// Low bits that are zero in all of them; 0 if they are all zero.
static int common_shift(const int64_t *v, int64_t count) {
  uint64_t bits = 0;
  int shift = 0;
  for (int64_t i = 0; i < count; i++) bits |= (uint64_t)v[i];
  while (bits && !(bits >> shift & 1)) shift++;
  return shift;
}

// What all inputs and weights are shifted by is taken off: the accumulator has twice as many low
// bits that are zero, and its requantisation shifts by so many less. TFLite's rounds twice.
static void drop_common_shift(const struct node *n, bool bipolar, struct circuit_linear *l) {
  int common = l->in_shift < l->weight_shift ? l->in_shift : l->weight_shift;
  if (bipolar || n->rounding == FIX_TFLITE || l->requant.shift - 2 * common < FIX_SHIFT_MIN) return;
  l->in_shift -= common;
  l->weight_shift -= common;
  l->requant.shift -= 2 * common;
  l->acc_width = l->acc_width > 2 * common ? l->acc_width - 2 * common : 1;
}

// x - z - w is x - (w + z): the zero point of the input goes into the weights. Lanes without an
// input have 0 on both sides, which bipolar weights can't say.
void circuit_rbf_fold(struct arena *a, const struct graph *g, const struct node *n,
                      struct circuit_linear *l) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1);
  struct weights from = weights_of(w);
  int64_t *weight = ARENA_NEW(a, int64_t, l->in * l->out), zero = type_zero(&x->type, 0);
  struct interval range = {0, 0};
  struct rbf r;
  if (!rbf_of(&x->type, &w->type, &r)) return; // refused by the verifier
  for (int64_t i = 0; i < l->in * l->out; i++)
    weight[i] = weight_of(&from, i / l->in, i % l->in) * ((int64_t)1 << r.up_w) +
                zero * ((int64_t)1 << r.up_x);
  l->distance = true;
  l->in_shift = r.up_x;
  l->weight_shift = common_shift(weight, l->in * l->out);
  for (int64_t i = 0; i < l->in * l->out; i++) {
    weight[i] /= (int64_t)1 << l->weight_shift;
    if (weight[i] < range.lo) range.lo = weight[i];
    if (weight[i] > range.hi) range.hi = weight[i];
  }
  l->weight = weight;
  l->weight_type = type_coding_text(CODING_SIGNED);
  l->weight_width = interval_bits(range) < 2 ? 2 : interval_bits(range);
  l->code_width = l->weight_width;
  l->bias = ARENA_NEW(a, int64_t, l->out);
  l->bias_width = 1;
  drop_common_shift(n, type_is_bipolar(&node_out(g, n, 0)->type), l);
}

static bool make_rbf(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  struct weights w = weights_of(node_in(g, n, 1));
  return circuit_weighted(a, g, c, &w, circuit_rows(g, n), 1, false, e);
}

static bool rbf_unit(const struct graph *g, const struct node *n, struct circuit_unit *u,
                     struct err *e) {
  struct weights w = weights_of(node_in(g, n, 1));
  return circuit_weighted_unit(g, n, &w, false, false, u, e);
}

const struct circuit_column circuit_rbf = {.make = make_rbf,
                                           .lanes = circuit_rows_lanes,
                                           .cycles = circuit_rows_cycles,
                                           .unit = rbf_unit,
                                           .bill = circuit_weighted_bill,
                                           .window = circuit_rows_window};
