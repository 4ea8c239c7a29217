// SPDX-License-Identifier: Apache-2.0
// Random streaming networks: in front of each layer stand the last rows of the frames before.
#include "sw/graph/interval.h"
#include "tests/net/helper_netgen_parts.h"

// Frames of few rows, of which layers see several frames.
static void input(struct netgen *n) {
  int64_t shape[3] = {netgen_chance(n, 40) ? 3 : netgen_pick(n, 1, 3), netgen_pick(n, 1, 4),
                      netgen_pick(n, 1, 4)};
  bool image = netgen_chance(n, 60);
  if (!image) shape[1] = shape[2] + 1;
  struct type type = netgen_stream_type(n, true, 12);
  n->at = graph_add_value(n->g, "image", image ? 3 : 2, shape, type, true);
  graph_add_input(n->g, n->at, (struct source){0});
}

static bool has_zero(const struct value *v) {
  return type_is_code(&v->type, type_from_integer(&v->type, 0, 0));
}

// What is kept at first: the code of zero, or with one that isn't.
static uint32_t initial(struct netgen *n, const struct value *kept, bool zero) {
  struct tensor *t = tensor_new(n->arena, dtype_for(&kept->type), kept->rank, kept->shape);
  int64_t other = type_lowest(&kept->type);
  int64_t code = has_zero(kept) ? type_from_integer(&kept->type, 0, 0) : other;
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, code);
  if (!zero) tensor_set_int(t, t->count - 1, code == other ? type_highest(&kept->type) : other);
  return graph_add_tensor(n->g, netgen_name(n, "before"), t, kept->type);
}

// `kept` rows of the frames before in front of the chain's end. Returns the node that keeps them.
static uint32_t join_rows(struct netgen *n, int64_t kept, bool zero) {
  const struct value x = *netgen_end(n);
  struct value all = x, old = x;
  int64_t begin[3] = {x.shape[0], 0, 0};
  uint32_t fresh = n->at;
  all.shape[0] += kept;
  old.shape[0] = kept;
  uint32_t join = netgen_add_node(n, OP_concat, x.type, x.rank, all.shape, true);
  uint32_t tail = netgen_add_node(n, OP_slice, x.type, x.rank, old.shape, true);
  uint32_t value = n->g->nodes[tail].out[0];
  graph_add_use(n->g, join, (struct use){value, 1, (int32_t)initial(n, &old, zero)});
  netgen_use(n, join, fresh);
  graph_add_int(n->g, join, ATTR_axis, 0);
  netgen_use(n, tail, n->g->nodes[join].out[0]);
  graph_add_ints(n->g, tail, ATTR_begin, x.rank, begin);
  netgen_finish(n, join);
  return tail;
}

// Along time no padding: the windows of this frame are those of whole rows, or of as many as there
// are.
static struct netgen_sliding along_time(struct netgen *n, int64_t kernel, int64_t stride,
                                        int64_t dilation, bool pool) {
  int axes = netgen_end(n)->rank - 1;
  struct netgen_sliding s = netgen_slide(n, axes);
  s.kernel[0] = kernel;
  s.stride[0] = stride;
  s.dilation[0] = dilation;
  s.pad[0] = s.pad[axes] = 0;
  s.out[0] = (netgen_end(n)->shape[0] - (kernel - 1) * dilation - 1) / stride + 1;
  if (!pool || axes == 1) return s;
  s.dilation[1] = s.stride[1] = s.kernel[1] = 1;
  s.pad[1] = s.pad[3] = 0;
  s.out[1] = netgen_end(n)->shape[1];
  return s;
}

static void layer(struct netgen *n, struct netgen_sliding s, bool pool) {
  if (pool) {
    s.out[netgen_end(n)->rank - 1] = netgen_end(n)->shape[netgen_end(n)->rank - 1];
    netgen_pool_over(n, netgen_chance(n, 50) ? OP_max_pool : OP_avg_pool, s, false, false);
  } else {
    netgen_conv_over(n, netgen_end(n)->rank == 2 ? OP_conv1d : OP_conv2d, s);
  }
}

// The end and what the layer before it has read, element by element.
static void residual(struct netgen *n, uint32_t fresh) {
  const struct value x = n->g->values[fresh], y = *netgen_end(n);
  bool same = value_elements(&x) == value_elements(&y) && x.rank == y.rank;
  for (int d = 0; d < x.rank; d++) same &= x.shape[d] == y.shape[d];
  if (!same || !type_is_fixed(&x.type) || !type_is_fixed(&y.type) || x.type.axis >= 0) return;
  uint32_t end = n->at, node = netgen_add_node(n, OP_add, y.type, y.rank, y.shape, true);
  for (int i = 0; i < 2; i++) graph_add_requant(n->g, node, 1, (int64_t[]){1}, (int32_t[]){1});
  netgen_use(n, node, end);
  netgen_use(n, node, fresh);
  netgen_finish(n, node);
}

// A layer with what it remembers; whether a line buffer can be made of it.
static bool streaming(struct netgen *n) {
  int64_t rows = netgen_end(n)->shape[0], kernel = netgen_pick(n, 3, 9);
  int64_t stride = rows % 3 == 0 && netgen_chance(n, 50) ? 3 : 1;
  bool pool = netgen_chance(n, 20);
  int64_t dilation = !pool && netgen_chance(n, 30) ? 2 : 1, span = (kernel - 1) * dilation;
  int64_t kept = span + 1 - stride;
  if (kept < 1 || netgen_chance(n, 25)) {
    int64_t least = span + 1 > rows ? span + 1 - rows : 1;
    kept = netgen_pick(n, least, span);
  }
  // not zero at first; an output reads what is kept; one reads all rows
  int why = has_zero(netgen_end(n)) ? (int)netgen_pick(n, 0, 19) : 0;
  uint32_t fresh = n->at, tail = join_rows(n, kept, why != 0);
  uint32_t joined = n->at;
  layer(n, along_time(n, kernel, stride, dilation, pool), pool);
  if (netgen_chance(n, 50)) residual(n, fresh);
  if (why == 1) graph_add_output(n->g, n->g->nodes[tail].out[0]);
  if (why == 2) graph_add_output(n->g, joined);
  return why > 2;
}

struct graph *netgen_lines(struct arena *a, uint64_t seed, int *lines) {
  struct netgen n = {.arena = a,
                     .g = graph_new(a, "streaming"),
                     .rng = {seed * 1000 + 999, 0},
                     .kind = NETGEN_CIRCUIT};
  *lines = 0;
  input(&n);
  for (int64_t i = netgen_pick(&n, 1, 3); i > 0; i--) {
    *lines += streaming(&n);
    if (netgen_chance(&n, 30)) netgen_pointwise(&n, OP_relu);
  }
  netgen_rows_of(&n, netgen_pick(&n, 1, 4));
  graph_add_output(n.g, n.at);
  graph_ranges(n.g);
  return n.g;
}
