// SPDX-License-Identifier: Apache-2.0
#include "sw/pass/recompute.h"

#include "sw/graph/slice.h"
#include "sw/pass/copy.h"

#include <math.h>
#include <string.h>

// ---- what can be made again

static bool runs_again(const struct graph *g, const struct node *n) {
  if (n->n_out != 1 || n->n_ref || n->n_after) return false;
  if (op_is(n->op, TRAIT_BACKWARD | TRAIT_STEPS | TRAIT_HOLDS | TRAIT_REFERS | TRAIT_AVERAGES))
    return false;
  for (uint32_t k = 0; k < n->n_in; k++)
    if (n->in[k].delay) return false;
  return !type_is_ref(&g->values[n->out[0]].type);
}

struct recompute recompute_of(struct arena *a, const struct graph *g, const int64_t *bytes) {
  uint32_t *order = ARENA_NEW(a, uint32_t, g->n_nodes);
  bool *can = ARENA_NEW(a, bool, g->n_values);
  uint32_t half = 0;
  graph_order(g, order);
  while (half < g->n_nodes && !op_is(g->nodes[order[half]].op, TRAIT_BACKWARD)) half++;
  bool *forward = ARENA_NEW(a, bool, g->n_values);
  for (uint32_t t = 0; t < half; t++)
    if (runs_again(g, &g->nodes[order[t]])) forward[g->nodes[order[t]].out[0]] = true;
  for (uint32_t i = 0; i < g->n_outputs; i++) forward[g->outputs[i]] = false;
  for (uint32_t t = half; t < g->n_nodes; t++) {
    const struct node *n = &g->nodes[order[t]];
    for (uint32_t k = 0; k < n->n_in; k++)
      if (!n->in[k].delay) can[n->in[k].value] = forward[n->in[k].value];
  }
  return (struct recompute){g, order, half, bytes, can};
}

// ---- the graph

struct build {
  const struct recompute *r;
  const bool *again;
  struct graph_copy copy;
  uint32_t *order, n_order;
  int64_t *bytes;  // (n_values of the copy)
  int32_t *second; // (n_values) what is made again, or NONE
};

// The value that a node of the backward half sees for a value.
static uint32_t seen(struct build *b, uint32_t value) {
  const struct graph *g = b->r->graph;
  if (!b->again[value]) return value;
  if (b->second[value] != NONE) return (uint32_t)b->second[value];
  const struct node *n = &g->nodes[g->values[value].node];
  const struct value *v = &g->values[value];
  struct graph *to = b->copy.to;
  uint32_t node =
      copy_made(&b->copy, n, arena_printf(to->arena, "%s.again", g->nodes[v->node].name));
  uint32_t y = graph_add_value(to, arena_printf(to->arena, "%s.again", v->name), v->rank, v->shape,
                               v->type, v->per_frame);
  graph_add_out(to, node, y);
  b->bytes[y] = b->r->bytes[value];
  b->second[value] = (int32_t)y;
  for (uint32_t k = 0; k < n->n_in; k++) to->nodes[node].in[k].value = seen(b, n->in[k].value);
  b->order[b->n_order++] = node;
  return y;
}

struct recomputed recompute(struct arena *a, const struct recompute *r, const bool *again) {
  const struct graph *g = r->graph;
  struct build b = {.r = r,
                    .again = again,
                    .copy = copy_new(a, g),
                    .order = ARENA_NEW(a, uint32_t, 2 * g->n_nodes),
                    .bytes = ARENA_NEW(a, int64_t, 2 * g->n_values),
                    .second = ARENA_NEW(a, int32_t, g->n_values)};
  for (uint32_t v = 0; v < g->n_values; v++) b.second[v] = NONE;
  if (g->n_values) memcpy(b.bytes, r->bytes, g->n_values * sizeof *b.bytes);
  copy_values(&b.copy, NULL);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    copy_outputs(&b.copy, &g->nodes[i], copy_node(&b.copy, &g->nodes[i], g->nodes[i].name));
  copy_inputs(&b.copy);
  copy_graph_outputs(&b.copy);
  copy_controls(&b.copy);
  for (uint32_t t = 0; t < g->n_nodes; t++) {
    uint32_t id = r->order[t];
    for (uint32_t k = 0; t >= r->half && k < g->nodes[id].n_in; k++)
      if (!g->nodes[id].in[k].delay)
        b.copy.to->nodes[id].in[k].value = seen(&b, g->nodes[id].in[k].value);
    b.order[b.n_order++] = id;
  }
  return (struct recomputed){b.copy.to, b.order, b.bytes};
}

// ---- which

// What an arena of a choice has, and how it stands to the limit.
struct trial {
  int64_t bytes, macs;
  double above; // bytes above the limit, over all steps
};

struct search {
  const struct recompute *r;
  const bool *keep;
  int64_t align, limit;
};

static bool *kept_of(struct arena *a, const struct search *s, const struct recomputed *m) {
  bool *keep = ARENA_NEW(a, bool, m->graph->n_values);
  if (s->r->graph->n_values) memcpy(keep, s->keep, s->r->graph->n_values * sizeof *keep);
  return keep;
}

