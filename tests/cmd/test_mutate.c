// SPDX-License-Identifier: Apache-2.0
// scripts/mutate on a small project of its own: mutants that no test kills are told and fail the
// run, equivalent ones don't count, and an entry that names no mutant is refused.
#include "tests/cmd/helper_shell.h"

#define MUTATE "env -u MAKEFLAGS scripts/mutate -r $D"

// clamp's lower bound is tested in full, its upper one as far as `checks` goes.
static void project(struct shell *s, const char *checks) {
  cli_expect(s,
             arena_printf(&s->arena,
                          "mkdir -p $D/tests/mutants && cd $D &&"
                          "printf 'int clamp(int v);\n"
                          "int clamp(int v) {\n"
                          "  if (v < 3) return 3;\n"
                          "  return v > 9 ? 9 : v;\n"
                          "}\n' >clamp.c &&"
                          "printf 'int clamp(int v);\n"
                          "int main(void) { return !(%s); }\n' >tests/test_clamp.c &&"
                          "printf 'build/tests/test_%%%%: build/%%%%.o tests/test_%%%%.c\n"
                          "\tcc -o $@ $^\n"
                          "build/%%%%.o: %%%%.c\n"
                          "\tmkdir -p build/tests && cc -c -o $@ $<\n' >Makefile &&"
                          "echo 'clamp.c | 90 | test_clamp' >tests/mutants/files &&"
                          ": >tests/mutants/equivalent; echo made",
                          checks),
             0, "made");
}

#define LOW "clamp(2) == 3 && clamp(3) == 3 && clamp(4) == 4 && clamp(9) == 9"
#define HIGH " && clamp(10) == 9 && clamp(12) == 9"

static void test_survivors(void **state) {
  project(*state, LOW);
  cli_expect(*state, MUTATE, 1,
             "survives: clamp.c:4 return v > 9 ? 9 : v; ==> return v > 10 ? 9 : v;");
  cli_expect(*state, MUTATE " | tail -n 1", 0, "8 tried   3 killed  0 the same  37 %");
}

static void test_equivalents(void **state) {
  struct shell *s = *state;
  project(s, LOW HIGH);
  cli_expect(s, MUTATE, 1, "==> return v >= 9 ? 9 : v;");
  cli_expect(s,
             "printf '# bounds\n\nclamp.c\n  if (v < 3) return 3; ==> if (v <= 3) return 3;\n"
             "    a bound gives itself\n  if (v < 3) return 3; ==> if (v < 4) return 3;\n"
             "    the same\n  return v > 9 ? 9 : v; ==> return v >= 9 ? 9 : v;\n"
             "    the same\n' >$D/tests/mutants/equivalent; " MUTATE,
             0, "5 killed  3 the same 100 %");
  // a sample is the same in every run
  cli_expect(s, MUTATE " -n 3 -s 7 >$D/a; " MUTATE " -n 3 -s 7 | diff - $D/a && cat $D/a", 0,
             "1 tried   1 killed  2 the same");
}

// Two files, each by one of two jobs, in one table.
static void test_two_files(void **state) {
  struct shell *s = *state;
  project(s, LOW HIGH);
  cli_expect(s,
             "cd $D && sed s/clamp/limit/g clamp.c >limit.c &&"
             " sed s/clamp/limit/g tests/test_clamp.c >tests/test_limit.c &&"
             " echo 'limit.c | 50 | test_limit' >>tests/mutants/files; echo made",
             0, "made");
  cli_expect(s, MUTATE " 2>&1 | tail -n 2 | tr -s ' ' | cut -d ' ' -f 2,5-8", 0,
             "clamp.c 8 tried 5 killed\nlimit.c 8 tried 5 killed\n");
}

static void test_refusals(void **state) {
  struct shell *s = *state;
  project(s, LOW HIGH);
  cli_expect(s,
             "printf 'clamp.c\n  return v; ==> return 0;\n' >$D/tests/mutants/equivalent; " MUTATE,
             1, "tests/mutants/equivalent: clamp.c has no mutant \"return v; ==> return 0;\"");
  cli_expect(s, ": >$D/tests/mutants/equivalent; " MUTATE " other.c", 1,
             "other.c isn't in tests/mutants/files");
  project(s, LOW " && clamp(3) == 4");
  cli_expect(s, MUTATE, 1, "clamp.c: its tests fail without a mutant");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_survivors), SHELL_CASE(test_equivalents),
                                     SHELL_CASE(test_two_files), SHELL_CASE(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
