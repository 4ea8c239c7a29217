// SPDX-License-Identifier: Apache-2.0
// Integer constants, slopes, table or requantisation of an activation.
#include "quant/quantize_layer.h"
#include "sw/graph/curve.h"
#include "sw/graph/pointwise.h"

#include <math.h>

enum { CURVE_BITS_MAX = 16 };

static bool tabulated_scale(const struct type *t) {
  return t->scale[0] >= CURVE_SCALE_MIN && t->scale[0] <= CURVE_SCALE_MAX;
}

static bool add_table(struct quantizer *q, const struct node *n, uint32_t node,
                      const struct type *in, const struct type *out) {
  const char *name = op_info(n->op)->name, *from = type_text(q->arena, in),
             *to = type_text(q->arena, out);
  if (!type_is_fixed(in))
    return err_set(q->err, "%s is a table of a fixed input, W,F or uW,F; found %s", name, from);
  if (!type_is_fixed(out))
    return err_set(q->err,
                   "%s is a table with a fixed output, W,F or uW,F; found %s (a formats file can "
                   "give the layer a stream of its own)",
                   name, to);
  if (in->width > CURVE_BITS_MAX)
    return err_set(q->err,
                   "%s is a table of at most %d input bits, found %s: give the layer before it a "
                   "stream of fewer (--precision W,F, or a formats file)",
                   name, CURVE_BITS_MAX, from);
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

static bool add_codes(struct quantizer *q, const struct node *n, uint32_t node,
                      const struct type *in, int32_t slope_shift) {
  struct exact_reals reals = exact_reals_of(n);
  int64_t c[2] = {0, 0};
  if (!exact_of(n->op)->codes(&reals, in, slope_shift, c, q->err)) return false;
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
  bool closed = !info->slopes && exact_of(n->op)->monotone && !op_is(n->op, TRAIT_NARROWS);
  if (closed && type_equal(in, out)) return true;
  if (!quantize_scale(q, node, type_scale(in, 0) / type_scale(out, 0), &mul, &shift)) return false;
  shift += slope_shift;
  graph_add_requant(q->to, node, 1, &mul, &shift);
  return true;
}

static bool quantize_pointwise(struct quantizer *q, const struct node *n, uint32_t node,
                               const struct format *f, const struct type *out) {
  struct type x = node_in(q->to, &q->to->nodes[node], 0)->type;
  (void)f;
  if (out->axis >= 0)
    return err_set(q->err, "its type has scales per channel, a stream is quantised to one scale");
  bool signs = type_is_bipolar(&x) && type_equal(&x, out);
  if (op_info(n->op)->curve != NONE)
    return signs ? sign_table(q, n, node, &x) : add_table(q, n, node, &x, out);
  if (!add_exact(q, n, node, &x, out)) return false;
  if (signs) sign_codes(q, node);
  return true;
}

static struct type type_out(const struct quantizer *q, const struct node *n, uint32_t out,
                            const struct format *f) {
  const struct attr *own = node_attr(n, ATTR_type);
  (void)q;
  (void)out;
  return own ? own->type : f->stream;
}

const struct quant_column quant_pointwise = {.type_out = type_out, .quantize = quantize_pointwise};
