// SPDX-License-Identifier: Apache-2.0
#include "tests/net/helper_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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
  bool biased = op_info(p->g->nodes[p->node].op)->in_max > 2;
  if (biased && bit(p, 2)) add_input(p, 1, w, bit(p, 3), 2);
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

static void make_subsample(struct probe *p) {
  int axes = (int)pick(p, 1, 2);
  int64_t x[3], kernel[2], list[6];
  for (int d = 0; d < axes; d++) {
    x[d] = pick(p, 5, 9);
    kernel[d] = pick(p, 1, 3);
  }
  x[axes] = pick(p, 1, 3);
  add_input(p, axes + 1, x, bit(p, 0), 2);
  add_input(p, 1, x + axes, bit(p, 1), 2);
  if (bit(p, 2)) add_input(p, 1, x + axes, bit(p, 3), 2);
  if (bit(p, 4)) graph_add_ints(p->g, p->node, ATTR_kernel, axes, kernel);
  for (int i = 0; i < 6; i++) list[i] = pick(p, 1, 2);
  if (pick(p, 0, 1)) graph_add_ints(p->g, p->node, ATTR_stride, axes, list);
  if (bit(p, 4) && pick(p, 0, 1)) graph_add_ints(p->g, p->node, ATTR_dilation, axes, list + 2);
  if (pick(p, 0, 1)) graph_add_ints(p->g, p->node, ATTR_pad, 2 * axes, list + 2);
  if (pick(p, 0, 1)) graph_add_int(p->g, p->node, ATTR_ceil, 1);
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
  if (bit(p, 1)) graph_add_real(p->g, p->node, ATTR_rubbish, (double)pick(p, -2, 2) + 0.25);
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

// Mean and variance of the step, or given ones.
static void make_norm(struct probe *p) {
  int64_t shape[3] = {pick(p, 2, 3), pick(p, 1, 3), size(p)};
  int rank = bit(p, 1) ? (int)pick(p, 2, 3) : (int)pick(p, 1, 3);
  add_input(p, rank, shape + 3 - rank, true, 2);
  for (int i = 0; i < 4; i++) add_input(p, 1, shape + 2, false, 2);
  float *variance = p->g->values[p->g->nodes[p->node].in[4].value].init->data;
  for (int64_t c = 0; c < shape[2]; c++) variance[c] = 1 + variance[c] * variance[c];
  if (bit(p, 1)) add_input(p, 1, (int64_t[]){1}, false, 2);
  if (bit(p, 2)) graph_add_real(p->g, p->node, ATTR_epsilon, 0.25);
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

// With a scale, with one for each index of the first axis, or with those that cover what there is.
static void make_fake_quant(struct probe *p) {
  static const double units[] = {0.25, 0.5, 1, 2};
  make_elements(p, 9);
  const struct value x = *node_in(p->g, &p->g->nodes[p->node], 0);
  bool given = bit(p, 1), channels = bit(p, 2) && !x.per_frame, bipolar = given && bit(p, 3);
  struct type t = type_fixed(&p->arena, (int)pick(p, 2, 4), pick(p, 0, 2) > 0 || !given,
                             units[pick(p, 0, 3)], 0);
  double unit = units[pick(p, 0, 3)];
  if (bipolar) t = type_signs(&p->arena, TYPE_BIPOLAR, -1, 1, &unit);
  graph_add_type(p->g, p->node, ATTR_type, t);
  if (given)
    add_input(p, 1, (int64_t[]){channels ? x.shape[0] : 1}, false, 2);
  else if (channels)
    graph_add_int(p->g, p->node, ATTR_axis, 0);
}

bool probe_make(struct probe *p, enum op op) {
  switch ((enum op_gradient)op_info(op)->gradient) {
  case GRADIENT_LINEAR:
  case GRADIENT_RBF:
    make_linear(p);
    return true;
  case GRADIENT_CONV:
    make_conv(p);
    return true;
  case GRADIENT_MAX_POOL:
  case GRADIENT_AVG_POOL:
    make_pool(p);
    return true;
  case GRADIENT_SUBSAMPLE:
    make_subsample(p);
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
  case GRADIENT_LOG_SOFTMAX:
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
  case GRADIENT_NORM:
    make_norm(p);
    return true;
  case GRADIENT_FAKE_QUANT:
    make_fake_quant(p);
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

// What a kind gives besides in training.
static void add_averages(struct probe *p) {
  const struct node *n = &p->g->nodes[p->node];
  if (!op_is(n->op, TRAIT_AVERAGES) || n->n_in < op_info(n->op)->in_max) return;
  for (uint32_t i = 1; i < op_info(n->op)->out_max; i++) {
    const struct value *like = node_in(p->g, n, 2 + i);
    graph_add_out(p->g, p->node,
                  graph_add_value(p->g, arena_printf(&p->arena, "y%u", i), 1, like->shape,
                                  type_real(), false));
  }
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
  add_averages(p);
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
