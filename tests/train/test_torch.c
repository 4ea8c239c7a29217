// SPDX-License-Identifier: Apache-2.0
// Gradients and optimisers against values recorded from PyTorch (scripts/record-torch):
// max|a - b| <= 1e-5 max|b| for every array.
#include "sw/base/file.h"
#include "sw/graph/safetensors.h"
#include "tests/train/helper_training.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct record {
  struct arena arena;
  struct safetensors file;
};

static int open_record(void **state) {
  static struct record r;
  struct bytes bytes;
  struct err e = {0};
  *state = &r;
  bool ok = file_read(&r.arena, "tests/torch/gradients.safetensors", 1 << 24, &bytes, &e) &&
            safetensors_parse(&r.arena, bytes.data, bytes.size, &r.file, &e);
  if (!ok) err_print(stderr, &e);
  return ok ? 0 : -1;
}

static int close_record(void **state) {
  arena_free(&((struct record *)*state)->arena);
  return 0;
}

static const struct tensor *recorded(const struct record *r, const char *name) {
  int64_t i = safetensors_find(&r->file, name);
  if (i < 0) fail_msg("%s isn't recorded", name);
  return r->file.tensors[i].tensor;
}

static bool close_to(const float *found, const struct tensor *t) {
  double off = 0, most = 0;
  for (int64_t i = 0; i < t->count; i++) {
    off = fmax(off, fabs((double)found[i] - tensor_real(t, i)));
    most = fmax(most, fabs(tensor_real(t, i)));
  }
  return off <= 1e-5 * most;
}

static void assert_close(const float *found, const struct tensor *t, const char *name) {
  if (!close_to(found, t)) fail_msg("%s is further off than 1e-5 of its largest element", name);
}

// ---- activations

static void check_activation(const struct record *r, enum op op) {
  static const double reals[ATTR_COUNT] = {
      [ATTR_lambda] = 0.5, [ATTR_slope] = 0.25, [ATTR_offset] = 0.5,
      [ATTR_lo] = -1.5,    [ATTR_hi] = 2.25,    [ATTR_alpha] = 0.75};
  struct arena a = {0};
  const char *name = op_info(op)->name;
  const struct tensor *x = recorded(r, arena_printf(&a, "activation.%s.x", name));
  const struct tensor *dy = recorded(r, arena_printf(&a, "activation.%s.dy", name));
  struct graph *g = graph_new(&a, "activation");
  uint32_t node = graph_add_node(g, op, name);
  for (int i = 0; i < ATTR_COUNT; i++)
    if ((op_info(op)->required | op_info(op)->optional) >> i & 1 && reals[i] != 0)
      graph_add_real(g, node, (enum attr_name)i, reals[i]);
  float *y = ARENA_NEW(&a, float, x->count), *dx = ARENA_NEW(&a, float, x->count);
  struct job j = {.graph = g,
                  .node = &g->nodes[node],
                  .frames = 1,
                  .in = {{x->data, 1, {x->count}, x->count, false}},
                  .out = {{y, 1, {x->count}, x->count, false}}};
  real_fire(&j);
  real_backward(&j, dy->data, (float *[JOB_INPUTS]){dx});
  assert_close(y, recorded(r, arena_printf(&a, "activation.%s.y", name)), name);
  assert_close(dx, recorded(r, arena_printf(&a, "activation.%s.dx", name)), name);
  arena_free(&a);
}

static void every_activation(void **state) {
  int count = 0;
  for (enum op op = 0; op < OP_COUNT; op++)
    if (op_info(op)->gradient == GRADIENT_SLOPE) check_activation(*state, op), count++;
  assert_int_equal(count, 20);
}

// ---- networks

static const char *const names[] = {"fc1.weight", "fc1.bias",   "fc2.weight",
                                    "fc2.bias",   "fc3.weight", "fc3.bias"};
enum { NAMES = 6, FRAMES = 9, STEPS = 4 };

