// SPDX-License-Identifier: Apache-2.0
// Networks with one output, with several, and labels of every kind, through the program: training,
// the C model, the float model and the circuit in both simulators agree on what is right.
#include "sw/base/rng.h"
#include "sw/graph/model.h"
#include "tests/cmd/helper_hostile.h"
#include "tests/cmd/helper_npy.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT = 40, INPUTS = 3 };

// x (COUNT, 3), and y of w . x in three forms: classes 0 and 1, the same as -1 and 1, and itself.
static void put_data(struct shell *c) {
  struct rng r = {3, 0};
  float x[COUNT][INPUTS], floats[COUNT];
  double targets[COUNT];
  int64_t classes[COUNT];
  int8_t signs[COUNT];
  for (int i = 0; i < COUNT; i++) {
    for (int k = 0; k < INPUTS; k++) x[i][k] = (float)(rng_unit(&r) * 4 - 2);
    targets[i] = (double)x[i][0] - 0.5 * (double)x[i][1] + 0.25;
    classes[i] = targets[i] > 0;
    signs[i] = classes[i] ? 1 : -1;
    floats[i] = (float)classes[i];
  }
  npy_write(c, "x.npy", "<f4", "(40, 3)", x, sizeof x);
  npy_write(c, "class.npy", "<i8", "(40,)", classes, sizeof classes);
  npy_write(c, "column.npy", "<i8", "(40, 1)", classes, sizeof classes);
  npy_write(c, "sign.npy", "|i1", "(40,)", signs, sizeof signs);
  npy_write(c, "float.npy", "<f4", "(40,)", floats, sizeof floats);
  npy_write(c, "target.npy", "<f8", "(40, 1)", targets, sizeof targets);
}

#define TRAIN(tail, labels)                                                                        \
  "cd $D; $OLDPWD/$N train -q --epochs 60 --batch 8 --rate 0.05 --schedule constant --test "       \
  "x.npy," labels " -d x.npy," labels                                                              \
  " -o m.bin --net '{\"input\":{\"shape\":[3]},\"layers\":[{\"op\":\"linear\",\"out\":1}" tail     \
  "]}' "
#define RUN(labels) "cd $D; $OLDPWD/$N run -q --json -d x.npy," labels " m.bin "
#define SIM(labels)                                                                                \
  "cd $D; $OLDPWD/$N sim -q --json --simulator icarus --images 40 -p 16,10 -d x.npy," labels       \
  " m.bin "

// The words behind a key of what was printed.
static const char *figure(struct shell *c, const char *line, const char *key) {
  const char *said = cli_expect(c, line, 0, key);
  const char *at = strstr(said, key);
  return arena_printf(&c->arena, "%.*s", (int)strcspn(at, ",}"), at);
}

static void one_output_is_a_class(void **state) {
  struct shell *c = *state;
  static const char *const tails[] = {",{\"op\":\"sigmoid\"}", ",{\"op\":\"tanh\"}", ""};
  put_data(c);
  for (int i = 0; i < 3; i++) {
    cli_expect(c, arena_printf(&c->arena, TRAIN("%s", "class.npy"), tails[i]), 0,
               i < 2 ? "accuracy  100.00 % (40 of 40 images of x.npy,class.npy)" : "accuracy  9");
    const char *correct = figure(c, RUN("class.npy") "--real", "\"correct\":");
    if (i < 2) assert_string_equal(correct, "\"correct\":40");
    cli_expect(c, RUN("column.npy") "-p 16,10", 0, correct);
    cli_expect(c, RUN("class.npy") "-p 16,10 --plain", 0, correct);
    if (i) cli_expect(c, RUN("sign.npy") "-p 16,10", 0, correct);
    if (i < 2) cli_expect(c, RUN("float.npy") "-p 16,10", 0, correct);
    if (i != 1) cli_expect(c, SIM("class.npy"), 0, correct);
  }
  cli_expect(c, RUN("float.npy") "-p 16,10", 0, "\"correct\":null,\"accuracy\":null,\"r2\":");
}

