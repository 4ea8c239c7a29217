// SPDX-License-Identifier: Apache-2.0
// Shell lines as a user types them: their exit status and what they print.
#ifndef NNGEN_TESTS_HELPER_SHELL_H
#define NNGEN_TESTS_HELPER_SHELL_H

#include "sw/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// Runs a line in which $RTL and $OUT are the given paths. It must exit with `status` and print
// `words`, to stdout or stderr. What it printed.
const char *shell_expect(struct arena *a, const char *rtl, const char *out, const char *line,
                         int status, const char *words);

// ---- the program in a scratch folder

struct shell {
  struct arena arena;
  char dir[256]; // a scratch folder, removed at the end
};

// cmocka's setup and teardown: *state is a struct shell.
int shell_setup(void **state);
int shell_teardown(void **state);
#define SHELL_CASE(name) cmocka_unit_test_setup_teardown(name, shell_setup, shell_teardown)

struct outcome {
  int status;
  char *text; // stdout and stderr
};

// Runs a line in which $N is the program ($NNGEN, default build/nngen), $B its folder and $D the
// scratch folder.
struct outcome cli_run(struct shell *s, const char *line);

// The line ends with this status and prints these words. What it printed.
const char *cli_expect(struct shell *s, const char *line, int status, const char *words);

#endif
