// SPDX-License-Identifier: Apache-2.0
// What the parts of the planner by rows share: rows_net.c says which rows need which, rows_play.c
// in which order a group computes them and what lives then, rows_place.c where that lies, rows.c
// where groups end.
#ifndef NNGEN_PLAN_ROWS_PARTS_H
#define NNGEN_PLAN_ROWS_PARTS_H

#include "sw/plan/rows.h"

// Blocks of an input that each row of a node's output needs: first[y] .. last[y] - 1 of the value.
struct rows_reads {
  uint32_t *first, *last;
};

struct rows_node {
  int axis;                 // of its space, the first dimension of its output; NONE: it is whole
  uint32_t rows;            // in which it is computed; 1 if it is whole
  struct rows_reads *reads; // (n_in); NULL: none of its blocks
};

// A block is a row of a value, or the whole of one that nobody cuts.
struct rows_net {
  struct arena *arena;
  const struct graph *graph;
  const struct memory_needs *needs;
  bool inputs_come;
  uint32_t *order;         // (n_nodes)
  struct rows_node *nodes; // (n_nodes)
  uint32_t *rows;          // (n_values) blocks of it; 0: it isn't in the arena
  uint32_t *first;         // (n_values) its first block
  uint32_t blocks;
  uint32_t *value;   // (blocks)
  uint32_t *readers; // (blocks) rows of nodes that need it, and one more if it stays
};

struct rows_net *rows_net_new(struct arena *a, const struct graph *g,
                              const struct memory_needs *needs, bool inputs_come);

static inline bool rows_is_input(const struct rows_net *n, uint32_t value) {
  return n->graph->values[value].node == NONE;
}

// Bytes of a block, and of its place.
int64_t rows_bytes(const struct rows_net *n, uint32_t block);
int64_t rows_room(const struct rows_net *n, uint32_t block);

// A row that is computed, and the block that its output lies over, or ROWS_NOTHING.
struct rows_firing {
  uint32_t node, row, over;
};
#define ROWS_NOTHING UINT32_MAX

struct rows_list {
  struct arena *arena;
  uint32_t count, room;
  struct rows_firing *firings;
  uint32_t groups;
  uint32_t *begins; // (groups + 1) the first firing of each; the last: count
};

// What lives in the arena while groups run one after the other.
struct rows_state {
  uint32_t *left; // (blocks) readers that are still to come
  bool *lives;    // (blocks)
  uint32_t *next; // (n_nodes) the row that it computes next
  bool begun;     // a row was computed
  int64_t used, peak;
};

// Before the first group.
struct rows_state *rows_state_new(struct rows_net *n);
void rows_state_copy(const struct rows_net *n, struct rows_state *to,
                     const struct rows_state *from);

// Nodes from .. to - 1 of the order as a group. Stops when more than `limit` bytes live: false. Its
// firings are added to the list, if there is one.
bool rows_play(const struct rows_net *n, struct rows_state *s, uint32_t from, uint32_t to,
               int64_t limit, struct rows_list *list);

// From which firing to which a block lives, and where.
struct rows_lives {
  int64_t *from, *to; // (blocks) both included; from NONE: never
  uint32_t *root;     // (blocks) the one that it lies over, or itself
  int64_t *address;   // (blocks)
};

// `left`: who would still read a block after the last firing; it stays.
struct rows_lives rows_lives_new(const struct rows_net *n, const struct rows_list *list,
                                 const uint32_t *left);

// Gives them their addresses; bytes of the whole, `peak` of which live at once. INT64_MAX: they
// aren't found in less than `below`.
int64_t rows_place(const struct rows_net *n, const struct rows_list *list, struct rows_lives *l,
                   int64_t peak, int64_t below);

#endif
