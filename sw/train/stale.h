// SPDX-License-Identifier: Apache-2.0
// The pass that lets gradients reach their assigns some steps late:
//
//   exact            read w --> ... --> gradient ----------> assign --(1 step)--> read w
//   staleness s      read w --> ... --> gradient --[s zeros]--> assign --(1 step)--> read w
//
// A step then needs what the steps up to s + 1 before it have assigned, and no later ones: as many
// of them can be on their way at one time.
#ifndef NNGEN_TRAIN_STALE_H
#define NNGEN_TRAIN_STALE_H

#include "sw/graph/graph.h"

// Of a training graph (training.h), which it changes: what an assign takes that depends on the
// images of its step comes `staleness` steps late, at first as zeros. Counters, rates and running
// averages stay exact.
void stale(struct graph *g, uint32_t staleness);

#endif
