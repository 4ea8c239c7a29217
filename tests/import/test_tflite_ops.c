// SPDX-License-Identifier: Apache-2.0
// Operator by operator: files made here, for every code or pair of codes, against the formulas of
// docs/numerics.md, "TFLite", in plain arithmetic.
#include "sw/exec/golden.h"
#include "sw/graph/interval.h"
#include "sw/import/tflite.h"
#include "tests/import/helper_flat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { ADD = 0, AVERAGE_POOL = 1, CONCATENATION = 2, CONV = 3, DEPTHWISE = 4, DEQUANTIZE = 6 };
enum { FULLY_CONNECTED = 9, LOGISTIC = 14, MAX_POOL = 17, MUL = 18, RELU = 19, RELU_N1_TO_1 = 20 };
enum { RELU6 = 21, RESHAPE = 22, TANH = 28, PAD = 34, TRANSPOSE = 39, MEAN = 40, SUB = 41 };
enum { STRIDED_SLICE = 45, SPLIT = 49, SLICE = 65, LEAKY_RELU = 98, SPLIT_V = 102, QUANTIZE = 114 };
enum { CALL_ONCE = 129, VAR_HANDLE = 142, READ = 143, ASSIGN = 144 };
enum { FLOAT32 = 0, INT32 = 2, UINT8 = 3, INT8 = 9, RESOURCE = 13 };
enum { CODES = 256 };

// ---- definitions

// (acc * M) / 2^31 with halves upward, then / 2^-e with halves away from 0.
static int64_t two(int64_t acc, double r) {
  int e;
  int64_t m = llround(frexp(r, &e) * 2147483648.0);
  if (m == 2147483648) m /= 2, e++;
  __int128 a = (__int128)acc << (e > 0 ? e : 0), h = (a * m + (1 << 30)) >> 31;
  if (e >= 0) return (int64_t)h;
  __int128 half = (__int128)1 << (-e - 1), size = h < 0 ? -h : h;
  int64_t y = (int64_t)((size + half) >> -e);
  return h < 0 ? -y : y;
}

static int64_t clamped(int64_t v, int64_t lo, int64_t hi) {
  return v < lo ? lo : v > hi ? hi : v;
}

static int64_t clamp8(int64_t v) {
  return clamped(v, -128, 127);
}

// ---- running a file

struct run {
  struct arena arena;
  struct flat flat;
  struct graph *graph;
  struct golden_ref *ref;
};

static struct run *run_new(const struct made_graph *graphs, int count) {
  struct run *r = test_calloc(1, sizeof *r);
  struct refusals refused = {0};
  struct err e = {0};
  flat_make(&r->flat, graphs, count);
  r->graph = tflite_parse(&r->arena, "made", r->flat.data, r->flat.size, &refused, &e);
  if (refused.count) fail_msg("%s: %s", refused.list[0].op, refused.list[0].reason);
  if (!r->graph || !graph_verify(r->graph, &e)) fail_msg("%s", e.text);
  graph_ranges(r->graph);
  r->ref = golden_ref_new(&r->arena, r->graph, 1);
  return r;
}

static void run_free(struct run *r) {
  arena_free(&r->arena);
  test_free(r);
}

static const int64_t *step(struct run *r, const int64_t *a, const int64_t *b) {
  golden_ref_step(r->ref, (const int64_t *const[]){a, b});
  return golden_ref_value(r->ref, r->graph->outputs[0]);
}

static int nodes_of(const struct run *r, const char *op) {
  int count = 0;
  for (uint32_t i = 0; i < r->graph->n_nodes; i++)
    count += strcmp(op_info(r->graph->nodes[i].op)->name, op) == 0;
  return count;
}

// ---- one input, all codes

struct unary {
  int code, activation;
  float in_scale, out_scale;
  int in_zero, out_zero, in_type, out_type;
  float alpha;
};

static struct run *unary_new(const struct unary *u) {
  struct made_tensor tensors[] = {
      {"x", u->in_type, 2, {1, CODES}, 0, u->in_scale, u->in_zero, NULL, 0},
      {"y", u->out_type, 2, {1, CODES}, 0, u->out_scale, u->out_zero, NULL, 0}};
  struct made_op op = {u->code, 1, {0}, 1, {1}, {{0, MADE_REAL, 0, u->alpha, NULL}}};
  struct made_graph g = {2, 1, 1, 1, tensors, &op, {0}, {1}};
  return run_new(&g, 1);
}

