// SPDX-License-Identifier: Apache-2.0
// The space file: what it says, and what each bad one is told; parameters as journals spell them.
#include "search/sampler.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool parse(struct arena *a, const char *json, struct search_space *s, struct err *e) {
  *e = (struct err){0};
  return space_parse(a, json, strlen(json), s, e);
}

// Kinds, ends, steps, order of conditions, defaults, first points.
static void test_reads(void **state) {
  (void)state;
  struct arena a = {0};
  struct search_space s;
  struct err e;
  assert_true(parse(&a,
                    "{\"parameters\":{"
                    "\"l.log\":{\"int\":[3,5],\"when\":{\"l.kind\":[\"log\",7]}},"
                    "\"l.kind\":{\"choices\":[\"fixed\",\"log\",7,null,true,2.5]},"
                    "\"i\":{\"int\":[0,13,4]},\"f\":{\"float\":[0,0.95,0.05]},"
                    "\"g\":{\"float\":[1e-5,0.1],\"log\":true}},"
                    "\"defaults\":{\"l.weight\":\"{l.kind},{i}\",\"stream\":8},"
                    "\"first\":[{\"l.kind\":7,\"l.log\":4,\"i\":8,\"f\":0.5,\"g\":0.01}]}",
                    &s, &e));
  assert_int_equal(s.n, 5);
  assert_int_equal(s.order[0], 1);
  assert_int_equal(s.params[0].when[0].n, 2);
  assert_true(s.params[2].is.high == 12 && param_count(&s.params[2].is) == 4);
  assert_int_equal(param_count(&s.params[3].is), 20);
  assert_int_equal(param_count(&s.params[4].is), 0);
  assert_string_equal(s.defaults[0].plain, "{l.kind},{i}");
  assert_string_equal(s.defaults[1].plain, "8");
  assert_true(s.first[0][0] == 4 && s.first[0][1] == 2 && space_contains(&s, s.first[0]));
  double x[5] = {NAN, 0, 8, 0.5, 0.01};
  assert_true(space_contains(&s, x));
  x[0] = 4; // not there beside "fixed"
  assert_false(space_contains(&s, x));
  x[1] = 1;
  assert_true(space_contains(&s, x));
  x[2] = 9; // between steps
  assert_false(space_contains(&s, x));
  double y[5] = {4, 1, 9, 0.5, 0.01};
  assert_true(space_same(&s, x, y));
  y[0] = NAN;
  assert_false(space_same(&s, x, y) || space_same(&s, y, x));
  x[0] = NAN;
  assert_true(space_same(&s, x, y));
  struct text t = {0};
  space_put_point(&t, &s, s.first[0]);
  assert_string_equal(t.data, "{\"l.log\":4,\"l.kind\":7,\"i\":8,\"f\":0.5,\"g\":0.01}");
  text_free(&t);
  arena_free(&a);
}

