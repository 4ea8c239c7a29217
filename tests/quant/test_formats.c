// SPDX-License-Identifier: Apache-2.0
// Number formats as users write them: what each word and file means, to its bounds, and what is
// refused with which words.
#include "quant/formats.h"
#include "tests/data/helper_data.h"

#include <math.h>
#include <string.h>

static void expect_error(const struct err *e, const char *what, const char *words) {
  if (!strstr(e->text, words)) fail_msg("%s: expected \"%s\", got \"%s\"", what, words, e->text);
}

// A word that is one fixed-point type.
static void expect_type(const struct type *t, const char *what, int width, bool is_signed,
                        double scale) {
  if (t->cls != TYPE_FIXED || t->width != width || t->is_signed != is_signed ||
      t->scale[0] != scale || t->zero[0] != 0)
    fail_msg("%s: %s%d, scale %g", what, t->is_signed ? "s" : "u", t->width, t->scale[0]);
}

static const struct {
  const char *word;
  int width;
  bool is_signed;
  int fraction;
} words[] = {{"8,3", 8, true, 3},       {"2,0", 2, true, 0},     {"32,60", 32, true, 60},
             {"32,-32", 32, true, -32}, {"u1,0", 1, false, 0},   {"u32,31", 32, false, 31},
             {"u9,-1", 9, false, -1},   {"10,10", 10, true, 10}, {"9,9", 9, true, 9}};
static const char *const bad_words[] = {"",     "17",    "8,",    "8,x",   "8,3x", ",3",   "1,0",
                                        "33,0", "u0,0",  "u33,0", "-8,3",  "+8,3", " 8,3", "8, 3",
                                        "8.3",  "8,-33", "8,61",  "8,--1", "8,-",  "s8,3", "u,1",
                                        "8,/",  "/8,3",  ":8,3",  "8,:",   "8,-/", "8,-:"};

static void test_words(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    struct format stream = {0}, weight = {0};
    struct formats input = formats_new();
    struct err e = {0};
    double scale = ldexp(1, -words[i].fraction);
    assert_true(formats_set_stream(&f->arena, &stream, words[i].word, &e) && stream.has_stream);
    assert_true(formats_set_weight(&f->arena, &weight, words[i].word, &e) && weight.has_weight);
    assert_true(formats_set_input(&f->arena, &input, words[i].word, &e) && input.has_input_type);
    assert_true(weight.weight == WEIGHT_TYPE && input.input == INPUT_STREAM);
    expect_type(&stream.stream, words[i].word, words[i].width, words[i].is_signed, scale);
    expect_type(&weight.weight_type, words[i].word, words[i].width, words[i].is_signed, scale);
    expect_type(&input.input_type, words[i].word, words[i].width, words[i].is_signed, scale);
  }
  for (size_t i = 0; i < sizeof bad_words / sizeof *bad_words; i++) {
    struct format stream = {0};
    struct formats input = formats_new();
    struct err e = {0}, other = {0};
    assert_false(formats_set_stream(&f->arena, &stream, bad_words[i], &e));
    assert_false(formats_set_input(&f->arena, &input, bad_words[i], &other));
    expect_error(&e, bad_words[i], "expected W,F or uW,F");
    expect_error(&other, bad_words[i], "expected W,F or uW,F or u8 or raw");
  }
}

static void test_special_words(void **state) {
  struct fixture *f = *state;
  struct format one = {0};
  struct formats input = formats_new();
  struct err e = {0};
  assert_true(formats_set_stream(&f->arena, &one, "bipolar", &e));
  assert_int_equal(one.stream.cls, TYPE_BIPOLAR);
  assert_true(formats_set_input(&f->arena, &input, "u8", &e));
  assert_true(input.input == INPUT_U8 && !input.has_input_type);
  assert_true(formats_set_input(&f->arena, &input, "8,3", &e) && input.has_input_type);
  assert_true(formats_set_input(&f->arena, &input, "raw", &e));
  assert_true(input.input == INPUT_RAW && !input.has_input_type);
  for (int r = 0; r < FIX_ROUNDINGS; r++) {
    assert_true(formats_set_rounding(&one, fix_rounding_text((enum fix_rounding)r), &e));
    assert_int_equal(one.rounding, r);
  }
  for (int o = 0; o < FIX_OVERFLOWS; o++) {
    assert_true(formats_set_overflow(&one, fix_overflow_text((enum fix_overflow)o), &e));
    assert_int_equal(one.overflow, o);
  }
}

