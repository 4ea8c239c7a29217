// SPDX-License-Identifier: Apache-2.0
// Transposed convolutions: each pixel of what comes out is of one of stride x stride phases, and
// each phase is a convolution with every stride-th tap of the kernel. So it is a convolution with a
// channel for each phase, whose channels become pixels; what the padding cuts is sliced off.
//
//   y[q s + r] = sum over t of x[q - t] w[t s + r]        r < s, t < T = ceil(kernel / s)
//
// q runs from `skip` on, and of what that gives elements `first` .. `first + out` stay.
#ifndef NNGEN_IMPORT_TRANSPOSED_H
#define NNGEN_IMPORT_TRANSPOSED_H

#include "sw/import/builder.h"

enum { TRANSPOSED_AXES = 2 };

struct transposed {
  int axes;
  int64_t in, outs, groups; // channels; outs: of a group
  int64_t kernel[TRANSPOSED_AXES], stride[TRANSPOSED_AXES];
  int64_t out[TRANSPOSED_AXES]; // elements along each axis
  // what follows
  int64_t taps[TRANSPOSED_AXES];    // of a phase
  int64_t phases;                   // product of the strides
  int64_t pad[2 * TRANSPOSED_AXES]; // of the convolution
  int64_t first[TRANSPOSED_AXES];
};

// Works out what follows for inputs of `size` of which the output loses `cut` in front. False if
// the layer, its weights or its output would be too large, or nothing is left, with the refusal.
bool transposed_fit(struct builder *b, struct transposed *t, const int64_t *size,
                    const int64_t *cut);

// The weights of the convolution are (groups * outs * phases, T.., in / groups).
void transposed_shape(const struct transposed *t, int64_t *shape);

// Where element n of them comes from: channels in (of all) and out (of the group), and the place in
// the kernel; false: there is no tap, and it is 0.
struct transposed_tap {
  int64_t in, out, element;
};
bool transposed_tap(const struct transposed *t, int64_t n, struct transposed_tap *tap);

// Of which output the bias of output `n` of the convolution is.
int64_t transposed_out(const struct transposed *t, int64_t n);

// The stream behind the convolution `node`, whose weights and bias are there: (OUT, ..) of the
// file.
bool transposed_put(struct builder *b, const struct transposed *t, uint32_t node, struct stream *y);

#endif
