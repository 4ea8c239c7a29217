// SPDX-License-Identifier: Apache-2.0
// The circuit of a convolution: hw/axis_window.sv, and behind it a linear layer of the taps of each
// group of each pixel, hw/fixed_linear.sv; or, where a group is one channel in and one out,
// hw/fixed_depthwise.sv.
#include "sw/base/bits.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"
#include "sw/graph/conv.h"
#include "sw/graph/weights.h"

#include <assert.h>

enum { ROM_TWO_CYCLES = 8192 };

static bool is_depthwise(const struct conv *c) {
  return c->groups > 1 && c->ins == 1 && c->outs == c->window.channels;
}

// The channels that lanes in divide: a group's, for each begins a beat; of a depthwise convolution
// all.
static int64_t ins_of(const struct conv *c) {
  return is_depthwise(c) ? c->window.channels : c->ins;
}

static int64_t outs_of(const struct conv *c) {
  return is_depthwise(c) ? c->outs : c->outs / c->groups;
}

static bool whole_channels(const struct conv *c, int64_t in, int64_t taps) {
  return in % taps == 0 && ins_of(c) % (in / taps) == 0;
}

// Whether beats may have so many taps of `channels` lanes in. Whole windows are of rows that a
// frame has itself; of one column they are a column.
static bool has_taps(const struct conv *c, bool kept, int64_t taps) {
  int64_t rows = c->window.kernel[ROWS], all = rows * c->window.kernel[COLUMNS];
  if (taps == 1 || taps == rows) return true;
  return taps == all && (!kept || rows == 1) && circuit_window_slides(&c->window);
}

// Lanes in are taps of a beat times channels: channels of one tap, of a column of the kernel, or of
// all of it; 0: they are neither. Of a depthwise convolution the channels are the lanes out.
static int64_t taps_of(const struct conv *c, bool kept, int64_t in, int64_t out) {
  int64_t rows = c->window.kernel[ROWS], taps[] = {1, rows, rows * c->window.kernel[COLUMNS]};
  for (int i = 0; i < 3; i++)
    if (whole_channels(c, in, taps[i]) && has_taps(c, kept, taps[i]) &&
        (!is_depthwise(c) || in == taps[i] * out))
      return taps[i];
  return 0;
}

// Lanes in are the lanes out, of one tap, or those of a column of taps, or of all.
static bool has_depthwise_lanes(const struct conv *c, bool kept, int64_t in, int64_t out,
                                struct err *e) {
  int64_t rows = c->window.kernel[ROWS], all = rows * c->window.kernel[COLUMNS];
  if (in == out) return circuit_divides(c->window.channels, in, "", e);
  if (!circuit_divides(c->window.channels, out, " out", e)) return false;
  if (taps_of(c, kept, in, out)) return true;
  if (has_taps(c, kept, all))
    return err_set(e,
                   "%lld lanes in and %lld out (%lld in would, or %lld, of a column of taps, or "
                   "%lld, of all)",
                   (long long)in, (long long)out, (long long)out, (long long)(rows * out),
                   (long long)(all * out));
  return err_set(e, "%lld lanes in and %lld out (%lld in would, or %lld, of a column of taps)",
                 (long long)in, (long long)out, (long long)out, (long long)(rows * out));
}

static bool has_lanes_in(const struct conv *c, bool kept, int64_t in, int64_t out, struct err *e) {
  int64_t rows = c->window.kernel[ROWS], all = rows * c->window.kernel[COLUMNS];
  if (taps_of(c, kept, in, out)) return true;
  if (kept && taps_of(c, false, in, out))
    return err_set(e,
                   "%lld lanes in, whole windows over rows that it keeps from frame to frame (%lld "
                   "would, or %lld times a number that divides its %lld channels)",
                   (long long)in, (long long)circuit_divisor(c->ins, in), (long long)rows,
                   (long long)c->ins);
  return err_set(e,
                 "%lld lanes in, which don't divide its %lld channels (%lld would, or %lld or %lld "
                 "times a number that does)",
                 (long long)in, (long long)c->ins, (long long)circuit_divisor(c->ins, in),
                 (long long)rows, (long long)all);
}

