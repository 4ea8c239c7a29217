// SPDX-License-Identifier: Apache-2.0
// Layers from floats to integers: joins, products, sums and classes against real arithmetic on the
// codes, and what can't be quantised is refused with the layer's name.
#include "quant/quantize.h"
#include "sw/exec/golden.h"
#include "sw/graph/interval.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 6, STEPS = 40 };

// ---- float graphs; a first, then what is under test

struct build {
  struct arena arena;
  struct graph *g;
  uint32_t x;    // (SIZE)
  uint32_t last; // the output of the last node
};

static uint32_t node(struct build *b, enum op op, const char *name, int64_t size) {
  uint32_t n = graph_add_node(b->g, op, name);
  b->last = graph_add_value(b->g, name, 1, &size, type_real(), true);
  graph_add_out(b->g, n, b->last);
  return n;
}

static void use(struct build *b, uint32_t n, uint32_t value) {
  graph_add_use(b->g, n, (struct use){value, 0, NONE});
}

static void begin(struct build *b) {
  int64_t size = SIZE;
  *b = (struct build){0};
  b->g = graph_new(&b->arena, "g");
  b->x = graph_add_value(b->g, "x", 1, &size, type_real(), true);
  graph_add_input(b->g, b->x, (struct source){0});
}

// x and relu(x), joined.
static void join(struct build *b, enum op op) {
  begin(b);
  use(b, node(b, OP_relu, "half", SIZE), b->x);
  uint32_t half = b->last, n = node(b, op, "join", SIZE);
  use(b, n, half);
  use(b, n, b->x);
  graph_add_output(b->g, b->last);
}

static bool add_entry(struct arena *a, struct formats *f, const char *layer, const char *stream,
                      struct err *e) {
  struct format_entry *entry = &f->layers[f->n_layers++];
  *entry = (struct format_entry){.name = layer,
                                 .format = {.rounding = NONE, .overflow = NONE, .where = NONE}};
  if (strncmp(stream, "scale ", 6) != 0) return formats_set_stream(a, &entry->format, stream, e);
  entry->format.has_stream = true;
  entry->format.stream = type_fixed(a, 8, true, strtod(stream + 6, NULL), 0);
  return true;
}

// Types of x, `half` and the last layer; how all round, NULL: as they do.
static struct graph *rounded(struct build *b, const char *x, const char *half, const char *last,
                             const char *last_name, const char *rounding, struct err *e) {
  struct formats f = formats_new();
  if (rounding) assert_true(formats_set_rounding(&f.defaults, rounding, e));
  struct format_entry entries[2];
  f.layers = entries;
  assert_true(formats_set_stream(&b->arena, &f.defaults, x, e));
  if (half) assert_true(add_entry(&b->arena, &f, "half", half, e));
  if (last) assert_true(add_entry(&b->arena, &f, last_name, last, e));
  if (!graph_verify(b->g, e)) fail_msg("%s", e->text);
  return quantize(&b->arena, b->g, &f, e);
}

static struct graph *quantized(struct build *b, const char *x, const char *half, const char *last,
                               const char *last_name, struct err *e) {
  return rounded(b, x, half, last, last_name, NULL, e);
}

// ---- computing

static void ramp(const struct graph *g, int64_t *codes, int step) {
  const struct type *t = &g->values[g->inputs[0].value].type;
  int64_t lo = type_lowest(t), range = type_highest(t) - lo + 1;
  for (int64_t i = 0; i < SIZE; i++) codes[i] = lo + (i * 997 + step * 131) % range;
}

static double real_of(const struct golden_ref *r, const struct graph *g, uint32_t v, int64_t i) {
  const struct type *t = &g->values[v].type;
  return (double)(golden_ref_value(r, v)[i] - type_zero(t, 0)) * type_scale(t, 0);
}

static double combined(enum op op, double a, double b) {
  return op == OP_add ? a + b : op == OP_sub ? a - b : a * b;
}

