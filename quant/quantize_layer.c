// SPDX-License-Identifier: Apache-2.0
#include "quant/quantize_layer.h"

#include "quant/quantize_weights.h"
#include "sw/graph/curve.h"
#include "sw/graph/pointwise.h"

#include <math.h>
#include <string.h>

enum { BIAS_BITS_MAX = 62, CURVE_BITS_MAX = 16 };

static bool ratio_error(struct quantizer *q, double r) {
  return err_set(q->err, "the ratio of the scales, %g, needs a shift outside of %d to %d", r,
                 FIX_SHIFT_MIN, FIX_SHIFT_MAX);
}

bool quantize_scale(struct quantizer *q, uint32_t node, double r, int64_t *mul, int32_t *shift) {
  bool two_step = q->to->nodes[node].rounding == FIX_TFLITE;
  if (two_step ? fix_scale_tflite(r, mul, shift) : fix_scale(r, mul, shift)) return true;
  return ratio_error(q, r);
}

// ---- linear

static int signed_width(int64_t v) {
  int width = 2;
  while (v < fix_lowest(width, true) || v > fix_highest(width, true)) width++;
  return width;
}

// The bias at the accumulator's scale, in the narrowest type that holds it.
static bool bias_codes(struct quantizer *q, const struct tensor *b, const struct type *x,
                       const struct type *w, struct type *type, struct tensor **codes) {
  int64_t limit = fix_highest(BIAS_BITS_MAX, true);
  int64_t *exact = ARENA_NEW(q->arena, int64_t, b->count);
  double *scale = ARENA_NEW(q->arena, double, b->count);
  int width = 2;
  for (int64_t o = 0; o < b->count; o++) {
    scale[o] = type_scale(x, 0) * type_scale(w, o);
    exact[o] = fix_from_real(tensor_real(b, o) / scale[o], -limit, limit);
    if (exact[o] == limit || exact[o] == -limit)
      return err_set(q->err,
                     "bias %lld, %g, doesn't fit 62 bits at scale %g, that of input times weight: "
                     "the weights are too small beside it for %s (another --weight-precision?)",
                     (long long)o, tensor_real(b, o), scale[o], type_text(q->arena, w));
    int own = signed_width(exact[o]);
    width = own > width ? own : width;
  }
  *type = w->axis < 0 ? type_fixed(q->arena, width, true, scale[0], 0)
                      : type_channels(q->arena, width, true, 0, b->count, scale,
                                      ARENA_NEW(q->arena, int32_t, b->count));
  *codes = tensor_new(q->arena, dtype_for(type), 1, b->shape);
  for (int64_t o = 0; o < b->count; o++) tensor_set_int(*codes, o, exact[o]);
  return true;
}

// A tensor that several layers share gets a copy per layer, because their formats may differ.
static const char *tensor_name(struct quantizer *q, const struct node *n, const char *name) {
  return graph_find_value(q->to, name) == NONE ? name
                                               : arena_printf(q->arena, "%s.%s", n->name, name);
}

static bool linear_requant(struct quantizer *q, uint32_t node, const struct type *x,
                           const struct type *w, const struct type *out) {
  int64_t count = w->channels;
  int64_t *mul = ARENA_NEW(q->arena, int64_t, count);
  int32_t *shift = ARENA_NEW(q->arena, int32_t, count);
  for (int64_t o = 0; o < count; o++) {
    double r = type_scale(x, 0) * type_scale(w, o) / type_scale(out, 0);
    if (!quantize_scale(q, node, r, &mul[o], &shift[o])) return false;
  }
  graph_add_requant(q->to, node, count, mul, shift);
  return true;
}

bool quantize_linear(struct quantizer *q, const struct node *n, uint32_t node,
                     const struct format *f, const struct type *out) {
  const struct value *w = node_in(q->from, n, 1), *b = node_in(q->from, n, 2);
  if (!w->init || (b && !b->init) || n->in[1].delay)
    return err_set(q->err, "its weights are computed, only constant ones are quantised");
  const struct type x = q->to->values[q->to->nodes[node].in[0].value].type;
  struct type type;
  struct tensor *weights = quantize_weights(q, w->init, f, &type);
  if (!weights) return false;
  uint32_t id = graph_add_tensor(q->to, tensor_name(q, n, w->name), weights, type);
  q->to->values[id].mask = w->mask;
  graph_add_use(q->to, node, (struct use){id, 0, NONE});
  if (b) {
    struct type bias;
    struct tensor *codes = NULL;
    if (!bias_codes(q, b->init, &x, &type, &bias, &codes)) return false;
    graph_add_use(
        q->to, node,
        (struct use){graph_add_tensor(q->to, tensor_name(q, n, b->name), codes, bias), 0, NONE});
  }
  return linear_requant(q, node, &x, &type, out);
}

// ---- pointwise

