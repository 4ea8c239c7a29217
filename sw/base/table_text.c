// SPDX-License-Identifier: Apache-2.0
#include "sw/base/table_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SHOWN = 40 }; // characters

const char *table_text_name(struct arena *a, const char *name) {
  struct text t = {0};
  int shown = 0;
  size_t cut = 0; // where "..." goes if the name is too long
  while (*name && shown <= NAME_SHOWN) {
    uint32_t code;
    size_t bytes = text_character(name, &code);
    if (shown++ == NAME_SHOWN - 3) cut = t.size;
    text_put(&t, *name == '|' ? "/" : name, bytes ? bytes : 1);
    name += bytes ? bytes : 1;
  }
  bool whole = shown <= NAME_SHOWN;
  const char *copy = arena_printf(a, "%.*s%s", (int)(whole ? t.size : cut), t.size ? t.data : "",
                                  whole ? "" : "...");
  text_free(&t);
  return copy;
}

static const char *escaped(struct arena *a, const char *cell) {
  struct text t = {0};
  text_put_escaped(&t, cell);
  const char *copy = arena_strdup(a, t.data ? t.data : "");
  text_free(&t);
  return copy;
}

static void add_row(struct table_text *t, char *line) {
  if (t->rows == t->room) {
    const char **wider = ARENA_NEW(t->arena, const char *, (t->room * 2 + 8) * t->columns);
    if (t->rows) memcpy(wider, t->cells, (size_t)(t->rows * t->columns) * sizeof *wider);
    t->cells = wider;
    t->room = t->room * 2 + 8;
  }
  for (int c = 0; c < t->columns; c++) {
    char *end = line ? strchr(line, '|') : NULL;
    if (end) *end = 0;
    t->cells[t->rows * t->columns + c] = line ? escaped(t->arena, line) : "";
    line = end ? end + 1 : NULL;
  }
  t->rows++;
}

struct table_text table_text_new(struct arena *a, const char *heading) {
  struct table_text t = {.arena = a, .columns = 1};
  for (const char *p = heading; *p; p++) t.columns += *p == '|';
  add_row(&t, arena_strdup(a, heading));
  for (int c = 0; c < t.columns; c++) {
    t.align[c] = t.cells[c][0] == '<' ? 'l' : 'r';
    if (t.align[c] == 'l') t.cells[c]++;
  }
  return t;
}

void table_text_row(struct table_text *t, const char *format, ...) {
  va_list args;
  char line[2048];
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  add_row(t, arena_strdup(t->arena, line));
}

// Characters, not bytes: UTF-8 continuation bytes take no column.
static int columns_of(const char *s) {
  int n = 0;
  for (; *s; s++) n += (*s & 0xc0) != 0x80;
  return n;
}

static void put_row(const struct table_text *t, int row, const int *width, struct text *out) {
  struct text line = {0};
  for (int c = 0; c < t->columns; c++) {
    const char *cell = t->cells[row * t->columns + c];
    int pad = width[c] - columns_of(cell);
    if (c) text_puts(&line, "  ");
    if (t->align[c] == 'r') text_printf(&line, "%*s", pad, "");
    text_puts(&line, cell);
    if (t->align[c] == 'l' && c + 1 < t->columns) text_printf(&line, "%*s", pad, "");
  }
  while (line.size && line.data[line.size - 1] == ' ') line.size--;
  text_put(out, line.data, line.size);
  text_puts(out, "\n");
  text_free(&line);
}

void table_text_print(const struct table_text *t, struct text *out) {
  int width[TABLE_COLUMNS] = {0};
  for (int r = 0; r < t->rows; r++)
    for (int c = 0; c < t->columns; c++) {
      int n = columns_of(t->cells[r * t->columns + c]);
      width[c] = n > width[c] ? n : width[c];
    }
  for (int r = 0; r < t->rows; r++) put_row(t, r, width, out);
}
