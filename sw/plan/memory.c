// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/memory.h"

#include "sw/plan/index.h"
#include "sw/plan/order.h"
#include "sw/plan/place.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Places in the order, both included. Values that share one array whatever else lives have one
// root, whose region lives as long as any of them.
struct life {
  int64_t first, last; // of the value; last below first: nobody reads it
  uint32_t root;
  int64_t from, to; // of the region, of a root
  int64_t address;  // of the region
};

struct planner {
  const struct graph *graph;
  const struct memory_needs *needs;
  uint32_t *order;
  struct life *lives; // (n_values)
  struct working {
    int64_t bytes, address; // of scratch
  } * working;              // (n_nodes)
};

static bool placed(const struct value *v) {
  return !type_is_ref(&v->type) && !v->init;
}

static bool kept(const struct planner *p, uint32_t value) {
  return !p->needs->keep || p->needs->keep[value];
}

// ---- lives

static void read_at(struct planner *p, uint32_t value, int64_t at) {
  struct life *l = &p->lives[value];
  if (at > l->last) l->last = at;
}

// A delayed use takes its copy at the end of a step.
static void find_lives(struct planner *p) {
  const struct graph *g = p->graph;
  int64_t end = g->n_nodes;
  for (uint32_t v = 0; v < g->n_values; v++)
    p->lives[v] = (struct life){.first = -1, .last = kept(p, v) ? end : -1, .root = v};
  for (uint32_t i = 0; i < g->n_outputs; i++) read_at(p, g->outputs[i], end);
  for (int64_t t = 0; t < end; t++) {
    const struct node *n = &g->nodes[p->order[t]];
    for (uint32_t k = 0; k < n->n_in; k++) read_at(p, n->in[k].value, n->in[k].delay ? end : t);
    for (uint32_t k = 0; k < n->n_out; k++) {
      p->lives[n->out[k]].first = t;
      read_at(p, n->out[k], t);
    }
  }
  for (uint32_t v = 0; v < g->n_values; v++) {
    p->lives[v].from = p->lives[v].first;
    p->lives[v].to = p->lives[v].last;
  }
}

// ---- what shares a region

static void unite(struct planner *p, uint32_t value, uint32_t with) {
  struct life *own = &p->lives[value], *region = &p->lives[p->lives[with].root];
  own->root = p->lives[with].root;
  if (own->to > region->to) region->to = own->to;
}

// Whether output 0 of the node at place t can be its input k: a reshape always; what the needs
// allow if the input's region dies here.
static bool over_input(const struct planner *p, const struct node *n, uint32_t k, int64_t t) {
  if (!order_may_over(p->graph, p->needs, n, k)) return false;
  return op_is(n->op, TRAIT_ALIAS) || p->lives[p->lives[n->in[k].value].root].to == t;
}

// The same of input 0, a channel at a time.
static bool over_channels(const struct planner *p, const struct node *n, int64_t t) {
  if (p->needs->over != MEMORY_OVER_CHANNELS || !n->n_in) return false;
  if (p->lives[p->lives[n->in[0].value].root].to != t) return false;
  int64_t bytes = plan_scratch(p->graph, n, p->needs->bytes);
  if (bytes != NONE) p->working[p->order[t]].bytes = bytes;
  return bytes != NONE;
}

static void find_shared(struct planner *p) {
  for (int64_t t = 0; t < p->graph->n_nodes; t++) {
    const struct node *n = &p->graph->nodes[p->order[t]];
    uint32_t k = 0;
    while (k < n->n_in && !over_input(p, n, k, t)) k++;
    if (k == n->n_in && over_channels(p, n, t)) k = 0;
    if (k < n->n_in) unite(p, n->out[0], n->in[k].value);
  }
}

// ---- addresses

