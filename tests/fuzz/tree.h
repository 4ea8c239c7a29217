// SPDX-License-Identifier: Apache-2.0
// The parts of a JSON tree, to be changed one at a time.
#ifndef NNGEN_TESTS_FUZZ_TREE_H
#define NNGEN_TESTS_FUZZ_TREE_H

#include <jansson.h>

enum { PARTS_MAX = 4096, TREE_EDGES = 28 };

// A place in the tree: an element of an array or a value of an object.
struct tree_part {
  json_t *owner;
  const char *key; // of an object
  size_t index;    // in an array
  json_t *value;
};

struct tree {
  int count;
  struct tree_part list[PARTS_MAX];
};

// Appends all parts of a tree.
void tree_collect(struct tree *p, json_t *owner);

void tree_remove(const struct tree_part *at);
void tree_replace(const struct tree_part *at, json_t *with);

// A number from the edge of some range; TREE_EDGES of them.
json_t *tree_edge(unsigned r);

#endif
