// SPDX-License-Identifier: Apache-2.0
#include "sw/train/fit.h"
#include "sw/base/clock.h"

#include "sw/base/crew.h"
#include "sw/base/rng.h"
#include "sw/exec/real.h"
#include "sw/train/fit_data.h"

#include <math.h>
#include <string.h>

struct fit {
  struct arena *arena;
  struct graph *model;
  const struct training *t;
  struct fit_options o;
  struct fit_data d;
  struct steps *steps;
  int64_t *order; // (entries) of this epoch
  float *work;    // (threads, d.work)
  struct fit_position at;
  struct fit_variable *variables; // (n_variables) in the order of the parameters; then the best
  uint32_t n_variables, n_live;
  float **begun; // (n_live) contents before step begun_at, to replay a step that failed
  int64_t begun_at;
  float last_loss;
  double clock;
};

// ---- variables

static void add_variable(struct fit *f, uint32_t ref) {
  const struct value *v = &f->t->graph->values[ref];
  f->variables[f->n_variables++] =
      (struct fit_variable){v->name, v->rank, v->shape, steps_held(f->steps, ref)};
}

static void list_variables(struct fit *f) {
  uint32_t most = f->t->n_parameters * (ASSIGN_REFS_MAX + 1) + 1;
  f->variables = ARENA_NEW(f->arena, struct fit_variable, most);
  for (uint32_t i = 0; i < f->t->n_parameters; i++)
    for (uint32_t k = 0; k < f->t->parameters[i].n_refs; k++)
      add_variable(f, f->t->parameters[i].ref[k]);
  add_variable(f, f->t->step);
  f->n_live = f->n_variables;
  f->begun = ARENA_NEW(f->arena, float *, f->n_live);
  for (uint32_t i = 0; i < f->n_live; i++)
    f->begun[i] =
        ARENA_NEW(f->arena, float, shape_elements(f->variables[i].rank, f->variables[i].shape));
}

// Copies of the weights of the best epoch.
static void list_best(struct fit *f) {
  for (uint32_t i = 0; f->o.patience && i < f->t->n_parameters; i++) {
    const struct value *v = &f->t->graph->values[f->t->parameters[i].ref[0]];
    float *data = ARENA_NEW(f->arena, float, value_elements(v));
    const char *name = arena_printf(f->arena, "%s.best", v->name);
    f->variables[f->n_variables++] = (struct fit_variable){name, v->rank, v->shape, data};
  }
}

static size_t bytes_of(const struct fit_variable *v) {
  return (size_t)shape_elements(v->rank, v->shape) * sizeof *v->data;
}

static void keep_begun(struct fit *f) {
  for (uint32_t i = 0; i < f->n_live; i++)
    memcpy(f->begun[i], f->variables[i].data, bytes_of(&f->variables[i]));
}

static void keep_best(struct fit *f) {
  for (uint32_t i = 0; f->o.patience && i < f->t->n_parameters; i++)
    memcpy(f->variables[f->n_live + i].data, steps_held(f->steps, f->t->parameters[i].ref[0]),
           bytes_of(&f->variables[f->n_live + i]));
}

uint32_t fit_variables(struct fit *f, struct fit_variable *list) {
  if (list) memcpy(list, f->variables, f->n_variables * sizeof *list);
  return f->n_variables;
}

// ---- batches

// Fisher and Yates, from the order 0, 1, 2, ..
void fit_order(uint64_t seed, int64_t epoch, int64_t count, int64_t *order) {
  for (int64_t i = 0; i < count; i++) order[i] = i;
  for (int64_t i = count - 1; i > 0; i--) {
    uint64_t u = rng_at(seed, (uint64_t)epoch + 2, (uint64_t)i);
    int64_t k = (int64_t)(u % (uint64_t)(i + 1)), x = order[i];
    order[i] = order[k];
    order[k] = x;
  }
}

// The images of one step.
struct entering {
  const struct fit *f;
  struct steps *s;
  int64_t first, frames; // of the epoch's order
};

static void enter(void *context, int share) {
  const struct entering *e = context;
  const struct fit *f = e->f;
  float *x = steps_input(e->s, 0), *t = steps_input(e->s, 1), *work = f->work + share * f->d.work;
  int shares = crew_threads(steps_crew(e->s));
  for (int64_t i = e->frames * share / shares; i < e->frames * (share + 1) / shares; i++) {
    struct fit_pick p = fit_data_pick(&f->d, f->at.epoch, f->order[e->first + i]);
    fit_data_enter(&f->d, p.epoch, p.image, x + i * f->d.elements, t + i * f->d.classes, work);
  }
}

static int64_t frames_at(const struct fit *f, int64_t step) {
  int64_t left = f->d.entries - step * f->o.batch;
  return left < f->o.batch ? left : f->o.batch;
}

