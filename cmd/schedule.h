// SPDX-License-Identifier: Apache-2.0
// What `schedule` prints.
#ifndef NNGEN_CMD_SCHEDULE_H
#define NNGEN_CMD_SCHEDULE_H

#include "cmd/command.h"
#include "sw/plan/calendar.h"

bool schedule_command_check(struct arena *a, const struct options *o, struct err *e);

// What came of carrying it out.
struct schedule_trial {
  int64_t images, elements, mismatches; // outputs that aren't the C model's
  bool judged;                          // the images have labels
  int64_t correct;
  double seconds, aside; // of the nodes; of who feeds and compares
};

// The lists of all nodes, whose clocks start as --offsets says.
const struct calendar *schedule_calendar(struct arena *a, const struct options *o,
                                         const struct schedule *s);

// On the images of --data, or on random codes.
bool schedule_run(struct arena *a, const struct options *o, const struct calendar *c,
                  struct schedule_trial *to, struct err *e);

struct schedule_report {
  struct arena *arena;
  const char *model, *grain;
  const struct schedule *schedule;
  const struct calendar *calendar;
  struct schedule_bounds bounds;
  struct schedule_trial trial; // without images: it wasn't carried out
};

// A row per node, the busiest of many; then what all of them do, and how far that is from the
// bound.
void schedule_text(struct text *t, const struct schedule_report *r);
void schedule_json(struct text *t, const struct schedule_report *r);

#endif
