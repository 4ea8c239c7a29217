// SPDX-License-Identifier: Apache-2.0
#include "sw/base/json.h"

#include "sw/base/arena.h"
#include "sw/base/nearest_word.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 1 << 14, MEMORY_PER_BYTE = 24 };

// jansson recurses once per level, so the depth is counted before it sees the text.
static bool shallow(const char *text, size_t size) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < size; i++) {
    char c = text[i];
    if (quoted) {
      if (c == '\\')
        i++;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > JSON_DEPTH_MAX) return false;
    } else if (c == ']' || c == '}') {
      depth--;
    }
  }
  return true;
}

json_t *json_parse(const char *text, size_t size, struct err *e) {
  if (!shallow(text, size)) {
    err_put(e, "JSON nested deeper than %d", JSON_DEPTH_MAX);
    return NULL;
  }
  if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { // the byte order mark of some editors
    text += 3;
    size -= 3;
  }
  // Without memory jansson drops characters and goes on: what it takes must be there.
  arena_probe(ROOM + MEMORY_PER_BYTE * size);
  json_error_t error;
  json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
  if (!root)
    err_put(e, "JSON line %d column %d: %s", error.line, error.column,
            error.text[0] ? error.text : "can't be read");
  return root;
}

bool json_only(const json_t *object, const char *const *keys, const char *what, struct err *e) {
  if (!json_is_object(object)) return err_set(e, "%s: expected an object", what);
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)object, key, value) {
    const char *const *k = keys;
    while (*k && strcmp(*k, key) != 0) k++;
    if (*k) continue;
    const char *near = nearest_word(key, (size_t)(k - keys), keys);
    return err_set(e, "%s: unknown key \"%s\"%s%s%s", what, key, near ? ", did you mean \"" : "",
                   near ? near : "", near ? "\"?" : "");
  }
  return true;
}

json_t *json_map(void) {
  json_t *map = json_object();
  if (!map) arena_out_of_memory();
  return map;
}

void json_put(json_t *map, const char *key, json_t *value) {
  if (json_object_set_new_nocheck(map, key, value) != 0) arena_out_of_memory();
}

void json_put_string(struct text *t, const char *s) {
  text_put(t, "\"", 1);
  while (*s) {
    uint32_t code;
    size_t bytes = text_character(s, &code);
    if (code == '"' || code == '\\')
      text_printf(t, "\\%c", (int)code);
    else if (bytes && !text_harmful(code))
      text_put(t, s, bytes);
    else
      text_printf(t, "\\u%04x", bytes ? code : 0xfffd);
    s += bytes ? bytes : 1;
  }
  text_put(t, "\"", 1);
}

void json_put_real(struct text *t, double v) {
  char digits[40];
  for (int precision = 1; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, v);
    if (strtod(digits, NULL) == v) break;
  }
  text_puts(t, digits);
  if (!strpbrk(digits, ".en")) text_puts(t, ".0");
}

void json_put_figure(struct text *t, const char *key, int decimals, double v) {
  text_printf(t, ",\"%s\":", key);
  if (!isfinite(v))
    text_puts(t, "null");
  else if (decimals < 0)
    json_put_real(t, v);
  else
    text_printf(t, "%.*f", decimals, v);
}
