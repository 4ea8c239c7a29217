// SPDX-License-Identifier: Apache-2.0
// Streams that no format and no requant gives a type, in a model that has requants: what loses
// nothing, as far as there is such a type. A layer with weights has its accumulator; a function of
// 16 bits; others what their inputs' types ask for.
#include "quant/quantize_layer.h"
#include "quant/quantize_weights.h"
#include "sw/base/bits.h"
#include "sw/graph/curve.h"
#include "sw/graph/exact.h"
#include "sw/graph/pool.h"
#include "sw/graph/weights.h"

#include <math.h>

enum { FUNCTION_BITS = 16, EXTRA_BITS = 4, SPARE_BITS = 12 };

// ---- scales that aren't multiples of each other

static bool is_whole(double ratio) {
  return fabs(ratio - rint(ratio)) <= 1e-9 * ratio;
}

// Bits that what reads a value of `from` has room for: a table few, a layer with weights none to
// spare.
static int room_behind(const struct graph *g, uint32_t value) {
  int room = STREAM_BITS_MAX;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      const struct node *n = &g->nodes[i];
      if (n->in[k].value != value || op_is(n->op, TRAIT_NARROWS)) continue;
      bool table = op_info(n->op)->curve != NONE,
           through = op_is(n->op,
                           TRAIT_ALIAS | TRAIT_MAPS | TRAIT_REORDERS | TRAIT_PARTS | TRAIT_WINDOWS);
      int own = table                         ? FUNCTION_BITS
                : op_is(n->op, TRAIT_WEIGHTS) ? 0
                : through                     ? room_behind(g, n->out[0])
                                              : STREAM_BITS_MAX;
      room = own < room ? own : room;
    }
  return room;
}

// By how many bits a scale is finer than the finest of those that don't divide each other, so that
// rounding to it is less than what follows sees; `bits` are there already.
static int spare_bits(const struct quantizer *q, const struct node *n, double bits, bool whole) {
  int room = whole ? 0 : room_behind(q->from, n->out[0]) - (int)ceil(bits);
  return room < 0 ? 0 : room < SPARE_BITS ? room : SPARE_BITS;
}

// ---- functions behind

static double function_at(const struct node *n, double x) {
  struct exact_reals reals = exact_reals_of(n);
  int curve = node_curve(n);
  return curve != NONE ? curve_real((enum curve)curve, node_real(n, ATTR_alpha, 1), x)
                       : exact_of(n->op)->real(x, &reals);
}

// What reads a value, through layers that only move its elements.
struct reading {
  bool table, other;
  double reach; // beyond it the tables' functions are flat, to a part of their codes
};

// The least power of two from which on to `most` a function changes by nothing that counts.
static double reach_of(const struct node *n, double most) {
  double flat = ldexp(1, -FUNCTION_BITS - 1), up = function_at(n, most),
         down = function_at(n, -most);
  double reach = exp2(ceil(log2(most)));
  while (reach > 1 && fabs(function_at(n, reach / 2) - up) <= flat &&
         fabs(function_at(n, -reach / 2) - down) <= flat)
    reach /= 2;
  return fmin(reach, most);
}

static void find_readers(const struct graph *g, uint32_t value, double most, struct reading *r) {
  for (uint32_t i = 0; i < g->n_outputs; i++) r->other |= g->outputs[i] == value;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      const struct node *n = &g->nodes[i];
      if (n->in[k].value != value) continue;
      bool table = op_info(n->op)->curve != NONE,
           moves = op_is(n->op, TRAIT_ALIAS | TRAIT_REORDERS) && !n->in[k].delay;
      if (table) r->reach = fmax(r->reach, reach_of(n, most));
      if (moves) find_readers(g, n->out[0], most, r);
      r->table |= table;
      r->other |= !table && !moves;
    }
}

// The integers up to `most`, of the bits that streams have at most, or that a table takes: of more
// the lowest go, which are parts of 2^-31 of the largest, or the highest, where nothing but tables
// reads them that are flat there.
static void type_of_bits(struct quantizer *q, const struct node *n, double most, bool is_signed,
                         double scale, struct type *t) {
  struct reading r = {0};
  if (most > 0) find_readers(q->from, n->out[0], most * scale, &r);
  int room = r.table ? FUNCTION_BITS : STREAM_BITS_MAX;
  if (r.table && !r.other) most = fmin(most, ceil(r.reach / scale));
  int bits = (int)ceil(log2(most + 1)) + is_signed;
  int fewer = bits > room ? bits - room : 0;
  bits = bits < 2 ? 2 : bits - fewer;
  *t = type_fixed(q->arena, bits, is_signed, ldexp(scale, fewer), 0);
}

// ---- accumulators

