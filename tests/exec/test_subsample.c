// SPDX-License-Identifier: Apache-2.0
// Sub-sampling: by hand, as the depthwise convolution that it is, in parts; and what is refused.
#include "sw/base/rng.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/interval.h"
#include "sw/graph/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { CASES = 200 };
#define NO_BIAS UINT32_MAX

struct build {
  struct arena arena;
  struct graph *g;
  struct rng rng;
  uint32_t x;
};

static int64_t pick(struct build *b, int64_t lo, int64_t hi) {
  return rng_range(&b->rng, lo, hi);
}

static void begin(struct build *b, uint64_t seed, int rank, const int64_t *shape,
                  struct type (*type)(struct build *b)) {
  *b = (struct build){.rng = {seed, 0}};
  b->g = graph_new(&b->arena, "g");
  b->x = graph_add_value(b->g, "x", rank, shape, type(b), true);
  graph_add_input(b->g, b->x, (struct source){0});
}

static struct type u4_zero3(struct build *b) {
  return type_fixed(&b->arena, 4, false, 0.5, 3);
}

static struct type any_type(struct build *b) {
  bool is_signed = pick(b, 0, 1);
  int width = (int)pick(b, 2, 9);
  int64_t zero = pick(b, fix_lowest(width, is_signed), fix_highest(width, is_signed));
  return type_fixed(&b->arena, width, is_signed, 0.5, (int32_t)zero);
}

static struct type bipolar(struct build *b) {
  (void)b;
  return type_of_class(TYPE_BIPOLAR);
}

static struct type real(struct build *b) {
  (void)b;
  return type_real();
}

static uint32_t tensor(struct build *b, const char *name, int rank, const int64_t *shape,
                       struct type type, const int64_t *codes) {
  struct tensor *t = tensor_new(&b->arena, dtype_for(&type), rank, shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, codes[i]);
  return graph_add_tensor(b->g, name, t, type);
}

// A node of the image, weights and a bias; its shape follows.
static uint32_t add(struct build *b, enum op op, const char *name, uint32_t w, uint32_t bias) {
  uint32_t n = graph_add_node(b->g, op, name);
  graph_add_use(b->g, n, (struct use){b->x, 0, NONE});
  graph_add_use(b->g, n, (struct use){w, 0, NONE});
  if (bias != NO_BIAS) graph_add_use(b->g, n, (struct use){bias, 0, NONE});
  return n;
}

static uint32_t finish(struct build *b, uint32_t n, struct type type) {
  int64_t shape[RANK_MAX];
  int rank;
  struct err e = {0};
  if (!graph_shape(b->g, &b->g->nodes[n], 0, &rank, shape, &e)) fail_msg("%s", e.text);
  uint32_t y = graph_add_value(b->g, b->g->nodes[n].name, rank, shape, type, true);
  graph_add_out(b->g, n, y);
  graph_add_output(b->g, y);
  return y;
}

static void ready(struct build *b) {
  struct err e = {0};
  graph_ranges(b->g);
  if (!graph_verify(b->g, &e)) fail_msg("%s", e.text);
}

// ---- by hand

// acc = w * sum of (x - 3) + b; of two channels, a row of padding above, whose integer is 3.
static void by_hand(void **state) {
  (void)state;
  struct build b;
  begin(&b, 1, 3, (const int64_t[]){3, 4, 2}, u4_zero3);
  struct type wt = type_fixed(&b.arena, 4, true, 0.25, -1);
  uint32_t w = tensor(&b, "w", 1, (const int64_t[]){2}, wt, (const int64_t[]){4, -3});
  uint32_t bias = tensor(&b, "b", 1, (const int64_t[]){2}, type_fixed(&b.arena, 6, true, 0.125, 0),
                         (const int64_t[]){7, -9});
  uint32_t n = add(&b, OP_subsample, "s", w, bias);
  graph_add_ints(b.g, n, ATTR_kernel, 2, (const int64_t[]){2, 2});
  graph_add_ints(b.g, n, ATTR_stride, 2, (const int64_t[]){2, 2});
  graph_add_ints(b.g, n, ATTR_pad, 4, (const int64_t[]){1, 0, 0, 0});
  graph_add_requant(b.g, n, 1, (const int64_t[]){1}, (const int32_t[]){1});
  uint32_t y = finish(&b, n, type_fixed(&b.arena, 12, true, 0.25, 10));
  ready(&b);
  const int64_t x[] = {1,  2,  3,  4, 5, 6, 7, 8, 9, 10, 11, 12,
                       13, 14, 15, 0, 0, 1, 2, 3, 4, 5,  6,  7};
  const int64_t *inputs[1] = {x};
  // weights 5 and -2; the windows: above the padding (1 3), (5 7), below (9 11 0 2), (13 15 4 6)
  static const int64_t sums[] = {-2, 0, 6, 8, 10, 14, 26, 14};
  struct golden_ref *r = golden_ref_new(&b.arena, b.g, 1);
  golden_ref_step(r, inputs);
  for (int i = 0; i < 8; i++) {
    int64_t acc = i % 2 ? -2 * sums[i] - 9 : 5 * sums[i] + 7, half = acc / 2 - (acc < 0 && acc % 2);
    int64_t even = acc % 2 == 0 ? half : half + (half & 1);
    assert_int_equal(golden_ref_value(r, y)[i], even + 10);
  }
  struct interval acc = interval_acc(b.g, &b.g->nodes[n], KNOWN_PROVEN, 0);
  assert_int_equal((int64_t)acc.lo, 5 * -12 + 7);
  assert_int_equal((int64_t)acc.hi, 5 * 48 + 7);
  acc = interval_acc(b.g, &b.g->nodes[n], KNOWN_PROVEN, 1);
  assert_int_equal((int64_t)acc.lo, -2 * 48 - 9);
  assert_int_equal((int64_t)acc.hi, -2 * -12 - 9);
  arena_free(&b.arena);
}

