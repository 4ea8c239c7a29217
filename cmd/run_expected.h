// SPDX-License-Identifier: Apache-2.0
// One array of the file of --compare, and what its numbers are.
#ifndef NNGEN_CMD_RUN_EXPECTED_H
#define NNGEN_CMD_RUN_EXPECTED_H

#include "cmd/run.h"
#include "sw/data/array.h"
#include "sw/graph/graph.h"

struct expected {
  struct array array;         // (frames, ..)
  bool codes;                 // the file's numbers
  bool as_codes;              // how they are compared
  int64_t channels;           // of scale and zero
  int64_t inner;              // elements of a channel that lie side by side
  const double *scale, *zero; // (channels) of codes; NULL: those of the output's type
  const char *form;           // both sides, in words
};

// Finds out what the numbers of x->array are, which stand for output `y`, and sets the rest; of a
// run in floats the output has no codes. False if that can't be told.
bool run_expected(struct arena *a, const struct value *y, bool floats, const struct expect *said,
                  struct expected *x, struct err *e);

// Element i: a code of the output's type if x->as_codes, or a value.
double run_expected_at(const struct expected *x, int64_t i);

// The channel of element i of the output's frames, of a type with a scale for each.
int64_t run_channel(const struct value *y, int64_t i);

#endif
