// SPDX-License-Identifier: Apache-2.0
// prune: what it keeps, and that masks and smaller layers go through training, quantising,
// calibration and circuits; its training; what is refused.
#include "tests/cmd/helper_shell.h"

#include <stdio.h>
#include <string.h>

#define MLP "models/mnist-mlp.bin"
#define SLOT "--kind slot --amount 0.8"

// Multiply-accumulates are those of connections that are there: 20,064 of fc1, 1,280 of fc2.
#define CUT "\"parameters\":20192,\"macs\":20064"

static void expect_all(const char *text, const char *const *words) {
  for (; *words; words++)
    if (!strstr(text, *words)) fail_msg("no %s in %s", *words, text);
}

static void test_kinds(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *words, *layer;
  } rows[] = {{"--kind weight --amount 0.8", "\"kept\":20070,\"neurons_removed\":7,"},
              {"--kind vector --amount 0.8", "\"kept\":20072,\"neurons_removed\":0,"},
              {SLOT, "\"kept\":20064,\"neurons_removed\":0,"},
              {SLOT " --lanes 8x2 --score l2", "\"kept\":20064,\"neurons_removed\":0,"},
              {"--kind tile --amount 0.8", "\"kept\":20064,\"neurons_removed\":0,"},
              {"--kind neuron --amount 0.8", "\"kept\":20384,\"neurons_removed\":102,"},
              {"--kind 2:4", "\"kept\":50176,\"neurons_removed\":0,"},
              {SLOT " --scope global --layers fc1,fc2 --score random:3", "\"kept\":"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char line[256];
    snprintf(line, sizeof line, "$N prune --json %s -o $D/p.bin " MLP, rows[i].words);
    const char *text = cli_expect(c, line, 0, rows[i].layer);
    expect_all(text,
               (const char *[]){"\"output\":", "{\"name\":\"fc1\",\"weights\":100352,\"kept\":",
                                "\"accuracy_before\":null,\"accuracy_after\":null", NULL});
    cli_expect(c, "$N run -p 8,3 --images 10 $D/p.bin", 0, "accuracy");
  }
}

static void test_text(void **state) {
  struct shell *c = *state;
  const char *text = cli_expect(c, "$N prune " SLOT " --test synthetic:200 -o $D/p.bin " MLP, 0,
                                "p.bin: 21344 of 101632 weights kept (slot)\naccuracy  ");
  expect_all(text, (const char *[]){"of 200 images of synthetic", "fc1     100352  20064    20.0",
                                    "fc2       1280   1280   100.0", NULL});
  cli_expect(c, "$N prune --quiet " SLOT " -o $D/p.bin " MLP " && echo nothing", 0, "nothing");
}

static void test_masks_stay(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N prune -q " SLOT " -o $D/p.bin " MLP, 0, "");
  cli_expect(c, "$N info --json -p 8,3 $D/p.bin", 0, CUT);
  cli_expect(c, "$N train -q --net $D/p.bin --data synthetic:400 -e 1 -o $D/t.bin", 0, "");
  cli_expect(c, "$N info --json -p 8,3 $D/t.bin", 0, CUT);
  cli_expect(c, "$N quantize -q -p 8,3 -o $D/q.bin $D/t.bin && $N info --json $D/q.bin", 0, CUT);
  cli_expect(c,
             "$N quantize -q -p 4 --calibrate synthetic:100 -o $D/g.bin $D/t.bin && "
             "$N info --json $D/g.bin",
             0, CUT);
  cli_expect(c, "$N import -q -o $D/i.bin $D/t.bin && $N info --json -p 8,3 $D/i.bin", 0, CUT);
  cli_expect(c, "$N prune --json " SLOT " -o $D/again.bin $D/p.bin", 0,
             "\"weights\":20064,\"kept\":20064");
  cli_expect(c, "$N run -w bipolar -p 8,3 $D/p.bin", 1, "cuts connections, which bipolar has no 0");
  cli_expect(c, "$N sim --simulator icarus --images 2 -o $D/w $D/g.bin", 0,
             "cycles per image   1308 (plan 1308)");
}

