// SPDX-License-Identifier: Apache-2.0
// Weights by the inputs that they meet: a scale for each output, codes, and what they change of the
// outputs' mean.
#include "quant/calibrate_parts.h"
#include "quant/quantize_blocks.h"
#include "quant/quantize_weights.h"
#include "quant/scale.h"
#include "quant/second_order.h"

#include <math.h>

// FIT: fewer rows for each weight say more of themselves than of other images.
enum { ROWS_LEAST = 8192, ROWS_PER_TAP = 8, ROWS_AT_ONCE = 256, FIT_ROWS_PER_TAP = 4 };

static const double damping = 0.01; // of what rounding is taken back by

struct weighing {
  struct quantizer *quantizer;
  const struct node *node;
  const struct format *format;
  const struct quant_column *column;
  const struct tensor *tensor;
  int64_t outs, taps;
  double *w;              // (outs, taps)
  int8_t *exponents;      // (outs, blocks) of blocks; NULL
  bool *cut;              // (outs, taps), or NULL
  struct design design;   // groups 0: the layer has none
  struct moments *moment; // (groups)
  double **factor;        // (groups) of second_order.h
};

static struct calibrator *calibrator_of(const struct weighing *w) {
  return w->quantizer->calibrator;
}

// ---- the inputs

// A frame of the input, as the layer gets it and as the float model has it.
struct frame {
  int64_t at; // -1: none yet
  double *integers, *reals;
};

static void go_to(const struct weighing *w, struct frame *f, int64_t at) {
  if (f->at == at) return;
  f->at = at;
  calibrate_values(w->quantizer, w->node, 0, at, false, f->integers);
  if (f->reals) calibrate_reals(w->quantizer, w->node, 0, at, f->reals);
}

// Whether so many rows say what weights should be.
static bool can_fit(const struct weighing *w, int64_t rows) {
  return calibrator_of(w)->how.method == CALIBRATE_GPTQ && rows >= FIT_ROWS_PER_TAP * w->taps;
}

// Of all rows that there are, some from every place of a frame.
static struct moments moments_of(struct arena *a, const struct weighing *w, int64_t group) {
  const struct design *d = &w->design;
  const struct calibrator *c = calibrator_of(w);
  struct moments m = moments_new(a, d->taps);
  int64_t all = d->rows * c->set->count, most = ROWS_LEAST + ROWS_PER_TAP * d->taps;
  int64_t step = calibrate_step(all, most, d->rows), rows = (all - 1) / step + 1;
  int64_t elements = value_elements(node_in(w->quantizer->from, w->node, 0));
  struct arena scratch = {0};
  bool fits = can_fit(w, rows);
  double *x = ARENA_NEW(&scratch, double, ROWS_AT_ONCE * d->taps),
         *y = fits ? ARENA_NEW(&scratch, double, ROWS_AT_ONCE * d->taps) : NULL;
  struct frame f = {-1, ARENA_NEW(&scratch, double, elements),
                    fits ? ARENA_NEW(&scratch, double, elements) : NULL};
  for (int64_t i = 0, held = 0; i < rows; i++) {
    go_to(w, &f, i * step / d->rows);
    w->column->row(d, f.integers, group, i * step % d->rows, x + held * d->taps);
    if (fits) w->column->row(d, f.reals, group, i * step % d->rows, y + held * d->taps);
    held++;
    if (held < ROWS_AT_ONCE && i + 1 < rows) continue;
    moments_add(&m, held, x, y, c->how.threads);
    held = 0;
  }
  arena_free(&scratch);
  return m;
}

static bool find_inputs(struct arena *a, struct weighing *w) {
  struct quantizer *q = w->quantizer;
  const struct type *x = quantize_type_in(q, w->node, 0);
  if (!w->column->design || !x || x->axis >= 0) return true;
  if (!w->column->design(q->from, w->node, &w->design, q->err)) return false;
  w->moment = ARENA_NEW(a, struct moments, w->design.groups);
  for (int64_t i = 0; i < w->design.groups; i++) w->moment[i] = moments_of(a, w, i);
  return true;
}

static const struct moments *moment_of(const struct weighing *w, int64_t o) {
  return w->design.groups ? &w->moment[o / (w->outs / w->design.groups)] : NULL;
}

