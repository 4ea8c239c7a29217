// SPDX-License-Identifier: Apache-2.0
// model.bin: a graph in a safetensors container (docs/model-file.md).
#ifndef NNGEN_GRAPH_MODEL_H
#define NNGEN_GRAPH_MODEL_H

#include "sw/base/file.h"
#include "sw/base/text.h"
#include "sw/graph/graph.h"

#define MODEL_BYTES_MAX ((size_t)2 << 30)

// Reads, checks, verifies and proves ranges; NULL on error, with the file's name in the message.
struct graph *model_read(struct arena *a, const char *path, struct err *e);

// The same from memory; messages carry no file name.
struct graph *model_parse(struct arena *a, const void *data, size_t size, struct err *e);

// Appends the bytes of the file that holds a graph.
void model_put(struct text *out, const struct graph *g);

// Writes it atomically. Reading it back gives an equal graph, and writing that the same bytes.
bool model_write(const char *path, const struct graph *g, struct err *e);

#endif
