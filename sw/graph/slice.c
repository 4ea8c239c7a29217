// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/slice.h"

#include "sw/graph/column.h"

#include <assert.h>
#include <string.h>

static void whole(struct space *s, const struct graph *g, const struct node *n) {
  memset(s, 0, sizeof *s);
  memset(s->out_axis, NONE, sizeof s->out_axis);
  for (uint32_t i = 0; i < n->n_in && i < INPUTS_MAX; i++) {
    const struct value *v = node_in(g, n, i);
    s->in_rank[i] = v->rank;
    for (int d = 0; d < v->rank; d++) s->in[i][d] = (struct form){.extent = v->shape[d], .per = 1};
  }
}

int space_axis(struct space *s, int64_t size, bool reduced) {
  s->size[s->axes] = size;
  s->reduced[s->axes] = reduced;
  if (!reduced) s->out_axis[s->out_rank++] = (int8_t)s->axes;
  return s->axes++;
}

void space_term(struct space *s, uint32_t input, int dim, int axis, int64_t stride) {
  struct form *f = &s->in[input][dim];
  assert(f->terms < TERMS_MAX && stride > 0);
  f->term[f->terms++] = (struct term){axis, stride};
}

// Broadcasting as NumPy's: aligned at the last dimension, a size of 1 stretches.
bool space_elements(const struct graph *g, const struct node *n, struct space *s, struct err *e) {
  int rank = 0;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (s->in_rank[i] > rank) rank = s->in_rank[i];
  for (int d = 0; d < rank; d++) {
    int64_t size = 1;
    for (uint32_t i = 0; i < n->n_in; i++) {
      int k = d - (rank - s->in_rank[i]);
      int64_t own = k < 0 ? 1 : node_in(g, n, i)->shape[k];
      if (own == 1) continue;
      if (size != 1 && own != size)
        return err_set(e, "inputs of %lld and %lld elements on one axis don't broadcast",
                       (long long)size, (long long)own);
      size = own;
      space_term(s, i, k, d, 1);
    }
    space_axis(s, size, false);
  }
  return true;
}

bool space_of(const struct graph *g, const struct node *n, struct space *s, struct err *e) {
  const struct graph_column *c = graph_column(n->op);
  whole(s, g, n);
  return !c->space || c->space(g, n, s, e);
}

bool op_has_space(enum op op) {
  return graph_column(op)->space != NULL;
}

bool slice_of(const struct node *n, const struct space *s, struct slice *out, struct err *e) {
  const struct attr *a = node_attr(n, ATTR_slice);
  *out = (struct slice){.axis = NONE};
  if (!a) return true;
  if (a->count < 3 || a->count % 2 == 0 || a->ints[0] < 0 || a->ints[0] >= s->axes)
    return err_set(e, "slice: expected axis, begin, end, ... with an axis below %d", s->axes);
  *out = (struct slice){(int)a->ints[0], a->count / 2, a->ints + 1};
  int64_t last = 0;
  for (int64_t i = 0; i < out->ranges; i++) {
    int64_t begin = out->range[2 * i], end = out->range[2 * i + 1];
    if (begin < last || end <= begin || end > s->size[out->axis])
      return err_set(e, "slice: range %lld..%lld is empty, unsorted or outside of 0..%lld",
                     (long long)begin, (long long)end, (long long)s->size[out->axis]);
    last = end;
  }
  return true;
}

bool slice_same(const struct slice *a, const struct slice *b) {
  if (a->ranges != b->ranges) return false;
  return !a->ranges || (a->axis == b->axis &&
                        !memcmp(a->range, b->range, (size_t)a->ranges * 2 * sizeof *a->range));
}

int64_t slice_index(const struct slice *s, int64_t i) {
  const int64_t *range = s->range;
  while (i >= range[1] - range[0]) {
    i -= range[1] - range[0];
    range += 2;
  }
  return range[0] + i;
}

int64_t slice_size(const struct slice *s, const struct space *space, int axis) {
  if (s->ranges == 0 || s->axis != axis) return space->size[axis];
  int64_t size = 0;
  for (int64_t i = 0; i < s->ranges; i++) size += s->range[2 * i + 1] - s->range[2 * i];
  return size;
}

