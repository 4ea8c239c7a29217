// SPDX-License-Identifier: Apache-2.0
// nngen fit: the whole way in one command, from a recipe, from a model and from a file of another
// program, with figures that the commands which it stands for give, too. Digits drawn by code stand
// in for MNIST.
#include "tests/cmd/helper_shell.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS " --data synthetic:900:5 --batch 50 --epochs 2 --test synthetic:200:9 "

static void from_a_recipe(void **state) {
  struct shell *c = *state;
  const char *said = cli_expect(c, "$N fit tfc" DIGITS "--target-cycles 800 -o $D/f", 0,
                                "elements of 200 images are the C model's, error ");
  assert_non_null(strstr(said, "network     tfc, 2 epochs of 900 images, loss "));
  assert_non_null(strstr(said, "cycles      784 an image"));
  cli_expect(c, "grep -c 784 $D/f/report.html", 0, "");
  // The same model, integers and circuit as step by step.
  cli_expect(c,
             "$N train -q --net tfc" DIGITS "-o $D/m.bin | grep sha256 >$D/a; "
             "cmp $D/m.bin $D/f/model.bin && $N run -q -p 8 --calibrate synthetic:900:5 --data "
             "synthetic:200:9 $D/f/model.bin | grep -o '[0-9.]* %' | head -n 1",
             0, " %");
  cli_expect(c, "$N sim -q --data synthetic:200:9 $D/f/rtl -o $D/again", 0, "PASS   ");
}

static void as_json(void **state) {
  struct shell *c = *state;
  const char *said =
      cli_expect(c,
                 "$N fit tfc --qat -p 2" DIGITS "--json -o $D/f >$D/j && wc -l <$D/j "
                 "&& cat $D/j",
                 0, "\"mismatches\":0,\"ii\":3136,");
  assert_int_equal(said[0], '1'); // one line, and no other text
  assert_non_null(strstr(said, "\"epochs\":2,\"loss\":"));
  assert_non_null(strstr(said, "\"multipliers\":0,"));
}

// Simulators are built by make, which may be what runs this, with a jobserver of its own.
static void below_make(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "printf 'all:\\n\\t%s fit tfc" DIGITS
             "--json -o %s/f >%s/out\\n' $N $D $D >$D/makefile; "
             "make -j2 -f $D/makefile && cat $D/out",
             0, "\"mismatches\":0");
}

// What is trained already is taken as it is, or trained on if that is asked for.
static void from_trained_networks(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "$N fit models/mnist-mlp.bin -q -p 8,3 --test synthetic:100:9 --target-cycles 1568 -o "
             "$D/f && test ! -e $D/f/model.bin",
             0, "files       ");
  cli_expect(c,
             "$N fit tests/import/files/keras2_mlp.h5 -q" DIGITS "--target-cycles 1568 -o $D/k && "
             "test -e $D/k/model.bin",
             0, "2 epochs of 900 images");
}

// Where nextpnr is there, it says the clock, and the page shows it; here a program of its name,
// which writes 77 MHz or fails.
static void clock_where_nextpnr_is(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "printf '#!/bin/sh\\nwhile [ $# -gt 0 ]; do [ $1 = -l ] && log=$2; shift; done\\n"
             "echo \"Max frequency for clock clk: 77.00 MHz (PASS)\" >$log\\n' >$D/nextpnr-ecp5; "
             "chmod +x $D/nextpnr-ecp5; N=$(realpath $N); "
             "small='{\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"avg_pool\","
             "\"kernel\":[14,14]},{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":10}]}'; "
             "echo \"$small\" >$D/small.json; cd $D; PATH=$D:$PATH $N fit small.json" DIGITS
             "-o f >out && grep -c 77.00 f/report.html && cat out",
             0, "clock       77.0 MHz on an ECP5-45, one seed");
  cli_expect(c,
             "printf '#!/bin/sh\\necho ERROR: no licence >&2; exit 1\\n' >$D/nextpnr-ecp5; "
             "N=$(realpath $N); cd $D; PATH=$D:$PATH $N fit small.json" DIGITS "-o f",
             0, "clock       not found: ");
}

// Three nets are one network on the whole way.
static void boosted(void **state) {
  struct shell *c = *state;
  cli_expect(
      c,
      "$N fit -q --json '{\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},"
      "{\"op\":\"linear\",\"out\":12},{\"op\":\"relu\"},{\"op\":\"linear\",\"out\":10}]}'" DIGITS
      "--boost 3 -o $D/f",
      0, "\"mismatches\":0,");
  cli_expect(c, "$N info $D/f/model.bin", 0, "\nsum3           add");
}

