// SPDX-License-Identifier: Apache-2.0
// Which values are kept, spilt or made again. From "keep all" the choice is taken, again and again,
// that removes excess at the least time per byte-ms, until nothing is above the limit; then, and
// from "spill all" or what is made again between checkpoints, choices are exchanged, one or two at
// once, as long as that is faster.
#include "sw/plan/remat_parts.h"

#include <stdlib.h>

// Work is counted in runs that are looked at, so that the same file gives the same plan everywhere.
static const double SPILT_SHARE = 0.2;
static const int64_t WORK_USUAL = 24000000, SIZE_USUAL = 1000000, MORE_MOST = 2;
enum { STEPS_SHARE = 32 }; // of the steps that are known, taken at once
enum { NEIGHBORS = 24 };   // values apart of two that are exchanged at once

struct search {
  struct remat_runs *runs;
  struct remat_play *play;
  double limit;
  int64_t work, most;
  uint32_t *may; // (n_values) bits of choices
};

static double trial(struct search *s, const uint8_t *choice, double limit, double below) {
  remat_runs_make(s->runs, choice);
  s->work += s->runs->n_runs;
  if (s->runs->runs[s->runs->most].used > limit) return (double)INFINITY;
  return remat_play_run(s->play, s->runs, limit, below);
}

static bool is_over(const struct search *s) {
  return s->work > s->most;
}

static void find_choices(struct search *s) {
  const struct remat_net *n = s->runs->net;
  for (uint32_t v = 0; v < n->n_values; v++) {
    const struct remat_value *x = &n->values[v];
    bool again = x->kind == WAIT_INPUT && n->ops[x->op].n_before;
    s->may[v] = 1 << REMAT_KEEP | 1 << REMAT_SPILL | (again ? 1 << REMAT_AGAIN : 0);
  }
}

// ---- from "keep all"

struct step {
  uint32_t value;
  uint8_t choice;
  double price; // ms per byte-ms
};

static int by_price(const void *a, const void *b) {
  const struct step *x = a, *y = b;
  if (x->price != y->price) return x->price < y->price ? -1 : 1;
  if (x->value != y->value) return x->value < y->value ? -1 : 1;
  return (x->choice > y->choice) - (x->choice < y->choice);
}

// Ms as if there were room for everything, and a part of what its spilt bytes take on the channels:
// beside others' they delay, which one step alone doesn't show.
static double price_of(struct search *s, const uint8_t *choice) {
  const double *rate = s->runs->net->plan->rate;
  double time = trial(s, choice, (double)INFINITY, (double)INFINITY);
  return time + SPILT_SHARE * s->runs->spilt * (1 / rate[REPLAY_OUT] + 1 / rate[REPLAY_IN]);
}

// All choices that remove excess, the cheapest first.
static uint32_t find_steps(struct search *s, uint8_t *choice, struct step *steps) {
  double price = price_of(s, choice), excess = remat_excess(s->runs, s->limit);
  uint32_t count = 0;
  for (uint32_t v = 0; v < s->runs->net->n_values && !is_over(s); v++) {
    uint8_t was = choice[v];
    for (uint8_t c = 0; c < REMAT_CHOICES; c++) {
      if (c == was || !(s->may[v] >> c & 1)) continue;
      choice[v] = c;
      double with = price_of(s, choice);
      double gone = excess - remat_excess(s->runs, s->limit);
      if (gone > 0) steps[count++] = (struct step){v, c, (with - price) / gone};
    }
    choice[v] = was;
  }
  if (count) qsort(steps, count, sizeof *steps, by_price);
  return count;
}

static double excess_of(struct search *s, const uint8_t *choice) {
  remat_runs_make(s->runs, choice);
  s->work += s->runs->n_runs / 2;
  return remat_excess(s->runs, s->limit);
}

// Takes the cheapest steps, a few before their prices are found anew. False: stuck.
static bool descend(struct search *s, uint8_t *choice, struct step *steps) {
  double excess = excess_of(s, choice);
  while (excess > 0) {
    uint32_t count = find_steps(s, choice, steps), taken = 0;
    for (uint32_t k = 0; k < count && excess > 0 && taken < 1 + count / STEPS_SHARE; k++) {
      uint8_t was = choice[steps[k].value];
      choice[steps[k].value] = steps[k].choice;
      double with = excess_of(s, choice);
      if (with < excess)
        taken++, excess = with;
      else
        choice[steps[k].value] = was;
    }
    if (!taken || is_over(s)) return false;
  }
  return true;
}

// ---- exchanges

static bool exchange_one(struct search *s, uint8_t *choice, double *time) {
  bool better = false;
  for (uint32_t v = 0; v < s->runs->net->n_values && !is_over(s); v++)
    for (uint8_t c = 0; c < REMAT_CHOICES; c++) {
      uint8_t was = choice[v];
      if (c == was || !(s->may[v] >> c & 1)) continue;
      choice[v] = c;
      double with = trial(s, choice, s->limit, *time);
      if (with < *time) {
        *time = with;
        better = true;
      } else {
        choice[v] = was;
      }
    }
  return better;
}

