// SPDX-License-Identifier: Apache-2.0
// What nets 2 and 3 are trained on, and the margin, against the words of the definition: candidates
// one by one, in the order and with the distortions of the epochs behind those of net 1; every
// margin that there could be.
#include "sw/base/rng.h"
#include "sw/exec/real.h"
#include "sw/pass/ensemble.h"
#include "sw/train/boost.h"
#include "sw/train/checkpoint.h"
#include "sw/train/fit_data.h"
#include "sw/train/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

enum {
  IMAGES = 70,
  WATCHED = 13,
  TRAINED = IMAGES - WATCHED,
  PIXELS = 64,
  CLASSES = 3,
  EPOCHS = 4
};

struct sample {
  struct arena arena;
  uint8_t pixels[IMAGES * PIXELS];
  int32_t labels[IMAGES];
  struct images set;
  struct optimizer optimizer;
  struct fit_options options;
  const struct graph *nets[3];
  struct boost *boost;
  struct fit_data data; // of our own
};

static const struct graph *net(struct arena *a, uint64_t seed) {
  static const char json[] = "{\"input\":{\"shape\":[8,8,1],\"mean\":0.3,\"std\":0.3},\"layers\":["
                             "{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":3}]}";
  struct recipe r;
  struct err e = {0};
  if (!recipe_parse(a, json, strlen(json), seed, &r, &e)) fail_msg("%s", e.text);
  return r.model;
}

static int64_t class_of(const struct sample *s, const struct graph *g, const float *x, double *y) {
  struct arena a = {0};
  struct err e = {0};
  float out[CLASSES];
  struct real *r = real_new(&a, g, &e);
  assert_non_null(r);
  real_run(r, 1, NULL, x, &(struct real_tap){g->outputs[0], out}, 1);
  real_free(r);
  for (int k = 0; k < CLASSES; k++) y[k] = (double)out[k];
  arena_free(&a);
  return verdict_class(&s->data.verdict, y);
}

// Labels are what net 1 says of most images as they are, so that it is right more often than not.
static void fill(struct sample *s, const char *distort, int64_t watched, int threads) {
  struct err e = {0};
  struct distort d = {0};
  *s = (struct sample){.optimizer = {.function = ASSIGN_sgd}};
  if (distort && !distort_parse(distort, &d, &e)) fail_msg("%s", e.text);
  for (int i = 0; i < IMAGES * PIXELS; i++) s->pixels[i] = (uint8_t)rng_at(9, 0, (uint64_t)i);
  s->set = (struct images){.name = "x",
                           .count = IMAGES,
                           .rank = 3,
                           .shape = {8, 8, 1},
                           .elements = PIXELS,
                           .pixels = s->pixels,
                           .has_labels = true,
                           .labels = s->labels};
  s->options = (struct fit_options){.optimizer = &s->optimizer,
                                    .epochs = EPOCHS,
                                    .batch = 8,
                                    .validation = watched,
                                    .seed = 5,
                                    .threads = threads,
                                    .target = {0, 1},
                                    .distort = d};
  for (uint64_t i = 0; i < 3; i++) s->nets[i] = net(&s->arena, i + 1);
  const struct graph *g = s->nets[0];
  s->data = fit_data_new(&s->arena, g, g->values[g->outputs[0]].name, &s->set, &s->options);
  for (int i = 0; i < IMAGES; i++) {
    float x[PIXELS];
    double y[CLASSES];
    for (int k = 0; k < PIXELS; k++)
      x[k] = (float)source_real(&g->inputs[0].source, 0, s->pixels[i * PIXELS + k]);
    s->labels[i] = (int32_t)(class_of(s, g, x, y) + (rng_at(9, 1, (uint64_t)i) % 4 == 0)) % CLASSES;
  }
  if (!fit_data_check(&s->data, &e)) fail_msg("%s", e.text);
  s->boost = boost_new(&s->arena, g, &s->set, &s->options, true, &e);
  if (!s->boost) fail_msg("%s", e.text);
}

// ---- the definition

static int64_t class_of_pick(const struct sample *s, const struct graph *g, struct fit_pick p,
                             double *y) {
  float x[PIXELS], t[CLASSES], work[4096];
  assert_true(s->data.work <= 4096);
  fit_data_enter(&s->data, p.epoch, p.image, x, t, work);
  return class_of(s, g, x, y);
}

