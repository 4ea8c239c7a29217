// SPDX-License-Identifier: Apache-2.0
// Text that grows: emitters print into one, and it reaches the disk only when it is whole.
#ifndef NNGEN_BASE_TEXT_H
#define NNGEN_BASE_TEXT_H

#include <stddef.h>

struct text {
  char *data;            // always NUL-terminated once something was put
  size_t size, capacity; // bytes
};

void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_put(struct text *t, const char *data, size_t bytes);
void text_puts(struct text *t, const char *s);

// Appends a hostile string for people: control characters (C0, DEL, C1), line and paragraph
// separators and the marks that change the direction of text are shown as \xNN.
void text_put_escaped(struct text *t, const char *s);

void text_free(struct text *t);

#endif
