// SPDX-License-Identifier: Apache-2.0
// A caller of libnngen: opens a model, runs it, says how each call ended, and comes to its end.
//
//   caller MODEL PRECISION
#include "lib/nngen.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  struct nngen_error e = {""};
  struct nngen_options o = {.precision = argc > 2 ? argv[2] : NULL};
  static unsigned char pixels[3 * 784];
  static int output[30];
  struct nngen *net = argc > 1 ? nngen_open(argv[1], &o, &e) : NULL;
  printf("open: %s\n", net ? "good" : e.text);
  int ok = net && nngen_run_pixels(net, 3, pixels, output, NULL, 0, &e);
  printf("run: %s\n", ok ? "good" : e.text);
  // without memory nothing has changed: a second time it works
  ok = net && nngen_run_pixels(net, 3, pixels, output, NULL, 0, &e);
  printf("again: %s\nreturned\n", ok ? "good" : e.text);
  nngen_close(net);
  return 0;
}
