// SPDX-License-Identifier: Apache-2.0
// The circuit of concat: hw/axis_concat.sv, and a cast in front of each input whose type isn't the
// output's.
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"
#include "sw/graph/slice.h"

// Elements of a shape from axis `from` to before `to`.
static int64_t product(const struct value *v, int from, int to) {
  int64_t n = 1;
  for (int d = from; d < to; d++) n *= v->shape[d];
  return n;
}

// One group for each index in front of the axis.
static int64_t concat_groups(const struct graph *g, const struct node *n, uint32_t i) {
  return product(node_in(g, n, i), 0, concat_axis(g, n));
}

static const struct requant *concat_cast(const struct graph *g, const struct node *n, uint32_t i) {
  (void)g;
  return n->n_rq ? &n->rq[i] : NULL;
}

// The beats of all groups of all inputs.
static int64_t concat_cycles(const struct graph *g, const struct node *n, int64_t in, int64_t out) {
  int64_t cycles = 0;
  (void)out;
  for (uint32_t i = 0; i < n->n_in; i++) {
    int64_t groups = concat_groups(g, n, i), size = value_elements(node_in(g, n, i)) / groups;
    cycles += groups * ((size + in - 1) / in);
  }
  return cycles;
}

static int64_t common(int64_t a, int64_t b) {
  return b ? common(b, a % b) : a;
}

static bool make_concat(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  struct circuit_concat *f = ARENA_NEW(a, struct circuit_concat, 1);
  int64_t *elements = ARENA_NEW(a, int64_t, n->n_in);
  (void)e;
  for (uint32_t i = 0; i < n->n_in; i++) elements[i] = c->in[i]->elements / concat_groups(g, n, i);
  *f = (struct circuit_concat){c->out[0]->lanes, elements, c->out[0]->elements};
  for (uint32_t i = 0; i < n->n_in; i++) c->cycles += c->in[i]->beats;
  c->facts = f;
  c->timing = (struct timing){.kind = TIMING_CONCAT, .latency = 1};
  return true;
}

void circuit_concat_bill(const struct cell *c, struct bill *n) {
  const struct circuit_concat *f = c->facts;
  int64_t unit = common(f->lanes, f->out_elements), beats = 1;
  for (uint32_t i = 0; i < c->n_in; i++) {
    unit = common(unit, f->elements[i]);
    if (f->elements[i] / f->lanes >= beats) beats = f->elements[i] / f->lanes + 1;
  }
  int64_t bits = f->lanes * c->out[0]->width, places = f->lanes / unit + 1;
  n->part = PART_concat;
  n->term[TERM_STREAM] += (double)(2 * bits);
  n->term[TERM_SUMS] += (double)(places * bits);
  n->term[TERM_LANES] += (double)(c->n_in * (uint32_t)bits);
  bill_counter(n, 2 * places);
  bill_counter(n, beats);
  bill_counter(n, c->out[0]->beats);
}

const struct circuit_column circuit_concat = {.make = make_concat,
                                              .cycles = concat_cycles,
                                              .groups = concat_groups,
                                              .cast = concat_cast,
                                              .bill = circuit_concat_bill};
