// SPDX-License-Identifier: Apache-2.0
// Every rule of the checker has a plan that it alone refuses: the same two-node plan, with one
// thing broken.
#include "tests/plan/helper_plan.h"

#include <math.h>
#include <string.h>

// x (4) -> fc -> h (3) -> relu -> r (3) -> fc2 -> y (2), and h -> tanh -> s (3), which runs before
// fc2. u is a sum of x and of its own value one step ago.
enum { X, W, H, R, S, W2, Y, U, Z, VALUES };
enum { FC, RELU, TANH, FC2, ADD };

static uint32_t add_node(struct graph *g, enum op op, const char *name, uint32_t in, uint32_t more,
                         uint32_t out) {
  uint32_t n = graph_add_node(g, op, name);
  graph_add_use(g, n, (struct use){in, 0, NONE});
  if (more != VALUES) graph_add_use(g, n, (struct use){more, 0, NONE});
  graph_add_out(g, n, out);
  return n;
}

static struct graph *network(struct arena *a) {
  static const char *const names[] = {"x", "w", "h", "r", "s", "w2", "y", "u", "z"};
  static const int64_t shapes[VALUES][2] = {{4}, {3, 4}, {3}, {3}, {3}, {2, 3}, {2}, {4}, {4}};
  struct graph *g = graph_new(a, "network");
  for (int v = 0; v < VALUES; v++)
    if (v == W || v == W2 || v == Z)
      graph_add_tensor(g, names[v], tensor_new(a, DTYPE_F32, v == Z ? 1 : 2, shapes[v]),
                       type_real());
    else
      graph_add_value(g, names[v], 1, shapes[v], type_real(), true);
  graph_add_input(g, X, (struct source){0});
  add_node(g, OP_linear, "fc", X, W, H);
  add_node(g, OP_relu, "relu", H, VALUES, R);
  add_node(g, OP_tanh, "tanh", H, VALUES, S);
  add_node(g, OP_linear, "fc2", R, W2, Y);
  add_node(g, OP_add, "add", X, VALUES, U);
  graph_add_use(g, ADD, (struct use){U, 1, Z});
  graph_add_after(g, FC2, (struct after){TANH, 0});
  graph_add_output(g, Y);
  graph_add_output(g, U);
  struct err e = {0};
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  return g;
}

enum { NEAR, FAR, ROM, PE0, PE1, LINK, IN, RESOURCES };

static void machine(struct plan *p) {
  static const struct resource all[RESOURCES] = {
      [NEAR] = {.kind = RESOURCE_MEMORY, .name = "near", .bytes = 64, .align = 4, .home = true},
      [FAR] = {.kind = RESOURCE_MEMORY, .name = "far", .bytes = 64, .align = 4},
      [ROM] = {.kind = RESOURCE_MEMORY, .name = "rom", .bytes = NONE, .align = 1, .home = true},
      [PE0] = {.kind = RESOURCE_PE, .name = "pe0", .memory = NEAR, .constants = ROM},
      [PE1] = {.kind = RESOURCE_PE, .name = "pe1", .memory = FAR, .constants = NONE},
      [LINK] = {.kind = RESOURCE_LINK,
                .name = "link",
                .from = NEAR,
                .to = FAR,
                .slots = 2,
                .latency = 1},
      [IN] = {.kind = RESOURCE_CHANNEL, .name = "in", .from = ROM, .to = FAR}};
  for (int i = 0; i < RESOURCES; i++) plan_resource(p, all[i]);
}

#define ALLOC(at, where, value, bytes, address)                                                    \
  { at, at, where, ACTION_ALLOC, value, 0, {0}, bytes, address, 0, NULL }
#define FREE(at, where, value, bytes)                                                              \
  { at, at, where, ACTION_FREE, value, 0, {0}, bytes, 0, 0, NULL }
#define DO(begin, end, where, action, id)                                                          \
  { begin, end, where, action, id, 0, {0}, 0, 0, 0, NULL }
