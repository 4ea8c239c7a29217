// SPDX-License-Identifier: Apache-2.0
// QKeras' quantizers. Files hold floats; what they are rounded to follows from the quantizer:
//
//   quantized_bits(B, I)         codes round(w / s), s = 2^(I - (B - sign)), from -2^(B-1)
//   (symmetric: one
//                                more) to 2^(B-1) - 1; without a sign 0 .. 2^B - 1
//   alpha auto_po2               s = 2^I 2^round(log2(sum w q / sum q^2)) for each output, five
//   rounds of
//                                least squares (QKeras 0.9, quantizers.py)
//   quantized_relu(B, I)         codes 0 .. 2^B - 1 of s = 2^(I - B)
#include "sw/import/keras.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct bits {
  int bits, integer;
  bool sign, symmetric, automatic; // automatic: alpha auto_po2
};

// Numbers of "quantized_bits(4,0,1)" (bits, integer, symmetric, keep_negative), of
// "quantized_relu(4,0)" (bits, integer, use_sigmoid).
static bool numbers_of(struct keras *k, const char *name, bool relu, int list[4]) {
  const char *at = strchr(name, '(');
  for (int i = 0; at && i < 4 && (*at == '(' || *at == ','); i++) {
    char *end;
    int n = (int)strtol(at + 1, &end, 10);
    if (end == at + 1) break;
    list[i] = n;
    at = end;
  }
  return !at || (strcmp(at, ")") == 0 && (!relu || !list[2])) ||
         keras_refuse(k, "use two numbers", "\"%s\" says more than bits", name);
}

// They, or those of its configuration.
static bool bits_of(struct keras *k, const char *name, const json_t *config, bool relu,
                    struct bits *b) {
  const json_t *alpha = json_object_get(config, "alpha"), *outer = k->config;
  const char *word = json_string_value(alpha);
  int list[4] = {8, 0, 0, 1};
  if (!config && !numbers_of(k, name, relu, list)) return false;
  k->config = config;
  b->bits = (int)keras_int(k, "bits", list[0]);
  b->integer = (int)keras_int(k, "integer", list[1]);
  b->sign = !relu && keras_true(k, "keep_negative", list[3]);
  b->symmetric = !relu && keras_true(k, "symmetric", list[2]);
  b->automatic = word && strcmp(word, "auto_po2") == 0;
  double scale = word ? 1 : keras_real(k, "alpha", 1);
  k->config = outer;
  if (k->odd) return false;
  if ((word && !b->automatic) || scale != 1)
    return keras_refuse(k, "use alpha auto_po2 or None", "alpha \"%s\"",
                        word ? word : arena_printf(k->arena, "%g", scale));
  if (b->bits < 1 + b->sign || b->bits > 24 || abs(b->integer) > 24)
    return keras_refuse(k, "use 2 to 24 bits", "%d bits, %d of them integer", b->bits, b->integer);
  return true;
}

static double step_of(const struct bits *b) {
  return ldexp(1, b->integer - (b->bits - b->sign));
}

// ---- weights

// Codes and the scale of one output's weights.
static double automatic(const struct bits *b, const float *w, int64_t count, int64_t stride,
                        int32_t *codes) {
  double most = 0, levels = exp2(b->bits) - (b->symmetric ? 2 : 1), unit = ldexp(1, b->integer);
  for (int64_t i = 0; i < count; i++) most = fmax(most, fabs((double)w[i * stride] / unit));
  double scale = exp2(rint(log2(most * 2 / levels + 1e-7)));
  for (int round = 0; round < 5; round++) {
    double wq = 0, qq = 0;
    for (int64_t i = 0; i < count; i++) {
      double x = (double)w[i * stride] / unit, v = floor(fabs(x) / scale + 0.5);
      v = v < levels / 2 ? v : levels / 2;
      codes[i] = (int32_t)(x < 0 ? -v : x > 0 ? v : 0);
      wq += x * codes[i];
      qq += (double)codes[i] * codes[i];
    }
    scale = exp2(rint(log2(wq / (double)count / (qq / (double)count + 1e-7) + 1e-7)));
  }
  return scale * unit;
}

static double fixed(const struct bits *b, const float *w, int64_t count, int32_t *codes) {
  double s = step_of(b), hi = exp2(b->bits - b->sign) - 1,
         lo = b->sign ? -hi - 1 + b->symmetric : 0;
  for (int64_t i = 0; i < count; i++)
    codes[i] = (int32_t)fmin(fmax(rint((double)w[i] / s), lo), hi);
  return s;
}

