// SPDX-License-Identifier: Apache-2.0
// The scale of fake_quant (sw/graph/column_fake_quant.c), for who makes codes of its values.
#ifndef NNGEN_EXEC_FAKE_QUANT_H
#define NNGEN_EXEC_FAKE_QUANT_H

#include "sw/graph/type.h"

// The exponent e of the scale u 2^e: ceil(*t), or without t the least at which none of `count`
// numbers saturates; within the exponents that types have.
int fake_quant_exponent(const struct type *type, const float *t, const float *x, int64_t count);

#endif
