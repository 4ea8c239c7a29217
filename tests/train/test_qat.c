// SPDX-License-Identifier: Apache-2.0
// Quantisation-aware training: each stream of a step is what the C model of the trained network
// computes, element by element; there is a way there and back, and types that can't be trained are
// refused.
#include "quant/quantize.h"
#include "sw/data/mnist.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/pass/inference.h"
#include "sw/train/fit.h"
#include "sw/train/qat.h"
#include "sw/train/recipe.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

enum { IMAGES = 64, BATCH = 16, SIDE = 28, ELEMENTS = SIDE * SIDE, STEPS = 12 };

// Bytes, and a class of three for each.
struct pictures {
  uint8_t pixels[IMAGES * ELEMENTS];
  int32_t labels[IMAGES];
  struct images set;
};

static void draw(struct pictures *p) {
  for (int i = 0; i < IMAGES; i++) {
    p->labels[i] = i % 3;
    for (int k = 0; k < ELEMENTS; k++)
      p->pixels[i * ELEMENTS + k] = (uint8_t)((k * 37 + i * 91 + k / SIDE * (i % 3) * 50) % 256);
  }
  p->set = (struct images){.name = "pictures",
                           .count = IMAGES,
                           .rank = 3,
                           .shape = {SIDE, SIDE, 1},
                           .elements = ELEMENTS,
                           .pixels = p->pixels,
                           .has_labels = true,
                           .labels = p->labels};
}

#define INPUT "{\"input\":{\"shape\":[28,28,1]},\"layers\":["

static const char dense[] =
    INPUT "{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":9},{\"op\":\"relu\"},"
          "{\"op\":\"linear\",\"out\":3}]}";
static const char residual[] =
    INPUT "{\"op\":\"conv2d\",\"name\":\"a\",\"out\":4,\"kernel\":[3,3],\"pad\":[1,1,1,1]},"
          "{\"op\":\"relu\",\"name\":\"r\"},"
          "{\"op\":\"conv2d\",\"name\":\"b\",\"out\":4,\"kernel\":[3,3],\"pad\":[1,1,1,1]},"
          "{\"op\":\"add\",\"from\":[\"b\",\"r\"]},{\"op\":\"relu\"},"
          "{\"op\":\"conv2d\",\"out\":4,\"kernel\":[3,3],\"groups\":4},"
          "{\"op\":\"max_pool\",\"kernel\":[2,2],\"stride\":[2,2]},{\"op\":\"avg_pool\"},"
          "{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":3}]}";
static const char signs[] =
    INPUT "{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":9},{\"op\":\"hard_tanh\"},"
          "{\"op\":\"linear\",\"name\":\"last\",\"out\":3}]}";
static const char lenet[] =
    INPUT "{\"op\":\"pad\",\"pad\":[1,1,0,1,1,0],\"value\":-0.1},"
          "{\"op\":\"conv2d\",\"out\":2,\"kernel\":[3,3]},{\"op\":\"softsign\"},"
          "{\"op\":\"subsample\",\"kernel\":[2,2],\"stride\":[2,2]},{\"op\":\"tanh\"},"
          "{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":3}]}";
static const char narrowed[] =
    INPUT "{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":9},"
          "{\"op\":\"requant\",\"type\":\"7,2\"},{\"op\":\"linear\",\"out\":3}]}";
static const char rbf[] = INPUT "{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":9},"
                                "{\"op\":\"rbf\",\"out\":3}]}";

struct session {
  struct arena arena;
  struct pictures pictures;
  struct recipe recipe;
  struct qat *qat;
  struct optimizer optimizer;
  struct fit_options options;
  struct training *training;
  struct fit *fit;
  struct graph *done; // finished
  struct model model; // of it
};

static const float rates[1] = {0.01f};

