// SPDX-License-Identifier: Apache-2.0
// When the fast golden model may use 16-bit and 8-bit products, 32-bit sums and plain shifts:
// exactly on the bounds and one beyond them, each with the inputs that attain the largest sums;
// what it computes equals the plain model in every case.
#include "sw/exec/golden.h"
#include "sw/exec/golden_prepare.h"
#include "sw/graph/interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUT = 3, FRAMES = 5, WIDEST = 24 };

// A linear layer whose weights are `low` and `high` in turns, high first.
struct layer {
  int x_width, x_zero; // x_width below 0: unsigned
  int64_t in, high, low, bias;
  int shift;
  enum fix_rounding rounding;
  enum fix_overflow overflow;
  int y_width;
  int packed; // what is expected: parts of the weights; 0: only the plain kernel serves
  bool bytes, shift_only;
};

#define MODES FIX_HALF_EVEN, FIX_SATURATE
static const struct layer layers[] = {
    // x: 8 bits are bytes, 16 bits are packed
    {8, 0, 5, 1, -1, 0, 3, MODES, 8, 1, true, true},
    {-8, 0, 5, 1, -1, 0, 3, MODES, 8, 1, true, true},
    {9, 0, 5, 1, -1, 0, 3, MODES, 8, 1, false, true},
    {16, 0, 5, 1, -1, 0, 3, MODES, 8, 1, false, true},
    {17, 0, 5, 1, -1, 0, 3, MODES, 8, 0, false, false},
    {-16, 0, 5, 1, -1, 0, 3, MODES, 8, 0, false, false},
    {-16, 32768, 5, 1, -1, 0, 3, MODES, 8, 1, false, true},
    {-16, 32767, 5, 1, -1, 0, 3, MODES, 8, 0, false, false},
    {-16, 32769, 5, 1, -1, 0, 3, MODES, 8, 0, false, false},
    // weights
    {8, 0, 5, 127, -128, 0, 3, MODES, 8, 1, true, true},
    {8, 0, 5, 128, -128, 0, 3, MODES, 8, 1, false, true},
    {8, 0, 5, 127, -129, 0, 3, MODES, 8, 1, false, true},
    {8, 0, 5, 32767, -32768, 0, 3, MODES, 8, 1, false, true},
    {8, 0, 5, 32768, -32768, 0, 3, MODES, 8, 2, false, false},
    {8, 0, 5, 32767, -32769, 0, 3, MODES, 8, 2, false, false},
    // sums: 2 x 32768 x 32767 + 65535 is the largest number of 32 bits
    {16, 0, 2, 32767, 32767, 65535, 3, MODES, 8, 1, false, true},
    {16, 0, 2, 32767, 32767, 65536, 3, MODES, 8, 2, false, false},
    {16, 0, 2, 32767, 32767, -65535, 3, MODES, 8, 1, false, true},
    {16, 0, 2, 32767, 32767, -65536, 3, MODES, 8, 2, false, false},
    {16, 0, 3, 32767, -32768, 0, 3, MODES, 8, 2, false, false},
    {15, -1000, 4, 32767, 32767, 0, 3, MODES, 8, 2, false, false},
    {15, 1000, 4, 32767, 32767, 0, 3, MODES, 8, 2, false, false},
    {15, 0, 4, 32767, 32767, 0, 3, MODES, 8, 1, false, true},
    {15, 0, 5, 32767, 32767, 0, 3, MODES, 8, 2, false, false},
    {16, 100, 2, 32767, 32767, 0, 3, MODES, 8, 0, false, false},
    {8, -128, 64, 127, -128, 0, 3, MODES, 8, 1, true, true},
    {8, 127, 64, 127, -128, 0, 3, MODES, 8, 1, true, true},
    {8, 3, 63, 5, -7, 1000, 3, MODES, 8, 1, true, true},
    {8, 3, 40001, 1, -1, 0, 12, MODES, 8, 1, true, true}, // far more inputs than sums
    // parts: the last has 16 bits, their sums 32; two as long as they do, then three, then none
    {8, 0, 5, 33554431, -33554432, 0, 20, MODES, 8, 2, false, false},
    {8, 0, 5, 33554432, -33554432, -77, 20, MODES, 8, 3, false, false},
    {8, 0, 5, 34359738367, -34359738368, 5, 30, MODES, 8, 3, false, false},
    {8, 0, 5, 34359738368, -34359738368, 5, 30, MODES, 8, 0, false, false},
    {16, 0, 64, 1047552, 1023, 0, 20, MODES, 8, 2, false, false},
    {16, 0, 65, 1047552, 1023, 0, 20, MODES, 8, 2, false, false},
    {16, 0, 131, 1023, 1023, 0, 12, MODES, 8, 0, false, false},
    {8, 7, 1000, 245760, -245760, 1000, 20, FIX_FLOOR, FIX_WRAP, 8, 2, false, false},
    // requantisation by a shift alone
    {8, 0, 5, 3, -4, 0, 0, MODES, 8, 1, true, false},
    {8, 0, 5, 3, -4, 0, 1, MODES, 8, 1, true, true},
    {8, 0, 5, 120, 120, 0, 30, MODES, 8, 1, true, true},
    {8, 0, 5, 120, 120, 0, 31, MODES, 8, 1, true, false},
    {8, 0, 5, 120, -120, 9, 2, MODES, WIDEST, 1, true, true},
    {8, 0, 5, 120, -120, 9, 2, MODES, WIDEST + 1, 1, true, false},
    {8, 0, 5, 120, -120, 9, 2, FIX_HALF_UP, FIX_SATURATE, 8, 1, true, false},
    {8, 0, 5, 120, -120, 9, 2, FIX_FLOOR, FIX_SATURATE, 8, 1, true, false},
    {8, 0, 5, 120, -120, 9, 2, FIX_HALF_EVEN, FIX_WRAP, 8, 1, true, false},
    {8, 0, 5, 120, -120, 9, 2, FIX_HALF_EVEN, FIX_SYMMETRIC, 8, 1, true, false},
    {8, 0, 5, 120, -120, 9, 2, FIX_HALF_EVEN, FIX_TO_ZERO, 8, 1, true, false},
};

