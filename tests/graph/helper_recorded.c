// SPDX-License-Identifier: Apache-2.0
#include "tests/graph/helper_recorded.h"

#include "sw/base/file.h"

struct recorded recorded_open(const char *path) {
  struct recorded r = {0};
  struct err e = {0};
  struct bytes bytes;
  if (!file_read(&r.arena, path, 1 << 24, &bytes, &e) ||
      !safetensors_parse(&r.arena, bytes.data, bytes.size, &r.file, &e))
    fail_msg("%s", e.text);
  const char *cases = safetensors_metadata(&r.file, "cases");
  r.cases = json_parse(cases, strlen(cases), &e);
  assert_non_null(r.cases);
  return r;
}

void recorded_close(struct recorded *r) {
  json_decref(r->cases);
  arena_free(&r->arena);
}

const struct tensor *recorded_of(const struct recorded *r, const json_t *c, const char *key) {
  int64_t at = safetensors_find(&r->file, json_string_value(json_object_get(c, key)));
  assert_true(at >= 0);
  return r->file.tensors[at].tensor;
}

int64_t recorded_integer(const json_t *c, const char *key) {
  return json_integer_value(json_object_get(c, key));
}

bool recorded_is(const json_t *c, const char *key, const char *word) {
  const char *text = json_string_value(json_object_get(c, key));
  return text && strcmp(text, word) == 0;
}

enum minifloat_top recorded_top(const char *word) {
  return strcmp(word, "fn") == 0     ? MINIFLOAT_FN
         : strcmp(word, "ieee") == 0 ? MINIFLOAT_IEEE
                                     : MINIFLOAT_ALL;
}
