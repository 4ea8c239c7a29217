// SPDX-License-Identifier: Apache-2.0
// From nodes to cells. Between layers whose lanes differ stands an axis_resize; where ready would
// be combinational through more than one cell, an axis_register; behind a value with several
// readers an axis_fork, and before each input of a join an axis_fifo.
#include "sw/circuit/builder.h"
#include "sw/circuit/timing.h"

#include <string.h>

enum { FRAME_ELEMENTS_MAX = 1 << 24, MEMORY_ELEMENTS_MAX = 1 << 24 };

int64_t stream_bytes(const struct stream *s) {
  return (s->lanes * s->width + 7) / 8;
}

int64_t cell_elements_in(const struct cell *c) {
  bool parts = c->timing.kind == TIMING_CONCAT;
  int64_t n = 0;
  for (uint32_t i = 0; i < c->n_in && (parts || i == 0); i++) n += c->in[i]->elements;
  return n;
}

// Whether a layer may give other lanes than it takes.
static bool two_widths(const struct node *n) {
  return op_is(n->op, TRAIT_WEIGHTS | TRAIT_INDEX);
}

int64_t cell_lanes_in(const struct circuit *p, const struct cell *c) {
  int64_t lanes = two_widths(&p->graph->nodes[c->node]) ? 0 : c->out[0]->lanes;
  for (uint32_t i = 0; i < c->n_in; i++)
    if (c->in[i]->lanes > lanes) lanes = c->in[i]->lanes;
  return lanes;
}

int64_t circuit_input_elements(const struct circuit *p) {
  int64_t n = 0;
  for (uint32_t i = 0; i < p->n_inputs; i++) n += p->inputs[i].elements;
  return n;
}

int64_t circuit_output_elements(const struct circuit *p) {
  int64_t n = 0;
  for (uint32_t i = 0; i < p->n_outputs; i++) n += p->outputs[i].elements;
  return n;
}

static bool constant(const struct builder *b, const struct node *n, uint32_t i) {
  return node_in(b->graph, n, i)->init != NULL;
}

static void problem(struct builder *b, const struct node *n, const char *why) {
  text_printf(&b->problems, "%slayer \"%s\" (%s): %s", b->problems.size ? "; " : "", n->name,
              op_info(n->op)->name, why);
}

// ---- layers

const struct circuit_column *circuit_column(enum op op) {
  static const struct circuit_column *const columns[] = {
#define YES(f) &f
#define MOVE(f) NULL
#define NO(f) NULL
#define COLUMN(id, stem, golden, prepare, real, quant, circuit) circuit(circuit_##stem),
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef MOVE
#undef NO
  };
  return columns[op_info(op)->column];
}

// The lanes that a layer works on: those that are asked for, otherwise of its widest input; and
// where its weights are to be.
static bool layer_lanes(struct builder *b, const struct node *n, const struct edge *e,
                        uint32_t n_in, int64_t *in, int64_t *out, enum ram_style *style,
                        struct err *why) {
  const struct circuit_column *column = circuit_column(n->op);
  bool chosen = false;
  bool linear = op_is(n->op, TRAIT_WEIGHTS);
  *style = linear ? b->folding->ram_style : RAM_UNSAID;
  *in = linear ? b->folding->parallelism : 1;
  *out = linear ? b->folding->parallelism : 0;
  for (uint32_t i = 0; i < n_in && !linear; i++)
    if (!constant(b, n, i) && e[i].stream->lanes > *in) *in = e[i].stream->lanes;
  for (uint32_t i = 0; i < b->folding->n_layers; i++) {
    struct folding_entry *entry = &b->folding->layers[i];
    if (strcmp(entry->name, n->name) != 0) continue;
    entry->used = chosen = true;
    if (entry->in) *in = entry->in;
    if (entry->out) *out = entry->out;
    if (entry->ram_style) *style = entry->ram_style;
    if (entry->ram_style && !linear) return err_set(why, "\"ram_style\", but it has no weights");
  }
  if (!*out) *out = *in;
  if (column->lanes) return column->lanes(b->graph, n, chosen, in, out, why);
  return two_widths(n) || *out == *in || err_set(why, "its lanes in and out differ");
}

