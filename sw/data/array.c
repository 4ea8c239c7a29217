// SPDX-License-Identifier: Apache-2.0
#include "sw/data/array.h"

size_t array_type_bytes(enum array_type type) {
  switch (type) {
  case ARRAY_U8:
    return 1;
  case ARRAY_I32:
  case ARRAY_F32:
    return 4;
  case ARRAY_I64:
  case ARRAY_F64:
    return 8;
  }
  return 0;
}

bool array_check_shape(struct array *array, struct err *e) {
  array->elements = 1;
  if (array->rank < 1 || array->rank > DATA_MAX_RANK)
    return err_set(e, "rank: expected 1 to %d dimensions, found %d", DATA_MAX_RANK, array->rank);
  for (int i = 0; i < array->rank; i++) {
    int64_t dim = array->shape[i];
    if (dim < 1 || dim > DATA_MAX_DIM)
      return err_set(e, "dimension %d: expected 1 to %lld, found %lld", i, (long long)DATA_MAX_DIM,
                     (long long)dim);
    // Both factors are at most 2^28, so that the product can't overflow before it is checked.
    array->elements *= dim;
    if (array->elements > DATA_MAX_ELEMENTS)
      return err_set(e, "size: expected at most %lld elements, found more",
                     (long long)DATA_MAX_ELEMENTS);
  }
  return true;
}
