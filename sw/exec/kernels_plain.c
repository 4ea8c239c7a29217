// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/kernels.h"

#include "sw/base/err.h"
#include <math.h>

#include <stdlib.h>
#include <string.h>

struct lanes {
  float l[16];
};

static struct lanes load(const float *p) {
  struct lanes v;
  memcpy(v.l, p, sizeof v.l);
  return v;
}

static struct lanes fused(struct lanes a, struct lanes b, struct lanes c) {
  for (int i = 0; i < 16; i++) c.l[i] = fmaf(a.l[i], b.l[i], c.l[i]);
  return c;
}

static struct lanes added(struct lanes a, struct lanes b) {
  for (int i = 0; i < 16; i++) a.l[i] += b.l[i];
  return a;
}

static struct lanes set(float x) {
  struct lanes v;
  for (int i = 0; i < 16; i++) v.l[i] = x;
  return v;
}

// The fixed tree over the 16 lanes.
static float lanes_sum(struct lanes v) {
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) v.l[i] += v.l[i + half];
  return v.l[0];
}

static void linear16(int64_t rows, int64_t pairs, int64_t outs, const int16_t *x, const int16_t *w,
                     const int32_t *bias, int32_t *acc) {
  for (int64_t r = 0; r < rows; r++) {
    int32_t *y = acc + r * outs;
    memcpy(y, bias, (size_t)outs * sizeof *y);
    for (int64_t p = 0; p < pairs; p++) {
      int32_t x0 = x[(r * pairs + p) * 2], x1 = x[(r * pairs + p) * 2 + 1];
      for (int64_t o = 0; o < outs; o++)
        y[o] += x0 * w[(p * outs + o) * 2] + x1 * w[(p * outs + o) * 2 + 1];
    }
  }
}

static struct lanes load_some(const float *p, int64_t count) {
  struct lanes v = {{0}};
  memcpy(v.l, p, (size_t)count * sizeof *p);
  return v;
}

static struct lanes more(struct lanes x, struct lanes y, struct lanes a, struct lanes b) {
  for (int i = 0; i < 16; i++) b.l[i] = x.l[i] > y.l[i] ? a.l[i] : b.l[i];
  return b;
}

static struct lanes same(struct lanes x, struct lanes y, struct lanes a, struct lanes b) {
  for (int i = 0; i < 16; i++) b.l[i] = x.l[i] == y.l[i] ? a.l[i] : b.l[i];
  return b;
}

#define V16 struct lanes
#define SOME int64_t
#define V16_ZERO set(0)
#define V16_LOAD(p) load(p)
#define V16_SET(x) set(x)
#define V16_ADD(a, b) added(a, b)
#define V16_FMA(a, b, c) fused(a, b, c)
#define V16_STORE(p, v) memcpy(p, (v).l, sizeof(v).l)
#define V16_SOME(count) (count)
#define V16_LOAD_SOME(p, count) load_some(p, count)
#define V16_STORE_SOME(p, v, count) memcpy(p, (v).l, (size_t)(count) * sizeof *(v).l)
#define V16_MORE(x, y, a, b) more(x, y, a, b)
#define V16_SAME(x, y, a, b) same(x, y, a, b)
#define V16_SUM(v) lanes_sum(v)
#define V16_SUMS(v, to)                                                                            \
  for (int i = 0; i < DOT_ROWS * DOT_OUTS; i++) (to)[i] = V16_SUM((v)[i])
enum { DOT_ROWS = 1, DOT_OUTS = 4, TILE_ROWS = 4, TILE_VECTORS = 1 };
#define LINEAR8 NULL
#define LINEAR7 NULL
#define KERNELS kernels_plain
#define NAME "plain"
#include "sw/exec/kernels_body.h"

int kernels_list(const struct kernels *list[KERNELS_MAX]) {
  int n = 0;
  list[n++] = &kernels_plain;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) list[n++] = &kernels_avx2;
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl") ||
      !__builtin_cpu_supports("avx512dq"))
    return n;
  list[n++] = &kernels_avx512;
  if (!__builtin_cpu_supports("avx512vnni")) return n;
  list[n++] = &kernels_vnni;
  if (__builtin_cpu_supports("avx512vbmi")) list[n++] = &kernels_vbmi;
#endif
  return n;
}

bool kernels_check(struct err *e) {
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  const char *wanted = getenv("NNGEN_KERNELS");
  char names[120] = "";
  for (int i = 0; i < n; i++) {
    if (!wanted || !*wanted || strcmp(list[i]->name, wanted) == 0) return true;
    size_t at = strlen(names);
    snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", list[i]->name);
  }
  return err_set(e, "NNGEN_KERNELS=%s: expected one that this machine has: %s", wanted, names);
}

const struct kernels *kernels_best(void) {
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  const char *wanted = getenv("NNGEN_KERNELS");
  for (int i = 0; wanted && i < n; i++)
    if (strcmp(list[i]->name, wanted) == 0) return list[i];
  return list[n - 1];
}
