// SPDX-License-Identifier: Apache-2.0
// Changes every single part of the graphs in files: removes it, makes it a number from the edge, a
// word, an empty list. Each result is refused with a message or used as any graph.
//
//   walk FILE...      files of the graph target's corpus
#include "sw/base/arena.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tree.h"

#include <stdlib.h>
#include <string.h>

enum { REMOVED = TREE_EDGES, WORD, EMPTY, CHANGES };

static void change(const struct tree_part *at, int how) {
  if (how < TREE_EDGES) tree_replace(at, tree_edge((unsigned)how));
  if (how == REMOVED) tree_remove(at);
  if (how == WORD) tree_replace(at, json_string("x"));
  if (how == EMPTY) tree_replace(at, json_array());
}

static void use(const json_t *root, const uint8_t *rest, size_t size) {
  struct text t = {0};
  char *text = json_dumps(root, JSON_COMPACT);
  text_puts(&t, text);
  text_put(&t, (const char *)rest, size);
  LLVMFuzzerTestOneInput((const uint8_t *)t.data, t.size);
  text_free(&t);
  free(text);
}

// The number of inputs made of a file.
static long walk(const struct bytes *file) {
  struct err e = {0};
  struct tree *parts = calloc(1, sizeof *parts);
  size_t length = strlen((const char *)file->data);
  long made = 0;
  for (int i = 0; !parts->count || i < parts->count; i++)
    for (int how = 0; how < CHANGES; how++, made++) {
      json_t *root = json_parse((const char *)file->data, length, &e);
      FUZZ_CHECK(root);
      parts->count = 0;
      tree_collect(parts, root);
      FUZZ_CHECK(parts->count);
      change(&parts->list[i], how);
      use(root, file->data + length, file->size - length);
      json_decref(root);
    }
  free(parts);
  return made;
}

int main(int argc, char **argv) {
  long made = 0;
  for (int i = 1; i < argc; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct bytes file;
    FUZZ_CHECK(file_read(&a, argv[i], 1 << 20, &file, &e));
    made += walk(&file);
    arena_free(&a);
  }
  printf("%ld inputs\n", made);
  return made == 0;
}
