// SPDX-License-Identifier: Apache-2.0
// plan --sweep of a training step: time against fast memory, from the least that works up to what
// keeps everything.
#include "cmd/picture.h"
#include "cmd/plan_steps.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/base/progress.h"

#include <math.h>

enum { LIMITS = 17, FIELDS = 8 };

struct curve {
  struct arena *arena;
  const struct options *options;
  uint32_t count;
  struct remat_plan plans[LIMITS + 1]; // the smallest first, each faster than the one before
};

static const struct field fields[FIELDS] = {
    {"fast bytes", NULL, FIELD_COUNT, 0, 0},    {"total ms", NULL, FIELD_REAL, 4, 0},
    {"above bound %", NULL, FIELD_SHARE, 1, 0}, {"recomputed", NULL, FIELD_REAL, 4, 0},
    {"spilt bytes", NULL, FIELD_COUNT, 0, 0},   {"kept", NULL, FIELD_COUNT, 0, 0},
    {"spilt", NULL, FIELD_COUNT, 0, 0},         {"made again", NULL, FIELD_COUNT, 0, 0},
};

// A plan needs what is in use at most, whatever the limit was.
static void add(struct curve *c, const struct remat_plan *r) {
  while (c->count && c->plans[c->count - 1].peak >= r->peak &&
         c->plans[c->count - 1].total >= r->total)
    c->count--;
  if (c->count && c->plans[c->count - 1].total <= r->total) return;
  c->plans[c->count] = *r;
  c->plans[c->count++].plan.limit = ceil(r->peak);
}

// With limits that grow by one factor, each search from what the one before found.
static bool find(struct curve *c, const struct replay_plan *p, struct err *e) {
  struct progress line;
  struct replay_plan q = *p;
  struct remat_plan all, last;
  q.limit = REMAT_UNLIMITED;
  if (!remat_make(c->arena, &q, NULL, &all, e)) return false;
  double factor = all.least > 0 ? pow(all.peak / all.least, 1.0 / (LIMITS - 1)) : 1;
  double limit = all.least;
  progress_start(&line, "limits", LIMITS, c->options->quiet || c->options->json);
  bool ok = true;
  for (int k = 0; ok && k < LIMITS && limit < all.peak; k++, limit *= factor) {
    struct remat_plan r;
    q.limit = floor(limit);
    ok = remat_make(c->arena, &q, k ? &last : NULL, &r, e);
    if (!ok) break;
    last = r;
    add(c, &r);
    progress_update(&line, k + 1);
  }
  progress_end(&line);
  if (ok) add(c, &all);
  return ok;
}

static void put_text(struct curve *c, struct text *t) {
  struct listing table = listing_new(c->arena, fields, FIELDS);
  for (uint32_t i = 0; i < c->count; i++) {
    const struct remat_plan *r = &c->plans[i];
    listing_row(&table,
                (struct figure[FIELDS]){{.count = (int64_t)ceil(r->peak)},
                                        {.real = r->total},
                                        {.real = r->bound > 0 ? r->total / r->bound - 1 : 0},
                                        {.real = r->recomputed},
                                        {.count = (int64_t)r->spilt},
                                        {.count = r->count[REMAT_KEEP]},
                                        {.count = r->count[REMAT_SPILL]},
                                        {.count = r->count[REMAT_AGAIN]}});
  }
  text_put_escaped(t, c->plans->plan.name);
  text_printf(t,
              ": %u plans, none both faster and smaller than another; no plan is below %.4f ms\n\n",
              c->count, c->plans->bound);
  listing_put(&table, t);
}

static void put_json(const struct curve *c, struct text *t) {
  text_puts(t, "{\"plan\":");
  json_put_string(t, c->plans->plan.name);
  text_puts(t, ",\"plans\":[");
  for (uint32_t i = 0; i < c->count; i++) {
    struct text one = {0};
    plan_steps_figures(&one, &c->plans[i]);
    text_printf(t, "%s{%s}", i ? ",\n" : "\n", one.data + 1);
    text_free(&one);
  }
  text_puts(t, "]}\n");
}

static void put_script(const struct curve *c, struct text *t) {
  text_puts(t, "set terminal svg size 640,400 dynamic font 'sans-serif,12' name 'plan' noenhanced\n"
               "set title '");
  plan_put_title(t, c->plans->plan.name);
  text_puts(t, "'\nset xlabel 'KiB of fast memory'\nset ylabel 'ms'\nset logscale x 2\n"
               "set yrange [0:*]\nset grid\nset key off\n");
  text_printf(t,
              "plot '-' using 1:2 with steps lc 1, '-' using 1:2 with points lc 1 pt 7 ps 0.4, "
              "%.17g with lines lc 2 dt 2\n",
              c->plans->bound);
  for (int twice = 0; twice < 2; twice++) {
    for (uint32_t i = 0; i < c->count; i++)
      text_printf(t, "%.17g %.17g\n", c->plans[i].peak / 1024, c->plans[i].total);
    text_puts(t, "e\n");
  }
}

static bool draw(const struct curve *c, struct err *e) {
  struct text script = {0};
  if (!picture_possible())
    command_note(c->options, "--svg %s: gnuplot isn't installed, no picture is made",
                 c->options->svg);
  put_script(c, &script);
  bool ok = picture_draw(c->options->svg, &script, e);
  text_free(&script);
  return ok;
}

int plan_steps_sweep(struct arena *a, const struct options *o, const struct replay_plan *p,
                     struct err *e) {
  struct curve *c = ARENA_NEW(a, struct curve, 1);
  struct replay_plan q = plan_steps_asked(o, p);
  struct text t = {0};
  c->arena = a;
  c->options = o;
  if (!find(c, &q, e)) return err_put_within(e, "%s", o->model), EXIT_USER;
  if (o->svg && !draw(c, e)) return EXIT_USER;
  if (o->json)
    put_json(c, &t);
  else
    put_text(c, &t);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
