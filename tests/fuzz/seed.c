// SPDX-License-Identifier: Apache-2.0
// Writes the first inputs of the targets that take graphs: one small random graph per operation, an
// unfused one, and a training graph per optimiser.
//
//   seed DIR     DIR/model/<op> and DIR/graph/<op>, minifloat, block, residual, unfused,
//   train_<optimiser>
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/graph/model.h"
#include "sw/graph/safetensors.h"
#include "sw/pass/fuse.h"
#include "sw/train/recipe.h"
#include "tests/net/helper_netgen.h"

#include <stdlib.h>
#include <string.h>

enum { SEEDS = 40 };

static void write_to(struct arena *a, const char *dir, const char *target, const char *op,
                     const struct text *t) {
  struct err e = {0};
  if (!file_write(arena_printf(a, "%s/%s/%s", dir, target, op), t->data, t->size, &e)) {
    err_print(stderr, &e);
    exit(1);
  }
}

// {"graph": .., "arrays": ..} NUL data
static void put_parts(struct text *out, struct arena *a, const struct text *model) {
  struct safetensors file;
  struct err e = {0};
  if (!safetensors_parse(a, model->data, model->size, &file, &e)) abort();
  text_printf(out, "{\"graph\":%s,\"arrays\":{", safetensors_metadata(&file, "nngen.graph"));
  for (uint32_t i = 0; i < file.count; i++) {
    const struct tensor *t = file.tensors[i].tensor;
    if (i) text_puts(out, ",");
    json_put_string(out, file.tensors[i].name);
    text_printf(out, ":[\"%s\",[", dtype_text(t->dtype));
    for (int d = 0; d < t->rank; d++)
      text_printf(out, d ? ",%lld" : "%lld", (long long)t->shape[d]);
    text_puts(out, "]]");
  }
  text_puts(out, "}}");
  text_put(out, "", 1);
  for (uint32_t i = 0; i < file.count && i < 1; i++) {
    const struct tensor *t = file.tensors[i].tensor;
    text_put(out, t->data, (size_t)t->count * dtype_size(t->dtype));
  }
}

// The smallest of some random graphs with the operation.
static void write_seed(const char *dir, enum op op) {
  struct arena a = {0};
  struct text smallest = {0}, parts = {0};
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    struct text t = {0};
    model_put(&t, netgen(&a, seed, op, NETGEN_ANY));
    bool smaller = !smallest.size || t.size < smallest.size;
    text_free(smaller ? &smallest : &t);
    if (smaller) smallest = t;
  }
  put_parts(&parts, &a, &smallest);
  write_to(&a, dir, "model", op_info(op)->name, &smallest);
  write_to(&a, dir, "graph", op_info(op)->name, &parts);
  text_free(&smallest);
  text_free(&parts);
  arena_free(&a);
}

// The smallest with weights that are stored as codes.
static void write_coded(const char *dir, const char *name, enum type_class cls) {
  struct arena a = {0};
  struct text smallest = {0}, parts = {0};
  for (uint64_t seed = 1; seed <= 10 * SEEDS; seed++) {
    struct text t = {0};
    const struct graph *g = netgen(&a, seed, OP_linear, NETGEN_ANY);
    bool coded = false;
    for (uint32_t i = 0; i < g->n_values; i++) coded |= g->values[i].type.cls == cls;
    if (coded) model_put(&t, g);
    bool smaller = coded && (!smallest.size || t.size < smallest.size);
    text_free(smaller ? &smallest : &t);
    if (smaller) smallest = t;
  }
  put_parts(&parts, &a, &smallest);
  write_to(&a, dir, "model", name, &smallest);
  write_to(&a, dir, "graph", name, &parts);
  text_free(&smallest);
  text_free(&parts);
  arena_free(&a);
}

// One whose nodes give accumulators.
static void write_unfused(const char *dir) {
  struct arena a = {0};
  struct text model = {0}, parts = {0};
  model_put(&model, unfuse(&a, netgen(&a, 1, OP_concat, NETGEN_ANY)));
  put_parts(&parts, &a, &model);
  write_to(&a, dir, "model", "unfused", &model);
  write_to(&a, dir, "graph", "unfused", &parts);
  text_free(&model);
  text_free(&parts);
  arena_free(&a);
}

// The training graph of a network with everything in it, small.
static void write_training(const char *dir, enum assign optimizer) {
  static const char json[] =
      "{\"input\":{\"shape\":[2,2]},\"layers\":[{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":3},"
      "{\"op\":\"tanh\"},{\"op\":\"dropout\",\"rate\":0.25},{\"op\":\"linear\",\"out\":2}],"
      "\"loss\":\"%s\"}";
  static const float rates[] = {0.5f, 0.25f};
  static const int64_t rows[] = {0, 1, 2, 3};
  const struct training_part part = {"fc1.weight", {0, 2, rows}};
  const struct optimizer o = {.function = optimizer,
                              .momentum = 0.5,
                              .beta1 = 0.5,
                              .beta2 = 0.5,
                              .epsilon = 1,
                              .decay = 0.25,
                              .n_rates = 2,
                              .every = 1,
                              .rates = rates};
  struct arena a = {0};
  struct err e = {0};
  struct recipe r;
  struct text model = {0}, parts = {0};
  const char *text = arena_printf(&a, json, optimizer % 2 ? "mse" : "cross_entropy");
  const char *name = arena_printf(&a, "train_%s", assign_info(optimizer)->name);
  struct training *t = NULL;
  if (recipe_parse(&a, text, strlen(text), 1, &r, &e))
    t = training_new(&a, r.model, r.loss, &o, 1, &part, 1, &e);
  if (!t) {
    err_print(stderr, &e);
    exit(1);
  }
  model_put(&model, t->graph);
  put_parts(&parts, &a, &model);
  write_to(&a, dir, "model", name, &model);
  write_to(&a, dir, "graph", name, &parts);
  text_free(&model);
  text_free(&parts);
  arena_free(&a);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  for (int op = 0; op < OP_COUNT; op++)
    if (netgen_knows((enum op)op)) write_seed(argv[1], (enum op)op);
  write_coded(argv[1], "minifloat", TYPE_MINIFLOAT);
  write_coded(argv[1], "block", TYPE_BLOCK);
  write_coded(argv[1], "residual", TYPE_RESIDUAL);
  write_unfused(argv[1]);
  for (enum assign f = ASSIGN_sgd; f < ASSIGN_COUNT; f++) write_training(argv[1], f);
  return 0;
}
