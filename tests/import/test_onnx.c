// SPDX-License-Identifier: Apache-2.0
// ONNX files: of real exporters with what their runtimes computed; made by hand, with what they
// must give.
#include "sw/base/file.h"
#include "sw/exec/real.h"
#include "sw/graph/safetensors.h"
#include "sw/graph/verify.h"
#include "sw/import/formats.h"
#include "tests/cmd/helper_npy.h"
#include "tests/import/helper_onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- files of real tools

// Floats, and QONNX, whose values floats hold: all 640 numbers of 64 images.
static void test_values(void **state) {
  static const char *const files[] = {"torch_acts_ts",
                                      "torch_acts_dynamo",
                                      "torch_lenet5_external",
                                      "torch_resnet_mini_bn",
                                      "torch_resnet_mini_dynamo",
                                      "brevitas_mlp_w4a4_qcdq",
                                      "brevitas_cnn_w4a4_qonnx",
                                      "brevitas_tfc_w2a2_qonnx_clean",
                                      "brevitas_bipolar_w1a1_qonnx"};
  struct shell *s = *state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    cli_expect(s,
               arena_printf(&s->arena,
                            "f=tests/import/files/%s.onnx; $N run --real -q $f --compare "
                            "$f.expected.safetensors",
                            files[i]),
               0, "compared  640 elements with tests/import/files/");
}

// Integers of ONNX Runtime's quantisation. It computes in floats: ties differ, which are 18 % of
// one average's values in the first two. What is different is one step apart, or two behind two
// averages.
static void test_integers(void **state) {
  static const struct {
    const char *file, *different, *steps; // a step is 0.1457, 0.1522, 0.1154
  } rows[] = {{"ort_qdq_int8", ": 87 are further apart", "0.146"},
              {"ort_qdq_int8_sym", ": 188 are further apart", "0.305"},
              {"ort_qdq_resnet_int8", ": 3 are further apart", "0.116"}};
  struct shell *s = *state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *run = arena_printf(&s->arena,
                                   "f=tests/import/files/%s.onnx; $N run -q $f --compare "
                                   "$f.expected.safetensors --tolerance",
                                   rows[i].file);
    cli_expect(s, arena_printf(&s->arena, "%s 0.001", run), 1, rows[i].different);
    cli_expect(s, arena_printf(&s->arena, "%s %s", run, rows[i].steps), 0, "equal within");
  }
}

// Its QOperator files compute with integers there too: every output is equal.
static void test_qoperators(void **state) {
  static const char *const files[] = {"ort_qop_resnet_int8", "ort_qop_lenet5_int8"};
  struct shell *s = *state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    cli_expect(s,
               arena_printf(&s->arena,
                            "f=tests/import/files/%s.onnx; $N run -q $f --compare "
                            "$f.expected.safetensors --tolerance 0.0001",
                            files[i]),
               0, "640 elements with");
}

// That a type of the file cuts what relu would is meant, and no warning.
static void test_relu_codes(void **state) {
  cli_expect(
      *state,
      "$N run -q --images 100 tests/import/files/ort_qdq_int8.onnx 2>&1 | grep -c 'lie beyond'", 1,
      "0");
}

// Integers of QONNX and QCDQ, whose float biases are finer than the products: what qonnx computes.
static void test_exact(void **state) {
  static const char *const files[] = {"brevitas_mlp_w4a4_qcdq", "brevitas_cnn_w4a4_qonnx",
                                      "brevitas_tfc_w2a2_qonnx_clean",
                                      "brevitas_bipolar_w1a1_qonnx"};
  struct shell *s = *state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    cli_expect(s,
               arena_printf(&s->arena,
                            "f=tests/import/files/%s.onnx; $N run -q $f --compare "
                            "$f.expected.safetensors",
                            files[i]),
               0, ": equal within");
}

// The way to the circuit: formats of the file's own, no word of ours.
static void test_circuit(void **state) {
#ifdef __SANITIZE_ADDRESS__ // whose library no simulation links
  skip();
#endif
  struct shell *s = *state;
  cli_expect(s, "$N sim -q -j 4 --images 3 -o $D/w tests/import/files/brevitas_cnn_w4a4_qonnx.onnx",
             0, ", 0 mismatches");
  cli_expect(s, "$N info -q tests/import/files/brevitas_tfc_w2a2_qonnx_clean.onnx", 0, "ternary");
}

// model.bin of it is the same network.
static void test_import(void **state) {
  struct shell *s = *state;
  cli_expect(s, "$N import tests/import/files/ort_qdq_resnet_int8.onnx -o $D/m.bin", 0,
             "14226 parameters");
  cli_expect(s,
             "$N run -q --images 50 $D/m.bin -o $D/a && $N run -q --images 50 "
             "tests/import/files/ort_qdq_resnet_int8.onnx -o $D/b && cmp $D/a $D/b && echo same",
             0, "same");
  cli_expect(
      s,
      "$N import -q --input-mean 0.1307 --input-std 0.3081 "
      "tests/import/files/torch_lenet5_external.onnx -o $D/m.bin && strings $D/m.bin | grep -o "
      "'mean[^]]*]'",
      0, "0.1307");
}

// ---- files made by hand

// Moves of elements: each is a chain on (batch, 2, 3, 4), whose element is its index.
struct chain {
  const char *nodes[4][3]; // op, inputs behind x, attributes
  int64_t first[6];        // of what comes out
};

static const struct chain chains[] = {
    {{{"Flatten", "", ""}}, {0, 1, 2, 3, 4, 5}},
    {{{"Transpose", "", "perm=0,2,3,1"}, {"Flatten", "", ""}}, {0, 12, 1, 13, 2, 14}},
    {{{"Transpose", "", "perm=0,1,3,2"}, {"Flatten", "", ""}}, {0, 4, 8, 1, 5, 9}},
    {{{"Reshape", "fours", ""}, {"Transpose", "", "perm=0,2,1"}, {"Flatten", "", ""}},
     {0, 4, 8, 12, 16, 20}},
    {{{"Reshape", "sixes", ""}, {"Transpose", "", "perm=0,2,1"}, {"Reshape", "fours", ""}},
     {0, 6, 12, 18, 1, 7}},
    {{{"DepthToSpace", "", "blocksize=1"}}, {0, 1, 2, 3, 4, 5}},
    {{{"Unsqueeze", "one", ""}, {"Squeeze", "one", ""}}, {0, 1, 2, 3, 4, 5}},
    {{{"Slice", "start end axis", ""}}, {0, 1, 4, 5, 8, 9}},
    {{{"Gather", "which", "axis=3"}}, {2, 6, 10, 14, 18, 22}},
    {{{"Gather", "some", "axis=3"}}, {3, 0, 2, 2, 7, 4}},
    {{{"Gather", "some", "axis=3"}, {"Transpose", "", "perm=0,2,3,1"}, {"Flatten", "", ""}},
     {3, 15, 0, 12, 2, 14}},
    {{{"Gather", "back", "axis=1"}}, {12, 13, 14, 15, 16, 17}},
};

