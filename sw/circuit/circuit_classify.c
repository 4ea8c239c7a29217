// SPDX-License-Identifier: Apache-2.0
// The circuit of a classification: hw/fixed_argmax.sv.
#include "sw/base/bits.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"

static bool make_classify(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  (void)a;
  if (n->n_out > 1) return err_set(e, "only the index becomes a circuit, not the value");
  if (type_is_bipolar(&node_in(g, n, 0)->type)) return err_set(e, "its input is bipolar");
  if (value_elements(node_out(g, n, 0)) != 1) return err_set(e, "its input has several rows");
  c->timing = (struct timing){
      .kind = TIMING_ARGMAX, .latency = 1 + bits_clog2(c->in[0]->lanes), .ib = c->in[0]->beats};
  c->cycles = c->in[0]->beats;
  return true;
}

// hw/fixed_argmax.sv: a tree of {element, lane}, and the best so far.
static void classify_bill(const struct cell *c, struct bill *n) {
  int64_t lanes = c->in[0]->lanes, item = c->in[0]->width + 1 + c->out[0]->width;
  n->part = PART_argmax;
  n->term[TERM_DATA] += (double)(lanes * item);
  n->term[TERM_SUMS] += (double)(lanes * item);
  bill_counter(n, c->in[0]->beats);
}

const struct circuit_column circuit_classify = {.make = make_classify, .bill = classify_bill};
