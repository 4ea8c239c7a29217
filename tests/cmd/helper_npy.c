// SPDX-License-Identifier: Apache-2.0
#include "tests/cmd/helper_npy.h"

#include "sw/base/file.h"
#include "sw/base/text.h"

#include <string.h>

void npy_write(struct shell *s, const char *name, const char *descr, const char *shape,
               const void *data, size_t bytes) {
  struct text t = {0};
  struct err e = {0};
  const char *header = arena_printf(
      &s->arena, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape);
  size_t length = strlen(header);
  text_put(&t, "\x93NUMPY\1\0", 8);
  text_put(&t, (char[]){(char)length, (char)(length >> 8)}, 2);
  text_puts(&t, header);
  text_put(&t, data, bytes);
  if (!file_write(arena_printf(&s->arena, "%s/%s", s->dir, name), t.data, t.size, &e))
    fail_msg("%s", e.text);
  text_free(&t);
}
