// SPDX-License-Identifier: Apache-2.0
// Checkpoints: what is read back is what was written, to the bit, and a run goes on alike; what a
// run is of has its hashes.
#include "tests/data/helper_data.h"
#include "tests/train/helper_fit.h"

#include <string.h>

static const char *written(struct fixture *f, struct fit_sample *s) {
  struct err e = {0};
  const char *path = path_in(f, "checkpoint");
  if (!checkpoint_write(path, s->fit, &s->run, &e)) fail_msg("%s", e.text);
  return path;
}

// ---- what comes back

static void same_position(const struct fit_position *a, const struct fit_position *b) {
  assert_int_equal(a->epoch, b->epoch);
  assert_int_equal(a->step, b->step);
  assert_int_equal(a->best_epoch, b->best_epoch);
  assert_true(a->loss == b->loss && a->correct == b->correct && a->images == b->images);
  assert_true(a->best == b->best && a->seconds == b->seconds);
  assert_int_equal(a->rows, b->rows);
  assert_memory_equal(a->row, b->row, (size_t)a->rows * sizeof *a->row);
}

static void same_variables(struct arena *a, struct fit *f, struct fit *g) {
  uint32_t count = fit_variables(f, NULL);
  assert_int_equal(fit_variables(g, NULL), count);
  struct fit_variable *of_f = ARENA_NEW(a, struct fit_variable, count);
  struct fit_variable *of_g = ARENA_NEW(a, struct fit_variable, count);
  fit_variables(f, of_f);
  fit_variables(g, of_g);
  for (uint32_t i = 0; i < count; i++) {
    size_t bytes = (size_t)shape_elements(of_f[i].rank, of_f[i].shape) * sizeof(float);
    assert_string_equal(of_f[i].name, of_g[i].name);
    assert_memory_equal(of_f[i].data, of_g[i].data, bytes);
  }
}

// After every step of the run, the first and the last included.
static void test_comes_back(void **state) {
  struct fixture *f = *state;
  for (int steps = 0; steps < 6; steps++) {
    struct fit_sample s, other;
    struct err e = {0};
    fit_sample_new(&s, &f->arena, steps);
    fit_sample_new(&other, &f->arena, (steps + 3) % 5);
    const char *path = written(f, &s);
    if (!checkpoint_read(path, other.fit, &other.options, &other.run, &e)) fail_msg("%s", e.text);
    same_position(fit_at(s.fit), fit_at(other.fit));
    same_variables(&f->arena, s.fit, other.fit);
    if (steps < 5) assert_int_equal(fit_step(s.fit, &e), fit_step(other.fit, &e));
    same_variables(&f->arena, s.fit, other.fit);
    fit_free(s.fit);
    fit_free(other.fit);
  }
}

// ---- what a run is of

// The run of the sample once something is different; which of its three hashes differ.
static int changed(struct fit_sample *s) {
  struct checkpoint_run now;
  checkpoint_run(s->training, &s->options, &s->set, &now);
  return (strcmp(now.network, s->run.network) != 0) * 100 +
         (strcmp(now.options, s->run.options) != 0) * 10 + (strcmp(now.data, s->run.data) != 0);
}

#define CHANGED(part, field, value, expected)                                                      \
  do {                                                                                             \
    struct fit_sample t = s;                                                                       \
    t.options.optimizer = &t.optimizer;                                                            \
    t.optimizer.rates = t.rates;                                                                   \
    t.numbers.data = (unsigned char *)t.x;                                                         \
    t.set.numbers = &t.numbers;                                                                    \
    t.set.labels = t.labels;                                                                       \
    t.part field = value;                                                                          \
    assert_int_equal(changed(&t), expected);                                                       \
  } while (0)

static void test_hashes(void **state) {
  struct fixture *f = *state;
  struct fit_sample s;
  static unsigned char pixels[2][FIT_IMAGES * FIT_INPUTS] = {{0}, {[23] = 1}};
  fit_sample_new(&s, &f->arena, 0);
  assert_int_equal(strlen(s.run.network) + strlen(s.run.options) + strlen(s.run.data), 3 * 64);
  CHANGED(options, .threads, 2, 0);
  CHANGED(options, .epochs, 9, 0);
  CHANGED(options, .batch, 3, 10);
  CHANGED(options, .validation, 0, 10);
  CHANGED(options, .patience, 0, 10);
  CHANGED(options, .seed, 2, 10);
  CHANGED(options, .loss.kind, LOSS_MSE, 10);
  CHANGED(options, .distort, ((struct distort){.shift = 1, .share = 1}), 10);
  CHANGED(options, .distort, ((struct distort){.shift = 1, .share = 0}), 0);
  CHANGED(options, .target[0], -1, 10);
  CHANGED(options, .target[1], 2, 10);
  CHANGED(optimizer, .n_rates, 1, 100);
  CHANGED(rates, [0], 0.125f, 100);
  CHANGED(rates, [1], 0.125f, 100);
  CHANGED(x, [0], 7, 1);
  CHANGED(x, [23], 7, 1);
  CHANGED(labels, [0], 1, 1);
  CHANGED(labels, [5], 1, 1);
  CHANGED(set, .count, 5, 1);
  CHANGED(set, .labels, NULL, 1);
  s.set.numbers = NULL;
  s.set.pixels = pixels[0];
  checkpoint_run(s.training, &s.options, &s.set, &s.run);
  s.set.pixels = pixels[1];
  assert_int_equal(changed(&s), 1);
  s.training->graph->nodes[0].name = "renamed";
  assert_int_equal(changed(&s), 101);
  fit_free(s.fit);
}

int main(void) {
  const struct CMUnitTest tests[] = {DATA_CASE(test_comes_back), DATA_CASE(test_hashes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
