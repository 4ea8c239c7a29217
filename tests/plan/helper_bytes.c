// SPDX-License-Identifier: Apache-2.0
#include "tests/plan/helper_bytes.h"

#include <string.h>

enum {
  BLOCKS = 192,
  BYTES = 400,
  MEMORIES = 5,
  EVENTS = 512,
  SLOTS = 2,
  RESOURCES = 40,
  RUNS = 64
};

// Points are the products of a sum that an element of a linear layer adds up; others have one.
struct judge {
  const struct plan *p;
  const struct graph *g;
  int t;
  int n_blocks;
  struct {
    int event;
    bool live;
  } blocks[BLOCKS];
  uint8_t points[MEMORIES][BYTES][BLOCKS];
  bool holds[EVENTS][BLOCKS];  // who uses what, until its end
  int slots[RESOURCES][SLOTS]; // the SEND in it, or -1
  bool runs_now[EVENTS];
  uint8_t runs[RUNS][8][8]; // (node and step, element, input) times run
  uint32_t origin[BLOCKS];  // (n_values) the least of those that may lie over one another
  const char *why;
};

static bool no(struct judge *j, const char *why) {
  if (!j->why) j->why = why;
  return false;
}

static const struct event *at(const struct judge *j, int event) {
  return &j->p->events[event];
}

static const struct resource *where(const struct judge *j, const struct event *e) {
  return &j->p->machine.resources[e->resource];
}

static bool lasts(const struct event *e) {
  return e->action != ACTION_ALLOC && e->action != ACTION_FREE && e->action != ACTION_RECV;
}

static int size_of(const struct judge *j, uint32_t value) {
  return (int)value_elements(&j->g->values[value]);
}

static int full(const struct judge *j, uint32_t value) {
  int32_t n = j->g->values[value].node;
  return n != NONE && j->g->nodes[n].op == OP_linear ? size_of(j, j->g->nodes[n].in[0].value) : 1;
}

static bool in_slice(const struct slice *s, int axis, int64_t i) {
  if (!s->ranges || s->axis != axis) return true;
  for (int64_t r = 0; r < s->ranges; r++)
    if (i >= s->range[2 * r] && i < s->range[2 * r + 1]) return true;
  return false;
}

// ---- what has no meaning

static bool slice_has_meaning(const struct judge *j, const struct event *e) {
  const struct slice *s = &e->slice;
  if (!s->ranges) return true;
  int axes = 1;
  if (e->action == ACTION_RUN) {
    enum op op = j->g->nodes[e->id].op;
    axes = op == OP_linear ? 2 : op == OP_reshape ? 0 : 1;
  } else {
    axes = j->g->values[e->id].rank;
  }
  int64_t last = 0, size = e->action == ACTION_RUN
                               ? size_of(j, j->g->nodes[e->id].out[0])
                               : j->g->values[e->id].shape[s->axis < axes ? s->axis : 0];
  if (s->axis >= axes) return false;
  for (int64_t r = 0; r < s->ranges; last = s->range[2 * r++ + 1])
    if (s->range[2 * r] < last || s->range[2 * r + 1] <= s->range[2 * r]) return false;
  return last <= size;
}

static bool has_meaning(struct judge *j, const struct event *e) {
  static const bool can[RESOURCE_KINDS][ACTIONS] = {
      [RESOURCE_PE] = {[ACTION_RUN] = true},
      [RESOURCE_CHANNEL] = {[ACTION_LOAD] = true, [ACTION_STORE] = true},
      [RESOURCE_LINK] = {[ACTION_SEND] = true, [ACTION_RECV] = true},
      [RESOURCE_MEMORY] = {[ACTION_ALLOC] = true, [ACTION_FREE] = true}};
  if (e->end < e->start || lasts(e) != (e->end > e->start)) return no(j, "time");
  if (e->resource >= j->p->machine.count || !can[where(j, e)->kind][e->action])
    return no(j, "resource");
  if (e->id >= (e->action == ACTION_RUN ? j->g->n_nodes : j->g->n_values)) return no(j, "id");
  if (e->step >= j->p->steps || (e->action == ACTION_RUN && e->step < 0)) return no(j, "step");
  if (e->action != ACTION_RUN && j->g->values[e->id].init && e->step) return no(j, "step");
  if (where(j, e)->kind == RESOURCE_LINK && (e->address < 0 || e->address >= where(j, e)->slots))
    return no(j, "slot");
  bool takes = where(j, e)->kind == RESOURCE_MEMORY || (e->action == ACTION_RUN && e->bytes);
  if (takes && (e->bytes < 0 || e->address < 0)) return no(j, "bytes");
  return slice_has_meaning(j, e) || no(j, "slice");
}

