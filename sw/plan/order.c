// SPDX-License-Identifier: Apache-2.0
// Bytes by order: what each node adds and what dies with it, arrays being what reshapes share.
#include "sw/plan/order.h"

#include "sw/plan/order_parts.h"

#include <stdlib.h>
#include <string.h>

static bool placed(const struct value *v) {
  return !type_is_ref(&v->type) && !v->init;
}

bool order_may_over(const struct graph *g, const struct memory_needs *needs, const struct node *n,
                    uint32_t k) {
  const int64_t *bytes = needs->bytes;
  if (!plan_over(g, n, k) || !placed(node_in(g, n, k))) return false;
  if (bytes[n->in[k].value] != bytes[n->out[0]]) return false;
  if (op_is(n->op, TRAIT_ALIAS)) return true;
  if (needs->over == MEMORY_OVER_NONE) return false;
  return !op_is(n->op, TRAIT_JOINS) || needs->over != MEMORY_OVER_MAPS;
}

// ---- arrays

// The array of each value: its own, or that of what it is another name of.
static void find_arrays(struct order_net *n) {
  const struct graph *g = n->graph;
  n->array = ARENA_NEW(n->arena, uint32_t, g->n_values);
  for (uint32_t v = 0; v < g->n_values; v++) n->array[v] = v;
  for (uint32_t t = 0; t < g->n_nodes; t++) {
    const struct node *x = &g->nodes[n->given[t]];
    if (!x->n_out || !op_is(x->op, TRAIT_ALIAS)) continue;
    uint32_t k = 0;
    while (k < x->n_in && !order_may_over(g, n->needs, x, k)) k++;
    if (k < x->n_in) n->array[x->out[0]] = n->array[x->in[k].value];
  }
}

static int by_number(const void *a, const void *b) {
  const uint32_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

// The arrays that a node reads now, each once.
static void find_reads(struct order_net *n, uint32_t i) {
  const struct node *x = &n->graph->nodes[i];
  struct order_node *o = &n->nodes[i];
  o->reads = ARENA_NEW(n->arena, uint32_t, x->n_in);
  for (uint32_t k = 0; k < x->n_in; k++)
    if (placed(node_in(n->graph, x, k))) o->reads[o->n_reads++] = n->array[x->in[k].value];
  if (o->n_reads) qsort(o->reads, o->n_reads, sizeof *o->reads, by_number);
  uint32_t count = 0;
  for (uint32_t k = 0; k < o->n_reads; k++)
    if (!k || o->reads[k] != o->reads[k - 1]) o->reads[count++] = o->reads[k];
  o->n_reads = count;
  for (uint32_t k = 0; k < count; k++) n->readers[o->reads[k]]++;
}

// What it adds, where it lies over nothing, and over what it may lie.
static void find_writes(struct order_net *n, uint32_t i) {
  const struct graph *g = n->graph;
  const struct node *x = &g->nodes[i];
  struct order_node *o = &n->nodes[i];
  int64_t scratch = NONE;
  o->over = ARENA_NEW(n->arena, uint32_t, x->n_in + 1);
  for (uint32_t k = 0; k < x->n_out; k++)
    if (n->array[x->out[k]] == x->out[k] && placed(&g->values[x->out[k]]))
      o->adds += n->bytes[x->out[k]];
  if (!x->n_out || n->array[x->out[0]] != x->out[0]) return;
  for (uint32_t k = 0; k < x->n_in; k++)
    if (order_may_over(g, n->needs, x, k)) o->over[o->n_over++] = n->array[x->in[k].value];
  o->n_free = o->n_over;
  if (n->needs->over == MEMORY_OVER_CHANNELS && x->n_in && placed(node_in(g, x, 0)))
    scratch = plan_scratch(g, x, n->needs->bytes);
  if (scratch == NONE) return;
  o->scratch = n->align * ((scratch + n->align - 1) / n->align);
  o->over[o->n_over++] = n->array[x->in[0].value];
}

struct order_net order_net_new(struct arena *a, const struct graph *g,
                               const struct memory_needs *needs) {
  struct order_net n = {.arena = a, .graph = g, .needs = needs, .align = needs->align};
  n.given = ARENA_NEW(a, uint32_t, g->n_nodes);
  n.nodes = ARENA_NEW(a, struct order_node, g->n_nodes);
  n.readers = ARENA_NEW(a, uint32_t, g->n_values);
  n.forever = ARENA_NEW(a, bool, g->n_values);
  n.bytes = ARENA_NEW(a, int64_t, g->n_values);
  graph_order(g, n.given);
  find_arrays(&n);
  for (uint32_t v = 0; v < g->n_values; v++) {
    n.bytes[v] = n.align * ((needs->bytes[v] + n.align - 1) / n.align);
    if (!needs->keep || needs->keep[v]) n.forever[n.array[v]] = true;
    if (placed(&g->values[v]) && g->values[v].node == NONE) n.start += n.bytes[v];
  }
  for (uint32_t i = 0; i < g->n_outputs; i++) n.forever[n.array[g->outputs[i]]] = true;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    find_reads(&n, i);
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++)
      if (g->nodes[i].in[k].delay) n.forever[n.array[g->nodes[i].in[k].value]] = true;
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) find_writes(&n, i);
  return n;
}

