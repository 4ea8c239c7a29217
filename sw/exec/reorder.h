// SPDX-License-Identifier: Apache-2.0
// Where the elements of a node that reorders come from, in the firing of the whole node or of a
// slice; for kernels of all element types.
#ifndef NNGEN_EXEC_REORDER_H
#define NNGEN_EXEC_REORDER_H

#include "sw/exec/job.h"

// An element of the output is that of the input whose number is the sum of a part for each of its
// indices.
//
//   (H, W, C) cut to columns 2 and 3:   part[0] = {0, W C, 2 W C, ..}
//                                       part[1] = {2 C, 3 C}           block: 2 C elements, one
//                                       part[2] = {0, 1, ..}                  behind the other
struct reorder {
  int rank;                      // of the output
  int64_t size[RANK_MAX];        // of the output
  const int64_t *part[RANK_MAX]; // (size); NONE: nothing is there
  int outer;                     // dimensions in front of a block
  int64_t block, first;          // elements of a block; the sum of its first parts
};

// Of a job whose arrays have their shapes. False if the node isn't valid.
bool reorder_of(struct arena *a, const struct job *j, struct reorder *r);

// The element of the input that element `at` of the output is; NONE: the constant.
int64_t reorder_at(const struct reorder *r, int64_t at);

// A frame of elements of so many bytes, block by block; `constant` is one element.
void reorder_frame(const struct reorder *r, size_t element, const void *from, const void *constant,
                   void *to);

#endif
