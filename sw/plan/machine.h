// SPDX-License-Identifier: Apache-2.0
// Machines as files: processors, memories, channels between memories, links between processors.
//
//   {"name": "m", "unit": "ms", "about": "..",
//    "pes":      [{"name": "cpu", "count": 1, "memory": "fast", "constants": "flash",
//                  "macs_per_unit": 432000}],
//    "memories": [{"name": "fast", "bytes": 327680, "align": 4}, {"name": "slow"}],
//    "channels": [{"name": "in", "from": "slow", "to": "fast", "bytes_per_unit": 216000}],
//    "links":    {"topology": "mesh", "bits_per_unit": 64, "latency": 1, "receive_slots": 255}}
//
// Times are in its unit, ms or cycles. A memory without bytes has no limit. Of a processor that is
// there several times each has a memory of its own, and links join them.
#ifndef NNGEN_PLAN_MACHINE_H
#define NNGEN_PLAN_MACHINE_H

#include "sw/plan/plan.h"
#include "sw/plan/topology.h"

struct machine_pe {
  const char *name;
  int64_t count;
  int32_t memory, constants; // places in memories; constants: NONE
  double macs;               // at most, per unit of time; 0: not known
};

struct machine_memory {
  const char *name;
  int64_t bytes, align; // bytes: NONE, no limit
};

struct machine_channel {
  const char *name;
  int32_t from, to; // memories
  double rate;      // bytes per unit of time
};

struct machine_file {
  const char *name, *unit, *about; // about: or NULL
  uint32_t n_pes, n_memories, n_channels;
  struct machine_pe *pes;
  struct machine_memory *memories;
  struct machine_channel *channels;
  bool linked; // what follows is there
  enum topology_kind topology;
  double bits, latency; // per unit of time; units of time
  int64_t slots;
};

// A file, or the name of one in machines/ that came with the program. The message has file, field,
// what was found and expected; of an unknown name the names that there are.
bool machine_read(struct arena *a, const char *name, struct machine_file *m, struct err *e);

int32_t machine_memory(const struct machine_file *m, const char *name); // its place; NONE
// The channel between two memories; NULL: there is none.
const struct machine_channel *machine_channel(const struct machine_file *m, int32_t from,
                                              int32_t to);

// The resources of a plan: of each processor its memory, itself, and, where its files' memories are
// named, those that all share; channels; and a link each way between two that are joined.
void machine_resources(const struct machine_file *m, struct plan *p);

#endif
