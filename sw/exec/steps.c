// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/steps.h"

#include "sw/base/crew.h"
#include "sw/plan/memory.h"

#include <string.h>

enum { ALIGNMENT = 64 };

struct steps {
  struct arena *arena;
  const struct graph *graph;
  const struct element_kind *kind;
  int64_t most, frames, step; // room; of this step; steps done
  uint32_t *order;
  uint32_t *first_use; // (n_nodes) of a node, among all uses
  void **now;          // (n_values) this step's arrays
  void **past;         // (uses) rings: (delay, size of the value)
  void **held;         // (n_values) contents of variables, by the id of their reference
  size_t bytes;
  struct crew *crew;
};

static int64_t size_of(const struct steps *s, const struct value *v) {
  return value_elements(v) * (v->per_frame ? s->most : 1);
}

static void *reserve(struct steps *s, int64_t elements) {
  s->bytes += (size_t)elements * s->kind->size;
  return arena_alloc(s->arena, (size_t)elements, s->kind->size);
}

// `count` elements of a tensor, which begins again behind its last one.
static void fill(const struct steps *s, void *data, const struct value *v, int64_t count) {
  for (int64_t i = 0; i < count; i++) s->kind->load(data, i, v, i % v->init->count);
}

static void *content(struct steps *s, const struct value *v) {
  void *data = reserve(s, v->init->count);
  fill(s, data, v, v->init->count);
  return data;
}

// Elements of the ring of a delayed use.
static int64_t ring_size(const struct steps *s, const struct use *u) {
  return size_of(s, &s->graph->values[u->value]) * u->delay;
}

// Addresses and order are the plan's. Everything is kept, or what can be looked at from outside.
static void place_values(struct steps *s, bool share) {
  const struct graph *g = s->graph;
  struct arena scratch = {0};
  int64_t *bytes = ARENA_NEW(&scratch, int64_t, g->n_values);
  bool *keep = ARENA_NEW(&scratch, bool, g->n_values);
  for (uint32_t i = 0; i < g->n_values; i++)
    bytes[i] = size_of(s, &g->values[i]) * (int64_t)s->kind->size;
  for (uint32_t i = 0; i < g->n_inputs; i++) keep[g->inputs[i].value] = true;
  const struct memory_needs needs = {
      .bytes = bytes, .keep = share ? keep : NULL, .align = ALIGNMENT};
  const struct plan *plan = memory_plan(&scratch, g, &needs);
  const int64_t *address = memory_addresses(&scratch, plan);
  size_t whole = (size_t)plan->machine.resources[MEMORY_ARENA].bytes;
  unsigned char *all = arena_alloc(s->arena, whole + 1, 1);
  s->bytes += whole;
  s->order = memory_order(s->arena, plan);
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].init)
      s->now[i] = content(s, &g->values[i]);
    else if (address[i] != NONE)
      s->now[i] = all + address[i];
  arena_free(&scratch);
}

void steps_reset(struct steps *s) {
  const struct graph *g = s->graph;
  s->step = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    const struct attr *init = node_attr(n, ATTR_init);
    const struct value *v = init ? &g->values[init->value] : NULL;
    if (v) fill(s, s->held[n->out[0]], v, v->init->count);
    for (uint32_t k = 0; k < n->n_in; k++)
      if (n->in[k].delay) // the initial tensor is the same for every frame
        fill(s, s->past[s->first_use[i] + k], &g->values[n->in[k].initial],
             ring_size(s, &n->in[k]));
  }
}

static void place_state(struct steps *s) {
  const struct graph *g = s->graph;
  uint32_t uses = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    s->first_use[i] = uses;
    uses += g->nodes[i].n_in;
  }
  s->past = ARENA_NEW(s->arena, void *, uses + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    const struct attr *init = node_attr(n, ATTR_init);
    if (init) s->held[n->out[0]] = reserve(s, g->values[init->value].init->count);
    for (uint32_t k = 0; k < n->n_in; k++)
      if (n->in[k].delay) s->past[s->first_use[i] + k] = reserve(s, ring_size(s, &n->in[k]));
  }
}

