// SPDX-License-Identifier: Apache-2.0
// Weights of any rank are (OUT, taps): what users of a kernel read is what lies there, minus the
// zero point of its output.
#include "quant/quantize_weights.h"
#include "sw/exec/golden_prepare.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "sw/graph/slice.h"
#include "sw/graph/weights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { OC = 3, KH = 2, KW = 4, IC = 5, TAPS = KH * KW * IC };

static const double scales[OC] = {0.5, 0.125, 3};
static const int32_t zeros[OC] = {0, -7, 100};

// A code for every place of the kernel, none like its neighbours.
static int64_t code_at(int64_t o, int64_t y, int64_t x, int64_t i) {
  return (o * 53 + y * 29 + x * 17 + i * 7) % 256 - 128;
}

static uint32_t add_kernel(struct graph *g) {
  const int64_t shape[4] = {OC, KH, KW, IC};
  struct type t = type_channels(g->arena, 8, true, 0, OC, scales, zeros);
  struct tensor *k = tensor_new(g->arena, DTYPE_I8, 4, shape);
  for (int64_t at = 0; at < k->count; at++)
    tensor_set_int(k, at, code_at(at / TAPS, at / (KW * IC) % KH, at / IC % KW, at % IC));
  return graph_add_tensor(g, "kernel", k, t);
}

static void a_kernel_has_its_taps_by_output(void **state) {
  (void)state;
  struct arena a = {0};
  struct graph *g = graph_new(&a, "g");
  uint32_t kernel = add_kernel(g);
  struct weights w = weights_of(&g->values[kernel]);
  assert_int_equal(w.outs, OC);
  assert_int_equal(w.taps, TAPS);
  for (int64_t o = 0; o < OC; o++)
    for (int64_t y = 0; y < KH; y++)
      for (int64_t x = 0; x < KW; x++)
        for (int64_t i = 0; i < IC; i++)
          assert_int_equal(weight_of(&w, o, (y * KW + x) * IC + i), code_at(o, y, x, i) - zeros[o]);
  arena_free(&a);
}

static void fan_in_is_what_an_output_sums(void **state) {
  (void)state;
  assert_int_equal(fan_in(1, (const int64_t[]){9}), 1);
  assert_int_equal(fan_in(2, (const int64_t[]){9, 4}), 4);
  assert_int_equal(fan_in(4, (const int64_t[]){9, 4, 3, 2}), 24);
}

// A layer with that kernel, whose input has an element for each tap. Only what is told of weights
// of any rank may be asked of it.
static struct node *add_layer(struct graph *g) {
  const int64_t taps = TAPS, outs = OC;
  struct type x = type_fixed(g->arena, 6, true, 0.25, 3), y = type_fixed(g->arena, 8, true, 1, 0);
  uint32_t node = graph_add_node(g, OP_linear, "layer");
  graph_add_use(g, node, (struct use){graph_add_value(g, "x", 1, &taps, x, true), 0, NONE});
  graph_add_use(g, node, (struct use){add_kernel(g), 0, NONE});
  graph_add_requant(g, node, 1, (int64_t[]){1}, (int32_t[]){9});
  graph_add_out(g, node, graph_add_value(g, "y", 1, &outs, y, true));
  g->values[0].lo = -20;
  g->values[0].hi = 31;
  g->values[1].lo = -128;
  g->values[1].hi = 127;
  return &g->nodes[node];
}

// Both ends of an output's interval are sums over its own taps, and the witnesses' own.
static void intervals_sum_over_the_taps(void **state) {
  (void)state;
  struct arena a = {0};
  struct graph *g = graph_new(&a, "g");
  const struct node *n = add_layer(g);
  for (int64_t o = 0; o < OC; o++)
    for (int high = 0; high < 2; high++) {
      int64_t x[TAPS], sum = 0, best = 0;
      interval_witness(g, n, o, high, x);
      for (int64_t i = 0; i < TAPS; i++) {
        int64_t w = code_at(o, i / (KW * IC), i / IC % KW, i % IC) - zeros[o];
        int64_t lowest = (-20 - 3) * w, highest = (31 - 3) * w;
        sum += (x[i] - 3) * w;
        best += (lowest > highest) == high ? lowest : highest;
      }
      struct interval acc = interval_acc(g, n, KNOWN_PROVEN, o);
      assert_int_equal(sum, best);
      assert_int_equal((int64_t)(high ? acc.hi : acc.lo), best);
    }
  arena_free(&a);
}

