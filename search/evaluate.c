// SPDX-License-Identifier: Apache-2.0
#include "search/evaluate.h"

#include "sw/circuit/energy.h"
#include "sw/circuit/resources.h"
#include "sw/data/verdict.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 1024 }; // images per call

// ---- the float model

// The whole network's output in floats, once: pruning and types are measured against it.
bool evaluator_prepare(struct arena *a, struct evaluator *v, struct err *e) {
  if (!v->set || !objectives_need(v->objectives, METRIC_snr)) return true;
  const struct verdict judged = verdict_of(v->whole);
  struct real *real = real_new(a, v->whole, e);
  if (!real) return false;
  float *y = ARENA_NEW(a, float, v->images *judged.elements);
  bool ok = true;
  for (int64_t i = 0; ok && i < v->images; i += BLOCK) {
    int64_t count = v->images - i < BLOCK ? v->images - i : BLOCK, at = v->first + i;
    struct real_tap tap = {judged.value, y + i * judged.elements};
    const uint8_t *pixels = v->set->pixels ? v->set->pixels + at * v->set->elements : NULL;
    float *x = pixels ? NULL : ARENA_NEW(a, float, count * v->set->elements);
    ok = pixels || images_floats(v->whole, v->set, at, count, x, e);
    if (ok) real_run(real, count, pixels, x, &tap, 1);
  }
  real_free(real);
  v->real = y;
  v->real_name = v->whole->values[judged.value].name;
  v->real_elements = judged.elements;
  return ok;
}

// ---- images

struct running {
  const struct evaluator *of;
  const struct graph *g;
  struct golden *golden;
  struct verdict verdict;
  struct answers answers;
  struct score score;
  struct stream_loss loss;
  int32_t *codes; // (BLOCK, elements)
};

static void run_block(struct running *r, int64_t first, int64_t count) {
  const struct images *set = r->of->set;
  const struct type *type = &r->g->values[r->verdict.value].type;
  int64_t n = r->verdict.elements, at = r->of->first + first;
  struct golden_tap tap = {r->verdict.value, r->codes};
  struct arena a = {0};
  if (set->pixels)
    golden_run_pixels(r->golden, count, set->pixels + at * set->elements, &tap, 1);
  else
    golden_run_codes(r->golden, count, images_codes(&a, r->g, set, at, count), &tap, 1);
  for (int64_t i = 0; i < count; i++) {
    const int32_t *y = r->codes + i * n;
    if (r->answers.classes) verdict_judge_codes(&r->verdict, &r->answers, at + i, y, &r->score);
    for (int64_t k = 0; r->of->real && k < n; k++)
      stream_loss_add(&r->loss, type, type_code(type, y[k]),
                      (double)r->of->real[(first + i) * n + k]);
  }
  arena_free(&a);
}

// Images up to an eighth, a quarter, a half and all.
static bool run_images(struct running *r, const struct watch *watch, double *metrics) {
  int64_t all = r->of->images, done = 0;
  for (int part = watch ? 8 : 1; part >= 1; part /= 2) {
    int64_t until = all / part;
    for (; done < until;) {
      int64_t count = until - done < BLOCK ? until - done : BLOCK;
      run_block(r, done, count);
      done += count;
    }
    double wrong = (double)(done - r->score.correct);
    if (r->answers.classes && done) metrics[METRIC_errors] = wrong * (double)all / (double)done;
    if (r->of->real)
      metrics[METRIC_snr] =
          r->loss.noise > 0 ? 10 * log10(r->loss.signal / r->loss.noise) : INFINITY;
    if (part > 1 && done && !watch->go_on(watch->context, metrics, done)) return false;
  }
  return true;
}

static enum outcome find_answers(struct arena *a, const struct evaluator *v, const struct graph *g,
                                 const struct watch *watch, double *metrics, struct err *e) {
  struct running r = {.of = v, .g = g, .verdict = verdict_of(g)};
  const char *name = g->values[r.verdict.value].name;
  if (!images_fit(v->set, g, e) || !verdict_answers(a, &r.verdict, v->set, &r.answers, e))
    return OUTCOME_FAILED;
  if (v->real && (strcmp(name, v->real_name) != 0 || r.verdict.elements != v->real_elements)) {
    err_put(e, "output \"%s\" has no counterpart in the float model", name);
    return OUTCOME_FAILED;
  }
  r.golden = golden_new(a, g, e);
  if (!r.golden) return OUTCOME_FAILED;
  if (v->threads > 1) golden_threads(a, r.golden, v->threads);
  r.codes = ARENA_NEW(a, int32_t, BLOCK * r.verdict.elements);
  bool whole = run_images(&r, watch, metrics);
  golden_free(r.golden);
  return whole ? OUTCOME_COMPLETE : OUTCOME_STOPPED;
}

