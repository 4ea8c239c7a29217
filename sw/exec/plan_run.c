// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/plan_run.h"

#include "sw/plan/index.h"

#include <stdlib.h>
#include <string.h>

// A value of a step in a memory.
struct block {
  void *data; // on the heap; NULL: freed
  bool written;
};

// An event of a step; what it has taken along meanwhile.
struct instance {
  const struct event *event;
  int64_t step;
  double start, end;
  void *carried[JOB_OUTPUTS]; // results, or what is on a link, on the heap
};

struct moment {
  double at;
  int phase; // 0: an end; otherwise plan_phase
  struct instance *instance;
};

struct plan_run {
  struct arena *arena;
  const struct plan *plan;
  const struct graph *graph;
  int64_t frames;
  const struct element_kind *kind;
  void **held; // (n_values) contents of variables, by reference
  // of a run
  struct arena scratch;
  struct index blocks;        // (memory, value, step)
  struct instance ***waiting; // (resources, slots) what is in a slot of a link, or NULL
  const struct plan_caller *caller;
  struct err *err;
};

// ---- arrays

static void *checked(void *p) {
  if (!p) arena_out_of_memory();
  return p;
}

static size_t bytes_of(const struct plan_run *r, uint32_t value) {
  const struct value *v = &r->graph->values[value];
  return (size_t)(value_elements(v) * (v->per_frame ? r->frames : 1)) * r->kind->size;
}

static void load(const struct plan_run *r, void *to, uint32_t value, const struct value *from) {
  int64_t count = (int64_t)(bytes_of(r, value) / r->kind->size);
  for (int64_t i = 0; i < count; i++) r->kind->load(to, i, from, i % from->init->count);
}

static bool fault(const struct plan_run *r, const struct instance *i, const char *what) {
  struct event e = *i->event;
  e.step = (int32_t)i->step;
  return err_set(r->err, "at %.17g: %s: %s", i->start, plan_event_text(r->arena, r->plan, &e),
                 what);
}

static bool fault_of(const struct plan_run *r, const struct instance *i, uint32_t value,
                     int64_t step, const char *what) {
  return fault(r, i,
               arena_printf(r->arena, "\"%s\" of step %lld %s", r->graph->values[value].name,
                            (long long)step, what));
}

// What there is before the first step.
static bool is_initial(const struct plan_run *r, uint32_t value, int64_t step,
                       const struct value **initial) {
  for (uint32_t i = 0; step < 0 && i < r->graph->n_nodes; i++)
    for (uint32_t k = 0; k < r->graph->nodes[i].n_in; k++) {
      const struct use *u = &r->graph->nodes[i].in[k];
      if (u->value != value || (int64_t)u->delay < -step) continue;
      *initial = &r->graph->values[u->initial];
      return true;
    }
  return false;
}

static bool allocate(struct plan_run *r, const struct instance *i) {
  const struct event *e = i->event;
  const struct value *v = &r->graph->values[e->id], *initial;
  struct block *b = index_find(&r->blocks, e->resource, e->id, (int32_t)i->step);
  if (b && b->data) return fault(r, i, "it is there");
  if (!b) b = ARENA_NEW(&r->scratch, struct block, 1);
  *b = (struct block){checked(malloc(bytes_of(r, e->id) + 1)), false};
  index_set(&r->blocks, e->resource, e->id, (int32_t)i->step, b);
  if (!r->plan->machine.resources[e->resource].home) return true;
  if (v->init) load(r, b->data, e->id, v);
  if (!v->init && is_initial(r, e->id, i->step, &initial)) load(r, b->data, e->id, initial);
  for (uint32_t k = 0; k < r->graph->n_inputs; k++)
    if (r->graph->inputs[k].value == e->id)
      memcpy(b->data, r->caller->input(r->caller->context, i->step, k), bytes_of(r, e->id));
  b->written = plan_is_given(r->graph, e->id, (int32_t)i->step);
  return true;
}

static struct block *find(struct plan_run *r, int32_t memory, uint32_t value, int64_t step) {
  struct block *b =
      memory == NONE ? NULL : index_find(&r->blocks, (uint32_t)memory, value, (int32_t)step);
  return b && b->data ? b : NULL;
}

static bool give_back(struct plan_run *r, const struct instance *i) {
  const struct event *e = i->event;
  struct block *b = find(r, (int32_t)e->resource, e->id, i->step);
  if (!b) return fault(r, i, "it isn't there");
  free(b->data);
  b->data = NULL;
  return true;
}

