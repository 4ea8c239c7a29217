// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/resources.h"

#include "sw/base/bits.h"

#include <math.h>

// ---- requantisation

static bool rounds(const struct circuit_requant *r, enum fix_rounding rounding) {
  return r->rounding == fix_rounding_text(rounding);
}

// Bits of the rounded value before it is clamped.
static int64_t rounded(int64_t product, const struct circuit_requant *r) {
  bool two_step = rounds(r, FIX_TFLITE);
  int64_t left = two_step ? (r->shift < 31 ? 31 - r->shift : 0) : r->shift < 0 ? -r->shift : 0;
  int64_t right = two_step ? (r->shift > 31 ? r->shift - 31 : 0) : r->shift > 0 ? r->shift : 0;
  int64_t high = two_step ? (product + left < 32 ? 2 : product + left - 30) : product + left;
  high += ((int64_t)1 << r->up_width) - 1;
  int64_t whole = high > right ? high - right : 1;
  return (whole > r->out_width ? whole : r->out_width + 1) + 1 + (r->zero != 0);
}

// The place of the first bit, and two shifts by it: a multiplexer of two for each bit and level.
static void bill_float(struct bill *n, int64_t lanes, int64_t product,
                       const struct circuit_requant *r) {
  int levels = bits_clog2(r->out_width);
  n->term[TERM_PRODUCTS] += (double)(lanes * levels * (product + r->out_width)) / 2;
  n->term[TERM_SUMS] += (double)(lanes * product);
}

void bill_requant(struct bill *n, int64_t lanes, int acc, const struct circuit_requant *r,
                  bool per_channel) {
  if (!r->cast) return;
  int factor = r->mul_width - r->up_width;
  if (r->mul_width) {
    bill_factor(n, lanes, acc, factor, per_channel ? 0 : r->mul);
    n->term[TERM_DATA] += (double)(lanes * (acc + r->mul_width));
  }
  bool wraps = r->overflow == fix_overflow_text(FIX_WRAP), bipolar = r->out_width == 1;
  int64_t sum = bipolar ? 1 : wraps ? r->out_width : rounded(acc + factor, r);
  n->term[TERM_REQUANT] += (double)(lanes * (sum + r->out_width));
  if (r->grid) bill_float(n, lanes, acc + factor, r);
}

// ---- estimates

struct row {
  const char *name;
  double lut[TERMS], ff[TERMS];
};
#define COEFFICIENTS(...)                                                                          \
  { __VA_ARGS__ }
#define PART(name, lut, ff) [PART_##name] = {#name, lut, ff},
static const struct row xc7_rows[PARTS] = {
#include "sw/circuit/resources_xc7.def"
};
static const struct row ecp5_rows[PARTS] = {
#include "sw/circuit/resources_ecp5.def"
};
static const struct row ice40_rows[PARTS] = {
#include "sw/circuit/resources_ice40.def"
};
#undef PART
#undef COEFFICIENTS

static const struct {
  const char *id, *title;
  int kbit;
} families[FAMILIES] = {
#define FAMILY(id, name, title, kbit) {name, title, kbit},
#include "sw/circuit/families.def"
#undef FAMILY
};

const char *family_id(enum family family) {
  return families[family].id;
}

const char *family_title(enum family family) {
  return families[family].title;
}

int family_kbit(enum family family) {
  return families[family].kbit;
}

const char *part_name(enum part part) {
  return xc7_rows[part].name;
}

struct bill bill_of(const struct circuit *p, const struct cell *c, enum family family) {
  struct bill n = {.family = family, .term[TERM_ONE] = 1};
  if (c->kind == CELL_LAYER)
    circuit_column(p->graph->nodes[c->node].op)->bill(c, &n);
  else
    bill_between(c, &n);
  return n;
}

static int64_t sum(const double *coefficients, const double *terms) {
  double s = 0;
  for (int i = 0; i < TERMS; i++) s += coefficients[i] * terms[i];
  return s < 0 ? 0 : llround(s);
}

struct resources resources_of(const struct bill *n) {
  static const struct row *const rows[FAMILIES] = {
      [FAMILY_XC7] = xc7_rows, [FAMILY_ECP5] = ecp5_rows, [FAMILY_ICE40] = ice40_rows};
  const struct row *r = &rows[n->family][n->part];
  return (struct resources){.lut = n->lut + sum(r->lut, n->term),
                            .ff = sum(r->ff, n->term),
                            .dsp = n->dsp,
                            .bram = n->bram};
}

struct resources resources_cell(const struct circuit *p, const struct cell *c, enum family family) {
  struct bill n = bill_of(p, c, family);
  return resources_of(&n);
}

void resources_add(struct resources *all, struct resources own) {
  all->lut += own.lut;
  all->ff += own.ff;
  all->dsp += own.dsp;
  all->bram += own.bram;
}

struct resources resources_circuit(const struct circuit *p, enum family family) {
  struct resources all = {0};
  for (uint32_t i = 0; i < p->n_cells; i++)
    resources_add(&all, resources_cell(p, &p->cells[i], family));
  return all;
}
