// SPDX-License-Identifier: Apache-2.0
// What the rules of a cell (timing_ops.c, timing_reorder.c) ask of its wires.
#ifndef NNGEN_CIRCUIT_WIRES_H
#define NNGEN_CIRCUIT_WIRES_H

#include "sw/circuit/timing.h"

static inline bool offered(const struct state *s, const struct wires *w, uint32_t k) {
  return w->valid[s->cell->in[k]->id];
}

static inline bool accepts(const struct state *s, const struct wires *w, uint32_t k) {
  return w->moved[s->cell->in[k]->id];
}

static inline bool leaves(const struct state *s, const struct wires *w, uint32_t k) {
  return w->moved[s->cell->out[k]->id];
}

static inline int64_t next_of(int64_t i, int64_t n) {
  return i + 1 == n ? 0 : i + 1;
}

#endif
