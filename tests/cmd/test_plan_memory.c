// SPDX-License-Identifier: Apache-2.0
// plan --memory: tables, JSON and pictures of arenas, plans that are carried out, and what is
// refused.
#include "tests/cmd/helper_shell.h"

#include "sw/base/json.h"

#include <string.h>

#define LENET "$N plan -p 8,3 models/lenet5.bin "

static void test_text(void **state) {
  struct shell *c = *state;
  const char *said = cli_expect(c, LENET "--memory 8192", 0,
                                "relu1    relu       4704     0    4704           conv1\n");
  assert_non_null(strstr(said, "\narena 5880 bytes of 8192, no placing needs less\n"
                               "most lives at \"pool1\": relu1 4704, pool1 1176\n"
                               "apart from it: weights and constants 61812 bytes\n"));
  assert_null(strstr(said, "run in the arena"));
}

static void test_run(void **state) {
  struct shell *c = *state;
  cli_expect(
      c, LENET "--memory 5880 --run --images 3", 0,
      "run in the arena: 3 frames of random codes, 39 values with 47358 elements, each the C "
      "model's; ");
  cli_expect(c, "$N plan -p 8,4 models/resnet-mini.bin --memory 20000 --run --images 2", 0,
             "\narena 18816 bytes of 20000, ");
  // depthwise layers lie over their inputs, with a channel of scratch
  const char *said = cli_expect(
      c, "$N plan tests/import/files/kws_ref_model.tflite --memory 16000 --run --images 2", 0,
      "each the C model's; ");
  assert_non_null(strstr(said, "   8125      125  functional_1/activation/Relu\n"));
  cli_expect(c, "$N plan tests/import/files/okay_nabu.tflite --memory 5000 --run --images 40", 0,
             ", state from frame to frame ");
}

static void test_json(void **state) {
  struct shell *c = *state;
  struct err e = {0};
  const char *said = cli_expect(c, LENET "--memory 8192 --run --images 2 --json", 0, "");
  json_t *found = json_parse(said, strlen(said), &e);
  assert_non_null(found);
  assert_int_equal(json_integer_value(json_object_get(found, "arena_bytes")), 5880);
  assert_int_equal(json_integer_value(json_object_get(found, "peak_bytes")), 5880);
  assert_int_equal(json_array_size(json_object_get(found, "layers")), 13);
  const json_t *run = json_object_get(found, "run");
  assert_int_equal(json_integer_value(json_object_get(run, "frames")), 2);
  assert_int_equal(json_integer_value(json_object_get(run, "mismatches")), 0);
  json_decref(found);
}

#define LAYERS                                                                                     \
  "{\"format\":\"plan fixture "                                                                    \
  "layers\",\"version\":1,\"name\":\"n\",\"input\":[2,6,6],\"layers\":["
#define FIRST                                                                                      \
  "{\"name\":\"a\",\"kind\":\"conv\",\"in\":[2,6,6],\"out\":[4,6,6],\"kernel\":3,\"stride\":1,"    \
  "\"pad\":1,"                                                                                     \
  "\"relu\":true}"

