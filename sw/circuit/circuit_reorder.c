// SPDX-License-Identifier: Apache-2.0
// The circuit of a node that reorders: hw/axis_extent.sv.
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"

static bool reorder_lanes(const struct graph *g, const struct node *n, bool chosen, int64_t *in,
                          int64_t *out, struct err *e) {
  struct space s;
  if (!space_of(g, n, &s, e)) return false;
  int64_t unit = circuit_reorder_unit(&s), fewer = circuit_divisor(unit, *in);
  if (chosen && *in != *out) return err_set(e, "its lanes in and out differ");
  if (chosen && *in != fewer)
    return err_set(e,
                   "%lld lanes, which don't divide the %lld elements that stay side by side "
                   "(%lld would)",
                   (long long)*in, (long long)unit, (long long)fewer);
  *in = *out = fewer;
  return true;
}

static int64_t reorder_cycles(const struct graph *g, const struct node *n, int64_t in,
                              int64_t out) {
  struct space s;
  struct err e = {0};
  (void)out;
  if (!space_of(g, n, &s, &e)) return 0;
  struct circuit_extent x = circuit_extent_of(&s, in);
  return circuit_extent_places(&x);
}

static bool make_reorder(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  struct circuit_reorder *f = ARENA_NEW(a, struct circuit_reorder, 1);
  struct space s;
  if (node_attr(n, ATTR_slice)) return err_set(e, "it is a slice");
  if (!space_of(g, n, &s, e)) return false;
  f->extent = circuit_extent_of(&s, c->in[0]->lanes);
  f->pad = node_int(n, ATTR_codes, 0);
  c->facts = f;
  c->cycles = circuit_extent_places(&f->extent);
  c->timing = (struct timing){.kind = TIMING_EXTENT, .latency = 1};
  return true;
}

static void reorder_bill(const struct cell *c, struct bill *n) {
  const struct circuit_reorder *f = c->facts;
  n->part = PART_extent;
  for (int k = 0; k < f->extent.dims; k++) {
    bill_counter(n, circuit_extent_span(&f->extent, k));
    n->term[TERM_LANES]++;
  }
  n->term[TERM_STREAM] += (double)(c->out[0]->lanes * c->out[0]->width);
}

const struct circuit_column circuit_reorder = {
    .make = make_reorder, .lanes = reorder_lanes, .cycles = reorder_cycles, .bill = reorder_bill};
