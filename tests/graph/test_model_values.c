// SPDX-License-Identifier: Apache-2.0
// The graph's JSON, field by field: each value that isn't of its kind or lies beyond its bounds is
// refused with the field's name, and what lies on the bounds is taken.
#include "sw/graph/model.h"
#include "tests/graph/helper_model.h"

#include <string.h>

// The tensors that a case may name; a file has only those that it does.
static const struct stored {
  const char *name, *dtype, *shape;
  size_t bytes;
} stored[] = {{"t", "I8", "2", 2},       {"d", "F64", "2", 16},   {"m", "I64", "2", 16},
              {"s", "I32", "2", 8},      {"z", "I32", "1,2", 8},  {"k", "U8", "2", 2},
              {"p", "I32", "256", 1024}, {"e", "I32", "0,256", 0}};

struct field {
  const char *name, *otherwise;
};
static const struct field fields[] = {
    {"graph", ""},        {"shape", "[2]"},
    {"xtype", "\"8,0\""}, {"source", ""},
    {"ttype", "\"8,0\""}, {"tensor", ""},
    {"node", ""},         {"requant", "{\"mul\":1,\"shift\":0},{\"mul\":1,\"shift\":0}"},
    {"ytype", "\"8,0\""}, {"use", "\"t\""},
};

#define GRAPH                                                                                      \
  "{\"name\":\"g\"@graph,\"inputs\":[{\"name\":\"x\",\"shape\":@shape,\"type\":@xtype@source}],"   \
  "\"tensors\":{\"t\":{\"type\":@ttype@tensor}},\"nodes\":[{\"op\":\"add\",\"name\":\"n\","        \
  "\"inputs\":[\"x\",@use],\"outputs\":[{\"name\":\"y\",\"shape\":[2],\"type\":@ytype}],"          \
  "\"requant\":[@requant]@node}],\"outputs\":[\"y\"]}"

// x (2), a tensor t (2) and a node of every field. What follows @ is put in its place.
// GRAPH with one field replaced.
static char *graph_with(struct arena *a, const char *name, const char *with) {
  struct text t = {0};
  for (const char *p = GRAPH; *p;) {
    const struct field *f = NULL;
    for (size_t i = 0; *p == '@' && i < sizeof fields / sizeof *fields; i++)
      if (strncmp(p + 1, fields[i].name, strlen(fields[i].name)) == 0) f = &fields[i];
    if (f) text_puts(&t, strcmp(f->name, name) == 0 ? with : f->otherwise);
    if (!f) text_put(&t, p, 1);
    p += f ? 1 + strlen(f->name) : 1;
  }
  char *graph = arena_strdup(a, t.data);
  text_free(&t);
  return graph;
}

static const char *verdict_of(struct arena *a, const char *graph) {
  struct text entries = {0};
  unsigned char data[2048] = {0};
  size_t size = 0;
  for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
    const struct stored *t = &stored[i];
    if (!strstr(graph, arena_printf(a, "\"%s\"", t->name))) continue;
    text_printf(&entries, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                size ? "," : "", t->name, t->dtype, t->shape, size, size + t->bytes);
    for (size_t k = 0; k < t->bytes; k += t->bytes / 2) data[size + k] = 1; // scales: tiny
    if (*t->name == 'k') memset(data + size, 0, t->bytes);
    size += t->bytes;
  }
  struct text file = model_file(entries.data, graph, "1", data, size);
  const char *words = model_verdict(a, &file);
  text_free(&entries);
  text_free(&file);
  return words;
}

struct row {
  const char *field, *with, *words;
};

