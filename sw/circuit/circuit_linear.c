// SPDX-License-Identifier: Apache-2.0
// The circuit of a linear layer: hw/fixed_linear.sv.
#include "sw/base/bits.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"
#include "sw/graph/interval.h"
#include "sw/graph/weights.h"

enum { MUL_BITS_MAX = 40, QUEUE_LEAST = 16, ROM_TWO_CYCLES = 8192, PAIR_A = 25, PAIR_B = 18 };

struct circuit_requant circuit_requant_of(const struct node *n, const struct value *y,
                                          const struct requant *rq) {
  bool bipolar = type_is_bipolar(&y->type);
  return (struct circuit_requant){
      .cast = rq != NULL,
      .mul_width = rq && rq->mul[0] > 1 && !bipolar ? bits_unsigned((uint64_t)rq->mul[0]) : 0,
      .mul = rq && !bipolar ? rq->mul[0] : 1,
      .shift = rq && !bipolar ? rq->shift[0] : 0,
      .zero = type_zero(&y->type, 0),
      .out_width = type_stream_width(&y->type),
      .out_type = type_coding_text(type_coding(&y->type)),
      .grid = type_is_minifloat(&y->type) ? &y->type.minifloat : NULL,
      .rounding = fix_rounding_text(bipolar ? FIX_FLOOR : n->rounding),
      .overflow = fix_overflow_text(n->overflow)};
}

int circuit_requant_stages(const struct circuit_requant *r) {
  bool two_step = r->rounding == fix_rounding_text(FIX_TFLITE);
  return r->cast ? 2 + (r->mul_width > 0) + two_step : 0;
}

static int bits_of(int64_t v) {
  return bits_unsigned((uint64_t)v);
}

// M and S of channel o; of rounding tflite what shifts to the left is part of M, S being 31 then.
static int64_t multiplier(const struct node *n, int64_t o, int32_t *shift) {
  int left = 31 - n->rq[0].shift[o];
  *shift = n->rq[0].shift[o];
  if (n->rounding != FIX_TFLITE || left <= 0) return n->rq[0].mul[o];
  *shift = 31;
  return n->rq[0].mul[o] << left;
}

// The widest multiplier, the largest shift, and what the least is short of it.
struct common {
  int bits, up;
  int32_t shift;
};

static struct common common_of(const struct node *n, int64_t outs) {
  struct common s = {0, 0, FIX_SHIFT_MIN};
  int32_t least = FIX_SHIFT_MAX, shift;
  for (int64_t o = 0; o < outs; o++) {
    int bits = bits_of(multiplier(n, o, &shift));
    s.bits = bits > s.bits ? bits : s.bits;
    s.shift = shift > s.shift ? shift : s.shift;
    least = shift < least ? shift : least;
  }
  s.up = s.shift - least;
  return s;
}

static bool too_wide(int64_t o, int bits, struct err *e) {
  return err_set(e,
                 "channel %lld: its multiplier at the channels' common shift has %d bits, at "
                 "most %d: the channels' scales lie too far apart",
                 (long long)o, bits, MUL_BITS_MAX);
}

// At one common shift, the largest: M_c * 2^(S - S_c). Rounding tflite, which rounds before it
// shifts, has S - S_c above the multiplier.
static bool channel_multipliers(struct arena *a, const struct node *n, struct circuit_linear *l,
                                struct err *e) {
  const struct requant *rq = &n->rq[0];
  bool equal = true, two_step = n->rounding == FIX_TFLITE;
  for (int64_t o = 0; o < rq->count; o++)
    equal &= rq->mul[o] == rq->mul[0] && rq->shift[o] == rq->shift[0];
  if (rq->count == 1 || equal) return true;
  struct common s = common_of(n, l->out);
  int64_t *mul = ARENA_NEW(a, int64_t, l->out);
  l->requant.mul_width = 1;
  l->requant.up_width = two_step ? bits_clog2(s.up + 1) : 0;
  for (int64_t o = 0; o < l->out; o++) {
    int32_t shift;
    int64_t own = multiplier(n, o, &shift), up = s.shift - shift;
    int bits = two_step ? s.bits + l->requant.up_width : bits_of(own) + (int)up;
    if (bits > MUL_BITS_MAX) return too_wide(o, bits, e);
    mul[o] = two_step ? own | up << s.bits : own << up;
    l->requant.mul_width = bits > l->requant.mul_width ? bits : l->requant.mul_width;
  }
  l->mul = mul;
  l->requant.mul = 1;
  l->requant.shift = s.shift;
  return true;
}

