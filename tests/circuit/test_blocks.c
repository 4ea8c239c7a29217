// SPDX-License-Identifier: Apache-2.0
// What axis_reorder has of a frame: blocks, lanes and memory by hand, beats against the C model's
// elements, and no cycle between rows and frames.
#include "sw/base/rng.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/timing.h"
#include "sw/exec/reorder.h"
#include "sw/graph/interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct reordering {
  enum op op;
  int rank;
  int64_t shape[4], list[4];
};

static int64_t list_length(const struct reordering *r) {
  return r->op == OP_upsample ? r->rank - 1 : r->rank;
}

// A graph of one such node.
static struct graph *graph_of(struct arena *a, const struct reordering *r) {
  struct graph *g = graph_new(a, "blocks");
  struct err e = {0};
  struct type type = type_fixed(a, 8, true, 1, 0);
  int64_t shape[RANK_MAX];
  int rank;
  uint32_t x = graph_add_value(g, "x", r->rank, r->shape, type, true);
  uint32_t n = graph_add_node(g, r->op, "layer");
  graph_add_input(g, x, (struct source){0});
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_ints(g, n, r->op == OP_upsample ? ATTR_factors : ATTR_axes, list_length(r), r->list);
  if (!graph_shape(g, &g->nodes[n], 0, &rank, shape, &e)) fail_msg("%s", e.text);
  graph_add_out(g, n, graph_add_value(g, "y", rank, shape, type, true));
  graph_add_output(g, g->nodes[n].out[0]);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

static const struct cell *layer_of(const struct circuit *p) {
  uint32_t i = 0;
  while (p->cells[i].kind != CELL_LAYER) i++;
  return &p->cells[i];
}

static struct circuit *built(struct arena *a, const struct graph *g, int64_t lanes) {
  struct err e = {0};
  struct circuit *p = circuit_build(a, g, "top", &(struct folding){.parallelism = lanes}, &e);
  if (!p) fail_msg("%s", e.text);
  return p;
}

static int64_t slowest(const struct circuit *p) {
  int64_t most = 0;
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].cycles > most) most = p->cells[i].cycles;
  return most;
}

// ---- by hand, of 4 lanes that are asked for

static const struct {
  struct reordering node;
  int64_t lanes, blocks, in, out; // blocks 0: it keeps nothing
} by_hand[] = {
    // channels take turns within a pixel; channels first; rows and columns; rows alone
    {{OP_permute, 4, {7, 7, 3, 4}, {0, 1, 3, 2}}, 1, 49, 12, 12},
    {{OP_permute, 3, {5, 6, 4}, {2, 0, 1}}, 1, 1, 120, 120},
    {{OP_permute, 3, {5, 6, 8}, {1, 0, 2}}, 4, 1, 60, 60},
    {{OP_permute, 3, {5, 6, 2}, {1, 0, 2}}, 2, 1, 30, 30},
    {{OP_permute, 3, {5, 1, 8}, {1, 0, 2}}, 4, 0, 0, 0},
    {{OP_permute, 4, {2, 3, 1, 4}, {0, 2, 3, 1}}, 1, 2, 12, 12},
    // both ways; columns alone; rows alone, whose elements all stay together; neither
    {{OP_upsample, 3, {5, 6, 8}, {2, 3}}, 4, 5, 12, 72},
    {{OP_upsample, 3, {5, 6, 8}, {1, 3}}, 4, 30, 2, 6},
    {{OP_upsample, 3, {5, 6, 3}, {2, 1}}, 3, 5, 6, 12},
    {{OP_upsample, 2, {6, 4}, {2}}, 4, 6, 1, 2},
    {{OP_upsample, 3, {5, 6, 8}, {1, 1}}, 4, 0, 0, 0},
};

