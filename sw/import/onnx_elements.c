// SPDX-License-Identifier: Apache-2.0
// Functions of each element: of one stream they become terms, with a number for each channel they
// are scales and shifts, of two streams they join.
#include "sw/graph/norm.h"
#include "sw/import/compose.h"
#include "sw/import/onnx.h"

#include <math.h>
#include <string.h>

// ---- streams

// Numbers for each index of a flat axis go to where our elements are.
static double *placed(struct onnx *o, const struct layout *l, const double *list) {
  int64_t *index = layout_indices(o->arena, l), n = layout_elements(l);
  double *to = ARENA_NEW(o->arena, double, n);
  for (int64_t i = 0; i < n; i++) to[i] = list[index[i]];
  return to;
}

// Whether the channels of a scale and a shift are the outputs of the layer that made the stream.
static bool is_along_outputs(const struct item *x) {
  const struct layout *l = &x->stream.layout;
  int axes[RANK_MAX];
  return l->rank <= 1 || (layout_axes(l, axes) && axes[l->rank - 1] == x->axis);
}

// The bias of a layer that has none yet, and whose output nothing else reads.
static bool make_bias(struct onnx *o, const struct item *x) {
  struct graph *g = o->builder.graph;
  int32_t maker = g->values[x->stream.value].node;
  struct node *n = maker == NONE ? NULL : &g->nodes[maker];
  bool plain = !x->term || x->term->function == FUNCTION_X;
  if (!x->sole || !plain || !n || !op_is(n->op, TRAIT_WEIGHTS) || n->n_in != 2) return false;
  for (int64_t c = 0; c < x->channels; c++)
    if (x->scale[c] != 1) return false;
  int64_t outs = node_in(g, n, 1)->shape[0];
  if (x->channels > 1 && (x->channels != outs || !is_along_outputs(x))) return false;
  struct tensor *t = tensor_new(o->arena, DTYPE_F32, 1, &outs);
  for (int64_t c = 0; c < outs; c++)
    ((float *)t->data)[c] = (float)x->shift[x->channels > 1 ? c : 0];
  uint32_t bias = builder_tensor(&o->builder, arena_printf(o->arena, "%s.bias", n->name), t);
  graph_add_use(g, (uint32_t)maker, (struct use){bias, 0, NONE});
  return true;
}

// A BatchNormalization with the arrays that it has, so that it can be trained on.
static bool make_norm(struct onnx *o, const struct moments *m, struct stream *s) {
  struct builder *b = &o->builder;
  uint32_t in[5] = {s->value};
  for (int i = 0; i < 4; i++) {
    struct tensor *t = tensor_new(o->arena, DTYPE_F32, 1, &m->array[i]->count);
    for (int64_t c = 0; c < t->count; c++)
      ((float *)t->data)[c] = (float)tensor_real(m->array[i], c);
    in[i + 1] = builder_tensor(b, m->name[i], t);
  }
  uint32_t node = builder_node(b, OP_batch_norm, 5, in);
  if (m->epsilon != NORM_EPSILON) graph_add_real(b->graph, node, ATTR_epsilon, m->epsilon);
  return builder_out(b, node, &s->value);
}

static bool make_channels(struct onnx *o, struct item *x, struct stream *s) {
  struct builder *b = &o->builder;
  const double *scale = x->scale, *shift = x->shift;
  int axes[RANK_MAX];
  bool torn = s->layout.rank <= 1 && s->layout.atoms > 1; // its elements lie in another order
  if (!x->moments && make_bias(o, x)) return true;
  if (s->layout.rank <= 1) {
    if (!builder_flat(b, s)) return false;
    if (x->channels > 1) scale = placed(o, &s->layout, scale);
    if (x->channels > 1) shift = placed(o, &s->layout, shift);
  } else if (x->axis != NONE) { // one number suits any order
    if (!layout_axes(&s->layout, axes) && !builder_tidy(b, s, axes)) return false;
    layout_last(axes, s->layout.rank, x->axis);
    if (!builder_arrange(b, s, axes)) return false;
  }
  if (x->moments && !torn) return make_norm(o, x->moments, s);
  return term_affine(b, s, x->channels, scale, shift);
}

bool onnx_made(struct onnx *o, struct item *x, struct stream *out) {
  *out = x->stream;
  if (x->term && !term_make(&o->builder, x->term, &x->stream, out)) return false;
  if (!x->channels) return true;
  const char *node = o->builder.node;
  o->builder.node = x->name;
  if (!make_channels(o, x, out)) return false;
  o->builder.node = node;
  *x = (struct item){.kind = ITEM_STREAM, .stream = *out};
  return true;
}

