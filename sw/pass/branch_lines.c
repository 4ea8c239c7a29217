// SPDX-License-Identifier: Apache-2.0
#include "sw/pass/branch_lines.h"

#include "sw/graph/interval.h"
#include "sw/graph/slice.h"
#include "sw/pass/copy.h"

// Indices of each dimension.
struct part {
  int64_t begin[RANK_MAX], end[RANK_MAX];
};

// What a layer with windows reads: a part of the joined rows, which a chain of slices gives.
struct branch {
  uint32_t value;
  struct part part;
};

struct rows {
  uint32_t join, tail; // nodes
  uint32_t joined, old, fresh;
  int64_t kept, own; // rows
  int rank;
  uint32_t n_branches, n_slices;
  struct branch *branches; // (readers of the joined rows)
  uint32_t *slices;        // (n_nodes) those of the chains
};

static uint32_t readers(const struct graph *g, uint32_t value) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) count += g->nodes[i].in[k].value == value;
  for (uint32_t i = 0; i < g->n_outputs; i++) count += g->outputs[i] == value;
  return count;
}

// The node that is a value's only reader; NONE.
static int32_t reader(const struct graph *g, uint32_t value) {
  if (readers(g, value) != 1) return NONE;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++)
      if (g->nodes[i].in[k].value == value) return g->nodes[i].in[k].delay ? NONE : (int32_t)i;
  return NONE;
}

// Whether a node gives a part of its input as it is.
static bool part_of(const struct graph *g, const struct node *n, struct part *p) {
  struct space s;
  struct err e = {0};
  if (n->op != OP_slice || node_attr(n, ATTR_slice) || n->in[0].delay) return false;
  if (!space_of(g, n, &s, &e)) return false;
  for (int d = 0; d < s.out_rank; d++) {
    const struct form *f = &s.in[0][d];
    if (f->terms != 1 || f->term[0].stride != 1) return false;
    p->begin[d] = f->offset;
    p->end[d] = f->offset + s.size[f->term[0].axis];
  }
  return true;
}

static bool is_all(const struct part *p, const struct value *v, int from, int to) {
  for (int d = from; d < to; d++)
    if (p->begin[d] != 0 || p->end[d] != v->shape[d]) return false;
  return true;
}

static struct part all_of(const struct value *v) {
  struct part p = {{0}, {0}};
  for (int d = 0; d < v->rank; d++) p.end[d] = v->shape[d];
  return p;
}

// Windows go along its rows.
static bool slides(const struct graph *g, const struct node *n) {
  struct space s;
  struct err e = {0};
  return space_of(g, n, &s, &e) && s.in_rank[0] > 1 && s.in[0][0].terms > 1;
}

// Rows of before, then the frame's own, of which the last are for the next.
static bool is_join(const struct graph *g, const struct node *n, struct rows *r) {
  struct part tail;
  if (n->op != OP_concat || n->n_in != 2 || n->n_rq || concat_axis(g, n) != 0) return false;
  if (n->in[0].delay != 1 || n->in[1].delay || node_in(g, n, 0)->init || node_in(g, n, 1)->init)
    return false;
  const struct value *joined = node_out(g, n, 0);
  *r = (struct rows){.join = (uint32_t)(n - g->nodes),
                     .joined = n->out[0],
                     .old = n->in[0].value,
                     .fresh = n->in[1].value,
                     .kept = node_in(g, n, 0)->shape[0],
                     .own = node_in(g, n, 1)->shape[0],
                     .rank = joined->rank};
  int32_t node = g->values[r->old].node;
  if (node == NONE || readers(g, r->old) != 1 || joined->type.axis >= 0) return false;
  r->tail = (uint32_t)node;
  return g->nodes[node].in[0].value == r->joined && part_of(g, &g->nodes[node], &tail) &&
         tail.begin[0] == r->own && tail.end[0] == r->own + r->kept &&
         is_all(&tail, joined, 1, joined->rank);
}

// Follows the slices behind a reader to the layer that has windows.
static bool follow(const struct graph *g, uint32_t node, struct rows *r) {
  struct branch *b = &r->branches[r->n_branches++];
  struct part p;
  const struct value *joined = &g->values[r->joined];
  *b = (struct branch){r->joined, all_of(joined)};
  while (part_of(g, &g->nodes[node], &p)) {
    for (int d = 0; d < r->rank; d++) {
      b->part.end[d] = b->part.begin[d] + p.end[d];
      b->part.begin[d] += p.begin[d];
    }
    r->slices[r->n_slices++] = node;
    b->value = g->nodes[node].out[0];
    int32_t next = reader(g, b->value);
    if (next == NONE) return false;
    node = (uint32_t)next;
  }
  const struct node *n = &g->nodes[node];
  return n->in[0].value == b->value && slides(g, n) && b->part.begin[0] < r->kept &&
         b->part.end[0] == r->kept + r->own && is_all(&b->part, joined, 1, r->rank - 1);
}

// Whether all readers of joined rows are branches, some of which read but a part.
static bool find_branches(struct arena *a, const struct graph *g, struct rows *r) {
  uint32_t whole = 0;
  r->branches = ARENA_NEW(a, struct branch, readers(g, r->joined));
  r->slices = ARENA_NEW(a, uint32_t, g->n_nodes);
  for (uint32_t i = 0; i < g->n_outputs; i++)
    if (g->outputs[i] == r->joined) return false;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      if (i == r->tail || g->nodes[i].in[k].value != r->joined) continue;
      if (g->nodes[i].in[k].delay || !follow(g, i, r)) return false;
      whole += r->branches[r->n_branches - 1].value == r->joined;
    }
  return r->n_slices > 0 && whole < 2;
}

