// SPDX-License-Identifier: Apache-2.0
// Plans as files, of JSON:
//
//   {"format": "plan", "version": 1, "of": "rtl", "identity": "1f0c..", "unit": "cycles",
//    "size": "bits", "period": 6272, "steps": 1,
//    "resources": [{"name": "l0_linear", "kind": "memory", "bytes": 803968, "align": 1,
//                   "home": true, "passes": true},
//                  {"name": "l0_linear", "kind": "pe", "memory": 0, "constants": null},
//                  {"name": "l0", "kind": "stream", "from": 0, "to": 1}],
//    "bytes": {"input0": 6272},
//    "events": [[0, 196, "send", 2, "input0", 0, 0, null, null, [3, 7]]]}
//
// An event is [start, end, action, place of its resource, node of a run or else value, step, bytes,
// address or null, slice or null, places of those that it is after]; a slice [axis, begin, end,
// ..]. What is read writes the same bytes.
#ifndef NNGEN_PLAN_PLAN_FILE_H
#define NNGEN_PLAN_PLAN_FILE_H

#include "sw/base/text.h"
#include "sw/plan/plan.h"

#include <jansson.h>

// The words of resource kinds and actions; NULL behind them.
extern const char *const plan_file_kinds[RESOURCE_KINDS + 1], *const plan_file_actions[ACTIONS + 1];

// What a file says beside its plan: whose it is and which, in what times and sizes are.
struct plan_head {
  const char *of;       // relative to the file, of what its graph is made
  const char *identity; // of that, hexadecimal
  const char *unit, *size;
};

// Names of the graph's nodes, and of its values, are different ones.
void plan_file_put(struct text *t, const struct plan *p, const struct plan_head *h);

// An event as the file has it.
void plan_file_put_event(struct text *t, const struct plan *p, const struct event *e);

// Whether an object is such a file.
bool plan_file_is(const json_t *root);

// What is beside the plan, and the plan itself, of its graph. Indices are within the plan, times
// finite, sizes and addresses 0 or more: plan_check says the rest. False, or NULL, with the field,
// what was found, and what is expected.
bool plan_file_head(struct arena *a, const json_t *root, struct plan_head *h, struct err *e);
struct plan *plan_file_read(struct arena *a, const json_t *root, const struct graph *g,
                            struct err *e);

#endif