// A scale that the program chooses for the tensor or for each channel.
static void test_weight_words(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *word;
    int how, width;
  } good[] = {{"8", WEIGHT_AUTO, 8},
              {"8,auto", WEIGHT_AUTO, 8},
              {"2", WEIGHT_AUTO, 2},
              {"32,auto", WEIGHT_AUTO, 32},
              {"9,channel", WEIGHT_CHANNEL, 9},
              {"10,channel", WEIGHT_CHANNEL, 10},
              {"bipolar", WEIGHT_AUTO, 0},
              {"bipolar,auto", WEIGHT_AUTO, 0},
              {"bipolar,channel", WEIGHT_CHANNEL, 0},
              {"ternary", WEIGHT_AUTO, 0},
              {"ternary,channel", WEIGHT_CHANNEL, 0}};
  static const char *const bad[] = {"",         "1",        "33",        "99",     "x",
                                    "/",        ":",        "8,",        "8,Auto", "8,channels",
                                    "8auto",    "-8",       "u8",        "1,auto", "33,channel",
                                    "bipolar,", "bipolars", "ternary,8", "real"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct format w = {0};
    struct err e = {0};
    assert_true(formats_set_weight(&f->arena, &w, good[i].word, &e) && w.has_weight);
    assert_int_equal(w.weight, good[i].how);
    assert_int_equal(w.weight_width, good[i].width);
    bool bipolar = good[i].word[0] == 'b', ternary = good[i].word[0] == 't';
    assert_int_equal(w.weight_class, bipolar ? TYPE_BIPOLAR : ternary ? TYPE_TERNARY : TYPE_FIXED);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct format w = {0};
    struct err e = {0};
    assert_false(formats_set_weight(&f->arena, &w, bad[i], &e));
    expect_error(&e, bad[i], "expected W,F or W or W,auto or W,channel");
  }
}

