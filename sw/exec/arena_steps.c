// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/arena_steps.h"

#include "sw/plan/memory.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NOBODY = 0 }; // owners are base values, from 1 on

struct arena_steps {
  struct arena *arena;
  const struct plan *plan;
  const struct graph *graph;
  const struct element_kind *kind;
  int64_t frames, step;
  unsigned char *map, *bytes; // with its guards; of the arena
  size_t mapped;
  int64_t size;
  uint32_t *owner;     // (size / element)
  uint32_t *base;      // (n_values) the value that it is another name of
  uint32_t *names;     // (n_values) of a base: how many of its names are there
  int64_t *address;    // (n_values) NONE: it isn't there
  void **tensor;       // (n_values) of tensors
  void **held;         // (n_values) contents of variables, by the id of their reference
  uint32_t *first_use; // (n_nodes) of a node, among all uses
  void **past;         // (uses) rings: (delay, size of the value)
  bool *delayed;       // (n_values) a later step reads it
  const void *const *inputs;
  struct err *err;
};

static bool fault(struct arena_steps *s, const struct event *e, const char *what) {
  struct arena scratch = {0};
  err_put(s->err, "%s: %s", plan_event_text(&scratch, s->plan, e), what);
  arena_free(&scratch);
  return false;
}

static int64_t size_of(const struct arena_steps *s, uint32_t value) {
  const struct value *v = &s->graph->values[value];
  return value_elements(v) * (v->per_frame ? s->frames : 1) * (int64_t)s->kind->size;
}

// ---- the arena

// Its end lies at the guard behind it, what it is short of a page in front of it.
static bool map_arena(struct arena_steps *s) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t whole = ((size_t)s->size + page - 1) / page * page;
  s->mapped = whole + 2 * page;
  s->map = mmap(NULL, s->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (s->map == MAP_FAILED ||
      (whole && mprotect(s->map + page, whole, PROT_READ | PROT_WRITE) != 0))
    return false;
  s->bytes = s->map + page + (whole - (size_t)s->size);
  return true;
}

// Bytes of somebody are nobody's any more.
static void forget(struct arena_steps *s, int64_t address, int64_t bytes, uint32_t owner) {
  int64_t element = (int64_t)s->kind->size;
  for (int64_t i = address / element; i < (address + bytes) / element; i++) {
    if (s->owner[i] != owner) continue;
    s->owner[i] = NOBODY;
    memset(s->bytes + i * element, (int)(0xa5 ^ (i & 0x3f)), (size_t)element);
  }
}

static void own(struct arena_steps *s, uint32_t value) {
  int64_t element = (int64_t)s->kind->size, first = s->address[value] / element;
  for (int64_t i = 0; i < size_of(s, value) / element; i++)
    s->owner[first + i] = s->base[value] + 1;
}

// Where a value is, if all of it is still its own.
static void *find(struct arena_steps *s, const struct event *e, uint32_t value) {
  int64_t element = (int64_t)s->kind->size, first = s->address[value] / element;
  const char *name = s->graph->values[value].name;
  if (s->tensor[value]) return s->tensor[value];
  if (s->address[value] == NONE) {
    fault(s, e, arena_printf(s->arena, "\"%s\" isn't in the arena", name));
    return NULL;
  }
  for (int64_t i = 0; i < size_of(s, value) / element; i++) {
    uint32_t owner = s->owner[first + i];
    if (owner == s->base[value] + 1) continue;
    fault(s, e,
          arena_printf(s->arena, "element %lld of \"%s\" belongs to %s", (long long)i, name,
                       owner == NOBODY ? "nobody" : s->graph->values[owner - 1].name));
    return NULL;
  }
  return s->bytes + s->address[value];
}

// ---- events

