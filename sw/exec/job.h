// SPDX-License-Identifier: Apache-2.0
// One firing of one node: what golden_<column>.c (64-bit integers) and real_<column>.c (floats)
// compute. Arrays hold int64_t in the one and float in the other.
#ifndef NNGEN_EXEC_JOB_H
#define NNGEN_EXEC_JOB_H

#include "sw/graph/assign.h"

struct array {
  void *data; // (frames, elements) or (elements)
  int rank;
  int64_t shape[RANK_MAX];
  int64_t elements; // of one frame
  bool per_frame;
};

enum { JOB_INPUTS = INPUTS_MAX, JOB_OUTPUTS = 3 };

struct job {
  const struct graph *graph;
  const struct node *node;
  int64_t frames;
  struct array in[JOB_INPUTS], out[JOB_OUTPUTS];
  const void *const *parts; // concat: the data of each input (n_in)
  const int64_t *channel;   // sliced last output axis: its original index; NULL: all
  const int64_t *kept;      // sliced dimension `sliced` of the output: the same; NULL: all
  int sliced;
  int axis;                    // of the node's space, if it is a slice
  const int64_t *index;        // what the points of that axis were before; NULL: it is none
  void *held[ASSIGN_REFS_MAX]; // read, assign: the variables' contents
  int share, shares;           // this call does share `share` of `shares`; 0 of 0: everything
  bool fresh;                  // real_backward writes dx instead of adding to it
};

struct array array_of(const struct value *v, void *data);

// What an executor knows of a firing before it calls the kernel: arrays of inputs and outputs from
// the data of each, narrowed to what the node's slice needs; copies go into the arena.
struct job job_of(struct arena *a, const struct graph *g, const struct node *n, int64_t frames,
                  size_t element, void *const *in, void *const *out);

// Dimension `dim` of an array, restricted to what is needed of it: a copy in the arena. Without
// data its shape alone.
void array_narrow(struct arena *a, struct array *x, int64_t frames, int dim,
                  const struct needs *needs, size_t element);

// The reverse: what an array of `extent` indices was restricted to, in its places among zeros.
void array_widen(struct arena *a, struct array *x, int64_t frames, int dim,
                 const struct needs *needs, int64_t extent, size_t element);

// Restricts the arrays of a job to what a slice of the space of its node needs, dimension by
// dimension that is an axis; one that a window slides over stays whole.
void job_narrow(struct arena *a, struct job *j, const struct space *space,
                const struct slice *slice, size_t element);

// True if a node only moves data: shapes, read, concat without requantisations.
bool job_moves(const struct node *n);

// Does it. False if the node isn't one that moves.
bool job_move(const struct job *j, size_t element);

// Point i of an axis of the node's space, as it is numbered without a slice.
static inline int64_t job_index(const struct job *j, int axis, int64_t i) {
  return j->index && j->axis == axis ? j->index[i] : i;
}

// Units begin..end of `count` belong to this call. What a kernel computes for a unit doesn't depend
// on who does it.
void job_share(const struct job *j, int64_t count, int64_t *begin, int64_t *end);

// Data of one frame; the same for every frame if the array has none.
static inline int64_t *golden_frame(const struct array *x, int64_t frame) {
  return (int64_t *)x->data + (x->per_frame ? frame * x->elements : 0);
}

// The frame of an array that is shaped like x, such as its gradient; NULL stays NULL.
static inline float *real_like(const struct array *x, float *data, int64_t frame) {
  return data ? data + (x->per_frame ? frame * x->elements : 0) : NULL;
}

// NULL if nothing of x was asked for, as a gradient doesn't need all inputs.
static inline float *real_frame(const struct array *x, int64_t frame) {
  return real_like(x, x->data, frame);
}

// The step's number as a float variable holds it; what isn't one counts as 0.
static inline uint64_t job_step(float number) {
  return number >= 0 && number < 0x1p63f ? (uint64_t)number : 0;
}

static inline int64_t job_frames(const struct job *j, const struct array *x) {
  return x->per_frame ? j->frames : 1;
}

// Sums over frames run in SHARDS shards: each in the order of its frames, then shard after shard.
// Shard s holds the frames job_shard(frames, s) to job_shard(frames, s + 1).
enum { SHARDS = 8 };
static inline int64_t job_shard(int64_t frames, int64_t s) {
  return frames * s / SHARDS;
}

// Broadcasting: index into input x of the element at `at` of output y.
int64_t job_broadcast(const struct array *x, const struct array *y, int64_t at);

// sum: index of the result that element `at` of the input is added to.
int64_t job_result(const struct job *j, int64_t at);

// concat: which of the rows of input i is row `row` of the output, all frames counted; one for all
// frames if it has none.
static inline int64_t job_part_row(const struct job *j, uint32_t i, int64_t rows, int64_t row) {
  return node_in(j->graph, j->node, i)->per_frame ? row : row % rows;
}

// matmul: index of (row, column) of a matrix that may be stored transposed.
static inline int64_t job_element(const struct array *x, bool transposed, int64_t row,
                                  int64_t column) {
  return transposed ? column * x->shape[1] + row : row * x->shape[1] + column;
}

// y = requantisation of acc for output channel c (local index of the last axis).
int64_t golden_requant(const struct job *j, const struct requant *rq, fix_wide acc, int64_t c);

// The kernels, golden_<column> and real_<column>; fire calls that of the node's column, if it has
// one. A kernel that can't be shared does all in the first share.
void golden_fire(const struct job *j);
void real_fire(const struct job *j);
#define YES(f) void f(const struct job *j);
#define MOVE(f)
#define NO(f)
#define COLUMN(id, stem, golden, prepare, real, ...) golden(golden_##stem) real(real_##stem)
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef MOVE
#undef NO

// The same firing backwards. j has been fired; dy is the gradient of some loss with respect to
// out[0], shaped like it; the gradient with respect to in[k] is added to dx[k], shaped like in[k]
// (the part of it that a slice needs), or is not wanted: NULL. An array without frames takes the
// sum over the frames. A mask is not part of the function: who updates a variable keeps its cut
// connections zero. The kind must have a gradient (op_no_gradient); j needs the data of what
// op_gradient_reads names, and the shapes of everything.
void real_backward(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]);

// The kernels of its rules.
#define GRADIENT(id, kernel, ...)                                                                  \
  void real_##kernel##_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]);
#define NO_GRADIENT(...)
#include "sw/graph/gradients.def"
#undef GRADIENT
#undef NO_GRADIENT

#endif
