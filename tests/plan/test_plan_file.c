// SPDX-License-Identifier: Apache-2.0
// Plan files: what is read writes the same bytes, and is judged as before; what is wrong with one
// is said; what an event is after is kept by the simulator, the checker and the order of time.
#include "sw/base/json.h"
#include "sw/base/rng.h"
#include "sw/circuit/circuit_plan.h"
#include "sw/plan/plan_file.h"
#include "sw/plan/simulate.h"
#include "tests/net/helper_circuit.h"
#include "tests/net/helper_netgen.h"
#include "tests/plan/helper_plan.h"
#include "tests/plan/helper_random_plan.h"

#include <string.h>

enum { PLANS = 400, CIRCUITS = 12, CHANGED = 4000 };

static const struct plan_head head = {"rtl", "1f0c", "cycles", "bits"};

static struct plan *reread(struct arena *a, const char *text, size_t size, const struct graph *g,
                           struct err *e) {
  struct plan_head h;
  json_t *root = json_parse(text, size, e);
  struct plan *p = root && plan_file_head(a, root, &h, e) ? plan_file_read(a, root, g, e) : NULL;
  if (p) assert_true(plan_file_is(root) && !strcmp(h.of, "rtl") && !strcmp(h.unit, "cycles"));
  json_decref(root);
  return p;
}

static struct plan *reread_any(struct arena *a, const char *text, size_t size,
                               const struct graph *g, struct err *e) {
  struct plan_head h;
  json_t *root = json_parse(text, size, e);
  struct plan *p = root && plan_file_head(a, root, &h, e) ? plan_file_read(a, root, g, e) : NULL;
  json_decref(root);
  return p;
}

// Writes it, reads that, and writes it again; returns what was read.
static struct plan *same_again(struct arena *a, const struct plan *p) {
  struct text first = {0}, second = {0};
  struct err e = {0};
  plan_file_put(&first, p, &head);
  struct plan *q = reread(a, first.data, first.size, p->graph, &e);
  if (!q) fail_msg("%s\n%s", e.text, first.data);
  plan_file_put(&second, q, &head);
  assert_string_equal(first.data, second.data);
  text_free(&first);
  text_free(&second);
  return q;
}

static int with_after(const struct plan *p) {
  int count = 0;
  for (uint32_t i = 0; i < p->n_events; i++) count += p->events[i].n_after > 0;
  return count;
}

// What the graph says anyway changes no time; only an event that something else is after stands
// before it.
static void random_plans_come_back(void **state) {
  (void)state;
  int after = 0;
  for (uint64_t seed = 0; seed < PLANS; seed++) {
    struct arena a = {0};
    struct err e = {0};
    bool list = seed % 2;
    struct plan *p = random_plan(&a, seed, list ? RANDOM_LIST : RANDOM_IN_TURN);
    if (list && !plan_simulate(p, &e)) fail_msg("%s", e.text);
    plan_sort(p);
    if (!plan_find_after(p, &e)) fail_msg("seed %d: %s", (int)seed, e.text);
    after += with_after(p);
    struct plan *q = same_again(&a, p);
    plan_is_sound(q);
    if (list) {
      double length = plan_length(p);
      assert_true(plan_simulate(q, &e) && plan_length(q) <= length);
    }
    arena_free(&a);
  }
  assert_true(after > 3 * PLANS);
}

static void circuits_come_back(void **state) {
  (void)state;
  int circuits = 0;
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 0; seed < CIRCUITS && netgen_knows((enum op)op); seed++) {
      struct arena a = {0};
      struct err e = {0};
      if (!(op_info((enum op)op)->executors & EXECUTOR_CIRCUIT)) continue;
      const struct graph *g = netgen(&a, seed, (enum op)op, NETGEN_CIRCUIT);
      struct folding f = circuit_folding(&a, g, seed);
      const struct circuit *c = circuit_build(&a, g, "top", &f, &e);
      struct plan *p = c ? circuit_plan(&a, c, &e) : NULL;
      if (!p || !plan_find_after(p, &e)) fail_msg("%s", e.text);
      plan_is_sound(p);
      struct plan *q = same_again(&a, p);
      plan_is_sound(q);
      assert_true(q->period == p->period);
      circuits++;
      arena_free(&a);
    }
  assert_true(circuits > 100);
}

// ---- after: x -> a, x -> b, each on a PE of its own, and b after a

enum { FAST, CPU, DSP };

