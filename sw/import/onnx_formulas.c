// SPDX-License-Identifier: Apache-2.0
// Activations of ONNX as their formulas in the operators' specification.
#include "sw/import/compose.h"
#include "sw/import/onnx.h"

#include <math.h>
#include <string.h>

struct formula {
  struct arena *arena;
  struct term *x;
};

static struct term *num(const struct formula *m, double v) {
  return term_constant(m->arena, v);
}

static struct term *two(const struct formula *m, enum function f, struct term *x, struct term *y) {
  return term_of(m->arena, f, x, y, NULL);
}

static struct term *one(const struct formula *m, enum function f, struct term *x) {
  return term_of(m->arena, f, x, NULL, NULL);
}

// y where x < 0, else z
static struct term *below(const struct formula *m, struct term *y, struct term *z) {
  return term_of(m->arena, FUNCTION_WHERE, two(m, FUNCTION_LESS, m->x, num(m, 0)), y, z);
}

// Input 0 as the x of a formula, and the item it belongs to.
static bool begin(struct onnx *o, struct formula *m, struct item *base) {
  struct stream s = {0};
  struct item *x = onnx_in(o, 0);
  *m = (struct formula){o->arena, NULL};
  if (!x || x->kind != ITEM_STREAM || x->channels) {
    if (!onnx_stream(o, 0, &s)) return false;
    *base = (struct item){.kind = ITEM_STREAM, .stream = s};
  } else {
    *base = *x;
  }
  m->x = base->term ? base->term : term_x(o->arena);
  return true;
}

#define FORMULA(name)                                                                              \
  static struct term *formula_##name(struct onnx *o, const struct formula *m);                     \
  bool onnx_##name(struct onnx *o) {                                                               \
    struct formula m;                                                                              \
    struct item base;                                                                              \
    return begin(o, &m, &base) && onnx_set_term(o, &base, formula_##name(o, &m));                  \
  }                                                                                                \
  static struct term *formula_##name(struct onnx *o, const struct formula *m)

FORMULA(relu) {
  (void)o;
  return two(m, FUNCTION_MAX, m->x, num(m, 0));
}

// alpha x below 0. There is a layer for slopes above 0; with others it is relu(x) - alpha relu(-x).
static struct term *leaky(const struct formula *m, double alpha) {
  if (alpha >= 0) return below(m, two(m, FUNCTION_MUL, num(m, alpha), m->x), m->x);
  struct term *above = two(m, FUNCTION_MAX, m->x, num(m, 0));
  struct term *under = two(m, FUNCTION_MAX, one(m, FUNCTION_NEG, m->x), num(m, 0));
  return two(m, FUNCTION_ADD, above, two(m, FUNCTION_MUL, num(m, -alpha), under));
}

FORMULA(leaky_relu) {
  return leaky(m, onnx_real(o, "alpha", (double)0.01F));
}

static struct term *exp_less_one(const struct formula *m, struct term *x) {
  return two(m, FUNCTION_SUB, one(m, FUNCTION_EXP, x), num(m, 1));
}

// alpha (e^x - 1) below 0
FORMULA(elu) {
  double alpha = onnx_real(o, "alpha", 1);
  return below(m, two(m, FUNCTION_MUL, num(m, alpha), exp_less_one(m, m->x)), m->x);
}

// alpha elu(x / alpha)
FORMULA(celu) {
  double alpha = onnx_real(o, "alpha", 1);
  struct term *x = alpha == 1 ? m->x : two(m, FUNCTION_DIV, m->x, num(m, alpha));
  const struct formula inner = {m->arena, x};
  struct term *elu = below(&inner, exp_less_one(m, x), x);
  return alpha == 1 ? elu : two(m, FUNCTION_MUL, elu, num(m, alpha));
}

