// SPDX-License-Identifier: Apache-2.0
// Weights as sums of signs, each with a factor that all weights share: docs/numerics.md,
// "Residuals". Bit l of a code is the sign of plane l, 1 for +, plane 0 being the first:
//
//     residual2 of factors 5 and 2:    00 -7    10 -3    01 +3    11 +7
//
// Factors without a common divisor, so that integers are no wider than they need be.
#ifndef NNGEN_GRAPH_RESIDUAL_H
#define NNGEN_GRAPH_RESIDUAL_H

#include "sw/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { RESIDUAL_PLANES_MAX = 4, RESIDUAL_FACTOR_MAX = 127, RESIDUAL_TEXT = 16 };

struct residual {
  uint8_t planes;                      // bits of a code
  uint8_t factor[RESIDUAL_PLANES_MAX]; // (planes), >= 1; those behind are 0
};

int64_t residual_highest(const struct residual *r); // the sum of all factors
// The integer of a code, and the lowest code of an integer that has one.
int64_t residual_integer(const struct residual *r, uint32_t code);
uint32_t residual_code(const struct residual *r, int64_t integer);
bool residual_has(const struct residual *r, int64_t integer);

// The integer whose signs are those of what is left of v after the planes before; of 0 it is +.
// (Guo, Yao, Zhao and Chen, "Network sketching", 2017; Ghasemzadeh, Samragh and Koushanfar,
// "ReBNet", 2018.) It is a nearest one where no factor is larger than the one before or less than
// the sum of those behind.
int64_t residual_round(const struct residual *r, double v);

// Factors for numbers that aren't all 0: of each plane the mean magnitude of what the planes before
// leave, at least 1, in units in which they come to about RESIDUAL_SUM, so that integers have 6
// bits; then without what all have in common. What their integer 1 stands for.
enum { RESIDUAL_SUM = 29 };
double residual_choose(struct residual *r, int64_t count, const double *v);

// Reads "residual2", whatever follows it, without factors; NULL if the text isn't of that form.
const char *residual_read(const char *text, struct residual *r);
void residual_text(const struct residual *r, char text[RESIDUAL_TEXT]);
bool residual_check(const struct residual *r, struct err *e); // the number of planes

#endif
