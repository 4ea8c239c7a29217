// SPDX-License-Identifier: Apache-2.0
// Losses, targets and data of the user's own in nngen train.
#include "sw/base/rng.h"
#include "sw/data/measure.h"
#include "sw/graph/model.h"
#include "tests/cmd/helper_npy.h"
#include "tests/cmd/helper_shell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS " --data synthetic:900:5 --batch 50 "
#define TRAIN "$N train --quiet --net mnist-mlp" DIGITS

// The hash that a run of these options prints.
static const char *hash_of(struct shell *c, const char *line) {
  const char *said = cli_expect(c, line, 0, "\"sha256\":\""), *at = strstr(said, "\"sha256\":\"");
  return arena_printf(&c->arena, "%.64s", at + strlen("\"sha256\":\""));
}

// What --loss and --targets say is as if the recipe said it; a model has its own loss as well.
static void losses_of_the_command(void **state) {
  struct shell *c = *state;
#define SAID(words)                                                                                \
  "$N train --quiet --net '{\"input\":{\"shape\":[28,28,1]}," words                                \
  "\"layers\":[{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":84},{\"op\":\"scaled_tanh\"},"      \
  "{\"op\":\"rbf\",\"out\":10,\"weights\":\"digits\"}]}'" DIGITS "--epochs 2 --json -o $D/m.bin "
  static const char *const same[][2] = {
      {SAID("\"loss\":\"rbf:9\","), SAID("") "--loss rbf:9"},
      {SAID(""), SAID("\"loss\":\"mse\",") "--loss cross_entropy"},
      {SAID(""), SAID("") "--loss rbf:1000000"},
      {SAID("\"targets\":[0.1,0.9],"), SAID("\"targets\":[3,4],") "--targets 0.1,0.9"},
      {SAID("\"loss\":\"mse\","), SAID("") "--loss mse --targets 1,0"}};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    assert_string_equal(hash_of(c, same[i][0]), hash_of(c, same[i][1]));
  assert_string_equal(hash_of(c, same[0][0]),
                      "1e7174ce760e392d21544037fa0594ec47b7a9aaa880cb88941f446f199a02bf");
  assert_string_not_equal(hash_of(c, same[0][0]), hash_of(c, same[1][0]));
  cli_expect(c, TRAIN "--epochs 1 -o $D/m.bin", 0, "");
  const char *going_on = "$N train --quiet --net $D/m.bin" DIGITS "--epochs 1 --json -o $D/n.bin ";
  assert_string_not_equal(hash_of(c, arena_printf(&c->arena, "%s --loss mse", going_on)),
                          hash_of(c, going_on));
  cli_expect(c, SAID("") "--loss rbf:2.5 --distort shift --log $D/log && head -n 1 $D/log", 0,
             "\"images\":900,\"loss\":\"rbf:2.5\",\"distort\":\"shift:2,share:1\"}");
  cli_expect(c, TRAIN "--loss rbf -o $D/no.bin", 1,
             "mnist-mlp: loss rbf: output \"fc2\" is no distance of which the least is the class");
  cli_expect(c, "test ! -e $D/no.bin", 0, "");
}

// ---- mean and deviation of the data

static const struct graph *read_back(struct shell *c, const char *name) {
  struct err e = {0};
  struct graph *g = model_read(&c->arena, arena_printf(&c->arena, "%s/%s", c->dir, name), &e);
  if (!g) fail_msg("%s", e.text);
  return g;
}

#define MEASURED(measure)                                                                          \
  "$N train --quiet --net '{\"input\":{\"shape\":[28,28,1]," measure "},\"layers\":[{\"op\":"      \
  "\"flatten\"},{\"op\":\"linear\",\"out\":10}]}'" DIGITS "--epochs 1 --validation 300 --json "