// Steps of zeros are left out with the lanes that the mask was made for; with others it is said
// what is lost.
static void test_schedule(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N prune --json " SLOT " -o $D/p.bin " MLP, 0,
             "\"cycles_before\":6272,\"cycles_after\":1308,\"memory_before\":802816,"
             "\"memory_after\":200124}");
  cli_expect(c, "$N --json -p 8,3 -o $D/rtl $D/p.bin 2>&1", 0, "\"ii\":1308,");
  cli_expect(c, "$N --json -p 8,3 -o $D/rtl $D/p.bin", 0, "\"warnings\":[]");
  cli_expect(c, "$N --json -p 8,3 -j 16 -o $D/rtl $D/p.bin", 0, "\"ii\":308,");
  cli_expect(
      c, "$N -p 8,3 -j 16 -o $D/rtl $D/p.bin 2>&1", 0,
      "\"fc1\": its mask cuts 80 % of its weights, but with 16 x 16 lanes 21 % of its steps");
  cli_expect(c, "$N sim --simulator icarus --images 2 -j 7 -o $D/w -p 8,3 $D/p.bin", 0, "PASS");
  cli_expect(c, "$N sim --simulator icarus --images 2 --rom-style case -o $D/w -p 8,3 $D/p.bin", 0,
             "PASS");
  // a first layer that may take a beat in each cycle gets one; memory counts the schedule's words
  cli_expect(c, "$N plan --json -p 8,3 --target-cycles 1308 $D/p.bin", 0,
             "{\"ii\":1308,\"latency\":2577,\"frames_per_second\":76452.599,\"multipliers\":17,");
  cli_expect(c, "$N plan --json -p 8,3 --max-memory 215000 $D/p.bin", 0, "{\"ii\":1308,");
  // ONNX has no masks, but zeros
  cli_expect(c, "$N export -q -o $D/p.onnx $D/p.bin && $N --json -p 8,3 -o $D/rtl $D/p.onnx", 0,
             "\"ii\":1308,");
  // convolutions: beats of a tap, of a column of taps
  cli_expect(c, "$N prune --json " SLOT " --lanes 3x4 -o $D/c.bin models/lenet5.bin", 0,
             "\"name\":\"conv2\",\"weights\":2400,\"kept\":480");
  cli_expect(c, "$N sim --simulator icarus --images 1 -o $D/w -p 8,4 $D/c.bin", 0, "PASS");
  cli_expect(c, "$N plan --json --target-cycles 5000 -p 8,4 $D/c.bin 2>/dev/null", 0,
             "{\"ii\":5000,");
  cli_expect(c, "$N plan --target-cycles 5000 -p 8,4 $D/c.bin 2>&1", 0,
             "25 x 1 lanes 0 % of its steps are left out: it needs several beats in and three out");
}

static void test_smaller_circuit(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N prune -q --kind neuron --amount 0.75 -o $D/p.bin " MLP, 0, "");
  cli_expect(c, "$N --json -p 8,3 -o $D/rtl $D/p.bin", 0, "\"ii\":1568,");
  cli_expect(c, "$N sim --simulator icarus --images 2 -o $D/w -p 8,3 $D/p.bin", 0, "PASS");
}

// Drawn digits to train on and to judge by; the same bytes for any number of threads.
static void test_finetune(void **state) {
  struct shell *c = *state;
  const char *text = cli_expect(c,
                                "$N prune --json " SLOT " --finetune 2 --data synthetic:2000:1 "
                                "--test synthetic:500:2 -o $D/p.bin " MLP,
                                0, "\"kept\":20064");
  double before = 0, after = 0;
  sscanf(strstr(text, "\"accuracy_before\":"), "\"accuracy_before\":%lf", &before);
  sscanf(strstr(text, "\"accuracy_after\":"), "\"accuracy_after\":%lf", &after);
  if (!(before > 0.5 && after > before)) fail_msg("accuracy %g, before %g", after, before);
  cli_expect(c, "$N info --json -p 8,3 $D/p.bin", 0, CUT);
  cli_expect(c,
             "$N prune -q " SLOT
             " --finetune 2 --threads 3 --data synthetic:2000:1 -o $D/r.bin " MLP
             " && cmp $D/p.bin $D/r.bin && echo same",
             0, "same");
  cli_expect(c,
             "$N prune " SLOT " --finetune 1 --rate 0.001 --optimizer momentum --batch 64 --images "
             "300 --seed 4 --data synthetic:2000 -o $D/r.bin " MLP,
             0, "epoch  train loss");
  cli_expect(
      c,
      "$N prune -q --kind neuron --amount 0.5 --finetune 1 --data synthetic:300 -o $D/n.bin " MLP
      " && $N info --json -p 8,3 $D/n.bin",
      0, "\"out\":64");
}

