// SPDX-License-Identifier: Apache-2.0
#include "tests/export/helper_into.h"

#include "sw/base/rng.h"
#include "sw/graph/model.h"
#include "sw/import/import.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

// Of a tensor's name without the number that tells calls of one layer apart: "conv.weight.1".
static uint64_t stream_of(const char *name) {
  uint64_t h = 0;
  const char *dot = strrchr(name, '.');
  bool numbered = dot && dot[1] >= '0' && dot[1] <= '9';
  for (; *name && !(numbered && name == dot); name++) h = rng_mix(h + (unsigned char)*name);
  return h;
}

// Other numbers in all tensors but those that are no arrays of the file: "rescaling". Variances
// stay positive, and calls of one layer have the same.
void into_change(struct graph *g, uint64_t seed) {
  for (uint32_t i = 0; i < g->n_values; i++) {
    struct value *v = &g->values[i];
    float *x = v->init ? v->init->data : NULL;
    uint64_t stream = stream_of(v->name);
    bool variance = strstr(v->name, "variance") != NULL;
    for (int64_t k = 0; x && k < v->init->count && !strstr(v->name, "rescaling"); k++) {
      float more = (float)(int64_t)(rng_at(seed, stream, (uint64_t)k) % 2048) / 1024 - 1;
      x[k] = variance ? fabsf(x[k]) + more + 1.01F : x[k] * 0.75F + more;
    }
  }
}

struct graph *into_imported(struct arena *a, const char *path) {
  struct refusals r = {0};
  struct err e = {0};
  struct graph *g = import_read(a, path, &r, &e);
  if (!g) fail_msg("%s", e.text);
  return g;
}

void into_write(const char *path, const struct graph *g) {
  struct err e = {0};
  if (!model_write(path, g, &e)) fail_msg("%s", e.text);
}

int64_t into_different(const struct graph *x, const struct graph *y) {
  int64_t n = 0;
  assert_int_equal(x->n_values, y->n_values);
  for (uint32_t i = 0; i < x->n_values; i++) {
    const struct tensor *a = x->values[i].init, *b = y->values[i].init;
    assert_true(!a == !b);
    for (int64_t k = 0; a && k < a->count; k++)
      n += memcmp((const float *)a->data + k, (const float *)b->data + k, sizeof(float)) != 0;
  }
  return n;
}