bool onnx_stream(struct onnx *o, size_t i, struct stream *x) {
  struct item *item = onnx_in(o, i);
  if (!item) return onnx_refuse(o, "check the file", "input %zu is missing", i);
  if (item->kind == ITEM_CONSTANT)
    return onnx_refuse(o, "compute it before the export", "its input \"%s\" is a constant",
                       o->node->input[i]);
  return onnx_made(o, item, x);
}

// ---- constants beside a stream

// The constant without the batch's axis; the only axis of the stream along which it differs, NONE
// if it is one number, -2 if it takes more than one axis.
enum { MANY = -2 };
static int differs_along(struct tensor *t, const struct layout *l) {
  int found = NONE;
  if (t->rank == l->rank + 1 && t->shape[0] == 1) {
    t->rank--;
    memmove(t->shape, t->shape + 1, (size_t)t->rank * sizeof *t->shape);
  }
  if (t->rank > l->rank) return t->count == 1 ? NONE : MANY;
  for (int d = 0; d < t->rank; d++) {
    int axis = d + l->rank - t->rank;
    if (t->shape[d] == 1) continue;
    if (found != NONE || t->shape[d] != l->shape[axis]) return MANY;
    found = axis;
  }
  return found;
}

// scale * x + shift as the first or second operand of a function, with c.
static void compose(enum function f, bool first, double c, double *scale, double *shift) {
  double sign = f == FUNCTION_SUB && !first ? -1 : 1;
  double factor = f == FUNCTION_MUL ? c : f == FUNCTION_DIV ? 1 / c : sign;
  *scale *= factor;
  *shift *= factor;
  if (f == FUNCTION_ADD || f == FUNCTION_SUB) *shift += f == FUNCTION_SUB && first ? -c : c;
}

bool onnx_scaled(struct onnx *o, struct item x, int axis, int64_t channels, const double *scale,
                 const double *shift) {
  if (x.channels && channels > 1 && x.channels > 1 && x.axis != axis) {
    struct stream s = {0};
    if (!onnx_made(o, &x, &s)) return false;
    x = (struct item){.kind = ITEM_STREAM, .stream = s};
  }
  int64_t count = channels > x.channels ? channels : x.channels;
  double *a = ARENA_NEW(o->arena, double, count), *b = ARENA_NEW(o->arena, double, count);
  for (int64_t c = 0; c < count; c++) {
    int64_t own = channels > 1 ? c : 0;
    a[c] = (x.channels ? x.scale[c] : 1) * scale[own];
    b[c] = (x.channels ? x.shift[c] : 0) * scale[own] + shift[own];
  }
  x.axis = channels > 1 || !x.channels ? axis : x.axis;
  x.channels = count;
  x.name = o->builder.node;
  x.scale = a;
  x.shift = b;
  x.moments = NULL;
  onnx_set(o, 0, x);
  return true;
}

// A constant of its own for each element.
static bool join_constant(struct onnx *o, enum function f, size_t stream,
                          const struct tensor *constant) {
  struct stream x = {0};
  struct tensor *t = arena_copy(o->arena, constant, sizeof *t);
  if (!onnx_stream(o, stream, &x)) return false;
  if (!layout_stretches(&x.layout, t))
    return onnx_refuse(o, "give both inputs one shape",
                       "a constant that doesn't stretch to the stream");
  const struct value *v = &o->builder.graph->values[x.value];
  if (!builder_takes(&o->builder, v->rank, v->shape)) return false;
  if (f == FUNCTION_DIV) {
    t = tensor_new(o->arena, DTYPE_F32, constant->rank, constant->shape);
    for (int64_t i = 0; i < t->count; i++)
      ((float *)t->data)[i] = (float)(1 / tensor_real(constant, i));
  }
  uint32_t c = builder_constant_like(&o->builder, &x, t,
                                     arena_printf(o->arena, "%s.constant", o->builder.node));
  uint32_t in[2] = {stream ? c : x.value, stream ? x.value : c};
  enum op op = f == FUNCTION_ADD ? OP_add : f == FUNCTION_SUB ? OP_sub : OP_mul;
  uint32_t node = builder_node(&o->builder, op, 2, in);
  if (!builder_out(&o->builder, node, &x.value)) return false;
  onnx_set_stream(o, 0, x);
  return true;
}

