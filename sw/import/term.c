// SPDX-License-Identifier: Apache-2.0
#include "sw/import/term.h"

#include "sw/import/compose.h"

#include <math.h>
#include <string.h>

enum { DEPTH_MOST = 12, CHAIN = 2 }; // of a function that is looked for behind another

static const struct {
  const char *name;
  int operands;
} functions[] = {
#define FUNCTION(id, name, operands, value) {name, operands},
#include "sw/import/functions.def"
#undef FUNCTION
};

int function_find(const char *name) {
  for (int i = 0; i < FUNCTION_COUNT; i++)
    if (strcmp(functions[i].name, name) == 0) return i;
  return NONE;
}

int function_operands(enum function f) {
  return f < FUNCTION_COUNT ? functions[f].operands : 0;
}

double function_value(enum function f, double x, double y, double z) {
  switch (f) {
#define FUNCTION(id, name, operands, value)                                                        \
  case FUNCTION_##id:                                                                              \
    return value;
#include "sw/import/functions.def"
#undef FUNCTION
  case FUNCTION_COUNT:
  case FUNCTION_X:
  case FUNCTION_CONSTANT:
    break;
  }
  return 0;
}

struct term *term_x(struct arena *a) {
  return term_of(a, FUNCTION_X, NULL, NULL, NULL);
}

struct term *term_constant(struct arena *a, double value) {
  struct term *t = term_of(a, FUNCTION_CONSTANT, NULL, NULL, NULL);
  t->constant = value;
  return t;
}

struct term *term_of(struct arena *a, enum function f, struct term *x, struct term *y,
                     struct term *z) {
  struct term *t = ARENA_NEW(a, struct term, 1);
  *t = (struct term){.function = f, .operand = {x, y, z}};
  return t;
}

double term_value(struct term *t, double x) {
  double v[3] = {0, 0, 0};
  if (t->function == FUNCTION_X) return x;
  if (t->function == FUNCTION_CONSTANT) return t->constant;
  if (t->known && t->at == x) return t->value;
  for (int i = 0; i < function_operands(t->function); i++) v[i] = term_value(t->operand[i], x);
  t->known = true;
  t->at = x;
  return t->value = function_value(t->function, v[0], v[1], v[2]);
}

// ---- layers

bool term_affine(struct builder *b, struct stream *x, int64_t count, const double *scale,
                 const double *shift) {
  const struct value *v = &b->graph->values[x->value];
  int64_t channels = v->rank ? v->shape[v->rank - 1] : 1;
  static const char *const names[] = {"scale", "shift", "mean", "variance"};
  uint32_t in[5] = {x->value};
  builder_scaled(b, x->value, count, scale);
  for (int i = 0; i < 4; i++) {
    struct tensor *t = tensor_new(b->arena, DTYPE_F32, 1, &channels);
    for (int64_t c = 0; c < channels; c++) {
      int64_t k = count == 1 ? 0 : c;
      const double value[] = {scale[k], shift[k], 0, 1};
      ((float *)t->data)[c] = (float)value[i];
    }
    in[1 + i] = builder_tensor(b, arena_printf(b->arena, "%s.%s", b->node, names[i]), t);
  }
  uint32_t node = builder_node(b, OP_batch_norm, 5, in);
  graph_add_real(b->graph, node, ATTR_epsilon, 0);
  return builder_out(b, node, &x->value);
}

static bool is_constant(const struct term *t) {
  return t->function == FUNCTION_CONSTANT;
}

// scale * x + shift, where it is.
static bool make_affine(struct builder *b, struct term *t, struct stream *x, bool *made) {
  double shift, scale;
  *made = term_is_affine(t, &scale, &shift);
  if (!*made || (scale == 1 && shift == 0)) return true;
  return term_affine(b, x, 1, &scale, &shift);
}

static bool make_join(struct builder *b, struct term *t, const struct stream *x,
                      struct stream *out) {
  enum op op = t->function == FUNCTION_ADD ? OP_add : t->function == FUNCTION_SUB ? OP_sub : OP_mul;
  struct stream in[2];
  for (int i = 0; i < 2; i++)
    if (!term_make(b, t->operand[i], x, &in[i])) return false;
  const uint32_t both[] = {in[0].value, in[1].value};
  *out = in[0];
  if (t->function == FUNCTION_MAX) return compose_max(b, 2, both, &out->value);
  if (t->function == FUNCTION_MIN) return compose_min(b, 2, both, &out->value);
  uint32_t node = builder_node(b, op, 2, both);
  return builder_out(b, node, &out->value);
}

static bool unknown(struct builder *b, const struct term *t) {
  return builder_refuse(
      b, "use an activation of docs/numerics.md", "%s of a stream has no counterpart",
      function_operands(t->function) ? functions[t->function].name : "a constant");
}

