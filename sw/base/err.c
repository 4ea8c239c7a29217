// SPDX-License-Identifier: Apache-2.0
#include "sw/base/err.h"

#include <stdarg.h>
#include <string.h>

bool err_set(struct err *e, const char *format, ...) {
  if (e->text[0]) return false;
  va_list args;
  va_start(args, format);
  vsnprintf(e->text, sizeof e->text, format, args);
  va_end(args);
  return false;
}

bool err_within(struct err *e, const char *format, ...) {
  char inner[ERR_TEXT];
  memcpy(inner, e->text, sizeof inner);
  va_list args;
  va_start(args, format);
  int used = vsnprintf(e->text, sizeof e->text, format, args);
  va_end(args);
  size_t rest = used >= 0 && (size_t)used < sizeof e->text ? sizeof e->text - (size_t)used : 0;
  if (rest > 2) snprintf(e->text + used, rest, ": %.*s", (int)rest - 3, inner);
  return false;
}

void err_print_escaped(FILE *to, const char *text) {
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
    if (*p < 0x20 || *p == 0x7f)
      fprintf(to, "\\x%02x", *p);
    else
      fputc(*p, to);
  }
}

void err_print(FILE *to, const struct err *e) {
  fputs("nngen: ", to);
  err_print_escaped(to, e->text);
  fputc('\n', to);
}
