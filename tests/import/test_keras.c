// SPDX-License-Identifier: Apache-2.0
// Keras files: of Keras 2, 3 and QKeras with what they compute; damaged ones and such that lead
// elsewhere.
#include "sw/base/file.h"
#include "sw/graph/verify.h"
#include "sw/import/formats.h"
#include "sw/import/keras.h"
#include "tests/cmd/helper_shell.h"

#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zip.h>

// All 640 numbers of 64 images.
static void test_values(void **state) {
  static const char *const files[] = {"keras2_mlp.h5", "keras3_cnn.h5", "keras3_cnn.keras",
                                      "qkeras_mlp.h5"};
  struct shell *s = *state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    cli_expect(s,
               arena_printf(&s->arena,
                            "f=tests/import/files/%s; $N run --real -q $f --compare "
                            "$f.expected.safetensors",
                            files[i]),
               0, "compared  640 elements with tests/import/files/");
  cli_expect(s, "$N info -q tests/import/files/qkeras_mlp.h5", 0, "u4,4    s4 per channel");
}

// Models within models within a model, whose layers bear the same names; two inputs, and a model
// that both go through.
static void test_nested(void **state) {
  static const char *const ends[] = {"keras", "h5"};
  struct shell *s = *state;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    cli_expect(s,
               arena_printf(&s->arena,
                            "f=tests/import/files/keras3_nested; e=$f.expected.safetensors; $N run "
                            "--real -q $f.%s --data left=$e:left --data right=$e:right --compare "
                            "$e:output",
                            ends[i]),
               0, "compared  12 elements with tests/import/files/");
  // its encoder is called for either side
  cli_expect(s, "$N import tests/import/files/keras3_nested.keras -o $D/m.bin", 0,
             "\"encoder\": is called several times: here each call has weights of its own");
  cli_expect(s, "$N import tests/import/files/keras3_cnn.keras -o $D/m.bin 2>&1 | grep -c several",
             1, "0");
}

// Transposed convolutions of either padding, with strides beyond the kernel, sizes of their own,
// over images and sequences.
// Numbers in a model's formula, 1.5 - 2 x / 4 + 0.25, and rows and columns between others.
static void test_formula(void **state) {
  struct shell *s = *state;
  cli_expect(s,
             "f=tests/import/files/keras3_formula; e=$f.expected.safetensors; $N run --real -q "
             "$f.keras --data $e:input --compare $e:output",
             0, "compared  1440 elements with tests/import/files/");
}

// Functions of keras.ops, Python's operators and slices on tensors; layers at each step of time.
// Both were run by Keras itself, and are circuits, too.
static void test_functions(void **state) {
  static const struct { const char *name, *compared; } files[] = {{"ops", "1485"}, {"time", "333"}};
  struct shell *s = *state;
  for (int i = 0; i < 4; i++) {
    const char *name = files[i / 2].name;
    cli_expect(s,
               arena_printf(&s->arena,
                            "f=tests/import/files/keras3_%s; e=$f.expected.safetensors; $N run "
                            "--real -q $f.%s --data $e:input --compare $e",
                            name, i % 2 ? "h5" : "keras"),
               0, arena_printf(&s->arena, "compared  %s elements with ", files[i / 2].compared));
    cli_expect(s,
               arena_printf(&s->arena,
                            "f=tests/import/files/keras3_%s; e=$f.expected.safetensors; $N run "
                            "--real -q $f.%s --data $e:input --compare $e",
                            name, i % 2 ? "h5" : "keras"),
               0, ": equal within ");
  }
}

static void test_transposed(void **state) {
  struct shell *s = *state;
  cli_expect(s,
             "f=tests/import/files/keras3_transposed; e=$f.expected.safetensors; $N run --real -q "
             "$f.keras --data $e:input --compare $e:output",
             0, "compared  8496 elements with tests/import/files/");
}

// ---- layers, by configurations as small as can be

static uint32_t refused; // layers of the last model

// Of a model and arrays {"group/index", "3,3,2"}, with metadata {"name:group", "layer"} among them.
static struct graph *modelled(struct arena *a, const char *version, const char *model,
                              const char *const (*arrays)[2], const char **said) {
  struct named_tensor tensors[16];
  const char *metadata[18][2] = {{"version", version}, {"config", model}};
  uint32_t n = 0, m = 2;
  for (; arrays && arrays[0][0]; arrays++) {
    int64_t shape[RANK_MAX];
    int rank = 0;
    if (strchr(arrays[0][0], ':')) {
      memcpy(metadata[m++], arrays[0], sizeof *metadata);
      continue;
    }
    for (const char *at = arrays[0][1]; *at; at += strcspn(at, ",") + (strchr(at, ',') != NULL))
      shape[rank++] = atoll(at);
    struct tensor *t = tensor_new(a, DTYPE_F32, rank, shape);
    for (int64_t i = 0; i < t->count; i++) ((float *)t->data)[i] = (float)(i % 7) - 2.5F;
    tensors[n++] = (struct named_tensor){arrays[0][0], t};
  }
  const struct safetensors file = {n, tensors, m, metadata};
  struct text bytes = {0};
  struct refusals r = {0};
  struct err e = {0};
  safetensors_put(&bytes, &file);
  struct graph *g = keras_build(a, bytes.data, bytes.size, &r, &e);
  text_free(&bytes);
  refused = r.count;
  *said = r.count ? arena_printf(a, "%s: %s; %s", r.list[0].op, r.list[0].reason, r.list[0].remedy)
                  : arena_strdup(a, e.text);
  if (!g || r.count) return NULL;
  if (!graph_verify(g, &e)) fail_msg("%s: %s", model, e.text);
  return g;
}

static struct graph *built(struct arena *a, const char *layers, const char *const (*arrays)[2],
                           const char **said) {
  const char *model = arena_printf(
      a, "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"s\",\"layers\":[%s]}}", layers);
  return modelled(a, "3", model, arrays, said);
}

#define INPUT(shape)                                                                               \
  "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"i\",\"batch_shape\":[null," shape "]}},"
#define LAYER(cls, config) "{\"class_name\":\"" cls "\",\"config\":{\"name\":\"l\"," config "}}"

#define TUPLE(items) "{\"class_name\":\"__tuple__\",\"items\":[" items "]}"
#define NUMPY(value) "{\"class_name\":\"__numpy__\",\"config\":{\"value\":" value "}}"

#define EACH(cls, config)                                                                          \
  LAYER("TimeDistributed",                                                                         \
        "\"layer\":{\"class_name\":\"" cls "\",\"config\":{\"name\":\"e\"" config "}}")

