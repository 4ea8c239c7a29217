// SPDX-License-Identifier: Apache-2.0
// fixed_table, its wrappers, fixed_argmax and fixed_top_k. The entries are noise: a table cell must
// not care.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rtl/cell.h"

struct table {
  const char *module;
  int lanes, in_width;
  const char *in_type;
  int out_width;
  const char *out_type;
  int odd;
  int64_t first;
  int depth, entry_width, low_slope;
  int64_t low_offset;
  int high_slope;
  int64_t high_offset;
};

static const struct table cases[] = {
    {"fixed_table", 3, 8, "signed", 8, "unsigned", 0, -40, 77, 8, 0, 3, 1, 5},
    {"fixed_table", 4, 8, "signed", 8, "signed", 0, -128, 256, 8, 0, 0, 0, 0},
    {"fixed_table", 1, 8, "unsigned", 10, "signed", 0, 20, 100, 10, 1, -9, 0, 500},
    {"fixed_table", 5, 8, "unsigned", 6, "signed", 0, 20, 1, 6, 1, -300, 1, 300},
    {"fixed_table", 2, 8, "signed", 5, "signed", 0, 3, 0, 1, 1, 4, 1, -4},
    {"fixed_table", 3, 12, "signed", 9, "signed", 0, -1500, 2049, 7, 0, -256, 0, 255},
    {"fixed_table", 1, 2, "signed", 2, "signed", 0, -2, 4, 2, 0, 0, 0, 0},
    {"fixed_table", 3, 8, "signed", 8, "unsigned", 1, 0, 60, 9, 0, 0, 1, -3},
    {"fixed_table", 1, 13, "signed", 16, "signed", 0, -4096, 8192, 16, 0, 0, 0, 0},
    {"fixed_tanh", 3, 8, "signed", 8, "signed", 1, 0, 60, 8, 0, 0, 0, 128},
    {"fixed_softsign", 4, 9, "signed", 4, "signed", 1, 0, 257, 9, 0, 0, 0, 0},
    {"fixed_tanhshrink", 1, 8, "signed", 8, "signed", 1, 0, 32, 6, 0, 0, 1, -8},
};
enum { CASES = sizeof cases / sizeof *cases };

static uint64_t entry(const struct cell *c, int64_t index) {
  const struct table *t = c->with;
  uint64_t r = cell_random(4000 + (uint64_t)c->id, (uint64_t)index, 0);
  return cell_code((int64_t)r, t->entry_width);
}

// Entry or tail of n, before saturation.
static int64_t value(const struct cell *c, int64_t n) {
  const struct table *t = c->with;
  if (n < t->first) return t->low_slope * n + t->low_offset;
  if (n >= t->first + t->depth) return t->high_slope * n + t->high_offset;
  return cell_value(entry(c, n - t->first), t->entry_width, t->odd ? "unsigned" : t->out_type);
}

static uint64_t expected(const struct cell *c, int frame, int element) {
  const struct table *t = c->with;
  int64_t n = cell_value(c->input(c, frame, element), t->in_width, t->in_type);
  int64_t y = t->odd && n < 0 ? -value(c, -n) : value(c, n);
  bool is_signed = strcmp(t->out_type, "signed") == 0;
  return cell_code(fix_overflow(y, t->out_width, is_signed, 0, FIX_SATURATE), t->out_width);
}

static uint64_t every_code(const struct cell *c, int frame, int element) {
  return cell_code(element + 37 * frame, c->in_width);
}

static void write_images(const struct cell *c, const char *folder) {
  const struct table *t = c->with;
  FILE *f = NULL;
  for (int i = 0; i < t->depth; i++) {
    if (i % 2048 == 0) {
      char path[4096];
      snprintf(path, sizeof path, "%s/t%d_%03d.mem", folder, c->id, i / 2048);
      if (f) fclose(f);
      f = fopen(path, "w");
      if (!f) {
        perror(path);
        exit(1);
      }
    }
    fprintf(f, "%" PRIx64 "\n", entry(c, i));
  }
  if (f) fclose(f);
}

static void set_parameters(struct cell *c) {
  const struct table *t = c->with;
  char text[32];
  snprintf(text, sizeof text, "rom/t%d", c->id);
  cell_integer(c, "LANES", t->lanes);
  cell_integer(c, "IN_WIDTH", t->in_width);
  cell_integer(c, "OUT_WIDTH", t->out_width);
  cell_integer(c, "DEPTH", t->depth);
  cell_integer(c, "ENTRY_WIDTH", t->entry_width);
  cell_integer(c, "HIGH_SLOPE", t->high_slope);
  cell_wide(c, "HIGH_OFFSET", t->high_offset);
  cell_text(c, "TABLE_FILE", text);
  if (strcmp(t->module, "fixed_table") != 0) return;
  cell_text(c, "IN_TYPE", t->in_type);
  cell_text(c, "OUT_TYPE", t->out_type);
  cell_integer(c, "ODD", t->odd);
  cell_wide(c, "FIRST", t->first);
  cell_integer(c, "LOW_SLOPE", t->low_slope);
  cell_wide(c, "LOW_OFFSET", t->low_offset);
}

