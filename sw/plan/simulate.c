// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/simulate_parts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// What happens at a time: ends, then FREE, then the rest, each in the order of the list.
enum turn { TURN_END, TURN_FREE, TURN_START };
struct happening {
  double at;
  enum turn turn;
  uint32_t who;
};

// Of a memory: its ALLOCs, and RUNs with scratch, in the order of the list, and how far they are
// granted.
struct grants {
  uint32_t count, next;
  uint32_t *allocs;
  int64_t used;
};

struct simulation {
  struct arena *arena;
  struct plan *plan;
  struct waits waits;
  double now;
  double *ready;         // (n_events) the earliest time so far
  double *duration;      // (n_events)
  bool *started;         // (n_events) of an ALLOC: granted
  bool *granted;         // (n_events) of an ALLOC, or of the scratch of a RUN
  bool *offered;         // (n_events) it is in the heap, refused, or started
  uint32_t *behind;      // (n_events) what its resource does next
  uint32_t *rank;        // (n_events) of an ALLOC in its memory
  uint32_t *head;        // (resources) what it does or does next
  struct grants *grants; // (resources)
  uint32_t n_happenings;
  struct happening
      *heap; // (2 * n_events) at most an end and a start of each, the earliest at the top
  uint32_t n_refused;
  uint32_t *refused; // (n_events) what waits for bytes
};

// ---- the heap

static bool before(const struct happening *a, const struct happening *b) {
  if (a->at != b->at) return a->at < b->at;
  if (a->turn != b->turn) return a->turn < b->turn;
  return a->who < b->who;
}

static void push(struct simulation *s, double at, enum turn turn, uint32_t who) {
  struct happening x = {at, turn, who};
  uint32_t k = s->n_happenings++;
  for (; k > 0 && before(&x, &s->heap[(k - 1) / 2]); k = (k - 1) / 2)
    s->heap[k] = s->heap[(k - 1) / 2];
  s->heap[k] = x;
}

static struct happening pop(struct simulation *s) {
  struct happening top = s->heap[0], x = s->heap[--s->n_happenings];
  uint32_t k = 0, n = s->n_happenings;
  for (uint32_t child = 1; child < n; child = 2 * k + 1) {
    if (child + 1 < n && before(&s->heap[child + 1], &s->heap[child])) child++;
    if (!before(&s->heap[child], &x)) break;
    s->heap[k] = s->heap[child];
    k = child;
  }
  s->heap[k] = x;
  return top;
}

// ---- who can start

static const struct event *event_of(const struct simulation *s, uint32_t who) {
  return &s->plan->events[who];
}

static bool is_queued(enum action a) {
  return plan_phase(a) == 4;
}

// Tries an event when it waits for nothing any more and its resource has come to it.
static void offer(struct simulation *s, uint32_t who) {
  const struct event *e = event_of(s, who);
  if (s->waits.open[who] || s->offered[who] || e->action == ACTION_ALLOC) return;
  if (is_queued(e->action) && s->head[e->resource] != who) return;
  double at = s->ready[who] > s->now ? s->ready[who] : s->now;
  s->offered[who] = true;
  push(s, at, e->action == ACTION_FREE ? TURN_FREE : TURN_START, who);
}

// Those that wait for an event in one of the two ways.
static void wake(struct simulation *s, uint32_t who, enum wait_kind kind) {
  const struct event *e = event_of(s, who);
  for (uint32_t k = s->waits.first[who]; k != NOBODY; k = s->waits.waits[k].next) {
    const struct wait *w = &s->waits.waits[k];
    if (w->kind != kind) continue;
    double at = e->end + w->delay;
    if (kind == WAIT_STREAM) at = fmax(e->start, e->end - s->duration[w->who]);
    if (at > s->ready[w->who]) s->ready[w->who] = at;
    s->waits.open[w->who]--;
    offer(s, w->who);
  }
}

// ---- memory

static void retry(struct simulation *s) {
  for (uint32_t k = 0; k < s->n_refused; k++) {
    uint32_t who = s->refused[k];
    push(s, s->now, event_of(s, who)->action == ACTION_FREE ? TURN_FREE : TURN_START, who);
  }
  s->n_refused = 0;
}

// Whether it takes bytes of a memory while it runs.
static bool has_scratch(const struct event *e) {
  return e->action == ACTION_RUN && e->bytes > 0;
}

// Where it takes its bytes.
static uint32_t memory_of(const struct simulation *s, const struct event *e) {
  return e->action == ACTION_RUN ? (uint32_t)s->plan->machine.resources[e->resource].memory
                                 : e->resource;
}

