// SPDX-License-Identifier: Apache-2.0
// Nothing can be half added: rows of ops.def, columns.def and exact.def that promise what no file
// has don't compile or don't link, and names of kinds outside of their column's files are found.
#include "tests/cmd/helper_shell.h"

#define COMPILE "cc -std=c11 -D_GNU_SOURCE -I$D -I. -c -o $D/"

// The file with a line behind the row of `after`, in a folder that is looked at first.
#define WITH_ROW(file, after, row)                                                                 \
  "rm -rf $D/sw; mkdir -p $D/sw/graph; sed '/^" after "/a " row "' sw/graph/" file                 \
  " >$D/sw/graph/" file " && "

static void refused(void **state, const char *line, const char *words) {
  cli_expect(*state, line, 1, words);
}

static void test_rows(void **state) {
  refused(state,
          WITH_ROW("ops.def", "OP(relu,",
                   "OP(abs, POINTWISE, IN(1, 1), OUT(1, 1), REFS(0, 0), ATTRS(0, 0), G | R | C, "
                   "SLOPE, MAPS, EXACT(0, 0))") COMPILE "op.o sw/graph/op.c",
          "a kind with the form EXACT has no row in exact.def");
  refused(state,
          WITH_ROW("ops.def", "OP(relu,",
                   "OP(abs, POINTWISE, IN(1, 1), OUT(1, 1), REFS(0, 0), ATTRS(0, 0), G | R, "
                   "SLOPE, MAPS, PLAIN)") COMPILE "op.o sw/graph/op.c",
          "abs: its form");
  refused(state,
          WITH_ROW("ops.def", "OP(relu,",
                   "OP(decay, TRAINING, IN(1, 1), OUT(1, 1), REFS(0, 0), ATTRS(0, 0), G | R, STEP, "
                   "0, PLAIN)") COMPILE "op.o sw/graph/op.c",
          "decay: golden_TRAINING");
  refused(state,
          WITH_ROW("ops.def", "OP(relu,",
                   "OP(fold, CONCAT, IN(1, 9), OUT(1, 1), REFS(0, 0), ATTRS(0, 0), G | R, COPY, 0, "
                   "PLAIN)") COMPILE "op.o sw/graph/op.c",
          "fold: more inputs");
  refused(state,
          WITH_ROW("exact.def", "EXACT(relu,",
                   "EXACT(abs, abs, 0, 0, ANY, \"fixed_abs\", 1, \"\", \"\", \"\")") //
          COMPILE "exact.o sw/graph/exact.c",
          "exact_abs");
}

// A column without its file: what takes its table doesn't link.
static void test_columns(void **state) {
  refused(state,
          WITH_ROW("columns.def", "COLUMN(LINEAR,",
                   "COLUMN(WINDOW, window, YES, NO, NO, NO, NO)") //
          COMPILE "ref.o sw/exec/golden_ref.c && echo 'void golden_fire(void); int main(void) { "
                  "golden_fire(); }' >$D/main.c && "
                  "cc -o $D/main $D/main.c $D/ref.o $B/libnngen.a $(cat $B/libnngen.libs) "
                  " -lpthread",
          "undefined reference to `golden_window'");
  refused(state,
          WITH_ROW("columns.def", "COLUMN(LINEAR,",
                   "COLUMN(WINDOW, window, NO, NO, NO, NO, NO)") //
          COMPILE "op.o sw/graph/op.c && echo 'void graph_column(int); int main(void) { "
                  "graph_column(0); }' >$D/main.c && "
                  "cc -o $D/main $D/main.c $D/op.o $B/libnngen.a $(cat $B/libnngen.libs) -lpthread",
          "undefined reference to `column_window'");
}

static void test_names(void **state) {
  cli_expect(*state, "mkdir -p $D/copy && cp -r cmd gen lib quant sim sw scripts $D/copy", 0, "");
  cli_expect(*state, "scripts/lint-kinds $D/copy", 0, "");
  cli_expect(*state,
             "sed -i 's/TRAIT_ALIAS)/TRAIT_ALIAS) || n->op == OP_relu/' $D/copy/sw/plan/memory.c;"
             " scripts/lint-kinds $D/copy",
             1, "sw/plan/memory.c");
  cli_expect(*state,
             "cp sw/plan/memory.c $D/copy/sw/plan; "
             "sed -i 's/  case ASSIGN_max:/  default:/' $D/copy/sw/exec/golden_state.c;"
             " scripts/lint-kinds $D/copy",
             1, "hides what is missing");
}

// Rooms include what is below them: an arrow up, one beside, and a room that nobody knows are
// found.
static void test_rooms(void **state) {
  cli_expect(*state, "mkdir -p $D/rooms && cp -r cmd gen lib quant sim sw scripts $D/rooms", 0, "");
  cli_expect(*state, "scripts/lint-rooms $D/rooms", 0, "");
  cli_expect(*state,
             "echo '#include \"sw/exec/steps.h\"' >>$D/rooms/sw/plan/plan.c;"
             " scripts/lint-rooms $D/rooms",
             1, "sw/plan may not use sw/exec");
  cli_expect(*state,
             "cp sw/plan/plan.c $D/rooms/sw/plan; "
             "echo '#include \"sw/data/data.h\"' >>$D/rooms/sw/exec/steps.c;"
             " scripts/lint-rooms $D/rooms",
             1, "sw/exec may not use sw/data");
  cli_expect(*state,
             "cp sw/exec/steps.c $D/rooms/sw/exec; mkdir $D/rooms/sw/attic; "
             "echo '#include \"sw/base/err.h\"' >$D/rooms/sw/attic/old.c;"
             " scripts/lint-rooms $D/rooms",
             1, "sw/attic has no floor");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_rows), SHELL_CASE(test_columns),
                                     SHELL_CASE(test_names), SHELL_CASE(test_rooms)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
