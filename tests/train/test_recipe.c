// SPDX-License-Identifier: Apache-2.0
// Recipes of networks and words of schedules: what they say becomes the graph and its rates; what
// is wrong is named by layer and field.
#include "sw/data/verdict.h"
#include "sw/train/recipe.h"
#include "sw/train/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define INPUT "\"input\":{\"shape\":[4]}"
#define LAYERS "\"layers\":[{\"op\":\"linear\",\"out\":64}]"
// A convolution of an image of 4 channels.
#define TABLE(connections)                                                                         \
  "{\"input\":{\"shape\":[9,9,4]},\"layers\":[{\"op\":\"conv2d\",\"out\":3,\"kernel\":[5,3],"      \
  "\"connections\":" connections "}],\"initial\":\"lecun\"}"
#define SUBSAMPLE(fields)                                                                          \
  "{\"input\":{\"shape\":[8,9,64]},\"layers\":[{\"op\":\"subsample\"" fields "}]}"

#define RBF(weights) "{" INPUT ",\"layers\":[{\"op\":\"rbf\",\"out\":2,\"weights\":" weights "}]}"

static struct recipe parsed(struct arena *a, const char *json) {
  struct recipe r = {0};
  struct err e = {0};
  if (!recipe_parse(a, json, strlen(json), 3, &r, &e)) fail_msg("%s: %s", json, e.text);
  return r;
}

// ---- what is wrong is named