// ---- blocks

// The block with an element of a value, or -1.
static int live(const struct judge *j, uint32_t memory, uint32_t value, int step, int element) {
  for (int b = 0; b < j->n_blocks; b++) {
    const struct event *e = at(j, j->blocks[b].event);
    if (j->blocks[b].live && e->resource == memory && e->id == value && e->step == step &&
        in_slice(&e->slice, 0, element))
      return b;
  }
  return -1;
}

static bool same_part(const struct event *a, const struct event *b) {
  if (a->slice.ranges != b->slice.ranges) return false;
  for (int64_t i = 0; i < 2 * a->slice.ranges; i++)
    if (a->slice.range[i] != b->slice.range[i]) return false;
  return !a->slice.ranges || a->slice.axis == b->slice.axis;
}

// The label of both ends of whatever may write over its input, until nothing changes.
static void find_origins(struct judge *j) {
  bool changed = true;
  for (uint32_t v = 0; v < j->g->n_values; v++) j->origin[v] = v;
  while (changed) {
    changed = false;
    for (uint32_t i = 0; i < j->g->n_nodes; i++) {
      const struct node *n = &j->g->nodes[i];
      for (uint32_t k = 0; n->op != OP_linear && k < n->n_in; k++) {
        uint32_t *a = &j->origin[n->out[0]], *b = &j->origin[n->in[k].value];
        if (n->in[k].delay || j->g->values[n->in[k].value].init || *a == *b) continue;
        *a = *b = *a < *b ? *a : *b;
        changed = true;
      }
    }
  }
}

static bool one_place(const struct judge *j, int a, int b) {
  const struct event *x = at(j, j->blocks[a].event), *y = at(j, j->blocks[b].event);
  return j->origin[x->id] == j->origin[y->id] && x->step == y->step && x->address == y->address &&
         x->bytes == y->bytes && size_of(j, x->id) == size_of(j, y->id) && same_part(x, y);
}

static bool share_a_byte(const struct judge *j, int a, int b) {
  const struct event *x = at(j, j->blocks[a].event), *y = at(j, j->blocks[b].event);
  for (int64_t i = 0; x->resource == y->resource && i < x->bytes; i++)
    if (x->address + i >= y->address && x->address + i < y->address + y->bytes) return true;
  return false;
}

static bool used(const struct judge *j, int block, int but) {
  for (uint32_t e = 0; e < j->p->n_events; e++)
    if ((int)e != but && j->holds[e][block]) return true;
  return false;
}

static void forget(struct judge *j, int block) {
  const struct event *e = at(j, j->blocks[block].event);
  for (int64_t i = 0; i < e->bytes && e->address + i < BYTES; i++)
    j->points[e->resource][e->address + i][block] = 0;
}

// The bytes of a block are somebody's now: others have nothing there.
static bool take(struct judge *j, int block, int who) {
  for (int b = 0; b < j->n_blocks; b++) {
    if (b == block || !j->blocks[b].live || !share_a_byte(j, b, block)) continue;
    if (used(j, b, who)) return no(j, "over in use");
    if (j->holds[who][b] && at(j, who)->action == ACTION_RUN &&
        j->g->nodes[at(j, who)->id].op == OP_linear)
      return no(j, "over what it reads");
    forget(j, b);
  }
  return true;
}

// Elements of a block that stand before one of its value.
static int before(const struct event *e, int element) {
  int count = 0;
  for (int i = 0; i < element; i++) count += in_slice(&e->slice, 0, i);
  return count;
}

