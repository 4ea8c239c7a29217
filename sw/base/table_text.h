// SPDX-License-Identifier: Apache-2.0
// A table for people: columns as wide as their widest cell, text to the left, numbers to the right;
// hostile characters in cells are escaped.
#ifndef NNGEN_BASE_TABLE_TEXT_H
#define NNGEN_BASE_TABLE_TEXT_H

#include "sw/base/arena.h"
#include "sw/base/text.h"

#include <stdint.h>

enum { TABLE_COLUMNS = 16 };

struct table_text {
  struct arena *arena;
  int columns, rows, room;
  char align[TABLE_COLUMNS]; // 'l' or 'r'
  const char **cells;        // (rows, columns); row 0 is the heading
};

// `heading` holds `columns` words separated by '|'; a word that begins with '<' is left-aligned.
struct table_text table_text_new(struct arena *a, const char *heading);
// A hostile name as a cell: without the '|' that separates cells, and not longer than 40
// characters.
const char *table_text_name(struct arena *a, const char *name);
void table_text_row(struct table_text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3))); // cells separated by '|'
void table_text_print(const struct table_text *t, struct text *out);

#endif
