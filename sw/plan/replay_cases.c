// SPDX-License-Identifier: Apache-2.0
// The files of a replay: a plan with its operators, or with those of a file beside it; or cases,
// which are changes of a plan in a file beside them.
#include "sw/plan/replay_file.h"

#include <string.h>

enum { CASES_MAX = 1 << 12, CASE_DECISIONS_MAX = 1 << 22 };

static const char *format_of(const json_t *root) {
  const char *format = json_string_value(json_object_get(root, "format"));
  return format ? format : "";
}

static bool version_fits(const json_t *root, uint32_t most, uint32_t *found, struct err *e) {
  const json_t *version = json_object_get(root, "version");
  *found = (uint32_t)json_integer_value(version);
  return (json_is_integer(version) && json_integer_value(version) >= 1 &&
          json_integer_value(version) <= most) ||
         err_set(e, "version: expected %s", most > 1 ? "1 or 2" : "1");
}

// A name of a file beside `path`.
static const char *beside(struct arena *a, const char *path, const json_t *name, const char *key,
                          struct err *e) {
  const char *text = json_string_value(name);
  if (!text || !text[0] || strchr(text, '/')) {
    err_put(e, "%s: expected the name of a file beside it", key);
    return NULL;
  }
  const char *slash = strrchr(path, '/');
  return arena_printf(a, "%.*s%s", slash ? (int)(slash - path + 1) : 0, path, text);
}

static bool operators_from(struct replay_reader *r, const char *path, const json_t *root,
                           struct err *e) {
  const json_t *name = json_object_get(root, "operators_from");
  if (!name) return true;
  if (json_object_get(root, "operators"))
    return err_set(e, "operators, operators_from: expected one of them");
  const char *other = beside(r->arena, path, name, "operators_from", e);
  if (!other) return false;
  json_t *from = replay_open(r->arena, other, e);
  if (!from) return false;
  bool ok =
      replay_read_operators(r, json_object_get(from, "operators"), e) || err_within(e, "%s", other);
  json_decref(from);
  return ok;
}

static bool read_one(struct replay_reader *r, const char *path, const json_t *root,
                     struct replay_plan *p, struct err *e) {
  if (strcmp(format_of(root), "plan fixture") != 0)
    return err_set(e, "format: expected \"plan fixture\" or cases of one, found \"%s\"",
                   format_of(root));
  return version_fits(root, REPLAY_VERSION_MAX, &r->version, e) &&
         operators_from(r, path, root, e) && replay_read_plan(r, root, p, e);
}

// ---- cases

// Puts rows at their places: [[index, row]].
static bool replace(struct replay_reader *r, const json_t *list, struct replay_decision *d,
                    uint32_t count, struct err *e) {
  if (list && !json_is_array(list)) return err_set(e, "replace: expected [[index, row], ..]");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *pair = json_array_get(list, i), *index = json_array_get(pair, 0);
    if (json_array_size(pair) != 2 || !json_is_integer(index) || json_integer_value(index) < 0 ||
        json_integer_value(index) >= count)
      return err_set(e, "replace[%zu]: expected [index below %u, row]", i, count);
    if (!replay_read_decision(r, json_array_get(pair, 1), &d[json_integer_value(index)], e))
      return err_within(e, "replace[%zu]", i);
  }
  return true;
}

static bool drop(const json_t *list, bool *dropped, uint32_t count, struct err *e) {
  if (list && !json_is_array(list)) return err_set(e, "drop: expected [index, ..]");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *index = json_array_get(list, i);
    if (!json_is_integer(index) || json_integer_value(index) < 0 ||
        json_integer_value(index) >= count)
      return err_set(e, "drop[%zu]: expected an index below %u", i, count);
    dropped[json_integer_value(index)] = true;
  }
  return true;
}