// Weights minus their zeros, in the narrowest form.
static void fold_weights(struct arena *a, const struct weights *w, struct circuit_linear *l) {
  int64_t *weight = ARENA_NEW(a, int64_t, l->in * l->out);
  const struct type *type = &w->value->type;
  struct interval range = {0, 0};
  bool shifted = type_is_block(type); // into integers of their own
  for (int64_t i = 0; i < l->in * l->out; i++) {
    int64_t o = i / l->in;
    weight[i] = weight_of(w, o, i % l->in);
    shifted |= type_from_integer(type, o, weight[i]) != weight[i];
    if (weight[i] < range.lo) range.lo = weight[i];
    if (weight[i] > range.hi) range.hi = weight[i];
  }
  l->weight = weight;
  l->weight_type = shifted ? "signed" : type_coding_text(type_coding(type));
  l->weight_width = shifted ? interval_bits(range) : type_width(type);
  if (shifted && l->weight_width < 2) l->weight_width = 2;
  circuit_code_weights(l, type, false);
}

// bias - 2^f x_zero * sum of weights, modulo 2^acc_width: only the final accumulator must be right.
static void fold_bias(struct arena *a, const struct value *x, const struct value *b,
                      struct circuit_linear *l) {
  int64_t *bias = ARENA_NEW(a, int64_t, l->out), zero = type_zero(&x->type, 0);
  l->bias_width = 1;
  for (int64_t o = 0; o < l->out; o++) {
    fix_wide sum = b ? tensor_int(b->init, o) : 0;
    for (int64_t i = 0; i < l->in; i++)
      sum -= (fix_wide)zero * l->weight[o * l->in + i] * ((fix_wide)1 << l->sum_shift);
    bias[o] = fix_overflow(sum, l->acc_width > 62 ? 62 : l->acc_width, true, 0, FIX_WRAP);
    int bits = bits_signed(bias[o]);
    l->bias_width = bits > l->bias_width ? bits : l->bias_width;
  }
  l->bias = bias;
}

void circuit_linear_queue(struct cell *c, int64_t places) {
  struct circuit_linear *l = c->facts;
  l->queue = places;
  int64_t rom = (l->words > ROM_TWO_CYCLES ? 3 : 2) + (l->coded != NULL);
  int64_t fifo = places > 64 ? 3 : 2;
  c->timing.queue = places;
  c->timing.latency = rom + (l->distance || l->pack || l->shift_width || l->residual) +
                      (l->block > 0) + 1 + bits_clog2(c->in[0]->lanes) + 1 +
                      circuit_requant_stages(&l->requant) + fifo;
}

static int64_t power_of_two(int64_t n) {
  return (int64_t)1 << bits_clog2(n);
}

// A product's factors as two's complement; whether it is one of fixed_multiply. Both of a square
// are the difference.
static bool factors(const struct circuit_linear *l, int *x, int *weight) {
  int in = l->sum_width ? l->sum_width : l->in_width < 2 ? 2 : l->in_width;
  *x = in + (!l->sum_width && l->in_type == type_coding_text(CODING_UNSIGNED));
  *weight = l->weight_width + (l->weight_type == type_coding_text(CODING_UNSIGNED));
  if (!l->distance) return l->weight_width > 2 && in > 2 && !l->residual;
  int from_x = *x + l->in_shift, from_weight = *weight + l->weight_shift;
  *x = *weight = 1 + (from_x > from_weight ? from_x : from_weight);
  return true;
}

