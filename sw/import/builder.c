// SPDX-License-Identifier: Apache-2.0
#include "sw/import/builder.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// A name as UTF-8: each byte that isn't is a question mark.
static const char *as_text(struct arena *a, const char *name) {
  char *to = arena_strdup(a, name);
  uint32_t code;
  for (size_t i = 0, n; to[i]; i += n ? n : 1)
    if (!(n = text_character(to + i, &code))) to[i] = '?';
  return to;
}

struct builder builder_new(struct arena *a, const char *name, struct refusals *r) {
  return (struct builder){a, graph_new(a, as_text(a, name)), r, json_map(), json_map(), "", "", 0};
}

void builder_free(struct builder *b) {
  json_decref(b->nodes);
  json_decref(b->values);
}

bool builder_refuse(struct builder *b, const char *remedy, const char *format, ...) {
  char reason[512];
  va_list args;
  va_start(args, format);
  vsnprintf(reason, sizeof reason, format, args);
  va_end(args);
  return refuse(b->arena, b->refusals, b->node, b->op, remedy, "%s", reason);
}

void builder_note(struct builder *b, const char *text, bool training) {
  refusals_note(b->arena, b->refusals, b->node, text, training);
}

// `name`, or name.1, name.2, .. if it is taken.
static const char *own_name(struct builder *b, json_t *taken, const char *name) {
  name = as_text(b->arena, name);
  const char *own = name;
  for (int i = 1; json_object_get(taken, own); i++) own = arena_printf(b->arena, "%s.%d", name, i);
  json_put(taken, own, json_true());
  return own;
}

const char *builder_name(struct builder *b, const char *name) {
  return own_name(b, b->values, name);
}

static void layer_shape(const struct stream *x, const int *axes, int64_t shape[RANK_MAX]) {
  for (int k = 0; k < x->layout.rank; k++) shape[k] = x->layout.shape[axes ? axes[k] : k];
}

// Pixels / 255, unless the file says something else.
static const double mean = 0, deviation = 1;

struct stream builder_input(struct builder *b, const char *name, int rank, const int64_t *shape,
                            const int *axes) {
  struct stream x = {.layout = layout_new(rank, shape, axes)};
  int64_t ours[RANK_MAX];
  layer_shape(&x, axes, ours);
  if (rank == 0) ours[0] = 1; // one number
  x.value = graph_add_value(b->graph, own_name(b, b->values, name), rank ? rank : 1, ours,
                            type_real(), true);
  int64_t *order = ARENA_NEW(b->arena, int64_t, RANK_MAX);
  bool moved = false;
  int last = -1; // axes of size 1 change no order
  for (int k = 0; axes && k < rank; k++) {
    order[k] = axes[k];
    if (shape[axes[k]] == 1) continue;
    moved |= axes[k] < last;
    last = axes[k];
  }
  struct source source = {
      .channels = 1, .mean = &mean, .std = &deviation, .axes = moved ? order : NULL};
  graph_add_input(b->graph, x.value, source);
  return x;
}

struct stream builder_stand_in(struct builder *b, int rank, const int64_t *shape) {
  static const int64_t one = 1;
  uint32_t value = graph_add_value(b->graph, own_name(b, b->values, b->node), rank ? rank : 1,
                                   rank ? shape : &one, type_real(), true);
  return (struct stream){.value = value, .layout = layout_new(rank, shape, NULL)};
}

void builder_bytes(struct builder *b, uint32_t value) {
  static const double byte_deviation = 1 / 255.0;
  for (uint32_t i = 0; i < b->graph->n_inputs; i++)
    if (b->graph->inputs[i].value == value) b->graph->inputs[i].source.std = &byte_deviation;
}

void builder_scaled(struct builder *b, uint32_t value, int64_t count, const double *scale) {
  enum { LEAST = 32 };
  bool divided = false;
  for (uint32_t i = 0; i < b->graph->n_inputs; i++)
    divided |= b->graph->inputs[i].value == value && b->graph->inputs[i].source.std == &deviation;
  for (int64_t c = 0; c < count; c++) divided &= fabs(scale[c]) * LEAST <= 1;
  if (!divided) return;
  builder_bytes(b, value);
  builder_note(b,
               "it divides the input by 32 or more: bytes are taken as 0 to 255 (as pixel / 255: "
               "--input-mean 0 --input-std 1)",
               false);
}

