// SPDX-License-Identifier: Apache-2.0
// The activation that a term is: its numbers are read off the term's values, and then both have the
// same value on a grid, around each constant of the term, and far out.
#include "sw/graph/curve.h"
#include "sw/graph/exact.h"
#include "sw/import/term.h"

#include <math.h>
#include <stdlib.h>

enum { CONSTANTS_MAX = TERM_CONSTANTS, FAR = 40, SMALL = -20, GRID = 640 };

struct candidate {
  enum op op;
  const char *approximate; // gelu's
  struct exact_reals reals;
  double alpha;
};

static int list_constants(struct term *t, double *list, int n) {
  if (t->listed) return n;
  t->listed = true;
  for (int i = 0; i < function_operands(t->function); i++)
    n = list_constants(t->operand[i], list, n);
  if (t->function == FUNCTION_CONSTANT && n < CONSTANTS_MAX) list[n++] = t->constant;
  return n;
}

static void unlist(struct term *t) {
  if (!t->listed) return;
  t->listed = false;
  for (int i = 0; i < function_operands(t->function); i++) unlist(t->operand[i]);
}

int term_constants(struct term *t, double list[TERM_CONSTANTS]) {
  int n = list_constants(t, list, 0);
  unlist(t);
  return n;
}

static int grid_of(struct term *t, double *grid) {
  double list[CONSTANTS_MAX];
  int n = 0, constants = term_constants(t, list);
  for (int i = -120; i <= 120; i++) grid[n++] = i / 8.0 + 1 / 64.0;
  for (int i = -FAR; i <= FAR; i++) grid[n++] = i < 0 ? -exp2(-i) * 1.1 : exp2(i) * 1.1 - 1.1;
  for (int i = SMALL; i < 0; i++) { // and near 0
    grid[n++] = exp2(i) * 1.1;
    grid[n++] = -exp2(i) * 1.1;
  }
  for (int i = 0; i < constants; i++)
    for (int k = -1; k <= 1; k++) {
      grid[n++] = list[i] + k / 4096.0;
      grid[n++] = -list[i] + k / 4096.0;
    }
  return n;
}

static double value_of(const struct candidate *c, double x) {
  const struct op_info *info = op_info(c->op);
  int curve = c->approximate ? CURVE_GELU_TANH : info->curve;
  return curve != NONE ? curve_real((enum curve)curve, c->alpha, x)
                       : exact_of(c->op)->real(x, &c->reals);
}

// Far out a term may overflow where the activation doesn't: log(1 + exp(x)). Small numbers count as
// much as large ones, in a term that has none that are larger.
static bool equal(struct term *t, const struct candidate *c, const double *grid, int n) {
  double size = 0;
  for (int i = 0; i < n; i++) size = fmax(size, fabs(term_value(t, grid[i])));
  size = fmin(size, 1);
  for (int i = 0; i < n; i++) {
    double expected = term_value(t, grid[i]), found = value_of(c, grid[i]);
    if (!isfinite(expected) && fabs(grid[i]) > 64) continue;
    if (!(fabs(expected - found) <= 1e-6 * (size + fabs(expected)))) return false;
  }
  return true;
}

// What its attributes would be.
static struct candidate candidate_of(struct term *t, enum op op) {
  struct candidate c = {.op = op, .alpha = 1};
  c.reals.lo = term_value(t, -1e30);
  c.reals.hi = term_value(t, 1e30);
  if (op == OP_relu6) c.reals = (struct exact_reals){.lo = 0, .hi = 6};
  if (op == OP_hard_tanh) c.reals = (struct exact_reals){.lo = -1, .hi = 1};
  if (op == OP_leaky_relu) c.reals.slope = -term_value(t, -1);
  for (double far = 1024; op == OP_softshrink && !c.reals.lambda && far <= 0x1p40; far *= 1024)
    if (term_value(t, far) != 0) c.reals.lambda = far - term_value(t, far);
  if (op == OP_hard_sigmoid) {
    c.reals.offset = term_value(t, 0);
    c.reals.slope = 4 * (term_value(t, 0.25) - c.reals.offset);
  }
  if (op == OP_elu) c.alpha = -term_value(t, -700);
  return c;
}

static bool sensible(const struct candidate *c) {
  if (c->op == OP_clip)
    return isfinite(c->reals.lo) && isfinite(c->reals.hi) && c->reals.lo < c->reals.hi;
  if (c->op == OP_leaky_relu || c->op == OP_hard_sigmoid) return c->reals.slope > 0;
  if (c->op == OP_softshrink || c->op == OP_hardshrink) return c->reals.lambda > 0;
  return true;
}

// A number that was found from values: a fraction with a small denominator, or 14 digits of it.
static double tidied(double v) {
  char text[40];
  for (int under = 1; under <= 12; under++) {
    double over = rint(v * under);
    if (fabs(over) < 1000 && fabs(v * under - over) <= 1e-12 * fabs(over)) return over / under;
  }
  snprintf(text, sizeof text, "%.14g", v);
  return strtod(text, NULL);
}

