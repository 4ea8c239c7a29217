// SPDX-License-Identifier: Apache-2.0
#include "tests/graph/helper_model.h"

#include "sw/base/json.h"
#include "sw/graph/model.h"

#include <string.h>

void model_put_size(struct text *t, uint64_t n) {
  for (int i = 0; i < 8; i++) text_put(t, (char[]){(char)(n >> (8 * i) & 0xff)}, 1);
}

struct text model_file(const char *entries, const char *graph, const char *version,
                       const void *data, size_t size) {
  struct text header = {0}, file = {0};
  text_puts(&header, "{\"__metadata__\":{\"format\":\"nngen\",\"nngen.version\":");
  json_put_string(&header, version);
  text_puts(&header, ",\"nngen.graph\":");
  json_put_string(&header, graph);
  text_printf(&header, "},%s}", entries);
  model_put_size(&file, header.size);
  text_put(&file, header.data, header.size);
  text_put(&file, data, size);
  text_free(&header);
  return file;
}

const char *model_verdict(struct arena *a, const struct text *file) {
  struct err e = {0};
  struct graph *g = model_parse(a, file->data, file->size, &e);
  assert_true((g == NULL) == (e.text[0] != 0));
  return arena_strdup(a, e.text);
}

void model_expect(const struct text *file, const char *words) {
  struct arena a = {0};
  const char *message = model_verdict(&a, file);
  if (*words ? !strstr(message, words) : *message)
    fail_msg("expected \"%s\", got \"%s\"", words, message);
  arena_free(&a);
}