static void unary_equal(const struct unary *u, int64_t (*f)(const struct unary *u, int64_t v)) {
  struct run *r = unary_new(u);
  int64_t x[CODES], lowest = u->in_type == INT8 ? -128 : 0;
  for (int i = 0; i < CODES; i++) x[i] = lowest + i;
  const int64_t *y = step(r, x, NULL);
  for (int i = 0; i < CODES; i++) {
    int64_t expected = f(u, x[i]);
    if (y[i] != expected)
      fail_msg("operator %d, code %d: %d, expected %d", u->code, (int)x[i], (int)y[i],
               (int)expected);
  }
  run_free(r);
}

static int64_t rescaled(const struct unary *u, int64_t v) {
  return u->out_zero + two(v - u->in_zero, (double)u->in_scale / (double)u->out_scale);
}

static int64_t quantize_of(const struct unary *u, int64_t v) {
  int64_t y = rescaled(u, v);
  return u->out_type == INT8 ? clamp8(y) : clamped(y, 0, 255);
}

static int64_t end(const struct unary *u, float v) {
  return u->out_zero + (int64_t)roundf(v / u->out_scale);
}

static int64_t relu_of(const struct unary *u, int64_t v) {
  return clamp8(clamped(rescaled(u, v), u->out_zero, 127));
}

static int64_t relu6_of(const struct unary *u, int64_t v) {
  return clamp8(clamped(rescaled(u, v), u->out_zero, end(u, 6)));
}

static int64_t relu_n1_to_1_of(const struct unary *u, int64_t v) {
  return clamp8(clamped(rescaled(u, v), end(u, -1), end(u, 1)));
}

static int64_t leaky_relu_of(const struct unary *u, int64_t v) {
  double r = (double)u->in_scale / (double)u->out_scale;
  if (v < u->in_zero) r *= (double)u->alpha;
  return clamp8(u->out_zero + (r > 0 ? two(v - u->in_zero, r) : 0));
}

static int64_t logistic_of(const struct unary *u, int64_t v) {
  float x = u->in_scale * (float)(v - u->in_zero), f = 1.0F / (1.0F + expf(-x));
  return clamp8((int64_t)roundf(f * (1.0F / u->out_scale)) + u->out_zero);
}

static int64_t tanh_of(const struct unary *u, int64_t v) {
  float x = u->in_scale * (float)(v - u->in_zero);
  return clamp8((int64_t)roundf(tanhf(x) * (1.0F / u->out_scale)) + u->out_zero);
}

static void casts(void **state) {
  (void)state;
  static const struct {
    float in, out;
    int in_zero, out_zero;
  } scales[] = {{0.1F, 0.1F, -128, -128}, {0.1F, 0.1F, 3, -5},      {0.5F, 0.25F, 7, -9},
                {0.013F, 0.7F, 0, 100},   {0.7F, 0.013F, -100, 1},  {1, 0.03125F, 0, 0},
                {1e-9F, 10, 0, 4},        {0.02F, 0.05F, 127, -128}};
  for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
    struct unary u = {
        QUANTIZE, 0, scales[i].in, scales[i].out, scales[i].in_zero, scales[i].out_zero, INT8,
        INT8,     0};
    unary_equal(&u, quantize_of);
    u.code = RELU;
    unary_equal(&u, relu_of);
    u.code = RELU6;
    unary_equal(&u, relu6_of);
    u.code = RELU_N1_TO_1;
    unary_equal(&u, relu_n1_to_1_of);
  }
}

static void casts_of_unsigned(void **state) {
  (void)state;
  unary_equal(&(struct unary){QUANTIZE, 0, 0.25F, 0.25F, 128, 0, UINT8, INT8, 0}, quantize_of);
  unary_equal(&(struct unary){QUANTIZE, 0, 0.25F, 0.25F, -128, 0, INT8, UINT8, 0}, quantize_of);
  unary_equal(&(struct unary){QUANTIZE, 0, 0.2F, 0.3F, 9, 200, UINT8, UINT8, 0}, quantize_of);
}

static void leaky_relus(void **state) {
  (void)state;
  static const float slopes[] = {0, 0.1F, 0.3F, 1, 2.5F};
  for (int i = 0; i < 5; i++) {
    unary_equal(&(struct unary){LEAKY_RELU, 0, 0.1F, 0.07F, -20, 5, INT8, INT8, slopes[i]},
                leaky_relu_of);
    unary_equal(&(struct unary){LEAKY_RELU, 0, 0.02F, 0.02F, 0, 0, INT8, INT8, slopes[i]},
                leaky_relu_of);
  }
}

