// SPDX-License-Identifier: Apache-2.0
#include "cmd/picture.h"

#include "sw/base/file.h"
#include "sw/base/lock.h"
#include "sw/base/process.h"

#include <unistd.h>

bool picture_possible(void) {
  return process_exists("gnuplot");
}

bool picture_draw(const char *path, const struct text *script, struct err *e) {
  struct text picture = {0};
  struct arena a = {0};
  if (!picture_possible()) return true; // the user knows since the beginning
  char *name; // what is left of it if the process is killed, the next one removes
  int fd = lock_temporary(&a, path, false, &name);
  bool ok = fd >= 0 ? file_write(name, script->data, script->size, e)
                    : err_set(e, "%s: the folder can't be written", path);
  const char *argv[] = {"gnuplot", name, NULL};
  ok = ok && process_run(argv, NULL, NULL, &picture, e) &&
       file_write(path, picture.data, picture.size, e);
  if (fd >= 0) unlink(name);
  if (fd >= 0) close(fd);
  text_free(&picture);
  arena_free(&a);
  return ok;
}
