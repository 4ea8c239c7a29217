// SPDX-License-Identifier: Apache-2.0
#include "gen/emit.h"

static void classify_parameters(struct parameters *out, const struct circuit *p,
                                const struct cell *c) {
  const struct circuit_classify *f = c->facts;
  (void)p;
  verilog_parameter(out, "ELEMENTS", c->in[0]->elements);
  verilog_parameter(out, f->ranks ? "K" : "LANES", f->ranks ? f->k : c->in[0]->lanes);
  verilog_parameter(out, "WIDTH", c->in[0]->width);
  verilog_word(out, "IN_TYPE", type_coding_text(type_coding(&c->in[0]->type)));
  if (f->least) verilog_parameter(out, "LEAST", 1);
  verilog_parameter(out, "OUT_WIDTH", c->out[0]->width);
}

static const char *classify_module(const struct cell *c) {
  const struct circuit_classify *f = c->facts;
  return f->ranks ? "fixed_top_k" : "fixed_argmax";
}

const struct emit_column emit_classify = {.module = classify_module,
                                          .parameters = classify_parameters};
