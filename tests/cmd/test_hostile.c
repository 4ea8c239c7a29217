// SPDX-License-Identifier: Apache-2.0
// Names that try to become code, paths, formats or terminal commands. The circuit of a model with
// such names is the circuit of the same model with plain names, byte for byte; whatever is printed
// is harmless text, and what is JSON is JSON. A patched emitter shows that this test sees a raw
// name.
#include "sw/base/file.h"
#include "tests/cmd/helper_hostile.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

// As JSON spells them. Every name of the model is one of these and a letter.
static const char *const names[] = {
    "$system(\\\"touch pwned\\\")",
    "$(touch pwned)",
    "`touch pwned`",
    "`include \\\"x\\\"",
    "*/ endmodule /*",
    "// \\\\\\n$finish;",
    "a\\nb\\r\\tc",
    "\\u001b[31m\\u001b]0;title\\u0007",
    "\\u009b31m",
    "\\u202etxt.exe\\u2066",
    "\\u0001\\u007f",
    "%n%s%s%d%99999999d",
    "\\\";rm -rf .;\\\"",
    "'; touch pwned; '",
    "../../pwned",
    "/etc/passwd",
    "a|b|c",
    "l1_linear",
    "top",
    "endmodule",
    "--help",
    "\u00fc\u2192\u6f22\U0001f600",
    "NAN",
    " ",
};
enum { NAMES = sizeof names / sizeof *names, LONG = 1 << 16 };

#define RUN "run -q -p 8,3 --data $D/x.idx "
#define GENERATE "generate -q -p 8,3 "

// ---- trees

static json_t *read_json(struct shell *c, const char *name) {
  struct bytes bytes;
  struct err e = {0};
  const char *path = arena_printf(&c->arena, "%s/%s", c->dir, name);
  if (!file_read(&c->arena, path, 1 << 24, &bytes, &e)) fail_msg("%s", e.text);
  return hostile_json((const char *)bytes.data);
}

// The names in a manifest are `name` and their letters; puts plain ones in their place.
static void rename_manifest(json_t *manifest, const char *name) {
  size_t i;
  json_t *layer, *layers = json_object_get(manifest, "layers");
  char *expected = NULL;
  assert_true(asprintf(&expected, "%sg", name) > 0);
  assert_string_equal(json_string_value(json_object_get(manifest, "model")), expected);
  json_object_set_new(manifest, "model", json_string("plain"));
  json_object_del(manifest, "model_sha256");
  json_array_foreach(layers, i, layer) {
    const char *origin = json_string_value(json_array_get(json_object_get(layer, "origin"), 0));
    const char *found = json_string_value(json_object_get(layer, "name"));
    assert_memory_equal(found, name, strlen(name));
    if (origin) assert_memory_equal(origin, name, strlen(name));
    json_object_set_new(layer, "name", json_string("plain"));
    json_object_set_new(layer, "origin", json_array());
  }
  free(expected);
}

// $D/plain and $D/evil differ in names only, and only manifest.json and report.txt hold names.
static void expect_same_trees(struct shell *c, const char *name) {
  cli_expect(c,
             "diff -r -x manifest.json -x report.txt -x SHA256SUMS $D/plain $D/evil && "
             "for f in plain evil; do grep -v ' \\(manifest.json\\|report.txt\\)$' "
             "$D/$f/SHA256SUMS >$D/$f.sums; done; cmp $D/plain.sums $D/evil.sums && "
             "test $(wc -l <$D/plain/report.txt) = $(wc -l <$D/evil/report.txt) && echo same",
             0, "same");
  hostile_clean(cli_run(c, "cat $D/evil/report.txt").text);
  json_t *plain = read_json(c, "plain/manifest.json"), *evil = read_json(c, "evil/manifest.json");
  rename_manifest(plain, "plain ");
  rename_manifest(evil, name);
  assert_true(json_equal(plain, evil));
  json_decref(plain);
  json_decref(evil);
}

// ---- one name

// A command's status is 0 and its text is harmless; with --json it is JSON as well.
static void expect_clean(struct shell *c, const char *command, const char *model) {
  struct outcome text = cli_run(c, arena_printf(&c->arena, "$N %s %s", command, model));
  if (text.status) fail_msg("%s: %s", command, text.text);
  hostile_clean(text.text);
  struct outcome json = cli_run(c, arena_printf(&c->arena, "$N %s --json %s", command, model));
  hostile_clean(json.text);
  json_decref(hostile_json(json.text));
}

