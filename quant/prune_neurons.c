// SPDX-License-Identifier: Apache-2.0
// Neurons: outputs of a layer that may go, since each reader takes every channel for itself:
//
//   layer --> activation --> pool --> flatten --> reader      element i belongs to neuron i %
//   neurons
//
// Channels are the fastest axis of every stream, so that this holds for kernels and behind flatten,
// too. What is added element by element has its neurons from several layers, that lose the same
// ones.
#include "quant/prune_parts.h"
#include "sw/exec/real.h"
#include "sw/graph/weights.h"

#include <string.h>

// ---- who reads them

static uint32_t uses(const struct graph *g, uint32_t value) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) count += g->nodes[i].in[k].value == value;
  return count;
}

// Weights and bias are constants that nobody else has.
static bool owns_weights(const struct graph *g, const struct node *n) {
  if (!prune_has_weights(g, n) || uses(g, n->in[1].value) > 1) return false;
  if (n->n_in < 3) return true;
  const struct value *b = node_in(g, n, 2);
  return b->init && type_is_real(&b->type) && !n->in[2].delay && uses(g, n->in[2].value) == 1;
}

static bool is_dense(const struct graph *g, const struct node *n) {
  return owns_weights(g, n) && node_int(n, ATTR_groups, 1) == 1 && !node_attr(n, ATTR_slice);
}

static bool reads_channels(const struct graph *g, const struct node *n, int64_t neurons) {
  if (!is_dense(g, n)) return false;
  const struct value *w = node_in(g, n, 1);
  return w->shape[w->rank - 1] % neurons == 0;
}

static bool has_channels(const struct value *v, int64_t neurons) {
  return v->rank > 0 && v->shape[v->rank - 1] % neurons == 0;
}

// Each channel of its output is made of that channel of its input, or of its inputs.
static bool keeps_channels(const struct graph *g, const struct node *n, int64_t neurons) {
  unsigned traits = TRAIT_MAPS | TRAIT_WINDOWS | TRAIT_ALIAS | TRAIT_JOINS;
  if (!op_is(n->op, traits) || op_is(n->op, TRAIT_CASTS)) return false;
  if (n->n_out != 1 || node_attr(n, ATTR_shape) || node_attr(n, ATTR_slice)) return false;
  const struct value *y = node_out(g, n, 0);
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct value *x = node_in(g, n, k);
    if (n->in[k].delay || x->init) return false;
    if (n->n_in > 1 &&
        (x->rank != y->rank || memcmp(x->shape, y->shape, sizeof *y->shape * (size_t)y->rank)))
      return false;
  }
  return has_channels(y, neurons);
}

// The same, with numbers of its own for each channel: a normalisation, a sub-sampling, a depthwise
// convolution.
static bool has_each(const struct graph *g, const struct node *n, int64_t neurons) {
  bool depthwise = op_is(n->op, TRAIT_WEIGHTS) && node_int(n, ATTR_groups, 1) == neurons;
  if (n->n_out != 1 || n->n_in < 2 || n->in[0].delay || node_attr(n, ATTR_slice)) return false;
  for (uint32_t k = 1; k < n->n_in; k++) {
    const struct value *v = node_in(g, n, k);
    bool each = v->init && (v->rank == 1 || (depthwise && k == 1)) && v->shape[0] == neurons;
    if (!each || n->in[k].delay || uses(g, n->in[k].value) > 1) return false;
  }
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  return x->rank > 0 && y->rank > 0 && x->shape[x->rank - 1] == neurons &&
         y->shape[y->rank - 1] == neurons;
}

static bool is_output(const struct graph *g, uint32_t value) {
  for (uint32_t i = 0; i < g->n_outputs; i++)
    if (g->outputs[i] == value) return true;
  return false;
}

struct search {
  struct arena *arena;
  const struct graph *g;
  struct readers *r;
  int64_t neurons;
  bool *seen;  // (n_values)
  bool *taken; // (n_nodes) of r->each
};

static void follow(struct search *s, uint32_t value);

// All streams of a node that keeps the channels.
static void follow_all(struct search *s, const struct node *n) {
  for (uint32_t k = 0; k < n->n_in; k++)
    if (!node_in(s->g, n, k)->init) follow(s, n->in[k].value);
  follow(s, n->out[0]);
}

static void follow_each(struct search *s, const struct node *n) {
  uint32_t id = (uint32_t)(n - s->g->nodes);
  if (s->taken[id]) return;
  s->taken[id] = true;
  s->r->each[s->r->n_each++] = id;
  follow_all(s, n);
}

