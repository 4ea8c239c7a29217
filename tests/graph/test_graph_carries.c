// SPDX-License-Identifier: Apache-2.0
// What the graph must carry from the first day: training steps, delays, slices with partial sums,
// masks, several outputs, opaque ops with a plan in a side table. Each graph is built by hand,
// verified, taken through model.bin, and (where it computes) compared with integers computed here.
#include "sw/exec/golden.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "sw/graph/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct build {
  struct arena arena;
  struct graph *g;
  struct type s16; // 16,0
};

static void begin(struct build *b, const char *name) {
  *b = (struct build){0};
  b->g = graph_new(&b->arena, name);
  b->s16 = type_fixed(&b->arena, 16, true, 1, 0);
}

static uint32_t input(struct build *b, const char *name, int64_t size) {
  uint32_t v = graph_add_value(b->g, name, 1, &size, b->s16, true);
  graph_add_input(b->g, v, (struct source){0});
  return v;
}

static uint32_t constant(struct build *b, const char *name, int rank, const int64_t *shape,
                         struct type type, const int64_t *data) {
  struct tensor *t = tensor_new(&b->arena, dtype_for(&type), rank, shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, data[i]);
  return graph_add_tensor(b->g, name, t, type);
}

// A node with one output of type `type`; M = 1 and `shift` unless shift is negative.
static uint32_t node(struct build *b, enum op op, const char *name, struct type type, int rank,
                     const int64_t *shape, bool per_frame, int shift) {
  uint32_t n = graph_add_node(b->g, op, name);
  graph_add_out(b->g, n, graph_add_value(b->g, name, rank, shape, type, per_frame));
  for (int i = 0; shift >= 0 && i < (op == OP_add || op == OP_sub ? 2 : 1); i++)
    graph_add_requant(b->g, n, 1, (int64_t[]){1}, (int32_t[]){shift});
  return n;
}

static uint32_t with(struct build *b, uint32_t n, uint32_t value) {
  graph_add_use(b->g, n, (struct use){value, 0, NONE});
  return n;
}

static uint32_t out(const struct build *b, uint32_t n) {
  return b->g->nodes[n].out[0];
}

static uint32_t reshape(struct build *b, const char *name, uint32_t x, int64_t rows,
                        int64_t columns) {
  uint32_t n = node(b, OP_reshape, name, b->s16, 2, (int64_t[]){rows, columns}, true, -1);
  graph_add_ints(b->g, n, ATTR_shape, 2, (int64_t[]){rows, columns});
  return out(b, with(b, n, x));
}

// variable and read; the reference and the snapshot.
static uint32_t variable(struct build *b, const char *name, int64_t rows, int64_t columns,
                         const int64_t *init, uint32_t *ref, uint32_t *read) {
  int64_t shape[2] = {rows, columns};
  uint32_t held = constant(b, arena_printf(&b->arena, "%s.init", name), 2, shape, b->s16, init);
  uint32_t v = node(b, OP_variable, name, type_ref(), 2, shape, false, -1);
  graph_add_attr(b->g, v, ATTR_init)->value = held;
  *ref = out(b, v);
  *read = node(b, OP_read, arena_printf(&b->arena, "%s.read", name), b->s16, 2, shape, false, -1);
  graph_add_ref(b->g, *read, *ref);
  return out(b, *read);
}

// w -= t / 2^shift, after this step's read and before the next one's.
static void assign_sub(struct build *b, const char *name, uint32_t ref, uint32_t read, struct use t,
                       int shift) {
  uint32_t n = graph_add_node(b->g, OP_assign, name);
  graph_add_attr(b->g, n, ATTR_function)->text = "sub";
  graph_add_ref(b->g, n, ref);
  graph_add_use(b->g, n, t);
  graph_add_requant(b->g, n, 1, (int64_t[]){1}, (int32_t[]){shift});
  graph_add_after(b->g, n, (struct after){read, 0});
  graph_add_after(b->g, read, (struct after){n, 1});
}

