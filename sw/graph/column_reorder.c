// SPDX-License-Identifier: Apache-2.0
// slice, pad, upsample, permute: every element of the output is one of the input, or a constant.
// Which one, the forms of the space say: an axis for each dimension of the output, one of which
// each dimension of the input is read at; what isn't there is the constant.
#include "sw/graph/column.h"

// The axis on which a list doesn't fit the input.
static bool misfit(const struct value *x, enum attr_name name, int d, int64_t found, int64_t least,
                   struct err *e) {
  return err_set(e, "%s: %lld on axis %d of %lld, expected %lld to %lld", attr_text(name),
                 (long long)found, d, (long long)x->shape[d], (long long)least,
                 (long long)x->shape[d] - (name == ATTR_begin));
}

// Elements begin, begin + step, .. before end of each dimension.
static bool slice_space(const struct node *n, const struct value *x, struct space *s,
                        struct err *e) {
  int64_t begin[RANK_MAX] = {0}, end[RANK_MAX], step[RANK_MAX];
  for (int d = 0; d < x->rank; d++) {
    end[d] = x->shape[d];
    step[d] = 1;
  }
  if (!node_list(n, ATTR_begin, x->rank, 0, begin, e) ||
      !node_list(n, ATTR_end, x->rank, 1, end, e) || !node_list(n, ATTR_step, x->rank, 1, step, e))
    return false;
  for (int d = 0; d < x->rank; d++) {
    if (begin[d] >= x->shape[d]) return misfit(x, ATTR_begin, d, begin[d], 0, e);
    if (end[d] <= begin[d] || end[d] > x->shape[d])
      return misfit(x, ATTR_end, d, end[d], begin[d] + 1, e);
    s->in[0][d].offset = begin[d];
    space_term(s, 0, d, space_axis(s, (end[d] - begin[d] - 1) / step[d] + 1, false), step[d]);
  }
  return true;
}

// So many elements in front of each dimension, then behind each.
static bool pad_space(const struct node *n, const struct value *x, struct space *s, struct err *e) {
  int64_t pad[2 * RANK_MAX];
  if (!node_list(n, ATTR_pad, 2 * x->rank, 0, pad, e)) return false;
  for (int d = 0; d < x->rank; d++) {
    int64_t size = pad[d] + x->shape[d] + pad[x->rank + d];
    if (size > DIM_MAX)
      return err_set(e, "pad: %lld elements on axis %d, at most %lld", (long long)size, d,
                     (long long)DIM_MAX);
    s->in[0][d].offset = -pad[d];
    space_term(s, 0, d, space_axis(s, size, false), 1);
  }
  return true;
}

// Each row and each column so many times, one behind the other: the nearest one is read.
static bool upsample_space(const struct node *n, const struct value *x, struct space *s,
                           struct err *e) {
  int64_t factor[RANK_MAX];
  if (x->rank != 2 && x->rank != 3)
    return err_set(e, "expected an image (H, W, C) or (L, C), found rank %d", x->rank);
  if (!node_list(n, ATTR_factors, x->rank - 1, 1, factor, e)) return false;
  factor[x->rank - 1] = 1;
  for (int d = 0; d < x->rank; d++) {
    if (x->shape[d] * factor[d] > DIM_MAX)
      return err_set(e, "factors: %lld times %lld elements on axis %d, at most %lld",
                     (long long)factor[d], (long long)x->shape[d], d, (long long)DIM_MAX);
    s->in[0][d].per = factor[d];
    space_term(s, 0, d, space_axis(s, x->shape[d] * factor[d], false), 1);
  }
  return true;
}

// Each dimension of the output is one of the input.
static bool permute_space(const struct node *n, const struct value *x, struct space *s,
                          struct err *e) {
  int64_t axis[RANK_MAX];
  bool taken[RANK_MAX] = {false};
  if (!node_list(n, ATTR_axes, x->rank, 0, axis, e)) return false;
  for (int k = 0; k < x->rank; k++) {
    if (axis[k] >= x->rank || taken[axis[k]])
      return err_set(e, "axes: %lld%s, expected each of 0 to %d once", (long long)axis[k],
                     axis[k] < x->rank ? " twice" : "", x->rank - 1);
    taken[axis[k]] = true;
    space_term(s, 0, (int)axis[k], space_axis(s, x->shape[axis[k]], false), 1);
  }
  return true;
}

static bool reorder_space(const struct graph *g, const struct node *n, struct space *s,
                          struct err *e) {
  const struct value *x = node_in(g, n, 0);
  if (n->op == OP_pad) return pad_space(n, x, s, e);
  if (n->op == OP_upsample) return upsample_space(n, x, s, e);
  return (n->op == OP_permute ? permute_space : slice_space)(n, x, s, e);
}

// The constant as a code, for which there is one scale.
static bool constant_types(const struct node *n, const struct value *x, struct err *e) {
  const struct attr *codes = node_attr(n, ATTR_codes);
  if (!op_takes(n->op, ATTR_codes)) return true;
  if (!check_summable(x, e)) return false;
  if (!codes || codes->count != 1)
    return err_set(e, "codes: %lld integer constants, expected 1, the code around the frame",
                   (long long)(codes ? codes->count : 0));
  return type_is_code(&x->type, codes->ints[0]) ||
         err_set(e, "codes: %lld isn't one of the input's type", (long long)codes->ints[0]);
}

// Channels stay where they are, as the output's type is the input's.
static bool reorder_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0);
  struct space s;
  if (!type_is_integer(&x->type)) return check_wrong(e, "input", x, "integers");
  if (!check_copied(g, n, e) || !constant_types(n, x, e) || !space_of(g, n, &s, e)) return false;
  int axis = x->type.axis;
  return axis < 0 || form_axis(&s, 0, axis) == axis ||
         err_set(
             e,
             "input \"%s\" has a scale per index of axis %d, which this node reorders: expected "
             "one scale",
             x->name, axis);
}

static struct interval reorder_range(const struct graph *g, const struct node *n, uint32_t out) {
  const struct attr *codes = node_attr(n, ATTR_codes);
  struct interval x = interval_codes(g, n, KNOWN_PROVEN, 0);
  (void)out;
  return codes ? interval_join(x, (struct interval){codes->ints[0], codes->ints[0]}) : x;
}

const struct graph_column column_reorder = {
    .space = reorder_space, .types = reorder_types, .range = reorder_range};
