// SPDX-License-Identifier: Apache-2.0
#include "sw/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64, CHUNK = 1 << 16 };

// AddressSanitizer is told what of a chunk is given away, with a gap behind it.
#ifdef __has_feature
#define SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#if SANITIZED
#include <sanitizer/asan_interface.h>
enum { GAP = ALIGN };
#define HIDE(p, size) ASAN_POISON_MEMORY_REGION(p, size)
#define SHOW(p, size) ASAN_UNPOISON_MEMORY_REGION(p, size)
#else
enum { GAP = 0 };
#define HIDE(p, size) ((void)0)
#define SHOW(p, size) ((void)0)
#endif

struct arena_chunk {
  struct arena_chunk *older;           // of the arena
  struct arena_chunk *before, *behind; // of the rescue, while it lasts
  struct arena_rescue *rescue;         // NULL: none, or it has ended
  size_t used, size;                   // bytes of `data`
  _Alignas(ALIGN) unsigned char data[];
};

static _Thread_local struct arena_rescue *rescue; // of this thread

void arena_rescue_begin(struct arena_rescue *r) {
  r->newest = NULL;
  rescue = r;
}

void arena_rescue_end(struct arena_rescue *r) {
  for (struct arena_chunk *c = r->newest; c; c = c->before) c->rescue = NULL;
  rescue = NULL;
}

bool arena_is_rescued(void) {
  return rescue != NULL;
}

static void enlist(struct arena_chunk *c) {
  c->rescue = rescue;
  if (!rescue) return;
  c->before = rescue->newest;
  if (c->before) c->before->behind = c;
  rescue->newest = c;
}

static void delist(struct arena_chunk *c) {
  if (!c->rescue) return;
  if (c->before) c->before->behind = c->behind;
  if (c->behind) c->behind->before = c->before;
  if (c->rescue->newest == c) c->rescue->newest = c->before;
}

void arena_out_of_memory(void) {
  struct arena_rescue *r = rescue;
  if (r) {
    rescue = NULL;
    for (struct arena_chunk *c = r->newest, *before; c; c = before) {
      before = c->before;
      SHOW(c->data, c->size);
      free(c);
    }
    longjmp(r->at, 1);
  }
  fputs("nngen: out of memory\n", stderr);
  exit(1);
}

static struct arena_chunk *chunk_new(struct arena_chunk *older, size_t size) {
  size_t total = sizeof(struct arena_chunk) + size;
  if (total < size || total > SIZE_MAX - ALIGN) arena_out_of_memory();
  struct arena_chunk *c = aligned_alloc(ALIGN, (total + ALIGN - 1) / ALIGN * ALIGN);
  if (!c) arena_out_of_memory();
  *c = (struct arena_chunk){.older = older, .size = size};
  enlist(c);
  HIDE(c->data, size);
  return c;
}

void *arena_alloc(struct arena *a, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2) arena_out_of_memory();
  size_t taken = (bytes + ALIGN - 1) / ALIGN * ALIGN + GAP;
  if (!a->chunk || a->chunk->size - a->chunk->used < taken)
    a->chunk = chunk_new(a->chunk, taken > CHUNK ? taken : CHUNK);
  void *p = a->chunk->data + a->chunk->used;
  a->chunk->used += taken;
  SHOW(p, bytes);
  return memset(p, 0, bytes);
}

void *arena_copy(struct arena *a, const void *data, size_t bytes) {
  void *p = arena_alloc(a, bytes, 1);
  return bytes ? memcpy(p, data, bytes) : p;
}

char *arena_strdup(struct arena *a, const char *text) {
  return arena_copy(a, text, strlen(text) + 1);
}

char *arena_printf(struct arena *a, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n < 0) arena_out_of_memory();
  char *text = arena_alloc(a, (size_t)n + 1, 1);
  vsnprintf(text, (size_t)n + 1, format, again);
  va_end(again);
  return text;
}

void arena_free(struct arena *a) {
  while (a->chunk) {
    struct arena_chunk *older = a->chunk->older;
    SHOW(a->chunk->data, a->chunk->size);
    delist(a->chunk);
    free(a->chunk);
    a->chunk = older;
  }
}

void arena_probe(size_t bytes) {
  void *p = malloc(bytes);
  if (!p) arena_out_of_memory();
  free(p);
}
