// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/dataflow.h"

#include "sw/exec/dataflow_parts.h"
#include "sw/graph/races.h"

#include <assert.h>
#include <string.h>

// ---- making one

static void list_edges(struct dataflow *d) {
  const struct graph *g = d->g;
  d->readers.first = ARENA_NEW(d->arena, uint32_t, g->n_values + 2);
  d->waiters.first = ARENA_NEW(d->arena, uint32_t, g->n_nodes + 2);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    d->actors[i] = (struct actor){.first_edge = d->n_edges,
                                  .n_edges = n->n_in,
                                  .first_control = d->n_controls,
                                  .n_controls = n->n_after,
                                  .at = NONE};
    d->n_edges += n->n_in;
    d->n_controls += n->n_after;
    for (uint32_t k = 0; k < n->n_in; k++) d->readers.first[n->in[k].value + 1]++;
    for (uint32_t k = 0; k < n->n_after; k++) d->waiters.first[n->after[k].node + 1]++;
  }
  for (uint32_t v = 0; v < g->n_values; v++) d->readers.first[v + 1] += d->readers.first[v];
  for (uint32_t i = 0; i < g->n_nodes; i++) d->waiters.first[i + 1] += d->waiters.first[i];
}

static void fill_edges(struct dataflow *d) {
  const struct graph *g = d->g;
  struct arena a = {0};
  uint32_t *reader = arena_copy(&a, d->readers.first, (g->n_values + 1) * sizeof *reader);
  uint32_t *waiter = arena_copy(&a, d->waiters.first, (g->n_nodes + 1) * sizeof *waiter);
  d->edges = ARENA_NEW(d->arena, struct edge, d->n_edges + 1);
  d->controls = ARENA_NEW(d->arena, struct control, d->n_controls + 1);
  d->readers.to = ARENA_NEW(d->arena, uint32_t, d->n_edges + 1);
  d->waiters.to = ARENA_NEW(d->arena, uint32_t, d->n_controls + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    for (uint32_t k = 0; k < n->n_in; k++) {
      uint32_t edge = d->actors[i].first_edge + k;
      d->edges[edge].actor = i;
      d->readers.to[reader[n->in[k].value]++] = edge;
    }
    for (uint32_t k = 0; k < n->n_after; k++) {
      uint32_t control = d->actors[i].first_control + k;
      d->controls[control].actor = i;
      d->waiters.to[waiter[n->after[k].node]++] = control;
    }
  }
  arena_free(&a);
}

static void load(const struct dataflow *d, void *data, int64_t count, const struct value *v) {
  for (int64_t i = 0; i < count; i++) d->kind->load(data, i, v, i % v->init->count);
}

static void hold_content(struct dataflow *d) {
  const struct graph *g = d->g;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct attr *init = node_attr(&g->nodes[i], ATTR_init);
    if (!init) continue;
    const struct tensor *t = g->values[init->value].init;
    void **held = &d->held[g->nodes[i].out[0]];
    if (!*held) *held = arena_alloc(d->arena, (size_t)t->count, d->kind->size);
    load(d, *held, t->count, &g->values[init->value]);
  }
}

static void fix_tensors(struct dataflow *d) {
  const struct graph *g = d->g;
  for (uint32_t i = 0; i < g->n_values; i++) {
    const struct tensor *t = g->values[i].init;
    if (!t) continue;
    d->fixed[i] = ARENA_NEW(d->arena, struct token, 1);
    d->fixed[i]->holders = 1;
    d->fixed[i]->data = arena_alloc(d->arena, (size_t)t->count, d->kind->size);
    load(d, d->fixed[i]->data, t->count, &g->values[i]);
  }
}

// The tokens that are there before the first firing. A tensor's edge holds its token for good.
static void fill_edge(struct dataflow *d, const struct use *u, struct edge *e) {
  if (d->g->values[u->value].init) {
    push(d, e, d->fixed[u->value]);
    return;
  }
  for (uint32_t i = 0; i < u->delay; i++) {
    struct token *t = token_new(d, u->value);
    const struct value *initial = &d->g->values[u->initial];
    load(d, t->data, (int64_t)(bytes_of(d, u->value) / d->kind->size), initial);
    push(d, e, t);
  }
}

static void drain(struct dataflow *d) {
  for (uint32_t i = 0; i < d->n_edges; i++)
    while (d->edges[i].count) token_drop(d, pop(d, &d->edges[i]));
}