// Verifies, writes, reads back: what the tests then run is what the file holds.
static struct graph *through_file(struct build *b) {
  struct err e = {0};
  struct bytes first, second;
  char path[] = "/tmp/nngen-test-XXXXXX";
  assert_true(close(mkstemp(path)) == 0);
  if (!graph_verify(b->g, &e)) fail_msg("%s", e.text);
  if (!model_write(path, b->g, &e)) fail_msg("%s", e.text);
  struct graph *g = model_read(&b->arena, path, &e);
  if (!g) fail_msg("%s", e.text);
  assert_true(file_read(&b->arena, path, 1 << 20, &first, &e));
  assert_true(model_write(path, g, &e) && file_read(&b->arena, path, 1 << 20, &second, &e));
  assert_int_equal(first.size, second.size);
  assert_memory_equal(first.data, second.data, first.size);
  unlink(path);
  graph_ranges(g);
  return g;
}

static const int64_t *held(const struct golden_ref *r, const struct graph *g, const char *name) {
  int32_t v = graph_find_value(g, name);
  assert_true(v != NONE);
  return golden_ref_value(r, (uint32_t)v);
}

// Two layers, y = W2 relu(W1 x), loss (y - t)^2 / 2, three steps of SGD with rate 1/4 on two
// frames.
static void test_sgd_step(void **state) {
  (void)state;
  struct build b;
  begin(&b, "sgd");
  uint32_t ref1, ref2, read1, read2;
  uint32_t x = input(&b, "x", 2), t = input(&b, "t", 1);
  uint32_t w1 = variable(&b, "w1", 2, 2, (int64_t[]){2, -1, 1, 3}, &ref1, &read1);
  uint32_t w2 = variable(&b, "w2", 1, 2, (int64_t[]){1, -2}, &ref2, &read2);
  uint32_t z = out(
      &b, with(&b, with(&b, node(&b, OP_linear, "z", b.s16, 1, (int64_t[]){2}, true, 0), x), w1));
  uint32_t h = out(&b, with(&b, node(&b, OP_relu, "h", b.s16, 1, (int64_t[]){2}, true, -1), z));
  uint32_t y = out(
      &b, with(&b, with(&b, node(&b, OP_linear, "y", b.s16, 1, (int64_t[]){1}, true, 0), h), w2));
  uint32_t dy =
      out(&b, with(&b, with(&b, node(&b, OP_sub, "dy", b.s16, 1, (int64_t[]){1}, true, 0), y), t));
  uint32_t dy_m = reshape(&b, "dy_m", dy, 1, 1), h_m = reshape(&b, "h_m", h, 1, 2),
           x_m = reshape(&b, "x_m", x, 1, 2);
  uint32_t dw2 = node(&b, OP_matmul, "dw2", b.s16, 2, (int64_t[]){1, 2}, false, 0);
  graph_add_int(b.g, with(&b, with(&b, dw2, dy_m), h_m), ATTR_frames, 1);
  uint32_t dh = out(
      &b, with(&b, with(&b, node(&b, OP_matmul, "dh", b.s16, 2, (int64_t[]){1, 2}, true, 0), dy_m),
               w2));
  uint32_t open =
      node(&b, OP_clip, "open", b.s16, 2, (int64_t[]){1, 2}, true, -1); // 1 where relu passes
  graph_add_ints(b.g, open, ATTR_codes, 2, (int64_t[]){0, 1});
  graph_add_real(b.g, open, ATTR_lo, 0);
  graph_add_real(b.g, open, ATTR_hi, 1);
  uint32_t mask = out(&b, with(&b, open, h_m));
  uint32_t dz =
      out(&b, with(&b, with(&b, node(&b, OP_mul, "dz", b.s16, 2, (int64_t[]){1, 2}, true, 0), dh),
                   mask));
  uint32_t dw1 = node(&b, OP_matmul, "dw1", b.s16, 2, (int64_t[]){2, 2}, false, 0);
  graph_add_int(b.g, with(&b, with(&b, dw1, dz), x_m), ATTR_transpose_a, 1);
  graph_add_int(b.g, dw1, ATTR_frames, 1);
  assign_sub(&b, "step1", ref1, read1, (struct use){out(&b, dw1), 0, NONE}, 2);
  assign_sub(&b, "step2", ref2, read2, (struct use){out(&b, dw2), 0, NONE}, 2);
  graph_add_output(b.g, y);
  struct graph *g = through_file(&b);

  struct golden_ref *r = golden_ref_new(&b.arena, g, 2);
  const int64_t xs[4] = {1, 2, 3, -1}, ts[2] = {-5, 2};
  const int64_t *inputs[2] = {xs, ts};
  // By hand. Step 1: z = (0, 7), (7, 0); h the same; y = -14, 7; dy = -9, 5; dw2 = (35, -63);
  // dz = (0, 18), (5, 0); dw1 = (15, -5; 18, 36). A quarter, halves to even: w1 -= (4, -1; 4, 9),
  // w2 -= (9, -16). Step 2: w1 = (-2, 0; -3, -6), w2 = (-8, 14): every z is negative but z[1] of
  // frame 2, -3: all relus are shut, y = 0, dy = 5, -2, no gradient. Step 3 repeats step 2.
  golden_ref_step(r, inputs);
  static const int64_t w1_1[4] = {-2, 0, -3, -6}, w2_1[2] = {-8, 14};
  assert_memory_equal(held(r, g, "w1"), w1_1, sizeof w1_1);
  assert_memory_equal(held(r, g, "w2"), w2_1, sizeof w2_1);
  static const int64_t y_1[2] = {-14, 7};
  assert_memory_equal(held(r, g, "y"), y_1, sizeof y_1);
  const int64_t xs2[4] = {-1, -2, -3, 1};
  inputs[0] = xs2;
  // Step 2 with other images: z = (2, 15), (6, 3); y = -16 + 210 = 194, -48 + 42 = -6;
  // dy = 199, -8; dw2 = 199 (2, 15) - 8 (6, 3) = (350, 2961); dh = dy w2 = (-1592, 2786),
  // (64, -112); dw1 = dz^T x = (1592 - 192, 3184 + 64; -2786 + 336, -5572 - 112).
  golden_ref_step(r, inputs);
  static const int64_t w1_2[4] = {-2 - 350, 0 - 812, -3 + 612, -6 + 1421},
                       w2_2[2] = {-8 - 88, 14 - 740};
  assert_memory_equal(held(r, g, "w1"), w1_2, sizeof w1_2);
  assert_memory_equal(held(r, g, "w2"), w2_2, sizeof w2_2);
  // Step 3: z = (352 + 1624, -609 - 2830), (1056 - 812, -1827 + 1415): only z[0] is open.
  golden_ref_step(r, inputs);
  static const int64_t y_3[2] = {-32768, -96 * 244}; // -96 * 1976 saturates
  assert_memory_equal(held(r, g, "y"), y_3, sizeof y_3);
  arena_free(&b.arena);
}

