// SPDX-License-Identifier: Apache-2.0
// The circuit of a pointwise layer: comparisons where the function is piecewise linear, otherwise a
// folded table, or a polynomial with corrections where the table would be long.
#include "sw/base/bits.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"
#include "sw/graph/curve.h"
#include "sw/graph/pointwise.h"

#include <string.h>

enum { ROM_TWO_CYCLES = 8192 };

static bool make_exact(struct cell *c, const struct node *n, struct circuit_pointwise *p,
                       struct err *e) {
  const struct exact *x = exact_of(n->op);
  if (!x) return err_set(e, "%s without a table", op_info(n->op)->name);
  p->form = FORM_EXACT;
  p->module = x->module;
  p->requant.cast |= op_is(n->op, TRAIT_CASTS);
  c->timing.latency = x->stages + circuit_requant_stages(&p->requant);
  return true;
}

// Odd functions with a module of their own name.
static const char *odd_module(int curve) {
  return curve == CURVE_TANH         ? "fixed_tanh"
         : curve == CURVE_SOFTSIGN   ? "fixed_softsign"
         : curve == CURVE_TANHSHRINK ? "fixed_tanhshrink"
                                     : NULL;
}

// The unsaturated magnitudes of a table that is odd, up to -out_lo, which is all that matters
// after saturation: the negative half holds them. NULL if the table isn't odd.
static const int64_t *odd_magnitudes(struct arena *a, const struct table_full *t,
                                     const struct type *x, const struct type *y) {
  if (!x->is_signed || !y->is_signed) return NULL;
  int64_t *magnitude = ARENA_NEW(a, int64_t, 1 - t->in_lo);
  for (int64_t m = 0; m <= -t->in_lo; m++) {
    magnitude[m] = -t->codes[-m - t->in_lo];
    int64_t positive = magnitude[m] > t->out_hi ? t->out_hi : magnitude[m];
    if (magnitude[m] < 0 || (m <= t->in_hi && t->codes[m - t->in_lo] != positive)) return NULL;
  }
  return magnitude;
}

static void make_table(struct arena *a, const struct graph *g, struct cell *c,
                       struct circuit_pointwise *p) {
  const struct node *n = &g->nodes[c->node];
  const struct type *x = &node_in(g, n, 0)->type, *y = &node_out(g, n, 0)->type;
  const struct tensor *table = node_attr(n, ATTR_table)->tensor;
  int64_t *codes = ARENA_NEW(a, int64_t, table->count);
  for (int64_t i = 0; i < table->count; i++) codes[i] = tensor_int(table, i);
  struct table_full full = {type_lowest(x),  type_highest(x), type_lowest(y),
                            type_highest(y), codes,           NULL};
  full.magnitudes = odd_magnitudes(a, &full, x, y);
  p->rom = table_fold(a, &full);
  const char *odd = p->rom.odd ? odd_module(node_curve(n)) : NULL;
  bool fitted = p->rom.depth > TABLE_MAX_ENTRIES && polynomial_fit(a, &p->rom, &p->polynomial);
  p->form = fitted ? FORM_POLYNOMIAL : FORM_TABLE;
  p->module = fitted ? "fixed_polynomial" : odd ? odd : "fixed_table";
  int rom = (fitted ? p->polynomial.segments : p->rom.depth) > ROM_TWO_CYCLES ? 3 : 2;
  c->memory_bits = fitted ? polynomial_bits(&p->polynomial) : table_rom_bits(&p->rom);
  c->memory_bits *= (c->in[0]->lanes + 1) / 2; // one memory serves two lanes
  c->timing.latency = 3 + rom + (p->rom.odd ? 2 : 0) + (fitted ? 4 : 0);
}

static bool make_layer(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (x->type.axis >= 0 || y->type.axis >= 0) return err_set(e, "its types have channels");
  if (node_attr(n, ATTR_slice)) return err_set(e, "it is a slice");
  if (type_is_bipolar(&x->type) && !op_is(n->op, TRAIT_CASTS))
    return err_set(e, "its input is bipolar");
  if (n->n_rq && n->rq[n->n_rq - 1].count > 1) return err_set(e, "its requantisation has channels");
  struct pointwise f = pointwise_of(g, n);
  struct circuit_pointwise *p = ARENA_NEW(a, struct circuit_pointwise, 1);
  *p = (struct circuit_pointwise){.in_width = c->in[0]->width,
                                  .in_type = type_coding_text(type_coding(&x->type)),
                                  .in_zero = type_zero(&x->type, 0),
                                  .codes = f.constants.codes,
                                  .slope_mul = f.constants.slope_mul,
                                  .slope_shift = f.constants.slope_shift,
                                  .requant = circuit_requant_of(n, y, f.rq)};
  c->facts = p;
  c->cycles = c->in[0]->beats;
  c->timing.kind = TIMING_PIPE;
  if (!f.table) return make_exact(c, n, p, e);
  make_table(a, g, c, p);
  return true;
}

