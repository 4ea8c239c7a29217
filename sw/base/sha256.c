// SPDX-License-Identifier: Apache-2.0
#include "sw/base/sha256.h"

#include <sys/types.h>

#include <sha2.h>

const char *sha256_hex(struct arena *a, const void *data, size_t size) {
  char *hex = arena_alloc(a, SHA256_DIGEST_STRING_LENGTH, 1);
  return SHA256Data(data, size, hex);
}
