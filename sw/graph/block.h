// SPDX-License-Identifier: Apache-2.0
// Blocks of weights that share an exponent: docs/numerics.md, "Blocks". The weights of an output
// lie side by side; N of them, the last block of an output may have fewer, are elements times 2^s:
//
//     block16:4      integers of 4 bits, -7 .. 7        block32:e2m1    minifloats
//
// As integers of a tensor they are the elements' integers times 2^(s - the least s there is). Of
// several exponents that say the same the least counts.
#ifndef NNGEN_GRAPH_BLOCK_H
#define NNGEN_GRAPH_BLOCK_H

#include "sw/graph/minifloat.h"

struct blocked {
  int32_t size;             // N
  uint8_t width;            // bits of an element's code
  bool is_float;            // elements are `element`, otherwise integers without their lowest
  struct minifloat element; // is_float
  uint8_t span;             // the largest of all exponents, above the least
};

enum {
  BLOCK_SIZE_MAX = 1 << 16,
  BLOCK_TEXT = 32,
  BLOCK_EXPONENT_MIN = -32,
  BLOCK_EXPONENT_MAX = 31
};

// ---- elements: integers

bool block_is_signed(const struct blocked *b);
int64_t block_highest(const struct blocked *b);
bool block_has(const struct blocked *b, int64_t element);
// What element 1 stands for where s is 0: 1, or the least number of the minifloat.
double block_unit(const struct blocked *b);
// The code of an element, and the element of one that is a code.
uint32_t block_code(const struct blocked *b, int64_t element);
bool block_is_code(const struct blocked *b, uint32_t code);
int64_t block_element(const struct blocked *b, uint32_t code);
// The nearest element to v, in units of element 1: half to even, saturated.
int64_t block_round(const struct blocked *b, double v);
// The nearest integer of a tensor to v: an element with the least exponent at which it doesn't
// saturate, up to the span.
int64_t block_round_alone(const struct blocked *b, double v);

// ---- blocks

int64_t block_count(const struct blocked *b, int64_t taps); // of an output
// The least exponent, above the tensor's least, with which all `count` integers are elements; -1.
int block_exponent(const struct blocked *b, int64_t count, const int64_t *integers);
// The s of numbers up to `most` > 0: the least at which none saturates; by OCP's rule, where the
// largest may.
int block_fit(const struct blocked *b, double most);
int block_ocp(const struct blocked *b, double most);

// ---- words

// Reads "block16:4" or "block32:e2m1", whatever follows it; NULL if the text isn't of that form.
const char *block_read(const char *text, struct blocked *b);
void block_text(const struct blocked *b, char text[BLOCK_TEXT]);
bool block_check(const struct blocked *b, struct err *e);

#endif
