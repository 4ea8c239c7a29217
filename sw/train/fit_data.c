// SPDX-License-Identifier: Apache-2.0
#include "sw/train/fit_data.h"

#include "sw/base/elementary.h"

#include <math.h>
#include <string.h>

// ---- labels and numbers

enum { IMAGE_RANK = 3 };

static bool check_labels(struct fit_data *f, struct err *e) {
  const struct images *set = f->set;
  if (!set->has_labels)
    return err_set(e, "%s: the images have no labels (--data %s,LABELS)", set->name, set->name);
  if (!verdict_answers(f->arena, &f->verdict, set, &f->answers, e)) return false;
  if (f->o->loss.kind == LOSS_CROSS_ENTROPY && f->classes == 1)
    return err_set(e,
                   "the cross entropy of a single output is always 0: its loss is mse (\"loss\": "
                   "\"mse\" in the recipe)");
  return true;
}

// Floats that the network can take, once for all.
static bool check_numbers(const struct fit_data *f, struct err *e) {
  const struct images *set = f->set;
  struct arena a = {0};
  float *x = ARENA_NEW(&a, float, set->elements);
  bool ok = true;
  for (int64_t i = 0; ok && set->numbers && i < set->count; i++)
    ok = images_floats(f->model, set, i, 1, x, e);
  arena_free(&a);
  return ok;
}

// ---- distortions

const int64_t *fit_data_shape(const struct fit_data *f) {
  const struct value *x = &f->model->values[f->model->inputs[0].value];
  return f->set->rank == IMAGE_RANK ? f->set->shape : x->rank == IMAGE_RANK ? x->shape : NULL;
}

static bool check_distortions(const struct fit_data *f, struct err *e) {
  const struct distort *d = &f->o->distort;
  double byte = d->background;
  if (distort_is_none(d)) return true;
  if (!fit_data_shape(f))
    return err_set(e,
                   "%s: distortions are of images, rows x columns x channels; neither the data nor "
                   "the network's input has this shape (--distort none)",
                   f->set->name);
  const int64_t *shape = fit_data_shape(f);
  int64_t longest = shape[0] > shape[1] ? shape[0] : shape[1];
  if (d->shift >= (double)longest)
    return err_set(
        e,
        "distortions: shift:%g moves images of %lld x %lld out of sight: shift less than "
        "%lld pixels",
        d->shift, (long long)shape[0], (long long)shape[1], (long long)longest);
  if (f->set->pixels && !(byte >= 0 && byte <= 255 && byte == floor(byte)))
    return err_set(e, "distortions: background %g, the images of %s are bytes: 0 to 255", byte,
                   f->set->name);
  return true;
}

static void begin_distortions(struct fit_data *f) {
  const int64_t *shape = fit_data_shape(f);
  const struct distort *d = &f->o->distort;
  if (distort_is_none(d)) return;
  float *background = ARENA_NEW(f->arena, float, shape[2]);
  for (int64_t c = 0; c < shape[2]; c++)
    background[c] = f->set->numbers ? (float)d->background
                                    : (float)source_real(&f->model->inputs[0].source, c,
                                                         (uint8_t)d->background);
  f->distorter = distorter_new(f->arena, d, shape[0], shape[1], shape[2], background);
  f->work = f->elements + distorter_work(f->distorter);
}

// ---- all of it

bool fit_data_check(struct fit_data *f, struct err *e) {
  const struct images *set = f->set;
  const struct graph *m = f->model;
  if (f->o->validation >= set->count)
    return err_set(e, "%s: %lld images for validation, there are %lld", set->name,
                   (long long)f->o->validation, (long long)set->count);
  if (f->entries < f->o->batch)
    return err_set(e, "%s: %lld images to train on, fewer than a batch of %lld", set->name,
                   (long long)f->entries, (long long)f->o->batch);
  if (set->pixels && f->channels > FIT_CHANNELS_MAX)
    return err_set(e, "%s: bytes of %lld channels, at most %d are trained on", set->name,
                   (long long)f->channels, FIT_CHANNELS_MAX);
  if (!images_fit(set, m, e) || !check_numbers(f, e) || !check_labels(f, e) ||
      !check_distortions(f, e))
    return false;
  begin_distortions(f);
  return true;
}

// ---- one image

