// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/meet.h"

#include <string.h>

enum { HALVINGS = 6, PACES = 8 };

struct search {
  struct arena *arena;
  const struct graph *graph;
  const char *top;
  const struct target *target;
  struct planner *planner;
  struct lane_plan plan;
  int64_t failed; // cycles with which no plan keeps the budgets
};

static struct circuit *build(struct search *s, struct arena *a, int64_t cycles, struct err *e) {
  if (!planner_pace(a, s->planner, cycles, &s->plan, e)) return NULL;
  return circuit_build(a, s->graph, s->top, &s->plan.folding, e);
}

// ---- budgets

// What may be limited, of a cell and of all.
enum amount { MULTIPLIERS, MEMORY, LUT, FLIP_FLOPS, DSP, BLOCK_RAM, AMOUNTS };
static const char *const amount_names[AMOUNTS] = {"multipliers", "memory bits", "LUTs",
                                                  "flip-flops",  "DSP blocks",  "block RAMs"};

static void amounts_of(const struct circuit *p, const struct cell *c, enum family family,
                       int64_t *own) {
  struct resources r = resources_cell(p, c, family);
  own[MULTIPLIERS] = c->multipliers;
  own[MEMORY] = c->memory_bits;
  own[LUT] = r.lut;
  own[FLIP_FLOPS] = r.ff;
  own[DSP] = r.dsp;
  own[BLOCK_RAM] = r.bram;
}

static enum family family_of(const struct target *t) {
  return t->device ? t->device->family : t->what.family;
}

static void limits_of(const struct target *t, int64_t *most) {
  const struct device *d = t->device;
  most[MULTIPLIERS] = t->multipliers ? t->multipliers : INT64_MAX;
  most[MEMORY] = t->memory_bits ? t->memory_bits : INT64_MAX;
  most[LUT] = d ? d->has.lut : INT64_MAX;
  most[FLIP_FLOPS] = d ? d->has.ff : INT64_MAX;
  most[DSP] = d ? d->has.dsp : INT64_MAX;
  most[BLOCK_RAM] = d ? d->has.bram : INT64_MAX;
}

struct total {
  int64_t all, largest;
  const struct cell *where; // the largest
};

static void totals_of(const struct circuit *p, enum family family, struct total *totals) {
  for (uint32_t i = 0; i < p->n_cells; i++) {
    int64_t own[AMOUNTS];
    amounts_of(p, &p->cells[i], family, own);
    for (int k = 0; k < AMOUNTS; k++) {
      struct total *t = &totals[k];
      t->all += own[k];
      if (t->where && own[k] <= t->largest) continue;
      t->where = &p->cells[i];
      t->largest = own[k];
    }
  }
}

// Whether a circuit keeps the budgets; otherwise what it has too much of, and where most of that
// is.
static bool keeps(const struct target *t, const struct circuit *p, struct err *e) {
  int64_t most[AMOUNTS];
  struct total totals[AMOUNTS] = {0};
  char text[sizeof e->text] = "";
  limits_of(t, most);
  totals_of(p, family_of(t), totals);
  for (int k = 0; k < AMOUNTS; k++) {
    const struct total *own = &totals[k];
    size_t at = strlen(text);
    if (own->all > most[k])
      snprintf(text + at, sizeof text - at, "%s%lld %s of at most %lld, %lld of them in %s",
               at ? "; " : "", (long long)own->all, amount_names[k], (long long)most[k],
               (long long)own->largest, own->where->name);
  }
  if (text[0]) err_put(e, "%s", text);
  return !text[0];
}

// The fastest plan whose products alone keep the budgets; the slowest if none does.
static int64_t first_pace(const struct search *s) {
  int64_t most[AMOUNTS];
  limits_of(s->target, most);
  int64_t fast = planner_fastest(s->planner) - 1, slow = planner_slowest(s->planner);
  while (slow - fast > 1) {
    struct arena scratch = {0};
    struct err e = {0};
    struct lane_plan plan;
    int64_t cycles = fast + (slow - fast) / 2;
    bool ok = planner_pace(&scratch, s->planner, cycles, &plan, &e) &&
              plan.multipliers <= most[MULTIPLIERS] && plan.dsp <= most[DSP] &&
              plan.lut <= most[LUT];
    *(ok ? &slow : &fast) = cycles;
    arena_free(&scratch);
  }
  return slow;
}

// Paces above one that failed have its plan while no layer takes the cycles that there are more.
static bool pace_keeps(struct search *s, int64_t cycles, struct err *e) {
  struct arena scratch = {0};
  const struct target *t = s->target;
  bool ok = planner_pace(&scratch, s->planner, cycles, &s->plan, e) && s->plan.cycles > s->failed &&
            !(t->memory_bits && s->plan.weight_bits > t->memory_bits);
  struct circuit *p = ok ? circuit_build(&scratch, s->graph, s->top, &s->plan.folding, e) : NULL;
  ok = p && keeps(t, p, e);
  if (!ok) s->failed = cycles;
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
  if (s->target->multipliers || s->target->device) slow = first_pace(s);
  int64_t fast = slow - 1;
  struct err why = {0};
  while (!pace_keeps(s, slow, &why)) {
    if (slow == slowest) return never(s, e);
    fast = slow;
    slow += slow / 4 + 1;
    if (slow > slowest) slow = slowest;
    why = (struct err){0};
  }
  // paces above the slowest of its layers have the same plan
  int64_t within = s->plan.cycles < slow ? s->plan.cycles : slow;
  for (int i = 0; i < HALVINGS && within - fast > 1; i++) {
    int64_t cycles = fast + (within - fast) / 2;
    bool ok = pace_keeps(s, cycles, &why);
    if (ok) slow = cycles;
    *(ok ? &within : &fast) = ok && s->plan.cycles < cycles ? s->plan.cycles : cycles;
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
                             const struct target *t, struct lane_plan *plan, struct err *e) {
  struct search s = {.arena = a, .graph = g, .top = top, .target = t};
  struct plan_for what = t->what;
  what.family = family_of(t);
  struct err why = {0};
  s.planner = planner_new(a, g, &what, e);
  if (!s.planner) return NULL;
  struct circuit *p = t->cycles ? meet_pace(&s, e) : meet_budget(&s, e);
  if (p && !keeps(t, p, &why)) p = nearest(&s, &why, e);
  *plan = s.plan;
  return p;
}
