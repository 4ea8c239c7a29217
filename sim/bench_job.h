// SPDX-License-Identifier: Apache-2.0
// A simulation's job: what one process must stream and compare. simulate.c writes it into a file,
// the harness inside the simulator reads it.
#ifndef NNGEN_SIM_BENCH_JOB_H
#define NNGEN_SIM_BENCH_JOB_H

#include "sw/base/arena.h"
#include "sw/base/err.h"

#include <stdint.h>

enum { JOB_NAME = 64, JOB_PATH = 4096 };

// A stream that is driven, or compared: a layer's output, or (the last n_outputs) the circuit's.
struct bench_job_stream {
  char name[JOB_NAME]; // "l0_linear", "s_axis", "m_axis"
  uint32_t value;      // of model.bin's graph
  int32_t width;       // bits of an element
  int32_t coding;      // enum type_coding
  int32_t trimmed;     // 1: unused lanes and padding are zero
  int64_t elements, lanes, beats;
  int64_t ahead; // frames that may come beyond those of the inputs
  int64_t bits;  // of TDATA
  int64_t first; // of an input: where its elements begin among those of a frame
};

struct bench_job {
  char model[JOB_PATH];  // path of model.bin
  int64_t first, images; // number of the first image, how many
  int64_t elements;      // of a frame of all inputs
  int32_t check_time;    // 1: no stalls, ii and latency must be the circuit's
  int32_t has_labels, has_targets;
  int64_t ii, latency, steady; // cycles; II holds from frame `steady` on
  int64_t transfer;            // of the circuit
  int64_t limit;               // cycles without a handshake after which the circuit hangs
  uint32_t n_inputs, n_streams, n_outputs;
  struct bench_job_stream *inputs;  // (n_inputs)
  struct bench_job_stream *streams; // (n_streams)
  uint32_t judged;                  // the stream that answers
  int32_t *labels;                  // (images) classes
  int64_t outputs;                  // elements of the answer
  double *targets;                  // (images, outputs)
  int32_t *codes;                   // (images, elements)
};

bool bench_job_write(const char *path, const struct bench_job *j, struct err *e);
bool bench_job_read(struct arena *a, const char *path, struct bench_job *j, struct err *e);

#endif
