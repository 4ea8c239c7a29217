// SPDX-License-Identifier: Apache-2.0
// Sets of pruned channels. Of few channels all sets are planned. Of many, channels are taken one
// after the other by what they save for their loss: first bytes at the run that needs most, until
// it fits, then ms; and the plan that comes of it stands beside those of other sets.
#include "sw/plan/remat_prune.h"

#include "sw/plan/remat_parts.h"

#include <assert.h>
#include <stdlib.h>

struct pruning {
  struct arena *arena;
  const struct replay_plan *plan;
  enum remat_goal goal;
  uint32_t *from; // (n_operators + 1) the first channel of each, of all
  uint32_t of;
  struct remat_pruned *best;
  double best_figure; // ms or bytes
  double least;       // of the sets that fit not
  struct err why;     // of the one that needs least; or that none is accurate
};

// ---- a set as a plan

static struct replay_plan plan_of(const struct pruning *x, struct arena *a, const bool *set) {
  struct replay_plan p = *x->plan;
  struct replay_decision *d = ARENA_NEW(a, struct replay_decision, p.n_operators);
  p.n_decisions = 0;
  p.decisions = d;
  for (uint32_t i = 0; i < p.n_operators; i++) {
    uint32_t out = p.operators[i].out, count = 0, *range = ARENA_NEW(a, uint32_t, out + 2);
    const bool *own = set + x->from[i];
    for (uint32_t c = 0; c < out; c++) {
      if (!own[c]) continue;
      if (!count || range[2 * count - 1] != c) range[2 * count++] = c;
      range[2 * count - 1] = c + 1;
    }
    if (count)
      d[p.n_decisions++] = (struct replay_decision){
          .action = REPLAY_PRUNE, .op = i, .block = REPLAY_NONE, .channels = {count, range}};
  }
  return p;
}

// What is left, in the order in which the replay takes it.
static double accuracy_of(const struct remat_net *n) {
  double lost = 0;
  for (uint32_t k = 0; k < n->plan->n_operators; k++) {
    const struct remat_op *x = &n->ops[n->links.order[k]];
    for (uint32_t c = 0; c < x->o->out; c++)
      if (!mask_has(x->kept, c)) lost += x->o->loss[c];
  }
  return 1 - lost;
}

// Plans a set, and keeps it if it is the best so far. Its figure; NAN: none.
static double consider(struct pruning *x, const bool *set) {
  struct arena *a = x->arena;
  struct replay_plan p = plan_of(x, a, set);
  struct remat_net n;
  struct remat_plan r;
  struct err e = {0};
  if (!remat_net_make(&n, a, &p, &e)) return (double)NAN;
  double accuracy = accuracy_of(&n);
  if (!(accuracy >= p.target)) {
    if (!x->why.text[0]) err_put(&x->why, "accuracy: %.9g, wanted %.9g", accuracy, p.target);
    return (double)NAN;
  }
  if (x->goal == REMAT_MEMORY) p.limit = remat_least(&n);
  x->best->sets++;
  if (!remat_make(a, &p, NULL, &r, &e)) {
    if (r.least < x->least) {
      x->least = r.least;
      x->why = e;
    }
    return (double)NAN;
  }
  double figure = x->goal == REMAT_MEMORY ? p.limit : r.total;
  if (figure < x->best_figure ||
      (figure == x->best_figure &&
       (r.total < x->best->plan.total ||
        (r.total == x->best->plan.total && r.accuracy > x->best->plan.accuracy)))) {
    x->best_figure = figure;
    x->best->plan = r;
    x->best->channels = 0;
    for (uint32_t i = 0; i < p.n_operators; i++)
      x->best->channels += n.ops[i].o->out - n.ops[i].n_kept;
  }
  return figure;
}

// ---- all sets

static void consider_all(struct pruning *x) {
  bool *set = ARENA_NEW(x->arena, bool, x->of);
  x->best->sets = 0;
  for (uint32_t bits = 0; bits >> x->of == 0; bits++) {
    for (uint32_t c = 0; c < x->of; c++) set[c] = bits >> c & 1;
    consider(x, set);
  }
  x->best->exact = true;
}

// ---- channel by channel

// A set that grows, and what is known of it.
struct growth {
  struct pruning *of;
  bool *set;
  struct arena scratch; // of the net
  struct remat_net net;
  double accuracy;
};

static void look(struct growth *g) {
  struct err e = {0};
  arena_free(&g->scratch);
  g->scratch = (struct arena){0};
  struct replay_plan *p = ARENA_NEW(&g->scratch, struct replay_plan, 1);
  *p = plan_of(g->of, &g->scratch, g->set);
  bool ok = remat_net_make(&g->net, &g->scratch, p, &e);
  assert(ok); // as sound as without prunes
  (void)ok;
  g->accuracy = accuracy_of(&g->net);
}

