// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/calendar_file.h"

#include "sw/base/file.h"
#include "sw/base/json.h"

#include <stdlib.h>
#include <string.h>

enum kind { KIND_RUN, KIND_KEEP, KIND_FETCH, KIND_SEND, KIND_TAKE, KINDS };
enum { FILE_MOST = 1 << 28, TURNS_MOST = 0xffff, FIELDS = 7, VERSION = 1 };

// Hexadecimal digits of kind, tick, ticks, link, token, slot, turns.
static const int digits[FIELDS] = {1, 12, 8, 6, 6, 6, 4};
static const char *const field_names[FIELDS] = {"kind",  "tick", "ticks", "link",
                                                "token", "slot", "turns"};

struct entry {
  enum kind kind;
  uint32_t link;
  struct calendar_move move; // of a run: its actor is the token
};

// ---- writing

struct entries {
  uint32_t count;
  struct entry *entries;
};

static int by_tick(const void *x, const void *y) {
  const struct entry *a = x, *b = y;
  if (a->move.tick != b->move.tick) return a->move.tick < b->move.tick ? -1 : 1;
  if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
  if (a->link != b->link) return a->link < b->link ? -1 : 1;
  return a->move.token < b->move.token ? -1 : a->move.token > b->move.token;
}

static void add_list(struct entries *to, enum kind kind, uint32_t link,
                     const struct calendar_list *l) {
  for (uint32_t i = 0; i < l->count; i++)
    to->entries[to->count++] = (struct entry){kind, link, l->moves[i]};
}

static struct entries entries_of(struct arena *a, const struct calendar *c, uint32_t node) {
  const struct topology *t = c->machine->topology;
  const struct node_calendar *n = &c->nodes[node];
  struct entries to = {0, ARENA_NEW(a, struct entry, calendar_entries(c, node) + 1)};
  for (uint32_t i = 0; i < n->n_runs; i++)
    to.entries[to.count++] =
        (struct entry){KIND_RUN, 0, {n->runs[i].tick, n->runs[i].ticks, n->runs[i].actor, 0, 1}};
  add_list(&to, KIND_KEEP, 0, &n->keeps);
  add_list(&to, KIND_FETCH, 0, &n->fetches);
  for (uint32_t l = 0; l < t->n_links; l++) {
    if (t->from[l] == node) add_list(&to, KIND_SEND, l, &c->links[l].sends);
    if (t->to[l] == node) add_list(&to, KIND_TAKE, l, &c->links[l].takes);
  }
  qsort(to.entries, to.count, sizeof *to.entries, by_tick);
  return to;
}

void calendar_put_node(struct text *t, const struct calendar *c, uint32_t node) {
  struct arena scratch = {0};
  struct entries own = entries_of(&scratch, c, node);
  for (uint32_t i = 0; i < own.count; i++) {
    const struct entry *e = &own.entries[i];
    const int64_t values[FIELDS] = {e->kind,       e->move.tick, e->move.frames, e->link,
                                    e->move.token, e->move.slot, e->move.turns};
    for (int f = 0; f < FIELDS; f++) text_printf(t, "%0*llx", digits[f], (long long)values[f]);
    text_puts(t, "\n");
  }
  arena_free(&scratch);
}

void calendar_put_json(struct text *t, const struct calendar *c, const char *model) {
  const struct topology *topology = c->machine->topology;
  text_printf(t, "{\"format\":\"nngen calendar\",\"version\":%d,\"model\":", VERSION);
  json_put_string(t, model);
  text_printf(
      t,
      ",\n\"nodes\":%u,\"topology\":\"%s\",\"macs\":%lld,\"link_bits\":%lld,\"latency\":%lld,"
      "\n\"actors\":%u,\"tokens\":%u,\"length\":%lld,\"period\":%lld,\n\"fields\":[",
      topology->nodes, topology_name(topology->kind), (long long)c->machine->macs,
      (long long)c->machine->link_bits, (long long)c->machine->latency, c->actors->n_actors,
      c->actors->n_tokens, (long long)c->length, (long long)c->period);
  for (int f = 0; f < FIELDS; f++)
    text_printf(t, "%s{\"name\":\"%s\",\"bits\":%d}", f ? "," : "", field_names[f], 4 * digits[f]);
  text_puts(t, "],\n\"per_node\":[\n");
  for (uint32_t n = 0; n < topology->nodes; n++)
    text_printf(t, "{\"file\":\"node%u.mem\",\"start\":%lld,\"slots\":%u,\"entries\":%lld}%s\n", n,
                (long long)c->nodes[n].start, c->nodes[n].slots, (long long)calendar_entries(c, n),
                n + 1 < topology->nodes ? "," : "]}");
}

