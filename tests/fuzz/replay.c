// SPDX-License-Identifier: Apache-2.0
// Runs a target over files, with any compiler: the corpus as a test.
#include "sw/base/clock.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

// In memory of its exact size, so that a sanitizer sees what is read behind it.
static void replay(const char *path) {
  FILE *f = fopen(path, "rb");
  FUZZ_CHECK(f && fseek(f, 0, SEEK_END) == 0);
  size_t size = (size_t)ftell(f);
  rewind(f);
  uint8_t *data = malloc(size ? size : 1);
  FUZZ_CHECK(data && fread(data, 1, size, f) == size);
  fclose(f);
  double begin = clock_seconds();
  LLVMFuzzerTestOneInput(data, size);
  if (clock_seconds() - begin > 1) fprintf(stderr, "%s: %.1f s\n", path, clock_seconds() - begin);
  FUZZ_CHECK(clock_seconds() - begin < 10);
  free(data);
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    fprintf(stderr, "%s\n", argv[i]);
    replay(argv[i]);
  }
  printf("%d inputs\n", argc - 1);
  return argc < 2;
}
