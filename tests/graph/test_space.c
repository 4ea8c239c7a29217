// SPDX-License-Identifier: Apache-2.0
// What a slice needs of each dimension, by all points of the iteration space: forms as those of
// convolutions, made at random, and those of the kinds that there are.
#include "sw/base/rng.h"
#include "sw/exec/job.h"
#include "sw/graph/column.h"
#include "tests/net/helper_netgen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SHAPES = 20000, POINTS_MAX = 4096, EXTENT_MAX = 40 };

// ---- every point

struct walk {
  const struct space *s;
  const struct slice *slice;
  int64_t at[AXES_MAX];
};

static bool in_slice(const struct walk *w) {
  const struct slice *s = w->slice;
  for (int64_t i = 0; i < s->ranges; i++)
    if (w->at[s->axis] >= s->range[2 * i] && w->at[s->axis] < s->range[2 * i + 1]) return true;
  return s->ranges == 0;
}

// The next point of the space; false behind the last.
static bool next(struct walk *w) {
  for (int a = w->s->axes - 1; a >= 0; a--) {
    if (++w->at[a] < w->s->size[a]) return true;
    w->at[a] = 0;
  }
  return false;
}

static int64_t points(const struct space *s) {
  int64_t count = 1;
  for (int a = 0; a < s->axes; a++) count *= s->size[a];
  return count;
}

// Marks the indices that points of the slice read; whether the slice's axis matters.
static bool read_by_points(const struct space *s, const struct slice *slice, uint32_t input,
                           int dim, char *marks) {
  const struct form *f = &s->in[input][dim];
  struct walk w = {.s = s, .slice = slice};
  bool occurs = false;
  memset(marks, 0, (size_t)f->extent);
  for (int t = 0; t < f->terms; t++) occurs |= slice->ranges && f->term[t].axis == slice->axis;
  do {
    if (!in_slice(&w)) continue;
    int64_t index = f->offset;
    for (int t = 0; t < f->terms; t++) index += w.at[f->term[t].axis] * f->term[t].stride;
    index = (int64_t)floor((double)index / (double)f->per);
    if (index >= 0 && index < f->extent) marks[index] = 1;
  } while (next(&w));
  return occurs;
}

// What is wrong with an answer; NULL: nothing.
static const char *wrong(const struct needs *n, bool occurs, const char *marks, int64_t extent) {
  int64_t last = 0, marked = 0;
  if (n->whole) return occurs ? "whole, but the axis occurs" : NULL;
  if (!occurs) return "ranges, but the axis doesn't occur";
  for (int64_t i = 0; i < n->ranges; i++) {
    int64_t begin = n->range[2 * i], end = n->range[2 * i + 1];
    if (begin < last || end <= begin || end > extent) return "a range empty, unsorted or outside";
    for (int64_t k = begin; k < end; k++)
      if (!marks[k]) return "an index that no point reads";
    last = end;
  }
  for (int64_t k = 0; k < extent; k++) marked += marks[k];
  return needs_size(n, extent) == marked ? NULL : "an index too few";
}

static void check(const struct space *s, const struct slice *slice, uint32_t input, int dim) {
  struct arena a = {0};
  int64_t extent = s->in[input][dim].extent;
  char *marks = ARENA_NEW(&a, char, extent);
  bool occurs = read_by_points(s, slice, input, dim, marks);
  struct needs n = slice_needs(&a, s, slice, input, dim);
  const char *what = wrong(&n, occurs, marks, extent);
  if (what) fail_msg("dimension %d of input %u: %s", dim, input, what);
  arena_free(&a);
}

// ---- random spaces

