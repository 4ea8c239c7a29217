// SPDX-License-Identifier: Apache-2.0
// Charts of points as SVG, in the colours of the page (gen/page/page.css).
#ifndef NNGEN_CMD_SEARCH_CHART_H
#define NNGEN_CMD_SEARCH_CHART_H

#include "sw/base/arena.h"
#include "sw/base/text.h"

#include <stdint.h>

struct chart_point {
  double x, y;
  int64_t trial; // which the pointer shows
  bool marked;
};

struct chart {
  const char *x, *y; // names of the axes, hostile
  uint32_t n;
  struct chart_point *points; // (n) finite; drawn as dots, marked ones larger
  uint32_t n_line;
  struct chart_point *line; // (n_line) a staircase
};

// An axis is logarithmic where all numbers are above 0 and the largest is 20 times the least.
// What is beyond 1.5 times the range between the quartiles, as outliers among 20 points and more
// are, stands at the edge.
void chart_put(struct arena *a, struct text *t, const struct chart *c);

#endif
