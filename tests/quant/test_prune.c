// SPDX-License-Identifier: Apache-2.0
// Pruning: which weights stay, by a search that is written otherwise; what each kind promises;
// smaller layers that compute the same, bit for bit; masks that training's neighbours keep.
#include "quant/calibrate.h"
#include "quant/prune.h"
#include "quant/quantize.h"
#include "sw/base/rng.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/model.h"
#include "sw/pass/inference.h"
#include "sw/pass/split.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct net {
  struct arena arena;
  struct graph *g;
  uint64_t random;
};

// A multiple of 1/64 within -0.5 .. 0.5, not 0, so that float sums are exact in any order.
static float next(struct net *n) {
  int64_t k = (int64_t)(rng_at(5, 8, n->random++) % 64) - 32;
  return (float)(k >= 0 ? k + 1 : k) / 64;
}

static uint32_t tensor(struct net *n, const char *name, int rank, const int64_t *shape) {
  struct tensor *t = tensor_new(&n->arena, DTYPE_F32, rank, shape);
  for (int64_t i = 0; i < t->count; i++) ((float *)t->data)[i] = next(n);
  return graph_add_tensor(n->g, name, t, type_real());
}

static uint32_t out(struct net *n, uint32_t node, int rank, const int64_t *shape) {
  uint32_t y = graph_add_value(n->g, n->g->nodes[node].name, rank, shape, type_real(), true);
  graph_add_out(n->g, node, y);
  return y;
}

static uint32_t layer(struct net *n, enum op op, const char *name, uint32_t x, int w_rank,
                      const int64_t *w, int rank, const int64_t *shape) {
  uint32_t node = graph_add_node(n->g, op, name);
  graph_add_use(n->g, node, (struct use){x, 0, NONE});
  if (w) {
    const char *weight = arena_printf(&n->arena, "%s.weight", name);
    const char *bias = arena_printf(&n->arena, "%s.bias", name);
    graph_add_use(n->g, node, (struct use){tensor(n, weight, w_rank, w), 0, NONE});
    graph_add_use(n->g, node, (struct use){tensor(n, bias, 1, w), 0, NONE});
  }
  return out(n, node, rank, shape);
}

#define SHAPE(...)                                                                                 \
  (const int64_t[]) {                                                                              \
    __VA_ARGS__                                                                                    \
  }

static uint32_t begin(struct net *n, int rank, const int64_t *shape) {
  *n = (struct net){0};
  n->g = graph_new(&n->arena, "net");
  uint32_t x = graph_add_value(n->g, "x", rank, shape, type_real(), true);
  static const double half = 0.5; // pixels stand for -1 .. 1
  graph_add_input(n->g, x, (struct source){.channels = 1, .mean = &half, .std = &half});
  return x;
}

static void end(struct net *n, uint32_t y) {
  struct err e = {0};
  graph_add_output(n->g, y);
  if (!graph_verify(n->g, &e)) fail_msg("%s", e.text);
}

// 10 -> a (ins to outs) -> relu -> b -> relu -> c
static void chain(struct net *n, int64_t ins, int64_t outs) {
  uint32_t x = begin(n, 1, SHAPE(ins));
  x = layer(n, OP_linear, "a", x, 2, SHAPE(outs, ins), 1, SHAPE(outs));
  x = layer(n, OP_relu, "relu1", x, 0, NULL, 1, SHAPE(outs));
  x = layer(n, OP_linear, "b", x, 2, SHAPE(8, outs), 1, SHAPE(8));
  x = layer(n, OP_relu, "relu2", x, 0, NULL, 1, SHAPE(8));
  end(n, layer(n, OP_linear, "c", x, 2, SHAPE(3, 8), 1, SHAPE(3)));
}

// Image 8 x 8 x 2 -> conv 6 -> relu -> max_pool -> conv 5, padded -> relu -> flatten -> head
static void convs(struct net *n) {
  uint32_t x = begin(n, 3, SHAPE(8, 8, 2));
  x = layer(n, OP_conv2d, "conv1", x, 4, SHAPE(6, 3, 3, 2), 3, SHAPE(6, 6, 6));
  x = layer(n, OP_relu, "relu1", x, 0, NULL, 3, SHAPE(6, 6, 6));
  x = layer(n, OP_max_pool, "pool", x, 0, NULL, 3, SHAPE(3, 3, 6));
  graph_add_ints(n->g, n->g->n_nodes - 1, ATTR_kernel, 2, SHAPE(2, 2));
  graph_add_ints(n->g, n->g->n_nodes - 1, ATTR_stride, 2, SHAPE(2, 2));
  x = layer(n, OP_conv2d, "conv2", x, 4, SHAPE(5, 3, 3, 6), 3, SHAPE(3, 3, 5));
  graph_add_ints(n->g, n->g->n_nodes - 1, ATTR_pad, 4, SHAPE(1, 1, 1, 1));
  x = layer(n, OP_relu, "relu2", x, 0, NULL, 3, SHAPE(3, 3, 5));
  x = layer(n, OP_flatten, "flatten", x, 0, NULL, 1, SHAPE(45));
  end(n, layer(n, OP_linear, "head", x, 2, SHAPE(4, 45), 1, SHAPE(4)));
}

