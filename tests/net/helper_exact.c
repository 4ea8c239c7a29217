// SPDX-License-Identifier: Apache-2.0
#include "tests/net/helper_exact.h"

#include "tests/net/helper_oracle.h"
#include "tests/net/helper_rational.h"
#include "tests/net/helper_softmax.h"

#include <math.h>
#include <stdlib.h>

// ---- a graph

struct step {
  struct arena *arena;
  const struct graph *g;
  int64_t frames;
  int64_t **of; // (n_values)
};

static const struct value *input_of(const struct step *s, const struct node *n, uint32_t i) {
  return i < n->n_in ? &s->g->values[n->in[i].value] : NULL;
}
static const struct value *output_of(const struct step *s, const struct node *n) {
  return &s->g->values[n->out[0]];
}
static int64_t elements_of(const struct value *v) {
  int64_t count = 1;
  for (int k = 0; k < v->rank; k++) count *= v->shape[k];
  return count;
}
static int64_t frames_of(const struct step *s, const struct value *v) {
  return v->per_frame ? s->frames : 1;
}
static int64_t zero_of(const struct value *v, int64_t channel) {
  if (v->type.cls != TYPE_FIXED) return 0;
  return v->type.zero[v->type.axis < 0 ? 0 : channel];
}

// Element i of input k in a frame, as its integer, and minus its zero.
static int64_t code(const struct step *s, const struct node *n, uint32_t k, int64_t f, int64_t i) {
  const struct value *v = input_of(s, n, k);
  if (v->init) return tensor_int(v->init, i);
  return s->of[n->in[k].value][(v->per_frame ? f : 0) * elements_of(v) + i];
}
static fix_wide centred(const struct step *s, const struct node *n, uint32_t k, int64_t f,
                        int64_t i) {
  return (fix_wide)code(s, n, k, f, i) - zero_of(input_of(s, n, k), 0);
}

// acc of output channel c becomes a code, by requantisation number `which` of the node.
static int64_t finish(const struct step *s, const struct node *n, uint32_t which, fix_wide acc,
                      int64_t c) {
  const struct value *y = output_of(s, n);
  const struct requant *rq = &n->rq[which];
  bool fixed = y->type.cls == TYPE_FIXED, is_float = y->type.cls == TYPE_MINIFLOAT;
  struct fix_target t = {.width = fixed ? y->type.width : 2,
                         .is_signed = fixed || is_float ? y->type.is_signed : true,
                         .bipolar = y->type.cls == TYPE_BIPOLAR,
                         .is_float = is_float,
                         .mantissa = y->type.minifloat.mantissa,
                         .highest = is_float ? type_highest(&y->type) : 0,
                         .zero = zero_of(y, c),
                         .rounding = n->rounding,
                         .overflow = n->overflow};
  return rational_requant(acc, rq->mul[rq->count > 1 ? c : 0], rq->shift[rq->count > 1 ? c : 0],
                          &t);
}

// The sum of products, as many times as the bias is finer, and the bias of output o.
static fix_wide with_bias(const struct step *s, const struct node *n, int64_t f, int64_t o,
                          fix_wide sum) {
  if (n->n_in < 3) return sum;
  const struct type *x = &input_of(s, n, 0)->type, *w = &input_of(s, n, 1)->type;
  double times = x->scale[0] * w->scale[0] / input_of(s, n, 2)->type.scale[0];
  return sum * llround(times) + code(s, n, 2, f, o);
}

static void linear(const struct step *s, const struct node *n, int64_t *y) {
  const struct value *x = input_of(s, n, 0), *w = input_of(s, n, 1);
  int64_t in = w->shape[1], out = w->shape[0], rows = elements_of(x) / in;
  for (int64_t f = 0; f < frames_of(s, output_of(s, n)); f++)
    for (int64_t r = 0; r < rows; r++)
      for (int64_t o = 0; o < out; o++) {
        fix_wide acc = 0;
        for (int64_t i = 0; i < in; i++)
          acc += centred(s, n, 0, f, r * in + i) *
                 ((fix_wide)code(s, n, 1, f, o * in + i) - zero_of(w, o));
        y[(f * rows + r) * out + o] = finish(s, n, 0, with_bias(s, n, f, o, acc), o);
      }
}