// Codes and type of the weights, as the layer will have them.
static bool weights_in(struct quantizer *q, const struct node *n, const struct format *f,
                       struct value *w) {
  *w = *node_in(q->from, n, 1);
  if (type_is_integer(&w->type)) return true;
  struct type type;
  w->init = w->init ? quantize_weights(q, w->init, f, &type) : NULL;
  if (!w->init) return q->err->text[0] ? false : err_set(q->err, "its weights are computed");
  w->type = type;
  return true;
}

// The largest |sum| of an output, in units of its own scale.
static double most_of(const struct value *w, const struct value *bias, const struct type *x,
                      int64_t o, int finer, double scale) {
  struct weights all = weights_of(w);
  double lo = (double)type_integer(x, 0, type_lowest(x)),
         hi = (double)type_integer(x, 0, type_highest(x));
  double most = fmax(fabs(lo), fabs(hi)), sum = 0;
  for (int64_t i = 0; i < all.taps; i++) sum += fabs((double)weight_of(&all, o, i)) * most;
  return ldexp(sum, finer) + (bias ? fabs(rint(value_real(bias, o) / scale)) : 0);
}

static bool is_result(const struct quantizer *q, uint32_t value) {
  const struct graph *g = q->from;
  bool result = false;
  for (uint32_t i = 0; i < g->n_outputs; i++) result |= g->outputs[i] == value;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) result &= g->nodes[i].in[k].value != value;
  return result;
}

// One scale for all outputs, the finest; of results that nothing reads, each its own.
static bool accumulator(struct quantizer *q, const struct node *n, const struct format *f,
                        struct type *t) {
  const struct type *x = quantize_type_in(q, n, 0);
  const struct value *b = node_in(q->from, n, 2), *y = node_out(q->from, n, 0);
  struct value w;
  if (!weights_in(q, n, f, &w)) return false;
  int64_t outs = w.shape[0];
  double *scale = ARENA_NEW(q->arena, double, outs), finest = INFINITY, most = 0, own = 0;
  int finer = quantize_finer(q, n, x, &w.type);
  for (int64_t o = 0; o < outs; o++) {
    scale[o] = ldexp(type_scale(x, 0) * type_scale(&w.type, o), -finer);
    finest = fmin(finest, scale[o]);
  }
  for (int64_t o = 0; o < outs; o++) {
    double sum = most_of(&w, b, x, o, finer, scale[o]);
    own = fmax(own, sum);
    most = fmax(most, ceil(sum * scale[o] / finest));
  }
  bool each = w.type.axis >= 0 && is_result(q, n->out[0]), whole = true;
  for (int64_t o = 0; o < outs; o++) whole &= is_whole(scale[o] / finest);
  int spare = each ? 0 : spare_bits(q, n, log2(most + 1) + 1, whole);
  finest = ldexp(finest, -spare);
  most = ldexp(most, spare);
  type_of_bits(q, n, each ? own : most, true, finest, t);
  for (int64_t o = 0; o < outs; o++) scale[o] *= type_scale(t, 0) / finest; // a power of two
  if (each)
    *t = type_channels(q->arena, t->width, true, y->rank - 1, outs, scale,
                       ARENA_NEW(q->arena, int32_t, outs));
  return true;
}

// ---- functions

// What it gives for the codes of its input, in 16 bits.
static bool function_type(struct quantizer *q, const struct node *n, const struct type *x,
                          struct type *t) {
  double lo = 0, hi = 0;
  int64_t first = type_lowest(x), last = type_highest(x), step = (last - first) / 65536 + 1;
  for (int64_t code = first; code <= last;
       code += code + step > last && code < last ? last - code : step) {
    double y = function_at(n, type_value(x, 0, code));
    lo = fmin(lo, y);
    hi = fmax(hi, y);
  }
  bool is_signed = lo < 0;
  double most = fmax(-lo, hi), top = ldexp(1, FUNCTION_BITS - is_signed) - 1;
  int f = 60;
  while (f > -32 && rint(ldexp(most, f)) > top) f--;
  *t = type_fixed(q->arena, FUNCTION_BITS, is_signed, ldexp(1, -f), 0);
  return true;
}

static bool maps_type(struct quantizer *q, const struct node *n, const struct type *x,
                      struct type *t) {
  bool closed =
      op_info(n->op)->curve == NONE && exact_of(n->op)->monotone && !op_info(n->op)->slopes;
  if (!closed) return function_type(q, n, x, t);
  *t = *x;
  return true;
}

// ---- others