static bool allocate(struct arena_steps *s, const struct event *e) {
  if (s->address[e->id] != NONE) return fault(s, e, "it is there");
  if (e->bytes < size_of(s, e->id) || e->slice.ranges) return fault(s, e, "it isn't whole");
  if (e->address < 0 || e->address > s->size - e->bytes || e->address % (int64_t)s->kind->size != 0)
    return fault(s, e,
                 arena_printf(s->arena, "%lld bytes at %lld, the arena has %lld",
                              (long long)e->bytes, (long long)e->address, (long long)s->size));
  s->address[e->id] = e->address;
  s->names[s->base[e->id]]++;
  forget(s, e->address, e->bytes, NOBODY);
  for (uint32_t i = 0; i < s->graph->n_inputs; i++)
    if (s->graph->inputs[i].value == e->id) {
      memcpy(s->bytes + e->address, s->inputs[i], (size_t)size_of(s, e->id));
      own(s, e->id);
    }
  return true;
}

// The array of a delayed use that this step reads, and then overwrites.
static void *ring(const struct arena_steps *s, uint32_t node, uint32_t k) {
  const struct use *u = &s->graph->nodes[node].in[k];
  return (unsigned char *)s->past[s->first_use[node] + k] +
         (size_t)(s->step % u->delay) * (size_t)size_of(s, u->value);
}

// What is freed is kept for the steps that will read it.
static bool release(struct arena_steps *s, const struct event *e) {
  const struct graph *g = s->graph;
  if (s->address[e->id] == NONE) return fault(s, e, "it isn't there");
  for (uint32_t i = 0; s->delayed[e->id] && i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      if (g->nodes[i].in[k].value != e->id || !g->nodes[i].in[k].delay) continue;
      const void *now = find(s, e, e->id);
      if (!now) return false;
      memcpy(ring(s, i, k), now, (size_t)size_of(s, e->id));
    }
  if (!--s->names[s->base[e->id]])
    forget(s, s->address[e->id], size_of(s, e->id), s->base[e->id] + 1);
  s->address[e->id] = NONE;
  return true;
}

// An output may lie over an input that is read element by element before, and over no other.
static bool may_lie(struct arena_steps *s, const struct event *e, uint32_t out) {
  const struct node *n = &s->graph->nodes[e->id];
  int64_t from = s->address[out], to = from + size_of(s, out);
  for (uint32_t k = 0; k < n->n_in; k++) {
    uint32_t v = n->in[k].value;
    if (n->in[k].delay || s->tensor[v] || s->address[v] == NONE) continue;
    bool apart = s->address[v] >= to || from >= s->address[v] + size_of(s, v);
    if (!apart && !(out == n->out[0] && plan_over(s->graph, n, k) && s->address[v] == from))
      return fault(
          s, e,
          arena_printf(s->arena, "it lies over \"%s\", which it reads", s->graph->values[v].name));
  }
  return true;
}

static bool find_arrays(struct arena_steps *s, const struct event *e, void **in, void **out) {
  const struct node *n = &s->graph->nodes[e->id];
  for (uint32_t k = 0; k < n->n_in; k++) {
    in[k] = n->in[k].delay ? ring(s, e->id, k) : find(s, e, n->in[k].value);
    if (!in[k]) return false;
  }
  for (uint32_t k = 0; k < n->n_out && k < JOB_OUTPUTS; k++) {
    if (type_is_ref(&s->graph->values[n->out[k]].type)) continue;
    if (s->address[n->out[k]] == NONE)
      return fault(s, e,
                   arena_printf(s->arena, "\"%s\" has no place in the arena",
                                s->graph->values[n->out[k]].name));
    if (!may_lie(s, e, n->out[k])) return false;
    out[k] = s->bytes + s->address[n->out[k]];
  }
  return true;
}

static bool fire(struct arena_steps *s, const struct event *e) {
  const struct node *n = &s->graph->nodes[e->id];
  struct arena scratch = {0};
  void **in = ARENA_NEW(&scratch, void *, n->n_in + 1), *out[JOB_OUTPUTS] = {NULL};
  bool ok = find_arrays(s, e, in, out);
  if (ok) {
    struct job j = job_of(&scratch, s->graph, n, s->frames, s->kind->size, in, out);
    for (uint32_t k = 0; k < n->n_ref; k++) j.held[k] = s->held[n->ref[k]];
    j.shares = 1;
    if (job_moves(n))
      job_move(&j, s->kind->size);
    else
      s->kind->fire(&j);
  }
  for (uint32_t k = 0; ok && k < n->n_out && k < JOB_OUTPUTS; k++)
    if (out[k]) own(s, n->out[k]);
  arena_free(&scratch);
  return ok;
}

