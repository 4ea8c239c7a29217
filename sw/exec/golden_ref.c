// SPDX-License-Identifier: Apache-2.0
// The plain executor: every node of the graph once per step, in order.
//
// A use with delay d reads what its value was d steps ago: a ring of d older arrays per delayed
// value, filled with the use's initial tensor before the first step.
#include "sw/exec/golden.h"

#include "sw/exec/golden_job.h"
#include "sw/graph/slice.h"

#include <string.h>

struct golden_ref {
  struct arena *arena;
  const struct graph *graph;
  int64_t frames, step;
  uint32_t *order;
  int64_t **now;   // (n_values) this step's arrays
  int64_t **past;  // (n_nodes * JOB_INPUTS) rings: (delay, size of the value)
  int64_t **held;  // (n_values) contents of variables, by the id of their reference
};

static int64_t size_of(const struct golden_ref *r, const struct value *v) {
  return value_elements(v) * (v->per_frame ? r->frames : 1);
}

static int64_t *content(struct golden_ref *r, const struct value *v) {
  int64_t *data = ARENA_NEW(r->arena, int64_t, size_of(r, v));
  for (int64_t i = 0; v->init && i < v->init->count; i++) data[i] = tensor_int(v->init, i);
  return data;
}

// Fills a ring with copies of the initial tensor, repeated for every frame.
static int64_t *ring(struct golden_ref *r, const struct use *u) {
  const struct value *v = &r->graph->values[u->value];
  const struct tensor *t = r->graph->values[u->initial].init;
  int64_t size = size_of(r, v), *data = ARENA_NEW(r->arena, int64_t, size * u->delay);
  for (int64_t i = 0; i < size * u->delay; i++) data[i] = tensor_int(t, i % t->count);
  return data;
}

struct golden_ref *golden_ref_new(struct arena *a, const struct graph *g, int64_t frames) {
  struct golden_ref *r = ARENA_NEW(a, struct golden_ref, 1);
  *r = (struct golden_ref){.arena = a, .graph = g, .frames = frames};
  r->order = ARENA_NEW(a, uint32_t, g->n_nodes);
  r->now = ARENA_NEW(a, int64_t *, g->n_values);
  r->held = ARENA_NEW(a, int64_t *, g->n_values);
  r->past = ARENA_NEW(a, int64_t *, (size_t)g->n_nodes * JOB_INPUTS);
  graph_order(g, r->order);
  for (uint32_t i = 0; i < g->n_values; i++)
    if (type_is_integer(&g->values[i].type)) r->now[i] = content(r, &g->values[i]);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    const struct attr *init = node_attr(n, ATTR_init);
    if (init) r->held[n->out[0]] = content(r, &g->values[init->value]);
    for (uint32_t k = 0; k < n->n_in && k < JOB_INPUTS; k++)
      if (n->in[k].delay) r->past[i * JOB_INPUTS + k] = ring(r, &n->in[k]);
  }
  return r;
}

static struct golden_array array_of(const struct value *v, int64_t *data) {
  struct golden_array x = {data, v->rank, {0}, value_elements(v), v->per_frame};
  memcpy(x.shape, v->shape, sizeof x.shape);
  return x;
}

// What input k of a node sees in this step.
static int64_t *seen(const struct golden_ref *r, uint32_t node, uint32_t k) {
  const struct use *u = &r->graph->nodes[node].in[k];
  if (!u->delay) return r->now[u->value];
  int64_t size = size_of(r, &r->graph->values[u->value]);
  return r->past[node * JOB_INPUTS + k] + r->step % u->delay * size;
}

// After the step, the oldest entry of each ring gives its place to this step's array.
static void turn_rings(struct golden_ref *r) {
  for (uint32_t i = 0; i < r->graph->n_nodes; i++)
    for (uint32_t k = 0; k < r->graph->nodes[i].n_in && k < JOB_INPUTS; k++) {
      const struct use *u = &r->graph->nodes[i].in[k];
      if (!u->delay) continue;
      int64_t size = size_of(r, &r->graph->values[u->value]);
      memcpy(seen(r, i, k), r->now[u->value], (size_t)size * sizeof(int64_t));
    }
}

