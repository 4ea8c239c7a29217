// SPDX-License-Identifier: Apache-2.0
// Keras files: the sandbox's arrays, the configuration's layers, one call after the other.
#include "sw/import/keras.h"

#include "sw/base/sandbox.h"
#include "sw/import/formats.h"

#include <ctype.h>
#include <string.h>

static const struct sandbox limits = {(size_t)6 << 30, (size_t)2 << 30, 60};

// ---- arrays

const struct tensor *keras_array(struct keras *k, int i, int rank) {
  const char *name = arena_printf(k->arena, "%s/%d", k->group ? k->group : "?", i);
  int64_t at = k->group ? safetensors_find(&k->file, name) : -1;
  const struct tensor *t = at < 0 ? NULL : k->file.tensors[at].tensor;
  if (t && t->rank == rank && t->count) return t;
  if (t)
    keras_refuse(k, "save the model again", "its array %d has %d axes, expected %d", i, t->rank,
                 rank);
  else
    keras_refuse(k, "save the whole model, with its weights", "the file has no array %d of it", i);
  return NULL;
}

// The group of arrays that bears a layer's name.
static const char *group_named(const struct keras *k, const char *layer) {
  for (uint32_t i = 0; i < k->file.n_metadata; i++)
    if (strncmp(k->file.metadata[i][0], "name:", 5) == 0 &&
        strcmp(k->file.metadata[i][1], layer) == 0)
      return k->file.metadata[i][0] + 5;
  return NULL;
}

static bool has_names(const struct keras *k) {
  bool has = false;
  for (uint32_t i = 0; i < k->file.n_metadata; i++)
    has |= strncmp(k->file.metadata[i][0], "name:", 5) == 0;
  return has;
}

// MaxPooling2D becomes max_pooling2d, ReLU re_lu.
static const char *snake(struct arena *a, const char *name) {
  size_t n = strlen(name), at = 0;
  char *to = ARENA_NEW(a, char, 2 * n + 1);
  for (size_t i = 0; i < n; i++) {
    bool word =
        i && isupper((unsigned char)name[i]) && i + 1 < n && islower((unsigned char)name[i + 1]);
    bool turn = i && isupper((unsigned char)name[i]) && islower((unsigned char)name[i - 1]);
    if (word || turn) to[at++] = '_';
    to[at++] = (char)tolower((unsigned char)name[i]);
  }
  return to;
}

// Without names: by class, and how many of the class stand before it.
static const char *group_counted(struct keras *k, const json_t *layers, size_t index) {
  const char *cls = json_string_value(json_object_get(json_array_get(layers, index), "class_name"));
  int before = 0;
  for (size_t i = 0; i < index; i++) {
    const char *other = json_string_value(json_object_get(json_array_get(layers, i), "class_name"));
    before += cls && other && strcmp(cls, other) == 0;
  }
  const char *name = snake(k->arena, cls ? cls : "");
  return before ? arena_printf(k->arena, "%s_%d", name, before) : name;
}

// ---- outputs

static void put(struct keras *k, const char *layer, int64_t node, const struct stream *s) {
  if (k->n_outputs == k->room) {
    k->room = k->room ? 2 * k->room : 64;
    struct keras_output *list = ARENA_NEW(k->arena, struct keras_output, k->room);
    if (k->n_outputs) memcpy(list, k->outputs, k->n_outputs * sizeof *list);
    k->outputs = list;
  }
  struct keras_output *o = &k->outputs[k->n_outputs++];
  *o = (struct keras_output){.layer = layer, .node = node, .lost = !s};
  if (s) o->stream = *s;
}

static const struct keras_output *find(const struct keras *k, const char *layer, int64_t node) {
  for (uint32_t i = 0; i < k->n_outputs; i++)
    if (k->outputs[i].node == node && strcmp(k->outputs[i].layer, layer) == 0)
      return &k->outputs[i];
  return NULL;
}

// Names of tensors: {"class_name": "__keras_tensor__", "config": {"keras_history": [layer, node,
// 0]}} or [layer, node, 0, ..], anywhere inside.
struct history {
  const char *layer;
  int64_t node;
};