// ---- the depthwise convolution

// Both on the same image, with the same window, bias and requantisations.
static uint32_t depthwise_twin(struct build *b, uint32_t sub) {
  const struct node *s = &b->g->nodes[sub];
  const struct value *w = node_in(b->g, s, 1);
  const int64_t *kernel = node_attr(s, ATTR_kernel)->ints;
  int64_t shape[4] = {w->shape[0], kernel[0], kernel[1], 1}, taps = kernel[0] * kernel[1];
  int64_t *codes = ARENA_NEW(&b->arena, int64_t, w->shape[0] * taps);
  for (int64_t i = 0; i < w->shape[0] * taps; i++) codes[i] = tensor_int(w->init, i / taps);
  uint32_t kernels = tensor(b, "kernels", 4, shape, w->type, codes);
  uint32_t n = add(b, OP_conv2d, "conv", kernels, b->g->nodes[sub].in[2].value);
  s = &b->g->nodes[sub];
  for (uint32_t i = 0; i < s->n_attr; i++)
    if (s->attr[i].name != ATTR_kernel)
      *graph_add_attr(b->g, n, b->g->nodes[sub].attr[i].name) = b->g->nodes[sub].attr[i];
  graph_add_int(b->g, n, ATTR_groups, shape[0]);
  const struct requant *rq = &b->g->nodes[sub].rq[0];
  graph_add_requant(b->g, n, rq->count, rq->mul, rq->shift);
  b->g->nodes[n].rounding = b->g->nodes[sub].rounding;
  return n;
}

static uint32_t random_subsample(struct build *b) {
  int64_t channels = b->g->values[b->x].shape[2], codes[4], biases[4], mul[4];
  double scale[4], bias_scale[4];
  int32_t zero[4], none[4] = {0}, shift[4];
  for (int64_t c = 0; c < channels; c++) {
    scale[c] = c % 2 ? 0.25 : 1;
    bias_scale[c] = scale[c] / 2;
    zero[c] = (int32_t)pick(b, -8, 7);
    codes[c] = pick(b, -8, 7);
    biases[c] = pick(b, -60, 60);
    mul[c] = pick(b, 1, 5);
    shift[c] = (int32_t)pick(b, 0, 6);
  }
  struct type w = type_channels(&b->arena, 4, true, 0, channels, scale, zero);
  struct type t = type_channels(&b->arena, 8, true, 0, channels, bias_scale, none);
  uint32_t n = add(b, OP_subsample, "sub", tensor(b, "w", 1, &channels, w, codes),
                   tensor(b, "b", 1, &channels, t, biases));
  int64_t list[8];
  for (int i = 0; i < 8; i++) list[i] = pick(b, i < 6, 3);
  graph_add_ints(b->g, n, ATTR_kernel, 2, list);
  graph_add_ints(b->g, n, ATTR_stride, 2, list + 2);
  graph_add_ints(b->g, n, ATTR_dilation, 2, list + 4);
  graph_add_ints(b->g, n, ATTR_pad, 4, list + 4);
  graph_add_requant(b->g, n, channels, mul, shift);
  b->g->nodes[n].rounding = (enum fix_rounding)pick(b, FIX_FLOOR, FIX_AWAY);
  return n;
}

