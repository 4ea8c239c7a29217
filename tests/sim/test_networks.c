// SPDX-License-Identifier: Apache-2.0
// Random networks as circuits: every kind, width, rounding and overflow; each generated, linted by
// three tools, simulated in Verilator without and with stalls; some also in Icarus, and some as
// yosys reads them. Every element of every layer equals the golden model, which equals the exact
// oracle (test_golden). A failure is made small and written to files, with the lines that repeat
// it.
//
//   NNGEN_TEST_SEED=n       other networks (default 1)
//   NNGEN_TEST_NETWORKS=n   how many (default 52; 2,000 with NNGEN_TEST_DEEP=1)
//   NNGEN_TEST_KIND=name    of one kind only; then, and if there is one network only, each goes
//                           through all tools
//   NNGEN_TEST_NO_SHRINK=1  leave a failing one as it is
//   NNGEN_TEST_NO_LINT=1    compare results only
#include "sim/build.h"
#include "sim/simulate.h"
#include "sw/base/rng.h"
#include "sw/circuit/timing.h"
#include "sw/graph/interval.h"
#include "tests/net/helper_circuit.h"
#include "tests/net/helper_netgen.h"
#include "tests/net/helper_oracle.h"
#include "tests/net/helper_shrink.h"
#include "tests/sim/helper_batch.h"
#include "tests/sim/helper_coverage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 26, NETWORKS = 52, NETWORKS_DEEP = 2000, SEEDS = 20 };

static char scratch[64];

static int setup(void **state) {
  (void)state;
  oracle_start();
  strcpy(scratch, "/tmp/nngen-networks-XXXXXX");
  return mkdtemp(scratch) ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  oracle_stop();
  return rmdir(scratch);
}

static uint64_t number_from(const char *variable, uint64_t otherwise) {
  const char *s = getenv(variable);
  return s ? strtoull(s, NULL, 10) : otherwise;
}

// In depth all of them, otherwise every so many.
static int every(int quick) {
  return getenv("NNGEN_TEST_DEEP") ? 1 : quick;
}

// ---- one network

struct network {
  enum op op;
  uint64_t seed;
  struct graph *g;
  struct folding folding;
  int32_t *frames; // (BENCH_FRAMES, elements)
};

// Every fifth seed remembers earlier frames.
static bool remembers(uint64_t seed) {
  return seed % 5 == 2;
}

static struct network network_new(struct arena *a, enum op op, uint64_t seed) {
  struct network n = {.op = op, .seed = seed, .g = netgen(a, seed, op, NETGEN_CIRCUIT)};
  struct err e = {0};
  if (n.g && remembers(seed)) netgen_remember(n.g, seed);
  if (!n.g || !graph_verify(n.g, &e))
    fail_msg("%s seed %llu: %s", op_info(op)->name, (unsigned long long)seed, e.text);
  n.folding = circuit_folding(a, n.g, seed);
  int64_t elements = netgen_elements(n.g);
  n.frames = ARENA_NEW(a, int32_t, BENCH_FRAMES * elements);
  netgen_input(n.g, seed, BENCH_FRAMES, n.frames);
  circuit_witness(a, n.g, (int64_t)seed, n.frames + (BENCH_FRAMES - 2) * elements);
  return n;
}

// Every fourth of a batch counts its frames: 1, 2 or 3 in a transfer.
static struct circuit *planned(struct batch *b, const struct graph *g, const struct folding *f) {
  struct err e = {0};
  struct circuit *p = circuit_build(&b->arena, g, batch_name(b, b->count), f, &e);
  if (!p) fail_msg("%s", e.text);
  struct circuit plain = *p;
  timing_run_ref(&plain);
  // where the flow hasn't settled the circuit that is filled may be the slower one
  bool late = p->steady == INT32_MAX && p->ii > plain.ii;
  if ((plain.ii != p->ii && !late) || plain.latency != p->latency || plain.steady != p->steady)
    fail_msg(
        "%s: by events II %lld, latency %lld, steady from %lld; cycle by cycle %lld, %lld, %lld",
        p->top, (long long)p->ii, (long long)p->latency, (long long)p->steady, (long long)plain.ii,
        (long long)plain.latency, (long long)plain.steady);
  if (b->count % 4 == 3) p->transfer = 1 + b->count % 3;
  return p;
}

