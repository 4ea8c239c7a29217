// SPDX-License-Identifier: Apache-2.0
#include "sw/base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct text *t, size_t more) {
  size_t need = t->size + more + 1;
  if (need <= t->capacity) return;
  size_t capacity = t->capacity ? t->capacity : 256;
  while (capacity < need) capacity *= 2;
  char *data = realloc(t->data, capacity);
  if (!data) {
    fputs("nngen: out of memory\n", stderr);
    exit(1);
  }
  t->data = data;
  t->capacity = capacity;
}

void text_put(struct text *t, const char *data, size_t bytes) {
  reserve(t, bytes);
  if (bytes) memcpy(t->data + t->size, data, bytes);
  t->size += bytes;
  t->data[t->size] = 0;
}

void text_puts(struct text *t, const char *s) {
  text_put(t, s, strlen(s));
}

void text_printf(struct text *t, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n > 0) {
    reserve(t, (size_t)n);
    vsnprintf(t->data + t->size, (size_t)n + 1, format, again);
    t->size += (size_t)n;
  }
  va_end(again);
}

// Bytes of s that form one character to be escaped; 0: the character is harmless.
static size_t harmful(const unsigned char *s) {
  if (s[0] < 0x20 || s[0] == 0x7f) return 1;
  if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f) return 2; // C1
  if (s[0] != 0xe2) return 0;
  // U+200E, 200F; U+2028..202E; U+2066..2069
  bool mark = s[1] == 0x80 && (s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xa8 && s[2] <= 0xae));
  bool isolate = s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9;
  return mark || isolate ? 3 : 0;
}

void text_put_escaped(struct text *t, const char *s) {
  const unsigned char *p = (const unsigned char *)s;
  while (*p) {
    size_t bytes = harmful(p);
    if (!bytes) text_put(t, (const char *)p++, 1);
    for (; bytes; bytes--) text_printf(t, "\\x%02x", *p++);
  }
}

void text_free(struct text *t) {
  free(t->data);
  *t = (struct text){0};
}
