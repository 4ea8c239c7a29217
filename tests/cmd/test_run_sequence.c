// SPDX-License-Identifier: Apache-2.0
// `run` of models that link their images: sums that go on from frame to frame, delays, sums over
// the frames of a step, in integers and floats, against loops over the data.
#include "sw/base/file.h"
#include "sw/graph/model.h"
#include "sw/graph/safetensors.h"
#include "tests/cmd/helper_npy.h"
#include "tests/cmd/helper_shell.h"

#include <string.h>

enum { FRAMES = 10, SIZE = 2, DELAY = 2 };

static const int32_t frames[FRAMES][SIZE] = {{1, 2},  {3, -4}, {5, 6},   {-7, 8}, {9, 10},
                                             {11, 1}, {-2, 3}, {40, -5}, {6, 7},  {8, 9}};
static const int64_t first[SIZE] = {10, -10}, before[SIZE] = {7, -3};

static struct type stream(struct arena *a, bool real, int width) {
  return real ? type_real() : type_fixed(a, width, true, 1, 0);
}

static uint32_t constant(struct graph *g, const char *name, struct type type, const int64_t *v) {
  int64_t size = SIZE;
  struct tensor *t = tensor_new(g->arena, dtype_for(&type), 1, &size);
  for (int64_t i = 0; i < SIZE; i++)
    if (t->dtype == DTYPE_F32)
      ((float *)t->data)[i] = (float)v[i];
    else
      tensor_set_int(t, i, v[i]);
  return graph_add_tensor(g, name, t, type);
}

static uint32_t layer(struct graph *g, enum op op, const char *name, struct type type, bool frames_,
                      uint32_t x) {
  int64_t size = SIZE;
  uint32_t n = graph_add_node(g, op, name);
  graph_add_out(g, n, graph_add_value(g, name, 1, &size, type, frames_));
  if (op != OP_read && op != OP_variable) graph_add_use(g, n, (struct use){x, 0, NONE});
  return n;
}

static void same_scale(struct graph *g, uint32_t n, int count, bool real) {
  for (int i = 0; i < count && !real; i++)
    graph_add_requant(g, n, 1, (int64_t[]){1}, (int32_t[]){0});
}

// held: read, then given the sum of the step's frames; y = x + held; late = relu of x two steps
// ago.
static void write_model(struct shell *c, bool real) {
  struct graph *g = graph_new(&c->arena, "state");
  struct type s8 = stream(&c->arena, real, 8), s16 = stream(&c->arena, real, 16);
  int64_t size = SIZE;
  uint32_t x = graph_add_value(g, "x", 1, &size, s8, true);
  graph_add_input(g, x, (struct source){0});
  uint32_t v = layer(g, OP_variable, "v", type_ref(), false, 0), ref = g->nodes[v].out[0];
  graph_add_attr(g, v, ATTR_init)->value = constant(g, "init", s16, first);
  uint32_t r = layer(g, OP_read, "held", s16, false, 0);
  graph_add_ref(g, r, ref);
  uint32_t y = layer(g, OP_add, "y", s16, true, x);
  graph_add_use(g, y, (struct use){g->nodes[r].out[0], 0, NONE});
  same_scale(g, y, 2, real);
  uint32_t total = layer(g, OP_sum, "total", s16, false, x);
  graph_add_int(g, total, ATTR_frames, 1);
  same_scale(g, total, 1, real);
  uint32_t late = layer(g, OP_relu, "late", s8, true, x);
  g->nodes[late].in[0] = (struct use){x, DELAY, (int32_t)constant(g, "early", s8, before)};
  uint32_t n = graph_add_node(g, OP_assign, "assign");
  graph_add_text(g, n, ATTR_function, "add");
  graph_add_ref(g, n, ref);
  graph_add_use(g, n, (struct use){g->nodes[total].out[0], 0, NONE});
  graph_add_after(g, n, (struct after){r, 0});
  graph_add_after(g, r, (struct after){n, 1});
  graph_add_output(g, g->nodes[y].out[0]);
  graph_add_output(g, g->nodes[late].out[0]);
  graph_add_output(g, g->nodes[total].out[0]);
  struct err e = {0};
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  assert_true(model_write(arena_printf(&c->arena, "%s/m.bin", c->dir), g, &e));
}

static const struct tensor *output(struct shell *c, struct safetensors *file, const char *name) {
  struct bytes bytes;
  struct err e = {0};
  if (!file_read(&c->arena, arena_printf(&c->arena, "%s/o.st", c->dir), 1 << 20, &bytes, &e) ||
      !safetensors_parse(&c->arena, bytes.data, bytes.size, file, &e))
    fail_msg("%s", e.text);
  int64_t at = safetensors_find(file, name);
  assert_true(at >= 0);
  return file->tensors[at].tensor;
}

static void expect_at(const struct tensor *t, int64_t row, int64_t i, int64_t want) {
  double found = tensor_real(t, row * SIZE + i);
  if (found != (double)want)
    fail_msg("row %d, element %d: %g, expected %d", (int)row, (int)i, found, (int)want);
}

static void check(struct shell *c, int batch, int reset) {
  struct safetensors file;
  const struct tensor *y = output(c, &file, "y"), *late = output(c, &file, "late");
  const struct tensor *total = output(c, &file, "total");
  int64_t held[SIZE], step = 0, begun = 0; // the step after the last reset
  int begin[FRAMES];                       // of each step
  for (int f = 0; f < FRAMES; step++) {
    int size = FRAMES - f < batch ? FRAMES - f : batch;
    if (reset && size > reset - f % reset) size = reset - f % reset;
    if (f == 0 || (reset && f % reset == 0)) {
      memcpy(held, first, sizeof held);
      begun = step;
    }
    begin[step] = f;
    for (int i = 0; i < SIZE; i++) {
      int64_t sum = 0;
      for (int k = f; k < f + size; k++) {
        int64_t old = step - begun < DELAY ? before[i] : frames[begin[step - DELAY] + k - f][i];
        expect_at(y, k, i, frames[k][i] + held[i]);
        expect_at(late, k, i, old > 0 ? old : 0);
        sum += frames[k][i];
      }
      expect_at(total, step, i, sum);
      held[i] += sum;
    }
    f += size;
  }
  assert_int_equal(total->shape[0], step);
}

static void test_sequences(void **state) {
  struct shell *c = *state;
  npy_write(c, "x.npy", "<i4", "(10, 2)", frames, sizeof frames);
  for (int real = 0; real < 2; real++) {
    write_model(c, real);
    for (int batch = 0; batch <= 3; batch++)
      for (int reset = 0; reset <= 4; reset += 2) {
        const char *b = batch ? arena_printf(&c->arena, "--batch %d", batch) : "";
        const char *r = reset ? arena_printf(&c->arena, "--reset-every %d", reset) : "";
        cli_expect(c, arena_printf(&c->arena, "$N run -d $D/x.npy -o $D/o.st %s %s $D/m.bin", b, r),
                   0, real ? "real, 10 images" : "golden_ref, 10 images");
        check(c, batch ? batch : 1, reset);
      }
  }
}

static void test_without_state(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N run -q -p 8,3 --images 5 --reset-every 2 models/mnist-mlp.bin", 1,
             "--reset-every has no effect: the model has no variables and no delays");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_sequences, shell_setup, shell_teardown),
      cmocka_unit_test_setup_teardown(test_without_state, shell_setup, shell_teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