static struct type fixed(struct arena *a, int width, int zero) {
  return type_fixed(a, abs(width), width > 0, 1, zero);
}

static struct graph *graph_of(struct arena *a, const struct layer *l) {
  struct graph *g = graph_new(a, "layer");
  int64_t out = OUT, shape[2] = {OUT, l->in};
  uint32_t x = graph_add_value(g, "x", 1, &l->in, fixed(a, l->x_width, l->x_zero), true);
  graph_add_input(g, x, (struct source){0});
  struct type wide = type_fixed(a, 40, true, 1, 0);
  struct tensor *w = tensor_new(a, dtype_for(&wide), 2, shape);
  struct tensor *b = tensor_new(a, dtype_for(&wide), 1, &out);
  for (int64_t i = 0; i < w->count; i++) tensor_set_int(w, i, i % l->in % 2 ? l->low : l->high);
  for (int64_t i = 0; i < out; i++) tensor_set_int(b, i, l->bias);
  uint32_t n = graph_add_node(g, OP_linear, "fc");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_use(g, n, (struct use){graph_add_tensor(g, "w", w, wide), 0, NONE});
  graph_add_use(g, n, (struct use){graph_add_tensor(g, "b", b, wide), 0, NONE});
  graph_add_out(g, n, graph_add_value(g, "y", 1, &out, fixed(a, l->y_width, 0), true));
  graph_add_requant(g, n, 1, (int64_t[]){1}, &l->shift);
  g->nodes[n].rounding = l->rounding;
  g->nodes[n].overflow = l->overflow;
  graph_add_output(g, g->nodes[n].out[0]);
  struct err e = {0};
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  return g;
}

// All lowest, all highest, the two in turns either way, and a ramp.
static void fill(const struct value *x, int64_t *codes) {
  int64_t lo = type_lowest(&x->type), hi = type_highest(&x->type), in = x->shape[0];
  for (int64_t i = 0; i < FRAMES * in; i++) {
    bool odd = i % in % 2;
    const int64_t choice[FRAMES] = {lo, hi, odd ? lo : hi, odd ? hi : lo, lo + i * 37 % (hi - lo)};
    codes[i] = choice[i / in];
  }
}