static void add_table(struct suite *s, const struct table *t) {
  struct cell *c = suite_add(s, t->module);
  c->with = t;
  c->in_lanes = c->out_lanes = t->lanes;
  c->in_width = t->in_width;
  c->out_width = t->out_width;
  c->in_elements = c->out_elements = 1 << t->in_width;
  c->frames = t->in_width > 9 ? 3 : 4;
  c->input = every_code;
  c->expected = expected;
  c->write_images = write_images;
  c->ii = (c->in_elements + t->lanes - 1) / t->lanes;
  c->latency = c->ii - 1 + 3 + (t->depth > 8192 ? 3 : 2) + (t->odd ? 2 : 0);
  set_parameters(c);
}

struct argmax {
  int elements, lanes, width;
  const char *type;
  int out_width;
  bool least;
};

static const struct argmax argmaxes[] = {
    {10, 4, 8, "signed", 4},        {10, 10, 8, "signed", 4},     {1, 1, 8, "signed", 1},
    {7, 1, 5, "unsigned", 3},       {29, 7, 2, "signed", 8},      {17, 16, 3, "unsigned", 5},
    {5, 8, 2, "signed", 3},         {13, 3, 1, "unsigned", 4},    {11, 4, 4, "signed", 4, true},
    {6, 1, 3, "unsigned", 3, true}, {29, 7, 2, "signed", 5, true}};

// Every third frame has the sign bit of all elements set: of signed numbers the largest is
// negative.
static uint64_t argmax_input(const struct cell *c, int frame, int element) {
  uint64_t code = cell_any_code(c, frame, element);
  return frame % 3 == 1 ? code | (uint64_t)1 << (c->in_width - 1) : code;
}

static uint64_t expected_argmax(const struct cell *c, int frame, int element) {
  const struct argmax *a = c->with;
  int best = element;
  for (int i = 1; i < a->elements; i++) {
    int64_t x = cell_value(c->input(c, frame, i), a->width, a->type);
    int64_t y = cell_value(c->input(c, frame, best), a->width, a->type);
    if (a->least ? x < y : x > y) best = i;
  }
  return (uint64_t)best;
}

static void add_argmax(struct suite *s, const struct argmax *a) {
  struct cell *c = suite_add(s, "fixed_argmax");
  c->with = a;
  c->in_lanes = a->lanes;
  c->in_width = a->width;
  c->in_elements = a->elements;
  c->out_lanes = c->out_elements = 1;
  c->out_width = a->out_width;
  c->input = argmax_input;
  c->expected = expected_argmax;
  c->frames = 40;
  c->ii = (a->elements + a->lanes - 1) / a->lanes;
  int levels = 0;
  while (1 << levels < a->lanes) levels++;
  c->latency = c->ii + levels;
  cell_integer(c, "ELEMENTS", a->elements);
  cell_integer(c, "LANES", a->lanes);
  cell_integer(c, "WIDTH", a->width);
  cell_text(c, "IN_TYPE", a->type);
  if (a->least) cell_integer(c, "LEAST", 1);
  cell_integer(c, "OUT_WIDTH", a->out_width);
}

struct top_k {
  int elements, k, width;
  const char *type;
  int out_width;
};

static const struct top_k ranked[] = {{10, 3, 8, "signed", 4},  {7, 7, 2, "unsigned", 3},
                                      {1, 1, 4, "signed", 1},   {29, 5, 3, "signed", 6},
                                      {5, 1, 5, "unsigned", 3}, {6, 4, 1, "unsigned", 3}};

// How many elements come before element `at`.
static int rank_of(const struct cell *c, int frame, int at) {
  const struct top_k *t = c->with;
  int64_t own = cell_value(c->input(c, frame, at), t->width, t->type);
  int before = 0;
  for (int i = 0; i < t->elements; i++) {
    int64_t x = cell_value(c->input(c, frame, i), t->width, t->type);
    before += x > own || (x == own && i < at);
  }
  return before;
}

static uint64_t expected_top_k(const struct cell *c, int frame, int element) {
  int at = 0;
  while (rank_of(c, frame, at) != element) at++;
  return (uint64_t)at;
}

static void add_top_k(struct suite *s, const struct top_k *t) {
  struct cell *c = suite_add(s, "fixed_top_k");
  c->with = t;
  c->in_lanes = 1;
  c->in_width = t->width;
  c->in_elements = t->elements;
  c->out_lanes = c->out_elements = t->k;
  c->out_width = t->out_width;
  c->input = argmax_input;
  c->expected = expected_top_k;
  c->frames = 40;
  c->ii = c->latency = t->elements;
  cell_integer(c, "ELEMENTS", t->elements);
  cell_integer(c, "K", t->k);
  cell_integer(c, "WIDTH", t->width);
  cell_text(c, "IN_TYPE", t->type);
  cell_integer(c, "OUT_WIDTH", t->out_width);
}

void cells_table(struct suite *s) {
  for (int i = 0; i < CASES; i++) add_table(s, &cases[i]);
  cells_polynomial(s);
  for (size_t i = 0; i < sizeof argmaxes / sizeof *argmaxes; i++) add_argmax(s, &argmaxes[i]);
  for (size_t i = 0; i < sizeof ranked / sizeof *ranked; i++) add_top_k(s, &ranked[i]);
  cells_softmax(s);
}
