// SPDX-License-Identifier: Apache-2.0
// Whole files in and out. Writing is atomic: a temporary sibling, fsync, rename; on any failure
// the old file stays as it was and the temporary one is gone. What a process left that was killed
// meanwhile is removed by the next one that writes there.
#ifndef NNGEN_BASE_FILE_H
#define NNGEN_BASE_FILE_H

#include "sw/base/arena.h"
#include "sw/base/err.h"

#include <stdint.h>

struct bytes {
  unsigned char *data;
  size_t size;
};

// Reads a regular file of at most `limit` bytes into the arena.
bool file_read(struct arena *a, const char *path, size_t limit, struct bytes *out, struct err *e);

// Replaces `path` by the bytes.
bool file_write(const char *path, const void *data, size_t size, struct err *e);

// Creates `path` new inside a folder that is being built (O_EXCL, O_NOFOLLOW).
bool file_create(const char *path, const void *data, size_t size, struct err *e);

bool file_exists(const char *path);

// Where scratch folders are made: TMPDIR, if it is an absolute path, or the system's own place.
const char *file_scratch(void);

#endif
