// SPDX-License-Identifier: Apache-2.0
// The resources of a machine file's machine.
#include "sw/plan/machine.h"

// What nobody computes is where no channel leads to, and at the first of several processors.
static bool is_home(const struct machine_file *m, int32_t memory, int64_t copy) {
  for (uint32_t i = 0; i < m->n_channels; i++)
    if (m->channels[i].to == memory) return false;
  return copy == 0;
}

static uint32_t add_memory(const struct machine_file *m, struct plan *p, int32_t memory,
                           int64_t copy, bool several) {
  const struct machine_memory *x = &m->memories[memory];
  return plan_resource(
      p, (struct resource){
             .kind = RESOURCE_MEMORY,
             .name = several ? arena_printf(p->arena, "%s%lld", x->name, (long long)copy) : x->name,
             .bytes = x->bytes,
             .align = x->align,
             .home = is_home(m, memory, copy)});
}

// (count) of each processor of a kind that is there several times: its own memory.
static uint32_t *add_memories(const struct machine_file *m, struct plan *p, uint32_t *shared) {
  uint32_t total = 0, at = 0;
  for (uint32_t i = 0; i < m->n_pes; i++) total += (uint32_t)m->pes[i].count;
  uint32_t *own = ARENA_NEW(p->arena, uint32_t, total);
  bool *several = ARENA_NEW(p->arena, bool, m->n_memories);
  for (uint32_t i = 0; i < m->n_pes; i++) several[m->pes[i].memory] |= m->pes[i].count > 1;
  for (uint32_t i = 0; i < m->n_memories; i++)
    if (!several[i]) shared[i] = add_memory(m, p, (int32_t)i, 0, false);
  for (uint32_t i = 0; i < m->n_pes; i++)
    for (int64_t k = 0; k < m->pes[i].count; k++, at++)
      own[at] = several[m->pes[i].memory] ? add_memory(m, p, m->pes[i].memory, k, true)
                                          : shared[m->pes[i].memory];
  return own;
}

static void add_links(const struct machine_file *m, struct plan *p, const uint32_t *own) {
  if (!m->linked) return;
  const struct topology *t = topology_new(p->arena, m->topology, (uint32_t)m->pes->count);
  for (uint32_t i = 0; i < t->n_links; i++)
    plan_resource(
        p, (struct resource){.kind = RESOURCE_LINK,
                             .name = arena_printf(p->arena, "link%u-%u", t->from[i], t->to[i]),
                             .from = (int32_t)own[t->from[i]],
                             .to = (int32_t)own[t->to[i]],
                             .slots = m->slots,
                             .latency = m->latency});
}

void machine_resources(const struct machine_file *m, struct plan *p) {
  uint32_t *shared = ARENA_NEW(p->arena, uint32_t, m->n_memories);
  uint32_t *own = add_memories(m, p, shared), at = 0;
  for (uint32_t i = 0; i < m->n_pes; i++)
    for (int64_t k = 0; k < m->pes[i].count; k++) {
      const struct machine_pe *x = &m->pes[i];
      bool several = x->count > 1;
      plan_resource(
          p,
          (struct resource){
              .kind = RESOURCE_PE,
              .name = several ? arena_printf(p->arena, "%s%lld", x->name, (long long)k) : x->name,
              .memory = (int32_t)own[at++],
              .constants = x->constants == NONE ? NONE : (int32_t)shared[x->constants]});
    }
  for (uint32_t i = 0; i < m->n_channels; i++)
    plan_resource(p, (struct resource){.kind = RESOURCE_CHANNEL,
                                       .name = m->channels[i].name,
                                       .from = (int32_t)shared[m->channels[i].from],
                                       .to = (int32_t)shared[m->channels[i].to]});
  add_links(m, p, own);
}
