// SPDX-License-Identifier: Apache-2.0
// What plan --memory knows of an arena, for what it prints: plan_memory.c finds it,
// plan_memory_text.c prints it.
#ifndef NNGEN_CMD_PLAN_MEMORY_H
#define NNGEN_CMD_PLAN_MEMORY_H

#include "cmd/plan.h"
#include "cmd/plan_arena.h"
#include "sw/base/listing.h"
#include "sw/plan/machine.h"
#include "sw/plan/order.h"
#include "sw/plan/rows.h"

struct board {
  struct arena *arena;
  const struct options *options;
  const struct graph *graph;
  struct plan *plan;
  int64_t bytes, peak;         // of the arena, of what lives at once
  int64_t constants, state;    // of tensors, of what is kept from frame to frame
  const int64_t *used;         // (n_events) bytes when it has begun
  uint32_t most;               // the RUN at which most lives
  struct order_result best;    // of --order best
  int64_t given;               // bytes of the arena in the file's order
  struct machine_file machine; // of --machine
  const struct machine_pe *pe; // its processor; NULL: there is none
  int64_t limit;               // bytes
  int64_t whole;               // bytes of the arena layer by layer
  int64_t fused;               // the same by rows, of --fused
  struct rows_result rows;     // of --fused, if that is less; otherwise without groups
};

// "conv1 4704, image 784": the largest of what lives when most does.
const char *board_alive(const struct board *b);

void board_put_text(const struct board *b, const struct plan_trial *t, struct text *out);
void board_put_json(const struct board *b, const struct plan_trial *t, struct text *out);

// The machine, one processor with one memory for arenas, or none; and the bytes of the arena.
bool plan_machine(struct arena *a, const struct options *o, struct machine_file *m,
                  const struct machine_pe **pe, int64_t *limit, struct err *e);

// ---- of --fused

struct listing fused_rows(const struct board *b);
void fused_put_text(const struct board *b, struct text *out);
void fused_put_json(const struct board *b, struct text *out);

#endif
