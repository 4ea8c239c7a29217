// SPDX-License-Identifier: Apache-2.0
#define _POSIX_C_SOURCE 200809L
#include "sw/data/data.h"

#include "sw/base/file.h"
#include "sw/base/near.h"
#include "sw/data/array.h"
#include "sw/data/mnist.h"
#include "sw/data/synthetic.h"
#include "sw/graph/safetensors.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SYNTHETIC_COUNT = 1000, SYNTHETIC_SEED = 1, SYNTHETIC_LIMIT = 1 << 18 };

// A file, or FILE.npz:NAME: the name, which is cut off, or NULL.
static const char *cut_name(char *path) {
  char *colon = strrchr(path, ':');
  if (!colon || file_exists(path) || strchr(colon, '/')) return NULL;
  *colon = 0;
  return colon + 1;
}

// A header of so many bytes that are there, and its brace.
static bool container_is(const unsigned char *bytes, size_t size) {
  uint64_t header = 0;
  for (int i = 7; i >= 0 && size > 8; i--) header = header << 8 | bytes[i];
  return size > 8 && bytes[8] == '{' && header <= size - 8;
}

static void from_tensor(const struct tensor *t, struct array *out) {
  static const enum array_type types[] = {ARRAY_F32, ARRAY_F64, ARRAY_I8, ARRAY_I16,
                                          ARRAY_I32, ARRAY_I64, ARRAY_U8};
  *out = (struct array){.type = types[t->dtype], .rank = t->rank, .data = t->data};
  for (int d = 0; d < t->rank; d++) out->shape[d] = t->shape[d];
  if (t->rank == 0) out->shape[out->rank++] = 1;
}

// What run --output says of a tensor: of "output", which is then the only one, without its name.
static const char *said_of(struct arena *a, const struct safetensors *all, const char *name,
                           const char *key) {
  const char *only = strcmp(name, "output") == 0 ? safetensors_metadata(all, key) : NULL;
  return only ? only : safetensors_metadata(all, arena_printf(a, "%s.%s", name, key));
}

static bool container_parse(struct arena *a, const struct bytes *file, const char *name,
                            const char *const *otherwise, struct array *out, struct err *e) {
  struct safetensors all;
  if (!safetensors_parse(a, file->data, file->size, &all, e)) return false;
  int64_t at = name ? safetensors_find(&all, name) : all.count == 1 ? 0 : -1;
  for (; !name && at < 0 && *otherwise; otherwise++) at = safetensors_find(&all, *otherwise);
  if (at < 0 && name) return err_set(e, "there is no tensor \"%s\" in it", name);
  if (at < 0) return err_set(e, "it has %u tensors: FILE:NAME says which", all.count);
  from_tensor(all.tensors[at].tensor, out);
  out->scale = said_of(a, &all, all.tensors[at].name, "scale");
  out->zero = said_of(a, &all, all.tensors[at].name, "zero");
  return array_check_shape(out, e);
}

static bool array_parse(struct arena *a, struct bytes *file, const char *name,
                        const char *const *otherwise, struct array *out, struct err *e) {
  const unsigned char *bytes = file->data;
  if (npz_is(bytes, file->size)) return npz_parse(a, bytes, file->size, name, out, e);
  if (container_is(bytes, file->size)) return container_parse(a, file, name, otherwise, out, e);
  if (name)
    return err_set(e, ":%s names an array of an .npz or a safetensors file, which this isn't",
                   name);
  if (npy_is(bytes, file->size)) return npy_parse(a, file->data, file->size, out, e);
  const char *remedy = foreign_remedy(bytes, file->size);
  if (remedy) return err_set(e, "expected IDX, .npy or .npz, found %s", remedy);
  return idx_parse(a, bytes, file->size, out, e);
}

static bool read_array(struct arena *a, const char *path, const char *name,
                       const char *const *otherwise, struct array *out, struct err *e) {
  struct bytes file;
  size_t limit = (size_t)DATA_MAX_ELEMENTS * sizeof(int64_t) + (1 << 17);
  return file_read(a, path, limit, &file, e) &&
         (array_parse(a, &file, name, otherwise, out, e) || err_within(e, "%s", path));
}

bool array_read_named(struct arena *a, const char *path, const char *name, struct array *out,
                      struct err *e) {
  static const char *const none[] = {NULL};
  return read_array(a, path, name, none, out, e);
}

bool array_read(struct arena *a, const char *spec, const char *const *otherwise, struct array *out,
                struct err *e) {
  char *path = arena_strdup(a, spec);
  const char *name = cut_name(path);
  return read_array(a, path, name, otherwise, out, e);
}

