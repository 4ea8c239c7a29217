// SPDX-License-Identifier: Apache-2.0
// Norms, joins and moves of Keras; what all of its layers share.
#include "sw/import/compose.h"
#include "sw/import/keras.h"
#include "sw/import/resample.h"

#include <math.h>
#include <string.h>

// The output of a node, whose axes are the file's.
bool keras_made(struct keras *k, uint32_t node, struct stream *y) {
  if (!builder_out(&k->builder, node, &y->value)) return false;
  const struct value *v = &k->builder.graph->values[y->value];
  y->layout = layout_new(v->rank, v->shape, NULL);
  return true;
}

bool keras_images(struct keras *k, const struct stream *x) {
  int rank = x->layout.rank;
  if (strcmp(keras_text(k, "data_format", "channels_last"), "channels_last") != 0)
    return keras_refuse(k, "use channels_last", "its channels come first");
  return rank == 2 || rank == 3 ||
         keras_refuse(k, "use images or sequences", "its input has %d axes beside the batch", rank);
}

// The axes as they are, one of ours for each.
bool keras_plain(struct keras *k, struct stream *x) {
  static const int axes[RANK_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
  return builder_arrange(&k->builder, x, axes);
}

// ---- norms and scales

// Arrays gamma, beta, mean, variance, of which the first two may be absent.
bool keras_norm(struct keras *k, struct stream *y) {
  static const char *const names[] = {"gamma", "beta", "mean", "variance"};
  int64_t last = keras_int(k, "axis", -1);
  bool is[4] = {keras_true(k, "scale", true), keras_true(k, "center", true), true, true};
  if (!keras_plain(k, y)) return false;
  int64_t channels = y->layout.rank ? y->layout.shape[y->layout.rank - 1] : 0;
  if (last != -1 && last != y->layout.rank)
    return keras_refuse(k, "normalise the last axis", "axis %lld", (long long)last);
  uint32_t in[5] = {y->value};
  for (int i = 0, array = 0; i < 4; i++) {
    const struct tensor *t = is[i] ? keras_array(k, array++, 1) : NULL;
    if (is[i] && !t) return false;
    if (t && t->count != channels)
      return keras_refuse(k, "save the model again", "%lld numbers for %lld channels",
                          (long long)t->count, (long long)channels);
    struct tensor *to = tensor_new(k->arena, DTYPE_F32, 1, &channels);
    for (int64_t c = 0; c < channels; c++)
      ((float *)to->data)[c] = t ? (float)tensor_real(t, c) : (float)(i == 0);
    in[1 + i] =
        builder_tensor(&k->builder, arena_printf(k->arena, "%s.%s", k->builder.node, names[i]), to);
    if (t) keras_came(k, t, in[1 + i]);
  }
  uint32_t node = builder_node(&k->builder, OP_batch_norm, 5, in);
  graph_add_real(k->builder.graph, node, ATTR_epsilon, keras_real(k, "epsilon", 1e-3));
  return keras_made(k, node, y);
}

// A number, or one for each channel.
static bool numbers(struct keras *k, const char *key, double otherwise, int64_t channels,
                    double *to) {
  int n = keras_is_list(k, key) ? keras_reals(k, key, (int)channels, to) : 1;
  if (!keras_is_list(k, key)) to[0] = keras_real(k, key, otherwise);
  for (int64_t c = 1; n == 1 && c < channels; c++) to[c] = to[0];
  return n == 1 || n == channels ||
         keras_refuse(k, "save the model again", "%s hasn't one number for each channel", key);
}

bool keras_rescale(struct keras *k, struct stream *y) {
  bool lists = keras_is_list(k, "scale") || keras_is_list(k, "offset");
  int64_t channels = lists && y->layout.rank ? y->layout.shape[y->layout.rank - 1] : 1;
  double *scale = ARENA_NEW(k->arena, double, channels),
         *shift = ARENA_NEW(k->arena, double, channels);
  return keras_plain(k, y) && numbers(k, "scale", 1, channels, scale) &&
         numbers(k, "offset", 0, channels, shift) &&
         term_affine(&k->builder, y, channels, scale, shift);
}

// The numbers of Normalization, in its configuration or of array i: one, or one for each channel.
static bool moments(struct keras *k, const char *key, int i, bool one, int64_t channels,
                    double *to) {
  int n = keras_reals(k, key, (int)channels, to);
  if (n == 0) {
    const struct tensor *t = keras_array(k, i, one ? 0 : 1);
    if (!t) return false;
    n = t->count > channels ? -1 : (int)t->count;
    for (int c = 0; c < n; c++) to[c] = tensor_real(t, c);
  }
  for (int64_t c = 1; n == 1 && c < channels; c++) to[c] = to[0];
  return n == 1 || n == channels ||
         keras_refuse(k, "save the model again", "%s hasn't one number for each channel", key);
}

// (x - mean) / max(sqrt(variance), 1e-7), or back.
bool keras_normalise(struct keras *k, struct stream *y) {
  int64_t axis[RANK_MAX], channels = y->layout.rank ? y->layout.shape[y->layout.rank - 1] : 1;
  int n = keras_list(k, "axis", RANK_MAX, axis);
  bool one = json_object_get(k->config, "axis") && n == 0, back = keras_true(k, "invert", false);
  double *scale = ARENA_NEW(k->arena, double, channels),
         *shift = ARENA_NEW(k->arena, double, channels);
  if (n < 0 || !keras_plain(k, y)) return false;
  if (n > 1 || (n == 1 && axis[0] != -1 && axis[0] != y->layout.rank))
    return keras_refuse(k, "normalise the last axis, or all (None)", "it has other axes");
  if (!moments(k, "mean", 0, one, channels, shift) ||
      !moments(k, "variance", 1, one, channels, scale))
    return false;
  for (int64_t c = 0; c < channels; c++) {
    double deviation = fmax(sqrt(scale[c]), 1e-7);
    scale[c] = back ? deviation : 1 / deviation;
    shift[c] = back ? shift[c] : -shift[c] / deviation;
  }
  return term_affine(&k->builder, y, channels, scale, shift);
}

// ---- joins

static bool join(struct keras *k, enum op op, struct stream *y) {
  if (k->n_in < 2)
    return keras_refuse(k, "use layers (Rescaling) instead of constants",
                        "it joins one stream with what is none");
  if (!keras_plain(k, y)) return false;
  for (uint32_t i = 1; i < k->n_in; i++) {
    int64_t shape[RANK_MAX];
    if (!keras_plain(k, &k->in[i])) return false;
    bool spread = y->layout.rank == k->in[i].layout.rank && y->layout.rank;
    for (int d = 0; spread && d < y->layout.rank; d++) {
      int64_t a = y->layout.shape[d], b = k->in[i].layout.shape[d];
      shape[d] = a > b ? a : b;
      spread &= a == b || a == 1 || b == 1;
    }
    if (spread && (!compose_spread(&k->builder, &y->value, shape) ||
                   !compose_spread(&k->builder, &k->in[i].value, shape)))
      return false;
    uint32_t node = builder_node(&k->builder, op, 2, (const uint32_t[]){y->value, k->in[i].value});
    if (!keras_made(k, node, y)) return false;
  }
  return true;
}

bool keras_add(struct keras *k, struct stream *y) {
  return join(k, OP_add, y);
}

bool keras_subtract(struct keras *k, struct stream *y) {
  return join(k, OP_sub, y);
}

bool keras_multiply(struct keras *k, struct stream *y) {
  return join(k, OP_mul, y);
}

bool keras_average(struct keras *k, struct stream *y) {
  double scale = 1.0 / (k->n_in ? k->n_in : 1), shift = 0;
  return join(k, OP_add, y) && term_affine(&k->builder, y, 1, &scale, &shift);
}

static bool extreme(struct keras *k, bool most, struct stream *y) {
  uint32_t in[64];
  for (uint32_t i = 0; i < k->n_in; i++) {
    const struct layout *l = &k->in[i].layout;
    if (!keras_plain(k, &k->in[i])) return false;
    if (!layout_equal(l, &k->in[0].layout))
      return keras_refuse(k, "give its inputs one shape", "its inputs have different shapes");
    in[i] = k->in[i].value;
  }
  *y = k->in[0];
  return (most ? compose_max : compose_min)(&k->builder, k->n_in, in, &y->value);
}

bool keras_maximum(struct keras *k, struct stream *y) {
  return extreme(k, true, y);
}

bool keras_minimum(struct keras *k, struct stream *y) {
  return extreme(k, false, y);
}

bool keras_concat(struct keras *k, struct stream *y) {
  uint32_t in[64];
  int64_t axis = keras_int(k, "axis", -1);
  if (axis < 0) axis += y->layout.rank + 1;
  if (axis < 1 || axis > y->layout.rank)
    return keras_refuse(k, "keep the images of a batch apart", "axis %lld",
                        (long long)keras_int(k, "axis", -1));
  for (uint32_t i = 0; i < k->n_in; i++) {
    if (!keras_plain(k, &k->in[i])) return false;
    in[i] = k->in[i].value;
  }
  uint32_t node = builder_node(&k->builder, OP_concat, k->n_in, in);
  graph_add_int(k->builder.graph, node, ATTR_axis, axis - 1);
  return keras_made(k, node, y);
}

// ---- elements in other places

bool keras_same(struct keras *k, struct stream *y) {
  (void)k;
  (void)y;
  return true;
}

bool keras_flatten(struct keras *k, struct stream *y) {
  const char *format = keras_text(k, "data_format", "channels_last");
  if (strcmp(format, "channels_last") != 0 && y->layout.rank > 1 && y->layout.shape[0] != 1)
    return keras_refuse(k, "use channels_last", "its channels come first");
  int64_t n = layout_elements(&y->layout);
  return builder_reshape(&k->builder, y, 1, &n) && builder_flat(&k->builder, y);
}

bool keras_reshape_to(struct keras *k, int rank, int64_t *shape, struct stream *y) {
  int64_t n = layout_elements(&y->layout), known = 1;
  int open = RANK_MAX;
  for (int d = 0; d < rank; d++) {
    if (shape[d] == -1 && open == RANK_MAX)
      open = d;
    else if (shape[d] < 1 || shape[d] > n || (known *= shape[d]) > n)
      return keras_refuse(k, "check the file", "its shape doesn't have %lld elements",
                          (long long)n);
  }
  if (open < rank) shape[open] = n / known;
  if (shape_elements(rank, shape) != n)
    return keras_refuse(k, "check the file", "its shape doesn't have %lld elements", (long long)n);
  return builder_reshape(&k->builder, y, rank, shape) && keras_plain(k, y);
}

bool keras_reshape(struct keras *k, struct stream *y) {
  int64_t shape[RANK_MAX];
  int rank = keras_list(k, "target_shape", RANK_MAX, shape);
  if (rank < 1) return keras_refuse(k, "check the file", "a shape of no or too many axes");
  return keras_reshape_to(k, rank, shape, y);
}

bool keras_permute(struct keras *k, struct stream *y) {
  int64_t dims[RANK_MAX];
  int axes[RANK_MAX];
  unsigned taken = 0;
  if (keras_list(k, "dims", RANK_MAX, dims) != y->layout.rank)
    return keras_refuse(k, "check the file", "dims");
  for (int d = 0; d < y->layout.rank; d++) {
    if (dims[d] < 1 || dims[d] > y->layout.rank || taken >> dims[d] & 1)
      return keras_refuse(k, "check the file", "dims is no permutation");
    axes[d] = (int)dims[d] - 1;
    taken |= 1U << dims[d];
  }
  layout_permute(&y->layout, axes);
  return keras_plain(k, y);
}

// padding, cropping: a number, one for each axis, or a pair for each.
static bool pairs(struct keras *k, const char *key, int axes, int64_t *before, int64_t *after) {
  int64_t list[4] = {1};
  int n = keras_list(k, key, 2 * axes, list);
  if (n < 0) return false;
  if (n == 0) n = 1; // Keras' default
  if (n != 1 && n != axes && n != 2 * axes)
    return keras_refuse(k, "check the file", "%s: %d numbers for %d axes", key, n, axes);
  for (int d = 0; d < axes; d++) {
    before[d] = list[n == 2 * axes ? 2 * d : n == 1 ? 0 : d];
    after[d] = list[n == 2 * axes ? 2 * d + 1 : n == 1 ? 0 : d];
    if (before[d] < 0 || after[d] < 0 || before[d] > DIM_MAX || after[d] > DIM_MAX)
      return keras_refuse(k, "check the file", "%s", key);
  }
  return true;
}

bool keras_pad(struct keras *k, struct stream *y) {
  int64_t before[2], after[2], pad[6] = {0};
  if (!keras_images(k, y) || !keras_plain(k, y) ||
      !pairs(k, "padding", y->layout.rank - 1, before, after))
    return false;
  int rank = y->layout.rank;
  for (int d = 0; d < rank - 1; d++) {
    pad[d] = before[d];
    pad[rank + d] = after[d];
  }
  uint32_t node = builder_node(&k->builder, OP_pad, 1, &y->value);
  graph_add_ints(k->builder.graph, node, ATTR_pad, 2 * rank, pad);
  return keras_made(k, node, y);
}

bool keras_crop(struct keras *k, struct stream *y) {
  int64_t before[2], after[2], begin[3] = {0}, end[3];
  if (!keras_images(k, y) || !keras_plain(k, y) ||
      !pairs(k, "cropping", y->layout.rank - 1, before, after))
    return false;
  int rank = y->layout.rank;
  for (int d = 0; d < rank; d++) {
    begin[d] = d < rank - 1 ? before[d] : 0;
    end[d] = y->layout.shape[d] - (d < rank - 1 ? after[d] : 0);
  }
  uint32_t node = builder_node(&k->builder, OP_slice, 1, &y->value);
  graph_add_ints(k->builder.graph, node, ATTR_begin, rank, begin);
  graph_add_ints(k->builder.graph, node, ATTR_end, rank, end);
  return keras_made(k, node, y);
}

static bool interpolated(struct keras *k, const int64_t *factors, struct stream *y) {
  struct resample r = {.factor = {factors[0], y->layout.rank == 3 ? factors[1] : 1}};
  static const int last[2][3] = {{1, 0}, {1, 2, 0}};
  int axes = y->layout.rank - 1;
  if (!resample_put(&k->builder, &r, y)) return false; // as (C, H, W)
  layout_permute(&y->layout, last[axes - 1]);
  return keras_plain(k, y);
}

bool keras_upsample(struct keras *k, struct stream *y) {
  int64_t factors[2];
  const char *mode = keras_text(k, "interpolation", "nearest");
  bool linear = strcmp(mode, "bilinear") == 0;
  if (!linear && strcmp(mode, "nearest") != 0)
    return keras_refuse(k, "use nearest or bilinear", "interpolation \"%s\"", mode);
  if (!keras_images(k, y) || !keras_plain(k, y) ||
      !keras_numbers(k, "size", y->layout.rank - 1, 2, factors))
    return false;
  if (linear) return interpolated(k, factors, y);
  uint32_t node = builder_node(&k->builder, OP_upsample, 1, &y->value);
  graph_add_ints(k->builder.graph, node, ATTR_factors, y->layout.rank - 1, factors);
  return keras_made(k, node, y);
}