static struct value *weight(struct graph *g, const char *layer) {
  char name[64];
  snprintf(name, sizeof name, "%s.weight", layer);
  return &g->values[graph_find_value(g, name)];
}

static struct prune_how how_of(const char *kind, const char *amount, const char *lanes,
                               const char *scope, const char *score) {
  struct prune_how how = {0};
  struct err e = {0};
  if (!prune_parse_kind(kind, &how, &e) || !prune_parse_amount(amount, &how, &e) ||
      !prune_parse_lanes(lanes, &how, &e) || !prune_parse_scope(scope, &how, &e) ||
      !prune_parse_score(score, &how, &e))
    fail_msg("%s", e.text);
  return how;
}

static struct pruned pruned(struct net *n, struct prune_how how) {
  struct err e = {0};
  struct pruned p;
  if (!prune(&n->arena, n->g, &how, &p, &e)) fail_msg("%s", e.text);
  return p;
}

// ---- the reference: rank by rank, from the definition

// Outputs and inputs per grain; the score of the rectangle that begins at (o, i).
static double rectangle(const struct value *w, int64_t ins, int64_t o, int64_t i, int64_t height,
                        int64_t width, bool squares) {
  double sum = 0;
  for (int64_t k = o; k < o + height && k < w->shape[0]; k++)
    for (int64_t j = i; j < i + width && j < ins; j++) {
      double x = value_real(w, k * ins + j);
      sum += squares ? x * x : fabs(x);
    }
  return squares ? sqrt(sum) : sum;
}

// Whether the grain at (o, i) is among the `goes` least: counted, not sorted.
static bool goes(const struct value *w, int64_t ins, int64_t o, int64_t i, int64_t height,
                 int64_t width, bool squares, double amount) {
  int64_t before = 0, all = 0;
  double own = rectangle(w, ins, o, i, height, width, squares);
  for (int64_t k = 0; k < w->shape[0]; k += height)
    for (int64_t j = 0; j < ins; j += width, all++) {
      double other = rectangle(w, ins, k, j, height, width, squares);
      before += other < own || (other == own && (k > o || (k == o && j > i)));
    }
  return before < llround(amount * (double)all);
}

static void check_rectangles(const char *kind, int64_t height, int64_t width, const char *amount,
                             bool squares) {
  struct net n;
  chain(&n, 10, 14);
  struct prune_how how =
      how_of(kind, amount, strcmp(kind, "weight") ? "4x3" : NULL, NULL, squares ? "l2" : "l1");
  struct pruned p = pruned(&n, how);
  const struct value *before = weight(n.g, "a"), *after = weight(p.graph, "a");
  assert_int_equal(after->shape[0], 14); // nothing was removed
  for (int64_t o = 0; o < 14; o++)
    for (int64_t i = 0; i < 10; i++) {
      int64_t at = o * 10 + i;
      bool cut = goes(before, 10, o / height * height, i / width * width, height, width, squares,
                      how.amount);
      assert_int_equal(value_is_cut(after, at), cut);
      assert_true(value_real(after, at) == (cut ? 0 : value_real(before, at)));
    }
  arena_free(&n.arena);
}

static void blocks_are_the_least(void **state) {
  (void)state;
  static const char *const amounts[] = {"0", "0.3", "0.55"};
  for (int k = 0; k < 6; k++) {
    check_rectangles("weight", 1, 1, amounts[k / 2], k % 2);
    check_rectangles("vector", 1, 4, amounts[k / 2], k % 2);
    check_rectangles("tile", 3, 4, amounts[k / 2], k % 2);
  }
}

// The k-th largest vector of a lane in a beat, by counting; -1: the lane has fewer.
static int64_t kth(const struct value *w, int64_t ins, int64_t beat, int64_t lane, int64_t k) {
  for (int64_t o = lane; o < w->shape[0]; o += 3) {
    double own = rectangle(w, ins, o, beat * 4, 1, 4, false);
    int64_t larger = 0;
    for (int64_t q = lane; q < w->shape[0]; q += 3) {
      double other = rectangle(w, ins, q, beat * 4, 1, 4, false);
      larger += other > own || (other == own && q < o);
    }
    if (larger == k) return o;
  }
  return -1;
}

