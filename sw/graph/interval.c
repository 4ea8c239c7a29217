// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/interval.h"

#include "sw/base/bits.h"
#include "sw/graph/column.h"
#include "sw/graph/pointwise.h"
#include "sw/graph/weights.h"

struct interval interval_join(struct interval a, struct interval b) {
  return (struct interval){a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

struct interval interval_plus(struct interval a, struct interval b) {
  return (struct interval){a.lo + b.lo, a.hi + b.hi};
}

struct interval interval_times(struct interval a, struct interval b) {
  fix_wide p[4] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
  struct interval r = {p[0], p[0]};
  for (int i = 1; i < 4; i++) r = interval_join(r, (struct interval){p[i], p[i]});
  return r;
}

struct interval interval_scaled(struct interval a, fix_wide by) {
  return interval_times(a, (struct interval){by, by});
}

struct interval interval_type(const struct type *t) {
  return (struct interval){type_lowest(t), type_highest(t)};
}

struct interval interval_codes(const struct graph *g, const struct node *n, enum known known,
                               uint32_t i) {
  const struct value *v = node_in(g, n, i);
  if (known == KNOWN_TYPES || n->in[i].delay) return interval_type(&v->type);
  return (struct interval){v->lo, v->hi};
}

struct interval interval_seen(const struct graph *g, const struct node *n, enum known known,
                              uint32_t i) {
  const struct type *t = &node_in(g, n, i)->type;
  struct interval codes = interval_codes(g, n, known, i);
  if (t->axis >= 0) return codes;
  return (struct interval){type_integer(t, 0, (int64_t)codes.lo),
                           type_integer(t, 0, (int64_t)codes.hi)};
}

// How many terms a reduction adds for one result.
int64_t interval_terms(const struct graph *g, const struct node *n) {
  struct space s;
  struct err e = {0};
  int64_t count = node_int(n, ATTR_frames, 0) ? FRAMES_MAX : 1;
  if (!space_of(g, n, &s, &e)) return count;
  for (int a = 0; a < s.axes; a++)
    if (s.reduced[a]) count *= s.size[a];
  return count;
}

// A slice numbers its channels anew; what it reads is numbered as it was.
static int64_t whole_channel(const struct graph *g, const struct node *n, int64_t channel) {
  struct space s;
  struct slice slice;
  struct err e = {0};
  if (!node_attr(n, ATTR_slice) || !space_of(g, n, &s, &e) || !slice_of(n, &s, &slice, &e) ||
      !s.out_rank || s.out_axis[s.out_rank - 1] != slice.axis)
    return channel;
  return slice_index(&slice, channel);
}

struct interval interval_acc(const struct graph *g, const struct node *n, enum known known,
                             int64_t channel) {
  const struct graph_column *c = graph_column(n->op);
  return c->acc ? c->acc(g, n, known, whole_channel(g, n, channel)) : (struct interval){0, 0};
}

double interval_scale(const struct graph *g, const struct node *n, int64_t channel) {
  const struct graph_column *c = graph_column(n->op);
  return c->acc_scale && n->n_rq ? c->acc_scale(g, n, whole_channel(g, n, channel)) : 0;
}

// Channels whose accumulators differ.
static int64_t channels(const struct graph *g, const struct node *n) {
  const struct graph_column *c = graph_column(n->op);
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  bool differ = c->channels_differ || x->type.axis >= 0 || y->type.axis >= 0;
  return differ ? y->shape[y->rank - 1] : 1;
}

struct interval interval_node(const struct graph *g, const struct node *n, enum known known) {
  struct interval all = interval_acc(g, n, known, 0);
  for (int64_t c = 1, count = channels(g, n); c < count; c++)
    all = interval_join(all, interval_acc(g, n, known, c));
  return all;
}

int interval_bits(struct interval i) {
  int lo = bits_signed(i.lo), hi = bits_signed(i.hi);
  return lo > hi ? lo : hi;
}

void interval_witness(const struct graph *g, const struct node *n, int64_t channel, bool high,
                      int64_t *x) {
  struct weights w = weights_of(node_in(g, n, 1));
  for (int64_t i = 0; i < w.taps; i++) x[i] = graph_column(n->op)->witness(g, n, channel, i, high);
}

bool interval_fits_tflite(struct interval acc, int shift) {
  int left = 31 - shift;
  return left <= 31 && left >= -62 && interval_bits(acc) + (left > 0 ? left : 0) <= 32;
}

// For every channel.
static bool fits_tflite(const struct graph *g, const struct node *n) {
  const struct requant *rq = n->n_rq ? &n->rq[n->n_rq - 1] : NULL;
  int64_t count = rq && rq->count > 1 ? rq->count : channels(g, n);
  for (int64_t c = 0; rq && c < count; c++)
    if (!interval_fits_tflite(interval_acc(g, n, KNOWN_TYPES, c), rq->shift[rq->count > 1 ? c : 0]))
      return false;
  return true;
}

bool check_accumulator(const struct graph *g, const struct node *n, struct err *e) {
  if (n->rounding == FIX_TFLITE && !fits_tflite(g, n))
    return err_set(e, "rounding tflite needs accumulators below 2^31 / 2^(31 - shift)");
  return check_accumulator_bits(g, n, e);
}

bool check_accumulator_bits(const struct graph *g, const struct node *n, struct err *e) {
  int bits = interval_bits(interval_node(g, n, KNOWN_TYPES));
  int most = op_info(n->op)->slopes ? ACCUMULATOR_BITS_MAX + 33 : ACCUMULATOR_BITS_MAX;
  return bits <= most ||
         err_set(e,
                 "the accumulator needs %d bits, at most %d: %d fewer in the input or "
                 "in the integers of the weights",
                 bits, most, bits - most);
}

// The output range of one channel: the requantisation is monotone unless it overflows by wrapping
// or to zero.
struct interval interval_landed(const struct requant *rq, struct interval acc,
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

struct interval interval_requantised(const struct graph *g, const struct node *n,
                                     const struct requant *rq) {
  const struct value *y = node_out(g, n, 0);
  struct interval all = {0, 0};
  int64_t count = rq && rq->count > 1 ? rq->count : channels(g, n);
  for (int64_t c = 0; c < count; c++) {
    struct fix_target t = target_of(n, y, c);
    struct interval one = interval_landed(rq, interval_acc(g, n, KNOWN_PROVEN, c), &t, c);
    all = c ? interval_join(all, one) : one;
  }
  return all;
}

static struct interval output_range(const struct graph *g, const struct node *n, uint32_t out) {
  const struct graph_column *c = graph_column(n->op);
  return c->range ? c->range(g, n, out) : interval_type(&node_out(g, n, out)->type);
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