static const struct {
  const char *json, *message;
} wrong[] = {
    {"[]", "expected an object"},
    {"{", "JSON line 1"},
    {"{" INPUT "," LAYERS ",\"colour\":1}", "recipe: unknown key \"colour\""},
    {"{\"input\":3," LAYERS "}", "input: expected {\"shape\": [..]}"},
    {"{\"input\":{\"shape\":[4],\"var\":1}," LAYERS "}", "input: unknown key \"var\""},
    {"{\"input\":{\"shape\":4}," LAYERS "}", "input: shape: expected 1 to 8 dimensions"},
    {"{\"input\":{\"shape\":[]}," LAYERS "}", "input: shape: expected 1 to 8 dimensions"},
    {"{\"input\":{\"shape\":[1,1,1,1,1,1,1,1,1]}," LAYERS "}", "expected 1 to 8 dimensions"},
    {"{\"input\":{\"shape\":[2,\"4\"]}," LAYERS "}", "dimension 1, expected 1 to 16777216"},
    {"{\"input\":{\"shape\":[16777217]}," LAYERS "}", "dimension 0, expected 1 to 16777216"},
    {"{\"input\":{\"shape\":[4],\"mean\":\"0\"}," LAYERS "}",
     "input: mean: \"0\", expected numbers, \"data\" or"},
    {"{\"input\":{\"shape\":[4],\"std\":[1,null]}," LAYERS "}", "input: std: expected numbers"},
    {"{\"input\":{\"shape\":[4],\"mean\":[]}," LAYERS "}", "input: mean: an empty list"},
    {"{\"input\":{\"shape\":[4],\"mean\":[0,1],\"std\":1}," LAYERS "}",
     "input: 2 means, 1 deviations"},
    {"{" INPUT "}", "layers: expected a list of layers"},
    {"{" INPUT ",\"layers\":{}}", "layers: expected a list of layers"},
    {"{" INPUT ",\"layers\":[]}", "layers: expected a list of layers"},
    {"{" INPUT ",\"layers\":[5]}", "layer 1: op: unknown kind \"?\""},
    {"{" INPUT ",\"layers\":[{\"op\":\"relu\"},{\"op\":\"conv\"}]}",
     "layer 2: op: unknown kind \"conv\""},
    {"{" INPUT ",\"layers\":[{\"op\":\"quantize\"}]}", "quantize isn't a layer of a recipe"},
    {"{" INPUT ",\"layers\":[{\"op\":\"mul\"}]}", "layer 1: from: mul takes a list of two layers"},
    {"{" INPUT ",\"layers\":[{\"op\":\"relu\",\"from\":\"fc1\"},{\"op\":\"linear\",\"out\":2}]}",
     "layer 1: from: no layer \"fc1\" before this one"},
    {"{" INPUT ",\"layers\":[{\"op\":\"relu\",\"from\":[\"image\",\"image\"]}]}",
     "layer 1: from: relu takes one layer"},
    {"{" INPUT ",\"layers\":[{\"op\":\"add\",\"from\":[\"image\",\"image\",\"image\"]}]}",
     "layer 1: from: add takes a list of two layers"},
    {"{" INPUT ",\"layers\":[{\"op\":\"concat\",\"from\":[]}]}",
     "layer 1: from: concat takes a list of layers"},
    {"{" INPUT ",\"layers\":[{\"op\":\"linear\",\"out\":0}]}", "out: expected the number"},
    {"{" INPUT ",\"layers\":[{\"op\":\"linear\",\"out\":16777217}]}", "1 to 16777216"},
    {"{\"input\":{\"shape\":[16777216]},\"layers\":[{\"op\":\"linear\",\"out\":17}]}",
     "layer 1: out: 17 x 16777216 weights, at most 268435456"},
    {"{\"input\":{\"shape\":[1]},\"layers\":[{\"op\":\"reshape\",\"shape\":[]},"
     "{\"op\":\"linear\",\"out\":2}]}",
     "layer 2: out: expected the number of outputs"},
    {"{" INPUT ",\"layers\":[{\"op\":\"reshape\",\"shape\":[3]}]}", "layer 1: "},
    {"{" INPUT ",\"layers\":[{\"op\":\"reshape\",\"shape\":4}]}",
     "layer 1: shape: expected a list of whole numbers, as in [2, 2]"},
    {"{" INPUT ",\"layers\":[{\"op\":\"gelu\",\"approximate\":1}]}",
     "layer 1: approximate: expected a word in quotes"},
    {"{" INPUT ",\"layers\":[{\"op\":\"requant\",\"type\":8}]}",
     "layer 1: type: expected a type in quotes, as in \"8,3\""},
    {"{" INPUT ",\"layers\":[{\"op\":\"requant\",\"type\":\"8.3\"}]}",
     "layer 1: type: \"8.3\", expected W,F, uW,F or bipolar"},
    {"{" INPUT ",\"layers\":[{\"op\":\"elu\",\"alpha\":\"1\"}]}",
     "layer 1: alpha: expected a number"},
    {"{" INPUT ",\"layers\":[{\"op\":\"softmax\",\"axis\":0.5}]}",
     "layer 1: axis: expected a whole number"},
    {"{" INPUT ",\"layers\":[{\"op\":\"softmax\",\"where\":\"here\"}]}",
     "layer 1: where: \"here\", expected \"circuit\" or \"host\""},
    {"{" INPUT ",\"layers\":[{\"op\":\"softmax\",\"where\":1}]}",
     "layer 1: where: \"?\", expected"},
    {"{" INPUT ",\"layers\":[{\"op\":\"relu\",\"where\":\"host\"}]}",
     "layer 1: where: relu is always in the circuit"},
    {"{" INPUT ",\"layers\":[{\"op\":\"tanh\",\"table\":\"t\"}]}",
     "layer 1: table: no field of a recipe"},
    {"{" INPUT ",\"layers\":[{\"op\":\"relu\",\"out\":4}]}", "layer 1: unknown field \"out\""},
    {"{" INPUT ",\"layers\":[{\"op\":\"relu\",\"connections\":[]}]}",
     "layer 1: unknown field \"connections\""},
    {"{\"input\":{\"shape\":[5,6]},\"layers\":[{\"op\":\"conv1d\",\"out\":8,\"kernel\":[2],"
     "\"groups\":4}]}",
     "layer 1: groups: 4, which must divide 6 channels"},
    {"{\"input\":{\"shape\":[5,6]},\"layers\":[{\"op\":\"conv1d\",\"out\":8,\"kernel\":[2],"
     "\"groups\":0}]}",
     "layer 1: groups: 0, which must divide 6 channels"},
    {SUBSAMPLE(",\"out\":3"), "layer 1: unknown field \"out\""},
    {SUBSAMPLE(",\"connections\":[[0]]"), "layer 1: unknown field \"connections\""},
    {SUBSAMPLE(",\"count_pad\":1"), "attribute \"count_pad\" doesn't belong to subsample"},
    {SUBSAMPLE(",\"kernel\":[9,9,1]"), "layer 1: kernel: 3 numbers, expected 2"},
    {SUBSAMPLE(",\"kernel\":[\"3\",3]"), "layer 1: kernel: expected a list of whole numbers"},
    {SUBSAMPLE(",\"kernel\":[2,10]"), "layer 1: a kernel over 10 columns, the padded image has 9"},
    {"{" INPUT ",\"layers\":[{\"op\":\"subsample\"}]}",
     "layer 1: expected an image (H, W, C) or (L, C), found rank 1"},
    {TABLE("[[0],[1]]"), "layer 1: connections: 2 lists, expected one for each of 3 outputs"},
    {TABLE("3"), "layer 1: connections: 0 lists, expected one for each of 3 outputs"},
    {TABLE("[[0],[],[1]]"), "layer 1: connections: output 1: expected a list of inputs"},
    {TABLE("[[0],1,[1]]"), "layer 1: connections: output 1: expected a list of inputs"},
    {TABLE("[[0],[1],[1,4]]"), "connections: output 2: entry 1 is no input from 0 to 3"},
    {TABLE("[[0],[1],[1,-1]]"), "connections: output 2: entry 1 is no input from 0 to 3"},
    {TABLE("[[0],[1],[1.5]]"), "connections: output 2: entry 0 is no input from 0 to 3"},
    {TABLE("[[0],[1],[2,3,2]]"), "connections: output 2: input 2 stands twice"},
    {TABLE("[[0],[1],[1]],\"groups\":1"), "connections: groups says what each output sees"},
    {"{" INPUT ",\"layers\":[{\"op\":\"clip\",\"lo\":0}]}", "\"hi\""},
    {"{" INPUT ",\"layers\":[{\"op\":\"linear\",\"out\":4,\"weights\":\"digits\"}]}",
     "layer 1: unknown field \"weights\""},
    {RBF("5"), "layer 1: weights: expected the name of a code or a list of rows"},
    {RBF("\"../digits\""), "weights: \"../digits\", expected the name of a code (data/codes)"},
    {RBF("\"\""), "weights: \"\", expected the name of a code"},
    {RBF("\"letters\""), "weights: there is no code \"letters\" (data/codes)"},
    {RBF("\"digits\""), "pattern 0 of code \"digits\" has 84 pixels, the layer 4 inputs"},
    {RBF("[[1,2,3,4]]"), "weights: 1 rows, expected 2, one per output"},
    {RBF("[[1,2,3,4],[1,2,3]]"), "weights: row 1 has 3 numbers, expected 4, one per input"},
    {RBF("[[1,2,3,4],7]"), "weights: row 1 has 0 numbers, expected 4"},
    {RBF("[[1,2,3,4],[1,2,3,\"4\"]]"), "weights: row 1: expected numbers"},
    {RBF("[[1,2,3,4],[1,2,3,4]],\"trained\":1"), "layer 1: trained: expected true or false"},
    {"{\"input\":{\"shape\":[84]},\"layers\":[{\"op\":\"rbf\",\"out\":9,\"weights\":"
     "\"digits\"}]}",
     "weights: code \"digits\" has 10 patterns, the layer 9 outputs"},
    {"{" INPUT "," LAYERS ",\"loss\":\"hinge\"}",
     "loss: \"hinge\", expected cross_entropy, mse or rbf[:J]"},
    {"{" INPUT "," LAYERS ",\"loss\":5}", "loss: \"?\", expected cross_entropy, mse"},
    {"{" INPUT "," LAYERS ",\"initial\":\"xavier\"}",
     "initial: \"xavier\", expected fan_in, lecun, kaiming"},
    {"{" INPUT "," LAYERS ",\"initial\":\"lecum\"}",
     "initial: \"lecum\": did you mean lecun? expected fan_in, lecun, kaiming"},
    {"{" INPUT ",\"layers\":[{\"op\":\"linear\",\"outs\":2}]}",
     "layer 1: unknown field \"outs\", did you mean \"out\"?"},
    {"{" INPUT ",\"layers\":[{\"op\":\"conv2d\",\"out\":2,\"kernl\":[3,3]}]}",
     "layer 1: unknown field \"kernl\", did you mean \"kernel\"?"},
    {"{" INPUT ",\"layers\":[{\"op\":\"relu\",\"from\":\"imag\"}]}",
     "from: no layer \"imag\" before this one, did you mean \"image\"?"},
    {"{" INPUT ",\"layers\":[{\"op\":\"relu\",\"from\":1}]}",
     "from: expected the name of a layer before this one"},
    {"{" INPUT "," LAYERS ",\"targets\":[1,1]}",
     "targets: 1 twice, nothing would part the classes"},
    {"{" INPUT "," LAYERS ",\"targets\":[1]}", "targets: expected two numbers"},
    {"{" INPUT "," LAYERS ",\"targets\":[0,\"1\"]}", "targets: expected two numbers"},
    {"{" INPUT "," LAYERS ",\"targets\":0}", "targets: expected two numbers"},
};

