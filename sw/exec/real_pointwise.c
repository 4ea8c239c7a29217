// SPDX-License-Identifier: Apache-2.0
// Activations and their slopes, in double: the formulas for those that are piecewise linear,
// curve.h for the rest. relu, which is most of what networks have, is apart: in a loop that the
// compiler makes into vectors.
#include "sw/exec/job.h"
#include "sw/graph/curve.h"

#include <math.h>

// The constants of a node, looked up once.
struct constants {
  enum op op;
  int curve;
  double lambda, slope, offset, lo, hi, alpha;
};

static struct constants constants_of(const struct node *n) {
  return (struct constants){.op = n->op,
                            .curve = node_curve(n),
                            .lambda = node_real(n, ATTR_lambda, 0),
                            .slope = node_real(n, ATTR_slope, 0),
                            .offset = node_real(n, ATTR_offset, 0),
                            .lo = node_real(n, ATTR_lo, 0),
                            .hi = node_real(n, ATTR_hi, 0),
                            .alpha = node_real(n, ATTR_alpha, 1.0)};
}

static double clamp(double v, double lo, double hi) {
  return v < lo ? lo : v > hi ? hi : v;
}

static double value_at(const struct constants *c, double x) {
  if (c->curve != NONE) return curve_real((enum curve)c->curve, c->alpha, x);
  switch (c->op) {
  case OP_relu:
    return x > 0 ? x : 0;
  case OP_relu6:
    return clamp(x, 0, 6);
  case OP_clip:
    return clamp(x, c->lo, c->hi);
  case OP_hard_tanh:
    return clamp(x, -1, 1);
  case OP_leaky_relu:
    return x >= 0 ? x : x * c->slope;
  case OP_hard_sigmoid:
    return clamp(x * c->slope + c->offset, 0, 1);
  case OP_softshrink:
    return x > c->lambda ? x - c->lambda : x < -c->lambda ? x + c->lambda : 0;
  case OP_hardshrink:
    return fabs(x) > c->lambda ? x : 0;
  default:
    return x;
  }
}

void real_pointwise(const struct job *j) {
  const float *x = j->in[0].data;
  float *y = j->out[0].data;
  struct constants c = constants_of(j->node);
  int64_t begin, end;
  job_share(j, job_frames(j, &j->out[0]) * j->out[0].elements, &begin, &end);
  if (c.op == OP_relu)
    for (int64_t i = begin; i < end; i++) y[i] = x[i] > 0 ? x[i] : 0;
  else
    for (int64_t i = begin; i < end; i++) y[i] = (float)value_at(&c, (double)x[i]);
}

// At a kink as PyTorch takes it: the slope of the flat side, of the left side for leaky_relu; but
// clip passes the gradient at both its bounds.
static double slope_at(const struct constants *c, double x) {
  if (c->curve != NONE) return curve_slope((enum curve)c->curve, c->alpha, x);
  double gate = x * c->slope + c->offset;
  switch (c->op) {
  case OP_relu:
    return x > 0;
  case OP_relu6:
    return x > 0 && x < 6;
  case OP_clip:
    return x >= c->lo && x <= c->hi;
  case OP_hard_tanh:
    return x > -1 && x < 1;
  case OP_leaky_relu:
    return x > 0 ? 1 : c->slope;
  case OP_hard_sigmoid:
    return gate > 0 && gate < 1 ? c->slope : 0;
  case OP_softshrink:
  case OP_hardshrink:
    return fabs(x) > c->lambda;
  default:
    return 1;
  }
}

// dx may be dy itself.
void real_pointwise_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  const float *x = j->in[0].data;
  float *to = dx[0];
  struct constants c = constants_of(j->node);
  int64_t begin, end;
  job_share(j, to ? job_frames(j, &j->out[0]) * j->out[0].elements : 0, &begin, &end);
  if (j->fresh && c.op == OP_relu)
    for (int64_t i = begin; i < end; i++) to[i] = x[i] > 0 ? dy[i] : 0;
  else
    for (int64_t i = begin; i < end; i++) {
      float d = (float)((double)dy[i] * slope_at(&c, (double)x[i]));
      to[i] = j->fresh ? d : to[i] + d;
    }
}
