// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/unscheduled.h"

#include <stdlib.h>
#include <string.h>

struct packet {
  uint32_t token, from, to; // nodes
  uint32_t hops;            // that it has behind it
  int64_t since;            // when it could go on but for the place; or when it arrives
};

// Packets in their order, the first at `head`; and who is on the way to it and has a place already.
struct queue {
  uint32_t head, count, room, coming;
  struct packet *packets; // (room) a ring
  int64_t free;           // from when it can send, or its core can take
};

struct core {
  uint32_t head, count; // ready actors, which run in this order
  uint32_t *ready;      // (actors here)
  int64_t busy;         // until when it runs one
  int64_t running;      // the actor; NONE
};

struct sim {
  struct arena arena;
  const struct schedule *s;
  const struct actors *v;
  const struct topology *t;
  struct routers routers;
  struct unscheduled to;
  int64_t cycle;
  struct queue *waits;  // (nodes) in cores, without a limit
  struct queue *links;  // (links) before them
  struct queue *takes;  // (nodes) before cores
  struct queue *flying; // (links) on them
  struct core *cores;   // (nodes)
  uint32_t ***ways; // (nodes, nodes) links from one to the other; NULL before they are asked for
  struct routes **routes;
  uint32_t *lacking; // (actors) tokens that haven't come
  bool *fired;       // (actors)
  bool *home;        // (tokens) outputs that have come to node 0
  uint32_t **users;  // (tokens) actors
  uint32_t *n_users; // (tokens)
  int64_t alive;     // packets that are somewhere
  uint32_t n_used;   // links that have ever had a packet
  uint32_t *used;    // (links)
};

// ---- queues

static struct packet *first(struct queue *q) {
  return &q->packets[q->head];
}

static void put(struct queue *q, struct packet p) {
  if (q->count == q->room) {
    uint32_t room = q->room ? 2 * q->room : 8;
    struct packet *more = malloc(room * sizeof *more);
    if (!more) arena_out_of_memory();
    for (uint32_t i = 0; i < q->count; i++) more[i] = q->packets[(q->head + i) % q->room];
    free(q->packets);
    *q = (struct queue){0, q->count, room, q->coming, more, q->free};
  }
  q->packets[(q->head + q->count++) % q->room] = p;
}

static struct packet get(struct queue *q) {
  struct packet p = *first(q);
  q->head = (q->head + 1) % q->room;
  q->count--;
  return p;
}

static bool has_place(const struct sim *m, const struct queue *q) {
  return !m->routers.queues || q->count + q->coming < m->routers.queues;
}

// After a packet has got a place.
static void note(struct sim *m, const struct queue *q) {
  int64_t places = (int64_t)q->count + q->coming;
  if (places > m->to.fullest) m->to.fullest = places;
}

// ---- ways

static const struct routes *routes_of(struct sim *m, uint32_t node) {
  if (!m->routes[node]) m->routes[node] = routes_new(&m->arena, m->t, node);
  return m->routes[node];
}

static const uint32_t *way(struct sim *m, uint32_t from, uint32_t to) {
  if (!m->ways[from]) m->ways[from] = ARENA_NEW(&m->arena, uint32_t *, m->t->nodes);
  if (m->ways[from][to]) return m->ways[from][to];
  const struct routes *r = routes_of(m, from);
  uint32_t hops = r->hops[to];
  uint32_t *links = ARENA_NEW(&m->arena, uint32_t, hops + 1);
  for (uint32_t n = to; n != from; n = m->t->from[r->link[n]]) links[--hops] = r->link[n];
  m->ways[from][to] = links;
  return links;
}

// Where a packet goes from a router: before its next link, or before the core.
static struct queue *next_queue(struct sim *m, const struct packet *p) {
  if (p->hops == routes_of(m, p->from)->hops[p->to]) return &m->takes[p->to];
  return &m->links[way(m, p->from, p->to)[p->hops]];
}

// A link that has a packet for the first time is looked at from now on.
static void put_next(struct sim *m, struct queue *q, struct packet p) {
  bool core = q == &m->takes[p.to];
  if (!core && !q->room) m->used[m->n_used++] = (uint32_t)(q - m->links);
  put(q, p);
}

// ---- actors

static void send(struct sim *m, uint32_t token, uint32_t from) {
  const struct token_stream *stream = &m->v->streams[m->v->tokens[token].stream];
  uint32_t index = (uint32_t)(stream - m->v->streams), nodes = m->t->nodes;
  struct arena scratch = {0};
  bool *wanted = ARENA_NEW(&scratch, bool, nodes);
  for (uint32_t i = 0; i < m->n_users[token]; i++)
    wanted[m->s->firings[m->users[token][i]].node] = true;
  for (uint32_t i = 0; i < m->v->n_outputs; i++)
    if (m->v->outputs[i] == index) wanted[HOST_NODE] = true;
  for (uint32_t n = 0; n < nodes; n++) {
    if (!wanted[n]) continue;
    put(&m->waits[from], (struct packet){token, from, n, 0, m->cycle});
    m->alive++;
    m->to.packets += n != from;
  }
  arena_free(&scratch);
}

