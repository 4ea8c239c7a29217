// SPDX-License-Identifier: Apache-2.0
// What no schedule can be shorter than. Of a layer, with c cycles for its cheapest actor:
//
//   node 0  |---- c ----|---- c ----|---- c ----|             the least T in which all of its
//   node 1  . image ....|---- c ----|---- c ----|. back .     actors fit, each node from when the
//   node 2  .. image .....|---- c ----|          .. back ..   image can be there until its results
//           0                                           T     are back at node 0, layers behind
//           them
//
// A layer that needs all of another begins when that can be done; a token that all of a layer needs
// has all of its actors behind it.
#include "sw/plan/schedule.h"

#include <stdlib.h>
#include <string.h>

struct layer_bound {
  bool dense;    // each of its actors needs all of every stream that it reads
  int64_t cheap; // cycles of its cheapest actor
  int64_t work;  // cycles of all
  int64_t image; // frames of the image that each of its actors needs
  int64_t from;  // when the first can begin, as far as layers before it count
  int64_t one;   // when one of its actors can be done
  int64_t all;   // when all can
  int64_t rest;  // what follows each of its actors, cycles
  bool home;     // of each of its actors something goes to node 0
};

struct bounds {
  const struct actors *v;
  const struct node_machine *m;
  const struct routes *home;
  int64_t degree;             // the most links into a node
  bool *marks;                // (tokens)
  struct schedule s;          // for costs alone
  struct layer_bound *layers; // (n_layers)
};

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t count_needs(const struct actor *a) {
  int64_t count = 0;
  for (uint32_t k = 0; k < a->n_needs; k++) count += a->needs[k].count;
  return count;
}

// Frames of inputs among what an actor needs.
static int64_t image_frames(const struct bounds *b, const struct actor *a) {
  int64_t frames = 0;
  for (uint32_t k = 0; k < a->n_needs; k++)
    for (uint32_t t = a->needs[k].first; t < a->needs[k].first + a->needs[k].count; t++)
      if (b->v->layers[b->v->actors[b->v->tokens[t].actor].layer].node == NONE)
        frames += schedule_frames(&b->s, t);
  return frames;
}

static bool is_dense(const struct bounds *b, const struct actor_layer *l) {
  int64_t all = 0;
  const struct actor *a = &b->v->actors[l->first];
  for (uint32_t k = 0; k < a->n_needs; k++) {
    const struct token *t = &b->v->tokens[a->needs[k].first];
    bool seen = false;
    for (uint32_t j = 0; j < k; j++)
      seen = seen || b->v->tokens[a->needs[j].first].stream == t->stream;
    if (!seen) all += b->v->streams[t->stream].count;
  }
  for (uint32_t i = l->first; i < l->first + l->count; i++)
    if (b->v->actors[i].needs != a->needs) return false;
  return count_needs(a) == all;
}

// The first cycle in which an actor of a layer can begin at a node.
static int64_t begin_at(const struct bounds *b, const struct layer_bound *l, uint32_t node) {
  int64_t image =
      node == HOST_NODE || !l->image ? 0 : l->image - 1 + b->home->hops[node] * b->m->latency;
  return larger(image, l->from);
}

// Whether a layer fits before T, with `rest` cycles behind each actor and the way home, or not.
static bool fits(const struct bounds *b, const struct layer_bound *l, uint32_t count, int64_t t,
                 bool home) {
  int64_t actors = 0, cycles = 0;
  for (uint32_t n = 0; n < b->m->topology->nodes; n++) {
    int64_t own = t - begin_at(b, l, n);
    if (home) own -= l->rest + (l->home ? b->home->hops[n] * b->m->latency : 0);
    if (own <= 0) continue;
    actors += own / l->cheap;
    cycles += own;
  }
  return actors >= count && cycles >= l->work;
}

static int64_t least(const struct bounds *b, const struct layer_bound *l, uint32_t count,
                     bool home) {
  int64_t low = 0, high = 1;
  while (!fits(b, l, count, high, home)) high *= 2;
  while (low + 1 < high) {
    int64_t middle = low + (high - low) / 2;
    if (fits(b, l, count, middle, home))
      high = middle;
    else
      low = middle;
  }
  return high;
}

// ---- forwards and backwards

// Marks the tokens that a layer needs; whether all of a stream are among them.
static void mark_needs(struct bounds *b, const struct actor_layer *l) {
  for (uint32_t i = l->first; i < l->first + l->count; i++) {
    const struct actor *a = &b->v->actors[i];
    if (i > l->first && a->needs == a[-1].needs) continue;
    for (uint32_t k = 0; k < a->n_needs; k++)
      memset(b->marks + a->needs[k].first, 1, a->needs[k].count);
  }
}

