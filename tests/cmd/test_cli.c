// SPDX-License-Identifier: Apache-2.0
// The program as a user meets it: exit status and message of every kind of bad input, and that
// nothing half written is left. $NNGEN is the program; default build/nngen.
#include "tests/cmd/helper_shell.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MLP "models/mnist-mlp.bin"

static void test_usage(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N", 2, "usage: nngen");
  cli_expect(c, "$N --help", 0, "generate");
  cli_expect(c, "$N help run", 0, "--images N");
  cli_expect(c, "$N run --help", 0, "--images N");
  cli_expect(c, "$N fly " MLP, 2, "there is no command or file \"fly\"");
  cli_expect(c, "$N run --input-std 0 " MLP, 2, "expected numbers above 0");
  cli_expect(c, "$N help fly", 2, "there is no command \"fly\"");
  cli_expect(c, "$N --version", 0, "nngen ");
  cli_expect(c, "$N run", 2, "which model?");
  cli_expect(c, "$N run --colour " MLP, 2, "unknown option --colour");
  cli_expect(c, "$N run " MLP " " MLP, 2, "two arguments");
  cli_expect(c, "$N run " MLP " --images", 2, "an argument is missing");
}

static void test_precision(void **state) {
  struct shell *c = *state;
  static const char *const bad[] = {"8", "0,3", "33,2", "8,x", "1,0", "8,61", "", "8,3,1", "-8,3"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cli_expect(c, arena_printf(&c->arena, "$N --precision '%s' -o $D/rtl " MLP, bad[i]), 2,
               arena_printf(&c->arena, "precision \"%s\", expected W,F", bad[i]));
  cli_expect(c, "$N --precision 8,3 --weight-precision 99 -o $D/rtl " MLP, 2,
             "weight precision \"99\"");
  cli_expect(c, "$N --precision 8,3 --input-precision u9 -o $D/rtl " MLP, 2,
             "input precision \"u9\"");
  cli_expect(c, "$N --precision 8,3 --rounding up -o $D/rtl " MLP, 2, "rounding \"up\"");
  cli_expect(c, "$N --precision 8,3 --overflow none -o $D/rtl " MLP, 2, "overflow \"none\"");
  cli_expect(c, "$N -o $D/rtl " MLP, 1, "the model is float: give --precision W,F");
  cli_expect(c, "test ! -e $D/rtl", 0, "");
}

// What rounding the weights costs is reported per layer: 6 dB for each bit.
static void test_weight_loss(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N info --json -p 8,3 " MLP, 0, "\"weight_snr_db\":31.78,\"bias_snr_db\":48.56");
  cli_expect(c, "$N info --json -p 8,3 -w 9 " MLP, 0, "\"weight_snr_db\":37.77");
  cli_expect(c, "$N info --json " MLP, 0, "\"weight_snr_db\":null");
}

static void test_parallelism(void **state) {
  struct shell *c = *state;
  static const char *const bad[] = {"0", "-1", "1e9", "4x", "", "99999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cli_expect(c, arena_printf(&c->arena, "$N -p 8,3 --parallelism '%s' -o $D/rtl " MLP, bad[i]), 2,
               "expected a number from 1");
  cli_expect(c, "test ! -e $D/rtl", 0, "");
}

static void test_doctor(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N doctor", 0, "CPU kernels");
  cli_expect(c, "$N doctor --json", 0, "{\"name\":\"parity bug\",\"ok\":true");
  cli_expect(c, "mkdir $D/bin; PATH=$D/bin $N doctor", 1, "apt-get install verilator");
  // A simulator that is wrong with the flag as well.
  cli_expect(c,
             "printf '#!/bin/sh\\nwhile [ $# -gt 0 ]; do [ \"$1\" = --Mdir ] && d=$2; shift; "
             "done\\nmkdir -p $d\\n"
             "printf \"#!/bin/sh\\\\necho wrong\\\\n\" >$d/Vknown_bug; chmod +x $d/Vknown_bug\\n' "
             ">$D/bin/verilator; "
             "chmod +x $D/bin/verilator; PATH=$D/bin:$PATH $N doctor",
             1, "don't trust this simulator");
}

