// SPDX-License-Identifier: Apache-2.0
// Requantisations as nodes: random networks and the models of models/ compute the same, element by
// element, and become what they were, to the byte.
#include "quant/load.h"
#include "quant/quantize.h"
#include "sw/circuit/circuit.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "sw/pass/fuse.h"
#include "tests/net/helper_netgen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

enum { SEEDS = 24, FRAMES = 3, STEPS = 3 };

static struct graph *verified(struct graph *g, const char *what) {
  struct err e = {0};
  if (!graph_verify(g, &e)) fail_msg("%s: %s", what, e.text);
  return g;
}

// ---- the same integers

// How many elements of values of `g` differ in `other`, which has all of them by their names; both
// in the plain model, over some steps.
static int64_t differences(const struct graph *g, const struct graph *other, uint64_t seed) {
  struct arena a = {0};
  struct golden_ref *one = golden_ref_new(&a, g, FRAMES), *two = golden_ref_new(&a, other, FRAMES);
  int64_t different = 0;
  for (uint64_t step = 0; step < STEPS; step++) {
    const int64_t *const *inputs = netgen_inputs(&a, g, seed + step, FRAMES);
    golden_ref_step(one, inputs);
    golden_ref_step(two, inputs);
    for (uint32_t v = 0; v < g->n_values; v++) {
      const struct value *y = &g->values[v];
      if (y->init || !type_is_integer(&y->type)) continue;
      const int64_t *p = golden_ref_value(one, v);
      const int64_t *q = golden_ref_value(two, (uint32_t)graph_find_value(other, y->name));
      for (int64_t i = 0; i < value_elements(y) * (y->per_frame ? FRAMES : 1); i++)
        different += p[i] != q[i];
    }
  }
  arena_free(&a);
  return different;
}

static bool is_executed(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (!(op_info(g->nodes[i].op)->executors & EXECUTOR_GOLDEN)) return false;
  return true;
}

// ---- the same bytes

static bool same_bytes(const struct graph *g, const struct graph *other) {
  struct text p = {0}, q = {0};
  model_put(&p, g);
  model_put(&q, other);
  bool same = p.size == q.size && memcmp(p.data, q.data, p.size) == 0;
  text_free(&p);
  text_free(&q);
  return same;
}

static uint32_t requants(const struct graph *g) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) count += g->nodes[i].op == OP_requant;
  return count;
}

// Nodes that an unfused graph may not have: their requantisation does something.
static uint32_t closed(const struct graph *g) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    const struct requant *last = n->n_rq ? &n->rq[n->n_rq - 1] : NULL;
    if (!last || op_is(n->op, TRAIT_CASTS) || n->n_out == 0) continue;
    if (n->op == OP_avg_pool || n->op == OP_softmax) continue; // they divide
    if (last->count == 1 && n->n_rq == 3) continue; // addends that were rounded are nobody's value
    count += op_is(n->op, TRAIT_PARTS) || last->shift[0] != 0 ||
             (op_info(n->op)->column != COLUMN_JOIN && last->mul[0] != 1);
  }
  return count;
}

// ---- random networks

struct tally {
  uint32_t opened[OP_COUNT], closed, requants;
};

static void count_opened(const struct graph *g, const struct graph *u, struct tally *t) {
  for (uint32_t i = 0; i < u->n_nodes; i++) {
    const struct node *n = &u->nodes[i];
    if (n->op != OP_requant || graph_find_value(g, node_out(u, n, 0)->name) == NONE) continue;
    int32_t from = node_in(u, n, 0)->node;
    if (from != NONE) t->opened[u->nodes[from].op]++;
  }
  for (uint32_t i = 0; i < u->n_nodes; i++)
    t->opened[OP_concat] += u->nodes[i].op == OP_concat &&
                            graph_find_value(g, node_in(u, &u->nodes[i], 0)->name) == NONE;
  t->closed += closed(u);
  t->requants += requants(u);
}

