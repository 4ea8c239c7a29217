// SPDX-License-Identifier: Apache-2.0
#include "gen/library.h"

#include "sw/base/file.h"

#include <string.h>
#include <unistd.h>

const char *library_path(struct arena *a, const char *name) {
  char self[4096];
  ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
  for (int up = 0; size > 0 && up < 3; up++) {
    self[size] = 0;
    char *slash = strrchr(self, '/');
    if (!slash) break;
    *slash = 0;
    size = slash - self;
    const char *path = arena_printf(a, "%s/%s", self, name);
    if (file_exists(path)) return path;
  }
  return arena_printf(a, "%s/%s", NNGEN_ROOT, name);
}