static void test_name(void **state) {
  struct shell *c = *state;
  static const char *const bad[] = {
      "wire", "tb",   "fixed_linear", "bench_x",   "1st",          "a-b",      "",
      "a b",  "aclk", "bench",        "l0_linear", "s_axis_tdata", "std_logic"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cli_expect(c, arena_printf(&c->arena, "$N -p 8,3 --name '%s' -o $D/rtl " MLP, bad[i]), 2,
               "--name");
  cli_expect(c,
             "$N -p 8,3 -q --clock 125 --name digits -o $D/rtl " MLP
             " && grep -c 'module digits' $D/rtl/digits.sv",
             0, "1");
  cli_expect(c, "cat $D/rtl/digits.xdc", 0,
             "create_clock -name aclk -period 8.000 [get_ports aclk]");
  cli_expect(c, "$N -p 8,3 --clock 0 -o $D/rtl " MLP, 2, "--clock 0: expected MHz, 1 to 2000");
  cli_expect(c, "$N -p 8,3 --clock 8ns -o $D/rtl " MLP, 2, "--clock 8ns: expected MHz, 1 to 2000");
}

// The vectors of a folder are any integers, or the first images of --data.
static void test_vectors(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N -p 8,3 -q --data mnist -o $D/rtl " MLP " && make -s -C $D/rtl/tb icarus", 0,
             "PASS 4 frames");
  cli_expect(c, "$N -p 8,3 -q --data synthetic:2 -o $D/rtl " MLP, 1,
             "2 images, the vectors take 4");
}

static void test_folding(void **state) {
  struct shell *c = *state;
  cli_expect(
      c,
      "echo '{\"layers\":{\"fc1\":{\"SIMD\":8,\"PE\":2}}}' >$D/f && $N -p 8,3 --folding $D/f -o "
      "$D/rtl --json " MLP,
      0, "\"lanes_in\":8,\"lanes_out\":2,\"cycles\":6272");
  cli_expect(
      c,
      "echo '{\"layers\":{\"fc9\":{\"in\":8}}}' >$D/f && $N -p 8,3 --folding $D/f -o $D/rtl " MLP,
      1, "no layer \"fc9\"");
  cli_expect(
      c,
      "echo '{\"layers\":{\"fc1\":{\"in\":0}}}' >$D/f && $N -p 8,3 --folding $D/f -o $D/rtl " MLP,
      1, "number of lanes");
  cli_expect(
      c,
      "echo '{\"layers\":{\"fc1\":{\"in\":2,\"SIMD\":2}}}' >$D/f && $N -p 8,3 --folding $D/f -o "
      "$D/rtl " MLP,
      1, "the same");
  cli_expect(c, "echo '{' >$D/f && $N -p 8,3 --folding $D/f -o $D/rtl " MLP, 1, "JSON line");
}

static void test_output_folder(void **state) {
  struct shell *c = *state;
  cli_expect(c, "mkdir $D/mine && echo x >$D/mine/x && $N -p 8,3 -o $D/mine " MLP, 1,
             "isn't a folder that nngen wrote");
  cli_expect(c, "cat $D/mine/x; ls $D | wc -l", 0, "x\n1");
  cli_expect(c, "echo x >$D/file && $N -p 8,3 -o $D/file " MLP, 1,
             "isn't a folder that nngen wrote");
  cli_expect(c, "$N -p 8,3 -o $D/file/place " MLP, 1, "Not a directory");
  cli_expect(c, "$N -p 8,3 -q -o $D/a/deep/place " MLP " && rm -r $D/a", 0, "II 6272");
  cli_expect(c, "$N -p 8,3 -o /proc/rtl " MLP, 1, "/proc/rtl:");
  cli_expect(c, "$N -p 8,3 -q -o $D/rtl " MLP " && $N -p 8,3 -j 7 -o $D/rtl " MLP, 0, "II 2128");
  cli_expect(c, "ls -a $D", 0, ".\n..\nfile\nmine\nrtl\n");
}

// A write that fails half way: the old folder stays, nothing of the new one is left.
static void test_disk_full(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N -p 8,3 -o $D/rtl " MLP, 0, "II 6272");
  cli_expect(c, "trap '' XFSZ; ulimit -f 60; $N -p 8,3 -j 2 -o $D/rtl " MLP, 1, "File too large");
  cli_expect(c,
             "trap '' XFSZ; ulimit -f 60; $N run -p 8,3 -o $D/y --quiet --data synthetic:9000 " MLP,
             1, "File too large");
  cli_expect(
      c, "ls -a $D; cd $D/rtl && sha256sum -c --quiet SHA256SUMS && grep -o 'II 6272' report.txt",
      0, ".\n..\nrtl\nII 6272");
  cli_expect(c, "$N run -p 8,3 -o /dev/full --images 1 " MLP, 1, "isn't a regular file");
  cli_expect(c, "$N info -p 8,3 " MLP " >/dev/full", 1, "can't be written");
}

