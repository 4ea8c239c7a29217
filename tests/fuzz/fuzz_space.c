// SPDX-License-Identifier: Apache-2.0
// A space file: points of it are points of it, whoever proposes them.
#include "search/sampler.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

enum { PARAMS_MOST = 64, TRIALS = 24 };

static void propose(struct arena *a, const struct search_space *s, enum sampler sampler) {
  struct seen list[TRIALS];
  struct history h = {.objectives = 1, .list = list};
  for (; h.n < TRIALS; h.n++) {
    double *x = ARENA_NEW(a, double, s->n), *y = ARENA_NEW(a, double, 1);
    if (!sampler_propose(sampler, s, &h, 1, h.n, x)) break;
    FUZZ_CHECK(space_contains(s, x));
    *y = (double)((h.n * 7) % 11);
    list[h.n] = (struct seen){h.n, TRIAL_COMPLETE, x, y, -1, 0};
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct search_space s;
  if (space_parse(&a, (const char *)data, size, &s, &e) && s.n <= PARAMS_MOST) {
    struct text t = {0};
    for (int sampler = 0; sampler < SAMPLERS; sampler++)
      if (sampler_check((enum sampler)sampler, &s, &(struct err){0}))
        propose(&a, &s, (enum sampler)sampler);
    for (uint32_t i = 0; i < s.n; i++) {
      struct param again = {0};
      t.size = 0;
      param_put_distribution(&t, &s.params[i].is);
      FUZZ_CHECK(param_parse_distribution(&a, t.data, &again, &e));
      FUZZ_CHECK(param_equal(&s.params[i].is, &again));
    }
    text_free(&t);
  }
  if (e.text[0]) fuzz_check_message(e.text);
  arena_free(&a);
  return 0;
}
