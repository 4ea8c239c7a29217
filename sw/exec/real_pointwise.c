// SPDX-License-Identifier: Apache-2.0
// Activations and their slopes, in double: exact.h for those that are no tables, curve.h for the
// rest. The commonest, which are kernels, and the requant of most streams are apart: in loops that
// the compiler makes into vectors.
#include "sw/exec/job.h"
#include "sw/exec/kernels.h"
#include "sw/exec/nearest.h"
#include "sw/graph/curve.h"
#include "sw/graph/exact.h"

// The function and the constants of a node, looked up once.
struct function {
  const struct exact *exact; // NULL: a curve
  struct exact_reals reals;
  enum curve curve;
  double alpha;
  int64_t channels, inner; // of a type with scales per channel; 0: it has none
  const int64_t *kept;     // (channels) of a slice: which ones; NULL: all
};

static struct function function_of(const struct job *j) {
  const struct node *n = j->node;
  const struct array *y = &j->out[0];
  struct function f = {.exact = exact_of(n->op),
                       .reals = exact_reals_of(n),
                       .curve = (enum curve)node_curve(n),
                       .alpha = node_real(n, ATTR_alpha, 1.0)};
  int axis = f.reals.type.axis;
  if (!type_is_integer(&f.reals.type) || axis < 0) return f;
  f.channels = y->shape[axis];
  f.inner = shape_elements(y->rank - axis - 1, y->shape + axis + 1);
  f.kept = j->sliced == axis ? j->kept : NULL;
  return f;
}

// The channel of element i, where it matters.
static void go_to(struct function *f, int64_t i) {
  if (!f->channels) return;
  int64_t c = i / f->inner % f->channels;
  f->reals.channel = f->kept ? f->kept[c] : c;
}

// A requant whose codes are the nearest, of scale s: half to even, saturated.
struct plain {
  bool serves;
  float scale, inverse, lo, hi;
};

static struct plain plain_of(const struct function *f) {
  const struct type *t = &f->reals.type;
  struct plain p = {.serves = nearest_serves(t) && f->reals.rounding == FIX_HALF_EVEN &&
                              f->reals.overflow == FIX_SATURATE};
  if (!p.serves) return p;
  p.scale = (float)type_scale(t, 0);
  p.inverse = 1 / p.scale;
  p.lo = (float)type_lowest(t);
  p.hi = (float)type_highest(t);
  return p;
}

// NaN is 0, as everywhere.
static float plain_value(struct plain p, float x) {
  float code = x * p.inverse;
  code = code == code ? code : 0;
  return nearest(nearest_bounded(code, p.lo, p.hi)) * p.scale;
}

// Whether nothing saturates: what lies beyond the last code by less than a half rounds to it, and
// at the half to the even of both.
static bool plain_inside(struct plain p, float x) {
  float code = x * p.inverse;
  code = code == code ? nearest(nearest_bounded(code, p.lo - 1, p.hi + 1)) : 0;
  return code >= p.lo && code <= p.hi;
}

// NULL for most.
static const struct curve_kernels *kernels_of(enum op op) {
  const struct kernels *k = kernels_best();
  const struct {
    enum op op;
    const struct curve_kernels *of;
  } list[] = {{OP_relu, &k->relu},
              {OP_tanh, &k->tanh},
              {OP_scaled_tanh, &k->scaled_tanh},
              {OP_sigmoid, &k->sigmoid}};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    if (list[i].op == op) return list[i].of;
  return NULL;
}

static double value_at(struct function *f, const float *x, int64_t i) {
  double v = (double)x[i];
  go_to(f, i);
  return f->exact ? f->exact->real(v, &f->reals) : curve_real(f->curve, f->alpha, v);
}

static double slope_at(struct function *f, const float *x, int64_t i) {
  double v = (double)x[i];
  go_to(f, i);
  return f->exact ? f->exact->slope(v, &f->reals) : curve_slope(f->curve, f->alpha, v);
}

void real_pointwise(const struct job *j) {
  const float *x = j->in[0].data;
  float *y = j->out[0].data;
  struct function f = function_of(j);
  struct plain p = plain_of(&f);
  int64_t begin, end;
  job_share(j, job_frames(j, &j->out[0]) * j->out[0].elements, &begin, &end);
  const struct curve_kernels *k = kernels_of(j->node->op);
  if (k)
    k->value(end - begin, x + begin, y + begin);
  else if (p.serves)
    for (int64_t i = begin; i < end; i++) y[i] = plain_value(p, x[i]);
  else
    for (int64_t i = begin; i < end; i++) y[i] = (float)value_at(&f, x, i);
}

// dx may be dy itself.
void real_pointwise_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  const float *x = j->in[0].data;
  float *to = dx[0];
  struct function f = function_of(j);
  struct plain p = plain_of(&f);
  int64_t begin, end;
  job_share(j, to ? job_frames(j, &j->out[0]) * j->out[0].elements : 0, &begin, &end);
  const struct curve_kernels *k = j->fresh ? kernels_of(j->node->op) : NULL;
  if (k)
    k->dx(end - begin, x + begin, dy + begin, to + begin);
  else if (j->fresh && p.serves)
    for (int64_t i = begin; i < end; i++) to[i] = plain_inside(p, x[i]) ? dy[i] : 0;
  else
    for (int64_t i = begin; i < end; i++) {
      float d = (float)((double)dy[i] * slope_at(&f, x, i));
      to[i] = j->fresh ? d : to[i] + d;
    }
}