// Packed in groups of taps: every weight at its place, and zero behind the last.
static void kernels_are_packed_by_tap(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  for (int k = 0, n = kernels_list(list); k < n; k++) {
    struct arena a = {0};
    struct prepared p = {0};
    struct graph *g = graph_new(&a, "g");
    golden_prepare(&a, list[k], g, add_layer(g), &p);
    assert_true(p.packed && !p.bytes); // -100 - 128 needs more than 8 bits
    assert_int_equal(p.groups, TAPS / 2);
    for (int64_t o = 0; o < OC; o++)
      for (int64_t i = 0; i < TAPS; i++)
        assert_int_equal(((int16_t *)p.weight)[(i / 2 * p.outs + o) * 2 + i % 2],
                         code_at(o, i / (KW * IC), i / IC % KW, i % IC) - zeros[o]);
    arena_free(&a);
  }
}

// From floats, a kernel gets the codes and scales of the matrix (OUT, taps).
static void kernels_are_quantised_as_matrices(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct quantizer q = {.arena = &a, .err = &e};
  struct format f = {0};
  struct tensor *kernel = tensor_new(&a, DTYPE_F64, 4, (const int64_t[]){OC, KH, KW, IC});
  struct tensor *matrix = tensor_new(&a, DTYPE_F64, 2, (const int64_t[]){OC, TAPS});
  for (int64_t i = 0; i < kernel->count; i++)
    ((double *)kernel->data)[i] = ((double *)matrix->data)[i] =
        (double)code_at(i / TAPS, 0, 0, i) * scales[i / TAPS];
  for (int word = 0; word < 3; word++) {
    struct type one, two;
    const char *words[] = {"8,channel", "ternary,channel", "bipolar"};
    assert_true(formats_set_weight(&a, &f, words[word], &e));
    struct tensor *x = quantize_weights(&q, kernel, &f, &one);
    struct tensor *y = quantize_weights(&q, matrix, &f, &two);
    assert_true(x && y && type_equal(&one, &two) && x->rank == 4);
    assert_memory_equal(x->data, y->data, (size_t)x->count * dtype_size(x->dtype));
  }
  arena_free(&a);
}

// A mask has the kernel's shape in a file too.
static void masks_keep_their_shape(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = graph_new(&a, "g");
  uint32_t kernel = add_kernel(g), node = graph_add_node(g, OP_opaque, "layer");
  struct tensor *mask = tensor_new(&a, DTYPE_U8, 4, g->values[kernel].shape);
  memset(mask->data, 1, (size_t)mask->count);
  tensor_set_int(mask, 2 * TAPS + 7, 0);
  tensor_set_int(g->values[kernel].init, 2 * TAPS + 7, zeros[2]);
  g->values[kernel].mask = mask;
  graph_add_use(g, node, (struct use){kernel, 0, NONE});
  struct text file = {0};
  model_put(&file, g);
  struct graph *back = model_parse(&a, file.data, file.size, &e);
  if (!back) fail_msg("%s", e.text);
  const struct value *v = &back->values[graph_find_value(back, "kernel")];
  assert_int_equal(v->mask->rank, 4);
  assert_memory_equal(v->mask->data, mask->data, (size_t)mask->count);
  text_free(&file);
  arena_free(&a);
}

// ---- connection tables: a mask of sizes of 1 is repeated

static const char table[OC][IC + 1] = {"10010", "01111", "00100"};

