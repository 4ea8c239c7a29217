// SPDX-License-Identifier: Apache-2.0
// fixed_linear against a plain loop over the definition in docs/numerics.md.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/net/helper_rational.h"
#include "tests/rtl/cell.h"

struct linear {
  int in, out, pi, po; // features, lanes
  int in_width;
  const char *in_type;
  int weight_width;
  const char *weight_type;
  int bias_width, acc_width, out_width;
  const char *out_type;
  int mul_width; // 0: multiplier 1
  bool channels; // a multiplier per output
  int shift, zero;
  const char *rounding, *overflow;
  int queue; // places; 0: as many as the latency needs
  bool distance;
  int in_shift, weight_shift; // of a distance
  bool pack;
  int up_width; // of tflite: bits of what an output shifts less
  int sum_shift;
  int cut; // of 8 vectors of a lane's weights: zeros that a schedule leaves out; 0: no schedule
  int exponent, mantissa; // of weights of type "float"
  bool floating;
  int block, block_width; // beats that share an exponent
  uint32_t factors;       // of weights of type "residual"
};

static const struct linear cases[] = {
    // small, so that all of it is used and proofs are within reach: these have mutants
    {5, 3, 2, 2, 3, "signed", 3, "signed", 5, 8, 4, "signed", 0, 0, 1, 0, "half_even", "saturate",
     16},
    {5, 4, 1, 1, 2, "unsigned", 2, "signed", 4, 6, 5, "unsigned", 3, 1, 3, 16, "half_up",
     "saturate", 16},
    {7, 2, 3, 2, 1, "bipolar", 1, "bipolar", 3, 5, 1, "bipolar", 0, 0, 0, 0, "floor", "saturate",
     16},
    {4, 6, 4, 2, 4, "unsigned", 2, "signed", 5, 9, 5, "signed", 0, 0, 1, 0, "floor", "wrap", 16},
    {6, 5, 2, 1, 3, "signed", 1, "bipolar", 4, 7, 4, "signed", 0, 0, 1, 0, "half_away", "symmetric",
     16},
    // sizes and lanes pairwise coprime; one; lanes larger than the layer
    {13, 11, 5, 3, 8, "signed", 8, "signed", 16, 21, 8, "signed", 0, 0, 6, 0, "half_even",
     "saturate", 0},
    {7, 5, 3, 2, 8, "signed", 8, "signed", 10, 20, 8, "signed", 0, 0, 7, 0, "floor", "saturate", 0},
    {1, 1, 1, 1, 8, "signed", 8, "signed", 8, 17, 8, "signed", 0, 0, 5, 0, "half_up", "saturate",
     0},
    {3, 2, 4, 5, 8, "signed", 8, "signed", 12, 19, 9, "signed", 0, 0, 4, 0, "ceil", "saturate", 0},
    // one, two, three groups; one beat
    {12, 3, 4, 3, 8, "signed", 6, "signed", 9, 18, 8, "signed", 0, 0, 3, 0, "away", "symmetric", 0},
    {1, 3, 1, 3, 8, "signed", 6, "signed", 9, 16, 8, "signed", 0, 0, 3, 0, "away", "symmetric", 0},
    {12, 6, 1, 3, 8, "signed", 6, "signed", 9, 18, 8, "signed", 0, 0, 3, 0, "zero", "wrap", 0},
    {12, 9, 5, 3, 8, "unsigned", 6, "signed", 9, 19, 8, "unsigned", 0, 0, 3, 0, "half_down", "zero",
     0},
    {4, 9, 4, 1, 8, "signed", 4, "signed", 9, 15, 6, "signed", 0, 0, 3, 0, "half_zero", "wrap", 0},
    // multipliers, zero points, per channel, tflite
    {10, 6, 3, 2, 8, "unsigned", 8, "unsigned", 18, 22, 8, "unsigned", 31, 0, 45, 3, "half_even",
     "saturate", 0},
    {10, 7, 4, 2, 8, "signed", 8, "signed", 18, 21, 8, "signed", 31, 1, 44, -5, "half_up",
     "saturate", 0},
    {9, 4, 2, 1, 8, "signed", 8, "signed", 18, 21, 8, "signed", 31, 1, 40, 11, "tflite", "saturate",
     0},
    {9, 5,        2,  3, 8,  "signed", 8,        "signed",   18, 21,
     8, "signed", 31, 1, 44, -7,       "tflite", "saturate", 0,  .up_width = 3},
    {9, 3, 2, 4, 8, "signed", 8, "signed", 18, 21, 8, "signed", 40, 1, 52, 11, "half_away", "zero",
     0},
    // narrow and one-bit operands, padded lanes
    {11, 6, 4, 3, 1, "bipolar", 1, "bipolar", 5, 6, 1, "bipolar", 0, 0, 0, 0, "floor", "saturate",
     0},
    {11, 4, 3, 4, 1, "bipolar", 7, "signed", 8, 12, 8, "signed", 0, 0, 2, 0, "half_even",
     "saturate", 0},
    {11, 4, 3, 2, 7, "signed", 1, "bipolar", 8, 12, 8, "signed", 0, 0, 2, 0, "half_even",
     "saturate", 0},
    {10, 4, 3, 2, 7, "unsigned", 1, "bipolar", 8, 12, 8, "signed", 0, 0, 2, 0, "half_even",
     "saturate", 0},
    {10, 4, 4, 2, 7, "signed", 2, "signed", 8, 13, 8, "signed", 0, 0, 2, 0, "half_even", "saturate",
     0},
    {10, 4, 4, 2, 2, "unsigned", 5, "signed", 8, 12, 8, "signed", 0, 0, 1, 0, "half_even",
     "saturate", 0},
    {10, 4, 4, 2, 2, "unsigned", 2, "unsigned", 6, 8, 8, "unsigned", 0, 0, 1, 0, "half_even",
     "saturate", 0},
    {10, 4, 4, 2, 1, "unsigned", 1, "unsigned", 4, 6, 3, "unsigned", 0, 0, 0, 0, "floor",
     "saturate", 0},
    // wide words, left shifts, an accumulator that wraps on the way, wide operands
    {19, 5, 17, 3, 8, "signed", 8, "signed", 16, 22, 16, "signed", 0, 0, -2, 0, "floor", "wrap", 0},
    {19, 5, 4, 3, 8, "signed", 8, "signed", 9, 9, 9, "signed", 0, 0, 0, 0, "floor", "saturate", 0},
    {6, 4, 3, 2, 16, "signed", 16, "signed", 34, 36, 16, "signed", 0, 0, 14, 0, "half_even",
     "saturate", 0},
    {5, 4, 2, 2, 32, "unsigned", 24, "signed", 40, 60, 32, "signed", 31, 0, 60, 0, "half_even",
     "saturate", 0},
    // a queue that is too small costs cycles but no result; a deep one; two banks; three-cycle ROMs
    {8, 24, 8, 1, 8, "signed", 8, "signed", 16, 21, 8, "signed", 0, 0, 6, 0, "half_even",
     "saturate", 4},
    {8, 9, 2, 2, 8, "signed", 8, "signed", 16, 21, 8, "signed", 0, 0, 6, 0, "half_even", "saturate",
     1},
    {30, 100, 8, 1, 8, "signed", 8, "signed", 16, 22, 8, "signed", 0, 0, 6, 0, "half_even",
     "saturate", 128},
    {70, 60, 2, 1, 8, "signed", 8, "signed", 16, 24, 8, "signed", 31, 1, 45, 0, "half_even",
     "saturate", 0},
    {70, 120, 1, 1, 8, "signed", 8, "signed", 16, 24, 8, "signed", 0, 0, 9, 0, "half_even",
     "saturate", 0},
    {4200, 2, 1, 1, 8, "signed", 2, "signed", 16, 24, 8, "signed", 0, 0, 9, 0, "half_even",
     "saturate", 0},
    {8200, 1, 1, 1, 8, "signed", 2, "signed", 16, 24, 8, "signed", 0, 0, 9, 0, "half_even",
     "saturate", 0},
    // squared differences: either operand shifted, of each type, an accumulator that wraps, one
    // multiplier, several beats, lanes without an input, one group and several
    {11,       5, 4, 2, 6, "signed",    5,          "signed", 1,    20, 8,
     "signed", 0, 0, 7, 0, "half_even", "saturate", 0,        true, 1,  0},
    {7,          10, 3, 4, 6, "unsigned", 3,          "signed", 3,    18, 9,
     "unsigned", 0,  0, 4, 0, "floor",    "saturate", 0,        true, 0,  3},
    {9,        3,  2, 3,  1, "bipolar", 2,      "signed", 1,    12, 8,
     "signed", 31, 0, 31, 3, "half_up", "wrap", 0,        true, 2,  1},
    {5,        4, 5, 1, 16, "signed",    17,         "signed", 1,    40, 32,
     "signed", 0, 0, 9, 0,  "half_away", "saturate", 0,        true, 0,  1},
    {6,        2, 1, 1, 8, "signed", 8,      "signed", 1,    9, 9,
     "signed", 0, 0, 0, 0, "floor",  "wrap", 0,        true, 0, 0},
    // two products in a multiplier: the widest, other types, an odd lane, a sum that wraps
    {13, 11, 5, 4, 8,           "signed",   8, "signed", 16, 21, 8,   "signed",
     0,  0,  6, 0, "half_even", "saturate", 0, false,    0,  0,  true},
    {7, 10, 3, 5, 8,       "unsigned", 8, "signed", 10, 20, 8,   "signed",
     0, 0,  7, 0, "floor", "saturate", 0, false,    0,  0,  true},
    {9,  6, 2,  3,  8,         "signed",   8, "unsigned", 12, 21, 9,   "signed",
     31, 1, 44, -5, "half_up", "saturate", 0, false,      0,  0,  true},
    {6, 4, 1, 2, 7,       "unsigned", 8, "unsigned", 12, 13, 9,   "unsigned",
     0, 0, 3, 0, "floor", "wrap",     0, false,      0,  0,  true},
    {5, 3, 2, 2, 3,           "signed",   3,  "signed", 5, 8, 4,   "signed",
     0, 0, 1, 0, "half_even", "saturate", 16, false,    0, 0, true},
    // biases finer than the products: of several beats and of one, an accumulator that wraps
    {13, 11,       5,  3, 8,  "signed", 4,           "signed",   16, 26,
     8,  "signed", 31, 1, 44, 0,        "half_even", "saturate", 0,  .sum_shift = 9},
    {4, 5,        4, 2, 4, "unsigned", 1,         "bipolar",  7,  12,
     5, "signed", 0, 0, 6, 1,          "half_up", "saturate", 16, .sum_shift = 5},
    {6, 4,          1, 2, 7, "unsigned", 8,       "unsigned", 12, 13,
     9, "unsigned", 0, 0, 3, 0,          "floor", "wrap",     0,  .sum_shift = 3},
    // schedules: few steps of a beat, most of them, one lane, a padded lane and group, one input
    // lane, multipliers of outputs, biases from two registers, shared multipliers, three-cycle ROMs
    {9, 6,        2, 2, 3, "signed", 3,           "signed",   5,  8,
     4, "signed", 0, 0, 1, 0,        "half_even", "saturate", 16, .cut = 6},
    {5, 4,        1, 1, 3, "unsigned", 2,         "signed",   5,  8,
     4, "signed", 0, 0, 1, 0,          "half_up", "saturate", 16, .cut = 4},
    {40, 30,       4, 4, 8, "signed", 6,           "signed",   12, 21,
     8,  "signed", 0, 0, 5, 0,        "half_even", "saturate", 0,  .cut = 6},
    {23, 17,       3,  5, 8,  "unsigned", 4,         "signed",   12, 20,
     8,  "signed", 31, 1, 44, 3,          "half_up", "saturate", 0,  .cut = 4},
    {9, 70,       1,  1, 7,  "signed", 8,           "signed",   12,  20,
     8, "signed", 31, 1, 45, 0,        "half_even", "saturate", 128, .cut = 7},
    {31,       22, 5, 4, 8, "signed",    8,          "signed", 16,           21,      8,
     "signed", 0,  0, 6, 0, "half_even", "saturate", 0,        .pack = true, .cut = 5},
    {19, 9,        2, 3, 1, "bipolar", 3,           "signed",   8, 12,
     8,  "signed", 0, 0, 2, 0,         "half_even", "saturate", 0, .cut = 1},
    {12, 9,        4, 3, 8, "signed", 4,       "signed",   9, 19,
     8,  "signed", 0, 0, 3, 0,        "floor", "saturate", 4, .cut = 8},
    {100, 240,      1, 2, 8, "signed", 3,           "signed",   16, 24,
     8,   "signed", 0, 0, 9, 0,        "half_even", "saturate", 0,  .cut = 1},
    // and of minifloats
    {23,
     17,
     3,
     5,
     8,
     "signed",
     4,
     "float",
     5,
     14,
     8,
     "signed",
     0,
     0,
     5,
     0,
     "half_even",
     "saturate",
     0,
     .exponent = 2,
     .mantissa = 1,
     .cut = 5},
    {23,
     17,
     3,
     2,
     8,
     "unsigned",
     8,
     "float",
     18,
     33,
     8,
     "signed",
     31,
     1,
     55,
     0,
     "half_even",
     "saturate",
     0,
     .exponent = 4,
     .mantissa = 3,
     .floating = true,
     .cut = 6},
    // minifloats: decoded to integers, packed, of powers of two, significands, without a sign, one
    // lane and several, an accumulator that wraps, ROMs of two and three cycles
    {5,
     3,
     2,
     2,
     3,
     "signed",
     4,
     "float",
     5,
     10,
     4,
     "signed",
     0,
     0,
     3,
     0,
     "half_even",
     "saturate",
     16,
     .exponent = 2,
     .mantissa = 1},
    {13, 11, 5, 3, 8,           "signed",   6, "float",       16,           24, 8, "signed",
     0,  0,  9, 0, "half_even", "saturate", 0, .exponent = 3, .mantissa = 2},
    {9,
     6,
     2,
     3,
     8,
     "signed",
     4,
     "float",
     12,
     21,
     9,
     "signed",
     31,
     1,
     44,
     -5,
     "half_up",
     "saturate",
     0,
     .pack = true,
     .exponent = 2,
     .mantissa = 1},
    {11,
     6,
     4,
     3,
     1,
     "bipolar",
     4,
     "float",
     5,
     10,
     8,
     "signed",
     0,
     0,
     2,
     0,
     "floor",
     "saturate",
     0,
     .exponent = 2,
     .mantissa = 1},
    {7,
     5,
     3,
     2,
     8,
     "unsigned",
     4,
     "float",
     9,
     22,
     8,
     "signed",
     0,
     0,
     7,
     0,
     "half_even",
     "saturate",
     0,
     .exponent = 3,
     .mantissa = 0,
     .floating = true},
    {7,
     5,
     1,
     2,
     6,
     "signed",
     3,
     "float",
     9,
     16,
     8,
     "signed",
     0,
     0,
     7,
     0,
     "half_even",
     "saturate",
     0,
     .exponent = 3,
     .mantissa = 0,
     .floating = true},
    {10,
     6,
     3,
     2,
     8,
     "signed",
     8,
     "float",
     18,
     33,
     8,
     "signed",
     31,
     1,
     54,
     3,
     "half_even",
     "saturate",
     0,
     .exponent = 4,
     .mantissa = 3,
     .floating = true},
    {10,
     7,
     4,
     2,
     8,
     "unsigned",
     8,
     "float",
     18,
     20,
     8,
     "signed",
     0,
     0,
     12,
     0,
     "floor",
     "wrap",
     0,
     .exponent = 5,
     .mantissa = 3,
     .floating = true},
    {6,
     4,
     3,
     2,
     8,
     "signed",
     8,
     "float",
     18,
     45,
     8,
     "signed",
     0,
     0,
     33,
     0,
     "half_even",
     "saturate",
     0,
     .exponent = 5,
     .mantissa = 2,
     .floating = true},
    {6, 4, 3,  2, 8,           "signed",   8, "float",       18,           45, 8, "signed",
     0, 0, 33, 0, "half_even", "saturate", 0, .exponent = 5, .mantissa = 2},
    {70, 120, 1, 1, 8,           "signed",   2, "float",       16,           24, 8, "signed",
     0,  0,   9, 0, "half_even", "saturate", 0, .exponent = 1, .mantissa = 0},
    {8200, 1, 1, 1, 8,           "signed",   4, "float",       16,           24, 8, "signed",
     0,    0, 9, 0, "half_even", "saturate", 0, .exponent = 2, .mantissa = 1},
    {8200,
     1,
     1,
     1,
     8,
     "signed",
     4,
     "float",
     16,
     26,
     8,
     "signed",
     0,
     0,
     9,
     0,
     "half_even",
     "saturate",
     0,
     .exponent = 3,
     .mantissa = 0,
     .floating = true},
    // sums of signs: one plane, two and four, inputs of each type, one lane, lanes without an input
    // or
    // an output, a sum that wraps, a bias that is finer, a beat after another of blocks, a ROM of
    // three
    // cycles
    {5, 3,        2, 2, 3, "signed", 2,           "residual", 5,  9,
     4, "signed", 0, 0, 2, 0,        "half_even", "saturate", 16, .factors = 0x0205},
    {13, 11,       5, 3, 8, "signed", 2,           "residual", 16, 23,
     8,  "signed", 0, 0, 9, 0,        "half_even", "saturate", 0,  .factors = 0x1f5e},
    {10, 7,        4,  2, 8,  "unsigned", 4,         "residual", 14, 21,
     8,  "signed", 31, 1, 44, -5,         "half_up", "saturate", 0,  .factors = 0x05112347},
    {7, 2,        3, 2, 1, "bipolar", 3,       "residual", 5, 9,
     6, "signed", 0, 0, 1, 0,         "floor", "wrap",     0, .factors = 0x010204},
    {6, 4,        1, 2, 7, "unsigned", 1,       "residual", 9, 12,
     9, "signed", 0, 0, 1, 0,          "floor", "saturate", 0, .factors = 0x01},
    {9, 5,        4, 3, 7, "signed", 2,       "residual", 9, 10,
     9, "signed", 0, 0, 1, 0,        "floor", "wrap",     0, .factors = 0x7f7f},
    {8,
     6,
     2,
     2,
     6,
     "signed",
     3,
     "residual",
     12,
     24,
     8,
     "signed",
     0,
     0,
     9,
     0,
     "half_even",
     "saturate",
     0,
     .sum_shift = 4,
     .factors = 0x030b29},
    {8200, 1,        1, 1, 8, "signed", 2,           "residual", 16, 26,
     8,    "signed", 0, 0, 9, 0,        "half_even", "saturate", 0,  .factors = 0x0203},
    // schedules of blocks
    {29,       17, 3,           4,          8,        "signed",   4,
     "signed", 12, 26,          8,          "signed", 0,          0,
     9,        0,  "half_even", "saturate", 0,        .block = 2, .block_width = 3,
     .cut = 5},
    // blocks: of one beat, of several, of all and more, a last one that is short, one group and
    // several,
    // of minifloats, packed, a sum that wraps, a bias that is finer
    {13,       11, 2,           3,          8,        "signed",   4,
     "signed", 16, 26,          8,          "signed", 0,          0,
     6,        0,  "half_even", "saturate", 0,        .block = 2, .block_width = 3},
    {5, 3, 2, 2,           3,          "signed", 3,          "signed",        5, 12, 4, "signed", 0,
     0, 3, 0, "half_even", "saturate", 16,       .block = 1, .block_width = 2},
    {12, 3, 2, 3,       8,          "unsigned", 4,          "signed",        9, 24, 8, "signed", 0,
     0,  9, 0, "floor", "saturate", 0,          .block = 3, .block_width = 3},
    {7,        5, 1,           2,          8,        "signed",   4,
     "signed", 9, 22,          8,          "signed", 31,         1,
     44,       3, "half_even", "saturate", 0,        .block = 9, .block_width = 2},
    {16,
     6,
     4,
     2,
     8,
     "signed",
     4,
     "float",
     12,
     28,
     8,
     "signed",
     0,
     0,
     9,
     0,
     "half_even",
     "saturate",
     0,
     .exponent = 2,
     .mantissa = 1,
     .block = 2,
     .block_width = 3},
    {16,
     6,
     2,
     2,
     8,
     "signed",
     8,
     "float",
     18,
     44,
     8,
     "signed",
     0,
     0,
     24,
     0,
     "half_even",
     "saturate",
     0,
     .exponent = 4,
     .mantissa = 3,
     .floating = true,
     .block = 4,
     .block_width = 3},
    {16,          5,
     4,           3,
     8,           "signed",
     4,           "signed",
     12,          28,
     8,           "signed",
     0,           0,
     9,           0,
     "half_even", "saturate",
     0,           .pack = true,
     .block = 2,  .block_width = 4},
    {9,
     5,
     3,
     2,
     8,
     "signed",
     4,
     "signed",
     9,
     14,
     9,
     "signed",
     0,
     0,
     3,
     0,
     "floor",
     "wrap",
     0,
     .block = 1,
     .block_width = 3,
     .sum_shift = 2},
    {8200,     2,  2,           1,          8,        "signed",   3,
     "signed", 16, 30,          8,          "signed", 0,          0,
     9,        0,  "half_even", "saturate", 0,        .block = 8, .block_width = 3},
};
enum { CASES = sizeof cases / sizeof *cases, MUTABLE = 5, MOST_STEPS = 4000 };

