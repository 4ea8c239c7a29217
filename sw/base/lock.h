// SPDX-License-Identifier: Apache-2.0
// Locks between processes on files and folders (flock): they end with the process that holds them,
// however it ends. What a name stands for may be exchanged while one waits; a lock is on what the
// name stands for afterwards.
//
// Temporary files and folders stand beside what they will become, as .NAME.nngen-XXXXXX, and are
// locked as long as somebody writes them: one that isn't locked was left by a process that died.
#ifndef NNGEN_BASE_LOCK_H
#define NNGEN_BASE_LOCK_H

#include "sw/base/arena.h"

#include <stdbool.h>

// Opens `path` with open's flags and locks it, exclusively or with others that share it; waits at
// most so many milliseconds (below 0: for ever). A descriptor, or -1 with errno: EWOULDBLOCK if
// somebody else holds it. Closing it gives the lock back.
int lock_path(const char *path, int flags, bool shared, int milliseconds);

// A new temporary file or folder beside `path`, locked; its name goes to *name. -1 with errno.
int lock_temporary(struct arena *a, const char *path, bool folder, char **name);

// Calls `take` for each temporary thing beside `path` that nobody holds, locked meanwhile. With
// .old behind it, it is what `path` was before: offered only if there is something at `path`.
void lock_leftovers(const char *path, void (*take)(const char *leftover, bool folder));

#endif
