// SPDX-License-Identifier: Apache-2.0
// Line buffers along time: a layer with windows over the rows of a frame and the last ones before
// it, which a step keeps for the next.
//
//   +-- delay 1, at first the code of zero --+
//   |                                        |
//   +--> [concat] --+--> [slice]: the tail --+      becomes    x --> [axis_window: KEEP] --> [conv]
//   x -----^        +--> [conv]
#ifndef NNGEN_CIRCUIT_LINE_H
#define NNGEN_CIRCUIT_LINE_H

#include "sw/circuit/window.h"

struct circuit_line {
  uint32_t rows, tail; // nodes: what joins the rows, and what keeps some of them
  uint32_t fresh;      // value: the frame's own rows
  int64_t kept;        // rows of the frames before
  int axis;            // of the windows, that goes along time
};

// Whether a layer has one: nobody else reads the joined rows or those that are kept, each window
// ends in the frame, and what the first frames see above them is what windows are padded with.
bool circuit_line(const struct graph *g, const struct node *n, struct circuit_line *l);

// (n_nodes) Of each join and each tail, which have no cells, the layer whose line buffer they are;
// NONE.
int32_t *circuit_lines(struct arena *a, const struct graph *g);

// Makes the window of a layer, as its graph has it, that of its line buffer, if it has one: over
// the frame's own rows, above which are those that are kept.
void circuit_line_keep(const struct graph *g, const struct node *n, struct circuit_window *w);

#endif
