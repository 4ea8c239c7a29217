// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/golden_prepare.h"

#include "sw/graph/interval.h"
#include "sw/graph/pointwise.h"
#include "sw/graph/subsample.h"

#include <stdlib.h>

enum { TABLE_BITS_MAX = 16, PREPARED_PARTS = 3 };

static bool fits16(int64_t lo, int64_t hi) {
  return lo >= INT16_MIN && hi <= INT16_MAX;
}

// Every partial sum stays within 32 bits: sum |x w| + |bias| < 2^31; weights times `finer`.
static bool sums_fit32(const struct graph *g, const struct node *n, const struct weights *w,
                       int64_t finer) {
  const struct value *x = node_in(g, n, 0), *b = node_in(g, n, 2);
  int64_t low = llabs(type_integer(&x->type, 0, x->lo));
  int64_t high = llabs(type_integer(&x->type, 0, x->hi)), most = low > high ? low : high;
  for (int64_t o = 0; o < w->outs; o++) {
    int64_t sum = 0;
    for (int64_t i = 0; i < w->taps; i++) sum += llabs(weight_of(w, o, i));
    fix_wide total = (fix_wide)sum * finer * most + (b ? llabs(tensor_int(b->init, o)) : 0);
    if (total > INT32_MAX) return false;
  }
  return true;
}

// Weights of more than 16 bits, or with sums of more than 32, in several parts, each times 2^SPLIT
// the one before: all but the last from 0 to 2^SPLIT - 1. Part `at` of `parts`.
static int64_t part_of(int64_t v, int at, int parts) {
  int64_t rest = v >> (at * PREPARED_SPLIT);
  return at + 1 < parts ? rest & ((1 << PREPARED_SPLIT) - 1) : rest;
}

// Whether each of so many parts has 16 bits and its partial sums 32.
static bool parts_fit(const struct graph *g, const struct node *n, const struct weights *w,
                      int64_t finer, int parts) {
  const struct value *x = node_in(g, n, 0);
  int64_t low = llabs(type_integer(&x->type, 0, x->lo));
  int64_t high = llabs(type_integer(&x->type, 0, x->hi)), most = low > high ? low : high;
  for (int64_t o = 0; o < w->outs; o++)
    for (int at = 0; at < parts; at++) {
      fix_wide sum = 0;
      for (int64_t i = 0; i < w->taps; i++) {
        fix_wide v = (fix_wide)weight_of(w, o, i) * finer;
        if (v < INT64_MIN / 2 || v > INT64_MAX / 2) return false;
        int64_t part = part_of((int64_t)v, at, parts);
        if (!fits16(part, part)) return false;
        sum += llabs(part);
      }
      if (sum * most > INT32_MAX) return false;
    }
  return true;
}

// Inputs in groups of `group`, outputs padded: the kernels' order of weights, times 2^f of a finer
// bias, or of a part of them.
static void *pack_weights(struct arena *a, const struct weights *w, int group, int part,
                          struct prepared *p) {
  p->groups = (w->taps + group - 1) / group;
  p->outs = (w->outs + KERNEL_OUTS - 1) / KERNEL_OUTS * KERNEL_OUTS;
  void *to = arena_alloc(a, (size_t)(p->groups * p->outs), 4);
  for (int64_t o = 0; o < w->outs; o++)
    for (int64_t i = 0; i < w->taps; i++) {
      int64_t at = (i / group * p->outs + o) * group + i % group;
      int64_t v = part_of(weight_of(w, o, i) * p->finer, part, p->parts);
      if (p->bytes)
        ((int8_t *)to)[at] = (int8_t)v;
      else
        ((int16_t *)to)[at] = (int16_t)v;
    }
  return to;
}

static void pack_parts(struct arena *a, const struct weights *w, const struct value *b,
                       struct prepared *p) {
  int64_t *bias = ARENA_NEW(a, int64_t, w->outs);
  p->packed = true;
  p->taps = w->taps;
  p->weight = pack_weights(a, w, 2, 0, p);
  for (int at = 1; at < p->parts; at++) p->upper[at - 1] = pack_weights(a, w, 2, at, p);
  p->bias = ARENA_NEW(a, int32_t, p->outs); // is added where the parts are
  for (int64_t o = 0; b && o < w->outs; o++) bias[o] = tensor_int(b->init, o);
  p->wide_bias = bias;
}

