// SPDX-License-Identifier: Apache-2.0
// Families of FPGAs for which sw/circuit/resources.c knows what a circuit takes (families.def).
#ifndef NNGEN_CIRCUIT_FAMILY_H
#define NNGEN_CIRCUIT_FAMILY_H

enum family {
#define FAMILY(id, ...) FAMILY_##id,
#include "sw/circuit/families.def"
#undef FAMILY
  FAMILIES
};

const char *family_id(enum family family);    // "xc7": of synth_ in yosys
const char *family_title(enum family family); // "7 series"
int family_kbit(enum family family);          // of a block RAM

#endif
