// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/races.h"

#include "sw/graph/assign.h"

#include <string.h>

enum { FAR = INT32_MAX / 2 };

// Edges by their source: to[first[n] .. first[n + 1]].
struct edges {
  uint32_t *first, *to, *delay;
};

typedef void visit_edge(void *to, uint32_t from, uint32_t node, uint32_t delay);

static void each_edge(const struct graph *g, visit_edge *visit, void *to) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    for (uint32_t k = 0; k < n->n_in; k++) {
      int32_t from = node_in(g, n, k)->node;
      if (from != NONE) visit(to, (uint32_t)from, i, n->in[k].delay);
    }
    for (uint32_t k = 0; k < n->n_after; k++) visit(to, n->after[k].node, i, n->after[k].delay);
  }
}

static void count_edge(void *to, uint32_t from, uint32_t node, uint32_t delay) {
  (void)node, (void)delay;
  ((struct edges *)to)->first[from + 1]++;
}

// first[from] moves on; edges_of moves it back.
static void put_edge(void *to, uint32_t from, uint32_t node, uint32_t delay) {
  struct edges *s = to;
  s->to[s->first[from]] = node;
  s->delay[s->first[from]++] = delay;
}

static struct edges edges_of(struct arena *a, const struct graph *g) {
  struct edges s = {.first = ARENA_NEW(a, uint32_t, g->n_nodes + 2)};
  each_edge(g, count_edge, &s);
  for (uint32_t i = 0; i < g->n_nodes; i++) s.first[i + 1] += s.first[i];
  s.to = ARENA_NEW(a, uint32_t, s.first[g->n_nodes] + 1);
  s.delay = ARENA_NEW(a, uint32_t, s.first[g->n_nodes] + 1);
  each_edge(g, put_edge, &s);
  memmove(s.first + 1, s.first, g->n_nodes * sizeof *s.first);
  s.first[0] = 0;
  return s;
}

// D(from, n) for all n: a queue of nodes whose distance fell.
static int32_t *distances(struct arena *a, const struct graph *g, const struct edges *s,
                          uint32_t from) {
  int32_t *d = ARENA_NEW(a, int32_t, g->n_nodes);
  uint32_t *queue = ARENA_NEW(a, uint32_t, g->n_nodes + 1), head = 0, tail = 0;
  char *queued = ARENA_NEW(a, char, g->n_nodes);
  for (uint32_t i = 0; i < g->n_nodes; i++) d[i] = FAR;
  d[from] = 0;
  queue[tail++] = from;
  while (head != tail) {
    uint32_t n = queue[head];
    head = (head + 1) % (g->n_nodes + 1);
    queued[n] = 0;
    for (uint32_t i = s->first[n]; i < s->first[n + 1]; i++) {
      int64_t by = (int64_t)d[n] + s->delay[i];
      if (by >= d[s->to[i]]) continue;
      d[s->to[i]] = (int32_t)by;
      if (!queued[s->to[i]]) queue[tail] = s->to[i], tail = (tail + 1) % (g->n_nodes + 1);
      queued[s->to[i]] = 1;
    }
  }
  return d;
}

// ---- accesses

struct access {
  uint32_t ref, node; // the value that refers to the variable
};

struct accesses {
  uint32_t count;
  struct access *list; // sorted by variable
};

static struct accesses accesses_of(struct arena *a, const struct graph *g) {
  struct accesses s = {0};
  uint32_t *first = ARENA_NEW(a, uint32_t, g->n_values + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_ref; k++) first[g->nodes[i].ref[k] + 1]++, s.count++;
  for (uint32_t v = 0; v < g->n_values; v++) first[v + 1] += first[v];
  s.list = ARENA_NEW(a, struct access, s.count);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_ref; k++) {
      uint32_t ref = g->nodes[i].ref[k];
      s.list[first[ref]++] = (struct access){ref, i};
    }
  return s;
}

// Whether it assigns, and doesn't only read.
static bool changes(const struct node *n) {
  return op_is(n->op, TRAIT_REFERS) && n->n_in;
}

static int group_of(const struct node *n) {
  return changes(n) ? assign_info(assign_of(n))->group : 0;
}

// An unordered pair is allowed: two reads; two assigns that commute, if rounding can't tell.
static bool allowed(const struct graph *g, const struct access *a, const struct access *b,
                    bool all_schedules) {
  const struct node *m = &g->nodes[a->node], *n = &g->nodes[b->node];
  if (!changes(m) && !changes(n)) return true;
  if (!changes(m) || !changes(n)) return !all_schedules;
  bool commute = group_of(m) && group_of(m) == group_of(n);
  bool rounds =
      group_of(m) == assign_info(ASSIGN_add)->group && type_is_real(&assign_held(g, m, 0)->type);
  return commute && !(all_schedules && rounds);
}

// The pairs of one access with those behind it of the same variable.
static bool check_from(const struct graph *g, const struct edges *edges, const struct accesses *s,
                       uint32_t i, bool all_schedules, struct err *e) {
  struct arena a = {0};
  const struct access *x = &s->list[i];
  const int32_t *d = NULL;
  bool ok = true;
  for (uint32_t k = i + 1; ok && k < s->count && s->list[k].ref == x->ref; k++) {
    const struct access *y = &s->list[k];
    if (y->node == x->node || allowed(g, x, y, all_schedules)) continue;
    if (!d) d = distances(&a, g, edges, x->node);
    const int32_t *back = distances(&a, g, edges, y->node);
    if ((int64_t)d[y->node] + back[x->node] <= 1) continue;
    ok = err_set(e, "layers \"%s\" and \"%s\" touch variable \"%s\" in no fixed order",
                 g->nodes[x->node].name, g->nodes[y->node].name, g->values[x->ref].name);
  }
  arena_free(&a);
  return ok;
}

static bool check(const struct graph *g, bool all_schedules, struct err *e) {
  struct arena a = {0};
  struct accesses s = accesses_of(&a, g);
  bool ok = true;
  if (s.count) {
    struct edges edges = edges_of(&a, g);
    for (uint32_t i = 0; ok && i < s.count; i++)
      ok = check_from(g, &edges, &s, i, all_schedules, e);
  }
  arena_free(&a);
  return ok;
}

bool races_verify(const struct graph *g, struct err *e) {
  return check(g, false, e);
}

bool races_none(const struct graph *g, struct err *e) {
  return check(g, true, e);
}
