// SPDX-License-Identifier: Apache-2.0
// What the two halves of the graph reader share: tensors and values (model_values.c), nodes
// (model_read.c).
#ifndef NNGEN_GRAPH_MODEL_READER_H
#define NNGEN_GRAPH_MODEL_READER_H

#include "sw/base/json.h"
#include "sw/graph/graph.h"
#include "sw/graph/safetensors.h"

struct reader {
  struct arena *arena;
  struct graph *graph;
  const struct safetensors *file;
  char *used;     // (file->count)
  json_t *values; // name -> id, so that a look-up doesn't scan
  json_t *nodes;  // name -> id
  struct err *err;
};

// The integers of a tensor of codes, of a type that has such; NULL with a message. Of blocks `name`
// also has exponents, and the type's scale and span become those of the integers.
struct tensor *reader_decode(struct reader *r, const char *name, const struct tensor *codes,
                             struct type *t);

// A tensor of the file, marked as used; NULL with a message if there is none.
struct tensor *reader_take(struct reader *r, const char *name);

// One of a dtype and rank 1, which only carries numbers (scales, multipliers, tables).
struct tensor *reader_take_list(struct reader *r, const char *name, enum dtype dtype);

bool reader_add_name(struct reader *r, json_t *map, const char *name, uint32_t id);
bool reader_find_value(struct reader *r, const json_t *name, uint32_t *id);

// What "type" says.
bool reader_type(struct reader *r, const json_t *j, struct type *t);

// An entry of "tensors", a value declared by a node or an input, an entry of "inputs".
bool reader_tensor(struct reader *r, const char *name, const json_t *j);
bool reader_value(struct reader *r, const json_t *j, bool per_frame, uint32_t *id);
bool reader_input(struct reader *r, const json_t *j);

#endif
