// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/modulo_parts.h"

#include <stdlib.h>
#include <string.h>

enum turn { TURN_EARLIEST, TURN_LATEST, TURN_OF_GRAPH };
enum { TURNS = TURN_OF_GRAPH + 1 };
enum { THERE_MAX = 1 << 24, ROUNDS_MOST = 24 }; // values times nodes

static const struct routes *routes_of(struct moduler *m, uint32_t node) {
  if (!m->routes[node]) m->routes[node] = routes_new(m->arena, m->m->machine->topology, node);
  return m->routes[node];
}

static int64_t *there(const struct moduler *m, uint32_t value, uint32_t node) {
  return &m->there[(size_t)value * m->m->machine->topology->nodes + node];
}

static uint32_t place_of_value(const struct moduler *m, uint32_t value) {
  int32_t node = m->m->graph->values[value].node;
  return node == NONE ? HOST_NODE : m->m->place[node];
}

// ---- tokens

static void add_hop(struct moduler *m, struct modulo_hop hop) {
  if (m->n_hops == m->room) {
    m->room = m->room ? 2 * m->room : 256;
    m->hops = realloc(m->hops, m->room * sizeof *m->hops);
    if (!m->hops) arena_out_of_memory();
  }
  m->hops[m->n_hops++] = hop;
}

// To a node, from where it is on the way there. False: a link has no time left for it, or it is on
// its way for more than a period.
static bool bring(struct moduler *m, uint32_t value, uint32_t node, int64_t period) {
  uint32_t way[NODES_MAX], hops = 0;
  const struct topology *t = m->m->machine->topology;
  const struct routes *r = routes_of(m, place_of_value(m, value));
  for (uint32_t n = node; *there(m, value, n) == NONE; n = t->from[r->link[n]])
    way[hops++] = r->link[n];
  if (hops && m->frames[value] - 1 + m->m->machine->latency > period) return false;
  while (hops) {
    uint32_t link = way[--hops];
    int64_t at =
        busy_fit_period(&m->link[link], *there(m, value, t->from[link]), m->frames[value], period);
    if (at < 0) return false;
    busy_take_period(&m->link[link], at, m->frames[value], period);
    add_hop(m, (struct modulo_hop){value, link, at, m->frames[value]});
    *there(m, value, t->to[link]) = at + m->frames[value] - 1 + m->m->machine->latency;
  }
  return true;
}

static bool is_output(const struct graph *g, uint32_t value) {
  for (uint32_t i = 0; i < g->n_outputs; i++)
    if (g->outputs[i] == value) return true;
  return false;
}

// To all nodes that need it, the nearest first.
static bool spread_value(struct moduler *m, uint32_t value, int64_t at, int64_t period) {
  uint32_t nodes = m->m->machine->topology->nodes;
  const struct routes *r = routes_of(m, place_of_value(m, value));
  bool ok = true, far = is_output(m->m->graph, value);
  *there(m, value, place_of_value(m, value)) = at;
  memset(m->wanted, 0, nodes * sizeof *m->wanted);
  m->wanted[HOST_NODE] = far;
  for (uint32_t k = m->users_first[value]; k < m->users_first[value + 1]; k++) {
    m->wanted[m->m->place[m->users[k]]] = true;
    far = far || m->m->place[m->users[k]] != r->order[0];
  }
  for (uint32_t i = 1; far && ok && i < nodes; i++)
    if (m->wanted[r->order[i]]) ok = bring(m, value, r->order[i], period);
  return ok;
}

// ---- firings

// When a dependence is met, in the time of its reader's step.
static int64_t met_at(struct moduler *m, const struct dependence *d, int64_t period) {
  const struct modulo *x = m->m;
  int64_t at = m->start[d->from] + x->cost[d->from];
  if (d->value != NONE)
    at = *there(m, (uint32_t)d->value, x->place[d->to]);
  else
    at += routes_of(m, x->place[d->from])->hops[x->place[d->to]] * x->machine->latency;
  return at - d->delay * period;
}

static int64_t inputs_there(struct moduler *m, const struct node *n, uint32_t place) {
  const struct graph *g = m->m->graph;
  int64_t latest = 0;
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct value *v = &g->values[n->in[k].value];
    if (v->node != NONE || v->init) continue;
    int64_t at = *there(m, n->in[k].value, place);
    if (at > latest) latest = at;
  }
  return latest;
}

