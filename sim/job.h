// SPDX-License-Identifier: Apache-2.0
// A simulation's job: what one process must stream and compare. simulate.c writes it into a file,
// the harness inside the simulator reads it.
#ifndef NNGEN_SIM_JOB_H
#define NNGEN_SIM_JOB_H

#include "sw/base/arena.h"
#include "sw/base/err.h"

#include <stdint.h>

enum { JOB_NAME = 64, JOB_PATH = 4096 };

// A stream that is compared: a layer's output, or (last) the circuit's.
struct job_stream {
  char name[JOB_NAME]; // "l0_linear", "m_axis"
  uint32_t value;      // of model.bin's graph
  int32_t width;       // bits of an element
  int32_t coding;      // enum type_coding
  int32_t trimmed;     // 1: unused lanes and padding are zero
  int64_t elements, lanes, beats;
  int64_t bits; // of TDATA
};

struct job {
  char model[JOB_PATH];                 // path of model.bin
  int64_t first, images;                // number of the first image, how many
  int64_t elements, lanes, beats, bits; // of the input stream
  int32_t width;                        // bits of an input element
  int32_t coding;                       // of the input, enum type_coding
  int32_t check_time;                   // 1: no stalls, ii and latency must be the circuit's
  int32_t has_labels, has_targets;
  int64_t ii, latency, steady; // cycles; II holds from frame `steady` on
  int64_t transfer;            // of the circuit
  int64_t limit;               // cycles without a handshake after which the circuit hangs
  uint32_t n_streams;
  struct job_stream *streams; // (n_streams)
  int32_t *labels;            // (images) classes
  int64_t outputs;            // elements of the output
  double *targets;            // (images, outputs)
  int32_t *codes;             // (images, elements)
};

bool job_write(const char *path, const struct job *j, struct err *e);
bool job_read(struct arena *a, const char *path, struct job *j, struct err *e);

#endif
