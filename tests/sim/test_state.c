// SPDX-License-Identifier: Apache-2.0
// State along time: circuits whose frames see earlier ones are equal to the golden model, frame by
// frame and under stalls, in two simulators, and begin anew with each reset.
#include "lib/nngen.h"
#include "sw/base/file.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "tests/cmd/helper_npy.h"
#include "tests/cmd/helper_shell.h"

#include <stdio.h>
#include <string.h>

enum { FRAMES = 40, SIZE = 6 };

static bool floats; // the nets below are float models

static struct type s8(struct arena *a) {
  return floats ? type_real() : type_fixed(a, 8, true, 1, 0);
}

static struct tensor *numbers(struct arena *a, int rank, const int64_t *shape) {
  return tensor_new(a, floats ? DTYPE_F32 : DTYPE_I8, rank, shape);
}

static void set(struct tensor *t, int64_t i, int64_t v) {
  if (floats)
    ((float *)t->data)[i] = (float)v / 8;
  else
    tensor_set_int(t, i, v);
}

static uint32_t tensor(struct graph *g, const char *name, int64_t count, int64_t step) {
  struct tensor *t = numbers(g->arena, 1, &count);
  for (int64_t i = 0; i < count; i++) set(t, i, step * i - 7);
  return graph_add_tensor(g, name, t, s8(g->arena));
}

static uint32_t node(struct graph *g, enum op op, const char *name, int64_t size, int requants) {
  uint32_t n = graph_add_node(g, op, name);
  graph_add_out(g, n, graph_add_value(g, name, 1, &size, s8(g->arena), true));
  for (int i = 0; i < requants && !floats; i++)
    graph_add_requant(g, n, 1, (int64_t[]){1}, (int32_t[]){0});
  return n;
}

static void use(struct graph *g, uint32_t n, uint32_t value, uint32_t delay, int32_t initial) {
  graph_add_use(g, n, (struct use){value, delay, delay ? initial : NONE});
}

static struct graph *begin(struct arena *a, uint32_t *x) {
  struct graph *g = graph_new(a, "state");
  int64_t size = SIZE;
  *x = graph_add_value(g, "x", 1, &size, s8(a), true);
  graph_add_input(g, *x, (struct source){0});
  return g;
}

