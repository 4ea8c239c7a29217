// SPDX-License-Identifier: Apache-2.0
// Every activation, every input code: golden model == circuit in Icarus == oracle. Types are
// sampled; NNGEN_TEST_DEEP=1 takes every input width from 2 to 16, signed and unsigned.
#include "gen/folder.h"
#include "quant/quantize.h"
#include "sim/simulate.h"
#include "sw/base/rng.h"
#include "sw/exec/golden.h"
#include "tests/net/helper_oracle.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LANES = 16, SAMPLES = 4 };

static char scratch[64];

static int setup(void **state) {
  (void)state;
  oracle_start();
  strcpy(scratch, "/tmp/nngen-activations-XXXXXX");
  return mkdtemp(scratch) ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  char command[128];
  oracle_stop();
  snprintf(command, sizeof command, "rm -rf %s", scratch);
  return system(command);
}

// What one comparison is about.
struct sample {
  enum op op;
  struct type in, out;
  double slope, offset, lo, hi, lambda, alpha;
  bool tanh_form; // gelu
};

enum sign { UNSIGNED, SIGNED, ANY };

static struct type random_type(struct arena *a, struct rng *r, int width, enum sign sign) {
  bool any = width > 1 && rng_range(r, 0, 3) != 0, is_signed = sign == ANY ? any : sign == SIGNED;
  double scale = ldexp(1, -(int)rng_range(r, 0, width));
  int32_t zero = 0;
  if (rng_range(r, 0, 3) == 0)
    zero = (int32_t)rng_range(r, fix_lowest(width, is_signed), fix_highest(width, is_signed));
  return type_fixed(a, width, is_signed, scale, zero);
}

static struct sample random_sample(struct arena *a, enum op op, int width, enum sign sign,
                                   uint64_t seed) {
  struct rng r = {seed * 100 + op, 9};
  struct sample s = {.op = op, .in = random_type(a, &r, width, sign)};
  s.out = rng_range(&r, 0, 3) ? random_type(a, &r, (int)rng_range(&r, 2, width < 12 ? 12 : 16), ANY)
                              : s.in;
  s.slope = rng_range(&r, 0, 1) ? 0.125 : 0.3;
  s.offset = 0.5;
  s.lo = -(double)rng_range(&r, 0, 40) / 16;
  s.hi = (double)rng_range(&r, 0, 60) / 16;
  s.lambda = (double)rng_range(&r, 0, 30) / 16;
  s.alpha = (double)rng_range(&r, 1, 30) / 16;
  s.tanh_form = rng_range(&r, 0, 1);
  return s;
}

static struct graph *graph_of(struct arena *a, const struct sample *s) {
  const struct {
    enum attr_name name;
    double value;
  } reals[] = {{ATTR_slope, s->slope}, {ATTR_offset, s->offset}, {ATTR_lo, s->lo},
               {ATTR_hi, s->hi},       {ATTR_lambda, s->lambda}, {ATTR_alpha, s->alpha}};
  int64_t codes = type_highest(&s->in) - type_lowest(&s->in) + 1;
  struct graph *g = graph_new(a, "one");
  uint32_t x = graph_add_value(g, "x", 1, &codes, type_real(), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, s->op, "n");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_out(g, n, graph_add_value(g, "y", 1, &codes, type_real(), true));
  graph_add_output(g, g->nodes[n].out[0]);
  const struct op_info *info = op_info(s->op);
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
    if ((info->required | info->optional) >> reals[i].name & 1)
      graph_add_real(g, n, reals[i].name, reals[i].value);
  if (s->op == OP_gelu && s->tanh_form) graph_add_attr(g, n, ATTR_approximate)->text = "tanh";
  struct formats f = formats_new();
  f.defaults.has_stream = f.has_input_type = true;
  f.defaults.stream = s->out;
  f.input_type = s->in;
  struct err e = {0};
  struct graph *q = quantize(a, g, &f, &e);
  if (!q) fail_msg("%s: %s", info->name, e.text);
  return q;
}

static double clamp(double v, double lo, double hi) {
  return v < lo ? lo : v > hi ? hi : v;
}

// The nearest code of a real, ties to even, saturated.
static double nearest(const struct type *t, double real) {
  return clamp(t->zero[0] + rint(real / t->scale[0]), (double)type_lowest(t),
               (double)type_highest(t));
}

// M / 2^S with M of 31 bits, as numerics.md rounds a slope.
static double rounded_slope(double slope) {
  int exponent;
  double mantissa = frexp(slope, &exponent);
  return ldexp(mantissa == 0.5 ? 0.5 : rint(mantissa * 0x1p31) * 0x1p-31, exponent);
}

