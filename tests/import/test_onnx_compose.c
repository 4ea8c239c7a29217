// SPDX-License-Identifier: Apache-2.0
// Operators of ONNX that become several layers: what they compute, and that integers have
// something of it, too.
#include "quant/formats.h"
#include "quant/quantize.h"
#include "sw/base/file.h"
#include "sw/exec/golden.h"
#include "sw/graph/model.h"
#include "sw/import/formats.h"
#include "sw/pass/fold_norm.h"
#include "tests/cmd/helper_shell.h"
#include "tests/import/helper_onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 2, PIXELS = 12, ELEMENTS = CHANNELS * PIXELS };

static const double slopes[] = {0.25, -0.5};

// ---- what each is, of element x of channel c

static double prelu(double x, int c, int i) {
  (void)i;
  return x < 0 ? slopes[c] * x : x;
}

// Of element i of the file's order.
static double prelu_each(double x, int c, int i) {
  (void)c;
  return x < 0 ? x * (i % 5 - 2) / 4 : x;
}

static double square(double x, int c, int i) {
  (void)c, (void)i;
  return x * x;
}

static double cube(double x, int c, int i) {
  return x * square(x, c, i);
}

static double seventh(double x, int c, int i) {
  return x * cube(x, c, i) * cube(x, c, i);
}

static double size(double x, int c, int i) {
  (void)c, (void)i;
  return fabs(x);
}

static double more(double x, int c, int i) {
  (void)c, (void)i;
  return fmax(x, 0.5 - x);
}

static double less(double x, int c, int i) {
  (void)c, (void)i;
  return fmin(x, 0.5 - x);
}

static double three(double x, int c, int i) {
  (void)i;
  return fmax(fmax(x, 0.5 - x), fmax(slopes[c] * x, 0.75));
}

static double celu(double x, int c, int i) {
  (void)c, (void)i;
  return x < 0 ? 2 * expm1(x / 2) : x;
}

static double selu(double x, int c, int i) {
  (void)c, (void)i;
  return x < 0 ? 6 * expm1(x) : 3 * x;
}

static double plain_selu(double x, int c, int i) {
  (void)c, (void)i;
  return 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * expm1(x) : x);
}

static double threshold(double x, int c, int i) {
  (void)c, (void)i;
  return x > 1 ? x : 0;
}

static double leaky(double x, int c, int i) {
  (void)c, (void)i;
  return x < 0 ? -0.5 * x : x;
}

static double shrink(double x, double bias) {
  return x < -0.5 ? x + bias : x > 0.5 ? x - bias : 0;
}

static double shrink_less(double x, int c, int i) {
  (void)c, (void)i;
  return shrink(x, 0.25);
}

static double shrink_same(double x, int c, int i) {
  (void)c, (void)i;
  return shrink(x, 0.5);
}

static double shrink_more(double x, int c, int i) {
  (void)c, (void)i;
  return shrink(x, 1);
}

static double grow(double x, int c, int i) {
  (void)c, (void)i;
  return shrink(x, -0.25);
}

static double little(double x, int c, int i) {
  (void)c, (void)i;
  return fabs(x) > 0.03125 ? x : 0;
}

static double two_slopes(double x, int c, int i) {
  (void)c, (void)i;
  return x > 0 ? 3 * x : 0.5 * x;
}

static double above_half(double x, int c, int i) {
  (void)c, (void)i;
  return x > 0.5 ? x : 0;
}

static double soft(double x, int c, int i) {
  (void)c, (void)i;
  return log1p(exp(2 * x)) / 2;
}

static double quick(double x, int c, int i) {
  (void)c, (void)i;
  return x / (1 + exp(-1.5 * x));
}

static double log_sigmoid_celu(double x, int c, int i) {
  return -log1p(exp(-celu(x, c, i)));
}

static double hard_swish(double x, int c, int i) {
  (void)c, (void)i;
  return x * fmin(fmax(x + 3, 0), 6) / 6;
}

static const struct row {
  const char *nodes[6][3]; // op, inputs, attributes; outputs are t0, t1, ..
  double (*value)(double x, int c, int i);
  const char *layers; // that it is made of, or NULL
} rows[] = {
    {{{"PRelu", "x slopes", ""}}, prelu, "relu sub batch_norm add"},
    {{{"PRelu", "x each", ""}}, prelu_each, "relu sub mul add"},
    {{{"Pow", "x two", ""}}, square, "mul"},
    {{{"Pow", "x three", ""}}, cube, "mul mul"},
    {{{"Pow", "x seven", ""}}, seventh, NULL},
    {{{"Mul", "x slopes", ""}, {"Div", "t0 slopes", ""}, {"Pow", "t1 two", ""}}, square, NULL},
    {{{"Abs", "x", ""}}, size, NULL},
    {{{"Sub", "half x", ""}, {"Max", "x t0", ""}}, more, NULL},
    {{{"Sub", "half x", ""}, {"Min", "t0 x", ""}}, less, NULL},
    {{{"Sub", "half x", ""}, {"Mul", "x slopes", ""}, {"Max", "x t0 three_quarters t1", ""}},
     three,
     NULL},
    {{{"Celu", "x", "alpha=2.0"}}, celu, "batch_norm elu batch_norm"},
    {{{"Selu", "x", "alpha=2.0 gamma=3.0"}}, selu, "elu batch_norm"},
    {{{"Selu", "x", ""}}, plain_selu, "selu"},
    {{{"ThresholdedRelu", "x", ""}}, threshold, "relu hardshrink"},
    {{{"LeakyRelu", "x", "alpha=-0.5"}}, leaky, NULL},
    {{{"PRelu", "x minus", ""}}, leaky, NULL},
    {{{"Shrink", "x", "lambd=0.03125"}}, little, "hardshrink"},
    {{{"Greater", "x zero", ""},
      {"Mul", "x three", ""},
      {"Mul", "x half", ""},
      {"Where", "t0 t1 t2", ""}},
     two_slopes,
     "leaky_relu batch_norm"},
    {{{"Greater", "x half", ""}, {"Where", "t0 x zero", ""}}, above_half, "relu hardshrink"},
    {{{"Mul", "x two", ""},
      {"Exp", "t0", ""},
      {"Add", "t1 one", ""},
      {"Log", "t2", ""},
      {"Div", "t3 two", ""}},
     soft,
     "batch_norm softplus batch_norm"},
    {{{"Mul", "x one_half", ""}, {"Sigmoid", "t0", ""}, {"Mul", "x t1", ""}},
     quick,
     "batch_norm silu batch_norm"},
    {{{"Celu", "x", "alpha=2.0"}, {"Sigmoid", "t0", ""}, {"Log", "t1", ""}},
     log_sigmoid_celu,
     NULL},
    {{{"Shrink", "x", "bias=0.25"}}, shrink_less, "hardshrink softshrink"},
    {{{"Shrink", "x", "bias=0.5"}}, shrink_same, "softshrink"},
    {{{"Shrink", "x", "bias=1.0"}}, shrink_more, NULL},
    {{{"Shrink", "x", "bias=-0.25"}}, grow, NULL},
    {{{"Add", "x three", ""},
      {"Max", "t0 zero", ""},
      {"Min", "t1 six", ""},
      {"Mul", "x t2", ""},
      {"Div", "t3 six", ""}},
     hard_swish,
     "hard_sigmoid mul"},
};

