// SPDX-License-Identifier: Apache-2.0
// The window of a convolution or a pool as a cell: hw/axis_window.sv, and how many pixels its ring
// must hold.
#ifndef NNGEN_CIRCUIT_WINDOW_H
#define NNGEN_CIRCUIT_WINDOW_H

#include "sw/graph/window.h"

// hw/axis_slide.sv: the columns of taps of a row, and the windows that it has.
struct circuit_slide {
  int64_t lanes;         // of a column's beat: rows of the kernel times channels; 0: there is none
  int64_t beats, groups; // of a column
  int64_t in, out;       // columns and windows of a row
  int64_t kernel, stride, dilation, before;
  int64_t pad; // code of an element beside the row
};

struct circuit_window {
  struct window shape;
  int64_t lanes, beats;       // of a pixel
  int64_t groups;             // of a pixel's beats: all taps of one come before those of the next
  int64_t taps;               // of a beat: 1, or a column of the kernel; until it has its size also
                              // the whole kernel
  int64_t steps;              // cycles that the cell behind takes for a beat
  const int32_t *each;        // (taps / `taps` * beats) for each beat of a pixel; NULL: steps
  int64_t capacity;           // pixels of the ring
  int64_t alone;              // with which it is fast enough if its source never waits
  int64_t used[WINDOW_AXES];  // rows and columns up to the last that a tap reads; of rows that are
                              // kept all
  int64_t kept;               // rows above a frame, which are those of the frames before; 0: none
  bool skips;                 // padded taps are walked over and not sent; not of kept rows
  int64_t pad;                // code of an element beside the image
  struct circuit_slide slide; // what makes whole windows of its columns
  const int32_t *reads;       // (circuit_window_beats) circuit_window_reads of each
};

// The part of the image that is read; and the least ring with which window and cell are as fast as
// with any. Whole windows become those of a column of taps, and a slide. False if hw/axis_window.sv
// has no such shape.
bool circuit_window_size(struct circuit_window *w, struct err *e);

// Whether hw/axis_slide.sv has the rows of a window: they give no more windows than they have
// columns, and no window reaches further beyond a row than it is long.
bool circuit_window_slides(const struct window *s);

// The place of the newest column of a row's last window: of those in the row, then beyond it.
int64_t circuit_slide_last(const struct circuit_slide *s);

// Whether a window leaves when the newest column has a place.
bool circuit_slide_gives(const struct circuit_slide *s, int64_t place);

// Cycles of a row, if columns never stall and the cell behind takes `steps` for each beat.
int64_t circuit_slide_cycles(const struct circuit_slide *s, int64_t steps);

// Beats of a frame's walk over all taps; of them those that leave; and those of a pixel.
int64_t circuit_window_beats(const struct circuit_window *w);
int64_t circuit_window_sent(const struct circuit_window *w);
int64_t circuit_window_pixel(const struct circuit_window *w, int64_t pixel);

// Of a window that skips: bits of the number that stands above a beat's elements.
int circuit_window_number(const struct circuit_window *w);

// Cycles of a frame: of what comes in, or of what the slide and the cell behind do, if nothing
// stalls. Of a window that has no size yet.
int64_t circuit_window_bound(const struct circuit_window *w);

// What the i-th beat of a frame's walk waits for: a beat of the image with the rows that are kept
// above it, as they come in, of a column that of its bottom tap; NONE: padding.
int64_t circuit_window_reads(const struct circuit_window *w, int64_t i);

// Of all beats of a frame.
const int32_t *circuit_window_table(struct arena *a, const struct circuit_window *w);

// The pixel before which none is read by output pixels from `pixel` on, among those that are used
// and those that are kept.
int64_t circuit_window_low(const struct circuit_window *w, int64_t pixel);

// Whether a beat of the image, as it comes in, goes into the ring.
bool circuit_window_keeps(const struct circuit_window *w, int64_t beat);

// Beats above a frame; and pixels of a ring that hold them from reset on.
int64_t circuit_window_above(const struct circuit_window *w);
int64_t circuit_window_held(const struct circuit_window *w);

// Pixels with which a ring is never full.
int64_t circuit_window_plenty(const struct circuit_window *w);

#endif