static void test_moves(void **state) {
  (void)state;
  static const int64_t shape[] = {0, 2, 3, 4};
  float x[24], nhwc[24];
  for (int i = 0; i < 24; i++) x[i] = (float)i;
  for (int i = 0; i < 24; i++) nhwc[i] = x[i % 2 * 12 + i / 2];
  for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said, *in = "x";
    onnx_put_input(&o, "x", 4, shape);
    onnx_put_ints(&o, "fours", 3, (const int64_t[]){-1, 6, 4});
    onnx_put_ints(&o, "sixes", 3, (const int64_t[]){0, 4, 6});
    onnx_put_ints(&o, "one", 1, (const int64_t[]){1});
    onnx_put_ints(&o, "start", 1, (const int64_t[]){0});
    onnx_put_ints(&o, "end", 1, (const int64_t[]){2});
    onnx_put_ints(&o, "axis", 1, (const int64_t[]){3});
    onnx_put_ints(&o, "which", 1, (const int64_t[]){2});
    onnx_put_ints(&o, "some", 4, (const int64_t[]){-1, 0, 2, 2});
    onnx_put_ints(&o, "back", 2, (const int64_t[]){1, 0});
    for (int k = 0; k < 4 && chains[i].nodes[k][0]; k++) {
      const char *const *n = chains[i].nodes[k];
      const char *out = arena_printf(&a, "y%d", k);
      onnx_put_node(&o, n[0], arena_printf(&a, "%s %s", in, n[1]), out, n[2]);
      in = out;
    }
    onnx_put_output(&o, in);
    struct graph *g = onnx_parsed(&a, &o, 13, &said);
    if (!g) fail_msg("chain %zu: %s", i, said);
    bool image = g->values[g->inputs[0].value].shape[2] == 2;
    int64_t count;
    const float *y = onnx_computed(&a, g, image ? nhwc : x, &count);
    for (int k = 0; k < 6; k++)
      if (y[k] != (float)chains[i].first[k])
        fail_msg("chain %zu: element %d is %g, expected %lld", i, k, (double)y[k],
                 (long long)chains[i].first[k]);
    arena_free(&a);
  }
}

// Functions that exporters compose, and the kind that each becomes.
static void test_functions(void **state) {
  (void)state;
  static const struct {
    const char *nodes[6][2]; // op and inputs; outputs are t0, t1, ..
    enum op op;
  } rows[] = {
      {{{"Sigmoid", "x"}, {"Mul", "x t0"}}, OP_silu},
      {{{"Abs", "x"}, {"Add", "one t0"}, {"Div", "x t1"}}, OP_softsign},
      {{{"Tanh", "x"}, {"Sub", "x t0"}}, OP_tanhshrink},
      {{{"Exp", "x"}, {"Add", "t0 one"}, {"Log", "t1"}}, OP_softplus},
      {{{"Max", "x zero"}}, OP_relu},
      {{{"Max", "x zero"}, {"Min", "t0 far"}}, OP_clip},
      {{{"Mul", "x half"}, {"Max", "x t0"}}, OP_leaky_relu},
      {{{"Softplus", "x"}, {"Tanh", "t0"}, {"Mul", "t1 x"}}, OP_mish},
      {{{"Div", "x root"}, {"Erf", "t0"}, {"Add", "t1 one"}, {"Mul", "x t2"}, {"Mul", "t3 half"}},
       OP_gelu},
      {{{"Neg", "x"}, {"Exp", "t0"}, {"Add", "t1 one"}, {"Reciprocal", "t2"}}, OP_sigmoid},
      {{{"Mul", "x half"}, {"Add", "t0 half"}, {"Min", "t1 one"}, {"Max", "t2 zero"}},
       OP_hard_sigmoid}};
  static const float numbers[] = {0, 1, 0.5F, 1.41421354F, 4000};
  static const char *const names[] = {"zero", "one", "half", "root", "far"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said, *out = NULL;
    onnx_put_input(&o, "x", 2, (const int64_t[]){0, 7});
    for (int k = 0; k < 5; k++) onnx_put_floats(&o, names[k], 0, NULL, &numbers[k]);
    for (int k = 0; k < 6 && rows[i].nodes[k][0]; k++) {
      out = arena_printf(&a, "t%d", k);
      onnx_put_node(&o, rows[i].nodes[k][0], rows[i].nodes[k][1], out, "");
    }
    onnx_put_output(&o, out);
    struct graph *g = onnx_parsed(&a, &o, 13, &said);
    if (!g) fail_msg("function %zu: %s", i, said);
    assert_int_equal(g->n_nodes, 1);
    assert_string_equal(op_info(g->nodes[0].op)->name, op_info(rows[i].op)->name);
    arena_free(&a);
  }
}

// A chain of functions that read a value twice is as long as it is, and no tree.
static void test_chain(void **state) {
  (void)state;
  struct arena a = {0};
  struct onnx_text o = {0};
  const char *said, *x = "x";
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 7});
  for (int k = 0; k < 40; k++) {
    const char *y = arena_printf(&a, "y%d", k);
    onnx_put_node(&o, "Sigmoid", x, arena_printf(&a, "s%d", k), "");
    onnx_put_node(&o, "Mul", arena_printf(&a, "%s s%d", x, k), y, "");
    x = y;
  }
  onnx_put_output(&o, x);
  struct graph *g = onnx_parsed(&a, &o, 13, &said);
  if (!g) fail_msg("%s", said);
  assert_int_equal(g->n_nodes, 40);
  for (uint32_t i = 0; i < 40; i++) assert_int_equal(g->nodes[i].op, OP_silu);
  arena_free(&a);
}

// Bytes of a file that takes bytes are 0 .. 255.
static void test_bytes(void **state) {
  (void)state;
  struct arena a = {0};
  struct onnx_text o = {0};
  const char *said;
  onnx_put_bytes_input(&o, "x", 2, (const int64_t[]){0, 7});
  onnx_put_node(&o, "Cast", "x", "f", "to=1");
  onnx_put_node(&o, "Relu", "f", "y", "");
  onnx_put_output(&o, "y");
  struct graph *g = onnx_parsed(&a, &o, 13, &said);
  if (!g) fail_msg("%s", said);
  const struct source *s = &g->inputs[0].source;
  assert_true((float)((200 / 255.0 - s->mean[0]) / s->std[0]) == 200);
  arena_free(&a);
}

// A dense layer behind a flatten: its columns go with our order of pixels.
// Integers of 4 and 2 bits, several in a byte, as weights of three outputs with scale 0.5 and a
// zero point; raw or as a list.
static void test_packed(void **state) {
  (void)state;
  enum { UINT4 = 21, INT4, UINT2 = 25, INT2 };
  static const struct {
    int type;
    unsigned char bytes[3];
    int zero;           // its code
    float expected[3];  // of x = (1, 10), weights (2, 3) in this order
    const char *weight; // their type
  } rows[] = {          // 1 -2 3 -8 7 0
              {INT4, {0xe1, 0x83, 0x07}, 0, {0.5F - 40, -1 + 35, 1.5F}, "4,1"},
              // 1 14 3 8 7 15, minus 2
              {UINT4, {0xe1, 0x83, 0xf7}, 2, {-0.5F + 30, 6 + 25, 0.5F + 65}, "5,1"},
              // 1 -2 0 -1 1 -1
              {INT2, {0xc9, 0x0d}, 0, {0.5F - 5, -1 + 5, -5}, "2,1"},
              // 1 2 0 3 1 3
              {UINT2, {0xc9, 0x0d}, 0, {0.5F + 15, 1 + 5, 15}, "3,1"}};
  for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said;
    size_t row = i / 2, size = rows[row].type >= UINT2 ? 2 : 3;
    const int64_t shape[] = {2, 3}, one = 1;
    int list[3];
    for (size_t k = 0; k < size; k++) list[k] = rows[row].bytes[k];
    onnx_put_input(&o, "x", 2, (const int64_t[]){0, 2});
    if (i % 2)
      onnx_put_list(&o, "w", rows[row].type, 2, shape, list, size);
    else
      onnx_put_raw(&o, "w", rows[row].type, 2, shape, rows[row].bytes, size);
    onnx_put_floats(&o, "s", 1, &one, (const float[]){0.5F});
    onnx_put_list(&o, "z", rows[row].type, 1, &one, &rows[row].zero, 1);
    onnx_put_node(&o, "DequantizeLinear", "w s z", "d", "axis=1");
    onnx_put_node(&o, "MatMul", "x d", "y", "");
    onnx_put_output(&o, "y");
    struct graph *g = onnx_parsed(&a, &o, 25, &said);
    if (!g) fail_msg("%s", said);
    int64_t count;
    const float *y = onnx_computed(&a, g, (const float[]){1, 10}, &count);
    assert_int_equal(count, 3);
    for (int k = 0; k < 3; k++) assert_true(y[k] == rows[row].expected[k]);
    const char *type = type_text(&a, &node_in(g, &g->nodes[g->n_nodes - 1], 1)->type);
    if (!strstr(type, rows[row].weight)) fail_msg("%s: %s", rows[row].weight, type);
    arena_free(&a);
  }
  // a byte too few
  struct arena a = {0};
  struct onnx_text o = {0};
  const char *said;
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 2});
  onnx_put_raw(&o, "w", INT4, 2, (const int64_t[]){2, 3}, "ab", 2);
  onnx_put_node(&o, "MatMul", "x w", "y", "");
  onnx_put_output(&o, "y");
  assert_null(onnx_parsed(&a, &o, 25, &said));
  if (!strstr(said, "its data isn't the 6 elements of its shape")) fail_msg("%s", said);
  arena_free(&a);
}