// ---- failures

// How a circuit is broken on purpose, for a test of the tests: a shell line in its folder.
struct sabotage {
  const char *line;
};

static bool fails_in_icarus(const struct suspect *s, void *with) {
  const struct sabotage *sabotage = with;
  struct batch b;
  batch_new(&b, scratch);
  struct folding f = {.parallelism = s->lanes};
  batch_add(&b, planned(&b, s->g, &f), s->codes);
  if (sabotage && system(arena_printf(&b.arena, "cd %s/n0 && %s", scratch, sabotage->line)) != 0)
    fail_msg("%s", sabotage->line);
  bool failed = batch_icarus(&b, 0, "") != NULL;
  batch_free(&b);
  return failed;
}

static const char *program(void) {
  return getenv("NNGEN") ? getenv("NNGEN") : "build/nngen";
}

// The small network, written down, and how to simulate it.
static const char *report(struct arena *a, const struct network *n, struct suspect small) {
  struct err e = {0};
  const char *stem =
      arena_printf(a, "build/failures/%s-%llu", op_info(n->op)->name, (unsigned long long)n->seed);
  if (!folder_make("build/failures", &e)) fail_msg("%s", e.text);
  return arena_printf(a, "made smaller, %u layers, %lld lanes:\n%s", small.g->n_nodes,
                      (long long)small.lanes, suspect_write(a, &small, stem, program()));
}

static const char *made_small(struct arena *a, const struct network *n) {
  struct suspect s = {n->g, n->folding.parallelism, BENCH_FRAMES, n->frames};
  if (getenv("NNGEN_TEST_NO_SHRINK")) return "";
  if (n->g->n_inputs > 1 || n->g->n_outputs > 1)
    return "several inputs or outputs: not made smaller";
  if (!fails_in_icarus(&s, NULL))
    return "it passes in Icarus with one number of lanes: not made smaller";
  return report(a, n, shrink(a, s, fails_in_icarus, NULL));
}

// The tools' words may be long, and long messages are cut: they come last.
static void failed(const struct network *n, const char *where, const char *words) {
  struct arena a = {0};
  const char *kind = op_info(n->op)->name;
  unsigned long long seed = n->seed;
  fail_msg("%s seed %llu, %s\n"
           "NNGEN_TEST_ONLY=test_networks NNGEN_TEST_KIND=%s NNGEN_TEST_SEED=%llu "
           "NNGEN_TEST_NETWORKS=1 %s\n%s\n%s",
           kind, seed, where, kind, seed, program_invocation_name, made_small(&a, n), words);
}

// ---- many networks

struct campaign {
  bool all_tools; // for each network, not for some
  struct coverage coverage;
  int64_t elements;
  int verilator, icarus, netlist;
};

// How a network's source and sink stall.
static const char *stalls_of(struct batch *b, const struct network *n) {
  struct rng r = {n->seed, 5};
  return arena_printf(&b->arena, "+stall_in=%d +stall_out=%d +seed=%d",
                      (int)rng_range(&r, 0, STALL_PATTERNS - 1),
                      (int)rng_range(&r, 0, STALL_PATTERNS - 1), (int)n->seed);
}

static void run_icarus(struct batch *b, const struct network *n, int i, const char *arguments) {
  const char *words = batch_icarus(b, i, arguments);
  if (words) failed(n, arena_printf(&b->arena, "Icarus %s", arguments), words);
}

static void run_one(struct batch *b, const struct network *n, int i, uint64_t number,
                    struct campaign *c) {
  const char *stalls = stalls_of(b, n);
  const char *noise = arena_printf(&b->arena, "%s +verilator+rand+reset+2 +verilator+seed+%d",
                                   stalls, (int)n->seed + 1);
  const char *words = batch_run(b, i, "", &c->elements);
  if (words) failed(n, "Verilator", words);
  words = batch_run(b, i, noise, &c->elements);
  if (words) failed(n, arena_printf(&b->arena, "Verilator %s", noise), words);
  c->verilator++;
  if (c->all_tools || number % 10 == 0) {
    run_icarus(b, n, i, stalls);
    c->icarus++;
  }
  if (c->all_tools || number % 20 == 5) {
    words = batch_netlist(b, i);
    if (words) failed(n, "netlist of yosys", words);
    c->netlist++;
  }
}

