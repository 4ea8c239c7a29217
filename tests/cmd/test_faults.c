// SPDX-License-Identifier: Apache-2.0
// Every allocation, every call that opens, reads, writes or changes files or starts something fails
// once: the program ends with a message and 1, the output folder is the old one or the new one,
// whole, and nothing else is left, or the message names it. The same for SIGKILL in the place of
// the failure, after which files may be left, but never in the folder's name. In `make test` at
// most FEW places of each kind, in test-deep all.
#include "gen/folder.h"
#include "sw/base/file.h"
#include "tests/cmd/helper_hostile.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FEW = 12, ARGUMENTS = 32 };

static const char *const kinds[] = {"malloc", "open", "read",  "write",
                                    "change", "sync", "start", "stream"};
enum { KINDS = sizeof kinds / sizeof *kinds };

// ---- one run of the program under the shim

struct attempt {
  int status; // as waitpid gives it
  char *said; // stderr
};

static bool is_deep(void) {
  return getenv("NNGEN_TEST_DEEP") != NULL;
}

static const char *program(void) {
  return getenv("NNGEN") ? getenv("NNGEN") : "build/nngen";
}

// A word with the scratch folder in the place of each $D.
static const char *expanded(struct shell *c, const char *word) {
  const char *at = strstr(word, "$D");
  if (!at) return word;
  return expanded(c, arena_printf(&c->arena, "%.*s%s%s", (int)(at - word), word, c->dir, at + 2));
}

// Splits words at spaces.
static void split(struct shell *c, const char *line, const char **argv) {
  char *rest = arena_strdup(&c->arena, line);
  int n = 0;
  argv[n++] = program();
  for (char *word; (word = strsep(&rest, " ")) && n < ARGUMENTS - 1;) argv[n++] = expanded(c, word);
  argv[n] = NULL;
}

extern char **environ;

static char **environment_with(struct shell *c, const char *fault) {
  int n = 0;
  while (environ[n]) n++;
  char **all = ARENA_NEW(&c->arena, char *, n + 4);
  memcpy(all, environ, (size_t)n * sizeof *all);
  all[n++] = arena_printf(&c->arena, "LD_PRELOAD=%s/fault.so", c->dir);
  all[n++] = arena_printf(&c->arena, "NNGEN_FAULT=%s", fault);
  all[n] = arena_printf(&c->arena, "NNGEN_FAULT_COUNT=%s/.count", c->dir);
  return all;
}

static struct attempt attempt(struct shell *c, const char *line, const char *fault) {
  const char *argv[ARGUMENTS], *log = arena_printf(&c->arena, "%s/.log", c->dir);
  posix_spawn_file_actions_t files;
  struct attempt a = {0};
  struct bytes said;
  struct err e = {0};
  pid_t pid;
  split(c, line, argv);
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  assert_int_equal(posix_spawn(&pid, argv[0], &files, NULL, (char *const *)(uintptr_t)argv,
                               environment_with(c, fault)),
                   0);
  posix_spawn_file_actions_destroy(&files);
  assert_int_equal(waitpid(pid, &a.status, 0), pid);
  if (!file_read(&c->arena, log, 1 << 20, &said, &e)) fail_msg("%s", e.text);
  a.said = (char *)said.data;
  return a;
}

// How many calls of a kind an undisturbed run makes.
static long calls_of(struct shell *c, const char *kind) {
  long n = -1;
  char word[16];
  FILE *f = fopen(arena_printf(&c->arena, "%s/.count", c->dir), "r");
  assert_non_null(f);
  for (long k; fscanf(f, "%15s %ld", word, &k) == 2;)
    if (strcmp(word, kind) == 0) n = k;
  fclose(f);
  return n;
}

// ---- what may be left

static int entries(const char *dir) {
  DIR *d = opendir(dir);
  int n = 0;
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
  closedir(d);
  return n;
}

static char *sums_of(struct shell *c, const char *folder) {
  struct bytes bytes;
  struct err e = {0};
  const char *path = arena_printf(&c->arena, "%s/%s/SHA256SUMS", c->dir, folder);
  if (!file_read(&c->arena, path, 1 << 20, &bytes, &e)) fail_msg("%s", e.text);
  return (char *)bytes.data;
}

// $D/rtl is whole, and equal to $D/old or $D/new; then it is the old one again. What is wrong.
static const char *wrong_folder(struct shell *c) {
  struct err e = {0};
  const char *folder = arena_printf(&c->arena, "%s/rtl", c->dir), *sums = sums_of(c, "rtl");
  if (!folder_check(folder, &e)) return arena_strdup(&c->arena, e.text);
  if (strcmp(sums, sums_of(c, "old")) == 0) return NULL;
  if (strcmp(sums, sums_of(c, "new")) != 0) return "neither the old folder nor the new one";
  cli_expect(c, "rm -rf $D/rtl && cp -r $D/old $D/rtl", 0, "");
  return NULL;
}

