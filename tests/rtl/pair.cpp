// SPDX-License-Identifier: Apache-2.0
// Every input and every two weights through fixed_mac_pair of one lane, against plain products:
// IN, IN_SIGNED, WEIGHT and WEIGHT_SIGNED are its widths and types.
#include <cstdint>
#include <cstdio>

#include "Vfixed_mac_pair.h"

static int64_t value(int64_t code, int bits, bool is_signed) {
  return is_signed && code >> (bits - 1) & 1 ? code - (INT64_C(1) << bits) : code;
}

int main() {
  constexpr int LATENCY = 2, OUT = IN + WEIGHT + 1;
  constexpr int64_t MASK = (INT64_C(1) << OUT) - 1, WEIGHTS = INT64_C(1) << WEIGHT;
  const int64_t cases = WEIGHTS * WEIGHTS << IN;
  Vfixed_mac_pair dut;
  int64_t expected[2][LATENCY] = {};
  for (int64_t i = 0; i < cases + LATENCY - 1; i++) {
    int64_t x = i / WEIGHTS / WEIGHTS % (INT64_C(1) << IN), w = i % WEIGHTS,
            v = i / WEIGHTS % WEIGHTS;
    dut.x = x;
    dut.w = w;
    dut.v = v;
    x = value(x, IN, IN_SIGNED);
    expected[0][i % LATENCY] = x * value(w, WEIGHT, WEIGHT_SIGNED) & MASK;
    expected[1][i % LATENCY] = x * value(v, WEIGHT, WEIGHT_SIGNED) & MASK;
    for (int clock = 0; clock < 2; clock++) {
      dut.aclk = clock;
      dut.eval();
    }
    int64_t then = i - LATENCY + 1;
    if (then < 0) continue;
    if (dut.sum_w == expected[0][then % LATENCY] && dut.sum_v == expected[1][then % LATENCY])
      continue;
    printf("pair: case %lld: expected %lld and %lld, found %lld and %lld\n", (long long)then,
           (long long)expected[0][then % LATENCY], (long long)expected[1][then % LATENCY],
           (long long)dut.sum_w, (long long)dut.sum_v);
    return 1;
  }
  printf("pair: %d x %d bits: %lld cases equal\n", IN, WEIGHT, (long long)cases);
  return 0;
}