static bool conv_lanes(const struct graph *g, const struct node *n, bool chosen, int64_t *in,
                       int64_t *out, struct err *e) {
  struct conv c;
  if (!conv_of(g, n, &c, e)) return false;
  struct circuit_line line;
  bool depthwise = is_depthwise(&c), kept = circuit_line(g, n, &line);
  if (chosen && depthwise) return has_depthwise_lanes(&c, kept, *in, *out, e);
  if (chosen)
    return has_lanes_in(&c, kept, *in, *out, e) && circuit_divides(outs_of(&c), *out, " out", e);
  *in = circuit_divisor(ins_of(&c), *in);
  *out = depthwise ? *in : circuit_divisor(outs_of(&c), *out);
  return true;
}

static bool conv_windows(const struct graph *g, const struct node *n, struct window *w,
                         struct err *e) {
  struct conv c;
  bool ok = conv_of(g, n, &c, e);
  if (ok) *w = c.window;
  return ok;
}

// Padded taps of an input whose zero point is 0 add nothing. To leave one out pays where the layer
// has more cycles for a beat than the walk over it takes.
static bool skips(const struct graph *g, const struct node *n, const struct conv *c, int64_t taps,
                  int64_t steps, bool kept) {
  const struct window *s = &c->window;
  bool padded = false;
  for (int axis = 0; axis < WINDOW_AXES; axis++)
    for (int64_t k = 0; k < s->kernel[axis]; k++) padded |= window_pads(s, axis, k);
  return padded && taps == 1 && steps > 1 && c->groups == 1 && !kept &&
         !type_is_bipolar(&node_in(g, n, 0)->type) &&
         type_from_integer(&node_in(g, n, 0)->type, 0, 0) == 0;
}

// Where the weights of a beat of taps stand among an output's: kernel column, beat of channels,
// kernel row, lane; those of whole windows have a beat's columns beside each other. NULL: in their
// order.
static const int64_t *by_columns(struct arena *a, const struct conv *c, int64_t in, int64_t taps) {
  int64_t rows = c->window.kernel[ROWS], columns = c->window.kernel[COLUMNS], at = 0;
  int64_t lanes = in / taps, beats = c->ins / lanes, column = rows * lanes;
  if (taps == 1) return NULL;
  int64_t *order = ARENA_NEW(a, int64_t, rows * columns * c->ins);
  for (int64_t i = 0; i < columns * beats; i++) {
    int64_t kx = taps > rows ? i % columns : i / beats,
            beat = taps > rows ? i / columns : i % beats;
    for (int64_t k = 0; k < column; k++)
      order[at++] = (k / lanes * columns + kx) * c->ins + beat * lanes + k % lanes;
  }
  return order;
}

// The steps that a mask leaves of it, if that is quicker than to leave out the padding; NULL.
static const struct sparse *conv_sparse(struct arena *a, const struct graph *g,
                                        const struct node *n, const struct conv *c, int64_t in,
                                        int64_t out, const struct circuit_window *w) {
  if (is_depthwise(c) || c->groups > 1) return NULL;
  const struct sparse *s = circuit_sparse(a, g, n, in, out, by_columns(a, c, in, w->taps));
  return s && window_pixels(&c->window) * s->words < circuit_window_bound(w) ? s : NULL;
}