// Whether the words have room for all ticks and slots.
static bool has_room(const struct calendar *c, struct err *e) {
  bool ok = true;
  for (uint32_t n = 0; ok && n < c->machine->topology->nodes; n++) {
    struct arena scratch = {0};
    struct entries own = entries_of(&scratch, c, n);
    for (uint32_t i = 0; ok && i < own.count; i++) {
      const struct calendar_move *m = &own.entries[i].move;
      ok = m->tick >> 4 * digits[1] == 0 && m->frames >> 4 * digits[2] == 0 &&
           (int64_t)m->slot >> 4 * digits[5] == 0 && m->turns <= TURNS_MOST;
    }
    arena_free(&scratch);
  }
  return ok ||
         err_set(e, "a node has more to do than its calendar has bits for: give a finer --grain "
                    "or more nodes");
}

bool calendar_write(const struct calendar *c, const char *dir, const char *model, struct err *e) {
  struct arena scratch = {0};
  struct text t = {0};
  bool ok = has_room(c, e);
  for (uint32_t n = 0; ok && n < c->machine->topology->nodes; n++) {
    t.size = 0;
    calendar_put_node(&t, c, n);
    ok = file_write(arena_printf(&scratch, "%s/node%u.mem", dir, n), t.data, t.size, e);
  }
  t.size = 0;
  calendar_put_json(&t, c, model);
  ok = ok && file_write(arena_printf(&scratch, "%s/calendar.json", dir), t.data, t.size, e);
  text_free(&t);
  arena_free(&scratch);
  return ok;
}

// ---- reading

struct reader {
  struct arena *arena;
  struct calendar *c;
  const char *path;
  int64_t line;
  struct err *err;
};

static bool wrong(struct reader *r, const char *what) {
  return err_set(r->err, "%s:%lld: %s", r->path, (long long)r->line, what);
}

static int hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// One word; false if it isn't one.
static bool read_word(const char *line, size_t length, int64_t values[FIELDS]) {
  size_t at = 0;
  for (int f = 0; f < FIELDS; f++) {
    values[f] = 0;
    for (int d = 0; d < digits[f]; d++, at++) {
      int digit = at < length ? hex(line[at]) : -1;
      if (digit < 0) return false;
      values[f] = values[f] * 16 + digit;
    }
  }
  return at == length;
}

static void add_move(struct reader *r, struct calendar_list *l, const struct calendar_move *m) {
  if (l->count == l->room) {
    struct calendar_move *more = ARENA_NEW(r->arena, struct calendar_move, 2 * l->room + 8);
    if (l->count) memcpy(more, l->moves, l->count * sizeof *more);
    l->moves = more;
    l->room = 2 * l->room + 8;
  }
  l->moves[l->count++] = *m;
}

static bool add_run(struct reader *r, uint32_t node, uint32_t most, const struct calendar_move *m) {
  struct node_calendar *n = &r->c->nodes[node];
  if (m->token >= r->c->actors->n_actors) return wrong(r, "there is no such actor");
  if (r->c->actors->layers[r->c->actors->actors[m->token].layer].node == NONE)
    return wrong(r, "that actor is an input, which computes nothing");
  if (!n->runs) n->runs = ARENA_NEW(r->arena, struct calendar_run, most);
  n->runs[n->n_runs++] = (struct calendar_run){m->tick, m->frames, m->token};
  return true;
}

static bool add_entry(struct reader *r, uint32_t node, uint32_t most,
                      const int64_t values[FIELDS]) {
  const struct topology *t = r->c->machine->topology;
  struct node_calendar *n = &r->c->nodes[node];
  const struct calendar_move m = {values[1], values[2], (uint32_t)values[4], (uint32_t)values[5],
                                  (uint32_t)values[6]};
  int64_t kind = values[0], link = values[3];
  if (kind >= KINDS) return wrong(r, "there is no such kind");
  if (!m.frames || !m.turns) return wrong(r, "neither ticks nor turns can be 0");
  if (kind == KIND_RUN) return add_run(r, node, most, &m);
  if (m.token >= r->c->actors->n_tokens) return wrong(r, "there is no such token");
  if ((int64_t)m.slot + m.turns > n->slots) return wrong(r, "the node has no such slot");
  bool moves = kind == KIND_SEND || kind == KIND_TAKE;
  if (moves && (link >= t->n_links || (kind == KIND_SEND ? t->from : t->to)[link] != node))
    return wrong(r, "the node has no such link");
  add_move(r,
           kind == KIND_KEEP    ? &n->keeps
           : kind == KIND_FETCH ? &n->fetches
           : kind == KIND_SEND  ? &r->c->links[link].sends
                                : &r->c->links[link].takes,
           &m);
  return true;
}

