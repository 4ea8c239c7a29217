// SPDX-License-Identifier: Apache-2.0
// Reads plan files. Whoever wrote one: every message says where, what is there, and what was
// expected.
#include "sw/base/json.h"
#include "sw/plan/plan_file.h"

#include <stdlib.h>
#include <string.h>

enum { RESOURCES_MAX = 1 << 16, EVENTS_MAX = 1 << 22, RANGES_MAX = 1 << 16, FIELDS = 10 };
enum { STEPS_MAX = 4096, SLOTS_MAX = 1 << 16, SLOTS_ALL_MAX = 1 << 22 };
#define WHOLE_MAX ((int64_t)1 << 53)

// Where a field is: "events", 12, "start"; without a place -1.
struct spot {
  const char *list;
  int64_t place;
  const char *field;
};

static bool bad(struct spot s, const char *expected, const json_t *found, struct err *e) {
  char *text = found ? json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
  if (s.place < 0)
    err_put(e, "%s: expected %s, found %.60s", s.field, expected, text ? text : "nothing");
  else
    err_put(e, "%s: %lld: %s: expected %s, found %.60s", s.list, (long long)s.place, s.field,
            expected, text ? text : "nothing");
  free(text);
  return false;
}

static bool whole(const json_t *v, int64_t least, int64_t most, int64_t *to, struct spot s,
                  struct err *e) {
  char expected[80];
  *to = json_integer_value(v);
  if (json_is_integer(v) && *to >= least && *to <= most) return true;
  snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)least,
           (long long)most);
  return bad(s, expected, v, e);
}

static bool time_of(const json_t *v, double least, double *to, struct spot s, struct err *e) {
  *to = json_number_value(v);
  return (json_is_number(v) && *to >= least && *to <= (double)WHOLE_MAX) ||
         bad(s, least < 0 ? "a number of at most 2^53" : "a number from 0 to 2^53", v, e);
}

static bool text_of(struct arena *a, const json_t *of, const char *key, const char **to,
                    struct err *e) {
  const json_t *v = json_object_get(of, key);
  const char *text = json_string_value(v);
  if (!text || !*text) return bad((struct spot){"", -1, key}, "text", v, e);
  *to = arena_strdup(a, text);
  return true;
}

static bool word_of(const json_t *v, const char *const *words, int *to, struct spot s,
                    struct err *e) {
  const char *text = json_string_value(v);
  char expected[80] = "one of";
  for (int i = 0; words[i]; i++) {
    if (text && strcmp(text, words[i]) == 0) return *to = i, true;
    strcat(strcat(expected, i ? ", " : " "), words[i]);
  }
  return bad(s, expected, v, e);
}

struct reader {
  struct arena *arena;
  struct plan *plan;
  json_t *nodes, *values; // places by name
  int64_t slots;          // of all links
  int64_t place;          // in its list
  struct err *err;
};

// ---- resources

static bool read_memory(struct reader *r, const json_t *v, const char *key, bool may_be_absent,
                        int32_t *to) {
  const json_t *x = json_object_get(v, key);
  int64_t place;
  struct spot s = {"resources", r->place, key};
  *to = NONE;
  if (may_be_absent && json_is_null(x)) return true;
  if (!whole(x, 0, (int64_t)r->plan->machine.count - 1, &place, s, r->err)) return false;
  *to = (int32_t)place;
  return r->plan->machine.resources[place].kind == RESOURCE_MEMORY ||
         bad(s, "the place of a memory before it", x, r->err);
}

static bool read_way(struct reader *r, const json_t *v, struct resource *to) {
  static const char *const keys[] = {"name", "kind", "from", "to", NULL};
  static const char *const links[] = {"name", "kind", "from", "to", "slots", "latency", NULL};
  bool link = to->kind == RESOURCE_LINK;
  if (!json_only(v, link ? links : keys, "resources", r->err) ||
      !read_memory(r, v, "from", false, &to->from) || !read_memory(r, v, "to", false, &to->to))
    return false;
  return !link || (whole(json_object_get(v, "slots"), 0, SLOTS_MAX, &to->slots,
                         (struct spot){"resources", r->place, "slots"}, r->err) &&
                   time_of(json_object_get(v, "latency"), 0, &to->latency,
                           (struct spot){"resources", r->place, "latency"}, r->err));
}

static bool read_flag(struct reader *r, const json_t *v, const char *key, bool *to) {
  const json_t *x = json_object_get(v, key);
  *to = json_is_true(x);
  return json_is_boolean(x) ||
         bad((struct spot){"resources", r->place, key}, "true or false", x, r->err);
}

