// SPDX-License-Identifier: Apache-2.0
// fake_quant: floats that hold what codes of a type stand for, while the network is trained.
//
//   x [, t]   ->   y, e
//
// The attribute `type` is of scale u, a power of two. The scale of y is u 2^e with e = ceil(t), or,
// without t, the least e at which nothing saturates. There is one e, or one for each index of the
// first axis: as many as t has, or, without t, with `axis` 0.
#include "sw/graph/column.h"

#include <math.h>
#include <string.h>

enum { WIDTH_MAX = 32 };

static int64_t scales(const struct node *n, const struct value *x, const struct value *t) {
  if (t) return value_elements(t);
  return node_int(n, ATTR_axis, -1) == 0 && x->rank ? x->shape[0] : 1;
}

static bool fake_quant_shape(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                             int64_t shape[RANK_MAX], struct err *e) {
  const struct value *x = node_in(g, n, 0);
  (void)e;
  shape_copy(x, rank, shape);
  if (out == 0) return true;
  *rank = 1;
  shape[0] = scales(n, x, node_in(g, n, 1));
  return true;
}

static bool is_power_of_two(double scale) {
  int exponent;
  return frexp(scale, &exponent) == 0.5;
}

static bool fake_quant_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct type *type = &node_attr(n, ATTR_type)->type;
  const struct value *x = node_in(g, n, 0), *t = node_in(g, n, 1);
  int64_t axis = node_int(n, ATTR_axis, -1), count = scales(n, x, t);
  bool fits = type_is_bipolar(type) || type->cls == TYPE_TERNARY ||
              (type_is_fixed(type) && type_width(type) <= WIDTH_MAX);
  if (!fits || type->axis >= 0 || type_zero(type, 0) != 0 || !is_power_of_two(type_scale(type, 0)))
    return err_set(e, "type: %s, expected W,F, uW,F, bipolar or ternary",
                   type_text(g->arena, type));
  if (axis != -1 && axis != 0) return err_set(e, "axis: %lld, expected 0", (long long)axis);
  if (!t && !(type_is_fixed(type) && type->is_signed))
    return err_set(e, "type %s saturates at every scale: it needs a second input, which says one",
                   type_text(g->arena, type));
  if (t && t->per_frame) return err_set(e, "the scale of \"%s\" has frames", t->name);
  if (count != 1 && (x->per_frame || x->rank < 1 || count != x->shape[0]))
    return err_set(e, "%lld scales, expected 1 or one for each index of the first axis",
                   (long long)count);
  return true;
}

const struct graph_column column_fake_quant = {.shape = fake_quant_shape,
                                               .real_types = fake_quant_types};