static struct plan *two(struct arena *arena) {
  static const char *const names[] = {"x", "a", "b"};
  struct graph *g = graph_new(arena, "two");
  for (int v = 0; v < 3; v++)
    graph_add_value(g, names[v], 1, (const int64_t[]){4}, type_real(), true);
  graph_add_input(g, 0, (struct source){0});
  for (uint32_t n = 0; n < 2; n++) {
    graph_add_node(g, n ? OP_tanh : OP_relu, names[n + 1]);
    graph_add_use(g, n, (struct use){0, 0, NONE});
    graph_add_out(g, n, n + 1);
    graph_add_output(g, n + 1);
  }
  struct plan *p = plan_new(arena, g, plan_bytes(arena, g));
  plan_resource(
      p, (struct resource){
             .kind = RESOURCE_MEMORY, .name = "fast", .bytes = NONE, .align = 1, .home = true});
  for (int pe = 0; pe < 2; pe++)
    plan_resource(
        p, (struct resource){
               .kind = RESOURCE_PE, .name = pe ? "dsp" : "cpu", .memory = FAST, .constants = NONE});
  for (uint32_t v = 0; v < 3; v++)
    plan_add(p, (struct event){.action = ACTION_ALLOC, .id = v, .bytes = 4, .address = NONE});
  static const uint32_t cpu = 3;
  plan_add(p, (struct event){.end = 10, .resource = CPU, .action = ACTION_RUN});
  plan_add(
      p,
      (struct event){
          .end = 7, .resource = DSP, .action = ACTION_RUN, .id = 1, .n_after = 1, .after = &cpu});
  return p;
}

static void after_is_kept(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct plan *p = two(&a);
  plan_is_refused(p, FAULT_ORDER, "it is after RUN \"a\" step 0 on cpu, which ends at 10");
  assert_true(plan_simulate(p, &e));
  assert_true(p->events[4].start == 10 && p->events[4].end == 17);
  plan_is_sound(p);
  for (int v = 0; v < 3; v++) p->events[v].start = p->events[v].end = 0;
  p->events[4].start = 9;
  plan_is_refused(p, FAULT_ORDER, "which ends at 10");
  p->events[4].start = 10;
  p->period = 40; // of each period its own
  plan_is_sound(p);
  p->events[3].start = 11;
  p->events[3].end = 21;
  plan_is_refused(p, FAULT_ORDER, "which ends at 21");
  arena_free(&a);
}

// Who is before others comes in front of them, wherever the order of time puts it.
static void the_order_of_time_keeps_it(void **state) {
  (void)state;
  struct arena a = {0};
  struct plan *p = two(&a);
  p->events[0].start = p->events[0].end = 1; // x comes behind the others
  p->events[3].start += 2, p->events[3].end += 2;
  p->events[4].start += 20, p->events[4].end += 20;
  plan_sort(p);
  assert_int_equal(p->events[2].id, 0);
  assert_int_equal(p->events[4].after[0], 3);
  struct event run = p->events[3];
  p->events[3] = p->events[2];
  p->events[2] = run;
  static const uint32_t two_places = 2;
  p->events[4].after = &two_places;
  plan_sort(p);
  assert_int_equal(p->events[4].after[0], 3);
  plan_is_sound(p);
  arena_free(&a);
}

static void only_what_stands_before(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  static const uint32_t itself = 4, later = 4;
  struct plan *p = two(&a);
  p->events[4].after = &itself;
  struct faults f = plan_check(&a, p);
  assert_true(f.count == 2 && f.faults[0].kind == FAULT_FORM);
  assert_non_null(strstr(f.faults[0].text, "is after no event before it"));
  assert_false(plan_simulate(p, &e));
  assert_non_null(strstr(e.text, "event 4 comes after event 4, which doesn't stand before it"));
  p = two(&a);
  p->events[3].after = &later;
  p->events[3].n_after = 1;
  e = (struct err){0};
  assert_false(plan_simulate(p, &e));
  assert_non_null(strstr(e.text, "event 3 comes after event 4"));
  arena_free(&a);
}

// ---- bad files