// A term with `from` as its element; NULL if it isn't one of `from` alone, or a deep one.
static struct term *seen_from(struct arena *a, struct term *t, const struct term *from, int depth) {
  if (t == from) return term_x(a);
  if (is_constant(t)) return t;
  if (t->function == FUNCTION_X || depth == 0) return NULL;
  struct term *to = term_of(a, t->function, NULL, NULL, NULL);
  to->name = t->name;
  to->op = t->op;
  for (int i = 0; i < function_operands(t->function); i++)
    if (!(to->operand[i] = seen_from(a, t->operand[i], from, depth - 1))) return NULL;
  return to;
}

// Of y and functions of y, such as y sigmoid(y), where y is a term: y first, and then the rest. It
// is looked for among the operands of `among`, and theirs.
static struct term *split(struct builder *b, struct term *t, const struct term *among, int depth,
                          struct term **inner) {
  for (int i = 0; i < function_operands(among->function); i++) {
    struct term *y = *inner = among->operand[i];
    if (is_constant(y) || y->function == FUNCTION_X) continue;
    struct term *outer = seen_from(b->arena, t, y, DEPTH_MOST);
    if (!outer && depth) outer = split(b, t, y, depth - 1, inner);
    if (outer) return outer;
  }
  return NULL;
}

static bool joins(const struct term *t) {
  return t->function == FUNCTION_ADD || t->function == FUNCTION_SUB ||
         t->function == FUNCTION_MUL || t->function == FUNCTION_MAX || t->function == FUNCTION_MIN;
}

// ---- the same in other words

static struct term *named_like(struct term *to, const struct term *t) {
  to->name = t->name;
  to->op = t->op;
  return to;
}

enum { POWER_MOST = 16 };
static struct term *power(struct arena *a, struct term *x, int n) {
  if (n == 1) return x;
  struct term *half = power(a, x, n / 2), *even = term_of(a, FUNCTION_MUL, half, half, NULL);
  return n % 2 ? term_of(a, FUNCTION_MUL, even, x, NULL) : even;
}

// a x above 0 and b x below: a leaky_relu, or above relu(x) - below relu(-x).
static struct term *slopes(struct arena *a, struct term *x, double below, double above) {
  struct term *zero = term_constant(a, 0);
  struct term *up = term_of(a, FUNCTION_MAX, x, zero, NULL);
  struct term *down = term_of(a, FUNCTION_MAX, term_of(a, FUNCTION_NEG, x, NULL, NULL), zero, NULL);
  if (above > 0 && below > 0) {
    struct term *low = term_of(a, FUNCTION_MUL, term_constant(a, below / above), x, NULL);
    struct term *leaky =
        term_of(a, FUNCTION_WHERE, term_of(a, FUNCTION_LESS, x, zero, NULL), low, x);
    return term_of(a, FUNCTION_MUL, term_constant(a, above), leaky, NULL);
  }
  struct term *first = term_of(a, FUNCTION_MUL, term_constant(a, above), up, NULL);
  struct term *second = term_of(a, FUNCTION_MUL, term_constant(a, -below), down, NULL);
  return below == 0 ? first : term_of(a, FUNCTION_ADD, first, second, NULL);
}

// What Where makes of x with two slopes; NULL: something else.
static struct term *piecewise(struct arena *a, struct term *t) {
  double below, above;
  bool is = t->function == FUNCTION_WHERE && term_slopes(t, &below, &above);
  return is ? slopes(a, term_x(a), below, above) : NULL;
}

// The same term of factor * x; NULL: it is too deep.
static struct term *stretched(struct arena *a, struct term *t, double factor, int depth) {
  if (is_constant(t)) return t;
  if (t->function == FUNCTION_X)
    return term_of(a, FUNCTION_MUL, term_constant(a, factor), term_x(a), NULL);
  if (depth == 0) return NULL;
  struct term *to = term_of(a, t->function, NULL, NULL, NULL);
  for (int i = 0; i < function_operands(t->function); i++)
    if (!(to->operand[i] = stretched(a, t->operand[i], factor, depth - 1))) return NULL;
  return to;
}

// f(c x) / c of an activation f and a constant c of the term, as softplus with a beta and
// x sigmoid(1.702 x) are: the layers for it. *made: whether it is that.
static bool make_rescaled(struct builder *b, struct term *t, struct stream *x, bool *made) {
  double list[TERM_CONSTANTS], none = 0;
  const char *name = b->node;
  int n = term_constants(t, list);
  *made = false;
  for (int k = 0; k < n && !*made; k++) {
    double c = list[k], back = 1 / c;
    struct term *inner = c > 0 && c != 1 ? stretched(b->arena, t, back, DEPTH_MOST) : NULL;
    struct term *f =
        inner ? term_of(b->arena, FUNCTION_MUL, term_constant(b->arena, c), inner, NULL) : NULL;
    if (!f || !term_is_rescaled(t, f, c)) continue;
    b->node = arena_printf(b->arena, "%s.in", name);
    bool ok = term_affine(b, x, 1, &c, &none);
    b->node = name;
    if (!ok || !term_match(b, f, x, made)) return false;
    b->node = arena_printf(b->arena, "%s.out", name);
    ok = term_affine(b, x, 1, &back, &none);
    b->node = name;
    return ok;
  }
  return true;
}

