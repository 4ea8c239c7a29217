// SPDX-License-Identifier: Apache-2.0
// Of a layer that was pruned, which outputs have a weight for which beat.
#include "sw/circuit/facts.h"
#include "sw/graph/weights.h"

// (beats, outs)
static const bool *kept(struct arena *a, const struct weights *w, int64_t in,
                        const int64_t *order) {
  bool *list = ARENA_NEW(a, bool, (w->taps + in - 1) / in * w->outs);
  for (int64_t o = 0; o < w->outs; o++)
    for (int64_t i = 0; i < w->taps; i++)
      if (weight_of(w, o, order ? order[i] : i)) list[i / in * w->outs + o] = true;
  return list;
}

const struct sparse *circuit_sparse(struct arena *a, const struct graph *g, const struct node *n,
                                    int64_t in, int64_t out, const int64_t *order) {
  struct weights w = weights_of(node_in(g, n, 1));
  int64_t beats = (w.taps + in - 1) / in, groups = (w.outs + out - 1) / out;
  // to a distance a zero adds as much as any other weight
  if (op_is(n->op, TRAIT_LEAST) || !w.value->mask || !w.value->init || groups < SPARSE_GROUPS_LEAST)
    return NULL;
  const struct sparse *s = sparse_new(a, kept(a, &w, in, order), beats, w.outs, out);
  return s->words < beats * groups ? s : NULL;
}
