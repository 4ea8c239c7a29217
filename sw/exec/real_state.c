// SPDX-License-Identifier: Apache-2.0
// assign_F in floats: the content x of a variable becomes F(x, t). Connections that a mask cuts
// keep their content, which is zero.
#include "sw/exec/job.h"
#include "sw/exec/kernels.h"

#include <math.h>
#include <string.h>

// The same run of elements of everything that a function touches.
struct touched {
  int64_t count;
  float *x, *m, *v; // of the variable; what the optimiser remembers
  const float *t;   // one per element, or one for all
  bool one;
};

static void plain(enum assign f, const struct touched *r, float factor) {
  for (int64_t i = 0; i < r->count; i++) {
    float t = r->t[r->one ? 0 : i], x = r->x[i];
    switch (f) {
    case ASSIGN_write:
      r->x[i] = t;
      break;
    case ASSIGN_add:
      r->x[i] = x + t;
      break;
    case ASSIGN_sub:
      r->x[i] = x - t;
      break;
    case ASSIGN_axpy:
      r->x[i] = fmaf(factor, t, x);
      break;
    case ASSIGN_scale:
      r->x[i] = x * t;
      break;
    case ASSIGN_min:
      r->x[i] = fminf(x, t);
      break;
    case ASSIGN_max:
      r->x[i] = fmaxf(x, t);
      break;
    case ASSIGN_sgd:
    case ASSIGN_momentum:
    case ASSIGN_nesterov:
    case ASSIGN_adam:
    case ASSIGN_adamw:
    case ASSIGN_COUNT:
      break; // they have loops of their own
    }
  }
}

// ---- optimisers, as PyTorch's: d = g + decay w;  m = momentum m + d;  w -= rate (d, m, or
// d + momentum m)

static void descend(enum assign f, const struct touched *r, float rate, float momentum,
                    float decay) {
  for (int64_t i = 0; i < r->count; i++) {
    float d = r->t[i] + decay * r->x[i];
    if (f != ASSIGN_sgd) {
      r->m[i] = momentum * r->m[i] + d;
      d = f == ASSIGN_nesterov ? d + momentum * r->m[i] : r->m[i];
    }
    r->x[i] -= rate * d;
  }
}

// x^n in double by squaring: the same bits everywhere.
static double power(double x, uint64_t n) {
  double y = 1;
  for (; n; n >>= 1, x *= x)
    if (n & 1) y *= x;
  return y;
}

static void adapt(const struct node *n, enum assign f, const struct touched *r, double rate,
                  uint64_t step) {
  double beta1 = node_real(n, ATTR_beta1, 0), beta2 = node_real(n, ATTR_beta2, 0);
  double decay = node_real(n, ATTR_decay, 0);
  struct adam p = {.beta1 = (float)beta1,
                   .rest1 = (float)(1 - beta1),
                   .beta2 = (float)beta2,
                   .rest2 = (float)(1 - beta2),
                   .coupled = f == ASSIGN_adam ? (float)decay : 0,
                   .shrink = f == ASSIGN_adamw ? (float)(1 - rate * decay) : 1,
                   .step = (float)(rate / (1 - power(beta1, step + 1))),
                   .scale = (float)(1 / sqrt(1 - power(beta2, step + 1))),
                   .epsilon = (float)node_real(n, ATTR_epsilon, 0)};
  kernels_best()->adam(r->count, &p, r->t, r->x, r->m, r->v);
}

static float scalar(const struct job *j, uint32_t i) {
  return ((const float *)j->in[i].data)[0];
}

static void update(const struct job *j, enum assign f, const struct touched *r) {
  const struct node *n = j->node;
  if (f == ASSIGN_adam || f == ASSIGN_adamw)
    adapt(n, f, r, (double)scalar(j, 0), job_step(scalar(j, 1)));
  else if (f == ASSIGN_sgd || f == ASSIGN_momentum || f == ASSIGN_nesterov)
    descend(f, r, scalar(j, 0), (float)node_real(n, ATTR_momentum, 0),
            (float)node_real(n, ATTR_decay, 0));
  else
    plain(f, r, f == ASSIGN_axpy ? scalar(j, 0) : 0);
}

static void keep_cut(const struct value *held, int64_t from, const struct touched *r) {
  for (int64_t i = 0; held->mask && i < r->count; i++)
    if (value_is_cut(held, from + i)) r->x[i] = 0;
}

void real_state(const struct job *j) {
  if (!j->node->n_in) return;
  enum assign f = assign_of(j->node);
  const struct array *t = &j->in[j->node->n_in - 1];
  const struct value *held = assign_held(j->graph, j->node, 0);
  struct assign_runs runs = assign_runs(j->graph, j->node);
  int64_t from, length, before = 0, begin, end;
  for (int64_t i = 0; assign_run(&runs, i, &from, &length); i++, before += length) {
    job_share(j, length, &begin, &end);
    int64_t at = before + begin;
    struct touched r = {.count = end - begin,
                        .x = (float *)j->held[0] + from + begin,
                        .m = j->held[1] ? (float *)j->held[1] + at : NULL,
                        .v = j->held[2] ? (float *)j->held[2] + at : NULL,
                        .t = (const float *)t->data + (t->elements == 1 ? 0 : at),
                        .one = t->elements == 1};
    update(j, f, &r);
    keep_cut(held, from + begin, &r);
  }
}
