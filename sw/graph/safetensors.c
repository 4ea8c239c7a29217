// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/safetensors.h"

#include "sw/base/file.h"
#include "sw/base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 16 << 20, PREFIX = 8 };

struct entry {
  struct named_tensor named;
  uint64_t begin, end; // bytes, relative to the data
  int mantissa;        // bits of floats of 16 bits, which become F32; 0: as they are
};

static int by_begin(const void *a, const void *b) {
  const struct entry *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  return x->end < y->end ? -1 : x->end > y->end;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct named_tensor *)a)->name, ((const struct named_tensor *)b)->name);
}

// Floats of 16 bits: sign, exponent, mantissa.
static float float_of_half(uint16_t bits, int mantissa) {
  int exponents = 15 - mantissa, bias = (1 << (exponents - 1)) - 1;
  int exponent = bits >> mantissa & ((1 << exponents) - 1), low = bits & ((1 << mantissa) - 1);
  float size = exponent == 0 ? ldexpf((float)low, 1 - bias - mantissa)
               : exponent == (1 << exponents) - 1
                   ? (low ? NAN : INFINITY)
                   : ldexpf((float)(low | 1 << mantissa), exponent - bias - mantissa);
  return bits >> 15 ? -size : size;
}

static void *widen(struct arena *a, const unsigned char *from, int64_t count, int mantissa) {
  float *to = ARENA_NEW(a, float, count);
  for (int64_t i = 0; i < count; i++)
    to[i] = float_of_half((uint16_t)(from[2 * i] | from[2 * i + 1] << 8), mantissa);
  return to;
}

static bool parse_dtype(const json_t *j, enum dtype *out, int *mantissa, struct err *e) {
  const char *text = json_string_value(j);
  if (!text) return err_set(e, "dtype: expected a string");
  *mantissa = strcmp(text, "F16") == 0 ? 10 : strcmp(text, "BF16") == 0 ? 7 : 0;
  *out = DTYPE_F32;
  if (*mantissa) return true;
  for (int d = DTYPE_F32; d <= DTYPE_U8; d++)
    if (strcmp(text, dtype_text((enum dtype)d)) == 0) {
      *out = (enum dtype)d;
      return true;
    }
  return err_set(e, "dtype \"%s\", expected F16, BF16, F32, F64, I8, I16, I32, I64 or U8", text);
}

static bool parse_shape(const json_t *j, struct tensor *t, struct err *e) {
  if (!json_is_array(j) || json_array_size(j) > RANK_MAX)
    return err_set(e, "shape: expected a list of at most %d dimensions", RANK_MAX);
  t->rank = (int)json_array_size(j);
  t->count = 1;
  for (int d = 0; d < t->rank; d++) {
    const json_t *size = json_array_get(j, (size_t)d);
    t->shape[d] = json_is_integer(size) ? json_integer_value(size) : -1;
    if (t->shape[d] < 0 || t->shape[d] > DIM_MAX)
      return err_set(e, "shape: dimension %d, expected an integer from 0 to %lld", d,
                     (long long)DIM_MAX);
    t->count *= t->shape[d];
    if (t->count > ELEMENTS_MAX)
      return err_set(e, "shape: more than %lld elements", (long long)ELEMENTS_MAX);
  }
  return true;
}

static bool parse_offsets(const json_t *j, struct entry *en, uint64_t available, struct err *e) {
  const json_t *b = json_array_get(j, 0), *n = json_array_get(j, 1);
  if (json_array_size(j) != 2 || !json_is_integer(b) || !json_is_integer(n) ||
      json_integer_value(b) < 0 || json_integer_value(n) < json_integer_value(b))
    return err_set(e, "data_offsets: expected [begin, end]");
  en->begin = (uint64_t)json_integer_value(b);
  en->end = (uint64_t)json_integer_value(n);
  const struct tensor *t = en->named.tensor;
  uint64_t bytes = (uint64_t)t->count * (en->mantissa ? 2 : dtype_size(t->dtype));
  if (en->end - en->begin != bytes)
    return err_set(e, "data_offsets: %llu bytes, its shape and dtype give %llu",
                   (unsigned long long)(en->end - en->begin), (unsigned long long)bytes);
  return en->end <= available ||
         err_set(e, "data_offsets: end %llu, the file has %llu bytes of data",
                 (unsigned long long)en->end, (unsigned long long)available);
}

