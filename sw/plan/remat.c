// SPDX-License-Identifier: Apache-2.0
// From choices to a plan that the replay has judged: its decisions are issued as early as they can
// be, and played again at the times at which they started.
#include "sw/plan/remat_parts.h"

// Sums of fractions of bytes may differ by as much in another order.
static const double SLACK = 1e-6;
// Ms from which on loads go ahead, as parts of the work of all runs; the first is searched with.
static const double HORIZONS[] = {24, 64, 8, 0};
enum { N_HORIZONS = sizeof HORIZONS / sizeof *HORIZONS };

// What no plan of these runs goes below: all of the work, each parameter there and what is left of
// it back, and the inputs of sources.
static void find_bound(const struct remat_net *n, struct remat_plan *r) {
  double work[REPLAY_DEVICES] = {0};
  const double *rate = n->plan->rate;
  for (uint32_t i = 0; i < n->plan->n_operators; i++) {
    const struct remat_op *x = &n->ops[i];
    double in = (double)x->o->bytes[REPLAY_PARAM];
    if (!x->o->n_from) in += (double)x->o->bytes[REPLAY_INPUT];
    for (int k = 0; k < REPLAY_RUNS; k++) work[REPLAY_CPU] += x->runs[k].ms;
    work[REPLAY_IN] += in / rate[REPLAY_IN];
    work[REPLAY_OUT] += x->kept_bytes / rate[REPLAY_OUT];
  }
  for (int d = 0; d < REPLAY_DEVICES; d++)
    if (!d || work[d] > r->bound) {
      r->bound = work[d];
      r->binds = (enum replay_device)d;
    }
}

struct remat_need remat_need(const struct remat_net *n) {
  struct arena a = {0};
  struct remat_runs runs;
  uint8_t *choice = ARENA_NEW(&a, uint8_t, n->n_values);
  memset(choice, REMAT_SPILL, n->n_values);
  remat_runs_new(&runs, n, &a);
  remat_runs_make(&runs, choice);
  const struct remat_run *most = &runs.runs[runs.most];
  struct remat_need need = {most->used, most->takes + most->extra, (enum replay_action)most->kind,
                            most->op};
  arena_free(&a);
  return need;
}

double remat_least(const struct remat_net *n) {
  return ceil(remat_need(n).bytes - SLACK);
}

bool remat_least_of(struct arena *a, const struct replay_plan *p, double *bytes, struct err *e) {
  struct remat_net n;
  if (!remat_net_make(&n, a, p, e)) return false;
  *bytes = remat_least(&n);
  return true;
}

// With nothing kept that can be elsewhere.
static void find_least(struct remat_runs *runs, struct remat_plan *r, double limit) {
  const struct remat_net *n = runs->net;
  uint8_t *choice = ARENA_NEW(n->arena, uint8_t, n->n_values);
  remat_runs_make(runs, choice);
  r->all_kept = runs->runs[runs->most].used;
  struct remat_need need = remat_need(n);
  r->least = ceil(need.bytes - SLACK);
  r->full = arena_printf(n->arena, "%s %s needs %.15g more, %.15g of %.15g in use",
                         n->plan->operators[need.op].name, replay_action_names[need.kind],
                         need.more, need.bytes - need.more, limit);
}

static double play(struct remat_runs *runs, struct remat_play *p, const uint8_t *choice,
                   double part, double limit) {
  remat_runs_make(runs, choice);
  p->horizon = part > 0 ? runs->all / part : (double)INFINITY;
  return remat_play_run(p, runs, limit, (double)INFINITY);
}

static void note_choices(const struct remat_runs *runs, const uint8_t *choice,
                         struct remat_plan *r) {
  const struct remat_net *n = runs->net;
  static const int blocks[] = {REPLAY_INPUT, REPLAY_PARAM, REPLAY_OUTPUT, REPLAY_PASS_GRAD};
  r->waits = ARENA_NEW(n->arena, struct remat_wait, n->n_values);
  memset(r->count, 0, sizeof r->count);
  r->n_waits = 0;
  for (uint32_t v = 0; v < n->n_values; v++) {
    double bytes = remat_bytes(runs, v);
    if (!(bytes > 0)) continue; // nobody reads it later
    const struct remat_value *x = &n->values[v];
    r->waits[r->n_waits++] = (struct remat_wait){.op = x->op,
                                                 .block = blocks[x->kind],
                                                 .choice = (enum remat_choice)choice[v],
                                                 .bytes = bytes};
    r->count[choice[v]]++;
  }
}

