// SPDX-License-Identifier: Apache-2.0
#include "search/space.h"

#include "sw/base/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint32_t space_find(const struct search_space *s, const char *name) {
  for (uint32_t i = 0; i < s->n; i++)
    if (strcmp(s->params[i].is.name, name) == 0) return i;
  return SPACE_NONE;
}

// ---- reading

static bool read_values(struct arena *a, const struct param *of, const json_t *value,
                        struct condition *c, struct err *e) {
  size_t count = json_is_array(value) ? json_array_size(value) : 1;
  c->values = ARENA_NEW(a, double, count + 1);
  for (size_t i = 0; i < count; i++) {
    const json_t *v = json_is_array(value) ? json_array_get(value, i) : value;
    double x = param_find(of, v);
    if (isnan(x))
      return err_set(e, "\"when\": \"%s\" never has value %zu of those", of->name, i + 1);
    c->values[c->n++] = x;
  }
  return count > 0 || err_set(e, "\"when\": an empty list for \"%s\"", of->name);
}

static bool read_when(struct arena *a, const json_t *when, struct search_space *s,
                      struct space_param *p, struct err *e) {
  const char *name;
  json_t *value;
  if (!json_is_object(when))
    return err_set(e, "\"when\": expected {\"PARAMETER\":VALUE or [VALUE,..]}");
  p->when = ARENA_NEW(a, struct condition, json_object_size(when) + 1);
  json_object_foreach((json_t *)when, name, value) {
    struct condition *c = &p->when[p->n_when++];
    c->param = space_find(s, name);
    if (c->param == SPACE_NONE) return err_set(e, "\"when\": there is no parameter \"%s\"", name);
    const struct param *of = &s->params[c->param].is;
    if (of->kind == PARAM_FLOAT)
      return err_set(e, "\"when\": \"%s\" is a float: only choices and ints can be asked for",
                     name);
    if (!read_values(a, of, value, c, e)) return false;
  }
  return true;
}

static bool read_params(struct arena *a, const json_t *list, struct search_space *s,
                        struct err *e) {
  static const char *const keys[] = {"choices", "int", "float", "log", "when", NULL};
  const char *name;
  json_t *value;
  if (!json_is_object(list) || !json_object_size(list))
    return err_set(
        e, "\"parameters\": expected {\"LAYER.FIELD\":{\"choices\":[..]},..}, at least one");
  if (json_object_size(list) > SPACE_PARAMS_MOST)
    return err_set(e, "\"parameters\": more than %d", SPACE_PARAMS_MOST);
  s->params = ARENA_NEW(a, struct space_param, json_object_size(list));
  json_object_foreach((json_t *)list, name, value) {
    struct param *p = &s->params[s->n++].is;
    p->name = arena_strdup(a, name);
    if (!*name || strpbrk(name, "{}"))
      return err_set(e, "parameter \"%s\": a name isn't empty and has no braces", name);
    if ((json_is_object(value) && !json_only(value, keys, "entry", e)) ||
        !param_parse(a, value, p, e))
      return err_within(e, "parameter \"%s\"", name);
  }
  uint32_t i = 0;
  json_object_foreach((json_t *)list, name, value) {
    const json_t *when = json_object_get(value, "when");
    if (when && !read_when(a, when, s, &s->params[i], e))
      return err_within(e, "parameter \"%s\"", name);
    i++;
  }
  return true;
}

// Each behind those that it depends on; a circle has none.
static bool find_order(struct arena *a, struct search_space *s, struct err *e) {
  bool *done = ARENA_NEW(a, bool, s->n);
  s->order = ARENA_NEW(a, uint32_t, s->n);
  for (uint32_t n = 0; n < s->n;) {
    uint32_t before = n;
    for (uint32_t i = 0; i < s->n; i++) {
      bool ready = !done[i];
      for (uint32_t k = 0; k < s->params[i].n_when; k++) ready &= done[s->params[i].when[k].param];
      if (!ready) continue;
      s->order[n++] = i;
      done[i] = true;
    }
    if (n > before) continue;
    uint32_t i = 0;
    while (done[i]) i++;
    return err_set(e, "parameter \"%s\": its \"when\" depends on itself", s->params[i].is.name);
  }
  return true;
}

// Every {NAME} of a text is a parameter.
static bool check_names(const struct search_space *s, const char *text, struct err *e) {
  for (const char *open = strchr(text, '{'); open; open = strchr(open + 1, '{')) {
    const char *close = strchr(open, '}');
    bool known = false;
    for (uint32_t i = 0; close && i < s->n; i++)
      known |= strlen(s->params[i].is.name) == (size_t)(close - open - 1) &&
               strncmp(s->params[i].is.name, open + 1, (size_t)(close - open - 1)) == 0;
    if (!known)
      return err_set(e, "\"%s\": there is no parameter %.*s", text,
                     close ? (int)(close - open + 1) : (int)strlen(open), open);
  }
  return true;
}

