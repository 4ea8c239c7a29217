// SPDX-License-Identifier: Apache-2.0
// Training as a pass: the gradients of whole graphs, and one sequence of bits from every executor,
// order of firings, number of threads and instruction set.
#include "quant/load.h"
#include "sw/base/rng.h"
#include "sw/data/data.h"
#include "sw/exec/golden.h"
#include "sw/exec/kernels.h"
#include "sw/graph/model.h"
#include "sw/graph/races.h"
#include "sw/pass/split.h"
#include "sw/train/schedule.h"
#include "tests/train/helper_training.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// Two hidden layers, dropout, sizes that no vector divides.
static const char mlp[] =
    "{\"input\":{\"shape\":[5,3,1]},\"layers\":[{\"op\":\"flatten\"},"
    "{\"op\":\"linear\",\"out\":37},{\"op\":\"tanh\"},{\"op\":\"dropout\",\"rate\":0.25},"
    "{\"op\":\"linear\",\"out\":18},{\"op\":\"relu\"},{\"op\":\"linear\",\"out\":7}]}";
static const char regression[] =
    "{\"input\":{\"shape\":[9]},\"layers\":[{\"op\":\"linear\",\"out\":21},{\"op\":\"gelu\"},"
    "{\"op\":\"linear\",\"out\":4},{\"op\":\"softmax\"}],\"loss\":\"mse\"}";

// Statistics of the step over frames and pixels.
static const char normed[] =
    "{\"input\":{\"shape\":[5,3,1]},\"layers\":["
    "{\"op\":\"conv2d\",\"out\":7,\"kernel\":[2,2]},{\"op\":\"batch_norm\"},{\"op\":\"relu\"},"
    "{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":5},{\"op\":\"batch_norm\",\"momentum\":0.5}]}";

// ---- the same bits

static uint32_t random_pick(void *context, uint32_t ready) {
  return (uint32_t)rng_range(context, 0, ready - 1);
}

static void assert_same(const float *found, const float *expected, int64_t size, const char *what) {
  for (int64_t i = 0; i < size; i++)
    if (memcmp(&found[i], &expected[i], sizeof *found) != 0)
      fail_msg("%s: number %lld is %a, expected %a", what, (long long)i, (double)found[i],
               (double)expected[i]);
}

static void tokens_equal_the_static_order(void **state) {
  (void)state;
  static const enum assign all[] = {ASSIGN_sgd, ASSIGN_momentum, ASSIGN_nesterov, ASSIGN_adam,
                                    ASSIGN_adamw};
  for (size_t o = 0; o < 5; o++) {
    struct lesson l;
    lesson_new(&l, o % 3 == 0 ? normed : o % 3 == 1 ? regression : mlp, all[o], 5, NULL, 0);
    int64_t size = lesson_size(&l);
    float *expected = ARENA_NEW(&l.arena, float, size), *found = ARENA_NEW(&l.arena, float, size);
    lesson_static(&l, 1, true, LESSON_STEPS, expected);
    lesson_tokens(&l, LESSON_STEPS, NULL, NULL, found);
    assert_same(found, expected, size, assign_info(all[o])->name);
    struct rng r = {o, 0};
    for (int order = 0; order < 200; order++) {
      lesson_tokens(&l, LESSON_STEPS, random_pick, &r, found);
      assert_same(found, expected, size, assign_info(all[o])->name);
    }
    arena_free(&l.arena);
  }
}

// The plan of the arrays changes nothing, and neither do threads and instruction sets.
static void same_bits_of(const char *net) {
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  struct lesson l;
  lesson_new(&l, net, ASSIGN_adam, 19, NULL, 0);
  int64_t size = lesson_size(&l);
  float *expected = ARENA_NEW(&l.arena, float, size), *found = ARENA_NEW(&l.arena, float, size);
  setenv("NNGEN_KERNELS", "plain", 1);
  lesson_static(&l, 1, false, LESSON_STEPS, expected);
  for (int k = 0; k < n; k++)
    for (int threads = 1; threads <= 4; threads++) {
      setenv("NNGEN_KERNELS", list[k]->name, 1);
      lesson_static(&l, threads, true, LESSON_STEPS, found);
      assert_same(found, expected, size, list[k]->name);
    }
  unsetenv("NNGEN_KERNELS");
  arena_free(&l.arena);
}

static void threads_and_kernels_give_the_same_bits(void **state) {
  (void)state;
  same_bits_of(mlp);
  same_bits_of(normed);
}

// A running average keeps its momentum's part of itself and takes the rest from the step; the
// variance that it takes is the population's.
static void averages_run(void **state) {
  (void)state;
  static const char net[] =
      "{\"input\":{\"shape\":[3,2]},\"layers\":[{\"op\":\"batch_norm\","
      "\"momentum\":0.75},{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":3}]}";
  struct lesson l;
  lesson_new(&l, net, ASSIGN_sgd, 4, NULL, 0);
  float *found = ARENA_NEW(&l.arena, float, lesson_size(&l));
  lesson_static(&l, 1, true, 1, found);
  const float *x = l.images;
  for (int c = 0; c < 2; c++) {
    double mean = 0, variance = 0;
    for (int i = 0; i < 12; i++) mean += (double)x[2 * i + c] / 12;
    for (int i = 0; i < 12; i++) variance += pow((double)x[2 * i + c] - mean, 2) / 11;
    // gamma, beta, mean, variance
    assert_true(fabs((double)found[4 + c] - 0.25 * mean) < 1e-6);
    assert_true(fabs((double)found[6 + c] - (0.75 + 0.25 * variance)) < 1e-6);
  }
  arena_free(&l.arena);
}

