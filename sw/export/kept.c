// SPDX-License-Identifier: Apache-2.0
// Whether the integers of a graph follow from its types, which are all that other programs are
// told.
#include "quant/quantize.h"
#include "sw/export/real.h"

#include <string.h>

static const struct node *node_named(const struct graph *g, const char *name) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (strcmp(g->nodes[i].name, name) == 0) return &g->nodes[i];
  return NULL;
}

static bool same_requants(const struct node *n, const struct node *m) {
  if (n->n_rq != m->n_rq) return false;
  for (uint32_t i = 0; i < n->n_rq; i++) {
    const struct requant *p = &n->rq[i], *q = &m->rq[i];
    if (p->count != q->count) return false;
    for (int64_t c = 0; c < p->count; c++)
      if (p->mul[c] != q->mul[c] || p->shift[c] != q->shift[c]) return false;
  }
  return true;
}

static bool same_codes(const struct node *n, const struct node *m) {
  const struct attr *p = node_attr(n, ATTR_codes), *q = node_attr(m, ATTR_codes);
  if (!p || !q) return p == q;
  return p->count == q->count && memcmp(p->ints, q->ints, (size_t)p->count * sizeof *p->ints) == 0;
}

static bool same_table(const struct node *n, const struct node *m) {
  const struct attr *p = node_attr(n, ATTR_table), *q = node_attr(m, ATTR_table);
  if (!p || !q) return p == q;
  bool same = p->tensor->count == q->tensor->count;
  for (int64_t i = 0; same && i < p->tensor->count; i++)
    same = tensor_int(p->tensor, i) == tensor_int(q->tensor, i);
  return same;
}

static bool same_biases(const struct graph *g, const struct node *n, const struct graph *h,
                        const struct node *m) {
  const struct value *p = n->n_in > 2 ? node_in(g, n, 2) : NULL;
  const struct value *q = m->n_in > 2 ? node_in(h, m, 2) : NULL;
  bool constant = p && q && p->init && q->init;
  for (int64_t i = 0; constant && i < p->init->count; i++)
    if (tensor_int(p->init, i) != tensor_int(q->init, i)) return false;
  return true;
}

const char *export_changed(struct arena *a, const struct graph *g, const struct graph *real) {
  struct formats f = formats_new();
  struct err e = {0};
  const struct graph *h = quantize(a, real, &f, &e);
  if (!h) return g->nodes[0].name;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i], *m = node_named(h, n->name);
    if (op_is(n->op, TRAIT_CASTS)) continue; // it is its type
    if (!m || m->op != n->op || !same_requants(n, m) || !same_codes(n, m) || !same_table(n, m) ||
        !same_biases(g, n, h, m))
      return n->name;
  }
  return NULL;
}
