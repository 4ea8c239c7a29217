// SPDX-License-Identifier: Apache-2.0
// The floats of safetensors files, little-endian, by the sizes of their fields.
#ifndef NNGEN_EXPORT_INTO_FLOAT_H
#define NNGEN_EXPORT_INTO_FLOAT_H

struct into_float {
  const char *name; // "BF16"
  int bytes;
  int mantissa, exponent; // bits
};

const struct into_float *into_float_find(const char *name); // NULL if unknown

double into_float_get(const struct into_float *f, const unsigned char *at);

// Rounds half to even; what is too large becomes infinite.
void into_float_put(const struct into_float *f, unsigned char *at, double v);

#endif
