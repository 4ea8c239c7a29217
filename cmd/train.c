// SPDX-License-Identifier: Apache-2.0
// train: recipe or model -> training graph -> steps -> model.bin. The graph does the work.
#include "cmd/train.h"

#include "cmd/paths.h"
#include "cmd/picture.h"
#include "gen/folder.h"
#include "quant/quantize.h"
#include "sw/base/file.h"
#include "sw/base/pool.h"
#include "sw/base/progress.h"
#include "sw/base/sha256.h"
#include "sw/exec/real.h"
#include "sw/graph/model.h"
#include "sw/pass/inference.h"
#include "sw/train/checkpoint.h"
#include "sw/train/recipe.h"
#include "sw/train/schedule.h"

#include <string.h>

enum { EPOCHS = 10, BATCH = 128, GRAPH_BYTES = 1 << 14 };

// Everything that a run consists of.
struct train {
  struct arena *arena;
  const struct options *o;
  struct recipe recipe;
  struct images set, test_set;
  bool opened; // the set is
  struct optimizer optimizer;
  struct fit_options fit_options;
  struct qat *qat; // NULL: trained in floats
  struct training *training;
  struct fit *fit;
  struct checkpoint_run run;
  struct train_result result;
  const struct train_watch *watch; // NULL: nobody asks
};

static bool read_schedule(struct train *t, struct err *e) {
  const struct fit_options *f = &t->fit_options;
  int64_t entries = fit_entries(&t->set, f), steps = (entries + f->batch - 1) / f->batch;
  return schedule_set(t->arena, train_schedule(t->o), t->result.rate, f->epochs,
                      steps > 0 ? steps : 1, &t->optimizer, e);
}

// ---- parts that stay as they are

static uint32_t read_frozen(struct train *t, struct training_part **parts) {
  uint32_t count = 0;
  char *list = arena_strdup(t->arena, t->o->freeze ? t->o->freeze : ""), *rest = NULL;
  uint32_t n_scales = t->qat ? t->qat->n_fixed : 0;
  *parts =
      ARENA_NEW(t->arena, struct training_part, strlen(list) + 1 + t->recipe.n_fixed + n_scales);
  for (uint32_t i = 0; i < n_scales; i++)
    (*parts)[count++] = (struct training_part){t->qat->fixed[i], {.axis = NONE}};
  for (uint32_t i = 0; i < t->recipe.n_fixed; i++)
    (*parts)[count++] = (struct training_part){t->recipe.fixed[i], {.axis = NONE}};
  for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
    (*parts)[count++] = (struct training_part){name, {.axis = NONE}};
  return count;
}

// ---- data

static bool open_data(struct train *t, struct err *e) {
  const char *data = t->o->data.count ? t->o->data.word[t->o->data.count - 1] : "mnist";
  bool mnist = strcmp(data, "mnist") == 0;
  if (!t->opened && !data_open(t->arena, mnist ? "mnist-train" : data, t->o->images, &t->set, e))
    return false;
  t->result.data = t->set.name;
  if (!t->opened) command_note_data(t->o, &t->set);
  t->result.test_name = t->o->test ? t->o->test : mnist ? "mnist" : NULL;
  return true;
}

// What doesn't fit is said when everything else of the network and the data has been looked at.
static bool choose_loss(struct train *t, struct err *e) {
  const struct graph *g = t->recipe.model;
  struct answers answers;
  struct err later = {0};
  if (!train_overrides(t->o, &t->recipe, e)) return false;
  if (g->n_outputs != 1) return true;
  struct verdict v = verdict_of(g);
  if (!verdict_answers(t->arena, &v, &t->set, &answers, &later)) return true;
  if (t->o->targets && !answers.classes)
    return err_set(e, "--targets %s changes nothing: the labels of %s are targets themselves",
                   t->o->targets, t->set.labels_name ? t->set.labels_name : t->set.name);
  recipe_choose(&t->recipe, &v, &answers);
  return true;
}

