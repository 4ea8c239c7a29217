// SPDX-License-Identifier: Apache-2.0
// The circuit's ports for designs in VHDL.
#ifndef NNGEN_GEN_VHDL_H
#define NNGEN_GEN_VHDL_H

#include "gen/emit.h"

// <top>.vhd: a package with the component declaration of the top module.
void emit_vhdl(struct text *out, const struct circuit *p);

#endif
