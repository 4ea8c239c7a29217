// SPDX-License-Identifier: Apache-2.0
#include "sw/train/recipe_parts.h"

#include "sw/base/bits.h"
#include "sw/base/nearest_word.h"
#include "sw/data/verdict.h"

#include <string.h>

// ---- the input

// "data" or "data:channel".
static bool read_measured(struct reading *r, const char *key, const char *word, bool *measured) {
  bool other = r->out->mean_measured, channels = strcmp(word, "data:channel") == 0;
  if (!channels && strcmp(word, "data") != 0)
    return err_set(r->err, "input: %s: \"%s\", expected numbers, \"data\" or \"data:channel\"", key,
                   word);
  if (other && channels != r->out->per_channel)
    return err_set(r->err, "input: %s: \"%s\", but mean of %s: say the same of both", key, word,
                   channels ? "all data" : "each channel");
  *measured = true;
  r->out->per_channel = channels;
  return true;
}

static bool numbers(struct reading *r, const json_t *j, const char *key, double otherwise,
                    bool *measured, int64_t *count, double **out) {
  const json_t *v = json_object_get(j, key);
  if (json_is_string(v)) {
    if (!read_measured(r, key, json_string_value(v), measured)) return false;
    v = NULL;
  }
  *count = json_is_array(v) ? (int64_t)json_array_size(v) : 1;
  *out = ARENA_NEW(r->arena, double, *count);
  for (int64_t i = 0; i < *count; i++) {
    const json_t *x = json_is_array(v) ? json_array_get(v, (size_t)i) : v;
    if (x && !json_is_number(x)) return err_set(r->err, "input: %s: expected numbers", key);
    (*out)[i] = x ? json_number_value(x) : otherwise;
  }
  return *count >= 1 || err_set(r->err, "input: %s: an empty list", key);
}

static bool read_source(struct reading *r, const json_t *j, struct source *s) {
  int64_t means, deviations;
  double *mean, *std;
  struct recipe *out = r->out;
  if (!numbers(r, j, "mean", 0, &out->mean_measured, &means, &mean) ||
      !numbers(r, j, "std", 1, &out->std_measured, &deviations, &std))
    return false;
  if (means != deviations && (out->mean_measured || out->std_measured))
    return err_set(r->err, "input: one is of the data, the other a list: give a single number");
  if (means != deviations)
    return err_set(r->err, "input: %lld means, %lld deviations", (long long)means,
                   (long long)deviations);
  *s = (struct source){.channels = means, .mean = mean, .std = std};
  return true;
}

static bool read_input(struct reading *r) {
  static const char *const keys[] = {"shape", "mean", "std", NULL};
  const json_t *j = json_object_get(r->root, "input"), *shape = json_object_get(j, "shape");
  int64_t dims[RANK_MAX];
  size_t rank = json_array_size(shape);
  struct source source;
  if (!json_is_object(j)) return err_set(r->err, "input: expected {\"shape\": [..]}");
  if (!json_only(j, keys, "input", r->err)) return false;
  if (rank < 1 || rank > RANK_MAX)
    return err_set(r->err, "input: shape: expected 1 to %d dimensions", RANK_MAX);
  for (size_t d = 0; d < rank; d++) {
    dims[d] = json_integer_value(json_array_get(shape, d));
    if (dims[d] < 1 || dims[d] > DIM_MAX)
      return err_set(r->err, "input: shape: dimension %zu, expected 1 to %lld", d,
                     (long long)DIM_MAX);
  }
  if (!read_source(r, j, &source)) return false;
  r->at = graph_add_value(r->g, "image", (int)rank, dims, type_real(), true);
  graph_add_input(r->g, r->at, source);
  return true;
}

// ---- layers

// Kinds that bring several streams together.
static bool is_join(const struct op_info *info) {
  return info->traits & (TRAIT_JOINS | TRAIT_PARTS);
}

// Kinds that take streams and can be trained through, or that end a network.
static bool is_layer(const struct op_info *info) {
  if (!(info->executors & EXECUTOR_REAL)) return false;
  if (is_join(info)) return true;
  return info->traits & (TRAIT_WEIGHTS | TRAIT_WINDOWS | TRAIT_REORDERS | TRAIT_ALIAS | TRAIT_MAPS |
                         TRAIT_INDEX | TRAIT_HOST | TRAIT_SKIPPED | TRAIT_AVERAGES);
}

// ", did you mean .." of a word that is near one that would do; otherwise nothing.
static const char *did_you_mean(struct reading *r, const char *word, size_t count,
                                const char *const *words) {
  const char *near = nearest_word(word, count, words);
  return near ? arena_printf(r->arena, ", did you mean \"%s\"?", near) : "";
}