static void models_agree(struct arena *a, const struct graph *g, const char *kernels, size_t row) {
  const struct value *x = &g->values[g->inputs[0].value];
  int64_t *wide = ARENA_NEW(a, int64_t, FRAMES * x->shape[0]);
  int32_t *codes = ARENA_NEW(a, int32_t, FRAMES * x->shape[0]), y[FRAMES * OUT];
  const int64_t *inputs[1] = {wide};
  fill(x, wide);
  for (int64_t i = 0; i < FRAMES * x->shape[0]; i++) codes[i] = (int32_t)wide[i];
  struct err e = {0};
  setenv("NNGEN_KERNELS", kernels, 1);
  const struct golden *fast = golden_new(a, g, &e);
  unsetenv("NNGEN_KERNELS");
  if (!fast) fail_msg("%s", e.text);
  struct golden_tap tap = {g->outputs[0], y};
  golden_run_codes(fast, FRAMES, codes, &tap, 1);
  struct golden_ref *ref = golden_ref_new(a, g, FRAMES);
  golden_ref_step(ref, inputs);
  for (int i = 0; i < FRAMES * OUT; i++) {
    int64_t code = type_code(&g->values[g->outputs[0]].type, y[i]);
    if (code != golden_ref_value(ref, g->outputs[0])[i])
      fail_msg("row %zu, %s: %lld, the plain model %lld", row, kernels, (long long)code,
               (long long)golden_ref_value(ref, g->outputs[0])[i]);
  }
}

static void test_bounds(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    for (int k = 0; k < n; k++) {
      struct arena a = {0};
      struct prepared p = {0};
      const struct layer *l = &layers[i];
      struct graph *g = graph_of(&a, l);
      models_agree(&a, g, list[k]->name, i); // with nothing proven yet
      graph_ranges(g);
      golden_prepare(&a, list[k], g, &g->nodes[0], &p);
      const struct value *x = node_in(g, &g->nodes[0], 0);
      bool seven = list[k]->linear7 && type_highest(&x->type) - type_lowest(&x->type) <= 127;
      bool bytes = l->bytes && (list[k]->linear8 || seven);
      if ((p.packed ? p.parts : 0) != l->packed || p.bytes != bytes ||
          p.shift_only != l->shift_only)
        fail_msg("row %zu, %s: packed %d, bytes %d, shift only %d, parts %d", i, list[k]->name,
                 p.packed, p.bytes, p.shift_only, p.parts);
      int group = bytes ? 4 : 2;
      if (p.packed) assert_int_equal(p.groups, (l->in + group - 1) / group);
      models_agree(&a, g, list[k]->name, i);
      arena_free(&a);
    }
}

// A multiplier and a shift per output.
static void test_channels(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  for (int k = 0; k < n; k++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g = graph_of(&a, &layers[0]);
    g->nodes[0].n_rq = 0;
    graph_add_requant(g, 0, OUT, (int64_t[]){5, 1, 3}, (int32_t[]){6, 2, 4});
    if (!graph_verify(g, &e)) fail_msg("%s", e.text);
    models_agree(&a, g, list[k]->name, 0);
    arena_free(&a);
  }
}

static void refused(struct graph *g, const char *words) {
  struct err e = {0};
  if (golden_new(g->arena, g, &e)) fail_msg("accepted, expected \"%s\"", words);
  if (!strstr(e.text, words)) fail_msg("expected \"%s\", got \"%s\"", words, e.text);
}

// All 32 bits of a stream, signed or not, on either side.
static void test_widest(void **state) {
  (void)state;
  struct arena a = {0};
  struct layer l = layers[0];
  l.shift = -31;
  for (int width = -32; width <= 32; width += 64) {
    l.x_width = width;
    models_agree(&a, graph_of(&a, &l), "plain", 0);
    l.y_width = width;
    models_agree(&a, graph_of(&a, &l), "plain", 0);
    l.y_width = -width;
    models_agree(&a, graph_of(&a, &l), "plain", 0);
  }
  arena_free(&a);
}

static void test_refusals(void **state) {
  (void)state;
  struct arena a = {0};
  struct graph *g = graph_of(&a, &layers[0]);
  g->values[g->inputs[0].value].type = type_real();
  refused(g, "value \"x\" is real");
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bounds), cmocka_unit_test(test_channels),
                                     cmocka_unit_test(test_widest),
                                     cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
