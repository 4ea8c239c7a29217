// SPDX-License-Identifier: Apache-2.0
// The training graph of a model: its weights become variables; a loss, its gradients and an
// optimiser's assigns are added.
//
//   image --> [ the model ] --> y --> [loss] --> [mean over frames] --> loss
//                  ^ read                            | autodiff
//              (variables) <==== [assign] <---- gradients
//                                   ^ rate <-- [schedule] <-- read <-- (step) <== [assign add 1]
//
// An assign comes after the read of its step and before the read of the next one: exact SGD.
#ifndef NNGEN_TRAIN_TRAINING_H
#define NNGEN_TRAIN_TRAINING_H

#include "sw/graph/assign.h"
#include "sw/train/loss.h"

struct optimizer {
  enum assign function; // sgd, momentum, nesterov, adam or adamw
  double momentum, beta1, beta2, epsilon, decay;
  int64_t n_rates, every; // the learning rate of step t is rates[t / every], then the last
  const float *rates;     // (n_rates)
};

// A weight of the model and its variables in the training graph.
struct parameter {
  uint32_t weight;               // value of the model
  uint32_t n_refs;               // 1: not trained
  bool averaged;                 // a running average of what steps have
  uint32_t ref[ASSIGN_REFS_MAX]; // references: w, and what the optimiser remembers
};

struct training {
  struct graph *graph; // inputs: the model's, then the targets; outputs: the loss, the model's
  uint32_t loss;       // value: one number, the mean over the frames
  uint32_t output;     // value: of the model, what its loss sees
  uint32_t target;     // value: like output
  uint32_t step;       // reference: one number, the steps done
  uint32_t n_parameters;
  struct parameter *parameters;
};

// The value of a model that its loss sees: what an argmax or argmin at the end is made of, and a
// softmax, which cross entropy holds itself.
uint32_t training_seen(const struct graph *model, struct loss loss);

// Part of a weight that is trained, of a model's tensor; what isn't named is trained whole.
struct training_part {
  const char *name;
  struct slice slice; // of a dimension; ranges NULL and 0: nothing of it
};

// The weights of scales and shifts that are no normalisation, and of plain sums, as imported models
// have them: names for 4 of each node of the model at most; how many.
uint32_t training_constants(const struct graph *model, const char **names);

// From a verified real model with one input and one output. NULL with the reason if it can't be
// trained. The result has no race (races_none).
struct training *training_new(struct arena *a, const struct graph *model, struct loss loss,
                              const struct optimizer *o, uint64_t seed,
                              const struct training_part *parts, uint32_t n_parts, struct err *e);

#endif
