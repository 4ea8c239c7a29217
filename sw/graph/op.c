// SPDX-License-Identifier: Apache-2.0
// The op and attribute tables, made from ops.def and attrs.def.
#include "sw/graph/column.h"
#include "sw/graph/curve.h"

#include <string.h>

enum { CURVE_NONE = NONE, G = EXECUTOR_GOLDEN, R = EXECUTOR_REAL, C = EXECUTOR_CIRCUIT };

static const struct op_info infos[OP_COUNT] = {
#define OP(name, column, in_min, in_max, out_max, required, optional, space, executors, gradient,  \
           curve, codes, slopes)                                                                   \
  {#name,         COLUMN_##column, in_min,        in_max,    out_max,                              \
   required,      optional,        SPACE_##space, executors, GRADIENT_##gradient,                  \
   CURVE_##curve, codes,           slopes},
#include "sw/graph/ops.def"
#undef OP
};

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

const char *op_no_gradient(enum op op) {
  static const char *const reasons[] = {
#define RULE(...) NULL,
#define REASON(id, text) text,
#include "sw/graph/gradients.def"
#undef RULE
#undef REASON
  };
  return reasons[infos[op].gradient];
}

// Of a rule: fresh, reads of inputs 0 and 1.
static const unsigned rules[][3] = {
#define X0 1
#define X1 2
#define Y GRADIENT_OUTPUT
#define RULE(id, kernel, fresh, first, second) {fresh, first, second},
#define REASON(...) {0, 0, 0},
#include "sw/graph/gradients.def"
#undef RULE
#undef REASON
#undef X0
#undef X1
#undef Y
};

bool gradient_fresh(enum op op) {
  return rules[infos[op].gradient][0] != 0;
}

unsigned op_gradient_reads(enum op op, uint32_t k) {
  return k < 2 ? rules[infos[op].gradient][1 + k] : 0;
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
  if (n->op == OP_gelu && approximate && strcmp(approximate->text, "tanh") == 0)
    return CURVE_GELU_TANH;
  return infos[n->op].curve;
}
