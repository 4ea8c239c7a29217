// SPDX-License-Identifier: Apache-2.0
// What a study remembers of the options that choose types.
#include "cmd/search.h"
#include "sw/base/json.h"

#include <string.h>

static const struct {
  const char *name;
  size_t offset;
} words[] = {{"precision", offsetof(struct load, precision)},
             {"weight_precision", offsetof(struct load, weight_precision)},
             {"input_precision", offsetof(struct load, input_precision)},
             {"rounding", offsetof(struct load, rounding)},
             {"overflow", offsetof(struct load, overflow)},
             {"input_mean", offsetof(struct load, input_mean)},
             {"input_std", offsetof(struct load, input_std)},
             {"method", offsetof(struct load, method)},
             {"scales", offsetof(struct load, scales)},
             {"bias_correct", offsetof(struct load, bias_correct)},
             {"equalize", offsetof(struct load, equalize)}};
enum { WORDS = sizeof words / sizeof *words };

static const char **word_of(struct load *l, int i) {
  return (const char **)((char *)l + words[i].offset);
}

const char *search_quantise_json(struct arena *a, const struct options *o) {
  struct load l = command_load(o);
  struct text t = {0};
  text_puts(&t, "{");
  for (int i = 0; i < WORDS; i++) {
    if (!*word_of(&l, i)) continue;
    text_printf(&t, "%s\"%s\":", t.size > 1 ? "," : "", words[i].name);
    json_put_string(&t, *word_of(&l, i));
  }
  if (l.output_width)
    text_printf(&t, "%s\"keep_output\":%lld", t.size > 1 ? "," : "", (long long)l.output_width);
  for (int i = 0; i < l.n_calibrate; i++) {
    text_printf(&t, "%s", i ? "," : t.size > 1 ? ",\"calibrate\":[" : "\"calibrate\":[");
    json_put_string(&t, l.calibrate[i]);
  }
  text_puts(&t, l.n_calibrate ? "]}" : "}");
  const char *json = arena_strdup(a, t.data);
  text_free(&t);
  return json;
}

bool search_quantise_read(struct arena *a, const char *json, struct load *l, struct err *e) {
  json_t *root = json_parse(json, strlen(json), e), *v;
  const json_t *sets = json_object_get(root, "calibrate");
  size_t k, n = json_array_size(sets);
  *l = (struct load){0};
  if (!root) return false;
  for (int i = 0; i < WORDS; i++) {
    const char *word = json_string_value(json_object_get(root, words[i].name));
    if (word) *word_of(l, i) = arena_strdup(a, word);
  }
  l->output_width = json_integer_value(json_object_get(root, "keep_output"));
  const char **list = ARENA_NEW(a, const char *, n + 1);
  json_array_foreach((json_t *)sets, k, v) {
    const char *word = json_string_value(v);
    list[l->n_calibrate++] = arena_strdup(a, word ? word : "");
  }
  l->calibrate = list;
  json_decref(root);
  return true;
}