static int beats(int elements, int lanes) {
  return (elements + lanes - 1) / lanes;
}

static int log2_up(int n) {
  int bits = 0;
  while ((1 << bits) < n) bits++;
  return bits;
}

static bool is_float(const struct linear *l) {
  return strcmp(l->weight_type, "float") == 0;
}

// Whether output o's weights for a beat are zeros; of some beats all are.
static bool is_cut(const struct cell *c, int o, int beat) {
  const struct linear *l = c->with;
  if (!l->cut) return false;
  if (cell_random(4000 + (uint64_t)c->id, (uint64_t)beat, 0) % 16 == 0) return true;
  return (int)(cell_random(4500 + (uint64_t)c->id, (uint64_t)beat, (uint64_t)o + 1) % 8) < l->cut;
}

// The bits of a weight in its memory; of a minifloat not those of -0.
static uint64_t weight_bits(const struct cell *c, int o, int i) {
  const struct linear *l = c->with;
  if (is_cut(c, o, i / l->pi)) return 0;
  uint64_t r = cell_random(1000 + (uint64_t)c->id, (uint64_t)o, (uint64_t)i);
  uint64_t code = cell_code((int64_t)r, l->weight_width),
           size = (uint64_t)1 << (l->exponent + l->mantissa);
  return is_float(l) && code == size ? 0 : code;
}

