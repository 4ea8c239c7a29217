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

// A beat that is read goes through two registers, `read` and `valid`. Sets whether one is read, of
// a reader whose next beat is there; returns whether anything moves.
static inline bool read_on(struct state *s, bool there, bool leave, bool *reads) {
  bool load = !s->valid || leave, moves = load && s->read;
  *reads = there && (!s->read || load);
  if (load) s->valid = s->read;
  if (*reads || load) s->read = *reads;
  return *reads || moves;
}

#endif