static void round_trip(uint64_t seed, enum op op, enum netgen_kind kind, struct tally *t) {
  struct arena a = {0};
  const char *what = arena_printf(&a, "%s, seed %d", op_info(op)->name, (int)seed);
  struct graph *g = verified(netgen(&a, seed, op, kind), what);
  struct graph *u = verified(unfuse(&a, g), what), *f = verified(fuse(&a, u), what);
  struct graph *h = verified(fuse(&a, g), what);
  if (!same_bytes(f, h)) fail_msg("%s: fused again, it has other bytes", what);
  if (!fuse_needed(g) && !same_bytes(h, g)) fail_msg("%s: with nothing to fuse", what);
  if (!same_bytes(unfuse(&a, u), u)) fail_msg("%s: unfused twice", what);
  if (is_executed(g) && differences(g, u, seed)) fail_msg("%s: other integers", what);
  if (is_executed(g) && differences(f, u, seed)) fail_msg("%s: other integers once fused", what);
  for (uint32_t i = 0; i < f->n_values && !fuse_needed(g); i++)
    assert_true(f->values[i].lo == g->values[i].lo && f->values[i].hi == g->values[i].hi);
  count_opened(g, u, t);
  arena_free(&a);
}

static void random_networks(void **state) {
  (void)state;
  struct tally t = {{0}, 0, 0};
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 1; seed <= SEEDS && netgen_knows((enum op)op); seed++) {
      round_trip(seed, (enum op)op, NETGEN_ANY, &t);
      if (op_info((enum op)op)->executors & EXECUTOR_CIRCUIT)
        round_trip(seed, (enum op)op, NETGEN_CIRCUIT, &t);
    }
  static const enum op kinds[] = {OP_linear, OP_matmul, OP_sum,    OP_add,        OP_sub,
                                  OP_mul,    OP_relu,   OP_clip,   OP_leaky_relu, OP_hard_sigmoid,
                                  OP_concat, OP_conv1d, OP_conv2d, OP_max_pool,   OP_subsample};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (t.opened[kinds[i]] < 4) fail_msg("%s: %u", op_info(kinds[i])->name, t.opened[kinds[i]]);
  print_message("%u requants\n", t.requants);
  assert_int_equal(t.closed, 0);
}

// ---- the comparisons can fail

static void a_changed_requant_is_noticed(void **state) {
  (void)state;
  int seen = 0, changed = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    struct arena a = {0};
    int own = 0;
    struct graph *g = netgen(&a, seed, OP_linear, NETGEN_CIRCUIT), *u = unfuse(&a, g);
    for (uint32_t i = 0; i < u->n_nodes; i++) {
      struct node *n = &u->nodes[i];
      if (n->op != OP_requant || type_is_bipolar(&node_out(u, n, 0)->type)) continue;
      int32_t *shift = arena_copy(&a, n->rq[0].shift, (size_t)n->rq[0].count * sizeof *shift);
      for (int64_t c = 0; c < n->rq[0].count; c++) shift[c]++;
      n->rq[0].shift = shift;
      own++;
    }
    assert_int_equal(same_bytes(fuse(&a, u), g), own == 0);
    seen += differences(g, u, seed) > 0;
    changed += own;
    arena_free(&a);
  }
  assert_true(changed > SEEDS && seen > SEEDS / 2);
}

// ---- by hand: x (4) of 8 bits --> [relu] --> ..

struct hand {
  struct arena arena;
  struct graph *g;
  struct type s8, s32;
  uint32_t x, acc; // the input, and what relu gives of it, unchanged
};

static uint32_t add_value(struct hand *h, const char *name, struct type t) {
  const int64_t four = 4;
  return graph_add_value(h->g, name, 1, &four, t, true);
}

static uint32_t add_node(struct hand *h, enum op op, const char *name, uint32_t x, struct type t,
                         int32_t shift) {
  uint32_t node = graph_add_node(h->g, op, name), y = add_value(h, name, t);
  graph_add_use(h->g, node, (struct use){x, 0, NONE});
  graph_add_requant(h->g, node, 1, (int64_t[]){1}, &shift);
  graph_add_out(h->g, node, y);
  return y;
}

