// SPDX-License-Identifier: Apache-2.0
// The folder that `generate` writes. It is made under a temporary name beside its place, gets
// SHA256SUMS last, and is renamed; an existing folder is replaced only if it is one of ours.
#ifndef NNGEN_GEN_FOLDER_H
#define NNGEN_GEN_FOLDER_H

#include "sw/plan/plan.h"

// Writes the whole folder. `model_sha256`: of the file that the graph came from. `frames`: what
// vectors/ holds, (BENCH_FRAMES, elements), or NULL for integers of the program's choice.
bool folder_write(const struct plan *p, const char *dir, const char *model_sha256,
                  const int32_t *frames, struct err *e);

// Refuses a folder whose files don't match its SHA256SUMS.
bool folder_check(const char *dir, struct err *e);

// The plan of a folder: its model.bin with the lanes that its manifest states. NULL on error.
struct plan *folder_plan(struct arena *a, const char *dir, struct err *e);

// 64 hexadecimal digits.
const char *folder_sha256(struct arena *a, const void *data, size_t size);

#endif
