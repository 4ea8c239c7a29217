// SPDX-License-Identifier: Apache-2.0
// QuantizeLinear and DequantizeLinear.
#include "sw/import/onnx_grid.h"

#include <math.h>
#include <string.h>

// ---- QuantizeLinear .. DequantizeLinear

// The integers of a type of ONNX: that of the zero point, or the one that is named, or uint8.
bool grid_range(struct onnx *o, const struct item *zero, struct grid *g) {
  static const struct {
    int type, width;
    bool is_signed;
  } types[] = {{ONNX__TENSOR_PROTO__DATA_TYPE__UINT2, 2, false},
               {ONNX__TENSOR_PROTO__DATA_TYPE__INT2, 2, true},
               {ONNX__TENSOR_PROTO__DATA_TYPE__UINT4, 4, false},
               {ONNX__TENSOR_PROTO__DATA_TYPE__INT4, 4, true},
               {ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 8, false},
               {ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 8, true},
               {ONNX__TENSOR_PROTO__DATA_TYPE__UINT16, 16, false},
               {ONNX__TENSOR_PROTO__DATA_TYPE__INT16, 16, true}};
  static const int of_dtype[] = {[DTYPE_U8] = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8,
                                 [DTYPE_I8] = ONNX__TENSOR_PROTO__DATA_TYPE__INT8,
                                 [DTYPE_I16] = ONNX__TENSOR_PROTO__DATA_TYPE__INT16};
  if (zero && zero->kind != ITEM_CONSTANT)
    return onnx_refuse(o, "export with static quantisation",
                       "its zero point is computed from data");
  int named = (int)onnx_int(o, "output_dtype", ONNX__TENSOR_PROTO__DATA_TYPE__UINT8);
  int type = zero ? (zero->type ? zero->type : of_dtype[zero->constant->dtype]) : named;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i].type == (type ? type : named)) {
      g->is_signed = types[i].is_signed;
      g->width = types[i].width;
      g->lo = g->is_signed ? -exp2(g->width - 1) : 0;
      g->hi = exp2(g->width - g->is_signed) - 1;
      return true;
    }
  return onnx_refuse(o, "quantise what is computed to int8 or uint8",
                     "its integers are of data type %d: floats of few bits are for weights", type);
}

// What it gives are integers: the values wait for their DequantizeLinear.
bool onnx_quantize_linear(struct onnx *o) {
  struct grid g = {.rounding = FIX_HALF_EVEN};
  struct item *scale = grid_constant(o, 1, "scale"), *zero = onnx_in(o, 2), *x = onnx_in(o, 0);
  if (!scale || (zero && !grid_constant(o, 2, "zero point"))) return false;
  g.scale = scale->constant;
  g.zero = zero ? zero->constant : NULL;
  if (!grid_range(o, zero, &g)) return false;
  if (onnx_int(o, "block_size", 0))
    return onnx_refuse(o, "quantise per tensor or per channel",
                       "it has scales for blocks, of what is computed");
  struct item waiting = *x;
  g.axis = onnx_int(o, "axis", 1);
  waiting.grid = arena_copy(o->arena, &g, sizeof g);
  onnx_set(o, 0, waiting);
  return true;
}

// Integers between QuantizeLinear and DequantizeLinear may be clipped: fewer bits.
bool onnx_clip_integers(struct onnx *o) {
  const struct tensor *lo = onnx_constant(o, 1), *hi = onnx_constant(o, 2);
  struct item x = *onnx_in(o, 0);
  struct grid *g = arena_copy(o->arena, x.grid, sizeof *g);
  if ((onnx_in(o, 1) && !lo) || (onnx_in(o, 2) && !hi))
    return onnx_refuse(o, "export with constant bounds", "its bounds are computed from data");
  double least = g->lo, most = g->hi;
  if ((lo && !grid_number(o, lo, "minimum", &least)) ||
      (hi && !grid_number(o, hi, "maximum", &most)))
    return false;
  g->lo = fmax(g->lo, least);
  g->hi = fmin(g->hi, most);
  if (g->lo > g->hi) return onnx_refuse(o, "check the file", "its bounds leave nothing");
  g->width = 1;
  while (g->lo < -exp2(g->width - 1) || g->hi > exp2(g->width - (g->lo < 0)) - 1) g->width++;
  x.grid = g;
  onnx_set(o, 0, x);
  return true;
}

// NONE: the array has no such axis.
static int constant_axis(const struct tensor *x, int64_t axis) {
  int64_t whole = axis < 0 ? axis + x->rank : axis;
  return whole >= 0 && whole < x->rank ? (int)whole : NONE;
}

bool onnx_dequantize_linear(struct onnx *o) {
  struct item *x = onnx_in(o, 0), *scale = grid_constant(o, 1, "scale"), *zero = onnx_in(o, 2);
  struct grid g = {.rounding = FIX_HALF_EVEN, .width = 8};
  if (!x || !scale || (zero && !grid_constant(o, 2, "zero point"))) return false;
  g.scale = scale->constant;
  g.zero = zero ? zero->constant : NULL;
  if (!grid_check(o, g.scale)) return false;
  int64_t axis = onnx_int(o, "axis", 1), block = onnx_int(o, "block_size", 0);
  bool stored = x->kind == ITEM_CONSTANT && !x->grid;
  if (block && !stored)
    return onnx_refuse(o, "quantise per tensor or per channel",
                       "it has scales for blocks, of what is computed");
  if (block && !grid_unfold(o, &g, x->constant, constant_axis(x->constant, axis), block))
    return false;
  if (stored) {
    int packed = onnx_packed_bits(x->type);
    g.width = packed ? packed : (int)(8 * dtype_size(x->constant->dtype));
    return grid_dequantize(o, x, &g, constant_axis(x->constant, axis));
  }
  if (!x->grid && x->kind == ITEM_STREAM && !x->term && !x->channels &&
      o->builder.graph->values[x->stream.value].node == NONE) {
    double s, z; // an input of integers
    if (!grid_number(o, g.scale, "scale", &s) || !grid_number(o, g.zero, "zero point", &z))
      return false;
    double shift = -z * s;
    return onnx_scaled(o, *x, NONE, 1, &s, &shift);
  }
  if (!x->grid)
    return onnx_refuse(o, "quantise the input too",
                       "it reads integers that no QuantizeLinear made");
  struct grid own = *x->grid;
  double s[2], z[2];
  bool constant = x->kind == ITEM_CONSTANT;
  if (!constant &&
      (!grid_number(o, own.scale, "scale", &s[0]) || !grid_number(o, g.scale, "scale", &s[1]) ||
       !grid_number(o, own.zero, "zero point", &z[0]) ||
       !grid_number(o, g.zero, "zero point", &z[1])))
    return false;
  if (!constant && (s[0] != s[1] || z[0] != z[1]))
    return onnx_refuse(o, "give both the same scale",
                       "its scale and zero aren't those of its QuantizeLinear");
  struct item plain = *x;
  plain.grid = NULL;
  if (constant) return grid_quantize(o, x->constant, &own, constant_axis(x->constant, own.axis));
  return grid_requantise(o, plain, &own);
}
