// SPDX-License-Identifier: Apache-2.0
// plan of a training step: what it prints, writes and refuses, and that --replay takes its plans.
#include "tests/cmd/helper_shell.h"

#include "sw/base/json.h"

#include <string.h>

#define FOLDER "tests/plan/fixtures/"

static json_t *json_of(const char *said) {
  struct err e = {0};
  json_t *found = json_parse(said, strlen(said), &e);
  if (!found) fail_msg("%s: %s", e.text, said);
  return found;
}

static double number_of(const json_t *object, const char *key) {
  const json_t *v = json_object_get(object, key);
  if (!json_is_number(v)) fail_msg("%s isn't a number", key);
  return json_number_value(v);
}

static void test_text(void **state) {
  struct shell *c = *state;
  const char *said =
      cli_expect(c, "$N plan " FOLDER "early-store.json", 0,
                 "operators, of 4 values that wait 3 are kept, 1 spilt, 0 made again");
  assert_non_null(strstr(said,
                         "\ntotal 112.0000 ms, bound 40.0000 (cpu): 180.0 % more\n"
                         "recomputed 0.0000 ms, spilt 24 bytes\n"
                         "peak 76 of 76 bytes of fast memory; 60 are the least, 100 keep all\n"
                         "accuracy 1 of at least 1\n"));
  cli_expect(c, "$N plan --memory 100 " FOLDER "early-store.json", 0, "total 80.0000 ms");
  cli_expect(c, "$N plan --unpruned " FOLDER "demo.json", 0, "total 121.0000 ms");
  cli_expect(c, "$N plan " FOLDER "demo.json", 0, "total 89.0000 ms");
}

// A plan is written, read and played with the same figures, in both modes.
static void replayed(struct shell *c, const char *options, const char *file, int version,
                     bool again) {
  char line[512];
  snprintf(line, sizeof line, "$N plan --json %s -o $D/plan.json " FOLDER "%s", options, file);
  json_t *plan = json_of(cli_expect(c, line, 0, "\"values\":["));
  assert_int_equal(number_of(plan, "version"), version);
  assert_true(again == (number_of(plan, "recomputed_ms") > 0));
  static const char *const modes[] = {"correct", "auto"};
  for (int m = 0; m < 2; m++) {
    snprintf(line, sizeof line, "$N plan --json --replay --mode %s $D/plan.json", modes[m]);
    json_t *found = json_of(cli_expect(c, line, 0, ""));
    assert_true(number_of(found, "total_ms") == number_of(plan, "total_ms"));
    assert_true(number_of(found, "peak_bytes") <= number_of(plan, "memory_bytes"));
    assert_true(m || number_of(found, "peak_bytes") == number_of(plan, "peak_bytes"));
    assert_true(number_of(found, "accuracy") == number_of(plan, "accuracy"));
    json_decref(found);
  }
  json_decref(plan);
}

static void test_replayed(void **state) {
  struct shell *c = *state;
  replayed(c, "", "demo.json", 1, false);
  replayed(c, "--unpruned", "branch-pruned.json", 1, false);
  replayed(c, "", "mcunet-320kb.json", 2, true);
  replayed(c, "--memory 7000000 --unpruned", "mcunet-320kb.json", 1, false);
  // In version 1 no backward starts at the instant of its prune, here that of the last operator.
  replayed(c, "--memory 7000000", "mcunet-320kb.json", 2, false);
  cli_expect(c, "$N plan -o $D/plan.json " FOLDER "mcunet-320kb.json", 0, "total 237.");
  cli_expect(c, "$N plan --replay --mode compat $D/plan.json", 1,
             "version 2 is about runs that happen again: --mode compat knows version 1 alone");
  // One run again less, and what it made isn't there.
  cli_expect(c,
             "awk '/\"again\",\"/ && !n++ {next} {print}' $D/plan.json >$D/less.json; "
             "$N plan --replay $D/less.json",
             1, "refused: ");
}

