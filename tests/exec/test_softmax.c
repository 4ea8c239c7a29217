// SPDX-License-Identifier: Apache-2.0
// The softmax of circuits: its table against MPFR, its quotients by hand and against the oracle,
// rows that stand alone, its distance from the host's; what rounding down would change. Lanes of
// circuits.
#include "sw/circuit/circuit.h"
#include "sw/exec/golden.h"
#include "sw/graph/interval.h"
#include "sw/graph/softmax.h"
#include "sw/graph/softmax_tflite.h"
#include "tests/net/helper_oracle.h"
#include "tests/net/helper_softmax.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

enum { ROWS = 3, COUNT = 4, IMAGES = 5 };

#define LN2 0.693147180559945309417

// ---- the table

static void exponentials(void **state) {
  (void)state;
  static const double scales[] = {0x1p-3, 0x1p-8,  0x1p-12, 1,  LN2,    0.043,
                                  0.0137, 0x1p-32, 14.5,    15, 0x1p60, 0x1p-240};
  for (int width = 1; width <= SOFTMAX_IN_MOST; width += width < 6 ? 1 : 3)
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
      struct arena a = {0};
      int64_t depth;
      struct type x = type_fixed(&a, width, width > 1 && i % 2, scales[i], 0);
      const int32_t *exps = softmax_exps(&a, &x, &depth);
      assert_in_range(depth, 1, 1 << width);
      for (int64_t d = 0; d < 1 << width; d++) {
        int64_t own = exact_softmax_exp(d, scales[i]);
        assert_int_equal(d < depth ? exps[d] : 0, own);
        if (d % 41 == 0) assert_int_equal(softmax_exp(&x, d), own);
      }
      arena_free(&a);
    }
}

// ---- the quotient

static void quotients(void **state) {
  (void)state;
  static const struct {
    int64_t exp, sum;
    int fraction, width, zero;
    int64_t y;
  } by_hand[] = {{1, 1, 0, 1, 0, 1},
                 {1, 1, 8, 8, 0, 255}, // 256 saturates
                 {1, 1, 8, 9, 0, 256},
                 {1, 1, 3, 4, 9, 15},
                 {1, 2, 3, 4, 9, 13},
                 {0, 5, 8, 8, 7, 7},
                 {1, 8, 2, 8, 0, 0}, // 0.5
                 {3, 8, 2, 8, 0, 2}, // 1.5
                 {5, 8, 2, 8, 0, 2}, // 2.5
                 {1001, 8000, 2, 8, 0, 1},
                 {999, 8000, 2, 8, 0, 0},
                 {1 << 20, (int64_t)3 << 20, 32, 32, 0, 1431655765}};
  for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
    struct arena a = {0};
    int f = 0;
    struct type y =
        type_fixed(&a, by_hand[i].width, false, ldexp(1, -by_hand[i].fraction), by_hand[i].zero);
    assert_true(softmax_fraction(&y, &f) && f == by_hand[i].fraction);
    assert_int_equal(softmax_code(by_hand[i].exp, by_hand[i].sum, &y, f), by_hand[i].y);
    arena_free(&a);
  }
}

static void fractions(void **state) {
  (void)state;
  static const struct {
    bool is_signed;
    double scale;
    bool good;
  } types[] = {{false, 1, true},     {false, 0x1p-32, true}, {false, 0x1p-33, false},
               {false, 2, false},    {true, 0x1p-8, false},  {false, 1.0 / 255, false},
               {false, 0.375, false}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    struct arena a = {0};
    int f;
    struct type y = type_fixed(&a, 8, types[i].is_signed, types[i].scale, 0);
    assert_int_equal(softmax_fraction(&y, &f), types[i].good);
    y = type_channels(&a, 8, types[i].is_signed, 0, 1, &types[i].scale, &(int32_t){0});
    assert_false(softmax_fraction(&y, &f));
    arena_free(&a);
  }
}

// ---- graphs