// Networks first .. first + count - 1 of a list; without Verilator in Icarus alone, with and
// without stalls, which is less to compile.
static void run_batch(const enum op *ops, const uint64_t *seeds, uint64_t first, int count,
                      bool verilator, struct campaign *c) {
  struct batch b;
  struct network list[BATCH];
  batch_new(&b, scratch);
  for (int i = 0; i < count; i++) {
    list[i] = network_new(&b.arena, ops[first + (uint64_t)i], seeds[first + (uint64_t)i]);
    struct circuit *p = planned(&b, list[i].g, &list[i].folding);
    coverage_add(&c->coverage, p);
    batch_add(&b, p, list[i].frames);
    uint64_t number = first + (uint64_t)i;
    if (!c->all_tools && number % (uint64_t)every(2) != 0) continue;
    const char *words = batch_lint(&b, i, c->all_tools || number % 4 == 0);
    if (words) failed(&list[i], "lint", words);
  }
  if (verilator) batch_build(&b);
  for (int i = 0; i < count; i++) {
    if (verilator) {
      run_one(&b, &list[i], i, first + (uint64_t)i, c);
      continue;
    }
    run_icarus(&b, &list[i], i, "");
    run_icarus(&b, &list[i], i, stalls_of(&b, &list[i]));
    c->icarus++;
  }
  batch_free(&b);
}

// Of two batches that follow each other one has each second network.
static uint64_t place(uint64_t n, uint64_t want) {
  uint64_t pair = n / (2 * BATCH) * (2 * BATCH), within = n - pair;
  return want - pair < 2 * BATCH ? n : pair + within % 2 * BATCH + within / 2;
}

// The kinds take turns.
static void test_networks(void **state) {
  (void)state;
  struct arena a = {0};
  struct campaign c = {0};
  const char *only = getenv("NNGEN_TEST_KIND");
  bool deep = getenv("NNGEN_TEST_DEEP") != NULL;
  uint64_t want = number_from("NNGEN_TEST_NETWORKS", deep ? NETWORKS_DEEP : NETWORKS), n = 0;
  c.all_tools = only || want == 1;
  enum op *ops = ARENA_NEW(&a, enum op, want);
  uint64_t *seeds = ARENA_NEW(&a, uint64_t, want);
  for (uint64_t seed = number_from("NNGEN_TEST_SEED", 1); n < want; seed++)
    for (int op = 0; op < OP_COUNT && n < want; op++) {
      const struct op_info *info = op_info((enum op)op);
      if (!(info->executors & EXECUTOR_CIRCUIT) || (only && strcmp(info->name, only) != 0))
        continue;
      uint64_t at = place(n++, want);
      seeds[at] = seed;
      ops[at] = (enum op)op;
    }
  for (uint64_t i = 0; i < n; i += BATCH) {
    bool verilator = deep || c.all_tools || i / BATCH % 2 == 0;
    run_batch(ops, seeds, i, (int)(n - i < BATCH ? n - i : BATCH), verilator, &c);
  }
  print_message(
      "%d networks in Verilator, %lld elements in two runs; %d in Icarus, %d as netlists\n",
      c.verilator, (long long)c.elements, c.icarus, c.netlist);
  int empty = coverage_print(&c.coverage);
  if (n >= NETWORKS && !only) assert_int_equal(empty, 0);
  arena_free(&a);
}

// ---- found once

// yosys 0.23 takes an unsized '1 behind a constant condition for one bit: the upper bound of this
// network's unsigned output was 1.
static void test_netlist_saturates(void **state) {
  (void)state;
  struct batch b;
  batch_new(&b, scratch);
  struct network n = network_new(&b.arena, OP_linear, 1009);
  batch_add(&b, planned(&b, n.g, &n.folding), n.frames);
  const char *words = batch_netlist(&b, 0);
  if (words) fail_msg("%s", words);
  batch_free(&b);
}

