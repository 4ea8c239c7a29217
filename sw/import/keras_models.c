// SPDX-License-Identifier: Apache-2.0
// Sequential and functional models: the file's, and those that are layers.
#include "sw/import/keras.h"

#include <string.h>

enum { DEPTH_MOST = 8, NESTED_MOST = 1 << 8, IN_MOST = 64 };

static const json_t *layers_of(const json_t *model) {
  const json_t *config = json_object_get(model, "config"); // of very old files the list itself
  const json_t *layers = json_is_array(config) ? config : json_object_get(config, "layers");
  return json_is_array(layers) ? layers : NULL;
}

bool keras_is_model(const json_t *layer) {
  const char *cls = json_string_value(json_object_get(layer, "class_name"));
  return cls && layers_of(layer) &&
         (strcmp(cls, "Sequential") == 0 || strcmp(cls, "Functional") == 0 ||
          strcmp(cls, "Model") == 0);
}

// ---- outputs

static void put(struct keras *k, const char *layer, int64_t node, const struct stream *s) {
  if (k->scope.n_outputs == k->scope.room) {
    k->scope.room = k->scope.room ? 2 * k->scope.room : 64;
    struct keras_output *list = ARENA_NEW(k->arena, struct keras_output, k->scope.room);
    if (k->scope.n_outputs) memcpy(list, k->scope.outputs, k->scope.n_outputs * sizeof *list);
    k->scope.outputs = list;
  }
  struct keras_output *o = &k->scope.outputs[k->scope.n_outputs++];
  *o = (struct keras_output){.layer = layer, .node = node, .lost = !s};
  if (s) o->stream = *s;
}

static struct keras_output *find(const struct keras *k, const char *layer, int64_t node) {
  for (uint32_t i = 0; i < k->scope.n_outputs; i++)
    if (k->scope.outputs[i].node == node && strcmp(k->scope.outputs[i].layer, layer) == 0)
      return &k->scope.outputs[i];
  return NULL;
}

// Names of tensors: {"class_name": "__keras_tensor__", "config": {"keras_history": [layer, node,
// 0]}} or [layer, node, 0, ..], anywhere inside.
struct history {
  const char *layer;
  int64_t node;
  const json_t *shape; // with the batch; NULL: it isn't said
};

static int histories(const json_t *j, struct history *list, int n) {
  size_t i;
  json_t *v;
  const json_t *config = json_object_get(j, "config"),
               *h = json_object_get(config, "keras_history");
  if (h) {
    int next = histories(h, list, n);
    if (next > n) list[n].shape = json_object_get(config, "shape");
    return next;
  }
  bool named = json_is_array(j) && json_is_string(json_array_get(j, 0)) &&
               json_is_integer(json_array_get(j, 1));
  if (named && n < IN_MOST) {
    list[n] = (struct history){json_string_value(json_array_get(j, 0)),
                               json_integer_value(json_array_get(j, 1)), NULL};
    return n + 1;
  }
  if (json_is_array(j) && !named) json_array_foreach((json_t *)j, i, v) n = histories(v, list, n);
  return n;
}

// ---- inputs

static bool add_input(struct keras *k, const json_t *layer, const char *name, const json_t *shape,
                      struct stream *x) {
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
  if (!builder_fits((int)n - 1, dims))
    return err_set(k->err, "input \"%s\": more than %lld elements: save it with a smaller input",
                   name, (long long)ELEMENTS_MAX);
  *x = builder_input(&k->builder, name, (int)n - 1, dims, NULL);
  const char *type = json_string_value(json_object_get(json_object_get(layer, "config"), "dtype"));
  if (keras_is_input(layer) && type && strcmp(type, "uint8") == 0)
    builder_bytes(&k->builder, x->value);
  return true;
}

static const json_t *shape_of(const json_t *layer) {
  const json_t *config = json_object_get(layer, "config"),
               *s = json_object_get(config, "batch_shape");
  if (!s) s = json_object_get(config, "batch_input_shape");
  return s ? s : json_object_get(json_object_get(layer, "build_config"), "input_shape");
}

