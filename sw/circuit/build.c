// SPDX-License-Identifier: Apache-2.0
// From nodes to cells. Between layers whose lanes differ stands an axis_resize; where ready would
// be combinational through more than one cell, an axis_register; behind a value with several
// readers an axis_fork, and before each input of a join an axis_fifo.
#include "sw/circuit/circuit.h"

#include "sw/base/text.h"
#include "sw/circuit/facts.h"

#include <string.h>

enum { QUEUE_FIRST = 4, QUEUE_MOST = 1 << 14, FRAME_ELEMENTS_MAX = 1 << 24, JOINED_MAX = 2 };

// Where a reader of a value gets it.
struct edge {
  struct stream *stream;
  int combinational; // cells in a row whose ready passes through
};

struct readers {
  uint32_t count, taken; // those that there are, and that have their edge
  struct edge *edges;    // (count); NULL: the value isn't in the circuit
};

struct builder {
  struct arena *arena;
  const struct graph *graph;
  const struct folding *folding;
  struct circuit *circuit;
  struct readers *readers; // (n_values)
  struct edge last;        // behind the layer that was added last
  struct text problems;
};

int64_t stream_bytes(const struct stream *s) {
  return (s->lanes * s->width + 7) / 8;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

// The streams that a node reads: all that isn't a tensor or weights.
static uint32_t streams_of(const struct graph *g, const struct node *n, uint32_t *which) {
  uint32_t count = 0, most = op_is(n->op, TRAIT_WEIGHTS) ? 1 : n->n_in;
  for (uint32_t i = 0; i < most; i++)
    if (!node_in(g, n, i)->init && count++ < JOINED_MAX) which[count - 1] = i;
  return count;
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

static struct cell *add_cell(struct builder *b, const struct cell *like) {
  struct circuit *p = b->circuit;
  struct cell *c = &p->cells[p->n_cells];
  *c = *like;
  c->in = arena_copy(b->arena, like->in, like->n_in * sizeof *like->in);
  c->out = arena_copy(b->arena, like->out, like->n_out * sizeof *like->out);
  for (uint32_t i = 0; i < c->n_in; i++) c->in[i]->to = (int32_t)p->n_cells;
  for (uint32_t i = 0; i < c->n_out; i++) c->out[i]->from = (int32_t)p->n_cells;
  p->n_cells++;
  return c;
}

// One that an edge goes through, to a stream of as many lanes or others.
static struct cell *pass_through(struct builder *b, struct edge *e, enum cell_kind kind,
                                 const char *name, int64_t lanes, struct timing timing) {
  struct stream *in = e->stream, *out = add_stream(b, in->value, lanes, name);
  struct cell c = {
      .kind = kind, .name = name, .n_in = 1, .n_out = 1, .in = &in, .out = &out, .timing = timing};
  e->stream = out;
  return add_cell(b, &c);
}

static bool passes_ready(enum timing_kind t) {
  return t == TIMING_FRAME || t == TIMING_RESIZE || t == TIMING_PIPE || t == TIMING_ARGMAX ||
         t == TIMING_FORK;
}

static void add_register(struct builder *b, struct edge *e, const char *name) {
  pass_through(b, e, CELL_REGISTER, name, e->stream->lanes,
               (struct timing){.kind = TIMING_REGISTER, .latency = 1});
  e->combinational = 0;
}

// A cell that cuts the ready path in front of one that passes ready on, if one stands there.
static void cut_ready(struct builder *b, struct edge *e, const char *where, enum timing_kind next) {
  if (passes_ready(next) && e->combinational)
    add_register(b, e, arena_printf(b->arena, "%s_register", where));
  e->combinational = passes_ready(next) ? e->combinational + 1 : 0;
}

// A linear layer takes a beat with its last step. A resize that gathers one from several keeps it
// until then, and would only begin the next: a register takes it over.
static void hold_beat(struct builder *b, struct edge *e, const struct cell *layer) {
  if (e->stream->from == NONE) return; // behind a layer that has no circuit
  const struct cell *before = &b->circuit->cells[e->stream->from];
  if (layer->timing.kind == TIMING_LINEAR && layer->timing.og > 1 && before->kind == CELL_RESIZE &&
      before->out[0]->lanes > before->in[0]->lanes)
    add_register(b, e, arena_printf(b->arena, "l%d_hold", layer->index));
}

static void resize(struct builder *b, struct edge *e, int index, int64_t lanes) {
  lanes = least(lanes, e->stream->elements);
  if (lanes == e->stream->lanes) return;
  cut_ready(b, e, arena_printf(b->arena, "l%d", index), TIMING_RESIZE);
  struct cell *c = pass_through(b, e, CELL_RESIZE, arena_printf(b->arena, "l%d_resize", index),
                                lanes, (struct timing){.kind = TIMING_RESIZE, .latency = 1});
  c->cycles = c->in[0]->beats > c->out[0]->beats ? c->in[0]->beats : c->out[0]->beats;
}

// Places for beats, whose number size_queues finds. Its ready is a register's.
static void add_queue(struct builder *b, struct edge *e, int index, uint32_t side) {
  pass_through(b, e, CELL_QUEUE, arena_printf(b->arena, "l%d_queue%u", index, side),
               e->stream->lanes, (struct timing){.kind = TIMING_QUEUE, .queue = QUEUE_FIRST});
  e->combinational = 0;
}

// Hands a value to its readers.
static void hand_out(struct builder *b, uint32_t value, struct edge e) {
  struct readers *r = &b->readers[value];
  b->last = e;
  if (!r->count) return;
  r->edges = ARENA_NEW(b->arena, struct edge, r->count);
  r->edges[0] = e;
  if (r->count == 1) return;
  const char *from = e.stream->signal, *name = arena_printf(b->arena, "%s_fork", from);
  cut_ready(b, &e, name, TIMING_FORK);
  struct stream **out = ARENA_NEW(b->arena, struct stream *, r->count);
  for (uint32_t i = 0; i < r->count; i++) {
    out[i] = add_stream(b, e.stream->value, e.stream->lanes,
                        arena_printf(b->arena, "%s_reader%u", from, i));
    r->edges[i] = (struct edge){out[i], e.combinational};
  }
  struct cell c = {.kind = CELL_FORK,
                   .name = name,
                   .n_in = 1,
                   .n_out = r->count,
                   .in = &e.stream,
                   .out = out,
                   .timing = {.kind = TIMING_FORK}};
  add_cell(b, &c)->cycles = e.stream->beats;
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
static void add_layer(struct builder *b, uint32_t node, struct edge *e, uint32_t n_in, int index) {
  const struct node *n = &b->graph->nodes[node];
  struct circuit *p = b->circuit;
  struct stream *in[JOINED_MAX];
  struct err why = {0};
  int64_t lanes_in, lanes_out;
  layer_lanes(b, n, e, &lanes_in, &lanes_out);
  if (!op_is(n->op, TRAIT_WEIGHTS | TRAIT_INDEX) && lanes_out != lanes_in) {
    problem(b, n, "its lanes in and out differ");
    return;
  }
  const char *signal = arena_printf(b->arena, "l%d", index);
  for (uint32_t i = 0; i < n_in; i++) {
    resize(b, &e[i], index, lanes_in);
    if (n_in > 1) add_queue(b, &e[i], index, i);
    in[i] = e[i].stream;
  }
  struct stream *out = add_stream(b, n->out[0], lanes_out, signal);
  struct cell c = {.kind = CELL_LAYER,
                   .node = node,
                   .index = index,
                   .n_in = n_in,
                   .n_out = 1,
                   .in = in,
                   .out = &out};
  c.name = arena_printf(b->arena, "l%d_%s", index, op_info(n->op)->name);
  if (!make_layer(b, &c, &why)) {
    problem(b, n, why.text);
  } else {
    hold_beat(b, e, &c);
    for (uint32_t i = 0; i < n_in; i++) {
      cut_ready(b, &e[i], signal, c.timing.kind);
      in[i] = e[i].stream;
    }
    add_cell(b, &c);
    p->taps[p->n_taps++] = *out;
  }
  e->stream = out;
}

// Gives a node its edges; false if one isn't there.
static bool take(struct builder *b, const struct node *n, struct edge *e, uint32_t *n_in) {
  uint32_t which[JOINED_MAX];
  *n_in = streams_of(b->graph, n, which);
  if (!*n_in || *n_in > JOINED_MAX) return false;
  for (uint32_t i = 0; i < *n_in; i++) {
    struct readers *r = &b->readers[n->in[which[i]].value];
    if (!r->edges || r->taken == r->count || n->in[which[i]].delay) return false;
    e[i] = r->edges[r->taken++];
  }
  return true;
}

// Reads one more node; a reshape only renames what the stream carries.
static void add_node(struct builder *b, uint32_t node, int *index) {
  const struct node *n = &b->graph->nodes[node];
  struct edge e[JOINED_MAX] = {b->last}; // what follows is looked at all the same
  uint32_t n_in;
  if (!(op_info(n->op)->executors & EXECUTOR_CIRCUIT))
    problem(b, n, "this kind has no circuit yet; it runs on the host only");
  else if (!take(b, n, e, &n_in))
    problem(b, n, "it doesn't read what layers before it give");
  else if (type_width(&node_out(b->graph, n, 0)->type) > STREAM_BITS_MAX)
    problem(b, n, "it gives an accumulator, which isn't fused with its requant");
  else if (!op_is(n->op, TRAIT_ALIAS))
    add_layer(b, node, e, n_in, (*index)++);
  if (n->n_out) hand_out(b, n->out[0], e[0]);
}

static bool in_circuit(const struct node *n) {
  return n->where == WHERE_CIRCUIT;
}

static void count_readers(struct builder *b) {
  const struct graph *g = b->graph;
  b->readers = ARENA_NEW(b->arena, struct readers, g->n_values);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    uint32_t which[JOINED_MAX], n_in = streams_of(g, &g->nodes[i], which);
    for (uint32_t k = 0; in_circuit(&g->nodes[i]) && k < n_in && k < JOINED_MAX; k++)
      b->readers[g->nodes[i].in[which[k]].value].count++;
  }
}

static void finish(struct builder *b) {
  struct circuit *p = b->circuit;
  struct stream *last = b->last.stream;
  p->output = *last;
  p->output.signal = "m_axis";
  if (last->elements % last->lanes) {
    pass_through(b, &b->last, CELL_TRIM, "trim", last->lanes, (struct timing){.kind = TIMING_NONE});
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
  count_readers(b);
  // At most a register, a resize, a queue and another register for each use of a value; the layer,
  // a register and a fork behind it for each node; frame, register, fork and trim.
  size_t uses = 0;
  for (uint32_t i = 0; i < g->n_values; i++) uses += b->readers[i].count;
  size_t most = 4 * uses + 3 * (size_t)g->n_nodes + 4;
  p->cells = ARENA_NEW(b->arena, struct cell, most);
  p->streams = ARENA_NEW(b->arena, struct stream *, most + uses + 1);
  p->taps = ARENA_NEW(b->arena, struct stream, g->n_nodes);
  struct edge e = {.stream = add_stream(b, value, b->folding->parallelism, "s_axis")};
  p->input = *e.stream;
  pass_through(b, &e, CELL_FRAME, "frame", e.stream->lanes,
               (struct timing){.kind = TIMING_FRAME, .latency = 1})
      ->cycles = e.stream->beats;
  e.combinational = 1;
  hand_out(b, value, e);
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

// Queues that are too small cost cycles, or let a join wait for ever: all grow until the slowest
// cell sets the pace.
static void grow_queues(struct circuit *p, int64_t bottleneck) {
  int64_t places = 0;
  timing_run(p);
  while (p->ii > bottleneck && places < QUEUE_MOST) {
    for (uint32_t i = 0; i < p->n_cells; i++) {
      struct timing *t = &p->cells[i].timing;
      if (t->kind == TIMING_LINEAR) circuit_linear_queue(&p->cells[i], 2 * t->queue);
      if (t->kind == TIMING_QUEUE) t->queue *= 2;
      if (t->kind == TIMING_LINEAR || t->kind == TIMING_QUEUE) places = t->queue;
    }
    if (!places) return;
    timing_run(p);
  }
}

// The fewest places of a queue in front of a join with which the pace stays what it is.
static void shrink_queue(struct circuit *p, struct timing *t) {
  int64_t pace = p->ii, least = 0, enough = t->queue; // `least` are too few
  while (enough - least > 1) {
    t->queue = (least + enough) / 2;
    timing_run(p);
    if (p->ii == pace)
      enough = t->queue;
    else
      least = t->queue;
  }
  t->queue = enough;
  timing_run(p);
}

// Likewise that of a linear layer, a power of two not below `least`.
static void shrink_linear(struct circuit *p, struct cell *c, int64_t least) {
  int64_t pace = p->ii;
  while (c->timing.queue > least && p->ii == pace) {
    circuit_linear_queue(c, c->timing.queue / 2);
    timing_run(p);
  }
  if (p->ii == pace) return;
  circuit_linear_queue(c, 2 * c->timing.queue);
  timing_run(p);
}

static void size_queues(struct arena *a, struct circuit *p) {
  int64_t bottleneck = 1, *least = ARENA_NEW(a, int64_t, p->n_cells);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    least[i] = p->cells[i].timing.queue;
    bottleneck = p->cells[i].cycles > bottleneck ? p->cells[i].cycles : bottleneck;
  }
  grow_queues(p, bottleneck);
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].timing.kind == TIMING_LINEAR) shrink_linear(p, &p->cells[i], least[i]);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct cell *c = &p->cells[i];
    if (c->timing.kind != TIMING_QUEUE) continue;
    shrink_queue(p, &c->timing);
    c->memory_bits = c->timing.queue * (c->in[0]->lanes * c->in[0]->width + 1);
    p->memory_bits += c->memory_bits;
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
    if (in_circuit(&g->nodes[order[i]])) add_node(&b, order[i], &index);
  finish(&b);
  bool ok = check(&b, e);
  text_free(&b.problems);
  if (!ok) return NULL;
  size_queues(a, b.circuit);
  if (!b.circuit->latency) {
    err_put(e, "the branches of the circuit would wait for each other for ever");
    return NULL;
  }
  return b.circuit;
}