static bool is_residual(const struct linear *l) {
  return strcmp(l->weight_type, "residual") == 0;
}

static int64_t sum_of_signs(const struct linear *l, uint64_t code) {
  int64_t sum = 0;
  for (int k = 0; k < l->weight_width; k++) {
    int64_t factor = l->factors >> 8 * k & 255;
    sum += code >> k & 1 ? factor : -factor;
  }
  return sum;
}

static int64_t weight(const struct cell *c, int o, int i) {
  const struct linear *l = c->with;
  uint64_t code = weight_bits(c, o, i);
  if (is_residual(l)) return sum_of_signs(l, code);
  if (!is_float(l)) return cell_value(code, l->weight_width, l->weight_type);
  int64_t exponent = (int64_t)(code >> l->mantissa) & ((1 << l->exponent) - 1);
  int64_t one = (int64_t)1 << l->mantissa, mantissa = (int64_t)code & (one - 1);
  int64_t size = exponent ? (one + mantissa) * ((int64_t)1 << (exponent - 1)) : mantissa;
  return code >> (l->exponent + l->mantissa) ? -size : size;
}

static int64_t bias(const struct cell *c, int o) {
  const struct linear *l = c->with;
  uint64_t r = cell_random(2000 + (uint64_t)c->id, (uint64_t)o, 0);
  return cell_value(cell_code((int64_t)r, l->bias_width), l->bias_width, "signed");
}

