// SPDX-License-Identifier: Apache-2.0
// train --boost as a user meets it: three nets in one model that quantises, simulates and exits
// early; the same bits for any number of threads and after being killed; messages for bad input.
#include "sw/base/json.h"
#include "tests/cmd/helper_npy.h"
#include "tests/cmd/helper_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS " --data synthetic:900:5 -b 50 --test synthetic:300:8 "
#define SMALL                                                                                      \
  "{\"name\":\"small\",\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},"          \
  "{\"op\":\"linear\",\"out\":12},{\"op\":\"relu\"},{\"op\":\"dropout\",\"rate\":0.1},"            \
  "{\"op\":\"linear\",\"out\":10}]}"
#define TRAIN "$N train -q --net '" SMALL "'" DIGITS "-e 2 --boost 3 "

static const char *hash_of(struct shell *c, const char *line) {
  const char *said = cli_expect(c, line, 0, "\"sha256\":\""), *at = strstr(said, "\"sha256\":\"");
  return arena_printf(&c->arena, "%.64s", at + strlen("\"sha256\":\""));
}

static json_t *object(struct shell *c, const char *line) {
  json_error_t e;
  json_t *j = json_loads(cli_expect(c, line, 0, "{"), 0, &e);
  if (!j) fail_msg("%s", e.text);
  return j;
}

static int64_t count(const json_t *j, const char *key) {
  const json_t *v = json_object_get(j, key);
  if (!json_is_integer(v)) fail_msg("no %s", key);
  return json_integer_value(v);
}

static void the_same_bits(void **state) {
  struct shell *c = *state;
  const char *first = hash_of(c, TRAIN "--json -o $D/a.bin");
  assert_string_equal(hash_of(c, TRAIN "--json --threads 3 -o $D/b.bin"), first);
  assert_string_equal(hash_of(c, "NNGEN_KERNELS=plain " TRAIN "--json -o $D/b.bin"), first);
  cli_expect(c, "cmp $D/a.bin $D/b.bin", 0, "");
  assert_string_not_equal(hash_of(c, TRAIN "--seed 2 --json -o $D/b.bin"), first);
  const char *distorted = hash_of(c, TRAIN "--distort shift:1 --json -o $D/b.bin");
  assert_string_not_equal(distorted, first);
  assert_string_equal(hash_of(c, TRAIN "--distort shift:1 --threads 2 --json -o $D/b.bin"),
                      distorted);
}

// Net 1 is what is trained without --boost.
static void net_1_is_the_net(void **state) {
  struct shell *c = *state;
  json_t *alone = object(c, "$N train -q --net '" SMALL "'" DIGITS "-e 2 --json -o $D/1.bin");
  json_t *all = object(c, TRAIN "--json -o $D/a.bin");
  const json_t *boost = json_object_get(all, "boost");
  assert_true(json_equal(json_object_get(alone, "net"), json_object_get(all, "net")));
  assert_int_equal(count(boost, "test_correct_alone"), count(alone, "test_correct"));
  cli_expect(
      c,
      "$N run -q --real --early-exit --margin 0 --data synthetic:300:8 -o $D/a.out $D/a.bin && "
      "$N run -q --real --data synthetic:300:8 --compare $D/a.out --tolerance 0 $D/1.bin",
      0, "");
  json_decref(alone);
  json_decref(all);
}

// What is reported is what `run` finds.
static void figures_are_those_of_run(void **state) {
  struct shell *c = *state;
  json_t *j = object(c, TRAIN "--json --validation 100 -o $D/a.bin");
  const json_t *boost = json_object_get(j, "boost"), *nets = json_object_get(boost, "nets");
  json_t *all = object(c, "$N run --json --data synthetic:300:8 $D/a.bin");
  json_t *early = object(c, "$N run --json --early-exit --data synthetic:300:8 $D/a.bin");
  const json_t *exit = json_object_get(early, "early_exit");
  assert_int_equal(count(all, "correct"), count(j, "test_correct"));
  assert_int_equal(count(exit, "macs_first"), count(boost, "macs_first"));
  assert_int_equal(count(exit, "macs_all"), count(boost, "macs_all"));
  assert_true(json_number_value(json_object_get(exit, "margin")) ==
              json_number_value(json_object_get(boost, "margin")));
  assert_int_equal(json_array_size(nets), 2);
  for (size_t i = 0; i < 2; i++) {
    const json_t *net = json_array_get(nets, i);
    assert_int_equal(count(net, "images"), 800);
    assert_int_equal(count(net, "candidates"), 800);
    assert_true(count(net, "found") >= 10 && count(net, "distinct") <= 800);
    assert_int_equal(json_array_size(json_object_get(net, "epochs")), 2);
  }
  assert_true(json_is_true(json_object_get(boost, "watched")));
  assert_int_equal(count(boost, "images"), 100);
  json_decref(j);
  json_decref(all);
  json_decref(early);
}