// Candidates that are of one kind: wrong (or right) in net 1, or in dispute.
enum sort { WRONG, RIGHT, DISPUTED };

static bool is(const struct sample *s, enum sort sort, struct fit_pick p) {
  double y[CLASSES];
  int64_t one = class_of_pick(s, s->nets[0], p, y);
  if (sort == DISPUTED) return one != class_of_pick(s, s->nets[1], p, y);
  return (one == s->labels[p.image]) == (sort == RIGHT);
}

// The first `wanted` of a kind in up to `epochs` epochs; how many there are of these.
static int64_t collect(const struct sample *s, enum sort sort, int64_t first_epoch, int64_t epochs,
                       int64_t wanted, struct fit_pick *to) {
  int64_t n = 0, images = s->data.trained, order[IMAGES];
  for (int64_t e = first_epoch; e < first_epoch + epochs; e++) {
    fit_order(s->options.seed, e, images, order);
    for (int64_t i = 0; i < images && n < wanted; i++)
      if (is(s, sort, (struct fit_pick){order[i], e})) to[n++] = (struct fit_pick){order[i], e};
  }
  return n;
}

static void expect_half(const struct fit_pick *found, const struct fit_pick *expected,
                        int64_t there, int64_t wanted) {
  assert_true(there > 0);
  for (int64_t i = 0; i < wanted; i++) {
    assert_int_equal(found[i].image, expected[i % there].image);
    assert_int_equal(found[i].epoch, expected[i % there].epoch);
  }
}

static void check_mix(const char *distort, int64_t watched, int64_t epochs) {
  static struct sample s;
  struct err e = {0};
  struct fit_pick wrong[IMAGES], right[IMAGES];
  struct boost_list l, again;
  fill(&s, distort, watched, 1);
  int64_t images = IMAGES - watched, half = images / 2;
  if (!boost_mix(s.boost, s.nets[0], &l, &e)) fail_msg("%s", e.text);
  int64_t n_wrong = collect(&s, WRONG, EPOCHS, epochs, half, wrong);
  int64_t n_right = collect(&s, RIGHT, EPOCHS, epochs, images - half, right);
  assert_int_equal(l.picks.count, images);
  assert_int_equal(l.picks.seed, s.options.seed);
  expect_half(l.picks.pick, wrong, n_wrong, half);
  expect_half(l.picks.pick + half, right, n_right, images - half);
  assert_int_equal(l.distinct, n_wrong + n_right);
  assert_true(l.found >= n_wrong && l.candidates <= epochs * images);
  for (int64_t i = 0; i < l.picks.count; i++) assert_true(l.picks.pick[i].image < images);
  s.options.threads = 3;
  struct boost *more = boost_new(&s.arena, s.nets[0], &s.set, &s.options, true, &e);
  assert_true(boost_mix(more, s.nets[0], &again, &e));
  assert_memory_equal(again.picks.pick, l.picks.pick, (size_t)images * sizeof *l.picks.pick);
  assert_int_equal(again.candidates, l.candidates);
  arena_free(&s.arena);
}

// Few wrong ones, which are repeated; enough of them, distorted.
static void half_is_wrong(void **state) {
  (void)state;
  check_mix(NULL, 0, 1);
  check_mix(NULL, WATCHED, 1);
  check_mix("shift:1,rotate:15", WATCHED, BOOST_EPOCHS);
  check_mix("share:0.01,shift:1", 0, BOOST_EPOCHS);
}

static void check_disputes(const char *distort, int64_t epochs) {
  static struct sample s;
  struct err e = {0};
  struct fit_pick disputed[IMAGES];
  struct boost_list l;
  fill(&s, distort, WATCHED, 2);
  if (!boost_disputes(s.boost, s.nets[0], s.nets[1], &l, &e)) fail_msg("%s", e.text);
  int64_t n = collect(&s, DISPUTED, EPOCHS + BOOST_EPOCHS, epochs, TRAINED, disputed);
  assert_int_equal(l.picks.count, TRAINED);
  assert_int_equal(l.distinct, n);
  expect_half(l.picks.pick, disputed, n, TRAINED);
  arena_free(&s.arena);
}

static void disputes(void **state) {
  (void)state;
  check_disputes(NULL, 1);
  check_disputes("elastic:8:2", BOOST_EPOCHS);
}

// ---- the margin

