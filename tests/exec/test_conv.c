// SPDX-License-Identifier: Apache-2.0
// Convolutions in parts: slices of each axis of the iteration space, rows with their halo too, give
// the parts of the whole or, of what is summed, its terms; in integers and in floats. And shapes
// that don't fit.
#include "sw/base/rng.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/interval.h"
#include "sw/graph/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

enum { CASES = 60, PARTS = 2 };

struct conv_case {
  struct arena arena;
  struct rng rng;
  struct graph *g;
  uint32_t whole, parts[PARTS]; // values
  bool real;
};

static int64_t pick(struct conv_case *c, int64_t lo, int64_t hi) {
  return rng_range(&c->rng, lo, hi);
}

static struct type type_for(struct conv_case *c, int width) {
  return c->real ? type_real() : type_fixed(&c->arena, width, true, 1, 0);
}

static uint32_t weights(struct conv_case *c, int rank, const int64_t *shape) {
  struct tensor *t = tensor_new(&c->arena, c->real ? DTYPE_F32 : DTYPE_I8, rank, shape);
  for (int64_t i = 0; i < t->count; i++) {
    int64_t v = pick(c, -8, 7);
    if (c->real)
      ((float *)t->data)[i] = (float)v;
    else
      tensor_set_int(t, i, v);
  }
  return graph_add_tensor(c->g, "w", t, type_for(c, 4));
}

// One node, and the same restricted to [from, to) of an axis; from < 0: whole.
static uint32_t add(struct conv_case *c, const char *name, uint32_t x, uint32_t w, int axis,
                    int64_t from, int64_t to) {
  enum op op = c->g->values[x].rank == 2 ? OP_conv1d : OP_conv2d;
  uint32_t n = graph_add_node(c->g, op, name);
  int64_t shape[RANK_MAX];
  int rank;
  struct err e = {0};
  const struct node *like = n ? &c->g->nodes[0] : NULL;
  graph_add_use(c->g, n, (struct use){x, 0, NONE});
  graph_add_use(c->g, n, (struct use){w, 0, NONE});
  for (uint32_t i = 0; like && i < like->n_attr; i++)
    *graph_add_attr(c->g, n, like->attr[i].name) = like->attr[i];
  if (!like) {
    int axes = c->g->values[x].rank - 1;
    int64_t list[8];
    for (int i = 0; i < 8; i++) list[i] = pick(c, i < 4, 2);
    int64_t channels = c->g->values[x].shape[axes];
    graph_add_ints(c->g, n, ATTR_stride, axes, list);
    graph_add_ints(c->g, n, ATTR_dilation, axes, list + 2);
    graph_add_ints(c->g, n, ATTR_pad, 2 * axes, list + 4);
    graph_add_int(c->g, n, ATTR_groups, channels / c->g->values[w].shape[axes + 1]);
  }
  if (from >= 0) graph_add_ints(c->g, n, ATTR_slice, 3, (int64_t[]){axis, from, to});
  if (!graph_shape(c->g, &c->g->nodes[n], 0, &rank, shape, &e)) fail_msg("%s", e.text);
  if (!c->real) graph_add_requant(c->g, n, 1, (int64_t[]){1}, (int32_t[]){0});
  uint32_t y = graph_add_value(c->g, name, rank, shape, type_for(c, 30), true);
  graph_add_out(c->g, n, y);
  graph_add_output(c->g, y);
  return y;
}

