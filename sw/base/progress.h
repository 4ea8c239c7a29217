// SPDX-License-Identifier: Apache-2.0
// One line of progress on a terminal: share done, rate and time left. Silent when stderr is no
// terminal, or the user asked for quiet.
//
//   simulating  4200 / 10000  42 %  1310 /s  4 s left
#ifndef NNGEN_BASE_PROGRESS_H
#define NNGEN_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
  FILE *to; // NULL: silent
  const char *what;
  int64_t total;
  double started, shown; // seconds of a monotonic clock
  int64_t next;          // units: the clock isn't looked at before
  bool plain;            // NO_COLOR: no escape sequences
};

// `what` is one word of ours; it lives as long as the progress. `total` may be 0: unknown.
void progress_start(struct progress *p, const char *what, int64_t total, bool quiet);

// Cheap: shows the line at most ten times a second. `done` never falls.
void progress_update(struct progress *p, int64_t done);

// Clears the line.
void progress_end(struct progress *p);

// The line itself, into `line` of `size` bytes: for `done` units after `seconds`.
void progress_line(const struct progress *p, int64_t done, double seconds, char *line, size_t size);

#endif