static uint8_t *cell(struct judge *j, int block, int element) {
  const struct event *e = at(j, j->blocks[block].event);
  return &j->points[e->resource][e->address + before(e, element)][block];
}

static bool there(struct judge *j, int block, int element) {
  return *cell(j, block, element) >= full(j, at(j, j->blocks[block].event)->id);
}

// Whether a byte of x is one of y's: of blocks, or of scratch.
static bool common(const struct event *x, const struct event *y) {
  for (int64_t i = 0; i < x->bytes; i++)
    if (x->address + i >= y->address && x->address + i < y->address + y->bytes) return true;
  return false;
}

// Of everybody who runs with scratch in a memory at this time, but for one.
static bool scratch_is_hit(const struct judge *j, const struct event *e, uint32_t memory, int but) {
  for (uint32_t i = 0; i < j->p->n_events; i++) {
    const struct event *o = at(j, (int)i);
    if ((int)i != but && o->action == ACTION_RUN && o->bytes && j->runs_now[i] &&
        (uint32_t)where(j, o)->memory == memory && common(e, o))
      return true;
  }
  return false;
}

static bool allocate(struct judge *j, int who) {
  const struct event *e = at(j, who);
  const struct resource *r = where(j, e);
  int size = size_of(j, e->id);
  for (int i = 0; i < size; i++)
    if (in_slice(&e->slice, 0, i) && live(j, e->resource, e->id, e->step, i) >= 0)
      return no(j, "there already");
  if (e->bytes < before(e, size)) return no(j, "small");
  if (e->address % r->align || e->address + e->bytes > r->bytes) return no(j, "outside");
  int block = j->n_blocks++;
  j->blocks[block].event = who;
  j->blocks[block].live = true;
  for (int b = 0; b < block; b++)
    if (j->blocks[b].live && share_a_byte(j, b, block) && !one_place(j, b, block))
      return no(j, "overlap");
  if (scratch_is_hit(j, e, e->resource, -1)) return no(j, "over scratch");
  if (!r->home || (j->g->values[e->id].node != NONE && e->step >= 0)) return true;
  if (!take(j, block, who)) return false;
  for (int i = 0; i < size; i++)
    if (in_slice(&e->slice, 0, i)) *cell(j, block, i) = (uint8_t)full(j, e->id);
  return true;
}

static bool release(struct judge *j, int who) {
  const struct event *e = at(j, who);
  int block = -1;
  for (int b = 0; b < j->n_blocks; b++) {
    const struct event *x = at(j, j->blocks[b].event);
    if (j->blocks[b].live && x->resource == e->resource && x->id == e->id && x->step == e->step &&
        same_part(x, e))
      block = b;
  }
  if (block < 0) return no(j, "not there to free");
  if (used(j, block, -1)) return no(j, "freed in use");
  if (at(j, j->blocks[block].event)->bytes != e->bytes) return no(j, "other bytes");
  forget(j, block);
  j->blocks[block].live = false;
  return true;
}

// ---- reading and writing

// The elements of an input that a RUN reads, or of a value that is carried.
static bool wanted(const struct judge *j, const struct event *e, uint32_t k, int element) {
  if (e->action != ACTION_RUN) return in_slice(&e->slice, 0, element);
  if (j->g->nodes[e->id].op != OP_linear) return in_slice(&e->slice, 0, element);
  int in = size_of(j, j->g->nodes[e->id].in[0].value);
  if (k == 0) return in_slice(&e->slice, 1, element);
  return in_slice(&e->slice, 0, element / in) && in_slice(&e->slice, 1, element % in);
}

static bool read_from(struct judge *j, int who, uint32_t k, int32_t memory, int32_t more,
                      uint32_t value, int step) {
  const int32_t choices[] = {memory, more};
  for (int c = 0; c < 2; c++) {
    bool all = choices[c] != NONE;
    for (int i = 0; all && i < size_of(j, value); i++) {
      int block = live(j, (uint32_t)choices[c], value, step, i);
      all = !wanted(j, at(j, who), k, i) || (block >= 0 && there(j, block, i));
    }
    for (int i = 0; all && i < size_of(j, value); i++)
      if (wanted(j, at(j, who), k, i))
        j->holds[who][live(j, (uint32_t)choices[c], value, step, i)] = true;
    if (all) return true;
  }
  return no(j, "nothing to read");
}