static void fill_table(struct fit_data *f) {
  const struct source *s = &f->model->inputs[0].source;
  for (int64_t c = 0; c < f->channels; c++)
    for (int i = 0; i < 256; i++) f->table[c * 256 + i] = (float)source_real(s, c, (uint8_t)i);
}

static void enter_image(const struct fit_data *f, int64_t image, float *x) {
  if (f->set->numbers) {
    struct err none = {0}; // they have been checked
    images_floats(f->model, f->set, image, 1, x, &none);
    return;
  }
  const uint8_t *p = f->set->pixels + image * f->elements;
  if (f->channels == 1)
    for (int64_t i = 0; i < f->elements; i++) x[i] = f->table[p[i]];
  else
    for (int64_t i = 0; i < f->elements; i++) x[i] = f->table[i % f->channels * 256 + p[i]];
}

// What output c of an image is trained towards: a single output's class 1 is the right one.
static double target_of(const struct fit_data *f, int64_t image, int64_t c) {
  if (!f->answers.classes) return f->answers.targets[image * f->classes + c];
  int32_t class = f->answers.classes[image];
  return f->o->target[f->classes > 1 ? c == class : class];
}

void fit_data_judge(const struct fit_data *f, int64_t image, const float *y, struct score *score) {
  for (int64_t c = 0; c < f->classes; c++) f->reals[c] = (double)y[c];
  verdict_judge(&f->verdict, &f->answers, image, f->reals, score);
}

// ---- its loss

// -sum t log softmax(y), or of -y; with classes the target is taken as 1 for the right one.
static double cross_entropy(const struct fit_data *f, const float *y, int64_t image) {
  double rubbish = f->o->loss.kind == LOSS_RBF ? -f->o->loss.rubbish : -INFINITY;
  double most = rubbish, sum = 0, loss = 0, sign = f->verdict.kind == VERDICT_LEAST ? -1 : 1;
  for (int64_t c = 0; c < f->classes; c++) most = fmax(most, sign * (double)y[c]);
  for (int64_t c = 0; c < f->classes; c++) sum += elementary_exp(sign * (double)y[c] - most);
  sum += elementary_exp(rubbish - most);
  if (f->answers.classes)
    return elementary_log(sum) - (sign * (double)y[f->answers.classes[image]] - most);
  for (int64_t c = 0; c < f->classes; c++)
    loss += target_of(f, image, c) * (elementary_log(sum) - (sign * (double)y[c] - most));
  return loss;
}

double fit_data_loss(const struct fit_data *f, const float *y, int64_t image) {
  double sum = 0;
  if (f->o->loss.kind != LOSS_MSE) return cross_entropy(f, y, image);
  for (int64_t c = 0; c < f->classes; c++) {
    double d = (double)y[c] - target_of(f, image, c);
    sum += d * d;
  }
  return sum / (double)f->classes;
}

struct fit_pick fit_data_pick(const struct fit_data *f, int64_t epoch, int64_t i) {
  return f->o->picks ? f->o->picks->pick[i] : (struct fit_pick){i, epoch};
}

void fit_data_enter(const struct fit_data *f, int64_t epoch, int64_t image, float *x, float *t,
                    float *work) {
  enter_image(f, image, f->distorter ? work : x);
  if (f->distorter)
    distorter_image(f->distorter, f->o->picks ? f->o->picks->seed : f->o->seed, epoch, image, work,
                    x, work + f->elements);
  for (int64_t c = 0; c < f->classes; c++) t[c] = (float)target_of(f, image, c);
}

struct fit_data fit_data_new(struct arena *a, const struct graph *model, const char *output,
                             const struct images *set, const struct fit_options *o) {
  struct fit_data f = {.arena = a,
                       .model = model,
                       .set = set,
                       .o = o,
                       .trained = set->count - o->validation,
                       .entries = fit_entries(set, o),
                       .elements = value_elements(&model->values[model->inputs[0].value]),
                       .channels = model->inputs[0].source.channels};
  f.verdict = verdict_of_value(model, (uint32_t)graph_find_value(model, output));
  f.classes = f.verdict.elements;
  f.reals = ARENA_NEW(a, double, f.classes);
  if (set->pixels && f.channels <= FIT_CHANNELS_MAX) fill_table(&f);
  return f;
}
