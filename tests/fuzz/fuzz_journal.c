// SPDX-License-Identifier: Apache-2.0
// A journal of studies, and what is found in each.
#include "search/importance.h"
#include "search/study.h"
#include "tests/fuzz/fuzz.h"

static void look(struct arena *a, const struct journal *j, const struct journal_study *s) {
  static struct importance list[IMPORTANCE_PARAMS_MOST];
  uint32_t *numbers = ARENA_NEW(a, uint32_t, s->n_trials + 1), n = study_best(j, s, numbers);
  struct study_counts c = study_counts(j, s);
  FUZZ_CHECK(n <= c.complete);
  for (uint32_t i = 0; i < n; i++) {
    const struct trial *t = &j->trials[s->trials[numbers[i]]];
    FUZZ_CHECK(t->state == TRIAL_COMPLETE && t->n_values == (uint32_t)s->n_directions);
  }
  for (uint32_t i = 0; i < s->n_trials; i++) {
    const struct trial *t = &j->trials[s->trials[i]];
    for (uint32_t k = 0; k < t->n_params; k++)
      FUZZ_CHECK(param_contains(t->params[k].is, t->params[k].value));
  }
  for (int d = 0; d < s->n_directions; d++) {
    n = importance_of(a, j, s, d, list);
    for (uint32_t i = 0; i < n; i++) FUZZ_CHECK(list[i].share >= 0 && list[i].share <= 1);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct journal j;
  bool ok = journal_open(&j, fuzz_path(data, size), &e);
  for (uint32_t i = 0; ok && i < j.n_studies; i++) look(&a, &j, &j.studies[i]);
  if (e.text[0]) fuzz_check_message(e.text);
  journal_close(&j);
  arena_free(&a);
  return 0;
}