// Those of the 600 images that are trained on, as if the recipe had these numbers.
static void bytes_are_measured(void **state) {
  struct shell *c = *state;
  struct images set;
  struct err e = {0};
  double mean, std;
  const char *hash = hash_of(c, MEASURED("\"mean\":\"data\",\"std\":\"data\"") "-o $D/m");
  const struct source *s = &read_back(c, "m")->inputs[0].source;
  assert_true(data_open(&c->arena, "synthetic:900:5", 600, &set, &e));
  images_measure(&set, 600, 1, &mean, &std);
  assert_int_equal(s->channels, 1);
  assert_true(s->mean[0] == mean && s->std[0] == std && mean > 0.05 && std > 0.1);
  const char *numbers =
      arena_printf(&c->arena, MEASURED("\"mean\":%.17g,\"std\":%.17g") "-o $D/n", mean, std);
  assert_string_equal(hash_of(c, numbers), hash);
  assert_string_equal(
      hash_of(c, MEASURED("\"mean\":\"data:channel\",\"std\":\"data:channel\"") "-o $D/m"), hash);
  assert_string_not_equal(hash_of(c, MEASURED("\"mean\":\"data\"") "-o $D/m"), hash);
  assert_true(read_back(c, "m")->inputs[0].source.std[0] == 1);
  assert_string_not_equal(hash_of(c, MEASURED("\"mean\":0.25,\"std\":\"data\"") "-o $D/m"), hash);
  s = &read_back(c, "m")->inputs[0].source;
  assert_true(s->mean[0] == 0.25 && s->std[0] == std);
}

enum { ROWS_OF_DATA = 500 };

// Three features of ranges from 0.1 to 1000, and a target of them.
static void write_features(struct shell *c) {
  static float x[ROWS_OF_DATA][3], y[ROWS_OF_DATA], same[ROWS_OF_DATA][3];
  struct rng r = {4, 0};
  for (int i = 0; i < ROWS_OF_DATA; i++) {
    double u[3] = {rng_unit(&r), rng_unit(&r), rng_unit(&r)};
    x[i][0] = (float)(1000 * u[0]);
    x[i][1] = (float)(10 * u[1] - 5);
    x[i][2] = (float)(0.1 * u[2] + 3);
    y[i] = (float)(u[0] - 2 * u[1] + u[2] * u[2]);
    for (int k = 0; k < 3; k++) same[i][k] = k == 1 ? 2 : x[i][k];
  }
  npy_write(c, "x.npy", "<f4", "(500, 3)", x, sizeof x);
  npy_write(c, "y.npy", "<f4", "(500,)", y, sizeof y);
  npy_write(c, "same.npy", "<f4", "(500, 3)", same, sizeof same);
}

#define FEATURES(input)                                                                            \
  "$N train --quiet --net '{\"input\":{\"shape\":[3]" input "},\"layers\":[{\"op\":\"linear\","    \
  "\"out\":16},{\"op\":\"relu\"},{\"op\":\"linear\",\"out\":1}]}' --batch 20 --rate 0.01 "
#define OF_DATA ",\"mean\":\"data:channel\",\"std\":\"data:channel\""

static double r2_of(struct shell *c, const char *line) {
  const char *said = cli_expect(c, line, 0, "\"r2\":");
  return strtod(strstr(said, "\"r2\":") + 5, NULL);
}

static void numbers_are_measured(void **state) {
  struct shell *c = *state;
  write_features(c);
#define SET "--data $D/x.npy,$D/y.npy --test $D/x.npy,$D/y.npy --epochs 20 --json -o $D/m"
  double plain = r2_of(c, FEATURES("") SET), measured = r2_of(c, FEATURES(OF_DATA) SET);
  if (!(measured > 0.95 && measured > plain)) fail_msg("R2 %g, %g", plain, measured);
  const struct graph *g = read_back(c, "m");
  const struct node *norm = &g->nodes[0];
  assert_string_equal(norm->name, "input_norm");
  double gamma[3], beta[3];
  for (int k = 0; k < 3; k++) {
    gamma[k] = tensor_real(node_in(g, norm, 1)->init, k);
    beta[k] = tensor_real(node_in(g, norm, 2)->init, k);
  }
  // of uniform numbers: range / sqrt(12)
  assert_true(fabs(1 / gamma[0] - 1000 / sqrt(12)) < 20 && fabs(-beta[0] / gamma[0] - 500) < 40);
  assert_true(fabs(1 / gamma[1] - 10 / sqrt(12)) < 0.2 && fabs(beta[1]) < 0.1);
  assert_true(fabs(1 / gamma[2] - 0.1 / sqrt(12)) < 0.002);
  // The constants stay when it is trained on, and the circuit has them.
  cli_expect(c, "$N train -q --net $D/m --batch 20 --data $D/x.npy,$D/y.npy -e 1 -o $D/n", 0, "");
  g = read_back(c, "n");
  for (int k = 0; k < 3; k++) {
    assert_true(tensor_real(node_in(g, &g->nodes[0], 1)->init, k) == gamma[k]);
    assert_true(tensor_real(node_in(g, &g->nodes[0], 2)->init, k) == beta[k]);
  }
  cli_expect(c, "$N run -q -p 20,9 --data $D/x.npy,$D/y.npy $D/n", 0, "input_norm");
  double integers = r2_of(c, FEATURES(OF_DATA) SET " --qat -p 12,6 -i 20,8");
  if (!(integers > 0.9)) fail_msg("R2 of integers %g", integers);
}