static void hand_new(struct hand *h, struct type acc) {
  *h = (struct hand){0};
  h->g = graph_new(&h->arena, "hand");
  h->s8 = type_fixed(&h->arena, 8, true, 0.25, 0);
  h->s32 = type_fixed(&h->arena, 32, true, 0.25, 0);
  h->x = add_value(h, "x", h->s8);
  graph_add_input(h->g, h->x, (struct source){0});
  if (acc.width) h->acc = add_node(h, OP_relu, "relu", h->x, acc, 0);
}

static void hand_output(struct hand *h, uint32_t value) {
  graph_add_output(h->g, value);
  verified(h->g, "by hand");
  graph_ranges(h->g);
}

// The last node reads the value of a step ago.
static void delay(struct hand *h, uint32_t value, struct type t) {
  struct node *n = &h->g->nodes[h->g->n_nodes - 1];
  struct tensor *zeros = tensor_new(&h->arena, dtype_for(&t), 1, h->g->values[value].shape);
  n->in[0].initial = (int32_t)graph_add_tensor(h->g, "before", zeros, t);
  n->in[0].delay = 1;
}

static void one_requant_goes_into_its_node(void **state) {
  (void)state;
  struct hand h;
  struct arena a = {0};
  hand_new(&h, type_fixed(&a, 40, true, 0.25, 0));
  hand_output(&h, add_node(&h, OP_requant, "r", h.acc, h.s8, 1));
  graph_add_origin(h.g, 1, "user.r");
  const struct graph *f = verified(fuse(&h.arena, h.g), "fused");
  assert_int_equal(f->n_nodes, 1);
  assert_string_equal(f->nodes[0].name, "relu");
  assert_string_equal(f->nodes[0].origin[0], "user.r");
  assert_string_equal(node_out(f, &f->nodes[0], 0)->name, "r");
  assert_int_equal(f->nodes[0].rq[0].shift[0], 1);
  assert_int_equal(differences(f, h.g, 1), 0);
  arena_free(&h.arena);
  arena_free(&a);
}

// What isn't the one reader of an accumulator stays: behind an input, a cast, a node whose output
// cuts its accumulator or has a zero point, one of two readers, one that reads what was there a
// step ago; and where a control edge begins at the requant or at the node.
static void others_are_casts(void **state) {
  (void)state;
  for (int way = 0; way < 9; way++) {
    struct hand h;
    struct arena a = {0};
    const struct type accs[] = {{0},
                                {0},
                                type_fixed(&a, 7, true, 0.25, 0),
                                type_fixed(&a, 32, true, 0.25, 1),
                                type_fixed(&a, 32, true, 0.25, 0)};
    hand_new(&h, accs[way < 4 ? way : 4]);
    uint32_t x = way == 0   ? h.x
                 : way == 1 ? add_node(&h, OP_quantize, "cast", h.x, h.s32, 0)
                            : h.acc;
    uint32_t r = add_node(&h, OP_requant, "r", x, h.s8, 1);
    if (way == 4) graph_add_output(h.g, add_node(&h, OP_requant, "s", x, h.s8, 2));
    if (way == 5) delay(&h, h.acc, h.s32);
    if (way > 5) {
      graph_add_output(h.g, add_node(&h, OP_quantize, "after", h.x, h.s8, 1));
      uint32_t last = h.g->n_nodes - 1, from = way == 8 ? 0 : last;
      graph_add_after(h.g, from,
                      (struct after){way == 6   ? last - 1
                                     : way == 7 ? 0
                                                : last,
                                     way == 8});
    }
    hand_output(&h, r);
    const struct graph *f = verified(fuse(&h.arena, h.g), "fused");
    assert_true(same_bytes(f, h.g));
    assert_true(same_bytes(fuse(&h.arena, unfuse(&h.arena, h.g)), h.g));
    assert_int_equal(differences(f, unfuse(&h.arena, f), 1), 0);
    arena_free(&h.arena);
    arena_free(&a);
  }
}

