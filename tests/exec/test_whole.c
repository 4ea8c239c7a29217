// SPDX-License-Identifier: Apache-2.0
// Sums of whole numbers beyond 2^24 in floats: nodes whose sums are rounded to odd give the float
// of the C model's integer, and what rounds once more gives what it would give of the integer.
#include "sw/base/rng.h"
#include "sw/exec/golden.h"
#include "sw/exec/odd.h"
#include "sw/exec/real.h"
#include "sw/exec/whole.h"
#include "sw/graph/interval.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { CASES = 60, X_BITS = 14, W_BITS = 12, Y_BITS = 32, ROUNDS = 20000 };

struct numbers {
  int64_t *codes;
  float *floats;
};

struct session {
  struct arena arena;
  struct rng rng;
  struct graph *g[2]; // of codes, of floats
};

static int64_t pick(struct session *s, int64_t lo, int64_t hi) {
  return rng_range(&s->rng, lo, hi);
}

static struct type type_for(struct session *s, int k, int bits) {
  return k ? type_real() : type_fixed(&s->arena, bits, true, 1, 0);
}

static struct numbers draw(struct session *s, int64_t count, int bits) {
  struct numbers n = {ARENA_NEW(&s->arena, int64_t, count), ARENA_NEW(&s->arena, float, count)};
  int64_t most = ((int64_t)1 << (bits - 1)) - 1;
  for (int64_t i = 0; i < count; i++) n.floats[i] = (float)(n.codes[i] = pick(s, -most, most));
  return n;
}

static void begin(struct session *s, uint64_t seed) {
  *s = (struct session){.rng = {seed, 7}};
  for (int k = 0; k < 2; k++) s->g[k] = graph_new(&s->arena, "g");
}

// The same value in both graphs.
static uint32_t add_input(struct session *s, int rank, const int64_t *shape) {
  uint32_t x = 0;
  for (int k = 0; k < 2; k++) {
    x = graph_add_value(s->g[k], "x", rank, shape, type_for(s, k, X_BITS), true);
    graph_add_input(s->g[k], x, (struct source){0});
  }
  return x;
}

static uint32_t add_constant(struct session *s, const char *name, int rank, const int64_t *shape,
                             int bits) {
  uint32_t id = 0;
  struct numbers n = draw(s, shape_elements(rank, shape), bits);
  for (int k = 0; k < 2; k++) {
    struct type type = type_for(s, k, bits);
    struct tensor *t = tensor_new(&s->arena, k ? DTYPE_F32 : dtype_for(&type), rank, shape);
    for (int64_t i = 0; i < t->count; i++)
      if (k)
        ((float *)t->data)[i] = n.floats[i];
      else
        tensor_set_int(t, i, n.codes[i]);
    id = graph_add_tensor(s->g[k], name, t, type);
  }
  return id;
}

static void add_node(struct session *s, enum op op, uint32_t n_in, const uint32_t *in,
                     int64_t groups, int64_t kernel) {
  for (int k = 0; k < 2; k++) {
    struct graph *g = s->g[k];
    struct err e = {0};
    int64_t shape[RANK_MAX];
    int rank;
    uint32_t n = graph_add_node(g, op, "n");
    for (uint32_t i = 0; i < n_in; i++) graph_add_use(g, n, (struct use){in[i], 0, NONE});
    if (groups) graph_add_ints(g, n, ATTR_pad, 4, (const int64_t[]){1, 0, 1, 1});
    if (groups) graph_add_int(g, n, ATTR_groups, groups);
    if (kernel) graph_add_ints(g, n, ATTR_kernel, 2, (const int64_t[]){kernel, kernel});
    g->nodes[n].odd = true;
    if (!graph_shape(g, &g->nodes[n], 0, &rank, shape, &e)) fail_msg("%s", e.text);
    if (!k) graph_add_requant(g, n, 1, (const int64_t[]){1}, (const int32_t[]){0});
    uint32_t y = graph_add_value(g, "y", rank, shape, type_for(s, k, Y_BITS), true);
    graph_add_out(g, n, y);
    graph_add_output(g, y);
    graph_ranges(g);
    if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  }
}

// Each element against the integer; how many no float is.
static int compare(struct session *s, const char *what) {
  const struct graph *g = s->g[0];
  uint32_t y = g->outputs[0];
  int inexact = 0;
  struct numbers x = draw(s, value_elements(&g->values[g->inputs[0].value]), X_BITS);
  struct golden_ref *ref = golden_ref_new(&s->arena, g, 1);
  struct steps *steps = real_steps(&s->arena, s->g[1], 1);
  const int64_t *codes[1] = {x.codes};
  const void *floats[1] = {x.floats};
  golden_ref_step(ref, codes);
  steps_run(steps, floats);
  const int64_t *is = golden_ref_value(ref, y);
  const float *seen = steps_value(steps, y);
  for (int64_t i = 0; i < value_elements(&g->values[y]); i++) {
    if (seen[i] != round_odd((double)is[i]))
      fail_msg("%s, element %d: %.10g of %.10g", what, (int)i, (double)seen[i], (double)is[i]);
    inexact += (double)(float)is[i] != (double)is[i];
  }
  return inexact;
}

