// SPDX-License-Identifier: Apache-2.0
// softmax of the oracle, from docs/numerics.md: element i of the row x (count) of codes of type
// `in`, as a code of type t.
#ifndef NNGEN_TESTS_HELPER_SOFTMAX_H
#define NNGEN_TESTS_HELPER_SOFTMAX_H

#include "sw/graph/type.h"

// half_even(2^20 exp(-d scale)), d >= 0.
int64_t exact_softmax_exp(int64_t d, double scale);

int64_t exact_softmax_host(const int64_t *x, int64_t count, int64_t i, const struct type *in,
                           const struct type *t);
int64_t exact_log_softmax(const int64_t *x, int64_t count, int64_t i, const struct type *in,
                          const struct type *t);
int64_t exact_softmax_circuit(const int64_t *x, int64_t count, int64_t i, const struct type *in,
                              const struct type *t);

// All of a row, as rounding tflite has it.
void exact_softmax_tflite(const int64_t *x, int64_t count, int64_t mul, int shift, int64_t *y);

#endif