// Whether a field is of recipes, and no attribute.
static bool is_own(enum op op, const char *key) {
  bool table = op_is(op, TRAIT_WEIGHTS) && !recipe_shares(op);
  return strcmp(key, "op") == 0 || strcmp(key, "name") == 0 || strcmp(key, "from") == 0 ||
         strcmp(key, "where") == 0 ||
         (table && (strcmp(key, "out") == 0 || strcmp(key, "connections") == 0)) ||
         (table && !recipe_has_bias(op) &&
          (strcmp(key, "weights") == 0 || strcmp(key, "trained") == 0)) ||
         (recipe_slides(op) && strcmp(key, "kernel") == 0);
}

static bool unknown_field(struct reading *r, const struct node *n, const char *key) {
  static const char *const own[] = {"op",          "name",    "from",    "where", "out",
                                    "connections", "weights", "trained", "kernel"};
  enum { OWN = sizeof own / sizeof *own };
  const char *words[ATTR_COUNT + OWN];
  size_t count = 0;
  for (int i = 0; i < OWN; i++)
    if (is_own(n->op, own[i])) words[count++] = own[i];
  for (int a = 0; a < ATTR_COUNT; a++)
    if (op_takes(n->op, (enum attr_name)a)) words[count++] = attr_text((enum attr_name)a);
  return err_set(r->err, "unknown field \"%s\"%s", key, did_you_mean(r, key, count, words));
}

static bool unknown_kind(struct reading *r, const char *word) {
  const char *words[OP_COUNT];
  size_t count = 0;
  for (int op = 0; op < OP_COUNT; op++)
    if (is_layer(op_info((enum op)op))) words[count++] = op_info((enum op)op)->name;
  return err_set(r->err, "op: unknown kind \"%s\"%s", word, did_you_mean(r, word, count, words));
}

static bool are_whole(const json_t *list) {
  bool whole = json_is_array(list);
  for (size_t i = 0; whole && i < json_array_size(list); i++)
    whole = json_is_integer(json_array_get(list, i));
  return whole;
}

static bool read_attr(struct reading *r, uint32_t node, const char *key, const json_t *j) {
  int name = attr_find(key);
  if (name == NONE) return unknown_field(r, &r->g->nodes[node], key);
  enum attr_kind kind = attr_kind((enum attr_name)name);
  if (kind == ATTR_INT && json_is_integer(j)) {
    graph_add_int(r->g, node, (enum attr_name)name, json_integer_value(j));
  } else if (kind == ATTR_REAL && json_is_number(j)) {
    graph_add_real(r->g, node, (enum attr_name)name, json_number_value(j));
  } else if (kind == ATTR_TEXT && json_is_string(j)) {
    graph_add_text(r->g, node, (enum attr_name)name, json_string_value(j));
  } else if (kind == ATTR_TYPE && json_is_string(j)) {
    struct type type = type_of_class(TYPE_BIPOLAR);
    if (strcmp(json_string_value(j), "bipolar") != 0 &&
        !type_parse_short(r->arena, json_string_value(j), &type))
      return err_set(r->err, "%s: \"%s\", expected W,F, uW,F or bipolar", key,
                     json_string_value(j));
    graph_add_type(r->g, node, (enum attr_name)name, type);
  } else if (kind == ATTR_INTS && are_whole(j)) {
    int64_t count = (int64_t)json_array_size(j), *ints = ARENA_NEW(r->arena, int64_t, count);
    for (int64_t i = 0; i < count; i++) ints[i] = json_integer_value(json_array_get(j, (size_t)i));
    graph_add_ints(r->g, node, (enum attr_name)name, count, ints);
  } else {
    static const char *const kinds[] = {[ATTR_INT] = "a whole number",
                                        [ATTR_REAL] = "a number",
                                        [ATTR_TEXT] = "a word in quotes",
                                        [ATTR_TYPE] = "a type in quotes, as in \"8,3\"",
                                        [ATTR_INTS] = "a list of whole numbers, as in [2, 2]"};
    bool known = (size_t)kind < sizeof kinds / sizeof *kinds && kinds[kind];
    return err_set(r->err, known ? "%s: expected %s" : "%s: no field of a recipe%s", key,
                   known ? kinds[kind] : "");
  }
  return true;
}

// As wide as the last index needs.
static struct type index_type(struct reading *r, const struct node *n) {
  const struct value *x = node_in(r->g, n, 0);
  int64_t last = x->rank ? x->shape[x->rank - 1] - 1 : 0;
  return type_fixed(r->arena, bits_unsigned((uint64_t)last), false, 1, 0);
}

