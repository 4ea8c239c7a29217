// SPDX-License-Identifier: Apache-2.0
// The usual spaces of a network.
//
//   lab3      widths 8 16 32 and fractions 2 4 8 of the input, of the streams into layers with
//             weights, and of the weights
//   mixed     widths 2 to 8 of the same; streams need --calibrate
//   formats   a word of those that the formats file has, for each layer's weights; beside prune
//             of those that have a 0, beside folding without blocks, which lanes have to divide
//   folding   lanes that divide each layer's elements or channels, at most 64
//   prune     0 to 0.9 of each layer's slots but the last's
//
// or several, with commas between.
#ifndef NNGEN_SEARCH_PRESETS_H
#define NNGEN_SEARCH_PRESETS_H

#include "sw/base/err.h"
#include "sw/base/text.h"
#include "sw/graph/graph.h"

bool preset_is(const char *names);
bool preset_has(const char *names, const char *name); // whether it is one of them

// The same, with the first word that is none and the one that is near it.
bool preset_check(const char *names, struct err *e);

// Appends the space file's text for a float graph. False if there is no such preset, or
// nothing in the graph that it is about.
bool preset_put(struct text *t, const char *names, const struct graph *g, struct err *e);

#endif
