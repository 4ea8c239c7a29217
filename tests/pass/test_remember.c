// SPDX-License-Identifier: Apache-2.0
// Variables that frames write become delays: the golden model of what comes out is equal to the
// variables' own, frame by frame, whether a read comes before its frame's assign or behind it, and
// with a cast in the assign; what has no one order is refused.
#include "sw/exec/golden.h"
#include "sw/exec/steps.h"
#include "sw/graph/interval.h"
#include "sw/pass/remember.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { FRAMES = 12, SIZE = 3 };

struct net {
  struct graph *g;
  uint32_t x, ref, read, assign;
};

static struct type bits(struct arena *a, int width) {
  return type_fixed(a, width, true, 1, 0);
}

static uint32_t node(struct graph *g, enum op op, const char *name, struct type type, bool frames) {
  int64_t size = SIZE;
  uint32_t n = graph_add_node(g, op, name);
  graph_add_out(g, n, graph_add_value(g, name, 1, &size, type, frames));
  return n;
}

static void use(struct graph *g, uint32_t n, uint32_t value) {
  graph_add_use(g, n, (struct use){value, 0, NONE});
}

static void requants(struct graph *g, uint32_t n, int count, int shift) {
  for (int i = 0; i < count; i++) graph_add_requant(g, n, 1, (int64_t[]){1}, (int32_t[]){shift});
}

// y = read(m) + x, in 10 bits; m = y, or half of y in 8 bits.
static struct net net_new(struct arena *a, bool cast) {
  struct net n = {.g = graph_new(a, "net")};
  struct graph *g = n.g;
  int64_t size = SIZE;
  struct type held = bits(a, cast ? 8 : 10);
  n.x = graph_add_value(g, "x", 1, &size, bits(a, 8), true);
  graph_add_input(g, n.x, (struct source){0});
  struct tensor *t = tensor_new(a, dtype_for(&held), 1, &size);
  for (int64_t i = 0; i < size; i++) tensor_set_int(t, i, 7 * i - 5);
  uint32_t variable = graph_add_node(g, OP_variable, "m");
  graph_add_attr(g, variable, ATTR_init)->value = graph_add_tensor(g, "m.init", t, held);
  n.ref = graph_add_value(g, "m", 1, &size, type_ref(), false);
  graph_add_out(g, variable, n.ref);
  n.read = node(g, OP_read, "read", held, false);
  graph_add_ref(g, n.read, n.ref);
  uint32_t y = node(g, OP_add, "y", bits(a, 10), true);
  requants(g, y, 2, 0);
  use(g, y, g->nodes[n.read].out[0]);
  use(g, y, n.x);
  n.assign = graph_add_node(g, OP_assign, "assign");
  graph_add_text(g, n.assign, ATTR_function, "write");
  graph_add_ref(g, n.assign, n.ref);
  use(g, n.assign, g->nodes[y].out[0]);
  if (cast) requants(g, n.assign, 1, 1);
  graph_add_after(g, n.read, (struct after){n.assign, 1});
  graph_add_output(g, g->nodes[y].out[0]);
  return n;
}

// z = read(m) behind the assign, so what this frame has written; an output of its own.
static void read_behind(struct arena *a, struct net *n, bool cast) {
  uint32_t z = node(n->g, OP_read, "z", bits(a, cast ? 8 : 10), false);
  graph_add_ref(n->g, z, n->ref);
  graph_add_after(n->g, z, (struct after){n->assign, 0});
  graph_add_after(n->g, n->assign, (struct after){z, 1});
  graph_add_output(n->g, n->g->nodes[z].out[0]);
}

static void check(struct graph *g) {
  struct err e = {0};
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
}

