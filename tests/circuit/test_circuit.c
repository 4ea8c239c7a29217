// SPDX-License-Identifier: Apache-2.0
// Circuits: cells and lanes, cycles worked out by hand, queues that hold the pace, refusals that
// name every layer at once. That the cycles are the circuit's is what each simulation asserts.
#include "quant/quantize.h"
#include "sw/base/file.h"
#include "sw/circuit/circuit_plan.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/timing.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "tests/graph/helper_verify.h"
#include "tests/net/helper_netgen.h"
#include "tests/sim/helper_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct graph *mlp(struct arena *a) {
  struct err e = {0};
  struct formats f = formats_new();
  assert_true(formats_set_stream(a, &f.defaults, "8,3", &e));
  struct graph *real = model_read(a, "models/mnist-mlp.bin", &e);
  struct graph *g = real ? quantize(a, real, &f, &e) : NULL;
  if (!g) fail_msg("%s", e.text);
  return g;
}

static struct circuit *planned(struct arena *a, const struct graph *g, int64_t lanes,
                               struct folding_entry *entries, uint32_t n) {
  struct err e = {0};
  struct folding f = {.parallelism = lanes, .n_layers = n, .layers = entries};
  struct circuit *p = circuit_build(a, g, "top", &f, &e);
  if (!p) fail_msg("%s", e.text);
  return p;
}

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// II of the whole is ceil(IN/PI) * ceil(OUT/PO) of the slowest layer, for any number of lanes.
static void test_ii(void **state) {
  (void)state;
  for (int64_t lanes = 1; lanes <= 1000; lanes = lanes * 3 / 2 + 1) {
    struct arena a = {0};
    struct circuit *p = planned(&a, mlp(&a), lanes, NULL, 0);
    int64_t first = ceil_div(784, lanes) * ceil_div(128, lanes < 128 ? lanes : 128);
    int64_t second =
        ceil_div(128, lanes < 128 ? lanes : 128) * ceil_div(10, lanes < 10 ? lanes : 10);
    assert_int_equal(p->ii, first > second ? first : second);
    assert_int_equal(p->outputs[0].lanes, lanes < 10 ? lanes : 10);
    assert_true(p->latency >= p->ii);
    arena_free(&a);
  }
}

// The slowest cell sets the pace also where beats are gathered from narrower ones or cut up.
static void test_ii_folded(void **state) {
  (void)state;
  static const int64_t lanes[] = {1, 2, 3, 4, 8, 16};
  for (int i = 0; i < 6 * 6 * 6; i++) {
    struct arena a = {0};
    struct folding_entry fc1 = {.name = "fc1", .in = lanes[i % 6], .out = lanes[i / 6 % 6]};
    struct circuit *p = planned(&a, mlp(&a), lanes[i / 36], &fc1, 1);
    int64_t slowest = 0;
    for (uint32_t c = 0; c < p->n_cells; c++)
      slowest = p->cells[c].cycles > slowest ? p->cells[c].cycles : slowest;
    assert_int_equal(p->ii, slowest);
    arena_free(&a);
  }
}

// frame 1, the steps before the last beat, pipeline, relu 1, 3 groups a beat, pipeline.
static void test_latency_by_hand(void **state) {
  (void)state;
  struct arena a = {0};
  struct circuit *p = planned(&a, mlp(&a), 4, NULL, 0);
  const struct cell *l0 = &p->cells[1], *l2 = &p->cells[3];
  assert_string_equal(l0->name, "l0_linear");
  assert_int_equal(l0->timing.latency, 2 + 1 + 2 + 1 + 2 + 2);
  assert_int_equal(l2->timing.latency, 2 + 1 + 2 + 1 + 2 + 2);
  // The last pass of l0 gives a beat each cycle, l2 takes one in three: its 32 beats set the end.
  int64_t first_out = 1 + 195 * 32 + l0->timing.latency, relu = 1;
  assert_int_equal(p->latency, first_out + relu + 31 * 3 + 2 + l2->timing.latency);
  assert_int_equal(p->multipliers, 32);
  arena_free(&a);
}