static void begin(struct session *s, const char *json, const struct load *l) {
  struct err e = {0};
  memset(s, 0, sizeof *s);
  draw(&s->pictures);
  if (!recipe_parse(&s->arena, json, strlen(json), 3, &s->recipe, &e)) fail_msg("%s", e.text);
  s->qat = qat_new(&s->arena, s->recipe.model, l, &e);
  if (!s->qat) fail_msg("%s", e.text);
  s->optimizer = (struct optimizer){.function = ASSIGN_adam,
                                    .beta1 = 0.9,
                                    .beta2 = 0.999,
                                    .epsilon = 1e-8,
                                    .n_rates = 1,
                                    .every = 1,
                                    .rates = rates};
  s->options = (struct fit_options){.optimizer = &s->optimizer,
                                    .epochs = 100,
                                    .batch = BATCH,
                                    .seed = 1,
                                    .threads = 1,
                                    .target = {0, 1}};
  struct training_part *fixed = ARENA_NEW(&s->arena, struct training_part, s->qat->n_fixed + 1);
  for (uint32_t i = 0; i < s->qat->n_fixed; i++)
    fixed[i] = (struct training_part){s->qat->fixed[i], {.axis = NONE}};
  s->training = training_new(&s->arena, s->qat->model, (struct loss){LOSS_CROSS_ENTROPY, 0},
                             &s->optimizer, 1, fixed, s->qat->n_fixed, &e);
  if (!s->training) fail_msg("%s", e.text);
  s->fit = fit_new(&s->arena, s->qat->model, s->training, &s->pictures.set, &s->options, &e);
  if (!s->fit) fail_msg("%s", e.text);
}

static void finish(struct session *s) {
  struct err e = {0};
  struct load none = {0};
  fit_export(s->fit);
  s->done = qat_finish(&s->arena, s->qat, &e);
  if (!s->done) fail_msg("%s", e.text);
  s->done = inference(&s->arena, s->done);
  if (!load_graph(&s->arena, s->done, &none, NULL, &s->model, &e)) fail_msg("%s", e.text);
}

static void end(struct session *s) {
  fit_free(s->fit);
  arena_free(&s->arena);
}

// The first images forward through the training graph as it stands: every value of it.
static struct steps *forward(struct session *s) {
  const struct graph *g = s->training->graph;
  struct steps *run = real_steps(&s->arena, g, BATCH);
  const struct graph *m = s->qat->model;
  for (uint32_t i = 0; i < s->training->n_parameters; i++) {
    const struct parameter *p = &s->training->parameters[i];
    const struct tensor *t = m->values[p->weight].init;
    memcpy(steps_held(run, p->ref[0]), t->data, (size_t)t->count * sizeof(float));
  }
  float *x = steps_input(run, 0);
  for (int i = 0; i < BATCH * ELEMENTS; i++)
    x[i] = (float)source_real(&m->inputs[0].source, 0, s->pictures.pixels[i]);
  steps_run_frames(run, BATCH, NULL);
  return run;
}

// Elements that differ from the C model's, of how many streams; the first is put into `where`.
static int64_t differences(struct session *s, int *streams, char where[128]) {
  struct err e = {0};
  struct steps *run = forward(s);
  const struct graph *g = s->training->graph, *f = s->model.fixed;
  struct golden *m = golden_new(&s->arena, f, &e);
  int64_t differ = 0;
  if (!m) fail_msg("%s", e.text);
  *streams = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    bool learned = n->op == OP_fake_quant && node_out(g, n, 0)->per_frame;
    if (n->op != OP_requant && !learned) continue;
    // It has the name of the layer that is requantised, or of the output that it is.
    int32_t v = graph_find_value(f, node_in(g, n, 0)->name);
    if (v == NONE) v = graph_find_value(f, node_out(g, n, 0)->name);
    if (v == NONE) continue;
    const struct value *y = &f->values[v];
    int64_t count = value_elements(y);
    int32_t *codes = ARENA_NEW(&s->arena, int32_t, BATCH * count);
    struct golden_tap tap = {(uint32_t)v, codes};
    golden_run_pixels(m, BATCH, s->pictures.pixels, &tap, 1);
    const float *x = steps_value(run, n->out[0]);
    for (int64_t k = 0; k < BATCH * count; k++) {
      double is = type_value(&y->type, 0, type_code(&y->type, codes[k]));
      if ((double)x[k] == is) continue;
      if (!differ++)
        snprintf(where, 128, "%s, element %lld: %g in training, %g in the C model", y->name,
                 (long long)k, (double)x[k], is);
    }
    ++*streams;
  }
  golden_free(m);
  return differ;
}

static void train(struct session *s, const char *json, const struct load *l) {
  struct err e = {0};
  begin(s, json, l);
  for (int k = 0; k < STEPS; k++) assert_int_equal(fit_step(s->fit, &e), FIT_GOING);
  finish(s);
}

