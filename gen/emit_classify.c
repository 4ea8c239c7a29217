// SPDX-License-Identifier: Apache-2.0
#include "gen/emit.h"

static void argmax_parameters(struct parameters *out, const struct circuit *p,
                              const struct cell *c) {
  verilog_parameter(out, "ELEMENTS", c->in[0]->elements);
  verilog_parameter(out, "LANES", c->in[0]->lanes);
  verilog_parameter(out, "WIDTH", c->in[0]->width);
  verilog_word(out, "IN_TYPE", type_coding_text(type_coding(&c->in[0]->type)));
  if (p->graph->nodes[c->node].op == OP_argmin) verilog_parameter(out, "LEAST", 1);
  verilog_parameter(out, "OUT_WIDTH", c->out[0]->width);
}

static const char *argmax_module(const struct cell *c) {
  (void)c;
  return "fixed_argmax";
}

const struct emit_column emit_classify = {.module = argmax_module, .parameters = argmax_parameters};
