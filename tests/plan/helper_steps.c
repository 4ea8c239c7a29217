// SPDX-License-Identifier: Apache-2.0
#include "tests/plan/helper_steps.h"

#include <math.h>
#include <string.h>

// ---- at random

static double some_ms(struct rng *r) {
  return (double)rng_range(r, 0, 40) / 8;
}

static struct replay_plan draw(struct arena *a, struct rng *r, uint32_t count, bool chain,
                               uint32_t most) {
  struct replay_operator *ops = ARENA_NEW(a, struct replay_operator, count);
  struct replay_decision *prunes = ARENA_NEW(a, struct replay_decision, count);
  struct replay_plan p = {.name = "random",
                          .version = 1,
                          .limit = 1e12,
                          .rate = {0, (double)rng_range(r, 1, 64), (double)rng_range(r, 1, 64)},
                          .operators = ops,
                          .n_operators = count,
                          .decisions = prunes};
  for (uint32_t i = 0; i < count; i++) {
    struct replay_operator *o = &ops[i];
    uint32_t *from = ARENA_NEW(a, uint32_t, 2);
    *o = (struct replay_operator){.name = arena_printf(a, "op%u", i), .from = from};
    bool source = i == 0 || (!chain && rng_range(r, 0, 7) == 0);
    if (!source) from[o->n_from++] = chain ? i - 1 : (uint32_t)rng_range(r, 0, i - 1);
    if (!source && !chain && rng_range(r, 0, 2) == 0)
      from[o->n_from++] = (uint32_t)rng_range(r, 0, i - 1);
    for (uint32_t k = 0; k < o->n_from; k++) o->in += ops[from[k]].out;
    if (source) o->in = (uint32_t)rng_range(r, 1, most);
    o->one = o->in <= most && rng_range(r, 0, 1);
    o->out = o->one ? o->in : (uint32_t)rng_range(r, 1, most);
    for (int b = 0; b < REPLAY_BLOCKS; b++) o->bytes[b] = 12 * rng_range(r, 0, 12);
    for (int k = 0; k < REPLAY_RUNS; k++) {
      o->ms[k] = some_ms(r);
      if (k != REPLAY_OPTIMIZE) o->extra[k] = (double)rng_range(r, 0, 24);
    }
    o->loss = ARENA_NEW(a, double, o->out);
    uint32_t *range = ARENA_NEW(a, uint32_t, 2);
    range[0] = (uint32_t)rng_range(r, 0, o->out);
    range[1] = (uint32_t)rng_range(r, 0, o->out);
    if (range[0] < range[1] && rng_range(r, 0, 1))
      prunes[p.n_decisions++] = (struct replay_decision){
          .action = REPLAY_PRUNE, .op = i, .block = -1, .channels = {1, range}};
  }
  return p;
}

struct replay_plan steps_random(struct arena *a, struct rng *r, uint32_t count, bool chain) {
  return draw(a, r, count, chain, 4);
}

struct replay_plan steps_wide(struct arena *a, struct rng *r, uint32_t count, bool chain) {
  return draw(a, r, count, chain, 100);
}

void steps_shuffle(struct arena *a, struct rng *r, struct replay_plan *p) {
  uint32_t count = p->n_operators, *to = ARENA_NEW(a, uint32_t, count);
  struct replay_operator *ops = ARENA_NEW(a, struct replay_operator, count);
  struct replay_decision *d = arena_copy(a, p->decisions, p->n_decisions * sizeof *d);
  for (uint32_t i = 0; i < count; i++) to[i] = i;
  for (uint32_t i = count; i-- > 1;) {
    uint32_t k = (uint32_t)rng_range(r, 0, i), x = to[i];
    to[i] = to[k];
    to[k] = x;
  }
  for (uint32_t i = 0; i < count; i++) {
    const struct replay_operator *o = &p->operators[i];
    uint32_t *from = ARENA_NEW(a, uint32_t, o->n_from);
    for (uint32_t k = 0; k < o->n_from; k++) from[k] = to[o->from[k]];
    ops[to[i]] = *o;
    ops[to[i]].from = from;
  }
  for (uint32_t i = 0; i < p->n_decisions; i++) d[i].op = to[d[i].op];
  p->operators = ops;
  p->decisions = d;
}

// ---- the judge

enum { OPS = 12, CHANNELS = 64, DECISIONS = 200 };
enum where { NOWHERE, SLOW, ARRIVES, FAST, LEAVES };

