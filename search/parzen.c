// SPDX-License-Identifier: Apache-2.0
#include "search/parzen.h"

#include "sw/base/elementary.h"

#include <math.h>
#include <string.h>

#define ROOT_HALF 0.70710678118654752440
#define LOG_ROOT_2PI 0.91893853320467274178
#define NARROW 0.125 // of a deviation: a step whose integral is its middle's density
enum { PRODUCT_AXES = 64 };

// Observations that are equal share a kernel, so that a long study has few.
struct kernel {
  double mu, sigma;   // numbers, as param_into has them
  double log_inverse; // -log of the normal's share within the range
  int64_t choice;     // NONE_SEEN: the prior's
};
enum { NONE_SEEN = -1 };

struct axis {
  uint32_t param;
  const struct param *is;
  double low, high; // of the range, as param_range has it
  uint32_t n_kernels;
  struct kernel *kernels;
  uint32_t *kernel; // (n + 1) of each component, the prior last
};

struct parzen {
  const struct search_space *space;
  uint32_t n_axes, n; // n: components, the prior among them
  double extra;       // 1 / (observations + 1)
  struct axis *axes;  // (n_axes)
  double *weight;     // (n) adds up to 1
};

// ---- the normal

// Of the standard normal between two numbers of deviations, exact in both tails.
static double between(double a, double b) {
  if (a > 0) return 0.5 * (elementary_erfc(a * ROOT_HALF) - elementary_erfc(b * ROOT_HALF));
  if (b < 0) return 0.5 * (elementary_erfc(-b * ROOT_HALF) - elementary_erfc(-a * ROOT_HALF));
  return 1 - 0.5 * (elementary_erfc(-a * ROOT_HALF) + elementary_erfc(b * ROOT_HALF));
}

static void finish(struct kernel *k, double low, double high) {
  k->log_inverse = -elementary_log(between((low - k->mu) / k->sigma, (high - k->mu) / k->sigma));
}

// The number that a share `unit` of the kernel lies below: by bisection.
static double quantile(const struct kernel *k, double low, double high, double unit) {
  double all = between((low - k->mu) / k->sigma, (high - k->mu) / k->sigma), from = low, to = high;
  for (int i = 0; i < 52; i++) {
    double middle = 0.5 * (from + to);
    double below = between((low - k->mu) / k->sigma, (middle - k->mu) / k->sigma);
    *(below <= unit * all ? &from : &to) = middle;
  }
  return 0.5 * (from + to);
}

// ---- kernels from observations

struct sorted {
  uint64_t key;
  uint32_t index;
};