static void wrong_recipes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct arena a = {0};
    struct recipe r;
    struct err e = {0};
    assert_false(recipe_parse(&a, wrong[i].json, strlen(wrong[i].json), 3, &r, &e));
    if (!strstr(e.text, wrong[i].message))
      fail_msg("%s: \"%s\", expected \"%s\"", wrong[i].json, e.text, wrong[i].message);
    arena_free(&a);
  }
}

// ---- what a recipe says

static void everything_that_can_be_said(void **state) {
  (void)state;
  struct arena a = {0};
  struct recipe r = parsed(
      &a, "{\"name\":\"all\",\"input\":{\"shape\":[2,2,1],\"mean\":0.5,\"std\":[0.25]},"
          "\"layers\":[{\"op\":\"reshape\",\"shape\":[4],\"name\":\"row\"},"
          "{\"op\":\"linear\",\"out\":3},{\"op\":\"gelu\",\"approximate\":\"tanh\"},"
          "{\"op\":\"dropout\",\"rate\":0.25,\"seed\":9},{\"op\":\"elu\",\"alpha\":2},"
          "{\"op\":\"linear\",\"name\":\"last\",\"out\":2},{\"op\":\"softmax\",\"axis\":-1}],"
          "\"loss\":\"mse\",\"targets\":[-1,0.5]}");
  static const char *const names[] = {"row",  "fc1",  "gelu1",   "dropout1",
                                      "elu1", "last", "softmax1"};
  const struct graph *g = r.model;
  assert_string_equal(g->name, "all");
  assert_int_equal(g->n_nodes, 7);
  for (int i = 0; i < 7; i++) assert_string_equal(g->nodes[i].name, names[i]);
  assert_true(r.loss.kind == LOSS_MSE && r.target[0] == -1 && r.target[1] == 0.5);
  const struct source *s = &g->inputs[0].source;
  assert_true(s->channels == 1 && s->mean[0] == 0.5 && s->std[0] == 0.25);
  assert_int_equal(node_attr(&g->nodes[0], ATTR_shape)->ints[0], 4);
  assert_string_equal(node_attr(&g->nodes[2], ATTR_approximate)->text, "tanh");
  assert_int_equal(node_int(&g->nodes[3], ATTR_seed, 0), 9);
  assert_true(node_real(&g->nodes[3], ATTR_rate, 0) == 0.25);
  assert_true(node_real(&g->nodes[4], ATTR_alpha, 0) == 2);
  assert_int_equal(node_int(&g->nodes[6], ATTR_axis, 0), -1);
  assert_true(graph_find_value(g, "last.weight") != NONE);
  assert_int_equal(g->values[graph_find_value(g, "last.weight")].shape[1], 3);
  arena_free(&a);
}