static const char *layers_of(struct arena *a, const struct graph *g) {
  const char *list = "";
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const char *name = op_info(g->nodes[i].op)->name;
    if (!op_is(g->nodes[i].op, TRAIT_REORDERS))
      list = arena_printf(a, "%s%s%s", list, *list ? " " : "", name);
  }
  return list;
}

static void put_numbers(struct onnx_text *o) {
  static const struct {
    const char *name;
    float value;
  } numbers[] = {{"zero", 0},        {"two", 2},
                 {"three", 3},       {"six", 6},
                 {"seven", 7},       {"half", 0.5F},
                 {"minus", -0.5F},   {"one", 1},
                 {"one_half", 1.5F}, {"three_quarters", 0.75F}};
  float each[ELEMENTS], own[] = {(float)slopes[0], (float)slopes[1]};
  for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
    onnx_put_floats(o, numbers[k].name, 0, NULL, &numbers[k].value);
  for (int i = 0; i < ELEMENTS; i++) each[i] = (float)(i % 5 - 2) / 4;
  onnx_put_floats(o, "slopes", 3, (const int64_t[]){CHANNELS, 1, 1}, own);
  onnx_put_floats(o, "each", 3, (const int64_t[]){CHANNELS, 3, 4}, each);
}

static struct graph *graph_of(struct arena *a, const struct row *r) {
  struct onnx_text o = {0};
  const char *said, *out = NULL;
  onnx_put_input(&o, "x", 4, (const int64_t[]){0, CHANNELS, 3, 4});
  put_numbers(&o);
  for (int k = 0; k < 6 && r->nodes[k][0]; k++) {
    out = arena_printf(a, "t%d", k);
    onnx_put_node(&o, r->nodes[k][0], r->nodes[k][1], out, r->nodes[k][2]);
  }
  onnx_put_output(&o, out);
  struct graph *g = onnx_parsed(a, &o, 13, &said);
  if (!g) fail_msg("%s: %s", r->nodes[0][0], said);
  return g;
}

// Element i of the file's array in our order, channels last; the other way the same if it is no
// image.
static int place(const struct graph *g, int i) {
  const struct value *x = &g->values[g->inputs[0].value];
  return x->shape[2] == CHANNELS ? i % PIXELS * CHANNELS + i / PIXELS : i;
}

static void test_values(void **state) {
  (void)state;
  for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
    struct arena a = {0};
    struct graph *g = graph_of(&a, r);
    float x[ELEMENTS];
    int64_t count;
    for (int i = 0; i < ELEMENTS; i++) x[place(g, i)] = (float)((i * 7 % ELEMENTS) - 11) / 5;
    const float *y = onnx_computed(&a, g, x, &count);
    assert_int_equal(count, ELEMENTS);
    for (int i = 0; i < ELEMENTS; i++) {
      double expected = r->value((double)x[place(g, i)], i / PIXELS, i);
      if (fabs((double)y[i] - expected) > 1e-5 * (1 + fabs(expected)))
        fail_msg("%s: element %d is %g, expected %g", r->nodes[0][0], i, (double)y[i], expected);
    }
    if (r->layers) assert_string_equal(layers_of(&a, g), r->layers);
    arena_free(&a);
  }
}

// ---- streams of different sizes

static bool joins_equals(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; g->nodes[i].op == OP_mul && k < 2; k++)
      if (value_elements(node_in(g, &g->nodes[i], k)) !=
          value_elements(node_out(g, &g->nodes[i], 0)))
        return false;
  return true;
}

// A gate for each channel, and one for each pixel, beside an image: as large as it in the graph.
// Sums, means and maxima over channels.
static void test_gates(void **state) {
  (void)state;
  static const struct {
    const char *op, *attributes;
    bool channels, mean, most;
  } gates[] = {
      {"GlobalAveragePool", "", true, true, false}, {"GlobalMaxPool", "", true, false, true},
      {"ReduceMax", "axes=1", false, false, true},  {"ReduceMean", "axes=1", false, true, false},
      {"ReduceSum", "axes=1", false, false, false}, {"ReduceSum", "axes=2,3", true, false, false}};
  for (size_t k = 0; k < sizeof gates / sizeof *gates; k++)
    for (int turned = 0; turned < 2; turned++) {
      struct arena a = {0};
      struct onnx_text o = {0};
      const char *said;
      float x[ELEMENTS], file[ELEMENTS];
      int64_t count;
      onnx_put_input(&o, "x", 4, (const int64_t[]){0, CHANNELS, 3, 4});
      onnx_put_node(&o, gates[k].op, "x", "g", gates[k].attributes);
      onnx_put_node(&o, "Shape", "x", "s", ""); // and as expand_as is exported
      onnx_put_node(&o, "Expand", "g s", "e", "");
      onnx_put_node(&o, "Mul", turned ? "g x" : "x e", "y", "");
      onnx_put_output(&o, "y");
      struct graph *g = onnx_parsed(&a, &o, 11, &said);
      if (!g) fail_msg("%s: %s", gates[k].op, said);
      assert_true(joins_equals(g));
      for (int i = 0; i < ELEMENTS; i++)
        x[place(g, i)] = file[i] = (float)((i * 7 % ELEMENTS) - 11) / 5;
      const float *y = onnx_computed(&a, g, x, &count);
      assert_int_equal(count, ELEMENTS);
      for (int i = 0; i < ELEMENTS; i++) {
        int n = gates[k].channels ? PIXELS : CHANNELS;
        double sum = 0, most = -100;
        for (int j = 0; j < n; j++) {
          double v =
              (double)file[gates[k].channels ? i / PIXELS * PIXELS + j : j * PIXELS + i % PIXELS];
          sum += v;
          most = fmax(most, v);
        }
        double gate = gates[k].most ? most : gates[k].mean ? sum / n : sum;
        if (fabs((double)y[i] - (double)file[i] * gate) > 1e-4)
          fail_msg("%s: element %d is %g, expected %g", gates[k].op, i, (double)y[i],
                   (double)file[i] * gate);
      }
      arena_free(&a);
    }
}

