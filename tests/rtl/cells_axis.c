// SPDX-License-Identifier: Apache-2.0
// The cells that move: what comes out is what went in, in another grouping or a while later.
#include "tests/rtl/cell.h"

static uint64_t same(const struct cell *c, int frame, int element) {
  return c->input(c, frame, element);
}

static struct cell *mover(struct suite *s, const char *module, int width, int elements,
                          int in_lanes, int out_lanes) {
  struct cell *c = suite_add(s, module);
  c->in_width = c->out_width = width;
  c->in_elements = c->out_elements = elements;
  c->in_lanes = in_lanes;
  c->out_lanes = out_lanes;
  c->expected = same;
  c->frames = 12;
  return c;
}

static int beats(int elements, int lanes) {
  return (elements + lanes - 1) / lanes;
}

static void add_register(struct suite *s, int width, int elements) {
  struct cell *c = mover(s, "axis_register", width, elements, 1, 1);
  cell_integer(c, "WIDTH", width);
  c->ii = elements;
  c->latency = elements;
  c->holds = 2;
}

static void add_fifo(struct suite *s, int width, int depth) {
  struct cell *c = mover(s, "axis_fifo", width, 37, 1, 1);
  cell_integer(c, "WIDTH", width);
  cell_integer(c, "DEPTH", depth);
  c->holds = depth;
  int latency = depth > 64 ? 3 : 2; // each place is busy latency + 1 cycles
  if (depth > latency) {
    c->ii = 37;
    c->latency = 36 + latency;
  }
}

static void add_resize(struct suite *s, int width, int elements, int in_lanes, int out_lanes) {
  struct cell *c = mover(s, "axis_resize", width, elements, in_lanes, out_lanes);
  cell_integer(c, "WIDTH", width);
  cell_integer(c, "ELEMENTS", elements);
  cell_integer(c, "IN_LANES", in_lanes);
  cell_integer(c, "OUT_LANES", out_lanes);
  int in = beats(elements, in_lanes), out = beats(elements, out_lanes);
  c->ii = in > out ? in : out;
}

// What goes in, and zero in the lanes of the last beat that no element fills.
static uint64_t same_or_zero(const struct cell *c, int frame, int element) {
  return element < c->in_elements ? c->input(c, frame, element) : 0;
}

static void add_trim(struct suite *s, int width, int elements, int lanes) {
  struct cell *c = mover(s, "trim_stream", width, elements, lanes, lanes);
  c->ii = beats(elements, lanes);
  c->out_elements = c->ii * lanes;
  c->latency = c->ii;
  c->expected = same_or_zero;
  cell_integer(c, "WIDTH", width);
  cell_integer(c, "LANES", lanes);
  cell_integer(c, "USED", elements - (c->ii - 1) * lanes);
}

static void add_count(struct suite *s, int width, int beats_of_frame, int frames) {
  struct cell *c = mover(s, "count_stream", width, beats_of_frame, 1, 1);
  cell_integer(c, "WIDTH", width);
  cell_integer(c, "BEATS", beats_of_frame);
  cell_integer(c, "FRAMES", frames);
  c->ii = beats_of_frame;
  c->latency = beats_of_frame;
}

void cells_axis(struct suite *s) {
  add_register(s, 8, 10);
  add_register(s, 1, 1);
  static const int depths[] = {1, 2, 3, 4, 5, 16, 64, 128, 65, 100};
  for (int i = 0; i < 10; i++) add_fifo(s, 5 + i, depths[i]);
  for (int in = 1; in <= 8; in++)
    for (int out = 1; out <= 8; out++) {
      static const int sizes[] = {1, 6, 11, 13, 16, 24, 29};
      int first = (in * 3 + out) % 7;
      add_resize(s, 1 + (in + out) % 9, sizes[first], in, out);
    }
  add_resize(s, 8, 100, 16, 3);
  add_resize(s, 8, 100, 3, 16);
  add_resize(s, 8, 97, 12, 8);
  add_trim(s, 5, 10, 4);
  add_trim(s, 8, 12, 3);
  add_trim(s, 1, 1, 1);
  add_trim(s, 3, 2, 7);
  add_count(s, 8, 1, 1);
  add_count(s, 5, 2, 3);
  add_count(s, 3, 7, 2);
}
