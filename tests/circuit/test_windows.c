// SPDX-License-Identifier: Apache-2.0
// Convolutions as circuits. Of several groups: a group of a pixel is a row of fixed_linear, with
// weights of its own, and a frame takes the cycles of docs/rtl.md. Windows that see nothing of the
// image are refused.
#include "sw/circuit/facts.h"
#include "sw/graph/conv.h"
#include "sw/graph/interval.h"
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
  assert_int_equal(c->memory_bits,
                   words * in * out * l->code_width +
                       conv->outs * circuit_linear_unit(l, FAMILY_XC7).channel_bits);
}

// A channel each: one tap in a beat, a column of them, or all, which are then in one.
static bool check_depthwise(const struct cell *c, const struct conv *conv, int64_t *taps) {
  const struct circuit_linear *l = c->facts;
  const struct window *w = &conv->window;
  int64_t in = c->in[0]->lanes, out = c->out[0]->lanes;
  int64_t all = w->kernel[ROWS] * w->kernel[COLUMNS];
  if (!l->depthwise) return false;
  *taps = in / out;
  assert_int_equal(in, *taps * out);
  assert_true(*taps == 1 || *taps == w->kernel[ROWS] || *taps == all);
  // no product is idle
  assert_int_equal(c->cycles * in, window_pixels(w) * all * w->channels);
  assert_int_equal(c->timing.ib, all / *taps);
  assert_int_equal(c->multipliers, in * circuit_linear_unit(l, FAMILY_XC7).multipliers);
  assert_int_equal(l->ib * l->og * in, all * w->channels); // weights that it has, none twice
  return true;
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
  int grouped = 0, multiplied = 0, columns = 0, whole = 0;
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
      int64_t taps;
      const struct node *n = &g->nodes[c->cells[i].node];
      bool slides = n->op == OP_conv2d || n->op == OP_conv1d;
      if (slides && conv_of(g, n, &conv, &e) && check_depthwise(&c->cells[i], &conv, &taps)) {
        columns += taps > 1 && c->cells[i].timing.ib > 1;
        whole += taps > 1 && c->cells[i].timing.ib == 1;
      }
      if (!is_grouped(g, n, &conv)) continue;
      check_cell(&c->cells[i], &conv);
      check_refusal(&a, g, n, &conv);
      grouped++;
      multiplied += conv.ins == 1;
    }
    arena_free(&a);
  }
  print_message(
      "%d convolutions of groups, %d of one channel each; depthwise: %d with columns, %d with "
      "whole windows\n",
      grouped, multiplied, columns, whole);
  assert_true(grouped > multiplied && multiplied > 0 && columns > 0 && whole > 0);
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
  assert_string_equal(
      e.text,
      "one of its windows lies in the padding: pad in a layer of its own in front of it (pad)");
  w.shape.dilation[COLUMNS] = 1;
  w.shape.before[COLUMNS] = 2;
  w.shape.after[COLUMNS] = 1;
  e = (struct err){0};
  assert_true(circuit_window_size(&w, &e));
}

// The average of signs: what lies beyond the image is no 0 in a circuit.
static void test_signs_have_no_zero(void **state) {
  (void)state;
  for (int ceil = 0; ceil < 2; ceil++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g = graph_new(&a, "signs");
    const int64_t in[2] = {5, 2}, out[2] = {2 + ceil, 2}, kernel = 2, one = 1;
    const int32_t shift = 0;
    uint32_t x = graph_add_value(g, "x", 2, in, type_of_class(TYPE_BIPOLAR), true);
    graph_add_input(g, x, (struct source){0});
    uint32_t n = graph_add_node(g, OP_avg_pool, "pool");
    graph_add_use(g, n, (struct use){x, 0, NONE});
    graph_add_ints(g, n, ATTR_kernel, 1, &kernel);
    graph_add_ints(g, n, ATTR_stride, 1, &kernel);
    if (ceil) graph_add_int(g, n, ATTR_ceil, 1);
    graph_add_requant(g, n, 1, &one, &shift);
    graph_add_out(g, n, graph_add_value(g, "y", 2, out, type_fixed(&a, 4, true, 1, 0), true));
    graph_add_output(g, g->nodes[n].out[0]);
    if (!graph_verify(g, &e)) fail_msg("%s", e.text);
    graph_ranges(g);
    const struct folding f = {.parallelism = 1};
    const struct circuit *p = circuit_build(&a, g, "top", &f, &e);
    assert_int_equal(p == NULL, ceil);
    if (ceil)
      assert_non_null(
          strstr(e.text, "a window reaches beyond \"x\", which is bipolar and has no 0"));
    arena_free(&a);
  }
}

static const struct circuit *pool_of_shape(struct arena *a, const int64_t *in,
                                           const int64_t *kernel, const int64_t *stride) {
  struct err e = {0};
  struct graph *g = graph_new(a, "pools");
  const struct folding f = {.parallelism = 2};
  const int64_t image[3] = {in[ROWS], in[COLUMNS], 2};
  const int64_t out[3] = {(in[ROWS] - kernel[ROWS]) / stride[ROWS] + 1,
                          (in[COLUMNS] - kernel[COLUMNS]) / stride[COLUMNS] + 1, 2};
  const struct type type = type_fixed(a, 8, true, 3, 0);
  uint32_t x = graph_add_value(g, "x", 3, image, type, true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, OP_max_pool, "pool");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_ints(g, n, ATTR_kernel, 2, kernel);
  graph_add_ints(g, n, ATTR_stride, 2, stride);
  graph_add_out(g, n, graph_add_value(g, "y", 3, out, type, true));
  graph_add_output(g, g->nodes[n].out[0]);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  const struct circuit *p = circuit_build(a, g, "top", &f, &e);
  if (!p) fail_msg("%s", e.text);
  return p;
}

// A window stands in front of a pool if windows overlap, and not otherwise; then the module finds
// as many windows as there are: (IN - KERNEL) / STRIDE + 1 with STRIDE >= KERNEL.
static void check_pool(const int64_t *in, const int64_t *kernel, const int64_t *stride) {
  struct arena a = {0};
  const struct circuit *p = pool_of_shape(&a, in, kernel, stride);
  bool overlap = false, window = false;
  for (int axis = 0; axis < WINDOW_AXES; axis++)
    overlap |= stride[axis] < kernel[axis] && in[axis] - kernel[axis] >= stride[axis];
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    window |= c->kind == CELL_WINDOW;
    if (c->kind != CELL_LAYER) continue;
    const struct circuit_pool *f = c->facts;
    assert_int_equal(f->tiles, !overlap);
    for (int axis = 0; f->tiles && axis < WINDOW_AXES; axis++) {
      assert_true(f->shape.stride[axis] >= kernel[axis]);
      assert_int_equal((in[axis] - kernel[axis]) / f->shape.stride[axis] + 1, f->shape.out[axis]);
    }
  }
  assert_int_equal(window, overlap);
  arena_free(&a);
}

static void test_pools_without_a_window(void **state) {
  (void)state;
  for (int64_t length = 1; length <= 9; length++)
    for (int64_t kernel = 1; kernel <= 4 && kernel <= length; kernel++)
      for (int64_t stride = 1; stride <= 6; stride++) {
        check_pool((int64_t[]){length, 4}, (int64_t[]){kernel, 2}, (int64_t[]){stride, 2});
        check_pool((int64_t[]){4, length}, (int64_t[]){2, kernel}, (int64_t[]){2, stride});
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_signs_have_no_zero),
                                     cmocka_unit_test(test_cycles), cmocka_unit_test(test_beside),
                                     cmocka_unit_test(test_pools_without_a_window)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
