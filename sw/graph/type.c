// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/type.h"

#include "sw/graph/fix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FRACTION_MIN = -32, FRACTION_MAX = 60 };

struct type type_of_class(enum type_class cls) {
  static const double one = 1;
  bool integer = cls == TYPE_BIPOLAR || cls == TYPE_TERNARY;
  return (struct type){.cls = cls, .axis = -1, .channels = 1, .scale = integer ? &one : NULL};
}

struct type type_real(void) {
  return type_of_class(TYPE_REAL);
}
struct type type_ref(void) {
  return type_of_class(TYPE_REF);
}

struct type type_channels(struct arena *a, int width, bool is_signed, int axis, int64_t channels,
                          const double *scale, const int32_t *zero) {
  return (struct type){.cls = TYPE_FIXED,
                       .width = (uint8_t)width,
                       .is_signed = is_signed,
                       .axis = (int8_t)axis,
                       .channels = channels,
                       .scale = arena_copy(a, scale, (size_t)channels * sizeof *scale),
                       .zero = arena_copy(a, zero, (size_t)channels * sizeof *zero)};
}

struct type type_fixed(struct arena *a, int width, bool is_signed, double scale, int32_t zero) {
  return type_channels(a, width, is_signed, -1, 1, &scale, &zero);
}

struct type type_signs(struct arena *a, enum type_class cls, int axis, int64_t channels,
                       const double *scale) {
  return (struct type){.cls = cls,
                       .axis = (int8_t)axis,
                       .channels = channels,
                       .scale = arena_copy(a, scale, (size_t)channels * sizeof *scale)};
}

struct type type_minifloat(struct arena *a, const struct minifloat *m, int axis, int64_t channels,
                           const double *scale) {
  return (struct type){.cls = TYPE_MINIFLOAT,
                       .width = (uint8_t)minifloat_width(m),
                       .is_signed = m->is_signed,
                       .minifloat = *m,
                       .axis = (int8_t)axis,
                       .channels = channels,
                       .scale = arena_copy(a, scale, (size_t)channels * sizeof *scale)};
}

struct type type_residual(struct arena *a, const struct residual *r, int axis, int64_t channels,
                          const double *scale) {
  return (struct type){.cls = TYPE_RESIDUAL,
                       .width = r->planes,
                       .is_signed = true,
                       .residual = *r,
                       .axis = (int8_t)axis,
                       .channels = channels,
                       .scale = arena_copy(a, scale, (size_t)channels * sizeof *scale)};
}

double type_minifloat_scale(const struct minifloat *m, int bias) {
  return ldexp(1, 1 - bias - m->mantissa);
}

struct type type_block(struct arena *a, const struct blocked *b, double scale) {
  return (struct type){.cls = TYPE_BLOCK,
                       .width = b->width,
                       .is_signed = block_is_signed(b),
                       .block = *b,
                       .axis = -1,
                       .channels = 1,
                       .scale = arena_copy(a, &scale, sizeof scale)};
}

static bool parse_block(struct arena *a, const char *text, struct type *out) {
  struct blocked b;
  struct err unused = {0};
  const char *end = block_read(text, &b);
  if (!end || *end || !block_check(&b, &unused)) return false;
  *out = type_block(a, &b, block_unit(&b));
  return true;
}

static bool is_number(const char *text) {
  return (*text >= '0' && *text <= '9') || (*text == '-' && text[1] >= '0' && text[1] <= '9');
}

bool type_parse_minifloat(struct arena *a, const char *text, struct type *out) {
  struct minifloat m;
  struct err unused = {0};
  const char *end = minifloat_read(text, &m);
  if (!end || !minifloat_check(&m, &unused)) return false;
  long bias = minifloat_bias(&m);
  if (*end) {
    if (*end != ',' || !is_number(end + 1)) return false;
    char *last;
    bias = strtol(end + 1, &last, 10);
    if (*last) return false;
  }
  long fraction = bias + m.mantissa - 1;
  if (fraction < FRACTION_MIN || fraction > FRACTION_MAX) return false;
  double scale = type_minifloat_scale(&m, (int)bias);
  *out = type_minifloat(a, &m, -1, 1, &scale);
  return true;
}