void dataflow_reset(struct dataflow *d) {
  const struct graph *g = d->g;
  for (uint32_t i = 0; i < g->n_values; i++)
    if (d->fixed[i]) d->fixed[i]->holders = INT32_MAX; // never dropped
  drain(d);
  d->steps = d->firings = 0;
  d->traffic = (struct dataflow_traffic){0};
  for (uint32_t i = 0; i < d->n_actors; i++) {
    struct actor *x = &d->actors[i];
    x->fired = 0;
    x->missing = x->n_edges + x->n_controls + is_variable(d, i);
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    for (uint32_t k = 0; k < n->n_in; k++)
      fill_edge(d, &n->in[k], &d->edges[d->actors[i].first_edge + k]);
    for (uint32_t k = 0; k < n->n_after; k++) {
      bool always = is_variable(d, n->after[k].node);
      int64_t count = always ? INT64_MAX : n->after[k].delay;
      d->controls[d->actors[i].first_control + k].count = count;
      if (count) d->actors[i].missing--;
    }
  }
  hold_content(d);
}

// Reshapes, and nodes that compute nothing, hand the token of their input on.
static bool hands_on(const struct dataflow *d, const struct node *n) {
  return n->n_in && n->n_out == 1 &&
         (op_is(n->op, TRAIT_ALIAS) ||
          (op_is(n->op, TRAIT_CARRIED) && bytes_of(d, n->out[0]) == bytes_of(d, n->in[0].value)));
}

struct dataflow *dataflow_new(struct arena *a, const struct graph *g, int64_t frames,
                              const struct element_kind *kind, bool racy, struct err *e) {
  if (!racy && !races_none(g, e)) return NULL;
  struct dataflow *d = ARENA_NEW(a, struct dataflow, 1);
  uint32_t most = 0;
  *d = (struct dataflow){.arena = a, .g = g, .kind = kind, .frames = frames};
  d->n_actors = g->n_nodes + g->n_inputs;
  d->actors = ARENA_NEW(a, struct actor, d->n_actors + 1);
  for (uint32_t i = g->n_nodes; i < d->n_actors; i++) d->actors[i] = (struct actor){.at = NONE};
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    most = g->nodes[i].n_in > most ? g->nodes[i].n_in : most;
    most = g->nodes[i].n_out > most ? g->nodes[i].n_out : most;
  }
  d->ready = ARENA_NEW(a, uint32_t, d->n_actors + 1);
  d->free = ARENA_NEW(a, struct token *, g->n_values + 1);
  d->fixed = ARENA_NEW(a, struct token *, g->n_values + 1);
  d->held = ARENA_NEW(a, void *, g->n_values + 1);
  d->in = ARENA_NEW(a, void *, most + 1);
  d->taken = ARENA_NEW(a, struct token *, most + 1);
  d->out = ARENA_NEW(a, struct token *, most + 1);
  list_edges(d);
  fill_edges(d);
  for (uint32_t i = 0; i < g->n_nodes; i++) d->actors[i].hands_on = hands_on(d, &g->nodes[i]);
  fix_tensors(d);
  dataflow_reset(d);
  return d;
}

void dataflow_free(struct dataflow *d) {
  drain(d);
  for (uint32_t i = 0; i < d->n_edges; i++) free(d->edges[i].ring);
  for (uint32_t v = 0; v < d->g->n_values; v++)
    for (struct token *t = d->free[v], *next; t; t = next) {
      next = t->next;
      free(t->data);
      free(t);
    }
}

// ---- firing

static void deliver(struct dataflow *d, uint32_t from, uint32_t value, struct token *t) {
  const struct graph *g = d->g;
  t->holders++;
  for (uint32_t i = d->readers.first[value]; i < d->readers.first[value + 1]; i++) {
    struct edge *e = &d->edges[d->readers.to[i]];
    if (d->place && from < g->n_nodes && d->place[from] != d->place[e->actor]) {
      d->traffic.messages++;
      d->traffic.bytes += (int64_t)bytes_of(d, value);
    }
    push(d, e, t);
  }
  int64_t step = d->actors[from].fired;
  for (uint32_t i = 0; d->caller->output && i < g->n_outputs; i++)
    if (g->outputs[i] == value) d->caller->output(d->caller->context, step, i, t->data);
  token_drop(d, t);
}

