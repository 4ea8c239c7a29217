// SPDX-License-Identifier: Apache-2.0
// Files to be replayed that are no plans: each is refused with its path, the place and what was
// expected there.
#include "sw/base/file.h"
#include "sw/plan/replay_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER "tests/plan/fixtures/"

static const struct {
  const char *from, *to, *words;
} bad[] = {
    {"\"format\": \"plan fixture\"", "\"format\": \"plan\"", "format: expected \"plan fixture\""},
    {"\"version\": 1", "\"version\": 3", "version: expected 1 or 2"},
    {"\"about\"", "\"abuot\"", "unknown key \"abuot\", did you mean \"about\"?"},
    {"\"fast_bytes\": 50", "\"fast_byte\": 50", "machine: unknown key \"fast_byte\""},
    {"\"read_bytes_per_ms\": 2", "\"read_bytes_per_ms\": 0", "read_bytes_per_ms: expected"},
    {"\"read_bytes_per_ms\": 2", "\"read_bytes_per_ms\": -2", "read_bytes_per_ms: expected"},
    {"\"write_bytes_per_ms\": 1", "\"write_bytes_per_ms\": 1e400", "real number overflow"},
    {"\"write_bytes_per_ms\": 1", "\"write_bytes_per_ms\": NaN", "JSON line 1"},
    {"\"fast_bytes\": 50", "\"fast_bytes\": 9223372036854775808", "too big integer"},
    {"\"target_accuracy\": 0.8", "\"target_accuracy\": 1.5", "target_accuracy: expected 0 to 1"},
    {"\"param\":4", "\"param\":9223372036854775807",
     "operators[0] \"A\": bytes.param: expected 0 to 9007199254740992, found 9223372036854775807"},
    {"\"param\":4", "\"param\":0.5", "bytes.param: expected a whole number, found a fraction"},
    {"\"param\":4", "\"parm\":4", "bytes: unknown key \"parm\", did you mean \"param\"?"},
    {"\"in\":2", "\"in\":4294967296", "in: expected 1 to 1048576, found 4294967296"},
    {"\"in\":2", "\"in\":0", "in: expected 1 to 1048576, found 0"},
    {"\"relation\":\"all\"", "\"relation\":\"some\"",
     "unknown word \"some\", expected one of all, one"},
    {"\"from\":[\"A\"]", "\"from\":[\"Z\"]", "operators[1] \"B\": from: no operator \"Z\""},
    {"\"name\":\"B\"", "\"name\":\"A\"", "operators[1].name: \"A\" is there twice"},
    {"\"ms\":8", "\"ms\":-1", "forward.ms: expected 0 to 1000000000000000, found -1"},
    {"\"loss\":0.05", "\"loss\":[0.1]", "loss: expected a number, or one for each of 2 channels"},
    {"[0,\"load\",\"A\",\"input\"", "[0,\"fetch\",\"A\",\"input\"",
     "decisions[0]: action: unknown word \"fetch\", expected one of forward, backward, optimize, "
     "again, load"},
    {"[24,\"forward\",\"A\"", "[24,\"again\",\"A\"",
     "decisions[3]: action: again is of version 2, the file has \"version\": 1"},
    {"[0,\"load\",\"A\",\"input\"", "[0,\"load\",\"Q\",\"input\"",
     "decisions[0]: operator: no operator \"Q\""},
    {"[0,\"load\",\"A\",\"input\"", "[0,\"load\",\"A\",\"bias\"",
     "decisions[0]: block: unknown word \"bias\""},
    {"[0,\"load\",\"A\",\"input\"", "[0,\"load\",\"A\",null",
     "decisions[0]: block: expected a word, found null"},
    {"[0,\"load\",\"A\"", "[null,\"load\",\"A\"",
     "decisions[0]: ms: expected a number, found null"},
    {"[0,\"load\",\"A\"", "[1e300,\"load\",\"A\"",
     "decisions[0]: ms: expected 0 to 1000000000000000"},
    {"\"input\",[0,2]", "\"input\",[0,3]", "decisions[0]: channels: expected 0 to 2, found 3"},
    {"\"input\",[0,2]", "\"input\",[1,2,0,1]",
     "channels: expected ranges in order, found 0 behind 2"},
    {"\"input\",[0,2]", "\"input\",[1,1]", "channels: expected ranges in order, found 1 behind 1"},
    {"\"input\",[0,2]", "\"input\",[0]", "channels: expected [begin, end, ..], found 1 numbers"},
    {"\"input\",[0,2]", "\"input\",[]", "channels: expected [begin, end, ..], found 0 numbers"},
    {"[24,\"forward\",\"A\",null", "[24,\"forward\",\"A\",\"param\"",
     "decisions[3]: block: expected null for forward"},
    {"\"decisions\":[", "\"decisions\":{},\"expect\":[", "duplicate object key"},
    {"\"operators\":[", "\"operators_from\":\"../demo.json\",\"expect\":[",
     "duplicate object key"}};

static const char *read_refused(struct arena *a, const char *text) {
  const char *path = arena_printf(a, "%s/replay-%ld.json", file_scratch(), (long)getpid());
  struct err e = {0};
  struct replay_file f;
  assert_true(file_write(path, text, strlen(text), &e));
  bool read = replay_read(a, path, &f, &e);
  remove(path);
  if (read) return "";
  assert_non_null(strstr(e.text, path));
  return arena_strdup(a, e.text);
}