bool type_parse_short(struct arena *a, const char *text, struct type *out) {
  return type_parse_fixed(a, text, out) || type_parse_minifloat(a, text, out) ||
         parse_block(a, text, out);
}

bool type_parse_fixed(struct arena *a, const char *text, struct type *out) {
  bool is_signed = *text != 'u';
  char *end;
  if (!is_signed) text++;
  if (*text < '0' || *text > '9') return false;
  long width = strtol(text, &end, 10);
  if (*end != ',') return false;
  const char *f = end + 1;
  if (!is_number(f)) return false;
  long fraction = strtol(f, &end, 10);
  if (*end || width < (is_signed ? 2 : 1) || width > 32) return false;
  if (fraction < FRACTION_MIN || fraction > FRACTION_MAX) return false;
  *out = type_fixed(a, (int)width, is_signed, ldexp(1.0, (int)-fraction), 0);
  return true;
}

bool type_is_integer(const struct type *t) {
  return t->cls != TYPE_REAL && t->cls != TYPE_REF;
}

bool type_is_real(const struct type *t) {
  return t->cls == TYPE_REAL;
}

bool type_is_ref(const struct type *t) {
  return t->cls == TYPE_REF;
}

bool type_is_fixed(const struct type *t) {
  return t->cls == TYPE_FIXED;
}

bool type_is_bipolar(const struct type *t) {
  return t->cls == TYPE_BIPOLAR;
}

bool type_is_minifloat(const struct type *t) {
  return t->cls == TYPE_MINIFLOAT;
}

bool type_is_block(const struct type *t) {
  return t->cls == TYPE_BLOCK;
}

bool type_is_residual(const struct type *t) {
  return t->cls == TYPE_RESIDUAL;
}

bool type_is_coded(const struct type *t) {
  return type_is_minifloat(t) || type_is_block(t) || type_is_residual(t);
}

static bool same_minifloat(const struct minifloat *a, const struct minifloat *b) {
  return a->exponent == b->exponent && a->mantissa == b->mantissa && a->top == b->top &&
         a->is_signed == b->is_signed;
}

static bool same_block(const struct blocked *a, const struct blocked *b) {
  return a->size == b->size && a->width == b->width && a->is_float == b->is_float &&
         a->span == b->span && same_minifloat(&a->element, &b->element);
}

static bool same_residual(const struct residual *a, const struct residual *b) {
  return a->planes == b->planes && memcmp(a->factor, b->factor, sizeof a->factor) == 0;
}

bool type_equal(const struct type *a, const struct type *b) {
  if (a->cls != b->cls) return false;
  if (!type_is_integer(a)) return true;
  if (a->width != b->width || a->is_signed != b->is_signed || a->axis != b->axis ||
      a->channels != b->channels || !same_minifloat(&a->minifloat, &b->minifloat) ||
      !same_block(&a->block, &b->block) || !same_residual(&a->residual, &b->residual))
    return false;
  for (int64_t c = 0; c < a->channels; c++)
    if (type_scale(a, c) != type_scale(b, c) || type_zero(a, c) != type_zero(b, c)) return false;
  return true;
}

int type_width(const struct type *t) {
  switch (t->cls) {
  case TYPE_FIXED:
  case TYPE_MINIFLOAT:
  case TYPE_BLOCK:
  case TYPE_RESIDUAL:
    return t->width;
  case TYPE_BIPOLAR:
    return 1;
  case TYPE_TERNARY:
    return 2;
  case TYPE_REAL:
  case TYPE_REF:
    break;
  }
  return 32;
}

int64_t type_highest(const struct type *t) {
  if (type_is_block(t)) return block_highest(&t->block) << t->block.span;
  if (type_is_minifloat(t)) return (int64_t)minifloat_highest(&t->minifloat);
  if (type_is_residual(t)) return residual_highest(&t->residual);
  return t->cls == TYPE_FIXED ? fix_highest(t->width, t->is_signed) : 1;
}

int64_t type_lowest(const struct type *t) {
  if (type_is_coded(t)) return t->is_signed ? -type_highest(t) : 0;
  return t->cls == TYPE_FIXED ? fix_lowest(t->width, t->is_signed) : -1;
}