static void run(const struct fit *f, struct steps *s, int64_t step) {
  struct entering e = {f, s, step * f->o.batch, frames_at(f, step)};
  crew_run(steps_crew(s), enter, &e);
  steps_run_frames(s, frames_at(f, step), NULL);
}

// Of a step; 0 without classes.
static int64_t count_correct(const struct fit *f, int64_t step) {
  const float *y = steps_value(f->steps, f->t->output);
  struct score score = {0};
  for (int64_t i = 0; f->d.answers.classes && i < frames_at(f, step); i++) {
    struct fit_pick p = fit_data_pick(&f->d, f->at.epoch, f->order[step * f->o.batch + i]);
    fit_data_judge(&f->d, p.image, y + i * f->d.classes, &score);
  }
  return score.correct;
}

// ---- validation

static void validate(struct fit *f, struct fit_row *row) {
  struct arena a = {0};
  struct err e = {0};
  int64_t first = f->d.trained, count = f->o.validation;
  float *y = ARENA_NEW(&a, float, count * f->d.classes);
  const struct graph *m = f->model;
  // The value that the loss sees has the same name in both graphs.
  int32_t value = graph_find_value(m, f->t->graph->values[f->t->output].name);
  struct real_tap tap = {(uint32_t)value, y};
  fit_export(f);
  float *x = f->d.set->pixels ? NULL : ARENA_NEW(&a, float, count * f->d.elements);
  if (x) images_floats(m, f->d.set, first, count, x, &e);
  struct real *real = real_new(&a, m, &e); // a chain that is trained is one
  real_threads(&a, real, f->o.threads);
  real_run(real, count, x ? NULL : f->d.set->pixels + first * f->d.elements, x, &tap, 1);
  real_free(real);
  double loss = 0;
  struct score score = {0};
  for (int64_t i = 0; i < count; i++) {
    loss += fit_data_loss(&f->d, y + i * f->d.classes, first + i);
    fit_data_judge(&f->d, first + i, y + i * f->d.classes, &score);
  }
  row->validation_loss = loss / (double)count;
  if (f->d.answers.classes) row->validation_accuracy = (double)score.correct / (double)count;
  arena_free(&a);
}

// ---- a step that failed

