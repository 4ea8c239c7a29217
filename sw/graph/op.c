// SPDX-License-Identifier: Apache-2.0
// The op and attribute tables, made from ops.def and attrs.def.
#include "sw/graph/column.h"
#include "sw/graph/curve.h"

#include <string.h>

#define IN(min, max) min, max
#define OUT(min, max) min, max
#define REFS(min, max) min, max
#define ATTRS(required, optional) required, optional
#define PLAIN CURVE_NONE, 0, 0
#define TABLE(f) CURVE_##f, 0, 0
#define EXACT(codes, slopes) CURVE_NONE, codes, slopes
enum { CURVE_NONE = NONE, G = EXECUTOR_GOLDEN, R = EXECUTOR_REAL, C = EXECUTOR_CIRCUIT };
enum {
  WEIGHTS = TRAIT_WEIGHTS,
  ALIAS = TRAIT_ALIAS,
  PARTS = TRAIT_PARTS,
  MAPS = TRAIT_MAPS,
  CASTS = TRAIT_CASTS,
  INDEX = TRAIT_INDEX,
  HOST = TRAIT_HOST,
  SKIPPED = TRAIT_SKIPPED,
  STEPS = TRAIT_STEPS,
  AVERAGES = TRAIT_AVERAGES,
  HOLDS = TRAIT_HOLDS,
  REFERS = TRAIT_REFERS,
  BACKWARD = TRAIT_BACKWARD,
  CARRIED = TRAIT_CARRIED,
  NARROWS = TRAIT_NARROWS,
  WINDOWS = TRAIT_WINDOWS,
  JOINS = TRAIT_JOINS,
  REORDERS = TRAIT_REORDERS,
  LEAST = TRAIT_LEAST,
  STATISTICS = TRAIT_STATISTICS,
  SUMS = TRAIT_SUMS
};

static const struct op_info infos[OP_COUNT] = {
#define OP(name, column, in, out, refs, attrs, executors, gradient, traits, form)                  \
  {#name, COLUMN_##column, in, out, refs, attrs, executors, GRADIENT_##gradient, traits, form},
#include "sw/graph/ops.def"
#undef OP
};

_Static_assert(ATTR_COUNT <= 8 * sizeof(attr_set), "more attributes than a set has bits");

// A kernel sees INPUTS_MAX inputs, but for lists of parts; and what a row says is executed has its
// column's kernel.
#define YES 1
#define MOVE 1
#define NO 0
#define COLUMN(id, stem, golden, prepare, real, quant, circuit)                                    \
  enum { GOLDEN_##id = golden, REAL_##id = real, CIRCUIT_##id = circuit };
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef MOVE
#undef NO
#undef IN
#define IN(min, max) max
#define OP(name, column, in, out, refs, attrs, executors, gradient, traits, form)                  \
  _Static_assert(in <= INPUTS_MAX || (traits) & (PARTS | CARRIED), #name ": more inputs");         \
  _Static_assert(GOLDEN_##column || !((executors)&G), #name ": golden_" #column);                  \
  _Static_assert(REAL_##column || !((executors)&R), #name ": real_" #column);                      \
  _Static_assert(CIRCUIT_##column || !((executors)&C), #name ": circuit of " #column);
#include "sw/graph/ops.def"
#undef OP

// A pointwise kind is a table or has its row in exact.def.
#undef PLAIN
#undef TABLE
#undef EXACT
#define PLAIN 0
#define TABLE(f) 1
#define EXACT(...) 2
#define OP(name, column, in, out, refs, attrs, executors, gradient, traits, form)                  \
  _Static_assert((COLUMN_##column == COLUMN_POINTWISE) == ((form) != 0), #name ": its form");
#include "sw/graph/ops.def"
#undef OP
enum {
  EXACT_KINDS = 0
#define OP(name, column, in, out, refs, attrs, executors, gradient, traits, form) +((form) == 2)
#include "sw/graph/ops.def"
#undef OP
  ,
  EXACT_ROWS = 0
#undef EXACT
#define EXACT(...) +1
#include "sw/graph/exact.def"
#undef EXACT
};
_Static_assert(EXACT_KINDS == EXACT_ROWS, "a kind with the form EXACT has no row in exact.def");

static const char *const attr_names[ATTR_COUNT] = {
#define ATTR(name, kind) #name,
#include "sw/graph/attrs.def"
#undef ATTR
};

static const enum attr_kind attr_kinds[ATTR_COUNT] = {
#define ATTR(name, kind) ATTR_##kind,
#include "sw/graph/attrs.def"
#undef ATTR
};

const struct graph_column *graph_column(enum op op) {
  static const struct graph_column *const columns[] = {
#define COLUMN(id, stem, ...) &column_##stem,
#include "sw/graph/columns.def"
#undef COLUMN
  };
  return columns[infos[op].column];
}

const struct op_info *op_info(enum op op) {
  return &infos[op];
}

bool op_is(enum op op, unsigned traits) {
  return (infos[op].traits & traits) != 0;
}

bool op_takes(enum op op, enum attr_name name) {
  return (infos[op].required | infos[op].optional) >> name & 1;
}

const char *op_no_gradient(enum op op) {
  static const char *const reasons[] = {
#define GRADIENT(...) NULL,
#define NO_GRADIENT(id, text) text,
#include "sw/graph/gradients.def"
#undef GRADIENT
#undef NO_GRADIENT
  };
  return reasons[infos[op].gradient];
}

// Of a rule: fresh, reads of input 0, of input 1, of the others.
static const unsigned rules[][4] = {
#define X0 1
#define X1 2
#define X3 8
#define X4 16
#define Y GRADIENT_OUTPUT
#define GRADIENT(id, kernel, fresh, first, second, others) {fresh, first, second, others},
#define NO_GRADIENT(...) {0, 0, 0, 0},
#include "sw/graph/gradients.def"
#undef GRADIENT
#undef NO_GRADIENT
#undef X0
#undef X1
#undef X3
#undef X4
#undef Y
};

bool gradient_fresh(enum op op) {
  return rules[infos[op].gradient][0] != 0;
}

unsigned op_gradient_reads(enum op op, uint32_t k) {
  return rules[infos[op].gradient][k < 2 ? 1 + k : 3];
}

const char *attr_text(enum attr_name name) {
  return attr_names[name];
}
enum attr_kind attr_kind(enum attr_name name) {
  return attr_kinds[name];
}

int op_find(const char *name) {
  for (int i = 0; i < OP_COUNT; i++)
    if (strcmp(infos[i].name, name) == 0) return i;
  return NONE;
}

int attr_find(const char *name) {
  for (int i = 0; i < ATTR_COUNT; i++)
    if (strcmp(attr_names[i], name) == 0) return i;
  return NONE;
}

int node_curve(const struct node *n) {
  const struct attr *approximate = node_attr(n, ATTR_approximate);
  if (approximate && strcmp(approximate->text, "tanh") == 0) return CURVE_GELU_TANH;
  return infos[n->op].curve;
}