static bool write_to(struct plan_run *r, struct instance *i, int32_t memory, uint32_t value,
                     void *data) {
  struct block *b = find(r, memory, value, i->step);
  if (!b) return fault_of(r, i, value, i->step, "has no place");
  memcpy(b->data, data, bytes_of(r, value));
  b->written = true;
  return true;
}

// ---- what happens

static bool compute(struct plan_run *r, struct instance *i) {
  const struct node *n = &r->graph->nodes[i->event->id];
  const struct resource *pe = &r->plan->machine.resources[i->event->resource];
  struct arena scratch = {0};
  void **in = ARENA_NEW(&scratch, void *, n->n_in + 1);
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct use *u = &n->in[k];
    int64_t step = plan_step(r->graph, u->value, i->step - u->delay);
    const struct block *b = find(r, pe->memory, u->value, step);
    if (!b) b = find(r, pe->constants, u->value, step);
    if (!b || !b->written) {
      arena_free(&scratch);
      return fault_of(r, i, u->value, step, b ? "hasn't been written" : "isn't there");
    }
    in[k] = b->data;
  }
  if (!op_is(n->op, TRAIT_HOLDS)) {
    for (uint32_t k = 0; k < n->n_out; k++)
      i->carried[k] = checked(calloc(1, bytes_of(r, n->out[k]) + 1));
    struct job j = job_of(&scratch, r->graph, n, r->frames, r->kind->size, in, i->carried);
    for (uint32_t k = 0; k < n->n_ref; k++) j.held[k] = r->held[n->ref[k]];
    if (!op_is(n->op, TRAIT_CARRIED) && !job_move(&j, r->kind->size)) r->kind->fire(&j);
  }
  arena_free(&scratch);
  return true;
}

static bool finish_run(struct plan_run *r, struct instance *i) {
  const struct node *n = &r->graph->nodes[i->event->id];
  const struct resource *pe = &r->plan->machine.resources[i->event->resource];
  bool ok = true;
  for (uint32_t k = 0; k < n->n_out; k++) {
    if (!i->carried[k]) continue;
    ok = ok && write_to(r, i, pe->memory, n->out[k], i->carried[k]);
    for (uint32_t o = 0; ok && r->caller->output && o < r->graph->n_outputs; o++)
      if (r->graph->outputs[o] == n->out[k])
        r->caller->output(r->caller->context, i->step, o, i->carried[k]);
    free(i->carried[k]);
    i->carried[k] = NULL;
  }
  return ok;
}

static struct instance **slot_of(const struct plan_run *r, const struct instance *i) {
  return &r->waiting[i->event->resource][i->event->address];
}

static bool put_on_link(struct plan_run *r, struct instance *i) {
  const struct event *e = i->event;
  const struct block *b = find(r, r->plan->machine.resources[e->resource].from, e->id, i->step);
  if (!b || !b->written) return fault(r, i, "it isn't there yet");
  if (*slot_of(r, i)) return fault(r, i, "its slot is taken");
  i->carried[0] = checked(malloc(bytes_of(r, e->id) + 1));
  memcpy(i->carried[0], b->data, bytes_of(r, e->id));
  *slot_of(r, i) = i;
  return true;
}

static bool take_from_link(struct plan_run *r, struct instance *i) {
  const struct event *e = i->event;
  struct instance *sent = *slot_of(r, i);
  if (!sent || sent->event->id != e->id || sent->step != i->step || sent->end > i->start)
    return fault(r, i, "its slot doesn't hold it");
  bool ok = write_to(r, i, r->plan->machine.resources[e->resource].to, e->id, sent->carried[0]);
  free(sent->carried[0]);
  sent->carried[0] = NULL;
  *slot_of(r, i) = NULL;
  return ok;
}

static bool begin(struct plan_run *r, struct instance *i) {
  switch (i->event->action) {
  case ACTION_ALLOC:
    return allocate(r, i);
  case ACTION_FREE:
    return give_back(r, i);
  case ACTION_RUN:
    return compute(r, i);
  case ACTION_SEND:
    return put_on_link(r, i);
  case ACTION_RECV:
    return take_from_link(r, i);
  case ACTION_LOAD:
  case ACTION_STORE:
    break;
  }
  return fault(r, i, "copies between memories aren't carried out here");
}

