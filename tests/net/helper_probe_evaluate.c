// SPDX-License-Identifier: Apache-2.0
// A probe's node in double, from its definition.
#include "tests/net/helper_nearest.h"
#include "tests/net/helper_oracle.h"
#include "tests/net/helper_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

static const double *frame(const struct probe *p, int k, int64_t f) {
  return p->x[k] + (p->job.in[k].per_frame ? f * p->job.in[k].elements : 0);
}

// Element `index` of input k, whose dimensions are aligned at the last of `rank`; a size of 1
// stretches.
static double element(const struct probe *p, int k, int64_t f, int rank, const int64_t *index) {
  const struct array *x = &p->job.in[k];
  int64_t at = 0;
  for (int d = 0; d < x->rank; d++)
    at = at * x->shape[d] + (x->shape[d] == 1 ? 0 : index[d + rank - x->rank]);
  return frame(p, k, f)[at];
}

static bool bit(const struct probe *p, int i) {
  return p->bits >> i & 1;
}

static void unravel(const struct array *x, int64_t at, int64_t index[RANK_MAX]) {
  for (int d = x->rank - 1; d >= 0; d--) {
    index[d] = at % x->shape[d];
    at /= x->shape[d];
  }
}

static void linear(const struct probe *p, int64_t f, double *y) {
  int64_t out = p->job.in[1].shape[0], in = p->job.in[1].shape[1];
  const double *x = frame(p, 0, f), *w = frame(p, 1, f);
  for (int64_t i = 0; i < p->job.out[0].elements; i++) {
    y[i] = p->x[2] ? frame(p, 2, f)[i % out] : 0;
    for (int64_t k = 0; k < in; k++) y[i] += x[i / out * in + k] * w[i % out * in + k];
  }
}

static void rbf(const struct probe *p, int64_t f, double *y) {
  int64_t out = p->job.in[1].shape[0], in = p->job.in[1].shape[1];
  const double *x = frame(p, 0, f), *w = frame(p, 1, f);
  for (int64_t i = 0; i < p->job.out[0].elements; i++) {
    y[i] = 0;
    for (int64_t k = 0; k < in; k++) y[i] += pow(x[i / out * in + k] - w[i % out * in + k], 2);
  }
}

static double activation(const struct node *n, double x) {
  mpfr_t argument, result;
  switch (n->op) {
  case OP_relu:
    return fmax(x, 0);
  case OP_relu6:
    return fmin(fmax(x, 0), 6);
  case OP_clip:
    return fmin(fmax(x, -1.5), 2.25);
  case OP_leaky_relu:
    return fmax(x, x / 4);
  case OP_hard_tanh:
    return fmin(fmax(x, -1), 1);
  case OP_hard_sigmoid:
    return fmin(fmax(x / 4 + 0.5, 0), 1);
  case OP_softshrink:
    return copysign(fmax(fabs(x) - 0.5, 0), x);
  case OP_hardshrink:
    return fabs(x) > 0.5 ? x : 0;
  default:
    mpfr_inits2(128, argument, result, (mpfr_ptr)0);
    mpfr_set_d(argument, x, MPFR_RNDN);
    oracle_value(result, (enum curve)node_curve(n), 0.75, argument);
    x = mpfr_get_d(result, MPFR_RNDN);
    mpfr_clears(argument, result, (mpfr_ptr)0);
    return x;
  }
}

// The nearest value of its type; or what has the gradient that is defined: x where nothing
// overflows, elsewhere a constant.
static double requantised(const struct probe *p, int64_t f, int64_t i) {
  const struct node *n = p->job.node;
  const struct array *y = &p->job.out[0];
  const struct type *t = &node_attr(n, ATTR_type)->type;
  int64_t inner = 1;
  for (int d = y->rank - 1; d > t->axis && t->axis >= 0; d--) inner *= y->shape[d];
  int64_t c = t->axis < 0 ? 0 : i / inner % y->shape[t->axis];
  double x = frame(p, 0, f)[i];
  bool inside;
  double nearest = nearest_value(n, t, c, x, &inside);
  return p->through ? inside * x : nearest;
}

