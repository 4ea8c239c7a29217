// SPDX-License-Identifier: Apache-2.0
// What a stranger's file can try, a test per threat: refused with a message, in little time and
// memory, or harmless. (Names that try to become code: test_hostile. What is half written:
// test_faults, test_cuts. Parsers: tests/fuzz.)
#include "tests/cmd/helper_hostile.h"

#include <math.h>
#include <string.h>

// A chain input -> relu of a given shape, without tensors.
#define RELU(shape)                                                                                \
  "{\"name\":\"g\",\"inputs\":[{\"name\":\"x\",\"shape\":" shape ",\"type\":\"8,3\"}],\"nodes\":[" \
  "{\"op\":\"relu\",\"name\":\"r\",\"inputs\":[\"x\"],\"outputs\":[{\"name\":\"y\","               \
  "\"shape\":" shape ",\"type\":\"8,3\"}]}],\"outputs\":[\"y\"]}"

// Refused within a second and 256 MB, with these words.
static void expect_refused(struct shell *c, const char *command, const char *words) {
  const char *limit = "";
#ifndef __SANITIZE_ADDRESS__ // which reserves more
  limit = "ulimit -v 262144; export OMP_NUM_THREADS=1; ";
#endif
  struct outcome o = cli_run(c, arena_printf(&c->arena, "%stimeout 2 %s", limit, command));
  if (o.status != 1 || !strstr(o.text, words))
    fail_msg("%s: expected \"%s\", got %d \"%s\"", command, words, o.status, o.text);
  hostile_clean(o.text);
}

static void refuses_graph(struct shell *c, const char *graph, const char *words) {
  hostile_container(c, "m.bin", graph, "", "", 0);
  expect_refused(c, "$N -o $D/rtl $D/m.bin", words);
  cli_expect(c, "test ! -e $D/rtl && echo none", 0, "none");
}

static void refuses_entry(struct shell *c, const char *shape, const char *words) {
  hostile_container(c, "m.bin", RELU("[2]"),
                    arena_printf(&c->arena,
                                 "\"w\":{\"dtype\":\"F32\",\"shape\":%s,"
                                 "\"data_offsets\":[0,8]}",
                                 shape),
                    "12345678", 8);
  expect_refused(c, "$N info $D/m.bin", words);
}

static void test_huge_shapes(void **state) {
  struct shell *c = *state;
  refuses_graph(c, RELU("[16777217]"), "dimension 0");
  refuses_graph(c, RELU("[9223372036854775807]"), "dimension 0");
  refuses_graph(c, RELU("[1,1,1,1,1,1,1,1,1]"), "at most 8 dimensions");
  refuses_graph(c, RELU("[16777216,16777216,16777216]"), "elements");
  refuses_entry(c, "[16777216,16777216,16777216,16777216]", "more than");
  refuses_entry(c, "[3]", "its shape and dtype give 12");
  refuses_entry(c, "[-2]", "dimension 0");
  expect_refused(c,
                 "sh -c \"printf '\\0\\0\\10\\3\\0\\377\\377\\377\\0\\377\\377\\377\\0\\0\\0\\1' "
                 ">$D/x; $N run -p 8,3 --data $D/x models/mnist-mlp.bin\"",
                 "at most 268435456 elements");
}

// A few hundred bytes must not make a folder of gigabytes.
static void test_large_circuits(void **state) {
  refuses_graph(*state, RELU("[16777216]"), "at most 16777216 are accepted");
}

static void test_bombs(void **state) {
  struct shell *c = *state;
  // 1 MB of zeros per KB of gzip, behind a header that promises 784
  cli_expect(c,
             "{ printf '\\0\\0\\10\\3\\0\\0\\0\\1\\0\\0\\0\\34\\0\\0\\0\\34'; head -c 200000000 "
             "/dev/zero; } | gzip >$D/x.gz && echo made",
             0, "made");
  expect_refused(c, "$N run -p 8,3 --data $D/x.gz models/mnist-mlp.bin", "more bytes than");
  // ... and a header that promises 256 MB in a file that can't hold them
  cli_expect(c, "printf '\\0\\0\\10\\1\\0\\377\\377\\377' | gzip >$D/y.gz && echo made", 0, "made");
  expect_refused(c, "$N run -p 8,3 --data $D/y.gz models/mnist-mlp.bin", "the file holds");
  char *deep = arena_alloc(&c->arena, 500001, 1);
  memset(deep, '[', 500000);
  hostile_put(c, "deep.json", deep);
  expect_refused(c, "$N -p 8,3 --folding $D/deep.json models/mnist-mlp.bin", "nested deeper");
  expect_refused(c, "$N -p 8,3 --formats $D/deep.json models/mnist-mlp.bin", "nested deeper");
  refuses_graph(c, deep, "nested deeper");
}

static void test_other_files(void **state) {
  struct shell *c = *state;
  expect_refused(c, "$N info /dev/zero", "not a regular file");
  cli_expect(c, "mkfifo $D/fifo && echo made", 0, "made");
  expect_refused(c, "$N info $D/fifo", "not a regular file");
  hostile_model(c, "m.bin", "plain ", "", "");
  cli_expect(c, "$N -q -p 8,3 -o $D/rtl $D/m.bin && echo secret >$D/secret", 0, "II");
  static const char *const paths[] = {"../secret", "/etc/passwd", "rom/../../secret"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    cli_expect(
        c,
        arena_printf(&c->arena,
                     "printf '%%064d  %s\\n' 0 >>$D/rtl/SHA256SUMS; "
                     "$N sim -q -o $D/w $D/rtl; s=$?; sed -i '$d' $D/rtl/SHA256SUMS; exit $s",
                     paths[i]),
        1, arena_printf(&c->arena, "SHA256SUMS: %s", paths[i]));
  }
}