static bool change_decisions(struct replay_reader *r, const json_t *v, struct replay_plan *p,
                             struct err *e) {
  struct replay_plan added = {0};
  const json_t *append = json_object_get(v, "append");
  if (append && !replay_read_decisions(r, append, &added, e)) return err_within(e, "append");
  uint32_t count = p->n_decisions, kept = 0;
  struct replay_decision *d =
      ARENA_NEW(r->arena, struct replay_decision, count + added.n_decisions);
  bool *dropped = ARENA_NEW(r->arena, bool, count);
  if (count) memcpy(d, p->decisions, count * sizeof *d);
  if (!replace(r, json_object_get(v, "replace"), d, count, e) ||
      !drop(json_object_get(v, "drop"), dropped, count, e))
    return false;
  for (uint32_t i = 0; i < count; i++)
    if (!dropped[i]) d[kept++] = d[i];
  for (uint32_t i = 0; i < added.n_decisions; i++) d[kept++] = added.decisions[i];
  p->n_decisions = kept;
  p->decisions = d;
  return true;
}

static bool change(struct replay_reader *r, const json_t *v, struct replay_plan *p, struct err *e) {
  // The last four are what was found for the case, and aren't read.
  static const char *const keys[] = {"about",
                                     "replace",
                                     "drop",
                                     "append",
                                     "fast_bytes",
                                     "read_bytes_per_ms",
                                     "write_bytes_per_ms",
                                     "target_accuracy",
                                     "expect",
                                     "auto",
                                     "original_total_ms",
                                     "original_peak_bytes",
                                     NULL};
  const json_t *about = json_object_get(v, "about"),
               *target = json_object_get(v, "target_accuracy");
  if (!json_only(v, keys, "case", e)) return false;
  if (!json_is_string(about)) return err_set(e, "about: expected text");
  p->about = arena_strdup(r->arena, json_string_value(about));
  if (target && !replay_read_target(target, &p->target, e)) return false;
  return replay_read_rates(v, p, false, e) && change_decisions(r, v, p, e);
}

static bool read_cases(struct replay_reader *r, const char *path, const json_t *root,
                       struct replay_file *f, struct err *e) {
  static const char *const keys[] = {"format", "version", "name", "about", "base", "cases", NULL};
  const json_t *list = json_object_get(root, "cases");
  uint32_t version;
  if (!json_only(root, keys, "cases", e) || !version_fits(root, 1, &version, e)) return false;
  size_t count = json_array_size(list);
  if (!count || count > CASES_MAX)
    return err_set(e, "cases: expected a list of 1 to %d", CASES_MAX);
  const char *other = beside(r->arena, path, json_object_get(root, "base"), "base", e);
  json_t *from = other ? replay_open(r->arena, other, e) : NULL;
  if (!from) return false;
  struct replay_plan base = {0};
  bool ok = read_one(r, other, from, &base, e) || err_within(e, "%s", other);
  json_decref(from);
  if (!ok) return false;
  if (count * base.n_decisions > CASE_DECISIONS_MAX)
    return err_set(e, "cases: %zu of %u decisions are more than %d", count, base.n_decisions,
                   CASE_DECISIONS_MAX);
  f->cases = true;
  f->plans = ARENA_NEW(r->arena, struct replay_plan, count);
  for (; f->count < count; f->count++) {
    f->plans[f->count] = base;
    if (!change(r, json_array_get(list, f->count), &f->plans[f->count], e))
      return err_within(e, "cases[%u]", f->count);
  }
  const char *name = json_string_value(json_object_get(root, "name"));
  f->name = name ? arena_strdup(r->arena, name) : base.name;
  return true;
}

bool replay_read(struct arena *a, const char *path, struct replay_file *f, struct err *e) {
  *f = (struct replay_file){0};
  json_t *root = replay_open(a, path, e);
  if (!root) return false;
  struct replay_reader r = {.arena = a, .names = json_map()};
  const char *format = format_of(root);
  bool ok;
  if (strcmp(format, "plan fixture cases") == 0 || strcmp(format, "plan fixture machines") == 0) {
    ok = read_cases(&r, path, root, f, e);
  } else {
    f->plans = ARENA_NEW(a, struct replay_plan, 1);
    ok = read_one(&r, path, root, f->plans, e);
    f->count = 1;
    f->name = f->plans->name;
  }
  json_decref(r.names);
  json_decref(root);
  return ok || err_within(e, "%s", path);
}