static const struct event good[] = {
    ALLOC(0, ROM, W, 12, 0),
    ALLOC(0, ROM, W2, 6, 12),
    {0, 0, ROM, ACTION_ALLOC, U, -1, {0}, 4, NONE, 0, NULL},
    ALLOC(0, NEAR, X, 4, 0),
    ALLOC(0, NEAR, H, 3, 4),
    DO(0, 4, PE0, ACTION_RUN, FC),
    ALLOC(4, NEAR, R, 3, 8),
    DO(4, 6, PE0, ACTION_RUN, RELU),
    ALLOC(6, NEAR, S, 3, 12),
    DO(6, 8, PE0, ACTION_RUN, TANH),
    FREE(8, NEAR, H, 3),
    ALLOC(8, NEAR, U, 4, 16),
    DO(8, 9, PE0, ACTION_RUN, ADD),
    FREE(9, NEAR, X, 4),
    DO(6, 8, LINK, ACTION_SEND, R),
    ALLOC(3, FAR, W2, 6, 8),
    DO(4, 7, IN, ACTION_LOAD, W2),
    ALLOC(8, FAR, R, 3, 0),
    DO(9, 9, LINK, ACTION_RECV, R),
    ALLOC(10, FAR, Y, 2, 4),
    DO(10, 12, PE1, ACTION_RUN, FC2),
    FREE(12, FAR, R, 3),
};

static struct plan *plan_of(struct arena *a, const struct graph *g) {
  struct plan *p = plan_new(a, g, plan_bytes(a, g));
  machine(p);
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) plan_add(p, good[i]);
  return p;
}

// ---- one thing broken

static void drop(struct plan *p, struct event *e) {
  *e = p->events[--p->n_events];
}

static void move(struct plan *p, enum action action, const char *name, double start, double end) {
  struct event *e = plan_find(p, action, name);
  e->start = start;
  e->end = end;
}