static bool read_store(struct reader *r, const json_t *v, struct resource *to) {
  static const char *const keys[] = {"name", "kind", "bytes", "align", "home", "passes", NULL};
  const json_t *bytes = json_object_get(v, "bytes");
  to->bytes = NONE;
  return json_only(v, keys, "resources", r->err) &&
         (json_is_null(bytes) || whole(bytes, 0, WHOLE_MAX, &to->bytes,
                                       (struct spot){"resources", r->place, "bytes"}, r->err)) &&
         whole(json_object_get(v, "align"), 1, 1 << 20, &to->align,
               (struct spot){"resources", r->place, "align"}, r->err) &&
         read_flag(r, v, "home", &to->home) && read_flag(r, v, "passes", &to->passes);
}

static bool read_pe(struct reader *r, const json_t *v, struct resource *to) {
  static const char *const keys[] = {"name", "kind", "memory", "constants", NULL};
  return json_only(v, keys, "resources", r->err) &&
         read_memory(r, v, "memory", false, &to->memory) &&
         read_memory(r, v, "constants", true, &to->constants);
}

static bool read_resource(struct reader *r, const json_t *v) {
  struct resource to = {.constants = NONE};
  int kind = 0;
  if (!word_of(json_object_get(v, "kind"), plan_file_kinds, &kind,
               (struct spot){"resources", r->place, "kind"}, r->err) ||
      !text_of(r->arena, v, "name", &to.name, r->err))
    return false;
  to.kind = (enum resource_kind)kind;
  bool ok = to.kind == RESOURCE_MEMORY ? read_store(r, v, &to)
            : to.kind == RESOURCE_PE   ? read_pe(r, v, &to)
                                       : read_way(r, v, &to);
  r->slots += to.slots;
  if (ok && r->slots > SLOTS_ALL_MAX)
    return err_set(r->err, "resources: expected at most %d slots in all", SLOTS_ALL_MAX);
  if (ok) plan_resource(r->plan, to);
  return ok;
}

// ---- events

static bool read_slice(struct reader *r, const json_t *v, struct slice *to) {
  struct spot s = {"events", r->place, "slice"};
  size_t size = json_array_size(v);
  int64_t axis;
  if (json_is_null(v)) return true;
  if (size < 3 || size % 2 == 0 || size / 2 > RANGES_MAX)
    return bad(s, "null, or [axis, begin, end, ..]", v, r->err);
  if (!whole(json_array_get(v, 0), 0, AXES_MAX - 1, &axis, s, r->err)) return false;
  int64_t *range = ARENA_NEW(r->arena, int64_t, size - 1);
  for (size_t k = 1; k < size; k++)
    if (!whole(json_array_get(v, k), 0, WHOLE_MAX, &range[k - 1], s, r->err)) return false;
  *to = (struct slice){(int)axis, (int64_t)size / 2, range};
  return true;
}

// Those before it alone: a list without a circle.
static bool read_after(struct reader *r, const json_t *v, struct event *to) {
  struct spot s = {"events", r->place, "after"};
  if (!json_is_array(v) || json_array_size(v) > (size_t)r->place)
    return bad(s, "a list of events before it", v, r->err);
  uint32_t *after = ARENA_NEW(r->arena, uint32_t, json_array_size(v));
  for (to->n_after = 0; to->n_after < json_array_size(v); to->n_after++) {
    const json_t *x = json_array_get(v, to->n_after);
    if (!json_is_integer(x) || json_integer_value(x) < 0 || json_integer_value(x) >= r->place)
      return bad(s, "the place of an event before it", x, r->err);
    after[to->n_after] = (uint32_t)json_integer_value(x);
  }
  to->after = after;
  return true;
}

static bool read_name(struct reader *r, const json_t *v, struct event *to) {
  bool runs = to->action == ACTION_RUN;
  const char *name = json_string_value(v);
  const json_t *place = name ? json_object_get(runs ? r->nodes : r->values, name) : NULL;
  to->id = (uint32_t)json_integer_value(place);
  return place || bad((struct spot){"events", r->place, runs ? "node" : "value"},
                      runs ? "a node of the graph" : "a value of the graph", v, r->err);
}

static bool read_place(struct reader *r, const json_t *v, int64_t *to) {
  *to = NONE;
  return json_is_null(v) ||
         whole(v, 0, WHOLE_MAX, to, (struct spot){"events", r->place, "address"}, r->err);
}