static bool conv_shape(struct arena *a, const struct graph *g, const struct node *n, int64_t in,
                       int64_t out, struct circuit_window *w, const struct sparse **sparse,
                       struct err *e) {
  struct conv c;
  if (!conv_of(g, n, &c, e)) return false;
  bool depthwise = is_depthwise(&c);
  int64_t taps = taps_of(&c, false, in, out);
  assert(taps); // lanes that conv_lanes has passed
  *w = (struct circuit_window){.shape = c.window,
                               .lanes = in / taps,
                               .beats = c.window.channels * taps / in,
                               .taps = taps,
                               .groups = depthwise ? c.window.channels / out : c.groups,
                               .steps = depthwise ? 1 : c.outs / c.groups / out,
                               .pad = type_from_integer(&node_in(g, n, 0)->type, 0, 0)};
  circuit_line_keep(g, n, w);
  w->skips = !depthwise && skips(g, n, &c, taps, w->steps, w->kept > 0);
  *sparse = conv_sparse(a, g, n, &c, in, out, w);
  if (!*sparse) return true;
  w->skips = false;
  w->each = (*sparse)->steps;
  return true;
}

static bool conv_window(struct arena *a, const struct graph *g, const struct node *n, int64_t in,
                        int64_t out, struct circuit_window *w, struct err *e) {
  const struct sparse *sparse;
  return conv_shape(a, g, n, in, out, w, &sparse, e) && circuit_window_size(w, e);
}

static int64_t conv_cycles(const struct graph *g, const struct node *n, int64_t in, int64_t out) {
  struct arena scratch = {0};
  struct circuit_window w;
  const struct sparse *sparse;
  struct err e = {0};
  bool ok = conv_shape(&scratch, g, n, in, out, &w, &sparse, &e);
  int64_t cycles = ok ? circuit_window_bound(&w) : 0;
  arena_free(&scratch);
  return cycles;
}

// A row of its weights is a channel, whose taps follow each other: one that a lane works on.
bool circuit_depthwise(struct arena *a, const struct graph *g, struct cell *c,
                       const struct weights *w, int64_t pixels, int64_t words, struct err *e) {
  if (!circuit_weighted(a, g, c, w, pixels, 1, false, e)) return false;
  struct circuit_linear *l = c->facts;
  int64_t lanes = c->in[0]->lanes, column = lanes / c->out[0]->lanes;
  l->depthwise = true;
  l->pack = false;
  circuit_code_weights(l, &w->value->type, true);
  l->ib = words;
  l->og = c->out[0]->beats / pixels;
  l->words = l->ib * l->og;
  l->rom = rom_shape_of(lanes * l->code_width, l->words, c->ram_style);
  int64_t rom = (l->words > ROM_TWO_CYCLES ? 3 : 2) + (l->coded != NULL);
  c->timing =
      (struct timing){.kind = TIMING_ARGMAX,
                      .latency = rom + 2 + bits_clog2(column) + circuit_requant_stages(&l->requant),
                      .ib = l->in / column};
  c->cycles = c->in[0]->beats;
  struct circuit_unit u = circuit_linear_unit(l, FAMILY_XC7);
  c->multipliers = lanes * u.multipliers;
  c->memory_bits = l->out * (words * column * u.weight_bits + u.channel_bits);
  return true;
}

// Of each pixel, the beats that its window sends.
static const int32_t *beats_sent(struct arena *a, const struct circuit_window *w) {
  int64_t pixels = window_pixels(&w->shape);
  int32_t *sent = ARENA_NEW(a, int32_t, pixels);
  for (int64_t i = 0; i < pixels; i++) sent[i] = (int32_t)circuit_window_pixel(w, i);
  return sent;
}

// Weights in the order in which beats of taps come.
static const int64_t *in_order(struct arena *a, const struct circuit_linear *l,
                               const int64_t *order) {
  if (!order) return l->weight;
  int64_t *to = ARENA_NEW(a, int64_t, l->in * l->out);
  for (int64_t i = 0; i < l->in * l->out; i++)
    to[i] = l->weight[i / l->in * l->in + order[i % l->in]];
  return to;
}

