// SPDX-License-Identifier: Apache-2.0
// Shell lines as a user types them: their exit status and what they print.
#ifndef NNGEN_TESTS_HELPER_SHELL_H
#define NNGEN_TESTS_HELPER_SHELL_H

#include "sw/base/arena.h"

// Runs a line in which $RTL and $OUT are the given paths. It must exit with `status` and print
// `words`, to stdout or stderr. What it printed.
const char *shell_expect(struct arena *a, const char *rtl, const char *out, const char *line,
                         int status, const char *words);

#endif