// A batch that is cut short, fewer frames than shards: sums are still in order.
static void a_weight_moves_as_computed_by_hand(void **state) {
  (void)state;
  static const char json[] =
      "{\"input\":{\"shape\":[2]},\"layers\":[{\"op\":\"linear\",\"out\":1}],"
      "\"loss\":\"mse\"}";
  struct lesson l;
  lesson_new(&l, json, ASSIGN_sgd, 3, NULL, 0);
  l.optimizer.decay = 0;
  struct err e = {0};
  l.training = training_new(&l.arena, l.recipe.model, (struct loss){LOSS_MSE, 0}, &l.optimizer, 1,
                            NULL, 0, &e);
  float found[3];
  const float *w = l.recipe.model->values[l.training->parameters[0].weight].init->data;
  const float *b = l.recipe.model->values[l.training->parameters[1].weight].init->data;
  double dw[2] = {0}, db = 0;
  for (int f = 0; f < 3; f++) {
    const float *x = l.images + 2 * f;
    double d = 2 * ((double)w[0] * x[0] + (double)w[1] * x[1] + b[0] - l.targets[f]) / 3;
    dw[0] += d * x[0];
    dw[1] += d * x[1];
    db += d;
  }
  lesson_static(&l, 1, true, 1, found);
  assert_true(fabs((double)found[0] - (w[0] - 0.05 * dw[0])) < 1e-7);
  assert_true(fabs((double)found[1] - (w[1] - 0.05 * dw[1])) < 1e-7);
  assert_true(fabs((double)found[2] - (b[0] - 0.05 * db)) < 1e-7);
  arena_free(&l.arena);
}

// The rates of the lessons, two steps each.
static void a_schedule_is_followed(void **state) {
  (void)state;
  static const float expected[LESSON_STEPS] = {0.05f, 0.05f, 0.03f, 0.03f, 0.01f, 0.01f};
  struct lesson l;
  lesson_new(&l, mlp, ASSIGN_sgd, 2, NULL, 0);
  struct steps *s = real_steps(&l.arena, l.training->graph, l.frames);
  int32_t rate = graph_find_value(l.training->graph, "rate");
  assert_true(rate != NONE);
  for (int64_t i = 0; i < LESSON_STEPS; i++) {
    const void *inputs[2] = {l.images + i * l.frames * l.elements,
                             l.targets + i * l.frames * l.classes};
    steps_run(s, inputs);
    assert_true(*(const float *)steps_value(s, (uint32_t)rate) == expected[i]);
  }
  steps_free(s);
  arena_free(&l.arena);
}

