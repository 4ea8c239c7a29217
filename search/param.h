// SPDX-License-Identifier: Apache-2.0
// A parameter: what values it may take. Inside, a value is a double: an int or a float is itself, a
// choice is its index. Journals spell parameters as Optuna's distributions.
#ifndef NNGEN_SEARCH_PARAM_H
#define NNGEN_SEARCH_PARAM_H

#include "sw/base/arena.h"
#include "sw/base/json.h"

#include <stdint.h>

enum param_kind { PARAM_CHOICE, PARAM_INT, PARAM_FLOAT };

enum { PARAM_CHOICES_MOST = 4096 };
#define PARAM_INT_MOST 9007199254740992.0 // 2^53: every int is a double

struct param_choice {
  const char *json;  // the scalar as compact JSON: "8,auto" in quotes, 4, null
  const char *plain; // a text without its quotes, the others as their JSON
};

struct param {
  const char *name;
  enum param_kind kind;
  double low, high;             // INT, FLOAT: both included
  double step;                  // INT: >= 1; FLOAT: 0, any number, or > 0
  bool log;                     // uniform in the logarithm; then low > 0
  uint32_t n_choices;           // CHOICE
  struct param_choice *choices; // (n_choices)
};

// The kind and range of an entry: one of {"choices":[..]}, {"int":[low,high,step]} and
// {"float":[low,high,step]}, the step may be missing, with "log":true for the last two. `high` is
// lowered to the last step. False with a message.
bool param_parse(struct arena *a, const json_t *entry, struct param *p, struct err *e);

// {"name": "IntDistribution", "attributes": {..}}, the text of it.
bool param_parse_distribution(struct arena *a, const char *text, struct param *p, struct err *e);
void param_put_distribution(struct text *t, const struct param *p);

// The same kind, range and choices.
bool param_equal(const struct param *p, const struct param *q);

// A value is one that the parameter may take.
bool param_contains(const struct param *p, double x);

// The value that a JSON scalar means; NAN: none.
double param_find(const struct param *p, const json_t *value);

// A value as JSON, and as the text that a formats file would have.
void param_put_json(struct text *t, const struct param *p, double x);
void param_put_plain(struct text *t, const struct param *p, double x);

// How many values there are; 0: it is continuous.
int64_t param_count(const struct param *p);
// The k-th of them, and which one a value is.
double param_at(const struct param *p, int64_t k);

// The nearest value that there is.
double param_round(const struct param *p, double x);

// The ends of the range for sampling, half a step beyond; in the logarithm with `log`.
void param_range(const struct param *p, double *low, double *high);
// Into it and back; back rounds.
double param_into(const struct param *p, double x);
double param_back(const struct param *p, double t);

// Uniform (in the logarithm): `unit` lies in [0, 1).
double param_uniform(const struct param *p, double unit);

#endif
