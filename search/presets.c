// SPDX-License-Identifier: Apache-2.0
#include "search/presets.h"

#include "quant/formats.h"
#include "sw/base/json.h"
#include "sw/base/nearest_word.h"

#include <string.h>

enum { LANES_MOST = 64 };

struct preset {
  const struct graph *g;
  struct arena arena;
  struct text parameters, defaults;
  bool folds, prunes; // other presets are beside
};

static bool has_weights(const struct node *n) {
  return op_is(n->op, TRAIT_WEIGHTS);
}

// Whether a formats file may say the stream of a node.
static bool may_say(struct arena *a, const struct node *n) {
  struct formats f = formats_new();
  struct format_entry entry = {.name = n->name,
                               .format = {.rounding = NONE, .overflow = NONE, .where = NONE}};
  struct format format;
  struct err e = {0};
  if (!formats_set_stream(a, &entry.format, "8,3", &e)) return false;
  f.layers = &entry;
  f.n_layers = 1;
  return formats_of(&f, n, &format, &e);
}

// The field of the stream that a layer reads: "input", or the "stream" of whoever gives it.
static const char *stream_into(struct arena *a, const struct graph *g, const struct node *n) {
  int32_t from = node_in(g, n, 0)->node;
  while (from != NONE && !may_say(a, &g->nodes[from]) && g->nodes[from].n_in)
    from = node_in(g, &g->nodes[from], 0)->node;
  return from == NONE ? "input" : arena_printf(a, "%s.stream", g->nodes[from].name);
}

static void put_name(struct text *t, const char *name, const char *part) {
  struct text whole = {0};
  text_printf(&whole, "%s%s", name, part);
  text_puts(t, t->size ? ",\n    " : "\n    ");
  json_put_string(t, whole.data);
  text_puts(t, ": ");
  text_free(&whole);
}

static bool stands(const struct text *t, const char *name) {
  struct text quoted = {0};
  json_put_string(&quoted, name);
  bool there = t->data && strstr(t->data, quoted.data);
  text_free(&quoted);
  return there;
}

static void put_default(struct preset *p, const char *name, const char *format) {
  struct text text = {0};
  for (const char *c = format; *c; c++)
    if (*c == '@')
      text_puts(&text, name);
    else
      text_put(&text, c, 1);
  put_name(&p->defaults, name, "");
  json_put_string(&p->defaults, text.data);
  text_free(&text);
}

// Width and fraction of one field.
static void put_lab3(struct preset *p, const char *name) {
  if (stands(&p->defaults, name)) return;
  put_name(&p->parameters, name, ".width");
  text_puts(&p->parameters, "{\"choices\": [8, 16, 32]}");
  put_name(&p->parameters, name, ".frac");
  text_puts(&p->parameters, "{\"choices\": [2, 4, 8]}");
  put_default(p, name, "{@.width},{@.frac}");
}

static void put_bits(struct preset *p, const char *name, bool weight) {
  if (stands(&p->defaults, name)) return;
  put_name(&p->parameters, name, ".bits");
  text_puts(&p->parameters, "{\"int\": [2, 8]}");
  put_default(p, name, weight ? "{@.bits},channel" : "{@.bits},auto");
}

static bool is_last(const struct preset *p, const struct node *n) {
  for (const struct node *later = n + 1; later < p->g->nodes + p->g->n_nodes; later++)
    if (has_weights(later)) return false;
  return true;
}

// Words for a layer's weights, of which each goes with what the other presets do.
static void put_words(struct preset *p, const struct node *n, const char *name) {
  static const struct {
    const char *word;
    bool block, zero; // a 0, for what pruning cuts
  } words[] = {{"8,channel", 0, 1},   {"6,channel", 0, 1},       {"4,channel", 0, 1},
               {"3,channel", 0, 1},   {"2,channel", 0, 1},       {"e4m3", 0, 1},
               {"e3m2", 0, 1},        {"e2m3", 0, 1},            {"e2m1", 0, 1},
               {"e3m0", 0, 1},        {"log4", 0, 1},            {"block16:4", 1, 1},
               {"block16:3", 1, 1},   {"block16:2", 1, 1},       {"residual2,channel", 0, 0},
               {"ternary,channel", 0, 1}, {"bipolar,channel", 0, 0}};
  const char *comma = "";
  bool cut = p->prunes && !is_last(p, n);
  put_name(&p->parameters, name, "");
  text_puts(&p->parameters, "{\"choices\": [");
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if ((words[i].block && p->folds) || (!words[i].zero && cut)) continue;
    text_printf(&p->parameters, "%s\"%s\"", comma, words[i].word);
    comma = ", ";
  }
  text_puts(&p->parameters, "]}");
}

