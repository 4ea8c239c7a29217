// SPDX-License-Identifier: Apache-2.0
// Pools and depthwise convolutions behind axis_window, which make one pixel of each window, against
// the definition in docs/numerics.md and the rational oracle.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/net/helper_rational.h"
#include "tests/rtl/cells_shape.h"

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
  bool channels;          // likewise: a multiplier for each
  int sum_shift;          // likewise: by how many bits the bias is finer
  int rows;               // depthwise: of the ring, if a beat has a column of taps; 0: it has one
  int exponent, mantissa; // of weights of type "float"
  bool tiles;             // max, average: without a window in front
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
    {"average",
     {2, 2, {4, 5}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 3},
     6,
     "signed",
     -3,
     {8, "signed", 1},
     1,
     1,
     -1,
     "half_even",
     "saturate",
     0,
     "",
     false},
    {"average",
     {1, 1, {3, 6}, {2, 3}, {2, 2}, {1, 1}, {1, 0}, {0, 2}, 0},
     4,
     "unsigned",
     0,
     {6, "signed", 0},
     1,
     1,
     0,
     "floor",
     "saturate",
     0,
     "",
     false},
    {"average",
     {1, 3, {1, 5}, {1, 3}, {1, 1}, {1, 1}, {0, 2}, {0, 1}, 1},
     5,
     "signed",
     2,
     {8, "signed", 0},
     1,
     1717986919,
     33,
     "half_away",
     "wrap",
     0,
     "",
     false},
    {"average",
     {3, 1, {4, 1}, {3, 1}, {1, 1}, {1, 1}, {1, 0}, {2, 0}, 0},
     8,
     "signed",
     0,
     {8, "signed", 0},
     1,
     1,
     2,
     "half_up",
     "symmetric",
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
    // biases finer than the products
    {"depthwise",
     {2, 3, {5, 6}, {3, 3}, {1, 2}, {1, 1}, {1, 1}, {1, 1}, 5},
     5,
     "signed",
     0,
     {8, "signed", 2},
     1,
     1,
     9,
     "half_even",
     "saturate",
     4,
     "signed",
     true,
     5},
    {"subsample",
     {1, 1, {4, 4}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 0},
     3,
     "unsigned",
     0,
     {6, "signed", 0},
     1,
     1,
     5,
     "half_up",
     "saturate",
     4,
     "signed",
     false,
     3},
    // minifloats: with a mantissa and without, without a sign, several lanes and beats
    {"depthwise",
     {2, 2, {5, 5}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, 3},
     5,
     "signed",
     0,
     {8, "signed", 0},
     1,
     1,
     5,
     "half_even",
     "saturate",
     4,
     "float",
     true,
     .exponent = 2,
     .mantissa = 1},
    {"depthwise",
     {1, 1, {4, 4}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 0},
     4,
     "unsigned",
     0,
     {5, "se2m1n", 0},
     1,
     1,
     6,
     "half_even",
     "saturate",
     3,
     "float",
     false,
     .exponent = 3,
     .mantissa = 0},
    {"subsample",
     {2, 2, {4, 6}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 0},
     4,
     "signed",
     0,
     {8, "signed", 1},
     1,
     1,
     7,
     "floor",
     "saturate",
     6,
     "float",
     false,
     2,
     .exponent = 3,
     .mantissa = 2},
};

// One weight for each channel.
static bool shares(const struct reduced *r) {
  return strcmp(r->kind, "subsample") == 0;
}

// The bits of a weight in its memory; of a minifloat not those of -0.
static uint64_t weight_code(const struct cell *c, int channel, int tap) {
  const struct reduced *r = c->with;
  if (shares(r)) tap = 0;
  uint64_t noise = cell_random((uint64_t)c->id, 11, (uint64_t)(channel * 64 + tap));
  uint64_t code = cell_code((int64_t)noise, r->weight_width);
  return r->exponent && code == (uint64_t)1 << (r->exponent + r->mantissa) ? 0 : code;
}