// Minifloats: of a scale that is chosen, or that a bias says.
static void test_minifloat_words(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *word;
    int how;
    double scale; // 0: chosen
    const char *text;
  } good[] = {{"e2m1", WEIGHT_AUTO, 0, "e2m1"},
              {"e4m3fn,auto", WEIGHT_AUTO, 0, "e4m3fn"},
              {"ue4m4,channel", WEIGHT_CHANNEL, 0, "ue4m4"},
              {"log4,channel", WEIGHT_CHANNEL, 0, "e3m0"},
              {"e4m3,9", WEIGHT_TYPE, 0x1p-11, "e4m3,9"},
              {"e5m2ieee,-3", WEIGHT_TYPE, 4, "e5m2ieee,-3"}};
  static const struct {
    const char *word, *said;
  } bad[] = {{"e0m3", "weight precision: e0m3: no exponent bit"},
             {"e9m1", "e9m1: 11 bits, at most 8"},
             {"e3m9,channel", "e3m9: 13 bits, at most 8"},
             {"e6m1", "its integers need 65 bits, at most 62"},
             {"e4m3,", "expected W,F or W or W,auto or W,channel"},
             {"e4m3,channels", "or eXmY,B"},
             {"e4m3,99", "or eXmY,B"},
             {"e4m3x", "or eXmY,B"},
             {"residual", "residualN or eXmY for W"},
             {"residual2,3", "residualN or eXmY for W"},
             {"residual2,channels", "residualN or eXmY for W"},
             {"residual0", "weight precision: residualN: expected N from 1 to 4"},
             {"residual5,channel", "weight precision: residualN: expected N from 1 to 4"}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct format w = {0};
    struct err e = {0};
    char text[MINIFLOAT_TEXT];
    assert_true(formats_set_weight(&f->arena, &w, good[i].word, &e) && w.has_weight);
    assert_int_equal(w.weight, good[i].how);
    minifloat_text(&w.weight_minifloat, text);
    if (good[i].scale == 0) assert_string_equal(text, good[i].text);
    if (good[i].scale == 0) assert_int_equal(w.weight_class, TYPE_MINIFLOAT);
    if (good[i].scale == 0) continue;
    assert_string_equal(type_text(&f->arena, &w.weight_type), good[i].text);
    assert_true(w.weight_type.scale[0] == good[i].scale);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct format w = {0};
    struct err e = {0};
    assert_false(formats_set_weight(&f->arena, &w, bad[i].word, &e));
    expect_error(&e, bad[i].word, bad[i].said);
  }
  struct format r = {0};
  struct err none = {0};
  assert_true(formats_set_weight(&f->arena, &r, "residual3,channel", &none));
  assert_true(r.weight == WEIGHT_CHANNEL && r.weight_class == TYPE_RESIDUAL);
  assert_int_equal(r.weight_residual.planes, 3);
  assert_true(formats_set_weight(&f->arena, &r, "residual1", &none) && r.weight == WEIGHT_AUTO);
  // streams are, inputs alone aren't
  struct format s = {0};
  struct formats input = formats_new();
  struct err e = {0}, other = {0}, wide = {0};
  assert_true(formats_set_stream(&f->arena, &s, "e4m3,9", &e) && !s.stream_auto && s.has_stream);
  assert_string_equal(type_text(&f->arena, &s.stream), "e4m3,9");
  assert_false(formats_set_stream(&f->arena, &s, "e5m2", &wide));
  expect_error(&wide, "e5m2", "its numbers are integers of 34 bits, a stream has at most 32");
  assert_false(formats_set_input(&f->arena, &input, "e4m3", &other));
}

// ---- files

static bool reads(struct fixture *f, const char *text, struct formats *to, struct err *e) {
  return formats_read(&f->arena, put(f, "formats.json", text, strlen(text)), to, e);
}

#define TYPE(text) "{\"defaults\":{\"stream\":{" text "}}}"

static void test_objects(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *text;
    int width, zero;
    bool is_signed;
  } good[] = {{TYPE("\"fixed\":\"s8\",\"scale\":0.1,\"zero\":127"), 8, 127, true},
              {TYPE("\"fixed\":\"s8\",\"scale\":0.1,\"zero\":-128"), 8, -128, true},
              {TYPE("\"fixed\":\"s2\",\"scale\":0.1"), 2, 0, true},
              {TYPE("\"fixed\":\"u1\",\"scale\":0.1,\"zero\":1"), 1, 1, false},
              {TYPE("\"fixed\":\"u32\",\"scale\":0.1,\"zero\":2147483647"), 32, INT32_MAX, false},
              {TYPE("\"fixed\":\"s32\",\"scale\":0.1,\"zero\":-2147483648"), 32, INT32_MIN, true}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct formats to = formats_new();
    struct err e = {0};
    if (!reads(f, good[i].text, &to, &e)) fail_msg("%s: %s", good[i].text, e.text);
    const struct type *t = &to.defaults.stream;
    assert_true(to.defaults.has_stream && !to.defaults.has_weight && t->scale[0] == 0.1);
    assert_true(t->width == good[i].width && t->is_signed == good[i].is_signed);
    assert_int_equal(t->zero[0], good[i].zero);
  }
}

