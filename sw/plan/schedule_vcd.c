// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/schedule_vcd.h"

#include "sw/plan/calendar.h"

#include <stdlib.h>

// Signals of a node and of a link, side by side.
enum { NODE_RUN, NODE_ACTOR, NODE_SLOTS, LINK_VALID = 0, LINK_TOKEN, LINK_SLOT, SIGNALS };
enum { BITS = 32, SHOWN = 16 };

static const char *const names[2][SIGNALS] = {{"run", "actor", "slots"},
                                              {"valid", "token", "slot"}};

struct change {
  int64_t time, value;
  uint32_t signal; // node or link, times SIGNALS, and which of it
  bool adds;       // to what it was
  uint32_t order;  // of one time and signal the last one counts
};

struct waves {
  const struct schedule *s;
  struct text *text;
  uint32_t count, room, signals;
  struct change *changes;
  bool *used; // (links)
};

static uint32_t nodes_of(const struct waves *w) {
  return w->s->machine->topology->nodes;
}

int64_t schedule_vcd_images(const struct schedule *s) {
  return s->period ? (s->length + s->period - 1) / s->period + 1 : 1;
}

static void add(struct waves *w, int64_t time, uint32_t signal, int64_t value, bool adds,
                bool first) {
  if (w->count == w->room) {
    w->room = w->room ? 2 * w->room : 4096;
    w->changes = realloc(w->changes, w->room * sizeof *w->changes);
    if (!w->changes) arena_out_of_memory();
  }
  uint32_t order = first ? 0 : 1; // what ends before what begins
  w->changes[w->count++] = (struct change){time, value, signal, adds, order};
}

static int by_time(const void *x, const void *y) {
  const struct change *a = x, *b = y;
  if (a->time != b->time) return a->time < b->time ? -1 : 1;
  if (a->signal != b->signal) return a->signal < b->signal ? -1 : 1;
  return a->order < b->order ? -1 : a->order > b->order;
}

// ---- what happens

static void add_firings(struct waves *w, int64_t shift) {
  for (uint32_t i = 0; i < w->s->actors->n_actors; i++) {
    const struct firing *f = &w->s->firings[i];
    uint32_t node = f->node * SIGNALS;
    if (f->end == f->start) continue;
    add(w, shift + f->start, node + NODE_RUN, 1, false, false);
    add(w, shift + f->start, node + NODE_ACTOR, i, false, false);
    add(w, shift + f->end, node + NODE_RUN, 0, false, true);
  }
}

static void add_stays(struct waves *w, const struct calendar_stay *stays, uint32_t count,
                      int64_t shift) {
  for (uint32_t i = 0; i < count; i++) {
    add(w, shift + stays[i].from, stays[i].node * SIGNALS + NODE_SLOTS, 1, true, false);
    add(w, shift + stays[i].to, stays[i].node * SIGNALS + NODE_SLOTS, -1, true, true);
  }
}

static uint32_t slot_at(const struct calendar_stay *stays, const int64_t *index, uint32_t token,
                        uint32_t node, uint32_t nodes, int64_t image) {
  const struct calendar_stay *s = &stays[index[(size_t)token * nodes + node]];
  return s->slot + (uint32_t)(image % s->turns);
}

static void add_hops(struct waves *w, const struct calendar_stay *stays, const int64_t *index,
                     int64_t image) {
  const struct topology *t = w->s->machine->topology;
  for (uint32_t i = 0; i < w->s->n_hops; i++) {
    const struct hop *h = &w->s->hops[i];
    int64_t start = h->start + image * w->s->period;
    uint32_t link = (nodes_of(w) + h->link) * SIGNALS;
    uint32_t slot = slot_at(stays, index, h->token, t->to[h->link], t->nodes, image);
    w->used[h->link] = true;
    add(w, start, link + LINK_VALID, 1, false, false);
    add(w, start, link + LINK_TOKEN, h->token, false, false);
    add(w, start, link + LINK_SLOT, slot, false, false);
    add(w, start + schedule_frames(w->s, h->token), link + LINK_VALID, 0, false, true);
  }
}

static void add_all(struct waves *w) {
  struct arena scratch = {0};
  uint32_t count;
  const struct calendar_stay *stays = calendar_stays(&scratch, w->s, &count);
  int64_t *index = ARENA_NEW(&scratch, int64_t, (size_t)w->s->actors->n_tokens * nodes_of(w) + 1);
  for (uint32_t i = 0; i < count; i++)
    index[(size_t)stays[i].token * nodes_of(w) + stays[i].node] = i;
  for (int64_t image = 0; image < schedule_vcd_images(w->s); image++) {
    add_firings(w, image * w->s->period);
    add_stays(w, stays, count, image * w->s->period);
    add_hops(w, stays, index, image);
  }
  arena_free(&scratch);
  if (w->count) qsort(w->changes, w->count, sizeof *w->changes, by_time);
}

