// SPDX-License-Identifier: Apache-2.0
// Digits drawn by code, for tests and for machines without MNIST. Integers and correctly rounded
// square roots only, so that the same seed gives the same bytes everywhere.
#ifndef NNGEN_DATA_SYNTHETIC_H
#define NNGEN_DATA_SYNTHETIC_H

#include <stdint.h>

enum { SYNTHETIC_SIDE = 28 };

// Draws image `index` of the set `seed` into pixels (28, 28); returns its label, 0..9.
int synthetic_digit(uint64_t seed, int64_t index, uint8_t *pixels);

#endif
