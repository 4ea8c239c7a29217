// SPDX-License-Identifier: Apache-2.0
// The parts of `export --into`: which layer of the file is which of the model, and the files.
#ifndef NNGEN_EXPORT_INTO_H
#define NNGEN_EXPORT_INTO_H

#include "sw/export/export.h"
#include "sw/graph/safetensors.h"

// A node of the model and the one of the file that stands in its place.
struct into_pair {
  const struct node *model, *file;
};

struct into_pairs {
  uint32_t count;
  struct into_pair *list;
};

// Goes from the outputs of two graphs to their inputs, past whatever only gives an array another
// shape and past a softmax at the end. False with the first layer that differs in its kind, its
// shape or an attribute. That an array is missing is no difference: a bias, for one.
bool into_match(struct arena *a, const struct graph *model, const struct graph *file,
                struct into_pairs *out, struct err *e);

// Element i of a tensor of the model; 0 where its connection is cut.
double into_number(const struct value *v, int64_t i);

// A batch_norm of the model in the arrays of a file that may lack some and has another epsilon: the
// same function of x, (x - mean) * gamma / sqrt(variance + epsilon) + beta. In the order gamma,
// beta, mean, variance.
struct into_norm {
  int64_t channels;
  double epsilon, file_epsilon;
  const float *model[4]; // (channels)
  bool there[4];         // in the file; otherwise it is 1, 0, 0, 1 there
  float *file[4];        // (channels) what to write
};

// False with the channel and why no numbers do.
bool into_norm(const struct into_norm *n, struct err *e);

// The formats. In a state dict, layers are found by their names.
bool into_state(struct arena *a, const struct graph *g, const struct bytes *file,
                struct into_result *r, struct text *out, struct err *e);
bool into_keras(struct arena *a, const struct graph *g, const struct bytes *file,
                struct into_result *r, struct text *out, struct err *e);

// Of what comes out of the sandbox of a Keras file: its arrays that change, under the names of the
// dump, and whether the file has the state of an optimizer.
bool into_keras_arrays(struct arena *a, const struct graph *g, const struct bytes *dump,
                       struct safetensors *arrays, bool *trained, struct err *e);

#endif
