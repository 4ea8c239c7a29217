// SPDX-License-Identifier: Apache-2.0
// axis_extent.
#include "gen/emit.h"

static const char *reorder_module(const struct cell *c) {
  (void)c;
  return "axis_extent";
}

static void reorder_parameters(struct parameters *out, const struct circuit *p,
                               const struct cell *c) {
  const struct circuit_reorder *f = c->facts;
  const struct circuit_extent *x = &f->extent;
  uint32_t pad = f->pad ? type_wire(type_coding(&c->in[0]->type), f->pad) : 0;
  (void)p;
  verilog_parameter(out, "WIDTH", c->in[0]->width);
  verilog_parameter(out, "LANES", c->in[0]->lanes);
  verilog_parameter(out, "DIMS", x->dims);
  verilog_line(out);
  verilog_list(out, "IN_SIZE", x->in_size, x->dims);
  verilog_list(out, "IN_FROM", x->in_from, x->dims);
  verilog_line(out);
  verilog_list(out, "OUT_SIZE", x->out_size, x->dims);
  verilog_list(out, "OUT_FROM", x->out_from, x->dims);
  verilog_list(out, "STEP", x->step, x->dims);
  if (pad) verilog_code(out, "PAD", pad);
}

const struct emit_column emit_reorder = {.module = reorder_module,
                                         .parameters = reorder_parameters};