// With x as code - lowest - base: sum (x + base + lowest - zero) w = sum x w + (base + lowest -
// zero) sum w.
static void pack_bias(struct arena *a, const struct value *x, const struct weights *w,
                      const struct value *b, struct prepared *p) {
  p->bias = ARENA_NEW(a, int32_t, p->outs);
  for (int64_t o = 0; o < w->outs; o++) {
    int64_t sum = 0;
    for (int64_t i = 0; p->bytes && i < w->taps; i++) sum += weight_of(w, o, i) * p->finer;
    int64_t offset = p->bytes ? p->base + type_integer(&x->type, 0, type_lowest(&x->type)) : 0;
    p->bias[o] = (int32_t)((b ? tensor_int(b->init, o) : 0) + offset * sum);
  }
}

// The range of the weights minus their zeros.
static void weight_range(const struct value *w, int64_t *lo, int64_t *hi) {
  *lo = w->lo;
  *hi = w->hi;
  for (int64_t o = 0; o < w->shape[0]; o++) {
    int64_t least = type_integer(&w->type, o, w->lo), most = type_integer(&w->type, o, w->hi);
    *lo = least < *lo ? least : *lo;
    *hi = most > *hi ? most : *hi;
  }
}

// Whether bytes serve: all of them, or those up to 127 if the input's codes, its zero with them,
// are no further apart.
static bool takes_bytes(const struct kernels *k, const struct value *x, struct prepared *p) {
  int64_t zero = type_from_integer(&x->type, 0, 0), least = x->lo < zero ? x->lo : zero;
  int64_t most = x->hi > zero ? x->hi : zero;
  if (!value_is_narrow(x)) return false;
  if (k->linear8) return true;
  if (!k->linear7 || most - least > 127) return false;
  p->base = (int)(least - type_lowest(&x->type));
  return true;
}

static void prepare_weighted(struct arena *a, const struct kernels *k, const struct graph *g,
                             const struct node *n, const struct weights *weights,
                             struct prepared *p) {
  const struct value *x = node_in(g, n, 0), *w = weights->value, *b = node_in(g, n, 2);
  const struct value *y = node_out(g, n, 0);
  int64_t lo, hi;
  if (!w->init || (b && !b->init)) return;
  p->finer = (int64_t)1 << weighted_finer(g, n);
  weight_range(w, &lo, &hi);
  lo *= p->finer;
  hi *= p->finer;
  if (!fits16(type_integer(&x->type, 0, x->lo), type_integer(&x->type, 0, x->hi))) return;
  if (!fits16(lo, hi) || !sums_fit32(g, n, weights, p->finer)) {
    for (p->parts = 2; p->parts <= PREPARED_PARTS; p->parts++)
      if (parts_fit(g, n, weights, p->finer, p->parts)) {
        pack_parts(a, weights, b, p);
        return;
      }
    return;
  }
  p->packed = true;
  p->parts = 1;
  p->taps = weights->taps;
  p->bytes = lo >= INT8_MIN && hi <= INT8_MAX && takes_bytes(k, x, p);
  p->weight = pack_weights(a, weights, p->bytes ? 4 : 2, 0, p);
  pack_bias(a, x, weights, b, p);
  const struct requant *rq = &n->rq[0];
  p->shift_only = rq->count == 1 && rq->mul[0] == 1 && rq->shift[0] >= 1 && rq->shift[0] <= 30 &&
                  n->rounding == FIX_HALF_EVEN && n->overflow == FIX_SATURATE &&
                  type_is_fixed(&y->type) && y->type.axis < 0 && y->type.width <= 24;
}

void golden_prepare_linear(struct arena *a, const struct kernels *k, const struct graph *g,
                           const struct node *n, struct prepared *p) {
  struct weights w = weights_of(node_in(g, n, 1));
  prepare_weighted(a, k, g, n, &w, p);
}

// Weights by tap, then channel.
static void pack_depthwise(struct arena *a, const struct weights *w, const struct value *b,
                           struct prepared *p) {
  p->outs = (w->outs + KERNEL_OUTS - 1) / KERNEL_OUTS * KERNEL_OUTS;
  int16_t *weight = ARENA_NEW(a, int16_t, w->taps * p->outs);
  p->bias = ARENA_NEW(a, int32_t, p->outs);
  for (int64_t o = 0; o < w->outs; o++) {
    p->bias[o] = b ? (int32_t)tensor_int(b->init, o) : 0;
    for (int64_t i = 0; i < w->taps; i++)
      weight[i * p->outs + o] = (int16_t)(weight_of(w, o, i) * p->finer);
  }
  p->weight = weight;
}