static double gain(const struct value *w, int64_t ins, int64_t beat, int64_t k) {
  double sum = 0;
  for (int64_t lane = 0; lane < 3; lane++) {
    int64_t o = kth(w, ins, beat, lane, k);
    if (o >= 0) sum += rectangle(w, ins, o, beat * 4, 1, 4, false);
  }
  return sum;
}

// 10 inputs are three beats of 4, 14 outputs are five groups of 3 lanes, the last not whole.
static void slots_are_the_least(void **state) {
  (void)state;
  enum { BEATS = 3, SLOTS = 5, CUT = 9 };
  struct net n;
  chain(&n, 10, 14);
  struct pruned p = pruned(&n, how_of("slot", "0.6", "4x3", NULL, NULL));
  const struct value *before = weight(n.g, "a"), *after = weight(p.graph, "a");
  for (int64_t s = 0; s < BEATS * SLOTS; s++) {
    double own = gain(before, 10, s / SLOTS, s % SLOTS);
    int64_t less = 0;
    for (int64_t q = 0; q < BEATS * SLOTS; q++) {
      double other = gain(before, 10, q / SLOTS, q % SLOTS);
      less += other < own || (other == own && q > s);
    }
    for (int64_t lane = 0; lane < 3; lane++) {
      int64_t o = kth(before, 10, s / SLOTS, lane, s % SLOTS);
      for (int64_t i = s / SLOTS * 4; o >= 0 && i < s / SLOTS * 4 + 4 && i < 10; i++)
        assert_int_equal(value_is_cut(after, o * 10 + i), less < CUT);
    }
  }
  arena_free(&n.arena);
}

// ---- what the kinds promise

// Vectors of a lane in a beat that are left.
static int64_t steps(const struct value *w, int64_t ins, int64_t beat, int64_t lane) {
  int64_t count = 0;
  for (int64_t o = lane; o < w->shape[0]; o += 4) {
    bool there = false;
    for (int64_t i = beat * 4; i < beat * 4 + 4 && i < ins; i++)
      there |= !value_is_cut(w, o * ins + i);
    count += there;
  }
  return count;
}

// No lane waits for another; by vector they do.
static void lanes_of_a_beat_lose_equally(void **state) {
  (void)state;
  static const char *const scores[] = {"l1", "l2", "random:3"};
  bool uneven = false;
  for (int k = 0; k < 6; k++) {
    struct net n;
    chain(&n, 24, 16);
    struct pruned p = pruned(
        &n, how_of(k < 3 ? "slot" : "vector", "0.7", NULL, k % 2 ? "global" : NULL, scores[k % 3]));
    for (int64_t beat = 0; beat < 6; beat++)
      for (int64_t lane = 1; lane < 4; lane++) {
        const struct value *w = weight(p.graph, "a");
        bool same = steps(w, 24, beat, lane) == steps(w, 24, beat, 0);
        if (k < 3) assert_true(same);
        uneven |= !same;
      }
    arena_free(&n.arena);
  }
  assert_true(uneven);
}

// Of 2:4 the two largest of each four inputs stay, of kernels over their taps and channels.
static void n_of_m_stay(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    struct net n;
    if (k)
      convs(&n);
    else
      chain(&n, 12, 7);
    struct prune_how how = how_of(k ? "2:6" : "1:4", NULL, NULL, NULL, NULL);
    how.layers = k ? "conv2" : "a";
    struct pruned p = pruned(&n, how);
    const struct value *before = weight(n.g, how.layers), *w = weight(p.graph, how.layers);
    for (int64_t i = 0; i < value_elements(w); i += how.m) {
      int64_t kept = 0;
      double least_kept = INFINITY, most_cut = 0;
      for (int64_t j = i; j < i + how.m; j++) {
        double x = fabs(value_real(before, j));
        kept += !value_is_cut(w, j);
        if (value_is_cut(w, j))
          most_cut = fmax(most_cut, x);
        else
          least_kept = fmin(least_kept, x);
      }
      assert_int_equal(kept, how.n);
      assert_true(most_cut <= least_kept);
    }
    arena_free(&n.arena);
  }
}

