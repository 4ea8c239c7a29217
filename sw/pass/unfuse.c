// SPDX-License-Identifier: Apache-2.0
#include "sw/base/bits.h"
#include "sw/graph/interval.h"
#include "sw/pass/copy.h"
#include "sw/pass/fuse_parts.h"

#include <math.h>
#include <string.h>

static const int64_t one = 1;
static const int32_t none = 0;

struct pass {
  struct graph_copy copy;
  const char *named;                // (nodes)
  const uint32_t *readers;          // (values)
  const struct node *const *own;    // (values) the requant that alone reads it; NULL
  const char *acc, *requant, *cast; // ends of names that no name has yet
};

// ---- names

static bool ends_with(const char *name, const char *end) {
  size_t n = strlen(name), m = strlen(end);
  return n >= m && strcmp(name + n - m, end) == 0;
}

static bool is_new(const struct graph *g, const char *end) {
  for (uint32_t i = 0; i < g->n_values; i++)
    if (ends_with(g->values[i].name, end)) return false;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (ends_with(g->nodes[i].name, end)) return false;
  return true;
}

static const char *new_end(struct arena *a, const struct graph *g, const char *end) {
  while (!is_new(g, end)) end = arena_printf(a, "%s_", end);
  return end;
}

static const char *name_with(const struct pass *p, const char *name, const char *end) {
  return arena_printf(p->copy.to->arena, "%s%s", name, end);
}

// ---- accumulators

// One scale for all channels if they have the same; width 0: no type holds the accumulator.
static struct type accumulator_type(struct arena *a, const struct graph *g, const struct node *n) {
  const struct value *y = node_out(g, n, 0);
  int64_t channels = y->rank ? y->shape[y->rank - 1] : 1;
  double *scale = ARENA_NEW(a, double, channels);
  int bits = interval_bits(interval_node(g, n, KNOWN_TYPES));
  bool differ = false, valid = bits <= ACCUMULATOR_BITS_MAX;
  for (int64_t c = 0; c < channels; c++) {
    scale[c] = interval_scale(g, n, c);
    differ |= scale[c] != scale[0];
    valid &= scale[c] > 0 && isfinite(scale[c]);
  }
  if (!valid) return (struct type){0};
  int axis = differ ? y->rank - 1 : -1, width = bits < 2 ? 2 : bits;
  return type_channels(a, width, true, axis, differ ? channels : 1, scale,
                       ARENA_NEW(a, int32_t, channels));
}

// Rounding tflite needs accumulators below 2^31 before each of its shifts.
static bool fits_rounding(const struct node *n, const struct type *acc) {
  const struct requant *rq = &n->rq[n->n_rq - 1];
  for (int64_t c = 0; n->rounding == FIX_TFLITE && c < rq->count; c++) {
    int left = 31 - rq->shift[c];
    if (left < -62 || acc->width + (left > 0 ? left : 0) > 32) return false;
  }
  return true;
}

// The requant that alone reads each value, (values); NULL.
static const struct node **find_requants(struct arena *a, const struct graph *g,
                                         const uint32_t *readers) {
  const struct node **own = ARENA_NEW(a, const struct node *, g->n_values);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (op_is(g->nodes[i].op, TRAIT_NARROWS) && readers[g->nodes[i].in[0].value] == 1)
      own[g->nodes[i].in[0].value] = &g->nodes[i];
  return own;
}

// The type of the accumulator that node i is to give; width 0: it stays as it is.
static struct type opened(const struct pass *p, uint32_t i) {
  const struct graph *g = p->copy.from;
  const struct node *n = &g->nodes[i];
  bool whole = p->named[i] || n->n_out != 1 || op_is(n->op, TRAIT_CASTS | TRAIT_PARTS);
  if (whole || !(interval_scale(g, n, 0) > 0)) return (struct type){0};
  const struct node *own = p->own[n->out[0]]; // it gives its accumulator already
  if (own && fuse_joins(g, own, p->readers, p->named)) return (struct type){0};
  struct type t = accumulator_type(p->copy.to->arena, g, n);
  return t.width && fits_rounding(n, &t) ? t : (struct type){0};
}