FORMULA(selu) {
  double alpha = onnx_real(o, "alpha", (double)1.67326319217681884765625F);
  double gamma = onnx_real(o, "gamma", (double)1.05070102214813232421875F);
  struct term *low = two(m, FUNCTION_MUL, num(m, alpha), exp_less_one(m, m->x));
  return two(m, FUNCTION_MUL, below(m, low, m->x), num(m, gamma));
}

static struct term *phi(const struct formula *m, struct term *of) {
  struct term *sum = two(m, FUNCTION_ADD, num(m, 1), of);
  return two(m, FUNCTION_MUL, two(m, FUNCTION_MUL, num(m, 0.5), m->x), sum);
}

FORMULA(gelu) {
  bool tanhs = strcmp(onnx_text(o, "approximate", "none"), "tanh") == 0;
  if (!tanhs) return phi(m, one(m, FUNCTION_ERF, two(m, FUNCTION_DIV, m->x, num(m, sqrt(2)))));
  struct term *cube = two(m, FUNCTION_MUL, num(m, 0.044715), two(m, FUNCTION_POW, m->x, num(m, 3)));
  struct term *inner = two(m, FUNCTION_ADD, m->x, cube);
  return phi(m, one(m, FUNCTION_TANH, two(m, FUNCTION_MUL, num(m, sqrt(2 / M_PI)), inner)));
}

// ln(1 + e^x) without overflow
static struct term *soft(const struct formula *m, struct term *x) {
  struct term *e = one(m, FUNCTION_EXP, one(m, FUNCTION_NEG, one(m, FUNCTION_ABS, x)));
  struct term *log1 = one(m, FUNCTION_LOG, two(m, FUNCTION_ADD, num(m, 1), e));
  return two(m, FUNCTION_ADD, two(m, FUNCTION_MAX, x, num(m, 0)), log1);
}

FORMULA(softplus) {
  (void)o;
  return soft(m, m->x);
}

FORMULA(softsign) {
  (void)o;
  return two(m, FUNCTION_DIV, m->x, two(m, FUNCTION_ADD, num(m, 1), one(m, FUNCTION_ABS, m->x)));
}

FORMULA(mish) {
  (void)o;
  return two(m, FUNCTION_MUL, m->x, one(m, FUNCTION_TANH, soft(m, m->x)));
}

FORMULA(swish) {
  struct term *x = two(m, FUNCTION_MUL, num(m, onnx_real(o, "alpha", 1)), m->x);
  return two(m, FUNCTION_MUL, m->x, one(m, FUNCTION_SIGMOID, x));
}

static struct term *between(const struct formula *m, struct term *x, double lo, double hi) {
  return two(m, FUNCTION_MIN, num(m, hi), two(m, FUNCTION_MAX, num(m, lo), x));
}

static struct term *line(const struct formula *m, double slope, double offset) {
  return two(m, FUNCTION_ADD, two(m, FUNCTION_MUL, num(m, slope), m->x), num(m, offset));
}

FORMULA(hard_sigmoid) {
  return between(m, line(m, onnx_real(o, "alpha", 0.2), onnx_real(o, "beta", 0.5)), 0, 1);
}

FORMULA(hard_swish) {
  (void)o;
  return two(m, FUNCTION_MUL, m->x, between(m, line(m, 1.0 / 6, 0.5), 0, 1));
}

// x where |x| > lambda, else 0
static struct term *outside(const struct formula *m, struct term *x, double lambda) {
  struct term *above = two(m, FUNCTION_GREATER, one(m, FUNCTION_ABS, x), num(m, lambda));
  return term_of(m->arena, FUNCTION_WHERE, above, x, num(m, 0));
}

// What is above alpha, else 0: of max(x, 0) that is hardshrink.
bool onnx_thresholded_relu(struct onnx *o) {
  struct formula m;
  struct item base;
  double alpha = onnx_real(o, "alpha", 1);
  if (alpha < 0)
    return onnx_refuse(o, "use alpha 0 or above, or HardShrink",
                       "alpha %g: it jumps below 0, which no layer does", alpha);
  if (!begin(o, &m, &base)) return false;
  struct term *x = two(&m, FUNCTION_MAX, m.x, num(&m, 0));
  return onnx_set_term(o, &base, alpha > 0 ? outside(&m, x, alpha) : x);
}