// A model that is wrong in its layer of that name: refused with a harmless message.
static void expect_refused(struct shell *c, const char *name, const char *from, const char *to,
                           const char *words) {
  hostile_model(c, "bad.bin", name, from, to);
  struct outcome o = cli_run(c, "$N info $D/bad.bin");
  if (o.status != 1 || !strstr(o.text, words)) fail_msg("expected %s, got %s", words, o.text);
  hostile_clean(o.text);
}

static void expect_neutral(struct shell *c, const char *name) {
  json_t *decoded = hostile_json(arena_printf(&c->arena, "[\"%s\"]", name));
  hostile_model(c, "evil.bin", name, "", "");
  expect_clean(c, GENERATE "-o $D/evil", "$D/evil.bin");
  expect_same_trees(c, json_string_value(json_array_get(decoded, 0)));
  expect_clean(c, "info -p 8,3", "$D/evil.bin");
  expect_clean(c, RUN, "$D/evil.bin");
  expect_refused(c, name, "\"shape\":[3]", "\"shape\":[5]",
                 "is declared as (5), its inputs give (3)");
  expect_refused(c, name, "\"op\":\"relu\"", "\"op\":\"Lambda\"", "unknown op \"Lambda\"");
  hostile_put(c, "folding", arena_printf(&c->arena, "{\"layers\":{\"%s?\":{\"in\":1}}}", name));
  struct outcome o = cli_run(c, "$N -p 8,3 --folding $D/folding -o $D/no $D/evil.bin");
  assert_int_equal(o.status, 1);
  hostile_clean(o.text);
  json_decref(decoded);
}

static void prepare(struct shell *c) {
  hostile_model(c, "plain.bin", "plain ", "", "");
  hostile_images(c, "x.idx");
  cli_expect(c, "$N " GENERATE "-o $D/plain $D/plain.bin", 0, "II");
}

// ---- tests

static void test_names(void **state) {
  struct shell *c = *state;
  prepare(c);
  for (int i = 0; i < NAMES; i++) expect_neutral(c, names[i]);
  char *big = arena_alloc(&c->arena, LONG + 1, 1);
  memset(big, '%', LONG);
  expect_neutral(c, big);
}

// Every message has room for what is wrong, however long the name of the place.
static void test_long_messages(void **state) {
  struct shell *c = *state;
  char *big = arena_alloc(&c->arena, LONG + 1, 1);
  memset(big, 'x', LONG);
  expect_refused(c, big, "\"attrs\":{}", "\"attrs\":{\"depth\":1}", "unknown attribute \"depth\"");
}

// What JSON strings can't hold, or C strings can't.
static void test_refused_names(void **state) {
  struct shell *c = *state;
  expect_refused(c, "a\\u0000b", "", "", "\\u0000");
  expect_refused(c, "\\ud800", "", "", "JSON");
  expect_refused(c, "\xc3\x28", "", "", "byte 0xc3");
  expect_refused(c, "\x9b\x33\x31m", "", "", "byte 0x9b");
  expect_refused(c, "\xed\xa0\x80", "", "", "byte 0xed");
}

// Simulated in a folder of its own, nothing but the work folder appears there.
static void test_simulation(void **state) {
  struct shell *c = *state;
#ifdef __SANITIZE_ADDRESS__
  skip(); // the instrumented library doesn't link into a simulator
#endif
  const char *simulator = getenv("NNGEN_TEST_DEEP") ? "verilator" : "icarus";
  hostile_images(c, "x.idx");
  hostile_model(c, "evil.bin", names[0], "", "");
  struct outcome o =
      cli_run(c, arena_printf(&c->arena,
                              "P=$(realpath $N); mkdir $D/cwd && cd $D/cwd && cp ../evil.bin "
                              "'$(touch pwned)\"; `touch pwned`.bin' && "
                              "$P sim -q -p 8,3 --simulator %s --images 2 --data ../x.idx --json "
                              "-o ./'$(touch pwned) w' ./*.bin && ls -A | sort",
                              simulator));
  assert_int_equal(o.status, 0);
  char *listing = strchr(o.text, '\n');
  assert_non_null(listing);
  *listing = 0;
  json_t *said = hostile_json(o.text);
  assert_int_equal(json_integer_value(json_object_get(said, "mismatches")), 0);
  assert_true(json_integer_value(json_object_get(said, "elements")) > 0);
  json_decref(said);
  assert_string_equal(listing + 1, "$(touch pwned) w\n$(touch pwned)\"; `touch pwned`.bin\n");
}