// Both at the finer scale: the coarser one's integers as so many times as many.
static void rbf(const struct step *s, const struct node *n, int64_t *y) {
  const struct value *x = input_of(s, n, 0), *w = input_of(s, n, 1);
  int64_t in = w->shape[1], out = w->shape[0], rows = elements_of(x) / in;
  double of_x = type_scale(&x->type, 0), of_w = type_scale(&w->type, 0);
  fix_wide times_x = 1, times_w = 1;
  for (; of_x > of_w; of_x /= 2) times_x *= 2;
  for (; of_w > of_x; of_w /= 2) times_w *= 2;
  for (int64_t f = 0; f < frames_of(s, output_of(s, n)); f++)
    for (int64_t r = 0; r < rows; r++)
      for (int64_t o = 0; o < out; o++) {
        fix_wide acc = 0;
        for (int64_t i = 0; i < in; i++) {
          fix_wide d = centred(s, n, 0, f, r * in + i) * times_x -
                       ((fix_wide)code(s, n, 1, f, o * in + i) - zero_of(w, 0)) * times_w;
          acc += d * d;
        }
        y[(f * rows + r) * out + o] = finish(s, n, 0, acc, o);
      }
}

// ---- windows: an image of one row is (1, L, C)

struct image {
  int64_t size[2], channels; // of the input
  int64_t kernel[2], out[2], stride[2], dilation[2], pad[2];
};

static int64_t listed(const struct node *n, enum attr_name name, int64_t i, int64_t otherwise) {
  const struct attr *a = node_attr(n, name);
  return a ? a->ints[i] : otherwise;
}

static struct image image_of(const struct step *s, const struct node *n, const int64_t *kernel) {
  const struct value *x = input_of(s, n, 0), *y = output_of(s, n);
  int axes = x->rank - 1;
  struct image m = {{1, 1}, x->shape[axes], {1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}};
  for (int d = 0; d < axes; d++) {
    int to = d + 2 - axes;
    m.size[to] = x->shape[d];
    m.kernel[to] = kernel[d];
    m.out[to] = y->shape[d];
    m.stride[to] = listed(n, ATTR_stride, d, 1);
    m.dilation[to] = listed(n, ATTR_dilation, d, 1);
    m.pad[to] = listed(n, ATTR_pad, d, 0);
  }
  return m;
}

// The pixel that tap (ky, kx) of output pixel (oy, ox) sees; -1 in the padding.
static int64_t seen(const struct image *m, int64_t oy, int64_t ox, int64_t ky, int64_t kx) {
  int64_t y = oy * m->stride[0] + ky * m->dilation[0] - m->pad[0];
  int64_t x = ox * m->stride[1] + kx * m->dilation[1] - m->pad[1];
  return y < 0 || y >= m->size[0] || x < 0 || x >= m->size[1] ? -1 : y * m->size[1] + x;
}

static void conv(const struct step *s, const struct node *n, int64_t *to) {
  const struct value *w = input_of(s, n, 1);
  struct image m = image_of(s, n, w->shape + 1);
  int64_t outs = w->shape[0], ins = w->shape[w->rank - 1];
  int64_t per_group = outs / (m.channels / ins);
  for (int64_t f = 0; f < frames_of(s, output_of(s, n)); f++)
    for (int64_t oy = 0; oy < m.out[0]; oy++)
      for (int64_t ox = 0; ox < m.out[1]; ox++)
        for (int64_t o = 0; o < outs; o++) {
          fix_wide acc = 0;
          for (int64_t ky = 0; ky < m.kernel[0]; ky++)
            for (int64_t kx = 0; kx < m.kernel[1]; kx++)
              for (int64_t i = 0; i < ins; i++) {
                int64_t pixel = seen(&m, oy, ox, ky, kx);
                int64_t weight = ((o * m.kernel[0] + ky) * m.kernel[1] + kx) * ins + i;
                if (pixel >= 0)
                  acc += centred(s, n, 0, f, pixel * m.channels + o / per_group * ins + i) *
                         ((fix_wide)code(s, n, 1, f, weight) - zero_of(w, o));
              }
          *to++ = finish(s, n, 0, with_bias(s, n, f, o, acc), o);
        }
}

