// SPDX-License-Identifier: Apache-2.0
#include "sw/train/checkpoint.h"

#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/data/array.h"
#include "sw/graph/model.h"
#include "sw/graph/safetensors.h"

#include <math.h>
#include <sha256.h>
#include <stdlib.h>
#include <string.h>

#define CHECKPOINT_BYTES_MAX ((size_t)4 << 30)
enum { ROWS_MAX = 1 << 20 };

// ---- what a run is of

static void hash_text(const struct text *t, char hex[65]) {
  SHA256Data((const unsigned char *)t->data, t->size, hex);
}

// The graph's text has every kind, shape and constant, but no array.
static void hash_network(const struct training *t, const struct optimizer *o, char hex[65]) {
  struct arena a = {0};
  struct text file = {0}, all = {0};
  struct safetensors parts;
  struct err e = {0};
  model_put(&file, t->graph);
  if (safetensors_parse(&a, file.data, file.size, &parts, &e))
    text_puts(&all, safetensors_metadata(&parts, "nngen.graph"));
  text_put(&all, (const char *)o->rates, (size_t)o->n_rates * sizeof *o->rates);
  hash_text(&all, hex);
  text_free(&file);
  text_free(&all);
  arena_free(&a);
}

static void hash_options(const struct fit_options *o, char hex[65]) {
  struct text t = {0};
  text_printf(&t, "%lld %lld %lld %llu %d %a %a", (long long)o->batch, (long long)o->validation,
              (long long)o->patience, (unsigned long long)o->seed, o->loss.kind, o->target[0],
              o->target[1]);
  if (o->loss.kind == LOSS_RBF) text_printf(&t, " %a", o->loss.rubbish);
  if (!distort_is_none(&o->distort)) {
    text_puts(&t, " ");
    distort_put(&t, &o->distort);
  }
  if (o->picks) text_printf(&t, " %llu ", (unsigned long long)o->picks->seed);
  if (o->picks)
    text_put(&t, (const char *)o->picks->pick, (size_t)o->picks->count * sizeof *o->picks->pick);
  hash_text(&t, hex);
  text_free(&t);
}

static void hash_data(const struct images *set, char hex[65]) {
  SHA2_CTX c;
  size_t elements = (size_t)(set->count * set->elements);
  SHA256Init(&c);
  if (set->pixels) SHA256Update(&c, set->pixels, elements);
  if (set->numbers)
    SHA256Update(&c, set->numbers->data, elements * array_type_bytes(set->numbers->type));
  if (set->labels)
    SHA256Update(&c, (const uint8_t *)set->labels, (size_t)set->count * sizeof *set->labels);
  else if (set->answers)
    SHA256Update(&c, set->answers->data,
                 (size_t)set->count * (size_t)(set->answers->elements / set->answers->shape[0]) *
                     array_type_bytes(set->answers->type));
  SHA256End(&c, hex);
}

void checkpoint_run(const struct training *t, const struct fit_options *o, const struct images *set,
                    struct checkpoint_run *run) {
  hash_network(t, o->optimizer, run->network);
  hash_options(o, run->options);
  hash_data(set, run->data);
}

// ---- writing

static void put_position(struct text *t, const struct fit_position *at) {
  text_printf(t, "{\"epoch\":%lld,\"step\":%lld,\"best_epoch\":%lld", (long long)at->epoch,
              (long long)at->step, (long long)at->best_epoch);
  fit_put_number(t, "loss", at->loss);
  fit_put_number(t, "correct", at->correct);
  fit_put_number(t, "images", at->images);
  fit_put_number(t, "best", at->best);
  fit_put_number(t, "seconds", at->seconds);
  text_puts(t, ",\"rows\":");
  fit_put_rows(t, at);
  text_puts(t, "}");
}

bool checkpoint_write(const char *path, struct fit *f, const struct checkpoint_run *run,
                      struct err *e) {
  struct arena a = {0};
  struct text position = {0};
  uint32_t count = fit_variables(f, NULL);
  struct fit_variable *list = ARENA_NEW(&a, struct fit_variable, count);
  struct named_tensor *tensors = ARENA_NEW(&a, struct named_tensor, count);
  struct tensor *t = ARENA_NEW(&a, struct tensor, count);
  fit_variables(f, list);
  for (uint32_t i = 0; i < count; i++) {
    t[i] = (struct tensor){.dtype = DTYPE_F32,
                           .rank = list[i].rank,
                           .count = shape_elements(list[i].rank, list[i].shape),
                           .data = list[i].data};
    memcpy(t[i].shape, list[i].shape, (size_t)list[i].rank * sizeof *list[i].shape);
    tensors[i] = (struct named_tensor){list[i].name, &t[i]};
  }
  put_position(&position, fit_at(f));
  const char *metadata[][2] = {{"format", "nngen-checkpoint"},  {"nngen.version", "1"},
                               {"nngen.network", run->network}, {"nngen.options", run->options},
                               {"nngen.data", run->data},       {"nngen.position", position.data}};
  struct safetensors file = {count, tensors, sizeof metadata / sizeof *metadata, metadata};
  bool ok = safetensors_write(path, &file, e);
  text_free(&position);
  arena_free(&a);
  return ok;
}

// ---- reading

static bool same(const struct safetensors *s, const char *key, const char *expected,
                 const char *what, struct err *e) {
  const char *found = safetensors_metadata(s, key);
  return (found && strcmp(found, expected) == 0) ||
         err_set(e,
                 "a checkpoint of %s (%s: %.12s, expected %.12s): go on with the words that it was "
                 "written with, or give another --checkpoint",
                 what, key, found ? found : "none", expected);
}

