// SPDX-License-Identifier: Apache-2.0
// Streams images through a generated circuit in a simulator and compares every element of every
// layer with the golden model.
//
//   folder, circuit, images --> [build] --> [run: 1 or more processes] --> result
//                            verilator    circuit + bench + golden model in one program
//                            iverilog     circuit + tb.sv, vectors from the golden model
#ifndef NNGEN_SIM_SIMULATE_H
#define NNGEN_SIM_SIMULATE_H

#include "sw/base/arena.h"
#include "sw/base/err.h"
#include "sw/circuit/circuit.h"
#include "sw/data/verdict.h"

enum { STALL_NONE, STALL_PATTERNS = 8, SIMULATE_JOBS_MAX = 64 };

struct simulate_job {
  const char *folder;            // that generate wrote
  const struct circuit *circuit; // of its model.bin
  int64_t images;
  const int32_t *codes;    // (images, elements of all inputs)
  struct answers answers;  // of the images
  int stall_in, stall_out; // patterns of gen/bench/bench_stall.sv
  uint32_t seed;           // of random patterns
  int jobs;                // processes
  // images after which the circuit is reset, in the midst of some, so that what it remembers is
  // anew; 0: never
  int64_t reset_every;
  bool trace; // write a waveform of the first images too
  bool icarus;
  const char *work;    // folder for what is built; made if it isn't there
  const char *archive; // set by simulate: libnngen.a
  const char *build;   // set by simulate: the work folder, or a plain path in its place
  bool quiet;
  const char *const *plusargs; // more of them for the simulator, NULL-terminated, or NULL
};

struct simulate_result {
  int64_t images, elements, mismatches;
  struct score score;  // of the circuit's own outputs
  int64_t cycles;      // of all processes
  int64_t ii, latency; // measured
  double build_seconds, run_seconds;
  const char *waveform; // path, or NULL
  const char *failure;  // what the bench found wrong first, or NULL
};

// Makes a work folder and keeps it for this process as long as the descriptor is open; `wait` is
// called once if another process has it. -1 on error.
int simulate_hold(const char *work, void (*wait)(const char *work, const void *context),
                  const void *context, struct err *e);

// The output that labels are about: the one that verdict_of judges, or that the host makes it of.
uint32_t simulate_judged(const struct circuit *p);

// The tools are there.
bool simulate_tools(bool icarus, struct err *e);

// A name in a work folder, relative to it, that simulations write; `model`: also the circuit, which
// is generated there.
bool simulate_writes(const char *name, bool model);

// False if the simulation can't be done, with the reason. The caller holds the work folder. A
// circuit that is wrong is a result.
bool simulate(struct arena *a, const struct simulate_job *job, struct simulate_result *r,
              struct err *e);

// The patterns of "none", "alternate", ..., or "INPUT/OUTPUT".
bool simulate_stall(const char *text, int *in, int *out, struct err *e);

#endif
