// SPDX-License-Identifier: Apache-2.0
// Quantisation in the file: QuantizeLinear and DequantizeLinear of ONNX, Quant, BipolarQuant and
// Trunc of QONNX. On a stream they are requants of a float graph, on a constant integers of it.
#include "sw/import/onnx.h"

#include <math.h>
#include <string.h>

static struct item *constant_in(struct onnx *o, size_t i, const char *what) {
  struct item *x = onnx_in(o, i);
  if (x && x->kind == ITEM_CONSTANT) return x;
  onnx_refuse(o, "export with static quantisation", "its %s is computed from data", what);
  return NULL;
}

// ---- scales

static bool check_scale(struct onnx *o, const struct tensor *t) {
  for (int64_t i = 0; i < t->count; i++)
    if (!(tensor_real(t, i) > 0) || !isfinite(tensor_real(t, i)))
      return onnx_refuse(o, "quantise it again", "scale %g", tensor_real(t, i));
  return t->count > 0 || onnx_refuse(o, "quantise it again", "it has no scale");
}

// Of element i of a constant of this shape: a list goes along `axis`, an array stretches.
static int64_t entry_of(const struct tensor *list, const struct tensor *x, int axis, int64_t i) {
  int64_t at = 0, stride = 1, inner = 1;
  if (list->count == 1) return 0;
  if (list->rank == 1) {
    for (int d = x->rank - 1; d > axis; d--) inner *= x->shape[d];
    return i / inner % x->shape[axis];
  }
  for (int d = x->rank - 1, k = list->rank - 1; k >= 0 && d >= 0; d--, k--) {
    if (list->shape[k] > 1) at += i % x->shape[d] * stride;
    stride *= list->shape[k];
    i /= x->shape[d];
  }
  return at;
}

static bool fits_list(struct onnx *o, const struct tensor *list, const struct tensor *x, int axis) {
  bool fits = list->count == 1;
  if (!fits && list->rank == 1) fits = axis >= 0 && axis < x->rank && list->count == x->shape[axis];
  if (!fits && list->rank > 1 && list->rank <= x->rank) {
    fits = true;
    for (int d = 1; d <= list->rank; d++) {
      int64_t own = list->shape[list->rank - d];
      fits &= own == 1 || own == x->shape[x->rank - d];
    }
  }
  return fits ||
         onnx_refuse(o, "quantise it again", "%lld scales don't fit an array of %lld elements",
                     (long long)list->count, (long long)x->count);
}

// ---- constants

static int bits_for(const int32_t *codes, int64_t count, int least) {
  int64_t lo = 0, hi = 0;
  for (int64_t i = 0; i < count; i++) {
    lo = codes[i] < lo ? codes[i] : lo;
    hi = codes[i] > hi ? codes[i] : hi;
  }
  int bits = least < 2 ? 2 : least;
  while (lo < -((int64_t)1 << (bits - 1)) || hi > ((int64_t)1 << (bits - 1)) - 1) bits++;
  return bits;
}

// Values and integers of a constant whose element i is code(i), its zero taken off.
static void set_integers(struct onnx *o, const struct tensor *shape, const struct grid *g, int axis,
                         const int32_t *codes) {
  struct integers *n = ARENA_NEW(o->arena, struct integers, 1);
  struct tensor *value = tensor_new(o->arena, DTYPE_F64, shape->rank, shape->shape);
  n->codes = tensor_new(o->arena, DTYPE_I32, shape->rank, shape->shape);
  n->scale = tensor_new(o->arena, DTYPE_F32, shape->rank, shape->shape);
  memcpy(n->codes->data, codes, (size_t)shape->count * sizeof *codes);
  for (int64_t i = 0; i < shape->count; i++) {
    double scale = tensor_real(g->scale, entry_of(g->scale, shape, axis, i));
    ((float *)n->scale->data)[i] = (float)scale;
    ((double *)value->data)[i] = (double)codes[i] * (double)(float)scale;
  }
  n->bipolar = g->bipolar;
  n->width = g->bipolar ? 1 : bits_for(codes, shape->count, g->width);
  onnx_set(o, 0, (struct item){.kind = ITEM_CONSTANT, .constant = value, .integers = n});
}

static double rounded(enum fix_rounding mode, double v) {
  double whole = floor(v), rest = v - whole; // rest in [0, 1)
  bool negative = v < 0, odd = fmod(whole, 2) != 0;
  bool half = rest >= 0.5, sticky = rest != 0 && rest != 0.5;
  return whole + fix_increment(mode, negative, odd, half, sticky);
}

