// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/graph.h"

#include <assert.h>
#include <string.h>

size_t dtype_size(enum dtype d) {
  static const size_t sizes[] = {4, 8, 1, 2, 4, 8, 1};
  return sizes[d];
}

const char *dtype_text(enum dtype d) {
  static const char *const names[] = {"F32", "F64", "I8", "I16", "I32", "I64", "U8"};
  return names[d];
}

enum dtype dtype_for(const struct type *t) {
  if (type_is_real(t)) return DTYPE_F32;
  int64_t lo = type_lowest(t), hi = type_highest(t);
  if (type_is_fixed(t) && !t->is_signed && hi <= UINT8_MAX) return DTYPE_U8;
  if (lo >= INT8_MIN && hi <= INT8_MAX) return DTYPE_I8;
  if (lo >= INT16_MIN && hi <= INT16_MAX) return DTYPE_I16;
  return lo >= INT32_MIN && hi <= INT32_MAX ? DTYPE_I32 : DTYPE_I64;
}

int8_t *tensor_exponents(struct arena *a, const struct blocked *b, const struct tensor *t) {
  int64_t outs = t->shape[0], taps = t->count / outs, blocks = block_count(b, taps);
  int64_t *row = ARENA_NEW(a, int64_t, taps);
  int8_t *exponents = ARENA_NEW(a, int8_t, outs * blocks);
  for (int64_t o = 0; o < outs; o++) {
    for (int64_t i = 0; i < taps; i++) row[i] = tensor_int(t, o * taps + i);
    for (int64_t k = 0; k < blocks; k++) {
      int64_t left = taps - k * b->size;
      exponents[o * blocks + k] =
          (int8_t)block_exponent(b, left < b->size ? left : b->size, row + k * b->size);
    }
  }
  return exponents;
}

struct tensor *tensor_new(struct arena *a, enum dtype dtype, int rank, const int64_t *shape) {
  struct tensor *t = ARENA_NEW(a, struct tensor, 1);
  t->dtype = dtype;
  t->rank = rank;
  if (rank) memcpy(t->shape, shape, (size_t)rank * sizeof *shape);
  t->count = shape_elements(rank, shape);
  t->data = arena_alloc(a, (size_t)t->count, dtype_size(dtype));
  return t;
}

struct tensor *tensor_settled(struct arena *a, struct type *type, struct tensor *t) {
  const int8_t *exponents = tensor_exponents(a, &type->block, t);
  int64_t count = t->shape[0] * block_count(&type->block, t->count / t->shape[0]);
  type->block.span = 0;
  for (int64_t i = 0; i < count; i++)
    if (exponents[i] > type->block.span) type->block.span = (uint8_t)exponents[i];
  if (dtype_for(type) == t->dtype) return t;
  struct tensor *to = tensor_new(a, dtype_for(type), t->rank, t->shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(to, i, tensor_int(t, i));
  return to;
}

int64_t tensor_int(const struct tensor *t, int64_t i) {
  switch (t->dtype) {
  case DTYPE_I8:
    return ((const int8_t *)t->data)[i];
  case DTYPE_I16:
    return ((const int16_t *)t->data)[i];
  case DTYPE_I32:
    return ((const int32_t *)t->data)[i];
  case DTYPE_I64:
    return ((const int64_t *)t->data)[i];
  case DTYPE_U8:
    return ((const uint8_t *)t->data)[i];
  case DTYPE_F32:
  case DTYPE_F64:
    break;
  }
  assert(false && "integer tensor");
  return 0;
}

double tensor_real(const struct tensor *t, int64_t i) {
  if (t->dtype == DTYPE_F32) return (double)((const float *)t->data)[i];
  if (t->dtype == DTYPE_F64) return ((const double *)t->data)[i];
  return (double)tensor_int(t, i);
}

void tensor_set_int(struct tensor *t, int64_t i, int64_t value) {
  switch (t->dtype) {
  case DTYPE_I8:
    ((int8_t *)t->data)[i] = (int8_t)value;
    return;
  case DTYPE_I16:
    ((int16_t *)t->data)[i] = (int16_t)value;
    return;
  case DTYPE_I32:
    ((int32_t *)t->data)[i] = (int32_t)value;
    return;
  case DTYPE_I64:
    ((int64_t *)t->data)[i] = value;
    return;
  case DTYPE_U8:
    ((uint8_t *)t->data)[i] = (uint8_t)value;
    return;
  case DTYPE_F32:
  case DTYPE_F64:
    break;
  }
  assert(false && "integer tensor");
}