// ---- streams and reset

// The first failure of circuit i with a second reset at every `step`-th cycle up to `last`, one
// cycle long or two, with and without stalls.
static const char *reset_everywhere(struct batch *b, int i, int64_t last, int step, bool icarus) {
  const char *words = NULL;
  for (int64_t at = 1 + i % step; !words && at <= last; at += step) {
    const char *arguments = arena_printf(
        &b->arena, "+reset_at=%lld +reset=%d +stall_in=%d +stall_out=%d", (long long)at,
        (int)(1 + at % 2), (int)(at % 3 ? 0 : 4), (int)(at % 5 ? 0 : 5));
    words = icarus ? batch_icarus(b, i, arguments) : batch_run(b, i, arguments, NULL);
    if (words) words = arena_printf(&b->arena, "%s: %s", arguments, words);
  }
  return words;
}

// Each pattern of idling with patterns of back-pressure; random contents of all registers
// and memories before the reset.
static void grid(struct batch *b, int i, const char *name, int step, int64_t *runs) {
  for (int in = 0; in < STALL_PATTERNS; in++)
    for (int out = (in + i) % step; out < STALL_PATTERNS; out += step, ++*runs) {
      const char *words = batch_run(
          b, i,
          arena_printf(&b->arena, "+stall_in=%d +stall_out=%d +seed=%d", in, out, 8 * in + out),
          NULL);
      if (words) fail_msg("%s, stalls %d/%d: %s", name, in, out, words);
    }
  for (int seed = 1; seed <= SEEDS / step; seed++, ++*runs) {
    const char *words = batch_run(
        b, i, arena_printf(&b->arena, "+verilator+rand+reset+2 +verilator+seed+%d", seed), NULL);
    if (words) fail_msg("%s, random registers %d: %s", name, seed, words);
  }
}

// The same bits under all stalls and from any content of the registers; a reset in any cycle of a
// frame, and what follows is as from the beginning: the same bits, II and latency.
static void test_streams(void **state) {
  (void)state;
  static const enum op ops[] = {OP_linear,   OP_relu, OP_tanh,  OP_silu,   OP_argmax,
                                OP_quantize, OP_add,  OP_mul,   OP_concat, OP_upsample,
                                OP_permute,  OP_rbf,  OP_top_k, OP_softmax};
  enum { CIRCUITS = sizeof ops / sizeof *ops, CYCLES = 160 };
  int64_t last[CIRCUITS], resets = 0, runs = 0;
  struct batch b;
  batch_new(&b, scratch);
  for (int i = 0; i < CIRCUITS; i++) {
    struct network n = network_new(&b.arena, ops[i], ops[i] == OP_mul ? 12 : 7);
    struct circuit *p = planned(&b, n.g, &n.folding);
    last[i] = p->ii + p->latency < CYCLES ? p->ii + p->latency : CYCLES;
    batch_add(&b, p, n.frames);
  }
  batch_build(&b);
  for (int i = 0; i < CIRCUITS; i++) {
    grid(&b, i, op_info(ops[i])->name, every(4), &runs);
    const char *words = reset_everywhere(&b, i, last[i], every(7), false);
    if (words) fail_msg("%s: %s", op_info(ops[i])->name, words);
    resets += last[i] / every(7);
  }
  print_message("%lld runs with stalls or random registers, %lld resets\n", (long long)runs,
                (long long)resets);
  // a counter that keeps its content is noticed
  const char *line =
      arena_printf(&b.arena,
                   "sed -i 's/if (!aresetn || s_axis_tready) group/if (s_axis_tready) group/' "
                   "%s/n0/fixed_linear_issue.sv",
                   scratch);
  assert_int_equal(system(line), 0);
  assert_non_null(reset_everywhere(&b, 0, last[0], 1, true));
  batch_free(&b);
}

// ---- the tests can fail

