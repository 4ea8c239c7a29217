// SPDX-License-Identifier: Apache-2.0
// What images show: the codes of each layer beside the float model's numbers, and the answers.
#include "cmd/report.h"
#include "cmd/run.h"
#include "sw/base/pool.h"
#include "sw/exec/golden.h"

#include <math.h>
#include <string.h>

enum { IMAGES_DEFAULT = 1000, BLOCK = 256 };

// ---- the layers

// The name of a layer in the user's file: of a folder's that of the cell.
static const char *name_of(const struct report *r, const struct layer_loss *l) {
  const struct circuit *p = r->circuit;
  for (uint32_t i = 0; r->folder && i < p->n_cells; i++)
    if (r->page.names[i] && p->graph->nodes[p->cells[i].node].out[0] == l->value)
      return r->page.names[i];
  return l->name;
}

static void set_streams(struct report *r, const struct run *run) {
  struct page_stream *s = ARENA_NEW(r->arena, struct page_stream, run->n_losses);
  for (uint32_t i = 0; i < run->n_losses; i++) {
    const struct layer_loss *l = &run->losses[i];
    const struct histogram *h = l->histogram;
    bool real = l->of.elements > 0;
    s[i] = (struct page_stream){.name = name_of(r, l),
                                .type = type_text(r->arena, &run->graph->values[l->value].type),
                                .snr = real ? run_snr_db(l) : NAN,
                                .saturated =
                                    real ? (double)l->of.saturated / (double)l->of.elements : NAN,
                                .least = h->least,
                                .most = h->most,
                                .lowest = h->lowest,
                                .step = h->step,
                                .bins = h->bins,
                                .count = h->count};
  }
  r->page.streams.images = run->set.count;
  r->page.streams.count = run->n_losses;
  r->page.streams.stream = s;
}

// Beside the float model if there is one that can be run, otherwise alone.
static bool find_streams(struct report *r, struct run *run, const struct golden *m, int threads) {
  struct err e = {0};
  run->histograms = true;
  if (!run->real) r->page.streams.why_real = "the model holds integers only";
  bool ok = run_losses(run, m, threads, &e);
  if (!ok && run->real) {
    r->page.streams.why_real = arena_strdup(r->arena, e.text);
    run->real = NULL;
    golden_restart(m);
    ok = run_losses(run, m, threads, &e);
  }
  if (ok) set_streams(r, run);
  golden_restart(m);
  return ok;
}

// ---- the answers

struct judge {
  struct report *report;
  const struct run *run;
  struct verdict verdict;
  struct answers answers;
  struct score score;
  int64_t *confusion; // (n_classes, n_classes)
  double *y;          // (elements) of the output
  struct page_wrong *wrong;
};

// The pixels of an image that can be shown as a picture.
static const uint8_t *pixels_of(const struct images *set, int64_t image) {
  int64_t channels = set->rank == 3 ? set->shape[2] : set->rank == 2 ? 1 : 0;
  bool picture = (channels == 1 || channels == 3) && set->shape[0] > 1 && set->shape[1] > 1 &&
                 set->elements <= 1 << 15;
  return set->pixels && picture ? set->pixels + image * set->elements : NULL;
}

static int64_t class_of(const struct judge *j, const int32_t *codes) {
  const struct verdict *v = &j->verdict;
  for (int64_t k = 0; k < v->elements; k++) {
    int64_t c = v->type->axis < 0 ? 0 : k / v->inner % v->type->channels;
    j->y[k] = type_value(v->type, c, type_code(v->type, codes[k]));
  }
  return verdict_class(v, j->y);
}

static void judge_image(struct judge *j, int64_t image, const int32_t *codes) {
  struct page_answers *to = &j->report->page.answers;
  verdict_judge_codes(&j->verdict, &j->answers, image, codes, &j->score);
  if (!j->answers.classes) return;
  int64_t label = j->answers.classes[image], answer = class_of(j, codes), n = to->n_classes;
  if (label >= 0 && label < n && answer >= 0 && answer < n) j->confusion[label * n + answer]++;
  if (label == answer) return;
  if (to->n_wrong < PAGE_WRONG)
    j->wrong[to->n_wrong] =
        (struct page_wrong){image, label, answer, pixels_of(&j->run->set, image)};
  to->n_wrong++;
}

