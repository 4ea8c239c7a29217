// SPDX-License-Identifier: Apache-2.0
// Lanes for a pace: networks of every kind keep it, no lanes with fewer products would, and a pace
// that no lanes have is refused with the layer that stands in the way. Budgets: the fastest within.
#include "quant/quantize.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/meet.h"
#include "sw/graph/model.h"
#include "sw/train/recipe.h"
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
  struct lane_plan plan;
  struct err e = {0};
  struct circuit *p = circuit_meet(a, g, "top", &(struct target){.cycles = cycles}, &plan, &e);
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
  // two layers are exactly as slow as each other, and a pool stands in front of the second
  p = met(&a, lenet, 16000);
  assert_int_equal(p->ii, 16000);
  assert_int_equal(p->multipliers, 30);
  arena_free(&a);
}

// Layers whose lanes are channels get as many as that, however few taps they have.
static void lanes_of_channels(void **state) {
  (void)state;
  static const char *const layers[] = {
      "{\"op\":\"subsample\",\"kernel\":[2,2],\"stride\":[2,2]}",
      "{\"op\":\"conv2d\",\"out\":12,\"kernel\":[1,2],\"groups\":12}"};
  static const int64_t cycles[] = {64, 2 * 8 * 7};
  for (int i = 0; i < 2; i++) {
    struct arena a = {0};
    struct recipe r;
    struct err e = {0};
    struct formats f = formats_new();
    const char *text =
        arena_printf(&a, "{\"input\":{\"shape\":[8,8,12]},\"layers\":[%s]}", layers[i]);
    assert_true(formats_set_stream(&a, &f.defaults, "8,3", &e));
    if (!recipe_parse(&a, text, strlen(text), 1, &r, &e)) fail_msg("%s", e.text);
    const struct graph *g = quantize(&a, r.model, &f, &e);
    if (!g) fail_msg("%s", e.text);
    const struct circuit *p = met(&a, g, cycles[i]);
    assert_int_equal(p->ii, cycles[i]);
    assert_int_equal(p->multipliers, 12);
    // fewer lanes do for a slower pace
    assert_int_equal(met(&a, g, 3 * cycles[i])->multipliers, 4);
    arena_free(&a);
  }
}

// A source that is a little faster than the slowest layer takes many frames of many cycles to fill
// what is in front of it: the pace is known before.
static void slow_to_settle(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct folding_entry layers[] = {{.name = "conv1", .in = 1, .out = 1},
                                   {.name = "conv2", .in = 1, .out = 2}};
  struct folding f = {.parallelism = 2, .layers = layers, .n_layers = 2};
  struct circuit *p = circuit_build(&a, quantised(&a, "models/lenet5.bin"), "top", &f, &e);
  if (!p) fail_msg("%s", e.text);
  assert_int_equal(p->ii, 120000); // of conv2; conv1 takes 107,754
  assert_true(p->steady * p->ii > 1 << 18);
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

static void refused(const char *model, struct target t, const char *message) {
  struct arena a = {0};
  struct lane_plan plan;
  struct err e = {0};
  assert_null(circuit_meet(&a, quantised(&a, model), "top", &t, &plan, &e));
  assert_string_equal(e.text, message);
  arena_free(&a);
}

static void out_of_reach(void **state) {
  (void)state;
  refused("models/lenet5.bin", (struct target){.cycles = 783},
          "layer \"conv1\" takes 784 cycles with 25 lanes in and 6 out, its fastest: 783 cycles "
          "are out of reach, the nearest are 784");
  refused(
      "models/lenet5.bin", (struct target){.multipliers = 4},
      "even at 240000 cycles a frame, the least there is: 5 multipliers of at most 4, 1 of them "
      "in l0_conv2d");
  refused(
      "models/mnist-mlp.bin", (struct target){.memory_bits = 800000},
      "even at 100352 cycles a frame, the least there is: 814288 memory bits of at most 800000, "
      "803968 of them in l0_linear");
  refused("models/mnist-mlp.bin", (struct target){.cycles = 6272, .multipliers = 16},
          "17 multipliers of at most 16, 16 of them in l0_linear; within the budget a frame takes "
          "6751 cycles");
}

// The fastest circuit that fits: one that is faster has too much of something.
static void devices(void **state) {
  (void)state;
  struct arena a = {0};
  struct lane_plan plan;
  struct err e = {0};
  const struct graph *g = quantised(&a, "models/lenet5.bin");
  struct target t = {.device = device_find("artix7-35t", &e)};
  const struct resources *has = &t.device->has;
  const struct circuit *p = circuit_meet(&a, g, "top", &t, &plan, &e);
  assert_non_null(p);
  struct resources r = resources_circuit(p, FAMILY_XC7);
  assert_true(r.lut <= has->lut && r.ff <= has->ff && r.dsp <= has->dsp && r.bram <= has->bram);
  p = met(&a, g, p->ii - 1);
  assert_true(resources_circuit(p, FAMILY_XC7).dsp > has->dsp);
  // another family's blocks and memories
  struct target small = {.device = device_find("ecp5-25", &e)};
  p = circuit_meet(&a, g, "top", &small, &plan, &e);
  assert_non_null(p);
  assert_true(resources_circuit(p, FAMILY_ECP5).dsp <= 28);
  assert_true(resources_circuit(p, FAMILY_ECP5).bram <= 56);
  arena_free(&a);
  const struct device none = {"none", FAMILY_XC7, {1 << 20, 1 << 20, 4, 25}};
  refused("models/lenet5.bin", (struct target){.device = &none},
          "even at 240000 cycles a frame, the least there is: 5 DSP blocks of at most 4, 1 of them "
          "in l0_conv2d; 30 block RAMs of at most 25, 23 of them in l6_linear");
}

// A budget gives the fastest plan that keeps it: one multiplier less would not do.
static void budgets(void **state) {
  (void)state;
  struct arena a = {0};
  const char *const models[] = {"models/mnist-mlp.bin", "models/mnist-acts.bin",
                                "models/lenet5.bin"};
  for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
    const struct graph *g = quantised(&a, models[i]);
    for (int64_t most = 12; most <= 200; most *= 2) {
      struct lane_plan plan;
      struct err e = {0};
      struct target t = {.multipliers = most};
      const struct circuit *p = circuit_meet(&a, g, "top", &t, &plan, &e);
      if (!p) fail_msg("%s: %s", models[i], e.text);
      assert_true(p->multipliers <= most);
      assert_int_equal(p->multipliers, plan.multipliers);
      assert_int_equal(p->ii, plan.cycles);
      struct target faster = {.cycles = p->ii - 1, .multipliers = most};
      assert_null(circuit_meet(&a, g, "top", &faster, &plan, &e));
      t = (struct target){.cycles = p->ii};
      assert_true(circuit_meet(&a, g, "top", &t, &plan, &e)->multipliers <= most);
    }
  }
  arena_free(&a);
}

