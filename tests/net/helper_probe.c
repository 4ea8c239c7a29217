// SPDX-License-Identifier: Apache-2.0
#include "tests/net/helper_probe.h"

#include "tests/net/helper_nearest.h"
#include "tests/net/helper_oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

// ---- making a node

static int64_t pick(struct probe *p, int64_t lo, int64_t hi) {
  return rng_range(&p->rng, lo, hi);
}

static int64_t size(struct probe *p) {
  static const int64_t sizes[] = {1, 2, 3, 5, 7, 13, 37};
  return sizes[pick(p, 0, sizeof sizes / sizeof *sizes - 1)];
}

static bool bit(const struct probe *p, int i) {
  return p->bits >> i & 1;
}

int64_t probe_total(const struct probe *p, const struct array *x) {
  return job_frames(&p->job, x) * x->elements;
}

static float sixteenth(struct probe *p, int range) {
  return (float)(2 * pick(p, -8 * range, 8 * range - 1) + 1) / 16;
}

// An input of the node: of the graph if it has frames, a tensor otherwise.
static void add_input(struct probe *p, int rank, const int64_t *shape, bool frames, int range) {
  uint32_t k = p->g->nodes[p->node].n_in, value;
  const char *name = arena_printf(&p->arena, "x%u", k);
  struct tensor *t = tensor_new(&p->arena, DTYPE_F32, rank, shape);
  int64_t count = t->count * (frames ? p->job.frames : 1);
  float *x = ARENA_NEW(&p->arena, float, count);
  for (int64_t i = 0; i < count; i++) x[i] = sixteenth(p, range);
  if (frames) {
    value = graph_add_value(p->g, name, rank, shape, type_real(), true);
    p->inputs[p->g->n_inputs] = x;
    graph_add_input(p->g, value, (struct source){0});
  } else {
    memcpy(t->data, x, (size_t)count * sizeof *x);
    value = graph_add_tensor(p->g, name, t, type_real());
  }
  graph_add_use(p->g, p->node, (struct use){value, 0, NONE});
}

static void make_linear(struct probe *p) {
  int64_t x[3] = {pick(p, 1, 3), pick(p, 1, 2), size(p)}, w[2] = {size(p), x[2]};
  int rank = (int)pick(p, 1, 3);
  add_input(p, rank, x + 3 - rank, bit(p, 0), 2);
  add_input(p, 2, w, bit(p, 1), 2);
  if (bit(p, 2)) add_input(p, 1, w, bit(p, 3), 2);
}

static void make_conv(struct probe *p) {
  int axes = p->g->nodes[p->node].op == OP_conv1d ? 1 : 2;
  int64_t groups = bit(p, 2) ? pick(p, 1, 3) : 1, x[3], w[4], list[4];
  x[axes] = groups * pick(p, 1, 3);
  w[0] = groups * pick(p, 1, 3);
  w[axes + 1] = x[axes] / groups;
  for (int d = 0; d < axes; d++) {
    x[d] = pick(p, 5, 20);
    w[1 + d] = pick(p, 1, 3);
  }
  add_input(p, axes + 1, x, bit(p, 0), 2);
  add_input(p, axes + 2, w, bit(p, 1), 2);
  if (bit(p, 3)) add_input(p, 1, w, bit(p, 4), 2);
  for (int i = 0; i < 4; i++) list[i] = pick(p, 1, 2);
  if (pick(p, 0, 1)) graph_add_ints(p->g, p->node, ATTR_stride, axes, list);
  if (pick(p, 0, 1)) graph_add_ints(p->g, p->node, ATTR_dilation, axes, list + 2);
  if (pick(p, 0, 1)) graph_add_ints(p->g, p->node, ATTR_pad, 2 * axes, list);
  if (groups > 1) graph_add_int(p->g, p->node, ATTR_groups, groups);
}

// Odd multiples of 1/16 of which none occurs twice among 256 in a row.
static void distinct(struct probe *p) {
  const struct value *v = node_in(p->g, &p->g->nodes[p->node], 0);
  int64_t count = value_elements(v) * (v->per_frame ? p->job.frames : 1), first = pick(p, 0, 255);
  float *x = v->init ? v->init->data : (float *)(uintptr_t)p->inputs[0];
  for (int64_t i = 0; i < count; i++) x[i] = (float)(2 * ((first + 37 * i) % 256) - 255) / 16;
}

