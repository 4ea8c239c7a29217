// SPDX-License-Identifier: Apache-2.0
// add, sub and mul; shapes broadcast as NumPy's.
#include "sw/graph/column.h"
#include "sw/graph/join.h"

#include <math.h>

enum { ADDENDS = 2 };

bool join_rescales(const struct node *n) {
  return n->op != OP_mul && n->rounding == FIX_TFLITE;
}

bool join_commutes(const struct node *n) {
  return n->op != OP_sub;
}

uint32_t join_requants(const struct node *n) {
  return n->op == OP_mul ? 1 : join_rescales(n) ? ADDENDS + 1 : ADDENDS;
}

// One addend at the common scale.
static fix_wide addend(const struct node *n, uint32_t k, int64_t v) {
  int64_t mul = n->rq[k].mul[0];
  if (!join_rescales(n)) return (fix_wide)v * mul;
  return fix_round_tflite(v * ((int64_t)1 << JOIN_TFLITE_BITS), mul, n->rq[k].shift[0]);
}

fix_wide join_acc_of(const struct node *n, int64_t a, int64_t b) {
  if (n->op == OP_mul) return (fix_wide)a * b;
  fix_wide left = addend(n, 0, a), right = addend(n, 1, b);
  return n->op == OP_sub ? left - right : left + right;
}

struct requant join_last(const struct node *n) {
  static const int64_t one = 1;
  if (n->op == OP_mul || join_rescales(n)) return n->rq[n->n_rq - 1];
  return (struct requant){1, &one, n->rq[0].shift};
}

// ---- graph

// |x * 2^20 * 2^max(31 - S, 0)| < 2^31 for both.
static bool addends_fit(const struct graph *g, const struct node *n, struct err *e) {
  for (uint32_t k = 0; join_rescales(n) && k < ADDENDS; k++) {
    struct interval x = interval_seen(g, n, KNOWN_TYPES, k);
    x = interval_scaled(x, (fix_wide)1 << JOIN_TFLITE_BITS);
    if (!interval_fits_tflite(x, n->rq[k].shift[0]))
      return err_set(e, "rounding tflite needs inputs below 2^11 / 2^(31 - shift)");
  }
  return true;
}

static bool join_types(const struct graph *g, const struct node *n, struct err *e) {
  if (!check_summable(node_in(g, n, 0), e) || !check_summable(node_in(g, n, 1), e)) return false;
  uint32_t count = join_requants(n);
  if (!check_stream(node_out(g, n, 0), e) || !check_one_scale(node_out(g, n, 0), e) ||
      !check_requants(g, n, count, count, e))
    return false;
  for (uint32_t i = 0; i < n->n_rq; i++) {
    bool shares = join_rescales(n) || n->rq[i].shift[0] == n->rq[0].shift[0];
    if (n->rq[i].count != 1 || !shares)
      return err_set(e, "requant: the inputs of %s share one shift", op_info(n->op)->name);
  }
  return addends_fit(g, n, e) && check_accumulator(g, n, e);
}

// Each addend rises with its input.
static struct interval join_acc(const struct graph *g, const struct node *n, enum known known,
                                int64_t channel) {
  (void)channel;
  struct interval a = interval_seen(g, n, known, 0), b = interval_seen(g, n, known, 1);
  if (n->op == OP_mul) return interval_times(a, b);
  a = (struct interval){addend(n, 0, (int64_t)a.lo), addend(n, 0, (int64_t)a.hi)};
  b = (struct interval){addend(n, 1, (int64_t)b.lo), addend(n, 1, (int64_t)b.hi)};
  return interval_plus(a, n->op == OP_sub ? interval_scaled(b, -1) : b);
}

// Addends that were rounded are no node's accumulator.
static double join_scale(const struct graph *g, const struct node *n, int64_t channel) {
  (void)channel;
  if (join_rescales(n)) return 0;
  if (n->op == OP_mul)
    return type_scale(&node_in(g, n, 0)->type, 0) * type_scale(&node_in(g, n, 1)->type, 0);
  return ldexp(type_scale(&node_out(g, n, 0)->type, 0), -n->rq[0].shift[0]);
}

static struct interval join_range(const struct graph *g, const struct node *n, uint32_t out) {
  struct requant last = join_last(n);
  (void)out;
  return interval_requantised(g, n, &last);
}

const struct graph_column column_join = {.space = space_elements,
                                         .types = join_types,
                                         .acc = join_acc,
                                         .acc_scale = join_scale,
                                         .range = join_range};
