// SPDX-License-Identifier: Apache-2.0
// Graphs with delays, whose frames depend on each other: one after the other through the plain
// golden model, which remembers the earlier ones.
#include "sw/exec/golden_parts.h"
#include "sw/exec/steps.h"

bool golden_is_sequence(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++)
      if (g->nodes[i].in[k].delay) return true;
  return false;
}

static void enter(const struct golden *m, const struct golden_call *c, int64_t frame) {
  const struct graph *g = m->graph;
  int64_t at = 0;
  for (uint32_t k = 0; k < g->n_inputs; k++) at += value_elements(&g->values[g->inputs[k].value]);
  at *= frame;
  for (uint32_t k = 0; k < g->n_inputs; k++) {
    const struct value *v = &g->values[g->inputs[k].value];
    int64_t *x = steps_input(m->steps, k);
    for (int64_t i = 0; i < value_elements(v); i++, at++)
      x[i] = type_code(&v->type, c->codes ? c->codes[at]
                                          : source_code(&g->inputs[k].source, i, c->pixels[at]));
  }
}

static void leave(const struct golden *m, const struct golden_call *c, int64_t frame) {
  for (uint32_t t = 0; t < c->n_taps; t++) {
    const struct golden_tap *tap = &c->taps[t];
    int64_t n = value_elements(&m->graph->values[tap->value]);
    const int64_t *from = steps_value(m->steps, tap->value);
    for (int64_t i = 0; i < n; i++) tap->to[frame * n + i] = (int32_t)from[i];
  }
}

void golden_sequence(const struct golden *m, const struct golden_call *c) {
  for (int64_t i = 0; i < c->images; i++) {
    enter(m, c, i);
    steps_run(m->steps, NULL);
    leave(m, c, i);
  }
}

void golden_restart(const struct golden *m) {
  if (m->steps) steps_reset(m->steps);
}