static bool with_constant(struct onnx *o, enum function f, size_t stream) {
  const struct item *x = onnx_in(o, stream);
  struct tensor *t = arena_copy(o->arena, onnx_constant(o, 1 - stream), sizeof *t);
  bool known = f == FUNCTION_ADD || f == FUNCTION_SUB || f == FUNCTION_MUL ||
               (f == FUNCTION_DIV && stream == 0);
  if (!known && t->count == 1) { // of one that has numbers for each channel
    struct stream s = {0};
    struct term *number = term_constant(o->arena, tensor_real(t, 0)), *own = term_x(o->arena);
    if (!onnx_stream(o, stream, &s)) return false;
    struct item made = {.kind = ITEM_STREAM, .stream = s};
    return onnx_set_term(o, &made,
                         term_of(o->arena, f, stream ? number : own, stream ? own : number, NULL));
  }
  if (!known)
    return onnx_refuse(o, "use Add, Sub, Mul or Div", "%s of a stream and an array of constants",
                       o->node->op_type);
  int axis = differs_along(t, &x->stream.layout);
  if (axis == MANY) return join_constant(o, f, stream, t);
  double *scale = ARENA_NEW(o->arena, double, t->count),
         *shift = ARENA_NEW(o->arena, double, t->count);
  for (int64_t c = 0; c < t->count; c++) {
    scale[c] = 1;
    compose(f, stream == 0, tensor_real(t, c), &scale[c], &shift[c]);
  }
  return onnx_scaled(o, *x, axis, t->count, scale, shift);
}

// ---- terms

// The term that an item is of its stream; NULL: it has numbers for each channel.
static struct term *term_in(struct onnx *o, size_t i, const struct item **base) {
  struct item *x = onnx_in(o, i);
  if (x->kind == ITEM_CONSTANT)
    return x->constant->count == 1 ? term_constant(o->arena, tensor_real(x->constant, 0)) : NULL;
  if (x->channels) return NULL;
  bool other = *base && ((*base)->stream.value != x->stream.value ||
                         !layout_equal(&(*base)->stream.layout, &x->stream.layout));
  if (other) return NULL;
  *base = x;
  if (!x->term) x->term = term_x(o->arena);
  return x->term;
}

bool onnx_set_term(struct onnx *o, const struct item *base, struct term *t) {
  t->name = o->builder.node;
  t->op = o->builder.op;
  onnx_set(o, 0, (struct item){.kind = ITEM_STREAM, .stream = base->stream, .term = t});
  return true;
}

// Both inputs in one order of axes; the shorter shape begins with ones.
static bool aligned(struct onnx *o, struct stream x[2], int axes[RANK_MAX]) {
  int longer = x[1].layout.rank > x[0].layout.rank;
  int rank = x[longer].layout.rank, less = rank - x[!longer].layout.rank;
  int64_t shape[RANK_MAX];
  if (less && o->batch != 1)
    return onnx_refuse(o, "give both inputs as many axes",
                       "the batch of one input meets another axis of the other");
  for (int d = 0; d < rank; d++) shape[d] = d < less ? 1 : x[!longer].layout.shape[d - less];
  if (less && !builder_reshape(&o->builder, &x[!longer], rank, shape)) return false;
  if (layout_elements(&x[1].layout) > layout_elements(&x[0].layout)) longer = 1;
  return builder_tidy(&o->builder, &x[longer], axes) &&
         builder_arrange(&o->builder, &x[!longer], axes);
}

static bool join(struct onnx *o, enum op op) {
  struct stream x[2];
  int axes[RANK_MAX];
  int64_t shape[RANK_MAX];
  if (!onnx_stream(o, 0, &x[0]) || !onnx_stream(o, 1, &x[1]) || !aligned(o, x, axes)) return false;
  int rank = x[0].layout.rank;
  int64_t ours[RANK_MAX];
  for (int d = 0; d < rank; d++) {
    int64_t a = x[0].layout.shape[d], b = x[1].layout.shape[d];
    shape[d] = a > b ? a : b;
  }
  for (int k = 0; k < rank; k++) ours[k] = shape[axes[k]];
  for (int i = 0; i < 2; i++)
    if (rank && !compose_spread(&o->builder, &x[i].value, ours)) return false;
  uint32_t node = builder_node(&o->builder, op, 2, (const uint32_t[]){x[0].value, x[1].value});
  if (!builder_out(&o->builder, node, &x[0].value)) return false;
  x[0].layout = layout_new(rank, shape, axes);
  onnx_set_stream(o, 0, x[0]);
  return true;
}

