// SPDX-License-Identifier: Apache-2.0
// int8 models of TensorFlow Lite as integer graphs, equal bit for bit to its reference kernels.
#ifndef NNGEN_IMPORT_TFLITE_H
#define NNGEN_IMPORT_TFLITE_H

#include "sw/graph/graph.h"
#include "sw/import/refusals.h"

// Whether bytes are a FlatBuffer with the identifier TFL3.
bool tflite_is(const void *data, size_t size);

// The graph of the file's first subgraph; operators without a counterpart are in `r`, and then the
// graph is no use. NULL with a message if the file is damaged or holds floats.
//
// A layer has the name of the tensor that its operator gives, up to its first ';'.
struct graph *tflite_parse(struct arena *a, const char *path, const void *data, size_t size,
                           struct refusals *r, struct err *e);

#endif
