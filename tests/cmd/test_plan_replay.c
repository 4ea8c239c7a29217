// SPDX-License-Identifier: Apache-2.0
// plan --replay: what it prints, as tables and as JSON, and what it refuses.
#include "tests/cmd/helper_shell.h"

#include "sw/base/json.h"

#include <string.h>

#define FOLDER "tests/plan/fixtures/"

static void test_text(void **state) {
  struct shell *c = *state;
  const char *said = cli_expect(c, "$N plan --replay " FOLDER "demo.json", 0,
                                "demo, correct: 4 operators, 32 decisions\n");
  assert_non_null(strstr(said, "cpu     runs                  10       82.0000    31.1 %\n"));
  assert_non_null(strstr(said,
                         "total 264.0000 ms, where cpu alone works 82.0000: 222.0 % more\n"
                         "peak 35 of 50 bytes of fast memory, left in it 1: D.pass_grad 3..4\n"
                         "accuracy 0.8 of at least 0.8\n"));
  cli_expect(c, "$N plan --mode compat --replay " FOLDER "demo.json", 0, "peak 36 of 50 bytes");
  cli_expect(c, "$N plan --mode auto --replay " FOLDER "demo.json", 0, "total 89.0000 ms");
  cli_expect(c, "$N plan -t --replay " FOLDER "demo.json", 0,
             "\n         140           29  allocate  D        pass_grad 1..5\n");
  cli_expect(c, "$N plan -t --replay " FOLDER "demo.json", 0,
             "\n         152           34  backward  D                  0..1\n");
}

// The numbers that a script compares with those of the file.
static void test_json(void **state) {
  struct shell *c = *state;
  struct err e = {0};
  const char *said =
      cli_expect(c, "$N plan --replay --json --trace --mode auto " FOLDER "prefetch.json", 0, "");
  json_t *found = json_parse(said, strlen(said), &e);
  const json_t *busy = json_object_get(found, "busy_ms"), *trace = json_object_get(found, "trace");
  assert_non_null(found);
  assert_string_equal(json_string_value(json_object_get(found, "mode")), "auto");
  assert_true(json_number_value(json_object_get(found, "total_ms")) == 74);
  assert_true(json_number_value(json_object_get(found, "accuracy")) == 1);
  assert_true(json_number_value(json_object_get(busy, "cpu")) ==
              json_number_value(json_object_get(found, "bound_ms")));
  assert_int_equal(json_array_size(trace), 53);
  assert_int_equal(json_array_size(json_array_get(trace, 52)), 6);
  json_decref(found);
  cli_expect(c, "$N plan --replay --json --mode compat " FOLDER "demo.json", 0,
             "\"left_bytes\":1.0,\"left\":[[\"D\",\"pass_grad\",[3,4]]]}\n");
}

static void test_refused(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N plan --replay " FOLDER "limit.json", 1,
             "nngen: " FOLDER
             "limit.json: refused: limit at 18 ms, B: allocate output: 64 bytes of "
             "56\n");
  cli_expect(c, "$N plan --replay --json --mode auto " FOLDER "limit.json 2>$D/e", 1,
             "{\"plan\":\"limit\",\"mode\":\"auto\",\"refused\":\"deadlock\",\"at_ms\":14.0,"
             "\"operator\":\"B\",\"why\":\"forward needs 20 more, 48 of 56 in use\"}\n");
  cli_expect(c, "$N plan --replay -t --mode compat " FOLDER "concat-order.json", 1,
             "refused: not ready at 104.5 ms, C");
}

static void test_cases(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N plan --replay " FOLDER "demo-errors.json", 0,
             "  17  allocated twice\n      refused: state at 60 ms, B: B.output[0]\n");
  const char *said =
      cli_expect(c, "$N plan --replay --json --mode compat " FOLDER "demo-errors.json", 0, "");
  struct err e = {0};
  json_t *found = json_parse(said, strlen(said), &e);
  const json_t *cases = json_object_get(found, "cases");
  assert_int_equal(json_array_size(cases), 30);
  assert_true(json_is_null(json_object_get(json_array_get(cases, 0), "at_ms")));
  json_decref(found);
}

static void test_words(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N plan --replay --mode quick " FOLDER "demo.json", 2,
             "--mode quick: expected compat, correct or auto");
  cli_expect(c, "$N plan --replay --sweep " FOLDER "demo.json", 2,
             "--replay plays a file of decisions: leave --sweep away");
  cli_expect(c, "$N plan --replay -p 8,3 " FOLDER "demo.json", 2, "leave --precision away");
  cli_expect(c, "$N plan --replay -o $D/f " FOLDER "demo.json", 2, "leave --output away");
  cli_expect(c, "$N plan -p 8,3 --mode auto models/mnist-mlp.bin", 2, "--mode is about --replay");
  cli_expect(c, "$N plan -p 8,3 -t models/mnist-mlp.bin", 2, "--trace is about --replay");
  cli_expect(c, "$N plan --replay $D/none.json", 1, "none.json");
  cli_expect(c, "$N plan --replay --json models/mnist-mlp.bin", 1,
             "{\"error\":\"models/mnist-mlp.bin: ");
  cli_expect(c, "$N plan --replay " FOLDER, 1, "");
  cli_expect(c, "echo '{}' >$D/p.json; $N plan --replay $D/p.json", 1,
             "p.json: format: expected \"plan fixture\" or cases of one, found \"\"");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_text), SHELL_CASE(test_json),
                                     SHELL_CASE(test_refused), SHELL_CASE(test_cases),
                                     SHELL_CASE(test_words)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
