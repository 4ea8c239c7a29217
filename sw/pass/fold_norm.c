// SPDX-License-Identifier: Apache-2.0
#include "sw/pass/fold_norm.h"

#include "sw/graph/norm.h"
#include "sw/graph/weights.h"
#include "sw/pass/copy.h"

#include <math.h>
#include <string.h>

struct folder {
  struct arena *arena;
  const struct graph *model;
  struct graph_copy copy;
  int32_t *behind; // (nodes of the model) the batch_norm that goes into it; NONE
  char *without;   // (nodes) a batch_norm that goes into another, a requant that came earlier
};

// g and the shift of a channel.
struct affine {
  double *factor, *shift; // (channels)
};

static struct affine affine_of(struct arena *a, const struct graph *g, const struct node *n) {
  const struct tensor *gamma = node_in(g, n, NORM_GAMMA)->init,
                      *beta = node_in(g, n, NORM_BETA)->init,
                      *mean = node_in(g, n, NORM_MEAN)->init,
                      *variance = node_in(g, n, NORM_VARIANCE)->init;
  double epsilon = node_real(n, ATTR_epsilon, NORM_EPSILON);
  struct affine f = {ARENA_NEW(a, double, gamma->count), ARENA_NEW(a, double, gamma->count)};
  for (int64_t c = 0; c < gamma->count; c++) {
    f.factor[c] = tensor_real(gamma, c) / sqrt(tensor_real(variance, c) + epsilon);
    f.shift[c] = tensor_real(beta, c) - tensor_real(mean, c) * f.factor[c];
  }
  return f;
}

// A tensor of layer `n`; of one that several layers read, each gets its own.
static uint32_t add_doubles(struct folder *f, const struct node *n, const char *name, int rank,
                            const int64_t *shape, double **data) {
  struct tensor *t = tensor_new(f->arena, DTYPE_F64, rank, shape);
  *data = t->data;
  if (graph_find_value(f->copy.to, name) != NONE)
    name = arena_printf(f->arena, "%s.%s", n->name, name);
  return graph_add_tensor(f->copy.to, name, t, type_real());
}

// ---- into the layer before

static bool all_constant(const struct graph *g, const struct node *n, uint32_t from) {
  bool all = true;
  for (uint32_t i = from; i < n->n_in; i++) all &= node_in(g, n, i)->init && !n->in[i].delay;
  return all;
}

// The layer with weights of its own, which takes a bias, whose output only this node reads, and
// whose channels are its.
static int32_t layer_before(const struct graph *g, const struct node *n, const int *readers) {
  uint32_t x = n->in[NORM_X].value;
  int32_t before = g->values[x].node;
  if (before == NONE || n->in[NORM_X].delay || readers[x] != 1) return NONE;
  const struct node *layer = &g->nodes[before];
  bool fits = op_is(layer->op, TRAIT_WEIGHTS) && op_info(layer->op)->in_max > 2 &&
              all_constant(g, layer, 1) && !node_attr(layer, ATTR_slice) &&
              node_in(g, layer, 1)->shape[0] == node_in(g, n, NORM_GAMMA)->shape[0];
  return fits ? before : NONE;
}

static void find_folds(struct folder *f) {
  const struct graph *g = f->model;
  struct arena scratch = {0};
  int *readers = ARENA_NEW(&scratch, int, g->n_values);
  for (uint32_t i = 0; i < g->n_outputs; i++) readers[g->outputs[i]]++;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) readers[g->nodes[i].in[k].value]++;
  char *named = copy_named(&scratch, g);
  for (uint32_t i = 0; i < g->n_nodes; i++) f->behind[i] = NONE;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    if (g->nodes[i].op != OP_batch_norm || named[i]) continue;
    int32_t before = layer_before(g, &g->nodes[i], readers);
    if (before == NONE || named[before]) continue;
    f->behind[before] = (int32_t)i;
    f->without[i] = 1;
  }
  arena_free(&scratch);
}

// Whether a code would have no negative.
static bool lacks_negative(const struct value *w, const struct affine *own) {
  int64_t taps = fan_in(w->rank, w->shape), lowest = type_lowest(&w->type);
  bool lacks = false;
  for (int64_t i = 0; i < w->init->count; i++)
    lacks |= own->factor[i / taps] < 0 && tensor_int(w->init, i) == lowest;
  return lacks && type_is_fixed(&w->type);
}