// A depthwise convolution all of whose taps have the channel's one weight.
static void subsample(const struct step *s, const struct node *n, int64_t *to) {
  const struct value *x = input_of(s, n, 0), *w = input_of(s, n, 1);
  const struct attr *kernel = node_attr(n, ATTR_kernel);
  struct image m = image_of(s, n, kernel ? kernel->ints : x->shape);
  for (int64_t f = 0; f < frames_of(s, output_of(s, n)); f++)
    for (int64_t i = 0; i < m.out[0] * m.out[1] * m.channels; i++) {
      int64_t c = i % m.channels, ox = i / m.channels % m.out[1], oy = i / m.channels / m.out[1];
      fix_wide acc = 0;
      for (int64_t k = 0; k < m.kernel[0] * m.kernel[1]; k++) {
        int64_t pixel = seen(&m, oy, ox, k / m.kernel[1], k % m.kernel[1]);
        if (pixel >= 0)
          acc += centred(s, n, 0, f, pixel * m.channels + c) *
                 ((fix_wide)code(s, n, 1, f, c) - zero_of(w, c));
      }
      *to++ = finish(s, n, 0, with_bias(s, n, f, c, acc), c);
    }
}

// sum * 2^-shift / count as a code: the quotient, and what the digits behind it say.
static int64_t divided(const struct step *s, const struct node *n, fix_wide sum, int64_t count) {
  const struct value *y = output_of(s, n);
  struct fix_target t = {.width = y->type.width,
                         .is_signed = y->type.is_signed,
                         .zero = zero_of(y, 0),
                         .rounding = n->rounding,
                         .overflow = n->overflow};
  return rational_quotient(sum, count, n->rq[0].shift[0], &t);
}

// The counts of all windows, those below a given one.
static uint32_t rank_of(const int64_t *counts, int64_t windows, int64_t count) {
  uint32_t below = 0;
  for (int64_t i = 0; i < windows; i++) {
    bool first = counts[i] < count;
    for (int64_t k = 0; k < i; k++) first &= counts[k] != counts[i];
    below += first;
  }
  return below;
}

// Of the codes themselves, the nearest, ties away from 0.
static int64_t codes_average(const struct step *s, const struct node *n, fix_wide sum,
                             int64_t count) {
  const struct value *y = output_of(s, n);
  const struct fix_target t = {.width = y->type.width,
                               .is_signed = y->type.is_signed,
                               .rounding = FIX_HALF_AWAY,
                               .overflow = n->overflow};
  return rational_quotient(sum, count, 0, &t);
}

static void pool(const struct step *s, const struct node *n, int64_t *to) {
  const struct value *x = input_of(s, n, 0), *y = output_of(s, n);
  const struct attr *kernel = node_attr(n, ATTR_kernel);
  struct image m = image_of(s, n, kernel ? kernel->ints : x->shape);
  int axes = x->rank - 1;
  bool padding = node_int(n, ATTR_count_pad, 0);
  int64_t last[2] = {0, 0}, windows = m.out[0] * m.out[1];
  for (int d = 0; d < axes; d++) last[d + 2 - axes] = listed(n, ATTR_pad, axes + d, 0);
  int64_t *counts = ARENA_NEW(s->arena, int64_t, windows);
  for (int pass = 0; pass < 2; pass++)
    for (int64_t i = 0; i < (pass ? frames_of(s, y) : 1) * windows * m.channels; i++) {
      int64_t c = i % m.channels, w = i / m.channels % windows, f = i / m.channels / windows;
      int64_t best = INT64_MIN, count = 0;
      fix_wide sum = 0;
      for (int64_t k = 0; k < m.kernel[0] * m.kernel[1]; k++) {
        int64_t oy = w / m.out[1], ox = w % m.out[1], ky = k / m.kernel[1], kx = k % m.kernel[1];
        int64_t pixel = seen(&m, oy, ox, ky, kx);
        bool beyond = oy * m.stride[0] + ky - m.pad[0] >= m.size[0] + last[0] ||
                      ox * m.stride[1] + kx - m.pad[1] >= m.size[1] + last[1];
        count += pixel >= 0 || (padding && !beyond);
        if (pixel < 0) continue;
        int64_t at = pixel * m.channels + c;
        if (code(s, n, 0, f, at) > best) best = code(s, n, 0, f, at);
        sum += centred(s, n, 0, f, at);
      }
      counts[w] = count;
      if (!pass) continue;
      if (n->op == OP_max_pool)
        *to++ = n->n_rq ? finish(s, n, 0, (fix_wide)best - zero_of(x, 0), c) : best;
      else if (n->rq[0].mul[0] == 1)
        *to++ = n->rounding == FIX_TFLITE ? codes_average(s, n, sum + count * zero_of(x, 0), count)
                                          : divided(s, n, sum, count);
      else
        *to++ = finish(s, n, rank_of(counts, windows, count), sum, 0);
    }
}