// The largest of a window stays it within a small step.
static void make_pool(struct probe *p) {
  int axes = (int)pick(p, 1, 2);
  int64_t x[3], kernel[2], pad[4];
  for (int d = 0; d < axes; d++) {
    x[d] = pick(p, 3, 7);
    kernel[d] = pick(p, 1, 3);
    pad[d] = pick(p, 0, kernel[d] - 1);
    pad[axes + d] = pick(p, 0, kernel[d] - 1);
  }
  x[axes] = pick(p, 1, 3);
  add_input(p, axes + 1, x, bit(p, 0), 9);
  distinct(p);
  if (bit(p, 1)) return; // over the image
  graph_add_ints(p->g, p->node, ATTR_kernel, axes, kernel);
  graph_add_ints(p->g, p->node, ATTR_pad, 2 * axes, pad);
  graph_add_ints(p->g, p->node, ATTR_stride, axes, (int64_t[]){pick(p, 1, 2), pick(p, 1, 2)});
  if (bit(p, 2)) graph_add_int(p->g, p->node, ATTR_ceil, 1);
  if (bit(p, 3) && op_takes(p->g->nodes[p->node].op, ATTR_count_pad))
    graph_add_int(p->g, p->node, ATTR_count_pad, 1);
}

static void make_slice(struct probe *p, const int64_t *x) {
  int64_t begin[3], end[3], step[3];
  for (int d = 0; d < 3; d++) {
    begin[d] = pick(p, 0, x[d] - 1);
    end[d] = pick(p, begin[d] + 1, x[d]);
    step[d] = pick(p, 1, 3);
  }
  if (bit(p, 1)) graph_add_ints(p->g, p->node, ATTR_begin, 3, begin);
  if (bit(p, 2)) graph_add_ints(p->g, p->node, ATTR_end, 3, end);
  if (bit(p, 3)) graph_add_ints(p->g, p->node, ATTR_step, 3, step);
}

static void make_pad(struct probe *p) {
  int64_t sizes[6];
  for (int i = 0; i < 6; i++) sizes[i] = pick(p, 0, 2);
  graph_add_ints(p->g, p->node, ATTR_pad, 6, sizes);
  if (bit(p, 1)) graph_add_real(p->g, p->node, ATTR_value, sixteenth(p, 2));
}

static void make_upsample(struct probe *p) {
  graph_add_ints(p->g, p->node, ATTR_factors, 2, (int64_t[]){pick(p, 1, 3), pick(p, 1, 3)});
}

static void make_permute(struct probe *p) {
  int64_t axes[3] = {pick(p, 0, 2), 0, 0};
  axes[1] = (axes[0] + pick(p, 1, 2)) % 3;
  axes[2] = 3 - axes[0] - axes[1];
  graph_add_ints(p->g, p->node, ATTR_axes, 3, axes);
}

static void make_reorder(struct probe *p) {
  int64_t x[3] = {pick(p, 1, 5), pick(p, 1, 6), pick(p, 1, 4)};
  enum op op = p->g->nodes[p->node].op;
  add_input(p, 3, x, bit(p, 0), 2);
  if (op == OP_pad)
    make_pad(p);
  else if (op == OP_upsample)
    make_upsample(p);
  else if (op == OP_permute)
    make_permute(p);
  else
    make_slice(p, x);
}

static void make_matmul(struct probe *p) {
  bool ta = bit(p, 0), tb = bit(p, 1), frames = bit(p, 2);
  int64_t m = pick(p, 1, 7), k = size(p), n = pick(p, 1, 7);
  add_input(p, 2, ta ? (int64_t[]){k, m} : (int64_t[]){m, k}, bit(p, 3) || frames, 2);
  add_input(p, 2, tb ? (int64_t[]){n, k} : (int64_t[]){k, n}, bit(p, 4), 2);
  graph_add_int(p->g, p->node, ATTR_transpose_a, ta);
  graph_add_int(p->g, p->node, ATTR_transpose_b, tb);
  graph_add_int(p->g, p->node, ATTR_frames, frames);
}

// Each input has the dimensions of the result, some of them 1, some of the first left out.
static void make_join(struct probe *p) {
  int64_t shape[3] = {pick(p, 1, 3), pick(p, 1, 5), pick(p, 1, 7)};
  for (int i = 0; i < 2; i++) {
    int64_t own[3];
    int rank = (int)pick(p, 1, 3);
    for (int d = 0; d < 3; d++) own[d] = pick(p, 0, 2) ? shape[d] : 1;
    add_input(p, rank, own + 3 - rank, bit(p, i), 2);
  }
}

static void make_sum(struct probe *p) {
  int64_t shape[3] = {pick(p, 1, 3), pick(p, 1, 5), pick(p, 1, 7)}, axes[3], count = 0;
  for (int d = 0; d < 3; d++)
    if (bit(p, d)) axes[count++] = d;
  add_input(p, 3, shape, bit(p, 3) || bit(p, 4), 2);
  if (count) graph_add_ints(p->g, p->node, ATTR_axes, count, axes);
  graph_add_int(p->g, p->node, ATTR_frames, bit(p, 3));
}

