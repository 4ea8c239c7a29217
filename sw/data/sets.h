// SPDX-License-Identifier: Apache-2.0
// The words that name images for the inputs of a graph: one SET for a graph of one input, INPUT=SET
// once for each of several.
#ifndef NNGEN_DATA_SETS_H
#define NNGEN_DATA_SETS_H

#include "sw/data/data.h"
#include "sw/graph/graph.h"

// The set of each input, (n_inputs), of `n` words of an option; of one input the last word, or
// `otherwise`. False if an input has none or two, or a word is for no input.
bool sets_choose(struct arena *a, const struct graph *g, const char *option, int n,
                 const char *const *words, const char *otherwise, const char **set, struct err *e);

// SET[:N[:SEED]]: the first N images; with a seed N of all, drawn by it without repetition, in the
// order of the file. Several sets of as many images draw the same ones.
bool sets_open_some(struct arena *a, const char *word, struct images *out, struct err *e);

// The last image that such a word takes of a set that has `all`, from 0 on.
int64_t sets_last(struct arena *a, const char *word, int64_t all);

// The set that such a word is about.
const char *sets_whole(struct arena *a, const char *word);

#endif