static void targets_have_r2_and_mae(void **state) {
  struct shell *c = *state;
  put_data(c);
  cli_expect(c, TRAIN("", "target.npy") "--json", 0, "\"accuracy\":null");
  cli_expect(c, TRAIN("", "target.npy"), 0, "R2        ");
  cli_expect(c, TRAIN("", "target.npy") "| grep -c accuracy", 1, "0");
  cli_expect(c, TRAIN("", "target.npy") "--validation 8 --plot p.svg --log l.txt && cat l.txt", 0,
             "\"validation_accuracy\":null");
  const char *r2 = figure(c, RUN("target.npy") "-p 16,10", "\"r2\":");
  assert_true(strtod(r2 + 5, NULL) > 0.99);
  const char *mae = figure(c, RUN("target.npy") "-p 16,10", "\"mae\":0.0");
  assert_string_equal(figure(c, SIM("target.npy"), "\"r2\":"), r2);
  assert_int_equal(strncmp(figure(c, SIM("target.npy"), "\"mae\":"), mae, 14), 0);
  cli_expect(c, SIM("target.npy") "| grep -c '\"correct\":null'", 0, "1");
  cli_expect(c, "cd $D; $OLDPWD/$N run -q --real -d x.npy,target.npy m.bin", 0, "\nMAE       ");
}

// The circuit in Verilator adds the figures of its processes.
static void shares_of_processes_add_up(void **state) {
  struct shell *c = *state;
#ifdef __SANITIZE_ADDRESS__
  skip(); // the library's objects are linked into the simulator
#endif
  put_data(c);
  cli_expect(c, TRAIN("", "target.npy"), 0, "R2 ");
  const char *r2 = figure(c, RUN("target.npy") "-p 16,10", "\"r2\":");
  cli_expect(c,
             "cd $D; $OLDPWD/$N sim -q --json --jobs 3 --images 40 -p 16,10 -d x.npy,target.npy "
             "m.bin",
             0, r2);
}

static void a_single_cross_entropy_is_refused(void **state) {
  struct shell *c = *state;
  put_data(c);
  cli_expect(
      c,
      "cd $D; $OLDPWD/$N train -d x.npy,class.npy --batch 8 --net '{\"input\":{\"shape\":[3]},"
      "\"loss\":\"cross_entropy\",\"layers\":[{\"op\":\"linear\",\"out\":1}]}'",
      1, "the cross entropy of a single output is always 0");
  cli_expect(c, "cd $D; $OLDPWD/$N train -d x.npy --batch 8 --net mnist-mlp", 1, "x.npy: ");
}

#define TWO "\"outputs\":[\"@m\"]}", "\"outputs\":[\"@m\",\"@r\"]}"

// Every output under its name; the first that can be judged is.
static void several_outputs(void **state) {
  struct shell *c = *state;
  hostile_model(c, "two.bin", "t ", TWO);
  hostile_images(c, "x.idx");
  cli_expect(c,
             "$N run -q --real --data $D/x.idx -o $D/o $D/two.bin && tail -c +9 $D/o | head -c 300",
             0, "\"t m\":{\"dtype\":\"F32\"");
  cli_expect(c, "tail -c +9 $D/o | head -c 300", 0, "\"t r\":{\"dtype\":\"F32\"");
  cli_expect(c,
             "$N run -q -p 8,3 --data $D/x.idx -o $D/o $D/two.bin && tail -c +9 $D/o | head -c 600",
             0, "\"t r.scale\":\"0.125\"");
  cli_expect(c, "tail -c +9 $D/o | head -c 600", 0, "\"t m.shape\":\"[");
  cli_expect(c, "$N -p 8,3 -o $D/rtl $D/two.bin", 0, "l1_fork");
}

// One scale for each channel of the output: lists.
static void scales_per_channel_are_lists(void **state) {
  struct shell *c = *state;
  struct graph *g = graph_new(&c->arena, "each");
  struct err e = {0};
  const int64_t two = 2, square[] = {2, 2}, mul[] = {1, 1};
  const int32_t shift[] = {0, 1}, zeros[] = {0, 3};
  const double scales[] = {0.125, 0.25};
  struct type in = type_fixed(&c->arena, 8, true, 0.125, 0);
  struct type out = type_channels(&c->arena, 8, true, 0, 2, scales, zeros);
  struct tensor *w = tensor_new(&c->arena, DTYPE_I8, 2, square);
  memcpy(w->data, "\1\0\0\1", 4);
  uint32_t x = graph_add_value(g, "x", 1, &two, in, true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, OP_linear, "fc");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_use(
      g, n,
      (struct use){graph_add_tensor(g, "w", w, type_fixed(&c->arena, 8, true, 1, 0)), 0, NONE});
  graph_add_out(g, n, graph_add_value(g, "y", 1, &two, out, true));
  graph_add_requant(g, n, 2, mul, shift);
  graph_add_output(g, g->nodes[n].out[0]);
  char *path = arena_printf(&c->arena, "%s/each.bin", c->dir);
  if (!graph_verify(g, &e) || !model_write(path, g, &e)) fail_msg("%s", e.text);
  const int16_t data[] = {1, 2};
  npy_write(c, "x.npy", "<i2", "(1, 2)", data, sizeof data);
  cli_expect(c, "$N run -q -d $D/x.npy -o $D/o $D/each.bin && tail -c +9 $D/o | head -c 300", 0,
             "\"scale\":\"[0.125,0.25]\",\"zero\":\"[0,3]\"");
  cli_expect(c, "tail -c +9 $D/o | head -c 300", 0, "\"shape\":\"[2]\"");
  cli_expect(c, "tail -c +9 $D/o | head -c 300", 0, "\"name\":\"y\"");
  cli_expect(c, "$N -o $D/rtl $D/each.bin", 1, "(linear): its output has zero points per channel");
}