static const char *replaced(struct arena *a, const char *text, const char *from, const char *to) {
  const char *at = strstr(text, from);
  if (!at) fail_msg("no %s in %s", from, text);
  return arena_printf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void what_is_wrong_is_said(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *words;
  } cases[] = {
      {"\"version\":1", "\"version\":2", "version: expected a whole number from 1 to 1, found 2"},
      {"\"unit\":\"cycles\",", "", "unit: expected text, found nothing"},
      {"\"period\":0", "\"period\":-1", "period: expected a number from 0 to 2^53, found -1"},
      {"\"steps\":1", "\"steps\":9999999", "steps: expected a whole number from 1 to 4096"},
      {"\"steps\":1", "\"steps\":1,\"color\":1", "color"},
      {"\"kind\":\"memory\"", "\"kind\":\"shelf\"",
       "resources: 0: kind: expected one of pe, channel, link, stream, memory, found \"shelf\""},
      {"\"align\":1", "\"align\":0", "resources: 0: align: expected a whole number from 1 to"},
      {"\"home\":true", "\"home\":3", "resources: 0: home: expected true or false, found 3"},
      {"\"memory\":0", "\"memory\":2", "resources: 1: memory: expected a whole number from 0 to 0"},
      {"\"bytes\":{\"x\":4", "\"bytes\":{\"y\":4", "expected values of the graph, found \"y\""},
      {"\"bytes\":{\"x\":4", "\"bytes\":{\"x\":-4", "x: expected a whole number from 1 to"},
      {"\"alloc\",0,\"x\"", "\"jump\",0,\"x\"",
       "events: 0: action: expected one of alloc, free, run, load, store, send, recv, found "
       "\"jump\""},
      {"\"alloc\",0,\"x\"", "\"alloc\",7,\"x\"",
       "events: 0: resource: expected a whole number from 0 to 2, found 7"},
      {"\"alloc\",0,\"x\"", "\"alloc\",0,\"q\"",
       "events: 0: value: expected a value of the graph, found \"q\""},
      {"\"run\",1,\"a\"", "\"run\",1,\"x\"",
       "events: 3: node: expected a node of the graph, found \"x\""},
      {"[0,10", "[1e300,10", "events: 3: start: expected a number of at most 2^53"},
      {"[0,10", "[null,10", "events: 3: start: expected a number of at most 2^53, found null"},
      {"null,null,[]]", "null,null]", "events: 0: event: expected a list of ten"},
      {"null,null,[]]", "null,[0,1],[]]", "events: 0: slice: expected null, or [axis, begin"},
      {"null,null,[]]", "null,null,[0]]", "events: 0: after: expected a list of events before it"},
      {"[3]]", "[4]]", "events: 4: after: expected the place of an event before it, found 4"},
      {"[3]]", "[-1]]", "events: 4: after: expected the place of an event before it, found -1"},
      {"4,null", "9223372036854775807,null", "events: 0: bytes: expected a whole number from 0 to"},
  };
  struct arena a = {0};
  struct text t = {0};
  struct plan *p = two(&a);
  plan_file_put(&t, p, &head);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct err e = {0};
    const char *text = replaced(&a, t.data, cases[i].from, cases[i].to);
    if (reread(&a, text, strlen(text), p->graph, &e)) fail_msg("%s is taken", cases[i].to);
    if (!strstr(e.text, cases[i].words)) fail_msg("%s: %s", cases[i].to, e.text);
  }
  text_free(&t);
  arena_free(&a);
}

// Files of which a digit is another, or a row, a word or a bracket is gone: refused, or judged and
// played, whatever comes of it.
static void changed_files_do_no_harm(void **state) {
  (void)state;
  int read = 0, sound = 0, played = 0;
  for (uint64_t seed = 0; seed < CHANGED; seed++) {
    struct arena a = {0};
    struct err e = {0};
    struct rng r = {seed, 0};
    struct text t = {0};
    struct plan *p = random_plan(&a, seed % 40, RANDOM_IN_TURN);
    if (!plan_find_after(p, &e)) fail_msg("%s", e.text);
    plan_file_put(&t, p, &head);
    for (int64_t changes = rng_range(&r, 1, 3); changes > 0; changes--) {
      char *at = t.data + rng_range(&r, 0, (int64_t)t.size - 1);
      char *digit = strpbrk(at, "0123456789"), *row = strstr(at, "\n[");
      char *next = row ? strchr(row + 1, '\n') : NULL;
      if (digit && rng_range(&r, 0, 3)) *digit = (char)('0' + rng_range(&r, 0, 9));
      if (next && rng_range(&r, 0, 7) == 0) memset(row + 1, ' ', (size_t)(next - row - 1));
      if (rng_range(&r, 0, 7) == 0) *at = ' ';
    }
    struct plan *q = reread_any(&a, t.data, t.size, p->graph, &e);
    if (!q) assert_true(e.text[0]);
    read += q != NULL;
    struct faults f = q ? plan_check(&a, q) : (struct faults){0};
    sound += q && !f.count;
    bool form = !q;
    for (uint32_t i = 0; i < f.count; i++) form = form || f.faults[i].kind == FAULT_FORM;
    played += !form && plan_simulate(q, &e);
    text_free(&t);
    arena_free(&a);
  }
  print_message("%d of %d read, %d sound, %d played\n", read, CHANGED, sound, played);
  assert_true(read > CHANGED / 3 && sound > CHANGED / 50 && played > CHANGED / 50 && sound < read);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_plans_come_back),
      cmocka_unit_test(circuits_come_back),
      cmocka_unit_test(after_is_kept),
      cmocka_unit_test(the_order_of_time_keeps_it),
      cmocka_unit_test(only_what_stands_before),
      cmocka_unit_test(what_is_wrong_is_said),
      cmocka_unit_test(changed_files_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
