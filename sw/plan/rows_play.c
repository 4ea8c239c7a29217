// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/rows_parts.h"

#include "sw/plan/order.h"

#include <string.h>

struct play {
  const struct rows_net *net;
  struct rows_state *state;
  const bool *inside; // (n_nodes) of the group
  int64_t limit;
  struct rows_list *list;
};

// ---- what lives

static void take(const struct rows_net *n, struct rows_state *s, uint32_t block) {
  s->lives[block] = true;
  s->used += rows_room(n, block);
  if (s->used > s->peak) s->peak = s->used;
}

static void drop(const struct rows_net *n, struct rows_state *s, uint32_t block) {
  s->lives[block] = false;
  s->used -= rows_room(n, block);
}

struct rows_state *rows_state_new(struct rows_net *n) {
  const struct graph *g = n->graph;
  struct rows_state *s = ARENA_NEW(n->arena, struct rows_state, 1);
  *s = (struct rows_state){.left = ARENA_NEW(n->arena, uint32_t, n->blocks),
                           .lives = ARENA_NEW(n->arena, bool, n->blocks),
                           .next = ARENA_NEW(n->arena, uint32_t, g->n_nodes)};
  memcpy(s->left, n->readers, n->blocks * sizeof *s->left);
  for (uint32_t b = 0; !n->inputs_come && b < n->blocks; b++)
    if (rows_is_input(n, n->value[b])) take(n, s, b);
  return s;
}

void rows_state_copy(const struct rows_net *n, struct rows_state *to,
                     const struct rows_state *from) {
  memcpy(to->left, from->left, n->blocks * sizeof *to->left);
  memcpy(to->lives, from->lives, n->blocks * sizeof *to->lives);
  memcpy(to->next, from->next, n->graph->n_nodes * sizeof *to->next);
  to->begun = from->begun;
  to->used = from->used;
  to->peak = from->peak;
}

// ---- a firing

static uint32_t uses_of(const struct node *x, uint32_t value) {
  uint32_t uses = 0;
  for (uint32_t k = 0; k < x->n_in; k++) uses += x->in[k].value == value && !x->in[k].delay;
  return uses;
}

// The block of an input, needed by nobody else from now on, over which a row can be computed.
static uint32_t over_of(const struct play *p, uint32_t node, uint32_t row) {
  const struct rows_net *n = p->net;
  const struct node *x = &n->graph->nodes[node];
  for (uint32_t k = 0; x->n_out == 1 && k < x->n_in; k++) {
    uint32_t v = x->in[k].value, block = n->first[v] + row;
    if (!n->nodes[node].reads[k].first || n->rows[v] != n->nodes[node].rows) continue;
    if (!order_may_over(n->graph, n->needs, x, k)) continue;
    if (p->state->left[block] == uses_of(x, v)) return block;
  }
  return ROWS_NOTHING;
}

static void note(struct rows_list *l, struct rows_firing f) {
  if (l->count == l->room) {
    l->room = l->room ? 2 * l->room : 1024;
    struct rows_firing *more = ARENA_NEW(l->arena, struct rows_firing, l->room);
    if (l->count) memcpy(more, l->firings, l->count * sizeof *more);
    l->firings = more;
  }
  l->firings[l->count++] = f;
}

// Each output of a node that is whole, or a row of its only one; over one of its inputs it takes
// no more.
static void write(struct play *p, uint32_t node, uint32_t row, uint32_t over) {
  const struct rows_net *n = p->net;
  const struct node *x = &n->graph->nodes[node];
  struct rows_state *s = p->state;
  if (over != ROWS_NOTHING) drop(n, s, over);
  for (uint32_t k = 0; k < x->n_out; k++)
    if (n->rows[x->out[k]]) take(n, s, n->first[x->out[k]] + row);
}

