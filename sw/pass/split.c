// SPDX-License-Identifier: Apache-2.0
#include "sw/pass/split.h"

#include "sw/graph/interval.h"
#include "sw/graph/slice.h"
#include "sw/pass/copy.h"

#include <string.h>

// The axis of the iteration space that the channels of output 0 are; NONE: nothing to cut.
static int channel_axis(const struct graph *g, const struct node *n, struct space *s) {
  struct err e = {0};
  if (!op_takes(n->op, ATTR_slice) || node_attr(n, ATTR_slice) || n->n_out != 1) return NONE;
  if (!space_of(g, n, s, &e) || !s->out_rank || node_out(g, n, 0)->type.axis >= 0) return NONE;
  return s->out_axis[s->out_rank - 1];
}

// Of requantisations that have an entry per channel, those of begin..end.
static void cut_requants(struct node *n, int64_t begin, int64_t end) {
  for (uint32_t i = 0; i < n->n_rq; i++) {
    struct requant *rq = &n->rq[i];
    if (rq->count == 1) continue;
    rq->count = end - begin;
    rq->mul += begin;
    rq->shift += begin;
  }
}

// Channels begin..end of a node as a node of their own: the value that it makes.
static uint32_t add_slice(struct graph_copy *c, const struct node *n, int axis, int64_t begin,
                          int64_t end) {
  struct arena *a = c->to->arena;
  const struct value *y = node_out(c->from, n, 0);
  const char *name = arena_printf(a, "%s[%lld:%lld]", n->name, (long long)begin, (long long)end);
  int64_t shape[RANK_MAX];
  memcpy(shape, y->shape, sizeof shape);
  shape[y->rank - 1] = end - begin;
  uint32_t node = copy_node(c, n, name);
  cut_requants(&c->to->nodes[node], begin, end);
  const int64_t slice[3] = {axis, begin, end};
  graph_add_ints(c->to, node, ATTR_slice, 3, slice);
  uint32_t out = graph_add_value(c->to, name, y->rank, shape, y->type, y->per_frame);
  graph_add_out(c->to, node, out);
  return out;
}

static void cut(struct graph_copy *c, const struct node *n, int axis, int64_t channels,
                int64_t grain, uint32_t *slices) {
  struct arena scratch = {0};
  int64_t count = (channels + grain - 1) / grain;
  uint32_t *parts = ARENA_NEW(&scratch, uint32_t, count);
  for (int64_t i = 0; i < count; i++) {
    int64_t end = (i + 1) * grain < channels ? (i + 1) * grain : channels;
    parts[i] = add_slice(c, n, axis, i * grain, end);
  }
  uint32_t node = graph_add_node(c->to, OP_concat, n->name);
  for (int64_t i = 0; i < count; i++) graph_add_use(c->to, node, (struct use){parts[i], 0, NONE});
  copy_outputs(c, n, node);
  *slices += (uint32_t)count;
  arena_free(&scratch);
}

struct graph *split(struct arena *a, const struct graph *g, int64_t grain, uint32_t *slices) {
  struct graph_copy c = copy_new(a, g);
  const char *named = copy_named(a, g);
  uint32_t count = 0;
  copy_inputs(&c);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    struct space s;
    int axis = channel_axis(g, n, &s);
    if (axis == NONE || s.size[axis] <= grain || named[i])
      copy_outputs(&c, n, copy_node(&c, n, n->name));
    else
      cut(&c, n, axis, s.size[axis], grain, &count);
  }
  copy_graph_outputs(&c);
  copy_controls(&c);
  graph_ranges(c.to);
  if (slices) *slices = count;
  return c.to;
}