static const double *loss_of(const struct growth *g, uint32_t op) {
  return g->of->plan->operators[op].loss;
}

// The channel of an operator that goes backward for the least loss; UINT32_MAX: none does.
static uint32_t least_lossy(const struct growth *g, uint32_t op) {
  const struct remat_op *x = &g->net.ops[op];
  uint32_t best = UINT32_MAX;
  for (uint32_t c = 0; c < x->o->out; c++)
    if (mask_has(x->kept, c) && (best == UINT32_MAX || x->o->loss[c] < x->o->loss[best])) best = c;
  return best;
}

// Prunes up to `count` channels of an operator, those with the least loss, if that stays accurate;
// else fewer. How many.
static uint32_t prune(struct growth *g, uint32_t op, uint32_t count) {
  uint32_t *taken = ARENA_NEW(g->of->arena, uint32_t, count);
  for (; count; count /= 2) {
    uint32_t done = 0;
    bool *own = g->set + g->of->from[op];
    for (; done < count; done++) {
      uint32_t c = UINT32_MAX;
      for (uint32_t k = 0; k < g->of->plan->operators[op].out; k++)
        if (!own[k] && (c == UINT32_MAX || loss_of(g, op)[k] < loss_of(g, op)[c])) c = k;
      if (c == UINT32_MAX) break;
      own[c] = true;
      taken[done] = c;
    }
    look(g);
    if (g->accuracy >= g->of->plan->target) return done;
    while (done) own[taken[--done]] = false;
    look(g);
  }
  return 0;
}

// Bytes at the backward of `op` that go with a channel of `of`: its own, or a predecessor's.
static double bytes_at(const struct growth *g, uint32_t op, uint32_t of) {
  const struct replay_operator *o = g->net.ops[op].o;
  double bytes = 0;
  if (of != op) {
    for (uint32_t k = 0; k < o->n_from; k++)
      if (o->from[k] == of) bytes += (double)o->bytes[REPLAY_PASS_GRAD] / o->in;
    return bytes;
  }
  bytes = (double)(o->bytes[REPLAY_GRAD] + o->bytes[REPLAY_PARAM]) / o->out +
          o->extra[REPLAY_BACKWARD] / o->out;
  if (o->one) bytes += (double)(o->bytes[REPLAY_INPUT] + o->bytes[REPLAY_PASS_GRAD]) / o->in;
  for (uint32_t t = 0; t < g->net.links.n_to[op]; t++) {
    const struct remat_op *to = &g->net.ops[g->net.links.to[op][t].op];
    if (to->n_kept) bytes += (double)to->o->bytes[REPLAY_PASS_GRAD] / to->o->in;
  }
  return bytes;
}

// The run that needs most becomes smaller, until a limit, or as long as that is possible.
static void save_bytes(struct growth *g, double limit) {
  for (;;) {
    struct remat_need need = remat_need(&g->net);
    if (need.bytes <= limit || need.kind != REPLAY_BACKWARD) return;
    const struct remat_op *x = &g->net.ops[need.op];
    uint32_t best = UINT32_MAX;
    double price = (double)INFINITY;
    for (uint32_t k = 0; k <= x->n_before; k++) {
      uint32_t op = k < x->n_before ? x->before[k] : need.op, c = least_lossy(g, op);
      double bytes = bytes_at(g, need.op, op);
      if (c == UINT32_MAX || !(bytes > 0) || g->net.ops[op].o->loss[c] / bytes >= price) continue;
      price = g->net.ops[op].o->loss[c] / bytes;
      best = op;
    }
    if (best == UINT32_MAX) return;
    uint32_t kept = g->net.ops[best].n_kept, some = 1 + kept / 8;
    if (!prune(g, best, some)) return;
    if (remat_need(&g->net).bytes > need.bytes) return;
  }
}

struct item {
  uint32_t op, channel;
  double loss, price; // loss per ms
};

static int by_price(const void *a, const void *b) {
  const struct item *x = a, *y = b;
  if (x->price != y->price) return x->price < y->price ? -1 : 1;
  if (x->op != y->op) return x->op < y->op ? -1 : 1;
  return (x->channel > y->channel) - (x->channel < y->channel);
}

