// SPDX-License-Identifier: Apache-2.0
// Compares what a circuit does with the golden model: every element of every beat of every stream,
// TLAST, missing and surplus beats, II and latency. Knows nothing of simulators; the bench calls
// it through bench_dpi.c.
//
// Its findings are lines of text, which vector_end.sv prints likewise:
//
//   AT n                                    n images are through
//   STAT images=.. elements=.. mismatches=.. cycles=.. ii=.. latency=.. correct=..
//        absolute=.. squared=..
//   PASS ...   or   FAIL what is wrong
#ifndef NNGEN_SIM_COMPARE_H
#define NNGEN_SIM_COMPARE_H

#include "sim/bench_job.h"

#include <stdio.h>

struct compare;

// Loads the model and makes the golden executor. Lines go to `to`. NULL on error.
struct compare *compare_new(struct arena *a, const struct bench_job *j, FILE *to, struct err *e);

// The circuit is reset: its first beats are to come again, and nothing is known of it.
void compare_restart(struct compare *c);

// The next beat of an input; false when there is none. data: ceil(bits / 32) words, low bits first;
// unused lanes hold noise, which no circuit may care about.
bool compare_next(struct compare *c, uint32_t input, uint32_t *data, bool *last);

// A beat of an input was accepted in a cycle. Time is that of the first input's frames.
void compare_accepted(struct compare *c, uint32_t input, int64_t cycle);

// A beat of a stream was accepted. False if the run can't go on: TLAST misplaced, a surplus beat.
bool compare_beat(struct compare *c, uint32_t stream, int64_t cycle, const uint32_t *data,
                  bool last);

// All frames of all streams are there.
bool compare_complete(const struct compare *c);

// The verdict after the run. True: the circuit is right.
bool compare_finish(struct compare *c, int64_t cycle, bool frame_error);

#endif