static void test_folding(void **state) {
  (void)state;
  struct arena a = {0};
  struct folding_entry entries[] = {{.name = "fc2", .in = 3, .out = 1}, {.name = "fc1", .out = 8}};
  struct circuit *p = planned(&a, mlp(&a), 4, entries, 2);
  static const enum cell_kind kinds[] = {CELL_FRAME,    CELL_LAYER,  CELL_LAYER,
                                         CELL_REGISTER, CELL_RESIZE, CELL_LAYER};
  assert_int_equal(p->n_cells, 6);
  for (int i = 0; i < 6; i++) assert_int_equal(p->cells[i].kind, kinds[i]);
  assert_int_equal(p->cells[1].cycles, 196 * 16);
  assert_int_equal(p->cells[5].cycles, 43 * 10);
  assert_int_equal(p->cells[5].multipliers, 3);
  arena_free(&a);
}

// The queue is what keeps the pace: with fewer places a frame takes longer.
static void test_queue(void **state) {
  (void)state;
  struct arena a = {0};
  struct circuit *p = planned(&a, mlp(&a), 4, NULL, 0);
  assert_int_equal(p->ii, 6272);
  circuit_linear_queue(&p->cells[1], 8);
  timing_run(p);
  assert_true(p->ii > 6272);
  arena_free(&a);
}

// A stream of ready that passes through is cut before it would cross a second cell.
static void test_ready_paths(void **state) {
  (void)state;
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 1; seed <= 4; seed++) {
      if (!(op_info((enum op)op)->executors & EXECUTOR_CIRCUIT)) continue;
      struct arena a = {0};
      struct circuit *p = planned(&a, netgen(&a, seed, (enum op)op, NETGEN_CIRCUIT), 3, NULL, 0);
      int *crossed = ARENA_NEW(&a, int, p->n_streams);
      for (uint32_t i = 0; i < p->n_cells; i++) {
        const struct cell *c = &p->cells[i];
        enum timing_kind t = c->timing.kind;
        bool cuts = t == TIMING_LINEAR || t == TIMING_REGISTER || t == TIMING_QUEUE ||
                    t == TIMING_WINDOW || t == TIMING_BLOCKS || t == TIMING_SOFTMAX;
        int most = 0;
        if (t == TIMING_NONE) continue;
        for (uint32_t k = 0; !cuts && k < c->n_in; k++)
          most = crossed[c->in[k]->id] + 1 > most ? crossed[c->in[k]->id] + 1 : most;
        for (uint32_t k = 0; k < c->n_out; k++) crossed[c->out[k]->id] = most;
        assert_true(most <= 1);
      }
      arena_free(&a);
    }
}

// A block with a branch around it: what it waits for fits into the queue beside it and not into one
// that is smaller; with one place the branches wait for each other for ever.
static void test_residual(void **state) {
  (void)state;
  struct arena a = {0};
  struct circuit *p = planned(&a, bench_residual(&a), 4, NULL, 0);
  struct cell *queue = NULL;
  uint32_t forks = 0;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct cell *c = &p->cells[i];
    forks += c->kind == CELL_FORK;
    if (c->kind == CELL_QUEUE && (!queue || c->timing.queue > queue->timing.queue)) queue = c;
  }
  assert_int_equal(forks, 2);
  assert_non_null(queue);
  int64_t ii = p->ii, places = queue->timing.queue;
  assert_int_equal(ii, 48); // of the layer before it: 6 beats of 8 groups
  assert_true(places > 1 && p->latency > 0);
  int64_t *least = ARENA_NEW(&a, int64_t, p->n_cells);
  queues_least(p, least);
  assert_true(least[queue - p->cells] > 1 && least[queue - p->cells] < places);
  assert_int_equal(least[0], 0);
  queue->timing.queue = least[queue - p->cells];
  timing_run(p);
  assert_true(p->latency > 0 && p->ii > ii);
  queue->timing.queue = places - 1;
  timing_run(p);
  assert_true(p->ii > ii);
  queue->timing.queue = 1;
  timing_run(p);
  assert_int_equal(p->latency, 0);
  queue->timing.queue = places;
  timing_run(p);
  assert_int_equal(p->ii, ii);
  arena_free(&a);
}

