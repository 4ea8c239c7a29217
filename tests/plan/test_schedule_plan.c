// SPDX-License-Identifier: Apache-2.0
// A schedule as a plan of timed events: a memory, a PE and links for each node, under the checker
// of all plans, which finds out itself what a slice of a layer reads. It has nothing to say of
// them, and refuses them when something is broken.
#include "sw/base/clock.h"
#include "sw/base/rng.h"
#include "tests/plan/helper_plan.h"
#include "tests/plan/helper_schedule.h"

#include <stdlib.h>
#include <string.h>

enum { BROKEN = 60 };

struct conversion {
  const struct schedule *s;
  struct plan *plan;
  uint32_t nodes, rom, pes, links; // first of each in the machine
  uint32_t *value;                 // (streams) under which its readers know it
  bool *there;                     // (nodes, values) it has a block
};

// Cycles of the schedule begin when the image has been flattened, in one.
enum { BEFORE = 1 };

static const struct slice whole = {0};

static struct slice part(struct conversion *c, int axis, int64_t begin, int64_t end) {
  int64_t *range = ARENA_NEW(c->plan->arena, int64_t, 2);
  range[0] = begin;
  range[1] = end;
  return (struct slice){axis, 1, range};
}

static void add_machine(struct conversion *c) {
  const struct topology *t = c->s->machine->topology;
  for (uint32_t n = 0; n <= t->nodes; n++) // the last one has the weights
    c->rom = plan_resource(c->plan, (struct resource){.kind = RESOURCE_MEMORY,
                                                      .name = "memory",
                                                      .bytes = NONE,
                                                      .align = 1,
                                                      .home = n == HOST_NODE || n == t->nodes});
  for (uint32_t n = 0; n < t->nodes; n++)
    c->pes = plan_resource(c->plan, (struct resource){.kind = RESOURCE_PE,
                                                      .name = "pe",
                                                      .memory = (int32_t)n,
                                                      .constants = (int32_t)c->rom}) -
             n;
  for (uint32_t l = 0; l < t->n_links; l++)
    c->links =
        plan_resource(c->plan, (struct resource){.kind = RESOURCE_LINK,
                                                 .name = "link",
                                                 .from = (int32_t)t->from[l],
                                                 .to = (int32_t)t->to[l],
                                                 .slots = c->s->machine->latency + 1,
                                                 .latency = (double)c->s->machine->latency - 1}) -
        l;
}

static void hold(struct conversion *c, uint32_t memory, uint32_t value) {
  bool *there = &c->there[(size_t)memory * c->plan->graph->n_values + value];
  if (*there) return;
  *there = true;
  plan_add(c->plan, (struct event){.resource = memory,
                                   .action = ACTION_ALLOC,
                                   .id = value,
                                   .bytes = c->plan->bytes[value],
                                   .address = NONE});
}

static void run(struct conversion *c, uint32_t node, uint32_t id, double start, double end,
                struct slice slice) {
  const struct node *n = &c->plan->graph->nodes[id];
  hold(c, node, n->out[0]);
  plan_add(c->plan, (struct event){.start = start,
                                   .end = end,
                                   .resource = c->pes + node,
                                   .action = ACTION_RUN,
                                   .id = id,
                                   .slice = slice,
                                   .address = NONE});
}

// The layer, and its activation in the last half cycle.
static void add_firings(struct conversion *c) {
  const struct actors *v = c->s->actors;
  for (uint32_t i = 0; i < v->n_actors; i++) {
    const struct actor *a = &v->actors[i];
    const struct actor_layer *l = &v->layers[a->layer];
    const struct firing *f = &c->s->firings[i];
    for (uint32_t k = 0; k < l->n_stages; k++) {
      const struct node *n = &v->graph->nodes[l->stages[k]];
      double end = (double)f->end + BEFORE, half = end - 0.5 * (double)(l->n_stages - 1);
      run(c, f->node, l->stages[k], k ? half : (double)f->start + BEFORE, k ? end : half,
          part(c, node_out(v->graph, n, 0)->rank - 1, a->begin, a->end));
    }
  }
}

static void add_hop(struct conversion *c, const struct hop *h, int64_t slot) {
  const struct token_stream *s = &c->s->actors->streams[c->s->actors->tokens[h->token].stream];
  int64_t begin = (h->token - s->first) * s->grain, end = begin + s->grain;
  uint32_t value = c->value[s - c->s->actors->streams];
  double start = (double)h->start + BEFORE;
  double there = start + (double)c->s->machine->latency;
  struct slice slice = part(c, 0, begin, end < s->channels ? end : s->channels);
  hold(c, c->s->machine->topology->to[h->link], value);
  plan_add(c->plan, (struct event){start, start + 1, c->links + h->link, ACTION_SEND, value, 0,
                                   slice, 0, slot, 0, NULL});
  plan_add(c->plan, (struct event){there, there, c->links + h->link, ACTION_RECV, value, 0, slice,
                                   0, slot, 0, NULL});
}