// The input's word stands in the file, too; that of the command line is stronger.
static void test_input(void **state) {
  struct fixture *f = *state;
  struct formats to = formats_new();
  struct err e = {0};
  assert_true(reads(f, "{\"input\":\"6,2\"}", &to, &e));
  assert_true(to.input == INPUT_STREAM && to.has_input_type && to.input_type.width == 6);
  to = formats_new();
  assert_true(formats_set_input(&f->arena, &to, "raw", &e));
  assert_true(reads(f, "{\"input\":\"6,2\"}", &to, &e));
  assert_int_equal(to.input, INPUT_RAW);
  to = formats_new();
  assert_false(reads(f, "{\"input\":\"x\"}", &to, &e));
  expect_error(&e, "x", "input precision");
  to = formats_new();
  e = (struct err){0};
  assert_false(reads(f, "{\"input\":7}", &to, &e));
}

static void test_weight_objects(void **state) {
  struct fixture *f = *state;
  struct formats to = formats_new();
  struct err e = {0};
  assert_true(
      reads(f, "{\"defaults\":{\"weight\":{\"fixed\":\"u7\",\"scale\":0.3,\"zero\":5}}}", &to, &e));
  const struct type *t = &to.defaults.weight_type;
  assert_true(to.defaults.has_weight && !to.defaults.has_stream);
  assert_int_equal(to.defaults.weight, WEIGHT_TYPE);
  assert_true(t->width == 7 && !t->is_signed && t->scale[0] == 0.3 && t->zero[0] == 5);
  assert_false(formats_read(&f->arena, path_in(f, "none.json"), &to, &e));
  expect_error(&e, "none.json", "none.json: No such file");
}

// What a file says of one layer is that layer's, of every class of weights.
static void test_classes_of_layers(void **state) {
  struct fixture *f = *state;
  struct formats to = formats_new();
  struct err e = {0};
  struct format own;
  struct node n = {.op = OP_linear, .name = "fc1"};
  assert_true(reads(f,
                    "{\"defaults\":{\"stream\":\"e4m3\",\"weight\":\"block16:4\"},"
                    "\"kinds\":{\"linear\":{\"weight\":\"e2m1,channel\"}},"
                    "\"layers\":{\"fc1\":{\"weight\":\"residual3,channel\"}}}",
                    &to, &e));
  assert_true(formats_of(&to, &n, &own, &e));
  assert_true(own.weight_class == TYPE_RESIDUAL && own.weight_residual.planes == 3);
  assert_true(own.weight == WEIGHT_CHANNEL && type_is_minifloat(&own.stream));
  n.name = "fc2";
  assert_true(formats_of(&to, &n, &own, &e));
  assert_true(own.weight_class == TYPE_MINIFLOAT && own.weight_minifloat.exponent == 2);
  n.op = OP_conv2d;
  assert_true(formats_of(&to, &n, &own, &e));
  assert_true(own.weight_class == TYPE_BLOCK && own.weight_block.size == 16);
}

// So many times the format's numbers, whose integers have the scale of its bias.
static void test_minifloat_objects(void **state) {
  struct fixture *f = *state;
  struct formats to = formats_new();
  struct err e = {0};
  assert_true(reads(f, "{\"defaults\":{\"weight\":{\"format\":\"e3m4\",\"scale\":0.3}}}", &to, &e));
  const struct type *t = &to.defaults.weight_type;
  assert_true(to.defaults.weight == WEIGHT_TYPE && type_is_minifloat(t) && t->width == 8);
  assert_true(t->scale[0] == 0.3 * 0x1p-6);
  static const struct {
    const char *text, *words;
  } bad[] = {
      {"{\"defaults\":{\"weight\":{\"format\":\"e0m4\",\"scale\":1}}}", "type: e0m4: no exponent"},
      {"{\"defaults\":{\"weight\":{\"format\":\"e3m4\",\"scale\":0}}}", "with S > 0"},
      {"{\"defaults\":{\"weight\":{\"format\":\"e3m4,2\",\"scale\":1}}}", "with S > 0"},
      {"{\"defaults\":{\"weight\":{\"format\":3,\"scale\":1}}}", "expected {\"format\":"},
      {"{\"defaults\":{\"weight\":{\"format\":\"e3m4\",\"scale\":1,\"zero\":0}}}",
       "unknown key \"zero\""},
      {"{\"defaults\":{\"stream\":{\"format\":\"e3m4\",\"scale\":1}}}", "unknown key \"format\""}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct formats none = formats_new();
    struct err error = {0};
    assert_false(reads(f, bad[i].text, &none, &error));
    expect_error(&error, bad[i].text, bad[i].words);
  }
}

