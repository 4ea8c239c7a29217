// SPDX-License-Identifier: Apache-2.0
// run: the C model on a data set. Accuracy, speed, and per layer what quantisation has cost
// against the float model, where there is one.
#include "cmd/command.h"
#include "sw/base/json.h"
#include "sw/base/pool.h"
#include "sw/base/progress.h"
#include "sw/base/table_text.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/safetensors.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { BLOCK = 2048, COMPARED_MAX = 1 << 14 }; // images per call; that losses are taken from

struct loss {
  const char *name;
  double signal, noise; // sums of squares
  int64_t saturated, elements;
};

struct run {
  struct arena *arena;
  const struct graph *graph; // that is executed
  const struct graph *real;  // to compare with, or NULL
  struct images set;
  int64_t batch; // images per call
  const char *executor;
  uint32_t output;  // value
  int64_t elements; // of the output
  double *outputs;  // (images, elements) integers or floats
  double seconds;
  uint32_t n_losses;
  struct loss *losses;
  int64_t correct;
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool run_real(struct run *r, bool quiet, struct err *e) {
  struct progress p;
  float *y = ARENA_NEW(r->arena, float, r->set.count * r->elements);
  progress_start(&p, "run", r->set.count, quiet);
  double begin = now();
  for (int64_t i = 0; i < r->set.count; i += r->batch) {
    int64_t count = r->set.count - i < r->batch ? r->set.count - i : r->batch;
    struct real_tap tap = {r->output, y + i * r->elements};
    const uint8_t *pixels = r->set.pixels ? r->set.pixels + i * r->set.elements : NULL;
    const float *floats = r->set.floats ? r->set.floats + i * r->set.elements : NULL;
    if (!real_run(r->graph, count, pixels, floats, &tap, 1, e)) return false;
    progress_update(&p, i + count);
  }
  r->seconds = now() - begin;
  progress_end(&p);
  for (int64_t i = 0; i < r->set.count * r->elements; i++) r->outputs[i] = (double)y[i];
  return true;
}

static void run_block(struct run *r, const struct golden *m, int64_t first, int64_t count,
                      const struct golden_tap *taps, uint32_t n_taps) {
  struct arena a = {0};
  if (r->set.pixels)
    golden_run_pixels(m, count, r->set.pixels + first * r->set.elements, taps, n_taps);
  else
    golden_run_codes(m, count, command_codes(&a, r->graph, &r->set, first, count), taps, n_taps);
  arena_free(&a);
}

static void run_golden(struct run *r, const struct golden *m, bool quiet) {
  struct progress p;
  int32_t *y = ARENA_NEW(r->arena, int32_t, r->set.count * r->elements);
  progress_start(&p, "run", r->set.count, quiet);
  double begin = now();
  for (int64_t i = 0; i < r->set.count; i += r->batch) {
    int64_t count = r->set.count - i < r->batch ? r->set.count - i : r->batch;
    struct golden_tap tap = {r->output, y + i * r->elements};
    run_block(r, m, i, count, &tap, 1);
    progress_update(&p, i + count);
  }
  r->seconds = now() - begin;
  progress_end(&p);
  const struct type *t = &r->graph->values[r->output].type;
  for (int64_t i = 0; i < r->set.count * r->elements; i++)
    r->outputs[i] = (double)type_code(t, y[i]);
}

static void run_plain(struct run *r, bool quiet) {
  struct progress p;
  const struct value *x = &r->graph->values[r->graph->inputs[0].value];
  struct golden_ref *ref = golden_ref_new(r->arena, r->graph, 1);
  int64_t *codes = ARENA_NEW(r->arena, int64_t, value_elements(x));
  const int64_t *inputs[1] = {codes};
  progress_start(&p, "run", r->set.count, quiet);
  double begin = now();
  for (int64_t i = 0; i < r->set.count; i++) {
    struct arena a = {0};
    const int32_t *given = command_codes(&a, r->graph, &r->set, i, 1);
    for (int64_t k = 0; k < r->set.elements; k++) codes[k] = given[k];
    golden_ref_step(ref, inputs);
    const int64_t *y = golden_ref_value(ref, r->output);
    for (int64_t k = 0; k < r->elements; k++) r->outputs[i * r->elements + k] = (double)y[k];
    arena_free(&a);
    progress_update(&p, i + 1);
  }
  r->seconds = now() - begin;
  progress_end(&p);
}

// ---- losses against the float model

static void add_loss(struct loss *l, const struct type *t, const int32_t *codes, const float *x,
                     int64_t count) {
  double scale = type_scale(t, 0);
  int64_t zero = type_zero(t, 0);
  double lowest = ((double)(type_lowest(t) - zero) - 0.5) * scale;
  double highest = ((double)(type_highest(t) - zero) + 0.5) * scale;
  for (int64_t i = 0; i < count; i++) {
    double v = (double)x[i], error = (double)(type_code(t, codes[i]) - zero) * scale - v;
    l->signal += v * v;
    l->noise += error * error;
    l->saturated += v < lowest || v > highest;
  }
  l->elements += count;
}

// The layers that both graphs have: same node name, an integer output that isn't an index.
static uint32_t pair_layers(struct run *r, struct golden_tap *taps, struct real_tap *real_taps,
                            int64_t images) {
  const struct graph *g = r->graph;
  uint32_t n = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *node = &g->nodes[i];
    const struct value *y = node_out(g, node, 0);
    int32_t twin = y ? graph_find_value(r->real, y->name) : NONE;
    if (twin == NONE || r->real->values[twin].type.cls != TYPE_REAL || y->type.axis >= 0) continue;
    taps[n].value = node->out[0];
    taps[n].to = ARENA_NEW(r->arena, int32_t, value_elements(y) * images);
    real_taps[n].value = (uint32_t)twin;
    real_taps[n].to = ARENA_NEW(r->arena, float, value_elements(y) * images);
    r->losses[n++].name = node->name;
  }
  return n;
}