static void no_such_resource(struct plan *p) {
  plan_add(p, (struct event)FREE(5, RESOURCES, H, 3));
}
static void no_such_value(struct plan *p) {
  plan_add(p, (struct event)FREE(5, NEAR, VALUES, 3));
}
static void no_such_step(struct plan *p) {
  struct event e = FREE(5, NEAR, H, 3);
  e.step = 1;
  plan_add(p, e);
}
static void too_many_bytes(struct plan *p) {
  plan_add(p, (struct event)ALLOC(5, ROM, H, INT64_MAX, 0));
}
static void too_high(struct plan *p) {
  plan_add(p, (struct event)ALLOC(5, ROM, H, 3, INT64_MAX));
}
static void no_such_slot(struct plan *p) {
  struct event e = DO(8, 9, LINK, ACTION_SEND, R);
  e.address = 2;
  plan_add(p, e);
}
static void no_time(struct plan *p) {
  struct event e = DO(9, NAN, PE0, ACTION_RUN, TANH);
  plan_add(p, e);
}
static void no_duration(struct plan *p) {
  plan_add(p, (struct event)DO(9, 9, PE0, ACTION_RUN, TANH));
}
static void a_long_free(struct plan *p) {
  plan_add(p, (struct event)DO(9, 10, NEAR, ACTION_FREE, S));
}
static void a_memory_runs(struct plan *p) {
  plan_add(p, (struct event)DO(9, 10, NEAR, ACTION_RUN, TANH));
}
static void no_such_slice(struct plan *p) {
  static const int64_t range[] = {0, 4};
  struct event e = DO(9, 10, PE0, ACTION_RUN, TANH);
  e.slice = (struct slice){0, 1, range};
  plan_add(p, e);
}
static void a_broken_machine(struct plan *p) {
  p->machine.resources[LINK].from = PE0;
}
static void half_a_period(struct plan *p) {
  p->period = -1;
}
static void two_steps_and_a_period(struct plan *p) {
  p->period = 20;
  p->steps = 2;
}
static void a_tiny_period(struct plan *p) {
  p->period = 1e-9;
}
static void two_at_a_time(struct plan *p) {
  move(p, ACTION_ALLOC, "s", 5, 5);
  move(p, ACTION_RUN, "tanh", 5.5, 7.5);
}
static void a_channel_twice(struct plan *p) {
  plan_add(p, (struct event)DO(6, 8, IN, ACTION_LOAD, W2));
}
static void not_aligned(struct plan *p) {
  plan_find(p, ACTION_ALLOC, "s")->address = 13;
}
static void outside(struct plan *p) {
  plan_find(p, ACTION_ALLOC, "s")->address = 64;
}
static void over_another(struct plan *p) {
  plan_find(p, ACTION_ALLOC, "s")->address = 16; // u, which isn't made from it
}
static void over_its_end(struct plan *p) {
  plan_find(p, ACTION_ALLOC, "y")->bytes = 8; // w2 is at 8
}
static void too_much(struct plan *p) {
  p->machine.resources[FAR].bytes = 10;
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].resource == FAR) p->events[i].address = NONE;
}
static void too_small(struct plan *p) {
  plan_find(p, ACTION_ALLOC, "y")->bytes = 1;
}
static void given_back_short(struct plan *p) {
  plan_find(p, ACTION_FREE, "h")->bytes = 2;
}
static void there_already(struct plan *p) {
  plan_add(p, (struct event)ALLOC(9, NEAR, S, 3, 40));
}
static void never_there(struct plan *p) {
  drop(p, plan_find(p, ACTION_ALLOC, "s"));
}
static void never_there_to_be_freed(struct plan *p) {
  plan_add(p, (struct event)FREE(9, FAR, S, 3));
}
static void no_token(struct plan *p) {
  drop(p, plan_find(p, ACTION_ALLOC, "u"));
}
static void freed_before(struct plan *p) {
  move(p, ACTION_FREE, "h", 6, 6);
}
static void freed_twice(struct plan *p) {
  plan_add(p, (struct event)FREE(10, NEAR, H, 3));
}
static void freed_while_read(struct plan *p) {
  move(p, ACTION_FREE, "h", 7, 7);
}
static void freed_while_written(struct plan *p) {
  plan_add(p, (struct event)FREE(11, FAR, Y, 2));
}
static void read_before(struct plan *p) {
  move(p, ACTION_RECV, "r", 11, 11);
}
static void loaded_late(struct plan *p) {
  move(p, ACTION_LOAD, "w2", 8, 11);
}
static void not_loaded(struct plan *p) {
  drop(p, plan_find(p, ACTION_LOAD, "w2"));
}
static void sent_before(struct plan *p) {
  move(p, ACTION_SEND, "r", 5, 8);
}
static void written_over(struct plan *p) {
  plan_find(p, ACTION_ALLOC, "r")->address = 4; // h, which tanh reads later
}
static void written_over_in_use(struct plan *p) { // s over h on a second PE, while relu reads it
  struct resource r = p->machine.resources[PE0];
  plan_find(p, ACTION_ALLOC, "s")->address = 4;
  plan_find(p, ACTION_RUN, "tanh")->resource = plan_resource(p, r);
  move(p, ACTION_ALLOC, "s", 5, 5);
  move(p, ACTION_RUN, "tanh", 5, 7);
}
static void received_early(struct plan *p) {
  move(p, ACTION_RECV, "r", 8.5, 8.5);
}
static void the_wrong_slot(struct plan *p) {
  plan_find(p, ACTION_RECV, "r")->address = 1;
}
static void a_full_slot(struct plan *p) {
  plan_add(p, (struct event)DO(8, 8.5, LINK, ACTION_SEND, H));
  move(p, ACTION_FREE, "h", 8.5, 8.5);
  // the second takes the place of the first, which is received all the same
  plan_add(p, (struct event)DO(8.5, 8.75, LINK, ACTION_SEND, R));
  move(p, ACTION_RECV, "r", 9.75, 9.75);
}
static void received_as_another_part(struct plan *p) {
  static const int64_t range[] = {0, 3};
  plan_find(p, ACTION_RECV, "r")->slice = (struct slice){0, 1, range};
}
static void out_of_order(struct plan *p) {
  move(p, ACTION_FREE, "h", 12, 12);
  move(p, ACTION_RUN, "tanh", 9, 11);
}
static void run_twice(struct plan *p) {
  plan_add(p, (struct event)DO(9, 10, PE0, ACTION_RUN, RELU));
  move(p, ACTION_FREE, "h", 10, 10);
}
static void a_part_twice(struct plan *p) {
  static const int64_t range[] = {0, 1, 0, 3};
  struct event e = *plan_find(p, ACTION_RUN, "tanh");
  plan_find(p, ACTION_RUN, "tanh")->slice = (struct slice){0, 1, range};
  plan_find(p, ACTION_RUN, "tanh")->end = 7;
  e.start = 7;
  e.slice = (struct slice){0, 1, range + 2};
  plan_add(p, e);
}
static void never_run(struct plan *p) {
  drop(p, plan_find(p, ACTION_RUN, "tanh"));
}
static void a_part_never_run(struct plan *p) {
  static const int64_t range[] = {0, 1, 2, 3};
  plan_find(p, ACTION_RUN, "tanh")->slice = (struct slice){0, 2, range};
}

