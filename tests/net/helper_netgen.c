// SPDX-License-Identifier: Apache-2.0
#include "tests/net/helper_netgen_parts.h"

#include "sw/base/bits.h"
#include "sw/graph/column.h"
#include "sw/graph/curve.h"
#include "sw/graph/interval.h"

#include <math.h>
#include <string.h>

int64_t netgen_pick(struct netgen *n, int64_t lo, int64_t hi) {
  return rng_range(&n->rng, lo, hi);
}
bool netgen_chance(struct netgen *n, int percent) {
  return netgen_pick(n, 1, 100) <= percent;
}
const struct value *netgen_end(const struct netgen *n) {
  return &n->g->values[n->at];
}
const char *netgen_name(struct netgen *n, const char *what) {
  return arena_printf(n->arena, "%s%d", what, n->names++);
}

int64_t netgen_size(struct netgen *n) {
  static const int64_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 10, 11, 13, 16, 17, 23, 31};
  return sizes[netgen_pick(n, 0, sizeof sizes / sizeof *sizes - 1)];
}

// A stream type; narrow: at most 12 bits.
struct type netgen_stream_type(struct netgen *n, bool bipolar, int widest) {
  if (bipolar && netgen_chance(n, 12)) return type_of_class(TYPE_BIPOLAR);
  bool is_signed = netgen_chance(n, 70);
  int width = (int)netgen_pick(n, is_signed ? 2 : 1, widest);
  double scale = ldexp(1, -(int)netgen_pick(n, 0, width));
  int32_t zero = 0;
  if (netgen_chance(n, 20)) scale *= 0.5 + (double)netgen_pick(n, 1, 1000) / 1000;
  if (netgen_chance(n, 20))
    zero = (int32_t)netgen_pick(n, fix_lowest(width, is_signed), fix_highest(width, is_signed));
  return type_fixed(n->arena, width, is_signed, scale, zero);
}

static void modes(struct netgen *n, uint32_t node, const struct type *out) {
  struct node *d = &n->g->nodes[node];
  d->rounding = (enum fix_rounding)netgen_pick(n, FIX_FLOOR, FIX_AWAY);
  d->overflow = (enum fix_overflow)netgen_pick(n, FIX_SATURATE, FIX_TO_ZERO);
  if (out->cls == TYPE_MINIFLOAT) d->rounding = FIX_HALF_EVEN;
  if (out->cls == TYPE_MINIFLOAT) d->overflow = FIX_SATURATE;
  if (d->overflow == FIX_SYMMETRIC && (out->cls != TYPE_FIXED || out->zero[0] != 0))
    d->overflow = FIX_SATURATE;
}

// Of any code, as its definition says; 0 where there is none.
static int64_t any_number(struct rng *own, const struct minifloat *m) {
  int64_t code = rng_range(own, 0, (1 << (m->exponent + m->mantissa)) - 1);
  int64_t exponent = code >> m->mantissa, one = (int64_t)1 << m->mantissa, v = code % one;
  bool negative = m->is_signed && rng_range(own, 0, 1);
  if (m->top == MINIFLOAT_IEEE && exponent == (1 << m->exponent) - 1) return 0;
  if (m->top == MINIFLOAT_FN && code == (one << m->exponent) - 1) return 0;
  if (exponent) v = (one + v) * ((int64_t)1 << (exponent - 1));
  return negative ? -v : v;
}

// Any signs, or all alike.
static int64_t any_signs(struct rng *own, const struct residual *r, int style) {
  int64_t sum = 0;
  for (int l = 0; l < r->planes; l++)
    sum += (style == 1 ? 0 : style == 2 ? 1 : rng_range(own, 0, 1)) ? r->factor[l] : -r->factor[l];
  return sum;
}

