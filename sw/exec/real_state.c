// SPDX-License-Identifier: Apache-2.0
// assign_F in floats: the content x of a variable becomes F(x, t).
#include "sw/exec/job.h"

#include <math.h>
#include <string.h>

void real_assign(const struct job *j) {
  const char *f = node_attr(j->node, ATTR_function)->text;
  const struct array *t = &j->in[j->node->n_in - 1];
  const float *from = t->data, *factor = j->in[0].data;
  const struct node *variable = &j->graph->nodes[j->graph->values[j->node->ref[0]].node];
  int64_t count = value_elements(&j->graph->values[node_attr(variable, ATTR_init)->value]);
  float *x = j->held;
  for (int64_t i = 0; i < count; i++) {
    float v = from[t->elements == 1 ? 0 : i];
    if (strcmp(f, "write") == 0) x[i] = v;
    if (strcmp(f, "add") == 0) x[i] += v;
    if (strcmp(f, "sub") == 0) x[i] -= v;
    if (strcmp(f, "axpy") == 0) x[i] = fmaf(factor[0], v, x[i]);
    if (strcmp(f, "scale") == 0) x[i] *= v;
    if (strcmp(f, "min") == 0) x[i] = fminf(x[i], v);
    if (strcmp(f, "max") == 0) x[i] = fmaxf(x[i], v);
  }
}