#define GOOD ""
static const struct row rows[] = {
    {"graph", "", GOOD},
    {"graph", ",\"loss\":1", "graph: unknown key \"loss\""},
    {"shape", "2", "value \"x\": shape: expected a list of at most 8 dimensions"},
    {"shape", "[1,1,1,1,1,1,1,2]", "its inputs give ("},
    {"shape", "[1,1,1,1,1,1,1,1,2]", "shape: expected a list of at most 8 dimensions"},
    {"shape", "[2.0]", "shape: dimension 0, expected 1 to 16777216"},
    {"shape", "[1,0]", "shape: dimension 1, expected 1 to 16777216"},
    {"shape", "[16777217]", "shape: dimension 0, expected 1 to 16777216"},
    {"shape", "[16777216]", "layer \"n\""}, // read; t has two elements
    {"xtype", "7", "type: expected an object"},
    {"xtype", "\"9\"",
     "type \"9\", expected real, ref, bipolar, ternary, W,F, uW,F, eXmY, eXmY,B, blockN:W"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1}", GOOD},
    {"xtype", "{\"fixed\":\"s2\",\"scale\":1}", GOOD},
    {"xtype", "{\"fixed\":\"u1\",\"scale\":1}", GOOD},
    {"xtype", "{\"fixed\":\"s1\",\"scale\":1}", "type: \"s1\", expected s2..s62 or u1..u62"},
    {"xtype", "{\"fixed\":\"u0\",\"scale\":1}", "type: \"u0\", expected s2..s62"},
    {"xtype", "{\"fixed\":\"s63\",\"scale\":1}", "type: \"s63\", expected s2..s62"},
    {"xtype", "{\"fixed\":\"u63\",\"scale\":1}", "type: \"u63\", expected s2..s62"},
    {"xtype", "{\"fixed\":\"s62\",\"scale\":1}", "a stream has at most 32 bits"},
    {"xtype", "{\"fixed\":\"s08\",\"scale\":1}", "type: \"s08\", expected"},
    {"xtype", "{\"fixed\":\"s:\",\"scale\":1}", "type: \"s:\", expected"},
    {"xtype", "{\"fixed\":\"s9\",\"scale\":1}", GOOD},
    {"xtype", "{\"fixed\":\"i8\",\"scale\":1}", "type: \"i8\", expected"},
    {"xtype", "{\"fixed\":\"s8x\",\"scale\":1}", "type: \"s8x\", expected"},
    {"xtype", "{\"fixed\":8,\"scale\":1}", "type: \"?\", expected"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"bias\":0}", "type: unknown key \"bias\""},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"axis\":-1}", GOOD},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"axis\":-2}", "type: axis, expected an integer"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"axis\":8}", "type: axis, expected an integer"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"axis\":7}", "channels on axis 7"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"axis\":0.5}", "from -1 to 7"},
    {"xtype", "{\"fixed\":\"s8\"}", "type: scale is neither a number nor a name"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":[1]}", "type: scale is neither a number nor a name"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":\"q\"}", "tensor \"q\" isn't in the file"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":\"t\"}", "tensor \"t\": expected a list of F64"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":\"d\"}", "type: 2 scales but no axis"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":\"d\",\"axis\":0}", "one scale per tensor"}, // read
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"zero\":\"s\"}", "type: 2 zeros for 1 scales"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":\"d\",\"zero\":\"s\",\"axis\":0}", "one scale"}, // read
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"zero\":\"z\"}", "found I32 of rank 2"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"zero\":0.5}",
     "zero is neither a 32-bit integer nor"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"zero\":2147483648}", "neither a 32-bit integer"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"zero\":-2147483649}", "neither a 32-bit integer"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"zero\":127}", GOOD},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"zero\":128}", "zero 128 lies outside of s8"},
    {"xtype", "{\"fixed\":\"s8\",\"scale\":1,\"zero\":-129}", "zero -129 lies outside of s8"},
    {"xtype", "\"e4m3\"", GOOD},
    {"xtype", "\"e5m2\"", "has type e5m2, expected numbers that are integers of at most 32 bits"},
    {"ytype", "\"e4m3\"", GOOD},
    {"xtype", "\"block2:4\"",
     "has type block2:4, expected another: blocks and residuals are types of"},
    {"ttype", "\"9\"", "tensors: \"t\": type \"9\""},
    {"ttype", "\"8,0\"},\"q\":{\"type\":\"8,0\"", "tensor \"q\" isn't in the file"},
    {"tensor", ",\"colour\":1", "tensors: \"t\": entry: unknown key \"colour\""},
    {"tensor", ",\"axis_of_out\":0", GOOD},
    {"tensor", ",\"axis_of_out\":1", "axis_of_out: expected 0, weights are (OUT, IN)"},
    {"tensor", ",\"axis_of_out\":0.0", "axis_of_out: expected 0, weights are (OUT, IN)"},
    {"tensor", ",\"mask\":1", "mask: expected a name"},
    {"tensor", ",\"mask\":\"q\"", "tensor \"q\" isn't in the file"},
    {"tensor", ",\"mask\":\"s\"", "mask: dtype "},
    {"tensor", ",\"mask\":\"k\"", "element 0 stands for "}, // read
    {"source", ",\"source\":1", "source: expected an object"},
    {"source", ",\"source\":{\"type\":\"f4\"}", "source: type \"f4\", expected u8"},
    {"source", ",\"source\":{\"type\":8}", "source: type \"?\", expected u8"},
    {"source", ",\"source\":{\"type\":\"u8\",\"gain\":1}", "source: unknown key \"gain\""},
    {"source", ",\"source\":{\"type\":\"u8\"}", "source: mean: expected a list of numbers"},
    {"source", ",\"source\":{\"type\":\"u8\",\"mean\":[]}", "source: mean: expected a list"},
    {"source", ",\"source\":{\"type\":\"u8\",\"mean\":[0,\"1\"]}",
     "mean: element 1 isn't a number"},
    {"source", ",\"source\":{\"type\":\"u8\",\"mean\":[0],\"std\":1}",
     "source: std: expected a list"},
    {"source", ",\"source\":{\"type\":\"u8\",\"mean\":[0],\"std\":[1,1]}", "1 means, 2 deviations"},
    {"source", ",\"source\":{\"type\":\"u8\",\"mean\":[0],\"std\":[1],\"table\":0}",
     "source: table: expected a name"},
    {"source", ",\"source\":{\"type\":\"u8\",\"mean\":[0],\"std\":[1],\"table\":\"q\"}",
     "tensor \"q\" isn't in the file"},
    {"source", ",\"source\":{\"type\":\"u8\",\"mean\":[0],\"std\":[1],\"table\":\"z\"}",
     "source: table \"z\": expected I32 (256) or (channels, 256)"},
    {"source", ",\"source\":{\"type\":\"u8\",\"mean\":[0],\"std\":[1],\"table\":\"m\"}",
     "source: table \"m\": expected I32 (256) or (channels, 256)"},
    {"source", ",\"source\":{\"type\":\"u8\",\"mean\":[0],\"std\":[1],\"table\":\"e\"}",
     "source: table \"e\": expected I32 (256) or (channels, 256)"},
    {"source", ",\"source\":{\"type\":\"u8\",\"mean\":[0],\"std\":[1],\"table\":\"p\"}", GOOD},
    {"use", "1", "use: expected an object"},
    {"use", "\"q\"", "layer \"n\": there is no value named \"q\""},
    {"use", "{\"value\":\"t\"}", "there is no value named \"?\""},
    {"use", "{\"value\":\"q\",\"delay\":1,\"initial\":\"t\"}", "there is no value named \"q\""},
    {"use", "{\"value\":\"y\",\"delay\":1,\"initial\":\"t\"}", GOOD},
    {"use", "{\"value\":\"y\",\"delay\":65536,\"initial\":\"t\"}", GOOD},
    {"use", "{\"value\":\"y\",\"delay\":65537,\"initial\":\"t\"}", "delay: expected an integer"},
    {"use", "{\"value\":\"y\",\"delay\":0,\"initial\":\"t\"}", "delay: expected an integer"},
    {"use", "{\"value\":\"y\",\"delay\":\"1\",\"initial\":\"t\"}", "delay: expected an integer"},
    {"use", "{\"value\":\"t\",\"delay\":1,\"initial\":\"x\"}", "isn't a tensor of its shape"},
    {"use", "{\"value\":\"y\",\"delay\":1,\"initial\":\"t\",\"a\":1}", "unknown key \"a\""},
    {"requant", "1", "requant: expected an object"},
    {"requant", "{\"mul\":1,\"shift\":0,\"by\":1}", "requant: unknown key \"by\""},
    {"requant", "{\"mul\":1}", "requant: mul and shift are integers or names"},
    {"requant", "{\"mul\":0.5,\"shift\":1}", "requant: mul and shift are integers or names"},
    {"requant", "{\"mul\":1,\"shift\":[1]}", "requant: mul and shift are integers or names"},
    {"requant", "{\"mul\":\"q\",\"shift\":1}", "tensor \"q\" isn't in the file"},
    {"requant", "{\"mul\":\"s\",\"shift\":1}", "tensor \"s\": expected a list of I64"},
    {"requant", "{\"mul\":1,\"shift\":\"m\"}", "tensor \"m\": expected a list of I32"},
    {"requant", "{\"mul\":1,\"shift\":0},{\"mul\":\"m\",\"shift\":\"s\"}",
     "share one shift"}, // read
    {"requant", "{\"mul\":1,\"shift\":0},{\"mul\":1,\"shift\":100000}", "shift 1000; expected"},
    {"requant", "{\"mul\":1,\"shift\":0},{\"mul\":1,\"shift\":-100000}", "shift 1000; expected"},
    {"requant", "{\"mul\":1,\"shift\":127},{\"mul\":1,\"shift\":127}", GOOD},
    {"requant", "{\"mul\":1,\"shift\":128},{\"mul\":1,\"shift\":127}", "shift 128; expected"},
    {"ytype", "\"8,0\",\"per_frame\":true", GOOD},
    {"ytype", "\"8,0\",\"per_frame\":1", "per_frame: expected true or false"},
    {"ytype", "\"8,0\",\"colour\":1", "unknown key \"colour\""},
    {"node", ",\"where\":\"host\"", GOOD},
    {"node", ",\"where\":1", "where: \"?\", expected \"circuit\" or \"host\""},
    {"node", ",\"rounding\":\"ceil\",\"overflow\":\"wrap\"", GOOD},
    {"node", ",\"rounding\":1", "rounding: unknown mode \"?\""},
    {"node", ",\"overflow\":1", "overflow: unknown mode \"?\""},
    {"node", ",\"overflow\":\"up\"", "overflow: unknown mode \"up\""},
    {"node", ",\"attrs\":[]", "attrs: expected an object"},
    {"node", ",\"attrs\":{\"axis\":\"1\"}", "attribute \"axis\": expected an integer"},
    {"node", ",\"attrs\":{\"slice\":1}", "attribute \"slice\": expected a list"},
    {"node", ",\"attrs\":{\"slice\":[0,0,1.5]}", "attribute \"slice\": expected integers"},
    {"node", ",\"attrs\":{\"slice\":[0,0,2]}", GOOD},
    {"node", ",\"attrs\":{\"slope\":\"1\"}", "attribute \"slope\": expected a number"},
    {"node", ",\"attrs\":{\"table\":1}", "attribute \"table\": expected a name"},
    {"node", ",\"attrs\":{\"table\":\"q\"}", "tensor \"q\" isn't in the file"},
    {"node", ",\"attrs\":{\"init\":1}", "there is no value named \"?\""},
    {"node", ",\"attrs\":{\"init\":\"x\"}", "attribute \"init\": \"x\" isn't a tensor"},
    {"node", ",\"attrs\":{\"function\":1}", "attribute \"function\": expected a string"},
    {"node", ",\"after\":{}", "after: expected a list"},
    {"node", ",\"after\":[1]", "after: expected an object"},
    {"node", ",\"after\":[{\"node\":\"n\",\"a\":1}]", "after: unknown key \"a\""},
    {"node", ",\"after\":[{\"node\":\"q\"}]", "after: there is no node named \"q\""},
    {"node", ",\"after\":[{\"node\":1}]", "after: there is no node named \"?\""},
    {"node", ",\"after\":[{\"node\":\"n\",\"delay\":1}]", GOOD},
    {"node", ",\"after\":[{\"node\":\"n\",\"delay\":65536}]", GOOD},
    {"node", ",\"after\":[{\"node\":\"n\",\"delay\":65537}]", "after: delay: expected an integer"},
    {"node", ",\"after\":[{\"node\":\"n\",\"delay\":-1}]", "after: delay: expected an integer"},
    {"node", ",\"after\":[{\"node\":\"n\",\"delay\":\"1\"}]", "after: delay: expected an integer"},
    {"node", ",\"after\":[{\"node\":\"n\",\"delay\":0}]", "\"n\" stands later in the file"},
    {"node", ",\"origin\":\"a\"", "origin: expected a list"},
    {"node", ",\"origin\":[1]", "origin: expected strings"},
    {"node", ",\"refs\":[\"q\"]", "there is no value named \"q\""},
};