bool type_is_code(const struct type *t, int64_t code) {
  if (type_is_minifloat(t)) return minifloat_has(&t->minifloat, code);
  if (type_is_residual(t)) return residual_has(&t->residual, code);
  if (type_is_block(t)) {
    int exponent = block_exponent(&t->block, 1, &code);
    return exponent >= 0 && exponent <= t->block.span;
  }
  bool inside = code >= type_lowest(t) && code <= type_highest(t);
  return inside && (code != 0 || t->cls != TYPE_BIPOLAR);
}

int type_stream_width(const struct type *t) {
  return type_is_minifloat(t) ? minifloat_integer_width(&t->minifloat) : type_width(t);
}

struct fix_target type_target(const struct type *t, int64_t channel) {
  bool is_float = type_is_minifloat(t);
  return (struct fix_target){.width = type_stream_width(t),
                             .is_signed = t->is_signed,
                             .bipolar = type_is_bipolar(t),
                             .is_float = is_float,
                             .mantissa = t->minifloat.mantissa,
                             .highest = is_float ? type_highest(t) : 0,
                             .zero = type_zero(t, channel),
                             .rounding = FIX_HALF_EVEN,
                             .overflow = FIX_SATURATE};
}

bool type_has_zero(const struct type *t) {
  return !type_is_bipolar(t) && !type_is_residual(t);
}

int64_t type_integer(const struct type *t, int64_t channel, int64_t code) {
  return code - type_zero(t, channel);
}

int64_t type_from_integer(const struct type *t, int64_t channel, int64_t integer) {
  return integer + type_zero(t, channel);
}

double type_value(const struct type *t, int64_t channel, int64_t code) {
  return (double)type_integer(t, channel, code) * type_scale(t, channel);
}

enum type_coding type_coding(const struct type *t) {
  switch (t->cls) {
  case TYPE_FIXED:
    return t->is_signed ? CODING_SIGNED : CODING_UNSIGNED;
  case TYPE_BIPOLAR:
    return CODING_BIPOLAR;
  case TYPE_TERNARY:
  case TYPE_REAL:
  case TYPE_REF:
    break;
  case TYPE_MINIFLOAT:
  case TYPE_BLOCK:
  case TYPE_RESIDUAL:
    return t->is_signed ? CODING_SIGNED : CODING_UNSIGNED;
  }
  return CODING_SIGNED;
}

const char *type_coding_text(enum type_coding coding) {
  static const char *const texts[] = {"unsigned", "signed", "bipolar"};
  return texts[coding];
}

uint32_t type_wire(enum type_coding coding, int64_t code) {
  return coding == CODING_BIPOLAR ? code > 0 : (uint32_t)code;
}

int64_t type_unwire(enum type_coding coding, int width, uint32_t bits) {
  int64_t code = bits & (((int64_t)1 << width) - 1);
  switch (coding) {
  case CODING_UNSIGNED:
    return code;
  case CODING_SIGNED:
    return code - ((code >> (width - 1) & 1) << width);
  case CODING_BIPOLAR:
    return code ? 1 : -1;
  }
  return code;
}

double type_scale(const struct type *t, int64_t channel) {
  return t->scale ? t->scale[t->axis < 0 ? 0 : channel] : 1.0;
}

int32_t type_zero(const struct type *t, int64_t channel) {
  return t->cls == TYPE_FIXED ? t->zero[t->axis < 0 ? 0 : channel] : 0;
}

bool type_bias(const struct type *t, int *bias) {
  int exponent;
  if (!type_is_minifloat(t) || t->axis >= 0 || frexp(t->scale[0], &exponent) != 0.5) return false;
  int fraction = 1 - exponent;
  *bias = fraction + 1 - t->minifloat.mantissa;
  return fraction >= FRACTION_MIN && fraction <= FRACTION_MAX;
}

bool type_fraction(const struct type *t, int *fraction) {
  if (t->cls != TYPE_FIXED || t->axis >= 0 || t->zero[0] != 0) return false;
  int exponent;
  if (frexp(t->scale[0], &exponent) != 0.5) return false;
  *fraction = 1 - exponent;
  return *fraction >= FRACTION_MIN && *fraction <= FRACTION_MAX;
}

