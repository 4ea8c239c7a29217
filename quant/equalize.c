// SPDX-License-Identifier: Apache-2.0
#include "quant/equalize.h"

#include "quant/quantize_layer.h"
#include "sw/graph/exact.h"
#include "sw/pass/copy.h"

#include <math.h>

enum { ROUNDS = 20 };

struct pair {
  struct node *first, *second;
  int64_t channels;
};

// ---- which layers are neighbours

// Whether f(s x) = s f(x) for s > 0.
static bool is_homogeneous(const struct node *n) {
  if (op_is(n->op, TRAIT_ALIAS | TRAIT_WINDOWS | TRAIT_SKIPPED)) return true;
  if (!op_is(n->op, TRAIT_MAPS) || op_is(n->op, TRAIT_CASTS | TRAIT_NARROWS) ||
      op_info(n->op)->curve != NONE)
    return false;
  struct exact_reals reals = exact_reals_of(n);
  bool same = true;
  for (double x = 0x1p-20; x < 0x1p20; x *= 2)
    for (int sign = -1; sign <= 1; sign += 2)
      same &= exact_of(n->op)->real(2 * sign * x, &reals) ==
              2 * exact_of(n->op)->real(sign * x, &reals);
  return same;
}

// The only node that reads a value, as its first input; NULL.
static struct node *reader_of(const struct graph *g, uint32_t value) {
  struct node *reader = NULL;
  for (uint32_t i = 0; i < g->n_outputs; i++)
    if (g->outputs[i] == value) return NULL;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      if (g->nodes[i].in[k].value != value) continue;
      if (reader || k || g->nodes[i].in[k].delay) return NULL;
      reader = &g->nodes[i];
    }
  return reader;
}

// Whether a node's weights and bias are floats that nobody else has.
static bool has_own(const struct graph *g, const struct node *n) {
  const struct quant_column *column = quant_column_of(n->op);
  if (!column || !column->design || !op_is(n->op, TRAIT_WEIGHTS)) return false;
  for (uint32_t k = 1; k < n->n_in; k++) {
    const struct value *v = node_in(g, n, k);
    if (!v->init || !type_is_real(&v->type)) return false;
    uint32_t readers = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++)
      for (uint32_t j = 0; j < g->nodes[i].n_in; j++)
        readers += g->nodes[i].in[j].value == n->in[k].value;
    if (readers != 1) return false;
  }
  return true;
}

static bool pair_of(const struct graph *g, struct node *n, struct pair *p) {
  if (!has_own(g, n)) return false;
  struct node *next = reader_of(g, n->out[0]);
  while (next && is_homogeneous(next)) next = reader_of(g, next->out[0]);
  *p = (struct pair){n, next, node_in(g, n, 1)->shape[0]};
  return next && has_own(g, next) && value_elements(node_in(g, next, 0)) % p->channels == 0;
}

// ---- what a channel is multiplied with

// Which channel each weight of the second layer takes, (OUT, taps); NONE: nothing. Its input is
// numbered by channels, which are the fastest axis, and its products are looked at.
static int32_t *channels_of(struct arena *a, const struct graph *g, const struct pair *p) {
  const struct quant_column *column = quant_column_of(p->second->op);
  const struct value *x = node_in(g, p->second, 0), *w = node_in(g, p->second, 1);
  struct design d = {0};
  struct err unused = {0};
  if (!column->design(g, p->second, &d, &unused)) return NULL;
  int64_t elements = value_elements(x), outs = w->shape[0];
  double *frame = ARENA_NEW(a, double, elements), *row = ARENA_NEW(a, double, d.taps);
  int32_t *channel = ARENA_NEW(a, int32_t, outs * d.taps);
  for (int64_t i = 0; i < elements; i++) frame[i] = (double)(i % p->channels + 1);
  for (int64_t i = 0; i < outs * d.taps; i++) channel[i] = NONE;
  for (int64_t o = 0; o < outs; o++)
    for (int64_t r = 0; r < d.rows; r++) {
      column->row(&d, frame, o / (outs / d.groups), r, row);
      for (int64_t i = 0; i < d.taps; i++) {
        int32_t *to = &channel[o * d.taps + i], found = (int32_t)row[i] - 1;
        if (found == NONE) continue; // padding
        if (*to != NONE && *to != found) return NULL;
        *to = found;
      }
    }
  return channel;
}

static void scale(struct tensor *t, int64_t at, double by) {
  if (t->dtype == DTYPE_F64)
    ((double *)t->data)[at] *= by;
  else
    ((float *)t->data)[at] *= (float)by;
}

static double factor_of(double first, double second) {
  return first > 0 && second > 0 ? exp2(rint(log2(first / second) / 2)) : 1;
}

// False if all factors are 1.
static bool balance(const struct graph *g, const struct pair *p) {
  struct arena a = {0};
  struct tensor *first = node_in(g, p->first, 1)->init, *second = node_in(g, p->second, 1)->init;
  const struct value *bias = node_in(g, p->first, 2);
  const int32_t *channel = channels_of(&a, g, p);
  double *one = ARENA_NEW(&a, double, p->channels), *two = ARENA_NEW(&a, double, p->channels);
  int64_t taps = first->count / p->channels;
  bool changed = false;
  for (int64_t i = 0; channel && i < first->count; i++)
    one[i / taps] = fmax(one[i / taps], fabs(tensor_real(first, i)));
  for (int64_t i = 0; channel && i < second->count; i++)
    if (channel[i] != NONE) two[channel[i]] = fmax(two[channel[i]], fabs(tensor_real(second, i)));
  for (int64_t c = 0; channel && c < p->channels; c++) {
    one[c] = factor_of(one[c], two[c]);
    changed |= one[c] != 1;
    if (bias) scale(bias->init, c, 1 / one[c]);
  }
  for (int64_t i = 0; changed && i < first->count; i++) scale(first, i, 1 / one[i / taps]);
  for (int64_t i = 0; changed && i < second->count; i++)
    if (channel[i] != NONE) scale(second, i, one[channel[i]]);
  arena_free(&a);
  return changed;
}

// ---- the pass

static void own_tensor(struct arena *a, struct value *v) {
  struct tensor *t = arena_copy(a, v->init, sizeof *t);
  t->data = arena_copy(a, t->data, (size_t)t->count * dtype_size(t->dtype));
  v->init = t;
}

struct graph *equalize(struct arena *a, const struct graph *g, uint32_t *pairs) {
  struct graph_copy c = copy_new(a, g);
  struct graph *to = c.to;
  copy_values(&c, NULL);
  copy_inputs(&c);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    copy_outputs(&c, &g->nodes[i], copy_node(&c, &g->nodes[i], g->nodes[i].name));
  copy_graph_outputs(&c);
  copy_controls(&c);
  bool *changed = ARENA_NEW(a, bool, to->n_nodes);
  for (uint32_t i = 0; i < to->n_values; i++)
    if (to->values[i].init && type_is_real(&to->values[i].type)) own_tensor(a, &to->values[i]);
  bool again = true;
  for (int round = 0; again && round < ROUNDS; round++) {
    again = false;
    for (uint32_t i = 0; i < to->n_nodes; i++) {
      struct pair p;
      if (!pair_of(to, &to->nodes[i], &p) || !balance(to, &p)) continue;
      changed[i] = again = true;
    }
  }
  *pairs = 0;
  for (uint32_t i = 0; i < to->n_nodes; i++) *pairs += changed[i];
  return to;
}
