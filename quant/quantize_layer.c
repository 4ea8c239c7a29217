// SPDX-License-Identifier: Apache-2.0
#include "quant/quantize_layer.h"

bool quantize_ratio_error(struct quantizer *q, double r) {
  return err_set(q->err, "the ratio of the scales, %g, needs a shift outside of %d to %d", r,
                 FIX_SHIFT_MIN, FIX_SHIFT_MAX);
}

bool quantize_scale(struct quantizer *q, uint32_t node, double r, int64_t *mul, int32_t *shift) {
  bool two_step = q->to->nodes[node].rounding == FIX_TFLITE;
  if (two_step ? fix_scale_tflite(r, mul, shift) : fix_scale(r, mul, shift)) return true;
  return quantize_ratio_error(q, r);
}

bool quantize_product(struct quantizer *q, uint32_t node, const struct type *out) {
  const struct node *n = &q->to->nodes[node];
  double scale = 1;
  int64_t mul;
  int32_t shift;
  for (uint32_t i = 0; i < n->n_in; i++) scale *= type_scale(&node_in(q->to, n, i)->type, 0);
  if (!quantize_scale(q, node, scale / type_scale(out, 0), &mul, &shift)) return false;
  graph_add_requant(q->to, node, 1, &mul, &shift);
  return true;
}

bool quantize_no_calibration(const struct quantizer *q, const struct type *t) {
  return err_set(q->err,
                 "precision %d says the width alone: give W,F, as in %d,%d, or images that the "
                 "rest follows from, as in --calibrate mnist-train:1000",
                 t->width, t->width, t->width / 2);
}
