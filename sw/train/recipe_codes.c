// SPDX-License-Identifier: Apache-2.0
#include "sw/train/recipe_parts.h"

#include "sw/base/file.h"
#include "sw/base/library.h"

#include <string.h>

enum { CODE_MAX = 1 << 20 }; // bytes of a file

static bool read_rows(const json_t *j, struct tensor *t, struct err *e) {
  int64_t outs = t->shape[0], ins = t->shape[1];
  if ((int64_t)json_array_size(j) != outs)
    return err_set(e, "weights: %zu rows, expected %lld, one per output", json_array_size(j),
                   (long long)outs);
  for (int64_t o = 0; o < outs; o++) {
    const json_t *row = json_array_get(j, (size_t)o);
    if (!json_is_array(row) || (int64_t)json_array_size(row) != ins)
      return err_set(e, "weights: row %lld has %zu numbers, expected %lld, one per input",
                     (long long)o, json_array_size(row), (long long)ins);
    for (int64_t i = 0; i < ins; i++) {
      const json_t *w = json_array_get(row, (size_t)i);
      if (!json_is_number(w))
        return err_set(e, "weights: row %lld: expected numbers", (long long)o);
      ((float *)t->data)[o * ins + i] = (float)json_number_value(w);
    }
  }
  return true;
}

// One character of a code: where the next pixel goes.
struct place {
  int64_t row, at;
};

// The end of a block, which is a row.
static bool end_block(const char *name, struct place *p, const struct tensor *t, struct err *e) {
  if (p->at == 0) return true;
  if (p->at != t->shape[1])
    return err_set(e, "weights: pattern %lld of code \"%s\" has %lld pixels, the layer %lld inputs",
                   (long long)p->row, name, (long long)p->at, (long long)t->shape[1]);
  *p = (struct place){p->row + 1, 0};
  return true;
}

// Blocks of # and ., an empty line behind each.
static bool put_code(const char *name, const struct bytes *file, struct tensor *t, struct err *e) {
  struct place p = {0, 0};
  bool line = false; // anything in it
  for (size_t i = 0; i < file->size; i++) {
    char c = (char)file->data[i];
    if (c == '\n') {
      if (!line && !end_block(name, &p, t, e)) return false;
      line = false;
      continue;
    }
    if (c != '#' && c != '.')
      return err_set(e, "weights: code \"%s\": byte %zu is %d, expected # or .", name, i,
                     file->data[i]);
    if (p.row < t->shape[0] && p.at < t->shape[1])
      ((float *)t->data)[p.row * t->shape[1] + p.at] = c == '#' ? 1 : -1;
    p.at++;
    line = true;
  }
  if (!end_block(name, &p, t, e)) return false;
  return p.row == t->shape[0] ||
         err_set(e, "weights: code \"%s\" has %lld patterns, the layer %lld outputs", name,
                 (long long)p.row, (long long)t->shape[0]);
}

static bool read_code(struct arena *a, const char *name, struct tensor *t, struct err *e) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
  struct bytes file;
  if (name[0] == 0 || strspn(name, letters) != strlen(name))
    return err_set(e, "weights: \"%s\", expected the name of a code (data/codes)", name);
  const char *path = library_path(a, arena_printf(a, "data/codes/%s.txt", name));
  if (!file_exists(path)) return err_set(e, "weights: there is no code \"%s\" (data/codes)", name);
  return file_read(a, path, CODE_MAX, &file, e) && put_code(name, &file, t, e);
}

bool recipe_given_weights(struct arena *a, const json_t *j, struct tensor *t, struct err *e) {
  if (json_is_array(j)) return read_rows(j, t, e);
  if (json_is_string(j)) return read_code(a, json_string_value(j), t, e);
  return err_set(e, "weights: expected the name of a code or a list of rows");
}
