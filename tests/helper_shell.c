// SPDX-License-Identifier: Apache-2.0
#include "tests/helper_shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { SAID = 1 << 16 };

const char *shell_expect(struct arena *a, const char *rtl, const char *out, const char *line,
                         int status, const char *words) {
  FILE *f = popen(arena_printf(a, "RTL=%s OUT=%s; { %s\n} 2>&1", rtl, out, line), "r");
  assert_non_null(f);
  char *said = arena_alloc(a, SAID, 1);
  said[fread(said, 1, SAID - 1, f)] = 0;
  while (fgetc(f) != EOF) continue; // the rest, so that the line can end
  int found = pclose(f);
  if (!WIFEXITED(found) || WEXITSTATUS(found) != status || !strstr(said, words))
    fail_msg("%s\nexpected %d \"%s\"\ngot %d \"%s\"", line, status, words, WEXITSTATUS(found),
             said);
  return said;
}
