// SPDX-License-Identifier: Apache-2.0
#include "sw/pass/fuse.h"

#include "sw/graph/interval.h"
#include "sw/graph/slice.h"
#include "sw/graph/verify.h"
#include "sw/pass/copy.h"
#include "sw/pass/fuse_parts.h"

#include <string.h>

bool fuse_needed(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (op_is(g->nodes[i].op, TRAIT_NARROWS)) return true;
  return false;
}

uint32_t *fuse_readers(struct arena *a, const struct graph *g) {
  uint32_t *readers = ARENA_NEW(a, uint32_t, g->n_values);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) readers[g->nodes[i].in[k].value]++;
  for (uint32_t i = 0; i < g->n_outputs; i++) readers[g->outputs[i]]++;
  return readers;
}

// ---- into the node that gives the accumulator

static bool is_unit(const struct requant *rq) {
  return rq->count == 1 && rq->mul[0] == 1 && rq->shift[0] == 0;
}

// The requantisations of a node that takes `r`; false if its own change the accumulator.
static bool taken(const struct node *n, const struct requant *r, struct requant to[INPUTS_MAX]) {
  if (!n->n_rq || n->n_rq > INPUTS_MAX) return false;
  memcpy(to, n->rq, n->n_rq * sizeof *to);
  if (!fuse_shares_shift(n)) {
    to[n->n_rq - 1] = *r;
    return is_unit(&n->rq[n->n_rq - 1]);
  }
  bool ok = r->count == 1 && r->mul[0] == 1;
  for (uint32_t i = 0; i < n->n_rq; i++) {
    ok &= to[i].count == 1 && to[i].shift[0] == 0;
    to[i].shift = r->shift;
  }
  return ok;
}

// Whether all that the accumulator can be is a value of the node's output, unchanged.
static bool holds_accumulator(const struct graph *g, const struct node *n) {
  const struct type *t = &node_out(g, n, 0)->type;
  if (!type_is_fixed(t) || !(interval_scale(g, n, 0) > 0) || op_is(n->op, TRAIT_CASTS))
    return false;
  for (int64_t c = 0; c < t->channels; c++)
    if (type_zero(t, c) != 0) return false;
  struct interval acc = interval_node(g, n, KNOWN_TYPES);
  return acc.lo >= type_lowest(t) && acc.hi <= type_highest(t);
}

// Whether the verifier takes it as a node of g.
static bool is_valid(const struct graph *g, const struct node *n) {
  struct err e = {0};
  return verify_types(g, n, &e);
}

bool fuse_joins(const struct graph *g, const struct node *r, const uint32_t *readers,
                const char *named) {
  if (!op_is(r->op, TRAIT_NARROWS) || !r->n_rq || named[r - g->nodes] || r->in[0].delay ||
      node_attr(r, ATTR_slice))
    return false;
  const struct value *x = node_in(g, r, 0);
  if (x->node == NONE || readers[r->in[0].value] != 1 || named[x->node]) return false;
  struct node n = g->nodes[x->node];
  struct requant rq[INPUTS_MAX];
  if (n.n_out != 1 || !taken(&n, &r->rq[0], rq) || !holds_accumulator(g, &n)) return false;
  n.rq = rq;
  n.rounding = r->rounding;
  n.overflow = r->overflow;
  n.out = r->out;
  return is_valid(g, &n);
}

// ---- into the concat behind

// The requant that makes input i and nothing else; NULL.
static const struct node *feeds(const struct graph *g, const struct node *n, uint32_t i,
                                const uint32_t *readers, const char *named) {
  const struct value *v = node_in(g, n, i);
  if (n->in[i].delay || v->node == NONE || readers[n->in[i].value] != 1 || named[v->node])
    return NULL;
  const struct node *r = &g->nodes[v->node];
  bool one = op_is(r->op, TRAIT_NARROWS) && r->n_rq == 1 && r->rq[0].count == 1;
  return one && !node_attr(r, ATTR_slice) && !fuse_joins(g, r, readers, named) ? r : NULL;
}

// The concat `n` that requantises what its inputs' requants do; false if they aren't all alike.
static bool concat_of(struct arena *a, const struct graph *g, const struct node *n,
                      const uint32_t *readers, const char *named, struct node *to) {
  *to = *n;
  if (!op_is(n->op, TRAIT_PARTS) || n->n_rq || !n->n_in || named[n - g->nodes]) return false;
  to->in = ARENA_NEW(a, struct use, n->n_in);
  to->rq = ARENA_NEW(a, struct requant, n->n_in);
  to->n_rq = n->n_in;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const struct node *r = feeds(g, n, i, readers, named);
    if (!r || (i && (r->rounding != to->rounding || r->overflow != to->overflow))) return false;
    to->in[i] = r->in[0];
    to->rq[i] = r->rq[0];
    to->rounding = r->rounding;
    to->overflow = r->overflow;
  }
  return is_valid(g, to);
}

// ---- the pass

struct fusion {
  int32_t *requant;    // (nodes) the requant that goes into it; NONE
  struct node *concat; // (nodes) what a concat becomes; n_in 0: nothing
  char *gone;          // (nodes) requants that have gone into others
  char *without;       // (values) what they read or gave
};

static void find_joined(struct arena *a, const struct graph *g, struct fusion *p) {
  const uint32_t *readers = fuse_readers(a, g);
  const char *named = copy_named(a, g);
  for (uint32_t i = 0; i < g->n_nodes; i++) p->requant[i] = NONE;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (fuse_joins(g, n, readers, named)) {
      p->requant[node_in(g, n, 0)->node] = (int32_t)i;
      p->gone[i] = p->without[n->in[0].value] = 1;
    }
    if (!concat_of(a, g, n, readers, named, &p->concat[i])) {
      p->concat[i].n_in = 0;
      continue;
    }
    for (uint32_t k = 0; k < n->n_in; k++)
      p->gone[node_in(g, n, k)->node] = p->without[n->in[k].value] = 1;
  }
}

static void copy_joined(struct graph_copy *c, const struct node *n, const struct node *r) {
  struct requant rq[INPUTS_MAX];
  uint32_t node = copy_node(c, n, n->name);
  struct node *to = &c->to->nodes[node];
  taken(n, &r->rq[0], rq);
  memcpy(to->rq, rq, n->n_rq * sizeof *rq);
  to->rounding = r->rounding;
  to->overflow = r->overflow;
  for (uint32_t i = 0; i < r->n_origin; i++) graph_add_origin(c->to, node, r->origin[i]);
  copy_outputs(c, r, node);
}

struct graph *fuse(struct arena *a, const struct graph *g) {
  struct graph_copy c = copy_new(a, g);
  struct fusion p = {ARENA_NEW(a, int32_t, g->n_nodes), ARENA_NEW(a, struct node, g->n_nodes),
                     ARENA_NEW(a, char, g->n_nodes), ARENA_NEW(a, char, g->n_values)};
  find_joined(a, g, &p);
  copy_values(&c, p.without);
  copy_inputs(&c);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (p.gone[i]) continue;
    if (p.requant[i] != NONE)
      copy_joined(&c, n, &g->nodes[p.requant[i]]);
    else if (p.concat[i].n_in)
      copy_outputs(&c, n, copy_made(&c, &p.concat[i], n->name));
    else
      copy_outputs(&c, n, copy_node(&c, n, n->name));
  }
  copy_graph_outputs(&c);
  copy_controls(&c);
  graph_ranges(c.to);
  return c.to;
}
