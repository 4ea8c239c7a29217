// SPDX-License-Identifier: Apache-2.0
// max_pool, avg_pool: the largest, or the average, of each channel over a window; without `kernel`
// over the image. An average on integers has one requantisation where input and output scales are
// a power of two apart, M = 1, and divides exactly; otherwise one for each count that occurs.
#include "sw/graph/column.h"
#include "sw/graph/pointwise.h"
#include "sw/graph/pool.h"

#include <stdlib.h>

bool pool_of(const struct graph *g, const struct node *n, struct pool_window *p, struct err *e) {
  *p = (struct pool_window){.count_pad = node_int(n, ATTR_count_pad, 0) != 0};
  if (!window_of_image(g, n, &p->window, e)) return false;
  for (int axis = 0; axis < WINDOW_AXES; axis++)
    for (int64_t o = 0; o < p->window.out[axis]; o++)
      if (!window_taps(&p->window, axis, o))
        return err_set(e, "the window of output %s %lld lies in the padding",
                       axis == ROWS ? "row" : "column", (long long)o);
  return true;
}

static int64_t along(const struct pool_window *p, int axis, int64_t o) {
  const struct window *w = &p->window;
  if (!p->count_pad) return window_taps(w, axis, o);
  return window_between(w, axis, o, -w->before[axis], w->in[axis] + w->after[axis]);
}

int64_t pool_count(const struct pool_window *p, int64_t row, int64_t column) {
  return along(p, ROWS, row) * along(p, COLUMNS, column);
}

static int by_size(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

static int64_t unique(int64_t *list, int64_t n) {
  int64_t kept = 0;
  qsort(list, (size_t)n, sizeof *list, by_size);
  for (int64_t i = 0; i < n; i++)
    if (!kept || list[kept - 1] != list[i]) list[kept++] = list[i];
  return kept;
}

int64_t *pool_counts(struct arena *a, const struct pool_window *p, int64_t *n) {
  int64_t *own[WINDOW_AXES], counts[WINDOW_AXES];
  for (int axis = 0; axis < WINDOW_AXES; axis++) {
    own[axis] = ARENA_NEW(a, int64_t, p->window.out[axis]);
    for (int64_t o = 0; o < p->window.out[axis]; o++) own[axis][o] = along(p, axis, o);
    counts[axis] = unique(own[axis], p->window.out[axis]);
  }
  int64_t *all = ARENA_NEW(a, int64_t, counts[ROWS] * counts[COLUMNS]);
  for (int64_t i = 0; i < counts[ROWS]; i++)
    for (int64_t k = 0; k < counts[COLUMNS]; k++)
      all[i * counts[COLUMNS] + k] = own[ROWS][i] * own[COLUMNS][k];
  *n = unique(all, counts[ROWS] * counts[COLUMNS]);
  return all;
}

fix_wide pool_average(fix_wide sum, int64_t count, int shift, enum fix_rounding mode) {
  fix_wide num = shift < 0 ? fix_shift_left(sum, -shift) : sum;
  fix_wide den = shift < 0 ? count : (fix_wide)count << shift;
  fix_wide q = num / den - (num % den < 0), rest = num - q * den;
  return q + fix_increment(mode, num < 0, q & 1, 2 * rest >= den, 2 * rest != 0 && 2 * rest != den);
}

void pool_mean_scale(int64_t count, int64_t *mul, int32_t *shift) {
  int k = 0;
  while (k < 32 && count >> (k + 1)) k++;
  if (k > 62 - *shift) k = 62 - *shift;
  if (k < 0) return;
  *mul = (*mul << k) / count;
  *shift += k;
}

// ---- graph

static bool pool_space(const struct graph *g, const struct node *n, struct space *s,
                       struct err *e) {
  struct pool_window p;
  if (!pool_of(g, n, &p, e)) return false;
  space_window(s, &p.window, p.window.channels);
  space_term(s, 0, p.window.axes, p.window.axes, 1);
  return true;
}

bool pool_of_codes(const struct node *n) {
  return n->op == OP_avg_pool && n->rounding == FIX_TFLITE && n->n_rq == 1 && n->rq[0].mul[0] == 1;
}

// Codes of one type, of which those inside the image count; or one count and its requantisation.
static bool tflite_average(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (!pool_of_codes(n))
    return n->n_rq == 1 ||
           err_set(e, "rounding tflite isn't defined for windows of several counts");
  if (n->rq[0].shift[0] != 0 || node_int(n, ATTR_count_pad, 0))
    return err_set(e,
                   "rounding tflite averages codes inside the image: shift %d, expected 0, and no "
                   "count_pad",
                   n->rq[0].shift[0]);
  return type_equal(&x->type, &y->type) || check_wrong(e, "output", y, "the type of the input");
}

static bool average_types(const struct graph *g, const struct node *n, struct err *e) {
  struct arena a = {0};
  struct pool_window p;
  int64_t counts;
  if (type_is_bipolar(&node_out(g, n, 0)->type))
    return err_set(e, "an average has no bipolar output");
  if (type_is_minifloat(&node_out(g, n, 0)->type))
    return check_wrong(e, "output", node_out(g, n, 0),
                       "a fixed type: an average isn't a minifloat");
  if (!pool_of(g, n, &p, e)) return false;
  pool_counts(&a, &p, &counts);
  arena_free(&a);
  bool exact = n->n_rq == 1 && n->rq[0].count == 1 && n->rq[0].mul[0] == 1;
  if (exact && (n->rq[0].shift[0] < -32 || n->rq[0].shift[0] > 62))
    return err_set(e, "requant: shift %d, expected -32 to 62", n->rq[0].shift[0]);
  if (!exact && n->n_rq != counts)
    return err_set(e, "%u requantisations, expected one for each of %lld counts", n->n_rq,
                   (long long)counts);
  for (uint32_t i = 0; i < n->n_rq; i++)
    if (n->rq[i].count != 1)
      return err_set(e, "requant: %lld entries, an average has 1", (long long)n->rq[i].count);
  if (!check_requants(g, n, 1, n->n_rq, e)) return false;
  if (n->rounding == FIX_TFLITE && !tflite_average(g, n, e)) return false;
  return pool_of_codes(n) ? check_accumulator_bits(g, n, e) : check_accumulator(g, n, e);
}

static bool pool_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (!check_summable(x, e) || !check_stream(y, e) || !check_whole_windows(g, n, e)) return false;
  if (n->op == OP_avg_pool)
    return check_padding(x, n, e) && check_one_scale(y, e) && average_types(g, n, e);
  return check_requants(g, n, !type_equal(&x->type, &y->type), 1, e) && check_accumulator(g, n, e);
}