static bool exchange_pair(struct search *s, uint8_t *choice, double *time, uint32_t v, uint32_t w) {
  for (uint8_t c = 0; c < REMAT_CHOICES; c++)
    for (uint8_t d = 0; d < REMAT_CHOICES; d++) {
      uint8_t was[] = {choice[v], choice[w]};
      if (c == was[0] || d == was[1] || !(s->may[v] >> c & 1) || !(s->may[w] >> d & 1)) continue;
      choice[v] = c;
      choice[w] = d;
      double with = trial(s, choice, s->limit, *time);
      if (with < *time) {
        *time = with;
        return true;
      }
      choice[v] = was[0];
      choice[w] = was[1];
    }
  return false;
}

static bool exchange_two(struct search *s, uint8_t *choice, double *time) {
  bool better = false;
  uint32_t count = s->runs->net->n_values;
  for (uint32_t v = 0; v < count; v++)
    for (uint32_t w = v + 1; w < count && w <= v + NEIGHBORS && !is_over(s); w++)
      better = exchange_pair(s, choice, time, v, w) || better;
  return better;
}

static void exchange(struct search *s, uint8_t *choice, double *time) {
  do
    while (exchange_one(s, choice, time)) {
    }
  while (!is_over(s) && exchange_two(s, choice, time));
}

// ---- from checkpoints

// All inputs are made again but every so many-th, which is kept or spilt, as parameters are.
static void checkpoints(const struct search *s, uint8_t *choice, uint32_t apart, uint8_t inputs,
                        uint8_t others) {
  for (uint32_t v = 0, count = 0; v < s->runs->net->n_values; v++) {
    bool again = s->may[v] >> REMAT_AGAIN & 1;
    choice[v] = again ? REMAT_AGAIN : others;
    if (s->runs->net->values[v].kind == WAIT_INPUT && (!again || count++ % apart == 0))
      choice[v] = inputs;
  }
}

// The fastest of these, if it is faster than what there is: a start where exchanges, one by one,
// would be too many.
static void try_checkpoints(struct search *s, uint8_t *best, double *time) {
  uint32_t count = s->runs->net->n_values;
  uint8_t *choice = ARENA_NEW(s->runs->net->arena, uint8_t, count);
  for (uint32_t apart = 2; apart <= count; apart += 1 + apart / 4)
    for (uint8_t kinds = 0; kinds < 4; kinds++) {
      checkpoints(s, choice, apart, kinds & 1 ? REMAT_SPILL : REMAT_KEEP,
                  kinds & 2 ? REMAT_SPILL : REMAT_KEEP);
      double with = trial(s, choice, s->limit, *time);
      if (with >= *time) continue;
      *time = with;
      memcpy(best, choice, count);
    }
}

// Of how much work a search may do: more where a trial is long and choices are many.
static int64_t work_of(const struct remat_runs *r, const uint8_t *from) {
  int64_t size = (int64_t)r->net->n_values * r->runs_room / SIZE_USUAL;
  int64_t work = WORK_USUAL * (size < 1 ? 1 : size > MORE_MOST ? MORE_MOST : size);
  return from ? work / 3 : work;
}

// A choice that exchanges go on from, as long as not more than a share of the work is done.
struct start {
  uint8_t *choice;
  double time, share;
};

static void go_on(struct search *s, struct start *x, int64_t work) {
  s->most = (int64_t)(x->share * (double)work);
  if (x->time < (double)INFINITY) exchange(s, x->choice, &x->time);
}

uint8_t *remat_search(struct remat_runs *r, struct remat_play *p, double limit,
                      const uint8_t *from) {
  uint32_t count = r->net->n_values;
  struct arena *a = r->net->arena;
  struct search s = {.runs = r, .play = p, .limit = limit, .most = INT64_MAX};
  struct start kept = {ARENA_NEW(a, uint8_t, count), (double)INFINITY, 0.5};
  struct start fixed = {ARENA_NEW(a, uint8_t, count), (double)INFINITY, 0.75};
  struct start given = {ARENA_NEW(a, uint8_t, count), (double)INFINITY, 1};
  s.may = ARENA_NEW(a, uint32_t, count);
  find_choices(&s);
  if (from && count)
    memcpy(given.choice, from, count);
  else
    memset(given.choice, REMAT_SPILL, count);
  given.time = trial(&s, given.choice, limit, (double)INFINITY);
  if (given.time == (double)INFINITY) return NULL;
  int64_t work = work_of(r, from);
  s.most = work / 2;
  if (descend(&s, kept.choice, ARENA_NEW(a, struct step, 2 * count)))
    kept.time = trial(&s, kept.choice, limit, (double)INFINITY);
  go_on(&s, &kept, work);
  fixed.time = given.time;
  if (!from) try_checkpoints(&s, fixed.choice, &fixed.time);
  if (fixed.time < given.time && work > WORK_USUAL) { // one of them, with all that is left
    given = fixed;
    given.share = 1;
  } else if (fixed.time < given.time) {
    go_on(&s, &fixed, work);
  }
  go_on(&s, &given, work);
  if (fixed.time < given.time) given = fixed;
  return kept.time <= given.time ? kept.choice : given.choice;
}
