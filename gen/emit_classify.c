// SPDX-License-Identifier: Apache-2.0
#include "gen/emit.h"

void emit_classify_parameters(struct parameters *out, const struct cell *c) {
  verilog_parameter(out, "ELEMENTS", c->in.elements);
  verilog_parameter(out, "LANES", c->in.lanes);
  verilog_parameter(out, "WIDTH", c->in.width);
  verilog_word(out, "IN_TYPE", circuit_type(&c->in.type));
  verilog_parameter(out, "OUT_WIDTH", c->out.width);
}
