// SPDX-License-Identifier: Apache-2.0
// Types of one node: reals stay reals, integers carry everything that their executor needs.
#include "sw/graph/assign.h"
#include "sw/graph/interval.h"
#include "sw/graph/verify.h"

#include <math.h>

enum { ADDENDS = 2, SLOPE_SHIFT_MAX = 60 };

// Relative, for scales that were computed in floats.
#define SCALE_TOLERANCE 1e-6

static bool wrong(struct err *e, const char *what, const struct value *v, const char *expected) {
  struct arena a = {0};
  err_put(e, "%s \"%s\" has type %s, expected %s", what, v->name, type_text(&a, &v->type),
          expected);
  arena_free(&a);
  return false;
}

static bool all_real(const struct graph *g, const struct node *n) {
  for (uint32_t i = 0; i < n->n_in; i++)
    if (node_in(g, n, i)->type.cls != TYPE_REAL) return false;
  return n->n_in > 0;
}

static bool any_real(const struct graph *g, const struct node *n) {
  for (uint32_t i = 0; i < n->n_in; i++)
    if (node_in(g, n, i)->type.cls == TYPE_REAL) return true;
  return false;
}

// One entry, or one per channel of the last axis; each a defined scale.
static bool check_requant(const struct requant *rq, const struct value *y, struct err *e) {
  if (rq->count != 1 && (y->rank == 0 || rq->count != y->shape[y->rank - 1]))
    return err_set(e, "requant: %lld entries, expected 1 or one per output channel",
                   (long long)rq->count);
  for (int64_t i = 0; i < rq->count; i++)
    if (rq->mul[i] < 1 || rq->mul[i] >= (int64_t)1 << 40 || rq->shift[i] < FIX_SHIFT_MIN ||
        rq->shift[i] > FIX_SHIFT_MAX)
      return err_set(e, "requant: mul %lld, shift %d; expected 1 <= mul < 2^40, %d <= shift <= %d",
                     (long long)rq->mul[i], rq->shift[i], FIX_SHIFT_MIN, FIX_SHIFT_MAX);
  return true;
}

static bool check_requants(const struct graph *g, const struct node *n, uint32_t least,
                           uint32_t most, struct err *e) {
  if (n->n_rq < least || n->n_rq > most)
    return err_set(e, "%u requantisations, expected %u to %u", n->n_rq, least, most);
  const struct value *y = n->n_out ? node_out(g, n, 0) : &g->values[n->ref[0]];
  for (uint32_t i = 0; i < n->n_rq; i++)
    if (!check_requant(&n->rq[i], y, e)) return false;
  for (int64_t c = 0; n->overflow == FIX_SYMMETRIC && c < y->type.channels; c++)
    if (type_is_integer(&y->type) && type_zero(&y->type, c) != 0)
      return err_set(e, "overflow symmetric is about zero 0, found zero %d",
                     type_zero(&y->type, c));
  return true;
}

// A stream that a sum runs over: integers with one scale.
static bool summable(const struct value *v, struct err *e) {
  if (type_is_integer(&v->type) && v->type.axis < 0) return true;
  return wrong(e, "input", v, "integers with one scale per tensor");
}

// Channels are those of the last axis, which requantisations are numbered by.
static bool stream_out(const struct value *y, struct err *e) {
  if (y->type.cls != TYPE_FIXED && y->type.cls != TYPE_BIPOLAR)
    return wrong(e, "output", y, "a fixed or bipolar type");
  return y->type.axis < 0 || y->type.axis == y->rank - 1 ||
         wrong(e, "output", y, "channels on the last axis");
}

static bool one_scale(const struct value *y, struct err *e) {
  return y->type.axis < 0 || wrong(e, "output", y, "one scale per tensor");
}

// The bias is added to the products, whose scale it must have.
static bool bias_types(const struct value *x, const struct value *w, const struct value *b,
                       struct err *e) {
  if (b->type.cls != TYPE_FIXED)
    return wrong(e, "bias", b, "integers at the accumulator's scale, zero 0");
  for (int64_t o = 0; o < b->shape[0]; o++) {
    double expected = type_scale(&x->type, 0) * type_scale(&w->type, o);
    double found = type_scale(&b->type, o);
    if (type_zero(&b->type, o) != 0)
      return err_set(e, "bias \"%s\": zero %d, expected 0", b->name, type_zero(&b->type, o));
    if (!(fabs(found - expected) <= SCALE_TOLERANCE * expected))
      return err_set(e,
                     "bias \"%s\": scale %.9g of output %lld, expected that of input times weight, "
                     "%.9g",
                     b->name, found, (long long)o, expected);
  }
  return true;
}

