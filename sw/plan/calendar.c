// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/calendar.h"

#include <stdlib.h>
#include <string.h>

struct stays {
  struct arena *arena;
  const struct schedule *s;
  uint32_t count;
  struct calendar_stay *stays; // (count) by node and time
  uint32_t *slots;             // (nodes)
  int64_t *index;              // (tokens, nodes) of a stay; NONE
};

static uint32_t nodes_of(const struct schedule *s) {
  return s->machine->topology->nodes;
}

static struct calendar_stay *stay_at(const struct stays *t, uint32_t token, uint32_t node) {
  int64_t i = t->index[(size_t)token * nodes_of(t->s) + node];
  return i == NONE ? NULL : &t->stays[i];
}

static void until(const struct stays *t, uint32_t token, uint32_t node, int64_t cycle) {
  struct calendar_stay *s = stay_at(t, token, node);
  if (s && cycle > s->to) s->to = cycle;
}

static void put_stay(struct stays *t, uint32_t token, uint32_t node, int64_t from, int64_t to) {
  t->index[(size_t)token * nodes_of(t->s) + node] = t->count;
  t->stays[t->count++] =
      (struct calendar_stay){.from = from, .to = to, .token = token, .node = node};
}

// From when each token is where.
static void begin_stays(struct stays *t) {
  const struct schedule *s = t->s;
  for (uint32_t i = 0; i < s->actors->n_tokens; i++) {
    const struct firing *f = &s->firings[s->actors->tokens[i].actor];
    put_stay(t, i, f->node, f->end, f->end + 1);
  }
  for (uint32_t i = 0; i < s->n_hops; i++) {
    const struct hop *h = &s->hops[i];
    int64_t from = h->start + s->machine->latency;
    put_stay(t, h->token, s->machine->topology->to[h->link], from,
             from + schedule_frames(s, h->token));
  }
}

static void end_stays(struct stays *t) {
  const struct schedule *s = t->s;
  const struct actors *v = s->actors;
  for (uint32_t i = 0; i < s->n_hops; i++) {
    const struct hop *h = &s->hops[i];
    until(t, h->token, s->machine->topology->from[h->link],
          h->start + schedule_frames(s, h->token));
  }
  for (uint32_t i = 0; i < v->n_actors; i++)
    for (uint32_t k = 0; k < v->actors[i].n_needs; k++) {
      const struct span_needed *n = &v->actors[i].needs[k];
      for (uint32_t j = n->first; j < n->first + n->count; j++)
        until(t, j, s->firings[i].node, s->firings[i].end);
    }
  for (uint32_t i = 0; i < v->n_outputs; i++) {
    const struct token_stream *out = &v->streams[v->outputs[i]];
    for (uint32_t j = out->first; j < out->first + out->count; j++)
      until(t, j, HOST_NODE, s->length + 1);
  }
}

static int by_node(const void *x, const void *y) {
  const struct calendar_stay *a = x, *b = y;
  if (a->node != b->node) return a->node < b->node ? -1 : 1;
  if (a->from != b->from) return a->from < b->from ? -1 : 1;
  return a->token < b->token ? -1 : a->token > b->token;
}

// ---- slots: those that are taken in a heap, the first to be free on top

struct taken {
  int64_t to;
  uint32_t slot;
};

static bool sooner(const struct taken *a, const struct taken *b) {
  return a->to < b->to || (a->to == b->to && a->slot < b->slot);
}

static void sink(struct taken *heap, uint32_t count, uint32_t i) {
  for (uint32_t child; (child = 2 * i + 1) < count; i = child) {
    if (child + 1 < count && sooner(&heap[child + 1], &heap[child])) child++;
    if (!sooner(&heap[child], &heap[i])) return;
    struct taken t = heap[i];
    heap[i] = heap[child];
    heap[child] = t;
  }
}

static void rise(struct taken *heap, uint32_t i) {
  for (; i && sooner(&heap[i], &heap[(i - 1) / 2]); i = (i - 1) / 2) {
    struct taken t = heap[i];
    heap[i] = heap[(i - 1) / 2];
    heap[(i - 1) / 2] = t;
  }
}

