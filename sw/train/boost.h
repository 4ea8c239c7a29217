// SPDX-License-Identifier: Apache-2.0
// Boosting by filtering (H. Drucker, R. Schapire and P. Simard, "Boosting performance in neural
// networks", 1993): which images the second and the third net are trained on, and where the first
// is sure enough to answer alone.
//
// Candidates are the images that are trained on, in the order and with the distortions of the
// epochs that come behind those of net 1, so that it hasn't seen these copies. Without distortions
// there is one such epoch, otherwise there are up to BOOST_EPOCHS of them for each net. A list has
// as many entries as there are images; where too few are found they are repeated in turn.
#ifndef NNGEN_TRAIN_BOOST_H
#define NNGEN_TRAIN_BOOST_H

#include "sw/train/fit.h"

enum { BOOST_NETS = 3, BOOST_EPOCHS = 10, BOOST_FEWEST = 10 };

struct boost;

// `model` is net 1 before its training, whose options and data are `o` and `set`; both stay. NULL
// if the data don't fit, or if labels aren't classes that have an output each.
struct boost *boost_new(struct arena *a, const struct graph *model, const struct images *set,
                        const struct fit_options *o, bool quiet, struct err *e);

// What a net is trained on.
struct boost_list {
  struct fit_picks picks;
  int64_t candidates; // that were looked at
  int64_t found;      // of them: wrong ones, or those in dispute
  int64_t distinct;   // entries that are different ones
};

// For net 2: one half of what net 1 gets wrong, the other of what it gets right. False if there are
// fewer than BOOST_FEWEST of a half.
bool boost_mix(struct boost *b, const struct graph *net1, struct boost_list *out, struct err *e);

// For net 3: what nets 1 and 2 give different classes. False if there are fewer than BOOST_FEWEST.
bool boost_disputes(struct boost *b, const struct graph *net1, const struct graph *net2,
                    struct boost_list *out, struct err *e);

// The margin below which net 1 asks the others.
struct boost_margin {
  double margin;                 // between the two best outputs
  bool watched;                  // chosen by the images that are watched
  int64_t images;                // that chose it
  int64_t needed;                // of them: closer than the margin
  int64_t alone, together, both; // right: of net 1, of the sum, with the margin
};

// The least one with which as many images are right as with the sum on all. It is chosen by the
// images that are watched, otherwise by one more epoch of candidates.
bool boost_choose(struct boost *b, const struct graph *net1, const struct graph *sum,
                  struct boost_margin *out, struct err *e);

#endif
