// SPDX-License-Identifier: Apache-2.0
// add, sub and mul in floats; shapes broadcast as NumPy's.
#include "sw/exec/job.h"
#include "sw/exec/odd.h"

#include <string.h>

// Whether element i of y comes from element i of x.
static bool alike(const struct array *x, const struct array *y) {
  return x->rank == y->rank && memcmp(x->shape, y->shape, (size_t)y->rank * sizeof *y->shape) == 0;
}

static int64_t place(const struct array *x, const struct array *y, bool same, int64_t i) {
  return same ? i : job_broadcast(x, y, i);
}

static void join_alike(enum op op, int64_t begin, int64_t end, const float *a, const float *b,
                       float *y) {
  if (op == OP_mul)
    for (int64_t i = begin; i < end; i++) y[i] = a[i] * b[i];
  else if (op == OP_sub)
    for (int64_t i = begin; i < end; i++) y[i] = a[i] - b[i];
  else
    for (int64_t i = begin; i < end; i++) y[i] = a[i] + b[i];
}

static float join_odd(enum op op, float a, float b) {
  double l = (double)a, r = (double)b;
  return round_odd(op == OP_mul ? l * r : op == OP_sub ? l - r : l + r);
}

void real_join(const struct job *j) {
  const struct array *x = &j->in[0], *z = &j->in[1], *out = &j->out[0];
  bool first = alike(x, out), second = alike(z, out);
  int64_t begin, end;
  job_share(j, out->elements, &begin, &end);
  for (int64_t f = 0, frames = job_frames(j, out); f < frames; f++) {
    const float *a = real_frame(x, f), *b = real_frame(z, f);
    float *y = real_frame(out, f);
    if (first && second && !j->node->odd) {
      join_alike(j->node->op, begin, end, a, b, y);
      continue;
    }
    for (int64_t i = begin; i < end; i++) {
      float l = a[place(x, out, first, i)], r = b[place(z, out, second, i)];
      y[i] = j->node->odd            ? join_odd(j->node->op, l, r)
             : j->node->op == OP_mul ? l * r
             : j->node->op == OP_sub ? l - r
                                     : l + r;
    }
  }
}

// to += d times x, or times `sign` without it.
static void add_alike(int64_t count, const float *d, const float *x, float sign, float *to) {
  if (x)
    for (int64_t i = 0; i < count; i++) to[i] += d[i] * x[i];
  else
    for (int64_t i = 0; i < count; i++) to[i] += sign * d[i];
}

// An element that went into several results, of one frame or of all, takes the sum of their
// gradients.
void real_join_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  const struct array *x = &j->in[0], *z = &j->in[1], *out = &j->out[0];
  bool product = j->node->op == OP_mul, first = alike(x, out), second = alike(z, out);
  float sign = j->node->op == OP_sub ? -1 : 1;
  for (int64_t f = 0, frames = job_frames(j, out); f < frames; f++) {
    const float *a = real_frame(x, f), *b = real_frame(z, f);
    float *da = real_like(x, dx[0], f), *db = real_like(z, dx[1], f);
    const float *d = dy + f * out->elements;
    if (first && second) { // of two inputs that are one, the first before the second
      if (da) add_alike(out->elements, d, product ? b : NULL, 1, da);
      if (db) add_alike(out->elements, d, product ? a : NULL, sign, db);
      continue;
    }
    for (int64_t i = 0; i < out->elements; i++) {
      int64_t l = place(x, out, first, i), r = place(z, out, second, i);
      if (da) da[l] += product ? d[i] * b[r] : d[i];
      if (db) db[r] += product ? d[i] * a[l] : sign * d[i];
    }
  }
}
