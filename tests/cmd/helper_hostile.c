// SPDX-License-Identifier: Apache-2.0
#include "tests/cmd/helper_hostile.h"

#include "sw/base/file.h"
#include "sw/base/text.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

// ---- models: '@' stands for the name

#define GRAPH                                                                                      \
  "{\"name\":\"@g\",\"inputs\":[{\"name\":\"@x\",\"shape\":[2,2,1],\"type\":\"real\",\"source\":"  \
  "{\"type\":\"u8\",\"mean\":[0.0],\"std\":[1.0]}}],\"tensors\":{\"@v\":{\"type\":\"real\"},"      \
  "\"@w\":{\"type\":\"real\"}},\"nodes\":["                                                        \
  "{\"op\":\"flatten\",\"name\":\"@F\",\"inputs\":[\"@x\"],\"outputs\":[{\"name\":\"@f\","         \
  "\"shape\":[4],\"type\":\"real\"}]},"                                                            \
  "{\"op\":\"linear\",\"name\":\"@L\",\"inputs\":[\"@f\",\"@w\"],\"outputs\":[{\"name\":\"@l\","   \
  "\"shape\":[3],\"type\":\"real\"}],\"attrs\":{},\"origin\":[\"@o\"]},"                           \
  "{\"op\":\"relu\",\"name\":\"@R\",\"inputs\":[\"@l\"],\"outputs\":[{\"name\":\"@r\","            \
  "\"shape\":[3],\"type\":\"real\"}]},"                                                            \
  "{\"op\":\"linear\",\"name\":\"@M\",\"inputs\":[\"@r\",\"@v\"],\"outputs\":[{\"name\":\"@m\","   \
  "\"shape\":[2],\"type\":\"real\"}]}],\"outputs\":[\"@m\"]}"
#define ENTRIES                                                                                    \
  "\"@w\":{\"dtype\":\"F32\",\"shape\":[3,4],\"data_offsets\":[0,48]},"                            \
  "\"@v\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[48,72]}"

static const float weights[18] = {0.5f,   -0.25f, 1, 0.125f, -1,    0.75f, 0.5f, 0.25f, 0.375f,
                                  -0.75f, 0.5f,   1, 0.625f, -0.5f, 0.25f, 1,    -1,    0.5f};

static char *with_name(struct arena *a, const char *template, const char *name) {
  struct text t = {0};
  for (const char *s = template; *s; s++)
    text_put(&t, *s == '@' ? name : s, *s == '@' ? strlen(name) : 1);
  char *copy = arena_strdup(a, t.data);
  text_free(&t);
  return copy;
}

static char *replaced(struct arena *a, const char *text, const char *from, const char *to) {
  const char *at = strstr(text, from);
  assert_non_null(at);
  return arena_printf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

// A JSON string of a JSON text, whose bytes may be anything.
static void put_quoted(struct text *t, const char *json) {
  text_puts(t, "\"");
  for (; *json; json++) {
    if (*json == '"' || *json == '\\') text_puts(t, "\\");
    text_put(t, json, 1);
  }
  text_puts(t, "\"");
}

static void write_file(struct shell *c, const char *file, const void *data, size_t size) {
  struct err e = {0};
  const char *path = arena_printf(&c->arena, "%s/%s", c->dir, file);
  if (!file_write(path, data, size, &e)) fail_msg("%s", e.text);
}

void hostile_put(struct shell *c, const char *file, const char *text) {
  write_file(c, file, text, strlen(text));
}

void hostile_container(struct shell *c, const char *file, const char *graph, const char *entries,
                       const void *data, size_t bytes) {
  struct text header = {0}, all = {0};
  text_puts(&header, "{\"__metadata__\":{\"format\":\"nngen\",\"nngen.version\":\"1\","
                     "\"nngen.graph\":");
  put_quoted(&header, graph);
  text_printf(&header, "}%s%s}", *entries ? "," : "", entries);
  while (header.size % 8) text_puts(&header, " ");
  for (int i = 0; i < 8; i++) text_put(&all, (char[]){(char)(header.size >> (8 * i) & 0xff)}, 1);
  text_put(&all, header.data, header.size);
  text_put(&all, data, bytes);
  write_file(c, file, all.data, all.size);
  text_free(&header);
  text_free(&all);
}

void hostile_model(struct shell *c, const char *file, const char *name, const char *from,
                   const char *to) {
  const char *graph = with_name(&c->arena, replaced(&c->arena, GRAPH, from, to), name);
  hostile_container(c, file, graph, with_name(&c->arena, ENTRIES, name), weights, sizeof weights);
}

void hostile_images(struct shell *c, const char *file) {
  static const unsigned char idx[] = {0, 0, 8, 3,  0,  0,   0,   4, 0,  0,  0,  2, 0,   0,   0,  2,
                                      1, 2, 3, 99, 50, 200, 255, 0, 17, 33, 61, 8, 128, 127, 90, 5};
  write_file(c, file, idx, sizeof idx);
}

// ---- what is printed

// The C library's own decoder of UTF-8 decides what a character is.
bool hostile_is_clean(const char *text) {
  locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL), before = uselocale(utf8);
  mbstate_t state = {0};
  bool clean = utf8 != NULL;
  for (size_t left = strlen(text); clean && left;) {
    wchar_t w = 0;
    size_t n = mbrtowc(&w, text, left, &state);
    clean = n != (size_t)-1 && n != (size_t)-2 && (w == '\n' || (w >= ' ' && w < 0x7f) || w > 0x9f);
    clean = clean && !(w >= 0x2028 && w <= 0x202e) && !(w >= 0x2066 && w <= 0x2069) &&
            w != 0x200e && w != 0x200f;
    text += clean ? n : 0;
    left -= clean ? n : 0;
  }
  uselocale(before);
  if (utf8) freelocale(utf8);
  return clean;
}

void hostile_clean(const char *text) {
  if (!hostile_is_clean(text)) fail_msg("printed: %s", text);
}

json_t *hostile_json(const char *text) {
  json_error_t error;
  json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &error);
  if (!j) fail_msg("%s in %s", error.text, text);
  return j;
}
