// SPDX-License-Identifier: Apache-2.0
#include "cmd/search_net.h"

#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/library.h"
#include "sw/base/sha256.h"
#include "sw/pass/inference.h"

#include <stdlib.h>
#include <string.h>

enum { RECIPE_MAX = 1 << 20, FINETUNE_MOST = 1000 };

// Fields of training that are no layer's.
static const char *const training_fields[] = {"epochs", "rate", "batch", "optimizer",
                                              "decay",  "seed", NULL};

static bool is_training_field(const char *name) {
  const char *const *f = training_fields;
  while (*f && strcmp(*f, name) != 0) f++;
  return *f != NULL;
}

// ---- the recipe

bool search_net_read(struct search *s, struct err *e) {
  const char *net = s->options->net;
  struct bytes file;
  struct recipe r;
  if (net[0] == '{') {
    file = (struct bytes){(unsigned char *)arena_strdup(s->arena, net), strlen(net)};
  } else {
    const char *path = file_exists(net)
                           ? net
                           : library_path(s->arena, arena_printf(s->arena, "models/%s.json", net));
    if (!file_exists(path))
      return err_set(e, "--net %s: there is no recipe and no file of this name", net);
    if (!file_read(s->arena, path, RECIPE_MAX, &file, e)) return false;
  }
  s->recipe = arena_printf(s->arena, "%.*s", (int)file.size, (const char *)file.data);
  if (!recipe_parse(s->arena, s->recipe, strlen(s->recipe), 1, &r, e))
    return err_within(e, "--net %s", net);
  s->whole = r.model;
  s->model_file = net;
  s->model_sha256 = sha256_hex(s->arena, file.data, file.size);
  return true;
}

static size_t layer_of(const json_t *layers, const char *name, size_t length) {
  size_t i;
  json_t *layer;
  json_array_foreach((json_t *)layers, i, layer) {
    const char *own = json_string_value(json_object_get(layer, "name"));
    if (own && strlen(own) == length && strncmp(own, name, length) == 0) return i;
  }
  return json_array_size(layers);
}

// ---- a point's changes

struct changing {
  json_t *recipe, *options;
  struct err *error;
};

static json_t *value_of(const char *json) {
  struct err e = {0};
  const char *list = json;
  struct text t = {0};
  text_printf(&t, "[%s]", list);
  json_t *array = json_parse(t.data, t.size, &e);
  json_t *v = array ? json_incref(json_array_get(array, 0)) : NULL;
  json_decref(array);
  text_free(&t);
  return v;
}

static bool change_layer(struct changing *c, const char *name, const char *field, json_t *value) {
  json_t *layers = json_object_get(c->recipe, "layers");
  size_t at = layer_of(layers, name, (size_t)(field - name));
  if (at == json_array_size(layers))
    return err_set(c->error, "\"train.%s\": the recipe has no layer named \"%.*s\"", name,
                   (int)(field - name), name);
  if (strcmp(field + 1, "present") != 0) {
    json_put(json_array_get(layers, at), field + 1, json_incref(value));
    return true;
  }
  if (!json_is_boolean(value))
    return err_set(c->error, "\"train.%s\": expected true or false", name);
  if (json_is_false(value)) json_array_remove(layers, at);
  return true;
}

static bool change(void *context, const char *name, const char *json) {
  struct changing *c = context;
  const char *field = strrchr(name, '.');
  json_t *value = value_of(json);
  bool ok = true;
  if (is_training_field(name))
    json_put(c->options, name, json_incref(value));
  else if (field)
    ok = change_layer(c, name, field, value);
  else
    ok = err_set(c->error,
                 "\"train.%s\": expected train.epochs, rate, batch, optimizer, decay, "
                 "seed, or train.LAYER.FIELD",
                 name);
  json_decref(value);
  return ok;
}

static int64_t finetune_of(const struct search *s, struct err *e) {
  static const char *const keys[] = {"finetune", NULL};
  struct err unread = {0};
  if (!s->space.compress) return 0;
  json_t *root = json_parse(s->space.compress, strlen(s->space.compress), &unread);
  const json_t *v = json_object_get(root, "finetune");
  int64_t epochs = json_is_integer(v) ? json_integer_value(v) : -1;
  bool ok = json_only(root, keys, "compress", e);
  json_decref(root);
  if (ok && (epochs < 0 || epochs > FINETUNE_MOST))
    ok = err_set(e, "\"compress\": \"finetune\": expected epochs, 0 to %d", FINETUNE_MOST);
  return ok ? epochs : -1;
}

// Every name once, with the first of its values: the changes themselves say what is wrong.
bool search_net_check(struct search *s, struct err *e) {
  struct changing c = {.recipe = value_of(s->recipe), .options = json_map(), .error = e};
  double *x = ARENA_NEW(s->arena, double, s->space.n);
  for (uint32_t i = 0; i < s->space.n; i++) x[i] = param_uniform(&s->space.params[i].is, 0);
  bool ok = finetune_of(s, e) >= 0;
  for (uint32_t i = 0; ok && i < s->space.n; i++) {
    const char *name = s->space.params[i].is.name, *dot = strrchr(name, '.');
    // A layer that one parameter removes is there for the others.
    if (strncmp(name, "train.", 6) != 0 || (dot && strcmp(dot, ".present") == 0)) continue;
    struct text t = {0};
    param_put_json(&t, &s->space.params[i].is, x[i]);
    ok = change(&c, name + 6, t.data);
    text_free(&t);
  }
  json_decref(c.recipe);
  json_decref(c.options);
  return ok;
}

