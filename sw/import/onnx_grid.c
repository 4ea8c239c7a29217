// SPDX-License-Identifier: Apache-2.0
// Grids of integers that streams and constants are quantised to.
#include "sw/import/onnx_grid.h"

#include <math.h>
#include <string.h>

struct item *grid_constant(struct onnx *o, size_t i, const char *what) {
  struct item *x = onnx_in(o, i);
  if (x && x->kind == ITEM_CONSTANT) return x;
  onnx_refuse(o, "export with static quantisation", "its %s is computed from data", what);
  return NULL;
}

// ---- scales

bool grid_check(struct onnx *o, const struct tensor *t) {
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

static int bits_for(const int64_t *codes, int64_t count, int least) {
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
                         const int64_t *codes) {
  struct integers *n = ARENA_NEW(o->arena, struct integers, 1);
  struct tensor *value = tensor_new(o->arena, DTYPE_F64, shape->rank, shape->shape);
  n->codes = tensor_new(o->arena, DTYPE_I64, shape->rank, shape->shape);
  n->scale = tensor_new(o->arena, DTYPE_F32, shape->rank, shape->shape);
  memcpy(n->codes->data, codes, (size_t)shape->count * sizeof *codes);
  for (int64_t i = 0; i < shape->count; i++) {
    double scale = tensor_real(g->scale, entry_of(g->scale, shape, axis, i));
    scale *= g->minifloat ? g->unit : 1;
    ((float *)n->scale->data)[i] = (float)scale;
    ((double *)value->data)[i] = (double)codes[i] * (double)(float)scale;
  }
  n->bipolar = g->bipolar;
  n->minifloat = g->minifloat;
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
bool grid_quantize(struct onnx *o, const struct tensor *x, const struct grid *g, int axis) {
  int64_t *codes = ARENA_NEW(o->arena, int64_t, x->count + 1);
  if (!fits_list(o, g->scale, x, axis) || (g->zero && !fits_list(o, g->zero, x, axis)))
    return false;
  for (int64_t i = 0; i < x->count; i++) {
    double v = tensor_real(x, i), zero = zero_of(g, x, axis, i);
    double scale = tensor_real(g->scale, entry_of(g->scale, x, axis, i));
    if (!isfinite(v))
      return onnx_refuse(o, "train it again", "element %lld is %g", (long long)i, v);
    double code = rounded(g->rounding, (double)((float)v / (float)scale) + zero);
    code = code < g->lo ? g->lo : code > g->hi ? g->hi : code;
    codes[i] = g->bipolar ? (v >= 0 ? 1 : -1) : (int64_t)(code - zero);
  }
  set_integers(o, x, g, axis, codes);
  return true;
}

// ---- streams

bool grid_number(struct onnx *o, const struct tensor *t, const char *what, double *v) {
  if (t && !t->count) return onnx_refuse(o, "check the file", "its %s is an empty list", what);
  *v = t ? tensor_real(t, 0) : 0;
  for (int64_t i = 1; t && i < t->count; i++)
    if (tensor_real(t, i) != *v)
      return onnx_refuse(o, "quantise streams per tensor", "its %s differs by channel, of a stream",
                         what);
  return true;
}

static bool clamps_alike(struct term *t, double lo, double hi, double step) {
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

bool grid_add_requant(struct onnx *o, struct stream *x, struct type type,
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
struct type grid_type(struct onnx *o, const struct grid *g, double scale, double zero) {
  int width = 1 + (g->lo < 0);
  if (g->bipolar)
    return type_signs(o->arena, TYPE_BIPOLAR, -1, 1, arena_copy(o->arena, &scale, sizeof scale));
  while (g->lo < 0 ? g->lo < -exp2(width - 1) || g->hi > exp2(width - 1) - 1
                   : g->hi > exp2(width) - 1)
    width++;
  return type_fixed(o->arena, width, g->lo < 0, scale, (int32_t)zero);
}

// Whether the zero point is a code of the grid's type, as those of the graph are.
bool grid_zero_fits(struct onnx *o, const struct grid *g, double zero) {
  struct type type = grid_type(o, g, 1, 0);
  return (zero >= (double)type_lowest(&type) && zero <= (double)type_highest(&type)) ||
         (g->bipolar && zero == 0) ||
         onnx_refuse(o, "quantise it again", "zero point %g of codes from %g to %g", zero, g->lo,
                     g->hi);
}

// The values of a stream on the grid.
bool grid_to(struct onnx *o, struct item x, const struct grid *g, struct stream *s) {
  double scale, zero;
  if (!grid_check(o, g->scale)) return false;
  if (g->about_zero) return grid_about_zero(o, x, g, s);
  if (grid_has_channels(g)) return grid_per_channel(o, x, g, s);
  if (!grid_number(o, g->scale, "scale", &scale) || !grid_number(o, g->zero, "zero point", &zero))
    return false;
  if (!g->bipolar && (g->hi > INT32_MAX || g->lo < -INT32_MAX - 1.0))
    return onnx_refuse(o, "quantise to 32 bits or fewer", "integers up to %g", g->hi);
  if (!grid_zero_fits(o, g, zero)) return false;
  struct type type = grid_type(o, g, scale, zero);
  double lowest = (double)type_lowest(&type), highest = (double)type_highest(&type);
  bool narrow = !g->bipolar && g->lo == lowest + 1 && g->hi == highest && zero == 0 && lowest < 0;
  bool whole = g->bipolar || narrow || (g->lo == lowest && g->hi == highest);
  drop_function(&x, &type);
  if (!onnx_made(o, &x, s)) return false;
  if (!grid_add_requant(o, s, type, g->rounding, narrow ? FIX_SYMMETRIC : FIX_SATURATE))
    return false;
  return whole || add_clip(o, s, (g->lo - zero) * scale, (g->hi - zero) * scale);
}

bool grid_requantise(struct onnx *o, struct item x, const struct grid *g) {
  struct stream s = {0};
  if (!grid_to(o, x, g, &s)) return false;
  onnx_set_stream(o, 0, s);
  return true;
}

bool onnx_release(struct onnx *o, struct item *x) {
  struct item plain = *x;
  struct stream s = {0};
  plain.grid = NULL;
  if (!grid_to(o, plain, x->grid, &s)) return false;
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
  const int64_t *codes = n->codes->data;
  bool ternary = n->width == 2;
  for (int64_t i = 0; i < n->codes->count; i++) ternary &= codes[i] >= -1 && codes[i] <= 1;
  return ternary;
}

// Scales that differ within an output by powers of two become the least of them, which makes the
// integers longer: blocks of weights that share an exponent. NULL if they differ otherwise.
static const struct integers *with_one_scale(struct onnx *o, const struct integers *n) {
  const float *scale = n->scale->data;
  struct integers *to = arena_copy(o->arena, n, sizeof *n);
  float least = HUGE_VALF;
  for (int64_t i = 0; i < n->codes->count; i++)
    if (tensor_int(n->codes, i)) least = fminf(least, scale[i]);
  to->codes = tensor_new(o->arena, DTYPE_I64, n->codes->rank, n->codes->shape);
  to->scale = tensor_new(o->arena, DTYPE_F32, n->codes->rank, n->codes->shape);
  to->minifloat = NULL;
  for (int64_t i = 0; i < n->codes->count; i++) {
    int exponent;
    int64_t code = tensor_int(n->codes, i);
    ((float *)to->scale->data)[i] = isfinite(least) ? least : 1;
    if (!code) continue;
    if (frexpf(scale[i] / least, &exponent) != 0.5F || exponent > 32) return NULL;
    int64_t longer = (int64_t)((uint64_t)code << (exponent - 1));
    if (longer >> (exponent - 1) != code || longer > INT32_MAX || longer < INT32_MIN) return NULL;
    tensor_set_int(to->codes, i, longer);
  }
  to->width = bits_for(to->codes->data, n->codes->count, 2);
  return to;
}

static struct type weights_type(struct onnx *o, const struct integers *n, bool each) {
  int64_t channels = each ? n->scale->shape[0] : 1, taps = n->scale->count / n->scale->shape[0];
  double *scale = ARENA_NEW(o->arena, double, channels);
  int axis = each ? 0 : -1;
  for (int64_t c = 0; c < channels; c++)
    scale[c] = (double)((const float *)n->scale->data)[c * taps];
  if (n->minifloat) return type_minifloat(o->arena, n->minifloat, axis, channels, scale);
  if (n->bipolar || is_ternary(n))
    return type_signs(o->arena, n->bipolar ? TYPE_BIPOLAR : TYPE_TERNARY, axis, channels, scale);
  return type_channels(o->arena, n->width, true, axis, channels, scale,
                       ARENA_NEW(o->arena, int32_t, channels));
}

uint32_t onnx_integer_weights(struct onnx *o, const struct item *x, const char *name) {
  const struct integers *n = x->integers;
  bool each;
  if (!scales_of(n->scale, &each)) n = with_one_scale(o, n);
  if (!n) {
    builder_note(&o->builder,
                 "its weights have scales that differ within an output, and not by powers of two: "
                 "in integers they are rounded anew, to 16 bits where no precision is asked for",
                 false);
    return builder_tensor(&o->builder, name, x->constant);
  }
  struct type type = weights_type(o, n, each && n == x->integers);
  struct tensor *t = tensor_new(o->arena, dtype_for(&type), n->codes->rank, n->codes->shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, tensor_int(n->codes, i));
  return builder_typed(&o->builder, name, t, type);
}

// ---- integers of the file

// One entry for each element of an array whose entries go along an axis in blocks; NULL and a
// refusal if they don't fit.
static const struct tensor *unfolded(struct onnx *o, const struct tensor *list,
                                     const struct tensor *x, int axis, int64_t block) {
  bool fits = list->rank == x->rank && axis != NONE && block > 0;
  int64_t inner = 1;
  for (int d = 0; fits && d < x->rank; d++) {
    int64_t own = d == axis ? (x->shape[d] - 1) / block + 1 : x->shape[d];
    fits = list->shape[d] == own;
    if (d > axis) inner *= x->shape[d];
  }
  if (!fits) {
    onnx_refuse(o, "quantise it again", "scales of blocks of %lld don't fit its array",
                (long long)block);
    return NULL;
  }
  struct tensor *to = tensor_new(o->arena, DTYPE_F64, x->rank, x->shape);
  for (int64_t i = 0; i < x->count; i++) {
    int64_t at = i / inner % x->shape[axis], outer = i / inner / x->shape[axis];
    int64_t k = (outer * list->shape[axis] + at / block) * inner + i % inner;
    ((double *)to->data)[i] = tensor_real(list, k);
  }
  return to;
}

bool grid_unfold(struct onnx *o, struct grid *g, const struct tensor *x, int axis, int64_t block) {
  if (!block) return true;
  g->scale = unfolded(o, g->scale, x, axis, block);
  if (g->scale && g->zero) g->zero = unfolded(o, g->zero, x, axis, block);
  return g->scale && (g->zero || !onnx_in(o, 2));
}

static bool zero_is_none(const struct tensor *zero) {
  for (int64_t i = 0; zero && i < zero->count; i++)
    if (tensor_real(zero, i) != 0) return false;
  return true;
}

bool grid_dequantize(struct onnx *o, const struct item *x, const struct grid *g, int axis) {
  const struct tensor *t = x->constant;
  struct grid own = *g;
  int64_t *codes = ARENA_NEW(o->arena, int64_t, t->count + 1);
  own.minifloat = onnx_minifloat(x->type, &own.unit);
  bool whole = t->dtype != DTYPE_F32 && t->dtype != DTYPE_F64;
  if (!whole && !own.minifloat)
    return onnx_refuse(o, "check the file", "its input holds floats, expected integers");
  if (own.minifloat && !zero_is_none(g->zero))
    return onnx_refuse(o, "use zero point 0", "floats of few bits with a zero point");
  if (!fits_list(o, g->scale, t, axis) || (g->zero && !fits_list(o, g->zero, t, axis)))
    return false;
  for (int64_t i = 0; i < t->count; i++) {
    double v = tensor_real(t, i);
    if (!isfinite(v))
      return onnx_refuse(o, "quantise it again", "element %lld is %g", (long long)i, v);
    codes[i] = own.minifloat
                   ? (int64_t)(v / own.unit)
                   : (int64_t)fix_from_real(v - zero_of(g, t, axis, i), INT32_MIN, INT32_MAX);
  }
  set_integers(o, t, &own, axis, codes);
  return true;
}
