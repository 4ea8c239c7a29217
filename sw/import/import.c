// SPDX-License-Identifier: Apache-2.0
#include "sw/import/import.h"

#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "sw/import/formats.h"
#include "sw/import/pruned.h"
#include "sw/import/state.h"

#include <string.h>
#include <unistd.h>

static bool starts(const void *data, size_t size, size_t at, const char *magic, size_t n) {
  return size >= at + n && memcmp((const char *)data + at, magic, n) == 0;
}

static const struct import_format formats[] = {
#define MAGIC(name, at, magic, remedy) {name, NULL, NULL, remedy},
#define KNOWN(name, is, library, parse, remedy) {name, library, parse, remedy},
#include "sw/import/formats.def"
#undef MAGIC
#undef KNOWN
};

static bool is_format(uint32_t i, const void *data, size_t size) {
  uint32_t k = 0;
#define MAGIC(name, at, magic, remedy)                                                             \
  if (k++ == i) return starts(data, size, at, magic, sizeof magic - 1);
#define KNOWN(name, is, library, parse, remedy)                                                    \
  if (k++ == i) return is(data, size);
#include "sw/import/formats.def"
#undef MAGIC
#undef KNOWN
  return false;
}

// A length below 2^56 and the brace of a header.
static bool is_own(const unsigned char *data, size_t size) {
  return size > 8 && data[7] == 0 && data[8] == '{';
}

const struct import_format *import_format_of(const void *data, size_t size) {
  if (is_own(data, size)) return NULL;
  for (uint32_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (is_format(i, data, size)) return &formats[i];
  return NULL;
}

const struct import_format *import_format_at(uint32_t i) {
  return i < sizeof formats / sizeof *formats ? &formats[i] : NULL;
}

static struct graph *parse(struct arena *a, const char *path, const struct bytes *file,
                           struct refusals *r, struct err *e) {
  const struct import_format *f = import_format_of(file->data, file->size);
  if (state_is(file->data, file->size)) {
    err_put(
        e,
        "a safetensors file of weights without a graph: nngen import %s --graph net.json makes a "
        "model of it (docs/import.md)",
        path);
    return NULL;
  }
  if (!f && file->size > 8 && !is_own(file->data, file->size)) {
    err_put(e, "not a model.bin, nor of a format that is read (ONNX, TensorFlow Lite, Keras): "
               "export the network to ONNX from the framework that it was made in");
    return NULL;
  }
  if (!f) return model_parse(a, file->data, file->size, e);
  if (f->library)
    err_put(e, "%s, which this nngen can't read: it was built without %s", f->name, f->library);
  else if (!f->parse)
    err_put(e, "%s, which isn't read: %s", f->name, f->remedy);
  if (!f->parse || f->library) return NULL;
  struct graph *g = f->parse(a, path, file->data, file->size, r, e);
  if (g && r->count) {
    refusals_err(r, "import", e);
    return NULL;
  }
  if (g) pruned_masks(g);
  if (!g || !graph_verify(g, e)) return NULL;
  graph_ranges(g);
  return g;
}

uint32_t import_beside(struct arena *a, const char *path, uint32_t most, const char **names) {
  uint32_t n = 0;
#ifdef NNGEN_ONNX
  struct arena own = {0};
  struct bytes file;
  struct err e = {0};
  const char *slash = strrchr(path, '/');
  int folder = slash ? (int)(slash - path) + 1 : 0;
  if (file_read(&own, path, MODEL_BYTES_MAX, &file, &e) && onnx_is(file.data, file.size))
    n = onnx_beside(&own, file.data, file.size, most, names);
  for (uint32_t i = 0; i < n; i++) names[i] = arena_printf(a, "%.*s%s", folder, path, names[i]);
  arena_free(&own);
#else
  (void)a, (void)path, (void)most, (void)names;
#endif
  return n;
}

const char *import_in_folder(struct arena *a, const char *path) {
  static const char *const inside[] = {"saved_model.pb", "Data/com.apple.CoreML/model.mlmodel"};
  for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
    const char *file = arena_printf(a, "%s/%s", path, inside[i]);
    if (access(file, R_OK) == 0) return file;
  }
  return NULL;
}

struct graph *import_read(struct arena *a, const char *path, struct refusals *r, struct err *e) {
  struct bytes file;
  const char *inside = import_in_folder(a, path);
  if (inside) path = inside;
  if (!file_read(a, path, MODEL_BYTES_MAX, &file, e)) return NULL;
  struct graph *g = parse(a, path, &file, r, e);
  if (!g) err_put_within(e, "%s", path);
  return g;
}