static bool all_finite(const float *x, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

// The epoch once more, from where it is known up to the step, in an executor that keeps every
// array: the first node whose output isn't finite.
static const char *first_layer(struct fit *f, int64_t step) {
  struct arena a = {0};
  const struct graph *g = f->t->graph;
  struct steps *s = real_steps(&a, g, f->o.batch);
  const char *name = NULL;
  uint32_t at = 0;
  for (uint32_t i = 0; i < f->t->n_parameters; i++)
    for (uint32_t k = 0; k < f->t->parameters[i].n_refs; k++, at++)
      memcpy(steps_held(s, f->t->parameters[i].ref[k]), f->begun[at], bytes_of(&f->variables[at]));
  memcpy(steps_held(s, f->t->step), f->begun[at], sizeof(float));
  for (int64_t i = f->begun_at; i <= step; i++) run(f, s, i);
  for (uint32_t i = 0; !name && i < g->n_nodes; i++)
    for (uint32_t k = 0; !name && k < g->nodes[i].n_out; k++) {
      const struct value *v = node_out(g, &g->nodes[i], k);
      if (!type_is_real(&v->type)) continue;
      int64_t count = value_elements(v) * (v->per_frame ? frames_at(f, step) : 1);
      if (!all_finite(steps_value(s, g->nodes[i].out[k]), count)) name = g->nodes[i].name;
    }
  arena_free(&a);
  return name;
}

static void say_not_finite(struct fit *f, int64_t step, struct err *e) {
  const char *name = first_layer(f, step);
  bool layer = false;
  for (uint32_t i = 0; name && i < f->model->n_nodes; i++)
    layer |= strcmp(f->model->nodes[i].name, name) == 0;
  err_put(
      e,
      layer ? "epoch %lld, step %lld: the loss isn't finite; layer \"%s\" is the first whose "
              "output isn't (a lower --rate may help)"
            : "epoch %lld, step %lld: the loss isn't finite, though the outputs of all layers are "
              "(in \"%s\"; a lower --rate may help, or smaller targets)",
      (long long)f->at.epoch + 1, (long long)step + 1, name ? name : "loss");
}

// ---- the loop

static double rate_of(const struct optimizer *o, int64_t period) {
  return (double)o->rates[period < o->n_rates ? period : o->n_rates - 1];
}

static void end_epoch(struct fit *f) {
  struct fit_position *at = &f->at;
  int64_t period = ((at->epoch + 1) * fit_steps(f) - 1) / f->o.optimizer->every;
  struct fit_row row = {.epoch = at->epoch + 1,
                        .loss = at->loss / at->images,
                        .accuracy = f->d.answers.classes ? at->correct / at->images : NAN,
                        .validation_loss = NAN,
                        .validation_accuracy = NAN,
                        .rate = rate_of(f->o.optimizer, period),
                        .seconds = at->seconds + clock_seconds() - f->clock};
  if (f->o.validation) validate(f, &row);
  if (row.validation_loss < at->best) {
    at->best = row.validation_loss;
    at->best_epoch = row.epoch;
    keep_best(f);
  }
  at->row[at->rows++] = row;
  at->epoch++;
  at->step = 0;
  at->loss = at->correct = at->images = at->seconds = 0;
}

static enum fit_state state_of(const struct fit *f) {
  const struct fit_position *at = &f->at;
  bool waited = f->o.patience && at->best_epoch && at->epoch - at->best_epoch >= f->o.patience;
  if (at->step == 0 && waited) return FIT_STOPPED_EARLY;
  return at->epoch >= f->o.epochs ? FIT_DONE : FIT_GOING;
}

static void begin_epoch(struct fit *f) {
  fit_order(f->o.seed, f->at.epoch, f->d.entries, f->order);
  keep_begun(f);
  f->begun_at = f->at.step;
  f->clock = clock_seconds();
}

enum fit_state fit_step(struct fit *f, struct err *e) {
  struct fit_position *at = &f->at;
  if (state_of(f) != FIT_GOING) return state_of(f);
  if (at->step == 0) begin_epoch(f);
  run(f, f->steps, at->step);
  f->last_loss = *(const float *)steps_value(f->steps, f->t->loss);
  if (!isfinite(f->last_loss)) {
    say_not_finite(f, at->step, e);
    return FIT_FAILED;
  }
  double frames = (double)frames_at(f, at->step);
  at->loss += (double)f->last_loss * frames;
  at->correct += (double)count_correct(f, at->step);
  at->images += frames;
  at->step++;
  if (at->step == fit_steps(f)) end_epoch(f);
  return state_of(f);
}

const struct fit_position *fit_at(const struct fit *f) {
  return &f->at;
}

int64_t fit_steps(const struct fit *f) {
  return (f->d.entries + f->o.batch - 1) / f->o.batch;
}

int64_t fit_entries(const struct images *set, const struct fit_options *o) {
  return o->picks ? o->picks->count : set->count - o->validation;
}

void fit_free(struct fit *f) {
  steps_free(f->steps);
}

size_t fit_bytes(const struct fit *f) {
  size_t bytes = steps_bytes(f->steps) + (size_t)f->d.entries * sizeof *f->order +
                 (size_t)(f->o.threads * f->d.work) * sizeof *f->work;
  for (uint32_t i = 0; i < f->n_live; i++) bytes += bytes_of(&f->variables[i]);
  for (uint32_t i = f->n_live; i < f->n_variables; i++) bytes += bytes_of(&f->variables[i]);
  return bytes;
}

void fit_export(struct fit *f) {
  bool best = state_of(f) == FIT_STOPPED_EARLY;
  for (uint32_t i = 0; i < f->t->n_parameters; i++) {
    const struct parameter *p = &f->t->parameters[i];
    struct tensor *to = f->model->values[p->weight].init;
    memcpy(to->data, best ? f->variables[f->n_live + i].data : steps_held(f->steps, p->ref[0]),
           (size_t)to->count * sizeof(float));
  }
}

void fit_resume(struct fit *f, const struct fit_position *at) {
  struct fit_row *row = f->at.row;
  memcpy(row, at->row, (size_t)at->rows * sizeof *row);
  f->at = *at;
  f->at.row = row;
  begin_epoch(f);
}

// Weights of other dtypes become F32.
static void to_floats(struct arena *a, struct value *v) {
  if (v->init->dtype == DTYPE_F32 && type_is_real(&v->type)) return;
  struct tensor *t = tensor_new(a, DTYPE_F32, v->rank, v->shape);
  for (int64_t i = 0; i < t->count; i++) ((float *)t->data)[i] = (float)value_real(v, i);
  v->init = t;
  v->type = type_real();
}

struct fit *fit_new(struct arena *a, struct graph *model, const struct training *t,
                    const struct images *set, const struct fit_options *o, struct err *e) {
  struct fit *f = ARENA_NEW(a, struct fit, 1);
  *f = (struct fit){.arena = a, .model = model, .t = t, .o = *o};
  f->d = fit_data_new(a, model, t->graph->values[t->output].name, set, &f->o);
  if (!fit_data_check(&f->d, e)) return NULL;
  for (uint32_t i = 0; i < t->n_parameters; i++)
    to_floats(a, &model->values[t->parameters[i].weight]);
  f->order = ARENA_NEW(a, int64_t, f->d.entries);
  f->work = ARENA_NEW(a, float, o->threads * f->d.work);
  f->steps = steps_planned(a, t->graph, o->batch, o->threads, &real_kind);
  list_variables(f);
  list_best(f);
  f->at = (struct fit_position){.best = INFINITY, .row = ARENA_NEW(a, struct fit_row, o->epochs)};
  return f;
}
