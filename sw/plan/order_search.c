// SPDX-License-Identifier: Apache-2.0
// Of the nodes between two that have one place in every order: all orders, through the sets that
// are closed downwards (at most 2^20, each with the least peak by which it is reached); or, of many
// nodes, whoever frees most first, and the
// file's order, and then changes of two places.
#include "sw/plan/order_parts.h"

#include <string.h>

static const int64_t STEPS_MAX = 20000000; // nodes that are run for exchanges

struct search {
  const struct order_net *net;
  uint32_t *order, *place;      // (n_nodes) so far, and where each node is in it
  uint32_t *n_before, **before; // (n_nodes) who must run earlier, each once or more
  struct order_state state;
  int64_t steps;
  bool exact;
  uint32_t widest;
};

static void must_follow(struct search *s, uint32_t node, int32_t from) {
  if (from != NONE) s->before[node][s->n_before[node]++] = (uint32_t)from;
}

// As graph_order has it.
static void find_before(struct search *s) {
  const struct graph *g = s->net->graph;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    s->before[i] = ARENA_NEW(s->net->arena, uint32_t, n->n_in + n->n_ref + n->n_after);
    for (uint32_t k = 0; k < n->n_in; k++)
      if (!n->in[k].delay) must_follow(s, i, g->values[n->in[k].value].node);
    for (uint32_t k = 0; k < n->n_ref; k++) must_follow(s, i, g->values[n->ref[k]].node);
    for (uint32_t k = 0; k < n->n_after; k++)
      if (!n->after[k].delay) must_follow(s, i, (int32_t)n->after[k].node);
  }
}

// ---- all orders of a few

struct set {
  int64_t peak, live;
  uint8_t last;
};

// Sets the readers that are to come to what they are behind a set of the nodes from `begin` on.
static void go_to(struct search *s, uint32_t begin, uint32_t count, uint32_t from, uint32_t to) {
  for (uint32_t i = 0; i < count; i++) {
    const struct order_node *o = &s->net->nodes[s->order[begin + i]];
    int change = (int)(to >> i & 1) - (int)(from >> i & 1);
    for (uint32_t k = 0; change && k < o->n_reads; k++)
      s->state.left[o->reads[k]] -= (uint32_t)change;
  }
}

static void exact(struct search *s, uint32_t begin, uint32_t count) {
  struct arena a = {0};
  uint32_t full = (1u << count) - 1, at = 0, needs[ORDER_EXACT_MAX] = {0};
  struct set *sets = ARENA_NEW(&a, struct set, (size_t)full + 1);
  int64_t peak = s->state.peak;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t node = s->order[begin + i];
    for (uint32_t k = 0; k < s->n_before[node]; k++) {
      uint32_t place = s->place[s->before[node][k]];
      if (place >= begin && place < begin + count) needs[i] |= 1u << (place - begin);
    }
  }
  for (uint32_t m = 1; m <= full; m++) sets[m].peak = INT64_MAX;
  sets[0] = (struct set){.peak = peak, .live = s->state.live};
  for (uint32_t m = 0; m < full; m++) {
    if (sets[m].peak == INT64_MAX) continue;
    go_to(s, begin, count, at, m);
    at = m;
    for (uint32_t i = 0; i < count; i++) {
      if (m >> i & 1 || (needs[i] & ~m)) continue;
      s->state.live = sets[m].live;
      int64_t there = order_step(s->net, &s->state, s->order[begin + i]);
      struct set *to = &sets[m | 1u << i];
      order_undo(s->net, &s->state, s->order[begin + i]);
      if (there < sets[m].peak) there = sets[m].peak;
      if (there < to->peak) *to = (struct set){there, s->state.live, (uint8_t)i};
    }
  }
  uint32_t found[ORDER_EXACT_MAX];
  for (uint32_t m = full, k = count; k-- > 0; m &= ~(1u << sets[m].last))
    found[k] = s->order[begin + sets[m].last];
  memcpy(s->order + begin, found, count * sizeof *found);
  go_to(s, begin, count, at, full);
  s->state.live = sets[full].live;
  s->state.peak = sets[full].peak;
  arena_free(&a);
}