// Elements with an exponent for each block of an output.
static void put_blocks(struct rng *own, struct tensor *t, const struct blocked *b) {
  int64_t taps = t->count / t->shape[0];
  int exponent = 0;
  for (int64_t i = 0; i < t->count; i++) {
    if (i % taps % b->size == 0) exponent = (int)rng_range(own, 0, b->span);
    int64_t element = b->is_float
                          ? any_number(own, &b->element)
                          : rng_range(own, -(1 << (b->width - 1)) + 1, (1 << (b->width - 1)) - 1);
    tensor_set_int(t, i, element * ((int64_t)1 << exponent));
  }
}

uint32_t netgen_tensor(struct netgen *n, const char *what, int rank, const int64_t *shape,
                       struct type type) {
  struct tensor *t = tensor_new(n->arena, dtype_for(&type), rank, shape);
  int64_t lo = type_lowest(&type), hi = type_highest(&type);
  int style = (int)netgen_pick(n, 0, 9); // all zero, all extreme, or random
  struct rng own = {n->rng.seed + n->rng.counter, 1u << 23};
  for (int64_t i = 0; i < t->count; i++) {
    int64_t v = style == 0   ? type_zero(&type, 0)
                : style == 1 ? lo
                : style == 2 ? hi
                             : netgen_pick(n, lo, hi);
    if (type.cls == TYPE_BIPOLAR) v = v > 0 || style == 0 ? 1 : -1;
    if (type.cls == TYPE_RESIDUAL) v = any_signs(&own, &type.residual, style);
    if (type.cls == TYPE_MINIFLOAT && style > 2) v = any_number(&own, &type.minifloat);
    tensor_set_int(t, i, v);
  }
  if (type.cls == TYPE_BLOCK) put_blocks(&own, t, &type.block);
  return graph_add_tensor(n->g, netgen_name(n, what), t, type);
}

// A minifloat now and then, of random numbers of its own, so that the networks without stay what
// they are.
struct type netgen_sum_type(struct netgen *n, bool bipolar, int widest) {
  struct rng own = {n->rng.seed + n->rng.counter, 1u << 26};
  struct type t = netgen_stream_type(n, bipolar, widest);
  if (t.cls != TYPE_FIXED || rng_range(&own, 1, 100) > 10) return t;
  struct minifloat m = {(uint8_t)rng_range(&own, 1, 3), (uint8_t)rng_range(&own, 0, 4),
                        (enum minifloat_top)rng_range(&own, MINIFLOAT_ALL, MINIFLOAT_IEEE),
                        rng_range(&own, 1, 100) > 25};
  struct err unused = {0};
  double scale = ldexp(1, -(int)rng_range(&own, 0, 6));
  if (!minifloat_check(&m, &unused)) m.top = MINIFLOAT_ALL;
  return minifloat_integer_width(&m) <= widest ? type_minifloat(n->arena, &m, -1, 1, &scale) : t;
}

uint32_t netgen_add_node(struct netgen *n, enum op op, struct type out, int rank,
                         const int64_t *shape, bool per_frame) {
  uint32_t node = graph_add_node(n->g, op, netgen_name(n, op_info(op)->name));
  modes(n, node, &out);
  graph_add_out(n->g, node,
                graph_add_value(n->g, netgen_name(n, "v"), rank, shape, out, per_frame));
  return node;
}

void netgen_use(struct netgen *n, uint32_t node, uint32_t value) {
  graph_add_use(n->g, node, (struct use){value, 0, NONE});
}

// TFLite's rounding, where its shift to the left leaves 32 bits whatever the input's type holds.
static void tflite(struct netgen *n, uint32_t node) {
  struct node *d = &n->g->nodes[node];
  enum fix_rounding other = d->rounding;
  struct err too_wide = {0};
  for (int64_t i = 0; i < d->rq[0].count; i++)
    if (d->rq[0].shift[i] < 31) return;
  d->rounding = FIX_TFLITE;
  if (!check_accumulator(n->g, d, &too_wide)) d->rounding = other;
}