// ---- the circuit

static double mean_bits_of(const struct graph *g) {
  double bits = 0, count = 0;
  for (uint32_t i = 0; i < g->n_values; i++) {
    const struct value *v = &g->values[i];
    bool weight = false, stream = v->per_frame && !v->init;
    for (uint32_t k = 0; k < g->n_nodes; k++)
      weight |= op_is(g->nodes[k].op, TRAIT_WEIGHTS) && g->nodes[k].n_in > 1 &&
                g->nodes[k].in[1].value == i;
    if ((!weight && !stream) || !type_is_integer(&v->type)) continue;
    bits += (double)(value_elements(v) * type_width(&v->type));
    count += (double)value_elements(v);
  }
  return count > 0 ? bits / count : NAN;
}

static bool needs_circuit(const struct objectives *o) {
  for (int m = METRIC_ii; m <= METRIC_weight_bits; m++)
    if (objectives_need(o, (enum metric)m)) return true;
  return false;
}

static bool find_circuit(struct arena *a, const struct evaluator *v, const struct graph *g,
                         const char *folding, double *metrics, struct err *e) {
  struct folding f = {.parallelism = v->parallelism};
  uint32_t left;
  if (!folding_parse(a, folding, strlen(folding), &f, e) || !folding_resolve(&f, g, &left, e))
    return false;
  const struct circuit *p = circuit_build(a, g, "top", &f, e);
  if (!p) return false;
  int64_t weights = 0;
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].kind == CELL_LAYER && op_is(g->nodes[p->cells[i].node].op, TRAIT_WEIGHTS))
      weights += p->cells[i].memory_bits;
  struct resources r = resources_circuit(p, v->family);
  metrics[METRIC_ii] = (double)p->ii;
  metrics[METRIC_latency] = (double)p->latency;
  metrics[METRIC_multipliers] = (double)p->multipliers;
  metrics[METRIC_memory_bits] = (double)p->memory_bits;
  metrics[METRIC_weight_bits] = (double)weights;
  metrics[METRIC_luts] = (double)r.lut;
  metrics[METRIC_dsps] = (double)r.dsp;
  metrics[METRIC_brams] = (double)r.bram;
  return true;
}

// ---- the whole

static enum outcome measure(struct arena *a, const struct evaluator *v, const struct assignment *s,
                            const struct watch *watch, double *metrics, struct err *e) {
  struct model m;
  struct graph *g = binding_prune(a, v->whole, s, e);
  if (g && g != v->whole && v->tune && !v->tune(a, v->plan, &g, e)) return OUTCOME_FAILED;
  if (!g || !load_graph(a, g, &v->load, s->formats, &m, e)) return OUTCOME_FAILED;
  if (!m.fixed) {
    err_put(e, "it has no types: \"stream\" in the space's \"defaults\", as in \"8,3\", or -p 8,3");
    return OUTCOME_FAILED;
  }
  metrics[METRIC_mean_bits] = mean_bits_of(m.fixed);
  metrics[METRIC_energy] = energy_sum(energy_of(m.fixed));
  if (needs_circuit(v->objectives) && !find_circuit(a, v, m.fixed, s->folding, metrics, e))
    return OUTCOME_FAILED;
  return v->set ? find_answers(a, v, m.fixed, watch, metrics, e) : OUTCOME_COMPLETE;
}

enum outcome evaluate(const struct evaluator *v, const struct assignment *s,
                      const struct watch *watch, double *metrics, struct err *e) {
  struct arena a = {0};
  for (int i = 0; i < METRICS; i++) metrics[i] = NAN;
  enum outcome out = measure(&a, v, s, watch, metrics, e);
  arena_free(&a);
  return out;
}
