// SPDX-License-Identifier: Apache-2.0
// Calibration of whole networks: the rows that weights are chosen by are the layer's products, cut
// connections stay cut, joins and loops get types, and what comes out is near the float model.
#include "quant/calibrate.h"
#include "quant/quantize.h"
#include "sw/base/rng.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES = 48 };

struct net {
  struct arena arena;
  struct graph *g;
  struct images set;
  uint64_t random;
};

static double next(struct net *n) {
  return (double)(rng_at(11, 3, n->random++) >> 11) * 0x1p-52 - 1;
}

static void begin(struct net *n) {
  *n = (struct net){0};
  n->g = graph_new(&n->arena, "net");
}

static uint32_t input(struct net *n, const char *name, int rank, const int64_t *shape) {
  uint32_t x = graph_add_value(n->g, name, rank, shape, type_real(), true);
  static const double half = 0.5; // pixels stand for -1 .. 1
  graph_add_input(n->g, x, (struct source){.channels = 1, .mean = &half, .std = &half});
  return x;
}

static uint32_t tensor(struct net *n, const char *name, int rank, const int64_t *shape,
                       double size) {
  struct tensor *t = tensor_new(&n->arena, DTYPE_F32, rank, shape);
  for (int64_t i = 0; i < t->count; i++) ((float *)t->data)[i] = (float)(size * next(n));
  return graph_add_tensor(n->g, name, t, type_real());
}

static uint32_t node(struct net *n, enum op op, const char *name) {
  return graph_add_node(n->g, op, name);
}

static void use(struct net *n, uint32_t to, uint32_t value) {
  graph_add_use(n->g, to, (struct use){value, 0, NONE});
}

static uint32_t out(struct net *n, uint32_t of, int rank, const int64_t *shape) {
  uint32_t y = graph_add_value(n->g, n->g->nodes[of].name, rank, shape, type_real(), true);
  graph_add_out(n->g, of, y);
  return y;
}

// A layer with weights of that shape.
static uint32_t weighted(struct net *n, enum op op, const char *name, uint32_t x, int w_rank,
                         const int64_t *w, int rank, const int64_t *shape) {
  uint32_t to = node(n, op, name);
  double size = 1 / sqrt((double)(shape_elements(w_rank, w) / w[0]));
  use(n, to, x);
  use(n, to, tensor(n, arena_printf(&n->arena, "%s.weight", name), w_rank, w, size));
  use(n, to, tensor(n, arena_printf(&n->arena, "%s.bias", name), 1, w, 0.1));
  return out(n, to, rank, shape);
}

static uint32_t one(struct net *n, enum op op, const char *name, uint32_t x, int rank,
                    const int64_t *shape) {
  uint32_t to = node(n, op, name);
  use(n, to, x);
  return out(n, to, rank, shape);
}

// Images of noise, one set for each input.
static void add_images(struct net *n) {
  struct err e = {0};
  uint32_t inputs = n->g->n_inputs;
  struct images *parts = ARENA_NEW(&n->arena, struct images, inputs);
  for (uint32_t i = 0; i < inputs; i++) {
    const struct value *x = &n->g->values[n->g->inputs[i].value];
    int64_t elements = value_elements(x);
    uint8_t *pixels = ARENA_NEW(&n->arena, uint8_t, IMAGES * elements);
    for (int64_t k = 0; k < IMAGES * elements; k++) pixels[k] = (uint8_t)(127.5 * (1 + next(n)));
    parts[i] = (struct images){
        .name = "noise", .count = IMAGES, .rank = x->rank, .elements = elements, .pixels = pixels};
    memcpy(parts[i].shape, x->shape, sizeof x->shape);
  }
  n->set = parts[0];
  if (inputs > 1) assert_true(images_join(&n->arena, inputs, parts, &n->set, &e));
}

static struct graph *calibrated(struct net *n, const char *precision, struct calibrate_how how) {
  struct err e = {0};
  struct formats f = formats_new();
  if (!graph_verify(n->g, &e)) fail_msg("%s", e.text);
  add_images(n);
  how.threads = how.threads ? how.threads : 1;
  assert_true(formats_set_stream(&n->arena, &f.defaults, precision, &e));
  struct calibrator *c = calibrator_new(&n->arena, n->g, &n->set, &how, &e);
  struct graph *fixed = c ? quantize_calibrated(&n->arena, n->g, &f, c, &e) : NULL;
  if (!fixed) fail_msg("%s", e.text);
  calibrator_free(c);
  return fixed;
}

// ---- how near the outputs are, in dB: both models, image after image

