// SPDX-License-Identifier: Apache-2.0
// An arena: many allocations, one release. A command uses one per run.
//
//   arena -> [chunk | used ........ free ] -> [older chunk] -> ...
//
// Running out of memory ends the program with a message; code that reads untrusted files checks
// every count against its own limit before it comes here.
#ifndef NNGEN_BASE_ARENA_H
#define NNGEN_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
  struct arena_chunk *chunk;
};

// Says so and exits with 1.
__attribute__((noreturn)) void arena_out_of_memory(void);

// Zeroed memory of count * size bytes, aligned to 64 bytes; the product is checked.
void *arena_alloc(struct arena *a, size_t count, size_t size);
char *arena_strdup(struct arena *a, const char *text);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *arena_copy(struct arena *a, const void *data, size_t bytes);
void arena_free(struct arena *a);

#define ARENA_NEW(a, type, count) ((type *)arena_alloc((a), (size_t)(count), sizeof(type)))

#endif
