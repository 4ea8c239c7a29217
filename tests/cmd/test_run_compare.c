// SPDX-License-Identifier: Apache-2.0
// run --compare: what the numbers of a file are, codes or values, is found out, said, or asked for;
// and what run --output writes is taken for what it is.
#include "sw/base/file.h"
#include "sw/graph/safetensors.h"
#include "tests/cmd/helper_npy.h"
#include "tests/cmd/helper_shell.h"
#include "tests/import/helper_onnx.h"

#define SET " -q --data synthetic:6:3 "
#define NET " models/mnist-mlp.bin"
#define CODES "$N run" SET "-p 8,3 "

static void test_own_files(void **state) {
  struct shell *s = *state;
  cli_expect(s, CODES "-o $D/a.out" NET, 0, "");
  cli_expect(s, CODES "--compare $D/a.out" NET, 0, "a.out: equal\nform      codes of both\nspeed");
  cli_expect(s, CODES "--expect codes --compare $D/a.out" NET, 0, "form      codes of both\n");
  cli_expect(s, CODES "--expect values --compare $D/a.out" NET, 1,
             "a.out: --expect values: the file says that output \"fc2\" is codes of scale 0.125; "
             "leave --expect away");
  cli_expect(s, "$N run" SET "-p 16,8 --tolerance 2 --compare $D/a.out" NET, 0,
             "form      codes of both, whose scales differ, as values\nworst     output fc2, ");
  cli_expect(s, "$N run" SET "--real --tolerance 2 --compare $D/a.out" NET, 0,
             "form      values of the output, codes of the file as values\n");
  cli_expect(s, "$N run" SET "--real --tolerance 0.0001 --compare $D/a.out" NET, 1,
             "are further apart than 0.0001");
  cli_expect(s,
             "sed 's/:\"0\\.125\"/:\"0,125\"/' $D/a.out >$D/b.out; " CODES "--compare $D/b.out" NET,
             1, "b.out: output \"fc2\": its metadata scale and zero: expected a number, or a list");
  cli_expect(s, CODES "--json --compare $D/a.out" NET, 0, "\"forms\":[\"codes of both\"]");
}

// Scales for each channel, which are the output's own or others.
static void test_channels(void **state) {
  struct shell *s = *state;
  struct {
    const char *scale, *zero, *says;
    int status;
  } cases[] = {
      {"[1,1,1]", "[0,0,0]", ": equal\nform      codes of both\n", 0},
      {"[1,1,1]", NULL, ": equal\nform      codes of both\n", 0},
      {"[1,0.5,1]", "[0,0,0]",
       "form      codes of both, whose scales differ, as values\nfirst     output y, frame "
       "0, element 1: 4, expected 2\nworst     output y, frame 1, element 1: 6, expected 3\n",
       1},
      {"1", "2", "element 0: 3, expected 1\n", 1},
      {"[1,1]", "[0,0]", "or a list of as many as the output has channels", 1},
      {"[1,1,1]", "[0,0]", "or a list of as many as the output has channels", 1},
      {"[]", "[]", "or a list of as many as the output has channels", 1},
      {"[1,true,1]", "0", "or a list of as many as the output has channels", 1}};
  struct tensor *y = tensor_new(&s->arena, DTYPE_I8, 2, (const int64_t[]){2, 3});
  for (int i = 0; i < 6; i++) tensor_set_int(y, i, i == 1 ? 4 : i == 4 ? 6 : 3);
  struct named_tensor named = {"output", y};
  struct onnx_text o = {0};
  struct text net = {0};
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 3});
  onnx_put_node(&o, "Relu", "x", "y", "");
  onnx_put_output(&o, "y");
  onnx_put_file(&o, 13, &net);
  struct err e = {0};
  assert_true(file_write(arena_printf(&s->arena, "%s/r.onnx", s->dir), net.data, net.size, &e));
  text_free(&net);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *metadata[][2] = {{"scale", cases[i].scale}, {"zero", cases[i].zero}};
    const struct safetensors file = {1, &named, cases[i].zero ? 2 : 1, metadata};
    assert_true(safetensors_write(arena_printf(&s->arena, "%s/y", s->dir), &file, &e));
    cli_expect(s, "$N run -q -p 8,0 --codes --data $D/y --compare $D/y $D/r.onnx", cases[i].status,
               cases[i].says);
  }
}