static const char *input_name(struct builder *b, int index, uint32_t i, uint32_t n_in) {
  return n_in == 1 ? arena_printf(b->arena, "l%d", index)
                   : arena_printf(b->arena, "l%d_%u", index, i);
}

// Brings input `i` to the layer: its lanes, its groups, its type, and a queue where branches meet.
static bool bring(struct builder *b, const struct node *n, uint32_t i, struct edge *e, int index,
                  int64_t lanes, int64_t lanes_out, struct err *why) {
  const struct circuit_column *column = circuit_column(n->op);
  int64_t groups = column->groups ? column->groups(b->graph, n, i) : 1;
  const struct requant *rq = column->cast ? column->cast(b->graph, n, i) : NULL;
  uint32_t streams = 0, n_in = needed_streams(n);
  for (uint32_t k = 0; k < n_in; k++) streams += !constant(b, n, k);
  const char *name = input_name(b, index, i, n_in);
  if (constant(b, n, i)) {
    *e = edge_constant(b, n->in[i].value, node_out(b->graph, n, 0), index, name, lanes);
    return true;
  }
  struct circuit_window w = {0};
  if (column->window && !column->window(b->arena, b->graph, n, lanes, lanes_out, &w, why))
    return false;
  edge_resize(b, e, index, name, w.beats ? w.lanes : lanes);
  edge_group(b, e, index, name, groups);
  if (rq && !edge_cast(b, e, index, name, n, rq, why)) return false;
  if (w.beats) edge_window(b, e, index, name, &w);
  if (streams > 1) edge_queue(b, e, index, arena_printf(b->arena, "l%d_queue%u", index, i));
  return true;
}

// The timing kind decides about the register in front, so the layer is worked out first and its
// cell added after what must stand before it.
static bool add_layer(struct builder *b, uint32_t node, struct edge *e, uint32_t n_in, int index,
                      struct err *why) {
  const struct node *n = &b->graph->nodes[node];
  struct circuit *p = b->circuit;
  struct stream **in = ARENA_NEW(b->arena, struct stream *, n_in);
  int64_t lanes_in, lanes_out;
  enum ram_style style;
  if (!layer_lanes(b, n, e, n_in, &lanes_in, &lanes_out, &style, why)) return false;
  const char *signal = arena_printf(b->arena, "l%d", index);
  for (uint32_t i = 0; i < n_in; i++) {
    if (!bring(b, n, i, &e[i], index, lanes_in, lanes_out, why)) return false;
    in[i] = e[i].stream;
  }
  struct stream *out =
      edge_stream(b, n->out[0], value_elements(node_out(b->graph, n, 0)), 1, lanes_out, signal);
  struct cell c = {.kind = CELL_LAYER,
                   .node = node,
                   .index = index,
                   .n_in = n_in,
                   .n_out = 1,
                   .in = in,
                   .out = &out,
                   .ram_style = style,
                   .pack = b->folding->pack};
  c.name = arena_printf(b->arena, "l%d_%s", index, op_info(n->op)->name);
  bool ok = circuit_column(n->op)->make(b->arena, b->graph, &c, why);
  if (ok) {
    edge_hold_beat(b, e, &c);
    for (uint32_t i = 0; i < n_in; i++) {
      edge_cut_ready(b, &e[i], input_name(b, index, i, n_in), c.timing.kind);
      in[i] = e[i].stream;
    }
    edge_cell(b, &c);
    e->burst =
        c.timing.kind == TIMING_TILES || (e->burst && timing_ops(c.timing.kind)->passes_ready);
    p->taps[p->n_taps++] = *out;
  }
  e->stream = out; // what follows is looked at all the same
  return ok;
}

