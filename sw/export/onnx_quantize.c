// SPDX-License-Identifier: Apache-2.0
// Integers in ONNX: QuantizeLinear and DequantizeLinear, or Quant of QONNX. A type narrower than
// ONNX's integers is clipped between the two.
#include "sw/export/onnx_writer.h"

#include <stdlib.h>

// Of a bias, sign apart: the integer is found again behind a float32 of its value, or its scale.
enum { BIAS_BITS = 22 };

// ---- numbers of ONNX's integer types

struct container {
  int type, bits; // of ONNX
  bool is_signed;
};

static struct container container_for(int width, bool is_signed) {
  int bits = width <= 8 ? 8 : width <= 16 ? 16 : 32;
  int type = bits == 8    ? is_signed ? ONNX__TENSOR_PROTO__DATA_TYPE__INT8
                                      : ONNX__TENSOR_PROTO__DATA_TYPE__UINT8
             : bits == 16 ? is_signed ? ONNX__TENSOR_PROTO__DATA_TYPE__INT16
                                      : ONNX__TENSOR_PROTO__DATA_TYPE__UINT16
                          : ONNX__TENSOR_PROTO__DATA_TYPE__INT32;
  return (struct container){type, bits, is_signed};
}

// Whether runtimes have integers of so many bits: those of 8 bits are clipped to fewer, those of 16
// can't be.
static bool has_container(int width) {
  return width <= 8 || width == 16;
}

static const char *integers(struct onnx_writer *w, const char *name, const struct container *c,
                            int rank, const int64_t *shape, int64_t count, const int64_t *list) {
  size_t bytes = (size_t)c->bits / 8;
  uint8_t *data = ARENA_NEW(w->arena, uint8_t, (size_t)count * bytes);
  for (int64_t i = 0; i < count; i++)
    for (size_t b = 0; b < bytes; b++) // little-endian
      data[(size_t)i * bytes + b] = (uint8_t)((uint64_t)list[i] >> (8 * b));
  return onnx_file_constant(w->file, onnx_file_name(w->file, name), c->type, rank, shape, data,
                            (size_t)count * bytes);
}

static const char *floats(struct onnx_writer *w, const char *name, int rank, const int64_t *shape,
                          int64_t count, const float *data) {
  return onnx_file_constant(w->file, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, rank, shape, data,
                            (size_t)count * sizeof *data);
}

static const char *suffixed(struct onnx_writer *w, const char *name, const char *suffix) {
  return onnx_file_name(w->file, arena_printf(w->arena, "%s.%s", name, suffix));
}

// The scales of a type as float32, one or a list; in a list of more axes than one, along `axis` of
// `rank`. Those of biases are products, which need not be `exact`.
static const char *scales(struct onnx_writer *w, const char *name, const struct type *t, int rank,
                          int axis, bool exact) {
  int64_t shape[RANK_MAX + 1];
  float *list = ARENA_NEW(w->arena, float, t->channels);
  static const char rounded[] = "its scale is rounded to a float32: results may be a step apart";
  for (int64_t c = 0; c < t->channels; c++) {
    list[c] = (float)type_scale(t, c);
    if (exact && (double)list[c] != type_scale(t, c)) writer_note_of(w, name, rounded);
  }
  for (int d = 0; d < rank; d++) shape[d] = d == axis ? t->channels : 1;
  bool one = t->axis < 0;
  return floats(w, suffixed(w, name, "scale"), one ? 0 : rank, shape, t->channels, list);
}

static bool is_single(const struct type *t) {
  for (int64_t c = 0; c < t->channels; c++)
    if ((double)(float)type_scale(t, c) != type_scale(t, c)) return false;
  return true;
}

static bool is_narrow(const struct type *t, enum fix_overflow overflow) {
  return t->cls == TYPE_TERNARY || (overflow == FIX_SYMMETRIC && t->is_signed);
}

// The integers of a type, its zero not taken off.
static void bounds(const struct type *t, bool narrow, int64_t to[2]) {
  to[0] = type_lowest(t) + (narrow && t->cls == TYPE_FIXED);
  to[1] = type_highest(t);
}

static bool fills(const struct container *c, const int64_t bounds[2]) {
  int64_t least = c->is_signed ? -((int64_t)1 << (c->bits - 1)) : 0;
  return bounds[0] == least && bounds[1] == least + ((int64_t)1 << c->bits) - 1;
}

// ---- QuantizeLinear, Clip, DequantizeLinear

