// SPDX-License-Identifier: Apache-2.0
// What a file of IDX or .npy holds, before it is known to be images or labels.
#ifndef NNGEN_DATA_ARRAY_H
#define NNGEN_DATA_ARRAY_H

#include "sw/base/err.h"
#include "sw/data/data.h"

#include <stddef.h>

enum array_type { ARRAY_U8, ARRAY_I32, ARRAY_I64, ARRAY_F32, ARRAY_F64 };

struct array {
  enum array_type type;
  int rank;                     // 1..8
  int64_t shape[DATA_MAX_RANK]; // outermost first
  int64_t elements;             // product of shape
  unsigned char *data;          // elements values, little-endian, maybe misaligned
};

size_t array_type_bytes(enum array_type type);

// Checks rank, each dimension and their product against the limits of data.h; sets `elements`.
bool array_check_shape(struct array *array, struct err *e);

// IDX, plain or inside gzip. The memory is in the arena, or in `bytes`.
bool idx_parse(struct arena *a, const unsigned char *bytes, size_t size, struct array *out,
               struct err *e);

// NumPy's .npy, versions 1 to 3, C order, little-endian u1, i4, i8, f4, f8. `data` points into
// `bytes`.
bool npy_parse(unsigned char *bytes, size_t size, struct array *out, struct err *e);
bool npy_is(const unsigned char *bytes, size_t size);

#endif