static void expect_equal(struct circuit *p) {
  struct circuit plain = *p;
  timing_run(p);
  timing_run_ref(&plain);
  // where the flow hasn't settled the circuit that is filled may be the slower one
  bool late = p->steady == INT32_MAX && p->ii > plain.ii;
  if ((plain.ii != p->ii && !late) || plain.latency != p->latency || plain.steady != p->steady)
    fail_msg("events: II %lld, latency %lld, steady %lld; cycles: %lld, %lld, %lld",
             (long long)p->ii, (long long)p->latency, (long long)p->steady, (long long)plain.ii,
             (long long)plain.latency, (long long)plain.steady);
}

// Both say when each cell works on the first frame; what is in front of the outputs, until the
// latency is over.
static void expect_equal_spans(struct arena *a, const struct circuit *p) {
  struct span *spans = ARENA_NEW(a, struct span, p->n_cells);
  struct span *plain = ARENA_NEW(a, struct span, p->n_cells);
  int64_t last = 0, first = 0;
  assert_int_equal(timing_trace(p, spans), p->latency != 0);
  assert_int_equal(timing_trace_ref(p, plain), p->latency != 0);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    assert_memory_equal(&spans[i], &plain[i], sizeof *spans);
    assert_true(!p->latency || spans[i].first <= spans[i].last);
    if (c->n_in && c->in[0]->id == p->inputs[0].id) first = spans[i].taken;
    for (uint32_t k = 0; k < p->n_outputs; k++)
      if (c->out[0]->id == p->outputs[k].id && spans[i].last > last) last = spans[i].last;
  }
  if (p->latency && p->n_inputs == 1) assert_int_equal(last - first, p->latency);
}

// With the queues as they are, and too small; how often nothing moved.
static int expect_equal_with_any(struct arena *a, const struct graph *g, int64_t lanes) {
  struct err e = {0};
  struct folding f = {.parallelism = lanes};
  struct circuit *p = circuit_build(a, g, "top", &f, &e);
  int stuck = 0;
  if (!p) fail_msg("%s", e.text);
  expect_equal(p);
  expect_equal_spans(a, p);
  for (int64_t places = 6; places > 0; places--) {
    for (uint32_t i = 0; i < p->n_cells; i++)
      if (p->cells[i].kind == CELL_QUEUE) p->cells[i].timing.queue = places;
    expect_equal(p);
    expect_equal_spans(a, p);
    stuck += p->latency == 0;
  }
  return stuck;
}

// Both models agree on every kind, and on what stands still.
static void test_events(void **state) {
  (void)state;
  static const int64_t lanes[] = {1, 2, 3, 4, 7, 16};
  struct arena a = {0};
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 1; op_info((enum op)op)->executors & EXECUTOR_CIRCUIT && seed <= 6; seed++)
      expect_equal_with_any(&a, netgen(&a, seed, (enum op)op, NETGEN_CIRCUIT),
                            lanes[(seed + (uint64_t)op) % 6]);
  assert_true(expect_equal_with_any(&a, bench_residual(&a), 4) > 0);
  arena_free(&a);
}

// A network, and a relu on an input of its own that nothing links with it, which comes first.
static struct graph *beside_relu(struct graph *g, int64_t elements) {
  struct err e = {0};
  struct type type = g->values[g->inputs[0].value].type;
  uint32_t x = graph_add_value(g, "quick", 1, &elements, type, true);
  uint32_t n = graph_add_node(g, OP_relu, "quick"), last = g->n_inputs;
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_out(g, n, graph_add_value(g, "quick.y", 1, &elements, type, true));
  graph_add_output(g, g->nodes[n].out[0]);
  graph_add_input(g, x, (struct source){0});
  struct input quick = g->inputs[last];
  g->inputs[last] = g->inputs[0];
  g->inputs[0] = quick;
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

// Parts that nothing links have each their own pace, and the queues that this needs; the circuit's
// is that of the first input's.
static void test_parts(void **state) {
  (void)state;
  struct arena a = {0};
  struct circuit *alone = planned(&a, bench_residual(&a), 4, NULL, 0);
  struct circuit *p = planned(&a, beside_relu(bench_residual(&a), 6), 4, NULL, 0);
  uint32_t k = 0;
  assert_int_equal(p->ii, 2); // beats
  assert_true(p->steady < 10);
  assert_int_equal(p->latency, alone->latency);
  assert_int_equal(p->memory_bits, alone->memory_bits);
  assert_int_equal((int64_t)circuit_plan(&a, p, &(struct err){0})->period, 48); // of the slowest
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    assert_int_equal(c->ii, c->part ? 48 : 2);
    if (!c->part) continue;
    while (alone->cells[k].kind != c->kind) k++;
    assert_int_equal(c->timing.queue, alone->cells[k].timing.queue);
    k++;
  }
  assert_int_equal(k, alone->n_cells);
  assert_true(expect_equal_with_any(&a, beside_relu(bench_residual(&a), 6), 4) > 0);
  arena_free(&a);
}