static double zero_of(const struct grid *g, const struct tensor *x, int axis, int64_t i) {
  return g->zero ? tensor_real(g->zero, entry_of(g->zero, x, axis, i)) : 0;
}

// The integers that a float constant is rounded to; QONNX clamps before it rounds, ONNX behind: the
// bounds are integers, so that both are the same.
static bool quantize_constant(struct onnx *o, const struct tensor *x, const struct grid *g,
                              int axis) {
  int32_t *codes = ARENA_NEW(o->arena, int32_t, x->count + 1);
  if (!fits_list(o, g->scale, x, axis) || (g->zero && !fits_list(o, g->zero, x, axis)))
    return false;
  for (int64_t i = 0; i < x->count; i++) {
    double v = tensor_real(x, i), zero = zero_of(g, x, axis, i);
    double scale = tensor_real(g->scale, entry_of(g->scale, x, axis, i));
    if (!isfinite(v))
      return onnx_refuse(o, "train it again", "element %lld is %g", (long long)i, v);
    double code = rounded(g->rounding, (double)((float)v / (float)scale) + zero);
    code = code < g->lo ? g->lo : code > g->hi ? g->hi : code;
    codes[i] = g->bipolar ? (v >= 0 ? 1 : -1) : (int32_t)(code - zero);
  }
  set_integers(o, x, g, axis, codes);
  return true;
}

// ---- streams

static bool one_number(struct onnx *o, const struct tensor *t, const char *what, double *v) {
  *v = t ? tensor_real(t, 0) : 0;
  for (int64_t i = 1; t && i < t->count; i++)
    if (tensor_real(t, i) != *v)
      return onnx_refuse(o, "quantise streams per tensor", "its %s differs by channel, of a stream",
                         what);
  return true;
}

static bool clamps_alike(const struct term *t, double lo, double hi, double step) {
  for (int i = 0; i <= 8192; i++) {
    int k = i / 2;
    double size = k < 2048 ? k * step / 3 : exp2(k / 64.0 - 40), x = i % 2 ? -size : size;
    double y = term_value(t, x), a = fmin(fmax(x, lo), hi), b = fmin(fmax(y, lo), hi);
    if (a != b) return false;
  }
  return true;
}

// A function in front of a requant whose saturation does the same: relu in front of unsigned codes.
static void drop_function(struct item *x, const struct type *t) {
  double lo = type_value(t, 0, type_lowest(t)), hi = type_value(t, 0, type_highest(t));
  if (x->term && !x->channels && !type_is_bipolar(t) &&
      clamps_alike(x->term, lo, hi, type_scale(t, 0)))
    x->term = NULL;
}

static bool add_requant(struct onnx *o, struct stream *x, struct type type,
                        enum fix_rounding rounding, enum fix_overflow overflow) {
  uint32_t node = builder_node(&o->builder, OP_requant, 1, &x->value);
  graph_add_type(o->builder.graph, node, ATTR_type, type);
  o->builder.graph->nodes[node].rounding = rounding;
  o->builder.graph->nodes[node].overflow = overflow;
  return builder_out(&o->builder, node, &x->value);
}

// Bounds that no type has: a clip behind it.
static bool add_clip(struct onnx *o, struct stream *x, double lo, double hi) {
  uint32_t node = builder_node(&o->builder, OP_clip, 1, &x->value);
  graph_add_real(o->builder.graph, node, ATTR_lo, lo);
  graph_add_real(o->builder.graph, node, ATTR_hi, hi);
  return builder_out(&o->builder, node, &x->value);
}

// The narrowest type that has the codes lo .. hi.
static struct type type_of(struct onnx *o, const struct grid *g, double scale, double zero) {
  int width = 1 + (g->lo < 0);
  if (g->bipolar)
    return type_signs(o->arena, TYPE_BIPOLAR, -1, 1, arena_copy(o->arena, &scale, sizeof scale));
  while (g->lo < 0 ? g->lo < -exp2(width - 1) || g->hi > exp2(width - 1) - 1
                   : g->hi > exp2(width) - 1)
    width++;
  return type_fixed(o->arena, width, g->lo < 0, scale, (int32_t)zero);
}

