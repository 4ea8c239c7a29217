// SPDX-License-Identifier: Apache-2.0
// quantize: a float model -> the model of integers that generate, run and sim take as it is. With
// images that choose its scales: what each layer got, and what it costs.
#include "cmd/paths.h"
#include "cmd/run.h"
#include "quant/calibrate.h"
#include "sw/base/bits.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/base/pool.h"
#include "sw/exec/golden.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"

#include <math.h>
#include <string.h>

struct quantized {
  struct arena *arena;
  const struct options *options;
  const char *output;
  struct model model;
  struct run losses;      // on the images that chose the scales; no losses: none did
  struct run widest;      // the same where every value fits (method max)
  struct run fixed, real; // on --data; images 0: not asked for
};

// ---- what the layers lose

static bool find_losses(struct quantized *q, const struct model *m, struct run *run) {
  struct err e = {0};
  struct warnings unused = {0};
  int threads;
  *run = (struct run){.arena = q->arena,
                      .model = q->options->model,
                      .graph = m->fixed,
                      .real = m->real,
                      .set = *m->calibrated,
                      .warnings = &unused};
  struct golden *g = pool_threads(&threads, &e) ? golden_new(q->arena, m->fixed, &e) : NULL;
  if (!g) return false;
  golden_threads(q->arena, g, threads);
  bool ok = run_losses(run, g, threads, &e);
  golden_free(g);
  if (!ok) command_note(q->options, "not compared with the float model: %s", e.text);
  if (!ok) run->n_losses = 0;
  return ok;
}

// By how much calibration is better than types that everything fits.
static void find_widest(struct quantized *q) {
  struct load l = command_load(q->options);
  struct model m;
  struct err e = {0};
  l.method = "max";
  l.bias_correct = l.equalize = NULL;
  if (load_model(q->arena, q->options->model, &l, &m, &e)) find_losses(q, &m, &q->widest);
}

static const struct layer_loss *loss_of(const struct run *r, const char *name) {
  for (uint32_t i = 0; i < r->n_losses; i++)
    if (strcmp(r->losses[i].name, name) == 0) return &r->losses[i];
  return NULL;
}

// ---- accuracy

static bool judge(struct quantized *q, bool real, struct run *run, struct err *e) {
  struct options o = *q->options;
  *run = (struct run){.arena = q->arena, .model = o.model, .warnings = &q->model.warnings};
  o.real = real;
  return run_model(run, &o, &q->model, e);
}

static double accuracy(const struct run *r) {
  return r->answers.classes ? (double)r->score.correct / (double)r->set.count : NAN;
}

// ---- what is printed

enum { FIELDS = 9 };

// Codes, and exponents that blocks share.
static int64_t weight_bits(const struct graph *g, const struct node *n) {
  const struct value *w = op_is(n->op, TRAIT_WEIGHTS) ? node_in(g, n, 1) : NULL;
  if (!w || !w->init) return 0;
  int64_t bits = value_elements(w) * type_width(&w->type);
  if (!type_is_block(&w->type)) return bits;
  const struct blocked *b = &w->type.block;
  int64_t blocks = w->shape[0] * block_count(b, w->init->count / w->shape[0]);
  return bits + blocks * (b->span ? bits_unsigned(b->span) : 0);
}

static int64_t all_weight_bits(const struct graph *g) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) sum += weight_bits(g, &g->nodes[i]);
  return sum;
}

static void put_row(const struct quantized *q, struct listing *t, const char *name,
                    const struct value *y, const struct node *n) {
  const struct graph *g = q->model.fixed;
  const struct layer_loss *l = loss_of(&q->losses, name), *widest = loss_of(&q->widest, name);
  const struct value *w = n && op_is(n->op, TRAIT_WEIGHTS) ? node_in(g, n, 1) : NULL;
  bool sums = w != NULL && type_is_integer(&y->type);
  listing_row(t, (struct figure[FIELDS]){
                     {.text = name},
                     {.text = type_text(q->arena, &y->type)},
                     {.text = w ? type_text(q->arena, &w->type) : ""},
                     {.real = l ? run_snr_db(l) : NAN},
                     {.real = widest ? run_snr_db(widest) : NAN},
                     {.real = l ? (double)l->of.saturated / (double)l->of.elements : NAN},
                     {.real = l ? l->of.noise / (double)l->of.elements : NAN},
                     {.count = sums ? interval_bits(interval_node(g, n, KNOWN_PROVEN)) : 0},
                     {.count = n ? weight_bits(g, n) : 0}});
}

