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

// What became of a user's own file.
struct into_result {
  uint32_t arrays; // that were written; those whose numbers were there already are left alone
  int64_t numbers; // in them
  int64_t rounded; // of these: the file's type is narrower than floats
  bool trained;    // the file holds the state of an optimizer, which stays
};

// Appends a copy of the bytes of a .keras, .h5 or safetensors file of the same network, with the
// weights of a float graph under the file's names and in its layout, and nothing else changed.
// False with the array that has no counterpart, or the layer that is another, and what to do.
bool export_into(struct arena *a, const struct graph *g, const struct bytes *file,
                 struct into_result *r, struct text *out, struct err *e);

#endif
