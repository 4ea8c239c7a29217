// SPDX-License-Identifier: Apache-2.0
// The steps of a linear layer many of whose weights are zero: those with nothing but zeros are left
// out. hw/fixed_linear.sv with SCHEDULE.
//
// A beat of inputs meets, in each output lane, the groups of outputs that have a weight for it;
// each lane has a list of its own, and the beat as many steps as the longest. In the last beat of a
// row all groups come in order, since the results leave there. Two steps of a lane that follow each
// other are never of one group: its sum is written a cycle after the next is read.
#ifndef NNGEN_CIRCUIT_SPARSE_H
#define NNGEN_CIRCUIT_SPARSE_H

#include "sw/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum { SPARSE_GROUPS_LEAST = 3 }; // of outputs; with fewer a lane can't always name another one

struct sparse {
  int64_t words;        // steps of a row
  int64_t lanes;        // of outputs
  const int32_t *steps; // (beats) of each beat, >= 1
  const int32_t *beat;  // (words) which one a step is of
  const int32_t *group; // (words, lanes) that a lane names
  const bool *first;    // (words, lanes) whether it does so for the first time in the row
  const bool *idle;     // (words, lanes) whether it has no weights there
};

// The fewest steps, but for a few that keep a lane's group from coming twice in a row. `kept`
// (beats, outs): whether an output has a weight for a beat. ceil(outs / lanes) groups,
// SPARSE_GROUPS_LEAST or more.
struct sparse *sparse_new(struct arena *a, const bool *kept, int64_t beats, int64_t outs,
                          int64_t lanes);

// Bits of a word of hw/fixed_linear_schedule.sv, and bit i of it.
int sparse_word_bits(const struct sparse *s, int64_t groups);
bool sparse_word_bit(const struct sparse *s, int64_t groups, int64_t word, int64_t i);

#endif
