// SPDX-License-Identifier: Apache-2.0
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/circuit/circuit.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 };
#define LANES_MAX ((int64_t)1 << 24)

static bool read_lanes(const json_t *j, const char *key, const char *alias, int64_t *out,
                       struct err *e) {
  const json_t *v = json_object_get(j, key), *w = alias ? json_object_get(j, alias) : NULL;
  if (v && w) return err_set(e, "\"%s\" and \"%s\" are the same", key, alias);
  if (!v) v = w;
  if (!v) return true;
  *out = json_is_integer(v) ? json_integer_value(v) : 0;
  return (*out >= 1 && *out <= LANES_MAX) ||
         err_set(e, "\"%s\": expected a number of lanes from 1 to %lld", key, (long long)LANES_MAX);
}

static bool read_style(const json_t *j, enum ram_style *style, struct err *e) {
  const json_t *v = json_object_get(j, "ram_style");
  const char *text = json_string_value(v);
  return !v || (text && ram_style_read(text, style)) ||
         err_set(e, "\"ram_style\": expected \"auto\", \"block\" or \"distributed\"");
}

static bool read_layer(const json_t *j, struct folding_entry *entry, struct err *e) {
  static const char *const keys[] = {"in", "out", "SIMD", "PE", "ram_style", NULL};
  return json_only(j, keys, "entry", e) && read_lanes(j, "in", "SIMD", &entry->in, e) &&
         read_lanes(j, "out", "PE", &entry->out, e) && read_style(j, &entry->ram_style, e);
}

static bool read_root(struct arena *a, const json_t *root, struct folding *f, struct err *e) {
  static const char *const keys[] = {"defaults", "layers", NULL};
  static const char *const default_keys[] = {"parallelism", NULL};
  if (!json_only(root, keys, "folding", e)) return false;
  const json_t *defaults = json_object_get(root, "defaults"),
               *layers = json_object_get(root, "layers");
  int64_t parallelism = 0;
  if (defaults && (!json_only(defaults, default_keys, "defaults", e) ||
                   !read_lanes(defaults, "parallelism", NULL, &parallelism, e)))
    return false;
  if (!f->parallelism) f->parallelism = parallelism;
  if (layers && !json_is_object(layers)) return err_set(e, "layers: expected an object");
  f->layers = ARENA_NEW(a, struct folding_entry, json_object_size(layers));
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)layers, name, value) {
    struct folding_entry *entry = &f->layers[f->n_layers++];
    entry->name = arena_strdup(a, name);
    if (!read_layer(value, entry, e)) return err_within(e, "layer \"%s\"", name);
  }
  return true;
}

// ---- FINN's

static bool is_finn(const json_t *root) {
  return json_object_get(root, "Defaults") != NULL;
}

// Of all nodes of some kinds: {"SIMD":[4,["MVAU_hls"]]}.
static bool read_defaults(const json_t *defaults, struct err *e) {
  const char *key = json_object_get(defaults, "SIMD") ? "SIMD"
                    : json_object_get(defaults, "PE") ? "PE"
                                                      : NULL;
  return !key ||
         err_set(e, "\"Defaults\": \"%s\" for many nodes isn't read, give each its own", key);
}

// Where the weights of a layer are; of nodes without any FINN says it about queues. UltraRAM is a
// block RAM.
static bool read_finn_style(const json_t *j, struct folding_entry *entry, struct err *e) {
  const char *text = json_string_value(json_object_get(j, "ram_style"));
  if (!json_object_get(j, "SIMD") && !json_object_get(j, "PE")) return true;
  if (!text || strcmp(text, "ultra") != 0) return read_style(j, &entry->ram_style, e);
  entry->ram_style = RAM_BLOCK;
  return true;
}

// Entries have keys of FINN's own besides, about its memories and queues.
static bool read_finn(struct arena *a, const json_t *root, struct folding *f, struct err *e) {
  const char *name;
  json_t *value;
  if (!read_defaults(json_object_get(root, "Defaults"), e)) return false;
  f->layers = ARENA_NEW(a, struct folding_entry, json_object_size(root));
  json_object_foreach((json_t *)root, name, value) {
    if (strcmp(name, "Defaults") == 0) continue;
    struct folding_entry *entry = &f->layers[f->n_layers++];
    *entry = (struct folding_entry){.name = arena_strdup(a, name), .finn = true};
    if (!json_is_object(value)) return err_set(e, "\"%s\": expected an object", name);
    if (!read_lanes(value, "SIMD", NULL, &entry->in, e) ||
        !read_lanes(value, "PE", NULL, &entry->out, e) || !read_finn_style(value, entry, e))
      return err_within(e, "\"%s\"", name);
  }
  return true;
}

bool folding_parse(struct arena *a, const char *text, size_t size, struct folding *f,
                   struct err *e) {
  json_t *root = json_parse(text, size, e);
  bool ok = root && (is_finn(root) ? read_finn(a, root, f, e) : read_root(a, root, f, e));
  json_decref(root);
  return ok;
}

bool folding_read(struct arena *a, const char *path, struct folding *f, struct err *e) {
  struct bytes bytes;
  return file_read(a, path, FILE_MAX, &bytes, e) &&
         (folding_parse(a, (const char *)bytes.data, bytes.size, f, e) ||
          err_within(e, "%s", path));
}

// Words before the number of a node that multiplies with weights: of a matrix, of one vector per
// channel.
static const char *const matrix_words[] = {"MatrixVectorActivation", "MVAU", "MVAU_hls", "MVAU_rtl",
                                           "StreamingFCLayer_Batch", NULL};
