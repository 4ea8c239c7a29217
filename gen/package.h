// SPDX-License-Identifier: Apache-2.0
// What lets other tools take a generated folder as it is.
//
//   <name>.core              FuseSoC: lint, simulation, Vivado; <module>.core of each module of the
//                            library, shared by the circuits of a design
//   <name>.xdc, <name>.sdc   the clock
//   <name>.vhd               a component for VHDL
//   files.tcl                names, widths and file lists for the scripts, which are copies of
//   gen/tcl vivado/, quartus/        project and component scripts
#ifndef NNGEN_GEN_PACKAGE_H
#define NNGEN_GEN_PACKAGE_H

#include "gen/emit.h"

#define PACKAGE_VERSION "1.0.0" // of a generated circuit, where a tool wants one

// Adds the packages of a circuit whose other files are all in `f`. clock: MHz.
bool package_files(struct emit_files *f, const struct circuit *p, double clock, struct err *e);

#endif
