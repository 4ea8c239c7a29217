// SPDX-License-Identifier: Apache-2.0
// Branches with rows of their own: the golden model of what comes out is equal to that of the
// joined rows, frame by frame, whatever the branches' channels and rows and the first content are;
// each layer is a line buffer of a circuit, which is simulated; what isn't such a branch is left
// alone.
#include "sw/base/rng.h"
#include "sw/circuit/facts.h"
#include "sw/exec/golden.h"
#include "sw/graph/interval.h"
#include "sw/pass/branch_lines.h"
#include "tests/sim/helper_bench.h"

#include <string.h>

enum { SEEDS = 60, FRAMES = 14, BRANCHES = 3 };

// Sizes, and what is special about a network.
struct shape {
  int64_t own, kept, columns, channels;
  int branches;
  int64_t rows[BRANCHES], begin[BRANCHES], end[BRANCHES]; // of the joined rows; channels
  int64_t first;                                          // content
};

struct net {
  struct graph *g;
  uint32_t x, join, tail, cut[BRANCHES], layer[BRANCHES];
};

static struct type bits(struct arena *a) {
  return type_fixed(a, 8, true, 1.0 / 8, 0);
}

static uint32_t add(struct graph *g, enum op op, const char *name, int64_t rows, int64_t columns,
                    int64_t channels) {
  const int64_t shape[3] = {rows, columns, channels};
  uint32_t n = graph_add_node(g, op, name);
  graph_add_out(g, n, graph_add_value(g, name, 3, shape, bits(g->arena), true));
  return n;
}

static uint32_t out(const struct graph *g, uint32_t n) {
  return g->nodes[n].out[0];
}

static void use(struct graph *g, uint32_t n, uint32_t value) {
  graph_add_use(g, n, (struct use){value, 0, NONE});
}

static uint32_t tensor_of(struct graph *g, const char *name, int rank, const int64_t *shape,
                          int64_t step) {
  struct tensor *t = tensor_new(g->arena, DTYPE_I8, rank, shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, (i * step) % 101 - (step ? 50 : 0));
  return graph_add_tensor(g, name, t, bits(g->arena));
}

static uint32_t slice(struct graph *g, const char *name, uint32_t from, const int64_t *begin,
                      const int64_t *end) {
  uint32_t n = add(g, OP_slice, name, end[0] - begin[0], end[1] - begin[1], end[2] - begin[2]);
  use(g, n, from);
  graph_add_ints(g, n, ATTR_begin, 3, begin);
  graph_add_ints(g, n, ATTR_end, 3, end);
  return n;
}

// Channels, then rows where a branch has fewer, then a convolution of each channel over all of
// them.
static void add_branch(struct net *n, const struct shape *s, int i) {
  struct graph *g = n->g;
  int64_t all = s->kept + s->own, rows = s->rows[i], channels = s->end[i] - s->begin[i];
  uint32_t value = out(g, n->join);
  if (channels < s->channels) {
    n->cut[i] = slice(g, arena_printf(g->arena, "split%d", i), value,
                      (int64_t[]){0, 0, s->begin[i]}, (int64_t[]){all, s->columns, s->end[i]});
    value = out(g, n->cut[i]);
  }
  if (rows < all)
    value = out(g, slice(g, arena_printf(g->arena, "last%d", i), value,
                         (int64_t[]){all - rows, 0, 0}, (int64_t[]){all, s->columns, channels}));
  int64_t kernel = rows - s->own + 1;
  uint32_t conv =
      add(g, OP_conv2d, arena_printf(g->arena, "conv%d", i), s->own, s->columns, channels);
  use(g, conv, value);
  use(g, conv,
      tensor_of(g, arena_printf(g->arena, "w%d", i), 4, (int64_t[]){channels, kernel, 1, 1},
                37 + 2 * i));
  if (channels > 1) graph_add_int(g, conv, ATTR_groups, channels);
  graph_add_requant(g, conv, 1, (int64_t[]){1}, (int32_t[]){5});
  graph_add_output(g, out(g, conv));
  n->layer[i] = conv;
}