static int64_t multiplier(const struct cell *c, int o) {
  const struct linear *l = c->with;
  if (l->mul_width == 0) return 1;
  uint64_t r = cell_random(3000 + (uint64_t)c->id, l->channels ? (uint64_t)o : 0, 0);
  return (int64_t)(cell_code((int64_t)r, l->mul_width) | (uint64_t)1 << (l->mul_width - 1));
}

// What output o shifts less than SHIFT.
static int up(const struct cell *c, int o) {
  const struct linear *l = c->with;
  return (int)(cell_random(3500 + (uint64_t)c->id, (uint64_t)o, 0) % (1U << l->up_width));
}

// A word of its memory: the multiplier, and above it the shift.
static uint64_t multiplier_word(const struct cell *c, int o) {
  const struct linear *l = c->with;
  return (uint64_t)multiplier(c, o) | (uint64_t)up(c, o) << l->mul_width;
}

// The exponent that output o has for input i.
static int exponent_of(const struct cell *c, int o, int i) {
  const struct linear *l = c->with;
  if (!l->block) return 0;
  return (int)(cell_random(3700 + (uint64_t)c->id, (uint64_t)o, (uint64_t)(i / l->pi / l->block)) %
               (1U << l->block_width));
}

static uint64_t expected(const struct cell *c, int frame, int o) {
  const struct linear *l = c->with;
  int64_t acc = 0;
  for (int i = 0; i < l->in; i++) {
    int64_t x = cell_value(c->input(c, frame, i), l->in_width, l->in_type), w = weight(c, o, i);
    int64_t difference = x * (1 << l->in_shift) - w * (1 << l->weight_shift);
    acc += l->distance ? difference * difference : x * w * ((int64_t)1 << exponent_of(c, o, i));
  }
  acc = acc * ((int64_t)1 << l->sum_shift) + bias(c, o);
  acc = cell_value(cell_code(acc, l->acc_width), l->acc_width, "signed");
  struct fix_target t = cell_target(l->out_width, l->out_type, l->zero, l->rounding, l->overflow);
  int64_t y = rational_requant(acc, multiplier(c, o), l->shift - up(c, o), &t);
  return t.bipolar ? y > 0 : cell_code(y, l->out_width);
}