static struct graph *end(struct graph *g, uint32_t n) {
  struct err e = {0};
  graph_add_output(g, g->nodes[n].out[0]);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

// y = x + relu of x two frames ago.
static struct graph *echo(struct arena *a) {
  uint32_t x;
  struct graph *g = begin(a, &x);
  uint32_t late = node(g, OP_relu, "late", SIZE, 1), y = node(g, OP_add, "y", SIZE, 2);
  use(g, late, x, 2, (int32_t)tensor(g, "before", SIZE, 5));
  use(g, y, x, 0, NONE);
  use(g, y, g->nodes[late].out[0], 0, NONE);
  return end(g, y);
}

// y = x + y of the frame before, within its range.
static struct graph *total(struct arena *a) {
  uint32_t x;
  struct graph *g = begin(a, &x);
  uint32_t y = node(g, OP_add, "y", SIZE, 2);
  use(g, y, x, 0, NONE);
  use(g, y, g->nodes[y].out[0], 1, (int32_t)tensor(g, "start", SIZE, 9));
  return end(g, y);
}

// A linear layer over the last three frames, which stand one behind the other.
static struct graph *window(struct arena *a) {
  uint32_t x;
  struct graph *g = begin(a, &x);
  uint32_t rows = node(g, OP_concat, "rows", 3 * SIZE, 0);
  int32_t before = (int32_t)tensor(g, "before", SIZE, 3);
  use(g, rows, x, 2, before);
  use(g, rows, x, 1, before);
  use(g, rows, x, 0, NONE);
  uint32_t y = node(g, OP_linear, "y", 4, 1);
  int64_t shape[2] = {4, 3 * SIZE};
  struct tensor *w = numbers(a, 2, shape);
  for (int64_t i = 0; i < w->count; i++) set(w, i, i * 37 % 11 - 5);
  use(g, y, g->nodes[rows].out[0], 0, NONE);
  use(g, y, graph_add_tensor(g, "w", w, s8(a)), 0, NONE);
  g->nodes[y].n_rq = 0;
  if (!floats) graph_add_requant(g, y, 1, (int64_t[]){1}, (int32_t[]){4});
  return end(g, y);
}

// Two that cross: s = x + relu of y before, y = s times x three frames ago.
static struct graph *product(struct arena *a) {
  uint32_t x;
  struct graph *g = begin(a, &x);
  uint32_t old = node(g, OP_relu, "old", SIZE, 1), s = node(g, OP_add, "s", SIZE, 2);
  uint32_t y = node(g, OP_mul, "y", SIZE, 1);
  use(g, old, g->nodes[y].out[0], 1, (int32_t)tensor(g, "start", SIZE, 1));
  use(g, s, x, 0, NONE);
  use(g, s, g->nodes[old].out[0], 0, NONE);
  use(g, y, g->nodes[s].out[0], 0, NONE);
  use(g, y, x, 3, (int32_t)tensor(g, "early", SIZE, 2));
  return end(g, y);
}

// The last three frames in a variable: what a streaming layer does, read, concat, slice, assign.
static struct graph *buffer(struct arena *a) {
  uint32_t x;
  struct graph *g = begin(a, &x);
  int64_t size = 2 * SIZE;
  uint32_t variable = graph_add_node(g, OP_variable, "memory");
  graph_add_attr(g, variable, ATTR_init)->value = tensor(g, "before", size, 3);
  uint32_t ref = graph_add_value(g, "memory", 1, &size, type_ref(), false);
  graph_add_out(g, variable, ref);
  uint32_t read = graph_add_node(g, OP_read, "read");
  graph_add_ref(g, read, ref);
  graph_add_out(g, read, graph_add_value(g, "old", 1, &size, s8(a), false));
  uint32_t rows = node(g, OP_concat, "rows", 3 * SIZE, 0);
  use(g, rows, g->nodes[read].out[0], 0, NONE);
  use(g, rows, x, 0, NONE);
  uint32_t tail = node(g, OP_slice, "tail", size, 0);
  graph_add_ints(g, tail, ATTR_begin, 1, (int64_t[]){SIZE});
  use(g, tail, g->nodes[rows].out[0], 0, NONE);
  uint32_t assign = graph_add_node(g, OP_assign, "keep");
  graph_add_text(g, assign, ATTR_function, "write");
  graph_add_ref(g, assign, ref);
  use(g, assign, g->nodes[tail].out[0], 0, NONE);
  graph_add_after(g, assign, (struct after){read, 0});
  graph_add_after(g, read, (struct after){assign, 1});
  uint32_t y = node(g, OP_relu, "y", 3 * SIZE, 1);
  use(g, y, g->nodes[rows].out[0], 0, NONE);
  return end(g, y);
}

static const struct {
  const char *name;
  struct graph *(*make)(struct arena *a);
  bool exact; // from floats at 12,4
} nets[] = {{"echo", echo, true},
            {"total", total, true},
            {"window", window, false},
            {"product", product, false},
            {"buffer", buffer, true}};

#define CLEAN                                                                                      \
  "cd $D/rtl && said=$(verilator --lint-only -Wall --top-module top -f top.f 2>&1; "               \
  "iverilog -g2012 -Wall -tnull -c top.f 2>&1) && [ -z \"$said\" ] && echo clean"

static void save(struct shell *c, const struct graph *g) {
  struct err e = {0};
  assert_true(model_write(arena_printf(&c->arena, "%s/m.bin", c->dir), g, &e));
}

static void write_frames(struct shell *c) {
  int32_t codes[FRAMES][SIZE];
  for (int i = 0; i < FRAMES * SIZE; i++) codes[i / SIZE][i % SIZE] = i * 73 % 41 - 20;
  npy_write(c, "x.npy", "<i4", "(40, 6)", codes, sizeof codes);
}

static void test_equal(void **state) {
  struct shell *c = *state;
  write_frames(c);
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    save(c, nets[i].make(&c->arena));
    for (int lanes = 1; lanes <= 16; lanes *= 4) { // more than the frame has, too
      cli_expect(c, arena_printf(&c->arena, "$N -q -j %d -o $D/rtl $D/m.bin", lanes), 0, "top: II");
      cli_expect(c, CLEAN, 0, "clean");
      cli_expect(c, "$N sim -q --data $D/x.npy -o $D/s $D/rtl", 0, " compared, 0 mismatches");
      cli_expect(c, "$N sim -q --data $D/x.npy --stall random50 -o $D/s $D/rtl", 0,
                 " compared, 0 mismatches");
    }
    cli_expect(c, "$N sim -q --data $D/x.npy --reset-every 7 --jobs 2 -o $D/s $D/rtl", 0,
               " compared, 0 mismatches");
    cli_expect(c,
               "$N sim -q --data $D/x.npy --reset-every 9 --simulator icarus --images 20 -o $D/s "
               "$D/rtl",
               0, " compared, 0 mismatches");
  }
}

// The numbers of a safetensors file of one tensor, of 4 bytes each.
static const void *numbers_of(struct shell *c, const char *name, size_t *count) {
  struct bytes file;
  struct err e = {0};
  if (!file_read(&c->arena, arena_printf(&c->arena, "%s/%s", c->dir, name), 1 << 20, &file, &e))
    fail_msg("%s", e.text);
  uint64_t header;
  memcpy(&header, file.data, sizeof header);
  *count = (file.size - sizeof header - header) / 4;
  return file.data + sizeof header + header;
}

