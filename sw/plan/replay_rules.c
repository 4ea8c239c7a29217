// SPDX-License-Identifier: Apache-2.0
// The rules that need no simulation, in their order: the first that a plan breaks is reported.
#include "sw/plan/replay_parts.h"

#include <stdarg.h>

const char *const replay_block_names[] = {"param", "input", "output", "grad", "pass_grad", NULL};
const char *const replay_action_names[] = {"forward", "backward", "optimize", "again",
                                           "load",    "store",    "allocate", "prune",
                                           "end",     "free",     NULL};
const char *const replay_device_names[] = {"cpu", "in", "out"};

bool replay_refuse(struct replay_net *n, const char *rule, double at, const char *op,
                   const char *why, ...) {
  char text[256];
  va_list list;
  va_start(list, why);
  vsnprintf(text, sizeof text, why, list);
  va_end(list);
  struct replay_result *r = n->result;
  r->refused = rule;
  r->at = at;
  r->op = op;
  r->why = arena_strdup(n->arena, text);
  return false;
}

#define BROKEN(op, rule, ...)                                                                      \
  replay_refuse(n, (rule), (double)NAN, (op) ? (op)->name : NULL, __VA_ARGS__)

// ---- the network

static bool adds_up(struct replay_net *n, uint32_t op) {
  const struct replay_operator *o = &n->plan->operators[op];
  uint64_t in = 0;
  for (uint32_t k = 0; k < o->n_from; k++) in += n->plan->operators[o->from[k]].out;
  if (o->n_from && in != o->in)
    return BROKEN(o, "channels", "%llu channels come in, expected %u", (unsigned long long)in,
                  o->in);
  if (o->one && o->in != o->out)
    return BROKEN(o, "channels", "one to one from %u to %u channels", o->in, o->out);
  return true;
}

static void link_up(struct replay_net *n) {
  const struct replay_plan *p = n->plan;
  for (uint32_t i = 0; i < p->n_operators; i++)
    for (uint32_t k = 0; k < p->operators[i].n_from; k++) n->n_to[p->operators[i].from[k]]++;
  for (uint32_t i = 0; i < p->n_operators; i++) {
    n->to[i] = ARENA_NEW(n->arena, struct replay_link, n->n_to[i]);
    n->n_to[i] = 0;
  }
  for (uint32_t i = 0; i < p->n_operators; i++)
    for (uint32_t k = 0, offset = 0; k < p->operators[i].n_from; k++) {
      uint32_t from = p->operators[i].from[k];
      n->to[from][n->n_to[from]++] = (struct replay_link){i, offset};
      offset += p->operators[from].out;
    }
}

static bool sort_operators(struct replay_net *n) {
  const struct replay_plan *p = n->plan;
  uint32_t count = 0;
  uint32_t *open = ARENA_NEW(n->arena, uint32_t, p->n_operators);
  for (uint32_t i = 0; i < p->n_operators; i++) {
    open[i] = p->operators[i].n_from;
    if (!open[i]) n->order[count++] = i;
  }
  for (uint32_t k = 0; k < count; k++) {
    uint32_t i = n->order[k];
    for (uint32_t t = 0; t < n->n_to[i]; t++)
      if (--open[n->to[i][t].op] == 0) n->order[count++] = n->to[i][t].op;
  }
  const struct replay_operator *none = NULL;
  return count == p->n_operators ||
         BROKEN(none, "cycle", "%u operators wait for each other", p->n_operators - count);
}

static void sort_decisions(struct replay_net *n) {
  const struct replay_plan *p = n->plan;
  for (uint32_t i = 0; i < p->n_decisions; i++) n->decisions_from[p->decisions[i].op + 1]++;
  for (uint32_t i = 0; i < p->n_operators; i++) n->decisions_from[i + 1] += n->decisions_from[i];
  uint32_t *next = arena_copy(n->arena, n->decisions_from, p->n_operators * sizeof *next);
  for (uint32_t i = 0; i < p->n_decisions; i++) n->decisions_of[next[p->decisions[i].op]++] = i;
}

// ---- the decisions of an operator

// The first and the last of an action: by time, or by place in the list.
struct extent {
  bool any;
  double first, last;
};

