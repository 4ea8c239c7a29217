// SPDX-License-Identifier: Apache-2.0
#include "sw/base/listing.h"

#include "sw/base/json.h"

#include <math.h>
#include <string.h>

enum { NAME_SHOWN = 40 }; // characters

const char *listing_name(struct arena *a, const char *name) {
  struct text t = {0};
  int shown = 0;
  size_t cut = 0; // where "..." goes if the name is too long
  while (*name && shown <= NAME_SHOWN) {
    uint32_t code;
    size_t bytes = text_character(name, &code);
    if (shown++ == NAME_SHOWN - 3) cut = t.size;
    text_put(&t, name, bytes ? bytes : 1);
    name += bytes ? bytes : 1;
  }
  bool whole = shown <= NAME_SHOWN;
  const char *copy = arena_printf(a, "%.*s%s", (int)(whole ? t.size : cut), t.size ? t.data : "",
                                  whole ? "" : "...");
  text_free(&t);
  return copy;
}

struct listing listing_new(struct arena *a, const struct field *fields, int count) {
  return (struct listing){.arena = a, .fields = count, .field = fields};
}

void listing_row(struct listing *t, const struct figure *cells) {
  size_t row = (size_t)t->fields;
  if (t->rows == t->room) {
    t->room = t->room * 2 + 8;
    struct figure *more = ARENA_NEW(t->arena, struct figure, (size_t)t->room * row);
    if (t->rows) memcpy(more, t->cells, (size_t)t->rows * row * sizeof *more);
    t->cells = more;
  }
  memcpy(t->cells + (size_t)t->rows++ * row, cells, row * sizeof *cells);
}

void listing_total(struct listing *t, const struct figure *cells) {
  listing_row(t, cells);
  t->totals = true;
}

static const struct figure *cell_at(const struct listing *t, int row, int field) {
  return &t->cells[row * t->fields + field];
}

// ---- for people

static const char *escaped(struct arena *a, const char *cell) {
  struct text t = {0};
  text_put_escaped(&t, cell);
  const char *copy = arena_strdup(a, t.data ? t.data : "");
  text_free(&t);
  return copy;
}

static const char *real_text(struct arena *a, double v, int decimals) {
  if (isnan(v)) return "";
  return isfinite(v) ? arena_printf(a, "%.*f", decimals, v) : v > 0 ? "exact" : "-";
}

static const char *cell_text(struct arena *a, const struct field *f, const struct figure *c,
                             bool total) {
  if (c->blank) return "";
  switch (f->kind) {
  case FIELD_TEXT:
    return escaped(a, c->text);
  case FIELD_NAME:
    return escaped(a, listing_name(a, c->text));
  case FIELD_SOME:
    if (!c->count && !total) return "";
    return arena_printf(a, "%lld", (long long)c->count);
  case FIELD_COUNT:
    return arena_printf(a, "%lld", (long long)c->count);
  case FIELD_YES:
    return c->count ? "yes" : "no";
  case FIELD_REAL:
    return real_text(a, c->real, f->decimals);
  case FIELD_SHARE:
    return real_text(a, 100 * c->real, f->decimals);
  }
  return "";
}

// Characters, not bytes: UTF-8 continuation bytes take no column.
static int columns_of(const char *s) {
  int n = 0;
  for (; *s; s++) n += (*s & 0xc0) != 0x80;
  return n;
}

static void put_line(const struct listing *t, const char **cells, const int *width,
                     struct text *out) {
  struct text line = {0};
  for (int f = 0; f < t->fields; f++) {
    if (!t->field[f].heading) continue;
    bool left = t->field[f].heading[0] == '<';
    int pad = width[f] - columns_of(cells[f]);
    text_printf(&line, "%*s%s%*s  ", left ? 0 : pad, "", cells[f], left ? pad : 0, "");
  }
  while (line.size && line.data[line.size - 1] == ' ') line.size--;
  text_put(out, line.data, line.size);
  text_puts(out, "\n");
  text_free(&line);
}

void listing_put(const struct listing *t, struct text *out) {
  const char **cells = ARENA_NEW(t->arena, const char *, (t->rows + 1) * t->fields);
  int width[FIELDS_MAX] = {0};
  for (int r = 0; r <= t->rows; r++) // row 0 is the heading
    for (int f = 0; f < t->fields; f++) {
      const struct field *field = &t->field[f];
      if (!field->heading) continue;
      const char **cell = &cells[r * t->fields + f];
      *cell = r ? cell_text(t->arena, field, cell_at(t, r - 1, f), t->totals && r == t->rows)
                : field->heading + (field->heading[0] == '<');
      int n = columns_of(*cell);
      width[f] = n > width[f] ? n : width[f];
    }
  for (int r = 0; r <= t->rows; r++) put_line(t, cells + r * t->fields, width, out);
}

// ---- for programs

static void put_value(struct text *out, const struct field *f, const struct figure *c) {
  switch (f->kind) {
  case FIELD_TEXT:
  case FIELD_NAME:
    json_put_string(out, c->text);
    break;
  case FIELD_COUNT:
  case FIELD_SOME:
    text_printf(out, "%lld", (long long)c->count);
    break;
  case FIELD_YES:
    text_puts(out, c->count ? "true" : "false");
    break;
  case FIELD_REAL:
  case FIELD_SHARE:
    if (isfinite(c->real))
      text_printf(out, "%.*f", f->json_decimals, c->real);
    else
      text_puts(out, "null");
    break;
  }
}

void listing_put_json_row(const struct listing *t, int row, struct text *out) {
  bool first = true;
  for (int f = 0; f < t->fields; f++) {
    if (!t->field[f].key) continue;
    text_printf(out, "%s\"%s\":", first ? "" : ",", t->field[f].key);
    put_value(out, &t->field[f], cell_at(t, row, f));
    first = false;
  }
}

void listing_put_json(const struct listing *t, struct text *out) {
  for (int r = 0; r < t->rows - t->totals; r++) {
    text_puts(out, r ? ",{" : "{");
    listing_put_json_row(t, r, out);
    text_puts(out, "}");
  }
}
