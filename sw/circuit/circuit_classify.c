// SPDX-License-Identifier: Apache-2.0
// The circuit of a classification: hw/fixed_argmax.sv, hw/fixed_top_k.sv.
#include "sw/base/bits.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"

static bool make_classify(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  const struct value *y = node_out(g, n, 0);
  struct circuit_classify *f = ARENA_NEW(a, struct circuit_classify, 1);
  if (n->n_out > 1) return err_set(e, "only the index becomes a circuit, not the value");
  if (type_is_bipolar(&node_in(g, n, 0)->type)) return err_set(e, "its input is bipolar");
  if (value_elements(y) != node_int(n, ATTR_k, 1)) return err_set(e, "its input has several rows");
  *f = (struct circuit_classify){
      .k = value_elements(y), .ranks = n->op == OP_top_k, .least = n->op == OP_argmin};
  c->facts = f;
  c->timing = (struct timing){.kind = TIMING_ARGMAX,
                              .latency = 1 + (f->ranks ? 0 : bits_clog2(c->in[0]->lanes)),
                              .ib = c->in[0]->beats};
  c->cycles = c->in[0]->beats;
  return true;
}

// fixed_top_k takes an element a beat, and gives all indices in one.
static bool classify_lanes(const struct graph *g, const struct node *n, bool chosen, int64_t *in,
                           int64_t *out, struct err *e) {
  int64_t k = value_elements(node_out(g, n, 0));
  if (n->op != OP_top_k) return true;
  if (chosen && (*in != 1 || *out != k))
    return err_set(e, "lanes %lld in, %lld out: it has 1 and %lld", (long long)*in, (long long)*out,
                   (long long)k);
  *in = 1;
  *out = k;
  return true;
}

// hw/fixed_argmax.sv: a tree of {element, lane}, and the best so far. hw/fixed_top_k.sv: the best
// k.
static void classify_bill(const struct cell *c, struct bill *n) {
  const struct circuit_classify *f = c->facts;
  int64_t items = f->ranks ? f->k : c->in[0]->lanes, item = c->in[0]->width + 1 + c->out[0]->width;
  n->part = PART_argmax;
  n->term[TERM_DATA] += (double)(items * item);
  n->term[TERM_SUMS] += (double)(items * item);
  bill_counter(n, c->in[0]->beats);
}

const struct circuit_column circuit_classify = {
    .make = make_classify, .lanes = classify_lanes, .bill = classify_bill};