static struct graph *graph_of(struct arena *a, enum where where, struct type x, struct type y) {
  const int64_t shape[2] = {ROWS, COUNT};
  struct graph *g = graph_new(a, "probabilities");
  struct err e = {0};
  uint32_t image = graph_add_value(g, "x", 2, shape, x, true);
  uint32_t n = graph_add_node(g, OP_softmax, "layer");
  graph_add_input(g, image, (struct source){0});
  graph_add_use(g, n, (struct use){image, 0, NONE});
  assert_int_equal(g->nodes[n].where, WHERE_HOST);
  g->nodes[n].where = where;
  graph_add_out(g, n, graph_add_value(g, "y", 2, shape, y, true));
  graph_add_output(g, g->nodes[n].out[0]);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

// One image through the plain model and, several times, through the fast one.
static void run(struct arena *a, const struct graph *g, const int64_t *x, int64_t *y) {
  struct err e = {0};
  int32_t codes[IMAGES * ROWS * COUNT], fast[IMAGES * ROWS * COUNT];
  for (int i = 0; i < IMAGES * ROWS * COUNT; i++) codes[i] = (int32_t)x[i % (ROWS * COUNT)];
  struct golden_ref *r = golden_ref_new(a, g, 1);
  golden_ref_step(r, &x);
  memcpy(y, golden_ref_value(r, g->outputs[0]), ROWS * COUNT * sizeof *y);
  struct golden *m = golden_new(a, g, &e);
  if (!m) fail_msg("%s", e.text);
  const struct golden_tap tap = {g->outputs[0], fast};
  golden_run_codes(m, IMAGES, codes, &tap, 1);
  for (int i = 0; i < IMAGES * ROWS * COUNT; i++) assert_int_equal(fast[i], y[i % (ROWS * COUNT)]);
}

// With a scale of ln 2 a step halves: 8 4 2 1 of 15; 2 1 1 0 of 4 and less.
static void halves(void **state) {
  (void)state;
  static const int64_t x[ROWS * COUNT] = {-5, -6, -7, -8, 7, 6, 6, -8, 3, 3, 3, 3},
                                y[ROWS * COUNT] = {9, 4, 2, 1, 8, 4, 4, 0, 4, 4, 4, 4};
  struct arena a = {0};
  int64_t got[ROWS * COUNT];
  struct type in = type_fixed(&a, 4, true, LN2, 3), out = type_fixed(&a, 4, false, 0x1p-4, 0);
  run(&a, graph_of(&a, WHERE_CIRCUIT, in, out), x, got);
  for (int i = 0; i < ROWS * COUNT; i++) assert_int_equal(got[i], y[i]);
  arena_free(&a);
}

// ---- against the oracle and the host's

static int64_t noise(uint64_t *s) {
  *s = *s * 6364136223846793005u + 1442695040888963407u;
  return (int64_t)(*s >> 33);
}

static void against_both(void **state) {
  (void)state;
  uint64_t seed = 1;
  int64_t apart = 0, all = 0;
  for (int i = 0; i < 60; i++) {
    struct arena a = {0};
    int fraction = (int)(noise(&seed) % 17), width = 1 + (int)(noise(&seed) % 20);
    bool fine = i % 5 == 0; // so that a sum that is off by 1 is seen
    if (fine) fraction = 30, width = 31;
    int64_t x[ROWS * COUNT], y[ROWS * COUNT], host[ROWS * COUNT];
    struct type in = type_fixed(&a, 8 + i % 5, i % 2, i % 3 ? 0x1p-5 : 0.037, 0);
    struct type out = type_fixed(&a, width, false, ldexp(1, -fraction), i % 4 == 0);
    int64_t low = type_lowest(&in), span = type_highest(&in) - low + 1;
    for (int k = 0; k < ROWS * COUNT; k++)
      x[k] = low + noise(&seed) % (i % 2 && span > 100 ? 100 : span);
    run(&a, graph_of(&a, WHERE_CIRCUIT, in, out), x, y);
    run(&a, graph_of(&a, WHERE_HOST, in, out), x, host);
    for (int64_t k = 0; k < ROWS * COUNT; k++) {
      const int64_t *row = x + k / COUNT * COUNT;
      assert_int_equal(y[k], exact_softmax_circuit(row, COUNT, k % COUNT, &in, &out));
      all++;
      if (fine) continue;
      assert_in_range(y[k] - host[k] + 1, 0, 2);
      apart += y[k] != host[k];
    }
    arena_free(&a);
  }
  assert_in_range(apart, 1, all / 50); // there are such
}

// Entries and quotients that are rounded down differ.
static void rounded_down(void **state) {
  (void)state;
  struct arena a = {0};
  int64_t depth, entries = 0, results = 0;
  struct type x = type_fixed(&a, 10, true, 0x1p-5, 0), y = type_fixed(&a, 8, false, 0x1p-8, 0);
  softmax_exps(&a, &x, &depth);
  for (int64_t d = 0; d < depth; d++)
    entries += (int64_t)floor(ldexp(exp(-(double)d / 32), 20)) != exact_softmax_exp(d, 0x1p-5);
  for (int64_t n = 1; n < 3000; n++) results += (n << 8) / 3001 != softmax_code(n, 3001, &y, 8);
  assert_in_range(entries, depth / 4, depth);
  assert_in_range(results, 1000, 2000);
  arena_free(&a);
}

// ---- circuits

// (ROWS, COUNT) at F = 8: max(beats + 6 + clog2(lanes), 11) + (beats - 1) * 11 cycles a row.
static void lanes_of_a_row(void **state) {
  (void)state;
  static const struct {
    int64_t in, out, own, row;
    const char *words;
  } lanes[] = {{0, 0, 2, 11 + 11, NULL}, // of 3 that the stream has: those that divide a row
               {1, 1, 1, 11 + 33, NULL},
               {4, 4, 4, 11, NULL},
               {3, 3, 0, 0, "3 lanes, which don't divide its rows of 4 elements (2 would)"},
               {2, 1, 0, 0, "its lanes in and out differ"}};
  for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct type in = type_fixed(&a, 8, true, 0.125, 0), out = type_fixed(&a, 8, false, 0x1p-8, 0);
    struct graph *g = graph_of(&a, WHERE_CIRCUIT, in, out);
    struct folding_entry entry = {.name = "layer", .in = lanes[i].in, .out = lanes[i].out};
    struct folding f = {.parallelism = 3, .layers = &entry, .n_layers = lanes[i].in > 0};
    struct circuit *p = circuit_build(&a, g, "top", &f, &e);
    assert_int_equal(p == NULL, lanes[i].words != NULL);
    if (lanes[i].words && !strstr(e.text, lanes[i].words)) fail_msg("%s", e.text);
    uint32_t layer = 0;
    while (p && p->cells[layer].kind != CELL_LAYER) layer++;
    if (p) {
      assert_int_equal(p->cells[layer].in[0]->lanes, lanes[i].own);
      assert_int_equal(p->cells[layer].cycles, ROWS * lanes[i].row);
      assert_int_equal(p->ii, ROWS * lanes[i].row);
    }
    arena_free(&a);
  }
}