// A message and 1, or a fault that the program can do without.
static const char *wrong_end(const struct attempt *a) {
  int status = WIFEXITED(a->status) ? WEXITSTATUS(a->status) : -1;
  if (status == 0 && !a->said[0]) return NULL;
  if (!hostile_is_clean(a->said)) return "its message isn't text";
  return status == 1 && a->said[0] ? NULL : "it didn't end with a message and 1";
}

// ---- all places

static void prepare(struct shell *c) {
#ifdef __SANITIZE_ADDRESS__
  skip(); // it wants to be loaded before the shim
#endif
  cli_expect(c,
             "${CC:-cc} -O1 -D_GNU_SOURCE -shared -fPIC -o $D/fault.so tests/fault/shim.c -ldl && "
             "echo made",
             0, "made");
  hostile_model(c, "m.bin", "plain ", "", "");
  hostile_images(c, "x.idx");
  hostile_put(c, "folding",
              "{\"defaults\":{\"parallelism\":2},\"layers\":{\"plain L\":{\"in\":4}}}");
  hostile_put(c, "formats", "{\"defaults\":{\"stream\":\"8,3\",\"weight\":\"8,auto\"}}");
  cli_expect(c,
             "$N -q --formats $D/formats --folding $D/folding --data $D/x.idx -o $D/new $D/m.bin "
             ">/dev/null && "
             "$N -q -p 6,3 -j 1 -o $D/old $D/m.bin >/dev/null && cp -r $D/old $D/rtl && echo made",
             0, "made");
}

// The first thing that is wrong after a fault; NULL: nothing. `left` is how many entries $D has.
static const char *wrong_after(struct shell *c, const char *line, const char *fault, int left) {
  struct attempt a = attempt(c, line, fault);
  if (strstr(fault, ":kill"))
    return WIFSIGNALED(a.status) && WTERMSIG(a.status) == SIGKILL ? wrong_folder(c) : "no signal";
  const char *wrong = wrong_end(&a);
  if (!wrong) wrong = wrong_folder(c);
  if (strstr(a.said, "can't be removed")) cli_expect(c, "rm -r $D/rtl.?*", 0, "");
  return wrong ? wrong : entries(c->dir) != left ? "files are left" : NULL;
}

// Fails `line` in its calls of one kind, in all places or in FEW. The number of runs.
static long every_place(struct shell *c, const char *line, const char *kind, const char *how) {
  assert_int_equal(attempt(c, line, "none:1").status, 0);
  int left = entries(c->dir);
  long calls = calls_of(c, kind), runs = 0, step = is_deep() || calls <= FEW ? 1 : calls / FEW;
  for (long n = 1; n <= calls; n += step, runs++) {
    const char *fault = arena_printf(&c->arena, "%s:%ld%s", kind, n, how);
    const char *wrong = wrong_after(c, line, fault, left);
    if (wrong) fail_msg("%s of %s: %s", fault, line, wrong);
  }
  return runs;
}

#define GENERATE "-q --formats $D/formats --folding $D/folding --data $D/x.idx -o $D/rtl $D/m.bin"

static void test_generate(void **state) {
  struct shell *c = *state;
  prepare(c);
  for (int k = 0; k < KINDS; k++)
    printf("generate, %s: %ld faults\n", kinds[k], every_place(c, GENERATE, kinds[k], ""));
}

// Where names can't be exchanged, the old folder steps aside and comes back if the new one can't
// take its place.
static void test_without_exchange(void **state) {
  struct shell *c = *state;
  prepare(c);
  setenv("NNGEN_FAULT_EXCHANGE", "none", 1);
  assert_int_equal(attempt(c, GENERATE, "none:1").status, 0);
  assert_null(wrong_folder(c));
  int left = entries(c->dir);
  long calls = calls_of(c, "change");
  for (long n = 1; n <= calls; n++) {
    const char *fault = arena_printf(&c->arena, "change:%ld", n);
    const char *wrong = wrong_after(c, GENERATE, fault, left);
    if (wrong) fail_msg("%s without exchange: %s", fault, wrong);
  }
  unsetenv("NNGEN_FAULT_EXCHANGE");
  printf("generate without exchange: %ld faults\n", calls);
}

static void test_killed(void **state) {
  static const char *const changing[] = {"open", "write", "change"};
  struct shell *c = *state;
  prepare(c);
  for (size_t k = 0; k < sizeof changing / sizeof *changing; k++)
    printf("generate, SIGKILL in %s: %ld runs\n", changing[k],
           every_place(c, GENERATE, changing[k], ":kill"));
}

