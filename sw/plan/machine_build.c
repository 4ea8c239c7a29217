// SPDX-License-Identifier: Apache-2.0
// The resources of a machine file's machine.
#include "sw/plan/machine.h"

#include <math.h>
#include <stdlib.h>

// ---- who is joined

static uint32_t columns_of(uint32_t count) {
  uint32_t columns = 1;
  while (columns * columns < count) columns++;
  return columns;
}

static bool beside(uint32_t a, uint32_t b, uint32_t length, bool ring) {
  uint32_t apart = a < b ? b - a : a - b;
  return apart == 1 || (ring && length > 2 && apart + 1 == length);
}

// Rows and columns of a short last row are shorter.
static bool in_mesh(uint32_t count, uint32_t a, uint32_t b, bool ring) {
  uint32_t columns = columns_of(count), row = a / columns, column = a % columns;
  if (row == b / columns) {
    uint32_t length = (row + 1) * columns <= count ? columns : count % columns;
    return beside(column, b % columns, length, ring);
  }
  uint32_t length = count / columns + (column < count % columns);
  return column == b % columns && beside(row, b / columns, length, ring);
}

bool machine_joined(enum machine_topology t, uint32_t count, uint32_t a, uint32_t b) {
  if (a == b) return false;
  switch (t) {
  case MACHINE_FULL:
    return true;
  case MACHINE_LINE:
  case MACHINE_RING:
    return beside(a, b, count, t == MACHINE_RING);
  case MACHINE_MESH:
  case MACHINE_TORUS:
    return in_mesh(count, a, b, t == MACHINE_TORUS);
  case MACHINE_TREE:
    return (a && (a - 1) / 2 == b) || (b && (b - 1) / 2 == a);
  case MACHINE_HYPERCUBE:
    return ((a ^ b) & ((a ^ b) - 1)) == 0;
  }
  return false;
}

// ---- resources

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
  uint32_t count = (uint32_t)m->pes->count;
  for (uint32_t a = 0; m->linked && a < count; a++)
    for (uint32_t b = 0; b < count; b++)
      if (machine_joined(m->topology, count, a, b))
        plan_resource(p, (struct resource){.kind = RESOURCE_LINK,
                                           .name = arena_printf(p->arena, "link%u-%u", a, b),
                                           .from = (int32_t)own[a],
                                           .to = (int32_t)own[b],
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