static bool run_losses(struct run *r, const struct golden *m, struct err *e) {
  int64_t images = r->set.count < COMPARED_MAX ? r->set.count : COMPARED_MAX;
  struct golden_tap *taps = ARENA_NEW(r->arena, struct golden_tap, r->graph->n_nodes);
  struct real_tap *real_taps = ARENA_NEW(r->arena, struct real_tap, r->graph->n_nodes);
  r->losses = ARENA_NEW(r->arena, struct loss, r->graph->n_nodes);
  r->n_losses = pair_layers(r, taps, real_taps, BLOCK);
  for (int64_t i = 0; i < images; i += BLOCK) {
    int64_t count = images - i < BLOCK ? images - i : BLOCK;
    const uint8_t *pixels = r->set.pixels ? r->set.pixels + i * r->set.elements : NULL;
    const float *floats = r->set.floats ? r->set.floats + i * r->set.elements : NULL;
    run_block(r, m, i, count, taps, r->n_losses);
    if (!real_run(r->real, count, pixels, floats, real_taps, r->n_losses, e)) return false;
    for (uint32_t k = 0; k < r->n_losses; k++) {
      const struct value *v = &r->graph->values[taps[k].value];
      add_loss(&r->losses[k], &v->type, taps[k].to, real_taps[k].to, count * value_elements(v));
    }
  }
  return true;
}

// ---- reporting

static bool write_outputs(const struct run *r, const char *path, struct err *e) {
  const struct value *y = &r->graph->values[r->output];
  bool real = y->type.cls == TYPE_REAL;
  int64_t shape[2] = {r->set.count, r->elements};
  enum dtype integers = type_highest(&y->type) > INT32_MAX ? DTYPE_I64 : DTYPE_I32;
  struct tensor *out = tensor_new(r->arena, real ? DTYPE_F32 : integers, 2, shape);
  struct tensor *label = tensor_new(r->arena, DTYPE_I32, 1, shape);
  for (int64_t i = 0; i < out->count; i++) {
    if (real)
      ((float *)out->data)[i] = (float)r->outputs[i];
    else
      tensor_set_int(out, i, (int64_t)r->outputs[i]);
  }
  for (int64_t i = 0; r->set.has_labels && i < r->set.count; i++)
    tensor_set_int(label, i, r->set.labels[i]);
  struct named_tensor tensors[2] = {{"output", out}, {"label", label}};
  struct text scale = {0};
  json_put_real(&scale, type_scale(&y->type, 0));
  const char *metadata[2][2] = {{"scale", scale.data},
                                {"zero", arena_printf(r->arena, "%d", type_zero(&y->type, 0))}};
  struct safetensors file = {r->set.has_labels ? 2 : 1, tensors, real ? 0 : 2, metadata};
  bool ok = safetensors_write(path, &file, e);
  text_free(&scale);
  return ok;
}

static double snr_db(const struct loss *l) {
  return l->noise > 0 && l->signal > 0 ? 10 * log10(l->signal / l->noise) : INFINITY;
}