// By shapes alone: a recipe, a list of layers, and what is wrong in one.
static void test_shapes(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N plan -p 8,4 --memory 50000 models/resnet8.json", 0,
             "\narena 49152 bytes of 50000, no placing needs less\n");
  cli_expect(c,
             "$N plan -p 8,4 --memory 247808 --run --images 1 "
             "tests/plan/fixtures/mcunet-320kb-layers.json",
             0, "102 values with 5004712 elements, each the C model's");
  cli_expect(c,
             "$N plan -p 8,4 --memory 340736 --no-in-place "
             "tests/plan/fixtures/mcunet-320kb-layers.json",
             0, "\narena 340736 bytes of 340736, no placing needs less\n");
  static const char *const wrong[][2] = {
      {LAYERS "]}", "layers: expected a list"},
      {LAYERS "{}]}", "layers[0]: name: expected one"},
      {LAYERS "{\"name\":\"a\",\"kind\":\"pool\",\"in\":[2,6,6],\"out\":[2,6,6]}]}",
       "layers[0]: kind: expected conv, depthwise or add, found \"pool\""},
      {LAYERS FIRST "," FIRST "]}", "layers[1]: name: \"a\" is there already"},
      {LAYERS FIRST ",{\"name\":\"b\",\"kind\":\"conv\",\"in\":[3,6,6],\"out\":[3,6,6]}]}",
       "layers[1]: in: what is before it has another shape"},
      {LAYERS FIRST
       ",{\"name\":\"b\",\"kind\":\"add\",\"in\":[4,6,6],\"out\":[4,6,6],\"with\":\"c\"}]}",
       "layers[1]: with: there is no layer \"c\" before it"},
      {LAYERS FIRST ",{\"name\":\"b\",\"kind\":\"depthwise\",\"in\":[4,6,6],\"out\":[4,5,6],"
                    "\"kernel\":3,\"stride\":1,\"pad\":1}]}",
       "layers[1]: out: a kernel of 3 over 6 with pad 1 and stride 1 isn't 5"},
      {LAYERS FIRST
       ",{\"name\":\"b\",\"kind\":\"conv\",\"in\":[4,6,6],\"out\":[4,6,6],\"kernel\":-1,"
       "\"stride\":1,\"pad\":1}]}",
       "layers[1]: kernel: expected a whole number from 1 on"},
      {"{\"format\":\"plan fixture layers\",\"version\":2}", "version: expected 1"},
      {"{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"lineal\",\"out\":2}]}", "lineal"},
      {"{\"format\"", "s.json: "}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    cli_expect(c,
               arena_printf(&c->arena,
                            "echo '%s' >$D/s.json; $N plan -p 8,4 --memory 999 $D/s.json",
                            wrong[i][0]),
               1, wrong[i][1]);
}

// A rectangle for each value, in a picture that a parser of XML takes.
static void test_picture(void **state) {
  struct shell *c = *state;
  cli_expect(c, LENET "--memory 8192 --svg $D/a.svg", 0, "");
  cli_expect(c, "grep -c '<g><rect' $D/a.svg", 0, "13\n");
  cli_expect(c, "grep -c 'stroke-dasharray' $D/a.svg", 0, "2\n");
  cli_expect(c, "grep -c '<title>relu1: 4704 bytes at 0</title>' $D/a.svg", 0, "1\n");
  cli_expect(c, "tail -n 1 $D/a.svg", 0, "</svg>\n");
  cli_expect(c, LENET "--memory 99999 --svg $D/b.svg", 0, "");
  cli_expect(c, "! grep -q 'stroke-dasharray' $D/b.svg", 0, ""); // it is far above
}

static void test_refused(void **state) {
  struct shell *c = *state;
  cli_expect(
      c, LENET "--memory 5879 --svg $D/no.svg", 1,
      "models/lenet5.bin: 5880 bytes of streams, --memory has 5879: where most lives, at layer "
      "\"pool1\", are relu1 4704, pool1 1176");
  cli_expect(c, "[ ! -e $D/no.svg ]", 0, "");
  cli_expect(c, "$N plan models/lenet5.bin --memory 9999", 1, "the model is float");
  cli_expect(c, LENET "--run", 2, "--run is about --memory: give both");
  cli_expect(c, LENET "--no-in-place", 2, "--no-in-place is about --memory: give both");
  cli_expect(c, LENET "--memory 9999 --images 3", 2, "--images is about --memory BYTES --run");
  cli_expect(c, LENET "--memory 9999 -j 4", 2, "--parallelism is about a circuit");
  cli_expect(c, LENET "--memory 9999 --max-memory 99", 2, "--max-memory is about a circuit");
  cli_expect(c, LENET "--memory 9999 -o $D/f", 2, "--output is about a circuit");
  cli_expect(c, LENET "--memory 0", 2, "--memory");
  cli_expect(c, "$N plan --replay --memory 99 tests/plan/fixtures/demo.json", 2,
             "leave --memory away");
}

