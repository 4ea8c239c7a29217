// SPDX-License-Identifier: Apache-2.0
#include "sw/base/text.h"

#include "sw/base/arena.h"

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
  if (!data) arena_out_of_memory();
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

size_t text_character(const char *s, uint32_t *code) {
  static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char *p = (const unsigned char *)s;
  size_t bytes = *p < 0x80 ? 1 : *p < 0xc0 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf8 ? 4 : 0;
  *code = bytes < 2 ? *p : *p & (0xffu >> (bytes + 1));
  for (size_t i = 1; i < bytes; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    *code = *code << 6 | (p[i] & 0x3f);
  }
  bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
  return bytes && *code >= lowest[bytes] && *code <= 0x10ffff && !surrogate ? bytes : 0;
}

bool text_harmful(uint32_t code) {
  bool control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
  bool mark = code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e);
  return control || mark || (code >= 0x2066 && code <= 0x2069);
}

void text_put_escaped(struct text *t, const char *s) {
  while (*s) {
    uint32_t code;
    size_t bytes = text_character(s, &code);
    bool plain = bytes && !text_harmful(code);
    if (plain) text_put(t, s, bytes);
    for (size_t i = 0; !plain && i < (bytes ? bytes : 1); i++)
      text_printf(t, "\\x%02x", (unsigned char)s[i]);
    s += bytes ? bytes : 1;
  }
}

void text_free(struct text *t) {
  free(t->data);
  *t = (struct text){0};
}
