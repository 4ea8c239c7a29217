// SPDX-License-Identifier: Apache-2.0
// Padded taps that a window leaves out: where it does, how many beats and cycles are left, and that
// both cycle models and the planner say so.
#include "sw/circuit/facts.h"
#include "sw/circuit/timing.h"
#include "sw/graph/conv.h"
#include "sw/graph/interval.h"
#include "tests/net/helper_circuit.h"
#include "tests/net/helper_netgen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SHAPES = 400, NETWORKS = 1200, FRAMES = 6 };

// A convolution alone, and its lanes.
struct layer {
  int64_t in[2], kernel[2], stride[2], dilation[2], pad[4], channels, outs, groups;
  int64_t lanes_in, lanes_out;
  struct type type; // of the image
};

static int64_t pick(uint64_t *seed, int64_t lo, int64_t hi) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return lo + (int64_t)((*seed >> 33) % (uint64_t)(hi - lo + 1));
}

static struct layer random_layer(struct arena *a, uint64_t seed) {
  struct layer l = {.lanes_in = pick(&seed, 1, 2), .lanes_out = pick(&seed, 1, 2), .groups = 1};
  l.channels = l.lanes_in * pick(&seed, 1, 3);
  l.outs = l.lanes_out * pick(&seed, 1, 6);
  l.type = type_fixed(a, 8, pick(&seed, 0, 1) != 0, 0.125, 0);
  for (int d = 0; d < 2; d++) {
    l.in[d] = pick(&seed, 1, 9);
    l.kernel[d] = pick(&seed, 1, 5);
    l.stride[d] = pick(&seed, 1, 2);
    l.dilation[d] = l.in[d] > 2 ? pick(&seed, 1, 2) : 1;
    int64_t span = (l.kernel[d] - 1) * l.dilation[d];
    for (int side = 0; side < 2; side++)
      l.pad[2 * side + d] = pick(&seed, 0, span < l.in[d] ? span : 0);
    while ((l.kernel[d] - 1) * l.dilation[d] >= l.in[d] + l.pad[d] + l.pad[2 + d]) l.kernel[d]--;
    span = (l.kernel[d] - 1) * l.dilation[d];
    for (int side = 0; side < 2; side++)
      if (l.pad[2 * side + d] > span) l.pad[2 * side + d] = span;
  }
  return l;
}

static struct graph *graph_of(struct arena *a, const struct layer *l) {
  struct graph *g = graph_new(a, "convolution");
  struct err e = {0};
  int64_t shape[3] = {l->in[0], l->in[1], l->channels}, out[3] = {0, 0, l->outs}, one = 1;
  int64_t weights[4] = {l->outs, l->kernel[0], l->kernel[1], l->channels / l->groups};
  int32_t shift = 6;
  for (int d = 0; d < 2; d++)
    out[d] = (l->in[d] + l->pad[d] + l->pad[2 + d] - (l->kernel[d] - 1) * l->dilation[d] - 1) /
                 l->stride[d] +
             1;
  uint32_t x = graph_add_value(g, "x", 3, shape, l->type, true);
  graph_add_input(g, x, (struct source){0});
  struct type type = type_fixed(a, 8, true, 1.0 / 64, 0);
  struct tensor *t = tensor_new(a, dtype_for(&type), 4, weights);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, (i * 37 + 11) % 201 - 100);
  uint32_t w = graph_add_tensor(g, "w", t, type), n = graph_add_node(g, OP_conv2d, "conv");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_use(g, n, (struct use){w, 0, NONE});
  graph_add_ints(g, n, ATTR_stride, 2, l->stride);
  graph_add_ints(g, n, ATTR_dilation, 2, l->dilation);
  graph_add_ints(g, n, ATTR_pad, 4, l->pad);
  if (l->groups > 1) graph_add_int(g, n, ATTR_groups, l->groups);
  graph_add_out(g, n, graph_add_value(g, "y", 3, out, type_fixed(a, 8, true, 0.125, 0), true));
  graph_add_requant(g, n, 1, &one, &shift);
  graph_add_output(g, g->nodes[n].out[0]);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

