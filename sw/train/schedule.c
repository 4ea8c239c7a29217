// SPDX-License-Identifier: Apache-2.0
#include "sw/train/schedule.h"

#include <math.h>
#include <mpfr.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 1 << 16 };

static float *table(struct arena *a, struct optimizer *o, int64_t count, int64_t every) {
  float *rates = ARENA_NEW(a, float, count);
  o->rates = rates;
  o->n_rates = count;
  o->every = every;
  return rates;
}

static bool step(struct arena *a, const char *words, double rate, int64_t epochs, int64_t steps,
                 struct optimizer *o) {
  char *end;
  long long period = strtoll(words, &end, 10);
  if (end == words || *end != ':' || period < 1) return false;
  const char *factor_text = end + 1;
  double factor = strtod(factor_text, &end);
  if (end == factor_text || *end || !(factor > 0) || !isfinite(factor)) return false;
  int64_t count = (epochs + period - 1) / period;
  float *rates = table(a, o, count, period * steps);
  for (int64_t i = 0; i < count; i++, rate *= factor) rates[i] = (float)rate;
  return true;
}

// (1 + cos(pi i / n)) / 2, correctly rounded.
static double half_cosine(int64_t i, int64_t n) {
  mpfr_t x;
  mpfr_init2(x, 128);
  mpfr_const_pi(x, MPFR_RNDN);
  mpfr_mul_si(x, x, (long)i, MPFR_RNDN);
  mpfr_div_si(x, x, (long)n, MPFR_RNDN);
  mpfr_cos(x, x, MPFR_RNDN);
  mpfr_add_ui(x, x, 1, MPFR_RNDN);
  double y = mpfr_get_d(x, MPFR_RNDN) / 2;
  mpfr_clear(x);
  return y;
}

static bool cosine(struct arena *a, const char *words, double rate, int64_t total,
                   struct optimizer *o) {
  char *end = NULL;
  double floor = words ? strtod(words, &end) : 0;
  if (words && (end == words || *end || !(floor >= 0 && floor <= 1))) return false;
  int64_t every = (total + ENTRIES_MAX - 1) / ENTRIES_MAX, count = (total + every - 1) / every;
  float *rates = table(a, o, count, every);
  for (int64_t i = 0; i < count; i++)
    rates[i] = (float)(rate * (floor + (1 - floor) * half_cosine(i * every, total)));
  return true;
}

static bool list(struct arena *a, const char *words, int64_t steps, struct optimizer *o) {
  int64_t count = 1;
  for (const char *p = words; *p; p++) count += *p == ',';
  float *rates = table(a, o, count, steps);
  for (int64_t i = 0; i < count; i++) {
    char *end;
    double r = strtod(words, &end);
    if (end == words || *end != (i + 1 < count ? ',' : 0) || !(r > 0) || !isfinite(r)) return false;
    rates[i] = (float)r;
    words = end + 1;
  }
  return true;
}

bool schedule_set(struct arena *a, const char *words, double rate, int64_t epochs, int64_t steps,
                  struct optimizer *o, struct err *e) {
  bool ok;
  if (strcmp(words, "constant") == 0) {
    *table(a, o, 1, 1) = (float)rate;
    ok = true;
  } else if (strncmp(words, "step:", 5) == 0) {
    ok = step(a, words + 5, rate, epochs, steps, o);
  } else if (strcmp(words, "cosine") == 0 || strncmp(words, "cosine:", 7) == 0) {
    ok = cosine(a, words[6] ? words + 7 : NULL, rate, epochs * steps, o);
  } else {
    ok = list(a, words, steps, o);
  }
  return ok || err_set(e,
                       "--schedule %s: expected constant, step:EPOCHS:FACTOR, cosine[:END] or "
                       "rates above 0 with commas between",
                       words);
}
