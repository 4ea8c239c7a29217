// SPDX-License-Identifier: Apache-2.0
// Elements of an ONNX file that are floats of few bits: their values, and the minifloat they are.
#include "sw/import/onnx.h"

#include <math.h>

enum { BIAS_E8M0 = 127, NAN_E8M0 = 255, NAN_FNUZ = 0x80 };

// ONNX's types and what they are here; those without a code of -0 (FNUZ) have NaN there.
static const struct {
  int type, bias;
  bool fnuz;
  struct minifloat minifloat;
} types[] = {
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E4M3FN, 7, false, {4, 3, MINIFLOAT_FN, true}},
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E4M3FNUZ, 8, true, {4, 3, MINIFLOAT_ALL, true}},
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E5M2, 15, false, {5, 2, MINIFLOAT_IEEE, true}},
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E5M2FNUZ, 16, true, {5, 2, MINIFLOAT_ALL, true}},
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT4E2M1, 1, false, {2, 1, MINIFLOAT_ALL, true}},
};

static int row_of(int type) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i].type == type) return (int)i;
  return NONE;
}

const struct minifloat *onnx_minifloat(int type, double *unit) {
  int row = row_of(type);
  if (row == NONE) return NULL;
  *unit = type_minifloat_scale(&types[row].minifloat, types[row].bias);
  return &types[row].minifloat;
}

bool onnx_is_coded(int type) {
  return type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E8M0 || row_of(type) != NONE;
}

double onnx_code_value(int type, unsigned code) {
  int row = row_of(type);
  if (row == NONE) return code == NAN_E8M0 ? NAN : ldexp(1, (int)code - BIAS_E8M0);
  const struct minifloat *m = &types[row].minifloat;
  unsigned negative = 1U << (minifloat_width(m) - 1);
  if (types[row].fnuz && code == NAN_FNUZ) return NAN;
  if (code == negative) return -0.0;
  if (!minifloat_is_code(m, code)) {
    bool infinite = m->top == MINIFLOAT_IEEE && (code & ((1U << m->mantissa) - 1)) == 0;
    return !infinite ? NAN : code & negative ? -INFINITY : INFINITY;
  }
  return (double)(int64_t)minifloat_integer(m, code) * type_minifloat_scale(m, types[row].bias);
}