static int64_t product_blocks(const struct circuit_linear *l, enum family family, int x,
                              int weight) {
  int a, b;
  if (l->distance) return dsp_square(family, x);
  return factors(l, &a, &b) ? dsp_multiply(family, x, weight) : 0;
}

static bool is_unsigned(const char *type) {
  return type == type_coding_text(CODING_UNSIGNED);
}

// Bits of what hw/fixed_mac_pair.sv multiplies an input with: a field for a product and the weights
// of two; 0: a DSP block has no room for it, or one product takes none.
static int pair_bits(const struct circuit_linear *l) {
  int x, weight, in = l->in_width < 2 ? 2 : l->in_width;
  if (!factors(l, &x, &weight) || l->distance || l->sum_width || l->shift_width ||
      !dsp_multiply(FAMILY_XC7, x, weight))
    return 0;
  int bits =
      in + 2 * l->weight_width + 1 + (is_unsigned(l->in_type) && is_unsigned(l->weight_type));
  return bits <= PAIR_A && x <= PAIR_B ? bits : 0;
}

struct circuit_unit circuit_linear_unit(const struct circuit_linear *l, enum family family) {
  int x, weight;
  bool multiplies = factors(l, &x, &weight);
  int64_t blocks = product_blocks(l, family, x, weight);
  return (struct circuit_unit){.family = family,
                               .multipliers =
                                   l->distance ? multiplies : l->weight_width > 2 && !l->residual,
                               .dsp = blocks,
                               .lut = !blocks,
                               .pair = pair_bits(l) ? dsp_product(FAMILY_XC7, pair_bits(l), x) : 0,
                               .weight_bits = l->code_width,
                               .lane_bits = l->acc_width,
                               .channel_bits = l->bias_width + (l->mul ? l->requant.mul_width : 0) +
                                               l->blocks * l->block_width};
}

static void cost(struct cell *c, const struct circuit_linear *l) {
  struct circuit_unit u = circuit_linear_unit(l, FAMILY_XC7);
  int64_t lanes = c->in[0]->lanes * c->out[0]->lanes;
  int64_t control = l->sparse ? sparse_word_bits(l->sparse, l->og) : 0;
  c->cycles = l->sparse ? l->rows * l->words : c->in[0]->beats * l->og;
  c->multipliers = lanes * u.multipliers;
  c->memory_bits = l->words * (lanes * u.weight_bits + control) +
                   l->sets * l->og * c->out[0]->lanes * u.channel_bits;
  c->accumulator_bits = l->acc_width;
}

// The circuit adds one zero point to all elements.
static bool one_zero(const struct value *y, struct err *e) {
  for (int64_t c = 1; c < y->type.channels; c++)
    if (type_zero(&y->type, c) != type_zero(&y->type, 0))
      return err_set(e, "its output has zero points per channel");
  return true;
}

// Of codes, some of which may be padding.
static int sum_bits(const struct value *x, int64_t taps) {
  int64_t zero = type_from_integer(&x->type, 0, 0);
  fix_wide lo = x->lo < zero ? x->lo : zero, hi = x->hi > zero ? x->hi : zero;
  return interval_bits((struct interval){lo * taps, hi * taps});
}

// Whether a beat of so many lanes has weights of one block.
static bool has_blocks(const struct weights *w, bool in_order, int64_t lanes) {
  const struct type *t = &w->value->type;
  return in_order && type_is_block(t) && (t->block.size >= w->taps || t->block.size % lanes == 0);
}

