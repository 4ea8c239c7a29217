// SPDX-License-Identifier: Apache-2.0
// The golden model: the graph in integers, exactly as docs/numerics.md defines it.
//
// golden_ref_* is the plain definition: every kind, 64-bit integers, one loop per sentence of the
// definition, variables, delays and sums over frames included. golden_* is the fast one for
// inference: packed weights, kernels chosen at run time, images shared among threads. They are
// always equal.
#ifndef NNGEN_EXEC_GOLDEN_H
#define NNGEN_EXEC_GOLDEN_H

#include "sw/graph/graph.h"

// ---- the plain one

struct golden_ref;
struct element_kind;
extern const struct element_kind golden_kind; // for sw/exec/steps.h

// An executor of steps of `frames` frames, its variables at their initial content.
struct golden_ref *golden_ref_new(struct arena *a, const struct graph *g, int64_t frames);

// One step: every node once. inputs[i]: (frames, elements) codes of graph input i.
void golden_ref_step(struct golden_ref *r, const int64_t *const *inputs);

// What a value held in the last step: (frames, elements), or (elements) if not per_frame. For a
// reference: the content of its variable now.
const int64_t *golden_ref_value(const struct golden_ref *r, uint32_t value);

// ---- the fast one

struct golden;

// Where a value's integers go: (images, elements), each as type_code reads it.
struct golden_tap {
  uint32_t value;
  int32_t *to;
};

// NULL with the reason if the graph has variables, slices or sums over frames, or a kind without an
// integer executor. What holds variables is for golden_ref.
struct golden *golden_new(struct arena *a, const struct graph *g, struct err *e);

// The same with as little memory as the plan needs (sw/plan/memory.h): only graph outputs and what
// `keep` (n_values) names can be tapped. `keep` must outlive it; NULL: all values.
struct golden *golden_planned(struct arena *a, const struct graph *g, const bool *keep,
                              struct err *e);
bool golden_keeps(const struct golden *m, uint32_t value);

// Whether frames depend on earlier ones, by delays. Such a model runs its frames one after the
// other, from call to call, in one thread; golden_restart makes the next one the first again.
bool golden_is_sequence(const struct graph *g);
void golden_restart(const struct golden *m);

// Bytes of the arrays of one image.
int64_t golden_bytes(const struct golden *m);

// Lets calls of more than a few images use so many threads (sw/base/pool.h); golden_free ends them.
void golden_threads(struct arena *a, struct golden *m, int threads);

// Ends the threads, if there are any; the memory is the arena's. NULL is allowed.
void golden_free(struct golden *m);

// Runs images, given as pixels of the only input (through the source's table), (images, elements),
// or as codes: (images, elements of all inputs), those of the first input in front. Several threads
// may call it at the same time.
void golden_run_pixels(const struct golden *m, int64_t images, const uint8_t *pixels,
                       const struct golden_tap *taps, uint32_t n_taps);
void golden_run_codes(const struct golden *m, int64_t images, const int32_t *codes,
                      const struct golden_tap *taps, uint32_t n_taps);

// The kernels in use: "avx512", "avx2" or "plain".
const char *golden_kernels(void);

#endif
