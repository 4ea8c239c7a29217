// SPDX-License-Identifier: Apache-2.0
// The loss of LeNet-5: its words, its value and its gradients against the formula in doubles, and
// what it becomes when J is far away.
#include "sw/train/loss.h"

#include "tests/train/helper_training.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { INPUTS = 6, FEATURES = 5, CLASSES = 3, FRAMES = 4 };

// linear -> tanh -> distances from three codes, which stay
#define NET(loss)                                                                                  \
  "{\"input\":{\"shape\":[6]},\"layers\":[{\"op\":\"linear\",\"out\":5},{\"op\":\"tanh\"},"        \
  "{\"op\":\"rbf\",\"out\":3,\"weights\":[[1,-1,1,-1,1],[-1,-1,1,1,1],[1,1,-1,-1,-1]]}],"          \
  "\"loss\":\"" loss "\"}"

static const double codes[CLASSES][FEATURES] = {
    {1, -1, 1, -1, 1}, {-1, -1, 1, 1, 1}, {1, 1, -1, -1, -1}};

// The mean of y_D + log(e^-J + sum e^-y) over the frames of the first step.
static double formula(const struct lesson *l, const double *w, const double *b, double rubbish) {
  double total = 0;
  for (int f = 0; f < FRAMES; f++) {
    double y[CLASSES] = {0}, sum = exp(-rubbish);
    for (int i = 0; i < FEATURES; i++) {
      double s = b[i];
      for (int k = 0; k < INPUTS; k++) s += w[i * INPUTS + k] * (double)l->images[f * INPUTS + k];
      for (int c = 0; c < CLASSES; c++) y[c] += pow(tanh(s) - codes[c][i], 2);
    }
    for (int c = 0; c < CLASSES; c++) sum += exp(-y[c]);
    for (int c = 0; c < CLASSES; c++)
      if (l->targets[f * CLASSES + c] == 1) total += y[c] + log(sum);
  }
  return total / FRAMES;
}

// The first step of plain descent at rate 1: weights before and after, and the loss that it had.
struct descent {
  struct lesson lesson;
  double before[FEATURES * INPUTS + FEATURES], after[FEATURES * INPUTS + FEATURES];
  float *raw; // all variables
  int64_t size;
  double loss;
};

static void descend(struct descent *d, const char *json) {
  static const float rate = 1;
  struct lesson *l = &d->lesson;
  struct err e = {0};
  struct training_part still = {"rbf1.weight", {.axis = NONE}};
  lesson_new(l, json, ASSIGN_sgd, FRAMES, NULL, 0);
  l->optimizer.decay = 0;
  l->optimizer.rates = &rate;
  l->optimizer.n_rates = 1;
  l->training =
      training_new(&l->arena, l->recipe.model, l->recipe.loss, &l->optimizer, 7, &still, 1, &e);
  if (!l->training) fail_msg("%s", e.text);
  d->size = lesson_size(l);
  d->raw = ARENA_NEW(&l->arena, float, d->size);
  lesson_static(l, 1, true, 1, d->raw);
  int at = 0;
  for (int p = 0; p < 2; p++) {
    const struct tensor *t = l->recipe.model->values[l->training->parameters[p].weight].init;
    for (int64_t i = 0; i < t->count; i++, at++) {
      d->before[at] = tensor_real(t, i);
      d->after[at] = (double)d->raw[at];
    }
  }
  struct steps *s = real_steps(&l->arena, l->training->graph, FRAMES);
  steps_run(s, (const void *const[]){l->images, l->targets});
  d->loss = (double)*(const float *)steps_value(s, l->training->loss);
  steps_free(s);
}

// How far the gradients are from central differences of the formula with this J, at most.
static double farthest(struct descent *d, double rubbish) {
  double most = 0, step = 1e-5, x[FEATURES * INPUTS + FEATURES];
  memcpy(x, d->before, sizeof x);
  for (int i = 0; i < FEATURES * INPUTS + FEATURES; i++) {
    x[i] = d->before[i] + step;
    double above = formula(&d->lesson, x, x + FEATURES * INPUTS, rubbish);
    x[i] = d->before[i] - step;
    double below = formula(&d->lesson, x, x + FEATURES * INPUTS, rubbish);
    x[i] = d->before[i];
    most = fmax(most, fabs((d->before[i] - d->after[i]) - (above - below) / (2 * step)));
  }
  return most;
}

