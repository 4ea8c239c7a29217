// SPDX-License-Identifier: Apache-2.0
// What a search is for: metrics, weighted into one objective or each its own, and limits.
#ifndef NNGEN_SEARCH_OBJECTIVE_H
#define NNGEN_SEARCH_OBJECTIVE_H

#include "sw/base/arena.h"
#include "sw/base/err.h"

#include <stdint.h>

enum metric {
#define METRIC(name, ...) METRIC_##name,
#include "search/objective.def"
#undef METRIC
  METRICS
};

struct metric_row {
  const char *name;
  bool more; // is better
  const char *unit, *summary;
};
extern const struct metric_row metric_rows[METRICS];

struct limit {
  enum metric metric;
  bool least; // >=
  double bound;
};

enum { LIMITS_MOST = 16 };

struct objectives {
  int n; // metrics
  enum metric metric[METRICS];
  bool weighted;          // into one
  double weight[METRICS]; // (n)
  int n_limits;
  struct limit limits[LIMITS_MOST];
};

// "errors,ii,luts"; weights "8,1,1", or NULL; limits "ii<=784". False with a message.
bool objectives_parse(const char *list, const char *weights, int n_limits,
                      const char *const *limits, struct objectives *out, struct err *e);

// How many values a trial has, what each is called, and whether more of it is better.
int objectives_count(const struct objectives *o);
const char *objectives_name(struct arena *a, const struct objectives *o, int i);
bool objectives_more(const struct objectives *o, int i);

// values (objectives_count) of metrics (METRICS). False if one that is needed is no number.
bool objectives_values(const struct objectives *o, const double *metrics, double *values,
                       struct err *e);

// By how much each limit is broken: at most 0 where it is kept. violation: (n_limits). Their sum
// of what is above 0.
double objectives_violations(const struct objectives *o, const double *metrics, double *violation);

// "ii<=784"
const char *limit_text(struct arena *a, const struct limit *l);

// Whether a metric is asked for.
bool objectives_need(const struct objectives *o, enum metric m);

#endif
