// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/rows_parts.h"

#include "sw/plan/place.h"

#include <string.h>

enum { BLOCKS_MAX = 1 << 14 }; // of a network of more nothing is cut

static bool in_arena(const struct value *v) {
  return !type_is_ref(&v->type) && !v->init;
}

// ---- which values are cut

static bool *find_delayed(struct arena *a, const struct graph *g) {
  bool *delayed = ARENA_NEW(a, bool, g->n_values);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++)
      if (g->nodes[i].in[k].delay) delayed[g->nodes[i].in[k].value] = true;
  return delayed;
}

// The axis that is the first dimension of its output, if its rows can be computed one by one.
static int row_axis(const struct graph *g, const struct node *n, const struct space *s) {
  bool serves = n->n_out == 1 && !n->n_ref && n->n_in <= INPUTS_MAX && op_has_space(n->op) &&
                !op_is(n->op, TRAIT_ALIAS) && !node_attr(n, ATTR_slice);
  for (uint32_t k = 0; k < n->n_in; k++) serves = serves && !n->in[k].delay;
  if (!serves || !s->out_rank) return NONE;
  const struct value *y = node_out(g, n, 0);
  int axis = s->out_axis[0];
  bool rows = in_arena(y) && y->rank > 1 && y->shape[0] > 1 && y->shape[0] < UINT32_MAX;
  return rows && axis != NONE && s->size[axis] == y->shape[0] ? axis : NONE;
}

static void cut_values(struct rows_net *n, const struct space *spaces) {
  const struct graph *g = n->graph;
  struct arena scratch = {0};
  const bool *delayed = find_delayed(&scratch, g);
  for (uint32_t v = 0; v < g->n_values; v++) n->rows[v] = in_arena(&g->values[v]);
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    const struct value *x = &g->values[g->inputs[i].value];
    if (x->rank > 1 && x->shape[0] > 0 && x->shape[0] < UINT32_MAX && !delayed[g->inputs[i].value])
      n->rows[g->inputs[i].value] = (uint32_t)x->shape[0];
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *x = &g->nodes[i];
    int axis = row_axis(g, x, &spaces[i]);
    if (axis != NONE && delayed[x->out[0]]) axis = NONE;
    n->nodes[i] = (struct rows_node){.axis = axis, .rows = 1};
    if (axis == NONE) continue;
    n->nodes[i].rows = (uint32_t)node_out(g, x, 0)->shape[0];
    n->rows[x->out[0]] = n->nodes[i].rows;
  }
  arena_free(&scratch);
}

static void cut_nothing(struct rows_net *n) {
  for (uint32_t i = 0; i < n->graph->n_nodes; i++)
    n->nodes[i] = (struct rows_node){.axis = NONE, .rows = 1};
  for (uint32_t v = 0; v < n->graph->n_values; v++) n->rows[v] = n->rows[v] > 0;
}

static void number_blocks(struct rows_net *n) {
  uint64_t blocks = 0;
  for (uint32_t v = 0; v < n->graph->n_values; v++) blocks += n->rows[v];
  if (blocks > BLOCKS_MAX) cut_nothing(n);
  for (uint32_t v = 0; v < n->graph->n_values; v++) {
    n->first[v] = n->blocks;
    n->blocks += n->rows[v];
  }
}

// ---- which rows need which

static void find_row(const struct space *s, int axis, uint32_t y, uint32_t k, uint32_t rows,
                     struct rows_reads *to) {
  struct arena scratch = {0};
  const int64_t range[] = {y, (int64_t)y + 1};
  const struct slice slice = {axis, 1, range};
  struct needs needs = slice_needs(&scratch, s, &slice, k, 0);
  if (needs.whole) {
    to->last[y] = rows;
  } else if (needs.ranges) {
    to->first[y] = (uint32_t)needs.range[0];
    to->last[y] = (uint32_t)needs.range[2 * needs.ranges - 1];
  }
  arena_free(&scratch);
}