// Shares of three classes as targets. With the squared error a softmax at the end is trained
// through; the host computes it, so that what the circuit gives isn't compared with them.
static void shares_of_classes(void **state) {
  struct shell *c = *state;
  float shares[COUNT][3];
  struct rng r = {5, 0};
  put_data(c);
  for (int i = 0; i < COUNT; i++) {
    float a = (float)rng_unit(&r), b = (float)rng_unit(&r) * (1 - a);
    shares[i][0] = a, shares[i][1] = b, shares[i][2] = 1 - a - b;
  }
  npy_write(c, "soft.npy", "<f4", "(40, 3)", shares, sizeof shares);
  cli_expect(
      c,
      "cd $D; $OLDPWD/$N train -q --epochs 1 --batch 8 --rate 1e-9 -d x.npy,soft.npy -o m.bin "
      "--log l.txt --net '{\"input\":{\"shape\":[3]},\"layers\":[{\"op\":\"linear\","
      "\"out\":3},{\"op\":\"softmax\"}]}' && grep -c '\"loss\":0\\.[01]' l.txt",
      0, "1"); // of numbers between 0 and 1, not of logits
  cli_expect(c, RUN("soft.npy") "-p 16,10", 0, "\"r2\":");
  cli_expect(c, "cd $D; $OLDPWD/$N sim --simulator icarus -p 16,10 -d x.npy,soft.npy m.bin", 0,
             "which the host computes behind the circuit: not compared");
  cli_expect(c, SIM("soft.npy") "| grep -c '\"r2\"'", 1, "0");
}

// An index is a number in the float model, too.
static void index_of_the_float_model(void **state) {
  struct shell *c = *state;
  struct graph *g = graph_new(&c->arena, "index");
  struct err e = {0};
  const int64_t three = 3, one = 1, classes[] = {2, 0};
  uint32_t x = graph_add_value(g, "x", 1, &three, type_real(), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, OP_argmax, "which");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  struct type index = type_fixed(&c->arena, 2, false, 1, 0);
  graph_add_out(g, n, graph_add_value(g, "y", 1, &one, index, true));
  graph_add_output(g, g->nodes[n].out[0]);
  char *path = arena_printf(&c->arena, "%s/index.bin", c->dir);
  if (!graph_verify(g, &e) || !model_write(path, g, &e)) fail_msg("%s", e.text);
  const float data[] = {0, 1, 2, 3, 0, 1};
  npy_write(c, "x.npy", "<f4", "(2, 3)", data, sizeof data);
  npy_write(c, "y.npy", "<i8", "(2,)", classes, sizeof classes);
  cli_expect(c, "$N run -q --real -d $D/x.npy,$D/y.npy -o $D/o $D/index.bin", 0, "(2 correct)");
  cli_expect(c, "tail -c +9 $D/o | head -c 200", 0, "\"output\":{\"dtype\":\"F32\"");
  cli_expect(c, "tail -c 8 $D/o | od -A n -t f4", 0, "2               0\n");
}

// Figures that overflow aren't printed.
static void no_figure_without_end(void **state) {
  struct shell *c = *state;
  const double far[] = {1.7e308, -1.7e308};
  put_data(c);
  cli_expect(c, TRAIN("", "target.npy"), 0, "R2 ");
  npy_write(c, "two.npy", "<f4", "(2, 3)", (float[6]){0}, 24);
  npy_write(c, "far.npy", "<f8", "(2, 1)", far, sizeof far);
  cli_expect(c, "cd $D; $OLDPWD/$N run -q --real -d two.npy,far.npy m.bin | grep -ciE 'inf|nan'", 1,
             "0");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(one_output_is_a_class),
                                     SHELL_CASE(shares_of_classes),
                                     SHELL_CASE(index_of_the_float_model),
                                     SHELL_CASE(no_figure_without_end),
                                     SHELL_CASE(targets_have_r2_and_mae),
                                     SHELL_CASE(shares_of_processes_add_up),
                                     SHELL_CASE(a_single_cross_entropy_is_refused),
                                     SHELL_CASE(several_outputs),
                                     SHELL_CASE(scales_per_channel_are_lists)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
