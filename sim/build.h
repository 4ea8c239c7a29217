// SPDX-License-Identifier: Apache-2.0
// Builds simulators into a work folder and keeps them: nothing is built again while the circuit,
// the benches and the program are the same.
#ifndef NNGEN_SIM_BUILD_H
#define NNGEN_SIM_BUILD_H

#include "sim/simulate.h"

// bench.sv with the harness, by Verilator; `trace`: able to write waveforms. The program's path,
// or NULL.
const char *build_verilator(struct arena *a, const struct simulate_job *job, bool trace,
                            struct err *e);

// tb.sv, by Icarus, for job->images frames whose vectors are in WORK/vectors.
const char *build_icarus(struct arena *a, const struct simulate_job *job, struct err *e);

#endif