static void test_fields(void **state) {
  (void)state;
  int wrong = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    const char *words = verdict_of(&a, graph_with(&a, rows[i].field, rows[i].with));
    bool right = *rows[i].words ? strstr(words, rows[i].words) != NULL : !*words;
    if (!right)
      print_error("%s %s: expected \"%s\", got \"%s\"\n", rows[i].field, rows[i].with,
                  rows[i].words, words);
    wrong += !right;
    arena_free(&a);
  }
  assert_int_equal(wrong, 0);
}

// A variable's first content is a tensor of the file.
static void test_variable(void **state) {
  (void)state;
  static const char graph[] =
      "{\"name\":\"g\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"type\":\"8,0\"}],"
      "\"tensors\":{\"t\":{\"type\":\"8,0\"}},\"nodes\":[{\"op\":\"variable\",\"name\":\"v\","
      "\"attrs\":{\"init\":\"%s\"},\"outputs\":[{\"name\":\"r\",\"shape\":[2],\"type\":\"ref\","
      "\"per_frame\":false}]},{\"op\":\"read\",\"name\":\"n\",\"refs\":[\"%s\"],\"outputs\":[{"
      "\"name\":"
      "\"y\",\"shape\":[2],\"type\":\"8,0\",\"per_frame\":false}]}],\"outputs\":[\"y\"]}";
  static const struct {
    const char *init, *ref, *words;
  } cases[] = {{"t", "r", ""},
               {"q", "r", "layer \"v\": there is no value named \"q\""},
               {"x", "r", "layer \"v\": attribute \"init\": \"x\" isn't a tensor"},
               {"t", "q", "layer \"n\": there is no value named \"q\""},
               {"t", "t", "layer \"n\": reference \"t\" is not a variable"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena a = {0};
    const char *text = arena_printf(&a, graph, cases[i].init, cases[i].ref);
    const char *words = verdict_of(&a, text);
    if (*cases[i].words ? !strstr(words, cases[i].words) : *words)
      fail_msg("expected \"%s\", got \"%s\"", cases[i].words, words);
    arena_free(&a);
  }
}

// Weights of minifloats are codes of the file, and integers of the graph.
static const struct {
  const char *type, *dtype;
  uint8_t codes[4];
  const char *words;   // of a refusal; NULL: none
  int64_t integers[4]; // otherwise
} coded[] = {
    {"\"e2m1\"", "U8", {0, 1, 7, 15}, NULL, {0, 1, 12, -12}},
    {"\"e2m1,5\"", "U8", {2, 3, 4, 5}, NULL, {2, 3, 4, 6}},
    {"\"ue2m2\"", "U8", {0, 15, 8, 4}, NULL, {0, 28, 8, 4}},
    {"\"e5m2ieee\"", "U8", {0, 0x7b, 0xfb, 4}, NULL, {0, 3758096384, -3758096384, 4}},
    {"{\"format\":\"e3m0\",\"scale\":0.3}", "U8", {1, 2, 7, 9}, NULL, {1, 2, 64, -1}},
    {"{\"format\":\"log4\",\"scale\":0.3}", "U8", {1, 2, 7, 9}, NULL, {1, 2, 64, -1}},
    {"{\"format\":\"e4m3fn\",\"scale\":\"d\",\"axis\":0}",
     "U8",
     {0, 1, 0x7e, 0xfe},
     NULL,
     {0, 1, 229376, -229376}},
    {"\"e2m1\"",
     "U8",
     {0, 1, 16, 0},
     "tensors: \"w\": e2m1: element 2 is code 0x10, which has more bits",
     {0}},
    {"\"e2m1\"", "U8", {8, 1, 0, 0}, "e2m1: element 0 is code 0x08, which is -0, expected 0", {0}},
    {"\"e4m3fn\"", "U8", {0, 0, 0, 0x7f}, "element 3 is code 0x7f, which is no finite number", {0}},
    {"\"e4m3fn\"", "U8", {0, 0xff, 0, 0}, "element 1 is code 0xff, which is no finite number", {0}},
    {"\"e5m2ieee\"",
     "U8",
     {0, 0x7c, 0, 0},
     "element 1 is code 0x7c, which is no finite number",
     {0}},
    {"\"e2m1\"", "I8", {0, 1, 7, 2}, "dtype I8, codes of e2m1 are stored as U8", {0}},
    {"\"e0m3\"", "U8", {0}, "type \"e0m3\", expected", {0}},
    {"\"e3m9\"", "U8", {0}, "type \"e3m9\", expected", {0}},
    {"{\"format\":\"e0m3\",\"scale\":1}", "U8", {0}, "type: e0m3: no exponent bit", {0}},
    {"{\"format\":\"e6m1\",\"scale\":1}", "U8", {0}, "e6m1: its integers need 65 bits", {0}},
    {"{\"format\":\"e4m3x\",\"scale\":1}", "U8", {0}, "format \"e4m3x\", expected eXmY", {0}},
    {"{\"format\":4,\"scale\":1}", "U8", {0}, "format \"?\", expected eXmY", {0}},
    {"{\"format\":\"e4m3\"}", "U8", {0}, "scale is neither a number nor a name", {0}},
    {"{\"format\":\"e4m3\",\"scale\":-1}", "U8", {0}, "scale -", {0}},
    {"{\"format\":\"e4m3\",\"scale\":\"d\"}", "U8", {0}, "2 scales but no axis", {0}},
    {"{\"format\":\"e4m3\",\"scale\":1,\"zero\":1}", "U8", {0}, "unknown key \"zero\"", {0}},
    {"{\"format\":\"residual2\",\"factors\":[5,2],\"scale\":0.3}",
     "U8",
     {0, 1, 2, 3},
     NULL,
     {-7, 3, -3, 7}},
    {"{\"format\":\"residual1\",\"factors\":[1],\"scale\":1}",
     "U8",
     {0, 1, 1, 0},
     NULL,
     {-1, 1, 1, -1}},
    {"{\"format\":\"residual4\",\"factors\":[127,1,127,9],\"scale\":\"d\",\"axis\":0}",
     "U8",
     {15, 0, 5, 8},
     NULL,
     {264, -264, 244, -246}},
    {"{\"format\":\"residual2\",\"factors\":[5,2],\"scale\":1}",
     "U8",
     {0, 4, 2, 3},
     "element 1 is code 0x04, residual2 has codes of 2 bits",
     {0}},
    {"{\"format\":\"residual2\",\"factors\":[5,2],\"scale\":1}",
     "I8",
     {0},
     "dtype I8, codes of residual2 are stored as U8",
     {0}},
    {"{\"format\":\"residual0\",\"factors\":[],\"scale\":1}",
     "U8",
     {0},
     "type: residualN: expected N from 1 to 4",
     {0}},
    {"{\"format\":\"residual5\",\"factors\":[1,1,1,1,1],\"scale\":1}",
     "U8",
     {0},
     "type: residualN: expected N from 1 to 4",
     {0}},
    {"{\"format\":\"residual2\",\"factors\":[5],\"scale\":1}",
     "U8",
     {0},
     "factors, expected 2 integers from 1 to 127",
     {0}},
    {"{\"format\":\"residual2\",\"factors\":[5,0],\"scale\":1}",
     "U8",
     {0},
     "factors, expected 2",
     {0}},
    {"{\"format\":\"residual2\",\"factors\":[128,1],\"scale\":1}",
     "U8",
     {0},
     "factors, expected 2",
     {0}},
    {"{\"format\":\"residual2\",\"factors\":[2.0,1],\"scale\":1}",
     "U8",
     {0},
     "factors, expected 2",
     {0}},
    {"{\"format\":\"residual2\",\"scale\":1}", "U8", {0}, "factors, expected 2", {0}},
    {"{\"format\":\"residual2\",\"factors\":[5,2]}",
     "U8",
     {0},
     "scale is neither a number nor a name",
     {0}},
    {"{\"format\":\"residual2\",\"factors\":[5,2],\"scale\":\"d\"}",
     "U8",
     {0},
     "2 scales but no axis",
     {0}},
    {"{\"format\":\"residual2\",\"factors\":[5,2],\"scale\":1,\"bias\":1}",
     "U8",
     {0},
     "unknown key \"bias\"",
     {0}},
    {"{\"format\":\"residual2x\",\"factors\":[5,2],\"scale\":1}", "U8", {0}, "unknown key", {0}},
    {"\"residual2\"", "U8", {0}, "or an object such as {\"format\":\"residual2\",", {0}},
};

static struct text coded_file(struct arena *a, size_t i) {
  const char *graph = arena_printf(
      a,
      "{\"name\":\"g\",\"inputs\":[{\"name\":\"x\",\"shape\":[2],\"type\":\"8,0\"}],\"tensors\":{"
      "\"w\":{\"type\":%s}},\"nodes\":[{\"op\":\"linear\",\"name\":\"n\",\"inputs\":[\"x\",\"w\"],"
      "\"outputs\":[{\"name\":\"y\",\"shape\":[2],\"type\":\"8,0\"}],\"requant\":[{\"mul\":1,"
      "\"shift\":0}]}],\"outputs\":[\"y\"]}",
      coded[i].type);
  bool scales = strstr(coded[i].type, "\"d\"") != NULL;
  const double d[2] = {0.5, 2};
  unsigned char data[20] = {0};
  if (scales) memcpy(data, d, sizeof d);
  size_t at = scales ? sizeof d : 0;
  memcpy(data + at, coded[i].codes, 4);
  const char *entries =
      arena_printf(a, "%s\"w\":{\"dtype\":\"%s\",\"shape\":[2,2],\"data_offsets\":[%zu,%zu]}",
                   scales ? "\"d\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}," : "",
                   coded[i].dtype, at, at + 4);
  return model_file(entries, graph, "1", data, at + 4);
}

static void test_coded(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof coded / sizeof *coded; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct text file = coded_file(&a, i), again = {0};
    const char *words = model_verdict(&a, &file);
    if (coded[i].words ? !strstr(words, coded[i].words) : *words)
      fail_msg("%s: \"%s\", expected \"%s\"", coded[i].type, words, coded[i].words);
    struct graph *g = coded[i].words ? NULL : model_parse(&a, file.data, file.size, &e);
    for (int k = 0; g && k < 4; k++)
      assert_int_equal(tensor_int(g->values[graph_find_value(g, "w")].init, k),
                       coded[i].integers[k]);
    // written and read again it is the same, and so are the bytes written from that
    if (g) model_put(&again, g);
    struct graph *h = g ? model_parse(&a, again.data, again.size, &e) : NULL;
    if (h) {
      struct text third = {0};
      assert_true(type_equal(&g->values[graph_find_value(g, "w")].type,
                             &h->values[graph_find_value(h, "w")].type));
      model_put(&third, h);
      assert_true(third.size == again.size && memcmp(third.data, again.data, third.size) == 0);
      text_free(&third);
    }
    assert_int_equal(g != NULL, h != NULL);
    text_free(&file);
    text_free(&again);
    arena_free(&a);
  }
}