struct linear {
  struct container container;
  const char *scale, *zero; // constants of the file
  int64_t bounds[2];
  int axis; // NONE: one scale
};

static void set_axis(struct onnx_writer *w, const struct linear *q, Onnx__NodeProto *n) {
  if (q->axis != NONE) onnx_file_attr_int(w->file, n, "axis", q->axis);
}

// Values on the grid, as integers of the container.
static const char *to_integers(struct onnx_writer *w, const struct linear *q, const char *name,
                               const char *in) {
  const char *inputs[3] = {in, q->scale, q->zero}, *codes = suffixed(w, name, "quantize");
  set_axis(w, q, onnx_file_node(w->file, "QuantizeLinear", codes, 3, inputs, codes));
  if (fills(&q->container, q->bounds)) return codes;
  inputs[0] = codes;
  inputs[1] =
      integers(w, arena_printf(w->arena, "%s.lo", name), &q->container, 0, NULL, 1, &q->bounds[0]);
  inputs[2] =
      integers(w, arena_printf(w->arena, "%s.hi", name), &q->container, 0, NULL, 1, &q->bounds[1]);
  codes = suffixed(w, name, "clip");
  onnx_file_node(w->file, "Clip", codes, 3, inputs, codes);
  return codes;
}

static void to_values(struct onnx_writer *w, const struct linear *q, const char *name,
                      const char *codes, const char *out) {
  const char *in[3] = {codes, q->scale, q->zero};
  set_axis(w, q, onnx_file_node(w->file, "DequantizeLinear", name, 3, in, out));
}

static const char *zeros(struct onnx_writer *w, const char *name, const struct container *c,
                         const struct type *t, int64_t value) {
  int64_t *list = ARENA_NEW(w->arena, int64_t, t->channels);
  for (int64_t i = 0; i < t->channels; i++) list[i] = value;
  return integers(w, arena_printf(w->arena, "%s.zero", name), c, t->axis < 0 ? 0 : 1, &t->channels,
                  t->channels, list);
}

// ---- weights

struct array {
  const struct value *value;
  int rank;
  const int64_t *shape, *index; // index: NULL, or which element each is
  int axis;                     // of the scales
};

static int64_t at(const struct array *x, int64_t i) {
  return x->index ? x->index[i] : i;
}

static int64_t count_of(const struct array *x) {
  return shape_elements(x->rank, x->shape);
}

static float *values_of(struct onnx_writer *w, const struct array *x) {
  float *data = ARENA_NEW(w->arena, float, count_of(x) + 1);
  for (int64_t i = 0; i < count_of(x); i++)
    data[i] = value_is_cut(x->value, at(x, i)) ? 0 : (float)value_real(x->value, at(x, i));
  return data;
}

static int64_t integer_of(const struct value *v, int64_t i) {
  int64_t inner = v->type.axis < 0 ? 1 : v->init->count / v->shape[0];
  return type_integer(&v->type, v->type.axis < 0 ? 0 : i / inner, tensor_int(v->init, i));
}

// The integers of weights, zeros taken off, and the bits that they need.
static int integer_bits(const struct type *t, int64_t to[2]) {
  to[0] = to[1] = 0;
  for (int64_t c = 0; c < t->channels; c++) {
    int64_t lo = type_integer(t, c, type_lowest(t)), hi = type_integer(t, c, type_highest(t));
    to[0] = lo < to[0] ? lo : to[0];
    to[1] = hi > to[1] ? hi : to[1];
  }
  int bits = 1 + (to[0] < 0);
  while (to[0] < 0 ? to[0] < -((int64_t)1 << (bits - 1)) || to[1] >> (bits - 1) : to[1] >> bits)
    bits++;
  return bits;
}

