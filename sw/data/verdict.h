// SPDX-License-Identifier: Apache-2.0
// What "correct" means. It follows from the graph and the labels alone, here and nowhere else, so
// that the C model, the float model, training and the circuit in a simulator are judged alike:
//
//   output                         answer of the network          labels that are classes
//   argmax, argmin, top_k          its index, the first one       0, 1, ..
//   several elements               the largest, lowest first      0, 1, ..; or one column for each,
//                                                                 a single 1 per row
//   distances (rbf), their sums,   the least, lowest first        the same
//   and what argmin reads
//   one element: sigmoid and the   1 above 0.5, else 0            0 and 1
//   like; tanh and the like,       1 above 0, else 0              0 and 1, or -1 and 1
//   bipolar; linear                1 above 0, else 0              the same, but integers only
//
// Other labels are targets: one number per element, of which r2 and the mean absolute error are
// made. Where neither fits there is no answer, and no figure.
#ifndef NNGEN_DATA_VERDICT_H
#define NNGEN_DATA_VERDICT_H

#include "sw/data/data.h"
#include "sw/graph/graph.h"

enum verdict_kind {
  VERDICT_NONE,
  VERDICT_INDEX,
  VERDICT_LARGEST,
  VERDICT_LEAST,
  VERDICT_THRESHOLD
};

struct verdict {
  enum verdict_kind kind;
  uint32_t value;   // that is judged
  const char *name; // of it
  int64_t elements; // of it
  double threshold; // THRESHOLD: above it is class 1
  bool linear;      // THRESHOLD: its floats may be targets, so that only integers are classes
  const struct type *type; // of it
  int64_t inner;           // elements per channel of a type with a scale per channel
};

// Whether each element stands for a class.
static inline bool verdict_compares(const struct verdict *v) {
  return v->kind == VERDICT_LARGEST || v->kind == VERDICT_LEAST;
}

// What the labels of some images are for a verdict; both may be there, or none.
struct answers {
  const int32_t *classes; // (images), or NULL
  const double *targets;  // (images, elements), or NULL
};

// Sums over images.
struct score {
  int64_t images, correct;
  double absolute, squared; // of the differences from the targets
};

// Of one value; of the first output that has an answer, else of the first output.
struct verdict verdict_of_value(const struct graph *g, uint32_t value);
struct verdict verdict_of(const struct graph *g);

// False if the images have labels that fit neither as classes nor as targets.
bool verdict_answers(struct arena *a, const struct verdict *v, const struct images *set,
                     struct answers *out, struct err *e);

// Adds an image's outputs y (elements), given as real numbers, or as codes of the value's type.
void verdict_judge(const struct verdict *v, const struct answers *l, int64_t image, const double *y,
                   struct score *s);
void verdict_judge_codes(const struct verdict *v, const struct answers *l, int64_t image,
                         const int32_t *codes, struct score *s);

// The class that y stands for, of a kind that has one.
int64_t verdict_class(const struct verdict *v, const double *y);

// How far the two best of the elements are apart, of a kind that compares.
double verdict_margin(const struct verdict *v, const double *y);

// What an image's codes stand for: y (elements).
void verdict_reals(const struct verdict *v, const int32_t *codes, double *y);

// 1 - sum of squared differences / sum of squared deviations of the targets of the first `images`
// from the mean of their column. NAN without targets, or if they are all the same.
double verdict_r2(const struct verdict *v, const struct answers *l, const struct score *s);
double verdict_mae(const struct verdict *v, const struct answers *l, const struct score *s);

#endif
