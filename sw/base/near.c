// SPDX-License-Identifier: Apache-2.0
#include "sw/base/near.h"

#include "sw/base/file.h"

#include <string.h>
#include <unistd.h>

enum { PATH_LIMIT = 4096, ANCESTORS = 3 };

const char *near_program(struct arena *a, const char *name) {
  static const char *const places[] = {"", "share/nngen/", "lib/nngen/"};
  char self[PATH_LIMIT];
  ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
  self[size > 0 ? size : 0] = 0;
  for (int up = 0; up < ANCESTORS; up++) {
    char *slash = strrchr(self, '/');
    if (!slash) break;
    *slash = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
      const char *path = arena_printf(a, "%s/%s%s", self, places[i], name);
      if (file_exists(path)) return path;
    }
  }
  return NULL;
}

const char *near_script(struct arena *a, const char *name) {
  char here[PATH_LIMIT];
  const char *script = arena_printf(a, "scripts/%s", name);
  const char *path = near_program(a, script);
  if (!path) return script;
  size_t length = getcwd(here, sizeof here) ? strlen(here) : 0;
  bool below = length > 1 && strncmp(path, here, length) == 0 && path[length] == '/';
  return below ? path + length + 1 : path;
}