// A softmax is computed behind the circuit unless it is said otherwise.
static void places(void **state) {
  (void)state;
  static const struct {
    const char *word;
    enum where where;
  } rows[] = {{"", WHERE_HOST},
              {",\"where\":\"host\"", WHERE_HOST},
              {",\"where\":\"circuit\"", WHERE_CIRCUIT}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    const char *text =
        arena_printf(&a, "{" INPUT ",\"layers\":[{\"op\":\"softmax\"%s}]}", rows[i].word);
    assert_int_equal(parsed(&a, text).model->nodes[0].where, rows[i].where);
    arena_free(&a);
  }
}

// A layer reads the one before it, or those that it names.
static void branches(void **state) {
  (void)state;
  struct arena a = {0};
  struct recipe r =
      parsed(&a, "{" INPUT ",\"layers\":[{\"op\":\"linear\",\"out\":4},{\"op\":\"tanh\"},"
                 "{\"op\":\"linear\",\"out\":2,\"from\":\"fc1\"},"
                 "{\"op\":\"linear\",\"out\":2,\"from\":[\"image\"]},"
                 "{\"op\":\"mul\",\"from\":[\"fc2\",\"fc3\"]},"
                 "{\"op\":\"concat\",\"from\":[\"mul1\",\"tanh1\",\"mul1\"]}]}");
  const struct graph *g = r.model;
  assert_int_equal(g->nodes[2].in[0].value, g->nodes[0].out[0]);
  assert_int_equal(g->nodes[3].in[0].value, g->inputs[0].value);
  assert_int_equal(g->nodes[4].in[0].value, g->nodes[2].out[0]);
  assert_int_equal(g->nodes[4].in[1].value, g->nodes[3].out[0]);
  assert_int_equal(g->nodes[5].n_in, 3);
  assert_int_equal(g->values[g->outputs[0]].shape[0], 8);
  arena_free(&a);
}

