// SPDX-License-Identifier: Apache-2.0
#define _POSIX_C_SOURCE 200809L
#include "sw/data/data.h"

#include "sw/base/file.h"
#include "sw/base/near.h"
#include "sw/data/array.h"
#include "sw/data/mnist.h"
#include "sw/data/synthetic.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SYNTHETIC_COUNT = 1000, SYNTHETIC_SEED = 1, SYNTHETIC_LIMIT = 1 << 18 };

static bool array_read(struct arena *a, const char *path, struct array *out, struct err *e) {
  struct bytes file;
  size_t limit = (size_t)DATA_MAX_ELEMENTS * sizeof(int64_t) + (1 << 17);
  if (!file_read(a, path, limit, &file, e)) return false;
  bool ok = npy_is(file.data, file.size) ? npy_parse(file.data, file.size, out, e)
                                         : idx_parse(a, file.data, file.size, out, e);
  return ok || err_within(e, "%s", path);
}

static uint64_t little_endian(const struct array *v, int64_t i) {
  size_t bytes = array_type_bytes(v->type);
  const unsigned char *p = v->data + (size_t)i * bytes;
  uint64_t x = 0;
  for (size_t b = bytes; b-- > 0;) x = x << 8 | p[b];
  return x;
}

static double array_real(const struct array *v, int64_t i) {
  uint64_t bits = little_endian(v, i);
  uint32_t low = (uint32_t)bits;
  float f32;
  double f64;
  switch (v->type) {
  case ARRAY_F32:
    memcpy(&f32, &low, sizeof f32);
    return f32;
  case ARRAY_F64:
    memcpy(&f64, &bits, sizeof f64);
    return f64;
  case ARRAY_I32:
    return (int32_t)low;
  case ARRAY_I64:
    return (double)(int64_t)bits;
  case ARRAY_U8:
    break;
  }
  return (double)bits;
}

// The shape of one image: (H, W) becomes (H, W, 1), a single number per image (1).
static void take_shape(const struct array *v, struct images *out) {
  out->count = v->shape[0];
  out->rank = v->rank - 1;
  for (int i = 0; i < out->rank; i++) out->shape[i] = v->shape[i + 1];
  if (out->rank == 0 || out->rank == 2) out->shape[out->rank++] = 1;
  out->elements = v->elements / out->count;
}

static bool take_floats(struct arena *a, const struct array *v, struct images *out, struct err *e) {
  out->floats = ARENA_NEW(a, float, v->elements);
  for (int64_t i = 0; i < v->elements; i++) {
    out->floats[i] = (float)array_real(v, i);
    if (!isfinite(out->floats[i]))
      return err_set(e, "image %lld: expected finite values, found one that isn't a finite float",
                     (long long)(i / out->elements));
  }
  return true;
}

static bool images_read(struct arena *a, const char *path, struct images *out, struct err *e) {
  struct array v;
  if (!array_read(a, path, &v, e)) return false;
  take_shape(&v, out);
  if (v.type == ARRAY_U8) {
    out->pixels = v.data;
    return true;
  }
  return take_floats(a, &v, out, e) || err_within(e, "%s", path);
}

static bool check_labels(const struct array *v, int64_t count, struct err *e) {
  if (v->type == ARRAY_F32 || v->type == ARRAY_F64)
    return err_set(e, "labels: expected integers, found floats");
  if (v->elements != v->shape[0])
    return err_set(e, "labels: expected one per image, found %lld",
                   (long long)(v->elements / v->shape[0]));
  if (v->elements != count)
    return err_set(e, "labels: expected %lld, one per image, found %lld", (long long)count,
                   (long long)v->elements);
  for (int64_t i = 0; i < count; i++) {
    double label = array_real(v, i);
    if (label < 0 || label > INT32_MAX)
      return err_set(e, "label %lld: expected 0 to %d, found %.0f", (long long)i, INT32_MAX, label);
  }
  return true;
}

static bool labels_read(struct arena *a, const char *path, struct images *out, struct err *e) {
  struct array v;
  if (!array_read(a, path, &v, e)) return false;
  if (!check_labels(&v, out->count, e)) return err_within(e, "%s", path);
  out->has_labels = true;
  out->labels = ARENA_NEW(a, int32_t, out->count);
  for (int64_t i = 0; i < out->count; i++) out->labels[i] = (int32_t)array_real(&v, i);
  return true;
}

// A file, or two with a comma between them; a file whose own name has the comma comes first.
static bool open_files(struct arena *a, const char *spec, struct images *out, struct err *e) {
  char *images = arena_strdup(a, spec), *comma = strrchr(images, ',');
  if (comma && !file_exists(spec))
    *comma++ = 0;
  else
    comma = NULL;
  out->name = images;
  return images_read(a, images, out, e) && (!comma || labels_read(a, comma, out, e));
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

static bool open_mnist(struct arena *a, int64_t limit, struct images *out, struct err *e) {
  struct mnist_files files;
  out->name = "mnist";
  if (mnist_find(a, false, &files)) return open_pair(a, &files, out, e);
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
  return open_pair(a, &files, out, e);
}

static bool open_any(struct arena *a, const char *spec, int64_t limit, struct images *out,
                     struct err *e) {
  if (strcmp(spec, "mnist") == 0) return open_mnist(a, limit, out, e);
  if (strcmp(spec, "mnist-train") == 0) return open_mnist_train(a, out, e);
  if (strncmp(spec, "synthetic", 9) == 0 && (!spec[9] || spec[9] == ':'))
    return open_synthetic(a, spec + 9, limit, out, e);
  return open_files(a, spec, out, e);
}

bool data_open(struct arena *a, const char *spec, int64_t limit, struct images *out,
               struct err *e) {
  *out = (struct images){0};
  if (!open_any(a, spec, limit, out, e)) return false;
  if (limit > out->count && !out->note)
    out->note = arena_printf(a, "%s: %lld images asked for, %lld are there", out->name,
                             (long long)limit, (long long)out->count);
  if (limit > 0 && limit < out->count) out->count = limit;
  return true;
}
