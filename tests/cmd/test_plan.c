// SPDX-License-Identifier: Apache-2.0
// plan: what it prints, the folding files that it writes and FINN's, and targets that can't be met.
#include "sw/base/file.h"
#include "sw/graph/model.h"
#include "sw/train/recipe.h"
#include "tests/cmd/helper_shell.h"

#include <stdio.h>
#include <string.h>

#define MLP "models/mnist-mlp.bin"
#define LENET "models/lenet5.bin"

static void test_plan(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N plan -p 8,3 --target-cycles 6272 " MLP, 0,
             "II 6272 cycles, latency 7520 cycles, 15943.9 frames/s at 100 MHz, 17 multipliers");
  cli_expect(c, "$N plan -p 8,3 --target-cycles 6272 " MLP, 0,
             "sets the pace; 15 multipliers would take 6751 cycles");
  cli_expect(c, "$N plan -p 8,3 --target-fps 10000 --clock 200 " LENET, 0, "II 20000 cycles");
  cli_expect(c, "$N plan -p 8,3 --max-multipliers 30 " LENET, 0, "II 16000 cycles");
  cli_expect(c, "$N plan -p 8,3 --json --max-memory 510000 " LENET, 0, "\"frames_per_second\":");
  cli_expect(c, "$N plan -p 8,3 " MLP, 0, "as asked");
  cli_expect(c, "$N -p 8,3 --target-fps 20000 -o $D/r " MLP, 0, "II 4816 cycles");
  cli_expect(c, "$N sim -p 8,3 --simulator icarus --images 2 --max-multipliers 64 -o $D/w " MLP, 0,
             "PASS");
}

// The fastest that a part has room for: with less of it, what stands in the way.
// What completes --device is what devices.def has.
static void test_device_words(void **state) {
  struct shell *c = *state;
  static const char *const names[] = {
#define DEVICE(name, ...) name,
#include "sw/circuit/devices.def"
#undef DEVICE
  };
  const char *words = "";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    words = arena_printf(&c->arena, "%s%s%s", words, i ? " " : "", names[i]);
  cli_expect(c, "$N completion bash | grep -A1 -e '--device)'", 0,
             arena_printf(&c->arena, "compgen -W '%s' --", words));
}

static void test_device(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N plan -p 8,3 --device zynq-7020 " LENET, 0, "II 2352 cycles");
  cli_expect(c, "$N plan -p 8,3 --device artix7-35t " LENET, 0,
             "; 89 of 90 DSP blocks (98.9 %), 32 of 100 block RAMs of 18 kbit (32 %)");
  cli_expect(c, "$N plan -p 8,3 --device artix7-35t --json " LENET, 0,
             "\"device\":{\"name\":\"artix7-35t\",\"family\":\"xc7\",\"lut\":20800,\"ff\":41600,"
             "\"dsp\":90,");
  cli_expect(c, "$N -p 8,3 --device artix7-35t -o $D/d " LENET, 0, "II 4800 cycles");
  cli_expect(c, "$N plan -p 8,3 --target-cycles 4000 --device artix7-35t " LENET, 1,
             " DSP blocks of at most 90, 60 of them in l3_conv2d; within the budget a frame takes "
             "4800 cycles");
  cli_expect(
      c, "$N plan -p 24,12 --device artix7-35t " MLP, 1,
      "even at 100352 cycles a frame, the least there is: 151 block RAMs of at most 100, 148 "
      "of them in l0_linear");
  cli_expect(c, "$N plan -p 8,3 --device ecp5-25 " LENET, 0, "\necp5-25 (ECP5): about ");
  cli_expect(c, "$N plan -p 8,3 --device ice40-up5k models/mnist-mlp.bin", 1,
             "block RAMs of at most 30");
  cli_expect(c, "$N plan -p 8,3 --device ecp5-45 --json " LENET, 0,
             "\"device\":{\"name\":\"ecp5-45\",\"family\":\"ecp5\",\"lut\":43848,");
  cli_expect(c, "$N plan -p 8,3 --device ecp5-25 --pack-products " LENET, 2,
             "--pack-products: ecp5-25 (ECP5) has no multipliers of 25 x 18 bits");
  cli_expect(
      c, "$N plan -p 8,3 --device artix7-36t " LENET, 2,
      "--device artix7-36t: expected artix7-35t, artix7-100t, zynq-7020, zu3eg, zu7ev, ecp5-25, "
      "ecp5-45, ecp5-85 or ice40-up5k");
  cli_expect(c, "$N plan -p 8,3 --device zu3eg -j 4 " LENET, 2,
             "--device chooses the lanes of every layer: leave --parallelism away");
}