// A requantisation that brings an accumulator of `bits` near the output's range.
void netgen_requant(struct netgen *n, uint32_t node, int bits, const struct type *out,
                    int64_t count) {
  int64_t *mul = ARENA_NEW(n->arena, int64_t, count);
  int32_t *shift = ARENA_NEW(n->arena, int32_t, count);
  bool power = netgen_chance(n, 60);
  for (int64_t i = 0; i < count; i++) {
    shift[i] = (int32_t)(bits - type_stream_width(out) + netgen_pick(n, -2, 1) -
                         (count > 1 ? netgen_pick(n, 0, 3) : 0));
    mul[i] = power ? 1 : netgen_pick(n, 1 << 30, INT32_MAX);
    if (!power) shift[i] += 31;
  }
  graph_add_requant(n->g, node, count, mul, shift);
  bool sums = op_is(n->g->nodes[node].op, TRAIT_WEIGHTS | TRAIT_CASTS);
  if (!power && sums && bits <= 30 && out->cls == TYPE_FIXED && netgen_chance(n, 25))
    tflite(n, node);
}

static int acc_bits(struct netgen *n, uint32_t node) {
  graph_ranges(n->g);
  return interval_bits(interval_node(n->g, &n->g->nodes[node], KNOWN_PROVEN));
}

void netgen_finish(struct netgen *n, uint32_t node) {
  n->at = n->g->nodes[node].out[0];
}

// ---- columns

// Random numbers of its own, so that the networks without stay what they are.
static void minifloat_type(struct netgen *n, int64_t out, struct type *t) {
  struct rng own = {n->rng.seed + n->rng.counter, 1u << 22};
  if (rng_range(&own, 1, 100) > 15) return;
  int exponent = (int)rng_range(&own, 1, 5), mantissa = (int)rng_range(&own, 0, 7 - exponent);
  struct minifloat m = {(uint8_t)exponent, (uint8_t)mantissa,
                        (enum minifloat_top)rng_range(&own, MINIFLOAT_ALL, MINIFLOAT_IEEE),
                        rng_range(&own, 1, 100) > 25};
  bool channel = rng_range(&own, 0, 1);
  struct err unused = {0};
  if (!minifloat_check(&m, &unused)) m.top = MINIFLOAT_ALL;
  double *scales = ARENA_NEW(n->arena, double, out);
  for (int64_t o = 0; o < out; o++) scales[o] = ldexp(1, -(int)rng_range(&own, 0, 6));
  *t = type_minifloat(n->arena, &m, channel ? 0 : -1, channel ? out : 1, scales);
}

static struct type integer_type(struct netgen *n, int64_t out) {
  int kind = (int)netgen_pick(n, 0, 9);
  if (kind < 2) {
    double *scales = ARENA_NEW(n->arena, double, out);
    for (int64_t o = 0; o < out; o++) scales[o] = netgen_chance(n, 50) ? 1 : ldexp(3, -(int)o % 8);
    bool channel = netgen_chance(n, 30);
    return type_signs(n->arena, kind ? TYPE_TERNARY : TYPE_BIPOLAR, channel ? 0 : -1,
                      channel ? out : 1, scales);
  }
  int width = (int)netgen_pick(n, 2, 10);
  if (kind > 3) return type_fixed(n->arena, width, kind != 4, ldexp(1, -width), kind == 5 ? 1 : 0);
  double *scale = ARENA_NEW(n->arena, double, out);
  int32_t *zero = ARENA_NEW(n->arena, int32_t, out);
  for (int64_t o = 0; o < out; o++) {
    scale[o] = ldexp(1, -(int)netgen_pick(n, 0, 6));
    if (kind == 3)
      zero[o] = (int32_t)netgen_pick(n, fix_lowest(width, true), fix_highest(width, true));
  }
  return type_channels(n->arena, width, true, 0, out, scale, zero);
}

