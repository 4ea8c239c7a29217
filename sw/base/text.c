// SPDX-License-Identifier: Apache-2.0
#include "sw/base/text.h"

#include <stdarg.h>
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

void text_print_escaped(FILE *to, const struct text *t) {
  for (size_t i = 0; i < t->size; i++) {
    unsigned char c = (unsigned char)t->data[i];
    if ((c < 0x20 && c != '\n') || c == 0x7f)
      fprintf(to, "\\x%02x", c);
    else
      fputc(c, to);
  }
}

void text_free(struct text *t) {
  free(t->data);
  *t = (struct text){0};
}
