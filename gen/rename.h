// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_GEN_RENAME_H
#define NNGEN_GEN_RENAME_H

#include "sw/circuit/circuit.h"

// A copy of the circuit's graph in which every name is made from numbers and op kinds: nodes and
// their outputs l<index>_<kind> (what isn't a block of the circuit: n<id>_<kind>), tensors
// <node>.in<k>. What the folder's model.bin holds.
const struct graph *graph_renamed(struct arena *a, const struct circuit *p);

#endif