// Blocks of a few weights whose exponents are up to some bits apart.
static void block_type(struct netgen *n, struct type *t) {
  struct rng own = {n->rng.seed + n->rng.counter, 1u << 24};
  if (rng_range(&own, 1, 100) > 8) return;
  struct blocked b = {.size = (int32_t)rng_range(&own, 1, 8),
                      .width = (uint8_t)rng_range(&own, 2, 6),
                      .span = (uint8_t)rng_range(&own, 0, 6)};
  b.is_float = rng_range(&own, 0, 1);
  if (b.is_float) b.element = (struct minifloat){2, 1, MINIFLOAT_ALL, true};
  if (b.is_float) b.width = 4;
  *t = type_block(n->arena, &b, ldexp(block_unit(&b), -(int)rng_range(&own, 0, 8)));
}

// Sums of a few signs.
static void residual_type(struct netgen *n, int64_t out, struct type *t) {
  struct rng own = {n->rng.seed + n->rng.counter, 1u << 25};
  if (rng_range(&own, 1, 100) > 8) return;
  struct residual r = {.planes = (uint8_t)rng_range(&own, 1, RESIDUAL_PLANES_MAX)};
  for (int l = 0; l < r.planes; l++)
    r.factor[l] = (uint8_t)rng_range(&own, 1, rng_range(&own, 0, 1) ? 9 : RESIDUAL_FACTOR_MAX);
  bool channel = rng_range(&own, 0, 1);
  double *scales = ARENA_NEW(n->arena, double, out);
  for (int64_t o = 0; o < out; o++) scales[o] = ldexp(1, -(int)rng_range(&own, 0, 6));
  *t = type_residual(n->arena, &r, channel ? 0 : -1, channel ? out : 1, scales);
}

struct type netgen_weight_type(struct netgen *n, int64_t out) {
  struct type t = integer_type(n, out);
  minifloat_type(n, out, &t);
  block_type(n, &t);
  residual_type(n, out, &t);
  return t;
}

static void identity(struct netgen *n) {
  const struct value *v = netgen_end(n);
  uint32_t x = n->at,
           node = netgen_add_node(n, OP_identity, v->type, v->rank, v->shape, v->per_frame);
  netgen_use(n, node, x);
  netgen_finish(n, node);
}

// At the scale of the products, or some bits finer; random numbers of its own, so that the networks
// without stay what they are.
static struct type bias_type(struct netgen *n, uint32_t x, const struct type *w) {
  struct rng own = {n->rng.seed + n->rng.counter, 1u << 21};
  int width = (int)netgen_pick(n, 2, 12);
  int finer = rng_range(&own, 1, 100) > 30 ? 0 : (int)rng_range(&own, 1, 6);
  double *scale = ARENA_NEW(n->arena, double, w->channels);
  for (int64_t o = 0; o < w->channels; o++)
    scale[o] = ldexp(type_scale(&n->g->values[x].type, 0) * type_scale(w, o), -finer);
  return type_channels(n->arena, width, true, w->axis, w->channels, scale,
                       ARENA_NEW(n->arena, int32_t, w->channels));
}

void netgen_flatten(struct netgen *n) {
  if (netgen_end(n)->rank == 1) return;
  int64_t elements = value_elements(netgen_end(n));
  uint32_t from = n->at, node = netgen_add_node(n, OP_flatten, netgen_end(n)->type, 1, &elements,
                                                netgen_end(n)->per_frame);
  netgen_use(n, node, from);
  netgen_finish(n, node);
}

// Some weights have a mask, for each of them, for some side by side or one for all taps; random
// numbers of its own, so that the networks without stay what they are.
static void cut(struct netgen *n, struct value *w) {
  struct rng own = {n->rng.seed + n->rng.counter, 1u << 20};
  int64_t shape[RANK_MAX];
  if (!type_has_zero(&w->type) || rng_range(&own, 1, 100) > 25) return;
  memcpy(shape, w->shape, sizeof shape);
  bool table = rng_range(&own, 0, 1);
  for (int d = 1; table && d < w->rank - 1; d++) shape[d] = 1;
  w->mask = tensor_new(n->arena, DTYPE_U8, w->rank, shape);
  int64_t run = rng_range(&own, 1, 4), most = rng_range(&own, 1, 3), keeps = 0;
  for (int64_t i = 0; i < w->mask->count; i++) {
    if (i % run == 0) keeps = rng_range(&own, 0, most) == 0;
    tensor_set_int(w->mask, i, keeps);
  }
  for (int64_t i = 0; i < w->init->count; i++)
    if (value_is_cut(w, i))
      tensor_set_int(w->init, i, type_zero(&w->type, i / (w->init->count / w->shape[0])));
}

