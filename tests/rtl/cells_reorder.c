// SPDX-License-Identifier: Apache-2.0
// The cells that take beats away, put constant ones in between, or send them in another order.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rtl/cell.h"

enum { DIMS = 4 };

// A list as a parameter, the first entry in the low bits.
static void add_list(struct cell *c, const char *name, const int *values, int count) {
  char text[16 * DIMS] = "{";
  for (int i = count; i-- > 0;) {
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "32'd%d%s", values[i], i ? ", " : "}");
  }
  cell_raw(c, name, text);
}

// ---- axis_extent: dimension 0 the fastest

struct extent {
  int width, lanes, dims;
  int in[DIMS], in_from[DIMS], out[DIMS], out_from[DIMS], step[DIMS];
  int64_t pad;
};

static int product(const int *sizes, int count) {
  int n = 1;
  for (int i = 0; i < count; i++) n *= sizes[i];
  return n;
}

// The input's beat at output beat `beat`; -1: there is none.
static int taken(const struct extent *x, int beat) {
  int from = 0;
  for (int d = 0, stride = 1; d < x->dims; stride *= x->in[d++]) {
    int at = x->out_from[d] + beat % x->out[d] * x->step[d] - x->in_from[d];
    if (at < 0 || at >= x->in[d]) return -1;
    from += at * stride;
    beat /= x->out[d];
  }
  return from;
}

static uint64_t extended(const struct cell *c, int frame, int element) {
  const struct extent *x = c->with;
  int from = taken(x, element / x->lanes);
  return from < 0 ? cell_code(x->pad, x->width)
                  : c->input(c, frame, from * x->lanes + element % x->lanes);
}

// Places of the walk: those of either.
static int places(const struct extent *x) {
  int n = 1;
  for (int d = 0; d < x->dims; d++) {
    int in = x->in_from[d] + x->in[d], out = x->out_from[d] + (x->out[d] - 1) * x->step[d] + 1;
    n *= in > out ? in : out;
  }
  return n;
}

static void add_extent(struct suite *s, const struct extent *x) {
  struct cell *c = suite_add(s, "axis_extent");
  char pad[32];
  c->in_width = c->out_width = x->width;
  c->in_lanes = c->out_lanes = x->lanes;
  c->in_elements = product(x->in, x->dims) * x->lanes;
  c->out_elements = product(x->out, x->dims) * x->lanes;
  c->frames = 8;
  c->expected = extended;
  c->with = x;
  c->ii = places(x);
  cell_integer(c, "WIDTH", x->width);
  cell_integer(c, "LANES", x->lanes);
  cell_integer(c, "DIMS", x->dims);
  add_list(c, "IN_SIZE", x->in, x->dims);
  add_list(c, "IN_FROM", x->in_from, x->dims);
  add_list(c, "OUT_SIZE", x->out, x->dims);
  add_list(c, "OUT_FROM", x->out_from, x->dims);
  add_list(c, "STEP", x->step, x->dims);
  snprintf(pad, sizeof pad, "32'd%" PRIu64, cell_code(x->pad, x->width));
  cell_raw(c, "PAD", pad);
}

// width, lanes, dims, in, from where, out, from where, step, pad
static const struct extent extents[] = {
    {3, 1, 1, {6}, {0}, {2}, {1}, {3}, 0},
    {4, 2, 1, {1}, {0}, {1}, {0}, {1}, 0},
    {8, 1, 1, {5}, {0}, {1}, {4}, {1}, 0},
    {8, 3, 1, {7}, {0}, {4}, {0}, {2}, 0},
    {5, 1, 1, {3}, {2}, {7}, {0}, {1}, -3},
    {8, 2, 1, {2}, {0}, {5}, {0}, {1}, 7},
    {1, 4, 1, {2}, {3}, {5}, {0}, {1}, 1},
    {8, 1, 2, {4, 5}, {0, 0}, {2, 3}, {1, 0}, {1, 2}, 0},
    {8, 4, 2, {6, 3}, {0, 0}, {2, 3}, {0, 0}, {3, 1}, 0},
    {6, 2, 2, {3, 4}, {1, 2}, {5, 7}, {0, 0}, {1, 1}, -9},
    {8, 1, 2, {3, 2}, {0, 1}, {3, 4}, {0, 0}, {1, 1}, 100},
    {7, 1, 3, {2, 5, 4}, {0, 0, 0}, {2, 2, 2}, {0, 1, 2}, {1, 3, 1}, 0},
    {8, 3, 3, {2, 3, 3}, {0, 1, 1}, {2, 5, 5}, {0, 0, 0}, {1, 1, 1}, 55},
    {4, 1, 4, {2, 3, 2, 3}, {0, 0, 0, 0}, {1, 2, 2, 1}, {1, 0, 0, 1}, {1, 2, 1, 1}, 0},
    // taken away in one dimension, put around in the other
    {8, 1, 2, {5, 3}, {0, 1}, {2, 5}, {2, 0}, {1, 1}, 33},
    {8, 2, 2, {3, 4}, {2, 0}, {6, 2}, {0, 1}, {1, 2}, 66}};

