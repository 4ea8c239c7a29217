// SPDX-License-Identifier: Apache-2.0
// The circuit of a pointwise layer: comparisons where the function is piecewise linear, otherwise a
// folded table, or a polynomial with corrections where the table would be long.
#include "sw/circuit/facts.h"
#include "sw/graph/curve.h"
#include "sw/graph/pointwise.h"

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

const struct circuit_column circuit_pointwise = {.make = make_layer};
