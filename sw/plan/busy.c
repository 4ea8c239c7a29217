// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/busy.h"

#include "sw/base/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// The first interval that ends behind a time; `count` if there is none.
static uint32_t behind(const struct busy *b, int64_t at) {
  if (!b->count || b->taken[b->count - 1][1] <= at) return b->count;
  uint32_t low = 0, high = b->count - 1;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (b->taken[middle][1] <= at)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

int64_t busy_fit(const struct busy *b, int64_t from, int64_t duration) {
  for (uint32_t i = behind(b, from); i < b->count && b->taken[i][0] < from + duration; i++)
    from = b->taken[i][1];
  return from;
}

static void make_room(struct busy *b) {
  if (b->count < b->room) return;
  b->room = b->room ? 2 * b->room : 4;
  b->taken = realloc(b->taken, b->room * sizeof *b->taken);
  if (!b->taken) arena_out_of_memory();
}

void busy_take(struct busy *b, int64_t from, int64_t duration) {
  int64_t end = from + duration;
  uint32_t i = behind(b, from);
  bool after = i > 0 && b->taken[i - 1][1] == from;
  bool before = i < b->count && b->taken[i][0] == end;
  assert(i == b->count || b->taken[i][0] >= end);
  if (after && before) {
    b->taken[i - 1][1] = b->taken[i][1];
    memmove(b->taken + i, b->taken + i + 1, (--b->count - i) * sizeof *b->taken);
  } else if (after) {
    b->taken[i - 1][1] = end;
  } else if (before) {
    b->taken[i][0] = from;
  } else {
    make_room(b);
    memmove(b->taken + i + 1, b->taken + i, (b->count++ - i) * sizeof *b->taken);
    b->taken[i][0] = from;
    b->taken[i][1] = end;
  }
}

// ---- in a period

// Whether it is free at a place of the period, around its end.
static bool is_free(const struct busy *b, int64_t at, int64_t duration, int64_t period) {
  int64_t first = at + duration > period ? period - at : duration;
  if (busy_fit(b, at, first) != at) return false;
  return first == duration || busy_fit(b, 0, duration - first) == 0;
}

int64_t busy_fit_period(const struct busy *b, int64_t from, int64_t duration, int64_t period) {
  int64_t at = from % period, round = from - at;
  if (duration > period) return -1;
  for (int64_t last = from + period; round + at <= last;) {
    if (is_free(b, at, duration, period)) return round + at;
    uint32_t next = behind(b, at);
    if (next < b->count) {
      at = b->taken[next][1];
    } else { // what it meets is in the next period
      round += period;
      at = 0;
    }
    if (at < period) continue;
    round += period;
    at -= period;
  }
  return -1;
}

int64_t busy_beside_period(const struct busy *b, int64_t from, int64_t duration, int64_t period) {
  if (busy_total(b) + duration > period) return -1;
  if (!b->count) return from;
  bool around = b->count > 1; // [0, x) and [y, period): one piece, around the end
  int64_t begin = b->taken[around ? 1 : 0][0], end = b->taken[0][1];
  int64_t after = from + ((end - from) % period + period) % period;
  int64_t before = from + ((begin - duration - from) % period + period) % period;
  return after < before ? after : before;
}

void busy_take_period(struct busy *b, int64_t from, int64_t duration, int64_t period) {
  int64_t at = from % period, first = at + duration > period ? period - at : duration;
  busy_take(b, at, first);
  if (first < duration) busy_take(b, 0, duration - first);
}

int64_t busy_total(const struct busy *b) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < b->count; i++) sum += b->taken[i][1] - b->taken[i][0];
  return sum;
}

void busy_free(struct busy *b) {
  free(b->taken);
  *b = (struct busy){0};
}