static double output_snr(struct net *n, const struct graph *fixed) {
  struct arena a = {0};
  struct err e = {0};
  struct golden_ref *r = golden_ref_new(&a, fixed, 1);
  struct steps *s = real_steps(&a, n->g, 1);
  uint32_t inputs = fixed->n_inputs;
  const int64_t **codes = arena_alloc(&a, inputs, sizeof *codes);
  const void **floats = arena_alloc(&a, inputs, sizeof *floats);
  float *frame = ARENA_NEW(&a, float, n->set.elements);
  double signal = 0, noise = 0;
  for (int64_t f = 0; f < IMAGES; f++) {
    int32_t *all = images_codes(&a, fixed, &n->set, f, 1);
    int64_t *wide = ARENA_NEW(&a, int64_t, n->set.elements), at = 0;
    assert_true(images_floats(n->g, &n->set, f, 1, frame, &e));
    for (int64_t i = 0; i < n->set.elements; i++) wide[i] = all[i];
    for (uint32_t i = 0; i < inputs; i++) {
      codes[i] = wide + at;
      floats[i] = frame + at;
      at += images_part(&n->set, i)->elements;
    }
    golden_ref_step(r, codes);
    steps_run(s, floats);
    const struct value *y = &fixed->values[fixed->outputs[0]];
    const float *expected = steps_value(s, n->g->outputs[0]);
    const int64_t *found = golden_ref_value(r, fixed->outputs[0]);
    for (int64_t i = 0; i < value_elements(y); i++) {
      double off = type_value(&y->type, 0, found[i]) - (double)expected[i];
      signal += (double)expected[i] * (double)expected[i];
      noise += off * off;
    }
  }
  steps_free(s);
  arena_free(&a);
  return 10 * log10(signal / noise);
}

static const struct node *find(const struct graph *g, const char *name) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (strcmp(g->nodes[i].name, name) == 0) return &g->nodes[i];
  fail_msg("no layer %s", name);
  return NULL;
}

// ---- the rows of a design are what the weights are multiplied with

static void check_rows(struct net *n) {
  struct err e = {0};
  if (!graph_verify(n->g, &e)) fail_msg("%s", e.text);
  add_images(n);
  const struct node *layer = &n->g->nodes[0];
  const struct quant_column *column = quant_column_of(layer->op);
  const struct value *w = node_in(n->g, layer, 1), *b = node_in(n->g, layer, 2),
                     *y = node_out(n->g, layer, 0);
  struct design d = {0};
  float frame[1024], result[1024];
  double wide[1024], row[1024];
  struct real *r = real_new(&n->arena, n->g, &e);
  assert_true(column->design(n->g, layer, &d, &e));
  assert_true(images_floats(n->g, &n->set, 0, 1, frame, &e));
  real_run(r, 1, NULL, frame, &(struct real_tap){layer->out[0], result}, 1);
  real_free(r);
  for (int64_t i = 0; i < n->set.elements; i++) wide[i] = (double)frame[i];
  int64_t outs = w->shape[0], each = outs / d.groups;
  assert_int_equal(d.rows * outs, value_elements(y));
  assert_int_equal(d.taps * outs, value_elements(w));
  for (int64_t p = 0; p < d.rows; p++)
    for (int64_t o = 0; o < outs; o++) {
      double sum = value_real(b, o);
      column->row(&d, wide, o / each, p, row);
      for (int64_t i = 0; i < d.taps; i++) sum += row[i] * value_real(w, o * d.taps + i);
      if (fabs(sum - (double)result[p * outs + o]) > 1e-5)
        fail_msg("%s: pixel %d output %d: %g, expected %g", layer->name, (int)p, (int)o, sum,
                 (double)result[p * outs + o]);
    }
  arena_free(&n->arena);
}

static void attr_ints(struct net *n, enum attr_name name, int64_t count, const int64_t *values) {
  graph_add_ints(n->g, n->g->n_nodes - 1, name, count, values);
}