// Words become tables; cosines are compared with the C library's.
static void schedules_are_tables(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct optimizer o = {0};
  assert_true(schedule_set(&a, "constant", 0.25, 5, 10, &o, &e));
  assert_true(o.n_rates == 1 && o.rates[0] == 0.25f);
  assert_true(schedule_set(&a, "step:2:0.5", 0.25, 5, 10, &o, &e));
  assert_true(o.n_rates == 3 && o.every == 20);
  for (int i = 0; i < 3; i++) assert_true(o.rates[i] == 0.25f / (float)(1 << i));
  assert_true(schedule_set(&a, "0.5,0.125", 9, 5, 10, &o, &e));
  assert_true(o.n_rates == 2 && o.every == 10 && o.rates[0] == 0.5f && o.rates[1] == 0.125f);
  assert_true(schedule_set(&a, "cosine:0.5", 0.25, 2, 4, &o, &e));
  assert_true(o.n_rates == 8 && o.every == 1 && o.rates[0] == 0.25f);
  for (int i = 0; i < 8; i++) {
    double share = (1 + cos(3.14159265358979323846 * i / 8)) / 2;
    assert_true(fabs((double)o.rates[i] - 0.25 * (0.5 + 0.5 * share)) < 1e-7);
  }
  assert_true(schedule_set(&a, "cosine", 0.25, 1000, 469, &o, &e));
  assert_true(o.n_rates <= 65536 && o.n_rates * o.every >= 469000 && o.every == 8);
  assert_true(o.rates[o.n_rates - 1] < 1e-5f);
  arena_free(&a);
}

// ---- wanted parts

// Rows 3 to 7 of the second layer's weights alone: they move as they do when everything is trained
// with no momentum, and nothing else moves.
static void a_wanted_slice_moves_alone(void **state) {
  (void)state;
  static const int64_t ranges[] = {3, 7, 11, 12};
  for (int axis = 0; axis < 2; axis++) {
    struct lesson all, part;
    struct training_part parts[6] = {
        {"fc2.weight", {axis, 2, ranges}}, {"fc1.weight", {NONE, 0, NULL}},
        {"fc1.bias", {NONE, 0, NULL}},     {"fc2.bias", {NONE, 0, NULL}},
        {"fc3.weight", {NONE, 0, NULL}},   {"fc3.bias", {NONE, 0, NULL}}};
    lesson_new(&all, mlp, ASSIGN_sgd, 9, NULL, 0);
    lesson_new(&part, mlp, ASSIGN_sgd, 9, parts, 6);
    int64_t size = lesson_size(&all), moved = 0;
    float *a = ARENA_NEW(&all.arena, float, size), *p = ARENA_NEW(&all.arena, float, size),
          *before = ARENA_NEW(&all.arena, float, size);
    lesson_static(&all, 1, true, 0, before);
    lesson_static(&all, 1, true, 1, a);
    lesson_static(&part, 1, true, 1, p);
    for (int64_t i = 0; i < size; i++) {
      int64_t at = i - 37 * 15 - 37, row = at / 37, column = at % 37, k = axis ? column : row;
      bool wanted = at >= 0 && at < 18 * 37 && ((k >= 3 && k < 7) || k == 11);
      assert_true(p[i] == (wanted ? a[i] : before[i]));
      moved += p[i] != before[i];
    }
    assert_int_equal(moved, axis ? 18 * 5 : 5 * 37);
    // What nothing wanted needs isn't built: no gradient below fc2.
    for (uint32_t i = 0; i < part.training->graph->n_nodes; i++) {
      const struct node *n = &part.training->graph->nodes[i];
      if (n->op == OP_gradient)
        assert_true(
            node_attr(n, ATTR_of)->value >=
            (uint32_t)part.training->graph->values[graph_find_value(part.training->graph, "fc2")]
                .node);
    }
    arena_free(&all.arena);
    arena_free(&part.arena);
  }
}

