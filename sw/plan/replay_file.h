// SPDX-License-Identifier: Apache-2.0
// What the two halves of the reader share: replay_read.c reads a plan, replay_cases.c finds the
// files and changes plans.
#ifndef NNGEN_PLAN_REPLAY_FILE_H
#define NNGEN_PLAN_REPLAY_FILE_H

#include "sw/base/json.h"
#include "sw/plan/replay.h"

struct replay_reader {
  struct arena *arena;
  json_t *names; // of the operators -> place
  int64_t channels;
  uint32_t version; // of the plan's file
  uint32_t n_operators;
  const struct replay_operator *operators;
};

// A whole file of JSON; NULL on error, with the path in the message.
json_t *replay_open(struct arena *a, const char *path, struct err *e);

// The parts of a plan. Messages begin with the place in the file.
bool replay_read_operators(struct replay_reader *r, const json_t *list, struct err *e);
bool replay_read_decision(struct replay_reader *r, const json_t *row, struct replay_decision *d,
                          struct err *e);
bool replay_read_decisions(struct replay_reader *r, const json_t *list, struct replay_plan *p,
                           struct err *e);
bool replay_read_rates(const json_t *v, struct replay_plan *p, bool all, struct err *e);
bool replay_read_target(const json_t *v, double *target, struct err *e);

// With the reader's operators, if it has some.
bool replay_read_plan(struct replay_reader *r, const json_t *root, struct replay_plan *p,
                      struct err *e);

#endif
