// SPDX-License-Identifier: Apache-2.0
// The fast golden model, the plain one and the exact oracle are equal on every element of every
// value, on random graphs of every op kind; what the fast one refuses, it refuses with a reason.
//
//   NNGEN_TEST_SEED=n     other graphs: n instead of the first seed (default 1)
//   NNGEN_TEST_KIND=name  graphs of that kind only
#include "sw/exec/golden.h"
#include "sw/exec/kernels.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "sw/graph/weights.h"
#include "tests/net/helper_exact.h"
#include "tests/net/helper_netgen.h"
#include "tests/net/helper_oracle.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PER_KIND = 8, FRAMES = 70 };

// ---- which graphs

static uint64_t first_seed(void) {
  const char *s = getenv("NNGEN_TEST_SEED");
  return s ? strtoull(s, NULL, 10) : 1;
}

static bool wanted(enum op op) {
  const char *only = getenv("NNGEN_TEST_KIND");
  return netgen_knows(op) && (!only || strcmp(only, op_info(op)->name) == 0);
}

// What was wrong with a graph, and the line that makes that graph again, as its first.
static void failed(const char *test, enum op op, uint64_t seed, const char *words) {
  fail_msg("%s seed %llu: %s\n%sNNGEN_TEST_ONLY=%s NNGEN_TEST_KIND=%s NNGEN_TEST_SEED=%llu %s",
           op_info(op)->name, (unsigned long long)seed, words,
           getenv("NNGEN_TEST_DEEP") ? "NNGEN_TEST_DEEP=1 " : "", test, op_info(op)->name,
           (unsigned long long)seed, program_invocation_name);
}

static bool stateful(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (op_info(n->op)->column == COLUMN_STATE || node_int(n, ATTR_frames, 0)) return true;
  }
  return false;
}

static bool carried_only(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (!(op_info(g->nodes[i].op)->executors & EXECUTOR_GOLDEN)) return true;
  return false;
}

// ---- three models

// What a comparison has seen.
struct tally {
  int64_t elements, different;
  const char *first; // element that differs, and what each model gives; or NULL
};

// Element i of a value, by name and node.
static const char *words_of(struct arena *a, const struct graph *g, uint32_t value, int64_t i,
                            const char *got) {
  const struct value *v = &g->values[value];
  const char *node = v->node == NONE ? "an input" : g->nodes[v->node].name;
  int64_t elements = value_elements(v);
  return arena_printf(a, "value %s of %s, frame %lld, element %lld: %s", v->name, node,
                      (long long)(i / elements), (long long)(i % elements), got);
}

// Counts element i of a value as different unless all are equal and within the proven range.
static void compare_element(struct arena *a, const struct graph *g, uint32_t value, int64_t i,
                            int64_t plain, const int32_t *fast, int64_t exact, struct tally *t) {
  const struct value *v = &g->values[value];
  t->elements++;
  if (plain == exact && (!fast || fast[i] == exact) && exact >= v->lo && exact <= v->hi) return;
  if (t->different++) return;
  const char *quick = fast ? arena_printf(a, "%d", fast[i]) : "does not run it";
  t->first = words_of(a, g, value, i,
                      arena_printf(a,
                                   "plain model %lld, fast one (%s) %s; expected %lld, in "
                                   "%lld .. %lld",
                                   (long long)plain, golden_kernels(), quick, (long long)exact,
                                   (long long)v->lo, (long long)v->hi));
}

// The plain model, the fast one (NULL if it doesn't execute this graph) and the exact oracle.
static struct tally compare(struct arena *a, const struct graph *g, const struct golden *fast,
                            int64_t frames, const int32_t *codes) {
  int64_t elements = value_elements(&g->values[g->inputs[0].value]);
  int64_t *wide = ARENA_NEW(a, int64_t, frames * elements);
  const int64_t *inputs[1] = {wide};
  struct golden_tap *taps = ARENA_NEW(a, struct golden_tap, g->n_values);
  struct tally tally = {0};
  uint32_t n_taps = 0;
  int32_t **quick = ARENA_NEW(a, int32_t *, g->n_values); // what the fast model keeps
  for (int64_t i = 0; i < frames * elements; i++) wide[i] = codes[i];
  int64_t **exact = exact_run(a, g, frames, codes);
  for (uint32_t v = 0; v < g->n_values; v++) {
    if (!exact[v] || !fast || !golden_keeps(fast, v)) continue;
    quick[v] = ARENA_NEW(a, int32_t, frames * value_elements(&g->values[v]));
    taps[n_taps++] = (struct golden_tap){v, quick[v]};
  }
  if (fast) golden_run_codes(fast, frames, codes, taps, n_taps);
  struct golden_ref *ref = golden_ref_new(a, g, frames);
  golden_ref_step(ref, inputs);
  for (uint32_t t = 0; t < g->n_values; t++) {
    const struct value *v = &g->values[t];
    if (!exact[t]) continue;
    const int64_t *plain = golden_ref_value(ref, t), *oracle = exact[t];
    int64_t count = (v->per_frame ? frames : 1) * value_elements(v);
    for (int64_t i = 0; i < count; i++)
      compare_element(a, g, t, i, plain[i], quick[t], oracle[i], &tally);
  }
  return tally;
}

