// SPDX-License-Identifier: Apache-2.0
// A network to be trained, in a few lines of JSON (docs/training.md):
//
//   {"name": "mnist-mlp",
//    "input": {"shape": [28, 28, 1], "mean": 0, "std": 1},
//    "layers": [{"op": "flatten"}, {"op": "linear", "out": 128}, {"op": "relu"},
//               {"op": "linear", "out": 10}],
//    "loss": "cross_entropy", "targets": [0, 1], "initial": "fan_in",
//    "distort": "shift:2,rotate:10"}
//
// A layer is a kind of ops.def that takes one stream, with its attributes; a linear layer has
// `out` and gets weights, a convolution `kernel` too; `connections` says which inputs each output
// sees, if it doesn't see all. An rbf layer may have `weights` of its own.
#ifndef NNGEN_TRAIN_RECIPE_H
#define NNGEN_TRAIN_RECIPE_H

#include "sw/data/distort.h"
#include "sw/train/training.h"

struct recipe {
  struct graph *model; // verified, its weights drawn
  struct loss loss;
  double target[2];                 // of the other classes, of the right one
  bool loss_chosen, targets_chosen; // said so; otherwise recipe_choose may change them
  struct distort distort;           // of the images that it is trained on
  bool mean_measured, std_measured; // by recipe_measure, which is still to be called
  bool per_channel;                 // each channel has its own of them
  const char **fixed;               // (n_fixed) names of weights that stay as they are
  uint32_t n_fixed;
};

// Weights are drawn with `seed`. False with the layer and field that is wrong.
bool recipe_parse(struct arena *a, const char *text, size_t size, uint64_t seed, struct recipe *r,
                  struct err *e);

struct verdict;
struct answers;
struct images;

// Where the recipe says "data", the mean and deviation of the first `count` images become those of
// the model. False if the images don't fit, or are all the same.
bool recipe_measure(struct arena *a, struct recipe *r, const struct images *set, int64_t count,
                    struct err *e);
#define RECIPE_NORM "input_norm" // the batch_norm in front of a network that takes numbers

// What a recipe didn't say, from the network and the labels: a single output, and labels that are
// targets, take the mean squared error; an output that is a class above 0 is trained towards -1
// and 1, and of outputs whose least is the class the right one towards 0, the others towards 1.
void recipe_choose(struct recipe *r, const struct verdict *v, const struct answers *l);

#endif