static bool tabulated_scale(const struct type *t) {
  return t->scale[0] >= CURVE_SCALE_MIN && t->scale[0] <= CURVE_SCALE_MAX;
}

static bool add_table(struct quantizer *q, const struct node *n, uint32_t node,
                      const struct type *in, const struct type *out) {
  const char *name = op_info(n->op)->name, *from = type_text(q->arena, in),
             *to = type_text(q->arena, out);
  if (in->cls != TYPE_FIXED)
    return err_set(q->err, "%s is a table of a fixed input, W,F or uW,F; found %s", name, from);
  if (out->cls != TYPE_FIXED)
    return err_set(q->err,
                   "%s is a table with a fixed output, W,F or uW,F; found %s (a formats file can "
                   "give the layer a stream of its own)",
                   name, to);
  if (in->width > CURVE_BITS_MAX)
    return err_set(q->err, "%s is a table of at most %d input bits, found %s", name, CURVE_BITS_MAX,
                   from);
  if (!tabulated_scale(in) || !tabulated_scale(out))
    return err_set(q->err, "%s from %s to %s: the scale of its %s is %g, expected 2^-200 to 2^200",
                   name, from, to, tabulated_scale(in) ? "output" : "input",
                   tabulated_scale(in) ? out->scale[0] : in->scale[0]);
  struct curve_domain d = {type_lowest(in),  type_highest(in),  in->zero[0],  in->scale[0],
                           type_lowest(out), type_highest(out), out->zero[0], out->scale[0]};
  int64_t count = d.in_hi - d.in_lo + 1;
  int64_t *codes = ARENA_NEW(q->arena, int64_t, count);
  curve_table((enum curve)node_curve(n), node_real(n, ATTR_alpha, 1.0), &d, codes);
  struct tensor *t =
      tensor_new(q->arena, out->width == 32 && !out->is_signed ? DTYPE_I64 : DTYPE_I32, 1, &count);
  for (int64_t i = 0; i < count; i++) tensor_set_int(t, i, codes[i]);
  graph_add_attr(q->to, node, ATTR_table)->tensor = t;
  return true;
}

// The bounds of a clipping function, as reals.
static void bounds(const struct node *n, double *lo, double *hi) {
  *lo = n->op == OP_relu6 ? 0 : n->op == OP_hard_tanh ? -1 : node_real(n, ATTR_lo, 0);
  *hi = n->op == OP_relu6 ? 6 : n->op == OP_hard_tanh ? 1 : node_real(n, ATTR_hi, 0);
}

static bool add_codes(struct quantizer *q, const struct node *n, uint32_t node,
                      const struct type *in, int32_t slope_shift) {
  double lo, hi, scale = type_scale(in, 0);
  int64_t c[2] = {0, 0}, most = (int64_t)1 << 33, wide = (int64_t)1 << 61;
  double offset = node_real(n, ATTR_offset, 0), lambda = node_real(n, ATTR_lambda, 0);
  if (lambda < 0) return err_set(q->err, "lambda %g, expected 0 or more", lambda);
  switch (n->op) {
  case OP_softshrink:
    c[0] = fix_from_real(lambda / scale, 0, most);
    break;
  case OP_hardshrink:
    c[0] = fix_from_real(floor(lambda / scale), 0, most);
    break;
  case OP_hard_sigmoid:
    c[0] = fix_from_real(ldexp(offset, slope_shift) / scale, -wide, wide);
    c[1] = fix_from_real(ldexp(1, slope_shift) / scale, 0, wide);
    if (c[0] == wide || c[0] == -wide || c[1] == wide)
      return err_set(q->err, "slope %g and offset %g leave 61 bits at the input's scale",
                     node_real(n, ATTR_slope, 0), offset);
    break;
  default:
    bounds(n, &lo, &hi);
    if (!(lo <= hi)) return err_set(q->err, "lo %g lies above hi %g", lo, hi);
    c[0] = type_encode(in, lo);
    c[1] = type_encode(in, hi);
  }
  graph_add_ints(q->to, node, ATTR_codes, op_info(n->op)->codes, c);
  return true;
}

static bool add_slope(struct quantizer *q, const struct node *n, uint32_t node, int32_t *shift) {
  double slope = node_real(n, ATTR_slope, 0);
  int64_t mul;
  if (!(slope >= 0x1p-29 && slope <= 256) || !fix_scale(slope, &mul, shift))
    return err_set(q->err, "slope %g, expected 2^-29 to 256", slope);
  if (*shift < 0) {
    mul <<= -*shift;
    *shift = 0;
  }
  graph_add_requant(q->to, node, 1, &mul, shift);
  return true;
}