static void find_reads(struct rows_net *n, uint32_t node, const struct space *s) {
  const struct node *x = &n->graph->nodes[node];
  struct rows_node *own = &n->nodes[node];
  own->reads = ARENA_NEW(n->arena, struct rows_reads, x->n_in);
  for (uint32_t k = 0; k < x->n_in; k++) {
    uint32_t rows = x->in[k].delay ? 0 : n->rows[x->in[k].value];
    struct rows_reads *reads = &own->reads[k];
    if (!rows) continue;
    *reads = (struct rows_reads){ARENA_NEW(n->arena, uint32_t, own->rows),
                                 ARENA_NEW(n->arena, uint32_t, own->rows)};
    for (uint32_t y = 0; y < own->rows; y++)
      if (own->axis == NONE || rows == 1)
        reads->last[y] = rows;
      else
        find_row(s, own->axis, y, k, rows, reads);
  }
}

static void count_readers(struct rows_net *n) {
  const struct graph *g = n->graph;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      const struct rows_reads *reads = &n->nodes[i].reads[k];
      uint32_t first = n->first[g->nodes[i].in[k].value];
      for (uint32_t y = 0; reads->first && y < n->nodes[i].rows; y++)
        for (uint32_t b = reads->first[y]; b < reads->last[y]; b++) n->readers[first + b]++;
    }
}

// What is looked at after the frame, or read in a later one.
static void count_stays(struct rows_net *n) {
  const struct graph *g = n->graph;
  struct arena scratch = {0};
  bool *stays = find_delayed(&scratch, g);
  for (uint32_t v = 0; v < g->n_values; v++) stays[v] |= !n->needs->keep || n->needs->keep[v];
  for (uint32_t i = 0; i < g->n_outputs; i++) stays[g->outputs[i]] = true;
  for (uint32_t b = 0; b < n->blocks; b++) n->readers[b] += stays[n->value[b]];
  arena_free(&scratch);
}

struct rows_net *rows_net_new(struct arena *a, const struct graph *g,
                              const struct memory_needs *needs, bool inputs_come) {
  struct rows_net *n = ARENA_NEW(a, struct rows_net, 1);
  *n = (struct rows_net){.arena = a,
                         .graph = g,
                         .needs = needs,
                         .inputs_come = inputs_come,
                         .order = ARENA_NEW(a, uint32_t, g->n_nodes),
                         .nodes = ARENA_NEW(a, struct rows_node, g->n_nodes),
                         .rows = ARENA_NEW(a, uint32_t, g->n_values),
                         .first = ARENA_NEW(a, uint32_t, g->n_values)};
  struct arena scratch = {0};
  struct space *spaces = ARENA_NEW(&scratch, struct space, g->n_nodes);
  struct err none = {0};
  if (needs->order)
    memcpy(n->order, needs->order, g->n_nodes * sizeof *n->order);
  else
    graph_order(g, n->order);
  for (uint32_t i = 0; i < g->n_nodes; i++) space_of(g, &g->nodes[i], &spaces[i], &none);
  cut_values(n, spaces);
  number_blocks(n);
  n->value = ARENA_NEW(a, uint32_t, n->blocks);
  n->readers = ARENA_NEW(a, uint32_t, n->blocks);
  for (uint32_t v = 0; v < g->n_values; v++)
    for (uint32_t y = 0; y < n->rows[v]; y++) n->value[n->first[v] + y] = v;
  for (uint32_t i = 0; i < g->n_nodes; i++) find_reads(n, i, &spaces[i]);
  count_readers(n);
  count_stays(n);
  arena_free(&scratch);
  return n;
}

int64_t rows_bytes(const struct rows_net *n, uint32_t block) {
  return n->needs->bytes[n->value[block]] / n->rows[n->value[block]];
}

int64_t rows_room(const struct rows_net *n, uint32_t block) {
  return place_aligned(rows_bytes(n, block), n->needs->align);
}