// x^2 is x x, |x| is max(x, -x), (x y) / c is x (y / c): the product of x and clip(x + 3, 0, 6) is
// six times as large as hard-swish. NULL: there are no others.
static struct term *otherwise(struct arena *a, const struct term *t) {
  struct term *x = t->operand[0], *y = t->operand[1];
  if (t->function == FUNCTION_ABS)
    return term_of(a, FUNCTION_ADD, term_of(a, FUNCTION_MAX, x, term_constant(a, 0), NULL),
                   term_of(a, FUNCTION_MAX, term_of(a, FUNCTION_NEG, x, NULL, NULL),
                           term_constant(a, 0), NULL),
                   NULL);
  if (t->function == FUNCTION_POW && is_constant(y) && y->constant == rint(y->constant) &&
      y->constant > 1 && y->constant <= POWER_MOST)
    return power(a, x, (int)y->constant);
  bool scales = (t->function == FUNCTION_MUL || t->function == FUNCTION_DIV) && is_constant(y);
  bool factor = t->function == FUNCTION_MUL && is_constant(x);
  struct term *product = scales ? x : factor ? y : NULL;
  if (!product || product->function != FUNCTION_MUL || is_constant(product->operand[0]) ||
      is_constant(product->operand[1]) || product->operand[0] == product->operand[1])
    return NULL;
  if (term_is_activation(product)) return NULL;
  int inner = product->operand[1]->function == FUNCTION_X ? 0 : 1;
  struct term *scaled = term_of(a, t->function, scales ? product->operand[inner] : x,
                                scales ? y : product->operand[inner], NULL);
  return term_of(a, FUNCTION_MUL, product->operand[!inner], scaled, NULL);
}

// ---- parts

// x above a number, else 0: hardshrink of relu.
static bool make_threshold(struct builder *b, double threshold, const struct stream *x,
                           struct stream *out) {
  struct arena *a = b->arena;
  struct stream first = {0};
  struct term *zero = term_constant(a, 0), *size = term_of(a, FUNCTION_ABS, term_x(a), NULL, NULL);
  struct term *up = term_of(a, FUNCTION_MAX, term_x(a), zero, NULL);
  struct term *over = term_of(a, FUNCTION_GREATER, size, term_constant(a, threshold), NULL);
  return term_make(b, up, x, &first) &&
         term_make(b, term_of(a, FUNCTION_WHERE, over, term_x(a), zero), &first, out);
}

// Its operand first, and then its root of that alone.
static bool take_apart(struct builder *b, struct term *t, const struct stream *x,
                       struct stream *out) {
  int inner = NONE, n = function_operands(t->function);
  double threshold;
  if (t->function == FUNCTION_WHERE && term_threshold(t, &threshold))
    return make_threshold(b, threshold, x, out);
  struct term *other = otherwise(b->arena, t);
  if (!other) other = piecewise(b->arena, t);
  if (other) return term_make(b, named_like(other, t), x, out);
  for (int i = 0; i < n; i++) {
    if (is_constant(t->operand[i])) continue;
    if (inner != NONE && t->operand[i] != t->operand[inner]) {
      struct term *y, *outer = split(b, t, t, 1, &y);
      struct stream first = {0};
      if (outer) return term_make(b, y, x, &first) && term_make(b, outer, &first, out);
      return joins(t) ? make_join(b, t, x, out) : unknown(b, t);
    }
    inner = i;
  }
  if (inner == NONE || t->operand[inner]->function == FUNCTION_X) {
    bool square = t->function == FUNCTION_MUL && n == 2 && t->operand[0] == t->operand[1];
    return square ? make_join(b, t, x, out) : unknown(b, t);
  }
  struct term *y, *behind = split(b, t, t->operand[inner], CHAIN, &y);
  struct stream first = {0};
  if (behind && term_is_activation(behind)) // log(sigmoid(y)): y first
    return term_make(b, y, x, &first) && term_make(b, behind, &first, out);
  struct stream middle = {0};
  struct term *root = arena_copy(b->arena, t, sizeof *t);
  struct term *operand = t->operand[inner];
  root->known = false;
  for (int i = 0; i < n; i++)
    if (t->operand[i] == operand) root->operand[i] = term_x(b->arena);
  return term_make(b, operand, x, &middle) && term_make(b, root, &middle, out);
}

bool term_make(struct builder *b, struct term *t, const struct stream *x, struct stream *out) {
  bool made = true;
  const char *node = b->node, *op = b->op;
  if (!t->made) {
    if (t->name) b->node = t->name;
    if (t->op) b->op = t->op;
    t->stream = *x;
    if (!make_affine(b, t, &t->stream, &made)) return false;
    if (!made && !term_match(b, t, &t->stream, &made)) return false;
    if (!made && !make_rescaled(b, t, &t->stream, &made)) return false;
    if (!made && !take_apart(b, t, x, &t->stream)) return false;
    t->made = true;
    b->node = node;
    b->op = op;
  }
  *out = t->stream;
  return true;
}
