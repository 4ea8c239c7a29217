// SPDX-License-Identifier: Apache-2.0
// Requantisations of pools: of the largest, if the type changes; of an average.
#include "quant/quantize_layer.h"
#include "sw/graph/pool.h"

#include <math.h>

// An average divides exactly where the scales are a power of two apart; otherwise there is a
// multiplier for each count.
static bool average(struct quantizer *q, uint32_t node, double r) {
  const struct node *n = &q->to->nodes[node];
  struct pool_window p;
  int64_t mul, counts = 0;
  int32_t shift;
  if (!fix_scale(r, &mul, &shift)) return quantize_ratio_error(q, r);
  if (mul == 1) {
    graph_add_requant(q->to, node, 1, &mul, &shift);
    return true;
  }
  if (!pool_of(q->to, n, &p, q->err)) return false;
  const int64_t *count = pool_counts(q->arena, &p, &counts);
  for (int64_t i = 0; i < counts; i++) {
    if (!fix_scale_tflite(r / (double)count[i], &mul, &shift))
      return quantize_ratio_error(q, r / (double)count[i]);
    graph_add_requant(q->to, node, 1, &mul, &shift);
  }
  return true;
}

// Codes of one type as they are; otherwise a multiplier, which windows of one count share.
static bool tflite_average(struct quantizer *q, uint32_t node, const struct type *in,
                           const struct type *out) {
  const struct node *n = &q->to->nodes[node];
  struct pool_window p;
  int64_t mul = 1, counts = 1;
  int32_t shift = 0;
  if (!pool_of(q->to, n, &p, q->err)) return false;
  const int64_t *count = pool_counts(q->arena, &p, &counts);
  bool codes = type_equal(in, out) && !node_int(n, ATTR_count_pad, 0);
  if (!codes && counts > 1)
    return err_set(q->err, "rounding tflite isn't defined for averages of several counts: give the "
                           "layer another one in a formats file");
  double r = type_scale(in, 0) / type_scale(out, 0);
  if (!codes && !fix_scale_tflite(r, &mul, &shift)) return quantize_ratio_error(q, r);
  if (!codes) pool_mean_scale(count[0], &mul, &shift);
  graph_add_requant(q->to, node, 1, &mul, &shift);
  return true;
}

static bool quantize_pool(struct quantizer *q, const struct node *n, uint32_t node,
                          const struct format *f, const struct type *out) {
  const struct type in = node_in(q->to, &q->to->nodes[node], 0)->type;
  (void)f;
  if (n->op == OP_avg_pool && type_is_minifloat(out))
    return err_set(q->err,
                   "an average isn't rounded to %s, only to W,F or uW,F (a formats file can give "
                   "the layer a stream of its own)",
                   type_text(q->arena, out));
  if (n->op == OP_avg_pool && q->to->nodes[node].rounding == FIX_TFLITE)
    return tflite_average(q, node, &in, out);
  if (n->op == OP_avg_pool) return average(q, node, type_scale(&in, 0) / type_scale(out, 0));
  return type_equal(&in, out) || quantize_product(q, node, out);
}

const struct quant_column quant_pool = {.quantize = quantize_pool};
