// SPDX-License-Identifier: Apache-2.0
// quantize, and --calibrate of the other commands: accuracy at few bits, the same bytes for any
// number of threads, circuits that are equal, and what is refused.
#include "tests/cmd/helper_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MLP "models/mnist-mlp.bin"
#define DIGITS "--calibrate synthetic:300:3"

// Of the first 1,000 test images; 978 in floats.
static int correct_of(struct shell *c, const char *line) {
  const char *text = cli_expect(c, line, 0, "\"correct\":");
  return atoi(strstr(text, "\"correct\":") + strlen("\"correct\":"));
}

static void test_accuracy(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *words;
    int least;
  } rows[] = {{"-p 6 " DIGITS, 975},
              {"-p 4 " DIGITS, 972},
              {"-p 3 " DIGITS, 965},
              {"-p 2 " DIGITS, 915},
              {"-p 4 --scales any " DIGITS, 970},
              {"-p 4 --method mse " DIGITS, 965},
              {"-p 8 -w ternary,channel " DIGITS, 900},
              {"-p 8 -w 4 --method percentile:99.9 " DIGITS, 955},
              {"-p 8 -w 4 --method entropy " DIGITS, 955},
              {"-p 4 -w 4 --method mse --equalize on " DIGITS, 968},
              {"-p 8,4 -w 3 " DIGITS, 960}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char line[256];
    snprintf(line, sizeof line, "$N run --json --images 1000 %s " MLP, rows[i].words);
    int correct = correct_of(c, line);
    if (correct < rows[i].least)
      fail_msg("%s: %d correct, expected %d", rows[i].words, correct, rows[i].least);
  }
  // by the largest value it is useless there
  assert_true(correct_of(c, "$N run --json --images 1000 -p 2 --method max " DIGITS " " MLP) < 500);
}

static void test_file(void **state) {
  struct shell *c = *state;
  const char *text =
      cli_expect(c, "$N quantize --json -p 4 " DIGITS " -d mnist --images 200 -o $D/q.bin " MLP, 0,
                 "\"weight_memory_bits\":406528");
  static const char *const words[] = {
      "\"method\":\"gptq\",\"images\":300,\"layers\":[{\"name\":\"image\"",
      "\"stream\":\"u4,",
      "\"weight_type\":\"s4 per channel\"",
      "\"snr_db\":",
      "\"snr_db_max\":",
      "\"saturated\":",
      "\"accumulator_bits\":",
      "\"mse\":",
      "\"accuracy\":0.9",
      "\"float_accuracy\":"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!strstr(text, words[i])) fail_msg("no %s in %s", words[i], text);
  cli_expect(c, "$N run $D/q.bin", 0, "accuracy  97.");
  cli_expect(c,
             "OMP_NUM_THREADS=1 $N quantize -q -p 4 " DIGITS " -o $D/one.bin " MLP
             " && OMP_NUM_THREADS=3 $N quantize -q -p 4 " DIGITS " -o $D/three.bin " MLP
             " && cmp $D/one.bin $D/three.bin && cmp $D/one.bin $D/q.bin && echo same",
             0, "same");
  cli_expect(c, "$N quantize -p 8,3 -o $D/plain.bin " MLP, 0, "813056 bits of weights\n");
  cli_expect(c, "$N sim --simulator icarus --images 2 -o $D/w $D/q.bin", 0, "PASS");
  cli_expect(c, "$N sim --simulator icarus --images 2 --scales any -p 3 " DIGITS " -o $D/v " MLP, 0,
             "PASS");
}

