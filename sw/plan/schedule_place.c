// SPDX-License-Identifier: Apache-2.0
// Where an actor is done first: what it needs is taken to come as fast as the last links of the
// ways let it in.
#include "sw/plan/schedule_parts.h"

#include <string.h>

// The first cycles from `from` on in which a link has room for a token, after those that have been
// asked for with the same question.
static int64_t room_on(struct maker *m, uint32_t link, uint32_t token, int64_t from) {
  if (m->stamp[link] == m->question && m->clock[link] > from) from = m->clock[link];
  from = busy_fit(&m->link[link], from, m->frames[token]);
  m->stamp[link] = m->question;
  m->clock[link] = from + m->frames[token];
  return from;
}

// When a token could be at a node: as fast as the first link on the way, if it isn't behind that
// already, and the last one let it through.
static int64_t arrival(struct maker *m, uint32_t token, uint32_t node) {
  int64_t there = *token_there(m, token, node), latency = m->machine->latency;
  if (there >= 0) return there;
  const struct firing *f = &m->schedule->firings[m->actors->tokens[token].actor];
  const struct routes *r = maker_routes(m, f->node);
  int64_t from = f->end + (r->hops[node] - 1) * latency;
  if (r->hops[node] > 1) {
    int64_t near = *token_there(m, token, m->machine->topology->to[r->first[node]]);
    if (near < 0) near = room_on(m, r->first[node], token, f->end) + latency;
    from = near + (r->hops[node] - 2) * latency;
  }
  return room_on(m, r->link[node], token, from) + m->frames[token] - 1 + latency;
}

// When all that an actor needs could be at a node.
static int64_t ready_at(struct maker *m, const struct actor *a, uint32_t node) {
  int64_t latest = 0;
  m->question++;
  for (uint32_t k = 0; k < a->n_needs; k++)
    for (uint32_t i = 0; i < a->needs[k].count; i++) {
      int64_t at = arrival(m, a->needs[k].first + i, node);
      if (at > latest) latest = at;
    }
  return latest;
}

static bool is_output(const struct actors *v, uint32_t layer) {
  for (uint32_t i = 0; i < v->n_outputs; i++)
    if (v->streams[v->outputs[i]].layer == layer) return true;
  return false;
}

// Whether actors of a layer may be at a node.
static bool may_be_at(struct maker *m, const struct actor_layer *l, uint32_t node) {
  const struct topology *t = m->machine->topology;
  if (!l->region || node == HOST_NODE) return true;
  uint32_t link = maker_routes(m, HOST_NODE)->first[node] - t->first[HOST_NODE];
  return link % m->actors->regions + 1 == l->region;
}

static uint32_t best_node(struct maker *m, uint32_t actor, bool output) {
  const struct routes *home = maker_routes(m, HOST_NODE);
  const struct actor_layer *l = &m->actors->layers[m->actors->actors[actor].layer];
  uint32_t best = HOST_NODE;
  int64_t least = INT64_MAX, cost = m->cost[actor];
  for (uint32_t i = 0; i < m->machine->topology->nodes; i++) {
    uint32_t n = home->order[i];
    int64_t from = m->ready[n] > m->ends[n] ? m->ready[n] : m->ends[n];
    if (from + cost >= least || !may_be_at(m, l, n)) continue;
    int64_t end = busy_fit(&m->pe[n], from, cost) + cost;
    if (output) end += home->hops[n] * m->machine->latency;
    if (end < least) best = n;
    if (end < least) least = end;
  }
  return best;
}

void place_layer(struct maker *m, uint32_t layer) {
  const struct actor_layer *l = &m->actors->layers[layer];
  bool output = is_output(m->actors, layer);
  uint32_t nodes = m->machine->topology->nodes;
  memset(m->ends, 0, nodes * sizeof *m->ends);
  for (uint32_t i = l->first; i < l->first + l->count; i++) {
    const struct actor *a = &m->actors->actors[i];
    if (i == l->first || a->needs != a[-1].needs)
      for (uint32_t n = 0; n < nodes; n++) m->ready[n] = ready_at(m, a, n);
    uint32_t n = best_node(m, i, output);
    int64_t from = m->ready[n] > m->ends[n] ? m->ready[n] : m->ends[n];
    m->ends[n] = busy_fit(&m->pe[n], from, m->cost[i]) + m->cost[i];
    m->schedule->firings[i].node = n;
  }
}
