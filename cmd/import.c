// SPDX-License-Identifier: Apache-2.0
// import: the file of another program -> its graph -> model.bin; or what stands in the way, all of
// it at once.
#include "sw/import/import.h"
#include "sw/graph/safetensors.h"
#include "sw/import/state.h"
#include "sw/train/recipe.h"

#include <string.h>

enum { GRAPH_MOST = 64 << 20 };
#include "cmd/command.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/graph/model.h"
#include "sw/graph/slice.h"

static void put_done(struct text *t, const struct options *o, const struct graph *g,
                     const struct warnings *w, const char *output) {
  long long parameters = graph_parameters(g), macs = graph_macs(g);
  if (o->json) {
    text_puts(t, "{\"output\":");
    json_put_string(t, output);
    text_puts(t, ",\"name\":");
    json_put_string(t, g->name);
    text_printf(t, ",\"layers\":%u,\"parameters\":%lld,\"macs\":%lld,\"unsupported\":[]",
                g->n_nodes, parameters, macs);
    warnings_put_json(t, w);
    text_puts(t, "}\n");
    return;
  }
  text_put_escaped(t, output);
  text_printf(t, ": %u layers, %lld parameters, %lld multiplications a frame\n", g->n_nodes,
              parameters, macs);
}

void command_put_refused(struct arena *a, const struct refusals *r, bool json) {
  struct text t = {0};
  if (json) text_puts(&t, "{");
  (json ? refusals_put_json : refusals_put)(a, r, &t);
  if (json) text_puts(&t, "}\n");
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

// ---- weights and a graph beside them

// A recipe that needs no data to be measured.
static bool recipe_whole(struct arena *a, const char *text, size_t size, struct recipe *r,
                         struct err *e) {
  return recipe_parse(a, text, size, 1, r, e) &&
         (!(r->mean_measured || r->std_measured) ||
          err_set(e, "input: \"data\" is measured in training, and there are no images here: give "
                     "mean and std as numbers"));
}

// The network of a graph's JSON: as model.bin has it, or as a recipe.
static struct graph *network_of(struct arena *a, const char *path, const struct bytes *json,
                                const struct bytes *weights, struct refusals *refused,
                                struct err *e) {
  struct safetensors file;
  struct recipe r;
  struct text whole = {0};
  const char *text = (const char *)json->data;
  json_t *root = json_parse(text, json->size, e);
  bool is_graph = json_object_get(root, "nodes") != NULL;
  if (!root) {
    err_put_within(e, "--graph %s", path);
    return NULL;
  }
  json_decref(root);
  if (!safetensors_parse(a, weights->data, weights->size, &file, e)) return NULL;
  if (!is_graph)
    return (recipe_whole(a, text, json->size, &r, e) || err_within(e, "%s", path)) &&
                   state_fill(a, r.model, &file, refused, e)
               ? r.model
               : NULL;
  const char *metadata[][2] = {{"format", "nngen"},
                               {"nngen.version", "1"},
                               {"nngen.graph", arena_printf(a, "%.*s", (int)json->size, text)}};
  file.metadata = metadata;
  file.n_metadata = sizeof metadata / sizeof *metadata;
  safetensors_put(&whole, &file);
  struct graph *g = model_parse(a, whole.data, whole.size, e);
  text_free(&whole);
  return g;
}

static struct graph *with_graph(struct arena *a, const struct options *o, struct refusals *refused,
                                struct err *e) {
  struct bytes weights, json;
  if (!file_read(a, o->model, MODEL_BYTES_MAX, &weights, e) ||
      !file_read(a, o->graph, GRAPH_MOST, &json, e))
    return NULL;
  struct graph *g = NULL;
  if (!state_is(weights.data, weights.size))
    err_put(e, "--graph goes with a safetensors file of weights, which this isn't");
  else
    g = network_of(a, o->graph, &json, &weights, refused, e);
  if (!g) err_put_within(e, "%s", o->model);
  return g;
}

int command_import(struct arena *a, const struct options *o, struct err *e) {
  struct refusals refused = {0};
  struct text t = {0};
  struct load l = {.input_mean = o->input_mean, .input_std = o->input_std};
  const char *output = o->output ? o->output : "model.bin";
  struct graph *g =
      o->graph ? with_graph(a, o, &refused, e) : import_read(a, o->model, &refused, e);
  bool ok = g && load_source(a, &l, g, e) && model_write(output, g, e);
  if (refused.count) command_put_refused(a, &refused, o->json);
  e->told = refused.count > 0;
  struct warnings w = {0};
  load_notes(a, &refused, true, &w);
  if (ok) command_warn(o, &w, 0);
  if (ok && !o->quiet) put_done(&t, o, g, &w, output);
  if (t.size) fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return ok ? EXIT_GOOD : EXIT_USER;
}
