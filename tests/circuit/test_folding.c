// SPDX-License-Identifier: Apache-2.0
// Folding files: what each key means, to its bounds, and what is refused with which words.
#include "sw/circuit/circuit.h"
#include "tests/data/helper_data.h"

#include <string.h>

static bool reads(struct fixture *f, const char *text, struct folding *to, struct err *e) {
  return folding_read(&f->arena, put(f, "folding.json", text, strlen(text)), to, e);
}

static void test_meaning(void **state) {
  struct fixture *f = *state;
  struct folding to = {0};
  struct err e = {0};
  assert_true(reads(f,
                    "{\"defaults\":{\"parallelism\":8},\"layers\":{\"a\":{\"in\":2,\"out\":3},"
                    "\"b\":{\"SIMD\":16777216},\"c\":{\"PE\":1},\"d\":{}}}",
                    &to, &e));
  assert_int_equal(to.parallelism, 8);
  assert_int_equal(to.n_layers, 4);
  static const struct folding_entry wanted[] = {{.name = "a", .in = 2, .out = 3},
                                                {.name = "b", .in = 16777216},
                                                {.name = "c", .out = 1},
                                                {.name = "d"}};
  for (uint32_t i = 0; i < to.n_layers; i++) {
    assert_string_equal(to.layers[i].name, wanted[i].name);
    assert_int_equal(to.layers[i].in, wanted[i].in);
    assert_int_equal(to.layers[i].out, wanted[i].out);
  }
}

// The command line's number of lanes stands above the file's; a file need not say anything.
static void test_defaults(void **state) {
  struct fixture *f = *state;
  struct folding given = {.parallelism = 3}, none = {0};
  struct err e = {0};
  assert_true(reads(f, "{\"defaults\":{\"parallelism\":8}}", &given, &e));
  assert_int_equal(given.parallelism, 3);
  assert_true(reads(f, "{\"defaults\":{}}", &none, &e));
  assert_int_equal(none.parallelism, 0);
  assert_int_equal(none.n_layers, 0);
  assert_false(folding_read(&f->arena, path_in(f, "none.json"), &none, &e));
  assert_non_null(strstr(e.text, "none.json: No such file"));
}

#define LAYER(entry) "{\"layers\":{\"fc1\":" entry "}}"

static void test_refusals(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *text, *words;
  } bad[] = {
      {LAYER("{\"in\":0}"), "layer \"fc1\": \"in\": expected a number of lanes from 1 to 16777216"},
      {LAYER("{\"in\":-1}"), "\"in\": expected a number of lanes"},
      {LAYER("{\"in\":16777217}"), "\"in\": expected a number of lanes"},
      {LAYER("{\"out\":1.5}"), "\"out\": expected a number of lanes"},
      {LAYER("{\"PE\":\"4\"}"), "\"out\": expected a number of lanes"},
      {LAYER("{\"in\":2,\"SIMD\":2}"), "\"in\" and \"SIMD\" are the same"},
      {LAYER("{\"out\":2,\"PE\":2}"), "layer \"fc1\": \"out\" and \"PE\" are the same"},
      {LAYER("{\"lanes\":2}"), "layer \"fc1\": entry: unknown key \"lanes\""},
      {LAYER("4"), "layer \"fc1\": entry: expected an object"},
      {"{\"layers\":[]}", "layers: expected an object"},
      {"{\"defaults\":4}", "defaults: expected an object"},
      {"{\"defaults\":{\"lanes\":4}}", "defaults: unknown key \"lanes\""},
      {"{\"defaults\":{\"parallelism\":0}}", "\"parallelism\": expected a number of lanes"},
      {"{\"default\":{}}", "folding: unknown key \"default\""},
      {"[]", "folding: expected an object"},
      {"{", "JSON line"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct folding to = {0};
    struct err e = {0};
    assert_false(reads(f, bad[i].text, &to, &e));
    if (!strstr(e.text, bad[i].words) || !strstr(e.text, "folding.json: "))
      fail_msg("%s: expected \"%s\", got \"%s\"", bad[i].text, bad[i].words, e.text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {DATA_CASE(test_meaning), DATA_CASE(test_defaults),
                                     DATA_CASE(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