static int by_start(const void *x, const void *y) {
  const struct hop *a = x, *b = y;
  if (a->link != b->link) return a->link < b->link ? -1 : 1;
  return a->start < b->start ? -1 : a->start > b->start;
}

static void add_hops(struct conversion *c) {
  struct hop *hops = arena_copy(c->plan->arena, c->s->hops, (c->s->n_hops + 1) * sizeof *hops);
  qsort(hops, c->s->n_hops, sizeof *hops, by_start);
  for (uint32_t i = 0, k = 0; i < c->s->n_hops; i++) {
    k = i && hops[i].link == hops[i - 1].link ? k + 1 : 0;
    add_hop(c, &hops[i], k % (c->s->machine->latency + 1));
  }
}

// Of networks whose tokens are one frame each, and of which nothing but the image is reshaped.
static struct plan *plan_of(struct arena *a, const struct schedule *s) {
  const struct graph *g = s->actors->graph;
  struct conversion c = {.s = s, .plan = plan_new(a, g, plan_bytes(a, g))};
  c.nodes = s->machine->topology->nodes;
  c.there = ARENA_NEW(a, bool, (size_t)(c.nodes + 1) * g->n_values);
  c.value = ARENA_NEW(a, uint32_t, s->actors->n_streams);
  add_machine(&c);
  for (uint32_t i = 0; i < s->actors->n_streams; i++) c.value[i] = s->actors->streams[i].value;
  for (uint32_t v = 0; v < g->n_values; v++)
    if (g->values[v].init) hold(&c, c.rom, v);
  hold(&c, HOST_NODE, g->inputs[0].value);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    if (!op_is(g->nodes[i].op, TRAIT_ALIAS)) continue;
    run(&c, HOST_NODE, i, 0, BEFORE, whole);
    c.value[0] = g->nodes[i].out[0];
  }
  add_firings(&c);
  add_hops(&c);
  plan_sort(c.plan);
  return c.plan;
}

static void test_sound(void **state) {
  (void)state;
  for (int kind = 0; kind < TOPOLOGIES; kind++)
    for (uint32_t nodes = 1; nodes <= 13; nodes += 4) {
      struct nodes_case c;
      struct err e = {0};
      nodes_case_mlp(&c, 1 + nodes % 3, (enum topology_kind)kind, nodes);
      c.machine.latency = 1 + nodes % 2;
      c.machine.link_bits = 64;
      struct schedule *s = schedule_make(&c.arena, c.actors, &c.machine, &e);
      plan_is_sound(plan_of(&c.arena, s));
      arena_free(&c.arena);
    }
}

// The whole of 64 nodes, 50,000 messages: how many events a second are checked.
static void test_speed(void **state) {
  (void)state;
  struct nodes_case c;
  struct err e = {0};
  nodes_case_mlp(&c, 1, TOPOLOGY_MESH, 64);
  struct plan *p = plan_of(&c.arena, schedule_make(&c.arena, c.actors, &c.machine, &e));
  double begin = clock_seconds();
  plan_is_sound(p);
  print_message("%u events, %.3g million a second\n", p->n_events,
                p->n_events / (clock_seconds() - begin) / 1e6);
  arena_free(&c.arena);
}

// An event a cycle too early, on another resource, or left out.
static void test_broken(void **state) {
  (void)state;
  struct nodes_case c;
  struct err e = {0};
  nodes_case_mlp(&c, 8, TOPOLOGY_RING, 4);
  struct plan *p = plan_of(&c.arena, schedule_make(&c.arena, c.actors, &c.machine, &e));
  struct rng r = {1, 0};
  uint32_t refused = 0;
  for (int i = 0; i < BROKEN; i++) {
    struct plan own = *p;
    struct arena scratch = {0};
    own.events = arena_copy(&scratch, p->events, p->n_events * sizeof *p->events);
    struct event *event = &own.events[rng_range(&r, 0, p->n_events - 1)];
    if (event->action == ACTION_ALLOC) event = &own.events[p->n_events - 1];
    switch (i % 3) {
    case 0:
      event->start -= 1;
      event->end -= 1;
      break;
    case 1:
      event->resource++;
      break;
    default:
      *event = own.events[--own.n_events];
    }
    plan_sort(&own);
    refused += plan_check(&scratch, &own).count > 0;
    arena_free(&scratch);
  }
  assert_true(refused > BROKEN / 2);
  arena_free(&c.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sound), cmocka_unit_test(test_speed),
                                     cmocka_unit_test(test_broken)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
