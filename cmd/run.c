// SPDX-License-Identifier: Apache-2.0
// run: the C model on a data set. Accuracy, speed, and per layer what quantisation has cost
// against the float model, where there is one.
#include "cmd/run.h"
#include "sw/base/clock.h"

#include "cmd/paths.h"
#include "sw/base/pool.h"
#include "sw/base/progress.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"

#include <string.h>

enum { BLOCK = 2048 }; // images per call

// ---- executors: images first .. first + count - 1 into the tensors of the outputs

static void *place(const struct run *r, uint32_t output, int64_t first) {
  const struct tensor *t = r->outputs[output].tensor;
  return (char *)t->data + (size_t)(first * t->shape[1]) * dtype_size(t->dtype);
}

static bool run_real(struct run *r, const void *m, int64_t first, int64_t count, struct err *e) {
  struct arena a = {0};
  struct real_tap *taps = ARENA_NEW(&a, struct real_tap, r->n_outputs);
  const uint8_t *pixels = r->set.pixels ? r->set.pixels + first * r->set.elements : NULL;
  float *floats = pixels ? NULL : ARENA_NEW(&a, float, count * r->set.elements);
  for (uint32_t i = 0; i < r->n_outputs; i++)
    taps[i] = (struct real_tap){r->outputs[i].value, place(r, i, first)};
  bool ok = pixels || images_floats(r->graph, &r->set, first, count, floats, e);
  if (ok) real_run(m, count, pixels, floats, taps, r->n_outputs);
  arena_free(&a);
  return ok;
}

static bool run_golden(struct run *r, const void *m, int64_t first, int64_t count, struct err *e) {
  (void)e;
  struct arena a = {0};
  struct golden_tap *taps = ARENA_NEW(&a, struct golden_tap, r->n_outputs);
  for (uint32_t i = 0; i < r->n_outputs; i++)
    taps[i] = (struct golden_tap){r->outputs[i].value, place(r, i, first)};
  if (r->set.pixels)
    golden_run_pixels(m, count, r->set.pixels + first * r->set.elements, taps, r->n_outputs);
  else
    golden_run_codes(m, count, images_codes(&a, r->graph, &r->set, first, count), taps,
                     r->n_outputs);
  arena_free(&a);
  return true;
}

static bool run_all(struct run *r, const void *m, bool quiet,
                    bool (*block)(struct run *r, const void *m, int64_t first, int64_t count,
                                  struct err *e),
                    struct err *e) {
  struct progress p;
  bool ok = true;
  progress_start(&p, "run", r->set.count, quiet);
  double begin = clock_seconds();
  for (int64_t i = 0; ok && i < r->set.count; i += r->batch) {
    int64_t count = r->set.count - i < r->batch ? r->set.count - i : r->batch;
    ok = block(r, m, i, count, e);
    progress_update(&p, i + count);
  }
  r->seconds = clock_seconds() - begin;
  progress_end(&p);
  return ok;
}

// ---- the outputs

static int64_t output_bytes(const struct run *r) {
  int64_t elements = 1; // the label
  for (uint32_t i = 0; i < r->graph->n_outputs; i++)
    elements += value_elements(&r->graph->values[r->graph->outputs[i]]);
  return r->set.count * elements * (int64_t)sizeof(int32_t);
}

// Of the float model all outputs are floats, an index too.
static void make_outputs(struct run *r, bool real) {
  const struct graph *g = r->graph;
  r->n_outputs = g->n_outputs;
  r->outputs = ARENA_NEW(r->arena, struct run_output, g->n_outputs);
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    const struct value *y = &g->values[g->outputs[i]];
    int64_t shape[2] = {y->per_frame ? r->set.count : run_steps(r), value_elements(y)};
    r->outputs[i] = (struct run_output){
        g->outputs[i], tensor_new(r->arena, real ? DTYPE_F32 : DTYPE_I32, 2, shape)};
  }
}

static void judge(struct run *r) {
  struct arena a = {0};
  if (!r->graph->values[r->verdict.value].per_frame) return;
  const struct tensor *t = NULL;
  double *y = ARENA_NEW(&a, double, r->verdict.elements);
  for (uint32_t i = 0; i < r->n_outputs; i++)
    if (r->outputs[i].value == r->verdict.value) t = r->outputs[i].tensor;
  for (int64_t i = 0; i < r->set.count; i++) {
    if (t->dtype == DTYPE_I32) {
      verdict_judge_codes(&r->verdict, &r->answers, i,
                          (const int32_t *)t->data + i * r->verdict.elements, &r->score);
      continue;
    }
    for (int64_t k = 0; k < r->verdict.elements; k++)
      y[k] = tensor_real(t, i * r->verdict.elements + k);
    verdict_judge(&r->verdict, &r->answers, i, y, &r->score);
  }
  arena_free(&a);
}

// ---- the whole

static bool execute_real(struct run *r, int threads, bool quiet, struct err *e) {
  struct real *real = real_new(r->arena, r->graph, e);
  if (!real) return false;
  real_threads(r->arena, real, threads);
  bool ok = run_all(r, real, quiet, run_real, e);
  real_free(real);
  return ok;
}

