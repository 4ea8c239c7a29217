// SPDX-License-Identifier: Apache-2.0
// Networks by their shapes alone: a recipe (docs/training.md), whose weights are drawn as for
// training, or a list of layers,
//
//   {"format": "plan fixture layers", "version": 1, "name": "n", "input": [C, H, W], "layers": [
//    {"name": "a", "kind": "conv", "in": [C, H, W], "out": [C, H, W], "kernel": 3, "stride": 1,
//     "pad": 1, "relu": true}, ..]}
//
// of kinds conv (all channels to all), depthwise, and add of the layer before and that of `with`.
#include "cmd/plan.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/pass/inference.h"
#include "sw/train/recipe.h"

#include <ctype.h>

enum { TEXT_MAX = 1 << 20, CHW = 3 };

struct shapes {
  struct arena *arena;
  json_t *layers;
  struct text recipe;
  const char *before; // the name of what the next layer reads; NULL: the input
  int64_t shape[CHW]; // of it
  struct err *err;
};

static bool read_numbers(struct shapes *s, const json_t *list, const char *what, int64_t to[CHW]) {
  bool good = json_array_size(list) == CHW;
  for (size_t i = 0; good && i < CHW; i++) {
    to[i] = json_integer_value(json_array_get(list, i));
    good = to[i] > 0 && to[i] <= DIM_MAX;
  }
  return good || err_set(s->err, "%s: expected [channels, rows, columns]", what);
}

static bool read_count(struct shapes *s, const json_t *layer, const char *key, int64_t least,
                       int64_t *to) {
  const json_t *v = json_object_get(layer, key);
  *to = json_integer_value(v);
  return (json_is_integer(v) && *to >= least && *to <= DIM_MAX) ||
         err_set(s->err, "%s: expected a whole number from %lld on", key, (long long)least);
}

// What a layer's stream is called: behind its relu, if it has one.
static const char *stream_of(struct shapes *s, const json_t *layer) {
  const char *name = json_string_value(json_object_get(layer, "name"));
  bool relu = json_is_true(json_object_get(layer, "relu"));
  return relu ? arena_printf(s->arena, "%s.relu", name) : arena_strdup(s->arena, name);
}

static const json_t *layer_called(const struct shapes *s, const char *name, size_t before) {
  for (size_t i = 0; name && i < before; i++) {
    const json_t *layer = json_array_get(s->layers, i);
    if (strcmp(json_string_value(json_object_get(layer, "name")), name) == 0) return layer;
  }
  return NULL;
}

static bool same(const int64_t a[CHW], const int64_t b[CHW]) {
  return memcmp(a, b, CHW * sizeof *a) == 0;
}

static bool put_window(struct shapes *s, const json_t *layer, bool depthwise,
                       const int64_t out[CHW]) {
  int64_t kernel, stride, pad;
  if (!read_count(s, layer, "kernel", 1, &kernel) || !read_count(s, layer, "stride", 1, &stride) ||
      !read_count(s, layer, "pad", 0, &pad))
    return false;
  if (depthwise && out[0] != s->shape[0])
    return err_set(s->err, "depthwise: %lld channels of %lld", (long long)out[0],
                   (long long)s->shape[0]);
  for (int d = 1; d < CHW; d++) {
    int64_t size = (s->shape[d] + 2 * pad - kernel) / stride + 1;
    if (s->shape[d] + 2 * pad < kernel || size != out[d])
      return err_set(s->err,
                     "out: a kernel of %lld over %lld with pad %lld and stride %lld isn't %lld",
                     (long long)kernel, (long long)s->shape[d], (long long)pad, (long long)stride,
                     (long long)out[d]);
  }
  text_printf(&s->recipe,
              ",\"op\":\"conv2d\",\"out\":%lld,\"kernel\":[%lld,%lld],\"stride\":[%lld,%lld],"
              "\"pad\":[%lld,%lld,%lld,%lld],\"groups\":%lld",
              (long long)out[0], (long long)kernel, (long long)kernel, (long long)stride,
              (long long)stride, (long long)pad, (long long)pad, (long long)pad, (long long)pad,
              (long long)(depthwise ? s->shape[0] : 1));
  return true;
}

static bool put_add(struct shapes *s, const json_t *layer, size_t index, const int64_t out[CHW]) {
  const char *name = json_string_value(json_object_get(layer, "with"));
  const json_t *with = layer_called(s, name, index);
  int64_t shape[CHW];
  if (!with || !s->before)
    return err_set(s->err, "with: there is no layer \"%s\" before it", name ? name : "");
  if (!read_numbers(s, json_object_get(with, "out"), "out", shape)) return false;
  if (!same(shape, s->shape) || !same(shape, out))
    return err_set(s->err, "with: \"%s\" has another shape", name);
  text_puts(&s->recipe, ",\"op\":\"add\",\"from\":[");
  json_put_string(&s->recipe, s->before);
  text_puts(&s->recipe, ",");
  json_put_string(&s->recipe, stream_of(s, with));
  text_puts(&s->recipe, "]");
  return true;
}