static void test_rows(void **state) {
  (void)state;
  struct net n;
  begin(&n);
  uint32_t x = input(&n, "x", 2, (int64_t[]){3, 7});
  weighted(&n, OP_linear, "linear", x, 2, (int64_t[]){5, 7}, 2, (int64_t[]){3, 5});
  check_rows(&n);

  begin(&n);
  x = input(&n, "x", 3, (int64_t[]){6, 7, 4});
  weighted(&n, OP_conv2d, "grouped", x, 4, (int64_t[]){6, 3, 2, 2}, 3, (int64_t[]){3, 4, 6});
  attr_ints(&n, ATTR_stride, 2, (int64_t[]){2, 2});
  attr_ints(&n, ATTR_pad, 4, (int64_t[]){1, 1, 0, 0});
  graph_add_int(n.g, 0, ATTR_groups, 2);
  check_rows(&n);

  begin(&n);
  x = input(&n, "x", 3, (int64_t[]){7, 7, 3});
  weighted(&n, OP_conv2d, "depthwise", x, 4, (int64_t[]){3, 3, 3, 1}, 3, (int64_t[]){5, 5, 3});
  attr_ints(&n, ATTR_dilation, 2, (int64_t[]){2, 2});
  attr_ints(&n, ATTR_pad, 4, (int64_t[]){1, 1, 1, 1});
  graph_add_int(n.g, 0, ATTR_groups, 3);
  check_rows(&n);

  begin(&n);
  x = input(&n, "x", 2, (int64_t[]){9, 2});
  weighted(&n, OP_conv1d, "conv1d", x, 3, (int64_t[]){4, 3, 2}, 2, (int64_t[]){9, 4});
  attr_ints(&n, ATTR_pad, 2, (int64_t[]){1, 1});
  check_rows(&n);
}

// ---- joins, pools, masks

// Two convolutions, one of them with cut connections, whose sum is averaged and classified.
static void residual(struct net *n) {
  begin(n);
  const int64_t image[] = {6, 6, 4};
  uint32_t x = input(n, "x", 3, image);
  uint32_t c1 = weighted(n, OP_conv2d, "conv1", x, 4, (int64_t[]){4, 3, 3, 4}, 3, image);
  attr_ints(n, ATTR_pad, 4, (int64_t[]){1, 1, 1, 1});
  uint32_t r1 = one(n, OP_relu, "relu1", c1, 3, image);
  uint32_t c2 = weighted(n, OP_conv2d, "conv2", r1, 4, (int64_t[]){4, 3, 3, 4}, 3, image);
  attr_ints(n, ATTR_pad, 4, (int64_t[]){1, 1, 1, 1});
  uint32_t join = node(n, OP_add, "join");
  use(n, join, c2);
  use(n, join, r1);
  uint32_t r2 = one(n, OP_relu, "relu2", out(n, join, 3, image), 3, image);
  uint32_t pool = one(n, OP_avg_pool, "pool", r2, 3, (int64_t[]){1, 1, 4});
  uint32_t flat = one(n, OP_flatten, "flat", pool, 1, (int64_t[]){4});
  uint32_t fc = weighted(n, OP_linear, "fc", flat, 2, (int64_t[]){3, 4}, 1, (int64_t[]){3});
  graph_add_output(n->g, fc);
  struct value *w = &n->g->values[n->g->nodes[2].in[1].value]; // of conv2: every third tap is cut
  w->mask = tensor_new(&n->arena, DTYPE_U8, 4, w->shape);
  for (int64_t i = 0; i < w->init->count; i++) {
    ((uint8_t *)w->mask->data)[i] = i % 3 != 0;
    if (i % 3 == 0) ((float *)w->init->data)[i] = 0;
  }
}

static void test_residual(void **state) {
  (void)state;
  static const double expected[] = {[CALIBRATE_GPTQ] = 22,
                                    [CALIBRATE_MSE] = 20,
                                    [CALIBRATE_MAX] = 14,
                                    [CALIBRATE_PERCENTILE] = 14,
                                    [CALIBRATE_ENTROPY] = 10};
  for (int any = 0; any < 2; any++)
    for (int m = 0; m <= CALIBRATE_ENTROPY; m++) {
      struct net n;
      residual(&n);
      struct calibrate_how how = {.method = (enum calibrate_method)m,
                                  .percentile = 99.9,
                                  .any_scale = any,
                                  .correct_bias = m == CALIBRATE_MSE,
                                  .output_width = 16};
      struct graph *g = calibrated(&n, "4", how);
      const struct node *conv2 = find(g, "conv2");
      const struct value *w = node_in(g, conv2, 1);
      for (int64_t i = 0; i < w->init->count; i += 3) assert_int_equal(tensor_int(w->init, i), 0);
      // relu is what types from 0 on do; what is only added has 8 bits, the result 16
      assert_int_equal(g->n_nodes, n.g->n_nodes - 2);
      assert_string_equal(node_out(g, find(g, "conv1"), 0)->name, "relu1");
      const struct type *t = &node_out(g, find(g, "conv1"), 0)->type;
      assert_true(t->width == 4 && !t->is_signed);
      t = &node_out(g, conv2, 0)->type;
      assert_true(t->width == 8 && t->is_signed);
      assert_int_equal(node_out(g, find(g, "fc"), 0)->type.width, 16);
      double snr = output_snr(&n, g);
      if (!(snr > expected[m]))
        fail_msg("%s, any %d: %.1f dB, expected %g",
                 calibrate_method_text((enum calibrate_method)m), any, snr, expected[m]);
      arena_free(&n.arena);
    }
}

