// SPDX-License-Identifier: Apache-2.0
// Weights, connection tables, and what normalisations begin with.
#include "sw/train/recipe_parts.h"

#include <math.h>

// Uniform in -bound..bound. fan_in: 1 / sqrt(n), as PyTorch's layers; lecun: 2.4 / n, of LeCun et
// al., "Gradient-based learning applied to document recognition" (1998); kaiming: sqrt(6 / n), of
// He et al., "Delving deep into rectifiers" (2015).
static double bound_of(const struct reading *r, int64_t inputs) {
  double n = (double)inputs;
  return r->initial == LECUN ? 2.4 / n : sqrt((r->initial == KAIMING ? 6 : 1) / n);
}

// A tensor of weights or biases; `inputs`: how many each output has, of all (shape[0]). What the
// mask cuts takes its number, too.
static uint32_t draw(struct reading *r, const char *name, int rank, const int64_t *shape,
                     struct tensor *mask, const int64_t *inputs) {
  struct tensor *t = tensor_new(r->arena, DTYPE_F32, rank, shape);
  uint32_t id = graph_add_tensor(r->g, name, t, type_real());
  struct value *v = &r->g->values[id];
  v->mask = mask;
  for (int64_t i = 0; i < t->count; i++) {
    double x = (rng_unit(&r->rng) * 2 - 1) * bound_of(r, inputs[i / (t->count / shape[0])]);
    ((float *)t->data)[i] = value_is_cut(v, i) ? 0 : (float)x;
  }
  return id;
}

bool recipe_slides(enum op op) {
  return op_is(op, TRAIT_WEIGHTS) && op_takes(op, ATTR_stride) && !recipe_shares(op);
}

bool recipe_has_bias(enum op op) {
  return op_is(op, TRAIT_WEIGHTS) && op_info(op)->in_max > 2;
}

bool recipe_shares(enum op op) {
  return op_is(op, TRAIT_WEIGHTS) && op_takes(op, ATTR_kernel);
}

// (OUT, IN), or (OC, KH, KW, C / groups) with the dimensions of `kernel`.
static bool weight_shape(struct reading *r, const json_t *j, enum op op, int *rank,
                         int64_t shape[RANK_MAX]) {
  const struct value *x = &r->g->values[r->at];
  const json_t *kernel = json_object_get(j, "kernel"), *groups = json_object_get(j, "groups");
  int64_t in = x->rank ? x->shape[x->rank - 1] : 0, cut = groups ? json_integer_value(groups) : 1;
  *rank = 0;
  shape[(*rank)++] = json_integer_value(json_object_get(j, "out"));
  if (shape[0] < 1 || shape[0] > DIM_MAX || in < 1)
    return err_set(r->err, "out: expected the number of outputs, 1 to %lld", (long long)DIM_MAX);
  if (recipe_slides(op)) {
    if ((int)json_array_size(kernel) != x->rank - 1 || x->rank > 3)
      return err_set(r->err, "kernel: expected a list of %d numbers, for an input of rank %d",
                     x->rank - 1, x->rank);
    for (size_t d = 0; d < json_array_size(kernel); d++) {
      int64_t size = json_integer_value(json_array_get(kernel, d));
      if (size < 1 || size > DIM_MAX)
        return err_set(r->err, "kernel: expected 1 to %lld", (long long)DIM_MAX);
      shape[(*rank)++] = size;
    }
    if (cut < 1 || in % cut)
      return err_set(r->err, "groups: %lld, which must divide %lld channels", (long long)cut,
                     (long long)in);
    in /= cut;
  }
  shape[(*rank)++] = in;
  int64_t count = shape_elements(*rank, shape);
  return count <= ELEMENTS_MAX ||
         err_set(r->err, "out: %lld x %lld weights, at most %lld", (long long)shape[0],
                 (long long)(count / shape[0]), (long long)ELEMENTS_MAX);
}

// ---- connection tables: [[0, 1], [1, 2], ..], the inputs that each output sees

static bool read_connected(struct reading *r, const json_t *list, int64_t out, int64_t ins,
                           uint8_t *connected) {
  if (!json_array_size(list))
    return err_set(r->err, "connections: output %lld: expected a list of inputs", (long long)out);
  for (size_t k = 0; k < json_array_size(list); k++) {
    const json_t *in = json_array_get(list, k);
    int64_t i = json_is_integer(in) ? json_integer_value(in) : NONE;
    if (i < 0 || i >= ins)
      return err_set(r->err, "connections: output %lld: entry %zu is no input from 0 to %lld",
                     (long long)out, k, (long long)ins - 1);
    if (connected[i])
      return err_set(r->err, "connections: output %lld: input %lld stands twice", (long long)out,
                     (long long)i);
    connected[i] = 1;
  }
  return true;
}

