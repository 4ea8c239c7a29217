// SPDX-License-Identifier: Apache-2.0
// Whether the integers of a graph follow from its types, which are all that other programs are
// told.
#include "quant/quantize.h"
#include "sw/export/real.h"
#include "sw/graph/weights.h"

#include <math.h>
#include <string.h>

// Runs of sums that are looked at, of sums so large.
enum { RUNS_MOST = 1 << 20 };
static const double SUM_MOST = 0x1p40;

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

// ---- other integers that compute the same

// An output of a layer with weights: what it makes of the sum of its products.
struct sums {
  int64_t bias, mul;
  int shift, finer; // bits by which the bias is finer than the products
  struct fix_target target;
};

static bool sums_of(const struct graph *g, const struct node *n, int64_t o, struct sums *s) {
  const struct value *b = node_in(g, n, 2), *y = node_out(g, n, 0);
  if (!b || !b->init || n->n_rq != 1) return false;
  int64_t c = n->rq[0].count > 1 ? o : 0;
  *s = (struct sums){.bias = tensor_int(b->init, o),
                     .mul = n->rq[0].mul[c],
                     .shift = n->rq[0].shift[c],
                     .finer = weighted_finer(g, n),
                     .target = type_target(&y->type, o)};
  s->target.rounding = n->rounding;
  s->target.overflow = n->overflow;
  bool rises = n->overflow == FIX_SATURATE || n->overflow == FIX_SYMMETRIC;
  return n->rounding != FIX_TFLITE && (rises || s->target.bipolar);
}

static int64_t at(const struct sums *s, int64_t sum) {
  return fix_requant((fix_wide)sum * ((int64_t)1 << s->finer) + s->bias, s->mul, s->shift,
                     &s->target);
}

// Whether both give the same of every sum from -most to most: both rise, so that it is enough to
// look at the ends of each run of sums with one output.
static bool same_steps(const struct sums *p, const struct sums *q, int64_t most) {
  for (int64_t from = -most, last; from <= most; from = last + 1) {
    int64_t y = at(p, from), past = most + 1;
    for (last = from; past - last > 1;) {
      int64_t middle = last + (past - last) / 2;
      if (at(p, middle) == y)
        last = middle;
      else
        past = middle;
    }
    if (at(q, from) != y || at(q, last) != y) return false;
  }
  return true;
}

// A bias has as many bits as what follows tells apart, which of the bias of integers may be fewer
// than of the floats that it comes from.
static bool same_outputs(const struct graph *g, const struct node *n, const struct graph *h,
                         const struct node *m) {
  const struct value *x = node_in(g, n, 0),
                     *w = op_is(n->op, TRAIT_WEIGHTS) ? node_in(g, n, 1) : NULL;
  if (!w || !w->init || !type_is_integer(&x->type)) return false;
  struct weights all = weights_of(w);
  double lowest = fabs((double)type_integer(&x->type, 0, type_lowest(&x->type))),
         most = fmax(lowest, fabs((double)type_integer(&x->type, 0, type_highest(&x->type))));
  if ((double)w->shape[0] * exp2(type_width(&node_out(g, n, 0)->type)) > RUNS_MOST) return false;
  for (int64_t o = 0; o < w->shape[0]; o++) {
    struct sums p, q;
    double sum = 0;
    for (int64_t i = 0; i < all.taps; i++) sum += fabs((double)weight_of(&all, o, i)) * most;
    if (sum > SUM_MOST || !sums_of(g, n, o, &p) || !sums_of(h, m, o, &q) ||
        !same_steps(&p, &q, (int64_t)sum))
      return false;
  }
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
    bool alike = m && m->op == n->op && same_codes(n, m) && same_table(n, m);
    if (!alike || ((!same_requants(n, m) || !same_biases(g, n, h, m)) && !same_outputs(g, n, h, m)))
      return n->name;
  }
  return NULL;
}
