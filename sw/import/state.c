// SPDX-License-Identifier: Apache-2.0
#include "sw/import/state.h"

#include "sw/import/pruned.h"

#include <string.h>

bool state_is(const void *data, size_t size) {
  const unsigned char *p = data;
  return size > 8 && p[7] == 0 && p[8] == '{' && !memmem(data, size, "\"nngen.graph\"", 13);
}

// ---- names

const char *state_word(const struct node *n, uint32_t i) {
  static const char *const weighted[] = {"", "weight", "bias"};
  static const char *const norm[] = {"", "weight", "bias", "running_mean", "running_var"};
  return op_is(n->op, TRAIT_WEIGHTS) ? weighted[i] : norm[i];
}

// ---- orders

// Whether the last axis of a layer's input is a flattened image: its shape.
static bool flattened(const struct graph *g, const struct node *n, int64_t image[3]) {
  int32_t from = node_in(g, n, 0)->node;
  const struct value *x = from == NONE ? NULL : node_in(g, &g->nodes[from], 0);
  if (!x || !op_is(g->nodes[from].op, TRAIT_ALIAS) || node_in(g, n, 0)->rank != 1 || x->rank != 3)
    return false;
  memcpy(image, x->shape, 3 * sizeof *image);
  return true;
}

int64_t state_place(const struct graph *g, const struct node *n, const struct value *w, int64_t i) {
  int64_t image[3], taps = 1, ins = w->shape[w->rank - 1];
  if (w->rank > 2) { // a kernel
    for (int d = 1; d < w->rank - 1; d++) taps *= w->shape[d];
    int64_t out = i / (taps * ins), tap = i / ins % taps;
    return (out * ins + i % ins) * taps + tap;
  }
  if (w->rank != 2 || !flattened(g, n, image)) return i;
  int64_t column = i % ins, pixel = column / image[2];
  return i - column + column % image[2] * image[0] * image[1] + pixel;
}

bool state_shape(const struct value *w, int rank, const int64_t *shape) {
  bool same = rank == w->rank;
  for (int d = 0; same && d < w->rank; d++) {
    int from = w->rank < 3 || d == 0 ? d : d == w->rank - 1 ? 1 : d + 1;
    same = w->shape[d] == shape[from];
  }
  return same;
}

static const char *shape_text(struct arena *a, int rank, const int64_t *shape, bool kernel) {
  const char *text = "";
  for (int d = 0; d < rank; d++) {
    int from = !kernel || d == 0 ? d : d == 1 ? rank - 1 : d - 1;
    text = arena_printf(a, "%s%s%lld", text, d ? ", " : "", (long long)shape[from]);
  }
  return arena_printf(a, "(%s)", text);
}

const char *state_shape_text(struct arena *a, const struct value *w) {
  return shape_text(a, w->rank, w->shape, w->rank > 2);
}

// ---- filling

static bool fill(struct arena *a, struct graph *g, const struct node *n, uint32_t i,
                 const struct safetensors *file, char *used, struct err *e) {
  struct value *w = &g->values[n->in[i].value];
  const char *name = arena_printf(a, "%s.%s", n->name, state_word(n, i));
  int64_t at = safetensors_find(file, name);
  if (at < 0 && i == 2 && op_is(n->op, TRAIT_WEIGHTS)) { // made without a bias
    w->init = tensor_new(a, DTYPE_F32, w->rank, w->shape);
    return true;
  }
  if (at < 0)
    return err_set(e, "there is no tensor \"%s\" in it, which the graph's layer \"%s\" has", name,
                   n->name);
  const struct tensor *t = file->tensors[at].tensor;
  if (!state_shape(w, t->rank, t->shape))
    return err_set(e, "tensor \"%s\" is %s, the graph's layer asks for %s", name,
                   shape_text(a, t->rank, t->shape, false), state_shape_text(a, w));
  struct tensor *to = tensor_new(a, DTYPE_F32, w->rank, w->shape);
  for (int64_t k = 0; k < to->count; k++)
    ((float *)to->data)[k] = (float)tensor_real(t, state_place(g, n, w, k));
  w->init = to;
  used[at] = 1;
  return true;
}

// How many steps PyTorch has averaged over is nothing that a trained network needs.
bool state_is_count(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot && strcmp(dot, ".num_batches_tracked") == 0;
}

bool state_fill(struct arena *a, struct graph *g, const struct safetensors *file, struct err *e) {
  char *used = ARENA_NEW(a, char, file->count + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 1; k < g->nodes[i].n_in && k < 5; k++)
      if (node_in(g, &g->nodes[i], k)->init && !fill(a, g, &g->nodes[i], k, file, used, e))
        return false;
  for (uint32_t i = 0; i < file->count; i++)
    if (!used[i] && !state_is_count(file->tensors[i].name))
      return err_set(e, "its tensor \"%s\" belongs to no layer of the graph",
                     file->tensors[i].name);
  pruned_masks(g);
  return true;
}
