// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/builder.h"
#include "sw/circuit/timing.h"

#include <assert.h>

enum { QUEUE_FIRST = 4, ROM_TWO_CYCLES = 8192, CAST_STAGES = 1 };

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t up(int64_t n, int64_t by) {
  return (n + by - 1) / by;
}

struct stream *edge_stream(struct builder *b, uint32_t value, int64_t elements, int64_t groups,
                           int64_t lanes, const char *signal) {
  const struct value *v = &b->graph->values[value];
  struct circuit *p = b->circuit;
  struct stream *s = ARENA_NEW(b->arena, struct stream, 1);
  assert(p->n_streams < b->stream_room);
  *s = (struct stream){.signal = signal,
                       .value = value,
                       .elements = elements,
                       .groups = groups,
                       .lanes = groups == 1 ? least(lanes, elements) : lanes,
                       .width = type_stream_width(&v->type),
                       .type = v->type,
                       .id = p->n_streams,
                       .from = NONE,
                       .to = NONE};
  s->beats = groups * up(elements / groups, s->lanes);
  p->streams[p->n_streams++] = s;
  return s;
}

struct cell *edge_cell(struct builder *b, const struct cell *like) {
  struct circuit *p = b->circuit;
  assert(p->n_cells < b->cell_room);
  struct cell *c = &p->cells[p->n_cells];
  *c = *like;
  c->in = arena_copy(b->arena, like->in, like->n_in * sizeof *like->in);
  c->out = arena_copy(b->arena, like->out, like->n_out * sizeof *like->out);
  for (uint32_t i = 0; i < c->n_in; i++) c->in[i]->to = (int32_t)p->n_cells;
  for (uint32_t i = 0; i < c->n_out; i++) c->out[i]->from = (int32_t)p->n_cells;
  p->n_cells++;
  return c;
}

static struct cell *through_to(struct builder *b, struct edge *e, struct stream *out,
                               enum cell_kind kind, const char *name, struct timing timing) {
  struct cell c = {.kind = kind,
                   .name = name,
                   .n_in = 1,
                   .n_out = 1,
                   .in = &e->stream,
                   .out = &out,
                   .timing = timing};
  struct cell *made = edge_cell(b, &c);
  made->cycles = made->in[0]->beats > out->beats ? made->in[0]->beats : out->beats;
  e->stream = out;
  return made;
}

struct cell *edge_through(struct builder *b, struct edge *e, enum cell_kind kind, const char *name,
                          int64_t lanes, struct timing timing) {
  const struct stream *in = e->stream;
  struct stream *out = edge_stream(b, in->value, in->elements, in->groups, lanes, name);
  out->type = in->type; // behind a cast that isn't the value's
  out->width = in->width;
  if (lanes == in->lanes) { // of a window's taps, which may be more than the image has elements
    out->lanes = lanes;
    out->beats = in->beats;
    out->number = in->number;
  }
  return through_to(b, e, out, kind, name, timing);
}

static void add_register(struct builder *b, struct edge *e, const char *name) {
  edge_through(b, e, CELL_REGISTER, name, e->stream->lanes,
               (struct timing){.kind = TIMING_REGISTER, .latency = 1});
  e->combinational = 0;
}

// Whether an edge has been through a cell that serves the same input of a layer.
static bool served(const struct builder *b, const struct edge *e) {
  if (e->stream->from == NONE) return false;
  enum cell_kind k = b->circuit->cells[e->stream->from].kind;
  return k == CELL_RESIZE || k == CELL_GROUP || k == CELL_CAST || k == CELL_SLIDE;
}

void edge_cut_ready(struct builder *b, struct edge *e, const char *where, enum timing_kind next) {
  bool passes = timing_ops(next)->passes_ready;
  const char *at = served(b, e) ? e->stream->signal : where;
  if (passes && e->combinational) add_register(b, e, arena_printf(b->arena, "%s_register", at));
  e->combinational = passes ? e->combinational + 1 : 0;
}

