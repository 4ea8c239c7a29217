// SPDX-License-Identifier: Apache-2.0
// Every kind with a gradient, on random shapes (helper_probe.c), against central differences of the
// loss sum(dy * y) with y in double.
#include "tests/net/helper_oracle.h"
#include "tests/net/helper_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#define STEP 0x1p-16

typedef void gradient_function(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]);

static double loss(struct probe *p) {
  double l = 0;
  probe_evaluate(p);
  for (int64_t i = 0; i < probe_total(p, &p->job.out[0]); i++) l += (double)p->dy[i] * p->y[i];
  return l;
}

// ---- comparing

// Central difference of the loss with respect to *x.
static double difference(struct probe *p, double *x) {
  double at = *x;
  p->through = true;
  *x = at + STEP;
  double above = loss(p);
  *x = at - STEP;
  double below = loss(p);
  *x = at;
  p->through = false;
  return (above - below) / (2 * STEP);
}

// max|found - expected| <= 1e-5 max|expected|, and 1e-6 for what the floats of dx round.
static bool close_to(const float *found, const double *expected, int64_t count) {
  double off = 0, most = 0;
  for (int64_t i = 0; i < count; i++) {
    off = fmax(off, fabs((double)found[i] - expected[i]));
    most = fmax(most, fabs(expected[i]));
  }
  return off <= 1e-5 * most + 1e-6;
}

// Arrays that hold something already: a gradient is added to it.
static void start(struct probe *p, float *dx[JOB_INPUTS]) {
  for (uint32_t k = 0; k < p->job.node->n_in; k++) {
    dx[k] = ARENA_NEW(&p->arena, float, probe_total(p, &p->job.in[k]));
    for (int64_t i = 0; i < probe_total(p, &p->job.in[k]); i++) dx[k][i] = 0.25f;
  }
}

static bool right(struct probe *p, gradient_function *gradient) {
  float *dx[JOB_INPUTS] = {NULL};
  bool ok = true;
  start(p, dx);
  gradient(&p->job, p->dy, dx);
  for (uint32_t k = 0; k < p->job.node->n_in; k++) {
    int64_t count = probe_total(p, &p->job.in[k]);
    double *expected = ARENA_NEW(&p->arena, double, count);
    for (int64_t i = 0; i < count; i++) expected[i] = 0.25 + difference(p, &p->x[k][i]);
    ok &= close_to(dx[k], expected, count);
  }
  return ok;
}

// Each input alone gets the same bits as all of them together.
static void check_unwanted(struct probe *p) {
  float *all[JOB_INPUTS] = {NULL}, *one[JOB_INPUTS] = {NULL};
  start(p, all);
  real_backward(&p->job, p->dy, all);
  start(p, one);
  for (uint32_t k = 0; k < p->job.node->n_in; k++) {
    float *wanted[JOB_INPUTS] = {NULL};
    wanted[k] = one[k];
    real_backward(&p->job, p->dy, wanted);
    assert_memory_equal(one[k], all[k], (size_t)probe_total(p, &p->job.in[k]) * sizeof **one);
  }
}

static void every_kind_against_differences(void **state) {
  (void)state;
  struct probe p;
  for (enum op op = 0; op < OP_COUNT; op++)
    for (uint32_t c = 0; c < PROBE_CASES && !op_no_gradient(op); c++) {
      probe_new(&p, op, c);
      probe_evaluate(&p);
      if (!close_to(p.job.out[0].data, p.y, probe_total(&p, &p.job.out[0])))
        fail_msg("%s, case %u: the forward pass is another function", op_info(op)->name, c);
      if (!right(&p, real_backward)) fail_msg("%s, case %u: wrong gradient", op_info(op)->name, c);
      check_unwanted(&p);
      arena_free(&p.arena);
    }
}

// A gradient belongs to a kind that is computed in floats; a kind without one says why.
static void every_row_has_a_rule_or_a_reason(void **state) {
  (void)state;
  struct probe p;
  for (enum op op = 0; op < OP_COUNT; op++) {
    const struct op_info *info = op_info(op);
    if (!(info->executors & EXECUTOR_REAL)) assert_non_null(op_no_gradient(op));
    if (!op_no_gradient(op)) continue;
    assert_true(strlen(op_no_gradient(op)) > 10);
    probe_begin(&p, op, 0);
    assert_false(probe_make(&p, op));
    arena_free(&p.arena);
  }
}

