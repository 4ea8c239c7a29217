// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/tree.h"

#include <stdint.h>

void tree_collect(struct tree *p, json_t *owner) {
  const char *key;
  size_t i;
  json_t *value;
  json_object_foreach(owner, key, value) {
    if (p->count < PARTS_MAX) p->list[p->count++] = (struct tree_part){owner, key, 0, value};
    tree_collect(p, value);
  }
  json_array_foreach(owner, i, value) {
    if (p->count < PARTS_MAX) p->list[p->count++] = (struct tree_part){owner, NULL, i, value};
    tree_collect(p, value);
  }
}

void tree_remove(const struct tree_part *at) {
  if (at->key)
    json_object_del(at->owner, at->key);
  else
    json_array_remove(at->owner, at->index);
}

void tree_replace(const struct tree_part *at, json_t *with) {
  if (at->key)
    json_object_set_new(at->owner, at->key, with);
  else
    json_array_set_new(at->owner, at->index, with);
}

json_t *tree_edge(unsigned r) {
  static const json_int_t edges[] = {0,   -1,  1,   2,       3,         7,         8,
                                     31,  32,  33,  62,      63,        64,        255,
                                     256, 127, 128, 1 << 16, 1 << 24,   INT32_MAX, INT32_MIN,
                                     5,   16,  12,  1 << 30, INT64_MAX, INT64_MIN, 1000};
  return json_integer(edges[r % (sizeof edges / sizeof *edges)]);
}
