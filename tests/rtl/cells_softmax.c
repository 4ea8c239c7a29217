// SPDX-License-Identifier: Apache-2.0
// fixed_softmax, of one row and of several. The entries are noise but for the first, which isn't 0:
// the cell must not care.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/rtl/cell.h"

struct softmax {
  int rows, elements, lanes, width;
  const char *type;
  int depth, fraction, out_width;
  int64_t zero;
};

static const struct softmax cases[] = {
    {1, 10, 2, 8, "signed", 117, 8, 8, 0},     {1, 10, 1, 8, "signed", 256, 8, 8, 0},
    {3, 6, 3, 4, "unsigned", 13, 4, 6, 5},     {1, 1, 1, 3, "signed", 8, 8, 8, 0},
    {2, 5, 5, 5, "signed", 20, 0, 1, 0},       {4, 2, 1, 2, "signed", 3, 1, 3, 6},
    {2, 12, 4, 12, "signed", 3000, 12, 12, 1}, {1, 7, 7, 6, "unsigned", 1, 3, 4, 0},
    {1, 64, 1, 1, "unsigned", 2, 5, 7, 0},     {2, 3, 3, 8, "unsigned", 200, 32, 32, 0},
    {3, 4, 2, 4, "signed", 16, 2, 3, 7},       {5, 1, 1, 4, "unsigned", 9, 2, 2, 0}};

static uint64_t entry(const struct cell *c, int64_t d) {
  uint64_t r = cell_random(6000 + (uint64_t)c->id, (uint64_t)d, 0);
  if (d == 0) return (uint64_t)1 << 20;
  return r % 7 == 0 ? 0 : r % 7 == 1 ? (uint64_t)1 << 20 : (r >> 8) % (((uint64_t)1 << 20) + 1);
}

static uint64_t exponential(const struct cell *c, int64_t d) {
  const struct softmax *t = c->with;
  return d < t->depth ? entry(c, d) : 0;
}

static int64_t element(const struct cell *c, int frame, int i) {
  const struct softmax *t = c->with;
  return cell_value(c->input(c, frame, i), t->width, t->type);
}

// Of the quotients q that are nearest, the even one.
static uint64_t expected(const struct cell *c, int frame, int i) {
  const struct softmax *t = c->with;
  int first = i / t->elements * t->elements;
  int64_t most = element(c, frame, first);
  uint64_t sum = 0;
  for (int k = first; k < first + t->elements; k++)
    most = element(c, frame, k) > most ? element(c, frame, k) : most;
  for (int k = first; k < first + t->elements; k++)
    sum += exponential(c, most - element(c, frame, k));
  uint64_t whole = exponential(c, most - element(c, frame, i)) << t->fraction;
  uint64_t q = (2 * whole + sum) / (2 * sum);
  if ((2 * whole + sum) % (2 * sum) == 0 && q % 2) q--;
  return cell_code(fix_overflow((fix_wide)q + t->zero, t->out_width, false, 0, FIX_SATURATE),
                   t->out_width);
}

// Every third frame has few different codes, every third is far apart.
static uint64_t input(const struct cell *c, int frame, int i) {
  uint64_t code = cell_any_code(c, frame, i);
  return frame % 3 == 1 ? code & 1 : code;
}

static void write_images(const struct cell *c, const char *folder) {
  const struct softmax *t = c->with;
  FILE *f = NULL;
  for (int d = 0; d < t->depth; d++) {
    if (d % 2048 == 0) {
      char path[4096];
      snprintf(path, sizeof path, "%s/e%d_%03d.mem", folder, c->id, d / 2048);
      if (f) fclose(f);
      f = fopen(path, "w");
      if (!f) {
        perror(path);
        exit(1);
      }
    }
    fprintf(f, "%06" PRIx64 "\n", entry(c, d));
  }
  if (f) fclose(f);
}

// As the header of the module says.
static void set_times(struct cell *c, const struct softmax *t) {
  int beats = t->elements / t->lanes, levels = 0, steps = t->fraction + 3;
  while (1 << levels < t->lanes) levels++;
  int first = beats + 6 + levels, apart = steps > 6 ? steps : 6;
  int row = (first > steps ? first : steps) + (beats - 1) * apart;
  c->ii = t->rows * row;
  int there = beats + levels, begins = there + beats + 5 + levels;
  c->latency = begins + (t->rows - 1) * row + (beats - 1) * apart + t->fraction + 4;
}

static void add(struct suite *s, const struct softmax *t) {
  struct cell *c = suite_add(s, "fixed_softmax");
  char text[32];
  snprintf(text, sizeof text, "rom/e%d", c->id);
  c->with = t;
  c->in_lanes = c->out_lanes = t->lanes;
  c->in_width = t->width;
  c->out_width = t->out_width;
  c->in_elements = c->out_elements = t->rows * t->elements;
  c->frames = 12;
  c->input = input;
  c->expected = expected;
  c->write_images = write_images;
  set_times(c, t);
  cell_integer(c, "ELEMENTS", t->elements);
  cell_integer(c, "LANES", t->lanes);
  cell_integer(c, "WIDTH", t->width);
  cell_text(c, "IN_TYPE", t->type);
  cell_integer(c, "DEPTH", t->depth);
  cell_integer(c, "FRACTION", t->fraction);
  cell_integer(c, "OUT_WIDTH", t->out_width);
  cell_wide(c, "OUT_ZERO", t->zero);
  cell_text(c, "TABLE_FILE", text);
}

void cells_softmax(struct suite *s) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) add(s, &cases[i]);
}