// What is computed of finite numbers may be none, or beyond the floats that executors have.
static void check_finite(struct builder *b, const char *name, const struct tensor *t) {
  for (int64_t i = 0; (t->dtype == DTYPE_F32 || t->dtype == DTYPE_F64) && i < t->count; i++) {
    double v = tensor_real(t, i);
    if (fabs(v) <= (double)FLT_MAX) continue;
    builder_refuse(b, "train it again with smaller scales", "element %lld of \"%s\" is %g",
                   (long long)i, name, v);
    return;
  }
}

uint32_t builder_tensor(struct builder *b, const char *name, struct tensor *t) {
  check_finite(b, name, t);
  return graph_add_tensor(b->graph, own_name(b, b->values, name), t, type_real());
}

uint32_t builder_typed(struct builder *b, const char *name, struct tensor *t, struct type type) {
  check_finite(b, name, t);
  return graph_add_tensor(b->graph, own_name(b, b->values, name), t, type);
}

uint32_t builder_node(struct builder *b, enum op op, uint32_t n_in, const uint32_t *in) {
  const char *name = *b->node ? b->node : op_info(op)->name;
  uint32_t node = graph_add_node(b->graph, op, own_name(b, b->nodes, name));
  for (uint32_t i = 0; i < n_in; i++) graph_add_use(b->graph, node, (struct use){in[i], 0, NONE});
  return node;
}

void builder_ints(struct builder *b, uint32_t node, enum attr_name name, int64_t count,
                  const int64_t *list, int64_t otherwise) {
  bool said = false;
  for (int64_t i = 0; i < count; i++) said |= list[i] != otherwise;
  if (said) graph_add_ints(b->graph, node, name, count, list);
}

void builder_int(struct builder *b, uint32_t node, enum attr_name name, int64_t v,
                 int64_t otherwise) {
  if (v != otherwise) graph_add_int(b->graph, node, name, v);
}

bool builder_fits(int rank, const int64_t *shape) {
  int64_t elements = 1;
  for (int d = 0; d < rank; d++) {
    if (shape[d] < 1 || shape[d] > DIM_MAX) return false;
    elements *= shape[d];
    if (elements > ELEMENTS_MAX) return false;
  }
  return true;
}

bool builder_takes(struct builder *b, int rank, const int64_t *shape) {
  int64_t count = 1;
  for (int d = 0; d < rank && count <= MADE_MOST; d++)
    count = shape[d] > MADE_MOST / count ? (int64_t)MADE_MOST + 1 : count * shape[d];
  b->made += count;
  return b->made <= MADE_MOST ||
         builder_refuse(b, "use a smaller image there",
                        "its constants, and those made before, have more than %d elements",
                        MADE_MOST);
}

bool builder_out(struct builder *b, uint32_t node, uint32_t *value) {
  struct graph *g = b->graph;
  struct err e = {0};
  int rank;
  int64_t shape[RANK_MAX];
  const struct node *n = &g->nodes[node];
  if (!graph_shape(g, n, 0, &rank, shape, &e))
    return builder_refuse(b, "change the layer's numbers", "%s", e.text);
  if (!builder_fits(rank, shape))
    return builder_refuse(b, "use a smaller image there",
                          "its output has an axis of more than %lld elements, or more than %lld in "
                          "all",
                          (long long)DIM_MAX, (long long)ELEMENTS_MAX);
  struct type type = op_is(n->op, TRAIT_INDEX) ? type_fixed(b->arena, 32, true, 1, 0)
                     : op_is(n->op, TRAIT_ALIAS | TRAIT_REORDERS) ? node_in(g, n, 0)->type
                                                                  : type_real();
  *value = graph_add_value(g, own_name(b, b->values, n->name), rank, shape, type, true);
  graph_add_out(g, node, *value);
  return true;
}

void builder_output(struct builder *b, uint32_t value, const char *name) {
  name = as_text(b->arena, name);
  struct value *v = &b->graph->values[value];
  bool fresh = v->node != NONE;
  for (uint32_t i = 0; i < b->graph->n_outputs; i++) fresh &= b->graph->outputs[i] != value;
  int32_t other = graph_find_value(b->graph, name);
  if (fresh && strcmp(v->name, name) != 0) {
    if (other != NONE && b->graph->values[other].node != NONE) // what is inside gives way
      b->graph->values[other].name = arena_strdup(b->arena, own_name(b, b->values, name));
    v->name = arena_strdup(
        b->arena, graph_find_value(b->graph, name) == NONE ? name : own_name(b, b->values, name));
  }
  graph_add_output(b->graph, value);
}

