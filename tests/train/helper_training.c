// SPDX-License-Identifier: Apache-2.0
#include "tests/train/helper_training.h"

#include "sw/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void lesson_new(struct lesson *l, const char *json, enum assign optimizer, int64_t frames,
                const struct training_part *parts, uint32_t n_parts) {
  static const float rates[] = {0.05f, 0.03f, 0.01f};
  struct err e = {0};
  *l = (struct lesson){.frames = frames};
  l->optimizer = (struct optimizer){.function = optimizer,
                                    .momentum = 0.9,
                                    .beta1 = 0.9,
                                    .beta2 = 0.999,
                                    .epsilon = 1e-8,
                                    .decay = 0.01,
                                    .n_rates = 3,
                                    .every = 2,
                                    .rates = rates};
  if (!recipe_parse(&l->arena, json, strlen(json), 7, &l->recipe, &e)) fail_msg("%s", e.text);
  const struct graph *m = l->recipe.model;
  l->training = training_new(&l->arena, m, l->recipe.loss, &l->optimizer, 7, parts, n_parts, &e);
  if (!l->training) fail_msg("%s", e.text);
  l->elements = value_elements(&m->values[m->inputs[0].value]);
  l->classes = value_elements(&l->training->graph->values[l->training->output]);
  float *x = ARENA_NEW(&l->arena, float, LESSON_STEPS *frames * l->elements);
  float *t = ARENA_NEW(&l->arena, float, LESSON_STEPS *frames * l->classes);
  struct rng r = {11, 0};
  for (int64_t i = 0; i < LESSON_STEPS * frames * l->elements; i++)
    x[i] = (float)(rng_unit(&r) * 2 - 1);
  for (int64_t i = 0; i < LESSON_STEPS * frames; i++)
    t[i * l->classes + rng_range(&r, 0, l->classes - 1)] = 1;
  l->images = x;
  l->targets = t;
}

static int64_t size_of(const struct lesson *l, uint32_t ref) {
  return value_elements(&l->training->graph->values[ref]);
}

int64_t lesson_size(const struct lesson *l) {
  int64_t size = 0;
  for (uint32_t i = 0; i < l->training->n_parameters; i++)
    for (uint32_t k = 0; k < l->training->parameters[i].n_refs; k++)
      size += size_of(l, l->training->parameters[i].ref[k]);
  return size;
}

// What the variables of an executor hold.
static void collect(const struct lesson *l, void *executor,
                    const void *(*held)(void *executor, uint32_t ref), float *to) {
  for (uint32_t i = 0; i < l->training->n_parameters; i++)
    for (uint32_t k = 0; k < l->training->parameters[i].n_refs; k++) {
      uint32_t ref = l->training->parameters[i].ref[k];
      memcpy(to, held(executor, ref), (size_t)size_of(l, ref) * sizeof *to);
      to += size_of(l, ref);
    }
}

static const void *held_by_steps(void *executor, uint32_t ref) {
  return steps_held(executor, ref);
}

static const void *held_by_tokens(void *executor, uint32_t ref) {
  return dataflow_held(executor, ref);
}

void lesson_static(struct lesson *l, int threads, bool planned, int64_t steps, float *to) {
  struct arena a = {0};
  const struct training *t = l->training;
  struct steps *s = planned ? steps_planned(&a, t->graph, l->frames, threads, &real_kind)
                            : real_steps(&a, t->graph, l->frames);
  for (int64_t i = 0; i < steps; i++) {
    const void *inputs[2] = {l->images + i * l->frames * l->elements,
                             l->targets + i * l->frames * l->classes};
    steps_run(s, inputs);
  }
  collect(l, s, held_by_steps, to);
  steps_free(s);
  arena_free(&a);
}

struct feed {
  const struct lesson *l;
  uint32_t (*pick)(void *context, uint32_t ready);
  void *context;
};

static uint32_t pick(void *context, uint32_t ready) {
  struct feed *f = context;
  return f->pick ? f->pick(f->context, ready) : ready - 1;
}

static const void *input(void *context, int64_t step, uint32_t i) {
  const struct lesson *l = ((struct feed *)context)->l;
  return i == 0 ? l->images + step * l->frames * l->elements
                : l->targets + step * l->frames * l->classes;
}

void lesson_tokens(struct lesson *l, int64_t steps,
                   uint32_t (*choose)(void *context, uint32_t ready), void *context, float *to) {
  struct arena a = {0};
  struct err e = {0};
  const struct training *t = l->training;
  struct dataflow *d = dataflow_new(&a, t->graph, l->frames, &real_kind, false, &e);
  if (!d) fail_msg("%s", e.text);
  struct feed f = {l, choose, context};
  dataflow_run(d, steps, &(struct dataflow_caller){.context = &f, .pick = pick, .input = input});
  collect(l, d, held_by_tokens, to);
  dataflow_free(d);
  arena_free(&a);
}