static bool put_layer(struct shapes *s, size_t index) {
  const json_t *layer = json_array_get(s->layers, index);
  const char *name = json_string_value(json_object_get(layer, "name"));
  const char *kind = json_string_value(json_object_get(layer, "kind"));
  int64_t in[CHW], out[CHW];
  if (!name || !*name) return err_set(s->err, "name: expected one");
  if (layer_called(s, name, index)) return err_set(s->err, "name: \"%s\" is there already", name);
  if (!read_numbers(s, json_object_get(layer, "in"), "in", in) ||
      !read_numbers(s, json_object_get(layer, "out"), "out", out))
    return false;
  if (!same(in, s->shape)) return err_set(s->err, "in: what is before it has another shape");
  text_puts(&s->recipe, index ? ",\n{\"name\":" : "{\"name\":");
  json_put_string(&s->recipe, name);
  bool depthwise = kind && strcmp(kind, "depthwise") == 0;
  if (depthwise || (kind && strcmp(kind, "conv") == 0)) {
    if (!put_window(s, layer, depthwise, out)) return false;
  } else if (kind && strcmp(kind, "add") == 0) {
    if (!put_add(s, layer, index, out)) return false;
  } else {
    return err_set(s->err, "kind: expected conv, depthwise or add, found \"%s\"", kind ? kind : "");
  }
  text_puts(&s->recipe, "}");
  if (json_is_true(json_object_get(layer, "relu"))) {
    text_puts(&s->recipe, ",{\"op\":\"relu\",\"name\":");
    json_put_string(&s->recipe, stream_of(s, layer));
    text_puts(&s->recipe, "}");
  }
  s->before = stream_of(s, layer);
  memcpy(s->shape, out, sizeof out);
  return true;
}

// A list of layers as a recipe.
static bool convert(struct shapes *s, const json_t *file) {
  const char *name = json_string_value(json_object_get(file, "name"));
  s->layers = json_object_get(file, "layers");
  if (json_integer_value(json_object_get(file, "version")) != 1)
    return err_set(s->err, "version: expected 1");
  if (!json_array_size(s->layers)) return err_set(s->err, "layers: expected a list of them");
  if (!read_numbers(s, json_object_get(file, "input"), "input", s->shape)) return false;
  text_puts(&s->recipe, "{\"name\":");
  json_put_string(&s->recipe, name ? name : "layers");
  text_printf(&s->recipe, ",\"input\":{\"shape\":[%lld,%lld,%lld]},\"layers\":[\n",
              (long long)s->shape[1], (long long)s->shape[2], (long long)s->shape[0]);
  for (size_t i = 0; i < json_array_size(s->layers); i++)
    if (!put_layer(s, i)) return err_within(s->err, "layers[%zu]", i);
  text_puts(&s->recipe, "]}");
  return true;
}

static bool begins_as_json(const struct bytes *file) {
  size_t i = 0;
  while (i < file->size && isspace(file->data[i])) i++;
  return i < file->size && file->data[i] == '{';
}

bool plan_is_shapes(const char *path) {
  struct arena a = {0};
  struct bytes file;
  struct err none = {0};
  bool is = file_read(&a, path, TEXT_MAX, &file, &none) && begins_as_json(&file);
  arena_free(&a);
  return is;
}

bool plan_shapes(struct arena *a, const struct options *o, struct model *m, struct err *e) {
  struct bytes file;
  struct recipe recipe;
  struct load l = command_load(o);
  struct shapes s = {.arena = a, .err = e};
  if (!file_read(a, o->model, TEXT_MAX, &file, e)) return false;
  json_t *json = json_parse((const char *)file.data, file.size, e);
  if (!json) return err_within(e, "%s", o->model);
  const char *format = json_string_value(json_object_get(json, "format"));
  bool ok = true;
  if (format && strcmp(format, "plan fixture layers") == 0)
    ok = convert(&s, json);
  else
    text_printf(&s.recipe, "%.*s", (int)file.size, (const char *)file.data);
  ok = ok && recipe_parse(a, s.recipe.data, s.recipe.size, 1, &recipe, e);
  json_decref(json);
  text_free(&s.recipe);
  return (ok && load_graph(a, inference(a, recipe.model), &l, NULL, m, e)) ||
         err_within(e, "%s", o->model);
}
