// SPDX-License-Identifier: Apache-2.0
#include "tests/cmd/helper_shell.h"

#include "sw/base/file.h"
#include "sw/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

// Runs a line behind some assignments of variables.
static struct outcome run(struct arena *a, const char *variables, const char *line) {
  FILE *f = popen(arena_printf(a, "%s; { %s\n} 2>&1", variables, line), "r");
  assert_non_null(f);
  struct text said = {0};
  char part[4096];
  for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;) text_put(&said, part, n);
  struct outcome o = {0, arena_strdup(a, said.size ? said.data : "")};
  text_free(&said);
  int status = pclose(f);
  assert_true(WIFEXITED(status));
  o.status = WEXITSTATUS(status);
  return o;
}

static void check(const struct outcome *o, const char *line, int status, const char *words) {
  if (o->status != status || !strstr(o->text, words))
    fail_msg("%s\nexpected %d \"%s\"\ngot %d \"%s\"", line, status, words, o->status, o->text);
}

const char *shell_expect(struct arena *a, const char *rtl, const char *out, const char *line,
                         int status, const char *words) {
  struct outcome o = run(a, arena_printf(a, "RTL=%s OUT=%s", rtl, out), line);
  check(&o, line, status, words);
  return o.text;
}

int shell_setup(void **state) {
  struct shell *s = calloc(1, sizeof *s);
  snprintf(s->dir, sizeof s->dir, "%s/nngen-test-XXXXXX", file_scratch());
  *state = s;
  return mkdtemp(s->dir) ? 0 : -1;
}

int shell_teardown(void **state) {
  struct shell *s = *state;
  int status = system(arena_printf(&s->arena, "rm -rf %s", s->dir));
  arena_free(&s->arena);
  free(s);
  return status;
}

struct outcome cli_run(struct shell *s, const char *line) {
  const char *program = getenv("NNGEN") ? getenv("NNGEN") : "build/nngen";
  return run(&s->arena, arena_printf(&s->arena, "N=%s; B=$(dirname $N); D=%s", program, s->dir),
             line);
}

const char *cli_expect(struct shell *s, const char *line, int status, const char *words) {
  struct outcome o = cli_run(s, line);
  check(&o, line, status, words);
  return o.text;
}
