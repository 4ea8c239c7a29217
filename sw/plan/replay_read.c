// SPDX-License-Identifier: Apache-2.0
// Reads plans to be replayed. Whoever wrote the file: counts are held against limits before they
// are believed, and every message says where it stands.
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/nearest_word.h"
#include "sw/plan/replay_file.h"

#include <math.h>
#include <string.h>

enum { FILE_MAX = 64 << 20, OPERATORS_MAX = 1 << 16, CHANNELS_MAX = 1 << 20 };
enum { DECISIONS_MAX = 1 << 20 };
static const double BYTES_MAX = 9007199254740992; // 2^53: sums stay exact
static const double MS_MAX = 1e15, RATE_MIN = 1e-9;

static struct arena *arena_of(const struct replay_reader *r) {
  return r->arena;
}

// ---- numbers and words

static const char *kind_of(const json_t *v) {
  static const char *const names[] = {
      [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "text",
      [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
      [JSON_FALSE] = "false",      [JSON_NULL] = "null"};
  return v ? names[json_typeof(v)] : "nothing";
}

static bool number(const json_t *v, double least, double most, double *out, const char *where,
                   struct err *e) {
  if (!json_is_number(v)) return err_set(e, "%s: expected a number, found %s", where, kind_of(v));
  *out = json_number_value(v);
  return (*out >= least && *out <= most) ||
         err_set(e, "%s: expected %.17g to %.17g, found %.17g", where, least, most, *out);
}

static bool whole(const json_t *v, int64_t least, int64_t most, int64_t *out, const char *where,
                  struct err *e) {
  if (!json_is_integer(v))
    return err_set(e, "%s: expected a whole number, found %s", where,
                   json_is_real(v) ? "a fraction" : kind_of(v));
  *out = json_integer_value(v);
  return (*out >= least && *out <= most) ||
         err_set(e, "%s: expected %lld to %lld, found %lld", where, (long long)least,
                 (long long)most, (long long)*out);
}

static bool word(struct arena *a, const json_t *v, const char *const *words, int *out,
                 const char *where, struct err *e) {
  if (!json_is_string(v)) return err_set(e, "%s: expected a word, found %s", where, kind_of(v));
  const char *text = json_string_value(v);
  size_t count = 0;
  const char *list = "";
  for (; words[count]; count++) {
    if (strcmp(words[count], text) == 0) return *out = (int)count, true;
    list = arena_printf(a, "%s%s%s", list, count ? ", " : "", words[count]);
  }
  return err_set(e, "%s: unknown word \"%s\", expected one of %s", where, text, list);
}

static bool text_of(struct arena *a, const json_t *v, const char **out, const char *where,
                    struct err *e) {
  if (!json_is_string(v)) return err_set(e, "%s: expected text, found %s", where, kind_of(v));
  *out = arena_strdup(a, json_string_value(v));
  return true;
}

static bool list_of(const json_t *v, size_t most, const char *where, struct err *e) {
  if (!json_is_array(v)) return err_set(e, "%s: expected a list, found %s", where, kind_of(v));
  return json_array_size(v) <= most ||
         err_set(e, "%s: at most %zu entries, found %zu", where, most, json_array_size(v));
}

// ---- operators

static bool read_bytes(const json_t *v, struct replay_operator *o, struct err *e) {
  if (!json_only(v, replay_block_names, "bytes", e)) return false;
  for (int b = 0; b < REPLAY_BLOCKS; b++) {
    char where[32];
    snprintf(where, sizeof where, "bytes.%s", replay_block_names[b]);
    if (!whole(json_object_get(v, replay_block_names[b]), 0, (int64_t)BYTES_MAX, &o->bytes[b],
               where, e))
      return false;
  }
  return true;
}

static bool read_run(const json_t *of, enum replay_action run, struct replay_operator *o,
                     struct err *e) {
  static const char *const with_extra[] = {"ms", "extra", NULL}, *const without[] = {"ms", NULL};
  const char *name = replay_action_names[run];
  char where[32];
  const json_t *v = json_object_get(of, name);
  if (!v) return err_set(e, "%s: missing, expected {\"ms\": ..}", name);
  if (!json_only(v, run == REPLAY_OPTIMIZE ? without : with_extra, name, e)) return false;
  snprintf(where, sizeof where, "%s.ms", name);
  if (!number(json_object_get(v, "ms"), 0, MS_MAX, &o->ms[run], where, e)) return false;
  snprintf(where, sizeof where, "%s.extra", name);
  return run == REPLAY_OPTIMIZE ||
         number(json_object_get(v, "extra"), 0, BYTES_MAX, &o->extra[run], where, e);
}

static bool read_loss(struct arena *a, const json_t *v, struct replay_operator *o, struct err *e) {
  double *loss = ARENA_NEW(a, double, o->out), same;
  o->loss = loss;
  if (!json_is_array(v)) {
    if (!number(v, -1, 1, &same, "loss", e)) return false;
    for (uint32_t c = 0; c < o->out; c++) loss[c] = same;
    return true;
  }
  if (json_array_size(v) != o->out)
    return err_set(e, "loss: expected a number, or one for each of %u channels, found %zu", o->out,
                   json_array_size(v));
  for (uint32_t c = 0; c < o->out; c++)
    if (!number(json_array_get(v, c), -1, 1, &loss[c], "loss", e)) return false;
  return true;
}

static bool find_operator(const struct replay_reader *r, const json_t *v, uint32_t *op,
                          const char *where, struct err *e) {
  if (!json_is_string(v))
    return err_set(e, "%s: expected an operator's name, found %s", where, kind_of(v));
  const json_t *found = json_object_get(r->names, json_string_value(v));
  if (!found) return err_set(e, "%s: no operator \"%s\"", where, json_string_value(v));
  *op = (uint32_t)json_integer_value(found);
  return true;
}

static bool read_from(struct replay_reader *r, const json_t *v, struct replay_operator *o,
                      struct err *e) {
  if (!list_of(v, OPERATORS_MAX, "from", e)) return false;
  o->n_from = (uint32_t)json_array_size(v);
  uint32_t *from = ARENA_NEW(arena_of(r), uint32_t, o->n_from);
  for (uint32_t k = 0; k < o->n_from; k++)
    if (!find_operator(r, json_array_get(v, k), &from[k], "from", e)) return false;
  o->from = from;
  return true;
}

static bool read_operator(struct replay_reader *r, const json_t *v, struct replay_operator *o,
                          struct err *e) {
  static const char *const keys[] = {"name",    "from",     "relation", "in",   "out", "bytes",
                                     "forward", "backward", "optimize", "loss", NULL};
  static const char *const relations[] = {"all", "one", NULL};
  int relation;
  int64_t in, out;
  if (!json_only(v, keys, "operator", e) || !read_from(r, json_object_get(v, "from"), o, e) ||
      !word(arena_of(r), json_object_get(v, "relation"), relations, &relation, "relation", e) ||
      !whole(json_object_get(v, "in"), 1, CHANNELS_MAX, &in, "in", e) ||
      !whole(json_object_get(v, "out"), 1, CHANNELS_MAX, &out, "out", e))
    return false;
  o->one = relation == 1;
  o->in = (uint32_t)in;
  o->out = (uint32_t)out;
  r->channels += in + out;
  if (r->channels > CHANNELS_MAX)
    return err_set(e, "in, out: more than %d channels in all operators so far", CHANNELS_MAX);
  if (!read_bytes(json_object_get(v, "bytes"), o, e)) return false;
  for (int k = 0; k < REPLAY_RUNS; k++)
    if (!read_run(v, (enum replay_action)k, o, e)) return false;
  return read_loss(arena_of(r), json_object_get(v, "loss"), o, e);
}

static bool read_names(struct replay_reader *r, const json_t *list, struct err *e) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *name = json_object_get(json_array_get(list, i), "name");
    if (!json_is_string(name))
      return err_set(e, "operators[%zu].name: expected text, found %s", i, kind_of(name));
    if (json_object_get(r->names, json_string_value(name)))
      return err_set(e, "operators[%zu].name: \"%s\" is there twice", i, json_string_value(name));
    json_put(r->names, json_string_value(name), json_integer((json_int_t)i));
  }
  return true;
}

