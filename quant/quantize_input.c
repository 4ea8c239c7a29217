// SPDX-License-Identifier: Apache-2.0
// The input of a quantised network: which type it has, and how pixels become its codes.
#include "quant/calibrate.h"
#include "quant/quantize.h"
#include "quant/quantize_layer.h"
#include "sw/graph/weights.h"

#include <math.h>

// Bits that an input is finer than a type that it is rounded to in another way; and those of the
// range of one of which only the sign is asked for.
enum { FINER_INPUT = 16, SIGN_BITS = 8 };

// The integer of pixel p: half_even(p * 2^F / 255) in integers where the type is W,F and the pixel
// stands for p / 255; otherwise half_even(((p / 255) - mean) / std / s) in double.
static int32_t pixel_code(const struct type *t, double mean, double std, int p) {
  int f;
  if (mean == 0 && std == 1 && type_fraction(t, &f) && f >= 0 && f < 32) {
    int64_t scaled = (int64_t)p << f, whole = scaled / 255, twice = scaled % 255 * 2;
    whole += twice > 255; // 255 is odd: there are no ties
    return (int32_t)fix_overflow(whole, t->width, t->is_signed, 0, FIX_SATURATE);
  }
  return (int32_t)type_encode(t, ((p / 255.0) - mean) / std);
}

void quantize_pixels(struct arena *a, const struct type *t, struct source *s) {
  int32_t *table = ARENA_NEW(a, int32_t, s->channels * 256);
  for (int64_t c = 0; c < s->channels; c++)
    for (int p = 0; p < 256; p++) table[c * 256 + p] = pixel_code(t, s->mean[c], s->std[c], p);
  s->tables = s->channels;
  s->table = table;
}

static void identity_table(struct quantizer *q, struct source *s) {
  int32_t *table = ARENA_NEW(q->arena, int32_t, 256);
  for (int p = 0; p < 256; p++) table[p] = p;
  s->tables = 1;
  s->table = table;
}

// --input-precision raw: bytes in, and the pixel table as the first layer of the circuit.
static uint32_t add_pixel_layer(struct quantizer *q, const struct value *v, uint32_t input,
                                const struct type *t, const struct source *s) {
  uint32_t node = graph_add_node(q->to, OP_quantize, arena_printf(q->arena, "%s.codes", v->name));
  enum dtype dtype = type_highest(t) > INT32_MAX ? DTYPE_I64 : DTYPE_I32;
  struct tensor *table = tensor_new(q->arena, dtype, 1, (const int64_t[]){256});
  for (int64_t p = 0; p < 256; p++) tensor_set_int(table, p, type_code(t, s->table[p]));
  graph_add_use(q->to, node, (struct use){input, 0, NONE});
  graph_add_attr(q->to, node, ATTR_table)->tensor = table;
  uint32_t out = graph_add_value(q->to, arena_printf(q->arena, "%s.codes", v->name), v->rank,
                                 v->shape, *t, true);
  graph_add_out(q->to, node, out);
  return out;
}

static bool quantize_bytes(struct quantizer *q, const struct value *v, const struct source *from,
                           const struct type *stream, uint32_t *id) {
  const char *word = q->formats->input == INPUT_RAW ? "raw" : "u8";
  if (from->channels == 0)
    return err_set(q->err,
                   "input precision %s: the input has no pixel source, its values aren't "
                   "bytes",
                   word);
  if (from->channels != 1)
    return err_set(q->err,
                   "input precision %s takes one mean and deviation for all channels, found %lld",
                   word, (long long)from->channels);
  struct source bytes = *from, codes = *from;
  bool raw = q->formats->input == INPUT_RAW;
  if (raw && !stream)
    return err_set(q->err, "input precision raw: nothing says what the bytes become");
  int32_t zero = (int32_t)fix_from_real(255 * from->mean[0], 0, 255);
  struct type type =
      type_fixed(q->arena, 8, false, raw ? 1 / 255.0 : 1 / (255 * from->std[0]), raw ? 0 : zero);
  identity_table(q, &bytes);
  if (raw) quantize_pixels(q->arena, stream, &codes);
  uint32_t in = graph_add_value(q->to, v->name, v->rank, v->shape, type, true);
  graph_add_input(q->to, in, bytes);
  *id = raw ? add_pixel_layer(q, v, in, stream, &codes) : in;
  return true;
}

