// SPDX-License-Identifier: Apache-2.0
// Concat: of streams it is one; constants between them are added to streams that have zeros there.
//
//   x  c  y      ->      [x 0] [y]  joined, + [0 c 0]
#include "sw/import/onnx.h"

#include <string.h>

struct part {
  const struct tensor *constant; // NULL: a stream
  uint32_t value;                // of a stream, in the order of `axes`
  int64_t size;                  // along the axis
  int64_t before, behind;        // zeros for the constants beside a stream
};

struct joined {
  struct part *parts;
  uint32_t count, streams;
  struct stream first; // of the streams
  int axis, axes[RANK_MAX];
  int64_t shape[RANK_MAX]; // of what comes out
};

static int place_of(const struct joined *j) {
  int k = 0;
  while (j->axes[k] != j->axis) k++;
  return k;
}

static bool find_first(struct onnx *o, struct joined *j) {
  size_t i = 0;
  while (i + 1 < o->node->n_input && onnx_constant(o, i)) i++;
  if (!onnx_stream(o, i, &j->first) ||
      !onnx_axis(o, onnx_int(o, "axis", 1), j->first.layout.rank, &j->axis) ||
      !builder_tidy(&o->builder, &j->first, j->axes))
    return false;
  memcpy(j->shape, j->first.layout.shape, sizeof j->shape);
  j->shape[j->axis] = 0;
  return true;
}

// Adds a part of so many axes, without the batch.
static bool add_part(struct onnx *o, struct joined *j, int rank, const int64_t *shape,
                     struct part part) {
  bool fits = rank == j->first.layout.rank;
  if (!fits)
    return onnx_refuse(o, "check the file", "inputs of %d and %d axes", j->first.layout.rank + 1,
                       rank + 1);
  for (int d = 0; d < rank; d++) fits &= d == j->axis || shape[d] == j->first.layout.shape[d];
  if (!fits) return onnx_refuse(o, "check the file", "its inputs don't continue each other");
  part.size = shape[j->axis];
  j->shape[j->axis] += part.size;
  j->parts[j->count++] = part;
  j->streams += !part.constant;
  return true;
}

static bool find_parts(struct onnx *o, struct joined *j) {
  for (size_t i = 0; i < o->node->n_input; i++) {
    const struct tensor *t = onnx_constant(o, i);
    struct stream x;
    if (t && (t->rank < 1 || t->shape[0] != 1 || o->batch != 1))
      return onnx_refuse(o, "export with a batch of 1", "it joins a constant for each of a batch");
    if (t && !add_part(o, j, t->rank - 1, t->shape + 1, (struct part){.constant = t})) return false;
    if (t) continue;
    if (!onnx_stream(o, i, &x)) return false;
    int64_t shape[RANK_MAX];
    int rank = x.layout.rank;
    memcpy(shape, x.layout.shape, sizeof shape);
    if (rank == j->first.layout.rank && !builder_arrange(&o->builder, &x, j->axes)) return false;
    if (!add_part(o, j, rank, shape, (struct part){.value = x.value})) return false;
  }
  return true;
}

// Constants give their room to the stream behind them, or at the end to the last one.
static void make_room(struct joined *j) {
  struct part *last = NULL;
  int64_t waiting = 0;
  for (uint32_t i = 0; i < j->count; i++) {
    struct part *p = &j->parts[i];
    if (p->constant) {
      waiting += p->size;
      continue;
    }
    p->before = waiting;
    waiting = 0;
    last = p;
  }
  last->behind = waiting;
}

static bool pad(struct onnx *o, const struct joined *j, struct part *p) {
  struct builder *b = &o->builder;
  const char *name = b->node;
  int rank = j->first.layout.rank;
  int64_t zeros[2 * RANK_MAX] = {0};
  if (!p->before && !p->behind) return true;
  zeros[place_of(j)] = p->before;
  zeros[rank + place_of(j)] = p->behind;
  b->node = arena_printf(o->arena, "%s.room", name);
  uint32_t node = builder_node(b, OP_pad, 1, &p->value);
  graph_add_ints(b->graph, node, ATTR_pad, 2 * rank, zeros);
  bool ok = builder_out(b, node, &p->value);
  b->node = name;
  return ok;
}

// The constants at their places, zeros where streams are: in the file's order.
static const struct tensor *all_constants(struct onnx *o, const struct joined *j) {
  int rank = j->first.layout.rank;
  struct tensor *all = tensor_new(o->arena, DTYPE_F32, rank, j->shape);
  int64_t inner = 1, at = 0;
  for (int d = j->axis + 1; d < rank; d++) inner *= j->shape[d];
  for (uint32_t i = 0; i < j->count; i++) {
    const struct part *p = &j->parts[i];
    int64_t row = p->size * inner; // of the part
    for (int64_t k = 0; p->constant && k < p->constant->count; k++)
      ((float *)all->data)[k / row * j->shape[j->axis] * inner + at + k % row] =
          (float)tensor_real(p->constant, k);
    at += row;
  }
  return all;
}

static bool join_streams(struct onnx *o, struct joined *j) {
  struct builder *b = &o->builder;
  const char *name = b->node;
  uint32_t n = 0, *in = ARENA_NEW(o->arena, uint32_t, j->count);
  bool constants = j->streams < j->count, ok = true;
  for (uint32_t i = 0; i < j->count; i++)
    if (!j->parts[i].constant) in[n++] = j->parts[i].value;
  j->first.value = in[0];
  if (constants && n == 1) return true;
  if (constants) b->node = arena_printf(o->arena, "%s.streams", name);
  uint32_t node = builder_node(b, OP_concat, n, in);
  graph_add_int(b->graph, node, ATTR_axis, place_of(j));
  ok = builder_out(b, node, &j->first.value);
  b->node = name;
  return ok;
}

static bool add_constants(struct onnx *o, struct joined *j) {
  struct builder *b = &o->builder;
  if (!builder_takes(b, j->first.layout.rank, j->shape)) return false;
  uint32_t c = builder_constant_like(b, &j->first, all_constants(o, j),
                                     arena_printf(o->arena, "%s.constant", b->node));
  uint32_t node = builder_node(b, OP_add, 2, (const uint32_t[]){j->first.value, c});
  return builder_out(b, node, &j->first.value);
}

bool onnx_concat(struct onnx *o) {
  struct joined j = {.parts = ARENA_NEW(o->arena, struct part, o->node->n_input + 1)};
  if (!find_first(o, &j) || !find_parts(o, &j)) return false;
  if (j.streams < j.count) make_room(&j);
  for (uint32_t i = 0; i < j.count; i++)
    if (!j.parts[i].constant && !pad(o, &j, &j.parts[i])) return false;
  if (!join_streams(o, &j)) return false;
  j.first.layout = layout_new(j.first.layout.rank, j.shape, j.axes);
  if (j.streams < j.count && !add_constants(o, &j)) return false;
  onnx_set_stream(o, 0, j.first);
  return true;
}
