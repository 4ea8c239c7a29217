// SPDX-License-Identifier: Apache-2.0
// What the parts of reading a recipe share: recipe.c reads it, recipe_weights.c makes the tensors
// of its layers, recipe_codes.c reads those that are given.
#ifndef NNGEN_TRAIN_RECIPE_PARTS_H
#define NNGEN_TRAIN_RECIPE_PARTS_H

#include "sw/base/json.h"
#include "sw/base/rng.h"
#include "sw/train/recipe.h"

struct reading {
  struct arena *arena;
  struct graph *g;
  const json_t *root;
  struct rng rng;
  enum { FAN_IN, LECUN, KAIMING } initial;
  uint32_t at; // the value at the end
  int counts[OP_COUNT];
  struct recipe *out;
  struct err *err;
};

// Kinds whose weights are kernels of windows; and those with one weight for all taps of a window.
bool recipe_slides(enum op op);
bool recipe_shares(enum op op);

// Kinds that add a bias to what their weights make.
bool recipe_has_bias(enum op op);

// The weights and biases of a layer as inputs of its node, behind the stream that it reads.
bool recipe_add_weights(struct reading *r, const json_t *layer, uint32_t node, const char *name);

// Fills t, floats (OUT, IN), from a list of rows or from the code of that name (data/codes). False
// if they don't fit.
bool recipe_given_weights(struct arena *a, const json_t *j, struct tensor *t, struct err *e);

// What a normalisation begins with: it changes nothing but to the statistics of its step.
void recipe_add_averages(struct reading *r, uint32_t node, const char *name);

#endif