static void add_table(struct arena *a, struct value *v) {
  v->mask = tensor_new(a, DTYPE_U8, 4, (const int64_t[]){OC, 1, 1, IC});
  for (int64_t i = 0; i < OC * IC; i++) tensor_set_int(v->mask, i, table[i / IC][i % IC] == '1');
  for (int64_t i = 0; i < OC * TAPS; i++)
    if (value_is_cut(v, i)) tensor_set_int(v->init, i, zeros[i / TAPS]);
}

static void a_table_is_the_same_for_all_taps(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = graph_new(&a, "g");
  uint32_t kernel = add_kernel(g), node = graph_add_node(g, OP_opaque, "layer");
  graph_add_use(g, node, (struct use){kernel, 0, NONE});
  assert_int_equal(value_connections(&g->values[kernel]), OC * TAPS);
  add_table(&a, &g->values[kernel]);
  struct text file = {0};
  model_put(&file, g);
  struct graph *back = model_parse(&a, file.data, file.size, &e);
  if (!back) fail_msg("%s", e.text);
  const struct value *v = &back->values[graph_find_value(back, "kernel")];
  assert_int_equal(v->mask->count, OC * IC);
  assert_int_equal(value_connections(v), 7 * KH * KW);
  for (int64_t o = 0; o < OC; o++)
    for (int64_t k = 0; k < KH * KW; k++)
      for (int64_t i = 0; i < IC; i++)
        assert_int_equal(value_is_cut(v, (o * KH * KW + k) * IC + i), table[o][i] == '0');
  text_free(&file);
  arena_free(&a);
}

// A convolution of 3 x 3 pixels, of which a slice has a part of an axis.
static int64_t macs(struct graph *g, uint32_t kernel, const int64_t *slice) {
  const int64_t in[3] = {4, 6, IC}, out[3] = {3, 3, OC};
  struct type t = type_fixed(g->arena, 6, true, 0.25, 0);
  uint32_t node = graph_add_node(g, OP_conv2d, "layer");
  graph_add_use(g, node, (struct use){graph_add_value(g, "x", 3, in, t, true), 0, NONE});
  graph_add_use(g, node, (struct use){kernel, 0, NONE});
  graph_add_out(g, node, graph_add_value(g, "y", 3, out, t, true));
  if (slice) graph_add_ints(g, node, ATTR_slice, 3, slice);
  return node_macs(g, &g->nodes[node]);
}

static void macs_are_of_connections(void **state) {
  (void)state;
  struct arena a = {0};
  struct graph *g = graph_new(&a, "g");
  uint32_t kernel = add_kernel(g);
  assert_int_equal(macs(g, kernel, NULL), 3 * 3 * OC * TAPS);
  add_table(&a, &g->values[kernel]);
  assert_int_equal(macs(g, kernel, NULL), 3 * 3 * KH * KW * 7);
  assert_int_equal(macs(g, kernel, (const int64_t[]){0, 1, 2}), 1 * 3 * KH * KW * 7); // a row
  assert_int_equal(macs(g, kernel, (const int64_t[]){2, 0, 2}), 3 * 3 * KH * KW * 6); // outputs
  assert_int_equal(macs(g, kernel, (const int64_t[]){3, 1, 2}),
                   3 * 3 * 1 * KW * 7); // of the kernel
  assert_int_equal(macs(g, kernel, (const int64_t[]){5, 1, 3}), 3 * 3 * KH * KW * 3); // inputs
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_kernel_has_its_taps_by_output),
                                     cmocka_unit_test(fan_in_is_what_an_output_sums),
                                     cmocka_unit_test(intervals_sum_over_the_taps),
                                     cmocka_unit_test(kernels_are_packed_by_tap),
                                     cmocka_unit_test(kernels_are_quantised_as_matrices),
                                     cmocka_unit_test(masks_keep_their_shape),
                                     cmocka_unit_test(a_table_is_the_same_for_all_taps),
                                     cmocka_unit_test(macs_are_of_connections)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
