// SPDX-License-Identifier: Apache-2.0
// Pointwise layers: parameters of their module, images of tables and polynomials.
#include "gen/emit.h"
#include "sw/graph/exact.h"

#include <string.h>

static void exact_parameters(struct parameters *out, const struct node *n,
                             const struct circuit_pointwise *p) {
  const struct exact *x = exact_of(n->op);
  verilog_parameter(out, "IN_WIDTH", p->in_width);
  verilog_word(out, "IN_TYPE", p->in_type);
  if (p->in_zero) verilog_wide(out, "IN_ZERO", p->in_zero);
  if (op_info(n->op)->slopes) verilog_unsigned(out, "SLOPE_MUL", p->slope_mul);
  if (x->shift[0]) verilog_parameter(out, x->shift, p->slope_shift);
  for (int i = 0; i < 2 && x->parameters[i][0]; i++)
    verilog_wide(out, x->parameters[i], p->codes[i]);
  bool always = op_info(n->op)->slopes || op_is(n->op, TRAIT_CASTS) || !x->monotone;
  verilog_line(out);
  emit_requant_parameters(out, &p->requant, !always);
}

void emit_cast_parameters(struct parameters *out, const struct cell *c) {
  const struct circuit_pointwise *p = c->facts;
  verilog_parameter(out, "LANES", c->in[0]->lanes);
  verilog_parameter(out, "IN_WIDTH", p->in_width);
  verilog_word(out, "IN_TYPE", p->in_type);
  if (p->in_zero) verilog_wide(out, "IN_ZERO", p->in_zero);
  verilog_line(out);
  emit_requant_parameters(out, &p->requant, false);
}

static void table_parameters(struct parameters *out, const struct cell *c,
                             const struct circuit_pointwise *p) {
  char file[64];
  const struct table_rom *r = &p->rom;
  bool named = strcmp(p->module, "fixed_table") != 0 && p->form == FORM_TABLE;
  verilog_parameter(out, "IN_WIDTH", p->in_width);
  if (!named) verilog_word(out, "IN_TYPE", p->in_type);
  verilog_parameter(out, "OUT_WIDTH", p->requant.out_width);
  if (!named) verilog_word(out, "OUT_TYPE", p->requant.out_type);
  if (!named) verilog_parameter(out, "ODD", r->odd);
  if (!named) verilog_wide(out, "FIRST", r->first);
  verilog_parameter(out, "DEPTH", r->depth);
  if (p->form == FORM_TABLE) verilog_parameter(out, "ENTRY_WIDTH", r->entry_width);
  if (!named) verilog_parameter(out, "LOW_SLOPE", r->low_slope);
  if (!named) verilog_wide(out, "LOW_OFFSET", r->low_offset);
  verilog_parameter(out, "HIGH_SLOPE", r->high_slope);
  verilog_wide(out, "HIGH_OFFSET", r->high_offset);
  if (p->form == FORM_TABLE) {
    snprintf(file, sizeof file, "l%d_table", c->index);
    verilog_file(out, "TABLE_FILE", file);
    return;
  }
  verilog_parameter(out, "SEGMENT_BITS", p->polynomial.segment_bits);
  verilog_parameter(out, "SHIFT", p->polynomial.shift);
  verilog_parameter(out, "C0_WIDTH", p->polynomial.c0_width);
  verilog_parameter(out, "C1_WIDTH", p->polynomial.c1_width);
  verilog_parameter(out, "C2_WIDTH", p->polynomial.c2_width);
  snprintf(file, sizeof file, "l%d_coefficient", c->index);
  verilog_file(out, "COEFFICIENT_FILE", file);
  snprintf(file, sizeof file, "l%d_correction", c->index);
  verilog_file(out, "CORRECTION_FILE", file);
}

static void pointwise_parameters(struct parameters *out, const struct circuit *circuit,
                                 const struct cell *c) {
  const struct circuit_pointwise *p = c->facts;
  verilog_parameter(out, "LANES", c->in[0]->lanes);
  if (p->form == FORM_EXACT)
    exact_parameters(out, &circuit->graph->nodes[c->node], p);
  else
    table_parameters(out, c, p);
}

static int64_t table_field(const void *context, int64_t word, int64_t field) {
  (void)field;
  return ((const struct circuit_pointwise *)context)->rom.entries[word];
}

// A coefficient word, cut into single bits because the three widths differ: {c2, c1, c0}.
static int64_t coefficient_field(const void *context, int64_t word, int64_t field) {
  const struct polynomial *p = &((const struct circuit_pointwise *)context)->polynomial;
  int64_t bit = field;
  if (bit < p->c0_width) return p->c0[word] >> bit & 1;
  bit -= p->c0_width;
  if (bit < p->c1_width) return p->c1[word] >> bit & 1;
  return p->c2[word] >> (bit - p->c1_width) & 1;
}

static int64_t correction_field(const void *context, int64_t word, int64_t field) {
  (void)field;
  return ((const struct circuit_pointwise *)context)->polynomial.correction[word];
}

static void pointwise_memories(struct emit_files *f, const struct cell *c) {
  const struct circuit_pointwise *p = c->facts;
  struct emit_memory image = {.context = p, .fields = 1};
  if (p->form == FORM_TABLE) {
    image.base = arena_printf(f->arena, "l%d_table", c->index);
    image.depth = p->rom.depth;
    image.width = p->rom.entry_width;
    image.field = table_field;
    emit_memory(f, &image);
  } else if (p->form == FORM_POLYNOMIAL) {
    const struct polynomial *q = &p->polynomial;
    image.base = arena_printf(f->arena, "l%d_correction", c->index);
    image.depth = q->tails.depth;
    image.width = 2;
    image.field = correction_field;
    emit_memory(f, &image);
    image.base = arena_printf(f->arena, "l%d_coefficient", c->index);
    image.depth = q->segments;
    image.width = 1;
    image.fields = q->c0_width + q->c1_width + q->c2_width;
    image.field = coefficient_field;
    emit_memory(f, &image);
  }
}

static const char *pointwise_module(const struct cell *c) {
  return ((const struct circuit_pointwise *)c->facts)->module;
}

const struct emit_column emit_pointwise = {
    .module = pointwise_module, .parameters = pointwise_parameters, .memories = pointwise_memories};
