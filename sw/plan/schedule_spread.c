// SPDX-License-Identifier: Apache-2.0
// Who computes what, for images that follow each other: what counts is the busiest node or link.
// The largest actors go first, each to whom has least to do; or those that are nearest to the
// outputs fill the nodes nearest to node 0, so that what they read flows against the image. The
// better of the two is then improved, an actor at a time.
#include "sw/plan/schedule_parts.h"

#include "sw/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TRIALS_MOST = 3000, STEPS_MOST = 15000000, SHARP = 24 };

// Tokens beside each other that the same actors need.
struct bundle {
  uint32_t first, count;
  uint32_t n_actors;
  const uint32_t *actors;
  bool output;
};

struct spread {
  struct maker *m;
  struct arena scratch;
  uint32_t n_bundles;
  struct bundle *bundles;
  uint32_t *node;       // (actors) where
  int64_t *node_load;   // (nodes) cycles
  int64_t *link_load;   // (links) frames
  int64_t *frames;      // (nodes) of a bundle that come from there
  uint32_t *seen, seal; // (nodes) on the way of this tree already
  int64_t steps;        // of all trials
};

// ---- who needs the same

static void add_bundles(struct spread *s, const struct token_stream *stream, uint32_t *const *users,
                        const uint32_t *count, bool output) {
  for (uint32_t t = stream->first; t < stream->first + stream->count; t++) {
    struct bundle *last = s->n_bundles ? &s->bundles[s->n_bundles - 1] : NULL;
    if (t > stream->first && last->n_actors == count[t] &&
        memcmp(last->actors, users[t], count[t] * sizeof **users) == 0)
      last->count++;
    else
      s->bundles[s->n_bundles++] = (struct bundle){t, 1, count[t], users[t], output};
  }
}

static void make_bundles(struct spread *s) {
  const struct actors *v = s->m->actors;
  uint32_t *count = ARENA_NEW(&s->scratch, uint32_t, v->n_tokens + 1);
  uint32_t **users = ARENA_NEW(&s->scratch, uint32_t *, v->n_tokens + 1);
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t t = 0; pass && t < v->n_tokens; t++) {
      users[t] = ARENA_NEW(&s->scratch, uint32_t, count[t] + 1);
      count[t] = 0;
    }
    for (uint32_t i = 0; i < v->n_actors; i++)
      for (uint32_t k = 0; k < v->actors[i].n_needs; k++) {
        const struct span_needed *n = &v->actors[i].needs[k];
        for (uint32_t t = n->first; t < n->first + n->count; t++) {
          if (pass) users[t][count[t]] = i;
          count[t]++;
        }
      }
  }
  s->bundles = ARENA_NEW(&s->scratch, struct bundle, v->n_tokens + 1);
  for (uint32_t i = 0; i < v->n_streams; i++) {
    bool output = false;
    for (uint32_t k = 0; k < v->n_outputs; k++) output = output || v->outputs[k] == i;
    add_bundles(s, &v->streams[i], users, count, output);
  }
}

// ---- loads

static void load_way(struct spread *s, const struct routes *r, uint32_t to, int64_t frames) {
  const struct topology *t = s->m->machine->topology;
  for (uint32_t n = to; s->seen[n] != s->seal; n = t->from[r->link[n]]) {
    s->seen[n] = s->seal;
    s->link_load[r->link[n]] += frames;
    s->steps++;
  }
}

static void load_bundle(struct spread *s, const struct bundle *b) {
  const struct actors *v = s->m->actors;
  for (uint32_t t = b->first; t < b->first + b->count; t++)
    s->frames[s->node[v->tokens[t].actor]] += s->m->frames[t];
  for (uint32_t t = b->first; t < b->first + b->count; t++) {
    uint32_t from = s->node[v->tokens[t].actor];
    if (!s->frames[from]) continue;
    const struct routes *r = maker_routes(s->m, from);
    s->seen[from] = ++s->seal;
    for (uint32_t i = 0; i < b->n_actors; i++)
      load_way(s, r, s->node[b->actors[i]], s->frames[from]);
    if (b->output) load_way(s, r, HOST_NODE, s->frames[from]);
    s->steps += b->n_actors;
    s->frames[from] = 0;
  }
}