static bool check_run(const struct safetensors *s, const struct checkpoint_run *run,
                      struct err *e) {
  const char *format = safetensors_metadata(s, "format");
  const char *version = safetensors_metadata(s, "nngen.version");
  if (!format || strcmp(format, "nngen-checkpoint") != 0)
    return err_set(e, "not a checkpoint: format \"%s\"", format ? format : "");
  if (!version || strcmp(version, "1") != 0)
    return err_set(e, "checkpoint version \"%s\", expected 1", version ? version : "");
  return same(s, "nngen.network", run->network, "another network, optimiser or schedule", e) &&
         same(s, "nngen.options", run->options, "other options", e) &&
         same(s, "nngen.data", run->data, "another data set", e);
}

static double number(const json_t *j, const char *key, double otherwise) {
  const json_t *v = json_object_get(j, key);
  return json_is_number(v) ? json_number_value(v) : otherwise;
}

static bool counts_fit(const struct fit_position *at, const struct fit_options *o, int64_t steps) {
  return at->epoch >= 0 && at->epoch <= o->epochs && at->step >= 0 && at->step < steps &&
         at->best_epoch >= 0 && at->best_epoch <= at->epoch && at->rows == at->epoch;
}

static bool read_position(struct arena *a, const struct safetensors *s, const struct fit_options *o,
                          int64_t steps, struct fit_position *at, struct err *e) {
  const char *text = safetensors_metadata(s, "nngen.position");
  json_t *j = text ? json_parse(text, strlen(text), e) : NULL;
  if (!j) return err_set(e, "there is no position");
  const json_t *rows = json_object_get(j, "rows");
  *at = (struct fit_position){.epoch = (int64_t)number(j, "epoch", -1),
                              .step = (int64_t)number(j, "step", -1),
                              .loss = number(j, "loss", 0),
                              .correct = number(j, "correct", 0),
                              .images = number(j, "images", 0),
                              .best = number(j, "best", INFINITY),
                              .best_epoch = (int64_t)number(j, "best_epoch", -1),
                              .seconds = number(j, "seconds", 0),
                              .rows = (int64_t)json_array_size(rows)};
  bool ok = at->rows <= ROWS_MAX && counts_fit(at, o, steps);
  if (!ok)
    err_put(e, "position: epoch %lld, step %lld of %lld, %lld rows; this run has %lld epochs",
            (long long)at->epoch, (long long)at->step, (long long)steps, (long long)at->rows,
            (long long)o->epochs);
  at->row = ARENA_NEW(a, struct fit_row, ok ? at->rows : 0);
  for (int64_t i = 0; ok && i < at->rows; i++) {
    const json_t *r = json_array_get(rows, (size_t)i);
    at->row[i] = (struct fit_row){.epoch = (int64_t)number(r, "epoch", 0),
                                  .loss = number(r, "loss", NAN),
                                  .accuracy = number(r, "accuracy", NAN),
                                  .validation_loss = number(r, "validation_loss", NAN),
                                  .validation_accuracy = number(r, "validation_accuracy", NAN),
                                  .rate = number(r, "rate", NAN),
                                  .seconds = number(r, "seconds", NAN)};
  }
  json_decref(j);
  return ok;
}

static bool fits(const struct tensor *t, const struct fit_variable *v) {
  return t->dtype == DTYPE_F32 && t->rank == v->rank &&
         memcmp(t->shape, v->shape, (size_t)v->rank * sizeof *v->shape) == 0;
}

// The tensor of each variable, all of them there and no others.
static bool find_tensors(const struct safetensors *s, const struct fit_variable *list,
                         uint32_t count, const struct tensor **found, struct err *e) {
  if (s->count != count) return err_set(e, "%u arrays, this run has %u variables", s->count, count);
  for (uint32_t i = 0; i < count; i++) {
    int64_t k = safetensors_find(s, list[i].name);
    if (k < 0) return err_set(e, "variable \"%s\" is missing", list[i].name);
    if (!fits(s->tensors[k].tensor, &list[i]))
      return err_set(e, "variable \"%s\" has another type or shape", list[i].name);
    found[i] = s->tensors[k].tensor;
  }
  return true;
}

static bool restore(struct arena *a, const struct bytes *file, struct fit *f,
                    const struct fit_options *o, const struct checkpoint_run *run, struct err *e) {
  struct safetensors s;
  struct fit_position at;
  uint32_t count = fit_variables(f, NULL);
  struct fit_variable *list = ARENA_NEW(a, struct fit_variable, count);
  const struct tensor **found = ARENA_NEW(a, const struct tensor *, count);
  fit_variables(f, list);
  if (!safetensors_parse(a, file->data, file->size, &s, e) || !check_run(&s, run, e) ||
      !find_tensors(&s, list, count, found, e) || !read_position(a, &s, o, fit_steps(f), &at, e))
    return false;
  for (uint32_t i = 0; i < count; i++)
    memcpy(list[i].data, found[i]->data, (size_t)found[i]->count * sizeof(float));
  fit_resume(f, &at);
  return true;
}

bool checkpoint_read(const char *path, struct fit *f, const struct fit_options *o,
                     const struct checkpoint_run *run, struct err *e) {
  struct arena a = {0};
  struct bytes file;
  bool ok = file_read(&a, path, CHECKPOINT_BYTES_MAX, &file, e);
  if (ok && !restore(&a, &file, f, o, run, e)) ok = err_within(e, "%s", path);
  arena_free(&a);
  return ok;
}