// The values of a stream on the grid.
static bool to_grid(struct onnx *o, struct item x, const struct grid *g, struct stream *s) {
  double scale, zero;
  if (!check_scale(o, g->scale) || !one_number(o, g->scale, "scale", &scale) ||
      !one_number(o, g->zero, "zero point", &zero))
    return false;
  struct type type = type_of(o, g, scale, zero);
  if (!g->bipolar && (g->hi > INT32_MAX || g->lo < -INT32_MAX - 1.0))
    return onnx_refuse(o, "quantise to 32 bits or fewer", "integers up to %g", g->hi);
  double lowest = (double)type_lowest(&type), highest = (double)type_highest(&type);
  bool narrow = !g->bipolar && g->lo == lowest + 1 && g->hi == highest && zero == 0 && lowest < 0;
  bool whole = g->bipolar || narrow || (g->lo == lowest && g->hi == highest);
  drop_function(&x, &type);
  if (!onnx_made(o, &x, s)) return false;
  if (!add_requant(o, s, type, g->rounding, narrow ? FIX_SYMMETRIC : FIX_SATURATE)) return false;
  return whole || add_clip(o, s, (g->lo - zero) * scale, (g->hi - zero) * scale);
}

static bool requantise(struct onnx *o, struct item x, const struct grid *g) {
  struct stream s;
  if (!to_grid(o, x, g, &s)) return false;
  onnx_set_stream(o, 0, s);
  return true;
}

bool onnx_release(struct onnx *o, struct item *x) {
  struct item plain = *x;
  struct stream s;
  plain.grid = NULL;
  if (!to_grid(o, plain, x->grid, &s)) return false;
  *x = (struct item){.kind = ITEM_STREAM, .stream = s};
  return true;
}

// ---- weights

// One scale for all, or one for each output; false if they differ within an output.
static bool scales_of(const struct tensor *t, bool *each) {
  const float *scale = t->data;
  int64_t taps = t->count / t->shape[0];
  *each = false;
  for (int64_t i = 0; i < t->count; i++) {
    if (scale[i] != scale[i / taps * taps]) return false;
    *each |= scale[i] != scale[0];
  }
  return true;
}

static bool is_ternary(const struct integers *n) {
  const int32_t *codes = n->codes->data;
  bool ternary = n->width == 2;
  for (int64_t i = 0; i < n->codes->count; i++) ternary &= codes[i] >= -1 && codes[i] <= 1;
  return ternary;
}

uint32_t onnx_integer_weights(struct onnx *o, const struct item *x, const char *name) {
  const struct integers *n = x->integers;
  bool each;
  if (!scales_of(n->scale, &each)) return builder_tensor(&o->builder, name, x->constant);
  int64_t channels = each ? n->scale->shape[0] : 1, taps = n->scale->count / n->scale->shape[0];
  double *scale = ARENA_NEW(o->arena, double, channels);
  for (int64_t c = 0; c < channels; c++)
    scale[c] = (double)((const float *)n->scale->data)[c * taps];
  enum type_class cls = n->bipolar ? TYPE_BIPOLAR : is_ternary(n) ? TYPE_TERNARY : TYPE_FIXED;
  struct type type = cls == TYPE_FIXED
                         ? type_channels(o->arena, n->width, true, each ? 0 : -1, channels, scale,
                                         ARENA_NEW(o->arena, int32_t, channels))
                         : type_signs(o->arena, cls, each ? 0 : -1, channels, scale);
  struct tensor *t = tensor_new(o->arena, dtype_for(&type), n->codes->rank, n->codes->shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, tensor_int(n->codes, i));
  return builder_typed(&o->builder, name, t, type);
}

// ---- QuantizeLinear .. DequantizeLinear

// The integers of a type of ONNX: that of the zero point, or the one that is named, or uint8.
static bool range_of(struct onnx *o, const struct item *zero, struct grid *g) {
  static const struct {
    int type, width;
    bool is_signed;
  } types[] = {{ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 8, false},
               {ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 8, true},
               {ONNX__TENSOR_PROTO__DATA_TYPE__UINT16, 16, false},
               {ONNX__TENSOR_PROTO__DATA_TYPE__INT16, 16, true}};
  static const int of_dtype[] = {[DTYPE_U8] = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8,
                                 [DTYPE_I8] = ONNX__TENSOR_PROTO__DATA_TYPE__INT8,
                                 [DTYPE_I16] = ONNX__TENSOR_PROTO__DATA_TYPE__INT16};
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
  return onnx_refuse(o, "quantise to int8 or uint8", "its integers are of data type %d", type);
}