// ---- transposed convolutions

static const struct deconvolution {
  const char *attributes;
  int groups, in, outs, kernel[2], stride[2], begin[2], out[2]; // outs: of a group
} deconvolutions[] = {
    {"strides=2,2", 1, 2, 3, {2, 2}, {2, 2}, {0, 0}, {6, 8}},
    {"strides=2,2 pads=1,1,1,1", 1, 2, 3, {4, 4}, {2, 2}, {1, 1}, {6, 8}},
    {"strides=2,2 pads=1,1,1,1 output_padding=1,1", 1, 2, 3, {3, 3}, {2, 2}, {1, 1}, {6, 8}},
    {"pads=1,1,1,1", 1, 2, 1, {3, 3}, {1, 1}, {1, 1}, {3, 4}},
    {"strides=2,3 pads=3,2,0,1 group=2", 2, 4, 3, {5, 4}, {2, 3}, {3, 2}, {6, 10}},
    {"strides=3,3 output_padding=2,2", 1, 2, 2, {2, 2}, {3, 3}, {0, 0}, {10, 13}},
    {"strides=2,2 pads=5,5,0,0", 1, 2, 2, {6, 6}, {2, 2}, {5, 5}, {5, 7}},
    {"strides=2,2 output_shape=6,8", 1, 2, 2, {3, 3}, {2, 2}, {1, 1}, {6, 8}},
    {"strides=2,2 auto_pad:SAME_UPPER", 1, 2, 2, {3, 3}, {2, 2}, {0, 0}, {6, 8}},
};

// By its definition: each pixel of (in, 3, 4) adds the kernel, at stride times its place.
static void deconvolve(const struct deconvolution *d, const float *x, const float *w,
                       const float *bias, double *y) {
  int inner = d->in / d->groups, all = d->groups * d->outs, area = d->out[0] * d->out[1];
  for (int i = 0; i < all * area; i++) y[i] = (double)bias[i / area];
  for (int c = 0; c < d->in; c++)
    for (int o = 0; o < d->outs; o++)
      for (int at = 0; at < 12 * d->kernel[0] * d->kernel[1]; at++) {
        int pixel = at % 12, k = at / 12, out = c / inner * d->outs + o;
        int row = pixel / 4 * d->stride[0] + k / d->kernel[1] - d->begin[0];
        int column = pixel % 4 * d->stride[1] + k % d->kernel[1] - d->begin[1];
        if (row < 0 || row >= d->out[0] || column < 0 || column >= d->out[1]) continue;
        y[out * area + row * d->out[1] + column] +=
            (double)x[c * 12 + pixel] *
            (double)w[(c * d->outs + o) * d->kernel[0] * d->kernel[1] + k];
      }
}

static void test_transposed(void **state) {
  (void)state;
  enum { N = 1000 };
  for (size_t i = 0; i < sizeof deconvolutions / sizeof *deconvolutions; i++) {
    const struct deconvolution *d = &deconvolutions[i];
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said;
    float x[4 * 12], last[4 * 12], w[N], bias[8];
    double expected[N];
    int64_t all = d->groups * d->outs, count;
    for (int k = 0; k < N; k++) w[k] = (float)(k * 37 % 19 - 9) / 4;
    for (int k = 0; k < 8; k++) bias[k] = (float)k / 2;
    for (int k = 0; k < d->in * 12; k++) x[k] = (float)(k * 29 % 23 - 11);
    for (int k = 0; k < d->in * 12; k++) last[k % 12 * d->in + k / 12] = x[k];
    onnx_put_input(&o, "x", 4, (const int64_t[]){0, d->in, 3, 4});
    onnx_put_floats(&o, "w", 4, (const int64_t[]){d->in, d->outs, d->kernel[0], d->kernel[1]}, w);
    onnx_put_floats(&o, "b", 1, &all, bias);
    onnx_put_node(&o, "ConvTranspose", "x w b", "y", d->attributes);
    onnx_put_output(&o, "y");
    struct graph *g = onnx_parsed(&a, &o, 13, &said);
    if (!g) fail_msg("%s: %s", d->attributes, said);
    deconvolve(d, x, w, bias, expected);
    const float *y = onnx_computed(&a, g, last, &count);
    assert_int_equal(count, all * d->out[0] * d->out[1]);
    for (int64_t k = 0; k < count; k++)
      if (fabs((double)y[k] - expected[k]) > 1e-3)
        fail_msg("%s: element %lld is %g, expected %g", d->attributes, (long long)k, (double)y[k],
                 expected[k]);
    arena_free(&a);
  }
}

// ---- interpolation

static double weight(bool cubic, double u) {
  double d = fabs(u), a = -0.75;
  if (!cubic) return fmax(0, 1 - d);
  if (d <= 1) return (a + 2) * pow(d, 3) - (a + 3) * pow(d, 2) + 1;
  return d < 2 ? a * pow(d, 3) - 5 * a * pow(d, 2) + 8 * a * d - 4 * a : 0;
}

