// SPDX-License-Identifier: Apache-2.0
// Child processes: what they print and how they end arrives whole, whatever interrupts the reading;
// the message of one that fails is the line that tells most.
#include "sw/base/process.h"
#include "tests/cmd/helper_shell.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static bool run(const char *script, const char *cwd, const char *const *environment,
                struct text *said, struct err *e) {
  const char *const argv[] = {"/bin/sh", "-c", script, NULL};
  return process_run(argv, cwd, environment, said, e);
}

static void prints(const char *script, const char *expected) {
  struct text said = {0};
  struct err e = {0};
  if (!run(script, NULL, NULL, &said, &e)) fail_msg("%s: %s", script, e.text);
  assert_string_equal(said.data ? said.data : "", expected);
  text_free(&said);
}

static void fails(const char *script, const char *expected) {
  struct text said = {0};
  struct err e = {0};
  assert_false(run(script, NULL, NULL, &said, &e));
  assert_string_equal(e.text, expected);
  text_free(&said);
}

static void test_what_is_said(void **state) {
  (void)state;
  prints("echo out; echo err >&2", "out\nerr\n");
  prints("printf 'a\\n\\nb\\n'", "a\n\nb\n");
  prints("printf 'one\\nand no end of line'", "one\nand no end of line\n");
  prints(":", "");
  prints("wc -c", "0\n"); // nothing to read
}

static void test_how_it_ends(void **state) {
  (void)state;
  fails("echo first; exit 3", "/bin/sh failed: first");
  fails("echo first; echo an Error here; echo last; exit 1", "/bin/sh failed: an Error here");
  fails("echo Error: the reason; echo more; exit 1", "/bin/sh failed: Error: the reason");
  fails("printf 'no end of line'; exit 1", "/bin/sh failed: no end of line");
  fails("exit 1", "/bin/sh failed: ");
  fails("echo stopped; kill -9 $$", "/bin/sh failed: stopped");
}

static void test_not_started(void **state) {
  const char *const argv[] = {"there-is-no-such-program", NULL};
  struct text said = {0};
  struct err e = {0}, e2 = {0};
  (void)state;
  assert_false(process_run(argv, NULL, NULL, &said, &e));
  assert_string_equal(e.text, "there-is-no-such-program can't be started: "
                              "there-is-no-such-program: No such file or directory");
  text_free(&said);
  assert_false(run("echo never", "/there/is/no/such/folder", NULL, &said, &e2));
  assert_string_equal(e2.text, "/bin/sh can't be started: /there/is/no/such/folder: "
                               "No such file or directory");
  text_free(&said);
}

static void test_surroundings(void **state) {
  const char *const environment[] = {"NNGEN_A=1 2", "NNGEN_B=", NULL};
  struct text said = {0};
  struct err e = {0};
  (void)state;
  assert_true(run("pwd; echo \"[$NNGEN_A][$NNGEN_B]\"; ulimit -c", "/usr", environment, &said, &e));
  assert_string_equal(said.data, "/usr\n[1 2][]\n0\n");
  text_free(&said);
  assert_null(getenv("NNGEN_A"));
}

// A process may have no room for another pipe.
static void test_no_pipe(void **state) {
  struct rlimit before, none;
  struct text said = {0};
  struct err e = {0};
  (void)state;
  getrlimit(RLIMIT_NOFILE, &before);
  none = (struct rlimit){3, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  bool done = run(":", NULL, NULL, &said, &e);
  setrlimit(RLIMIT_NOFILE, &before);
  assert_false(done);
  assert_string_equal(e.text, "/bin/sh: Too many open files");
}

// ---- several at once

static void collect(void *context, int child, const char *line) {
  text_printf(&((struct text *)context)[child], "%s;", line);
}

static struct process started(const char *script) {
  const char *const argv[] = {"/bin/sh", "-c", script, NULL};
  struct process p;
  struct err e = {0};
  if (!process_start(&p, argv, NULL, NULL, &e)) fail_msg("%s", e.text);
  return p;
}

static void nothing(int signal) {
  (void)signal;
}

// Signals come every other millisecond: while output is waited for, and while the end is, of a
// child that has closed its output before.
static void interrupt_often(bool often) {
  struct itimerval every = {{0, often ? 2000 : 0}, {0, often ? 2000 : 0}};
  struct sigaction a = {.sa_handler = often ? nothing : SIG_DFL};
  if (often) assert_int_equal(sigaction(SIGALRM, &a, NULL), 0);
  assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
  if (!often) assert_int_equal(sigaction(SIGALRM, &a, NULL), 0);
}

static void test_interrupted(void **state) {
  struct text said[3] = {{0}, {0}, {0}};
  struct process list[3] = {started("sleep 0.05; echo slow; exit 5"), started("echo a; echo b"),
                            started("echo closed; exec >/dev/null 2>&1; sleep 0.1; exit 6")};
  (void)state;
  interrupt_often(true);
  process_read(list, 3, collect, said);
  interrupt_often(false);
  assert_string_equal(said[0].data, "slow;");
  assert_string_equal(said[1].data, "a;b;");
  assert_string_equal(said[2].data, "closed;");
  assert_int_equal(WEXITSTATUS(list[0].status), 5);
  assert_int_equal(WEXITSTATUS(list[1].status), 0);
  assert_int_equal(WEXITSTATUS(list[2].status), 6);
  for (int i = 0; i < 3; i++) text_free(&said[i]);
}

// An output that can't be read, as a folder can't, ends like a closed one.
static void test_unreadable(void **state) {
  struct text said = {0};
  struct process p = started("exit 7");
  (void)state;
  int folder = open("/", O_RDONLY | O_CLOEXEC);
  assert_true(folder >= 0 && dup2(folder, p.out) >= 0);
  close(folder);
  process_read(&p, 1, collect, &said);
  assert_int_equal(WEXITSTATUS(p.status), 7);
  assert_null(said.data);
}

// ---- finding programs

static void test_path(void **state) {
  struct shell *s = *state;
  const char *before = arena_strdup(&s->arena, getenv("PATH"));
  cli_expect(s, "mkdir $D/bin && echo >$D/bin/tool && echo >$D/bin/text && chmod +x $D/bin/tool", 0,
             "");
  setenv("PATH", arena_printf(&s->arena, "/nowhere:%s/bin", s->dir), 1);
  bool tool = process_exists("tool"), text = process_exists("text"), sh = process_exists("sh");
  setenv("PATH", "/nowhere::/nowhere", 1); // nothing between colons is the folder itself
  bool here = process_exists("scripts/setup"), absent = process_exists("scripts/nothing");
  unsetenv("PATH");
  bool pathless = process_exists("sh");
  setenv("PATH", before, 1);
  assert_true(tool && here);
  assert_false(text || sh || absent || pathless);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_is_said), cmocka_unit_test(test_how_it_ends),
      cmocka_unit_test(test_not_started),  cmocka_unit_test(test_surroundings),
      cmocka_unit_test(test_no_pipe),      cmocka_unit_test(test_interrupted),
      cmocka_unit_test(test_unreadable),   SHELL_CASE(test_path),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
