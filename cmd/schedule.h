// SPDX-License-Identifier: Apache-2.0
// What `schedule` prints.
#ifndef NNGEN_CMD_SCHEDULE_H
#define NNGEN_CMD_SCHEDULE_H

#include "cmd/command.h"
#include "sw/plan/calendar.h"
#include "sw/plan/unscheduled.h"

bool schedule_command_check(struct arena *a, const struct options *o, struct err *e);

// --train: the words of its options, and the schedule of a training's steps.
bool schedule_train_check(const struct options *o, struct err *e);
int schedule_train(struct arena *a, const struct options *o, struct err *e);

// "K1..K2" with 1 <= K1 <= K2 <= NODES_MAX.
bool schedule_range(const char *word, int64_t *from, int64_t *to);

// The machine of the options with so many nodes.
struct node_machine schedule_machine(struct arena *a, const struct options *o, int64_t nodes);

// A schedule of the mode of the options, in which the checker finds nothing, and its bounds. NULL
// on error.
const struct schedule *schedule_checked(struct arena *a, const struct options *o,
                                        const struct actors *v, const struct node_machine *m,
                                        struct schedule_bounds *bounds, struct err *e);

// --grain auto: the actors of a network whose linear layers are cut into parts, which add up to the
// same integers.
struct schedule_cut {
  const struct actors *actors;
  int64_t grain;          // channels of an actor
  uint32_t regions;       // behind node 0's links, between which the image is shared out
  uint32_t layers, parts; // that are cut; of these
  int tried;              // schedules that were made to find it
};
bool schedule_auto(struct arena *a, const struct graph *model, const struct node_machine *m,
                   struct schedule_cut *to, struct err *e);

// Of all ways to cut a network: work, and the link bound of an image whose parts go to different
// nodes; the others are 0.
bool schedule_auto_bounds(struct arena *a, const struct graph *model, const struct node_machine *m,
                          struct schedule_bounds *to, struct err *e);

// A row for each number of nodes of --sweep.
bool schedule_sweep(struct arena *a, const struct options *o, const struct actors *v,
                    struct text *t, struct err *e);

// The file of signals beside a waveform.
const char *schedule_view(struct arena *a, const char *vcd);

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

// On the images of --data, or on random codes; outputs are compared with those of `model`, whose
// inputs and outputs are the calendar's.
bool schedule_run(struct arena *a, const struct options *o, const struct graph *model,
                  const struct calendar *c, struct schedule_trial *to, struct err *e);

struct schedule_report {
  struct arena *arena;
  const char *model, *grain;
  const struct graph *graph;      // of the model
  const struct schedule_cut *cut; // of --grain auto; NULL
  const struct schedule *schedule;
  const struct calendar *calendar;
  struct schedule_bounds bounds;
  struct schedule_trial trial;    // without images: it wasn't carried out
  const struct routers *routers;  // of --unscheduled; NULL
  struct unscheduled loose, deep; // with their queues, and with as many places as it takes
};

// The nodes with most to do, at most so many, in their order; how many.
uint32_t schedule_busiest(const struct schedule_report *r, uint32_t most, uint32_t *nodes);

bool schedule_picture(const struct schedule_report *r, const char *path, struct err *e);

// A row per node, the busiest of many; then what all of them do, and how far that is from the
// bound.
void schedule_text(struct text *t, const struct schedule_report *r);
void schedule_json(struct text *t, const struct schedule_report *r);

#endif
