// SPDX-License-Identifier: Apache-2.0
// A data set of one file, as the program opens it: .npy, .npz or IDX told apart, numbers
// checked.
#include "sw/data/data.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct images set;
  if (!data_open(&a, fuzz_path(data, size), 0, &set, &e)) fuzz_check_message(e.text);
  for (int64_t i = 0; !e.text[0] && set.numbers && i < set.count * set.elements; i++)
    FUZZ_CHECK(isfinite(images_real(&set, i)));
  arena_free(&a);
  return 0;
}
