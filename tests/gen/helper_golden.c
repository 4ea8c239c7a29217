// SPDX-License-Identifier: Apache-2.0
#include "tests/gen/helper_golden.h"

#include "sw/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

void golden_text(struct arena *a, const char *name, const struct text *t) {
  struct err e = {0};
  struct bytes expected;
  const char *path = arena_printf(a, "tests/golden/%s", name);
  if (getenv("NNGEN_GOLDEN_UPDATE")) assert_true(file_write(path, t->data, t->size, &e));
  if (!file_read(a, path, 1 << 20, &expected, &e)) fail_msg("%s", e.text);
  size_t at = 0, line = 1;
  while (at < t->size && at < expected.size && (unsigned char)t->data[at] == expected.data[at])
    line += t->data[at++] == '\n';
  if (at < t->size || at < expected.size) fail_msg("%s differs in line %zu", path, line);
}
