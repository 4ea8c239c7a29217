// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/sparse.h"

#include "sw/base/bits.h"

#include <assert.h>
#include <string.h>

enum { NOTHING = -1 };

struct maker {
  struct arena *arena;
  const bool *kept; // (beats, outs)
  int64_t beats, outs, lanes, groups;
  int64_t count, room;              // steps
  int32_t *steps, *beat, *group;    // of struct sparse; the last two grow
  bool *idle;                       // grows
  int32_t *list, *length, *arrange; // (lanes, groups) and (lanes) of a beat; (lanes, groups + 2)
};

// ---- one lane's steps of a beat

// A group that is neither of two.
static int32_t other(int32_t a, int32_t b) {
  int32_t g = 0;
  while (g == a || g == b) g++;
  return g;
}

static void swap(int32_t *a, int32_t *b) {
  int32_t t = *a;
  *a = *b;
  *b = t;
}

// The list in an order that doesn't begin with `before` nor, if it can be, end with `after`.
static void order(int32_t *list, int64_t n, int32_t before, int32_t after) {
  for (int64_t i = 1; i < n; i++)
    if (list[i] == after) swap(&list[0], &list[i]);
  if (n < 2 || list[0] != before) return;
  swap(&list[0], &list[1]);
}

// Fills `steps` places of a lane with its list and waits between its groups, so that no group
// follows itself, the one `before` or, if it `must`, comes before `after`; a wait is ~group. False
// if that takes more places.
static bool arrange(int32_t *list, int64_t n, int64_t steps, int32_t before, int32_t after,
                    bool must, int32_t *to) {
  order(list, n, before, after);
  int64_t at = 0, spare = steps - n;
  bool lead = n && list[0] == before, tail = n && list[n - 1] == after;
  if (spare < lead + (must && tail)) return false;
  if (lead) to[at++] = ~other(before, list[0]);
  for (int64_t i = 0; i < n; i++) to[at++] = list[i];
  while (at < steps) {
    int32_t last = !at ? before : to[at - 1] < 0 ? ~to[at - 1] : to[at - 1];
    to[at++] = ~other(last, after);
  }
  return true;
}

// ---- beats

static void list_beat(struct maker *m, int64_t beat) {
  memset(m->length, 0, (size_t)m->lanes * sizeof *m->length);
  for (int64_t o = 0; o < m->outs; o++) {
    int64_t lane = o % m->lanes;
    if (m->kept[beat * m->outs + o])
      m->list[lane * m->groups + m->length[lane]++] = (int32_t)(o / m->lanes);
  }
}

// The only group of a lane in a beat that is short enough to begin with it; NOTHING.
static int32_t only_group(const struct maker *m, int64_t beat, int64_t lane) {
  int32_t only = NOTHING;
  for (int64_t o = lane; o < m->outs; o += m->lanes)
    if (m->kept[beat * m->outs + o]) {
      if (only != NOTHING) return NOTHING;
      only = (int32_t)(o / m->lanes);
    }
  return only;
}

static bool arrange_all(struct maker *m, int64_t beat, int64_t steps) {
  bool last = beat == m->beats - 2;
  for (int64_t lane = 0; lane < m->lanes; lane++) {
    int32_t before = m->count ? m->group[(m->count - 1) * m->lanes + lane] : NOTHING;
    int32_t after = last ? 0 : only_group(m, beat + 1, lane);
    if (!arrange(&m->list[lane * m->groups], m->length[lane], steps, before, after, last,
                 &m->arrange[lane * (m->groups + 2)]))
      return false;
  }
  return true;
}

static void grow(struct maker *m, int64_t steps) {
  if (m->count + steps <= m->room) return;
  int64_t room = 2 * (m->count + steps);
  int32_t *beat = ARENA_NEW(m->arena, int32_t, room);
  int32_t *group = ARENA_NEW(m->arena, int32_t, room * m->lanes);
  bool *idle = ARENA_NEW(m->arena, bool, room * m->lanes);
  if (m->count) {
    memcpy(beat, m->beat, (size_t)m->count * sizeof *beat);
    memcpy(group, m->group, (size_t)(m->count * m->lanes) * sizeof *group);
    memcpy(idle, m->idle, (size_t)(m->count * m->lanes) * sizeof *idle);
  }
  m->beat = beat;
  m->group = group;
  m->idle = idle;
  m->room = room;
}