// Two classes are the same whether they are called 0 and 1 or -1 and 1, for integers too.
static void two_classes(void **state) {
  struct shell *c = *state;
  static int64_t ones[ROWS_OF_DATA], signs[ROWS_OF_DATA];
  write_features(c);
  for (int i = 0; i < ROWS_OF_DATA; i++) {
    ones[i] = i % 3 == 0;
    signs[i] = i % 3 == 0 ? 1 : -1;
  }
  npy_write(c, "ones.npy", "<i8", "(500,)", ones, sizeof ones);
  npy_write(c, "signs.npy", "<i8", "(500,)", signs, sizeof signs);
#define ONE                                                                                        \
  "'{\"input\":{\"shape\":[3]" OF_DATA "},\"layers\":[{\"op\":\"linear\",\"out\":1},"              \
  "{\"op\":\"tanh\"}]}' --batch 20 --epochs 2 "
  static const char *const words[] = {"", "--qat -p 8 ", "--qat -p 12,6 "};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    cli_expect(c,
               arena_printf(&c->arena,
                            "for y in ones signs; do $N train -q --json --net " ONE
                            "%s --data $D/x.npy,$D/$y.npy -o $D/$y | grep -v accuracy.:null,.vali; "
                            "done | wc -l; cmp $D/ones $D/signs",
                            words[i]),
               0, "2");
}