// An axis by the definition: pixel i lies at `at` between pixels, those beyond the edge are the
// edge's.
static double along(bool cubic, bool corner, int factor, int size, int i, const double *x) {
  double at = corner ? (double)i / factor : (i + 0.5) / factor - 0.5, sum = 0;
  for (int q = -2; q < size + 2; q++)
    sum += weight(cubic, at - q) * x[q < 0 ? 0 : q > size - 1 ? size - 1 : q];
  return sum;
}

static void test_interpolated(void **state) {
  (void)state;
  static const struct {
    const char *attributes;
    bool cubic, corner;
    float scales[4];
  } resizes[] = {
      {"mode:linear", false, false, {1, 1, 2, 2}},
      {"mode:linear", false, false, {1, 1, 3, 1}},
      {"mode:cubic", true, false, {1, 1, 2, 3}},
      {"mode:linear coordinate_transformation_mode:asymmetric", false, true, {1, 1, 2, 4}},
      {"mode:cubic coordinate_transformation_mode:asymmetric", true, true, {1, 1, 3, 2}}};
  for (size_t k = 0; k < sizeof resizes / sizeof *resizes; k++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said;
    float x[ELEMENTS], file[ELEMENTS];
    int64_t count;
    int fy = (int)resizes[k].scales[2], fx = (int)resizes[k].scales[3];
    onnx_put_input(&o, "x", 4, (const int64_t[]){0, CHANNELS, 3, 4});
    onnx_put_floats(&o, "s", 1, (const int64_t[]){4}, resizes[k].scales);
    onnx_put_floats(&o, "none", 1, (const int64_t[]){0}, NULL);
    onnx_put_node(&o, "Resize", "x none s", "y", resizes[k].attributes);
    onnx_put_output(&o, "y");
    struct graph *g = onnx_parsed(&a, &o, 13, &said);
    if (!g) fail_msg("%s: %s", resizes[k].attributes, said);
    for (int i = 0; i < ELEMENTS; i++)
      x[place(g, i)] = file[i] = (float)((i * 7 % ELEMENTS) - 11) / 5;
    const float *y = onnx_computed(&a, g, x, &count);
    assert_int_equal(count, ELEMENTS * fy * fx);
    for (int i = 0; i < count; i++) {
      int column = i % (4 * fx), row = i / (4 * fx) % (3 * fy), c = i / (12 * fx * fy);
      double lines[3];
      for (int r = 0; r < 3; r++) {
        double pixels[4];
        for (int p = 0; p < 4; p++) pixels[p] = (double)file[c * PIXELS + r * 4 + p];
        lines[r] = along(resizes[k].cubic, resizes[k].corner, fx, 4, column, pixels);
      }
      double expected = along(resizes[k].cubic, resizes[k].corner, fy, 3, row, lines);
      if (fabs((double)y[i] - expected) > 1e-5)
        fail_msg("%s: element %d is %g, expected %g", resizes[k].attributes, i, (double)y[i],
                 expected);
    }
    arena_free(&a);
  }
}

// Columns 0, 1, .. of a row whose column i is i: which are nearest, or the means of which lie
// there.
static void test_columns(void **state) {
  (void)state;
#define ALONG(mode) " coordinate_transformation_mode:" mode
  static const struct {
    const char *attributes;
    int in;
    float scale;
    int count;
    float expected[9];
    const char *said;
  } resizes[] = {
      {"mode:nearest nearest_mode:floor" ALONG("asymmetric"), 6, 0.5F, 3, {0, 2, 4}, NULL},
      {"mode:nearest" ALONG("half_pixel"), 4, 1.5F, 6, {0, 0, 1, 2, 2, 3}, NULL},
      {"mode:nearest nearest_mode:ceil" ALONG("half_pixel"), 4, 1.5F, 6, {0, 1, 2, 2, 3, 3}, NULL},
      {"mode:nearest" ALONG("align_corners"), 3, 3, 9, {0, 0, 0, 1, 1, 1, 1, 2, 2}, NULL},
      {"mode:nearest nearest_mode:round_prefer_ceil" ALONG("align_corners"),
       3,
       3,
       9,
       {0, 0, 1, 1, 1, 1, 2, 2, 2},
       NULL},
      {"mode:nearest" ALONG("align_corners"), 3, 2, 6, {0, 0, 1, 1, 2, 2}, NULL},
      {"mode:nearest" ALONG("pytorch_half_pixel"), 4, 0.25F, 1, {0}, NULL},
      {"mode:nearest" ALONG("half_pixel"), 8, 0.25F, 2, {1, 5}, NULL},
      {"mode:nearest" ALONG("half_pixel_symmetric"), 3, 2, 6, {0, 0, 1, 1, 2, 2}, NULL},
      {"mode:nearest nearest_mode:floor" ALONG("asymmetric"), 22, 15, 15, {0}, NULL}, // a size
      {"mode:linear" ALONG("half_pixel"), 6, 0.5F, 3, {0.5F, 2.5F, 4.5F}, NULL},
      {"mode:linear" ALONG("half_pixel"), 7, 0.5F, 3, {0.5F, 2.5F, 4.5F}, NULL},
      {"mode:linear" ALONG("half_pixel"), 6, 1.0F / 3, 2, {1, 4}, NULL},
      {"mode:linear" ALONG("half_pixel"), 8, 0.25F, 2, {1.5F, 5.5F}, NULL},
      {"mode:linear" ALONG("asymmetric"), 6, 0.5F, 3, {0, 2, 4}, NULL},
      {"mode:linear" ALONG("pytorch_half_pixel"), 6, 0.5F, 3, {0.5F, 2.5F, 4.5F}, NULL},
      {"mode:linear" ALONG("pytorch_half_pixel"), 4, 0.25F, 0, {0}, "one pixel of 4"},
      {"mode:linear" ALONG("half_pixel_symmetric"), 5, 0.5F, 0, {0}, "no whole number"},
      {"mode:linear" ALONG("half_pixel"), 6, 0.4F, 0, {0}, "by a factor of 0.4"},
      {"mode:linear antialias=1", 6, 0.5F, 0, {0}, "antialias: its weights"},
      {"mode:linear antialias=1", 6, 2, 12, {0}, NULL},
      {"mode:linear exclude_outside=1", 6, 0.5F, 0, {0}, "without exclude_outside"},
      {"mode:nearest" ALONG("half_pixel_symmetric"), 5, 0.5F, 0, {0}, "no whole number"},
      {"mode:nearest nearest_mode:floor", 6, 1.0F / 3, 0, {0}, "changes with how it is rounded"},
      {"mode:nearest" ALONG("tf_crop_and_resize"), 4, 2, 0, {0}, "isn't defined"},
      {"mode:nearest" ALONG("align_corners"),
       90,
       3,
       0,
       {0},
       "doesn't repeat each pixel equally often: 181 slices, at most 64"},
      {"mode:nearest", 4, 100000.5F, 0, {0}, "makes 400002 pixels along an axis, at most 262144"},
      {"mode:nearest", 4, 0.2F, 0, {0}, "a scale of 0.2"}};
  for (size_t r = 0; r < sizeof resizes / sizeof *resizes; r++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said;
    float x[90];
    int64_t count;
    for (int i = 0; i < 90; i++) x[i] = (float)i;
    onnx_put_input(&o, "x", 4, (const int64_t[]){0, 1, 1, resizes[r].in});
    onnx_put_floats(&o, "none", 1, (const int64_t[]){0}, NULL);
    onnx_put_floats(&o, "s", 1, (const int64_t[]){4}, (const float[]){1, 1, 1, resizes[r].scale});
    bool size = resizes[r].scale == 15;
    onnx_put_ints(&o, "z", 4, (const int64_t[]){1, 1, 1, (int64_t)resizes[r].scale});
    onnx_put_node(&o, "Resize", size ? "x none none z" : "x none s", "y", resizes[r].attributes);
    onnx_put_output(&o, "y");
    struct graph *g = onnx_parsed(&a, &o, 18, &said);
    if (!g && !resizes[r].said) fail_msg("%s: %s", resizes[r].attributes, said);
    if (resizes[r].said && (g || !strstr(said, resizes[r].said)))
      fail_msg("%s %g: \"%s\"", resizes[r].attributes, (double)resizes[r].scale, g ? "" : said);
    const float *y = g ? onnx_computed(&a, g, x, &count) : NULL;
    if (g) assert_int_equal(count, resizes[r].count);
    for (int i = 0; g && i < count && count <= 9; i++)
      if (y[i] != resizes[r].expected[i])
        fail_msg("%s: column %d is %g, expected %g", resizes[r].attributes, i, (double)y[i],
                 (double)resizes[r].expected[i]);
    arena_free(&a);
  }
}

