// SPDX-License-Identifier: Apache-2.0
#include "sw/train/boost.h"

#include "sw/base/crew.h"
#include "sw/base/progress.h"
#include "sw/exec/real.h"
#include "sw/train/fit_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1024, GRAPHS = 2 }; // images per call; nets that are asked together

struct boost {
  struct arena *arena;
  struct fit_options options; // those of net 1
  struct fit_data data;
  bool quiet;
};

// Nets that answer for images one block after the other.
struct panel {
  struct arena arena;
  const struct boost *boost;
  uint32_t n;
  const struct graph *graph[GRAPHS];
  struct real *real[GRAPHS];
  struct crew *crew;
  float *x, *t, *work;    // (BLOCK, elements), (threads, classes) that nobody reads, (threads, ..)
  float *y[GRAPHS];       // (BLOCK, classes)
  double *reals;          // (classes)
  struct fit_pick *block; // (BLOCK)
  int64_t count;          // images of the block
};

// ---- asking nets

static bool panel_start(struct panel *p, const struct boost *b, uint32_t n,
                        const struct graph *const *graphs, struct err *e) {
  int threads = b->options.threads;
  *p = (struct panel){.boost = b, .n = n};
  struct arena *a = &p->arena;
  p->crew = crew_new(a, threads);
  p->x = ARENA_NEW(a, float, BLOCK * b->data.elements);
  p->t = ARENA_NEW(a, float, threads * b->data.classes);
  p->work = ARENA_NEW(a, float, threads * b->data.work);
  p->reals = ARENA_NEW(a, double, b->data.classes);
  p->block = ARENA_NEW(a, struct fit_pick, BLOCK);
  for (uint32_t i = 0; i < n; i++) {
    p->graph[i] = graphs[i];
    p->y[i] = ARENA_NEW(a, float, BLOCK * b->data.classes);
    p->real[i] = real_new(a, graphs[i], e);
    if (!p->real[i]) return false;
    real_threads(a, p->real[i], threads);
  }
  return true;
}

static void panel_end(struct panel *p) {
  for (uint32_t i = 0; i < p->n; i++)
    if (p->real[i]) real_free(p->real[i]);
  crew_free(p->crew);
  arena_free(&p->arena);
}

static void enter(void *context, int share) {
  struct panel *p = context;
  const struct fit_data *d = &p->boost->data;
  int shares = crew_threads(p->crew);
  for (int64_t i = p->count * share / shares; i < p->count * (share + 1) / shares; i++)
    fit_data_enter(d, p->block[i].epoch, p->block[i].image, p->x + i * d->elements,
                   p->t + share * d->classes, p->work + share * d->work);
}

// Outputs of all nets for the images of the block.
static void panel_ask(struct panel *p) {
  crew_run(p->crew, enter, p);
  for (uint32_t i = 0; i < p->n; i++)
    real_run(p->real[i], p->count, NULL, p->x, &(struct real_tap){p->graph[i]->outputs[0], p->y[i]},
             1);
}

// Of image i of the block, by net k: its outputs in p->reals, and the class.
static int64_t panel_class(struct panel *p, uint32_t k, int64_t i) {
  const struct fit_data *d = &p->boost->data;
  for (int64_t c = 0; c < d->classes; c++) p->reals[c] = (double)p->y[k][i * d->classes + c];
  return verdict_class(&d->verdict, p->reals);
}

static int32_t label(const struct panel *p, int64_t i) {
  return p->boost->data.answers.classes[p->block[i].image];
}

// ---- candidates

struct boost *boost_new(struct arena *a, const struct graph *model, const struct images *set,
                        const struct fit_options *o, bool quiet, struct err *e) {
  struct boost *b = ARENA_NEW(a, struct boost, 1);
  *b = (struct boost){.arena = a, .options = *o, .quiet = quiet};
  const char *output = model->values[model->outputs[0]].name;
  b->data = fit_data_new(a, model, output, set, &b->options);
  if (!fit_data_check(&b->data, e)) return NULL;
  if (b->data.answers.classes && verdict_compares(&b->data.verdict)) return b;
  err_put(e,
          "boosting is about classes with an output each: output \"%s\" has %lld elements, the "
          "labels are %s",
          output, (long long)b->data.classes, b->data.answers.classes ? "classes" : "targets");
  return NULL;
}