// The signs of f(-s) and f(s) are all that a bipolar layer behind a bipolar one can give: where
// they are those of its input, it is a change of type, which a circuit has.
static bool sign_table(struct quantizer *q, const struct node *n, uint32_t node,
                       const struct type *in) {
  double s = type_scale(in, 0), alpha = node_real(n, ATTR_alpha, 1.0);
  enum curve f = (enum curve)node_curve(n);
  bool below = curve_real(f, alpha, -s) < 0, above = curve_real(f, alpha, s) < 0;
  if (!below || above)
    return err_set(q->err,
                   "%s of a bipolar stream has one sign only: give it another stream in a formats "
                   "file",
                   op_info(n->op)->name);
  q->to->nodes[node].op = OP_quantize;
  q->to->nodes[node].n_attr = 0;
  return true;
}

// The same of a layer without a table, when its integers are there.
static void sign_codes(struct quantizer *q, uint32_t node) {
  struct node *n = &q->to->nodes[node];
  struct pointwise p = pointwise_of(q->to, n);
  if (pointwise_acc(&p, -1) >= 0 || pointwise_acc(&p, 1) < 0) return;
  n->op = OP_quantize;
  n->n_attr = n->n_rq = 0;
}

static bool add_exact(struct quantizer *q, const struct node *n, uint32_t node,
                      const struct type *in, const struct type *out) {
  const struct op_info *info = op_info(n->op);
  int32_t slope_shift = 0, shift;
  int64_t mul;
  if (info->slopes && !add_slope(q, n, node, &slope_shift)) return false;
  if (info->codes && !add_codes(q, n, node, in, slope_shift)) return false;
  if (!info->slopes && type_equal(in, out)) return true;
  if (!quantize_scale(q, node, type_scale(in, 0) / type_scale(out, 0), &mul, &shift)) return false;
  shift += slope_shift;
  graph_add_requant(q->to, node, 1, &mul, &shift);
  return true;
}

bool quantize_pointwise(struct quantizer *q, const struct node *n, uint32_t node,
                        const struct type *in, const struct type *out) {
  struct type x = *in; // which graph_add_value may move
  bool signs = x.cls == TYPE_BIPOLAR && type_equal(&x, out);
  if (op_info(n->op)->curve != NONE)
    return signs ? sign_table(q, n, node, &x) : add_table(q, n, node, &x, out);
  if (!add_exact(q, n, node, &x, out)) return false;
  if (signs) sign_codes(q, node);
  return true;
}

// ---- joins and sums

static bool power_of_two(double r) {
  int exponent;
  return frexp(r, &exponent) == 0.5;
}

// Both inputs to one scale: the finer one where all ratios are powers of two, otherwise one with
// the larger multiplier in [2^30, 2^31).
static bool add_requants(struct quantizer *q, uint32_t node, double s0, double s1, double sy) {
  int64_t m0, m1;
  int32_t shift;
  double coarse = fmax(s0, s1), fine = fmin(s0, s1);
  if (power_of_two(s0 / sy) && power_of_two(s1 / sy) && coarse / fine < 0x1p39) {
    m0 = (int64_t)(s0 / fine);
    m1 = (int64_t)(s1 / fine);
    int64_t one;
    if (!fix_scale(fine / sy, &one, &shift)) return ratio_error(q, fine / sy);
  } else {
    if (!fix_scale_tflite(coarse / sy, &m0, &shift)) return ratio_error(q, coarse / sy);
    m0 = (int64_t)rint(ldexp(s0 / sy, shift));
    m1 = (int64_t)rint(ldexp(s1 / sy, shift));
    if (m0 == 0 || m1 == 0)
      return err_set(q->err, "input scales %g and %g are too far apart", s0, s1);
  }
  graph_add_requant(q->to, node, 1, &m0, &shift);
  graph_add_requant(q->to, node, 1, &m1, &shift);
  return true;
}

bool quantize_join(struct quantizer *q, const struct node *n, uint32_t node, const struct type *in0,
                   const struct type *in1, const struct type *out) {
  double s0 = type_scale(in0, 0), s1 = in1 ? type_scale(in1, 0) : 1, sy = type_scale(out, 0);
  if (n->op == OP_add || n->op == OP_sub) return add_requants(q, node, s0, s1, sy);
  int64_t mul;
  int32_t shift;
  if (!quantize_scale(q, node, s0 * s1 / sy, &mul, &shift)) return false;
  graph_add_requant(q->to, node, 1, &mul, &shift);
  return true;
}

bool quantize_concat(struct quantizer *q, uint32_t node, const struct type *out) {
  const struct node *n = &q->to->nodes[node];
  bool equal = true;
  for (uint32_t i = 0; i < n->n_in; i++) equal &= type_equal(&node_in(q->to, n, i)->type, out);
  for (uint32_t i = 0; !equal && i < n->n_in; i++) {
    const struct value *x = node_in(q->to, n, i);
    int64_t mul;
    int32_t shift;
    if (!quantize_scale(q, node, type_scale(&x->type, 0) / type_scale(out, 0), &mul, &shift))
      return err_within(q->err, "input \"%s\"", x->name);
    graph_add_requant(q->to, node, 1, &mul, &shift);
  }
  return true;
}
