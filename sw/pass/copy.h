// SPDX-License-Identifier: Apache-2.0
// Parts of one graph in another: what passes are made of. Names, tensors and lists are shared, so
// that the copy lives no longer than what it was made of.
#ifndef NNGEN_PASS_COPY_H
#define NNGEN_PASS_COPY_H

#include "sw/graph/graph.h"

// Where what `from` has is in `to`; NONE: nowhere yet.
struct graph_copy {
  const struct graph *from;
  struct graph *to;
  int32_t *value;     // (values of from)
  int32_t *node;      // (nodes of from) copy_node sets it
  const char *prefix; // of the names of values; NULL: none
};

// An empty graph in the arena, with the name of `from`.
struct graph_copy copy_new(struct arena *a, const struct graph *from);

// The same into a graph that is there, whose names have `prefix` in front (NULL: none).
struct graph_copy copy_into(struct graph *to, const struct graph *from, const char *prefix);

// The value, once: its tensor and mask too; what is proven of it isn't. Returns its id in `to`.
uint32_t copy_value(struct graph_copy *c, uint32_t value);

// All values in their order, so that they keep their ids, but for those marked in `without`
// (values of from; NULL: none).
void copy_values(struct graph_copy *c, const char *without);

// The node without its outputs and control edges, its inputs copied first; a node that it names is
// there already. Returns its id.
uint32_t copy_node(struct graph_copy *c, const struct node *n, const char *name);

// The same of a node that isn't one of `from`, but may use what is.
uint32_t copy_made(struct graph_copy *c, const struct node *n, const char *name);

// The outputs of a node that was copied.
void copy_outputs(struct graph_copy *c, const struct node *n, uint32_t node);

// Graph inputs, and graph outputs whose values are there.
void copy_inputs(struct graph_copy *c);
void copy_graph_outputs(struct graph_copy *c);

// The control edges between nodes that are there, when all are.
void copy_controls(struct graph_copy *c);

// Nodes that others name, (nodes of g): control edges begin or end at them, gradients are of them.
// Passes that make several nodes of one, or one of several, leave them alone.
char *copy_named(struct arena *a, const struct graph *g);

#endif
