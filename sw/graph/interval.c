// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/interval.h"

#include "sw/graph/pointwise.h"
#include "sw/graph/slice.h"

static struct interval join(struct interval a, struct interval b) {
  return (struct interval){a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

static struct interval plus(struct interval a, struct interval b) {
  return (struct interval){a.lo + b.lo, a.hi + b.hi};
}

static struct interval times(struct interval a, struct interval b) {
  fix_wide p[4] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
  struct interval r = {p[0], p[0]};
  for (int i = 1; i < 4; i++) r = join(r, (struct interval){p[i], p[i]});
  return r;
}

static struct interval scaled(struct interval a, fix_wide by) {
  return times(a, (struct interval){by, by});
}

// Integers minus zero of a value with one scale, as one input of a node sees it.
static struct interval seen(const struct graph *g, const struct node *n, uint32_t i) {
  const struct value *v = node_in(g, n, i);
  int64_t zero = v->type.axis < 0 ? type_zero(&v->type, 0) : 0;
  bool all = n->in[i].delay > 0;
  return (struct interval){(all ? type_lowest(&v->type) : v->lo) - zero,
                           (all ? type_highest(&v->type) : v->hi) - zero};
}

// Interval of x[i] * w[o][i] summed, weights constant: the positive and the negative weights pull
// to opposite ends. A partial sum may also leave any term out.
static struct interval weighted(const struct graph *g, const struct node *n, int64_t o) {
  struct interval x = seen(g, n, 0);
  const struct value *w = node_in(g, n, 1);
  int64_t in = w->shape[1], zero = type_zero(&w->type, o), up = 0, down = 0;
  if (node_attr(n, ATTR_slice)) x = join(x, (struct interval){0, 0});
  for (int64_t i = 0; i < in; i++) {
    int64_t v = tensor_int(w->init, o * in + i) - zero;
    if (v > 0)
      up += v;
    else
      down += v;
  }
  return (struct interval){x.lo * up + x.hi * down, x.hi * up + x.lo * down};
}

static struct interval linear_acc(const struct graph *g, const struct node *n, int64_t o) {
  const struct value *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  struct interval sum = w->init && !n->in[1].delay
                            ? weighted(g, n, o)
                            : scaled(times(seen(g, n, 0), seen(g, n, 1)), w->shape[1]);
  if (!b) return sum;
  if (!b->init || n->in[2].delay) return plus(sum, seen(g, n, 2));
  fix_wide bias = tensor_int(b->init, o);
  return plus(sum, (struct interval){bias, bias});
}

static struct interval pointwise_interval(const struct graph *g, const struct node *n, int64_t c) {
  struct pointwise p = pointwise_of(g, n);
  const struct value *x = node_in(g, n, 0);
  bool all = n->in[0].delay > 0;
  p.zero = type_zero(&x->type, c);
  return (struct interval){pointwise_acc(&p, all ? type_lowest(&x->type) : x->lo),
                           pointwise_acc(&p, all ? type_highest(&x->type) : x->hi)};
}

static struct interval join_acc(const struct graph *g, const struct node *n) {
  struct interval a = seen(g, n, 0), b = seen(g, n, 1);
  if (n->op == OP_mul) return times(a, b);
  a = scaled(a, n->rq[0].mul[0]);
  return plus(a, scaled(b, n->op == OP_sub ? -n->rq[1].mul[0] : n->rq[1].mul[0]));
}

// How many terms a reduction adds for one result.
static int64_t terms(const struct graph *g, const struct node *n) {
  struct space s;
  struct err e = {0};
  int64_t count = node_int(n, ATTR_frames, 0) ? FRAMES_MAX : 1;
  if (!space_of(g, n, &s, &e)) return count;
  for (int a = 0; a < s.axes; a++)
    if (s.reduced[a]) count *= s.size[a];
  return count;
}

struct interval interval_acc(const struct graph *g, const struct node *n, int64_t channel) {
  switch ((enum op_column)op_info(n->op)->column) {
  case COLUMN_LINEAR:
    return linear_acc(g, n, channel);
  case COLUMN_POINTWISE:
    return pointwise_interval(g, n, channel);
  case COLUMN_JOIN:
    return join_acc(g, n);
  case COLUMN_REDUCE:
    return scaled(seen(g, n, 0), terms(g, n));
  case COLUMN_MATMUL:
    return scaled(times(seen(g, n, 0), seen(g, n, 1)), terms(g, n));
  case COLUMN_SHAPE:
  case COLUMN_CLASSIFY:
  case COLUMN_CONCAT:
  case COLUMN_TRAINING:
  case COLUMN_GRADIENT:
  case COLUMN_STATE:
  case COLUMN_OPAQUE:
    break;
  }
  return (struct interval){0, 0};
}

// Channels whose accumulators differ: those of a linear layer or of per-channel types.
static int64_t channels(const struct graph *g, const struct node *n) {
  if (op_info(n->op)->column == COLUMN_LINEAR) return node_in(g, n, 1)->shape[0];
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  return x->type.axis >= 0 || y->type.axis >= 0 ? y->shape[y->rank - 1] : 1;
}

struct interval interval_node(const struct graph *g, const struct node *n) {
  struct interval all = interval_acc(g, n, 0);
  for (int64_t c = 1, count = channels(g, n); c < count; c++)
    all = join(all, interval_acc(g, n, c));
  return all;
}

int interval_bits(struct interval i) {
  int bits = 1;
  while (bits < 127 && (i.lo < -((fix_wide)1 << (bits - 1)) || i.hi >= (fix_wide)1 << (bits - 1)))
    bits++;
  return bits;
}

void interval_witness(const struct graph *g, const struct node *n, int64_t channel, bool high,
                      int64_t *x) {
  const struct value *v = node_in(g, n, 0), *w = node_in(g, n, 1);
  int64_t in = w->shape[1], zero = type_zero(&w->type, channel);
  for (int64_t i = 0; i < in; i++)
    x[i] = (tensor_int(w->init, channel * in + i) > zero) == high ? v->hi : v->lo;
}

// |acc * 2^max(31 - S, 0)| < 2^31 for every channel.
static bool fits_tflite(const struct graph *g, const struct node *n) {
  for (int64_t c = 0, count = channels(g, n); n->n_rq && c < count; c++) {
    const struct requant *rq = &n->rq[n->n_rq - 1];
    int left = 31 - rq->shift[rq->count > 1 ? c : 0];
    struct interval acc = interval_acc(g, n, c);
    if (left > 31 || interval_bits(acc) + (left > 0 ? left : 0) > 32) return false;
    if (left < 0 && left < -62) return false;
  }
  return true;
}

bool interval_check(const struct graph *g, const struct node *n, struct err *e) {
  struct arena a = {0};
  struct graph whole = *g; // the same graph with nothing proven
  whole.values = arena_copy(&a, g->values, g->n_values * sizeof *g->values);
  for (uint32_t i = 0; i < n->n_in; i++) {
    struct value *v = &whole.values[n->in[i].value];
    v->lo = type_lowest(&v->type);
    v->hi = type_highest(&v->type);
  }
  int bits = interval_bits(interval_node(&whole, n));
  bool two_step = n->rounding != FIX_TFLITE || fits_tflite(&whole, n);
  arena_free(&a);
  if (!two_step)
    return err_set(e, "rounding tflite needs accumulators below 2^31 / 2^(31 - shift)");
  int most = op_info(n->op)->slopes ? ACCUMULATOR_BITS_MAX + 33 : ACCUMULATOR_BITS_MAX;
  return bits <= most || err_set(e, "the accumulator needs %d bits, at most %d", bits, most);
}

// The output range of one channel: the requantisation is monotone unless it overflows by wrapping
// or to zero.
static struct interval landed(const struct requant *rq, struct interval acc,
                              const struct fix_target *t, int64_t c) {
  struct interval type = {fix_lowest(t->width, t->is_signed), fix_highest(t->width, t->is_signed)};
  if (t->bipolar) return (struct interval){acc.lo >= 0 ? 1 : -1, acc.hi >= 0 ? 1 : -1};
  if (!rq) return (struct interval){acc.lo + t->zero, acc.hi + t->zero};
  struct fix_target wide = *t;
  wide.overflow = FIX_SATURATE;
  int64_t mul = rq->mul[rq->count > 1 ? c : 0];
  int shift = rq->shift[rq->count > 1 ? c : 0];
  if (t->overflow == FIX_WRAP || t->overflow == FIX_TO_ZERO) {
    // One bit more than the type shows whether the ends fit.
    wide.width = t->width + 1;
    struct interval ends = {fix_requant(acc.lo, mul, shift, &wide),
                            fix_requant(acc.hi, mul, shift, &wide)};
    bool below = !t->is_signed && acc.lo < 0;
    return below || ends.lo < type.lo || ends.hi > type.hi ? type : ends;
  }
  wide.overflow = t->overflow;
  return (struct interval){fix_requant(acc.lo, mul, shift, &wide),
                           fix_requant(acc.hi, mul, shift, &wide)};
}

static struct interval requantised(const struct graph *g, const struct node *n) {
  const struct value *y = node_out(g, n, 0);
  bool joins = op_info(n->op)->column == COLUMN_JOIN && n->op != OP_mul;
  uint32_t slopes = op_info(n->op)->slopes;
  struct requant unit = {1, (const int64_t[]){1}, n->n_rq ? n->rq[0].shift : NULL};
  const struct requant *rq = joins ? &unit : n->n_rq > slopes ? &n->rq[slopes] : NULL;
  struct interval all = {0, 0};
  int64_t count = rq && rq->count > 1 ? rq->count : channels(g, n);
  for (int64_t c = 0; c < count; c++) {
    struct fix_target t = target_of(n, y, c);
    struct interval one = landed(rq, interval_acc(g, n, c), &t, c);
    all = c ? join(all, one) : one;
  }
  return all;
}

static struct interval looked_up(const struct graph *g, const struct node *n) {
  struct pointwise p = pointwise_of(g, n);
  struct interval x = seen(g, n, 0);
  int64_t lo = (int64_t)x.lo + p.zero, hi = (int64_t)x.hi + p.zero;
  int64_t first = pointwise_code(&p, lo);
  struct interval all = {first, first};
  for (int64_t i = lo + 1; i <= hi; i++) {
    int64_t y = pointwise_code(&p, i);
    all = join(all, (struct interval){y, y});
  }
  return all;
}

static struct interval joined_range(const struct graph *g, const struct node *n) {
  const struct type *t = &node_out(g, n, 0)->type;
  struct interval all = {type_lowest(t), type_highest(t)};
  struct fix_target to = target_of(n, node_out(g, n, 0), 0);
  for (uint32_t i = 0; i < n->n_in; i++) {
    struct interval one = {node_in(g, n, i)->lo, node_in(g, n, i)->hi};
    if (n->in[i].delay) return (struct interval){type_lowest(t), type_highest(t)};
    if (n->n_rq) one = landed(&n->rq[i], seen(g, n, i), &to, 0);
    all = i ? join(all, one) : one;
  }
  return all;
}

static struct interval output_range(const struct graph *g, const struct node *n, uint32_t out) {
  const struct value *y = node_out(g, n, out), *x = node_in(g, n, 0);
  struct interval type = {type_lowest(&y->type), type_highest(&y->type)};
  switch ((enum op_column)op_info(n->op)->column) {
  case COLUMN_SHAPE:
    return n->in[0].delay ? type : (struct interval){x->lo, x->hi};
  case COLUMN_CLASSIFY:
    if (n->op == OP_softmax) return type;
    if (out == 0) return (struct interval){0, x->shape[x->rank - 1] - 1};
    return n->in[0].delay ? type : (struct interval){x->lo, x->hi};
  case COLUMN_POINTWISE:
    return node_attr(n, ATTR_table) ? looked_up(g, n) : requantised(g, n);
  case COLUMN_LINEAR:
  case COLUMN_JOIN:
  case COLUMN_REDUCE:
  case COLUMN_MATMUL:
    return requantised(g, n);
  case COLUMN_CONCAT:
    return joined_range(g, n);
  case COLUMN_TRAINING:
  case COLUMN_GRADIENT:
  case COLUMN_STATE:
  case COLUMN_OPAQUE:
    break;
  }
  return type;
}

static void tensor_range(struct value *v) {
  v->lo = v->hi = tensor_int(v->init, 0);
  for (int64_t i = 1; i < v->init->count; i++) {
    int64_t x = tensor_int(v->init, i);
    v->lo = x < v->lo ? x : v->lo;
    v->hi = x > v->hi ? x : v->hi;
  }
}

void graph_ranges(struct graph *g) {
  struct arena a = {0};
  uint32_t *order = ARENA_NEW(&a, uint32_t, g->n_nodes);
  for (uint32_t i = 0; i < g->n_values; i++) {
    struct value *v = &g->values[i];
    if (!type_is_integer(&v->type)) continue;
    v->lo = type_lowest(&v->type);
    v->hi = type_highest(&v->type);
    if (v->init) tensor_range(v);
  }
  if (graph_order(g, order))
    for (uint32_t i = 0; i < g->n_nodes; i++) {
      const struct node *n = &g->nodes[order[i]];
      for (uint32_t o = 0; o < n->n_out; o++) {
        struct value *v = &g->values[n->out[o]];
        if (!type_is_integer(&v->type)) continue;
        struct interval r = output_range(g, n, o);
        v->lo = (int64_t)r.lo;
        v->hi = (int64_t)r.hi;
      }
    }
  arena_free(&a);
}
