// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/helper_spotter.h"

#include "sw/graph/interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct streaming {
  struct graph *g;
  uint32_t end; // value
  enum twist twist;
  bool floats;
};

static struct type stream_type(const struct streaming *n) {
  return n->floats ? type_real() : type_fixed(n->g->arena, 8, true, 0.125, 0);
}

static uint32_t tensor_of(struct streaming *n, const char *name, int rank, const int64_t *shape,
                          int64_t step) {
  struct tensor *t = tensor_new(n->g->arena, n->floats ? DTYPE_F32 : DTYPE_I8, rank, shape);
  for (int64_t i = 0; i < t->count; i++) {
    int64_t v = step ? i * step % 23 - 11 : 0;
    if (n->floats)
      ((float *)t->data)[i] = (float)v / 16;
    else
      tensor_set_int(t, i, v);
  }
  return graph_add_tensor(n->g, name, t, stream_type(n));
}

static uint32_t add(struct streaming *n, enum op op, const char *name, int64_t rows,
                    int64_t columns, int64_t channels) {
  uint32_t node = graph_add_node(n->g, op, name);
  const int64_t shape[3] = {rows, columns, channels};
  graph_add_out(n->g, node, graph_add_value(n->g, name, 3, shape, stream_type(n), true));
  return node;
}

static void read_by(struct streaming *n, uint32_t node, uint32_t value) {
  graph_add_use(n->g, node, (struct use){value, 0, NONE});
}

static struct streaming begin(struct arena *a, bool floats, enum twist twist, int64_t rows,
                              int64_t channels) {
  struct streaming n = {.g = graph_new(a, "spotter"), .twist = twist, .floats = floats};
  const int64_t shape[3] = {rows, 1, channels};
  n.end = graph_add_value(n.g, "x", 3, shape, stream_type(&n), true);
  graph_add_input(n.g, n.end, (struct source){0});
  return n;
}

static const char *named(struct streaming *n, const char *what, int index) {
  return arena_printf(n->g->arena, "%s%d", what, index);
}

// A variable of these rows, and the node that reads it, whose frames begin with that.
static uint32_t variable(struct streaming *n, const int64_t *shape, uint32_t init, int index) {
  struct graph *g = n->g;
  uint32_t holds = graph_add_node(g, OP_variable, named(n, "memory", index));
  graph_add_attr(g, holds, ATTR_init)->value = init;
  uint32_t ref = graph_add_value(g, named(n, "memory", index), 3, shape, type_ref(), false);
  graph_add_out(g, holds, ref);
  uint32_t read = graph_add_node(g, OP_read, named(n, "read", index));
  graph_add_ref(g, read, ref);
  graph_add_out(g, read,
                graph_add_value(g, named(n, "old", index), 3, shape, stream_type(n), false));
  return read;
}

// The tail is what the next frame reads.
static void assign(struct streaming *n, uint32_t read, uint32_t tail, int index) {
  struct graph *g = n->g;
  uint32_t node = graph_add_node(g, OP_assign, named(n, "assign", index));
  graph_add_text(g, node, ATTR_function, "write");
  graph_add_ref(g, node, g->nodes[read].ref[0]);
  read_by(n, node, g->nodes[tail].out[0]);
  graph_add_after(g, node, (struct after){read, 0});
  graph_add_after(g, read, (struct after){node, 1});
}

// The last rows of earlier frames in front of the end.
static void join_rows(struct streaming *n, int64_t kept, int index) {
  struct graph *g = n->g;
  const struct value x = g->values[n->end];
  const int64_t shape[3] = {kept, x.shape[1], x.shape[2]}, begins[3] = {x.shape[0], 0, 0};
  uint32_t init = tensor_of(n, named(n, "before", index), 3, shape, n->twist == NOT_ZERO ? 7 : 0);
  bool held = n->twist == VARIABLES;
  uint32_t read = held ? variable(n, shape, init, index) : 0;
  uint32_t join = add(n, OP_concat, named(n, "rows", index), kept + x.shape[0], shape[1], shape[2]);
  uint32_t tail = add(n, OP_slice, named(n, "tail", index), kept, shape[1], shape[2]);
  if (held)
    read_by(n, join, g->nodes[read].out[0]);
  else
    graph_add_use(g, join, (struct use){g->nodes[tail].out[0], 1, (int32_t)init});
  read_by(n, join, n->end);
  graph_add_int(g, join, ATTR_axis, 0);
  read_by(n, tail, g->nodes[join].out[0]);
  graph_add_ints(g, tail, ATTR_begin, 3, begins);
  if (held) assign(n, read, tail, index);
  if (n->twist == READ_ELSEWHERE) graph_add_output(g, g->nodes[tail].out[0]);
  n->end = g->nodes[join].out[0];
}

