// SPDX-License-Identifier: Apache-2.0
// Codes in other places, as they are: element by element here, block by block in the fast model.
#include "sw/exec/golden_prepare.h"
#include "sw/exec/reorder.h"

void golden_reorder(const struct job *j) {
  struct arena a = {0};
  struct reorder r;
  int64_t constant = node_int(j->node, ATTR_codes, 0);
  if (!reorder_of(&a, j, &r)) return;
  for (int64_t f = 0; f < job_frames(j, &j->out[0]); f++)
    for (int64_t i = 0; i < j->out[0].elements; i++) {
      int64_t at = reorder_at(&r, i);
      golden_frame(&j->out[0], f)[i] = at == NONE ? constant : golden_frame(&j->in[0], f)[at];
    }
  arena_free(&a);
}

void golden_prepare_reorder(struct arena *a, const struct kernels *k, const struct graph *g,
                            const struct node *n, struct prepared *p) {
  void *in[1] = {NULL}, *out[1] = {NULL};
  const struct value *x = node_in(g, n, 0);
  struct reorder *r = ARENA_NEW(a, struct reorder, 1);
  (void)k;
  if (x->init || node_attr(n, ATTR_slice)) return;
  struct job j = job_of(a, g, n, 1, sizeof(int64_t), in, out);
  if (reorder_of(a, &j, r)) p->reorder = r;
}
