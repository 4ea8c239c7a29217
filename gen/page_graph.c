// SPDX-License-Identifier: Apache-2.0
// The cells and streams as a drawing. It is cut into bands between layers, each a picture of its
// own without a seam on the screen, so that paper breaks no node in two.
#include "gen/draw.h"
#include "gen/page_layout.h"
#include "gen/page_parts.h"

#include <string.h>

enum { BAND_LAYERS = 3 };

struct drawing {
  const struct page *page;
  const struct circuit *circuit;
  struct layout layout;
  const struct stream **stream; // (edges)
  uint32_t inputs;              // nodes: inputs, cells, outputs
};

// ---- what the nodes and edges are

static uint32_t node_from(const struct drawing *d, const struct stream *s) {
  if (s->from != NONE) return d->inputs + (uint32_t)s->from;
  for (uint32_t i = 0; i < d->inputs; i++)
    if (d->circuit->inputs[i].id == s->id) return i;
  return 0;
}

static void add_edge(struct drawing *d, const struct stream *s, uint32_t to) {
  d->layout.edges[d->layout.n_edges] = (struct layout_edge){.from = node_from(d, s), .to = to};
  d->stream[d->layout.n_edges++] = s;
}

// The output that a stream is, NONE if it goes on to a cell.
static int32_t output_of(const struct circuit *p, const struct stream *s) {
  for (uint32_t i = 0; i < p->n_outputs; i++)
    if (p->outputs[i].id == s->id) return (int32_t)i;
  return NONE;
}

static struct drawing drawing_of(const struct page *page) {
  const struct circuit *p = page->circuit;
  struct drawing d = {.page = page, .circuit = p, .inputs = p->n_inputs};
  uint32_t nodes = p->n_inputs + p->n_cells + p->n_outputs;
  d.layout.edges = ARENA_NEW(page->arena, struct layout_edge, p->n_streams + p->n_outputs);
  d.stream = ARENA_NEW(page->arena, const struct stream *, p->n_streams + p->n_outputs);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    for (uint32_t k = 0; k < c->n_in; k++) add_edge(&d, c->in[k], p->n_inputs + i);
    for (uint32_t k = 0; k < c->n_out; k++) {
      int32_t output = output_of(p, c->out[k]);
      if (output != NONE) add_edge(&d, c->out[k], p->n_inputs + p->n_cells + (uint32_t)output);
    }
  }
  d.layout = layout_make(page->arena, nodes, p->n_inputs, d.layout.edges, d.layout.n_edges);
  return d;
}

static int32_t cell_of(const struct drawing *d, uint32_t node) {
  bool cell = node >= d->inputs && node < d->inputs + d->circuit->n_cells;
  return cell ? (int32_t)(node - d->inputs) : NONE;
}

// ---- words

static const char *detail_of(const struct drawing *d, uint32_t cell) {
  const struct cell *c = &d->circuit->cells[cell];
  struct arena *a = d->page->arena;
  const char *kind = page_kind(d->page, cell);
  if (c->kind == CELL_LAYER) return arena_printf(a, "%s \u00b7 %s", kind, c->name);
  if (c->kind != CELL_QUEUE && c->kind != CELL_STATE && c->kind != CELL_WINDOW) return kind;
  return arena_printf(a, "%s of %lld %s%s", kind, (long long)c->timing.queue,
                      c->kind == CELL_WINDOW ? "pixel" : "beat", c->timing.queue == 1 ? "" : "s");
}

// The colour of a node.
static const char *class_of(const struct cell *c) {
  bool holds = c->kind == CELL_QUEUE || c->kind == CELL_WINDOW || c->kind == CELL_STATE ||
               c->kind == CELL_CONSTANT;
  return c->kind == CELL_LAYER ? c->multipliers ? "mul" : "layer" : holds ? "mem" : "move";
}

// ---- drawing

// With the share of the interval in which it works, along its lower side.
static void put_cell(struct text *t, const struct drawing *d, uint32_t cell,
                     const struct layout_node *n) {
  const struct cell *c = &d->circuit->cells[cell];
  const char *name = page_name(d->page, cell), *detail = detail_of(d, cell);
  draw_box(t, class_of(c), n, name, detail);
  int room = LAYOUT_WIDTH - 12, busy = (int)(room * c->cycles / c->ii);
  if (busy > room) busy = room;
  text_printf(t, "<path class=\"idle\" d=\"M%d %dh%d\"/>", n->x - room / 2, n->y + 45, room);
  if (busy)
    text_printf(t, "<path class=\"busy\" d=\"M%d %dh%d\"/>", n->x - room / 2, n->y + 45, busy);
  draw_words(t, d->page->arena, n, name, detail);
}

