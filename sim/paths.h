// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_SIM_PATHS_H
#define NNGEN_SIM_PATHS_H

#include "sim/simulate.h"

// Makes the paths of a job absolute and such that make, Verilator and Icarus understand them: where
// one holds a space or anything but plain ASCII, all are reached through links in a folder of the
// user's own in /tmp, whose name depends on the paths alone so that builds are kept
// as long as the folder of the job is there.
bool paths_make_plain(struct arena *a, struct simulate_job *job, struct err *e);

#endif