// A convolution of a random shape; false: it has no points to cut on that axis.
static bool make(struct conv_case *c, uint64_t seed, bool real, int axis) {
  struct space s;
  struct err e = {0};
  *c = (struct conv_case){.rng = {seed, (uint64_t)axis}, .real = real};
  c->g = graph_new(&c->arena, "conv");
  int axes = (int)pick(c, 1, 2);
  int64_t groups = pick(c, 1, 3), x[3], w[4];
  x[axes] = groups * pick(c, 1, 3);
  w[0] = groups * pick(c, 1, 3);
  w[axes + 1] = x[axes] / groups;
  for (int d = 0; d < axes; d++) {
    x[d] = pick(c, 6, 11);
    w[1 + d] = pick(c, 1, 3);
  }
  uint32_t in = graph_add_value(c->g, "x", axes + 1, x, type_for(c, 4), true);
  graph_add_input(c->g, in, (struct source){0});
  uint32_t kernel = weights(c, axes + 2, w);
  c->whole = add(c, "whole", in, kernel, 0, -1, -1);
  if (!space_of(c->g, &c->g->nodes[0], &s, &e)) fail_msg("%s", e.text);
  if (axis >= s.axes || s.size[axis] < 2) return false;
  int64_t cut = pick(c, 1, s.size[axis] - 1);
  c->parts[0] = add(c, "first", in, kernel, axis, 0, cut);
  c->parts[1] = add(c, "second", in, kernel, axis, cut, s.size[axis]);
  graph_ranges(c->g);
  if (!graph_verify(c->g, &e)) fail_msg("%s", e.text);
  return true;
}

static double at(const struct conv_case *c, const void *data, int64_t i) {
  return c->real ? (double)((const float *)data)[i] : (double)((const int64_t *)data)[i];
}

// Parts side by side along a dimension, or added.
static void check(const struct conv_case *c, const void *whole, const void *const parts[PARTS],
                  int dim) {
  const struct value *y = &c->g->values[c->whole];
  for (int64_t i = 0; i < value_elements(y); i++) {
    double expected = 0;
    if (dim == NONE) {
      expected = at(c, parts[0], i) + at(c, parts[1], i);
    } else {
      int64_t inner = shape_elements(y->rank - dim - 1, y->shape + dim + 1);
      int64_t k = i / inner % y->shape[dim], outer = i / inner / y->shape[dim];
      int64_t cut = c->g->values[c->parts[0]].shape[dim];
      int part = k >= cut;
      int64_t size = c->g->values[c->parts[part]].shape[dim];
      expected = at(c, parts[part], (outer * size + k - (part ? cut : 0)) * inner + i % inner);
    }
    if (at(c, whole, i) != expected)
      fail_msg("element %lld: %g, its parts give %g", (long long)i, at(c, whole, i), expected);
  }
}

static void run(struct conv_case *c, int axis) {
  struct space s;
  struct err e = {0};
  int64_t count = value_elements(&c->g->values[c->g->inputs[0].value]);
  int64_t *codes = ARENA_NEW(&c->arena, int64_t, count);
  float *floats = ARENA_NEW(&c->arena, float, count);
  for (int64_t i = 0; i < count; i++) floats[i] = (float)(codes[i] = pick(c, -8, 7));
  space_of(c->g, &c->g->nodes[0], &s, &e);
  int dim = NONE;
  for (int d = 0; d < s.out_rank; d++)
    if (s.out_axis[d] == axis) dim = d;
  const void *parts[PARTS], *whole;
  if (c->real) {
    struct steps *steps = real_steps(&c->arena, c->g, 1);
    const void *inputs[1] = {floats};
    steps_run(steps, inputs);
    whole = steps_value(steps, c->whole);
    for (int i = 0; i < PARTS; i++) parts[i] = steps_value(steps, c->parts[i]);
  } else {
    struct golden_ref *ref = golden_ref_new(&c->arena, c->g, 1);
    const int64_t *inputs[1] = {codes};
    golden_ref_step(ref, inputs);
    whole = golden_ref_value(ref, c->whole);
    for (int i = 0; i < PARTS; i++) parts[i] = golden_ref_value(ref, c->parts[i]);
  }
  check(c, whole, parts, dim);
}

static void parts_make_the_whole(void **state) {
  (void)state;
  int made[2 * 3] = {0};
  for (uint64_t seed = 1; seed <= CASES; seed++)
    for (int axis = 0; axis < 6; axis++)
      for (int real = 0; real < 2; real++) {
        struct conv_case c;
        if (make(&c, seed, real, axis)) {
          run(&c, axis);
          made[axis]++;
        }
        arena_free(&c.arena);
      }
  for (int axis = 0; axis < 6; axis++) assert_true(made[axis] > 10);
}