// A function of exact.def: with a product, or with comparisons.
static void exact_bill(const struct circuit_pointwise *p, int64_t lanes, int stages,
                       struct bill *n) {
  int v = p->in_width + 2, slope = stages > 1 ? bits_unsigned((uint64_t)p->slope_mul) : 0;
  int acc = p->requant.cast ? v : p->requant.out_width;
  n->part = stages > 1 ? PART_product : PART_exact;
  if (stages == 2) acc = v + (p->slope_shift > slope ? p->slope_shift : slope);
  if (stages > 2) acc = v + slope + 2;
  bool clips = strcmp(p->module, "fixed_clip") == 0, shrinks = strstr(p->module, "shrink") != NULL;
  if (clips || shrinks) n->term[TERM_SUMS] += (double)(lanes * v * (shrinks ? 2 : 1));
  if (stages > 1) {
    bill_factor(n, lanes, v, slope, p->slope_mul);
    n->term[TERM_STREAM] += (double)(lanes * (v + (stages > 2 ? 2 * acc : 0)));
    n->term[TERM_SUMS] += (double)(lanes * acc);
  }
  // a comparison with a zero point; with 0 it is the sign
  if (stages < 2 && !clips && !shrinks && p->in_zero) n->term[TERM_SUMS] += (double)(lanes * v);
  n->term[TERM_LANES] += (double)lanes;
  n->term[TERM_DATA] += (double)(lanes * acc);
  bill_requant(n, lanes, acc, &p->requant, false);
}

// hw/fixed_tails.sv: what stands beside the table waits while it is read.
static void tails_bill(const struct table_rom *r, int64_t lanes, int in, int out, int entry,
                       int body, struct bill *n) {
  bool slopes = r->low_slope || r->high_slope;
  int tail = slopes ? in + 2 : r->low_offset != r->high_offset;
  int v = in + 2 > entry ? in + 2 : entry;
  v = v > out + 2 ? v : out + 2;
  n->term[TERM_DATA] += (double)(lanes * (bits_clog2(r->depth) + out + entry));
  n->term[TERM_STREAM] += (double)(lanes * (tail + (body - 1) * (slopes ? v : tail)));
  if (slopes) n->term[TERM_CONTROL] += (double)(lanes * (in + 1));
  if (r->odd) n->term[TERM_REQUANT] += (double)(lanes * (in + out + body));
  n->term[TERM_SUMS] += (double)(lanes * v);
  n->term[TERM_LANES] += (double)lanes;
}

// hw/fixed_polynomial.sv, hw/fixed_quadratic.sv
static void polynomial_bill(const struct circuit_pointwise *p, int64_t lanes, struct bill *n) {
  const struct polynomial *q = &p->polynomial;
  const struct table_rom *r = &q->tails;
  int d = q->segment_bits, linear = q->c1_width + d, quadratic = q->c2_width + 2 * d;
  int term = linear > quadratic ? linear : quadratic;
  int value = (term > q->c0_width ? term : q->c0_width) + 4,
      word = q->c0_width + q->c1_width + q->c2_width;
  n->part = PART_polynomial;
  for (int64_t pair = 0; pair < lanes; pair += 2) {
    int ports = pair + 1 < lanes ? 2 : 1;
    bill_rom(n, 1, word, q->segments, ports);
    bill_rom(n, 1, 2, r->depth, ports);
    n->term[TERM_PRODUCTS] += ports * 2;
  }
  bill_multiply(n, lanes, d + 1, d + 1);
  bill_multiply(n, lanes, q->c1_width, d + 1);
  bill_multiply(n, lanes, q->c2_width, 2 * d + 1);
  n->term[TERM_DATA] += (double)(lanes * (word + 3 * d + 3 * value + 4 * bits_clog2(r->depth)));
  n->term[TERM_SUMS] += (double)(lanes * 3 * value);
  tails_bill(r, lanes, p->in_width, p->requant.out_width, value, 6, n);
}

// Bits of the entries that aren't the same in all: synthesis stores no others.
static int varying_bits(const struct table_rom *r) {
  uint64_t vary = 0;
  for (int64_t i = 1; i < r->depth; i++) vary |= (uint64_t)(r->entries[i] ^ r->entries[0]);
  int bits = 0;
  for (int i = 0; i < r->entry_width; i++) bits += (int)(vary >> i & 1);
  return bits ? bits : 1;
}

static void pointwise_bill(const struct cell *c, struct bill *n) {
  const struct circuit_pointwise *p = c->facts;
  int64_t lanes = c->in[0]->lanes;
  if (p->form == FORM_EXACT)
    exact_bill(p, lanes, (int)c->timing.latency - circuit_requant_stages(&p->requant), n);
  else if (p->form == FORM_POLYNOMIAL)
    polynomial_bill(p, lanes, n);
  if (p->form != FORM_TABLE) return;
  n->part = PART_table;
  int entry = varying_bits(&p->rom);
  for (int64_t pair = 0; pair < lanes; pair += 2)
    bill_rom(n, 1, entry, p->rom.depth, pair + 1 < lanes ? 2 : 1);
  tails_bill(&p->rom, lanes, p->in_width, p->requant.out_width, entry + 1, 2, n);
}

const struct circuit_column circuit_pointwise = {.make = make_layer, .bill = pointwise_bill};
