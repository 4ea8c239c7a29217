// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/buffers.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

// Values that share one array whatever else lives: `root` names it.
struct life {
  uint32_t root;
  int64_t first, last; // places in the order; of the root
  size_t bytes;        // of the root
};

struct planner {
  const struct graph *graph;
  const uint32_t *order;
  struct life *lives; // (n_values)
  int64_t frames;
  size_t element;
};

static size_t bytes_of(const struct planner *p, const struct value *v) {
  size_t n = (size_t)(value_elements(v) * (v->per_frame ? p->frames : 1)) * p->element;
  return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static uint32_t root_of(const struct planner *p, uint32_t value) {
  while (p->lives[value].root != value) value = p->lives[value].root;
  return value;
}

static bool placed(const struct value *v) {
  return !type_is_ref(&v->type) && !v->init;
}

static void extend(struct planner *p, uint32_t value, int64_t at) {
  struct life *l = &p->lives[root_of(p, value)];
  if (at < l->first) l->first = at;
  if (at > l->last) l->last = at;
}

// Nobody but reshapes touches the array of an input that a delayed use reads at the end of a step.
static void find_lives(struct planner *p) {
  const struct graph *g = p->graph;
  int64_t end = g->n_nodes;
  for (uint32_t v = 0; v < g->n_values; v++)
    p->lives[v] = (struct life){v, end, -1, bytes_of(p, &g->values[v])};
  for (uint32_t i = 0; i < g->n_inputs; i++) extend(p, g->inputs[i].value, -1);
  for (uint32_t i = 0; i < g->n_inputs; i++) extend(p, g->inputs[i].value, end);
  for (uint32_t i = 0; i < g->n_outputs; i++) extend(p, g->outputs[i], end);
  for (int64_t t = 0; t < end; t++) {
    const struct node *n = &g->nodes[p->order[t]];
    for (uint32_t k = 0; k < n->n_in; k++) extend(p, n->in[k].value, n->in[k].delay ? end : t);
    for (uint32_t k = 0; k < n->n_out; k++) extend(p, n->out[k], t);
  }
}

static void unite(struct planner *p, uint32_t value, uint32_t with) {
  uint32_t root = root_of(p, with);
  struct life *l = &p->lives[root], *own = &p->lives[value];
  own->root = root;
  if (own->first < l->first) l->first = own->first;
  if (own->last > l->last) l->last = own->last;
}

// Whether output 0 of the node at place t can be its input 0: a reshape always; an activation or
// the gradient of one if the input's array dies here.
static bool over_input(const struct planner *p, const struct node *n, int64_t t) {
  const struct graph *g = p->graph;
  if (!n->n_in || !n->n_out || n->in[0].delay || !placed(node_in(g, n, 0))) return false;
  if (op_is(n->op, TRAIT_ALIAS)) return true;
  const struct node *of =
      op_is(n->op, TRAIT_BACKWARD) ? &g->nodes[node_attr(n, ATTR_of)->value] : n;
  bool maps = op_is(of->op, TRAIT_MAPS) && !node_attr(of, ATTR_slice);
  if (!maps || node_attr(n, ATTR_slice)) return false;
  const struct life *in = &p->lives[root_of(p, n->in[0].value)];
  return in->last == t && in->bytes == p->lives[n->out[0]].bytes;
}

static void find_shared(struct planner *p) {
  for (int64_t t = 0; t < p->graph->n_nodes; t++) {
    const struct node *n = &p->graph->nodes[p->order[t]];
    if (over_input(p, n, t)) unite(p, n->out[0], n->in[0].value);
  }
}

// ---- places: the largest first, each at the lowest offset where it meets nobody

struct item {
  const struct life *life;
  uint32_t value;
  size_t offset;
};

static int by_size(const void *a, const void *b) {
  const struct item *x = a, *y = b;
  if (x->life->bytes != y->life->bytes) return x->life->bytes < y->life->bytes ? 1 : -1;
  return x->value < y->value ? -1 : x->value > y->value;
}

static bool meets(const struct item *a, const struct item *b) {
  return a->life->first <= b->life->last && b->life->first <= a->life->last;
}

static bool overlap(const struct item *a, const struct item *b) {
  return a->offset < b->offset + b->life->bytes && b->offset < a->offset + a->life->bytes;
}

static void find_place(struct item *items, uint32_t i) {
  struct item *x = &items[i];
  for (uint32_t k = 0; k < i;) {
    bool blocked = meets(x, &items[k]) && overlap(x, &items[k]);
    if (!blocked) {
      k++;
      continue;
    }
    x->offset = items[k].offset + items[k].life->bytes;
    k = 0;
  }
}

struct buffers buffers_plan(struct arena *a, const struct graph *g, const uint32_t *order,
                            int64_t frames, size_t element, bool share) {
  struct arena scratch = {0};
  struct planner p = {g, order, ARENA_NEW(&scratch, struct life, g->n_values), frames, element};
  struct item *items = ARENA_NEW(&scratch, struct item, g->n_values);
  struct buffers b = {.offset = ARENA_NEW(a, size_t, g->n_values),
                      .size = ARENA_NEW(a, size_t, g->n_values)};
  uint32_t count = 0;
  find_lives(&p);
  if (share) find_shared(&p);
  for (uint32_t v = 0; v < g->n_values; v++)
    if (placed(&g->values[v]) && root_of(&p, v) == v)
      items[count++] = (struct item){&p.lives[v], v, 0};
  qsort(items, count, sizeof *items, by_size);
  for (uint32_t i = 0; i < count; i++) {
    if (share)
      find_place(items, i);
    else
      items[i].offset = b.bytes;
    b.offset[items[i].value] = items[i].offset;
    size_t end = items[i].offset + items[i].life->bytes;
    if (end > b.bytes) b.bytes = end;
  }
  for (uint32_t v = 0; v < g->n_values; v++) {
    b.size[v] = bytes_of(&p, &g->values[v]);
    if (placed(&g->values[v])) b.offset[v] = b.offset[root_of(&p, v)];
  }
  arena_free(&scratch);
  return b;
}