static void what_cannot_be_measured(void **state) {
  struct shell *c = *state;
  write_features(c);
  static const char *const rows[][2] = {
      {FEATURES(OF_DATA) "--data $D/same.npy,$D/y.npy",
       "same.npy: input: mean 2, std 0 of channel 1: nothing can be divided by it"},
      {FEATURES(",\"mean\":\"dat\"") "--data $D/x.npy,$D/y.npy",
       "input: mean: \"dat\", expected numbers, \"data\" or \"data:channel\""},
      {FEATURES(",\"mean\":\"data\",\"std\":\"data:channel\"") "--data $D/x.npy,$D/y.npy",
       "input: std: \"data:channel\", but mean of all data"},
      {FEATURES(",\"mean\":\"data\",\"std\":[1,2,3]") "--data $D/x.npy,$D/y.npy",
       "input: one is of the data, the other a list"},
      {FEATURES(OF_DATA) "--data synthetic:90", "images of 784 elements, input \"image\""}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(c, arena_printf(&c->arena, "%s -o $D/no", rows[i][0]), 1, rows[i][1]);
  cli_expect(c, "test ! -e $D/no", 0, "");
}

// ---- bad data

static void what_is_wrong_with_data(void **state) {
  struct shell *c = *state;
  static double y[ROWS_OF_DATA][2];
  static int64_t classes[ROWS_OF_DATA];
  write_features(c);
  for (int i = 0; i < ROWS_OF_DATA; i++) {
    y[i][0] = y[i][1] = i;
    classes[i] = i % 3;
  }
  npy_write(c, "two.npy", "<f8", "(500, 2)", y, sizeof y);
  npy_write(c, "few.npy", "<f8", "(499,)", y, 499 * sizeof(double));
  classes[7] = -1;
  npy_write(c, "low.npy", "<i8", "(500,)", classes, sizeof classes);
  classes[7] = 3;
  npy_write(c, "high.npy", "<i8", "(500,)", classes, sizeof classes);
  y[3][0] = NAN;
  npy_write(c, "nan.npy", "<f8", "(500, 2)", y, sizeof y);
  y[3][0] = 1e300;
  npy_write(c, "large.npy", "<f8", "(500, 2)", y, sizeof y);
#define CLASSES                                                                                    \
  "$N train --quiet --net "                                                                        \
  "'{\"input\":{\"shape\":[3]},\"layers\":[{\"op\":\"linear\",\"out\":3}]}' "                      \
  "--batch 20 "
#define PAIRS                                                                                      \
  "$N train --quiet --net "                                                                        \
  "'{\"input\":{\"shape\":[3]},\"layers\":[{\"op\":\"linear\",\"out\":2}]}' "                      \
  "--batch 20 "
  static const char *const rows[][2] = {
      {FEATURES("") "--data $D/x.npy,$D/two.npy", "two.npy: labels of 2 numbers per image, output"},
      {FEATURES("") "--data $D/x.npy,$D/few.npy",
       "few.npy: labels: expected 500, one per image, found 499"},
      {FEATURES("") "--data $D/x.npy", "x.npy: the images have no labels (--data "},
      {PAIRS "--data $D/x.npy,$D/nan.npy",
       "nan.npy: label 3, element 0: expected a finite value, found nan"},
      {PAIRS "--freeze fc1.weight,fc1.bias --data $D/x.npy,$D/y.npy",
       "all 2 weights stay as they are, nothing is left"},
      {PAIRS "--data $D/x.npy,$D/large.npy",
       "the loss isn't finite, though the outputs of all layers are"},
      {CLASSES "--data $D/x.npy,$D/low.npy",
       "low.npy: label -1 of image 7, the model has 3 classes"},
      {CLASSES "--data $D/x.npy,$D/high.npy",
       "high.npy: label 3 of image 7, the model has 3 classes"},
      {FEATURES("") "--data $D/x.npy,$D/y.npy --targets 0,1", "y.npy are targets themselves"},
      {FEATURES("") "--data $D/x.npy,$D/y.npy --loss cross_entropy",
       "the cross entropy of a single output is always 0"},
      {FEATURES("") "--data $D/x.npy,$D/y.npy --optimizer sgd --rate 1e30", "layer \"fc"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(c, arena_printf(&c->arena, "%s -o $D/no", rows[i][0]), 1, rows[i][1]);
  cli_expect(c, "test ! -e $D/no", 0, "");
}

// Pictures of another shape, in colour, from IDX; features and targets from IDX of floats.
static void idx_of_the_users(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "i=0; while [ $i -lt 60 ]; do k=$((i % 2)); printf \"\\\\$k\" >>$D/l; "
             "printf \"\\\\$((k * 200))\\\\10\\\\20%.0s\" 1 2 3 4 5 6 7 8 9 10 11 12 >>$D/p; "
             "i=$((i + 1)); "
             "done; (printf '\\0\\0\\10\\4\\0\\0\\0\\74\\0\\0\\0\\4\\0\\0\\0\\3\\0\\0\\0\\3'; cat "
             "$D/p) >$D/x.idx; "
             "(printf '\\0\\0\\10\\1\\0\\0\\0\\74'; cat $D/l) >$D/y.idx; gzip -k $D/x.idx",
             0, "");
  cli_expect(
      c,
      "$N train --quiet --net '{\"input\":{\"shape\":[4,3,3],\"mean\":\"data\",\"std\":\"data\"},"
      "\"layers\":[{\"op\":\"conv2d\",\"out\":3,\"kernel\":[2,2]},{\"op\":\"relu\"},{\"op\":"
      "\"flatten\"},{\"op\":\"linear\",\"out\":2}]}' --data $D/x.idx.gz,$D/y.idx --test "
      "$D/x.idx,$D/y.idx --batch 10 --epochs 20 --distort shift:1 -o $D/m",
      0, "accuracy  100.00 % (60 of 60 images of ");
  // 0.5 and -2, towards 1 and 0
  double r2 = r2_of(
      c,
      "printf '\\0\\0\\15\\2\\0\\0\\0\\2\\0\\0\\0\\1\\77\\0\\0\\0\\300\\0\\0\\0' >$D/f.idx && "
      "printf '\\0\\0\\16\\1\\0\\0\\0\\2\\77\\360\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' "
      ">$D/t.idx && "
      "$N train --quiet --net "
      "'{\"input\":{\"shape\":[1]},\"layers\":[{\"op\":\"linear\",\"out\":1}]}' "
      "--data $D/f.idx,$D/t.idx --test $D/f.idx,$D/t.idx --batch 2 --epochs 400 --rate 0.05 --json "
      "-o $D/m");
  assert_true(r2 > 0.99);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(losses_of_the_command),   SHELL_CASE(bytes_are_measured),
      SHELL_CASE(numbers_are_measured),    SHELL_CASE(two_classes),
      SHELL_CASE(what_cannot_be_measured), SHELL_CASE(what_is_wrong_with_data),
      SHELL_CASE(idx_of_the_users)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
