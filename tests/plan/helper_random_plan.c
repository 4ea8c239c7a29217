// SPDX-License-Identifier: Apache-2.0
#include "tests/plan/helper_random_plan.h"

#include "sw/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MEMORIES_MAX = 3, BYTES = 96, ALIGN = 2, NODES_MAX = 7 };

struct maker {
  struct arena *arena;
  struct rng rng;
  struct graph *graph;
  struct plan *plan;
  bool in_turn;
  int64_t now;
  uint32_t memories, rom, pes, links, channels; // first of each; links and channels by (from, to)
  int64_t slot[MEMORIES_MAX * MEMORIES_MAX];    // the next one of a link
};

static int64_t pick(struct maker *m, int64_t n) {
  return rng_range(&m->rng, 0, n - 1);
}

// ---- the graph: all streams have as many elements

static uint32_t add_value(struct maker *m, int64_t size) {
  return graph_add_value(m->graph, arena_printf(m->arena, "v%u", m->graph->n_values), 1, &size,
                         type_real(), true);
}

static uint32_t add_tensor(struct maker *m, int rank, int64_t size) {
  int64_t shape[] = {size, size};
  return graph_add_tensor(m->graph, arena_printf(m->arena, "t%u", m->graph->n_values),
                          tensor_new(m->arena, DTYPE_F32, rank, shape), type_real());
}

static void add_node(struct maker *m, enum op op, uint32_t in, int64_t size) {
  struct graph *g = m->graph;
  uint32_t n = graph_add_node(g, op, arena_printf(m->arena, "n%u", g->n_nodes));
  graph_add_use(g, n, (struct use){in, 0, NONE});
  if (op == OP_linear) graph_add_use(g, n, (struct use){add_tensor(m, 2, size), 0, NONE});
  if (op == OP_reshape) graph_add_ints(g, n, ATTR_shape, 1, &size);
  graph_add_out(g, n, add_value(m, size));
  if (n > 1 && !pick(m, 4)) graph_add_after(g, n, (struct after){(uint32_t)pick(m, n), 0});
}

static void make_graph(struct maker *m) {
  static const enum op ops[] = {OP_linear, OP_linear, OP_relu, OP_reshape, OP_add};
  int64_t size = 2 + pick(m, 4), nodes = 2 + pick(m, NODES_MAX - 2);
  m->graph = graph_new(m->arena, "random");
  uint32_t *streams = ARENA_NEW(m->arena, uint32_t, NODES_MAX + 1), count = 0;
  streams[count++] = add_value(m, size);
  graph_add_input(m->graph, streams[0], (struct source){0});
  for (int64_t i = 0; i < nodes; i++) {
    add_node(m, ops[pick(m, 5)], streams[pick(m, 3) ? count - 1 : (uint32_t)pick(m, count)], size);
    streams[count++] = m->graph->nodes[i].out[0];
  }
  for (uint32_t i = 0; i < m->graph->n_nodes; i++) // the second input of an add
    if (m->graph->nodes[i].op == OP_add) {
      bool delayed = !pick(m, 3);
      uint32_t value = streams[delayed ? pick(m, count) : pick(m, i + 1)];
      int32_t initial = delayed ? (int32_t)add_tensor(m, 1, size) : NONE;
      graph_add_use(m->graph, i, (struct use){value, delayed, initial});
    }
  graph_add_output(m->graph, streams[count - 1]);
}

// ---- the machine