// Divisors of what a beat is made of: the channels, or all elements of a vector.
static void put_lanes(struct preset *p, const char *layer, const char *field,
                      const struct value *v) {
  int64_t n = v->rank ? v->shape[v->rank - 1] : 1;
  const char *comma = "";
  put_name(&p->parameters, layer, field);
  text_puts(&p->parameters, "{\"choices\": [");
  for (int64_t k = 1; k <= n && k <= LANES_MOST; k++) {
    if (n % k) continue;
    text_printf(&p->parameters, "%s%lld", comma, (long long)k);
    comma = ", ";
  }
  text_puts(&p->parameters, "]}");
}

// Of all but the last layer, as prune does it.
static void put_amount(struct preset *p, const struct node *n) {
  if (is_last(p, n)) return;
  put_name(&p->parameters, n->name, ".prune");
  text_puts(&p->parameters, "{\"float\": [0, 0.9, 0.1]}");
}

enum which { LAB3, MIXED, FORMATS, FOLDING, PRUNE, PRESETS };
static const char *const preset_names[PRESETS] = {"lab3", "mixed", "formats", "folding", "prune"};

static void put_layer(struct preset *p, enum which which, const struct node *n) {
  const char *weight = arena_printf(&p->arena, "%s.weight", n->name);
  const char *stream = stream_into(&p->arena, p->g, n);
  switch (which) {
  case LAB3:
    put_lab3(p, stream);
    put_lab3(p, weight);
    break;
  case MIXED:
    put_bits(p, stream, false);
    put_bits(p, weight, true);
    break;
  case FORMATS:
    put_words(p, n, weight);
    break;
  case FOLDING:
    put_lanes(p, n->name, ".in", node_in(p->g, n, 0));
    put_lanes(p, n->name, ".out", node_out(p->g, n, 0));
    break;
  case PRUNE:
    put_amount(p, n);
    break;
  case PRESETS:
    break;
  }
}

static enum which find(const char *name, size_t length) {
  int i = 0;
  while (i < PRESETS &&
         (strlen(preset_names[i]) != length || strncmp(preset_names[i], name, length) != 0))
    i++;
  return (enum which)i;
}

bool preset_is(const char *names) {
  for (const char *name = names;; name++) {
    size_t length = strcspn(name, ",");
    if (find(name, length) == PRESETS) return false;
    name += length;
    if (!*name) return true;
  }
}

bool preset_has(const char *names, const char *name) {
  for (;; names++) {
    size_t length = strcspn(names, ",");
    if (strlen(name) == length && strncmp(names, name, length) == 0) return true;
    names += length;
    if (!*names) return false;
  }
}

static void put_one(struct preset *p, enum which which) {
  // Streams that no parameter is about: wide enough not to matter.
  if (which == LAB3) put_default(p, "stream", "16,6");
  if (which == MIXED) put_default(p, "stream", "16,auto");
  for (uint32_t i = 0; i < p->g->n_nodes; i++)
    if (has_weights(&p->g->nodes[i])) put_layer(p, which, &p->g->nodes[i]);
}

bool preset_check(const char *names, struct err *e) {
  size_t length;
  if (preset_is(names)) return true;
  while (find(names, length = strcspn(names, ",")) != PRESETS) names += length + 1;
  char word[32];
  snprintf(word, sizeof word, "%.*s", (int)length, names);
  const char *near = nearest_word(word, PRESETS, preset_names);
  return err_set(e,
                 "\"%s\"%s%s%s expected lab3, mixed, formats, folding or prune, or several with "
                 "commas between, or a file",
                 word, near ? ", did you mean \"" : ":", near ? near : "", near ? "\"?" : "");
}

bool preset_put(struct text *t, const char *names, const struct graph *g, struct err *e) {
  struct preset p = {.g = g};
  if (!preset_check(names, e)) return false;
  p.folds = preset_has(names, preset_names[FOLDING]);
  p.prunes = preset_has(names, preset_names[PRUNE]);
  for (const char *name = names; *name; name += *name == ',') {
    size_t length = strcspn(name, ",");
    put_one(&p, find(name, length));
    name += length;
  }
  if (p.parameters.size) {
    text_printf(t, "{\n  \"parameters\": {%s\n  }", p.parameters.data);
    if (p.defaults.size) text_printf(t, ",\n  \"defaults\": {%s\n  }", p.defaults.data);
    text_puts(t, "\n}\n");
  }
  bool ok = p.parameters.size || err_set(e, "preset %s: there is no layer that it is about", names);
  text_free(&p.parameters);
  text_free(&p.defaults);
  arena_free(&p.arena);
  return ok;
}