// Of add and sub the finer scale holds both; of mul the product of both.
static bool join_type(struct quantizer *q, const struct node *n, struct type *t) {
  const struct type *a = quantize_type_in(q, n, 0), *b = quantize_type_in(q, n, 1);
  if (!a || !b)
    return err_set(q->err,
                   "nothing in the file says its type: give --precision W,F for what has none");
  double most[2];
  for (int i = 0; i < 2; i++) {
    const struct type *x = i ? b : a;
    most[i] = fmax(fabs(type_value(x, 0, type_lowest(x))), fabs(type_value(x, 0, type_highest(x))));
  }
  bool product = op_info(n->op)->gradient == GRADIENT_FACTOR;
  double scale =
      product ? type_scale(a, 0) * type_scale(b, 0) : fmin(type_scale(a, 0), type_scale(b, 0));
  double sum = product ? most[0] * most[1] : most[0] + most[1];
  bool whole = product || is_whole(fmax(type_scale(a, 0), type_scale(b, 0)) / scale);
  scale = ldexp(scale, -spare_bits(q, n, log2(sum / scale + 1) + 1, whole));
  type_of_bits(q, n, ceil(sum / scale), true, scale, t);
  return true;
}

// Parts of one type keep it; otherwise the finest scale and the bits that hold them all.
static bool parts_type(struct quantizer *q, const struct node *n, struct type *t) {
  double most = 0, scale = INFINITY;
  bool equal = true, is_signed = false, whole = true;
  *t = *quantize_type_in(q, n, 0);
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct type *x = quantize_type_in(q, n, k);
    if (!x) continue; // a tensor, which becomes what the others are
    double lo = type_value(x, 0, type_lowest(x)), hi = type_value(x, 0, type_highest(x));
    equal &= type_equal(x, t);
    is_signed |= lo < 0;
    most = fmax(most, fmax(-lo - type_scale(x, 0), hi)); // -2^(W-1) takes no bit more
    scale = fmin(scale, type_scale(x, 0));
  }
  for (uint32_t k = 0; k < n->n_in; k++)
    whole &=
        !quantize_type_in(q, n, k) || is_whole(type_scale(quantize_type_in(q, n, k), 0) / scale);
  scale = ldexp(scale, -spare_bits(q, n, log2(most / scale + 1) + is_signed, whole));
  if (!equal) type_of_bits(q, n, ceil(most / scale), is_signed, scale, t);
  return true;
}

// An average of always as many is their sum, at so much less of a scale; others have a few bits
// more than what they are of.
static bool average_type(struct quantizer *q, const struct node *n, const struct type *x,
                         struct type *t) {
  struct pool_window p;
  int64_t counts = 0;
  if (!pool_of(q->from, n, &p, q->err)) return false;
  const int64_t *count = pool_counts(q->arena, &p, &counts);
  double lo = (double)type_integer(x, 0, type_lowest(x)),
         most = fmax((double)type_integer(x, 0, type_highest(x)), -lo);
  if (counts == 1 && most * (double)count[0] < ldexp(1, STREAM_BITS_MAX - 1))
    type_of_bits(q, n, most * (double)count[0], lo < 0, type_scale(x, 0) / (double)count[0], t);
  else
    type_of_bits(q, n, ldexp(most, EXTRA_BITS), true, ldexp(type_scale(x, 0), -EXTRA_BITS), t);
  return true;
}

// Logarithms of probabilities, down to where the smallest can be.
static struct type logarithms(struct quantizer *q, const struct node *n, const struct type *x) {
  const struct value *v = node_in(q->from, n, 0);
  double span = type_value(x, 0, type_highest(x)) - type_value(x, 0, type_lowest(x));
  double most = span + log((double)v->shape[v->rank - 1]);
  int f = (int)floor(FUNCTION_BITS - 1 - log2(most));
  return type_fixed(q->arena, FUNCTION_BITS, true, ldexp(1, -(f > 60 ? 60 : f < -32 ? -32 : f)), 0);
}

bool quantize_exact(struct quantizer *q, const struct node *n, struct format *f) {
  const struct type *x = quantize_type_in(q, n, 0);
  struct type *t = &f->stream;
  f->has_stream = true;
  if (!x || x->axis >= 0)
    return err_set(q->err,
                   "nothing in the file says its type: give --precision W,F for what has none");
  if (op_info(n->op)->gradient == GRADIENT_LOG_SOFTMAX)
    *t = logarithms(q, n, x);
  else if (op_is(n->op, TRAIT_HOST | TRAIT_AVERAGES))
    *t = type_fixed(q->arena, FUNCTION_BITS, false, ldexp(1, -FUNCTION_BITS), 0);
  else if (op_is(n->op, TRAIT_PARTS))
    return parts_type(q, n, t);
  else if (op_is(n->op, TRAIT_WEIGHTS))
    return accumulator(q, n, f, t);
  else if (op_is(n->op, TRAIT_MAPS))
    return maps_type(q, n, x, t);
  else if (op_is(n->op, TRAIT_JOINS))
    return join_type(q, n, t);
  else if (op_is(n->op, TRAIT_WINDOWS) && op_takes(n->op, ATTR_count_pad))
    return average_type(q, n, x, t);
  else
    *t = *x;
  return true;
}