static void judge_all(struct judge *j, const struct golden *m) {
  const struct images *set = &j->run->set;
  for (int64_t i = 0; i < set->count; i += BLOCK) {
    struct arena a = {0};
    int64_t count = set->count - i < BLOCK ? set->count - i : BLOCK;
    struct golden_tap tap = {j->verdict.value, ARENA_NEW(&a, int32_t, count * j->verdict.elements)};
    golden_run_codes(m, count, images_codes(&a, j->run->graph, set, i, count), &tap, 1);
    for (int64_t k = 0; k < count; k++) judge_image(j, i + k, tap.to + k * j->verdict.elements);
    arena_free(&a);
  }
}

// Those that an answer or a label names; 0: too many for a table.
static int64_t count_classes(const struct judge *j) {
  int64_t n = verdict_compares(&j->verdict)          ? j->verdict.elements
              : j->verdict.kind == VERDICT_THRESHOLD ? 2
                                                     : type_highest(j->verdict.type) + 1;
  for (int64_t i = 0; j->verdict.kind == VERDICT_INDEX && i < j->run->set.count; i++)
    if (!i || j->answers.classes[i] >= n) n = j->answers.classes[i] + 1;
  return n > PAGE_CLASSES ? 0 : n;
}

static void set_answers(struct judge *j) {
  struct page_answers *to = &j->report->page.answers;
  const struct images *set = &j->run->set;
  to->data = set->name;
  to->images = set->count;
  to->correct = j->score.correct;
  to->classes = j->answers.classes != NULL;
  to->r2 = verdict_r2(&j->verdict, &j->answers, &j->score);
  to->mae = verdict_mae(&j->verdict, &j->answers, &j->score);
  to->confusion = j->confusion;
  to->wrong = j->wrong;
  to->height = set->shape[0];
  to->width = set->rank > 1 ? set->shape[1] : 1;
  to->channels = set->rank > 2 ? set->shape[2] : 1;
}

static bool find_answers(struct report *r, const struct run *run, const struct golden *m,
                         struct err *e) {
  struct judge j = {.report = r, .run = run, .verdict = verdict_of(run->graph)};
  if (!verdict_answers(r->arena, &j.verdict, &run->set, &j.answers, e)) return false;
  if (!j.answers.classes && !j.answers.targets) {
    r->page.answers.why =
        arena_printf(r->arena, "%s has no labels that the output answers", run->set.name);
    return true;
  }
  int64_t n = j.answers.classes ? count_classes(&j) : 0;
  r->page.answers.n_classes = n;
  j.confusion = ARENA_NEW(r->arena, int64_t, n * n);
  j.wrong = ARENA_NEW(r->arena, struct page_wrong, PAGE_WRONG);
  j.y = ARENA_NEW(r->arena, double, j.verdict.elements);
  judge_all(&j, m);
  set_answers(&j);
  return true;
}

// ---- the whole

// False and no message: the images aren't the user's choice, and the page says why.
static bool open_images(struct report *r, struct run *run, struct err *e) {
  const struct options *o = r->options;
  struct err why = {0};
  int64_t images = o->images ? o->images : IMAGES_DEFAULT;
  if (command_images(r->arena, o, r->circuit->graph, images, &run->set, &why)) return true;
  if (o->data.count) return err_set(e, "%s: %s", o->model, why.text);
  r->page.streams.why = r->page.answers.why =
      arena_printf(r->arena, "%s (--data SET gives images that fit)", why.text);
  return false;
}

bool report_data(struct report *r, struct err *e) {
  struct run run = {.arena = r->arena,
                    .graph = r->circuit->graph,
                    .real = r->model.real,
                    .warnings = &r->model.warnings};
  struct err why = {0};
  int threads;
  if (!pool_threads(&threads, e)) return false;
  if (!open_images(r, &run, e)) return !e->text[0];
  command_warn_input(r->arena, r->options, run.graph, &run.set, run.warnings);
  struct golden *m = golden_new(r->arena, run.graph, &why);
  if (!m) {
    r->page.streams.why = r->page.answers.why = arena_strdup(r->arena, why.text);
    return true;
  }
  golden_threads(r->arena, m, threads);
  uint32_t before = run.warnings->count;
  if (!find_streams(r, &run, m, threads)) r->page.streams.why = r->page.streams.why_real;
  command_warn(r->options, run.warnings, before);
  bool ok = find_answers(r, &run, m, &why);
  if (!ok && !r->options->data.count) r->page.answers.why = arena_strdup(r->arena, why.text);
  golden_free(m);
  return ok || !r->options->data.count || err_set(e, "%s: %s", r->options->model, why.text);
}
