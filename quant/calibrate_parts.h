// SPDX-License-Identifier: Apache-2.0
// What the files of calibration share.
#ifndef NNGEN_QUANT_CALIBRATE_PARTS_H
#define NNGEN_QUANT_CALIBRATE_PARTS_H

#include "quant/calibrate.h"

#define CALIBRATE_BYTES_MOST 4e9

// The integers and the floats that a value of the float graph has on all images, as long as nodes
// will read them.
struct frames {
  struct arena memory;
  int32_t *codes; // (images, elements); NULL: not computed yet, or no longer needed
  float *reals;   // the same of the float model
  int32_t same;   // the value that this is under another name; NONE
  uint32_t readers;
};

// What was chosen of a node.
struct chosen {
  bool weighed, streamed;
  struct tensor *codes; // of its weights; NULL: none were chosen
  struct type weight;
  double *bias; // (OUT) correction; NULL
  struct type stream;
};

struct calibrator {
  struct arena *arena;
  const struct graph *graph; // in floats
  const struct images *set;
  struct calibrate_how how;
  struct frames *frames; // (values)
  struct chosen *chosen; // (nodes)
  float **floats;        // (values) of the whole model in floats (images, elements); NULL: not run
  const char **constant; // (n_constant) nodes that give 0 only
  uint32_t n_constant;
};

// Every so-manyth of `count` leaves at most `most`, from every place of a period.
int64_t calibrate_step(int64_t count, int64_t most, int64_t period);

// ---- calibrate_frames.c

// Whether what all inputs of a node see is there: integers, or of what it reads before it is
// computed a type, and the floats of the whole model.
bool calibrate_known(const struct quantizer *q, const struct node *n);

// What input k of a node sees in a frame: (elements) codes.
const int32_t *calibrate_codes(const struct quantizer *q, const struct node *n, uint32_t k,
                               int64_t frame);

// The same as the float model has it; and as the layer's integers, or as what they stand for
// (`scaled`): (elements) numbers.
void calibrate_reals(const struct quantizer *q, const struct node *n, uint32_t k, int64_t frame,
                     double *to);
void calibrate_values(const struct quantizer *q, const struct node *n, uint32_t k, int64_t frame,
                      bool scaled, double *to);

// Runs one node in floats on what its inputs' integers stand for, or on the floats of the float
// model
// (`real`), with the weights that were chosen (NULL: its own), and hands over its first output:
// `count` numbers after the others.
typedef void (*calibrate_take)(void *to, int64_t count, const float *values);
bool calibrate_floats(struct quantizer *q, const struct node *n, const struct chosen *own,
                      bool real, void *to, calibrate_take take);

// ---- calibrate_weights.c

bool calibrate_weights(struct quantizer *q, const struct node *n, const struct format *f,
                       struct chosen *own);

#endif