static void check(const char *json, double rubbish) {
  struct descent d;
  descend(&d, json);
  double expected = formula(&d.lesson, d.before, d.before + FEATURES * INPUTS, rubbish);
  if (!(fabs(d.loss - expected) < 1e-5)) fail_msg("J %g: %g, not %g", rubbish, d.loss, expected);
  assert_true(farthest(&d, rubbish) < 1e-5);
  assert_true(farthest(&d, rubbish + 1) > 1e-4); // another J is seen
  arena_free(&d.lesson.arena);
}

static void it_is_the_formula(void **state) {
  (void)state;
  check(NET("rbf:0.5"), 0.5);
  check(NET("rbf:3"), 3);
  check(NET("rbf:0"), 0);
}

static void far_away_it_is_the_cross_entropy(void **state) {
  (void)state;
  struct descent a, b, c;
  descend(&a, NET("rbf:1000"));
  descend(&b, NET("cross_entropy"));
  descend(&c, NET("rbf"));
  assert_int_equal(a.size, b.size);
  assert_memory_equal(a.raw, b.raw, (size_t)a.size * sizeof *a.raw);
  assert_memory_not_equal(a.raw, c.raw, (size_t)a.size * sizeof *a.raw);
  assert_true(a.loss == b.loss && a.loss != c.loss);
  arena_free(&a.lesson.arena);
  arena_free(&b.lesson.arena);
  arena_free(&c.lesson.arena);
}

static void words_come_back(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"cross_entropy", "cross_entropy"},
                                         {"mse", "mse"},
                                         {"rbf", "rbf:10"},
                                         {"rbf:0", "rbf:0"},
                                         {"rbf:2.5", "rbf:2.5"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct loss loss;
    struct err e = {0};
    struct text t = {0};
    assert_true(loss_parse(cases[i][0], &loss, &e));
    loss_put(&t, loss);
    assert_string_equal(t.data, cases[i][1]);
    text_free(&t);
  }
}

static void wrong_words(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"cross_entrpy",
       "\"cross_entrpy\": did you mean cross_entropy? expected cross_entropy, mse or rbf[:J]"},
      {"hinge", "\"hinge\", expected cross_entropy, mse or rbf[:J]"},
      {"", "\"\", expected cross_entropy"},
      {"mse:2", "\"mse:2\", "},
      {"rbf:", "rbf:: expected a number from 0 to 1e+06"},
      {"rbf:-1", "rbf:-1: expected a number"},
      {"rbf:nan", "rbf:nan: expected a number"},
      {"rbf:3x", "rbf:3x: expected a number"},
      {"rbf:1e7", "rbf:1e7: expected a number"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct loss loss;
    struct err e = {0};
    assert_false(loss_parse(cases[i][0], &loss, &e));
    if (strncmp(e.text, cases[i][1], strlen(cases[i][1])) != 0) fail_msg("%s", e.text);
  }
}

static void it_is_of_distances(void **state) {
  (void)state;
  static const char json[] =
      "{\"input\":{\"shape\":[2]},\"layers\":[{\"op\":\"linear\",\"out\":2}],"
      "\"loss\":\"rbf\"}";
  static const float rate = 1;
  struct optimizer o = {.function = ASSIGN_sgd, .n_rates = 1, .every = 1, .rates = &rate};
  struct arena a = {0};
  struct recipe r;
  struct err e = {0};
  assert_true(recipe_parse(&a, json, strlen(json), 1, &r, &e));
  assert_null(training_new(&a, r.model, r.loss, &o, 1, NULL, 0, &e));
  assert_non_null(strstr(e.text, "loss rbf: output \"fc1\" is no distance"));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_the_formula),  cmocka_unit_test(far_away_it_is_the_cross_entropy),
      cmocka_unit_test(words_come_back),    cmocka_unit_test(wrong_words),
      cmocka_unit_test(it_is_of_distances),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
