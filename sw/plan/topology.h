// SPDX-License-Identifier: Apache-2.0
// Nodes and the links between them. Every pair of neighbours has a link each way; what one node
// sends to others goes along one tree of shortest paths, always the same.
//
//   line   0 - 1 - 2 - 3       mesh   0 - 1 - 2 - 3        tree            0
//   ring   the same, closed           |   |   |   |             .----------+----------.
//                                     4 - 5 - 6 - 7             1                     2
//   torus  a mesh whose rows and      |   |                .----+----.           .----+----.
//          columns are rings          8 - 9   (K = 10)     3         4           5         6
//
//   full   everybody with everybody       hypercube   i with i ^ 2^b, of those that are there
#ifndef NNGEN_PLAN_TOPOLOGY_H
#define NNGEN_PLAN_TOPOLOGY_H

#include "sw/base/arena.h"
#include "sw/base/err.h"

#include <stdint.h>

enum topology_kind {
  TOPOLOGY_FULL,
  TOPOLOGY_LINE,
  TOPOLOGY_RING,
  TOPOLOGY_MESH,  // ceil(sqrt K) columns; the last row may be short
  TOPOLOGY_TORUS, // the same
  TOPOLOGY_TREE,  // node i is below (i - 1) / 2
  TOPOLOGY_HYPERCUBE
};
enum { TOPOLOGIES = TOPOLOGY_HYPERCUBE + 1, NODES_MAX = 4096 };

const char *topology_name(enum topology_kind kind);
int topology_find(const char *name); // NONE if unknown

struct topology {
  enum topology_kind kind;
  uint32_t nodes, n_links;
  uint32_t *first; // (nodes + 1) links out of a node lie side by side
  uint32_t *to;    // (n_links)
  uint32_t *from;  // (n_links)
};

// 1 <= nodes <= NODES_MAX.
struct topology *topology_new(struct arena *a, enum topology_kind kind, uint32_t nodes);

// The tree of shortest paths from a node. Ties fall by the order of links, which begins elsewhere
// for each root: of the ways between two nodes not all roots take the same.
struct routes {
  uint32_t *order; // (nodes) the root, then the nearest first
  uint32_t *hops;  // (nodes)
  uint32_t *link;  // (nodes) the last link on the way; of the root without meaning
  uint32_t *first; // (nodes) the first one, likewise
};

struct routes *routes_new(struct arena *a, const struct topology *t, uint32_t root);

// Other ways of the same lengths, so that the root's links lead to as many nodes each as can be.
void routes_balance(const struct topology *t, struct routes *r);

#endif
