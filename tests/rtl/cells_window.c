// SPDX-License-Identifier: Apache-2.0
// axis_window, alone and in front of pools and convolutions with groups, against the definition in
// docs/numerics.md and the rational oracle.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/net/helper_rational.h"
#include "tests/rtl/cells_shape.h"

// ---- the window alone

struct alone {
  struct shape shape;
  int width, groups, pad;
  int rows; // of the ring, if a beat has a column of taps; 0: it has one
};

static uint64_t tap_of(const struct cell *c, int frame, int element) {
  const struct alone *a = c->with;
  const struct shape *s = &a->shape;
  int n = window_taps(s), inner = s->beats / a->groups, lane = element % s->lanes;
  int beat = element / s->lanes, pixel = beat / (n * s->beats), in_pixel = beat % (n * s->beats);
  int tap = in_pixel / inner % n, group = in_pixel / (inner * n);
  int at = window_seen(s, pixel, tap, (group * inner + in_pixel % inner) * s->lanes + lane);
  return at < 0 ? cell_code(a->pad, a->width) : c->input(c, frame, at);
}

// Group, kernel column, beat; in a beat kernel row, lane.
static uint64_t column_of(const struct cell *c, int frame, int element) {
  const struct alone *a = c->with;
  const struct shape *s = &a->shape;
  int lanes = s->kernel[ROW] * s->lanes, lane = element % lanes, beat = element / lanes;
  int per_pixel = s->kernel[COLUMN] * s->beats, in_pixel = beat % per_pixel;
  int inner = s->beats / a->groups, group = in_pixel / (inner * s->kernel[COLUMN]);
  int tap = lane / s->lanes * s->kernel[COLUMN] + in_pixel / inner % s->kernel[COLUMN];
  int channel = (group * inner + in_pixel % inner) * s->lanes + lane % s->lanes;
  int at = window_seen(s, beat / per_pixel, tap, channel);
  return at < 0 ? cell_code(a->pad, a->width) : c->input(c, frame, at);
}

static void add_alone(struct suite *suite, const struct alone *a) {
  const struct shape *s = &a->shape;
  struct cell *c = window_cell(suite, s, a->width, a->pad, "taps", a->groups, a->rows);
  c->out_width = a->width;
  c->out_elements *= window_taps(s);
  c->expected = a->rows ? column_of : tap_of;
  c->with = a;
  c->mutable = c->out_elements < 300;
  cell_integer(c, "OUT_WIDTH", a->width);
  if (a->rows) {
    c->out_lanes = s->kernel[ROW] * s->lanes;
    cell_integer(c, "COLUMN", s->kernel[ROW]);
  }
  int in = c->in_elements / s->lanes, out = c->out_elements / c->out_lanes;
  if (s->room > 2 * s->in[COLUMN]) c->ii = in > out ? in : out;
}

