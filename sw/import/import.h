// SPDX-License-Identifier: Apache-2.0
// Foreign files as graphs. A file is known by its content, never by its name.
#ifndef NNGEN_IMPORT_IMPORT_H
#define NNGEN_IMPORT_IMPORT_H

#include "sw/graph/graph.h"
#include "sw/import/refusals.h"

// A format of other programs, as the rows of formats.def say.
struct import_format {
  const char *name;    // "ONNX"
  const char *library; // what this build lacks to read it; NULL: nothing
  // NULL: it isn't read; `remedy` says what to do instead.
  struct graph *(*parse)(struct arena *a, const char *path, const void *data, size_t size,
                         struct refusals *r, struct err *e);
  const char *remedy;
};

// Which format bytes have; NULL for a model.bin and what nobody knows.
const struct import_format *import_format_of(const void *data, size_t size);

const struct import_format *import_format_at(uint32_t i); // NULL behind the last

// The file of a known foreign format that a folder has; NULL: it has none.
const char *import_in_folder(struct arena *a, const char *path);

// The graph of a model.bin or a foreign file, verified, its ranges proven. NULL with `r` filled
// if the file has layers that aren't supported, otherwise with the file's name in the message.
struct graph *import_read(struct arena *a, const char *path, struct refusals *r, struct err *e);

// Files beside it that a file reads: weights of ONNX. How many there are, of at most `most` names.
uint32_t import_beside(struct arena *a, const char *path, uint32_t most, const char **names);

#endif
