// SPDX-License-Identifier: Apache-2.0
// A training run on disk: every variable, the position, and what the run is of. A safetensors file
// (docs/training.md), written atomically: whoever is killed at any moment leaves the state before
// or after.
#ifndef NNGEN_TRAIN_CHECKPOINT_H
#define NNGEN_TRAIN_CHECKPOINT_H

#include "sw/train/fit.h"

// What a run is of: SHA-256 in hex. A state goes on to the same bits only where all are the same.
struct checkpoint_run {
  char network[65]; // the training graph but for its numbers, and the rates
  char options[65]; // batch, validation, patience, seed, loss
  char data[65];    // images and labels
};

void checkpoint_run(const struct training *t, const struct fit_options *o, const struct images *set,
                    struct checkpoint_run *run);

bool checkpoint_write(const char *path, struct fit *f, const struct checkpoint_run *run,
                      struct err *e);

// Sets variables and position of f. False, with f as it was, if the file is damaged or of another
// network, options or data.
bool checkpoint_read(const char *path, struct fit *f, const struct fit_options *o,
                     const struct checkpoint_run *run, struct err *e);

#endif
