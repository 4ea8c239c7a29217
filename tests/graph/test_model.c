// SPDX-License-Identifier: Apache-2.0
// model.bin: what is refused and with which words. Each case is a good file with one thing broken.
#include "sw/graph/safetensors.h"
#include "tests/graph/helper_model.h"

#include <math.h>
#include <string.h>

// A linear layer 3 -> 2 with bias: w (2, 3) and b (2) in F32, 32 bytes of data.
#define GRAPH_INPUTS "\"inputs\":[{\"name\":\"x\",\"shape\":[3],\"type\":\"real\"}]"
#define GRAPH_TENSORS "\"tensors\":{\"b\":{\"type\":\"real\"},\"w\":{\"type\":\"real\"}}"
#define NODE                                                                                       \
  "{\"op\":\"linear\",\"name\":\"fc\",\"inputs\":[\"x\",\"w\",\"b\"],\"outputs\":[{\"name\":"      \
  "\"y\","                                                                                         \
  "\"shape\":[2],\"type\":\"real\"}]}"
#define GRAPH                                                                                      \
  "{\"name\":\"g\"," GRAPH_INPUTS "," GRAPH_TENSORS ",\"nodes\":[" NODE "],\"outputs\":[\"y\"]}"
#define ENTRIES                                                                                    \
  "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"                                \
  "\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]}"
enum { DATA = 32 };

static const float zeros[8] = {0.5f, -1, 2, 3, 4, 5, 6, 7};

static void expect_made(const char *entries, const char *graph, const char *words) {
  struct text file = model_file(entries, graph, "1", zeros, DATA);
  model_expect(&file, words);
  text_free(&file);
}

static void test_good(void **state) {
  (void)state;
  expect_made(ENTRIES, GRAPH, "");
}

static void test_container(void **state) {
  (void)state;
  static const struct {
    const char *entries, *words;
  } cases[] = {
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"w\":{\"dtype\":\"F32\","
       "\"shape\":[2,3],\"data_offsets\":[4,28]}",
       "overlapping"},
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"w\":{\"dtype\":\"F32\","
       "\"shape\":[2,3],\"data_offsets\":[8,32]}",
       "hole"},
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"w\":{\"dtype\":\"F32\","
       "\"shape\":[2,2],\"data_offsets\":[8,24]}",
       "8 bytes trail"},
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"w\":{\"dtype\":\"F32\","
       "\"shape\":[2,3],\"data_offsets\":[8,36]}",
       "its shape and dtype give 24"},
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"w\":{\"dtype\":\"F32\","
       "\"shape\":[4,3],\"data_offsets\":[8,56]}",
       "the file has 32 bytes of data"},
      {ENTRIES ",\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]}", "duplicate"},
      {"\"b\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,8]},\"w\":{\"dtype\":"
       "\"F32\","
       "\"shape\":[2,3],\"data_offsets\":[8,32]}",
       "tensor \"b\": dtype \"F8_E4M3\", expected F16"},
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"colour\":1},\"w\":{"
       "\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]}",
       "unknown key \"colour\""},
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}", "dimension 0"},
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[99999999],\"data_offsets\":[0,8]}", "dimension 0"},
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[16777216,16777216,16777216],\"data_offsets\":[0,8]}",
       "elements"},
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}",
       "at most 8 dimensions"},
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}", "expected [begin, end]"},
      {"\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9223372036854775807]}",
       "give 8"},
      {ENTRIES ",\"unused\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[32,32]}",
       "\"unused\" is not used"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_made(cases[i].entries, GRAPH, cases[i].words);
}

