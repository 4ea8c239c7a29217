// SPDX-License-Identifier: Apache-2.0
// axis_concat, of several inputs or of one that is taken apart into groups.
#include "gen/emit.h"

static const char *concat_module(const struct cell *c) {
  (void)c;
  return "axis_concat";
}

static int64_t concat_slot(const struct cell *c) {
  return ((const struct circuit_concat *)c->facts)->lanes * c->out[0]->width;
}

static void concat_parameters(struct parameters *out, const struct circuit *p,
                              const struct cell *c) {
  const struct circuit_concat *f = c->facts;
  (void)p;
  verilog_parameter(out, "WIDTH", c->out[0]->width);
  verilog_parameter(out, "LANES", f->lanes);
  verilog_parameter(out, "INPUTS", c->n_in);
  verilog_list(out, "ELEMENTS", 32, f->elements, c->n_in);
  verilog_parameter(out, "OUT_ELEMENTS", f->out_elements);
  verilog_parameter(out, "OUT_GROUPS", c->out[0]->elements / f->out_elements);
}

const struct emit_column emit_concat = {
    .module = concat_module, .parameters = concat_parameters, .slot = concat_slot};
