// SPDX-License-Identifier: Apache-2.0
// The plain golden model: steps over 64-bit integers.
#include "sw/exec/golden.h"

#include "sw/exec/steps.h"

static void load(void *to, int64_t at, const struct value *v, int64_t i) {
  ((int64_t *)to)[at] = tensor_int(v->init, i);
}

void golden_fire(const struct job *j) {
  static void (*const kernels[])(const struct job *) = {
#define YES(f) f
#define MOVE(f) NULL
#define NO(f) NULL
#define COLUMN(id, stem, golden, ...) golden(golden_##stem),
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef MOVE
#undef NO
  };
  void (*kernel)(const struct job *) = kernels[op_info(j->node->op)->column];
  if (kernel) kernel(j);
}

const struct element_kind golden_kind = {sizeof(int64_t), load, golden_fire, false};

struct golden_ref {
  struct steps *steps;
};

struct golden_ref *golden_ref_new(struct arena *a, const struct graph *g, int64_t frames) {
  struct golden_ref *r = ARENA_NEW(a, struct golden_ref, 1);
  r->steps = steps_new(a, g, frames, &golden_kind);
  return r;
}

void golden_ref_step(struct golden_ref *r, const int64_t *const *inputs) {
  steps_run(r->steps, (const void *const *)inputs);
}

const int64_t *golden_ref_value(const struct golden_ref *r, uint32_t value) {
  return steps_value(r->steps, value);
}