struct judge {
  const struct replay_plan *p;
  enum where where[OPS][REPLAY_BLOCKS][CHANNELS];
  int writes[OPS][REPLAY_BLOCKS][CHANNELS];
  bool pruned[OPS][CHANNELS], backward[OPS], reached[OPS];
  bool fresh[OPS][CHANNELS]; // inputs that await what is made again, in list order
  uint64_t makes[DECISIONS][OPS];
  bool runs[DECISIONS], ended[DECISIONS];
  double end[DECISIONS];
};

static bool names(const struct replay_decision *d, uint32_t c) {
  for (uint32_t i = 0; i < d->channels.ranges; i++)
    if (c >= d->channels.range[2 * i] && c < d->channels.range[2 * i + 1]) return true;
  return false;
}

static uint32_t total(const struct replay_operator *o, int block) {
  return block == REPLAY_INPUT || block == REPLAY_PASS_GRAD ? o->in : o->out;
}

// The input channel c of an operator is channel *k of predecessor *from.
static void behind(const struct replay_plan *p, uint32_t op, uint32_t c, uint32_t *from,
                   uint32_t *k) {
  const struct replay_operator *o = &p->operators[op];
  uint32_t slot = 0;
  while (c >= p->operators[o->from[slot]].out) c -= p->operators[o->from[slot++]].out;
  *from = o->from[slot];
  *k = c;
}

static bool of_input(const struct judge *j, const struct replay_decision *d, uint32_t c) {
  return !j->p->operators[d->op].one || names(d, c);
}

static bool passes(const struct judge *j, uint32_t op, uint32_t c, uint32_t to) {
  uint32_t from, k;
  behind(j->p, op, c, &from, &k);
  return from == to && !j->pruned[from][k];
}

static bool is_sink(const struct judge *j, uint32_t op) {
  for (uint32_t s = 0; s < j->p->n_operators; s++)
    for (uint32_t k = 0; k < j->p->operators[s].n_from; k++)
      if (j->p->operators[s].from[k] == op) return false;
  return true;
}

static bool reads(const struct judge *j, uint32_t place, uint32_t op, int block, uint32_t c) {
  const struct replay_decision *d = &j->p->decisions[place];
  bool own = d->op == op;
  uint32_t from, k;
  switch (d->action) {
  case REPLAY_FORWARD:
    if (own && block == REPLAY_INPUT && of_input(j, d, c)) return true;
    if (own && block == REPLAY_PARAM && names(d, c)) return true;
    for (uint32_t i = 0;
         block == REPLAY_OUTPUT && j->p->operators[d->op].n_from && i < j->p->operators[d->op].in;
         i++) {
      behind(j->p, d->op, i, &from, &k);
      if (from == op && k == c && of_input(j, d, i)) return true;
    }
    return false;
  case REPLAY_AGAIN:
    return own &&
           ((block == REPLAY_INPUT && of_input(j, d, c)) || (block == REPLAY_PARAM && names(d, c)));
  case REPLAY_BACKWARD:
    if (own && block == REPLAY_INPUT) return of_input(j, d, c);
    if (own && block == REPLAY_PARAM) return names(d, c);
    if (own && block == REPLAY_OUTPUT) return is_sink(j, op);
    if (block != REPLAY_PASS_GRAD || !j->reached[op] || !j->p->operators[op].n_from) return false;
    behind(j->p, op, c, &from, &k);
    return from == d->op && names(d, k) && !(j->p->operators[op].one && j->pruned[op][c]);
  case REPLAY_OPTIMIZE:
    return own && (block == REPLAY_PARAM || block == REPLAY_GRAD) && names(d, c);
  case REPLAY_STORE:
    return own && block == d->block && names(d, c);
  default:
    return false;
  }
}

static bool writes(const struct judge *j, uint32_t place, uint32_t op, int block, uint32_t c) {
  const struct replay_decision *d = &j->p->decisions[place];
  bool own = d->op == op;
  uint32_t from, k;
  switch (d->action) {
  case REPLAY_FORWARD:
    return own && block == REPLAY_OUTPUT && names(d, c);
  case REPLAY_AGAIN:
    return block == REPLAY_INPUT && (j->makes[place][op] >> c & 1);
  case REPLAY_BACKWARD:
    if (own && block == REPLAY_GRAD) return names(d, c);
    if (!own || block != REPLAY_PASS_GRAD || !j->p->operators[op].n_from) return false;
    behind(j->p, op, c, &from, &k);
    return of_input(j, d, c) && passes(j, op, c, from);
  case REPLAY_OPTIMIZE:
    return own && block == REPLAY_PARAM && names(d, c);
  default:
    return false;
  }
}