static struct tally compare_random(struct arena *a, const struct graph *g,
                                   const struct golden *fast, uint64_t seed) {
  int64_t elements = value_elements(&g->values[g->inputs[0].value]);
  int32_t *codes = ARENA_NEW(a, int32_t, FRAMES * elements);
  netgen_input(g, seed, FRAMES, codes);
  return compare(a, g, fast, FRAMES, codes);
}

// The kernels take turns.
static void use_kernels(uint64_t turn) {
  const struct kernels *list[KERNELS_MAX];
  uint64_t n = (uint64_t)kernels_list(list);
  setenv("NNGEN_KERNELS", list[turn % n]->name, 1);
  assert_string_equal(golden_kernels(), list[turn % n]->name);
}

static int64_t bytes_kept, bytes_planned; // of all random graphs

// Every value is kept, a third of them, or the outputs alone.
static struct golden *fast_model(struct arena *a, const struct graph *g, uint64_t seed,
                                 struct err *e) {
  bool *keep = ARENA_NEW(a, bool, g->n_values + 1);
  for (uint32_t v = 0; seed % 3 == 1 && v < g->n_values; v++) keep[v] = (v + seed / 3) % 3 == 0;
  struct golden *m = golden_planned(a, g, seed % 3 ? keep : NULL, e);
  if (!m || !(seed % 3)) return m;
  bytes_kept += golden_bytes(golden_new(a, g, e));
  bytes_planned += golden_bytes(m);
  return m;
}

// One random graph; true if the fast model runs it too.
static bool random_graph(enum op op, uint64_t seed, int64_t *elements) {
  static const char name[] = "test_random_graphs";
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = netgen(&a, seed, op, NETGEN_ANY);
  if (!g) failed(name, op, seed, "no random graph");
  if (!graph_verify(g, &e)) failed(name, op, seed, e.text);
  use_kernels(seed + (uint64_t)op);
  const struct golden *fast = fast_model(&a, g, seed, &e);
  if (!fast && ((!stateful(g) && !carried_only(g)) || strlen(e.text) <= 10))
    failed(name, op, seed, arena_printf(&a, "the fast model refuses it: \"%s\"", e.text));
  if (!carried_only(g)) {
    struct tally t = compare_random(&a, g, fast, seed);
    if (t.first) failed(name, op, seed, t.first);
    *elements += t.elements;
  }
  arena_free(&a);
  return fast != NULL;
}

static void test_random_graphs(void **state) {
  (void)state;
  int compared = 0, all = 0;
  int64_t elements = 0;
  uint64_t first = first_seed();
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = first; seed < first + PER_KIND && wanted((enum op)op); seed++, all++)
      compared += random_graph((enum op)op, seed, &elements);
  unsetenv("NNGEN_KERNELS");
  print_message(
      "%d graphs compared in three models, %d with state or opaque nodes; %lld elements\n",
      compared, all - compared, (long long)elements);
  print_message("%lld bytes where not all is kept, %lld otherwise\n", (long long)bytes_planned,
                (long long)bytes_kept);
  assert_true(compared >= 200 || getenv("NNGEN_TEST_KIND"));
  assert_true(bytes_planned < bytes_kept || getenv("NNGEN_TEST_KIND"));
}

static int64_t every_code(enum op op, uint64_t seed) {
  static const char name[] = "test_every_code";
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = netgen(&a, seed, op, NETGEN_CODES);
  const struct value *x = &g->values[g->inputs[0].value];
  int32_t *codes = ARENA_NEW(&a, int32_t, value_elements(x));
  for (int64_t i = 0; i < value_elements(x); i++) codes[i] = (int32_t)(type_lowest(&x->type) + i);
  use_kernels(seed);
  const struct golden *fast = graph_verify(g, &e) ? golden_new(&a, g, &e) : NULL;
  if (!fast) failed(name, op, seed, e.text);
  struct tally t = compare(&a, g, fast, 1, codes);
  if (t.first) failed(name, op, seed, t.first);
  arena_free(&a);
  return t.elements;
}