// Exact staleness 2: two initial zero tokens on the edge gradient -> assign.
static void test_delayed_gradient(void **state) {
  (void)state;
  struct build b;
  begin(&b, "delayed");
  uint32_t ref, read;
  input(&b, "tick", 1);
  uint32_t w = variable(&b, "w", 1, 1, (int64_t[]){64}, &ref, &read);
  uint32_t zero = constant(&b, "zero", 2, (int64_t[]){1, 1}, b.s16, (int64_t[]){0});
  struct type half = type_fixed(&b.arena, 16, true, 2, 0);
  uint32_t gradient =
      with(&b, node(&b, OP_quantize, "gradient", half, 2, (int64_t[]){1, 1}, false, 1), w);
  b.g->values[zero].type = half;
  assign_sub(&b, "step", ref, read, (struct use){out(&b, gradient), 2, (int32_t)zero}, 0);
  graph_add_output(b.g, w);
  struct graph *g = through_file(&b);
  struct golden_ref *r = golden_ref_new(&b.arena, g, 1);
  const int64_t tick = 0, *inputs[1] = {&tick};
  // w[t+1] = w[t] - w[t-2] / 2
  static const int64_t expected[7] = {64, 64, 32, 0, -32, -48, -48};
  for (int step = 0; step < 7; step++) {
    golden_ref_step(r, inputs);
    assert_int_equal(*held(r, g, "w"), expected[step]);
  }
  arena_free(&b.arena);
}