// ---- a schedule: each lane works on the groups that it must, one after the other, and waits where
// it would name a group twice in a row

enum { STEPS_MAX = 1 << 15, LANES_MAX = 8, NOTHING = -1 };

struct steps {
  int count;
  int beat[STEPS_MAX];
  bool last[STEPS_MAX];             // of the beat
  int group[STEPS_MAX][LANES_MAX];  // that a lane names
  bool first[STEPS_MAX][LANES_MAX]; // in a row
  bool idle[STEPS_MAX][LANES_MAX];  // it has no weights to add
};

static struct steps steps;

static void put_step(const struct linear *l, int beat) {
  if (steps.count == STEPS_MAX || l->po > LANES_MAX) abort();
  steps.beat[steps.count] = beat;
  steps.last[steps.count++] = false;
}

// The step `at` of a lane names a group that the one before doesn't, and not the first.
static void wait_lane(int at, int lane) {
  int group = 1;
  while (at && group == steps.group[at - 1][lane]) group++;
  steps.group[at][lane] = group;
  steps.idle[at][lane] = true;
}

// Steps of a lane on its groups, from step `at` on; behind the last.
static int put_lane(const struct cell *c, int beat, int lane, int at) {
  const struct linear *l = c->with;
  for (int g = 0; g < beats(l->out, l->po); g++) {
    if (g * l->po + lane >= l->out || is_cut(c, g * l->po + lane, beat)) continue;
    if (at && steps.group[at - 1][lane] == g) wait_lane(at++, lane);
    if (at >= STEPS_MAX - 1) abort();
    steps.idle[at][lane] = false;
    steps.group[at++][lane] = g;
  }
  return at;
}