static void grant(struct simulation *s, uint32_t alloc) {
  struct event *e = &s->plan->events[alloc];
  s->granted[alloc] = true;
  s->grants[memory_of(s, e)].used += e->bytes;
  if (e->action == ACTION_RUN) return;
  s->started[alloc] = true;
  e->start = e->end = s->now;
}

// Of a memory with a limit, the ALLOCs up to this one, none of which may wait, if their bytes fit.
static bool grant_through(struct simulation *s, uint32_t alloc) {
  uint32_t memory = memory_of(s, event_of(s, alloc));
  struct grants *g = &s->grants[memory];
  int64_t limit = s->plan->machine.resources[memory].bytes, bytes = 0;
  for (uint32_t k = g->next; k <= s->rank[alloc]; k++) {
    if (s->waits.open[g->allocs[k]]) return false;
    bytes += event_of(s, g->allocs[k])->bytes;
  }
  if (bytes > limit - g->used) return false;
  for (; g->next <= s->rank[alloc]; g->next++) grant(s, g->allocs[g->next]);
  retry(s);
  return true;
}

static bool granted(struct simulation *s, uint32_t alloc) {
  if (s->granted[alloc]) return true;
  if (s->plan->machine.resources[memory_of(s, event_of(s, alloc))].bytes != NONE)
    return grant_through(s, alloc);
  if (s->waits.open[alloc]) return false;
  grant(s, alloc);
  return true;
}

static bool all_granted(struct simulation *s, uint32_t who) {
  for (uint32_t k = s->waits.allocs[who]; k != NOBODY; k = s->waits.waits[k].next)
    if (!granted(s, s->waits.waits[k].who)) return false;
  return !has_scratch(event_of(s, who)) || granted(s, who);
}

// ---- what happens

static void give_back(struct simulation *s, const struct event *e) {
  s->grants[memory_of(s, e)].used -= e->bytes;
  retry(s);
}

static void finish(struct simulation *s, uint32_t who) {
  const struct event *e = event_of(s, who);
  if (is_queued(e->action)) s->head[e->resource] = s->behind[who];
  if (e->action == ACTION_FREE || has_scratch(e)) give_back(s, e);
  wake(s, who, WAIT_END);
  if (is_queued(e->action) && s->behind[who] != NOBODY) offer(s, s->behind[who]);
}

static void begin(struct simulation *s, uint32_t who) {
  struct event *e = &s->plan->events[who];
  if (!all_granted(s, who)) {
    s->refused[s->n_refused++] = who;
    return;
  }
  s->started[who] = true;
  e->start = s->now;
  e->end = s->now + s->duration[who];
  if (is_queued(e->action)) push(s, e->end, TURN_END, who);
  wake(s, who, WAIT_STREAM);
  if (!is_queued(e->action)) finish(s, who);
}

// ---- all of it

static void queue(struct simulation *s) {
  const struct plan *p = s->plan;
  memset(s->behind, 0xff, p->n_events * sizeof *s->behind);
  for (uint32_t i = 0; i < p->machine.count; i++) s->head[i] = NOBODY;
  for (uint32_t i = p->n_events; i-- > 0;) {
    const struct event *e = &p->events[i];
    s->duration[i] = is_queued(e->action) ? e->end - e->start : 0;
    if (e->action == ACTION_ALLOC || has_scratch(e)) s->grants[memory_of(s, e)].count++;
    if (!is_queued(e->action)) continue;
    s->behind[i] = s->head[e->resource];
    s->head[e->resource] = i;
  }
  for (uint32_t i = 0; i < p->machine.count; i++)
    s->grants[i].allocs = ARENA_NEW(s->arena, uint32_t, s->grants[i].count);
  for (uint32_t i = 0; i < p->machine.count; i++) s->grants[i].count = 0;
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].action == ACTION_ALLOC || has_scratch(&p->events[i])) {
      struct grants *g = &s->grants[memory_of(s, &p->events[i])];
      s->rank[i] = g->count;
      g->allocs[g->count++] = i;
    }
}

static void prepare(struct simulation *s) {
  size_t n = s->plan->n_events, resources = s->plan->machine.count;
  s->ready = ARENA_NEW(s->arena, double, n);
  s->duration = ARENA_NEW(s->arena, double, n);
  s->started = ARENA_NEW(s->arena, bool, n);
  s->granted = ARENA_NEW(s->arena, bool, n);
  s->offered = ARENA_NEW(s->arena, bool, n);
  s->heap = ARENA_NEW(s->arena, struct happening, 2 * n);
  s->behind = ARENA_NEW(s->arena, uint32_t, n);
  s->rank = ARENA_NEW(s->arena, uint32_t, n);
  s->refused = ARENA_NEW(s->arena, uint32_t, n);
  s->head = ARENA_NEW(s->arena, uint32_t, resources);
  s->grants = ARENA_NEW(s->arena, struct grants, resources);
  queue(s);
}