static void make_concat(struct probe *p) {
  int64_t shape[3] = {pick(p, 1, 3), pick(p, 1, 5), pick(p, 1, 7)}, axis = pick(p, 0, 2);
  for (int64_t i = pick(p, 1, 3); i > 0; i--) {
    shape[axis] = size(p);
    add_input(p, 3, shape, bit(p, 0), 2);
  }
  graph_add_int(p->g, p->node, ATTR_axis, bit(p, 1) ? axis : axis - 3);
}

static void make_cross_entropy(struct probe *p) {
  int64_t shape[2] = {pick(p, 1, 3), size(p)};
  int rank = (int)pick(p, 1, 2);
  for (int i = 0; i < 2; i++) add_input(p, rank, shape + 2 - rank, bit(p, 0), 2);
}

// The step is one number; without it nothing is dropped.
static void make_dropout(struct probe *p) {
  int64_t shape[2] = {size(p), size(p)};
  add_input(p, 2, shape, bit(p, 0), 2);
  if (bit(p, 1)) {
    add_input(p, 1, (int64_t[]){1}, false, 2);
    float *step = p->g->values[p->g->nodes[p->node].in[1].value].init->data;
    *step = (float)pick(p, 0, 1 << 20) + 0.5f;
  }
  graph_add_real(p->g, p->node, ATTR_rate, 0.25);
  graph_add_int(p->g, p->node, ATTR_seed, pick(p, 0, 1 << 20));
}

static void make_elements(struct probe *p, int range) {
  int64_t shape[3] = {pick(p, 1, 2), pick(p, 1, 3), pick(p, 1, 5)};
  int rank = (int)pick(p, 1, 3);
  add_input(p, rank, shape + 3 - rank, bit(p, 0), range);
}

// Constants whose kinks are multiples of 1/8: of hard_sigmoid at -2 and 2.
void probe_constants(struct probe *p, enum op op) {
  static const double reals[ATTR_COUNT] = {
      [ATTR_lambda] = 0.5, [ATTR_slope] = 0.25, [ATTR_offset] = 0.5,
      [ATTR_lo] = -1.5,    [ATTR_hi] = 2.25,    [ATTR_alpha] = 0.75};
  for (int a = 0; a < ATTR_COUNT; a++)
    if (op_takes(op, (enum attr_name)a) && reals[a] != 0)
      graph_add_real(p->g, p->node, (enum attr_name)a, reals[a]);
  if (op == OP_gelu && bit(p, 1)) graph_add_attr(p->g, p->node, ATTR_approximate)->text = "tanh";
}

// A type, rounding and overflow of each kind, with limits that no input meets; scales per tensor or
// along an axis.
static void make_requant(struct probe *p) {
  static const double scales[] = {0.25, 0.5, 1, 2};
  make_elements(p, 9);
  struct node *n = &p->g->nodes[p->node];
  const struct value *x = node_in(p->g, n, 0);
  int axis = bit(p, 1) ? (int)pick(p, 0, x->rank - 1) : -1;
  int64_t channels = axis < 0 ? 1 : x->shape[axis];
  bool is_signed = pick(p, 0, 2) > 0, bipolar = pick(p, 0, 5) == 0;
  int width = (int)pick(p, 2, 4);
  double *scale = ARENA_NEW(&p->arena, double, channels);
  int32_t *zero = ARENA_NEW(&p->arena, int32_t, channels);
  n->rounding = (enum fix_rounding)pick(p, FIX_FLOOR, FIX_AWAY);
  n->overflow = (enum fix_overflow)pick(p, FIX_SATURATE, FIX_TO_ZERO);
  for (int64_t c = 0; c < channels; c++) {
    scale[c] = scales[pick(p, 0, 3)];
    if (n->overflow != FIX_SYMMETRIC) zero[c] = (int32_t)pick(p, 0, 1);
  }
  graph_add_type(p->g, p->node, ATTR_type,
                 bipolar ? type_signs(&p->arena, TYPE_BIPOLAR, axis, channels, scale)
                         : type_channels(&p->arena, width, is_signed, axis, channels, scale, zero));
}

