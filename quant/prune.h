// SPDX-License-Identifier: Apache-2.0
// Pruning: weights of a float model become 0 and masks keep them there, so that training,
// calibration and files leave them alone. What is cut or kept as a whole is a grain:
//
//   weight   one weight                       tile     PO outputs x PI inputs
//   vector   PI inputs of one output          neuron   an output, its bias and what reads it
//   slot     of a beat of PI inputs, the vector with the k-th largest norm of each of PO lanes:
//   every
//            lane of a beat keeps equally many
//   N:M      of M inputs of an output the N largest stay
//
// The inputs of an output are those of a linear layer, or the taps x channels of a kernel.
#ifndef NNGEN_QUANT_PRUNE_H
#define NNGEN_QUANT_PRUNE_H

#include "sw/graph/graph.h"

enum prune_kind { PRUNE_WEIGHT, PRUNE_VECTOR, PRUNE_SLOT, PRUNE_TILE, PRUNE_NEURON, PRUNE_N_OF_M };
enum prune_score { PRUNE_L1, PRUNE_L2, PRUNE_RANDOM };

enum { PRUNE_LANES_MOST = 4096 };

struct prune_how {
  enum prune_kind kind;
  int64_t n, m;      // of N:M
  double amount;     // of the grains, 0 <= amount < 1
  int64_t lanes_in;  // PI
  int64_t lanes_out; // PO
  bool global;       // the least grains of all layers together, not of each
  bool force;        // a layer that would be empty keeps one grain
  enum prune_score score;
  uint64_t seed;      // of PRUNE_RANDOM
  const char *layers; // names with commas between; NULL: all with weights but the last
};

// A layer with weights, pruned or not.
struct prune_layer {
  const char *name;
  int64_t weights; // connections before
  int64_t kept;    // and after
  int64_t neurons_removed;
};

struct pruned {
  struct graph *graph; // a copy without what only training needs; shares tensors that didn't change
  uint32_t n_layers;
  struct prune_layer *layers; // (n_layers)
};

// The words of options; NULL: as PIxPO 4x4, layer, l1. False with a message.
bool prune_parse_kind(const char *text, struct prune_how *how, struct err *e);
bool prune_parse_amount(const char *text, struct prune_how *how, struct err *e);
bool prune_parse_lanes(const char *text, struct prune_how *how, struct err *e);
bool prune_parse_scope(const char *text, struct prune_how *how, struct err *e);
bool prune_parse_score(const char *text, struct prune_how *how, struct err *e);

// Of a float graph. Grains that earlier masks cut are the least. `weight` and `neuron` also remove
// neurons that are always the same number, which goes into the biases behind them, and neurons that
// nothing reads; the other kinds leave lanes where they are.
bool prune(struct arena *a, const struct graph *g, const struct prune_how *how, struct pruned *out,
           struct err *e);

#endif
