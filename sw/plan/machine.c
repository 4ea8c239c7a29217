// SPDX-License-Identifier: Apache-2.0
// Reads machine files. Whoever wrote them: every message says which field, what is there, and what
// was expected.
#include "sw/plan/machine.h"

#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/library.h"
#include "sw/base/nearest_word.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, LIST_MAX = 64 };
static const double NUMBER_MAX = 9007199254740992; // 2^53

struct reader {
  struct arena *arena;
  struct machine_file *m;
  struct err *err;
};

// ---- fields

static bool bad(struct reader *r, const char *where, const char *key, const char *expected,
                const json_t *found) {
  char *text = found ? json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
  err_put(r->err, "%s%s%s: expected %s, found %.60s", where, *where ? "." : "", key, expected,
          text ? text : "nothing");
  free(text);
  return false;
}

static bool read_text(struct reader *r, const json_t *of, const char *where, const char *key,
                      const char **to) {
  const json_t *v = json_object_get(of, key);
  const char *text = json_string_value(v);
  if (!text || !*text) return bad(r, where, key, "text", v);
  *to = arena_strdup(r->arena, text);
  return true;
}

// A whole number; where it is absent `absent`, which, if it is 0, is no choice.
static bool read_whole(struct reader *r, const json_t *of, const char *where, const char *key,
                       int64_t most, int64_t absent, int64_t *to) {
  const json_t *v = json_object_get(of, key);
  *to = v ? json_integer_value(v) : absent;
  if (!v && absent) return true;
  if (v && json_is_integer(v) && *to >= 1 && *to <= most) return true;
  return bad(r, where, key,
             arena_printf(r->arena, "a whole number from 1 to %lld", (long long)most), v);
}

static bool read_number(struct reader *r, const json_t *of, const char *where, const char *key,
                        bool may_be_absent, double *to) {
  const json_t *v = json_object_get(of, key);
  *to = json_number_value(v);
  if (!v && may_be_absent) return true;
  return (json_is_number(v) && *to > 0 && *to <= NUMBER_MAX) ||
         bad(r, where, key, *to > NUMBER_MAX ? "a number of at most 2^53" : "a number above 0", v);
}

static bool read_list(struct reader *r, const json_t *root, const char *key, bool needed,
                      const json_t **list, uint32_t *count) {
  *list = json_object_get(root, key);
  *count = (uint32_t)json_array_size(*list);
  if (!*list && !needed) return true;
  return (json_is_array(*list) && json_array_size(*list) <= LIST_MAX && (!needed || *count)) ||
         bad(r, "", key, needed ? "a list of 1 to 64 objects" : "a list of up to 64 objects",
             *list);
}

static bool read_memory_name(struct reader *r, const json_t *of, const char *where, const char *key,
                             int32_t *to) {
  const char *name = "";
  if (!read_text(r, of, where, key, &name)) return false;
  *to = machine_memory(r->m, name);
  if (*to != NONE) return true;
  const char *list = "";
  for (uint32_t i = 0; i < r->m->n_memories; i++)
    list = arena_printf(r->arena, "%s%s%s", list, i ? ", " : "", r->m->memories[i].name);
  return bad(r, where, key, arena_printf(r->arena, "a memory, one of %s", list),
             json_object_get(of, key));
}

// ---- parts

static bool read_memory(struct reader *r, const json_t *v, const char *where) {
  static const char *const keys[] = {"name", "bytes", "align", NULL};
  struct machine_memory *m = &r->m->memories[r->m->n_memories];
  if (!json_only(v, keys, where, r->err) || !read_text(r, v, where, "name", &m->name) ||
      !read_whole(r, v, where, "bytes", (int64_t)NUMBER_MAX, NONE, &m->bytes) ||
      !read_whole(r, v, where, "align", 4096, 1, &m->align))
    return false;
  if (machine_memory(r->m, m->name) != NONE)
    return bad(r, where, "name", "one that no other memory has", json_object_get(v, "name"));
  r->m->n_memories++;
  return true;
}