// ---- all of it

static void *content(struct arena_steps *s, const struct value *v, int64_t count) {
  void *to = arena_alloc(s->arena, (size_t)count, s->kind->size);
  for (int64_t i = 0; i < count; i++) s->kind->load(to, i, v, i % v->init->count);
  return to;
}

static void place_state(struct arena_steps *s) {
  const struct graph *g = s->graph;
  uint32_t uses = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) uses += g->nodes[i].n_in;
  s->past = ARENA_NEW(s->arena, void *, uses + 1);
  uses = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    const struct attr *init = node_attr(n, ATTR_init);
    s->first_use[i] = uses;
    if (init)
      s->held[n->out[0]] = content(s, &g->values[init->value], g->values[init->value].init->count);
    for (uint32_t k = 0; k < n->n_in; k++, uses++) {
      const struct use *u = &n->in[k];
      if (!u->delay) continue;
      s->delayed[u->value] = true;
      s->past[uses] = content(s, &g->values[u->initial],
                              size_of(s, u->value) / (int64_t)s->kind->size * u->delay);
    }
  }
}

struct arena_steps *arena_steps_new(struct arena *a, const struct plan *p, int64_t frames,
                                    const struct element_kind *kind, struct err *e) {
  const struct graph *g = p->graph;
  struct arena_steps *s = ARENA_NEW(a, struct arena_steps, 1);
  *s = (struct arena_steps){.arena = a, .plan = p, .graph = g, .kind = kind, .frames = frames};
  s->size = p->machine.resources[MEMORY_ARENA].bytes;
  s->owner = ARENA_NEW(a, uint32_t, s->size / (int64_t)kind->size + 1);
  s->base = ARENA_NEW(a, uint32_t, g->n_values);
  s->names = ARENA_NEW(a, uint32_t, g->n_values);
  s->address = ARENA_NEW(a, int64_t, g->n_values);
  s->tensor = ARENA_NEW(a, void *, g->n_values);
  s->held = ARENA_NEW(a, void *, g->n_values);
  s->first_use = ARENA_NEW(a, uint32_t, g->n_nodes + 1);
  s->delayed = ARENA_NEW(a, bool, g->n_values);
  for (uint32_t v = 0; v < g->n_values; v++) {
    s->base[v] = plan_base(g, v);
    if (g->values[v].init) s->tensor[v] = content(s, &g->values[v], g->values[v].init->count);
  }
  place_state(s);
  if (map_arena(s)) return s;
  err_put(e, "there is no memory for an arena of %lld bytes", (long long)s->size);
  return NULL;
}

bool arena_steps_run(struct arena_steps *s, const void *const *inputs, struct err *e) {
  const struct plan *p = s->plan;
  s->inputs = inputs;
  s->err = e;
  for (uint32_t v = 0; v < s->graph->n_values; v++) {
    s->address[v] = NONE;
    s->names[v] = 0;
  }
  memset(s->owner, 0, (size_t)s->size / s->kind->size * sizeof *s->owner);
  forget(s, 0, s->size, NOBODY);
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *event = &p->events[i];
    bool ours = event->resource == MEMORY_ARENA;
    if (event->action == ACTION_ALLOC && ours && !allocate(s, event)) return false;
    if (event->action == ACTION_FREE && ours && !release(s, event)) return false;
    if (event->action == ACTION_RUN && !fire(s, event)) return false;
  }
  s->step++;
  return true;
}

const void *arena_steps_held(const struct arena_steps *s, uint32_t ref) {
  return s->held[ref];
}

void arena_steps_free(struct arena_steps *s) {
  munmap(s->map, s->mapped);
}