// The gradient of a layer whose middle channel is pruned: only rows 0 and 2 are wanted, and the sum
// over the inner dimension is split in two partial sums that add exactly.
static void test_pruned_gradient(void **state) {
  (void)state;
  struct build b;
  begin(&b, "pruned");
  uint32_t dy = input(&b, "dy", 12), x = input(&b, "x", 8);
  uint32_t a = reshape(&b, "a", dy, 3, 4), c = reshape(&b, "c", x, 4, 2);
  uint32_t whole =
      with(&b, with(&b, node(&b, OP_matmul, "whole", b.s16, 2, (int64_t[]){3, 2}, true, 0), a), c);
  struct slice rows = {0, 2, (const int64_t[]){0, 1, 2, 3}};
  uint32_t wanted = slice_node(b.g, whole, &rows, "wanted", b.s16);
  graph_add_requant(b.g, wanted, 1, (int64_t[]){1}, (int32_t[]){0});
  struct slice front = {2, 1, (const int64_t[]){0, 1}}, back = {2, 1, (const int64_t[]){1, 4}};
  uint32_t part1 = slice_node(b.g, whole, &front, "part1", b.s16);
  uint32_t part2 = slice_node(b.g, whole, &back, "part2", b.s16);
  graph_add_requant(b.g, part1, 1, (int64_t[]){1}, (int32_t[]){0});
  graph_add_requant(b.g, part2, 1, (int64_t[]){1}, (int32_t[]){0});
  uint32_t sum = with(
      &b, with(&b, node(&b, OP_add, "sum", b.s16, 2, (int64_t[]){3, 2}, true, 0), out(&b, part1)),
      out(&b, part2));
  // The pruned layer itself: a mask, and zeros where it cuts.
  uint32_t w = constant(&b, "w", 2, (int64_t[]){3, 8}, b.s16, (int64_t[24]){[0] = 5, [17] = -2});
  b.g->values[w].mask = tensor_new(&b.arena, DTYPE_U8, 2, (int64_t[]){3, 8});
  for (int64_t i = 0; i < 24; i++) tensor_set_int(b.g->values[w].mask, i, i / 8 != 1);
  uint32_t layer =
      with(&b, with(&b, node(&b, OP_linear, "layer", b.s16, 1, (int64_t[]){3}, true, 0), x), w);
  graph_add_output(b.g, out(&b, sum));
  graph_add_output(b.g, out(&b, wanted));
  graph_add_output(b.g, out(&b, layer));
  struct graph *g = through_file(&b);
  assert_int_equal(node_macs(g, &g->nodes[2]), 3 * 2 * 4);
  assert_int_equal(node_macs(g, &g->nodes[3]), 2 * 2 * 4);

  struct golden_ref *r = golden_ref_new(&b.arena, g, 1);
  int64_t dys[12], xs[8], expected[6] = {0};
  for (int64_t i = 0; i < 12; i++) dys[i] = i * i % 7 - 3;
  for (int64_t i = 0; i < 8; i++) xs[i] = 5 - i;
  for (int64_t i = 0; i < 3; i++)
    for (int64_t j = 0; j < 2; j++)
      for (int64_t k = 0; k < 4; k++) expected[i * 2 + j] += dys[i * 4 + k] * xs[k * 2 + j];
  const int64_t *inputs[2] = {dys, xs};
  golden_ref_step(r, inputs);
  assert_memory_equal(held(r, g, "whole"), expected, sizeof expected);
  assert_memory_equal(held(r, g, "sum"), expected, sizeof expected);
  assert_memory_equal(held(r, g, "wanted"), expected, 2 * sizeof *expected);
  assert_memory_equal(held(r, g, "wanted") + 2, expected + 4, 2 * sizeof *expected);
  // A mask over a weight that isn't zero is refused.
  struct err e = {0};
  int32_t masked = graph_find_value(g, "w");
  tensor_set_int(g->values[masked].init, 9, 1);
  assert_false(graph_verify(g, &e));
  assert_non_null(strstr(e.text, "its mask cuts it"));
  arena_free(&b.arena);
}

