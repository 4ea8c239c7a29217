// SPDX-License-Identifier: Apache-2.0
// What a file of IDX, .npy or .npz holds, before it is known to be images or labels.
#ifndef NNGEN_DATA_ARRAY_H
#define NNGEN_DATA_ARRAY_H

#include "sw/base/err.h"
#include "sw/base/text.h"
#include "sw/data/data.h"
#include "sw/graph/fix.h"

#include <stddef.h>

enum array_type {
  ARRAY_U8,
  ARRAY_BOOL,
  ARRAY_I8,
  ARRAY_I16,
  ARRAY_U16,
  ARRAY_I32,
  ARRAY_U32,
  ARRAY_I64,
  ARRAY_U64,
  ARRAY_F16,
  ARRAY_F32,
  ARRAY_F64
};

struct array {
  enum array_type type;
  int rank;                     // 1..8
  int64_t shape[DATA_MAX_RANK]; // outermost first
  int64_t elements;             // product of shape
  unsigned char *data;          // elements values in C order, little-endian, maybe misaligned
  // JSON text, a number or a list with one for each channel, by which a safetensors file says that
  // it holds codes, of which each is worth (code - zero) * scale; NULL: it doesn't.
  const char *scale, *zero;
};

// Reads FILE, an IDX, .npy, .npz or safetensors file, or FILE:NAME, one array of several. Without a
// name of a safetensors file the first that it has of the list (NULL at its end), or its only
// array.
bool array_read(struct arena *a, const char *spec, const char *const *otherwise, struct array *out,
                struct err *e);

// The array of that name of a file of several. False if the file has no names, or not this one.
bool array_read_named(struct arena *a, const char *path, const char *name, struct array *out,
                      struct err *e);

size_t array_type_bytes(enum array_type type);
bool array_is_integer(const struct array *v);

// Element i exactly; of integers beyond 2^53 the nearest double.
double array_real(const struct array *v, int64_t i);
fix_wide array_integer(const struct array *v, int64_t i); // of an array of integers

// Checks rank, each dimension and their product against the limits of data.h; sets `elements`.
bool array_check_shape(struct array *array, struct err *e);

// IDX, plain or inside gzip. The memory is in the arena, or in `bytes`.
bool idx_parse(struct arena *a, const unsigned char *bytes, size_t size, struct array *out,
               struct err *e);

// NumPy's .npy, versions 1 to 3, either order of bytes and of axes; b1, i1 .. i8, u1 .. u8, f2, f4,
// f8. The memory is in the arena, or in `bytes`, which may be changed.
bool npy_parse(struct arena *a, unsigned char *bytes, size_t size, struct array *out,
               struct err *e);
// Appends the file of a tensor of rank 1 or more, version 1, in C order.
struct tensor;
void npy_put(struct text *out, const struct tensor *t);
bool npy_is(const unsigned char *bytes, size_t size);

// A zip archive of .npy files, as numpy.savez writes it: the one called `name`, or the only one if
// `name` is NULL.
bool npz_parse(struct arena *a, const unsigned char *bytes, size_t size, const char *name,
               struct array *out, struct err *e);
bool npz_is(const unsigned char *bytes, size_t size);

// What a file that isn't one of these seems to be, and how its owner makes a .npy of it; NULL if
// there is no guess.
const char *foreign_remedy(const unsigned char *bytes, size_t size);

#endif
