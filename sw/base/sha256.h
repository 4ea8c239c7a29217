// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_BASE_SHA256_H
#define NNGEN_BASE_SHA256_H

#include "sw/base/arena.h"

enum { SHA256_DIGITS = 64 };

// The SHA-256 of some bytes in hexadecimal digits.
const char *sha256_hex(struct arena *a, const void *data, size_t size);

#endif
