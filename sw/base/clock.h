// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_BASE_CLOCK_H
#define NNGEN_BASE_CLOCK_H

#include <time.h>

// Seconds since some moment, never less than before.
static inline double clock_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