static void is_a_depthwise_convolution(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= CASES; seed++) {
    struct build b;
    int64_t shape[3] = {7 + (int64_t)seed % 3, 8, 1 + (int64_t)seed % 4};
    begin(&b, seed, 3, shape, any_type);
    uint32_t sub = random_subsample(&b), conv = depthwise_twin(&b, sub);
    struct type out = type_fixed(&b.arena, 14, true, 1, 0);
    uint32_t y = finish(&b, sub, out), z = finish(&b, conv, out);
    ready(&b);
    for (int64_t c = 0; c < shape[2]; c++) {
      struct interval one = interval_acc(b.g, &b.g->nodes[sub], KNOWN_PROVEN, c);
      struct interval two = interval_acc(b.g, &b.g->nodes[conv], KNOWN_PROVEN, c);
      assert_true(one.lo == two.lo && one.hi == two.hi);
    }
    int64_t *codes = ARENA_NEW(&b.arena, int64_t, value_elements(&b.g->values[b.x]));
    const struct type *t = &b.g->values[b.x].type;
    for (int64_t i = 0; i < value_elements(&b.g->values[b.x]); i++)
      codes[i] = pick(&b, type_lowest(t), type_highest(t));
    const int64_t *inputs[1] = {codes};
    struct golden_ref *r = golden_ref_new(&b.arena, b.g, 1);
    golden_ref_step(r, inputs);
    assert_memory_equal(golden_ref_value(r, y), golden_ref_value(r, z),
                        (size_t)value_elements(&b.g->values[y]) * sizeof(int64_t));
    arena_free(&b.arena);
  }
}

// ---- parts

static uint32_t part_of(struct build *b, uint32_t whole, const char *name, int axis, int64_t from,
                        int64_t to) {
  struct slice slice = {axis, 1, (const int64_t[]){from, to}};
  const struct node *n = &b->g->nodes[whole];
  uint32_t part = slice_node(b->g, whole, &slice, name, node_out(b->g, n, 0)->type);
  n = &b->g->nodes[whole];
  int64_t mul[4];
  int32_t shift[4], count = 0;
  bool channels = axis == 2;
  for (int64_t c = channels ? from : 0; c < (channels ? to : n->rq[0].count); c++, count++) {
    mul[count] = n->rq[0].mul[c];
    shift[count] = n->rq[0].shift[c];
  }
  graph_add_requant(b->g, part, count, mul, shift);
  graph_add_output(b->g, b->g->nodes[part].out[0]);
  return b->g->nodes[part].out[0];
}

// Rows, columns and channels: what two parts give side by side is the whole.
static void parts_make_the_whole(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= CASES; seed++)
    for (int axis = 0; axis < 3; axis++) {
      struct build b;
      begin(&b, seed, 3, (const int64_t[]){9, 8, 2 + (int64_t)seed % 3}, any_type);
      uint32_t sub = random_subsample(&b);
      uint32_t whole = finish(&b, sub, type_fixed(&b.arena, 14, true, 1, 0)), parts[2];
      const int64_t shape[3] = {b.g->values[whole].shape[0], b.g->values[whole].shape[1],
                                b.g->values[whole].shape[2]};
      int64_t size = shape[axis], cut = size / 2;
      if (size > 1) {
        parts[0] = part_of(&b, sub, "first", axis, 0, cut);
        parts[1] = part_of(&b, sub, "second", axis, cut, size);
        ready(&b);
        int64_t *codes = ARENA_NEW(&b.arena, int64_t, value_elements(&b.g->values[b.x]));
        const struct type *t = &b.g->values[b.x].type;
        for (int64_t i = 0; i < value_elements(&b.g->values[b.x]); i++)
          codes[i] = pick(&b, type_lowest(t), type_highest(t));
        const int64_t *inputs[1] = {codes};
        struct golden_ref *r = golden_ref_new(&b.arena, b.g, 1);
        golden_ref_step(r, inputs);
        int64_t inner = shape_elements(2 - axis, shape + axis + 1);
        for (int64_t i = 0; i < shape_elements(3, shape); i++) {
          int64_t k = i / inner % size, outer = i / inner / size, own = k < cut ? cut : size - cut;
          int64_t at = (outer * own + (k < cut ? k : k - cut)) * inner + i % inner;
          assert_int_equal(golden_ref_value(r, whole)[i], golden_ref_value(r, parts[k >= cut])[at]);
        }
      }
      arena_free(&b.arena);
    }
}

// ---- what is refused

static void refused(struct build *b, const char *words) {
  struct err e = {0};
  graph_ranges(b->g);
  if (graph_verify(b->g, &e)) fail_msg("taken, expected \"%s\"", words);
  if (!strstr(e.text, words)) fail_msg("\"%s\", expected \"%s\"", e.text, words);
  arena_free(&b->arena);
}

