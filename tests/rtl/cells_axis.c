// SPDX-License-Identifier: Apache-2.0
// The cells that move: what comes out is what went in, in another grouping or a while later.
#include "tests/rtl/cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

// ---- streams one behind the other

struct concat {
  int lanes, elements, groups, inputs;
};

// A group of each input in turn, each changed by the input's number.
static uint64_t in_turn(const struct cell *c, int frame, int element) {
  const struct concat *t = c->with;
  int size = t->elements / t->groups, turn = element / size % t->inputs;
  int group = element / size / t->inputs;
  return c->input(c, frame, group * size + element % size) ^ cell_code(turn, c->in_width);
}

static void add_concat(struct suite *s, int width, const struct concat *t) {
  struct cell *c = mover(s, "concat_stream", width, t->elements, t->lanes, t->lanes);
  cell_integer(c, "WIDTH", width);
  cell_integer(c, "LANES", t->lanes);
  cell_integer(c, "ELEMENTS", t->elements);
  cell_integer(c, "GROUPS", t->groups);
  cell_integer(c, "INPUTS", t->inputs);
  c->out_elements = t->elements * t->inputs;
  c->expected = in_turn;
  c->with = t;
  c->mutable = t->elements < 12;
}

// ---- constants

static uint64_t word(const struct cell *c, int i) {
  return cell_code((int64_t)cell_random((uint64_t)c->id, 7, (uint64_t)i), c->in_width);
}

static uint64_t changed(const struct cell *c, int frame, int element) {
  int depth = *(const int *)c->with;
  return c->input(c, frame, element) ^ word(c, element % depth);
}

static void write_words(const struct cell *c, const char *folder) {
  char path[4096];
  snprintf(path, sizeof path, "%s/c%d_000.mem", folder, c->id);
  FILE *f = fopen(path, "w");
  if (!f) {
    perror(path);
    exit(1);
  }
  for (int i = 0; i < *(const int *)c->with; i++) fprintf(f, "%" PRIx64 "\n", word(c, i));
  fclose(f);
}

static void add_constant(struct suite *s, int width, int beats_of_frame, const int *depth) {
  struct cell *c = mover(s, "constant_stream", width, beats_of_frame, 1, 1);
  char text[32];
  snprintf(text, sizeof text, "rom/c%d", c->id);
  cell_integer(c, "WIDTH", width);
  cell_integer(c, "BEATS", beats_of_frame);
  cell_integer(c, "DEPTH", *depth);
  cell_text(c, "FILE", text);
  c->ii = beats_of_frame;
  c->expected = changed;
  c->with = depth;
  c->write_images = write_words;
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
  static const struct concat concats[] = {
      {1, 1, 1, 1},  {2, 3, 1, 2},  {3, 8, 4, 1}, {4, 10, 1, 2}, {4, 6, 3, 3},  {4, 10, 2, 3},
      {5, 40, 8, 2}, {2, 21, 7, 4}, {7, 9, 3, 2}, {4, 16, 4, 2}, {3, 12, 1, 5}, {8, 30, 2, 2}};
  for (int i = 0; i < 12; i++) add_concat(s, 3 + i % 6, &concats[i]);
  static const int constants[][2] = {{1, 1}, {4, 4}, {7, 1}, {7, 3}, {9, 2}, {30, 30}};
  for (int i = 0; i < 6; i++) add_constant(s, 4 + i, constants[i][0], &constants[i][1]);
}
