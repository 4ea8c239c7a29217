// SPDX-License-Identifier: Apache-2.0
// From nodes to cells. Between layers whose lanes differ stands an axis_resize; where ready would
// be combinational through more than one cell, an axis_register.
#include "sw/circuit/circuit.h"

#include "sw/base/text.h"
#include "sw/circuit/facts.h"

#include <string.h>

enum { QUEUE_MOST = 1 << 14, FRAME_ELEMENTS_MAX = 1 << 24 };

// Where a value can be read.
struct edge {
  struct stream *stream; // NULL: nowhere
  int combinational;     // cells in a row whose ready passes through
  bool taken;            // by a cell already
};

struct builder {
  struct arena *arena;
  const struct graph *graph;
  const struct folding *folding;
  struct circuit *circuit;
  struct edge *edges; // (n_values)
  struct edge *last;  // of the layer that was added last
  struct text problems;
};

int64_t stream_bytes(const struct stream *s) {
  return (s->lanes * s->width + 7) / 8;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static struct stream *add_stream(struct builder *b, uint32_t value, int64_t lanes,
                                 const char *signal) {
  const struct value *v = &b->graph->values[value];
  struct circuit *p = b->circuit;
  struct stream *s = ARENA_NEW(b->arena, struct stream, 1);
  *s = (struct stream){.signal = signal,
                       .value = value,
                       .elements = value_elements(v),
                       .width = type_width(&v->type),
                       .type = v->type,
                       .id = p->n_streams,
                       .from = NONE,
                       .to = NONE};
  s->lanes = least(lanes, s->elements);
  s->beats = (s->elements + s->lanes - 1) / s->lanes;
  p->streams[p->n_streams++] = s;
  return s;
}

// A cell that reads one stream and gives one.
static struct cell *add_cell(struct builder *b, enum cell_kind kind, const char *name,
                             struct stream *in, struct stream *out) {
  struct circuit *p = b->circuit;
  struct cell *c = &p->cells[p->n_cells];
  *c = (struct cell){.kind = kind,
                     .name = name,
                     .n_in = 1,
                     .n_out = 1,
                     .in = arena_copy(b->arena, &in, sizeof(struct stream *)),
                     .out = arena_copy(b->arena, &out, sizeof(struct stream *))};
  in->to = out->from = (int32_t)p->n_cells++;
  return c;
}

static bool passes_ready(enum timing_kind t) {
  return t == TIMING_FRAME || t == TIMING_RESIZE || t == TIMING_PIPE || t == TIMING_ARGMAX;
}

static void add_register(struct builder *b, struct edge *e, const char *name) {
  struct stream *out = add_stream(b, e->stream->value, e->stream->lanes, name);
  add_cell(b, CELL_REGISTER, name, e->stream, out)->timing =
      (struct timing){.kind = TIMING_REGISTER, .latency = 1};
  *e = (struct edge){.stream = out};
}

// A cell that cuts the ready path in front of one that passes ready on, if one stands there.
static void cut_ready(struct builder *b, struct edge *e, int index, enum timing_kind next) {
  if (passes_ready(next) && e->combinational)
    add_register(b, e, arena_printf(b->arena, "l%d_register", index));
  e->combinational = passes_ready(next) ? e->combinational + 1 : 0;
}

// A linear layer takes a beat with its last step. A resize that gathers one from several keeps it
// until then, and would only begin the next: a register takes it over.
static void hold_beat(struct builder *b, struct edge *e, const struct cell *layer) {
  const struct cell *before = &b->circuit->cells[e->stream->from];
  if (layer->timing.kind == TIMING_LINEAR && layer->timing.og > 1 && before->kind == CELL_RESIZE &&
      before->out[0]->lanes > before->in[0]->lanes)
    add_register(b, e, arena_printf(b->arena, "l%d_hold", layer->index));
}

static void resize(struct builder *b, struct edge *e, int index, int64_t lanes) {
  lanes = least(lanes, e->stream->elements);
  if (lanes == e->stream->lanes) return;
  cut_ready(b, e, index, TIMING_RESIZE);
  const char *name = arena_printf(b->arena, "l%d_resize", index);
  struct stream *in = e->stream, *out = add_stream(b, in->value, lanes, name);
  struct cell *c = add_cell(b, CELL_RESIZE, name, in, out);
  c->timing = (struct timing){.kind = TIMING_RESIZE, .latency = 1};
  c->cycles = in->beats > out->beats ? in->beats : out->beats;
  e->stream = out;
}

static void layer_lanes(struct builder *b, const struct node *n, const struct edge *e, int64_t *in,
                        int64_t *out) {
  bool linear = op_is(n->op, TRAIT_WEIGHTS);
  *in = linear ? b->folding->parallelism : e->stream->lanes;
  *out = linear ? b->folding->parallelism : 0;
  for (uint32_t i = 0; i < b->folding->n_layers; i++) {
    struct folding_entry *entry = &b->folding->layers[i];
    if (strcmp(entry->name, n->name) != 0) continue;
    entry->used = true;
    if (entry->in) *in = entry->in;
    if (entry->out) *out = entry->out;
  }
  if (!*out) *out = *in;
}

static void problem(struct builder *b, const struct node *n, const char *why) {
  text_printf(&b->problems, "%s\"%s\" (%s): %s", b->problems.size ? "; " : "", n->name,
              op_info(n->op)->name, why);
}

static bool make_layer(struct builder *b, struct cell *c, struct err *e) {
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
  int column = op_info(b->graph->nodes[c->node].op)->column;
  return columns[column] ? columns[column](b->arena, b->graph, c, e) : err_set(e, "no circuit");
}

// The timing kind decides about the register in front, so the layer is worked out first and its
// cell added after what must stand before it.
static void add_layer(struct builder *b, uint32_t node, struct edge *e, int index) {
  const struct node *n = &b->graph->nodes[node];
  struct circuit *p = b->circuit;
  struct err why = {0};
  int64_t lanes_in, lanes_out;
  layer_lanes(b, n, e, &lanes_in, &lanes_out);
  if (op_is(n->op, TRAIT_MAPS) && lanes_out != lanes_in) {
    problem(b, n, "its lanes in and out differ");
    return;
  }
  resize(b, e, index, lanes_in);
  const char *signal = arena_printf(b->arena, "l%d", index);
  struct stream *out = add_stream(b, n->out[0], lanes_out, signal);
  struct cell c = {.kind = CELL_LAYER, .node = node, .index = index, .n_in = 1, .n_out = 1};
  c.in = &e->stream;
  c.out = &out;
  if (!make_layer(b, &c, &why)) {
    problem(b, n, why.text);
  } else {
    hold_beat(b, e, &c);
    cut_ready(b, e, index, c.timing.kind);
    const char *name = arena_printf(b->arena, "l%d_%s", index, op_info(n->op)->name);
    struct cell *cell = add_cell(b, CELL_LAYER, name, e->stream, out);
    c.name = name;
    c.in = cell->in;
    c.out = cell->out;
    *cell = c;
    p->taps[p->n_taps++] = *out;
  }
  e->stream = out;
}

// Reads one more node; a reshape only renames what the stream carries.
static void add_node(struct builder *b, uint32_t node, int *index) {
  const struct node *n = &b->graph->nodes[node];
  struct edge *from = n->n_in ? &b->edges[n->in[0].value] : NULL, e = {0};
  if (!(op_info(n->op)->executors & EXECUTOR_CIRCUIT)) {
    problem(b, n, "this kind has no circuit yet; it runs on the host only");
  } else if (!from || !from->stream || from->taken || n->in[0].delay) {
    problem(b, n, "it doesn't follow the layer before it in one chain");
  } else {
    e = *from;
    from->taken = true;
    if (!op_is(n->op, TRAIT_ALIAS)) add_layer(b, node, &e, (*index)++);
  }
  if (!n->n_out) return;
  if (!e.stream) e = *b->last; // what follows is looked at all the same
  b->last = &b->edges[n->out[0]];
  *b->last = (struct edge){.stream = e.stream, .combinational = e.combinational};
}

static void finish(struct builder *b) {
  struct circuit *p = b->circuit;
  struct stream *last = b->last->stream;
  p->output = *last;
  p->output.signal = "m_axis";
  if (last->elements % last->lanes) {
    struct stream *out = add_stream(b, last->value, last->lanes, "trim");
    add_cell(b, CELL_TRIM, "trim", last, out)->timing = (struct timing){.kind = TIMING_NONE};
  }
  for (uint32_t i = 0; i < p->n_cells; i++) {
    p->multipliers += p->cells[i].multipliers;
    p->memory_bits += p->cells[i].memory_bits;
  }
}

static void start(struct builder *b) {
  const struct graph *g = b->graph;
  struct circuit *p = b->circuit;
  uint32_t value = g->inputs[0].value;
  // At most a register, a resize, another register and the layer for each node; frame and trim.
  size_t most = 4 * (size_t)g->n_nodes + 2;
  p->cells = ARENA_NEW(b->arena, struct cell, most);
  p->streams = ARENA_NEW(b->arena, struct stream *, most + 1);
  p->taps = ARENA_NEW(b->arena, struct stream, g->n_nodes);
  b->edges = ARENA_NEW(b->arena, struct edge, g->n_values);
  struct stream *in = add_stream(b, value, b->folding->parallelism, "s_axis");
  struct stream *out = add_stream(b, value, b->folding->parallelism, "frame");
  p->input = *in;
  struct cell *c = add_cell(b, CELL_FRAME, "frame", in, out);
  c->timing = (struct timing){.kind = TIMING_FRAME, .latency = 1};
  c->cycles = in->beats;
  b->last = &b->edges[value];
  *b->last = (struct edge){.stream = out, .combinational = 1};
}

// A few bytes of a file can ask for streams whose vectors would fill a disk.
static bool check_size(const struct circuit *p, struct err *e) {
  int64_t elements = p->input.elements;
  for (uint32_t i = 0; i < p->n_taps; i++) elements += p->taps[i].elements;
  return elements <= FRAME_ELEMENTS_MAX ||
         err_set(e, "the streams carry %lld elements per frame, at most %d are accepted",
                 (long long)elements, FRAME_ELEMENTS_MAX);
}

static bool check(struct builder *b, struct err *e) {
  if (b->problems.size) return err_set(e, "no circuit for layer %s", b->problems.data);
  for (uint32_t i = 0; i < b->folding->n_layers; i++)
    if (!b->folding->layers[i].used)
      return err_set(e, "folding: there is no layer \"%s\" in the circuit",
                     b->folding->layers[i].name);
  return (b->circuit->n_taps || err_set(e, "the model has no layer that computes")) &&
         check_size(b->circuit, e);
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
  struct builder b = {
      .arena = a, .graph = g, .folding = &lanes, .circuit = ARENA_NEW(a, struct circuit, 1)};
  *b.circuit = (struct circuit){.graph = g, .top = top};
  if (g->n_inputs != 1 || g->n_outputs != 1) {
    err_put(e, "%u inputs and %u outputs, a circuit has one of each", g->n_inputs, g->n_outputs);
    return NULL;
  }
  start(&b);
  uint32_t *order = ARENA_NEW(a, uint32_t, g->n_nodes);
  int index = 0;
  graph_order(g, order);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[order[i]].where == WHERE_CIRCUIT) add_node(&b, order[i], &index);
  finish(&b);
  bool ok = check(&b, e);
  text_free(&b.problems);
  if (!ok) return NULL;
  size_queues(b.circuit);
  return b.circuit;
}
