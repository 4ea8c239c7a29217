// SPDX-License-Identifier: Apache-2.0
// A network as actors, without building them: an actor is a node and some of its output channels,
// with the activations that follow it; what it computes is one token, which whoever needs it gets.
//
//   784 pixels       fc1, relu1       fc2         784 + 128 + 10 actors, 784 + 128 + 10 tokens,
//    o  o  o  o       o  o  o          o          784 * 128 + 128 * 10 edges between them
//    token 0..783     784..911         912..921
//
// Tokens of a stream (a value, whatever its reshaped names) are its channels, `grain` at a time:
// the last dimension, the fastest one. The input of a linear layer is cut into elements.
#ifndef NNGEN_PLAN_ACTORS_H
#define NNGEN_PLAN_ACTORS_H

#include "sw/plan/plan.h"

enum { GRAIN_LAYER = 0, ACTORS_MAX = 1 << 22 };

// Tokens of a stream that are needed: `count` from `first` on, of all tokens.
struct span_needed {
  uint32_t first, count;
};

struct actor {
  uint32_t layer;
  int64_t begin, end; // channels of the layer's output
  int64_t work;       // multiply-accumulates; elements that are read, where nothing multiplies
  uint32_t n_needs;
  const struct span_needed *needs; // (n_needs) the same array for actors that need the same
};

struct token_stream {
  uint32_t value;          // a base value (plan_base)
  uint32_t layer;          // that computes it
  uint32_t first, count;   // tokens
  int64_t channels, grain; // token i: channels grain * i .. grain * (i + 1), or less
};

struct token {
  uint32_t stream, actor;
  int64_t elements;
  int64_t bits; // all of them
};

struct actor_layer {
  int32_t node;           // NONE: a graph input
  uint32_t n_stages;      // the node and activations behind it
  const uint32_t *stages; // (n_stages)
  uint32_t first, count;  // actors; those of inputs compute nothing
  uint32_t n_streams;     // that it computes: one, or an index and what goes with it
  uint32_t stream;        // the first
  // 0: its actors may be anywhere; i: on node 0, or the nodes behind link i - 1 of node 0, counted
  // modulo `regions`
  uint32_t region;
};

struct actors {
  const struct graph *graph;
  int64_t grain;
  uint32_t n_actors, n_layers, n_streams, n_tokens, n_outputs;
  struct actor *actors;
  struct actor_layer *layers; // inputs first, then so that each follows what it needs
  struct token_stream *streams;
  struct token *tokens;
  uint32_t *outputs;  // (n_outputs) streams
  int32_t *stream_of; // (n_values) NONE: a tensor, or what is inside of an actor
  uint32_t regions;   // of which layers are told; 0: none is
  int64_t edges;      // tokens that actors need, and those from the source and to the sink
};

// `grain` channels in an actor, or GRAIN_LAYER. An input that is cut into elements has as many in a
// token as a frame of `link_bits` takes. NULL with a layer's name for what has no channels or keeps
// something from frame to frame. The graph is verified and of integers.
const struct actors *actors_of(struct arena *a, const struct graph *g, int64_t grain,
                               int64_t link_bits, struct err *e);

// The same with layers in regions: `region` (n_nodes) as in struct actor_layer.
const struct actors *actors_in_regions(struct arena *a, const struct actors *v, uint32_t regions,
                                       const uint32_t *region);

// Of all actors.
int64_t actors_work(const struct actors *v);

#endif