void edge_hold_beat(struct builder *b, struct edge *e, const struct cell *layer) {
  if (e->stream->from == NONE) return; // behind a layer that has no circuit
  const struct cell *before = &b->circuit->cells[e->stream->from];
  bool gathers = (before->kind == CELL_RESIZE && before->out[0]->lanes > before->in[0]->lanes) ||
                 before->timing.kind == TIMING_ARGMAX;
  if (layer->timing.kind != TIMING_LINEAR || layer->timing.og == 1) return;
  if (e->burst)
    edge_even(b, e, layer->index, arena_printf(b->arena, "l%d_queue", layer->index));
  else if (gathers)
    add_register(b, e, arena_printf(b->arena, "l%d_hold", layer->index));
}

void edge_resize(struct builder *b, struct edge *e, int index, const char *name, int64_t lanes) {
  lanes = least(lanes, e->stream->elements);
  if (lanes == e->stream->lanes) return;
  if (lanes < e->stream->lanes && e->burst)
    edge_even(b, e, index, arena_printf(b->arena, "%s_queue", name));
  edge_cut_ready(b, e, name, TIMING_RESIZE);
  edge_through(b, e, CELL_RESIZE, arena_printf(b->arena, "%s_resize", name), lanes,
               (struct timing){.kind = TIMING_RESIZE, .latency = 1})
      ->index = index;
}

// Where a beat ends with every group anyway there is nothing to do.
void edge_group(struct builder *b, struct edge *e, int index, const char *name, int64_t groups) {
  const struct stream *in = e->stream;
  if (groups == 1 || in->elements / groups % in->lanes == 0) return;
  edge_cut_ready(b, e, name, TIMING_CONCAT);
  in = e->stream;
  struct circuit_concat *f = ARENA_NEW(b->arena, struct circuit_concat, 1);
  *f = (struct circuit_concat){.lanes = in->lanes,
                               .elements = arena_copy(b->arena, &in->elements, sizeof in->elements),
                               .out_elements = in->elements / groups};
  const char *own = arena_printf(b->arena, "%s_group", name);
  struct stream *out = edge_stream(b, in->value, in->elements, groups, in->lanes, own);
  struct cell *c =
      through_to(b, e, out, CELL_GROUP, own, (struct timing){.kind = TIMING_CONCAT, .latency = 1});
  c->index = index;
  c->facts = f;
}

// A stream of an image's elements in other beats.
static struct stream *image_stream(struct builder *b, const struct stream *in, const char *name,
                                   int64_t lanes, int64_t beats) {
  struct stream *out = edge_stream(b, in->value, in->elements, 1, in->lanes, name);
  out->type = in->type;
  out->width = in->width;
  out->lanes = lanes;
  out->beats = beats;
  return out;
}

static void slide(struct builder *b, struct edge *e, int index, const char *name,
                  const struct circuit_slide *s) {
  const char *own = arena_printf(b->arena, "%s_slide", name);
  const struct stream *in = e->stream;
  struct stream *out = image_stream(b, in, own, s->kernel * s->lanes, in->beats / s->in * s->out);
  struct timing timing = {.kind = TIMING_SLIDE, .latency = 2};
  struct cell *c = through_to(b, e, out, CELL_SLIDE, own, timing);
  c->index = index;
  c->facts = arena_copy(b->arena, s, sizeof *s);
  c->memory_bits = (s->kernel - 1) * s->dilation * s->beats * s->lanes * in->width;
  e->combinational = 1;
}

void edge_window(struct builder *b, struct edge *e, int index, const char *name,
                 const struct circuit_window *w) {
  const char *own = arena_printf(b->arena, w->kept ? "%s_line" : "%s_window", name);
  const struct stream *in = e->stream;
  struct stream *out = image_stream(b, in, own, w->taps * w->lanes, circuit_window_sent(w));
  int64_t per_pixel = circuit_window_beats(w) / window_pixels(&w->shape);
  out->number = circuit_window_number(w);
  struct timing timing = {
      .kind = TIMING_WINDOW, .latency = 2, .ib = per_pixel, .queue = w->capacity};
  struct cell *c = through_to(b, e, out, CELL_WINDOW, own, timing);
  c->index = index;
  if (w->skips) c->cycles = circuit_window_bound(w);
  struct circuit_window *f = arena_copy(b->arena, w, sizeof *w);
  f->reads = circuit_window_table(b->arena, f);
  c->facts = f;
  circuit_window_resize(c, w->capacity);
  e->combinational = 0;
  e->burst = 0;
  if (w->slide.lanes) slide(b, e, index, name, &w->slide);
}