static bool no_room(const struct simulation *s, uint32_t who, uint32_t alloc, struct err *e) {
  const struct plan *p = s->plan;
  const struct event *x = event_of(s, alloc);
  const struct resource *memory = &p->machine.resources[memory_of(s, x)];
  const char *what = x->action == ACTION_RUN
                         ? "its scratch"
                         : arena_printf(s->arena, "\"%s\"", p->graph->values[x->id].name);
  return err_set(e, "%s: no room for %s: %lld of %s's %lld bytes are in use",
                 plan_event_text(s->arena, p, event_of(s, who)), what,
                 (long long)s->grants[memory_of(s, x)].used, memory->name,
                 (long long)memory->bytes);
}

// Where the list got stuck. Whatever the first event waits for stands before it and has ended, so
// that it is a block that doesn't fit.
static bool stuck(const struct simulation *s, uint32_t who, struct err *e) {
  uint32_t alloc = who;
  for (uint32_t k = s->waits.allocs[who]; k != NOBODY; k = s->waits.waits[k].next)
    if (!s->granted[s->waits.waits[k].who]) alloc = s->waits.waits[k].who;
  assert(event_of(s, alloc)->action == ACTION_ALLOC || has_scratch(event_of(s, alloc)));
  return no_room(s, who, alloc, e);
}

// Blocks that nobody touches are there at the end.
static bool finish_all(struct simulation *s, struct err *e) {
  for (uint32_t i = 0; i < s->plan->n_events; i++)
    if (!s->started[i] && event_of(s, i)->action != ACTION_ALLOC) return stuck(s, i, e);
  for (uint32_t i = 0; i < s->plan->n_events; i++)
    if (!s->started[i] && !granted(s, i)) return stuck(s, i, e);
  return true;
}

static bool play(struct simulation *s, struct err *e) {
  s->now = 0;
  for (uint32_t i = 0; i < s->plan->n_events; i++) offer(s, i);
  while (s->n_happenings) {
    struct happening h = pop(s);
    s->now = h.at;
    if (h.turn == TURN_END)
      finish(s, h.who);
    else
      begin(s, h.who);
  }
  return finish_all(s, e);
}

static bool find_waits(struct arena *a, const struct plan *p, struct waits *w, struct err *e) {
  bool *use = ARENA_NEW(a, bool, p->n_events);
  memset(use, 1, p->n_events);
  struct grids grids = grids_new(a, p, use);
  return waits_find(a, p, &grids, w, e);
}

bool plan_simulate(struct plan *p, struct err *e) {
  struct arena scratch = {0};
  struct simulation s = {.arena = &scratch, .plan = p};
  bool ok = find_waits(&scratch, p, &s.waits, e);
  if (ok) prepare(&s);
  ok = ok && play(&s, e);
  arena_free(&scratch);
  return ok;
}

// (n_events + 1) where those begin that an event waits for, in a list of all.
static const uint32_t *count_ends(struct arena *a, const struct plan *p, const struct waits *w) {
  uint32_t *first = ARENA_NEW(a, uint32_t, p->n_events + 1);
  for (uint32_t i = 0; i < p->n_events; i++)
    for (uint32_t k = w->first[i]; k != NOBODY; k = w->waits[k].next)
      first[w->waits[k].who + 1] += w->waits[k].kind == WAIT_END;
  for (uint32_t i = 0; i < p->n_events; i++) first[i + 1] += first[i];
  return first;
}

static void list_after(struct arena *scratch, struct plan *p, const struct waits *w) {
  const uint32_t *first = count_ends(scratch, p, w);
  uint32_t *list = ARENA_NEW(p->arena, uint32_t, first[p->n_events]);
  for (uint32_t i = 0; i < p->n_events; i++) {
    p->events[i].after = list + first[i];
    p->events[i].n_after = 0;
  }
  for (uint32_t i = 0; i < p->n_events; i++)
    for (uint32_t k = w->first[i]; k != NOBODY; k = w->waits[k].next) {
      struct event *e = &p->events[w->waits[k].who];
      uint32_t *own = list + first[w->waits[k].who];
      bool known = e->n_after && own[e->n_after - 1] == i;
      if (w->waits[k].kind == WAIT_END && !known) own[e->n_after++] = i;
    }
}

bool plan_find_after(struct plan *p, struct err *e) {
  struct arena scratch = {0};
  struct waits waits;
  bool ok = find_waits(&scratch, p, &waits, e);
  if (ok) list_after(&scratch, p, &waits);
  arena_free(&scratch);
  return ok;
}