// The set for the accuracy at the end, and what its labels are.
static bool open_test(struct train *t, struct err *e) {
  struct train_result *r = &t->result;
  struct options o = *t->o;
  const struct graph *g = t->recipe.model;
  if (!r->test_name) return true;
  o.data = (struct option_list){1, {r->test_name}};
  o.images = 0; // all of it, and no note
  r->verdict = verdict_of(g);
  if (!command_images(t->arena, &o, g, 0, &t->test_set, e)) return false;
  if (!t->test_set.has_labels)
    return err_set(e, "%s: the images have no labels (--test %s,LABELS)", t->test_set.name,
                   t->test_set.name);
  return verdict_answers(t->arena, &r->verdict, &t->test_set, &r->answers, e);
}

static bool test(struct train *t, struct err *e) {
  struct train_result *r = &t->result;
  const struct images *set = &t->test_set;
  const struct graph *g = r->model;
  if (t->qat) return train_qat_test(t->arena, r, e);
  if (!r->test_name) return true;
  r->verdict = verdict_of(g);
  int64_t classes = r->verdict.elements;
  float *y = ARENA_NEW(t->arena, float, set->count *classes);
  float *x = set->pixels ? NULL : ARENA_NEW(t->arena, float, set->count * set->elements);
  double *reals = ARENA_NEW(t->arena, double, classes);
  struct real_tap tap = {r->verdict.value, y};
  int threads;
  struct real *real = real_new(t->arena, g, e);
  if (!real || !pool_threads(&threads, e) || (x && !images_floats(g, set, 0, set->count, x, e)))
    return false;
  real_threads(t->arena, real, threads);
  real_run(real, set->count, set->pixels, x, &tap, 1);
  real_free(real);
  for (int64_t i = 0; i < set->count; i++) {
    for (int64_t c = 0; c < classes; c++) reals[c] = (double)y[i * classes + c];
    verdict_judge(&r->verdict, &r->answers, i, reals, &r->score);
  }
  return true;
}

// ---- the run

// What a recipe takes from the images that are trained on.
static bool measure(struct train *t, struct err *e) {
  int64_t trained = t->set.count - t->fit_options.validation;
  return trained <= 0 || recipe_measure(t->arena, &t->recipe, &t->set, trained, e) ||
         err_within(e, "%s", t->o->net);
}

// Codes that are trained without --qat are no codes any more.
static void note_codes(const struct train *t) {
  const struct graph *g = t->recipe.model;
  bool codes = false;
  for (uint32_t i = 0; i < g->n_values; i++)
    codes |= g->values[i].init && type_is_integer(&g->values[i].type);
  if (codes && !t->o->qat)
    command_note(t->o, "%s: its weights are codes, and become floats: --qat trains them as codes",
                 t->o->net);
}

static bool prepare(struct train *t, struct err *e) {
  const struct options *o = t->o;
  struct training_part *frozen;
  t->fit_options = (struct fit_options){.picks = t->fit_options.picks,
                                        .optimizer = &t->optimizer,
                                        .epochs = o->epochs ? o->epochs : EPOCHS,
                                        .batch = o->batch ? o->batch : BATCH,
                                        .validation = o->validation,
                                        .patience = o->patience,
                                        .seed = (uint64_t)(o->seed ? o->seed : 1),
                                        .threads = o->threads ? (int)o->threads : 1};
  if (!train_options(o, &t->optimizer, &t->result.rate, e) ||
      (!t->recipe.model && !train_net(t->arena, o, t->fit_options.seed, &t->recipe, e)) ||
      !open_data(t, e) || !read_schedule(t, e) || !measure(t, e) || !choose_loss(t, e))
    return false;
  if (o->qat && !(t->qat = train_qat_begin(t->arena, o, &t->set, t->recipe.model, e)))
    return err_within(e, "%s", o->net);
  note_codes(t);
  if (t->qat) t->recipe.model = t->qat->model;
  t->fit_options.loss = t->recipe.loss;
  memcpy(t->fit_options.target, t->recipe.target, sizeof t->recipe.target);
  t->fit_options.distort = t->result.distort = t->recipe.distort;
  t->result.loss = t->recipe.loss;
  uint32_t n_frozen = read_frozen(t, &frozen);
  t->training = training_new(t->arena, t->recipe.model, t->recipe.loss, &t->optimizer,
                             t->fit_options.seed, frozen, n_frozen, e);
  if (!t->training) return err_within(e, "%s", o->net);
  t->fit = fit_new(t->arena, t->recipe.model, t->training, &t->set, &t->fit_options, e);
  return t->fit && open_test(t, e);
}