// A variant of Adam that remembers a part only.
static void a_slice_has_a_memory_of_its_size(void **state) {
  (void)state;
  static const int64_t ranges[] = {1, 3};
  struct training_part part = {"fc1.weight", {0, 1, ranges}};
  struct lesson l;
  lesson_new(&l, mlp, ASSIGN_adam, 4, &part, 1);
  const struct graph *g = l.training->graph;
  int32_t m = graph_find_value(g, "fc1.weight.m");
  assert_true(m != NONE);
  assert_int_equal(value_elements(&g->values[m]), 2 * 15);
  float *found = ARENA_NEW(&l.arena, float, lesson_size(&l)),
        *again = ARENA_NEW(&l.arena, float, lesson_size(&l));
  lesson_static(&l, 1, true, LESSON_STEPS, found);
  lesson_tokens(&l, LESSON_STEPS, NULL, NULL, again);
  assert_same(again, found, lesson_size(&l), "adam");
  arena_free(&l.arena);
}

// A mask keeps cut connections at zero through the steps of every optimiser.
static void cut_connections_stay_zero(void **state) {
  (void)state;
  struct lesson l;
  struct err e = {0};
  lesson_new(&l, mlp, ASSIGN_adamw, 6, NULL, 0);
  struct value *w = &l.recipe.model->values[l.training->parameters[0].weight];
  w->mask = tensor_new(&l.arena, DTYPE_U8, w->rank, w->shape);
  for (int64_t i = 0; i < w->init->count; i++) {
    tensor_set_int(w->mask, i, i % 3 != 0);
    if (i % 3 == 0) ((float *)w->init->data)[i] = 0;
  }
  l.training = training_new(&l.arena, l.recipe.model, l.recipe.loss, &l.optimizer, 7, NULL, 0, &e);
  if (!l.training) fail_msg("%s", e.text);
  float *found = ARENA_NEW(&l.arena, float, lesson_size(&l));
  lesson_static(&l, 2, true, LESSON_STEPS, found);
  int64_t moved = 0;
  for (int64_t i = 0; i < w->init->count; i++) {
    if (i % 3 == 0) assert_true(found[i] == 0);
    moved += found[i] != ((float *)w->init->data)[i];
  }
  assert_true(moved > w->init->count / 2);
  arena_free(&l.arena);
}

// So does a connection table, which is the same for all taps.
static void tables_stay_zero(void **state) {
  (void)state;
  static const enum assign optimizers[] = {ASSIGN_sgd, ASSIGN_momentum, ASSIGN_nesterov,
                                           ASSIGN_adam, ASSIGN_adamw};
  for (size_t k = 0; k < sizeof optimizers / sizeof *optimizers; k++) {
    struct lesson l;
    lesson_new(&l,
               "{\"input\":{\"shape\":[4,4,3]},\"layers\":[{\"op\":\"conv2d\",\"out\":4,"
               "\"kernel\":[3,2],\"connections\":[[0,1],[2],[0,1,2],[1]]},{\"op\":\"flatten\"},"
               "{\"op\":\"linear\",\"out\":3}]}",
               optimizers[k], 6, NULL, 0);
    const struct value *w = &l.recipe.model->values[l.training->parameters[0].weight];
    float *found = ARENA_NEW(&l.arena, float, lesson_size(&l));
    lesson_static(&l, 2, true, LESSON_STEPS, found);
    assert_int_equal(value_connections(w), 7 * 6);
    for (int64_t i = 0; i < w->init->count; i++)
      if (value_is_cut(w, i))
        assert_true(found[i] == 0);
      else
        assert_true(found[i] != ((float *)w->init->data)[i]);
    arena_free(&l.arena);
  }
}

// ---- files: a training graph is a graph like any other