// The part of an array that a slice needs, along one dimension.
static void narrow(struct arena *a, struct golden_array *x, int64_t frames, int dim,
                   const struct slice *s) {
  int64_t inner = shape_elements(x->rank - dim - 1, x->shape + dim + 1), from = x->shape[dim];
  int64_t outer = (x->per_frame ? frames : 1) * shape_elements(dim, x->shape), size = 0;
  for (int64_t i = 0; i < s->ranges; i++) size += s->range[2 * i + 1] - s->range[2 * i];
  int64_t *data = ARENA_NEW(a, int64_t, outer * size * inner), *to = data;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < s->ranges; i++) {
      int64_t begin = s->range[2 * i], count = (s->range[2 * i + 1] - begin) * inner;
      memcpy(to, x->data + (o * from + begin) * inner, (size_t)count * sizeof *to);
      to += count;
    }
  x->data = data;
  x->shape[dim] = size;
  x->elements = x->elements / from * size;
}

// The original indices of a sliced last output axis.
static int64_t *channels_of(struct arena *a, const struct slice *s, int64_t size) {
  int64_t *channel = ARENA_NEW(a, int64_t, size), k = 0;
  for (int64_t i = 0; i < s->ranges; i++)
    for (int64_t c = s->range[2 * i]; c < s->range[2 * i + 1]; c++) channel[k++] = c;
  return channel;
}

static void apply_slice(struct arena *a, struct golden_job *j) {
  struct space space;
  struct slice slice;
  struct err e = {0};
  if (!space_of(j->graph, j->node, &space, &e) || !slice_of(j->node, &space, &slice, &e) ||
      slice.ranges == 0)
    return;
  for (uint32_t i = 0; i < j->node->n_in; i++) {
    int dim = slice_needs(&space, &slice, i);
    if (dim != NONE) narrow(a, &j->in[i], j->frames, dim, &slice);
  }
  if (space.out_rank && space.out_axis[space.out_rank - 1] == slice.axis)
    j->channel = channels_of(a, &slice, slice_size(&slice, &space, slice.axis));
}

static void fire(struct golden_ref *r, uint32_t id) {
  const struct graph *g = r->graph;
  const struct node *n = &g->nodes[id];
  struct golden_job j = {.graph = g, .node = n, .frames = r->frames};
  struct arena scratch = {0};
  for (uint32_t i = 0; i < n->n_in && i < JOB_INPUTS; i++)
    j.in[i] = array_of(node_in(g, n, i), seen(r, id, i));
  for (uint32_t i = 0; i < n->n_out && i < JOB_OUTPUTS; i++)
    j.out[i] = array_of(node_out(g, n, i), r->now[n->out[i]]);
  if (node_attr(n, ATTR_slice)) apply_slice(&scratch, &j);
  switch ((enum op_column)op_info(n->op)->column) {
  case COLUMN_LINEAR: golden_ref_linear(&j); break;
  case COLUMN_SHAPE: golden_ref_shape(&j); break;
  case COLUMN_POINTWISE: golden_ref_pointwise(&j); break;
  case COLUMN_CLASSIFY: golden_ref_classify(&j); break;
  case COLUMN_JOIN: golden_ref_join(&j); break;
  case COLUMN_REDUCE: golden_ref_reduce(&j); break;
  case COLUMN_MATMUL: golden_ref_matmul(&j); break;
  case COLUMN_STATE:
    if (n->op == OP_variable) break;
    j.held = r->held[n->ref[0]];
    if (n->op == OP_assign)
      golden_ref_assign(&j);
    else
      memcpy(j.out[0].data, j.held, (size_t)j.out[0].elements * sizeof *j.held);
    break;
  case COLUMN_OPAQUE: break;
  }
  arena_free(&scratch);
}

void golden_ref_step(struct golden_ref *r, const int64_t *const *inputs) {
  const struct graph *g = r->graph;
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    uint32_t id = g->inputs[i].value;
    memcpy(r->now[id], inputs[i], (size_t)size_of(r, &g->values[id]) * sizeof(int64_t));
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) fire(r, r->order[i]);
  turn_rings(r);
  r->step++;
}

const int64_t *golden_ref_value(const struct golden_ref *r, uint32_t value) {
  return r->held[value] ? r->held[value] : r->now[value];
}