// The largest distance, in output codes, of the join from the exact one of its inputs' codes.
static double distance(struct build *b, enum op op, const struct graph *g) {
  struct golden_ref *r = golden_ref_new(&b->arena, g, 1);
  const struct node *n = &g->nodes[g->n_nodes - 1];
  const struct value *y = node_out(g, n, 0);
  int64_t codes[SIZE];
  const int64_t *inputs[1] = {codes};
  double most = 0;
  for (int step = 0; step < STEPS; step++) {
    ramp(g, codes, step);
    golden_ref_step(r, inputs);
    for (int64_t i = 0; i < SIZE; i++) {
      double exact =
          combined(op, real_of(r, g, n->in[0].value, i), real_of(r, g, n->in[1].value, i));
      double code = fmin(fmax(rint(exact / type_scale(&y->type, 0)), (double)type_lowest(&y->type)),
                         (double)type_highest(&y->type));
      most = fmax(most, fabs(code - (double)golden_ref_value(r, n->out[0])[i]));
    }
  }
  return most;
}

static void test_joins(void **state) {
  (void)state;
  static const enum op ops[] = {OP_add, OP_sub, OP_mul};
  static const struct {
    const char *x, *half, *last;
    double most; // codes: 0 where all scales are powers of two
  } rows[] = {{"8,3", "8,3", "8,3", 0},
              {"8,3", "8,5", "8,2", 0},
              {"8,5", "8,3", "9,4", 0},
              {"16,12", "4,0", "12,6", 0},
              {"8,3", "scale 0.1", "8,2", 1},
              {"8,3", "8,4", "scale 0.3", 1},
              {"8,3", "scale 0.0371", "scale 0.21", 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int k = 0; k < 3; k++) {
      struct build b;
      struct err e = {0};
      join(&b, ops[k]);
      struct graph *g = quantized(&b, rows[i].x, rows[i].half, rows[i].last, "join", &e);
      if (!g) fail_msg("%s", e.text);
      double found = distance(&b, ops[k], g);
      if (found > rows[i].most)
        fail_msg("row %zu, %s: %g codes away", i, op_info(ops[k])->name, found);
      // a scale twice as large is seen
      struct value *y = &g->values[g->outputs[0]];
      y->type = type_fixed(&b.arena, 8, true, 2 * type_scale(&y->type, 0), 0);
      if (i == 0) assert_true(distance(&b, ops[k], g) > 1);
      arena_free(&b.arena);
    }
}

// Rounding tflite: inputs at twice the coarser scale over 2^20.
static void test_joins_of_two_steps(void **state) {
  (void)state;
  static const enum op ops[] = {OP_add, OP_sub, OP_mul};
  static const struct {
    const char *x, *half, *last;
    double most;
  } rows[] = {{"8,3", "8,3", "8,3", 0},
              {"8,3", "8,5", "8,2", 1},
              {"8,5", "8,3", "9,4", 1},
              {"8,3", "scale 0.1", "8,2", 1},
              {"8,3", "scale 0.0371", "scale 0.21", 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int k = 0; k < 3; k++) {
      struct build b;
      struct err e = {0};
      join(&b, ops[k]);
      struct graph *g = rounded(&b, rows[i].x, rows[i].half, rows[i].last, "join", "tflite", &e);
      if (!g) fail_msg("%s", e.text);
      const struct node *n = &g->nodes[g->n_nodes - 1];
      assert_int_equal(n->n_rq, ops[k] == OP_mul ? 1 : 3);
      double found = distance(&b, ops[k], g), most = ops[k] == OP_mul ? 1 : rows[i].most;
      if (found > most) fail_msg("row %zu, %s: %g codes away", i, op_info(ops[k])->name, found);
      arena_free(&b.arena);
    }
  struct build b;
  struct err e = {0};
  join(&b, OP_add);
  assert_null(rounded(&b, "16,12", "4,0", "12,6", "join", "tflite", &e));
  assert_non_null(strstr(e.text, "rounding tflite needs inputs below 2^11"));
  arena_free(&b.arena);
}

// Averages of (3, 2): of codes where the type stays, otherwise by one multiplier; none for several
// counts.
static void test_averages_of_two_steps(void **state) {
  (void)state;
  static const struct {
    const char *out;
    int64_t pad, mul, shift;
    const char *words;
  } rows[] = {{"8,3", 0, 1, 0, NULL},
              {"8,3", 1, 1, 0, NULL},
              {"8,4", 0, 715827882, 30, NULL}, // r = 2: 2^30 * 2^1 / 3, 29 + 1
              {"8,4", 1, 0, 0, "several counts: give the layer another one in a formats file"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct build b;
    struct err e = {0};
    begin(&b);
    b.g->values[b.x].rank = 2;
    b.g->values[b.x].shape[0] = 3, b.g->values[b.x].shape[1] = 2;
    uint32_t n = graph_add_node(b.g, OP_avg_pool, "pool");
    use(&b, n, b.x);
    graph_add_ints(b.g, n, ATTR_kernel, 1, (int64_t[]){3});
    graph_add_ints(b.g, n, ATTR_pad, 2, (int64_t[]){rows[i].pad, rows[i].pad});
    int64_t shape[2] = {1 + 2 * rows[i].pad, 2};
    graph_add_out(b.g, n, graph_add_value(b.g, "pool", 2, shape, type_real(), true));
    graph_add_output(b.g, b.g->nodes[n].out[0]);
    struct graph *g = rounded(&b, "8,3", NULL, rows[i].out, "pool", "tflite", &e);
    assert_true(!g == !!rows[i].words);
    if (!g && !strstr(e.text, rows[i].words)) fail_msg("%s", e.text);
    const struct requant *rq = g ? &g->nodes[g->n_nodes - 1].rq[0] : NULL;
    if (g && (rq->mul[0] != rows[i].mul || rq->shift[0] != rows[i].shift))
      fail_msg("row %zu: %lld, %d", i, (long long)rq->mul[0], rq->shift[0]);
    arena_free(&b.arena);
  }
}

static void test_sums(void **state) {
  (void)state;
  struct build b;
  struct err e = {0};
  int64_t codes[SIZE] = {3, -5, 100, 7, -128, 44};
  const int64_t *inputs[1] = {codes};
  begin(&b);
  uint32_t n = node(&b, OP_sum, "sum", 1);
  graph_add_ints(b.g, n, ATTR_axes, 1, (int64_t[]){0});
  b.g->values[b.last].rank = 0;
  use(&b, n, b.x);
  graph_add_output(b.g, b.last);
  struct graph *g = quantized(&b, "8,3", NULL, "12,2", "sum", &e);
  if (!g) fail_msg("%s", e.text);
  struct golden_ref *r = golden_ref_new(&b.arena, g, 1);
  golden_ref_step(r, inputs);
  assert_int_equal(golden_ref_value(r, g->outputs[0])[0], 10); // 21 / 2, to even
  arena_free(&b.arena);
}

// An index is as wide as the last class needs; probabilities are fractions of the stream's width.
static void test_classes(void **state) {
  (void)state;
  static const int64_t sizes[][2] = {{1, 1}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {8, 3}, {9, 4}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct build b;
    struct err e = {0};
    begin(&b);
    b.g->values[b.x].shape[0] = sizes[i][0];
    use(&b, node(&b, i % 2 ? OP_argmin : OP_argmax, "class", 1), b.x);
    b.g->values[b.last].type = type_fixed(&b.arena, 32, true, 1, 0);
    graph_add_output(b.g, b.last);
    struct graph *g = quantized(&b, "8,3", NULL, NULL, NULL, &e);
    if (!g) fail_msg("%s", e.text);
    const struct type *t = &g->values[g->outputs[0]].type;
    assert_int_equal(t->width, sizes[i][1]);
    assert_true(!t->is_signed && t->scale[0] == 1 && t->zero[0] == 0);
    arena_free(&b.arena);
  }
  for (int where = WHERE_CIRCUIT; where <= WHERE_HOST; where++) {
    struct build b;
    struct err e = {0};
    begin(&b);
    use(&b, node(&b, OP_softmax, "p", SIZE), b.x);
    b.g->nodes[0].where = (enum where)where;
    graph_add_output(b.g, b.last);
    struct graph *g = quantized(&b, "8,3", NULL, NULL, NULL, &e);
    if (!g) fail_msg("%s", e.text);
    const struct type *t = &g->values[g->outputs[0]].type;
    assert_true(t->width == 8 && !t->is_signed && t->scale[0] == 0x1p-8);
    assert_int_equal(g->nodes[0].where, where);
    arena_free(&b.arena);
  }
}

// ---- refusals

static void refused(struct build *b, const char *x, const char *half, const char *last,
                    const char *last_name, const char *words) {
  struct err e = {0};
  if (quantized(b, x, half, last, last_name, &e)) fail_msg("accepted, expected \"%s\"", words);
  if (!strstr(e.text, words)) fail_msg("expected \"%s\", got \"%s\"", words, e.text);
  arena_free(&b->arena);
}

static void test_scales_out_of_range(void **state) {
  (void)state;
  struct build b;
  join(&b, OP_add);
  refused(&b, "8,3", "scale 1e-30", NULL, NULL,
          "layer \"half\": the ratio of the scales, 1.25e+29, needs a shift outside of -64 to 127");
}

static void test_joins_too_far_apart(void **state) {
  (void)state;
  struct build b;
  join(&b, OP_add);
  refused(&b, "8,3", "scale 3e11", "scale 3e11", "join", "too far apart");
  join(&b, OP_sub);
  refused(&b, "8,3", "8,3", "scale 1e-30", "join", "layer \"join\": the ratio of the scales, ");
}

// A linear layer of one weight and one bias.
static void linear(struct build *b, float weight, float bias) {
  begin(b);
  int64_t one = 1, shape[2] = {1, SIZE};
  struct tensor *w = tensor_new(&b->arena, DTYPE_F32, 2, shape);
  struct tensor *c = tensor_new(&b->arena, DTYPE_F32, 1, &one);
  for (int64_t i = 0; i < SIZE; i++) ((float *)w->data)[i] = weight;
  *(float *)c->data = bias;
  uint32_t n = node(b, OP_linear, "fc", 1);
  use(b, n, b->x);
  use(b, n, graph_add_tensor(b->g, "w", w, type_real()));
  use(b, n, graph_add_tensor(b->g, "b", c, type_real()));
  graph_add_output(b->g, b->last);
}

static void test_biases(void **state) {
  (void)state;
  struct build b;
  struct err e = {0};
  linear(&b, 1, -3);
  struct graph *g = quantized(&b, "8,3", NULL, NULL, NULL, &e);
  if (!g) fail_msg("%s", e.text);
  const struct value *bias = &g->values[graph_find_value(g, "b")];
  assert_int_equal(tensor_int(bias->init, 0), -3 * 8 * 64); // 8,3 times 8,6
  assert_int_equal(bias->type.width, 12);
  arena_free(&b.arena);
  linear(&b, 1e-8f, 1e17f);
  refused(&b, "8,3", NULL, NULL, NULL, "layer \"fc\": bias 0, 1e+17, doesn't fit 62 bits");
  linear(&b, 1e-8f, -1e17f);
  refused(&b, "8,3", NULL, NULL, NULL, "layer \"fc\": bias 0, -1e+17, doesn't fit 62 bits");
}

static void test_computed_weights(void **state) {
  (void)state;
  struct build b;
  linear(&b, 1, 1);
  b.g->nodes[0].in[1].delay = 1;
  b.g->nodes[0].in[1].initial = (int32_t)b.g->nodes[0].in[1].value;
  refused(&b, "8,3", NULL, NULL, NULL, "layer \"fc\": its weights are computed");
}

static void test_constants_and_delays(void **state) {
  (void)state;
  struct build b;
  struct tensor *t;
  int64_t size = SIZE;
  struct err e = {0};
  // as many bits as the stream, the scale that the largest number asks for
  join(&b, OP_add);
  t = tensor_new(&b.arena, DTYPE_F32, 1, &size);
  for (int64_t i = 0; i < SIZE; i++) ((float *)t->data)[i] = (float)(i % 2 ? 1.5 : -0.3);
  b.g->nodes[1].in[1].value = graph_add_tensor(b.g, "c", t, type_real());
  struct graph *g = quantized(&b, "9,3", NULL, NULL, NULL, &e);
  if (!g) fail_msg("%s", e.text);
  const struct value *c = node_in(g, &g->nodes[1], 1);
  assert_true(c->init && c->type.width == 9 && c->type.is_signed && c->type.scale[0] == 0x1p-7);
  for (int64_t i = 0; i < SIZE; i++)
    assert_int_equal(tensor_int(c->init, i), i % 2 ? 192 : -38); // 1.5 and 0.3 times 128
  arena_free(&b.arena);
  join(&b, OP_add);
  t = tensor_new(&b.arena, DTYPE_F32, 1, &size);
  b.g->nodes[1].in[1].delay = 1;
  for (int64_t i = 0; i < SIZE; i++) ((float *)t->data)[i] = (float)(i % 2 ? 1.5 : -30);
  b.g->nodes[1].in[1].initial = (int32_t)graph_add_tensor(b.g, "c", t, type_real());
  g = quantized(&b, "8,3", NULL, NULL, NULL, &e);
  if (!g) fail_msg("%s", e.text);
  const struct use *late = &g->nodes[1].in[1];
  assert_int_equal(late->delay, 1);
  c = &g->values[late->initial];
  assert_true(type_equal(&c->type, &g->values[late->value].type));
  for (int64_t i = 0; i < SIZE; i++) // 1.5 times 8; the least there is
    assert_int_equal(tensor_int(c->init, i), i % 2 ? 12 : -128);
  arena_free(&b.arena);
}

// ---- what does nothing once a network is trained

static void test_passed_over(void **state) {
  (void)state;
  struct build b;
  struct err e = {0};
  begin(&b);
  use(&b, node(&b, OP_identity, "same", SIZE), b.x);
  uint32_t same = b.last, drop = node(&b, OP_dropout, "drop", SIZE);
  use(&b, drop, same);
  graph_add_real(b.g, drop, ATTR_rate, 0.5);
  uint32_t dropped = b.last;
  use(&b, node(&b, OP_relu, "half", SIZE), dropped);
  uint32_t half = b.last;
  use(&b, node(&b, OP_identity, "end", SIZE), half);
  graph_add_output(b.g, b.last);
  struct graph *g = quantized(&b, "8,3", NULL, NULL, NULL, &e);
  if (!g) fail_msg("%s", e.text);
  assert_int_equal(g->n_nodes, 1);
  assert_int_equal(g->nodes[0].in[0].value, g->inputs[0].value);
  assert_int_equal(g->outputs[0], g->nodes[0].out[0]);
  arena_free(&b.arena);
}

// Behind a bipolar stream all that an activation can do is to keep the sign, or not.
static void test_signs(void **state) {
  (void)state;
  static const struct {
    enum op op;
    enum op becomes;   // or
    const char *words; // why not
  } rows[] = {{OP_tanh, OP_quantize, NULL},
              {OP_softsign, OP_quantize, NULL},
              {OP_selu, OP_quantize, NULL},
              {OP_gelu, OP_quantize, NULL},
              {OP_hard_tanh, OP_quantize, NULL},
              {OP_relu, OP_relu, NULL},
              {OP_sigmoid, 0, "sigmoid of a bipolar stream has one sign only"},
              {OP_logsigmoid, 0, "logsigmoid of a bipolar stream has one sign only"},
              {OP_softplus, 0, "softplus of a bipolar stream has one sign only"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct build b;
    struct err e = {0};
    begin(&b);
    use(&b, node(&b, OP_leaky_relu, "half", SIZE), b.x);
    graph_add_real(b.g, 0, ATTR_slope, 0.5);
    uint32_t half = b.last;
    use(&b, node(&b, rows[i].op, "act", SIZE), half);
    graph_add_output(b.g, b.last);
    struct formats f = formats_new();
    assert_true(formats_set_stream(&b.arena, &f.defaults, "bipolar", &e));
    assert_true(formats_set_input(&b.arena, &f, "8,3", &e));
    struct graph *g = quantize(&b.arena, b.g, &f, &e);
    if (rows[i].words) {
      assert_null(g);
      if (!strstr(e.text, rows[i].words)) fail_msg("%s", e.text);
    } else {
      if (!g) fail_msg("%s", e.text);
      const struct node *act = &g->nodes[1];
      assert_int_equal(act->op, rows[i].becomes);
      struct golden_ref *r = golden_ref_new(&b.arena, g, 1);
      int64_t codes[SIZE] = {-128, -1, 0, 1, 5, 127};
      const int64_t *inputs[1] = {codes};
      golden_ref_step(r, inputs);
      for (int64_t k = 0; k < SIZE; k++)
        assert_int_equal(golden_ref_value(r, act->out[0])[k],
                         rows[i].becomes == OP_relu || codes[k] >= 0 ? 1 : -1);
    }
    arena_free(&b.arena);
  }
}

// Inputs of other types are cast, each once; of the same they are copied.
static void test_concat(void **state) {
  (void)state;
  static const struct {
    const char *half, *last;
    uint32_t casts;
  } rows[] = {{NULL, NULL, 0}, {"6,1", NULL, 2}, {NULL, "12,6", 2}, {"u8,3", "bipolar", 2}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct build b;
    struct err e = {0};
    begin(&b);
    use(&b, node(&b, OP_relu, "half", SIZE), b.x);
    uint32_t half = b.last, n = node(&b, OP_concat, "join", 2 * SIZE);
    use(&b, n, half);
    use(&b, n, b.x);
    graph_add_output(b.g, b.last);
    struct graph *g = quantized(&b, "8,3", rows[i].half, rows[i].last, "join", &e);
    if (!g) fail_msg("%s", e.text);
    const struct node *join = &g->nodes[1];
    const struct type *t = &node_out(g, join, 0)->type;
    assert_int_equal(join->n_rq, rows[i].casts);
    struct golden_ref *r = golden_ref_new(&b.arena, g, 1);
    int64_t codes[SIZE];
    const int64_t *inputs[1] = {codes};
    for (int step = 0; step < STEPS; step++) {
      ramp(g, codes, step);
      golden_ref_step(r, inputs);
      for (int64_t k = 0; k < 2 * SIZE; k++) {
        uint32_t from = k < SIZE ? g->nodes[0].out[0] : g->inputs[0].value;
        int64_t want = type_encode(t, real_of(r, g, from, k % SIZE));
        assert_int_equal(golden_ref_value(r, join->out[0])[k], want);
      }
    }
    arena_free(&b.arena);
  }
}

// ---- parameters of activations

static void pointwise(struct build *b, enum op op) {
  begin(b);
  use(b, node(b, op, "f", SIZE), b->x);
  graph_add_output(b->g, b->last);
}

static void test_parameters(void **state) {
  (void)state;
  struct build b;
  pointwise(&b, OP_tanh);
  refused(&b, "17,3", NULL, NULL, NULL, "layer \"f\": tanh is a table of at most 16 input bits");
  pointwise(&b, OP_tanh);
  refused(&b, "8,3", NULL, "bipolar", "f",
          "layer \"f\": tanh is a table with a fixed output, W,F or uW,F; found bipolar");
  static const char *const scales[] = {"scale 5e-61", "scale 2e60"};
  for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
    pointwise(&b, OP_tanh);
    refused(&b, "8,3", NULL, scales[i], "f", "expected 2^-200 to 2^200");
  }
  pointwise(&b, OP_softshrink);
  graph_add_real(b.g, 0, ATTR_lambda, -0.5);
  refused(&b, "8,3", NULL, NULL, NULL, "layer \"f\": lambda -0.5, expected 0 or more");
  pointwise(&b, OP_clip);
  graph_add_real(b.g, 0, ATTR_lo, 1);
  graph_add_real(b.g, 0, ATTR_hi, 0.5);
  refused(&b, "8,3", NULL, NULL, NULL, "layer \"f\": lo 1 lies above hi 0.5");
  static const double slopes[] = {0, -1, 0x1p-30, 257};
  for (size_t i = 0; i < sizeof slopes / sizeof *slopes; i++) {
    pointwise(&b, OP_leaky_relu);
    graph_add_real(b.g, 0, ATTR_slope, slopes[i]);
    refused(&b, "8,3", NULL, NULL, NULL, ", expected 2^-29 to 256");
  }
  pointwise(&b, OP_hard_sigmoid);
  graph_add_real(b.g, 0, ATTR_slope, 0.2);
  graph_add_real(b.g, 0, ATTR_offset, 1e12);
  refused(&b, "8,3", NULL, NULL, NULL, "layer \"f\": slope 0.2 and offset 1e+12 leave 61 bits");
  pointwise(&b, OP_hard_sigmoid);
  graph_add_real(b.g, 0, ATTR_slope, 0.2);
  graph_add_real(b.g, 0, ATTR_offset, -1e12);
  refused(&b, "8,3", NULL, NULL, NULL, "leave 61 bits");
}

// A slope above one multiplies; both ends of what is accepted compute.
static void test_slopes(void **state) {
  (void)state;
  static const struct {
    double slope;
    int64_t in, out;
  } rows[] = {{256, -1, -128}, {4, -3, -12}, {3, -5, -15}, {1, -7, -7}, {0x1p-29, -100, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct build b;
    struct err e = {0};
    int64_t codes[SIZE] = {rows[i].in, 5};
    const int64_t *inputs[1] = {codes};
    pointwise(&b, OP_leaky_relu);
    graph_add_real(b.g, 0, ATTR_slope, rows[i].slope);
    struct graph *g = quantized(&b, "8,3", NULL, NULL, NULL, &e);
    if (!g) fail_msg("%g: %s", rows[i].slope, e.text);
    struct golden_ref *r = golden_ref_new(&b.arena, g, 1);
    golden_ref_step(r, inputs);
    assert_int_equal(golden_ref_value(r, g->outputs[0])[0], rows[i].out);
    assert_int_equal(golden_ref_value(r, g->outputs[0])[1], 5);
    arena_free(&b.arena);
  }
}

static void test_other_refusals(void **state) {
  (void)state;
  struct build b;
  struct err e = {0};
  struct formats none = formats_new();
  pointwise(&b, OP_relu);
  assert_null(quantize(&b.arena, b.g, &none, &e));
  assert_string_equal(e.text, "the model is float: give --precision W,F, as in --precision 8,3");
  arena_free(&b.arena);
  pointwise(&b, OP_relu);
  refused(&b, "8,3", "8,2", NULL, NULL, "formats: there is no layer \"half\" in the model");
  begin(&b);
  use(&b, node(&b, OP_opaque, "black box", SIZE), b.x);
  graph_add_output(b.g, b.last);
  refused(&b, "8,3", NULL, NULL, NULL, "layer \"black box\": opaque can't be quantised");
  // a variable that frames read and none assigns
  begin(&b);
  const int64_t shape[1] = {SIZE};
  uint32_t variable = graph_add_node(b.g, OP_variable, "m");
  struct tensor *init = tensor_new(&b.arena, DTYPE_F32, 1, shape);
  graph_add_attr(b.g, variable, ATTR_init)->value =
      graph_add_tensor(b.g, "m.init", init, type_of_class(TYPE_REAL));
  uint32_t ref = graph_add_value(b.g, "m", 1, shape, type_of_class(TYPE_REF), false);
  graph_add_out(b.g, variable, ref);
  uint32_t read = graph_add_node(b.g, OP_read, "now");
  graph_add_ref(b.g, read, ref);
  uint32_t now = graph_add_value(b.g, "now", 1, shape, type_of_class(TYPE_REAL), false);
  graph_add_out(b.g, read, now);
  use(&b, node(&b, OP_add, "sum", SIZE), b.x);
  graph_add_use(b.g, b.g->n_nodes - 1, (struct use){now, 0, NONE});
  graph_add_output(b.g, b.last);
  refused(&b, "8,3", NULL, NULL, NULL, "layer \"m\": no frame assigns it");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_joins),
                                     cmocka_unit_test(test_joins_of_two_steps),
                                     cmocka_unit_test(test_averages_of_two_steps),
                                     cmocka_unit_test(test_sums),
                                     cmocka_unit_test(test_classes),
                                     cmocka_unit_test(test_scales_out_of_range),
                                     cmocka_unit_test(test_joins_too_far_apart),
                                     cmocka_unit_test(test_biases),
                                     cmocka_unit_test(test_computed_weights),
                                     cmocka_unit_test(test_constants_and_delays),
                                     cmocka_unit_test(test_passed_over),
                                     cmocka_unit_test(test_signs),
                                     cmocka_unit_test(test_concat),

                                     cmocka_unit_test(test_parameters),
                                     cmocka_unit_test(test_slopes),
                                     cmocka_unit_test(test_other_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