// Behind what the host computes there is no circuit.
static void host_in_between(void **state) {
  (void)state;
  for (int where = WHERE_CIRCUIT; where <= WHERE_HOST; where++) {
    struct arena a = {0};
    struct err e = {0};
    struct type in = type_fixed(&a, 8, true, 0.125, 0), out = type_fixed(&a, 8, false, 0x1p-8, 0);
    struct graph *g = graph_of(&a, (enum where)where, in, out);
    const struct value y = g->values[g->outputs[0]];
    uint32_t n = graph_add_node(g, OP_relu, "behind");
    graph_add_use(g, n, (struct use){g->outputs[0], 0, NONE});
    graph_add_out(g, n, graph_add_value(g, "z", y.rank, y.shape, out, true));
    g->outputs[0] = g->nodes[n].out[0];
    if (!graph_verify(g, &e)) fail_msg("%s", e.text);
    graph_ranges(g);
    struct folding f = {.parallelism = 1};
    struct circuit *p = circuit_build(&a, g, "top", &f, &e);
    assert_int_equal(p == NULL, where == WHERE_HOST);
    if (!p &&
        (!strstr(e.text, "layer \"behind\" (relu): it reads what the host computes, layer ") ||
         !strstr(e.text, "{\"kinds\":{\"softmax\":{\"where\":\"circuit\"}}} puts that into")))
      fail_msg("%s", e.text);
    arena_free(&a);
  }
}

// ---- rounding tflite

static void tflite_equal(const int64_t *x, int64_t count, int64_t mul, int shift) {
  int64_t found[64], expected[64];
  int32_t room[64];
  softmax_tflite(x, count, mul, shift, room, found);
  exact_softmax_tflite(x, count, mul, shift, expected);
  for (int64_t i = 0; i < count; i++)
    if (found[i] != expected[i])
      fail_msg("element %d of %d, mul %lld, shift %d: %d, expected %d", (int)i, (int)count,
               (long long)mul, shift, (int)found[i], (int)expected[i]);
}

// Rows of two at every distance, of three, and of all codes at random; scales from 2^-26 on.
static void tflite_rows(void **state) {
  (void)state;
  static const int64_t muls[] = {1 << 30, 1443109012, INT32_MAX};
  for (int shift = 0; shift <= 31; shift++)
    for (int m = 0; m < 3; m++) {
      for (int d = 0; d < 256; d++)
        tflite_equal((const int64_t[]){127, 127 - d, 127 - d / 2}, 2 + d % 2, muls[m], shift);
      for (int row = 0; row < 40; row++) {
        int64_t x[64];
        for (int i = 0; i < 64; i++) x[i] = (row * 89 + i * i * 37 + i * row * 11) % 256 - 128;
        tflite_equal(x, 1 + row % 64, muls[m], shift);
      }
    }
}

// Of scale 1/16, beta 1: r = 2^22, which is 2^30 * 2^-8. The odds of a row with one largest code.
static void tflite_by_hand(void **state) {
  (void)state;
  int32_t room[4];
  int64_t y[4];
  softmax_tflite((const int64_t[]){5, 5, 5, 5}, 4, 1 << 30, 8, room, y);
  for (int i = 0; i < 4; i++) assert_int_equal(y[i], 64 - 128); // 1/4
  softmax_tflite((const int64_t[]){7}, 1, 1 << 30, 8, room, y);
  assert_int_equal(y[0], 127); // 1 saturates
  softmax_tflite((const int64_t[]){16, 0}, 2, 1 << 30, 8, room, y);
  assert_int_equal(y[0], 187 - 128); // 256 e / (e + 1) = 187.15
  assert_int_equal(y[1], 69 - 128);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exponentials),   cmocka_unit_test(quotients),
      cmocka_unit_test(fractions),      cmocka_unit_test(halves),
      cmocka_unit_test(against_both),   cmocka_unit_test(rounded_down),
      cmocka_unit_test(lanes_of_a_row), cmocka_unit_test(host_in_between),
      cmocka_unit_test(tflite_rows),    cmocka_unit_test(tflite_by_hand)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