// By layer each loses that part; globally all together, and no cut weight is larger than one that
// stays anywhere.
static void scopes(void **state) {
  (void)state;
  struct net n;
  chain(&n, 10, 14);
  float *a = weight(n.g, "a")->init->data;
  for (int i = 0; i < 140; i++) a[i] *= 4;
  struct pruned each = pruned(&n, how_of("weight", "0.25", NULL, "layer", NULL)),
                all = pruned(&n, how_of("weight", "0.25", NULL, "global", NULL));
  assert_int_equal(each.layers[0].kept, 105);
  assert_int_equal(each.layers[1].kept, 84);
  assert_int_equal(all.layers[0].kept + all.layers[1].kept, 189);
  assert_true(all.layers[1].kept < 84);
  assert_int_equal(all.layers[2].kept, 24);
  double most_cut = 0, least_kept = INFINITY;
  for (int k = 0; k < 2; k++) {
    const struct value *before = weight(n.g, k ? "b" : "a"), *w = weight(all.graph, k ? "b" : "a");
    for (int64_t i = 0; i < value_elements(w); i++) {
      double x = fabs(value_real(before, i));
      if (value_is_cut(w, i))
        most_cut = fmax(most_cut, x);
      else
        least_kept = fmin(least_kept, x);
    }
  }
  assert_true(most_cut <= least_kept);
  arena_free(&n.arena);
}

static bool same_cuts(const struct value *a, const struct value *b) {
  for (int64_t i = 0; i < value_elements(a); i++)
    if (value_is_cut(a, i) != value_is_cut(b, i)) return false;
  return true;
}

static void a_seed_says_which(void **state) {
  (void)state;
  struct net n;
  chain(&n, 10, 14);
  const struct value *w[4];
  static const char *const scores[] = {"random:1", "random:1", "random:2", "l1"};
  for (int k = 0; k < 4; k++)
    w[k] = weight(pruned(&n, how_of("vector", "0.5", NULL, NULL, scores[k])).graph, "a");
  assert_true(same_cuts(w[0], w[1]));
  assert_false(same_cuts(w[0], w[2]));
  assert_false(same_cuts(w[0], w[3]));
  arena_free(&n.arena);
}

// What was cut before stays cut, and counts.
static void masks_are_kept(void **state) {
  (void)state;
  static const char *const kinds[] = {"weight", "vector", "slot", "tile", "2:4"};
  for (int k = 0; k < 5; k++) {
    struct net n;
    chain(&n, 12, 16);
    struct pruned first = pruned(&n, how_of("slot", "0.25", NULL, NULL, NULL));
    n.g = first.graph;
    struct pruned second =
        pruned(&n, how_of(kinds[k], k < 4 ? "0.25" : NULL, NULL, NULL, k ? "random:7" : "l1"));
    const struct value *a = weight(first.graph, "a"), *b = weight(second.graph, "a");
    for (int64_t i = 0; i < value_elements(a); i++)
      if (value_is_cut(a, i) && !value_is_cut(b, i)) fail_msg("%s: element %d", kinds[k], (int)i);
    if (k == 2) assert_true(same_cuts(a, b));
    assert_int_equal(second.layers[0].neurons_removed, 0);
    assert_int_equal(second.layers[0].weights, first.layers[0].kept);
    arena_free(&n.arena);
  }
}

// ---- smaller layers

enum { FRAMES = 8 };

static void run_real(struct net *n, const struct graph *g, float *y) {
  struct err e = {0};
  int64_t elements = value_elements(&g->values[g->inputs[0].value]);
  float *x = ARENA_NEW(&n->arena, float, FRAMES *elements);
  for (int64_t i = 0; i < FRAMES * elements; i++)
    x[i] = (float)(rng_at(9, 1, (uint64_t)i) % 17) / 8 - 1;
  struct real *r = real_new(&n->arena, g, &e);
  if (!r) fail_msg("%s", e.text);
  real_run(r, FRAMES, NULL, x, &(struct real_tap){g->outputs[0], y}, 1);
  real_free(r);
}

static void run_fixed(struct net *n, struct graph *g, int64_t *y) {
  struct err e = {0};
  struct formats f = formats_new();
  assert_true(formats_set_stream(&n->arena, &f.defaults, "12,6", &e));
  assert_true(formats_set_weight(&n->arena, &f.defaults, "8,7", &e));
  struct graph *q = quantize(&n->arena, g, &f, &e);
  if (!q) fail_msg("%s", e.text);
  int64_t elements = value_elements(&q->values[q->inputs[0].value]),
          outs = value_elements(&q->values[q->outputs[0]]);
  int64_t *x = ARENA_NEW(&n->arena, int64_t, elements);
  const int64_t *codes[] = {x};
  struct golden_ref *r = golden_ref_new(&n->arena, q, 1);
  for (int64_t k = 0; k < FRAMES; k++) {
    for (int64_t i = 0; i < elements; i++)
      x[i] = (int64_t)(rng_at(9, 2, (uint64_t)(k * elements + i)) % 129) - 64;
    golden_ref_step(r, codes);
    memcpy(y + k * outs, golden_ref_value(r, q->outputs[0]), (size_t)outs * sizeof *y);
  }
}