static void test_words(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *words, *message;
  } rows[] = {{"", "--kind: which? weight, vector, slot"},
              {"--kind slots --amount 0.5", "--kind slots: expected weight, vector, slot"},
              {"--kind 4:4", "--kind 4:4: expected"},
              {"--kind 0:4", "--kind 0:4: expected"},
              {"--kind 2:", "--kind 2:: expected"},
              {"--kind 2:4x", "--kind 2:4x: expected"},
              {"--kind -1:4", "--kind -1:4: expected"},
              {"--kind 2:4 --amount 0.5", "--amount 0.5 changes nothing: --kind 2:4 says how much"},
              {"--kind slot", "--amount: how much goes?"},
              {"--kind slot --amount 1", "--amount 1: expected a number from 0 to less than 1"},
              {"--kind slot --amount -0.1", "--amount -0.1: expected a number"},
              {"--kind slot --amount nan", "--amount nan: expected a number"},
              {"--kind slot --amount 80%", "--amount 80%: expected a number"},
              {SLOT " --lanes 4", "--lanes 4: expected PIxPO"},
              {SLOT " --lanes 0x4", "--lanes 0x4: expected PIxPO"},
              {SLOT " --lanes 4x5000", "--lanes 4x5000: expected PIxPO"},
              {"--kind weight --amount 0.5 --lanes 4x4", "--lanes 4x4 changes nothing"},
              {SLOT " --scope model", "--scope model: expected layer or global"},
              {"--kind 2:4 --scope global", "--scope global changes nothing"},
              {SLOT " --score l3", "--score l3: expected l1, l2 or random[:SEED]"},
              {SLOT " --score random:x", "--score random:x: expected"},
              {SLOT " --score random:1a", "--score random:1a: expected"},
              {SLOT " --data mnist", "--data is about training: give --finetune E (--test SET is"},
              {SLOT " --rate 0.1", "--rate is about training: give --finetune E"},
              {SLOT " --finetune 2 --rate -1", "--rate -1: expected a number above 0"},
              {SLOT " --finetune 2 --beta1 0.5 --optimizer sgd", "--beta1 changes nothing"},
              {SLOT " --epochs 3", "--epochs"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char line[256];
    snprintf(line, sizeof line, "$N prune %s -o $D/p.bin " MLP, rows[i].words);
    cli_expect(c, line, 2, rows[i].message);
  }
}

static void test_refused(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *words, *message;
  } rows[] = {
      {SLOT " --layers fc3 " MLP,
       MLP ": --layers: there is no layer \"fc3\"; did you mean \"fc1\"?"},
      {SLOT " --layers fc22 " MLP, "did you mean \"fc2\"?"},
      {SLOT " --layers c2 " MLP, "did you mean \"fc2\"?"},
      {SLOT " --layers fc1,relu1 " MLP,
       "--layers: layer \"relu1\" (relu) has no weights of its own that can be cut"},
      {SLOT " --layers fc1,fc1 " MLP, "layer \"fc1\" is there twice"},
      {SLOT " --layers , " MLP, "expected names with commas between"},
      {"--kind 2:5 " MLP, "layer \"fc1\": its outputs have 784 inputs, which 5 doesn't divide"},
      {"--kind neuron --amount 0.999 " MLP, "layer \"fc1\": --amount 0.999 leaves nothing of its "
                                            "128 grains (neuron); --force keeps one"},
      {"--kind neuron --amount 0.5 --layers fc2 " MLP,
       "layer \"fc2\": its neurons can't be removed: \"fc2\" is an output of the model"},
      {SLOT " --test $D/none.npy " MLP, "none.npy"},
      {SLOT " --finetune 1 --data $D/none.npy " MLP, "none.npy"},
      {SLOT " no.bin", "no.bin"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char line[256];
    snprintf(line, sizeof line, "$N prune -o $D/p.bin %s", rows[i].words);
    cli_expect(c, line, 1, rows[i].message);
    cli_expect(c, "test ! -e $D/p.bin && echo none", 0, "none");
  }
  cli_expect(c, "$N prune --json --force --kind neuron --amount 0.999 -o $D/p.bin " MLP, 0,
             "\"kept\":784,\"neurons_removed\":127");
  cli_expect(c, "$N quantize -q -p 8,3 -o $D/q.bin " MLP " && $N prune " SLOT " $D/q.bin", 1,
             "the model is quantised already: prune the float model, masks stay");
  cli_expect(c, "cp " MLP " $D/m.bin && $N prune " SLOT " -o $D/m.bin $D/m.bin", 1,
             "would be overwritten, it is the model");
}

// A float model that says types of its own, as trained distances do, is pruned as it is.
static void test_typed_parts(void **state) {
  struct shell *c = *state;
  cli_expect(
      c,
      "$N train -q --net models/mnist-rbf.json --data synthetic:200 --test synthetic:10 -e 1 "
      "-o $D/r.bin >$D/log && $N prune -q --kind slot --layers fc1 --amount 0.5 -o $D/p.bin "
      "$D/r.bin",
      0, "p.bin: 32928 of 65856 weights kept (slot)");
  cli_expect(c, "$N info -p 8,3 $D/p.bin", 0, "rbf1     rbf           84   10  u16,6  8,6");
  cli_expect(c, "$N sim -q --images 3 --data synthetic:3 -p 8,3 -o $D/v $D/p.bin", 0, "PASS");
  cli_expect(c, "$N prune --kind neuron --layers fc1 --amount 0.5 -o $D/p.bin $D/r.bin", 1,
             "\"fc1\": its neurons can't be removed: layer \"rbf1\" (rbf) reads them");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_typed_parts), SHELL_CASE(test_kinds),    SHELL_CASE(test_text),
      SHELL_CASE(test_masks_stay),  SHELL_CASE(test_schedule), SHELL_CASE(test_smaller_circuit),
      SHELL_CASE(test_finetune),    SHELL_CASE(test_words),    SHELL_CASE(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
