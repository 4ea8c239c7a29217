// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/line.h"

#include "sw/circuit/facts.h"
#include "sw/graph/slice.h"

static uint32_t readers(const struct graph *g, uint32_t value) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) count += g->nodes[i].in[k].value == value;
  for (uint32_t i = 0; i < g->n_outputs; i++) count += g->outputs[i] == value;
  return count;
}

static bool in_circuit(const struct graph *g, int32_t node, unsigned traits) {
  return node != NONE && g->nodes[node].where == WHERE_CIRCUIT && op_is(g->nodes[node].op, traits);
}

// Whether a node gives the last rows of its input, `first` and those behind it.
static bool is_tail(const struct graph *g, const struct node *n, int64_t first) {
  struct space s;
  struct err e = {0};
  if (node_attr(n, ATTR_slice) || !space_of(g, n, &s, &e)) return false;
  for (int d = 0; d < s.out_rank; d++) {
    const struct form *f = &s.in[0][d];
    if (f->per != 1 || f->terms != 1 || f->term[0].axis != s.out_axis[d]) return false;
    if (f->term[0].stride != 1 || f->offset != (d == 0 ? first : 0)) return false;
    if (f->offset + s.size[f->term[0].axis] != f->extent) return false;
  }
  return true;
}

// Rows of before, then the frame's own, as they are.
static bool is_join(const struct graph *g, const struct node *n) {
  return n->n_in == 2 && !n->n_rq && concat_axis(g, n) == 0 && n->in[0].delay == 1 &&
         !n->in[1].delay && !node_in(g, n, 0)->init && !node_in(g, n, 1)->init;
}

static bool all_zero(const struct value *initial) {
  int64_t zero = type_from_integer(&initial->type, 0, 0);
  for (int64_t i = 0; i < initial->init->count; i++)
    if (tensor_int(initial->init, i) != zero) return false;
  return true;
}

// Whether each window over the joined rows ends in the frame.
static bool fits(const struct window *w, const struct circuit_line *l) {
  int64_t last = w->kernel[l->axis] - 1;
  return !window_pads(w, l->axis, 0) && !window_pads(w, l->axis, last) &&
         last * w->dilation[l->axis] >= l->kept;
}

// The nodes and values, if they are linked like that and nobody else reads them.
static bool find(const struct graph *g, const struct node *n, struct circuit_line *l) {
  uint32_t joined = n->in[0].value;
  int32_t rows = n->in[0].delay ? NONE : g->values[joined].node;
  if (!in_circuit(g, rows, TRAIT_PARTS) || !is_join(g, &g->nodes[rows])) return false;
  uint32_t old = g->nodes[rows].in[0].value, fresh = g->nodes[rows].in[1].value;
  int32_t tail = g->values[old].node;
  if (!in_circuit(g, tail, TRAIT_REORDERS)) return false;
  const struct use *whole = g->nodes[tail].in;
  *l = (struct circuit_line){.rows = (uint32_t)rows,
                             .tail = (uint32_t)tail,
                             .fresh = fresh,
                             .kept = g->values[old].shape[0]};
  return whole->value == joined && !whole->delay && readers(g, joined) == 2 &&
         readers(g, old) == 1 && is_tail(g, &g->nodes[tail], g->values[fresh].shape[0]);
}

bool circuit_line(const struct graph *g, const struct node *n, struct circuit_line *l) {
  const struct circuit_column *column = circuit_column(n->op);
  struct err e = {0};
  struct window w;
  if (!column || !column->windows || n->where != WHERE_CIRCUIT || !find(g, n, l)) return false;
  if (!all_zero(&g->values[g->nodes[l->rows].in[0].initial])) return false;
  if (!column->windows(g, n, &w, &e)) return false;
  l->axis = WINDOW_AXES - w.axes;
  return fits(&w, l);
}

int32_t *circuit_lines(struct arena *a, const struct graph *g) {
  int32_t *lines = ARENA_NEW(a, int32_t, g->n_nodes);
  struct circuit_line l;
  for (uint32_t i = 0; i < g->n_nodes; i++) lines[i] = NONE;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].n_in && circuit_line(g, &g->nodes[i], &l))
      lines[l.rows] = lines[l.tail] = (int32_t)i;
  return lines;
}

// Time goes along rows, also of an image (L, C), which has one.
static void turn(struct window *s) {
  int64_t *const lists[] = {s->in, s->out, s->kernel, s->stride, s->dilation, s->before, s->after};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    int64_t rows = lists[i][ROWS];
    lists[i][ROWS] = lists[i][COLUMNS];
    lists[i][COLUMNS] = rows;
  }
  s->axes = WINDOW_AXES;
}

void circuit_line_keep(const struct graph *g, const struct node *n, struct circuit_window *w) {
  struct circuit_line l;
  if (!circuit_line(g, n, &l)) return;
  if (l.axis == COLUMNS) turn(&w->shape);
  w->shape.in[ROWS] -= l.kept;
  w->shape.before[ROWS] = w->kept = l.kept;
  w->pad = type_from_integer(&node_in(g, n, 0)->type, 0, 0);
}