// ---- the copy

static uint32_t put_slice(struct graph_copy *c, const struct rows *r, uint32_t from,
                          const struct part *p, uint32_t out) {
  struct graph *to = c->to;
  uint32_t node = graph_add_node(to, OP_slice, to->values[out].name);
  graph_add_use(to, node, (struct use){from, 0, NONE});
  graph_add_ints(to, node, ATTR_begin, r->rank, p->begin);
  graph_add_ints(to, node, ATTR_end, r->rank, p->end);
  graph_add_out(to, node, out);
  to->nodes[node].where = c->from->nodes[r->join].where;
  return node;
}

// A value with the type of the rows.
static uint32_t put_value(struct graph_copy *c, const struct rows *r, const struct branch *b,
                          const char *what, int64_t rows) {
  const struct value *joined = &c->from->values[r->joined];
  const char *name = arena_printf(c->to->arena, "%s.%s", c->from->values[b->value].name, what);
  int64_t shape[RANK_MAX];
  for (int d = 0; d < r->rank; d++) shape[d] = b->part.end[d] - b->part.begin[d];
  shape[0] = rows;
  return graph_add_value(c->to, name, r->rank, shape, joined->type, true);
}

// The branch's part of what there was at first.
static uint32_t put_initial(struct graph_copy *c, const struct rows *r, const struct branch *b) {
  const struct value *v = &c->from->values[c->from->nodes[r->join].in[0].initial];
  struct arena *a = c->to->arena;
  int64_t shape[RANK_MAX], first = b->part.begin[r->rank - 1], per = v->shape[r->rank - 1];
  for (int d = 0; d < r->rank; d++) shape[d] = b->part.end[d] - b->part.begin[d];
  shape[0] = r->kept - b->part.begin[0];
  int64_t channels = shape[r->rank - 1], rest = v->init->count / per / r->kept;
  struct tensor *t = tensor_new(a, v->init->dtype, r->rank, shape);
  for (int64_t i = 0; i < t->count; i++) {
    int64_t at = b->part.begin[0] * rest + i / channels;
    tensor_set_int(t, i, tensor_int(v->init, at * per + first + i % channels));
  }
  return graph_add_tensor(c->to, arena_printf(a, "%s.initial", c->from->values[b->value].name), t,
                          v->type);
}

static uint32_t put_fresh(struct graph_copy *c, const struct rows *r, const struct branch *b) {
  const struct value *joined = &c->from->values[r->joined];
  uint32_t fresh = copy_value(c, r->fresh);
  if (is_all(&b->part, joined, r->rank - 1, r->rank)) return fresh;
  struct part p = b->part;
  p.begin[0] = 0;
  p.end[0] = r->own;
  uint32_t own = put_value(c, r, b, "own", r->own);
  put_slice(c, r, fresh, &p, own);
  return own;
}

static void put_branch(struct graph_copy *c, const struct rows *r, const struct branch *b) {
  struct graph *to = c->to;
  int64_t kept = r->kept - b->part.begin[0];
  uint32_t fresh = put_fresh(c, r, b), initial = put_initial(c, r, b);
  uint32_t old = put_value(c, r, b, "kept", kept), joined = copy_value(c, b->value);
  uint32_t node = graph_add_node(to, OP_concat, to->values[joined].name);
  graph_add_use(to, node, (struct use){old, 1, (int32_t)initial});
  graph_add_use(to, node, (struct use){fresh, 0, NONE});
  graph_add_int(to, node, ATTR_axis, 0);
  graph_add_out(to, node, joined);
  to->nodes[node].where = c->from->nodes[r->join].where;
  struct part tail = all_of(&to->values[joined]);
  tail.begin[0] = r->own;
  put_slice(c, r, joined, &tail, old);
}

// Marks the nodes that go; false if one of them is named by others.
static bool take(const struct rows *r, const char *named, char *gone) {
  bool free = !named[r->join] && !named[r->tail];
  for (uint32_t i = 0; i < r->n_slices; i++) free &= !named[r->slices[i]];
  if (!free) return false;
  gone[r->join] = gone[r->tail] = 1;
  for (uint32_t i = 0; i < r->n_slices; i++) gone[r->slices[i]] = 1;
  return true;
}

// The branches stand where the join was, behind what makes the frame's own rows.
static void put_node(struct graph_copy *c, struct arena *scratch, uint32_t node, const char *gone) {
  const struct node *n = &c->from->nodes[node];
  struct rows r;
  if (!gone[node])
    copy_outputs(c, n, copy_node(c, n, n->name));
  else if (is_join(c->from, n, &r) && find_branches(scratch, c->from, &r))
    for (uint32_t k = 0; k < r.n_branches; k++) put_branch(c, &r, &r.branches[k]);
}

struct graph *branch_lines(struct arena *a, struct graph *g) {
  struct arena scratch = {0};
  const char *named = copy_named(&scratch, g);
  char *gone = ARENA_NEW(&scratch, char, g->n_nodes);
  bool any = false;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    struct rows r;
    if (is_join(g, &g->nodes[i], &r) && find_branches(&scratch, g, &r))
      any |= take(&r, named, gone);
  }
  struct graph_copy c = copy_new(a, g);
  if (any) {
    copy_inputs(&c);
    for (uint32_t i = 0; i < g->n_nodes; i++) put_node(&c, &scratch, i, gone);
    copy_graph_outputs(&c);
    copy_controls(&c);
    struct err e = {0};
    any = graph_verify(c.to, &e); // unless a name was there already
    if (any) graph_ranges(c.to);
  }
  arena_free(&scratch);
  return any ? c.to : g;
}