int concat_axis(const struct graph *g, const struct node *n) {
  int rank = node_in(g, n, 0)->rank;
  int64_t axis = node_int(n, ATTR_axis, -1);
  if (axis < 0) axis += rank;
  return axis >= 0 && axis < rank ? (int)axis : NONE;
}

// Whether the slice has point `at` of its axis.
static bool slice_has(const struct slice *s, int64_t at) {
  for (int64_t i = 0; i < s->ranges; i++)
    if (at >= s->range[2 * i] && at < s->range[2 * i + 1]) return true;
  return false;
}

// The weights that the slice reads, and those of them that are connected.
static void count_weights(const struct value *w, const struct space *s, const struct slice *slice,
                          int64_t *all, int64_t *there) {
  int cut = slice->ranges ? axis_dimension(s, slice->axis, 1) : NONE;
  int64_t step = cut == NONE ? 0 : shape_elements(w->rank - cut - 1, w->shape + cut + 1);
  *all = *there = 0;
  for (int64_t k = 0; cut == 0 && k < slice->ranges; k++) { // rows beside each other
    int64_t begin = slice->range[2 * k] * step, end = slice->range[2 * k + 1] * step;
    *all += end - begin;
    for (int64_t i = begin; i < end; i++) *there += !value_is_cut(w, i);
  }
  for (int64_t i = 0; cut && i < value_elements(w); i++) {
    if (cut != NONE && !slice_has(slice, i / step % w->shape[cut])) continue;
    ++*all;
    *there += !value_is_cut(w, i);
  }
}

int64_t slice_macs(const struct graph *g, const struct node *n, const struct space *s,
                   const struct slice *slice) {
  if (!graph_column(n->op)->multiplies) return 0;
  int64_t macs = 1;
  for (int i = 0; i < s->axes; i++) macs *= slice_size(slice, s, i);
  const struct value *w = op_is(n->op, TRAIT_WEIGHTS) ? node_in(g, n, 1) : NULL;
  if (!w || !w->mask) return macs;
  int64_t all, there;
  count_weights(w, s, slice, &all, &there);
  return macs / all * there; // each weight is there for as many results
}

int64_t node_macs(const struct graph *g, const struct node *n) {
  if (!graph_column(n->op)->multiplies) return node_int(n, ATTR_macs, 0);
  struct space s;
  struct slice slice;
  struct err e = {0};
  if (!space_of(g, n, &s, &e) || !slice_of(n, &s, &slice, &e)) return 0;
  return slice_macs(g, n, &s, &slice);
}

int64_t graph_macs(const struct graph *g) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) sum += node_macs(g, &g->nodes[i]);
  return sum;
}

uint32_t slice_node(struct graph *g, uint32_t node, const struct slice *slice, const char *name,
                    struct type type) {
  struct space s;
  struct err e = {0};
  space_of(g, &g->nodes[node], &s, &e);
  int64_t shape[RANK_MAX];
  for (int d = 0; d < s.out_rank; d++) shape[d] = slice_size(slice, &s, s.out_axis[d]);
  uint32_t copy = graph_add_node(g, g->nodes[node].op, name);
  const struct node *from = &g->nodes[node];
  for (uint32_t i = 0; i < from->n_in; i++) graph_add_use(g, copy, from->in[i]);
  for (uint32_t i = 0; i < from->n_attr; i++)
    if (from->attr[i].name != ATTR_slice)
      *graph_add_attr(g, copy, from->attr[i].name) = from->attr[i];
  for (uint32_t i = 0; i < from->n_origin; i++) graph_add_origin(g, copy, from->origin[i]);
  int64_t *ints = ARENA_NEW(g->arena, int64_t, 1 + 2 * slice->ranges);
  ints[0] = slice->axis;
  memcpy(ints + 1, slice->range, (size_t)slice->ranges * 2 * sizeof *ints);
  graph_add_ints(g, copy, ATTR_slice, 1 + 2 * slice->ranges, ints);
  bool per_frame = g->values[from->out[0]].per_frame;
  g->nodes[copy].rounding = from->rounding;
  g->nodes[copy].overflow = from->overflow;
  graph_add_out(g, copy, graph_add_value(g, name, s.out_rank, shape, type, per_frame));
  return copy;
}
