// SPDX-License-Identifier: Apache-2.0
// Sums, means and maxima over any axes of an array.
#ifndef NNGEN_IMPORT_REDUCE_H
#define NNGEN_IMPORT_REDUCE_H

#include "sw/import/builder.h"

enum reduction { REDUCE_MEAN, REDUCE_MAX, REDUCE_SUM };

// Over the axes of the file that `reduced` names, which have one element then: a pool over the rows
// of a sequence, or for sums a convolution with ones.
bool reduce_axes(struct builder *b, enum reduction r, const bool *reduced, struct stream *x);

// Leaves these axes of one element out.
bool reduce_drop(struct builder *b, const bool *reduced, struct stream *x);

#endif
