// SPDX-License-Identifier: Apache-2.0
#include "sw/base/nearest_word.h"

#include <string.h>

enum { LETTERS_MAX = 63 };

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

// Damerau's distance of two words, a swap being of letters that nothing else changes; by rows of
// what the first letters of a cost.
static size_t distance(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b), rows[3][LETTERS_MAX + 1];
  size_t *before = rows[0], *last = rows[1], *row = rows[2];
  for (size_t k = 0; k <= m; k++) last[k] = k;
  for (size_t i = 1; i <= n; i++) {
    row[0] = i;
    for (size_t k = 1; k <= m; k++) {
      row[k] = least(least(last[k], row[k - 1]) + 1, last[k - 1] + (a[i - 1] != b[k - 1]));
      if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
        row[k] = least(row[k], before[k - 2] + 1);
    }
    size_t *free_row = before;
    before = last;
    last = row;
    row = free_row;
  }
  return last[m];
}

const char *nearest_word(const char *word, size_t count, const char *const *words) {
  size_t letters = strlen(word), best = letters / 3 > 1 ? letters / 3 : 1;
  const char *nearest = NULL;
  for (size_t i = 0; i < count && letters <= LETTERS_MAX; i++) {
    if (strlen(words[i]) > LETTERS_MAX) continue;
    size_t d = distance(word, words[i]);
    if (d > best || (nearest && d == best)) continue;
    best = d;
    nearest = words[i];
  }
  return nearest;
}