static void curves(void **state) {
  (void)state;
  static const float scales[] = {0.001F, 0.02F, 0.0947F, 0.3F, 1, 7};
  for (int i = 0; i < 6; i++) {
    unary_equal(&(struct unary){LOGISTIC, 0, scales[i], 0.00390625F, 36, -128, INT8, INT8, 0},
                logistic_of);
    unary_equal(&(struct unary){TANH, 0, scales[i], 0.0078125F, -7, 0, INT8, INT8, 0}, tanh_of);
  }
}

// ---- two inputs, all pairs

struct binary {
  int code, activation;
  float a, b, y;
  int a_zero, b_zero, y_zero;
};

static int64_t binary_of(const struct binary *u, int64_t a, int64_t b) {
  int64_t v, lo = u->activation ? u->y_zero : -128, hi = 127;
  a -= u->a_zero;
  b -= u->b_zero;
  if (u->activation == 3) hi = u->y_zero + (int64_t)roundf(6 / u->y);
  if (u->code == MUL) {
    float product = u->a * u->b;
    v = two(a * b, (double)(product / u->y));
  } else {
    double t = 2 * (double)(u->a > u->b ? u->a : u->b);
    int64_t x = two(a * 1048576, (double)u->a / t), z = two(b * 1048576, (double)u->b / t);
    v = two(u->code == ADD ? x + z : x - z, t / (1048576 * (double)u->y));
  }
  return clamp8(clamped(u->y_zero + v, lo, hi));
}

static void binary_equal(const struct binary *u) {
  struct made_tensor tensors[] = {{"a", INT8, 2, {1, CODES}, 0, u->a, u->a_zero, NULL, 0},
                                  {"b", INT8, 2, {1, CODES}, 0, u->b, u->b_zero, NULL, 0},
                                  {"y", INT8, 2, {1, CODES}, 0, u->y, u->y_zero, NULL, 0}};
  struct made_op op = {u->code, 2, {0, 1}, 1, {2}, {{0, MADE_BYTE, u->activation, 0, NULL}}};
  struct made_graph g = {3, 1, 2, 1, tensors, &op, {0, 1}, {2}};
  struct run *r = run_new(&g, 1);
  int64_t a[CODES], b[CODES];
  for (int k = 0; k < CODES; k++) {
    for (int i = 0; i < CODES; i++) a[i] = i - 128, b[i] = k - 128;
    const int64_t *y = step(r, a, b);
    for (int i = 0; i < CODES; i++)
      if (y[i] != binary_of(u, a[i], b[i]))
        fail_msg("operator %d of %d, %d: %d, expected %d", u->code, (int)a[i], (int)b[i], (int)y[i],
                 (int)binary_of(u, a[i], b[i]));
  }
  run_free(r);
}

static void joins(void **state) {
  (void)state;
  static const struct binary cases[] = {{ADD, 0, 0.1F, 0.1F, 0.2F, 0, 0, 0},
                                        {ADD, 1, 0.0394F, 0.1042F, 0.0509F, -128, 4, -128},
                                        {ADD, 3, 0.1F, 0.013F, 0.05F, 12, -60, -100},
                                        {ADD, 0, 5, 0.00001F, 3, 0, 0, 0},
                                        {SUB, 0, 0.3F, 0.2F, 0.4F, 3, 7, -9},
                                        {SUB, 1, 0.02F, 0.9F, 1.1F, 127, -128, 0},
                                        {MUL, 0, 0.1F, 0.1F, 0.2F, 0, 0, 0},
                                        {MUL, 3, 0.0394F, 0.1042F, 0.0509F, -128, 4, -128},
                                        {MUL, 0, 0.3F, 0.7F, 0.9F, 3, 7, -9}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) binary_equal(&cases[i]);
}

// A constant (3) is spread over an image (2, 2, 3).
static void a_constant_is_spread(void **state) {
  (void)state;
  static const int8_t constant[3] = {-7, 0, 100};
  struct binary u = {ADD, 0, 0.1F, 0.3F, 0.4F, 2, -3, 5};
  struct made_tensor tensors[] = {{"a", INT8, 4, {1, 2, 2, 3}, 0, u.a, u.a_zero, NULL, 0},
                                  {"b", INT8, 1, {3}, 0, u.b, u.b_zero, constant, 3},
                                  {"y", INT8, 4, {1, 2, 2, 3}, 0, u.y, u.y_zero, NULL, 0}};
  struct made_op op = {ADD, 2, {0, 1}, 1, {2}, {{0}}};
  struct made_graph g = {3, 1, 1, 1, tensors, &op, {0}, {2}};
  struct run *r = run_new(&g, 1);
  int64_t a[12];
  for (int i = 0; i < 12; i++) a[i] = 11 * i - 60;
  const int64_t *y = step(r, a, NULL);
  for (int i = 0; i < 12; i++) assert_int_equal(y[i], binary_of(&u, a[i], constant[i % 3]));
  run_free(r);
}