// What is written at the end has room, as far as can be told before the work.
static bool check_room(struct train *t, struct err *e) {
  const struct graph *g = t->recipe.model;
  int64_t bytes = GRAPH_BYTES;
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].init) bytes += g->values[i].init->count * (int64_t)sizeof(float);
  return paths_room(t->arena, t->result.output, t->o->boost ? bytes * BOOST_NETS : bytes, e) &&
         (!t->o->checkpoint || paths_room(t->arena, t->o->checkpoint, bytes, e));
}

static bool resume(struct train *t, struct err *e) {
  const char *path = t->o->checkpoint;
  struct err note = {0};
  if (!path) return true;
  checkpoint_run(t->training, &t->fit_options, &t->set, &t->run);
  if (!file_exists(path)) return true;
  if (!checkpoint_read(path, t->fit, &t->fit_options, &t->run, e)) return false;
  const struct fit_position *at = fit_at(t->fit);
  err_put(&note, "%s: goes on after epoch %lld, step %lld", path, (long long)at->epoch,
          (long long)at->step);
  if (!t->o->quiet) err_print(stderr, &note);
  return true;
}

// After each epoch, and after as many steps as the user asked for.
static bool save(struct train *t, enum fit_state state, struct err *e) {
  const struct fit_position *at = fit_at(t->fit);
  int64_t every = t->o->checkpoint_every;
  if (!t->o->checkpoint || state == FIT_FAILED) return true;
  if (at->step && (!every || at->step % every)) return true;
  return checkpoint_write(t->o->checkpoint, t->fit, &t->run, e);
}

static void show_progress(const struct train *t, struct progress *p, char *what, size_t size) {
  const struct fit_position *at = fit_at(t->fit);
  int64_t epochs = t->fit_options.epochs;
  if (at->images > 0)
    snprintf(what, size, "epoch %lld/%lld, loss %.4f", (long long)at->epoch + 1, (long long)epochs,
             at->loss / at->images);
  progress_update(p, at->epoch * t->result.trained + (int64_t)at->images);
}

static bool run(struct train *t, struct err *e) {
  char what[80] = "training";
  struct progress p;
  const struct fit_position *at = fit_at(t->fit);
  enum fit_state state = FIT_GOING;
  bool text = !t->o->json, ok = true;
  for (int64_t i = 0; text && i < at->rows; i++)
    train_print_row(&at->row[i], t->result.trained, i == 0);
  progress_start(&p, what, t->result.trained * t->fit_options.epochs, t->o->quiet);
  while (ok && state == FIT_GOING) {
    int64_t rows = at->rows;
    state = fit_step(t->fit, e);
    show_progress(t, &p, what, sizeof what);
    if (at->rows > rows && text) {
      progress_end(&p);
      train_print_row(&at->row[rows], t->result.trained, rows == 0);
    }
    if (at->rows > rows && t->o->log) ok = train_log(t->o->log, &t->result, e);
    if (at->rows > rows && t->watch && !t->watch->go_on(t->watch->context, &at->row[rows]))
      state = FIT_STOPPED_EARLY;
    ok = ok && state != FIT_FAILED && save(t, state, e);
  }
  progress_end(&p);
  t->result.state = state;
  return ok;
}

// ---- the steps of it

// With what is known before the work.
static bool begin(struct train *t, struct err *e) {
  t->result.net = t->o->net;
  t->result.output = t->o->output ? t->o->output : "model.bin";
  if (!prepare(t, e)) return false;
  t->result.at = fit_at(t->fit);
  t->result.trained = fit_entries(&t->set, &t->fit_options);
  return true;
}