// What the requants behind an input round it to, through layers that only move elements.
struct asked {
  const struct node *first;
  bool same;             // all round to one type in one way
  bool other;            // something else reads it, too
  double lo, hi, finest; // the values of all their types, and the finest scale
};

static void ask(const struct quantizer *q, uint32_t value, struct asked *a) {
  for (uint32_t i = 0; i < q->from->n_nodes && !a->other; i++) {
    const struct node *n = &q->from->nodes[i];
    for (uint32_t k = 0; k < n->n_in; k++) {
      if (n->in[k].value != value) continue;
      bool moves = op_is(n->op, TRAIT_ALIAS | TRAIT_REORDERS) && !n->in[k].delay;
      a->other |= !moves && (!op_is(n->op, TRAIT_NARROWS) || n->in[k].delay);
      if (moves) ask(q, n->out[0], a);
      if (moves || a->other) continue;
      const struct type *own = &node_attr(n, ATTR_type)->type;
      bool signs = !type_is_fixed(own);
      double most = signs ? ldexp(type_scale(own, 0), SIGN_BITS - 1) : 0;
      a->other |= own->axis >= 0;
      a->same &= !a->first || (type_equal(&node_attr(a->first, ATTR_type)->type, own) &&
                               a->first->rounding == n->rounding);
      a->lo = fmin(a->lo, signs ? -most : type_value(own, 0, type_lowest(own)));
      a->hi = fmax(a->hi, signs ? most : type_value(own, 0, type_highest(own)));
      a->finest = fmin(a->finest, type_scale(own, 0));
      if (!a->first) a->first = n;
    }
  }
  for (uint32_t i = 0; i < q->from->n_outputs; i++) a->other |= q->from->outputs[i] == value;
}

// The type of an input in front of them, NULL if they don't say it: theirs where all round alike
// and to the nearest; otherwise finer, so that what they round isn't rounded before.
static const struct type *type_in_front(const struct quantizer *q, uint32_t value) {
  struct asked a = {.same = true, .finest = INFINITY};
  ask(q, value, &a);
  if (!a.first || a.other) return NULL;
  const struct type *own = &node_attr(a.first, ATTR_type)->type;
  if (a.same && type_is_fixed(own) && a.first->rounding == FIX_HALF_EVEN) return own;
  bool is_signed = a.lo < 0;
  int width = 1 + is_signed, finer = FINER_INPUT;
  while (ldexp(1, width - is_signed) * a.finest <= fmax(-a.lo - (is_signed ? a.finest : 0), a.hi))
    width++;
  if (width + finer > STREAM_BITS_MAX)
    finer = width < STREAM_BITS_MAX ? STREAM_BITS_MAX - width : 0;
  struct type *t = ARENA_NEW(q->arena, struct type, 1);
  *t = type_fixed(q->arena, width < STREAM_BITS_MAX ? width + finer : STREAM_BITS_MAX, is_signed,
                  ldexp(a.finest, -finer), 0);
  return t;
}

// The layer that alone reads a value, through layers that only move its elements; NULL: several do.
static const struct node *only_reader(const struct graph *g, uint32_t value) {
  const struct node *found = NULL;
  for (uint32_t i = 0; i < g->n_outputs; i++)
    if (g->outputs[i] == value) return NULL;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      if (g->nodes[i].in[k].value != value) continue;
      if (found || k || g->nodes[i].in[k].delay) return NULL;
      found = &g->nodes[i];
    }
  bool moves = found && op_is(found->op, TRAIT_ALIAS | TRAIT_REORDERS);
  return moves ? only_reader(g, found->out[0]) : found;
}