static int64_t weight(const struct cell *c, int channel, int tap) {
  const struct reduced *r = c->with;
  uint64_t code = weight_code(c, channel, tap);
  if (!r->exponent) return cell_value(code, r->weight_width, r->weight_type);
  int64_t exponent = (int64_t)(code >> r->mantissa) & ((1 << r->exponent) - 1);
  int64_t one = (int64_t)1 << r->mantissa, v = (int64_t)code & (one - 1);
  if (exponent) v = (one + v) * ((int64_t)1 << (exponent - 1));
  return code >> (r->exponent + r->mantissa) ? -v : v;
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

// Elements of the image in a window.
static int inside(const struct shape *s, int pixel) {
  int count = 0;
  for (int k = 0; k < window_taps(s); k++) count += window_seen(s, pixel, k, 0) >= 0;
  return count;
}

// Whether windows have different numbers of elements.
static bool differ(const struct shape *s) {
  for (int i = 1; i < window_outs(s, ROW) * window_outs(s, COLUMN); i++)
    if (inside(s, i) != inside(s, 0)) return true;
  return false;
}

static uint64_t reduce(const struct cell *c, int frame, int element) {
  const struct reduced *r = c->with;
  const struct shape *s = &r->shape;
  int pixel = element / window_channels(s), channel = element % window_channels(s);
  bool largest = strcmp(r->kind, "max") == 0, weighs = r->weight_width > 0;
  int64_t best = INT64_MIN;
  fix_wide sum = 0;
  for (int k = 0; k < window_taps(s); k++) {
    int at = window_seen(s, pixel, k, channel);
    if (at < 0) continue;
    int64_t code = cell_value(c->input(c, frame, at), r->width, r->type);
    best = code > best ? code : best;
    sum += (fix_wide)(code - r->zero) * (weighs ? weight(c, channel, k) : 1);
  }
  if (weighs) sum = sum * (1 << r->sum_shift) + bias(c, channel);
  struct fix_target t =
      cell_target(r->out.width, r->out.type, r->out.zero, r->rounding, r->overflow);
  if (largest && !r->cast) return cell_code(best, r->out.width);
  if (largest) sum = best - r->zero;
  bool average = !largest && !weighs, divides = average && r->mul == 1;
  int64_t count = average && (divides || differ(s)) ? inside(s, pixel) : 1;
  int64_t y = divides ? rational_quotient(sum, count, r->shift, &t)
                      : rational_requant(sum, multiplier(c, channel) / count, r->shift, &t);
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
static void put_word(FILE *f, int lanes, int width, const uint64_t *codes) {
  char bits[1024];
  int n = 0;
  for (int lane = 0; lane < lanes; lane++)
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
    int taps = r->rows ? s->kernel[ROW] : 1;
    for (int k = 0; k < (shares(r) ? 1 : window_taps(s) / taps); k++) {
      for (int i = 0; i < taps * s->lanes; i++) {
        int tap = r->rows ? i / s->lanes * s->kernel[COLUMN] + k : k;
        codes[i] = weight_code(c, beat * s->lanes + i % s->lanes, tap);
      }
      put_word(weights, taps * s->lanes, r->weight_width, codes);
    }
    for (int lane = 0; lane < s->lanes; lane++)
      codes[lane] = cell_code(bias(c, beat * s->lanes + lane), BIAS_WIDTH);
    put_word(biases, s->lanes, BIAS_WIDTH, codes);
    for (int lane = 0; muls && lane < s->lanes; lane++)
      codes[lane] = (uint64_t)multiplier(c, beat * s->lanes + lane);
    if (muls) put_word(muls, s->lanes, CHANNEL_MUL_WIDTH, codes);
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

// A list of numbers of so many bits, the first in the low bits.
static void list(struct cell *c, const char *name, int bits, int count, const int64_t *values) {
  char text[1024];
  int n = snprintf(text, sizeof text, "{");
  for (int i = count; i-- > 0;)
    n += snprintf(text + n, sizeof text - (size_t)n, "%d'd%" PRId64 "%s", bits, values[i],
                  i ? ", " : "}");
  cell_raw(c, name, text);
}

enum { OUTS_MOST = 8 };

// What stands behind each run of rows or columns whose windows have as many elements.
static int runs(const struct shape *s, int axis, int64_t *end) {
  int n = 0, outs = window_outs(s, axis), step = axis == ROW ? window_outs(s, COLUMN) : 1;
  for (int o = 1; o <= outs; o++)
    if (o == outs || inside(s, o * step) != inside(s, (o - 1) * step)) end[n++] = o;
  return n;
}

// The counts of all places, one row of runs after the other.
static int places(struct cell *c, const struct shape *s, int64_t *count) {
  int64_t end[2][OUTS_MOST];
  int n[2] = {runs(s, ROW, end[ROW]), runs(s, COLUMN, end[COLUMN])}, all = n[ROW] * n[COLUMN];
  for (int i = 0; i < all; i++) {
    int64_t row = end[ROW][i / n[COLUMN]] - 1, column = end[COLUMN][i % n[COLUMN]] - 1;
    count[i] = inside(s, (int)(row * window_outs(s, COLUMN) + column));
  }
  if (all == 1) return all;
  cell_integer(c, "RUNS_H", n[ROW]);
  cell_integer(c, "RUNS_W", n[COLUMN]);
  list(c, "ROW_END", 32, n[ROW], end[ROW]);
  list(c, "COLUMN_END", 32, n[COLUMN], end[COLUMN]);
  return all;
}

// What fixed_avg_pool multiplies each sum by: least numbers that divide, at one shift, or factors.
static int multipliers(const struct reduced *r, int n, const int64_t *count, fix_wide most,
                       int64_t *magic) {
  for (int i = 0; r->mul != 1 && i < n; i++) magic[i] = r->mul / count[i];
  for (int shift = 1; r->mul == 1; shift++) {
    fix_wide power = (fix_wide)1 << shift;
    bool all = true;
    for (int i = 0; i < n; i++) {
      magic[i] = (int64_t)power / count[i] + 1;
      all &= most * (magic[i] * count[i] - power) < power;
    }
    if (all) return shift;
  }
  return 1;
}

// Divides; its SHIFT.
static int divide(struct cell *c, const struct reduced *r, int sum_width) {
  int64_t count[OUTS_MOST * OUTS_MOST], magic[OUTS_MOST * OUTS_MOST], most = 0;
  int n = places(c, &r->shape, count), scale = 0, power = bits_of((uint64_t)count[0]) - 1;
  bool exact = r->mul == 1;
  cell_integer(c, "SUM_WIDTH", sum_width);
  if (n == 1 && (!exact || count[0] == 1 << power)) {
    cell_integer(c, "DIVISOR", 1);
    return r->shift + (exact ? power : 0);
  }
  if (exact) scale = r->shift < 0 ? 1 - r->shift : 1;
  int shift = multipliers(r, n, count, (fix_wide)1 << (sum_width - 1 + scale), magic);
  for (int i = 0; i < n; i++) most = magic[i] > most ? magic[i] : most;
  list(c, "DIVISOR", 32, n, count);
  cell_integer(c, "EXACT", exact);
  cell_integer(c, "SCALE", scale);
  cell_integer(c, "MAGIC_WIDTH", bits_of((uint64_t)most));
  list(c, "MAGIC", 64, n, magic);
  cell_integer(c, "MAGIC_SHIFT", shift);
  return exact ? r->shift + scale + 1 : r->shift;
}

static void add_reduced(struct suite *suite, const struct reduced *r) {
  const struct shape *s = &r->shape;
  bool largest = strcmp(r->kind, "max") == 0, average = strcmp(r->kind, "average") == 0;
  bool is_signed = strcmp(r->type, "signed") == 0;
  int64_t lowest = is_signed ? -((int64_t)1 << (r->width - 1)) : 0;
  struct cell *c = window_cell(suite, s, r->width, largest ? lowest : r->zero,
                               !r->tiles ? r->kind
                               : largest ? "tiles_max"
                                         : "tiles",
                               s->beats, r->rows);
  int shift = r->shift, mul_width = r->channels ? CHANNEL_MUL_WIDTH : bits_of((uint64_t)r->mul);
  c->out_width = r->out.width;
  c->expected = reduce;
  c->with = r;
  // of others too much is left to ABC
  c->mutable = c->in_elements <= 16 && s->lanes == 1 && r->weight_width == 0;
  cell_text(c, "IN_TYPE", r->type);
  cell_wide(c, "IN_ZERO", r->zero);
  if (average) shift = divide(c, r, r->width + 2 + bits_of((uint64_t)window_taps(s)));
  if (shares(r)) cell_integer(c, "SUM_WIDTH", r->width + 1 + bits_of((uint64_t)window_taps(s)));
  if (!largest && !average) {
    char name[64];
    cell_integer(c, "WEIGHT_WIDTH", r->weight_width);
    cell_text(c, "WEIGHT_TYPE", r->weight_type);
    if (r->exponent) cell_integer(c, "EXPONENT", r->exponent);
    if (r->exponent) cell_integer(c, "MANTISSA", r->mantissa);
    if (r->sum_shift) cell_integer(c, "SUM_SHIFT", r->sum_shift);
    snprintf(name, sizeof name, "rom/c%d_weight", c->id);
    cell_text(c, "WEIGHT_FILE", name);
    snprintf(name, sizeof name, "rom/c%d_bias", c->id);
    cell_text(c, "BIAS_FILE", name);
    snprintf(name, sizeof name, "rom/c%d_mul", c->id);
    if (r->channels) cell_text(c, "MUL_FILE", name);
    c->write_images = write_images;
  }
  if (r->tiles) c->ii = c->in_elements / s->lanes;
  if (r->rows) cell_integer(c, "COLUMN", s->kernel[ROW]);
  if (r->rows) cell_integer(c, "OUT_TAPS", 1);
  cell_integer(c, "CAST", r->cast);
  bool multiplies = (r->mul != 1 || r->channels) && !(average && differ(s));
  cell_integer(c, "MUL_WIDTH", multiplies ? mul_width : 0);
  cell_literal(c, "MUL", multiplies ? r->mul : 1);
  cell_integer(c, "SHIFT", shift);
  cell_wide(c, "ZERO", r->out.zero);
  cell_integer(c, "OUT_WIDTH", r->out.width);
  cell_text(c, "OUT_TYPE", r->out.type);
  cell_text(c, "ROUNDING", r->rounding);
  cell_text(c, "OVERFLOW", r->overflow);
}

// The pools whose windows are apart as they are, too; more of them.
static const struct reduced tiles[] = {
    {"max",
     {1, 1, {4, 5}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 0},
     2,
     "signed",
     0,
     {2, "signed", 0},
     0,
     1,
     0,
     "floor",
     "saturate"},
    {"average",
     {2, 1, {5, 9}, {2, 2}, {2, 4}, {1, 1}, {0, 0}, {0, 0}, 0},
     3,
     "signed",
     0,
     {4, "signed", 0},
     1,
     1,
     0,
     "floor",
     "saturate"},

    {"max",
     {1, 2, {3, 5}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 0},
     3,
     "signed",
     0,
     {3, "signed", 0},
     0,
     1,
     0,
     "floor",
     "saturate"},
    {"max",
     {2, 3, {6, 6}, {2, 3}, {2, 3}, {1, 1}, {0, 0}, {0, 0}, 0},
     6,
     "unsigned",
     9,
     {6, "signed", 0},
     1,
     1,
     1,
     "half_even",
     "saturate"},
    {"max",
     {3, 1, {7, 8}, {2, 1}, {3, 3}, {1, 1}, {0, 0}, {0, 0}, 0},
     1,
     "bipolar",
     0,
     {4, "signed", 0},
     1,
     1,
     -1,
     "floor",
     "wrap"},
    {"max",
     {1, 1, {3, 2}, {3, 2}, {3, 2}, {1, 1}, {0, 0}, {0, 0}, 0},
     4,
     "signed",
     0,
     {4, "signed", 0},
     0,
     1,
     0,
     "floor",
     "saturate"},
    {"average",
     {1, 1, {2, 8}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 0},
     3,
     "signed",
     0,
     {4, "signed", 0},
     1,
     1,
     -1,
     "half_up",
     "saturate"},
    {"average",
     {2, 2, {7, 7}, {3, 3}, {3, 3}, {1, 1}, {0, 0}, {0, 0}, 0},
     8,
     "signed",
     3,
     {8, "signed", -2},
     1,
     1,
     0,
     "half_even",
     "saturate"},
    {"average",
     {2, 5, {3, 3}, {3, 3}, {3, 3}, {1, 1}, {0, 0}, {0, 0}, 0},
     5,
     "unsigned",
     7,
     {6, "signed", 0},
     1,
     1,
     0,
     "half_away",
     "symmetric"},
    {"average",
     {1, 3, {1, 11}, {1, 4}, {1, 4}, {1, 1}, {0, 0}, {0, 0}, 0},
     8,
     "signed",
     0,
     {8, "signed", 0},
     1,
     1717986919,
     33,
     "half_zero",
     "saturate"},
    {"average",
     {4, 1, {9, 5}, {1, 2}, {4, 3}, {1, 1}, {0, 0}, {0, 0}, 0},
     4,
     "signed",
     0,
     {5, "signed", 0},
     1,
     1,
     -1,
     "half_down",
     "wrap"},
};

void cells_reduced(struct suite *s) {
  for (size_t i = 0; i < sizeof reduced / sizeof *reduced; i++) add_reduced(s, &reduced[i]);
}

void cells_tiles(struct suite *s) {
  static struct reduced own[sizeof tiles / sizeof *tiles + sizeof reduced / sizeof *reduced];
  size_t n = 0;
  for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) own[n++] = tiles[i];
  for (size_t i = 0; i < sizeof reduced / sizeof *reduced; i++)
    if (reduced[i].weight_width == 0 && window_tiles(&reduced[i].shape)) own[n++] = reduced[i];
  for (size_t i = 0; i < n; i++) {
    own[i].tiles = true;
    add_reduced(s, &own[i]);
  }
}

// Columns of taps; the first is a whole window.
static const struct reduced columns[] = {
    {"depthwise",
     {1, 1, {4, 3}, {2, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0},
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
     false,
     0,
     3},
    {"depthwise",
     {2, 3, {5, 6}, {3, 3}, {1, 2}, {1, 1}, {1, 1}, {1, 1}, 0},
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
     true,
     0,
     6},
    {"depthwise",
     {3, 2, {9, 4}, {5, 2}, {2, 1}, {1, 1}, {0, 1}, {0, 0}, 0},
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
     false,
     0,
     9},
    {"depthwise",
     {2, 1, {15, 1}, {4, 1}, {1, 1}, {2, 1}, {0, 0}, {0, 0}, 0},
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
     "unsigned",
     false,
     3,
     8},
    {"depthwise",
     {2, 1, {5, 6}, {3, 2}, {1, 2}, {1, 1}, {1, 1}, {0, 0}, 0},
     4,
     "signed",
     0,
     {8, "signed", 0},
     1,
     1,
     6,
     "half_even",
     "saturate",
     8,
     "float",
     false,
     .rows = 6,
     .exponent = 3,
     .mantissa = 4},
};

void cells_columns(struct suite *s) {
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) add_reduced(s, &columns[i]);
}
