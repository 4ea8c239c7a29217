// SPDX-License-Identifier: Apache-2.0
// Several inputs and outputs, from the data on the command line to the ports of the circuit: `run`
// in integers and floats, `sim` in both simulators with stalls, generated folders, and what is
// refused.
#include "sw/base/file.h"
#include "sw/base/rng.h"
#include "sw/graph/model.h"
#include "sw/graph/safetensors.h"
#include "tests/cmd/helper_npy.h"

#include <string.h>

enum { FRAMES = 12, IMAGE = 10, EXTRA = 3, HIDDEN = 6, CLASSES = 5 };

static uint32_t weights(struct graph *g, const char *name, int rank, const int64_t *shape) {
  struct tensor *t = tensor_new(g->arena, DTYPE_F32, rank, shape);
  struct rng r = {(uint64_t)shape[0], 0};
  for (int64_t i = 0; i < t->count; i++)
    ((float *)t->data)[i] = (float)rng_range(&r, -100, 100) / 128;
  return graph_add_tensor(g, name, t, type_real());
}

static uint32_t layer(struct graph *g, enum op op, const char *name, int64_t size, uint32_t x,
                      uint32_t y) {
  uint32_t n = graph_add_node(g, op, name);
  graph_add_use(g, n, (struct use){x, 0, NONE});
  if (y) graph_add_use(g, n, (struct use){y, 0, NONE});
  uint32_t out = graph_add_value(g, name, 1, &size, type_real(), true);
  graph_add_out(g, n, out);
  return out;
}

static uint32_t input(struct graph *g, const char *name, int64_t size) {
  uint32_t x = graph_add_value(g, name, 1, &size, type_real(), true);
  graph_add_input(g, x, (struct source){0});
  return x;
}

// scores = fc(concat(relu(fc(image)), extra + offsets)); the hidden layer is an output as well.
static void write_model(struct shell *c) {
  struct graph *g = graph_new(&c->arena, "pair");
  struct err e = {0};
  uint32_t image = input(g, "image", IMAGE), extra = input(g, "extra", EXTRA);
  uint32_t w1 = weights(g, "w1", 2, (int64_t[]){HIDDEN, IMAGE});
  uint32_t w2 = weights(g, "w2", 2, (int64_t[]){CLASSES, HIDDEN + EXTRA});
  uint32_t offsets = weights(g, "offsets", 1, (int64_t[]){EXTRA});
  uint32_t fc = layer(g, OP_linear, "fc", HIDDEN, image, w1);
  uint32_t hidden = layer(g, OP_relu, "hidden", HIDDEN, fc, 0);
  uint32_t moved = layer(g, OP_add, "moved", EXTRA, extra, offsets);
  uint32_t all = layer(g, OP_concat, "all", HIDDEN + EXTRA, hidden, moved);
  graph_add_output(g, layer(g, OP_linear, "scores", CLASSES, all, w2));
  graph_add_output(g, hidden);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  assert_true(model_write(arena_printf(&c->arena, "%s/m.bin", c->dir), g, &e));
}

static void write_data(struct shell *c) {
  float image[FRAMES][IMAGE], extra[FRAMES][EXTRA];
  int32_t label[FRAMES];
  struct rng r = {5, 0};
  for (int f = 0; f < FRAMES; f++) {
    for (int i = 0; i < IMAGE; i++) image[f][i] = (float)rng_range(&r, -64, 63) / 8;
    for (int i = 0; i < EXTRA; i++) extra[f][i] = (float)rng_range(&r, -64, 63) / 8;
    label[f] = f % CLASSES;
  }
  npy_write(c, "image.npy", "<f4", "(12, 10)", image, sizeof image);
  npy_write(c, "extra.npy", "<f4", "(12, 3)", extra, sizeof extra);
  npy_write(c, "few.npy", "<f4", "(9, 3)", extra, 9 * sizeof extra[0]);
  npy_write(c, "label.npy", "<i4", "(12,)", label, sizeof label);
}

#define DATA "-d image=$D/image.npy,$D/label.npy -d extra=$D/extra.npy "

static const struct tensor *output(struct shell *c, const char *name, const char *tensor) {
  struct safetensors file;
  struct bytes bytes;
  struct err e = {0};
  if (!file_read(&c->arena, arena_printf(&c->arena, "%s/%s", c->dir, name), 1 << 20, &bytes, &e) ||
      !safetensors_parse(&c->arena, bytes.data, bytes.size, &file, &e))
    fail_msg("%s", e.text);
  int64_t at = safetensors_find(&file, tensor);
  assert_true(at >= 0);
  return file.tensors[at].tensor;
}

// Integers are near the floats, the plain form and the fast one are equal.
static void test_run(void **state) {
  struct shell *c = *state;
  static const char *const names[] = {"scores", "hidden"};
  write_model(c);
  write_data(c);
  cli_expect(c, "$N run --real " DATA "-o $D/real.st $D/m.bin", 0, "real, 12 images");
  cli_expect(c, "$N run -p 16,8 " DATA "-o $D/fast.st $D/m.bin", 0, "golden, 12 images");
  const char *losses = cli_expect(c, "$N run -p 16,8 " DATA "$D/m.bin", 0, "extra");
  assert_non_null(strstr(losses, "image"));
  cli_expect(c, "$N run -p 16,8 --plain " DATA "-o $D/plain.st $D/m.bin", 0, "golden_ref");
  for (int i = 0; i < 2; i++) {
    const struct tensor *real = output(c, "real.st", names[i]);
    const struct tensor *fast = output(c, "fast.st", names[i]);
    const struct tensor *plain = output(c, "plain.st", names[i]);
    for (int64_t k = 0; k < fast->count; k++) {
      assert_int_equal(tensor_int(fast, k), tensor_int(plain, k));
      double off = (double)tensor_int(fast, k) / 256 - tensor_real(real, k);
      if (off > 0.1 || off < -0.1) fail_msg("%s %d: off by %g", names[i], (int)k, off);
    }
  }
}

