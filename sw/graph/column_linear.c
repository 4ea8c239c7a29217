// SPDX-License-Identifier: Apache-2.0
// linear: y[o] = sum over i of x[i] * w[o][i], plus b[o].
#include "sw/graph/column.h"
#include "sw/graph/weights.h"

#include <math.h>

// Relative, for scales that were computed in floats.
#define SCALE_TOLERANCE 1e-6

static bool linear_space(const struct graph *g, const struct node *n, struct space *s,
                         struct err *e) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  if (x->rank < 1 || w->rank != 2)
    return err_set(e, "expected an input of rank >= 1 and weights (OUT, IN), found ranks %d and %d",
                   x->rank, w->rank);
  int64_t in = x->shape[x->rank - 1], taps = fan_in(w->rank, w->shape);
  if (taps != in)
    return err_set(e, "the input has %lld features, the weights (%lld, %lld) expect %lld",
                   (long long)in, (long long)w->shape[0], (long long)taps, (long long)taps);
  if (b && (b->rank != 1 || b->shape[0] != w->shape[0]))
    return err_set(e, "the bias has %lld elements of rank %d, expected (%lld)",
                   (long long)value_elements(b), b->rank, (long long)w->shape[0]);
  for (int d = 0; d < x->rank - 1; d++) space_term(s, 0, d, space_axis(s, x->shape[d], false), 1);
  int out = space_axis(s, w->shape[0], false), reduced = space_axis(s, in, true);
  space_term(s, 0, x->rank - 1, reduced, 1);
  space_term(s, 1, 1, reduced, 1);
  space_term(s, 1, 0, out, 1);
  if (b) space_term(s, 2, 0, out, 1);
  return true;
}

// The bias is added to the products, whose scale it must have.
static bool bias_types(const struct value *x, const struct value *w, const struct value *b,
                       struct err *e) {
  if (!type_is_fixed(&b->type))
    return check_wrong(e, "bias", b, "integers at the accumulator's scale, zero 0");
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
  if (!check_summable(x, e)) return false;
  if (!type_is_integer(&w->type) || w->type.axis > 0)
    return check_wrong(e, "weight", w, "integers, scale per tensor or per output channel");
  return (!b || bias_types(x, w, b, e)) && check_stream(node_out(g, n, 0), e) &&
         check_requants(g, n, 1, 1, e) && check_accumulator(g, n, e);
}

// A slice of the summed axis.
static bool is_partial(const struct graph *g, const struct node *n) {
  const struct attr *slice = node_attr(n, ATTR_slice);
  return slice && slice->ints[0] == node_in(g, n, 0)->rank;
}

// Interval of x[i] * w[o][i] summed, weights constant: the positive and the negative weights pull
// to opposite ends. A partial sum may also leave any term out.
static struct interval weighted(const struct graph *g, const struct node *n, enum known known,
                                int64_t o) {
  struct interval x = interval_seen(g, n, known, 0);
  struct weights w = weights_of(node_in(g, n, 1));
  int64_t up = 0, down = 0;
  if (is_partial(g, n)) x = interval_join(x, (struct interval){0, 0});
  for (int64_t i = 0; i < w.taps; i++) {
    int64_t v = weight_of(&w, o, i);
    if (v > 0)
      up += v;
    else
      down += v;
  }
  return (struct interval){x.lo * up + x.hi * down, x.hi * up + x.lo * down};
}

static struct interval linear_acc(const struct graph *g, const struct node *n, enum known known,
                                  int64_t o) {
  const struct value *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  struct interval sum = w->init && !n->in[1].delay
                            ? weighted(g, n, known, o)
                            : interval_scaled(interval_times(interval_seen(g, n, known, 0),
                                                             interval_seen(g, n, known, 1)),
                                              fan_in(w->rank, w->shape));
  if (!b) return sum;
  if (!b->init || n->in[2].delay) return interval_plus(sum, interval_seen(g, n, known, 2));
  fix_wide bias = tensor_int(b->init, o);
  return interval_plus(sum, (struct interval){bias, bias});
}

static double linear_scale(const struct graph *g, const struct node *n, int64_t o) {
  return type_scale(&node_in(g, n, 0)->type, 0) * type_scale(&node_in(g, n, 1)->type, o);
}

static struct interval linear_range(const struct graph *g, const struct node *n, uint32_t out) {
  (void)out;
  return interval_requantised(g, n, &n->rq[0]);
}

const struct graph_column column_linear = {.space = linear_space,
                                           .multiplies = true,
                                           .types = linear_types,
                                           .acc = linear_acc,
                                           .acc_scale = linear_scale,
                                           .channels_differ = true,
                                           .range = linear_range};
