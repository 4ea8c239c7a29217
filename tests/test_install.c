// SPDX-License-Identifier: Apache-2.0
// What `make install` and `make deb` put into a system works there without the source tree: the
// program, the library with its header and example, the manual page, the shells' completions.
#include "tests/helper_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTALL "env -u MAKEFLAGS make --no-print-directory -s install BUILD=$B PREFIX=$D/usr && "
#define IMAGES "usr/share/nngen/data/mnist-1000/t10k-1000-images-idx3-ubyte.gz "
#define LABELS "usr/share/nngen/data/mnist-1000/t10k-1000-labels-idx1-ubyte.gz"

// The example, compiled as its first lines say.
static void test_example(void **state) {
  cli_expect(*state,
             INSTALL "cd $D && export PKG_CONFIG_PATH=usr/lib/pkgconfig LD_LIBRARY_PATH=usr/lib;"
                     "cc -std=c99 -Wall -Werror -pedantic -o classify"
                     " usr/share/doc/nngen/examples/example.c"
                     " $(pkg-config --cflags --libs nngen) -lz &&"
                     "./classify usr/share/nngen/models/mnist-mlp.bin " IMAGES LABELS,
             0, "977 of 1000 correct");
  cli_expect(*state, "cd $D && LD_LIBRARY_PATH=usr/lib ./classify none.bin " IMAGES LABELS, 1,
             "none.bin");
  // the header is C++ too, and nothing but its names is visible
  cli_expect(*state, "g++ -fsyntax-only -Wall -Werror -x c++ $D/usr/include/nngen.h && echo good",
             0, "good");
  cli_expect(*state, "nm -D --defined-only $D/usr/lib/libnngen.so | grep -v ' T nngen_'", 1, "");
  cli_expect(*state,
             "nm -D --defined-only $D/usr/lib/libnngen.so | sed 's/.* //' | sort >$D/has;"
             "grep -o 'nngen_[a-z_]*(' sw/lib/nngen.h | tr -d '(' | sort -u >$D/wanted;"
             "sed -i '/^$/d' $D/wanted; diff $D/has $D/wanted && echo equal",
             0, "equal");
}

// From another folder, with nothing of the build.
static void test_program(void **state) {
  cli_expect(*state,
             INSTALL "cd $D && usr/bin/nngen -q -p 8,3 usr/share/nngen/models/mnist-mlp.bin &&"
                     "(cd rtl && sha256sum --quiet -c SHA256SUMS) && usr/bin/nngen run rtl",
             0, "97.70 %");
}

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

static void test_deb(void **state) {
  cli_expect(*state, "command -v dpkg-shlibdeps >/dev/null || exit 3; echo there", 0, "there");
  cli_expect(
      *state,
      "export SOURCE_DATE_EPOCH=1; env -u MAKEFLAGS scripts/deb $D && cp $D/*.deb $D/first &&"
      "env -u MAKEFLAGS scripts/deb $D && cmp $D/*.deb $D/first && echo same bytes",
      0, "same bytes");
  cli_expect(*state, "dpkg-deb -x $D/*.deb $D/x && grep -rl \"$PWD\" $D/x", 1, "");
  // the version is one everywhere
  cli_expect(
      *state,
      "v=$($N --version | cut -d ' ' -f 2); grep -q \"^## $v$\" docs/changes.md &&"
      "dpkg-deb -f $D/*.deb Version | grep -x $v && zcat $D/x/usr/share/doc/nngen/changelog.gz |"
      "grep \"nngen ($v)\" && grep \"Version: $v$\" $D/x/usr/lib/*/pkgconfig/nngen.pc",
      0, "Version: ");
  cli_expect(*state, "dpkg-deb -f $D/*.deb Depends", 0, "libjansson4");
  cli_expect(*state,
             "cd $D && x/usr/bin/nngen run -q -p 8,3 x/usr/share/nngen/models/mnist-mlp.bin", 0,
             "97.70 %");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_example),    SHELL_CASE(test_program), SHELL_CASE(test_manual),
      SHELL_CASE(test_completion), SHELL_CASE(test_deb),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
