// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/helper_bench.h"

#include "gen/folder.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/graph/interval.h"
#include "tests/net/helper_netgen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FEATURES = 3 };

static uint32_t add_tensor(struct graph *g, const char *name, int rank, const int64_t *shape,
                           struct type type) {
  struct tensor *t = tensor_new(g->arena, dtype_for(&type), rank, shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, (i * 37 + 11) % 201 - 100);
  return graph_add_tensor(g, name, t, type);
}

// A layer whose output has the type of its input.
static uint32_t add_layer(struct graph *g, enum op op, const char *name, uint32_t x, int64_t size) {
  struct type stream = g->values[x].type;
  int64_t shape[2] = {size, value_elements(&g->values[x])}, one = 1;
  int32_t shift = 6;
  struct type weights = type_fixed(g->arena, 8, true, 1.0 / 64, 0);
  uint32_t w =
      op == OP_linear ? add_tensor(g, arena_printf(g->arena, "%s.w", name), 2, shape, weights) : 0;
  uint32_t node = graph_add_node(g, op, name);
  graph_add_use(g, node, (struct use){x, 0, NONE});
  if (op == OP_linear) graph_add_use(g, node, (struct use){w, 0, NONE});
  uint32_t y = graph_add_value(g, arena_printf(g->arena, "%s.y", name), 1, shape, stream, true);
  graph_add_out(g, node, y);
  if (op == OP_linear) graph_add_requant(g, node, 1, &one, &shift);
  g->nodes[node].rounding = FIX_HALF_EVEN;
  g->nodes[node].overflow = FIX_SATURATE;
  return y;
}

struct graph *bench_network(struct arena *a) {
  return bench_network_of(a, 8, 7, 5);
}