static bool make_conv(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  struct conv conv;
  if (!conv_of(g, &g->nodes[c->node], &conv, e)) return false;
  struct weights w = weights_of(node_in(g, &g->nodes[c->node], 1));
  int64_t pixels = window_pixels(&conv.window);
  int64_t in = c->in[0]->lanes, out = c->out[0]->lanes, taps = taps_of(&conv, false, in, out);
  if (is_depthwise(&conv)) {
    if (!circuit_depthwise(a, g, c, &w, pixels, w.taps / taps, e)) return false;
    struct circuit_linear *l = c->facts;
    l->weight = in_order(a, l, by_columns(a, &conv, taps, taps));
    return true;
  }
  struct circuit_window window;
  const struct sparse *sparse;
  if (!conv_shape(a, g, &g->nodes[c->node], in, out, &window, &sparse, e)) return false;
  bool follow = taps == 1 && !window.skips && conv.groups == 1;
  if (!circuit_weighted(a, g, c, &w, pixels * conv.groups, conv.groups, follow, e)) return false;
  struct circuit_linear *l = c->facts;
  l->weight = in_order(a, l, by_columns(a, &conv, in, taps));
  circuit_linear_steps(c, sparse);
  if (window.skips) l->sent = beats_sent(a, &window);
  return true;
}

// Whether padding may be left out isn't known before the lanes are: no blocks then.
static bool conv_unit(const struct graph *g, const struct node *n, struct circuit_unit *u,
                      struct err *e) {
  struct conv c;
  struct weights w = weights_of(node_in(g, n, 1));
  return conv_of(g, n, &c, e) &&
         circuit_weighted_unit(g, n, &w, is_depthwise(&c),
                               c.groups == 1 && !skips(g, n, &c, 1, 2, false), u, e);
}

// Bits of the terms that a level of a column's tree leaves; 0: of a product.
static int64_t tree_bits(const struct circuit_linear *l, int64_t level) {
  bool wide = l->weight_type == type_coding_text(CODING_UNSIGNED);
  int64_t bits = l->in_width + 2 + l->weight_width + wide + level;
  return bits < l->acc_width ? bits : l->acc_width;
}

// hw/fixed_depthwise.sv: products and sums have registers of their own.
void circuit_depthwise_bill(const struct circuit_linear *l, int64_t lanes, int64_t column,
                            struct bill *n) {
  int64_t products = lanes * column;
  bool bipolar = l->weight_width == 1, wide = l->weight_type == type_coding_text(CODING_UNSIGNED);
  n->part = PART_depthwise;
  bill_rom_shaped(n, 1, products * l->code_width, l->words, &l->rom, 1);
  bill_rom(n, 1, lanes * l->bias_width, l->og, 1);
  if (l->mul) bill_rom(n, 1, lanes * l->requant.mul_width, l->og, 1);
  if (!bipolar) bill_multiply(n, products, l->in_width, l->weight_width + wide);
  circuit_coded_bill(l, products, lanes, n);
  n->term[TERM_STREAM] += (double)(products * l->in_width);
  int64_t term = column == 1 ? l->acc_width : tree_bits(l, 0);
  n->term[TERM_DATA] += (double)(lanes * l->acc_width + products * term);
  n->term[TERM_SUMS] += (double)(lanes * l->acc_width);
  // a column's sum: adders, and a register behind each
  for (int64_t terms = column, level = 1; terms > 1; terms = (terms + 1) / 2, level++)
    n->term[TERM_PRODUCTS] += (double)(lanes * (terms / 2) * tree_bits(l, level));
  bill_counter(n, l->words);
  for (int i = 0; i < 3; i++) bill_counter(n, l->og);
  bill_counter(n, l->rows * l->og);
  bill_requant(n, lanes, l->acc_width, &l->requant, l->mul != NULL);
}

static void conv_bill(const struct cell *c, struct bill *n) {
  const struct circuit_linear *l = c->facts;
  if (l->depthwise)
    circuit_depthwise_bill(l, c->out[0]->lanes, c->in[0]->lanes / c->out[0]->lanes, n);
  else
    circuit_weighted_bill(c, n);
}

const struct circuit_column circuit_conv = {.make = make_conv,
                                            .lanes = conv_lanes,
                                            .cycles = conv_cycles,
                                            .unit = conv_unit,
                                            .windows = conv_windows,
                                            .bill = conv_bill,
                                            .window = conv_window};