static void make_machine(struct maker *m) {
  struct plan *p = m->plan;
  m->memories = 1 + (uint32_t)pick(m, MEMORIES_MAX);
  int64_t align = m->in_turn ? ALIGN : 1;
  for (uint32_t i = 0; i < m->memories; i++)
    plan_resource(p, (struct resource){.kind = RESOURCE_MEMORY,
                                       .name = arena_printf(m->arena, "memory%u", i),
                                       .bytes = BYTES,
                                       .align = align,
                                       .home = !i});
  m->rom = plan_resource(
      p, (struct resource){
             .kind = RESOURCE_MEMORY, .name = "rom", .bytes = 4 * BYTES, .align = 1, .home = true});
  m->pes = p->machine.count;
  for (uint32_t i = 0; i < 2 * m->memories; i++)
    plan_resource(p, (struct resource){.kind = RESOURCE_PE,
                                       .name = arena_printf(m->arena, "pe%u", i),
                                       .memory = (int32_t)(i % m->memories),
                                       .constants = (int32_t)m->rom});
  m->links = p->machine.count;
  for (int kind = 0; kind < 2; kind++)
    for (uint32_t i = 0; i < m->memories * m->memories; i++)
      plan_resource(p, (struct resource){.kind = kind ? RESOURCE_CHANNEL : RESOURCE_LINK,
                                         .name = arena_printf(m->arena, "way%d.%u", kind, i),
                                         .from = (int32_t)(i / m->memories),
                                         .to = (int32_t)(i % m->memories),
                                         .slots = 1 + i % 2,
                                         .latency = i % 3});
  m->channels = m->links + m->memories * m->memories;
}

// ---- events

static void add(struct maker *m, struct event e, int64_t duration) {
  e.start = (double)m->now;
  e.end = (double)(m->now + duration);
  plan_add(m->plan, e);
  if (m->in_turn) m->now += duration ? duration + !pick(m, 4) : 0;
}

// Whether event i is an ALLOC of what nobody has freed.
static bool lives(const struct maker *m, uint32_t i) {
  const struct event *e = &m->plan->events[i];
  for (uint32_t k = i + 1; k < m->plan->n_events; k++) {
    const struct event *f = &m->plan->events[k];
    if (f->action == ACTION_FREE && f->resource == e->resource && f->id == e->id &&
        f->step == e->step && slice_same(&f->slice, &e->slice))
      return false;
  }
  return e->action == ACTION_ALLOC;
}

// The last ALLOC of a block of a value that lives, all of it or a part, or none.
static const struct event *block_of(const struct maker *m, uint32_t memory, uint32_t value,
                                    int32_t step) {
  const struct event *found = NULL;
  for (uint32_t i = 0; i < m->plan->n_events; i++) {
    const struct event *e = &m->plan->events[i];
    if (e->resource == memory && e->id == value && e->step == step && lives(m, i)) found = e;
  }
  return found;
}

static bool taken(const struct maker *m, uint32_t memory, int64_t address, int64_t bytes) {
  for (uint32_t i = 0; i < m->plan->n_events; i++) {
    const struct event *e = &m->plan->events[i];
    if (e->resource == memory && lives(m, i) && e->address < address + bytes &&
        address < e->address + e->bytes)
      return true;
  }
  return false;
}

static void allocate_part(struct maker *m, struct event e) {
  int64_t bytes = plan_slice_bytes(m->plan, e.id, &e.slice);
  bytes += m->in_turn && e.address == NONE && !pick(m, 6);
  while (m->in_turn && e.address == NONE) {
    e.address = pick(m, e.resource == m->rom ? 4 * BYTES : BYTES - bytes) / ALIGN * ALIGN;
    if (taken(m, e.resource, e.address, bytes) || e.address + bytes > 4 * BYTES) e.address = NONE;
  }
  e.bytes = bytes;
  add(m, e, 0);
}

// Two ranges that make up the first axis.
static int64_t *halves(struct maker *m, int64_t size) {
  int64_t *range = ARENA_NEW(m->arena, int64_t, 4);
  range[1] = range[2] = 1 + pick(m, size - 1);
  range[3] = size;
  return range;
}

// As a whole, or in two parts.
static void allocate(struct maker *m, uint32_t memory, uint32_t value, int32_t step,
                     int64_t address) {
  struct event e = {
      .resource = memory, .action = ACTION_ALLOC, .id = value, .step = step, .address = address};
  if (block_of(m, memory, value, step)) return;
  if (memory == m->rom || address != NONE || pick(m, 4)) {
    allocate_part(m, e);
    return;
  }
  int64_t *range = halves(m, m->plan->bytes[value]);
  for (int k = 0; k < 2; k++) {
    e.slice = (struct slice){0, 1, range + 2 * k};
    allocate_part(m, e);
  }
}

