// SPDX-License-Identifier: Apache-2.0
// axis_window and fixed_linear as a convolution of groups: each sees its own channels of the image
// with weights of its own; or as one whose window leaves padded taps out.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/net/helper_rational.h"
#include "tests/rtl/cells_shape.h"

struct grouped {
  struct shape shape;
  int groups, outs, out_lanes; // outputs of a group
  int width;
  const char *type;
  int weight_width;
  const char *weight_type;
  bool channels; // a multiplier for each output
  int shift;
};

// Columns of taps need a cell of their own: the window alone has them.
static const struct grouped cases[] = {
    // small: these have mutants
    {{1, 2, {2, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0},
     2,
     2,
     1,
     2,
     "signed",
     2,
     "signed",
     false,
     1},
    {{1, 2, {1, 4}, {1, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 1}, 0},
     2,
     1,
     1,
     3,
     "signed",
     2,
     "signed",
     false,
     0},
    // groups of several channels, of one beat and of more, one output beat and more
    {{2, 6, {5, 6}, {3, 3}, {1, 2}, {1, 1}, {1, 1}, {1, 1}, 40},
     3,
     4,
     2,
     8,
     "signed",
     8,
     "signed",
     true,
     16},
    {{2, 2, {4, 5}, {3, 2}, {2, 1}, {1, 2}, {1, 0}, {0, 0}, 20},
     2,
     3,
     3,
     5,
     "unsigned",
     4,
     "signed",
     false,
     4},
    // one channel, several outputs
    {{1, 5, {4, 4}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 30},
     5,
     2,
     2,
     8,
     "signed",
     8,
     "signed",
     true,
     15},
    {{1, 3, {1, 9}, {1, 3}, {1, 2}, {1, 1}, {0, 1}, {0, 1}, 20},
     3,
     3,
     1,
     7,
     "signed",
     2,
     "signed",
     false,
     2},
    {{2, 4, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0},
     4,
     6,
     3,
     1,
     "bipolar",
     1,
     "bipolar",
     false,
     1},
    // so many groups that the biases need a register more
    {{1, 70, {1, 2}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 4},
     70,
     1,
     1,
     8,
     "signed",
     6,
     "signed",
     true,
     14},
    {{1, 35, {1, 2}, {1, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 4},
     35,
     2,
     1,
     8,
     "signed",
     6,
     "signed",
     true,
     14},
};
// of one group, whose windows leave padded taps out
static const struct grouped skipping[] = {
    {{1, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, 0},
     1,
     2,
     1,
     2,
     "signed",
     2,
     "signed",
     false,
     1},
    {{2, 2, {7, 6}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 40},
     1,
     8,
     2,
     8,
     "signed",
     8,
     "signed",
     true,
     16},
    {{1, 1, {8, 8}, {5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}, 60},
     1,
     6,
     1,
     8,
     "unsigned",
     8,
     "signed",
     false,
     9},
    {{3, 1, {5, 9}, {3, 4}, {2, 1}, {1, 2}, {1, 3}, {1, 3}, 40},
     1,
     9,
     3,
     5,
     "unsigned",
     4,
     "signed",
     false,
     4},
    {{1, 3, {1, 12}, {1, 5}, {1, 2}, {1, 1}, {0, 4}, {0, 4}, 30},
     1,
     4,
     2,
     7,
     "signed",
     2,
     "signed",
     false,
     2},
};
enum { BIAS_WIDTH = 8, ACC_WIDTH = 24, CHANNEL_MUL_WIDTH = 12 };

// Inputs of a group; the output is counted through all groups.
static int ins(const struct grouped *l) {
  return window_channels(&l->shape) / l->groups;
}

static int64_t weight(const struct cell *c, int o, int tap, int i) {
  const struct grouped *l = c->with;
  uint64_t noise = cell_random(4000 + (uint64_t)c->id, (uint64_t)o, (uint64_t)(tap * 64 + i));
  return cell_value(cell_code((int64_t)noise, l->weight_width), l->weight_width, l->weight_type);
}

static int64_t bias(const struct cell *c, int o) {
  uint64_t noise = cell_random(5000 + (uint64_t)c->id, (uint64_t)o, 0);
  return cell_value(noise & 255, BIAS_WIDTH, "signed");
}

static int64_t multiplier(const struct cell *c, int o) {
  const struct grouped *l = c->with;
  if (!l->channels) return 1;
  return (int64_t)(cell_random(6000 + (uint64_t)c->id, (uint64_t)o, 0) & 4095) | 1;
}

static uint64_t expected(const struct cell *c, int frame, int element) {
  const struct grouped *l = c->with;
  int all = l->groups * l->outs, o = element % all, first = o / l->outs * ins(l);
  int64_t acc = bias(c, o);
  for (int tap = 0; tap < window_taps(&l->shape); tap++)
    for (int i = 0; i < ins(l); i++) {
      int at = window_seen(&l->shape, element / all, tap, first + i);
      if (at < 0) continue;
      acc += cell_value(c->input(c, frame, at), l->width, l->type) * weight(c, o, tap, i);
    }
  struct fix_target t = cell_target(8, "signed", 0, "half_even", "saturate");
  return cell_code(rational_requant(acc, multiplier(c, o), l->shift, &t), 8);
}

static FILE *image(const struct cell *c, const char *folder, const char *what, int lane) {
  char path[4096];
  snprintf(path, sizeof path, "%s/c%d_%s_%03d_000.mem", folder, c->id, what, lane);
  FILE *f = fopen(path, "w");
  if (!f) {
    perror(path);
    exit(1);
  }
  return f;
}

// The weights of a beat, which have at most 32 bits.
static void put_weights(FILE *f, const struct cell *c, int o, int tap, int first) {
  const struct grouped *l = c->with;
  uint64_t word = 0;
  for (int lane = 0; lane < l->shape.lanes; lane++) {
    int64_t w = weight(c, o, tap, first + lane);
    if (l->weight_width == 1) w = w > 0;
    word |= cell_code(w, l->weight_width) << (lane * l->weight_width);
  }
  fprintf(f, "%" PRIx64 "\n", word);
}

static void write_lane(const struct cell *c, const char *folder, int lane) {
  const struct grouped *l = c->with;
  FILE *weights = image(c, folder, "weight", lane), *biases = image(c, folder, "bias", lane);
  FILE *muls = l->channels ? image(c, folder, "mul", lane) : NULL;
  for (int g = 0; g < l->groups; g++) {
    int begin = g * l->outs + lane, end = (g + 1) * l->outs;
    for (int tap = 0; tap < window_taps(&l->shape); tap++)
      for (int i = 0; i < ins(l); i += l->shape.lanes)
        for (int o = begin; o < end; o += l->out_lanes) put_weights(weights, c, o, tap, i);
    for (int o = begin; o < end; o += l->out_lanes) {
      fprintf(biases, "%" PRIx64 "\n", cell_code(bias(c, o), BIAS_WIDTH));
      if (muls) fprintf(muls, "%" PRIx64 "\n", (uint64_t)multiplier(c, o));
    }
  }
  fclose(weights);
  fclose(biases);
  if (muls) fclose(muls);
}

static void write_images(const struct cell *c, const char *folder) {
  const struct grouped *l = c->with;
  for (int lane = 0; lane < l->out_lanes; lane++) write_lane(c, folder, lane);
}

static void set_file(struct cell *c, const char *parameter, const char *what) {
  char name[64];
  snprintf(name, sizeof name, "rom/c%d_%s", c->id, what);
  cell_text(c, parameter, name);
}

// The slower of what comes in and what is computed, where the ring has room.
static void set_timing(struct cell *c, const struct grouped *l, bool skip) {
  const struct shape *s = &l->shape;
  int pixels = window_outs(s, ROW) * window_outs(s, COLUMN);
  int in = s->in[ROW] * s->in[COLUMN] * s->beats;
  int groups = l->outs / l->out_lanes;
  int steps = skip ? window_walk(s, groups) : pixels * window_taps(s) * s->beats * groups;
  if (s->room) c->ii = in > steps ? in : steps;
}

static void add_grouped(struct suite *suite, const struct grouped *l, bool skip) {
  const struct shape *s = &l->shape;
  struct cell *c = window_cell(suite, s, l->width, 0, "linear", l->groups, 0);
  c->out_lanes = l->out_lanes;
  c->out_width = 8;
  c->out_elements = window_outs(s, ROW) * window_outs(s, COLUMN) * l->groups * l->outs;
  c->expected = expected;
  c->write_images = write_images;
  c->with = l;
  c->mutable = false; // fixed_linear has mutants in a suite of its own
  set_timing(c, l, skip);
  cell_integer(c, "OUT_LANES", l->out_lanes);
  cell_integer(c, "OUT_GROUPS", l->outs / l->out_lanes);
  if (skip) cell_integer(c, "SKIP", l->outs / l->out_lanes);
  cell_text(c, "IN_TYPE", l->type);
  cell_integer(c, "WEIGHT_WIDTH", l->weight_width);
  cell_text(c, "WEIGHT_TYPE", l->weight_type);
  cell_integer(c, "BIAS_WIDTH", BIAS_WIDTH);
  cell_integer(c, "ACC_WIDTH", ACC_WIDTH);
  cell_integer(c, "MUL_WIDTH", l->channels ? CHANNEL_MUL_WIDTH : 0);
  cell_integer(c, "SHIFT", l->shift);
  set_file(c, "WEIGHT_FILE", "weight");
  set_file(c, "BIAS_FILE", "bias");
  if (l->channels) set_file(c, "MUL_FILE", "mul");
}

void cells_grouped(struct suite *s) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) add_grouped(s, &cases[i], false);
  for (size_t i = 0; i < sizeof skipping / sizeof *skipping; i++)
    add_grouped(s, &skipping[i], true);
}