void netgen_weighted(struct netgen *n, uint32_t node, uint32_t x, const struct type *w,
                     const struct type *out) {
  cut(n, &n->g->values[n->g->nodes[node].in[1].value]);
  const int64_t *outs = n->g->values[n->g->nodes[node].in[1].value].shape;
  if (op_info(n->g->nodes[node].op)->in_max > 2 && netgen_chance(n, 70))
    netgen_use(n, node, netgen_tensor(n, "b", 1, outs, bias_type(n, x, w)));
  graph_add_requant(n->g, node, 1, (int64_t[]){1}, (int32_t[]){0});
  int bits = acc_bits(n, node);
  n->g->nodes[node].n_rq = 0;
  netgen_requant(n, node, bits, out, netgen_chance(n, 30) ? outs[0] : 1);
  netgen_finish(n, node);
}

// Over the last axis: mostly of a flat stream, sometimes of several rows.
static void linear(struct netgen *n) {
  if (n->kind == NETGEN_CIRCUIT || netgen_chance(n, 60)) netgen_flatten(n);
  netgen_rows(n);
}

void netgen_rows(struct netgen *n) {
  netgen_rows_of(n, netgen_size(n));
}

void netgen_rows_of(struct netgen *n, int64_t outs) {
  uint32_t x = n->at;
  int rank = netgen_end(n)->rank;
  int64_t shape[2] = {outs, netgen_end(n)->shape[rank - 1]}, y_shape[RANK_MAX];
  memcpy(y_shape, netgen_end(n)->shape, sizeof y_shape);
  y_shape[rank - 1] = shape[0];
  struct type w = netgen_weight_type(n, shape[0]), out = netgen_sum_type(n, true, 16);
  uint32_t node = netgen_add_node(n, OP_linear, out, rank, y_shape, netgen_end(n)->per_frame);
  netgen_use(n, node, x);
  netgen_use(n, node, netgen_tensor(n, "w", 2, shape, w));
  netgen_weighted(n, node, x, &w, &out);
}

// At a scale a few powers of two from the input's; of random scales too.
static struct type rbf_weights(struct netgen *n) {
  double scale = ldexp(type_scale(&netgen_end(n)->type, 0), (int)netgen_pick(n, -3, 3));
  int width = (int)netgen_pick(n, 2, 8), kind = (int)netgen_pick(n, 0, 9);
  if (kind < 3) return type_signs(n->arena, kind ? TYPE_BIPOLAR : TYPE_TERNARY, -1, 1, &scale);
  return type_fixed(n->arena, width, kind != 3, scale, kind == 4 ? 1 : 0);
}

static void rbf(struct netgen *n) {
  if (netgen_chance(n, 80)) netgen_flatten(n);
  uint32_t x = n->at;
  int rank = netgen_end(n)->rank;
  int64_t shape[2] = {netgen_size(n), netgen_end(n)->shape[rank - 1]}, y_shape[RANK_MAX];
  memcpy(y_shape, netgen_end(n)->shape, sizeof y_shape);
  y_shape[rank - 1] = shape[0];
  struct type w = rbf_weights(n), out = netgen_sum_type(n, true, 16);
  uint32_t node = netgen_add_node(n, OP_rbf, out, rank, y_shape, netgen_end(n)->per_frame);
  netgen_use(n, node, x);
  netgen_use(n, node, netgen_tensor(n, "w", 2, shape, w));
  netgen_weighted(n, node, x, &w, &out);
}

