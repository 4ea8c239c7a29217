// SPDX-License-Identifier: Apache-2.0
// Types of one node: reals stay reals, integers carry everything that their executor needs.
#include "sw/graph/column.h"
#include "sw/graph/verify.h"

#include <math.h>

bool check_wrong(struct err *e, const char *what, const struct value *v, const char *expected) {
  struct arena a = {0};
  err_put(e, "%s \"%s\" has type %s, expected %s", what, v->name, type_text(&a, &v->type),
          expected);
  arena_free(&a);
  return false;
}

bool check_type(const struct value *v, struct err *e) {
  const struct type *t = &v->type;
  if (!type_is_integer(t)) return true;
  if (type_is_coded(t) && !type_is_minifloat(t) && !v->init)
    return check_wrong(e, "value", v,
                       "another: blocks and residuals are types of constant weights");
  if (!v->init && type_stream_width(t) > STREAM_BITS_MAX && type_is_minifloat(t))
    return check_wrong(e, "value", v, "numbers that are integers of at most 32 bits");
  if (t->axis >= v->rank || (t->axis >= 0 && t->channels != v->shape[t->axis]))
    return err_set(e, "value \"%s\": its type has %lld channels on axis %d", v->name,
                   (long long)t->channels, t->axis);
  for (int64_t c = 0; c < t->channels; c++)
    if (!(t->scale[c] > 0) || !isfinite(t->scale[c]))
      return err_set(e, "value \"%s\": scale %g, expected a positive number", v->name, t->scale[c]);
  return true;
}

// Floats; and tensors of integers beside them, which stand for numbers.
static bool all_real(const struct graph *g, const struct node *n) {
  bool any = false;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const struct value *v = node_in(g, n, i);
    if (!type_is_real(&v->type) && !(v->init && type_is_integer(&v->type))) return false;
    any |= type_is_real(&v->type);
  }
  return any;
}

static bool any_real(const struct graph *g, const struct node *n) {
  for (uint32_t i = 0; i < n->n_in; i++)
    if (type_is_real(&node_in(g, n, i)->type)) return true;
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

// The first step drops 31 bits of a product with M.
static bool check_two_steps(const struct node *n, const struct requant *rq, struct err *e) {
  for (int64_t i = 0; n->rounding == FIX_TFLITE && i < rq->count; i++)
    if (rq->mul[i] > INT32_MAX)
      return err_set(e, "requant: mul %lld, rounding tflite has multipliers below 2^31",
                     (long long)rq->mul[i]);
  return true;
}

// Minifloats are rounded in one way, and saturate.
static bool check_float(const struct node *n, const struct value *y, struct err *e) {
  if (!type_is_minifloat(&y->type) || (n->rounding == FIX_HALF_EVEN && n->overflow == FIX_SATURATE))
    return true;
  return err_set(e, "rounding %s and overflow %s, a minifloat has half_even and saturate",
                 fix_rounding_text(n->rounding), fix_overflow_text(n->overflow));
}

bool check_overflow(const struct node *n, const struct value *y, struct err *e) {
  if (!check_float(n, y, e)) return false;
  for (int64_t c = 0; n->overflow == FIX_SYMMETRIC && c < y->type.channels; c++)
    if (type_is_integer(&y->type) && type_zero(&y->type, c) != 0)
      return err_set(e, "overflow symmetric is about zero 0, found zero %d",
                     type_zero(&y->type, c));
  return true;
}

bool check_requants(const struct graph *g, const struct node *n, uint32_t least, uint32_t most,
                    struct err *e) {
  if (n->n_rq < least || n->n_rq > most)
    return err_set(e, "%u requantisations, expected %u to %u", n->n_rq, least, most);
  const struct value *y = n->n_out ? node_out(g, n, 0) : &g->values[n->ref[0]];
  for (uint32_t i = 0; i < n->n_rq; i++)
    if (!check_requant(&n->rq[i], y, e) || !check_two_steps(n, &n->rq[i], e)) return false;
  return check_overflow(n, y, e);
}

// What is looked up or copied is the output's integer already.
bool check_no_requants(const struct node *n, const char *what, struct err *e) {
  return n->n_rq == 0 || err_set(e, "%u requantisations, %s has none", n->n_rq, what);
}

bool check_copied(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *y = node_out(g, n, 0);
  if (!check_no_requants(n, op_info(n->op)->name, e)) return false;
  return type_equal(&node_in(g, n, 0)->type, &y->type) ||
         check_wrong(e, "output", y, "the type of the input");
}

// A stream that a sum runs over: integers with one scale.
bool check_summable(const struct value *v, struct err *e) {
  if (type_is_integer(&v->type) && v->type.axis < 0) return true;
  return check_wrong(e, "input", v, "integers with one scale per tensor");
}

// Channels are those of the last axis, which requantisations are numbered by.
bool check_stream(const struct value *y, struct err *e) {
  if (!type_is_fixed(&y->type) && !type_is_bipolar(&y->type) && !type_is_minifloat(&y->type))
    return check_wrong(e, "output", y, "a fixed or bipolar type, or a minifloat");
  return y->type.axis < 0 || y->type.axis == y->rank - 1 ||
         check_wrong(e, "output", y, "channels on the last axis");
}

bool check_one_scale(const struct value *y, struct err *e) {
  return y->type.axis < 0 || check_wrong(e, "output", y, "one scale per tensor");
}

static bool real_types(const struct graph *g, const struct node *n, struct err *e) {
  if (!(op_info(n->op)->executors & EXECUTOR_REAL))
    return err_set(e, "%s works on integers, found real inputs", op_info(n->op)->name);
  if (n->n_rq) return err_set(e, "requant: a real node has none");
  for (uint32_t i = 0; i < n->n_out; i++) {
    const struct value *y = node_out(g, n, i);
    bool index = op_is(n->op, TRAIT_INDEX) && i == 0;
    if (index ? !type_is_fixed(&y->type) : !type_is_real(&y->type))
      return check_wrong(e, "output", y,
                         index ? "integers of scale 1 that hold the index, such as \"u8,0\""
                               : "real, as its inputs");
  }
  return true;
}

// Blocks and residuals are weights only, and constant; minifloats are streams, too.
static bool check_coded(const struct graph *g, const struct node *n, struct err *e) {
  for (uint32_t i = 0; i < n->n_in; i++) {
    const struct value *v = node_in(g, n, i);
    bool weight = i == 1 && op_is(n->op, TRAIT_WEIGHTS) && !n->in[i].delay;
    bool stream = type_is_minifloat(&v->type) && !v->init;
    if (type_is_coded(&v->type) && !weight && !stream)
      return check_wrong(e, "input", v,
                         type_is_minifloat(&v->type)
                             ? "another: minifloats are types of weights and streams"
                             : "another: blocks and residuals are types of weights");
  }
  return true;
}

bool verify_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct graph_column *c = graph_column(n->op);
  if (!check_coded(g, n, e)) return false;
  if (c->any_types) return c->any_types(g, n, e);
  if (all_real(g, n)) return real_types(g, n, e) && (!c->real_types || c->real_types(g, n, e));
  if (any_real(g, n)) return err_set(e, "its inputs mix real and integer types");
  return c->types ? c->types(g, n, e)
                  : err_set(e, "%s works on floats, found integers", op_info(n->op)->name);
}
