// SPDX-License-Identifier: Apache-2.0
// The corpus of the fuzz targets, among it every input that ever broke one, through the same
// targets without libFuzzer. (`make fuzz` looks for new ones.)
#include "tests/cmd/helper_shell.h"

#include <stdlib.h>

static const char *const targets[] = {"model",  "graph",  "folding", "formats", "idx",
                                      "images", "folder", "tflite",  "state",   "onnx",
                                      "keras",  "space",  "journal"};
enum { TARGETS = sizeof targets / sizeof *targets };

static void test_corpus(void **state) {
  struct shell *c = *state;
  for (int i = 0; i < TARGETS; i++)
    cli_expect(c,
               arena_printf(&c->arena, "$B/tests/fuzz/replay_%s tests/fuzz/corpus/%s/*", targets[i],
                            targets[i]),
               0, " inputs");
}

// Every part of every small graph, changed in every way; training graphs, which are larger, in
// depth.
static void test_every_part(void **state) {
  struct shell *c = *state;
  struct outcome o = cli_run(c, getenv("NNGEN_TEST_DEEP")
                                    ? "$B/tests/fuzz/walk tests/fuzz/corpus/graph/*"
                                    : "$B/tests/fuzz/walk $(ls -d tests/fuzz/corpus/graph/* | "
                                      "grep -v /train_)");
  print_message("%s", o.text);
  if (o.status || atol(o.text) < 10000) fail_msg("%s", o.text);
}

// With the fault put back that an input of the corpus once found, it is found again.
static void test_an_old_fault_is_seen(void **state) {
  struct shell *c = *state;
#ifdef __SANITIZE_ADDRESS__
  skip(); // built without the sanitizers
#endif
  cli_expect(c,
             "sed 's/set_new_nocheck/set_new/' sw/base/json.c >$D/json.c && "
             "${CC:-cc} -std=c11 -D_GNU_SOURCE -I. -c -o $D/json.o $D/json.c && "
             "${CC:-cc} $LDFLAGS -o $D/replay $B/tests/fuzz/fuzz_folder.o $B/tests/fuzz/use.o "
             "$B/tests/fuzz/replay.o $D/json.o $B/libnngen.a $(cat $B/libnngen.libs) && "
             "$D/replay tests/fuzz/corpus/folder/*",
             1, "out of memory");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_corpus), SHELL_CASE(test_every_part),
                                     SHELL_CASE(test_an_old_fault_is_seen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