// Elements beyond the ends, in another order, and numbers of them: what stands at each place of the
// rows -1 2 -3 4, 5 -6 7 -8, 9 -10 11 -12.
static void test_ends(void **state) {
  (void)state;
  static const struct {
    const char *op, *inputs, *attributes;
    int count;
    float expected[32]; // of the last two axes
  } cases[] = {
      {"Pad", "x one_two", "mode:edge", 21, {-1, -1, 2,  -3, 4, 4,   4,  5,   5,   -6, 7,
                                             -8, -8, -8, 9,  9, -10, 11, -12, -12, -12}},
      {"Pad", "x one_two", "mode:reflect", 21, {2,  -1, 2,  -3,  4, -3,  2,  -6,  5,  -6, 7,
                                                -8, 7,  -6, -10, 9, -10, 11, -12, 11, -10}},
      {"Pad", "x one_two", "mode:wrap", 21, {4,  -1, 2,  -3,  4, -1,  2,  -8,  5, -6, 7,
                                             -8, 5,  -6, -12, 9, -10, 11, -12, 9, -10}},
      {"Pad", "x rows", "mode:reflect", 20, {5, -6, 7, -8,  -1, 2,   -3, 4,  5, -6,
                                             7, -8, 9, -10, 11, -12, 5,  -6, 7, -8}},
      {"Pad", "x one_two . ", "mode:constant", 21, {0,  -1, 2, -3, 4, 0,   0,  0,   5, -6, 7,
                                                    -8, 0,  0, 0,  9, -10, 11, -12, 0, 0}},
      {"Pad", "x rows seven", "mode:constant", 20, {7, 7,  7, 7,   -1, 2,   -3, 4, 5, -6,
                                                    7, -8, 9, -10, 11, -12, 7,  7, 7, 7}},
      {"Slice", "x last first axes back", "", 12, {4, -3, 2, -1, -8, 7, -6, 5, -12, 11, -10, 9}},
      {"Slice", "x minus_two zero_at axes back_two", "", 3, {-3, 7, 11}},
      {"ReduceMin", "x axes", "keepdims=0", 3, {-3, -8, -12}},
      {"ReduceL1", "x axes", "keepdims=0", 3, {10, 26, 42}},
      {"ReduceSumSquare", "x axes", "keepdims=1", 3, {30, 174, 446}},
      {"ReduceMin", "x rows_axis", "keepdims=0", 4, {-1, -10, -3, -12}},
  };
  for (size_t r = 0; r < sizeof cases / sizeof *cases; r++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said;
    static const float x[] = {-1, 2, -3, 4, 5, -6, 7, -8, 9, -10, 11, -12};
    int64_t count;
    onnx_put_input(&o, "x", 4, (const int64_t[]){0, 1, 3, 4});
    onnx_put_ints(&o, "one_two", 8, (const int64_t[]){0, 0, 0, 1, 0, 0, 0, 2});
    onnx_put_ints(&o, "rows", 8, (const int64_t[]){0, 0, 1, 0, 0, 0, 1, 0});
    onnx_put_floats(&o, "seven", 0, NULL, &(const float){7});
    onnx_put_ints(&o, "last", 1, (const int64_t[]){-1});
    onnx_put_ints(&o, "first", 1, (const int64_t[]){INT64_MIN});
    onnx_put_ints(&o, "axes", 1, (const int64_t[]){3});
    onnx_put_ints(&o, "rows_axis", 1, (const int64_t[]){2});
    onnx_put_ints(&o, "back", 1, (const int64_t[]){-1});
    onnx_put_ints(&o, "minus_two", 1, (const int64_t[]){-2});
    onnx_put_ints(&o, "zero_at", 1, (const int64_t[]){0});
    onnx_put_ints(&o, "back_two", 1, (const int64_t[]){-2});
    onnx_put_node(&o, cases[r].op, cases[r].inputs, "y", cases[r].attributes);
    onnx_put_output(&o, "y");
    struct graph *g = onnx_parsed(&a, &o, 18, &said);
    if (!g) fail_msg("%s %s: %s", cases[r].op, cases[r].attributes, said);
    const float *y = onnx_computed(&a, g, x, &count);
    assert_int_equal(count, cases[r].count);
    for (int i = 0; i < count; i++)
      if (y[i] != cases[r].expected[i])
        fail_msg("%s %s: element %d is %g, expected %g", cases[r].op, cases[r].attributes, i,
                 (double)y[i], (double)cases[r].expected[i]);
    arena_free(&a);
  }
}