static struct circuit *circuit_of(struct arena *a, const struct graph *g, const struct layer *l) {
  struct err e = {0};
  struct folding_entry entry = {.name = "conv", .in = l->lanes_in, .out = l->lanes_out};
  struct folding f = {.parallelism = l->lanes_in, .n_layers = 1, .layers = &entry};
  return circuit_build(a, g, "top", &f, &e);
}

static struct cell *cell_of(struct circuit *p, enum cell_kind kind) {
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].kind == kind) return &p->cells[i];
  fail_msg("there is no such cell");
  return NULL;
}

static bool inside(const struct layer *l, const struct window *w, int64_t pixel, int64_t tap) {
  int64_t o[2] = {pixel / w->out[1], pixel % w->out[1]};
  int64_t k[2] = {tap / l->kernel[1], tap % l->kernel[1]};
  for (int d = 0; d < 2; d++) {
    int64_t at = o[d] * l->stride[d] + k[d] * l->dilation[d] - l->pad[d];
    if (at < 0 || at >= l->in[d]) return false;
  }
  return true;
}

// Cycles of a frame whose pixels never wait: a beat is read once the read register is free, and
// stays at the output until the layer has had its steps.
static int64_t frame_cycles(const struct layer *l, const struct circuit_window *f, int64_t *sent) {
  int64_t read = 0, moved = 0, done = 0, since = 0, taps = l->kernel[0] * l->kernel[1];
  for (int frame = 0; frame < FRAMES; frame++) {
    since = read;
    *sent = 0;
    for (int64_t i = 0; i < window_pixels(&f->shape) * taps * f->beats; i++) {
      read++;
      if (!inside(l, &f->shape, i / (taps * f->beats), i / f->beats % taps)) continue;
      if (read < moved) read = moved;
      moved = read + 1 > done ? read + 1 : done;
      done = moved + f->steps;
      ++*sent;
    }
  }
  return read - since;
}

static void check(struct circuit *p, const struct layer *l) {
  struct cell *window = cell_of(p, CELL_WINDOW), *layer = cell_of(p, CELL_LAYER);
  const struct circuit_window *f = window->facts;
  const struct node *n = &p->graph->nodes[layer->node];
  struct circuit plain = *p;
  int64_t sent, cycles = frame_cycles(l, f, &sent), in = p->inputs[0].beats;
  if (in > cycles) cycles = in;
  assert_int_equal(window->out[0]->beats, sent);
  assert_int_equal(layer->cycles, sent * f->steps);
  assert_int_equal(circuit_window_bound(f), cycles);
  assert_int_equal(circuit_conv.cycles(p->graph, n, l->lanes_in, l->lanes_out), cycles);
  assert_int_equal(p->ii, cycles);
  timing_run_ref(&plain);
  assert_int_equal(plain.ii, p->ii);
  assert_int_equal(plain.latency, p->latency);
}

static void test_shapes(void **state) {
  (void)state;
  int skipped = 0;
  for (uint64_t seed = 1; seed <= SHAPES; seed++) {
    struct arena a = {0};
    struct layer l = random_layer(&a, seed);
    struct circuit *p = circuit_of(&a, graph_of(&a, &l), &l);
    assert_non_null(p);
    const struct circuit_window *f = cell_of(p, CELL_WINDOW)->facts;
    const struct circuit_linear *linear = cell_of(p, CELL_LAYER)->facts;
    int64_t sent;
    frame_cycles(&l, f, &sent);
    assert_int_equal(f->skips, sent < circuit_window_beats(f) && f->steps > 1);
    assert_int_equal(f->skips, linear->sent != NULL);
    if (f->skips) check(p, &l);
    if (f->skips) assert_true(p->ii < circuit_window_beats(f) * f->steps);
    skipped += f->skips;
    arena_free(&a);
  }
  print_message("%d of %d leave taps out\n", skipped, SHAPES);
  assert_true(skipped > SHAPES / 2);
}