static struct net net_new(struct arena *a, const struct shape *s) {
  struct net n = {.g = graph_new(a, "net")};
  struct graph *g = n.g;
  const int64_t shape[3] = {s->own, s->columns, s->channels};
  const int64_t held[3] = {s->kept, s->columns, s->channels};
  int64_t all = s->kept + s->own;
  n.x = graph_add_value(g, "x", 3, shape, bits(a), true);
  graph_add_input(g, n.x, (struct source){0});
  uint32_t first = tensor_of(g, "first", 3, held, s->first);
  n.join = add(g, OP_concat, "join", all, s->columns, s->channels);
  n.tail = add(g, OP_slice, "tail", s->kept, s->columns, s->channels);
  graph_add_use(g, n.join, (struct use){out(g, n.tail), 1, (int32_t)first});
  use(g, n.join, n.x);
  graph_add_int(g, n.join, ATTR_axis, 0);
  use(g, n.tail, out(g, n.join));
  graph_add_ints(g, n.tail, ATTR_begin, 3, (int64_t[]){s->own, 0, 0});
  for (int i = 0; i < s->branches; i++) add_branch(&n, s, i);
  return n;
}

static struct graph *checked(struct graph *g) {
  struct err e = {0};
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

static struct shape random_shape(uint64_t seed) {
  struct rng r = {seed, 5};
  struct shape s = {.own = rng_range(&r, 1, 3),
                    .kept = rng_range(&r, 1, 6),
                    .columns = rng_range(&r, 1, 2),
                    .channels = rng_range(&r, 2, 6),
                    .branches = (int)rng_range(&r, 1, BRANCHES),
                    .first = rng_range(&r, 0, 1) * 13};
  for (int i = 0; i < s.branches; i++) {
    s.rows[i] = s.own + rng_range(&r, 1, s.kept);
    s.begin[i] = rng_range(&r, 0, s.channels - 2);
    s.end[i] = rng_range(&r, s.begin[i] + 1, s.channels - 1);
    if (i == 1 && rng_range(&r, 0, 1)) { // reads what is joined as it is
      s.rows[i] = s.own + s.kept;
      s.begin[i] = 0;
      s.end[i] = s.channels;
    }
  }
  return s;
}

static void outputs(struct arena *a, const struct graph *g, const int32_t *x, int32_t *y) {
  struct err e = {0};
  struct golden *m = golden_new(a, g, &e);
  struct golden_tap taps[BRANCHES];
  if (!m) fail_msg("%s", e.text);
  for (uint32_t o = 0; o < g->n_outputs; o++) {
    taps[o] = (struct golden_tap){g->outputs[o], y};
    y += FRAMES * value_elements(&g->values[g->outputs[o]]);
  }
  golden_run_codes(m, FRAMES, x, taps, g->n_outputs);
  golden_free(m);
}

static int count(const struct graph *g, enum op op) {
  int n = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) n += g->nodes[i].op == op;
  return n;
}

static int lines(const struct circuit *p) {
  int n = 0;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    assert_true(p->cells[i].kind != CELL_STATE);
    n += circuit_is_line(&p->cells[i]);
  }
  return n;
}

// Where the first content is 0 each branch is a line buffer.
static void check_circuit(struct arena *a, const struct graph *g, int branches) {
  struct err e = {0};
  const struct folding f = {.parallelism = 2};
  const struct circuit *p = circuit_build(a, g, "top", &f, &e);
  if (!p) fail_msg("%s", e.text);
  assert_int_equal(lines(p), branches);
}

