// SPDX-License-Identifier: Apache-2.0
#include "sw/pass/inference.h"

#include "sw/pass/copy.h"

struct graph *inference(struct arena *a, const struct graph *model) {
  struct graph_copy c = copy_new(a, model);
  copy_inputs(&c);
  for (uint32_t i = 0; i < model->n_nodes; i++) {
    const struct node *n = &model->nodes[i];
    if (op_is(n->op, TRAIT_STEPS) && op_is(n->op, TRAIT_SKIPPED))
      c.value[n->out[0]] = c.value[n->in[0].value];
    else
      copy_outputs(&c, n, copy_node(&c, n, n->name));
  }
  copy_graph_outputs(&c);
  copy_controls(&c);
  return c.to;
}
