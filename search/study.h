// SPDX-License-Identifier: Apache-2.0
// A study: a journal's only one, that one or several processes work on. A worker claims a trial,
// evaluates its point, and finishes it. Trials of processes that died become FAIL, and their points
// are tried once more, by whoever comes next.
//
// What a study is about stands in its attributes (model, space, objectives, ..), so that it can't
// be continued as something else by accident. A study of another program that has none is adopted
// if its directions fit: trials with all parameters of the space count.
#ifndef NNGEN_SEARCH_STUDY_H
#define NNGEN_SEARCH_STUDY_H

#include "search/journal.h"
#include "search/objective.h"
#include "search/sampler.h"

enum { STUDY_FACTS_MOST = 12 };

// An attribute that must stay the same.
struct fact {
  const char *name, *text;
};

struct study_setup {
  const char *name; // of a new study
  const struct search_space *space;
  const struct objectives *objectives;
  enum sampler sampler;
  uint64_t seed;
  int64_t trials; // in all, without those that died
  int n_facts;
  struct fact facts[STUDY_FACTS_MOST];
};

struct study {
  struct journal journal;
  const struct study_setup *setup;
  uint32_t id;
  // the rest is its own
  struct history history;
  struct seen *seen; // (room)
  uint32_t looked, room;
  struct arena arena;
};

// The only study of a journal; NULL with a message.
const struct journal_study *study_only(const struct journal *j, uint32_t *id, struct err *e);

// Opens the study of `path`, or makes one. False with what differs.
bool study_open(struct study *s, const char *path, const struct study_setup *setup, struct err *e);
void study_close(struct study *s);

enum claim { CLAIM_TRIAL, CLAIM_NONE_LEFT, CLAIM_ERROR };

// The next trial, whose point goes to x (space->n). `describe` puts the user attributes of a point
// as entries of an object, each with a comma behind it.
// Trials of this host's processes that are gone don't stay RUNNING.
bool study_bury(struct study *s, struct err *e);

enum claim study_claim(struct study *s, double *x, int64_t *id,
                       void (*describe)(void *context, struct text *t, const double *x),
                       void *context, struct err *e);

enum stopping { STOPPING_NONE, STOPPING_MEDIAN, STOPPING_ASHA };

// Reports a value after a step. *stop: by the rule the trial isn't worth going on with: median, it
// is worse than half of the completed ones (from the fifth on) were there; asha, it isn't in the
// better half of all that got there (successive halving: Li, Jamieson, Rostamizadeh et al.: A
// system for massively parallel hyperparameter tuning, 2020).
bool study_report(struct study *s, int64_t id, int64_t step, double value, enum stopping rule,
                  bool *stop, struct err *e);

// Ends a trial: values (objectives) or NULL, metrics (METRICS) or NULL, why it failed or NULL.
bool study_finish(struct study *s, int64_t id, enum trial_state state, const double *values,
                  const double *metrics, const char *why, struct err *e);

// Brings the history up to date with the journal.
void study_look(struct study *s);

// Appends lines under the lock, and frees them.
bool study_append(struct study *s, struct text *lines, struct err *e);

struct study_counts {
  int64_t complete, pruned, failed, running, died;
};
struct study_counts study_counts(const struct journal *j, const struct journal_study *s);

// Numbers of the best trials by rising number: one, or of several objectives the front. Trials that
// break limits don't count. numbers: (n_trials).
uint32_t study_best(const struct journal *j, const struct journal_study *s, uint32_t *numbers);

// By how much a trial breaks its limits.
double study_violation(const struct trial *t);

#endif