// A convolution along time, of each channel alone if it gives as many.
static void conv(struct streaming *n, int64_t kernel, int64_t stride, int64_t outs, int index) {
  struct graph *g = n->g;
  join_rows(n, kernel - stride, index);
  const struct value x = g->values[n->end];
  bool depthwise = outs == x.shape[2], padded = n->twist == PADDED;
  const int64_t shape[4] = {outs, kernel, 1, depthwise ? 1 : x.shape[2]};
  int64_t rows = (x.shape[0] + (padded ? 1 : 0) - kernel) / stride + 1;
  uint32_t node = add(n, OP_conv2d, named(n, "conv", index), rows, 1, outs);
  read_by(n, node, n->end);
  read_by(n, node, tensor_of(n, named(n, "w", index), 4, shape, 5 + 2 * index));
  graph_add_ints(g, node, ATTR_stride, 2, (int64_t[]){stride, 1});
  if (padded) graph_add_ints(g, node, ATTR_pad, 4, (int64_t[]){1, 0, 0, 0});
  if (depthwise) graph_add_int(g, node, ATTR_groups, outs);
  if (!n->floats) graph_add_requant(g, node, 1, (int64_t[]){1}, (int32_t[]){6});
  n->end = g->nodes[node].out[0];
}

static const struct graph *end(struct streaming *n) {
  struct err e = {0};
  graph_add_output(n->g, n->end);
  if (!graph_verify(n->g, &e)) fail_msg("%s", e.text);
  graph_ranges(n->g);
  return n->g;
}

const struct graph *spotter_three(struct arena *a, bool floats, enum twist twist) {
  struct streaming n = begin(a, floats, twist, 3, 4);
  conv(&n, 5, 3, 6, 0);
  conv(&n, 9, 1, 6, 1);
  conv(&n, 4, 1, 3, 2);
  return end(&n);
}

const struct graph *spotter_single(struct arena *a, enum twist twist) {
  struct streaming n = begin(a, false, twist, 1, 32);
  conv(&n, 9, 1, 8, 0);
  return end(&n);
}

const struct graph *spotter_square(struct arena *a) {
  struct streaming n = {.g = graph_new(a, "square")};
  const int64_t in[3] = {2, 4, 1}, weights[4] = {2, 3, 3, 1};
  n.end = graph_add_value(n.g, "x", 3, in, stream_type(&n), true);
  graph_add_input(n.g, n.end, (struct source){0});
  join_rows(&n, 2, 0);
  uint32_t node = add(&n, OP_conv2d, "square", 2, 2, 2);
  read_by(&n, node, n.end);
  read_by(&n, node, tensor_of(&n, "w", 4, weights, 3));
  graph_add_requant(n.g, node, 1, (int64_t[]){1}, (int32_t[]){4});
  n.end = n.g->nodes[node].out[0];
  return end(&n);
}

const struct graph *spotter_pool(struct arena *a, int64_t pad) {
  struct streaming n = {.g = graph_new(a, "pool")};
  const int64_t in[3] = {2, 3, 2};
  n.end = graph_add_value(n.g, "x", 3, in, stream_type(&n), true);
  graph_add_input(n.g, n.end, (struct source){0});
  join_rows(&n, 2, 0);
  uint32_t node = add(&n, OP_max_pool, "pool", 2, 2 + pad, 2);
  read_by(&n, node, n.end);
  graph_add_ints(n.g, node, ATTR_kernel, 2, (int64_t[]){3, 2});
  graph_add_ints(n.g, node, ATTR_pad, 4, (int64_t[]){0, pad, 0, 0});
  n.end = n.g->nodes[node].out[0];
  return end(&n);
}
