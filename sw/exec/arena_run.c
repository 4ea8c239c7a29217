// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/arena_parts.h"

#include <string.h>
#include <sys/mman.h>

// ---- events

static bool allocate(struct arena_run *r, const struct event *e) {
  const struct value *v = &r->graph->values[e->id];
  int64_t bytes = value_elements(v) * r->width[e->id];
  if (r->row[e->id]) return arena_take_rows(r, e);
  if (r->address[e->id] != NONE) return arena_fault(r, e, "it is there");
  if (e->bytes < bytes)
    return arena_fault(
        r, e,
        arena_printf(r->arena, "%lld bytes, %lld needed", (long long)e->bytes, (long long)bytes));
  if (e->address < 0 || e->address > r->size - e->bytes)
    return arena_fault(r, e,
                       arena_printf(r->arena, "%lld bytes at %lld, the arena has %lld",
                                    (long long)e->bytes, (long long)e->address,
                                    (long long)r->size));
  r->address[e->id] = e->address;
  r->names[r->base[e->id]]++;
  arena_forget(r, e->address, e->bytes, NOBODY);
  for (uint32_t i = 0; i < r->graph->n_inputs; i++)
    if (r->graph->inputs[i].value == e->id) {
      memcpy(r->integers[e->id], r->inputs[i], (size_t)value_elements(v) * sizeof(int64_t));
      return arena_put(r, e, e->id);
    }
  return true;
}

// The array of a delayed use that this frame reads, and then overwrites.
static int64_t *ring(const struct arena_run *r, uint32_t node, uint32_t k) {
  const struct use *u = &r->graph->nodes[node].in[k];
  int64_t elements = value_elements(&r->graph->values[u->value]);
  return r->past[r->first_use[node] + k] + r->frame % u->delay * elements;
}

// What is freed is kept for the frames that will read it.
static bool release(struct arena_run *r, const struct event *e) {
  const struct graph *g = r->graph;
  if (r->row[e->id]) return arena_give_rows(r, e);
  if (r->address[e->id] == NONE) return arena_fault(r, e, "it isn't there");
  for (uint32_t i = 0; r->delayed[e->id] && i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      if (g->nodes[i].in[k].value != e->id || !g->nodes[i].in[k].delay) continue;
      const int64_t *now = arena_take(r, e, e->id);
      if (!now) return false;
      memcpy(ring(r, i, k), now, (size_t)value_elements(&g->values[e->id]) * sizeof *now);
    }
  if (!--r->names[r->base[e->id]]) arena_forget(r, r->address[e->id], e->bytes, r->base[e->id] + 1);
  r->address[e->id] = NONE;
  return true;
}

// What a firing may lie over: false with what it would destroy while it reads it.
static bool may_lie(struct arena_run *r, const struct event *e, const struct node *n) {
  for (uint32_t k = 0; n->n_out && k < n->n_in; k++)
    if (arena_lies_over(r, n, k) &&
        !(plan_over(r->graph, n, k) && r->address[n->in[k].value] == r->address[n->out[0]]))
      return arena_fault(r, e,
                         arena_printf(r->arena, "it lies over \"%s\", which it reads",
                                      node_in(r->graph, n, k)->name));
  return true;
}

static bool fire(struct arena_run *r, const struct event *e) {
  const struct graph *g = r->graph;
  const struct node *n = &g->nodes[e->id];
  if (e->slice.ranges) return arena_fire_rows(r, e);
  bool over = r->single[e->id].channels && arena_lies_over(r, n, 0) &&
              r->address[n->in[0].value] == r->address[n->out[0]];
  if (over) return arena_fire_channels(r, e);
  if (!may_lie(r, e, n)) return false;
  struct arena scratch = {0};
  bool ok = true;
  void **in = ARENA_NEW(&scratch, void *, n->n_in + 1), *out[JOB_OUTPUTS] = {NULL};
  for (uint32_t k = 0; ok && k < n->n_in; k++) {
    in[k] = n->in[k].delay ? ring(r, e->id, k) : arena_take(r, e, n->in[k].value);
    ok = in[k] != NULL;
  }
  for (uint32_t k = 0; k < n->n_out && k < JOB_OUTPUTS; k++) out[k] = r->integers[n->out[k]];
  const struct single *single = &r->single[e->id];
  if (ok && single->golden) {
    arena_fire_single(r, n, single);
  } else if (ok) {
    struct job j = job_of(&scratch, g, n, 1, sizeof(int64_t), in, out);
    for (uint32_t k = 0; k < n->n_ref; k++) j.held[k] = r->held[n->ref[k]];
    if (job_moves(n))
      job_move(&j, sizeof(int64_t));
    else
      golden_kind.fire(&j);
  }
  for (uint32_t k = 0; ok && k < n->n_out; k++)
    if (!type_is_ref(&g->values[n->out[k]].type)) ok = arena_put(r, e, n->out[k]);
  arena_free(&scratch);
  return ok;
}

