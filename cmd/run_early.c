// SPDX-License-Identifier: Apache-2.0
// run --early-exit: net 1 of an ensemble on every image, the others only on those where its two
// best outputs are closer than the margin.
//
//   images --> [net 1] --> margin? --far apart-------------> answer of net 1
//                             | close: image and outputs
//                             +--> [the other nets, sums] --> answer of all
#include "cmd/run.h"

#include "sw/base/clock.h"
#include "sw/base/json.h"
#include "sw/base/progress.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/slice.h"
#include "sw/pass/ensemble.h"

#include <math.h>
#include <string.h>

// One half of the graph in its executor.
struct half {
  const struct graph *graph;
  struct golden *golden; // NULL: floats
  struct real *real;
};

struct early {
  struct run *run;
  struct half first, rest;
  struct verdict verdict; // of net 1
  int64_t classes;        // elements of an output
  double *y;              // (classes)
};

// ---- one half

static bool start(struct arena *a, struct half *h, bool real, int threads, struct err *e) {
  if (real) {
    h->real = real_new(a, h->graph, e);
    if (h->real) real_threads(a, h->real, threads);
    return h->real;
  }
  const bool *keep = ARENA_NEW(a, bool, h->graph->n_values);
  h->golden = golden_planned(a, h->graph, keep, e);
  if (h->golden) golden_threads(a, h->golden, threads);
  return h->golden;
}

static void stop(struct half *h) {
  if (h->real) real_free(h->real);
  golden_free(h->golden);
}

// x: pixels (count, elements), or if there are none numbers, codes or floats; y (count, classes).
static void compute(const struct half *h, int64_t count, const uint8_t *pixels, const void *x,
                    void *y) {
  uint32_t out = h->graph->outputs[0];
  const struct golden_tap codes = {out, y};
  const struct real_tap floats = {out, y};
  if (h->real)
    real_run(h->real, count, pixels, x, &floats, 1);
  else if (pixels)
    golden_run_pixels(h->golden, count, pixels, &codes, 1);
  else
    golden_run_codes(h->golden, count, x, &codes, 1);
}

// ---- images

// What net 1 sees of images first .. as codes or floats, NULL if a number is beyond these.
static const void *enter(struct arena *a, const struct early *s, int64_t first, int64_t count,
                         struct err *e) {
  const struct images *set = &s->run->set;
  if (s->first.golden) return images_codes(a, s->first.graph, set, first, count);
  float *x = ARENA_NEW(a, float, count * set->elements);
  return images_floats(s->first.graph, set, first, count, x, e) ? x : NULL;
}

// An image's outputs as numbers, in s->y.
static void read_outputs(const struct early *s, const struct verdict *v, const void *y,
                         int64_t at) {
  if (s->first.golden)
    verdict_reals(v, (const int32_t *)y + at * s->classes, s->y);
  else
    for (int64_t c = 0; c < s->classes; c++)
      s->y[c] = (double)((const float *)y)[at * s->classes + c];
}

static void *row(const struct early *s, int64_t image) {
  const struct tensor *t = s->run->outputs[0].tensor;
  return (char *)t->data + (size_t)(image * s->classes) * dtype_size(t->dtype);
}

// The outputs of net 1 in s->y become those of the image; codes are those of the graph's output.
static void answer_alone(const struct early *s, int64_t image) {
  const struct verdict *v = &s->run->verdict;
  for (int64_t c = 0; c < s->classes; c++) {
    int64_t channel = v->type->axis < 0 ? 0 : c / v->inner % v->type->channels;
    if (s->first.golden)
      ((int32_t *)row(s, image))[c] = (int32_t)type_encode_channel(v->type, channel, s->y[c]);
    else
      ((float *)row(s, image))[c] = (float)s->y[c];
  }
  s->run->exit->nets[image] = 1;
  verdict_judge(&s->verdict, &s->run->answers, image, s->y, &s->run->score);
}

// All nets on `n` images; y is what net 1 gave for the images from `block` on.
static bool answer_together(const struct early *s, int64_t block, int64_t n, const int64_t *at,
                            const char *y, struct err *e) {
  struct arena a = {0};
  enum { SIZE = sizeof(int32_t) }; // a float's, too
  size_t image = (size_t)s->run->set.elements * SIZE, outputs = (size_t)s->classes * SIZE;
  char *both = ARENA_NEW(&a, char, (image + outputs) * (size_t)n);
  char *sums = ARENA_NEW(&a, char, outputs *(size_t)n);
  bool ok = true;
  for (int64_t i = 0; ok && i < n; i++) {
    struct arena one = {0};
    char *to = both + (size_t)i * (image + outputs);
    const void *x = enter(&one, s, block + at[i], 1, e);
    ok = x;
    if (ok) memcpy(to, x, image);
    memcpy(to + image, y + (size_t)at[i] * outputs, outputs);
    arena_free(&one);
  }
  if (ok) compute(&s->rest, n, NULL, both, sums);
  for (int64_t i = 0; ok && i < n; i++) {
    memcpy(row(s, block + at[i]), sums + (size_t)i * outputs, outputs);
    read_outputs(s, &s->run->verdict, sums, i);
    s->run->exit->nets[block + at[i]] = (int32_t)s->run->exit->all;
    verdict_judge(&s->run->verdict, &s->run->answers, block + at[i], s->y, &s->run->score);
  }
  s->run->exit->needed += n;
  arena_free(&a);
  return ok;
}

