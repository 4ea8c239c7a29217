// SPDX-License-Identifier: Apache-2.0
// What `make install` and `make deb` put into a system works there without the source tree: the
// program, the library with its header and example.
#include "tests/cmd/helper_shell.h"

#include <stdlib.h>

#define INSTALL "env -u MAKEFLAGS make --no-print-directory -s install BUILD=$B PREFIX=$D/usr && "
#define IMAGES "usr/share/nngen/data/mnist-1000/t10k-1000-images-idx3-ubyte.gz "
#define LABELS "usr/share/nngen/data/mnist-1000/t10k-1000-labels-idx1-ubyte.gz"

// The example, compiled as its first lines say.
static void test_example(void **state) {
  cli_expect(*state,
             INSTALL "cd $D && export PKG_CONFIG_PATH=usr/lib/pkgconfig; unset LD_LIBRARY_PATH;"
                     "cc -std=c99 -Wall -Werror -pedantic -o classify"
                     " usr/share/doc/nngen/examples/example.c"
                     " $(pkg-config --cflags --libs nngen) -lz &&"
                     "./classify usr/share/nngen/models/mnist-mlp.bin " IMAGES LABELS,
             0, "978 of 1000 correct");
  cli_expect(*state, "cd $D && ./classify none.bin " IMAGES LABELS, 1, "none.bin");
  // the header is C++ too, and nothing but its names is visible
  cli_expect(*state, "g++ -fsyntax-only -Wall -Werror -x c++ $D/usr/include/nngen.h && echo good",
             0, "good");
  cli_expect(*state, "nm -D --defined-only $D/usr/lib/libnngen.so | grep -v ' T nngen_'", 1, "");
  cli_expect(*state,
             "nm -D --defined-only $D/usr/lib/libnngen.so | sed 's/.* //' | sort >$D/has;"
             "grep -o 'nngen_[a-z_]*(' lib/nngen.h | tr -d '(' | sort -u >$D/wanted;"
             "sed -i '/^$/d' $D/wanted; diff $D/has $D/wanted && echo equal",
             0, "equal");
}

// From another folder, with nothing of the build.
static void test_program(void **state) {
  cli_expect(*state,
             INSTALL
             "cd $D && usr/bin/nngen -q -p 8,3 usr/share/nngen/models/mnist-mlp.bin &&"
             "(cd rtl && sha256sum --quiet -c SHA256SUMS) && usr/bin/nngen run --images 1000 rtl",
             0, "97.80 %");
  cli_expect(
      *state,
      "cd $D && usr/bin/nngen plan -p 8,3 --machine stm32h743 usr/share/nngen/models/lenet5.bin", 0,
      "stm32h743: flash of 2097152 bytes");
  // a script that a message names is there
  cli_expect(*state,
             "cd $D && export HOME=$D NNGEN_DATA=$D; s=$(usr/bin/nngen run rtl 2>&1 | sed -n"
             " 's/.*is used; \\(.*\\) fetches all.*/\\1/p'); echo $s; test -x \"$s\" && echo there",
             0, "usr/share/nngen/scripts/get-mnist\nthere");
  cli_expect(
      *state,
      "cd / && export HOME=$D NNGEN_DATA=$D; s=$($D/usr/bin/nngen doctor | sed -n"
      " 's/.*1,000 test images *\\(.*\\) fetches all.*/\\1/p'); test -x \"$s\" && echo there",
      0, "there");
}

static void test_deb(void **state) {
  if (!getenv("NNGEN_TEST_DEEP")) skip(); // it builds anew
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
  cli_expect(
      *state,
      "cd $D && x/usr/bin/nngen run -q --images 1000 -p 8,3 x/usr/share/nngen/models/mnist-mlp.bin",
      0, "97.80 %");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_example),
      SHELL_CASE(test_program),
      SHELL_CASE(test_deb),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