// Brings a value into a memory, in one or two parts of a channel or at once by a link.
static void bring(struct maker *m, uint32_t from, uint32_t to, uint32_t value, int32_t step) {
  uint32_t way = from * m->memories + to;
  allocate(m, to, value, step, NONE);
  struct event e = {.id = value, .step = step};
  if (pick(m, 2)) {
    const int64_t *range = halves(m, m->plan->bytes[value]);
    e.resource = m->channels + way;
    e.action = pick(m, 2) ? ACTION_LOAD : ACTION_STORE;
    bool parts = pick(m, 2);
    if (parts) e.slice = (struct slice){0, 1, range};
    add(m, e, 1 + pick(m, 3));
    if (parts) e.slice.range = range + 2;
    if (parts) add(m, e, 1 + pick(m, 2));
    return;
  }
  const struct resource *link = &m->plan->machine.resources[m->links + way];
  e.resource = m->links + way;
  e.action = ACTION_SEND;
  e.address = m->slot[way]++ % link->slots;
  add(m, e, 1 + pick(m, 2));
  if (m->in_turn) m->now += (int64_t)link->latency;
  e.action = ACTION_RECV;
  add(m, e, 0);
}

static void need(struct maker *m, uint32_t memory, const struct use *u, int32_t at) {
  int32_t step = plan_step(m->graph, u->value, (int64_t)at - u->delay);
  if (m->graph->values[u->value].init || step < 0) {
    allocate(m, m->rom, u->value, step, NONE);
    return;
  }
  if (plan_is_given(m->graph, u->value, step)) allocate(m, 0, u->value, step, NONE);
  for (uint32_t from = 0; !block_of(m, memory, u->value, step); from++) {
    assert_true(from < m->memories);
    if (block_of(m, from, u->value, step)) bring(m, from, memory, u->value, step);
  }
}

// Whether a firing behind node `n` of step `at` reads a value.
static bool read_later(const struct maker *m, uint32_t value, int32_t step, uint32_t n,
                       int32_t at) {
  for (int32_t s = at; s < m->plan->steps; s++)
    for (uint32_t i = s == at ? n + 1 : 0; i < m->graph->n_nodes; i++)
      for (uint32_t k = 0; k < m->graph->nodes[i].n_in; k++) {
        const struct use *u = &m->graph->nodes[i].in[k];
        if (u->value == value && s - (int32_t)u->delay == step) return true;
      }
  return false;
}

static void run(struct maker *m, uint32_t pe, uint32_t n, int32_t step, bool whole) {
  const struct node *node = &m->graph->nodes[n];
  struct event e = {.resource = pe, .action = ACTION_RUN, .id = n, .step = step};
  int64_t scratch = 1 + pick(m, 3),
          address = m->in_turn ? pick(m, BYTES - 4) / ALIGN * ALIGN : NONE;
  uint32_t memory = (uint32_t)m->plan->machine.resources[pe].memory;
  if (!pick(m, 3) && !(m->in_turn && taken(m, memory, address, scratch))) {
    e.bytes = scratch;
    e.address = address;
  }
  if (whole || !op_has_space(node->op) || pick(m, 2)) {
    add(m, e, 1 + pick(m, 3));
    return;
  }
  int axis = node->op == OP_linear ? (int)pick(m, 2) : 0;
  const int64_t *range = halves(m, m->plan->bytes[node->out[0]]);
  e.slice = (struct slice){axis, 1, range};
  add(m, e, 1 + pick(m, 2));
  e.slice.range = range + 2;
  if (pick(m, 2) && pe + m->memories < m->links) e.resource = pe + m->memories;
  add(m, e, 1 + pick(m, 2));
}