static bool parse_entry(struct arena *a, const char *name, const json_t *j, uint64_t available,
                        struct entry *en, struct err *e) {
  static const char *const keys[] = {"dtype", "shape", "data_offsets", NULL};
  struct tensor *t = ARENA_NEW(a, struct tensor, 1);
  en->named = (struct named_tensor){arena_strdup(a, name), t};
  if (json_only(j, keys, "entry", e) &&
      parse_dtype(json_object_get(j, "dtype"), &t->dtype, &en->mantissa, e) &&
      parse_shape(json_object_get(j, "shape"), t, e) &&
      parse_offsets(json_object_get(j, "data_offsets"), en, available, e))
    return true;
  return err_within(e, "tensor \"%s\"", name);
}

static bool parse_metadata(struct arena *a, const json_t *j, struct safetensors *out,
                           struct err *e) {
  if (!json_is_object(j)) return err_set(e, "__metadata__: expected an object");
  out->metadata = arena_alloc(a, json_object_size(j), sizeof *out->metadata);
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)j, key, value) {
    if (!json_is_string(value)) return err_set(e, "__metadata__: \"%s\" isn't a string", key);
    out->metadata[out->n_metadata][0] = arena_strdup(a, key);
    out->metadata[out->n_metadata++][1] = arena_strdup(a, json_string_value(value));
  }
  return true;
}

static bool check_tiles(struct entry *entries, uint32_t count, uint64_t available, struct err *e) {
  qsort(entries, count, sizeof *entries, by_begin);
  uint64_t at = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (entries[i].begin != at)
      return err_set(e, "tensor \"%s\": begins at %llu, %s at %llu", entries[i].named.name,
                     (unsigned long long)entries[i].begin,
                     entries[i].begin < at ? "overlapping the one that ends"
                                           : "leaving a hole after the one that ends",
                     (unsigned long long)at);
    at = entries[i].end;
  }
  return at == available ||
         err_set(e, "%llu bytes trail the last tensor", (unsigned long long)(available - at));
}

static bool parse_header(struct arena *a, const json_t *root, const unsigned char *data,
                         uint64_t available, struct safetensors *out, struct err *e) {
  if (!json_is_object(root)) return err_set(e, "header: expected an object");
  struct entry *entries = ARENA_NEW(a, struct entry, json_object_size(root));
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)root, key, value) {
    bool ok = strcmp(key, "__metadata__") == 0
                  ? parse_metadata(a, value, out, e)
                  : parse_entry(a, key, value, available, &entries[out->count++], e);
    if (!ok) return false;
  }
  if (!check_tiles(entries, out->count, available, e)) return false;
  out->tensors = ARENA_NEW(a, struct named_tensor, out->count);
  for (uint32_t i = 0; i < out->count; i++) {
    struct tensor *t = entries[i].named.tensor;
    const unsigned char *from = data + entries[i].begin;
    t->data = entries[i].mantissa ? widen(a, from, t->count, entries[i].mantissa)
                                  : arena_copy(a, from, entries[i].end - entries[i].begin);
    out->tensors[i] = entries[i].named;
  }
  qsort(out->tensors, out->count, sizeof *out->tensors, by_name);
  return true;
}