static void a_training_graph_survives_model_bin(void **state) {
  (void)state;
  struct lesson l;
  struct err e = {0};
  struct text first = {0}, second = {0};
  lesson_new(&l, mlp, ASSIGN_adam, 4, NULL, 0);
  model_put(&first, l.training->graph);
  struct graph *back = model_parse(&l.arena, first.data, first.size, &e);
  if (!back) fail_msg("%s", e.text);
  model_put(&second, back);
  assert_int_equal(first.size, second.size);
  assert_memory_equal(first.data, second.data, first.size);
  text_free(&first);
  text_free(&second);
  arena_free(&l.arena);
}

static uint32_t controls(const struct graph *g) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) count += g->nodes[i].n_after;
  return count;
}

// What gradients are of stays whole, control edges lead where they led; without them there are
// races.
static void a_training_graph_may_be_split(void **state) {
  (void)state;
  struct lesson l;
  struct err e = {0};
  uint32_t slices = 0;
  lesson_new(&l, mlp, ASSIGN_adam, 4, NULL, 0);
  struct graph *s = split(&l.arena, l.training->graph, 1, &slices);
  if (!graph_verify(s, &e) || !races_none(s, &e)) fail_msg("%s", e.text);
  assert_int_equal(slices, 0);
  assert_true(controls(s) > 0);
  assert_int_equal(controls(s), controls(l.training->graph));
  for (uint32_t i = 0; i < s->n_nodes; i++) s->nodes[i].n_after = 0;
  assert_false(graph_verify(s, &e) && races_none(s, &e));
  arena_free(&l.arena);
}

// ---- memory

// What the plan shares saves something (that it is sound, tests/plan says).
static void sharing_saves_memory(void **state) {
  (void)state;
  struct lesson l;
  lesson_new(&l, mlp, ASSIGN_adam, 32, NULL, 0);
  const struct graph *g = l.training->graph;
  size_t shared = steps_bytes(steps_planned(&l.arena, g, 32, 1, &real_kind));
  size_t apart = steps_bytes(steps_new(&l.arena, g, 32, &real_kind));
  print_message("%zu bytes, %zu without sharing\n", shared, apart);
  assert_true(shared < apart * 3 / 4);
  arena_free(&l.arena);
}

// ---- inference, token by token

struct images_feed {
  const int64_t *codes;
  int64_t elements, batch;
  int64_t *output;
  int64_t size;
};

static const void *feed_codes(void *context, int64_t step, uint32_t i) {
  const struct images_feed *f = context;
  (void)i;
  return f->codes + step * f->batch * f->elements;
}

static void take_output(void *context, int64_t step, uint32_t i, const void *data) {
  struct images_feed *f = context;
  (void)i;
  memcpy(f->output + step * f->size, data, (size_t)f->size * sizeof *f->output);
}

static int64_t compare_tokens(const struct graph *g, const struct images *set, int64_t batch,
                              const int32_t *expected) {
  struct arena a = {0};
  struct err e = {0};
  const struct source *s = &g->inputs[0].source;
  int64_t classes = value_elements(&g->values[g->outputs[0]]), different = 0;
  int64_t *codes = ARENA_NEW(&a, int64_t, set->count * set->elements);
  for (int64_t i = 0; i < set->count * set->elements; i++) codes[i] = s->table[set->pixels[i]];
  struct images_feed f = {codes, set->elements, batch, ARENA_NEW(&a, int64_t, set->count * classes),
                          batch * classes};
  struct dataflow *d = dataflow_new(&a, g, batch, &golden_kind, false, &e);
  if (!d) fail_msg("%s", e.text);
  dataflow_run(
      d, set->count / batch,
      &(struct dataflow_caller){.context = &f, .input = feed_codes, .output = take_output});
  for (int64_t i = 0; i < set->count * classes; i++) different += f.output[i] != expected[i];
  dataflow_free(d);
  arena_free(&a);
  return different;
}