static void test_refusals(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *text, *words;
  } bad[] = {
      {TYPE("\"fixed\":\"s1\",\"scale\":1"), "defaults: stream: type: expected {\"fixed\""},
      {TYPE("\"fixed\":\"u0\",\"scale\":1"), "type: expected {\"fixed\""},
      {TYPE("\"fixed\":\"s33\",\"scale\":1"), "type: expected {\"fixed\""},
      {TYPE("\"fixed\":\"u33\",\"scale\":1"), "type: expected {\"fixed\""},
      {TYPE("\"fixed\":\"8\",\"scale\":1"), "type: expected {\"fixed\""},
      {TYPE("\"fixed\":\"s8x\",\"scale\":1"), "type: expected {\"fixed\""},
      {TYPE("\"fixed\":8,\"scale\":1"), "type: expected {\"fixed\""},
      {TYPE("\"fixed\":\"s8\",\"scale\":0"), "with S > 0"},
      {TYPE("\"fixed\":\"s8\",\"scale\":-1"), "with S > 0"},
      {TYPE("\"fixed\":\"s8\",\"scale\":\"1\""), "with S > 0"},
      {TYPE("\"fixed\":\"s8\""), "with S > 0"},
      {TYPE("\"scale\":1"), "type: expected {\"fixed\""},
      {TYPE("\"fixed\":\"s8\",\"scale\":1,\"zero\":128"), "type: zero lies outside of s8"},
      {TYPE("\"fixed\":\"s8\",\"scale\":1,\"zero\":-129"), "type: zero lies outside of s8"},
      {TYPE("\"fixed\":\"u8\",\"scale\":1,\"zero\":-1"), "type: zero lies outside of u8"},
      {TYPE("\"fixed\":\"u8\",\"scale\":1,\"zero\":0.5"), "type: zero lies outside of u8"},
      {TYPE("\"fixed\":\"u32\",\"scale\":1,\"zero\":2147483648"), "zero lies outside of u32"},
      {TYPE("\"fixed\":\"s8\",\"scale\":1,\"axis\":0"), "type: unknown key \"axis\""},
      {"{\"defaults\":{\"weight\":{\"fixed\":\"s8\"}}}", "defaults: weight: type: expected"},
      {"{\"defaults\":{\"weight\":\"8,often\"}}", "defaults: weight: weight precision \"8,often\""},
      {"{\"defaults\":{\"weight\":8}}", "weight precision \"\""},
      {"{\"defaults\":{\"stream\":8}}", "stream: precision \"\""},
      {"{\"defaults\":{\"rounding\":\"up\"}}", "defaults: rounding \"up\""},
      {"{\"defaults\":{\"rounding\":1}}", "rounding \"\""},
      {"{\"defaults\":{\"overflow\":\"up\"}}", "defaults: overflow \"up\""},
      {"{\"defaults\":{\"overflow\":1}}", "overflow \"\""},
      {"{\"defaults\":7}", "defaults: entry: expected an object"},
      {"{\"default\":{}}", "formats: unknown key \"default\""},
      {"[]", "formats: expected an object"},
      {"{\"kinds\":[]}", "kinds: expected an object"},
      {"{\"layers\":\"fc1\"}", "layers: expected an object"},
      {"{\"kinds\":{\"linear\":{\"colour\":1}}}", "kinds: \"linear\": entry: unknown key"},
      {"{\"layers\":{\"fc1\":{\"stream\":\"8,\"}}}", "layers: \"fc1\": stream: precision \"8,\""},
      {"{\"kinds\":{\"linear\":{},\"lineal\":{}}}", "kinds: there is no op \"lineal\""},
      {"{\"kinds\":{\"relu\":{\"weight\":\"8\"}}}", "kinds: \"relu\": weight has no effect"},
      {"{\"kinds\":{\"flatten\":{\"stream\":\"8,3\"}}}", "\"flatten\": stream has no effect"},
      {"{\"kinds\":{\"argmax\":{\"stream\":\"8,3\"}}}", "\"argmax\": stream has no effect"},
      {"{\"kinds\":{\"softmax\":{\"where\":\"there\"}}}", "where: \"there\", expected \"circuit\""},
      {"{\"kinds\":{\"softmax\":{\"where\":2}}}", "where: \"?\", expected \"circuit\""},
      {"{\"kinds\":{\"argmax\":{\"where\":\"host\"}}}", "argmax is always in the circuit"},
      {"{\"kinds\":{\"tanh\":{\"rounding\":\"floor\"}}}", "tables are always half_even"},
      {"{\"kinds\":{\"tanh\":{\"overflow\":\"wrap\"}}}", "overflow has no effect"},
      {"{\"kinds\":{\"argmax\":{\"rounding\":\"floor\"}}}", "no layer of this kind requantises"},
      {"{\"layers\":{},\"layers\":{}}", "JSON line 1"},
      {"", "JSON line"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct formats to = formats_new();
    struct err e = {0};
    assert_false(reads(f, bad[i].text, &to, &e));
    expect_error(&e, bad[i].text, bad[i].words);
    assert_non_null(strstr(e.text, "formats.json: "));
  }
}