// A layer of each kind that has weights.
static int layer(struct session *s, int kind) {
  static const char *const names[] = {"linear", "conv2d", "depthwise", "1 x 1", "subsample", "rbf"};
  int64_t c = pick(s, 1, 5), o = pick(s, 1, 6), side = pick(s, 3, 7), window = kind == 3 ? 1 : 3;
  bool image = kind > 0 && kind < 5, each = kind == 2 || kind == 4;
  int64_t features = pick(s, 10, 20);
  uint32_t in[3] = {image ? add_input(s, 3, (const int64_t[]){side, side, c})
                          : add_input(s, 1, &features)};
  const int64_t kernel[4] = {each ? c : o, window, window, each ? 1 : c};
  in[1] = kind == 4 ? add_constant(s, "w", 1, &c, W_BITS)
          : image   ? add_constant(s, "w", 4, kernel, W_BITS)
                    : add_constant(s, "w", 2, (const int64_t[]){o, features}, W_BITS);
  if (kind < 5) in[2] = add_constant(s, "b", 1, each ? &c : &o, 20);
  static const enum op ops[] = {OP_linear, OP_conv2d, OP_conv2d, OP_conv2d, OP_subsample, OP_rbf};
  add_node(s, ops[kind], kind == 5 ? 2 : 3, in, image && kind < 4 ? (each ? c : 1) : 0,
           kind == 4 ? 3 : 0);
  return compare(s, names[kind]);
}

static void layers_give_the_integers(void **state) {
  (void)state;
  for (int kind = 0; kind < 6; kind++) {
    int inexact = 0;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
      struct session s;
      begin(&s, seed);
      inexact += layer(&s, kind);
      arena_free(&s.arena);
    }
    if (inexact < 50) fail_msg("kind %d: %d sums that no float is", kind, inexact);
  }
}

// ---- joins and averages, whose integers are the test's own

static float join(struct session *s, enum op op, float a, float b) {
  const int64_t one = 1;
  struct graph *g = graph_new(&s->arena, "g");
  uint32_t n = graph_add_node(g, op, "n"), x[2];
  for (int k = 0; k < 2; k++) {
    x[k] = graph_add_value(g, k ? "b" : "a", 1, &one, type_real(), true);
    graph_add_input(g, x[k], (struct source){0});
    graph_add_use(g, n, (struct use){x[k], 0, NONE});
  }
  uint32_t y = graph_add_value(g, "y", 1, &one, type_real(), true);
  graph_add_out(g, n, y);
  graph_add_output(g, y);
  g->nodes[n].odd = true;
  struct steps *steps = real_steps(&s->arena, g, 1);
  const void *inputs[2] = {&a, &b};
  steps_run(steps, inputs);
  return *(const float *)steps_value(steps, y);
}

static void joins_give_the_integers(void **state) {
  (void)state;
  struct session s;
  begin(&s, 1);
  int inexact = 0;
  for (int i = 0; i < CASES; i++) {
    int64_t a = pick(&s, -40000, 40000), b = pick(&s, -40000, 40000), far = b * 65536;
    assert_true(join(&s, OP_add, (float)a, (float)far) == round_odd((double)(a + far)));
    assert_true(join(&s, OP_sub, (float)far, (float)a) == round_odd((double)(far - a)));
    assert_true(join(&s, OP_mul, (float)a, (float)b) == round_odd((double)(a * b)));
    inexact += (double)(float)(a + far) != (double)(a + far);
    inexact += (double)(float)(a * b) != (double)(a * b);
  }
  assert_true(inexact > CASES);
  arena_free(&s.arena);
}