// Means and deviations: lists of numbers, one or one per channel, for models that have pixels.
static void test_normalisation(void **state) {
  struct shell *c = *state;
  static const char *const bad[] = {"", "x", "1,", ",1", "1,,2", "1;2", "inf", "nan", "1 2"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    cli_expect(c, arena_printf(&c->arena, "$N info --input-mean '%s' " MLP, bad[i]), 2,
               arena_printf(&c->arena, "--input-mean %s: expected numbers with commas", bad[i]));
    cli_expect(c, arena_printf(&c->arena, "$N info --input-std '%s' " MLP, bad[i]), 2,
               arena_printf(&c->arena, "--input-std %s: expected numbers with commas", bad[i]));
  }
  cli_expect(c, "$N info --input-std 1,-1 " MLP, 2, "expected numbers above 0");
  cli_expect(c, "$N run -q --images 1000 --real --input-mean 0 --input-std 1 " MLP, 0,
             "978 correct");
  cli_expect(c, "$N run -q --real --input-mean 1 --input-std=-1e0 " MLP, 2, "numbers above 0");
  cli_expect(c, "$N run -q --real --input-mean 0,0,0 " MLP, 1, "3 means and deviations for");
  cli_expect(c, "$N run -q --real --input-mean 0 --input-std 1,1,1 " MLP, 1, "3 means and");
  cli_expect(c,
             "$N run -q --real -o $D/a --input-mean 0.1 " MLP " && $N run -q --real -o $D/b " MLP
             " && cmp $D/a $D/b",
             1, "differ");
  cli_expect(c, "$N -q -p 8,3 -o $D/rtl " MLP " && $N run --input-mean 1 $D/rtl", 1,
             "the pixel table of an integer model is fixed");
  static const char *const types[] = {"-w 8", "-i 8,3", "--rounding floor", "--overflow wrap"};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    cli_expect(c, arena_printf(&c->arena, "$N run %s $D/rtl", types[i]), 1,
               "is quantised already, its types can't be chosen again");
  cli_expect(c, "$N run -w 8 " MLP, 1, "the model is float: give --precision W,F");
}

static void test_models(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N run $D/none.bin", 1, "none.bin: No such file");
  cli_expect(c, "$N run /dev/null", 1, "not a regular file");
  cli_expect(c, "head -c 5000 " MLP " >$D/cut.bin && $N run $D/cut.bin", 1, "cut.bin: ");
  cli_expect(c, "echo hello there, this is no model >$D/t.bin && $N info $D/t.bin", 1,
             "t.bin: not a model.bin, nor of a format that is read (ONNX, TensorFlow Lite, Keras)");
  cli_expect(c, "cp " MLP " $D/long.bin && echo >>$D/long.bin && $N info $D/long.bin", 1,
             "1 bytes trail");
  cli_expect(c, "mkdir $D/empty && $N run $D/empty", 1, "model.bin: No such file");
}

static void test_data(void **state) {
  struct shell *c = *state;
  cli_expect(
      c,
      "printf '\\0\\0\\10\\3\\0\\0\\0\\2\\0\\0\\0\\34\\0\\0\\0\\34abc' >$D/x.idx && $N run -p "
      "8,3 -d $D/x.idx " MLP,
      1, "x.idx");
  cli_expect(
      c,
      "{ printf '\\0\\0\\10\\3\\0\\0\\0\\1\\0\\0\\0\\2\\0\\0\\0\\2'; printf abcd; } >$D/y.idx "
      "&& $N run -p 8,3 -d $D/y.idx " MLP,
      1, "images of 4 elements, input \"image\" of the model has 784");
  cli_expect(c, "$N run -p 8,3 -d $D/none.idx " MLP, 1, "none.idx");
  cli_expect(c, "$N run -p 8,3 --images 0 " MLP, 2, "expected a number");
}

static void test_quantised(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N -p 8,3 -q -o $D/rtl " MLP, 0, "");
  cli_expect(c, "$N run $D/rtl --images 1000 --json -q", 0,
             "\"correct\":978,\"accuracy\":0.978000");
  cli_expect(c, "$N run $D/rtl -p 8,3", 1, "is quantised already");
  cli_expect(c, "$N run $D/rtl --real", 1, "holds integers only");
  cli_expect(c, "$N sim -q $D/rtl -p 8,3", 1, "already");
  cli_expect(c, "echo ' ' >>$D/rtl/top.sv; $N sim -q $D/rtl", 1,
             "top.sv: was changed after it was generated");
}