// ---- which entry wins

#define LAYERED                                                                                    \
  "{\"defaults\":{\"stream\":\"8,3\",\"weight\":\"5,1\",\"rounding\":\"floor\","                   \
  "\"overflow\":\"wrap\"},"                                                                        \
  "\"kinds\":{\"linear\":{\"weight\":\"6,channel\"},\"relu\":{\"stream\":\"u7,2\"},"               \
  "\"tanh\":{\"stream\":\"8,6\"}},"                                                                \
  "\"layers\":{\"fc2\":{\"weight\":\"4,2\",\"rounding\":\"ceil\"},\"never\":{}}}"

static struct format of(struct formats *f, enum op op, const char *name) {
  struct format format;
  struct err e = {0};
  if (!formats_of(f, &(struct node){.op = op, .name = name}, &format, &e)) fail_msg("%s", e.text);
  return format;
}

static void test_precedence(void **state) {
  struct fixture *f = *state;
  struct formats all = formats_new();
  struct err e = {0};
  if (!reads(f, LAYERED, &all, &e)) fail_msg("%s", e.text);
  struct format fc1 = of(&all, OP_linear, "fc1"), fc2 = of(&all, OP_linear, "fc2");
  struct format relu = of(&all, OP_relu, "act"), tanh = of(&all, OP_tanh, "act");
  expect_type(&fc1.stream, "fc1", 8, true, 0.125);
  assert_true(fc1.weight == WEIGHT_CHANNEL && fc1.weight_width == 6);
  assert_true(fc1.rounding == FIX_FLOOR && fc1.overflow == FIX_WRAP);
  assert_int_equal(fc2.weight, WEIGHT_TYPE);
  expect_type(&fc2.weight_type, "fc2", 4, true, 0.25);
  assert_true(fc2.rounding == FIX_CEIL && fc2.overflow == FIX_WRAP);
  expect_type(&relu.stream, "relu", 7, false, 0.25);
  expect_type(&relu.weight_type, "relu", 5, true, 0.5);
  expect_type(&tanh.stream, "tanh", 8, true, 0x1p-6);
  assert_true(all.layers[0].used && !all.layers[1].used);
}