// Stays of one node. In a period tokens of several images are there, and none shares its slots.
static uint32_t place_node(const struct stays *t, struct taken *heap, uint32_t first,
                           uint32_t count) {
  uint32_t slots = 0, used = 0;
  int64_t period = t->s->period;
  for (uint32_t i = first; i < first + count; i++) {
    struct calendar_stay *s = &t->stays[i];
    s->turns = period ? (uint32_t)((s->to - s->from + period - 1) / period) : 1;
    if (!period && used && heap[0].to <= s->from) {
      s->slot = heap[0].slot;
      heap[0].to = s->to;
      sink(heap, used, 0);
      continue;
    }
    s->slot = slots;
    slots += s->turns;
    heap[used] = (struct taken){s->to, s->slot};
    rise(heap, used++);
  }
  return slots;
}

static struct stays stays_of(struct arena *a, const struct schedule *s) {
  struct stays t = {.arena = a, .s = s};
  uint32_t nodes = nodes_of(s);
  size_t most = (size_t)s->actors->n_tokens + s->n_hops, all = (size_t)s->actors->n_tokens * nodes;
  t.stays = ARENA_NEW(a, struct calendar_stay, most + 1);
  t.slots = ARENA_NEW(a, uint32_t, nodes);
  t.index = ARENA_NEW(a, int64_t, all + 1);
  struct taken *heap = ARENA_NEW(a, struct taken, most + 1);
  for (size_t i = 0; i < all; i++) t.index[i] = NONE;
  begin_stays(&t);
  end_stays(&t);
  qsort(t.stays, t.count, sizeof *t.stays, by_node);
  for (uint32_t i = 0; i < t.count; i++)
    t.index[(size_t)t.stays[i].token * nodes + t.stays[i].node] = i;
  for (uint32_t i = 0, next; i < t.count; i = next) {
    for (next = i; next < t.count && t.stays[next].node == t.stays[i].node; next++) continue;
    t.slots[t.stays[i].node] = place_node(&t, heap, i, next - i);
  }
  return t;
}

const struct calendar_stay *calendar_stays(struct arena *a, const struct schedule *s,
                                           uint32_t *count) {
  struct stays t = stays_of(a, s);
  *count = t.count;
  return t.stays;
}

bool calendar_fits(const struct schedule *s, int64_t slots, struct err *e) {
  struct arena scratch = {0};
  struct stays t = stays_of(&scratch, s);
  uint32_t most = 0;
  bool ok = true;
  for (uint32_t n = 0; n < nodes_of(s); n++)
    if (t.slots[n] > most) most = t.slots[n];
  for (uint32_t i = 0; ok && i < t.count; i++) {
    const struct calendar_stay *stay = &t.stays[i];
    if (stay->slot + stay->turns > slots)
      ok = err_set(e,
                   "node %u needs %u slots, has %lld: the first too many is taken in cycle %lld; "
                   "all nodes have enough with --slots %u",
                   stay->node, t.slots[stay->node], (long long)slots, (long long)stay->from, most);
  }
  arena_free(&scratch);
  return ok;
}

// ---- lists

static void add(struct arena *a, struct calendar_list *l, struct calendar_move m) {
  if (l->count == l->room) {
    struct calendar_move *more = ARENA_NEW(a, struct calendar_move, 2 * l->room + 8);
    if (l->count) memcpy(more, l->moves, l->count * sizeof *more);
    l->moves = more;
    l->room = 2 * l->room + 8;
  }
  l->moves[l->count++] = m;
}

static int by_tick(const void *x, const void *y) {
  const struct calendar_move *a = x, *b = y;
  if (a->tick != b->tick) return a->tick < b->tick ? -1 : 1;
  return a->token < b->token ? -1 : a->token > b->token;
}

static int by_start(const void *x, const void *y) {
  const struct calendar_run *a = x, *b = y;
  return a->tick < b->tick ? -1 : a->tick > b->tick;
}

struct calendars {
  struct arena *arena;
  struct calendar *c;
  const struct schedule *s;
  const struct stays *stays;
  int64_t begin; // the cycle in which all clocks run
};

static int64_t tick(const struct calendars *k, uint32_t node, int64_t cycle) {
  return cycle + k->begin - k->c->nodes[node].start;
}

static struct calendar_move move_of(const struct calendars *k, uint32_t token, uint32_t node,
                                    int64_t cycle) {
  const struct calendar_stay *s = stay_at(k->stays, token, node);
  return (struct calendar_move){tick(k, node, cycle), schedule_frames(k->s, token), token, s->slot,
                                s->turns};
}