static void test_dense(void **state) {
  (void)state;
  struct arena a = {0};
  struct onnx_text o = {0};
  const char *said;
  float w[48], x[24];
  for (int i = 0; i < 48; i++) w[i] = (float)(i / 2 + 1);
  onnx_put_input(&o, "x", 4, (const int64_t[]){0, 2, 3, 4});
  onnx_put_floats(&o, "w", 2, (const int64_t[]){24, 2}, w);
  onnx_put_floats(&o, "b", 1, (const int64_t[]){2}, &w[12]);
  onnx_put_node(&o, "Flatten", "x", "f", "");
  onnx_put_node(&o, "MatMul", "f w", "m", "");
  onnx_put_node(&o, "Add", "m b", "y", "");
  onnx_put_output(&o, "y");
  struct graph *g = onnx_parsed(&a, &o, 13, &said);
  if (!g) fail_msg("%s", said);
  assert_int_equal(g->n_nodes, 2); // flatten, linear with its bias
  double sum = 7;
  for (int i = 0; i < 24; i++) { // element i of ours is channel i % 2 of pixel i / 2
    x[i] = (float)(i * i % 11);
    sum += (double)x[i] * (i % 2 * 12 + i / 2 + 1);
  }
  int64_t count;
  assert_true(fabs((double)onnx_computed(&a, g, x, &count)[0] - sum) < 1e-3);
  arena_free(&a);
}

// Weights beside a model are read with it, and never written.
static void test_beside(void **state) {
  struct shell *s = *state;
  cli_expect(s, "cp tests/import/files/torch_lenet5_external.onnx* $D && cd $D && echo copied", 0,
             "copied");
  static const char *const lines[] = {"import", "export", "run --images 1"};
  for (int i = 0; i < 3; i++)
    cli_expect(s,
               arena_printf(&s->arena,
                            "$N %s $D/torch_lenet5_external.onnx -o "
                            "$D/../${D##*/}/torch_lenet5_external.onnx.data",
                            lines[i]),
               1, "would be overwritten, it is a file of the model's weights");
  cli_expect(s,
             "cmp $D/torch_lenet5_external.onnx.data "
             "tests/import/files/torch_lenet5_external.onnx.data && echo same",
             0, "same");
}

// ---- what isn't imported

static void refused(const char *op, const char *inputs, const char *attributes, const char *words) {
  struct arena a = {0};
  struct onnx_text o = {0};
  const char *said;
  float numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  onnx_put_input(&o, "x", 4, (const int64_t[]){0, 2, 4, 4});
  onnx_put_input(&o, "z", 4, (const int64_t[]){0, 2, 4, 4});
  onnx_put_floats(&o, "w", 4, (const int64_t[]){2, 2, 1, 1}, numbers);
  onnx_put_floats(&o, "wide", 4, (const int64_t[]){1, 1, 1, 8}, numbers);
  const float half = 0.5F, one = 1, eight = 8, twice[] = {1, 1, 2, 2};
  onnx_put_floats(&o, "half", 0, NULL, &half);
  onnx_put_floats(&o, "one", 0, NULL, &one);
  onnx_put_floats(&o, "eight", 0, NULL, &eight);
  onnx_put_floats(&o, "twice", 1, (const int64_t[]){4}, twice);
  onnx_put_floats(&o, "none", 1, (const int64_t[]){0}, twice);
  const float zero = 0, big = 1e18F;
  onnx_put_floats(&o, "zero", 0, NULL, &zero);
  onnx_put_floats(&o, "big_one", 0, NULL, &big);
  onnx_put_ints(&o, "fives", 4, (const int64_t[]){1, 5, 4, 4});
  onnx_put_ints(&o, "long", 5, (const int64_t[]){3, 1, 2, 4, 4});
  onnx_put_ints(&o, "big", 2, (const int64_t[]){1 << 30, 1 << 30});
  onnx_put_ints(&o, "far", 8, (const int64_t[]){0, 0, 0, 0, 0, 0, 0, 65});
  onnx_put_ints(&o, "cut", 8, (const int64_t[]){0, 0, 0, 0, 0, 0, -1, 0});
  onnx_put_ints(&o, "beyond", 8, (const int64_t[]){0, 0, 0, 1 << 25, 0, 0, 0, 0});
  onnx_put_ints(&o, "fours", 8, (const int64_t[]){0, 0, 0, 4, 0, 0, 0, 4});
  onnx_put_ints(&o, "all", 1, (const int64_t[]){-1});
  onnx_put_ints(&o, "batch", 1, (const int64_t[]){0});
  onnx_put_node(&o, op, inputs, "y", attributes);
  onnx_put_output(&o, "y");
  if (onnx_parsed(&a, &o, 19, &said)) fail_msg("%s isn't refused", op);
  if (!strstr(said, words)) fail_msg("%s: \"%s\", expected \"%s\"", op, said, words);
  arena_free(&a);
}

static void test_refused(void **state) {
  (void)state;
  refused("Gather", "w x", "axis=0", "it looks rows up in a table (an embedding); do it before");
  refused("GRU", "x twice one . none", "", "GRU: there are no recurrent layers");
  refused("LRN", "x", "size=3",
          "1: LRN: it divides by sums of squares of neighbouring channels; train");
  refused("ConvTranspose", "x w", "dilations=0,2", "dilations of 0");
  refused("ConvTranspose", "x w", "group=3", "3 groups of 2 channels, its input has 2");
  refused("ConvTranspose", "x w", "pads=2,2,2,2", "nothing is left of axis 2");
  refused("ConvTranspose", "x w", "strides=0,1", "strides of 0");
  refused("MatMul", "x z", "", "it multiplies two streams as matrices");
  refused("Expand", "x fives", "", "axis 1 of 2 elements would have 5");
  refused("Expand", "x long", "", "it puts axes in front of the batch");
  refused("ConstantOfShape", "big", "", "it makes a constant that has more than");
  refused("Range", "zero big_one one", "", "store the constant in the file");
  refused("Cast", "x", "to=6", "a cast of a stream to data type 6");
  refused("Max", "x wide", "", "Max of a stream and an array of constants");
  refused("Div", "x z", "", "use Add, Sub, Mul, Min or Max");
  refused("Einsum", "x", "", "there is no layer like it; replace it");
  refused("Div", "x z", "", "Div of two streams has no counterpart");
  refused("Conv", "x z", "", "its weights are computed from data");
  refused("Conv", "x wide", "", "a kernel over 8 columns, the padded image has 4");
  refused("Reshape", "x all", "", "it reshapes the batch, axis 0");
  refused("Transpose", "x", "perm=1,0,2,3", "it moves axis 0, the batch");
  refused("Softmax", "x", "axis=0", "it works along axis 0, the batch");
  refused("MaxPool", "x", "kernel_shape=5,5", "a kernel over 5 rows, the padded image has 4");
  refused("Resize", "x", "mode:lanczos", "mode \"lanczos\"; use mode nearest or linear");
  refused("Resize", "x none twice", "mode:linear coordinate_transformation_mode:align_corners",
          "each pixel has weights of its own; use half_pixel");
  refused("ThresholdedRelu", "x", "alpha=-0.5", "alpha -0.5: it jumps below 0");
  refused("Shrink", "x", "lambd=0.0 bias=0.5", "lambd 0, bias 0.5: it jumps at 0, which no layer");
  refused("Resize", "x none twice", "keep_aspect_ratio_policy:not_larger",
          "keep_aspect_ratio_policy \"not_larger\"; use stretch");
  refused("Conv", "x w", "kernel_shape=3,3", "kernel_shape 3, its weights have 1");
  refused("MaxPool", "x", "strides=2,2", "no kernel_shape");
  refused("MaxPool", "x", "kernel_shape=2,2 strides=0,1 auto_pad:SAME_UPPER", "strides of 0");
  refused("DepthToSpace", "x", "blocksize=4294967296", "blocksize 4294967296");
  refused("Conv", "x w", "strides=0,0", "strides of 0, dilations of 1");
  refused("Quant", "x half half eight", "", "zero point 0.5; use whole zero points");
  refused("QLinearReduceMean", "x", "",
          "it computes with integers; quantise with quant_format=QuantFormat.QDQ");
  refused("Sqrt", "x", "", "Sqrt of a stream has no counterpart");
  refused("DepthToSpace", "x", "blocksize=2", "2 channels");
  refused("SpaceToDepth", "x", "blocksize=3", "4 rows, 4 columns");
  refused("Pad", "x cut", "mode:constant", "pads below 0 cut the array; use Slice");
  refused("Pad", "x cut", "mode:edge", "pads below 0 cut the array; use Slice");
  refused("Pad", "x beyond", "mode:constant", "pads of more than 16777216 elements");
  refused("Pad", "x fives", "mode:constant", "4 pads for 4 axes");
  refused("Pad", "x", "mode:mirror", "mode \"mirror\"; use constant, edge, reflect or wrap");
  refused("Pad", "x fours", "mode:reflect", "pads of 4 and 4 elements, mode \"reflect\", of 4");
  refused("Gather", "x half", "axis=1", "its indices aren't a constant list");
  refused("Quant", "x one big_one eight", "rounding_mode:FLOOR", "zero point 1e+18 of codes from");
  refused("Pad", "x far", "mode:edge", "pads of 0 and 65 elements, mode \"edge\"");
  refused("QLinearAdd", "x one one x one one one z", "", "its zero point is computed from data");
  refused("QLinearAveragePool", "x one zero one zero", "channels_last=1", "its channels are last");
  refused("QLinearAdd", "x one one z one one one", "",
          "reads integers that no QuantizeLinear made");
  refused("DynamicQuantizeLinear", "x", "", "it chooses its scale anew for each input; quantise");
}