// However many frames the quick part takes before the slow one's first is through.
static void test_slow_part(void **state) {
  (void)state;
  struct arena a = {0};
  struct circuit *p = planned(&a, beside_relu(bench_network_of(&a, 8, 300, 200), 1), 1, NULL, 0);
  assert_int_equal(p->ii, 1);
  assert_true(p->latency > 300 * 200);
  arena_free(&a);
}

// What no output is made of has no cells.
static void test_unread(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct folding f = {.parallelism = 4};
  struct graph *g = bench_residual(&a);
  struct circuit *before = circuit_build(&a, g, "top", &f, &e);
  uint32_t fc1 = g->nodes[1].out[0], n = graph_add_node(g, OP_relu, "unread");
  const struct value y = g->values[fc1];
  graph_add_use(g, n, (struct use){fc1, 0, NONE});
  graph_add_out(g, n, graph_add_value(g, "unread", y.rank, y.shape, y.type, true));
  struct circuit *after = circuit_build(&a, g, "top", &f, &e);
  if (!before || !after) fail_msg("%s", e.text);
  assert_int_equal(after->n_cells, before->n_cells);
  assert_int_equal(after->n_taps, before->n_taps);
  for (uint32_t i = 0; i < after->n_streams; i++)
    if (after->streams[i]->to == NONE) assert_ptr_equal(after->streams[i], after->ends[0]);
  graph_add_output(g, g->nodes[n].out[0]); // as an output it has some
  after = circuit_build(&a, g, "top", &f, &e);
  assert_int_equal(after->n_taps, before->n_taps + 1);
  arena_free(&a);
}

static void test_refusals(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = netgen(&a, 1, OP_sum, NETGEN_ANY);
  struct folding f = {.parallelism = 4};
  assert_null(circuit_build(&a, g, "top", &f, &e));
  assert_non_null(strstr(e.text, "this kind has no circuit yet"));
  struct folding_entry entry = {.name = "fc7", .in = 2};
  f = (struct folding){.parallelism = 4, .n_layers = 1, .layers = &entry};
  e = (struct err){0};
  assert_null(circuit_build(&a, mlp(&a), "top", &f, &e));
  assert_non_null(strstr(e.text, "there is no layer \"fc7\""));
  arena_free(&a);
}

// ---- what has no circuit, one reason at a time

