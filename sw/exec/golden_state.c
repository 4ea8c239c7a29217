// SPDX-License-Identifier: Apache-2.0
// assign_F: the content x of a variable becomes F(x, t).
#include "sw/exec/job.h"
#include "sw/graph/assign.h"
#include "sw/graph/pointwise.h"

struct update {
  enum assign function;
  int64_t mul;
  int shift;
  struct fix_target target;
};

// zero + round(acc * mul / 2^shift), not yet in range.
static fix_wide rounded(const struct update *u, fix_wide acc) {
  return fix_round(acc * u->mul, u->shift, u->target.rounding);
}

// F(x, t), not yet in range.
static fix_wide applied(const struct update *u, int64_t x, int64_t t, int64_t factor,
                        int64_t x_zero) {
  fix_wide scaled = x_zero + rounded(u, t);
  switch (u->function) {
  case ASSIGN_write:
    return scaled;
  case ASSIGN_add:
    return x + rounded(u, t);
  case ASSIGN_sub:
    return x - rounded(u, t);
  case ASSIGN_axpy:
    return x + rounded(u, (fix_wide)factor * t);
  case ASSIGN_scale:
    return x_zero + rounded(u, (fix_wide)(x - x_zero) * t);
  case ASSIGN_min:
    return scaled < x ? scaled : x;
  case ASSIGN_max:
    return scaled > x ? scaled : x;
  case ASSIGN_sgd:
  case ASSIGN_momentum:
  case ASSIGN_nesterov:
  case ASSIGN_adam:
  case ASSIGN_adamw:
  case ASSIGN_COUNT:
    break; // in floats only
  }
  return x;
}

static int64_t updated(const struct update *u, int64_t x, int64_t t, int64_t factor,
                       int64_t x_zero) {
  const struct fix_target *to = &u->target;
  return fix_overflow(applied(u, x, t, factor, x_zero), to->width, to->is_signed, to->zero,
                      to->overflow);
}

void golden_state(const struct job *j) {
  const struct node *n = j->node;
  if (!n->n_in) return;
  const struct value *held = assign_held(j->graph, n, 0);
  int64_t *content = j->held[0], from, length, at = 0;
  int64_t factor = type_integer(&node_in(j->graph, n, 0)->type, 0, *(int64_t *)j->in[0].data);
  const struct array *t = &j->in[n->n_in - 1];
  const struct type *t_type = &node_in(j->graph, n, n->n_in - 1)->type;
  struct assign_runs runs = assign_runs(j->graph, n);
  for (int64_t r = 0; assign_run(&runs, r, &from, &length); r++)
    for (int64_t i = from; i < from + length; i++, at++) {
      int64_t c = held->type.axis < 0 ? 0 : i / (value_elements(held) / held->shape[0]);
      if (value_is_cut(held, i)) continue; // a cut connection stays zero
      struct update u = {.function = assign_of(n),
                         .mul = n->n_rq ? n->rq[0].mul[0] : 1,
                         .shift = n->n_rq ? n->rq[0].shift[0] : 0,
                         .target = target_of(n, held, c)};
      int64_t value = type_integer(t_type, 0, ((int64_t *)t->data)[t->elements == 1 ? 0 : at]);
      content[i] = updated(&u, content[i], value, factor, u.target.zero);
    }
}
