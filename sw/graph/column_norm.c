// SPDX-License-Identifier: Apache-2.0
// batch_norm: each channel of the last axis less its mean, over its deviation, times gamma plus
// beta; in floats. With a step it takes mean and variance from the frames of the step and gives
// them away, otherwise its inputs 3 and 4 are they.
#include "sw/graph/column.h"
#include "sw/graph/norm.h"

#include <math.h>

static bool norm_shape(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                       int64_t shape[RANK_MAX], struct err *e) {
  shape_copy(node_in(g, n, 0), rank, shape);
  if (*rank == 0) return err_set(e, "an input of rank 0 has no channels");
  if (out == 0) return true;
  shape[0] = shape[*rank - 1];
  *rank = 1;
  return true;
}

static bool check_channels(const struct graph *g, const struct node *n, struct err *e) {
  static const char *const names[] = {NULL, "gamma", "beta", "mean", "variance"};
  const struct value *x = node_in(g, n, 0);
  int64_t channels = x->shape[x->rank - 1];
  for (uint32_t i = 1; i < NORM_STEP; i++) {
    const struct value *v = node_in(g, n, i);
    if (v->rank != 1 || v->shape[0] != channels || v->per_frame)
      return err_set(e, "%s \"%s\": expected one number for each of %lld channels", names[i],
                     v->name, (long long)channels);
  }
  return true;
}

static bool check_variances(const struct graph *g, const struct node *n, double epsilon,
                            struct err *e) {
  const struct value *v = node_in(g, n, NORM_VARIANCE);
  for (int64_t c = 0; v->init && c < v->init->count; c++)
    if (!(tensor_real(v->init, c) + epsilon > 0) || !isfinite(tensor_real(v->init, c)))
      return err_set(e, "variance \"%s\": channel %lld has %g: with epsilon %g expected above 0",
                     v->name, (long long)c, tensor_real(v->init, c), epsilon);
  return true;
}

static bool norm_types(const struct graph *g, const struct node *n, struct err *e) {
  double epsilon = node_real(n, ATTR_epsilon, NORM_EPSILON);
  double momentum = node_real(n, ATTR_momentum, NORM_MOMENTUM);
  const struct value *step = node_in(g, n, NORM_STEP);
  if (!(epsilon >= 0 && isfinite(epsilon)))
    return err_set(e, "epsilon: %g, expected 0 or more", epsilon);
  if (!(momentum >= 0 && momentum < 1))
    return err_set(e, "momentum: %g, expected 0 <= momentum < 1", momentum);
  if (step && (value_elements(step) != 1 || step->per_frame))
    return err_set(e, "expected one number, the step, found %lld", (long long)value_elements(step));
  if (n->n_out != (step ? 3 : 1))
    return err_set(e, "%u outputs, expected %s", n->n_out,
                   step ? "3 with a step: the frames' mean and variance too" : "1 without a step");
  return check_channels(g, n, e) && check_variances(g, n, epsilon, e);
}

const struct graph_column column_norm = {.shape = norm_shape, .real_types = norm_types};