static bool all_marked(const struct bounds *b, const struct token_stream *s) {
  for (uint32_t t = s->first; t < s->first + s->count; t++)
    if (!b->marks[t]) return false;
  return true;
}

// Actors of a layer that can have ended before a cycle, on all nodes.
static int64_t ended_before(const struct bounds *b, const struct layer_bound *l, uint32_t count,
                            int64_t cycle) {
  int64_t actors = 0;
  for (uint32_t n = 0; n < b->m->topology->nodes; n++) {
    int64_t own = cycle - begin_at(b, l, n);
    if (own > 0) actors += own / l->cheap;
  }
  return actors < count ? actors : count;
}

// When all tokens of a stream can be at one node: those that are made after a cycle come over its
// links, a frame of each in a cycle, or are made there.
static int64_t gathered(const struct bounds *b, const struct token_stream *s) {
  const struct layer_bound *l = &b->layers[s->layer];
  int64_t best = l->all, frames = schedule_frames(&b->s, s->first + s->count - 1);
  for (int64_t back = 1; back < l->all; back *= 2) {
    int64_t after = l->all - back, high = l->all + s->count * l->cheap;
    int64_t left = s->count - ended_before(b, l, s->count, after + 1), low = after;
    while (low + 1 < high) {
      int64_t middle = low + (high - low) / 2, time = middle - after;
      int64_t made = time / l->cheap + 1;
      int64_t come = time > b->m->latency ? (time - b->m->latency) / frames + 1 : 1;
      if (made + come * b->degree >= left)
        high = middle;
      else
        low = middle;
    }
    best = larger(best, high);
  }
  return best;
}

// When an actor can begin, as far as the layers that it reads count.
static int64_t after_needs(const struct bounds *b, const struct actor *a, bool dense) {
  int64_t from = 0;
  for (uint32_t k = 0; k < a->n_needs; k++) {
    const struct token_stream *s = &b->v->streams[b->v->tokens[a->needs[k].first].stream];
    if (b->v->layers[s->layer].node == NONE) continue;
    from = larger(from, dense ? gathered(b, s) : b->layers[s->layer].one);
  }
  return from;
}

static void fill_forward(struct bounds *b, uint32_t layer) {
  const struct actor_layer *l = &b->v->layers[layer];
  struct layer_bound *to = &b->layers[layer];
  *to = (struct layer_bound){.dense = is_dense(b, l)};
  to->cheap = to->image = to->from = to->one = INT64_MAX;
  for (uint32_t i = l->first; i < l->first + l->count; i++) {
    const struct actor *a = &b->v->actors[i];
    int64_t cost = schedule_cost(&b->s, i);
    to->work += cost;
    to->cheap = smaller(to->cheap, cost);
    if (i > l->first && a->needs == a[-1].needs) continue;
    to->image = smaller(to->image, image_frames(b, a));
    to->from = smaller(to->from, after_needs(b, a, to->dense));
  }
  for (uint32_t n = 0; n < b->m->topology->nodes; n++)
    to->one = smaller(to->one, begin_at(b, to, n) + to->cheap);
  to->all = l->node == NONE ? 0 : larger(to->one, least(b, to, l->count, false));
  memset(b->marks, 0, b->v->n_tokens);
  mark_needs(b, l);
  for (uint32_t i = 0; i < b->v->n_streams && b->v->streams[i].layer < layer; i++)
    if (all_marked(b, &b->v->streams[i])) // whoever needs what is made last comes after it
      to->all = larger(to->all, b->layers[b->v->streams[i].layer].all + to->cheap);
}

static bool is_output(const struct actors *v, uint32_t layer) {
  for (uint32_t i = 0; i < v->n_outputs; i++)
    if (v->streams[v->outputs[i]].layer == layer) return true;
  return false;
}

// Behind each actor of a stream, all of which a layer needs, stands one of that layer; behind those
// of which each of its actors needs all, as many rounds of it as there must be.
static void fill_backward(struct bounds *b, uint32_t layer) {
  const struct actor_layer *l = &b->v->layers[layer];
  struct layer_bound *own = &b->layers[layer];
  uint32_t nodes = b->m->topology->nodes;
  own->home = own->home || is_output(b->v, layer);
  if (l->node == NONE) return;
  int64_t rounds = own->dense ? (l->count + nodes - 1) / nodes : 1;
  memset(b->marks, 0, b->v->n_tokens);
  mark_needs(b, l);
  for (uint32_t i = 0; i < b->v->n_streams && b->v->streams[i].layer < layer; i++) {
    struct layer_bound *p = &b->layers[b->v->streams[i].layer];
    if (!all_marked(b, &b->v->streams[i])) continue;
    p->rest = larger(p->rest, rounds * own->cheap + own->rest);
    p->home = p->home || own->home;
  }
}