// ---- plans

static void add_option(json_t *options, const char *name, const char *word, int64_t number) {
  if (json_object_get(options, name) || (!word && !number)) return;
  json_put(options, name, word ? json_string(word) : json_integer(number));
}

static int take(const char *data, size_t size, void *text) {
  text_put(text, data, size);
  return 0;
}

const char *search_net_plan(struct arena *a, const struct search *s, const double *x,
                            int64_t finetune, struct err *e) {
  const struct options *o = s->options;
  struct changing c = {.options = json_map(), .error = e};
  const char *plan = NULL;
  json_t *root = json_map();
  struct text t = {0};
  if (s->recipe) c.recipe = value_of(s->recipe);
  bool ok = !s->recipe || binding_training(&s->space, x, change, &c);
  add_option(c.options, "epochs", NULL, o->epochs);
  add_option(c.options, "batch", NULL, o->batch);
  add_option(c.options, "rate", o->rate, 0);
  add_option(c.options, "optimizer", o->optimizer, 0);
  add_option(c.options, "decay", o->decay, 0);
  if (c.recipe) json_put(root, "recipe", c.recipe);
  json_put(root, "options", c.options);
  json_put(root, "data", json_string(o->data.count ? o->data.word[0] : "mnist-train"));
  json_put(root, "validation", json_integer(s->evaluator.images));
  json_put(root, "finetune", json_integer(finetune ? finetune : finetune_of(s, e)));
  if (ok) {
    json_dump_callback(root, take, &t, JSON_COMPACT);
    plan = arena_strdup(a, t.data);
  }
  json_decref(root);
  text_free(&t);
  return plan;
}

bool search_net_makes(const char *plan) {
  struct err e = {0};
  json_t *root = json_parse(plan, strlen(plan), &e);
  bool makes = json_object_get(root, "recipe") != NULL;
  json_decref(root);
  return makes;
}

// A number of a plan as the word of an option.
static const char *word_in(struct arena *a, const json_t *options, const char *key) {
  const json_t *v = json_object_get(options, key);
  if (json_is_string(v)) return arena_strdup(a, json_string_value(v));
  return json_is_number(v) ? arena_printf(a, "%.17g", json_number_value(v)) : NULL;
}

static struct options options_of(struct arena *a, const json_t *plan) {
  const json_t *given = json_object_get(plan, "options");
  const char *data = json_string_value(json_object_get(plan, "data"));
  return (struct options){.net = "the recipe",
                          .quiet = true,
                          .json = true,
                          .data = {1, {arena_strdup(a, data ? data : "mnist-train")}},
                          .validation = json_integer_value(json_object_get(plan, "validation")),
                          .epochs = (int64_t)json_number_value(json_object_get(given, "epochs")),
                          .batch = (int64_t)json_number_value(json_object_get(given, "batch")),
                          .seed = (int64_t)json_number_value(json_object_get(given, "seed")),
                          .rate = word_in(a, given, "rate"),
                          .decay = word_in(a, given, "decay"),
                          .optimizer = word_in(a, given, "optimizer")};
}

struct graph *search_net_train(struct arena *a, const char *plan, const struct train_watch *watch,
                               struct err *e) {
  json_t *root = json_parse(plan, strlen(plan), e);
  struct recipe r;
  struct text t = {0};
  if (!root) return NULL;
  struct options o = options_of(a, root);
  json_dump_callback(json_object_get(root, "recipe"), take, &t, JSON_COMPACT | JSON_ENCODE_ANY);
  json_decref(root);
  bool ok = train_check(a, &o, e) &&
            recipe_parse(a, t.data, t.size, (uint64_t)(o.seed ? o.seed : 1), &r, e) &&
            train_recipe(a, &o, &r, watch, e);
  text_free(&t);
  struct graph *g = ok ? inference(a, r.model) : NULL;
  return g && graph_verify(g, e) ? g : NULL;
}

// Training writes into a graph's tensors, which pruning shares with what it was made of.
static void own_tensors(struct arena *a, struct graph *g) {
  for (uint32_t i = 0; i < g->n_values; i++) {
    const struct tensor *t = g->values[i].init;
    if (!t) continue;
    g->values[i].init = tensor_new(a, t->dtype, t->rank, t->shape);
    memcpy(g->values[i].init->data, t->data, (size_t)t->count * dtype_size(t->dtype));
  }
}

bool search_net_tune(struct arena *a, const char *plan, struct graph **g, struct err *e) {
  json_t *root = json_parse(plan, strlen(plan), e);
  if (!root) return false;
  struct options o = options_of(a, root);
  o.epochs = json_integer_value(json_object_get(root, "finetune"));
  json_decref(root);
  if (!o.epochs) return true;
  own_tensors(a, *g);
  return train_graph(a, &o, *g, e) && graph_verify(*g, e);
}
