// SPDX-License-Identifier: Apache-2.0
// Every function of assign against its definition in docs/numerics.md, in integers and floors that
// are worked out here: zero points, a scale, channels, one step after the other.
#include "sw/exec/golden.h"
#include "sw/graph/interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 3, COLUMNS = 2, SIZE = ROWS * COLUMNS, STEPS = 3 };

static const int64_t content[SIZE] = {5, -7, 100, -100, 0, 31};
static const int64_t given[SIZE] = {9, -50, 3, 120, -128, -8};
enum { T_ZERO = -3, FACTOR = 6, A_ZERO = 2, MUL = 3, SHIFT = 2 };

// A variable (ROWS, COLUMNS), read before it is assigned F of a sum over the frames of x, which is
// one frame, and that is x itself.
struct machine {
  struct arena arena;
  struct graph *g;
  uint32_t read;
  struct golden_ref *ref;
};

static uint32_t constant(struct graph *g, const char *name, int rank, const int64_t *shape,
                         struct type type, const int64_t *codes) {
  struct tensor *t = tensor_new(g->arena, dtype_for(&type), rank, shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, codes[i]);
  return graph_add_tensor(g, name, t, type);
}

static uint32_t total(struct graph *g, const char *name, int rank, const int64_t *shape,
                      struct type type) {
  uint32_t x = graph_add_value(g, name, rank, shape, type, true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, OP_sum, arena_printf(g->arena, "%s.sum", name));
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_int(g, n, ATTR_frames, 1);
  uint32_t y = graph_add_value(g, arena_printf(g->arena, "%s.y", name), rank, shape, type, false);
  graph_add_out(g, n, y);
  graph_add_requant(g, n, 1, (int64_t[]){1}, (int32_t[]){0});
  return y;
}

static void describe(struct machine *m, const char *function, struct type held, bool scaled,
                     enum fix_overflow overflow) {
  const int64_t shape[2] = {ROWS, COLUMNS};
  bool single = strcmp(function, "scale") == 0, two = strcmp(function, "axpy") == 0;
  struct graph *g = m->g = graph_new(&m->arena, "state");
  uint32_t t = total(g, "t", single ? 0 : 2, shape, type_fixed(&m->arena, 8, true, 1, T_ZERO));
  uint32_t a = two ? total(g, "a", 0, shape, type_fixed(&m->arena, 8, true, 1, A_ZERO)) : t;
  uint32_t init = constant(g, "init", 2, shape, held, content);
  uint32_t v = graph_add_node(g, OP_variable, "v");
  graph_add_attr(g, v, ATTR_init)->value = init;
  uint32_t ref = graph_add_value(g, "v", 2, shape, type_ref(), false);
  graph_add_out(g, v, ref);
  uint32_t r = graph_add_node(g, OP_read, "r");
  graph_add_ref(g, r, ref);
  m->read = graph_add_value(g, "now", 2, shape, held, false);
  graph_add_out(g, r, m->read);
  uint32_t n = graph_add_node(g, OP_assign, "assign");
  graph_add_attr(g, n, ATTR_function)->text = function;
  graph_add_ref(g, n, ref);
  if (two) graph_add_use(g, n, (struct use){a, 0, NONE});
  graph_add_use(g, n, (struct use){t, 0, NONE});
  graph_add_after(g, n, (struct after){r, 0});
  if (scaled) graph_add_requant(g, n, 1, (int64_t[]){MUL}, (int32_t[]){SHIFT});
  g->nodes[n].rounding = FIX_FLOOR;
  g->nodes[n].overflow = overflow;
  graph_add_output(g, m->read);
}

static void build(struct machine *m, const char *function, struct type held, bool scaled,
                  enum fix_overflow overflow) {
  struct err e = {0};
  describe(m, function, held, scaled, overflow);
  if (!graph_verify(m->g, &e)) fail_msg("%s: %s", function, e.text);
  graph_ranges(m->g);
  m->ref = golden_ref_new(&m->arena, m->g, 1);
}

// floor(v * MUL / 2^SHIFT), or v.
static int64_t rescaled(int64_t v, bool scaled) {
  int64_t product = v * MUL, divisor = 1 << SHIFT;
  if (!scaled) return v;
  return product >= 0 ? product / divisor : -((-product + divisor - 1) / divisor);
}

// The definition, before it is brought into range.
static int64_t wanted(const char *f, int64_t x, int64_t z, int64_t t, int64_t a, bool scaled) {
  switch (*f) {
  case 'w':
    return z + rescaled(t, scaled);
  case 's':
    return f[1] == 'u' ? x - rescaled(t, scaled) : z + rescaled((x - z) * t, scaled);
  case 'a':
    return x + rescaled(f[1] == 'd' ? t : a * t, scaled);
  default: {
    int64_t other = z + rescaled(t, scaled);
    return (f[1] == 'i') == (other < x) ? other : x;
  }
  }
}

