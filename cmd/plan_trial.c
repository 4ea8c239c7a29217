// SPDX-License-Identifier: Apache-2.0
// plan --memory --run: a plan is carried out in exactly its bytes, and every value compared with
// the C model's.
#include "cmd/plan_arena.h"
#include "sw/base/clock.h"
#include "sw/base/progress.h"
#include "sw/base/rng.h"
#include "sw/exec/arena_run.h"
#include "sw/exec/golden.h"

#include <string.h>

enum { FRAMES = 100 };

static void compare(void *context, uint32_t value, const int64_t *integers) {
  struct plan_trial *t = context;
  const struct value *v = &t->graph->values[value];
  int64_t count = value_elements(v);
  t->values++;
  t->elements += count;
  if (!memcmp(golden_ref_value(t->ref, value), integers, (size_t)count * sizeof *integers)) return;
  if (!t->wrong++) t->first = v->name;
}

static void draw(struct rng *r, const struct value *v, int64_t *integers) {
  for (int64_t i = 0; i < value_elements(v); i++) do
      integers[i] = rng_range(r, type_lowest(&v->type), type_highest(&v->type));
    while (!type_is_code(&v->type, integers[i]));
}

bool plan_trial(struct arena *a, const struct options *o, const struct plan *p,
                struct plan_trial *t, struct err *e) {
  const struct graph *g = p->graph;
  struct rng r = {1, 0};
  struct progress line;
  *t = (struct plan_trial){.graph = g, .ref = golden_ref_new(a, g, 1)};
  struct arena_run *run = arena_run_new(a, p, e);
  int64_t **inputs = ARENA_NEW(a, int64_t *, g->n_inputs + 1);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    inputs[i] = ARENA_NEW(a, int64_t, value_elements(&g->values[g->inputs[i].value]));
  int64_t frames = o->images ? o->images : FRAMES;
  bool ok = run != NULL;
  progress_start(&line, "frames", frames, o->quiet || o->json);
  for (; ok && t->frames < frames; t->frames++) {
    for (uint32_t i = 0; i < g->n_inputs; i++) draw(&r, &g->values[g->inputs[i].value], inputs[i]);
    golden_ref_step(t->ref, (const int64_t *const *)inputs);
    double begin = clock_seconds();
    ok = arena_run_frame(run, (const int64_t *const *)inputs, compare, t, e);
    t->seconds += clock_seconds() - begin;
    progress_update(&line, t->frames + 1);
  }
  progress_end(&line);
  if (run) arena_run_free(run);
  if (ok && t->wrong)
    return err_set(e, "%s: %lld values of %lld differ from the C model's, \"%s\" first", o->model,
                   (long long)t->wrong, (long long)t->values, t->first);
  return ok;
}
