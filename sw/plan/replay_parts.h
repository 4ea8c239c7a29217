// SPDX-License-Identifier: Apache-2.0
// What the parts of the replay share: replay_rules.c judges, replay_jobs.c says what each decision
// reads, writes and frees, replay_memory.c follows the channels, replay.c is the clock.
#ifndef NNGEN_PLAN_REPLAY_PARTS_H
#define NNGEN_PLAN_REPLAY_PARTS_H

#include "sw/plan/replay.h"

#include <math.h>
#include <string.h>

enum { REPLAY_NONE = -1 };
// Channels that all decisions touch; spans of single ones then take some hundred megabytes.
enum { REPLAY_WORK_MAX = 1 << 25 };

// Where an operator's output is in its successor's input.
struct replay_link {
  uint32_t op, offset;
};

// What the decisions mean for the operators.
struct replay_net {
  struct arena *arena;
  const struct replay_plan *plan;
  const struct replay_mode *mode;
  struct replay_result *result;
  uint32_t *n_to;
  struct replay_link **to;  // (n_operators, n_to) in file order
  uint32_t *order;          // (n_operators) breadth first
  uint8_t **marks;          // (n_operators, out) bit of each action that some decision has for it
  uint32_t *n_backward;     // (n_operators) channels that go backward
  uint32_t *backward_runs;  // (n_operators) decisions to do so
  bool *reachable;          // (n_operators) a gradient reaches it
  uint32_t *decisions_from; // (n_operators + 1) in decisions_of
  uint32_t *decisions_of;   // (n_decisions) by operator, in list order
  struct replay_made *made; // (n_decisions) version 2: what each AGAIN makes
};

// Input channels of successors, as ranges of theirs.
struct replay_made {
  uint32_t count;
  struct replay_part {
    uint32_t op, begin, end;
  } * parts;
};

// Who reads whom, and an order; then what the decisions mean. False: r->refused says which rule.
bool replay_connect(struct replay_net *n);
bool replay_judge(struct replay_net *n);

// Version 2: which inputs each AGAIN makes, those that are allocated anew before it in the list.
bool replay_find_made(struct replay_net *n);

static inline bool replay_is_pruned(const struct replay_net *n, uint32_t op, uint32_t channel) {
  return n->marks[op][channel] >> REPLAY_PRUNE & 1;
}

__attribute__((format(printf, 5, 6))) bool replay_refuse(struct replay_net *n, const char *rule,
                                                         double at, const char *op, const char *why,
                                                         ...);

static inline uint32_t replay_count(const struct replay_channels *c) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < c->ranges; i++) count += c->range[2 * i + 1] - c->range[2 * i];
  return count;
}

static inline uint32_t replay_total(const struct replay_operator *o, int block) {
  return block == REPLAY_INPUT || block == REPLAY_PASS_GRAD ? o->in : o->out;
}

static inline double replay_size(const struct replay_operator *o, int block, uint32_t channels) {
  return (double)channels / replay_total(o, block) * (double)o->bytes[block];
}

// ---- jobs

enum { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_COPY = 4 }; // COPY: written at once, then read

// Channels of a block that follow each other, as cells: all operators' blocks, one after the other.
struct replay_span {
  uint32_t begin, end;
  uint32_t op;
  uint8_t block, access;
};

struct replay_free {
  uint32_t op;
  int block;
  struct replay_channels channels;
};

// A decision as it is played.
struct replay_job {
  uint32_t n_spans, n_frees, n_allocates, frees_room;
  struct replay_span *spans;
  struct replay_free *frees; // with frees_by_list: at its end
  uint32_t *allocates;       // with issue: places in the list of what is allocated with it
  double bytes;              // that it moves, allocates, or holds while it runs
  double duration;
  uint32_t need[REPLAY_DEVICES + 1]; // with issue: place + 1 of what must have ended, per queue
  uint32_t *reads;                   // version 2, ALLOCATE: of each channel in the life it begins
};

struct replay_jobs {
  const struct replay_net *net;
  uint32_t (*base)[REPLAY_BLOCKS]; // (n_operators) the first cell
  uint32_t n_cells;
  int64_t work;
  struct replay_job *jobs; // (n_decisions)
};

// Which device a decision is for; prunes have a queue of their own, allocates none (NONE).
static inline int replay_queue(enum replay_action a) {
  if (replay_is_run(a)) return REPLAY_CPU;
  if (a == REPLAY_LOAD) return REPLAY_IN;
  if (a == REPLAY_STORE) return REPLAY_OUT;
  return a == REPLAY_PRUNE ? REPLAY_DEVICES : REPLAY_NONE;
}

bool replay_jobs_make(struct replay_jobs *j, struct err *e);
void replay_jobs_free(struct replay_jobs *j);  // frees by the order of the list
void replay_jobs_issue(struct replay_jobs *j); // what waits for what

// ---- memory

enum replay_place { PLACE_NOWHERE, PLACE_SLOW, PLACE_FAST };

struct replay_cell {
  uint8_t place;
  bool arrives, leaves, locked; // locked: for a writer
  uint32_t readers;             // runs that read it now
  uint32_t reads;               // decisions that are still to read it
  uint32_t writes;              // runs that have contributed to it
};

struct replay_sim {
  struct replay_net *net;
  struct replay_jobs jobs;
  struct replay_cell *cells;
  uint32_t *forward_done, *backward_done; // (n_operators) channels
  double now, used;
  double until[REPLAY_DEVICES]; // when the device is idle
  // What has started and whose end is to come, place + 1: of a device, one after the other; more
  // than one where the later ones take no time.
  uint32_t first[REPLAY_DEVICES], last[REPLAY_DEVICES];
  struct replay_end {
    double at;
    uint32_t turn; // in which order they started
    uint32_t behind;
  } * ends; // (n_decisions)
  uint32_t turns;
  uint32_t n_waiting, waiting_job, waiting_next; // frees of a job that ended now
  uint32_t n_changes, changes_room;
  struct replay_change {
    double at, bytes;
  } * changes; // with peak_sorted
};

void replay_begin(struct replay_sim *s);

// False: refused.
bool replay_start(struct replay_sim *s, uint32_t place);

// What ends next on a device.
bool replay_finish(struct replay_sim *s, enum replay_device d);
bool replay_free_next(struct replay_sim *s);

// Fills in what the result says at the end.
bool replay_close(struct replay_sim *s);

#endif