// The command line stands above the file's defaults and below its layers.
static void test_command_line(void **state) {
  struct fixture *f = *state;
  struct formats all = formats_new();
  struct err e = {0};
  assert_true(formats_set_stream(&f->arena, &all.defaults, "10,4", &e));
  assert_true(formats_set_overflow(&all.defaults, "symmetric", &e));
  assert_true(reads(f, LAYERED, &all, &e));
  struct format linear = of(&all, OP_linear, "fc2"), relu = of(&all, OP_relu, "act");
  expect_type(&linear.stream, "fc2", 10, true, 0.0625);
  expect_type(&relu.stream, "relu", 7, false, 0.25);
  assert_true(linear.overflow == FIX_SYMMETRIC && relu.rounding == FIX_FLOOR);
}

// The same of a layer, whose kind is known when the model is there.
static void test_without_effect(void **state) {
  struct fixture *f = *state;
  static const struct {
    enum op op;
    const char *entry, *words;
  } rows[] = {{OP_relu, "\"weight\":\"8\"", "formats: weight has no effect: relu has"},
              {OP_dropout, "\"stream\":\"8,3\"", "stream has no effect"},
              {OP_identity, "\"stream\":\"8,3\"", "stream has no effect"},
              {OP_sigmoid, "\"rounding\":\"ceil\"", "rounding has no effect: tables"},
              {OP_softmax, "\"overflow\":\"wrap\"", "overflow has no effect"},
              {OP_linear, "\"weight\":\"8\",\"rounding\":\"ceil\"", NULL},
              {OP_concat, "\"stream\":\"8,3\",\"overflow\":\"wrap\"", NULL},
              {OP_relu, "\"where\":\"circuit\"", "where has no effect: relu is always in"},
              {OP_softmax, "\"where\":\"circuit\"", NULL},
              {OP_softmax, "\"stream\":\"8,3\"", NULL}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct formats all = formats_new();
    struct format format;
    struct err e = {0};
    char text[200];
    snprintf(text, sizeof text, "{\"layers\":{\"it\":{%s}}}", rows[i].entry);
    if (!reads(f, text, &all, &e)) fail_msg("%s", e.text);
    bool ok = formats_of(&all, &(struct node){.op = rows[i].op, .name = "it"}, &format, &e);
    assert_true(ok == !rows[i].words);
    if (rows[i].words) expect_error(&e, text, rows[i].words);
  }
}

// Weights that nobody speaks of are as wide as the stream, but not narrower than two bits; signs
// go with a stream of signs.
static void test_weights_follow_the_stream(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *stream;
    int width;
  } rows[] = {{"8,3", 8}, {"u1,0", 2}, {"bipolar", 2}, {"2,0", 2}, {"3,0", 3}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct formats all = formats_new();
    struct err e = {0};
    assert_true(formats_set_stream(&f->arena, &all.defaults, rows[i].stream, &e));
    struct format linear = of(&all, OP_linear, "fc");
    assert_int_equal(linear.weight, WEIGHT_AUTO);
    assert_int_equal(linear.weight_width, rows[i].width);
    assert_int_equal(linear.weight_class, rows[i].stream[0] == 'b' ? TYPE_BIPOLAR : TYPE_FIXED);
    assert_true(linear.rounding == NONE && linear.overflow == NONE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {DATA_CASE(test_words),
                                     DATA_CASE(test_special_words),
                                     DATA_CASE(test_without_effect),
                                     DATA_CASE(test_weight_words),
                                     DATA_CASE(test_objects),
                                     DATA_CASE(test_weight_objects),
                                     DATA_CASE(test_minifloat_words),
                                     DATA_CASE(test_minifloat_objects),
                                     DATA_CASE(test_classes_of_layers),
                                     DATA_CASE(test_refusals),
                                     DATA_CASE(test_precedence),
                                     DATA_CASE(test_command_line),
                                     DATA_CASE(test_weights_follow_the_stream),
                                     DATA_CASE(test_input)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