static bool read_node(struct reader *r, const char *dir, uint32_t node) {
  struct bytes file;
  int64_t values[FIELDS];
  r->path = arena_printf(r->arena, "%s/node%u.mem", dir, node);
  r->line = 0;
  if (!file_read(r->arena, r->path, FILE_MOST, &file, r->err)) return false;
  const char *at = (const char *)file.data, *end = at + file.size;
  uint32_t most = 1;
  for (const char *c = at; c < end; c++) most += *c == '\n';
  while (at < end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t length = (size_t)((stop ? stop : end) - at);
    r->line++;
    if (!read_word(at, length, values)) return wrong(r, "expected 43 hexadecimal digits");
    if (!add_entry(r, node, most, values)) return false;
    at += length + 1;
  }
  return true;
}

static bool is_number(const json_t *object, const char *key, int64_t least, int64_t most,
                      int64_t *to) {
  const json_t *v = json_object_get(object, key);
  *to = json_integer_value(v);
  return json_is_integer(v) && *to >= least && *to <= most;
}

static bool read_per_node(struct reader *r, const json_t *list) {
  uint32_t nodes = r->c->machine->topology->nodes;
  if (json_array_size(list) != nodes) return err_set(r->err, "%s: per_node: not each", r->path);
  for (uint32_t n = 0; n < nodes; n++) {
    const json_t *own = json_array_get(list, n);
    int64_t slots;
    if (!is_number(own, "start", 0, INT32_MAX, &r->c->nodes[n].start) ||
        !is_number(own, "slots", 0, INT32_MAX, &slots))
      return err_set(r->err, "%s: per_node[%u]: expected start and slots", r->path, n);
    r->c->nodes[n].slots = (uint32_t)slots;
  }
  return true;
}

// The numbers that must be this machine's.
static bool is_for(struct reader *r, const json_t *json) {
  const struct node_machine *m = r->c->machine;
  const struct {
    const char *key;
    int64_t expected;
  } same[] = {{"version", VERSION},
              {"nodes", m->topology->nodes},
              {"macs", m->macs},
              {"link_bits", m->link_bits},
              {"latency", m->latency},
              {"actors", r->c->actors->n_actors},
              {"tokens", r->c->actors->n_tokens}};
  const char *topology = json_string_value(json_object_get(json, "topology"));
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    int64_t found;
    if (!is_number(json, same[i].key, 0, INT64_MAX, &found) || found != same[i].expected)
      return err_set(r->err, "%s: %s: expected %lld", r->path, same[i].key,
                     (long long)same[i].expected);
  }
  if (!topology || strcmp(topology, topology_name(m->topology->kind)) != 0)
    return err_set(r->err, "%s: topology: expected %s", r->path, topology_name(m->topology->kind));
  if (!is_number(json, "length", 0, (int64_t)1 << 47, &r->c->length) ||
      !is_number(json, "period", 0, (int64_t)1 << 47, &r->c->period))
    return err_set(r->err, "%s: expected length and period", r->path);
  return read_per_node(r, json_object_get(json, "per_node"));
}

static bool read_json(struct reader *r, const char *dir) {
  struct bytes file;
  r->path = arena_printf(r->arena, "%s/calendar.json", dir);
  if (!file_read(r->arena, r->path, FILE_MOST, &file, r->err)) return false;
  json_t *json = json_parse((const char *)file.data, file.size, r->err);
  if (!json) return err_within(r->err, "%s", r->path);
  bool ok = is_for(r, json);
  json_decref(json);
  return ok;
}

const struct calendar *calendar_read(struct arena *a, const char *dir, const struct actors *v,
                                     const struct node_machine *m, struct err *e) {
  struct calendar *c = ARENA_NEW(a, struct calendar, 1);
  struct reader r = {.arena = a, .c = c, .err = e};
  *c = (struct calendar){.actors = v, .machine = m};
  c->nodes = ARENA_NEW(a, struct node_calendar, m->topology->nodes);
  c->links = ARENA_NEW(a, struct link_calendar, m->topology->n_links + 1);
  if (!read_json(&r, dir)) return NULL;
  for (uint32_t n = 0; n < m->topology->nodes; n++)
    if (!read_node(&r, dir, n)) return NULL;
  return c;
}
