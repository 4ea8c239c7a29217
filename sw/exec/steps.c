// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/steps.h"

#include "sw/graph/slice.h"

#include <string.h>

struct steps {
  struct arena *arena;
  const struct graph *graph;
  const struct element_kind *kind;
  int64_t frames, step;
  uint32_t *order;
  void **now;  // (n_values) this step's arrays
  void **past; // (n_nodes * JOB_INPUTS) rings: (delay, size of the value)
  void **held; // (n_values) contents of variables, by the id of their reference
};

static int64_t size_of(const struct steps *s, const struct value *v) {
  return value_elements(v) * (v->per_frame ? s->frames : 1);
}

static void *content(struct steps *s, const struct value *v) {
  void *data = arena_alloc(s->arena, (size_t)size_of(s, v), s->kind->size);
  for (int64_t i = 0; v->init && i < v->init->count; i++) s->kind->load(data, i, v->init, i);
  return data;
}

// Copies of the initial tensor, repeated for every frame.
static void *ring(struct steps *s, const struct use *u) {
  const struct tensor *t = s->graph->values[u->initial].init;
  int64_t size = size_of(s, &s->graph->values[u->value]) * u->delay;
  void *data = arena_alloc(s->arena, (size_t)size, s->kind->size);
  for (int64_t i = 0; i < size; i++) s->kind->load(data, i, t, i % t->count);
  return data;
}

struct steps *steps_new(struct arena *a, const struct graph *g, int64_t frames,
                        const struct element_kind *kind) {
  struct steps *s = ARENA_NEW(a, struct steps, 1);
  *s = (struct steps){.arena = a, .graph = g, .kind = kind, .frames = frames};
  s->order = ARENA_NEW(a, uint32_t, g->n_nodes);
  s->now = ARENA_NEW(a, void *, g->n_values);
  s->held = ARENA_NEW(a, void *, g->n_values);
  s->past = ARENA_NEW(a, void *, (size_t)g->n_nodes *JOB_INPUTS);
  graph_order(g, s->order);
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].type.cls != TYPE_REF) s->now[i] = content(s, &g->values[i]);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    const struct attr *init = node_attr(n, ATTR_init);
    if (init) s->held[n->out[0]] = content(s, &g->values[init->value]);
    for (uint32_t k = 0; k < n->n_in && k < JOB_INPUTS; k++)
      if (n->in[k].delay) s->past[i * JOB_INPUTS + k] = ring(s, &n->in[k]);
  }
  return s;
}

// What input k of a node sees in this step.
static void *seen(const struct steps *s, uint32_t node, uint32_t k) {
  const struct use *u = &s->graph->nodes[node].in[k];
  if (!u->delay) return s->now[u->value];
  size_t size = (size_t)size_of(s, &s->graph->values[u->value]) * s->kind->size;
  return (unsigned char *)s->past[node * JOB_INPUTS + k] + (size_t)(s->step % u->delay) * size;
}

// After the step, the oldest entry of each ring gives its place to this step's array.
static void turn_rings(struct steps *s) {
  for (uint32_t i = 0; i < s->graph->n_nodes; i++)
    for (uint32_t k = 0; k < s->graph->nodes[i].n_in && k < JOB_INPUTS; k++) {
      const struct use *u = &s->graph->nodes[i].in[k];
      if (!u->delay) continue;
      size_t size = (size_t)size_of(s, &s->graph->values[u->value]);
      memcpy(seen(s, i, k), s->now[u->value], size * s->kind->size);
    }
}

