// SPDX-License-Identifier: Apache-2.0
// .tflite files from the command line: what was recorded of them, and their circuits, simulated.
#include "tests/cmd/helper_shell.h"

#include <stdlib.h>

#define FILES "tests/import/files/"
#define RECORDED(name, what) FILES name ".tflite.expected.safetensors:" what

static void outputs(void **state) {
  struct shell *c = *state;
  static const char *const names[] = {"ad01_int8", "kws_ref_model", "pretrainedResnet_quant",
                                      "str_ww_ref_model"};
  for (int i = 0; i < 4; i++)
    cli_expect(c,
               arena_printf(&c->arena,
                            "$N run --codes --data " RECORDED("%s", "input") " --compare " RECORDED(
                                "%s", "output") " " FILES "%s.tflite",
                            names[i], names[i], names[i]),
               0, ": equal");
}

static void steps(void **state) {
  struct shell *c = *state;
  static const char *const names[] = {"okay_nabu", "alexa"};
  for (int i = 0; i < 2; i++)
    cli_expect(
        c,
        arena_printf(&c->arena,
                     "$N run --codes --data " RECORDED("%s", "speech") " --compare " RECORDED(
                         "%s", "speech_output") " " FILES "%s.tflite",
                     names[i], names[i], names[i]),
        0, ": equal");
}

// Through a model.bin it is the same.
static void imported(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N import -o $D/kws.bin " FILES "kws_ref_model.tflite", 0, "13 layers");
  cli_expect(c,
             "$N run --codes --data " RECORDED("kws_ref_model", "input") " --compare " RECORDED(
                 "kws_ref_model", "output") " $D/kws.bin",
             0, ": equal");
}

static void pictures(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N sim --images 8 -o $D/cnn " FILES "tflite_cnn_int8.tflite", 0, " 0 mismatches");
}

// Sums of two streams, and averages of codes.
static void residuals(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "$N sim --codes --images 2 --data " RECORDED("pretrainedResnet_quant",
                                                          "input") " -o $D/resnet " FILES
                                                                   "pretrainedResnet_quant.tflite",
             0, " 0 mismatches");
}

// What steps remember is in registers; a table at the end.
static void memory(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "$N sim --codes --images 24 --data " RECORDED("alexa", "speech") " -o $D/alexa " FILES
                                                                              "alexa.tflite",
             0, " 0 mismatches");
}

// Each state is a line buffer, or two where its channels go apart.
static void lines(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "$N -q -j 4 -o $D/nabu " FILES "okay_nabu.tflite && "
             "echo $(grep -c '_line .*axis_window' $D/nabu/report.txt) lines, "
             "$(grep -c axis_state $D/nabu/report.txt) states",
             0, "9 lines, 0 states");
}

static void all_others(void **state) {
  struct shell *c = *state;
  static const char *const names[] = {"ad01_int8", "kws_ref_model", "str_ww_ref_model",
                                      "vww_96_int8", "okay_nabu"};
  if (!getenv("NNGEN_TEST_DEEP")) skip();
  for (int i = 0; i < 5; i++)
    cli_expect(c,
               arena_printf(&c->arena,
                            "$N sim --codes --images 12 --data " FILES
                            "%s.tflite.expected.safetensors:%s -o $D/%s " FILES "%s.tflite",
                            names[i], i == 4 ? "speech" : "input", names[i], names[i]),
               0, " 0 mismatches");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(outputs),   SHELL_CASE(steps),  SHELL_CASE(imported), SHELL_CASE(pictures),
      SHELL_CASE(residuals), SHELL_CASE(memory), SHELL_CASE(lines),    SHELL_CASE(all_others)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
