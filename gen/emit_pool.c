// SPDX-License-Identifier: Apache-2.0
// hw/fixed_max_pool.sv, hw/fixed_avg_pool.sv.
#include "gen/emit.h"

static const char *pool_module(const struct cell *c) {
  return ((const struct circuit_pool *)c->facts)->average ? "fixed_avg_pool" : "fixed_max_pool";
}

static void average_parameters(struct parameters *out, const struct circuit_pool *f) {
  int64_t pixels = f->end[ROWS][f->runs[ROWS] - 1] * f->end[COLUMNS][f->runs[COLUMNS] - 1];
  verilog_parameter(out, "SUM_WIDTH", f->sum_width);
  if (!f->scaled) {
    verilog_parameter(out, "DIVISOR", 1);
    return;
  }
  if (f->counts > 1) {
    verilog_line(out);
    verilog_parameter(out, "BEATS", f->windows / pixels);
    verilog_parameter(out, "RUNS_H", f->runs[ROWS]);
    verilog_parameter(out, "RUNS_W", f->runs[COLUMNS]);
    verilog_list(out, "ROW_END", 32, f->end[ROWS], f->runs[ROWS]);
    verilog_list(out, "COLUMN_END", 32, f->end[COLUMNS], f->runs[COLUMNS]);
  }
  if (!f->exact)
    verilog_parameter(out, "EXACT", 0);
  else if (f->counts > 1)
    verilog_list(out, "DIVISOR", 32, f->divisor, f->counts);
  else
    verilog_parameter(out, "DIVISOR", f->divisor[0]);
  verilog_line(out);
  verilog_parameter(out, "SCALE", f->scale);
  verilog_parameter(out, "MAGIC_WIDTH", f->magic_width);
  if (f->exact) verilog_parameter(out, "MAGIC_SHIFT", f->magic_shift);
  if (f->counts > 1)
    verilog_list(out, "MAGIC", 64, f->magic, f->counts);
  else
    verilog_magic(out, "MAGIC", f->magic[0]);
}

static void tiles_parameters(struct parameters *out, const struct circuit_pool *f) {
  const struct window *w = &f->shape;
  verilog_parameter(out, "IN_H", w->in[ROWS]);
  verilog_parameter(out, "IN_W", w->in[COLUMNS]);
  verilog_parameter(out, "KERNEL_H", w->kernel[ROWS]);
  verilog_parameter(out, "KERNEL_W", w->kernel[COLUMNS]);
  if (w->stride[ROWS] != w->kernel[ROWS]) verilog_parameter(out, "STRIDE_H", w->stride[ROWS]);
  if (w->stride[COLUMNS] != w->kernel[COLUMNS])
    verilog_parameter(out, "STRIDE_W", w->stride[COLUMNS]);
  if (f->beats > 1) verilog_parameter(out, "BEATS", f->beats);
  verilog_line(out);
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
  if (f->tiles) tiles_parameters(out, f);
  verilog_parameter(out, "IN_WIDTH", c->in[0]->width);
  verilog_word(out, "IN_TYPE", bits ? "unsigned" : type_coding_text(type_coding(type)));
  if (type_zero(type, 0) && !f->codes) verilog_wide(out, "IN_ZERO", type_zero(type, 0));
  if (f->average) average_parameters(out, f);
  verilog_line(out);
  emit_requant_parameters(out, &f->requant, !f->average);
}

const struct emit_column emit_pool = {.module = pool_module, .parameters = pool_parameters};