static void test_sim(void **state) {
  struct shell *c = *state;
  write_model(c);
  write_data(c);
  const char *said = cli_expect(
      c, "$N sim --json -q -p 8,3 -j 4 -o $D/w " DATA "--images 12 $D/m.bin", 0,
      "\"images\":12,\"elements\":480,\"mismatches\":0"); // 6 + 6 + 3 + 9 + 5 and 5 + 6, 12 times
  assert_non_null(strstr(said, "\"correct\""));
  cli_expect(c, "$N sim -q -p 8,3 -j 4 -o $D/w --stall random50/random90 " DATA "$D/m.bin", 0,
             "0 mismatches");
  cli_expect(c,
             "$N sim -q -p 8,3 -j 2 -o $D/i --simulator icarus --rom-style case " DATA
             "--images 12 $D/m.bin",
             0, "0 mismatches");
  cli_expect(c,
             "$N sim -q -p 8,3 -j 3 -o $D/i --simulator icarus --framing count:5 " DATA
             "--images 12 $D/m.bin",
             0, "0 mismatches");
}

// The folder knows its inputs by numbers, its ports by theirs.
static void test_folder(void **state) {
  struct shell *c = *state;
  write_model(c);
  write_data(c);
  cli_expect(c, "$N -q -p 8,3 -o $D/rtl $D/m.bin", 0, "");
  cli_expect(c, "cat $D/rtl/top.sv", 0, "output logic [31:0] m1_axis_tdata");
  cli_expect(c, "cat $D/rtl/manifest.json", 0, "{\"name\":\"extra\",\"port\":\"s1_axis\"");
  cli_expect(c, "cat $D/rtl/top.vhd", 0, "s0_axis_tdata : in  std_logic_vector(31 downto 0)");
  cli_expect(c, "make -s -C $D/rtl/tb icarus", 0, "PASS 4 frames");
  cli_expect(c, "make -s -C $D/rtl/tb icarus ARGS='+stall_in=4 +stall_out=5'", 0, "PASS 4 frames");
  cli_expect(c, "cd $D/rtl && verilator --lint-only -Wall -f top.f --top-module top", 0, "");
  cli_expect(c,
             "$N sim -q -o $D/w -d input0=$D/image.npy -d input1=$D/extra.npy --images 12 $D/rtl",
             0, "0 mismatches");
  cli_expect(c, "$N -q -p 8,3 -o $D/rtl -d image=$D/image.npy -d extra=$D/extra.npy $D/m.bin", 0,
             "");
  // a wrong wire between the inputs is found
  cli_expect(c,
             "sed -i 's/s_axis_tdata(s1_axis_tdata)/s_axis_tdata(24'\"'\"'d0)/' "
             "$D/rtl/top.sv && grep -q \"24'd0\" $D/rtl/top.sv",
             0, "");
  cli_expect(c, "make -s -C $D/rtl/tb icarus", 2, "first layer that differs: l2_add");
}

// A concat has as many elements as all of its inputs.
static void test_lanes(void **state) {
  struct shell *c = *state;
  write_model(c);
#define ALL(lanes)                                                                                 \
  "printf '{\"layers\":{\"all\":{\"in\":%s,\"out\":%s}}}' " lanes " " lanes                        \
  " >$D/f && $N -p 8,3 --folding $D/f -o $D/wide $D/m.bin 2>&1"
  cli_expect(c, ALL("9") " | grep nngen:", 1, "");
  cli_expect(c, ALL("99"), 0,
             arena_printf(&c->arena, "\"all\": 99 lanes in, but %d elements: it gets %d",
                          HIDDEN + EXTRA, HIDDEN + EXTRA));
#undef ALL
}

static void test_refusals(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *data, *words;
  } bad[] = {
      {"", "the model has 2 inputs: --data image=SET gives the images of \"image\""},
      {"-d mnist", "the model has 2 inputs: --data image=SET"},
      {"-d image=$D/image.npy", "--data extra=SET gives the images of \"extra\""},
      {"-d image=$D/image.npy -d image=$D/image.npy", "--data: two sets for input \"image\""},
      {"-d image=$D/image.npy -d extra=$D/extra.npy -d other=$D/extra.npy",
       "other=$D/extra.npy: expected INPUT=SET, as in image=x.npy"},
      {"-d image=$D/image.npy -d extr=$D/extra.npy",
       "extr=$D/extra.npy: expected INPUT=SET, as in image=x.npy"},
      {"-d image=$D/image.npy -d extra=$D/few.npy", "few.npy: 9 images"},
      {"--images 10 -d image=$D/image.npy -d extra=$D/few.npy", "image.npy has 12: every input"},
      {"-d image=$D/extra.npy -d extra=$D/image.npy",
       "extra.npy: images of 3 elements, input \"image\" of the model has 10"},
      {"-d image=$D/image.npy -d extra=$D/none.npy", "none.npy: No such file"},
  };
  write_model(c);
  write_data(c);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const char *words =
        strstr(bad[i].words, "$D") ? ": expected INPUT=SET, as in image=x.npy" : bad[i].words;
    cli_expect(c, arena_printf(&c->arena, "$N run -q -p 8,3 %s $D/m.bin", bad[i].data), 1, words);
  }
  cli_expect(c, "$N run -p 8,3 -d image=mnist --images 100 models/mnist-mlp.bin", 0, "100 images");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_run), SHELL_CASE(test_sim),
                                     SHELL_CASE(test_folder), SHELL_CASE(test_lanes),
                                     SHELL_CASE(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