// A layer, the kind that it becomes, and the shape of what comes out.
static void test_layers(void **state) {
  (void)state;
  static const struct {
    const char *layers;
    const char *arrays[5][2];
    const char *op, *shape;
  } rows[] = {
      {INPUT("5") LAYER("Dense", "\"units\":3"),
       {{"dense/0", "5,3"}, {"dense/1", "3"}},
       "linear",
       "3"},
      {INPUT("6,6,2") LAYER(
           "Conv2D", "\"kernel_size\":[3,3],\"padding\":\"same\",\"strides\":2,\"use_bias\":false"),
       {{"conv2d/0", "3,3,2,4"}},
       "conv2d",
       "3,3,4"},
      {INPUT("6,6,4")
           LAYER("Conv2D", "\"kernel_size\":3,\"groups\":2,\"dilation_rate\":2,\"use_bias\":false"),
       {{"conv2d/0", "3,3,2,6"}},
       "conv2d",
       "2,2,6"},
      {INPUT("9,2") LAYER(
           "Conv1D",
           "\"kernel_size\":[3],\"padding\":\"causal\",\"dilation_rate\":[2],\"use_bias\":false"),
       {{"conv1d/0", "3,2,4"}},
       "conv1d",
       "9,4"},
      {INPUT("6,6,2") LAYER("DepthwiseConv2D", "\"kernel_size\":[3,3],\"use_bias\":true"),
       {{"depthwise_conv2d/0", "3,3,2,2"}, {"depthwise_conv2d/1", "4"}},
       "conv2d",
       "4,4,4"},
      {INPUT("6,6,2") LAYER("MaxPooling2D", "\"pool_size\":[2,3],\"padding\":\"same\""),
       {{0}},
       "max_pool",
       "3,2,2"},
      {INPUT("6,2") LAYER("AveragePooling1D", "\"pool_size\":[2],\"strides\":[1]"),
       {{0}},
       "avg_pool",
       "5,2"},
      {INPUT("6,6,2") LAYER("GlobalMaxPooling2D", "\"keepdims\":true"), {{0}}, "max_pool", "1,1,2"},
      {INPUT("6,6,2") LAYER("GlobalMaxPooling2D", "\"keepdims\":false"), {{0}}, "flatten", "2"},
      {INPUT("9,2") LAYER("GlobalAveragePooling1D", "\"keepdims\":false"), {{0}}, "flatten", "2"},
      {INPUT("6,6,2") LAYER("GlobalAveragePooling2D", "\"x\":0") "," LAYER("Dense", "\"units\":3"),
       {{"dense/0", "2,3"}, {"dense/1", "3"}},
       "linear",
       "3"},
      {INPUT("4") LAYER("ReLU", "\"max_value\":6.0"), {{0}}, "relu6", "4"},
      {INPUT("4") LAYER("ReLU", "\"negative_slope\":0.25,\"max_value\":null"),
       {{0}},
       "leaky_relu",
       "4"},
      {INPUT("4") LAYER("LeakyReLU", "\"alpha\":0.25"), {{0}}, "leaky_relu", "4"},
      {INPUT("4") LAYER("Activation", "\"activation\":\"gelu\""), {{0}}, "gelu", "4"},
      {INPUT("4,3") LAYER("PReLU", "\"shared_axes\":[1,2]"),
       {{"p_re_lu/0", "1,1"}},
       "leaky_relu",
       "4,3"},
      {INPUT("4,3") LAYER("PReLU", "\"shared_axes\":[1]"), {{"p_re_lu/0", "1,3"}}, "add", "4,3"},
      {INPUT("4,3") LAYER("PReLU", "\"shared_axes\":null"), {{"p_re_lu/0", "4,3"}}, "add", "4,3"},
      {INPUT("4") LAYER("ThresholdedReLU", "\"theta\":0.5"), {{0}}, "hardshrink", "4"},
      {INPUT("4") LAYER("ReLU", "\"threshold\":0.5"), {{0}}, "hardshrink", "4"},
      {INPUT("4,3") LAYER("Normalization", "\"axis\":[-1],\"mean\":null,\"variance\":null"),
       {{"normalization/0", "3"}, {"normalization/1", "3"}, {"normalization/2", ""}},
       "batch_norm",
       "4,3"},
      {INPUT("4,3") LAYER("Normalization", "\"axis\":null,\"mean\":1.5,\"variance\":4"),
       {{0}},
       "batch_norm",
       "4,3"},
      {INPUT("4") LAYER("Softmax", "\"axis\":-1"), {{0}}, "softmax", "4"},
      {INPUT("4") LAYER("Activation", "\"activation\":\"log_softmax\""), {{0}}, "log_softmax", "4"},
      {INPUT("4,3") LAYER("Permute", "\"dims\":[2,1]"), {{0}}, "permute", "3,4"},
      {INPUT("4,3") LAYER("ZeroPadding1D", "\"padding\":[1,2]"), {{0}}, "pad", "7,3"},
      {INPUT("4,5,3") LAYER("Cropping2D", "\"cropping\":[[1,0],[2,1]]"), {{0}}, "slice", "3,2,3"},
      {INPUT("4,5,3") LAYER("UpSampling2D", "\"size\":[2,3]"), {{0}}, "upsample", "8,15,3"},
      {INPUT("4,5,3") LAYER("UpSampling2D", "\"size\":[2,3],\"interpolation\":\"bilinear\""),
       {{0}},
       "permute",
       "8,15,3"},
      {INPUT("4,3") LAYER("Reshape", "\"target_shape\":[2,-1]"), {{0}}, "reshape", "2,6"},
      {INPUT("4,3") LAYER("Reshape", "\"target_shape\":" TUPLE("6,2")), {{0}}, "reshape", "6,2"},
      {INPUT("8,8,2") LAYER("Conv2D", "\"kernel_size\":" TUPLE("3,3") ",\"strides\":" TUPLE(
                                          "2,2") ",\"use_bias\":false"),
       {{"conv2d/0", "3,3,2,4"}},
       "conv2d",
       "3,3,4"},
      {INPUT("8,8,2") LAYER("Conv2D", "\"strides\":[2.0,2.0],\"use_bias\":false"),
       {{"conv2d/0", "3,3,2,4"}},
       "conv2d",
       "3,3,4"},
      {INPUT("8,8,2") LAYER("MaxPooling2D", "\"pool_size\":" TUPLE("4,4")),
       {{0}},
       "max_pool",
       "2,2,2"},
      {INPUT("8,8,2") LAYER("ZeroPadding2D", "\"padding\":" TUPLE(TUPLE("1,2") "," TUPLE("0,1"))),
       {{0}},
       "pad",
       "11,9,2"},
      {INPUT("8,8,2") LAYER("Cropping2D", "\"cropping\":" TUPLE("1,2")), {{0}}, "slice", "6,4,2"},
      {INPUT("8,2") LAYER("UpSampling1D", "\"size\":{\"type\":\"ndarray\",\"value\":3}"),
       {{0}},
       "upsample",
       "24,2"},
      {INPUT("4") LAYER("Softmax", "\"axis\":[-1]"), {{0}}, "softmax", "4"},
      {INPUT("4,1,2") LAYER("Flatten", "\"data_format\":\"channels_last\""), {{0}}, "flatten", "8"},
      {INPUT("1,4,2") LAYER("Flatten", "\"data_format\":\"channels_first\""),
       {{0}},
       "flatten",
       "8"},
      {INPUT("4") LAYER("Activation", "\"activation\":{\"class_name\":\"LeakyReLU\","
                                      "\"config\":{\"negative_slope\":0.25}}"),
       {{0}},
       "leaky_relu",
       "4"},
      {INPUT("4") LAYER("ReLU", "\"max_value\":" NUMPY("6")), {{0}}, "relu6", "4"},
      // .keras files have the inner layer's arrays in a group of their own, .h5 files don't
      {INPUT("4,6") EACH("Dense", ",\"units\":3"),
       {{"time_distributed/layer/0", "6,3"}, {"time_distributed/layer/1", "3"}},
       "linear",
       "4,3"},
      {INPUT("4,6") EACH("Dense", ",\"use_bias\":false"),
       {{"name:0", "l"}, {"path:0/0", "l/e/kernel"}, {"0/0", "6,5"}},
       "linear",
       "4,5"},
      {INPUT("4,2,3") EACH("Flatten", ""), {{0}}, "reshape", "4,6"},
      {INPUT("4,2,3") EACH("Reshape", ",\"target_shape\":[3,-1]"), {{0}}, "reshape", "4,3,2"},
      {INPUT("4,2") EACH("ELU", ""), {{0}}, "elu", "4,2"},
      {INPUT("4") LAYER("RepeatVector", "\"n\":3"), {{0}}, "upsample", "3,4"},
      {INPUT("6,4,2") LAYER("AdaptiveAveragePooling2D", "\"output_size\":[3,1]"),
       {{0}},
       "avg_pool",
       "3,1,2"},
      {INPUT("6,4,2") LAYER("AdaptiveMaxPooling2D", "\"output_size\":2"),
       {{0}},
       "max_pool",
       "2,2,2"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    const char *said, *shape = "";
    struct graph *g = built(&a, rows[i].layers, rows[i].arrays, &said);
    if (!g) fail_msg("%s: %s", rows[i].layers, said);
    assert_string_equal(op_info(g->nodes[g->n_nodes - 1].op)->name, rows[i].op);
    const struct value *y = &g->values[g->outputs[0]];
    for (int d = 0; d < y->rank; d++)
      shape = arena_printf(&a, "%s%s%lld", shape, d ? "," : "", (long long)y->shape[d]);
    if (strcmp(shape, rows[i].shape) != 0) fail_msg("%s: %s", rows[i].layers, shape);
    assert_string_equal(y->name, "l");
    arena_free(&a);
  }
}

// A number as the files of several versions write it: the same slope.
static void test_numbers(void **state) {
  (void)state;
  static const char *const rows[] = {"0.125", "[0.125]", NUMPY("0.125"),
                                     "{\"type\":\"ndarray\",\"value\":0.125}",
                                     "{\"class_name\":\"__ndarray__\",\"config\":[0.125]}"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    const char *said;
    const char *layer = arena_printf(
        &a, INPUT("4") "{\"class_name\":\"LeakyReLU\",\"config\":{\"alpha\":%s}}", rows[i]);
    struct graph *g = built(&a, layer, NULL, &said);
    if (!g) fail_msg("%s: %s", rows[i], said);
    assert_float_equal(node_real(&g->nodes[g->n_nodes - 1], ATTR_slope, 0), 0.125, 0);
    arena_free(&a);
  }
}

// What a byte of 255 is to the first layer: 1, or 255 where the file says so or divides it.
static void test_bytes(void **state) {
  (void)state;
#define OF_TYPE(type)                                                                              \
  "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"i\",\"batch_shape\":[null,4],\"dtype\":"  \
  "\"" type "\"}},"
  static const struct {
    const char *layers;
    double is;
  } rows[] = {
      {OF_TYPE("float32") LAYER("ReLU", "\"x\":0"), 1},
      {OF_TYPE("uint8") LAYER("ReLU", "\"x\":0"), 255},
      {OF_TYPE("uint8") LAYER("Rescaling", "\"scale\":0.00392156862745098"), 255},
      {INPUT("4") LAYER("Rescaling", "\"scale\":0.00392156862745098"), 255},
      {INPUT("4") LAYER("Rescaling", "\"scale\":-0.03125,\"offset\":1"), 255},
      {INPUT("4") LAYER("Rescaling", "\"scale\":0.04"), 1},
      {INPUT("4") LAYER("Rescaling", "\"scale\":[0.01,0.01,1,0.01]"), 1},
      {INPUT("4") LAYER("Normalization", "\"axis\":null,\"mean\":128,\"variance\":4096"), 255},
      {INPUT("4") LAYER("ReLU", "\"x\":0") "," LAYER("Rescaling", "\"scale\":0.004"), 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    const char *said;
    struct graph *g = built(&a, rows[i].layers, NULL, &said);
    if (!g) fail_msg("%s: %s", rows[i].layers, said);
    double is = source_real(&g->inputs[0].source, 0, 255);
    if (fabs(is - rows[i].is) > 1e-9) fail_msg("%s: %g", rows[i].layers, is);
    arena_free(&a);
  }
}

static void test_refused(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {INPUT("4") LAYER("Lambda", "\"function\":\"x\""),
       "Lambda: it is Python code; use layers instead of code"},
      {INPUT("4") LAYER("LSTM", "\"units\":2"),
       "LSTM: there are no recurrent layers; use convolutions along time"},
      {INPUT("4") LAYER("Dense", "\"units\":3"),
       "Dense: the file has no array 0 of it; save the whole model"},
      {INPUT("4,4,1") LAYER("Conv2D", "\"data_format\":\"channels_first\""),
       "its channels come first; use channels_last"},
      {INPUT("4") LAYER("Activation", "\"activation\":\"exponential\""),
       "activation \"exponential\" has no counterpart"},
      {INPUT("4,4,1") LAYER("UpSampling2D", "\"size\":2,\"interpolation\":\"bicubic\""),
       "interpolation \"bicubic\"; use nearest or bilinear"},
      {INPUT("4") LAYER("QActivation", "\"activation\":\"ternary()\""), "has no counterpart"},
      {INPUT("4") LAYER("LeakyReLU", "\"alpha\":\"0.1\""),
       "LeakyReLU: alpha: expected a number, found \"0.1\"; check the file"},
      {INPUT("4") LAYER("ReLU", "\"max_value\":{\"a\":1}"),
       "max_value: expected a number, found {"},
      {INPUT("4") LAYER("ReLU", "\"threshold\":[1,2]"),
       "threshold: expected a number, found [1,2]"},
      {INPUT("4") LAYER("Rescaling", "\"scale\":\"2\""), "scale: expected a number"},
      {INPUT("4") LAYER("Softmax", "\"axis\":1.5"), "axis: expected an integer, found 1.5"},
      {INPUT("4") LAYER("Activation", "\"activation\":[\"relu\"]"),
       "activation: expected a name or an object with one, found [\"relu\"]"},
      {INPUT("8,8,2") LAYER("MaxPooling2D", "\"pool_size\":\"2\""), "pool_size: expected a list"},
      {INPUT("8,8,2") LAYER("MaxPooling2D", "\"strides\":[2,2.5]"), "strides: expected a list"},
      {INPUT("8,8,2") LAYER("MaxPooling2D", "\"strides\":[2,2,2]"), "strides: expected a list"},
      {INPUT("8,8,2") LAYER("MaxPooling2D", "\"padding\":[1]"), "padding: expected a word"},
      {INPUT("8,8,2") LAYER("UpSampling2D", "\"size\":{\"a\":2}"), "size: expected a list"},
      {INPUT("8,8,2") LAYER("ZeroPadding2D", "\"padding\":\"same\""), "padding: expected a list"},
      {INPUT("8,8,2") LAYER("Cropping2D", "\"cropping\":[[1,2],3]"), "3 numbers for 2 axes"},
      {INPUT("8,2") LAYER("GlobalMaxPooling1D", "\"keepdims\":\"no\""),
       "keepdims: expected true or false, found \"no\""},
      {INPUT("2,4,3") LAYER("Flatten", "\"data_format\":\"channels_first\""),
       "Flatten: its channels come first"},
      {INPUT("4") LAYER("Activation", "\"activation\":{\"class_name\":\"ReLU\","
                                      "\"config\":{\"threshold\":1.0,\"max_value\":6}}"),
       "threshold 1"},
      {INPUT("4") LAYER("QActivation", "\"activation\":\"quantized_relu(4,0,1)\""),
       "says more than bits"},
      {INPUT("4,6,3") EACH("Conv1D", ""), "it applies \"Conv1D\" to each of 4 steps; use a layer"},
      {INPUT("4") EACH("Dense", ""), "it has no layer inside, or no steps"},
      {INPUT("4,6") LAYER("TimeDistributed", "\"layer\":3"), "it has no layer inside"},
      {INPUT("4,6,3") EACH("Flatten", ",\"data_format\":\"channels_first\""),
       "its channels come first"},
      {INPUT("4,6") EACH("Reshape", ",\"target_shape\":[5]"), "its shape doesn't have 24 elements"},
      {INPUT("4,6") EACH("Reshape", ",\"target_shape\":[]"), "a shape of no or too many axes"},
      {INPUT("4,6") EACH("Dense", ""), "the file has no array 0 of it"},
      {INPUT("4,6") LAYER("RepeatVector", "\"n\":3"), "n is 3, its input has 2 axes"},
      {INPUT("4") LAYER("RepeatVector", "\"n\":0"), "n is 0, its input has 1 axes"},
      {INPUT("4") LAYER("RepeatVector", "\"x\":0"), "n is 0, its input has 1 axes"},
      {INPUT("7,4") LAYER("AdaptiveMaxPooling1D", "\"output_size\":[2]"),
       "output_size 2 of 7 elements: its windows have different sizes"},
      {INPUT("7,4") LAYER("AdaptiveAveragePooling1D", "\"x\":0"), "output_size 0 of 7 elements"},
      {INPUT("null,4") LAYER("Flatten", "\"x\":0"), "input \"i\": axis 1 has no fixed size"},
      {INPUT("16777216,16777216,16777216,16777216") LAYER("Flatten", "\"x\":0"),
       "input \"i\": more than 268435456 elements"},
      {LAYER("Flatten", "\"x\":0"), "input \"input\": the file doesn't say its shape"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    const char *said;
    if (built(&a, rows[i][0], NULL, &said)) fail_msg("%s isn't refused", rows[i][0]);
    if (!strstr(said, rows[i][1])) fail_msg("%s: \"%s\"", rows[i][0], said);
    arena_free(&a);
  }
}

// (x - 1) / 2 and (x + 2) / 0.5, or back: x * 2 + 1, x * 0.5 - 2.
static void test_normalisation(void **state) {
  (void)state;
  static const char *const layers[] = {
      INPUT("3,2") LAYER("Normalization", "\"mean\":[1,-2],\"variance\":[[4,0.25]]"),
      INPUT("3,2") LAYER("Normalization", "\"mean\":[1,-2],\"variance\":[4,0.25],\"invert\":true"),
      INPUT("3,2") LAYER("Rescaling", "\"scale\":[2,3],\"offset\":-1")};
  static const float expected[3][4] = {{0.5F, 2, -0.5F, 4}, {2, 0.5F, 1, -2}, {2, 3, -1, -1}};
  for (int k = 0; k < 3; k++) {
    struct arena a = {0};
    const char *said;
    struct graph *g = built(&a, layers[k], NULL, &said);
    if (!g) fail_msg("%s", said);
    for (int i = 0; i < 4; i++) // scales, shifts
      assert_float_equal(tensor_real(g->values[g->nodes[0].in[1 + i / 2].value].init, i % 2),
                         expected[k][i], 0);
    arena_free(&a);
  }
}

// Weights that are refused, most for other sizes than the configuration says.
static void test_disagreement(void **state) {
  (void)state;
  static const struct {
    const char *layers, *array[2], *said;
  } rows[] = {{INPUT("5") LAYER("Dense", "\"units\":4"),
               {"dense/0", "5,3"},
               "units is 4, its weights have 3"},
              {INPUT("6,6,2") LAYER("Conv2D", "\"filters\":8"),
               {"conv2d/0", "3,3,2,4"},
               "filters is 8, its weights have 4"},
              {INPUT("6,6,2") LAYER("Conv2DTranspose", "\"filters\":8"),
               {"conv2d_transpose/0", "3,3,2,3"},
               "filters is 8, its weights have 2"},
              {INPUT("6,6,5") LAYER("Conv2DTranspose", "\"use_bias\":false"),
               {"conv2d_transpose/0", "3,3,2,3"},
               "its weights are for 3 channels, not 5"},
              {INPUT("6,6,3") LAYER("Conv2DTranspose", "\"dilation_rate\":2"),
               {"conv2d_transpose/0", "3,3,2,3"},
               "dilation_rate 2"},
              {INPUT("6,6,3") LAYER("Conv2DTranspose", "\"padding\":\"causal\""),
               {"conv2d_transpose/0", "3,3,2,3"},
               "padding \"causal\"; use valid or same"},
              {INPUT("6,6,3") LAYER("Conv2DTranspose", "\"strides\":0"),
               {"conv2d_transpose/0", "3,3,2,3"},
               "strides of 0"},
              {INPUT("6,6,2") LAYER("Conv2D", "\"kernel_size\":[3,5]"),
               {"conv2d/0", "3,3,2,4"},
               "kernel_size is 5, its weights have 3"},
              {INPUT("4,3") LAYER("PReLU", "\"shared_axes\":[1]"),
               {"p_re_lu/0", "2,3"},
               "its slopes don't stretch to its input"},
              {INPUT("4,3") LAYER("Normalization", "\"axis\":[1,2]"),
               {"normalization/0", "4,3"},
               "it has other axes"},
              {INPUT("4,3") LAYER("Normalization", "\"mean\":[1,2],\"variance\":[1,2]"),
               {"normalization/0", "3"},
               "mean hasn't one number for each channel"},
              {INPUT("6,6,2") LAYER("DepthwiseConv2D", "\"depth_multiplier\":1"),
               {"depthwise_conv2d/0", "3,3,2,2"},
               "depth_multiplier is 1, its weights have 2"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    const char *said, *arrays[2][2] = {{rows[i].array[0], rows[i].array[1]}, {NULL}};
    if (built(&a, rows[i].layers, arrays, &said)) fail_msg("%s isn't refused", rows[i].layers);
    if (!strstr(said, rows[i].said)) fail_msg("%s: \"%s\"", rows[i].layers, said);
    arena_free(&a);
  }
}

// ---- functions

#define OPERATION(cls, config, args)                                                               \
  "{\"class_name\":\"Functional\",\"config\":{\"name\":\"m\",\"layers\":[" INPUT(                  \
      "4,6,2") "{\"module\":\"keras.src.ops.numpy\",\"class_name\":\"" cls                         \
               "\",\"config\":{\"name\":\"l\"" config "},\"inbound_nodes\":[{\"args\":[" args      \
               "]}]}],\"input_layers\":[[\"i\",0,0]],\"output_layers\":[[\"l\",0,0]]}}"
#define X "{\"class_name\":\"__keras_tensor__\",\"config\":{\"keras_history\":[\"i\",0,0]}}"
#define SLICE(begin, end, step)                                                                    \
  "{\"class_name\":\"__slice__\",\"config\":{\"start\":" begin ",\"stop\":" end ",\"step\":" step  \
  "}}"
#define WHOLE SLICE("null", "null", "null")
#define ELLIPSIS "{\"class_name\":\"__ellipsis__\",\"config\":{}}"

// A function of an array (4, 6, 2): the shape of what it gives, or why it is refused.
static void test_operations(void **state) {
  (void)state;
  static const struct {
    const char *model, *said, *shape;
  } rows[] = {
      {OPERATION("GetItem", "", X ",[" WHOLE "," SLICE("1", "3", "null") "]"), NULL, "2,6,2"},
      {OPERATION("GetItem", "", X ",[" WHOLE "," SLICE("-3", "99", "2") "]"), NULL, "2,6,2"},
      {OPERATION("GetItem", "", X ",[" WHOLE ",-1," WHOLE ",0]"), NULL, "6"},
      {OPERATION("GetItem", "", X ",[" ELLIPSIS ",1]"), NULL, "4,6"},
      {OPERATION("GetItem", "", X ",[" WHOLE "," ELLIPSIS "," SLICE("0", "1", "1") "]"), NULL,
       "4,6,1"},
      {OPERATION("GetItem", "", X "," WHOLE), NULL, "4,6,2"},
      {OPERATION("GetItem", "", X ",{\"class_name\":\"__tuple__\",\"items\":[" WHOLE ",2]}"), NULL,
       "6,2"},
      {OPERATION("GetItem", "", X ",0"), "it works along axis 0, the batch", NULL},
      {OPERATION("GetItem", "", X ",[" SLICE("1", "null", "null") "]"),
       "it works along axis 0, the batch", NULL},
      {OPERATION("GetItem", "", X ",[" SLICE("null", "5", "null") "]"),
       "it works along axis 0, the batch", NULL},
      {OPERATION("GetItem", "", X ",[" SLICE("null", "null", "2") "]"),
       "it works along axis 0, the batch", NULL},
      {OPERATION("GetItem", "", X ",[" WHOLE ",4]"), "index 4 of axis 1, which has 4 elements",
       NULL},
      {OPERATION("GetItem", "", X ",[" WHOLE ",-5]"), "index -5 of axis 1", NULL},
      {OPERATION("GetItem", "", X ",[" WHOLE ",null]"), "neither a number nor a slice", NULL},
      {OPERATION("GetItem", "", X ",[" WHOLE "," SLICE("\"a\"", "2", "1") "]"),
       "neither a number nor a slice", NULL},
      {OPERATION("GetItem", "", X ",[" WHOLE "," SLICE("null", "null", "-1") "]"),
       "a slice of step -1", NULL},
      {OPERATION("GetItem", "", X ",[" WHOLE "," SLICE("2", "2", "1") "]"), "", NULL},
      {OPERATION("GetItem", "", X ",[" WHOLE ",0,0,0,0]"), "more indices than axes", NULL},
      {OPERATION("Reshape", ",\"newshape\":[-1,8,6]", X), NULL, "8,6"},
      {OPERATION("Reshape", ",\"newshape\":[null,8,-1]", X), NULL, "8,6"},
      {OPERATION("Reshape", ",\"newshape\":[-1,4]", X), "its shape doesn't have 48 elements", NULL},
      {OPERATION("Reshape", ",\"newshape\":[2,24]", X), "it reshapes the batch, axis 0", NULL},
      {OPERATION("Reshape", "", X), "it reshapes the batch, axis 0", NULL},
      {OPERATION("Transpose", ",\"axes\":[0,3,1,2]", X), NULL, "2,4,6"},
      {OPERATION("Transpose", ",\"axes\":[3,0,1,2]", X), "it moves axis 0, the batch", NULL},
      {OPERATION("Transpose", "", X), "it moves axis 0, the batch", NULL},
      {OPERATION("Transpose", ",\"axes\":[0,1,1,2]", X), "axes is no permutation", NULL},
      {OPERATION("Transpose", ",\"axes\":[0,1,2,4]", X), "axis 4 of an array of 4 axes", NULL},
      {OPERATION("ExpandDims", ",\"axis\":-1", X), NULL, "4,6,2,1"},
      {OPERATION("ExpandDims", ",\"axis\":1", X), NULL, "1,4,6,2"},
      {OPERATION("ExpandDims", ",\"axis\":0", X), "it works along axis 0, the batch", NULL},
      {OPERATION("Squeeze", ",\"axis\":1", X), "axis 1 has 4 elements", NULL},
      {OPERATION("Squeeze", "", X), NULL, "4,6,2"},
      {OPERATION("Mean", ",\"axis\":[1,2],\"keepdims\":true", X), NULL, "1,1,2"},
      {OPERATION("Mean", ",\"axis\":-2", X), NULL, "4,2"},
      {OPERATION("Sum", ",\"axis\":[1,2,3]", X), NULL, "1"},
      {OPERATION("Max", ",\"axis\":0", X), "it works along axis 0, the batch", NULL},
      {OPERATION("Min", "", X), "it also reduces axis 0, the batch", NULL},
      {OPERATION("Max", ",\"axis\":1,\"initial\":3", X), "it has an initial value", NULL},
      {OPERATION("Concatenate", "", X "," X), "it works along axis 0, the batch", NULL},
      {OPERATION("Concatenate", ",\"axis\":-1", X "," X), NULL, "4,6,4"},
      {OPERATION("Softmax", ",\"axis\":1", X), "axis 1; take the last axis", NULL},
      {OPERATION("Celu", ",\"alpha\":2.0", X), "alpha 2; use elu", NULL},
      {OPERATION("SoftShrink", ",\"threshold\":0", X), "threshold 0; use one above 0", NULL},
      {OPERATION("Round", ",\"decimals\":2", X), "decimals 2; round to whole numbers", NULL},
      {OPERATION("Clip", ",\"x_min\":null,\"x_max\":3", X), NULL, "4,6,2"},
      {OPERATION("Clip", ",\"x_min\":\"a\",\"x_max\":3", X), "x_min: expected a number", NULL},
      {OPERATION("Power", "", X ",2"), NULL, "4,6,2"},
      {OPERATION("Power", "", X "," X), "2 streams and 0 numbers", NULL},
      {OPERATION("Divide", "", X "," X), "2 streams and 0 numbers", NULL},
      {OPERATION("Divide", "", X ",4"), NULL, "4,6,2"},
      {OPERATION("Divide", "", X ",0"), "it is called with constants", NULL},
      {OPERATION("Relu", "", X ",[1,2]"), "it is called with constants", NULL},
      {OPERATION("Relu", "", X ",{\"class_name\":\"__numpy__\"}"), "it is called with constants",
       NULL},
      {OPERATION("Relu", "", X "],\"kwargs\":{\"x2\":3},\"more\":["), "it is called with words",
       NULL},
      {OPERATION("Relu", "", X "],\"kwargs\":{\"x2\":null},\"more\":["), NULL, "4,6,2"},
      {OPERATION("Average", "", X), "there is no layer like this function", NULL},
      {OPERATION("Einsum", "", X), "there is no layer like this function", NULL}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    const char *said;
    struct graph *g = modelled(&a, "3", rows[i].model, NULL, &said);
    if (!g != !rows[i].shape) fail_msg("%s: %s", rows[i].model, said);
    if (rows[i].said && !strstr(said, rows[i].said)) fail_msg("%s: \"%s\"", rows[i].model, said);
    const char *shape = "";
    const struct value *y = g ? &g->values[g->outputs[0]] : NULL;
    for (int d = 0; y && d < y->rank; d++)
      shape = arena_printf(&a, "%s%s%lld", shape, d ? "," : "", (long long)y->shape[d]);
    if (g) assert_string_equal(shape, rows[i].shape);
    arena_free(&a);
  }
}

// ---- models inside of models

#define FUNCTIONAL(name, in, out, layers)                                                          \
  "{\"class_name\":\"Functional\",\"config\":{\"name\":\"" name "\",\"layers\":[" layers           \
  "],\"input_layers\":[" in "],\"output_layers\":[" out "]}"
#define CALLED(cls, name, calls)                                                                   \
  "{\"class_name\":\"" cls "\",\"config\":{\"name\":\"" name "\"},\"inbound_nodes\":[" calls "]}"
#define AT(name, node) "[\"" name "\"," node ",0]"
#define CALL(name, node, more) "[[\"" name "\"," node ",0,{" more "}]]"
#define TENSOR "{\"class_name\":\"__keras_tensor__\",\"config\":{\"keras_history\":[\"i\",0,0]}}"
#define INNER(calls)                                                                               \
  FUNCTIONAL("f", AT("i", "0"), AT("d", "0"), INPUT("4") CALLED("Dense", "d", CALL("i", "0", ""))) \
  ",\"inbound_nodes\":[" calls "]}"
#define SEQUENTIAL(name, layers)                                                                   \
  "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"" name "\",\"layers\":[" layers "]}}"

static const struct nested {
  const char *version, *model, *arrays[8][2];
  const char *said; // NULL: a graph
  uint32_t nodes;
  int32_t output; // the node that makes it
} nested[] = {
    // by classes and how many stand before it
    {"3",
     SEQUENTIAL("s", INPUT("4") SEQUENTIAL("a", LAYER("Dense", "\"units\":4")) "," SEQUENTIAL(
                         "b", LAYER("Dense", "\"units\":3"))),
     {{"sequential/dense/0", "4,4"},
      {"sequential/dense/1", "4"},
      {"sequential_1/dense/0", "4,3"},
      {"sequential_1/dense/1", "3"}},
     NULL,
     2,
     1},
    // by names, which are those of the model that it is in
    {"3",
     SEQUENTIAL("s", INPUT("4") SEQUENTIAL("a", LAYER("Dense", "\"units\":3"))),
     {{"name:x", "a"},
      {"name:dense", "l"},
      {"name:x/dense", "l"},
      {"dense/0", "4,5"},
      {"x/dense/0", "4,3"},
      {"x/dense/1", "3"}},
     NULL,
     1,
     0},
    // calls of a functional model from 0, but those of outputs from 1
    {"3",
     FUNCTIONAL("m", AT("i", "0"), AT("f", "2"),
                INPUT("4") INNER(CALL("i", "0", "") "," CALL("f", "0", ""))) "}",
     {{"functional/dense/0", "4,4"}, {"functional/dense/1", "4"}},
     NULL,
     2,
     1},
    {"2.15.0",
     FUNCTIONAL("m", AT("i", "0"), AT("f", "1"),
                INPUT("4") INNER(CALL("i", "0", "") "," CALL("f", "1", ""))) "}",
     {{"functional/dense/0", "4,4"}, {"functional/dense/1", "4"}},
     NULL,
     2,
     0},
    {"3",
     FUNCTIONAL("m", AT("i", "0"), AT("f", "0"), INPUT("4") INNER(CALL("i", "0", ""))) "}",
     {{"functional/dense/0", "4,4"}, {"functional/dense/1", "4"}},
     "nothing makes the output \"f\"",
     0,
     0},
    // .h5: by paths
    {"3",
     SEQUENTIAL("s", INPUT("4") SEQUENTIAL("a", LAYER("Dense", "\"units\":3"))),
     {{"name:0", "a"}, {"path:0/0", "b/l/kernel"}, {"path:0/1", "c/l/kernel"}, {"0/0", "4,3"}},
     "its name fits the arrays of several layers",
     0,
     0},
    {"3",
     SEQUENTIAL("s", INPUT("4") SEQUENTIAL("a", LAYER("Dense", "\"units\":3"))),
     {{"name:0", "a"}, {"path:0/0", "l/kernel"}, {"path:0/1", "l/kernel"}, {"0/0", "4,3"}},
     "its name fits the arrays of several layers",
     0,
     0},
    {"3",
     SEQUENTIAL("s", INPUT("4") SEQUENTIAL("a", LAYER("Dense", "\"use_bias\":false"))),
     {{"name:0", "a"},
      {"path:0/0", "b/l/kernel"},
      {"path:0/1", "a/l/kernel"},
      {"0/0", "9,9"},
      {"0/1", "4,3"}},
     NULL,
     1,
     0},
    {"3",
     SEQUENTIAL("s", INPUT("4,6") SEQUENTIAL("a", EACH("Dense", ",\"use_bias\":false"))),
     {{"name:0", "a"},
      {"path:0/0", "a/e/kernel"},
      {"path:0/1", "a/l/e/kernel"},
      {"0/0", "9,9"},
      {"0/1", "6,3"}},
     NULL,
     1,
     0},
    {"3",
     FUNCTIONAL("m", AT("i", "0"), AT("f", "1"),
                INPUT("4") FUNCTIONAL(
                    "f", AT("i", "0"), AT("i", "0") "," AT("i", "0"),
                    INPUT("4") CALLED(
                        "Identity", "d",
                        CALL("i", "0", ""))) ",\"inbound_nodes\":[" CALL("i", "0", "") "]}") "}",
     {{0}},
     "hasn't exactly one output",
     0,
     0},
    {"3",
     FUNCTIONAL("m", AT("i", "0"), AT("b", "0"),
                INPUT("4") CALLED("ReLU", "a", "[[\"i\",0,0,{}]]") "," CALLED(
                    "Maximum", "b", "[[\"i\",0,0,{}],[\"a\",0,0,{}]]")) "}",
     {{0}},
     NULL,
     6,
     5},
    // constants beside streams: numbers of sums and products, no others
    {"3",
     FUNCTIONAL("m", AT("i", "0"), AT("b", "0"),
                INPUT("4") CALLED("Maximum", "b", "{\"args\":[" TENSOR ",0.5]}")) "}",
     {{0}},
     NULL,
     1,
     0},
    {"3",
     FUNCTIONAL("m", AT("i", "0"), AT("b", "0"),
                INPUT("4") CALLED("Add", "b",
                                  "{\"args\":[" TENSOR
                                  ",{\"class_name\":\"__numpy__\",\"config\":{}}]}")) "}",
     {{0}},
     "Add: it is called with constants; use layers",
     0,
     0},
    {"3",
     FUNCTIONAL("m", AT("i", "0"), AT("b", "0"),
                INPUT("4") CALLED("Multiply", "b", "{\"args\":[" TENSOR "]}")) "}",
     {{0}},
     "Multiply: it joins one stream with what is none; use layers",
     0,
     0},
    {"3",
     FUNCTIONAL("m", AT("i", "0"), AT("b", "0"),
                INPUT("4") CALLED("Subtract", "b", "{\"args\":[3," TENSOR "]}")) "}",
     {{0}},
     NULL,
     1,
     0},
    {"3",
     FUNCTIONAL("m", AT("i", "0"), AT("b", "0"),
                INPUT("4") CALLED("Dropout", "b", CALL("i", "0", "\"training\":true"))) "}",
     {{0}},
     "Dropout: it is called with training=True",
     0,
     0},
    {"3", // as Keras saves it if nothing is said
     FUNCTIONAL("m", AT("i", "0"), AT("c", "0"),
                INPUT("4")
                    CALLED("RandomFlip", "b", CALL("i", "0", "\"training\":true")) "," CALLED(
                        "ReLU", "c", CALL("b", "0", "\"x\":0"))) "}",
     {{0}},
     NULL,
     1,
     0},
    {"3",
     FUNCTIONAL("m", AT("i", "0"), AT("b", "0"),
                INPUT("4") CALLED("Dropout", "b", "{\"args\":[],\"kwargs\":{}}")) "}",
     {{0}},
     "its inputs aren't named one by one",
     0,
     0},
};

// All that isn't supported at once, of all kinds, behind what is refused too: by shapes that the
// file says, or for its class alone.
static void test_all_refused(void **state) {
  (void)state;
#define SHAPED(layer, shape)                                                                       \
  "{\"args\":[{\"class_name\":\"__keras_tensor__\",\"config\":{\"shape\":[null," shape             \
  "],\"keras_history\":[\"" layer "\",0,0]}}]}"
#define BUILT(cls, name, config, shape)                                                            \
  "{\"class_name\":\"" cls "\",\"config\":{\"name\":\"" name "\"" config                           \
  "},\"build_config\":{\"input_shape\":[null," shape "]}}"
  static const struct {
    const char *model;
    uint32_t count;
  } rows[] = {
      {FUNCTIONAL("m", AT("i", "0"), AT("d", "0"),
                  INPUT("4") CALLED("Lambda", "a", CALL("i", "0", "")) "," CALLED(
                      "LSTM", "b",
                      CALL("a", "0", "")) "," CALLED("ReLU", "c",
                                                     CALL("b", "0", "")) "," CALLED("Einsum", "d",
                                                                                    CALL("c", "0",
                                                                                         ""))) "}",
       3},
      // Flatten of a stream whose shape isn't known is nothing to refuse, Permute of a known one is
      {FUNCTIONAL("m", AT("i", "0"), AT("c", "0"),
                  INPUT("4") CALLED("Lambda", "a", CALL("i", "0", "")) "," CALLED(
                      "Permute", "c", CALL("a", "0", ""))) "}",
       1},
      {FUNCTIONAL("m", AT("i", "0"), AT("c", "0"),
                  INPUT("4") CALLED("Lambda", "a", SHAPED("i", "4")) "," CALLED(
                      "Permute", "c", SHAPED("a", "4"))) "}",
       2},
      {FUNCTIONAL("m", AT("i", "0"), AT("c", "0"),
                  INPUT("4") CALLED("Lambda", "a", SHAPED("i", "4")) "," CALLED(
                      "Permute", "c", SHAPED("a", "null"))) "}",
       1},
      // as large as its input
      {FUNCTIONAL("m", AT("i", "0"), AT("c", "0"),
                  INPUT("4") CALLED("LayerNormalization", "a", CALL("i", "0", "")) "," CALLED(
                      "Permute", "c", CALL("a", "0", ""))) "}",
       2},
      // models behind it
      {FUNCTIONAL("m", AT("i", "0"), AT("c", "0"),
                  INPUT("4")
                      CALLED("Lambda", "a",
                             CALL("i", "0",
                                  "")) ","
                                       "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"c\","
                                       "\"layers\":[" INPUT("4") LAYER("GRU", "\"x\":0") "," LAYER(
                                           "Permute",
                                           "\"x\":0") "]},\"inbound_nodes\":[" CALL("a", "0",
                                                                                    "") "]}") "}",
       2},
      {SEQUENTIAL("s", INPUT("4,2") LAYER("GRU", "\"units\":3") "," LAYER(
                           "Permute", "\"x\":0") "," LAYER("Lambda", "\"x\":0")),
       2},
      {SEQUENTIAL("s", INPUT("4,2") LAYER("GRU", "\"units\":3") "," BUILT(
                           "Permute", "p", "", "3") "," LAYER("Lambda", "\"x\":0")),
       3},
      {SEQUENTIAL("s", INPUT("4,2")
                           LAYER("LayerNormalization", "\"x\":0") "," LAYER("Permute", "\"x\":0")),
       2}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    const char *said;
    assert_null(modelled(&a, "3", rows[i].model, NULL, &said));
    if (refused != rows[i].count) fail_msg("%s: %u, %s", rows[i].model, refused, said);
    arena_free(&a);
  }
}

static void test_inside(void **state) {
  (void)state;
  for (const struct nested *n = nested; n < nested + sizeof nested / sizeof *nested; n++) {
    struct arena a = {0};
    const char *said;
    struct graph *g = modelled(&a, n->version, n->model, n->arrays, &said);
    if (!g != !!n->said) fail_msg("%s: %s", n->model, said);
    if (n->said && !strstr(said, n->said)) fail_msg("%s: \"%s\"", n->model, said);
    if (g) assert_int_equal(g->n_nodes, n->nodes);
    if (g) assert_int_equal(g->values[g->outputs[0]].node, n->output);
    arena_free(&a);
  }
}

// ---- hostile files

// Cut, and with a byte changed, at places all over.
static void test_damaged(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes file;
  struct err e = {0};
  assert_true(file_read(&a, "tests/import/files/keras3_cnn.h5", 1 << 20, &file, &e));
  for (size_t at = 1; at < file.size; at += file.size / 60) {
    for (int k = 0; k < 2; k++) {
      struct refusals r = {0};
      e = (struct err){0};
      unsigned char kept = file.data[at];
      if (k) file.data[at] ^= 0xA5;
      struct graph *g = keras_parse(&a, "", file.data, k ? file.size : at, &r, &e);
      file.data[at] = kept;
      assert_true(g || r.count || e.text[0]);
      if (!k) assert_null(g);
    }
  }
  arena_free(&a);
}

// A whole model but for one group, of which `link` makes what it wants.
static void with_link(struct shell *s, const char *words, void (*link)(hid_t file, hid_t layer)) {
  static const char config[] =
      "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"s\",\"layers\":[]}}";
  const char *path = arena_printf(&s->arena, "%s/net.h5", s->dir), *names[] = {"a"},
             *weights[] = {"w"};
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t all = H5Gcreate2(file, "model_weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t layer = H5Gcreate2(all, "a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        text = H5Tcopy(H5T_C_S1);
  hsize_t one = 1;
  H5Tset_size(text, H5T_VARIABLE);
  hid_t scalar = H5Screate(H5S_SCALAR), list = H5Screate_simple(1, &one, NULL);
  const char *json = config;
  H5Awrite(H5Acreate2(file, "model_config", text, scalar, H5P_DEFAULT, H5P_DEFAULT), text, &json);
  H5Awrite(H5Acreate2(all, "layer_names", text, list, H5P_DEFAULT, H5P_DEFAULT), text, names);
  H5Awrite(H5Acreate2(layer, "weight_names", text, list, H5P_DEFAULT, H5P_DEFAULT), text, weights);
  link(file, layer);
  H5close();
  cli_expect(s, "$N info $D/net.h5", 1, words);
}

static void soft(hid_t file, hid_t layer) {
  (void)file;
  H5Lcreate_soft("/model_weights", layer, "w", H5P_DEFAULT, H5P_DEFAULT);
}

static void outside(hid_t file, hid_t layer) {
  (void)file;
  H5Lcreate_external("/etc/passwd", "/", layer, "w", H5P_DEFAULT, H5P_DEFAULT);
}

static void stored_outside(hid_t file, hid_t layer) {
  hsize_t count = 4;
  hid_t made = H5Pcreate(H5P_DATASET_CREATE);
  (void)file;
  H5Pset_external(made, "/etc/passwd", 0, 16);
  H5Dcreate2(layer, "w", H5T_NATIVE_FLOAT, H5Screate_simple(1, &count, NULL), H5P_DEFAULT, made,
             H5P_DEFAULT);
}

static void huge(hid_t file, hid_t layer) {
  hsize_t count[2] = {1 << 20, 1 << 20}, chunk[2] = {1, 1 << 10};
  hid_t made = H5Pcreate(H5P_DATASET_CREATE);
  (void)file;
  H5Pset_chunk(made, 2, chunk);
  H5Dcreate2(layer, "w", H5T_NATIVE_FLOAT, H5Screate_simple(2, count, NULL), H5P_DEFAULT, made,
             H5P_DEFAULT);
}

static void hollow(hid_t file, hid_t layer) {
  hsize_t count[2] = {1 << 12, 1 << 14}, chunk[2] = {1, 1 << 14};
  hid_t made = H5Pcreate(H5P_DATASET_CREATE);
  (void)file;
  H5Pset_chunk(made, 2, chunk);
  H5Pset_deflate(made, 9);
  H5Dcreate2(layer, "w", H5T_NATIVE_FLOAT, H5Screate_simple(2, count, NULL), H5P_DEFAULT, made,
             H5P_DEFAULT);
}

// A gibibyte of zeros in an archive of one mebibyte: refused before it is unpacked.
static void test_bomb(void **state) {
  struct shell *s = *state;
  enum { SIZE = 1 << 30 };
  int error;
  const char *path = arena_printf(&s->arena, "%s/bomb.keras", s->dir);
  zip_t *z = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &error);
  assert_non_null(z);
  int zeros = open(arena_printf(&s->arena, "%s/zeros", s->dir), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  assert_int_equal(ftruncate(zeros, SIZE), 0);
  close(zeros);
  zip_source_t *weights = zip_source_file(z, arena_printf(&s->arena, "%s/zeros", s->dir), 0, -1);
  assert_true(zip_file_add(z, "config.json", zip_source_buffer(z, "{}", 2, 0), 0) >= 0);
  assert_true(zip_file_add(z, "model.weights.h5", weights, 0) >= 0);
  assert_int_equal(zip_set_file_compression(z, 1, ZIP_CM_DEFLATE, 1), 0);
  assert_int_equal(zip_close(z), 0);
  struct timespec before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  cli_expect(s, "$N info $D/bomb.keras", 1,
             "model.weights.h5 in it unpacks to 1073741824 bytes, more than 64 times");
  clock_gettime(CLOCK_MONOTONIC, &after);
  assert_true(after.tv_sec - before.tv_sec < 2); // unpacked it takes 7 s
}

static void test_links(void **state) {
  struct shell *s = *state;
  with_link(s, "unpacks to 268435456 bytes, more than 64 times of what is stored", hollow);
  with_link(s, "\"w\" isn't there, or leads elsewhere", soft);
  with_link(s, "\"w\" isn't there, or leads elsewhere", outside);
  with_link(s, "is no array whose elements are in the file", stored_outside);
  with_link(s, "has more than 268435456 elements", huge);
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_values),
                                     SHELL_CASE(test_nested),
                                     cmocka_unit_test(test_inside),
                                     cmocka_unit_test(test_operations),
                                     cmocka_unit_test(test_all_refused),
                                     SHELL_CASE(test_functions),
                                     cmocka_unit_test(test_layers),
                                     cmocka_unit_test(test_numbers),
                                     cmocka_unit_test(test_bytes),
                                     cmocka_unit_test(test_refused),
                                     SHELL_CASE(test_transposed),
                                     SHELL_CASE(test_formula),
                                     cmocka_unit_test(test_normalisation),
                                     cmocka_unit_test(test_disagreement),
                                     cmocka_unit_test(test_damaged),
                                     SHELL_CASE(test_links),
                                     SHELL_CASE(test_bomb)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
