// SPDX-License-Identifier: Apache-2.0
// Trials that aren't worth going on with.
#include "search/study.h"

#include <math.h>
#include <stdlib.h>

enum { HALF_OF = 5 };

static int by_value(const void *x, const void *y) {
  double p = *(const double *)x, q = *(const double *)y;
  return p < q ? -1 : p > q;
}

// Values of other trials after a step, all of them or the complete ones, sorted; smaller is better.
static uint32_t others(struct study *s, int64_t id, int64_t step, bool complete, double *values) {
  const struct journal_study *of = &s->journal.studies[s->id];
  uint32_t n = 0;
  for (uint32_t i = 0; i < of->n_trials; i++) {
    const struct trial *t = &s->journal.trials[of->trials[i]];
    if (t->id == id || (complete && t->state != TRIAL_COMPLETE)) continue;
    for (uint32_t k = 0; k < t->n_reports; k++)
      if (t->reports[k].step == step && !isnan(t->reports[k].value))
        values[n++] = of->maximize[0] ? -t->reports[k].value : t->reports[k].value;
  }
  qsort(values, n, sizeof *values, by_value);
  return n;
}

static bool stops(struct study *s, int64_t id, int64_t step, double value, enum stopping rule) {
  struct arena scratch = {0};
  double *values = ARENA_NEW(&scratch, double, s->journal.studies[s->id].n_trials + 1);
  uint32_t n = others(s, id, step, rule == STOPPING_MEDIAN, values), better = 0;
  if (s->journal.studies[s->id].maximize[0]) value = -value;
  for (uint32_t i = 0; i < n; i++) better += values[i] < value;
  bool stop = rule == STOPPING_MEDIAN && n >= HALF_OF
                  ? value > 0.5 * (values[(n - 1) / 2] + values[n / 2])
                  : rule == STOPPING_ASHA && n > 0 && better >= (n + 2) / 2;
  arena_free(&scratch);
  return stop;
}

bool study_report(struct study *s, int64_t id, int64_t step, double value, enum stopping rule,
                  bool *stop, struct err *e) {
  struct text t = {0};
  journal_put_report(&t, &s->journal, id, step, value);
  if (!study_append(s, &t, e)) return false;
  *stop = stops(s, id, step, value, rule);
  return true;
}