static void follow_use(struct search *s, const struct node *n, uint32_t k) {
  const struct graph *g = s->g;
  struct readers *r = s->r;
  if (n->in[k].delay == 0 && keeps_channels(g, n, s->neurons))
    follow_all(s, n);
  else if (k == 0 && has_each(g, n, s->neurons))
    follow_each(s, n);
  else if (n->in[k].delay == 0 && k == 0 && reads_channels(g, n, s->neurons))
    r->node[r->count++] = (uint32_t)(n - g->nodes);
  else
    r->obstacle =
        arena_printf(s->arena, "layer \"%s\" (%s) reads them", n->name, op_info(n->op)->name);
}

// Whoever makes a stream.
static void follow_back(struct search *s, uint32_t value) {
  const struct graph *g = s->g;
  int32_t id = g->values[value].node;
  const struct node *n = id == NONE ? NULL : &g->nodes[id];
  if (n && is_dense(g, n) && node_in(g, n, 1)->shape[0] == s->neurons)
    s->r->maker[s->r->n_makers++] = (uint32_t)id;
  else if (n && keeps_channels(g, n, s->neurons))
    follow_all(s, n);
  else if (n && has_each(g, n, s->neurons))
    follow_each(s, n);
  else
    s->r->obstacle = arena_printf(s->arena, "they are joined with \"%s\", whose channels can't go",
                                  g->values[value].name);
}

static void follow(struct search *s, uint32_t value) {
  const struct graph *g = s->g;
  if (s->seen[value] || s->r->obstacle) return;
  s->seen[value] = true;
  s->r->between[s->r->n_between++] = value;
  if (is_output(g, value))
    s->r->obstacle =
        arena_printf(s->arena, "\"%s\" is an output of the model", g->values[value].name);
  if (!s->r->obstacle) follow_back(s, value);
  for (uint32_t i = 0; i < g->n_nodes && !s->r->obstacle; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in && !s->r->obstacle; k++)
      if (g->nodes[i].in[k].value == value) follow_use(s, &g->nodes[i], k);
}

struct readers readers_of(struct arena *a, const struct graph *g, uint32_t node) {
  const struct node *n = &g->nodes[node];
  struct readers r = {.node = ARENA_NEW(a, uint32_t, g->n_nodes + 1),
                      .between = ARENA_NEW(a, uint32_t, g->n_values + 1),
                      .maker = ARENA_NEW(a, uint32_t, g->n_nodes + 1),
                      .each = ARENA_NEW(a, uint32_t, g->n_nodes + 1)};
  struct search s = {a,
                     g,
                     &r,
                     node_in(g, n, 1)->shape[0],
                     ARENA_NEW(a, bool, g->n_values + 1),
                     ARENA_NEW(a, bool, g->n_nodes + 1)};
  if (is_dense(g, n))
    follow(&s, n->out[0]);
  else
    r.obstacle = "its weights are shared, or its channels are in groups";
  return r;
}

// ---- cutting

static struct value *weights_at(struct graph *g, uint32_t node) {
  return &g->values[g->nodes[node].in[1].value];
}

static struct value *bias_at(struct graph *g, uint32_t node) {
  return g->nodes[node].n_in > 2 ? &g->values[g->nodes[node].in[2].value] : NULL;
}

static void bias_own(struct arena *a, struct value *b) {
  struct tensor *t = tensor_new(a, DTYPE_F32, b->rank, b->shape);
  for (int64_t i = 0; i < t->count; i++) ((float *)t->data)[i] = (float)value_real(b, i);
  b->init = t;
}

static void own(struct arena *a, struct graph *g, uint32_t node) {
  struct value *b = bias_at(g, node);
  weights_own(a, weights_at(g, node));
  if (b) bias_own(a, b);
}

static void cut_neuron(struct graph *g, const struct readers *r, int64_t neurons, int64_t o) {
  for (uint32_t k = 0; k < r->n_makers; k++) {
    struct value *w = weights_at(g, r->maker[k]), *b = bias_at(g, r->maker[k]);
    int64_t ins = fan_in(w->rank, w->shape);
    for (int64_t i = 0; i < ins; i++) weights_cut(w, o * ins + i);
    if (b) ((float *)b->init->data)[o] = 0;
  }
  for (uint32_t k = 0; k < r->count; k++) {
    struct value *reader = weights_at(g, r->node[k]);
    for (int64_t i = o; i < reader->init->count; i += neurons) weights_cut(reader, i);
  }
}

