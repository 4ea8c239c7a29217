// SPDX-License-Identifier: Apache-2.0
// A model.bin in memory, made of its parts, and what the reader says to it.
#ifndef NNGEN_TESTS_HELPER_MODEL_H
#define NNGEN_TESTS_HELPER_MODEL_H

#include "sw/base/arena.h"
#include "sw/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The eight bytes that begin a container, little-endian.
void model_put_size(struct text *t, uint64_t n);

// A container of tensor entries (JSON, without braces), the graph's JSON and the tensors' bytes.
struct text model_file(const char *entries, const char *graph, const char *version,
                       const void *data, size_t size);

// Parses; the message, or "" if the file was accepted.
const char *model_verdict(struct arena *a, const struct text *file);

// Fails unless the message holds `words`, or the file is accepted if they are "".
void model_expect(const struct text *file, const char *words);

#endif