// The part of an array that a slice needs, along one dimension.
static void narrow(struct arena *a, struct array *x, int64_t frames, int dim,
                   const struct slice *slice, size_t element) {
  int64_t inner = shape_elements(x->rank - dim - 1, x->shape + dim + 1), from = x->shape[dim];
  int64_t outer = (x->per_frame ? frames : 1) * shape_elements(dim, x->shape), size = 0;
  for (int64_t i = 0; i < slice->ranges; i++) size += slice->range[2 * i + 1] - slice->range[2 * i];
  unsigned char *data = arena_alloc(a, (size_t)(outer * size * inner), element), *to = data;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < slice->ranges; i++) {
      int64_t begin = slice->range[2 * i], end = slice->range[2 * i + 1];
      size_t bytes = (size_t)((end - begin) * inner) * element;
      memcpy(to, (unsigned char *)x->data + (size_t)((o * from + begin) * inner) * element, bytes);
      to += bytes;
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

// Kernels know nothing of slices: they get the part of each input that the slice needs.
static void apply_slice(struct arena *a, struct job *j, size_t element) {
  struct space space;
  struct slice slice;
  struct err e = {0};
  if (!space_of(j->graph, j->node, &space, &e) || !slice_of(j->node, &space, &slice, &e)) return;
  for (uint32_t i = 0; i < j->node->n_in; i++) {
    int dim = slice_needs(&space, &slice, i);
    if (dim != NONE) narrow(a, &j->in[i], j->frames, dim, &slice, element);
  }
  if (space.out_rank && space.out_axis[space.out_rank - 1] == slice.axis)
    j->channel = channels_of(a, &slice, slice_size(&slice, &space, slice.axis));
}

static void fire(struct steps *s, uint32_t id) {
  const struct graph *g = s->graph;
  const struct node *n = &g->nodes[id];
  struct job j = {.graph = g, .node = n, .frames = s->frames};
  struct arena scratch = {0};
  for (uint32_t i = 0; i < n->n_in && i < JOB_INPUTS; i++)
    j.in[i] = array_of(node_in(g, n, i), seen(s, id, i));
  for (uint32_t i = 0; i < n->n_out && i < JOB_OUTPUTS; i++)
    j.out[i] = array_of(node_out(g, n, i), s->now[n->out[i]]);
  if (n->n_ref) j.held = s->held[n->ref[0]];
  if (node_attr(n, ATTR_slice)) apply_slice(&scratch, &j, s->kind->size);
  size_t size = (size_t)(j.out[0].elements * job_frames(&j, &j.out[0])) * s->kind->size;
  if (op_info(n->op)->column == COLUMN_SHAPE)
    memcpy(j.out[0].data, j.in[0].data, size);
  else if (n->op == OP_read)
    memcpy(j.out[0].data, j.held, size);
  else
    s->kind->fire(&j);
  arena_free(&scratch);
}

void steps_run(struct steps *s, const void *const *inputs) {
  const struct graph *g = s->graph;
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    uint32_t id = g->inputs[i].value;
    memcpy(s->now[id], inputs[i], (size_t)size_of(s, &g->values[id]) * s->kind->size);
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) fire(s, s->order[i]);
  turn_rings(s);
  s->step++;
}

const void *steps_value(const struct steps *s, uint32_t value) {
  return s->held[value] ? s->held[value] : s->now[value];
}

// ---- what both element types share

struct array array_of(const struct value *v, void *data) {
  struct array x = {data, v->rank, {0}, value_elements(v), v->per_frame};
  memcpy(x.shape, v->shape, sizeof x.shape);
  return x;
}

int64_t job_broadcast(const struct array *x, const struct array *y, int64_t at) {
  int64_t index = 0, stride = 1;
  for (int d = y->rank - 1; d >= 0; d--) {
    int k = d - (y->rank - x->rank);
    if (k >= 0 && x->shape[k] > 1) index += at % y->shape[d] * stride;
    if (k >= 0) stride *= x->shape[k];
    at /= y->shape[d];
  }
  return index;
}

static bool summed(const struct node *n, int axis) {
  const struct attr *axes = node_attr(n, ATTR_axes);
  for (int64_t i = 0; axes && i < axes->count; i++)
    if (axes->ints[i] == axis) return true;
  return false;
}

int64_t job_result(const struct job *j, int64_t at) {
  int64_t index = 0, stride = 1;
  for (int d = j->in[0].rank - 1; d >= 0; d--) {
    int64_t k = at % j->in[0].shape[d];
    at /= j->in[0].shape[d];
    if (summed(j->node, d)) continue;
    index += k * stride;
    stride *= j->in[0].shape[d];
  }
  return index;
}