// A tensor that is another one in the first frames has no circuit.
static bool delays_tensor(const struct builder *b, const struct node *n) {
  bool any = false;
  for (uint32_t k = 0; k < n->n_in; k++) any |= n->in[k].delay && constant(b, n, k);
  return any;
}

// A value of earlier frames, in the lanes that it has if it is there already, otherwise in those of
// the widest input, which a folder says.
static struct edge remember(struct builder *b, const struct use *u, int index, uint32_t side) {
  const struct readers *r = &b->readers[u->value];
  int64_t lanes = r->edges ? r->edges[0].stream->lanes : 1;
  for (uint32_t i = 0; !r->edges && i < b->circuit->n_inputs; i++)
    if (b->circuit->inputs[i].lanes > lanes) lanes = b->circuit->inputs[i].lanes;
  return edge_state(b, u, index, side, lanes);
}

static bool take_next(struct readers *r, struct edge *e) {
  bool there = r->edges && r->taken < r->count;
  if (there) *e = r->edges[r->taken++];
  return there;
}

// Gives a node its edges; false if one isn't there. What a line buffer joins are the frame's own
// rows alone.
static bool take(struct builder *b, const struct node *n, bool line, int index, struct edge *e) {
  uint32_t streams = 0;
  if (line) return take_next(&b->readers[n->in[1].value], e);
  for (uint32_t i = 0; i < needed_streams(n); i++) {
    if (constant(b, n, i)) continue;
    struct readers *r = &b->readers[n->in[i].value];
    if (n->in[i].delay) {
      e[i] = remember(b, &n->in[i], index, i);
      streams++;
      continue;
    }
    if (!take_next(r, &e[i])) return false;
    streams++;
  }
  return streams > 0;
}

static bool hand_out(struct builder *b, const char *what, uint32_t value, struct edge edge,
                     struct err *e) {
  return edge_hand_out(b, value, edge) ||
         err_set(e, "%s \"%s\" is read %u times, at most %d are accepted", what,
                 b->graph->values[value].name, b->readers[value].count, READERS_MOST);
}

// Reads one more node; a reshape only renames what the stream carries, and a line buffer is in
// front of the layer that reads it.
static void add_node(struct builder *b, uint32_t node, int *index) {
  const struct node *n = &b->graph->nodes[node];
  uint32_t n_in = needed_streams(n);
  bool line = b->lines[node] != NONE;
  struct edge *e = ARENA_NEW(b->arena, struct edge, n_in + 1);
  struct err why = {0};
  e[0] = b->last;
  if (!(op_info(n->op)->executors & EXECUTOR_CIRCUIT))
    problem(b, n, "this kind has no circuit yet; it runs on the host only");
  else if (delays_tensor(b, n))
    problem(b, n, "a tensor that it reads is delayed");
  else if (!take(b, n, line, *index, e))
    problem(b, n, "it doesn't read what layers before it give");
  else if (type_stream_width(&node_out(b->graph, n, 0)->type) > STREAM_BITS_MAX)
    problem(b, n, "it gives an accumulator, which isn't fused with its requant");
  else if (!line && !op_is(n->op, TRAIT_ALIAS) && !add_layer(b, node, e, n_in, (*index)++, &why))
    problem(b, n, why.text);
  if (n->n_out && !hand_out(b, "output", n->out[0], e[0], &why)) problem(b, n, why.text);
}

// ---- the ends