static struct steps *create(struct arena *a, const struct graph *g, int64_t frames, int threads,
                            bool share, const struct element_kind *kind) {
  struct steps *s = ARENA_NEW(a, struct steps, 1);
  *s = (struct steps){.arena = a, .graph = g, .kind = kind, .most = frames};
  s->crew = crew_new(a, threads);
  s->first_use = ARENA_NEW(a, uint32_t, g->n_nodes + 1);
  s->now = ARENA_NEW(a, void *, g->n_values);
  s->held = ARENA_NEW(a, void *, g->n_values);
  place_values(s, share);
  place_state(s);
  steps_reset(s);
  return s;
}

struct steps *steps_new(struct arena *a, const struct graph *g, int64_t frames,
                        const struct element_kind *kind) {
  return create(a, g, frames, 1, false, kind);
}

struct steps *steps_planned(struct arena *a, const struct graph *g, int64_t frames, int threads,
                            const struct element_kind *kind) {
  return create(a, g, frames, kind->shares ? threads : 1, true, kind);
}

// What input k of a node sees in this step.
static void *seen(const struct steps *s, uint32_t node, uint32_t k) {
  const struct use *u = &s->graph->nodes[node].in[k];
  if (!u->delay) return s->now[u->value];
  size_t size = (size_t)size_of(s, &s->graph->values[u->value]) * s->kind->size;
  return (unsigned char *)s->past[s->first_use[node] + k] + (size_t)(s->step % u->delay) * size;
}

// After the step, the oldest entry of each ring gives its place to this step's array.
static void turn_rings(struct steps *s) {
  for (uint32_t i = 0; i < s->graph->n_nodes; i++)
    for (uint32_t k = 0; k < s->graph->nodes[i].n_in; k++) {
      const struct use *u = &s->graph->nodes[i].in[k];
      if (!u->delay) continue;
      size_t size = (size_t)size_of(s, &s->graph->values[u->value]);
      memcpy(seen(s, i, k), s->now[u->value], size * s->kind->size);
    }
}

static void fire(const struct steps *s, uint32_t id, int share, int shares) {
  const struct graph *g = s->graph;
  const struct node *n = &g->nodes[id];
  struct arena scratch = {0};
  void *few[JOB_INPUTS], *out[JOB_OUTPUTS] = {NULL};
  void **in = n->n_in <= JOB_INPUTS ? few : ARENA_NEW(&scratch, void *, n->n_in);
  for (uint32_t k = 0; k < n->n_in; k++) in[k] = seen(s, id, k);
  for (uint32_t k = 0; k < n->n_out && k < JOB_OUTPUTS; k++) out[k] = s->now[n->out[k]];
  struct job j = job_of(&scratch, g, n, s->frames, s->kind->size, in, out);
  for (uint32_t k = 0; k < n->n_ref; k++) j.held[k] = s->held[n->ref[k]];
  j.share = share;
  j.shares = shares;
  if (!job_moves(n))
    s->kind->fire(&j);
  else if (!share)
    job_move(&j, s->kind->size);
  arena_free(&scratch);
}

static void fire_all(void *context, int share) {
  const struct steps *s = context;
  for (uint32_t i = 0; i < s->graph->n_nodes; i++) {
    fire(s, s->order[i], share, crew_threads(s->crew));
    crew_meet(s->crew);
  }
}

void steps_run_frames(struct steps *s, int64_t frames, const void *const *inputs) {
  const struct graph *g = s->graph;
  s->frames = frames;
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    uint32_t id = g->inputs[i].value;
    size_t size = (size_t)(value_elements(&g->values[id]) * frames) * s->kind->size;
    if (inputs && inputs[i]) memcpy(s->now[id], inputs[i], size);
  }
  crew_run(s->crew, fire_all, s);
  turn_rings(s);
  s->step++;
}

void steps_run(struct steps *s, const void *const *inputs) {
  steps_run_frames(s, s->most, inputs);
}

void *steps_input(const struct steps *s, uint32_t i) {
  return s->now[s->graph->inputs[i].value];
}

const void *steps_value(const struct steps *s, uint32_t value) {
  return s->held[value] ? s->held[value] : s->now[value];
}

void *steps_held(struct steps *s, uint32_t ref) {
  return s->held[ref];
}

size_t steps_bytes(const struct steps *s) {
  return s->bytes;
}

struct crew *steps_crew(const struct steps *s) {
  return s->crew;
}

void steps_free(struct steps *s) {
  crew_free(s->crew);
}
