// SPDX-License-Identifier: Apache-2.0
// Words of the command line at their limits, and models and options that single commands refuse or
// show in a way of their own.
#include "tests/cmd/helper_hostile.h"
#include "tests/cmd/helper_npy.h"

#include <string.h>

#define MLP "models/mnist-mlp.bin"
#define ACTS "models/mnist-acts.bin"

static void test_words(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N help", 0, "usage: nngen [COMMAND]");
  cli_expect(c, "$N -h", 0, "usage: nngen [COMMAND]");
  cli_expect(c, "$N", 2, "usage: nngen [COMMAND]");
  cli_expect(c, "$N help completion", 0, "usage: nngen completion [OPTIONS] SHELL");
  cli_expect(c, "$N help doctor", 0, "usage: nngen doctor [OPTIONS]\n");
  cli_expect(c, "$N run -s none " MLP, 2, "unknown option -s"); // of another command
  cli_expect(c, "$N info -- " MLP, 0, "total");
  cli_expect(c, "$N info " MLP " -- " MLP, 2, "two arguments: " MLP " and " MLP);
  cli_expect(c, "$N run --images 100000001 " MLP, 2,
             "--images 100000001: expected a number from 1");
  cli_expect(c, "$N run --images x " MLP, 2, "--images x: expected a number from 1");
  cli_expect(c, "$N -p 8,3 --clock 2001 " MLP, 2, "--clock 2001: expected MHz");
  cli_expect(c, "$N -p 8,3 --clock nan " MLP, 2, "--clock nan: expected MHz");
  cli_expect(c, "$N -p 8,3 --rom-style rom " MLP, 2, "--rom-style rom: expected file or case");
  cli_expect(c, "$N -p 8,3 --rom-style file -q -o $D/rtl " MLP " && ls $D/rtl/rom", 0, ".mem");
  cli_expect(c, "cp " MLP " $D/model; N=$(realpath $N); cd $D; $N -p 8,3 -q -o r model", 0,
             "II 6272");
  cli_expect(c, "$N model", 2, "there is no command or file \"model\"");
}

// Words that change nothing, or nothing that they seem to; words of the environment.
static void test_idle_words(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N run --real -p 8,3 " MLP, 2, "--precision changes nothing with --real");
  cli_expect(c,
             "echo '{\"kinds\":{\"tanh\":{\"stream\":\"8,6\"}}}' >$D/f.json; "
             "$N info -p 8,3 --formats $D/f.json " MLP,
             0,
             "\"tanh\": its entry in the formats file changes nothing: no layer is of this kind");
  cli_expect(c, "OMP_NUM_THREADS=many $N info -p 8,3 " MLP, 2,
             "OMP_NUM_THREADS is \"many\", expected a number of threads");
  cli_expect(c, "$N run --real --rounding floor " MLP, 2, "--rounding changes nothing");
  cli_expect(c, "$N run --real --plain " MLP, 2, "--plain changes nothing with --real");
  cli_expect(c, "$N run --plain " MLP, 1, "--plain is a form of the C model, the model is float");
  cli_expect(c, "$N sim -p 8,3 --simulator icarus --jobs 2 " MLP, 2, "icarus simulates in one");
  static const char *const train[][2] = {
      {"--momentum 0.5", "--momentum changes nothing: adam has none"},
      {"--beta1 0.5 --optimizer sgd", "--beta1 changes nothing: sgd has none"},
      {"--beta2 0.5 --optimizer momentum", "--beta2 changes nothing: momentum has none"},
      {"--rate 0.1 --schedule 0.2,0.1", "--rate 0.1 changes nothing: --schedule 0.2,0.1"},
      {"--rate 0", "--rate 0: expected a number above 0"},
      {"--rate -1", "--rate -1: expected a number above 0"}};
  for (size_t i = 0; i < sizeof train / sizeof *train; i++)
    cli_expect(c, arena_printf(&c->arena, "$N train --net mnist-mlp %s", train[i][0]), 2,
               train[i][1]);
  cli_expect(c, "$N -q -p 8,3 -o $D/rtl " MLP, 0, "");
  static const char *const fixed[] = {
      "-w 8", "-i u8", "--rounding floor", "--overflow wrap", "--input-mean 1", "--input-std 1"};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
    cli_expect(c, arena_printf(&c->arena, "$N sim %s $D/rtl", fixed[i]), 1, "changes nothing");
  cli_expect(c, "NNGEN_KERNELS=foo $N run -p 8,3 " MLP, 2,
             "NNGEN_KERNELS=foo: expected one that this machine has: plain");
  cli_expect(c, "NNGEN_KERNELS=plain $N run -q --images 9 -p 8,3 " MLP, 0, "9 images");
  cli_expect(c, "NNGEN_KERNELS= $N run -q --images 9 -p 8,3 " MLP, 0, "9 images");
  hostile_model(c, "m.bin", "m", "", "");
  hostile_images(c, "x.idx");
  cli_expect(c, "$N sim --simulator icarus -p 8,3 -d $D/x.idx -o $D/w $D/m.bin 2>&1 | grep asked",
             1, "");
  cli_expect(c, "$N run -p 8,3 -d $D/x.idx --images 9 $D/m.bin", 0, "9 images asked for, 4 are");
  cli_expect(c, "$N sim -p 8,3 --simulator icarus -o $D/w $D/m.bin", 1,
             "images of 784 elements, input \"mx\" of the model has 4; --data names the images");
  cli_expect(c,
             "printf '\357\273\277{\"layers\":{\"mL\":{\"in\":99,\"out\":7}}}' >$D/f && $N -p 8,3 "
             "--folding $D/f -o $D/r $D/m.bin",
             0, "f: \"mL\": 99 lanes in, but 4 elements: it gets 4\n");
  cli_expect(c, "$N -p 8,3 --folding $D/f -o $D/r $D/m.bin", 0, "7 lanes out, but 3 elements");
  cli_expect(c, "$N -p 8,3 --target-cycles 9 -j 2 -o $D/r $D/m.bin", 2,
             "--target-cycles chooses the lanes of every layer: leave --parallelism away");
  cli_expect(c, "$N -p 8,3 --target-cycles 9 --folding $D/f -o $D/r $D/m.bin", 2,
             "leave --folding away");
  cli_expect(c, "printf 'PK\3\4 net/data.pkl' >$D/sd.pt; $N info $D/sd.pt", 1,
             "a zip archive of torch.save, which isn't read: export the network to ONNX");
}

