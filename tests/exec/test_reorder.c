// SPDX-License-Identifier: Apache-2.0
// Kinds that put elements elsewhere: by hand, in parts, and lists that don't fit.
#include "sw/base/rng.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/exec/reorder.h"
#include "sw/graph/interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

struct list {
  enum attr_name name;
  int64_t count, ints[6];
};

struct reordering {
  enum op op;
  int rank;
  int64_t shape[4];
  struct list lists[3];
};

// A graph of one node, 7 around its frames; its output. NONE: the lists don't fit, with the
// message.
static int32_t graph_of(struct arena *a, const struct reordering *r, struct type type,
                        struct graph **g, struct err *e) {
  int64_t shape[RANK_MAX];
  int rank;
  *g = graph_new(a, "reorder");
  uint32_t x = graph_add_value(*g, "x", r->rank, r->shape, type, true);
  uint32_t n = graph_add_node(*g, r->op, "layer");
  graph_add_input(*g, x, (struct source){0});
  graph_add_use(*g, n, (struct use){x, 0, NONE});
  for (int i = 0; i < 3; i++)
    if (r->lists[i].count)
      graph_add_ints(*g, n, r->lists[i].name, r->lists[i].count, r->lists[i].ints);
  if (op_takes(r->op, ATTR_codes)) graph_add_int(*g, n, ATTR_codes, 7);
  if (!graph_shape(*g, &(*g)->nodes[n], 0, &rank, shape, e)) return NONE;
  uint32_t y = graph_add_value(*g, "y", rank, shape, type, true);
  graph_add_out(*g, n, y);
  graph_add_output(*g, y);
  if (!graph_verify(*g, e)) return NONE;
  graph_ranges(*g);
  return (int32_t)y;
}

// ---- by hand: elements 0, 1, 2, ..

static const struct {
  struct reordering node;
  int64_t count, expected[16];
} by_hand[] = {
    {{OP_slice, 1, {6}, {{ATTR_begin, 1, {1}}, {ATTR_end, 1, {6}}, {ATTR_step, 1, {2}}}},
     3,
     {1, 3, 5}},
    {{OP_slice, 2, {3, 4}, {{ATTR_end, 2, {2, 4}}, {ATTR_begin, 2, {0, 2}}}}, 4, {2, 3, 6, 7}},
    {{OP_slice, 3, {2, 2, 3}, {{ATTR_begin, 3, {1, 0, 1}}}}, 4, {7, 8, 10, 11}},
    {{OP_slice, 2, {3, 3}, {{ATTR_step, 2, {2, 2}}}}, 4, {0, 2, 6, 8}},
    {{OP_slice, 2, {2, 2}, {{0}}}, 4, {0, 1, 2, 3}},
    {{OP_pad, 1, {2}, {{ATTR_pad, 2, {1, 2}}}}, 5, {7, 0, 1, 7, 7}},
    {{OP_pad, 2, {2, 2}, {{ATTR_pad, 4, {1, 0, 0, 1}}}}, 9, {7, 7, 7, 0, 1, 7, 2, 3, 7}},
    {{OP_upsample, 2, {2, 2}, {{ATTR_factors, 1, {3}}}}, 12, {0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3}},
    {{OP_upsample, 3, {2, 2, 1}, {{ATTR_factors, 2, {2, 1}}}}, 8, {0, 1, 0, 1, 2, 3, 2, 3}},
    {{OP_upsample, 3, {1, 2, 2}, {{ATTR_factors, 2, {2, 2}}}},
     16,
     {0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3}},
    {{OP_permute, 2, {2, 3}, {{ATTR_axes, 2, {1, 0}}}}, 6, {0, 3, 1, 4, 2, 5}},
    // channels first; and channels of two groups taking turns
    {{OP_permute, 3, {2, 2, 3}, {{ATTR_axes, 3, {2, 0, 1}}}},
     12,
     {0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11}},
    {{OP_permute, 4, {1, 2, 2, 3}, {{ATTR_axes, 4, {0, 1, 3, 2}}}},
     12,
     {0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}},
    {{OP_permute, 3, {2, 1, 3}, {{ATTR_axes, 3, {1, 0, 2}}}}, 6, {0, 1, 2, 3, 4, 5}},
};

static void integers(struct arena *a, const struct graph *g, uint32_t y, const int64_t *codes,
                     int64_t *to) {
  struct golden_ref *ref = golden_ref_new(a, g, 1);
  golden_ref_step(ref, &codes);
  memcpy(to, golden_ref_value(ref, y), (size_t)value_elements(&g->values[y]) * sizeof *to);
}

static void elements_by_hand(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g;
    int64_t x[16], y[16];
    for (int k = 0; k < 16; k++) x[k] = k;
    int32_t out = graph_of(&a, &by_hand[i].node, type_fixed(&a, 8, true, 1, 0), &g, &e);
    if (out == NONE) fail_msg("%zu: %s", i, e.text);
    assert_int_equal(value_elements(&g->values[out]), by_hand[i].count);
    integers(&a, g, (uint32_t)out, x, y);
    assert_memory_equal(y, by_hand[i].expected, (size_t)by_hand[i].count * sizeof *y);
    arena_free(&a);
  }
}