static bool read_pe(struct reader *r, const json_t *v, const char *where) {
  static const char *const keys[] = {"name", "count", "memory", "constants", "macs_per_unit", NULL};
  struct machine_pe *p = &r->m->pes[r->m->n_pes++];
  p->constants = NONE;
  return json_only(v, keys, where, r->err) && read_text(r, v, where, "name", &p->name) &&
         read_whole(r, v, where, "count", NODES_MAX, 1, &p->count) &&
         read_memory_name(r, v, where, "memory", &p->memory) &&
         (!json_object_get(v, "constants") ||
          read_memory_name(r, v, where, "constants", &p->constants)) &&
         read_number(r, v, where, "macs_per_unit", true, &p->macs);
}

static bool read_channel(struct reader *r, const json_t *v, const char *where) {
  static const char *const keys[] = {"name", "from", "to", "bytes_per_unit", NULL};
  struct machine_channel *c = &r->m->channels[r->m->n_channels];
  if (!json_only(v, keys, where, r->err) || !read_text(r, v, where, "name", &c->name) ||
      !read_memory_name(r, v, where, "from", &c->from) ||
      !read_memory_name(r, v, where, "to", &c->to) ||
      !read_number(r, v, where, "bytes_per_unit", false, &c->rate))
    return false;
  if (c->from == c->to || machine_channel(r->m, c->from, c->to))
    return bad(r, where, "to", "another memory, to which no other channel leads from there",
               json_object_get(v, "to"));
  r->m->n_channels++;
  return true;
}

static bool read_links(struct reader *r, const json_t *v) {
  static const char *const keys[] = {"topology", "bits_per_unit", "latency", "receive_slots", NULL};
  if (!v) return true;
  const json_t *topology = json_object_get(v, "topology");
  if (!json_only(v, keys, "links", r->err)) return false;
  const char *text = json_string_value(topology);
  int t = text ? topology_find(text) : NONE;
  if (t == NONE)
    return bad(r, "links", "topology", "full, line, ring, mesh, torus, tree or hypercube",
               topology);
  if (r->m->n_pes != 1 || r->m->pes->count < 2)
    return err_set(r->err, "links: expected one entry of pes, with a count of 2 or more");
  r->m->topology = (enum topology_kind)t;
  r->m->linked = true;
  return read_number(r, v, "links", "bits_per_unit", false, &r->m->bits) &&
         read_number(r, v, "links", "latency", true, &r->m->latency) &&
         read_whole(r, v, "links", "receive_slots", 65536, 0, &r->m->slots);
}

// Of a processor that is there several times each has the memory for itself.
static bool are_apart(struct reader *r) {
  const struct machine_file *m = r->m;
  for (uint32_t i = 0; i < m->n_pes; i++) {
    int32_t memory = m->pes[i].memory;
    bool shared = false;
    for (uint32_t k = 0; k < m->n_pes; k++)
      shared = shared || (k != i && m->pes[k].memory == memory) || m->pes[k].constants == memory;
    for (uint32_t k = 0; k < m->n_channels; k++)
      shared = shared || m->channels[k].from == memory || m->channels[k].to == memory;
    if (m->pes[i].count > 1 && shared)
      return err_set(
          r->err,
          "pes[%u].memory: each of %lld has a \"%s\" of its own, which nothing else names: "
          "expected another memory elsewhere",
          i, (long long)m->pes[i].count, m->memories[memory].name);
  }
  return true;
}

typedef bool read_part(struct reader *r, const json_t *v, const char *where);

static bool read_parts(struct reader *r, const json_t *list, const char *key, read_part *read) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *v = json_array_get(list, i);
    const char *where = arena_printf(r->arena, "%s[%zu]", key, i);
    if (!json_is_object(v)) return bad(r, "", where, "an object", v);
    if (!read(r, v, where)) return false;
  }
  return true;
}