// x + bias below -lambd, x - bias above lambd, 0 between: hardshrink h, less bias sign(h). With a
// bias of at most lambd that is softshrink of h, with others h is clipped for its sign.
bool onnx_shrink(struct onnx *o) {
  struct formula m;
  struct item base;
  double bias = onnx_real(o, "bias", 0), lambda = onnx_real(o, "lambd", 0.5);
  if (lambda < 0 || (lambda == 0 && bias != 0))
    return onnx_refuse(o, "use lambd above 0",
                       "lambd %g, bias %g: it jumps at %g, which no layer does", lambda, bias,
                       fabs(lambda));
  if (!begin(o, &m, &base)) return false;
  struct term *h = outside(&m, m.x, lambda), *y = h;
  bool soft = bias > 0 && bias <= lambda;
  if (soft) y = two(&m, FUNCTION_SUB, h, between(&m, h, -bias, bias));
  if (bias != 0 && !soft) {
    struct term *sign = between(&m, h, -lambda, lambda);
    y = two(&m, FUNCTION_SUB, h, two(&m, FUNCTION_MUL, num(&m, bias / lambda), sign));
  }
  return onnx_set_term(o, &base, y);
}

// Bounds are attributes, or inputs from opset 11 on.
static bool bound(struct onnx *o, size_t i, const char *name, double otherwise, double *v) {
  const struct tensor *t = onnx_constant(o, i);
  *v = onnx_real(o, name, otherwise);
  if (t && t->count == 1) *v = tensor_real(t, 0);
  return !onnx_in(o, i) || (t && t->count == 1) ||
         onnx_refuse(o, "export with constant bounds", "its %simum is computed from data", name);
}

bool onnx_clip(struct onnx *o) {
  if (onnx_in(o, 0) && onnx_in(o, 0)->grid) return onnx_clip_integers(o);
  struct formula m;
  struct item base;
  double lo, hi;
  if (!bound(o, 1, "min", -HUGE_VAL, &lo) || !bound(o, 2, "max", HUGE_VAL, &hi)) return false;
  return begin(o, &m, &base) && onnx_set_term(o, &base, between(&m, m.x, lo, hi));
}

static bool several_slopes(struct onnx *o, const struct tensor *constant) {
  struct stream x = {0};
  struct tensor *slope = arena_copy(o->arena, constant, sizeof *slope);
  if (!onnx_stream(o, 0, &x)) return false;
  while (slope->rank > x.layout.rank && slope->shape[0] == 1) { // the batch
    slope->rank--;
    memmove(slope->shape, slope->shape + 1, (size_t)slope->rank * sizeof *slope->shape);
  }
  if (!layout_stretches(&x.layout, slope))
    return onnx_refuse(o, "check the file", "its slopes don't stretch to its input");
  if (!compose_prelu(&o->builder, &x, slope)) return false;
  onnx_set_stream(o, 0, x);
  return true;
}

bool onnx_prelu(struct onnx *o) {
  struct formula m;
  struct item base;
  const struct tensor *slope = onnx_constant(o, 1);
  if (slope && !slope->count) return onnx_refuse(o, "check the file", "it has no slope");
  bool one_slope = true;
  if (!slope)
    return onnx_refuse(o, "export it with constant slopes", "its slope is computed from data");
  for (int64_t i = 1; i < slope->count; i++)
    one_slope &= tensor_real(slope, i) == tensor_real(slope, 0);
  if (!one_slope) return several_slopes(o, slope);
  if (!begin(o, &m, &base)) return false;
  return onnx_set_term(o, &base, leaky(&m, onnx_number((float)tensor_real(slope, 0))));
}
