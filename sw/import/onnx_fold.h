// SPDX-License-Identifier: Apache-2.0
// What computes constants shares. A fold is false if it can't, or if the constants aren't as they
// must be.
#ifndef NNGEN_IMPORT_ONNX_FOLD_H
#define NNGEN_IMPORT_ONNX_FOLD_H

#include "sw/import/onnx.h"

// Elements of a constant that is computed; of all, twice as many. Fuzzing has less memory.
#ifdef NNGEN_FUZZ
enum { FOLD_MOST = 1 << 21 };
#else
enum { FOLD_MOST = 1 << 27 };
#endif

bool fold_is_float(const struct tensor *t);
void fold_set_real(struct tensor *t, int64_t i, double v); // of any type
void fold_copy(struct tensor *to, int64_t i, const struct tensor *from, int64_t k);

// Whether a tensor of this shape may be.
bool fold_fits(int rank, const int64_t *shape);

// Positions that lie `step[d]` apart along each axis of the output, from `start` on.
int64_t *fold_strided(struct arena *a, int rank, const int64_t *shape, int64_t start,
                      const int64_t *step);
void fold_strides(const struct tensor *t, int64_t stride[RANK_MAX]);

// Whether an operator is one that is computed of constants.
bool onnx_folds(const char *op);

bool fold_transpose(struct onnx *o);
bool fold_reshape(struct onnx *o);
bool fold_flatten(struct onnx *o);
bool fold_squeeze(struct onnx *o);
bool fold_unsqueeze(struct onnx *o);
bool fold_expand(struct onnx *o);
bool fold_gather(struct onnx *o);
bool fold_slice(struct onnx *o);
bool fold_split(struct onnx *o);
bool fold_concat(struct onnx *o);

#endif
