// SPDX-License-Identifier: Apache-2.0
// The type of a value: what its integers (or floats) stand for. docs/numerics.md, "Types".
#ifndef NNGEN_GRAPH_TYPE_H
#define NNGEN_GRAPH_TYPE_H

#include "sw/base/arena.h"
#include "sw/base/text.h"
#include "sw/graph/block.h"
#include "sw/graph/fix.h"
#include "sw/graph/residual.h"

#include <stdbool.h>
#include <stdint.h>

enum type_class {
  TYPE_REAL,
  TYPE_FIXED,
  TYPE_BIPOLAR,
  TYPE_TERNARY,
  TYPE_REF,
  TYPE_MINIFLOAT, // of weights and streams
  TYPE_BLOCK,     // of constant weights; exponents follow from their integers
  TYPE_RESIDUAL   // of constant weights
};

// value = (integer - zero) * scale. Tensors hold integers, of coded types too.
struct type {
  enum type_class cls;
  uint8_t width;              // bits, FIXED only
  bool is_signed;             // FIXED only
  struct minifloat minifloat; // MINIFLOAT only
  struct blocked block;       // BLOCK only
  struct residual residual;   // RESIDUAL only
  int8_t axis;                // of scale and zero; -1: per tensor
  int64_t channels;           // entries of scale and zero: 1, or shape[axis]
  const double *scale;        // (channels), positive and finite; NULL of a class without integers
  const int32_t *zero;        // (channels), FIXED only
};

struct type type_real(void);
struct type type_ref(void);
struct type type_of_class(enum type_class cls); // REAL, REF; BIPOLAR, TERNARY of scale 1
struct type type_fixed(struct arena *a, int width, bool is_signed, double scale, int32_t zero);
struct type type_channels(struct arena *a, int width, bool is_signed, int axis, int64_t channels,
                          const double *scale, const int32_t *zero);
// BIPOLAR or TERNARY with a scale for the tensor (axis -1, one channel) or one per channel.
struct type type_signs(struct arena *a, enum type_class cls, int axis, int64_t channels,
                       const double *scale);

// MINIFLOAT whose integers have these scales.
struct type type_minifloat(struct arena *a, const struct minifloat *m, int axis, int64_t channels,
                           const double *scale);
// BLOCK, per tensor; `scale` is that of the integers.
struct type type_block(struct arena *a, const struct blocked *b, double scale);
// RESIDUAL whose integers have these scales.
struct type type_residual(struct arena *a, const struct residual *r, int axis, int64_t channels,
                          const double *scale);
// The scale of the integers of eXmY with bias B: 2^(1-B-Y).
double type_minifloat_scale(const struct minifloat *m, int bias);

// Parses "W,F" or "uW,F"; false if it isn't one (1 <= W <= 32, -32 <= F <= 60, signed W >= 2).
// Minifloats: eXmY, which has its usual bias, or eXmY,B. Blocks: blockN:W or blockN:eXmY.
bool type_parse_fixed(struct arena *a, const char *text, struct type *out);
bool type_parse_minifloat(struct arena *a, const char *text, struct type *out);
bool type_parse_short(struct arena *a, const char *text, struct type *out);

bool type_is_integer(const struct type *t); // all but REAL and REF
bool type_is_real(const struct type *t);
bool type_is_ref(const struct type *t);
bool type_is_fixed(const struct type *t);
bool type_is_bipolar(const struct type *t);
bool type_is_minifloat(const struct type *t);
bool type_is_block(const struct type *t);
bool type_is_residual(const struct type *t);
// Files have codes: MINIFLOAT, BLOCK, RESIDUAL.
bool type_is_coded(const struct type *t);
bool type_equal(const struct type *a, const struct type *b);
int64_t type_lowest(const struct type *t);             // lowest code
int64_t type_highest(const struct type *t);            // highest code
bool type_is_code(const struct type *t, int64_t code); // bipolar has no 0, coded types have gaps
// Where a requantisation to the type lands, saturated and rounded half to even.
struct fix_target type_target(const struct type *t, int64_t channel);
// Whether 0 has a code, and memories of zeros are such: not of signs and their sums.
bool type_has_zero(const struct type *t);
double type_scale(const struct type *t, int64_t channel);
// The zero point, where it is asked for as such (a parameter, a report); codes go through
// type_integer.
int32_t type_zero(const struct type *t, int64_t channel);

// What a code stands for: an integer, and with the scale a real number.
int64_t type_integer(const struct type *t, int64_t channel, int64_t code);
double type_value(const struct type *t, int64_t channel, int64_t code);
// The code of an integer that has one.
int64_t type_from_integer(const struct type *t, int64_t channel, int64_t integer);

// How a code lies in the bits of a stream or a memory; of coded types, how its integers do.
enum type_coding {
  CODING_UNSIGNED,
  CODING_SIGNED, // two's complement
  CODING_BIPOLAR // 1 for +1, 0 for -1
};
int type_width(const struct type *t); // bits; bipolar 1, ternary 2, of coded types the code's
int type_stream_width(const struct type *t); // the same of streams, where minifloats are integers
enum type_coding type_coding(const struct type *t);
const char *type_coding_text(enum type_coding coding); // as hw/ names it
// The bits of a code, of which the low type_width count; and the code of some bits.
uint32_t type_wire(enum type_coding coding, int64_t code);
int64_t type_unwire(enum type_coding coding, int width, uint32_t bits);

// The code of a real number: divided by the scale of channel 0, rounded half to even, plus zero,
// saturated. Bipolar: its sign; minifloat: minifloat_round; residual: residual_round. The division
// is in double, and exact by a power of two.
int64_t type_encode(const struct type *t, double v);
int64_t type_encode_channel(const struct type *t, int64_t channel, double v);

// The same of an integer of up to 64 bits, exact by any power of two; by another scale the integer
// becomes the nearest double first.
int64_t type_encode_integer(const struct type *t, fix_wide v);

// The code that an element of an array of 32-bit integers holds: of an unsigned type of 32 bits
// its bits, of any other the integer itself.
static inline int64_t type_code(const struct type *t, int32_t element) {
  bool unsigned32 = t->cls == TYPE_FIXED && t->width == 32 && !t->is_signed;
  return unsigned32 ? (int64_t)(uint32_t)element : element;
}

// "8,3", "u8 scale 0.00392157", "real", ... for people and reports.
const char *type_text(struct arena *a, const struct type *t);

// B if the scale is one of bias B, per tensor.
bool type_bias(const struct type *t, int *bias);

// F if the scale is 2^-F with -32 <= F <= 60, zero 0, per tensor.
bool type_fraction(const struct type *t, int *fraction);

#endif