static struct extent extent_of(const struct replay_net *n, uint32_t op, enum replay_action action) {
  struct extent x = {0};
  for (uint32_t k = n->decisions_from[op]; k < n->decisions_from[op + 1]; k++) {
    uint32_t place = n->decisions_of[k];
    const struct replay_decision *d = &n->plan->decisions[place];
    if (d->action != action) continue;
    double at = n->mode->issue || n->plan->version > 1 ? place : d->at;
    if (!x.any || at < x.first) x.first = at;
    if (!x.any || at > x.last) x.last = at;
    x.any = true;
  }
  return x;
}

static const enum replay_action PHASES[] = {REPLAY_FORWARD, REPLAY_PRUNE, REPLAY_BACKWARD,
                                            REPLAY_OPTIMIZE};
enum { N_PHASES = sizeof PHASES / sizeof *PHASES };

static bool in_order(struct replay_net *n, uint32_t op) {
  const struct replay_operator *o = &n->plan->operators[op];
  for (int k = 0; k + 1 < N_PHASES; k++) {
    struct extent a = extent_of(n, op, PHASES[k]), b = extent_of(n, op, PHASES[k + 1]);
    if (a.any && b.any && a.last >= b.first)
      return BROKEN(o, "order", "the first %s isn't after the last %s",
                    replay_action_names[PHASES[k + 1]], replay_action_names[PHASES[k]]);
  }
  struct extent f = extent_of(n, op, REPLAY_FORWARD), x = extent_of(n, op, REPLAY_AGAIN),
                u = extent_of(n, op, REPLAY_OPTIMIZE);
  if (x.any && f.any && f.last >= x.first)
    return BROKEN(o, "order", "the first again isn't after the last forward");
  return !(x.any && u.any && x.last >= u.first) ||
         BROKEN(o, "order", "the first optimize isn't after the last again");
}

// Marks the channels of an action; `beyond`: one isn't there.
static bool mark(struct replay_net *n, uint32_t op, enum replay_action action, bool *beyond) {
  const struct replay_operator *o = &n->plan->operators[op];
  for (uint32_t k = n->decisions_from[op]; k < n->decisions_from[op + 1]; k++) {
    const struct replay_decision *d = &n->plan->decisions[n->decisions_of[k]];
    if (d->action != action) continue;
    for (uint32_t i = 0; i < d->channels.ranges; i++)
      for (uint32_t c = d->channels.range[2 * i]; c < d->channels.range[2 * i + 1]; c++) {
        if (c >= o->out) {
          *beyond = true;
          break;
        }
        if (n->marks[op][c] >> action & 1)
          return BROKEN(o, "twice", "%s of channel %u", replay_action_names[action], c);
        n->marks[op][c] |= (uint8_t)(1 << action);
      }
  }
  return true;
}

static bool agree(struct replay_net *n, uint32_t op, enum replay_action action, bool beyond,
                  enum replay_action with, bool inverse) {
  const struct replay_operator *o = &n->plan->operators[op];
  static const char *const rules[] = {"forward channels", "backward channels", "optimize channels"};
  if (beyond) return BROKEN(o, rules[action], "there are %u channels", o->out);
  for (uint32_t c = 0; c < o->out; c++) {
    bool is = n->marks[op][c] >> action & 1;
    bool wanted = action == REPLAY_FORWARD || (n->marks[op][c] >> with & 1) != inverse;
    if (is != wanted)
      return BROKEN(o, rules[action], "channel %u %s", c, is ? "isn't expected" : "is missing");
  }
  return true;
}

static bool channels_fit(struct replay_net *n, uint32_t op) {
  const struct replay_operator *o = &n->plan->operators[op];
  bool beyond[REPLAY_ACTIONS] = {0};
  n->marks[op] = ARENA_NEW(n->arena, uint8_t, o->out);
  for (int k = 0; k < N_PHASES; k++)
    if (!mark(n, op, PHASES[k], &beyond[PHASES[k]])) return false;
  if (!agree(n, op, REPLAY_FORWARD, beyond[REPLAY_FORWARD], REPLAY_FORWARD, false)) return false;
  if (beyond[REPLAY_PRUNE]) return BROKEN(o, "pruned channels", "there are %u channels", o->out);
  for (uint32_t c = 0; c < o->out; c++) n->n_backward[op] += n->marks[op][c] >> REPLAY_BACKWARD & 1;
  return agree(n, op, REPLAY_BACKWARD, beyond[REPLAY_BACKWARD], REPLAY_PRUNE, true) &&
         agree(n, op, REPLAY_OPTIMIZE, beyond[REPLAY_OPTIMIZE], REPLAY_BACKWARD, false);
}