// ---- all of it

static int by_time(const void *a, const void *b) {
  const struct moment *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  if (x->phase != y->phase) return x->phase < y->phase ? -1 : 1;
  return x->instance < y->instance ? -1 : x->instance > y->instance;
}

// What there is one of for all steps, or is there before the first, happens once.
static bool repeats(const struct plan *p, const struct event *e) {
  return p->period > 0 && e->step >= 0 &&
         (e->action == ACTION_RUN || !p->graph->values[e->id].init);
}

struct list {
  size_t n_instances, n_moments;
  struct instance *instances;
  struct moment *moments;
};

static struct list list_of(struct arena *a, const struct plan *p, int64_t steps) {
  size_t most = (size_t)p->n_events * (size_t)(steps > 0 ? steps : 1);
  struct list l = {.instances = ARENA_NEW(a, struct instance, most + 1),
                   .moments = ARENA_NEW(a, struct moment, 2 * most + 1)};
  for (uint32_t e = 0; e < p->n_events; e++)
    for (int64_t k = 0; k < (repeats(p, &p->events[e]) ? steps : 1); k++) {
      struct instance *i = &l.instances[l.n_instances++];
      double shift = (double)k * p->period;
      *i = (struct instance){.event = &p->events[e],
                             .step = p->events[e].step + k,
                             .start = p->events[e].start + shift,
                             .end = p->events[e].end + shift};
      l.moments[l.n_moments++] = (struct moment){i->start, plan_phase(i->event->action), i};
      if (i->end > i->start) l.moments[l.n_moments++] = (struct moment){i->end, 0, i};
    }
  if (l.n_moments) qsort(l.moments, l.n_moments, sizeof *l.moments, by_time);
  return l;
}

static void hold_contents(struct plan_run *r) {
  const struct graph *g = r->graph;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct attr *init = node_attr(&g->nodes[i], ATTR_init);
    if (!init) continue;
    const struct tensor *t = g->values[init->value].init;
    void **held = &r->held[g->nodes[i].out[0]];
    if (!*held) *held = arena_alloc(r->arena, (size_t)t->count, r->kind->size);
    for (int64_t k = 0; k < t->count; k++) r->kind->load(*held, k, &g->values[init->value], k);
  }
}

struct plan_run *plan_run_new(struct arena *a, const struct plan *p, int64_t frames,
                              const struct element_kind *kind) {
  struct plan_run *r = ARENA_NEW(a, struct plan_run, 1);
  *r = (struct plan_run){.arena = a, .plan = p, .graph = p->graph, .frames = frames, .kind = kind};
  r->held = ARENA_NEW(a, void *, p->graph->n_values + 1);
  hold_contents(r);
  return r;
}

static void clear(struct plan_run *r, const struct list *l) {
  for (size_t i = 0; i < l->n_instances; i++)
    for (int k = 0; k < JOB_OUTPUTS; k++) free(l->instances[i].carried[k]);
  for (size_t i = 0; i < r->blocks.room; i++) {
    struct block *b = r->blocks.entries[i].what;
    if (b) free(b->data);
  }
  arena_free(&r->scratch);
}

bool plan_run_steps(struct plan_run *r, int64_t steps, const struct plan_caller *caller,
                    struct err *e) {
  const struct machine *m = &r->plan->machine;
  r->caller = caller;
  r->err = e;
  hold_contents(r);
  struct list l = list_of(&r->scratch, r->plan, steps);
  r->blocks = index_new(&r->scratch, l.n_instances + 1);
  r->waiting = ARENA_NEW(&r->scratch, struct instance **, m->count + 1);
  for (uint32_t i = 0; i < m->count; i++)
    if (m->resources[i].kind == RESOURCE_LINK)
      r->waiting[i] = ARENA_NEW(&r->scratch, struct instance *, m->resources[i].slots + 1);
  bool ok = true;
  for (size_t i = 0; ok && i < l.n_moments; i++) {
    const struct moment *x = &l.moments[i];
    if (x->phase)
      ok = begin(r, x->instance);
    else if (x->instance->event->action == ACTION_RUN)
      ok = finish_run(r, x->instance);
  }
  clear(r, &l);
  return ok;
}

const void *plan_run_held(const struct plan_run *r, uint32_t ref) {
  return r->held[ref];
}
