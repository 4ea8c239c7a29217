// SPDX-License-Identifier: Apache-2.0
#include "sw/import/term.h"

#include <math.h>
#include <string.h>

enum { DEPTH_MOST = 12 }; // of a function that is looked for behind another

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
  double shift = term_value(t, 0), scale = term_value(t, 1) - shift;
  static const double at[] = {-1e4, -97, -3.5, -1, -0.25, 0.125, 2, 5.5, 41, 1e4};
  *made = false;
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    double expected = scale * at[i] + shift, found = term_value(t, at[i]);
    if (!(fabs(expected - found) <= 1e-9 * (1 + fabs(expected)))) return true;
  }
  *made = true;
  if (scale == 1 && shift == 0) return true;
  return term_affine(b, x, 1, &scale, &shift);
}

static bool make_join(struct builder *b, struct term *t, const struct stream *x,
                      struct stream *out) {
  enum op op = t->function == FUNCTION_ADD ? OP_add : t->function == FUNCTION_SUB ? OP_sub : OP_mul;
  struct stream in[2];
  for (int i = 0; i < 2; i++)
    if (!term_make(b, t->operand[i], x, &in[i])) return false;
  uint32_t node = builder_node(b, op, 2, (const uint32_t[]){in[0].value, in[1].value});
  *out = in[0];
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

// Its operand first, and then its root of that alone.
static bool take_apart(struct builder *b, struct term *t, const struct stream *x,
                       struct stream *out) {
  int inner = NONE, n = function_operands(t->function);
  for (int i = 0; i < n; i++) {
    if (is_constant(t->operand[i])) continue;
    if (inner != NONE && t->operand[i] != t->operand[inner]) {
      struct term *y, *outer = split(b, t, t, 1, &y);
      struct stream first;
      if (outer) return term_make(b, y, x, &first) && term_make(b, outer, &first, out);
      bool joins =
          t->function == FUNCTION_ADD || t->function == FUNCTION_SUB || t->function == FUNCTION_MUL;
      return joins ? make_join(b, t, x, out) : unknown(b, t);
    }
    inner = i;
  }
  if (inner == NONE || t->operand[inner]->function == FUNCTION_X) {
    bool square = t->function == FUNCTION_MUL && n == 2 && t->operand[0] == t->operand[1];
    return square ? make_join(b, t, x, out) : unknown(b, t);
  }
  struct stream middle;
  struct term *root = arena_copy(b->arena, t, sizeof *t);
  struct term *operand = t->operand[inner];
  root->known = false;
  for (int i = 0; i < n; i++)
    if (t->operand[i] == operand) root->operand[i] = term_x(b->arena);
  return term_make(b, operand, x, &middle) && term_make(b, root, &middle, out);
}

bool term_make(struct builder *b, struct term *t, const struct stream *x, struct stream *out) {
  bool made = true;
  const char *node = b->node;
  if (!t->made) {
    if (t->name) b->node = t->name;
    t->stream = *x;
    if (!make_affine(b, t, &t->stream, &made)) return false;
    if (!made && !term_match(b, t, &t->stream, &made)) return false;
    if (!made && !take_apart(b, t, x, &t->stream)) return false;
    t->made = true;
    b->node = node;
  }
  *out = t->stream;
  return true;
}