// What is wrong with a file as a whole.
static void test_files(void **state) {
  (void)state;
  static const struct {
    int opset;
    const char *outputs, *output, *words;
  } rows[] = {{13, "y", NULL, "has no outputs"},
              {13, "x", "x", "node \"x\": its output \"x\" is there already"},
              {6, "y", "y", "is of opset 6, expected 7 to 28"},
              {99, "y", "y", "is of opset 99, expected 7 to 28"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said;
    onnx_put_input(&o, "x", 2, (const int64_t[]){0, 7});
    onnx_put_node(&o, "Relu", "x", rows[i].outputs, "");
    if (rows[i].output) onnx_put_output(&o, rows[i].output);
    if (onnx_parsed(&a, &o, rows[i].opset, &said)) fail_msg("\"%s\" isn't said", rows[i].words);
    if (!strstr(said, rows[i].words)) fail_msg("\"%s\", expected \"%s\"", said, rows[i].words);
    arena_free(&a);
  }
}

// All at once, as a table and as JSON; nothing is written.
static void test_why_not(void **state) {
  struct shell *s = *state;
  struct onnx_text o = {0};
  struct text file = {0};
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 5});
  onnx_put_node(&o, "LSTM", "x", "a", "");
  onnx_put_node(&o, "Relu", "a", "b", "");
  onnx_put_node(&o, "Einsum", "x", "c", "");
  onnx_put_node(&o, "InstanceNormalization", "x", "d", "");
  onnx_put_node(&o, "Transpose", "d", "e", "perm=1,0"); // what comes behind a norm is read, too
  onnx_put_output(&o, "b");
  onnx_put_output(&o, "c");
  onnx_put_output(&o, "e");
  onnx_put_file(&o, 13, &file);
  FILE *f = fopen(arena_printf(&s->arena, "%s/net.onnx", s->dir), "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(file.data, 1, file.size, f), file.size);
  fclose(f);
  text_free(&file);
  cli_expect(
      s, "$N import $D/net.onnx -o $D/m.bin", 1,
      "node  op                     reason                                 what to do\n"
      "a     LSTM                   there are no recurrent layers          use convolutions "
      "along time\n"
      "c     Einsum                 there is no layer like it              replace it in the "
      "network, or split the network there\n"
      "d     InstanceNormalization  it divides by a deviation of the data  train with "
      "BatchNormalization\n"
      "e     Transpose              it moves axis 0, the batch             keep the images of "
      "a batch apart\n");
  cli_expect(s, "$N import $D/net.onnx --json -o $D/m.bin 2>/dev/null", 1,
             "{\"unsupported\":[{\"node\":\"a\",\"op\":\"LSTM\",\"reason\":");
  cli_expect(s, "$N run $D/net.onnx; test ! -e $D/m.bin && echo nothing", 0,
             "4 layers can't be imported (nngen import lists them), the first: \"a\" (LSTM)");
}