// Integers with a scale for each output.
static uint32_t add_codes(struct keras *k, const struct bits *b, const struct tensor *t,
                          const char *name) {
  int64_t outs = t->rank > 1 && b->automatic ? t->shape[0] : 1, taps = t->count / outs;
  double *scale = ARENA_NEW(k->arena, double, outs);
  int32_t *codes = ARENA_NEW(k->arena, int32_t, t->count);
  bool each = false;
  for (int64_t o = 0; o < outs; o++) {
    const float *w = (const float *)t->data + o * taps;
    scale[o] = b->automatic ? automatic(b, w, taps, 1, codes + o * taps)
                            : fixed(b, w, taps, codes + o * taps);
    each |= scale[o] != scale[0];
  }
  struct type type = type_channels(k->arena, b->bits + !b->sign, true, each ? 0 : -1,
                                   each ? outs : 1, scale, ARENA_NEW(k->arena, int32_t, outs));
  struct tensor *to = tensor_new(k->arena, dtype_for(&type), t->rank, t->shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(to, i, codes[i]);
  return builder_typed(&k->builder, name, to, type);
}

// A bias is added at the accumulator's scale: the values that it is rounded to.
static uint32_t add_values(struct keras *k, const struct bits *b, const struct tensor *t,
                           const char *name) {
  int32_t *codes = ARENA_NEW(k->arena, int32_t, t->count);
  double s = fixed(b, t->data, t->count, codes);
  struct tensor *to = tensor_new(k->arena, DTYPE_F32, t->rank, t->shape);
  for (int64_t i = 0; i < t->count; i++) ((float *)to->data)[i] = (float)(codes[i] * s);
  return builder_tensor(&k->builder, name, to);
}

bool keras_weights(struct keras *k, const char *quantizer, const struct tensor *t, const char *name,
                   uint32_t *value) {
  const json_t *config;
  const char *own = keras_object(k, quantizer, &config);
  struct bits b;
  if (!*own) {
    struct tensor *to = tensor_new(k->arena, DTYPE_F32, t->rank, t->shape);
    memcpy(to->data, t->data, (size_t)t->count * sizeof(float));
    *value = builder_tensor(&k->builder, name, to);
    keras_came(k, t, *value);
    return true;
  }
  if (strncmp(own, "quantized_bits", 14) != 0)
    return keras_refuse(k, "use quantized_bits", "%s \"%s\" has no counterpart", quantizer, own);
  if (!bits_of(k, own, config, false, &b)) return false;
  *value = t->rank > 1 ? add_codes(k, &b, t, name) : add_values(k, &b, t, name);
  keras_came(k, t, *value);
  if (k->sources) k->sources->list[k->sources->count - 1].rounded = true;
  return true;
}

// ---- streams

bool keras_quantize(struct keras *k, const char *name, const json_t *config, struct stream *x) {
  bool relu = strncmp(name, "quantized_relu", 14) == 0;
  struct bits b;
  if (!relu && strncmp(name, "quantized_bits", 14) != 0)
    return keras_refuse(k, "use quantized_relu or quantized_bits", "\"%s\" has no counterpart",
                        name);
  if (!bits_of(k, name, config, relu, &b)) return false;
  if (b.automatic)
    return keras_refuse(k, "use alpha None for streams", "its scale follows from the data");
  const json_t *outer = k->config;
  k->config = config;
  bool more = keras_real(k, "negative_slope", 0) != 0 ||
              isfinite(keras_real(k, "relu_upper_bound", INFINITY)) ||
              keras_true(k, "use_sigmoid", false);
  k->config = outer;
  if (more)
    return keras_refuse(k, "use a plain quantized_relu", "it has a slope, a bound or a sigmoid");
  uint32_t node = builder_node(&k->builder, OP_requant, 1, &x->value);
  graph_add_type(k->builder.graph, node, ATTR_type,
                 type_fixed(k->arena, b.bits, b.sign, step_of(&b), 0));
  k->builder.graph->nodes[node].overflow = b.symmetric && b.sign ? FIX_SYMMETRIC : FIX_SATURATE;
  return builder_out(&k->builder, node, &x->value);
}
