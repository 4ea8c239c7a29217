// SPDX-License-Identifier: Apache-2.0
#include "quant/prune.h"

#include "quant/prune_parts.h"
#include "sw/graph/weights.h"
#include "sw/pass/inference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- words

enum { N_OF_M_MOST = 1 << 16 };

static const char *const kind_words[] = {"weight", "vector", "slot", "tile", "neuron"};
static const char *const score_words[] = {"l1", "l2", "random"};

// TEXT is A, `between`, B: whole numbers from 1 to `most`.
static bool parse_two(const char *text, char between, int64_t most, int64_t *a, int64_t *b) {
  char *end;
  if (*text < '1' || *text > '9') return false;
  *a = strtoll(text, &end, 10);
  if (*end != between || end[1] < '1' || end[1] > '9') return false;
  *b = strtoll(end + 1, &end, 10);
  return !*end && *a <= most && *b <= most;
}

bool prune_parse_kind(const char *text, struct prune_how *how, struct err *e) {
  for (size_t k = 0; text && k < sizeof kind_words / sizeof *kind_words; k++)
    if (strcmp(text, kind_words[k]) == 0) {
      how->kind = (enum prune_kind)k;
      return true;
    }
  how->kind = PRUNE_N_OF_M;
  if (text && parse_two(text, ':', N_OF_M_MOST, &how->n, &how->m) && how->n < how->m) return true;
  return err_set(e,
                 "--kind %s: expected weight, vector, slot, tile, neuron or N:M, as in 2:4 "
                 "(1 <= N < M <= %d)",
                 text ? text : "?", N_OF_M_MOST);
}

// N:M says it itself.
bool prune_parse_amount(const char *text, struct prune_how *how, struct err *e) {
  char *end = NULL;
  bool given = how->kind != PRUNE_N_OF_M;
  if (!given)
    return !text || err_set(e, "--amount %s changes nothing: --kind %lld:%lld says how much", text,
                            (long long)how->n, (long long)how->m);
  if (!text) return err_set(e, "--amount: how much goes? 0.5 is half");
  how->amount = strtod(text, &end);
  return (end != text && !*end && how->amount >= 0 && how->amount < 1) ||
         err_set(e, "--amount %s: expected a number from 0 to less than 1", text);
}

bool prune_parse_lanes(const char *text, struct prune_how *how, struct err *e) {
  how->lanes_in = how->lanes_out = 4;
  if (text && (how->kind == PRUNE_WEIGHT || how->kind == PRUNE_NEURON || how->kind == PRUNE_N_OF_M))
    return err_set(e, "--lanes %s changes nothing: only vector, slot and tile have lanes", text);
  return !text || parse_two(text, 'x', PRUNE_LANES_MOST, &how->lanes_in, &how->lanes_out) ||
         err_set(e, "--lanes %s: expected PIxPO, as in 4x4, each 1 to %d", text, PRUNE_LANES_MOST);
}

bool prune_parse_scope(const char *text, struct prune_how *how, struct err *e) {
  how->global = text && strcmp(text, "global") == 0;
  if (text && how->kind == PRUNE_N_OF_M)
    return err_set(e, "--scope %s changes nothing: N:M is the same everywhere", text);
  return !text || how->global || strcmp(text, "layer") == 0 ||
         err_set(e, "--scope %s: expected layer or global", text);
}

bool prune_parse_score(const char *text, struct prune_how *how, struct err *e) {
  char *end = NULL;
  how->score = PRUNE_L1;
  for (size_t k = 0; text && k < sizeof score_words / sizeof *score_words; k++)
    if (strcmp(text, score_words[k]) == 0) how->score = (enum prune_score)k;
  if (!text || strcmp(text, score_words[how->score]) == 0) return true;
  if (strncmp(text, "random:", 7) == 0 && text[7] >= '0' && text[7] <= '9') {
    how->seed = strtoull(text + 7, &end, 10);
    how->score = PRUNE_RANDOM;
    if (!*end) return true;
  }
  return err_set(e, "--score %s: expected l1, l2 or random[:SEED]", text);
}

// ---- layers

bool prune_has_weights(const struct graph *g, const struct node *n) {
  if (!op_is(n->op, TRAIT_WEIGHTS) || op_is(n->op, TRAIT_LEAST) || n->n_out != 1) return false;
  const struct value *w = node_in(g, n, 1);
  return w && w->init && w->rank >= 2 && type_is_real(&w->type) && !n->in[1].delay;
}

// Weights that several layers share belong to the first.
static bool is_first(const struct graph *g, uint32_t node) {
  for (uint32_t i = 0; i < node; i++)
    if (prune_has_weights(g, &g->nodes[i]) && g->nodes[i].in[1].value == g->nodes[node].in[1].value)
      return false;
  return true;
}

static uint32_t all_layers(const struct graph *g, uint32_t *nodes) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (prune_has_weights(g, &g->nodes[i]) && is_first(g, i)) nodes[count++] = i;
  return count;
}

