// SPDX-License-Identifier: Apache-2.0
// Printing SystemVerilog: an instance is a name, its parameters in order, its two streams.
#ifndef NNGEN_GEN_VERILOG_H
#define NNGEN_GEN_VERILOG_H

#include "sw/circuit/circuit.h"

#include <stdbool.h>
#include <stdint.h>

// The parameters of one instance, wrapped into lines.
struct parameters {
  struct text *out;
  int column; // of the current line; 0: nothing printed yet
  enum rom_style rom_style;
};

void verilog_parameter(struct parameters *p, const char *name, int64_t value);
void verilog_wide(struct parameters *p, const char *name, int64_t value);     // 64'sd...
void verilog_unsigned(struct parameters *p, const char *name, int64_t value); // 40'd...
void verilog_magic(struct parameters *p, const char *name, int64_t value);    // 64'd...
void verilog_code(struct parameters *p, const char *name, uint32_t bits);     // 32 bits
// {32'd.., ..} of so many bits each, the first value in the low bits.
void verilog_list(struct parameters *p, const char *name, int bits, const int64_t *values,
                  int64_t count);
void verilog_word(struct parameters *p, const char *name, const char *word); // "..."
void verilog_file(struct parameters *p, const char *name,
                  const char *file); // {ROM_DIR, "/file"}; CASE: "file"

// What follows starts a new line: parameters that belong together stand together.
void verilog_line(struct parameters *p);

// A name that the top module may have: letters, digits and _, a letter first, at most 64; no
// reserved word, no name of the library, the benches, or the ports and nets of top.
bool verilog_module_name(const char *name);

#endif
