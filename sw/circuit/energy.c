// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/energy.h"

#include "sw/graph/interval.h"
#include "sw/graph/slice.h"

#include <math.h>

double energy_product(double a, double b) {
  return 0.002994791667 * a * b + 0.001041666667 * (a + b) / 2;
}

double energy_add(double bits) {
  return 0.003125 * bits;
}

// The cubic falls below 0 for memories of a few bits, which are registers.
double energy_read(double memory_bits) {
  double x = log2(memory_bits > 2 ? memory_bits : 2);
  double pj = ((9.02427321e-4 * x - 2.68847858e-2) * x + 0.208900804) * x;
  return pj > 0 ? pj : 0;
}

static double bits_of(const struct value *v) {
  return (double)value_elements(v) * type_stream_width(&v->type);
}

static void add_layer(const struct graph *g, const struct node *n, struct energy *e) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1);
  double macs = (double)node_macs(g, n), a = type_stream_width(&x->type), b = type_width(&w->type);
  e->arithmetic +=
      macs * (energy_product(a, b) + energy_add(interval_bits(interval_node(g, n, KNOWN_PROVEN))));
  e->on_chip += macs * b * energy_read(bits_of(w)) + bits_of(x) * energy_read(bits_of(x));
}

struct energy energy_of(const struct graph *g) {
  struct energy e = {0};
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    const struct value *w = op_is(n->op, TRAIT_WEIGHTS) ? node_in(g, n, 1) : NULL;
    if (w && w->init && type_is_integer(&node_out(g, n, 0)->type)) add_layer(g, n, &e);
  }
  for (uint32_t i = 0; i < g->n_inputs; i++)
    e.off_chip += 20.3125 * bits_of(&g->values[g->inputs[i].value]);
  for (uint32_t i = 0; i < g->n_outputs; i++)
    e.off_chip += 20.3125 * bits_of(&g->values[g->outputs[i]]);
  return e;
}
