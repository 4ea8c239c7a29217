// SPDX-License-Identifier: Apache-2.0
// Machine files: those that come with the program are read, others are refused by field; what they
// become is a machine of plans, on which values travel between neighbors.
#include "sw/base/file.h"
#include "sw/plan/machine.h"
#include "sw/plan/simulate.h"
#include "tests/plan/helper_plan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct machine_file read_file(struct arena *a, const char *name) {
  struct err e = {0};
  struct machine_file m;
  if (!machine_read(a, name, &m, &e)) fail_msg("%s", e.text);
  return m;
}

static void all_that_come_with_it(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t bytes, align, pes;
  } all[] = {{"mcu-2mib", 2097152, 1, 1}, {"stm32f746", 327680, 4, 1}, {"stm32h743", 524288, 4, 1},
             {"mkr1000-sd", 32768, 4, 1}, {"bittide", 131072, 8, 8},   {"mesh-16", 65536, 8, 16}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    struct arena a = {0};
    struct machine_file m = read_file(&a, all[i].name);
    const struct machine_memory *memory = &m.memories[m.pes->memory];
    assert_string_equal(m.name, all[i].name);
    assert_true(memory->bytes == all[i].bytes && memory->align == all[i].align);
    assert_true(m.pes->count == all[i].pes && m.linked == (all[i].pes > 1));
    arena_free(&a);
  }
}

// The machine of the recorded training steps has their figures.
static void channels_are_found(void **state) {
  (void)state;
  struct arena a = {0};
  struct machine_file m = read_file(&a, "mcu-2mib");
  int32_t fast = machine_memory(&m, "fast"), slow = machine_memory(&m, "slow");
  assert_true(fast >= 0 && slow >= 0 && machine_memory(&m, "flash") == NONE);
  assert_true(machine_channel(&m, slow, fast)->rate == 32505.856);
  assert_true(machine_channel(&m, fast, slow)->rate == 10240);
  assert_null(machine_channel(&m, fast, fast));
  assert_true(m.memories[slow].bytes == NONE);
  arena_free(&a);
}

// ---- refused

#define WHOLE                                                                                      \
  "{\"name\":\"m\",\"unit\":\"ms\",\"pes\":[{\"name\":\"cpu\",\"memory\":\"fast\"}],"              \
  "\"memories\":[{\"name\":\"fast\",\"bytes\":64},{\"name\":\"slow\"}],"                           \
  "\"channels\":[{\"name\":\"in\",\"from\":\"slow\",\"to\":\"fast\",\"bytes_per_unit\":2}]}"

static const struct {
  const char *from, *to, *words;
} bad[] = {
    {"\"name\":\"m\"", "\"nam\":\"m\"", "machine: unknown key \"nam\", did you mean \"name\"?"},
    {"\"name\":\"m\"", "\"name\":7", "name: expected text, found 7"},
    {"\"unit\":\"ms\"", "\"unit\":\"s\"", "unit: expected ms or cycles, found \"s\""},
    {"\"pes\":[{\"name\":\"cpu\",\"memory\":\"fast\"}]", "\"pes\":[]",
     "pes: expected a list of 1 to 64 objects, found []"},
    {"\"pes\":[{\"name\":\"cpu\",\"memory\":\"fast\"}]", "\"pes\":[7]",
     "pes[0]: expected an object, found 7"},
    {"\"memory\":\"fast\"", "\"memory\":\"fats\"",
     "pes[0].memory: expected a memory, one of fast, slow, found \"fats\""},
    {"\"memory\":\"fast\"", "\"memory\":\"fast\",\"count\":0",
     "pes[0].count: expected a whole number from 1 to 4096, found 0"},
    {"\"memory\":\"fast\"", "\"memory\":\"fast\",\"macs_per_unit\":-1",
     "pes[0].macs_per_unit: expected a number above 0, found -1"},
    {"\"memory\":\"fast\"", "\"memory\":\"fast\",\"constants\":\"rom\"",
     "pes[0].constants: expected a memory"},
    {"\"memory\":\"fast\"", "\"memory\":\"fast\",\"count\":2",
     "pes[0].memory: each of 2 has a \"fast\" of its own"},
    {"\"bytes\":64", "\"bytes\":6.4",
     "memories[0].bytes: expected a whole number from 1 to 9007199254740992, found 6.4"},
    {"\"bytes\":64", "\"bytes\":9223372036854775807", "memories[0].bytes: expected a whole number"},
    {"\"bytes\":64", "\"bytes\":64,\"align\":0", "memories[0].align: expected a whole number"},
    {"{\"name\":\"slow\"}", "{\"name\":\"fast\"}",
     "memories[1].name: expected one that no other memory has, found \"fast\""},
    {"\"bytes_per_unit\":2", "\"bytes_per_unit\":0",
     "channels[0].bytes_per_unit: expected a number above 0, found 0"},
    {",\"bytes_per_unit\":2", "",
     "channels[0].bytes_per_unit: expected a number above 0, found nothing"},
    {"\"from\":\"slow\"", "\"from\":\"fast\"", "channels[0].to: expected another memory"},
    {"}]}", "}],\"links\":{\"topology\":\"star\"}}",
     "links.topology: expected full, line, ring, mesh, torus, tree or hypercube, found \"star\""},
    {"}]}", "}],\"links\":{\"topology\":\"full\",\"bits_per_unit\":8,\"receive_slots\":1}}",
     "links: expected one entry of pes, with a count of 2 or more"},
    {"}]}", "", "JSON line 1"}};

