// SPDX-License-Identifier: Apache-2.0
// A sub-sampling: hw/fixed_subsample.sv, whose images are those of a depthwise convolution of one
// tap.
#include "gen/emit.h"

static const char *subsample_module(const struct cell *c) {
  (void)c;
  return "fixed_subsample";
}

static void subsample_parameters(struct parameters *out, const struct circuit *p,
                                 const struct cell *c) {
  const struct circuit_linear *l = c->facts;
  (void)p;
  verilog_parameter(out, "LANES", c->in[0]->lanes);
  verilog_parameter(out, "BEATS", l->og);
  verilog_parameter(out, "WINDOWS", c->out[0]->beats);
  verilog_parameter(out, "SUM_WIDTH", l->sum_width);
  verilog_line(out);
  emit_weighted_types(out, c);
  emit_weighted_files(out, c);
}

const struct emit_column emit_subsample = {.module = subsample_module,
                                           .parameters = subsample_parameters,
                                           .memories = emit_depthwise_memories};