// All outputs, frame by frame, of the variables' own executor.
static void by_variables(struct arena *a, const struct graph *g, const int32_t *x, int32_t *y) {
  struct steps *s = steps_new(a, g, 1, &golden_kind);
  for (int f = 0; f < FRAMES; f++) {
    int64_t *in = steps_input(s, 0);
    for (int i = 0; i < SIZE; i++) in[i] = x[f * SIZE + i];
    steps_run(s, NULL);
    for (uint32_t o = 0; o < g->n_outputs; o++)
      for (int i = 0; i < SIZE; i++)
        y[((int64_t)o * FRAMES + f) * SIZE + i] =
            (int32_t)((const int64_t *)steps_value(s, g->outputs[o]))[i];
  }
}

static void by_delays(struct arena *a, const struct graph *g, const int32_t *x, int32_t *y) {
  struct err e = {0};
  struct golden *m = golden_new(a, g, &e);
  struct golden_tap taps[2];
  if (!m) fail_msg("%s", e.text);
  for (uint32_t o = 0; o < g->n_outputs; o++)
    taps[o] = (struct golden_tap){g->outputs[o], y + (int64_t)o * FRAMES * SIZE};
  golden_run_codes(m, FRAMES, x, taps, g->n_outputs);
  golden_free(m);
}

static void equal(void **state) {
  (void)state;
  for (int kind = 0; kind < 4; kind++) {
    struct arena a = {0};
    struct err e = {0};
    int32_t x[FRAMES * SIZE], wanted[2 * FRAMES * SIZE] = {0}, found[2 * FRAMES * SIZE] = {0};
    struct net n = net_new(&a, kind & 1);
    if (kind & 2) read_behind(&a, &n, kind & 1);
    check(n.g);
    for (int i = 0; i < FRAMES * SIZE; i++) x[i] = i * 29 % 51 - 25;
    by_variables(&a, n.g, x, wanted);
    struct graph *g = remember(&a, n.g, &e);
    if (!g) fail_msg("%s", e.text);
    for (uint32_t i = 0; i < g->n_nodes; i++)
      assert_false(op_is(g->nodes[i].op, TRAIT_HOLDS | TRAIT_REFERS));
    by_delays(&a, g, x, found);
    assert_memory_equal(found, wanted, sizeof found);
    // another content at first is seen
    ((int8_t *)g->values[graph_find_value(g, "m.init")].init->data)[0] += 1;
    by_delays(&a, g, x, found);
    assert_memory_not_equal(found, wanted, sizeof found);
    arena_free(&a);
  }
}

static void refused(struct arena *a, struct net *n, const char *words) {
  struct err e = {0};
  assert_null(remember(a, n->g, &e));
  if (!strstr(e.text, words)) fail_msg("expected \"%s\", got \"%s\"", words, e.text);
}

static void refusals(void **state) {
  (void)state;
  struct arena a = {0};
  struct net n = net_new(&a, false);
  uint32_t again = graph_add_node(n.g, OP_assign, "again");
  graph_add_text(n.g, again, ATTR_function, "write");
  graph_add_ref(n.g, again, n.ref);
  use(n.g, again, n.x);
  refused(&a, &n, "layer \"again\": \"m\" is written twice in a frame");
  n = net_new(&a, false);
  uint32_t z = node(n.g, OP_read, "z", bits(&a, 10), false);
  graph_add_ref(n.g, z, n.ref);
  graph_add_output(n.g, n.g->nodes[z].out[0]);
  refused(&a, &n, "layer \"z\" reads before or behind layer \"assign\": nothing says which");
  n = net_new(&a, false);
  graph_add_ints(n.g, n.assign, ATTR_slice, 3, (int64_t[]){0, 0, 1});
  refused(&a, &n, "frames change \"m\": only by a write of all of it");
  arena_free(&a);
}

static void only_writes(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct net n = net_new(&a, false);
  n.g->nodes[n.assign].attr[0].text = "add";
  assert_false(graph_verify(n.g, &e));
  assert_non_null(strstr(e.text, "one value per step, not one per frame, unless it is a write"));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(equal), cmocka_unit_test(refusals),
                                     cmocka_unit_test(only_writes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