// Layers and inputs that quantisation destroys are named by every command, --quiet or not.
static void test_destroyed(void **state) {
  struct shell *c = *state;
  hostile_model(c, "m.bin", "m", "", "");
  hostile_images(c, "x.idx");
  static const char *const commands[] = {"info", "generate -o $D/rtl", "run -d $D/x.idx",
                                         "sim --simulator icarus -o $D/w -d $D/x.idx"};
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
#define SAYS(words, said)                                                                          \
  cli_expect(c, arena_printf(&c->arena, "$N %s -q %s $D/m.bin", commands[i], words), 0, said)
    SAYS("-p 8,3 -w 8,-8", "warning: /tmp/nngen-test-");
    SAYS("-p 8,3 -w 8,-8",
         "\"mL\": all weights are rounded to 0: the largest is 1, a step of 8,-8");
    SAYS("-p 8,3 -w 4,4",
         "\"mL\": 8 of 12 weights are clipped: the largest is 1, 4,4 ends at 0.4375");
    SAYS("-p 8,-3", "\"mx\": every pixel becomes the same integer in 8,-3 (-1024 to 1016 in steps "
                    "of 8): they are 0 to 1; give --input-precision u8,7");
    SAYS("-p 8,3 -i 8,9", "\"mx\": 75 % of all pixel values lie beyond 8,9");
    SAYS("-p 8,3 -w 8,-8 --json", "\"warnings\":[{\"layer\":\"mL\",\"message\":\"all weights");
    SAYS("-p 8,3 --json", "\"warnings\":[]");
    SAYS("-p 8,3 -i raw --input-mean 0.5 --input-std 0.1 --json", "\"warnings\":[]");
    SAYS("-p 8,3 -w 6,5 --json", "\"warnings\":[]"); // 1 becomes 0.96875
  }
}