static void check_margin(const char *distort, int64_t watched) {
  static struct sample s;
  struct err e = {0};
  struct boost_margin m;
  bool alone[IMAGES], together[IMAGES];
  double margin[IMAGES], y[CLASSES];
  static const char *const names[] = {"a", "b", "c"};
  fill(&s, distort, watched, 2);
  const struct graph *sum = ensemble(&s.arena, "all", 3, s.nets, names, NAN, &e);
  if (!sum || !boost_choose(s.boost, s.nets[0], sum, &m, &e)) fail_msg("%s", e.text);
  int64_t n = watched ? watched : IMAGES, first = watched ? IMAGES - watched : 0;
  struct distorter *distorter = s.data.distorter;
  if (watched) s.data.distorter = NULL;
  for (int64_t i = 0; i < n; i++) {
    struct fit_pick p = {first + i, EPOCHS + 2 * BOOST_EPOCHS};
    together[i] = class_of_pick(&s, sum, p, y) == s.labels[p.image];
    alone[i] = class_of_pick(&s, s.nets[0], p, y) == s.labels[p.image];
    margin[i] = verdict_margin(&s.data.verdict, y);
  }
  s.data.distorter = distorter;
  int64_t all = 0, one = 0;
  for (int64_t i = 0; i < n; i++) {
    all += together[i];
    one += alone[i];
  }
  double least = INFINITY;
  for (int64_t k = -1; k < n; k++) { // every margin, and none
    double below = k < 0 ? 0 : nextafter(margin[k], INFINITY);
    int64_t right = 0;
    for (int64_t i = 0; i < n; i++) right += margin[i] < below ? together[i] : alone[i];
    if (right >= all && below < least) least = below;
  }
  int64_t needed = 0, chosen = 0, both = 0;
  for (int64_t i = 0; i < n; i++) {
    needed += margin[i] < least;
    chosen += margin[i] < m.margin;
    both += margin[i] < m.margin ? together[i] : alone[i];
  }
  assert_int_equal(m.images, n);
  assert_int_equal(m.watched, watched > 0);
  assert_int_equal(m.alone, one);
  assert_int_equal(m.together, all);
  assert_int_equal(m.needed, needed);
  assert_int_equal(chosen, needed);
  assert_int_equal(m.both, both);
  assert_true(both >= all);
  arena_free(&s.arena);
}

static void the_margin_is_the_least(void **state) {
  (void)state;
  check_margin(NULL, 0);
  check_margin(NULL, WATCHED);
  check_margin("shift:2", 0);
  check_margin("shift:2", WATCHED);
}

// Another net 1, whose sum with the others is better: all of them are needed somewhere.
static void all_nets_where_they_help(void **state) {
  (void)state;
  static struct sample s;
  struct err e = {0};
  struct boost_margin m;
  static const char *const names[] = {"a", "b", "c"};
  fill(&s, NULL, 0, 1);
  const struct graph *other[3] = {s.nets[1], s.nets[0], s.nets[0]};
  const struct graph *sum = ensemble(&s.arena, "all", 3, other, names, NAN, &e);
  if (!sum || !boost_choose(s.boost, other[0], sum, &m, &e)) fail_msg("%s", e.text);
  assert_true(m.together > m.alone && m.needed > 0 && m.margin > 0 && m.both >= m.together);
  if (!boost_choose(s.boost, s.nets[0], s.nets[1], &m, &e)) fail_msg("%s", e.text);
  assert_true(m.together < m.alone && m.needed == 0 && m.margin == 0 && m.both == m.alone);
  arena_free(&s.arena);
}

// ---- lists in training

static struct fit *start(struct sample *s, struct graph **model, struct training **t) {
  struct err e = {0};
  static const float rate = 0.5f;
  s->optimizer =
      (struct optimizer){.function = ASSIGN_sgd, .n_rates = 1, .every = INT64_MAX, .rates = &rate};
  *model = (struct graph *)net(&s->arena, 7);
  *t = training_new(&s->arena, *model, (struct loss){.kind = LOSS_CROSS_ENTROPY}, &s->optimizer, 1,
                    NULL, 0, &e);
  struct fit *f = *t ? fit_new(&s->arena, *model, *t, &s->set, &s->options, &e) : NULL;
  if (!f) fail_msg("%s", e.text);
  return f;
}

