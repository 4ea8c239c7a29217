// SPDX-License-Identifier: Apache-2.0
#include "gen/emit.h"
#include "sw/graph/softmax.h"

#include <stdio.h>

static void softmax_parameters(struct parameters *out, const struct circuit *p,
                               const struct cell *c) {
  const struct circuit_softmax *f = c->facts;
  char file[64];
  (void)p;
  snprintf(file, sizeof file, "l%d_exp", c->index);
  verilog_parameter(out, "ELEMENTS", f->elements);
  verilog_parameter(out, "LANES", c->in[0]->lanes);
  verilog_parameter(out, "WIDTH", c->in[0]->width);
  verilog_word(out, "IN_TYPE", type_coding_text(type_coding(&c->in[0]->type)));
  verilog_parameter(out, "DEPTH", f->depth);
  verilog_parameter(out, "FRACTION", f->fraction);
  verilog_parameter(out, "OUT_WIDTH", c->out[0]->width);
  if (type_zero(&c->out[0]->type, 0)) verilog_wide(out, "OUT_ZERO", type_zero(&c->out[0]->type, 0));
  verilog_file(out, "TABLE_FILE", file);
}

static int64_t exp_field(const void *context, int64_t word, int64_t field) {
  (void)field;
  return ((const struct circuit_softmax *)context)->exps[word];
}

static void softmax_memories(struct emit_files *f, const struct cell *c) {
  const struct circuit_softmax *s = c->facts;
  const struct emit_memory image = {.base = arena_printf(f->arena, "l%d_exp", c->index),
                                    .depth = s->depth,
                                    .fields = 1,
                                    .width = SOFTMAX_BITS + 1,
                                    .field = exp_field,
                                    .context = s};
  emit_memory(f, &image);
}

static const char *softmax_module(const struct cell *c) {
  (void)c;
  return "fixed_softmax";
}

const struct emit_column emit_softmax = {
    .module = softmax_module, .parameters = softmax_parameters, .memories = softmax_memories};