// ---- gradients and losses

static bool reached(struct replay_net *n) {
  const struct replay_plan *p = n->plan;
  for (uint32_t k = p->n_operators; k-- > 0;) {
    uint32_t op = n->order[k];
    bool feeds = n->n_to[op] == 0;
    for (uint32_t t = 0; t < n->n_to[op]; t++) feeds = feeds || n->reachable[n->to[op][t].op];
    n->reachable[op] = feeds && n->n_backward[op];
  }
  for (uint32_t k = 0; k < p->n_operators; k++) {
    uint32_t op = n->order[k];
    if (n->n_backward[op] && !n->reachable[op])
      return BROKEN(&p->operators[op], "unreachable", "no gradient reaches it");
  }
  return true;
}

static bool accurate(struct replay_net *n) {
  const struct replay_plan *p = n->plan;
  double lost = 0;
  for (uint32_t k = 0; k < p->n_operators; k++) {
    uint32_t op = n->order[k];
    for (uint32_t c = 0; c < p->operators[op].out; c++)
      if (!n->reachable[op] || replay_is_pruned(n, op, c)) lost += p->operators[op].loss[c];
  }
  n->result->accuracy = 1 - lost;
  const struct replay_operator *none = NULL;
  return n->result->accuracy >= p->target ||
         BROKEN(none, "accuracy", "%.9g, wanted %.9g", n->result->accuracy, p->target);
}

// ---- all of it

static bool decided(struct replay_net *n) {
  const struct replay_plan *p = n->plan;
  const struct replay_operator *none = NULL;
  for (uint32_t i = 0; p->version < 2 && i < p->n_decisions; i++)
    if (p->decisions[i].action == REPLAY_AGAIN)
      return BROKEN(none, "again", "decisions[%u] is of version 2", i);
  for (uint32_t i = 1; p->version > 1 && !n->mode->issue && i < p->n_decisions; i++)
    if (p->decisions[i].at < p->decisions[i - 1].at)
      return BROKEN(none, "order", "decisions[%u] at %.17g ms is behind one at %.17g", i,
                    p->decisions[i].at, p->decisions[i - 1].at);
  for (uint32_t i = 0; i < p->n_decisions; i++)
    if (p->decisions[i].action >= REPLAY_END)
      return BROKEN(none, "generated", "decisions[%u] is %s", i,
                    replay_action_names[p->decisions[i].action]);
  for (uint32_t i = 0; i < p->n_operators; i++)
    if (n->decisions_from[i] == n->decisions_from[i + 1])
      return BROKEN(none, "operators", "no decision about %s", p->operators[i].name);
  return true;
}

static void prepare(struct replay_net *n) {
  size_t count = n->plan->n_operators;
  n->n_to = ARENA_NEW(n->arena, uint32_t, count);
  n->to = ARENA_NEW(n->arena, struct replay_link *, count);
  n->order = ARENA_NEW(n->arena, uint32_t, count);
  n->marks = ARENA_NEW(n->arena, uint8_t *, count);
  n->n_backward = ARENA_NEW(n->arena, uint32_t, count);
  n->backward_runs = ARENA_NEW(n->arena, uint32_t, count);
  n->reachable = ARENA_NEW(n->arena, bool, count);
  n->decisions_from = ARENA_NEW(n->arena, uint32_t, count + 1);
  n->decisions_of = ARENA_NEW(n->arena, uint32_t, n->plan->n_decisions);
}

bool replay_connect(struct replay_net *n) {
  prepare(n);
  for (uint32_t i = 0; i < n->plan->n_operators; i++)
    if (!adds_up(n, i)) return false;
  link_up(n);
  return sort_operators(n);
}

bool replay_judge(struct replay_net *n) {
  const struct replay_plan *p = n->plan;
  if (!replay_connect(n)) return false;
  sort_decisions(n);
  if (!decided(n)) return false;
  for (uint32_t k = 0; k < p->n_operators; k++)
    if (!in_order(n, n->order[k]) || !channels_fit(n, n->order[k])) return false;
  for (uint32_t i = 0; i < p->n_decisions; i++)
    if (p->decisions[i].action == REPLAY_BACKWARD) n->backward_runs[p->decisions[i].op]++;
  return reached(n) && accurate(n) && (p->version < 2 || replay_find_made(n));
}