// Headers that aren't what they should be before any tensor is looked at.
static void test_raw_headers(void **state) {
  (void)state;
  static const struct {
    const char *header, *words;
  } cases[] = {
      {"{\"__metadata__\":1}", "__metadata__: expected an object"},
      {"{\"__metadata__\":{\"format\":1}}", "__metadata__: \"format\" isn't a string"},
      {"{\"w\":7}", "expected an object"},
      {"{\"w\":{\"dtype\":5,\"shape\":[1],\"data_offsets\":[0,4]}}", "dtype: expected a string"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", "shape: expected a list"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", "dimension 0"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":7}}", "expected [begin, end]"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", "expected [begin, end]"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", "[begin, end]"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0.5,4]}}", "[begin, end]"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,\"4\"]}}", "[begin, end]"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-1,3]}}", "[begin, end]"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct text file = {0};
    model_put_size(&file, strlen(cases[i].header));
    text_puts(&file, cases[i].header);
    text_put(&file, "\0\0\0\0", 4);
    model_expect(&file, cases[i].words);
    text_free(&file);
  }
}

static void test_every_cut(void **state) {
  (void)state;
  struct text file = model_file(ENTRIES, GRAPH, "1", zeros, DATA);
  for (size_t size = 0; size < file.size; size++) {
    struct arena a = {0};
    struct text cut = {file.data, size, size};
    assert_true(model_verdict(&a, &cut)[0]);
    arena_free(&a);
  }
  text_free(&file);
}

// Every byte of the header set to something else: never a crash; the sanitizer build watches.
static void test_every_byte(void **state) {
  (void)state;
  struct text file = model_file(ENTRIES, GRAPH, "1", zeros, DATA);
  static const char bytes[] = {0, '"', '{', ']', '9', (char)0xff};
  for (size_t at = 0; at < file.size - DATA; at++)
    for (size_t k = 0; k < sizeof bytes; k++) {
      struct arena a = {0};
      char saved = file.data[at];
      file.data[at] = bytes[k];
      model_verdict(&a, &file);
      file.data[at] = saved;
      arena_free(&a);
    }
  text_free(&file);
}

static void test_header(void **state) {
  (void)state;
  struct text deep = {0}, bare = {0};
  model_put_size(&deep, 200000);
  text_puts(&deep, "{\"a\":");
  for (int i = 0; i < 100000; i++) text_puts(&deep, "[");
  while (deep.size < 200008) text_puts(&deep, "]");
  model_expect(&deep, "nested deeper than 32");
  model_put_size(&bare, UINT64_MAX);
  text_puts(&bare, "{}");
  model_expect(&bare, "header of 18446744073709551615 bytes");
  bare.data[8] = 'x';
  model_expect(&bare, "begins with no '{'");
  text_free(&deep);
  text_free(&bare);
  struct text newer = model_file(ENTRIES, GRAPH, "2", zeros, DATA);
  model_expect(&newer, "version \"2\", this program reads version 1");
  text_free(&newer);
  struct text foreign = {0};
  model_put_size(&foreign, 2);
  text_puts(&foreign, "{}");
  model_expect(&foreign, "without an nngen graph");
  text_free(&foreign);
}

// The graph's text with `from` replaced by `to`.
static char *replaced(struct arena *a, const char *from, const char *to) {
  const char *at = strstr(GRAPH, from);
  assert_non_null(at);
  return arena_printf(a, "%.*s%s%s", (int)(at - GRAPH), GRAPH, to, at + strlen(from));
}

