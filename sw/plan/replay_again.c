// SPDX-License-Identifier: Apache-2.0
// Forwards that run again (version 2): an input that its operator has read once can be allocated
// anew, and awaits what its predecessors make of their own inputs a second time.
#include "sw/plan/replay_parts.h"

// Channels of an operator's input while the list is gone through.
enum { UNREAD, READ, AWAITS };

struct search {
  struct replay_net *net;
  uint8_t **state; // (n_operators, in)
};

static void forward(struct search *s, const struct replay_decision *d) {
  const struct replay_operator *o = &s->net->plan->operators[d->op];
  if (!o->one) {
    memset(s->state[d->op], READ, o->in);
    return;
  }
  for (uint32_t i = 0; i < d->channels.ranges; i++)
    for (uint32_t c = d->channels.range[2 * i]; c < d->channels.range[2 * i + 1]; c++)
      s->state[d->op][c] = READ;
}

static void allocate(struct search *s, const struct replay_decision *d) {
  for (uint32_t i = 0; i < d->channels.ranges; i++)
    for (uint32_t c = d->channels.range[2 * i]; c < d->channels.range[2 * i + 1]; c++)
      if (s->state[d->op][c] != UNREAD) s->state[d->op][c] = AWAITS;
}

static void put(struct search *s, struct replay_made *m, uint32_t op, uint32_t c) {
  struct replay_part *last = m->count ? &m->parts[m->count - 1] : NULL;
  s->state[op][c] = READ;
  if (last && last->op == op && last->end == c) {
    last->end++;
    return;
  }
  if ((m->count & (m->count - 1)) == 0) { // full at powers of two
    struct replay_part *more =
        ARENA_NEW(s->net->arena, struct replay_part, m->count ? 2 * m->count : 1);
    if (m->count) memcpy(more, m->parts, m->count * sizeof *more);
    m->parts = more;
  }
  m->parts[m->count++] = (struct replay_part){op, c, c + 1};
}

static bool again(struct search *s, const struct replay_decision *d, struct replay_made *m) {
  const struct replay_net *n = s->net;
  const struct replay_operator *o = &n->plan->operators[d->op];
  for (uint32_t i = 0; i < d->channels.ranges; i++)
    for (uint32_t c = d->channels.range[2 * i]; c < d->channels.range[2 * i + 1]; c++) {
      bool awaited = false;
      for (uint32_t t = 0; c < o->out && t < n->n_to[d->op]; t++) {
        const struct replay_link *to = &n->to[d->op][t];
        if (s->state[to->op][to->offset + c] != AWAITS) continue;
        put(s, m, to->op, to->offset + c);
        awaited = true;
      }
      if (!awaited)
        return replay_refuse(s->net, "again", (double)NAN, o->name,
                             "no input awaits channel %u: none is allocated anew", c);
    }
  return true;
}

bool replay_find_made(struct replay_net *n) {
  const struct replay_plan *p = n->plan;
  struct search s = {.net = n, .state = ARENA_NEW(n->arena, uint8_t *, p->n_operators)};
  n->made = ARENA_NEW(n->arena, struct replay_made, p->n_decisions);
  for (uint32_t i = 0; i < p->n_operators; i++)
    s.state[i] = ARENA_NEW(n->arena, uint8_t, p->operators[i].in);
  for (uint32_t i = 0; i < p->n_decisions; i++) {
    const struct replay_decision *d = &p->decisions[i];
    if (d->action == REPLAY_FORWARD) forward(&s, d);
    if (d->action == REPLAY_ALLOCATE && d->block == REPLAY_INPUT) allocate(&s, d);
    if (d->action == REPLAY_AGAIN && !again(&s, d, &n->made[i])) return false;
  }
  return true;
}