// What doesn't depend on lanes, but for whether there are blocks.
static bool weighted_facts(struct arena *a, const struct graph *g, const struct node *n,
                           const struct weights *w, bool blocks, struct circuit_linear *l,
                           struct err *e) {
  const struct value *x = node_in(g, n, 0), *b = node_in(g, n, 2);
  if (!w->value->init || (b && !b->init)) return err_set(e, "its weights are computed");
  if (node_attr(n, ATTR_slice)) return err_set(e, "it is a slice");
  if (!one_zero(node_out(g, n, 0), e)) return false;
  *l = (struct circuit_linear){.in = w->taps,
                               .out = w->outs,
                               .in_width = type_stream_width(&x->type),
                               .in_type = type_coding_text(type_coding(&x->type)),
                               .requant = circuit_requant_of(n, node_out(g, n, 0), &n->rq[0])};
  if (!type_is_bipolar(&node_out(g, n, 0)->type) && !channel_multipliers(a, n, l, e)) return false;
  l->acc_width = interval_bits(interval_node(g, n, KNOWN_PROVEN));
  if (n->op == OP_rbf) {
    circuit_rbf_fold(a, g, n, l);
  } else {
    if (!w->step) l->sum_width = sum_bits(x, w->taps);
    l->sum_shift = weighted_finer(g, n);
    fold_weights(a, w, l);
    if (blocks) circuit_block_weights(a, l, w->value);
    fold_bias(a, x, b, l);
  }
  return true;
}

bool circuit_weighted_unit(const struct graph *g, const struct node *n, const struct weights *w,
                           bool depthwise, bool in_order, struct circuit_unit *u, struct err *e) {
  struct arena scratch = {0};
  struct circuit_linear l;
  bool ok = weighted_facts(&scratch, g, n, w, has_blocks(w, in_order, 1), &l, e);
  if (ok) circuit_code_weights(&l, &w->value->type, depthwise);
  if (ok) *u = circuit_linear_unit(&l, u->family);
  u->per_lane = depthwise;
  arena_free(&scratch);
  return ok;
}

void circuit_linear_steps(struct cell *c, const struct sparse *sparse) {
  struct circuit_linear *l = c->facts;
  l->sparse = sparse;
  l->words = sparse ? sparse->words : l->sets * l->ib * l->og;
  l->rom = rom_shape_of(c->in[0]->lanes * l->code_width, l->words, c->ram_style);
  int64_t places = power_of_two(l->og > QUEUE_LEAST ? l->og : QUEUE_LEAST);
  circuit_linear_queue(c, places);
  while (places < c->timing.latency + 2) circuit_linear_queue(c, places *= 2);
  cost(c, l);
}

bool circuit_weighted(struct arena *a, const struct graph *g, struct cell *c,
                      const struct weights *w, int64_t rows, int64_t sets, bool in_order,
                      struct err *e) {
  struct circuit_linear *l = ARENA_NEW(a, struct circuit_linear, 1);
  bool blocks = has_blocks(w, in_order, c->in[0]->lanes);
  if (!weighted_facts(a, g, &g->nodes[c->node], w, blocks, l, e)) return false;
  if (c->out[0]->lanes > OUT_LANES_MAX)
    return err_set(e, "%lld output lanes, at most %d", (long long)c->out[0]->lanes, OUT_LANES_MAX);
  l->rows = rows;
  l->sets = sets;
  l->ib = (l->in + c->in[0]->lanes - 1) / c->in[0]->lanes;
  l->og = c->out[0]->beats / rows;
  if (l->block_size) l->block = l->blocks == 1 ? l->ib : l->block_size / c->in[0]->lanes;
  l->pack = c->pack && c->out[0]->lanes > 1 && pair_bits(l);
  c->facts = l;
  c->timing = (struct timing){.kind = TIMING_LINEAR, .ib = l->ib, .og = l->og};
  circuit_linear_steps(c, NULL);
  return true;
}

// Rows of a frame: all but the last dimension of its input.
int64_t circuit_rows(const struct graph *g, const struct node *n) {
  return value_elements(node_in(g, n, 0)) / weights_of(node_in(g, n, 1)).taps;
}