// Every pointwise kind with every code of its input: bounds and ties are met for sure.
static void test_every_code(void **state) {
  (void)state;
  enum { SEEDS = 12 };
  int64_t elements = 0;
  uint64_t first = first_seed();
  for (int op = 0; op < OP_COUNT; op++) {
    if (op_info((enum op)op)->column != COLUMN_POINTWISE || !wanted((enum op)op)) continue;
    for (uint64_t seed = first; seed < first + SEEDS; seed++)
      elements += every_code((enum op)op, seed);
  }
  unsetenv("NNGEN_KERNELS");
  print_message("%lld elements\n", (long long)elements);
}

// All pairs of codes that a join can meet: a frame per code of the first operand, BATCH frames at
// once.
static int64_t compare_pairs(enum op op, uint64_t seed, enum netgen_kind kind) {
  static const char name[] = "test_every_pair";
  enum { BATCH = 256 };
  int64_t elements = 0, first = 0, codes_of = 1;
  for (; first < codes_of; first += BATCH) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g = netgen(&a, seed, op, kind);
    const struct value *x = &g->values[g->inputs[0].value];
    codes_of = value_elements(x);
    int32_t *codes = ARENA_NEW(&a, int32_t, BATCH * codes_of);
    for (int64_t i = 0; i < BATCH * codes_of; i++)
      codes[i] = (int32_t)(type_lowest(&x->type) + first + i / codes_of);
    const struct golden *fast = graph_verify(g, &e) ? golden_new(&a, g, &e) : NULL;
    if (!fast) failed(name, op, seed, e.text);
    struct tally t = compare(&a, g, fast, BATCH, codes);
    if (t.first)
      failed(name, op, seed,
             arena_printf(&a, "frames from code %d: %s", (int)(type_lowest(&x->type) + first),
                          t.first));
    elements += BATCH * codes_of;
    arena_free(&a);
  }
  return elements;
}

// Every join with every pair of codes: 8 bits each, in test-deep 12 too.
static void test_every_pair(void **state) {
  (void)state;
  enum { SEEDS = 8 };
  int64_t pairs = 0;
  uint64_t first = first_seed();
  for (int op = 0; op < OP_COUNT; op++) {
    if (op_info((enum op)op)->column != COLUMN_JOIN || !wanted((enum op)op)) continue;
    for (uint64_t seed = first; seed < first + SEEDS; seed++) {
      use_kernels(seed);
      pairs += compare_pairs((enum op)op, seed, NETGEN_PAIRS);
      if (getenv("NNGEN_TEST_DEEP") && seed < first + 2)
        pairs += compare_pairs((enum op)op, seed, NETGEN_WIDE_PAIRS);
    }
  }
  unsetenv("NNGEN_KERNELS");
  print_message("%lld pairs\n", (long long)pairs);
  assert_true(pairs >= 3 * SEEDS * 65536 || getenv("NNGEN_TEST_KIND"));
}

// The comparison can fail, and says where: weights moved by one behind the back of the fast model,
// which has packed its own.
static void test_seeded_differences(void **state) {
  (void)state;
  int caught = 0;
  for (uint64_t seed = 1; seed <= 8; seed++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g = netgen(&a, seed, OP_linear, NETGEN_ANY);
    const struct golden *fast = golden_new(&a, g, &e);
    assert_int_equal(compare_random(&a, g, fast, 1).different, 0);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
      const struct node *n = &g->nodes[i];
      if (n->op != OP_linear) continue;
      const struct value *w = node_in(g, n, 1);
      for (int64_t k = 0; k < w->init->count; k++) {
        int64_t v = tensor_int(w->init, k);
        bool bipolar = w->type.cls == TYPE_BIPOLAR;
        tensor_set_int(w->init, k, bipolar ? -v : v == w->lo ? w->hi : v - 1);
      }
    }
    struct tally t = compare_random(&a, g, fast, 1);
    assert_true(!t.different == !t.first);
    if (t.first) assert_non_null(strstr(t.first, ", frame "));
    caught += t.different > 0;
    arena_free(&a);
  }
  print_message("%d of 8 caught\n", caught);
  assert_true(caught >= 4); // bipolar, all-zero and saturated layers hide it
}