static void bad_files_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i <= sizeof bad / sizeof *bad; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct machine_file m;
    const char *text = WHOLE, *path = arena_printf(&a, "/tmp/machine-%ld.json", (long)getpid());
    if (i) {
      const char *at = strstr(WHOLE, bad[i - 1].from);
      assert_non_null(at);
      text = arena_printf(&a, "%.*s%s%s", (int)(at - WHOLE), WHOLE, bad[i - 1].to,
                          at + strlen(bad[i - 1].from));
    }
    assert_true(file_write(path, text, strlen(text), &e));
    bool ok = machine_read(&a, path, &m, &e);
    remove(path);
    if (i ? ok || !strstr(e.text, bad[i - 1].words) || !strstr(e.text, path) : !ok)
      fail_msg("%s: expected %s", ok ? "read" : e.text, i ? bad[i - 1].words : "no refusal");
    arena_free(&a);
  }
}

static void unknown_names_are_answered(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct machine_file m;
  assert_false(machine_read(&a, "stm32f764", &m, &e));
  assert_string_equal(e.text,
                      "--machine stm32f764: no such file; did you mean stm32f746? machines: "
                      "bittide, mcu-2mib, mesh-16, mkr1000-sd, stm32f746, stm32h743");
  e.text[0] = 0;
  assert_false(machine_read(&a, "none/of/them", &m, &e));
  assert_non_null(strstr(e.text, "--machine none/of/them: no such file; machines: bittide, "));
  arena_free(&a);
}

// ---- as resources

static uint32_t resource_of(const struct plan *p, const char *name) {
  for (uint32_t i = 0; i < p->machine.count; i++)
    if (strcmp(p->machine.resources[i].name, name) == 0) return i;
  fail_msg("no resource %s", name);
  return 0;
}

static void event(struct plan *p, enum action action, const char *resource, uint32_t id,
                  double time) {
  plan_add(p, (struct event){.end = time,
                             .resource = resource_of(p, resource),
                             .action = action,
                             .id = id,
                             .bytes = action == ACTION_ALLOC ? p->bytes[id] : 0,
                             .address = action == ACTION_ALLOC ? NONE : 0});
}

// An image goes over a link of the mesh to the next node, where a layer reads it; over no other.
static void values_travel_on_a_mesh(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct machine_file m = read_file(&a, "mesh-16");
  const struct graph *g = plan_mlp(&a);
  m.pes->constants = (int32_t)m.n_memories++; // the weights are everywhere
  struct machine_memory *memories = ARENA_NEW(&a, struct machine_memory, m.n_memories);
  memories[0] = m.memories[0];
  memories[1] = (struct machine_memory){"rom", NONE, 1};
  m.memories = memories;
  struct plan *p = plan_new(&a, g, plan_bytes(&a, g));
  machine_resources(&m, p);
  assert_int_equal(p->machine.count, 16 + 1 + 16 + 48);
  uint32_t image = g->inputs[0].value, node = 0;
  while (g->nodes[node].in[0].value != image) node++;
  for (uint32_t v = 0; v < g->n_values; v++)
    if (g->values[v].init) event(p, ACTION_ALLOC, "rom", v, 0);
  event(p, ACTION_ALLOC, "local0", image, 0);
  event(p, ACTION_SEND, "link0-1", image, 784.0 / 8);
  event(p, ACTION_ALLOC, "local1", image, 0);
  event(p, ACTION_RECV, "link0-1", image, 0);
  event(p, ACTION_ALLOC, "local1", g->nodes[node].out[0], 0);
  event(p, ACTION_RUN, "node1", node, 10);
  if (!plan_simulate(p, &e)) fail_msg("%s", e.text);
  plan_sort(p);
  assert_true(plan_find(p, ACTION_RECV, g->values[image].name)->start == 98 + m.latency);
  struct faults f = plan_check(&a, p);
  for (uint32_t i = 0; i < f.count; i++) // the other layers aren't run here
    if (!strstr(f.faults[i].text, "doesn't run")) fail_msg("%s", f.faults[i].text);
  plan_find(p, ACTION_RUN, g->nodes[node].name)->resource = resource_of(p, "node2");
  assert_true(plan_check(&a, p).count > f.count);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_that_come_with_it), cmocka_unit_test(channels_are_found),
      cmocka_unit_test(bad_files_are_refused), cmocka_unit_test(unknown_names_are_answered),
      cmocka_unit_test(values_travel_on_a_mesh)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