// ---- windows

enum { H = 5, W = 4, C = 3 };

static void image(int64_t *x) {
  for (int i = 0; i < H * W * C; i++) x[i] = (i * 37 + i * i % 11) % 256 - 128;
}

// 3x3, stride 2, SAME: rows -1.., columns from 0.
static void pools(void **state) {
  (void)state;
  for (int code = AVERAGE_POOL; code <= MAX_POOL; code += MAX_POOL - AVERAGE_POOL) {
    struct made_tensor tensors[] = {{"x", INT8, 4, {1, H, W, C}, 0, 0.1F, -77, NULL, 0},
                                    {"y", INT8, 4, {1, 3, 2, C}, 0, 0.1F, -77, NULL, 0}};
    struct made_op op = {code,
                         1,
                         {0},
                         1,
                         {1},
                         {{1, MADE_INT, 2, 0, NULL},
                          {2, MADE_INT, 2, 0, NULL},
                          {3, MADE_INT, 3, 0, NULL},
                          {4, MADE_INT, 3, 0, NULL}}};
    struct made_graph g = {2, 1, 1, 1, tensors, &op, {0}, {1}};
    struct run *r = run_new(&g, 1);
    int64_t x[H * W * C];
    image(x);
    const int64_t *y = step(r, x, NULL);
    for (int i = 0; i < 3 * 2 * C; i++) {
      int c = i % C, ox = i / C % 2, oy = i / C / 2, count = 0;
      int64_t most = -128, sum = 0;
      for (int k = 0; k < 9; k++) {
        int iy = 2 * oy - 1 + k / 3, ix = 2 * ox + k % 3;
        if (iy < 0 || iy >= H || ix >= W) continue;
        int64_t v = x[(iy * W + ix) * C + c];
        most = v > most ? v : most;
        sum += v;
        count++;
      }
      int64_t average = sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
      assert_int_equal(y[i], code == MAX_POOL ? most : average);
    }
    run_free(r);
  }
}

static void mean_equal(float in, float out, int keeps) {
  static const int32_t axes[2] = {2, -3};
  struct made_tensor tensors[] = {
      {"x", INT8, 4, {1, H, W, C}, 0, in, 5, NULL, 0},
      {"axes", INT32, 1, {2}, 0, 0, 0, axes, sizeof axes},
      {"y", INT8, keeps ? 4 : 2, {1, keeps ? 1 : C, 1, C}, 0, out, -9, NULL, 0}};
  struct made_op op = {MEAN, 2, {0, 1}, 1, {2}, {{0, MADE_BYTE, keeps, 0, NULL}}};
  struct made_graph g = {3, 1, 1, 1, tensors, &op, {0}, {2}};
  struct run *r = run_new(&g, 1);
  int64_t x[H * W * C];
  image(x);
  const int64_t *y = step(r, x, NULL);
  int e;
  int64_t m = llround(frexp((double)in / (double)out, &e) * 2147483648.0);
  for (int c = 0; c < C; c++) {
    int64_t sum = 0, factor = (m << 4) / (H * W); // k = floor(log2 20)
    for (int i = 0; i < H * W; i++) sum += x[i * C + c] - 5;
    __int128 h = ((__int128)sum * factor + (1 << 30)) >> 31;
    int64_t v = two((int64_t)h << 31, ldexp(1, e - 4 - 31)); // halves away from 0
    assert_int_equal(y[c], clamp8(v - 9));
  }
  run_free(r);
}

static void means(void **state) {
  (void)state;
  mean_equal(0.1F, 0.1F, 0);
  mean_equal(0.1F, 0.03F, 1);
  mean_equal(0.02F, 0.07F, 1);
}

// ---- layers

// Rows of a matrix; a power of two has M = 2^30, too, and halves go upward.
static void rows_of_a_matrix(void **state) {
  (void)state;
  static const int8_t weights[2 * 3] = {1, -2, 3, 127, -128, 5};
  static const int32_t bias[2] = {7, -9};
  struct made_tensor tensors[] = {{"x", INT8, 3, {1, 4, 3}, 0, 0.5F, -3, NULL, 0},
                                  {"w", INT8, 2, {2, 3}, 0, 0.25F, 0, weights, sizeof weights},
                                  {"b", INT32, 1, {2}, 0, 0.125F, 0, bias, sizeof bias},
                                  {"y", INT8, 2, {4, 2}, 0, 2, 11, NULL, 0}};
  struct made_op op = {FULLY_CONNECTED, 3, {0, 1, 2}, 1, {3}, {{0}}};
  struct made_graph g = {4, 1, 1, 1, tensors, &op, {0}, {3}};
  struct run *r = run_new(&g, 1);
  int64_t x[12];
  for (int i = 0; i < 12; i++) x[i] = i * 5 - 30;
  const int64_t *y = step(r, x, NULL);
  for (int i = 0; i < 8; i++) {
    int64_t acc = bias[i % 2];
    for (int k = 0; k < 3; k++) acc += (x[i / 2 * 3 + k] + 3) * weights[i % 2 * 3 + k];
    assert_int_equal(y[i], clamp8(((acc + 8) >> 4) + 11));
  }
  run_free(r);
}

