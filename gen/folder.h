// SPDX-License-Identifier: Apache-2.0
// The folder that `generate` writes. It is made under a temporary name beside its place, gets
// SHA256SUMS last, and is renamed; an existing folder is replaced only if it is one of ours.
#ifndef NNGEN_GEN_FOLDER_H
#define NNGEN_GEN_FOLDER_H

#include "sw/circuit/circuit.h"

enum { CLOCK_DEFAULT = 100 }; // MHz

// What a folder holds beyond the circuit; all zero is a good choice.
struct folder_content {
  const char *model_sha256; // of the file that the graph came from; NULL: not known
  const int32_t *frames;    // for vectors/, (BENCH_FRAMES, elements); NULL: of the program's choice
  double clock;             // MHz, for constraints; 0: CLOCK_DEFAULT
};

// Can a folder be written there? Nothing, an empty folder or one of ours may be in its place.
bool folder_free(const char *dir, struct err *e);

// Keeps a folder from being replaced as long as the descriptor is open; -1 if it is being replaced
// for long, with the reason.
int folder_hold(const char *dir, struct err *e);

// Writes the whole folder, waiting a few seconds for those who read or write the old one.
bool folder_write(const struct circuit *p, const char *dir, const struct folder_content *content,
                  struct err *e);

// Makes a folder, and those that it is in.
bool folder_make(const char *path, struct err *e);

// Whether there is a folder, and nothing in it.
bool folder_is_empty(const char *dir);

// Removes a folder with all that is in it.
bool folder_remove(const char *dir, struct err *e);

// Refuses a folder whose files don't match its SHA256SUMS.
bool folder_check(const char *dir, struct err *e);

// The circuit of a folder: its model.bin with the lanes that its manifest states. NULL on error.
struct circuit *folder_circuit(struct arena *a, const char *dir, struct err *e);

// Which circuit it is: the SHA-256 of its manifest.json and its model.bin, one behind the other, of
// which folder_circuit makes it. Of a folder NULL if they can't be read.
const char *folder_identity(struct arena *a, const char *dir, struct err *e);
const char *circuit_identity(struct arena *a, const struct circuit *p, const char *model_sha256);

#endif
