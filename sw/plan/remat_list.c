// SPDX-License-Identifier: Apache-2.0
// Decisions out of runs and transfers, in the order in which they get their bytes.
#include "sw/plan/remat_parts.h"

#include <stdlib.h>

struct list {
  struct arena *arena;
  const struct remat_runs *runs;
  uint32_t count, room;
  struct replay_decision *decisions;
};

// The channels of a mask in begin..end.
static struct replay_channels ranges_of(struct arena *a, const uint64_t *mask, uint32_t begin,
                                        uint32_t end) {
  uint32_t count = 0, *range = ARENA_NEW(a, uint32_t, end - begin + 2);
  for (uint32_t c = begin; c < end; c++) {
    if (!mask_has(mask, c)) continue;
    if (!count || range[2 * count - 1] != c) range[2 * count++] = c;
    range[2 * count - 1] = c + 1;
  }
  return (struct replay_channels){count, range};
}

static void put(struct list *l, enum replay_action action, uint32_t op, int block,
                struct replay_channels channels) {
  if (!channels.ranges) return;
  if (l->count == l->room) {
    l->room = l->room ? 2 * l->room : 256;
    struct replay_decision *more = ARENA_NEW(l->arena, struct replay_decision, l->room);
    if (l->count) memcpy(more, l->decisions, l->count * sizeof *more);
    l->decisions = more;
  }
  l->decisions[l->count++] =
      (struct replay_decision){.action = action, .op = op, .block = block, .channels = channels};
}

static void put_mask(struct list *l, enum replay_action action, uint32_t op, int block,
                     const uint64_t *mask) {
  const struct replay_operator *o = l->runs->net->ops[op].o;
  uint32_t total = block == REPLAY_NONE ? o->out : replay_total(o, block);
  put(l, action, op, block, ranges_of(l->arena, mask, 0, total));
}

static void put_move(struct list *l, enum replay_action action, const struct remat_move *m) {
  const struct remat_runs *r = l->runs;
  const struct remat_op *x = &r->net->ops[m->op];
  if (m->value == UINT32_MAX) {
    const uint64_t *params = action == REPLAY_STORE ? x->kept : x->every;
    put_mask(l, action, m->op, m->block, m->block == REPLAY_PARAM ? params : x->each_in);
    return;
  }
  const struct remat_value *v = &r->net->values[m->value];
  if (v->kind == WAIT_INPUT) put_mask(l, action, m->op, m->block, remat_input_left(r, m->op));
  if (v->kind == WAIT_PARAM) put_mask(l, action, m->op, m->block, remat_param_left(r, m->op));
  if (v->kind == WAIT_OUTPUT) put_mask(l, action, m->op, m->block, x->every);
  if (v->kind == WAIT_GRADIENT)
    put(l, action, m->op, m->block, ranges_of(l->arena, x->passed, v->begin, v->end));
}

static void put_pruned(struct list *l, uint32_t op) {
  const struct remat_op *x = &l->runs->net->ops[op];
  uint64_t *pruned = ARENA_NEW(l->arena, uint64_t, x->out_words);
  for (uint32_t w = 0; w < x->out_words; w++) pruned[w] = x->every[w] & ~x->kept[w];
  put_mask(l, REPLAY_PRUNE, op, REPLAY_NONE, pruned);
}

static void put_run(struct list *l, uint32_t q) {
  const struct remat_runs *r = l->runs;
  const struct remat_run *run = &r->runs[q];
  const struct remat_op *x = &r->net->ops[run->op];
  if (run->kind == REPLAY_FORWARD) {
    if (x->o->n_from) put_mask(l, REPLAY_ALLOCATE, run->op, REPLAY_INPUT, x->each_in);
    put_mask(l, REPLAY_ALLOCATE, run->op, REPLAY_OUTPUT, x->every);
    put_mask(l, REPLAY_FORWARD, run->op, REPLAY_NONE, x->every);
    put_pruned(l, run->op);
  } else if (run->kind == REPLAY_AGAIN) {
    uint64_t *channels = ARENA_NEW(l->arena, uint64_t, x->out_words);
    if (r->first_again[run->to] == q)
      put_mask(l, REPLAY_ALLOCATE, run->to, REPLAY_INPUT, r->made[run->to]);
    remat_again(r, run->op, run->to, channels);
    put_mask(l, REPLAY_AGAIN, run->op, REPLAY_NONE, channels);
  } else {
    if (run->kind == REPLAY_BACKWARD) {
      put_mask(l, REPLAY_ALLOCATE, run->op, REPLAY_GRAD, x->kept);
      put_mask(l, REPLAY_ALLOCATE, run->op, REPLAY_PASS_GRAD, x->passed);
    }
    put_mask(l, (enum replay_action)run->kind, run->op, REPLAY_NONE, x->kept);
  }
}

void remat_list(struct arena *a, const struct remat_runs *r, const struct remat_play *p,
                struct replay_plan *to) {
  struct list l = {.arena = a, .runs = r};
  uint32_t load = 0, store = 0;
  for (uint32_t q = 0; q < r->n_runs; q++) {
    if (r->runs[q].kind == REPLAY_AGAIN && !r->runs[q].channels) continue;
    for (; load < r->n_loads && p->ahead[load] == q; load++)
      put_move(&l, REPLAY_LOAD, &r->loads[load]);
    put_run(&l, q);
    for (; store < r->n_stores && r->stores[store].run == q; store++)
      put_move(&l, REPLAY_STORE, &r->stores[store]);
  }
  to->n_decisions = l.count;
  to->decisions = l.decisions;
}

// ---- in the order of time

struct started {
  double at;
  uint32_t place;
};

static int by_start(const void *a, const void *b) {
  const struct started *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return (x->place > y->place) - (x->place < y->place);
}

void remat_sort(struct arena *a, struct replay_plan *p, const double *started) {
  struct started *order = ARENA_NEW(a, struct started, p->n_decisions);
  struct replay_decision *sorted = ARENA_NEW(a, struct replay_decision, p->n_decisions);
  for (uint32_t i = 0; i < p->n_decisions; i++) order[i] = (struct started){started[i], i};
  if (p->n_decisions) qsort(order, p->n_decisions, sizeof *order, by_start);
  for (uint32_t i = 0; i < p->n_decisions; i++) {
    sorted[i] = p->decisions[order[i].place];
    sorted[i].at = order[i].at;
  }
  p->decisions = sorted;
}
