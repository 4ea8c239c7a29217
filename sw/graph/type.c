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

bool type_parse_short(struct arena *a, const char *text, struct type *out) {
  bool is_signed = *text != 'u';
  char *end;
  if (!is_signed) text++;
  if (*text < '0' || *text > '9') return false;
  long width = strtol(text, &end, 10);
  if (*end != ',') return false;
  const char *f = end + 1;
  if (!((*f >= '0' && *f <= '9') || (*f == '-' && f[1] >= '0' && f[1] <= '9'))) return false;
  long fraction = strtol(f, &end, 10);
  if (*end || width < (is_signed ? 2 : 1) || width > 32) return false;
  if (fraction < FRACTION_MIN || fraction > FRACTION_MAX) return false;
  *out = type_fixed(a, (int)width, is_signed, ldexp(1.0, (int)-fraction), 0);
  return true;
}

bool type_is_integer(const struct type *t) {
  return t->cls == TYPE_FIXED || t->cls == TYPE_BIPOLAR || t->cls == TYPE_TERNARY;
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

bool type_equal(const struct type *a, const struct type *b) {
  if (a->cls != b->cls) return false;
  if (!type_is_integer(a)) return true;
  if (a->width != b->width || a->is_signed != b->is_signed || a->axis != b->axis ||
      a->channels != b->channels)
    return false;
  for (int64_t c = 0; c < a->channels; c++)
    if (type_scale(a, c) != type_scale(b, c) || type_zero(a, c) != type_zero(b, c)) return false;
  return true;
}

int type_width(const struct type *t) {
  switch (t->cls) {
  case TYPE_FIXED:
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

int64_t type_lowest(const struct type *t) {
  return t->cls == TYPE_FIXED ? fix_lowest(t->width, t->is_signed) : -1;
}

int64_t type_highest(const struct type *t) {
  return t->cls == TYPE_FIXED ? fix_highest(t->width, t->is_signed) : 1;
}

bool type_is_code(const struct type *t, int64_t code) {
  bool inside = code >= type_lowest(t) && code <= type_highest(t);
  return inside && (code != 0 || t->cls != TYPE_BIPOLAR);
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

bool type_fraction(const struct type *t, int *fraction) {
  if (t->cls != TYPE_FIXED || t->axis >= 0 || t->zero[0] != 0) return false;
  int exponent;
  if (frexp(t->scale[0], &exponent) != 0.5) return false;
  *fraction = 1 - exponent;
  return *fraction >= FRACTION_MIN && *fraction <= FRACTION_MAX;
}

int64_t type_encode_channel(const struct type *t, int64_t channel, double v) {
  if (t->cls == TYPE_BIPOLAR) return v >= 0 ? 1 : -1;
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

const char *type_text(struct arena *a, const struct type *t) {
  static const char *const names[] = {"real", "fixed", "bipolar", "ternary", "ref"};
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
