// SPDX-License-Identifier: Apache-2.0
// When a resource is taken: sorted intervals that don't touch, so that what is sent without a break
// is one of them, however long.
//
//   |--- 0..784 ---|      |- 900..910 -|      first fit of 30 from 780 on: 784
//                                             of 200 from 780 on: 910
#ifndef NNGEN_PLAN_BUSY_H
#define NNGEN_PLAN_BUSY_H

#include <stdint.h>

struct busy {
  uint32_t count, room;
  int64_t (*taken)[2]; // (count) begin, end; on the heap
};

// The earliest time from `from` on at which it is free for so long (1 or more).
int64_t busy_fit(const struct busy *b, int64_t from, int64_t duration);

// The same where what is taken is taken again in every period, between 0 and its end; -1: never.
int64_t busy_fit_period(const struct busy *b, int64_t from, int64_t duration, int64_t period);

// Beside what is taken already, from which nothing is ever cut off: who only takes like this always
// finds room, as long as the sum of all isn't more than the period.
int64_t busy_beside_period(const struct busy *b, int64_t from, int64_t duration, int64_t period);
void busy_take_period(struct busy *b, int64_t from, int64_t duration, int64_t period);

// It must be free.
void busy_take(struct busy *b, int64_t from, int64_t duration);

int64_t busy_total(const struct busy *b); // time that is taken

void busy_free(struct busy *b);

#endif