// ---- all of it

static int64_t *content(struct arena *a, const struct value *v, int64_t count) {
  int64_t *to = ARENA_NEW(a, int64_t, count);
  for (int64_t i = 0; i < count; i++) golden_kind.load(to, i, v, i % v->init->count);
  return to;
}

static void prepare_state(struct arena_run *r) {
  const struct graph *g = r->graph;
  uint32_t uses = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) uses += g->nodes[i].n_in;
  r->past = ARENA_NEW(r->arena, int64_t *, uses + 1);
  uses = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    const struct attr *init = node_attr(n, ATTR_init);
    r->first_use[i] = uses;
    if (init)
      r->held[n->out[0]] =
          content(r->arena, &g->values[init->value], g->values[init->value].init->count);
    for (uint32_t k = 0; k < n->n_in; k++, uses++) {
      if (!n->in[k].delay) continue;
      r->delayed[n->in[k].value] = true;
      r->past[uses] = content(r->arena, &g->values[n->in[k].initial],
                              value_elements(&g->values[n->in[k].value]) * n->in[k].delay);
    }
  }
}

// What it is another name of, if that isn't cut.
static uint32_t base_of(const struct arena_run *r, uint32_t v) {
  const struct graph *g = r->graph;
  for (uint32_t base = v;;) {
    int32_t n = g->values[base].node;
    if (r->row[base]) return v;
    if (n == NONE || !op_is(g->nodes[n].op, TRAIT_ALIAS) || g->nodes[n].in[0].delay) return base;
    base = g->nodes[n].in[0].value;
  }
}

static void prepare_values(struct arena_run *r) {
  const struct graph *g = r->graph;
  for (uint32_t v = 0; v < g->n_values; v++) {
    const struct value *value = &g->values[v];
    if (type_is_ref(&value->type)) continue;
    r->base[v] = base_of(r, v);
    r->width[v] = arena_run_width(&value->type);
    r->integers[v] = value->init ? content(r->arena, value, value->init->count)
                                 : ARENA_NEW(r->arena, int64_t, value_elements(value));
  }
}

struct arena_run *arena_run_new(struct arena *a, const struct plan *p, struct err *e) {
  const struct graph *g = p->graph;
  struct arena_run *r = ARENA_NEW(a, struct arena_run, 1);
  *r = (struct arena_run){.arena = a, .plan = p, .graph = g};
  r->size = p->machine.resources[MEMORY_ARENA].bytes;
  r->owner = ARENA_NEW(a, uint32_t, r->size + 1);
  r->base = ARENA_NEW(a, uint32_t, g->n_values);
  r->address = ARENA_NEW(a, int64_t, g->n_values);
  r->width = ARENA_NEW(a, int64_t, g->n_values);
  r->names = ARENA_NEW(a, uint32_t, g->n_values);
  r->delayed = ARENA_NEW(a, bool, g->n_values);
  r->integers = ARENA_NEW(a, int64_t *, g->n_values);
  r->held = ARENA_NEW(a, int64_t *, g->n_values);
  r->first_use = ARENA_NEW(a, uint32_t, g->n_nodes + 1);
  r->row = ARENA_NEW(a, int64_t *, g->n_values);
  r->rows_put = ARENA_NEW(a, int64_t, g->n_values);
  if (!arena_prepare_rows(r, e)) return NULL;
  prepare_values(r);
  prepare_state(r);
  arena_prepare_layers(r);
  if (arena_map(r)) return r;
  err_put(e, "there is no memory for an arena of %lld bytes", (long long)r->size);
  return NULL;
}

bool arena_run_frame(struct arena_run *r, const int64_t *const *inputs, arena_look *look,
                     void *context, struct err *e) {
  const struct plan *p = r->plan;
  r->inputs = inputs;
  r->look = look;
  r->context = context;
  r->err = e;
  memset(r->owner, 0, (size_t)r->size * sizeof *r->owner);
  memset(r->names, 0, r->graph->n_values * sizeof *r->names);
  for (uint32_t v = 0; v < r->graph->n_values; v++) {
    r->address[v] = NONE;
    r->rows_put[v] = 0;
    for (int64_t y = 0; r->row[v] && y < r->graph->values[v].shape[0]; y++) r->row[v][y] = NONE;
  }
  arena_forget(r, 0, r->size, NOBODY);
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *event = &p->events[i];
    bool ours = event->resource == MEMORY_ARENA;
    if (event->action == ACTION_ALLOC && ours && !allocate(r, event)) return false;
    if (event->action == ACTION_FREE && ours && !release(r, event)) return false;
    if (event->action == ACTION_RUN && !fire(r, event)) return false;
  }
  r->frame++;
  return true;
}

void arena_run_free(struct arena_run *r) {
  arena_free_rows(r);
  for (uint32_t i = 0; i < r->graph->n_nodes; i++) golden_free(r->single[i].golden);
  munmap(r->map, r->mapped);
}
