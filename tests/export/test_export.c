// SPDX-License-Identifier: Apache-2.0
// The command: which form a model gets, what can't be written and why, pictures.
#include "tests/cmd/helper_hostile.h"

#include <stdlib.h>
#include <string.h>

#define MLP "models/mnist-mlp.bin"

static void test_forms(void **state) {
  struct shell *s = *state;
  cli_expect(s, "$N export -o $D/a.onnx " MLP, 0, "a.onnx: 4 layers");
  cli_expect(s, "strings $D/a.onnx | grep -c 'Quant\\|quant'", 1, "0");
  cli_expect(s, "$N export -q -p 8,3 -o $D/a.onnx " MLP "; strings $D/a.onnx", 0, "QuantizeLinear");
  cli_expect(s, "$N export -q -p 4,2 -w bipolar -o $D/a.onnx " MLP "; strings $D/a.onnx", 0,
             "BipolarQuant");
  cli_expect(s, "$N export -q -p 8,3 --form float -o $D/a.onnx " MLP " 2>&1; strings $D/a.onnx", 0,
             "nngen");
  cli_expect(s, "$N export -p 8,3 --form float -o $D/a.onnx " MLP, 0,
             "--form float has the weights' values, but neither types nor rounding");
  cli_expect(s, "cd $D && $OLDPWD/$N export $OLDPWD/" MLP " && ls -l net.onnx", 0, "net.onnx");
  cli_expect(s, "$N export --json -o $D/a.onnx --dot $D/a.dot " MLP, 0,
             "a.dot\"],\"unsupported\":[]");
}

static void test_refused(void **state) {
  struct shell *s = *state;
  static const struct {
    const char *line, *words;
    int status;
  } rows[] = {
      {"$N export --form onnx " MLP, "--form onnx: expected float, qdq or qonnx", 2},
      {"$N export --form qdq " MLP, "the model is float: give --precision W,F", 1},
      {"$N export -p 8,3 -w bipolar --form qdq " MLP, "weights of one bit; --form qonnx", 1},
      {"$N export -p 8,3 --rounding half_up --form qdq " MLP,
       "rounding half_up: QuantizeLinear has half_even; --form float", 1},
      {"$N export -p 8,3 --rounding ceil --form qdq " MLP, "has half_even; --form qonnx", 1},
      {"$N export -p 8,3 --overflow wrap " MLP, "overflow wrap; --form float", 1},
      {"$N export -p 20,3 --form qdq " MLP, "integers of 20 bits", 1},
      {"$N export tests/import/files/okay_nabu.tflite", "layers can't be exported (nngen export",
       1},
      {"$N export tests/import/files/okay_nabu.tflite",
       "it reads what frames before gave: ONNX keeps nothing", 1},
      {"$N export --json tests/import/files/tflite_cnn_int8.tflite", "\"remedy\":\"--form float\"",
       1},
      {"$N export -o " MLP " " MLP, "would be overwritten, it is the model", 1},
      {"$N export --dot " MLP " " MLP, "would be overwritten, it is the model", 1},
      {"$N export --dot $D/x --svg $D/x " MLP, "would write the same file", 1},
      {"$N export -o $D/no/where.onnx " MLP, "no/where.onnx", 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(s, rows[i].line, rows[i].status, rows[i].words);
  cli_expect(s, "ls net.onnx $D/x 2>&1 | grep -c 'No such'", 0, "2");
}

// A model of integers whose file has no types that ONNX knows says so; its values can go.
static void test_values(void **state) {
  struct shell *s = *state;
  cli_expect(
      s,
      "f=tests/import/files/tflite_cnn_int8; $N export -q --form float -o $D/a.onnx $f.tflite "
      "&& $N info $D/a.onnx",
      0, "softmax");
}

// What pixels are goes along in the file's metadata.
static void test_source(void **state) {
  struct shell *s = *state;
  cli_expect(s,
             "$N import -q --input-mean 0.1307 --input-std 0.3081 models/lenet5.bin -o $D/1.bin && "
             "$N export -q -o $D/a.onnx $D/1.bin && $N import -q $D/a.onnx -o $D/2.bin && cmp "
             "$D/1.bin $D/2.bin && strings $D/a.onnx | grep -A1 nngen.input",
             0, "{\"mean\":[0.1307],\"std\":[0.3081]}");
  static const char *const bad[] = {"s/0.3081/0.0000/", "s/0.3081/-.3081/", "s/0.1307],/0.13071,/",
                                    "s/\"mean\"/\"moan\"/"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cli_expect(
        s,
        arena_printf(&s->arena,
                     "LC_ALL=C sed '%s' $D/a.onnx >$D/b.onnx; $N import $D/b.onnx -o $D/3.bin",
                     bad[i]),
        1, "metadata \"nngen.input.image\"");
}

// ---- pictures

static void test_pictures(void **state) {
  struct shell *s = *state;
  cli_expect(s, "$N export --dot $D/a.dot --svg $D/a.svg models/resnet-mini.bin", 0,
             "a.svg: 22 layers");
  cli_expect(s, "grep -c ' -> ' $D/a.dot", 0, "26");
  cli_expect(s, "cat $D/a.dot", 0, "label=\"conv1\\nconv2d \u00b7 ");
  cli_expect(s, "cat $D/a.svg", 0, "28\u00d728\u00d78");
  cli_expect(s, "grep -c '<g class=\"node' $D/a.svg", 0, "24");
  cli_expect(s, "$N export --svg $D/a.svg tests/import/files/okay_nabu.tflite && cat $D/a.svg", 0,
             "z\u207b\u00b9 ");
  cli_expect(s, "ls $D", 0, "a.svg");
}

// A name from a hostile file is text in both, and nothing else.
static void test_hostile(void **state) {
  struct shell *s = *state;
  static const char *const names[] = {"\\\"];n9[", "</title><script>", "\\u001b]0;x\\u0007",
                                      "\\\\n"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    hostile_model(s, "m.bin", names[i], "", "");
    cli_expect(s, "$N export -q -o $D/m.onnx --dot $D/m.dot --svg $D/m.svg $D/m.bin", 0, "");
    hostile_clean(cli_expect(s, "cat $D/m.dot $D/m.svg", 0, "digraph"));
    cli_expect(s,
               "! sed -E 's/\\\\(\\\\|\"|n)//g' $D/m.dot | grep -vE "
               "'^[^\"\\\\]*(\"[^\"\\\\]*\"[^\"\\\\]*)*$'",
               0, "");
    cli_expect(s, "grep -c '<script' $D/m.svg", 1, "0");
    cli_expect(s, "$N info -q $D/m.onnx", 0, "linear");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_forms),    SHELL_CASE(test_refused),
                                     SHELL_CASE(test_values),   SHELL_CASE(test_source),
                                     SHELL_CASE(test_pictures), SHELL_CASE(test_hostile)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