static int64_t place_values(const struct planner *p, struct arena *scratch) {
  const struct graph *g = p->graph;
  struct region *regions = ARENA_NEW(scratch, struct region, g->n_values + g->n_nodes);
  uint32_t count = 0;
  for (uint32_t t = 0; t < g->n_nodes; t++) {
    int64_t bytes = place_aligned(p->working[p->order[t]].bytes, p->needs->align);
    if (bytes)
      regions[count++] = (struct region){
          .from = (double)t, .to = (double)t + 1, .bytes = bytes, .id = g->n_values + p->order[t]};
  }
  for (uint32_t v = 0; v < g->n_values; v++) {
    const struct life *l = &p->lives[v];
    if (!placed(&g->values[v]) || l->root != v) continue;
    int64_t bytes = place_aligned(p->needs->bytes[v], p->needs->align);
    regions[count++] =
        (struct region){.from = (double)l->from, .to = (double)l->to + 1, .bytes = bytes, .id = v};
  }
  int64_t bytes = place_regions(scratch, regions, count, p->needs->tight);
  for (uint32_t i = 0; i < count; i++)
    if (regions[i].id < g->n_values)
      p->lives[regions[i].id].address = regions[i].address;
    else
      p->working[regions[i].id - g->n_values].address = regions[i].address;
  return bytes;
}

// When what event i of a plan allocates is freed, if the events behind it have been noted. Parts of
// values are looked for one by one.
static double freed_at(const struct plan *p, struct index *frees, uint32_t i) {
  const struct event *e = &p->events[i], *f = index_find(frees, e->resource, e->id, e->step);
  if (!e->slice.ranges) {
    index_set(frees, e->resource, e->id, e->step, NULL);
    return f ? f->start : INFINITY;
  }
  for (uint32_t k = i + 1; k < p->n_events; k++) {
    f = &p->events[k];
    if (f->action == ACTION_FREE && f->resource == e->resource && f->id == e->id &&
        f->step == e->step && slice_same(&f->slice, &e->slice))
      return f->start;
  }
  return INFINITY;
}

int64_t memory_place(struct plan *p, uint32_t memory) {
  struct arena scratch = {0};
  struct region *regions = ARENA_NEW(&scratch, struct region, p->n_events);
  struct index frees = index_new(&scratch, p->n_events);
  uint32_t count = 0;
  for (uint32_t i = p->n_events; i-- > 0;) {
    struct event *e = &p->events[i];
    int64_t align = p->machine.resources[memory].align;
    if (e->action == ACTION_RUN && e->bytes > 0 &&
        p->machine.resources[e->resource].memory == (int32_t)memory)
      regions[count++] = (struct region){
          .from = e->start, .to = e->end, .bytes = place_aligned(e->bytes, align), .id = i};
    if (e->resource != memory) continue;
    if (e->action == ACTION_FREE && !e->slice.ranges) index_set(&frees, memory, e->id, e->step, e);
    if (e->action != ACTION_ALLOC) continue;
    double to = freed_at(p, &frees, i);
    int64_t bytes = place_aligned(e->bytes, align);
    regions[count++] = (struct region){.from = e->start, .to = to, .bytes = bytes, .id = i};
  }
  int64_t bytes = place_regions(&scratch, regions, count, true);
  for (uint32_t i = 0; i < count; i++) p->events[regions[i].id].address = regions[i].address;
  arena_free(&scratch);
  return bytes;
}

// ---- events

static void describe(struct plan *plan, int64_t align, int64_t bytes) {
  plan_resource(
      plan,
      (struct resource){
          .kind = RESOURCE_MEMORY, .name = "arena", .bytes = bytes, .align = align, .home = true});
  plan_resource(
      plan, (struct resource){
                .kind = RESOURCE_MEMORY, .name = "model", .bytes = NONE, .align = 1, .home = true});
  plan_resource(plan, (struct resource){.kind = RESOURCE_PE,
                                        .name = "host",
                                        .memory = MEMORY_ARENA,
                                        .constants = MEMORY_MODEL});
}

// The caller puts its inputs in before node 0 runs, and looks at what is kept after the last one.
static void add_value(const struct planner *p, struct plan *plan, uint32_t v) {
  const struct life *l = &p->lives[v];
  struct event e = {.start = (double)l->first + 1,
                    .end = (double)l->first + 1,
                    .resource = MEMORY_ARENA,
                    .action = ACTION_ALLOC,
                    .id = v,
                    .bytes = p->needs->bytes[v],
                    .address = p->lives[l->root].address};
  plan_add(plan, e);
  e.start = e.end = (double)l->last + 2;
  e.action = ACTION_FREE;
  plan_add(plan, e);
}

struct token {
  uint32_t value, delay;
};