static void add_attrs(struct graph *g, uint32_t node, const struct candidate *c) {
  const struct {
    enum attr_name name;
    double value;
  } reals[] = {{ATTR_lo, c->reals.lo},         {ATTR_hi, c->reals.hi},
               {ATTR_lambda, c->reals.lambda}, {ATTR_slope, c->reals.slope},
               {ATTR_offset, c->reals.offset}, {ATTR_alpha, c->alpha}};
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
    if (op_takes(c->op, reals[i].name))
      graph_add_real(g, node, reals[i].name, tidied(reals[i].value));
  if (c->approximate) graph_add_text(g, node, ATTR_approximate, c->approximate);
}

static bool make(struct builder *b, const struct candidate *c, struct stream *x) {
  if (!builder_with_zero(b, x)) return false;
  uint32_t node = builder_node(b, c->op, 1, &x->value);
  add_attrs(b->graph, node, c);
  return builder_out(b, node, &x->value);
}

// The candidates of one kind: hardshrink's number can only be one of the constants.
static bool try_kind(struct term *t, enum op op, const double *grid, int n, struct candidate *c) {
  double list[CONSTANTS_MAX];
  *c = candidate_of(t, op);
  if (op == OP_hardshrink) {
    int count = term_constants(t, list);
    for (int i = 0; i < count; i++) {
      c->reals.lambda = fabs(list[i]);
      if (sensible(c) && equal(t, c, grid, n)) return true;
    }
    return false;
  }
  if (sensible(c) && equal(t, c, grid, n)) return true;
  if (op != OP_gelu) return false;
  c->approximate = "tanh";
  return equal(t, c, grid, n);
}

static bool find(struct term *t, struct candidate *c) {
  double grid[GRID];
  int n = grid_of(t, grid);
  for (int op = 0; op < OP_COUNT; op++) {
    const struct op_info *info = op_info((enum op)op);
    if (!op_is((enum op)op, TRAIT_MAPS) || op_is((enum op)op, TRAIT_CASTS)) continue;
    if (!(info->executors & EXECUTOR_REAL)) continue;
    if (try_kind(t, (enum op)op, grid, n, c)) return true;
  }
  return false;
}

bool term_is_affine(struct term *t, double *scale, double *shift) {
  double grid[GRID];
  int n = grid_of(t, grid);
  *shift = term_value(t, 0);
  *scale = term_value(t, 1) - *shift;
  for (int i = 0; i < n; i++) {
    double expected = *scale * grid[i] + *shift;
    if (!(fabs(expected - term_value(t, grid[i])) <= 1e-9 * (1 + fabs(expected)))) return false;
  }
  return true;
}

bool term_is_rescaled(struct term *t, struct term *f, double c) {
  struct candidate found;
  double grid[GRID], size = 0;
  int n = grid_of(t, grid);
  if (!find(f, &found)) return false;
  for (int i = 0; i < n; i++) size = fmax(size, fabs(term_value(t, grid[i])));
  size = fmin(size, 1);
  for (int i = 0; i < n; i++) {
    double expected = term_value(t, grid[i]), off = value_of(&found, c * grid[i]) / c - expected;
    if (!isfinite(expected) && fabs(grid[i]) > 64) continue;
    if (!(fabs(off) <= 1e-6 * (size + fabs(expected)))) return false;
  }
  return true;
}

bool term_slopes(struct term *t, double *below, double *above) {
  double grid[GRID];
  int n = grid_of(t, grid);
  *below = -term_value(t, -1);
  *above = term_value(t, 1);
  for (int i = 0; i < n; i++) {
    double x = grid[i], y = term_value(t, x), expected = x * (x < 0 ? *below : *above);
    if (!(fabs(y - expected) <= 1e-6 * fabs(x))) return false;
  }
  return isfinite(*below) && isfinite(*above);
}

bool term_threshold(struct term *t, double *threshold) {
  double grid[GRID], list[TERM_CONSTANTS];
  int n = grid_of(t, grid), count = term_constants(t, list);
  for (int k = 0; k < count; k++) {
    bool equal = list[k] > 0;
    for (int i = 0; equal && i < n; i++)
      equal = term_value(t, grid[i]) == (grid[i] > list[k] ? grid[i] : 0);
    *threshold = list[k];
    if (equal && term_value(t, list[k]) == 0) return true;
  }
  return false;
}

bool term_is_activation(struct term *t) {
  struct candidate c;
  return find(t, &c);
}

bool term_match(struct builder *b, struct term *t, struct stream *x, bool *made) {
  struct candidate c;
  *made = find(t, &c);
  return !*made || make(b, &c, x);
}
