// SPDX-License-Identifier: Apache-2.0
// A model that links its images (variables, delays, sums over frames) takes them as one sequence of
// frames, some of them per step, in the order of the data.
#include "cmd/run.h"
#include "sw/base/progress.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"

#include <string.h>

bool run_is_sequence(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (op_is(n->op, TRAIT_HOLDS | TRAIT_REFERS) || node_int(n, ATTR_frames, 0)) return true;
    for (uint32_t k = 0; k < n->n_in; k++)
      if (n->in[k].delay) return true;
    for (uint32_t k = 0; k < n->n_out; k++)
      if (!node_out(g, n, k)->per_frame) return true;
  }
  return false;
}

// Frames of the step that begins with frame `first`: none crosses a reset.
static int64_t frames_at(const struct run *r, int64_t first) {
  int64_t left = r->set.count - first, before = r->reset_every ? first % r->reset_every : 0;
  if (r->reset_every && left > r->reset_every - before) left = r->reset_every - before;
  return left < r->batch ? left : r->batch;
}

int64_t run_steps(const struct run *r) {
  int64_t steps = 0;
  for (int64_t i = 0; i < r->set.count; i += frames_at(r, i)) steps++;
  return steps;
}

// ---- a step

static bool enter_codes(struct run *r, struct steps *s, int64_t first, int64_t frames) {
  struct arena a = {0};
  const int32_t *codes = images_codes(&a, r->graph, &r->set, first, frames);
  for (uint32_t k = 0; k < r->graph->n_inputs; k++) {
    int64_t *x = steps_input(s, k), n = images_part(&r->set, k)->elements;
    const struct type *t = &r->graph->values[r->graph->inputs[k].value].type;
    for (int64_t i = 0; i < frames * n; i++)
      x[i] = type_code(t, codes[i / n * r->set.elements + i % n]);
    codes += n;
  }
  arena_free(&a);
  return true;
}

static bool enter_reals(struct run *r, struct steps *s, int64_t first, int64_t frames,
                        struct err *e) {
  struct arena a = {0};
  float *all = ARENA_NEW(&a, float, frames * r->set.elements);
  const float *from = all;
  bool ok = images_floats(r->graph, &r->set, first, frames, all, e);
  for (uint32_t k = 0; ok && k < r->graph->n_inputs; k++) {
    float *x = steps_input(s, k);
    int64_t n = images_part(&r->set, k)->elements;
    for (int64_t f = 0; f < frames; f++)
      memcpy(x + f * n, from + f * r->set.elements, (size_t)n * sizeof *x);
    from += n;
  }
  arena_free(&a);
  return ok;
}

// What the outputs hold after a step goes to their rows: of its frames, or of the step.
static void leave(struct run *r, struct steps *s, int64_t step, int64_t first, int64_t frames) {
  for (uint32_t o = 0; o < r->n_outputs; o++) {
    struct tensor *t = r->outputs[o].tensor;
    bool per_frame = r->graph->values[r->outputs[o].value].per_frame;
    int64_t at = (per_frame ? first : step) * t->shape[1], rows = per_frame ? frames : 1;
    const void *y = steps_value(s, r->outputs[o].value);
    for (int64_t k = 0; k < rows * t->shape[1]; k++)
      if (t->dtype == DTYPE_F32)
        ((float *)t->data)[at + k] = ((const float *)y)[k];
      else
        ((int32_t *)t->data)[at + k] = (int32_t)((const int64_t *)y)[k];
  }
}

static bool check(const struct run *r, unsigned executor, struct err *e) {
  for (uint32_t i = 0; i < r->graph->n_nodes; i++) {
    const struct node *n = &r->graph->nodes[i];
    if (!(op_info(n->op)->executors & executor))
      return err_set(e, "layer \"%s\": %s isn't executed", n->name, op_info(n->op)->name);
  }
  return true;
}

bool run_sequence(struct run *r, bool real, bool quiet, struct err *e) {
  struct progress p;
  if (!check(r, real ? EXECUTOR_REAL : EXECUTOR_GOLDEN, e)) return false;
  struct steps *s = steps_new(r->arena, r->graph, r->batch, real ? &real_kind : &golden_kind);
  bool ok = true;
  int64_t step = 0;
  progress_start(&p, "run", r->set.count, quiet);
  for (int64_t i = 0, frames; ok && i < r->set.count; i += frames) {
    frames = frames_at(r, i);
    if (r->reset_every && i % r->reset_every == 0) steps_reset(s);
    ok = real ? enter_reals(r, s, i, frames, e) : enter_codes(r, s, i, frames);
    if (ok) steps_run_frames(s, frames, NULL);
    if (ok) leave(r, s, step++, i, frames);
    progress_update(&p, i + frames);
  }
  progress_end(&p);
  steps_free(s);
  return ok;
}