// The circuit ends before what the host computes: nothing of it reads that.
static bool check_host(struct builder *b, uint32_t node, struct err *e) {
  const struct node *n = &b->graph->nodes[node];
  for (uint32_t i = 0; needed_built(b, node) && i < needed_streams(n); i++) {
    int32_t from = node_in(b->graph, n, i)->node;
    if (from == NONE || b->graph->nodes[from].where == WHERE_CIRCUIT) continue;
    const struct node *host = &b->graph->nodes[from];
    bool can = op_info(host->op)->executors & EXECUTOR_CIRCUIT;
    return err_set(e,
                   "no circuit for layer \"%s\" (%s): it reads what the host computes, layer "
                   "\"%s\" (%s); %s",
                   n->name, op_info(n->op)->name, host->name, op_info(host->op)->name,
                   can ? arena_printf(b->arena,
                                      "a --formats file with {\"kinds\":{\"%s\":{\"where\":"
                                      "\"circuit\"}}} puts that into the circuit, too",
                                      op_info(host->op)->name)
                       : "there is none of that kind: end the network before it");
  }
  return true;
}

// "s_axis", or "s2_axis" if there are several.
static const char *port(struct builder *b, char side, uint32_t i, uint32_t count) {
  return count == 1 ? arena_printf(b->arena, "%c_axis", side)
                    : arena_printf(b->arena, "%c%u_axis", side, i);
}

static const char *numbered(struct builder *b, const char *name, uint32_t i, uint32_t count) {
  return count == 1 ? name : arena_printf(b->arena, "%s%u", name, i);
}

static bool add_input(struct builder *b, uint32_t i, struct err *e) {
  const struct graph *g = b->graph;
  struct circuit *p = b->circuit;
  uint32_t value = g->inputs[i].value;
  if (!b->readers[value].count)
    return err_set(e, "no layer of the circuit reads input \"%s\"", g->values[value].name);
  struct edge edge = {.stream = edge_stream(b, value, value_elements(&g->values[value]), 1,
                                            b->folding->parallelism, port(b, 's', i, g->n_inputs))};
  p->inputs[p->n_inputs++] = *edge.stream;
  edge_through(b, &edge, CELL_FRAME, numbered(b, "frame", i, g->n_inputs), edge.stream->lanes,
               (struct timing){.kind = TIMING_FRAME, .latency = 1});
  edge.combinational = 1;
  return hand_out(b, "input", value, edge, e);
}

static bool start(struct builder *b, struct err *e) {
  const struct graph *g = b->graph;
  struct circuit *p = b->circuit;
  needed_find(b);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (!check_host(b, i, e)) return false;
  // At most a queue, a resize, a group, a cast, a window, a slide and a queue for each use of a
  // value, a register in front of each and of the layer, and a register to hold; of an earlier
  // frame's a constant, the state, and a resize with a register; the layer, a register and a fork
  // for each node and input, a frame, a trim.
  size_t uses = g->n_outputs;
  for (uint32_t i = 0; i < g->n_nodes; i++) uses += g->nodes[i].n_in;
  size_t most = 18 * uses + 3 * ((size_t)g->n_nodes + g->n_inputs) + 2 * g->n_inputs;
  b->cell_room = (uint32_t)most;
  b->stream_room = (uint32_t)(most + uses + g->n_inputs);
  b->loop_room = (uint32_t)uses;
  b->loops = ARENA_NEW(b->arena, struct loop, uses);
  p->cells = ARENA_NEW(b->arena, struct cell, b->cell_room);
  p->streams = ARENA_NEW(b->arena, struct stream *, b->stream_room);
  p->taps = ARENA_NEW(b->arena, struct stream, g->n_nodes);
  p->inputs = ARENA_NEW(b->arena, struct stream, g->n_inputs);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (!add_input(b, i, e)) return false;
  return true;
}

static bool finish(struct builder *b, struct err *e) {
  struct circuit *p = b->circuit;
  for (uint32_t i = 0; i < p->n_outputs; i++) {
    struct readers *r = &b->readers[p->outputs[i].value];
    if (!r->edges)
      return err_set(e, "output \"%s\" comes from no layer of the circuit",
                     b->graph->values[p->outputs[i].value].name);
    struct edge edge = r->edges[r->taken++];
    const struct stream *s = edge.stream;
    if (s->elements % s->lanes)
      edge_through(b, &edge, CELL_TRIM, numbered(b, "trim", i, p->n_outputs), s->lanes,
                   (struct timing){.kind = TIMING_NONE})
          ->cycles = 0;
    p->ends[i] = edge.stream;
    p->outputs[i] = *edge.stream;
    p->outputs[i].signal = port(b, 'm', i, p->n_outputs);
  }
  return true;
}