int64_t type_encode_channel(const struct type *t, int64_t channel, double v) {
  if (t->cls == TYPE_BIPOLAR) return v >= 0 ? 1 : -1;
  if (type_is_minifloat(t))
    return (int64_t)minifloat_round(&t->minifloat, v / type_scale(t, channel), NULL);
  if (type_is_block(t)) return block_round_alone(&t->block, v / type_scale(t, channel));
  if (type_is_residual(t)) return residual_round(&t->residual, v / type_scale(t, channel));
  int64_t zero = type_zero(t, channel);
  return zero +
         fix_from_real(v / type_scale(t, channel), type_lowest(t) - zero, type_highest(t) - zero);
}

int64_t type_encode(const struct type *t, double v) {
  return type_encode_channel(t, 0, v);
}

int64_t type_encode_integer(const struct type *t, fix_wide v) {
  int exponent;
  bool exact = v <= (fix_wide)1 << 53 && v >= -((fix_wide)1 << 53);
  if (exact || t->cls != TYPE_FIXED || frexp(t->scale[0], &exponent) != 0.5)
    return type_encode(t, (double)v);
  // v is beyond any code unless the scale, 2^(exponent - 1), is large.
  int64_t zero = t->zero[0], lowest = type_lowest(t) - zero, highest = type_highest(t) - zero;
  int shift = exponent - 1 < 0 ? 0 : exponent - 1 > 100 ? 100 : exponent - 1;
  fix_wide q = fix_round(v, shift, FIX_HALF_EVEN);
  return zero + (q < lowest ? lowest : q > highest ? highest : (int64_t)q);
}

// "e2m1", "e2m1,4", "e2m1 per channel", "e2m1 scale 0.3", which its numbers are times.
static const char *text_of_minifloat(struct arena *a, const struct type *t) {
  char name[MINIFLOAT_TEXT];
  int bias, usual = minifloat_bias(&t->minifloat);
  minifloat_text(&t->minifloat, name);
  if (t->axis >= 0) return arena_printf(a, "%s per channel", name);
  if (!type_bias(t, &bias))
    return arena_printf(a, "%s scale %.6g", name,
                        t->scale[0] / type_minifloat_scale(&t->minifloat, usual));
  return bias == usual ? arena_printf(a, "%s", name) : arena_printf(a, "%s,%d", name, bias);
}

static const char *text_of_block(struct arena *a, const struct type *t) {
  char name[BLOCK_TEXT];
  block_text(&t->block, name);
  return arena_printf(a, "%s", name);
}

// "residual2", "residual2 per channel"
static const char *text_of_residual(struct arena *a, const struct type *t) {
  char name[RESIDUAL_TEXT];
  residual_text(&t->residual, name);
  return arena_printf(a, "%s%s", name, t->axis >= 0 ? " per channel" : "");
}

const char *type_text(struct arena *a, const struct type *t) {
  static const char *const names[] = {"real", "fixed",     "bipolar", "ternary",
                                      "ref",  "minifloat", "block",   "residual"};
  if (type_is_minifloat(t)) return text_of_minifloat(a, t);
  if (type_is_block(t)) return text_of_block(a, t);
  if (type_is_residual(t)) return text_of_residual(a, t);
  if (!type_is_integer(t)) return names[t->cls];
  if (t->cls != TYPE_FIXED && t->axis >= 0) return arena_printf(a, "%s per channel", names[t->cls]);
  if (t->cls != TYPE_FIXED && t->scale[0] != 1)
    return arena_printf(a, "%s scale %.6g", names[t->cls], t->scale[0]);
  if (t->cls != TYPE_FIXED) return names[t->cls];
  const char *prefix = t->is_signed ? "" : "u";
  int f;
  if (type_fraction(t, &f)) return arena_printf(a, "%s%d,%d", prefix, t->width, f);
  if (t->axis >= 0) return arena_printf(a, "%s%d per channel", t->is_signed ? "s" : "u", t->width);
  const char *zero = t->zero[0] ? arena_printf(a, " zero %d", t->zero[0]) : "";
  return arena_printf(a, "%s%d scale %.6g%s", t->is_signed ? "s" : "u", t->width, t->scale[0],
                      zero);
}