// Lanes that divide blocks of weights, where an output has several.
static bool block_lanes(const struct value *w, bool chosen, int64_t rows, int64_t *in,
                        struct err *e) {
  int64_t taps = fan_in(w->rank, w->shape), size = w->type.block.size;
  if (!type_is_block(&w->type) || size >= taps) return true;
  if (chosen)
    return size % *in == 0 ||
           err_set(e, "%lld lanes in, which don't divide its blocks of %lld weights (%lld would)",
                   (long long)*in, (long long)size, (long long)circuit_divisor(size, *in));
  while (size % *in || (rows > 1 && taps % *in)) --*in;
  return true;
}

// Each of several rows begins a beat.
bool circuit_rows_lanes(const struct graph *g, const struct node *n, bool chosen, int64_t *in,
                        int64_t *out, struct err *e) {
  struct weights w = weights_of(node_in(g, n, 1));
  if (!block_lanes(w.value, chosen, circuit_rows(g, n), in, e)) return false;
  if (circuit_rows(g, n) == 1) return true;
  if (chosen)
    return circuit_divides(w.taps, *in, " in", e) && circuit_divides(w.outs, *out, " out", e);
  *in = circuit_divisor(w.taps, *in);
  *out = circuit_divisor(w.outs, *out);
  return true;
}

int64_t circuit_rows_cycles(const struct graph *g, const struct node *n, int64_t in, int64_t out) {
  struct arena scratch = {0};
  struct weights w = weights_of(node_in(g, n, 1));
  const struct sparse *sparse = circuit_sparse(&scratch, g, n, in, out, NULL);
  int64_t row = sparse ? sparse->words : ((w.taps + in - 1) / in) * ((w.outs + out - 1) / out);
  arena_free(&scratch);
  return circuit_rows(g, n) * row;
}

// Several rows are an image of one tap a window, which ends each with TLAST.
bool circuit_rows_window(struct arena *a, const struct graph *g, const struct node *n, int64_t in,
                         int64_t out, struct circuit_window *w, struct err *e) {
  struct weights weights = weights_of(node_in(g, n, 1));
  int64_t rows = circuit_rows(g, n);
  const struct sparse *sparse = rows > 1 ? circuit_sparse(a, g, n, in, out, NULL) : NULL;
  *w = (struct circuit_window){.shape = {.axes = 1,
                                         .channels = weights.taps,
                                         .in = {1, rows},
                                         .out = {1, rows},
                                         .kernel = {1, 1},
                                         .stride = {1, 1},
                                         .dilation = {1, 1}},
                               .lanes = in,
                               .taps = 1,
                               .groups = 1,
                               .beats = rows == 1 ? 0 : weights.taps / in,
                               .steps = weights.outs / out,
                               .each = sparse ? sparse->steps : NULL};
  return rows == 1 || circuit_window_size(w, e);
}

static bool make_linear(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  struct weights w = weights_of(node_in(g, n, 1));
  if (!circuit_weighted(a, g, c, &w, circuit_rows(g, n), 1, true, e)) return false;
  circuit_linear_steps(c, circuit_sparse(a, g, n, c->in[0]->lanes, c->out[0]->lanes, NULL));
  return true;
}

static bool linear_unit(const struct graph *g, const struct node *n, struct circuit_unit *u,
                        struct err *e) {
  struct weights w = weights_of(node_in(g, n, 1));
  return circuit_weighted_unit(g, n, &w, false, true, u, e);
}

// Partial sums of each level of an output's adders, hw/fixed_mac.sv.
static int64_t tree_bits(int64_t lanes, int product, int acc) {
  int64_t bits = 0, width = product;
  for (int64_t terms = lanes; terms > 1; bits += terms * width) {
    terms = (terms + 1) / 2;
    width += width < acc;
  }
  return bits;
}

// hw/fixed_mac_pair.sv: the sign of one weight is added to the other, that of one product to the
// other.
static void pair_products(const struct circuit_linear *l, int64_t lanes, int64_t outs,
                          struct bill *n) {
  int x, weight, bits = pair_bits(l), field = bits - l->weight_width - 1;
  int64_t pairs = lanes * ((outs + 1) / 2);
  factors(l, &x, &weight);
  n->dsp += pairs * dsp_product(n->family, bits, x);
  n->term[TERM_LANES] += (double)pairs;
  n->term[TERM_SUMS] += (double)(lanes * (outs / 2) * (l->weight_width + field));
  n->term[TERM_DATA] += (double)(2 * lanes * outs * field);
}