// What it gives are integers: the values wait for their DequantizeLinear.
bool onnx_quantize_linear(struct onnx *o) {
  struct grid g = {.rounding = FIX_HALF_EVEN};
  struct item *scale = constant_in(o, 1, "scale"), *zero = onnx_in(o, 2), *x = onnx_in(o, 0);
  if (!scale || (zero && !constant_in(o, 2, "zero point"))) return false;
  g.scale = scale->constant;
  g.zero = zero ? zero->constant : NULL;
  if (!range_of(o, zero, &g)) return false;
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
  if (lo) g->lo = fmax(g->lo, tensor_real(lo, 0));
  if (hi) g->hi = fmin(g->hi, tensor_real(hi, 0));
  if (g->lo > g->hi) return onnx_refuse(o, "check the file", "its bounds leave nothing");
  g->width = 1;
  while (g->lo < -exp2(g->width - 1) || g->hi > exp2(g->width - (g->lo < 0)) - 1) g->width++;
  x.grid = g;
  onnx_set(o, 0, x);
  return true;
}

// Integers of the file.
static bool dequantize_constant(struct onnx *o, const struct item *x, const struct grid *g,
                                int axis) {
  const struct tensor *t = x->constant;
  int32_t *codes = ARENA_NEW(o->arena, int32_t, t->count + 1);
  if (!fits_list(o, g->scale, t, axis) || (g->zero && !fits_list(o, g->zero, t, axis)))
    return false;
  for (int64_t i = 0; i < t->count; i++)
    codes[i] =
        (int32_t)fix_from_real(tensor_real(t, i) - zero_of(g, t, axis, i), INT32_MIN, INT32_MAX);
  set_integers(o, t, g, axis, codes);
  return true;
}

static int constant_axis(const struct tensor *x, int64_t axis) {
  return (int)(axis < 0 ? axis + x->rank : axis);
}

bool onnx_dequantize_linear(struct onnx *o) {
  struct item *x = onnx_in(o, 0), *scale = constant_in(o, 1, "scale"), *zero = onnx_in(o, 2);
  struct grid g = {.rounding = FIX_HALF_EVEN, .width = 8};
  if (!x || !scale || (zero && !constant_in(o, 2, "zero point"))) return false;
  g.scale = scale->constant;
  g.zero = zero ? zero->constant : NULL;
  if (!check_scale(o, g.scale)) return false;
  if (onnx_int(o, "block_size", 0))
    return onnx_refuse(o, "quantise per tensor or per channel", "it has scales for blocks");
  int64_t axis = onnx_int(o, "axis", 1);
  if (x->kind == ITEM_CONSTANT && !x->grid) {
    g.width = (int)(8 * dtype_size(x->constant->dtype));
    return dequantize_constant(o, x, &g, constant_axis(x->constant, axis));
  }
  if (!x->grid && x->kind == ITEM_STREAM && !x->term && !x->channels &&
      o->builder.graph->values[x->stream.value].node == NONE) {
    double s, z; // an input of integers
    if (!one_number(o, g.scale, "scale", &s) || !one_number(o, g.zero, "zero point", &z))
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
      (!one_number(o, own.scale, "scale", &s[0]) || !one_number(o, g.scale, "scale", &s[1]) ||
       !one_number(o, own.zero, "zero point", &z[0]) ||
       !one_number(o, g.zero, "zero point", &z[1])))
    return false;
  if (!constant && (s[0] != s[1] || z[0] != z[1]))
    return onnx_refuse(o, "give both the same scale",
                       "its scale and zero aren't those of its QuantizeLinear");
  struct item plain = *x;
  plain.grid = NULL;
  if (constant)
    return quantize_constant(o, x->constant, &own, constant_axis(x->constant, own.axis));
  return requantise(o, plain, &own);
}

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

bool onnx_quant(struct onnx *o) {
  struct item *x = onnx_in(o, 0), *scale = constant_in(o, 1, "scale");
  struct item *zero = scale ? constant_in(o, 2, "zero point") : NULL;
  struct item *bits = zero ? constant_in(o, 3, "bit width") : NULL;
  struct grid g = {.is_signed = onnx_int(o, "signed", 1) != 0};
  double width;
  if (!x || !bits || !rounding_of(o, &g.rounding) ||
      !one_number(o, bits->constant, "bit width", &width))
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
  if (!check_scale(o, g.scale)) return false;
  return x->kind == ITEM_CONSTANT ? quantize_constant(o, x->constant, &g, 0)
                                  : requantise(o, *x, &g);
}