// The same numbers from both, in floats and in integers.
static void check_same(struct net *n, struct graph *a, struct graph *b, double within) {
  float x[FRAMES * 4], y[FRAMES * 4];
  int64_t p[FRAMES * 4], q[FRAMES * 4], outs = value_elements(&a->values[a->outputs[0]]);
  assert_int_equal(outs, value_elements(&b->values[b->outputs[0]]));
  run_real(n, a, x);
  run_real(n, b, y);
  for (int64_t i = 0; i < FRAMES * outs; i++)
    if (!(fabs((double)(x[i] - y[i])) <= within)) fail_msg("%g is %g", (double)y[i], (double)x[i]);
  if (within > 0) return; // constants that are no codes
  run_fixed(n, a, p);
  run_fixed(n, b, q);
  assert_memory_equal(p, q, (size_t)(FRAMES * outs) * sizeof *p);
}

// A copy with tensors of its own.
static struct graph *copied(struct net *n, const struct graph *g) {
  struct graph *to = inference(&n->arena, g);
  for (uint32_t i = 0; i < to->n_values; i++) {
    struct tensor *t = to->values[i].init;
    if (!t) continue;
    to->values[i].init = tensor_new(&n->arena, t->dtype, t->rank, t->shape);
    memcpy(to->values[i].init->data, t->data, (size_t)t->count * sizeof(float));
  }
  return to;
}

// Neuron o of a layer gives 0, and is read as 0.
static void silence(struct graph *g, const char *layer, const char *reader, int64_t o) {
  char bias[64];
  snprintf(bias, sizeof bias, "%s.bias", layer);
  struct value *w = weight(g, layer), *r = weight(g, reader);
  int64_t neurons = w->shape[0], ins = value_elements(w) / neurons;
  for (int64_t i = 0; i < ins; i++) ((float *)w->init->data)[o * ins + i] = 0;
  for (int64_t i = o; i < value_elements(r); i += neurons) ((float *)r->init->data)[i] = 0;
  ((float *)g->values[graph_find_value(g, bias)].init->data)[o] = 0;
}

static void removed_neurons_change_nothing(void **state) {
  (void)state;
  static const struct {
    const char *layer, *reader;
    int64_t left;
    bool sigmoid; // 0.5 where a neuron gives 0, which nobody reads
  } rows[] = {{"a", "b", 6, false},
              {"conv1", "conv2", 2, false},
              {"conv2", "head", 2, false},
              {"a", "b", 6, true},
              {"conv1", "conv2", 2, true}};
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    struct net n;
    if (rows[k].layer[0] == 'c')
      convs(&n);
    else
      chain(&n, 10, 14);
    if (rows[k].sigmoid) n.g->nodes[1].op = OP_sigmoid;
    struct prune_how how = how_of("neuron", "0.6", NULL, NULL, NULL);
    how.layers = rows[k].layer;
    struct pruned p = pruned(&n, how);
    struct graph *masked = copied(&n, n.g);
    const struct value *w = weight(n.g, how.layers), *smaller = weight(p.graph, how.layers);
    int64_t outs = w->shape[0], ins = value_elements(w) / outs, kept = 0;
    for (int64_t o = 0; o < outs; o++) {
      if (goes(w, ins, o, 0, 1, ins, false, how.amount))
        silence(masked, how.layers, rows[k].reader, o);
      else
        for (int64_t i = 0, to = kept++; i < ins; i++)
          assert_true(value_real(smaller, to * ins + i) == value_real(w, o * ins + i));
    }
    assert_int_equal(smaller->shape[0], rows[k].left);
    assert_int_equal(kept, rows[k].left);
    check_same(&n, masked, p.graph, rows[k].sigmoid ? 1e-6 : 0);
    arena_free(&n.arena);
  }
}

// Both layers at once; the last dimension of each stream between is smaller.
static void neurons_of_all_layers_go(void **state) {
  (void)state;
  struct net n;
  convs(&n);
  struct pruned p = pruned(&n, how_of("neuron", "0.5", NULL, NULL, NULL));
  assert_int_equal(p.n_layers, 3);
  assert_int_equal(p.layers[0].neurons_removed, 3);
  assert_int_equal(p.layers[1].neurons_removed, 3);
  assert_int_equal(p.layers[2].neurons_removed, 0);
  assert_int_equal(p.layers[0].kept, 3 * 18);
  assert_int_equal(p.layers[1].kept, 2 * 9 * 3);
  assert_int_equal(p.layers[2].kept, 4 * 9 * 2);
  assert_int_equal(p.graph->values[graph_find_value(p.graph, "pool")].shape[2], 3);
  assert_int_equal(p.graph->values[graph_find_value(p.graph, "flatten")].shape[0], 18);
  arena_free(&n.arena);
}