// Integers stay integers: each output's scale takes the factor's size, its codes the sign.
static uint32_t put_integers(struct folder *f, const struct node *n, const struct value *w,
                             const struct affine *own) {
  int64_t outs = w->shape[0], taps = fan_in(w->rank, w->shape);
  double *scale = ARENA_NEW(f->arena, double, outs);
  int32_t *zero = ARENA_NEW(f->arena, int32_t, outs);
  for (int64_t o = 0; o < outs; o++) {
    double factor = fabs(own->factor[o]);
    scale[o] = type_scale(&w->type, o) * (factor > 0 ? factor : 1);
  }
  int width = w->type.width + lacks_negative(w, own);
  struct type type =
      type_is_fixed(&w->type)       ? type_channels(f->arena, width, true, 0, outs, scale, zero)
      : type_is_minifloat(&w->type) ? type_minifloat(f->arena, &w->type.minifloat, 0, outs, scale)
      : type_is_residual(&w->type)  ? type_residual(f->arena, &w->type.residual, 0, outs, scale)
                                    : type_signs(f->arena, w->type.cls, 0, outs, scale);
  struct tensor *t = tensor_new(f->arena, dtype_for(&type), w->rank, w->shape);
  for (int64_t i = 0; i < t->count; i++) {
    double factor = own->factor[i / taps];
    int64_t code = type_integer(&w->type, i / taps, tensor_int(w->init, i));
    tensor_set_int(t, i, factor < 0 ? -code : factor > 0 ? code : 0);
  }
  const char *name = w->name;
  if (graph_find_value(f->copy.to, name) != NONE)
    name = arena_printf(f->arena, "%s.%s", n->name, name);
  return graph_add_tensor(f->copy.to, name, t, type);
}

// Weights that stay integers have a factor of one sign or the other, not 0 of signs and their sums.
static bool keeps_integers(const struct value *w, const struct affine *own) {
  bool numbers = type_is_fixed(&w->type) || type_is_minifloat(&w->type);
  bool keeps =
      type_is_integer(&w->type) && !type_is_block(&w->type) && (!numbers || w->type.is_signed);
  for (int64_t o = 0; o < w->shape[0]; o++) keeps &= own->factor[o] != 0 || numbers;
  return keeps;
}

static uint32_t put_weights(struct folder *f, const struct node *n, const struct value *w,
                            const struct affine *own) {
  double *weight;
  int64_t taps = fan_in(w->rank, w->shape);
  if (keeps_integers(w, own)) return put_integers(f, n, w, own);
  uint32_t id = add_doubles(f, n, w->name, w->rank, w->shape, &weight);
  for (int64_t i = 0; i < w->init->count; i++) weight[i] = value_real(w, i) * own->factor[i / taps];
  return id;
}

static void put_layer(struct folder *f, const struct node *n, const struct node *norm) {
  const struct graph *g = f->model;
  struct graph *to = f->copy.to;
  const struct value *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  struct affine own = affine_of(f->arena, g, norm);
  double *bias;
  const char *bias_name = b ? b->name : arena_printf(f->arena, "%s.bias", n->name);
  uint32_t wid = put_weights(f, n, w, &own);
  uint32_t bid = add_doubles(f, n, bias_name, 1, w->shape, &bias);
  to->values[wid].mask = w->mask;
  for (int64_t o = 0; o < w->shape[0]; o++)
    bias[o] = (b ? value_real(b, o) * own.factor[o] : 0) + own.shift[o];
  struct node made = *n;
  made.n_in = 1;
  uint32_t node = copy_made(&f->copy, &made, n->name);
  f->copy.node[n - g->nodes] = (int32_t)node;
  graph_add_use(to, node, (struct use){wid, 0, NONE});
  graph_add_use(to, node, (struct use){bid, 0, NONE});
  for (uint32_t i = 0; i < norm->n_origin; i++) graph_add_origin(to, node, norm->origin[i]);
  copy_outputs(&f->copy, norm, node);
}

// ---- a depthwise convolution

// An output of `node` of this shape.
static uint32_t put_out(struct folder *f, uint32_t node, const char *name, int rank,
                        const int64_t *shape, const struct value *like) {
  uint32_t v = graph_add_value(f->copy.to, name, rank, shape, type_real(), like->per_frame);
  graph_add_out(f->copy.to, node, v);
  return v;
}

static uint32_t put_reshape(struct folder *f, uint32_t x, const char *name, const char *out,
                            int rank, const int64_t *shape) {
  struct graph *to = f->copy.to;
  uint32_t node = graph_add_node(to, OP_reshape, name);
  graph_add_use(to, node, (struct use){x, 0, NONE});
  graph_add_ints(to, node, ATTR_shape, rank, shape);
  struct value like = to->values[x];
  return put_out(f, node, out, rank, shape, &like);
}

// The requant that alone reads what a node gives; NONE: there is none.
static int32_t only_narrowed(const struct graph *g, const struct node *n) {
  int32_t found = NONE;
  uint32_t readers = 0;
  for (uint32_t i = 0; i < g->n_outputs; i++) readers += g->outputs[i] == n->out[0];
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      const struct use *u = &g->nodes[i].in[k];
      if (u->value != n->out[0]) continue;
      readers++;
      if (op_is(g->nodes[i].op, TRAIT_NARROWS) && !u->delay) found = (int32_t)i;
    }
  return readers == 1 ? found : NONE;
}