// Blocks of pixels as channels and back, both orders of channels: as they are defined, of 2 x 4
// pixels of 8 channels (or 2 of 4 x 8).
static void test_blocks(void **state) {
  (void)state;
  static const struct {
    const char *op, *mode;
  } cases[] = {{"DepthToSpace", "DCR"}, {"DepthToSpace", "CRD"}, {"SpaceToDepth", "DCR"}};
  for (size_t r = 0; r < sizeof cases / sizeof *cases; r++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said;
    const bool depth = cases[r].op[0] == 'D', dcr = cases[r].mode[0] == 'D';
    const int c = depth ? 8 : 2, h = depth ? 2 : 4, w = depth ? 4 : 8;
    float x[64];
    int64_t count;
    onnx_put_input(&o, "x", 4, (const int64_t[]){0, c, h, w});
    onnx_put_node(&o, cases[r].op, "x", "y",
                  arena_printf(&a, "blocksize=2 mode:%s", cases[r].mode));
    onnx_put_output(&o, "y");
    struct graph *g = onnx_parsed(&a, &o, 13, &said);
    if (!g) fail_msg("%s: %s", cases[r].op, said);
    bool last = g->values[g->inputs[0].value].shape[2] == c; // channels are last in our order
    for (int i = 0; i < 64; i++)                             // the file's element i
      x[last ? i % (h * w) * c + i / (h * w) : i] = (float)i;
    const float *y = onnx_computed(&a, g, x, &count);
    assert_int_equal(count, 64);
    for (int i = 0; i < 64; i++) {
      int channels = depth ? 2 : 8, down = depth ? 4 : 2, across = depth ? 8 : 4;
      int oc = i / (down * across), oy = i / across % down, ox = i % across, from;
      if (depth) {
        int block = oy % 2 * 2 + ox % 2, in = dcr ? block * channels + oc : oc * 4 + block;
        from = (in * h + oy / 2) * w + ox / 2;
      } else {
        int block = oc / c, in = oc % c;
        from = (in * h + oy * 2 + block / 2) * w + ox * 2 + block % 2;
      }
      if (y[i] != (float)from)
        fail_msg("%s %s: element %d is %g, expected %d", cases[r].op, cases[r].mode, i,
                 (double)y[i], from);
    }
    arena_free(&a);
  }
}

// A dilated kernel of a transposed convolution is one with zeros between its elements.
static void test_dilated_transposed(void **state) {
  (void)state;
  const float w[4] = {1, -2, 3, 5}, dilated[9] = {1, 0, -2, 0, 0, 0, 3, 0, 5};
  float *y[2];
  int64_t count[2];
  struct arena a = {0};
  for (int k = 0; k < 2; k++) {
    struct onnx_text o = {0};
    const char *said;
    const float x[6] = {1, 2, -3, 4, 5, -6};
    onnx_put_input(&o, "x", 4, (const int64_t[]){0, 1, 2, 3});
    onnx_put_floats(&o, "w", 4, k ? (const int64_t[]){1, 1, 3, 3} : (const int64_t[]){1, 1, 2, 2},
                    k ? dilated : w);
    onnx_put_node(&o, "ConvTranspose", "x w", "y",
                  k ? "strides=2,1 pads=1,0,0,1" : "strides=2,1 pads=1,0,0,1 dilations=2,2");
    onnx_put_output(&o, "y");
    struct graph *g = onnx_parsed(&a, &o, 13, &said);
    if (!g) fail_msg("%s", said);
    y[k] = onnx_computed(&a, g, x, &count[k]);
  }
  assert_int_equal(count[0], 16);
  assert_int_equal(count[1], 16);
  assert_memory_equal(y[0], y[1], 16 * sizeof **y);
  arena_free(&a);
}

// Shapes that are computed with remainders.
static void test_remainder(void **state) {
  (void)state;
  struct arena a = {0};
  struct onnx_text o = {0};
  const char *said;
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 12});
  onnx_put_ints(&o, "minus", 1, (const int64_t[]){-2});
  onnx_put_ints(&o, "five", 1, (const int64_t[]){5});
  onnx_put_ints(&o, "batch", 1, (const int64_t[]){0});
  onnx_put_ints(&o, "rest", 1, (const int64_t[]){-1});
  onnx_put_node(&o, "Mod", "minus five", "three", "");
  onnx_put_node(&o, "Concat", "batch three rest", "shape", "axis=0");
  onnx_put_node(&o, "Reshape", "x shape", "r", "");
  onnx_put_node(&o, "ReduceSum", "r three_axis", "y", "keepdims=0");
  onnx_put_output(&o, "y");
  onnx_put_ints(&o, "three_axis", 1, (const int64_t[]){2});
  struct graph *g = onnx_parsed(&a, &o, 13, &said);
  if (!g) fail_msg("%s", said);
  assert_int_equal(value_elements(&g->values[g->outputs[0]]), 3);
  arena_free(&a);
}