static void text(void **state) {
  struct shell *c = *state;
  const char *said = cli_expect(c, TRAIN "-o $D/a.bin", 0, "net 1: 900 images\nepoch  train loss");
  static const char *const words[] = {"\nnet 2: 900 copies, ",
                                      " of 900 candidates ",
                                      " are wrong in net 1\n",
                                      "\nnet 3: 900 copies, ",
                                      " are in dispute\n",
                                      "\nnet 1     ",
                                      "\nmargin    ",
                                      ": of 900 training images ",
                                      " times net 1 (9528); all nets 28584\n"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!strstr(said, words[i])) fail_msg("no %s in %s", words[i], said);
  cli_expect(c, "$N train --net '" SMALL "'" DIGITS "-e 2 --boost 3 --distort shift:1 -o $D/b.bin",
             0, "net 2: 900 copies, 900 of them different; of ");
}

static void notes(void **state) {
  struct shell *c = *state;
  const char *said = cli_expect(
      c, "$N train --net '" SMALL "' --data synthetic:2000:5 -b 50 -e 4 --boost 3 -o $D/b.bin", 0,
      "net 2: the ");
  if (!strstr(said, "candidates that are wrong in net 1 are repeated ") ||
      !strstr(said, " times: --distort gives more of them\n") ||
      !strstr(said, ": it is the better model\n"))
    fail_msg("%s", said);
}

// As integers, as a circuit, trained on, and with early exit in both.
static void it_is_a_model_like_any_other(void **state) {
  struct shell *c = *state;
  cli_expect(c, TRAIN "-o $D/a.bin", 0, "sha256");
  cli_expect(c, "$N sim --simulator icarus --images 3 -j 8 -o $D/w -p 8,3 $D/a.bin", 0,
             "0 mismatches");
  cli_expect(c, "$N quantize -q -p 6 --calibrate synthetic:200:3 -o $D/q.bin $D/a.bin", 0, "");
  cli_expect(c, "$N sim --simulator icarus --images 2 -j 8 -o $D/v $D/q.bin", 0, "0 mismatches");
  cli_expect(c, "$N run --early-exit --data synthetic:300:8 $D/q.bin", 0, " need nets 2 and 3\n");
  cli_expect(c, "$N train -q --net $D/a.bin" DIGITS "-e 1 --qat -p 6 -o $D/t.bin", 0, "accuracy");
  cli_expect(c, "$N run --early-exit --data synthetic:300:8 $D/t.bin", 0, " need nets 2 and 3\n");
}

// ---- states and logs

// Killed in any of the three nets, and between them.
static void killed_it_ends_the_same(void **state) {
  struct shell *c = *state;
  const char *expected = hash_of(c, TRAIN "--json -o $D/a");
  cli_expect(
      c,
      "export GCOV_PREFIX=$D/counts; i=0; until timeout -s KILL $(printf '0.%03d' $((30 + i % 9 "
      "* 10 + i * 3))) " TRAIN "--checkpoint $D/c --checkpoint-every 1 -o $D/b >$D/said; do "
      "i=$((i + 1)); [ $i -lt 290 ] || exit 1; done; echo killed $i times; [ $i -ge 2 ]",
      0, "killed");
  assert_string_equal(expected,
                      arena_printf(&c->arena, "%.64s", cli_expect(c, "sha256sum <$D/b", 0, "")));
  cli_expect(c, "ls $D/c.net1 $D/c.net2 $D/c.net3", 0, "c.net3");
}

static void logs(void **state) {
  struct shell *c = *state;
  cli_expect(c, TRAIN "--log $D/l -o $D/a.bin && wc -l <$D/l.net1 && wc -l <$D/l.net3", 0,
             "3\n3\n");
  cli_expect(c, "head -1 $D/l.net2", 0, "\"images\":900,");
}

