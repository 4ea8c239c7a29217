// SPDX-License-Identifier: Apache-2.0
// A state dict of PyTorch, tensors by name in a safetensors file, into a network that is known.
#ifndef NNGEN_IMPORT_STATE_H
#define NNGEN_IMPORT_STATE_H

#include "sw/graph/graph.h"
#include "sw/graph/safetensors.h"

// Whether bytes are a safetensors file without a graph.
bool state_is(const void *data, size_t size);

// Every tensor of the float graph becomes the file's of its name: L.weight and L.bias of layer L,
// of a batch_norm L.running_mean and L.running_var too. Without L.bias it is 0. Kernels are (OUT,
// IN/groups, KH, KW) there, and the columns of a layer behind a flattened image go channel by
// channel. False with the name of what is missing, has another shape, or belongs to no layer.
bool state_fill(struct arena *a, struct graph *g, const struct safetensors *file, struct err *e);

#endif