// A convolution of which whole windows lie in the zeros around the image: these are a layer of
// their own, and a circuit can be built.
static void test_wide_pads(void **state) {
  (void)state;
  static const struct {
    const char *attributes;
    int kernel, stride, pad, out;
  } cases[] = {{"pads=1,1,1,1", 1, 1, 1, 5},
               {"pads=3,3,3,3 strides=2,2", 2, 2, 3, 4},
               {"pads=1,1,1,1", 2, 1, 1, 4}};
  for (size_t r = 0; r < sizeof cases / sizeof *cases; r++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said;
    const float w[4] = {1, -2, 3, -4};
    float x[9];
    int k = cases[r].kernel, pad = cases[r].pad, out = cases[r].out;
    int64_t count;
    for (int i = 0; i < 9; i++) x[i] = (float)(i - 3);
    onnx_put_input(&o, "x", 4, (const int64_t[]){0, 1, 3, 3});
    onnx_put_floats(&o, "w", 4, (const int64_t[]){1, 1, k, k}, w);
    onnx_put_node(&o, "Conv", "x w", "y", cases[r].attributes);
    onnx_put_output(&o, "y");
    struct graph *g = onnx_parsed(&a, &o, 13, &said);
    if (!g) fail_msg("%s", said);
    assert_true((graph_find_value(g, "y.pad") >= 0) == (pad > k - 1));
    const float *y = onnx_computed(&a, g, x, &count);
    assert_int_equal(count, out * out);
    for (int i = 0; i < count; i++) {
      double sum = 0;
      for (int t = 0; t < k * k; t++) {
        int row = i / out * cases[r].stride + t / k - pad,
            column = i % out * cases[r].stride + t % k - pad;
        bool inside = row >= 0 && row < 3 && column >= 0 && column < 3;
        sum += inside ? (double)w[t] * (double)x[row * 3 + column] : 0;
      }
      assert_true((double)y[i] == sum);
    }
    arena_free(&a);
  }
}

// A concat with constants along each axis: streams and constants stay in their places.
static void test_constants(void **state) {
  (void)state;
  for (int axis = 1; axis <= 3; axis++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    const char *said;
    int64_t shape[] = {1, 2, 3, 4}, one[] = {1, 2, 3, 4}, count;
    float c[12], x[24];
    one[axis] = 1;
    for (int i = 0; i < 12; i++) c[i] = (float)(100 + i);
    onnx_put_input(&o, "x", 4, shape);
    onnx_put_floats(&o, "c", 4, one, c);
    onnx_put_node(&o, "Concat", "c x c c x", "y", arena_printf(&a, "axis=%d", axis));
    onnx_put_output(&o, "y");
    struct graph *g = onnx_parsed(&a, &o, 13, &said);
    if (!g) fail_msg("%s", said);
    for (int i = 0; i < 24; i++) x[place(g, i)] = (float)i;
    const float *y = onnx_computed(&a, g, x, &count);
    int64_t outer = 1, inner = 1, size = shape[axis];
    for (int d = 1; d < axis; d++) outer *= shape[d];
    for (int d = axis + 1; d < 4; d++) inner *= shape[d];
    assert_int_equal(count, outer * (3 + 2 * size) * inner);
    for (int64_t i = 0; i < count; i++) {
      int64_t in = i % inner, at = i / inner % (3 + 2 * size), out = i / inner / (3 + 2 * size);
      int64_t k = at - 1 - (at > size ? size + 2 : 0);
      bool constant = at == 0 || at == size + 1 || at == size + 2;
      float expected =
          constant ? c[out * inner + in] : (float)(out * size * inner + k * inner + in);
      if (y[i] != expected) fail_msg("axis %d, element %lld", axis, (long long)i);
    }
    arena_free(&a);
  }
}

// A small file makes no large constant.
static void test_room(void **state) {
  (void)state;
  struct arena a = {0};
  struct onnx_text o = {0};
  const char *said;
  static float c[8000];
  onnx_put_input(&o, "x", 3, (const int64_t[]){1, 20000, 8000});
  onnx_put_floats(&o, "c", 3, (const int64_t[]){1, 1, 8000}, c);
  onnx_put_node(&o, "Concat", "x c", "y", "axis=1");
  onnx_put_output(&o, "y");
  if (onnx_parsed(&a, &o, 13, &said)) fail_msg("160 million elements were made");
  if (!strstr(said, "its constants, and those made before")) fail_msg("%s", said);
  arena_free(&a);
}

// What the runtime rounds and the graph doesn't is noted, once; by every command, of integers too.
static void test_halves(void **state) {
  struct shell *s = *state;
  struct arena a = {0};
  struct onnx_text o = {0};
  struct text file = {0};
  struct refusals r = {0};
  struct err e = {0};
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 4});
  onnx_put_node(&o, "Cast", "x", "h", "to=10");
  onnx_put_node(&o, "Relu", "h", "r", "");
  onnx_put_node(&o, "Cast", "r", "b", "to=16");
  onnx_put_node(&o, "Cast", "b", "y", "to=1");
  onnx_put_output(&o, "y");
  onnx_put_file(&o, 13, &file);
  struct graph *g = onnx_parse(&a, "made.onnx", file.data, file.size, &r, &e);
  assert_true(file_write(arena_printf(&s->arena, "%s/h.onnx", s->dir), file.data, file.size, &e));
  text_free(&file);
  for (int i = 0; i < 2; i++)
    cli_expect(s, arena_printf(&s->arena, "$N info -q %s $D/h.onnx", i ? "-p 8,4" : ""), 0,
               "\"h\": its cast to floats of 16 bits is left out");
  assert_true(g && !r.count && g->n_nodes == 1);
  assert_int_equal(r.n_notes, 1);
  assert_int_equal(r.notes[0].others, 1);
  assert_string_equal(r.notes[0].node, "h");
  assert_false(r.notes[0].training);
  arena_free(&a);
}

// Inputs of 16 bits are noted, of words refused.
static void test_input_types(void **state) {
  (void)state;
  static const struct {
    int type;
    const char *note, *error;
  } rows_of[] = {{1, NULL, NULL},
                 {11, NULL, NULL},
                 {10, "its values are floats of 16 bits", NULL},
                 {16, "its values are floats of 16 bits", NULL},
                 {8, NULL, "input \"x\": its data type 8 is none of numbers"}};
  for (size_t i = 0; i < sizeof rows_of / sizeof *rows_of; i++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    struct text file = {0};
    struct refusals r = {0};
    struct err e = {0};
    onnx_put_typed_input(&o, "x", rows_of[i].type, 2, (const int64_t[]){0, 4});
    onnx_put_node(&o, "Relu", "x", "y", "");
    onnx_put_output(&o, "y");
    onnx_put_file(&o, 13, &file);
    struct graph *g = onnx_parse(&a, "made.onnx", file.data, file.size, &r, &e);
    text_free(&file);
    assert_int_equal(g == NULL, rows_of[i].error != NULL);
    if (rows_of[i].error) assert_non_null(strstr(e.text, rows_of[i].error));
    assert_int_equal(r.n_notes, rows_of[i].note != NULL);
    if (rows_of[i].note) assert_non_null(strstr(r.notes[0].text, rows_of[i].note));
    arena_free(&a);
  }
}

