// SPDX-License-Identifier: Apache-2.0
#include "sw/base/err.h"

#include "sw/base/text.h"

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

void err_print(FILE *to, const struct err *e) {
  struct text t = {0};
  text_put_escaped(&t, e->text);
  fprintf(to, "nngen: %s\n", t.data ? t.data : "");
  text_free(&t);
}
