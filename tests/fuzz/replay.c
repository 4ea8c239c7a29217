// SPDX-License-Identifier: Apache-2.0
// Runs a target over files, with any compiler: the corpus as a test.
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// In memory of its exact size, so that a sanitizer sees what is read behind it.
static void replay(const char *path) {
  FILE *f = fopen(path, "rb");
  FUZZ_CHECK(f && fseek(f, 0, SEEK_END) == 0);
  size_t size = (size_t)ftell(f);
  rewind(f);
  uint8_t *data = malloc(size ? size : 1);
  FUZZ_CHECK(data && fread(data, 1, size, f) == size);
  fclose(f);
  double begin = now();
  LLVMFuzzerTestOneInput(data, size);
  if (now() - begin > 1) fprintf(stderr, "%s: %.1f s\n", path, now() - begin);
  FUZZ_CHECK(now() - begin < 10);
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
