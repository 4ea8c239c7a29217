// SPDX-License-Identifier: Apache-2.0
// axis_extent, axis_reorder.
#include "gen/emit.h"

static bool in_blocks(const struct cell *c) {
  return c->timing.kind == TIMING_BLOCKS;
}

static const char *reorder_module(const struct cell *c) {
  return in_blocks(c) ? "axis_reorder" : "axis_extent";
}

static void blocks_parameters(struct parameters *out, const struct cell *c,
                              const struct circuit_blocks *b) {
  verilog_parameter(out, "WIDTH", c->in[0]->lanes * c->in[0]->width);
  verilog_parameter(out, "BLOCKS", b->blocks);
  verilog_parameter(out, "BEATS", b->in);
  verilog_parameter(out, "DIMS", b->dims);
  verilog_line(out);
  verilog_list(out, "SIZE", 32, b->size, b->dims);
  verilog_list(out, "STRIDE", 32, b->stride, b->dims);
}

static void extent_parameters(struct parameters *out, const struct cell *c,
                              const struct circuit_extent *x, int64_t code) {
  uint32_t pad = code ? type_wire(type_coding(&c->in[0]->type), code) : 0;
  verilog_parameter(out, "WIDTH", c->in[0]->width);
  verilog_parameter(out, "LANES", c->in[0]->lanes);
  verilog_parameter(out, "DIMS", x->dims);
  verilog_line(out);
  verilog_list(out, "IN_SIZE", 32, x->in_size, x->dims);
  verilog_list(out, "IN_FROM", 32, x->in_from, x->dims);
  verilog_line(out);
  verilog_list(out, "OUT_SIZE", 32, x->out_size, x->dims);
  verilog_list(out, "OUT_FROM", 32, x->out_from, x->dims);
  verilog_list(out, "STEP", 32, x->step, x->dims);
  if (pad) verilog_code(out, "PAD", pad);
}

static void reorder_parameters(struct parameters *out, const struct circuit *p,
                               const struct cell *c) {
  const struct circuit_reorder *f = c->facts;
  (void)p;
  if (in_blocks(c))
    blocks_parameters(out, c, &f->blocks);
  else
    extent_parameters(out, c, &f->extent, f->pad);
}

const struct emit_column emit_reorder = {.module = reorder_module,
                                         .parameters = reorder_parameters};