// The decisions of the best choice that was found; false: none fits.
static bool decide(struct remat_runs *runs, struct remat_play *p, double limit,
                   const struct remat_plan *from, struct remat_plan *r) {
  uint8_t *choice;
  double best = (double)INFINITY, part = 0;
  remat_runs_make(runs, ARENA_NEW(runs->net->arena, uint8_t, runs->net->n_values));
  p->horizon = runs->all / HORIZONS[0];
  if (!(choice = remat_search(runs, p, limit, from ? from->choice : NULL))) return false;
  for (int k = 0; k < N_HORIZONS; k++) {
    double time = play(runs, p, choice, HORIZONS[k], limit);
    if (time >= best) continue;
    best = time;
    part = HORIZONS[k];
  }
  play(runs, p, choice, part, limit);
  remat_list(runs->net->arena, runs, p, &r->plan);
  r->recomputed = runs->recomputed;
  r->spilt = runs->spilt;
  r->n_values = runs->net->n_values;
  r->choice = choice;
  note_choices(runs, choice, r);
  return true;
}

// Issues the decisions, and plays them at their times. False: they don't fit, by a rounding.
static bool settle(struct arena *a, struct remat_plan *r, uint32_t version, struct err *e) {
  const struct replay_mode *correct = &replay_modes[1], *issue = &replay_modes[2];
  struct replay_plan p = r->plan;
  struct replay_result result;
  p.version = version;
  if (!replay_run(a, &p, issue, &result, e) || result.refused) return false;
  double total = result.total;
  remat_sort(a, &p, result.started);
  if (!replay_run(a, &p, correct, &result, e) || result.refused || result.total != total)
    return false;
  r->plan = p;
  r->total = total;
  r->peak = result.peak;
  r->accuracy = result.accuracy;
  memcpy(r->busy, result.busy, sizeof r->busy);
  return true;
}

// The rules that hold whatever is planned: with room for everything only those are left.
static bool is_sound(struct arena *a, const struct remat_plan *r, struct err *e) {
  struct replay_plan p = r->plan;
  struct replay_result result;
  p.version = REPLAY_VERSION_MAX;
  p.limit = (double)INFINITY;
  if (!replay_run(a, &p, &replay_modes[REPLAY_MODES - 1], &result, e)) return false;
  return !result.refused || err_set(e, "%s: %s%s%s", result.refused, result.op ? result.op : "",
                                    result.op ? ": " : "", result.why);
}

bool remat_make(struct arena *a, const struct replay_plan *p, const struct remat_plan *from,
                struct remat_plan *r, struct err *e) {
  struct remat_net net;
  struct remat_runs runs;
  struct remat_play clock;
  *r = (struct remat_plan){.plan = *p};
  if (!remat_net_make(&net, a, p, e)) return false;
  remat_runs_new(&runs, &net, a);
  remat_play_new(&clock, &runs, 0);
  r->cut = net.cut;
  find_bound(&net, r);
  find_least(&runs, r, p->limit);
  if (r->least > p->limit)
    return err_set(e, "no plan fits: %s; the least that works is %.15g", r->full, r->least);
  const double limits[] = {p->limit + SLACK, p->limit, p->limit - SLACK};
  for (int k = 0; k < 3; k++) {
    if (!decide(&runs, &clock, limits[k], from, r)) continue;
    r->trials = clock.trials;
    if (!is_sound(a, r, e)) return false;
    // Version 1 has another order at one time, which runs that take none can miss.
    if (!r->count[REMAT_AGAIN] && settle(a, r, 1, e)) return true;
    if (settle(a, r, 2, e)) return true;
    if (e->text[0]) return false;
  }
  return err_set(e, "%.15g bytes are what a plan needs to within roundings: give it one more",
                 p->limit);
}