static void put_port(struct text *t, const struct drawing *d, uint32_t node) {
  bool in = node < d->inputs;
  const struct circuit *p = d->circuit;
  const struct layout_node *n = &d->layout.nodes[node];
  const struct stream *s = in ? &p->inputs[node] : &p->outputs[node - d->inputs - p->n_cells];
  const char *name = p->graph->values[s->value].name;
  const char *detail =
      arena_printf(d->page->arena, "%s \u00b7 %s", in ? "input" : "output", s->signal);
  draw_box(t, "port", n, name, detail);
  draw_words(t, d->page->arena, n, name, detail);
}

static void put_node(struct text *t, const struct drawing *d, uint32_t node) {
  int32_t cell = cell_of(d, node);
  if (cell == NONE)
    put_port(t, d, node);
  else
    put_cell(t, d, (uint32_t)cell, &d->layout.nodes[node]);
}

// Shape and lanes, type, and the queue of the cell that it comes from.
static void put_label(struct text *t, const struct drawing *d, uint32_t edge, int layer) {
  const struct stream *s = d->stream[edge];
  const struct layout_edge *e = &d->layout.edges[edge];
  const struct value *v = &d->circuit->graph->values[s->value];
  const struct cell *from = s->from == NONE ? NULL : &d->circuit->cells[s->from];
  struct text lines[2] = {{0}, {0}};
  page_shape(&lines[0], v->rank, v->shape);
  text_printf(&lines[0], " \u00b7 %lld lane%s", (long long)s->lanes, s->lanes == 1 ? "" : "s");
  text_puts(&lines[1], type_text(d->page->arena, &s->type));
  if (from && from->timing.kind == TIMING_LINEAR)
    text_printf(&lines[1], " \u00b7 queue %lld", (long long)from->timing.queue);
  draw_label(t, d->page->arena, &d->layout, e, layer, lines);
  for (int i = 0; i < 2; i++) text_free(&lines[i]);
}

// ---- bands

// A line is in each of the bands that it passes, its arrow and its label in one.
static void put_edges(struct text *t, const struct drawing *d, int first, int last) {
  const struct layout *l = &d->layout;
  for (uint32_t k = 0; k < l->n_edges; k++) {
    const struct layout_edge *e = &l->edges[k];
    int from = l->nodes[e->up ? e->to : e->from].layer, to = from + e->n_points - 1;
    if (to < first || from > last) continue;
    int end = e->up ? from : to, label = draw_labelled_above(l, e) ? from : to;
    draw_line(t, e, from);
    if (end >= first && end <= last) draw_arrow(t, e, from);
    if (label >= first && label <= last) put_label(t, d, k, from);
  }
}

static void put_band(struct text *t, const struct drawing *d, int first, int last) {
  const struct layout *l = &d->layout;
  int top = first ? layout_top(first) - LAYOUT_GAP / 2 : 0;
  int bottom = last + 1 < l->layers ? layout_top(last + 1) - LAYOUT_GAP / 2 : l->height;
  text_puts(t, first ? "<svg aria-hidden=\"true\""
                     : "<svg role=\"img\" aria-label=\"Cells and streams from the inputs to the "
                       "outputs; the tables below list them\"");
  text_printf(t, " viewBox=\"0 %d %d %d\" width=\"%d\" height=\"%d\">\n", top, l->width,
              bottom - top, l->width, bottom - top);
  put_edges(t, d, first, last);
  for (uint32_t i = 0; i < l->n_nodes; i++)
    if (l->nodes[i].layer >= first && l->nodes[i].layer <= last) put_node(t, d, i);
  text_puts(t, "</svg>\n");
}

void page_put_circuit(struct text *t, const struct page *p) {
  struct drawing d = drawing_of(p);
  page_section(t, "graph", "Circuit",
               "Cells, and the streams between them with shape, type and lanes. The line at the "
               "foot of a cell is the share of the interval in which it works.");
  text_puts(t,
            "<p class=\"legend\"><span class=\"mul\">multiplies</span><span class=\"layer\">other "
            "layer</span><span class=\"mem\">holds</span><span class=\"move\">moves</span></p>\n"
            "<div class=\"box drawing\" role=\"region\" aria-label=\"Circuit\" tabindex=\"0\">\n");
  for (int first = 0; first < d.layout.layers; first += BAND_LAYERS) {
    int last = first + BAND_LAYERS - 1;
    put_band(t, &d, first, last < d.layout.layers ? last : d.layout.layers - 1);
  }
  text_puts(t, "</div>\n");
  page_section_end(t);
}
