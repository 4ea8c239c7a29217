// SPDX-License-Identifier: Apache-2.0
// Weights and bias of a linear layer or a convolution become tensors of the integer graph.
#include "quant/calibrate.h"
#include "quant/quantize_weights.h"
#include "sw/base/bits.h"

#include <math.h>
#include <string.h>

// A bias is at most so many bits finer in front of steps, which it has to be right about, and where
// sums leave as they are.
enum { BIAS_BITS_MAX = 62, FINER_STEPS = 16, FINER_SUMS = 10, STEPS_MOST = 1 << 16 };

// Whether all biases are whole at 2^-finer of the products' scale, as nearly as scales of floats
// are.
static bool is_whole(const struct value *b, const struct type *x, const struct type *w, int finer) {
  for (int64_t o = 0; o < b->init->count; o++) {
    double own = ldexp(value_real(b, o) / (type_scale(x, 0) * type_scale(w, o)), finer);
    if (!(fabs(own - rint(own)) <= 1e-6 * (1 + fabs(own)))) return false;
  }
  return true;
}

// Whether a bias of so many more bits leaves every whole sum on the same side of each step of the
// output as the bias itself: the steps lie at theta, in units of the products, and a sum is whole.
static bool same_steps(double bias, int finer, double theta, double step, int64_t steps) {
  double rounded = ldexp(rint(ldexp(bias, finer)), -finer);
  for (int64_t i = 0; i < steps; i++, theta += step) {
    double from = theta - bias, to = theta - rounded;
    if (ceil(from) != ceil(to) || from == floor(from) || to == floor(to)) return rounded == bias;
  }
  return true;
}

// All outputs, of a layer that requantises to t as r says.
static bool is_exact(const struct value *b, const struct type *x, const struct type *w,
                     const struct node *r, const struct type *t, int finer) {
  double at = r->rounding == FIX_FLOOR || r->rounding == FIX_CEIL ? 0 : 0.5;
  int64_t lo = type_integer(t, 0, type_lowest(t)), hi = type_integer(t, 0, type_highest(t));
  if (r->rounding == FIX_ZERO || r->rounding == FIX_AWAY || hi - lo > STEPS_MOST) return false;
  for (int64_t o = 0; o < b->init->count; o++) {
    double scale = type_scale(x, 0) * type_scale(w, o), step = type_scale(t, 0) / scale;
    if (!same_steps(value_real(b, o) / scale, finer, ((double)lo + at) * step, step, hi - lo + 1))
      return false;
  }
  return true;
}

int quantize_finer(const struct quantizer *q, const struct node *n, const struct type *x,
                   const struct type *w) {
  const struct value *b = node_in(q->from, n, 2);
  int32_t behind = q->behind[n - q->from->nodes];
  const struct node *r = behind == NONE ? NULL : &q->from->nodes[behind];
  const struct type *t = r ? &node_attr(r, ATTR_type)->type : NULL;
  int finer = 0;
  if (!b || !b->init || (t ? type_is_bipolar(t) : q->formats->defaults.has_stream)) return 0;
  while (finer < (t ? FINER_STEPS : FINER_SUMS) && !is_whole(b, x, w, finer) &&
         !(t && is_exact(b, x, w, r, t, finer)))
    finer++;
  return finer;
}

// The bias at the accumulator's scale, in the narrowest type that holds it; of signs rounded down:
// a whole sum is at least -b where it is at least -floor(b).
static bool bias_codes(struct quantizer *q, int64_t count, const double *bias, const struct type *x,
                       const struct type *w, bool signs, int finer, struct type *type,
                       struct tensor **codes) {
  int64_t limit = fix_highest(BIAS_BITS_MAX, true);
  int64_t *exact = ARENA_NEW(q->arena, int64_t, count);
  double *scale = ARENA_NEW(q->arena, double, count);
  int width = 2;
  for (int64_t o = 0; o < count; o++) {
    scale[o] = ldexp(type_scale(x, 0) * type_scale(w, o), -finer);
    double own_bias = bias[o] / scale[o];
    exact[o] = fix_from_real(signs ? floor(own_bias) : own_bias, -limit, limit);
    if (exact[o] == limit || exact[o] == -limit)
      return err_set(q->err,
                     "bias %lld, %g, doesn't fit 62 bits at scale %g, that of input times weight: "
                     "the weights are too small beside it for %s (another --weight-precision?)",
                     (long long)o, bias[o], scale[o], type_text(q->arena, w));
    int own = bits_signed(exact[o]);
    width = own > width ? own : width;
  }
  *type = w->axis < 0 ? type_fixed(q->arena, width, true, scale[0], 0)
                      : type_channels(q->arena, width, true, 0, count, scale,
                                      ARENA_NEW(q->arena, int32_t, count));
  *codes = tensor_new(q->arena, dtype_for(type), 1, &count);
  for (int64_t o = 0; o < count; o++) tensor_set_int(*codes, o, exact[o]);
  return true;
}