bool probe_make(struct probe *p, enum op op) {
  switch ((enum op_gradient)op_info(op)->gradient) {
  case GRADIENT_LINEAR:
    make_linear(p);
    return true;
  case GRADIENT_CONV:
    make_conv(p);
    return true;
  case GRADIENT_MAX_POOL:
  case GRADIENT_AVG_POOL:
    make_pool(p);
    return true;
  case GRADIENT_REORDER:
    make_reorder(p);
    return true;
  case GRADIENT_COPY:
    make_elements(p, 2);
    if (op == OP_reshape) graph_add_ints(p->g, p->node, ATTR_shape, 2, (int64_t[]){-1, 1});
    return true;
  case GRADIENT_SLOPE:
    make_elements(p, 9);
    probe_constants(p, op);
    return true;
  case GRADIENT_THROUGH:
    make_requant(p);
    return true;
  case GRADIENT_SOFTMAX:
    make_elements(p, 2);
    return true;
  case GRADIENT_TERM:
  case GRADIENT_FACTOR:
    make_join(p);
    return true;
  case GRADIENT_SUM:
    make_sum(p);
    return true;
  case GRADIENT_MATMUL:
    make_matmul(p);
    return true;
  case GRADIENT_CONCAT:
    make_concat(p);
    return true;
  case GRADIENT_CROSS_ENTROPY:
    make_cross_entropy(p);
    return true;
  case GRADIENT_DROPOUT:
    make_dropout(p);
    return true;
  case GRADIENT_STEP:
  case GRADIENT_SECOND:
  case GRADIENT_INTEGER:
  case GRADIENT_INDEX:
  case GRADIENT_STATE:
  case GRADIENT_CARRIED:
    break;
  }
  return false;
}

static void add_output(struct probe *p) {
  const struct node *n = &p->g->nodes[p->node];
  struct err e = {0};
  int64_t shape[RANK_MAX] = {0};
  int rank;
  bool frames = false;
  if (!graph_shape(p->g, n, 0, &rank, shape, &e)) fail_msg("%s", e.text);
  for (uint32_t k = 0; k < n->n_in; k++) frames |= node_in(p->g, n, k)->per_frame;
  frames &= !node_int(n, ATTR_frames, 0);
  uint32_t y = graph_add_value(p->g, "y", rank, shape, type_real(), frames);
  graph_add_out(p->g, p->node, y);
  graph_add_output(p->g, y);
  if (!graph_verify(p->g, &e)) fail_msg("%s: %s", op_info(n->op)->name, e.text);
}

static double *doubles(struct probe *p, const struct array *x) {
  double *d = ARENA_NEW(&p->arena, double, probe_total(p, x));
  for (int64_t i = 0; i < probe_total(p, x); i++) d[i] = (double)((const float *)x->data)[i];
  return d;
}

// Fires the node in the float executor and keeps what it saw and gave.
static void fire(struct probe *p) {
  const struct node *n = p->job.node = &p->g->nodes[p->node];
  struct steps *s = real_steps(&p->arena, p->g, p->job.frames);
  steps_run(s, p->inputs);
  p->job.graph = p->g;
  for (uint32_t k = 0; k < n->n_in; k++) {
    p->job.in[k] = array_of(node_in(p->g, n, k), (void *)steps_value(s, n->in[k].value));
    p->x[k] = doubles(p, &p->job.in[k]);
  }
  p->job.out[0] = array_of(node_out(p->g, n, 0), (void *)steps_value(s, n->out[0]));
  p->y = doubles(p, &p->job.out[0]);
  p->dy = ARENA_NEW(&p->arena, float, probe_total(p, &p->job.out[0]));
  for (int64_t i = 0; i < probe_total(p, &p->job.out[0]); i++)
    p->dy[i] = (float)(4 * rng_unit(&p->rng) - 2);
}

void probe_begin(struct probe *p, enum op op, uint32_t bits) {
  *p = (struct probe){.rng = {1000u * op + bits, 0}, .bits = bits};
  p->job.frames = pick(p, 1, 3);
  p->g = graph_new(&p->arena, "probe");
  p->node = graph_add_node(p->g, op, "node");
}

void probe_new(struct probe *p, enum op op, uint32_t bits) {
  probe_begin(p, op, bits);
  if (!probe_make(p, op))
    fail_msg("%s has a gradient that no test knows how to reach", op_info(op)->name);
  add_output(p);
  fire(p);
}

// ---- the same node in double

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

static void softmax(const struct probe *p, int64_t f, double *y) {
  const double *x = frame(p, 0, f);
  int64_t count = p->job.in[0].shape[p->job.in[0].rank - 1];
  for (int64_t i = 0; i < p->job.out[0].elements; i++) {
    double sum = 0;
    for (int64_t k = i / count * count; k < (i / count + 1) * count; k++) sum += exp(x[k] - x[i]);
    y[i] = 1 / sum;
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

static void evaluate_frame(const struct probe *p, int64_t f, double *y) {
  switch ((enum op_column)op_info(p->job.node->op)->column) {
  case COLUMN_LINEAR:
    linear(p, f, y);
    return;
  case COLUMN_CONV:
    conv(p, f, y);
    return;
  case COLUMN_POOL:
    pool(p, f, y);
    return;
  case COLUMN_CLASSIFY:
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