static int by_token(const void *a, const void *b) {
  const struct token *x = a, *y = b;
  if (x->value != y->value) return x->value < y->value ? -1 : 1;
  return x->delay < y->delay ? -1 : x->delay > y->delay;
}

static uint32_t find_tokens(struct arena *scratch, const struct graph *g, struct token **tokens) {
  uint32_t uses = 0, count = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) uses += g->nodes[i].n_in;
  *tokens = ARENA_NEW(scratch, struct token, uses);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      const struct use *u = &g->nodes[i].in[k];
      if (u->delay) (*tokens)[count++] = (struct token){u->value, u->delay};
    }
  qsort(*tokens, count, sizeof **tokens, by_token);
  return count;
}

// What lies in the model's memory: tensors, and of each delayed value the one that is read.
static void add_given(struct plan *plan, struct arena *scratch) {
  const struct graph *g = plan->graph;
  struct event e = {.resource = MEMORY_MODEL, .action = ACTION_ALLOC, .address = NONE};
  struct token *tokens;
  uint32_t count = find_tokens(scratch, g, &tokens);
  for (e.id = 0; e.id < g->n_values; e.id++) {
    e.bytes = plan->bytes[e.id];
    if (g->values[e.id].init) plan_add(plan, e);
  }
  for (uint32_t i = 0; i < count; i++) {
    if (i && !by_token(&tokens[i - 1], &tokens[i])) continue;
    e.id = tokens[i].value;
    e.step = -(int32_t)tokens[i].delay;
    e.bytes = plan->bytes[e.id];
    plan_add(plan, e);
  }
}

struct plan *memory_plan_new(struct arena *a, const struct graph *g, const int64_t *sizes,
                             int64_t align, int64_t bytes) {
  struct arena scratch = {0};
  struct plan *plan = plan_new(a, g, sizes);
  describe(plan, align, bytes);
  add_given(plan, &scratch);
  arena_free(&scratch);
  return plan;
}

static void add_events(const struct planner *p, struct plan *plan) {
  const struct graph *g = p->graph;
  for (uint32_t v = 0; v < g->n_values; v++)
    if (placed(&g->values[v])) add_value(p, plan, v);
  for (uint32_t t = 0; t < g->n_nodes; t++)
    plan_add(plan, (struct event){.start = (double)t + 1,
                                  .end = (double)t + 2,
                                  .resource = MEMORY_PE,
                                  .action = ACTION_RUN,
                                  .id = p->order[t],
                                  .bytes = p->working[p->order[t]].bytes,
                                  .address = p->working[p->order[t]].address});
  plan_sort(plan);
}

struct plan *memory_plan(struct arena *a, const struct graph *g, const struct memory_needs *needs) {
  struct arena scratch = {0};
  struct planner p = {g, needs, ARENA_NEW(&scratch, uint32_t, g->n_nodes),
                      ARENA_NEW(&scratch, struct life, g->n_values),
                      ARENA_NEW(&scratch, struct working, g->n_nodes)};
  for (uint32_t i = 0; i < g->n_nodes; i++) p.working[i].address = NONE;
  if (needs->order)
    memcpy(p.order, needs->order, g->n_nodes * sizeof *p.order);
  else
    graph_order(g, p.order);
  find_lives(&p);
  find_shared(&p);
  int64_t bytes = place_values(&p, &scratch);
  struct plan *plan = memory_plan_new(a, g, needs->bytes, needs->align, bytes);
  add_events(&p, plan);
  arena_free(&scratch);
  return plan;
}

// ---- what executors take from it

int64_t *memory_addresses(struct arena *a, const struct plan *p) {
  int64_t *address = ARENA_NEW(a, int64_t, p->graph->n_values);
  for (uint32_t v = 0; v < p->graph->n_values; v++) address[v] = NONE;
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    if (e->action == ACTION_ALLOC && e->resource == MEMORY_ARENA) address[e->id] = e->address;
  }
  return address;
}

uint32_t *memory_order(struct arena *a, const struct plan *p) {
  uint32_t *order = ARENA_NEW(a, uint32_t, p->graph->n_nodes), count = 0;
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].action == ACTION_RUN) order[count++] = p->events[i].id;
  return order;
}