// The table as a mask of weights of `shape`, which is the same for all taps of a kernel; NULL if
// there is none. inputs: how many weights each output has (shape[0]).
static bool read_connections(struct reading *r, const json_t *j, int rank, const int64_t *shape,
                             struct tensor **mask, int64_t *inputs) {
  const json_t *table = json_object_get(j, "connections");
  int64_t dims[RANK_MAX], ins = shape[rank - 1], taps = shape_elements(rank - 1, shape + 1) / ins;
  *mask = NULL;
  for (int64_t o = 0; o < shape[0]; o++) inputs[o] = taps * ins;
  if (!table) return true;
  if (json_object_get(j, "groups"))
    return err_set(r->err, "connections: groups says what each output sees");
  if ((int64_t)json_array_size(table) != shape[0])
    return err_set(r->err, "connections: %zu lists, expected one for each of %lld outputs",
                   json_array_size(table), (long long)shape[0]);
  for (int d = 0; d < rank; d++) dims[d] = d == 0 || d == rank - 1 ? shape[d] : 1;
  *mask = tensor_new(r->arena, DTYPE_U8, rank, dims);
  for (int64_t o = 0; o < shape[0]; o++) {
    const json_t *list = json_array_get(table, (size_t)o);
    if (!read_connected(r, list, o, ins, (uint8_t *)(*mask)->data + o * ins)) return false;
    inputs[o] = taps * (int64_t)json_array_size(list);
  }
  return true;
}

// (C), of which each has as many inputs as a window; what is no window the node's shape refuses.
static void shared_shape(struct reading *r, const json_t *j, int64_t shape[RANK_MAX],
                         int64_t **inputs) {
  const struct value *x = &r->g->values[r->at];
  const json_t *kernel = json_object_get(j, "kernel");
  int64_t channels = x->rank ? x->shape[x->rank - 1] : 1, taps = 1;
  shape[0] = channels;
  for (int d = 0; d < x->rank - 1; d++) {
    int64_t size = kernel ? json_integer_value(json_array_get(kernel, (size_t)d)) : x->shape[d];
    taps *= size < 1 || size > x->shape[d] ? 1 : size;
  }
  *inputs = ARENA_NEW(r->arena, int64_t, channels);
  for (int64_t c = 0; c < channels; c++) (*inputs)[c] = taps;
}

// Those that are given stay as they are, if nothing else is said.
static bool read_own(struct reading *r, const json_t *j, const char *name, uint32_t value) {
  const json_t *given = json_object_get(j, "weights"), *trained = json_object_get(j, "trained");
  if (trained && !json_is_boolean(trained))
    return err_set(r->err, "trained: expected true or false");
  if (given && !recipe_given_weights(r->arena, given, r->g->values[value].init, r->err))
    return false;
  if (trained ? !json_is_true(trained) : given != NULL) r->out->fixed[r->out->n_fixed++] = name;
  return true;
}

bool recipe_add_weights(struct reading *r, const json_t *j, uint32_t node, const char *name) {
  int64_t shape[RANK_MAX], *inputs;
  int rank = 1;
  struct tensor *mask = NULL;
  if (recipe_shares(r->g->nodes[node].op)) {
    shared_shape(r, j, shape, &inputs);
  } else {
    if (!weight_shape(r, j, r->g->nodes[node].op, &rank, shape)) return false;
    inputs = ARENA_NEW(r->arena, int64_t, shape[0]);
    if (!read_connections(r, j, rank, shape, &mask, inputs)) return false;
  }
  const char *own = arena_printf(r->arena, "%s.weight", name);
  uint32_t w = draw(r, own, rank, shape, mask, inputs);
  graph_add_use(r->g, node, (struct use){w, 0, NONE});
  if (!recipe_has_bias(r->g->nodes[node].op)) return read_own(r, j, own, w);
  uint32_t b = draw(r, arena_printf(r->arena, "%s.bias", name), 1, shape, NULL, inputs);
  graph_add_use(r->g, node, (struct use){b, 0, NONE});
  return true;
}

void recipe_add_averages(struct reading *r, uint32_t node, const char *name) {
  static const struct {
    const char *name;
    float value;
  } starts[] = {{"gamma", 1}, {"beta", 0}, {"mean", 0}, {"variance", 1}};
  const struct value *x = &r->g->values[r->at];
  int64_t channels = x->rank ? x->shape[x->rank - 1] : 1;
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
    struct tensor *t = tensor_new(r->arena, DTYPE_F32, 1, &channels);
    for (int64_t c = 0; c < channels; c++) ((float *)t->data)[c] = starts[i].value;
    const char *own = arena_printf(r->arena, "%s.%s", name, starts[i].name);
    graph_add_use(r->g, node, (struct use){graph_add_tensor(r->g, own, t, type_real()), 0, NONE});
  }
}
