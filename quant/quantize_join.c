// SPDX-License-Identifier: Apache-2.0
// Requantisations of add, sub and mul.
#include "quant/quantize_layer.h"
#include "sw/graph/join.h"

#include <math.h>

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
    if (!fix_scale(fine / sy, &one, &shift)) return quantize_ratio_error(q, fine / sy);
  } else {
    if (!fix_scale_tflite(coarse / sy, &m0, &shift)) return quantize_ratio_error(q, coarse / sy);
    m0 = (int64_t)rint(ldexp(s0 / sy, shift));
    m1 = (int64_t)rint(ldexp(s1 / sy, shift));
    if (m0 == 0 || m1 == 0)
      return err_set(q->err, "input scales %g and %g are too far apart", s0, s1);
  }
  graph_add_requant(q->to, node, 1, &m0, &shift);
  graph_add_requant(q->to, node, 1, &m1, &shift);
  return true;
}

// Of rounding tflite: each to twice the coarser scale over 2^20, then their sum to the output's.
static bool tflite_requants(struct quantizer *q, uint32_t node, double s0, double s1, double sy) {
  double twice = 2 * fmax(s0, s1);
  const double ratios[] = {s0 / twice, s1 / twice, twice / ldexp(sy, JOIN_TFLITE_BITS)};
  for (int i = 0; i < 3; i++) {
    int64_t mul;
    int32_t shift;
    if (!fix_scale_tflite(ratios[i], &mul, &shift)) return quantize_ratio_error(q, ratios[i]);
    graph_add_requant(q->to, node, 1, &mul, &shift);
  }
  return true;
}

static bool quantize_join(struct quantizer *q, const struct node *n, uint32_t node,
                          const struct format *f, const struct type *out) {
  const struct node *to = &q->to->nodes[node];
  (void)f;
  if (n->op == OP_mul) return quantize_product(q, node, out);
  return (join_rescales(to) ? tflite_requants : add_requants)(
      q, node, type_scale(&node_in(q->to, to, 0)->type, 0),
      type_scale(&node_in(q->to, to, 1)->type, 0), type_scale(out, 0));
}

const struct quant_column quant_join = {.quantize = quantize_join, .constants = true};