// Behind what is refused each node is judged for itself, where its shape is known: by the file, or
// because it follows. The node e, which moves the batch, is only refused where it is.
static void test_behind(void **state) {
  (void)state;
  enum { FLOATS = 1, INTS = 7 };
  static const float scales[] = {1, 1, 1.5F, 1}, table[6] = {0};
  static const struct {
    const char *op, *inputs, *attributes;
    int rank; // of the input x, the batch included
    int64_t shape[4];
    int info, info_rank; // type of what the file says of y; 0: nothing
    int64_t info_shape[4];
    const char *moves; // perm of e
    int refused;
  } rows[] = {
      {"LSTM", "x", "", 2, {0, 5}, 0, 0, {0}, "1,0", 1},
      {"LSTM", "x", "", 2, {0, 5}, FLOATS, 3, {0, 4, 2}, "1,0,2", 2},
      {"LSTM", "x", "", 2, {0, 5}, FLOATS, 3, {0, 4, 2}, "0,2,1", 1},
      {"LSTM", "x", "", 2, {0, 5}, INTS, 3, {0, 4, 2}, "1,0,2", 1},
      {"LSTM", "x", "", 2, {0, 5}, FLOATS, 3, {3, 4, 2}, "1,0,2", 1},             // another batch
      {"LSTM", "x", "", 2, {0, 5}, FLOATS, 3, {0, 0, 2}, "1,0,2", 1},             // open
      {"LSTM", "x", "", 2, {0, 5}, FLOATS, 3, {0, 1 << 20, 1 << 20}, "1,0,2", 1}, // too large
      {"Einsum", "x", "", 2, {0, 5}, 0, 0, {0}, "1,0", 1},
      {"LRN", "x", "", 4, {0, 3, 4, 4}, 0, 0, {0}, "1,0,2,3", 2},
      {"LRN", "x", "", 4, {0, 3, 4, 4}, 0, 0, {0}, "0,2,1,3", 1},
      {"Resize", "x . s", "mode:linear", 4, {0, 3, 4, 4}, 0, 0, {0}, "1,0,2,3", 2},
      {"Resize", "x . s", "mode:linear", 4, {0, 3, 4, 4}, 0, 0, {0}, "0,2,1,3", 1},
      {"Gather", "t x", "", 2, {0, 5}, 0, 0, {0}, "1,0,2", 2},
      {"Gather", "t x", "", 2, {0, 5}, 0, 0, {0}, "0,2,1", 1},
      {"MatMul", "x x", "", 3, {0, 4, 4}, 0, 0, {0}, "2,1,0", 2},
      {"MatMul", "x x", "", 3, {0, 4, 4}, 0, 0, {0}, "0,2,1", 1},
      {"Mod", "x x", "", 3, {0, 4, 4}, 0, 0, {0}, "2,1,0", 2},
      {"Mod", "x x", "", 3, {0, 4, 4}, 0, 0, {0}, "0,2,1", 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    struct text file = {0};
    struct refusals r = {0};
    struct err e = {0};
    onnx_put_input(&o, "x", rows[i].rank, rows[i].shape);
    onnx_put_floats(&o, "s", 1, (const int64_t[]){4}, scales);
    onnx_put_floats(&o, "t", 2, (const int64_t[]){3, 2}, table);
    if (rows[i].info) onnx_put_info(&o, "y", rows[i].info, rows[i].info_rank, rows[i].info_shape);
    onnx_put_node(&o, rows[i].op, rows[i].inputs, "y", rows[i].attributes);
    onnx_put_node(&o, "Relu", "y", "z", "");
    onnx_put_node(&o, "Transpose", "z", "e", arena_printf(&a, "perm=%s", rows[i].moves));
    onnx_put_output(&o, "e");
    onnx_put_file(&o, 13, &file);
    onnx_parse(&a, "n.onnx", file.data, file.size, &r, &e);
    assert_string_equal(e.text, "");
    if (r.count != (uint32_t)rows[i].refused) print_message("row %zu: %u\n", i, r.count);
    assert_int_equal(r.count, rows[i].refused);
    assert_string_equal(r.list[0].op, rows[i].op);
    if (r.count > 1) assert_string_equal(r.list[1].reason, "it moves axis 0, the batch");
    text_free(&file);
    arena_free(&a);
  }
}

// How many rows and columns a refused Resize would make: none of no scale that makes any.
static void test_behind_resize(void **state) {
  (void)state;
  static const struct {
    float rows, columns;
    const char *said;
  } cases[] = {{1.5F, 1, "its input has 72 features, the weights take 4"},
               {1.9F, 1.5F, "its input has 126 features, the weights take 4"},
               {0.1F, 1.5F, NULL},
               {1e9F, 1.5F, NULL}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    struct text file = {0};
    struct refusals r = {0};
    struct err e = {0};
    const float w[12] = {0}, scales[] = {1, 1, cases[k].rows, cases[k].columns};
    onnx_put_input(&o, "x", 4, (const int64_t[]){0, 3, 4, 4});
    onnx_put_floats(&o, "s", 1, (const int64_t[]){4}, scales);
    onnx_put_floats(&o, "w", 2, (const int64_t[]){4, 3}, w);
    onnx_put_node(&o, "Resize", "x . s", "y", "mode:cubic");
    onnx_put_node(&o, "Flatten", "y", "f", "");
    onnx_put_node(&o, "MatMul", "f w", "g", "");
    onnx_put_output(&o, "g");
    onnx_put_file(&o, 13, &file);
    onnx_parse(&a, "n.onnx", file.data, file.size, &r, &e);
    assert_int_equal(r.count, cases[k].said ? 2 : 1);
    if (cases[k].said) assert_string_equal(r.list[1].reason, cases[k].said);
    text_free(&file);
    arena_free(&a);
  }
}

// The shape of a product of two streams: rows of the first, columns of the second, and what they
// both stretch to.
static void test_behind_product(void **state) {
  (void)state;
  struct arena a = {0};
  struct onnx_text o = {0};
  struct text file = {0};
  struct refusals r = {0};
  struct err e = {0};
  const float w[12] = {0};
  onnx_put_input(&o, "x", 4, (const int64_t[]){0, 2, 3, 5});
  onnx_put_input(&o, "y", 4, (const int64_t[]){0, 1, 5, 7});
  onnx_put_floats(&o, "w", 2, (const int64_t[]){4, 3}, w);
  onnx_put_node(&o, "MatMul", "x y", "p", "");
  onnx_put_node(&o, "MatMul", "p w", "q", "");
  onnx_put_node(&o, "Flatten", "p", "f", "");
  onnx_put_node(&o, "MatMul", "f w", "g", "");
  onnx_put_output(&o, "q");
  onnx_put_output(&o, "g");
  onnx_put_file(&o, 13, &file);
  onnx_parse(&a, "n.onnx", file.data, file.size, &r, &e);
  assert_int_equal(r.count, 3);
  assert_string_equal(r.list[1].reason, "its input has 7 features, the weights take 4");
  assert_string_equal(r.list[2].reason, "its input has 42 features, the weights take 4");
  text_free(&file);
  arena_free(&a);
}

// A factor of a matrix product goes into the scale of integers, which they stay; of a QGemm its
// bias has it, too, if there is one.
static void test_factors(void **state) {
  (void)state;
  static const signed char w[6] = {3, -5, 7, 1, 0, -128};
  static const int bias[2] = {6, -9};
  static const float fine = 0.5F, half = 0.25F, step = 0.125F;
  static const struct {
    const char *op, *inputs, *attributes;
    double alpha, bias;
    bool integers;
  } cases[] = {
      {"QGemm", "q half zero w fine zero c step zero", "alpha=0.5 transB=1", 0.5, 0.5, true},
      {"QGemm", "q half zero w fine zero . step zero", "alpha=2.0 transB=1", 2, 0, true},
      {"QGemm", "q half zero w fine zero c", "alpha=0.5 transB=1", 0.5, 0.5, true},
      {"Gemm", "d v f", "alpha=0.5 transB=1", 0.5, 1, true},
      {"Gemm", "d v f", "alpha=-0.5 transB=1", -0.5, 1, false},
      {"Gemm", "d v f", "transB=1 beta=2.0", 1, 2, true}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said;
    const signed char none = 0;
    const float floats[2] = {6 * 0.125F, -9 * 0.125F};
    const bool q = cases[k].op[0] == 'Q', ends = strstr(cases[k].inputs, "step") != NULL;
    enum { INT8 = 3, INT32 = 6 };
    onnx_put_input(&o, "x", 2, (const int64_t[]){0, 3});
    onnx_put_floats(&o, "fine", 0, NULL, &fine);
    onnx_put_floats(&o, "half", 0, NULL, &half);
    onnx_put_floats(&o, "step", 0, NULL, &step);
    onnx_put_floats(&o, "f", 1, (const int64_t[]){2}, floats);
    onnx_put_raw(&o, "zero", INT8, 0, NULL, &none, 1);
    onnx_put_raw(&o, "w", INT8, 2, (const int64_t[]){2, 3}, w, 6);
    onnx_put_list(&o, "c", INT32, 1, (const int64_t[]){2}, bias, 2);
    onnx_put_node(&o, "QuantizeLinear", "x half zero", "q", "");
    if (!q) onnx_put_node(&o, "DequantizeLinear", "q half zero", "d", "");
    if (!q) onnx_put_node(&o, "DequantizeLinear", "w fine zero", "v", "");
    onnx_put_node(&o, cases[k].op, cases[k].inputs, ends ? "r" : "y", cases[k].attributes);
    if (ends) onnx_put_node(&o, "DequantizeLinear", "r step zero", "y", "");
    onnx_put_output(&o, "y");
    struct graph *g = onnx_parsed(&a, &o, 13, &said);
    if (!g) fail_msg("%s: %s", cases[k].attributes, said);
    int64_t count;
    const float x[3] = {1, -0.5F, 0.25F};
    const float *y = onnx_computed(&a, g, x, &count);
    for (int r = 0; r < 2; r++) {
      double sum = 0, most = 127 * 0.125;
      for (int i = 0; i < 3; i++) sum += (double)x[i] * w[3 * r + i] * 0.5;
      double expected = cases[k].alpha * sum + cases[k].bias * bias[r] * 0.125;
      if (ends) expected = fmin(fmax(rint(expected / 0.125) * 0.125, -128 * 0.125), most);
      if ((double)y[r] != expected)
        fail_msg("%s %s: %g, expected %g", cases[k].op, cases[k].attributes, (double)y[r],
                 expected);
    }
    for (uint32_t i = 0; i < g->n_nodes; i++)
      if (op_is(g->nodes[i].op, TRAIT_WEIGHTS))
        assert_int_equal(type_is_fixed(&node_in(g, &g->nodes[i], 1)->type), cases[k].integers);
    arena_free(&a);
  }
}

// ---- hostile files

static void test_cut(void **state) {
  (void)state;
  struct arena a = {0};
  struct onnx_text o = {0};
  struct text file = {0};
  const float w[] = {1, 2};
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 2});
  onnx_put_floats(&o, "w", 2, (const int64_t[]){2, 1}, w);
  onnx_put_node(&o, "MatMul", "x w", "y", "");
  onnx_put_output(&o, "y");
  onnx_put_file(&o, 13, &file);
  for (size_t n = 0; n < file.size; n++) {
    struct refusals r = {0};
    struct err e = {0};
    struct graph *g = onnx_parse(&a, "cut.onnx", file.data, n, &r, &e);
    assert_true(!g || r.count || e.text[0] || graph_verify(g, &e) || e.text[0]);
  }
  text_free(&file);
  arena_free(&a);
}

