// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/circuit_plan.h"

#include "sw/circuit/facts.h"

// Cycles from .. to.
struct when {
  int64_t from, to;
};

struct planner {
  const struct circuit *circuit;
  struct plan *plan;
  const struct span *spans; // (n_cells)
  int64_t *bits;            // (n_values)
  uint32_t *places;         // (n_cells) memories
  uint32_t source, sink;    // memories
  uint32_t *streams;        // (n_streams) resources
  struct when *carries;     // (n_streams)
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

// ---- times

// No earlier than what feeds it, and within a period of which it is: what came before that waits in
// queues, which the streams have.
static struct when after(struct when own, struct when feeds, int64_t ii) {
  struct when w = {own.from > feeds.from ? own.from : feeds.from,
                   own.to > feeds.to ? own.to : feeds.to};
  if (w.from < w.to - ii) w.from = w.to - ii;
  return w;
}

// When all that a cell takes has begun, and has ended.
static struct when fed(const struct planner *p, const struct cell *c) {
  struct when w = {0, 1};
  for (uint32_t k = 0; k < c->n_in; k++) w = after(p->carries[c->in[k]->id], w, INT64_MAX);
  return w;
}

// From its first step to its last result, behind which its last beat leaves: it takes its cycles,
// or longer where others hold it up.
static struct when works(const struct planner *p, uint32_t cell) {
  const struct cell *c = &p->circuit->cells[cell];
  const struct span *s = &p->spans[cell];
  struct when own = {s->last + 1 - c->cycles, s->last + 1};
  if (s->first < own.from) own.from = s->first;
  return after(own, fed(p, c), c->ii);
}

// The beats come into the circuit as the cell there hands them on, as many cycles earlier as the
// first beat is.
static struct when enters(const struct planner *p, const struct stream *s) {
  const struct span *x = &p->spans[s->to];
  return (struct when){0, x->last + 1 - (x->first - x->taken)};
}

// ---- events

static void add_event(struct planner *p, struct event e, struct when w) {
  e.start = (double)w.from;
  e.end = (double)w.to;
  plan_add(p->plan, e);
}

static void add_run(struct planner *p, const char *name, uint32_t place, uint32_t node,
                    struct when w) {
  add_event(p, (struct event){.resource = add_pe(p, name, place), .action = ACTION_RUN, .id = node},
            w);
}

static void hold(struct planner *p, uint32_t place, uint32_t value, int64_t bits) {
  plan_add(
      p->plan,
      (struct event){
          .resource = place, .action = ACTION_ALLOC, .id = value, .bytes = bits, .address = NONE});
}

// A new name of a value is given where the value is, in its last cycle.
static void rename_at(struct planner *p, uint32_t place, uint32_t value, struct when w) {
  const struct graph *g = p->circuit->graph;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (!op_is(n->op, TRAIT_ALIAS) || n->in[0].value != value) continue;
    add_run(p, n->name, place, i, (struct when){w.to - 1, w.to});
    rename_at(p, place, n->out[0], w);
  }
}

static void add_stream(struct planner *p, const struct stream *s, struct when w) {
  p->carries[s->id] = w;
  add_event(p, (struct event){.resource = p->streams[s->id], .action = ACTION_SEND, .id = s->value},
            w);
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

static void add_cell(struct planner *p, uint32_t i) {
  const struct cell *c = &p->circuit->cells[i];
  struct when made = fed(p, c);
  if (c->kind == CELL_CONSTANT) {
    hold(p, p->places[i], c->out[0]->value, c->memory_bits);
    p->bits[c->out[0]->value] = c->memory_bits;
  }
  if (c->kind == CELL_LAYER) {
    const struct node *n = &p->circuit->graph->nodes[c->node];
    add_tensors(p, p->places[i], n, c->memory_bits);
    made = works(p, i);
    add_run(p, c->name, p->places[i], c->node, made);
    for (uint32_t k = 0; k < n->n_out; k++) rename_at(p, p->places[i], n->out[k], made);
  }
  struct when own = {p->spans[i].first, p->spans[i].last + 1};
  for (uint32_t k = 0; k < c->n_out; k++) add_stream(p, c->out[k], after(own, made, c->ii));
}

static void add_inputs(struct planner *p) {
  const struct circuit *c = p->circuit;
  int64_t last = 0;
  for (uint32_t i = 0; i < c->graph->n_inputs; i++) {
    uint32_t value = c->graph->inputs[i].value;
    hold(p, p->source, value, p->bits[value]);
    rename_at(p, p->source, value, (struct when){0, 1});
  }
  for (uint32_t i = 0; i < c->n_streams; i++) {
    if (c->streams[i]->from != NONE) continue;
    struct when w =
        after(enters(p, c->streams[i]), (struct when){0, 1}, c->cells[c->streams[i]->to].ii);
    add_stream(p, c->streams[i], w);
    if (w.to > last) last = w.to;
  }
  for (uint32_t i = 0; i < c->graph->n_inputs; i++) {
    uint32_t value = c->graph->inputs[i].value;
    add_event(
        p,
        (struct event){
            .resource = p->source, .action = ACTION_FREE, .id = value, .bytes = p->bits[value]},
        (struct when){last, last});
  }
}

// When all is at the sink that a node of the host reads.
static struct when at_sink(const struct planner *p, const struct node *n, const int64_t *ready) {
  int64_t at = 0;
  for (uint32_t k = 0; k < n->n_in; k++)
    if (ready[plan_base(p->circuit->graph, n->in[k].value)] > at)
      at = ready[plan_base(p->circuit->graph, n->in[k].value)];
  return (struct when){at, at + 1};
}

// One after another in the order of the graph.
static void add_host(struct planner *p) {
  const struct circuit *c = p->circuit;
  const struct graph *g = c->graph;
  int64_t *ready = ARENA_NEW(p->plan->arena, int64_t, g->n_values);
  for (uint32_t i = 0; i < c->n_streams; i++)
    if (c->streams[i]->to == NONE)
      ready[plan_base(g, c->streams[i]->value)] = p->carries[c->streams[i]->id].to;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (n->where != WHERE_HOST || op_is(n->op, TRAIT_ALIAS)) continue;
    struct when w = at_sink(p, n, ready);
    add_run(p, n->name, p->sink, i, w);
    for (uint32_t k = 0; k < n->n_out; k++) {
      ready[n->out[k]] = w.to;
      rename_at(p, p->sink, n->out[k], w);
    }
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
  struct span *spans = ARENA_NEW(a, struct span, c->n_cells);
  if (!remembers_nothing(g, e)) return NULL;
  if (!timing_trace(c, spans)) return err_put(e, "the circuit stands still"), NULL;
  struct planner p = {.circuit = c,
                      .spans = spans,
                      .bits = ARENA_NEW(a, int64_t, g->n_values),
                      .places = ARENA_NEW(a, uint32_t, c->n_cells),
                      .streams = ARENA_NEW(a, uint32_t, c->n_streams),
                      .carries = ARENA_NEW(a, struct when, c->n_streams)};
  for (uint32_t v = 0; v < g->n_values; v++)
    if (!g->values[v].init)
      p.bits[v] = value_elements(&g->values[v]) * type_stream_width(&g->values[v].type);
  p.plan = plan_new(a, g, p.bits);
  add_places(&p);
  add_inputs(&p);
  for (uint32_t i = 0; i < c->n_cells; i++) add_cell(&p, i);
  add_host(&p);
  plan_sort(p.plan);
  for (uint32_t i = 0; i < c->n_cells; i++)
    if ((double)c->cells[i].ii > p.plan->period) p.plan->period = (double)c->cells[i].ii;
  return p.plan;
}