static void print_json(const struct run *r, const char *model) {
  struct text t = {0};
  text_puts(&t, "{\"model\":");
  json_put_string(&t, model);
  text_printf(&t, ",\"executor\":\"%s\",\"images\":%lld", r->executor, (long long)r->set.count);
  if (r->set.has_labels)
    text_printf(&t, ",\"correct\":%lld,\"accuracy\":%.6f", (long long)r->correct,
                (double)r->correct / (double)r->set.count);
  else
    text_puts(&t, ",\"correct\":null,\"accuracy\":null");
  text_printf(&t, ",\"images_per_second\":%.0f,\"outputs\":%lld,\"layers\":[",
              (double)r->set.count / r->seconds, (long long)r->elements);
  for (uint32_t i = 0; i < r->n_losses; i++) {
    const struct loss *l = &r->losses[i];
    text_puts(&t, i ? ",{\"name\":" : "{\"name\":");
    json_put_string(&t, l->name);
    if (isfinite(snr_db(l)))
      text_printf(&t, ",\"snr_db\":%.2f", snr_db(l));
    else
      text_puts(&t, ",\"snr_db\":null");
    text_printf(&t, ",\"saturated\":%.6f}", (double)l->saturated / (double)l->elements);
  }
  text_puts(&t, "]}\n");
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

static void print_text(const struct run *r, const char *model) {
  struct text t = {0};
  text_put_escaped(&t, model);
  text_printf(&t, ", %s, %lld images of ", r->executor, (long long)r->set.count);
  text_put_escaped(&t, r->set.name);
  text_puts(&t, "\n");
  if (r->set.has_labels)
    text_printf(&t, "accuracy  %.2f %% (%lld correct)\n",
                100 * (double)r->correct / (double)r->set.count, (long long)r->correct);
  text_printf(&t, "speed     %.0f images/s\n", (double)r->set.count / r->seconds);
  if (r->n_losses) {
    struct table_text table = table_text_new(r->arena, "<layer|SNR dB|saturated %");
    for (uint32_t i = 0; i < r->n_losses; i++)
      table_text_row(&table, "%s|%.2f|%.3f", table_text_name(r->arena, r->losses[i].name),
                     snr_db(&r->losses[i]),
                     100 * (double)r->losses[i].saturated / (double)r->losses[i].elements);
    text_puts(&t, "\nagainst the float model:\n");
    table_text_print(&table, &t);
  }
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

static bool execute(struct run *r, const struct options *o, const struct model *m, struct err *e) {
  int threads;
  if (!pool_threads(&threads, e)) return false;
  bool real = o->real || !m->fixed;
  r->graph = real ? m->real : m->fixed;
  r->real = real ? NULL : m->real;
  r->executor = real ? "real" : o->plain ? "golden_ref" : "golden";
  if (!command_images(r->arena, o, r->graph, o->images, &r->set, e)) return false;
  if (r->graph->n_outputs != 1)
    return err_set(e, "%s: %u outputs, expected 1", o->model, r->graph->n_outputs);
  r->output = r->graph->outputs[0];
  r->elements = value_elements(&r->graph->values[r->output]);
  r->outputs = ARENA_NEW(r->arena, double, r->set.count * r->elements);
  if (real) return run_real(r, o->quiet, e);
  struct golden *golden = golden_new(r->arena, r->graph, e);
  if (!golden) return err_within(e, "%s", o->model);
  golden_threads(golden, threads);
  if (o->plain)
    run_plain(r, o->quiet);
  else
    run_golden(r, golden, o->quiet);
  return !r->real || run_losses(r, golden, e);
}

int command_run(struct arena *a, const struct options *o, struct err *e) {
  struct model m;
  struct run r = {.arena = a, .batch = o->batch ? o->batch : BLOCK};
  if (!command_model(a, o, &m, e)) return EXIT_USER;
  if (o->real && !m.real) {
    err_put(e, "%s: the model holds integers only, there is no float model to run", o->model);
    return EXIT_USER;
  }
  if (!execute(&r, o, &m, e)) {
    if (!strstr(e->text, o->model)) err_put_within(e, "%s", o->model);
    return EXIT_USER;
  }
  r.correct = command_correct(&r.set, r.set.count, r.outputs, r.elements);
  if (o->output && !write_outputs(&r, o->output, e)) return EXIT_USER;
  if (o->json)
    print_json(&r, o->model);
  else
    print_text(&r, o->model);
  return EXIT_GOOD;
}