// Multiplier 2, stride 2, dilation 1, SAME, per channel; the clamp of RELU6 is a node of its own.
static void a_depthwise_convolution(void **state) {
  (void)state;
  int8_t weights[3 * 3 * 6];
  int32_t bias[6];
  for (int i = 0; i < 54; i++) weights[i] = (int8_t)(i * 29 % 255 - 127);
  for (int i = 0; i < 6; i++) bias[i] = 300 * i - 700;
  struct made_tensor tensors[] = {{"x", INT8, 4, {1, H, W, C}, 0, 0.1F, 9, NULL, 0},
                                  {"w", INT8, 4, {1, 3, 3, 6}, 0, 0.3F, 0, weights, sizeof weights},
                                  {"b", INT32, 1, {6}, 0, 0.1F * 0.3F, 0, bias, sizeof bias},
                                  {"y", INT8, 4, {1, 3, 2, 6}, 0, 0.71F, -100, NULL, 0}};
  struct made_op op = {
      DEPTHWISE,
      3,
      {0, 1, 2},
      1,
      {3},
      {{1, MADE_INT, 2, 0, NULL}, {2, MADE_INT, 2, 0, NULL}, {4, MADE_BYTE, 3, 0, NULL}}};
  struct made_graph g = {4, 1, 1, 1, tensors, &op, {0}, {3}};
  struct run *r = run_new(&g, 1);
  int64_t x[H * W * C];
  image(x);
  const int64_t *y = step(r, x, NULL);
  assert_int_equal(nodes_of(r, "clip"), 1);
  for (int i = 0; i < 3 * 2 * 6; i++) {
    int o = i % 6, ox = i / 6 % 2, oy = i / 12;
    int64_t acc = bias[o];
    for (int k = 0; k < 9; k++) {
      int iy = 2 * oy - 1 + k / 3, ix = 2 * ox + k % 3;
      if (iy < 0 || iy >= H || ix >= W) continue;
      acc += (x[(iy * W + ix) * C + o / 2] - 9) * weights[k * 6 + o];
    }
    int64_t v = two(acc, (double)0.1F * (double)0.3F / (double)0.71F) - 100;
    assert_int_equal(y[i], clamped(v, -100, -100 + (int64_t)roundf(6 / 0.71F)));
  }
  run_free(r);
}

// Two groups, VALID, dilation 2 of columns.
static void a_convolution_of_groups(void **state) {
  (void)state;
  enum { CHANNELS = 4 };
  int8_t weights[2 * 2 * 2 * 2];
  for (int i = 0; i < 16; i++) weights[i] = (int8_t)(i * 31 % 200 - 100);
  struct made_tensor tensors[] = {{"x", INT8, 4, {1, H, W, CHANNELS}, 0, 0.1F, -128, NULL, 0},
                                  {"w", INT8, 4, {2, 2, 2, 2}, 0, 0.3F, 0, weights, sizeof weights},
                                  {"y", INT8, 4, {1, 4, 2, 2}, 0, 0.9F, -20, NULL, 0}};
  struct made_op op = {CONV,
                       2,
                       {0, 1},
                       1,
                       {2},
                       {{0, MADE_BYTE, 1, 0, NULL},
                        {1, MADE_INT, 1, 0, NULL},
                        {2, MADE_INT, 1, 0, NULL},
                        {4, MADE_INT, 2, 0, NULL}}};
  struct made_graph g = {3, 1, 1, 1, tensors, &op, {0}, {2}};
  struct run *r = run_new(&g, 1);
  int64_t x[H * W * CHANNELS];
  for (int i = 0; i < H * W * CHANNELS; i++) x[i] = i * 53 % 256 - 128;
  const int64_t *y = step(r, x, NULL);
  for (int i = 0; i < 4 * 2 * 2; i++) {
    int o = i % 2, ox = i / 2 % 2, oy = i / 4;
    int64_t acc = 0;
    for (int k = 0; k < 8; k++) {
      int c = k % 2, kx = k / 2 % 2, ky = k / 4;
      acc += (x[((oy + ky) * W + ox + 2 * kx) * CHANNELS + 2 * o + c] + 128) * weights[o * 8 + k];
    }
    assert_int_equal(y[i], clamp8(two(acc, (double)0.1F * (double)0.3F / (double)0.9F) - 20));
  }
  run_free(r);
}