// Its first free time; what comes of it goes to who needs it. Beside what its node does already no
// time is left that nothing fits in, but it may have to wait.
static bool fire(struct moduler *m, uint32_t node, int64_t period, bool beside) {
  struct modulo *x = m->m;
  const struct node *n = &x->graph->nodes[node];
  struct busy *pe = &m->pe[x->place[node]];
  int64_t from = inputs_there(m, n, x->place[node]), cost = x->cost[node];
  if (m->least[node] > from) from = m->least[node];
  for (uint32_t k = m->needs.first[node]; k < m->needs.first[node + 1]; k++) {
    const struct dependence *d = &m->needs.list[k];
    if (m->start[d->from] == NONE) continue; // of steps before: it is looked at behind
    int64_t at = met_at(m, d, period);
    if (at > from) from = at;
  }
  int64_t at =
      beside ? busy_beside_period(pe, from, cost, period) : busy_fit_period(pe, from, cost, period);
  if (at < 0) return false;
  busy_take_period(pe, at, cost, period);
  m->start[node] = at;
  m->fired++;
  for (uint32_t k = 0; k < n->n_out; k++) {
    const struct value *v = &x->graph->values[n->out[k]];
    if (!type_is_ref(&v->type) && !spread_value(m, n->out[k], at + cost, period)) return false;
  }
  return true;
}

// ---- a period

static void clear(struct moduler *m) {
  const struct topology *t = m->m->machine->topology;
  for (uint32_t i = 0; i < t->nodes; i++) m->pe[i].count = 0;
  for (uint32_t i = 0; i < t->n_links; i++) m->link[i].count = 0;
  m->n_hops = 0;
  memset(m->there, 0xff, (size_t)m->m->graph->n_values * t->nodes * sizeof *m->there);
  memset(m->start, 0xff, m->m->graph->n_nodes * sizeof *m->start);
}

static bool fire_all(struct moduler *m, int64_t period, bool beside) {
  const struct graph *g = m->m->graph;
  clear(m);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (!spread_value(m, g->inputs[i].value, 0, period)) return false;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (!fire(m, m->order[i], period, beside)) return false;
  return true;
}

// Whether a firing begins before what it needs of steps before: then it has to begin later.
static bool put_off(struct moduler *m, int64_t period) {
  bool any = false;
  for (uint32_t k = 0; k < m->needs.count; k++) {
    const struct dependence *d = &m->needs.list[k];
    int64_t at = d->delay ? met_at(m, d, period) : 0;
    if (at <= m->start[d->to]) continue;
    if (at > m->least[d->to]) m->least[d->to] = at;
    any = true;
  }
  return any;
}

static void keep(struct moduler *m, int64_t period) {
  struct modulo *x = m->m;
  x->period = period;
  x->length = 0;
  memcpy(x->start, m->start, x->graph->n_nodes * sizeof *x->start);
  x->hops = realloc(x->hops, (m->n_hops + 1) * sizeof *x->hops);
  if (!x->hops) arena_out_of_memory();
  if (m->n_hops) memcpy(x->hops, m->hops, m->n_hops * sizeof *x->hops);
  x->n_hops = m->n_hops;
  for (uint32_t i = 0; i < x->graph->n_nodes; i++)
    if (x->start[i] + x->cost[i] > x->length) x->length = x->start[i] + x->cost[i];
  for (uint32_t i = 0; i < x->n_hops; i++) {
    int64_t end = x->hops[i].start + x->hops[i].frames - 1 + x->machine->latency;
    if (end > x->length) x->length = end;
  }
}

// ---- not before

// Cycles from the end of a firing until what it does can be used where it is needed, on free links.
static int64_t way_of(struct moduler *m, const struct dependence *d) {
  uint32_t from = m->m->place[d->from], to = m->m->place[d->to];
  int64_t latency = m->m->machine->latency;
  if (from == to) return 0;
  int64_t frames = d->value == NONE ? 1 : m->frames[d->value];
  return routes_of(m, from)->hops[to] * (frames - 1 + latency);
}

static int64_t input_way(struct moduler *m, uint32_t node) {
  const struct node *n = &m->m->graph->nodes[node];
  int64_t most = 0, latency = m->m->machine->latency;
  uint32_t hops = routes_of(m, HOST_NODE)->hops[m->m->place[node]];
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct value *v = node_in(m->m->graph, n, k);
    if (v->node != NONE || v->init) continue;
    int64_t at = hops * (m->frames[n->in[k].value] - 1 + latency);
    if (at > most) most = at;
  }
  return most;
}