// Doubles in the order of unsigned integers.
static uint64_t key_of(double v) {
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

// Room for one axis after the other.
struct room {
  struct sorted *list, *other; // (n + 1)
  double *value, *mu;          // (n + 1)
  struct kernel *kernels;      // (n + 1)
};

// By radix, bytes that are the same in all are passed over; equal keys keep their order.
static struct sorted *sort(struct sorted *list, struct sorted *to, uint32_t n) {
  for (int shift = 0; shift < 64; shift += 8) {
    uint32_t count[257] = {0};
    for (uint32_t i = 0; i < n; i++) count[(list[i].key >> shift & 255) + 1]++;
    if (count[(list[0].key >> shift & 255) + 1] == n) continue;
    for (int i = 0; i < 256; i++) count[i + 1] += count[i];
    for (uint32_t i = 0; i < n; i++) to[count[list[i].key >> shift & 255]++] = list[i];
    struct sorted *swap = list;
    list = to;
    to = swap;
  }
  return list;
}

static double clip(double v, double low, double high) {
  return v < low ? low : v > high ? high : v;
}

// The deviation of place i among n numbers in order. The outermost look inwards only, unless they
// are alone.
static double deviation(const double *mu, uint32_t n, uint32_t i, double low, double high) {
  double left = mu[i] - (i ? mu[i - 1] : low), right = (i + 1 < n ? mu[i + 1] : high) - mu[i];
  if (n >= 2 && i == 0) return right;
  if (n >= 2 && i + 1 == n) return left;
  return left > right ? left : right;
}

static void add_kernel(struct axis *x, uint32_t of, struct kernel k) {
  struct kernel *last = x->n_kernels ? &x->kernels[x->n_kernels - 1] : NULL;
  // Of equal numbers those in the middle are alike, those at the ends may be wider.
  for (uint32_t back = 0; last && back < 3 && back < x->n_kernels; back++, last--)
    if (last->mu == k.mu && last->sigma == k.sigma) {
      x->kernel[of] = (uint32_t)(last - x->kernels);
      return;
    }
  finish(&k, x->low, x->high);
  x->kernel[of] = x->n_kernels;
  x->kernels[x->n_kernels++] = k;
}

static void number_kernels(struct arena *a, struct room *r, struct axis *x, uint32_t n,
                           const double *const *seen) {
  double range = x->high - x->low, least = range / (n + 2 < 100 ? n + 2 : 100);
  struct sorted *list = r->list;
  double *value = r->value, *mu = r->mu;
  x->kernels = r->kernels;
  for (uint32_t i = 0; i < n; i++) {
    value[i] = param_into(x->is, seen[i][x->param]);
    list[i] = (struct sorted){key_of(value[i]), i};
  }
  if (n) list = sort(list, r->other, n);
  for (uint32_t i = 0; i < n; i++) mu[i] = value[list[i].index];
  for (uint32_t i = 0; i < n; i++)
    add_kernel(x, list[i].index,
               (struct kernel){.mu = mu[i],
                               .sigma = clip(deviation(mu, n, i, x->low, x->high), least, range)});
  // The prior's is the last, whatever the others are.
  struct kernel *prior = &x->kernels[x->n_kernels];
  *prior = (struct kernel){.mu = 0.5 * (x->low + x->high), .sigma = range};
  finish(prior, x->low, x->high);
  x->kernel[n] = x->n_kernels++;
  x->kernels = arena_copy(a, x->kernels, x->n_kernels * sizeof *x->kernels);
}

static void choice_kernels(struct arena *a, struct axis *x, uint32_t n, const double *const *seen) {
  x->kernels = ARENA_NEW(a, struct kernel, x->is->n_choices + 1);
  for (uint32_t k = 0; k < x->is->n_choices; k++) x->kernels[k].choice = k;
  x->kernels[x->is->n_choices].choice = NONE_SEEN;
  x->n_kernels = x->is->n_choices + 1;
  for (uint32_t i = 0; i < n; i++) x->kernel[i] = (uint32_t)seen[i][x->param];
  x->kernel[n] = x->is->n_choices;
}

// Of a range of one number, whose probability is 1.
static void one_kernel(struct arena *a, struct axis *x) {
  x->n_kernels = 1;
  x->kernels = ARENA_NEW(a, struct kernel, 1);
}

// Of one axis all that have the same kernel are one component.
static void gather(struct arena *a, struct parzen *p) {
  struct axis *x = &p->axes[0];
  double *weight = ARENA_NEW(a, double, x->n_kernels);
  for (uint32_t i = 0; i < p->n; i++) weight[x->kernel[i]] += p->weight[i];
  p->weight = weight;
  p->n = x->n_kernels;
  x->kernel = ARENA_NEW(a, uint32_t, p->n);
  for (uint32_t k = 0; k < p->n; k++) x->kernel[k] = k;
}

struct parzen *parzen_new(struct arena *a, const struct search_space *space, uint32_t n_params,
                          const uint32_t *params, uint32_t n, const double *const *x,
                          const double *weight) {
  struct parzen *p = ARENA_NEW(a, struct parzen, 1);
  struct room r = {ARENA_NEW(a, struct sorted, n + 1), ARENA_NEW(a, struct sorted, n + 1),
                   ARENA_NEW(a, double, n + 1), ARENA_NEW(a, double, n + 1),
                   ARENA_NEW(a, struct kernel, n + 1)};
  double sum = 1;
  *p = (struct parzen){.space = space, .n_axes = n_params, .n = n + 1, .extra = 1.0 / (n + 1)};
  p->axes = ARENA_NEW(a, struct axis, n_params);
  p->weight = ARENA_NEW(a, double, n + 1);
  for (uint32_t i = 0; i < n; i++) sum += weight[i];
  for (uint32_t i = 0; i <= n; i++) p->weight[i] = (i < n ? weight[i] : 1) / sum;
  for (uint32_t k = 0; k < n_params; k++) {
    struct axis *to = &p->axes[k];
    *to = (struct axis){.param = params[k], .is = &space->params[params[k]].is};
    to->kernel = ARENA_NEW(a, uint32_t, n + 1);
    if (to->is->kind == PARAM_CHOICE) {
      choice_kernels(a, to, n, x);
      continue;
    }
    param_range(to->is, &to->low, &to->high);
    if (to->low < to->high)
      number_kernels(a, &r, to, n, x);
    else
      one_kernel(a, to);
  }
  if (n_params == 1) gather(a, p);
  return p;
}

// ---- sampling

// Chances of a seen choice and of each other one.
static void chances(const struct parzen *p, const struct axis *x, double *seen, double *other) {
  double all = 1 + p->extra * x->is->n_choices;
  *seen = (1 + p->extra) / all;
  *other = p->extra / all;
}

static double sample(const struct parzen *p, const struct axis *x, const struct kernel *k,
                     struct draw *d) {
  double unit = draw_unit(d), seen, other;
  if (x->is->kind != PARAM_CHOICE)
    return x->low < x->high ? param_back(x->is, quantile(k, x->low, x->high, unit)) : x->is->low;
  if (k->choice == NONE_SEEN) return floor(unit * x->is->n_choices);
  chances(p, x, &seen, &other);
  for (uint32_t i = 0; i < x->is->n_choices; i++) {
    unit -= i == k->choice ? seen : other;
    if (unit < 0) return i;
  }
  return (double)k->choice; // what rounding left over
}

void parzen_sample(const struct parzen *p, uint64_t seed, int64_t number, uint32_t count,
                   double *const *x) {
  // Of one parameter alone the components are its own draw.
  const char *name = p->n_axes == 1 ? p->axes[0].is->name : "";
  struct draw which = draw_new(~seed, number, name);
  for (uint32_t c = 0; c < count; c++) {
    double unit = draw_unit(&which);
    uint32_t from = 0;
    while (from + 1 < p->n && (unit -= p->weight[from]) >= 0) from++;
    for (uint32_t k = 0; k < p->n_axes; k++) {
      const struct axis *axis = &p->axes[k];
      struct draw d = draw_new(seed, number, axis->is->name);
      d.counter = c;
      x[c][axis->param] = sample(p, axis, &axis->kernels[axis->kernel[from]], &d);
    }
  }
}

// ---- scoring

static double log_choice(const struct parzen *p, const struct axis *x, const struct kernel *k,
                         double v) {
  double seen, other;
  if (k->choice == NONE_SEEN) return -elementary_log(x->is->n_choices);
  chances(p, x, &seen, &other);
  return elementary_log(v == (double)k->choice ? seen : other);
}

static double log_number(const struct axis *x, const struct kernel *k, double v) {
  double step = x->is->step, t = param_into(x->is, v), z = (t - k->mu) / k->sigma;
  double low = step > 0 ? param_into(x->is, v - step / 2) : t;
  double high = step > 0 ? param_into(x->is, v + step / 2) : t;
  double inside = (high - low) / k->sigma, log_of;
  if (inside > NARROW) {
    double share = between((low - k->mu) / k->sigma, (high - k->mu) / k->sigma);
    log_of = share > 0 ? elementary_log(share) : -0.5 * z * z;
  } else {
    log_of = -0.5 * z * z - LOG_ROOT_2PI + elementary_log(step > 0 ? inside : 1 / k->sigma);
  }
  return log_of + k->log_inverse;
}

// (n_kernels, count): the logarithms of the axis.
static double *table_of(struct arena *a, const struct parzen *p, const struct axis *x,
                        uint32_t count, double *const *points) {
  double *table = ARENA_NEW(a, double, (size_t)x->n_kernels *count);
  for (uint32_t k = 0; k < x->n_kernels; k++)
    for (uint32_t c = 0; c < count; c++) {
      double v = points[c][x->param];
      table[k * count + c] = x->is->kind == PARAM_CHOICE ? log_choice(p, x, &x->kernels[k], v)
                             : x->low < x->high          ? log_number(x, &x->kernels[k], v)
                                                         : 0;
    }
  return table;
}

// A component's logarithm is its weight's and one row of each axis's table.
void parzen_score_ref(struct arena *a, const struct parzen *p, uint32_t count, double *const *x,
                      double *log_density) {
  double *sum = ARENA_NEW(a, double, (size_t)p->n *count),
         **table = ARENA_NEW(a, double *, p->n_axes);
  for (uint32_t k = 0; k < p->n_axes; k++) table[k] = table_of(a, p, &p->axes[k], count, x);
  for (uint32_t c = 0; c < count; c++) {
    double most = -INFINITY, all = 0;
    for (uint32_t i = 0; i < p->n; i++) {
      double *to = &sum[(size_t)i * count + c];
      *to = p->weight[i] > 0 ? elementary_log(p->weight[i]) : -INFINITY;
      for (uint32_t k = 0; k < p->n_axes; k++) *to += table[k][p->axes[k].kernel[i] * count + c];
      most = *to > most ? *to : most;
    }
    for (uint32_t i = 0; i < p->n; i++) all += elementary_exp(sum[(size_t)i * count + c] - most);
    log_density[c] = most + elementary_log(all);
  }
}

// Relative to the prior's rows a component is a product without logarithms: an axis is at most 100
// ranges / 0.8 of it, so that PRODUCT_AXES don't overflow, and what underflows adds nothing to the
// prior's share.
void parzen_score(struct arena *a, const struct parzen *p, uint32_t count, double *const *x,
                  double *log_density) {
  double **table = ARENA_NEW(a, double *, p->n_axes), *all = ARENA_NEW(a, double, count),
         *product = ARENA_NEW(a, double, count);
  if (p->n_axes > PRODUCT_AXES) {
    parzen_score_ref(a, p, count, x, log_density);
    return;
  }
  for (uint32_t c = 0; c < count; c++) log_density[c] = 0;
  for (uint32_t k = 0; k < p->n_axes; k++) {
    const struct axis *axis = &p->axes[k];
    double *prior = ARENA_NEW(a, double, count);
    table[k] = table_of(a, p, axis, count, x);
    memcpy(prior, table[k] + (size_t)axis->kernel[p->n - 1] * count, count * sizeof *prior);
    for (uint32_t i = 0; i < axis->n_kernels * count; i++)
      table[k][i] = elementary_exp(table[k][i] - prior[i % count]);
    for (uint32_t c = 0; c < count; c++) log_density[c] += prior[c];
  }
  for (uint32_t i = 0; i < p->n; i++) {
    for (uint32_t c = 0; c < count; c++) product[c] = p->weight[i];
    for (uint32_t k = 0; k < p->n_axes; k++) {
      const double *row = table[k] + (size_t)p->axes[k].kernel[i] * count;
      for (uint32_t c = 0; c < count; c++) product[c] *= row[c];
    }
    for (uint32_t c = 0; c < count; c++) all[c] += product[c];
  }
  for (uint32_t c = 0; c < count; c++) log_density[c] += elementary_log(all[c]);
}