// An arena in the fast memory of a machine: aligned as there, beside the weights that its flash has
// room for.
static void test_machine(void **state) {
  struct shell *c = *state;
  const char *said = cli_expect(c, "$N plan -q -p 8,3 --machine mkr1000-sd --run models/lenet5.bin",
                                0, "arena 5880 bytes of 32768, no placing needs less\n");
  assert_non_null(strstr(said,
                         "mkr1000-sd: flash of 262144 bytes for these, addresses in steps of 4; "
                         "416520 multiplications, no frame takes less than 17.36 ms\n"));
  assert_non_null(strstr(said, "each the C model's"));
  cli_expect(c,
             "sed 's/\"align\": 4/\"align\": 64/' machines/mkr1000-sd.json >$D/a.json; "
             "$N plan -p 8,3 --machine $D/a.json --run --images 2 models/lenet5.bin",
             0, "arena 5952 bytes of 32768");
  cli_expect(c, "$N plan -p 8,3 --machine mkr1000-sd --json models/lenet5.bin", 0,
             "\"machine\":\"mkr1000-sd\",\"least_time\":17.355,");
  cli_expect(c, "$N plan -p 8,3 --machine mkr1000-sd models/resnet8.json", 1,
             "49152 bytes of streams, mkr1000-sd has 32768");
  cli_expect(c, "$N plan -p 8,3 --machine mkr1000-sd --memory 60000 models/resnet8.json", 0,
             "of 60000");
  cli_expect(c,
             "sed 's/262144/60000/' machines/mkr1000-sd.json >$D/m.json; "
             "$N plan -p 8,3 --machine $D/m.json models/lenet5.bin",
             1, "61812 bytes of weights and constants, \"flash\" of mkr1000-sd has 60000");
  cli_expect(c, "$N plan -p 8,3 --machine mesh-16 models/lenet5.bin", 1,
             "--machine mesh-16: 16 processors, an arena is one's");
  cli_expect(c, "$N plan -p 8,3 --machine stm32f746 --sweep models/lenet5.bin", 2,
             "--sweep is about a circuit, --machine about an arena");
  cli_expect(c, "$N plan -p 8,3 --machine nothing models/lenet5.bin", 1, "machines: bittide");
}

// Branches one after the other; what was planned for either order has been run.
static void test_order(void **state) {
  struct shell *c = *state;
#define BRANCHES "tests/plan/fixtures/branches.json"
  cli_expect(c, "$N plan -p 8,3 --memory 6000 " BRANCHES, 1, "7056 bytes of streams");
  const char *said = cli_expect(c, "$N plan -q -p 8,3 --memory 6000 --order best --run " BRANCHES,
                                0, "arena 4704 bytes of 6000, no placing needs less\n");
  assert_non_null(strstr(said, "in the file's order 7056, in no other order less lives at once "
                               "than 4704\n"));
  assert_non_null(strstr(said, "each the C model's"));
  assert_true(strstr(said, "\npool_a ") < strstr(said, "\nb "));
  cli_expect(c, "$N plan -p 8,3 --json --memory 8000 --order best --run --images 3 " BRANCHES, 0,
             "\"file_order_bytes\":7056,\"order_peak_bytes\":4704,\"order_exact\":true,");
  cli_expect(c, "$N plan -p 8,3 --memory 8000 --order file " BRANCHES, 0, "arena 7056 bytes");
  cli_expect(c, "$N plan -p 8,3 --memory 8000 --order best models/lenet5.bin", 0,
             "in the file's order 5880, in no other order less lives at once than 5880");
  cli_expect(c, "$N plan -p 8,3 --memory 8000 --order worst " BRANCHES, 2,
             "--order worst: expected file or best");
  cli_expect(c, "$N plan -p 8,3 --order best models/lenet5.bin", 2, "--order is about --memory");
}

// Layers in groups, by rows: less than one after the other, or as these.
static void test_fused(void **state) {
  struct shell *c = *state;
#define MCUNET "tests/plan/fixtures/mcunet-320kb-layers.json"
  const char *said =
      cli_expect(c, "$N plan -q -p 8,4 --memory 100144 --fused --run --images 1 " MCUNET, 0,
                 "groups of layers, ");
  assert_non_null(strstr(said, " less than layer by layer (247808), nothing computed twice\n"));
  assert_non_null(strstr(said, "101 values with 4911784 elements, each the C model's"));
  assert_non_null(strstr(said, "1  image              input    176       528      176  92928"));
  said = cli_expect(
      c, "$N plan -q -p 8,4 --memory 52000 --fused --inputs rows --run --images 1 " MCUNET, 0,
      "each the C model's");
  assert_non_null(strstr(said, "1  image              input    176       528        3   1584"));
  cli_expect(c, "$N plan -p 8,4 --memory 52000 --fused " MCUNET, 1,
             "bytes of streams, --memory has 52000: where most lives, at layer \"block0.0\", are "
             "image 90288, first_conv.0.relu 4224, ");
  said = cli_expect(c, "$N plan --memory 9999 --fused tests/import/files/okay_nabu.tflite", 0,
                    "arena 4048 bytes of 9999");
  assert_non_null(strstr(said, "layer by layer: in groups it would have "));
  cli_expect(c, LENET "--memory 2000 --fused --inputs rows --svg $D/f.svg", 0, "1 group of layers");
  cli_expect(c, "grep -c '<g><rect' $D/f.svg", 0, "129\n");
  cli_expect(c,
             "$N plan -q --machine mkr1000-sd --fused --order best --run --images 2 -p 8,3 "
             "tests/plan/fixtures/branches.json",
             0, "each the C model's");
  cli_expect(c, LENET "--fused", 2, "--fused is about --memory: give both");
  cli_expect(c, LENET "--memory 9999 --inputs rows", 2, "--inputs is about --fused: give both");
  cli_expect(c, LENET "--memory 9999 --fused --inputs lines", 2,
             "--inputs lines: expected whole or rows");
}