static void list_nodes(struct calendars *k) {
  const struct actors *v = k->s->actors;
  uint32_t *runs = ARENA_NEW(k->arena, uint32_t, nodes_of(k->s));
  for (uint32_t i = 0; i < v->n_actors; i++) runs[k->s->firings[i].node]++;
  for (uint32_t n = 0; n < nodes_of(k->s); n++)
    k->c->nodes[n].runs = ARENA_NEW(k->arena, struct calendar_run, runs[n] + 1);
  for (uint32_t i = 0; i < v->n_actors; i++) {
    const struct firing *f = &k->s->firings[i];
    struct node_calendar *n = &k->c->nodes[f->node];
    if (f->end > f->start)
      n->runs[n->n_runs++] =
          (struct calendar_run){tick(k, f->node, f->start), f->end - f->start, i};
  }
  for (uint32_t i = 0; i < v->n_tokens; i++) {
    const struct firing *f = &k->s->firings[v->tokens[i].actor];
    add(k->arena, &k->c->nodes[f->node].keeps, move_of(k, i, f->node, f->end));
  }
  for (uint32_t i = 0; i < v->n_outputs; i++) {
    const struct token_stream *out = &v->streams[v->outputs[i]];
    for (uint32_t t = out->first; t < out->first + out->count; t++)
      add(k->arena, &k->c->nodes[HOST_NODE].fetches, move_of(k, t, HOST_NODE, k->s->length));
  }
}

static void list_links(struct calendars *k) {
  const struct topology *t = k->s->machine->topology;
  for (uint32_t i = 0; i < k->s->n_hops; i++) {
    const struct hop *h = &k->s->hops[i];
    struct link_calendar *l = &k->c->links[h->link];
    add(k->arena, &l->sends, move_of(k, h->token, t->from[h->link], h->start));
    add(k->arena, &l->takes,
        move_of(k, h->token, t->to[h->link], h->start + k->s->machine->latency));
  }
}

static void sort_list(struct calendar_list *l) {
  if (l->count) qsort(l->moves, l->count, sizeof *l->moves, by_tick);
}

static void sort(struct calendar *c) {
  for (uint32_t i = 0; i < c->machine->topology->nodes; i++) {
    struct node_calendar *n = &c->nodes[i];
    if (n->n_runs) qsort(n->runs, n->n_runs, sizeof *n->runs, by_start);
    sort_list(&n->keeps);
    sort_list(&n->fetches);
  }
  for (uint32_t i = 0; i < c->machine->topology->n_links; i++) {
    sort_list(&c->links[i].sends);
    sort_list(&c->links[i].takes);
  }
}

const struct calendar *calendar_of(struct arena *a, const struct schedule *s,
                                   const int64_t *starts) {
  struct arena scratch = {0};
  struct calendar *c = ARENA_NEW(a, struct calendar, 1);
  struct stays stays = stays_of(&scratch, s);
  struct calendars k = {.arena = a, .c = c, .s = s, .stays = &stays};
  *c = (struct calendar){
      .actors = s->actors, .machine = s->machine, .length = s->length, .period = s->period};
  c->nodes = ARENA_NEW(a, struct node_calendar, nodes_of(s));
  c->links = ARENA_NEW(a, struct link_calendar, s->machine->topology->n_links + 1);
  for (uint32_t n = 0; n < nodes_of(s); n++) {
    c->nodes[n].start = starts ? starts[n] : 0;
    c->nodes[n].slots = stays.slots[n];
    if (c->nodes[n].start > k.begin) k.begin = c->nodes[n].start;
  }
  list_nodes(&k);
  list_links(&k);
  sort(c);
  arena_free(&scratch);
  return c;
}

int64_t calendar_entries(const struct calendar *c, uint32_t node) {
  const struct topology *t = c->machine->topology;
  const struct node_calendar *n = &c->nodes[node];
  int64_t entries = (int64_t)n->n_runs + n->keeps.count + n->fetches.count;
  for (uint32_t l = 0; l < t->n_links; l++) {
    if (t->from[l] == node) entries += c->links[l].sends.count;
    if (t->to[l] == node) entries += c->links[l].takes.count;
  }
  return entries;
}