// Levenshtein's distance of names, of which only the first characters count.
static int distance(const char *a, const char *b) {
  enum { SEEN = 63 };
  int row[SEEN + 1], m = (int)strnlen(a, SEEN), n = (int)strnlen(b, SEEN);
  for (int k = 0; k <= n; k++) row[k] = k;
  for (int i = 1; i <= m; i++) {
    int above = row[0];
    row[0] = i;
    for (int k = 1; k <= n; k++) {
      int change = above + (a[i - 1] != b[k - 1]),
          gap = 1 + (row[k - 1] < row[k] ? row[k - 1] : row[k]);
      above = row[k];
      row[k] = change < gap ? change : gap;
    }
  }
  return row[n];
}

static const char *nearest_name(const struct graph *g, const uint32_t *nodes, uint32_t count,
                                const char *name) {
  const char *best = g->nodes[nodes[0]].name;
  for (uint32_t i = 1; i < count; i++)
    if (distance(g->nodes[nodes[i]].name, name) < distance(best, name))
      best = g->nodes[nodes[i]].name;
  return best;
}

static bool find_layer(const struct graph *g, const uint32_t *nodes, uint32_t count,
                       const char *name, uint32_t *node, struct err *e) {
  for (uint32_t i = 0; i < count; i++)
    if (strcmp(g->nodes[nodes[i]].name, name) == 0) {
      *node = nodes[i];
      return true;
    }
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (strcmp(g->nodes[i].name, name) == 0)
      return err_set(e, "--layers: layer \"%s\" (%s) has no weights of its own that can be cut",
                     name, op_info(g->nodes[i].op)->name);
  return err_set(e, "--layers: there is no layer \"%s\"; did you mean \"%s\"?", name,
                 nearest_name(g, nodes, count, name));
}

static bool named_layers(struct arena *a, const struct graph *g, const char *names,
                         const uint32_t *all, uint32_t n_all, uint32_t *nodes, uint32_t *count,
                         struct err *e) {
  char *list = arena_strdup(a, names), *rest = NULL;
  *count = 0;
  for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
    uint32_t node;
    if (!find_layer(g, all, n_all, name, &node, e)) return false;
    for (uint32_t i = 0; i < *count; i++)
      if (nodes[i] == node) return err_set(e, "--layers: layer \"%s\" is there twice", name);
    nodes[(*count)++] = node;
  }
  return *count || err_set(e, "--layers \"%s\": expected names with commas between", names);
}

// Whether an earlier layer of the list makes the same neurons.
static bool is_joined(struct arena *a, const struct graph *g, const uint32_t *nodes, uint32_t count,
                      uint32_t node) {
  for (uint32_t i = 0; i < count; i++) {
    struct readers r = readers_of(a, g, nodes[i]);
    for (uint32_t k = 0; k < r.n_makers; k++)
      if (r.maker[k] == node) return true;
  }
  return false;
}

// Those whose neurons can't go aren't pruned by neurons, unless they are asked for. Of layers that
// make the same neurons the first stands for all.
static bool leave_stuck(struct arena *a, const struct graph *g, bool named, uint32_t *nodes,
                        uint32_t *count, struct err *e) {
  uint32_t left = 0;
  for (uint32_t i = 0; i < *count; i++) {
    struct readers r = readers_of(a, g, nodes[i]);
    if (r.obstacle && named)
      return err_set(e, "layer \"%s\": its neurons can't be removed: %s", g->nodes[nodes[i]].name,
                     r.obstacle);
    if (!r.obstacle && !is_joined(a, g, nodes, left, nodes[i])) nodes[left++] = nodes[i];
  }
  *count = left;
  return left || err_set(e, "there is no layer whose neurons could be removed");
}

static bool choose_layers(struct arena *a, const struct graph *g, const struct prune_how *how,
                          uint32_t *nodes, uint32_t *count, struct err *e) {
  uint32_t *all = ARENA_NEW(a, uint32_t, g->n_nodes + 1), n_all = all_layers(g, all);
  if (!n_all) return err_set(e, "the model has no layer with weights that can be cut");
  if (how->layers && !named_layers(a, g, how->layers, all, n_all, nodes, count, e)) return false;
  if (!how->layers) {
    memcpy(nodes, all, n_all * sizeof *all);
    *count = n_all - 1;
    if (!*count)
      return err_set(e, "only the last layer, \"%s\", has weights: name it in --layers to prune it",
                     g->nodes[all[0]].name);
  }
  return how->kind != PRUNE_NEURON || leave_stuck(a, g, how->layers != NULL, nodes, count, e);
}

// ---- cutting

void weights_own(struct arena *a, struct value *w) {
  struct tensor *t = tensor_new(a, DTYPE_F32, w->rank, w->shape);
  struct tensor *mask = tensor_new(a, DTYPE_U8, w->rank, w->shape);
  for (int64_t i = 0; i < t->count; i++) {
    ((float *)t->data)[i] = (float)value_real(w, i);
    ((uint8_t *)mask->data)[i] = !value_is_cut(w, i);
  }
  w->init = t;
  w->mask = mask;
}

