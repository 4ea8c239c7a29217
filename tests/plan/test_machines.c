// SPDX-License-Identifier: Apache-2.0
// One network, 784-128-10, on three machines: a folded circuit, two nodes that send each other
// values, and one processor with a fast and a slow memory. One checker passes all three, and
// refuses each when something is broken.
#include "sw/circuit/circuit_plan.h"
#include "sw/plan/memory.h"
#include "sw/plan/simulate.h"
#include "tests/plan/helper_plan.h"

static void timed(struct plan *p) {
  struct err e = {0};
  if (!plan_simulate(p, &e)) fail_msg("%s", e.text);
  plan_sort(p);
}

static uint32_t add_memory(struct plan *p, const char *name, int64_t bytes, bool home) {
  return plan_resource(
      p, (struct resource){
             .kind = RESOURCE_MEMORY, .name = name, .bytes = bytes, .align = 4, .home = home});
}

static void hold(struct plan *p, uint32_t memory, uint32_t value) {
  plan_add(p, (struct event){.resource = memory,
                             .action = ACTION_ALLOC,
                             .id = value,
                             .bytes = p->bytes[value],
                             .address = NONE});
}

static void release(struct plan *p, uint32_t memory, uint32_t value) {
  plan_add(p,
           (struct event){
               .resource = memory, .action = ACTION_FREE, .id = value, .bytes = p->bytes[value]});
}

static void act(struct plan *p, enum action action, uint32_t resource, uint32_t id, double time,
                struct slice slice, int64_t slot) {
  plan_add(p, (struct event){.end = action == ACTION_RECV ? 0 : time,
                             .resource = resource,
                             .action = action,
                             .id = id,
                             .slice = slice,
                             .address = slot});
}

static const struct slice whole = {0};

// Multiply-accumulates, or elements, in 64 units.
static double time_of(const struct graph *g, uint32_t node, double share) {
  int64_t macs = node_macs(g, &g->nodes[node]);
  int64_t work = macs ? macs : value_elements(node_out(g, &g->nodes[node], 0));
  return share * (double)work / 64;
}

// ---- two nodes: each has half of the hidden layer, the first has the image and the classes

enum { NEAR, FAR, ROM, NODE0, NODE1, OUT, BACK, SLOTS = 2 };

static void two_nodes_machine(struct plan *p) {
  add_memory(p, "near", 2048, true);
  add_memory(p, "far", 2048, false);
  add_memory(p, "rom", NONE, true); // each node has the weights that it needs
  for (int i = 0; i < 2; i++)
    plan_resource(p, (struct resource){.kind = RESOURCE_PE,
                                       .name = i ? "node1" : "node0",
                                       .memory = i ? FAR : NEAR,
                                       .constants = ROM});
  for (int i = 0; i < 2; i++)
    plan_resource(p, (struct resource){.kind = RESOURCE_LINK,
                                       .name = i ? "back" : "out",
                                       .from = i ? FAR : NEAR,
                                       .to = i ? NEAR : FAR,
                                       .slots = SLOTS,
                                       .latency = 3});
}

static void send(struct plan *p, uint32_t link, uint32_t value, struct slice slice, double time) {
  uint32_t to = (uint32_t)p->machine.resources[link].to;
  act(p, ACTION_SEND, link, value, time, slice, 0);
  if (to == FAR) hold(p, to, value);
  act(p, ACTION_RECV, link, value, 0, slice, 0);
}

static bool is_wide(const struct graph *g, const struct node *n) {
  return n->n_out && op_has_space(n->op) && value_elements(node_out(g, n, 0)) == 128;
}

static struct plan *two_nodes(struct arena *a, const struct graph *g, bool both) {
  struct plan *p = plan_new(a, g, plan_bytes(a, g));
  int64_t *range = ARENA_NEW(a, int64_t, 4);
  const struct slice halves[] = {{0, 1, range}, {0, 1, range + 2}};
  uint32_t apart = g->n_values; // the value whose halves are at both nodes
  range[1] = range[2] = 64;
  range[3] = 128;
  two_nodes_machine(p);
  for (uint32_t v = 0; v < g->n_values; v++)
    if (g->values[v].init) hold(p, ROM, v);
  hold(p, NEAR, g->inputs[0].value);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    uint32_t in = n->in[0].value, out = n->out[0];
    bool split = both && is_wide(g, n);
    if (split && in != apart) send(p, OUT, in, whole, 784.0 / 8);
    if (!split && in == apart) send(p, BACK, in, halves[1], 64.0 / 8);
    hold(p, NEAR, out);
    if (split) hold(p, FAR, out);
    for (uint32_t k = 0; k < (split ? 2 : 1); k++)
      act(p, ACTION_RUN, NODE0 + k, i, time_of(g, i, split ? 0.5 : 1), split ? halves[k] : whole,
          0);
    if (split) apart = out;
  }
  timed(p);
  return p;
}