static void test_graph(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *words;
  } cases[] = {
      {"\"op\":\"linear\"", "\"op\":\"laplace\"", "layer \"fc\": unknown op \"laplace\""},
      {"\"name\":\"fc\"", "\"name\":\"fc\",\"colour\":1", "unknown key \"colour\""},
      {"\"name\":\"g\"", "\"name\":\"g\",\"loss\":1", "unknown key \"loss\""},
      {"\"x\",\"w\",\"b\"", "\"x\",\"v\",\"b\"", "layer \"fc\": there is no value named \"v\""},
      {"\"x\",\"w\",\"b\"", "\"x\",\"w\"", "tensor \"b\" is not used"},
      {"\"x\",\"w\",\"b\"", "\"x\"", "is not used"},
      {"\"w\":{\"type\"", "\"w2\":{\"type\"", "tensor \"w2\" isn't in the file"},
      // all at once
      {"\"w\":{\"type\"", "\"u\":{\"type\":\"real\"},\"v\":{\"type\":\"8,0\"},\"w\":{\"type\"",
       "tensors \"u\", \"v\" aren't in the file"},
      {"\"w\":{\"type\"",
       "\"0\":1,\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"10\":1,"
       "\"11\":1,\"12\":1,\"13\":1,\"14\":1,\"15\":1,\"16\":1,\"17\":1,\"w\":{\"type\"",
       "\"14\", \"15\" and 2 others aren't in the file"},
      {"\"shape\":[3]", "\"shape\":[4]", "the input has 4 features, the weights (2, 3) expect 3"},
      {"\"shape\":[2]", "\"shape\":[3]", "its inputs give (2)"},
      {"\"shape\":[2],\"type\":\"real\"", "\"shape\":[2],\"type\":\"8,3\"",
       "layer \"fc\": output \"y\" has type 8,3, expected real"},
      {"\"w\":{\"type\":\"real\"}", "\"w\":{\"type\":\"8,3\"}",
       "tensor \"w\": dtype F32, its type is stored as I8"},
      {"\"shape\":[3],\"type\":\"real\"", "\"shape\":[3],\"type\":\"8,3\"",
       "layer \"fc\": its inputs mix real and integer types"},
      {"\"type\":\"real\"", "\"type\":\"ref\"", "an input holds numbers"},
      {"\"type\":\"real\"", "\"type\":\"33,2\"", "type \"33,2\", expected"},
      {"\"type\":\"real\"", "\"type\":{\"fixed\":\"s8\",\"scale\":-1}",
       "expected a positive number"},
      {"\"type\":\"real\"", "\"type\":{\"fixed\":\"f8\",\"scale\":1}", "expected s2..s62"},
      {"\"type\":\"real\"", "\"type\":{\"fixed\":\"s8\",\"scale\":1,\"zero\":1000}",
       "zero 1000 lies outside of s8"},
      {"\"outputs\":[\"y\"]", "\"outputs\":[\"z\"]", "there is no value named \"z\""},
      {"\"name\":\"y\"", "\"name\":\"x\"", "the name \"x\" stands twice"},
      {"\"x\",\"w\",\"b\"", "\"y\",\"w\",\"b\"", "uses \"y\" before it is made"},
      {"\"x\",\"w\",\"b\"", "{\"value\":\"y\",\"delay\":0,\"initial\":\"b\"},\"w\",\"b\"",
       "delay: expected an integer"},
      {"\"name\":\"fc\"", "\"name\":\"fc\",\"attrs\":{\"lambda\":1}",
       "attribute \"lambda\" doesn't belong to linear"},
      {"\"name\":\"fc\"", "\"name\":\"fc\",\"attrs\":{\"depth\":1}", "unknown attribute \"depth\""},
      {"\"name\":\"fc\"", "\"name\":\"fc\",\"rounding\":\"up\"", "rounding: unknown mode \"up\""},
      {"\"name\":\"fc\"", "\"name\":\"fc\",\"where\":\"cloud\"",
       "where: \"cloud\", expected \"circuit\""},
      {"\"name\":\"fc\"", "\"name\":\"fc\",\"requant\":[{\"mul\":1,\"shift\":1}]",
       "a real node has none"},
      {"\"name\":\"fc\"", "\"name\":\"fc\",\"after\":[{\"node\":\"fc\"}]",
       "stands later in the file"},
      {"\"outputs\":[{", "\"outputs\":[{\"per_frame\":false,", "per_frame is false, expected true"},
      {"[" NODE "]", "[]", "outputs: there is no value named"},
      {"[" NODE "]", "7", "expected lists"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena a = {0};
    expect_made(ENTRIES, replaced(&a, cases[i].from, cases[i].to), cases[i].words);
    arena_free(&a);
  }
}