// Accumulators that can't be values: of more than 62 bits, of a scale that no double holds, for
// rounding tflite too wide before the shift of another channel.
static void what_no_value_holds_stays(void **state) {
  (void)state;
  for (int way = 0; way < 4; way++) {
    struct hand h;
    hand_new(&h, (struct type){0});
    if (way == 0) {
      uint32_t y = add_node(&h, OP_leaky_relu, "leaky", h.x, h.s8, 60); // 2^60 * 8 bits
      graph_add_real(h.g, 0, ATTR_slope, 0.5);
      graph_add_requant(h.g, 0, 1, (int64_t[]){1}, (int32_t[]){61});
      hand_output(&h, y);
    }
    if (way == 1) {
      h.g->values[h.x].type = type_fixed(&h.arena, 8, true, 0x1p600, 0);
      uint32_t y = add_node(&h, OP_mul, "square", h.x, h.s8, 9);
      graph_add_use(h.g, 0, (struct use){h.x, 0, NONE});
      hand_output(&h, y);
    }
    if (way >= 2) {
      const int64_t shape[2] = {2, 4}, two = 2;
      struct tensor *w = tensor_new(&h.arena, DTYPE_I32, 2, shape);
      for (int i = 0; i < 8; i++)
        tensor_set_int(w, i, (i < 4) == (way == 2) ? 1 << 22 : 1); // 32, 10 bits
      uint32_t node = graph_add_node(h.g, OP_linear, "two");
      graph_add_use(h.g, node, (struct use){h.x, 0, NONE});
      uint32_t weights = graph_add_tensor(h.g, "w", w, h.s32);
      h.g->values[weights].mask = tensor_new(&h.arena, DTYPE_U8, 2, shape);
      for (int i = 0; i < 8; i++) tensor_set_int(h.g->values[weights].mask, i, i != 1);
      tensor_set_int(w, 1, 0);
      graph_add_use(h.g, node, (struct use){weights, 0, NONE});
      graph_add_requant(h.g, node, 2, (int64_t[]){1 << 30, 1 << 30},
                        way == 2 ? (int32_t[]){40, 30} : (int32_t[]){30, 40});
      uint32_t y = graph_add_value(h.g, "two", 1, &two, h.s8, true);
      graph_add_out(h.g, node, y);
      h.g->nodes[node].rounding = FIX_TFLITE;
      hand_output(&h, y);
    }
    assert_true(same_bytes(unfuse(&h.arena, h.g), h.g));
    if (way >= 2) { // with the same shift it becomes one
      h.g->nodes[0].rq[0].shift = (const int32_t[]){40, 40};
      assert_int_equal(requants(verified(unfuse(&h.arena, h.g), "two")), 1);
    }
    arena_free(&h.arena);
  }
}

// It has the scale of each channel's products, and as many bits as all inputs need.
static void an_accumulator_has_its_type(void **state) {
  (void)state;
  struct hand h;
  const int64_t shape[2] = {3, 4}, three = 3;
  const double scales[3] = {0.5, 0.25, 3};
  hand_new(&h, (struct type){0});
  struct type t = type_channels(&h.arena, 8, true, 0, 3, scales, ARENA_NEW(&h.arena, int32_t, 3));
  struct tensor *w = tensor_new(&h.arena, DTYPE_I8, 2, shape);
  for (int i = 0; i < 12; i++) tensor_set_int(w, i, i < 8 ? 1 : -100); // at most 51200
  uint32_t node = graph_add_node(h.g, OP_linear, "fc");
  graph_add_use(h.g, node, (struct use){h.x, 0, NONE});
  graph_add_use(h.g, node, (struct use){graph_add_tensor(h.g, "w", w, t), 0, NONE});
  graph_add_requant(h.g, node, 1, (int64_t[]){1}, (int32_t[]){9});
  uint32_t y = graph_add_value(h.g, "fc", 1, &three, h.s8, true);
  graph_add_out(h.g, node, y);
  hand_output(&h, y);
  const struct graph *u = verified(unfuse(&h.arena, h.g), "channels");
  const struct type *acc = &u->values[graph_find_value(u, "fc.acc")].type;
  assert_true(acc->axis == 0 && acc->channels == 3 && acc->is_signed && acc->width == 17);
  for (int64_t c = 0; c < 3; c++) assert_true(type_scale(acc, c) == 0.25 * scales[c]);
  assert_true(same_bytes(fuse(&h.arena, u), h.g));
  arena_free(&h.arena);
}