static void check(size_t i, const char *json, const struct load *l, int expected) {
  struct session s;
  char where[128] = "";
  int streams;
  train(&s, json, l);
  if (differences(&s, &streams, where)) fail_msg("case %zu, %s: %s", i, l->precision, where);
  if (streams < expected) fail_msg("case %zu: %d streams compared", i, streams);
  end(&s);
}

static void every_stream_is_the_c_models(void **state) {
  (void)state;
  static const struct {
    const char *json, *precision, *weight, *input;
    int streams;
    bool open; // images choose the first scales, which are trained
  } cases[] = {{dense, "8,3", NULL, NULL, 3, false},
               {dense, "7,3", "8,channel", NULL, 3, false},
               {dense, "6,2", NULL, NULL, 3, false},
               {dense, "5,2", "5,4", NULL, 3, false},
               {dense, "4,1", NULL, NULL, 3, false},
               {dense, "3,0", "3,channel", "u8,8", 3, false},
               {dense, "2,0", NULL, "u8,8", 3, false},
               {dense, "8,3", "bipolar", NULL, 3, false},
               {dense, "8,3", "ternary", NULL, 3, false},
               {dense, "u2,0", "bipolar,channel", "u8,8", 3, false},
               {residual, "8,3", NULL, NULL, 7, false},
               {residual, "4,1", NULL, NULL, 7, false},
               {residual, "8,4", "ternary,channel", NULL, 7, false},
               {signs, "bipolar", NULL, "u8,8", 3, false},
               {signs, "bipolar", "4", "u8,8", 3, false},
               {dense, "bipolar", "4", "u8,8", 3, false}, // a relu of signs has no 0
               {lenet, "8,4", NULL, NULL, 6, false},
               {lenet, "6,3", "4,channel", NULL, 6, false},
               {narrowed, "8,3", NULL, NULL, 3, false},
               {narrowed, "8,3", "3", "u8,8", 3, false},
               // beyond 2^24 units, which floats don't count
               {dense, "10,5", "10", "u8,8", 3, false},
               {dense, "16,8", "16,channel", "u16,16", 3, false},
               {dense, "22,18", "16,14", "u16,16", 3, false},
               {residual, "16,10", "14", NULL, 7, false},
               {residual, "22,17", "12,channel", "u12,12", 7, false},
               {lenet, "16,13", "16,channel", NULL, 6, false},
               {rbf, "22,16", "16,14", "u16,16", 3, false},
               {dense, "4", NULL, NULL, 3, true},
               {dense, "2", "bipolar", "u8,8", 3, true},
               {residual, "4", NULL, NULL, 7, true},
               {residual, "3", "ternary,channel", NULL, 7, true},
               {lenet, "8", "4", NULL, 6, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct load l = {.precision = cases[i].precision,
                           .weight_precision = cases[i].weight,
                           .input_precision = cases[i].input,
                           .n_calibrate = cases[i].open,
                           .calibrate = (const char *const[]){"synthetic:64"},
                           .method = cases[i].open ? "mse" : NULL};
    check(i, cases[i].json, &l, cases[i].streams);
  }
}

static void every_stream_has_its_rounding(void **state) {
  (void)state;
  static const char *const modes[][2] = {
      {"floor", "wrap"}, {"half_up", NULL}, {NULL, "wrap"}, {"ceil", "saturate"}, {"zero", NULL}};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    const struct load l = {.precision = "6,7", .rounding = modes[i][0], .overflow = modes[i][1]};
    check(i, dense, &l, 3);
    check(i, residual, &l, 7);
  }
}

// The comparison sees one code that is another.
static void a_wrong_code_is_seen(void **state) {
  (void)state;
  struct session s;
  char where[128] = "";
  int streams;
  struct err e = {0};
  const struct load l = {.precision = "8,3"}, none = {0};
  train(&s, dense, &l);
  int32_t w = graph_find_value(s.done, "fc1.weight");
  assert_true(type_is_integer(&s.done->values[w].type));
  struct tensor *codes = s.done->values[w].init;
  for (int64_t i = 0; i < codes->count; i++) tensor_set_int(codes, i, -tensor_int(codes, i) / 2);
  assert_true(load_graph(&s.arena, s.done, &none, NULL, &s.model, &e));
  assert_true(differences(&s, &streams, where) > 0);
  assert_non_null(strstr(where, "fc1"));
  end(&s);
}

