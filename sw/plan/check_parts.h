// SPDX-License-Identifier: Apache-2.0
// What the parts of the checker share: check_form.c sorts out what has no meaning, check.c plays
// the events in the order of time, check_events.c asks what they need, check_blocks.c follows the
// memories.
#ifndef NNGEN_PLAN_CHECK_PARTS_H
#define NNGEN_PLAN_CHECK_PARTS_H

#include "sw/plan/check.h"
#include "sw/plan/grid.h"
#include "sw/plan/index.h"

// A value in a memory, or a part of it, from ALLOC to FREE.
struct block {
  uint32_t memory, value;
  int32_t step;
  struct slice slice; // of a dimension of the value
  int64_t address, bytes;
  struct place *place;
  bool lost;      // something was written over it
  bool meets;     // another block shares bytes with it, or did
  uint32_t users; // reads and writes that go on
};

// All of a value in a memory: one block, or several with parts of it.
struct place {
  const struct grid *grid;
  uint8_t *valid;      // (cells) 1: written, and not written over since
  struct block *whole; // that lives
  struct block **part; // (cells) of which block it is; NULL before the first part
  uint32_t parts;      // that live
  bool was;            // a block was freed
};

// An event in one of its periods.
struct instance {
  const struct event *event;
  int32_t step;
  double start, end;
  struct instance *other; // another that streams the same to the same place
  uint32_t n_held, room_held;
  struct block **held; // what it reads and writes, until its end
};

// From the first to the last moment of the parts of a RUN.
struct span {
  double start, end;
};

struct memory_state {
  uint32_t count, room;
  struct block **live;
  int64_t used; // with scratch
  uint32_t n_working, room_working;
  const struct instance **working; // RUNs that hold scratch
};

struct checker {
  struct arena *arena; // of the faults
  struct arena scratch;
  const struct plan *plan;
  const struct graph *graph;
  struct grids grids;
  uint32_t *roots;               // (n_values) the same of all that may lie over one another
  int32_t steps;                 // that are played
  struct index blocks;           // (memory, value, step) -> its place
  struct index streams;          // (memory at the end, base of the value, step) -> instance of SEND
  struct index runs;             // (memory, node, step) -> span
  struct memory_state *memories; // (resources)
  struct instance ***slots;      // (resources, slots) what waits, or NULL
  double *busy;                  // (resources) until when
  double *ends;                  // (nodes, steps) the latest end of a RUN
  uint8_t **done;                // (nodes, steps, cells) 1: was run
  struct faults faults;
};

__attribute__((format(printf, 4, 5))) void check_fault(struct checker *c, enum fault_kind kind,
                                                       const struct instance *i, const char *format,
                                                       ...);

// The events that can be played: (n_events). Reports the others.
bool *check_form(struct checker *c);

static inline const struct resource *check_resource(const struct checker *c,
                                                    const struct instance *i) {
  return &c->plan->machine.resources[i->event->resource];
}

// When the last part of a node's firing ends.
static inline double *check_ended(const struct checker *c, uint32_t node, int32_t step) {
  return &c->ends[(size_t)node * (size_t)c->steps + (size_t)step];
}

void check_start(struct checker *c, struct instance *i);
void check_end(struct checker *c, const struct instance *i);

// ---- blocks

void check_alloc(struct checker *c, const struct instance *i);
void check_free(struct checker *c, const struct instance *i);

// Whether all cells of a slice of an axis are there.
bool check_has(const struct checker *c, uint32_t memory, uint32_t value, int32_t step, int axis,
               const struct slice *s);

// Holds the blocks for a reader of these cells; what is wrong with them is reported.
void check_read(struct checker *c, struct instance *i, uint32_t memory, uint32_t value,
                int32_t step, int axis, const struct slice *s);

// Holds the blocks of this step for a writer of what its slice means on an axis of the value, who
// takes their bytes from now on.
void check_write(struct checker *c, struct instance *i, uint32_t memory, uint32_t value, int axis);

// These cells are there now.
void check_written(struct checker *c, const struct instance *i, uint32_t memory, uint32_t value,
                   int axis);

// Takes the scratch of a RUN, and gives it back.
void check_take_scratch(struct checker *c, const struct instance *i, uint32_t memory);
void check_give_scratch(struct checker *c, const struct instance *i, uint32_t memory);

// Marks the cells of a slice; false if one was marked before.
bool check_mark(const struct grid *g, uint8_t *cells, int axis, const struct slice *s);

void check_release(const struct instance *i);

#endif