// ---- copies: an image of 5x4x3 in one type

struct copy {
  int code, n_in, n_out;
  struct made_option options[8];
  int lists; // constants behind the image
  int32_t list[3][8];
  int count[3], rank[3];
  bool image_last; // SPLIT: the axis is in front
  int shape_rank, shape[4];
};

static const int64_t *copy_of(const struct copy *c, struct run **r, const int64_t *x) {
  struct made_tensor tensors[6] = {{"x", INT8, 4, {1, H, W, C}, 0, 0.1F, 7, NULL, 0},
                                   {"y", INT8, c->shape_rank, {0}, 0, 0.1F, 7, NULL, 0}};
  struct made_op op = {c->code, c->n_in, {0}, c->n_out, {1}, {{0}}};
  memcpy(op.options, c->options, sizeof op.options);
  memcpy(tensors[1].shape, c->shape, sizeof c->shape);
  int n = 2;
  for (int i = 0; i < c->lists; i++, n++) {
    tensors[n] = (struct made_tensor){NULL, INT32, c->rank[i], {c->count[i]},          0,
                                      0,    0,     c->list[i], 4 * (size_t)c->count[i]};
    op.in[c->image_last ? i : i + 1] = n;
  }
  if (c->image_last) op.in[c->lists] = 0;
  for (int k = 1; k < c->n_out; k++, n++) {
    tensors[n] = tensors[1];
    tensors[n].name = NULL;
    op.out[k] = n;
  }
  struct made_graph g = {n, 1, 1, 1, tensors, &op, {0}, {op.out[c->n_out - 1]}};
  *r = run_new(&g, 1);
  return step(*r, x, NULL);
}

static int64_t at(const int64_t *x, int y, int col, int c) {
  return x[(y * W + col) * C + c];
}

static void slices(void **state) {
  (void)state;
  int64_t x[H * W * C];
  struct run *r;
  image(x);
  // rows 1 and 3, the last two columns, channel 2, whose axis vanishes
  struct copy strided = {
      .code = STRIDED_SLICE,
      .n_in = 4,
      .n_out = 1,
      .lists = 3,
      .options = {{0, MADE_INT, 1, 0, NULL}, {1, MADE_INT, 5, 0, NULL}, {4, MADE_INT, 8, 0, NULL}},
      .list = {{5, 1, -2, 2}, {0, 4, 0, 3}, {1, 2, 1, 1}},
      .count = {4, 4, 4},
      .rank = {1, 1, 1},
      .shape_rank = 3,
      .shape = {1, 2, 2}};
  const int64_t *y = copy_of(&strided, &r, x);
  for (int i = 0; i < 4; i++) assert_int_equal(y[i], at(x, 1 + i / 2 * 2, 2 + i % 2, 2));
  run_free(r);
  struct copy slice = {.code = SLICE,
                       .n_in = 3,
                       .n_out = 1,
                       .lists = 2,
                       .list = {{0, 2, 0, 1}, {1, -1, 3, 1}},
                       .count = {4, 4},
                       .rank = {1, 1},
                       .shape_rank = 4,
                       .shape = {1, 3, 3, 1}};
  y = copy_of(&slice, &r, x);
  for (int i = 0; i < 9; i++) assert_int_equal(y[i], at(x, 2 + i / 3, i % 3, 1));
  run_free(r);
  struct copy split = {.code = SPLIT,
                       .n_in = 2,
                       .n_out = 3,
                       .lists = 1,
                       .list = {{3}},
                       .count = {1},
                       .image_last = true,
                       .shape_rank = 4,
                       .shape = {1, H, W, 1}};
  y = copy_of(&split, &r, x);
  for (int i = 0; i < H * W; i++) assert_int_equal(y[i], x[i * C + 2]);
  run_free(r);
  struct copy split_v = {.code = SPLIT_V,
                         .n_in = 3,
                         .n_out = 2,
                         .lists = 2,
                         .list = {{2, -1}, {-2}},
                         .count = {2, 1},
                         .rank = {1, 0},
                         .shape_rank = 4,
                         .shape = {1, H, 2, C}};
  y = copy_of(&split_v, &r, x);
  for (int i = 0; i < H * 2 * C; i++) assert_int_equal(y[i], at(x, i / 6, 2 + i / 3 % 2, i % 3));
  run_free(r);
}