// Names that the new ones would have are left alone.
static void names_stay_apart(void **state) {
  (void)state;
  struct hand h;
  hand_new(&h, (struct type){0});
  uint32_t first = add_node(&h, OP_relu, "first", h.x, h.s8, 1);
  h.g->nodes[0].name = "relu.requant";
  uint32_t relu = add_node(&h, OP_relu, "relu", first, h.s8, 1);
  hand_output(&h, add_node(&h, OP_relu, "relu.acc", relu, h.s8, 1));
  const struct graph *u = verified(unfuse(&h.arena, h.g), "names");
  assert_int_equal(u->n_nodes, 6);
  assert_string_equal(u->nodes[3].name, "relu.requant_");
  assert_string_equal(node_in(u, &u->nodes[3], 0)->name, "relu.acc_");
  assert_int_equal(differences(h.g, u, 1), 0);
  arena_free(&h.arena);
}

// A concat takes its inputs' requants if they round alike and are nobody else's.
static void a_concat_takes_what_is_alike(void **state) {
  (void)state;
  for (int way = 0; way < 4; way++) {
    struct hand h;
    const int64_t eight = 8;
    hand_new(&h, (struct type){0});
    uint32_t parts[2] = {add_node(&h, OP_requant, "r", h.x, h.s8, 1),
                         add_node(&h, OP_requant, "s", h.x, h.s8, 2)};
    if (way == 1) h.g->nodes[1].rounding = FIX_FLOOR;
    if (way == 2) h.g->nodes[0].overflow = FIX_WRAP;
    if (way == 3) graph_add_output(h.g, parts[1]);
    uint32_t node = graph_add_node(h.g, OP_concat, "both");
    for (int i = 0; i < 2; i++) graph_add_use(h.g, node, (struct use){parts[i], 0, NONE});
    uint32_t y = graph_add_value(h.g, "both", 1, &eight, h.s8, true);
    graph_add_out(h.g, node, y);
    hand_output(&h, y);
    const struct graph *f = verified(fuse(&h.arena, h.g), "fused");
    assert_int_equal(f->n_nodes, way == 0 ? 1 : 3);
    assert_int_equal(differences(f, h.g, 1), 0);
    arena_free(&h.arena);
  }
}

// ---- wide accumulators

static void refused(struct hand *h, const char *words) {
  struct err e = {0};
  assert_false(graph_verify(h->g, &e));
  if (!strstr(e.text, words)) fail_msg("%s", e.text);
  arena_free(&h->arena);
}