// The decisions of the file aren't needed.
static void test_without_decisions(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "printf '%s' '{\"format\":\"plan fixture\",\"version\":1,\"name\":\"n\",\"machine\":"
             "{\"fast_bytes\":99,\"read_bytes_per_ms\":1,\"write_bytes_per_ms\":1},"
             "\"target_accuracy\":1,\"operators\":[{\"name\":\"A\",\"from\":[],\"relation\":"
             "\"all\",\"in\":1,\"out\":1,\"bytes\":{\"param\":4,\"input\":2,\"output\":2,"
             "\"grad\":4,\"pass_grad\":2},\"forward\":{\"ms\":8,\"extra\":4},\"backward\":"
             "{\"ms\":8,\"extra\":4},\"optimize\":{\"ms\":8},\"loss\":0.05}]}' >$D/n.json; "
             "$N plan $D/n.json",
             0, "n: 1 operators, of 2 values that wait 2 are kept, 0 spilt, 0 made again");
  cli_expect(c, "$N plan --replay $D/n.json", 1, "refused: operators: no decision about A");
}

static void test_cases(void **state) {
  struct shell *c = *state;
  const char *said = cli_expect(c, "$N plan " FOLDER "mcunet-320kb-machines.json", 0,
                                "case           fast bytes  total ms     bound  recomputed");
  assert_non_null(strstr(said, "\nslow-io           2097152  423."));
  json_t *found = json_of(
      cli_expect(c, "$N plan --json --memory 860000 " FOLDER "mcunet-320kb-machines.json", 0, ""));
  const json_t *plans = json_object_get(found, "plans");
  assert_int_equal(json_array_size(plans), 8);
  assert_non_null(strstr(json_string_value(json_object_get(json_array_get(plans, 7), "refused")),
                         "the least that works is 863520"));
  json_decref(found);
}

// Less time for more memory, from the least that works to what keeps all; each point is a plan.
static void test_sweep(void **state) {
  struct shell *c = *state;
  cli_expect(
      c, "$N plan --sweep " FOLDER "demo.json", 0,
      "demo: 2 plans, none both faster and smaller than another; no plan is below 82.0000 ms");
  json_t *found = json_of(
      cli_expect(c, "$N plan --sweep --json --svg $D/s.svg " FOLDER "early-store.json", 0, ""));
  const json_t *plans = json_object_get(found, "plans");
  size_t count = json_array_size(plans);
  assert_true(count >= 5);
  for (size_t i = 0; i < count; i++) {
    const json_t *p = json_array_get(plans, i), *before = json_array_get(plans, i ? i - 1 : 0);
    assert_true(!i || (number_of(p, "peak_bytes") > number_of(before, "peak_bytes") &&
                       number_of(p, "total_ms") < number_of(before, "total_ms")));
    assert_true(number_of(p, "total_ms") >= number_of(p, "bound_ms"));
  }
  assert_true(number_of(json_array_get(plans, 0), "peak_bytes") == 60);
  assert_true(number_of(json_array_get(plans, count - 1), "spilt_bytes") == 0);
  json_decref(found);
  cli_expect(c, "command -v gnuplot >/dev/null || exit 0; head -c 400 $D/s.svg", 0, "<svg");
  cli_expect(c, "$N plan --sweep --memory 99 " FOLDER "demo.json", 2, "leave --memory away");
  cli_expect(c, "$N plan --sweep -o $D/x " FOLDER "demo.json", 2, "leave -o away");
  cli_expect(c, "$N plan --svg $D/x.svg " FOLDER "demo.json", 2, "--svg draws what --sweep finds");
  cli_expect(c, "$N plan --sweep " FOLDER "mcunet-320kb-machines.json", 1, "8 cases");
}