static void equal(void **state) {
  (void)state;
  int zero = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct arena a = {0};
    struct shape s = random_shape(seed);
    struct graph *before = checked(net_new(&a, &s).g), *g = branch_lines(&a, before);
    int64_t in = FRAMES * s.own * s.columns * s.channels, size = BRANCHES * in;
    int32_t *x = ARENA_NEW(&a, int32_t, in), *wanted = ARENA_NEW(&a, int32_t, size);
    int32_t *found = ARENA_NEW(&a, int32_t, size);
    struct rng r = {seed, 6};
    for (int64_t i = 0; i < in; i++) x[i] = (int32_t)rng_range(&r, -128, 127);
    outputs(&a, before, x, wanted);
    outputs(&a, g, x, found);
    assert_ptr_not_equal(g, before);
    assert_int_equal(count(g, OP_concat), s.branches);
    assert_memory_equal(found, wanted, (size_t)size * sizeof *found);
    if (!s.first) check_circuit(&a, g, s.branches);
    zero += !s.first;
    // the pass has nothing left to do
    assert_ptr_equal(branch_lines(&a, g), g);
    arena_free(&a);
  }
  assert_true(zero > SEEDS / 4 && zero < SEEDS);
}

static const struct shape two = {.own = 1,
                                 .kept = 4,
                                 .columns = 1,
                                 .channels = 4,
                                 .branches = 2,
                                 .rows = {3, 5},
                                 .begin = {0, 2},
                                 .end = {2, 4}};

// What isn't a branch keeps the rows joined; a content of its own at first is a branch's, too.
static void left_alone(void **state) {
  (void)state;
  struct arena a = {0};
  struct net n = net_new(&a, &two);
  graph_add_output(n.g, out(n.g, n.join));
  assert_ptr_equal(branch_lines(&a, checked(n.g)), n.g);
  n = net_new(&a, &two);
  graph_add_output(n.g, out(n.g, n.tail));
  assert_ptr_equal(branch_lines(&a, checked(n.g)), n.g);
  n = net_new(&a, &two);
  graph_add_output(n.g, out(n.g, n.cut[0]));
  assert_ptr_equal(branch_lines(&a, checked(n.g)), n.g);
  // a layer without windows
  n = net_new(&a, &two);
  uint32_t relu = add(n.g, OP_relu, "relu", 5, 1, 4);
  use(n.g, relu, out(n.g, n.join));
  graph_add_output(n.g, out(n.g, relu));
  assert_ptr_equal(branch_lines(&a, checked(n.g)), n.g);
  // rows of the frames before that aren't the last of them
  n = net_new(&a, &two);
  n.g->nodes[n.tail].attr[0].ints = (int64_t[]){0, 0, 0};
  graph_add_ints(n.g, n.tail, ATTR_end, 3, (int64_t[]){4, 1, 4});
  assert_ptr_equal(branch_lines(&a, checked(n.g)), n.g);
  // a name that a branch's rows would have
  n = net_new(&a, &two);
  n.g->values[out(n.g, n.layer[0])].name = "split1.kept";
  assert_ptr_equal(branch_lines(&a, checked(n.g)), n.g);
  // one reader that takes them as they are
  struct shape whole = two;
  whole.branches = 1;
  whole.rows[0] = 5;
  whole.end[0] = 4;
  n = net_new(&a, &whole);
  assert_ptr_equal(branch_lines(&a, checked(n.g)), n.g);
  arena_free(&a);
}

static void simulated(void **state) {
  (void)state;
  struct bench b = {0};
  bench_new(&b, branch_lines(&b.arena, checked(net_new(&b.arena, &two).g)), 2, FRAMES);
  assert_int_equal(lines(b.circuit), 2);
  b.job.icarus = true;
  bench_passes(&b);
  bench_patch(&b, "axis_window.sv", "blank < ROW'(IN_H) ? '0 : blank - ROW'(IN_H)", "blank");
  bench_fails(&b, "layer");
  bench_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(equal), cmocka_unit_test(left_alone),
                                     cmocka_unit_test(simulated)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
