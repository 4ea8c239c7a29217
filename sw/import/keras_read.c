// SPDX-License-Identifier: Apache-2.0
// Keras files: the sandbox's arrays, a layer of the configuration at a time.
#include "sw/import/keras.h"

#include "sw/import/formats.h"

#include <string.h>

const struct sandbox keras_limits = {(size_t)6 << 30, (size_t)2 << 30, 60};

// ---- layers

bool keras_is_input(const json_t *layer) {
  const char *cls = json_string_value(json_object_get(layer, "class_name"));
  return cls && strcmp(cls, "InputLayer") == 0;
}

const char *keras_name(const json_t *layer) {
  const char *name = json_string_value(json_object_get(json_object_get(layer, "config"), "name"));
  return name ? name : "layer";
}

// What is met often, and why it isn't a layer.
static const struct {
  const char *name, *reason, *remedy;
} known[] = {
    {"Lambda", "it is Python code", "use layers instead of code"},
    {"LSTM", "there are no recurrent layers", "use convolutions along time"},
    {"GRU", "there are no recurrent layers", "use convolutions along time"},
    {"SimpleRNN", "there are no recurrent layers", "use convolutions along time"},
    {"Bidirectional", "there are no recurrent layers", "use convolutions along time"},
    {"LayerNormalization", "it divides by a deviation of the data", "use BatchNormalization"},
    {"GroupNormalization", "it divides by a deviation of the data", "use BatchNormalization"},
    {"MultiHeadAttention", "it multiplies streams as matrices", "use convolutions"},
    {"Embedding", "its input is an index", "feed it one-hot, and use Dense"},
};

keras_layer *keras_find(const char *cls) {
  static const struct {
    const char *name;
    keras_layer *import;
  } layers[] = {
#define KERAS(name, function) {name, keras_##function},
#include "sw/import/keras.def"
#undef KERAS
  };
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    if (strcmp(layers[i].name, cls) == 0) return layers[i].import;
  return NULL;
}

static bool refuse_unknown(struct keras *k, const char *cls) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i].name, cls) == 0)
      return keras_refuse(k, known[i].remedy, "%s", known[i].reason);
  return keras_refuse(k, "replace it in the network, or split the network there",
                      "there is no layer like it");
}

// What a call says beside its inputs: {"kwargs": {..}}, or [[layer, node, 0, {..}], ..].
static bool trains(const json_t *j) {
  size_t i;
  const char *key;
  json_t *v;
  bool does = false;
  const json_t *t = json_object_get(j, "training");
  if (t && !json_is_null(t) && !json_is_false(t) && !(json_is_integer(t) && !json_integer_value(t)))
    return true;
  if (json_is_array(j)) json_array_foreach((json_t *)j, i, v) does |= trains(v);
  if (json_is_object(j)) json_object_foreach((json_t *)j, key, v) does |= trains(v);
  return does;
}

static void begin(struct keras *k, const json_t *layer) {
  const char *cls = json_string_value(json_object_get(layer, "class_name")),
             *name = keras_name(layer);
  k->config = json_object_get(layer, "config");
  k->builder.node = k->scope.name ? arena_printf(k->arena, "%s%s", k->scope.label, name) : name;
  k->builder.op = cls ? cls : "?";
  k->odd = false;
}

void keras_judge(struct keras *k, const json_t *layer) {
  begin(k, layer);
  if (keras_is_operation(layer) ? !keras_knows_operation(k->builder.op)
                                : !keras_find(k->builder.op))
    refuse_unknown(k, k->builder.op);
}

// One call of layer `index` on k->in.
bool keras_call(struct keras *k, const json_t *layers, size_t index, const json_t *inbound,
                struct stream *y) {
  const json_t *layer = json_array_get(layers, index);
  begin(k, layer);
  *y = k->in[0];
  bool augments = strncmp(k->builder.op, "Random", 6) == 0; // whose word for it is true unless said
  if (trains(inbound) && !augments)
    return keras_refuse(k, "call it without training", "it is called with training=True");
  k->args = json_object_get(inbound, "args");
  k->words = json_object_get(inbound, "kwargs");
  if (keras_is_operation(layer)) return keras_operation(k, y);
  bool constants, ok = keras_constants(k, &constants, y);
  if (constants) return ok;
  keras_group(k, layers, index, keras_name(layer));
  if (keras_is_model(layer)) return keras_nested(k, layer, y);
  keras_layer *import = keras_find(k->builder.op);
  return import ? import(k, y) && !k->odd : refuse_unknown(k, k->builder.op);
}

// ---- the file

struct graph *keras_parse(struct arena *a, const char *path, const void *data, size_t size,
                          struct refusals *r, struct err *e) {
  struct bytes back;
  (void)path;
  bool ok = sandbox_run(a, &keras_limits, keras_dump, data, size, &back, e);
  return ok ? keras_build(a, back.data, back.size, r, e) : NULL;
}

struct graph *keras_build(struct arena *a, const void *data, size_t size, struct refusals *r,
                          struct err *e) {
  struct safetensors file;
  return keras_build_traced(a, data, size, &file, NULL, r, e);
}

struct graph *keras_build_traced(struct arena *a, const void *data, size_t size,
                                 struct safetensors *file, struct keras_sources *sources,
                                 struct refusals *r, struct err *e) {
  struct keras k = {.arena = a, .err = e, .scope.group = "", .sources = sources};
  if (!safetensors_parse(a, data, size, &k.file, e)) return NULL;
  *file = k.file;
  const char *text = safetensors_metadata(&k.file, "config");
  json_t *root = text ? json_parse(text, strlen(text), e) : NULL;
  if (!root) {
    err_put_within(e, "the model's configuration");
    return NULL;
  }
  const char *name = json_string_value(json_object_get(json_object_get(root, "config"), "name"));
  k.builder = builder_new(a, name ? name : "network", r);
  bool ok = keras_model(&k, root);
  builder_free(&k.builder);
  json_decref(root);
  return ok ? k.builder.graph : NULL;
}