static bool read_file(struct arena *a, const char *spec, struct array *out, struct err *e) {
  static const char *const none[] = {NULL};
  return array_read(a, spec, none, out, e);
}

// The shape of one image: (H, W) becomes (H, W, 1), a single number per image (1).
static void take_shape(const struct array *v, struct images *out) {
  out->count = v->shape[0];
  out->rank = v->rank - 1;
  for (int i = 0; i < out->rank; i++) out->shape[i] = v->shape[i + 1];
  if (out->rank == 0 || out->rank == 2) out->shape[out->rank++] = 1;
  out->elements = v->elements / out->count;
}

static bool check_finite(const struct array *v, const char *what, struct err *e) {
  int64_t each = v->elements / v->shape[0];
  for (int64_t i = 0; !array_is_integer(v) && i < v->elements; i++) {
    if (isfinite(array_real(v, i))) continue;
    char place[40] = "";
    if (each > 1) snprintf(place, sizeof place, ", element %lld", (long long)(i % each));
    return err_set(e, "%s %lld%s: expected a finite value, found %g", what, (long long)(i / each),
                   place, array_real(v, i));
  }
  return true;
}

static bool images_read(struct arena *a, const char *path, struct images *out, struct err *e) {
  struct array *v = ARENA_NEW(a, struct array, 1);
  if (!read_file(a, path, v, e)) return false;
  out->array = v;
  take_shape(v, out);
  if (v->type == ARRAY_U8)
    out->pixels = v->data;
  else
    out->numbers = v;
  return check_finite(v, "image", e) || err_within(e, "%s", path);
}

// One whole number per image that fits an int: a class, if the network has such.
static bool is_label(double v) {
  return v == floor(v) && fabs(v) <= INT32_MAX;
}

static void take_labels(struct arena *a, const struct array *v, struct images *out) {
  int64_t n = 0;
  if (v->elements != v->shape[0]) return;
  int32_t *labels = ARENA_NEW(a, int32_t, v->elements);
  for (; n < v->elements && is_label(array_real(v, n)); n++) labels[n] = (int32_t)array_real(v, n);
  if (n == v->elements) out->labels = labels;
}

static bool labels_read(struct arena *a, const char *path, struct images *out, struct err *e) {
  struct array *v = ARENA_NEW(a, struct array, 1);
  if (!read_file(a, path, v, e)) return false;
  if (v->shape[0] != out->count)
    err_put(e, "labels: expected %lld, one per image, found %lld", (long long)out->count,
            (long long)v->shape[0]);
  if (e->text[0] || !check_finite(v, "label", e)) return err_within(e, "%s", path);
  out->has_labels = true;
  out->labels_name = path;
  out->answers = v;
  take_labels(a, v, out);
  return true;
}

// A file, or two with a comma between them; a file whose own name has the comma comes first.
static char *split_files(struct arena *a, const char *spec, char **images) {
  *images = arena_strdup(a, spec);
  char *comma = strrchr(*images, ',');
  if (!comma || file_exists(spec)) return NULL;
  *comma = 0;
  return comma + 1;
}

static bool open_files(struct arena *a, const char *spec, struct images *out, struct err *e) {
  char *images, *labels = split_files(a, spec, &images);
  out->name = images;
  if (!*images)
    return err_set(e,
                   "--data \"%s\": the name of a file is empty; expected mnist, mnist-train, "
                   "synthetic or FILE[,LABELS]",
                   spec);
  if (labels && !*labels)
    return err_set(e,
                   "--data \"%s\": no file is named after the comma; expected %s,LABELS, or %s "
                   "alone",
                   spec, images, images);
  return images_read(a, images, out, e) && (!labels || labels_read(a, labels, out, e));
}

static void draw(struct arena *a, int64_t count, uint64_t seed, struct images *out) {
  const int64_t side = SYNTHETIC_SIDE;
  *out = (struct images){.name = "synthetic", .count = count, .rank = 3, .shape = {side, side, 1}};
  out->elements = side * side;
  out->pixels = arena_alloc(a, (size_t)count, (size_t)out->elements);
  out->labels = ARENA_NEW(a, int32_t, count);
  out->has_labels = true;
  for (int64_t i = 0; i < count; i++)
    out->labels[i] = synthetic_digit(seed, i, out->pixels + i * out->elements);
}