// ---- nodes

static uint32_t add_requant(struct pass *p, const struct node *n, const char *name, struct use x,
                            const struct requant *rq) {
  struct graph *to = p->copy.to;
  uint32_t node = graph_add_node(to, OP_requant, name);
  graph_add_use(to, node, x);
  graph_add_requant(to, node, rq->count, rq->mul, rq->shift);
  to->nodes[node].rounding = n->rounding;
  to->nodes[node].overflow = n->overflow;
  to->nodes[node].where = n->where;
  return node;
}

// What is left of the requantisations gives the accumulator as it is.
static struct requant take_off(struct node *n) {
  struct requant *last = &n->rq[n->n_rq - 1], off = *last;
  if (fuse_shares_shift(n)) {
    off.mul = &one;
    for (uint32_t i = 0; i < n->n_rq; i++) n->rq[i].shift = &none;
  } else {
    *last = (struct requant){1, &one, &none};
  }
  n->rounding = FIX_HALF_EVEN;
  n->overflow = FIX_SATURATE;
  return off;
}

static void add_opened(struct pass *p, const struct node *n, struct type type) {
  struct graph *to = p->copy.to;
  const struct value *y = node_out(p->copy.from, n, 0);
  uint32_t node = copy_node(&p->copy, n, n->name);
  struct requant rq = take_off(&to->nodes[node]);
  uint32_t acc =
      graph_add_value(to, name_with(p, y->name, p->acc), y->rank, y->shape, type, y->per_frame);
  graph_add_out(to, node, acc);
  const char *name = name_with(p, n->name, p->requant);
  copy_outputs(&p->copy, n, add_requant(p, n, name, (struct use){acc, 0, NONE}, &rq));
}

// Each input of a concat through a requant to the output's type.
static void add_concat(struct pass *p, const struct node *n) {
  struct graph *to = p->copy.to;
  const struct value *y = node_out(p->copy.from, n, 0);
  uint32_t *parts = ARENA_NEW(to->arena, uint32_t, n->n_in);
  for (uint32_t i = 0; i < n->n_in; i++) {
    const struct value *x = node_in(p->copy.from, n, i);
    struct use u = {copy_value(&p->copy, n->in[i].value), n->in[i].delay, NONE};
    if (u.delay) u.initial = (int32_t)copy_value(&p->copy, (uint32_t)n->in[i].initial);
    const char *name = arena_printf(to->arena, "%s.%u%s", n->name, i, p->cast);
    uint32_t node = add_requant(p, n, name, u, &n->rq[i]);
    parts[i] = graph_add_value(to, name, x->rank, x->shape, y->type, x->per_frame);
    graph_add_out(to, node, parts[i]);
  }
  struct node joined = *n;
  joined.n_in = joined.n_rq = 0;
  joined.rounding = FIX_HALF_EVEN;
  joined.overflow = FIX_SATURATE;
  uint32_t node = copy_made(&p->copy, &joined, n->name);
  for (uint32_t i = 0; i < n->n_in; i++) graph_add_use(to, node, (struct use){parts[i], 0, NONE});
  copy_outputs(&p->copy, n, node);
}

struct graph *unfuse(struct arena *a, const struct graph *g) {
  const uint32_t *readers = fuse_readers(a, g);
  struct pass p = {.copy = copy_new(a, g),
                   .named = copy_named(a, g),
                   .own = find_requants(a, g, readers),
                   .readers = readers,
                   .acc = new_end(a, g, ".acc"),
                   .requant = new_end(a, g, ".requant"),
                   .cast = new_end(a, g, ".cast")};
  copy_values(&p.copy, NULL);
  copy_inputs(&p.copy);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    struct type acc = opened(&p, i);
    if (acc.width)
      add_opened(&p, n, acc);
    else if (op_is(n->op, TRAIT_PARTS) && n->n_rq && !p.named[i])
      add_concat(&p, n);
    else
      copy_outputs(&p.copy, n, copy_node(&p.copy, n, n->name));
  }
  copy_graph_outputs(&p.copy);
  copy_controls(&p.copy);
  graph_ranges(p.copy.to);
  return p.copy.to;
}
