// SPDX-License-Identifier: Apache-2.0
#define _POSIX_C_SOURCE 200809L
#include "sw/data/mnist.h"

#include "sw/base/file.h"
#include "sw/base/near.h"

#include <stdlib.h>

#ifndef NNGEN_DATADIR
#define NNGEN_DATADIR "data"
#endif

// The file `folder`/`stem`-ubyte with or without .gz, or NULL.
static const char *find_file(struct arena *a, const char *folder, const char *stem) {
  const char *path = arena_printf(a, "%s/%s-ubyte.gz", folder, stem);
  if (file_exists(path)) return path;
  path = arena_printf(a, "%s/%s-ubyte", folder, stem);
  return file_exists(path) ? path : NULL;
}

static bool find_in(struct arena *a, const char *folder, const char *set, struct mnist_files *out) {
  out->images = find_file(a, folder, arena_printf(a, "%s-images-idx3", set));
  out->labels = find_file(a, folder, arena_printf(a, "%s-labels-idx1", set));
  return out->images && out->labels;
}

// Near the program, then in the current folder.
static bool find_near(struct arena *a, const char *folder, const char *set,
                      struct mnist_files *out) {
  const char *near = near_program(a, folder);
  return (near && find_in(a, near, set, out)) || find_in(a, folder, set, out);
}

static bool find_under(struct arena *a, const char *variable, const char *folder, const char *set,
                       struct mnist_files *out) {
  const char *root = getenv(variable);
  return root && *root && find_in(a, arena_printf(a, "%s/%s", root, folder), set, out);
}

bool mnist_find(struct arena *a, bool train, struct mnist_files *out) {
  const char *set = train ? "train" : "t10k";
  return find_under(a, "NNGEN_DATA", "mnist", set, out) ||
         find_under(a, "HOME", ".cache/nngen/mnist", set, out) ||
         find_near(a, "../shared/data/mnist", set, out);
}

bool mnist_find_excerpt(struct arena *a, struct mnist_files *out) {
  return find_near(a, "data/mnist-1000", "t10k-1000", out) ||
         find_in(a, NNGEN_DATADIR "/mnist-1000", "t10k-1000", out);
}