// A checkpoint of net 2 is one of its list.
static void other_lists(void **state) {
  struct shell *c = *state;
  cli_expect(c, TRAIN "--checkpoint $D/c -o $D/a.bin", 0, "sha256");
  cli_expect(c,
             "rm $D/c.net1 && $N train -q --net '" SMALL "'" DIGITS
             "-e 2 --boost 3 --rate 0.001 --checkpoint $D/c -o $D/b.bin; test ! -e $D/b.bin",
             0, "c.net2: a checkpoint of another network, optimiser or schedule");
}

// ---- what is refused

static void refused(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *words;
    int status;
    const char *said;
  } rows[] = {
      {"--net '" SMALL "' --boost 1", 2, "--boost 1: expected 3: net 2 is chosen for by net 1"},
      {"--net '" SMALL "' --boost 4", 2, "--boost 4: expected 3"},
      {"--net '" SMALL "' --boost 3 --qat -p 8", 2, "--boost trains in floats"},
      {"--net '" SMALL "' --boost 3 --plot $D/p.svg", 2, "--plot: three nets make no one picture"},
      {"--net '" SMALL "' --boost 3 --show-distortions $D/p.png", 2,
       "--show-distortions trains nothing"},
      {"--net '" SMALL "' --boost 3 --checkpoint $D/x --log $D/x", 1,
       "x.net1: --checkpoint and --log would"},
      {"--net '" SMALL "' --boost 3 -e 40", 1,
       "candidates wrong, fewer than the 10 that make a mix for net 2"},
      {"--net '{\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},"
       "{\"op\":\"linear\",\"out\":10},{\"op\":\"softmax\"}]}' --boost 3",
       1, "layer \"softmax1\" is softmax, which is computed behind the circuit"},
      {"--net '{\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},"
       "{\"op\":\"linear\",\"out\":10}]}' --boost 3 -d $D/x.npy,$D/y.npy",
       1,
       "boosting is about classes with an output each: output \"fc1\" has 10 elements, the labels "
       "are targets"},
      {"--net '{\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},"
       "{\"op\":\"linear\",\"out\":1},{\"op\":\"sigmoid\"}]}' --boost 3 -d $D/x.npy,$D/c.npy",
       1, "output \"sigmoid1\" has 1 elements, the labels are classes"}};
  float *x = ARENA_NEW(&c->arena, float, 60 * 784), y[600];
  for (int i = 0; i < 60 * 784; i++) x[i] = (float)(i % 7);
  for (int i = 0; i < 600; i++) y[i] = (float)i / 4;
  npy_write(c, "x.npy", "<f4", "(60, 28, 28, 1)", x, 60 * 784 * sizeof *x);
  npy_write(c, "y.npy", "<f4", "(60, 10)", y, sizeof y);
  uint8_t classes[60];
  for (int i = 0; i < 60; i++) classes[i] = (uint8_t)(i % 2);
  npy_write(c, "c.npy", "|u1", "(60,)", classes, sizeof classes);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *data = strstr(rows[i].words, "-d ") ? "" : "--data synthetic:900:5";
    cli_expect(c,
               arena_printf(&c->arena, "$N train -q -b 50 %s %s -o $D/m.bin", data, rows[i].words),
               rows[i].status, rows[i].said);
  }
  cli_expect(c, "test ! -e $D/m.bin", 0, "");
}

// Net 1 isn't lost with the others, and is written over nothing.
static void net_1_is_kept(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N train -q --net '" SMALL "'" DIGITS "-e 40 --boost 3 -o $D/m.bin", 1,
             "m.bin.net1");
  cli_expect(c, "$N train -q --net '" SMALL "'" DIGITS "-e 40 -o $D/one.bin", 0, "sha256");
  cli_expect(c, "cmp $D/m.bin.net1 $D/one.bin && test ! -e $D/m.bin", 0, "");
  cli_expect(c, "$N train -q --net $D/m.bin.net1" DIGITS "-e 1 --boost 3 -o $D/m.bin", 1,
             "m.bin.net1: would be overwritten, it is the file of --net");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(the_same_bits),
                                     SHELL_CASE(net_1_is_the_net),
                                     SHELL_CASE(figures_are_those_of_run),
                                     SHELL_CASE(text),
                                     SHELL_CASE(notes),
                                     SHELL_CASE(it_is_a_model_like_any_other),
                                     SHELL_CASE(killed_it_ends_the_same),
                                     SHELL_CASE(logs),
                                     SHELL_CASE(other_lists),
                                     SHELL_CASE(refused),
                                     SHELL_CASE(net_1_is_kept)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