// ---- some orders of many

static bool is_ready(const struct search *s, const bool *done, uint32_t node) {
  for (uint32_t k = 0; k < s->n_before[node]; k++)
    if (!done[s->before[node][k]]) return false;
  return true;
}

// The next is whoever leaves least alive; of several, who needs least meanwhile.
static void greedy(struct search *s, uint32_t begin, uint32_t count, uint32_t *order) {
  struct arena a = {0};
  bool *done = ARENA_NEW(&a, bool, s->net->graph->n_nodes);
  uint32_t *open = arena_copy(&a, s->order + begin, count * sizeof *open);
  for (uint32_t t = 0; t < begin; t++) done[s->order[t]] = true;
  for (uint32_t t = 0; t < count; t++) {
    int64_t live = s->state.live, peak = s->state.peak, least = INT64_MAX, need = INT64_MAX;
    uint32_t best = 0;
    for (uint32_t i = 0; i < count - t; i++) {
      if (!is_ready(s, done, open[i])) continue;
      int64_t at = order_step(s->net, &s->state, open[i]);
      order_undo(s->net, &s->state, open[i]);
      if (s->state.live < least || (s->state.live == least && at < need)) {
        least = s->state.live;
        need = at;
        best = i;
      }
      s->state.live = live;
      s->state.peak = peak;
    }
    order[t] = open[best];
    done[open[best]] = true;
    order_step(s->net, &s->state, open[best]);
    memmove(open + best, open + best + 1, (count - t - best - 1) * sizeof *open);
  }
  arena_free(&a);
}

// Whether each still follows what it must, from place t on as far as place u.
static bool may_stand(const struct search *s, const uint32_t *order, uint32_t t, uint32_t u) {
  for (uint32_t i = t; i <= u; i++)
    for (uint32_t k = 0; k < s->n_before[order[i]]; k++)
      for (uint32_t j = i + 1; j <= u; j++)
        if (order[j] == s->before[order[i]][k]) return false;
  return true;
}

enum { APART = 12 }; // places of two that are exchanged

struct start {
  uint32_t *left;
  int64_t live, peak;
};

// How good an order is: its peak; of several with one, what lives on the whole.
struct merit {
  int64_t peak;
  double all;
};

static bool is_better(const struct merit *a, const struct merit *b) {
  return a->peak != b->peak ? a->peak < b->peak : a->all < b->all;
}

static struct merit try_order(struct search *s, const struct start *from, const uint32_t *order,
                              uint32_t count) {
  struct merit m = {0};
  memcpy(s->state.left, from->left, s->net->graph->n_values * sizeof *from->left);
  s->state.live = from->live;
  s->state.peak = from->peak;
  for (uint32_t t = 0; t < count; t++) {
    double at = (double)order_step(s->net, &s->state, order[t]);
    m.all += at * at;
  }
  s->steps += count;
  m.peak = s->state.peak;
  return m;
}

// Exchanges two, brings the later to the earlier's place, or the earlier to the later's.
enum change { EXCHANGE, FORWARD, BACK, CHANGES };

static void change(uint32_t *order, uint32_t t, uint32_t u, enum change how) {
  uint32_t x = order[t], y = order[u];
  if (how == FORWARD) memmove(order + t + 1, order + t, (u - t) * sizeof *order);
  if (how == BACK) memmove(order + t, order + t + 1, (u - t) * sizeof *order);
  if (how != BACK) order[t] = y;
  if (how != FORWARD) order[u] = x;
}

static bool improve(struct search *s, const struct start *from, uint32_t *order, uint32_t count,
                    struct merit *best) {
  uint32_t kept[APART + 1];
  bool better = false;
  for (uint32_t t = 0; t < count; t++)
    for (uint32_t u = t + 1; u < count && u <= t + APART; u++)
      for (int how = 0; how < CHANGES && s->steps < STEPS_MAX; how++) {
        memcpy(kept, order + t, (u - t + 1) * sizeof *kept);
        change(order, t, u, (enum change)how);
        struct merit m = *best;
        if (may_stand(s, order, t, u)) m = try_order(s, from, order, count);
        if (is_better(&m, best)) {
          *best = m;
          better = true;
        } else {
          memcpy(order + t, kept, (u - t + 1) * sizeof *kept);
        }
      }
  return better;
}