// (P, C), P pixels, is what conv1d takes, (H, W, C) what conv2d does; the values of other ranks are
// brought to the first and back.
static void put_depthwise(struct folder *f, const struct node *n) {
  const struct graph *g = f->model;
  struct graph *to = f->copy.to;
  const struct value *x = node_in(g, n, NORM_X), *y = node_out(g, n, 0);
  int64_t channels = x->shape[x->rank - 1], flat[2] = {value_elements(x) / channels, channels};
  int64_t kernel[4] = {channels, 1, 1, 1};
  struct affine own = affine_of(f->arena, g, n);
  double *weight, *bias;
  uint32_t in = copy_value(&f->copy, n->in[NORM_X].value);
  bool whole = x->rank == 2 || x->rank == 3;
  const char *pixels = arena_printf(f->arena, "%s.pixels", n->name);
  if (!whole) in = put_reshape(f, in, pixels, pixels, 2, flat);
  uint32_t node = graph_add_node(to, x->rank == 3 ? OP_conv2d : OP_conv1d, n->name);
  uint32_t w = add_doubles(f, n, arena_printf(f->arena, "%s.weight", n->name), x->rank == 3 ? 4 : 3,
                           kernel, &weight);
  uint32_t b = add_doubles(f, n, arena_printf(f->arena, "%s.bias", n->name), 1, kernel, &bias);
  memcpy(weight, own.factor, (size_t)channels * sizeof *weight);
  memcpy(bias, own.shift, (size_t)channels * sizeof *bias);
  graph_add_use(to, node, (struct use){in, 0, NONE});
  graph_add_use(to, node, (struct use){w, 0, NONE});
  graph_add_use(to, node, (struct use){b, 0, NONE});
  graph_add_int(to, node, ATTR_groups, channels);
  for (uint32_t i = 0; i < n->n_origin; i++) graph_add_origin(to, node, n->origin[i]);
  f->copy.node[n - g->nodes] = (int32_t)node;
  if (whole) {
    copy_outputs(&f->copy, n, node);
    return;
  }
  uint32_t out = put_out(f, node, arena_printf(f->arena, "%s.normal", n->name), 2, flat, y);
  const char *shape = arena_printf(f->arena, "%s.shape", n->name);
  const struct node *last = n;
  int32_t narrows = only_narrowed(g, n);
  if (narrows != NONE) { // the convolution's own type, in front of the reshape
    last = &g->nodes[narrows];
    f->copy.value[n->out[0]] = (int32_t)out;
    node = copy_node(&f->copy, last, last->name);
    out = put_out(f, node, arena_printf(f->arena, "%s.normal", last->name), 2, flat, y);
    f->without[narrows] = 1;
  }
  y = node_out(g, last, 0);
  f->copy.value[last->out[0]] = (int32_t)put_reshape(f, out, shape, y->name, y->rank, y->shape);
}

// ---- the whole

static bool check(const struct graph *g, const struct node *n, struct err *e) {
  if (n->n_in > NORM_STEP)
    return err_set(e, "layer \"%s\": it normalises by the frames of a step: only in training",
                   n->name);
  return all_constant(g, n, NORM_GAMMA) ||
         err_set(e, "layer \"%s\": its gamma, beta, mean or variance is computed", n->name);
}

static void put_node(struct folder *f, uint32_t i) {
  const struct node *n = &f->model->nodes[i];
  if (f->without[i]) return;
  if (f->behind[i] != NONE)
    put_layer(f, n, &f->model->nodes[f->behind[i]]);
  else if (n->op == OP_batch_norm)
    put_depthwise(f, n);
  else
    copy_outputs(&f->copy, n, copy_node(&f->copy, n, n->name));
}

struct graph *fold_norm(struct arena *a, struct graph *model, struct err *e) {
  bool any = false;
  for (uint32_t i = 0; i < model->n_nodes; i++) {
    if (model->nodes[i].op != OP_batch_norm) continue;
    any = true;
    if (!check(model, &model->nodes[i], e)) return NULL;
  }
  if (!any) return model;
  struct folder f = {.arena = a,
                     .model = model,
                     .copy = copy_new(a, model),
                     .behind = ARENA_NEW(a, int32_t, model->n_nodes),
                     .without = ARENA_NEW(a, char, model->n_nodes)};
  find_folds(&f);
  copy_inputs(&f.copy);
  for (uint32_t i = 0; i < model->n_nodes; i++) put_node(&f, i);
  copy_graph_outputs(&f.copy);
  copy_controls(&f.copy);
  return graph_verify(f.copy.to, e) ? f.copy.to : NULL;
}