// Minifloats and powers of two: half of the memory of 8 bits at their accuracy, and its circuits.
static void test_minifloats(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "$N quantize --json -p 8 -w e2m1,channel " DIGITS " -d mnist --images 200 -o "
             "$D/q.bin " MLP,
             0, "\"weight_type\":\"e2m1 per channel\"");
  cli_expect(c, "$N quantize --json -p 8 -w e2m1,channel " DIGITS " -o $D/q.bin " MLP, 0,
             "\"weight_memory_bits\":406528");
  assert_true(correct_of(c, "$N run --json --images 1000 $D/q.bin") >= 970);
  cli_expect(c, "$N sim -q --images 30 -o $D/v $D/q.bin", 0, "PASS   4440 elements compared");
  cli_expect(c, "$N sim -q --simulator icarus --images 1 -o $D/w $D/q.bin", 0, "PASS");
  // powers of two need no multiplier
  cli_expect(c, "$N -q --json -p 8,3 -w log4 -o $D/rtl " MLP, 0, "\"multipliers\":0");
  cli_expect(c, "$N sim -q --images 30 -o $D/v $D/rtl", 0, "PASS   8280 elements compared");
  cli_expect(c, "$N sim -q --images 30 -p 8,3 -w e4m3fn -o $D/v " MLP, 0, "PASS");
  // decoded by half they are another circuit
  cli_expect(c,
             "sed -i \"s/exponent - 1'b1/exponent/\" $D/rtl/fixed_decode.sv; (cd $D/rtl && find . "
             "-type f ! -name SHA256SUMS -printf '%P\\n' | sort | xargs sha256sum >SHA256SUMS); "
             "$N sim -q --images 5 -o $D/v $D/rtl",
             1, "first layer that differs: l0_linear");
  cli_expect(
      c, "$N run -q -p 8,3 --images 10 -w e4m3,-20 " MLP, 0,
      "\"fc1\": all weights are rounded to 0: the largest is 0.758313, a step of e4m3,-20 is");
  cli_expect(c, "$N run -q -p 8,3 --images 10 -w e2m1,9 " MLP, 0,
             "weights are clipped: the largest is 0.758313, e2m1,9 ends at 0.0234375");
  cli_expect(c, "$N run -p 8,3 -w e0m3 " MLP, 2, "weight precision: e0m3: no exponent bit");
  cli_expect(c, "$N run -p 8,3 -w e3m9 " MLP, 2, "e3m9: 13 bits, at most 8");
  cli_expect(c, "$N run -p 32,20 -w e5m2 " MLP, 1,
             "\"fc1\": the accumulator needs 72 bits, at most 62: 10 fewer in the input");
}

// Distances are to integers; what else to give is said, and works.
static void test_distances(void **state) {
  struct shell *c = *state;
  cli_expect(
      c,
      "$N train -q --net models/mnist-rbf.json --data synthetic:200 --test synthetic:10 -e 1 "
      "-o $D/r.bin >$D/log && $N run -p 8,3 -w e4m3 $D/r.bin",
      1, "\"rbf1\": its distances are to integers, not to e4m3,");
  cli_expect(
      c,
      "$N run -p 8,3 -w e4m3 $D/r.bin 2>&1 | sed 's/.*as in //' >$D/f.json; $N run -q -p 8,3 -w "
      "e4m3 --images 10 --data synthetic:10 --formats $D/f.json $D/r.bin",
      0, "accuracy");
}

// Streams of minifloats: rounded once onto the numbers, in fully connected layers and behind pools
// and sums; what isn't rounded so is refused, with what to say instead.
static void test_float_streams(void **state) {
  struct shell *c = *state;
  assert_true(correct_of(c, "$N run --json -p e2m1 -i 8,7 -w 8,channel --images 1000 " MLP) >= 970);
  cli_expect(c, "$N -q -p e2m1 -i 8,7 -w e4m3 -o $D/rtl " MLP " && grep -c OUT_TYPE $D/rtl/top.sv",
             0, "");
  cli_expect(c, "$N sim -q --images 30 -o $D/v $D/rtl", 0, "PASS   8280 elements compared");
  cli_expect(c,
             "sed -i 's/<< scale;/;/' $D/rtl/fixed_requant.sv; (cd $D/rtl && find . "
             "-type f ! -name SHA256SUMS -printf '%P\\n' | sort | xargs sha256sum >SHA256SUMS); "
             "$N sim -q --images 30 -o $D/v $D/rtl",
             1, "first layer that differs: l0_linear");
  cli_expect(c, "$N sim -q --simulator icarus --images 1 -p e4m3 -o $D/w " MLP, 0, "PASS");
  cli_expect(c,
             "echo '{\"layers\":{\"pool\":{\"stream\":\"10,6\"}}}' >$D/f.json && $N sim -q "
             "--images 2 -p e3m2 -w 8,channel --formats $D/f.json -o $D/v models/resnet-mini.bin",
             0, "PASS");
  cli_expect(c, "$N quantize -q -p e4m3 -o $D/q.bin " MLP " && $N run -q --images 100 $D/q.bin", 0,
             "accuracy");
  cli_expect(c, "$N export -o $D/q.onnx $D/q.bin", 1, "a stream of e4m3");
  cli_expect(c, "$N run -p e4m3 models/resnet-mini.bin", 1,
             "\"pool\": an average isn't rounded to e4m3, only to W,F or uW,F");
  cli_expect(c, "$N run -p e4m3 models/mnist-acts.bin", 1,
             "softsign is a table of a fixed input, W,F or uW,F; found e4m3");
  cli_expect(c, "$N run -p e4m3 --rounding floor " MLP, 1,
             "rounding floor and overflow saturate, a minifloat has half_even and saturate");
  cli_expect(c, "$N run -p e5m2 " MLP, 2,
             "its numbers are integers of 34 bits, a stream has at most");
  cli_expect(c, "$N run -p e0m3 " MLP, 2, "precision: e0m3: no exponent bit");
  cli_expect(c, "$N run -p e4m3,x " MLP, 2, "precision \"e4m3,x\", expected eXmY or eXmY,B");
}

