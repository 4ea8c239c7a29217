// SPDX-License-Identifier: Apache-2.0
// Images as IDX, plain or gzip.
#include "sw/data/array.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct array out;
  uint64_t sum = 0;
  if (!idx_parse(&a, data, size, &out, &e)) fuzz_check_message(e.text);
  for (int64_t i = 0; !e.text[0] && i < out.elements; i++) sum += out.data[i];
  FUZZ_CHECK(e.text[0] || sum <= 255 * (uint64_t)out.elements);
  arena_free(&a);
  return 0;
}