// Of all neurons of a and b: 0.4 of 22 are 9, the least by the mean of their weights, or by the
// sum: those of a.
static int64_t least_of_a(const struct graph *g, bool mean) {
  double score[22];
  int64_t count = 0;
  for (int64_t k = 0; k < 22; k++) {
    bool a = k < 14;
    int64_t ins = a ? 10 : 14;
    double sum =
        rectangle(weight((struct graph *)g, a ? "a" : "b"), ins, a ? k : k - 14, 0, 1, ins, false);
    score[k] = mean ? sum / (double)ins : sum;
  }
  for (int64_t k = 0; k < 14; k++) {
    int64_t less = 0;
    for (int64_t i = 0; i < 22; i++) less += score[i] < score[k];
    count += less < 9;
  }
  return count;
}

static void neurons_compare_by_their_mean(void **state) {
  (void)state;
  struct net n;
  chain(&n, 10, 14);
  int64_t goes = least_of_a(n.g, true);
  assert_int_not_equal(goes, least_of_a(n.g, false));
  struct pruned p = pruned(&n, how_of("neuron", "0.4", NULL, "global", NULL));
  assert_int_equal(p.layers[0].neurons_removed, goes);
  assert_int_equal(p.layers[1].neurons_removed, 9 - goes);
  arena_free(&n.arena);
}

// A neuron without weights is its bias behind the activation: that goes into the next biases, but
// not where padding is beside it.
static void dead_neurons_fold(void **state) {
  (void)state;
  static const struct {
    const char *layer;
    float bias;
    bool activation_is_sigmoid, goes;
  } rows[] = {{"a", 0.75f, false, true},      {"a", -0.75f, false, true},
              {"a", 0.3f, true, true},        {"conv1", 0.75f, false, false},
              {"conv1", -0.75f, false, true}, {"conv2", 0.75f, false, true}};
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    struct net n;
    if (rows[k].layer[0] == 'c')
      convs(&n);
    else
      chain(&n, 10, 14);
    if (rows[k].activation_is_sigmoid) n.g->nodes[1].op = OP_sigmoid;
    struct value *w = weight(n.g, rows[k].layer);
    int64_t ins = value_elements(w) / w->shape[0];
    for (int64_t i = 0; i < ins; i++) ((float *)w->init->data)[2 * ins + i] = 0;
    const char *bias = arena_printf(&n.arena, "%s.bias", rows[k].layer);
    ((float *)n.g->values[graph_find_value(n.g, bias)].init->data)[2] = rows[k].bias;
    struct pruned p = pruned(&n, how_of("weight", "0", NULL, NULL, NULL));
    assert_int_equal(weight(p.graph, rows[k].layer)->shape[0], w->shape[0] - rows[k].goes);
    check_same(&n, n.g, p.graph, rows[k].activation_is_sigmoid ? 1e-6 : 0);
    arena_free(&n.arena);
  }
}

// A neuron that nothing reads goes, whatever it computes; of all one stays.
static void unread_neurons_go(void **state) {
  (void)state;
  for (int64_t count = 0; count <= 14; count += 7) {
    struct net n;
    chain(&n, 10, 14);
    struct value *b = weight(n.g, "b");
    for (int64_t i = 0; i < value_elements(b); i++)
      if (i % 14 < count) ((float *)b->init->data)[i] = 0;
    struct pruned p = pruned(&n, how_of("weight", "0", NULL, NULL, NULL));
    assert_int_equal(weight(p.graph, "a")->shape[0], count == 14 ? 1 : 14 - count);
    check_same(&n, n.g, p.graph, 0);
    arena_free(&n.arena);
  }
}

// Image 4 x 4 x 2 -> a (8) -> relu -> b (8, by 1 x 1) -> depthwise, by 3 x 3 -> sum with relu ->
// pool -> flatten -> head: a and b make the same neurons, which b and head read.
static void residual(struct net *n) {
  uint32_t x = begin(n, 3, SHAPE(4, 4, 2));
  x = layer(n, OP_conv2d, "a", x, 4, SHAPE(8, 3, 3, 2), 3, SHAPE(4, 4, 8));
  graph_add_ints(n->g, n->g->n_nodes - 1, ATTR_pad, 4, SHAPE(1, 1, 1, 1));
  x = layer(n, OP_relu, "relu", x, 0, NULL, 3, SHAPE(4, 4, 8));
  uint32_t y = layer(n, OP_conv2d, "b", x, 4, SHAPE(8, 1, 1, 8), 3, SHAPE(4, 4, 8));
  y = layer(n, OP_conv2d, "each", y, 4, SHAPE(8, 3, 3, 1), 3, SHAPE(4, 4, 8));
  graph_add_ints(n->g, n->g->n_nodes - 1, ATTR_pad, 4, SHAPE(1, 1, 1, 1));
  graph_add_ints(n->g, n->g->n_nodes - 1, ATTR_groups, 1, SHAPE(8));
  uint32_t sum = graph_add_node(n->g, OP_add, "sum");
  graph_add_use(n->g, sum, (struct use){x, 0, NONE});
  graph_add_use(n->g, sum, (struct use){y, 0, NONE});
  x = layer(n, OP_max_pool, "pool", out(n, sum, 3, SHAPE(4, 4, 8)), 0, NULL, 3, SHAPE(2, 2, 8));
  graph_add_ints(n->g, n->g->n_nodes - 1, ATTR_kernel, 2, SHAPE(2, 2));
  graph_add_ints(n->g, n->g->n_nodes - 1, ATTR_stride, 2, SHAPE(2, 2));
  x = layer(n, OP_flatten, "flatten", x, 0, NULL, 1, SHAPE(32));
  end(n, layer(n, OP_linear, "head", x, 2, SHAPE(4, 32), 1, SHAPE(4)));
}

