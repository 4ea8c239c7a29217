// SPDX-License-Identifier: Apache-2.0
#include "quant/second_order.h"

#include "quant/quantize_blocks.h"
#include "sw/base/crew.h"

#include <math.h>
#include <string.h>

enum { SHARED_WORK = 1 << 26 }; // products that are worth a second thread

// ---- moments

struct moments moments_new(struct arena *a, int64_t taps) {
  return (struct moments){taps, 0, ARENA_NEW(a, double, taps), ARENA_NEW(a, double, taps *taps),
                          ARENA_NEW(a, double, taps *taps)};
}

struct adding {
  struct moments *m;
  int64_t rows;
  const double *x, *y;
  int shares;
};

// to[j] += y[0][i] x[0][j] + y[1][i] x[1][j] + .., of four rows, from column `from` on.
static void add_four(double *restrict to, const double *x, const double *y, int64_t taps, int64_t i,
                     int64_t from) {
  const double *x1 = x + taps, *x2 = x1 + taps, *x3 = x2 + taps;
  double a = y[i], b = y[taps + i], c = y[2 * taps + i], d = y[3 * taps + i];
  if (a == 0 && b == 0 && c == 0 && d == 0) return;
  for (int64_t j = from; j < taps; j++) to[j] += a * x[j] + b * x1[j] + c * x2[j] + d * x3[j];
}

static void add_one(double *restrict to, const double *x, double y, int64_t taps, int64_t from) {
  for (int64_t j = from; j < taps && y != 0; j++) to[j] += y * x[j];
}

static void add_row(struct moments *m, const double *x, const double *y, int64_t rows, int64_t i) {
  double *square = m->square + i * m->taps, *cross = m->cross + i * m->taps;
  if (rows >= 4) {
    add_four(square, x, x, m->taps, i, i);
    if (y) add_four(cross, x, y, m->taps, i, 0);
    return;
  }
  for (int64_t k = 0; k < rows * m->taps; k += m->taps) {
    add_one(square, x + k, x[k + i], m->taps, i);
    if (y) add_one(cross, x + k, y[k + i], m->taps, 0);
  }
}

static void add_share(void *context, int share) {
  const struct adding *w = context;
  struct moments *m = w->m;
  for (int64_t r = 0; r < w->rows; r += 4)
    for (int64_t i = share; i < m->taps; i += w->shares)
      add_row(m, w->x + r * m->taps, w->y ? w->y + r * m->taps : NULL, w->rows - r, i);
}

static void run_shares(int threads, void (*work)(void *context, int share), void *context,
                       int *shares) {
  struct arena a = {0};
  struct crew *crew = threads > 1 ? crew_new(&a, threads) : NULL;
  *shares = crew ? crew_threads(crew) : 1;
  if (crew)
    crew_run(crew, work, context);
  else
    work(context, 0);
  if (crew) crew_free(crew);
  arena_free(&a);
}

void moments_add(struct moments *m, int64_t rows, const double *x, const double *y, int threads) {
  struct adding w = {m, rows, x, y, 1};
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < m->taps; i++) m->sum[i] += x[r * m->taps + i];
  bool large = rows * m->taps * m->taps >= SHARED_WORK;
  run_shares(large ? threads : 1, add_share, &w, &w.shares);
  m->rows += rows;
}

// ---- the factor

// What is added to the mean square of input i.
static double damped_by(const struct moments *m, double damping, int64_t i) {
  double mean = 0;
  for (int64_t k = 0; k < m->taps; k++) mean += moments_mean_square(m, k) / (double)m->taps;
  return damping * mean + (moments_mean_square(m, i) == 0);
}

// The damped mean of x x^T, upper.
static double *curvature(struct arena *a, const struct moments *m, double damping) {
  int64_t n = m->taps;
  double *h = ARENA_NEW(a, double, n *n);
  for (int64_t i = 0; i < n * n; i++) h[i] = m->square[i] / (double)m->rows;
  for (int64_t i = 0; i < n; i++) h[i * n + i] += damped_by(m, damping, i);
  return h;
}

// H = R R^T with R upper, in place: column after column from the last.
static void reverse_cholesky(double *h, int64_t n) {
  struct arena a = {0};
  double *column = ARENA_NEW(&a, double, n);
  for (int64_t k = n - 1; k >= 0; k--) {
    double root = sqrt(h[k * n + k]);
    for (int64_t i = 0; i < k; i++) column[i] = h[i * n + k] /= root;
    h[k * n + k] = root;
    for (int64_t i = 0; i < k; i++) {
      double c = column[i], *row = h + i * n;
      if (c == 0) continue;
      for (int64_t j = i; j < k; j++) row[j] -= c * column[j];
    }
  }
  arena_free(&a);
}

