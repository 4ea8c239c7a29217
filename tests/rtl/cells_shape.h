// SPDX-License-Identifier: Apache-2.0
// How a window slides in the cells of window_stream.sv, as docs/numerics.md says it.
#ifndef NNGEN_TESTS_RTL_CELLS_SHAPE_H
#define NNGEN_TESTS_RTL_CELLS_SHAPE_H

#include "tests/rtl/cell.h"

enum { ROW, COLUMN };

struct shape {
  int lanes, beats;
  int in[2], kernel[2], stride[2], dilation[2], pad[2], after[2];
  int room; // pixels of the ring beyond the fewest
};

int window_outs(const struct shape *s, int axis);
int window_channels(const struct shape *s);
int window_taps(const struct shape *s);
// Rows or columns up to the last that is read.
int window_used(const struct shape *s, int axis);
// From the first pixel that a window reads to its last.
int window_span(const struct shape *s);
// The channel of the input that a tap of output pixel `pixel` sees; -1: padding.
int window_seen(const struct shape *s, int pixel, int tap, int channel);
// Cycles of a frame that needs `steps` of them for each beat that isn't padding, and one for those
// that are, if pixels never wait; and how many beats are none.
int window_walk(const struct shape *s, int steps);
int window_sent(const struct shape *s);

// Whether windows are apart and within the image, so that they need no ring.
bool window_tiles(const struct shape *s);

// A cell whose ring has `rows` rows; 0: the fewest pixels and `room`. The beats of a pixel are
// `groups` groups.
struct cell *window_cell(struct suite *suite, const struct shape *s, int width, int64_t pad,
                         const char *kind, int groups, int rows);

void cells_reduced(struct suite *s);
void cells_columns(struct suite *s);
void cells_tiles(struct suite *s);
void cells_grouped(struct suite *s);

#endif
