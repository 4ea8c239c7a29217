// SPDX-License-Identifier: Apache-2.0
// What the page of `report` is made of, found step by step.
#ifndef NNGEN_CMD_REPORT_H
#define NNGEN_CMD_REPORT_H

#include "cmd/command.h"
#include "gen/page.h"

struct report {
  struct arena *arena;
  const struct options *options;
  const char *folder;    // that generate wrote, or NULL
  const char *simulated; // the folder that sim worked in, or NULL
  struct model model;
  struct circuit *circuit;
  const char *sha256;   // of the file of the model
  const char *identity; // of the circuit (gen/folder.h)
  struct page page;
};

// The codes of each layer, and how right the answers are, over some images; without images, or
// labels, the page says why. False if the images that the user named can't be used.
bool report_data(struct report *r, struct err *e);

// What sim and scripts/synth left; false if it is of another circuit.
bool report_results(struct report *r, struct err *e);

// The page of a circuit as a file.
bool report_write(struct report *r, const char *path, struct err *e);

#endif
