// SPDX-License-Identifier: Apache-2.0
// Which arrays of the file are a layer's. Groups bear layers' names or, in some .keras files, stand
// in the order of the layers of a class. The arrays of models that are layers lie in groups within
// groups (.keras), or all in the group of the outermost one (.h5), by their paths.
#include "sw/import/keras.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const *entry(const struct keras *k, uint32_t i) {
  return (const char *const *)k->file.metadata[i];
}

static bool is_after(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool has(const struct keras *k, const char *prefix) {
  for (uint32_t i = 0; i < k->file.n_metadata; i++)
    if (is_after(entry(k, i)[0], prefix)) return true;
  return false;
}

// ---- groups within groups

// The group of arrays that bears a layer's name, of those in the scope's group.
static const char *group_named(const struct keras *k, const char *layer) {
  const char *prefix = arena_printf(k->arena, "name:%s", k->scope.group);
  for (uint32_t i = 0; i < k->file.n_metadata; i++)
    if (is_after(entry(k, i)[0], prefix) && !strchr(entry(k, i)[0] + strlen(prefix), '/') &&
        strcmp(entry(k, i)[1], layer) == 0)
      return entry(k, i)[0] + 5;
  return NULL;
}

// MaxPooling2D becomes max_pooling2d, ReLU re_lu.
static const char *snake(struct arena *a, const char *name) {
  size_t n = strlen(name), at = 0;
  char *to = ARENA_NEW(a, char, 2 * n + 1);
  for (size_t i = 0; i < n; i++) {
    bool word =
        i && isupper((unsigned char)name[i]) && i + 1 < n && islower((unsigned char)name[i + 1]);
    bool turn = i && isupper((unsigned char)name[i]) && islower((unsigned char)name[i - 1]);
    if (word || turn) to[at++] = '_';
    to[at++] = (char)tolower((unsigned char)name[i]);
  }
  return to;
}

// Without names: by class, and how many of the class stand before it.
static const char *group_counted(struct keras *k, const json_t *layers, size_t index) {
  const char *cls = json_string_value(json_object_get(json_array_get(layers, index), "class_name"));
  int before = 0;
  for (size_t i = 0; i < index; i++) {
    const char *other = json_string_value(json_object_get(json_array_get(layers, i), "class_name"));
    before += cls && other && strcmp(cls, other) == 0;
  }
  const char *name = snake(k->arena, cls ? cls : "");
  return before ? arena_printf(k->arena, "%s%s_%d", k->scope.group, name, before)
                : arena_printf(k->arena, "%s%s", k->scope.group, name);
}

// ---- one group for all

// The folder of a path: "outer/layer" of "outer/layer/kernel"; NULL if there is none.
static const char *folder_of(const struct keras *k, const char *path) {
  const char *end = strrchr(path, '/');
  return end ? arena_printf(k->arena, "%.*s", (int)(end - path), path) : NULL;
}

static bool ends_in(const char *text, const char *tail) {
  size_t n = strlen(text), m = strlen(tail);
  return n >= m && strcmp(text + n - m, tail) == 0 && (n == m || text[n - m - 1] == '/');
}

// The folder that ends in `tail`; NULL and twice if there are several.
static const char *folder_ending(struct keras *k, const char *tail) {
  const char *prefix = arena_printf(k->arena, "path:%s/", k->scope.group), *found = NULL;
  k->twice = false;
  for (uint32_t i = 0; i < k->file.n_metadata; i++) {
    const char *folder = is_after(entry(k, i)[0], prefix) ? folder_of(k, entry(k, i)[1]) : NULL;
    if (!folder || !ends_in(folder, tail)) continue;
    k->twice |= found && strcmp(found, folder) != 0;
    found = folder;
  }
  return k->twice ? NULL : found;
}

void keras_group(struct keras *k, const json_t *layers, size_t index, const char *name) {
  k->folder = NULL;
  k->twice = false;
  if (k->scope.name && has(k, "path:")) {
    k->folder = folder_ending(k, name);
    if (k->twice) {
      k->folder = folder_ending(k, arena_printf(k->arena, "%s/%s", k->scope.name, name));
      k->twice = !k->folder;
    }
    k->group = k->folder ? k->scope.group : NULL;
  } else {
    k->group = has(k, "name:") ? group_named(k, name) : group_counted(k, layers, index);
  }
}

// .h5 files have the arrays in the outer layer's group.
void keras_group_wrapped(struct keras *k, const char *inner) {
  if (!has(k, "path:")) {
    k->group = k->group ? arena_printf(k->arena, "%s/layer", k->group) : NULL;
  } else if (k->scope.name) {
    const char *outer = json_string_value(json_object_get(k->config, "name"));
    k->folder = folder_ending(k, arena_printf(k->arena, "%s/%s", outer ? outer : "", inner));
    k->group = k->folder ? k->scope.group : NULL;
  }
}

const char *keras_group_inside(const struct keras *k) {
  if (has(k, "path:")) return k->scope.name ? k->scope.group : k->group ? k->group : "?";
  return arena_printf(k->arena, "%s/", k->group ? k->group : "?");
}

// ---- arrays

// The first array of the folder behind number `last` of the group; -1 if there is none.
static int64_t next_in_folder(const struct keras *k, int64_t last, const char **path) {
  const char *prefix = arena_printf(k->arena, "path:%s/", k->group);
  size_t n = strlen(k->folder);
  int64_t next = -1;
  for (uint32_t i = 0; i < k->file.n_metadata; i++) {
    const char *const *e = entry(k, i);
    if (!is_after(e[0], prefix) || !is_after(e[1], k->folder) || e[1][n] != '/' ||
        strchr(e[1] + n + 1, '/'))
      continue;
    int64_t at = atoll(e[0] + strlen(prefix));
    if (at <= last || (next >= 0 && at >= next)) continue;
    next = at;
    *path = e[1];
  }
  return next;
}

// The number in its group of array i of the folder; -1 and twice if its path is another's too.
static int64_t in_folder(struct keras *k, int i) {
  const char *path = NULL, *other = NULL;
  int64_t n = next_in_folder(k, -1, &path);
  for (; i > 0 && n >= 0; i--) n = next_in_folder(k, n, &path);
  for (int64_t at = -1; path && (at = next_in_folder(k, at, &other)) >= 0;)
    k->twice |= at != n && strcmp(path, other) == 0;
  return k->twice ? -1 : n;
}

const struct tensor *keras_array(struct keras *k, int i, int rank) {
  int64_t n = k->folder ? in_folder(k, i) : i;
  const char *name = arena_printf(k->arena, "%s/%lld", k->group ? k->group : "?", (long long)n);
  int64_t at = k->group ? safetensors_find(&k->file, name) : -1;
  const struct tensor *t = at < 0 ? NULL : k->file.tensors[at].tensor;
  if (t && t->rank == rank && t->count) return t;
  if (t)
    keras_refuse(k, "save the model again", "its array %d has %d axes, expected %d", i, t->rank,
                 rank);
  else if (k->twice)
    keras_refuse(k, "save it as .keras", "its name fits the arrays of several layers");
  else
    keras_refuse(k, "save the whole model, with its weights", "the file has no array %d of it", i);
  return NULL;
}