// What isn't compared has no columns for it.
static struct listing layers_of(const struct quantized *q) {
  bool compared = q->losses.n_losses > 0, both = q->widest.n_losses > 0;
  const struct field fields[FIELDS] = {
      {"<layer", "name", FIELD_NAME, 0, 0},
      {"<stream", "stream", FIELD_TEXT, 0, 0},
      {"<weights", "weight_type", FIELD_TEXT, 0, 0},
      {compared ? "SNR dB" : NULL, "snr_db", FIELD_REAL, 2, 2},
      {both ? "if all fits" : NULL, "snr_db_max", FIELD_REAL, 2, 2},
      {compared ? "saturated %" : NULL, "saturated", FIELD_SHARE, 3, 6},
      {NULL, "mse", FIELD_REAL, -1, -1},
      {"accumulator", "accumulator_bits", FIELD_SOME, 0, 0},
      {"weight bits", "weight_bits", FIELD_SOME, 0, 0}};
  const struct graph *g = q->model.fixed;
  struct listing t = listing_new(q->arena, arena_copy(q->arena, fields, sizeof fields), FIELDS);
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    const struct value *x = &g->values[g->inputs[i].value];
    put_row(q, &t, x->name, x, NULL);
  }
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].n_out)
      put_row(q, &t, g->nodes[i].name, node_out(g, &g->nodes[i], 0), &g->nodes[i]);
  return t;
}

static void put_json(const struct quantized *q, struct text *t) {
  const struct options *o = q->options;
  struct listing layers = layers_of(q);
  text_puts(t, "{\"model\":");
  json_put_string(t, o->model);
  text_puts(t, ",\"output\":");
  json_put_string(t, q->output);
  text_puts(t, ",\"method\":");
  if (q->model.calibrated)
    json_put_string(t, o->method ? o->method : calibrate_method_text(CALIBRATE_GPTQ));
  else
    text_puts(t, "null");
  text_printf(t, ",\"images\":%lld,\"layers\":[",
              (long long)(q->model.calibrated ? q->model.calibrated->count : 0));
  listing_put_json(&layers, t);
  text_puts(t, "]");
  json_put_figure(t, "accuracy", 6, accuracy(&q->fixed));
  json_put_figure(t, "float_accuracy", 6, accuracy(&q->real));
  text_printf(t, ",\"weight_memory_bits\":%lld", (long long)all_weight_bits(q->model.fixed));
  warnings_put_json(t, &q->model.warnings);
  text_puts(t, "}\n");
}

static void put_text(const struct quantized *q, struct text *t) {
  const struct images *set = q->model.calibrated;
  struct listing layers = layers_of(q);
  text_put_escaped(t, q->output);
  text_printf(t, ": %lld bits of weights", (long long)all_weight_bits(q->model.fixed));
  if (set) {
    text_printf(t, ", by %s on %lld images of ",
                q->options->method ? q->options->method : calibrate_method_text(CALIBRATE_GPTQ),
                (long long)set->count);
    text_put_escaped(t, set->name);
  }
  text_puts(t, "\n");
  if (isfinite(accuracy(&q->fixed)))
    text_printf(t, "accuracy  %.2f %% (in floats %.2f %%) of %lld images\n",
                100 * accuracy(&q->fixed), 100 * accuracy(&q->real), (long long)q->fixed.set.count);
  text_puts(t, "\n");
  listing_put(&layers, t);
}

static bool make(struct quantized *q, struct err *e) {
  const struct options *o = q->options;
  if (!command_model(q->arena, o, &q->model, e)) return false;
  if (!q->model.real)
    return err_set(e, "%s: the model is quantised already, its types can't be chosen again",
                   o->model);
  if (!q->model.fixed) return err_set(e, COMMAND_FLOAT, o->model);
  if (q->model.calibrated && find_losses(q, &q->model, &q->losses) &&
      !(o->method && strcmp(o->method, "max") == 0))
    find_widest(q);
  if (o->data.count && (!judge(q, false, &q->fixed, e) || !judge(q, true, &q->real, e)))
    return false;
  return model_write(q->output, q->model.fixed, e);
}

int command_quantize(struct arena *a, const struct options *o, struct err *e) {
  struct quantized q = {.arena = a, .options = o, .output = o->output ? o->output : "model.bin"};
  struct text t = {0};
  if (!make(&q, e)) return EXIT_USER;
  if (o->json)
    put_json(&q, &t);
  else
    put_text(&q, &t);
  if (t.size) fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