// A convolution that is depthwise, or what is like it.
static void prepare_depthwise(struct arena *a, const struct kernels *k, const struct graph *g,
                              const struct node *n, const struct weights *w, struct prepared *p) {
  prepare_weighted(a, k, g, n, w, p);
  if (p->parts > 1) p->packed = false; // its kernel has weights of 16 bits
  p->depthwise = p->packed;
  if (!p->depthwise) return;
  p->bytes = false;
  pack_depthwise(a, w, node_in(g, n, 2), p);
}

// With one group a patch is a row of a linear layer; its padding is x_zero.
void golden_prepare_conv(struct arena *a, const struct kernels *k, const struct graph *g,
                         const struct node *n, struct prepared *p) {
  struct conv *c = ARENA_NEW(a, struct conv, 1);
  struct err e = {0};
  if (node_attr(n, ATTR_slice) || !conv_of(g, n, c, &e)) return;
  bool depthwise = c->groups > 1 && c->ins == 1 && c->outs == c->window.channels;
  if (c->groups > 1 && !depthwise) return;
  struct weights w = weights_of(node_in(g, n, 1));
  p->conv = c;
  (depthwise ? prepare_depthwise : prepare_weighted)(a, k, g, n, &w, p);
}

// The depthwise convolution that it is.
void golden_prepare_subsample(struct arena *a, const struct kernels *k, const struct graph *g,
                              const struct node *n, struct prepared *p) {
  struct conv *c = ARENA_NEW(a, struct conv, 1);
  struct err e = {0};
  if (node_attr(n, ATTR_slice) || !subsample_of(g, n, &c->window, &e)) return;
  c->groups = c->outs = c->window.channels;
  c->ins = 1;
  struct weights w = subsample_weights(g, n, &c->window);
  p->conv = c;
  prepare_depthwise(a, k, g, n, &w, p);
}

// The table in bytes, code - lowest on both sides.
static uint8_t *narrow_table(struct arena *a, const struct value *y, int64_t count,
                             const int32_t *table) {
  uint8_t *narrow = ARENA_NEW(a, uint8_t, 256);
  for (int64_t i = 0; i < count; i++) narrow[i] = (uint8_t)(table[i] - type_lowest(&y->type));
  return narrow;
}

struct clamp *golden_clamp(struct arena *a, const uint8_t *table, int count) {
  struct clamp c = {0, 255, 0};
  int rising = 0; // where it is neither bound
  for (int i = 0; i < count; i++) {
    if (table[i] < c.lo) c.lo = table[i];
    if (table[i] > c.hi) c.hi = table[i];
  }
  while (rising + 1 < count && (table[rising] == c.lo || table[rising] == c.hi)) rising++;
  c.offset = table[rising] - rising;
  for (int i = 0; i < count; i++) {
    int v = i + c.offset, above = v > c.lo ? v : c.lo;
    if (table[i] != (above < c.hi ? above : c.hi)) return NULL;
  }
  return arena_copy(a, &c, sizeof c);
}

void golden_prepare_pointwise(struct arena *a, const struct kernels *k, const struct graph *g,
                              const struct node *n, struct prepared *p) {
  (void)k;
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (type_width(&x->type) > TABLE_BITS_MAX || x->type.axis >= 0 || y->type.axis >= 0) return;
  if (node_attr(n, ATTR_slice) || (n->n_rq && n->rq[n->n_rq - 1].count > 1)) return;
  struct pointwise f = pointwise_of(g, n);
  int64_t lowest = type_lowest(&x->type), count = type_highest(&x->type) - lowest + 1;
  p->table = ARENA_NEW(a, int32_t, count);
  for (int64_t i = 0; i < count; i++) p->table[i] = (int32_t)pointwise_code(&f, lowest + i);
  if (!value_is_narrow(x) || !value_is_narrow(y)) return;
  p->table8 = narrow_table(a, y, count, p->table);
  p->clamp = golden_clamp(a, p->table8, (int)count);
}

void golden_prepare(struct arena *a, const struct kernels *k, const struct graph *g,
                    const struct node *n, struct prepared *p) {
  static void (*const columns[])(struct arena *, const struct kernels *, const struct graph *,
                                 const struct node *, struct prepared *) = {
#define YES(f) f
#define NO(f) NULL
#define COLUMN(id, stem, golden, prepare, ...) prepare(golden_prepare_##stem),
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef NO
  };
  if (columns[op_info(n->op)->column]) columns[op_info(n->op)->column](a, k, g, n, p);
}