// Its scale's logarithm: what t rounds up to, or what holds the largest of all that share it.
static double scale_exponent(const struct probe *p, const struct type *t, int64_t c, int64_t run) {
  const struct node *n = p->job.node;
  const float *x = p->job.in[0].data;
  double e = -60, most = 0;
  if (n->n_in > 1) return ceil((double)((const float *)p->job.in[1].data)[c]);
  for (int64_t i = c * run; i < (c + 1) * run; i++) most = fmax(most, fabs((double)x[i]));
  while (rint(most / (type_scale(t, 0) * exp2(e))) > (double)type_highest(t)) e++;
  return e;
}

// The nearest value of its codes; or what has the gradient that is defined: a step of fixed size
// from x where nothing saturates, elsewhere the last code, both as the scale goes.
static double fake_quantised(const struct probe *p, int64_t f, int64_t i) {
  const struct node *n = p->job.node;
  const struct type *t = &node_attr(n, ATTR_type)->type;
  const struct array *in = &p->job.in[0];
  bool given = n->n_in > 1;
  int64_t at = (in->per_frame ? f * in->elements : 0) + i;
  int64_t scales = given                             ? p->job.in[1].elements
                   : node_int(n, ATTR_axis, -1) == 0 ? in->shape[0]
                                                     : 1;
  int64_t run = (in->per_frame ? p->job.frames : 1) * in->elements / scales, c = at / run;
  double first = (double)((const float *)in->data)[at], x = frame(p, 0, f)[i];
  double moved = given ? p->x[1][c] - (double)((const float *)p->job.in[1].data)[c] : 0;
  double scale = type_scale(t, 0) * exp2(scale_exponent(p, t, c, run));
  double code = rint(first / scale), lo = (double)type_lowest(t), hi = (double)type_highest(t);
  bool inside = code >= lo && code <= hi;
  code = type_is_bipolar(t) ? (first >= 0 ? 1 : -1) : fmin(fmax(code, lo), hi);
  if (!p->through) return code * scale;
  if (type_is_bipolar(t)) return x + code * scale * exp2(moved);
  return inside ? x + (code * scale - first) * exp2(moved) : code * scale * exp2(moved);
}

static void softmax(const struct probe *p, int64_t f, double *y) {
  const double *x = frame(p, 0, f);
  int64_t count = p->job.in[0].shape[p->job.in[0].rank - 1];
  for (int64_t i = 0; i < p->job.out[0].elements; i++) {
    double sum = 0;
    for (int64_t k = i / count * count; k < (i / count + 1) * count; k++) sum += exp(x[k] - x[i]);
    y[i] = p->job.node->op == OP_log_softmax ? -log(sum) : 1 / sum;
  }
}

static void join(const struct probe *p, int64_t f, double *y) {
  int64_t index[RANK_MAX];
  int rank = p->job.out[0].rank;
  for (int64_t i = 0; i < p->job.out[0].elements; i++) {
    unravel(&p->job.out[0], i, index);
    double a = element(p, 0, f, rank, index), b = element(p, 1, f, rank, index);
    y[i] = p->job.node->op == OP_add ? a + b : p->job.node->op == OP_sub ? a - b : a * b;
  }
}

// Adds frame f of the input to y.
static void sum(const struct probe *p, int64_t f, double *y) {
  const struct array *x = &p->job.in[0];
  int64_t index[RANK_MAX];
  for (int64_t i = 0; i < x->elements; i++) {
    int64_t at = 0;
    unravel(x, i, index);
    for (int d = 0; d < 3; d++) // the case's bits are the summed axes
      if (!bit(p, d)) at = at * x->shape[d] + index[d];
    y[at] += frame(p, 0, f)[i];
  }
}

// Adds the product of frame f of the inputs to y.
static void matmul(const struct probe *p, int64_t f, double *y) {
  const int64_t *shape = p->job.out[0].shape, inner = p->job.in[0].shape[bit(p, 0) ? 0 : 1];
  for (int64_t r = 0; r < shape[0]; r++)
    for (int64_t c = 0; c < shape[1]; c++)
      for (int64_t k = 0; k < inner; k++)
        y[r * shape[1] + c] +=
            element(p, 0, f, 2, bit(p, 0) ? (int64_t[]){k, r} : (int64_t[]){r, k}) *
            element(p, 1, f, 2, bit(p, 1) ? (int64_t[]){c, k} : (int64_t[]){k, c});
}