// Channels that go backward, by their loss per ms of the device that works longest.
static uint32_t list_items(const struct growth *g, struct item *items) {
  const struct replay_plan *p = g->of->plan;
  double cpu = 0, out = 0;
  for (uint32_t i = 0; i < p->n_operators; i++) {
    for (int k = 0; k < REPLAY_RUNS; k++) cpu += g->net.ops[i].runs[k].ms;
    out += g->net.ops[i].kept_bytes / p->rate[REPLAY_OUT];
  }
  uint32_t count = 0;
  for (uint32_t i = 0; i < p->n_operators; i++) {
    const struct replay_operator *o = &p->operators[i];
    double ms = cpu >= out ? o->ms[REPLAY_BACKWARD] + o->ms[REPLAY_OPTIMIZE]
                           : (double)o->bytes[REPLAY_PARAM] / p->rate[REPLAY_OUT];
    for (uint32_t c = 0; c < o->out; c++)
      if (mask_has(g->net.ops[i].kept, c))
        items[count++] = (struct item){
            i, c, o->loss[c], o->loss[c] > 0 ? o->loss[c] * o->out / ms : -(double)INFINITY};
  }
  if (count) qsort(items, count, sizeof *items, by_price);
  return count;
}

// An operator without channels that go backward needs none before it either: the last one goes when
// those before it have gone.
static bool may_go(const struct growth *g, const uint32_t *kept, uint32_t op) {
  const struct remat_op *x = &g->net.ops[op];
  if (kept[op] > 1) return true;
  for (uint32_t k = 0; k < x->n_before; k++)
    if (kept[x->before[k]]) return false;
  return true;
}

static void save_time(struct growth *g) {
  struct arena *a = g->of->arena;
  struct item *items = ARENA_NEW(a, struct item, g->of->of);
  uint32_t *kept = ARENA_NEW(a, uint32_t, g->of->plan->n_operators);
  uint32_t *taken = ARENA_NEW(a, uint32_t, g->of->of), n_taken = 0, count = list_items(g, items);
  double accuracy = g->accuracy;
  for (uint32_t i = 0; i < g->of->plan->n_operators; i++) kept[i] = g->net.ops[i].n_kept;
  for (bool more = true; more;) {
    more = false;
    for (uint32_t k = 0; k < count; k++) {
      bool *one = &g->set[g->of->from[items[k].op] + items[k].channel];
      if (*one || accuracy - items[k].loss < g->of->plan->target) continue;
      if (!may_go(g, kept, items[k].op)) continue;
      *one = more = true;
      kept[items[k].op]--;
      accuracy -= items[k].loss;
      taken[n_taken++] = k;
    }
  }
  look(g);
  while (n_taken && g->accuracy < g->of->plan->target) { // by a rounding
    const struct item *last = &items[taken[--n_taken]];
    g->set[g->of->from[last->op] + last->channel] = false;
    look(g);
  }
}

static void read_own(const struct pruning *x, bool *set) {
  for (uint32_t i = 0; i < x->plan->n_decisions; i++) {
    const struct replay_decision *d = &x->plan->decisions[i];
    for (uint32_t k = 0; d->action == REPLAY_PRUNE && k < d->channels.ranges; k++)
      for (uint32_t c = d->channels.range[2 * k]; c < d->channels.range[2 * k + 1]; c++)
        if (c < x->plan->operators[d->op].out) set[x->from[d->op] + c] = true;
  }
}

// From a set, the sets that it grows to.
static void grow(struct pruning *x, const bool *from, double limit) {
  struct growth g = {.of = x, .set = arena_copy(x->arena, from, x->of * sizeof *from)};
  look(&g);
  if (g.accuracy >= x->plan->target) {
    save_bytes(&g, limit);
    if (x->goal == REMAT_TIME) save_time(&g);
    consider(x, g.set);
    if (x->goal == REMAT_MEMORY) { // what is left to lose saves time at that memory
      save_time(&g);
      consider(x, g.set);
    }
  }
  arena_free(&g.scratch);
}

bool remat_prune(struct arena *a, const struct replay_plan *p, enum remat_goal goal,
                 uint32_t exact_max, struct remat_pruned *r, struct err *e) {
  struct remat_net sound;
  *r = (struct remat_pruned){.own = (double)NAN};
  struct pruning x = {.arena = a, .plan = p, .goal = goal, .best = r, .least = (double)INFINITY};
  x.best_figure = (double)INFINITY;
  r->plan.total = (double)INFINITY;
  if (!remat_net_make(&sound, a, p, e)) return false;
  x.from = ARENA_NEW(a, uint32_t, p->n_operators + 1);
  for (uint32_t i = 0; i < p->n_operators; i++) x.from[i + 1] = x.from[i] + p->operators[i].out;
  x.of = r->of = x.from[p->n_operators];
  bool *none = ARENA_NEW(a, bool, x.of), *own = ARENA_NEW(a, bool, x.of);
  read_own(&x, own);
  r->own = consider(&x, own);
  if (x.of <= exact_max) {
    consider_all(&x);
  } else {
    double limit = goal == REMAT_MEMORY ? 0 : p->limit;
    grow(&x, none, limit);
    grow(&x, own, limit);
    if (goal == REMAT_TIME) grow(&x, none, 0);
  }
  return x.best_figure < (double)INFINITY || err_set(e, "%s", x.why.text);
}