bool circuit_is_line(const struct cell *c) {
  return c->kind == CELL_WINDOW && ((const struct circuit_window *)c->facts)->kept > 0;
}

void circuit_window_resize(struct cell *c, int64_t pixels) {
  struct circuit_window *w = c->facts;
  w->capacity = c->timing.queue = pixels;
  c->memory_bits = pixels * w->beats * w->lanes * c->in[0]->width;
}

bool edge_cast(struct builder *b, struct edge *e, int index, const char *name, const struct node *n,
               const struct requant *rq, struct err *why) {
  const struct stream *in = e->stream;
  const struct value *y = node_out(b->graph, n, 0);
  if (in->type.axis >= 0) return err_set(why, "the types of its inputs have channels");
  struct circuit_pointwise *f = ARENA_NEW(b->arena, struct circuit_pointwise, 1);
  *f = (struct circuit_pointwise){.form = FORM_EXACT,
                                  .module = "fixed_cast",
                                  .in_width = in->width,
                                  .in_type = type_coding_text(type_coding(&in->type)),
                                  .in_zero = type_zero(&in->type, 0),
                                  .requant = circuit_requant_of(n, y, rq)};
  edge_cut_ready(b, e, name, TIMING_PIPE);
  in = e->stream;
  const char *own = arena_printf(b->arena, "%s_cast", name);
  struct stream *out = edge_stream(b, in->value, in->elements, in->groups, in->lanes, own);
  out->type = y->type;
  out->width = type_stream_width(&y->type);
  struct timing timing = {.kind = TIMING_PIPE,
                          .latency = CAST_STAGES + circuit_requant_stages(&f->requant)};
  struct cell *c = through_to(b, e, out, CELL_CAST, own, timing);
  c->index = index;
  c->facts = f;
  return true;
}

// The element of a tensor that stands at element `i` of frames of `shape`: as NumPy spreads it.
static int64_t spread(const struct value *tensor, const struct value *shape, int64_t i) {
  int64_t at = 0, stride = 1;
  for (int d = 1; d <= shape->rank; d++) {
    int64_t of = i % shape->shape[shape->rank - d];
    i /= shape->shape[shape->rank - d];
    if (d > tensor->rank) continue;
    if (tensor->shape[tensor->rank - d] > 1) at += of * stride;
    stride *= tensor->shape[tensor->rank - d];
  }
  return at;
}

int64_t stream_element(const struct stream *s, int64_t beat, int64_t lane) {
  int64_t size = s->elements / s->groups, per_group = s->beats / s->groups;
  int64_t in_group = beat % per_group * s->lanes + lane;
  return in_group < size ? beat / per_group * size + in_group : NONE;
}

// Whether the first `depth` beats, over and over, are a frame.
static bool repeats(const struct stream *s, const int64_t *element, int64_t depth) {
  for (int64_t beat = depth; beat < s->beats; beat++)
    for (int64_t lane = 0; lane < s->lanes; lane++) {
      int64_t i = stream_element(s, beat, lane), first = stream_element(s, beat % depth, lane);
      if (i != NONE && (first == NONE || element[i] != element[first])) return false;
    }
  return true;
}