// Every executor, as a table and as JSON, and what it wrote.
static void test_executors(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N run --real --images 1000 -q --json -o $D/r " MLP, 0,
             "\"executor\":\"real\",\"images\":1000,\"correct\":978,\"accuracy\":0.978000");
  cli_expect(c, "head -c 200 $D/r | tail -c 190 | grep -ao 'F32.*1000,10'", 0,
             "F32\",\"shape\":[1000,10");
  cli_expect(
      c, "$N run --real --images 1000 -q --batch 300 -o $D/b " MLP " && cmp $D/r $D/b && echo same",
      0, "mnist-mlp.bin, real, 1000 images of mnist\naccuracy  97.80 % (978 correct)");
  cli_expect(c, "$N run -q --images 40 -p 8,3 -o $D/fast " MLP, 0, "golden, 40 images of mnist");
  cli_expect(c, "$N run -q --images 40 -p 8,3 --plain -o $D/plain " MLP, 0,
             "golden_ref, 40 images");
  cli_expect(c, "cmp $D/fast $D/plain && echo same", 0, "same");
  cli_expect(c, "$N run -q --images 40 -p 9,3 --plain -o $D/9 " MLP " && cmp $D/fast $D/9", 1,
             "differ");
  cli_expect(c, "$N run -q --json --data synthetic:9 -p 8,3 " MLP, 0,
             "\"layers\":[{\"name\":\"image\",\"snr_db\":2");
}

// Floats from a .npy file: the first images of mnist, whose pixels are divided by 255.
static void test_floats(void **state) {
  struct shell *c = *state;
  cli_expect(
      c,
      "h=\"{'descr':'<f4','fortran_order':False,'shape':(2,784)}\"; { printf '\\223NUMPY\\1\\0';"
      " printf \"\\\\$(printf %o ${#h})\\\\0%s\" \"$h\"; head -c 6272 /dev/zero; } >$D/x.npy && "
      "$N run -q --real " MLP " --data $D/x.npy",
      0, "real, 2 images of");
  cli_expect(c, "$N run -q --json -p 8,3 " MLP " --data $D/x.npy -o $D/y", 0,
             "\"executor\":\"golden\",\"images\":2,\"correct\":null,\"accuracy\":null");
  cli_expect(c, "$N run -q -p 8,3 --plain " MLP " --data $D/x.npy -o $D/z && cmp $D/y $D/z", 0,
             "golden_ref, 2 images");
  cli_expect(c, "$N run -q --json -p 8,3 " MLP " --data $D/x.npy", 0, "\"snr_db\":null");
}

static void test_simulator(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N sim -p 8,3 --clock 200 " MLP, 2, "--clock has no effect: cycles are simulated");
  cli_expect(c, "$N sim -p 8,3 --simulator modelsim " MLP, 2, "expected verilator or icarus");
  cli_expect(c, "$N sim -p 8,3 --stall sometimes " MLP, 2, "stall");
  cli_expect(c, "$N sim -p 8,3 --jobs 65 " MLP, 2, "--jobs 65: at most 64");
  cli_expect(c, "mkdir $D/bin; PATH=$D/bin $N sim -p 8,3 -q -o $D/w " MLP, 1, "verilator");
  cli_expect(c,
             "printf '#!/bin/sh\\nexit 3\\n' >$D/bin/verilator; chmod +x $D/bin/verilator; "
             "PATH=$D/bin:$PATH $N sim -p 8,3 -q -o $D/w " MLP,
             1, "verilator");
}

// A copy of mnist-mlp with its layer relu1 called something else, through the header's own JSON.
#define RENAMED(name)                                                                              \
  "{ sed 's/\\\\\"name\\\\\":\\\\\"relu1\\\\\"/\\\\\"name\\\\\":\\\\\"" name "\\\\\"/' " MLP       \
  " >$D/h.bin; } && "

// Names never reach generated text, and reports show them escaped: the new name is as long as the
// old one in the file, so that the header still fits.
static void test_hostile_names(void **state) {
  struct shell *c = *state;
  cli_expect(
      c,
      RENAMED("$e(`a") "$N -p 8,3 -q -o $D/h $D/h.bin && grep -rl '$e(`a' $D/h | sed 's,.*/,,' "
                       "| sort | "
                       "tr '\\n' ' '",
      0, "manifest.json report.txt ");
  // A newline and U+009B (the 8-bit escape character) as the file spells them: \\n and its UTF-8.
  cli_expect(
      c, RENAMED("a\\\\\\\\nb") "$N -p 8,3 -q -o $D/h $D/h.bin && grep -c 'a.x0ab' $D/h/report.txt",
      0, "1");
  cli_expect(c, RENAMED("a\302\233bc") "$N info $D/h.bin | grep -c 'a.xc2.x9bbc'", 0, "1");
}