void netgen_quantize(struct netgen *n, struct type out) {
  uint32_t x = n->at, node = netgen_add_node(n, OP_quantize, out, netgen_end(n)->rank,
                                             netgen_end(n)->shape, netgen_end(n)->per_frame);
  netgen_use(n, node, x);
  netgen_requant(n, node, type_width(&netgen_end(n)->type) + 1, &out, 1);
  netgen_finish(n, node);
}

static void add_table(struct netgen *n, uint32_t node, enum op op, const struct type *in,
                      const struct type *out) {
  struct curve_domain d = {type_lowest(in),  type_highest(in),  in->zero[0],  in->scale[0],
                           type_lowest(out), type_highest(out), out->zero[0], out->scale[0]};
  int64_t count = d.in_hi - d.in_lo + 1;
  struct tensor *t = tensor_new(n->arena, DTYPE_I64, 1, &count);
  double alpha = 1;
  if (op == OP_elu)
    graph_add_real(n->g, node, ATTR_alpha, alpha = (double)netgen_pick(n, 1, 30) / 16);
  if (op == OP_gelu && netgen_chance(n, 50))
    graph_add_attr(n->g, node, ATTR_approximate)->text = "tanh";
  curve_table((enum curve)node_curve(&n->g->nodes[node]), alpha, &d, t->data);
  graph_add_attr(n->g, node, ATTR_table)->tensor = t;
}

static void add_constants(struct netgen *n, uint32_t node, enum op op, const struct type *in) {
  const struct op_info *info = op_info(op);
  int64_t lo = type_lowest(in), hi = type_highest(in),
          c[2] = {netgen_pick(n, lo, hi), netgen_pick(n, lo, hi)};
  if (info->slopes)
    graph_add_requant(n->g, node, 1, (int64_t[]){netgen_pick(n, 1, 1 << 20)},
                      (int32_t[]){(int32_t)netgen_pick(n, 0, 20)});
  if (op == OP_hard_sigmoid) {
    c[0] = netgen_pick(n, -(1 << 20), 1 << 20);
    c[1] = netgen_pick(n, 0, 1 << 21);
  } else if (info->codes == 1) {
    c[0] = netgen_pick(n, 0, hi + 1);
  } else if (c[0] > c[1]) {
    int64_t swap = c[0];
    c[0] = c[1];
    c[1] = swap;
  }
  if (info->codes) graph_add_ints(n->g, node, ATTR_codes, info->codes, c);
  for (int a = 0; a < ATTR_COUNT; a++)
    if (info->required >> a & 1) graph_add_real(n->g, node, (enum attr_name)a, 0.5);
}

void netgen_pointwise(struct netgen *n, enum op op) {
  const struct op_info *info = op_info(op);
  bool signs = netgen_end(n)->type.cls != TYPE_FIXED;
  bool takes_signs = n->kind == NETGEN_ANY && info->curve == NONE && netgen_chance(n, 50);
  if ((signs && !takes_signs) || (info->curve != NONE && !signs && netgen_end(n)->type.width > 12))
    netgen_quantize(n, netgen_stream_type(n, false, 12));
  uint32_t x = n->at;
  struct type in = netgen_end(n)->type,
              out = info->curve != NONE ? netgen_stream_type(n, op_is(op, TRAIT_CASTS), 12)
                                        : netgen_sum_type(n, op_is(op, TRAIT_CASTS), 16);
  bool same =
      info->curve == NONE && info->slopes == 0 && !op_is(op, TRAIT_CASTS) && netgen_chance(n, 40);
  if (same) out = in;
  uint32_t node = netgen_add_node(n, op, out, netgen_end(n)->rank, netgen_end(n)->shape,
                                  netgen_end(n)->per_frame);
  netgen_use(n, node, x);
  if (info->curve != NONE) {
    add_table(n, node, op, &in, &out);
  } else {
    add_constants(n, node, op, &in);
    if (!same) netgen_requant(n, node, type_width(&in) + 1 + (info->slopes ? 20 : 0), &out, 1);
  }
  netgen_finish(n, node);
}

