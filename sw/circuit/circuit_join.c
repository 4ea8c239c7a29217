// SPDX-License-Identifier: Apache-2.0
// The circuit of add, sub and mul: hw/fixed_add.sv and hw/fixed_mul.sv.
#include "sw/base/bits.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"
#include "sw/graph/join.h"

// Stages of fixed_add in front of the accumulator; of rounding tflite those of a requantisation.
enum { PRODUCTS = 1, RESCALES = 4 };

// A factor to the other, or both to their common scale.
static bool join_unit(const struct graph *g, const struct node *n, struct circuit_unit *u,
                      struct err *e) {
  (void)g;
  (void)e;
  bool scaled = n->n_rq > 1 && (n->rq[0].mul[0] > 1 || n->rq[1].mul[0] > 1);
  int sum = join_rescales(n) ? 3 : scaled ? 2 : 0;
  *u = (struct circuit_unit){.multipliers = n->op == OP_mul ? 1 : sum};
  return true;
}

// What brings both inputs of a sum to one scale, and what is left of its requantisation.
static void sum_of(const struct node *n, const struct value *y, struct circuit_join *j) {
  j->rescales = join_rescales(n);
  for (int i = 0; i < 2; i++) {
    j->mul[i] = n->rq[i].mul[0];
    j->shift[i] = n->rq[i].shift[0];
    int bits = bits_unsigned((uint64_t)j->mul[i]);
    if (bits > j->mul_width) j->mul_width = bits;
  }
  struct requant last = join_last(n);
  j->requant = circuit_requant_of(n, y, &last);
}

static int64_t stages(const struct circuit_join *j) {
  int64_t before = j->product ? 0 : j->rescales ? RESCALES : PRODUCTS;
  return before + 1 + circuit_requant_stages(&j->requant);
}

static bool make_join(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  const struct value *y = node_out(g, n, 0);
  struct circuit_join *j = ARENA_NEW(a, struct circuit_join, 1);
  for (uint32_t i = 0; i < n->n_in; i++) {
    const struct value *x = node_in(g, n, i);
    if (!x->init && value_elements(x) != value_elements(y))
      return err_set(e,
                     "input \"%s\" has %lld elements, the output %lld: only constants are spread",
                     x->name, (long long)value_elements(x), (long long)value_elements(y));
  }
  if (node_attr(n, ATTR_slice)) return err_set(e, "it is a slice");
  if (n->rq[0].count > 1) return err_set(e, "its requantisation has channels");
  j->product = n->op == OP_mul;
  j->subtract = n->op == OP_sub;
  j->requant = circuit_requant_of(n, y, &n->rq[0]);
  if (!j->product) sum_of(n, y, j);
  c->facts = j;
  c->cycles = c->in[0]->beats;
  struct circuit_unit u;
  if (!join_unit(g, n, &u, e)) return false;
  c->multipliers = c->in[0]->lanes * u.multipliers;
  c->timing = (struct timing){.kind = TIMING_PIPE, .latency = stages(j)};
  return true;
}

// Bits of an input without its zero point.
static int bits_of(const struct stream *s) {
  return s->width + (type_coding(&s->type) == CODING_UNSIGNED || type_zero(&s->type, 0) != 0);
}

static void join_bill(const struct cell *c, struct bill *n) {
  const struct circuit_join *j = c->facts;
  int64_t lanes = c->out[0]->lanes;
  int a = c->in[0]->width, b = c->in[1]->width, wider = a > b ? a : b;
  int rescaled = wider + 2 + JOIN_TFLITE_BITS < 32 ? wider + 2 + JOIN_TFLITE_BITS : 32;
  int acc = j->product ? a + b + 4 : j->rescales ? rescaled + 1 : wider + 3 + j->mul_width;
  n->part = j->product ? PART_mul : PART_add;
  if (j->product) bill_multiply(n, lanes, bits_of(c->in[0]), bits_of(c->in[1]));
  for (int i = 0; i < 2 && !j->product; i++) {
    bill_factor(n, lanes, c->in[i]->width + 2, j->mul_width, j->mul[i]);
    n->term[TERM_DATA] += (double)(lanes * (bits_of(c->in[i]) + j->mul_width));
    if (j->rescales) n->term[TERM_REQUANT] += (double)(lanes * 3 * rescaled);
  }
  // hw/fixed_multiply.sv adds parts of what is wider than 16 bits; else a DSP block has the sum
  bool outside = !j->product || wider + 2 > 16;
  n->term[TERM_DATA] += (double)(outside ? lanes * (acc - 2) : 0);
  n->term[TERM_SUMS] += (double)(outside ? lanes * acc * (j->product ? 3 : 1) : 0);
  for (int i = 0; i < 2; i++)
    if (type_zero(&c->in[i]->type, 0))
      n->term[TERM_SUMS] += (double)(lanes * (c->in[i]->width + 2));
  n->term[TERM_LANES] = (double)lanes;
  bill_requant(n, lanes, acc, &j->requant, false);
}

const struct circuit_column circuit_join = {
    .make = make_join, .unit = join_unit, .bill = join_bill};
