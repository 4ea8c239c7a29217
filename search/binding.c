// SPDX-License-Identifier: Apache-2.0
#include "search/binding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum file { FORMATS, FOLDING, PRUNE };

static const struct field {
  const char *name;
  enum file file;
  bool of_layer, of_all; // with a layer's name in front; alone
} fields[] = {{"stream", FORMATS, true, true},       {"weight", FORMATS, true, true},
              {"rounding", FORMATS, true, true},     {"overflow", FORMATS, true, true},
              {"input", FORMATS, false, true},       {"in", FOLDING, true, false},
              {"out", FOLDING, true, false},         {"ram_style", FOLDING, true, false},
              {"parallelism", FOLDING, false, true}, {"prune", PRUNE, true, true},
              {"prune.kind", PRUNE, true, true},     {"prune.lanes", PRUNE, true, true},
              {"prune.score", PRUNE, true, true},    {"prune.finetune", PRUNE, false, true}};

#define TRAIN "train."
enum { FIELDS = sizeof fields / sizeof *fields, LANES = 4, FINETUNE_MOST = 1000 };

// ---- names

// The field that a name ends with, the longest; *layer: the bytes of the layer's name in front, 0:
// none. NULL: it is no field.
static const struct field *field_of(const char *name, size_t *layer) {
  const struct field *found = NULL;
  if (strncmp(name, TRAIN, strlen(TRAIN)) == 0) return NULL;
  size_t length = strlen(name);
  for (int i = 0; i < FIELDS; i++) {
    size_t n = strlen(fields[i].name);
    bool alone = strcmp(name, fields[i].name) == 0;
    bool behind = length > n + 1 && name[length - n - 1] == '.' &&
                  strcmp(name + length - n, fields[i].name) == 0;
    if (!alone && !behind) continue;
    if (found && strlen(found->name) > n) continue;
    found = &fields[i];
    *layer = alone ? 0 : length - n - 1;
  }
  return found;
}

static const struct node *layer_of(const struct graph *g, const char *name, size_t length) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (strlen(g->nodes[i].name) == length && strncmp(g->nodes[i].name, name, length) == 0)
      return &g->nodes[i];
  return NULL;
}

static bool names(const char *text, const char *param) {
  size_t n = strlen(param);
  for (const char *open = strchr(text, '{'); open; open = strchr(open + 1, '{'))
    if (strncmp(open + 1, param, n) == 0 && open[n + 1] == '}') return true;
  return false;
}

// Whether a text or a condition needs parameter i.
static bool is_part(const struct search_space *s, uint32_t i) {
  const char *name = s->params[i].is.name;
  for (uint32_t k = 0; k < s->n_defaults; k++)
    if (names(s->defaults[k].plain, name)) return true;
  for (uint32_t k = 0; k < s->n; k++) {
    for (uint32_t c = 0; c < s->params[k].is.n_choices; c++)
      if (names(s->params[k].is.choices[c].plain, name)) return true;
    for (uint32_t w = 0; w < s->params[k].n_when; w++)
      if (s->params[k].when[w].param == i) return true;
  }
  return false;
}

static void put_fields(struct text *t) {
  for (int i = 0; i < FIELDS; i++)
    text_printf(t, "%s%s%s", i ? ", " : "", fields[i].of_layer ? "LAYER." : "", fields[i].name);
}

static bool check_name(const struct graph *g, const char *what, const char *name, bool part,
                       bool trains, struct err *e) {
  if (strncmp(name, TRAIN, strlen(TRAIN)) == 0)
    return trains ||
           err_set(e, "%s \"%s\": is about training: give --net RECIPE instead of a model", what,
                   name);
  size_t layer = 0;
  const struct field *f = field_of(name, &layer);
  bool form = f && (layer ? f->of_layer : f->of_all);
  if (form && layer && !layer_of(g, name, layer))
    return err_set(e, "%s \"%s\": there is no layer \"%.*s\" (nngen info lists them)", what, name,
                   (int)layer, name);
  if (form || part) return true;
  struct text t = {0};
  put_fields(&t);
  err_put(e, "%s \"%s\": is about nothing: expected one of %s, or {%s} in the text of one", what,
          name, t.data, name);
  text_free(&t);
  return false;
}

