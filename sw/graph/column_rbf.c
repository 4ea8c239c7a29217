// SPDX-License-Identifier: Apache-2.0
// rbf: y[o] = sum over i of (x[i] - w[o][i])^2.
#include "sw/graph/column.h"
#include "sw/graph/rbf.h"
#include "sw/graph/weights.h"

#include <math.h>

bool rbf_of(const struct type *x, const struct type *w, struct rbf *r) {
  int up_x, up_w;
  if (frexp(type_scale(x, 0), &up_x) != frexp(type_scale(w, 0), &up_w)) return false;
  int up = up_x - up_w;
  *r = (struct rbf){.up_x = up > 0 ? up : 0,
                    .up_w = up < 0 ? -up : 0,
                    .scale = fmin(type_scale(x, 0), type_scale(w, 0))};
  return r->up_x <= RBF_SHIFT_MAX && r->up_w <= RBF_SHIFT_MAX;
}

static bool rbf_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1);
  struct rbf r;
  if (!check_summable(x, e)) return false;
  if (type_width(&x->type) > STREAM_BITS_MAX)
    return check_wrong(e, "input", x, "integers of at most 32 bits");
  if (!type_is_integer(&w->type) || type_is_coded(&w->type) || w->type.axis >= 0 ||
      type_width(&w->type) > STREAM_BITS_MAX)
    return check_wrong(e, "weight", w,
                       "fixed, of at most 32 bits, or of signs, with one scale per tensor");
  if (!rbf_of(&x->type, &w->type, &r))
    return err_set(e,
                   "weight \"%s\": scale %.9g, expected a power of two from 2^-%d to 2^%d times "
                   "that of the input, %.9g",
                   w->name, type_scale(&w->type, 0), RBF_SHIFT_MAX, RBF_SHIFT_MAX,
                   type_scale(&x->type, 0));
  return check_stream(node_out(g, n, 0), e) && check_requants(g, n, 1, 1, e) &&
         check_accumulator(g, n, e);
}

// ---- ranges

// An integer of the input and what its square is.
struct end {
  fix_wide x, square;
};

static void choose(const struct rbf *r, fix_wide x, fix_wide w, bool high, struct end *best) {
  fix_wide square = rbf_square(r, x, w);
  if (high ? square > best->square : square < best->square) *best = (struct end){x, square};
}

// The farthest from w is an end of the range, the nearest one beside w, if the type has it.
static struct end end_of(const struct rbf *r, const struct type *t, struct interval x, fix_wide w,
                         bool high) {
  struct end best = {x.lo, rbf_square(r, x.lo, w)};
  fix_wide below = w * ((fix_wide)1 << r->up_w) >> r->up_x;
  choose(r, x.hi, w, high, &best);
  for (fix_wide at = below; at <= below + 1 && !type_is_bipolar(t); at++)
    if (at > x.lo && at < x.hi) choose(r, at, w, high, &best);
  return best;
}

// Weights that aren't constant may be any of their range.
static struct interval of_ranges(const struct rbf *r, struct interval x, struct interval w,
                                 int64_t taps) {
  fix_wide most = 0;
  for (int k = 0; k < 4; k++) {
    fix_wide square = rbf_square(r, k & 1 ? x.hi : x.lo, k & 2 ? w.hi : w.lo);
    most = square > most ? square : most;
  }
  return (struct interval){0, most * taps};
}

static struct interval rbf_acc(const struct graph *g, const struct node *n, enum known known,
                               int64_t o) {
  const struct value *w = node_in(g, n, 1);
  const struct type *x_type = &node_in(g, n, 0)->type;
  struct interval x = interval_seen(g, n, known, 0), all = {0, 0};
  struct weights weights = weights_of(w);
  struct rbf r;
  if (!rbf_of(x_type, &w->type, &r)) return all;
  if (!w->init || n->in[1].delay)
    return of_ranges(&r, x, interval_seen(g, n, known, 1), weights.taps);
  for (int64_t i = 0; i < weights.taps; i++) {
    fix_wide v = weight_of(&weights, o, i);
    all.lo += end_of(&r, x_type, x, v, false).square;
    all.hi += end_of(&r, x_type, x, v, true).square;
  }
  if (node_is_partial(g, n)) all.lo = 0; // a part of the sum leaves terms out
  return all;
}

static int64_t rbf_witness(const struct graph *g, const struct node *n, int64_t o, int64_t tap,
                           bool high) {
  const struct value *w = node_in(g, n, 1);
  const struct type *t = &node_in(g, n, 0)->type;
  struct weights weights = weights_of(w);
  struct rbf r;
  if (!rbf_of(t, &w->type, &r)) return node_in(g, n, 0)->lo;
  struct interval x = interval_seen(g, n, KNOWN_PROVEN, 0);
  struct end end = end_of(&r, t, x, weight_of(&weights, o, tap), high);
  return type_from_integer(t, 0, (int64_t)end.x);
}

static double rbf_scale(const struct graph *g, const struct node *n, int64_t o) {
  struct rbf r;
  (void)o;
  return rbf_of(&node_in(g, n, 0)->type, &node_in(g, n, 1)->type, &r) ? r.scale * r.scale : 0;
}

const struct graph_column column_rbf = {.space = space_matrix,
                                        .multiplies = true,
                                        .types = rbf_types,
                                        .acc = rbf_acc,
                                        .acc_scale = rbf_scale,
                                        .channels_differ = true,
                                        .witness = rbf_witness,
                                        .range = weighted_range};
