// SPDX-License-Identifier: Apache-2.0
// What sums of inputs times weights have in common: linear layers and convolutions.
#include "sw/graph/column.h"
#include "sw/graph/weights.h"

#include <math.h>

// Relative, for scales that were computed in floats.
#define SCALE_TOLERANCE 1e-6

int weighted_finer(const struct graph *g, const struct node *n) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  if (!b || !type_is_fixed(&b->type)) return 0;
  double r = log2(type_scale(&x->type, 0) * type_scale(&w->type, 0) / type_scale(&b->type, 0));
  return r > 0.5 ? (int)fmin(rint(r), FINER_MOST) : 0;
}

// The bias is added to the products, whose scale it must have, or one that is a power of two finer,
// the same for all outputs.
static bool bias_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  int finer = weighted_finer(g, n);
  if (!type_is_fixed(&b->type))
    return check_wrong(e, "bias", b, "integers at the accumulator's scale, zero 0");
  for (int64_t o = 0; o < b->shape[0]; o++) {
    double expected = ldexp(type_scale(&x->type, 0) * type_scale(&w->type, o), -finer);
    double found = type_scale(&b->type, o);
    if (type_zero(&b->type, o) != 0)
      return err_set(e, "bias \"%s\": zero %d, expected 0", b->name, type_zero(&b->type, o));
    if (!(fabs(found - expected) <= SCALE_TOLERANCE * expected))
      return err_set(e,
                     "bias \"%s\": scale %.9g of output %lld, expected that of input times weight, "
                     "%.9g%s",
                     b->name, found, (long long)o, expected,
                     finer ? " with the others' bits below it" : "");
  }
  return true;
}

bool check_weighted(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  if (!check_summable(x, e)) return false;
  if (!type_is_integer(&w->type) || w->type.axis > 0)
    return check_wrong(e, "weight", w, "integers, scale per tensor or per output channel");
  return (!b || bias_types(g, n, e)) && check_stream(node_out(g, n, 0), e) &&
         check_requants(g, n, 1, 1, e) && check_accumulator(g, n, e);
}

// A slice of a summed axis.
bool node_is_partial(const struct graph *g, const struct node *n) {
  struct space s;
  struct slice slice;
  struct err e = {0};
  return node_attr(n, ATTR_slice) && space_of(g, n, &s, &e) && slice_of(n, &s, &slice, &e) &&
         s.reduced[slice.axis];
}

// Interval of x[i] * w[o][i] summed, weights constant: the positive and the negative weights pull
// to opposite ends. A partial sum may also leave any term out, as padding does.
static struct interval weighted(const struct graph *g, const struct node *n, enum known known,
                                const struct weights *w, int64_t o,
                                bool (*pads)(const void *context, int64_t tap),
                                const void *context) {
  struct interval x = interval_seen(g, n, known, 0), all = {0, 0};
  fix_wide up[2] = {0, 0}, down[2] = {0, 0}; // of taps that are always there, and of the others
  bool partial = node_is_partial(g, n);
  for (int64_t i = 0; i < w->taps; i++) {
    int64_t v = weight_of(w, o, i);
    bool optional = partial || (pads && pads(context, i));
    if (v > 0)
      up[optional] += v;
    else
      down[optional] += v;
  }
  for (int k = 0; k < 2; k++) {
    if (k) x = interval_join(x, (struct interval){0, 0});
    all = interval_plus(
        all, (struct interval){x.lo * up[k] + x.hi * down[k], x.hi * up[k] + x.lo * down[k]});
  }
  return all;
}

struct interval weighted_acc(const struct graph *g, const struct node *n, enum known known,
                             const struct weights *w, int64_t o,
                             bool (*pads)(const void *context, int64_t tap), const void *context) {
  const struct value *b = node_in(g, n, 2);
  struct interval sum, x = interval_seen(g, n, known, 0);
  if (pads) x = interval_join(x, (struct interval){0, 0});
  if (w->value->init && !n->in[1].delay)
    sum = weighted(g, n, known, w, o, pads, context);
  else
    sum = interval_scaled(interval_times(x, interval_seen(g, n, known, 1)), w->taps);
  if (!b) return sum;
  sum = interval_scaled(sum, (int64_t)1 << weighted_finer(g, n));
  if (!b->init || n->in[2].delay) return interval_plus(sum, interval_seen(g, n, known, 2));
  fix_wide bias = tensor_int(b->init, o);
  return interval_plus(sum, (struct interval){bias, bias});
}

int64_t weighted_witness(const struct graph *g, const struct node *n, int64_t o, int64_t tap,
                         bool high) {
  const struct value *x = node_in(g, n, 0);
  struct weights w = weights_of(node_in(g, n, 1));
  return (weight_of(&w, o, tap) > 0) == high ? x->hi : x->lo;
}

double weighted_scale(const struct graph *g, const struct node *n, int64_t o) {
  double products = type_scale(&node_in(g, n, 0)->type, 0) * type_scale(&node_in(g, n, 1)->type, o);
  return ldexp(products, -weighted_finer(g, n));
}

struct interval weighted_range(const struct graph *g, const struct node *n, uint32_t out) {
  (void)out;
  return interval_requantised(g, n, &n->rq[0]);
}