// The shape of what a layer is called with, of a model that of its first layer.
static const json_t *input_of(const json_t *layer) {
  const json_t *shape = shape_of(layer);
  for (int depth = 0; !shape && keras_is_model(layer) && depth < DEPTH_MOST; depth++) {
    layer = json_array_get(layers_of(layer), 0);
    shape = shape_of(layer);
  }
  return shape;
}

// ---- behind a layer that is refused

// A stream of this shape, which has the batch in front; false if it isn't all known.
static bool stand_in(struct keras *k, const json_t *shape, struct stream *x) {
  int64_t dims[RANK_MAX];
  size_t n = json_array_size(shape);
  if (n < 1 || n > RANK_MAX) return false;
  for (size_t d = 1; d < n; d++) dims[d - 1] = json_integer_value(json_array_get(shape, d));
  if (!builder_fits((int)n - 1, dims)) return false;
  *x = builder_stand_in(&k->builder, (int)n - 1, dims);
  return true;
}

// What comes out of a refused layer is as large as what goes in.
static bool keeps_shape(const json_t *layer) {
  static const char *const alike[] = {"LayerNormalization",    "GroupNormalization",
                                      "UnitNormalization",     "RMSNormalization",
                                      "SpectralNormalization", "MultiHeadAttention"};
  const char *cls = json_string_value(json_object_get(layer, "class_name"));
  for (size_t i = 0; cls && i < sizeof alike / sizeof *alike; i++)
    if (strcmp(alike[i], cls) == 0) return true;
  return false;
}

// All that can be said of a layer, or the layers of a model, whose inputs aren't known.
static void judge(struct keras *k, const json_t *layer, int depth) {
  const json_t *layers = keras_is_model(layer) ? layers_of(layer) : NULL;
  if (!layers) keras_judge(k, layer);
  for (size_t i = 0; depth < DEPTH_MOST && i < json_array_size(layers); i++)
    if (!keras_is_input(json_array_get(layers, i))) judge(k, json_array_get(layers, i), depth + 1);
}

// ---- the two forms of a model

static bool one_by_one(struct keras *k, const json_t *layers, struct stream *x) {
  bool all = true, known = true;
  for (size_t i = keras_is_input(json_array_get(layers, 0)); i < json_array_size(layers); i++) {
    const json_t *layer = json_array_get(layers, i);
    if (!known) known = stand_in(k, shape_of(layer), x);
    if (!known) judge(k, layer, 0);
    if (!known) continue;
    struct stream before = *x;
    k->in[0] = *x;
    k->n_in = 1;
    known = keras_call(k, layers, i, NULL, x);
    all &= known;
    if (!known && keeps_shape(layer)) known = true, *x = before;
  }
  return all;
}

static const json_t *arguments(const json_t *inbound) {
  return json_is_object(inbound) ? json_object_get(inbound, "args") : inbound;
}

// Takes the inputs of a call; false while one isn't there yet.
static bool gather(struct keras *k, const json_t *inbound, bool *lost) {
  struct history list[IN_MOST];
  int n = histories(arguments(inbound), list, 0);
  k->n_in = (uint32_t)n;
  *lost = false;
  for (int i = 0; i < n; i++) {
    struct keras_output *from = find(k, list[i].layer, list[i].node);
    if (!from) return false;
    if (from->lost) from->lost = !stand_in(k, list[i].shape, &from->stream);
    *lost |= from->lost;
    k->in[i] = from->stream;
  }
  return true;
}

static bool is_old(const struct keras *k) {
  const char *version = safetensors_metadata(&k->file, "version");
  return version && *version < '3';
}

