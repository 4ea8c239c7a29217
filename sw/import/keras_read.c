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

// Arguments of a call that aren't streams, {"args": [2.0, {..}]}: numbers, and arrays or the like.
struct constants {
  int numbers, others;
  double number;
  bool first; // the number is in front of the stream
};

static void constants_of(const json_t *j, int streams, struct constants *c) {
  size_t i;
  json_t *v;
  const char *cls = json_string_value(json_object_get(j, "class_name"));
  if (json_is_number(j)) {
    c->numbers++;
    c->number = json_number_value(j);
    c->first = streams == 0;
  }
  if (json_is_object(j) && (!cls || strcmp(cls, "__keras_tensor__") != 0)) c->others++;
  if (json_is_array(j)) json_array_foreach((json_t *)j, i, v) constants_of(v, streams + (int)i, c);
}

// x + c, c - x, c x, x / c, as a model's formula has them: a scale and a shift.
static bool with_number(struct keras *k, const struct constants *c, struct stream *y) {
  const char *op = k->builder.op;
  bool less = strcmp(op, "Subtract") == 0, times = strcmp(op, "Multiply") == 0;
  bool divides = (strcmp(op, "Divide") == 0 || strcmp(op, "TrueDivide") == 0) && !c->first;
  bool formula = less || times || divides || strcmp(op, "Add") == 0;
  if (!formula || c->others || c->numbers != 1 || k->n_in != 1 || (divides && c->number == 0))
    return keras_refuse(k, "use layers (Rescaling, Normalization) instead of constants",
                        "it is called with constants");
  double scale = less && c->first ? -1 : times ? c->number : divides ? 1 / c->number : 1;
  double shift = times || divides ? 0 : less && !c->first ? -c->number : c->number;
  return keras_plain(k, y) && term_affine(&k->builder, y, 1, &scale, &shift);
}

// One call of layer `index` on k->in.
bool keras_call(struct keras *k, const json_t *layers, size_t index, const json_t *inbound,
                struct stream *y) {
  const json_t *layer = json_array_get(layers, index);
  const char *cls = json_string_value(json_object_get(layer, "class_name")),
             *name = keras_name(layer);
  k->config = json_object_get(layer, "config");
  k->builder.node = k->scope.name ? arena_printf(k->arena, "%s%s", k->scope.label, name) : name;
  k->builder.op = cls ? cls : "?";
  k->odd = false;
  *y = k->in[0];
  bool augments = strncmp(k->builder.op, "Random", 6) == 0; // whose word for it is true unless said
  if (trains(inbound) && !augments)
    return keras_refuse(k, "call it without training", "it is called with training=True");
  struct constants c = {0};
  if (json_is_object(inbound)) constants_of(json_object_get(inbound, "args"), 0, &c);
  if (c.numbers || c.others) return with_number(k, &c, y);
  keras_group(k, layers, index, name);
  if (keras_is_model(layer)) return keras_nested(k, layer, y);
  return dispatch(k, k->builder.op, y) && !k->odd;
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