// Two nodes are nearly twice as fast, and the arenas of both have addresses.
static void on_two_nodes(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *g = plan_mlp(&a);
  struct plan *alone = two_nodes(&a, g, false), *p = two_nodes(&a, g, true);
  plan_is_sound(alone);
  plan_is_sound(p);
  assert_true(plan_length(p) < 0.6 * plan_length(alone));
  for (uint32_t m = NEAR; m <= FAR; m++) {
    int64_t bytes = memory_place(p, m);
    assert_true(bytes >= plan_peak(p, m) && bytes <= p->machine.resources[m].bytes);
  }
  plan_is_sound(p);
  print_message("%g on one node, %g on two\n", plan_length(alone), plan_length(p));
  arena_free(&a);
}

// ---- a fast memory that can't hold everything: weights come in eight parts while others are used

enum { FAST, SLOW, CPU, IN, PARTS = 8 };

static struct plan *two_levels(struct arena *a, const struct graph *g, int64_t fast_bytes,
                               int parts) {
  struct plan *p = plan_new(a, g, plan_bytes(a, g));
  add_memory(p, "fast", fast_bytes, false);
  add_memory(p, "slow", NONE, true);
  plan_resource(
      p, (struct resource){.kind = RESOURCE_PE, .name = "cpu", .memory = FAST, .constants = NONE});
  plan_resource(
      p, (struct resource){.kind = RESOURCE_CHANNEL, .name = "in", .from = SLOW, .to = FAST});
  hold(p, SLOW, g->inputs[0].value);
  hold(p, FAST, g->inputs[0].value);
  act(p, ACTION_LOAD, IN, g->inputs[0].value, 784.0 / 50, whole, 0);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    int cuts = is_wide(g, n) && op_is(n->op, TRAIT_WEIGHTS) ? parts : 1;
    for (uint32_t k = 1; k < n->n_in; k++) {
      hold(p, SLOW, n->in[k].value);
      hold(p, FAST, n->in[k].value);
    }
    hold(p, FAST, n->out[0]);
    for (int c = 0; c < cuts; c++) {
      int64_t *range = ARENA_NEW(a, int64_t, 2);
      range[0] = 128 * c / cuts;
      range[1] = 128 * (c + 1) / cuts;
      struct slice part = {0, cuts > 1, range};
      for (uint32_t k = 1; k < n->n_in; k++)
        act(p, ACTION_LOAD, IN, n->in[k].value, (double)p->bytes[n->in[k].value] / cuts / 50, part,
            0);
      act(p, ACTION_RUN, CPU, i, time_of(g, i, 1.0 / cuts), part, 0);
    }
    for (uint32_t k = 0; k < n->n_in; k++) release(p, FAST, n->in[k].value);
  }
  timed(p);
  return p;
}

// Loading and computing go on at the same time, so that parts are faster; the peak is enough, and
// less than all values are.
static void in_two_levels(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  const struct graph *g = plan_mlp(&a);
  struct plan *at_once = two_levels(&a, g, NONE, 1), *p = two_levels(&a, g, NONE, PARTS);
  plan_is_sound(at_once);
  plan_is_sound(p);
  assert_true(plan_length(p) < 0.65 * plan_length(at_once));
  int64_t all = 0, least = 784 + 100352 + 128 + 128; // image, weights, biases, hidden layer
  for (uint32_t v = 0; v < g->n_values; v++) all += p->bytes[v];
  p = two_levels(&a, g, least, PARTS);
  plan_is_sound(p);
  assert_int_equal(plan_peak(p, FAST), least);
  assert_true(least < all);
  assert_int_equal(memory_place(p, FAST), least);
  plan_is_sound(p);
  p = two_levels(&a, g, NONE, PARTS);
  p->machine.resources[FAST].bytes = least - 1;
  assert_false(plan_simulate(p, &e)); // says who finds no room
  print_message("%g at once, %g in %d parts; %lld of %lld bytes; %s\n", plan_length(at_once),
                plan_length(p), PARTS, (long long)least, (long long)all, e.text);
  arena_free(&a);
}

// ---- broken

static struct plan *circuit(struct arena *a, const struct graph *g) {
  struct err e = {0};
  struct circuit *c = circuit_build(a, g, "top", &(struct folding){.parallelism = 4}, &e);
  if (!c) fail_msg("%s", e.text);
  return circuit_plan(a, c, &e);
}

static void a_faster_circuit(struct plan *p) {
  p->period--;
}
static void an_early_half(struct plan *p) { // node 1 sends its half before it is computed
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].action == ACTION_SEND && p->events[i].resource == BACK) {
      p->events[i].start -= 1;
      p->events[i].end -= 1;
    }
}
static void an_early_part(struct plan *p) { // the last part runs while its weights are coming
  struct event *last = NULL;
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].action == ACTION_RUN && p->events[i].slice.ranges) last = &p->events[i];
  last->start -= 1;
  last->end -= 1;
}

static void each_is_refused_when_broken(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *g = plan_mlp(&a);
  struct plan *p = circuit(&a, g);
  plan_is_sound(p);
  a_faster_circuit(p);
  plan_is_refused(p, FAULT_BUSY, "on l0_linear at");
  p = two_nodes(&a, g, true);
  an_early_half(p);
  plan_is_refused(p, FAULT_EARLY, "SEND");
  p = two_levels(&a, g, NONE, PARTS);
  an_early_part(p);
  plan_is_refused(p, FAULT_EARLY, "isn't there yet");
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(on_two_nodes),
      cmocka_unit_test(in_two_levels),
      cmocka_unit_test(each_is_refused_when_broken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
