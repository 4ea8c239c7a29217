// SPDX-License-Identifier: Apache-2.0
// Convolutions as circuits. Of several groups: a group of a pixel is a row of fixed_linear, with
// weights of its own, and a frame takes the cycles of docs/rtl.md. Windows that see nothing of the
// image are refused.
#include "sw/circuit/facts.h"
#include "sw/graph/conv.h"
#include "tests/net/helper_circuit.h"
#include "tests/net/helper_netgen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 120 };

static bool is_grouped(const struct graph *g, const struct node *n, struct conv *c) {
  struct err e = {0};
  return (n->op == OP_conv2d || n->op == OP_conv1d) && conv_of(g, n, c, &e) && c->groups > 1 &&
         (c->ins > 1 || c->outs > c->groups);
}

static void check_cell(const struct cell *c, const struct conv *conv) {
  const struct circuit_linear *l = c->facts;
  const struct window *w = &conv->window;
  int64_t in = c->in[0]->lanes, out = c->out[0]->lanes;
  int64_t products = window_pixels(w) * l->in * conv->outs;
  assert_int_equal(l->in, w->kernel[ROWS] * w->kernel[COLUMNS] * conv->ins);
  assert_int_equal(l->sets, conv->groups);
  assert_int_equal(l->rows, window_pixels(w) * conv->groups);
  assert_int_equal(c->cycles * in * out, products); // no multiplier is idle
  int64_t words = l->sets * l->ib * l->og;
  assert_int_equal(c->memory_bits, words * in * out * l->weight_width +
                                       conv->outs * circuit_linear_unit(l).channel_bits);
}

// Lanes of both groups at once.
static void check_refusal(struct arena *a, const struct graph *g, const struct node *n,
                          const struct conv *conv) {
  struct err e = {0};
  struct folding_entry entry = {.name = n->name, .in = 1, .out = conv->outs};
  struct folding f = {.parallelism = 1, .n_layers = 1, .layers = &entry};
  assert_null(circuit_build(a, g, "top", &f, &e));
  assert_non_null(strstr(e.text, " lanes out, which don't divide its "));
}

static void test_cycles(void **state) {
  (void)state;
  int grouped = 0, multiplied = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct arena a = {0};
    struct err e = {0};
    const struct graph *g = netgen(&a, seed, seed % 2 ? OP_conv1d : OP_conv2d, NETGEN_CIRCUIT);
    struct folding f = circuit_folding(&a, g, seed);
    const struct circuit *c = circuit_build(&a, g, "top", &f, &e);
    if (!c) fail_msg("seed %d: %s", (int)seed, e.text);
    for (uint32_t i = 0; i < c->n_cells; i++) {
      struct conv conv;
      if (c->cells[i].kind != CELL_LAYER) continue;
      if (!is_grouped(g, &g->nodes[c->cells[i].node], &conv)) continue;
      check_cell(&c->cells[i], &conv);
      check_refusal(&a, g, &g->nodes[c->cells[i].node], &conv);
      grouped++;
      multiplied += conv.ins == 1;
    }
    arena_free(&a);
  }
  print_message("%d convolutions of groups, %d of one channel each\n", grouped, multiplied);
  assert_true(grouped > multiplied && multiplied > 0);
}

// One pixel, and taps at -3, -1, 1 and 3; or at -2, -1, 0 and 1.
static void test_beside(void **state) {
  (void)state;
  struct circuit_window w = {.shape = {.axes = 1,
                                       .channels = 2,
                                       .in = {1, 1},
                                       .out = {1, 1},
                                       .kernel = {1, 4},
                                       .stride = {1, 1},
                                       .dilation = {1, 2},
                                       .before = {0, 3},
                                       .after = {0, 3}},
                             .lanes = 1,
                             .beats = 2,
                             .groups = 1,
                             .taps = 1,
                             .steps = 1};
  struct err e = {0};
  assert_false(circuit_window_size(&w, &e));
  assert_string_equal(e.text, "one of its windows lies in the padding");
  w.shape.dilation[COLUMNS] = 1;
  w.shape.before[COLUMNS] = 2;
  w.shape.after[COLUMNS] = 1;
  e = (struct err){0};
  assert_true(circuit_window_size(&w, &e));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cycles), cmocka_unit_test(test_beside)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