void weights_cut(struct value *w, int64_t i) {
  ((float *)w->init->data)[i] = 0;
  ((uint8_t *)w->mask->data)[i] = 0;
}

static bool mark_n_of_m(const struct graph *g, struct grains *list, uint32_t count,
                        const struct prune_how *how, struct err *e) {
  for (uint32_t k = 0; k < count; k++) {
    if (list[k].ins % how->m)
      return err_set(e, "layer \"%s\": its outputs have %lld inputs, which %lld doesn't divide",
                     g->nodes[list[k].node].name, (long long)list[k].ins, (long long)how->m);
    grains_cut_n_of_m(&list[k], how->n, how->m);
  }
  return true;
}

// A layer of which nothing is left computes nothing.
static bool keep_one(const struct graph *g, struct grains *l, const struct prune_how *how,
                     struct err *e) {
  int64_t best = 0;
  for (int64_t k = 0; k < l->count; k++) {
    if (!l->cut[k]) return true;
    if (l->score[k] > l->score[best]) best = k;
  }
  l->cut[best] = false;
  return how->force ||
         err_set(e,
                 "layer \"%s\": --amount %g leaves nothing of its %lld grains (%s); "
                 "--force keeps one",
                 g->nodes[l->node].name, how->amount, (long long)l->count, kind_words[how->kind]);
}

static bool mark(const struct graph *g, struct grains *list, uint32_t count,
                 const struct prune_how *how, struct err *e) {
  if (how->kind == PRUNE_N_OF_M) return mark_n_of_m(g, list, count, how, e);
  for (uint32_t k = 0; k < count; k += how->global ? count : 1)
    grains_cut_least(list + k, how->global ? count : 1, how->amount);
  for (uint32_t k = 0; k < count; k++)
    if (!keep_one(g, &list[k], how, e)) return false;
  return true;
}

static void cut_weights(struct arena *a, struct graph *g, const struct grains *l) {
  struct value *w = &g->values[g->nodes[l->node].in[1].value];
  weights_own(a, w);
  for (int64_t i = 0; i < l->outs * l->ins; i++)
    if (l->cut[l->of[i]]) weights_cut(w, i);
}

// A neuron that several layers make is worth what it is in them in the mean.
static void join_scores(struct arena *a, const struct graph *g, struct grains *l,
                        const struct prune_how *how) {
  struct readers r = readers_of(a, g, l->node);
  for (uint32_t k = 0; k < r.n_makers; k++) {
    struct grains other = {0};
    if (r.maker[k] != l->node) other = grains_new(a, g, r.maker[k], how);
    for (int64_t o = 0; o < other.count; o++) l->score[o] += other.score[o];
  }
  for (int64_t o = 0; o < l->count; o++) l->score[o] /= r.n_makers;
}

// ---- the whole

static int64_t connections(const struct graph *g, uint32_t node) {
  return value_connections(node_in(g, &g->nodes[node], 1));
}

static int64_t neurons(const struct graph *g, uint32_t node) {
  return node_in(g, &g->nodes[node], 1)->shape[0];
}

// Before, and, called again, after.
static void count_layers(struct arena *a, const struct graph *g, struct pruned *p) {
  uint32_t *nodes = ARENA_NEW(a, uint32_t, g->n_nodes + 1), n = all_layers(g, nodes);
  bool after = p->layers != NULL;
  if (!after) p->layers = ARENA_NEW(a, struct prune_layer, n + 1);
  p->n_layers = n;
  for (uint32_t i = 0; i < n; i++) {
    struct prune_layer *l = &p->layers[i];
    l->kept = connections(g, nodes[i]);
    l->neurons_removed = after ? l->neurons_removed - neurons(g, nodes[i]) : neurons(g, nodes[i]);
    if (!after) l->name = g->nodes[nodes[i]].name;
    if (!after) l->weights = l->kept;
  }
}

bool prune(struct arena *a, const struct graph *model, const struct prune_how *how,
           struct pruned *out, struct err *e) {
  struct graph *g = inference(a, model);
  uint32_t *nodes = ARENA_NEW(a, uint32_t, g->n_nodes + 1), count = 0;
  *out = (struct pruned){.graph = g};
  if (!choose_layers(a, g, how, nodes, &count, e)) return false;
  struct grains *list = ARENA_NEW(a, struct grains, count);
  for (uint32_t k = 0; k < count; k++) list[k] = grains_new(a, g, nodes[k], how);
  for (uint32_t k = 0; k < count && how->kind == PRUNE_NEURON; k++)
    join_scores(a, g, &list[k], how);
  if (!mark(g, list, count, how, e)) return false;
  count_layers(a, g, out);
  bool whole = how->kind == PRUNE_NEURON;
  for (uint32_t k = 0; k < count; k++)
    if (whole)
      neurons_cut(a, g, list[k].node, list[k].cut);
    else
      cut_weights(a, g, &list[k]);
  if ((whole || how->kind == PRUNE_WEIGHT) && !neurons_remove(a, g, e)) return false;
  count_layers(a, g, out);
  return graph_verify(g, e);
}
