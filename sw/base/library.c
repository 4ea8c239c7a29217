// SPDX-License-Identifier: Apache-2.0
#include "sw/base/library.h"

#include "sw/base/near.h"

const char *library_path(struct arena *a, const char *name) {
  const char *near = near_program(a, name);
  return near ? near : arena_printf(a, "%s/%s", NNGEN_ROOT, name);
}
