// SPDX-License-Identifier: Apache-2.0
// .tflite files of tests/import/files, and what the reference kernels computed of them.
#ifndef NNGEN_TESTS_HELPER_TFLITE_H
#define NNGEN_TESTS_HELPER_TFLITE_H

#include "sw/base/file.h"
#include "sw/graph/graph.h"
#include "sw/graph/safetensors.h"
#include "sw/import/refusals.h"
#include "sw/import/tflite_file.h"

struct fixture {
  struct arena arena;
  struct bytes bytes;
  struct tflite_file *file; // as the importer sees it
  struct graph *graph;      // verified
  struct safetensors expected;
};

// Fails the test if there is anything wrong with it.
struct fixture *fixture_new(const char *name);
void fixture_free(struct fixture *f);

const struct tensor *fixture_tensor(const struct fixture *f, const char *name); // NULL: none

// The value that holds tensor `index` of the file.
uint32_t fixture_value(const struct fixture *f, int64_t index);

// Whether the codes (count) of a value are these elements of a tensor, from `first` on.
void fixture_equal(const struct fixture *f, uint32_t value, const int64_t *codes,
                   const struct tensor *t, int64_t first, int64_t count);

// The hexadecimal SHA-256 of codes (count) as bytes.
const char *fixture_hash(struct arena *a, const int64_t *codes, int64_t count);

#endif