static const struct {
  void (*harm)(struct plan *p);
  enum fault_kind kind;
  const char *words;
} broken[] = {
    {no_such_resource, FAULT_FORM, "no such resource"},
    {no_such_value, FAULT_FORM, "no such node or value"},
    {no_such_step, FAULT_FORM, "no such step"},
    {too_many_bytes, FAULT_FORM, "no such number of bytes"},
    {too_high, FAULT_FORM, "no such number of bytes"},
    {no_such_slot, FAULT_FORM, "no such slot"},
    {no_time, FAULT_FORM, "has no time"},
    {no_duration, FAULT_FORM, "takes no time"},
    {a_long_free, FAULT_FORM, "can't take time"},
    {a_memory_runs, FAULT_FORM, "the resource can't do that"},
    {no_such_slice, FAULT_FORM, "no such slice"},
    {a_broken_machine, FAULT_FORM, "resource \"link\" isn't whole"},
    {half_a_period, FAULT_FORM, "the period is no time"},
    {two_steps_and_a_period, FAULT_FORM, "one if it has a period"},
    {a_tiny_period, FAULT_FORM, "too many periods"},
    {two_at_a_time, FAULT_BUSY, "RUN \"tanh\" step 0 on pe0 at 5.5..7.5: it is at work until 6"},
    {a_channel_twice, FAULT_BUSY, "on in at 6..8: it is at work until 7"},
    {not_aligned, FAULT_PLACE, "address 13 is no multiple of 4"},
    {outside, FAULT_PLACE, "3 bytes at 64 end behind the memory's 64"},
    {over_another, FAULT_OVERLAP, "bytes 16.. belong to \"s\" of step 0"},
    {over_its_end, FAULT_OVERLAP, "bytes 8.. belong to \"w2\" of step 0"},
    {too_much, FAULT_CAPACITY, "11 of 10 bytes in use"},
    {too_small, FAULT_SIZE, "1 bytes, 2 needed"},
    {given_back_short, FAULT_SIZE, "gives back 2 bytes of 3"},
    {there_already, FAULT_DOUBLE, "it is there"},
    {never_there, FAULT_ABSENT, "\"s\" of step 0 is not in near"},
    {never_there_to_be_freed, FAULT_ABSENT, "\"s\" of step 0 is not in far"},
    {no_token, FAULT_ABSENT, "\"u\" of step -1 is not in near"},
    {freed_before, FAULT_FREED, "\"h\" of step 0 was freed in near"},
    {freed_twice, FAULT_FREED, "\"h\" of step 0 was freed in near"},
    {freed_while_read, FAULT_HELD, "FREE \"h\" step 0 on near at 7..7: it is in use"},
    {freed_while_written, FAULT_HELD, "FREE \"y\" step 0 on far at 11..11: it is in use"},
    {read_before, FAULT_EARLY, "RUN \"fc2\" step 0 on pe1 at 10..12: \"r\" of step 0 isn't there"},
    {loaded_late, FAULT_EARLY, "\"w2\" of step 0 isn't there yet"},
    {not_loaded, FAULT_EARLY, "\"w2\" of step 0 isn't there yet"},
    {sent_before, FAULT_EARLY, "SEND \"r\" step 0 on link at 5..8: \"r\" of step 0 isn't there"},
    {written_over, FAULT_LOST, "\"h\" of step 0 was written over"},
    {written_over_in_use, FAULT_LOST, "writes over \"h\" of step 0, which is in use"},
    {received_early, FAULT_SLOT, "it arrives at 9"},
    {the_wrong_slot, FAULT_SLOT, "slot 1 doesn't hold it"},
    {a_full_slot, FAULT_SLOT, "slot 0 isn't empty"},
    {received_as_another_part, FAULT_SLOT, "slot 0 doesn't hold it"},
    {out_of_order, FAULT_ORDER, "\"tanh\" of step 0 must have ended"},
    {run_twice, FAULT_TWICE, "RUN \"relu\" step 0 on pe0 at 9..10: it was run before"},
    {a_part_twice, FAULT_TWICE, "or a part of it"},
    {never_run, FAULT_MISSING, "\"tanh\" of step 0 doesn't run"},
    {a_part_never_run, FAULT_MISSING, "\"tanh\" of step 0 doesn't run as a whole"},
};