// Sums of signs: two bits a weight and no multiplier; their circuits, in a convolution and one of
// channels alone too, files and refusals.
static void test_residuals(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N quantize --json -p 8 -w residual2,channel " DIGITS " -o $D/q.bin " MLP, 0,
             "\"weight_memory_bits\":203264");
  assert_true(correct_of(c, "$N run --json --images 1000 $D/q.bin") >= 900);
  cli_expect(c, "$N -q --json -o $D/rtl $D/q.bin", 0, "\"multipliers\":0");
  cli_expect(c, "$N sim -q --images 30 -o $D/v $D/rtl", 0, "PASS   4440 elements compared");
  cli_expect(c, "$N sim -q --simulator icarus --images 1 -o $D/w $D/q.bin", 0, "PASS");
  cli_expect(c,
             "cd $D/rtl && said=$(verilator --lint-only -Wall --top-module top -f top.f 2>&1;"
             " iverilog -g2012 -Wall -tnull -c top.f 2>&1) && [ -z \"$said\" ] && echo silent",
             0, "silent");
  cli_expect(c, "$N sim -q --images 5 -p 8,3 -w residual3 -o $D/v models/lenet5.bin", 0, "PASS");
  cli_expect(c,
             "$N export -q -o $D/q.onnx $D/q.bin && $N import -q -o $D/back.bin $D/q.onnx && "
             "$N run --json --images 200 $D/back.bin",
             0, "\"accuracy\":");
  cli_expect(c, "$N export -p 8,3 -w e4m3fn -o $D/e.onnx " MLP, 0,
             "its numbers are integers of 19 bits there");
  // one plane's factor for another's
  cli_expect(
      c,
      "sed -i 's/FACTORS\\[8\\*plane+digit\\]/FACTORS[digit]/' $D/rtl/fixed_mac_residual.sv; "
      "(cd $D/rtl && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs "
      "sha256sum >SHA256SUMS); $N sim -q --images 5 -o $D/v $D/rtl",
      1, "first layer that differs: l0_linear");
  cli_expect(c, "$N run -p 8,3 -w residual5 " MLP, 2, "residualN: expected N from 1 to 4");
  cli_expect(c, "$N run -p 8,3 -w residual " MLP, 2, "residualN or eXmY for W");
  cli_expect(c,
             "$N prune -q --kind slot --amount 0.5 -o $D/p.bin " MLP
             " && $N run -p 8,3 -w residual2 $D/p.bin",
             1, "cuts connections, which residual2 has no 0 for: try ternary");
}