// The average of `count` numbers of 20 bits, of a whole image or of windows, half to even.
static void averages_give_the_integers(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= CASES; seed++) {
    struct session s;
    begin(&s, seed);
    int64_t side = pick(&s, 2, 9), window = seed % 2 ? side : pick(&s, 1, side), sum = 0;
    struct graph *g = s.g[1];
    uint32_t x = graph_add_value(g, "x", 3, (const int64_t[]){side, side, 1}, type_real(), true);
    graph_add_input(g, x, (struct source){0});
    uint32_t n = graph_add_node(g, OP_avg_pool, "n");
    graph_add_use(g, n, (struct use){x, 0, NONE});
    graph_add_ints(g, n, ATTR_kernel, 2, (const int64_t[]){window, window});
    int64_t out = side - window + 1;
    uint32_t y = graph_add_value(g, "y", 3, (const int64_t[]){out, out, 1}, type_real(), true);
    graph_add_out(g, n, y);
    graph_add_output(g, y);
    g->nodes[n].odd = true;
    struct numbers codes = draw(&s, side * side, 22);
    struct steps *steps = real_steps(&s.arena, g, 1);
    const void *inputs[1] = {codes.floats};
    steps_run(steps, inputs);
    for (int64_t r = 0; r < window; r++)
      for (int64_t c = 0; c < window; c++) sum += codes.codes[r * side + c];
    int64_t count = window * window, down = sum / count - (sum % count < 0),
            rest = sum - down * count;
    int64_t even = 2 * rest == count ? down + (down & 1) : down + (2 * rest > count);
    float seen = *(const float *)steps_value(steps, y);
    assert_true((int64_t)rintf(seen) == even);
    assert_true(seen == round_odd((double)sum / (double)count));
    arena_free(&s.arena);
  }
}

// ---- one rounding more

// To a code of 22 bits at most, from the integer and from its odd float.
static void rounding_once_more_is_rounding_once(void **state) {
  (void)state;
  struct session s;
  begin(&s, 3);
  int differ = 0;
  for (int i = 0; i < ROUNDS; i++) {
    int shift = (int)pick(&s, 1, 29);
    int64_t half = (int64_t)1 << (shift - 1), code = pick(&s, -(1 << 21), (1 << 21) - 1);
    int64_t v = 2 * half * code + half + pick(&s, -2, 2);
    for (int mode = 0; mode < 3; mode++) {
      double exact = ldexp((double)v, -shift), odd = ldexp((double)round_odd((double)v), -shift);
      double (*const round[])(double) = {rint, floor, ceil};
      assert_true(round[mode](exact) == round[mode](odd));
      differ += round[mode](exact) != round[mode](ldexp((double)(float)v, -shift));
    }
  }
  assert_true(differ > ROUNDS / 10); // a float that is the nearest doesn't do
  arena_free(&s.arena);
}

// What is not for integers is summed as ever.
static void floats_stay_floats(void **state) {
  (void)state;
  struct arena a = {0};
  struct graph *g = graph_new(&a, "g");
  const float x[2] = {0x1p23f, 1}, w[2] = {1, 1};
  uint32_t id = graph_add_node(g, OP_linear, "n");
  struct node *n = &g->nodes[id];
  assert_ptr_equal(whole_linear(n, 2, x, 2, 1, w, NULL), kernels_best()->linear_real);
  n->odd = true;
  assert_ptr_equal(whole_linear(n, 2, x, 2, 1, w, NULL), kernels_best()->linear_odd);
  assert_ptr_equal(whole_linear(n, 1, x, 1, 1, w, NULL), kernels_best()->linear_real);
  const float bias[1] = {0x1p-24f}, nothing[2] = {0}, none[2] = {NAN, 1};
  assert_ptr_equal(whole_linear(n, 1, x, 1, 1, w, bias), kernels_best()->linear_odd);
  assert_ptr_equal(whole_linear(n, 2, nothing, 2, 1, w, bias), kernels_best()->linear_real);
  assert_ptr_equal(whole_linear(n, 2, x, 2, 1, nothing, bias), kernels_best()->linear_real);
  assert_ptr_equal(whole_linear(n, 2, none, 2, 1, w, bias), kernels_best()->linear_odd);
  // beside it, what is of other units: 2^22 and 2^22 + 1, halves, and the most
  const float sums[1] = {0x1p22f}, large[1] = {0x1p22f + 1}, halves[1] = {0x1p22f + .5f};
  assert_ptr_equal(whole_linear(n, 1, sums, 1, 1, w, sums), kernels_best()->linear_real);
  assert_ptr_equal(whole_linear(n, 1, large, 1, 1, w, large), kernels_best()->linear_odd);
  assert_ptr_equal(whole_linear(n, 1, halves, 1, 1, w, NULL), kernels_best()->linear_odd);
  assert_true(!whole_sums(1, halves, 1) && whole_sums(1, sums, 2));
  assert_true(whole_sums(1, x, 1) && !whole_sums(2, x, 2) && whole_sums(2, nothing, 1 << 30));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layers_give_the_integers), cmocka_unit_test(joins_give_the_integers),
      cmocka_unit_test(averages_give_the_integers),
      cmocka_unit_test(rounding_once_more_is_rounding_once), cmocka_unit_test(floats_stay_floats)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
