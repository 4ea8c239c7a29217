// SPDX-License-Identifier: Apache-2.0
// The 45 nm operation-count model: what the operations of a frame would cost one by one, after the
// figures of M. Horowitz (Computing's energy problem, ISSCC 2014). It is no measured power: nothing
// of clocks, wires, control and leakage is in it.
//
//   sum of b bits           0.003125 b pJ
//   product of a x b bits   0.002994791667 a b + 0.001041666667 (a + b) / 2 pJ
//   bit from a memory of 2^x bits on the chip
//                           9.02427321e-4 x^3 - 2.68847858e-2 x^2 + 0.208900804 x pJ
//   bit from outside        20.3125 pJ
#ifndef NNGEN_CIRCUIT_ENERGY_H
#define NNGEN_CIRCUIT_ENERGY_H

#include "sw/graph/graph.h"

#define ENERGY_MODEL "45 nm operation-count model"

// pJ of one operation; of one bit that is read.
double energy_product(double a_bits, double b_bits);
double energy_add(double bits);
double energy_read(double memory_bits);

// pJ of a frame.
struct energy {
  double arithmetic; // a product and a sum of the accumulator's bits for each multiplication
  double on_chip;    // its weight from the memory of its layer, and each element of each layer with
                     // weights from a buffer of a frame of them
  double off_chip;   // the frame that comes in and the results that leave
};

// Of a graph of integers; layers whose outputs are none count nothing.
struct energy energy_of(const struct graph *g);

static inline double energy_sum(struct energy e) {
  return e.arithmetic + e.on_chip + e.off_chip;
}

#endif