static bool put_qdq_weights(struct onnx_writer *w, const struct array *x, const char *name) {
  const struct type *t = &x->value->type;
  int64_t range[2];
  int width = integer_bits(t, range);
  if (x->rank == 1) width = 32; // biases have 32 bits
  if (type_is_bipolar(t))
    return writer_refuse(w, "--form qonnx", "\"%s\": weights of one bit", name);
  if (x->rank > 1 && !has_container(width))
    return writer_refuse(w, "--form qonnx",
                         "\"%s\": weights of %d bits, a QDQ file has 2 to 8 and 16", name, width);
  struct linear q = {.container = container_for(width, x->rank == 1 || range[0] < 0),
                     .bounds = {range[0], range[1]},
                     .axis = t->axis < 0 ? NONE : x->axis};
  q.scale = scales(w, name, t, 1, 0, x->rank > 1);
  q.zero = zeros(w, name, &q.container, t, 0);
  int64_t n = count_of(x), *codes = ARENA_NEW(w->arena, int64_t, n + 1);
  for (int64_t i = 0; i < n; i++) {
    codes[i] = integer_of(x->value, at(x, i));
    int most = is_single(t) ? 31 : BIAS_BITS;
    if (x->rank == 1 && llabs(codes[i]) >= (int64_t)1 << most)
      return writer_refuse(w, "--form float", "\"%s\": a bias of more than %d bits", name,
                           most + 1);
  }
  bool whole = q.container.bits == 32 || fills(&q.container, q.bounds);
  const char *from = whole ? integers(w, arena_printf(w->arena, "%s.codes", name), &q.container,
                                      x->rank, x->shape, n, codes)
                           : to_integers(w, &q, name,
                                         floats(w, suffixed(w, name, "value"), x->rank, x->shape, n,
                                                values_of(w, x)));
  to_values(w, &q, arena_printf(w->arena, "%s.dequantize", name), from, name);
  return true;
}

static const char *number(struct onnx_writer *w, const char *name, const char *suffix, double v) {
  return onnx_file_real(w->file, arena_printf(w->arena, "%s.%s", name, suffix), v);
}

// Quant and BipolarQuant of QONNX.
struct quant {
  bool bipolar, is_signed, narrow;
  int bits;
  int32_t zero;
  enum fix_rounding rounding;
};

static const char *const qonnx_modes[] = { // those without a name are NULL
    [FIX_HALF_EVEN] = "ROUND",    [FIX_FLOOR] = "FLOOR",
    [FIX_CEIL] = "CEIL",          [FIX_AWAY] = "UP",
    [FIX_ZERO] = "DOWN",          [FIX_HALF_AWAY] = "HALF_UP",
    [FIX_HALF_ZERO] = "HALF_DOWN"};

static void put_quant(struct onnx_writer *w, const struct quant *q, const char *node,
                      const char *name, const char *in, const char *scale, const char *out) {
  const char *inputs[4] = {in, scale};
  if (!q->bipolar) {
    inputs[2] = number(w, name, "zero", q->zero);
    inputs[3] = number(w, name, "bits", q->bits);
  }
  Onnx__NodeProto *n = onnx_file_node(w->file, q->bipolar ? "BipolarQuant" : "Quant", node,
                                      q->bipolar ? 2 : 4, inputs, out);
  n->domain = arena_strdup(w->arena, "qonnx.custom_op.general");
  if (q->bipolar) return;
  onnx_file_attr_int(w->file, n, "signed", q->is_signed);
  onnx_file_attr_int(w->file, n, "narrow", q->narrow);
  onnx_file_attr_text(w->file, n, "rounding_mode", qonnx_modes[q->rounding]);
}

// Biases are floats.
static bool put_qonnx_weights(struct onnx_writer *w, const struct array *x, const char *name) {
  const struct type *t = &x->value->type;
  int64_t n = count_of(x);
  float *data = values_of(w, x);
  bool bias = x->rank == 1;
  for (int64_t i = 0; bias && i < n; i++)
    if (llabs(integer_of(x->value, at(x, i))) > 1 << BIAS_BITS)
      return writer_refuse(w, "--form float", "\"%s\": a bias of more than %d bits", name,
                           BIAS_BITS + 1);
  if (bias) {
    floats(w, name, x->rank, x->shape, n, data);
    return true;
  }
  const char *in = floats(w, suffixed(w, name, "value"), x->rank, x->shape, n, data);
  const char *scale = scales(w, name, t, x->rank, x->axis, true);
  int64_t range[2];
  struct quant q = {.bipolar = type_is_bipolar(t),
                    .narrow = t->cls == TYPE_TERNARY,
                    .bits = integer_bits(t, range),
                    .rounding = FIX_HALF_EVEN};
  q.is_signed = range[0] < 0;
  if (q.bits + !q.is_signed > STREAM_BITS_MAX && !q.bipolar)
    return writer_refuse(w, "--form float", "\"%s\": weights of %d bits, at most %d with a sign",
                         name, q.bits, STREAM_BITS_MAX);
  if (type_is_coded(t))
    writer_note_of(w, name,
                   arena_printf(w->arena,
                                "ONNX has no %s: its numbers are integers of %d bits there",
                                type_text(w->arena, t), q.bits));
  put_quant(w, &q, arena_printf(w->arena, "%s.quant", name), name, in, scale, name);
  return true;
}

