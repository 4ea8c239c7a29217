// SPDX-License-Identifier: Apache-2.0
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/circuit/circuit.h"

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

static bool read_layer(const json_t *j, struct folding_entry *entry, struct err *e) {
  static const char *const keys[] = {"in", "out", "SIMD", "PE", NULL};
  return json_only(j, keys, "entry", e) && read_lanes(j, "in", "SIMD", &entry->in, e) &&
         read_lanes(j, "out", "PE", &entry->out, e);
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

bool folding_read(struct arena *a, const char *path, struct folding *f, struct err *e) {
  struct bytes bytes;
  if (!file_read(a, path, FILE_MAX, &bytes, e)) return false;
  json_t *root = json_parse((const char *)bytes.data, bytes.size, e);
  bool ok = root && read_root(a, root, f, e);
  json_decref(root);
  return ok || err_within(e, "%s", path);
}