// ---- frames by blocks are those by elements, for elements of any size

static void blocks_are_elements(void **state) {
  (void)state;
  struct rng r = {.seed = 21};
  int blocks = 0;
  for (int i = 0; i < 400; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g;
    void *none[1] = {NULL};
    struct reordering n = {
        .op = OP_slice, .rank = 3, .lists = {{ATTR_begin, 3, {0}}, {ATTR_step, 3, {0}}}};
    const struct list around = {ATTR_pad, 6, {0, rng_range(&r, 0, 1), 0, 0, 1, 0}};
    const struct list factors = {ATTR_factors, 2, {rng_range(&r, 1, 2), rng_range(&r, 1, 2)}};
    const struct list axes = {ATTR_axes, 3, {i % 2, 1 - i % 2, 2}};
    bool pads = i % 3 == 0, repeats = i % 5 == 1, turns = i % 5 == 2;
    for (int d = 0; d < 3; d++) {
      n.shape[d] = rng_range(&r, 1, 5);
      n.lists[0].ints[d] = rng_range(&r, 0, 1) ? 0 : rng_range(&r, 0, n.shape[d] - 1);
      n.lists[1].ints[d] = rng_range(&r, 1, 2);
    }
    if (pads) n = (struct reordering){OP_pad, 3, {n.shape[0], n.shape[1], n.shape[2]}, {around}};
    if (repeats)
      n = (struct reordering){OP_upsample, 3, {n.shape[0], n.shape[1], n.shape[2]}, {factors}};
    if (turns) n = (struct reordering){OP_permute, 3, {n.shape[0], n.shape[1], n.shape[2]}, {axes}};
    if (graph_of(&a, &n, type_real(), &g, &e) == NONE) fail_msg("%s", e.text);
    struct job j = job_of(&a, g, &g->nodes[0], 1, 4, none, none);
    struct reorder order;
    uint8_t from[5 * 5 * 5 * 4], to[10 * 10 * 5 * 4], constant[4] = {9, 8, 7, 6};
    size_t size = (size_t)rng_range(&r, 1, 4);
    for (size_t k = 0; k < sizeof from; k++) from[k] = (uint8_t)rng_range(&r, 0, 255);
    assert_true(reorder_of(&a, &j, &order));
    reorder_frame(&order, size, from, constant, to);
    for (int64_t k = 0; k < j.out[0].elements; k++) {
      int64_t at = reorder_at(&order, k);
      const uint8_t *own = at == NONE ? constant : from + (size_t)at * size;
      assert_memory_equal(to + (size_t)k * size, own, size);
    }
    blocks += order.block > 1;
    arena_free(&a);
  }
  assert_true(blocks > 100);
}

// ---- parts of the output, each computed alone, are those of the whole

static void parts_of(const struct reordering *whole, int axis, struct rng *r) {
  struct arena a = {0};
  struct err e = {0};
  struct graph *g, *h;
  struct reordering part = *whole;
  struct space s;
  int64_t x[64], all[256], some[256];
  struct type type = type_fixed(&a, 8, true, 1, 0);
  for (int k = 0; k < 64; k++) x[k] = rng_range(r, -128, 127);
  int32_t y = graph_of(&a, whole, type, &g, &e);
  if (y == NONE || !space_of(g, &g->nodes[0], &s, &e)) fail_msg("%s", e.text);
  int64_t from = rng_range(r, 0, s.size[axis] - 1), to = rng_range(r, from + 1, s.size[axis]);
  part.lists[2] = (struct list){ATTR_slice, 3, {axis, from, to}};
  int32_t z = graph_of(&a, &part, type, &h, &e);
  if (z == NONE) fail_msg("%s", e.text);
  integers(&a, g, (uint32_t)y, x, all);
  integers(&a, h, (uint32_t)z, x, some);
  const int64_t *shape = g->values[y].shape;
  int64_t inner = shape_elements(2 - axis, shape + axis + 1), size = (to - from) * inner;
  for (int64_t i = 0; i < value_elements(&h->values[z]); i++)
    assert_int_equal(some[i], all[(i / size * shape[axis] + from) * inner + i % size]);
  arena_free(&a);
}

static const struct reordering wholes[] = {
    {OP_slice, 3, {4, 4, 3}, {{ATTR_begin, 3, {1, 0, 1}}, {ATTR_step, 3, {2, 1, 1}}}},
    {OP_slice, 3, {3, 4, 4}, {{ATTR_begin, 3, {0, 1, 0}}, {ATTR_end, 3, {3, 4, 2}}}},
    {OP_pad, 3, {3, 2, 3}, {{ATTR_pad, 6, {1, 0, 2, 1, 2, 0}}}},
    {OP_upsample, 3, {3, 2, 4}, {{ATTR_factors, 2, {2, 3}}}},
    {OP_permute, 3, {3, 2, 4}, {{ATTR_axes, 3, {2, 0, 1}}}},
    {OP_permute, 3, {3, 4, 2}, {{ATTR_axes, 3, {1, 0, 2}}}},
};