// Blocks of two of the three weights of an output: elements, and exponents beside them.
static const struct {
  const char *type, *dtype;
  uint8_t codes[6];
  const char *shared; // dtype and shape; NULL: none
  int8_t exponents[4];
  const char *words; // of a refusal; NULL: none
  int64_t integers[6];
  double scale;
} blocks[] = {
    {"\"block2:4\"",
     "I8",
     {7, 0xf9, 1, 0, 0, 3},
     "\"I8\",\"shape\":[2,2]",
     {1, 0, 0, 3},
     NULL,
     {14, -14, 1, 0, 0, 24},
     1},
    // the least exponent is that of weights that aren't zero, and of several that say the same
    {"\"block2:4\"",
     "I8",
     {4, 2, 4, 0, 0, 0},
     "\"I8\",\"shape\":[2,2]",
     {-6, -7, -30, 5},
     NULL,
     {8, 4, 4, 0, 0, 0},
     0x1p-7},
    {"\"block2:e2m1\"",
     "U8",
     {7, 9, 1, 0, 15, 2},
     "\"I8\",\"shape\":[2,2]",
     {-1, -2, -2, -2},
     NULL,
     {24, -2, 1, 0, -12, 2},
     0x1p-2},
    {"{\"format\":\"block2:4\",\"scale\":0.3}",
     "I8",
     {1, 2, 3, 4, 5, 6},
     "\"I8\",\"shape\":[2,2]",
     {0, 0, 0, 0},
     NULL,
     {1, 2, 3, 4, 5, 6},
     0.3},
    // 4 * 2^9 is 64 * 2^5 too: integers of 16 bits, not of 32
    {"\"block2:8\"",
     "I8",
     {1, 0, 2, 0, 4, 0},
     "\"I8\",\"shape\":[2,2]",
     {0, 0, 9, 0},
     NULL,
     {1, 0, 2, 0, 2048, 0},
     1},
    {"\"block9:4\"",
     "I8",
     {1, 2, 3, 4, 5, 6},
     "\"I8\",\"shape\":[2,1]",
     {0, 1},
     NULL,
     {1, 2, 3, 8, 10, 12},
     1},
    {"\"block2:4\"",
     "I8",
     {1, 2, 3, 4, 5, 6},
     NULL,
     {0},
     "tensor \"w.shared\" isn't in the file",
     {0},
     0},
    {"\"block2:4\"",
     "I8",
     {1, 2, 3, 4, 5, 6},
     "\"I8\",\"shape\":[4]",
     {0},
     "tensor \"w.shared\": expected I8 (2, 2), an exponent for each 2 of the 3 weights",
     {0},
     0},
    {"\"block2:4\"",
     "I8",
     {1, 2, 3, 4, 5, 6},
     "\"I8\",\"shape\":[1,3]",
     {0},
     "expected I8 (2, 2)",
     {0},
     0},
    {"\"block2:4\"",
     "I8",
     {1, 2, 3, 4, 5, 6},
     "\"U8\",\"shape\":[2,2]",
     {0},
     "expected I8 (2, 2)",
     {0},
     0},
    {"\"block2:4\"",
     "I8",
     {1, 2, 3, 4, 5, 6},
     "\"I8\",\"shape\":[2,2]",
     {0, 32, 0, 0},
     "element 1 is 32, expected an exponent from -32 to 31",
     {0},
     0},
    {"\"block2:4\"",
     "I8",
     {1, 2, 3, 4, 5, 6},
     "\"I8\",\"shape\":[2,2]",
     {0, 0, 0, -33},
     "element 3 is -33, expected an exponent from -32 to 31",
     {0},
     0},
    {"\"block2:4\"",
     "I8",
     {1, 0xf8, 3, 4, 5, 6},
     "\"I8\",\"shape\":[2,2]",
     {0},
     "element 1 is -8, which block2:4 doesn't have",
     {0},
     0},
    {"\"block2:e2m1\"",
     "U8",
     {1, 2, 8, 4, 5, 6},
     "\"I8\",\"shape\":[2,2]",
     {0},
     "element 2 is 8, which block2:e2m1 doesn't have",
     {0},
     0},
    {"\"block2:e2m1\"",
     "I8",
     {1, 2, 3, 4, 5, 6},
     "\"I8\",\"shape\":[2,2]",
     {0},
     "dtype I8, elements of block2:e2m1 are stored as U8",
     {0},
     0},
    {"\"block2:8\"",
     "I8",
     {127, 2, 1, 4, 5, 6},
     "\"I8\",\"shape\":[2,2]",
     {31, -32, 0, 0},
     "exponents from -32 to 31, integers of more than 62 bits",
     {0},
     0},
    {"\"block0:4\"",
     "I8",
     {1},
     "\"I8\",\"shape\":[2,2]",
     {0},
     "type \"block0:4\", expected",
     {0},
     0},
    {"{\"format\":\"block0:4\",\"scale\":1}",
     "I8",
     {1},
     "\"I8\",\"shape\":[2,2]",
     {0},
     "block0: expected 1 to 65536 weights a block",
     {0},
     0},
    {"{\"format\":\"block2:4\",\"scale\":1,\"axis\":0}",
     "I8",
     {1},
     "\"I8\",\"shape\":[2,2]",
     {0},
     "blocks have one scale",
     {0},
     0},
};