RULE(types_with_channels) {
  struct value *y = output(g, n);
  y->type = per_channel(g, y->rank - 1, y->shape[y->rank - 1]);
}
RULE(sliced) {
  graph_add_ints(g, id_of(g, n), ATTR_slice, 3, (int64_t[]){0, 0, 1});
}
RULE(bipolar_input) {
  input(g, n, 0)->type = type_of_class(TYPE_BIPOLAR);
}
RULE(requantised_per_channel) {
  static const int64_t mul[2] = {1, 1};
  static const int32_t shift[2] = {0, 0};
  graph_add_requant(g, id_of(g, n), 2, mul, shift);
}
RULE(no_table) {
  NO_G;
  n->n_attr = 0;
}
RULE(largest_value_too) {
  int64_t one = 1;
  graph_add_out(g, id_of(g, n), graph_add_value(g, "largest", 1, &one, s8(g), true));
}
RULE(computed_weights) {
  input(g, n, 1)->init = NULL;
}
RULE(rows) {
  output(g, n)->rank = 1;
  output(g, n)->shape[0] = 2;
}
RULE(spread) {
  output(g, n)->shape[output(g, n)->rank - 1] *= 2;
}
RULE(read_too_often) {
  NO_N;
  for (int i = 0; i < 64; i++) {
    uint32_t reader = graph_add_node(g, OP_relu, arena_printf(g->arena, "reader%d", i));
    struct value y = *output(g, &g->nodes[0]);
    graph_add_use(g, reader, (struct use){g->inputs[0].value, 0, NONE});
    const char *name = arena_printf(g->arena, "read%d", i);
    graph_add_out(g, reader, graph_add_value(g, name, y.rank, y.shape, y.type, true));
    graph_add_output(g, g->nodes[reader].out[0]);
  }
}
RULE(on_the_host) {
  NO_N;
  for (uint32_t i = 0; i < g->n_nodes; i++) g->nodes[i].where = WHERE_HOST;
}

static const struct rule no_circuits[] = {
    {OP_relu, types_with_channels, "(relu): its types have channels"},
    {OP_relu, sliced, "(relu): it is a slice"},
    {OP_linear, sliced, "(linear): it is a slice"},
    {OP_relu, bipolar_input, "(relu): its input is bipolar"},
    {OP_argmax, bipolar_input, "(argmax): its input is bipolar"},
    {OP_relu, requantised_per_channel, "(relu): its requantisation has channels"},
    {OP_tanh, no_table, "(tanh): tanh without a table"},
    {OP_argmax, largest_value_too, "only the index becomes a circuit, not the value"},
    {OP_argmax, rows, "(argmax): its input has several rows"},
    {OP_top_k, bipolar_input, "(top_k): its input is bipolar"},
    {OP_top_k, rows, "(top_k): its input has several rows"},
    {OP_argmin, rows, "(argmin): its input has several rows"},
    {OP_rbf, sliced, "(rbf): it is a slice"},
    {OP_linear, computed_weights, "(linear): its weights are computed"},
    {OP_add, spread, "elements, the output "},
    {OP_relu, read_too_often, "is read 65 times, at most 64 are accepted"},
    {OP_relu, on_the_host, "the model has no layer that computes"},
};

static struct node *first_of(struct graph *g, enum op op) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].op == op) return &g->nodes[i];
  return NULL;
}

static void test_no_circuits(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof no_circuits / sizeof *no_circuits; i++) {
    const struct rule *r = &no_circuits[i];
    struct arena a = {0};
    struct err e = {0};
    struct folding f = {.parallelism = 2};
    struct graph *g = netgen(&a, 1, r->op, NETGEN_CIRCUIT);
    r->break_it(g, first_of(g, r->op));
    assert_null(circuit_build(&a, g, "top", &f, &e));
    if (!strstr(e.text, r->words)) fail_msg("expected \"%s\", got \"%s\"", r->words, e.text);
    arena_free(&a);
  }
}

// An activation works on as many lanes as it gets.
static void test_lanes_that_differ(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct folding_entry relu = {.name = "relu1", .in = 2, .out = 4};
  struct folding f = {.parallelism = 4, .n_layers = 1, .layers = &relu};
  assert_null(circuit_build(&a, mlp(&a), "top", &f, &e));
  assert_non_null(strstr(e.text, "\"relu1\" (relu): its lanes in and out differ"));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ii),
                                     cmocka_unit_test(test_ii_folded),
                                     cmocka_unit_test(test_latency_by_hand),
                                     cmocka_unit_test(test_folding),
                                     cmocka_unit_test(test_queue),
                                     cmocka_unit_test(test_ready_paths),
                                     cmocka_unit_test(test_residual),
                                     cmocka_unit_test(test_events),
                                     cmocka_unit_test(test_parts),
                                     cmocka_unit_test(test_slow_part),
                                     cmocka_unit_test(test_unread),
                                     cmocka_unit_test(test_refusals),
                                     cmocka_unit_test(test_no_circuits),
                                     cmocka_unit_test(test_lanes_that_differ)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