// One set may do both, by whatever name; what calibrates and what judges are two, or no work
// begins.
static void what_judges(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "$N fit mnist-mlp --data synthetic:300:5 --test synthetic:300:5 -e 1 --target-cycles "
             "1568 -o $D/f 2>&1",
             0, "--test: synthetic:300:5 judges, and trains, too");
  cli_expect(c,
             "$N fit mnist-mlp -e 1 --data synthetic:300:5 --test synthetic:100:9 --calibrate "
             "synthetic:100:9 -o $D/g",
             1, "--calibrate synthetic:100:9: synthetic:100:9 judges, too: choose others");
  cli_expect(c, "test ! -e $D/g", 0, "");
}

// A model that was trained for its integers has its types: words of others change nothing.
static void types_of_its_own(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N train -q --net mnist-mlp --qat -p 4" DIGITS "-o $D/q.bin", 0, "sha256");
  static const struct {
    const char *words, *message;
  } rows[] = {{"fit -p 8,3 --test synthetic:100:9 -o $D/g $D/q.bin", "--precision changes nothing"},
              {"run -p 8,3 --data synthetic:100:9 $D/q.bin", "--precision changes nothing"},
              {"info -w 8,3 $D/q.bin", "--weight-precision changes nothing: leave it out"},
              {"train -q --qat -p 2" DIGITS "-o $D/r.bin --net $D/q.bin",
               "q.bin: the model says all its types itself, --precision changes nothing"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(c, arena_printf(&c->arena, "$N %s", rows[i].words), 1, rows[i].message);
  cli_expect(c, "test ! -e $D/r.bin && test ! -e $D/g/rtl", 0, "");
  cli_expect(c, "$N train -q --qat" DIGITS "-o $D/r.bin --net $D/q.bin", 0, "sha256");
  cli_expect(c, "$N train" DIGITS "-o $D/r.bin --net $D/q.bin 2>&1", 0,
             "q.bin: its weights are codes, and become floats: --qat trains them as codes");
  cli_expect(c, "$N export $D/q.bin --into tests/import/files/keras2_mlp.h5 -o $D/back.h5", 1,
             "q.bin: was trained for its integers, which such a file has no place for");
  cli_expect(c, "test ! -e $D/back.h5", 0, "");
}

static void what_is_wrong_is_said(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *words;
    int status;
    const char *message;
  } rows[] = {
      {"lenet6", 1, "there is no recipe and no file of this name (did you mean lenet"},
      {"", 2, "fit needs an argument: NET"},
      {"models/mnist-mlp.bin --rate 0.1", 2, "--rate changes nothing: models/mnist-mlp.bin"},
      {"models/mnist-mlp.bin --boost 3", 2, "--boost changes nothing: models/mnist-mlp.bin"},
      {"tfc --qat -w e4m3 -p 8,3" DIGITS, 1, "weights of minifloats"},
      {"tfc -p 8x3", 2, "precision \"8x3\""},
      {"'{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"lineer\"}]}'", 1,
       "unknown kind \"lineer\", did you mean \"linear\"?"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(c, arena_printf(&c->arena, "$N fit %s -o $D/f", rows[i].words), rows[i].status,
               rows[i].message);
  cli_expect(c, "test ! -e $D/f", 0, "");
  cli_expect(c, "printf x >$D/file; $N fit tfc" DIGITS "-o $D/file", 1, "file: it is no folder");
  cli_expect(c, "mkdir $D/own; printf x >$D/own/report.html; $N fit tfc" DIGITS "-o $D/own", 1,
             "own/report.html: would be overwritten, and fit didn't make that folder");
  cli_expect(c,
             "mkdir $D/m; cp models/mnist-mlp.bin $D/m/model.bin; touch $D/m/lock; "
             "$N fit $D/m/model.bin" DIGITS "-o $D/m",
             1, "model.bin: would be overwritten, it is the model");
}

int main(void) {
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  const struct CMUnitTest tests[] = {SHELL_CASE(from_a_recipe),
                                     SHELL_CASE(as_json),
                                     SHELL_CASE(below_make),
                                     SHELL_CASE(clock_where_nextpnr_is),
                                     SHELL_CASE(from_trained_networks),
                                     SHELL_CASE(boosted),
                                     SHELL_CASE(what_judges),
                                     SHELL_CASE(types_of_its_own),
                                     SHELL_CASE(what_is_wrong_is_said)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