// What sim and run accept as a folder is exactly what generate wrote.
static void test_folders(void **state) {
  struct shell *c = *state;
  cli_expect(
      c, "$N -p 8,3 -q -o $D/a " MLP " && cp -r $D/a $D/b && : >$D/b/SHA256SUMS && $N sim -q $D/b",
      1, "isn't listed in SHA256SUMS");
  cli_expect(c, "cp -r $D/a $D/c && sed -i /report.txt/d $D/c/SHA256SUMS && $N sim -q $D/c", 1,
             "report.txt: isn't listed");
  cli_expect(
      c,
      "cp -r $D/a $D/d && sed -i 's/\"lanes_in\":4/\"lanes_in\":-3/' $D/d/manifest.json && cd "
      "$D/d && "
      "sha256sum $(sed 's/.*  //' SHA256SUMS) >S && mv S SHA256SUMS; cd - >/dev/null; $N sim -q "
      "$D/d",
      1, "lanes_in: expected 1 to");
  cli_expect(
      c,
      "cp -r $D/a $D/e && sed -i 's/\"top\":\"top\"/\"top\":\"a;b\"/' $D/e/manifest.json && cd "
      "$D/e && "
      "sha256sum $(sed 's/.*  //' SHA256SUMS) >S && mv S SHA256SUMS; cd - >/dev/null; $N sim -q "
      "$D/e",
      1, "top is missing or wrong");
}

// Paths that make and simulators don't understand are no obstacle; what a simulation says of
// stalls, as JSON, and its waveform.
static void test_paths(void **state) {
  struct shell *c = *state;
#ifdef __SANITIZE_ADDRESS__
  skip(); // the instrumented library doesn't link into a simulator
#endif
  cli_expect(
      c, "mkdir \"$D/a b\" && $N sim -q -p 8,3 --images 4 --stall random50 -o \"$D/a b/ü\" " MLP, 0,
      "stalls             random50");
  cli_expect(
      c, "$N sim -q --simulator icarus --images 2 --trace --json -o \"$D/a b/é\" \"$D/a b/ü/rtl\"",
      0, "\"mismatches\":0");
  cli_expect(c, "ls \"$D/a b/é\"", 0, "wave.fst");
  // builds for folders that are gone are removed, others of the same kind stay
  cli_expect(c,
             "f=$(dirname $D)/nngen-$(id -u)-test$$ && mkdir -m 700 $f.gone $f.kept $f.bare && "
             "ln -s \"$D/gone\" $f.gone/work && ln -s \"$D\" $f.kept/work && "
             "$N sim -q --simulator icarus --images 1 -o \"$D/a b/é\" \"$D/a b/ü/rtl\" && "
             "test ! -e $f.gone && rmdir $f.bare && rm $f.kept/work && rmdir $f.kept && echo swept",
             0, "swept");
}

// With --json standard output is an object whatever happens, and only one.
static void test_json_errors(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *line, *words;
    int status;
  } rows[] = {{"run --json $D/none", "{\"error\":\"", 1},
              {"info --json -p 8 " MLP, "{\"error\":\"precision \\\"8\\\", expected", 2},
              {"import --json README.md -o $D/m", "{\"error\":\"README.md: not a model.bin", 1},
              {"sim --json " MLP, "{\"error\":\"" MLP ": the model is float", 1},
              {"export --json -o $D/x tests/import/files/tflite_cnn_int8.tflite",
               "{\"unsupported\":[{\"node\"", 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    cli_expect(c, arena_printf(&c->arena, "$N %s 2>$D/said", rows[i].line), rows[i].status,
               rows[i].words);
    cli_expect(c, arena_printf(&c->arena, "$N %s 2>/dev/null | wc -l", rows[i].line), 0, "1");
    cli_expect(c, "cat $D/said", 0, "nngen: ");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_usage),       SHELL_CASE(test_precision), SHELL_CASE(test_parallelism),
      SHELL_CASE(test_weight_loss), SHELL_CASE(test_folding),   SHELL_CASE(test_doctor),
      SHELL_CASE(test_name),        SHELL_CASE(test_vectors),   SHELL_CASE(test_output_folder),
      SHELL_CASE(test_disk_full),   SHELL_CASE(test_models),    SHELL_CASE(test_normalisation),
      SHELL_CASE(test_data),        SHELL_CASE(test_quantised), SHELL_CASE(test_executors),
      SHELL_CASE(test_floats),      SHELL_CASE(test_simulator), SHELL_CASE(test_hostile_names),
      SHELL_CASE(test_folders),     SHELL_CASE(test_paths),     SHELL_CASE(test_json_errors)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
