// SPDX-License-Identifier: Apache-2.0
// The softmax of TensorFlow Lite's reference kernel, in 32-bit integers (docs/numerics.md,
// "TFLite"). A node has it with rounding tflite; its one requantisation takes distances from the
// largest integer of a row to units of 2^-26.
#ifndef NNGEN_GRAPH_SOFTMAX_TFLITE_H
#define NNGEN_GRAPH_SOFTMAX_TFLITE_H

#include <stdint.h>

enum { SOFTMAX_TFLITE_ROW_MOST = 4095 }; // elements whose exponentials' sum fits

// exp(-d / 2^26) in units of 2^-31 for a distance d >= 0 from the largest code; 0 where it is too
// far. 0 <= shift <= 31.
int32_t softmax_tflite_exp(int64_t d, int64_t mul, int shift);

// The codes (count) of a row, signed bytes of scale 1/256 and zero -128; exps (count) is room.
void softmax_tflite(const int64_t *x, int64_t count, int64_t mul, int shift, int32_t *exps,
                    int64_t *y);

#endif