// A token is there for all who need it on a node.
static void arrive(struct sim *m, uint32_t token, uint32_t node) {
  if (node == HOST_NODE) m->home[token] = true;
  for (uint32_t i = 0; i < m->n_users[token]; i++) {
    uint32_t actor = m->users[token][i];
    if (m->s->firings[actor].node != node || --m->lacking[actor]) continue;
    struct core *c = &m->cores[node];
    c->ready[c->head + c->count++] = actor;
  }
}

static void run_cores(struct sim *m) {
  for (uint32_t n = 0; n < m->t->nodes; n++) {
    struct core *c = &m->cores[n];
    if (c->running != NONE && c->busy <= m->cycle) {
      uint32_t actor = (uint32_t)c->running;
      const struct actor_layer *l = &m->v->layers[m->v->actors[actor].layer];
      m->fired[actor] = true;
      c->running = NONE;
      for (uint32_t k = 0; k < l->n_streams; k++)
        send(m, m->v->streams[l->stream + k].first + actor - l->first, n);
    }
    if (c->running == NONE && c->count) {
      c->running = c->ready[c->head++];
      c->count--;
      c->busy = m->cycle + schedule_cost(m->s, (uint32_t)c->running);
    }
  }
}

// ---- a cycle

static void lose(struct sim *m, struct queue *q) {
  get(q);
  m->alive--;
  m->to.lost++;
  if (q->count) first(q)->since = m->cycle + 1;
}

// What is at the end of its link has a place already.
static void land(struct sim *m) {
  for (uint32_t i = 0; i < m->n_used; i++) {
    uint32_t l = m->used[i];
    while (m->flying[l].count && first(&m->flying[l])->since <= m->cycle) {
      struct packet p = get(&m->flying[l]);
      struct queue *q = next_queue(m, &p);
      p.since = m->cycle;
      q->coming--;
      put_next(m, q, p);
    }
  }
}

static void take(struct sim *m) {
  for (uint32_t n = 0; n < m->t->nodes; n++) {
    struct queue *q = &m->takes[n];
    if (!q->count || q->free > m->cycle) continue;
    struct packet p = get(q);
    q->free = m->cycle + m->routers.service;
    m->alive--;
    arrive(m, p.token, n);
  }
}

static void move_links(struct sim *m) {
  uint32_t count = m->n_used;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t l = m->used[(i + m->cycle) % count]; // nobody is always first
    struct queue *q = &m->links[l];
    if (!q->count || q->free > m->cycle) continue;
    struct packet p = *first(q);
    if (p.since < q->free) p.since = first(q)->since = q->free;
    p.hops++;
    struct queue *next = next_queue(m, &p);
    if (has_place(m, next)) {
      int64_t frames = schedule_frames(m->s, p.token);
      get(q);
      q->free = m->cycle + frames;
      next->coming++;
      note(m, next);
      p.since = m->cycle + frames - 1 + m->s->machine->latency;
      put(&m->flying[l], p);
      if (q->count) first(q)->since = q->free;
    } else if (m->cycle - p.since >= m->routers.patience) {
      lose(m, q);
    }
  }
}

// One packet of each core a cycle into its router; what is for the core itself stays there.
static void inject(struct sim *m) {
  for (uint32_t i = 0; i < m->t->nodes; i++) {
    uint32_t n = (uint32_t)((i + m->cycle) % m->t->nodes);
    struct queue *q = &m->waits[n];
    while (q->count && first(q)->to == n) {
      struct packet p = get(q);
      m->alive--;
      arrive(m, p.token, n);
      if (q->count) first(q)->since = m->cycle;
    }
    if (!q->count) continue;
    struct queue *next = next_queue(m, first(q));
    if (has_place(m, next)) {
      struct packet p = get(q);
      p.since = m->cycle;
      put_next(m, next, p);
      note(m, next);
      if (q->count) first(q)->since = m->cycle + 1;
    } else if (m->cycle - first(q)->since >= m->routers.patience) {
      lose(m, q);
    }
  }
}

// The next cycle in which something can happen; NONE if nothing ever does.
static int64_t next_cycle(const struct sim *m) {
  if (m->alive) return m->cycle + 1;
  int64_t next = NONE;
  for (uint32_t n = 0; n < m->t->nodes; n++) {
    const struct core *c = &m->cores[n];
    if (c->count && c->running == NONE) return m->cycle + 1;
    if (c->running != NONE && (next == NONE || c->busy < next)) next = c->busy;
  }
  return next;
}