// ---- an order

void order_begin(const struct order_net *n, struct order_state *s) {
  const struct graph *g = n->graph;
  memcpy(s->left, n->readers, g->n_values * sizeof *s->left);
  s->live = s->peak = n->start;
  for (uint32_t v = 0; v < g->n_values; v++) // inputs that nobody reads are there at first
    if (placed(&g->values[v]) && g->values[v].node == NONE && !n->readers[v] && !n->forever[v])
      s->live -= n->bytes[v];
}

static bool dies(const struct order_net *n, const struct order_state *s, uint32_t array) {
  return !s->left[array] && !n->forever[array];
}

int64_t order_step(const struct order_net *n, struct order_state *s, uint32_t node) {
  const struct order_node *o = &n->nodes[node];
  const struct node *x = &n->graph->nodes[node];
  for (uint32_t k = 0; k < o->n_reads; k++) s->left[o->reads[k]]--;
  uint32_t k = 0;
  while (k < o->n_over && !dies(n, s, o->over[k])) k++;
  int64_t shared = k < o->n_over ? n->bytes[o->over[k]] : 0;
  int64_t scratch = k < o->n_over && k >= o->n_free ? o->scratch : 0;
  int64_t at = s->live + o->adds - shared + scratch;
  s->live += o->adds;
  for (uint32_t i = 0; i < o->n_reads; i++)
    if (dies(n, s, o->reads[i])) s->live -= n->bytes[o->reads[i]];
  for (uint32_t i = 0; i < x->n_out; i++)
    if (n->array[x->out[i]] == x->out[i] && placed(&n->graph->values[x->out[i]]) &&
        dies(n, s, x->out[i]))
      s->live -= n->bytes[x->out[i]];
  if (at > s->peak) s->peak = at;
  return at;
}

void order_undo(const struct order_net *n, struct order_state *s, uint32_t node) {
  const struct order_node *o = &n->nodes[node];
  for (uint32_t k = 0; k < o->n_reads; k++) s->left[o->reads[k]]++;
}

int64_t order_of(const struct order_net *n, struct order_state *s, const uint32_t *order) {
  order_begin(n, s);
  for (uint32_t t = 0; t < n->graph->n_nodes; t++) order_step(n, s, order[t]);
  return s->peak;
}

int64_t order_peak(const struct graph *g, const struct memory_needs *needs, const uint32_t *order) {
  struct arena a = {0};
  struct order_net n = order_net_new(&a, g, needs);
  struct order_state s = {.left = ARENA_NEW(&a, uint32_t, g->n_values)};
  int64_t peak = order_of(&n, &s, order);
  arena_free(&a);
  return peak;
}
