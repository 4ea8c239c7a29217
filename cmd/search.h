// SPDX-License-Identifier: Apache-2.0
// Parts of search.
#ifndef NNGEN_CMD_SEARCH_H
#define NNGEN_CMD_SEARCH_H

#include "cmd/command.h"
#include "search/evaluate.h"
#include "search/study.h"

// A search as it is set up, from options or from what a study remembers.
struct search {
  struct arena *arena;
  const struct options *options;
  const char *model_file, *model_sha256; // that is searched
  struct graph *whole;                   // --net: before training
  const char *recipe;                    // --net: its JSON; NULL: there is a model
  struct search_space space;
  struct objectives objectives;
  struct images set;
  struct evaluator evaluator;
  struct study_setup setup;
  enum stopping stopping;
  const char *path; // of the journal
  double seconds;   // that it took
  int watched;      // the end of a pipe, open as long as this process or a worker is there
};

// The images that trials are judged by; that they, and those that points are judged by in the end,
// don't calibrate.
bool search_open_images(struct search *s, struct err *e);
bool search_check_calibration(struct arena *a, const struct options *o, struct err *e);
bool search_check_validation(struct search *s, struct err *e);

// A process that outlives the search and its workers, and says of trials that they left that they
// ended; -1: there is none. It ends with the search.
pid_t search_watch_start(struct search *s);
void search_watch_end(struct search *s, pid_t watch);

// The user attributes of a point.
void search_describe(void *context, struct text *t, const double *x);

// The words that choose types, as JSON, and back from it.
const char *search_quantise_json(struct arena *a, const struct options *o);
bool search_quantise_read(struct arena *a, const char *json, struct load *l, struct err *e);

// best, front, list, show N, formats N of a journal.
bool search_shows(const struct options *o);
int search_show(struct arena *a, const struct options *o, struct err *e);

// What a study came to.
void search_put_result(struct search *s, struct study *study, struct text *t);
void search_put_json(struct search *s, struct study *study, struct text *t);

#endif