// ---- all of it

static void set_users(struct sim *m) {
  const struct actors *v = m->v;
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t t = 0; pass && t < v->n_tokens; t++) {
      m->users[t] = ARENA_NEW(&m->arena, uint32_t, m->n_users[t] + 1);
      m->n_users[t] = 0;
    }
    for (uint32_t i = 0; i < v->n_actors; i++)
      for (uint32_t k = 0; k < v->actors[i].n_needs; k++) {
        const struct span_needed *n = &v->actors[i].needs[k];
        for (uint32_t t = n->first; t < n->first + n->count; t++) {
          if (pass) m->users[t][m->n_users[t]] = i;
          m->n_users[t]++;
          m->lacking[i] += pass == 0;
        }
      }
  }
}

static void set_cores(struct sim *m) {
  for (uint32_t i = 0; i < m->v->n_actors; i++) m->cores[m->s->firings[i].node].count++;
  for (uint32_t n = 0; n < m->t->nodes; n++) {
    struct core *c = &m->cores[n];
    c->ready = ARENA_NEW(&m->arena, uint32_t, c->count + 1);
    c->count = 0;
    c->running = NONE;
  }
}

static struct sim *sim_new(const struct schedule *s, const struct routers *r) {
  struct arena own = {0};
  const struct topology *t = s->machine->topology;
  struct sim *m = ARENA_NEW(&own, struct sim, 1);
  *m = (struct sim){.s = s, .v = s->actors, .t = t, .routers = *r};
  m->waits = ARENA_NEW(&own, struct queue, t->nodes);
  m->takes = ARENA_NEW(&own, struct queue, t->nodes);
  m->links = ARENA_NEW(&own, struct queue, t->n_links + 1);
  m->flying = ARENA_NEW(&own, struct queue, t->n_links + 1);
  m->used = ARENA_NEW(&own, uint32_t, t->n_links + 1);
  m->cores = ARENA_NEW(&own, struct core, t->nodes);
  m->ways = ARENA_NEW(&own, uint32_t **, t->nodes);
  m->routes = ARENA_NEW(&own, struct routes *, t->nodes);
  m->lacking = ARENA_NEW(&own, uint32_t, m->v->n_actors + 1);
  m->fired = ARENA_NEW(&own, bool, m->v->n_actors + 1);
  m->home = ARENA_NEW(&own, bool, m->v->n_tokens + 1);
  m->users = ARENA_NEW(&own, uint32_t *, m->v->n_tokens + 1);
  m->n_users = ARENA_NEW(&own, uint32_t, m->v->n_tokens + 1);
  m->arena = own;
  set_users(m);
  set_cores(m);
  return m;
}

// Tokens of the image one after another on the nodes; actors that need nothing are ready.
static void begin(struct sim *m) {
  for (uint32_t i = 0; i < m->v->n_actors; i++) {
    const struct actor_layer *l = &m->v->layers[m->v->actors[i].layer];
    if (l->node == NONE) {
      m->fired[i] = true;
      send(m, m->v->streams[l->stream].first + i - l->first, (i - l->first) % m->t->nodes);
      continue;
    }
    m->to.actors++;
    struct core *c = &m->cores[m->s->firings[i].node];
    if (!m->lacking[i]) c->ready[c->head + c->count++] = i;
  }
}

static void conclude(struct sim *m) {
  for (uint32_t i = 0; i < m->v->n_actors; i++) m->to.starved += !m->fired[i];
  for (uint32_t i = 0; i < m->v->n_outputs; i++) {
    const struct token_stream *out = &m->v->streams[m->v->outputs[i]];
    for (uint32_t t = out->first; t < out->first + out->count; t++) m->to.missing += !m->home[t];
  }
  m->to.cycles = m->cycle;
}

static void sim_free(struct sim *m) {
  for (uint32_t n = 0; n < m->t->nodes; n++) {
    free(m->waits[n].packets);
    free(m->takes[n].packets);
  }
  for (uint32_t i = 0; i < m->n_used; i++) {
    free(m->links[m->used[i]].packets);
    free(m->flying[m->used[i]].packets);
  }
  struct arena own = m->arena;
  arena_free(&own);
}

struct unscheduled unscheduled_run(const struct schedule *s, const struct routers *r) {
  struct sim *m = sim_new(s, r);
  begin(m);
  for (int64_t next = 0; next != NONE; next = next_cycle(m)) {
    m->cycle = next;
    land(m);
    take(m);
    run_cores(m);
    move_links(m);
    inject(m);
  }
  conclude(m);
  struct unscheduled to = m->to;
  sim_free(m);
  return to;
}