// The largest or smallest element of several streams of one shape, and of a number beside them.
static bool extreme(struct onnx *o, enum function f) {
  const struct tensor *number = NULL;
  struct stream first = {0}, x;
  int axes[RANK_MAX];
  uint32_t n = 0, *in = ARENA_NEW(o->arena, uint32_t, o->node->n_input + 1);
  for (size_t i = 0; i < o->node->n_input; i++) {
    const struct tensor *t = onnx_constant(o, i);
    if (t && (number || t->count != 1))
      return onnx_refuse(o, "use one number beside the streams",
                         "%s of streams and an array of constants", o->node->op_type);
    if (t) {
      number = t;
      continue;
    }
    if (!onnx_stream(o, i, &x)) return false;
    if (n == 0) first = x;
    bool same = x.layout.rank == first.layout.rank;
    for (int d = 0; same && d < x.layout.rank; d++)
      same = x.layout.shape[d] == first.layout.shape[d];
    if (!same)
      return onnx_refuse(o, "give its inputs one shape", "%s of streams of different shapes",
                         o->node->op_type);
    if (n == 0 ? !builder_tidy(&o->builder, &first, axes) : !builder_arrange(&o->builder, &x, axes))
      return false;
    in[n] = n ? x.value : first.value;
    n++;
  }
  if (!(f == FUNCTION_MAX ? compose_max : compose_min)(&o->builder, n, in, &first.value))
    return false;
  if (!number) {
    onnx_set_stream(o, 0, first);
    return true;
  }
  struct item made = {.kind = ITEM_STREAM, .stream = first};
  return onnx_set_term(o, &made,
                       term_of(o->arena, f, term_x(o->arena),
                               term_constant(o->arena, tensor_real(number, 0)), NULL));
}

static bool two_streams(struct onnx *o, enum function f) {
  if (f == FUNCTION_MAX || f == FUNCTION_MIN) return extreme(o, f);
  if (f == FUNCTION_ADD) return join(o, OP_add);
  if (f == FUNCTION_SUB) return join(o, OP_sub);
  if (f == FUNCTION_MUL) return join(o, OP_mul);
  return onnx_refuse(o, "use Add, Sub, Mul, Min or Max", "%s of two streams has no counterpart",
                     o->node->op_type);
}

bool onnx_function(struct onnx *o, int function) {
  enum function f = (enum function)function;
  size_t n = (size_t)function_operands(f);
  struct term *t[3] = {NULL, NULL, NULL};
  const struct item *base = NULL;
  bool terms = true;
  if (o->node->n_input != n) {
    if (f == FUNCTION_MIN || f == FUNCTION_MAX) return onnx_many(o, f);
    return onnx_refuse(o, "check the file", "%zu inputs, expected %zu", o->node->n_input, n);
  }
  for (size_t i = 0; i < n; i++) terms &= (t[i] = term_in(o, i, &base)) != NULL;
  if (terms && base) return onnx_set_term(o, base, term_of(o->arena, f, t[0], t[1], t[2]));
  if (n == 1) { // of one that has numbers for each channel
    struct stream x = {0};
    if (!onnx_stream(o, 0, &x)) return false;
    struct item made = {.kind = ITEM_STREAM, .stream = x};
    return onnx_set_term(o, &made, term_of(o->arena, f, term_x(o->arena), NULL, NULL));
  }
  if (n == 2 && onnx_constant(o, 1)) return with_constant(o, f, 0);
  if (n == 2 && onnx_constant(o, 0)) return with_constant(o, f, 1);
  if (n == 2) return two_streams(o, f);
  return onnx_refuse(o, "use an activation of docs/numerics.md",
                     "Where of more than one stream has no counterpart");
}

// Min and Max of one input or of many, each pair in turn.
bool onnx_many(struct onnx *o, int function) {
  struct term *t = NULL;
  const struct item *base = NULL;
  for (size_t i = 0; i < o->node->n_input; i++) {
    struct term *next = term_in(o, i, &base);
    if (!next) return two_streams(o, (enum function)function);
    t = t ? term_of(o->arena, (enum function)function, t, next, NULL) : next;
  }
  return base && t ? onnx_set_term(o, base, t)
                   : onnx_refuse(o, "check the file", "it has no inputs");
}

// Sum of any number of streams; Mean divides it.
bool onnx_sum(struct onnx *o) {
  const Onnx__NodeProto *whole = o->node;
  Onnx__NodeProto pair = *whole;
  size_t n = whole->n_input;
  char *in[2], *out = n ? whole->output[0] : NULL;
  bool mean = strcmp(whole->op_type, "Mean") == 0, ok = n > 0;
  pair.n_input = 2;
  pair.input = in;
  o->node = &pair;
  if (n == 1) onnx_set(o, 0, *onnx_item(o, whole->input[0]));
  for (size_t i = 1; ok && i < n; i++) {
    in[0] = i == 1 ? whole->input[0] : out;
    in[1] = whole->input[i];
    ok = onnx_function(o, FUNCTION_ADD);
  }
  o->node = whole;
  double scale = 1 / (double)(n ? n : 1), shift = 0;
  if (ok && mean && n > 1) ok = onnx_scaled(o, *onnx_item(o, out), NONE, 1, &scale, &shift);
  return ok;
}
