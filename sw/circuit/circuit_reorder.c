// SPDX-License-Identifier: Apache-2.0
// The circuit of a node that reorders: hw/axis_extent.sv or hw/axis_reorder.sv.
#include "sw/base/bits.h"
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

// A block takes as many cycles as beats in or out, whichever are more.
static int64_t blocks_cycles(const struct circuit_blocks *b) {
  return b->blocks * (b->in > b->out ? b->in : b->out);
}

static int64_t reorder_cycles(const struct graph *g, const struct node *n, int64_t in,
                              int64_t out) {
  struct space s;
  struct err e = {0};
  (void)out;
  if (!space_of(g, n, &s, &e)) return 0;
  if (circuit_reorder_moves(&s)) {
    struct circuit_blocks blocks = circuit_blocks_of(&s, in);
    return blocks_cycles(&blocks);
  }
  struct circuit_extent extent = circuit_extent_of(&s, in);
  return circuit_extent_places(&extent);
}

static void make_extent(const struct space *s, struct cell *c, struct circuit_reorder *f) {
  f->extent = circuit_extent_of(s, c->in[0]->lanes);
  c->cycles = circuit_extent_places(&f->extent);
  c->timing = (struct timing){.kind = TIMING_EXTENT, .latency = 1};
}

static void make_blocks(const struct space *s, struct cell *c, struct circuit_reorder *f) {
  f->blocks = circuit_blocks_of(s, c->in[0]->lanes);
  c->cycles = blocks_cycles(&f->blocks);
  c->memory_bits = 2 * f->blocks.in * c->in[0]->lanes * c->in[0]->width;
  c->timing = (struct timing){.kind = TIMING_BLOCKS, .latency = 2};
}

static bool make_reorder(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  struct circuit_reorder *f = ARENA_NEW(a, struct circuit_reorder, 1);
  struct space s;
  if (node_attr(n, ATTR_slice)) return err_set(e, "it is a slice");
  if (!space_of(g, n, &s, e)) return false;
  f->pad = node_int(n, ATTR_codes, 0);
  c->facts = f;
  if (circuit_reorder_moves(&s))
    make_blocks(&s, c, f);
  else
    make_extent(&s, c, f);
  return true;
}

// hw/axis_reorder.sv: two blocks of beats, and addresses of each dimension.
static void blocks_bill(const struct circuit_blocks *b, int64_t width, struct bill *n) {
  n->part = PART_reorder;
  bill_ram(n, 1, width, 2 * b->in);
  for (int i = 0; i < 3; i++) bill_counter(n, b->in);
  for (int k = 0; k < b->dims; k++) bill_counter(n, b->size[k]);
  bill_counter(n, b->blocks);
  n->term[TERM_SUMS] += (double)(b->dims * bits_clog2(b->in));
  n->term[TERM_STREAM] += (double)width;
}

static void reorder_bill(const struct cell *c, struct bill *n) {
  const struct circuit_reorder *f = c->facts;
  int64_t width = c->out[0]->lanes * c->out[0]->width;
  if (c->timing.kind == TIMING_BLOCKS) {
    blocks_bill(&f->blocks, width, n);
    return;
  }
  n->part = PART_extent;
  for (int k = 0; k < f->extent.dims; k++) {
    bill_counter(n, circuit_extent_span(&f->extent, k));
    n->term[TERM_LANES]++;
  }
  n->term[TERM_STREAM] += (double)width;
}

const struct circuit_column circuit_reorder = {
    .make = make_reorder, .lanes = reorder_lanes, .cycles = reorder_cycles, .bill = reorder_bill};