static bool linear_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  if (!summable(x, e)) return false;
  if (!type_is_integer(&w->type) || w->type.axis > 0)
    return wrong(e, "weight", w, "integers, scale per tensor or per output channel");
  return (!b || bias_types(x, w, b, e)) && stream_out(node_out(g, n, 0), e) &&
         check_requants(g, n, 1, 1, e) && interval_check(g, n, e);
}

// What is looked up or copied is the output's integer already.
static bool no_requants(const struct node *n, const char *what, struct err *e) {
  return n->n_rq == 0 || err_set(e, "%u requantisations, %s has none", n->n_rq, what);
}

static bool table_types(const struct node *n, const struct value *x, const struct value *y,
                        struct err *e) {
  const struct tensor *t = node_attr(n, ATTR_table)->tensor;
  if (!no_requants(n, "a table", e)) return false;
  if (x->type.axis >= 0 || y->type.axis >= 0)
    return wrong(e, "output", y, "one scale per tensor, as its input");
  if (type_width(&x->type) > 16 || x->type.cls != TYPE_FIXED)
    return wrong(e, "input", x, "a fixed type of at most 16 bits, for a table");
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

static bool pointwise_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct op_info *info = op_info(n->op);
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (!type_is_integer(&x->type)) return wrong(e, "input", x, "integers");
  if (!stream_out(y, e)) return false;
  if (node_attr(n, ATTR_table)) return table_types(n, x, y, e);
  if (info->curve != NONE) return err_set(e, "an integer %s needs its table", info->name);
  if (n->op != OP_quantize && (x->type.axis >= 0 || y->type.axis >= 0))
    return wrong(e, "input", x, "one scale per tensor");
  if (x->type.axis >= 0 && x->type.axis != x->rank - 1)
    return wrong(e, "input", x, "channels on the last axis");
  if (!check_codes(n, x, e)) return false;
  uint32_t least = info->slopes ? info->slopes + 1 : !type_equal(&x->type, &y->type);
  return check_requants(g, n, least, info->slopes + 1, e) && slopes(n, info, e) &&
         interval_check(g, n, e);
}

static bool join_types(const struct graph *g, const struct node *n, struct err *e) {
  if (!summable(node_in(g, n, 0), e) || !summable(node_in(g, n, 1), e)) return false;
  uint32_t count = n->op == OP_mul ? 1 : ADDENDS;
  if (n->rounding == FIX_TFLITE)
    return err_set(e, "rounding tflite isn't defined for %s", op_info(n->op)->name);
  if (!stream_out(node_out(g, n, 0), e) || !one_scale(node_out(g, n, 0), e) ||
      !check_requants(g, n, count, count, e))
    return false;
  for (uint32_t i = 0; i < n->n_rq; i++)
    if (n->rq[i].count != 1 || n->rq[i].shift[0] != n->rq[0].shift[0])
      return err_set(e, "requant: the inputs of %s share one shift", op_info(n->op)->name);
  return interval_check(g, n, e);
}

static bool sum_types(const struct graph *g, const struct node *n, struct err *e) {
  if (!(op_info(n->op)->executors & EXECUTOR_GOLDEN))
    return err_set(e, "%s works on floats, found integers", op_info(n->op)->name);
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!summable(node_in(g, n, i), e)) return false;
  if (!stream_out(node_out(g, n, 0), e) || !check_requants(g, n, 1, 1, e)) return false;
  if (n->op == OP_sum && !one_scale(node_out(g, n, 0), e)) return false;
  if (n->op == OP_sum && n->rq[0].count != 1)
    return err_set(e, "requant: %lld entries, a sum has 1", (long long)n->rq[0].count);
  return interval_check(g, n, e);
}

static bool classify_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0), *z = node_out(g, n, 1);
  if (!no_requants(n, op_info(n->op)->name, e) || !one_scale(y, e)) return false;
  if (n->op == OP_softmax)
    return summable(x, e) && (y->type.cls == TYPE_FIXED || wrong(e, "output", y, "a fixed type"));
  if (y->type.cls != TYPE_FIXED || type_highest(&y->type) < x->shape[x->rank - 1] - 1 ||
      type_zero(&y->type, 0) != 0 || type_scale(&y->type, 0) != 1)
    return wrong(e, "output", y, "integers of scale 1 that hold the index of the last element");
  if (z && !type_equal(&z->type, &x->type)) return wrong(e, "output", z, "the type of the input");
  return x->type.axis < 0 || wrong(e, "input", x, "one scale per tensor");
}

