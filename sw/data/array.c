// SPDX-License-Identifier: Apache-2.0
#include "sw/data/array.h"

#include <math.h>
#include <string.h>

size_t array_type_bytes(enum array_type type) {
  static const unsigned char bytes[] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8};
  return bytes[type];
}

bool array_is_integer(const struct array *v) {
  return v->type < ARRAY_F16;
}

static uint64_t little_endian(const struct array *v, int64_t i) {
  size_t bytes = array_type_bytes(v->type);
  const unsigned char *p = v->data + (size_t)i * bytes;
  uint64_t x = 0;
  for (size_t b = bytes; b-- > 0;) x = x << 8 | p[b];
  return x;
}

// IEEE binary16: sign, 5 bits of exponent, 10 of fraction.
static double half_real(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double v = exponent == 31 ? (fraction ? NAN : INFINITY)
             : exponent     ? ldexp(1024 + fraction, exponent - 25)
                            : ldexp(fraction, -24);
  return bits >> 15 ? -v : v;
}

fix_wide array_integer(const struct array *v, int64_t i) {
  uint64_t bits = little_endian(v, i);
  switch (v->type) {
  case ARRAY_BOOL:
    return bits != 0;
  case ARRAY_I8:
    return (int8_t)bits;
  case ARRAY_I16:
    return (int16_t)bits;
  case ARRAY_I32:
    return (int32_t)bits;
  case ARRAY_I64:
    return (int64_t)bits;
  case ARRAY_U8:
  case ARRAY_U16:
  case ARRAY_U32:
  case ARRAY_U64:
  case ARRAY_F16:
  case ARRAY_F32:
  case ARRAY_F64:
    break;
  }
  return bits;
}

double array_real(const struct array *v, int64_t i) {
  if (array_is_integer(v)) return (double)array_integer(v, i);
  uint64_t bits = little_endian(v, i);
  uint32_t low = (uint32_t)bits;
  float f32;
  double f64;
  if (v->type == ARRAY_F16) return half_real((uint16_t)bits);
  memcpy(&f32, &low, sizeof f32);
  memcpy(&f64, &bits, sizeof f64);
  return v->type == ARRAY_F32 ? (double)f32 : f64;
}

bool array_check_shape(struct array *array, struct err *e) {
  array->elements = 1;
  if (array->rank < 1 || array->rank > DATA_MAX_RANK)
    return err_set(e, "rank: expected 1 to %d dimensions, found %d", DATA_MAX_RANK, array->rank);
  for (int i = 0; i < array->rank; i++) {
    int64_t dim = array->shape[i];
    if (dim < 1 || dim > DATA_MAX_DIM)
      return err_set(e, "dimension %d: expected 1 to %lld, found %lld", i, (long long)DATA_MAX_DIM,
                     (long long)dim);
    // Both factors are at most 2^28, so that the product can't overflow before it is checked.
    array->elements *= dim;
    if (array->elements > DATA_MAX_ELEMENTS)
      return err_set(e, "size: expected at most %lld elements, found more",
                     (long long)DATA_MAX_ELEMENTS);
  }
  return true;
}