// What the circuit remembers comes from where it is made by now.
static bool close_loops(struct builder *b, struct err *e) {
  for (uint32_t i = 0; i < b->n_loops; i++) {
    struct readers *r = &b->readers[b->loops[i].value];
    const struct cell *c = &b->circuit->cells[b->loops[i].cell];
    const char *name = b->graph->values[b->loops[i].value].name;
    if (!r->edges)
      return err_set(e, "\"%s\", which is delayed, comes from no layer of the circuit", name);
    if (c->timing.ib > MEMORY_ELEMENTS_MAX / c->out[0]->lanes)
      return err_set(e,
                     "\"%s\", which is delayed: %lld beats of %lld elements are remembered, at "
                     "most %d elements",
                     name, (long long)c->timing.ib, (long long)c->out[0]->lanes,
                     MEMORY_ELEMENTS_MAX);
    edge_close_loop(b, b->loops[i], r->edges[r->taken++]);
  }
  return true;
}

static void total(struct circuit *p) {
  for (uint32_t i = 0; i < p->n_cells; i++) {
    p->multipliers += p->cells[i].multipliers;
    p->memory_bits += p->cells[i].memory_bits;
  }
}

// ---- the whole

// A few bytes of a file can ask for streams whose vectors would fill a disk.
static bool check_size(const struct circuit *p, struct err *e) {
  int64_t elements = circuit_input_elements(p);
  for (uint32_t i = 0; i < p->n_taps; i++) elements += p->taps[i].elements;
  return elements <= FRAME_ELEMENTS_MAX ||
         err_set(e, "the streams carry %lld elements per frame, at most %d are accepted",
                 (long long)elements, FRAME_ELEMENTS_MAX);
}

static bool check(struct builder *b, struct err *e) {
  if (b->problems.size) return err_set(e, "no circuit for %s", b->problems.data);
  for (uint32_t i = 0; i < b->folding->n_layers; i++)
    if (!b->folding->layers[i].used)
      return err_set(e, "folding: there is no layer \"%s\" in the circuit",
                     b->folding->layers[i].name);
  return (b->circuit->n_taps || err_set(e, "the model has no layer that computes")) &&
         check_size(b->circuit, e);
}

static bool build(struct builder *b, struct err *e) {
  const struct graph *g = b->graph;
  if (!start(b, e)) return false;
  uint32_t *order = ARENA_NEW(b->arena, uint32_t, g->n_nodes);
  int index = 0;
  graph_order(g, order);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (needed_built(b, order[i])) add_node(b, order[i], &index);
  if (!check(b, e) || !close_loops(b, e) || !finish(b, e) || !ahead_find(b, e)) return false;
  parts_find(b->circuit);
  queues_size(b->arena, b->circuit);
  total(b->circuit);
  return b->circuit->latency ||
         err_set(e, "the branches of the circuit would wait for each other for ever");
}

struct circuit *circuit_build(struct arena *a, const struct graph *g, const char *top,
                              const struct folding *f, struct err *e) {
  struct folding lanes = *f;
  if (!lanes.parallelism) lanes.parallelism = LANES_DEFAULT;
  struct builder b = {
      .arena = a, .graph = g, .folding = &lanes, .circuit = ARENA_NEW(a, struct circuit, 1)};
  *b.circuit = (struct circuit){.graph = g, .top = top, .pack = f->pack};
  bool ok = build(&b, e);
  text_free(&b.problems);
  return ok ? b.circuit : NULL;
}