// Channels are chosen: all sets of few, and never a worse one than the file's own.
static void test_pruned(void **state) {
  struct shell *c = *state;
  const char *said = cli_expect(c, "$N plan --target-accuracy 0.9 " FOLDER "demo.json", 0,
                                "total 103.0000 ms, bound 98.0000 (cpu)");
  assert_non_null(strstr(said,
                         "accuracy 0.9 of at least 0.9\n"
                         "pruned 2 of 8 channels, of all 29 sets that are accurate enough\n"));
  cli_expect(c, "$N plan --target-accuracy 0.8 " FOLDER "demo.json", 0,
             "total 87.0000 ms, bound 82.0000 (cpu): 6.1 % more");
  cli_expect(c, "$N plan --target-accuracy 0.8 " FOLDER "demo.json", 0,
             "; the file's own takes 89.0000 ms\n");
  cli_expect(c, "$N plan --target-accuracy 0.8 --minimise memory " FOLDER "demo.json", 0,
             "peak 22 of 22 bytes of fast memory");
  cli_expect(c, "$N plan --minimise memory " FOLDER "demo.json", 0,
             "peak 24 of 24 bytes of fast memory");
  json_t *found = json_of(cli_expect(
      c, "$N plan --json --target-accuracy 1 -o $D/p.json " FOLDER "mcunet-320kb.json", 0, ""));
  const json_t *pruned = json_object_get(found, "pruned");
  assert_true(number_of(found, "total_ms") < number_of(pruned, "own_ms"));
  assert_true(json_is_false(json_object_get(pruned, "exact")));
  json_decref(found);
  cli_expect(c, "$N plan --replay $D/p.json", 0, "total 118.4502 ms");
  cli_expect(c, "$N plan --memory 20 --target-accuracy 0.9 " FOLDER "demo.json", 1,
             "of 20 in use; the least that works is 24");
  cli_expect(c, "$N plan --target-accuracy 2 " FOLDER "demo.json", 2,
             "--target-accuracy 2: expected a number from 0 to 1");
  cli_expect(c, "$N plan --deadline 90 " FOLDER "demo.json", 0, "total 89.5000 ms");
  cli_expect(c, "$N plan --deadline 89 " FOLDER "demo.json", 0, "total 89.0000 ms");
  cli_expect(c, "$N plan --deadline 81 " FOLDER "demo.json", 1,
             "none of these runs takes less than 82.0000");
  cli_expect(c, "$N plan --deadline 0 " FOLDER "demo.json", 2,
             "--deadline 0: expected ms, above 0");
  cli_expect(c, "$N plan --deadline 90 --memory 40 " FOLDER "demo.json", 2,
             "in which a step is in time: leave --memory away");
  cli_expect(c, "$N plan --deadline 90 --sweep " FOLDER "demo.json", 2, "leave --deadline away");
  cli_expect(c, "$N plan --deadline 90 -p 8,3 models/mnist-mlp.bin", 2,
             "--deadline is about a training step");
  cli_expect(c, "$N plan --minimise energy " FOLDER "demo.json", 2, "expected time or memory");
  cli_expect(c, "$N plan --minimise memory --memory 50 " FOLDER "demo.json", 2,
             "leave --memory away");
  cli_expect(c, "$N plan --unpruned --target-accuracy 1 " FOLDER "demo.json", 2, "leave one away");
  cli_expect(c, "$N plan --sweep --minimise time " FOLDER "demo.json", 2, "leave --minimise away");
  cli_expect(c, "$N plan --minimise memory -p 8,3 models/mnist-mlp.bin", 2,
             "--minimise is about a training step");
}