static void put_beat(const struct cell *c, int beat) {
  const struct linear *l = c->with;
  int begin = steps.count, ends[LANES_MAX], most = begin + 1;
  for (int lane = 0; lane < l->po; lane++) {
    ends[lane] = put_lane(c, beat, lane, begin);
    most = ends[lane] > most ? ends[lane] : most;
  }
  while (steps.count < most) put_step(l, beat);
  for (int lane = 0; lane < l->po; lane++)
    for (int at = ends[lane]; at < most; at++) wait_lane(at, lane);
}

// The last beat has all groups in order, and none behind the same.
static void put_last_beat(const struct cell *c, int beat) {
  const struct linear *l = c->with;
  bool again = false;
  for (int lane = 0; lane < l->po && steps.count; lane++)
    again |= steps.group[steps.count - 1][lane] == 0;
  if (again) {
    steps.last[steps.count - 1] = false;
    put_step(l, beat - 1);
    for (int lane = 0; lane < l->po; lane++) wait_lane(steps.count - 1, lane);
  }
  if (steps.count) steps.last[steps.count - 1] = true;
  for (int g = 0; g < beats(l->out, l->po); g++) {
    put_step(l, beat);
    for (int lane = 0; lane < l->po; lane++) {
      steps.group[steps.count - 1][lane] = g;
      steps.idle[steps.count - 1][lane] = false;
    }
  }
  steps.last[steps.count - 1] = true;
}