static void weight_products(const struct circuit_linear *l, int64_t lanes, int64_t outs,
                            struct bill *n) {
  if (l->pack) {
    pair_products(l, lanes, outs, n);
    return;
  }
  int x, weight;
  bool multiplies = factors(l, &x, &weight);
  int64_t blocks = product_blocks(l, n->family, x, weight);
  // of each second a DSP block doesn't take the register: hw/fixed_mac.sv
  bool split =
      lanes > 1 && (l->in_type == type_coding_text(CODING_UNSIGNED) || l->acc_width <= x + weight);
  int64_t outside = !blocks ? lanes : split ? lanes / 2 : 0;
  int bits =
      l->residual ? l->weight_width * (x + 1) : x + weight; // a plane has products of its own
  double different = blocks ? (double)outs : bill_distinct((double)outs, l->ib * l->og * weight);
  if (l->distance)
    bill_square(n, lanes * outs, x);
  else if (multiplies)
    bill_multiply(n, lanes * outs, x, weight);
  else
    n->term[TERM_PRODUCTS] += (double)lanes * different * bits;
  n->term[TERM_DATA] += different * (double)(outside * bits);
}

// hw/fixed_linear_schedule.sv, and the delays of what it says of each lane.
static void bill_schedule(const struct circuit_linear *l, struct bill *n) {
  int bits = sparse_word_bits(l->sparse, l->og);
  bill_rom(n, 1, bits, l->words, 1);
  bill_counter(n, l->words);
  n->term[TERM_STREAM] += (double)(3 * bits);
}

void circuit_weighted_bill(const struct cell *c, struct bill *n) {
  const struct circuit_linear *l = c->facts;
  int64_t in = c->in[0]->lanes, out = c->out[0]->lanes;
  int x = l->in_width < 2 ? 2 : l->in_width;
  int planes = l->residual ? l->weight_width : 1;
  int product = x + l->weight_width / planes + (l->shift_width ? (1 << l->shift_width) - 2 : 0);
  n->part = l->pack ? PART_packed : PART_linear;
  bill_rom_shaped(n, out, in * l->code_width, l->words, &l->rom, 1);
  bill_rom(n, out, l->bias_width, l->sets * l->og, 1);
  if (l->mul) bill_rom(n, out, l->requant.mul_width, l->sets * l->og, 1);
  weight_products(l, in, out, n);
  circuit_coded_bill(l, in * out, out, n);
  if (l->distance) {
    int difference, same;
    factors(l, &difference, &same);
    product = 2 * difference;
    n->term[TERM_SUMS] += (double)(in * out * difference);
    n->term[TERM_DATA] += (double)(in * out * difference);
  }
  n->term[TERM_SUMS] += (double)(out * planes * tree_bits(in, product, l->acc_width));
  n->term[TERM_STREAM] += (double)(in * x);
  n->term[TERM_DATA] += (double)(out * l->acc_width);
  if (l->og > 1) bill_lut_ram(n, out, l->acc_width, bits_clog2(l->og));
  bill_counter(n, l->words / l->sets);
  for (int i = 0; i < 3; i++) bill_counter(n, l->og);
  bill_counter(n, l->rows);
  if (l->sparse) bill_schedule(l, n);
  bill_requant(n, out, l->acc_width, &l->requant, l->mul != NULL);
  bill_queue(n, out * c->out[0]->width, l->queue);
}

const struct circuit_column circuit_linear = {.make = make_linear,
                                              .lanes = circuit_rows_lanes,
                                              .cycles = circuit_rows_cycles,
                                              .unit = linear_unit,
                                              .bill = circuit_weighted_bill,
                                              .window = circuit_rows_window};
