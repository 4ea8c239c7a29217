// SPDX-License-Identifier: Apache-2.0
// From a chain of nodes to a chain of cells. Between layers whose lanes differ stands an
// axis_resize; where ready would be combinational through more than one cell, an axis_register.
#include "sw/circuit/circuit.h"

#include "sw/base/text.h"
#include "sw/circuit/facts.h"

#include <string.h>

enum { QUEUE_MOST = 1 << 14, FRAME_ELEMENTS_MAX = 1 << 24 };

struct builder {
  struct arena *arena;
  const struct graph *graph;
  const struct folding *folding;
  struct circuit *circuit;
  struct stream at;  // the stream that leaves the last cell
  uint32_t value;    // the value it carries
  int combinational; // cells in a row whose ready passes through
  struct text problems;
};

int64_t stream_bytes(const struct stream *s) {
  return (s->lanes * s->width + 7) / 8;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static struct stream stream_of(const struct graph *g, uint32_t value, int64_t lanes,
                               const char *signal) {
  const struct value *v = &g->values[value];
  struct stream s = {
      .signal = signal, .value = value, .elements = value_elements(v), .type = v->type};
  s.lanes = least(lanes, s.elements);
  s.beats = (s.elements + s.lanes - 1) / s.lanes;
  s.width = type_width(&v->type);
  return s;
}

static struct cell *add_cell(struct builder *p, enum cell_kind kind, const char *name,
                             struct stream out) {
  struct cell *c = &p->circuit->cells[p->circuit->n_cells++];
  *c = (struct cell){.kind = kind, .name = name, .in = p->at, .out = out};
  p->at = out;
  return c;
}

static bool passes_ready(enum timing_kind t) {
  return t == TIMING_FRAME || t == TIMING_RESIZE || t == TIMING_PIPE || t == TIMING_ARGMAX;
}

static void add_register(struct builder *p, const char *name) {
  struct stream out = p->at;
  out.signal = name;
  add_cell(p, CELL_REGISTER, name, out)->timing =
      (struct timing){.kind = TIMING_REGISTER, .latency = 1};
  p->combinational = 0;
}

// A cell that cuts the ready path in front of one that passes ready on, if one stands there.
static void cut_ready(struct builder *p, int index, enum timing_kind next) {
  if (passes_ready(next) && p->combinational)
    add_register(p, arena_printf(p->arena, "l%d_register", index));
  p->combinational = passes_ready(next) ? p->combinational + 1 : 0;
}

// A linear layer takes a beat with its last step. A resize that gathers one from several keeps it
// until then, and would only begin the next: a register takes it over.
static void hold_beat(struct builder *p, const struct cell *layer) {
  const struct cell *before = &p->circuit->cells[p->circuit->n_cells - 1];
  if (layer->timing.kind == TIMING_LINEAR && layer->timing.og > 1 && before->kind == CELL_RESIZE &&
      before->out.lanes > before->in.lanes)
    add_register(p, arena_printf(p->arena, "l%d_hold", layer->index));
}

static void resize(struct builder *p, int index, int64_t lanes) {
  lanes = least(lanes, p->at.elements);
  if (lanes == p->at.lanes) return;
  cut_ready(p, index, TIMING_RESIZE);
  const char *name = arena_printf(p->arena, "l%d_resize", index);
  struct cell *c = add_cell(p, CELL_RESIZE, name, stream_of(p->graph, p->at.value, lanes, name));
  c->timing = (struct timing){.kind = TIMING_RESIZE, .latency = 1};
  c->cycles = c->in.beats > c->out.beats ? c->in.beats : c->out.beats;
}

static void layer_lanes(struct builder *p, const struct node *n, int64_t *in, int64_t *out) {
  bool linear = op_is(n->op, TRAIT_WEIGHTS);
  *in = linear ? p->folding->parallelism : p->at.lanes;
  *out = linear ? p->folding->parallelism : 0;
  for (uint32_t i = 0; i < p->folding->n_layers; i++) {
    struct folding_entry *entry = &p->folding->layers[i];
    if (strcmp(entry->name, n->name) != 0) continue;
    entry->used = true;
    if (entry->in) *in = entry->in;
    if (entry->out) *out = entry->out;
  }
  if (!*out) *out = *in;
}

static void problem(struct builder *p, const struct node *n, const char *why) {
  text_printf(&p->problems, "%s\"%s\" (%s): %s", p->problems.size ? "; " : "", n->name,
              op_info(n->op)->name, why);
}

static bool make_layer(struct builder *p, struct cell *c, struct err *e) {
  static bool (*const columns[])(struct arena *, const struct graph *, struct cell *,
                                 struct err *) = {
#define YES(f) f
#define MOVE(f) NULL
#define NO(f) NULL
#define COLUMN(id, stem, golden, prepare, real, quant, circuit) circuit(circuit_make_##stem),
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef MOVE
#undef NO
  };
  int column = op_info(p->graph->nodes[c->node].op)->column;
  return columns[column] ? columns[column](p->arena, p->graph, c, e) : err_set(e, "no circuit");
}

// The timing kind decides about the register in front, so the layer is worked out first and its
// cell added after what must stand before it.
static void add_layer(struct builder *p, uint32_t node, int index) {
  const struct node *n = &p->graph->nodes[node];
  struct err e = {0};
  int64_t lanes_in, lanes_out;
  layer_lanes(p, n, &lanes_in, &lanes_out);
  if (op_is(n->op, TRAIT_MAPS) && lanes_out != lanes_in) {
    problem(p, n, "its lanes in and out differ");
    return;
  }
  resize(p, index, lanes_in);
  const char *signal = arena_printf(p->arena, "l%d", index);
  struct cell c = {.kind = CELL_LAYER, .node = node, .index = index, .in = p->at};
  c.name = arena_printf(p->arena, "l%d_%s", index, op_info(n->op)->name);
  c.out = stream_of(p->graph, n->out[0], lanes_out, signal);
  if (!make_layer(p, &c, &e)) {
    problem(p, n, e.text);
  } else {
    hold_beat(p, &c);
    cut_ready(p, index, c.timing.kind);
    c.in = p->at;
    p->circuit->cells[p->circuit->n_cells++] = c;
    p->circuit->taps[p->circuit->n_taps++] = c.out;
  }
  p->at = c.out;
  p->value = n->out[0];
}

// Reads one more node of the chain; a reshape only renames what the stream carries.
static void add_node(struct builder *p, uint32_t node, int *index) {
  const struct node *n = &p->graph->nodes[node];
  const struct op_info *info = op_info(n->op);
  if (!(info->executors & EXECUTOR_CIRCUIT))
    problem(p, n, "this kind has no circuit yet; it runs on the host only");
  else if (n->n_in == 0 || n->in[0].value != p->value || n->in[0].delay)
    problem(p, n, "it doesn't follow the layer before it in one chain");
  else if (op_is(n->op, TRAIT_ALIAS))
    p->value = n->out[0];
  else
    add_layer(p, node, (*index)++);
  if (n->n_out) p->value = n->out[0];
}

static void finish(struct builder *p) {
  struct circuit *circuit = p->circuit;
  circuit->output = p->at;
  circuit->output.signal = "m_axis";
  int64_t used = circuit->output.elements % circuit->output.lanes;
  if (used) {
    struct stream out = p->at;
    out.signal = "trim";
    add_cell(p, CELL_TRIM, "trim", out)->timing = (struct timing){.kind = TIMING_NONE};
  }
  for (uint32_t i = 0; i < circuit->n_cells; i++) {
    circuit->multipliers += circuit->cells[i].multipliers;
    circuit->memory_bits += circuit->cells[i].memory_bits;
  }
}

static void start(struct builder *p) {
  const struct graph *g = p->graph;
  struct circuit *circuit = p->circuit;
  p->value = g->inputs[0].value;
  p->at = circuit->input = stream_of(g, p->value, p->folding->parallelism, "s_axis");
  // At most a register, a resize, another register and the layer for each node; frame and trim.
  circuit->cells = ARENA_NEW(p->arena, struct cell, 4 * (size_t)g->n_nodes + 2);
  circuit->taps = ARENA_NEW(p->arena, struct stream, g->n_nodes);
  struct stream out = p->at;
  out.signal = "frame";
  struct cell *c = add_cell(p, CELL_FRAME, "frame", out);
  c->timing = (struct timing){.kind = TIMING_FRAME, .latency = 1};
  c->cycles = c->in.beats;
  p->combinational = 1;
}

// A few bytes of a file can ask for streams whose vectors would fill a disk.
static bool check_size(const struct circuit *p, struct err *e) {
  int64_t elements = p->input.elements;
  for (uint32_t i = 0; i < p->n_taps; i++) elements += p->taps[i].elements;
  return elements <= FRAME_ELEMENTS_MAX ||
         err_set(e, "the streams carry %lld elements per frame, at most %d are accepted",
                 (long long)elements, FRAME_ELEMENTS_MAX);
}

static bool check(struct builder *p, struct err *e) {
  if (p->problems.size) return err_set(e, "no circuit for layer %s", p->problems.data);
  for (uint32_t i = 0; i < p->folding->n_layers; i++)
    if (!p->folding->layers[i].used)
      return err_set(e, "folding: there is no layer \"%s\" in the circuit",
                     p->folding->layers[i].name);
  return (p->circuit->n_taps || err_set(e, "the model has no layer that computes")) &&
         check_size(p->circuit, e);
}

// Queues that are too small cost cycles: they grow until the slowest cell sets the pace.
static void size_queues(struct circuit *p) {
  int64_t bottleneck = 1, places = 0;
  for (uint32_t i = 0; i < p->n_cells; i++)
    bottleneck = p->cells[i].cycles > bottleneck ? p->cells[i].cycles : bottleneck;
  timing_run(p);
  while (p->ii > bottleneck && places < QUEUE_MOST) {
    for (uint32_t i = 0; i < p->n_cells; i++) {
      struct cell *c = &p->cells[i];
      if (c->timing.kind != TIMING_LINEAR) continue;
      circuit_linear_queue(c, 2 * c->timing.queue);
      places = c->timing.queue;
    }
    if (!places) return;
    timing_run(p);
  }
}

struct circuit *circuit_build(struct arena *a, const struct graph *g, const char *top,
                              const struct folding *f, struct err *e) {
  struct folding lanes = *f;
  if (!lanes.parallelism) lanes.parallelism = LANES_DEFAULT;
  struct builder p = {
      .arena = a, .graph = g, .folding = &lanes, .circuit = ARENA_NEW(a, struct circuit, 1)};
  *p.circuit = (struct circuit){.graph = g, .top = top};
  if (g->n_inputs != 1 || g->n_outputs != 1) {
    err_put(e, "%u inputs and %u outputs, a circuit has one of each", g->n_inputs, g->n_outputs);
    return NULL;
  }
  start(&p);
  uint32_t *order = ARENA_NEW(a, uint32_t, g->n_nodes);
  int index = 0;
  graph_order(g, order);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[order[i]].where == WHERE_CIRCUIT) add_node(&p, order[i], &index);
  finish(&p);
  bool ok = check(&p, e);
  text_free(&p.problems);
  if (!ok) return NULL;
  size_queues(p.circuit);
  return p.circuit;
}
