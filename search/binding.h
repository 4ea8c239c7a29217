// SPDX-License-Identifier: Apache-2.0
// What the names of a space mean for a network: LAYER.FIELD of a formats file, a folding file or of
// pruning, FIELD alone for all layers.
//
//   stream weight rounding overflow       of the formats file; input: its input
//   in out ram_style                      of the folding file; parallelism: for all layers
//   prune prune.kind prune.lanes          amount, kind (slot), lanes (those of in and out, or 4x4)
//   prune.score; prune.finetune: for all  and score (l1) of pruning; epochs of training behind it
//
// train.FIELD is of training (--net): epochs, rate, batch, optimizer, decay, seed;
// train.LAYER.FIELD replaces a field of a layer of the recipe, train.LAYER.present (true, false)
// leaves it out.
//
// Any other name is a part: {NAME} in a field's text, or what a "when" asks for.
#ifndef NNGEN_SEARCH_BINDING_H
#define NNGEN_SEARCH_BINDING_H

#include "quant/prune.h"
#include "search/space.h"

struct pruning_part {
  const char *layer; // NULL: all with weights but the last
  double amount;
  const char *kind, *lanes, *score;
};

// A point as what the passes take.
struct assignment {
  const char *formats, *folding; // the texts of the files
  uint32_t n_prunings;
  struct pruning_part *prunings; // (n_prunings) one after the other
  const char *prune; // the same as JSON: [{"layer":..,"amount":..,"kind":..,"lanes":..,"score":..}]
  int64_t finetune;  // epochs
};

// Whether every parameter and default is about something. `g`: the float graph.
// `trains`: there is a recipe, names that begin with "train." are somebody else's.
bool binding_check(const struct search_space *s, const struct graph *g, bool trains, struct err *e);

// The value of a default or parameter whose name begins with "train.", as JSON: calls `take` for
// each that is there, without that word. False if one of them says so.
bool binding_training(const struct search_space *s, const double *x,
                      bool (*take)(void *context, const char *name, const char *json),
                      void *context);

// False if a text needs a parameter that isn't there at this point, or a word of pruning is none.
bool binding_assign(struct arena *a, const struct search_space *s, const double *x,
                    struct assignment *out, struct err *e);

// Prunes a float graph as an assignment says; the same graph if it says nothing.
struct graph *binding_prune(struct arena *a, struct graph *g, const struct assignment *s,
                            struct err *e);

#endif