static bool is_whole(const struct judge *j, int block) {
  return !at(j, j->blocks[block].event)->slice.ranges;
}

static bool write_block(struct judge *j, int who, int32_t memory, int block) {
  const struct event *e = at(j, who);
  bool alias = e->action == ACTION_RUN && j->g->nodes[e->id].op == OP_reshape &&
               !j->g->nodes[e->id].in[0].delay && is_whole(j, block);
  int in = alias ? live(j, (uint32_t)memory, j->g->nodes[e->id].in[0].value, e->step, 0) : -1;
  if (!(in >= 0 && one_place(j, in, block)) && !take(j, block, who)) return false;
  j->holds[who][block] = true;
  return true;
}

static bool write_to(struct judge *j, int who, int32_t memory, uint32_t value) {
  const struct event *e = at(j, who);
  for (int i = 0; i < size_of(j, value); i++) {
    int block = live(j, (uint32_t)memory, value, e->step, i);
    if (!in_slice(&e->slice, 0, i)) continue;
    if (block < 0) return no(j, "nowhere to write");
    if (!j->holds[who][block] && !write_block(j, who, memory, block)) return false;
  }
  return true;
}

static bool take_scratch(struct judge *j, int who) {
  const struct event *e = at(j, who);
  uint32_t memory = (uint32_t)where(j, e)->memory;
  const struct resource *r = &j->p->machine.resources[memory];
  if (!e->bytes) return true;
  if (e->address % r->align || e->address + e->bytes > r->bytes) return no(j, "scratch outside");
  for (int b = 0; b < j->n_blocks; b++)
    if (j->blocks[b].live && at(j, j->blocks[b].event)->resource == memory &&
        common(e, at(j, j->blocks[b].event)))
      return no(j, "scratch over a block");
  return !scratch_is_hit(j, e, memory, who) || no(j, "scratch over scratch");
}

static bool run(struct judge *j, int who) {
  const struct event *e = at(j, who);
  if (!take_scratch(j, who)) return false;
  j->runs_now[who] = true;
  const struct node *n = &j->g->nodes[e->id];
  const struct resource *pe = where(j, e);
  int out = size_of(j, n->out[0]), in = n->op == OP_linear ? full(j, n->out[0]) : 1;
  for (int o = 0; o < out; o++)
    for (int i = 0; i < in; i++)
      if (in_slice(&e->slice, 0, o) && in_slice(&e->slice, 1, i) &&
          j->runs[e->id * 2 + (uint32_t)e->step][o][i]++)
        return no(j, "twice");
  for (uint32_t k = 0; k < n->n_after; k++)
    for (uint32_t x = 0; x < j->p->n_events; x++)
      if (at(j, (int)x)->action == ACTION_RUN && at(j, (int)x)->id == n->after[k].node &&
          at(j, (int)x)->step == e->step && at(j, (int)x)->end > e->start)
        return no(j, "order");
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct use *u = &n->in[k];
    int step = j->g->values[u->value].init ? 0 : e->step - (int)u->delay;
    if (!read_from(j, who, k, pe->memory, pe->constants, u->value, step)) return false;
  }
  return write_to(j, who, pe->memory, n->out[0]);
}

static void written(struct judge *j, const struct event *e, int32_t memory, uint32_t value) {
  int points = full(j, value);
  if (e->action == ACTION_RUN && points > 1) {
    points = 0;
    for (int i = 0; i < full(j, value); i++) points += in_slice(&e->slice, 1, i);
  }
  for (int i = 0; i < size_of(j, value); i++) {
    int block = live(j, (uint32_t)memory, value, e->step, i);
    if (block >= 0 && in_slice(&e->slice, 0, i))
      *cell(j, block, i) = (uint8_t)(*cell(j, block, i) + points);
  }
}

