// SPDX-License-Identifier: Apache-2.0
// Graphs as files of other programs.
#ifndef NNGEN_EXPORT_EXPORT_H
#define NNGEN_EXPORT_EXPORT_H

#include "sw/base/file.h"
#include "sw/base/text.h"
#include "sw/graph/graph.h"
#include "sw/import/refusals.h"

enum onnx_form { ONNX_FLOAT, ONNX_QDQ, ONNX_QONNX };

// What is another in a file than in the graph: the first layer or tensor of each kind of change.
struct export_notes {
  uint32_t count;
  struct export_note {
    const char *name, *text;
    uint32_t others;
  } list[8];
};

// Appends the ONNX file of a graph in a form. False with the layers that have none in `r`.
bool export_onnx(struct arena *a, const struct graph *g, enum onnx_form form, struct refusals *r,
                 struct export_notes *notes, struct text *out, struct err *e);

// Appends a copy of the bytes of a .keras, .h5 or safetensors file whose arrays are the weights of
// a float graph: that of the same network. False with the name of the array that has no
// counterpart.
bool export_into(struct arena *a, const struct graph *g, const char *path, const struct bytes *file,
                 struct text *out, struct err *e);

#endif