// ---- element by element

static fix_wide limited(fix_wide v, fix_wide lo, fix_wide hi) {
  v = v > hi ? hi : v;
  return v < lo ? lo : v;
}

// The column "acc" of the page's table.
static fix_wide piecewise(const struct node *n, int64_t x, int64_t zero) {
  const int64_t *c = op_info(n->op)->codes ? node_codes(n) : NULL;
  fix_wide v = (fix_wide)x - zero;
  switch (n->op) {
  case OP_quantize:
  case OP_requant:
    return v;
  case OP_relu:
    return v < 0 ? 0 : v;
  case OP_relu6:
  case OP_clip:
  case OP_hard_tanh:
    return limited(x, c[0], c[1]) - zero;
  case OP_softshrink:
    return v > c[0] ? v - c[0] : v < -c[0] ? v + c[0] : 0;
  case OP_hardshrink:
    return v > c[0] || v < -c[0] ? v : 0;
  case OP_leaky_relu:
    return v < 0 ? v * n->rq[0].mul[0] : v * ((fix_wide)1 << n->rq[0].shift[0]);
  case OP_hard_sigmoid:
    return limited(v * n->rq[0].mul[0] + c[0], 0, c[1]);
  default:
    abort();
  }
}

static int64_t curve_value(const struct step *s, const struct node *n, int64_t x) {
  const struct type *in = &input_of(s, n, 0)->type, *out = &output_of(s, n)->type;
  struct curve_domain d = {type_lowest(in),  type_highest(in),  in->zero[0],  in->scale[0],
                           type_lowest(out), type_highest(out), out->zero[0], out->scale[0]};
  return oracle_code((enum curve)node_curve(n), node_real(n, ATTR_alpha, 1), &d, x);
}

static int64_t pointwise_value(const struct step *s, const struct node *n, int64_t x, int64_t c) {
  const struct value *in = input_of(s, n, 0);
  uint32_t slopes = n->op == OP_leaky_relu || n->op == OP_hard_sigmoid;
  if (node_curve(n) != NONE) return curve_value(s, n, x);
  if (node_attr(n, ATTR_table))
    return tensor_int(node_attr(n, ATTR_table)->tensor, x - type_lowest(&in->type));
  fix_wide acc = piecewise(n, x, zero_of(in, c));
  if (output_of(s, n)->type.cls == TYPE_BIPOLAR) return acc < 0 ? -1 : 1;
  if (n->n_rq == slopes) return (int64_t)acc + zero_of(output_of(s, n), c); // equal types
  return finish(s, n, slopes, acc, c);
}

static void pointwise(const struct step *s, const struct node *n, int64_t *y) {
  const struct value *v = output_of(s, n);
  int64_t elements = elements_of(v), channels = v->rank ? v->shape[v->rank - 1] : 1;
  for (int64_t f = 0; f < frames_of(s, v); f++)
    for (int64_t i = 0; i < elements; i++)
      y[f * elements + i] = pointwise_value(s, n, code(s, n, 0, f, i), i % channels);
}

// ---- classification

// The best of those that aren't taken yet, the first of equals.
static int64_t best_left(const int64_t *row, const bool *taken, int64_t count, bool least) {
  int64_t best = -1;
  for (int64_t i = 0; i < count; i++) {
    if (taken[i]) continue;
    if (best < 0 || (least ? row[i] < row[best] : row[i] > row[best])) best = i;
  }
  return best;
}