// lanes, beats, in, kernel, stride, dilation, pad, after, room
static const struct alone alone[] = {
    {{1, 1, {4, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0}, 3, 1, 0},
    {{1, 2, {3, 3}, {2, 2}, {2, 1}, {1, 1}, {1, 1}, {0, 1}, 1}, 2, 2, 1},
    {{1, 1, {6, 7}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 40}, 8, 1, 5},
    {{2, 3, {5, 6}, {3, 2}, {1, 2}, {1, 1}, {2, 0}, {1, 1}, 0}, 4, 1, -3},
    {{2, 3, {5, 6}, {3, 2}, {1, 2}, {1, 1}, {2, 0}, {1, 1}, 0}, 4, 3, -3},
    {{3, 1, {9, 8}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 30}, 8, 1, 0},
    {{1, 2, {9, 10}, {3, 3}, {2, 3}, {2, 2}, {3, 1}, {2, 3}, 60}, 5, 1, 7},
    {{4, 2, {1, 20}, {1, 5}, {1, 1}, {1, 2}, {0, 4}, {0, 4}, 50}, 8, 1, 0},
    {{1, 1, {7, 7}, {1, 1}, {3, 2}, {1, 1}, {0, 0}, {0, 0}, 0}, 8, 1, 0},
    {{1, 3, {4, 4}, {4, 4}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 20}, 6, 3, 0},
    {{2, 1, {8, 5}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 12}, 8, 1, 0},
    {{1, 1, {5, 11}, {5, 3}, {3, 4}, {1, 2}, {4, 4}, {4, 4}, 70}, 8, 1, 1},
    {{1, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0}, 3, 1, 0, 2},
    {{1, 2, {4, 3}, {3, 2}, {1, 1}, {1, 1}, {1, 0}, {1, 1}, 0}, 2, 1, 1, 3},
    {{1, 1, {9, 7}, {5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}, 40}, 8, 1, 3, 9},
    {{2, 2, {8, 6}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, 40}, 8, 1, -1, 7},
    {{2, 1, {9, 9}, {2, 3}, {3, 1}, {2, 2}, {1, 2}, {2, 1}, 0}, 5, 1, 2, 4},
    {{3, 1, {7, 8}, {4, 1}, {1, 3}, {1, 1}, {3, 0}, {3, 0}, 0}, 8, 1, 7, 5},
    {{1, 4, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, 0}, 2, 2, 1},
    {{2, 6, {5, 6}, {3, 2}, {1, 2}, {1, 1}, {2, 0}, {1, 1}, 20}, 4, 3, -3},
    {{1, 6, {9, 10}, {3, 3}, {2, 3}, {2, 2}, {3, 1}, {2, 3}, 60}, 5, 2, 7},
    {{1, 4, {4, 3}, {3, 2}, {1, 1}, {1, 1}, {1, 0}, {1, 1}, 0}, 2, 4, 1, 3},
    {{2, 6, {8, 6}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, 40}, 8, 2, -1, 7},
};

// ---- reduced

struct reduced {
  const char *kind;
  struct shape shape;
  int width;
  const char *type;
  int64_t zero;
  struct side {
    int width;
    const char *type;
    int64_t zero;
  } out;
  int cast;
  int64_t mul;
  int shift;
  const char *rounding, *overflow;
  int weight_width; // depthwise, subsample
  const char *weight_type;
  bool channels; // likewise: a multiplier for each
};

static const struct reduced reduced[] = {
    {"max",
     {1, 1, {4, 4}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 0},
     3,
     "signed",
     0,
     {3, "signed", 0},
     0,
     1,
     0,
     "floor",
     "saturate",
     0,
     "",
     false},
    {"max",
     {2, 2, {5, 5}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, 3},
     8,
     "unsigned",
     20,
     {6, "signed", -3},
     1,
     1,
     2,
     "half_even",
     "saturate",
     0,
     "",
     false},
    {"max",
     {3, 1, {6, 7}, {2, 3}, {1, 2}, {1, 1}, {0, 0}, {0, 0}, 0},
     8,
     "signed",
     -7,
     {8, "signed", 3},
     1,
     1717986919,
     31,
     "half_away",
     "wrap",
     0,
     "",
     false},
    {"average",
     {1, 1, {4, 4}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 0},
     3,
     "signed",
     0,
     {3, "signed", 0},
     1,
     1,
     0,
     "half_up",
     "saturate",
     0,
     "",
     false},
    {"average",
     {2, 1, {6, 6}, {3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 2},
     8,
     "signed",
     5,
     {8, "signed", -2},
     1,
     1,
     0,
     "half_even",
     "saturate",
     0,
     "",
     false},
    {"average",
     {1, 3, {5, 6}, {2, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0},
     7,
     "unsigned",
     30,
     {9, "signed", 0},
     1,
     1,
     -2,
     "half_away",
     "symmetric",
     0,
     "",
     false},
    {"average",
     {2, 2, {7, 7}, {7, 7}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0},
     8,
     "signed",
     0,
     {6, "signed", 0},
     1,
     1,
     1,
     "ceil",
     "saturate",
     0,
     "",
     false},
    {"average",
     {1, 1, {5, 5}, {5, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0},
     8,
     "signed",
     1,
     {8, "signed", 0},
     1,
     1717986919,
     34,
     "half_zero",
     "saturate",
     0,
     "",
     false},
    {"average",
     {4, 1, {1, 12}, {1, 6}, {1, 3}, {1, 1}, {0, 0}, {0, 0}, 0},
     4,
     "signed",
     0,
     {5, "signed", 0},
     1,
     1,
     -1,
     "half_down",
     "wrap",
     0,
     "",
     false},
    {"depthwise",
     {1, 1, {4, 4}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0},
     3,
     "signed",
     0,
     {4, "signed", 0},
     1,
     1,
     1,
     "floor",
     "saturate",
     3,
     "signed",
     false},
    {"depthwise",
     {2, 3, {5, 6}, {3, 3}, {1, 2}, {1, 1}, {1, 1}, {1, 1}, 5},
     8,
     "signed",
     0,
     {8, "signed", 2},
     1,
     1,
     5,
     "half_even",
     "saturate",
     8,
     "signed",
     true},
    {"depthwise",
     {3, 2, {6, 4}, {3, 2}, {2, 1}, {1, 1}, {0, 1}, {0, 0}, 0},
     5,
     "unsigned",
     0,
     {8, "signed", 0},
     1,
     1,
     0,
     "zero",
     "wrap",
     1,
     "bipolar",
     false},
    {"depthwise",
     {2, 1, {1, 15}, {1, 4}, {1, 1}, {1, 2}, {0, 0}, {0, 0}, 0},
     1,
     "bipolar",
     0,
     {4, "signed", 0},
     1,
     1,
     0,
     "floor",
     "saturate",
     2,
     "signed",
     false},
    {"subsample",
     {1, 1, {4, 4}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 0},
     3,
     "signed",
     0,
     {4, "signed", 0},
     1,
     1,
     3,
     "half_even",
     "saturate",
     4,
     "signed",
     false},
    {"subsample",
     {2, 3, {5, 6}, {3, 3}, {1, 2}, {1, 1}, {1, 1}, {1, 1}, 5},
     8,
     "unsigned",
     0,
     {8, "signed", 2},
     1,
     1,
     5,
     "half_away",
     "saturate",
     8,
     "signed",
     true},
    {"subsample",
     {3, 2, {6, 4}, {3, 2}, {2, 1}, {1, 1}, {0, 1}, {0, 0}, 0},
     5,
     "signed",
     0,
     {8, "signed", 0},
     1,
     1,
     0,
     "zero",
     "wrap",
     1,
     "bipolar",
     false},
    {"subsample",
     {2, 1, {1, 15}, {1, 4}, {1, 1}, {1, 2}, {0, 0}, {0, 0}, 0},
     1,
     "bipolar",
     0,
     {6, "unsigned", 9},
     1,
     1717986919,
     31,
     "half_up",
     "saturate",
     3,
     "unsigned",
     false},
};

// One weight for each channel.
static bool shares(const struct reduced *r) {
  return strcmp(r->kind, "subsample") == 0;
}

static int64_t weight(const struct cell *c, int channel, int tap) {
  const struct reduced *r = c->with;
  if (shares(r)) tap = 0;
  uint64_t noise = cell_random((uint64_t)c->id, 11, (uint64_t)(channel * 64 + tap));
  return cell_value(cell_code((int64_t)noise, r->weight_width), r->weight_width, r->weight_type);
}

enum { BIAS_WIDTH = 8, CHANNEL_MUL_WIDTH = 12 };

static int64_t bias(const struct cell *c, int channel) {
  return cell_value(cell_random((uint64_t)c->id, 12, (uint64_t)channel) & 255, BIAS_WIDTH,
                    "signed");
}

static int64_t multiplier(const struct cell *c, int channel) {
  const struct reduced *r = c->with;
  if (!r->channels) return r->mul;
  return (int64_t)(cell_random((uint64_t)c->id, 13, (uint64_t)channel) & 4095) | 1;
}

static uint64_t reduce(const struct cell *c, int frame, int element) {
  const struct reduced *r = c->with;
  const struct shape *s = &r->shape;
  int pixel = element / window_channels(s), channel = element % window_channels(s);
  bool largest = strcmp(r->kind, "max") == 0, weighs = r->weight_width > 0;
  int64_t best = INT64_MIN;
  fix_wide sum = weighs ? bias(c, channel) : 0;
  for (int k = 0; k < window_taps(s); k++) {
    int at = window_seen(s, pixel, k, channel);
    if (at < 0) continue;
    int64_t code = cell_value(c->input(c, frame, at), r->width, r->type);
    best = code > best ? code : best;
    sum += (fix_wide)(code - r->zero) * (weighs ? weight(c, channel, k) : 1);
  }
  struct fix_target t =
      cell_target(r->out.width, r->out.type, r->out.zero, r->rounding, r->overflow);
  if (largest && !r->cast) return cell_code(best, r->out.width);
  if (largest) sum = best - r->zero;
  bool divides = !largest && !weighs && r->mul == 1;
  int64_t y = divides ? rational_quotient(sum, window_taps(s), r->shift, &t)
                      : rational_requant(sum, multiplier(c, channel), r->shift, &t);
  return cell_code(y, r->out.width);
}

static FILE *image(const struct cell *c, const char *folder, const char *what) {
  char path[4096];
  snprintf(path, sizeof path, "%s/c%d_%s_000.mem", folder, c->id, what);
  FILE *f = fopen(path, "w");
  if (!f) {
    perror(path);
    exit(1);
  }
  return f;
}

// A word of all lanes, lane 0 in the low bits; `width` a multiple of 4 or one lane.
static void put_word(FILE *f, const struct cell *c, int width, const uint64_t *codes) {
  const struct reduced *r = c->with;
  char bits[1024];
  int n = 0;
  for (int lane = 0; lane < r->shape.lanes; lane++)
    for (int b = 0; b < width; b++) bits[n++] = (char)(codes[lane] >> b & 1);
  for (int digit = (n + 3) / 4 - 1; digit >= 0; digit--) {
    int v = 0;
    for (int b = 3; b >= 0; b--) v = v * 2 + (4 * digit + b < n ? bits[4 * digit + b] : 0);
    fprintf(f, "%x", v);
  }
  fprintf(f, "\n");
}

static void write_images(const struct cell *c, const char *folder) {
  const struct reduced *r = c->with;
  const struct shape *s = &r->shape;
  FILE *weights = image(c, folder, "weight"), *biases = image(c, folder, "bias");
  FILE *muls = r->channels ? image(c, folder, "mul") : NULL;
  uint64_t codes[64];
  for (int beat = 0; beat < s->beats; beat++) {
    for (int k = 0; k < (shares(r) ? 1 : window_taps(s)); k++) {
      for (int lane = 0; lane < s->lanes; lane++) {
        int64_t w = weight(c, beat * s->lanes + lane, k);
        codes[lane] = r->weight_width == 1 ? w > 0 : cell_code(w, r->weight_width);
      }
      put_word(weights, c, r->weight_width, codes);
    }
    for (int lane = 0; lane < s->lanes; lane++)
      codes[lane] = cell_code(bias(c, beat * s->lanes + lane), BIAS_WIDTH);
    put_word(biases, c, BIAS_WIDTH, codes);
    for (int lane = 0; muls && lane < s->lanes; lane++)
      codes[lane] = (uint64_t)multiplier(c, beat * s->lanes + lane);
    if (muls) put_word(muls, c, CHANNEL_MUL_WIDTH, codes);
  }
  fclose(weights);
  fclose(biases);
  if (muls) fclose(muls);
}

static int bits_of(uint64_t v) {
  int bits = 0;
  for (; v; v >>= 1) bits++;
  return bits;
}

// The least multiplier that fixed_avg_pool takes; its SHIFT.
static int divide(struct cell *c, const struct reduced *r, int sum_width) {
  int count = window_taps(&r->shape), scale = r->shift < 0 ? 1 - r->shift : 1, shift = 1;
  int power = bits_of((uint64_t)count) - 1;
  bool plain = r->mul != 1 || count == 1 << power;
  cell_integer(c, "SUM_WIDTH", sum_width);
  cell_integer(c, "DIVISOR", plain ? 1 : count);
  if (plain) return r->shift + (r->mul == 1 ? power : 0);
  fix_wide most = (fix_wide)1 << (sum_width - 1 + scale), magic;
  for (;; shift++) {
    magic = ((fix_wide)1 << shift) / count + 1;
    if (most * (magic * count - ((fix_wide)1 << shift)) < (fix_wide)1 << shift) break;
  }
  char word[32];
  snprintf(word, sizeof word, "64'd%" PRIu64, (uint64_t)magic);
  cell_integer(c, "SCALE", scale);
  cell_integer(c, "MAGIC_WIDTH", bits_of((uint64_t)magic));
  cell_raw(c, "MAGIC", word);
  cell_integer(c, "MAGIC_SHIFT", shift);
  return r->shift + scale + 1;
}

static void add_reduced(struct suite *suite, const struct reduced *r) {
  const struct shape *s = &r->shape;
  bool largest = strcmp(r->kind, "max") == 0, average = strcmp(r->kind, "average") == 0;
  bool is_signed = strcmp(r->type, "signed") == 0;
  int64_t lowest = is_signed ? -((int64_t)1 << (r->width - 1)) : 0;
  struct cell *c =
      window_cell(suite, s, r->width, largest ? lowest : r->zero, r->kind, s->beats, 0);
  int shift = r->shift, mul_width = r->channels ? CHANNEL_MUL_WIDTH : bits_of((uint64_t)r->mul);
  c->out_width = r->out.width;
  c->expected = reduce;
  c->with = r;
  c->mutable = c->in_elements <= 16;
  cell_text(c, "IN_TYPE", r->type);
  cell_wide(c, "IN_ZERO", r->zero);
  if (average) shift = divide(c, r, r->width + 2 + bits_of((uint64_t)window_taps(s)));
  if (shares(r)) cell_integer(c, "SUM_WIDTH", r->width + 1 + bits_of((uint64_t)window_taps(s)));
  if (!largest && !average) {
    char name[64];
    cell_integer(c, "WEIGHT_WIDTH", r->weight_width);
    cell_text(c, "WEIGHT_TYPE", r->weight_type);
    snprintf(name, sizeof name, "rom/c%d_weight", c->id);
    cell_text(c, "WEIGHT_FILE", name);
    snprintf(name, sizeof name, "rom/c%d_bias", c->id);
    cell_text(c, "BIAS_FILE", name);
    snprintf(name, sizeof name, "rom/c%d_mul", c->id);
    if (r->channels) cell_text(c, "MUL_FILE", name);
    c->write_images = write_images;
  }
  cell_integer(c, "CAST", r->cast);
  cell_integer(c, "MUL_WIDTH", r->mul == 1 && !r->channels ? 0 : mul_width);
  cell_literal(c, "MUL", r->mul);
  cell_integer(c, "SHIFT", shift);
  cell_wide(c, "ZERO", r->out.zero);
  cell_integer(c, "OUT_WIDTH", r->out.width);
  cell_text(c, "OUT_TYPE", r->out.type);
  cell_text(c, "ROUNDING", r->rounding);
  cell_text(c, "OVERFLOW", r->overflow);
}

void cells_window(struct suite *s) {
  for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) add_alone(s, &alone[i]);
  for (size_t i = 0; i < sizeof reduced / sizeof *reduced; i++) add_reduced(s, &reduced[i]);
  cells_grouped(s);
}