// What there is, what the type holds, and the option that helps: which then does.
static void test_ranges(void **state) {
  struct shell *c = *state;
  static const struct {
    float x[4];
    const char *says, *gives;
  } rows[] = {
      {{0, 85, 170, 255},
       "75 % of the values lie beyond 8,4 (-8 to 7.9375 in steps of 0.0625): they are 0 to "
       "255; give --input-precision u8,0",
       "u8,0"},
      {{-100, 85, 155, 20}, "they are -100 to 155; give --input-precision 8,-1", "8,-1"},
      {{-129, 127, 100, 120}, "they are -129 to 127; give --input-precision 8,-1", "8,-1"},
      {{-128, 127, 100, 120}, "they are -128 to 127; give --input-precision 8,0", "8,0"},
      {{0, 0.0001F, 0.0002F, 0},
       "all values are rounded to 0 in 8,4 (-8 to 7.9375 in steps of 0.0625): they are 0 to "
       "0.0002; give --input-precision u8,20",
       "u8,20"}};
  hostile_model(c, "m.bin", "m", "", "");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    npy_write(c, "x.npy", "<f4", "(1, 2, 2, 1)", rows[i].x, sizeof rows[i].x);
    cli_expect(c, "$N run -q -p 8,4 --data $D/x.npy $D/m.bin", 0, rows[i].says);
    cli_expect(c,
               arena_printf(&c->arena,
                            "$N run -q -p 8,4 -i %s --data $D/x.npy $D/m.bin 2>&1 | grep "
                            "'mx.*\\(the values\\|all values\\)'",
                            rows[i].gives),
               1, "");
  }
  const float far[4] = {700, 850, 800, 640};
  npy_write(c, "x.npy", "<f4", "(1, 2, 2, 1)", far, sizeof far);
  cli_expect(c, "$N run -q -p 8,4 -i 16,4 --data $D/x.npy $D/m.bin", 0,
             "; --formats with {\"layers\":{\"mL\":{\"stream\":\"8,-3\"}}}\n");
}

static void test_info(void **state) {
  struct shell *c = *state;
  // a scale for each row of the weights; a model without biases; floats; integers alone
  cli_expect(c, "$N info --json -p 8,3 -w 8,channel " MLP, 0, "\"weight_type\":\"s8 per channel\"");
  cli_expect(c, "$N info --json -p 8,3 -w 8,channel " MLP, 0,
             "\"weight_snr_db\":37.45,\"bias_snr_db\":54.12");
  hostile_model(c, "m.bin", "m ", "", "");
  cli_expect(c, "$N info -p 8,3 $D/m.bin", 0, "bias SNR dB");
  cli_expect(c, "$N info --json -p 8,3 $D/m.bin", 0, "\"bias_snr_db\":null");
  cli_expect(c, "$N info -p 8,3 $D/m.bin", 0, "exact"); // its weights are quarters and eighths
  cli_expect(c, "$N info $D/m.bin", 0, ": input m x 2 x 2 x 1, real");
  cli_expect(c,
             "$N -p 8,3 -q -o $D/rtl $D/m.bin >/dev/null; $N info $D/rtl | head -1 | grep -c SNR",
             1, "0");
}

#define TWO "\"outputs\":[\"@m\"]}", "\"outputs\":[\"@m\",\"@r\"]}"

static void test_models_of_two_ends(void **state) {
  struct shell *c = *state;
  hostile_model(c, "two.bin", "t ", TWO);
  hostile_images(c, "x.idx");
  cli_expect(c, "$N run --real --data $D/x.idx $D/two.bin", 0, "real, 4 images of");
  cli_expect(c, "$N run -p 8,3 --data $D/x.idx $D/two.bin", 0, "golden, 4 images of");
  cli_expect(c, "$N -p 8,3 -o $D/two $D/two.bin", 0, "l1_fork");
  hostile_model(c, "raw.bin", "r ", ",\"source\":{\"type\":\"u8\",\"mean\":[0.0],\"std\":[1.0]}",
                "");
  cli_expect(c, "$N run --real --data $D/x.idx $D/raw.bin", 1,
             "x.idx: bytes, but input \"r x\" of the model has no pixel source");
  cli_expect(c, "$N -p 8,3 --data $D/x.idx -o $D/rtl $D/raw.bin", 1, "has no pixel source");
  cli_expect(c, "test ! -e $D/rtl", 0, "");
}

// A table of all losses; layers with a scale per channel have none.
static void test_losses(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N run -q -p 8,3 --data synthetic:3000 " MLP, 0, "against the float model:\n");
  const char *said = cli_expect(
      c, "$N run -q --json --formats tests/formats/affine.json --data synthetic:30 " ACTS, 0,
      "snr_db");
  assert_null(strstr(said, "\"saturated\":nan"));
  cli_expect(
      c,
      "$N run -q --formats tests/formats/affine.json --data synthetic:30 --plain -o $D/a " ACTS
      " >$D/log && $N run -q --formats tests/formats/affine.json --data synthetic:30 --batch 7 "
      "-o $D/b " ACTS " >$D/log && cmp $D/a $D/b && echo same",
      0, "same");
}

// ---- train

#define TRAIN "$N train --data synthetic:40 --epochs 2 --batch 10 -o $D/m.bin "
#define TINY                                                                                       \
  "--net "                                                                                         \
  "'{\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":" \
  "10}]}' "