static void classify(struct netgen *n, enum op op) {
  if (netgen_end(n)->type.cls != TYPE_FIXED) netgen_quantize(n, netgen_stream_type(n, false, 8));
  netgen_flatten(n);
  uint32_t x = n->at;
  int64_t k = op == OP_top_k
                  ? netgen_pick(n, 1, netgen_end(n)->shape[0] < 6 ? netgen_end(n)->shape[0] : 6)
                  : 1;
  int64_t shape[1] = {k};
  int64_t last = netgen_end(n)->shape[0] - 1;
  int width = (int)netgen_pick(n, 6, 8);
  if (last > 63)
    width = bits_unsigned((uint64_t)last) > width ? bits_unsigned((uint64_t)last) : width;
  struct type out = type_fixed(n->arena, width, false, 1, 0);
  bool two = n->kind == NETGEN_ANY && netgen_chance(n, 50);
  struct type in = netgen_end(n)->type;
  bool frames = netgen_end(n)->per_frame;
  uint32_t node = netgen_add_node(n, op, out, 1, shape, frames);
  netgen_use(n, node, x);
  if (two)
    graph_add_out(n->g, node, graph_add_value(n->g, netgen_name(n, "best"), 1, shape, in, frames));
  if (op == OP_top_k) graph_add_int(n->g, node, ATTR_k, k);
  n->g->nodes[node].rounding = FIX_HALF_EVEN;
  n->g->nodes[node].overflow = FIX_SATURATE;
  netgen_finish(n, node);
}

static bool add(struct netgen *n, enum op op) {
  bool frames = netgen_chance(n, 30);
  switch ((enum op_column)op_info(op)->column) {
  case COLUMN_LINEAR:
    linear(n);
    return true;
  case COLUMN_RBF:
    rbf(n);
    return true;
  case COLUMN_CONV:
    netgen_conv(n, op);
    return true;
  case COLUMN_POOL:
    netgen_pool(n, op);
    return true;
  case COLUMN_SUBSAMPLE:
    netgen_subsample(n);
    return true;
  case COLUMN_REORDER:
    netgen_reorder(n, op);
    return true;
  case COLUMN_SHAPE:
    if (op == OP_identity)
      identity(n);
    else
      netgen_reshape(n);
    if (op == OP_flatten) netgen_flatten(n);
    return true;
  case COLUMN_POINTWISE:
    netgen_pointwise(n, op);
    return true;
  case COLUMN_CLASSIFY:
    classify(n, op);
    return true;
  case COLUMN_SOFTMAX:
    netgen_softmax(n, op);
    return true;
  case COLUMN_JOIN:
    netgen_join(n, op);
    return true;
  case COLUMN_REDUCE:
    netgen_sum(n, frames);
    return true;
  case COLUMN_MATMUL:
    netgen_matmul(n, frames);
    return true;
  case COLUMN_STATE:
    netgen_state(n);
    return true;
  case COLUMN_CONCAT:
    netgen_concat(n);
    return true;
  case COLUMN_NORM:
  case COLUMN_FAKE_QUANT:
  case COLUMN_TRAINING:
  case COLUMN_GRADIENT:
    break;
  case COLUMN_OPAQUE:
    netgen_opaque(n);
    return true;
  }
  return false;
}

// One that has as many elements as codes, if a single node is wanted.
static void input(struct netgen *n) {
  int64_t shape[3] = {netgen_size(n), netgen_pick(n, 1, 3), 1};
  struct type t = netgen_stream_type(n, n->kind == NETGEN_ANY, n->kind == NETGEN_CODES ? 10 : 12);
  bool single = n->kind != NETGEN_ANY && n->kind != NETGEN_CIRCUIT;
  if (single && n->kind != NETGEN_CODES) t = netgen_pair_type(n);
  if (single) shape[0] = type_highest(&t) - type_lowest(&t) + 1;
  n->at = graph_add_value(n->g, "image", single ? 1 : 3, shape, t, true);
  graph_add_input(n->g, n->at, (struct source){0});
}