bool binding_check(const struct search_space *s, const struct graph *g, bool trains,
                   struct err *e) {
  for (uint32_t i = 0; i < s->n; i++)
    if (!check_name(g, "parameter", s->params[i].is.name, is_part(s, i), trains, e)) return false;
  for (uint32_t i = 0; i < s->n_defaults; i++)
    if (!check_name(g, "default", s->defaults[i].name, false, trains, e)) return false;
  return true;
}

// A default's text is a number where it can be one.
static const char *as_json(struct arena *a, const char *plain) {
  char *end;
  strtod(plain, &end);
  if ((*plain && !*end) || strcmp(plain, "true") == 0 || strcmp(plain, "false") == 0) return plain;
  struct text t = {0};
  json_put_string(&t, plain);
  const char *json = arena_strdup(a, t.data);
  text_free(&t);
  return json;
}

bool binding_training(const struct search_space *s, const double *x,
                      bool (*take)(void *context, const char *name, const char *json),
                      void *context) {
  struct arena scratch = {0};
  bool ok = true;
  for (uint32_t i = 0; ok && i < s->n_defaults + s->n; i++) {
    bool fixed = i < s->n_defaults;
    uint32_t k = i - s->n_defaults;
    const char *name = fixed ? s->defaults[i].name : s->params[k].is.name;
    if (strncmp(name, TRAIN, strlen(TRAIN)) != 0 || (!fixed && isnan(x[k]))) continue;
    struct text t = {0};
    if (fixed)
      text_puts(&t, as_json(&scratch, s->defaults[i].plain));
    else
      param_put_json(&t, &s->params[k].is, x[k]);
    ok = take(context, name + strlen(TRAIN), t.data);
    text_free(&t);
  }
  arena_free(&scratch);
  return ok;
}

// ---- values

static void put_value(struct text *t, const struct search_space *s, const double *x, uint32_t i) {
  param_put_plain(t, &s->params[i].is, x[i]);
}

// A text with the values of its {NAME}.
static const char *expand(struct arena *a, const struct search_space *s, const double *x,
                          const char *text, struct err *e) {
  struct text t = {0};
  for (const char *p = text; *p; p++) {
    const char *close = *p == '{' ? strchr(p, '}') : NULL;
    if (!close) {
      text_put(&t, p, 1);
      continue;
    }
    uint32_t i = space_find(s, arena_printf(a, "%.*s", (int)(close - p - 1), p + 1));
    if (i == SPACE_NONE || isnan(x[i])) {
      text_free(&t);
      err_put(e, "\"%s\": %.*s isn't there at this point", text, (int)(close - p + 1), p);
      return NULL;
    }
    put_value(&t, s, x, i);
    p = close;
  }
  text_puts(&t, "");
  const char *out = arena_strdup(a, t.data ? t.data : "");
  text_free(&t);
  return out;
}

// A field of the network at a point, in the order of the space: defaults first.
struct setting {
  const struct field *field;
  const char *layer; // NULL: all
  const char *plain;
};

static bool collect(struct arena *a, const struct search_space *s, const double *x,
                    struct setting *list, uint32_t *n, struct err *e) {
  for (uint32_t i = 0; i < s->n_defaults + s->n; i++) {
    bool fixed = i < s->n_defaults;
    const char *name = fixed ? s->defaults[i].name : s->params[i - s->n_defaults].is.name;
    size_t layer = 0;
    struct setting to = {.field = field_of(name, &layer)};
    if (!to.field || (!fixed && isnan(x[i - s->n_defaults]))) continue;
    struct text t = {0};
    if (fixed)
      text_puts(&t, s->defaults[i].plain);
    else
      put_value(&t, s, x, i - s->n_defaults);
    to.plain = expand(a, s, x, t.data, e);
    text_free(&t);
    if (!to.plain) return err_within(e, "\"%s\"", name);
    if (layer) to.layer = arena_printf(a, "%.*s", (int)layer, name);
    list[(*n)++] = to;
  }
  return true;
}