static void test_nets(void **state) {
  struct shell *c = *state;
  cli_expect(c, TRAIN, 1, "--net: which network? a recipe (mnist-mlp), JSON text or a model.bin");
  cli_expect(c, TRAIN "--net models/mnist-300.json --json", 0, "\"net\":\"models/mnist-300.json\"");
  cli_expect(c, TRAIN "--net $D/none.json", 1, "none.json: No such file");
  cli_expect(c, "echo '{\"layers\":[]}' >$D/bad.json; " TRAIN "--net $D/bad.json", 1,
             "bad.json: input: expected");
  cli_expect(c, TRAIN TINY, 0, "memory    ");
  // the model by any name, in this folder or another
  cli_expect(c, "cp $D/m.bin $D/tiny; " TRAIN "--net $D/tiny", 0, "sha256");
  cli_expect(c, "N=$(realpath $N); cd $D; " TRAIN "--net tiny", 0, "sha256");
  cli_expect(c, "echo nothing >$D/text; " TRAIN "--net $D/text", 1,
             "text: 8 bytes are too few for a model file");
}

static void test_reports(void **state) {
  struct shell *c = *state;
  cli_expect(c, TRAIN TINY "--test synthetic:20:3", 0, "of 20 images of synthetic:20:3)\nmemory ");
  cli_expect(
      c,
      "$N train -q --net mnist-mlp --data synthetic:300:5 --batch 30 --epochs 60 --rate 0.02 "
      "--schedule constant --validation 100 --patience 2 -o $D/m.bin",
      0, "\n\nstopped early: epoch ");
  cli_expect(c, TRAIN TINY "--json", 0, "\"validation_loss\":null,\"validation_accuracy\":null");
  cli_expect(c,
             "N=$(realpath $N); cd $D; rm -f model.bin; $N train --data synthetic:40 --batch 10 "
             "--epochs 1 -q " TINY " && ls model.bin",
             0, "model.bin");
}

// What can't be written: the run ends with a message, no temporary file is left.
static void test_unwritable(void **state) {
  struct shell *c = *state;
  cli_expect(c, TRAIN TINY "-o $D/no/m.bin", 1, "no can't be written: No such file");
  cli_expect(c, TRAIN TINY "--log $D/no/log", 1, "no can't be written");
  cli_expect(c, TRAIN TINY "--checkpoint $D/no/c", 1, "no can't be written");
  cli_expect(c, "mkdir $D/c; " TRAIN TINY "--checkpoint $D/c", 1,
             "/c: exists and isn't a regular file");
  cli_expect(c, TRAIN TINY "-o /dev/null", 1, "/dev/null: exists and isn't a regular file");
  cli_expect(c, "ls $D", 0, "c\n");
}

// gnuplot draws the picture; the stand-in keeps what it was given.
static void test_pictures(void **state) {
  struct shell *c = *state;
  hostile_put(c, "gnuplot", "#!/bin/sh\ncat $1 >\"${0%/bin/*}/script\"\necho '<svg/>'\n");
  cli_expect(c, "mkdir $D/bin && mv $D/gnuplot $D/bin && chmod +x $D/bin/gnuplot", 0, "");
#define PLOT "PATH=$D/bin:$PATH " TRAIN TINY "--plot $D/p.svg "
  cli_expect(c, PLOT "&& cat $D/p.svg && grep -c '^e$' $D/script", 0, "<svg/>\n2\n");
  cli_expect(c, PLOT "--validation 10 && grep -c '^e$' $D/script", 0, "4\n");
  cli_expect(
      c, "grep -c '^2 ' $D/script; grep -o \"title '[^']*'\" $D/script", 0,
      "4\ntitle 'loss'\ntitle 'validation loss'\ntitle 'accuracy'\ntitle 'validation accuracy'\n");
  cli_expect(c, PLOT "--plot $D/no/p.svg", 1, "no can't be written");
  cli_expect(c, "echo 'echo line 3: undefined variable; exit 1' >>$D/bin/gnuplot; " PLOT, 1,
             "gnuplot failed: <svg/>");
  cli_expect(
      c, "mkdir $D/empty; PATH=$D/empty " TRAIN TINY "--plot $D/q.svg -q 2>&1 | grep -c gnuplot", 1,
      "0");
  cli_expect(c, "ls $D", 0, "bin\nempty\nm.bin\np.svg\nscript\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_words),      SHELL_CASE(test_idle_words), SHELL_CASE(test_destroyed),
      SHELL_CASE(test_ranges),     SHELL_CASE(test_info),       SHELL_CASE(test_models_of_two_ends),
      SHELL_CASE(test_losses),     SHELL_CASE(test_nets),       SHELL_CASE(test_reports),
      SHELL_CASE(test_unwritable), SHELL_CASE(test_pictures)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