// One input of some dimensions, each the sum of one to three axes, with strides, and an offset as
// padding gives it.
static void random_space(struct rng *r, struct space *s) {
  *s = (struct space){.in_rank = {(int)rng_range(r, 1, 4)}};
  for (int n = (int)rng_range(r, 1, 5); s->axes < n && points(s) < POINTS_MAX / 8;)
    space_axis(s, rng_range(r, 1, 8), rng_range(r, 0, 1));
  for (int d = 0; d < s->in_rank[0]; d++) {
    struct form *f = &s->in[0][d];
    int terms = (int)rng_range(r, 0, s->axes < TERMS_MAX ? s->axes : TERMS_MAX);
    for (int first = (int)rng_range(r, 0, s->axes - 1), t = 0; t < terms; t++)
      space_term(s, 0, d, (first + t) % s->axes, rng_range(r, 1, 5));
    f->offset = rng_range(r, -8, 4);
    f->per = rng_range(r, 1, 3);
    f->extent = rng_range(r, 1, EXTENT_MAX);
  }
}

static struct slice random_slice(struct rng *r, const struct space *s, int64_t *range) {
  struct slice slice = {.axis = (int)rng_range(r, 0, s->axes - 1), .range = range};
  for (int64_t at = rng_range(r, 0, 2), end; at < s->size[slice.axis];
       at = end + rng_range(r, 0, 3)) {
    end = at + rng_range(r, 1, 4);
    if (end > s->size[slice.axis]) end = s->size[slice.axis];
    range[2 * slice.ranges] = at;
    range[2 * slice.ranges++ + 1] = end;
  }
  return slice;
}

static void random_forms(void **state) {
  (void)state;
  struct rng r = {.seed = 11};
  for (int i = 0; i < SHAPES; i++) {
    struct space s;
    int64_t range[16];
    random_space(&r, &s);
    struct slice slice = random_slice(&r, &s, range);
    for (int d = 0; d < s.in_rank[0]; d++) check(&s, &slice, 0, d);
  }
}

// ---- a convolution's rows by hand: 8 rows, kernel 3, stride 2, one row of padding

static void a_halo_is_clamped(void **state) {
  (void)state;
  struct arena a = {0};
  struct space s = {.in_rank = {1}, .in = {{{.extent = 8, .offset = -1, .per = 1}}}};
  int oh = space_axis(&s, 4, false), kh = space_axis(&s, 3, true);
  space_term(&s, 0, 0, oh, 2);
  space_term(&s, 0, 0, kh, 1);
  static const int64_t rows[3][4] = {{0, 1, 0, 2}, {1, 3, 1, 6}, {3, 4, 5, 8}};
  for (int i = 0; i < 3; i++) {
    struct slice slice = {oh, 1, rows[i]};
    struct needs n = slice_needs(&a, &s, &slice, 0, 0);
    assert_int_equal(n.ranges, 1);
    assert_memory_equal(n.range, rows[i] + 2, 2 * sizeof *n.range);
  }
  struct slice apart = {oh, 2, (int64_t[]){0, 1, 3, 4}}, tap = {kh, 1, (int64_t[]){0, 1}};
  struct needs n = slice_needs(&a, &s, &apart, 0, 0);
  assert_int_equal(n.ranges, 2);
  assert_memory_equal(n.range, ((int64_t[]){0, 2, 5, 8}), 4 * sizeof *n.range);
  n = slice_needs(&a, &s, &tap, 0, 0); // -1 isn't there
  assert_int_equal(n.ranges, 3);
  assert_memory_equal(n.range, ((int64_t[]){1, 2, 3, 4, 5, 6}), 6 * sizeof *n.range);
  assert_int_equal(form_axis(&s, 0, 0), NONE);
  assert_int_equal(axis_dimension(&s, oh, 0), NONE);
  s.in[0][0].offset = -9; // nothing but padding
  n = slice_needs(&a, &s, &(struct slice){oh, 1, (int64_t[]){0, 2}}, 0, 0);
  assert_false(n.whole);
  assert_int_equal(n.ranges, 0);
  arena_free(&a);
}