static void concat(const struct probe *p, int64_t f, double *y) {
  const struct array *out = &p->job.out[0];
  int axis = concat_axis(p->g, p->job.node);
  int64_t from[JOB_INPUTS + 1] = {0}, index[RANK_MAX];
  for (uint32_t k = 0; k < p->job.node->n_in; k++) from[k + 1] = from[k] + p->job.in[k].shape[axis];
  for (int64_t i = 0; i < out->elements; i++) {
    int k = 0;
    unravel(out, i, index);
    while (index[axis] >= from[k + 1]) k++;
    int64_t at = 0;
    for (int d = 0; d < out->rank; d++)
      at = at * p->job.in[k].shape[d] + index[d] - (d == axis ? from[k] : 0);
    y[i] = frame(p, k, f)[at];
  }
}

static void cross_entropy(const struct probe *p, int64_t f, double *y) {
  int64_t count = p->job.in[0].shape[p->job.in[0].rank - 1];
  const double *z = frame(p, 0, f), *t = frame(p, 1, f);
  for (int64_t r = 0; r < p->job.out[0].elements; r++, z += count, t += count) {
    double sum = 0;
    if (node_attr(p->job.node, ATTR_rubbish)) sum = exp(node_real(p->job.node, ATTR_rubbish, 0));
    for (int64_t i = 0; i < count; i++) sum += exp(z[i]);
    for (int64_t i = 0; i < count; i++) y[r] -= t[i] * (z[i] - log(sum));
  }
}