// A norm is trained with the step's statistics and goes into its layer's codes at the end; signs
// keep being signs.
static void norms_are_folded(void **state) {
  (void)state;
  static const char json[] =
      INPUT "{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":9},{\"op\":\"batch_norm\"},"
            "{\"op\":\"hard_tanh\"},{\"op\":\"linear\",\"out\":3},{\"op\":\"batch_norm\"}]}";
  struct session s;
  const struct load l = {.precision = "bipolar", .input_precision = "u8,8"};
  train(&s, json, &l);
  const struct graph *f = s.model.fixed;
  // what a norm scales isn't whole
  assert_int_equal(graph_find_value(s.qat->model, "fc1.bias.codes"), NONE);
  assert_true(graph_find_value(s.qat->model, "fc1.weight.codes") != NONE);
  int weighted = 0;
  for (uint32_t i = 0; i < f->n_nodes; i++) {
    if (!op_is(f->nodes[i].op, TRAIT_WEIGHTS)) continue;
    assert_true(type_is_bipolar(&node_in(f, &f->nodes[i], 1)->type));
    weighted++;
  }
  assert_int_equal(weighted, 2);
  end(&s);
}

// In front of the first layer it is a convolution, whose type is the one that was trained for,
// whatever shapes are in between.
static void norms_in_front_have_their_type(void **state) {
  (void)state;
  static const char json[] =
      INPUT "{\"op\":\"flatten\"},{\"op\":\"batch_norm\"},{\"op\":\"linear\",\"out\":3}]}";
  struct session s;
  const struct load l = {.precision = "9,5"};
  train(&s, json, &l);
  const struct graph *f = s.model.fixed;
  bool found = false;
  for (uint32_t i = 0; i < f->n_nodes; i++) {
    const struct type *t = &node_out(f, &f->nodes[i], 0)->type;
    if (strcmp(f->nodes[i].name, "batch_norm1") != 0) continue;
    found = true;
    assert_true(type_is_fixed(t) && type_width(t) == 9 && type_scale(t, 0) == 0x1p-5);
  }
  assert_true(found);
  end(&s);
}

// Scales move, and the decay of weights doesn't move them.
static void scales_of_few_bits_are_trained(void **state) {
  (void)state;
  struct session s;
  const struct load l = {.precision = "8,3", .weight_precision = "3"};
  struct err e = {0};
  begin(&s, dense, &l);
  assert_int_equal(s.qat->learned, 2);
  assert_int_equal(s.qat->weights, 2);
  int32_t t = graph_find_value(s.qat->model, "fc1.weight.scale");
  assert_true(t != NONE);
  float before = *(float *)s.qat->model->values[t].init->data;
  for (int k = 0; k < STEPS; k++) assert_int_equal(fit_step(s.fit, &e), FIT_GOING);
  finish(&s);
  assert_true(*(float *)s.qat->model->values[t].init->data != before);
  const struct type *w = &s.done->values[graph_find_value(s.done, "fc1.weight")].type;
  assert_true(type_is_fixed(w) && type_width(w) == 3);
  end(&s);
}

// The error that a power of two as scale gives weights of `bits` bits.
static double error_of(const struct tensor *w, int exponent, int bits) {
  double sum = 0, most = ldexp(1, bits - 1);
  for (int64_t i = 0; i < w->count; i++) {
    double x = tensor_real(w, i), code = rint(ldexp(x, -exponent));
    code = fmin(fmax(code, -most), most - 1);
    sum += pow(x - ldexp(code, exponent), 2);
  }
  return sum;
}

static const float *first_scale(const struct session *s, const char *name) {
  int32_t t = graph_find_value(s->qat->model, name);
  if (t == NONE) fail_msg("%s", name);
  return s->qat->model->values[t].init->data;
}