static int histories(const json_t *j, struct history *list, int n) {
  size_t i;
  json_t *v;
  const json_t *h = json_object_get(json_object_get(j, "config"), "keras_history");
  if (h) return histories(h, list, n);
  bool named = json_is_array(j) && json_is_string(json_array_get(j, 0)) &&
               json_is_integer(json_array_get(j, 1));
  if (named && n < 64) {
    list[n] = (struct history){json_string_value(json_array_get(j, 0)),
                               json_integer_value(json_array_get(j, 1))};
    return n + 1;
  }
  if (json_is_array(j) && !named) json_array_foreach((json_t *)j, i, v) n = histories(v, list, n);
  return n;
}

// ---- layers

static bool is_input(const json_t *layer) {
  const char *cls = json_string_value(json_object_get(layer, "class_name"));
  return cls && strcmp(cls, "InputLayer") == 0;
}

static const char *name_of(const json_t *layer) {
  const char *name = json_string_value(json_object_get(json_object_get(layer, "config"), "name"));
  return name ? name : "layer";
}

static bool add_input(struct keras *k, const char *name, const json_t *shape, struct stream *x) {
  int64_t dims[RANK_MAX];
  size_t n = json_array_size(shape);
  if (n < 1 || n > RANK_MAX)
    return err_set(
        k->err, "input \"%s\": the file doesn't say its shape: build the model before it is saved",
        name);
  for (size_t d = 1; d < n; d++) {
    dims[d - 1] = json_integer_value(json_array_get(shape, d));
    if (dims[d - 1] < 1 || dims[d - 1] > DIM_MAX)
      return err_set(k->err,
                     "input \"%s\": axis %zu has no fixed size: save the model with fixed shapes",
                     name, d);
  }
  *x = builder_input(&k->builder, name, (int)n - 1, dims, NULL);
  return true;
}

static const json_t *shape_of(const json_t *layer) {
  const json_t *config = json_object_get(layer, "config"),
               *s = json_object_get(config, "batch_shape");
  if (!s) s = json_object_get(config, "batch_input_shape");
  return s ? s : json_object_get(json_object_get(layer, "build_config"), "input_shape");
}

static bool dispatch(struct keras *k, const char *cls, struct stream *y) {
  static const struct {
    const char *name;
    bool (*import)(struct keras *k, struct stream *y);
  } layers[] = {
#define KERAS(name, function) {name, keras_##function},
#include "sw/import/keras.def"
#undef KERAS
  };
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    if (strcmp(layers[i].name, cls) == 0) return layers[i].import(k, y);
  if (strcmp(cls, "Lambda") == 0)
    return keras_refuse(k, "use layers instead of code", "it is Python code");
  if (strcmp(cls, "Sequential") == 0 || strcmp(cls, "Functional") == 0 || strcmp(cls, "Model") == 0)
    return keras_refuse(k, "put its layers into the outer model",
                        "it is a model inside of a model");
  return keras_refuse(k, "replace it in the network, or split the network there",
                      "there is no layer like it");
}

// One call of layer `index` on k->in.
static bool call(struct keras *k, const json_t *layers, size_t index, struct stream *y) {
  const json_t *layer = json_array_get(layers, index);
  const char *cls = json_string_value(json_object_get(layer, "class_name"));
  k->config = json_object_get(layer, "config");
  k->builder.node = name_of(layer);
  k->builder.op = cls ? cls : "?";
  k->group = has_names(k) ? group_named(k, k->builder.node) : group_counted(k, layers, index);
  k->odd = false;
  *y = k->in[0];
  return dispatch(k, k->builder.op, y) && !k->odd;
}

// ---- the two forms of a model

static bool sequential(struct keras *k, const json_t *root, const json_t *layers) {
  struct stream x;
  const json_t *first = json_array_get(layers, 0), *shape = shape_of(first);
  if (!shape) shape = json_object_get(json_object_get(root, "build_config"), "input_shape");
  const char *name = is_input(first) ? name_of(first) : "input";
  bool lost = false;
  if (!add_input(k, name, shape, &x)) return false;
  for (size_t i = is_input(first); i < json_array_size(layers); i++) {
    k->in[0] = x;
    k->n_in = 1;
    lost |= !call(k, layers, i, &x);
  }
  if (!lost)
    builder_output(&k->builder, x.value,
                   name_of(json_array_get(layers, json_array_size(layers) - 1)));
  return true;
}