static void other_copies(void **state) {
  (void)state;
  int64_t x[H * W * C];
  struct run *r;
  image(x);
  struct copy pad = {.code = PAD,
                     .n_in = 2,
                     .n_out = 1,
                     .lists = 1,
                     .list = {{0, 0, 1, 0, 0, 2, 0, 0}},
                     .count = {8},
                     .rank = {1},
                     .shape_rank = 4,
                     .shape = {1, H + 1, W + 2, C}};
  const int64_t *y = copy_of(&pad, &r, x);
  for (int i = 0; i < (H + 1) * (W + 2) * C; i++) {
    int row = i / C / (W + 2) - 1, column = i / C % (W + 2);
    assert_int_equal(y[i], row < 0 || column >= W ? 7 : at(x, row, column, i % C));
  }
  run_free(r);
  struct copy transpose = {.code = TRANSPOSE,
                           .n_in = 2,
                           .n_out = 1,
                           .lists = 1,
                           .list = {{0, 3, 1, 2}},
                           .count = {4},
                           .rank = {1},
                           .shape_rank = 4,
                           .shape = {1, C, H, W}};
  y = copy_of(&transpose, &r, x);
  for (int i = 0; i < H * W * C; i++) assert_int_equal(y[i], x[i % (H * W) * C + i / (H * W)]);
  run_free(r);
  struct copy reshape = {
      .code = RESHAPE, .n_in = 1, .n_out = 1, .shape_rank = 3, .shape = {4, 5, 3}};
  y = copy_of(&reshape, &r, x);
  assert_memory_equal(y, x, sizeof x);
  run_free(r);
}

// Along the batch, too: (1, 3) and (1, 3) become (2, 3).
static void concatenations(void **state) {
  (void)state;
  for (int axis = 0; axis < 2; axis++) {
    struct made_tensor tensors[] = {
        {"a", INT8, 2, {1, 3}, 0, 0.1F, 7, NULL, 0},
        {"b", INT8, 2, {1, 3}, 0, 0.1F, 7, NULL, 0},
        {"y", INT8, 2, {axis ? 1 : 2, axis ? 6 : 3}, 0, 0.1F, 7, NULL, 0}};
    struct made_op op = {CONCATENATION, 2, {0, 1}, 1, {2}, {{0, MADE_INT, axis - 2, 0, NULL}}};
    struct made_graph g = {3, 1, 2, 1, tensors, &op, {0, 1}, {2}};
    struct run *r = run_new(&g, 1);
    const int64_t a[3] = {1, 2, 3}, b[3] = {4, 5, 6}, *y = step(r, a, b);
    for (int i = 0; i < 6; i++) assert_int_equal(y[i], i + 1);
    run_free(r);
  }
}

// What a converter makes of a flatten with any batch: sizes that only a RESHAPE reads.
static void sizes_are_known(void **state) {
  (void)state;
  enum { SHAPE = 77, PACK = 83 };
  static const int32_t zero[1] = {0}, one[1] = {1}, rest[1] = {6};
  struct made_tensor tensors[] = {
      {"x", INT8, 3, {1, 2, 3}, 0, 0.1F, 7, NULL, 0}, {"shape", INT32, 1, {3}, 0, 0, 0, NULL, 0},
      {"zero", INT32, 1, {1}, 0, 0, 0, zero, 4},      {"one", INT32, 1, {1}, 0, 0, 0, one, 4},
      {"batch", INT32, 0, {0}, 0, 0, 0, NULL, 0},     {"rest", INT32, 0, {0}, 0, 0, 0, rest, 4},
      {"flat", INT32, 1, {2}, 0, 0, 0, NULL, 0},      {"y", INT8, 2, {1, 6}, 0, 0.1F, 7, NULL, 0}};
  struct made_op ops[] = {{SHAPE, 1, {0}, 1, {1}, {{0}}},
                          {STRIDED_SLICE, 4, {1, 2, 3, 3}, 1, {4}, {{4, MADE_INT, 1, 0, NULL}}},
                          {PACK, 2, {4, 5}, 1, {6}, {{0, MADE_INT, 2, 0, NULL}}},
                          {RESHAPE, 2, {0, 6}, 1, {7}, {{0}}}};
  struct made_graph g = {8, 4, 1, 1, tensors, ops, {0}, {7}};
  struct run *r = run_new(&g, 1);
  const int64_t x[6] = {1, 2, 3, 4, 5, 6}, *y = step(r, x, NULL);
  assert_memory_equal(y, x, sizeof x);
  assert_int_equal(r->graph->n_nodes, 1);
  run_free(r);
}

