// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_GEN_HARDWARE_H
#define NNGEN_GEN_HARDWARE_H

#include "gen/emit.h"

// The rows of modules.def, sorted by name.
struct module_row {
  const char *name;
  const char *uses; // names, one blank between them
};
extern const struct module_row module_rows[];
extern const int module_count;

// Adds <top>.sv, the library modules that it uses, byte for byte, its memory images (emit_roms),
// which are taken from `roms`, and <top>.f. With ROM_CASE the images become modules, and so do
// copies of what stands between them and the top.
bool hardware_files(struct emit_files *f, const struct circuit *p, struct emit_files *roms,
                    struct err *e);

#endif
