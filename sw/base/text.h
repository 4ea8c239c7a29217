// SPDX-License-Identifier: Apache-2.0
// Text that grows: emitters print into one, and it reaches the disk only when it is whole.
#ifndef NNGEN_BASE_TEXT_H
#define NNGEN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
  char *data;            // always NUL-terminated once something was put
  size_t size, capacity; // bytes
};

void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_put(struct text *t, const char *data, size_t bytes);
void text_puts(struct text *t, const char *s);

// The bytes of the UTF-8 character at s (not at its end), and its code; 0: it isn't valid UTF-8.
size_t text_character(const char *s, uint32_t *code);

// Control characters (C0, DEL, C1), line and paragraph separators, and the marks that change the
// direction of text: what must not reach a terminal.
bool text_harmful(uint32_t code);

// Appends a hostile string for people: the bytes of harmful characters, and those that aren't
// UTF-8, are shown as \xNN.
void text_put_escaped(struct text *t, const char *s);

void text_free(struct text *t);

#endif
