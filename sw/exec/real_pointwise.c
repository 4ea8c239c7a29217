// SPDX-License-Identifier: Apache-2.0
// Activations and their slopes, in double: the formulas for those that are piecewise linear,
// curve.h for the rest.
#include "sw/exec/job.h"
#include "sw/graph/curve.h"

#include <math.h>

static double clamp(double v, double lo, double hi) {
  return v < lo ? lo : v > hi ? hi : v;
}

static double exact(const struct node *n, double x) {
  double lambda = node_real(n, ATTR_lambda, 0), slope = node_real(n, ATTR_slope, 0);
  switch (n->op) {
  case OP_relu:
    return x > 0 ? x : 0;
  case OP_relu6:
    return clamp(x, 0, 6);
  case OP_clip:
    return clamp(x, node_real(n, ATTR_lo, 0), node_real(n, ATTR_hi, 0));
  case OP_hard_tanh:
    return clamp(x, -1, 1);
  case OP_leaky_relu:
    return x >= 0 ? x : x * slope;
  case OP_hard_sigmoid:
    return clamp(x * slope + node_real(n, ATTR_offset, 0), 0, 1);
  case OP_softshrink:
    return x > lambda ? x - lambda : x < -lambda ? x + lambda : 0;
  case OP_hardshrink:
    return fabs(x) > lambda ? x : 0;
  default:
    return x;
  }
}

void real_pointwise(const struct job *j) {
  const float *x = j->in[0].data;
  float *y = j->out[0].data;
  int curve = node_curve(j->node);
  double alpha = node_real(j->node, ATTR_alpha, 1.0);
  int64_t count = job_frames(j, &j->out[0]) * j->out[0].elements;
  for (int64_t i = 0; i < count; i++)
    y[i] = (float)(curve == NONE ? exact(j->node, (double)x[i])
                                 : curve_real((enum curve)curve, alpha, (double)x[i]));
}

// At a kink as PyTorch takes it: the slope of the flat side, of the left side for leaky_relu; but
// clip passes the gradient at both its bounds.
static double exact_slope(const struct node *n, double x) {
  double lambda = node_real(n, ATTR_lambda, 0), slope = node_real(n, ATTR_slope, 0);
  double gate = x * slope + node_real(n, ATTR_offset, 0);
  switch (n->op) {
  case OP_relu:
    return x > 0;
  case OP_relu6:
    return x > 0 && x < 6;
  case OP_clip:
    return x >= node_real(n, ATTR_lo, 0) && x <= node_real(n, ATTR_hi, 0);
  case OP_hard_tanh:
    return x > -1 && x < 1;
  case OP_leaky_relu:
    return x > 0 ? 1 : slope;
  case OP_hard_sigmoid:
    return gate > 0 && gate < 1 ? slope : 0;
  case OP_softshrink:
  case OP_hardshrink:
    return fabs(x) > lambda;
  default:
    return 1;
  }
}

void real_pointwise_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  const float *x = j->in[0].data;
  int curve = node_curve(j->node);
  double alpha = node_real(j->node, ATTR_alpha, 1.0);
  int64_t count = dx[0] ? job_frames(j, &j->out[0]) * j->out[0].elements : 0;
  for (int64_t i = 0; i < count; i++)
    dx[0][i] += (float)((double)dy[i] *
                        (curve == NONE ? exact_slope(j->node, (double)x[i])
                                       : curve_slope((enum curve)curve, alpha, (double)x[i])));
}
