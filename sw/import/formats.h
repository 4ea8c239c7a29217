// SPDX-License-Identifier: Apache-2.0
// The readers of the formats, and what tells their files (formats.def).
#ifndef NNGEN_IMPORT_FORMATS_H
#define NNGEN_IMPORT_FORMATS_H

#include "sw/import/import.h"
#include "sw/import/tflite.h"

// Whether bytes are a serialised ModelProto: fields of it and nothing else, a graph among them.
bool onnx_is(const void *data, size_t size);

// What isn't read.
bool zip_is_export(const void *data, size_t size);
bool zip_is_script(const void *data, size_t size);
bool zip_is_torch(const void *data, size_t size);
bool zip_is_numpy(const void *data, size_t size);
bool hdf5_is(const void *data, size_t size);
bool zip_is_keras(const void *data, size_t size);
bool pickle_is(const void *data, size_t size);
bool saved_model_is(const void *data, size_t size);
bool frozen_graph_is(const void *data, size_t size);
bool caffe_is(const void *data, size_t size);
bool coreml_is(const void *data, size_t size);

// Unsupported nodes are in `r`; weights beside the file are read from its folder.
struct graph *onnx_parse(struct arena *a, const char *path, const void *data, size_t size,
                         struct refusals *r, struct err *e);

// The names of files beside it with weights, each once: how many, of at most `most`.
uint32_t onnx_beside(struct arena *a, const void *data, size_t size, uint32_t most,
                     const char **names);

struct graph *keras_parse(struct arena *a, const char *path, const void *data, size_t size,
                          struct refusals *r, struct err *e);

// A build without protobuf-c knows ONNX files and can't read them.
#ifdef NNGEN_ONNX
#define ONNX_PARSE onnx_parse
#define ONNX_LACKS NULL
#else
#define ONNX_PARSE NULL
#define ONNX_LACKS "protobuf-c (Debian: libprotobuf-c-dev and protobuf-c-compiler)"
#endif

#ifdef NNGEN_KERAS
#define KERAS_PARSE keras_parse
#define KERAS_LACKS NULL
#else
#define KERAS_PARSE NULL
#define KERAS_LACKS "libhdf5, libzip or libseccomp (Debian: libhdf5-dev libzip-dev libseccomp-dev)"
#endif

#endif