// A decimal number after ':', which becomes `value`; `*text` moves behind it.
static bool colon_number(const char **text, uint64_t limit, uint64_t *value) {
  char *end;
  if (**text != ':' || (*text)[1] < '0' || (*text)[1] > '9') return false;
  errno = 0;
  *value = strtoull(*text + 1, &end, 10);
  *text = end;
  return errno == 0 && *value <= limit;
}

static bool open_synthetic(struct arena *a, const char *options, int64_t limit, struct images *out,
                           struct err *e) {
  uint64_t count = limit > 0 ? (uint64_t)limit : SYNTHETIC_COUNT, seed = SYNTHETIC_SEED;
  const char *p = options;
  bool ok = !*p || colon_number(&p, SYNTHETIC_LIMIT, &count);
  ok = ok && (!*p || colon_number(&p, UINT64_MAX, &seed));
  if (!ok || *p || count < 1 || count > SYNTHETIC_LIMIT)
    return err_set(e, "synthetic%s: expected synthetic[:N[:SEED]] with N from 1 to %d", options,
                   SYNTHETIC_LIMIT);
  draw(a, (int64_t)count, seed, out);
  return true;
}

static bool open_pair(struct arena *a, const struct mnist_files *files, struct images *out,
                      struct err *e) {
  return images_read(a, files->images, out, e) && labels_read(a, files->labels, out, e);
}

// The folder that NNGEN_DATA names doesn't have the set that is used.
static void note_elsewhere(struct arena *a, const struct mnist_files *files, struct images *out) {
  const char *root = getenv("NNGEN_DATA");
  if (root && *root && strncmp(files->images, root, strlen(root)) != 0)
    out->note = arena_printf(a, "%s: NNGEN_DATA is %s, which has no such set in mnist/; %s is used",
                             out->name, root, files->images);
}

static bool open_mnist(struct arena *a, int64_t limit, struct images *out, struct err *e) {
  struct mnist_files files;
  out->name = "mnist";
  if (mnist_find(a, false, &files)) {
    note_elsewhere(a, &files, out);
    return open_pair(a, &files, out, e);
  }
  if (!mnist_find_excerpt(a, &files)) {
    if (!open_synthetic(a, "", limit, out, e)) return false;
    out->note = arena_printf(a, "mnist: not found, so digits drawn by code are used; %s fetches it",
                             near_script(a, "get-mnist"));
    return true;
  }
  if (!open_pair(a, &files, out, e)) return false;
  if (limit == 0 || limit > out->count)
    out->note = arena_printf(a, "mnist: the excerpt of %lld images is used; %s fetches all 10,000",
                             (long long)out->count, near_script(a, "get-mnist"));
  return true;
}

static bool open_mnist_train(struct arena *a, struct images *out, struct err *e) {
  struct mnist_files files;
  out->name = "mnist-train";
  if (!mnist_find(a, true, &files))
    return err_set(e, "mnist-train: not found; %s fetches it, or use --data synthetic:60000",
                   near_script(a, "get-mnist"));
  note_elsewhere(a, &files, out);
  return open_pair(a, &files, out, e);
}

static bool is_synthetic(const char *spec) {
  return strncmp(spec, "synthetic", 9) == 0 && (!spec[9] || spec[9] == ':');
}

static bool open_any(struct arena *a, const char *spec, int64_t limit, struct images *out,
                     struct err *e) {
  if (strcmp(spec, "mnist") == 0) return open_mnist(a, limit, out, e);
  if (strcmp(spec, "mnist-train") == 0) return open_mnist_train(a, out, e);
  if (is_synthetic(spec)) return open_synthetic(a, spec + 9, limit, out, e);
  return open_files(a, spec, out, e);
}

bool data_open(struct arena *a, const char *spec, int64_t limit, struct images *out,
               struct err *e) {
  *out = (struct images){0};
  if (!open_any(a, spec, limit, out, e)) return false;
  out->found = out->count;
  if (limit > 0 && limit < out->count) out->count = limit;
  return true;
}

void data_files(struct arena *a, const char *spec, const char *files[2]) {
  bool train = strcmp(spec, "mnist-train") == 0;
  struct mnist_files mnist = {NULL, NULL};
  files[0] = files[1] = NULL;
  if (is_synthetic(spec)) return;
  if (train || strcmp(spec, "mnist") == 0) {
    if (!mnist_find(a, train, &mnist) && !train) mnist_find_excerpt(a, &mnist);
    files[0] = mnist.images;
    files[1] = mnist.labels;
    return;
  }
  char *images, *labels = split_files(a, spec, &images);
  cut_name(images);
  if (labels) cut_name(labels);
  files[0] = images;
  files[1] = labels;
}