static void types_are_words(void **state) {
  (void)state;
  struct arena a = {0};
  struct recipe r = parsed(&a, "{" INPUT ",\"layers\":[{\"op\":\"linear\",\"out\":3},{\"op\":"
                               "\"requant\",\"type\":\"u8,3\"},{\"op\":\"linear\",\"out\":2},"
                               "{\"op\":\"requant\",\"type\":\"bipolar\"}]}");
  const struct type *t = &node_attr(&r.model->nodes[1], ATTR_type)->type;
  assert_true(type_width(t) == 8 && !t->is_signed && type_scale(t, 0) == 0.125);
  assert_true(type_is_bipolar(&node_attr(&r.model->nodes[3], ATTR_type)->type));
  arena_free(&a);
}

static void what_is_left_out(void **state) {
  (void)state;
  struct arena a = {0};
  struct recipe r = parsed(&a, "{" INPUT "," LAYERS "}");
  assert_string_equal(r.model->name, "network");
  assert_true(r.loss.kind == LOSS_CROSS_ENTROPY && r.target[0] == 0 && r.target[1] == 1);
  assert_true(r.model->inputs[0].source.mean[0] == 0 && r.model->inputs[0].source.std[0] == 1);
  const struct tensor *t = r.model->values[graph_find_value(r.model, "fc1.weight")].init;
  for (int64_t i = 0; i < t->count; i++)
    assert_true(fabsf(((float *)t->data)[i]) <= 0.5f); // fan_in
  arena_free(&a);
}

