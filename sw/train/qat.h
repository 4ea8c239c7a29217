// SPDX-License-Identifier: Apache-2.0
// Quantisation-aware training: a float model becomes one that computes in floats what its integers
// will compute, and back.
//
//   image --> [requant] --> [ layer ] --> [requant or fake_quant] --> ..
//                            ^     ^
//               [fake_quant] |     | [fake_quant], of the scales of input and weights
//               w, t --------+     +-------- b
//
// All scales are powers of two. A sum of products is then a whole number of units, which floats
// hold exactly up to 2^24 of them, and doubles, rounded to odd, up to 2^53 (sw/exec/whole.h), so
// that each stream is what the C model computes: the training of the network is that of the
// circuit. Gradients pass straight through what rounds, and not where
// it saturates. Scales whose logarithm t is trained follow Jain et al. (2020), see
// sw/exec/real_fake_quant.c.
#ifndef NNGEN_TRAIN_QAT_H
#define NNGEN_TRAIN_QAT_H

#include "quant/load.h"

struct qat {
  struct graph *model; // what is trained
  const char **fixed;  // (n_fixed) names of its tensors that stay as they are
  uint32_t n_fixed;
  uint32_t weights; // (of the model) tensors that become codes
  uint32_t learned; // scales that are trained, of weights and streams
};

// From a verified float model; the types are those that `l` or the model itself says, and what of
// them is open (a width alone) is chosen from images first, and then trained. NULL with the layer
// and the reason if a type can't be trained.
struct qat *qat_new(struct arena *a, struct graph *model, const struct load *l, struct err *e);

// The model that q->model has become: weights are codes, streams are requantised to their types by
// layers of their own. It says all its types, so that quantising it needs no word.
struct graph *qat_finish(struct arena *a, const struct qat *q, struct err *e);

#endif