static bool is_picture(const struct value *v) {
  int64_t channels = v->shape[v->rank - 1];
  return v->rank == 3 && (channels == 1 || channels == 3 || channels == 4);
}

// The type of an input that is no picture, and of which each channel is scaled and shifted before a
// requant rounds it (a batch_norm in front of the first layer): 16 bits for all that isn't beyond
// the requant's type then. NULL: it is another.
static const struct type *type_before_scale(const struct quantizer *q, uint32_t value) {
  const struct node *n = only_reader(q->from, value);
  const struct value *w = n && op_is(n->op, TRAIT_WEIGHTS) ? node_in(q->from, n, 1) : NULL;
  if (!w || !w->init || w->rank < 3 || fan_in(w->rank, w->shape) != 1) return NULL;
  const struct value *b = node_in(q->from, n, 2), *y = node_out(q->from, n, 0);
  int32_t behind = q->behind[n - q->from->nodes];
  const struct type *to =
      behind == NONE ? NULL : &node_attr(&q->from->nodes[behind], ATTR_type)->type;
  if (!to || !type_is_fixed(to) || to->axis >= 0 || (b && !b->init)) return NULL;
  if (is_picture(&q->from->values[value]) || w->shape[0] != y->shape[y->rank - 1]) return NULL;
  double lo = 0, hi = 0;
  for (int64_t c = 0; c < w->shape[0]; c++) {
    double scale = value_real(w, c), shift = b ? value_real(b, c) : 0;
    for (int end = 0; end < 2 && scale != 0; end++) {
      double x = (type_value(to, 0, end ? type_highest(to) : type_lowest(to)) - shift) / scale;
      lo = fmin(lo, x);
      hi = fmax(hi, x);
    }
  }
  double most = fmax(-lo, hi);
  if (!(most > 0) || !isfinite(most)) return NULL;
  int fraction = FINER_INPUT - 1 - (int)ceil(log2(most));
  struct type *t = ARENA_NEW(q->arena, struct type, 1);
  *t = type_fixed(q->arena, FINER_INPUT, true, ldexp(1, -fraction), 0);
  return t;
}

// --input-precision, or what the model says, or the stream's; NULL: bytes. `open`: only its width
// is said.
static const struct type *input_type(const struct quantizer *q, uint32_t value, bool *open) {
  const struct formats *f = q->formats;
  const struct type *own = type_in_front(q, value);
  if (!own) own = type_before_scale(q, value);
  *open = f->has_input_type ? f->input_auto : !own && f->defaults.stream_auto;
  if (f->has_input_type) return &f->input_type;
  return own ? own : f->defaults.has_stream ? &f->defaults.stream : NULL;
}

bool quantize_input(struct quantizer *q, const struct input *in) {
  const struct value *v = &q->from->values[in->value];
  struct source source = in->source;
  bool open;
  const struct type *stream = input_type(q, in->value, &open);
  struct type found;
  uint32_t id = 0;
  if (open && !q->calibrator) return quantize_no_calibration(q, stream);
  if (open) {
    if (!calibrate_input(q, (uint32_t)(in - q->from->inputs), stream->width, &found)) return false;
    stream = &found;
  }
  if (q->formats->input != INPUT_STREAM || !stream) {
    if (!stream && !source.channels)
      return err_set(q->err, "nothing in the file says its type: give --input-precision W,F");
    if (!quantize_bytes(q, v, &source, stream, &id)) return false;
  } else {
    if (type_is_bipolar(stream))
      return err_set(q->err, "a bipolar stream needs an --input-precision");
    if (source.channels) quantize_pixels(q->arena, stream, &source);
    id = graph_add_value(q->to, v->name, v->rank, v->shape, *stream, true);
    graph_add_input(q->to, id, source);
  }
  q->value[in->value] = (int32_t)id;
  return true;
}