// Weights fill their interval to the ends: 1/sqrt(n), 2.4/n, sqrt(6/n) for n = 4 inputs.
static void weights_fill_their_interval(void **state) {
  (void)state;
  static const struct {
    const char *initial;
    float bound;
  } rows[] = {{"fan_in", 0.5f}, {"lecun", 0.6f}, {"kaiming", 1.2247449f}};
  for (int k = 0; k < 3; k++) {
    struct arena a = {0};
    struct recipe r =
        parsed(&a, arena_printf(&a, "{" INPUT "," LAYERS ",\"initial\":\"%s\"}", rows[k].initial));
    const struct tensor *t = r.model->values[graph_find_value(r.model, "fc1.weight")].init;
    float lowest = 0, highest = 0;
    for (int64_t i = 0; i < t->count; i++) {
      lowest = fminf(lowest, ((float *)t->data)[i]);
      highest = fmaxf(highest, ((float *)t->data)[i]);
    }
    assert_int_equal(t->count, 256);
    assert_true(highest <= rows[k].bound && highest > 0.95f * rows[k].bound);
    assert_true(lowest >= -rows[k].bound && lowest < -0.95f * rows[k].bound);
    arena_free(&a);
  }
}

// ---- connection tables

// What a table leaves out is 0 and the mask cuts it; the others fill the interval of as many inputs
// as their output has, to the ends: 2.4 / n.
static void tables_cut_connections(void **state) {
  (void)state;
  static const char *const seen[] = {"0", "123", "0123"};
  struct arena a = {0};
  struct recipe r = parsed(&a, TABLE("[[0],[3,1,2],[0,1,2,3]]"));
  const struct value *w = &r.model->values[graph_find_value(r.model, "conv1.weight")];
  const struct value *b = &r.model->values[graph_find_value(r.model, "conv1.bias")];
  assert_int_equal(w->mask->count, 3 * 4);
  assert_int_equal(value_connections(w), 15 * (1 + 3 + 4));
  for (int64_t o = 0; o < 3; o++) {
    float bound = 2.4f / (float)(15 * strlen(seen[o])), most = 0;
    for (int64_t i = o * 60; i < (o + 1) * 60; i++) {
      float x = ((float *)w->init->data)[i];
      assert_int_equal(value_is_cut(w, i), !strchr(seen[o], (int)('0' + i % 4)));
      assert_int_equal(x == 0, value_is_cut(w, i));
      most = fmaxf(most, fabsf(x));
    }
    assert_true(most <= bound && most > 0.85f * bound);
    assert_true(fabsf(((float *)b->init->data)[o]) <= bound);
  }
  arena_free(&a);
}

// A linear layer has one, too; what it leaves is the same as without.
static void numbers_of_what_is_cut_are_left_out(void **state) {
  (void)state;
  struct arena a = {0};
  struct recipe all = parsed(&a, "{" INPUT ",\"layers\":[{\"op\":\"linear\",\"out\":2}]}");
  struct recipe cut = parsed(&a, "{" INPUT ",\"layers\":[{\"op\":\"linear\",\"out\":2,"
                                 "\"connections\":[[0,1,2,3],[3,0]]}]}");
  const struct value *v = &cut.model->values[graph_find_value(cut.model, "fc1.weight")];
  const float *x = all.model->values[graph_find_value(all.model, "fc1.weight")].init->data;
  const float *y = v->init->data;
  for (int64_t i = 0; i < 4; i++) assert_true(x[i] == y[i]);
  assert_true(y[5] == 0 && y[6] == 0);
  // of 2 inputs instead of 4
  assert_true(fabs((double)y[4] / (double)x[4] - sqrt(2)) < 1e-6);
  assert_true(fabs((double)y[7] / (double)x[7] - sqrt(2)) < 1e-6);
  arena_free(&a);
}

