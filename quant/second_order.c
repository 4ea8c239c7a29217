// SPDX-License-Identifier: Apache-2.0
#include "quant/second_order.h"

#include "sw/base/crew.h"

#include <math.h>
#include <string.h>

static const double damping = 0.01;

// ---- moments

struct moments moments_new(struct arena *a, int64_t taps) {
  return (struct moments){taps, 0, ARENA_NEW(a, double, taps), ARENA_NEW(a, double, taps *taps)};
}

struct adding {
  struct moments *m;
  int64_t rows;
  const double *x;
  int shares;
};

// to[j] += a x[j] + b x[j + taps] + .., four rows at once.
static void add_four(double *restrict to, const double *restrict x, int64_t taps, int64_t i) {
  const double *x1 = x + taps, *x2 = x1 + taps, *x3 = x2 + taps;
  double a = x[i], b = x1[i], c = x2[i], d = x3[i];
  if (a == 0 && b == 0 && c == 0 && d == 0) return;
  for (int64_t j = i; j < taps; j++) to[j] += a * x[j] + b * x1[j] + c * x2[j] + d * x3[j];
}

static void add_one(double *restrict to, const double *restrict x, int64_t taps, int64_t i) {
  if (x[i] == 0) return;
  for (int64_t j = i; j < taps; j++) to[j] += x[i] * x[j];
}

static void add_share(void *context, int share) {
  const struct adding *w = context;
  struct moments *m = w->m;
  for (int64_t r = 0; r < w->rows; r += 4)
    for (int64_t i = share; i < m->taps; i += w->shares) {
      double *to = m->square + i * m->taps;
      const double *x = w->x + r * m->taps;
      if (r + 4 <= w->rows)
        add_four(to, x, m->taps, i);
      else
        for (int64_t k = r; k < w->rows; k++) add_one(to, w->x + k * m->taps, m->taps, i);
    }
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

void moments_add(struct moments *m, int64_t rows, const double *x, int threads) {
  struct adding w = {m, rows, x, 1};
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < m->taps; i++) m->sum[i] += x[r * m->taps + i];
  run_shares(threads, add_share, &w, &w.shares);
  m->rows += rows;
}

// ---- the factor

// The damped mean of x x^T, upper.
static double *curvature(struct arena *a, const struct moments *m) {
  int64_t n = m->taps;
  double *h = ARENA_NEW(a, double, n *n), mean = 0;
  for (int64_t i = 0; i < n * n; i++) h[i] = m->square[i] / (double)m->rows;
  for (int64_t i = 0; i < n; i++) {
    if (h[i * n + i] == 0) h[i * n + i] = 1;
    mean += h[i * n + i] / (double)n;
  }
  for (int64_t i = 0; i < n; i++) h[i * n + i] += damping * mean;
  return h;
}

// H = R R^T with R upper, in place: column after column from the last.
static void reverse_cholesky(double *h, int64_t n) {
  double *column = NULL;
  struct arena a = {0};
  column = ARENA_NEW(&a, double, n);
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

double *second_order_factor(struct arena *a, const struct moments *m) {
  struct arena scratch = {0};
  double *h = curvature(&scratch, m);
  reverse_cholesky(h, m->taps);
  double *u = inverse(a, h, m->taps);
  arena_free(&scratch);
  return u;
}

// ---- codes

struct rounding {
  const double *factor;
  int64_t taps;
  const struct type *type;
  int64_t first, outs;
  const double *w;
  const bool *cut;
  int64_t *codes;
  int shares;
};

static void round_output(const struct rounding *r, int64_t o, double *w) {
  int64_t n = r->taps, *codes = r->codes + o * n;
  const bool *cut = r->cut ? r->cut + o * n : NULL;
  memcpy(w, r->w + o * n, (size_t)n * sizeof *w);
  for (int64_t i = 0; i < n; i++) {
    const double *row = r->factor + i * n;
    bool gone = cut && cut[i];
    codes[i] = gone ? type_from_integer(r->type, o, 0) : type_encode_channel(r->type, o, w[i]);
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

void second_order_codes(const double *factor, int64_t taps, const struct type *t, int64_t first,
                        int64_t outs, const double *w, const bool *cut, int64_t *codes,
                        int threads) {
  struct rounding r = {factor, taps, t, first, outs, w, cut, codes, 1};
  run_shares(outs > 1 ? threads : 1, round_share, &r, &r.shares);
}