// An image (6, 6, 3) of floats, with so many weights and biases and numbers of the kernel.
static uint32_t floats(struct build *b, int rank, const int64_t *weights, int64_t biases,
                       int kernel) {
  begin(b, 1, 3, (const int64_t[]){6, 6, 3}, real);
  uint32_t w =
      graph_add_tensor(b->g, "w", tensor_new(&b->arena, DTYPE_F32, rank, weights), type_real());
  uint32_t n = add(b, OP_subsample, "s", w, NO_BIAS);
  if (biases) {
    struct tensor *t = tensor_new(&b->arena, DTYPE_F32, 1, &biases);
    graph_add_use(b->g, n, (struct use){graph_add_tensor(b->g, "b", t, type_real()), 0, NONE});
  }
  if (kernel) graph_add_ints(b->g, n, ATTR_kernel, kernel, (const int64_t[]){2, 2});
  graph_add_out(b->g, n,
                graph_add_value(b->g, "s", 3, (const int64_t[]){5, 5, 3}, type_real(), true));
  graph_add_output(b->g, b->g->nodes[n].out[0]);
  return n;
}

static void wrong_shapes(void **state) {
  (void)state;
  struct build b;
  floats(&b, 1, (const int64_t[]){4}, 3, 2);
  refused(&b,
          "layer \"s\": the weight has 4 elements of rank 1, expected (3), one for each channel");
  floats(&b, 2, (const int64_t[]){3, 1}, 3, 2);
  refused(&b,
          "layer \"s\": the weight has 3 elements of rank 2, expected (3), one for each channel");
  floats(&b, 1, (const int64_t[]){3}, 2, 2);
  refused(&b, "layer \"s\": the bias has 2 elements of rank 1, expected (3), one for each channel");
  floats(&b, 1, (const int64_t[]){3}, 3, 1);
  refused(&b, "layer \"s\": kernel: 1 numbers, expected 2");
  floats(&b, 1, (const int64_t[]){3}, 3, 0);
  refused(&b, "is declared as (5, 5, 3), its inputs give (1, 1, 3)");
}

// The window's axes are summed before the weight: no slice of them has a value.
static void parts_of_windows_are_refused(void **state) {
  (void)state;
  for (int axis = 3; axis < 5; axis++) {
    struct build b;
    uint32_t n = floats(&b, 1, (const int64_t[]){3}, 0, 2);
    graph_add_ints(b.g, n, ATTR_slice, 3, (const int64_t[]){axis, 0, 1});
    refused(&b, arena_printf(&b.arena, "slice: axis %d is the window's", axis));
  }
}

// Signs have no 0 for what lies beside the image: in padding, or beyond it.
static void signs_have_no_padding(void **state) {
  (void)state;
  for (int way = 0; way < 4; way++) {
    struct build b;
    begin(&b, 1, 2, (const int64_t[]){5, 2}, bipolar);
    struct type wt = type_fixed(&b.arena, 4, true, 1, 0);
    uint32_t w = tensor(&b, "w", 1, (const int64_t[]){2}, wt, (const int64_t[]){1, 2});
    uint32_t n = add(&b, OP_subsample, "s", w,
                     tensor(&b, "b", 1, (const int64_t[]){2}, wt, (const int64_t[]){0, 0}));
    graph_add_ints(b.g, n, ATTR_kernel, 1, (const int64_t[]){2});
    graph_add_ints(b.g, n, ATTR_stride, 1, (const int64_t[]){2});
    if (way == 1) graph_add_ints(b.g, n, ATTR_pad, 2, (const int64_t[]){0, 1});
    if (way == 3) graph_add_ints(b.g, n, ATTR_pad, 2, (const int64_t[]){1, 0});
    if (way == 2) graph_add_int(b.g, n, ATTR_ceil, 1);
    graph_add_requant(b.g, n, 1, (const int64_t[]){1}, (const int32_t[]){0});
    finish(&b, n, type_fixed(&b.arena, 8, true, 1, 0));
    if (way) {
      refused(&b, "a window reaches beyond \"x\", which is bipolar and has no 0 to pad with");
      continue;
    }
    ready(&b);
    arena_free(&b.arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_hand),
      cmocka_unit_test(is_a_depthwise_convolution),
      cmocka_unit_test(parts_make_the_whole),
      cmocka_unit_test(wrong_shapes),
      cmocka_unit_test(parts_of_windows_are_refused),
      cmocka_unit_test(signs_have_no_padding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