// ---- what holds before time begins

// Channels for which an action is decided exactly once each, where they should be.
static bool once(const struct judge *j, uint32_t op, enum replay_action action, bool unpruned) {
  const struct replay_operator *o = &j->p->operators[op];
  for (uint32_t c = 0; c < CHANNELS; c++) {
    int count = 0;
    for (uint32_t i = 0; i < j->p->n_decisions; i++) {
      const struct replay_decision *d = &j->p->decisions[i];
      count += d->op == op && d->action == action && names(d, c);
    }
    if (count != (c < o->out && !(unpruned && j->pruned[op][c]))) return false;
  }
  return true;
}

static bool before(const struct judge *j, uint32_t op, enum replay_action a, enum replay_action b) {
  for (uint32_t x = 0; x < j->p->n_decisions; x++)
    for (uint32_t y = 0; y < x; y++)
      if (j->p->decisions[x].op == op && j->p->decisions[x].action == a &&
          j->p->decisions[y].op == op && j->p->decisions[y].action == b)
        return false;
  return true;
}

static bool find_pruned(struct judge *j) {
  for (uint32_t i = 0; i < j->p->n_decisions; i++) {
    const struct replay_decision *d = &j->p->decisions[i];
    for (uint32_t c = 0; d->action == REPLAY_PRUNE && c < CHANNELS; c++) {
      if (!names(d, c)) continue;
      if (c >= j->p->operators[d->op].out || j->pruned[d->op][c]) return false;
      j->pruned[d->op][c] = true;
    }
  }
  for (uint32_t op = j->p->n_operators; op-- > 0;) { // operators stand behind what they read
    bool feeds = is_sink(j, op);
    for (uint32_t c = 0; c < j->p->operators[op].out; c++)
      j->backward[op] = j->backward[op] || !j->pruned[op][c];
    for (uint32_t s = op + 1; s < j->p->n_operators; s++)
      for (uint32_t k = 0; k < j->p->operators[s].n_from; k++)
        feeds = feeds || (j->p->operators[s].from[k] == op && j->reached[s]);
    j->reached[op] = feeds && j->backward[op];
    if (j->backward[op] && !j->reached[op]) return false;
  }
  return true;
}

static bool find_makes(struct judge *j) {
  bool read[OPS][CHANNELS] = {{0}};
  for (uint32_t i = 0; i < j->p->n_decisions; i++) {
    const struct replay_decision *d = &j->p->decisions[i];
    for (uint32_t c = 0; c < CHANNELS; c++) {
      bool awaited = false;
      if (d->action == REPLAY_FORWARD && c < j->p->operators[d->op].in && of_input(j, d, c))
        read[d->op][c] = true, j->fresh[d->op][c] = false;
      if (d->action == REPLAY_ALLOCATE && d->block == REPLAY_INPUT && names(d, c) && read[d->op][c])
        j->fresh[d->op][c] = true;
      if (d->action != REPLAY_AGAIN || !names(d, c)) continue;
      for (uint32_t s = 0; s < j->p->n_operators; s++)
        for (uint32_t x = 0; j->p->operators[s].n_from && x < j->p->operators[s].in; x++) {
          uint32_t from, k;
          behind(j->p, s, x, &from, &k);
          if (from != d->op || k != c || !j->fresh[s][x]) continue;
          j->makes[i][s] |= (uint64_t)1 << x;
          j->fresh[s][x] = false;
          awaited = true;
        }
      if (!awaited) return false;
    }
  }
  return true;
}

static bool is_sound(struct judge *j) {
  for (uint32_t i = 1; i < j->p->n_decisions; i++)
    if (j->p->decisions[i].at < j->p->decisions[i - 1].at) return false;
  if (!find_pruned(j)) return false;
  for (uint32_t op = 0; op < j->p->n_operators; op++)
    if (!once(j, op, REPLAY_FORWARD, false) || !once(j, op, REPLAY_BACKWARD, true) ||
        !once(j, op, REPLAY_OPTIMIZE, true) || !before(j, op, REPLAY_FORWARD, REPLAY_PRUNE) ||
        !before(j, op, REPLAY_PRUNE, REPLAY_BACKWARD) ||
        !before(j, op, REPLAY_BACKWARD, REPLAY_OPTIMIZE) ||
        !before(j, op, REPLAY_FORWARD, REPLAY_AGAIN) ||
        !before(j, op, REPLAY_AGAIN, REPLAY_OPTIMIZE))
      return false;
  return find_makes(j);
}