static const char *changed(struct arena *a, const char *text, const char *from, const char *to) {
  const char *at = strstr(text, from);
  if (!at) fail_msg("%s isn't there", from);
  return arena_printf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static const char *demo_text(struct arena *a) {
  struct bytes b;
  struct err e = {0};
  assert_true(file_read(a, FOLDER "demo.json", 1 << 20, &b, &e));
  return arena_printf(a, "%.*s", (int)b.size, (const char *)b.data);
}

static void bad_files_are_refused(void **state) {
  (void)state;
  struct arena a = {0};
  const char *demo = demo_text(&a);
  assert_string_equal(read_refused(&a, demo), "");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const char *said = read_refused(&a, changed(&a, demo, bad[i].from, bad[i].to));
    if (!strstr(said, bad[i].words)) fail_msg("%s: expected %s", said, bad[i].words);
  }
  arena_free(&a);
}

static void bad_cases_are_refused(void **state) {
  (void)state;
  struct arena a = {0};
#define CASES "{\"format\":\"plan fixture cases\",\"version\":1,\"base\":"
  static const struct {
    const char *text, *words;
  } files_of_cases[] = {
      {CASES "\"../demo.json\",\"cases\":[{\"about\":\"\"}]}", "base: expected the name of a file"},
      {CASES "\"none.json\",\"cases\":[{\"about\":\"\"}]}", "none.json"},
      {CASES "\"demo.json\",\"cases\":[]}", "cases: expected a list of 1 to 4096"},
      {"{\"format\":\"plan fixture\",\"version\":1,\"operators_from\":\"a/b\"}",
       "operators_from: expected the name of a file beside it"}};
  for (size_t i = 0; i < sizeof files_of_cases / sizeof *files_of_cases; i++) {
    const char *said = read_refused(&a, files_of_cases[i].text);
    if (!strstr(said, files_of_cases[i].words))
      fail_msg("%s: expected %s", said, files_of_cases[i].words);
  }
  arena_free(&a);
}

// A plan whose decisions would touch more channels than anybody waits for.
static void large_plans_are_refused(void **state) {
  (void)state;
  struct arena a = {0};
  struct text t = {0};
  text_puts(
      &t, "{\"format\":\"plan fixture\",\"version\":1,\"name\":\"\",\"machine\":{\"fast_bytes\":1,"
          "\"read_bytes_per_ms\":1,\"write_bytes_per_ms\":1},\"target_accuracy\":0,\"operators\":["
          "{\"name\":\"A\",\"from\":[],\"relation\":\"all\",\"in\":500000,\"out\":500000,\"bytes\":"
          "{\"param\":0,\"input\":0,\"output\":0,\"grad\":0,\"pass_grad\":0},\"forward\":{\"ms\":0,"
          "\"extra\":0},\"backward\":{\"ms\":0,\"extra\":0},\"optimize\":{\"ms\":0},\"loss\":0}],"
          "\"decisions\":[");
  for (int i = 0; i < 5000; i++)
    text_printf(&t, "[0,\"forward\",\"A\",null,[%d,%d]],", 100 * i, 100 * (i + 1));
  text_puts(&t, "[0,\"prune\",\"A\",null,[0,500000]]]}");
  const char *path = arena_printf(&a, "%s/replay-%ld.json", file_scratch(), (long)getpid());
  struct err e = {0};
  struct replay_file f;
  struct replay_result r;
  assert_true(file_write(path, t.data, t.size, &e));
  assert_true(replay_read(&a, path, &f, &e));
  remove(path);
  assert_false(replay_run(&a, f.plans, &replay_modes[2], &r, &e));
  assert_non_null(strstr(e.text, "touch more than"));
  text_free(&t);
  arena_free(&a);
}

// ---- networks that are none

static void refused_with(struct replay_plan *p, const char *rule, const char *op) {
  struct arena a = {0};
  struct err e = {0};
  struct replay_result r;
  for (int m = 0; m < REPLAY_MODES; m++) {
    assert_true(replay_run(&a, p, &replay_modes[m], &r, &e));
    assert_non_null(r.refused);
    assert_string_equal(r.refused, rule);
    assert_true(op ? r.op && strcmp(r.op, op) == 0 : !r.op);
  }
  arena_free(&a);
}

static void bad_networks_are_refused(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct replay_file f;
  assert_true(replay_read(&a, FOLDER "demo.json", &f, &e));
  struct replay_plan *p = f.plans;
  struct replay_operator *o = arena_copy(&a, p->operators, p->n_operators * sizeof *o);
  struct replay_operator *good = arena_copy(&a, o, p->n_operators * sizeof *o);
  const uint32_t c = 2;
  p->operators = o;
  o[3].in = 6; // of 3 + 2 that come
  refused_with(p, "channels", "D");
  o[3] = good[3];
  o[1].one = true; // 2 to 3 channels
  refused_with(p, "channels", "B");
  o[1] = good[1];
  o[0].n_from = 1; // A reads C, which reads A
  o[0].from = &c;
  refused_with(p, "cycle", NULL);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_files_are_refused), cmocka_unit_test(bad_cases_are_refused),
      cmocka_unit_test(large_plans_are_refused), cmocka_unit_test(bad_networks_are_refused)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
