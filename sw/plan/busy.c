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

int64_t busy_total(const struct busy *b) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < b->count; i++) sum += b->taken[i][1] - b->taken[i][0];
  return sum;
}

int64_t busy_end(const struct busy *b) {
  return b->count ? b->taken[b->count - 1][1] : 0;
}

void busy_copy(struct busy *to, const struct busy *from) {
  if (to->room < from->count) {
    free(to->taken);
    to->room = from->count;
    to->taken = malloc(to->room * sizeof *to->taken);
    if (!to->taken) arena_out_of_memory();
  }
  to->count = from->count;
  if (to->count) memcpy(to->taken, from->taken, to->count * sizeof *to->taken);
}

void busy_free(struct busy *b) {
  free(b->taken);
  *b = (struct busy){0};
}