const char *writer_weights(struct onnx_writer *w, uint32_t value, int rank, const int64_t *shape,
                           const int64_t *index, int axis) {
  const struct value *v = &w->graph->values[value];
  struct array x = {v, rank, shape, index, axis};
  const char *name = writer_own_name(w, value);
  if (v->mask) writer_note_of(w, name, "ONNX has no masks: cut connections are zeros");
  if (type_is_real(&v->type) || w->form == ONNX_FLOAT)
    floats(w, name, rank, shape, count_of(&x), values_of(w, &x));
  else if (v->type.axis > 0 || (v->type.axis == 0 && axis == NONE))
    writer_refuse(w, "--form float", "\"%s\": its scales lie on an axis that isn't its first",
                  v->name);
  else
    (w->form == ONNX_QDQ ? put_qdq_weights : put_qonnx_weights)(w, &x, name);
  return name; // of what was refused too: the file is never written then
}

// ---- streams

static bool qonnx_has(enum fix_rounding r) {
  return (size_t)r < sizeof qonnx_modes / sizeof *qonnx_modes && qonnx_modes[r];
}

static bool check_requant(struct onnx_writer *w, const struct type *t) {
  const struct node *n = w->node;
  bool qdq = w->form == ONNX_QDQ;
  if (t->axis >= 0) return writer_refuse(w, "--form float", "a scale for each channel of a stream");
  if (type_is_minifloat(t))
    return writer_refuse(w, "--form float", "a stream of %s", type_text(w->arena, t));
  if (n->overflow != FIX_SATURATE && n->overflow != FIX_SYMMETRIC)
    return writer_refuse(w, "--form float", "overflow %s", fix_overflow_text(n->overflow));
  if (qdq && n->rounding != FIX_HALF_EVEN)
    return writer_refuse(w, qonnx_has(n->rounding) ? "--form qonnx" : "--form float",
                         "rounding %s: QuantizeLinear has half_even",
                         fix_rounding_text(n->rounding));
  if (qdq && (!type_is_fixed(t) || !has_container(t->width)))
    return writer_refuse(w, "--form qonnx", "integers of %d bits, a QDQ file has 2 to 8 and 16",
                         type_width(t));
  if (qdq) return true;
  if (!qonnx_has(n->rounding))
    return writer_refuse(w, "--form float", "rounding %s, which QONNX doesn't have",
                         fix_rounding_text(n->rounding));
  bool apart = n->rounding == FIX_FLOOR || n->rounding == FIX_CEIL ||
               (n->rounding == FIX_HALF_EVEN && type_zero(t, 0) % 2 == 0);
  return !type_is_fixed(t) || type_zero(t, 0) == 0 || apart ||
         writer_refuse(w, "--form qdq", "zero point %d: Quant would round other ties",
                       type_zero(t, 0));
}

static bool put_qdq(struct onnx_writer *w, const struct type *t, const char *in, const char *out) {
  const char *name = w->node->name;
  struct linear q = {.container = container_for(t->width, t->is_signed), .axis = NONE};
  q.scale = scales(w, name, t, 0, 0, true);
  q.zero = zeros(w, name, &q.container, t, type_zero(t, 0));
  bounds(t, is_narrow(t, w->node->overflow), q.bounds);
  to_values(w, &q, name, to_integers(w, &q, name, in), out);
  return true;
}

static bool put_qonnx(struct onnx_writer *w, const struct type *t, const char *in,
                      const char *out) {
  const char *name = w->node->name, *scale = scales(w, name, t, 0, 0, true);
  struct quant q = {.bipolar = type_is_bipolar(t),
                    .is_signed = t->cls == TYPE_TERNARY || t->is_signed,
                    .narrow = is_narrow(t, w->node->overflow),
                    .bits = type_width(t),
                    .zero = t->cls == TYPE_FIXED ? type_zero(t, 0) : 0,
                    .rounding = w->node->rounding};
  put_quant(w, &q, name, name, in, scale, out);
  return true;
}

bool onnx_put_requant(struct onnx_writer *w) {
  const struct type *t = &node_attr(w->node, ATTR_type)->type;
  if (w->form == ONNX_FLOAT) return onnx_put_element(w);
  if (!check_requant(w, t)) return false;
  const char *out, *in = writer_element(w, &out);
  return (w->form == ONNX_QDQ ? put_qdq : put_qonnx)(w, t, in, out);
}
