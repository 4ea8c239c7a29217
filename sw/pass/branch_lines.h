// SPDX-License-Identifier: Apache-2.0
// The pass that gives each branch behind rows of earlier frames rows of its own.
//
//   +---- delay 1 ----+                              becomes, for each branch
//   +--> [concat] --+-+--> [slice]: the tail
//   x -----^        +--> [slice: channels] --> [slice: rows] --> [conv]
//                   +--> ...                                       +-------- delay 1 ---------+
//                                          x --> [slice: channels] --> [concat] --+--> [slice]
//                                                                                 +--> [conv]
#ifndef NNGEN_PASS_BRANCH_LINES_H
#define NNGEN_PASS_BRANCH_LINES_H

#include "sw/graph/graph.h"

// A graph of the same values, whose layers with windows keep the channels and rows that they read,
// and no more: each is then a line buffer of a circuit. The graph itself if there is nothing to do:
// where anything else reads the joined rows they stay what they are.
struct graph *branch_lines(struct arena *a, struct graph *g);

#endif