static void classify(const struct step *s, const struct node *n, int64_t *y) {
  const struct value *x = input_of(s, n, 0);
  int64_t count = x->shape[x->rank - 1], elements = elements_of(x);
  int64_t *row = ARENA_NEW(s->arena, int64_t, count);
  int64_t *value = n->n_out > 1 ? s->of[n->out[1]] : NULL;
  int64_t best = n->op == OP_top_k ? node_int(n, ATTR_k, 0) : 1;
  for (int64_t r = 0; r < frames_of(s, x) * elements / count; r++) {
    bool *taken = ARENA_NEW(s->arena, bool, count);
    for (int64_t k = 0; k < count; k++)
      row[k] = code(s, n, 0, r * count / elements, (r * count + k) % elements);
    for (int64_t k = 0; k < best; k++) {
      int64_t at = best_left(row, taken, count, n->op == OP_argmin);
      taken[at] = true;
      y[r * best + k] = at;
      if (value) value[r * best + k] = row[at];
    }
  }
}

static void softmax(const struct step *s, const struct node *n, int64_t *y) {
  const struct value *x = input_of(s, n, 0), *v = output_of(s, n);
  int64_t count = x->shape[x->rank - 1], elements = elements_of(x);
  int64_t *row = ARENA_NEW(s->arena, int64_t, count);
  for (int64_t r = 0; r < frames_of(s, x) * elements / count; r++) {
    for (int64_t k = 0; k < count; k++)
      row[k] = code(s, n, 0, r * count / elements, (r * count + k) % elements);
    if (n->rounding == FIX_TFLITE) {
      exact_softmax_tflite(row, count, n->rq[0].mul[0], n->rq[0].shift[0], y + r * count);
      continue;
    }
    for (int64_t k = 0; k < count; k++)
      y[r * count + k] =
          (n->op == OP_log_softmax  ? exact_log_softmax
           : n->where == WHERE_HOST ? exact_softmax_host
                                    : exact_softmax_circuit)(row, count, k, &x->type, &v->type);
  }
}

// ---- joins, sums, products

// Index into an input of the output's element i, by NumPy's rules.
static int64_t broadcast(const struct value *x, const struct value *y, int64_t i) {
  int64_t index = 0, stride = 1;
  for (int k = 1; k <= y->rank; k++) {
    int64_t at = i % y->shape[y->rank - k], size = k <= x->rank ? x->shape[x->rank - k] : 1;
    i /= y->shape[y->rank - k];
    index += (size == 1 ? 0 : at) * stride;
    stride *= size;
  }
  return index;
}

// An addend of rounding tflite, 2^20 of it rounded.
static fix_wide rescaled(const struct node *n, uint32_t k, fix_wide v) {
  const struct fix_target t = {.width = 62, .is_signed = true, .rounding = FIX_TFLITE};
  return rational_requant(v * 1048576, n->rq[k].mul[0], n->rq[k].shift[0], &t);
}

static void join(const struct step *s, const struct node *n, int64_t *y) {
  const struct value *v = output_of(s, n);
  for (int64_t f = 0; f < frames_of(s, v); f++)
    for (int64_t i = 0; i < elements_of(v); i++) {
      fix_wide a = centred(s, n, 0, f, broadcast(input_of(s, n, 0), v, i));
      fix_wide b = centred(s, n, 1, f, broadcast(input_of(s, n, 1), v, i));
      fix_wide acc = n->op == OP_mul ? a * b : a * n->rq[0].mul[0];
      if (n->op == OP_add) acc += b * n->rq[1].mul[0];
      if (n->op == OP_sub) acc -= b * n->rq[1].mul[0];
      if (n->op != OP_mul && n->rounding == FIX_TFLITE) {
        fix_wide right = rescaled(n, 1, b);
        acc = rescaled(n, 0, a) + (n->op == OP_sub ? -right : right);
        y[f * elements_of(v) + i] = finish(s, n, 2, acc, 0);
        continue;
      }
      struct requant shift_only = {1, (const int64_t[]){1}, n->rq[0].shift};
      struct node once = *n;
      if (n->op != OP_mul) once.rq = &shift_only;
      y[f * elements_of(v) + i] = finish(s, &once, 0, acc, 0);
    }
}

// The element of the result that element i of the input is added to.
static int64_t summed_into(const struct step *s, const struct node *n, int64_t i) {
  const struct value *x = input_of(s, n, 0);
  const struct attr *axes = node_attr(n, ATTR_axes);
  int64_t index = 0, stride = 1;
  for (int k = x->rank - 1; k >= 0; k--) {
    bool reduced = false;
    for (int64_t j = 0; axes && j < axes->count; j++) reduced |= axes->ints[j] == k;
    if (!reduced) index += i % x->shape[k] * stride;
    if (!reduced) stride *= x->shape[k];
    i /= x->shape[k];
  }
  return index;
}

