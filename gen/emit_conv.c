// SPDX-License-Identifier: Apache-2.0
// A convolution: a linear layer behind its window.
#include "gen/emit.h"

static void put_pad(struct parameters *out, const struct cell *c, int64_t code) {
  uint32_t pad = type_wire(type_coding(&c->in[0]->type), code);
  if (pad) verilog_code(out, "PAD", pad);
}

void emit_window_parameters(struct parameters *out, const struct cell *c) {
  const struct circuit_window *w = c->facts;
  const struct window *s = &w->shape;
  verilog_parameter(out, "WIDTH", c->in[0]->width);
  verilog_parameter(out, "LANES", w->lanes);
  verilog_parameter(out, "BEATS", w->beats);
  verilog_line(out);
  verilog_parameter(out, "IN_H", s->in[ROWS]);
  verilog_parameter(out, "IN_W", s->in[COLUMNS]);
  verilog_parameter(out, "OUT_H", s->out[ROWS]);
  verilog_parameter(out, "OUT_W", s->out[COLUMNS]);
  verilog_line(out);
  verilog_parameter(out, "KERNEL_H", s->kernel[ROWS]);
  verilog_parameter(out, "KERNEL_W", s->kernel[COLUMNS]);
  verilog_parameter(out, "STRIDE_H", s->stride[ROWS]);
  verilog_parameter(out, "STRIDE_W", s->stride[COLUMNS]);
  verilog_parameter(out, "DILATION_H", s->dilation[ROWS]);
  verilog_parameter(out, "DILATION_W", s->dilation[COLUMNS]);
  verilog_line(out);
  verilog_parameter(out, "PAD_TOP", s->before[ROWS]);
  verilog_parameter(out, "PAD_LEFT", s->before[COLUMNS]);
  put_pad(out, c, w->pad);
  verilog_parameter(out, "CAPACITY", w->capacity);
  if (w->taps > 1) verilog_parameter(out, "TAPS", w->taps);
  if (w->groups > 1) verilog_parameter(out, "GROUPS", w->groups);
  if (w->kept) verilog_parameter(out, "KEEP", 1);
  if (w->skips) verilog_parameter(out, "SKIP", w->steps);
}

void emit_slide_parameters(struct parameters *out, const struct cell *c) {
  const struct circuit_slide *s = c->facts;
  verilog_parameter(out, "WIDTH", c->in[0]->width);
  verilog_parameter(out, "LANES", s->lanes);
  verilog_parameter(out, "BEATS", s->beats);
  verilog_line(out);
  verilog_parameter(out, "IN_W", s->in);
  verilog_parameter(out, "OUT_W", s->out);
  verilog_parameter(out, "KERNEL_W", s->kernel);
  verilog_parameter(out, "STRIDE_W", s->stride);
  verilog_parameter(out, "DILATION_W", s->dilation);
  verilog_parameter(out, "PAD_LEFT", s->before);
  put_pad(out, c, s->pad);
  if (s->groups > 1) verilog_parameter(out, "GROUPS", s->groups);
}

// ---- depthwise: one image for all lanes, a word per tap and beat of channels

static const struct circuit_linear *depthwise(const struct cell *c) {
  const struct circuit_linear *l = c->facts;
  return l->depthwise ? l : NULL;
}

// Taps of a beat.
static int64_t column(const struct cell *c) {
  return c->in[0]->lanes / c->out[0]->lanes;
}

static const char *conv_module(const struct cell *c) {
  return depthwise(c) ? "fixed_depthwise" : emit_weighted_module(c);
}

static void conv_parameters(struct parameters *out, const struct circuit *p, const struct cell *c) {
  const struct circuit_linear *l = depthwise(c);
  if (!l) {
    emit_weighted_parameters(out, p, c);
    return;
  }
  verilog_parameter(out, "LANES", c->out[0]->lanes);
  if (column(c) > 1) verilog_parameter(out, "COLUMN", column(c));
  verilog_parameter(out, "TAPS", l->ib * column(c));
  verilog_parameter(out, "BEATS", l->og);
  verilog_parameter(out, "WINDOWS", c->out[0]->beats);
  verilog_line(out);
  emit_weighted_types(out, c);
  emit_weighted_files(out, c);
}

static int64_t weight_field(const void *context, int64_t word, int64_t field) {
  const struct cell *c = context;
  const struct circuit_linear *l = c->facts;
  int64_t lanes = c->out[0]->lanes, tap = word % l->ib * column(c) + field / lanes;
  int64_t channel = word / l->ib * lanes + field % lanes;
  return circuit_weight_bits(l, channel, tap);
}

static int64_t bias_field(const void *context, int64_t word, int64_t lane) {
  const struct cell *c = context;
  return ((const struct circuit_linear *)c->facts)->bias[word * c->out[0]->lanes + lane];
}

static int64_t mul_field(const void *context, int64_t word, int64_t lane) {
  const struct cell *c = context;
  return ((const struct circuit_linear *)c->facts)->mul[word * c->out[0]->lanes + lane];
}

static void put_image(struct emit_files *f, const struct cell *c, const char *what, int64_t depth,
                      int64_t fields, int width,
                      int64_t (*field)(const void *context, int64_t word, int64_t field),
                      const struct rom_shape *shape) {
  emit_memory(f, &(struct emit_memory){.base = arena_printf(f->arena, "l%d_%s", c->index, what),
                                       .depth = depth,
                                       .fields = fields,
                                       .width = width,
                                       .field = field,
                                       .context = c,
                                       .shape = shape});
}

void emit_depthwise_memories(struct emit_files *f, const struct cell *c) {
  const struct circuit_linear *l = c->facts;
  int64_t lanes = c->out[0]->lanes, products = c->in[0]->lanes;
  put_image(f, c, "weight", l->ib * l->og, products, l->code_width, weight_field, &l->rom);
  put_image(f, c, "bias", l->og, lanes, l->bias_width, bias_field, NULL);
  if (l->mul) put_image(f, c, "mul", l->og, lanes, l->requant.mul_width, mul_field, NULL);
}

static void conv_memories(struct emit_files *f, const struct cell *c) {
  (depthwise(c) ? emit_depthwise_memories : emit_weighted_memories)(f, c);
}

const struct emit_column emit_conv = {
    .module = conv_module, .parameters = conv_parameters, .memories = conv_memories};