// Half below the exponent that it stands for: of the least error, of signs the mean, and of a
// stream the one that images have chosen.
static void scales_begin_where_errors_are_least(void **state) {
  (void)state;
  struct session s;
  const struct load l = {.precision = "4",
                         .weight_precision = "3",
                         .n_calibrate = 1,
                         .calibrate = (const char *const[]){"synthetic:64"},
                         .method = "mse"},
                    signs_of = {.precision = "8,3", .weight_precision = "bipolar,channel"};
  begin(&s, dense, &l);
  const struct graph *m = s.recipe.model;
  const struct tensor *w = m->values[graph_find_value(m, "fc1.weight")].init;
  double t = (double)*first_scale(&s, "fc1.weight.scale");
  assert_true(t == floor(t) + 0.5);
  for (int e = (int)ceil(t) - 3; e <= (int)ceil(t) + 3; e++)
    assert_true(error_of(w, e, 3) >= error_of(w, (int)ceil(t), 3));
  // the type that it has without training
  struct err e = {0};
  struct model untrained;
  assert_true(load_graph(&s.arena, s.recipe.model, &l, NULL, &untrained, &e));
  int32_t y = graph_find_value(untrained.fixed, "relu1");
  assert_true(y != NONE);
  assert_true(ldexp(1, (int)ceil((double)*first_scale(&s, "relu1.scale"))) ==
              type_scale(&untrained.fixed->values[y].type, 0));
  end(&s);

  begin(&s, dense, &signs_of);
  m = s.recipe.model;
  w = m->values[graph_find_value(m, "fc1.weight")].init;
  const float *each = first_scale(&s, "fc1.weight.scale");
  int64_t outs = w->shape[0], run = w->count / outs;
  for (int64_t o = 0; o < outs; o++) {
    double sum = 0;
    for (int64_t i = 0; i < run; i++) sum += fabs(tensor_real(w, o * run + i));
    assert_true((double)each[o] == rint(log2(sum / (double)run)) - 0.5);
  }
  end(&s);
}

// The scale that the finished type says is the one that was trained.
static void scales_end_as_they_were_trained(void **state) {
  (void)state;
  struct session s;
  const struct load l = {.precision = "4",
                         .weight_precision = "3",
                         .n_calibrate = 1,
                         .calibrate = (const char *const[]){"synthetic:64"},
                         .method = "mse"};
  train(&s, dense, &l);
  int32_t w = graph_find_value(s.done, "fc1.weight");
  int found = 0;
  assert_true(type_scale(&s.done->values[w].type, 0) ==
              ldexp(1, (int)ceil((double)*first_scale(&s, "fc1.weight.scale"))));
  for (uint32_t i = 0; i < s.done->n_nodes; i++) {
    const struct node *n = &s.done->nodes[i];
    if (strcmp(n->name, "relu1") != 0) continue;
    assert_true(type_scale(&node_attr(n, ATTR_type)->type, 0) ==
                ldexp(1, (int)ceil((double)*first_scale(&s, "relu1.scale"))));
    found++;
  }
  assert_int_equal(found, 1);
  end(&s);
}

static void what_cant_be_trained_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *json;
    struct load l;
    const char *message;
  } cases[] = {
      {dense, {0}, "which types? --precision W,F"},
      {dense,
       {.precision = "8,3", .weight_precision = "e4m3"},
       "layer \"fc1\": weights of minifloats"},
      {dense,
       {.precision = "8,3", .weight_precision = "block8:4"},
       "weights of minifloats, blocks and residuals"},
      {dense,
       {.precision = "8,3", .weight_precision = "residual2"},
       "weights of minifloats, blocks and residuals"},
      {dense, {.precision = "8,3", .input_precision = "u8"}, "scales that are powers of two"},
      {dense, {.precision = "23,3"}, "codes of at most 22 bits are trained on"},
      {dense, {.precision = "8,3", .weight_precision = "24"}, "codes of at most 22 bits"},
      {dense, {.precision = "4"}, "--calibrate SET beside a width"},
      {residual, {.precision = "bipolar", .input_precision = "u8,8"}, "has no 0 to pad with"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena a = {0};
    struct recipe r;
    struct err e = {0};
    assert_true(recipe_parse(&a, cases[i].json, strlen(cases[i].json), 3, &r, &e));
    assert_null(qat_new(&a, r.model, &cases[i].l, &e));
    if (!strstr(e.text, cases[i].message)) fail_msg("case %zu: %s", i, e.text);
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_stream_is_the_c_models),
                                     cmocka_unit_test(every_stream_has_its_rounding),
                                     cmocka_unit_test(a_wrong_code_is_seen),
                                     cmocka_unit_test(norms_are_folded),
                                     cmocka_unit_test(norms_in_front_have_their_type),
                                     cmocka_unit_test(scales_of_few_bits_are_trained),
                                     cmocka_unit_test(scales_begin_where_errors_are_least),
                                     cmocka_unit_test(scales_end_as_they_were_trained),
                                     cmocka_unit_test(what_cant_be_trained_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
