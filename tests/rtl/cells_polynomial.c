// SPDX-License-Identifier: Apache-2.0
// fixed_polynomial with random coefficients and corrections, over all input codes.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rtl/cell.h"

struct polynomial {
  int lanes, in_width;
  const char *in_type;
  int out_width;
  const char *out_type;
  int odd;
  int64_t first;
  int depth, low_slope;
  int64_t low_offset;
  int high_slope;
  int64_t high_offset;
  int segment_bits, c0_width, c1_width, c2_width, shift;
};

static const struct polynomial cases[] = {
    {3, 8, "signed", 10, "signed", 0, -100, 200, 1, 9, 0, 77, 4, 14, 10, 6, 5},
    {3, 12, "signed", 16, "signed", 0, -1500, 3001, 1, 9, 0, 77, 6, 20, 12, 8, 6},
    {2, 14, "signed", 16, "signed", 1, 0, 8000, 0, 0, 1, -5, 3, 30, 9, 4, 12},
    {1, 13, "unsigned", 12, "unsigned", 0, 100, 8092, 0, 3, 0, 4000, 1, 20, 12, 8, 4},
    {4, 6, "signed", 10, "signed", 0, -32, 64, 0, 0, 0, 0, 6, 14, 10, 5, 5},
    {1, 8, "signed", 8, "signed", 0, -100, 30, 0, 0, 0, 0, 7, 16, 3, 1, 0},
};
enum { CASES = sizeof cases / sizeof *cases };

static int segments(const struct polynomial *p) {
  return (p->depth + (1 << p->segment_bits) - 1) >> p->segment_bits;
}

static int64_t coefficient(const struct cell *c, int64_t segment, int which, int width) {
  uint64_t r = cell_random(5000 + (uint64_t)c->id, (uint64_t)segment, (uint64_t)which);
  return cell_value(cell_code((int64_t)r, width), width, "signed");
}

static int64_t correction(const struct cell *c, int64_t index) {
  return (int64_t)(cell_random(6000 + (uint64_t)c->id, (uint64_t)index, 0) % 3) - 1;
}

static int64_t value(const struct cell *c, int64_t n) {
  const struct polynomial *p = c->with;
  if (n < p->first) return p->low_slope * n + p->low_offset;
  if (n >= p->first + p->depth) return p->high_slope * n + p->high_offset;
  int64_t i = n - p->first, k = i >> p->segment_bits, d = i & ((1 << p->segment_bits) - 1);
  int64_t sum = coefficient(c, k, 0, p->c0_width) + coefficient(c, k, 1, p->c1_width) * d +
                coefficient(c, k, 2, p->c2_width) * d * d;
  return (sum >> p->shift) + correction(c, i);
}

static uint64_t expected(const struct cell *c, int frame, int element) {
  const struct polynomial *p = c->with;
  int64_t n = cell_value(c->input(c, frame, element), p->in_width, p->in_type);
  int64_t y = p->odd && n < 0 ? -value(c, -n) : value(c, n);
  bool is_signed = strcmp(p->out_type, "signed") == 0;
  return cell_code(fix_overflow(y, p->out_width, is_signed, 0, FIX_SATURATE), p->out_width);
}

static uint64_t every_code(const struct cell *c, int frame, int element) {
  return cell_code(element + 37 * frame, c->in_width);
}

static FILE *open_bank(const struct cell *c, const char *folder, const char *kind, int bank) {
  char path[4096];
  snprintf(path, sizeof path, "%s/p%d_%s_%03d.mem", folder, c->id, kind, bank);
  FILE *f = fopen(path, "w");
  if (!f) {
    perror(path);
    exit(1);
  }
  return f;
}

static void write_coefficients(const struct cell *c, const char *folder) {
  const struct polynomial *p = c->with;
  FILE *f = NULL;
  for (int k = 0; k < segments(p); k++) {
    if (k % 2048 == 0) {
      if (f) fclose(f);
      f = open_bank(c, folder, "coefficient", k / 2048);
    }
    uint64_t word = cell_code(coefficient(c, k, 2, p->c2_width), p->c2_width);
    word = word << p->c1_width | cell_code(coefficient(c, k, 1, p->c1_width), p->c1_width);
    word = word << p->c0_width | cell_code(coefficient(c, k, 0, p->c0_width), p->c0_width);
    fprintf(f, "%" PRIx64 "\n", word);
  }
  if (f) fclose(f);
}

static void write_images(const struct cell *c, const char *folder) {
  const struct polynomial *p = c->with;
  write_coefficients(c, folder);
  FILE *f = NULL;
  for (int i = 0; i < p->depth; i++) {
    if (i % 2048 == 0) {
      if (f) fclose(f);
      f = open_bank(c, folder, "correction", i / 2048);
    }
    fprintf(f, "%" PRIx64 "\n", cell_code(correction(c, i), 2));
  }
  if (f) fclose(f);
}

static void set_parameters(struct cell *c) {
  const struct polynomial *p = c->with;
  char text[32];
  cell_integer(c, "LANES", p->lanes);
  cell_integer(c, "IN_WIDTH", p->in_width);
  cell_text(c, "IN_TYPE", p->in_type);
  cell_integer(c, "OUT_WIDTH", p->out_width);
  cell_text(c, "OUT_TYPE", p->out_type);
  cell_integer(c, "ODD", p->odd);
  cell_wide(c, "FIRST", p->first);
  cell_integer(c, "DEPTH", p->depth);
  cell_integer(c, "LOW_SLOPE", p->low_slope);
  cell_wide(c, "LOW_OFFSET", p->low_offset);
  cell_integer(c, "HIGH_SLOPE", p->high_slope);
  cell_wide(c, "HIGH_OFFSET", p->high_offset);
  cell_integer(c, "SEGMENT_BITS", p->segment_bits);
  cell_integer(c, "C0_WIDTH", p->c0_width);
  cell_integer(c, "C1_WIDTH", p->c1_width);
  cell_integer(c, "C2_WIDTH", p->c2_width);
  cell_integer(c, "SHIFT", p->shift);
  snprintf(text, sizeof text, "rom/p%d_coefficient", c->id);
  cell_text(c, "COEFFICIENT_FILE", text);
  snprintf(text, sizeof text, "rom/p%d_correction", c->id);
  cell_text(c, "CORRECTION_FILE", text);
}

void cells_polynomial(struct suite *s) {
  for (int i = 0; i < CASES; i++) {
    const struct polynomial *p = &cases[i];
    struct cell *c = suite_add(s, "fixed_polynomial");
    c->with = p;
    c->in_lanes = c->out_lanes = p->lanes;
    c->in_width = p->in_width;
    c->out_width = p->out_width;
    c->in_elements = c->out_elements = 1 << p->in_width;
    c->frames = p->in_width > 9 ? 2 : 4;
    c->input = every_code;
    c->expected = expected;
    c->write_images = write_images;
    c->ii = (c->in_elements + p->lanes - 1) / p->lanes;
    c->latency = c->ii - 1 + 7 + (segments(p) > 8192 ? 3 : 2) + (p->odd ? 2 : 0);
    set_parameters(c);
  }
}