static void sum(const struct step *s, const struct node *n, int64_t *y) {
  const struct value *x = input_of(s, n, 0), *v = output_of(s, n);
  int64_t size = elements_of(v), count = frames_of(s, v) * size;
  fix_wide *acc = arena_alloc(s->arena, (size_t)count, sizeof *acc);
  for (int64_t f = 0; f < frames_of(s, x); f++)
    for (int64_t i = 0; i < elements_of(x); i++)
      acc[(v->per_frame ? f : 0) * size + summed_into(s, n, i)] += centred(s, n, 0, f, i);
  for (int64_t i = 0; i < count; i++) y[i] = finish(s, n, 0, acc[i], 0);
}

static void matmul(const struct step *s, const struct node *n, int64_t *y) {
  const struct value *a = input_of(s, n, 0), *b = input_of(s, n, 1), *v = output_of(s, n);
  bool ta = node_int(n, ATTR_transpose_a, 0), tb = node_int(n, ATTR_transpose_b, 0);
  int64_t rows = a->shape[ta ? 1 : 0], inner = a->shape[ta ? 0 : 1], columns = b->shape[tb ? 0 : 1];
  int64_t size = rows * columns, count = frames_of(s, v) * size;
  fix_wide *acc = arena_alloc(s->arena, (size_t)count, sizeof *acc);
  int64_t frames = a->per_frame || b->per_frame ? s->frames : 1;
  for (int64_t f = 0; f < frames; f++)
    for (int64_t i = 0; i < size; i++)
      for (int64_t k = 0; k < inner; k++) {
        int64_t r = i / columns, c = i % columns;
        acc[(v->per_frame ? f : 0) * size + i] +=
            centred(s, n, 0, f, ta ? k * rows + r : r * inner + k) *
            centred(s, n, 1, f, tb ? c * inner + k : k * columns + c);
      }
  for (int64_t i = 0; i < count; i++) y[i] = finish(s, n, 0, acc[i], i % columns);
}

// ---- a step

static void copy(const struct step *s, const struct node *n, int64_t *y) {
  int64_t elements = elements_of(output_of(s, n));
  for (int64_t i = 0; i < frames_of(s, output_of(s, n)) * elements; i++)
    y[i] = code(s, n, 0, i / elements, i % elements);
}

// ---- elements elsewhere

// Where index `at` of dimension d comes from.
static int64_t reordered(const struct node *n, int rank, int d, int64_t at) {
  if (n->op == OP_pad) return at - listed(n, ATTR_pad, d, 0);
  if (n->op == OP_upsample) return d + 1 < rank ? at / listed(n, ATTR_factors, d, 1) : at;
  return listed(n, ATTR_begin, d, 0) + at * listed(n, ATTR_step, d, 1);
}

// The dimension of the input that dimension d of the output is.
static int permuted(const struct node *n, int d) {
  return n->op == OP_permute ? (int)listed(n, ATTR_axes, d, 0) : d;
}

static void reorder(const struct step *s, const struct node *n, int64_t *y) {
  const struct value *x = input_of(s, n, 0), *v = output_of(s, n);
  for (int64_t i = 0; i < frames_of(s, v) * elements_of(v); i++) {
    int64_t rest = i % elements_of(v), from = 0, index[RANK_MAX];
    bool beside = false;
    for (int d = v->rank - 1; d >= 0; rest /= v->shape[d--])
      index[permuted(n, d)] = reordered(n, v->rank, d, rest % v->shape[d]);
    for (int d = 0; d < x->rank; d++) {
      beside |= index[d] < 0 || index[d] >= x->shape[d];
      from = from * x->shape[d] + index[d];
    }
    y[i] = beside ? node_codes(n)[0] : code(s, n, 0, i / elements_of(v), from);
  }
}