static void only_a_requant_reads_an_accumulator(void **state) {
  (void)state;
  static const char words[] =
      "width 40, a stream has at most 32 bits; only signed ones that a node "
      "hands to a requant of its own have more";
  struct arena a = {0};
  const struct type s40 = type_fixed(&a, 40, true, 0.25, 0);
  struct hand h;
  hand_new(&h, s40);
  graph_add_output(h.g, h.acc); // an output
  refused(&h, words);
  hand_new(&h, s40);
  graph_add_output(h.g, add_node(&h, OP_quantize, "cast", h.acc, h.s8, 1)); // another kind
  refused(&h, words);
  hand_new(&h, s40);
  graph_add_output(h.g, add_node(&h, OP_requant, "r", h.acc, h.s8, 1)); // two of them
  graph_add_output(h.g, add_node(&h, OP_requant, "s", h.acc, h.s8, 1));
  refused(&h, words);
  hand_new(&h, (struct type){0});
  h.g->values[h.x].type = s40; // an input
  graph_add_output(h.g, add_node(&h, OP_requant, "r", h.x, h.s8, 1));
  refused(&h, words);
  hand_new(&h, type_fixed(&a, 40, false, 0.25, 0)); // no sign
  graph_add_output(h.g, add_node(&h, OP_requant, "r", h.acc, h.s8, 1));
  refused(&h, words);
  hand_new(&h, s40); // as it was a step ago
  graph_add_output(h.g, add_node(&h, OP_requant, "r", h.acc, h.s8, 1));
  delay(&h, h.acc, s40);
  refused(&h, words);
  arena_free(&a);
}

// The fast model and circuits have no room for them, and say so.
static void executors_take_what_is_fused(void **state) {
  (void)state;
  struct hand h;
  struct arena a = {0};
  struct err e = {0};
  struct folding f = {.parallelism = 1};
  hand_new(&h, type_fixed(&a, 40, true, 0.25, 0));
  hand_output(&h, add_node(&h, OP_requant, "r", h.acc, h.s8, 1));
  assert_null(golden_new(&a, h.g, &e));
  assert_non_null(strstr(e.text, "\"relu\" is an accumulator of 40 bits that isn't fused"));
  e = (struct err){0};
  assert_null(circuit_build(&a, h.g, "top", &f, &e));
  assert_non_null(strstr(e.text, "it gives an accumulator, which isn't fused with its requant"));
  assert_non_null(golden_new(&a, fuse(&a, h.g), &e));
  assert_non_null(circuit_build(&a, fuse(&a, h.g), "top", &f, &e));
  arena_free(&h.arena);
  arena_free(&a);
}

// ---- models

// Both models, in floats and from files: unfused, as a file, and loaded it is what it was.
static void models_are_the_same_unfused(void **state) {
  (void)state;
  static const char *const paths[] = {"models/mnist-mlp.bin", "models/mnist-acts.bin"};
  static const struct load formats[] = {{.precision = "8,3"},
                                        {.precision = "8,3", .weight_precision = "6,channel"}};
  char path[] = "/tmp/nngen-test-XXXXXX";
  assert_true(close(mkstemp(path)) == 0);
  for (int i = 0; i < 4; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct model m, back;
    if (!load_model(&a, paths[i / 2], &formats[i % 2], &m, &e)) fail_msg("%s", e.text);
    struct graph *u = verified(unfuse(&a, m.fixed), paths[i / 2]);
    assert_true(requants(u) >= 2);
    assert_int_equal(closed(u), 0);
    assert_int_equal(differences(m.fixed, u, 1), 0);
    assert_true(same_bytes(fuse(&a, u), m.fixed));
    if (!model_write(path, u, &e) || !load_model(&a, path, &(struct load){0}, &back, &e))
      fail_msg("%s", e.text);
    assert_true(same_bytes(back.fixed, m.fixed));
    arena_free(&a);
  }
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_networks),
                                     cmocka_unit_test(a_changed_requant_is_noticed),
                                     cmocka_unit_test(one_requant_goes_into_its_node),
                                     cmocka_unit_test(others_are_casts),
                                     cmocka_unit_test(what_no_value_holds_stays),
                                     cmocka_unit_test(an_accumulator_has_its_type),
                                     cmocka_unit_test(names_stay_apart),
                                     cmocka_unit_test(a_concat_takes_what_is_alike),
                                     cmocka_unit_test(only_a_requant_reads_an_accumulator),
                                     cmocka_unit_test(executors_take_what_is_fused),
                                     cmocka_unit_test(models_are_the_same_unfused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