bool safetensors_parse(struct arena *a, const void *data, size_t size, struct safetensors *out,
                       struct err *e) {
  const unsigned char *p = data;
  *out = (struct safetensors){0};
  if (size < PREFIX + 2) return err_set(e, "%zu bytes are too few for a model file", size);
  uint64_t header = 0;
  for (int i = PREFIX - 1; i >= 0; i--) header = header << 8 | p[i];
  if (p[PREFIX] != '{') return err_set(e, "not a safetensors file: its header begins with no '{'");
  if (header > HEADER_MAX || header > size - PREFIX)
    return err_set(e, "header of %llu bytes, the file has %zu and at most %d are accepted",
                   (unsigned long long)header, size, HEADER_MAX);
  json_t *root = json_parse((const char *)p + PREFIX, header, e);
  if (!root) return err_within(e, "header");
  uint64_t available = size - PREFIX - header;
  bool ok = parse_header(a, root, p + PREFIX + header, available, out, e);
  json_decref(root);
  return ok;
}

int64_t safetensors_find(const struct safetensors *s, const char *name) {
  struct named_tensor key = {name, NULL};
  struct named_tensor *found =
      s->count ? bsearch(&key, s->tensors, s->count, sizeof key, by_name) : NULL;
  return found ? found - s->tensors : -1;
}

const char *safetensors_metadata(const struct safetensors *s, const char *key) {
  for (uint32_t i = 0; i < s->n_metadata; i++)
    if (strcmp(s->metadata[i][0], key) == 0) return s->metadata[i][1];
  return NULL;
}

static int by_size_then_name(const void *a, const void *b) {
  const struct named_tensor *x = a, *y = b;
  size_t sx = dtype_size(x->tensor->dtype), sy = dtype_size(y->tensor->dtype);
  return sx != sy ? (sx < sy) - (sx > sy) : by_name(a, b);
}

static void put_header(struct text *t, const struct named_tensor *sorted,
                       const struct safetensors *s) {
  text_puts(t, "{\"__metadata__\":{");
  for (uint32_t i = 0; i < s->n_metadata; i++) {
    if (i) text_puts(t, ",");
    json_put_string(t, s->metadata[i][0]);
    text_puts(t, ":");
    json_put_string(t, s->metadata[i][1]);
  }
  text_puts(t, "}");
  uint64_t at = 0;
  for (uint32_t i = 0; i < s->count; i++) {
    const struct tensor *x = sorted[i].tensor;
    uint64_t end = at + (uint64_t)x->count * dtype_size(x->dtype);
    text_puts(t, ",");
    json_put_string(t, sorted[i].name);
    text_printf(t, ":{\"dtype\":\"%s\",\"shape\":[", dtype_text(x->dtype));
    for (int d = 0; d < x->rank; d++)
      text_printf(t, "%s%lld", d ? "," : "", (long long)x->shape[d]);
    text_printf(t, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
                (unsigned long long)end);
    at = end;
  }
  text_puts(t, "}");
  while (t->size % PREFIX) text_puts(t, " ");
}

void safetensors_put(struct text *out, const struct safetensors *s) {
  struct arena a = {0};
  struct text header = {0};
  struct named_tensor *sorted = arena_copy(&a, s->tensors, s->count * sizeof *s->tensors);
  if (s->count) qsort(sorted, s->count, sizeof *sorted, by_size_then_name);
  put_header(&header, sorted, s);
  for (int i = 0; i < PREFIX; i++)
    text_put(out, (char[]){(char)(header.size >> (8 * i) & 0xff)}, 1);
  text_put(out, header.data, header.size);
  for (uint32_t i = 0; i < s->count; i++) {
    const struct tensor *x = sorted[i].tensor;
    text_put(out, x->data, (size_t)x->count * dtype_size(x->dtype));
  }
  text_free(&header);
  arena_free(&a);
}

bool safetensors_write(const char *path, const struct safetensors *s, struct err *e) {
  struct text file = {0};
  safetensors_put(&file, s);
  bool ok = file_write(path, file.data, file.size, e);
  text_free(&file);
  return ok;
}