struct verdict_of_load {
  int64_t most; // of the busiest
  double sharp; // sums of high powers: also how many are nearly as busy
};

// Of all loads, as they are with every actor where it is now.
static struct verdict_of_load judge(struct spread *s) {
  const struct topology *t = s->m->machine->topology;
  struct verdict_of_load to = {0};
  memset(s->node_load, 0, t->nodes * sizeof *s->node_load);
  memset(s->link_load, 0, (t->n_links + 1) * sizeof *s->link_load);
  for (uint32_t i = 0; i < s->m->actors->n_actors; i++) s->node_load[s->node[i]] += s->m->cost[i];
  for (uint32_t i = 0; i < s->n_bundles; i++) load_bundle(s, &s->bundles[i]);
  for (uint32_t i = 0; i < t->nodes; i++)
    if (s->node_load[i] > to.most) to.most = s->node_load[i];
  for (uint32_t i = 0; i < t->n_links; i++)
    if (s->link_load[i] > to.most) to.most = s->link_load[i];
  for (uint32_t i = 0; i < t->nodes; i++)
    to.sharp += pow((double)s->node_load[i] / (double)to.most, SHARP);
  for (uint32_t i = 0; i < t->n_links; i++)
    if (s->link_load[i]) to.sharp += pow((double)s->link_load[i] / (double)to.most, SHARP);
  s->steps += t->nodes + t->n_links;
  return to;
}

static bool better(struct verdict_of_load a, struct verdict_of_load b) {
  return a.most < b.most || (a.most == b.most && a.sharp < b.sharp);
}

// ---- beginnings

struct sized {
  uint32_t actor;
  int64_t cost;
};

static int by_cost(const void *x, const void *y) {
  const struct sized *a = x, *b = y;
  if (a->cost != b->cost) return a->cost < b->cost ? 1 : -1;
  return a->actor < b->actor ? -1 : a->actor > b->actor;
}

// Of nodes that have as much, the nearest.
static uint32_t least_loaded(const struct spread *s, const int64_t *load) {
  const struct routes *home = maker_routes(s->m, HOST_NODE);
  uint32_t best = HOST_NODE;
  for (uint32_t i = 1; i < s->m->machine->topology->nodes; i++)
    if (load[home->order[i]] < load[best]) best = home->order[i];
  return best;
}

static void begin_by_cost(struct spread *s) {
  const struct actors *v = s->m->actors;
  struct arena scratch = {0};
  struct sized *list = ARENA_NEW(&scratch, struct sized, v->n_actors + 1);
  int64_t *load = ARENA_NEW(&scratch, int64_t, s->m->machine->topology->nodes);
  for (uint32_t i = 0; i < v->n_actors; i++) list[i] = (struct sized){i, s->m->cost[i]};
  qsort(list, v->n_actors, sizeof *list, by_cost);
  for (uint32_t i = 0; i < v->n_actors; i++) {
    uint32_t n = list[i].cost ? least_loaded(s, load) : HOST_NODE;
    s->node[list[i].actor] = n;
    load[n] += list[i].cost;
  }
  arena_free(&scratch);
}

// What one node has to do at least.
static int64_t least_load(const struct maker *m) {
  int64_t sum = 0, most = 0, nodes = m->machine->topology->nodes;
  for (uint32_t i = 0; i < m->actors->n_actors; i++) {
    sum += m->cost[i];
    if (m->cost[i] > most) most = m->cost[i];
  }
  return (sum + nodes - 1) / nodes > most ? (sum + nodes - 1) / nodes : most;
}