// Weights that give on integers what the float model gives on its floats, as nearly as there are
// such.
static void fit_weights(struct arena *a, struct weighing *w) {
  double scale = type_scale(quantize_type_in(w->quantizer, w->node, 0), 0);
  int64_t each = w->outs / w->design.groups;
  w->factor = ARENA_NEW(a, double *, w->design.groups);
  for (int64_t g = 0; g < w->design.groups; g++) {
    w->factor[g] = second_order_factor(a, &w->moment[g], damping);
    if (can_fit(w, w->moment[g].rows))
      second_order_fit(&w->moment[g], scale, each, w->w + g * each * w->taps);
  }
  for (int64_t i = 0; w->cut && i < w->outs * w->taps; i++)
    if (w->cut[i]) w->w[i] = 0;
}

// ---- scales

// The format of the layer's weights with one scale.
static struct type at_scale(const struct weighing *w, struct arena *a, double scale) {
  const struct format *f = w->format;
  return f->weight_class == TYPE_MINIFLOAT ? type_minifloat(a, &f->weight_minifloat, -1, 1, &scale)
                                           : type_fixed(a, f->weight_width, true, scale, 0);
}

// What rounding output o to a type does to its sums, squared and summed over all rows.
static double error_of(const struct weighing *w, int64_t o, const struct type *t) {
  const struct moments *m = moment_of(w, o);
  double sum = 0;
  for (int64_t i = 0; i < w->taps; i++) {
    double v = w->w[o * w->taps + i];
    double error = v - type_value(t, 0, type_encode(t, v));
    sum += error * error * (m ? moments_mean_square(m, i) : 1);
  }
  return sum;
}

static double largest(const struct weighing *w, int64_t first, int64_t last) {
  double most = 0;
  for (int64_t i = first * w->taps; i < last * w->taps; i++) most = fmax(most, fabs(w->w[i]));
  return most;
}

// Of outputs that are all 0.
static double any_scale(const struct format *f) {
  const struct minifloat *m = &f->weight_minifloat;
  return f->weight_class == TYPE_MINIFLOAT ? type_minifloat_scale(m, minifloat_bias(m))
                                           : ldexp(1, 1 - f->weight_width);
}

// The best scale for outputs first .. last - 1.
static double best_scale(const struct weighing *w, int64_t first, int64_t last) {
  const struct format *f = w->format;
  struct arena a = {0};
  double candidate[SCALES_MOST], most = largest(w, first, last), least = INFINITY,
                                 best = any_scale(f);
  if (most == 0) return best;
  struct type one = at_scale(w, &a, 1);
  double covering = f->weight_class == TYPE_MINIFLOAT
                        ? quantize_covering(&f->weight_minifloat, most)
                        : scale_covering(most, type_highest(&one));
  int count = scale_weight_candidates(covering, most / (double)type_highest(&one),
                                      calibrator_of(w)->how.any_scale, candidate);
  for (int k = 0; k < count; k++) {
    double error = 0;
    struct type t = at_scale(w, &a, candidate[k]);
    for (int64_t o = first; o < last; o++) error += error_of(w, o, &t);
    if (!(error < least)) continue;
    least = error;
    best = candidate[k];
  }
  arena_free(&a);
  return best;
}

static double widest_scale(const struct weighing *w, int64_t first, int64_t last) {
  struct arena a = {0};
  struct type one = at_scale(w, &a, 1);
  double most = largest(w, first, last), highest = (double)type_highest(&one);
  arena_free(&a);
  return most > 0 ? most / highest : any_scale(w->format);
}

static struct type chosen_type(const struct weighing *w, bool errors) {
  const struct format *f = w->format;
  struct arena *a = w->quantizer->arena;
  int64_t channels = f->weight == WEIGHT_CHANNEL ? w->outs : 1, each = w->outs / channels;
  int axis = channels > 1 ? 0 : -1;
  double *scale = ARENA_NEW(a, double, channels);
  for (int64_t c = 0; c < channels; c++)
    scale[c] = (errors ? best_scale : widest_scale)(w, c * each, (c + 1) * each);
  if (f->weight_class == TYPE_MINIFLOAT)
    return type_minifloat(a, &f->weight_minifloat, axis, channels, scale);
  return type_channels(a, f->weight_width, true, axis, channels, scale,
                       ARENA_NEW(a, int32_t, channels));
}

// Blocks: exponents by the format's rule, whatever the method.
static struct tensor *nearest_blocks(struct weighing *w, struct type *t) {
  struct quantizer *q = w->quantizer;
  w->exponents = quantize_exponents(q->arena, w->format, w->outs, w->taps, w->w, t, q->err);
  if (!w->exponents) return NULL;
  struct tensor *to = tensor_new(q->arena, dtype_for(t), w->tensor->rank, w->tensor->shape);
  int64_t blocks = block_count(&t->block, w->taps);
  for (int64_t i = 0; i < to->count; i++)
    tensor_set_int(
        to, i,
        quantize_in_block(t, w->exponents[i / w->taps * blocks + i % w->taps / t->block.size],
                          w->w[i]));
  return to;
}