static struct merit exchange(struct search *s, const struct start *from, uint32_t *order,
                             uint32_t count) {
  struct merit best = try_order(s, from, order, count);
  while (improve(s, from, order, count, &best)) {
  }
  return best;
}

static void some(struct search *s, uint32_t begin, uint32_t count) {
  struct arena a = {0};
  uint32_t *given = arena_copy(&a, s->order + begin, count * sizeof *given);
  uint32_t *freed = ARENA_NEW(&a, uint32_t, count);
  struct start from = {arena_copy(&a, s->state.left, s->net->graph->n_values * sizeof(uint32_t)),
                       s->state.live, s->state.peak};
  greedy(s, begin, count, freed);
  struct merit by_given = exchange(s, &from, given, count);
  struct merit by_freed = exchange(s, &from, freed, count);
  memcpy(s->order + begin, is_better(&by_freed, &by_given) ? freed : given, count * sizeof *given);
  try_order(s, &from, s->order + begin, count);
  s->exact = false;
  arena_free(&a);
}

// ---- from one node that has its place to the next

// (n_nodes) whether all before a place of the order lead to its node, and it to all behind.
static bool *find_fixed(const struct search *s) {
  uint32_t n = s->net->graph->n_nodes;
  bool *fixed = ARENA_NEW(s->net->arena, bool, n);
  uint32_t *first = ARENA_NEW(s->net->arena, uint32_t, n); // the first that follows, by place
  uint32_t *last = ARENA_NEW(s->net->arena, uint32_t, n);  // the last that it follows, + 1
  memset(first, 0xff, n * sizeof *first);
  for (uint32_t t = 0; t < n; t++)
    for (uint32_t k = 0; k < s->n_before[s->order[t]]; k++) {
      uint32_t from = s->place[s->before[s->order[t]][k]];
      if (t < first[from]) first[from] = t;
      if (from + 1 > last[t]) last[t] = from + 1;
    }
  uint32_t latest = 0;
  for (uint32_t t = 0; t < n; t++) {
    fixed[t] = !t || latest <= t;
    if (first[t] > latest) latest = first[t];
  }
  uint32_t earliest = n;
  for (uint32_t t = n; t-- > 0;) {
    fixed[t] = fixed[t] && earliest > t;
    if (last[t] < earliest) earliest = last[t];
  }
  return fixed;
}

struct order_result order_best(struct arena *a, const struct graph *g,
                               const struct memory_needs *needs, uint32_t exact_max) {
  struct arena scratch = {0};
  struct order_net net = order_net_new(&scratch, g, needs);
  struct search s = {.net = &net, .exact = true};
  s.state.left = ARENA_NEW(&scratch, uint32_t, g->n_values);
  s.order = arena_copy(a, net.given, g->n_nodes * sizeof *s.order);
  s.place = ARENA_NEW(&scratch, uint32_t, g->n_nodes);
  s.n_before = ARENA_NEW(&scratch, uint32_t, g->n_nodes);
  s.before = ARENA_NEW(&scratch, uint32_t *, g->n_nodes);
  for (uint32_t t = 0; t < g->n_nodes; t++) s.place[s.order[t]] = t;
  find_before(&s);
  const bool *fixed = find_fixed(&s);
  order_begin(&net, &s.state);
  for (uint32_t t = 0, end; t < g->n_nodes; t = end) {
    for (end = t; end < g->n_nodes && !fixed[end]; end++) {
    }
    if (end - t > s.widest) s.widest = end - t;
    if (end - t > exact_max)
      some(&s, t, end - t);
    else if (end > t)
      exact(&s, t, end - t);
    if (end < g->n_nodes) order_step(&net, &s.state, s.order[end++]);
  }
  struct order_result r = {s.order, s.state.peak, s.exact, s.widest};
  arena_free(&scratch);
  return r;
}