// A group of outputs has weights for its own channels alone.
static void groups_cut_weights(void **state) {
  (void)state;
  struct arena a = {0};
  struct recipe r =
      parsed(&a, "{\"input\":{\"shape\":[5,6]},\"layers\":[{\"op\":\"conv1d\",\"out\":9,"
                 "\"kernel\":[2],\"groups\":3},{\"op\":\"conv1d\",\"out\":4,"
                 "\"kernel\":[1]}]}");
  static const int64_t shapes[2][3] = {{9, 2, 2}, {4, 1, 9}};
  for (int i = 0; i < 2; i++) {
    const struct value *w = node_in(r.model, &r.model->nodes[i], 1);
    assert_int_equal(w->rank, 3);
    assert_memory_equal(w->shape, shapes[i], sizeof shapes[i]);
  }
  arena_free(&a);
}

// What a normalisation begins with, for each channel.
static void normalisations_begin_as_nothing(void **state) {
  (void)state;
  static const char *const names[] = {"n.gamma", "n.beta", "n.mean", "n.variance"};
  static const float values[] = {1, 0, 0, 1};
  struct arena a = {0};
  struct recipe r = parsed(&a, "{\"input\":{\"shape\":[2,3,5]},\"layers\":[{\"op\":\"batch_norm\","
                               "\"name\":\"n\"}]}");
  const struct node *n = &r.model->nodes[0];
  assert_int_equal(n->n_in, 5);
  for (uint32_t i = 0; i < 4; i++) {
    const struct value *v = node_in(r.model, n, 1 + i);
    assert_string_equal(v->name, names[i]);
    assert_int_equal(v->rank, 1);
    assert_int_equal(v->shape[0], 5);
    for (int64_t c = 0; c < 5; c++) assert_true(((float *)v->init->data)[c] == values[i]);
  }
  arena_free(&a);
}

// A weight and a bias for each channel, in the interval of a window's inputs.
static void subsamples_have_a_weight_for_each_channel(void **state) {
  (void)state;
  static const struct {
    const char *json;
    double taps;
  } cases[] = {{SUBSAMPLE(",\"kernel\":[2,3],\"stride\":[2,3]"), 6}, {SUBSAMPLE(""), 72}};
  for (int k = 0; k < 2; k++) {
    struct arena a = {0};
    struct recipe r = parsed(&a, cases[k].json);
    assert_string_equal(r.model->nodes[0].name, "subsample1");
    for (uint32_t i = 1; i < 3; i++) {
      const struct value *v = node_in(r.model, &r.model->nodes[0], i);
      float most = 0, bound = (float)(1 / sqrt(cases[k].taps));
      assert_int_equal(v->rank, 1);
      assert_int_equal(v->shape[0], 64);
      for (int64_t c = 0; c < 64; c++) most = fmaxf(most, fabsf(((float *)v->init->data)[c]));
      assert_true(most <= bound && most > 0.9f * bound);
    }
    arena_free(&a);
  }
}