static bool add_output(struct reading *r, uint32_t node, const char *name) {
  int64_t shape[RANK_MAX];
  int rank;
  const struct node *n = &r->g->nodes[node];
  if (!graph_shape(r->g, n, 0, &rank, shape, r->err)) return false;
  struct type type = op_is(n->op, TRAIT_INDEX) ? index_type(r, n) : type_real();
  r->at = graph_add_value(r->g, name, rank, shape, type, true);
  graph_add_out(r->g, node, r->at);
  return true;
}

// fc1, fc2, .. for linear layers, conv1, .. for convolutions, relu1, .. for the others.
static const char *name_of(struct reading *r, const json_t *j, enum op op) {
  const char *given = json_string_value(json_object_get(j, "name"));
  if (given) return given;
  bool linear = recipe_has_bias(op) && !recipe_shares(op);
  const char *kind = recipe_slides(op) ? "conv" : linear ? "fc" : op_info(op)->name;
  return arena_printf(r->arena, "%s%d", kind, ++r->counts[op]);
}

// ---- what a layer reads

// The output of the layer of that name, or the input.
static bool find_value(struct reading *r, const json_t *j, uint32_t *value) {
  const char *name = json_string_value(j);
  for (uint32_t i = r->g->n_nodes; name && i-- > 0;) {
    const struct node *n = &r->g->nodes[i];
    if (n->n_out && strcmp(n->name, name) == 0) {
      *value = n->out[0];
      return true;
    }
  }
  *value = r->g->inputs[0].value;
  if (name && strcmp(name, r->g->values[*value].name) == 0) return true;
  if (!name) return err_set(r->err, "from: expected the name of a layer before this one");
  const char **words = ARENA_NEW(r->arena, const char *, r->g->n_nodes + 1);
  for (uint32_t i = 0; i < r->g->n_nodes; i++) words[i + 1] = r->g->nodes[i].name;
  words[0] = r->g->values[*value].name;
  return err_set(r->err, "from: no layer \"%s\" before this one%s", name,
                 did_you_mean(r, name, r->g->n_nodes + 1, words));
}

// The layer before it, or what `from` names.
static bool add_inputs(struct reading *r, const json_t *j, uint32_t node) {
  const json_t *from = json_object_get(j, "from");
  const struct op_info *info = op_info(r->g->nodes[node].op);
  size_t count = json_is_array(from) ? json_array_size(from) : 1;
  if (is_join(info) ? count < info->in_min || count > info->in_max || !from : count != 1)
    return err_set(r->err, "from: %s takes %s", info->name,
                   !is_join(info)      ? "one layer"
                   : info->in_max == 2 ? "a list of two layers"
                                       : "a list of layers");
  for (size_t i = 0; i < count; i++) {
    const json_t *name = json_is_array(from) ? json_array_get(from, i) : from;
    if (from && !find_value(r, name, &r->at)) return false;
    graph_add_use(r->g, node, (struct use){r->at, 0, NONE});
  }
  return true;
}

// Of kinds that have a choice: in the circuit, or behind it.
static bool read_where(struct reading *r, uint32_t node, const json_t *j) {
  struct node *n = &r->g->nodes[node];
  const char *word = json_string_value(j);
  int where = where_find(word ? word : "");
  if (!op_is(n->op, TRAIT_HOST))
    return err_set(r->err, "where: %s is always in the circuit", op_info(n->op)->name);
  if (where == NONE)
    return err_set(r->err, "where: \"%s\", expected \"circuit\" or \"host\"", word ? word : "?");
  n->where = (enum where)where;
  return true;
}

static bool read_layer(struct reading *r, const json_t *j) {
  const char *word = json_string_value(json_object_get(j, "op")), *key;
  int op = word ? op_find(word) : NONE;
  json_t *value;
  if (op == NONE) return unknown_kind(r, word ? word : "?");
  const struct op_info *info = op_info((enum op)op);
  if (!is_layer(info)) return err_set(r->err, "op: %s isn't a layer of a recipe", word);
  const char *name = name_of(r, j, (enum op)op);
  uint32_t node = graph_add_node(r->g, (enum op)op, name);
  json_object_foreach((json_t *)j, key, value) { // a wrong word is what is missing elsewhere
    if (!is_own((enum op)op, key) && attr_find(key) == NONE)
      return unknown_field(r, &r->g->nodes[node], key);
  }
  if (!add_inputs(r, j, node)) return false;
  if (op_is((enum op)op, TRAIT_WEIGHTS) && !recipe_add_weights(r, j, node, name)) return false;
  if (op_is((enum op)op, TRAIT_AVERAGES)) recipe_add_averages(r, node, name);
  json_object_foreach((json_t *)j, key, value) {
    bool placed = strcmp(key, "where") == 0;
    if (placed ? !read_where(r, node, value)
               : !is_own((enum op)op, key) && !read_attr(r, node, key, value))
      return false;
  }
  return add_output(r, node, name);
}

