// SPDX-License-Identifier: Apache-2.0
// Calendars as files: calendar.json says what machine they are for, and node<N>.mem has the list of
// a node, a word per line as $readmemh reads it, by tick:
//
//   kind tick         ticks    link   token  slot   turns
//   3    00000000000c 00000001 000002 000310 000311 0001      43 digits, without the spaces
//
//   kind 0 run    `token` is the actor, `ticks` how long it takes
//        1 keep   a token that is computed here, or comes in, into a slot
//        2 fetch  an output out of one
//        3 send   over a link, `ticks` frames out of a slot
//        4 take   from a link into a slot
#ifndef NNGEN_PLAN_CALENDAR_FILE_H
#define NNGEN_PLAN_CALENDAR_FILE_H

#include "sw/base/text.h"
#include "sw/plan/calendar.h"

void calendar_put_json(struct text *t, const struct calendar *c, const char *model);
void calendar_put_node(struct text *t, const struct calendar *c, uint32_t node);

// All files into a folder that is there.
bool calendar_write(const struct calendar *c, const char *dir, const char *model, struct err *e);

// What was written for the same actors and machine. NULL with the file and the line where it can't
// be read, or speaks of what isn't there.
const struct calendar *calendar_read(struct arena *a, const char *dir, const struct actors *v,
                                     const struct node_machine *m, struct err *e);

#endif