// More elements than can be counted, at the input and behind it.
static void test_absurd(void **state) {
  (void)state;
  const int64_t most = INT64_C(1) << 24;
  for (int i = 0; i < 3; i++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    struct text file = {0};
    struct refusals r = {0};
    struct err e = {0};
    const float scales[] = {1, 1, 4096, 4096}, small[] = {1, 1, 16, 16};
    if (i)
      onnx_put_input(&o, "x", 4, (const int64_t[]){0, 1, 4096, 1024});
    else
      onnx_put_input(&o, "x", 5, (const int64_t[]){0, most, most, most, most});
    onnx_put_floats(&o, "s", 1, (const int64_t[]){4}, i == 1 ? scales : small);
    onnx_put_node(&o, i ? "Resize" : "Flatten", i ? "x . s" : "x", "y", i ? "mode:nearest" : "");
    onnx_put_node(&o, "Flatten", "y", "z", "");
    onnx_put_output(&o, "z");
    onnx_put_file(&o, 13, &file);
    struct graph *g = onnx_parse(&a, "n.onnx", file.data, file.size, &r, &e);
    if (i) {
      assert_int_equal(r.count, 1);
      assert_string_equal(r.list[0].reason, "its output has an axis of more than 16777216 "
                                            "elements, or more than 268435456 in all");
    } else {
      assert_null(g);
      assert_string_equal(e.text,
                          "input \"x\": more than 268435456 elements: export with a smaller input");
    }
    text_free(&file);
    arena_free(&a);
  }
}

// Weights that are finite, and whose product with a scale isn't.
static void test_infinite(void **state) {
  (void)state;
  struct arena a = {0};
  struct onnx_text o = {0};
  const char *said;
  static const signed char codes[2] = {8, 127};
  static const float scales[2] = {3e38F, 1};
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 2});
  onnx_put_raw(&o, "w", 3, 2, (const int64_t[]){2, 1}, codes, 2);
  onnx_put_floats(&o, "s", 2, (const int64_t[]){2, 1}, scales);
  onnx_put_node(&o, "DequantizeLinear", "w s", "f", "axis=0 block_size=1");
  onnx_put_node(&o, "MatMul", "x f", "y", "");
  onnx_put_output(&o, "y");
  assert_null(onnx_parsed(&a, &o, 21, &said));
  if (!strstr(said, "MatMul: element 0 of \"f\" is 2.4e+39; train it again")) fail_msg("%s", said);
  arena_free(&a);
}

// Attributes within attributes: graphs 100,000 deep.
static void test_deep(void **state) {
  (void)state;
  struct arena a = {0};
  struct refusals r = {0};
  struct err e = {0};
  struct text inner = {0};
  for (int i = 0; i < 2000; i++) { // graph { node { attribute { g: graph } } }
    struct text attribute = {0}, node = {0}, graph = {0};
    pb_message(&attribute, 6, &inner);
    pb_message(&node, 5, &attribute);
    pb_message(&graph, 1, &node);
    inner = graph;
  }
  struct text file = {0};
  pb_int(&file, 1, 8);
  pb_message(&file, 7, &inner);
  assert_null(onnx_parse(&a, "deep.onnx", file.data, file.size, &r, &e));
  assert_non_null(strstr(e.text, "nests too deep"));
  text_free(&file);
  arena_free(&a);
}

// Weights that lie elsewhere than in a plain file of the model's own folder.
static void test_external(void **state) {
  struct shell *s = *state;
  cli_expect(s, "cp tests/import/files/torch_lenet5_external.onnx* $D; $N info $D/*external.onnx",
             0, "61706");
  cli_expect(s, "rm $D/*.data; $N info $D/*external.onnx", 1, "which can't be opened beside it");
  cli_expect(s, "ln -s /etc/passwd $D/torch_lenet5_external.onnx.data; $N info $D/*external.onnx",
             1, "which can't be opened beside it");
  cli_expect(
      s,
      "rm $D/*.data; head -c 1000 tests/import/files/*.data >$D/torch_lenet5_external.onnx.data; "
      "$N info $D/*external.onnx",
      1, "it belongs to another model, or was cut off");
  cli_expect(s,
             "cp tests/import/files/*.data $D; ln $D/*.data $D/second; $N info $D/*external.onnx",
             1, "isn't a plain file with one name");
  cli_expect(
      s,
      "rm $D/second; sed -i s,torch_lenet5_external.onnx.data,../ch_lenet5_external.onnx.data, "
      "$D/*external.onnx; $N info $D/*external.onnx",
      1, "expected the name of a file in the model's own folder");
}

// ---- other formats

static void test_formats(void **state) {
  struct shell *s = *state;
  static const struct {
    const char *bytes, *words;
  } rows[] = {
      {"PK\\003\\004 archive/data.pkl", "a zip archive of torch.save, which isn't read: export"},
      {"\\200\\002}q", "a Python pickle, as torch.save wrote once, which isn't read"},
      // protocols 0 and 1, which say nothing in front; the last is no pickle to its end
      {"(dp0\\nS\\047a\\047\\np1\\nI1\\ns.", "a Python pickle, as torch.save wrote once"},
      {"L119547037146038801333356L\\n.L1001L\\n.", "a Python pickle, as torch.save wrote once"},
      {"}q\\001(X\\002\\000\\000\\000abG\\100\\004\\000\\000\\000\\000\\000\\000u.",
       "a Python pickle"},
      {"ccollections\\nOrderedDict\\np0\\n(tRp1\\n.", "a Python pickle"},
      {"(dp0\\nS\\047a\\047\\np1\\nI1\\ns, and no more",
       "not a model.bin, nor of a format that is read"},
      {"}q\\001(X\\002\\001\\000\\000abu.", "not a model.bin, nor of a format that is read"},
      {"(NN0 and others.", "not a model.bin, nor of a format that is read"},
      {"PK\\003\\004 w.npy", "a NumPy archive of arrays without a graph, which isn't read"},
      {"GGUF\\003", "a GGUF file, which isn't read"},
      {"version https://git-lfs.github.com/spec/v1",
       "a pointer of Git LFS, not the file itself, which isn't read: fetch it (git lfs pull)"},
      {"\\010\\001\\022\\011 serve.....",
       "a TensorFlow SavedModel, which isn't read: convert its folder"},
      {"\\012\\030......................Placeholder",
       "a frozen TensorFlow graph, which isn't read"},
      {"name: \\042net\\042 layer { type: \\042Convolution\\042 }",
       "a Caffe model, which isn't read"},
      {"PK\\003\\004 m/archive_format", "a program of torch.export, which isn't read: export it"},
      {"PK\\003\\004 serialized_exported_program.json", "a program of torch.export"},
      {"PK\\003\\004 ts/data.pkl ts/constants.pkl", "a TorchScript archive, which isn't read"},
      // NetParameter: layers by name and type, and the older ones, whose type is a number
      {"\\012\\003net\\242\\006\\012\\012\\002d1\\022\\004Data", "a Caffe model, which isn't read"},
      {"\\012\\003net\\022\\006\\042\\002c1\\050\\004", "a Caffe model, which isn't read"},
      {"# a net\\nname: \\042n\\042\\nlayer {\\n type: \\042ReLU\\042 }", "a Caffe model"},
      // Model: version, description, and a kind
      {"\\010\\004\\022\\002\\012\\000\\242\\037\\002ab",
       "a Core ML model, which isn't read: export"},
      {"\\010\\005\\022\\031com.github.apple.coremltools", "a Core ML model, which isn't read"},
      // such fields, but no kind of model: none of these
      {"\\010\\004\\022\\002\\012\\000 and more", "not a model.bin, nor of a format that is read"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(s, arena_printf(&s->arena, "printf '%s' >$D/f; $N info $D/f", rows[i].bytes), 1,
               rows[i].words);
  cli_expect(s,
             "mkdir $D/saved; printf '\\010\\001\\022\\011 serve.....' >$D/saved/saved_model.pb; "
             "$N import $D/saved -o $D/m.bin",
             1, "a TensorFlow SavedModel, which isn't read: convert its folder");
  cli_expect(s, "$N run $D/saved", 1, "a TensorFlow SavedModel, which isn't read");
  cli_expect(s, "mkdir $D/none; $N run $D/none", 1, "/none/model.bin: No such file or directory");
  cli_expect(s,
             "mkdir -p $D/net.mlpackage/Data/com.apple.CoreML; printf '\\010\\005\\022\\031"
             "com.github.apple.coremltools' >$D/net.mlpackage/Data/com.apple.CoreML/model.mlmodel; "
             "$N import $D/net.mlpackage -o $D/m.bin",
             1, "a Core ML model, which isn't read");
}

// A bound between two steps is one of them: told, once it is quantised.
static void test_bounds(void **state) {
  struct shell *s = *state;
  struct onnx_text o = {0};
  struct text file = {0};
  struct err e = {0};
  const float lo = -0.3F, hi = 6;
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 4});
  onnx_put_floats(&o, "lo", 0, NULL, &lo);
  onnx_put_floats(&o, "hi", 0, NULL, &hi);
  onnx_put_node(&o, "Clip", "x lo hi", "y", "");
  onnx_put_output(&o, "y");
  onnx_put_file(&o, 13, &file);
  assert_true(file_write(arena_printf(&s->arena, "%s/b.onnx", s->dir), file.data, file.size, &e));
  text_free(&file);
  cli_expect(s, "$N quantize -p 8,4 -o $D/q.bin $D/b.onnx", 0,
             "\"y\": its bound -0.3 becomes -0.3125, the nearest step of 8,4");
  cli_expect(s, "$N quantize -p 8,4 -o $D/q.bin $D/b.onnx 2>&1 | grep -c 'its bound'", 0, "1");
  cli_expect(s, "$N quantize -p 8,6 -o $D/q.bin $D/b.onnx 2>&1 | grep 'its bound 6'", 1, "");
}

