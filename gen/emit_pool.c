// SPDX-License-Identifier: Apache-2.0
// hw/fixed_max_pool.sv, hw/fixed_avg_pool.sv.
#include "gen/emit.h"

static const char *pool_module(const struct cell *c) {
  return ((const struct circuit_pool *)c->facts)->average ? "fixed_avg_pool" : "fixed_max_pool";
}

static void pool_parameters(struct parameters *out, const struct circuit *p, const struct cell *c) {
  const struct circuit_pool *f = c->facts;
  const struct type *type = &c->in[0]->type;
  // signs compare as bits do
  bool bits = type_is_bipolar(type) && !f->average && !f->requant.cast;
  (void)p;
  verilog_parameter(out, "LANES", c->in[0]->lanes);
  verilog_parameter(out, "WINDOWS", f->windows);
  verilog_line(out);
  verilog_parameter(out, "IN_WIDTH", c->in[0]->width);
  verilog_word(out, "IN_TYPE", bits ? "unsigned" : type_coding_text(type_coding(type)));
  if (type_zero(type, 0)) verilog_wide(out, "IN_ZERO", type_zero(type, 0));
  if (f->average) {
    verilog_parameter(out, "SUM_WIDTH", f->sum_width);
    verilog_parameter(out, "DIVISOR", f->divisor);
  }
  if (f->divisor > 1) {
    verilog_line(out);
    verilog_parameter(out, "SCALE", f->scale);
    verilog_parameter(out, "MAGIC_WIDTH", f->magic_width);
    verilog_magic(out, "MAGIC", f->magic);
    verilog_parameter(out, "MAGIC_SHIFT", f->magic_shift);
  }
  verilog_line(out);
  emit_requant_parameters(out, &f->requant, !f->average);
}

const struct emit_column emit_pool = {.module = pool_module, .parameters = pool_parameters};
