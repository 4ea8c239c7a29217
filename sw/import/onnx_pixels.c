// SPDX-License-Identifier: Apache-2.0
// Padding, and channels that become pixels.
#include "sw/import/onnx.h"

#include <string.h>

// ---- padding

// Pads of the file's axes, the batch left out: in front of each, then behind each.
static bool pads_of(struct onnx *o, int rank, int64_t pad[2 * RANK_MAX]) {
  int64_t count, axes;
  const int64_t *list, *of;
  if (!onnx_ints(o, o->opset < 2 ? "paddings" : "pads", 1, &count, &list) ||
      !onnx_ints(o, "axes", 3, &axes, &of))
    return false;
  int64_t n = axes ? axes : rank + 1;
  if (count != 2 * n)
    return onnx_refuse(o, "check the file", "%lld pads for %lld axes", (long long)count,
                       (long long)n);
  memset(pad, 0, 2 * RANK_MAX * sizeof *pad);
  for (int64_t i = 0; i < n; i++) {
    int axis;
    if (list[i] == 0 && list[n + i] == 0) continue;
    if (!onnx_axis(o, axes ? of[i] : i, rank, &axis)) return false;
    pad[axis] = list[i];
    pad[rank + axis] = list[n + i];
    if (list[i] > DIM_MAX || list[n + i] > DIM_MAX)
      return onnx_refuse(o, "check the file", "pads of more than %lld elements",
                         (long long)DIM_MAX);
  }
  return true;
}

// Which element of `size` stands at i, which may lie beyond the ends: of the ends (edge), mirrored
// at them, or from the other one (wrap).
static int64_t element_at(const char *mode, int64_t i, int64_t size) {
  if (strcmp(mode, "edge") == 0) return i < 0 ? 0 : i > size - 1 ? size - 1 : i;
  if (strcmp(mode, "wrap") == 0) return ((i % size) + size) % size;
  i = i < 0 ? -i : i;
  return i > size - 1 ? 2 * (size - 1) - i : i;
}

enum { EDGES_MOST = 64 };

static bool pad_with_own(struct onnx *o, struct stream *x, const char *mode, const int64_t *pad) {
  int rank = x->layout.rank;
  for (int d = 0; d < rank; d++) {
    int64_t front = pad[d], behind = pad[rank + d], size = x->layout.shape[d];
    int64_t most = strcmp(mode, "edge") == 0 ? EDGES_MOST : size;
    if (strcmp(mode, "reflect") == 0) most = size - 1;
    if (!front && !behind) continue;
    if (front < 0 || behind < 0) return onnx_refuse(o, "use Slice", "pads below 0 cut the array");
    if (front > most || behind > most)
      return onnx_refuse(o, "pad by fewer", "pads of %lld and %lld elements, mode \"%s\", of %lld",
                         (long long)front, (long long)behind, mode, (long long)size);
    int64_t n = front + size + behind;
    struct tensor *list = tensor_new(o->arena, DTYPE_I64, 1, &n);
    for (int64_t i = 0; i < n; i++) tensor_set_int(list, i, element_at(mode, i - front, size));
    if (!onnx_take(o, x, d, list)) return false;
  }
  onnx_set_stream(o, 0, *x);
  return true;
}

