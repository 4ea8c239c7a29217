// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/blocks.h"

uint32_t arena_blocks(struct arena *a, const struct plan *p, const struct arena_block **blocks) {
  struct arena_block *list = ARENA_NEW(a, struct arena_block, p->n_events + 1);
  uint32_t count = 0;
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    if (e->action == ACTION_RUN && e->bytes)
      list[count++] =
          (struct arena_block){arena_printf(a, "scratch of %s", p->graph->nodes[e->id].name),
                               p->graph->n_values + e->id,
                               {.axis = NONE},
                               e->start,
                               e->end,
                               e->address,
                               e->bytes};
    if (e->resource != MEMORY_ARENA) continue;
    if (e->action == ACTION_ALLOC)
      list[count++] = (struct arena_block){
          p->graph->values[e->id].name, e->id, e->slice, e->start, e->start, e->address, e->bytes};
    for (uint32_t k = count; e->action == ACTION_FREE && k-- > 0;)
      if (list[k].order == e->id && slice_same(&list[k].slice, &e->slice)) {
        list[k].to = e->start;
        break;
      }
  }
  *blocks = list;
  return count;
}
