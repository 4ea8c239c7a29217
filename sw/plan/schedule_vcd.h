// SPDX-License-Identifier: Apache-2.0
// A schedule as a waveform (VCD, IEEE 1364), a time unit for a cycle:
//
//   node<N>.run     1 while it runs an actor
//   node<N>.actor   which, by its number; what it ran last stays
//   node<N>.slots   how many of its slots hold something
//   link<A>_<B>.valid, .token, .slot   whether it sends, what, and where that goes at the other end
//
// In a period as many images come one after the other as are on their way at a time, and one more.
#ifndef NNGEN_PLAN_SCHEDULE_VCD_H
#define NNGEN_PLAN_SCHEDULE_VCD_H

#include "sw/base/text.h"
#include "sw/plan/schedule.h"

// Links that never send have no signals.
void schedule_vcd(struct text *t, const struct schedule *s);

// What GTKWave shows of it at first: `file` is the waveform's name.
void schedule_gtkw(struct text *t, const struct schedule *s, const char *file);

// Images that it shows.
int64_t schedule_vcd_images(const struct schedule *s);

#endif
