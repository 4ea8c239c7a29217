// SPDX-License-Identifier: Apache-2.0
// schedule --run: the calendars carried out on images, each output beside the C model's.
#include "cmd/schedule.h"
#include "sw/base/clock.h"
#include "sw/base/progress.h"
#include "sw/base/rng.h"
#include "sw/data/verdict.h"
#include "sw/exec/calendar_run.h"
#include "sw/exec/golden.h"

#include <string.h>

enum { FRAMES = 100, BATCH_MOST = 250, START_MOST = 100 };
#define ROOM ((int64_t)1 << 22) // integers of a batch

struct trial {
  struct arena *arena;
  const struct graph *graph;
  const struct golden *golden;
  const struct images *set; // NULL: random codes
  struct rng random;
  int64_t batch, elements; // images of a batch; of an image, all inputs
  int32_t *codes;          // (batch, elements) of the batch that was fed last
  int32_t **expected;      // (n_outputs) (images, elements)
  struct verdict verdict;
  struct answers answers;
  struct score score;
  struct schedule_trial *to;
  struct progress line;
};

// The images of a batch as codes, those of the first input in front.
static void draw(struct trial *t, int64_t images) {
  const struct graph *g = t->graph;
  int32_t *to = t->codes;
  for (int64_t f = 0; f < images; f++)
    for (uint32_t i = 0; i < g->n_inputs; i++) {
      const struct value *v = &g->values[g->inputs[i].value];
      for (int64_t k = 0; k < value_elements(v); k++) {
        int64_t code;
        do code = rng_range(&t->random, type_lowest(&v->type), type_highest(&v->type));
        while (!type_is_code(&v->type, code));
        *to++ = (int32_t)code;
      }
    }
}

static void expect(const struct trial *t, int64_t first, int64_t images) {
  struct arena scratch = {0};
  const struct graph *g = t->graph;
  struct golden_tap *taps = ARENA_NEW(&scratch, struct golden_tap, g->n_outputs);
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    int64_t elements = value_elements(&g->values[g->outputs[i]]);
    taps[i] = (struct golden_tap){g->outputs[i], t->expected[i] + first * elements};
  }
  golden_run_codes(t->golden, images, t->codes, taps, g->n_outputs);
  arena_free(&scratch);
}

static void feed(void *context, int64_t batch, int64_t images, int64_t *const *inputs) {
  struct trial *t = context;
  const struct graph *g = t->graph;
  double begin = clock_seconds();
  struct arena scratch = {0};
  if (t->set)
    t->codes = images_codes(&scratch, g, t->set, batch * t->batch, images);
  else
    draw(t, images);
  expect(t, batch * t->batch, images);
  int64_t at = 0;
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    const struct value *v = &g->values[g->inputs[i].value];
    int64_t own = value_elements(v);
    for (int64_t f = 0; f < images; f++)
      for (int64_t k = 0; k < own; k++)
        inputs[i][f * own + k] = type_code(&v->type, t->codes[f * t->elements + at + k]);
    at += own;
  }
  arena_free(&scratch);
  t->to->aside += clock_seconds() - begin;
}

static void judge(struct trial *t, int64_t first, int64_t images, const int64_t *integers) {
  int64_t elements = t->verdict.elements;
  int32_t *y = ARENA_NEW(t->arena, int32_t, elements);
  for (int64_t f = 0; f < images; f++) {
    for (int64_t k = 0; k < elements; k++) y[k] = (int32_t)integers[f * elements + k];
    verdict_judge_codes(&t->verdict, &t->answers, first + f, y, &t->score);
  }
}

static void look(void *context, int64_t batch, int64_t images, uint32_t output,
                 const int64_t *integers) {
  struct trial *t = context;
  double begin = clock_seconds();
  uint32_t v = t->graph->outputs[output];
  const struct value *y = &t->graph->values[v];
  int64_t elements = value_elements(y), first = batch * t->batch;
  const int32_t *expected = t->expected[output] + first * elements;
  for (int64_t i = 0; i < images * elements; i++)
    t->to->mismatches += type_code(&y->type, expected[i]) != integers[i];
  t->to->elements += images * elements;
  if (t->set && v == t->verdict.value) judge(t, first, images, integers);
  progress_update(&t->line, first + images);
  t->to->aside += clock_seconds() - begin;
}

static const int64_t *starts_of(struct arena *a, const struct options *o) {
  struct rng r = {(uint64_t)o->offsets, 0};
  if (!o->offsets) return NULL;
  int64_t *starts = ARENA_NEW(a, int64_t, o->nodes);
  for (int64_t n = 0; n < o->nodes; n++) starts[n] = rng_range(&r, 0, START_MOST);
  return starts;
}

const struct calendar *schedule_calendar(struct arena *a, const struct options *o,
                                         const struct schedule *s) {
  return calendar_of(a, s, starts_of(a, o));
}

static bool set_up(struct trial *t, const struct options *o, struct images *set, struct err *e) {
  const struct graph *g = t->graph;
  int64_t all = 1;
  t->to->images = o->images ? o->images : FRAMES;
  if (o->data.count) {
    t->verdict = verdict_of(g);
    if (!command_images(t->arena, o, g, o->images, set, e) ||
        !verdict_answers(t->arena, &t->verdict, set, &t->answers, e))
      return false;
    t->set = set;
    t->to->images = set->count;
    t->to->judged = t->answers.classes != NULL;
  }
  for (uint32_t v = 0; v < g->n_values; v++)
    if (!g->values[v].init) all += value_elements(&g->values[v]);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    t->elements += value_elements(&g->values[g->inputs[i].value]);
  t->batch = ROOM / all < 1 ? 1 : ROOM / all > BATCH_MOST ? BATCH_MOST : ROOM / all;
  t->codes = ARENA_NEW(t->arena, int32_t, t->batch * t->elements);
  t->expected = ARENA_NEW(t->arena, int32_t *, g->n_outputs);
  for (uint32_t i = 0; i < g->n_outputs; i++)
    t->expected[i] =
        ARENA_NEW(t->arena, int32_t, value_elements(&g->values[g->outputs[i]]) * t->to->images);
  t->golden = golden_new(t->arena, g, e);
  return t->golden != NULL;
}

bool schedule_run(struct arena *a, const struct options *o, const struct graph *model,
                  const struct calendar *c, struct schedule_trial *to, struct err *e) {
  struct images set;
  *to = (struct schedule_trial){0};
  struct trial t = {.arena = a, .graph = model, .random = {1, 0}, .to = to};
  if (!set_up(&t, o, &set, e)) return false;
  struct calendar_executor *x = calendar_run_new(a, c, t.batch);
  const struct calendar_batches b = {to->images, feed, look, &t};
  progress_start(&t.line, "images", to->images, o->quiet || o->json);
  double begin = clock_seconds();
  bool ok = calendar_run(x, &b, e);
  to->seconds = clock_seconds() - begin - to->aside;
  to->correct = t.score.correct;
  progress_end(&t.line);
  return ok;
}