// A residual join of two scales that aren't powers of two, and a node with two outputs.
static void test_residual(void **state) {
  (void)state;
  struct build b;
  begin(&b, "residual");
  struct type s1 = type_fixed(&b.arena, 8, true, 0.3, 0),
              s2 = type_fixed(&b.arena, 8, true, 0.11, -4);
  struct type sy = type_fixed(&b.arena, 8, true, 0.4, 7),
              index = type_fixed(&b.arena, 3, false, 1, 0);
  uint32_t x = graph_add_value(b.g, "x", 1, (int64_t[]){5}, s1, true);
  graph_add_input(b.g, x, (struct source){0});
  uint32_t branch = with(&b, node(&b, OP_quantize, "branch", s2, 1, (int64_t[]){5}, true, -1), x);
  int64_t m[3];
  int32_t s[3];
  assert_true(fix_scale(0.3 / 0.11, &m[0], &s[0]));
  graph_add_requant(b.g, branch, 1, &m[0], &s[0]);
  uint32_t y = node(&b, OP_add, "y", sy, 1, (int64_t[]){5}, true, -1);
  with(&b, with(&b, y, x), out(&b, branch));
  int64_t common1 = 1610612736, common2 = 590558003; // 0.3/0.4 and 0.11/0.4 at 2^31
  graph_add_requant(b.g, y, 1, &common1, (int32_t[]){31});
  graph_add_requant(b.g, y, 1, &common2, (int32_t[]){31});
  uint32_t top =
      with(&b, node(&b, OP_argmax, "top", index, 1, (int64_t[]){1}, true, -1), out(&b, y));
  graph_add_out(b.g, top, graph_add_value(b.g, "best", 1, (int64_t[]){1}, sy, true));
  graph_add_output(b.g, out(&b, top));
  graph_add_output(b.g, b.g->nodes[top].out[1]);
  struct graph *g = through_file(&b);
  struct golden_ref *r = golden_ref_new(&b.arena, g, 1);
  const int64_t xs[5] = {10, -20, 33, 33, 0}, *inputs[1] = {xs};
  golden_ref_step(r, inputs);
  // branch: x * 0.3 / 0.11 - 4: 27.27, -54.5.., 90, 90, 0; y: 0.75 x + 0.275 (branch + 4), rounded,
  // + 7
  static const int64_t branches[5] = {23, -59, 86, 86, -4}, ys[5] = {22, -23, 56, 56, 7};
  assert_memory_equal(held(r, g, "branch"), branches, sizeof branches);
  assert_memory_equal(held(r, g, "y"), ys, sizeof ys);
  assert_int_equal(*held(r, g, "top"), 2); // the lowest index wins the tie
  assert_int_equal(*held(r, g, "best"), 56);
  arena_free(&b.arena);
}

// Four opaque ops with a plan beside them: times come from the graph, places from a side table.
static void test_opaque_plan(void **state) {
  (void)state;
  struct event {
    int resource;
    double start, end;
  };
  struct build b;
  begin(&b, "opaque");
  uint32_t at = input(&b, "x", 100), fork = at;
  static const double times[4] = {1, 2, 3, 1};
  for (int i = 0; i < 4; i++) {
    const char *name = arena_printf(&b.arena, "op%d", i);
    uint32_t n = with(&b, node(&b, OP_opaque, name, b.s16, 1, (int64_t[]){100}, true, -1),
                      i == 2 ? fork : at);
    if (i == 3) with(&b, n, out(&b, n - 2)); // joins both branches
    graph_add_int(b.g, n, ATTR_macs, 1000 * (i + 1));
    graph_add_real(b.g, n, ATTR_time, times[i]);
    at = out(&b, n);
    if (i == 0) fork = at;
  }
  graph_add_output(b.g, at);
  struct graph *g = through_file(&b);
  struct side_table plan = side_table_new(g, &b.arena, PER_NODE, sizeof(struct event));
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    struct event *ev = side_table_at(&plan, i);
    for (uint32_t k = 0; k < n->n_in; k++) {
      int32_t from = g->values[n->in[k].value].node;
      double ready = from == NONE ? 0 : ((struct event *)side_table_at(&plan, (uint32_t)from))->end;
      ev->start = ready > ev->start ? ready : ev->start;
    }
    ev->resource = i == 2;
    ev->end = ev->start + node_real(n, ATTR_time, 0);
  }
  const struct event *last = side_table_at(&plan, 3);
  assert_true(last->start == 4 && last->end == 5); // 1, then 2 beside 3, then 1
  assert_int_equal(node_macs(g, &g->nodes[3]), 4000);
  struct err e = {0};
  assert_null(golden_new(&b.arena, g, &e)); // carried and planned, not executed
  arena_free(&b.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sgd_step), cmocka_unit_test(test_delayed_gradient),
      cmocka_unit_test(test_pruned_gradient), cmocka_unit_test(test_residual),
      cmocka_unit_test(test_opaque_plan)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