static const char *find(const struct setting *list, uint32_t n, const char *layer,
                        const char *field) {
  const char *found = NULL;
  for (uint32_t i = 0; i < n; i++) {
    bool same = layer ? list[i].layer && strcmp(list[i].layer, layer) == 0 : !list[i].layer;
    if (same && strcmp(list[i].field->name, field) == 0) found = list[i].plain;
  }
  return found;
}

// ---- files

// "key":"text", of lanes "key":number
static void put_entry(struct text *t, const char **comma, const struct setting *s) {
  bool number = s->field->file == FOLDING && strcmp(s->field->name, "ram_style") != 0;
  text_puts(t, *comma);
  json_put_string(t, s->field->name);
  text_puts(t, ":");
  if (number && s->plain[0] && s->plain[strspn(s->plain, "0123456789")] == 0)
    text_puts(t, s->plain);
  else
    json_put_string(t, s->plain);
  *comma = ",";
}

// {"stream":..} of one layer, or of all.
static void put_object(struct text *t, const struct setting *list, uint32_t n, enum file file,
                       const char *layer) {
  const char *comma = "";
  text_puts(t, "{");
  for (uint32_t i = 0; i < n; i++) {
    bool same = layer ? list[i].layer && strcmp(list[i].layer, layer) == 0 : !list[i].layer;
    bool input = strcmp(list[i].field->name, "input") == 0;
    bool last = true; // a later setting of the same field wins
    for (uint32_t k = i + 1; k < n; k++) {
      const char *other = list[k].layer;
      bool both = list[k].field == list[i].field && !other == !list[i].layer;
      last &= !(both && (!other || strcmp(other, list[i].layer) == 0));
    }
    if (same && !input && last && list[i].field->file == file) put_entry(t, &comma, &list[i]);
  }
  text_puts(t, "}");
}

static bool first_of(const struct setting *list, uint32_t i, enum file file) {
  for (uint32_t k = 0; k < i; k++)
    if (list[k].field->file == file && list[k].layer && strcmp(list[k].layer, list[i].layer) == 0)
      return false;
  return true;
}

static const char *put_file(struct arena *a, const struct setting *list, uint32_t n,
                            enum file file) {
  struct text t = {0};
  const char *comma = "", *input = find(list, n, NULL, "input");
  text_puts(&t, "{\"defaults\":");
  put_object(&t, list, n, file, NULL);
  text_puts(&t, ",\"layers\":{");
  for (uint32_t i = 0; i < n; i++) {
    if (list[i].field->file != file || !list[i].layer || !first_of(list, i, file)) continue;
    text_puts(&t, comma);
    json_put_string(&t, list[i].layer);
    text_puts(&t, ":");
    put_object(&t, list, n, file, list[i].layer);
    comma = ",";
  }
  text_puts(&t, "}");
  if (file == FORMATS && input) {
    text_puts(&t, ",\"input\":");
    json_put_string(&t, input);
  }
  text_puts(&t, "}");
  const char *out = arena_strdup(a, t.data);
  text_free(&t);
  return out;
}

// ---- pruning

static void put_prunings(struct arena *a, struct assignment *out) {
  struct text t = {0};
  text_puts(&t, "[");
  for (uint32_t i = 0; i < out->n_prunings; i++) {
    const struct pruning_part *p = &out->prunings[i];
    text_puts(&t, i ? ",{\"layer\":" : "{\"layer\":");
    p->layer ? json_put_string(&t, p->layer) : text_puts(&t, "null");
    text_puts(&t, ",\"amount\":");
    json_put_real(&t, p->amount);
    text_puts(&t, ",\"kind\":");
    json_put_string(&t, p->kind);
    text_puts(&t, ",\"lanes\":");
    json_put_string(&t, p->lanes);
    text_puts(&t, ",\"score\":");
    json_put_string(&t, p->score);
    text_puts(&t, "}");
  }
  text_puts(&t, "]");
  out->prune = arena_strdup(a, t.data);
  text_free(&t);
}