static void each_rule_refuses(void **state) {
  (void)state;
  bool seen[FAULT_KINDS] = {0};
  struct arena a = {0};
  const struct graph *g = network(&a);
  plan_is_sound(plan_of(&a, g));
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    struct plan *p = plan_of(&a, g);
    broken[i].harm(p);
    plan_is_refused(p, broken[i].kind, broken[i].words);
    seen[broken[i].kind] = true;
  }
  for (int k = 0; k < FAULT_KINDS; k++)
    if (!seen[k]) fail_msg("rule %d refuses nothing here", k);
  arena_free(&a);
}

// What each kind of resource must have.
static void machines_are_whole(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *g = network(&a);
  const struct {
    uint32_t resource;
    struct resource harm; // what differs from 0 is put into it
  } cases[] = {{PE0, {.memory = RESOURCES}}, {PE0, {.memory = PE1}}, {PE0, {.memory = -2}},
               {PE0, {.constants = LINK}},   {LINK, {.slots = -1}},  {LINK, {.latency = NAN}},
               {LINK, {.latency = -1}},      {LINK, {.to = PE0}},    {IN, {.from = LINK}},
               {IN, {.to = RESOURCES}},      {ROM, {.bytes = -2}},   {FAR, {.align = -4}},
               {NEAR, {.align = -4}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct plan *p = plan_of(&a, g);
    struct resource *r = &p->machine.resources[cases[i].resource];
    const struct resource *harm = &cases[i].harm;
    if (harm->memory) r->memory = harm->memory;
    if (harm->constants) r->constants = harm->constants;
    if (harm->from) r->from = harm->from;
    if (harm->to) r->to = harm->to;
    if (harm->slots) r->slots = harm->slots;
    if (harm->latency != 0) r->latency = harm->latency;
    if (harm->bytes) r->bytes = harm->bytes;
    if (harm->align) r->align = harm->align;
    plan_is_refused(p, FAULT_FORM, arena_printf(&a, "resource \"%s\" isn't whole", r->name));
  }
  struct plan *p = plan_of(&a, g);
  p->steps = 0;
  plan_is_refused(p, FAULT_FORM, "a plan has one step or more");
  p = plan_of(&a, g);
  p->period = INFINITY;
  plan_is_refused(p, FAULT_FORM, "the period is no time");
  arena_free(&a);
}

// All faults, in the order of time.
static void all_faults_are_listed(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *g = network(&a);
  struct plan *p = plan_of(&a, g);
  never_run(p);
  not_aligned(p);
  read_before(p);
  freed_twice(p);
  struct faults f = plan_check(&a, p);
  static const enum fault_kind kinds[] = {FAULT_PLACE, FAULT_EARLY, FAULT_FREED, FAULT_MISSING};
  assert_int_equal(f.count, 4);
  bool found[FAULT_KINDS] = {0};
  for (uint32_t i = 0; i < f.count; i++) found[f.faults[i].kind] = true;
  for (int i = 0; i < 4; i++) assert_true(found[kinds[i]]);
  assert_int_equal(f.faults[0].kind, FAULT_PLACE);
  assert_int_equal(p->events[f.faults[0].event].action, ACTION_ALLOC);
  assert_int_equal(f.faults[3].event, NONE);
  arena_free(&a);
}

// ---- again and again

static uint32_t count_kind(struct arena *a, const struct plan *p, enum fault_kind kind) {
  struct faults f = plan_check(a, p);
  uint32_t count = 0;
  for (uint32_t i = 0; i < f.count; i++) count += f.faults[i].kind == kind;
  return count;
}

// What is kept must be given back before it comes again; then the period may be 9, as pe0 works for
// 9, and no less. The sum's last value goes to the ROM's side, to be read in the next period.
static struct plan *periodic(struct arena *a, const struct graph *g, double period) {
  struct plan *p = plan_of(a, g);
  p->period = period;
  p->machine.resources[NEAR].bytes = p->machine.resources[FAR].bytes = NONE;
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].resource <= FAR) p->events[i].address = NONE;
  plan_add(p, (struct event)FREE(8, NEAR, R, 3));
  plan_add(p, (struct event)FREE(8, NEAR, S, 3));
  plan_add(p, (struct event)FREE(period + 11, NEAR, U, 4));
  plan_add(p, (struct event)FREE(12, FAR, Y, 2));
  return p;
}