// What is given stays, unless it is to be trained; what is drawn is trained, unless it is to stay.
static void weights_that_are_given(void **state) {
  (void)state;
  static const struct {
    const char *rest;
    bool fixed, given;
  } rows[] = {{"", false, false},
              {",\"trained\":false", true, false},
              {",\"weights\":\"digits\"", true, true},
              {",\"weights\":\"digits\",\"trained\":false", true, true},
              {",\"weights\":\"digits\",\"trained\":true", false, true}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct recipe r = parsed(&a, arena_printf(&a,
                                              "{\"input\":{\"shape\":[84]},\"layers\":["
                                              "{\"op\":\"rbf\",\"out\":10%s}]}",
                                              rows[i].rest));
    const struct node *n = &r.model->nodes[0];
    const float *w = node_in(r.model, n, 1)->init->data;
    assert_string_equal(n->name, "rbf1");
    assert_int_equal(n->n_in, 2);
    assert_int_equal(r.n_fixed, rows[i].fixed);
    if (rows[i].fixed) assert_string_equal(r.fixed[0], "rbf1.weight");
    int ones = 0, others = 0;
    for (int k = 0; k < 840; k++) {
      ones += w[k] == 1;
      others += w[k] != 1 && w[k] != -1;
    }
    assert_int_equal(others, rows[i].given ? 0 : 840);
    // the crossbar of 4, its row 7, and the digits' pixels
    for (int k = 0; rows[i].given && k < 7; k++) assert_true(w[4 * 84 + 7 * 7 + k] == 1);
    if (rows[i].given) assert_int_equal(ones, 242);
    arena_free(&a);
  }
  struct arena a = {0};
  struct recipe r = parsed(&a, RBF("[[1,2,3,4],[-1,0.5,0,9]]"));
  static const float given[8] = {1, 2, 3, 4, -1, 0.5f, 0, 9};
  assert_memory_equal(node_in(r.model, &r.model->nodes[0], 1)->init->data, given, sizeof given);
  arena_free(&a);
}

// Towards what outputs are trained, by the squared error: before an argmin the right one is the
// least.
static void targets_of_the_least(void **state) {
  (void)state;
  static const struct {
    const char *rest;
    double other, right;
  } rows[] = {{"]", 0, 1},
              {",{\"op\":\"argmax\"}]", 0, 1},
              {",{\"op\":\"argmin\"}]", 1, 0},
              {",{\"op\":\"argmin\"}],\"targets\":[3,2]", 3, 2}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct recipe r =
        parsed(&a, arena_printf(&a,
                                "{" INPUT ",\"layers\":[{\"op\":\"linear\",\"out\":3}%s,"
                                "\"loss\":\"mse\"}",
                                rows[i].rest));
    struct verdict v = verdict_of(r.model);
    struct answers answers = {.classes = (const int32_t[]){0}};
    recipe_choose(&r, &v, &answers);
    assert_true(r.target[0] == rows[i].other && r.target[1] == rows[i].right);
    arena_free(&a);
  }
}

// ---- schedules

static void wrong_schedules(void **state) {
  (void)state;
  static const char *const words[] = {
      "",           "step:",    "step:x:1",  "step:2",    "step:2,1",   "step:0:1",
      "step:2:",    "step:2:x", "step:2:1x", "step:2:0",  "step:2:-1",  "step:2:inf",
      "step:2:nan", "cosine:",  "cosine:x",  "cosine:1x", "cosine:1.1", "cosine:-0.1",
      "cosine:nan", "cosinus",  "0.1,",      ",0.1",      "0.1;0.2",    "0",
      "0.1,-1",     "0.1,inf",  "nan",       "constant:1"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    struct arena a = {0};
    struct optimizer o = {0};
    struct err e = {0};
    if (schedule_set(&a, words[i], 0.25, 5, 10, &o, &e)) fail_msg("%s is taken", words[i]);
    if (strncmp(e.text, arena_printf(&a, "--schedule %s: expected constant", words[i]),
                strlen(words[i]) + 30) != 0)
      fail_msg("%s: %s", words[i], e.text);
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_recipes),
      cmocka_unit_test(everything_that_can_be_said),
      cmocka_unit_test(places),
      cmocka_unit_test(branches),
      cmocka_unit_test(types_are_words),
      cmocka_unit_test(what_is_left_out),
      cmocka_unit_test(weights_fill_their_interval),
      cmocka_unit_test(weights_that_are_given),
      cmocka_unit_test(targets_of_the_least),
      cmocka_unit_test(wrong_schedules),
      cmocka_unit_test(tables_cut_connections),
      cmocka_unit_test(numbers_of_what_is_cut_are_left_out),
      cmocka_unit_test(groups_cut_weights),
      cmocka_unit_test(normalisations_begin_as_nothing),
      cmocka_unit_test(subsamples_have_a_weight_for_each_channel),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