// The generator of docs/training.md, from its definition.
static uint64_t mixed(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

static void dropout(const struct probe *p, int64_t f, double *y) {
  uint64_t seed = (uint64_t)node_int(p->job.node, ATTR_seed, 0);
  for (int64_t i = 0; i < p->job.out[0].elements; i++) {
    uint64_t at = (uint64_t)(f * p->job.out[0].elements + i);
    uint64_t step = p->x[1] ? (uint64_t)(float)floor(p->x[1][0]) : 0;
    uint64_t u = mixed(mixed(seed + 0x9e3779b97f4a7c15u) + mixed(step + 0xd1b54a32d192ed03u) +
                       at * 0x9e3779b97f4a7c15u);
    bool dropped = p->x[1] && (double)(u >> 11) < 0.25 * 0x1p53;
    y[i] = dropped ? 0 : frame(p, 0, f)[i] * (p->x[1] ? 1 / 0.75 : 1);
  }
}

// The image as if it stood in a field of zeros: what element (y, x, c) is.
static double seen(const struct probe *p, int64_t f, int64_t y, int64_t x, int64_t c) {
  const struct array *a = &p->job.in[0];
  int64_t rows = a->rank == 3 ? a->shape[0] : 1, columns = a->shape[a->rank - 2];
  bool inside = y >= 0 && y < rows && x >= 0 && x < columns;
  return inside ? frame(p, 0, f)[(y * columns + x) * a->shape[a->rank - 1] + c] : 0;
}

static int64_t listed(const struct probe *p, enum attr_name name, int i, int64_t otherwise) {
  const struct attr *a = node_attr(p->job.node, name);
  return a ? a->ints[i] : otherwise;
}

static void conv(const struct probe *p, int64_t f, double *y) {
  const struct array *w = &p->job.in[1], *out = &p->job.out[0];
  bool flat = w->rank == 3;
  int64_t rows = flat ? 1 : w->shape[1], columns = w->shape[w->rank - 2],
          ins = w->shape[w->rank - 1];
  int64_t outs = w->shape[0], width = out->shape[out->rank - 2], last = flat ? 0 : 1;
  int64_t groups = node_int(p->job.node, ATTR_groups, 1);
  for (int64_t i = 0; i < out->elements; i++) {
    int64_t o = i % outs, ox = i / outs % width, oy = i / outs / width;
    y[i] = p->job.node->n_in > 2 ? frame(p, 2, f)[o] : 0;
    for (int64_t k = 0; k < rows * columns * ins; k++) {
      int64_t ky = k / ins / columns, kx = k / ins % columns,
              c = o / (outs / groups) * ins + k % ins;
      int64_t at = ox * listed(p, ATTR_stride, (int)last, 1) +
                   kx * listed(p, ATTR_dilation, (int)last, 1) - listed(p, ATTR_pad, (int)last, 0);
      int64_t row = flat ? 0
                         : oy * listed(p, ATTR_stride, 0, 1) + ky * listed(p, ATTR_dilation, 0, 1) -
                               listed(p, ATTR_pad, 0, 0);
      y[i] += seen(p, f, row, at, c) * frame(p, 1, f)[o * rows * columns * ins + k];
    }
  }
}

static void subsample(const struct probe *p, int64_t f, double *y) {
  const struct array *x = &p->job.in[0], *out = &p->job.out[0];
  int axes = x->rank - 1, rows = 0, columns = axes - 1;
  bool image = !node_attr(p->job.node, ATTR_kernel), flat = axes == 1;
  int64_t channels = x->shape[axes], width = out->shape[columns];
  int64_t high = flat ? 1 : image ? x->shape[rows] : listed(p, ATTR_kernel, rows, 1);
  int64_t wide = image ? x->shape[columns] : listed(p, ATTR_kernel, columns, 1);
  for (int64_t i = 0; i < out->elements; i++) {
    int64_t c = i % channels, oy = i / channels / width, ox = i / channels % width;
    double sum = 0;
    for (int64_t k = 0; k < high * wide; k++) {
      int64_t row = flat ? 0
                         : oy * listed(p, ATTR_stride, rows, 1) +
                               k / wide * listed(p, ATTR_dilation, rows, 1) -
                               listed(p, ATTR_pad, rows, 0);
      sum += seen(p, f, row,
                  ox * listed(p, ATTR_stride, columns, 1) +
                      k % wide * listed(p, ATTR_dilation, columns, 1) -
                      listed(p, ATTR_pad, columns, 0),
                  c);
    }
    y[i] = sum * frame(p, 1, f)[c] + (p->job.node->n_in > 2 ? frame(p, 2, f)[c] : 0);
  }
}

static void pool(const struct probe *p, int64_t f, double *y) {
  const struct array *x = &p->job.in[0], *out = &p->job.out[0];
  const struct node *n = p->job.node;
  int axes = x->rank - 1;
  bool image = !node_attr(n, ATTR_kernel), padding = node_int(n, ATTR_count_pad, 0);
  int64_t kernel[2] = {1, 1}, size[2] = {1, 1}, pad[4] = {0}, stride[2] = {1, 1};
  for (int d = 0; d < axes; d++) {
    int to = d + 2 - axes;
    size[to] = x->shape[d];
    kernel[to] = image ? x->shape[d] : listed(p, ATTR_kernel, d, 1);
    stride[to] = listed(p, ATTR_stride, d, 1);
    pad[to] = listed(p, ATTR_pad, d, 0);
    pad[2 + to] = listed(p, ATTR_pad, axes + d, 0);
  }
  int64_t channels = x->shape[axes], width = out->shape[axes - 1];
  for (int64_t i = 0; i < out->elements; i++) {
    double largest = -INFINITY, total = 0;
    int64_t count = 0, oy = i / channels / width * stride[0] - pad[0];
    int64_t ox = i / channels % width * stride[1] - pad[1];
    for (int64_t yy = oy; yy < oy + kernel[0]; yy++)
      for (int64_t xx = ox; xx < ox + kernel[1]; xx++) {
        bool inside = yy >= 0 && yy < size[0] && xx >= 0 && xx < size[1];
        count += inside || (padding && yy < size[0] + pad[2] && xx < size[1] + pad[3]);
        if (!inside) continue;
        largest = fmax(largest, seen(p, f, yy, xx, i % channels));
        total += seen(p, f, yy, xx, i % channels);
      }
    y[i] = n->op == OP_max_pool ? largest : total / (double)count;
  }
}

// The index of dimension d that index `at` of the output comes from.
static int64_t reordered(const struct probe *p, int d, int64_t at) {
  bool channels = d == p->job.in[0].rank - 1;
  if (p->job.node->op == OP_pad) return at - listed(p, ATTR_pad, d, 0);
  if (p->job.node->op == OP_upsample) return channels ? at : at / listed(p, ATTR_factors, d, 1);
  return listed(p, ATTR_begin, d, 0) + at * listed(p, ATTR_step, d, 1);
}

// The dimension of the input that dimension d of the output is.
static int permuted(const struct probe *p, int d) {
  return p->job.node->op == OP_permute ? (int)listed(p, ATTR_axes, d, 0) : d;
}

static void reorder(const struct probe *p, int64_t f, double *y) {
  const struct array *x = &p->job.in[0], *out = &p->job.out[0];
  int64_t index[RANK_MAX], own[RANK_MAX];
  for (int64_t i = 0; i < out->elements; i++) {
    int64_t at = 0;
    bool beside = false;
    unravel(out, i, index);
    for (int d = 0; d < x->rank; d++) own[permuted(p, d)] = reordered(p, d, index[d]);
    for (int d = 0; d < x->rank; d++) {
      beside |= own[d] < 0 || own[d] >= x->shape[d];
      at = at * x->shape[d] + own[d];
    }
    y[i] = beside ? node_real(p->job.node, ATTR_value, 0) : frame(p, 0, f)[at];
  }
}

// Of the values of a channel, all frames and pixels: the mean, and that of squares about `about`.
static double moment(const struct probe *p, int64_t c, double about, int power) {
  const struct array *x = &p->job.in[0];
  int64_t channels = x->shape[x->rank - 1], count = probe_total(p, x) / channels;
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += pow(p->x[0][i * channels + c] - about, power);
  return sum / (double)count;
}

static void norm(const struct probe *p, int64_t f, double *y) {
  int64_t channels = p->job.in[1].elements;
  for (int64_t i = 0; i < p->job.out[0].elements; i++) {
    int64_t c = i % channels;
    bool own = p->job.node->n_in > 5;
    double mean = own ? moment(p, c, 0, 1) : p->x[3][c];
    double variance = own ? moment(p, c, mean, 2) : p->x[4][c];
    variance += node_real(p->job.node, ATTR_epsilon, 1e-5);
    y[i] = (frame(p, 0, f)[i] - mean) / sqrt(variance) * p->x[1][c] + p->x[2][c];
  }
}

static void evaluate_frame(const struct probe *p, int64_t f, double *y) {
  switch ((enum op_column)op_info(p->job.node->op)->column) {
  case COLUMN_LINEAR:
    linear(p, f, y);
    return;
  case COLUMN_RBF:
    rbf(p, f, y);
    return;
  case COLUMN_CONV:
    conv(p, f, y);
    return;
  case COLUMN_POOL:
    pool(p, f, y);
    return;
  case COLUMN_SUBSAMPLE:
    subsample(p, f, y);
    return;
  case COLUMN_SOFTMAX:
    softmax(p, f, y);
    return;
  case COLUMN_CONCAT:
    concat(p, f, y);
    return;
  case COLUMN_TRAINING:
    (p->job.node->op == OP_dropout ? dropout : cross_entropy)(p, f, y);
    return;
  case COLUMN_JOIN:
    join(p, f, y);
    return;
  case COLUMN_REDUCE:
    sum(p, f, y);
    return;
  case COLUMN_NORM:
    norm(p, f, y);
    return;
  case COLUMN_FAKE_QUANT:
    for (int64_t i = 0; i < p->job.out[0].elements; i++) y[i] = fake_quantised(p, f, i);
    return;
  case COLUMN_MATMUL:
    matmul(p, f, y);
    return;
  case COLUMN_POINTWISE:
    for (int64_t i = 0; i < p->job.out[0].elements; i++)
      y[i] = p->job.node->op == OP_requant ? requantised(p, f, i)
                                           : activation(p->job.node, frame(p, 0, f)[i]);
    return;
  case COLUMN_REORDER:
    reorder(p, f, y);
    return;
  case COLUMN_SHAPE:
    memcpy(y, frame(p, 0, f), (size_t)p->job.out[0].elements * sizeof *y);
    return;
  case COLUMN_CLASSIFY:
  case COLUMN_STATE:
  case COLUMN_GRADIENT:
  case COLUMN_OPAQUE:
    fail();
  }
}

void probe_evaluate(struct probe *p) {
  bool sums = node_int(p->job.node, ATTR_frames, 0) != 0;
  int64_t elements = p->job.out[0].elements;
  memset(p->y, 0, (size_t)probe_total(p, &p->job.out[0]) * sizeof *p->y);
  for (int64_t f = 0; f < (sums ? p->job.frames : job_frames(&p->job, &p->job.out[0])); f++)
    evaluate_frame(p, f, p->y + (sums ? 0 : f * elements));
  double terms = (double)(p->job.in[0].elements / elements * (sums ? p->job.frames : 1));
  for (int64_t i = 0; p->job.node->op == OP_mean && i < probe_total(p, &p->job.out[0]); i++)
    p->y[i] /= terms;
}