// Every graph survives model.bin: written, read and written again it has the same bytes.
static void test_round_trip(void **state) {
  (void)state;
  char first[] = "/tmp/nngen-test-XXXXXX", second[] = "/tmp/nngen-test-XXXXXX";
  assert_true(close(mkstemp(first)) == 0 && close(mkstemp(second)) == 0);
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 1; seed <= 3 && netgen_knows((enum op)op); seed++) {
      struct arena a = {0};
      struct err e = {0};
      struct bytes x, y;
      struct graph *g = netgen(&a, seed, (enum op)op, NETGEN_ANY);
      if (!model_write(first, g, &e)) fail_msg("%s", e.text);
      struct graph *back = model_read(&a, first, &e);
      if (!back) fail_msg("%s seed %d: %s", op_info((enum op)op)->name, (int)seed, e.text);
      assert_true(model_write(second, back, &e));
      assert_true(file_read(&a, first, 1 << 28, &x, &e) && file_read(&a, second, 1 << 28, &y, &e));
      assert_int_equal(x.size, y.size);
      assert_memory_equal(x.data, y.data, x.size);
      arena_free(&a);
    }
  unlink(first);
  unlink(second);
}

// In two's complement of this many bits, the bits from the sign on are all equal.
static bool fits(fix_wide v, int bits) {
  return v >> (bits - 1) == 0 || v >> (bits - 1) == -1;
}

// The witnesses attain both ends of every channel's proven accumulator interval, and its width is
// the narrowest that holds them.
static void test_witnesses(void **state) {
  (void)state;
  int channels = 0;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct arena a = {0};
    struct graph *g = netgen(&a, seed, OP_linear, NETGEN_ANY);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
      const struct node *n = &g->nodes[i];
      if (n->op != OP_linear) continue;
      const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1), *b = node_in(g, n, 2);
      int64_t *codes = ARENA_NEW(&a, int64_t, w->shape[1]);
      for (int64_t o = 0; o < w->shape[0]; o++)
        for (int high = 0; high < 2; high++) {
          fix_wide acc = 0;
          interval_witness(g, n, o, high, codes);
          for (int64_t k = 0; k < w->shape[1]; k++) {
            assert_true(codes[k] >= x->lo && codes[k] <= x->hi);
            acc += (fix_wide)(codes[k] - type_zero(&x->type, 0)) *
                   (tensor_int(w->init, o * w->shape[1] + k) - type_zero(&w->type, o));
          }
          acc = acc * ((fix_wide)1 << weighted_finer(g, n)) + (b ? tensor_int(b->init, o) : 0);
          struct interval proven = interval_acc(g, n, KNOWN_PROVEN, o);
          assert_true(acc == (high ? proven.hi : proven.lo));
          int bits = interval_bits(proven);
          assert_true(fits(proven.lo, bits) && fits(proven.hi, bits));
          assert_true(bits == 1 || !fits(proven.lo, bits - 1) || !fits(proven.hi, bits - 1));
          channels++;
        }
    }
    arena_free(&a);
  }
  print_message("%d ends attained\n", channels);
  assert_true(channels > 500);
}

// Of squared differences the nearest and the farthest input of every tap.
static void test_rbf_witnesses(void **state) {
  (void)state;
  int channels = 0;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct arena a = {0};
    struct graph *g = netgen(&a, seed, OP_rbf, NETGEN_ANY);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
      const struct node *n = &g->nodes[i];
      if (n->op != OP_rbf) continue;
      const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1);
      int64_t *codes = ARENA_NEW(&a, int64_t, w->shape[1]);
      double ratio = type_scale(&x->type, 0) / type_scale(&w->type, 0);
      fix_wide of_x = ratio > 1 ? (fix_wide)ratio : 1, of_w = ratio < 1 ? (fix_wide)(1 / ratio) : 1;
      for (int64_t o = 0; o < w->shape[0]; o++)
        for (int high = 0; high < 2; high++, channels++) {
          fix_wide acc = 0, best = 0;
          interval_witness(g, n, o, high, codes);
          for (int64_t k = 0; k < w->shape[1]; k++) {
            fix_wide v = tensor_int(w->init, o * w->shape[1] + k) - type_zero(&w->type, 0),
                     end = -1;
            assert_true(codes[k] >= x->lo && codes[k] <= x->hi && type_is_code(&x->type, codes[k]));
            for (int64_t c = x->lo; c <= x->hi; c++) {
              fix_wide d = (c - type_zero(&x->type, 0)) * of_x - v * of_w;
              if (!type_is_code(&x->type, c)) continue;
              if (end < 0 || (high ? d * d > end : d * d < end)) end = d * d;
              if (c == codes[k]) acc += d * d;
            }
            best += end;
          }
          struct interval proven = interval_acc(g, n, KNOWN_PROVEN, o);
          assert_true(acc == best && acc == (high ? proven.hi : proven.lo));
        }
    }
    arena_free(&a);
  }
  assert_true(channels > 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_graphs), cmocka_unit_test(test_every_code),
      cmocka_unit_test(test_every_pair),    cmocka_unit_test(test_seeded_differences),
      cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_witnesses),
      cmocka_unit_test(test_rbf_witnesses)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  oracle_start();
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  oracle_stop();
  return failed;
}