// 784-128-10 with the trained weights of mnist-mlp. Its activation is fc1's type: what saturates at
// 0 is relu.
static struct graph *neurons_of(struct arena *a) {
  static const char json[] = "{\"input\":{\"shape\":[784]},\"layers\":[{\"op\":\"linear\","
                             "\"out\":128},{\"op\":\"linear\",\"out\":10}]}";
  static const char formats[] = "{\"layers\":{\"fc1\":{\"stream\":\"u7,3\"}}}";
  struct err e = {0};
  struct recipe r;
  struct model m;
  const char *folder = "/tmp/nngen-test-neurons";
  const char *path = arena_printf(a, "%s-%d.bin", folder, (int)getpid());
  const char *words = arena_printf(a, "%s-%d.json", folder, (int)getpid());
  struct graph *trained = model_read(a, "models/mnist-mlp.bin", &e);
  if (!trained || !recipe_parse(a, json, strlen(json), 1, &r, &e)) fail_msg("%s", e.text);
  for (uint32_t i = 0; i < r.model->n_values; i++) {
    int32_t from = graph_find_value(trained, r.model->values[i].name);
    if (r.model->values[i].init) r.model->values[i].init = trained->values[from].init;
  }
  struct load load = {.precision = "8,3", .input_precision = "raw", .formats = words};
  bool ok = model_write(path, r.model, &e) && file_write(words, formats, strlen(formats), &e) &&
            load_model(a, path, &load, &m, &e);
  unlink(path);
  unlink(words);
  if (!ok) fail_msg("%s", e.text);
  return m.fixed;
}

// At the grain of layers, and of neurons: 784 pixels, 128 and 10 sums.
static void layers_and_neurons_equal_golden(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct images set;
  struct graph *layers = neurons_of(&a);
  if (!data_open(&a, "mnist", getenv("NNGEN_TEST_DEEP") ? 0 : 1000, &set, &e))
    fail_msg("%s", e.text);
  const struct golden *golden = golden_new(&a, layers, &e);
  int64_t classes = value_elements(&layers->values[layers->outputs[0]]), correct = 0;
  int32_t *expected = ARENA_NEW(&a, int32_t, set.count * classes);
  struct golden_tap tap = {layers->outputs[0], expected};
  golden_run_pixels(golden, set.count, set.pixels, &tap, 1);
  for (int64_t i = 0; i < set.count; i++) {
    int64_t best = 0;
    for (int64_t c = 1; c < classes; c++)
      if (expected[i * classes + c] > expected[i * classes + best]) best = c;
    correct += best == set.labels[i];
  }
  assert_true(correct * 100 > set.count * 97);
  uint32_t slices;
  struct graph *neurons = split(&a, layers, 1, &slices);
  if (!graph_verify(neurons, &e)) fail_msg("%s", e.text);
  print_message("%u actors are slices, %lld images\n", slices, (long long)set.count);
  assert_int_equal(slices, 922);
  assert_int_equal(compare_tokens(layers, &set, 100, expected), 0);
  assert_int_equal(compare_tokens(neurons, &set, 100, expected), 0);
  expected[17] ^= 1; // the comparison can fail
  assert_int_equal(compare_tokens(layers, &set, 100, expected), 1);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tokens_equal_the_static_order),
                                     cmocka_unit_test(threads_and_kernels_give_the_same_bits),
                                     cmocka_unit_test(averages_run),
                                     cmocka_unit_test(a_weight_moves_as_computed_by_hand),
                                     cmocka_unit_test(a_schedule_is_followed),
                                     cmocka_unit_test(schedules_are_tables),
                                     cmocka_unit_test(a_wanted_slice_moves_alone),
                                     cmocka_unit_test(a_slice_has_a_memory_of_its_size),
                                     cmocka_unit_test(tables_stay_zero),
                                     cmocka_unit_test(cut_connections_stay_zero),
                                     cmocka_unit_test(a_training_graph_survives_model_bin),
                                     cmocka_unit_test(sharing_saves_memory),
                                     cmocka_unit_test(a_training_graph_may_be_split),
                                     cmocka_unit_test(layers_and_neurons_equal_golden)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
