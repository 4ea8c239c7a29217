// SPDX-License-Identifier: Apache-2.0
// When the runs and transfers of some choices happen, as the replay's `auto` would say, but by
// whole blocks and in one pass: runs and loads start in the order in which they are listed, so that
// only the ends of stores are still to come when the next one is looked at.
#include "sw/plan/remat_parts.h"

void remat_play_new(struct remat_play *p, const struct remat_runs *r, double horizon) {
  struct arena *a = r->net->arena;
  const struct remat_net *n = r->net;
  uint32_t count = n->plan->n_operators;
  *p = (struct remat_play){.horizon = horizon};
  p->used = ARENA_NEW(a, double, r->runs_room);
  p->gives = ARENA_NEW(a, struct remat_give, count + n->n_values);
  p->ahead = ARENA_NEW(a, uint32_t, 2 * count + n->n_values);
  p->arrives = ARENA_NEW(a, double, 2 * count + n->n_values);
}

struct clock {
  struct remat_play *play;
  const struct remat_runs *runs;
  double limit, rate[REPLAY_DEVICES];
  double now; // when the last load or run started
  double until[REPLAY_DEVICES];
  double used;
  double run_gives;  // at the end of the last run, until[REPLAY_CPU]; 0: given back
  uint32_t given;    // of the stores, in order
  uint32_t n_stores; // that have been issued
  uint32_t load;     // the next
  uint32_t due;      // the first whose run hasn't started
  uint32_t full;     // a run before which nothing more can be loaded ahead, + 1
};

// What has ended until a time is given back.
static void give_back(struct clock *c, double at) {
  if (c->run_gives > 0 && c->until[REPLAY_CPU] <= at) {
    c->used -= c->run_gives;
    c->run_gives = 0;
  }
  for (; c->given < c->n_stores && c->play->gives[c->given].at <= at; c->given++)
    c->used -= c->play->gives[c->given].bytes;
}

// The next end at which bytes come back; INFINITY: none does.
static double next_end(const struct clock *c) {
  double at = c->given < c->n_stores ? c->play->gives[c->given].at : (double)INFINITY;
  return c->run_gives > 0 && c->until[REPLAY_CPU] < at ? c->until[REPLAY_CPU] : at;
}

// Bytes in use at a time that hasn't come yet.
static double used_at(const struct clock *c, double at) {
  double used = c->used;
  if (c->run_gives > 0 && c->until[REPLAY_CPU] <= at) used -= c->run_gives;
  for (uint32_t k = c->given; k < c->n_stores && c->play->gives[k].at <= at; k++)
    used -= c->play->gives[k].bytes;
  return used;
}

// Starts what takes bytes, at a time or when they fit. False: they never do.
static bool start(struct clock *c, double at, double bytes) {
  give_back(c, at);
  while (bytes > 0 && c->used + bytes > c->limit) {
    at = next_end(c);
    if (at == (double)INFINITY) return false;
    give_back(c, at);
  }
  c->now = at;
  c->used += bytes;
  return true;
}

static double most(double a, double b) {
  return a > b ? a : b;
}

static double load_time(const struct clock *c, const struct remat_move *m) {
  double at = most(c->now, c->until[REPLAY_IN]);
  return m->store == REPLAY_NONE ? at : most(at, c->play->gives[m->store].at);
}

static bool load(struct clock *c, uint32_t q) {
  const struct remat_move *m = &c->runs->loads[c->load];
  if (!start(c, load_time(c, m), m->bytes)) return false;
  c->until[REPLAY_IN] = c->now + m->bytes / c->rate[REPLAY_IN];
  c->play->arrives[c->load] = c->until[REPLAY_IN];
  c->play->ahead[c->load++] = q;
  return true;
}

// Whether a load may be issued before run q, which starts at `at` and isn't the one that waits for
// it: without a delay, and if there is room until then.
static bool may_go_ahead(struct clock *c, uint32_t q, double at) {
  const struct remat_move *m = &c->runs->loads[c->load];
  const struct remat_run *runs = c->runs->runs;
  double until = runs[q].left + runs[q].ms - runs[m->run].left - runs[m->run].ms;
  if (q < c->full || until > c->play->horizon) return false;
  if (m->store != REPLAY_NONE && (uint32_t)m->store >= c->n_stores) return false;
  double when = load_time(c, m);
  if (when > at) return false;
  for (uint32_t k = m->run; k-- > q;)
    if (c->play->used[k] + m->bytes > c->limit) {
      c->full = k + 1;
      return false;
    }
  return used_at(c, when) + m->bytes <= c->limit &&
         used_at(c, at) + m->bytes + runs[q].takes + runs[q].extra <= c->limit;
}

static bool load_all(struct clock *c, uint32_t q) {
  const struct remat_runs *r = c->runs;
  for (; c->load < r->n_loads; c->full = 0) {
    const struct remat_move *m = &r->loads[c->load];
    if (m->run != q && !may_go_ahead(c, q, most(c->now, c->until[REPLAY_CPU]))) return true;
    for (uint32_t k = q; k < m->run; k++) c->play->used[k] += m->bytes;
    if (!load(c, q)) return false;
  }
  return true;
}

static void store_all(struct clock *c, uint32_t q) {
  const struct remat_runs *r = c->runs;
  for (; c->n_stores < r->n_stores && r->stores[c->n_stores].run == q; c->n_stores++) {
    double bytes = r->stores[c->n_stores].bytes;
    double at = most(c->until[REPLAY_OUT], c->until[REPLAY_CPU]);
    c->until[REPLAY_OUT] = at + bytes / c->rate[REPLAY_OUT];
    c->play->gives[c->n_stores] = (struct remat_give){c->until[REPLAY_OUT], bytes};
  }
}

double remat_play_run(struct remat_play *p, const struct remat_runs *r, double limit,
                      double below) {
  const struct replay_plan *plan = r->net->plan;
  struct clock c = {.play = p, .runs = r, .limit = limit};
  for (int d = 0; d < REPLAY_DEVICES; d++) c.rate[d] = plan->rate[d];
  for (uint32_t q = 0; q < r->n_runs; q++) p->used[q] = r->runs[q].used;
  p->trials++;
  for (uint32_t q = 0; q < r->n_runs; q++) {
    const struct remat_run *run = &r->runs[q];
    if (run->kind == REPLAY_AGAIN && !run->channels) continue;
    if (!load_all(&c, q)) return (double)INFINITY;
    double at = most(c.now, c.until[REPLAY_CPU]);
    for (; c.due < r->n_loads && r->loads[c.due].run == q; c.due++)
      at = most(at, p->arrives[c.due]);
    if (!start(&c, at, run->takes + run->extra)) return (double)INFINITY;
    c.until[REPLAY_CPU] = c.now + run->ms;
    c.run_gives = run->gives + run->extra;
    if (c.until[REPLAY_CPU] + run->left >= below) return (double)INFINITY;
    store_all(&c, q);
  }
  return most(most(c.until[REPLAY_CPU], c.until[REPLAY_OUT]), c.until[REPLAY_IN]);
}