static int64_t epochs_of(const struct boost *b) {
  return distort_is_none(&b->options.distort) ? 1 : BOOST_EPOCHS;
}

// Images of one kind, in the order in which they were found.
struct kind {
  int64_t wanted, found;
  struct fit_pick *pick; // (wanted) the first ones
};

static struct kind kind_new(const struct boost *b, int64_t wanted) {
  return (struct kind){.wanted = wanted, .pick = ARENA_NEW(b->arena, struct fit_pick, wanted)};
}

static void kind_add(struct kind *k, struct fit_pick pick) {
  if (k->found < k->wanted) k->pick[k->found] = pick;
  k->found++;
}

static bool is_short(const struct kind *k) {
  return k->found < k->wanted;
}

// Sorts the candidates of some epochs into kinds[0] and kinds[1] until there are as many as wanted.
static int64_t search(struct panel *p, int64_t first_epoch, struct kind kinds[2],
                      int (*sort)(struct panel *p, int64_t i)) {
  const struct boost *b = p->boost;
  int64_t images = b->data.trained, looked = 0, most = epochs_of(b) * images;
  int64_t *order = ARENA_NEW(&p->arena, int64_t, images);
  struct progress shown;
  progress_start(&shown, "looking", most, b->quiet);
  while (looked < most && (is_short(&kinds[0]) || is_short(&kinds[1]))) {
    int64_t epoch = first_epoch + looked / images, at = looked % images;
    if (at == 0) fit_order(b->options.seed, epoch, images, order);
    p->count = images - at < BLOCK ? images - at : BLOCK;
    for (int64_t i = 0; i < p->count; i++) p->block[i] = (struct fit_pick){order[at + i], epoch};
    panel_ask(p);
    for (int64_t i = 0; i < p->count; i++) kind_add(&kinds[sort(p, i)], p->block[i]);
    looked += p->count;
    progress_update(&shown, looked);
  }
  progress_end(&shown);
  return looked;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

// Those of a kind, in turn, as entries of a list.
static void append(struct boost_list *l, struct fit_pick *entries, const struct kind *k) {
  int64_t there = least(k->found, k->wanted);
  for (int64_t i = 0; i < k->wanted; i++) entries[l->picks.count++] = k->pick[i % there];
  l->distinct += there;
}

static int is_right(struct panel *p, int64_t i) {
  return panel_class(p, 0, i) == label(p, i);
}

static int agree(struct panel *p, int64_t i) {
  return panel_class(p, 0, i) == panel_class(p, 1, i);
}

static const char *more_of(const struct boost *b) {
  return distort_is_none(&b->options.distort)
             ? "distort the images (--distort), give it more of them, train it for fewer epochs or "
               "take a smaller one"
             : "distort the images more, give it more of them, train it for fewer epochs or take a "
               "smaller one";
}

bool boost_mix(struct boost *b, const struct graph *net1, struct boost_list *out, struct err *e) {
  struct panel p;
  int64_t images = b->data.trained;
  struct kind kinds[2] = {kind_new(b, images / 2), kind_new(b, images - images / 2)};
  bool ok = panel_start(&p, b, 1, &net1, e);
  int64_t looked = ok ? search(&p, b->options.epochs, kinds, is_right) : 0;
  panel_end(&p);
  if (!ok) return false;
  if (kinds[0].found < BOOST_FEWEST)
    return err_set(e,
                   "net 1 gets %lld of %lld candidates wrong, fewer than the %d that make a mix "
                   "for net 2: %s",
                   (long long)kinds[0].found, (long long)looked, BOOST_FEWEST, more_of(b));
  if (kinds[1].found < BOOST_FEWEST)
    return err_set(e,
                   "net 1 gets %lld of %lld candidates right, fewer than the %d that make a mix "
                   "for net 2: train it for more epochs, or with another --rate",
                   (long long)kinds[1].found, (long long)looked, BOOST_FEWEST);
  struct fit_pick *entries = ARENA_NEW(b->arena, struct fit_pick, images);
  *out = (struct boost_list){
      .picks = {0, entries, b->options.seed}, .candidates = looked, .found = kinds[0].found};
  append(out, entries, &kinds[0]);
  append(out, entries, &kinds[1]);
  return true;
}

bool boost_disputes(struct boost *b, const struct graph *net1, const struct graph *net2,
                    struct boost_list *out, struct err *e) {
  struct panel p;
  int64_t images = b->data.trained;
  struct kind kinds[2] = {kind_new(b, images), kind_new(b, 0)};
  bool ok = panel_start(&p, b, 2, (const struct graph *[]){net1, net2}, e);
  int64_t looked = ok ? search(&p, b->options.epochs + BOOST_EPOCHS, kinds, agree) : 0;
  panel_end(&p);
  if (!ok) return false;
  if (kinds[0].found < BOOST_FEWEST)
    return err_set(e,
                   "nets 1 and 2 disagree on %lld of %lld candidates, fewer than the %d that net 3 "
                   "is trained on: %s",
                   (long long)kinds[0].found, (long long)looked, BOOST_FEWEST, more_of(b));
  struct fit_pick *entries = ARENA_NEW(b->arena, struct fit_pick, images);
  *out = (struct boost_list){
      .picks = {0, entries, b->options.seed}, .candidates = looked, .found = kinds[0].found};
  append(out, entries, &kinds[0]);
  return true;
}

// ---- the margin

// An image that helps to choose.
struct seen {
  double margin;
  bool alone, together; // right
};

static int by_margin(const void *a, const void *b) {
  double x = ((const struct seen *)a)->margin, y = ((const struct seen *)b)->margin;
  return (x > y) - (x < y);
}

// From no image for all nets to all of them, from the closest on.
static void choose(struct seen *seen, struct boost_margin *m) {
  int64_t i = 0;
  qsort(seen, (size_t)m->images, sizeof *seen, by_margin);
  m->both = m->alone;
  while (m->both < m->together) {
    double closest = seen[i].margin;
    for (; i < m->images && seen[i].margin == closest; i++)
      m->both += seen[i].together - seen[i].alone;
    m->margin = i < m->images ? seen[i].margin : nextafter(closest, INFINITY);
  }
  m->needed = i;
}

static void look(struct panel *p, int64_t first_image, int64_t epoch, struct seen *seen,
                 struct boost_margin *m) {
  const struct boost *b = p->boost;
  struct progress shown;
  progress_start(&shown, "choosing", m->images, b->quiet);
  for (int64_t at = 0; at < m->images; at += p->count) {
    p->count = least(m->images - at, BLOCK);
    for (int64_t i = 0; i < p->count; i++)
      p->block[i] = (struct fit_pick){first_image + at + i, epoch};
    panel_ask(p);
    for (int64_t i = 0; i < p->count; i++) {
      struct seen *s = &seen[at + i];
      s->together = panel_class(p, 1, i) == label(p, i);
      s->alone = panel_class(p, 0, i) == label(p, i);
      s->margin = verdict_margin(&b->data.verdict, p->reals);
      m->alone += s->alone;
      m->together += s->together;
    }
    progress_update(&shown, at + p->count);
  }
  progress_end(&shown);
}

bool boost_choose(struct boost *b, const struct graph *net1, const struct graph *sum,
                  struct boost_margin *out, struct err *e) {
  struct panel p;
  int64_t watched = b->options.validation;
  struct boost plain = *b; // what is watched isn't distorted
  if (watched) {
    plain.data.distorter = NULL;
    b = &plain;
  }
  *out = (struct boost_margin){.watched = watched, .images = watched ? watched : b->data.trained};
  bool ok = panel_start(&p, b, 2, (const struct graph *[]){net1, sum}, e);
  struct seen *seen = ARENA_NEW(&p.arena, struct seen, out->images);
  if (ok) {
    look(&p, watched ? b->data.trained : 0, b->options.epochs + 2 * BOOST_EPOCHS, seen, out);
    choose(seen, out);
  }
  panel_end(&p);
  return ok;
}