static void blocks_by_hand(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
    struct arena a = {0};
    struct circuit *p = built(&a, graph_of(&a, &by_hand[i].node), 4);
    const struct cell *c = layer_of(p);
    const struct circuit_blocks *b = &((const struct circuit_reorder *)c->facts)->blocks;
    assert_int_equal(c->in[0]->lanes, by_hand[i].lanes);
    assert_int_equal(c->out[0]->lanes, by_hand[i].lanes);
    assert_int_equal(b->blocks, by_hand[i].blocks);
    assert_int_equal(b->in, by_hand[i].in);
    assert_int_equal(b->out, by_hand[i].out);
    assert_int_equal(c->memory_bits, 2 * by_hand[i].in * by_hand[i].lanes * 8);
    assert_int_equal(c->timing.kind, b->blocks ? TIMING_BLOCKS : TIMING_EXTENT);
    int64_t beats = c->in[0]->beats > c->out[0]->beats ? c->in[0]->beats : c->out[0]->beats;
    assert_int_equal(c->cycles, beats);
    assert_int_equal(p->ii, slowest(p));
    arena_free(&a);
  }
}

// ---- the beats that leave are the elements of the C model, for any lanes

static struct reordering random_one(struct rng *r) {
  struct reordering n = {.op = rng_range(r, 0, 1) ? OP_permute : OP_upsample, .list = {0, 1, 2, 3}};
  n.rank = (int)(n.op == OP_permute ? rng_range(r, 1, 4) : rng_range(r, 2, 3));
  for (int d = 0; d < n.rank; d++) {
    n.shape[d] = rng_range(r, 1, 4);
    if (n.op == OP_upsample) n.list[d] = rng_range(r, 1, 3);
    int with = (int)rng_range(r, 0, d);
    if (n.op == OP_upsample) continue;
    int64_t axis = n.list[d];
    n.list[d] = n.list[with];
    n.list[with] = axis;
  }
  return n;
}

static void beats_are_elements(void **state) {
  (void)state;
  struct rng r = {.seed = 5};
  int moved = 0, wide = 0;
  for (int i = 0; i < 1000; i++) {
    struct arena a = {0};
    struct err e = {0};
    void *none[1] = {NULL};
    struct space s;
    struct reorder order;
    struct reordering n = random_one(&r);
    struct graph *g = graph_of(&a, &n);
    if (!space_of(g, &g->nodes[0], &s, &e)) fail_msg("%s", e.text);
    struct job j = job_of(&a, g, &g->nodes[0], 1, 8, none, none);
    assert_true(reorder_of(&a, &j, &order));
    int64_t lanes = circuit_divisor(circuit_reorder_unit(&s), rng_range(&r, 1, 6));
    struct circuit_blocks b = circuit_blocks_of(&s, lanes);
    for (int64_t k = 0; k < j.out[0].elements; k++) {
      int64_t beat = k / lanes, from = reorder_at(&order, k);
      if (circuit_reorder_moves(&s))
        assert_int_equal(
            (beat / b.out * b.in + circuit_blocks_at(&b, beat % b.out)) * lanes + k % lanes, from);
      else
        assert_int_equal(k, from);
    }
    if (circuit_reorder_moves(&s)) assert_int_equal(circuit_blocks_at(&b, b.out - 1), b.in - 1);
    moved += circuit_reorder_moves(&s);
    wide += lanes > 1 && circuit_reorder_moves(&s);
    arena_free(&a);
  }
  assert_true(moved > 300 && wide > 100 && moved < 1000);
}

// ---- a lane number that a folding file gives

static void wrong_lanes(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct folding_entry lanes = {.name = "layer", .in = 2, .out = 2};
  struct folding f = {.parallelism = 2, .n_layers = 1, .layers = &lanes};
  assert_null(circuit_build(&a, graph_of(&a, &by_hand[1].node), "top", &f, &e));
  if (!strstr(e.text, "layer \"layer\" (permute): 2 lanes, which don't divide the 1 elements that "
                      "stay side by side (1 would)"))
    fail_msg("%s", e.text);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_by_hand),
                                     cmocka_unit_test(beats_are_elements),
                                     cmocka_unit_test(wrong_lanes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