// x * x: both inputs are one value, and one array takes both gradients.
static void a_value_used_twice_takes_both(void **state) {
  (void)state;
  float x[3] = {1.5f, -2, 0.25f}, y[3], dy[3] = {1, 3, -2}, dx[3] = {0, 1, 0};
  struct node n = {.op = OP_mul};
  struct array a = {x, 1, {3}, 3, false}, out = {y, 1, {3}, 3, false};
  struct job j = {.node = &n, .frames = 1, .in = {a, a}, .out = {out}};
  real_backward(&j, dy, (float *[JOB_INPUTS]){dx, dx, NULL});
  static const float expected[3] = {3, 1 - 12, -1};
  assert_memory_equal(dx, expected, sizeof dx);
}

// Channel 1 of a linear node of two: the job holds that row of the weights, and so do the
// gradients.
static void a_slice_has_the_gradients_of_its_part(void **state) {
  (void)state;
  float x[2] = {3, -1}, w[2] = {2, 5}, b[1] = {7}, y[1] = {8}, dy[1] = {-2};
  float dx[2] = {0}, dw[2] = {0}, db[1] = {1};
  struct attr slice = {.name = ATTR_slice, .count = 3, .ints = (const int64_t[]){0, 1, 2}};
  struct node n = {.op = OP_linear, .n_in = 3, .n_attr = 1, .attr = &slice};
  struct job j = {.node = &n,
                  .frames = 1,
                  .in = {{x, 1, {2}, 2, true}, {w, 2, {1, 2}, 2, false}, {b, 1, {1}, 1, false}},
                  .out = {{y, 1, {1}, 1, true}}};
  real_backward(&j, dy, (float *[JOB_INPUTS]){dx, dw, db});
  assert_memory_equal(dx, ((float[]){-4, -10}), sizeof dx);
  assert_memory_equal(dw, ((float[]){-6, 2}), sizeof dw);
  assert_memory_equal(db, ((float[]){-1}), sizeof db);
}

static void kinks_are_as_defined(void **state) {
  (void)state;
  static const struct {
    enum op op;
    float x, slope;
  } kinks[] = {{OP_relu, 0, 0},          {OP_relu6, 0, 0},          {OP_relu6, 6, 0},
               {OP_clip, -1.5f, 1},      {OP_clip, 2.25f, 1},       {OP_leaky_relu, 0, 0.25f},
               {OP_hard_tanh, -1, 0},    {OP_hard_tanh, 1, 0},      {OP_hard_sigmoid, -2, 0},
               {OP_hard_sigmoid, 2, 0},  {OP_softshrink, -0.5f, 0}, {OP_softshrink, 0.5f, 0},
               {OP_hardshrink, 0.5f, 0}, {OP_hardshrink, -0.5f, 0}, {OP_elu, 0, 0.75f}};
  for (size_t i = 0; i < sizeof kinks / sizeof *kinks; i++) {
    struct probe p;
    probe_begin(&p, kinks[i].op, 0);
    probe_constants(&p, kinks[i].op);
    float x = kinks[i].x, one = 1, dx = 0;
    struct array a = {&x, 1, {1}, 1, false};
    struct job j = {.node = &p.g->nodes[p.node], .frames = 1, .in = {a}, .out = {a}};
    real_backward(&j, &one, (float *[JOB_INPUTS]){&dx});
    assert_true(dx == kinks[i].slope);
    arena_free(&p.arena);
  }
}

// ---- seeded bugs: each must be caught in some case

static int64_t count_of(const struct job *j, int k) {
  return job_frames(j, &j->in[k]) * j->in[k].elements;
}

static void bug_first_frame_of_weights(const struct job *j, const float *dy, float *const dx[]) {
  struct job first = *j;
  first.frames = 1;
  real_backward(j, dy, (float *[JOB_INPUTS]){dx[0]});
  real_backward(&first, dy, (float *[JOB_INPUTS]){NULL, dx[1], dx[2]});
}

