// SPDX-License-Identifier: Apache-2.0
// The circuit of a softmax that is part of it: hw/fixed_softmax.sv.
#include "sw/base/bits.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"
#include "sw/graph/softmax.h"

enum { STEPS = 3, WORD = SOFTMAX_BITS + 1, ROWS_HELD = 2 };

static int64_t row_of(const struct graph *g, const struct node *n) {
  const struct value *x = node_in(g, n, 0);
  return x->shape[x->rank - 1];
}

static int fraction_of(const struct graph *g, const struct node *n) {
  int fraction = 0;
  softmax_fraction(&node_out(g, n, 0)->type, &fraction);
  return fraction;
}

// Lanes divide a row, so that each begins a beat.
static bool softmax_lanes(const struct graph *g, const struct node *n, bool chosen, int64_t *in,
                          int64_t *out, struct err *e) {
  int64_t count = row_of(g, n);
  if (chosen && *in != *out) return err_set(e, "its lanes in and out differ");
  if (chosen && count % *in != 0)
    return err_set(e, "%lld lanes, which don't divide its rows of %lld elements (%lld would)",
                   (long long)*in, (long long)count, (long long)circuit_divisor(count, *in));
  *in = *out = circuit_divisor(count, *in);
  return true;
}

// Cycles between the begins of two beats in the dividers.
static int64_t beat_cycles(int fraction) {
  return fraction + STEPS > SOFTMAX_READ + 1 ? fraction + STEPS : SOFTMAX_READ + 1;
}

// The first beat of a row waits for its sum, and for the last of the row before.
static int64_t row_cycles(int64_t beats, int64_t lanes, int fraction) {
  int64_t first = beats + SOFTMAX_READ + 1 + bits_clog2(lanes), steps = fraction + STEPS;
  return (first > steps ? first : steps) + (beats - 1) * beat_cycles(fraction);
}

static int64_t softmax_cycles(const struct graph *g, const struct node *n, int64_t in,
                              int64_t out) {
  int64_t count = row_of(g, n), rows = value_elements(node_in(g, n, 0)) / count;
  (void)out;
  return rows * row_cycles(count / in, in, fraction_of(g, n));
}

static bool make_softmax(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  struct circuit_softmax *f = ARENA_NEW(a, struct circuit_softmax, 1);
  int64_t lanes = c->in[0]->lanes;
  (void)e;
  f->elements = row_of(g, n);
  f->beats = f->elements / lanes;
  f->exps = softmax_exps(a, &node_in(g, n, 0)->type, &f->depth);
  f->fraction = fraction_of(g, n);
  f->sum_width = WORD + bits_clog2(f->elements);
  c->facts = f;
  c->cycles = softmax_cycles(g, n, lanes, lanes);
  c->timing = (struct timing){.kind = TIMING_SOFTMAX,
                              .latency = f->beats + SOFTMAX_READ + bits_clog2(lanes),
                              .ib = f->beats,
                              .og = f->fraction + STEPS,
                              .queue = ROWS_HELD};
  c->memory_bits = ROWS_HELD * f->elements * c->in[0]->width + (lanes + 1) / 2 * f->depth * WORD;
  return true;
}

// hw/fixed_softmax_rows.sv, hw/fixed_softmax_exps.sv, hw/fixed_softmax_sum.sv, and for each lane
// hw/fixed_quotient.sv
static void softmax_bill(const struct cell *c, struct bill *n) {
  const struct circuit_softmax *f = c->facts;
  int64_t lanes = c->in[0]->lanes, width = c->in[0]->width, sum = f->sum_width;
  n->part = PART_softmax;
  n->term[TERM_LANES] = (double)lanes;
  bill_ram(n, 1, lanes * width, (int64_t)ROWS_HELD << bits_clog2(f->beats));
  for (int64_t pair = 0; pair < lanes; pair += 2)
    bill_rom(n, 1, WORD, f->depth, pair + 1 < lanes ? 2 : 1);
  // of a lane: element, distance, index, exponential, rest, quotient; trees of pairs between them
  int64_t index = bits_clog2(f->depth), wide = width + 1, quotient = f->fraction + 2;
  n->term[TERM_STREAM] += (double)(lanes * (width + c->out[0]->width));
  n->term[TERM_DATA] += (double)(lanes * (wide + index + WORD + sum + quotient + 4));
  n->term[TERM_DATA] += (double)((lanes - 1) * (sum + wide) + 2 * sum + 3 * wide);
  n->term[TERM_SUMS] += (double)(lanes * (4 * wide + 3 * sum + WORD + 2 * quotient));
  n->term[TERM_SUMS] += (double)(lanes * c->out[0]->width + 4 * sum + 3 * wide);
  bill_counter(n, f->beats);
  bill_counter(n, f->beats);
  bill_counter(n, f->fraction + STEPS);
}

const struct circuit_column circuit_softmax = {
    .make = make_softmax, .lanes = softmax_lanes, .cycles = softmax_cycles, .bill = softmax_bill};