void neurons_cut(struct arena *a, struct graph *g, uint32_t node, const bool *cut) {
  struct readers r = readers_of(a, g, node);
  int64_t neurons = weights_at(g, node)->shape[0];
  for (uint32_t k = 0; k < r.n_makers; k++) own(a, g, r.maker[k]);
  for (uint32_t k = 0; k < r.count; k++) own(a, g, r.node[k]);
  for (int64_t o = 0; o < neurons; o++)
    if (cut[o]) cut_neuron(g, &r, neurons, o);
}

// ---- what can go

static bool is_zero(const struct value *w, int64_t from, int64_t to, int64_t step) {
  for (int64_t i = from; i < to; i += step)
    if (value_real(w, i) != 0) return false;
  return true;
}

static bool is_read(struct graph *g, const struct readers *r, int64_t neurons, int64_t o) {
  for (uint32_t k = 0; k < r->count; k++) {
    const struct value *w = weights_at(g, r->node[k]);
    if (!is_zero(w, o, value_elements(w), neurons)) return true;
  }
  return false;
}

// What the stream is on an image of zeros: where it doesn't depend on the image, what it always is.
static const float *on_zeros(struct arena *a, const struct graph *g, uint32_t value) {
  struct err ignored = {0};
  int64_t elements = 0;
  for (uint32_t i = 0; i < g->n_inputs; i++)
    elements += value_elements(&g->values[g->inputs[i].value]);
  float *x = ARENA_NEW(a, float, elements);
  struct real_tap tap = {value, ARENA_NEW(a, float, value_elements(&g->values[value]))};
  struct real *real = real_new(a, g, &ignored);
  if (!real) return NULL;
  real_run(real, 1, NULL, x, &tap, 1);
  real_free(real);
  return tap.to;
}

static bool pads(const struct node *n) {
  const struct attr *pad = node_attr(n, ATTR_pad);
  for (int64_t i = 0; pad && i < pad->count; i++)
    if (pad->ints[i]) return true;
  return false;
}

// Whether a neuron that is constant is the same number wherever a reader's weight meets it.
static bool is_same(const struct graph *g, const struct node *reader, const float *x,
                    int64_t neurons, int64_t o) {
  const struct value *stream = node_in(g, reader, 0), *w = node_in(g, reader, 1);
  int64_t elements = value_elements(stream);
  bool zero = true, same = true;
  for (int64_t i = o; i < elements; i += neurons) {
    zero &= x[i] == 0;
    same &= x[i] == x[o];
  }
  if (zero) return true;
  bool whole = elements == fan_in(w->rank, w->shape);
  return reader->n_in > 2 && !pads(reader) && (same || whole);
}

// Into the biases goes what the neuron gives.
static void fold(struct arena *a, struct graph *g, uint32_t reader, const float *x, int64_t neurons,
                 int64_t o) {
  struct value *w = weights_at(g, reader), *b = bias_at(g, reader);
  int64_t ins = fan_in(w->rank, w->shape);
  bool whole = value_elements(node_in(g, &g->nodes[reader], 0)) == ins;
  if (!b) return; // it is 0 then
  bias_own(a, b);
  for (int64_t y = 0; y < w->shape[0]; y++) {
    double sum = ((float *)b->init->data)[y];
    for (int64_t i = o; i < ins; i += neurons)
      sum += value_real(w, y * ins + i) * (double)x[whole ? i : o];
    ((float *)b->init->data)[y] = (float)sum;
  }
}

// A neuron without weights is constant: true if the readers' biases have taken it. x: what each
// reads on an image of zeros, once it is known.
static bool folded(struct arena *a, struct graph *g, const struct readers *r, const float **x,
                   int64_t neurons, int64_t o) {
  for (uint32_t k = 0; k < r->count; k++) {
    const struct node *reader = &g->nodes[r->node[k]];
    if (!x[k]) x[k] = on_zeros(a, g, reader->in[0].value);
    if (!x[k] || !is_same(g, reader, x[k], neurons, o)) return false;
  }
  for (uint32_t k = 0; k < r->count; k++) fold(a, g, r->node[k], x[k], neurons, o);
  return true;
}

// ---- smaller layers