static void parts_make_the_whole(void **state) {
  (void)state;
  struct rng r = {.seed = 22};
  for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++)
    for (int axis = 0; axis < 3; axis++)
      for (int k = 0; k < 20; k++) parts_of(&wholes[i], axis, &r);
}

// ---- lists that don't fit

static const struct {
  struct reordering node;
  const char *message;
} wrong[] = {
    {{OP_slice, 2, {3, 4}, {{ATTR_begin, 3, {0, 0, 0}}}}, "begin: 3 numbers, expected 2"},
    {{OP_slice, 2, {3, 4}, {{ATTR_begin, 2, {0, 4}}}}, "begin: 4 on axis 1 of 4, expected 0 to 3"},
    {{OP_slice, 2, {3, 4}, {{ATTR_begin, 2, {2, 0}}, {ATTR_end, 2, {2, 4}}}},
     "end: 2 on axis 0 of 3, expected 3 to 3"},
    {{OP_slice, 2, {3, 4}, {{ATTR_end, 2, {3, 5}}}}, "end: 5 on axis 1 of 4, expected 1 to 4"},
    {{OP_slice, 2, {3, 4}, {{ATTR_step, 2, {1, 0}}}}, "step: 0, expected 1 to 16777216"},
    {{OP_slice, 2, {3, 4}, {{ATTR_begin, 2, {-1, 0}}}}, "begin: -1, expected 0 to 16777216"},
    {{OP_pad, 2, {3, 4}, {{ATTR_pad, 2, {1, 1}}}}, "pad: 2 numbers, expected 4"},
    {{OP_pad, 1, {3}, {{ATTR_pad, 2, {1 << 23, 1 << 23}}}},
     "pad: 16777219 elements on axis 0, at most 16777216"},
    {{OP_pad, 1, {3}, {{ATTR_pad, 2, {-1, 0}}}}, "pad: -1, expected 0 to 16777216"},
    {{OP_upsample, 1, {3}, {{ATTR_factors, 1, {2}}}},
     "expected an image (H, W, C) or (L, C), found rank 1"},
    {{OP_upsample, 3, {3, 4, 2}, {{ATTR_factors, 3, {2, 2, 1}}}}, "factors: 3 numbers, expected 2"},
    {{OP_upsample, 2, {3, 4}, {{ATTR_factors, 1, {0}}}}, "factors: 0, expected 1 to 16777216"},
    {{OP_upsample, 3, {1, 3, 4}, {{ATTR_factors, 2, {1, 1 << 23}}}},
     "factors: 8388608 times 3 elements on axis 1, at most 16777216"},
    {{OP_permute, 2, {3, 4}, {{ATTR_axes, 3, {0, 1, 2}}}}, "axes: 3 numbers, expected 2"},
    {{OP_permute, 2, {3, 4}, {{ATTR_axes, 2, {0, 2}}}}, "axes: 2, expected each of 0 to 1 once"},
    {{OP_permute, 3, {3, 4, 5}, {{ATTR_axes, 3, {2, 0, 2}}}},
     "axes: 2 twice, expected each of 0 to 2 once"},
    {{OP_permute, 2, {3, 4}, {{ATTR_axes, 2, {-1, 0}}}}, "axes: -1, expected 0 to 16777216"},
};

static void wrong_lists(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g;
    assert_int_equal(graph_of(&a, &wrong[i].node, type_real(), &g, &e), NONE);
    if (!strstr(e.text, wrong[i].message))
      fail_msg("\"%s\", expected \"%s\"", e.text, wrong[i].message);
    arena_free(&a);
  }
}

// Scales per channel stay with their channels, or the node is refused.
static void channels_stay(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct graph *g;
  static const double scales[] = {1, 0.5, 0.25};
  struct type type = type_channels(&a, 8, true, 1, 3, scales, (const int32_t[3]){0});
  const struct reordering rows = {OP_slice, 2, {4, 3}, {{ATTR_begin, 2, {1, 0}}}};
  const struct reordering channels = {
      OP_slice, 2, {4, 3}, {{ATTR_begin, 2, {1, 0}}, {ATTR_end, 2, {4, 2}}}};
  const struct reordering turned = {OP_permute, 2, {3, 3}, {{ATTR_axes, 2, {1, 0}}}};
  if (graph_of(&a, &rows, type, &g, &e) == NONE) fail_msg("%s", e.text);
  assert_int_equal(graph_of(&a, &channels, type, &g, &e), NONE);
  e = (struct err){0};
  assert_int_equal(graph_of(&a, &turned, type, &g, &e), NONE);
  if (!strstr(e.text, "which this node reorders: expected one scale")) fail_msg("%s", e.text);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elements_by_hand), cmocka_unit_test(blocks_are_elements),
      cmocka_unit_test(parts_make_the_whole), cmocka_unit_test(wrong_lists),
      cmocka_unit_test(channels_stay)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
