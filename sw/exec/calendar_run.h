// SPDX-License-Identifier: Apache-2.0
// Carries a calendar out on images: every node does what its lists say in the ticks of its clock,
// the kernels of the plain golden model compute each actor from what lies in the slots of its node,
// and links hand on what they have been given. What is taken where nothing arrives, or read from a
// slot that holds something else, ends the run.
#ifndef NNGEN_EXEC_CALENDAR_RUN_H
#define NNGEN_EXEC_CALENDAR_RUN_H

#include "sw/plan/calendar.h"

struct calendar_executor;

// In a token travels as many images at once as a batch has, at most `most`.
struct calendar_executor *calendar_run_new(struct arena *a, const struct calendar *c, int64_t most);

// Images of a batch into the executor, and what came out of it: (images, elements).
typedef void calendar_feed(void *context, int64_t batch, int64_t images, int64_t *const *inputs);
typedef void calendar_look(void *context, int64_t batch, int64_t images, uint32_t output,
                           const int64_t *integers);

struct calendar_batches {
  int64_t images; // in all; the last batch may be smaller
  calendar_feed *feed;
  calendar_look *look;
  void *context;
};

// All batches, one after the other, or as many at once as the calendar's period has. False with the
// node, the tick and the token where the calendar is wrong.
bool calendar_run(struct calendar_executor *x, const struct calendar_batches *b, struct err *e);

#endif
