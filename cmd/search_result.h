// SPDX-License-Identifier: Apache-2.0
// Printing of studies.
#ifndef NNGEN_CMD_SEARCH_RESULT_H
#define NNGEN_CMD_SEARCH_RESULT_H

#include "cmd/search.h"
#include "sw/base/json.h"

// A metric of a trial; NAN: it has none.
double result_metric(const struct trial *t, enum metric m);

// What objective i is called.
const char *result_name(struct arena *a, const struct journal_study *s, int i);

// A row per trial of these numbers (n).
void result_table(struct arena *a, const struct journal *j, const struct journal_study *s,
                  uint32_t n, const uint32_t *numbers, bool states, struct text *t);

// The best trial with its parameters, or the front; `how` stands behind the counts.
void result_put(struct arena *a, const struct journal *j, const struct journal_study *s,
                const char *how, struct text *t);
void result_put_params(const struct trial *t, struct text *out);

// ,"best":{..} or ,"front":[..]
void result_put_best(struct arena *a, const struct journal *j, const struct journal_study *s,
                     struct text *t);
void result_put_trial(const struct trial *t, struct text *out);
void result_put_json(const json_t *v, struct text *out);

#endif