// What is summed has its neurons from two layers, that lose the same ones: the least of both.
static void joined_neurons_go_together(void **state) {
  (void)state;
  for (int named = 0; named < 3; named++) {
    struct net n;
    residual(&n);
    struct prune_how how = how_of("neuron", "0.5", NULL, NULL, NULL);
    how.layers = named == 1 ? "a" : named == 2 ? "b" : NULL;
    struct pruned p = pruned(&n, how);
    const struct value *a = weight(n.g, "a"), *b = weight(n.g, "b");
    struct graph *masked = copied(&n, n.g);
    double score[8];
    int left = 0;
    for (int64_t o = 0; o < 8; o++)
      score[o] = rectangle(a, 18, o, 0, 1, 18, false) / 18 + rectangle(b, 8, o, 0, 1, 8, false) / 8;
    for (int64_t o = 0; o < 8; o++) {
      int less = 0;
      for (int64_t i = 0; i < 8; i++) less += score[i] < score[o];
      left += less >= 4;
      if (less >= 4) continue;
      silence(masked, "a", "b", o);
      silence(masked, "b", "head", o);
    }
    assert_int_equal(left, 4);
    static const char *const layers[] = {"a", "b", "each"};
    for (int k = 0; k < 3; k++) assert_int_equal(weight(p.graph, layers[k])->shape[0], 4);
    assert_int_equal(weight(p.graph, "b")->shape[3], 4);
    assert_int_equal(weight(p.graph, "head")->shape[1], 16);
    assert_int_equal(node_int(&p.graph->nodes[3], ATTR_groups, 1), 4);
    int64_t expected[FRAMES * 4], found[FRAMES * 4];
    check_same(&n, masked, p.graph, 1e-6); // products of three layers, in another order
    run_fixed(&n, masked, expected);
    run_fixed(&n, p.graph, found);
    assert_memory_equal(expected, found, sizeof expected);
    arena_free(&n.arena);
  }
}

// What a sum with the image reads, or a result is, stays.
static void joined_neurons_stay(void **state) {
  (void)state;
  struct net n;
  struct err e = {0};
  struct pruned p;
  struct prune_how how = how_of("neuron", "0.5", NULL, NULL, NULL);
  uint32_t x = begin(&n, 1, SHAPE(6));
  uint32_t a = layer(&n, OP_linear, "a", x, 2, SHAPE(6, 6), 1, SHAPE(6));
  uint32_t sum = graph_add_node(n.g, OP_add, "sum");
  graph_add_use(n.g, sum, (struct use){a, 0, NONE});
  graph_add_use(n.g, sum, (struct use){x, 0, NONE});
  end(&n, layer(&n, OP_linear, "b", out(&n, sum, 1, SHAPE(6)), 2, SHAPE(3, 6), 1, SHAPE(3)));
  assert_false(prune(&n.arena, n.g, &how, &p, &e));
  assert_string_equal(e.text, "there is no layer whose neurons could be removed");
  how.layers = "a";
  e = (struct err){0};
  assert_false(prune(&n.arena, n.g, &how, &p, &e));
  assert_string_equal(
      e.text, "layer \"a\": its neurons can't be removed: they are joined with \"x\", whose "
              "channels can't go");
  how.layers = "b";
  e = (struct err){0};
  assert_false(prune(&n.arena, n.g, &how, &p, &e));
  assert_string_equal(e.text,
                      "layer \"b\": its neurons can't be removed: \"b\" is an output of the model");
  arena_free(&n.arena);
}