// Piecewise linear functions in doubles: scales are powers of two, so that nothing is rounded but
// what the definition rounds.
static int64_t exact_code(const struct sample *s, int64_t n) {
  const struct type *x = &s->in, *y = &s->out;
  double z = x->zero[0], v = (double)n - z, slope = rounded_slope(s->slope), sx = x->scale[0];
  double unit = slope == 0.125 ? 0.125 : ldexp(1, -31 + ilogb(slope) + 1); // 2^-S of the slope
  double l = rint(s->lambda / sx), acc = v;
  switch (s->op) {
  case OP_relu:
    acc = v > 0 ? v : 0;
    break;
  case OP_relu6:
    acc = clamp((double)n, nearest(x, 0), nearest(x, 6)) - z;
    break;
  case OP_clip:
    acc = clamp((double)n, nearest(x, s->lo), nearest(x, s->hi)) - z;
    break;
  case OP_hard_tanh:
    acc = clamp((double)n, nearest(x, -1), nearest(x, 1)) - z;
    break;
  case OP_leaky_relu:
    acc = v >= 0 ? v : v * slope;
    break;
  case OP_hard_sigmoid:
    acc = clamp(v * slope + rint(s->offset / sx / unit) * unit, 0, rint(1 / sx / unit) * unit);
    break;
  case OP_softshrink:
    acc = v > l ? v - l : v < -l ? v + l : 0;
    break;
  case OP_hardshrink:
    acc = fabs(v) > floor(s->lambda / sx) ? v : 0;
    break;
  default:
    fail();
  }
  return (int64_t)nearest(y, acc * sx);
}

static int64_t oracle_of(const struct sample *s, const struct graph *g, int64_t n) {
  int curve = node_curve(&g->nodes[0]);
  if (curve == NONE) return exact_code(s, n);
  struct curve_domain d = {type_lowest(&s->in), type_highest(&s->in), s->in.zero[0],
                           s->in.scale[0],      type_lowest(&s->out), type_highest(&s->out),
                           s->out.zero[0],      s->out.scale[0]};
  return oracle_code((enum curve)curve, s->op == OP_elu ? s->alpha : 1, &d, n);
}

static void check_circuit(struct arena *a, const struct graph *g, const int32_t *codes,
                          const char *name) {
  struct err e = {0};
  struct folding f = {.parallelism = LANES};
  struct circuit *p = circuit_build(a, g, "top", &f, &e);
  if (!p) fail_msg("%s: %s", name, e.text);
  const char *dir = arena_printf(a, "%s/rtl", scratch);
  if (!folder_write(p, dir, &(struct folder_content){0}, &e)) fail_msg("%s: %s", name, e.text);
  struct simulate_result r;
  struct simulate_job job = {.folder = dir,
                             .circuit = p,
                             .images = 1,
                             .codes = codes,
                             .jobs = 1,
                             .seed = 1,
                             .icarus = true,
                             .quiet = true,
                             .work = arena_printf(a, "%s/work", scratch)};
  if (!simulate(a, &job, &r, &e)) fail_msg("%s: %s", name, e.text);
  if (r.failure || r.mismatches) fail_msg("%s: %s", name, r.failure ? r.failure : "mismatch");
}

static int64_t check(enum op op, int width, enum sign sign, uint64_t seed) {
  struct arena a = {0};
  struct err e = {0};
  struct sample s = random_sample(&a, op, width, sign, seed);
  struct graph *g = graph_of(&a, &s);
  const char *name = arena_printf(&a, "%s %s -> %s seed %d", op_info(op)->name,
                                  type_text(&a, &s.in), type_text(&a, &s.out), (int)seed);
  int64_t lowest = type_lowest(&s.in), count = type_highest(&s.in) - lowest + 1;
  int32_t *x = ARENA_NEW(&a, int32_t, count), *y = ARENA_NEW(&a, int32_t, count);
  for (int64_t i = 0; i < count; i++) x[i] = (int32_t)(lowest + i);
  const struct golden *m = golden_new(&a, g, &e);
  if (!m) fail_msg("%s: %s", name, e.text);
  struct golden_tap tap = {g->outputs[0], y};
  golden_run_codes(m, 1, x, &tap, 1);
  for (int64_t i = 0; i < count; i++) {
    int64_t expected = oracle_of(&s, g, x[i]);
    if (y[i] != expected)
      fail_msg("%s: code %d: oracle %lld, golden %d", name, x[i], (long long)expected, y[i]);
  }
  check_circuit(&a, g, x, name);
  arena_free(&a);
  return count;
}

static void test_every_code(void **state) {
  (void)state;
  static const int sampled[SAMPLES] = {2, 5, 8, 12};
  int64_t codes = 0, instances = 0;
  for (int op = 0; op < OP_COUNT; op++) {
    if (op_info((enum op)op)->column != COLUMN_POINTWISE || op_is((enum op)op, TRAIT_CASTS))
      continue;
    for (int i = 0; i < SAMPLES && !getenv("NNGEN_TEST_DEEP"); i++, instances++)
      codes += check((enum op)op, sampled[i] + (i < 3 ? op % 3 : -(op % 3)), ANY, (uint64_t)i);
    for (int i = 0; i < 2 * 15 && getenv("NNGEN_TEST_DEEP"); i++, instances++)
      codes += check((enum op)op, 2 + i / 2, (enum sign)(i % 2), (uint64_t)i);
  }
  print_message("%lld instances, %lld codes\n", (long long)instances, (long long)codes);
}

// The oracle's comparison can fail: ties to even are not ties up.
static void test_can_fail(void **state) {
  (void)state;
  struct arena a = {0};
  struct sample s = {.op = OP_relu,
                     .in = type_fixed(&a, 8, true, 0.125, 0),
                     .out = type_fixed(&a, 8, true, 0.25, 0)};
  struct graph *g = graph_of(&a, &s);
  int different = 0;
  for (int64_t n = 0; n < 100; n++)
    different += oracle_of(&s, g, n) != (int64_t)floor((double)n / 2 + 0.5);
  assert_int_equal(different, 25);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_code),
                                     cmocka_unit_test(test_can_fail)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