struct edge edge_constant(struct builder *b, uint32_t value, const struct value *shape, int index,
                          const char *name, int64_t lanes) {
  const struct value *v = &b->graph->values[value];
  int64_t elements = value_elements(shape), own = value_elements(v);
  const char *as = arena_printf(b->arena, "%s_constant", name);
  struct stream *out = edge_stream(b, value, elements, 1, lanes, as);
  int64_t *element = ARENA_NEW(b->arena, int64_t, elements), depth = out->beats;
  for (int64_t i = 0; i < elements; i++) element[i] = spread(v, shape, i);
  // a tensor that goes along the last axes comes again after as many beats
  for (int64_t d = up(own, out->lanes); d < depth && d <= own; d++)
    if (repeats(out, element, d)) depth = d;
  struct circuit_constant *f = ARENA_NEW(b->arena, struct circuit_constant, 1);
  *f = (struct circuit_constant){v->init, element, depth};
  struct cell c = {.kind = CELL_CONSTANT, .name = as, .n_out = 1, .out = &out, .index = index};
  c.timing = (struct timing){.kind = TIMING_CONSTANT, .latency = depth > ROM_TWO_CYCLES ? 3 : 2};
  c.cycles = out->beats;
  c.memory_bits = depth * out->lanes * out->width;
  c.facts = f;
  edge_cell(b, &c);
  return (struct edge){.stream = out};
}

struct edge edge_state(struct builder *b, const struct use *u, int index, uint32_t side,
                       int64_t lanes) {
  const struct value *v = &b->graph->values[u->value];
  const char *name = arena_printf(b->arena, "l%d_state%u", index, side);
  struct edge e = edge_constant(b, (uint32_t)u->initial, v, index, name, lanes);
  struct stream *out = edge_stream(b, u->value, value_elements(v), 1, lanes, name);
  struct cell c = {.kind = CELL_STATE,
                   .name = name,
                   .index = index,
                   .n_in = 1,
                   .n_out = 1,
                   .in = &e.stream,
                   .out = &out,
                   .cycles = out->beats,
                   .timing = {.kind = TIMING_STATE,
                              .ib = u->delay * out->beats,
                              .queue = u->delay * out->beats + QUEUE_FIRST}};
  edge_cell(b, &c);
  assert(b->n_loops < b->loop_room);
  b->loops[b->n_loops++] = (struct loop){b->circuit->n_cells - 1, u->value};
  return (struct edge){.stream = out};
}

void edge_close_loop(struct builder *b, struct loop loop, struct edge e) {
  struct cell *c = &b->circuit->cells[loop.cell];
  edge_resize(b, &e, c->index, c->name, c->out[0]->lanes);
  struct stream **in = ARENA_NEW(b->arena, struct stream *, 2);
  in[0] = c->in[0];
  in[1] = e.stream;
  in[1]->to = (int32_t)loop.cell;
  c->in = in;
  c->n_in = 2;
}

void edge_queue(struct builder *b, struct edge *e, int index, const char *name) {
  edge_through(b, e, CELL_QUEUE, name, e->stream->lanes,
               (struct timing){.kind = TIMING_QUEUE, .queue = QUEUE_FIRST})
      ->index = index;
  e->combinational = 0;
  e->burst = 0;
}

// Two bursts are more than what is read while none comes.
void edge_even(struct builder *b, struct edge *e, int index, const char *name) {
  int64_t places = 2 * e->burst + QUEUE_FIRST;
  edge_queue(b, e, index, name);
  b->circuit->cells[e->stream->from].timing.ib = places;
}

bool edge_hand_out(struct builder *b, uint32_t value, struct edge e) {
  struct readers *r = &b->readers[value];
  b->last = e;
  if (!r->count) return true;
  if (r->count > READERS_MOST) return false;
  r->edges = ARENA_NEW(b->arena, struct edge, r->count);
  r->edges[0] = e;
  if (r->count == 1) return true;
  const char *from = e.stream->signal, *name = arena_printf(b->arena, "%s_fork", from);
  edge_cut_ready(b, &e, name, TIMING_FORK);
  const struct stream *in = e.stream;
  struct stream **out = ARENA_NEW(b->arena, struct stream *, r->count);
  for (uint32_t i = 0; i < r->count; i++) {
    out[i] = edge_stream(b, in->value, in->elements, in->groups, in->lanes,
                         arena_printf(b->arena, "%s_reader%u", from, i));
    r->edges[i] = (struct edge){out[i], e.combinational, e.burst};
  }
  struct cell c = {.kind = CELL_FORK,
                   .name = name,
                   .n_in = 1,
                   .n_out = r->count,
                   .in = &e.stream,
                   .out = out,
                   .timing = {.kind = TIMING_FORK}};
  edge_cell(b, &c)->cycles = in->beats;
  return true;
}