// U = R^-1, upper: row i of U is (e_i - the sum over k > i of R_ik U_k) / R_ii.
static double *inverse(struct arena *a, const double *r, int64_t n) {
  double *u = ARENA_NEW(a, double, n *n);
  for (int64_t i = n - 1; i >= 0; i--) {
    double *row = u + i * n;
    for (int64_t k = i + 1; k < n; k++) {
      double c = r[i * n + k];
      const double *below = u + k * n;
      if (c == 0) continue;
      for (int64_t j = k; j < n; j++) row[j] -= c * below[j];
    }
    row[i] = 1;
    for (int64_t j = i; j < n; j++) row[j] /= r[i * n + i];
  }
  return u;
}

double *second_order_factor(struct arena *a, const struct moments *m, double damping) {
  struct arena scratch = {0};
  double *h = curvature(&scratch, m, damping);
  reverse_cholesky(h, m->taps);
  double *u = inverse(a, h, m->taps);
  arena_free(&scratch);
  return u;
}

// ---- weights for integers

// w C for one output, with the damping that keeps w where both inputs are the same.
static void times_cross(const struct moments *m, double scale, const double *damp, const double *w,
                        double *to) {
  int64_t n = m->taps;
  for (int64_t j = 0; j < n; j++) to[j] = w[j] * scale * damp[j];
  for (int64_t i = 0; i < n; i++) {
    const double *row = m->cross + i * n;
    double c = w[i] / (double)m->rows;
    for (int64_t j = 0; c != 0 && j < n; j++) to[j] += c * row[j];
  }
}

// v H^-1 = v U^T U.
static void times_inverse(const double *u, int64_t n, const double *v, double *between,
                          double *to) {
  for (int64_t i = 0; i < n; i++) {
    between[i] = 0;
    for (int64_t j = i; j < n; j++) between[i] += u[i * n + j] * v[j];
  }
  for (int64_t j = 0; j < n; j++) to[j] = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i; j < n; j++) to[j] += between[i] * u[i * n + j];
}

void second_order_fit(const struct moments *m, double scale, int64_t outs, double *w) {
  struct arena a = {0};
  int64_t n = m->taps;
  double damping = 0.01 + (double)n / (double)m->rows;
  const double *factor = second_order_factor(&a, m, damping);
  double *v = ARENA_NEW(&a, double, n), *between = ARENA_NEW(&a, double, n),
         *damp = ARENA_NEW(&a, double, n);
  for (int64_t i = 0; i < n; i++) damp[i] = damped_by(m, damping, i);
  for (int64_t o = 0; o < outs; o++) {
    times_cross(m, scale, damp, w + o * n, v);
    times_inverse(factor, n, v, between, w + o * n);
    for (int64_t i = 0; i < n; i++) w[o * n + i] /= scale;
  }
  arena_free(&a);
}

// ---- codes

struct rounding {
  const double *factor;
  int64_t taps;
  const struct type *type;
  const int8_t *exponents; // of blocks; NULL
  int64_t first, outs;
  const double *w;
  const bool *cut;
  int64_t *codes;
  int shares;
};

static int64_t nearest(const struct rounding *r, int64_t o, int64_t i, double v) {
  if (!r->exponents) return type_encode_channel(r->type, o, v);
  int64_t at = o * block_count(&r->type->block, r->taps) + i / r->type->block.size;
  return quantize_in_block(r->type, r->exponents[at], v);
}

static void round_output(const struct rounding *r, int64_t o, double *w) {
  int64_t n = r->taps, *codes = r->codes + o * n;
  const bool *cut = r->cut ? r->cut + o * n : NULL;
  memcpy(w, r->w + o * n, (size_t)n * sizeof *w);
  for (int64_t i = 0; i < n; i++) {
    const double *row = r->factor + i * n;
    bool gone = cut && cut[i];
    codes[i] = gone ? type_from_integer(r->type, o, 0) : nearest(r, o, i, w[i]);
    double error = (w[i] - (gone ? 0 : type_value(r->type, o, codes[i]))) / row[i];
    if (error == 0) continue;
    for (int64_t j = i + 1; j < n; j++) w[j] -= error * row[j];
  }
}

static void round_share(void *context, int share) {
  const struct rounding *r = context;
  struct arena a = {0};
  double *w = ARENA_NEW(&a, double, r->taps);
  for (int64_t o = r->first + share; o < r->first + r->outs; o += r->shares) round_output(r, o, w);
  arena_free(&a);
}

void second_order_codes(const double *factor, int64_t taps, const struct type *t,
                        const int8_t *exponents, int64_t first, int64_t outs, const double *w,
                        const bool *cut, int64_t *codes, int threads) {
  struct rounding r = {factor, taps, t, exponents, first, outs, w, cut, codes, 1};
  bool large = outs * taps * taps >= SHARED_WORK;
  run_shares(large ? threads : 1, round_share, &r, &r.shares);
}
