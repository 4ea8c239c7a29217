// SPDX-License-Identifier: Apache-2.0
// Activations and casts: element by element, as the kind's exact function or by a table.
#include "sw/graph/column.h"
#include "sw/graph/pointwise.h"

#include <math.h>

enum { SLOPE_SHIFT_MAX = 60, TABLE_WIDTH_MAX = 16, ENUMERATED_MAX = 16 };

static bool table_types(const struct node *n, const struct value *x, const struct value *y,
                        struct err *e) {
  const struct tensor *t = node_attr(n, ATTR_table)->tensor;
  if (!check_no_requants(n, "a table", e)) return false;
  if (x->type.axis >= 0 || y->type.axis >= 0)
    return check_wrong(e, "output", y, "one scale per tensor, as its input");
  if (type_width(&x->type) > TABLE_WIDTH_MAX || !type_is_fixed(&x->type))
    return check_wrong(e, "input", x, "a fixed type of at most 16 bits, for a table");
  if (type_is_minifloat(&y->type)) return check_wrong(e, "output", y, "a fixed type, for a table");
  int64_t codes = type_highest(&x->type) - type_lowest(&x->type) + 1;
  if (t->dtype != DTYPE_I32 && t->dtype != DTYPE_I64)
    return err_set(e, "table: dtype %s, expected I32", dtype_text(t->dtype));
  if (t->rank != 1 || t->count != codes)
    return err_set(e, "table: %lld entries, expected %lld", (long long)t->count, (long long)codes);
  for (int64_t i = 0; i < t->count; i++)
    if (tensor_int(t, i) < type_lowest(&y->type) || tensor_int(t, i) > type_highest(&y->type))
      return err_set(e, "table: entry %lld is %lld, outside of the output's type", (long long)i,
                     (long long)tensor_int(t, i));
  return true;
}

static bool slopes(const struct node *n, const struct op_info *info, struct err *e) {
  for (uint32_t i = 0; i < info->slopes; i++)
    if (n->rq[i].count != 1 || n->rq[i].shift[0] < 0 || n->rq[i].shift[0] > SLOPE_SHIFT_MAX)
      return err_set(e, "slope: expected one entry with a shift of 0 to %d", SLOPE_SHIFT_MAX);
  return true;
}

// Integer constants: bounds are input codes in order, thresholds and the upper end of
// hard_sigmoid are not negative.
static bool check_codes(const struct node *n, const struct value *x, struct err *e) {
  const struct op_info *info = op_info(n->op);
  const struct attr *codes = node_attr(n, ATTR_codes);
  if ((codes ? codes->count : 0) != info->codes)
    return err_set(e, "codes: %lld integer constants, expected %u",
                   (long long)(codes ? codes->count : 0), info->codes);
  if (!codes) return true;
  const int64_t *c = codes->ints, most = (int64_t)1 << 61;
  bool bounds = info->codes == 2 && info->slopes == 0;
  int64_t lowest = bounds ? type_lowest(&x->type) : info->codes == 2 ? -most : 0;
  int64_t highest = bounds ? type_highest(&x->type) : most;
  bool good = c[0] >= lowest && c[0] <= highest;
  if (bounds) good &= c[1] >= c[0] && c[1] <= highest;
  if (info->codes == 2 && !bounds) good &= c[1] >= 0 && c[1] <= most;
  bool first = c[0] >= lowest && c[0] <= highest;
  return good || err_set(e, "codes: %lld is out of range or order", (long long)c[first]);
}

// What a requantisation of floats rounds to.
static bool real_pointwise_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct attr *type = node_attr(n, ATTR_type);
  const struct value *y = node_out(g, n, 0);
  if (!op_takes(n->op, ATTR_type)) return true;
  if (!type)
    return err_set(e, "%s of floats needs attribute \"type\", whose values it gives",
                   op_info(n->op)->name);
  struct value rounded = *node_in(g, n, 0); // channels are those before a slice
  rounded.name = y->name;
  rounded.type = type->type;
  if (!type_is_fixed(&type->type) && !type_is_bipolar(&type->type) &&
      !type_is_minifloat(&type->type))
    return check_wrong(e, "attribute type of", &rounded, "a fixed or bipolar type, or a minifloat");
  if (n->rounding == FIX_TFLITE) return err_set(e, "rounding tflite isn't defined for floats");
  if (type_stream_width(&type->type) > STREAM_BITS_MAX)
    return check_wrong(e, "attribute type of", &rounded, "at most 32 bits");
  return check_type(&rounded, e) && check_overflow(n, &rounded, e);
}