// Each integer of $D/fixed stands for the float of $D/real.
static void expect_exact(struct shell *c) {
  size_t count, floats_count;
  const int32_t *codes = numbers_of(c, "fixed", &count);
  const float *real = numbers_of(c, "real", &floats_count);
  assert_int_equal(count, floats_count);
  assert_true(count >= (size_t)FRAMES * SIZE);
  for (size_t i = 0; i < count; i++) assert_true((float)codes[i] / 16 == real[i]);
}

// Quantised from floats, with what is remembered: the circuit is equal, and where no number leaves
// the range or lies between two codes the integers stand for what the floats are.
static void test_from_floats(void **state) {
  struct shell *c = *state;
  write_frames(c);
  floats = true;
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    save(c, nets[i].make(&c->arena));
    cli_expect(c, "$N sim -q -p 12,4 --data $D/x.npy --reset-every 25 -o $D/s $D/m.bin", 0,
               " compared, 0 mismatches");
    if (!nets[i].exact) continue;
    cli_expect(c,
               "$N run -q -p 12,4 --data $D/x.npy --reset-every 3 -o $D/fixed $D/m.bin && "
               "$N run -q --real --data $D/x.npy --reset-every 3 -o $D/real $D/m.bin",
               0, "");
    expect_exact(c);
  }
  floats = false;
}

#define SUMS                                                                                       \
  "(cd $D/rtl && find . -type f ! -name SHA256SUMS -printf '%%P\\n' | sort |"                      \
  " xargs sha256sum >SHA256SUMS); "

// An initial beat too many, a memory that forgets the end of a frame, and layers that run on.
static void test_can_fail(void **state) {
  static const char *const bugs[] = {"s/left <= COUNT.(INITIAL)/left <= COUNT'(INITIAL - 1)/",
                                     "s/first ? s0_axis_tdata : held_tdata/held_tdata/",
                                     "s/assign first = left != '0/assign first = 1'b1/"};
  struct shell *c = *state;
  write_frames(c);
  save(c, window(&c->arena));
  for (size_t i = 0; i < sizeof bugs / sizeof *bugs; i++) {
    cli_expect(c, "$N -q -j 2 -o $D/rtl $D/m.bin", 0, "top: II");
    cli_expect(c,
               arena_printf(&c->arena,
                            "sed -i \"%s\" $D/rtl/axis_state.sv; " SUMS
                            "$N sim -q --data $D/x.npy --images 20 --simulator icarus "
                            "-o $D/s $D/rtl; rm -r $D/rtl",
                            bugs[i]),
               0, "FAIL");
  }
}

// What is remembered lives on through a second reset: seen when there is one.
static void test_reset_can_fail(void **state) {
  struct shell *c = *state;
  write_frames(c);
  save(c, window(&c->arena));
  cli_expect(c,
             arena_printf(&c->arena, "$N -q -j 2 -o $D/rtl $D/m.bin && "
                                     "sed -i \"s/if (!aresetn) left/if (left === 'x) left/\" "
                                     "$D/rtl/axis_state.sv; " SUMS
                                     "$N sim -q --data $D/x.npy --images 20 --simulator icarus "
                                     "-o $D/s $D/rtl"),
             0, " compared, 0 mismatches");
  cli_expect(c,
             "$N sim -q --data $D/x.npy --images 20 --reset-every 9 --simulator icarus "
             "-o $D/s $D/rtl",
             1, "from image 9 on: image 0: first layer that differs");
}

static void test_refusals(void **state) {
  struct shell *c = *state;
  uint32_t x;
  struct graph *g = begin(&c->arena, &x);
  uint32_t late = node(g, OP_relu, "late", SIZE, 1);
  use(g, late, x, 1, (int32_t)tensor(g, "before", SIZE, 5));
  save(c, end(g, late));
  cli_expect(c, "$N -q -o $D/rtl $D/m.bin", 1,
             "output \"late\" depends on earlier frames alone: it would come before its input");
  write_frames(c);
  save(c, total(&c->arena));
  cli_expect(c, "$N sim -q --jobs 2 --data $D/x.npy -o $D/s $D/m.bin", 1,
             "--jobs 2: each frame depends on the one before, one process takes them all");
  cli_expect(c, "$N sim -q -p 8,3 --reset-every 2 -o $D/s models/mnist-mlp.bin", 1,
             "--reset-every has no effect: the model has no variables and no delays");
  struct nngen_error e;
  assert_null(nngen_open(arena_printf(&c->arena, "%s/m.bin", c->dir), NULL, &e));
  assert_non_null(strstr(e.text, "its frames depend on earlier ones"));
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_equal), SHELL_CASE(test_from_floats),
                                     SHELL_CASE(test_can_fail), SHELL_CASE(test_reset_can_fail),
                                     SHELL_CASE(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