static void put_step(struct maker *m, int64_t beat) {
  m->beat[m->count++] = (int32_t)beat;
  m->steps[beat]++;
}

static void put_beat(struct maker *m, int64_t beat) {
  int64_t steps = 1;
  list_beat(m, beat);
  for (int64_t lane = 0; lane < m->lanes; lane++)
    if (m->length[lane] > steps) steps = m->length[lane];
  // a wait before its only group, and one behind it, are enough for any lane
  while (!arrange_all(m, beat, steps)) steps++;
  assert(steps <= m->groups + 2);
  grow(m, steps);
  for (int64_t i = 0; i < steps; i++) {
    for (int64_t lane = 0; lane < m->lanes; lane++) {
      int32_t g = m->arrange[lane * (m->groups + 2) + i];
      m->group[m->count * m->lanes + lane] = g < 0 ? ~g : g;
      m->idle[m->count * m->lanes + lane] = g < 0;
    }
    put_step(m, beat);
  }
}

static void put_last_beat(struct maker *m) {
  grow(m, m->groups);
  for (int64_t g = 0; g < m->groups; g++) {
    for (int64_t lane = 0; lane < m->lanes; lane++) {
      m->group[m->count * m->lanes + lane] = (int32_t)g;
      m->idle[m->count * m->lanes + lane] = false;
    }
    put_step(m, m->beats - 1);
  }
}

static const bool *first_of(struct arena *a, const struct maker *m) {
  bool *first = ARENA_NEW(a, bool, m->count * m->lanes);
  bool *seen = ARENA_NEW(a, bool, m->lanes * m->groups);
  for (int64_t i = 0; i < m->count * m->lanes; i++) {
    bool *own = &seen[i % m->lanes * m->groups + m->group[i]];
    first[i] = !*own;
    *own = true;
  }
  return first;
}

struct sparse *sparse_new(struct arena *a, const bool *kept, int64_t beats, int64_t outs,
                          int64_t lanes) {
  struct maker m = {.arena = a,
                    .kept = kept,
                    .beats = beats,
                    .outs = outs,
                    .lanes = lanes,
                    .groups = (outs + lanes - 1) / lanes};
  assert(m.groups >= SPARSE_GROUPS_LEAST);
  m.steps = ARENA_NEW(a, int32_t, beats);
  m.list = ARENA_NEW(a, int32_t, lanes * m.groups);
  m.length = ARENA_NEW(a, int32_t, lanes);
  m.arrange = ARENA_NEW(a, int32_t, lanes * (m.groups + 2));
  for (int64_t b = 0; b < beats - 1; b++) put_beat(&m, b);
  put_last_beat(&m);
  struct sparse *s = ARENA_NEW(a, struct sparse, 1);
  *s = (struct sparse){.words = m.count,
                       .lanes = lanes,
                       .steps = m.steps,
                       .beat = m.beat,
                       .group = m.group,
                       .first = first_of(a, &m),
                       .idle = m.idle};
  return s;
}

// ---- its memory

int sparse_word_bits(const struct sparse *s, int64_t groups) {
  return (int)s->lanes * (bits_clog2(groups) + 1) + 1;
}

bool sparse_word_bit(const struct sparse *s, int64_t groups, int64_t word, int64_t i) {
  int bits = bits_clog2(groups);
  int64_t lane = i / (bits + 1), at = word * s->lanes + lane, bit = i % (bits + 1);
  if (lane == s->lanes) return word + 1 == s->words || s->beat[word + 1] != s->beat[word];
  return bit == bits ? s->first[at] : s->group[at] >> bit & 1;
}
