// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput: libFuzzer calls
// it (`make fuzz`), or replay.c with the files of the corpus (`make test`).
#ifndef NNGEN_TESTS_FUZZ_H
#define NNGEN_TESTS_FUZZ_H

#include "sw/graph/graph.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Ends the process: what must hold doesn't.
#define FUZZ_CHECK(fact)                                                                           \
  do {                                                                                             \
    if (!(fact)) fuzz_broken(#fact, __FILE__, __LINE__);                                           \
  } while (0)
_Noreturn void fuzz_broken(const char *fact, const char *file, int line);

// A path that reads as these bytes, for functions that take a path; closed by the next call.
const char *fuzz_path(const uint8_t *data, size_t size);

// Does with a verified graph what the program does: writes and reads it again, runs it in both
// integer models, which must agree, builds and prints its circuit; a real graph is run and
// quantised first. Large graphs are only written and read.
void fuzz_use_graph(struct graph *g);

// The message of an error is plain text of one line.
void fuzz_check_message(const char *text);

#endif