// With a pixel less in its ring the window is slower, or stands still.
static void test_capacity(void **state) {
  (void)state;
  struct arena a = {0};
  struct layer l = {.in = {9, 8},
                    .kernel = {5, 3},
                    .stride = {1, 1},
                    .dilation = {1, 1},
                    .pad = {2, 1, 2, 1},
                    .channels = 2,
                    .outs = 3,
                    .groups = 1,
                    .lanes_in = 1,
                    .lanes_out = 1,
                    .type = type_fixed(&a, 8, true, 0.125, 0)};
  struct circuit *p = circuit_of(&a, graph_of(&a, &l), &l);
  struct cell *c = cell_of(p, CELL_WINDOW);
  int64_t ii = p->ii;
  check(p, &l);
  circuit_window_resize(c, c->timing.queue - 1);
  timing_run(p);
  assert_true(p->ii > ii);
  arena_free(&a);
}

// In networks of other layers, too, both models say the same, and what the slowest cell allows is
// the pace.
static void test_networks(void **state) {
  (void)state;
  int skipping = 0;
  for (uint64_t seed = 0; seed < NETWORKS; seed++) {
    struct arena a = {0};
    struct err e = {0};
    const struct graph *g = netgen(&a, seed, seed % 2 ? OP_conv1d : OP_conv2d, NETGEN_CIRCUIT);
    struct folding f = circuit_folding(&a, g, seed);
    struct circuit *p = circuit_build(&a, g, "top", &f, &e);
    int64_t slowest = 0;
    bool skips = false;
    if (!p) fail_msg("seed %d: %s", (int)seed, e.text);
    for (uint32_t i = 0; i < p->n_cells; i++) {
      const struct cell *c = &p->cells[i];
      if (c->kind == CELL_WINDOW) skips |= ((const struct circuit_window *)c->facts)->skips;
      if (c->cycles > slowest) slowest = c->cycles;
    }
    struct circuit plain = *p;
    if (skips) timing_run_ref(&plain);
    assert_int_equal(plain.ii, p->ii);
    assert_int_equal(plain.latency, p->latency);
    if (skips && p->n_inputs == 1) assert_int_equal(p->ii, slowest);
    skipping += skips;
    arena_free(&a);
  }
  print_message("%d of %d networks leave taps out\n", skipping, NETWORKS);
  assert_true(skipping > NETWORKS / 100);
}

static bool leaves_out(struct arena *a, const struct layer *l) {
  struct circuit *p = circuit_of(a, graph_of(a, l), l);
  assert_non_null(p);
  return ((const struct circuit_window *)cell_of(p, CELL_WINDOW)->facts)->skips;
}

// It needs padding, a zero point of 0, a tap a beat, several cycles for each, and one group.
static void test_where(void **state) {
  (void)state;
  struct arena a = {0};
  const struct layer plain = {.in = {6, 6},
                              .kernel = {3, 3},
                              .stride = {1, 1},
                              .dilation = {1, 1},
                              .pad = {1, 1, 1, 1},
                              .channels = 2,
                              .outs = 4,
                              .groups = 1,
                              .lanes_in = 1,
                              .lanes_out = 2,
                              .type = type_fixed(&a, 8, false, 0.125, 0)};
  struct layer l = plain;
  assert_true(leaves_out(&a, &l));
  l.type = type_fixed(&a, 8, true, 0.125, 3);
  assert_false(leaves_out(&a, &l));
  l = plain;
  l.lanes_out = 4;
  assert_false(leaves_out(&a, &l));
  l = plain;
  l.lanes_in = 3; // a column of the kernel
  assert_false(leaves_out(&a, &l));
  l = plain;
  l.groups = 2;
  l.lanes_out = 1;
  assert_false(leaves_out(&a, &l));
  l = plain;
  memset(l.pad, 0, sizeof l.pad);
  assert_false(leaves_out(&a, &l));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_capacity),
                                     cmocka_unit_test(test_where), cmocka_unit_test(test_networks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
