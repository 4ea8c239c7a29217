// SPDX-License-Identifier: Apache-2.0
// Where the nodes of a graph stand on paper: in layers from top to bottom, each below what it
// reads, branches side by side.
//
//          [frame]             layer 0
//             |
//          [fork ]             layer 1
//          |     |
//       [conv]   :             layer 2; an edge that passes a layer has a place there
//          |     :
//         [ add ]              layer 3
#ifndef NNGEN_GEN_PAGE_LAYOUT_H
#define NNGEN_GEN_PAGE_LAYOUT_H

#include "sw/base/arena.h"

#include <stdint.h>

enum {
  LAYOUT_WIDTH = 208,
  LAYOUT_HEIGHT = 50,
  LAYOUT_BETWEEN = 34,
  LAYOUT_GAP = 62,
  LAYOUT_WIRE = 24
};

// A node, LAYOUT_WIDTH x LAYOUT_HEIGHT.
struct layout_node {
  int layer, x, y; // its middle, its upper side
};

struct layout_edge {
  uint32_t from, to; // set by who asks
  // Where it is in each layer from the upper to the lower end: its x; the ends' are those of the
  // ports at which it leaves and arrives.
  int n_points;
  int *x;
  bool up; // it leads to what stands above: drawn from its end
};

struct layout {
  uint32_t n_nodes, n_edges;
  struct layout_node *nodes; // (n_nodes)
  struct layout_edge *edges; // (n_edges)
  int layers, width, height;
};

// The nodes' order is one in which most edges lead forward; those that don't are drawn upwards. A
// node that reads nothing stands just above its first reader, but for the first `inputs` ones.
struct layout layout_make(struct arena *a, uint32_t n_nodes, uint32_t inputs,
                          struct layout_edge *edges, uint32_t n_edges);

// The upper side of a layer.
int layout_top(int layer);

#endif