static void memory(void **state) {
  (void)state;
  struct arena a = {0};
  struct lane_plan plan;
  struct err e = {0};
  struct target t = {.memory_bits = 814300};
  const struct graph *g = quantised(&a, "models/mnist-mlp.bin");
  const struct circuit *p = circuit_meet(&a, g, "top", &t, &plan, &e);
  if (!p) fail_msg("%s", e.text);
  assert_true(p->memory_bits <= t.memory_bits);
  assert_true(p->ii < 1000); // lanes that divide what they hold cost no memory
  arena_free(&a);
}

// Of the plans of a sweep each is cheaper and slower than the next, and what planner_pace finds.
static void sweep(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct planner *p =
      planner_new(&a, quantised(&a, "models/lenet5.bin"), &(struct plan_for){0}, &e);
  uint32_t count;
  const struct lane_plan *plans = planner_sweep(&a, p, &count);
  assert_true(count > 20);
  assert_int_equal(plans[0].cycles, 240000);
  assert_int_equal(plans[0].multipliers, 5);
  assert_int_equal(plans[count - 1].cycles, planner_fastest(p));
  for (uint32_t i = 0; i < count; i++) {
    struct lane_plan again;
    assert_true(planner_pace(&a, p, plans[i].cycles, &again, &e));
    assert_int_equal(again.multipliers, plans[i].multipliers);
    if (i == 0) continue;
    assert_true(plans[i].cycles < plans[i - 1].cycles);
    assert_true(plans[i].multipliers > plans[i - 1].multipliers);
    assert_true(planner_pace(&a, p, plans[i - 1].cycles - 1, &again, &e));
    assert_true(again.multipliers > plans[i - 1].multipliers);
  }
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

// Casts between layers aren't planned.
static int64_t casts(const struct circuit *p) {
  int64_t n = 0;
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].kind == CELL_CAST) n += p->cells[i].multipliers;
  return n;
}

static bool has_masks(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].mask) return true;
  return false;
}

static void every_kind(void **state) {
  (void)state;
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
      if (!(op_info((enum op)op)->executors & EXECUTOR_CIRCUIT)) continue;
      struct arena a = {0};
      struct err e = {0};
      struct folding f = {.parallelism = 1};
      struct lane_plan plan;
      const struct graph *g = netgen(&a, seed, (enum op)op, NETGEN_CIRCUIT);
      const struct circuit *slow = circuit_build(&a, g, "top", &f, &e);
      if (!slow) fail_msg("%s: %s", op_info((enum op)op)->name, e.text);
      for (int64_t cycles = slow->ii; cycles > 1; cycles /= 3) {
        const struct circuit *p =
            circuit_meet(&a, g, "top", &(struct target){.cycles = cycles}, &plan, &e);
        if (!p && strstr(e.text, "out of reach")) break;
        if (!p) fail_msg("%s, seed %d: %s", op_info((enum op)op)->name, (int)seed, e.text);
        assert_int_equal(p->multipliers, plan.multipliers + casts(p));
        if (p->ii > cycles)
          fail_msg("%s, seed %d: %lld cycles instead of %lld", op_info((enum op)op)->name,
                   (int)seed, (long long)p->ii, (long long)cycles);
        for (uint32_t i = 0; i < p->n_cells; i++) {
          const struct cell *c = &p->cells[i];
          if (c->kind != CELL_LAYER || g->nodes[c->node].op != OP_linear) continue;
          const struct circuit_linear *l = c->facts;
          if (l->rows > 1 || l->blocks > 1) continue; // lanes divide rows, and blocks
          if (has_masks(g)) continue;                 // schedules have no such formula
          int64_t all = fewest(c->in[0]->elements, c->out[0]->elements, cycles);
          assert_int_equal(c->in[0]->lanes * c->out[0]->lanes, all);
        }
      }
      arena_free(&a);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_networks), cmocka_unit_test(lanes_of_channels),
      cmocka_unit_test(slow_to_settle), cmocka_unit_test(out_of_reach),
      cmocka_unit_test(budgets),        cmocka_unit_test(memory),
      cmocka_unit_test(sweep),          cmocka_unit_test(devices),
      cmocka_unit_test(every_kind)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