// ---- order

static bool reshaped(struct builder *b, struct stream *x, int rank, const int64_t *shape) {
  const struct value *v = &b->graph->values[x->value];
  bool same = v->rank == rank;
  for (int d = 0; same && d < rank; d++) same = v->shape[d] == shape[d];
  if (same) return true;
  const char *name = b->node;
  b->node = x->reshaped ? x->reshaped
                        : arena_printf(b->arena, "%s.%s", name, rank == 1 ? "flatten" : "reshape");
  uint32_t node = builder_node(b, rank == 1 ? OP_flatten : OP_reshape, 1, &x->value);
  b->node = name;
  if (rank != 1) graph_add_ints(b->graph, node, ATTR_shape, rank, shape);
  return builder_out(b, node, &x->value);
}

static bool moved(struct builder *b, struct stream *x, const int *axes) {
  int64_t atoms[ATOMS_MAX], moves[RANK_MAX];
  int order[ATOMS_MAX];
  if (x->layout.atoms > RANK_MAX)
    return builder_refuse(b, "simplify the chain of reshapes before it",
                          "its array is cut into %d parts, at most %d are moved", x->layout.atoms,
                          RANK_MAX);
  layout_moves(&x->layout, axes, atoms, order);
  for (int k = 0; k < x->layout.atoms; k++) moves[k] = order[k];
  struct stream cut = {.value = x->value};
  if (!reshaped(b, &cut, x->layout.atoms, atoms)) return false;
  x->value = cut.value;
  const char *name = b->node;
  b->node = arena_printf(b->arena, "%s.permute", name);
  uint32_t node = builder_node(b, OP_permute, 1, &x->value);
  b->node = name;
  graph_add_ints(b->graph, node, ATTR_axes, x->layout.atoms, moves);
  return builder_out(b, node, &x->value);
}

bool builder_arrange(struct builder *b, struct stream *x, const int *axes) {
  int64_t shape[RANK_MAX];
  layer_shape(x, axes, shape);
  if (x->layout.rank == 0) return builder_flat(b, x);
  if (!layout_is(&x->layout, axes)) {
    if (!moved(b, x, axes)) return false;
    x->layout = layout_new(x->layout.rank, x->layout.shape, axes);
  }
  return reshaped(b, x, x->layout.rank, shape);
}

bool builder_tidy(struct builder *b, struct stream *x, int axes[RANK_MAX]) {
  if (!layout_axes(&x->layout, axes))
    for (int k = 0; k < x->layout.rank; k++) axes[k] = k;
  return builder_arrange(b, x, axes);
}

bool builder_flat(struct builder *b, struct stream *x) {
  int64_t n = layout_elements(&x->layout);
  return reshaped(b, x, 1, &n);
}

bool builder_image(struct builder *b, struct stream *x) {
  return builder_arrange(b, x, x->layout.rank == 2 ? (const int[]){1, 0} : (const int[]){1, 2, 0});
}

static const int plain[RANK_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};

bool builder_output_array(struct builder *b, struct stream x, const char *name) {
  b->node = name;
  b->op = "output";
  if (!builder_arrange(b, &x, plain)) return false;
  builder_output(b, x.value, name);
  return true;
}

bool builder_reshape(struct builder *b, struct stream *x, int rank, const int64_t *shape) {
  if (layout_reshape(&x->layout, rank, shape)) return true;
  if (!builder_arrange(b, x, plain)) return false;
  layout_reshape(&x->layout, rank, shape);
  return true;
}

// ---- constants

// The index in t of element i of the file's array, to which t stretches.
static int64_t stretched(const struct layout *l, const struct tensor *t, int64_t i) {
  int64_t at = 0, stride = 1;
  for (int d = l->rank - 1, k = t->rank - 1; d >= 0; d--, k--) {
    if (k >= 0 && t->shape[k] > 1) at += i % l->shape[d] * stride;
    if (k >= 0) stride *= t->shape[k];
    i /= l->shape[d];
  }
  return at;
}