// Outputs whose own type has a scale for each channel: of sums of weights that have, of a vector
// and of an image, whose channels come first.
static void test_channels_of_output(void **state) {
  struct shell *s = *state;
  static const signed char w[12] = {1, -2, 3, 4, 5, -6, 7, 8, -9, 10, 11, 12}, none[3] = {0};
  static const float scales[3] = {0.5F, 0.125F, 1}, step = 0.25F;
  for (int image = 0; image < 2; image++) {
    struct onnx_text o = {0};
    struct text net = {0};
    struct err e = {0};
    enum { INT8 = 3 };
    float x[8];
    for (int i = 0; i < 8; i++) x[i] = (float)(i * 5 % 7) - 3;
    onnx_put_input(&o, "x", image ? 4 : 2, (const int64_t[]){0, 4, 1, 2});
    onnx_put_floats(&o, "scales", 1, (const int64_t[]){3}, scales);
    onnx_put_floats(&o, "step", 0, NULL, &step);
    onnx_put_raw(&o, "zero", INT8, 0, NULL, none, 1);
    onnx_put_raw(&o, "zeros", INT8, 1, (const int64_t[]){3}, none, 3);
    onnx_put_raw(&o, "w", INT8, image ? 4 : 2, (const int64_t[]){3, 4, 1, 1}, w, sizeof w);
    onnx_put_node(&o, "QuantizeLinear", "x step zero", "q", "");
    onnx_put_node(&o, "DequantizeLinear", "q step zero", "d", "");
    onnx_put_node(&o, "DequantizeLinear", "w scales zeros", "v", "axis=0");
    onnx_put_node(&o, image ? "Conv" : "Gemm", "d v", "y", image ? "" : "transB=1");
    onnx_put_output(&o, "y");
    onnx_put_file(&o, 13, &net);
    assert_true(file_write(arena_printf(&s->arena, "%s/c.onnx", s->dir), net.data, net.size, &e));
    text_free(&net);
    npy_write(s, "x.npy", "<f4", image ? "(1, 4, 1, 2)" : "(2, 4)", x, sizeof x);
#define RUN "$N run -q --data $D/x.npy "
    cli_expect(s, RUN "-o $D/c.out $D/c.onnx; grep -ac 'scale.:.\\[' $D/c.out", image,
               image ? "\n0\n" : "\n1\n"); // of an image they are moved, which takes one scale
    cli_expect(s, RUN "--compare $D/c.out $D/c.onnx", 0, ": equal\nform      codes of both\n");
    cli_expect(s, RUN "--real --tolerance 0 --compare $D/c.out $D/c.onnx", 0,
               ": equal\nform      values of the output, codes of the file as values\n");
    cli_expect(
        s, RUN "--real -o $D/r.out $D/c.onnx && " RUN "--tolerance 0 --compare $D/r.out $D/c.onnx",
        0, ": equal\nform      codes of the output as values, values of the file\n");
  }
}

// A file without a word about its numbers.
static void test_others(void **state) {
  struct shell *s = *state;
  cli_expect(s, CODES "-o $D/o.npy" NET " && " CODES "--compare $D/o.npy" NET, 1,
             "o.npy: output \"fc2\": its integers could be codes or values: give --expect codes or "
             "--expect values");
  cli_expect(s, CODES "--expect codes --compare $D/o.npy" NET, 0,
             "o.npy: equal\nform      codes of both\n");
  cli_expect(s, CODES "--expect values --compare $D/o.npy" NET, 1,
             "form      codes of the output as values, values of the file\nfirst     output fc2, ");
  cli_expect(s, "$N run" SET "--real --compare $D/o.npy" NET, 1,
             "its integers could be codes or values");
  cli_expect(
      s, "$N run" SET "--real --expect codes --compare $D/o.npy" NET, 1,
      "--expect codes: output \"fc2\" is floats here, and the file has no scale of its codes");
  cli_expect(
      s, "$N run" SET "--real -o $D/f.npy" NET " && " CODES "--tolerance 2 --compare $D/f.npy" NET,
      0, "form      codes of the output as values, values of the file\n");
  cli_expect(s, "$N run" SET "--real --compare $D/f.npy" NET, 0, "form      values of both\n");
  cli_expect(s, CODES "--expect codes --compare $D/f.npy" NET, 1,
             "f.npy: --expect codes: element 0 of output \"fc2\" is ");
  cli_expect(s, CODES "--expect code --compare $D/f.npy" NET, 1,
             "--expect code: expected codes or values");
  cli_expect(s, CODES "--expect codes" NET, 1,
             "--expect codes is about --compare, which isn't given");
}

// Whole numbers in floats, where --codes is about integers.
static void test_whole(void **state) {
  struct shell *s = *state;
  const char *f = "f=tests/import/files/okay_nabu.tflite; e=$f.expected.safetensors; "
                  "R=\"$N run -q --codes --images 204 --data $e:speech\"; $R -o $D/c.npy $f; ";
  cli_expect(s, arena_printf(&s->arena, "%s$R --compare $e:speech_output $f", f), 0,
             ": equal\nform      codes of both\n");
  cli_expect(s, arena_printf(&s->arena, "%s$R --compare $D/c.npy $f", f), 0,
             ": equal\nform      codes of both\n");
  cli_expect(s, arena_printf(&s->arena, "%s$R --expect values --compare $D/c.npy $f", f), 1,
             "form      codes of the output as values, values of the file\n");
}

static void test_written(void **state) {
  struct shell *s = *state;
  cli_expect(s, CODES "-o $D/o.NPY" NET " && head -c 88 $D/o.NPY | tail -c 78", 0,
             "{'descr': '<i4', 'fortran_order': False, 'shape': (6, 10), }");
  // codes beyond 32 bits with a sign
  cli_expect(s,
             "$N run" SET "-p u32,8 -w 4,3 -o $D/w.npy" NET " && head -c 88 $D/w.npy | tail -c 78",
             0, "{'descr': '<i8', 'fortran_order': False, 'shape': (6, 10), }");
  cli_expect(s, "rm $D/w.npy; " CODES "-o $D/o.npz" NET, 1,
             "o.npz: outputs are written as a safetensors file, or one as a .npy: give ");
  cli_expect(s, "ls $D", 0, "o.NPY\n");
}

// An infinity of the file is equal to nothing but itself, and says nothing of the tolerance.
static void test_infinity(void **state) {
  struct shell *s = *state;
  cli_expect(s,
             "$N run" SET "--real -o $D/i.npy" NET
             " && printf '\\000\\000\\200\\177' | dd of=$D/i.npy bs=1 seek=128 conv=notrunc "
             "2>$D/dd; $N run" SET "--real --compare $D/i.npy" NET,
             1, "1 are further apart than 0.00149");
  cli_expect(s, "$N run" SET "--real --tolerance inf --compare $D/i.npy" NET, 1,
             "--tolerance inf: expected a number of at least 0");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_infinity), SHELL_CASE(test_own_files),
                                     SHELL_CASE(test_channels), SHELL_CASE(test_channels_of_output),
                                     SHELL_CASE(test_others),   SHELL_CASE(test_whole),
                                     SHELL_CASE(test_written)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