// As much on each node as it must have at least.
static void begin_by_distance(struct spread *s) {
  const struct actors *v = s->m->actors;
  const struct routes *home = maker_routes(s->m, HOST_NODE);
  uint32_t nodes = s->m->machine->topology->nodes;
  struct arena scratch = {0};
  int64_t *load = ARENA_NEW(&scratch, int64_t, nodes), room = least_load(s->m);
  for (uint32_t i = v->n_actors; i-- > 0;) {
    uint32_t k = 0;
    while (s->m->cost[i] && k < nodes && load[home->order[k]] + s->m->cost[i] > room) k++;
    uint32_t n = k < nodes ? home->order[k] : least_loaded(s, load);
    s->node[i] = n;
    load[n] += s->m->cost[i];
  }
  arena_free(&scratch);
}

// ---- exchanges

// An actor of any layer goes elsewhere, or changes places with another.
static bool propose(const struct spread *s, struct rng *r, uint32_t pair[2], uint32_t to[2]) {
  const struct actors *v = s->m->actors;
  for (int i = 0; i < 2; i++) {
    const struct actor_layer *l = &v->layers[rng_range(r, 0, v->n_layers - 1)];
    if (l->node == NONE) return false;
    pair[i] = (uint32_t)rng_range(r, l->first, l->first + l->count - 1);
  }
  bool swap = rng_range(r, 0, 1);
  if (!swap) pair[1] = pair[0];
  to[0] = swap ? s->node[pair[1]] : (uint32_t)rng_range(r, 0, s->m->machine->topology->nodes - 1);
  to[1] = swap ? s->node[pair[0]] : to[0];
  return to[0] != s->node[pair[0]];
}

static void improve(struct spread *s, struct verdict_of_load now) {
  struct rng r = {1, 0};
  int64_t least = least_load(s->m);
  for (int i = 0; i < TRIALS_MOST && s->steps < STEPS_MOST && now.most > least; i++) {
    uint32_t pair[2], to[2];
    if (!propose(s, &r, pair, to)) continue;
    const uint32_t before[2] = {s->node[pair[0]], s->node[pair[1]]};
    // what makes a node busier than the busiest needs no judge
    int64_t more = s->node_load[to[0]] + s->m->cost[pair[0]];
    if (pair[1] != pair[0]) more -= s->m->cost[pair[1]];
    if (more > now.most) continue;
    s->node[pair[0]] = to[0];
    s->node[pair[1]] = to[1];
    struct verdict_of_load then = judge(s);
    if (better(then, now)) {
      now = then;
      continue;
    }
    s->node[pair[0]] = before[0];
    s->node[pair[1]] = before[1];
    judge(s); // the loads as they were
  }
}

static struct spread spread_new(struct maker *m) {
  uint32_t nodes = m->machine->topology->nodes;
  struct spread s = {.m = m};
  s.node = ARENA_NEW(&s.scratch, uint32_t, m->actors->n_actors + 1);
  s.node_load = ARENA_NEW(&s.scratch, int64_t, nodes);
  s.link_load = ARENA_NEW(&s.scratch, int64_t, m->machine->topology->n_links + 1);
  s.frames = ARENA_NEW(&s.scratch, int64_t, nodes);
  s.seen = ARENA_NEW(&s.scratch, uint32_t, nodes);
  make_bundles(&s);
  return s;
}

int64_t spread_actors(struct maker *m) {
  struct spread s = spread_new(m);
  uint32_t count = m->actors->n_actors;
  uint32_t *other = ARENA_NEW(&s.scratch, uint32_t, count + 1);
  begin_by_distance(&s);
  struct verdict_of_load near = judge(&s);
  memcpy(other, s.node, count * sizeof *other);
  begin_by_cost(&s);
  struct verdict_of_load even = judge(&s);
  if (better(near, even)) memcpy(s.node, other, count * sizeof *other);
  improve(&s, judge(&s));
  int64_t period = judge(&s).most;
  for (uint32_t i = 0; i < count; i++) m->schedule->firings[i].node = s.node[i];
  arena_free(&s.scratch);
  return period > 0 ? period : 1;
}
