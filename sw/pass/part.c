// SPDX-License-Identifier: Apache-2.0
#include "sw/pass/part.h"

#include "sw/pass/copy.h"

#include <string.h>

// Rows begin..end of a tensor or of a mask; one that is the same for all rows stays.
static struct tensor *rows_of(struct arena *a, const struct tensor *t, int64_t rows, int64_t begin,
                              int64_t end) {
  int64_t shape[RANK_MAX];
  if (!t->rank || t->shape[0] != rows) return arena_copy(a, t, sizeof *t);
  memcpy(shape, t->shape, sizeof shape);
  shape[0] = end - begin;
  struct tensor *part = tensor_new(a, t->dtype, t->rank, shape);
  size_t row = (size_t)(t->count / rows) * dtype_size(t->dtype);
  memcpy(part->data, (const char *)t->data + (size_t)begin * row, (size_t)(end - begin) * row);
  return part;
}

static bool is_read_again(const struct graph *g, const struct node *n, uint32_t value) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++)
      if (g->nodes[i].in[k].value == value && &g->nodes[i] != n) return true;
  return false;
}

// The channels of a layer whose tensors have a row for each of them; 0: it stays whole.
static int64_t channels_of(const struct graph *g, const struct node *n) {
  if (!op_is(n->op, TRAIT_WEIGHTS) || node_attr(n, ATTR_slice) ||
      node_int(n, ATTR_groups, 1) != 1 || n->in[0].delay || n->n_after)
    return 0;
  const struct value *y = node_out(g, n, 0);
  int64_t channels = y->rank ? y->shape[y->rank - 1] : 0;
  for (uint32_t k = 1; k < n->n_in; k++) {
    const struct value *w = node_in(g, n, k);
    if (!w->init || !w->rank || w->shape[0] != channels || w->type.axis >= 0 ||
        !type_is_real(&w->type) || is_read_again(g, n, n->in[k].value))
      return 0;
  }
  return channels;
}

// Where each output channel sees one input channel alone, its input would have to be cut, too.
static bool sees_all(const struct graph *g, const struct node *n) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1);
  return w->rank > 1 && x->rank && w->shape[w->rank - 1] == x->shape[x->rank - 1];
}

static uint32_t add_part(struct graph_copy *c, const struct node *n, int64_t channels,
                         int64_t begin, int64_t end) {
  struct graph *g = c->to;
  const struct value *y = node_out(c->from, n, 0);
  const char *range = arena_printf(g->arena, "[%lld:%lld]", (long long)begin, (long long)end);
  const char *name = arena_printf(g->arena, "%s%s", n->name, range);
  uint32_t node = graph_add_node(g, n->op, name);
  graph_add_use(g, node, (struct use){copy_value(c, n->in[0].value), 0, NONE});
  for (uint32_t k = 1; k < n->n_in; k++) {
    const struct value *w = node_in(c->from, n, k);
    uint32_t v = graph_add_tensor(g, arena_printf(g->arena, "%s%s", w->name, range),
                                  rows_of(g->arena, w->init, channels, begin, end), w->type);
    if (w->mask) g->values[v].mask = rows_of(g->arena, w->mask, channels, begin, end);
    graph_add_use(g, node, (struct use){v, 0, NONE});
  }
  for (uint32_t i = 0; i < n->n_attr; i++) *graph_add_attr(g, node, n->attr[i].name) = n->attr[i];
  int64_t shape[RANK_MAX];
  memcpy(shape, y->shape, sizeof shape);
  shape[y->rank - 1] = end - begin;
  uint32_t out = graph_add_value(g, name, y->rank, shape, y->type, y->per_frame);
  graph_add_out(g, node, out);
  return out;
}

static void cut(struct graph_copy *c, const struct node *n, int64_t channels, int64_t grain,
                uint32_t *count) {
  struct arena scratch = {0};
  uint32_t *parts = ARENA_NEW(&scratch, uint32_t, channels / grain + 1), n_parts = 0;
  for (int64_t at = 0; at < channels; at += grain)
    parts[n_parts++] = add_part(c, n, channels, at, at + grain < channels ? at + grain : channels);
  uint32_t node = graph_add_node(c->to, OP_concat, n->name);
  for (uint32_t i = 0; i < n_parts; i++)
    graph_add_use(c->to, node, (struct use){parts[i], 0, NONE});
  copy_outputs(c, n, node);
  *count += n_parts;
  arena_free(&scratch);
}

struct graph *part(struct arena *a, const struct graph *g, int64_t grain, uint32_t *parts) {
  struct graph_copy c = copy_new(a, g);
  const char *named = copy_named(a, g);
  uint32_t count = 0;
  copy_inputs(&c);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    int64_t channels = named[i] ? 0 : channels_of(g, n);
    if (channels <= grain || !sees_all(g, n))
      copy_outputs(&c, n, copy_node(&c, n, n->name));
    else
      cut(&c, n, channels, grain, &count);
  }
  copy_graph_outputs(&c);
  copy_controls(&c);
  if (parts) *parts = count;
  return c.to;
}