static bool pointwise_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct op_info *info = op_info(n->op);
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (!type_is_integer(&x->type)) return check_wrong(e, "input", x, "integers");
  if (!check_stream(y, e)) return false;
  if (node_attr(n, ATTR_table)) return table_types(n, x, y, e);
  if (info->curve != NONE) return err_set(e, "an integer %s needs its table", info->name);
  if (!op_is(n->op, TRAIT_CASTS) && (x->type.axis >= 0 || y->type.axis >= 0))
    return check_wrong(e, "input", x, "one scale per tensor");
  if (x->type.axis >= 0 && x->type.axis != x->rank - 1)
    return check_wrong(e, "input", x, "channels on the last axis");
  if (node_attr(n, ATTR_type))
    return err_set(e, "attribute \"type\" is of floats, the output's type says it of integers");
  bool monotone = exact_of(n->op)->monotone;
  if (!monotone && type_stream_width(&x->type) > ENUMERATED_MAX)
    return check_wrong(e, "input", x, "at most 16 bits, as the function isn't monotone");
  if (!check_codes(n, x, e)) return false;
  bool closed = monotone && !op_is(n->op, TRAIT_NARROWS) && type_equal(&x->type, &y->type);
  uint32_t least = info->slopes + (info->slopes || !closed);
  return check_requants(g, n, least, info->slopes + 1, e) && slopes(n, info, e) &&
         check_accumulator(g, n, e);
}

static struct interval pointwise_acc_of(const struct graph *g, const struct node *n,
                                        enum known known, int64_t c) {
  struct pointwise p = pointwise_of(g, n);
  struct interval x = interval_codes(g, n, known, 0);
  p.constants.zero = type_zero(&node_in(g, n, 0)->type, c);
  struct interval all = {pointwise_acc(&p, (int64_t)x.lo), pointwise_acc(&p, (int64_t)x.hi)};
  if (p.exact->monotone) return all;
  all.hi = all.lo;
  for (int64_t i = (int64_t)x.lo + 1; i <= (int64_t)x.hi; i++) {
    fix_wide v = pointwise_acc(&p, i);
    all = interval_join(all, (struct interval){v, v});
  }
  return all;
}

static double pointwise_scale(const struct graph *g, const struct node *n, int64_t c) {
  int shift = op_info(n->op)->slopes ? n->rq[0].shift[0] : 0;
  return ldexp(type_scale(&node_in(g, n, 0)->type, c), -shift);
}

static struct interval looked_up(const struct graph *g, const struct node *n) {
  struct pointwise p = pointwise_of(g, n);
  struct interval x = interval_codes(g, n, KNOWN_PROVEN, 0), all = {0, 0};
  for (int64_t i = (int64_t)x.lo; i <= (int64_t)x.hi; i++) {
    int64_t y = pointwise_code(&p, i);
    all =
        i == (int64_t)x.lo ? (struct interval){y, y} : interval_join(all, (struct interval){y, y});
  }
  return all;
}

static struct interval pointwise_range(const struct graph *g, const struct node *n, uint32_t out) {
  uint32_t slopes = op_info(n->op)->slopes;
  (void)out;
  if (node_attr(n, ATTR_table)) return looked_up(g, n);
  return interval_requantised(g, n, n->n_rq > slopes ? &n->rq[slopes] : NULL);
}

const struct graph_column column_pointwise = {.space = space_elements,
                                              .types = pointwise_types,
                                              .real_types = real_pointwise_types,
                                              .acc = pointwise_acc_of,
                                              .acc_scale = pointwise_scale,
                                              .range = pointwise_range};