bool replay_read_operators(struct replay_reader *r, const json_t *list, struct err *e) {
  if (!list_of(list, OPERATORS_MAX, "operators", e)) return false;
  uint32_t count = (uint32_t)json_array_size(list);
  if (!count) return err_set(e, "operators: expected at least one");
  if (!read_names(r, list, e)) return false;
  struct replay_operator *o = ARENA_NEW(arena_of(r), struct replay_operator, count);
  for (uint32_t i = 0; i < count; i++) {
    const json_t *v = json_array_get(list, i);
    o[i].name = arena_strdup(arena_of(r), json_string_value(json_object_get(v, "name")));
    if (!read_operator(r, v, &o[i], e)) return err_within(e, "operators[%u] \"%s\"", i, o[i].name);
  }
  r->n_operators = count;
  r->operators = o;
  return true;
}

// ---- decisions

// What an action may name beyond the operator's channels is judged when it is replayed.
static bool read_channels(struct replay_reader *r, const json_t *v, uint32_t most,
                          struct replay_channels *c, struct err *e) {
  if (!list_of(v, 2 * (size_t)CHANNELS_MAX, "channels", e)) return false;
  size_t count = json_array_size(v);
  if (!count || count % 2)
    return err_set(e, "channels: expected [begin, end, ..], found %zu numbers", count);
  uint32_t *range = ARENA_NEW(arena_of(r), uint32_t, count);
  for (size_t i = 0; i < count; i++) {
    int64_t number;
    if (!whole(json_array_get(v, i), 0, most, &number, "channels", e)) return false;
    range[i] = (uint32_t)number;
    if (i && range[i] < range[i - 1] + (i % 2))
      return err_set(e, "channels: expected ranges in order, found %u behind %u", range[i],
                     range[i - 1]);
  }
  *c = (struct replay_channels){(uint32_t)(count / 2), range};
  return true;
}

