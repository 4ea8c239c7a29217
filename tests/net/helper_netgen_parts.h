// SPDX-License-Identifier: Apache-2.0
// The parts that random graphs are made of; for helper_netgen*.c.
#ifndef NNGEN_TESTS_HELPER_NETGEN_PARTS_H
#define NNGEN_TESTS_HELPER_NETGEN_PARTS_H

#include "sw/base/rng.h"
#include "tests/net/helper_netgen.h"

struct netgen {
  struct arena *arena;
  struct graph *g;
  struct rng rng;
  enum netgen_kind kind;
  uint32_t at; // the value at the end of the chain
  int names;
};

int64_t netgen_pick(struct netgen *n, int64_t lo, int64_t hi);
bool netgen_chance(struct netgen *n, int percent);
const struct value *netgen_end(const struct netgen *n);
const char *netgen_name(struct netgen *n, const char *what);
int64_t netgen_size(struct netgen *n);
struct type netgen_stream_type(struct netgen *n, bool bipolar, int widest);
struct type netgen_sum_type(struct netgen *n, bool bipolar, int widest);
struct type netgen_pair_type(struct netgen *n); // of the inputs of NETGEN_PAIRS, NETGEN_WIDE_PAIRS
uint32_t netgen_tensor(struct netgen *n, const char *what, int rank, const int64_t *shape,
                       struct type type);
uint32_t netgen_add_node(struct netgen *n, enum op op, struct type out, int rank,
                         const int64_t *shape, bool per_frame);
void netgen_use(struct netgen *n, uint32_t node, uint32_t value);
void netgen_requant(struct netgen *n, uint32_t node, int bits, const struct type *out,
                    int64_t count);
void netgen_finish(struct netgen *n, uint32_t node); // its output is the chain's end

struct type netgen_weight_type(struct netgen *n, int64_t out);
// Bias and requantisation of a node with weights, which ends the chain.
void netgen_weighted(struct netgen *n, uint32_t node, uint32_t x, const struct type *w,
                     const struct type *out);

// A window that fits an image: its attributes are at their defaults where the chance is so.
struct netgen_sliding {
  int64_t kernel[2], stride[2], dilation[2], pad[4], out[3];
};
struct netgen_sliding netgen_slide(struct netgen *n, int axes);

// Each adds to the chain's end.
void netgen_flatten(struct netgen *n);
void netgen_quantize(struct netgen *n, struct type out); // a change of type
void netgen_pointwise(struct netgen *n, enum op op);
void netgen_join(struct netgen *n, enum op op);
void netgen_concat(struct netgen *n);
void netgen_reshape(struct netgen *n);
void netgen_matmul(struct netgen *n, bool frames);
void netgen_sum(struct netgen *n, bool frames);
void netgen_rows(struct netgen *n); // a linear layer over the last axis
void netgen_rows_of(struct netgen *n, int64_t outs);
void netgen_conv(struct netgen *n, enum op op);
void netgen_conv_over(struct netgen *n, enum op op, struct netgen_sliding s);
void netgen_pool(struct netgen *n, enum op op);
void netgen_pool_over(struct netgen *n, enum op op, struct netgen_sliding s, bool global,
                      bool ceil);
void netgen_subsample(struct netgen *n);
void netgen_image(struct netgen *n, int axes); // the same elements as (H, W, C) or (L, C)
void netgen_reorder(struct netgen *n, enum op op);
void netgen_state(struct netgen *n);
void netgen_opaque(struct netgen *n);
void netgen_softmax(struct netgen *n,
                    enum op op); // in the circuit, or of any graph on the host too

#endif