// The lanes that a layer has in the folding are those of what is pruned.
static const char *lanes_of(struct arena *a, const struct setting *list, uint32_t n,
                            const char *layer) {
  const char *own = find(list, n, layer, "prune.lanes"), *all = find(list, n, NULL, "prune.lanes");
  const char *in = layer ? find(list, n, layer, "in") : NULL,
             *to = layer ? find(list, n, layer, "out") : NULL;
  const char *both = find(list, n, NULL, "parallelism");
  if (own || all) return own ? own : all;
  if (!both) both = arena_printf(a, "%d", LANES);
  return arena_printf(a, "%sx%s", in ? in : both, to ? to : both);
}

// Of the layer, or of all.
static const char *word_of(const struct setting *list, uint32_t n, const char *layer,
                           const char *field, const char *otherwise) {
  const char *own = find(list, n, layer, field), *all = find(list, n, NULL, field);
  return own ? own : all ? all : otherwise;
}

static bool find_epochs(const struct setting *list, uint32_t n, int64_t *epochs, struct err *e) {
  const char *word = word_of(list, n, NULL, "prune.finetune", "0");
  char *end;
  double v = strtod(word, &end);
  *epochs = (int64_t)v;
  return (!*end && v >= 0 && v <= FINETUNE_MOST && v == floor(v)) ||
         err_set(e, "\"prune.finetune\": \"%s\", expected epochs, 0 to %d", word, FINETUNE_MOST);
}

static bool find_prunings(struct arena *a, const struct setting *list, uint32_t n,
                          struct assignment *out, struct err *e) {
  out->prunings = ARENA_NEW(a, struct pruning_part, n + 1);
  for (uint32_t i = 0; i < n; i++) {
    if (strcmp(list[i].field->name, "prune") != 0) continue;
    char *end;
    const char *layer = list[i].layer;
    struct pruning_part p = {.layer = layer,
                             .amount = strtod(list[i].plain, &end),
                             .kind = word_of(list, n, layer, "prune.kind", "slot"),
                             .score = word_of(list, n, layer, "prune.score", "l1"),
                             .lanes = lanes_of(a, list, n, layer)};
    if (*end || !(p.amount >= 0 && p.amount < 1))
      return err_set(e, "\"prune\": \"%s\", expected an amount from 0 to less than 1",
                     list[i].plain);
    if (p.amount > 0) out->prunings[out->n_prunings++] = p;
  }
  put_prunings(a, out);
  return find_epochs(list, n, &out->finetune, e);
}

bool binding_assign(struct arena *a, const struct search_space *s, const double *x,
                    struct assignment *out, struct err *e) {
  struct setting *list = ARENA_NEW(a, struct setting, s->n + s->n_defaults + 1);
  uint32_t n = 0;
  *out = (struct assignment){0};
  if (!collect(a, s, x, list, &n, e) || !find_prunings(a, list, n, out, e)) return false;
  out->formats = put_file(a, list, n, FORMATS);
  out->folding = put_file(a, list, n, FOLDING);
  return true;
}

struct graph *binding_prune(struct arena *a, struct graph *g, const struct assignment *s,
                            struct err *e) {
  for (uint32_t i = 0; i < s->n_prunings; i++) {
    const struct pruning_part *p = &s->prunings[i];
    struct prune_how how = {.layers = p->layer};
    struct pruned pruned;
    bool n_of_m = strchr(p->kind, ':') != NULL;
    bool lanes = !n_of_m && strcmp(p->kind, "weight") != 0 && strcmp(p->kind, "neuron") != 0;
    if (!prune_parse_kind(p->kind, &how, e) ||
        !prune_parse_amount(n_of_m ? NULL : arena_printf(a, "%.17g", p->amount), &how, e) ||
        !prune_parse_lanes(lanes ? p->lanes : NULL, &how, e) || !prune_parse_scope(NULL, &how, e) ||
        !prune_parse_score(p->score, &how, e) || !prune(a, g, &how, &pruned, e))
      return NULL;
    g = pruned.graph;
  }
  return g;
}