// What a plan writes gives the same circuit when it is read, with the graph's names and FINN's.
static void test_files(void **state) {
  struct shell *c = *state;
  static const char *const styles[] = {"", "--style finn"};
  for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
    cli_expect(
        c,
        arena_printf(&c->arena,
                     "$N plan -p 8,3 --target-cycles 19600 %s -o $D/f.json " LENET
                     " >$D/a && $N -p 8,3 --parallelism 1 --folding $D/f.json -o $D/r%zu " LENET
                     " && cat $D/f.json",
                     styles[i], i),
        0, i ? "\"MatrixVectorActivation_1\": {\"SIMD\": " : "\"conv2\": {\"in\": ");
    cli_expect(c, arena_printf(&c->arena, "cat $D/r%zu/report.txt", i), 0, "II 19600 cycles");
  }
  cli_expect(c, "diff -r -x manifest.json $D/r0 $D/r1", 0, "");
  cli_expect(c, "$N plan -p 8,3 -o $D/g.json " LENET " >/dev/null; cat $D/g.json", 0, "\"fc3\": {");
}

// SIMD of a layer with weights of each channel alone is taps of a channel, PE channels.
static void test_finn_depthwise(void **state) {
  struct shell *c = *state;
  struct bytes text;
  struct recipe r;
  struct err e = {0};
  if (!file_read(&c->arena, "models/ds-mini.json", 1 << 20, &text, &e) ||
      !recipe_parse(&c->arena, (const char *)text.data, text.size, 1, &r, &e) ||
      !model_write(arena_printf(&c->arena, "%s/ds.bin", c->dir), r.model, &e))
    fail_msg("%s", e.text);
  cli_expect(c,
             "$N plan -p 8,3 --target-cycles 784 --style finn -o $D/f.json $D/ds.bin >/dev/null && "
             "cat $D/f.json",
             0, "\"VectorVectorActivation_0\": {\"SIMD\": 9, \"PE\": 2}");
  cli_expect(c, "$N plan -p 8,3 -j 1 --folding $D/f.json $D/ds.bin", 0, "II 784 cycles");
  cli_expect(c,
             "printf '%s' '{\"Defaults\":{},\"VVAU_0\":{\"PE\":2,\"SIMD\":4}}' >$D/f && "
             "$N plan -p 8,3 --folding $D/f $D/ds.bin",
             1, "8 lanes in and 2 out (2 in would, or 6, of a column of taps, or 18, of all)");
}

static void test_finn(void **state) {
  struct shell *c = *state;
#define FOLD(text, status, says)                                                                   \
  cli_expect(c, "printf '%s' '" text "' >$D/f && $N plan -p 8,3 --folding $D/f " LENET, status,    \
             says)
  FOLD("{\"Defaults\":{},\"MVAU_hls_0\":{\"PE\":6,\"SIMD\":5,\"ram_style\":\"auto\"}}", 0,
       "  5    6");
  FOLD("{\"Defaults\":{},\"conv1\":{\"PE\":3,\"SIMD\":1},\"StreamingFIFO_0\":{\"depth\":2}}", 0,
       "1 entries are about what isn't a layer with weights here: left alone");
  FOLD("{\"Defaults\":{},\"MatrixVectorActivation_5\":{\"PE\":1}}", 1,
       "/f: \"MatrixVectorActivation_5\": there are fewer layers of its kind in the circuit");
  FOLD("{\"Defaults\":{},\"VVAU_0\":{\"PE\":1}}", 1, "there are fewer layers of its kind");
  FOLD("{\"Defaults\":{},\"MVAU_hls_0\":{\"PE\":0}}", 1, "\"PE\": expected a number of lanes");
  FOLD("{\"Defaults\":{},\"MVAU_hls_0\":4}", 1, "\"MVAU_hls_0\": expected an object");
  FOLD("{\"Defaults\":{\"PE\":[2,[\"all\"]]}}", 1, "\"PE\" for many nodes isn't read");
  FOLD("{\"layers\":{\"fc9\":{\"in\":1}}}", 1,
       "/f: there is no layer \"fc9\" in the circuit (nngen info lists them)");
  FOLD("{\"layers\":{\"MVAU_hls_0\":{\"in\":1}}}", 1, "there is no layer \"MVAU_hls_0\"");
}

static void test_sweep(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N plan -p 8,3 --sweep " LENET, 0, "86 plans, none both faster and cheaper");
  cli_expect(c, "$N plan -p 8,3 --sweep --json " LENET, 0,
             "{\"plans\":[{\"cycles\":240000,\"frames_per_second\":416.667,\"multipliers\":5");
  cli_expect(c, "$N plan -p 8,3 --sweep --svg $D/s.svg " LENET " >$D/o && cat $D/s.svg", 0,
             "</svg>");
  // a name in the title isn't gnuplot's
  cli_expect(c,
             "cp " LENET " \"$D/a'; system('touch hacked').bin\" && $N plan -p 8,3 --sweep --svg "
             "$D/h.svg \"$D/a'; system('touch hacked').bin\" >$D/o && test ! -e hacked",
             0, "");
}