static struct text block_file(struct arena *a, size_t i) {
  const char *graph = arena_printf(
      a,
      "{\"name\":\"g\",\"inputs\":[{\"name\":\"x\",\"shape\":[3],\"type\":\"8,0\"}],\"tensors\":{"
      "\"w\":{\"type\":%s}},\"nodes\":[{\"op\":\"linear\",\"name\":\"n\",\"inputs\":[\"x\",\"w\"],"
      "\"outputs\":[{\"name\":\"y\",\"shape\":[2],\"type\":\"8,0\"}],\"requant\":[{\"mul\":1,"
      "\"shift\":0}]}],\"outputs\":[\"y\"]}",
      blocks[i].type);
  unsigned char data[10];
  size_t count = blocks[i].shared ? (strstr(blocks[i].shared, "[2,1]")   ? 2
                                     : strstr(blocks[i].shared, "[1,3]") ? 3
                                                                         : 4)
                                  : 0;
  memcpy(data, blocks[i].codes, 6);
  memcpy(data + 6, blocks[i].exponents, count);
  const char *shared =
      blocks[i].shared ? arena_printf(a, ",\"w.shared\":{\"dtype\":%s,\"data_offsets\":[6,%zu]}",
                                      blocks[i].shared, 6 + count)
                       : "";
  const char *entries =
      arena_printf(a, "\"w\":{\"dtype\":\"%s\",\"shape\":[2,3],\"data_offsets\":[0,6]}%s",
                   blocks[i].dtype, shared);
  return model_file(entries, graph, "1", data, 6 + count);
}

