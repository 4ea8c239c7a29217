// SPDX-License-Identifier: Apache-2.0
// fake_quant in floats (sw/graph/column_fake_quant.c). With s the scale, u 2^e, and lo .. hi the
// codes of the type,
//
//   y = s clip(half_even(x / s), lo, hi)              bipolar: s if x >= 0, otherwise -s
//   dx = dy, but 0 where x / s rounds beyond lo .. hi   bipolar: dy
//   dt = ln 2 sum dy (y - x), where it does dy y        bipolar: ln 2 sum dy y
//
// which is straight through the rounding, and of t straight through the ceiling, too: Jain et al.,
// "Trained quantization thresholds for accurate and efficient fixed-point inference" (2020). The
// division is by a power of two and exact. dt is summed in double in the order of the elements.
#include "sw/exec/fake_quant.h"
#include "sw/exec/job.h"
#include "sw/exec/nearest.h"

#include <math.h>

// The exponents that a type's scale may have.
enum { EXPONENT_MIN = -60, EXPONENT_MAX = 32 };
static const double ln2 = 0.693147180559945309417;

struct quantiser {
  float scale, inverse, lo, hi;
  bool bipolar, narrow; // narrow: the codes are few enough for nearest()
};

static struct quantiser quantiser_of(const struct type *t, int exponent) {
  float scale = (float)ldexp(type_scale(t, 0), exponent);
  return (struct quantiser){.scale = scale,
                            .inverse = 1 / scale,
                            .lo = (float)type_lowest(t),
                            .hi = (float)type_highest(t),
                            .bipolar = type_is_bipolar(t),
                            .narrow = nearest_serves(t)};
}

int fake_quant_exponent(const struct type *type, const float *t, const float *x, int64_t count) {
  double most = 0;
  int e = EXPONENT_MIN;
  if (t) {
    double up = ceil((double)*t);
    return up <= EXPONENT_MIN ? EXPONENT_MIN : up < EXPONENT_MAX ? (int)up : EXPONENT_MAX;
  }
  for (int64_t i = 0; i < count; i++) most = fmax(most, fabs((double)x[i]));
  most /= type_scale(type, 0);
  while (e < EXPONENT_MAX && rint(ldexp(most, -e)) > (double)type_highest(type)) e++;
  return e;
}

static float value_of(const struct quantiser *q, float x) {
  if (q->bipolar) return x >= 0 ? q->scale : -q->scale;
  float code = x * q->inverse;
  code = q->narrow ? nearest(nearest_bounded(code, q->lo, q->hi))
                   : nearest_bounded(rintf(code), q->lo, q->hi);
  return code * q->scale;
}

static bool is_inside(const struct quantiser *q, float x) {
  float code = x * q->inverse;
  if (q->bipolar) return true;
  // Whatever lies far outside rounds there, too.
  code = rintf(nearest_bounded(code, q->lo - 1, q->hi + 1));
  return code >= q->lo && code <= q->hi;
}

static void run(const struct quantiser *q, const float *x, int64_t count, float *y) {
  struct quantiser own = *q;
  if (own.narrow)
    for (int64_t i = 0; i < count; i++)
      y[i] = nearest(nearest_bounded(x[i] * own.inverse, own.lo, own.hi)) * own.scale;
  else
    for (int64_t i = 0; i < count; i++) y[i] = value_of(&own, x[i]);
}

// The elements of x that share a scale lie side by side: `count` of scale c begin at c * count.
struct parts {
  const struct type *type;
  int64_t scales, count;
  const float *x, *t;
};

static struct parts parts_of(const struct job *j) {
  const struct array *x = &j->in[0], *t = &j->in[1];
  bool given = j->node->n_in > 1;
  struct parts p = {.type = &node_attr(j->node, ATTR_type)->type,
                    .scales = given                                   ? t->elements
                              : node_int(j->node, ATTR_axis, -1) == 0 ? x->shape[0]
                                                                      : 1,
                    .x = x->data,
                    .t = given ? t->data : NULL};
  p.count = job_frames(j, x) * x->elements / p.scales;
  return p;
}

static struct quantiser quantiser_at(const struct parts *p, int64_t c) {
  const float *t = p->t ? p->t + c : NULL;
  return quantiser_of(p->type, fake_quant_exponent(p->type, t, p->x + c * p->count, p->count));
}

void real_fake_quant(const struct job *j) {
  struct parts p = parts_of(j);
  float *y = j->out[0].data, *exponent = j->out[1].data;
  int64_t begin, end;
  job_share(j, p.scales * p.count, &begin, &end);
  for (int64_t c = 0; c < p.scales; c++) {
    int64_t first = c * p.count, last = first + p.count;
    bool tells = exponent && j->share == 0;
    if (!tells && (last <= begin || first >= end)) continue;
    struct quantiser q = quantiser_at(&p, c);
    if (tells) exponent[c] = (float)ilogb((double)q.scale / type_scale(p.type, 0));
    first = first < begin ? begin : first;
    last = last < end ? last : end;
    if (first < last) run(&q, p.x + first, last - first, y + first);
  }
}

static void put(float *to, float value, bool fresh) {
  *to = fresh ? value : *to + value;
}

// Without t nothing saturates, and the gradient is that of the output.
static void input_gradient(const struct job *j, const float *dy, float *dx) {
  struct parts p = parts_of(j);
  int64_t begin, end;
  job_share(j, p.scales * p.count, &begin, &end);
  if (!p.t)
    for (int64_t i = begin; i < end; i++) put(&dx[i], dy[i], j->fresh);
  for (int64_t c = 0; p.t && c < p.scales; c++) {
    struct quantiser q = quantiser_at(&p, c);
    int64_t first = c * p.count, last = first + p.count;
    first = first < begin ? begin : first;
    last = last < end ? last : end;
    for (int64_t i = first; i < last; i++) put(&dx[i], is_inside(&q, p.x[i]) ? dy[i] : 0, j->fresh);
  }
}

static void scale_gradient(const struct job *j, const float *dy, float *dt) {
  struct parts p = parts_of(j);
  for (int64_t c = 0; c < p.scales && j->share == 0; c++) {
    struct quantiser q = quantiser_at(&p, c);
    double sum = 0;
    for (int64_t i = c * p.count; i < (c + 1) * p.count; i++) {
      double y = (double)value_of(&q, p.x[i]);
      bool follows = is_inside(&q, p.x[i]) && !q.bipolar;
      sum += (double)dy[i] * (follows ? y - (double)p.x[i] : y);
    }
    put(&dt[c], (float)(ln2 * sum), j->fresh);
  }
}

void real_fake_quant_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  if (dx[0]) input_gradient(j, dy, dx[0]);
  if (dx[1]) scale_gradient(j, dy, dx[1]);
}