static bool receive(struct judge *j, int who) {
  const struct event *e = at(j, who);
  int *slot = &j->slots[e->resource][e->address], sent = *slot;
  if (sent < 0 || at(j, sent)->id != e->id || at(j, sent)->step != e->step ||
      !same_part(at(j, sent), e) || at(j, sent)->end + where(j, e)->latency > j->t)
    return no(j, "slot doesn't hold it");
  *slot = -1;
  if (!write_to(j, who, where(j, e)->to, e->id)) return false;
  memset(j->holds[who], 0, sizeof j->holds[who]);
  written(j, e, where(j, e)->to, e->id);
  return true;
}

static bool start(struct judge *j, int who) {
  const struct event *e = at(j, who);
  const struct resource *r = where(j, e);
  for (uint32_t x = 0; x < j->p->n_events; x++) {
    const struct event *o = at(j, (int)x);
    if ((int)x != who && lasts(o) && o->resource == e->resource && o->start <= j->t &&
        o->end > j->t)
      return no(j, "busy");
  }
  if (e->action == ACTION_RUN) return run(j, who);
  if (!read_from(j, who, 0, r->from, NONE, e->id, e->step)) return false;
  if (e->action != ACTION_SEND) return write_to(j, who, r->to, e->id);
  if (j->slots[e->resource][e->address] >= 0) return no(j, "slot is full");
  j->slots[e->resource][e->address] = who;
  return true;
}

static void end(struct judge *j, int who) {
  const struct event *e = at(j, who);
  if (e->action == ACTION_RUN)
    written(j, e, where(j, e)->memory, j->g->nodes[e->id].out[0]);
  else if (e->action != ACTION_SEND)
    written(j, e, where(j, e)->to, e->id);
  memset(j->holds[who], 0, sizeof j->holds[who]);
  j->runs_now[who] = false;
}

static bool instant(struct judge *j) {
  uint32_t n = j->p->n_events;
  for (uint32_t i = 0; i < n; i++)
    if (lasts(at(j, (int)i)) && at(j, (int)i)->end == j->t) end(j, (int)i);
  static const enum action turns[] = {ACTION_FREE, ACTION_ALLOC, ACTION_RECV, ACTION_RUN};
  for (int turn = 0; turn < 4; turn++)
    for (uint32_t i = 0; i < n; i++) {
      const struct event *e = at(j, (int)i);
      if (e->start != j->t) continue;
      if (turn < 3 ? e->action != turns[turn] : !lasts(e)) continue;
      bool ok = turn == 0   ? release(j, (int)i)
                : turn == 1 ? allocate(j, (int)i)
                : turn == 2 ? receive(j, (int)i)
                            : start(j, (int)i);
      if (!ok) return false;
    }
  return true;
}

static bool all_were_run(struct judge *j) {
  for (uint32_t n = 0; n < j->g->n_nodes; n++)
    for (int s = 0; s < j->p->steps; s++) {
      uint32_t value = j->g->nodes[n].out[0];
      int in = j->g->nodes[n].op == OP_linear ? full(j, value) : 1;
      for (int o = 0; o < size_of(j, value); o++)
        for (int i = 0; i < in; i++)
          if (!j->runs[n * 2 + (uint32_t)s][o][i]) return no(j, "missing");
    }
  return true;
}

bool bytes_accept(const struct plan *p, const char **why) {
  static struct judge judge;
  struct judge *j = &judge;
  memset(j, 0, sizeof *j);
  memset(j->slots, 0xff, sizeof j->slots);
  j->p = p;
  j->g = p->graph;
  find_origins(j);
  int first = 0, last = 0;
  bool ok = true;
  for (uint32_t i = 0; i < p->n_events; i++) {
    if (p->events[i].start < first) first = (int)p->events[i].start;
    if (p->events[i].end > last) last = (int)p->events[i].end;
    ok = has_meaning(j, &p->events[i]) && ok;
  }
  for (j->t = first; ok && j->t <= last; j->t++) ok = instant(j);
  ok = ok && all_were_run(j);
  *why = j->why;
  return ok;
}