// ---- time

#define EACH(op, b, c)                                                                             \
  for (uint32_t op = 0; op < j->p->n_operators; op++)                                              \
    for (int b = 0; b < REPLAY_BLOCKS; b++)                                                        \
      for (uint32_t c = 0; c < total(&j->p->operators[op], b); c++)

static double in_use(const struct judge *j) {
  double bytes = 0;
  EACH(op, b, c)
  if (j->where[op][b][c] >= ARRIVES)
    bytes += (double)j->p->operators[op].bytes[b] / total(&j->p->operators[op], b);
  for (uint32_t i = 0; i < j->p->n_decisions; i++) {
    const struct replay_decision *d = &j->p->decisions[i];
    if (!j->runs[i] || !replay_is_run(d->action)) continue;
    int like = d->action == REPLAY_AGAIN ? REPLAY_FORWARD : (int)d->action;
    double share = 0;
    for (uint32_t c = 0; c < j->p->operators[d->op].out; c++) share += names(d, c);
    bytes += share / j->p->operators[d->op].out * j->p->operators[d->op].extra[like];
  }
  return bytes;
}

// Somebody reads the channel who hasn't ended, before it is allocated again.
static bool is_needed(const struct judge *j, uint32_t place, uint32_t op, int b, uint32_t c) {
  for (uint32_t i = 0; i < place; i++)
    if (!j->ended[i] && reads(j, i, op, b, c)) return true;
  for (uint32_t i = place + 1; i < j->p->n_decisions; i++) {
    const struct replay_decision *d = &j->p->decisions[i];
    if (d->action == REPLAY_ALLOCATE && d->op == op && d->block == b && names(d, c)) return false;
    if (!j->ended[i] && reads(j, i, op, b, c)) return true;
  }
  return false;
}

static bool complete(const struct judge *j, uint32_t op, enum replay_action action) {
  for (uint32_t i = 0; i < j->p->n_decisions; i++)
    if (j->p->decisions[i].op == op && j->p->decisions[i].action == action && !j->ended[i])
      return false;
  return true;
}

static bool is_written(const struct judge *j, uint32_t op, int b, uint32_t c) {
  int wanted = 1;
  if (b == REPLAY_PASS_GRAD && !j->p->operators[op].one) {
    wanted = 0;
    for (uint32_t i = 0; i < j->p->n_decisions; i++)
      wanted += j->p->decisions[i].op == op && j->p->decisions[i].action == REPLAY_BACKWARD;
  }
  return j->writes[op][b][c] >= wanted;
}

// Whether another that works now writes a channel, or reads it.
static bool somebody(const struct judge *j, uint32_t but, uint32_t op, int b, uint32_t c,
                     bool also_reads) {
  for (uint32_t i = 0; i < j->p->n_decisions; i++)
    if (i != but && j->runs[i] && replay_is_run(j->p->decisions[i].action) &&
        (writes(j, i, op, b, c) || (also_reads && reads(j, i, op, b, c))))
      return true;
  return false;
}

static bool start_run(struct judge *j, uint32_t i) {
  const struct replay_decision *d = &j->p->decisions[i];
  if (d->action != REPLAY_FORWARD && !complete(j, d->op, REPLAY_FORWARD)) return false;
  if (d->action == REPLAY_OPTIMIZE && !complete(j, d->op, REPLAY_BACKWARD)) return false;
  EACH(op, b, c) {
    bool r = reads(j, i, op, b, c), w = writes(j, i, op, b, c), copy = false;
    if (d->action == REPLAY_FORWARD && op == d->op && b == REPLAY_INPUT)
      copy = r && j->p->operators[op].n_from;
    if (!r && !w) continue;
    if (j->where[op][b][c] != FAST && j->where[op][b][c] != LEAVES) return false;
    if (w && j->where[op][b][c] == LEAVES) return false;
    if (somebody(j, i, op, b, c, w)) return false;
    if (r && !copy && !is_written(j, op, b, c)) return false;
    if (copy) j->writes[op][b][c] = 1;
  }
  return true;
}