static void make_steps(const struct cell *c) {
  const struct linear *l = c->with;
  bool seen[STEPS_MAX / 16][LANES_MAX] = {{false}};
  steps.count = 0;
  for (int b = 0; b < beats(l->in, l->pi) - 1; b++) {
    put_beat(c, b);
    steps.last[steps.count - 1] = true;
  }
  put_last_beat(c, beats(l->in, l->pi) - 1);
  for (int i = 0; i < steps.count; i++)
    for (int lane = 0; lane < l->po; lane++) {
      steps.first[i][lane] = !seen[steps.group[i][lane]][lane];
      seen[steps.group[i][lane]][lane] = true;
    }
}

static int count_steps(const struct cell *c) {
  const struct linear *l = c->with;
  if (!l->cut) return beats(l->in, l->pi) * beats(l->out, l->po);
  make_steps(c);
  return steps.count;
}

// Word of `count` weights of output o from input i on, input i in the low bits, as hexadecimal.
static void write_word(FILE *f, const struct cell *c, int o, int first) {
  const struct linear *l = c->with;
  char text[1024] = "";
  int bits = l->pi * l->weight_width, digits = (bits + 3) / 4;
  for (int d = digits - 1; d >= 0; d--) {
    int digit = 0;
    for (int b = 3; b >= 0; b--) {
      int bit = 4 * d + b, i = first + bit / l->weight_width, value = 0;
      // where there is no input any weight will do, but for a distance
      if (bit < bits && o < l->out)
        value =
            (int)(i < l->in ? weight_bits(c, o, i) >> (bit % l->weight_width) : !l->distance) & 1;
      digit = 2 * digit + value;
    }
    text[digits - 1 - d] = "0123456789abcdef"[digit];
  }
  fprintf(f, "%s\n", text);
}

static FILE *open_image(const struct cell *c, const char *folder, const char *kind, int lane,
                        int bank) {
  char path[4096];
  snprintf(path, sizeof path, "%s/c%d_%s_%03d_%03d.mem", folder, c->id, kind, lane, bank);
  FILE *f = fopen(path, "w");
  if (!f) {
    perror(path);
    exit(1);
  }
  return f;
}

static void write_lane(const struct cell *c, const char *folder, int lane) {
  const struct linear *l = c->with;
  int count = count_steps(c), og = beats(l->out, l->po);
  FILE *f = NULL;
  for (int word = 0; word < count; word++) {
    if (word % 2048 == 0) {
      if (f) fclose(f);
      f = open_image(c, folder, "weight", lane, word / 2048);
    }
    int group = l->cut ? steps.group[word][lane] : word % og;
    int beat = l->cut ? steps.beat[word] : word / og;
    // beyond the last output all are zeros
    bool idle = l->cut && steps.idle[word][lane];
    write_word(f, c, idle ? l->out : group * l->po + lane, beat * l->pi);
  }
  fclose(f);
  FILE *b = open_image(c, folder, "bias", lane, 0);
  FILE *m = l->channels ? open_image(c, folder, "mul", lane, 0) : NULL;
  for (int g = 0; g < og; g++) {
    int o = g * l->po + lane;
    fprintf(b, "%" PRIx64 "\n", o < l->out ? cell_code(bias(c, o), l->bias_width) : 0);
    if (m) fprintf(m, "%" PRIx64 "\n", o < l->out ? multiplier_word(c, o) : 0);
  }
  fclose(b);
  if (m) fclose(m);
  FILE *s = l->block ? open_image(c, folder, "shared", lane, 0) : NULL;
  for (int block = 0; s && block * l->block < beats(l->in, l->pi); block++)
    for (int g = 0; g < og; g++) {
      int o = g * l->po + lane;
      fprintf(s, "%x\n", o < l->out ? (unsigned)exponent_of(c, o, block * l->block * l->pi) : 0);
    }
  if (s) fclose(s);
}

// As one number up to 64 bits: the last of the beat, then from the last lane to the first whether
// it begins, and its group.
static void write_schedule(const struct cell *c, const char *folder) {
  const struct linear *l = c->with;
  int bits = log2_up(beats(l->out, l->po));
  FILE *f = NULL;
  for (int word = 0; word < steps.count; word++) {
    if (word % 2048 == 0) {
      char path[4096];
      if (f) fclose(f);
      snprintf(path, sizeof path, "%s/c%d_schedule_%03d.mem", folder, c->id, word / 2048);
      f = fopen(path, "w");
      if (!f) {
        perror(path);
        exit(1);
      }
    }
    uint64_t code = steps.last[word];
    for (int lane = l->po - 1; lane >= 0; lane--)
      code = (code << 1 | steps.first[word][lane]) << bits | (uint64_t)steps.group[word][lane];
    fprintf(f, "%" PRIx64 "\n", code);
  }
  fclose(f);
}

static void write_images(const struct cell *c, const char *folder) {
  const struct linear *l = c->with;
  for (int lane = 0; lane < l->po; lane++) write_lane(c, folder, lane);
  if (l->cut) write_schedule(c, folder);
}