static bool execute_sequence(struct run *r, bool real, bool quiet, struct err *e) {
  double begin = clock_seconds();
  bool ok = run_sequence(r, real, quiet, e);
  r->seconds = clock_seconds() - begin;
  return ok;
}

// The layers beside those of the float model; without that, or if it can't be run, a note.
static void compare(struct run *r, const struct options *o, const struct golden *m, int threads) {
  struct err e = {0};
  uint32_t before = r->warnings->count;
  if (r->real && !run_losses(r, m, threads, &e)) {
    command_note(o, "not compared with the float model: %s", e.text);
    r->n_losses = 0;
  }
  command_warn(o, r->warnings, before);
}

// Layers are kept where they are compared.
static bool execute_golden(struct run *r, const struct options *o, int threads, struct err *e) {
  const bool *keep = r->real ? NULL : ARENA_NEW(r->arena, bool, r->graph->n_values);
  struct golden *m = golden_planned(r->arena, r->graph, keep, e);
  if (!m) return false;
  golden_threads(r->arena, m, threads);
  bool ok =
      o->plain ? execute_sequence(r, false, o->quiet, e) : run_all(r, m, o->quiet, run_golden, e);
  if (ok) compare(r, o, m, threads);
  golden_free(m);
  return ok;
}

static bool has_slices(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (node_attr(&g->nodes[i], ATTR_slice)) return true;
  return false;
}

static bool compute(struct run *r, const struct options *o, bool real, struct err *e) {
  int threads;
  if (!pool_threads(&threads, e)) return false;
  if (o->early_exit) return run_early(r, o, real, threads, e);
  if (r->sequence) return execute_sequence(r, real, o->quiet, e);
  return real ? execute_real(r, threads, o->quiet, e) : execute_golden(r, o, threads, e);
}

static bool execute(struct run *r, const struct options *o, const struct model *m, struct err *e) {
  bool real = o->real || !m->fixed;
  r->graph = real ? m->real : m->fixed;
  r->real = real || o->codes ? NULL : m->real; // that has no codes
  r->sequence = run_is_sequence(r->graph) || (!real && has_slices(r->graph));
  r->executor = real ? "real" : o->plain || r->sequence ? "golden_ref" : "golden";
  r->batch = o->batch ? o->batch : r->sequence || o->plain ? 1 : BLOCK;
  r->reset_every = o->reset_every;
  if (r->reset_every && !run_is_sequence(r->graph))
    return err_set(e, "--reset-every has no effect: the model has no variables and no delays");
  r->verdict = verdict_of(r->graph);
  int64_t frames;
  if (o->codes && real)
    return err_set(e,
                   "--codes are integers of a quantised model, which this one isn't: give "
                   "--precision W,F%s",
                   o->real ? " and leave --real away" : "");
  if (!run_compare_frames(r->arena, o, &frames, e)) return false;
  if (!command_images(r->arena, o, r->graph, o->images ? o->images : frames, &r->set, e) ||
      !verdict_answers(r->arena, &r->verdict, &r->set, &r->answers, e))
    return false;
  if (o->output && !run_write_check(r, o, e)) return false;
  if (o->output && !paths_room(r->arena, o->output, output_bytes(r), e)) return false;
  make_outputs(r, real);
  if (!real) command_warn_input(r->arena, o, r->graph, &r->set, r->warnings);
  return compute(r, o, real, e);
}

bool run_model(struct run *r, const struct options *o, const struct model *m, struct err *e) {
  if (!execute(r, o, m, e)) {
    if (!strstr(e->text, o->model)) err_put_within(e, "%s", o->model);
    return false;
  }
  if (!r->exit) judge(r);
  return true;
}

bool run_check(struct arena *a, const struct options *o, struct err *e) {
  double margin;
  if (o->margin && !o->early_exit)
    return err_set(e, "--margin %s changes nothing without --early-exit", o->margin);
  return command_margin(o, &margin, e) && command_check(a, o, e);
}

int command_run(struct arena *a, const struct options *o, struct err *e) {
  struct model m;
  struct run r = {.arena = a, .model = o->model};
  if (!command_model(a, o, &m, e)) return EXIT_USER;
  r.warnings = &m.warnings;
  if (o->plain && !m.fixed) {
    err_put(e, "%s: --plain is a form of the C model, the model is float: give --precision W,F",
            o->model);
    return EXIT_USER;
  }
  if (o->real && !m.real) {
    err_put(e, "%s: the model holds integers only, there is no float model to run", o->model);
    return EXIT_USER;
  }
  if (!run_model(&r, o, &m, e) || (o->output && !run_write(&r, o->output, e)) ||
      (o->compare && !run_compare(&r, o, e)))
    return EXIT_USER;
  if (o->json)
    run_print_json(&r);
  else
    run_print_text(&r);
  return r.comparison && r.comparison->different ? EXIT_USER : EXIT_GOOD;
}