// Keras 2 counts the calls of models that are layers from 0 or, with an input layer, from 1: one is
// the output of no call. What is saved is used, so the least that is named is the first.
static int64_t first_call(const struct keras *k, const json_t *config, const json_t *layer) {
  const json_t *layers = json_object_get(config, "layers");
  struct history list[IN_MOST];
  int64_t least = 2;
  if (!is_old(k) || !keras_is_model(layer)) return 0;
  for (size_t i = 0; i <= json_array_size(layers); i++) {
    const json_t *calls = json_object_get(json_array_get(layers, i), "inbound_nodes"),
                 *out = json_object_get(config, "output_layers");
    bool last = i == json_array_size(layers);
    for (size_t c = 0; c < (last ? 1 : json_array_size(calls)); c++) {
      int n = histories(last ? out : arguments(json_array_get(calls, c)), list, 0);
      for (int h = 0; h < n; h++)
        if (strcmp(list[h].layer, keras_name(layer)) == 0 && list[h].node < least)
          least = list[h].node;
    }
  }
  return least == 1;
}

static bool made(struct keras *k, const json_t *layers, size_t i, const json_t *inbound,
                 struct stream *y) {
  const json_t *layer = json_array_get(layers, i);
  if (k->n_in > 0 && k->n_in < IN_MOST) return keras_call(k, layers, i, inbound, y);
  k->builder.node = keras_name(layer);
  k->builder.op = "call";
  return keras_refuse(k, "call it with streams, less than 64",
                      "its inputs aren't named one by one");
}

static bool has_weights(const struct graph *g, uint32_t from) {
  for (uint32_t i = from; i < g->n_values; i++)
    if (g->values[i].init) return true;
  return false;
}

// A call that hasn't been made and whose inputs are there.
static void step(struct keras *k, const json_t *config, size_t i, bool *moved) {
  const json_t *layers = json_object_get(config, "layers"), *layer = json_array_get(layers, i),
               *calls = json_object_get(layer, "inbound_nodes");
  int64_t first = first_call(k, config, layer);
  for (size_t c = 0; c < json_array_size(calls); c++) {
    const json_t *inbound = json_array_get(calls, c);
    int64_t node = first + (int64_t)c;
    bool lost;
    struct stream y = {0};
    if (find(k, keras_name(layer), node) || !gather(k, inbound, &lost)) continue;
    *moved = true;
    uint32_t before = k->builder.graph->n_values;
    struct stream in = k->in[0];
    bool is = !lost && made(k, layers, i, inbound, &y), alike = !lost && !is && keeps_shape(layer);
    if (lost) judge(k, layer, 0);
    put(k, keras_name(layer), node, is ? &y : alike ? &in : NULL);
    if (c > 0 && has_weights(k->builder.graph, before))
      builder_note(&k->builder,
                   "is called several times: here each call has weights of its own, which training "
                   "makes different",
                   true);
  }
}

static void all_calls(struct keras *k, const json_t *config) {
  const json_t *layers = json_object_get(config, "layers");
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t i = 0; i < json_array_size(layers); i++)
      if (!keras_is_input(json_array_get(layers, i))) step(k, config, i, &moved);
  }
}

// The outputs of a functional model. There, and only there, Keras 3 counts the calls of functional
// models from 1.
static int outputs_of(const struct keras *k, const json_t *config, struct history *list) {
  size_t i;
  json_t *layer;
  int n = histories(json_object_get(config, "output_layers"), list, 0);
  json_array_foreach(json_object_get(config, "layers"), i, layer) {
    const char *cls = json_string_value(json_object_get(layer, "class_name"));
    bool one = !is_old(k) && keras_is_model(layer) && strcmp(cls, "Sequential") != 0;
    for (int o = 0; one && o < n; o++)
      list[o].node -= strcmp(list[o].layer, keras_name(layer)) == 0;
  }
  return n;
}

// ---- a model as a layer

