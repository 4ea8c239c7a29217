// SPDX-License-Identifier: Apache-2.0
// axis_constant: a tensor as a stream, beat by beat.
#include "gen/emit.h"

void emit_constant_parameters(struct parameters *out, const struct cell *c) {
  const struct circuit_constant *f = c->facts;
  verilog_parameter(out, "WIDTH", c->out[0]->lanes * c->out[0]->width);
  verilog_parameter(out, "BEATS", c->out[0]->beats);
  verilog_parameter(out, "DEPTH", f->depth);
  verilog_file(out, "FILE", c->name);
}

static int64_t constant_field(const void *context, int64_t word, int64_t field) {
  const struct cell *c = context;
  const struct circuit_constant *f = c->facts;
  const struct stream *s = c->out[0];
  int64_t i = stream_element(s, word, field);
  if (i == NONE) return 0;
  return type_wire(type_coding(&s->type), tensor_int(f->tensor, f->element[i]));
}

void emit_constant_memory(struct emit_files *f, const struct cell *c) {
  const struct circuit_constant *constant = c->facts;
  struct emit_memory image = {.base = c->name,
                              .depth = constant->depth,
                              .fields = c->out[0]->lanes,
                              .width = c->out[0]->width,
                              .field = constant_field,
                              .context = c};
  emit_memory(f, &image);
}