// Run as printed, with the library as it is and with a copy of it that is sabotaged.
static void assert_written(struct arena *a, const struct suspect *s, const struct sabotage *wrong) {
  const char *stem = arena_printf(a, "%s/small", scratch);
  const char *copy = arena_printf(a, "%s/copy/build/nngen", scratch);
  const char *line = suspect_write(a, s, stem, program());
  assert_int_equal(system(arena_printf(a, "%s >/dev/null", line)), 0);
  const char *copying =
      arena_printf(a,
                   "P=%s; mkdir -p %s/copy/build && cp $P $(dirname $P)/libnngen.a %s/copy/build "
                   "&& cp -r hw sim %s/copy && cd %s/copy/hw && %s",
                   program(), scratch, scratch, scratch, scratch, wrong->line);
  assert_int_equal(system(copying), 0);
  line = suspect_write(a, s, stem, copy);
  const char *fails = "2>&1 | grep -q 'first layer that differs'";
  assert_int_equal(system(arena_printf(a, "%s %s", line, fails)), 0);
  assert_int_equal(system(arena_printf(a, "rm -rf %s/*", scratch)), 0);
}

// A network with a wrong rounding is found in every simulator, and shrinks to one small layer that
// still fails, and passes when it is repaired. The line that simulates it does so too.
static void test_shrinks(void **state) {
  (void)state;
  struct arena a = {0};
  struct sabotage wrong = {"sed -i 's/\"half_even\") ? Q \\& (L | R)/\"half_even\") ? Q/' "
                           "fixed_requant.sv"};
  struct network n = {0};
  struct suspect s = {0};
  for (uint64_t seed = 1; !s.g && seed < 40; seed++) {
    n = network_new(&a, OP_linear, seed);
    for (uint32_t i = 0; i < n.g->n_nodes; i++) n.g->nodes[i].rounding = FIX_HALF_EVEN;
    struct suspect candidate = {n.g, n.folding.parallelism, BENCH_FRAMES, n.frames};
    struct err e = {0};
    graph_ranges(n.g);
    if (n.g->n_nodes > 2 && graph_verify(n.g, &e) && fails_in_icarus(&candidate, &wrong))
      s = candidate;
  }
  assert_non_null(s.g);
  struct suspect small = shrink(&a, s, fails_in_icarus, &wrong);
  const struct node *layer = &small.g->nodes[0];
  print_message("%u layers became %s %lld -> %lld, %lld lanes\n", s.g->n_nodes,
                op_info(layer->op)->name, (long long)value_elements(node_in(small.g, layer, 0)),
                (long long)value_elements(node_out(small.g, layer, 0)), (long long)small.lanes);
  assert_int_equal(small.g->n_nodes, 1);
  assert_true(value_elements(node_out(small.g, layer, 0)) <= 2);
  assert_true(fails_in_icarus(&small, &wrong));
  assert_false(fails_in_icarus(&small, NULL));
  assert_written(&a, &small, &wrong);
  arena_free(&a);
}

// A wrong weight in one circuit of a batch is that circuit's failure, in all three readings. It is
// in images of another name: those that the circuit was generated with are checked.
static void test_batch_can_fail(void **state) {
  (void)state;
  struct batch b;
  batch_new(&b, scratch);
  for (int i = 0; i < 2; i++) {
    struct network n = network_new(&b.arena, OP_relu, 3);
    batch_add(&b, planned(&b, n.g, &n.folding), n.frames);
  }
  assert_int_equal(system(arena_printf(&b.arena,
                                       "cd %s/n1/rom && for f in l0_weight_*; do"
                                       " tr 0-9a-f 5-9a-f0-4 <$f >x$f; done &&"
                                       " sed -i 's/\"l0_weight\"/\"xl0_weight\"/' ../*.sv",
                                       b.dir)),
                   0);
  batch_build(&b);
  assert_null(batch_run(&b, 0, "", NULL));
  assert_non_null(strstr(batch_run(&b, 1, "", NULL), "first layer that differs: l0_linear"));
  assert_non_null(strstr(batch_icarus(&b, 1, ""), "first layer that differs: l0_linear"));
  assert_non_null(strstr(batch_netlist(&b, 1), "FAIL"));
  batch_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_networks), cmocka_unit_test(test_streams),
      cmocka_unit_test(test_netlist_saturates), cmocka_unit_test(test_shrinks),
      cmocka_unit_test(test_batch_can_fail)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, setup, teardown);
}