static void test_blocks(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct text file = block_file(&a, i), again = {0}, third = {0};
    const char *words = model_verdict(&a, &file);
    if (blocks[i].words ? !strstr(words, blocks[i].words) : *words)
      fail_msg("%zu %s: \"%s\", expected \"%s\"", i, blocks[i].type, words, blocks[i].words);
    struct graph *g = blocks[i].words ? NULL : model_parse(&a, file.data, file.size, &e), *h = NULL;
    if (g) {
      const struct value *w = &g->values[graph_find_value(g, "w")];
      for (int k = 0; k < 6; k++) assert_int_equal(tensor_int(w->init, k), blocks[i].integers[k]);
      assert_true(type_scale(&w->type, 0) == blocks[i].scale * block_unit(&w->type.block));
      model_put(&again, g);
      h = model_parse(&a, again.data, again.size, &e);
      if (!h) fail_msg("%s", e.text);
      assert_true(type_equal(&w->type, &h->values[graph_find_value(h, "w")].type));
      model_put(&third, h);
      assert_true(third.size == again.size && memcmp(third.data, again.data, third.size) == 0);
    }
    text_free(&file);
    text_free(&again);
    text_free(&third);
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields), cmocka_unit_test(test_coded),
                                     cmocka_unit_test(test_blocks),
                                     cmocka_unit_test(test_variable)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
