// SPDX-License-Identifier: Apache-2.0
// What fuse.c and unfuse.c agree on: how a node holds the requantisation of its accumulator.
#ifndef NNGEN_PASS_FUSE_PARTS_H
#define NNGEN_PASS_FUSE_PARTS_H

#include "sw/pass/fuse.h"

// Factors of the inputs with one shift, which alone is the requantisation (add, sub); otherwise it
// is the node's last one.
static inline bool fuse_shares_shift(const struct node *n) {
  return n->n_rq > op_info(n->op)->slopes + 1;
}

// For each value, how many read it, graph outputs among them, (values).
uint32_t *fuse_readers(struct arena *a, const struct graph *g);

// Whether a requant goes into the node that makes its input, `readers` of it all told.
bool fuse_joins(const struct graph *g, const struct node *r, const uint32_t *readers,
                const char *named);

#endif