// ---- shapes that don't fit

struct wrong {
  enum op op;
  int rank;
  int64_t image[4], kernel[4]; // kernel[0] 0: a pool's attribute, the rest of it
  enum attr_name name;
  int64_t count, ints[4];
  const char *message;
};

static const struct wrong wrong[] = {
    {OP_conv2d,
     3,
     {4, 4, 2},
     {1, 5, 3, 2},
     ATTR_groups,
     1,
     {1},
     "a kernel over 5 rows, the padded image has 4"},
    {OP_conv2d,
     3,
     {4, 4, 2},
     {1, 3, 3, 2},
     ATTR_dilation,
     2,
     {1, 2},
     "a kernel over 5 columns, the padded image has 4"},
    {OP_conv2d,
     3,
     {4, 4, 4},
     {6, 3, 3, 4},
     ATTR_groups,
     1,
     {4},
     "groups: 4, which must divide 4 channels in and 6 out"},
    {OP_conv2d,
     3,
     {4, 4, 4},
     {6, 3, 3, 4},
     ATTR_groups,
     1,
     {2},
     "the weights expect 4 channels, a group of the image has 2"},
    {OP_conv2d, 3, {4, 4, 4}, {6, 3, 3, 4}, ATTR_stride, 1, {2}, "stride: 1 numbers, expected 2"},
    {OP_conv2d,
     3,
     {4, 4, 4},
     {6, 3, 3, 4},
     ATTR_stride,
     2,
     {2, 0},
     "stride: 0, expected 1 to 16777216"},
    {OP_conv2d,
     3,
     {4, 4, 4},
     {6, 3, 3, 4},
     ATTR_pad,
     4,
     {0, 0, -1, 0},
     "pad: -1, expected 0 to 16777216"},
    {OP_conv1d,
     3,
     {4, 4, 4},
     {6, 3, 3, 4},
     ATTR_groups,
     1,
     {1},
     "expected an image (L, C) and weights (OC, K, I), found ranks 3 and 4"},
    {OP_max_pool,
     3,
     {4, 4, 1},
     {0, 2, 2},
     ATTR_pad,
     4,
     {2, 0, 0, 0},
     "the window of output row 0 lies in the padding"},
    {OP_avg_pool, 3, {4, 4, 1}, {0, 2}, ATTR_ceil, 1, {1}, "kernel: 1 numbers, expected 2"},
    {OP_avg_pool,
     1,
     {4},
     {0, 2},
     ATTR_ceil,
     1,
     {1},
     "expected an image (H, W, C) or (L, C), found rank 1"},
    {OP_max_pool,
     2,
     {4, 3},
     {0, 5},
     ATTR_ceil,
     1,
     {1},
     "a kernel over 5 elements, the padded image has 4"},
};

static void wrong_shapes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct conv_case c = {.real = true};
    const struct wrong *w = &wrong[i];
    struct err e = {0};
    int64_t shape[RANK_MAX];
    int rank = 0;
    c.g = graph_new(&c.arena, "wrong");
    while (rank < 4 && w->kernel[rank + !w->kernel[0]] > 0) rank++;
    uint32_t x = graph_add_value(c.g, "x", w->rank, w->image, type_real(), true);
    uint32_t n = graph_add_node(c.g, w->op, "layer");
    graph_add_use(c.g, n, (struct use){x, 0, NONE});
    if (w->kernel[0])
      graph_add_use(c.g, n, (struct use){weights(&c, rank, w->kernel), 0, NONE});
    else
      graph_add_ints(c.g, n, ATTR_kernel, rank, w->kernel + 1);
    graph_add_ints(c.g, n, w->name, w->count, w->ints);
    assert_false(graph_shape(c.g, &c.g->nodes[n], 0, &rank, shape, &e));
    if (strcmp(e.text, w->message) != 0) fail_msg("\"%s\", expected \"%s\"", e.text, w->message);
    arena_free(&c.arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(parts_make_the_whole),
                                     cmocka_unit_test(wrong_shapes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