// Every step has the address that it writes to.
static void test_fused_json(void **state) {
  struct shell *c = *state;
  struct err e = {0};
  const char *said = cli_expect(c, LENET "--memory 2000 --fused --json", 0, "");
  json_t *found = json_parse(said, strlen(said), &e);
  assert_non_null(found);
  int64_t bytes = json_integer_value(json_object_get(found, "arena_bytes"));
  assert_int_equal(json_integer_value(json_object_get(found, "fused_bytes")), bytes);
  assert_int_equal(json_integer_value(json_object_get(found, "layer_by_layer_bytes")), 5880);
  assert_int_equal(json_array_size(json_object_get(found, "layers")), 13);
  const json_t *steps = json_object_get(found, "steps"), *step;
  assert_int_equal(json_array_size(steps), 28 + 101); // rows of the image, and of layers
  size_t i;
  json_array_foreach(steps, i, step) {
    int64_t at = json_integer_value(json_object_get(step, "address"));
    assert_true(at >= 0 && at < bytes);
    if (i < 28) assert_int_equal(at, 28 * i);
  }
  json_decref(found);
}

// A training step: everything kept, some of it made again, and too little for either.
static void test_train(void **state) {
  struct shell *c = *state;
#define STEP "$N plan --train models/resnet8.json "
  cli_expect(c, STEP "--batch 4 --memory 9999999", 0,
             "of 14 values that wait for their backward 14 are kept\n");
  const char *said = cli_expect(c, STEP "--batch 4 --memory 2200000 --run --images 2", 0,
                                "bytes of 2200000 for a step of 4 frames; ");
  assert_non_null(strstr(said, " made again: "));
  assert_non_null(strstr(said,
                         "run in the arena: 2 steps of random frames, 60 variables with 233118 "
                         "elements, each the bits of steps without a limit"));
  cli_expect(c, STEP "--memory 2200000 --batch 4 --json --run --images 1 --svg $D/t.svg", 0,
             "\"mismatches\":0");
  cli_expect(c, "tail -n 1 $D/t.svg", 0, "</svg>\n");
  cli_expect(c, STEP "--memory 99999 --batch 4", 1, "with everything kept it has ");
  cli_expect(c, STEP "--machine stm32f746", 1, "a step of 1 frame needs ");
  cli_expect(c, "$N plan --train --machine stm32f746 models/lenet5.json", 0,
             "bytes of 327680 for a step of 1 frame\n");
  cli_expect(c, "$N plan --train --memory 99999 models/lenet5.bin", 1,
             "--train is about a recipe, as in models/lenet5.json");
  cli_expect(c, STEP, 2, "--train is about --memory: give both");
  cli_expect(c, LENET "--batch 3", 2, "--batch is about --train: give both");
  cli_expect(c, STEP "--memory 999999 --fused", 2, "--fused isn't about a training step");
  cli_expect(c, STEP "--memory 999999 -p 8,3", 2, "--precision isn't about a training step");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_train),   SHELL_CASE(test_fused),   SHELL_CASE(test_fused_json),
      SHELL_CASE(test_order),   SHELL_CASE(test_machine), SHELL_CASE(test_text),
      SHELL_CASE(test_run),     SHELL_CASE(test_json),    SHELL_CASE(test_shapes),
      SHELL_CASE(test_picture), SHELL_CASE(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