// ---- data

// Of several outputs each with the array of its name.
static void test_several_outputs(void **state) {
  struct shell *s = *state;
  struct onnx_text o = {0};
  struct text file = {0};
  const float x[] = {-1, 2, 3, -4};
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 4});
  onnx_put_node(&o, "Relu", "x", "up", "");
  onnx_put_node(&o, "Sigmoid", "x", "between", "");
  onnx_put_output(&o, "up");
  onnx_put_output(&o, "between");
  onnx_put_file(&o, 13, &file);
  FILE *f = fopen(arena_printf(&s->arena, "%s/two.onnx", s->dir), "wb");
  assert_int_equal(fwrite(file.data, 1, file.size, f), file.size);
  fclose(f);
  text_free(&file);
  npy_write(s, "x.npy", "<f4", "(1, 4)", x, sizeof x);
  cli_expect(s, "$N run -q --data $D/x.npy -o $D/y.safetensors $D/two.onnx", 0, "");
  cli_expect(s, "$N run -q --data $D/x.npy --compare $D/y.safetensors $D/two.onnx", 0,
             "compared  8 elements");
  cli_expect(s, "$N run -q --data $D/x.npy --compare $D/y.safetensors $D/two.onnx", 0,
             ": equal within 9.53e-05 to 0.0003, 0.0001 of the largest of each output\n");
  cli_expect(s, "$N run -q --json --data $D/x.npy --compare $D/y.safetensors $D/two.onnx", 0,
             "\"least_tolerance\":9.5");
  cli_expect(s, "$N run -q --data $D/x.npy --compare $D/y.safetensors --tolerance 0.01 $D/two.onnx",
             0, ": equal within 0.01\n");
  // the other name is as long: "between" is told to be absent
  cli_expect(s,
             "sed 's/\"between\"/\"Between\"/' $D/y.safetensors >$D/one.safetensors; "
             "$N run -q --data $D/x.npy --compare $D/one.safetensors $D/two.onnx",
             0, "absent    output between, which the file doesn't have\n");
  cli_expect(s, "$N run -q --json --data $D/x.npy --compare $D/one.safetensors $D/two.onnx", 0,
             "\"absent\":[\"between\"]");
  cli_expect(s, "$N run -q --data $D/x.npy --compare $D/x.npy $D/two.onnx", 1,
             "x.npy: it has none of the outputs \"up\", \"between\": a safetensors file");
  cli_expect(s, "$N run -q --data $D/x.npy --compare $D/none.npy $D/two.onnx", 1,
             "none.npy: No such file");
  cli_expect(s, "$N run -q --data $D/x.npy -o $D/out.npy $D/two.onnx", 1,
             "out.npy: a .npy holds one array, the model has 2 outputs: give ");
  cli_expect(s, "ls $D/out.npy", 2, "No such file");
  cli_expect(s,
             "$N run -q -p 8,4 --data $D/x.npy -o $D/c $D/two.onnx && $N run -q --json -p 8,4 "
             "--data $D/x.npy --compare $D/c $D/two.onnx",
             0, "\"forms\":[\"codes of both\",\"codes of both\"]");
  cli_expect(s,
             "sed 's/between.scale\":\"0.0625/between.scale\":\"0.1250/' $D/c >$D/d; $N run -q "
             "-p 8,4 --data $D/x.npy --compare $D/d --tolerance 1 $D/two.onnx",
             0,
             "form      output up: codes of both\nform      output between: codes of both, whose "
             "scales differ, as values\n");
}

// Arrays in the file's order of axes, codes, and what differs.
static void test_data(void **state) {
  struct shell *s = *state;
  struct onnx_text o = {0};
  struct text file = {0};
  onnx_put_input(&o, "x", 4, (const int64_t[]){0, 2, 3, 4});
  onnx_put_node(&o, "MaxPool", "x", "y", "kernel_shape=3,4");
  onnx_put_output(&o, "y");
  onnx_put_file(&o, 13, &file);
  FILE *f = fopen(arena_printf(&s->arena, "%s/m.onnx", s->dir), "wb");
  assert_int_equal(fwrite(file.data, 1, file.size, f), file.size);
  fclose(f);
  text_free(&file);
  float x[24], y[] = {11, 23, 11, 22};
  int8_t codes[24];
  for (int i = 0; i < 24; i++) {
    x[i] = (float)i;
    codes[i] = (int8_t)i;
  }
  npy_write(s, "x.npy", "<f4", "(1, 2, 3, 4)", x, sizeof x);
  npy_write(s, "flat.npy", "<f4", "(1, 24)", x, sizeof x);
  npy_write(s, "c.npy", "|i1", "(1, 2, 3, 4)", codes, sizeof codes);
  npy_write(s, "y.npy", "<f4", "(1, 2, 1, 1)", y, 8);
  npy_write(s, "no.npy", "<f4", "(1, 2)", y + 2, 8);
  cli_expect(s, "$N run -q --data $D/x.npy --compare $D/y.npy $D/m.onnx", 0,
             "y.npy: equal within 0.0023\n");
  cli_expect(s, "$N run -q --data $D/flat.npy --compare $D/y.npy $D/m.onnx", 0,
             "y.npy: equal within 0.0023\n");
  cli_expect(s, "$N run -q -p 8,0 --codes --data $D/c.npy --compare $D/y.npy $D/m.onnx", 0,
             "y.npy: equal\n");
  cli_expect(s, "$N run -q --data $D/x.npy --compare $D/no.npy $D/m.onnx", 1,
             "no.npy: 1 are further apart than 0.0022\nform      values of both\nfirst     output "
             "y, frame 0, element 1: 23, "
             "expected 22\nworst     output y, frame 0, element 1: 23, expected 22\n");
  cli_expect(s, "$N run -q --data $D/x.npy --compare $D/no.npy --tolerance 1 $D/m.onnx", 0,
             "equal within 1\n");
  cli_expect(s, "$N run -q --data $D/x.npy --compare $D/no.npy --json $D/m.onnx", 1,
             "\"different\":1,\"tolerance\":0.0022,\"largest_difference\":1.0,\"forms\":[\"values "
             "of both\"],\"first\":{"
             "\"output\":\"y\"");
  cli_expect(s, "$N run -q --data $D/x.npy --tolerance 1 $D/m.onnx", 1, "is about --compare");
  cli_expect(s, "$N run -q --codes --data $D/c.npy $D/m.onnx", 1,
             "--codes are integers of a quantised model");
  cli_expect(s, "$N run -q -p 4,0 --codes --data $D/c.npy $D/m.onnx", 1,
             "image 0 holds the code 12, the codes of input \"x\" are -8 to 7");
  cli_expect(s, "$N run -q -p 8,0 --codes --data $D/x.npy $D/m.onnx", 1, "found floats");
}