// The fast memory and the channels of another machine; --memory goes before its bytes.
static void test_machine(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N plan --machine mcu-2mib " FOLDER "mcunet-320kb.json", 0, "total 237.5938 ms");
  cli_expect(c, "$N plan --machine stm32f746 " FOLDER "mcunet-320kb.json", 1,
             "194000 of 327680 in use; the least that works is 863520");
  cli_expect(c, "$N plan --machine stm32f746 --memory 943718 " FOLDER "mcunet-320kb.json", 0,
             "total 223.9");
  cli_expect(c, "$N plan --machine stm32h743 " FOLDER "demo.json", 1,
             "--machine stm32h743: channels: expected one into \"fast\", and one back");
  cli_expect(c, "$N plan --machine mesh-16 " FOLDER "demo.json", 1,
             "--machine mesh-16: expected one processor, and times in ms");
  cli_expect(c, "$N plan --machine mcu " FOLDER "demo.json", 1, "machines: bittide, mcu-2mib");
  cli_expect(c,
             "sed 's/, *\"bytes\": 2097152//' machines/mcu-2mib.json >$D/m.json; "
             "$N plan --machine $D/m.json " FOLDER "demo.json",
             1, "\"fast\" has no bytes: give --memory BYTES");
  cli_expect(c, "$N plan --machine $D/m.json --memory 50 " FOLDER "demo.json", 0, "of 50 bytes");
  cli_expect(c, "$N plan --machine mcu-2mib " FOLDER "mcunet-320kb-machines.json", 1,
             "8 cases have machines of their own: leave --machine away");
  cli_expect(c, "$N plan --replay --machine mcu-2mib " FOLDER "demo.json", 2,
             "leave --machine away");
}

static void test_refused(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N plan --memory 860000 -o $D/none.json " FOLDER "mcunet-320kb.json", 1,
             "nngen: " FOLDER "mcunet-320kb.json: no plan fits: block3.6 backward needs 669520 "
             "more, 194000 of 860000 in use; the least that works is 863520\n");
  cli_expect(c, "test -e $D/none.json", 1, "");
  cli_expect(c, "$N plan " FOLDER "limit.json", 1,
             "no plan fits: C backward needs 28 more, 32 of 56 in use; the least that works is 60");
  cli_expect(c,
             "sed 's/\"target_accuracy\": 0.8/\"target_accuracy\": 0.9/' " FOLDER
             "demo.json >$D/t.json; $N plan $D/t.json",
             1, "t.json: accuracy: 0.8, wanted 0.9");
  cli_expect(c,
             "sed 's/\"prune\",\"A\",null,\\[0,2\\]/\"prune\",\"A\",null,[0,3]/' " FOLDER
             "demo.json >$D/t.json; $N plan $D/t.json",
             1, "pruned channels: \"A\" has 2, found 2");
  cli_expect(c, "$N plan -o $D/m.json " FOLDER "mcunet-320kb-machines.json", 1,
             "8 cases, -o takes one plan");
  cli_expect(c, "cp " FOLDER "demo.json $D/d.json; $N plan -o $D/d.json $D/d.json", 1, "d.json");
}

static void test_words(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N plan -p 8,3 " FOLDER "demo.json", 2,
             "demo.json is a training step on two memories: leave --precision away");
  cli_expect(c, "$N plan --no-in-place --memory 99 " FOLDER "demo.json", 2,
             "leave --no-in-place away");
  cli_expect(
      c, "$N plan --unpruned -p 8,3 models/mnist-mlp.bin", 2,
      "--unpruned is about a training step, a \"plan fixture\": models/mnist-mlp.bin is none");
  cli_expect(c, "$N plan --replay --unpruned " FOLDER "demo.json", 2, "leave --unpruned away");
  cli_expect(c, "$N plan --memory 0 " FOLDER "demo.json", 2, "--memory");
  cli_expect(c, "$N plan --help", 0, "--unpruned");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_text),    SHELL_CASE(test_replayed), SHELL_CASE(test_without_decisions),
      SHELL_CASE(test_cases),   SHELL_CASE(test_sweep),    SHELL_CASE(test_pruned),
      SHELL_CASE(test_machine), SHELL_CASE(test_refused),  SHELL_CASE(test_words)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
