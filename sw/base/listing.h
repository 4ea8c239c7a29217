// SPDX-License-Identifier: Apache-2.0
// Rows of figures, written once: as a table for people, columns as wide as their widest cell, text
// to the left, numbers to the right, hostile characters escaped; and as JSON objects.
//
//   struct listing t = listing_new(a, fields, 2);
//   listing_row(&t, (struct figure[]){{.text = "fc1"}, {.count = 784}});
//
//   layer   in            {"name":"fc1","in":784}
//   fc1    784
#ifndef NNGEN_BASE_LISTING_H
#define NNGEN_BASE_LISTING_H

#include "sw/base/arena.h"
#include "sw/base/text.h"

#include <stdint.h>

enum { FIELDS_MAX = 16 };

enum field_kind {
  FIELD_TEXT,
  FIELD_NAME,  // a hostile name, which the table shortens (listing_name)
  FIELD_COUNT, // a whole number
  FIELD_SOME,  // the same; the table leaves 0 out, but in a total
  FIELD_YES,   // count 0 or not, as false and true
  FIELD_REAL,  // no figure is null; the table has "exact" for infinity and "-" for minus infinity
  FIELD_SHARE  // a real that the table shows in per cent
};

struct field {
  const char *heading; // in the table, with '<' in front if to the left; NULL: not there
  const char *key;     // in JSON; NULL: not there
  enum field_kind kind;
  int decimals, json_decimals; // REAL, SHARE
};

struct figure {
  const char *text;
  int64_t count;
  double real;
  bool blank; // the table has nothing there
};

struct listing {
  struct arena *arena;
  int fields, rows, room; // rows with the total
  const struct field *field;
  struct figure *cells; // (rows, fields)
  bool totals;          // the last row is a total
};

// At most FIELDS_MAX fields, which are kept, not copied.
struct listing listing_new(struct arena *a, const struct field *fields, int count);

// A row of `fields` cells, which are copied.
void listing_row(struct listing *t, const struct figure *cells);

// The last row, for people only.
void listing_total(struct listing *t, const struct figure *cells);

void listing_put(const struct listing *t, struct text *out);

// {"key":value,...},{...} of all rows; of one, without braces.
void listing_put_json(const struct listing *t, struct text *out);
void listing_put_json_row(const struct listing *t, int row, struct text *out);

// A hostile name as a cell: not longer than 40 characters.
const char *listing_name(struct arena *a, const char *name);

#endif
