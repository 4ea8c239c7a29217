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

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCHS = 10, BATCH = 128, EPOCHS_MAX = 1000000, THREADS_MAX = 256, GRAPH_BYTES = 1 << 14 };

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

// ---- options

static bool parse_real(const char *name, const char *text, double otherwise, double lowest,
                       double below, double *out, struct err *e) {
  char *end = NULL;
  *out = text ? strtod(text, &end) : otherwise;
  if (!text || (end != text && !*end && *out >= lowest && *out < below)) return true;
  if (below == INFINITY)
    return err_set(e, "--%s %s: expected a number of at least %g", name, text, lowest);
  return err_set(e, "--%s %s: expected a number from %g to less than %g", name, text, lowest,
                 below);
}

static bool parse_rate(const char *text, double otherwise, double *out, struct err *e) {
  struct err ignored = {0};
  return (parse_real("rate", text, otherwise, 0, INFINITY, out, &ignored) && *out > 0) ||
         err_set(e, "--rate %s: expected a number above 0", text);
}

bool train_options(const struct options *o, struct optimizer *to, double *rate, struct err *e) {
  const char *name = o->optimizer ? o->optimizer : "adam";
  int f = assign_find(name);
  bool adam = f == ASSIGN_adam || f == ASSIGN_adamw;
  if (f == NONE || f < ASSIGN_sgd)
    return err_set(e, "--optimizer %s: expected sgd, momentum, nesterov, adam or adamw", name);
  *to = (struct optimizer){.function = (enum assign)f, .epsilon = 1e-8};
  return parse_real("momentum", o->momentum, 0.9, 0, 1, &to->momentum, e) &&
         parse_real("beta1", o->beta1, 0.9, 0, 1, &to->beta1, e) &&
         parse_real("beta2", o->beta2, 0.999, 0, 1, &to->beta2, e) &&
         parse_real("decay", o->decay, f == ASSIGN_adamw ? 0.01 : 0, 0, INFINITY, &to->decay, e) &&
         parse_rate(o->rate, adam ? 0.003 : 0.05, rate, e);
}

// Constants of other optimisers, and a rate that the schedule replaces.
static bool check_idle(const struct options *o, const struct optimizer *of, struct err *e) {
  attr_set constants = assign_info(of->function)->required;
  const struct {
    const char *name;
    bool given;
    enum attr_name constant;
  } options[] = {{"momentum", o->momentum, ATTR_momentum},
                 {"beta1", o->beta1, ATTR_beta1},
                 {"beta2", o->beta2, ATTR_beta2}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (options[i].given && !(constants >> options[i].constant & 1))
      return err_set(e, "--%s changes nothing: %s has none (--optimizer)", options[i].name,
                     assign_info(of->function)->name);
  bool list = o->schedule && o->schedule[strspn(o->schedule, "0123456789.,eE+-")] == 0;
  return !(list && o->rate) ||
         err_set(e, "--rate %s changes nothing: --schedule %s gives the rates", o->rate,
                 o->schedule);
}

static bool parse_targets(const char *text, double target[2], struct err *e) {
  char *comma, *end;
  target[0] = strtod(text, &comma);
  target[1] = *comma == ',' ? strtod(comma + 1, &end) : 0;
  return (comma != text && *comma == ',' && end != comma + 1 && !*end && isfinite(target[0]) &&
          isfinite(target[1])) ||
         err_set(e, "--targets %s: expected two numbers, of the other classes and the right one",
                 text);
}

// The loss, the targets and the distortions as the options say them, over what the recipe says.
static bool parse_overrides(const struct options *o, struct recipe *r, struct err *e) {
  if (o->loss && !loss_parse(o->loss, &r->loss, e)) return err_within(e, "--loss");
  if (o->targets && !parse_targets(o->targets, r->target, e)) return false;
  if (o->distort && !distort_parse(o->distort, &r->distort, e)) return err_within(e, "--distort");
  r->loss_chosen |= o->loss != NULL;
  r->targets_chosen |= o->targets != NULL;
  return true;
}

static const char *schedule_of(const struct options *o) {
  return o->schedule ? o->schedule : "cosine";
}

bool train_check(struct arena *a, const struct options *o, struct err *e) {
  struct optimizer optimizer;
  double rate;
  if (o->epochs > EPOCHS_MAX)
    return err_set(e, "--epochs %lld: at most %d", (long long)o->epochs, EPOCHS_MAX);
  if (o->threads > THREADS_MAX)
    return err_set(e, "--threads %lld: at most %d", (long long)o->threads, THREADS_MAX);
  if (o->patience && !o->validation)
    return err_set(e, "--patience: needs --validation N, images to watch");
  if (o->checkpoint_every && !o->checkpoint)
    return err_set(e, "--checkpoint-every: needs --checkpoint FILE");
  return train_boost_check(o, e) && train_qat_check(a, o, e) &&
         parse_overrides(o, &(struct recipe){0}, e) && train_options(o, &optimizer, &rate, e) &&
         schedule_set(a, schedule_of(o), rate, 1, 1, &optimizer, e) && check_idle(o, &optimizer, e);
}

static bool read_schedule(struct train *t, struct err *e) {
  const struct fit_options *f = &t->fit_options;
  int64_t entries = fit_entries(&t->set, f), steps = (entries + f->batch - 1) / f->batch;
  return schedule_set(t->arena, schedule_of(t->o), t->result.rate, f->epochs, steps > 0 ? steps : 1,
                      &t->optimizer, e);
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
  if (!parse_overrides(t->o, &t->recipe, e)) return false;
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
  if (t->qat) return train_qat_test(t->arena, t->o, r, e);
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
