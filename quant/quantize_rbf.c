// SPDX-License-Identifier: Apache-2.0
// The weights of radial basis functions: subtracted from the inputs, at a scale that can be shifted
// to theirs.
#include "quant/quantize_layer.h"
#include "sw/graph/rbf.h"

static bool quantize_distances(struct quantizer *q, const struct node *n, uint32_t node,
                               const struct format *f, const struct type *out) {
  struct type w, x = q->to->values[q->to->nodes[node].in[0].value].type;
  struct rbf r;
  int64_t mul;
  int32_t shift;
  if (!quantize_weight_tensor(q, n, node, f, &w)) return false;
  if (type_is_coded(&w))
    return err_set(q->err,
                   "its distances are to integers, not to %s: give the layer weights of its own in "
                   "a formats file, as in {\"layers\":{\"%s\":{\"weight\":\"8\"}}}",
                   type_text(q->arena, &w), n->name);
  if (w.axis >= 0)
    return err_set(q->err, "its weights have a scale per output, expected one for all of them "
                           "(--weight-precision, or another one for the layer)");
  if (!rbf_of(&x, &w, &r))
    return err_set(
        q->err,
        "its input has scale %g, its weights %g, expected a power of two between them, at "
        "most 2^%d (another --input-precision or --weight-precision?)",
        type_scale(&x, 0), type_scale(&w, 0), RBF_SHIFT_MAX);
  if (!quantize_scale(q, node, r.scale * r.scale / type_scale(out, 0), &mul, &shift)) return false;
  graph_add_requant(q->to, node, 1, &mul, &shift);
  return true;
}

const struct quant_column quant_rbf = {.quantize = quantize_distances};