static bool read_defaults(struct arena *a, const json_t *list, struct search_space *s,
                          struct err *e) {
  const char *name;
  json_t *value;
  if (!json_is_object(list)) return err_set(e, "\"defaults\": expected {\"LAYER.FIELD\":VALUE,..}");
  s->defaults = ARENA_NEW(a, struct default_field, json_object_size(list));
  json_object_foreach((json_t *)list, name, value) {
    struct default_field *d = &s->defaults[s->n_defaults++];
    if (space_find(s, name) != SPACE_NONE)
      return err_set(e, "\"defaults\": \"%s\" is a parameter: it has no default beside", name);
    struct text t = {0};
    if (json_is_integer(value))
      text_printf(&t, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
      json_put_real(&t, json_real_value(value));
    else if (json_is_string(value))
      text_puts(&t, json_string_value(value));
    else
      return err_set(e, "\"defaults\": \"%s\": expected a text or a number", name);
    d->name = arena_strdup(a, name);
    d->plain = arena_strdup(a, t.data ? t.data : "");
    text_free(&t);
    if (!check_names(s, d->plain, e)) return err_within(e, "\"defaults\": \"%s\"", name);
  }
  return true;
}

static bool read_first(struct arena *a, const json_t *list, struct search_space *s, struct err *e) {
  s->first = ARENA_NEW(a, double *, json_array_size(list) + 1);
  if (!json_is_array(list)) return err_set(e, "\"first\": expected a list of points");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *point = json_array_get(list, i);
    double *x = s->first[s->n_first++] = ARENA_NEW(a, double, s->n);
    const char *name;
    json_t *value;
    for (uint32_t k = 0; k < s->n; k++) x[k] = NAN;
    json_object_foreach((json_t *)point, name, value) {
      uint32_t k = space_find(s, name);
      if (k == SPACE_NONE)
        return err_set(e, "\"first\": point %zu: there is no parameter \"%s\"", i + 1, name);
      x[k] = param_find(&s->params[k].is, value);
      if (isnan(x[k]))
        return err_set(e, "\"first\": point %zu: \"%s\" never has this value", i + 1, name);
    }
    if (!space_contains(s, x))
      return err_set(e,
                     "\"first\": point %zu: expected a value of every parameter that is there, and "
                     "of no other",
                     i + 1);
  }
  return true;
}

static int take(const char *data, size_t size, void *text) {
  text_put(text, data, size);
  return 0;
}

// What a study remembers, by which a changed file is seen.
static const char *compact(struct arena *a, const json_t *j) {
  struct text t = {0};
  json_dump_callback(j, take, &t, JSON_COMPACT | JSON_ENCODE_ANY);
  const char *kept = arena_strdup(a, t.data);
  text_free(&t);
  return kept;
}

static bool check_choices(const struct search_space *s, struct err *e) {
  for (uint32_t i = 0; i < s->n; i++)
    for (uint32_t k = 0; k < s->params[i].is.n_choices; k++)
      if (!check_names(s, s->params[i].is.choices[k].plain, e))
        return err_within(e, "parameter \"%s\"", s->params[i].is.name);
  return true;
}

static bool read_root(struct arena *a, const json_t *root, struct search_space *s, struct err *e) {
  static const char *const keys[] = {"parameters", "defaults", "first", "compress", NULL};
  const json_t *defaults = json_object_get(root, "defaults"),
               *first = json_object_get(root, "first"),
               *compress = json_object_get(root, "compress");
  if (!json_only(root, keys, "space", e) ||
      !read_params(a, json_object_get(root, "parameters"), s, e) || !find_order(a, s, e) ||
      !check_choices(s, e) || (defaults && !read_defaults(a, defaults, s, e)) ||
      (first && !read_first(a, first, s, e)))
    return false;
  if (compress && !json_is_object(compress)) return err_set(e, "\"compress\": expected an object");
  s->compress = compress ? compact(a, compress) : NULL;
  s->json = compact(a, root);
  return true;
}

bool space_parse(struct arena *a, const char *json, size_t size, struct search_space *s,
                 struct err *e) {
  *s = (struct search_space){0};
  json_t *root = json_parse(json, size, e);
  bool ok = root && read_root(a, root, s, e);
  json_decref(root);
  return ok;
}

bool space_read(struct arena *a, const char *path, struct search_space *s, struct err *e) {
  struct bytes bytes;
  return file_read(a, path, SPACE_BYTES_MOST, &bytes, e) &&
         (space_parse(a, (const char *)bytes.data, bytes.size, s, e) || err_within(e, "%s", path));
}

// ---- points

bool space_active(const struct search_space *s, uint32_t i, const double *x) {
  const struct space_param *p = &s->params[i];
  for (uint32_t k = 0; k < p->n_when; k++) {
    bool holds = false;
    for (uint32_t v = 0; v < p->when[k].n; v++)
      holds |= x[p->when[k].param] == p->when[k].values[v];
    if (!holds) return false;
  }
  return true;
}

bool space_contains(const struct search_space *s, const double *x) {
  for (uint32_t i = 0; i < s->n; i++)
    if (space_active(s, i, x) ? !param_contains(&s->params[i].is, x[i]) : !isnan(x[i]))
      return false;
  return true;
}

bool space_same(const struct search_space *s, const double *x, const double *y) {
  for (uint32_t i = 0; i < s->n; i++)
    if (x[i] != y[i] && !(isnan(x[i]) && isnan(y[i]))) return false;
  return true;
}

void space_put_point(struct text *t, const struct search_space *s, const double *x) {
  const char *comma = "";
  text_puts(t, "{");
  for (uint32_t i = 0; i < s->n; i++) {
    if (isnan(x[i])) continue;
    text_puts(t, comma);
    json_put_string(t, s->params[i].is.name);
    text_puts(t, ":");
    param_put_json(t, &s->params[i].is, x[i]);
    comma = ",";
  }
  text_puts(t, "}");
}
