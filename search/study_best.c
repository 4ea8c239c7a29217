// SPDX-License-Identifier: Apache-2.0
// What a study has found.
#include "search/pareto.h"
#include "search/study.h"

struct study_counts study_counts(const struct journal *j, const struct journal_study *s) {
  struct study_counts c = {0};
  for (uint32_t i = 0; i < s->n_trials; i++) {
    const struct trial *t = &j->trials[s->trials[i]];
    bool died = json_is_true(json_object_get(t->user, "died"));
    c.complete += t->state == TRIAL_COMPLETE;
    c.pruned += t->state == TRIAL_PRUNED;
    c.failed += t->state == TRIAL_FAIL && !died;
    c.running += t->state == TRIAL_RUNNING;
    c.died += died;
  }
  return c;
}

// Of equal trials the first stands for all.
uint32_t study_best(const struct journal *j, const struct journal_study *s, uint32_t *numbers) {
  struct arena a = {0};
  const double **points = ARENA_NEW(&a, const double *, s->n_trials + 1);
  uint32_t *of = ARENA_NEW(&a, uint32_t, s->n_trials + 1),
           *rank = ARENA_NEW(&a, uint32_t, s->n_trials + 1), n = 0, found = 0;
  for (uint32_t i = 0; i < s->n_trials; i++) {
    const struct trial *t = &j->trials[s->trials[i]];
    if (t->state != TRIAL_COMPLETE || study_violation(t) > 0) continue;
    double *v = ARENA_NEW(&a, double, s->n_directions);
    for (int k = 0; k < s->n_directions; k++) v[k] = s->maximize[k] ? -t->values[k] : t->values[k];
    of[n] = i;
    points[n++] = v;
  }
  pareto_rank(&a, n, s->n_directions, points, 1, rank);
  for (uint32_t i = 0; i < n; i++) {
    bool again = false;
    for (uint32_t k = 0; k < i && !again; k++) {
      again = rank[k] == 0;
      for (int d = 0; d < s->n_directions; d++) again &= points[k][d] == points[i][d];
    }
    if (rank[i] == 0 && !again) numbers[found++] = of[i];
  }
  arena_free(&a);
  return found;
}