struct graph *bench_network_of(struct arena *a, uint8_t bits, int64_t inputs, int64_t hidden) {
  struct graph *g = graph_new(a, "small");
  struct err e = {0};
  int64_t shape[1] = {inputs};
  uint32_t x = graph_add_value(g, "x", 1, shape, type_fixed(a, bits, true, 0.125, 0), true);
  graph_add_input(g, x, (struct source){0});
  x = add_layer(g, OP_linear, "fc1", x, hidden);
  x = add_layer(g, OP_relu, "relu", x, hidden);
  x = add_layer(g, OP_linear, "fc2", x, FEATURES);
  graph_add_output(g, x);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

static uint32_t add_join(struct graph *g, enum op op, const char *name, uint32_t x, uint32_t z,
                         int32_t shift) {
  const struct value v = g->values[x];
  const int64_t one = 1;
  uint32_t node = graph_add_node(g, op, name);
  graph_add_use(g, node, (struct use){x, 0, NONE});
  graph_add_use(g, node, (struct use){z, 0, NONE});
  uint32_t y =
      graph_add_value(g, arena_printf(g->arena, "%s.y", name), v.rank, v.shape, v.type, true);
  graph_add_out(g, node, y);
  for (int i = 0; i < (op == OP_mul ? 1 : 2); i++) graph_add_requant(g, node, 1, &one, &shift);
  g->nodes[node].rounding = FIX_HALF_EVEN;
  g->nodes[node].overflow = FIX_SATURATE;
  return y;
}

struct graph *bench_residual(struct arena *a) {
  struct graph *g = graph_new(a, "residual");
  struct err e = {0};
  int64_t shape[1] = {24};
  uint32_t x = graph_add_value(g, "x", 1, shape, type_fixed(a, 8, true, 0.125, 0), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t h = add_layer(g, OP_linear, "fc0", x, 32);
  uint32_t branch = add_layer(g, OP_linear, "fc2", add_layer(g, OP_linear, "fc1", h, 20), 32);
  uint32_t s = add_join(g, OP_add, "sum", h, branch, 0);
  uint32_t d = add_join(g, OP_sub, "difference", add_join(g, OP_mul, "square", s, s, 3), h, 0);
  graph_add_output(g, add_layer(g, OP_linear, "fc3", d, FEATURES));
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

// A convolution of 3 x 3 taps whose output has the shape and the type of its input.
static uint32_t add_conv(struct graph *g, const char *name, uint32_t x) {
  const struct value image = g->values[x];
  const int64_t channels = image.shape[2], shape[4] = {channels, 3, 3, channels}, one = 1;
  int32_t shift = 6;
  struct type weights = type_fixed(g->arena, 8, true, 1.0 / 64, 0);
  uint32_t w = add_tensor(g, arena_printf(g->arena, "%s.w", name), 4, shape, weights);
  uint32_t node = graph_add_node(g, OP_conv2d, name);
  graph_add_use(g, node, (struct use){x, 0, NONE});
  graph_add_use(g, node, (struct use){w, 0, NONE});
  graph_add_ints(g, node, ATTR_pad, 4, (const int64_t[]){1, 1, 1, 1});
  uint32_t y = graph_add_value(g, arena_printf(g->arena, "%s.y", name), image.rank, image.shape,
                               image.type, true);
  graph_add_out(g, node, y);
  graph_add_requant(g, node, 1, &one, &shift);
  return y;
}

struct graph *bench_residual_image(struct arena *a) {
  struct graph *g = graph_new(a, "residual");
  struct err e = {0};
  int64_t shape[3] = {6, 5, 2};
  uint32_t x = graph_add_value(g, "x", 3, shape, type_fixed(a, 8, true, 0.125, 0), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t branch = add_conv(g, "conv2", add_conv(g, "conv1", x));
  graph_add_output(g, add_join(g, OP_add, "sum", branch, x, 0));
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

// ---- the bench around it

void bench_new(struct bench *b, struct graph *g, int64_t lanes, int64_t images) {
  struct folding f = {.parallelism = lanes};
  struct err e = {0};
  char *dir = arena_strdup(&b->arena, "/tmp/nngen-test-sim-XXXXXX");
  assert_non_null(mkdtemp(dir));
  b->dir = dir;
  const char *folder = arena_printf(&b->arena, "%s/rtl", dir);
  struct circuit *made = circuit_build(&b->arena, g, "top", &f, &e);
  if (!made || !folder_write(made, folder, &(struct folder_content){0}, &e)) fail_msg("%s", e.text);
  b->circuit = folder_circuit(&b->arena, folder, &e);
  if (!b->circuit) fail_msg("%s", e.text);
  int32_t *codes = ARENA_NEW(&b->arena, int32_t, images * circuit_input_elements(b->circuit));
  netgen_input(g, 1, images, codes);
  b->job = (struct simulate_job){.folder = folder,
                                 .circuit = b->circuit,
                                 .images = images,
                                 .codes = codes,
                                 .seed = 1,
                                 .jobs = 1,
                                 .work = arena_printf(&b->arena, "%s/work", dir),
                                 .quiet = true};
}

void bench_free(struct bench *b) {
  struct text said = {0};
  struct err e = {0};
  const char *const argv[] = {"rm", "-rf", b->dir, NULL};
  process_run(argv, NULL, NULL, &said, &e);
  text_free(&said);
  arena_free(&b->arena);
}

struct simulate_result bench_run(struct bench *b) {
  struct simulate_result r;
  struct err e = {0};
  if (!simulate(&b->arena, &b->job, &r, &e)) fail_msg("%s", e.text);
  return r;
}

void bench_passes(struct bench *b) {
  struct simulate_result r = bench_run(b);
  int64_t elements = circuit_output_elements(b->circuit);
  for (uint32_t i = 0; i < b->circuit->n_taps; i++) elements += b->circuit->taps[i].elements;
  if (r.failure) fail_msg("stall %d/%d: %s", b->job.stall_in, b->job.stall_out, r.failure);
  assert_int_equal(r.mismatches, 0);
  assert_int_equal(r.images, b->job.images);
  assert_int_equal(r.elements, elements * b->job.images);
}

void bench_fails(struct bench *b, const char *words) {
  struct simulate_result r = bench_run(b);
  if (!r.failure) fail_msg("nothing was found, expected: %s", words);
  if (!strstr(r.failure, words)) fail_msg("found: %s\nexpected: %s", r.failure, words);
}

void bench_patch(struct bench *b, const char *file, const char *from, const char *to) {
  struct bytes bytes;
  struct err e = {0};
  struct text t = {0};
  const char *path = arena_printf(&b->arena, "%s/%s", b->job.folder, file);
  assert_true(file_read(&b->arena, path, 1 << 20, &bytes, &e));
  const char *text = arena_printf(&b->arena, "%.*s", (int)bytes.size, (char *)bytes.data);
  const char *at = strstr(text, from);
  if (!at) fail_msg("%s: no %s", file, from);
  text_put(&t, text, (size_t)(at - text));
  text_printf(&t, "%s%s", to, at + strlen(from));
  assert_true(file_write(path, t.data, t.size, &e));
  text_free(&t);
}

enum { LONG = 60, SHORT = 4, CASTS = 4 };

static uint32_t add_cast(struct graph *g, const char *name, uint32_t x) {
  const struct value v = g->values[x];
  const int64_t one = 1;
  const int32_t shift = 0;
  uint32_t node = graph_add_node(g, OP_quantize, name);
  graph_add_use(g, node, (struct use){x, 0, NONE});
  uint32_t y =
      graph_add_value(g, arena_printf(g->arena, "%s.y", name), v.rank, v.shape, v.type, true);
  graph_add_out(g, node, y);
  graph_add_requant(g, node, 1, &one, &shift);
  g->nodes[node].rounding = FIX_HALF_EVEN;
  g->nodes[node].overflow = FIX_SATURATE;
  return y;
}

struct graph *bench_bubbles(struct arena *a, bool slow) {
  struct graph *g = graph_new(a, "bubbles");
  struct err e = {0};
  int64_t shape[1] = {LONG}, both[1] = {LONG + SHORT};
  struct type type = type_fixed(a, 8, true, 0.125, 0);
  uint32_t x = graph_add_value(g, "x", 1, shape, type, true), h = x;
  graph_add_input(g, x, (struct source){0});
  uint32_t fc = add_layer(g, OP_linear, "fc", x, SHORT);
  for (int i = 0; i < CASTS; i++) h = add_cast(g, arena_printf(a, "cast%d", i), h);
  uint32_t n = graph_add_node(g, OP_concat, "both");
  graph_add_use(g, n, (struct use){fc, 0, NONE});
  graph_add_use(g, n, (struct use){h, 0, NONE});
  uint32_t y = graph_add_value(g, "both.y", 1, both, type, true);
  graph_add_out(g, n, y);
  graph_add_output(g, slow ? add_layer(g, OP_linear, "fc2", y, LONG) : y);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}
