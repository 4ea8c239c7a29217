// SPDX-License-Identifier: Apache-2.0
#include "sw/base/err.h"

#include "sw/base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

// Text that doesn't fit loses its middle: a long name stands before what is wrong with it.
static void copy_cut(char *to, size_t room, const char *text) {
  size_t size = strlen(text), half = (room - sizeof "...") / 2;
  if (size < room)
    memcpy(to, text, size + 1);
  else
    snprintf(to, room, "%.*s...%s", (int)(room - sizeof "..." - half), text, text + size - half);
}

static void print_cut(char *to, size_t room, const char *format, va_list args) {
  char *whole = NULL;
  if (vasprintf(&whole, format, args) < 0) whole = NULL;
  copy_cut(to, room, whole ? whole : "out of memory");
  free(whole);
}

void err_put(struct err *e, const char *format, ...) {
  if (e->text[0]) return;
  va_list args;
  va_start(args, format);
  print_cut(e->text, sizeof e->text, format, args);
  va_end(args);
}

void err_put_within(struct err *e, const char *format, ...) {
  char inner[ERR_TEXT], context[ERR_TEXT / 4];
  memcpy(inner, e->text, sizeof inner);
  va_list args;
  va_start(args, format);
  print_cut(context, sizeof context, format, args);
  va_end(args);
  int n = snprintf(e->text, sizeof e->text, "%s: ", context);
  copy_cut(e->text + n, sizeof e->text - (size_t)n, inner);
}

void err_print(FILE *to, const struct err *e) {
  struct text t = {0};
  text_put_escaped(&t, e->text);
  fprintf(to, "nngen: %s\n", t.data ? t.data : "");
  text_free(&t);
}