bool onnx_pad(struct onnx *o) {
  struct stream x = {0};
  int axes[RANK_MAX];
  int64_t pad[2 * RANK_MAX], ours[2 * RANK_MAX], shape[RANK_MAX];
  const struct tensor *value = onnx_constant(o, 2);
  const char *mode = onnx_text(o, "mode", "constant");
  if (!onnx_stream(o, 0, &x)) return false;
  int rank = x.layout.rank;
  bool own = strcmp(mode, "edge") == 0 || strcmp(mode, "reflect") == 0 || strcmp(mode, "wrap") == 0;
  if (own) return pads_of(o, rank, pad) && pad_with_own(o, &x, mode, pad);
  if (strcmp(mode, "constant") != 0)
    return onnx_refuse(o, "use constant, edge, reflect or wrap", "mode \"%s\"", mode);
  if (onnx_in(o, 2) && !(value && value->count == 1))
    return onnx_refuse(o, "pad with a constant", "its value is computed from data");
  if (!pads_of(o, rank, pad) || !builder_tidy(&o->builder, &x, axes)) return false;
  for (int k = 0; k < rank; k++) {
    ours[k] = pad[axes[k]];
    ours[rank + k] = pad[rank + axes[k]];
    if (ours[k] < 0 || ours[rank + k] < 0)
      return onnx_refuse(o, "use Slice", "pads below 0 cut the array");
    if (ours[k] > DIM_MAX || ours[rank + k] > DIM_MAX)
      return onnx_refuse(o, "check the file", "pads of %lld and %lld elements", (long long)ours[k],
                         (long long)ours[rank + k]);
    shape[axes[k]] = ours[k] + x.layout.shape[axes[k]] + ours[rank + k];
  }
  if (!builder_with_zero(&o->builder, &x)) return false;
  uint32_t node = builder_node(&o->builder, OP_pad, 1, &x.value);
  graph_add_ints(o->builder.graph, node, ATTR_pad, 2 * rank, ours);
  graph_add_real(o->builder.graph, node, ATTR_value,
                 value ? tensor_real(value, 0) : onnx_real(o, "value", 0));
  if (!builder_out(&o->builder, node, &x.value)) return false;
  x.layout = layout_new(rank, shape, axes);
  onnx_set_stream(o, 0, x);
  return true;
}

// ---- channels to pixels and back

static bool blocks(struct onnx *o, struct stream *x, int64_t *size) {
  *size = onnx_int(o, "blocksize", 0);
  if (*size < 1 || *size > DIM_MAX)
    return onnx_refuse(o, "check the file", "blocksize %lld", (long long)*size);
  return onnx_stream(o, 0, x) &&
         (x->layout.rank == 3 ||
          onnx_refuse(o, "use images (N, C, H, W)", "its input has %d axes beside the batch",
                      x->layout.rank));
}

static bool regrouped(struct onnx *o, struct stream *x, const int64_t cut[5], const int axes[5],
                      const int64_t shape[3]) {
  if (!builder_reshape(&o->builder, x, 5, cut)) return false;
  layout_permute(&x->layout, axes);
  return onnx_set_reshaped(o, *x, 3, shape);
}

bool onnx_depth_to_space(struct onnx *o) {
  struct stream x = {0};
  int64_t b;
  if (!blocks(o, &x, &b)) return false;
  int64_t c = x.layout.shape[0], h = x.layout.shape[1], w = x.layout.shape[2];
  if (c % (b * b)) return onnx_refuse(o, "check the file", "%lld channels", (long long)c);
  int64_t shape[3] = {c / (b * b), h * b, w * b};
  if (strcmp(onnx_text(o, "mode", "DCR"), "DCR") == 0)
    return regrouped(o, &x, (int64_t[]){b, b, shape[0], h, w}, (const int[]){2, 3, 0, 4, 1}, shape);
  return regrouped(o, &x, (int64_t[]){shape[0], b, b, h, w}, (const int[]){0, 3, 1, 4, 2}, shape);
}

bool onnx_space_to_depth(struct onnx *o) {
  struct stream x = {0};
  int64_t b;
  if (!blocks(o, &x, &b)) return false;
  const int *order = strcmp(onnx_text(o, "mode", "DCR"), "DCR") == 0 ? (const int[]){2, 4, 0, 1, 3}
                                                                     : (const int[]){0, 2, 4, 1, 3};
  int64_t c = x.layout.shape[0], h = x.layout.shape[1], w = x.layout.shape[2];
  if (h % b || w % b)
    return onnx_refuse(o, "check the file", "%lld rows, %lld columns", (long long)h, (long long)w);
  int64_t shape[3] = {c * b * b, h / b, w / b};
  return regrouped(o, &x, (int64_t[]){c, h / b, b, w / b, b}, order, shape);
}
