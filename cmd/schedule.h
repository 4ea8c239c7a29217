// SPDX-License-Identifier: Apache-2.0
// What `schedule` prints.
#ifndef NNGEN_CMD_SCHEDULE_H
#define NNGEN_CMD_SCHEDULE_H

#include "cmd/command.h"
#include "sw/plan/schedule.h"

bool schedule_command_check(struct arena *a, const struct options *o, struct err *e);

struct schedule_report {
  struct arena *arena;
  const char *model, *grain;
  const struct schedule *schedule;
  struct schedule_bounds bounds;
};

// A row per node, the busiest of many; then what all of them do, and how far that is from the
// bound.
void schedule_text(struct text *t, const struct schedule_report *r);
void schedule_json(struct text *t, const struct schedule_report *r);

#endif