bool replay_read_decision(struct replay_reader *r, const json_t *row, struct replay_decision *d,
                          struct err *e) {
  int action;
  if (!json_is_array(row) || json_array_size(row) != 5)
    return err_set(e, "expected [ms, action, operator, block or null, channels]");
  if (!number(json_array_get(row, 0), 0, MS_MAX, &d->at, "ms", e) ||
      !word(arena_of(r), json_array_get(row, 1), replay_action_names, &action, "action", e) ||
      !find_operator(r, json_array_get(row, 2), &d->op, "operator", e))
    return false;
  d->action = (enum replay_action)action;
  if (d->action == REPLAY_AGAIN && r->version < 2)
    return err_set(e, "action: again is of version 2, the file has \"version\": %u", r->version);
  const struct replay_operator *o = &r->operators[d->op];
  const json_t *block = json_array_get(row, 3);
  d->block = -1;
  if (d->action >= REPLAY_END) return true; // refused by the rules, whatever it is about
  bool moves =
      d->action == REPLAY_LOAD || d->action == REPLAY_STORE || d->action == REPLAY_ALLOCATE;
  if (!moves && !json_is_null(block))
    return err_set(e, "block: expected null for %s", replay_action_names[action]);
  if (moves && !word(arena_of(r), block, replay_block_names, &d->block, "block", e)) return false;
  bool by_input = d->block == REPLAY_INPUT || d->block == REPLAY_PASS_GRAD;
  uint32_t total = by_input ? o->in : o->out;
  return read_channels(r, json_array_get(row, 4), moves ? total : CHANNELS_MAX, &d->channels, e);
}

bool replay_read_decisions(struct replay_reader *r, const json_t *list, struct replay_plan *p,
                           struct err *e) {
  if (!list_of(list, DECISIONS_MAX, "decisions", e)) return false;
  p->n_decisions = (uint32_t)json_array_size(list);
  struct replay_decision *d = ARENA_NEW(arena_of(r), struct replay_decision, p->n_decisions);
  for (uint32_t i = 0; i < p->n_decisions; i++)
    if (!replay_read_decision(r, json_array_get(list, i), &d[i], e))
      return err_within(e, "decisions[%u]", i);
  p->decisions = d;
  return true;
}

// ---- plans

bool replay_read_rates(const json_t *v, struct replay_plan *p, bool all, struct err *e) {
  struct {
    const char *key;
    double least, *to;
  } fields[] = {{"fast_bytes", 0, &p->limit},
                {"read_bytes_per_ms", RATE_MIN, &p->rate[REPLAY_IN]},
                {"write_bytes_per_ms", RATE_MIN, &p->rate[REPLAY_OUT]}};
  for (int i = 0; i < 3; i++) {
    const json_t *x = json_object_get(v, fields[i].key);
    if ((all || x) && !number(x, fields[i].least, BYTES_MAX, fields[i].to, fields[i].key, e))
      return false;
  }
  return true;
}

bool replay_read_target(const json_t *v, double *target, struct err *e) {
  return number(v, 0, 1, target, "target_accuracy", e);
}

bool replay_read_plan(struct replay_reader *r, const json_t *root, struct replay_plan *p,
                      struct err *e) {
  static const char *const keys[] = {"format",    "version",         "name",      "about",
                                     "machine",   "target_accuracy", "operators", "operators_from",
                                     "decisions", "expect",          NULL};
  static const char *const machine[] = {"fast_bytes", "read_bytes_per_ms", "write_bytes_per_ms",
                                        NULL};
  const json_t *about = json_object_get(root, "about"), *m = json_object_get(root, "machine");
  if (!json_only(root, keys, "plan", e)) return false;
  if (!text_of(arena_of(r), json_object_get(root, "name"), &p->name, "name", e)) return false;
  if (about && !text_of(arena_of(r), about, &p->about, "about", e)) return false;
  if (!m) return err_set(e, "machine: missing, expected {\"fast_bytes\": .., ..}");
  if (!json_only(m, machine, "machine", e)) return false;
  if (!replay_read_rates(m, p, true, e)) return err_within(e, "machine");
  if (!replay_read_target(json_object_get(root, "target_accuracy"), &p->target, e)) return false;
  if (!r->operators && !replay_read_operators(r, json_object_get(root, "operators"), e))
    return false;
  p->version = r->version;
  p->n_operators = r->n_operators;
  p->operators = r->operators;
  const json_t *decisions = json_object_get(root, "decisions"); // none: nothing is decided yet
  return !decisions || replay_read_decisions(r, decisions, p, e);
}

json_t *replay_open(struct arena *a, const char *path, struct err *e) {
  struct bytes bytes;
  if (!file_read(a, path, FILE_MAX, &bytes, e)) return NULL;
  json_t *root = json_parse((const char *)bytes.data, bytes.size, e);
  if (!root) {
    err_put_within(e, "%s", path);
    return NULL;
  }
  return root;
}