// ---- weights of PyTorch and a graph beside them

#define STATE "$N import tests/import/files/torch_state.safetensors -o $D/m.bin --graph "

static void test_state(void **state) {
  struct shell *s = *state;
  cli_expect(s,
             STATE "tests/import/files/torch_state.json && $N run --real -q $D/m.bin --compare "
                   "tests/import/files/torch_state.safetensors.expected.safetensors",
             0, "compared  640 elements");
  cli_expect(s, "sed '/fc2/s/32/31/' tests/import/files/torch_state.json >$D/j; " STATE "$D/j", 1,
             "tensor \"fc2.weight\" is (32, 64), the graph's layer asks for (31, 64)");
  cli_expect(s, "sed '/fc6/s/fc6/head/' tests/import/files/torch_state.json >$D/j; " STATE "$D/j",
             1, "head        linear  there is no tensor \"head.weight\" in the file");
  cli_expect(
      s, // all at once
      "sed '/fc6/s/fc6/head/; /fc2/s/32/31/' tests/import/files/torch_state.json >$D/j; " STATE
      "$D/j --json >$D/out; grep -o '\"node\":\"[^\"]*' $D/out | cut -d'\"' -f4 | xargs",
      0, "fc2 fc2 fc3 head fc6.bias fc6.weight");
  cli_expect(
      s,
      "sed '/fc6/d; s/\"relu\"},/\"relu\"}]}/' tests/import/files/torch_state.json >$D/j; " STATE
      "$D/j",
      1, "\"fc6.bias\" (tensor): it belongs to no layer of the graph; add its layer");
  cli_expect(s, "$N info tests/import/files/torch_state.safetensors", 1,
             "--graph net.json makes a model of it");
  cli_expect(s,
             "$N import models/lenet5.bin -o $D/m.bin --graph tests/import/files/torch_state.json",
             1, "--graph goes with a safetensors file of weights");
}

// Kernels, norms, and columns behind an image in PyTorch's order: what ONNX gives for them.
static void test_state_orders(void **state) {
  struct shell *s = *state;
  struct onnx_text o = {0};
  struct text file = {0};
  float kernel[36], dense[72], numbers[2][2] = {{0.5F, -1}, {2, 0.25F}};
  for (int i = 0; i < 36; i++) kernel[i] = (float)((i * 7 + 3) % 11 - 5) / 8;
  for (int i = 0; i < 72; i++) dense[i] = (float)((i * 5 + 1) % 13 - 6) / 8;
  static const struct {
    const char *name;
    int rank;
    int64_t shape[4];
  } shapes[] = {{"c.weight", 4, {2, 2, 3, 3}}, {"n.weight", 1, {2}},      {"n.bias", 1, {2}},
                {"n.running_mean", 1, {2}},    {"n.running_var", 1, {2}}, {"d.weight", 2, {4, 18}}};
  const float *data[] = {kernel, numbers[0], numbers[1], numbers[0], numbers[1], dense};
  struct named_tensor tensors[6];
  onnx_put_input(&o, "x", 4, (const int64_t[]){0, 2, 5, 5});
  for (int i = 0; i < 6; i++) {
    onnx_put_floats(&o, shapes[i].name, shapes[i].rank, shapes[i].shape, data[i]);
    tensors[i] = (struct named_tensor){
        shapes[i].name, tensor_new(&s->arena, DTYPE_F32, shapes[i].rank, shapes[i].shape)};
    memcpy(tensors[i].tensor->data, data[i], (size_t)tensors[i].tensor->count * sizeof(float));
  }
  onnx_put_node(&o, "Conv", "x c.weight", "c", "");
  onnx_put_node(&o, "BatchNormalization", "c n.weight n.bias n.running_mean n.running_var", "n",
                "");
  onnx_put_node(&o, "Flatten", "n", "f", "");
  onnx_put_node(&o, "Gemm", "f d.weight", "d", "transB=1");
  onnx_put_output(&o, "d");
  onnx_put_file(&o, 13, &file);
  FILE *f = fopen(arena_printf(&s->arena, "%s/net.onnx", s->dir), "wb");
  assert_int_equal(fwrite(file.data, 1, file.size, f), file.size);
  fclose(f);
  text_free(&file);
  struct err e = {0};
  const struct safetensors all = {6, tensors, 0, NULL};
  assert_true(safetensors_write(arena_printf(&s->arena, "%s/w", s->dir), &all, &e));
  cli_expect(s,
             "printf '%s' '{\"name\":\"n\",\"input\":{\"shape\":[5,5,2]},\"layers\":["
             "{\"op\":\"conv2d\",\"name\":\"c\",\"out\":2,\"kernel\":[3,3]},"
             "{\"op\":\"batch_norm\",\"name\":\"n\"},{\"op\":\"flatten\"},"
             "{\"op\":\"linear\",\"name\":\"d\",\"out\":4}]}' >$D/j; "
             "$N import $D/w --graph $D/j -o $D/m.bin",
             0, "layers");
  float x[100];
  for (int i = 0; i < 100; i++) x[i] = (float)(i * 13 % 17) / 8 - 1;
  npy_write(s, "x.npy", "<f4", "(2, 5, 5, 2)", x, sizeof x);
  cli_expect(
      s,
      "$N run -q --real --data $D/x.npy -o $D/y $D/net.onnx && $N run -q --real --data $D/x.npy "
      "--compare $D/y --tolerance 0.00002 $D/m.bin",
      0, "compared  8 elements");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_values),
                                     SHELL_CASE(test_integers),
                                     SHELL_CASE(test_qoperators),
                                     SHELL_CASE(test_exact),
                                     SHELL_CASE(test_circuit),
                                     SHELL_CASE(test_import),
                                     cmocka_unit_test(test_moves),
                                     cmocka_unit_test(test_functions),
                                     cmocka_unit_test(test_dense),
                                     cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_files),
                                     cmocka_unit_test(test_chain),
                                     cmocka_unit_test(test_bytes),
                                     cmocka_unit_test(test_packed),
                                     SHELL_CASE(test_why_not),
                                     cmocka_unit_test(test_behind),
                                     cmocka_unit_test(test_factors),
                                     cmocka_unit_test(test_behind_product),
                                     cmocka_unit_test(test_behind_resize),
                                     cmocka_unit_test(test_cut),
                                     cmocka_unit_test(test_absurd),
                                     cmocka_unit_test(test_infinite),
                                     cmocka_unit_test(test_deep),
                                     SHELL_CASE(test_external),
                                     SHELL_CASE(test_beside),
                                     SHELL_CASE(test_relu_codes),
                                     SHELL_CASE(test_formats),
                                     SHELL_CASE(test_bounds),
                                     SHELL_CASE(test_several_outputs),
                                     SHELL_CASE(test_data),
                                     SHELL_CASE(test_state),
                                     SHELL_CASE(test_state_orders)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
