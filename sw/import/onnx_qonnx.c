// SPDX-License-Identifier: Apache-2.0
// QONNX: Quant, BipolarQuant, Trunc.
#include "sw/import/onnx_grid.h"

#include <math.h>
#include <string.h>
#include <strings.h>

// ---- QONNX

static bool rounding_of(struct onnx *o, enum fix_rounding *mode) {
  static const struct {
    const char *name;
    enum fix_rounding mode;
  } modes[] = {{"ROUND", FIX_HALF_EVEN},   {"HALF_EVEN", FIX_HALF_EVEN},
               {"FLOOR", FIX_FLOOR},       {"CEIL", FIX_CEIL},
               {"UP", FIX_AWAY},           {"DOWN", FIX_ZERO},
               {"HALF_UP", FIX_HALF_AWAY}, {"HALF_DOWN", FIX_HALF_ZERO}};
  const char *name = onnx_text(o, "rounding_mode", "ROUND");
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (strcasecmp(name, modes[i].name) == 0) {
      *mode = modes[i].mode;
      return true;
    }
  return onnx_refuse(o, "use ROUND", "rounding mode \"%s\"", name);
}

// Quant rounds x / scale + zero, which is x / scale rounded, plus zero, if zero is whole and the
// rounding doesn't ask for a sign; of exact ties it rounds to even, so an even zero is the same
// and an odd one takes the other neighbour.
static bool zero_is_apart(struct onnx *o, const struct grid *g, bool *apart) {
  bool even = true, none = true;
  for (int64_t i = 0; i < g->zero->count; i++) {
    double zero = tensor_real(g->zero, i);
    if (zero != floor(zero)) return onnx_refuse(o, "use whole zero points", "zero point %g", zero);
    none &= zero == 0;
    even &= fmod(zero, 2) == 0;
  }
  *apart = none || g->rounding == FIX_FLOOR || g->rounding == FIX_CEIL ||
           (g->rounding == FIX_HALF_EVEN && even);
  return true;
}

bool onnx_quant(struct onnx *o) {
  struct item *x = onnx_in(o, 0), *scale = grid_constant(o, 1, "scale");
  struct item *zero = scale ? grid_constant(o, 2, "zero point") : NULL;
  struct item *bits = zero ? grid_constant(o, 3, "bit width") : NULL;
  struct grid g = {.is_signed = onnx_int(o, "signed", 1) != 0};
  double width;
  if (!x || !bits || !rounding_of(o, &g.rounding) ||
      !grid_number(o, bits->constant, "bit width", &width))
    return false;
  if (!(width >= 1 && width <= 32) || width != floor(width))
    return onnx_refuse(o, "use 1 to 32 bits", "%g bits", width);
  bool narrow = onnx_int(o, "narrow", 0) != 0;
  g.width = (int)width;
  g.bipolar = g.is_signed && g.width == 1;
  g.lo = g.is_signed ? -exp2(width - 1) + narrow : 0;
  g.hi = g.is_signed ? exp2(width - 1) - 1 : exp2(width) - 1 - narrow;
  g.scale = scale->constant;
  g.zero = zero->constant;
  if (!grid_check(o, g.scale)) return false;
  g.axis = -1; // a list goes along the last
  if (x->kind == ITEM_CONSTANT) return grid_quantize(o, x->constant, &g, x->constant->rank - 1);
  bool apart = true;
  if (!zero_is_apart(o, &g, &apart)) return false;
  g.about_zero = !apart;
  return grid_requantise(o, *x, &g);
}

bool onnx_bipolar_quant(struct onnx *o) {
  struct item *x = onnx_in(o, 0), *scale = grid_constant(o, 1, "scale");
  struct grid g = {.bipolar = true, .is_signed = true, .width = 1, .lo = -1, .hi = 1};
  if (!x || !scale || !grid_check(o, scale->constant)) return false;
  g.scale = scale->constant;
  g.axis = -1;
  return x->kind == ITEM_CONSTANT ? grid_quantize(o, x->constant, &g, x->constant->rank - 1)
                                  : grid_requantise(o, *x, &g);
}

// Low bits are cut off. Version 2 (X, scale, zero, bits, out scale, out bits) keeps the value:
// floor(x / out scale) out scale, clamped. Version 1 (X, scale, zero, bits, out bits) keeps the
// scale: the integers of so many bits, divided by 2^(bits - out bits) and rounded, times the same
// scale.
bool onnx_trunc(struct onnx *o) {
  static const char *const names[] = {"", "scale", "zero point", "bit width", "output", "output"};
  struct item *x = onnx_in(o, 0), *in[6] = {NULL};
  size_t n = o->node->n_input < 6 ? o->node->n_input : 6;
  double v[6] = {0};
  for (size_t i = 1; i < n; i++) {
    in[i] = grid_constant(o, i, names[i]);
    if (!in[i] || !grid_number(o, in[i]->constant, names[i], &v[i])) return false;
  }
  bool old = n == 5;
  double bits = old ? v[4] : v[5], cut = v[3] - bits;
  struct grid g = {.is_signed = old || onnx_int(o, "signed", 1), .width = (int)bits};
  g.scale = in[old ? 1 : 4]->constant;
  bool floors = strcasecmp(onnx_text(o, "rounding_mode", "FLOOR"), "FLOOR") == 0;
  g.rounding = FIX_FLOOR;
  if (!(bits >= 1 && cut >= 0 && v[3] <= 31) || bits != floor(bits) || cut != floor(cut) ||
      v[2] != 0)
    return onnx_refuse(o, "check the file",
                       "from %g to %g bits about %g, expected zero 0 and fewer bits", v[3], bits,
                       v[2]);
  if (!grid_check(o, g.scale) || (!floors && !rounding_of(o, &g.rounding))) return false;
  bool narrow = onnx_int(o, "narrow", 0) != 0;
  g.lo = old ? -exp2(bits) : g.is_signed ? -exp2(bits - 1) + narrow : 0;
  g.hi = old ? exp2(bits) - 1 : exp2(bits - g.is_signed) - 1 - (!g.is_signed && narrow);
  if (x->kind == ITEM_CONSTANT)
    return onnx_refuse(o, "compute it before the export", "it cuts off bits of a constant");
  struct grid whole = {.is_signed = true,
                       .lo = -exp2(v[3]),
                       .hi = exp2(v[3]) - 1,
                       .scale = in[1]->constant,
                       .rounding = FIX_HALF_EVEN};
  if (!grid_check(o, whole.scale) || !grid_requantise(o, *x, &whole)) return false;
  x = onnx_item(o, o->node->output[0]); // in whole steps first
  double part = exp2(-cut), none = 0;
  if (!old) return grid_requantise(o, *x, &g);
  return onnx_scaled(o, *x, NONE, 1, &part, &none) &&
         grid_requantise(o, *onnx_item(o, o->node->output[0]), &g);
}