bool onnx_bipolar_quant(struct onnx *o) {
  struct item *x = onnx_in(o, 0), *scale = constant_in(o, 1, "scale");
  struct grid g = {.bipolar = true, .is_signed = true, .width = 1, .lo = -1, .hi = 1};
  if (!x || !scale || !check_scale(o, scale->constant)) return false;
  g.scale = scale->constant;
  return x->kind == ITEM_CONSTANT ? quantize_constant(o, x->constant, &g, 0)
                                  : requantise(o, *x, &g);
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
    in[i] = constant_in(o, i, names[i]);
    if (!in[i] || !one_number(o, in[i]->constant, names[i], &v[i])) return false;
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
  if (!check_scale(o, g.scale) || (!floors && !rounding_of(o, &g.rounding))) return false;
  bool narrow = onnx_int(o, "narrow", 0) != 0;
  g.lo = old ? -exp2(bits) : g.is_signed ? -exp2(bits - 1) + narrow : 0;
  g.hi = old ? exp2(bits) - 1 : exp2(bits - g.is_signed) - 1 - (!g.is_signed && narrow);
  if (x->kind == ITEM_CONSTANT)
    return onnx_refuse(o, "compute it before the export", "it cuts off bits of a constant");
  double part = exp2(-cut), none = 0;
  if (!old) return requantise(o, *x, &g);
  return onnx_scaled(o, *x, NONE, 1, &part, &none) &&
         requantise(o, *onnx_item(o, o->node->output[0]), &g);
}

// The axis of MultiThreshold's channels, without the batch.
static int channel_axis(struct onnx *o, int rank) {
  const char *layout = onnx_text(o, "data_layout", ""), *c = strchr(layout, 'C');
  if (c > layout && c - layout <= rank) return (int)(c - layout) - 1;
  return rank == 2 ? 1 : 0; // (N, W, C), but (N, C, H, W)
}

// A step up at each threshold: the thresholds of a channel lie equally far apart, so that it is a
// floor.
bool onnx_multi_threshold(struct onnx *o) {
  struct item *x = onnx_in(o, 0), *list = constant_in(o, 1, "threshold list");
  if (!x || !list) return false;
  const struct tensor *t = list->constant;
  if (x->kind != ITEM_STREAM || x->grid || t->rank != 2 || t->shape[1] < 1 || t->shape[1] > 1 << 20)
    return onnx_refuse(o, "check the file", "its thresholds aren't (channels, steps)");
  int64_t channels = t->shape[0], steps = t->shape[1];
  double *scale = ARENA_NEW(o->arena, double, channels),
         *shift = ARENA_NEW(o->arena, double, channels);
  for (int64_t c = 0; c < channels; c++) {
    double first = tensor_real(t, c * steps);
    double apart =
        steps > 1 ? (tensor_real(t, (c + 1) * steps - 1) - first) / (double)(steps - 1) : 1;
    for (int64_t i = 0; i < steps; i++)
      if (!(fabs(tensor_real(t, c * steps + i) - first - (double)i * apart) <= 1e-5 * fabs(apart)))
        return onnx_refuse(o, "use Quant", "its thresholds aren't equally far apart");
    if (!(apart > 0)) return onnx_refuse(o, "check the file", "its thresholds don't rise");
    scale[c] = 1 / apart;
    shift[c] = 1 - first / apart;
  }
  int axis = channels > 1 ? channel_axis(o, x->stream.layout.rank) : NONE;
  if (channels > 1 && (!x->stream.layout.rank || channels != x->stream.layout.shape[axis]))
    return onnx_refuse(o, "check the file", "thresholds for %lld channels", (long long)channels);
  if (!onnx_scaled(o, *x, axis, channels, scale, shift)) return false;
  struct tensor *one = tensor_new(o->arena, DTYPE_F64, 0, NULL);
  *(double *)one->data = 1;
  struct grid g = {.width = 32, .hi = (double)steps, .scale = one, .rounding = FIX_FLOOR};
  if (!requantise(o, *onnx_item(o, o->node->output[0]), &g)) return false;
  double out = onnx_real(o, "out_scale", 1), bias = onnx_real(o, "out_bias", 0);
  return (out == 1 && bias == 0) ||
         onnx_scaled(o, *onnx_item(o, o->node->output[0]), NONE, 1, &out, &bias);
}

