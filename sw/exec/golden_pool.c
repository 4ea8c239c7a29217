// SPDX-License-Identifier: Apache-2.0
// The largest code of a window; or the average of x - x_zero, rounded once. Padding never wins, and
// counts as 0 where it counts.
#include "sw/exec/golden_prepare.h"
#include "sw/exec/taps.h"
#include "sw/graph/pointwise.h"

struct seen {
  int64_t largest; // code
  fix_wide sum;
};

static struct seen look(const struct taps *t, const struct type *type, const int64_t *image,
                        int64_t pixel, int64_t channel) {
  struct seen s = {INT64_MIN, 0};
  int64_t at;
  for (int64_t k = 0; k < taps_count(t); k++) {
    if (!taps_at(t, pixel, k, &at)) continue;
    int64_t code = image[at * t->channels + channel];
    if (code > s.largest) s.largest = code;
    s.sum += type_integer(type, 0, code);
  }
  return s;
}

static int64_t largest(const struct job *j, const struct type *type, int64_t code, int64_t c) {
  if (!j->node->n_rq) return code;
  return golden_requant(j, &j->node->rq[0], type_integer(type, 0, code), c);
}

int64_t golden_average(const struct graph *g, const struct node *n, fix_wide sum, int64_t count,
                       const int64_t *counts) {
  const struct requant *rq = &n->rq[0];
  struct fix_target t = target_of(n, node_out(g, n, 0), 0);
  if (pool_of_codes(n)) {
    int64_t zeros = count * type_zero(&node_in(g, n, 0)->type, 0);
    fix_wide average = pool_average(sum + zeros, count, 0, FIX_HALF_AWAY);
    return fix_overflow(average, t.width, t.is_signed, t.zero, t.overflow);
  }
  if (rq->mul[0] != 1) {
    while (*counts++ != count) rq++;
    return fix_requant(sum, rq->mul[0], rq->shift[0], &t);
  }
  fix_wide q = pool_average(sum, count, rq->shift[0], t.rounding);
  return fix_overflow(q + t.zero, t.width, t.is_signed, t.zero, t.overflow);
}

void golden_pool(const struct job *j) {
  const struct array *x = &j->in[0], *y = &j->out[0];
  const struct type *type = &node_in(j->graph, j->node, 0)->type;
  struct arena a = {0};
  struct pool_window p;
  struct taps t;
  int64_t n, at[WINDOW_AXES];
  if (!taps_of_pool(j, &t, &p)) return;
  const int64_t *counts = pool_counts(&a, &p, &n);
  for (int64_t f = 0; f < job_frames(j, y); f++)
    for (int64_t i = 0; i < y->elements; i++) {
      int64_t pixel = i / t.channels, c = i % t.channels;
      struct seen s = look(&t, type, golden_frame(x, f), pixel, c);
      taps_pixel(&t, pixel, at);
      golden_frame(y, f)[i] = j->node->op == OP_max_pool
                                  ? largest(j, type, s.largest, c)
                                  : golden_average(j->graph, j->node, s.sum,
                                                   pool_count(&p, at[ROWS], at[COLUMNS]), counts);
    }
  arena_free(&a);
}

void golden_prepare_pool(struct arena *a, const struct kernels *k, const struct graph *g,
                         const struct node *n, struct prepared *p) {
  struct pool_window *w = ARENA_NEW(a, struct pool_window, 1);
  struct err e = {0};
  (void)k;
  const struct value *x = node_in(g, n, 0);
  bool mean = n->op == OP_avg_pool && x->type.axis < 0 && node_out(g, n, 0)->type.axis < 0;
  if (!value_is_narrow(x) || node_attr(n, ATTR_slice) || !pool_of(g, n, w, &e)) return;
  if (n->op == OP_max_pool && !n->n_rq) p->largest = &w->window;
  if (mean) p->mean = w;
}
