// SPDX-License-Identifier: Apache-2.0
// What the files of pruning share: the grains of a layer, and who reads its neurons.
#ifndef NNGEN_QUANT_PRUNE_PARTS_H
#define NNGEN_QUANT_PRUNE_PARTS_H

#include "quant/prune.h"

// ---- layers

// Whether a node is a sum of inputs times weights of floats that are constant.
bool prune_has_weights(const struct graph *g, const struct node *n);

// ---- grains

struct grains {
  uint32_t node;
  int64_t outs, ins;
  int64_t count;
  int32_t *of;   // (outs, ins) the grain that a weight belongs to
  double *score; // (count) 0: cut already
  bool *cut;     // (count)
};

// Of the weights of one node, none cut.
struct grains grains_new(struct arena *a, const struct graph *g, uint32_t node,
                         const struct prune_how *how);

// Marks the least grains of `count` layers together: that part of their number. Of equals, the
// later ones.
void grains_cut_least(struct grains *list, uint32_t count, double amount);

// Marks all but the n largest of each m weights side by side.
void grains_cut_n_of_m(struct grains *l, int64_t n, int64_t m);

// ---- neurons

// Channels that go together, from the layers that make them to those that read them, each channel
// for itself in between. Where streams are added or multiplied, several layers make them:
//
//   conv1 --+-----------> add --> relu --> conv4      conv1 and conv3 make the same neurons, which
//           +-> conv2 --> conv3 -^                    conv2 and conv4 read
struct readers {
  uint32_t count, n_between, n_makers, n_each;
  uint32_t *node; // (count)
  uint32_t
      *between;    // (n_between) streams with the neurons as channels, the first is the layer's own
  uint32_t *maker; // (n_makers) layers whose outputs they are, the given one first
  uint32_t *each;  // (n_each) layers with numbers of their own for each of them
  const char *obstacle; // why they can't go; NULL: they can
};

struct readers readers_of(struct arena *a, const struct graph *g, uint32_t node);

// Cuts outputs of a layer (neurons) and of those that make the same ones, their biases, and what
// the readers have of them.
void neurons_cut(struct arena *a, struct graph *g, uint32_t node, const bool *cut);

// Removes what nothing reads and what is constant, until there is nothing more.
bool neurons_remove(struct arena *a, struct graph *g, struct err *e);

// ---- weights

// Cuts one connection of a tensor that weights_own gave.
void weights_cut(struct value *w, int64_t i);

// The value's tensor and mask become copies of its own: F32 and U8, both of its shape.
void weights_own(struct arena *a, struct value *w);

#endif
