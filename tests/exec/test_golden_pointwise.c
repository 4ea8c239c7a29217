// SPDX-License-Identifier: Apache-2.0
// quantize between types with a scale and a zero point per channel: every code of every channel, in
// both C models, against the exact quotient.
#include "sw/exec/golden.h"
#include "sw/graph/interval.h"
#include "tests/net/helper_rational.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { CHANNELS = 3, ROWS = 64, SIZE = ROWS * CHANNELS }; // 6 bits: a row for each code

static const double scales[CHANNELS] = {1, 0.5, 0.3};
static const int32_t x_zeros[CHANNELS] = {1, -32, 31}, y_zeros[CHANNELS] = {-3, 0, 7};
static const int64_t muls[CHANNELS] = {1, 3, 1717986918};
static const int32_t shifts[CHANNELS] = {1, 3, 32};

static struct graph *graph_of(struct arena *a, bool x_channels, bool y_channels, bool rq_channels) {
  struct graph *g = graph_new(a, "channels");
  int64_t shape[2] = {ROWS, CHANNELS};
  struct type x_type = x_channels ? type_channels(a, 6, true, 1, CHANNELS, scales, x_zeros)
                                  : type_fixed(a, 6, true, 1, x_zeros[0]);
  struct type y_type = y_channels ? type_channels(a, 5, true, 1, CHANNELS, scales, y_zeros)
                                  : type_fixed(a, 5, true, 1, y_zeros[0]);
  uint32_t x = graph_add_value(g, "x", 2, shape, x_type, true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, OP_quantize, "cast");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_out(g, n, graph_add_value(g, "y", 2, shape, y_type, true));
  graph_add_requant(g, n, rq_channels ? CHANNELS : 1, muls, shifts);
  g->nodes[n].rounding = FIX_HALF_AWAY;
  g->nodes[n].overflow = FIX_SATURATE;
  graph_add_output(g, g->nodes[n].out[0]);
  struct err e = {0};
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

static int64_t wanted(int64_t code, int c, bool x_channels, bool y_channels, bool rq_channels) {
  struct fix_target t = {.width = 5,
                         .is_signed = true,
                         .zero = y_zeros[y_channels ? c : 0],
                         .rounding = FIX_HALF_AWAY};
  return rational_requant(code - x_zeros[x_channels ? c : 0], muls[rq_channels ? c : 0],
                          shifts[rq_channels ? c : 0], &t);
}

static void test_channels(void **state) {
  (void)state;
  for (int which = 0; which < 8; which++) {
    bool x_channels = which & 1, y_channels = which & 2, rq_channels = which & 4;
    struct arena a = {0};
    struct err e = {0};
    struct graph *g = graph_of(&a, x_channels, y_channels, rq_channels);
    int64_t wide[SIZE];
    int32_t codes[SIZE], y[SIZE];
    const int64_t *inputs[1] = {wide};
    for (int i = 0; i < SIZE; i++) wide[i] = codes[i] = i / CHANNELS - 32;
    const struct golden *fast = golden_new(&a, g, &e);
    if (!fast) fail_msg("%s", e.text);
    struct golden_tap tap = {g->outputs[0], y};
    golden_run_codes(fast, 1, codes, &tap, 1);
    struct golden_ref *ref = golden_ref_new(&a, g, 1);
    golden_ref_step(ref, inputs);
    for (int i = 0; i < SIZE; i++) {
      int64_t exact = wanted(wide[i], i % CHANNELS, x_channels, y_channels, rq_channels);
      if (golden_ref_value(ref, g->outputs[0])[i] != exact || y[i] != exact)
        fail_msg("%d, element %d: plain %lld, fast %d, expected %lld", which, i,
                 (long long)golden_ref_value(ref, g->outputs[0])[i], y[i], (long long)exact);
    }
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_channels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