static void read(struct play *p, uint32_t node, uint32_t row) {
  const struct rows_net *n = p->net;
  const struct node *x = &n->graph->nodes[node];
  struct rows_state *s = p->state;
  for (uint32_t k = 0; k < x->n_in; k++) {
    const struct rows_reads *reads = &n->nodes[node].reads[k];
    uint32_t first = n->first[x->in[k].value];
    for (uint32_t y = reads->first ? reads->first[row] : 1; reads->first && y < reads->last[row];
         y++)
      if (!--s->left[first + y] && s->lives[first + y]) drop(n, s, first + y);
  }
  for (uint32_t k = 0; k < x->n_out; k++) // what nobody reads
    if (n->rows[x->out[k]] && !s->left[n->first[x->out[k]] + row])
      drop(n, s, n->first[x->out[k]] + row);
}

// Behind the first row that is computed goes what nobody reads of the inputs.
static void begin(struct play *p) {
  struct rows_state *s = p->state;
  for (uint32_t b = 0; !s->begun && b < p->net->blocks; b++)
    if (s->lives[b] && !s->left[b]) drop(p->net, s, b);
  s->begun = true;
}

// Rows of an input of the network that come when they are needed.
static void await(struct play *p, uint32_t value, uint32_t last) {
  for (uint32_t y = 0; y < last; y++) {
    uint32_t block = p->net->first[value] + y;
    if (p->state->left[block] && !p->state->lives[block]) take(p->net, p->state, block);
  }
}

static bool fire_all(struct play *p, uint32_t node, uint32_t rows);

// All blocks of an input that a row needs.
static bool make(struct play *p, uint32_t node, uint32_t row, uint32_t k) {
  const struct rows_net *n = p->net;
  uint32_t value = n->graph->nodes[node].in[k].value;
  int32_t maker = n->graph->values[value].node;
  const struct rows_reads *reads = &n->nodes[node].reads[k];
  if (!reads->first) return true;
  if (maker == NONE) {
    if (n->inputs_come) await(p, value, reads->last[row]);
    return p->state->used <= p->limit;
  }
  if (!p->inside[maker]) return true;
  return fire_all(p, (uint32_t)maker, n->nodes[maker].rows == 1 ? 1 : reads->last[row]);
}

static bool fire(struct play *p, uint32_t node, uint32_t row);

static bool fire_all(struct play *p, uint32_t node, uint32_t rows) {
  while (p->state->next[node] < rows)
    if (!fire(p, node, p->state->next[node])) return false;
  return true;
}

// Whatever must have ended, and what it reads, comes first.
static bool fire(struct play *p, uint32_t node, uint32_t row) {
  const struct rows_net *n = p->net;
  const struct node *x = &n->graph->nodes[node];
  for (uint32_t k = 0; k < x->n_after; k++) {
    uint32_t before = x->after[k].node;
    bool now = !x->after[k].delay && p->inside[before];
    if (now && !fire_all(p, before, n->nodes[before].rows)) return false;
  }
  for (uint32_t k = 0; k < x->n_in; k++)
    if (!make(p, node, row, k)) return false;
  uint32_t over = over_of(p, node, row);
  write(p, node, row, over);
  if (p->state->used > p->limit) return false;
  if (p->list) note(p->list, (struct rows_firing){node, row, over});
  p->state->next[node]++;
  read(p, node, row);
  begin(p);
  return true;
}

bool rows_play(const struct rows_net *n, struct rows_state *s, uint32_t from, uint32_t to,
               int64_t limit, struct rows_list *list) {
  struct arena scratch = {0};
  bool *inside = ARENA_NEW(&scratch, bool, n->graph->n_nodes), fits = true;
  struct play p = {n, s, inside, limit, list};
  for (uint32_t i = from; i < to; i++) inside[n->order[i]] = true;
  for (uint32_t i = to; fits && i-- > from;) // the last one asks for what it needs
    fits = fire_all(&p, n->order[i], n->nodes[n->order[i]].rows);
  arena_free(&scratch);
  return fits;
}