// File names come from strangers as well.
static void test_paths(void **state) {
  struct shell *c = *state;
  prepare(c);
  hostile_put(c, "\033[31m\x9b\x07.bin", "no model");
  cli_expect(c, "cp $D/plain.bin $D/\"$(printf 'a\\033[31m\\233|%%n.bin')\"", 0, "");
  cli_expect(c, "cp $D/x.idx $D/\"$(printf 'x\\033[31m\\233.idx')\"", 0, "");
  static const char *const lines[] = {
      "$N info $D/*31m*7.bin",
      "$N info $D/?'[31m'*.bin",
      "$N -p 8,3 -o $D/\"$(printf "
      "'o\\033[31m')\" $D/a*.bin",
      "$N run -p 8,3 --data $(echo $D/x?'[31m'*.idx) $D/a*.bin",
      "$N run -p 8,3 --images 99 --data $(echo $D/x?'[31m'*.idx) $D/a*.bin",
      "$N run -p 8,3 --json --data $(echo $D/x?'[31m'*.idx) $D/a*.bin",
      "$N -p 8,3 --json -o $D/\"$(printf 'o\\033[31m\\377')\" $D/a*.bin",
      "$N -p \"$(printf '\\033[31m')\" $D/plain.bin",
      "$N \"$(printf '\\033[31m')\""};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    struct outcome o = cli_run(c, lines[i]);
    hostile_clean(o.text);
    if (strstr(lines[i], "--json")) json_decref(hostile_json(o.text));
  }
}

// ---- the test sees a raw name

#define EMITTER                                                                                    \
  "sed 's/text_printf(out, \"  .. %s: \", c->name)/text_printf(out, \"  \\/\\/ %s: \", "           \
  "c->kind == CELL_LAYER ? p->graph->nodes[c->node].name : c->name)/; "                            \
  "' gen/emit.c >$D/emit.c && "                                                                    \
  "! cmp -s gen/emit.c $D/emit.c && "                                                              \
  "${CC:-cc} -std=c11 -D_GNU_SOURCE -I. -c -o $D/emit.o $D/emit.c && "                             \
  "${CC:-cc} $LDFLAGS -o $D/leaky $B/cmd/*.o $D/emit.o $B/libnngen.a "                             \
  "$(cat $B/libnngen.libs) && echo made"

static void test_a_leak_is_seen(void **state) {
  struct shell *c = *state;
#ifdef __SANITIZE_ADDRESS__
  skip(); // built without the sanitizers
#endif
  prepare(c);
  hostile_model(c, "evil.bin", names[0], "", "");
  cli_expect(c, EMITTER, 0, "made");
  cli_expect(c,
             "ROOT=$PWD; cd $D && $D/leaky " GENERATE "-o $D/plain $D/plain.bin >plain.txt && "
             "$D/leaky " GENERATE "-o $D/evil $D/evil.bin >evil.txt && "
             "diff -r -x manifest.json -x report.txt -x SHA256SUMS $D/plain $D/evil",
             1, "$system(\"touch pwned\")");
}

// hostile_clean and hostile_json, which the other tests rely on, tell good from bad.
static void test_the_checks_themselves(void **state) {
  static const char *const bad[] = {"a\033[31m", "\x9b", "\xc2\x9b", "\xe2\x80\xae",
                                    "\xc3(",     "\x7f", "\r",       "\xed\xa0\x80"};
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(hostile_is_clean(bad[i]));
  assert_true(hostile_is_clean("plain \u00fc\u6f22\U0001f600\n"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_checks_themselves),
                                     SHELL_CASE(test_names),
                                     SHELL_CASE(test_long_messages),
                                     SHELL_CASE(test_refused_names),
                                     SHELL_CASE(test_simulation),
                                     SHELL_CASE(test_paths),
                                     SHELL_CASE(test_a_leak_is_seen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
