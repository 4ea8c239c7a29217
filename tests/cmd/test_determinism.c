// SPDX-License-Identifier: Apache-2.0
// Same input, same bytes: the whole tree of a circuit, whatever surrounds the program. In
// test-deep also whatever compiler made it.
#include "lib/nngen.h"
#include "sw/base/json.h"
#include "sw/base/text.h"
#include "tests/cmd/helper_shell.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

// Two circuits, the second with tables and with its images as case statements, and what the model
// answers, into folder $O.
#define MAKE(program)                                                                              \
  program                                                                                          \
      " -q -p 8,3 -o $O/a \"$M\"/mnist-acts.bin >/dev/null && " program                            \
      " -q -p 6,2 -w 5,channel --rounding half_up --rom-style case -j 7 "                          \
      "--data synthetic:9:3 --input-mean 0.1307 --input-std 0.3081 -o $O/b \"$M\"/mnist-mlp.bin "  \
      ">/dev/null && " program " run -q -p 8,3 --data synthetic:300 -o $O/y \"$M\"/mnist-acts.bin" \
      " >/dev/null"

#define PLACES "P=$(realpath $N) M=$PWD/models && "
#define SAME "diff -r $D/first $O && echo same"

static void prepare(struct shell *c) {
  cli_expect(c, PLACES "O=$D/first && mkdir $O && " MAKE("$P") " && echo made", 0, "made");
}

// ---- surroundings

static const char *const surroundings[] = {
    "env -i",
    "env TZ=Asia/Tokyo",
    "env HOME=/nowhere TMPDIR=/nowhere TERM=dumb",
    "env OMP_NUM_THREADS=1",
    "env OMP_NUM_THREADS=7",
    "env NNGEN_KERNELS=plain",
    "env MALLOC_PERTURB_=165",
    "setarch -R",
};

static void test_surroundings(void **state) {
  struct shell *c = *state;
  prepare(c);
  for (size_t i = 0; i < sizeof surroundings / sizeof *surroundings; i++)
    cli_expect(c,
               arena_printf(&c->arena, PLACES "O=$D/o%zu && mkdir $O && " MAKE("%s $P") " && " SAME,
                            i, surroundings[i], surroundings[i], surroundings[i]),
               0, "same");
}

static void test_folders(void **state) {
  struct shell *c = *state;
  prepare(c);
  cli_expect(c,
             PLACES "mkdir \"$D/a b\" && cd \"$D/a b\" && umask 077 && mkdir ü && O=ü && "
                    "ln -s $M \"the models\" && M='the models' && " MAKE("$P") " && " SAME,
             0, "same");
}

// A German locale, made here, so that it is there for sure: numbers have a comma in it.
#define LOCALE                                                                                     \
  "mkdir -p $D/locale && localedef -i de_DE -f UTF-8 $D/locale/de_DE.UTF-8 && "                    \
  "export LOCPATH=$D/locale LC_ALL=de_DE.UTF-8 && "

static void test_locale(void **state) {
  struct shell *c = *state;
  prepare(c);
  cli_expect(c, LOCALE "env printf '%.1f\\n' 0,5", 0, "0,5");
  cli_expect(c, LOCALE PLACES "O=$D/german && mkdir $O && " MAKE("$P") " && " SAME, 0, "same");
}

// A program that uses the library may have set its locale itself.
static void test_locale_of_the_library(void **state) {
  struct shell *c = *state;
  struct nngen_options o = {.precision = "8,3", .input_mean = "0.5", .input_std = "0.25"};
  struct nngen_error e = {""};
  cli_expect(c, LOCALE "echo made", 0, "made");
  setenv("LOCPATH", arena_printf(&c->arena, "%s/locale", c->dir), 1);
  assert_non_null(setlocale(LC_ALL, "de_DE.UTF-8"));
  char number[16];
  snprintf(number, sizeof number, "%.1f", 0.5);
  assert_string_equal(number, "0,5");
  struct nngen *net = nngen_open("models/mnist-mlp.bin", &o, &e);
  snprintf(number, sizeof number, "%.1f", 0.5);
  setlocale(LC_ALL, "C");
  if (!net) fail_msg("%s", e.text);
  assert_string_equal(number, "0,5"); // the caller's locale is left alone
  nngen_close(net);
}

// ---- compilers

// The first word of a build: its folder.
static const char *const builds[] = {
    "o0 CC=gcc CFLAGS=-O0",
    "o3 CC=gcc 'CFLAGS=-O3 -march=native'",
    "clang CC=clang CFLAGS=-O2",
    "plain CC=clang CFLAGS=-O1",
};

static void test_compilers(void **state) {
  struct shell *c = *state;
  if (!getenv("NNGEN_TEST_DEEP")) skip();
  prepare(c);
  for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
    int word = (int)strcspn(builds[i], " ");
    cli_expect(c,
               arena_printf(&c->arena,
                            "ROOM=$B/compilers/%.*s; env -u MAKEFLAGS make -s -j2 BUILD=$ROOM%s "
                            "$ROOM/nngen >/dev/null && " PLACES "P=$(realpath $ROOM/nngen) && "
                            "O=$D/%.*s && mkdir $O && " MAKE("$P") " && " SAME,
                            word, builds[i], builds[i] + word, word, builds[i]),
               0, "same");
  }
}

// ---- the comparison sees a byte

static void test_a_difference_is_seen(void **state) {
  struct shell *c = *state;
  prepare(c);
  cli_expect(
      c, "O=$D/other && cp -r $D/first $O && sed -i '1s/$/ /' $O/a/rom/*l0*weight*.mem && " SAME, 1,
      "weight");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_surroundings), SHELL_CASE(test_folders),
      SHELL_CASE(test_locale),       SHELL_CASE(test_locale_of_the_library),
      SHELL_CASE(test_compilers),    SHELL_CASE(test_a_difference_is_seen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
