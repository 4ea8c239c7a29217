// SPDX-License-Identifier: Apache-2.0
// Activations and their slopes, in double: exact.h for those that are no tables, curve.h for the
// rest. relu, which is most of what networks have, is apart: in a loop that the compiler makes into
// vectors.
#include "sw/exec/job.h"
#include "sw/graph/curve.h"
#include "sw/graph/exact.h"

// The function and the constants of a node, looked up once.
struct function {
  const struct exact *exact; // NULL: a curve
  struct exact_reals reals;
  enum curve curve;
  double alpha;
};

static struct function function_of(const struct node *n) {
  return (struct function){.exact = exact_of(n->op),
                           .reals = exact_reals_of(n),
                           .curve = (enum curve)node_curve(n),
                           .alpha = node_real(n, ATTR_alpha, 1.0)};
}

static double value_at(const struct function *f, double x) {
  return f->exact ? f->exact->real(x, &f->reals) : curve_real(f->curve, f->alpha, x);
}

static double slope_at(const struct function *f, double x) {
  return f->exact ? f->exact->slope(x, &f->reals) : curve_slope(f->curve, f->alpha, x);
}

void real_pointwise(const struct job *j) {
  const float *x = j->in[0].data;
  float *y = j->out[0].data;
  struct function f = function_of(j->node);
  int64_t begin, end;
  job_share(j, job_frames(j, &j->out[0]) * j->out[0].elements, &begin, &end);
  if (j->node->op == OP_relu)
    for (int64_t i = begin; i < end; i++) y[i] = x[i] > 0 ? x[i] : 0;
  else
    for (int64_t i = begin; i < end; i++) y[i] = (float)value_at(&f, (double)x[i]);
}

// dx may be dy itself.
void real_pointwise_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  const float *x = j->in[0].data;
  float *to = dx[0];
  struct function f = function_of(j->node);
  int64_t begin, end;
  job_share(j, to ? job_frames(j, &j->out[0]) * j->out[0].elements : 0, &begin, &end);
  if (j->fresh && j->node->op == OP_relu)
    for (int64_t i = begin; i < end; i++) to[i] = x[i] > 0 ? dy[i] : 0;
  else
    for (int64_t i = begin; i < end; i++) {
      float d = (float)((double)dy[i] * slope_at(&f, (double)x[i]));
      to[i] = j->fresh ? d : to[i] + d;
    }
}