// Blocks: elements and exponents in memories of their own, which lanes in have to divide.
static void test_blocks(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N quantize --json -p 8 -w block16:3 " DIGITS " -o $D/q.bin " MLP, 0,
             "\"weight_memory_bits\":323872");
  assert_true(correct_of(c, "$N run --json --images 1000 $D/q.bin") >= 960);
  cli_expect(c, "$N -q -o $D/rtl $D/q.bin && ls $D/rtl/rom | grep -c shared", 0, "8");
  cli_expect(c, "$N sim -q --images 30 -o $D/v $D/rtl", 0, "PASS   4440 elements compared");
  cli_expect(c, "$N sim -q --simulator icarus --images 1 -o $D/w $D/q.bin", 0, "PASS");
  cli_expect(c,
             "cd $D/rtl && said=$(verilator --lint-only -Wall --top-module top -f top.f 2>&1;"
             " iverilog -g2012 -Wall -tnull -c top.f 2>&1) && [ -z \"$said\" ] && echo silent",
             0, "silent");
  cli_expect(c, "$N sim -q --images 20 -p 8,3 -w block32:e2m1,ocp -j 8 -o $D/v " MLP, 0, "PASS");
  cli_expect(c, "$N sim -q --images 20 -p 8,3 -w block1000:4 -j 7 -o $D/v " MLP, 0, "PASS");
  // of a convolution where its lanes divide them and nothing is left out of a window
  cli_expect(
      c,
      "$N -q -p 8,4 -w block6:3 -j 2 -o $D/conv models/lenet5.bin >$D/said; grep -c 'BLOCK(' "
      "$D/conv/top.sv",
      0, "4\n");
  cli_expect(c, "$N sim -q --images 2 -o $D/v $D/conv", 0, "PASS   29224 elements compared");
  cli_expect(c,
             "$N -q -p 8,4 -w block16:3 -o $D/conv3 models/lenet5.bin >$D/said; grep -c 'BLOCK(' "
             "$D/conv3/top.sv",
             0, "3\n");
  // one exponent for another
  cli_expect(
      c,
      "sed -i \"s/base + ADDRESS'(group.*;/base;/\" $D/rtl/fixed_linear_blocks.sv; (cd $D/rtl && "
      "find . -type f ! -name SHA256SUMS -printf '%P\\n' | sort | xargs sha256sum >SHA256SUMS); "
      "$N sim -q --images 5 -o $D/v $D/rtl",
      1, "first layer that differs: l0_linear");
  cli_expect(c,
             "echo '{\"layers\":{\"fc1\":{\"in\":3,\"out\":4}}}' >$D/f.json && $N plan -p 8,3 -w "
             "block16:4 "
             "--folding $D/f.json " MLP,
             1,
             "\"fc1\" (linear): 3 lanes in, which don't divide its blocks of 16 weights (2 would)");
  cli_expect(c, "$N run -p 8,3 -w block0:4 " MLP, 2, "block0: expected 1 to 65536 weights a block");
  cli_expect(c, "$N run -p 8,3 -w block16:bipolar " MLP, 2, "expected blockN:W or blockN:eXmY");
}

static void test_refused(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N quantize -p 4 --calibrate mnist:100 " MLP, 1,
             "--calibrate mnist:100: those images are what --data judges by");
  cli_expect(c,
             "$N quantize -q --force -p 4 --calibrate mnist:100 -o $D/f.bin " MLP " && ls $D/f.bin",
             0, "f.bin");
  cli_expect(c, "$N run -p 4 -d synthetic:50 --calibrate synthetic:50 " MLP, 1,
             "those images are what --data judges by");
  cli_expect(c, "$N quantize -p 4 " MLP, 2, "precision \"4\", expected W,F, as in 8,3, or --cal");
  cli_expect(c, "$N quantize " DIGITS " " MLP, 1, "the model is float: give --precision W,F");
  cli_expect(c, "$N quantize -p 4 --calibrate synthetic:7 " MLP, 1,
             "calibrate: synthetic has 7 images, at least 8 say something");
  cli_expect(c, "$N quantize -p 4 --method gqtp " DIGITS " " MLP, 2,
             "--method gqtp: expected gptq");
  cli_expect(c, "$N quantize -p 4 --method mse " MLP, 2, "--method is about calibration");
  cli_expect(c, "$N quantize -p 4 --keep-output 33 " DIGITS " " MLP, 2, "expected 1 to 32 bits");
  cli_expect(c, "$N quantize -p 4 --scales pow3 " DIGITS " " MLP, 2, "expected pow2 or any");
  cli_expect(c, "$N quantize -p 17 " DIGITS " " MLP, 2, "or W (1 to 16 bits) with --calibrate");
  cli_expect(c, "$N quantize -p 4 --calibrate no.npy " MLP, 1, "no.npy");
  cli_expect(c, "$N quantize -p 4 --calibrate other=synthetic:9 " MLP, 1, "other=synthetic");
  cli_expect(c,
             "$N quantize -q -p 4 " DIGITS " -o $D/q.bin " MLP " && $N quantize -p 4 " DIGITS
             " -o $D/r.bin $D/q.bin",
             1, "the model is quantised already");
  cli_expect(c, "cp " MLP " $D/m.bin && $N quantize -p 4 " DIGITS " -o $D/m.bin $D/m.bin", 1,
             "would be overwritten, it is the model");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_accuracy),   SHELL_CASE(test_file),
                                     SHELL_CASE(test_minifloats), SHELL_CASE(test_blocks),
                                     SHELL_CASE(test_residuals),  SHELL_CASE(test_float_streams),
                                     SHELL_CASE(test_distances),  SHELL_CASE(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
