// SPDX-License-Identifier: Apache-2.0
// How many bits a number needs.
#ifndef NNGEN_BASE_BITS_H
#define NNGEN_BASE_BITS_H

#include <stdint.h>

// Of an unsigned number; 0 has one bit.
static inline int bits_unsigned(uint64_t v) {
  int bits = 1;
  while (bits < 64 && v >> bits) bits++;
  return bits;
}

// Of a number in two's complement, at most 127; 0 and -1 have one bit.
__extension__ static inline int bits_signed(__int128 v) {
  unsigned __int128 magnitude = v < 0 ? ~(unsigned __int128)v : (unsigned __int128)v;
  int bits = 1;
  while (bits < 127 && magnitude >> (bits - 1)) bits++;
  return bits;
}

// The least b with 2^b >= n: of an index below n; 0 for n <= 1.
static inline int bits_clog2(int64_t n) {
  return n <= 1 ? 0 : bits_unsigned((uint64_t)n - 1);
}

#endif