static int64_t in_range(int64_t v, enum fix_overflow overflow) {
  if (v >= -128 && v <= 127) return v;
  if (overflow == FIX_SATURATE) return v < 0 ? -128 : 127;
  return ((v + 128) % 256 + 256) % 256 - 128;
}

static void check(const char *f, const int32_t *zero, bool scaled, enum fix_overflow overflow) {
  struct machine m = {0};
  const double scale[ROWS] = {1, 1, 1};
  struct type held = zero[0] == zero[1] && zero[1] == zero[2]
                         ? type_fixed(&m.arena, 8, true, 1, zero[0])
                         : type_channels(&m.arena, 8, true, 0, ROWS, scale, zero);
  bool single = strcmp(f, "scale") == 0;
  build(&m, f, held, scaled, overflow);
  int64_t x[SIZE], factor[1] = {FACTOR};
  const int64_t *inputs[2] = {given, factor};
  memcpy(x, content, sizeof x);
  for (int step = 0; step < STEPS; step++) {
    golden_ref_step(m.ref, inputs);
    const int64_t *now = golden_ref_value(m.ref, m.read);
    for (int i = 0; i < SIZE; i++)
      if (now[i] != x[i])
        fail_msg("%s, step %d, element %d: %lld, expected %lld", f, step, i, (long long)now[i],
                 (long long)x[i]);
    for (int i = 0; i < SIZE; i++)
      x[i] = in_range(wanted(f, x[i], zero[i / COLUMNS], given[single ? 0 : i] - T_ZERO,
                             FACTOR - A_ZERO, scaled),
                      overflow);
  }
  arena_free(&m.arena);
}

static void test_functions(void **state) {
  (void)state;
  static const char *const functions[] = {"write", "add", "sub", "scale", "min", "max", "axpy"};
  static const int32_t zeros[][ROWS] = {{0, 0, 0}, {17, 17, 17}, {-4, 9, 30}};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    for (int z = 0; z < 3; z++)
      for (int scaled = 0; scaled < 2; scaled++) {
        check(functions[i], zeros[z], scaled, FIX_SATURATE);
        check(functions[i], zeros[z], scaled, FIX_WRAP);
      }
}

// Elements that a mask cuts stay zero, those behind them are assigned.
static void test_mask(void **state) {
  (void)state;
  static const int mask[SIZE] = {1, 0, 1, 1, 0, 1};
  struct machine m = {0};
  struct err e = {0};
  int64_t x[SIZE];
  const int64_t *inputs[1] = {given}, shape[2] = {ROWS, COLUMNS};
  describe(&m, "add", type_fixed(&m.arena, 8, true, 1, 0), false, FIX_SATURATE);
  struct value *init = &m.g->values[graph_find_value(m.g, "init")];
  init->mask = tensor_new(&m.arena, DTYPE_U8, 2, shape);
  for (int i = 0; i < SIZE; i++) {
    x[i] = mask[i] ? content[i] : 0;
    tensor_set_int(init->mask, i, mask[i]);
    tensor_set_int(init->init, i, x[i]);
  }
  if (!graph_verify(m.g, &e)) fail_msg("%s", e.text);
  graph_ranges(m.g);
  m.ref = golden_ref_new(&m.arena, m.g, 1);
  for (int step = 0; step < STEPS; step++) {
    golden_ref_step(m.ref, inputs);
    for (int i = 0; i < SIZE; i++) {
      assert_int_equal(golden_ref_value(m.ref, m.read)[i], x[i]);
      if (mask[i]) x[i] = in_range(x[i] + given[i] - T_ZERO, FIX_SATURATE);
    }
  }
  arena_free(&m.arena);
}

// Channels are counted along the first axis of the content.
static void test_channels_of_columns(void **state) {
  (void)state;
  struct machine m = {0};
  struct err e = {0};
  const double scale[COLUMNS] = {1, 1};
  const int32_t zero[COLUMNS] = {1, 2};
  describe(&m, "add", type_channels(&m.arena, 8, true, 1, COLUMNS, scale, zero), false,
           FIX_SATURATE);
  assert_false(graph_verify(m.g, &e));
  assert_non_null(strstr(e.text, "layer \"assign\": variable \"init\" has type s8 per channel, "
                                 "expected channels on the first axis"));
  arena_free(&m.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_functions), cmocka_unit_test(test_mask),
                                     cmocka_unit_test(test_channels_of_columns)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