static void signal_done(struct dataflow *d, uint32_t node) {
  for (uint32_t i = d->waiters.first[node]; i < d->waiters.first[node + 1]; i++) {
    struct control *c = &d->controls[d->waiters.to[i]];
    if (d->place && d->place[node] != d->place[c->actor]) d->traffic.messages++;
    arrived(d, c->actor, c->count++ == 0);
  }
}

static void compute(struct dataflow *d, const struct node *n, struct token *const *out) {
  struct arena scratch = {0};
  void *results[JOB_OUTPUTS] = {NULL};
  for (uint32_t k = 0; k < n->n_out && k < JOB_OUTPUTS; k++) results[k] = out[k]->data;
  struct job j = job_of(&scratch, d->g, n, d->frames, d->kind->size, d->in, results);
  for (uint32_t k = 0; k < n->n_ref; k++) j.held[k] = d->held[n->ref[k]];
  if (!job_move(&j, d->kind->size)) d->kind->fire(&j);
  if (scratch.chunk) arena_free(&scratch);
}

// Takes a token of each edge, fires, drops them.
static void fire_node(struct dataflow *d, uint32_t id) {
  const struct node *n = &d->g->nodes[id];
  const struct actor *x = &d->actors[id];
  for (uint32_t k = 0; k < n->n_in; k++) {
    struct token *constant = d->fixed[n->in[k].value];
    d->taken[k] = constant ? constant : pop(d, &d->edges[x->first_edge + k]);
    d->in[k] = d->taken[k]->data;
  }
  bool same = x->hands_on;
  for (uint32_t k = 0; k < n->n_out; k++) d->out[k] = same ? d->taken[k] : token_new(d, n->out[k]);
  if (!same && !op_is(n->op, TRAIT_CARRIED)) compute(d, n, d->out);
  for (uint32_t k = 0; k < n->n_out; k++) deliver(d, id, n->out[k], d->out[k]);
  for (uint32_t k = 0; k < n->n_in; k++)
    if (!d->fixed[n->in[k].value]) token_drop(d, d->taken[k]);
}

static void fire_input(struct dataflow *d, uint32_t actor) {
  uint32_t i = actor - d->g->n_nodes, value = d->g->inputs[i].value;
  struct token *t = token_new(d, value);
  const void *data = d->caller->input(d->caller->context, d->actors[actor].fired, i);
  memcpy(t->data, data, bytes_of(d, value));
  deliver(d, actor, value, t);
}

static void fire(struct dataflow *d, uint32_t actor) {
  struct actor *x = &d->actors[actor];
  for (uint32_t k = 0; k < x->n_controls; k++)
    if (--d->controls[x->first_control + k].count == 0) x->missing++;
  if (actor >= d->g->n_nodes)
    fire_input(d, actor);
  else
    fire_node(d, actor);
  x->fired++;
  d->firings++;
  if (actor < d->g->n_nodes) signal_done(d, actor);
  make_ready(d, actor);
}

void dataflow_run(struct dataflow *d, int64_t steps, const struct dataflow_caller *caller) {
  d->steps += steps;
  d->caller = caller;
  for (uint32_t i = 0; i < d->n_actors; i++) make_ready(d, i);
  while (d->n_ready) {
    uint32_t at = caller->pick ? caller->pick(caller->context, d->n_ready) : d->n_ready - 1;
    uint32_t actor = d->ready[at];
    take_ready(d, at);
    fire(d, actor);
  }
  for (uint32_t i = 0; i < d->n_actors; i++)
    assert(d->actors[i].fired == d->steps || is_variable(d, i));
}

void *dataflow_held(const struct dataflow *d, uint32_t ref) {
  return d->held[ref];
}

int64_t dataflow_firings(const struct dataflow *d) {
  return d->firings;
}

// ---- places

bool dataflow_place(struct dataflow *d, const struct side_table *place, struct err *e) {
  const struct graph *g = d->g;
  uint32_t *to = ARENA_NEW(d->arena, uint32_t, g->n_nodes + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++) to[i] = *(uint32_t *)side_table_at(place, i);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_ref; k++) {
      const struct value *v = &g->values[g->nodes[i].ref[k]];
      if (to[v->node] != to[i])
        return err_set(e,
                       "layer \"%s\" is on device %u, its variable \"%s\" on %u: references "
                       "don't travel",
                       g->nodes[i].name, to[i], v->name, to[v->node]);
    }
  d->place = to;
  return true;
}

struct dataflow_traffic dataflow_traffic(const struct dataflow *d) {
  return d->traffic;
}
