// SPDX-License-Identifier: Apache-2.0
// Studies in a file that Optuna's JournalStorage reads and writes, too: one event a line, a JSON
// object with an op_code, from which the state follows by replay.
//
//   0 create study           4 create trial                  8 user attribute of a trial
//   1 delete study           5 parameter of a trial          9 system attribute of a trial
//   2 user attribute of it   6 state and values of a trial  10 discard trials (read, never written)
//   3 system attribute       7 intermediate value
//
// Who appends holds a lock, the symbolic link FILE.lock, and cuts off a last line without newline,
// which a writer left that died in it: nobody has read it. An append is one write and an fsync;
// what can't be written whole is taken back. Readers need no lock: they read up to the last
// newline.
//
// The times of trials are texts. An event about a finished trial changes nothing, as in Optuna: of
// two writers the first wins.
#ifndef NNGEN_SEARCH_JOURNAL_H
#define NNGEN_SEARCH_JOURNAL_H

#include "search/history.h"
#include "search/param.h"

enum { JOURNAL_LINE_MOST = 8 << 20, JOURNAL_OBJECTIVES_MOST = 16, JOURNAL_TRIALS_MOST = 10000000 };

struct trial_param {
  const char *name;
  double value; // inside, as param.h has it
  const struct param *is;
};

struct report {
  int64_t step;
  double value;
};

struct trial {
  int64_t id;     // over all studies of the file
  int64_t number; // within its study
  uint32_t study;
  enum trial_state state;
  uint32_t n_values; // 0: none
  double *values;    // (n_values)
  uint32_t n_params, n_reports;
  struct trial_param *params;      // (n_params)
  struct report *reports;          // (n_reports) by step
  json_t *user, *system;           // attributes, objects
  const char *started, *completed; // NULL: not yet
  const char *worker;              // who runs it, or ran it last
};

struct journal_study {
  const char *name;
  bool deleted;
  int n_directions;
  bool *maximize; // (n_directions)
  json_t *user, *system;
  uint32_t n_trials, room;
  uint32_t *trials; // (n_trials) ids by number
};

struct journal {
  const char *path;
  const char *worker; // nngen-HOST-PID-RANDOM
  double patience;    // seconds until a lock that doesn't change is taken over
  uint32_t n_studies, n_trials;
  struct journal_study *studies; // (n_studies) by id
  struct trial *trials;          // (n_trials) by id
  // the rest is its own
  struct arena arena;
  uint32_t study_room, trial_room, n_distributions, distribution_room;
  struct known_distribution *distributions;
  int64_t read; // bytes that were applied
  int64_t line; // lines of them
  bool locked;
};

// Reads what there is; a file that isn't there is an empty one, which the first append makes. False
// with file, line and reason; journal_close releases either way.
bool journal_open(struct journal *j, const char *path, struct err *e);
void journal_close(struct journal *j);

// Applies the whole lines that came since.
bool journal_sync(struct journal *j, struct err *e);

// Takes the lock, applies what came since, and gives it back.
bool journal_lock(struct journal *j, struct err *e);
void journal_unlock(struct journal *j);

// Under the lock: appends lines, each with its newline, and applies them.
bool journal_append(struct journal *j, const struct text *lines, struct err *e);

// ---- lines, each with its newline

void journal_put_study(struct text *t, const struct journal *j, const char *name, int directions,
                       const bool *maximize);
// `json` is the value; of the study `id`, or the trial.
void journal_put_study_attr(struct text *t, const struct journal *j, uint32_t id, bool system,
                            const char *key, const char *json);
void journal_put_trial_attr(struct text *t, const struct journal *j, int64_t id, bool system,
                            const char *key, const char *json);
// A running trial with its point and user attributes, the text of an object.
void journal_put_trial(struct text *t, const struct journal *j, uint32_t study, uint32_t n,
                       const struct trial_param *params, const char *attributes);
void journal_put_param(struct text *t, const struct journal *j, int64_t id,
                       const struct trial_param *p);
void journal_put_report(struct text *t, const struct journal *j, int64_t id, int64_t step,
                        double value);
// values NULL: none.
void journal_put_state(struct text *t, const struct journal *j, int64_t id, enum trial_state state,
                       uint32_t n, const double *values);

const char *trial_state_text(enum trial_state s);

#endif
