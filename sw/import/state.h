// SPDX-License-Identifier: Apache-2.0
// A state dict of PyTorch, tensors by name in a safetensors file, into a network that is known.
#ifndef NNGEN_IMPORT_STATE_H
#define NNGEN_IMPORT_STATE_H

#include "sw/graph/graph.h"
#include "sw/graph/safetensors.h"
#include "sw/import/refusals.h"

// Whether bytes are a safetensors file without a graph.
bool state_is(const void *data, size_t size);

// Every tensor of the float graph becomes the file's of its name: L.weight and L.bias of layer L,
// of a batch_norm L.running_mean and L.running_var too. Without L.bias it is 0. Kernels are (OUT,
// IN/groups, KH, KW) there, and the columns of a layer behind a flattened image go channel by
// channel. False with all that is missing, has another shape, or belongs to no
// layer among the refusals, and the first of them in the message.
bool state_fill(struct arena *a, struct graph *g, const struct safetensors *file,
                struct refusals *r, struct err *e);

// ---- how such a file has tensor `i` of the inputs of a node

// Its name behind the layer's: "weight".
const char *state_word(const struct node *n, uint32_t i);
// Where element k of it is; its shape, as numbers (false: it isn't this one) and as text.
int64_t state_place(const struct graph *g, const struct node *n, const struct value *w, int64_t k);
bool state_shape(const struct value *w, int rank, const int64_t *shape);
const char *state_shape_text(struct arena *a, const struct value *w);
// Whether a tensor is PyTorch's count of steps, which is no part of the network.
bool state_is_count(const char *name);

#endif
