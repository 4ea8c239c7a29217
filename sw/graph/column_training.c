// SPDX-License-Identifier: Apache-2.0
// The kinds that only training graphs hold; all are in floats.
#include "sw/graph/column.h"

#include <math.h>
#include <string.h>

static bool training_shape(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                           int64_t shape[RANK_MAX], struct err *e) {
  (void)out;
  shape_copy(node_in(g, n, 0), rank, shape);
  if (n->op != OP_cross_entropy) return true;
  if (*rank == 0) return err_set(e, "outputs of rank 0 have no classes");
  shape[*rank - 1] = 1;
  return true;
}

static bool check_schedule(const struct graph *g, const struct node *n, struct err *e) {
  const struct tensor *t = node_attr(n, ATTR_table)->tensor;
  int64_t every = node_int(n, ATTR_every, 1);
  if (t->dtype != DTYPE_F32 || t->rank != 1 || t->count < 1)
    return err_set(e, "table: %s of rank %d, expected a list of F32", dtype_text(t->dtype),
                   t->rank);
  for (int64_t i = 0; i < t->count; i++)
    if (!isfinite(tensor_real(t, i)))
      return err_set(e, "table: entry %lld isn't finite", (long long)i);
  if (every < 1) return err_set(e, "every: %lld steps, expected 1 or more", (long long)every);
  return value_elements(node_in(g, n, 0)) == 1 ||
         err_set(e, "expected one number, the step, found %lld",
                 (long long)value_elements(node_in(g, n, 0)));
}

static bool check_dropout(const struct graph *g, const struct node *n, struct err *e) {
  double rate = node_real(n, ATTR_rate, 0);
  if (!(rate >= 0 && rate < 1)) return err_set(e, "rate: %g, expected 0 <= rate < 1", rate);
  const struct value *step = node_in(g, n, 1);
  return !step || (value_elements(step) == 1 && !step->per_frame) ||
         err_set(e, "expected one number, the step, found %lld", (long long)value_elements(step));
}

static bool check_cross_entropy(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *z = node_in(g, n, 0), *t = node_in(g, n, 1);
  bool same = z->rank == t->rank && z->per_frame == t->per_frame &&
              memcmp(z->shape, t->shape, (size_t)z->rank * sizeof *z->shape) == 0;
  return same || err_set(e, "outputs and targets differ in shape: %lld and %lld elements",
                         (long long)value_elements(z), (long long)value_elements(t));
}

static bool training_types(const struct graph *g, const struct node *n, struct err *e) {
  if (n->op == OP_schedule) return check_schedule(g, n, e);
  return n->op == OP_dropout ? check_dropout(g, n, e) : check_cross_entropy(g, n, e);
}

const struct graph_column column_training = {.shape = training_shape, .real_types = training_types};
