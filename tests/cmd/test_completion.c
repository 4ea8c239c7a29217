// SPDX-License-Identifier: Apache-2.0
// What the program says about itself to other programs: the manual page and the shells'
// completions.
#include "tests/cmd/helper_shell.h"

#include <stdio.h>
#include <string.h>

// Every option of every command stands in its part of the manual page, and no other; roff reads the
// page without a warning.
#define COMPARE_MANUAL(filter)                                                                     \
  "$N manual | sed 's/\\\\f[BIR]//g; s/\\\\//g' | " filter " >$D/plain;"                           \
  "for c in $($N --help | sed -n 's/^  \\([a-z]*\\)  .*/\\1/p'); do"                               \
  "  $N help $c | sed -n 's/^  ....--\\([a-z-]*\\).*/\\1/p' >$D/help;"                             \
  "  sed -n \"/SS nngen $c/,/^.S[SH] /p\" $D/plain |"                                              \
  "    sed -n 's/^\\(-., \\)\\{0,1\\}--\\([a-z-]*\\).*/\\2/p' >$D/page;"                           \
  "  diff $D/page $D/help >$D/diff || { echo $c; cat $D/diff; exit 1; };"                          \
  "  [ -s $D/page ] || exit 1;"                                                                    \
  "done; cat $D/plain"
static void test_manual(void **state) {
  cli_expect(*state, COMPARE_MANUAL("cat"), 0, "saturate symmetric wrap zero");
  cli_expect(*state, COMPARE_MANUAL("sed '/^--stall/d; /^-s/d'"), 1, "sim\n");
  struct outcome o = cli_run(*state, "command -v groff >/dev/null || exit 0;"
                                     "$N manual | groff -man -Tascii -ww -z");
  assert_string_equal(o.text, "");
}

// What bash offers for a line: its words, the cursor behind the last.
static void offers(struct shell *s, const char *line, const char *expected) {
  struct outcome o = cli_run(
      s, arena_printf(&s->arena,
                      "export D; $N completion bash >$D/bash; bash -c '. $D/bash; compopt() { :; };"
                      "COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _nngen;"
                      "echo \"${COMPREPLY[*]}\"'",
                      line));
  if (strcmp(o.text, expected) != 0)
    fail_msg("%s: \"%s\", expected \"%s\"", line, o.text, expected);
}

static void test_completion(void **state) {
  struct shell *s = *state;
  offers(s, "nngen do", "docs doctor\n");
  offers(s, "nngen sim --st", "--stall\n");
  offers(s, "nngen sim --stall random", "random10 random50 random90\n");
  offers(s, "nngen run --st", "\n");
  offers(s, "nngen --rounding half_e", "half_even\n");
  offers(s, "nngen run --formats LICEN", "LICENSE\n");
  offers(s, "nngen completion z", "zsh\n");
  offers(s, "nngen help inf", "info\n");
  cli_expect(s,
             "command -v zsh >/dev/null && { $N completion zsh >$D/z && zsh -n $D/z || exit 1; };"
             "command -v fish >/dev/null && { $N completion fish >$D/f && fish -n $D/f || exit 1;"
             " }; echo parsed",
             0, "parsed");
  cli_expect(s, "$N completion csh", 2, "expected bash, zsh or fish");
  cli_expect(s, "$N completion", 2, "completion needs an argument: SHELL");
  cli_expect(s, "$N doctor me", 2, "doctor takes no argument");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_manual), SHELL_CASE(test_completion)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
