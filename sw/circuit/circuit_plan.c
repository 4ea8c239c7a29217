// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/circuit_plan.h"

#include "sw/plan/simulate.h"

#include <assert.h>

struct planner {
  const struct circuit *circuit;
  struct plan *plan;
  int64_t *bits;         // (n_values)
  uint32_t *places;      // (n_cells) memories
  uint32_t source, sink; // memories
  uint32_t *streams;     // (n_streams) resources
  int64_t *span;         // (n_streams) cycles from the first to behind the last beat
};

// ---- the machine

static uint32_t add_place(struct planner *p, const char *name, int64_t bits) {
  return plan_resource(p->plan, (struct resource){.kind = RESOURCE_MEMORY,
                                                  .name = name,
                                                  .bytes = bits,
                                                  .align = 1,
                                                  .home = true,
                                                  .passes = true});
}

static uint32_t add_pe(struct planner *p, const char *name, uint32_t place) {
  return plan_resource(
      p->plan, (struct resource){
                   .kind = RESOURCE_PE, .name = name, .memory = (int32_t)place, .constants = NONE});
}

static void add_places(struct planner *p) {
  const struct circuit *c = p->circuit;
  p->source = add_place(p, "source", NONE);
  p->sink = add_place(p, "sink", NONE);
  for (uint32_t i = 0; i < c->n_cells; i++)
    p->places[i] = add_place(p, c->cells[i].name, c->cells[i].memory_bits);
  for (uint32_t i = 0; i < c->n_streams; i++) {
    const struct stream *s = c->streams[i];
    uint32_t from = s->from == NONE ? p->source : p->places[s->from];
    uint32_t to = s->to == NONE ? p->sink : p->places[s->to];
    p->streams[s->id] = plan_resource(p->plan, (struct resource){.kind = RESOURCE_STREAM,
                                                                 .name = s->signal,
                                                                 .from = (int32_t)from,
                                                                 .to = (int32_t)to});
  }
}

// ---- events

static void add_run(struct planner *p, const char *name, uint32_t place, uint32_t node,
                    int64_t cycles) {
  plan_add(p->plan, (struct event){.end = (double)cycles,
                                   .resource = add_pe(p, name, place),
                                   .action = ACTION_RUN,
                                   .id = node});
}

static void hold(struct planner *p, uint32_t place, uint32_t value, int64_t bits) {
  plan_add(
      p->plan,
      (struct event){
          .resource = place, .action = ACTION_ALLOC, .id = value, .bytes = bits, .address = NONE});
}

// A new name of a value is given where the value is.
static void rename_at(struct planner *p, uint32_t place, uint32_t value) {
  const struct graph *g = p->circuit->graph;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (!op_is(n->op, TRAIT_ALIAS) || n->in[0].value != value) continue;
    add_run(p, n->name, place, i, 1);
    rename_at(p, place, n->out[0]);
  }
}

// A stream is no faster than what feeds it.
static void add_stream(struct planner *p, const struct stream *s, int64_t span) {
  p->span[s->id] = span > s->beats ? span : s->beats;
  plan_add(p->plan, (struct event){.end = (double)p->span[s->id],
                                   .resource = p->streams[s->id],
                                   .action = ACTION_SEND,
                                   .id = s->value});
}

// The bits of a ROM are counted as those of the first tensor that the layer reads: biases and
// multipliers lie beside the weights.
static void add_tensors(struct planner *p, uint32_t place, const struct node *n, int64_t bits) {
  const struct graph *g = p->circuit->graph;
  for (uint32_t k = 0; k < n->n_in; k++) {
    if (!node_in(g, n, k)->init) continue;
    hold(p, place, n->in[k].value, bits);
    if (!p->bits[n->in[k].value] || bits < p->bits[n->in[k].value]) p->bits[n->in[k].value] = bits;
    bits = 0;
  }
}