// ---- the bounds

static int64_t critical(struct arena *scratch, const struct bounds *b) {
  int64_t *end = ARENA_NEW(scratch, int64_t, b->v->n_actors + 1), most = 0, from = 0;
  for (uint32_t i = 0; i < b->v->n_actors; i++) {
    const struct actor *a = &b->v->actors[i];
    bool again = i && a->needs == a[-1].needs;
    if (!again) from = 0;
    for (uint32_t k = 0; !again && k < a->n_needs; k++)
      for (uint32_t t = a->needs[k].first; t < a->needs[k].first + a->needs[k].count; t++)
        from = larger(from, end[b->v->tokens[t].actor]);
    end[i] = from + schedule_cost(&b->s, i);
    most = larger(most, end[i]);
  }
  return most;
}

// Either a layer that reads the image is on node 0 as a whole, or the image goes somewhere.
static int64_t image_out(const struct bounds *b, uint32_t layer) {
  const struct layer_bound *l = &b->layers[layer];
  int64_t stays = l->work + l->rest;
  int64_t goes = l->image - 1 + (l->home ? 2 : 1) * b->m->latency + l->cheap + l->rest;
  if (!l->image) return 0;
  return b->m->topology->nodes > 1 && goes < stays ? goes : stays;
}

struct schedule_bounds schedule_bounds(const struct actors *v, const struct node_machine *m) {
  struct arena scratch = {0};
  struct bounds b = {.v = v, .m = m, .home = routes_new(&scratch, m->topology, HOST_NODE)};
  struct schedule_bounds to = {0};
  b.s = (struct schedule){.actors = v, .machine = m};
  b.layers = ARENA_NEW(&scratch, struct layer_bound, v->n_layers + 1);
  b.marks = ARENA_NEW(&scratch, bool, v->n_tokens + 1);
  for (uint32_t n = 0; n < m->topology->nodes; n++)
    b.degree = larger(b.degree, m->topology->first[n + 1] - m->topology->first[n]);
  for (uint32_t i = 0; i < v->n_layers; i++) fill_forward(&b, i);
  for (uint32_t i = v->n_layers; i-- > 0;) fill_backward(&b, i);
  int64_t cycles = 0;
  for (uint32_t i = 0; i < v->n_actors; i++) cycles += schedule_cost(&b.s, i);
  to.work = (cycles + m->topology->nodes - 1) / m->topology->nodes;
  to.critical = critical(&scratch, &b);
  for (uint32_t i = 0; i < v->n_layers; i++) {
    if (v->layers[i].node == NONE) continue;
    to.link = larger(to.link, image_out(&b, i));
    to.packing = larger(to.packing, least(&b, &b.layers[i], v->layers[i].count, true));
  }
  to.most = larger(larger(to.work, to.critical), larger(to.link, to.packing));
  arena_free(&scratch);
  return to;
}

// Of a layer with `count` actors one node has as many as it must. The layers that read the image
// are on node 0, or the image goes over one of its links.
struct schedule_bounds schedule_period_bounds(const struct actors *v,
                                              const struct node_machine *m) {
  struct arena scratch = {0};
  int64_t nodes = m->topology->nodes, cycles = 0;
  struct bounds b = {.v = v, .m = m, .home = routes_new(&scratch, m->topology, HOST_NODE)};
  struct schedule_bounds to = {0};
  b.s = (struct schedule){.actors = v, .machine = m};
  b.layers = ARENA_NEW(&scratch, struct layer_bound, v->n_layers + 1);
  b.marks = ARENA_NEW(&scratch, bool, v->n_tokens + 1);
  for (uint32_t n = 0; n < m->topology->nodes; n++)
    b.degree = larger(b.degree, m->topology->first[n + 1] - m->topology->first[n]);
  for (uint32_t i = 0; i < v->n_layers; i++) fill_forward(&b, i);
  for (uint32_t i = 0; i < v->n_actors; i++) {
    int64_t cost = schedule_cost(&b.s, i);
    cycles += cost;
    to.critical = larger(to.critical, cost);
  }
  for (uint32_t i = 0; i < v->n_layers; i++) {
    const struct layer_bound *l = &b.layers[i];
    if (v->layers[i].node == NONE) continue;
    to.packing = larger(to.packing, (v->layers[i].count + nodes - 1) / nodes * l->cheap);
    to.link = larger(to.link, nodes > 1 ? smaller(l->image, l->work) : 0);
  }
  to.work = (cycles + nodes - 1) / nodes;
  to.most = larger(larger(to.work, to.critical), larger(to.link, to.packing));
  arena_free(&scratch);
  return to;
}