// The largest, minus its zero; or the sum over a window, of which some may be padding.
static struct interval pool_acc(const struct graph *g, const struct node *n, enum known known,
                                int64_t channel) {
  struct interval x =
      pool_of_codes(n) ? interval_codes(g, n, known, 0) : interval_seen(g, n, known, 0);
  (void)channel;
  if (n->op == OP_max_pool) return x;
  return interval_scaled(interval_join(x, (struct interval){0, 0}), interval_terms(g, n));
}

static double pool_scale(const struct graph *g, const struct node *n, int64_t channel) {
  (void)channel;
  return n->op == OP_max_pool ? type_scale(&node_in(g, n, 0)->type, 0) : 0;
}

// Codes stay between the least and the largest, of which overflow symmetric has no lowest.
static struct interval codes_range(const struct graph *g, const struct node *n,
                                   const struct fix_target *t) {
  struct interval x = interval_codes(g, n, KNOWN_PROVEN, 0);
  return (struct interval){fix_overflow(x.lo, t->width, t->is_signed, t->zero, t->overflow),
                           fix_overflow(x.hi, t->width, t->is_signed, t->zero, t->overflow)};
}

// An average lies between the least and the largest element, and 0 where padding counts.
static struct interval average_range(const struct graph *g, const struct node *n) {
  const struct value *y = node_out(g, n, 0);
  struct interval x = interval_seen(g, n, KNOWN_PROVEN, 0), all = {0, 0};
  struct fix_target t = target_of(n, y, 0);
  if (pool_of_codes(n)) return codes_range(g, n, &t);
  if (node_int(n, ATTR_count_pad, 0)) x = interval_join(x, (struct interval){0, 0});
  if (n->overflow == FIX_WRAP || n->overflow == FIX_TO_ZERO) return interval_type(&y->type);
  struct arena a = {0};
  struct pool_window p;
  struct err e = {0};
  int64_t counts = 0, *count = pool_of(g, n, &p, &e) ? pool_counts(&a, &p, &counts) : NULL;
  for (int64_t i = 0; i < counts; i++) {
    struct interval sum = interval_scaled(x, count[i]), one = {0, 0};
    struct requant unit = {1, (const int64_t[]){1}, (const int32_t[]){0}};
    if (n->rq[0].mul[0] == 1) {
      sum.lo = pool_average(sum.lo, count[i], n->rq[0].shift[0], n->rounding);
      sum.hi = pool_average(sum.hi, count[i], n->rq[0].shift[0], n->rounding);
      one = interval_landed(&unit, sum, &t, 0);
    } else {
      one = interval_landed(&n->rq[i], sum, &t, 0);
    }
    all = i ? interval_join(all, one) : one;
  }
  arena_free(&a);
  return all;
}

static struct interval pool_range(const struct graph *g, const struct node *n, uint32_t out) {
  (void)out;
  if (n->op == OP_avg_pool) return average_range(g, n);
  if (!n->n_rq) return (struct interval){node_in(g, n, 0)->lo, node_in(g, n, 0)->hi};
  return interval_requantised(g, n, &n->rq[0]);
}

const struct graph_column column_pool = {.space = pool_space,
                                         .types = pool_types,
                                         .real_types = check_whole_windows,
                                         .acc = pool_acc,
                                         .acc_scale = pool_scale,
                                         .range = pool_range};