static struct plan *plan_of(struct arena *a, const struct search *s, const struct recomputed *m,
                            bool tight) {
  const struct memory_needs needs = {.bytes = m->bytes,
                                     .keep = kept_of(a, s, m),
                                     .align = s->align,
                                     .order = m->order,
                                     .tight = tight};
  return memory_plan(a, m->graph, &needs);
}

static int64_t macs_again(const struct recompute *r, const struct recomputed *m) {
  int64_t macs = 0;
  for (uint32_t i = r->graph->n_nodes; i < m->graph->n_nodes; i++) {
    const struct node *n = &m->graph->nodes[i];
    int64_t own = node_macs(m->graph, n);
    macs += own ? own : value_elements(node_out(m->graph, n, 0));
  }
  return macs;
}

static struct trial try_choice(const struct search *s, const bool *again) {
  struct arena scratch = {0};
  struct recomputed m = recompute(&scratch, s->r, again);
  const struct plan *p = plan_of(&scratch, s, &m, false);
  const int64_t *used = plan_used(&scratch, p, MEMORY_ARENA);
  struct trial t = {.bytes = p->machine.resources[MEMORY_ARENA].bytes,
                    .macs = macs_again(s->r, &m)};
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].action == ACTION_RUN && used[i] > s->limit)
      t.above += (double)(used[i] - s->limit);
  arena_free(&scratch);
  return t;
}

// The value that removes most for its cost; NONE: none removes anything.
static int32_t best_value(const struct search *s, bool *again, const struct trial *now) {
  int32_t best = NONE;
  double most = 0;
  for (uint32_t v = 0; v < s->r->graph->n_values; v++) {
    if (!s->r->can[v] || again[v]) continue;
    again[v] = true;
    struct trial t = try_choice(s, again);
    again[v] = false;
    double gain = (now->above - t.above) / (double)(t.macs > now->macs ? t.macs - now->macs : 1);
    if (gain <= most) continue;
    most = gain;
    best = (int32_t)v;
  }
  return best;
}

// Keeps what needn't be made again, the dearest first.
static void keep_more(const struct search *s, bool *again, struct trial *now) {
  for (;;) {
    int32_t best = NONE;
    struct trial least = *now;
    for (uint32_t v = 0; v < s->r->graph->n_values; v++) {
      if (!again[v]) continue;
      again[v] = false;
      struct trial t = try_choice(s, again);
      again[v] = true;
      if (t.bytes > s->limit || t.macs >= least.macs) continue;
      least = t;
      best = (int32_t)v;
    }
    if (best == NONE) return;
    again[best] = false;
    *now = least;
  }
}

// ---- tries under limits that don't depend on the one that is asked for, so that what fits in some
// bytes fits in more

struct tries {
  struct trial best, least; // of those within the limit that does least again; of all the smallest
  bool found;
  bool *again, *smallest; // (n_values)
};

static void note(const struct search *s, const bool *again, const struct trial *t, int64_t limit,
                 struct tries *tries) {
  size_t size = s->r->graph->n_values * sizeof *again;
  if (t->bytes <= limit && (!tries->found || t->macs < tries->best.macs)) {
    tries->found = true;
    tries->best = *t;
    if (size) memcpy(tries->again, again, size);
  }
  if (t->bytes >= tries->least.bytes) return;
  tries->least = *t;
  if (size) memcpy(tries->smallest, again, size);
}

// One value after the other, until the arena has no more than the search's limit; all on the way
// are noted.
static void go(const struct search *s, int64_t limit, struct tries *tries) {
  struct arena scratch = {0};
  bool *again = ARENA_NEW(&scratch, bool, s->r->graph->n_values);
  struct trial now = try_choice(s, again);
  note(s, again, &now, limit, tries);
  while (now.bytes > s->limit) {
    int32_t v = best_value(s, again, &now);
    if (v == NONE) break;
    again[v] = true;
    now = try_choice(s, again);
    note(s, again, &now, limit, tries);
  }
  arena_free(&scratch);
}

bool recompute_within(struct arena *a, const struct recompute *r, const bool *keep, int64_t align,
                      int64_t limit, struct recompute_choice *choice) {
  static const int shares[] = {90, 80, 70, 60, 55,
                               50, 45, 40, 0}; // of a hundred of all that is kept
  struct search s = {r, keep, align, limit};
  struct tries t = {.least = {.bytes = INT64_MAX},
                    .again = ARENA_NEW(a, bool, r->graph->n_values),
                    .smallest = ARENA_NEW(a, bool, r->graph->n_values)};
  go(&s, limit, &t);
  t.least.bytes = INT64_MAX;
  int64_t whole = try_choice(&s, ARENA_NEW(a, bool, r->graph->n_values)).bytes;
  for (size_t i = 0; !t.found && i < sizeof shares / sizeof *shares; i++) {
    s.limit = whole / 100 * shares[i];
    go(&s, limit, &t);
  }
  s.limit = limit;
  bool *again = t.found ? t.again : t.smallest;
  if (t.found) keep_more(&s, again, &t.best);
  *choice = (struct recompute_choice){.made = recompute(a, r, again), .again = again};
  choice->plan = plan_of(a, &s, &choice->made, true);
  choice->macs = macs_again(r, &choice->made);
  return choice->plan->machine.resources[MEMORY_ARENA].bytes <= limit;
}