static void test_refuses(void **state) {
  (void)state;
  static const struct {
    const char *json, *says;
  } bad[] = {
      {"[]", "space"},
      {"{\"parameters\":{}}", "at least one"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]}},\"more\":1}", "more"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]},\"a\":{\"int\":[1,3]}}}", "duplicate"},
      {"{\"parameters\":{\"a\":{}}}", "expected one of"},
      {"{\"parameters\":{\"a\":3}}", "expected one of"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2],\"float\":[1,2]}}}", "expected one of"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2],\"step\":2}}}", "step"},
      {"{\"parameters\":{\"a\":{\"int\":[3,2]}}}",
       "parameter \"a\": \"int\": the range from 3 to 2 is empty"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2.5]}}}", "whole numbers"},
      {"{\"parameters\":{\"a\":{\"int\":[1]}}}", "[low,high]"},
      {"{\"parameters\":{\"a\":{\"int\":[1,9,0]}}}", "step 0"},
      {"{\"parameters\":{\"a\":{\"int\":[0,9],\"log\":true}}}", "above 0"},
      {"{\"parameters\":{\"a\":{\"int\":[1,9,2],\"log\":true}}}", "exclude"},
      {"{\"parameters\":{\"a\":{\"int\":[1,90071992547409930]}}}", "2^53"},
      {"{\"parameters\":{\"a\":{\"float\":[0,1e300,1e-300]}}}", "too long for its steps"},
      {"{\"parameters\":{\"a\":{\"float\":[-1e308,1e308]}}}", "too long for a double"},
      {"{\"parameters\":{\"a\":{\"float\":[0,1,0]}}}", "step 0"},
      {"{\"parameters\":{\"a\":{\"float\":[0,1,-1]}}}", "step -1"},
      {"{\"parameters\":{\"a\":{\"float\":[0,1],\"log\":true}}}", "above 0"},
      {"{\"parameters\":{\"a\":{\"choices\":[]}}}", "list of 1"},
      {"{\"parameters\":{\"a\":{\"choices\":[1,[2]]}}}", "value 2"},
      {"{\"parameters\":{\"a\":{\"choices\":[\"x\",\"x\"]}}}", "twice"},
      {"{\"parameters\":{\"a\":{\"choices\":[1],\"log\":true}}}", "\"log\""},
      {"{\"parameters\":{\"\":{\"choices\":[1]}}}", "empty"},
      {"{\"parameters\":{\"a\":{\"choices\":[\"{b}\"]}}}", "there is no parameter {b}"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2],\"when\":{\"b\":1}}}}",
       "there is no parameter \"b\""},
      {"{\"parameters\":{\"a\":{\"int\":[1,2],\"when\":3}}}", "\"when\""},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]},\"b\":{\"int\":[1,2],\"when\":{\"a\":3}}}}",
       "\"a\" never has value 1"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]},\"b\":{\"int\":[1,2],\"when\":{\"a\":[]}}}}",
       "empty list"},
      {"{\"parameters\":{\"a\":{\"float\":[1,2]},\"b\":{\"int\":[1,2],\"when\":{\"a\":1}}}}",
       "a float"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2],\"when\":{\"b\":1}},"
       "\"b\":{\"int\":[1,2],\"when\":{\"a\":1}}}}",
       "parameter \"a\": its \"when\" depends on itself"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]}},\"defaults\":{\"a\":1}}", "no default beside"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]}},\"defaults\":{\"b\":\"{c}\"}}", "no parameter {c}"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]}},\"defaults\":{\"b\":\"{a\"}}", "no parameter {a"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]}},\"defaults\":{\"b\":[1]}}", "a text or a number"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]}},\"first\":[{\"b\":1}]}", "point 1"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]}},\"first\":[{\"a\":3}]}", "never has this"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]}},\"first\":[{}]}", "every parameter"},
      {"{\"parameters\":{\"a\":{\"int\":[1,2]}},\"compress\":1}", "compress"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct arena a = {0};
    struct search_space s;
    struct err e;
    assert_false(parse(&a, bad[i].json, &s, &e));
    if (!strstr(e.text, bad[i].says))
      fail_msg("%s: \"%s\" without \"%s\"", bad[i].json, e.text, bad[i].says);
    arena_free(&a);
  }
}

// A distribution is read as it was written, as Python writes numbers.
static void test_distributions(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 4, \"low\": 0, "
      "\"high\": 12}}",
      "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": true, \"step\": 1, \"low\": 1, "
      "\"high\": 1000}}",
      "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": -1.5, \"high\": "
      "2.5, \"log\": false}}",
      "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": 0.125, \"low\": 0.0, \"high\": "
      "1.0, \"log\": false}}",
      "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [null, true, false, "
      "1, 2.5, \"x\"]}}"};
  struct arena a = {0};
  struct err e = {0};
  struct param p[5] = {{0}};
  for (int i = 0; i < 5; i++) {
    struct text t = {0};
    assert_true(param_parse_distribution(&a, texts[i], &p[i], &e));
    param_put_distribution(&t, &p[i]);
    assert_string_equal(t.data, texts[i]);
    text_free(&t);
    for (int k = 0; k <= i; k++) assert_int_equal(param_equal(&p[i], &p[k]), i == k);
  }
  struct param q = {0};
  assert_false(
      param_parse_distribution(&a, "{\"name\":\"UniformDistribution\",\"attributes\":{}}", &q, &e));
  assert_non_null(strstr(e.text, "UniformDistribution"));
  e = (struct err){0};
  assert_false(param_parse_distribution(
      &a, "{\"name\":\"IntDistribution\",\"attributes\":{\"low\":1}}", &q, &e));
  assert_non_null(strstr(e.text, "without its ends"));
  arena_free(&a);
}

// Random values of a range reach both ends, every step equally often within chance.
static void test_uniform(void **state) {
  (void)state;
  struct param p = {.name = "p", .kind = PARAM_INT, .low = -3, .high = 9, .step = 4};
  int count[4] = {0};
  for (int i = 0; i < 4000; i++) {
    double x = param_uniform(&p, i / 4000.0);
    assert_true(param_contains(&p, x));
    count[(int)(x + 3) / 4]++;
  }
  for (int i = 0; i < 4; i++) assert_int_equal(count[i], 1000);
  struct param log = {.name = "p", .kind = PARAM_FLOAT, .low = 1e-4, .high = 1, .log = true};
  assert_true(fabs(param_uniform(&log, 0.5) - 0.01) < 1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reads), cmocka_unit_test(test_refuses),
                                     cmocka_unit_test(test_distributions),
                                     cmocka_unit_test(test_uniform)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