// ---- axis_reorder: dimension 0 the fastest

struct walk {
  int width, lanes, blocks, beats, dims;
  int size[DIMS], stride[DIMS];
};

// The input's beat at output beat `beat`.
static int read_at(const struct walk *x, int beat) {
  int of_block = product(x->size, x->dims), from = beat / of_block * x->beats;
  for (int d = 0; d < x->dims; beat /= x->size[d++]) from += beat % x->size[d] * x->stride[d];
  return from;
}

static uint64_t reordered(const struct cell *c, int frame, int element) {
  const struct walk *x = c->with;
  int from = read_at(x, element / x->lanes);
  return c->input(c, frame, from * x->lanes + element % x->lanes);
}

static void add_walk(struct suite *s, const struct walk *x) {
  struct cell *c = suite_add(s, "axis_reorder");
  int out = product(x->size, x->dims);
  c->in_width = c->out_width = x->width;
  c->in_lanes = c->out_lanes = x->lanes;
  c->in_elements = x->blocks * x->beats * x->lanes;
  c->out_elements = x->blocks * out * x->lanes;
  c->frames = 8;
  c->expected = reordered;
  c->with = x;
  c->ii = x->blocks * (out > x->beats ? out : x->beats);
  cell_integer(c, "WIDTH", x->width * x->lanes);
  cell_integer(c, "BLOCKS", x->blocks);
  cell_integer(c, "BEATS", x->beats);
  cell_integer(c, "DIMS", x->dims);
  add_list(c, "SIZE", x->size, x->dims);
  add_list(c, "STRIDE", x->stride, x->dims);
}

// width, lanes, blocks, beats, dims, size, stride
static const struct walk walks[] = {
    // each beat, each pair of beats twice and three times
    {8, 1, 5, 1, 1, {2}, {0}},
    {3, 4, 1, 1, 1, {3}, {0}},
    {8, 1, 4, 2, 2, {2, 3}, {1, 0}},
    {5, 1, 1, 2, 2, {2, 2}, {1, 0}},
    // rows of a beat, of two pixels, of five of two beats
    {8, 2, 3, 2, 3, {2, 2, 2}, {0, 1, 0}},
    {4, 1, 3, 5, 3, {3, 5, 2}, {0, 1, 0}},
    {8, 1, 2, 10, 4, {2, 2, 5, 3}, {1, 0, 2, 0}},
    {8, 3, 3, 7, 2, {7, 2}, {1, 0}},
    // as it comes, another order, of three dimensions, of none that stay together
    {8, 1, 2, 6, 1, {6}, {1}},
    {8, 1, 1, 6, 2, {2, 3}, {3, 1}},
    {1, 2, 4, 4, 2, {2, 2}, {2, 1}},
    {8, 1, 3, 8, 3, {2, 2, 2}, {4, 2, 1}},
    {7, 1, 1, 24, 3, {3, 2, 4}, {8, 4, 1}},
    {8, 1, 1, 30, 3, {2, 5, 3}, {15, 1, 5}},
    {9, 2, 2, 12, 3, {2, 3, 2}, {1, 4, 2}}};

void cells_reorder(struct suite *s) {
  for (size_t i = 0; i < sizeof extents / sizeof *extents; i++) add_extent(s, &extents[i]);
  for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) add_walk(s, &walks[i]);
}