static bool read_event(struct reader *r, const json_t *v) {
  struct event to = {0};
  int64_t resource, step;
  int action = 0;
  if (json_array_size(v) != FIELDS)
    return bad((struct spot){"events", r->place, "event"}, "a list of ten", v, r->err);
#define AT(i) json_array_get(v, i)
#define SPOT(word) ((struct spot){"events", r->place, word})
  if (!time_of(AT(0), (double)-WHOLE_MAX, &to.start, SPOT("start"), r->err) ||
      !time_of(AT(1), (double)-WHOLE_MAX, &to.end, SPOT("end"), r->err) ||
      !word_of(AT(2), plan_file_actions, &action, SPOT("action"), r->err) ||
      !whole(AT(3), 0, (int64_t)r->plan->machine.count - 1, &resource, SPOT("resource"), r->err))
    return false;
  to.action = (enum action)action;
  to.resource = (uint32_t)resource;
  if (!read_name(r, AT(4), &to) ||
      !whole(AT(5), INT32_MIN, INT32_MAX, &step, SPOT("step"), r->err) ||
      !whole(AT(6), 0, WHOLE_MAX, &to.bytes, SPOT("bytes"), r->err) ||
      !read_place(r, AT(7), &to.address) || !read_slice(r, AT(8), &to.slice) ||
      !read_after(r, AT(9), &to))
    return false;
#undef SPOT
#undef AT
  to.step = (int32_t)step;
  plan_add(r->plan, to);
  return true;
}

// ---- all of it

static bool read_list(struct reader *r, const json_t *root, const char *key, int64_t most,
                      bool (*one)(struct reader *r, const json_t *v)) {
  const json_t *list = json_object_get(root, key);
  if (!json_is_array(list) || (int64_t)json_array_size(list) > most)
    return bad((struct spot){"", -1, key}, "a list", list, r->err);
  for (size_t i = 0; i < json_array_size(list); i++) {
    r->place = (int64_t)i;
    if (!one(r, json_array_get(list, i))) return false;
  }
  return true;
}

static bool read_bytes(struct reader *r, json_t *root, int64_t *bytes) {
  json_t *all = json_object_get(root, "bytes"), *v;
  const char *key;
  if (!json_is_object(all))
    return bad((struct spot){"", -1, "bytes"}, "an object of values", all, r->err);
  json_object_foreach(all, key, v) {
    const json_t *place = json_object_get(r->values, key);
    if (!place) return err_set(r->err, "bytes: expected values of the graph, found \"%.60s\"", key);
    if (!whole(v, 1, WHOLE_MAX, &bytes[json_integer_value(place)], (struct spot){"bytes", -1, key},
               r->err))
      return false;
  }
  return true;
}

static json_t *places_of(const struct graph *g, bool nodes) {
  json_t *map = json_map();
  for (uint32_t i = 0; i < (nodes ? g->n_nodes : g->n_values); i++)
    json_put(map, nodes ? g->nodes[i].name : g->values[i].name, json_integer(i));
  return map;
}

bool plan_file_is(const json_t *root) {
  const char *format = json_string_value(json_object_get(root, "format"));
  return format && strcmp(format, "plan") == 0;
}

bool plan_file_head(struct arena *a, const json_t *root, struct plan_head *h, struct err *e) {
  static const char *const keys[] = {"format", "version", "of",        "identity", "unit",   "size",
                                     "period", "steps",   "resources", "bytes",    "events", NULL};
  int64_t version;
  return json_only(root, keys, "plan", e) &&
         whole(json_object_get(root, "version"), 1, 1, &version, (struct spot){"", -1, "version"},
               e) &&
         text_of(a, root, "of", &h->of, e) && text_of(a, root, "identity", &h->identity, e) &&
         text_of(a, root, "unit", &h->unit, e) && text_of(a, root, "size", &h->size, e);
}

struct plan *plan_file_read(struct arena *a, const json_t *root, const struct graph *g,
                            struct err *e) {
  int64_t *bytes = ARENA_NEW(a, int64_t, g->n_values), steps = 0;
  struct reader r = {.arena = a,
                     .plan = plan_new(a, g, bytes),
                     .nodes = places_of(g, true),
                     .values = places_of(g, false),
                     .err = e};
  bool ok = time_of(json_object_get(root, "period"), 0, &r.plan->period,
                    (struct spot){"", -1, "period"}, e) &&
            whole(json_object_get(root, "steps"), 1, STEPS_MAX, &steps,
                  (struct spot){"", -1, "steps"}, e) &&
            read_list(&r, root, "resources", RESOURCES_MAX, read_resource) &&
            read_bytes(&r, (json_t *)root, bytes) &&
            read_list(&r, root, "events", EVENTS_MAX, read_event);
  r.plan->steps = (int32_t)steps;
  json_decref(r.nodes);
  json_decref(r.values);
  return ok ? r.plan : NULL;
}