static bool start_move(struct judge *j, uint32_t i) {
  const struct replay_decision *d = &j->p->decisions[i];
  for (uint32_t c = 0; c < total(&j->p->operators[d->op], d->block); c++) {
    enum where *w = &j->where[d->op][d->block][c];
    if (!names(d, c)) continue;
    if (d->action == REPLAY_ALLOCATE) {
      if (*w != NOWHERE) return false;
      j->writes[d->op][d->block][c] = 0;
      *w = FAST;
    } else if (d->action == REPLAY_LOAD) {
      if (*w != SLOW) return false;
      *w = ARRIVES;
    } else {
      if (*w != FAST || somebody(j, i, d->op, d->block, c, false) ||
          !is_written(j, d->op, d->block, c))
        return false;
      *w = LEAVES;
    }
  }
  return true;
}

static bool end(struct judge *j, uint32_t i) {
  const struct replay_decision *d = &j->p->decisions[i];
  j->runs[i] = false;
  j->ended[i] = true;
  EACH(op, b, c) {
    enum where *w = &j->where[op][b][c];
    bool moved = d->op == op && d->block == b && names(d, c);
    if (d->action == REPLAY_LOAD && moved) *w = FAST;
    if (d->action == REPLAY_STORE && moved) {
      if (somebody(j, i, op, b, c, true)) return false;
      *w = SLOW;
    }
    if (!replay_is_run(d->action)) continue;
    if (writes(j, i, op, b, c)) j->writes[op][b][c]++;
    if (reads(j, i, op, b, c) && *w == FAST && !is_needed(j, i, op, b, c)) *w = NOWHERE;
  }
  return true;
}

// The one of those that work whose end comes first; of several the one that started first.
static int next_end(const struct judge *j) {
  int next = -1;
  for (uint32_t i = 0; i < j->p->n_decisions; i++)
    if (j->runs[i] && (next < 0 || j->end[i] < j->end[next])) next = (int)i;
  return next;
}

static int device_of(enum replay_action a) {
  return replay_is_run(a) ? 0 : a == REPLAY_LOAD ? 1 : a == REPLAY_STORE ? 2 : -1;
}

static double duration_of(const struct judge *j, const struct replay_decision *d) {
  const struct replay_operator *o = &j->p->operators[d->op];
  double count = 0;
  for (uint32_t c = 0; c < CHANNELS; c++) count += names(d, c);
  if (replay_is_run(d->action))
    return count / o->out * o->ms[d->action == REPLAY_AGAIN ? REPLAY_FORWARD : (int)d->action];
  return count / total(o, d->block) * (double)o->bytes[d->block] / j->p->rate[device_of(d->action)];
}

static bool start(struct judge *j, uint32_t i) {
  const struct replay_decision *d = &j->p->decisions[i];
  if (d->action == REPLAY_PRUNE) {
    j->ended[i] = true;
    return complete(j, d->op, REPLAY_FORWARD);
  }
  int device = device_of(d->action);
  for (uint32_t k = 0; device >= 0 && k < j->p->n_decisions; k++)
    if (j->runs[k] && device_of(j->p->decisions[k].action) == device && j->end[k] > d->at)
      return false;
  if (replay_is_run(d->action) ? !start_run(j, i) : !start_move(j, i)) return false;
  if (device < 0) {
    j->ended[i] = true;
    return true;
  }
  j->runs[i] = true;
  j->end[i] = d->at + duration_of(j, d);
  return true;
}

bool steps_judge(const struct replay_plan *p, struct steps_verdict *v) {
  static struct judge all;
  struct judge *j = &all;
  memset(j, 0, sizeof *j);
  memset(v, 0, sizeof *v);
  j->p = p;
  if (!is_sound(j)) return false;
  EACH(op, b, c)
  if (b == REPLAY_PARAM || (b == REPLAY_INPUT && !p->operators[op].n_from)) {
    j->where[op][b][c] = SLOW;
    j->writes[op][b][c] = 1;
  }
  for (uint32_t i = 0; i <= p->n_decisions; i++) {
    int next;
    while ((next = next_end(j)) >= 0 && (i == p->n_decisions || j->end[next] <= p->decisions[i].at))
      if (!end(j, (uint32_t)next)) return false;
    if (i == p->n_decisions) break;
    if (!start(j, i)) return false;
    if (j->runs[i] && j->end[i] > v->total) v->total = j->end[i];
    if (in_use(j) > v->peak) v->peak = in_use(j);
    if (v->peak > p->limit + 1e-6) return false;
  }
  EACH(op, b, c)
  if (b == REPLAY_PARAM && !j->pruned[op][c] && j->where[op][b][c] != SLOW) return false;
  return true;
}
