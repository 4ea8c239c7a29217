// SPDX-License-Identifier: Apache-2.0
// --rom-style case: memory images as text of the circuit, with no file to lose.
//
//   top --> fixed_linear --> ... --> fixed_rom --> fixed_rom_bank --> rom/l0_weight_000_000.mem
//   top --> NAME_fixed_linear --> .. NAME_fixed_rom --> NAME_fixed_rom_bank -->
//   NAME_l0_weight_000_000
//
// The library is the same for all circuits and can't name the images of one. So the modules from
// the top to the images are copied under names of the circuit's own, and in the place of
// fixed_rom_bank stands one that chooses the image by the name it was given. All other modules
// remain the library's.
#ifndef NNGEN_GEN_ROM_CASE_H
#define NNGEN_GEN_ROM_CASE_H

#include "gen/emit.h"

#define ROM_CASE_BANK "fixed_rom_bank" // what is replaced

// Adds to `f`, for each image rom/<image>.mem of `roms`, the module <top>_<image>, a case
// statement, and the bank.
void rom_case_memories(struct emit_files *f, const char *top, struct emit_files *roms);

// Copies a text; the modules' names get <top>_ in front.
void rom_case_rename(struct text *out, const char *text, const char *top,
                     const char *const *modules, uint32_t count);

#endif