// ---- floats at the ends; variables

// QUANTIZE at the entrance and DEQUANTIZE at the exit are the host's.
static void floats_stay_outside(void **state) {
  (void)state;
  struct made_tensor tensors[] = {{"x", FLOAT32, 2, {1, 4}, 0, 0, 0, NULL, 0},
                                  {"xq", INT8, 2, {1, 4}, 0, 0.5F, 3, NULL, 0},
                                  {"yq", INT8, 2, {1, 4}, 0, 0.25F, -3, NULL, 0},
                                  {"y", FLOAT32, 2, {1, 4}, 0, 0, 0, NULL, 0}};
  struct made_op ops[] = {{QUANTIZE, 1, {0}, 1, {1}, {{0}}},
                          {RELU, 1, {1}, 1, {2}, {{0}}},
                          {DEQUANTIZE, 1, {2}, 1, {3}, {{0}}}};
  struct made_graph g = {4, 3, 1, 1, tensors, ops, {0}, {3}};
  struct run *r = run_new(&g, 1);
  const int64_t x[4] = {-100, 3, 5, 100}, *y = step(r, x, NULL);
  const int64_t expected[4] = {-3, -3, 1, 127};
  for (int i = 0; i < 4; i++) assert_int_equal(y[i], expected[i]);
  assert_true(type_scale(&r->graph->values[r->graph->inputs[0].value].type, 0) == 0.5);
  assert_true(type_scale(&r->graph->values[r->graph->outputs[0]].type, 0) == 0.25);
  run_free(r);
}

// What is read before the assign is what the step before left; behind it, what this one left.
static void variables(void **state) {
  (void)state;
  static const int8_t first[2] = {50, 60};
  for (int late = 0; late < 2; late++) {
    struct made_tensor tensors[] = {{"x", INT8, 2, {1, 2}, 0, 1, 0, NULL, 0},
                                    {"v", RESOURCE, 0, {0}, 0, 0, 0, NULL, 0},
                                    {"old", INT8, 2, {1, 2}, 0, 1, 0, NULL, 0},
                                    {"y", INT8, 2, {1, 2}, 0, 1, 0, NULL, 0}};
    struct made_tensor inits[] = {{"v", RESOURCE, 0, {0}, 0, 0, 0, NULL, 0},
                                  {"first", INT8, 2, {1, 2}, 0, 1, 0, first, 2}};
    struct made_op handle = {VAR_HANDLE, 0, {0}, 1, {1}, {{1, MADE_TEXT, 0, 0, "state"}}};
    struct made_op once = {CALL_ONCE, 0, {0}, 0, {0}, {{0, MADE_INT, 1, 0, NULL}}};
    struct made_op read = {READ, 1, {1}, 1, {2}, {{0}}},
                   assign = {ASSIGN, 2, {1, 0}, 0, {0}, {{0}}};
    struct made_op ops[] = {
        once, handle, late ? assign : read, late ? read : assign, {ADD, 2, {0, 2}, 1, {3}, {{0}}}};
    struct made_op init_ops[] = {{VAR_HANDLE, 0, {0}, 1, {0}, {{1, MADE_TEXT, 0, 0, "state"}}},
                                 {ASSIGN, 2, {0, 1}, 0, {0}, {{0}}}};
    struct made_graph graphs[] = {{4, 5, 1, 1, tensors, ops, {0}, {3}},
                                  {2, 2, 0, 0, inits, init_ops, {0}, {0}}};
    struct run *r = run_new(graphs, 2);
    const int64_t x[2][2] = {{1, 2}, {3, 4}};
    const int64_t *y = step(r, x[0], NULL);
    assert_int_equal(y[0], late ? 2 : 51);
    assert_int_equal(y[1], late ? 4 : 62);
    y = step(r, x[1], NULL);
    assert_int_equal(y[0], late ? 6 : 4);
    run_free(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(casts),
      cmocka_unit_test(casts_of_unsigned),
      cmocka_unit_test(leaky_relus),
      cmocka_unit_test(curves),
      cmocka_unit_test(joins),
      cmocka_unit_test(a_constant_is_spread),
      cmocka_unit_test(pools),
      cmocka_unit_test(means),
      cmocka_unit_test(rows_of_a_matrix),
      cmocka_unit_test(a_depthwise_convolution),
      cmocka_unit_test(a_convolution_of_groups),
      cmocka_unit_test(slices),
      cmocka_unit_test(other_copies),
      cmocka_unit_test(concatenations),
      cmocka_unit_test(sizes_are_known),
      cmocka_unit_test(floats_stay_outside),
      cmocka_unit_test(variables),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