// ---- as text

// A signal's short name: digits of printable characters.
static void put_code(struct text *t, uint32_t signal) {
  do {
    text_printf(t, "%c", '!' + (int)(signal % 94));
    signal /= 94;
  } while (signal);
}

static bool is_bit(uint32_t signal) {
  return signal % SIGNALS == NODE_RUN; // and LINK_VALID
}

static void put_value(struct text *t, uint32_t signal, int64_t value) {
  if (is_bit(signal)) {
    text_printf(t, "%d", value != 0);
  } else {
    int top = BITS - 1;
    while (top > 0 && !(value >> top & 1)) top--;
    text_puts(t, "b");
    for (; top >= 0; top--) text_printf(t, "%d", (int)(value >> top & 1));
    text_puts(t, " ");
  }
  put_code(t, signal);
  text_puts(t, "\n");
}

static void put_scope(const struct waves *w, const char *name, uint32_t first, int kind) {
  text_printf(w->text, "$scope module %s $end\n", name);
  for (uint32_t i = 0; i < SIGNALS; i++) {
    text_printf(w->text, "$var wire %d ", is_bit(first + i) ? 1 : BITS);
    put_code(w->text, first + i);
    text_printf(w->text, " %s $end\n", names[kind][i]);
  }
  text_puts(w->text, "$upscope $end\n");
}

static void put_head(const struct waves *w) {
  const struct topology *t = w->s->machine->topology;
  char name[64];
  text_puts(w->text, "$comment nngen schedule: a time unit is a cycle $end\n"
                     "$timescale 1 ns $end\n$scope module nodes $end\n");
  for (uint32_t n = 0; n < t->nodes; n++) {
    snprintf(name, sizeof name, "node%u", n);
    put_scope(w, name, n * SIGNALS, 0);
  }
  for (uint32_t l = 0; l < t->n_links; l++) {
    if (!w->used[l]) continue;
    snprintf(name, sizeof name, "link%u_%u", t->from[l], t->to[l]);
    put_scope(w, name, (t->nodes + l) * SIGNALS, 1);
  }
  text_puts(w->text, "$upscope $end\n$enddefinitions $end\n");
}

// Everything is 0 before the first cycle; of each cycle what has become of each signal in the end.
static void put_changes(const struct waves *w) {
  const struct topology *t = w->s->machine->topology;
  struct arena scratch = {0};
  int64_t *now = ARENA_NEW(&scratch, int64_t, w->signals), shown = 0;
  text_puts(w->text, "#0\n$dumpvars\n");
  for (uint32_t i = 0; i < w->signals; i++)
    if (i < t->nodes * SIGNALS || w->used[i / SIGNALS - t->nodes]) put_value(w->text, i, 0);
  text_puts(w->text, "$end\n");
  for (uint32_t i = 0; i < w->count;) {
    const struct change *c = &w->changes[i];
    int64_t value = now[c->signal], time = c->time;
    uint32_t signal = c->signal;
    for (; i < w->count && w->changes[i].time == time && w->changes[i].signal == signal; i++)
      value = w->changes[i].adds ? value + w->changes[i].value : w->changes[i].value;
    if (value == now[signal]) continue;
    if (time != shown) text_printf(w->text, "#%lld\n", (long long)time);
    shown = time;
    now[signal] = value;
    put_value(w->text, signal, value);
  }
  int64_t end = w->s->length + (schedule_vcd_images(w->s) - 1) * w->s->period + 1;
  if (end > shown) text_printf(w->text, "#%lld\n", (long long)end);
  arena_free(&scratch);
}

void schedule_vcd(struct text *t, const struct schedule *s) {
  struct arena scratch = {0};
  const struct topology *topology = s->machine->topology;
  struct waves w = {.s = s, .text = t};
  w.signals = (topology->nodes + topology->n_links) * SIGNALS;
  w.used = ARENA_NEW(&scratch, bool, topology->n_links + 1);
  add_all(&w);
  put_head(&w);
  put_changes(&w);
  free(w.changes);
  arena_free(&scratch);
}

void schedule_gtkw(struct text *t, const struct schedule *s, const char *file) {
  uint32_t nodes = s->machine->topology->nodes < SHOWN ? s->machine->topology->nodes : SHOWN;
  text_printf(t, "[*] nngen schedule\n[dumpfile] \"%s\"\n[timestart] 0\n", file);
  for (uint32_t n = 0; n < nodes; n++)
    text_printf(t,
                "@28\nnodes.node%u.run\n@24\nnodes.node%u.actor[31:0]\nnodes.node%u.slots[31:0]\n",
                n, n, n);
}
