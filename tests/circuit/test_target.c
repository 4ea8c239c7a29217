// SPDX-License-Identifier: Apache-2.0
// Lanes for a pace: networks of every kind keep it, no lanes with fewer products would, and a pace
// that no lanes have is refused with the layer that stands in the way.
#include "quant/quantize.h"
#include "sw/circuit/facts.h"
#include "sw/graph/model.h"
#include "tests/net/helper_netgen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 4 };

static struct graph *quantised(struct arena *a, const char *path) {
  struct err e = {0};
  struct formats f = formats_new();
  assert_true(formats_set_stream(a, &f.defaults, "8,3", &e));
  struct graph *real = model_read(a, path, &e), *g = real ? quantize(a, real, &f, &e) : NULL;
  if (!g) fail_msg("%s", e.text);
  return g;
}

static struct circuit *met(struct arena *a, const struct graph *g, int64_t cycles) {
  struct folding f;
  struct err e = {0};
  struct circuit *p =
      folding_meet(a, g, cycles, &f, &e) ? circuit_build(a, g, "top", &f, &e) : NULL;
  if (!p) fail_msg("%lld cycles: %s", (long long)cycles, e.text);
  return p;
}

static void known_networks(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *mlp = quantised(&a, "models/mnist-mlp.bin");
  const struct circuit *p = met(&a, mlp, 6272);
  assert_int_equal(p->ii, 6272);
  assert_int_equal(p->multipliers, 17);
  assert_int_equal(met(&a, mlp, 6271)->multipliers, 18);
  assert_true(met(&a, mlp, 1)->ii == 1);
  const struct graph *lenet = quantised(&a, "models/lenet5.bin");
  p = met(&a, lenet, 19600);
  assert_int_equal(p->ii, 19600);
  assert_int_equal(p->multipliers, 26);
  assert_int_equal(met(&a, lenet, 3920)->ii, 3920);
  // the rings that each window needs alone are too small for what comes in bursts
  assert_int_equal(met(&a, lenet, 40000)->ii, 40000);
  arena_free(&a);
}

// A source that is a little faster than the slowest layer takes many frames of many cycles to fill
// what is in front of it: the pace is known before.
static void slow_to_settle(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct folding_entry layers[] = {{"conv1", 1, 1, false}, {"conv2", 1, 2, false}};
  struct folding f = {.parallelism = 2, .layers = layers, .n_layers = 2};
  struct circuit *p = circuit_build(&a, quantised(&a, "models/lenet5.bin"), "top", &f, &e);
  if (!p) fail_msg("%s", e.text);
  assert_int_equal(p->ii, 120000); // of conv2; conv1 takes 117,600
  assert_true(p->steady * p->ii > 1 << 19);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct cell *c = &p->cells[i];
    if (c->kind != CELL_WINDOW || c->out[0]->beats != 100 * 25 * 6) continue;
    circuit_window_resize(c, c->timing.queue / 2);
    timing_run(p);
    assert_true(p->ii > 120000);
    arena_free(&a);
    return;
  }
  fail_msg("no window with conv2's beats");
}

static void out_of_reach(void **state) {
  (void)state;
  struct arena a = {0};
  struct folding f;
  struct err e = {0};
  assert_false(folding_meet(&a, quantised(&a, "models/lenet5.bin"), 3919, &f, &e));
  assert_string_equal(e.text, "layer \"conv1\" takes 3920 cycles with 5 lanes in and 6 out, its "
                              "fastest: --target-cycles 3919 is out of reach");
  arena_free(&a);
}

// The fewest products of lanes with which a linear layer of these sizes is fast enough.
static int64_t fewest(int64_t in, int64_t out, int64_t cycles) {
  int64_t best = in * out;
  for (int64_t i = 1; i <= in; i++)
    for (int64_t o = 1; o <= out; o++)
      if (((in + i - 1) / i) * ((out + o - 1) / o) <= cycles && i * o < best) best = i * o;
  return best;
}

static void every_kind(void **state) {
  (void)state;
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
      if (!(op_info((enum op)op)->executors & EXECUTOR_CIRCUIT)) continue;
      struct arena a = {0};
      struct err e = {0};
      struct folding f = {.parallelism = 1};
      const struct graph *g = netgen(&a, seed, (enum op)op, NETGEN_CIRCUIT);
      const struct circuit *slow = circuit_build(&a, g, "top", &f, &e);
      if (!slow) fail_msg("%s: %s", op_info((enum op)op)->name, e.text);
      for (int64_t cycles = slow->ii; cycles > 1; cycles /= 3) {
        if (!folding_meet(&a, g, cycles, &f, &e)) break; // out of reach
        const struct circuit *p = circuit_build(&a, g, "top", &f, &e);
        if (!p) fail_msg("%s, seed %d: %s", op_info((enum op)op)->name, (int)seed, e.text);
        if (p->ii > cycles)
          fail_msg("%s, seed %d: %lld cycles instead of %lld", op_info((enum op)op)->name,
                   (int)seed, (long long)p->ii, (long long)cycles);
        for (uint32_t i = 0; i < p->n_cells; i++) {
          const struct cell *c = &p->cells[i];
          if (c->kind != CELL_LAYER || g->nodes[c->node].op != OP_linear) continue;
          if (((const struct circuit_linear *)c->facts)->rows > 1) continue;
          assert_int_equal(c->in[0]->lanes * c->out[0]->lanes,
                           fewest(c->in[0]->elements, c->out[0]->elements, cycles));
        }
      }
      arena_free(&a);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(known_networks),
                                     cmocka_unit_test(slow_to_settle),
                                     cmocka_unit_test(out_of_reach), cmocka_unit_test(every_kind)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