static bool read_layers(struct reading *r) {
  const json_t *layers = json_object_get(r->root, "layers");
  if (!json_is_array(layers) || !json_array_size(layers))
    return err_set(r->err, "layers: expected a list of layers");
  r->out->fixed = ARENA_NEW(r->arena, const char *, (int64_t)json_array_size(layers));
  for (size_t i = 0; i < json_array_size(layers); i++)
    if (!read_layer(r, json_array_get(layers, i))) return err_within(r->err, "layer %zu", i + 1);
  graph_add_output(r->g, r->at);
  return true;
}

// ---- the rest

// Index of a word; `otherwise` where the key is missing, NONE if it is no such word.
static int choice(struct reading *r, const char *key, const char *const *words, int otherwise) {
  const json_t *j = json_object_get(r->root, key);
  const char *word = json_string_value(j);
  if (!j) return otherwise;
  for (int i = 0; word && words[i]; i++)
    if (strcmp(word, words[i]) == 0) return i;
  const char *list = words[0];
  size_t count = 1;
  for (; words[count]; count++) list = arena_printf(r->arena, "%s, %s", list, words[count]);
  const char *near = word ? nearest_word(word, count, words) : NULL;
  err_put(r->err, "%s: \"%s\"%s%s%s expected %s", key, word ? word : "?",
          near ? ": did you mean " : ",", near ? near : "", near ? "?" : "", list);
  return NONE;
}

static bool read_loss(struct reading *r, struct loss *out) {
  const json_t *j = json_object_get(r->root, "loss");
  const char *words = json_string_value(j);
  if (!j) return true;
  return loss_parse(words ? words : "?", out, r->err) || err_within(r->err, "loss");
}

static bool read_targets(struct reading *r, double target[2]) {
  const json_t *j = json_object_get(r->root, "targets");
  target[0] = 0;
  target[1] = 1;
  if (!j) return true;
  for (size_t i = 0; i < 2; i++) {
    if (json_array_size(j) != 2 || !json_is_number(json_array_get(j, i)))
      return err_set(r->err,
                     "targets: expected two numbers, of the other classes and the right one");
    target[i] = json_number_value(json_array_get(j, i));
  }
  return target[0] != target[1] ||
         err_set(r->err, "targets: %g twice, nothing would part the classes", target[0]);
}

static bool read_distort(struct reading *r, struct distort *out) {
  const json_t *j = json_object_get(r->root, "distort");
  if (!j) return true;
  if (!json_is_string(j))
    return err_set(r->err, "distort: expected words, as in \"shift:2,rotate:10\"");
  return distort_parse(json_string_value(j), out, r->err) || err_within(r->err, "distort");
}

static bool read_all(struct reading *r, struct recipe *out) {
  static const char *const keys[] = {"name",    "input",   "layers",  "loss",
                                     "targets", "initial", "distort", NULL};
  static const char *const initials[] = {"fan_in", "lecun", "kaiming", NULL};
  const char *name = json_string_value(json_object_get(r->root, "name"));
  if (!json_is_object(r->root)) return err_set(r->err, "expected an object");
  if (!json_only(r->root, keys, "recipe", r->err)) return false;
  int initial = choice(r, "initial", initials, 0);
  if (initial == NONE || !read_loss(r, &out->loss) || !read_targets(r, out->target) ||
      !read_distort(r, &out->distort))
    return false;
  out->loss_chosen = json_object_get(r->root, "loss");
  out->targets_chosen = json_object_get(r->root, "targets");
  r->initial = (unsigned)initial;
  r->g = out->model = graph_new(r->arena, name ? name : "network");
  return read_input(r) && read_layers(r) && graph_verify(r->g, r->err);
}

bool recipe_parse(struct arena *a, const char *text, size_t size, uint64_t seed, struct recipe *out,
                  struct err *e) {
  json_t *root = json_parse(text, size, e);
  if (!root) return false;
  struct reading r = {
      .arena = a, .root = root, .rng = {rng_at(seed, 0, 0), 0}, .out = out, .err = e};
  *out = (struct recipe){0};
  bool ok = read_all(&r, out);
  json_decref(root);
  return ok;
}

void recipe_choose(struct recipe *r, const struct verdict *v, const struct answers *l) {
  bool single = v->elements == 1 && v->kind != VERDICT_INDEX;
  if (!r->loss_chosen && (single || !l->classes)) r->loss.kind = LOSS_MSE;
  if (r->targets_chosen) return;
  if (v->kind == VERDICT_THRESHOLD && v->threshold == 0) r->target[0] = -1;
  struct verdict seen = verdict_of_value(r->model, training_seen(r->model, r->loss));
  if (r->loss.kind == LOSS_MSE && seen.kind == VERDICT_LEAST) {
    r->target[0] = 1;
    r->target[1] = 0;
  }
}
