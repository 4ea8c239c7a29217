// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_BASE_NEAR_H
#define NNGEN_BASE_NEAR_H

#include "sw/base/arena.h"

// A file or folder that belongs to the program: `name` in one of the three folders above the
// executable (a source tree with its build folder), or in share/nngen or lib/nngen below one (an
// installation). NULL if there is none.
const char *near_program(struct arena *a, const char *name);

// How to call a script of scripts/ from where the program runs: "scripts/get-mnist" in a source
// tree, its path in an installation.
const char *near_script(struct arena *a, const char *name);

#endif