// What is read three steps later must be there three periods later.
static void delays_are_seen(void **state) {
  (void)state;
  struct arena a = {0};
  struct graph *g = network(&a);
  g->nodes[ADD].in[1].delay = 3;
  for (int k = 0; k < 2; k++) {
    struct plan *p = periodic(&a, g, 1000);
    for (int32_t step = -3; step < -1; step++) {
      struct event token = {0, 0, ROM, ACTION_ALLOC, U, step, {0}, 4, NONE, 0, NULL};
      plan_add(p, token);
    }
    move(p, ACTION_FREE, "u", k ? 2900 : 3010, k ? 2900 : 3010);
    if (k)
      plan_is_refused(p, FAULT_FREED, "\"u\" of step 0 was freed in near");
    else
      plan_is_sound(p);
  }
  arena_free(&a);
}

static void plans_repeat(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *g = network(&a);
  plan_is_sound(periodic(&a, g, 9));
  plan_is_sound(periodic(&a, g, 1000));
  assert_int_equal(count_kind(&a, periodic(&a, g, 8.5), FAULT_BUSY), 1); // fc, said once
  struct plan *p = periodic(&a, g, 9); // the sum of the step before is gone
  move(p, ACTION_FREE, "u", 17.5, 17.5);
  plan_is_refused(p, FAULT_HELD, "FREE \"u\" step 0 on near at 17.5..17.5");
  p = periodic(&a, g, 9);
  move(p, ACTION_FREE, "u", 16.5, 16.5);
  plan_is_refused(p, FAULT_FREED, "\"u\" of step 0 was freed in near");
  p = periodic(&a, g, 1000);
  plan_find(p, ACTION_ALLOC, "s")->address = 1;
  plan_find(p, ACTION_ALLOC, "r")->address = 33;
  assert_int_equal(count_kind(&a, p, FAULT_PLACE), 2); // each said once
  p = periodic(&a, g, 9);                              // it lies where the next one of it will
  plan_find(p, ACTION_ALLOC, "s")->address = 0;
  plan_is_sound(p);
  move(p, ACTION_FREE, "s", 15.5, 15.5);
  plan_is_refused(p, FAULT_OVERLAP, "bytes 0.. belong to \"s\" of step 0");
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_rule_refuses),     cmocka_unit_test(machines_are_whole),
      cmocka_unit_test(all_faults_are_listed), cmocka_unit_test(delays_are_seen),
      cmocka_unit_test(plans_repeat),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