static enum op filler(struct netgen *n) {
  static const enum op ops[] = {OP_linear, OP_linear, OP_relu,       OP_quantize,  OP_tanh,
                                OP_clip,   OP_silu,   OP_softshrink, OP_leaky_relu};
  return ops[netgen_pick(n, 0, sizeof ops / sizeof *ops - 1)];
}

// Fillers, the wanted kind, fillers.
static bool chain(struct netgen *n, enum op wanted) {
  // nothing follows an index, nor what the host computes
  bool last = op_info(wanted)->column == COLUMN_CLASSIFY || wanted == OP_log_softmax;
  if (n->kind == NETGEN_CIRCUIT) linear(n);
  for (int64_t i = netgen_pick(n, 0, 2); i > 0; i--) add(n, filler(n));
  if (!add(n, wanted)) return false;
  for (int64_t i = netgen_pick(n, 0, 2); i > 0 && !last && netgen_end(n)->per_frame; i--)
    add(n, filler(n));
  return true;
}

// What one of the nodes gives, beside the chain's end.
static void another_output(struct netgen *n) {
  const struct node *any = &n->g->nodes[netgen_pick(n, 0, n->g->n_nodes - 1)];
  if (any->out[0] != n->at) graph_add_output(n->g, any->out[0]);
}

struct graph *netgen(struct arena *a, uint64_t seed, enum op wanted, enum netgen_kind kind) {
  struct netgen n = {
      .arena = a, .g = graph_new(a, "random"), .rng = {seed * 1000 + wanted, 0}, .kind = kind};
  input(&n);
  if (kind == NETGEN_CODES)
    netgen_pointwise(&n, wanted);
  else if (kind == NETGEN_PAIRS || kind == NETGEN_WIDE_PAIRS)
    netgen_join(&n, wanted);
  else if (!chain(&n, wanted))
    return NULL;
  if (kind == NETGEN_CIRCUIT && netgen_chance(&n, 25)) another_output(&n);
  graph_add_output(n.g, n.at);
  graph_ranges(n.g);
  return n.g;
}

void netgen_input(const struct graph *g, uint64_t seed, int64_t frames, int32_t *codes) {
  struct rng r = {seed, 1};
  for (int64_t f = 0; f < frames; f++)
    for (uint32_t k = 0; k < g->n_inputs; k++) {
      const struct value *v = &g->values[g->inputs[k].value];
      int64_t lo = type_lowest(&v->type), hi = type_highest(&v->type);
      for (int64_t i = 0; i < value_elements(v); i++, codes++) {
        int64_t style = rng_range(&r, 0, 7);
        *codes = (int32_t)(style == 0 ? lo : style == 1 ? hi : rng_range(&r, lo, hi));
        if (v->type.cls == TYPE_BIPOLAR) *codes = *codes > 0 ? 1 : -1;
      }
    }
}

int64_t netgen_elements(const struct graph *g) {
  int64_t n = 0;
  for (uint32_t i = 0; i < g->n_inputs; i++) n += value_elements(&g->values[g->inputs[i].value]);
  return n;
}

const int64_t *const *netgen_inputs(struct arena *a, const struct graph *g, uint64_t seed,
                                    int64_t frames) {
  int64_t all = netgen_elements(g), from = 0;
  int32_t *codes = ARENA_NEW(a, int32_t, frames * all);
  const int64_t **inputs = ARENA_NEW(a, const int64_t *, g->n_inputs);
  netgen_input(g, seed, frames, codes);
  for (uint32_t k = 0; k < g->n_inputs; k++) {
    int64_t n = value_elements(&g->values[g->inputs[k].value]);
    int64_t *own = ARENA_NEW(a, int64_t, frames * n);
    for (int64_t i = 0; i < frames * n; i++) own[i] = codes[i / n * all + from + i % n];
    inputs[k] = own;
    from += n;
  }
  return inputs;
}