// The type, and codes that are the nearest ones.
static struct tensor *nearest(struct weighing *w, struct type *t) {
  const struct format *f = w->format;
  const struct calibrate_how *how = &calibrator_of(w)->how;
  bool errors = how->method == CALIBRATE_GPTQ || how->method == CALIBRATE_MSE;
  bool scaled = f->weight_class == TYPE_FIXED || f->weight_class == TYPE_MINIFLOAT;
  bool own = f->weight == WEIGHT_TYPE || !scaled;
  if (f->weight == WEIGHT_AUTO && f->weight_class == TYPE_BLOCK) return nearest_blocks(w, t);
  if (own || !(errors || how->any_scale)) return quantize_weights(w->quantizer, w->tensor, f, t);
  *t = chosen_type(w, errors);
  struct tensor *to =
      tensor_new(w->quantizer->arena, dtype_for(t), w->tensor->rank, w->tensor->shape);
  for (int64_t i = 0; i < to->count; i++)
    tensor_set_int(to, i, type_encode_channel(t, i / w->taps, w->w[i]));
  return to;
}

// ---- codes

static void second_order(const struct weighing *w, const struct type *t, struct tensor *to) {
  struct arena a = {0};
  int64_t *codes = ARENA_NEW(&a, int64_t, to->count), each = w->outs / w->design.groups;
  for (int64_t g = 0; g < w->design.groups; g++)
    second_order_codes(w->factor[g], w->taps, t, w->exponents, g * each, each, w->w, w->cut, codes,
                       calibrator_of(w)->how.threads);
  for (int64_t i = 0; i < to->count; i++) tensor_set_int(to, i, codes[i]);
  arena_free(&a);
}

// The mean of what an output has lost.
static double *lost_mean(const struct weighing *w, const struct type *t, const struct tensor *to) {
  double *bias = ARENA_NEW(w->quantizer->arena, double, w->outs);
  double scale = type_scale(quantize_type_in(w->quantizer, w->node, 0), 0);
  for (int64_t o = 0; o < w->outs; o++)
    for (int64_t i = 0; i < w->taps; i++) {
      int64_t at = o * w->taps + i;
      bias[o] += (w->w[at] - type_value(t, o, tensor_int(to, at))) *
                 moments_mean(moment_of(w, o), i) * scale;
    }
  return bias;
}

bool calibrate_weights(struct quantizer *q, const struct node *n, const struct format *f,
                       struct chosen *own) {
  const struct value *v = node_in(q->from, n, 1);
  const struct calibrate_how *how = &q->calibrator->how;
  struct format format = *f;
  struct arena a = {0};
  own->weighed = true;
  if (!v->init || n->in[1].delay || type_is_integer(&v->type)) return true;
  struct weighing w = {.quantizer = q,
                       .node = n,
                       .format = &format,
                       .column = quant_column_of(n->op),
                       .tensor = v->init,
                       .outs = v->shape[0],
                       .taps = v->init->count / v->shape[0]};
  if (!f->has_weight && w.column->design) format.weight = WEIGHT_CHANNEL;
  w.w = ARENA_NEW(&a, double, v->init->count);
  for (int64_t i = 0; i < v->init->count; i++) w.w[i] = value_real(v, i);
  if (v->mask) w.cut = ARENA_NEW(&a, bool, v->init->count);
  for (int64_t i = 0; w.cut && i < v->init->count; i++) w.cut[i] = value_is_cut(v, i);
  bool ok = find_inputs(&a, &w);
  if (ok && w.design.groups && how->method == CALIBRATE_GPTQ) fit_weights(&a, &w);
  if (ok) own->codes = nearest(&w, &own->weight);
  if (own->codes && w.design.groups && how->method == CALIBRATE_GPTQ)
    second_order(&w, &own->weight, own->codes);
  if (own->codes && w.design.groups && how->correct_bias)
    own->bias = lost_mean(&w, &own->weight, own->codes);
  arena_free(&a);
  return ok && own->codes;
}

struct tensor *calibrate_weights_of(const struct quantizer *q, const struct node *n,
                                    struct type *type) {
  const struct chosen *own = &q->calibrator->chosen[n - q->calibrator->graph->nodes];
  *type = own->weight;
  return own->codes;
}

const double *calibrate_bias_of(const struct quantizer *q, const struct node *n) {
  return q->calibrator ? q->calibrator->chosen[n - q->calibrator->graph->nodes].bias : NULL;
}