static float *train(struct sample *s) {
  struct graph *model;
  struct training *t;
  struct err e = {0};
  struct fit *f = start(s, &model, &t);
  while (fit_step(f, &e) == FIT_GOING) {
  }
  fit_export(f);
  assert_int_equal(fit_at(f)->rows, EPOCHS);
  fit_free(f);
  const struct value *w = &model->values[graph_find_value(model, "fc1.weight")];
  return w->init->data;
}

// A list of all images in their order is the set; one of other images, or other copies, isn't.
static void a_list_is_what_is_trained_on(void **state) {
  (void)state;
  static struct sample s;
  struct fit_pick list[TRAINED];
  struct fit_picks picks = {TRAINED, list, 5};
  size_t bytes = CLASSES * PIXELS * sizeof(float);
  fill(&s, NULL, WATCHED, 2);
  const float *whole = train(&s);
  for (int i = 0; i < TRAINED; i++) list[i] = (struct fit_pick){i, 99};
  s.options.picks = &picks;
  const float *listed = train(&s);
  assert_memory_equal(whole, listed, bytes);
  list[3].image = 4;
  assert_true(memcmp(train(&s), whole, bytes) != 0);
  list[3].image = 3;
  distort_parse("shift:1", &s.options.distort, &(struct err){0});
  const float *copies = train(&s);
  picks.seed = 6;
  assert_true(memcmp(train(&s), copies, bytes) != 0);
  picks.seed = 5;
  for (int i = 0; i < TRAINED; i++) list[i].epoch = 98;
  assert_true(memcmp(train(&s), copies, bytes) != 0);
  arena_free(&s.arena);
}

// A checkpoint of one list isn't taken for one of another.
static void checkpoints_know_their_list(void **state) {
  (void)state;
  static struct sample s;
  struct graph *model;
  struct training *t;
  struct fit_pick list[TRAINED];
  struct fit_picks picks = {TRAINED, list, 5};
  struct checkpoint_run none, run, other;
  fill(&s, NULL, WATCHED, 1);
  for (int i = 0; i < TRAINED; i++) list[i] = (struct fit_pick){i, 0};
  fit_free(start(&s, &model, &t));
  checkpoint_run(t, &s.options, &s.set, &none);
  s.options.picks = &picks;
  checkpoint_run(t, &s.options, &s.set, &run);
  list[TRAINED - 1].image = 0;
  checkpoint_run(t, &s.options, &s.set, &other);
  assert_string_equal(run.data, other.data);
  assert_string_not_equal(run.options, none.options);
  assert_string_not_equal(run.options, other.options);
  arena_free(&s.arena);
}

// ---- what is refused

static void too_few(void **state) {
  (void)state;
  static struct sample s;
  struct boost_list l;
  struct err e = {0};
  double y[CLASSES];
  fill(&s, NULL, 0, 1);
  assert_false(boost_disputes(s.boost, s.nets[0], s.nets[0], &l, &e));
  assert_non_null(
      strstr(e.text, "nets 1 and 2 disagree on 0 of 70 candidates, fewer than the 10 "));
  for (int i = 0; i < IMAGES; i++)
    s.labels[i] = (int32_t)class_of_pick(&s, s.nets[0], (struct fit_pick){i, 0}, y);
  e = (struct err){0};
  assert_false(boost_mix(s.boost, s.nets[0], &l, &e));
  assert_non_null(strstr(e.text, "net 1 gets 0 of 70 candidates wrong, fewer than the 10 that"));
  assert_non_null(strstr(e.text, "--distort"));
  for (int i = 0; i < IMAGES; i++) s.labels[i] = (s.labels[i] + (i > 8)) % CLASSES;
  e = (struct err){0};
  assert_false(boost_mix(s.boost, s.nets[0], &l, &e));
  assert_non_null(strstr(e.text, "net 1 gets 9 of 70 candidates right, fewer than the 10 that"));
  for (int i = 0; i < 10; i++)
    s.labels[i] = (int32_t)class_of_pick(&s, s.nets[0], (struct fit_pick){i, 0}, y);
  if (!boost_mix(s.boost, s.nets[0], &l, &(struct err){0})) fail();
  arena_free(&s.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(half_is_wrong),
                                     cmocka_unit_test(disputes),
                                     cmocka_unit_test(the_margin_is_the_least),
                                     cmocka_unit_test(all_nets_where_they_help),
                                     cmocka_unit_test(a_list_is_what_is_trained_on),
                                     cmocka_unit_test(checkpoints_know_their_list),
                                     cmocka_unit_test(too_few)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
