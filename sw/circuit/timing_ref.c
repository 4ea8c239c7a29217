// SPDX-License-Identifier: Apache-2.0
// The cycle model at its plainest: every cell of a part in every cycle.
#include "sw/circuit/timing.h"

enum { PATIENCE = 1000 };

static void settle_valid(const struct circuit *p, uint32_t part, const struct state *cells,
                         struct wires *w) {
  for (uint32_t i = 0; i < p->n_inputs; i++)
    w->valid[p->inputs[i].id] = part_of_input(p, i) == part;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->part != part) continue;
    for (uint32_t k = 0; k < c->n_out; k++)
      w->valid[c->out[k]->id] = timing_ops(c->timing.kind)->valid(&cells[i], w, k);
  }
}

static void settle_input(const struct cell *c, const struct state *s, uint32_t k, struct wires *w) {
  uint32_t id = c->in[k]->id;
  w->moved[id] = w->valid[id] && timing_ops(c->timing.kind)->ready(s, w, k);
}

static void settle_ready(const struct circuit *p, uint32_t part, const struct state *cells,
                         struct wires *w) {
  for (uint32_t i = 0; i < p->n_outputs; i++)
    w->moved[p->outputs[i].id] = w->valid[p->outputs[i].id];
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->part == part && timing_ops(c->timing.kind)->loops)
      settle_input(c, &cells[i], c->n_in - 1, w);
  }
  for (uint32_t i = p->n_cells; i-- > 0;) {
    const struct cell *c = &p->cells[i];
    if (c->part != part) continue;
    for (uint32_t k = 0; k < c->n_in; k++) settle_input(c, &cells[i], k, w);
  }
}

static bool moves(const struct circuit *p, const struct wires *w) {
  bool any = false;
  for (uint32_t i = 0; i < p->n_streams; i++) any |= w->moved[i];
  return any;
}

// Cycles without a beat after which none will come: branches that wait for each other do so for
// ever.
static int64_t stillness(const struct circuit *p, uint32_t part) {
  int64_t bottleneck = 1;
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].part == part && p->cells[i].cycles > bottleneck)
      bottleneck = p->cells[i].cycles;
  return bottleneck + PATIENCE;
}

static void advance(const struct circuit *p, uint32_t part, struct state *cells,
                    const struct wires *w) {
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].part == part) timing_ops(p->cells[i].timing.kind)->advance(&cells[i], w);
}

static struct wires wires_new(struct arena *a, const struct circuit *p) {
  return (struct wires){ARENA_NEW(a, bool, p->n_streams), ARENA_NEW(a, bool, p->n_streams)};
}

static void run(struct arena *a, struct circuit *p, uint32_t part) {
  struct state *cells = timing_states(a, p);
  struct wires w = wires_new(a, p);
  struct passage f = passage_new(a, p, part, FRAMES_MOST, CYCLES_MOST);
  for (int64_t t = 0, still = 0; !passage_known(&f) && still <= stillness(p, part); t++) {
    settle_valid(p, part, cells, &w);
    settle_ready(p, part, cells, &w);
    still = moves(p, &w) ? 0 : still + 1;
    advance(p, part, cells, &w);
    if (passage_enters(&f, &w)) passage_enter(&f, cells, t);
    passage_leave(&f, &w, t);
  }
  passage_end(&f, p);
}

void timing_run_ref(struct circuit *p) {
  struct arena a = {0};
  passage_each(&a, p, run);
  arena_free(&a);
}

static bool trace_part(struct arena *a, const struct circuit *p, uint32_t part,
                       struct span *spans) {
  struct state *cells = timing_states(a, p);
  struct wires w = wires_new(a, p);
  struct trace r = trace_new(a, p, part, spans);
  for (int64_t t = 0, still = 0; r.open && still <= stillness(p, part); t++) {
    settle_valid(p, part, cells, &w);
    settle_ready(p, part, cells, &w);
    still = moves(p, &w) ? 0 : still + 1;
    for (uint32_t i = 0; i < p->n_cells; i++)
      if (p->cells[i].part == part) trace_add(&r, i, &w, t);
    advance(p, part, cells, &w);
  }
  return !r.open;
}

bool timing_trace_ref(const struct circuit *p, struct span *spans) {
  struct arena a = {0};
  bool goes = true;
  for (uint32_t i = 0; i < p->n_inputs; i++)
    if (part_of_input(p, i) == i) goes &= trace_part(&a, p, i, spans);
  arena_free(&a);
  return goes;
}