// Element i of the output, index by index from the front.
static void concat(const struct step *s, const struct node *n, int64_t *y) {
  const struct value *v = output_of(s, n);
  int64_t size = elements_of(v), axis = node_int(n, ATTR_axis, -1);
  if (axis < 0) axis += v->rank;
  for (int64_t i = 0; i < frames_of(s, v) * size; i++) {
    int64_t inner = 1, k = 0, rest = i % size;
    for (int64_t d = axis + 1; d < v->rank; d++) inner *= v->shape[d];
    int64_t at = rest / inner % v->shape[axis], outer = rest / inner / v->shape[axis];
    for (; at >= input_of(s, n, (uint32_t)k)->shape[axis]; k++)
      at -= input_of(s, n, (uint32_t)k)->shape[axis];
    int64_t own = input_of(s, n, (uint32_t)k)->shape[axis];
    int64_t element = (outer * own + at) * inner + rest % inner;
    y[i] = n->n_rq ? finish(s, n, (uint32_t)k, centred(s, n, (uint32_t)k, i / size, element), 0)
                   : code(s, n, (uint32_t)k, i / size, element);
  }
}

// What a variable holds before the first step.
static void read_variable(const struct step *s, const struct node *n, int64_t *y) {
  const struct node *variable = &s->g->nodes[s->g->values[n->ref[0]].node];
  const struct value *init = &s->g->values[node_attr(variable, ATTR_init)->value];
  for (int64_t i = 0; i < elements_of(init); i++) y[i] = tensor_int(init->init, i);
}

static void compute(const struct step *s, const struct node *n, int64_t *y) {
  switch ((enum op_column)op_info(n->op)->column) {
  case COLUMN_LINEAR:
    linear(s, n, y);
    return;
  case COLUMN_RBF:
    rbf(s, n, y);
    return;
  case COLUMN_CONV:
    conv(s, n, y);
    return;
  case COLUMN_POOL:
    pool(s, n, y);
    return;
  case COLUMN_SUBSAMPLE:
    subsample(s, n, y);
    return;
  case COLUMN_SHAPE:
    copy(s, n, y);
    return;
  case COLUMN_POINTWISE:
    pointwise(s, n, y);
    return;
  case COLUMN_CLASSIFY:
    classify(s, n, y);
    return;
  case COLUMN_SOFTMAX:
    softmax(s, n, y);
    return;
  case COLUMN_JOIN:
    join(s, n, y);
    return;
  case COLUMN_REDUCE:
    sum(s, n, y);
    return;
  case COLUMN_MATMUL:
    matmul(s, n, y);
    return;
  case COLUMN_CONCAT:
    concat(s, n, y);
    return;
  case COLUMN_REORDER:
    reorder(s, n, y);
    return;
  case COLUMN_STATE:
    read_variable(s, n, y);
    return;
  case COLUMN_NORM:
  case COLUMN_FAKE_QUANT:
  case COLUMN_TRAINING:
  case COLUMN_GRADIENT:
  case COLUMN_OPAQUE:
    break;
  }
  abort();
}

// True if the node's first output can be computed now and isn't yet.
static bool is_ready(const struct step *s, const struct node *n) {
  if (!n->n_out || s->of[n->out[0]] || n->op == OP_variable || n->op == OP_opaque) return false;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!input_of(s, n, i)->init && !s->of[n->in[i].value]) return false;
  return true;
}

static void fire(struct step *s, const struct node *n) {
  for (uint32_t i = n->n_out; i-- > 0;) {
    const struct value *v = &s->g->values[n->out[i]];
    s->of[n->out[i]] = ARENA_NEW(s->arena, int64_t, frames_of(s, v) * elements_of(v));
  }
  compute(s, n, s->of[n->out[0]]);
}

int64_t **exact_run(struct arena *a, const struct graph *g, int64_t frames, const int32_t *codes) {
  struct step s = {a, g, frames, ARENA_NEW(a, int64_t *, g->n_values)};
  uint32_t x = g->inputs[0].value;
  int64_t count = frames * elements_of(&g->values[x]);
  s.of[x] = ARENA_NEW(a, int64_t, count);
  for (int64_t i = 0; i < count; i++) s.of[x][i] = codes[i];
  for (bool any = true; any;) {
    any = false;
    for (uint32_t i = 0; i < g->n_nodes; i++)
      if (is_ready(&s, &g->nodes[i])) {
        fire(&s, &g->nodes[i]);
        any = true;
      }
  }
  return s.of;
}