// The formula of fixed_linear.sv's header.
static int latency(const struct cell *c, int queue) {
  const struct linear *l = c->with;
  int requant = 2 + (l->mul_width > 0) + (strcmp(l->rounding, "tflite") == 0);
  return (count_steps(c) > 8192 ? 3 : 2) + is_float(l) + 1 + log2_up(l->pi) +
         (l->distance || l->pack || l->floating || is_residual(l)) + (l->block > 0) + 1 + requant +
         (queue > 64 ? 3 : 2);
}

static void set_timing(struct cell *c, int queue) {
  const struct linear *l = c->with;
  int first = beats(l->out, l->po);
  if (queue < latency(c, queue) + 1) return; // too few credits for full rate
  c->ii = count_steps(c);
  if (l->cut)
    for (first = 1; !steps.last[first - 1];) first++;
  // the first beat is taken with its last step
  c->latency = c->ii - first + latency(c, queue);
}

static void set_parameters(struct cell *c, int queue) {
  const struct linear *l = c->with;
  cell_integer(c, "IN_FEATURES", l->in);
  cell_integer(c, "OUT_FEATURES", l->out);
  cell_integer(c, "IN_LANES", l->pi);
  cell_integer(c, "OUT_LANES", l->po);
  cell_integer(c, "IN_WIDTH", l->in_width);
  cell_text(c, "IN_TYPE", l->in_type);
  cell_integer(c, "WEIGHT_WIDTH", l->weight_width);
  cell_text(c, "WEIGHT_TYPE", l->weight_type);
  if (is_float(l)) cell_integer(c, "EXPONENT", l->exponent);
  if (is_float(l)) cell_integer(c, "MANTISSA", l->mantissa);
  if (l->floating) cell_integer(c, "FLOATING", 1);
  if (is_residual(l)) cell_integer(c, "FACTORS", (int64_t)l->factors);
  if (l->block) {
    char name[64];
    snprintf(name, sizeof name, "rom/c%d_shared", c->id);
    cell_integer(c, "BLOCK", l->block);
    cell_integer(c, "BLOCK_WIDTH", l->block_width);
    cell_text(c, "BLOCK_FILE", name);
  }
  if (l->pack) cell_integer(c, "PACK", 1);
  if (l->distance) {
    cell_integer(c, "DISTANCE", 1);
    cell_integer(c, "IN_SHIFT", l->in_shift);
    cell_integer(c, "WEIGHT_SHIFT", l->weight_shift);
  }
  cell_integer(c, "BIAS_WIDTH", l->bias_width);
  cell_integer(c, "ACC_WIDTH", l->acc_width);
  if (l->sum_shift) cell_integer(c, "SUM_SHIFT", l->sum_shift);
  cell_integer(c, "OUT_WIDTH", l->out_width);
  cell_text(c, "OUT_TYPE", l->out_type);
  cell_integer(c, "MUL_WIDTH", l->mul_width + l->up_width);
  if (l->up_width) cell_integer(c, "UP_WIDTH", l->up_width);
  char text[64];
  snprintf(text, sizeof text, "rom/c%d_weight", c->id);
  cell_text(c, "WEIGHT_FILE", text);
  snprintf(text, sizeof text, "rom/c%d_bias", c->id);
  cell_text(c, "BIAS_FILE", text);
  snprintf(text, sizeof text, "rom/c%d_mul", c->id);
  if (l->channels)
    cell_text(c, "MUL_FILE", text);
  else
    cell_literal(c, "MUL", multiplier(c, 0));
  cell_integer(c, "SHIFT", l->shift);
  cell_wide(c, "ZERO", l->zero);
  cell_text(c, "ROUNDING", l->rounding);
  cell_text(c, "OVERFLOW", l->overflow);
  cell_integer(c, "QUEUE", queue);
  if (!l->cut) return;
  cell_integer(c, "SCHEDULE", count_steps(c));
  snprintf(text, sizeof text, "rom/c%d_schedule", c->id);
  cell_text(c, "SCHEDULE_FILE", text);
}

void cells_linear(struct suite *s) {
  for (int i = 0; i < CASES; i++) {
    const struct linear *l = &cases[i];
    struct cell *c = suite_add(s, "fixed_linear");
    int queue = l->queue > 0 ? l->queue : 32;
    c->with = l;
    c->in_lanes = l->pi;
    c->in_width = l->in_width;
    c->in_elements = l->in;
    c->out_lanes = l->po;
    c->out_width = l->out_width;
    c->out_elements = l->out;
    c->expected = expected;
    c->write_images = write_images;
    c->mutable = i < MUTABLE || (l->cut && l->in < 10 && l->out < 10);
    // so many frames that each place of the queue is used more than once, where that is cheap
    int groups = beats(l->out, l->po), cycles = beats(l->in, l->pi) * groups;
    int enough = c->mutable ? MOST_STEPS / cycles : 2 * queue / groups + 1;
    if (cycles > MOST_STEPS) c->frames = 2;
    if (enough > c->frames && cycles * enough <= MOST_STEPS) c->frames = enough;
    set_timing(c, queue);
    set_parameters(c, queue);
  }
}