static void test_readers(void **state) {
  static const char *const lines[] = {
      "info -q -p 8,3 $D/m.bin", "run -q --formats $D/formats --data $D/x.idx -o $D/y $D/m.bin"};
  struct shell *c = *state;
  prepare(c);
  cli_expect(c, "gzip -c $D/x.idx >$D/x.gz && mv $D/x.gz $D/x.idx && : >$D/y && echo made", 0,
             "made");
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    for (int k = 0; k < KINDS; k++)
      printf("%.4s, %s: %ld faults\n", lines[i], kinds[k], every_place(c, lines[i], kinds[k], ""));
}

// ---- around a simulation

// Stand-ins for the simulators, which only say what good ones say: what sim does before, between
// and after them is left. The program that the first one makes is built anew in every run.
static void stand_in(struct shell *c) {
  hostile_put(c, "passes", "#!/bin/sh\necho PASS\nrm -f $0.stamp\n");
  hostile_put(c, "builds",
              "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = -o ] && p=$2; shift; done\n"
              "cp ${0%bin/*}passes $p\n");
  cli_expect(c,
             "chmod +x $D/passes $D/builds; mkdir $D/bin; cp $D/builds $D/bin/verilator; "
             "cp $D/builds $D/bin/iverilog; cp $D/passes $D/bin/vvp; echo made",
             0, "made");
}

static void test_simulation(void **state) {
  static const char *const lines[] = {
      "sim -q --simulator icarus --images 2 --data $D/x.idx -o $D/w $D/rtl",
      "sim -q --trace --jobs 2 --images 2 --data $D/x.idx -o $D/v $D/rtl"};
  struct shell *c = *state;
  prepare(c);
  stand_in(c);
  const char *path = arena_printf(&c->arena, "%s/bin:%s", c->dir, getenv("PATH"));
  char *before = arena_strdup(&c->arena, getenv("PATH"));
  setenv("PATH", path, 1);
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    for (int k = 0; k < KINDS; k++)
      printf("sim %zu, %s: %ld faults\n", i, kinds[k], every_place(c, lines[i], kinds[k], ""));
  // and by links in the place of paths that make doesn't understand
  printf("sim, links: %ld faults\n",
         every_place(c, "sim -q --images 2 --data $D/x.idx -o $D/v(1) $D/rtl", "change", ""));
  cli_expect(c,
             "for f in /tmp/nngen-*; do [ \"$(readlink $f/work)\" = \"$(realpath $D)/v(1)\" ] && "
             "rm -r $f && echo gone; done; true",
             0, "gone");
  setenv("PATH", before, 1);
}

// ---- training

static void test_training(void **state) {
  struct shell *c = *state;
  prepare(c);
  hostile_put(c, "net.json",
              "{\"input\":{\"shape\":[2,2,1]},\"layers\":[{\"op\":\"flatten\"},"
              "{\"op\":\"linear\",\"out\":3}]}");
  cli_expect(c, "printf '\\0\\0\\10\\1\\0\\0\\0\\4\\1\\0\\2\\0' >$D/l.idx; echo made", 0, "made");
  for (int k = 0; k < KINDS; k++)
    printf("train, %s: %ld faults\n", kinds[k],
           every_place(c,
                       "train -q --json --net $D/net.json --data $D/x.idx,$D/l.idx --epochs 2 "
                       "--batch 2 --threads 2 --log $D/log -o $D/t.bin",
                       kinds[k], ""));
}

// ---- the test sees what is half written

// A program that takes failed writes for good leaves a folder that isn't whole.
static void test_a_careless_writer_is_seen(void **state) {
  struct shell *c = *state;
#ifdef __SANITIZE_ADDRESS__
  skip(); // built without the sanitizers
#endif
  prepare(c);
  cli_expect(
      c,
      "sed 's/write_all(fd, data, size) && fsync(fd) == 0/(write_all(fd, data, size), true)/; "
      "s/bool ok = write_all(fd, data, size);/bool ok = (write_all(fd, data, size), true);/' "
      "sw/base/file.c >$D/file.c && ! cmp -s sw/base/file.c $D/file.c && "
      "${CC:-cc} -std=c11 -D_GNU_SOURCE -I. -c -o $D/file.o $D/file.c && "
      "${CC:-cc} $LDFLAGS -o $D/careless $B/cmd/*.o $D/file.o $B/libnngen.a "
      "$(cat $B/libnngen.libs) && echo made",
      0, "made");
  char *before = arena_strdup(&c->arena, program());
  setenv("NNGEN", arena_printf(&c->arena, "%s/careless", c->dir), 1);
  int seen = 0, left = entries(c->dir);
  for (int n = 1; n <= 8; n++)
    seen += wrong_after(c, GENERATE, arena_printf(&c->arena, "write:%d", n), left) != NULL;
  setenv("NNGEN", before, 1);
  assert_true(seen > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_generate),
                                     SHELL_CASE(test_without_exchange),
                                     SHELL_CASE(test_killed),
                                     SHELL_CASE(test_readers),
                                     SHELL_CASE(test_simulation),
                                     SHELL_CASE(test_training),
                                     SHELL_CASE(test_a_careless_writer_is_seen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