struct train *train_begin(struct arena *a, const struct options *o, const struct images *set,
                          const struct fit_picks *picks, struct err *e) {
  struct train *t = ARENA_NEW(a, struct train, 1);
  *t = (struct train){.arena = a, .o = o, .opened = set};
  if (set) t->set = *set;
  t->fit_options.picks = picks;
  return begin(t, e) ? t : NULL;
}

const struct images *train_set(const struct train *t) {
  return &t->set;
}

const struct fit_options *train_fit_options(const struct train *t) {
  return &t->fit_options;
}

const struct graph *train_model(const struct train *t) {
  return t->recipe.model;
}

struct graph *train_go(struct train *t, struct err *e) {
  struct graph *g = NULL;
  if (check_room(t, e) && resume(t, e) && run(t, e)) {
    fit_export(t->fit);
    g = t->qat ? qat_finish(t->arena, t->qat, e) : t->recipe.model;
  }
  t->result.bytes = fit_bytes(t->fit);
  fit_free(t->fit);
  return g ? inference(t->arena, g) : NULL;
}

bool train_score(struct train *t, struct graph *model, struct score *score, struct err *e) {
  t->result.model = model;
  t->result.score = (struct score){0};
  bool ok = test(t, e);
  *score = t->result.score;
  return ok;
}

void train_ran(const struct train *t, const struct fit_position **at, enum fit_state *state) {
  *at = t->result.at;
  *state = t->result.state;
}

bool train_write(struct train *t, struct graph *model, struct train_result *r, struct err *e) {
  struct bytes file;
  if (!graph_verify(model, e) || !model_write(t->result.output, model, e) ||
      !file_read(t->arena, t->result.output, MODEL_BYTES_MAX, &file, e) ||
      !train_score(t, model, &t->result.score, e))
    return false;
  t->result.sha256 = sha256_hex(t->arena, file.data, file.size);
  *r = t->result;
  return true;
}

bool train_recipe(struct arena *a, const struct options *o, struct recipe *r,
                  const struct train_watch *watch, struct err *e) {
  struct train t = {.arena = a, .o = o, .recipe = *r, .watch = watch};
  if (!begin(&t, e)) return false;
  bool ok = run(&t, e);
  if (ok) fit_export(t.fit);
  fit_free(t.fit);
  if (!t.qat) *r = t.recipe;
  return ok;
}

bool train_graph(struct arena *a, const struct options *o, struct graph *g, struct err *e) {
  return train_recipe(a, o, &(struct recipe){.model = g, .target = {0, 1}}, NULL, e);
}

bool train_file(struct arena *a, const struct options *o, struct train_result *r, struct err *e) {
  if (o->boost) return train_boosted(a, o, r, e);
  struct train *t = train_begin(a, o, NULL, NULL, e);
  if (!t) return false;
  if (o->plot && !picture_possible())
    command_note(o, "--plot %s: gnuplot isn't installed, no picture is made", o->plot);
  struct graph *g = train_go(t, e);
  return g && train_write(t, g, r, e);
}

// What would be trained on, and nothing is.
static bool show(struct arena *a, const struct options *o, struct err *e) {
  struct train t = {.arena = a, .o = o};
  if (!prepare(&t, e)) return false;
  const char *output = t.training->graph->values[t.training->output].name;
  bool ok = train_sheet(a, o, t.recipe.model, output, &t.set, &t.fit_options, e);
  fit_free(t.fit);
  return ok;
}

int command_train(struct arena *a, const struct options *o, struct err *e) {
  struct train_result r;
  if (o->show_distortions) return show(a, o, e) ? EXIT_GOOD : EXIT_USER;
  if (!train_file(a, o, &r, e) || (o->plot && !train_plot(o->plot, &r, e))) return EXIT_USER;
  if (o->json)
    train_print_json(&r);
  else
    train_print_text(&r);
  return EXIT_GOOD;
}