static bool state_types(const struct graph *g, const struct node *n, struct err *e) {
  if (n->op != OP_assign && !no_requants(n, op_info(n->op)->name, e)) return false;
  if (n->op == OP_variable) {
    const struct value *y = node_out(g, n, 0);
    return y->type.cls == TYPE_REF || wrong(e, "output", y, "ref");
  }
  const struct value *held = assign_held(g, n, 0);
  if (n->op == OP_read) {
    const struct value *y = node_out(g, n, 0);
    return type_equal(&y->type, &held->type) || wrong(e, "output", y, "the type of the variable");
  }
  if (!assign_verify(g, n, e)) return false;
  if (held->type.cls == TYPE_REAL) return true;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!summable(node_in(g, n, i), e)) return false;
  if (held->type.axis > 0) return wrong(e, "variable", held, "channels on the first axis");
  if (n->n_rq && n->rq[0].count != 1)
    return err_set(e, "requant: %lld entries, an assign has 1", (long long)n->rq[0].count);
  return check_requants(g, n, 0, 1, e);
}

static bool copied_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *y = node_out(g, n, 0);
  if (!no_requants(n, op_info(n->op)->name, e)) return false;
  return type_equal(&node_in(g, n, 0)->type, &y->type) ||
         wrong(e, "output", y, "the type of the input");
}

// Either every input has the type of the output, or each has a requantisation to it.
static bool concat_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *y = node_out(g, n, 0);
  bool equal = true;
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (!summable(node_in(g, n, i), e)) return false;
    equal &= type_equal(&node_in(g, n, i)->type, &y->type);
  }
  if (!stream_out(y, e) || !one_scale(y, e)) return false;
  if (n->n_rq != n->n_in && !(equal && n->n_rq == 0))
    return err_set(
        e, "%u requantisations, expected %u: one per input, or none if all types are the output's",
        n->n_rq, n->n_in);
  if (n->n_rq && n->rounding == FIX_TFLITE)
    return err_set(e, "rounding tflite isn't defined for concat");
  for (uint32_t i = 0; i < n->n_rq; i++)
    if (n->rq[i].count != 1) return err_set(e, "requant: concat has one entry per input");
  return check_requants(g, n, 0, n->n_in, e);
}

static bool real_types(const struct graph *g, const struct node *n, struct err *e) {
  if (!(op_info(n->op)->executors & EXECUTOR_REAL))
    return err_set(e, "%s works on integers, found real inputs", op_info(n->op)->name);
  if (n->n_rq) return err_set(e, "requant: a real node has none");
  for (uint32_t i = 0; i < n->n_out; i++) {
    const struct value *y = node_out(g, n, i);
    bool index = n->op == OP_argmax && i == 0;
    if (index ? y->type.cls != TYPE_FIXED : y->type.cls != TYPE_REAL)
      return wrong(e, "output", y,
                   index ? "integers of scale 1 that hold the index, such as \"u8,0\""
                         : "real, as its inputs");
  }
  return true;
}

bool verify_types(const struct graph *g, const struct node *n, struct err *e) {
  enum op_column column = (enum op_column)op_info(n->op)->column;
  if (column == COLUMN_OPAQUE) return true;
  if (column == COLUMN_STATE) return state_types(g, n, e);
  if (all_real(g, n)) return real_types(g, n, e) && verify_training(g, n, e);
  if (any_real(g, n)) return err_set(e, "its inputs mix real and integer types");
  switch (column) {
  case COLUMN_LINEAR:
    return linear_types(g, n, e);
  case COLUMN_SHAPE:
    return copied_types(g, n, e);
  case COLUMN_CONCAT:
    return concat_types(g, n, e);
  case COLUMN_POINTWISE:
    return pointwise_types(g, n, e);
  case COLUMN_CLASSIFY:
    return classify_types(g, n, e);
  case COLUMN_JOIN:
    return join_types(g, n, e);
  case COLUMN_REDUCE:
  case COLUMN_MATMUL:
    return sum_types(g, n, e);
  case COLUMN_TRAINING:
  case COLUMN_GRADIENT:
    return err_set(e, "%s works on floats, found integers", op_info(n->op)->name);
  case COLUMN_STATE:
  case COLUMN_OPAQUE:
    break;
  }
  return false;
}
