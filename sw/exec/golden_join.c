// SPDX-License-Identifier: Apache-2.0
// The exact accumulator of join.h, and one requantisation. Shapes broadcast as NumPy's.
#include "sw/exec/golden_prepare.h"
#include "sw/exec/job.h"
#include "sw/graph/join.h"
#include "sw/graph/pointwise.h"

static int64_t joined(const struct job *j, int64_t a, int64_t b) {
  struct requant last = join_last(j->node);
  return golden_requant(j, &last, join_acc_of(j->node, a, b), 0);
}

void golden_join(const struct job *j) {
  const struct type *a_type = &node_in(j->graph, j->node, 0)->type;
  const struct type *b_type = &node_in(j->graph, j->node, 1)->type;
  int64_t frames = j->out[0].per_frame ? j->frames : 1;
  for (int64_t f = 0; f < frames; f++) {
    const int64_t *a = golden_frame(&j->in[0], f), *b = golden_frame(&j->in[1], f);
    int64_t *y = golden_frame(&j->out[0], f);
    for (int64_t i = 0; i < j->out[0].elements; i++)
      y[i] = joined(j, type_integer(a_type, 0, a[job_broadcast(&j->in[0], &j->out[0], i)]),
                    type_integer(b_type, 0, b[job_broadcast(&j->in[1], &j->out[0], i)]));
  }
}

static bool one_scale(const struct value *v) {
  return v->type.axis < 0 && type_is_fixed(&v->type) && value_is_narrow(v);
}

// Of bytes on both sides all results there are.
void golden_prepare_join(struct arena *a, const struct kernels *k, const struct graph *g,
                         const struct node *n, struct prepared *p) {
  const struct value *x = node_in(g, n, 0), *z = node_in(g, n, 1), *y = node_out(g, n, 0);
  (void)k;
  bool streams = !x->init && !z->init && x->per_frame && z->per_frame &&
                 value_elements(x) == value_elements(y) && value_elements(z) == value_elements(y);
  if (!streams || !one_scale(x) || !one_scale(z) || !one_scale(y) || n->rq[0].count > 1 ||
      node_attr(n, ATTR_slice))
    return;
  struct job j = {.graph = g, .node = n};
  int64_t least = type_lowest(&y->type);
  p->joined = ARENA_NEW(a, uint8_t, 256 * 256);
  for (int64_t b = type_lowest(&z->type); b <= type_highest(&z->type); b++)
    for (int64_t c = type_lowest(&x->type); c <= type_highest(&x->type); c++)
      p->joined[(b - type_lowest(&z->type)) * 256 + c - type_lowest(&x->type)] =
          (uint8_t)(joined(&j, type_integer(&x->type, 0, c), type_integer(&z->type, 0, b)) - least);
  if (n->op != OP_add || join_rescales(n) || n->rq[0].mul[0] != n->rq[1].mul[0]) return;
  p->added = ARENA_NEW(a, uint8_t, 511);
  int most = (int)(type_highest(&x->type) - type_lowest(&x->type));
  int sums = most + (int)(type_highest(&z->type) - type_lowest(&z->type));
  for (int i = 0; i <= sums; i++) p->added[i] = p->joined[i <= most ? i : most + (i - most) * 256];
  p->clamp = golden_clamp(a, p->added, sums + 1);
}