static void test_words(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *words, *says;
  } bad[] = {
      {"--target-fps x", "--target-fps x: expected frames per second"},
      {"--target-fps 0", "--target-fps 0: expected frames per second"},
      {"--target-fps 2e8", "more frames than --clock has cycles, 100000000 per second"},
      {"--target-fps 9 --target-cycles 9", "--target-cycles and --target-fps: give one of them"},
      {"--max-multipliers 9 -j 2", "--max-multipliers chooses the lanes of every layer: leave "
                                   "--parallelism away"},
      {"--max-memory 9 --folding f", "leave --folding away"},
      {"--sweep --target-cycles 9",
       "--sweep shows the plans for every target: leave a target away"},
      {"--sweep -o f", "leave -o away"},
      {"--svg f", "--svg draws what --sweep finds, or --memory: give one of them, too"},
      {"--style finn", "--style is about a folding file: give -o FILE"},
      {"--style x -o f", "--style x: expected nngen or finn"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cli_expect(c, arena_printf(&c->arena, "$N plan -p 8,3 %s " MLP, bad[i].words), 2, bad[i].says);
  cli_expect(c, "$N plan " MLP, 1, "the model is float: give --precision W,F");
  cli_expect(c, "$N plan --sweep " MLP, 1, "the model is float: give --precision W,F");
  cli_expect(c, "$N plan -p 8,3 --target-cycles 783 " LENET, 1,
             LENET ": layer \"conv1\" takes 784 cycles");
  cli_expect(c, "$N plan -p 8,3 --target-cycles 6272 --max-multipliers 16 " MLP, 1,
             "within the budget a frame takes 6751 cycles");
  cli_expect(c, "cp " MLP " $D/m && $N plan -p 8,3 -o $D/m $D/m", 1,
             "would be overwritten, it is the model");
}

// A folder as a plan: its period and its length are what the manifest says; as a file it comes
// back, wherever that lies; a changed one is refused, and so are another circuit and options that
// make one.
static void test_circuit(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "$N -q -p 8,3 -j 16 -o $D/rtl " LENET
             " && mkdir $D/a && grep '\"ii\"' $D/rtl/manifest.json",
             0, "\"ii\":19600");
  const char *said = cli_expect(c, "$N plan -o $D/a/plan.json $D/rtl", 0,
                                "\na frame every 19600 cycles, through in 19755; 774 multipliers");
  assert_non_null(strstr(said, "memories: the checker finds no fault\n"));
  assert_non_null(
      strstr(said, "no period is shorter than what l0_conv2d does in one: 19600 cycles"));
  cli_expect(c, "grep -o '\"latency\":19754' $D/rtl/manifest.json", 0, "19754");
  cli_expect(c, "grep -o '\"of\":\"[^\"]*\"' $D/a/plan.json", 0, "\"of\":\"../rtl\"");
  cli_expect(c, "$N plan --replay $D/a/plan.json >$D/x; $N plan $D/rtl | cmp $D/x && echo same", 0,
             "same");
  cli_expect(
      c,
      "n=$(realpath $N) && cd $D/a && $n plan --replay plan.json >../y; cmp ../x ../y && echo same",
      0, "same");
  cli_expect(c, "$N plan --replay --mode auto $D/a/plan.json", 0, "\na frame every 19600 cycles");
  cli_expect(c, "$N plan --json -t $D/rtl", 0,
             "\"period\":19600,\"length\":19755,\"bound\":19600,");
  cli_expect(c, "$N plan -t $D/rtl", 0, "  SEND \"input0\" step 0 on s_axis\n");
  cli_expect(c, "$N plan --replay --mode compat $D/a/plan.json", 1,
             "--mode compat is about decisions");
  cli_expect(c,
             "sed 's/\"period\":19600/\"period\":19599/' $D/a/plan.json >$D/a/less.json; $N plan "
             "--replay $D/a/less.json",
             1, "at 19639..39239: it is at work until 19640");
  cli_expect(c, "$N plan --replay --json $D/a/less.json", 1, "\"faults\":[{\"event\":");
  cli_expect(c,
             "sed 's/\"home\":true/\"home\":2/' $D/a/plan.json >$D/a/bad.json; $N plan --replay "
             "$D/a/bad.json",
             1, "/a/bad.json: resources: 0: home: expected true or false, found 2");
  cli_expect(c, "sed 's/..rtl/no/' $D/a/plan.json >$D/a/bad.json; $N plan --replay $D/a/bad.json",
             1, "of: expected a folder that generate wrote, found \"");
  cli_expect(c, "$N -q -p 8,3 -j 4 -o $D/rtl " LENET " && $N plan --replay $D/a/plan.json", 1,
             "identity: expected that of \"");
  static const char *const others[] = {"-p 8,3",      "--memory 4096", "--machine stm32f746",
                                       "--sweep",     "-j 4",          "--target-cycles 100",
                                       "--svg x.svg", "--unpruned"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    cli_expect(c, arena_printf(&c->arena, "$N plan %s $D/rtl", others[i]), 2,
               "is a circuit already, whose plan is printed: leave --");
  cli_expect(c, "echo >>$D/rtl/top.sv; $N plan $D/rtl", 1, "was changed after it was generated");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_plan),   SHELL_CASE(test_circuit),        SHELL_CASE(test_files),
      SHELL_CASE(test_finn),   SHELL_CASE(test_finn_depthwise), SHELL_CASE(test_sweep),
      SHELL_CASE(test_device), SHELL_CASE(test_device_words),   SHELL_CASE(test_words)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