// When each firing could begin at the earliest if nobody else were there. False: along a cycle the
// begins would grow for ever.
static bool find_least(struct moduler *m, int64_t period) {
  const struct modulo *x = m->m;
  int64_t all = 0;
  bool changed = true;
  for (uint32_t i = 0; i < x->graph->n_nodes; i++) {
    m->least[i] = input_way(m, i);
    all += x->cost[i] + m->least[i];
  }
  for (uint32_t k = 0; k < m->needs.count; k++) all += m->way[k] = way_of(m, &m->needs.list[k]);
  for (uint32_t round = 0; changed && round <= x->graph->n_nodes; round++) {
    changed = false;
    for (uint32_t k = 0; k < m->needs.count; k++) {
      const struct dependence *d = &m->needs.list[k];
      int64_t at = m->least[d->from] + x->cost[d->from] + m->way[k] - d->delay * period;
      if (at <= m->least[d->to]) continue;
      if (at > all) return false;
      m->least[d->to] = at;
      changed = true;
    }
  }
  return !changed;
}

static int by_begin(const void *x, const void *y) {
  const struct begin *a = x, *b = y;
  if (a->at != b->at) return a->at < b->at ? -1 : 1;
  return a->place < b->place ? -1 : a->place > b->place;
}

// When each could begin at the latest, so that the last of all isn't later.
static void find_latest(struct moduler *m, int64_t period) {
  const struct modulo *x = m->m;
  int64_t last = 0;
  bool changed = true;
  for (uint32_t i = 0; i < x->graph->n_nodes; i++)
    if (m->least[i] + x->cost[i] > last) last = m->least[i] + x->cost[i];
  for (uint32_t i = 0; i < x->graph->n_nodes; i++) m->begins[i].at = last - x->cost[i];
  while (changed) {
    changed = false;
    for (uint32_t k = m->needs.count; k-- > 0;) {
      const struct dependence *d = &m->needs.list[k];
      int64_t at = m->begins[d->to].at - m->way[k] - x->cost[d->from] + d->delay * period;
      if (at >= m->begins[d->from].at) continue;
      m->begins[d->from].at = at;
      changed = true;
    }
  }
}

// Each behind what it needs of its own step: as the graph has them, the one that could begin first
// in front, or the one that must.
static void sort_firings(struct moduler *m, enum turn turn, int64_t period) {
  uint32_t count = m->m->graph->n_nodes;
  memcpy(m->order, m->in_turn, count * sizeof *m->order);
  if (turn == TURN_OF_GRAPH) return;
  if (turn == TURN_LATEST) find_latest(m, period);
  for (uint32_t i = 0; turn == TURN_EARLIEST && i < count; i++) m->begins[i].at = m->least[i];
  for (uint32_t i = 0; i < count; i++) m->begins[m->in_turn[i]].place = i;
  qsort(m->begins, count, sizeof *m->begins, by_begin);
  for (uint32_t i = 0; i < count; i++) m->order[i] = m->in_turn[m->begins[i].place];
}

bool modulo_fits(struct moduler *m, int64_t period) {
  for (int k = 0; k < 2 * TURNS; k++) {
    if (!find_least(m, period)) return false;
    sort_firings(m, (enum turn)(k / 2), period);
    for (int round = 0; round < ROUNDS_MOST; round++) {
      if (!fire_all(m, period, k % 2)) break;
      if (put_off(m, period)) continue;
      keep(m, period);
      return true;
    }
  }
  return false;
}

// ---- loads

struct modulo_loads modulo_load(struct moduler *m) {
  const struct graph *g = m->m->graph;
  const struct topology *t = m->m->machine->topology;
  struct arena scratch = {0};
  struct modulo_loads to = {0};
  int64_t *pe = ARENA_NEW(&scratch, int64_t, t->nodes);
  int64_t *link = ARENA_NEW(&scratch, int64_t, t->n_links + 1);
  uint32_t *seen = ARENA_NEW(&scratch, uint32_t, t->nodes);
  for (uint32_t i = 0; i < g->n_nodes; i++) pe[m->m->place[i]] += m->m->cost[i];
  for (uint32_t v = 0; v < g->n_values; v++) {
    if (g->values[v].init || type_is_ref(&g->values[v].type)) continue;
    uint32_t root = place_of_value(m, v), users = m->users_first[v + 1];
    const struct routes *r = routes_of(m, root);
    bool out = is_output(g, v);
    seen[root] = v + 1;
    for (uint32_t k = m->users_first[v]; k < users + out; k++) {
      uint32_t n = k < users ? m->m->place[m->users[k]] : HOST_NODE;
      for (; seen[n] != v + 1; n = t->from[r->link[n]]) {
        seen[n] = v + 1;
        link[r->link[n]] += m->frames[v];
      }
    }
  }
  for (uint32_t i = 0; i < t->nodes + t->n_links; i++) {
    int64_t load = i < t->nodes ? pe[i] : link[i - t->nodes];
    if (load > to.most) to.most = load;
    to.squares += (double)load * (double)load;
  }
  arena_free(&scratch);
  return to;
}

