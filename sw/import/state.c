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

struct filling {
  struct arena *arena;
  struct graph *graph;
  const struct safetensors *file;
  struct refusals *refusals;
  bool *used; // of the file's tensors
};

static bool fill(struct filling *f, const struct node *n, uint32_t i) {
  struct arena *a = f->arena;
  struct value *w = &f->graph->values[n->in[i].value];
  const char *name = arena_printf(a, "%s.%s", n->name, state_word(n, i)),
             *op = op_info(n->op)->name;
  int64_t at = safetensors_find(f->file, name);
  if (at < 0 && i == 2 && op_is(n->op, TRAIT_WEIGHTS)) { // made without a bias
    w->init = tensor_new(a, DTYPE_F32, w->rank, w->shape);
    return true;
  }
  if (at < 0)
    return refuse(a, f->refusals, n->name, op,
                  "give the graph's layer the name of its module, or save the whole state_dict",
                  "there is no tensor \"%s\" in the file", name);
  const struct tensor *t = f->file->tensors[at].tensor;
  f->used[at] = true;
  if (!state_shape(w, t->rank, t->shape))
    return refuse(a, f->refusals, n->name, op, "give the graph's layer the sizes of the module",
                  "tensor \"%s\" is %s, the graph's layer asks for %s", name,
                  shape_text(a, t->rank, t->shape, false), state_shape_text(a, w));
  struct tensor *to = tensor_new(a, DTYPE_F32, w->rank, w->shape);
  for (int64_t k = 0; k < to->count; k++)
    ((float *)to->data)[k] = (float)tensor_real(t, state_place(f->graph, n, w, k));
  w->init = to;
  return true;
}

// How many steps PyTorch has averaged over is nothing that a trained network needs.
bool state_is_count(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot && strcmp(dot, ".num_batches_tracked") == 0;
}

bool state_fill(struct arena *a, struct graph *g, const struct safetensors *file,
                struct refusals *r, struct err *e) {
  struct filling f = {a, g, file, r, ARENA_NEW(a, bool, file->count + 1)};
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 1; k < g->nodes[i].n_in && k < 5; k++)
      if (node_in(g, &g->nodes[i], k)->init) fill(&f, &g->nodes[i], k);
  for (uint32_t i = 0; i < file->count; i++)
    if (!f.used[i] && !state_is_count(file->tensors[i].name))
      refuse(a, r, file->tensors[i].name, "tensor",
             "add its layer to the graph, or leave the tensor out",
             "it belongs to no layer of the graph");
  if (r->count) return refusals_err(r, "import", e);
  pruned_masks(g);
  return true;
}