static void bug_transposed_weights(const struct job *j, const float *dy, float *const dx[]) {
  struct arena a = {0};
  float *dw = ARENA_NEW(&a, float, count_of(j, 1));
  int64_t rows = j->in[1].shape[0], columns = j->in[1].shape[1];
  real_backward(j, dy, (float *[JOB_INPUTS]){dx[0], dw, dx[2]});
  for (int64_t i = 0; i < count_of(j, 1); i++) {
    int64_t at = i % (rows * columns);
    dx[1][i] += dw[i - at + at % rows * columns + at / rows];
  }
  arena_free(&a);
}

static void bug_last_of_broadcast(const struct job *j, const float *dy, float *const dx[]) {
  for (int64_t i = 0; i < job_frames(j, &j->out[0]) * j->out[0].elements; i++)
    for (int k = 0; k < 2; k++) {
      int64_t f = i / j->out[0].elements, e = i % j->out[0].elements;
      real_like(&j->in[k], dx[k], f)[job_broadcast(&j->in[k], &j->out[0], e)] = 0.25f + dy[i];
    }
}

static void bug_overwrites(const struct job *j, const float *dy, float *const dx[]) {
  for (int k = 0; k < JOB_INPUTS; k++)
    if (dx[k]) memset(dx[k], 0, (size_t)count_of(j, k) * sizeof **dx);
  real_backward(j, dy, dx);
}

static void bug_slope_of_one(const struct job *j, const float *dy, float *const dx[]) {
  for (int64_t i = 0; i < count_of(j, 0); i++) dx[0][i] += dy[i];
}

static void bug_diagonal_only(const struct job *j, const float *dy, float *const dx[]) {
  const float *y = j->out[0].data;
  for (int64_t i = 0; i < count_of(j, 0); i++) dx[0][i] += y[i] * (1 - y[i]) * dy[i];
}

static void bug_wrong_sign(const struct job *j, const float *dy, float *const dx[]) {
  struct node n = *j->node;
  struct job added = *j;
  n.op = OP_add;
  added.node = &n;
  real_backward(&added, dy, dx);
}

// Cases that a bug gets wrong.
static int caught(enum op op, gradient_function *bug) {
  int cases = 0;
  for (uint32_t c = 0; c < PROBE_CASES; c++) {
    struct probe p;
    probe_new(&p, op, c);
    cases += !right(&p, bug);
    arena_free(&p.arena);
  }
  return cases;
}

// Those that only some shapes reveal are caught by these and right on the others.
static void seeded_bugs_are_caught(void **state) {
  (void)state;
  assert_in_range(caught(OP_linear, bug_first_frame_of_weights), 1, PROBE_CASES - 1);
  assert_in_range(caught(OP_matmul, bug_first_frame_of_weights), 1, PROBE_CASES - 1);
  assert_in_range(caught(OP_linear, bug_transposed_weights), 1, PROBE_CASES - 1);
  assert_in_range(caught(OP_matmul, bug_transposed_weights), 1, PROBE_CASES - 1);
  assert_in_range(caught(OP_add, bug_last_of_broadcast), 1, PROBE_CASES - 1);
  assert_in_range(caught(OP_softmax, bug_diagonal_only), 1, PROBE_CASES - 1);
  assert_in_range(caught(OP_log_softmax, bug_diagonal_only), 1, PROBE_CASES - 1);
  assert_in_range(caught(OP_relu, bug_slope_of_one), 1, PROBE_CASES - 1);
  assert_in_range(caught(OP_requant, bug_slope_of_one), 1, PROBE_CASES - 1);
  assert_int_equal(caught(OP_tanh, bug_slope_of_one), PROBE_CASES);
  assert_int_equal(caught(OP_sub, bug_wrong_sign), PROBE_CASES);
  for (enum op op = 0; op < OP_COUNT; op++)
    if (!op_no_gradient(op)) assert_int_equal(caught(op, bug_overwrites), PROBE_CASES);
}

static int setup(void **state) {
  (void)state;
  oracle_start();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  oracle_stop();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_against_differences),
      cmocka_unit_test(every_row_has_a_rule_or_a_reason),
      cmocka_unit_test(a_value_used_twice_takes_both),
      cmocka_unit_test(a_slice_has_the_gradients_of_its_part),
      cmocka_unit_test(kinks_are_as_defined),
      cmocka_unit_test(seeded_bugs_are_caught),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