static void test_code_in_a_model(void **state) {
  struct shell *c = *state;
  hostile_model(c, "m.bin", "plain ", "\"op\":\"relu\"", "\"op\":\"Lambda\"");
  expect_refused(c, "$N info $D/m.bin", "unknown op \"Lambda\"");
  cli_expect(c, "printf '\\200\\4cos\\nsystem\\n(S\"touch pwned\"\\ntR.' >$D/p.bin", 0, "");
  expect_refused(c, "$N info $D/p.bin", "a Python pickle");
}

// Links that lead out of the output folder are not followed, neither by writing nor by removing.
static void test_writing_outside(void **state) {
  struct shell *c = *state;
  hostile_model(c, "m.bin", "plain ", "", "");
  cli_expect(c, "mkdir $D/mine && echo mine >$D/mine/file && ln -s mine $D/link && echo made", 0,
             "made");
  expect_refused(c, "$N -p 8,3 -o $D/link $D/m.bin", "isn't a folder that nngen wrote");
  cli_expect(c,
             "$N -q -p 8,3 -o $D/rtl $D/m.bin && rm -r $D/rtl/rom && ln -s ../mine $D/rtl/rom && "
             "ln -sf ../mine/file $D/rtl/top.sv && $N -q -p 8,3 -o $D/rtl $D/m.bin && "
             "test ! -L $D/rtl/rom -a ! -L $D/rtl/top.sv && ls $D/mine && cat $D/mine/file",
             0, "file\nmine\n");
}

static void test_no_numbers(void **state) {
  struct shell *c = *state;
  hostile_model(c, "m.bin", "plain ", "\"mean\":[0.0]", "\"mean\":[1e999]");
  expect_refused(c, "$N info $D/m.bin", "real number overflow");
  hostile_model(c, "m.bin", "plain ", "\"std\":[1.0]", "\"std\":[NaN]");
  expect_refused(c, "$N info $D/m.bin", "JSON");
  hostile_model(c, "m.bin", "plain ", "\"std\":[1.0]", "\"std\":[-0.0]");
  expect_refused(c, "$N info $D/m.bin", "std -0");
  const float bad[] = {NAN, INFINITY, -INFINITY};
  const char *graph =
      "{\"name\":\"g\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"type\":\"real\"}]"
      ",\"tensors\":{\"w\":{\"type\":\"real\"}},\"nodes\":[{\"op\":\"linear\","
      "\"name\":\"l\",\"inputs\":[\"x\",\"w\"],\"outputs\":[{\"name\":\"y\","
      "\"shape\":[1],\"type\":\"real\"}]}],\"outputs\":[\"y\"]}";
  const char *entry = "\"w\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}";
  for (int i = 0; i < 3; i++) {
    hostile_container(c, "m.bin", graph, entry, &bad[i], sizeof *bad);
    expect_refused(c, "$N info $D/m.bin", "tensor \"w\": element 0 is");
  }
  const float zeros[] = {0.0f, -0.0f};
  for (int i = 0; i < 2; i++) {
    hostile_container(c, i ? "n.bin" : "p.bin", graph, entry, &zeros[i], sizeof *zeros);
    cli_expect(c, i ? "$N -q -p 8,3 -o $D/n $D/n.bin" : "$N -q -p 8,3 -o $D/p $D/p.bin", 0, "II");
  }
  cli_expect(c, "diff -r -x manifest.json -x SHA256SUMS $D/n $D/p && echo same", 0, "same");
}

// Graphs of no input or of two are graphs: they are shown, and what can't compute them says so.
static void test_other_inputs(void **state) {
  struct shell *c = *state;
  static const char tail[] =
      ",\"nodes\":[{\"op\":\"relu\",\"name\":\"r\",\"inputs\":[\"%s\"],\"outputs\":[{\"name\":"
      "\"y\",\"shape\":[2],\"type\":\"8,3\"%s}]}],\"outputs\":[\"y\"]}";
  const char *entry = "\"w\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]}";
  const char *none = "{\"name\":\"g\",\"inputs\":[],\"tensors\":{\"w\":{\"type\":\"8,3\"}}";
  const char *two = "{\"name\":\"g\",\"inputs\":[{\"name\":\"x\",\"shape\":[2],\"type\":\"8,3\"},"
                    "{\"name\":\"z\",\"shape\":[3],\"type\":\"8,3\"}]";
  hostile_container(c, "none.bin",
                    arena_printf(&c->arena, "%s%s", none,
                                 arena_printf(&c->arena, tail, "w", ",\"per_frame\":false")),
                    entry, "ab", 2);
  hostile_container(c, "two.bin",
                    arena_printf(&c->arena, "%s%s", two, arena_printf(&c->arena, tail, "x", "")),
                    "", "", 0);
  cli_expect(c, "$N info $D/none.bin", 0, "g\n\nlayer");
  cli_expect(c, "$N info $D/two.bin", 0, "g: input x 2, 8,3; input z 3, 8,3\n");
  expect_refused(c, "$N run $D/none.bin", "the model has 0 inputs, expected 1");
  expect_refused(c, "$N -o $D/rtl $D/two.bin", "no layer of the circuit reads input \"z\"");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_huge_shapes),     SHELL_CASE(test_large_circuits),
      SHELL_CASE(test_bombs),           SHELL_CASE(test_other_files),
      SHELL_CASE(test_code_in_a_model), SHELL_CASE(test_writing_outside),
      SHELL_CASE(test_no_numbers),      SHELL_CASE(test_other_inputs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