static void test_threads(void **state) {
  (void)state;
  struct net one, three;
  residual(&one);
  residual(&three);
  struct graph *a = calibrated(&one, "3", (struct calibrate_how){.threads = 1});
  struct graph *b = calibrated(&three, "3", (struct calibrate_how){.threads = 3});
  assert_int_equal(a->n_values, b->n_values);
  for (uint32_t i = 0; i < a->n_values; i++) {
    assert_true(type_equal(&a->values[i].type, &b->values[i].type));
    const struct tensor *x = a->values[i].init, *y = b->values[i].init;
    if (x) assert_memory_equal(x->data, y->data, (size_t)x->count * dtype_size(x->dtype));
  }
  arena_free(&one.arena);
  arena_free(&three.arena);
}

// y[t] = relu(w x[t] + y[t - 1] / 2), which is read before it is computed; and a second input.
static void test_loop(void **state) {
  (void)state;
  struct net n;
  begin(&n);
  const int64_t size[] = {5};
  uint32_t x = input(&n, "x", 1, size), z = input(&n, "z", 1, size);
  uint32_t fc = weighted(&n, OP_linear, "fc", x, 2, (int64_t[]){5, 5}, 1, size);
  uint32_t half = node(&n, OP_linear, "half");
  struct tensor *w = tensor_new(&n.arena, DTYPE_F32, 2, (int64_t[]){5, 5}),
                *zero = tensor_new(&n.arena, DTYPE_F32, 1, size);
  for (int i = 0; i < 5; i++) ((float *)w->data)[6 * i] = 0.5F;
  uint32_t initial = graph_add_tensor(n.g, "initial", zero, type_real());
  uint32_t halves = graph_add_tensor(n.g, "halves", w, type_real());
  uint32_t y = graph_add_value(n.g, "y", 1, size, type_real(), true);
  graph_add_use(n.g, half, (struct use){y, 1, (int32_t)initial});
  use(&n, half, halves);
  uint32_t halved = out(&n, half, 1, size);
  uint32_t join = node(&n, OP_add, "join");
  use(&n, join, fc);
  use(&n, join, halved);
  uint32_t sum = out(&n, join, 1, size), relu = node(&n, OP_relu, "relu");
  use(&n, relu, sum);
  graph_add_out(n.g, relu, y);
  uint32_t last = node(&n, OP_mul, "gate");
  use(&n, last, y);
  use(&n, last, z);
  graph_add_output(n.g, out(&n, last, 1, size));
  struct graph *g = calibrated(&n, "8", (struct calibrate_how){.output_width = 16});
  assert_true(!g->values[graph_find_value(g, "y")].type.is_signed);
  double snr = output_snr(&n, g);
  if (!(snr > 30)) fail_msg("%.1f dB, expected 30", snr);
  arena_free(&n.arena);
}

static void test_refused(void **state) {
  (void)state;
  struct net n;
  struct err e = {0};
  residual(&n);
  assert_true(graph_verify(n.g, &e));
  add_images(&n);
  n.set.count = CALIBRATE_IMAGES_MIN - 1;
  assert_null(calibrator_new(&n.arena, n.g, &n.set, &(struct calibrate_how){0}, &e));
  assert_non_null(strstr(e.text, "7 images, at least 8"));
  struct formats f = formats_new();
  e = (struct err){0};
  assert_true(formats_set_stream(&n.arena, &f.defaults, "4", &e));
  assert_null(quantize(&n.arena, n.g, &f, &e));
  assert_non_null(strstr(e.text, "input \"x\": precision 4 says the width alone: give W,F"));
  struct calibrate_how how;
  static const char *const bad[] = {
      "gpt", "gptq:3", "percentile:", "percentile:49", "percentile:100.5", "percentile:9x", ""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (calibrate_method_parse(bad[i], &how)) fail_msg("%s is taken", bad[i]);
  assert_true(calibrate_method_parse("percentile:99.5", &how) && how.percentile == 99.5);
  arena_free(&n.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows), cmocka_unit_test(test_residual), cmocka_unit_test(test_threads),
      cmocka_unit_test(test_loop), cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