// The entries k of an axis with keep[k % neurons]; an axis of 1, of masks, has all.
static struct tensor *narrowed(struct arena *a, const struct tensor *t, int axis, const bool *keep,
                               int64_t neurons, int64_t kept) {
  int64_t shape[RANK_MAX], length = t->shape[axis];
  if (length == 1) return (struct tensor *)t;
  size_t bytes = dtype_size(t->dtype), n = 0;
  size_t inner = (size_t)shape_elements(t->rank - axis - 1, t->shape + axis + 1) * bytes;
  memcpy(shape, t->shape, sizeof shape);
  shape[axis] = length / neurons * kept;
  struct tensor *to = tensor_new(a, t->dtype, t->rank, shape);
  int64_t outer = shape_elements(axis, t->shape);
  for (int64_t i = 0; i < outer * length; i++)
    if (keep[i % length % neurons])
      memcpy((char *)to->data + n++ * inner, (const char *)t->data + (size_t)i * inner, inner);
  return to;
}

static void narrow(struct arena *a, struct value *v, int axis, const bool *keep, int64_t neurons,
                   int64_t kept) {
  if (v->init) v->init = narrowed(a, v->init, axis, keep, neurons, kept);
  if (v->mask) v->mask = narrowed(a, v->mask, axis, keep, neurons, kept);
  v->shape[axis] = v->shape[axis] / neurons * kept;
}

// A depthwise layer has as many groups as channels.
static void set_groups(struct arena *a, struct graph *g, uint32_t node, int64_t kept) {
  struct node *n = &g->nodes[node];
  for (uint32_t k = 0; k < n->n_attr; k++)
    if (n->attr[k].name == ATTR_groups) {
      int64_t *groups = ARENA_NEW(a, int64_t, 1);
      groups[0] = kept;
      n->attr[k].ints = groups;
    }
}

static void shrink(struct arena *a, struct graph *g, const struct readers *r, const bool *keep,
                   int64_t neurons, int64_t kept) {
  for (uint32_t k = 0; k < r->n_makers; k++) {
    struct value *b = bias_at(g, r->maker[k]);
    narrow(a, weights_at(g, r->maker[k]), 0, keep, neurons, kept);
    if (b) narrow(a, b, 0, keep, neurons, kept);
  }
  for (uint32_t k = 0; k < r->n_each; k++) {
    const struct node *n = &g->nodes[r->each[k]];
    for (uint32_t i = 1; i < n->n_in; i++)
      narrow(a, &g->values[n->in[i].value], 0, keep, neurons, kept);
    set_groups(a, g, r->each[k], kept);
  }
  for (uint32_t k = 0; k < r->n_between; k++) {
    struct value *v = &g->values[r->between[k]];
    narrow(a, v, v->rank - 1, keep, neurons, kept);
  }
  for (uint32_t k = 0; k < r->count; k++) {
    struct value *reader = weights_at(g, r->node[k]);
    narrow(a, reader, reader->rank - 1, keep, neurons, kept);
  }
}

// Whether nothing of an input reaches a neuron.
static bool is_constant(struct graph *g, const struct readers *r, int64_t o) {
  for (uint32_t k = 0; k < r->n_makers; k++) {
    const struct value *w = weights_at(g, r->maker[k]);
    int64_t ins = fan_in(w->rank, w->shape);
    if (!is_zero(w, o * ins, (o + 1) * ins, 1)) return false;
  }
  return true;
}

// One stays where all could go.
static bool shrink_layer(struct arena *a, struct graph *g, uint32_t node) {
  struct readers r = readers_of(a, g, node);
  if (r.obstacle) return false;
  int64_t neurons = weights_at(g, node)->shape[0], kept = neurons;
  bool *keep = ARENA_NEW(a, bool, neurons);
  const float **x = ARENA_NEW(a, const float *, r.count + 1);
  for (int64_t o = neurons - 1; o >= 0; o--) {
    keep[o] = true;
    if (kept == 1) continue;
    bool constant = is_constant(g, &r, o);
    if (is_read(g, &r, neurons, o) && !(constant && folded(a, g, &r, x, neurons, o))) continue;
    keep[o] = false;
    kept--;
  }
  if (kept < neurons) shrink(a, g, &r, keep, neurons, kept);
  return kept < neurons;
}

bool neurons_remove(struct arena *a, struct graph *g, struct err *e) {
  for (bool again = true; again;) {
    again = false;
    for (uint32_t i = 0; i < g->n_nodes; i++)
      if (prune_has_weights(g, &g->nodes[i])) again |= shrink_layer(a, g, i);
  }
  return graph_verify(g, e);
}