// ---- QLinearConv, QLinearMatMul: the layer between its Dequantize- and QuantizeLinears

// Input i, with scale and zero point behind it, as values: under a name of its own.
static bool valued(struct onnx *o, size_t i, char *name, int64_t axis) {
  struct item *x = onnx_in(o, i), *scale = constant_in(o, i + 1, "scale");
  struct item *zero = scale ? constant_in(o, i + 2, "zero point") : NULL;
  if (!x || !zero) return false;
  struct grid g = {.width = 8, .scale = scale->constant, .zero = zero->constant};
  const Onnx__NodeProto *whole = o->node;
  Onnx__NodeProto one = *whole;
  one.n_output = 1;
  one.output = &name;
  o->node = &one;
  bool ok = true;
  if (x->kind == ITEM_CONSTANT && !x->grid) {
    ok = dequantize_constant(o, x, &g, (int)axis);
  } else if (x->kind == ITEM_STREAM && x->grid) {
    struct item plain = *x;
    plain.grid = NULL;
    ok = requantise(o, plain, x->grid);
  } else {
    ok = onnx_refuse(o, "quantise the input too", "it reads integers that no QuantizeLinear made");
  }
  o->node = whole;
  return ok;
}

// Of int32, at the scale of input times weight.
static bool valued_bias(struct onnx *o, size_t i, char *name) {
  const struct tensor *b = onnx_constant(o, i), *w = onnx_constant(o, 4);
  double x = tensor_real(onnx_constant(o, 1), 0);
  if (!b) return onnx_refuse(o, "export with a constant bias", "its bias is computed from data");
  struct tensor *scale = tensor_new(o->arena, DTYPE_F64, 1, &b->count);
  for (int64_t c = 0; c < b->count; c++)
    ((double *)scale->data)[c] = x * tensor_real(w, w->count > 1 && c < w->count ? c : 0);
  struct tensor *value = tensor_new(o->arena, DTYPE_F64, 1, &b->count);
  for (int64_t c = 0; c < b->count; c++)
    ((double *)value->data)[c] = tensor_real(b, c) * ((double *)scale->data)[c];
  const Onnx__NodeProto *whole = o->node;
  Onnx__NodeProto one = *whole;
  one.n_output = 1;
  one.output = &name;
  o->node = &one;
  onnx_set(o, 0, (struct item){.kind = ITEM_CONSTANT, .constant = value});
  o->node = whole;
  return true;
}

// Inputs x, w and perhaps a bias of the float layer; its output waits for a DequantizeLinear.
static bool linear_layer(struct onnx *o, bool (*layer)(struct onnx *o), int64_t axis, bool bias) {
  const Onnx__NodeProto *whole = o->node;
  Onnx__NodeProto plain = *whole;
  char *in[3] = {arena_printf(o->arena, "%s.x", o->builder.node),
                 arena_printf(o->arena, "%s.w", o->builder.node),
                 arena_printf(o->arena, "%s.b", o->builder.node)};
  struct item *scale = constant_in(o, 6, "scale"), *zero = onnx_in(o, 7);
  struct grid g = {.rounding = FIX_HALF_EVEN, .axis = 1};
  if (!scale || !range_of(o, zero, &g) || !valued(o, 0, in[0], 1) || !valued(o, 3, in[1], axis) ||
      (bias && !valued_bias(o, 8, in[2])))
    return false;
  g.scale = scale->constant;
  g.zero = zero ? zero->constant : NULL;
  plain.input = in;
  plain.n_input = bias ? 3 : 2;
  o->node = &plain;
  bool ok = layer(o);
  o->node = whole;
  if (!ok) return false;
  struct item y = *onnx_item(o, whole->output[0]);
  y.grid = arena_copy(o->arena, &g, sizeof g);
  onnx_set(o, 0, y);
  return true;
}

bool onnx_qlinear_conv(struct onnx *o) {
  return linear_layer(o, onnx_conv, 0, onnx_in(o, 8) != NULL);
}

bool onnx_qlinear_matmul(struct onnx *o) {
  return linear_layer(o, onnx_matmul, 1, false);
}

bool onnx_takes_integers(const struct onnx *o) {
  static const char *const ops[] = {"DequantizeLinear", "Clip", "QLinearConv", "QLinearMatMul"};
  bool takes = false;
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    takes |= strcmp(o->node->op_type, ops[i]) == 0;
  return takes;
}