static bool read_machine(struct reader *r, const json_t *root) {
  static const char *const keys[] = {"name",     "unit",     "about", "pes",
                                     "memories", "channels", "links", NULL};
  const json_t *pes, *memories, *channels, *unit = json_object_get(root, "unit");
  uint32_t n_pes, n_memories, n_channels;
  struct machine_file *m = r->m;
  if (!json_is_object(root)) return err_set(r->err, "expected an object");
  if (!json_only(root, keys, "machine", r->err) || !read_text(r, root, "", "name", &m->name) ||
      !read_text(r, root, "", "unit", &m->unit))
    return false;
  if (json_object_get(root, "about") && !read_text(r, root, "", "about", &m->about)) return false;
  if (strcmp(m->unit, "ms") != 0 && strcmp(m->unit, "cycles") != 0)
    return bad(r, "", "unit", "ms or cycles", unit);
  if (!read_list(r, root, "pes", true, &pes, &n_pes) ||
      !read_list(r, root, "memories", true, &memories, &n_memories) ||
      !read_list(r, root, "channels", false, &channels, &n_channels))
    return false;
  m->pes = ARENA_NEW(r->arena, struct machine_pe, n_pes);
  m->memories = ARENA_NEW(r->arena, struct machine_memory, n_memories);
  m->channels = ARENA_NEW(r->arena, struct machine_channel, n_channels);
  return read_parts(r, memories, "memories", read_memory) && read_parts(r, pes, "pes", read_pe) &&
         read_parts(r, channels, "channels", read_channel) && are_apart(r) &&
         read_links(r, json_object_get(root, "links"));
}

// ---- files

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), k = strlen(end);
  return n >= k && strcmp(text + n - k, end) == 0;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool unknown(struct arena *a, const char *name, struct err *e) {
  const char *names[LIST_MAX], *list = "";
  size_t count = 0;
  DIR *dir = opendir(library_path(a, "machines"));
  for (struct dirent *d; dir && count < LIST_MAX && (d = readdir(dir));)
    if (ends_with(d->d_name, ".json"))
      names[count++] = arena_printf(a, "%.*s", (int)strlen(d->d_name) - 5, d->d_name);
  if (dir) closedir(dir);
  qsort(names, count, sizeof *names, by_text);
  for (size_t i = 0; i < count; i++)
    list = arena_printf(a, "%s%s%s", list, i ? ", " : "", names[i]);
  const char *near = nearest_word(name, count, names);
  if (near)
    return err_set(e, "--machine %s: no such file; did you mean %s? machines: %s", name, near,
                   list);
  return err_set(e, "--machine %s: no such file; machines: %s", name, list);
}

bool machine_read(struct arena *a, const char *name, struct machine_file *m, struct err *e) {
  struct bytes file;
  struct reader r = {a, m, e};
  const char *path = name;
  *m = (struct machine_file){0};
  if (!file_exists(path)) path = library_path(a, arena_printf(a, "machines/%s.json", name));
  if (strchr(name, '/') ? !file_exists(name) : !file_exists(path)) return unknown(a, name, e);
  if (!file_read(a, path, FILE_MAX, &file, e)) return false;
  json_t *root = json_parse((const char *)file.data, file.size, e);
  bool ok = root && read_machine(&r, root);
  json_decref(root);
  return ok || err_within(e, "%s", path);
}

int32_t machine_memory(const struct machine_file *m, const char *name) {
  for (uint32_t i = 0; i < m->n_memories; i++)
    if (strcmp(m->memories[i].name, name) == 0) return (int32_t)i;
  return NONE;
}

const struct machine_channel *machine_channel(const struct machine_file *m, int32_t from,
                                              int32_t to) {
  for (uint32_t i = 0; i < m->n_channels; i++)
    if (m->channels[i].from == from && m->channels[i].to == to) return &m->channels[i];
  return NULL;
}