// Two layers with one weight are two: said where they are trained.
static void test_shared(void **state) {
  struct shell *s = *state;
  struct onnx_text o = {0};
  struct text file = {0};
  struct err e = {0};
  const float w[] = {1, 2, 3, 4};
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 2});
  onnx_put_floats(&o, "w", 2, (const int64_t[]){2, 2}, w);
  onnx_put_node(&o, "Gemm", "x w", "h", "");
  onnx_put_node(&o, "Relu", "h", "r", "");
  onnx_put_node(&o, "Gemm", "r w", "y", "");
  onnx_put_output(&o, "y");
  onnx_put_file(&o, 13, &file);
  assert_true(file_write(arena_printf(&s->arena, "%s/two.onnx", s->dir), file.data, file.size, &e));
  text_free(&file);
  cli_expect(s, "$N import $D/two.onnx -o $D/m.bin", 0,
             "two.onnx: \"h\": shares its weights with another layer");
  cli_expect(s, "$N import -q --json $D/two.onnx -o $D/m.bin", 0, "training makes different");
  cli_expect(s, "$N info $D/two.onnx 2>&1 | grep -c shares", 1, "0");
}

// What a file scales its input with is no normalisation, and stays; so do mean and variance of one
// that are to.
static void test_training(void **state) {
  struct shell *s = *state;
  struct onnx_text o = {0};
  struct text file = {0};
  struct err e = {0};
  static float w[7840];
  const float two = 2, half = 0.5F;
  for (int i = 0; i < 7840; i++) w[i] = (float)(i % 13 - 6) / 100;
  onnx_put_input(&o, "x", 4, (const int64_t[]){0, 1, 28, 28});
  onnx_put_floats(&o, "two", 0, NULL, &two);
  onnx_put_floats(&o, "half", 0, NULL, &half);
  onnx_put_floats(&o, "w", 2, (const int64_t[]){784, 10}, w);
  onnx_put_node(&o, "Mul", "x two", "m", "");
  onnx_put_node(&o, "Sub", "m half", "s", "");
  onnx_put_node(&o, "Flatten", "s", "f", "");
  onnx_put_node(&o, "MatMul", "f w", "y", "");
  onnx_put_output(&o, "y");
  onnx_put_file(&o, 13, &file);
  assert_true(file_write(arena_printf(&s->arena, "%s/n.onnx", s->dir), file.data, file.size, &e));
  text_free(&file);
  cli_expect(s,
             "$N import -q $D/n.onnx -o $D/1.bin && $N train -q --net $D/n.onnx --data synthetic "
             "--images 200 --epochs 1 -o $D/2.bin",
             0, "");
  struct graph *g[2];
  for (int i = 0; i < 2; i++) {
    g[i] = model_read(&s->arena, arena_printf(&s->arena, "%s/%d.bin", s->dir, i + 1), &e);
    if (!g[i]) fail_msg("%s", e.text);
  }
  for (uint32_t i = 0; i < g[0]->n_values; i++) {
    const struct value *v = &g[0]->values[i];
    int32_t k = graph_find_value(g[1], v->name);
    if (!v->init) continue;
    assert_true(k >= 0);
    bool same = true;
    for (int64_t c = 0; c < v->init->count; c++)
      same &= tensor_real(v->init, c) == tensor_real(g[1]->values[k].init, c);
    assert_int_equal(same, v->rank == 1); // the norm's; the weights aren't
  }
}

// The largest and smallest of codes are codes: nothing is lost, up to the ends of the type.
static void test_integers(void **state) {
  (void)state;
  static const char *const ops[] = {"Max", "Min"};
  for (int k = 0; k < 2; k++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    struct formats f = formats_new();
    struct err e = {0};
    const char *said;
    onnx_put_input(&o, "x", 2, (const int64_t[]){0, 4});
    onnx_put_input(&o, "y", 2, (const int64_t[]){0, 4});
    onnx_put_node(&o, ops[k], "x y", "z", "");
    onnx_put_output(&o, "z");
    struct graph *real = onnx_parsed(&a, &o, 13, &said);
    if (!real) fail_msg("%s", said);
    assert_true(formats_set_stream(&a, &f.defaults, "8,4", &e));
    struct graph *folded = fold_norm(&a, real, &e),
                 *g = folded ? quantize(&a, folded, &f, &e) : NULL;
    if (!g) fail_msg("%s", e.text);
    static const int64_t x[] = {-127, 5, 127, -3}, y[] = {127, 5, -127, -4};
    struct golden_ref *m = golden_ref_new(&a, g, 1);
    golden_ref_step(m, (const int64_t *const[]){x, y});
    const int64_t *z = golden_ref_value(m, g->outputs[0]);
    for (int i = 0; i < 4; i++) {
      bool first = k ? x[i] < y[i] : x[i] > y[i];
      assert_int_equal(z[i], first ? x[i] : y[i]);
    }
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),
                                     cmocka_unit_test(test_integers),
                                     cmocka_unit_test(test_constants),
                                     cmocka_unit_test(test_gates),
                                     cmocka_unit_test(test_transposed),
                                     cmocka_unit_test(test_room),
                                     cmocka_unit_test(test_interpolated),
                                     cmocka_unit_test(test_columns),
                                     cmocka_unit_test(test_blocks),
                                     cmocka_unit_test(test_wide_pads),
                                     cmocka_unit_test(test_ends),
                                     cmocka_unit_test(test_dilated_transposed),
                                     cmocka_unit_test(test_remainder),
                                     cmocka_unit_test(test_input_types),
                                     SHELL_CASE(test_halves),
                                     SHELL_CASE(test_shared),
                                     SHELL_CASE(test_training)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
