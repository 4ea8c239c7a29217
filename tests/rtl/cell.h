// SPDX-License-Identifier: Apache-2.0
// A cell under test: an instance of a hw/ module with one parameter set, its stream dimensions, and
// C functions that say what goes in and what must come out. The generator (cell_gen.c) prints a
// bench with all cells of a suite and writes their memory images; the bench asks the same functions
// through DPI-C (cell_dpi.c).
#ifndef NNGEN_TESTS_RTL_CELL_H
#define NNGEN_TESTS_RTL_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "sw/graph/fix.h"

struct cell {
  int id;
  const char *module;
  char parameters[2048];    // ".NAME(VALUE), ..." of the instance
  int in_lanes, in_width;   // elements per beat, bits
  int in_elements;          // per frame
  int out_lanes, out_width; // elements per beat, bits
  int out_elements;         // per frame
  int frames;               // per stall pattern
  bool mutable;    // scripts/mutate-rtl makes mutants of it: each seventh of a module, at most 6
  int ii, latency; // cycles of a frame without stalls; -1: not checked
  int holds;       // beats for which there is room; -1: not checked
  uint64_t (*input)(const struct cell *c, int frame, int element);    // code of in_width bits
  uint64_t (*expected)(const struct cell *c, int frame, int element); // code of out_width bits
  void (*write_images)(const struct cell *c, const char *folder);     // or NULL
  const void *with;                                                   // the column's own parameters
};

enum { CELLS_MAX = 1200 };

// The cells of one suite, built the same way each time.
struct suite {
  struct cell cell[CELLS_MAX];
  int count;
};

void suite_build(struct suite *s, const char *name); // dies if there is none
struct cell *suite_add(struct suite *s, const char *module);
// Appends ".NAME(VALUE), " to the instance's parameters.
void cell_integer(struct cell *c, const char *name, int64_t value);
void cell_wide(struct cell *c, const char *name, int64_t value);   // a 64-bit signed literal
void cell_raw(struct cell *c, const char *name, const char *text); // any literal
void cell_text(struct cell *c, const char *name, const char *value);
void cell_literal(struct cell *c, const char *name, int64_t value); // 40 bits, unsigned

void cells_linear(struct suite *s);
void cells_pointwise(struct suite *s);
void cells_requant(struct suite *s);
void cells_axis(struct suite *s);
void cells_window(struct suite *s);
void cells_reorder(struct suite *s);
void cells_join(struct suite *s);
void cells_table(struct suite *s);
void cells_polynomial(struct suite *s);
void cells_softmax(struct suite *s);

// One word of 64 random bits for each (a, b, c): the same in the generator and in the bench.
uint64_t cell_random(uint64_t a, uint64_t b, uint64_t c);
// The low `width` bits of v, and the integer that such a code stands for.
uint64_t cell_code(int64_t v, int width);
int64_t cell_value(uint64_t code, int width, const char *type);
// An input code that is often extreme: lowest, highest, zero, or any.
uint64_t cell_any_code(const struct cell *c, int frame, int element);
// A requantisation target from the texts that name it in SystemVerilog.
struct fix_target cell_target(int width, const char *type, int64_t zero, const char *rounding,
                              const char *overflow);

#endif