static bool run_block(const struct early *s, int64_t first, int64_t count, struct err *e) {
  struct arena a = {0};
  const struct images *set = &s->run->set;
  const uint8_t *pixels = set->pixels ? set->pixels + first * set->elements : NULL;
  const void *x = pixels ? NULL : enter(&a, s, first, count, e);
  int32_t *y = ARENA_NEW(&a, int32_t, count * s->classes); // or floats
  int64_t *at = ARENA_NEW(&a, int64_t, count), n = 0;
  bool ok = pixels || x;
  if (ok) compute(&s->first, count, pixels, x, y);
  for (int64_t i = 0; ok && i < count; i++) {
    read_outputs(s, &s->verdict, y, i);
    if (verdict_margin(&s->verdict, s->y) < s->run->exit->margin)
      at[n++] = i;
    else
      answer_alone(s, first + i);
  }
  if (n) ok = answer_together(s, first, n, at, (const char *)y, e);
  arena_free(&a);
  return ok;
}

// ---- the whole

static bool prepare(struct run *r, const struct options *o, struct early *s, struct err *e) {
  struct ensemble of;
  double margin;
  if (!ensemble_find(r->graph, &of, e) || !command_margin(o, &margin, e)) return false;
  if (r->sequence) return err_set(e, "--early-exit: a model of slices runs as a whole");
  if (o->plain) return err_set(e, "--early-exit: --plain runs the model as a whole");
  if (isnan(margin)) margin = of.margin;
  if (isnan(margin))
    return err_set(e, "--early-exit: the model keeps no margin: give --margin M, in units of its "
                      "outputs");
  s->first.graph = ensemble_first(r->arena, r->graph, &of);
  s->rest.graph = ensemble_rest(r->arena, r->graph, &of);
  s->verdict = verdict_of(s->first.graph);
  s->classes = s->verdict.elements;
  s->y = ARENA_NEW(r->arena, double, s->classes);
  if (!verdict_compares(&s->verdict))
    return err_set(e, "--early-exit: output \"%s\" of net 1 isn't one number per class",
                   s->verdict.name);
  r->exit = ARENA_NEW(r->arena, struct early_exit, 1);
  *r->exit = (struct early_exit){.margin = margin,
                                 .all = of.nets,
                                 .macs_first = graph_macs(s->first.graph),
                                 .macs_rest = graph_macs(s->rest.graph),
                                 .nets = ARENA_NEW(r->arena, int32_t, r->set.count)};
  return true;
}

bool run_early(struct run *r, const struct options *o, bool real, int threads, struct err *e) {
  struct early s = {.run = r};
  struct progress p;
  if (!prepare(r, o, &s, e)) return false;
  bool ok =
      start(r->arena, &s.first, real, threads, e) && start(r->arena, &s.rest, real, threads, e);
  progress_start(&p, "run", r->set.count, o->quiet);
  double begin = clock_seconds();
  for (int64_t i = 0; ok && i < r->set.count; i += r->batch) {
    int64_t count = r->set.count - i < r->batch ? r->set.count - i : r->batch;
    ok = run_block(&s, i, count, e);
    progress_update(&p, i + count);
  }
  r->seconds = clock_seconds() - begin;
  progress_end(&p);
  stop(&s.first);
  stop(&s.rest);
  return ok;
}

// ---- what is said of it

static double share(const struct run *r) {
  return (double)r->exit->needed / (double)r->set.count;
}

static double mean_macs(const struct run *r) {
  return (double)r->exit->macs_first + share(r) * (double)r->exit->macs_rest;
}

void run_early_put(const struct run *r, struct text *t) {
  const struct early_exit *x = r->exit;
  text_printf(t, "margin    %.6g: %.2f %% of the images (%lld) need net%s 2", x->margin,
              100 * share(r), (long long)x->needed, x->all > 2 ? "s" : "");
  if (x->all > 2) text_printf(t, " %s %u", x->all > 3 ? "to" : "and", x->all);
  text_printf(t, "\nMACs      %.0f an image, %.2f times net 1 (%lld); all nets %lld\n",
              mean_macs(r), mean_macs(r) / (double)x->macs_first, (long long)x->macs_first,
              (long long)(x->macs_first + x->macs_rest));
}

void run_early_put_json(const struct run *r, struct text *t) {
  const struct early_exit *x = r->exit;
  text_printf(t, ",\"early_exit\":{\"margin\":");
  json_put_real(t, x->margin);
  text_printf(t, ",\"nets\":%u,\"needed\":%lld", x->all, (long long)x->needed);
  json_put_figure(t, "share", 6, share(r));
  json_put_figure(t, "macs", 1, mean_macs(r));
  text_printf(t, ",\"macs_first\":%lld,\"macs_all\":%lld}", (long long)x->macs_first,
              (long long)(x->macs_first + x->macs_rest));
}
