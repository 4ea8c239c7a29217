// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/builder.h"
#include "sw/circuit/timing.h"

enum { QUEUE_MOST = 1 << 14 };

// Queues that are too small cost cycles, or let a join wait for ever: all grow until the slowest
// cell sets the pace.
static void grow_queues(struct circuit *p, int64_t bottleneck) {
  int64_t places = 0;
  timing_run(p);
  while (p->ii > bottleneck && places < QUEUE_MOST) {
    for (uint32_t i = 0; i < p->n_cells; i++) {
      struct timing *t = &p->cells[i].timing;
      if (t->kind == TIMING_LINEAR) circuit_linear_queue(&p->cells[i], 2 * t->queue);
      if (t->kind == TIMING_QUEUE) t->queue *= 2;
      if (t->kind == TIMING_LINEAR || t->kind == TIMING_QUEUE) places = t->queue;
    }
    if (!places) return;
    timing_run(p);
  }
}

// What queues hold when they have room for everything, and a place more so that a full one still
// takes a beat while one leaves: with that nothing comes later. The other cells stay as they are.
static void fit_queues(struct arena *a, struct circuit *p) {
  int64_t *most = ARENA_NEW(a, int64_t, p->n_cells);
  bool any = false;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct timing *t = &p->cells[i].timing;
    if (t->kind == TIMING_QUEUE) t->queue = QUEUE_MOST;
    any |= t->kind == TIMING_QUEUE;
  }
  if (!any) return;
  timing_run_most(p, most);
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].timing.kind == TIMING_QUEUE) p->cells[i].timing.queue = most[i] + 1;
}

// The fewest places of a queue in front of a join with which the pace stays what it is.
static void shrink_queue(struct circuit *p, struct timing *t) {
  int64_t pace = p->ii, least = 0, enough = t->queue; // `least` are too few
  while (enough - least > 1) {
    t->queue = (least + enough) / 2;
    timing_run(p);
    if (p->ii == pace)
      enough = t->queue;
    else
      least = t->queue;
  }
  t->queue = enough;
  timing_run(p);
}

// Likewise that of a linear layer, a power of two not below `least`.
static void shrink_linear(struct circuit *p, struct cell *c, int64_t least) {
  int64_t pace = p->ii;
  while (c->timing.queue > least && p->ii == pace) {
    circuit_linear_queue(c, c->timing.queue / 2);
    timing_run(p);
  }
  if (p->ii == pace) return;
  circuit_linear_queue(c, 2 * c->timing.queue);
  timing_run(p);
}

void queues_size(struct arena *a, struct circuit *p) {
  int64_t bottleneck = 1, *least = ARENA_NEW(a, int64_t, p->n_cells);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    least[i] = p->cells[i].timing.queue;
    bottleneck = p->cells[i].cycles > bottleneck ? p->cells[i].cycles : bottleneck;
  }
  fit_queues(a, p);
  grow_queues(p, bottleneck);
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].timing.kind == TIMING_LINEAR) shrink_linear(p, &p->cells[i], least[i]);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct cell *c = &p->cells[i];
    if (c->timing.kind != TIMING_QUEUE) continue;
    shrink_queue(p, &c->timing);
    c->memory_bits = c->timing.queue * (c->in[0]->lanes * c->in[0]->width + 1);
    p->memory_bits += c->memory_bits;
  }
}