// Takes the inputs of a call; false while one isn't there yet.
static bool gather(struct keras *k, const json_t *inbound, bool *lost) {
  struct history list[64];
  int n = histories(json_is_object(inbound) ? json_object_get(inbound, "args") : inbound, list, 0);
  k->n_in = (uint32_t)n;
  *lost = n == 0;
  for (int i = 0; i < n; i++) {
    const struct keras_output *from = find(k, list[i].layer, list[i].node);
    if (!from) return false;
    *lost |= from->lost;
    k->in[i] = from->stream;
  }
  return true;
}

// A call that hasn't been made and whose inputs are there.
static bool step(struct keras *k, const json_t *layers, size_t i, bool *moved) {
  const json_t *layer = json_array_get(layers, i), *calls = json_object_get(layer, "inbound_nodes");
  for (size_t c = 0; c < json_array_size(calls); c++) {
    bool lost;
    struct stream y;
    if (find(k, name_of(layer), (int64_t)c) || !gather(k, json_array_get(calls, c), &lost))
      continue;
    *moved = true;
    put(k, name_of(layer), (int64_t)c, !lost && call(k, layers, i, &y) ? &y : NULL);
  }
  return true;
}

static bool functional(struct keras *k, const json_t *config, const json_t *layers) {
  struct history out[64];
  struct stream x;
  for (size_t i = 0; i < json_array_size(layers); i++) {
    const json_t *layer = json_array_get(layers, i);
    if (!is_input(layer)) continue;
    if (!add_input(k, name_of(layer), shape_of(layer), &x)) return false;
    put(k, name_of(layer), 0, &x);
  }
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t i = 0; i < json_array_size(layers); i++)
      if (!is_input(json_array_get(layers, i))) step(k, layers, i, &moved);
  }
  int n = histories(json_object_get(config, "output_layers"), out, 0);
  for (int i = 0; i < n; i++) {
    const struct keras_output *o = find(k, out[i].layer, out[i].node);
    if (!o) return err_set(k->err, "nothing makes the output \"%s\"", out[i].layer);
    if (!o->lost) builder_output(&k->builder, o->stream.value, out[i].layer);
  }
  return n > 0 || err_set(k->err, "the model has no outputs");
}

// ---- the file

static bool build(struct keras *k, const json_t *root) {
  const char *cls = json_string_value(json_object_get(root, "class_name"));
  const json_t *config = json_object_get(root, "config"),
               *layers = json_object_get(config, "layers");
  if (json_is_array(config)) layers = config; // of very old files
  if (!cls || !json_is_array(layers) || json_array_size(layers) == 0)
    return err_set(
        k->err,
        "a model of class \"%s\" has no list of layers: only Sequential and functional models "
        "say what they consist of",
        cls ? cls : "?");
  return strcmp(cls, "Sequential") == 0 ? sequential(k, root, layers)
                                        : functional(k, config, layers);
}

struct graph *keras_parse(struct arena *a, const char *path, const void *data, size_t size,
                          struct refusals *r, struct err *e) {
  struct bytes back;
  (void)path;
  bool ok = sandbox_run(a, &limits, keras_dump, data, size, &back, e);
  return ok ? keras_build(a, back.data, back.size, r, e) : NULL;
}

struct graph *keras_build(struct arena *a, const void *data, size_t size, struct refusals *r,
                          struct err *e) {
  struct keras k = {.arena = a, .err = e};
  if (!safetensors_parse(a, data, size, &k.file, e)) return NULL;
  const char *text = safetensors_metadata(&k.file, "config");
  json_t *root = text ? json_parse(text, strlen(text), e) : NULL;
  if (!root) {
    err_put_within(e, "the model's configuration");
    return NULL;
  }
  const char *name = json_string_value(json_object_get(json_object_get(root, "config"), "name"));
  k.builder = builder_new(a, name ? name : "network", r);
  bool ok = build(&k, root);
  builder_free(&k.builder);
  json_decref(root);
  return ok ? k.builder.graph : NULL;
}