// ---- all of it

static void find_users(struct moduler *m) {
  const struct graph *g = m->m->graph;
  m->users_first = ARENA_NEW(m->arena, uint32_t, g->n_values + 2);
  uint32_t *first = m->users_first + 1;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) first[g->nodes[i].in[k].value + 1]++;
  for (uint32_t v = 0; v < g->n_values; v++) first[v + 1] += first[v];
  m->users = ARENA_NEW(m->arena, uint32_t, first[g->n_values] + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) m->users[first[g->nodes[i].in[k].value]++] = i;
}

static struct moduler moduler_new(struct arena *scratch, struct modulo *x) {
  const struct graph *g = x->graph;
  const struct topology *t = x->machine->topology;
  struct moduler m = {.arena = scratch, .m = x};
  m.in_turn = ARENA_NEW(scratch, uint32_t, g->n_nodes + 1);
  m.order = ARENA_NEW(scratch, uint32_t, g->n_nodes + 1);
  m.begins = ARENA_NEW(scratch, struct begin, g->n_nodes + 1);
  graph_order(g, m.in_turn);
  m.needs = dependences_of(scratch, g);
  m.way = ARENA_NEW(scratch, int64_t, m.needs.count + 1);
  m.group = modulo_groups(scratch, g);
  m.routes = ARENA_NEW(scratch, struct routes *, t->nodes);
  m.frames = ARENA_NEW(scratch, int64_t, g->n_values + 1);
  m.start = ARENA_NEW(scratch, int64_t, g->n_nodes + 1);
  m.least = ARENA_NEW(scratch, int64_t, g->n_nodes + 1);
  m.there = ARENA_NEW(scratch, int64_t, (size_t)g->n_values * t->nodes + 1);
  m.pe = ARENA_NEW(scratch, struct busy, t->nodes);
  m.link = ARENA_NEW(scratch, struct busy, t->n_links + 1);
  m.wanted = ARENA_NEW(scratch, bool, t->nodes);
  for (uint32_t v = 0; v < g->n_values; v++)
    m.frames[v] = modulo_frames(g, v, x->frames, x->machine->link_bits);
  find_users(&m);
  return m;
}

static void moduler_free(struct moduler *m) {
  for (uint32_t i = 0; i < m->m->machine->topology->nodes; i++) busy_free(&m->pe[i]);
  for (uint32_t i = 0; i < m->m->machine->topology->n_links; i++) busy_free(&m->link[i]);
  free(m->hops);
}

const struct modulo *modulo_make(struct arena *a, const struct graph *g, int64_t frames,
                                 const struct node_machine *machine, struct err *e) {
  uint32_t nodes = machine->topology->nodes;
  if ((int64_t)g->n_values * nodes > THERE_MAX)
    return err_put(e, "%u values on %u nodes are too many: give a larger --grain, or fewer nodes",
                   g->n_values, nodes),
           NULL;
  struct arena scratch = {0};
  struct modulo *x = ARENA_NEW(a, struct modulo, 1);
  *x = (struct modulo){.graph = g, .machine = machine, .frames = frames};
  x->place = ARENA_NEW(a, uint32_t, g->n_nodes + 1);
  x->cost = ARENA_NEW(a, int64_t, g->n_nodes + 1);
  x->start = ARENA_NEW(a, int64_t, g->n_nodes + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    x->cost[i] = modulo_cost(g, &g->nodes[i], frames, machine->macs);
  struct moduler m = moduler_new(&scratch, x);
  modulo_place(&m);
  moduler_free(&m);
  struct modulo_hop *hops = arena_copy(a, x->hops, (x->n_hops + 1) * sizeof *hops);
  free(x->hops);
  x->hops = hops;
  arena_free(&scratch);
  return x;
}
