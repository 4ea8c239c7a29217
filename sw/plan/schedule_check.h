// SPDX-License-Identifier: Apache-2.0
// Whether a schedule can be carried out as it stands, whoever made it: each actor fires once, when
// all that it needs is at its node; a node fires one actor at a time and a link sends one frame;
// what is sent is there, and goes to a node once; the outputs are at node 0 in the end. All faults
// are reported, not the first alone.
#ifndef NNGEN_PLAN_SCHEDULE_CHECK_H
#define NNGEN_PLAN_SCHEDULE_CHECK_H

#include "sw/plan/check.h"
#include "sw/plan/schedule.h"

// Their event is a place among the firings, or behind these among the hops.
//
//   FORM     a node, link or token that isn't there; an actor that takes another time
//   BUSY     a node or a link does two things in a cycle, in this period or another
//   EARLY    fired or sent before it was there
//   ABSENT   fired or sent where it never gets
//   TWICE    sent to where it is already
//   MISSING  an output that doesn't come home
//   ORDER    the length isn't when the last thing happens
struct faults schedule_check(struct arena *a, const struct schedule *s);

#endif
