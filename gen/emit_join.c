// SPDX-License-Identifier: Apache-2.0
#include "gen/emit.h"

static const char *join_module(const struct cell *c) {
  return ((const struct circuit_join *)c->facts)->product ? "fixed_mul" : "fixed_add";
}

// What brings the inputs to one scale; of rounding tflite also the multiplier of their sum.
static void sum_parameters(struct parameters *out, const struct circuit_join *j) {
  if (j->subtract) verilog_parameter(out, "SUBTRACT", 1);
  verilog_parameter(out, "MUL_WIDTH", j->mul_width);
  verilog_unsigned(out, "MUL0", j->mul[0]);
  verilog_unsigned(out, "MUL1", j->mul[1]);
  if (!j->rescales) return;
  verilog_parameter(out, "SHIFT0", j->shift[0]);
  verilog_parameter(out, "SHIFT1", j->shift[1]);
  if (!j->requant.mul_width) return;
  verilog_parameter(out, "SUM_MUL_WIDTH", j->requant.mul_width);
  verilog_unsigned(out, "SUM_MUL", j->requant.mul);
}

static void join_parameters(struct parameters *out, const struct circuit *p, const struct cell *c) {
  static const char *const names[2][3] = {{"IN0_WIDTH", "IN0_TYPE", "IN0_ZERO"},
                                          {"IN1_WIDTH", "IN1_TYPE", "IN1_ZERO"}};
  const struct circuit_join *j = c->facts;
  (void)p;
  verilog_parameter(out, "LANES", c->in[0]->lanes);
  for (int i = 0; i < 2; i++) {
    const struct type *t = &c->in[i]->type;
    verilog_parameter(out, names[i][0], type_stream_width(t));
    verilog_word(out, names[i][1], type_coding_text(type_coding(t)));
    if (type_zero(t, 0)) verilog_wide(out, names[i][2], type_zero(t, 0));
  }
  verilog_line(out);
  struct circuit_requant requant = j->requant;
  if (!j->product) {
    sum_parameters(out, j);
    requant.mul_width = 0;
  }
  emit_requant_parameters(out, &requant, false);
}

const struct emit_column emit_join = {.module = join_module, .parameters = join_parameters};
