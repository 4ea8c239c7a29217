// SPDX-License-Identifier: Apache-2.0
// The pass that makes delays of variables: what a frame writes, the next one reads.
//
//   (variable) --> [read] --> [concat] --> ... --> [assign write]     becomes
//
//   +---- delay 1, at first the variable's init ----+
//   +-----------> [concat] --> ... --> value -------+
#ifndef NNGEN_PASS_REMEMBER_H
#define NNGEN_PASS_REMEMBER_H

#include "sw/graph/graph.h"

// A model without variables that frames write; the model itself if there are none. A read that
// comes before the assign of its frame gives what the frame before wrote, one that comes behind it
// what this frame writes. NULL if frames change a variable otherwise than by one write.
struct graph *remember(struct arena *a, struct graph *model, struct err *e);

#endif