// A layer takes as long as the slowest of its streams; what sums a frame up hands on its results at
// the end.
static void add_cell(struct planner *p, uint32_t i) {
  const struct cell *c = &p->circuit->cells[i];
  int64_t span = 0;
  for (uint32_t k = 0; k < c->n_in; k++)
    if (p->span[c->in[k]->id] > span) span = p->span[c->in[k]->id];
  if (c->kind == CELL_CONSTANT) {
    hold(p, p->places[i], c->out[0]->value, c->memory_bits);
    p->bits[c->out[0]->value] = c->memory_bits;
  }
  if (c->kind == CELL_LAYER) {
    const struct node *n = &p->circuit->graph->nodes[c->node];
    add_tensors(p, p->places[i], n, c->memory_bits);
    span = c->cycles > span ? c->cycles : span;
    add_run(p, c->name, p->places[i], c->node, span);
    if (c->timing.ib == c->in[0]->beats) span = 0;
    for (uint32_t k = 0; k < n->n_out; k++) rename_at(p, p->places[i], n->out[k]);
  }
  for (uint32_t k = 0; k < c->n_out; k++) add_stream(p, c->out[k], span);
}

static void add_inputs(struct planner *p) {
  const struct circuit *c = p->circuit;
  for (uint32_t i = 0; i < c->graph->n_inputs; i++) {
    uint32_t value = c->graph->inputs[i].value;
    hold(p, p->source, value, p->bits[value]);
    rename_at(p, p->source, value);
  }
  for (uint32_t i = 0; i < c->n_streams; i++)
    if (c->streams[i]->from == NONE) add_stream(p, c->streams[i], 0);
  for (uint32_t i = 0; i < c->graph->n_inputs; i++) {
    uint32_t value = c->graph->inputs[i].value;
    plan_add(p->plan, (struct event){.resource = p->source,
                                     .action = ACTION_FREE,
                                     .id = value,
                                     .bytes = p->bits[value]});
  }
}

static void add_host(struct planner *p) {
  const struct graph *g = p->circuit->graph;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].where == WHERE_HOST && !op_is(g->nodes[i].op, TRAIT_ALIAS)) {
      add_run(p, g->nodes[i].name, p->sink, i, 1);
      for (uint32_t k = 0; k < g->nodes[i].n_out; k++) rename_at(p, p->sink, g->nodes[i].out[k]);
    }
}

// A frame's events are those of each other one, and of one alone: what is read of the frames before
// isn't there yet when it begins.
static bool remembers_nothing(const struct graph *g, struct err *e) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++)
      if (g->nodes[i].in[k].delay)
        return err_set(
            e, "layer \"%s\" reads \"%s\" of %u frames before: circuits with state are no plans",
            g->nodes[i].name, node_in(g, &g->nodes[i], k)->name, g->nodes[i].in[k].delay);
  return true;
}

struct plan *circuit_plan(struct arena *a, const struct circuit *c, struct err *e) {
  const struct graph *g = c->graph;
  if (!remembers_nothing(g, e)) return NULL;
  struct planner p = {.circuit = c,
                      .bits = ARENA_NEW(a, int64_t, g->n_values),
                      .places = ARENA_NEW(a, uint32_t, c->n_cells),
                      .streams = ARENA_NEW(a, uint32_t, c->n_streams),
                      .span = ARENA_NEW(a, int64_t, c->n_streams)};
  for (uint32_t v = 0; v < g->n_values; v++)
    if (!g->values[v].init)
      p.bits[v] = value_elements(&g->values[v]) * type_stream_width(&g->values[v].type);
  p.plan = plan_new(a, g, p.bits);
  add_places(&p);
  add_inputs(&p);
  for (uint32_t i = 0; i < c->n_cells; i++) add_cell(&p, i);
  add_host(&p);
  struct err own = {0};
  bool ok = plan_simulate(p.plan, &own);
  assert(ok);
  (void)ok;
  plan_sort(p.plan);
  for (uint32_t i = 0; i < c->n_cells; i++)
    if ((double)c->cells[i].ii > p.plan->period) p.plan->period = (double)c->cells[i].ii;
  return p.plan;
}
