// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/meet.h"

enum { HALVINGS = 6, PACES = 8 };

struct search {
  struct arena *arena;
  const struct graph *graph;
  const char *top;
  const struct target *target;
  struct planner *planner;
  struct plan plan;
};

static struct circuit *build(struct search *s, struct arena *a, int64_t cycles, struct err *e) {
  if (!planner_pace(a, s->planner, cycles, &s->plan, e)) return NULL;
  return circuit_build(a, s->graph, s->top, &s->plan.folding, e);
}

// ---- budgets

// The layer that has most of something.
static const struct cell *largest(const struct circuit *p, bool memory) {
  const struct cell *most = NULL;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    int64_t own = memory ? c->memory_bits : c->multipliers;
    int64_t least = !most ? -1 : memory ? most->memory_bits : most->multipliers;
    if (own > least) most = c;
  }
  return most;
}

static bool too_many(const struct circuit *p, const char *what, int64_t found, int64_t most,
                     bool memory, struct err *e) {
  const struct cell *c = largest(p, memory);
  if (found > most)
    err_put(e, "%lld %s of at most %lld, %lld of them in %s", (long long)found, what,
            (long long)most, (long long)(memory ? c->memory_bits : c->multipliers), c->name);
  return found > most;
}

// Whether a circuit keeps the budgets; otherwise what it has too much of.
static bool keeps(const struct target *t, const struct circuit *p, struct err *e) {
  return !(t->multipliers &&
           too_many(p, "multipliers", p->multipliers, t->multipliers, false, e)) &&
         !(t->memory_bits && too_many(p, "memory bits", p->memory_bits, t->memory_bits, true, e));
}

// The fastest plan whose layers alone keep a number of multipliers; the slowest if none does.
static int64_t first_pace(const struct search *s) {
  int64_t fast = planner_fastest(s->planner) - 1, slow = planner_slowest(s->planner);
  while (slow - fast > 1) {
    struct arena scratch = {0};
    struct err e = {0};
    struct plan plan;
    int64_t cycles = fast + (slow - fast) / 2;
    bool ok = planner_pace(&scratch, s->planner, cycles, &plan, &e) &&
              plan.multipliers <= s->target->multipliers;
    *(ok ? &slow : &fast) = cycles;
    arena_free(&scratch);
  }
  return slow;
}

static bool pace_keeps(struct search *s, int64_t cycles, struct err *e) {
  struct arena scratch = {0};
  const struct target *t = s->target;
  bool ok = planner_pace(&scratch, s->planner, cycles, &s->plan, e) &&
            !(t->memory_bits && s->plan.weight_bits > t->memory_bits);
  struct circuit *p = ok ? circuit_build(&scratch, s->graph, s->top, &s->plan.folding, e) : NULL;
  ok = p && keeps(t, p, e);
  arena_free(&scratch);
  return ok;
}

// What stands in front of the slowest circuit, too.
static struct circuit *never(struct search *s, struct err *e) {
  struct err why = {0};
  struct circuit *p = build(s, s->arena, planner_slowest(s->planner), e);
  if (!p) return NULL;
  keeps(s->target, p, &why);
  err_put(e, "even at %lld cycles a frame, the least there is: %s", (long long)p->ii, why.text);
  return NULL;
}

// The fastest that keeps all budgets, or nearly: from the first pace on in growing steps, then in
// halves between the last that didn't and the first that does.
static struct circuit *meet_budget(struct search *s, struct err *e) {
  int64_t slowest = planner_slowest(s->planner), slow = planner_fastest(s->planner);
  if (s->target->multipliers) slow = first_pace(s);
  int64_t fast = slow - 1;
  struct err why = {0};
  while (!pace_keeps(s, slow, &why)) {
    if (slow == slowest) return never(s, e);
    fast = slow;
    slow += slow / 4 + 1;
    if (slow > slowest) slow = slowest;
    why = (struct err){0};
  }
  for (int i = 0; i < HALVINGS && slow - fast > 1; i++) {
    int64_t cycles = fast + (slow - fast) / 2;
    *(pace_keeps(s, cycles, &why) ? &slow : &fast) = cycles;
  }
  return build(s, s->arena, slow, e);
}

// ---- a pace

// Beyond the layers' own cycles there may be those of cells in between: then the layers are made
// faster.
static struct circuit *meet_pace(struct search *s, struct err *e) {
  int64_t cycles = s->target->cycles, fastest = planner_fastest(s->planner);
  struct circuit *p = build(s, s->arena, cycles, e);
  for (int i = 0; p && p->ii > s->target->cycles && i < PACES && cycles > fastest; i++) {
    cycles -= cycles / 16 + 1;
    p = build(s, s->arena, cycles < fastest ? fastest : cycles, e);
  }
  if (!p || p->ii <= s->target->cycles) return p;
  err_put(e, "a frame takes %lld cycles instead of %lld", (long long)p->ii,
          (long long)s->target->cycles);
  return NULL;
}

// Of a pace and budgets that don't go together, what would.
static struct circuit *nearest(struct search *s, const struct err *why, struct err *e) {
  struct target budget = *s->target;
  struct err none = {0};
  budget.cycles = 0;
  s->target = &budget;
  struct circuit *p = meet_budget(s, &none);
  if (p)
    err_put(e, "%s; within the budget a frame takes %lld cycles", why->text, (long long)p->ii);
  else
    err_put(e, "%s; %s", why->text, none.text);
  return NULL;
}

struct circuit *circuit_meet(struct arena *a, const struct graph *g, const char *top,
                             const struct target *t, struct plan *plan, struct err *e) {
  struct search s = {.arena = a, .graph = g, .top = top, .target = t};
  struct err why = {0};
  s.planner = planner_new(a, g, e);
  if (!s.planner) return NULL;
  struct circuit *p = t->cycles ? meet_pace(&s, e) : meet_budget(&s, e);
  if (p && !keeps(t, p, &why)) p = nearest(&s, &why, e);
  *plan = s.plan;
  return p;
}
