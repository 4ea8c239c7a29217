// SPDX-License-Identifier: Apache-2.0
// What the parts of the planner by rows share: rows_net.c says which rows need which, rows_play.c
// in which order a group computes them and what lives then, rows.c where groups end.
#ifndef NNGEN_PLAN_ROWS_PARTS_H
#define NNGEN_PLAN_ROWS_PARTS_H

#include "sw/plan/rows.h"

// Rows of an input that each row of a node's output needs: first[y] .. last[y] - 1.
struct rows_reads {
  uint32_t *first, *last;
};

struct rows_node {
  int axis;                // of its space, that is the first dimension of its output; NONE: whole
  uint32_t rows;           // of its output, in which it is computed: 1 if whole
  struct rows_reads *reads; // (n_in)
};

// A block is a row of a value, or the whole of one that nobody cuts.
struct rows_net {
  struct arena *arena;
  const struct graph *graph;
  const struct memory_needs *needs;
  bool inputs_come;
  const uint32_t *order;   // (n_nodes)
  uint32_t *place;         // (n_nodes) in the order
  struct rows_node *nodes; // (n_nodes)
  uint32_t *rows;          // (n_values) blocks of it; 0: it has no place in the arena
  uint32_t *first;         // (n_values) its first block
  uint32_t blocks;
  uint32_t *value;   // (blocks)
  uint32_t *readers; // (blocks) rows of nodes that need it, and one more if it stays
  bool *ends;        // (n_nodes) a group can end behind this place of the order
};

void rows_net_new(struct rows_net *n);

// Bytes of a block, and of its place.
int64_t rows_bytes(const struct rows_net *n, uint32_t block);
int64_t rows_room(const struct rows_net *n, uint32_t block);

// A row that is computed: node, which, and over which block its output lies, or UINT32_MAX.
struct rows_firing {
  uint32_t node, row, over;
};

struct rows_list {
  uint32_t count, room;
  struct rows_firing *firings;
};

// A group of the nodes `from` .. `to` - 1 of the order: bytes that live at most, or as soon as they
// are more than `limit`. Its firings are added to the list, if there is one.
int64_t rows_play(struct rows_net *n, uint32_t from, uint32_t to, int64_t limit,
                  struct rows_list *list);

#endif