// Whether nobody else lives at the address of event i.
static bool is_alone(const struct maker *m, uint32_t i) {
  const struct event *e = &m->plan->events[i];
  for (uint32_t k = 0; k < m->plan->n_events; k++) {
    const struct event *o = &m->plan->events[k];
    if (k != i && o->resource == e->resource && o->address == e->address && lives(m, k))
      return false;
  }
  return true;
}

// An element by element function of a value in parts, each over that of its input: false if it
// can't be.
static bool fire_parts(struct maker *m, uint32_t n, int32_t step, uint32_t memory) {
  const struct node *node = &m->graph->nodes[n];
  uint32_t parts[2] = {0}, count = 0;
  for (uint32_t i = 0; i < m->plan->n_events; i++) {
    const struct event *e = &m->plan->events[i];
    if (e->resource != memory || e->id != node->in[0].value || e->step != step || !lives(m, i))
      continue;
    if (!e->slice.ranges || count == 2 || !is_alone(m, i)) return false;
    parts[count++] = i;
  }
  for (uint32_t k = 0; count == 2 && k < count; k++) {
    struct event e = m->plan->events[parts[k]];
    e.id = node->out[0];
    add(m, e, 0);
    struct event run = {
        .resource = m->pes + memory, .action = ACTION_RUN, .id = n, .step = step, .slice = e.slice};
    add(m, run, 1 + pick(m, 2));
  }
  return count == 2;
}

static void fire(struct maker *m, uint32_t n, int32_t step) {
  const struct node *node = &m->graph->nodes[n];
  uint32_t memory = (uint32_t)pick(m, m->memories), pe = m->pes + memory;
  for (uint32_t k = 0; k < node->n_in; k++) need(m, memory, &node->in[k], step);
  bool over = m->in_turn && plan_over(m->graph, node, 0) && pick(m, 2) &&
              (op_is(node->op, TRAIT_ALIAS) || !read_later(m, node->in[0].value, step, n, step));
  const struct event *in = block_of(m, memory, node->in[0].value, step);
  if (over && node->op == OP_relu && in && in->slice.ranges && fire_parts(m, n, step, memory))
    return;
  over = over && in && !in->slice.ranges && in->bytes == m->plan->bytes[in->id];
  for (uint32_t i = 0; over && !op_is(node->op, TRAIT_ALIAS) && i < m->plan->n_events; i++)
    over = m->plan->events[i].action != ACTION_ALLOC || m->plan->events[i].address != in->address ||
           m->plan->events[i].resource != memory || &m->plan->events[i] == in;
  allocate(m, memory, node->out[0], step, over ? in->address : NONE);
  run(m, pe, n, step, over);
}

static void free_some(struct maker *m, uint32_t n, int32_t at) {
  for (uint32_t i = 0; i < m->plan->n_events; i++) {
    struct event e = m->plan->events[i];
    if (!lives(m, i)) continue;
    if (m->graph->values[e.id].init || read_later(m, e.id, e.step, n, at) || !pick(m, 3)) continue;
    e.action = ACTION_FREE;
    e.address = 0;
    add(m, e, 0);
  }
}

struct plan *random_plan(struct arena *a, uint64_t seed, enum random_plan_kind kind) {
  struct maker m = {.arena = a, .rng = {.seed = seed}, .in_turn = kind == RANDOM_IN_TURN};
  make_graph(&m);
  int64_t *bytes = ARENA_NEW(a, int64_t, m.graph->n_values);
  for (uint32_t v = 0; v < m.graph->n_values; v++) bytes[v] = value_elements(&m.graph->values[v]);
  m.plan = plan_new(a, m.graph, bytes);
  m.plan->steps = 1 + (int32_t)pick(&m, 2);
  make_machine(&m);
  struct err e = {0};
  if (!graph_verify(m.graph, &e)) fail_msg("seed %llu: %s", (unsigned long long)seed, e.text);
  for (int32_t s = 0; s < m.plan->steps; s++)
    for (uint32_t i = 0; i < m.graph->n_nodes; i++) {
      fire(&m, i, s);
      if (m.in_turn || !pick(&m, 2)) free_some(&m, i, s);
    }
  return m.plan;
}