static void test_not_finite(void **state) {
  (void)state;
  static const float bad[2] = {__builtin_nanf(""), -__builtin_inff()};
  for (int i = 0; i < 2; i++) {
    float data[8];
    memcpy(data, zeros, sizeof data);
    data[4] = bad[i];
    struct text file = model_file(ENTRIES, GRAPH, "1", data, DATA);
    model_expect(&file, "tensor \"w\": element 2 is");
    text_free(&file);
  }
}

// A cycle with a delay is a loop; without one it is an error.
static void test_cycle(void **state) {
  (void)state;
  static const char loop[] =
      "{\"name\":\"g\",\"inputs\":[{\"name\":\"x\",\"shape\":[2],\"type\":\"8,3\"}],\"tensors\":{"
      "\"b\":{\"type\":\"8,3\"}},"
      "\"nodes\":[{\"op\":\"add\",\"name\":\"n\",\"inputs\":[\"x\",%s],\"outputs\":[{\"name\":"
      "\"y\",\"shape\":[2],\"type\":\"8,3\"}],"
      "\"requant\":[{\"mul\":1,\"shift\":0},{\"mul\":1,\"shift\":0}]}],\"outputs\":[\"y\"]}";
  static const char entries[] = "\"b\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]}";
  struct arena a = {0};
  char *good = arena_printf(&a, loop, "{\"value\":\"y\",\"delay\":1,\"initial\":\"b\"}");
  char *bad = arena_printf(&a, loop, "\"y\"");
  struct text file = model_file(entries, good, "1", zeros, 2);
  model_expect(&file, "");
  text_free(&file);
  file = model_file(entries, bad, "1", zeros, 2);
  model_expect(&file, "layer \"n\": uses \"y\" before it is made");
  text_free(&file);
  arena_free(&a);
}

// Floats of 16 bits become floats: normal, subnormal, infinite, and none.
static void test_halves(void **state) {
  (void)state;
  static const char header[] = "{\"b\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[10,16]},"
                               "\"h\":{\"dtype\":\"F16\",\"shape\":[5],\"data_offsets\":[0,10]}}";
  static const uint16_t halves[] = {0x3e00, 0xc000, 0x0001, 0x7c00, 0x7bff, 0x3fc0, 0xc2f7, 0x0001};
  static const float expected[] = {1.5F, -2, 0x1p-24F, INFINITY, 65504, 1.5F, -123.5F, 0x1p-133F};
  struct arena a = {0};
  struct err e = {0};
  struct safetensors file;
  unsigned char bytes[8 + sizeof header + sizeof halves] = {0};
  size_t length = sizeof header - 1;
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(length >> 8 * i);
  memcpy(bytes + 8, header, length);
  for (size_t i = 0; i < 8; i++) {
    bytes[8 + length + 2 * i] = (unsigned char)(halves[i] & 255);
    bytes[9 + length + 2 * i] = (unsigned char)(halves[i] >> 8);
  }
  if (!safetensors_parse(&a, bytes, 8 + length + sizeof halves, &file, &e)) fail_msg("%s", e.text);
  for (int i = 0; i < 8; i++) {
    const struct tensor *t = file.tensors[i < 5].tensor; // b, h
    assert_int_equal(t->dtype, DTYPE_F32);
    assert_true(((const float *)t->data)[i % 5] == expected[i]);
  }
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_halves),     cmocka_unit_test(test_good),
      cmocka_unit_test(test_container),  cmocka_unit_test(test_raw_headers),
      cmocka_unit_test(test_every_cut),  cmocka_unit_test(test_every_byte),
      cmocka_unit_test(test_header),     cmocka_unit_test(test_graph),
      cmocka_unit_test(test_not_finite), cmocka_unit_test(test_cycle)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