static struct training *network(struct arena *a, const struct record *r, const char *name,
                                const char *activation, const char *loss, enum assign optimizer) {
  static const float rate[] = {0.0625f};
  const struct optimizer o = {.function = optimizer,
                              .momentum = 0.875,
                              .beta1 = 0.875,
                              .beta2 = 0.984375,
                              .epsilon = 1e-8,
                              .decay = 0.125,
                              .n_rates = 1,
                              .every = 1,
                              .rates = rate};
  struct err e = {0};
  struct recipe recipe;
  const char *json = arena_printf(
      a,
      "{\"input\":{\"shape\":[15]},\"loss\":\"%s\",\"layers\":[{\"op\":\"linear\",\"out\":37},"
      "{\"op\":\"%s\"},{\"op\":\"linear\",\"out\":18},{\"op\":\"relu\"},"
      "{\"op\":\"linear\",\"out\":7}]}",
      loss, activation);
  if (!recipe_parse(a, json, strlen(json), 1, &recipe, &e)) fail_msg("%s", e.text);
  for (int i = 0; i < NAMES; i++) {
    const struct tensor *w = recorded(r, arena_printf(a, "%s.%s", name, names[i]));
    struct value *v = &recipe.model->values[graph_find_value(recipe.model, names[i])];
    memcpy(v->init->data, w->data, (size_t)w->count * sizeof(float));
  }
  struct training *t = training_new(a, recipe.model, recipe.loss, &o, 1, NULL, 0, &e);
  if (!t) fail_msg("%s", e.text);
  return t;
}

static void run_step(struct steps *s, const struct record *r, const char *name, int64_t step) {
  struct arena a = {0};
  const float *x = recorded(r, arena_printf(&a, "%s.x", name))->data;
  const float *t = recorded(r, arena_printf(&a, "%s.t", name))->data;
  steps_run(s, (const void *const[]){x + step * FRAMES * 15, t + step * FRAMES * 7});
  arena_free(&a);
}

static void check_gradients(const struct record *r, const char *name, const char *activation,
                            const char *loss) {
  struct arena a = {0};
  struct training *t = network(&a, r, name, activation, loss, ASSIGN_sgd);
  struct steps *s = real_steps(&a, t->graph, FRAMES);
  run_step(s, r, name, 0);
  assert_close(steps_value(s, t->loss), recorded(r, arena_printf(&a, "%s.loss", name)), name);
  for (int i = 0; i < NAMES; i++) {
    int32_t v = graph_find_value(t->graph, arena_printf(&a, "%s.grad", names[i]));
    assert_true(v != NONE);
    assert_close(steps_value(s, (uint32_t)v),
                 recorded(r, arena_printf(&a, "%s.%s.grad", name, names[i])), names[i]);
  }
  arena_free(&a);
}

static void gradients_of_cross_entropy(void **state) {
  check_gradients(*state, "cross_entropy", "tanh", "cross_entropy");
}

static void gradients_of_mse(void **state) {
  check_gradients(*state, "mse", "gelu", "mse");
}

static void every_optimizer(void **state) {
  for (enum assign f = ASSIGN_sgd; f < ASSIGN_COUNT; f++) {
    struct arena a = {0};
    const char *name = assign_info(f)->name;
    struct training *t = network(&a, *state, name, "tanh", "cross_entropy", f);
    struct steps *s = real_steps(&a, t->graph, FRAMES);
    for (int step = 0; step < STEPS; step++) {
      run_step(s, *state, name, step);
      for (int i = 0; i < NAMES; i++) {
        const char *key = arena_printf(&a, "%s.%s.%d", name, names[i], step + 1);
        assert_close(steps_held(s, t->parameters[i].ref[0]), recorded(*state, key), key);
      }
    }
    arena_free(&a);
  }
}

// The comparison can fail: one element off by 1e-4 of the largest.
static void a_difference_is_seen(void **state) {
  struct arena a = {0};
  const struct tensor *t = recorded(*state, "mse.fc1.weight.grad");
  float *found = arena_copy(&a, t->data, (size_t)t->count * sizeof *found), most = 0;
  assert_true(close_to(found, t));
  for (int64_t i = 0; i < t->count; i++) most = fmaxf(most, fabsf(found[i]));
  found[7] += most * 1e-4f;
  assert_false(close_to(found, t));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_activation), cmocka_unit_test(gradients_of_cross_entropy),
      cmocka_unit_test(gradients_of_mse), cmocka_unit_test(every_optimizer),
      cmocka_unit_test(a_difference_is_seen)};
  return cmocka_run_group_tests(tests, open_record, close_record);
}