// Dimensions that are an axis, one for one; those that have an axis otherwise, or in two places.
static void a_dimension_may_be_an_axis(void **state) {
  (void)state;
  struct space s = {.in_rank = {6}};
  static const int64_t sizes[] = {4, 3, 5, 6, 2};
  static const int terms[][3] = {// axis of the dimension, stride, offset
                                 {0, 1, 0}, {1, 2, 0}, {2, 1, 1}, {3, 1, 0}, {3, 1, 0}, {4, 1, 0}};
  static const int axis_of[] = {0, NONE, NONE, 3, 3, NONE},
                   dimension_of[] = {0, NONE, NONE, NONE, NONE};
  for (int a = 0; a < 5; a++) space_axis(&s, sizes[a], false);
  for (int d = 0; d < 6; d++) {
    space_term(&s, 0, d, terms[d][0], terms[d][1]);
    s.in[0][d].offset = terms[d][2];
    s.in[0][d].per = 1;
    s.in[0][d].extent = sizes[terms[d][0]] - (d == 5); // the last one is cut short
    assert_int_equal(form_axis(&s, 0, d), axis_of[d]);
  }
  for (int a = 0; a < 5; a++) assert_int_equal(axis_dimension(&s, a, 0), dimension_of[a]);
  s.in_rank[0] = 4; // 3 is one dimension now
  assert_int_equal(axis_dimension(&s, 3, 0), 3);
  assert_int_equal(axis_dimension(&s, 3, 1), NONE);
}

// ---- the comparison itself: answers that are off by a little are refused

enum { CHANGES = 6 };

static const char *const words[CHANGES] = {
    "an index too few",           "an index that no point reads", "an index too few",
    "empty, unsorted or outside", "empty, unsorted or outside",   "whole, but the axis occurs"};

// The answer with something wrong about its range k; false if that can't be.
static bool change(int how, struct needs *n, int64_t *range, int64_t k, const char *marks,
                   int64_t extent) {
  int64_t *at = range + 2 * k;
  switch (how) {
  case 0: // its last index is missing: a halo one short
    at[1]--;
    return at[1] > at[0];
  case 1: // one index more
    at[1]++;
    return at[1] <= extent && !marks[at[1] - 1] && (k + 1 == n->ranges || at[1] <= at[2]);
  case 2: // the first index is missing
    at[0]++;
    return at[1] > at[0];
  case 3: // twice
    range[2 * n->ranges] = range[2 * n->ranges - 2];
    range[2 * n->ranges + 1] = range[2 * n->ranges - 1];
    n->ranges++;
    return true;
  case 4: // beyond the padding
    range[2 * n->ranges - 1] = extent + 1;
    return true;
  case 5:
    n->whole = true;
    return true;
  }
  return false;
}

static void a_wrong_answer_is_refused(void **state) {
  (void)state;
  struct rng r = {.seed = 12};
  int seen[CHANGES] = {0};
  for (int i = 0; i < SHAPES; i++) {
    struct arena a = {0};
    struct space s;
    int64_t own[16], range[2 * EXTENT_MAX + 4];
    random_space(&r, &s);
    struct slice slice = random_slice(&r, &s, own);
    struct needs n = slice_needs(&a, &s, &slice, 0, 0);
    int64_t extent = s.in[0][0].extent;
    char *marks = ARENA_NEW(&a, char, extent);
    bool occurs = read_by_points(&s, &slice, 0, 0, marks);
    int how = (int)rng_range(&r, 0, CHANGES - 1);
    if (n.ranges && extent >= n.range[2 * n.ranges - 1]) {
      memcpy(range, n.range, (size_t)n.ranges * 2 * sizeof *range);
      n.range = range;
      if (change(how, &n, range, rng_range(&r, 0, n.ranges - 1), marks, extent)) {
        const char *what = wrong(&n, occurs, marks, extent);
        if (!what || !strstr(what, words[how])) fail_msg("change %d: %s", how, what ? what : "");
        seen[how]++;
      }
    }
    arena_free(&a);
  }
  for (int i = 0; i < CHANGES; i++) assert_true(seen[i] > 100);
}

// ---- the kinds that there are

