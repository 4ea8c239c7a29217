// SPDX-License-Identifier: Apache-2.0
// An arena: many allocations, one release. A command uses one per run.
//
//   arena -> [chunk | used ........ free ] -> [older chunk] -> ...
//
// Running out of memory ends the program with a message; code that reads untrusted files checks
// every count against its own limit before it comes here. A library can't end its caller's process:
// what a thread does behind arena_rescue_begin goes on at the rescue instead.
//
//   struct arena_rescue r;
//   if (setjmp(r.at) == 0) {
//     arena_rescue_begin(&r);
//     ..                           allocates, as deep as it likes, in this thread
//     arena_rescue_end(&r);        what it allocated stays
//   } else {
//     ..                           out of memory: all arenas' chunks since `begin` are freed
//   }
#ifndef NNGEN_BASE_ARENA_H
#define NNGEN_BASE_ARENA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;
struct arena {
  struct arena_chunk *chunk;
};

struct arena_rescue {
  jmp_buf at;
  struct arena_chunk *newest; // of all chunks since it began, of whichever arena
};
void arena_rescue_begin(struct arena_rescue *r);
void arena_rescue_end(struct arena_rescue *r);
bool arena_is_rescued(void); // this thread has one

// Goes on at this thread's rescue, or says so and exits with 1.
__attribute__((noreturn)) void arena_out_of_memory(void);

// Runs out of memory here unless so many bytes are there: before code of others that would abort.
void arena_probe(size_t bytes);

// Zeroed memory of count * size bytes, aligned to 64 bytes; the product is checked.
void *arena_alloc(struct arena *a, size_t count, size_t size);
char *arena_strdup(struct arena *a, const char *text);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *arena_copy(struct arena *a, const void *data, size_t bytes);
void arena_free(struct arena *a);

#define ARENA_NEW(a, type, count) ((type *)arena_alloc((a), (size_t)(count), sizeof(type)))

#endif