static const char *const vector_words[] = {
    "VectorVectorActivation", "VVAU", "VVAU_hls", "VVAU_rtl", "Vector_Vector_Activate_Batch", NULL};

// The number behind one of some words and an underscore, or NONE.
static int64_t number_behind(const char *name, const char *const *words) {
  const char *last = strrchr(name, '_');
  char *end = NULL;
  if (!last || last[1] < '0' || last[1] > '9') return NONE;
  long number = strtol(last + 1, &end, 10);
  for (; *words; words++)
    if (strlen(*words) == (size_t)(last - name) && strncmp(*words, name, strlen(*words)) == 0)
      return *end ? NONE : number;
  return NONE;
}

static bool in_circuit(const struct node *n) {
  return n->where == WHERE_CIRCUIT && op_is(n->op, TRAIT_WEIGHTS);
}

// Whether a weight belongs to one channel that comes in and goes out.
static bool per_channel(const struct graph *g, const struct node *n) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1);
  int64_t channels = x->shape[x->rank - 1];
  return w->rank == 1 || (w->rank > 2 && channels > 1 && w->shape[w->rank - 1] == 1);
}

// FINN's SIMD of a layer with weights of each channel alone is taps of a channel; a sub-sampling
// has one weight.
static bool has_taps(const struct graph *g, const struct node *n) {
  return node_in(g, n, 1)->rank > 2;
}

// The layer with this number among those with vectors, or with matrices.
static const struct node *numbered(const struct graph *g, bool vector, int64_t number,
                                   uint32_t *order) {
  graph_order(g, order);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[order[i]];
    if (in_circuit(n) && per_channel(g, n) == vector && number-- == 0) return n;
  }
  return NULL;
}

static bool has_layer(const struct graph *g, const char *name) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (strcmp(n->name, name) == 0) return n->where == WHERE_CIRCUIT && !op_is(n->op, TRAIT_ALIAS);
  }
  return false;
}

bool folding_resolve(struct folding *f, const struct graph *g, uint32_t *left, struct err *e) {
  struct arena scratch = {0};
  uint32_t *order = ARENA_NEW(&scratch, uint32_t, g->n_nodes), kept = 0;
  bool ok = true;
  *left = 0;
  for (uint32_t i = 0; ok && i < f->n_layers; i++) {
    struct folding_entry entry = f->layers[i];
    int64_t matrix = number_behind(entry.name, matrix_words);
    int64_t vector = number_behind(entry.name, vector_words);
    if (entry.finn && !has_layer(g, entry.name)) {
      if (matrix == NONE && vector == NONE) {
        ++*left;
        continue;
      }
      const struct node *n = numbered(g, matrix == NONE, matrix == NONE ? vector : matrix, order);
      ok = n || err_set(e, "\"%s\": there are fewer layers of its kind in the circuit", entry.name);
      if (n) entry.name = n->name;
      if (n && vector != NONE) entry.in = entry.out * (has_taps(g, n) && entry.in ? entry.in : 1);
    }
    if (ok && !has_layer(g, entry.name))
      ok =
          err_set(e, "there is no layer \"%s\" in the circuit (nngen info lists them)", entry.name);
    f->layers[kept++] = entry;
  }
  if (ok) f->n_layers = kept;
  arena_free(&scratch);
  return ok;
}

static void put_entry(struct text *t, const char *name, const struct folding_entry *l, bool finn) {
  json_put_string(t, name);
  text_printf(t, ": {\"%s\": %lld, \"%s\": %lld", finn ? "SIMD" : "in", (long long)l->in,
              finn ? "PE" : "out", (long long)l->out);
  if (l->ram_style) text_printf(t, ", \"ram_style\": \"%s\"", ram_style_text(l->ram_style));
  text_puts(t, "}");
}

// Only layers with weights have a name there.
static void put_finn(struct text *t, const struct folding *f, const struct graph *g) {
  struct arena scratch = {0};
  uint32_t *order = ARENA_NEW(&scratch, uint32_t, g->n_nodes);
  int64_t counts[2] = {0};
  graph_order(g, order);
  text_puts(t, "{\n  \"Defaults\": {}");
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[order[i]];
    if (!in_circuit(n)) continue;
    bool vector = per_channel(g, n);
    const char *name = arena_printf(&scratch, "%s_%lld", vector ? vector_words[0] : matrix_words[0],
                                    (long long)counts[vector]++);
    for (uint32_t k = 0; k < f->n_layers; k++) {
      struct folding_entry l = f->layers[k];
      if (strcmp(l.name, n->name) != 0) continue;
      if (vector) l.in = has_taps(g, n) ? l.in / l.out : 1;
      text_puts(t, ",\n  ");
      put_entry(t, name, &l, true);
    }
  }
  text_puts(t, "\n}\n");
  arena_free(&scratch);
}

void folding_put(struct text *t, const struct folding *f, const struct graph *g, bool finn) {
  if (finn) {
    put_finn(t, f, g);
    return;
  }
  text_printf(t, "{\n  \"defaults\": {\"parallelism\": %lld},\n  \"layers\": {",
              (long long)f->parallelism);
  for (uint32_t i = 0; i < f->n_layers; i++) {
    text_puts(t, i ? ",\n    " : "\n    ");
    put_entry(t, f->layers[i].name, &f->layers[i], false);
  }
  text_puts(t, "\n  }\n}\n");
}