static bool weighted_requant(struct quantizer *q, uint32_t node, const struct type *x,
                             const struct type *w, int finer, const struct type *out) {
  int64_t count = w->channels;
  int64_t *mul = ARENA_NEW(q->arena, int64_t, count);
  int32_t *shift = ARENA_NEW(q->arena, int32_t, count);
  for (int64_t o = 0; o < count; o++) {
    double r = ldexp(type_scale(x, 0) * type_scale(w, o), -finer) / type_scale(out, o);
    if (!quantize_scale(q, node, r, &mul[o], &shift[o])) return false;
  }
  graph_add_requant(q->to, node, count, mul, shift);
  return true;
}

bool quantize_weight_tensor(struct quantizer *q, const struct node *n, uint32_t node,
                            const struct format *f, struct type *type) {
  const struct value *w = node_in(q->from, n, 1);
  if (!w->init || n->in[1].delay)
    return err_set(q->err, "its weights are computed, only constant ones are quantised");
  struct tensor *weights = q->calibrator ? calibrate_weights_of(q, n, type) : NULL;
  if (type_is_integer(&w->type)) {
    weights = w->init;
    *type = w->type;
  } else if (!weights) {
    weights = quantize_weights(q, w->init, f, type);
  }
  if (!weights) return false;
  if (type_is_block(type)) weights = tensor_settled(q->arena, type, weights);
  if (!type_has_zero(type) && value_connections(w) < value_elements(w))
    return err_set(q->err,
                   "the mask of \"%s\" cuts connections, which %s has no 0 for: try ternary",
                   w->name, type_is_bipolar(type) ? "bipolar" : type_text(q->arena, type));
  uint32_t id = graph_add_tensor(q->to, quantize_tensor_name(q, n, w->name), weights, *type);
  q->to->values[id].mask = w->mask;
  graph_add_use(q->to, node, (struct use){id, 0, NONE});
  return true;
}

// The bias (count) with what calibration adds to it; NULL: none.
static const double *bias_of(struct quantizer *q, const struct node *n, int64_t count) {
  const struct value *b = node_in(q->from, n, 2);
  const double *added = calibrate_bias_of(q, n);
  double *bias = b || added ? ARENA_NEW(q->arena, double, count) : NULL;
  for (int64_t o = 0; bias && o < count; o++)
    bias[o] = (b ? value_real(b, o) : 0) + (added ? added[o] : 0);
  return bias;
}

bool quantize_weighted(struct quantizer *q, const struct node *n, uint32_t node,
                       const struct format *f, const struct type *out) {
  const struct value *b = node_in(q->from, n, 2);
  if (b && !b->init)
    return err_set(q->err, "its weights are computed, only constant ones are quantised");
  const struct type x = q->to->values[q->to->nodes[node].in[0].value].type;
  struct type type;
  if (!quantize_weight_tensor(q, n, node, f, &type)) return false;
  int finer = quantize_finer(q, n, &x, &type);
  int64_t count = node_in(q->from, n, 1)->shape[0];
  const double *bias = bias_of(q, n, count);
  if (bias) {
    const char *name = b ? b->name : arena_printf(q->arena, "%s.bias", n->name);
    struct type own;
    struct tensor *codes = NULL;
    if (!bias_codes(q, count, bias, &x, &type, type_is_bipolar(out), finer, &own, &codes))
      return false;
    uint32_t id = graph_add_tensor(q->to, quantize_tensor_name(q, n, name), codes, own);
    graph_add_use(q->to, node, (struct use){id, 0, NONE});
  }
  return weighted_requant(q, node, &x, &type, finer, out);
}
