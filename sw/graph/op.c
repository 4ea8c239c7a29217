// SPDX-License-Identifier: Apache-2.0
// The op and attribute tables, made from ops.def and attrs.def.
#include "sw/graph/curve.h"
#include "sw/graph/graph.h"

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

const struct op_info *op_info(enum op op) {
  return &infos[op];
}

const char *op_no_gradient(enum op op) {
  switch ((enum op_gradient)infos[op].gradient) {
  case GRADIENT_INTEGER:
    return "it is computed in integers only";
  case GRADIENT_INDEX:
    return "its output is an index";
  case GRADIENT_STATE:
    return "gradients end at variables";
  case GRADIENT_CARRIED:
    return "it is not executed";
  case GRADIENT_STEP:
    return "it is a function of the step's number";
  case GRADIENT_SECOND:
    return "it is a gradient itself";
  case GRADIENT_LINEAR:
  case GRADIENT_COPY:
  case GRADIENT_SLOPE:
  case GRADIENT_SOFTMAX:
  case GRADIENT_JOIN:
  case GRADIENT_SUM:
  case GRADIENT_MATMUL:
  case GRADIENT_CONCAT:
  case GRADIENT_CROSS_ENTROPY:
  case GRADIENT_DROPOUT:
    break;
  }
  return NULL;
}

unsigned op_gradient_reads(enum op op, uint32_t k) {
  enum { IN0 = 1, IN1 = 2 };
  switch ((enum op_gradient)infos[op].gradient) {
  case GRADIENT_LINEAR:
    return k == 0 ? IN1 : k == 1 ? IN0 : 0;
  case GRADIENT_MATMUL:
    return k == 0 ? IN1 : IN0;
  case GRADIENT_SLOPE:
    return IN0;
  case GRADIENT_JOIN:
    return op != OP_mul ? 0 : k == 0 ? IN1 : IN0;
  case GRADIENT_SOFTMAX:
    return GRADIENT_OUTPUT;
  case GRADIENT_CROSS_ENTROPY:
    return k == 0 ? IN0 | IN1 : IN0;
  case GRADIENT_DROPOUT:
    return IN1;
  case GRADIENT_COPY:
  case GRADIENT_SUM:
  case GRADIENT_CONCAT:
  case GRADIENT_INTEGER:
  case GRADIENT_INDEX:
  case GRADIENT_STATE:
  case GRADIENT_CARRIED:
  case GRADIENT_STEP:
  case GRADIENT_SECOND:
    break;
  }
  return 0;
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