static void empty_layers_keep_one_grain(void **state) {
  (void)state;
  static const struct {
    const char *kind;
    int64_t kept;
  } rows[] = {{"weight", 1}, {"vector", 4}, {"slot", 16}, {"tile", 16}, {"neuron", 8}};
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    struct net n;
    struct err e = {0};
    struct pruned p;
    chain(&n, 8, 16);
    struct prune_how how = how_of(rows[k].kind, "0.999", NULL, NULL, NULL);
    how.layers = "a";
    assert_false(prune(&n.arena, n.g, &how, &p, &e));
    assert_non_null(strstr(e.text, "layer \"a\": --amount 0.999 leaves nothing of its "));
    how.force = true;
    assert_int_equal(pruned(&n, how).layers[0].kept, rows[k].kept);
    arena_free(&n.arena);
  }
}

// ---- who keeps masks

static struct graph *written_and_read(struct net *n, struct graph *g) {
  char path[] = "/tmp/test_prune_XXXXXX";
  struct err e = {0};
  int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
  if (!model_write(path, g, &e)) fail_msg("%s", e.text);
  struct graph *back = model_read(&n->arena, path, &e);
  unlink(path);
  if (!back) fail_msg("%s", e.text);
  return back;
}

static struct images noise(struct net *n) {
  enum { IMAGES = 32 };
  struct images set = {.name = "noise", .count = IMAGES, .rank = 1, .elements = 10, .shape = {10}};
  set.pixels = ARENA_NEW(&n->arena, uint8_t, IMAGES * 10);
  for (int i = 0; i < IMAGES * 10; i++) set.pixels[i] = (uint8_t)(128 + 240 * (double)next(n));
  return set;
}

static struct graph *quantized(struct net *n, struct graph *g, bool second_order) {
  struct err e = {0};
  struct formats f = formats_new();
  struct images set = noise(n);
  struct calibrate_how how = {.output_width = 16, .threads = 1};
  assert_true(calibrate_method_parse("gptq", &how));
  assert_true(formats_set_stream(&n->arena, &f.defaults, second_order ? "6" : "8,4", &e));
  struct calibrator *c = second_order ? calibrator_new(&n->arena, g, &set, &how, &e) : NULL;
  struct graph *q =
      c ? quantize_calibrated(&n->arena, g, &f, c, &e) : quantize(&n->arena, g, &f, &e);
  if (c) calibrator_free(c);
  if (!q) fail_msg("%s", e.text);
  return q;
}

static void what_is_cut_stays_0(void **state) {
  (void)state;
  for (int k = 0; k < 4; k++) {
    struct net n;
    chain(&n, 10, 14);
    struct graph *g = pruned(&n, how_of("slot", "0.6", NULL, NULL, NULL)).graph;
    struct graph *to = k == 0   ? written_and_read(&n, g)
                       : k == 1 ? quantized(&n, g, false)
                       : k == 2 ? quantized(&n, g, true)
                                : split(&n.arena, quantized(&n, g, false), 1, NULL);
    const struct value *a = weight(g, "a"), *b = weight(to, "a");
    int64_t there = 0;
    assert_true(same_cuts(a, b));
    for (int64_t i = 0; i < value_elements(a); i++) {
      if (value_is_cut(a, i)) assert_true(value_real(b, i) == 0);
      there += value_real(b, i) != 0;
    }
    assert_true(there > 30);
    arena_free(&n.arena);
  }
}

static void bipolar_refuses(void **state) {
  (void)state;
  struct net n;
  struct err e = {0};
  struct formats f = formats_new();
  chain(&n, 10, 14);
  struct graph *g = pruned(&n, how_of("tile", "0.6", NULL, NULL, NULL)).graph;
  assert_true(formats_set_stream(&n.arena, &f.defaults, "8,4", &e));
  assert_true(formats_set_weight(&n.arena, &f.defaults, "bipolar", &e));
  assert_null(quantize(&n.arena, g, &f, &e));
  assert_non_null(strstr(e.text, "the mask of \"a.weight\" cuts connections"));
  arena_free(&n.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_are_the_least),
                                     cmocka_unit_test(slots_are_the_least),
                                     cmocka_unit_test(lanes_of_a_beat_lose_equally),
                                     cmocka_unit_test(n_of_m_stay),
                                     cmocka_unit_test(scopes),
                                     cmocka_unit_test(a_seed_says_which),
                                     cmocka_unit_test(masks_are_kept),
                                     cmocka_unit_test(removed_neurons_change_nothing),
                                     cmocka_unit_test(neurons_of_all_layers_go),
                                     cmocka_unit_test(neurons_compare_by_their_mean),
                                     cmocka_unit_test(dead_neurons_fold),
                                     cmocka_unit_test(unread_neurons_go),
                                     cmocka_unit_test(joined_neurons_go_together),
                                     cmocka_unit_test(joined_neurons_stay),
                                     cmocka_unit_test(empty_layers_keep_one_grain),
                                     cmocka_unit_test(what_is_cut_stays_0),
                                     cmocka_unit_test(bipolar_refuses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