// Why it is refused: "" if layers in it are, NULL if it isn't.
static const char *functional_inside(struct keras *k, const json_t *config, const struct stream *in,
                                     uint32_t n_in, struct stream *y) {
  struct history list[IN_MOST];
  if (histories(json_object_get(config, "input_layers"), list, 0) != (int)n_in)
    return "it has another number of inputs than its call";
  for (uint32_t i = 0; i < n_in; i++) put(k, list[i].layer, list[i].node, &in[i]);
  all_calls(k, config);
  if (outputs_of(k, config, list) != 1)
    return "it is a model inside of a model, and hasn't exactly one output";
  const struct keras_output *o = find(k, list[0].layer, list[0].node);
  if (!o) return "nothing makes its output";
  *y = o->stream;
  return o->lost ? "" : NULL;
}

static const char *inside(struct keras *k, const json_t *layer, const struct stream *in,
                          uint32_t n_in, struct stream *y) {
  const char *cls = json_string_value(json_object_get(layer, "class_name"));
  if (k->scope.depth > DEPTH_MOST || k->nested++ > NESTED_MOST)
    return "there are too many models inside of models";
  if (strcmp(cls, "Sequential") != 0)
    return functional_inside(k, json_object_get(layer, "config"), in, n_in, y);
  if (n_in != 1) return "it has another number of inputs than its call";
  *y = in[0];
  return one_by_one(k, layers_of(layer), y) ? NULL : "";
}

bool keras_nested(struct keras *k, const json_t *layer, struct stream *y) {
  struct keras_scope outer = k->scope;
  struct stream in[IN_MOST];
  const char *node = k->builder.node, *op = k->builder.op;
  uint32_t n_in = k->n_in;
  memcpy(in, k->in, n_in * sizeof *in);
  k->scope = (struct keras_scope){.depth = outer.depth + 1,
                                  .name = keras_name(layer),
                                  .label = arena_printf(k->arena, "%s/", node),
                                  .group = keras_group_inside(k)};
  const char *why = inside(k, layer, in, n_in, y);
  k->scope = outer;
  k->builder.node = node;
  k->builder.op = op;
  if (!why) return true;
  return *why && keras_refuse(k, "put its layers into the outer model", "%s", why);
}

// ---- the file's model

static bool sequential(struct keras *k, const json_t *root, const json_t *layers) {
  struct stream x = {0};
  const json_t *first = json_array_get(layers, 0), *shape = input_of(first);
  if (!shape) shape = json_object_get(json_object_get(root, "build_config"), "input_shape");
  if (!add_input(k, first, keras_is_input(first) ? keras_name(first) : "input", shape, &x))
    return false;
  if (one_by_one(k, layers, &x))
    builder_output_array(&k->builder, x,
                         keras_name(json_array_get(layers, json_array_size(layers) - 1)));
  return true;
}

static bool functional(struct keras *k, const json_t *config, const json_t *layers) {
  struct history out[IN_MOST];
  struct stream x = {0};
  for (size_t i = 0; i < json_array_size(layers); i++) {
    const json_t *layer = json_array_get(layers, i);
    if (!keras_is_input(layer)) continue;
    if (!add_input(k, layer, keras_name(layer), shape_of(layer), &x)) return false;
    put(k, keras_name(layer), 0, &x);
  }
  all_calls(k, config);
  int n = outputs_of(k, config, out);
  for (int i = 0; i < n; i++) {
    const struct keras_output *o = find(k, out[i].layer, out[i].node);
    if (!o) return err_set(k->err, "nothing makes the output \"%s\"", out[i].layer);
    if (!o->lost) builder_output_array(&k->builder, o->stream, out[i].layer);
  }
  return n > 0 || err_set(k->err, "the model has no outputs");
}

bool keras_model(struct keras *k, const json_t *root) {
  const char *cls = json_string_value(json_object_get(root, "class_name"));
  const json_t *layers = layers_of(root);
  if (!cls || json_array_size(layers) == 0)
    return err_set(
        k->err,
        "a model of class \"%s\" has no list of layers: only Sequential and functional models "
        "say what they consist of",
        cls ? cls : "?");
  return strcmp(cls, "Sequential") == 0 ? sequential(k, root, layers)
                                        : functional(k, json_object_get(root, "config"), layers);
}
