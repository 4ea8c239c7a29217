// SPDX-License-Identifier: Apache-2.0
// The JSON of a graph inside a container that is always good, so that all the effort goes into the
// graph. Input:
//
//   {"graph": {..}, "arrays": {"w": ["F32", [3, 4]], ..}}   NUL   bytes of the arrays, repeated
//
// Half of the mutations are made on the JSON tree: a part is copied over another, removed, or
// becomes a number from the edge.
#include "sw/base/json.h"
#include "sw/graph/model.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tree.h"

#include <stdlib.h>
#include <string.h>

enum { DATA_MAX = 1 << 16 };

// ---- a container of it

// Bytes that an array of this dtype and shape has; -1: no such array.
static int64_t bytes_of(const json_t *array) {
  static const char *const dtypes[] = {"U8", "I8", "I16", "I32", "F32", "I64", "F64"};
  static const int64_t sizes[] = {1, 1, 2, 4, 4, 8, 8};
  const char *dtype = json_string_value(json_array_get(array, 0));
  const json_t *shape = json_array_get(array, 1);
  int64_t bytes = -1;
  for (int i = 0; dtype && i < 7; i++)
    if (strcmp(dtype, dtypes[i]) == 0) bytes = sizes[i];
  for (size_t i = 0; bytes >= 0 && i < json_array_size(shape); i++) {
    int64_t d = json_integer_value(json_array_get(shape, i));
    bytes = d < 0 || d > DATA_MAX || bytes * d > DATA_MAX ? -1 : bytes * d;
  }
  return bytes;
}

static void put_header(struct text *t, const json_t *root, int64_t *total) {
  char *graph = json_dumps(json_object_get(root, "graph"), JSON_ENCODE_ANY | JSON_COMPACT);
  text_puts(t, "{\"__metadata__\":{\"format\":\"nngen\",\"nngen.version\":\"1\",\"nngen.graph\":");
  json_put_string(t, graph ? graph : "");
  text_puts(t, "}");
  const char *name;
  json_t *array;
  json_object_foreach(json_object_get(root, "arrays"), name, array) {
    int64_t bytes = bytes_of(array);
    char *shape = bytes >= 0 ? json_dumps(json_array_get(array, 1), JSON_ENCODE_ANY) : NULL;
    if (!shape) continue;
    text_puts(t, ",");
    json_put_string(t, name);
    text_printf(t, ":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%lld,%lld]}",
                json_string_value(json_array_get(array, 0)), shape, (long long)*total,
                (long long)(*total + bytes));
    *total += bytes;
    free(shape);
  }
  text_puts(t, "}");
  free(graph);
}

static void put_file(struct text *t, const json_t *root, const uint8_t *data, size_t size) {
  struct text header = {0};
  int64_t total = 0;
  put_header(&header, root, &total);
  for (int i = 0; i < 8; i++) text_put(t, (char[]){(char)(header.size >> (8 * i) & 0xff)}, 1);
  text_put(t, header.data, header.size);
  for (int64_t i = 0; i < total; i++)
    text_put(t, size ? (const char *)&data[(size_t)i % size] : "", 1);
  text_free(&header);
}

static json_t *parse(const uint8_t *data, size_t size, size_t *length) {
  const uint8_t *end = size ? memchr(data, 0, size) : NULL;
  struct err ignored = {0};
  *length = end ? (size_t)(end - data) : size;
  return json_parse((const char *)data, *length, &ignored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct text file = {0};
  size_t length;
  json_t *root = parse(data, size, &length);
  if (root) {
    size_t skip = length < size ? length + 1 : size;
    put_file(&file, root, data + skip, size - skip);
    struct graph *g = model_parse(&a, file.data, file.size, &e);
    if (g)
      fuzz_use_graph(g);
    else
      fuzz_check_message(e.text);
  }
  json_decref(root);
  text_free(&file);
  arena_free(&a);
  return 0;
}

// ---- mutations of the tree

#ifdef NNGEN_FUZZ

static void mutate(json_t *root, unsigned seed) {
  struct tree *p = calloc(1, sizeof *p);
  FUZZ_CHECK(p);
  srand(seed);
  tree_collect(p, root);
  if (p->count > 0) {
    const struct tree_part *at = &p->list[rand() % p->count], *from = &p->list[rand() % p->count];
    int how = rand() % 4;
    if (how == 0) tree_replace(at, tree_edge((unsigned)rand()));
    if (how == 1) tree_replace(at, json_deep_copy(from->value));
    if (how == 2) tree_remove(at);
    if (how == 3 && json_is_array(from->owner) && from->owner != at->value)
      json_array_append_new(from->owner, json_deep_copy(at->value));
  }
  free(p);
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
  size_t length;
  json_t *root = seed % 2 ? parse(data, size, &length) : NULL;
  if (!root) return LLVMFuzzerMutate(data, size, room);
  for (unsigned i = 0; i <= seed / 2 % 3; i++) mutate(root, seed + i);
  char *text = json_dumps(root, JSON_COMPACT);
  size_t rest = size - length, wide = text ? strlen(text) : room + 1;
  bool fits = wide + rest <= room;
  if (fits) {
    memmove(data + wide, data + length, rest);
    memcpy(data, text, wide);
  }
  free(text);
  json_decref(root);
  return fits ? wide + rest : LLVMFuzzerMutate(data, size, room);
}
#endif