static int check_node(const struct graph *g, const struct node *n, struct rng *r) {
  struct space s;
  struct err e = {0};
  int64_t *range = NULL;
  int checked = 0;
  if (!op_has_space(n->op) || !space_of(g, n, &s, &e) || !s.axes || points(&s) > 1 << 16) return 0;
  range = calloc((size_t)points(&s) * 2 + 2, sizeof *range);
  struct slice slice = random_slice(r, &s, range);
  for (uint32_t i = 0; i < n->n_in; i++)
    for (int d = 0; d < s.in_rank[i]; d++, checked++) {
      assert_int_equal(s.in[i][d].extent, node_in(g, n, i)->shape[d]);
      check(&s, &slice, i, d);
    }
  free(range);
  return checked;
}

static void all_kinds(void **state) {
  (void)state;
  struct rng r = {.seed = 13};
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 1; seed <= 40 && netgen_knows((enum op)op); seed++) {
      struct arena a = {0};
      const struct graph *g = netgen(&a, seed, (enum op)op, NETGEN_ANY);
      int checked = 0;
      for (uint32_t i = 0; i < g->n_nodes; i++) checked += check_node(g, &g->nodes[i], &r);
      if (op_has_space((enum op)op) && seed == 40) assert_true(checked > 0);
      arena_free(&a);
    }
}

// ---- arrays: what is taken out of two dimensions and put back is where it was, the rest zero

static bool held(const struct needs *n, int64_t i) {
  for (int64_t k = 0; k < n->ranges; k++)
    if (i >= n->range[2 * k] && i < n->range[2 * k + 1]) return true;
  return n->whole;
}

static void parts_go_back_where_they_were(void **state) {
  (void)state;
  enum { FRAMES = 2, ROWS = 5, COLUMNS = 7, CHANNELS = 3, ALL = ROWS * COLUMNS * CHANNELS };
  struct arena a = {0};
  float from[FRAMES * ALL];
  struct needs rows = {.ranges = 2, .range = (int64_t[]){0, 1, 3, 5}};
  struct needs columns = {.ranges = 1, .range = (int64_t[]){2, 6}}, none = {0};
  struct array x = {from, 3, {ROWS, COLUMNS, CHANNELS}, ALL, true};
  for (int i = 0; i < FRAMES * ALL; i++) from[i] = (float)(i + 1);
  array_narrow(&a, &x, FRAMES, 0, &rows, sizeof *from);
  array_narrow(&a, &x, FRAMES, 1, &columns, sizeof *from);
  assert_int_equal(x.elements, 3 * 4 * CHANNELS);
  assert_true(((float *)x.data)[0] == from[2 * CHANNELS]);
  array_widen(&a, &x, FRAMES, 0, &rows, ROWS, sizeof *from);
  array_widen(&a, &x, FRAMES, 1, &columns, COLUMNS, sizeof *from);
  assert_int_equal(x.elements, ALL);
  for (int i = 0; i < FRAMES * ALL; i++) {
    bool there =
        held(&rows, i / (COLUMNS * CHANNELS) % ROWS) && held(&columns, i / CHANNELS % COLUMNS);
    assert_true(((float *)x.data)[i] == (there ? from[i] : 0));
  }
  array_narrow(&a, &x, FRAMES, 1, &none, sizeof *from);
  assert_int_equal(x.elements, 0);
  array_widen(&a, &x, FRAMES, 1, &none, COLUMNS, sizeof *from);
  assert_int_equal(x.elements, ALL);
  for (int i = 0; i < FRAMES * ALL; i++) assert_true(((float *)x.data)[i] == 0);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_forms),
                                     cmocka_unit_test(a_halo_is_clamped),
                                     cmocka_unit_test(a_dimension_may_be_an_axis),
                                     cmocka_unit_test(a_wrong_answer_is_refused),
                                     cmocka_unit_test(all_kinds),
                                     cmocka_unit_test(parts_go_back_where_they_were)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
