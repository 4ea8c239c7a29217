// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_GEN_HARDWARE_H
#define NNGEN_GEN_HARDWARE_H

#include "gen/emit.h"

// Adds <top>.sv, the library modules that it uses, byte for byte, and <top>.f. With ROM_CASE the
// images in `f` become modules, and so do copies of what stands between them and the top.
bool hardware_files(struct emit_files *f, const struct circuit *p, struct err *e);

#endif
