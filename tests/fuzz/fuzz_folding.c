// SPDX-License-Identifier: Apache-2.0
// A folding file.
#include "sw/circuit/circuit.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct folding f = {0};
  if (!folding_read(&a, fuzz_path(data, size), &f, &e)) fuzz_check_message(e.text);
  for (uint32_t i = 0; !e.text[0] && i < f.n_layers; i++)
    FUZZ_CHECK(f.layers[i].name && f.layers[i].in >= 0 && f.layers[i].out >= 0);
  arena_free(&a);
  return 0;
}