uint32_t builder_constant_like(struct builder *b, const struct stream *x, const struct tensor *t,
                               const char *name) {
  const struct value *v = &b->graph->values[x->value];
  struct tensor *to = tensor_new(b->arena, DTYPE_F32, v->rank, v->shape);
  int64_t *index = layout_indices(b->arena, &x->layout);
  for (int64_t i = 0; i < to->count; i++)
    ((float *)to->data)[i] = (float)tensor_real(t, stretched(&x->layout, t, index[i]));
  return builder_tensor(b, name, to);
}

bool builder_part(struct builder *b, struct stream *x, const int64_t *begin, const int64_t *end,
                  const int64_t *step) {
  int axes[RANK_MAX], rank = x->layout.rank;
  int64_t list[3][RANK_MAX], shape[RANK_MAX];
  bool whole = true;
  for (int d = 0; d < rank; d++) {
    if (end[d] <= begin[d])
      return builder_refuse(b, "remove it", "nothing is left of axis %d", d + 1);
    shape[d] = (end[d] - begin[d] - 1) / step[d] + 1;
    whole &= shape[d] == x->layout.shape[d];
  }
  if (whole) return true;
  if (!builder_tidy(b, x, axes)) return false;
  for (int k = 0; k < rank; k++) {
    list[0][k] = begin[axes[k]];
    list[1][k] = end[axes[k]];
    list[2][k] = step[axes[k]];
  }
  uint32_t node = builder_node(b, OP_slice, 1, &x->value);
  graph_add_ints(b->graph, node, ATTR_begin, rank, list[0]);
  graph_add_ints(b->graph, node, ATTR_end, rank, list[1]);
  graph_add_ints(b->graph, node, ATTR_step, rank, list[2]);
  if (!builder_out(b, node, &x->value)) return false;
  x->layout = layout_new(rank, shape, axes);
  return true;
}

// ---- signs

// The requant that made signs of a stream, through layers that don't change them; NULL: none.
static const struct node *signs_of(const struct graph *g, uint32_t value) {
  int32_t maker = g->values[value].node;
  const struct node *n = maker == NONE ? NULL : &g->nodes[maker];
  const struct attr *type = n && op_is(n->op, TRAIT_NARROWS) ? node_attr(n, ATTR_type) : NULL;
  if (type) return type_is_bipolar(&type->type) ? n : NULL;
  bool maximum = n && op_is(n->op, TRAIT_WINDOWS) && !op_takes(n->op, ATTR_count_pad);
  bool moves = n && op_is(n->op, TRAIT_ALIAS | TRAIT_REORDERS);
  return moves || maximum ? signs_of(g, n->in[0].value) : NULL;
}

bool builder_with_zero(struct builder *b, struct stream *x) {
  const struct node *signs = signs_of(b->graph, x->value);
  if (!signs) return true;
  double scale = type_scale(&node_attr(signs, ATTR_type)->type, 0);
  const char *name = b->node;
  b->node = arena_printf(b->arena, "%s.numbers", name);
  uint32_t node = builder_node(b, OP_requant, 1, &x->value);
  graph_add_type(b->graph, node, ATTR_type, type_fixed(b->arena, 2, true, scale, 0));
  b->node = name;
  return builder_out(b, node, &x->value);
}

bool builder_pad(struct builder *b, struct stream *x, const int64_t *pad) {
  const struct value *v = &b->graph->values[x->value];
  int rank = v->rank, axes = rank - 1;
  int64_t list[2 * RANK_MAX] = {0}, shape[RANK_MAX] = {v->shape[axes]};
  for (int d = 0; d < axes; d++) {
    list[d] = pad[d];
    list[rank + d] = pad[axes + d];
    if (pad[d] < 0 || pad[axes + d] < 0 || pad[d] > DIM_MAX || pad[axes + d] > DIM_MAX)
      return builder_refuse(b, "check the file", "pads of %lld and %lld elements",
                            (long long)pad[d], (long long)pad[axes + d]);
    shape[d + 1] = v->shape[d] + pad[d] + pad[axes + d];
  }
  const char *name = b->node;
  b->node = arena_printf(b->arena, "%s.pad", name);
  uint32_t node = builder_node(b, OP_pad, 1, &x->value);
  graph_add_ints(b->graph, node, ATTR_pad, 2 * rank, list);
  graph_add_real(b->graph, node, ATTR_value, 0);
  b->node = name;
  x->layout = layout_new(rank, shape, rank == 3 ? (const int[]){1, 2, 0} : (const int[]){1, 0});
  return builder_out(b, node, &x->value);
}
