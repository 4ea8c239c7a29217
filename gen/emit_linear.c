// SPDX-License-Identifier: Apache-2.0
// hw/fixed_linear.sv: parameters and images.
//
// Weight word (ib, og) of output lane `lane` holds the weights of output og * OUT_LANES + lane for
// inputs ib * IN_LANES ..., input lane 0 in the low bits; zero where there is no such weight. The
// words of each set follow those of the one before, whose outputs they follow. With a schedule word
// i is that of step i, zero where the lane waits.
#include "gen/emit.h"

// OUT_TYPE: of a minifloat its sign, exponent, mantissa and top, as in se4m3f.
static void put_out_type(struct parameters *out, const struct circuit_requant *r) {
  static const char top[] = {[MINIFLOAT_ALL] = 'n', [MINIFLOAT_FN] = 'f', [MINIFLOAT_IEEE] = 'i'};
  char word[16];
  if (r->grid)
    snprintf(word, sizeof word, "%ce%dm%d%c", r->grid->is_signed ? 's' : 'u', r->grid->exponent,
             r->grid->mantissa, top[r->grid->top]);
  verilog_word(out, "OUT_TYPE", r->grid ? word : r->out_type);
}

void emit_requant_parameters(struct parameters *out, const struct circuit_requant *r, bool cast) {
  if (cast) verilog_parameter(out, "CAST", r->cast);
  verilog_parameter(out, "OUT_WIDTH", r->out_width);
  put_out_type(out, r);
  if (cast && !r->cast) return;
  if (r->mul_width) verilog_parameter(out, "MUL_WIDTH", r->mul_width);
  if (r->up_width) verilog_parameter(out, "UP_WIDTH", r->up_width);
  if (r->mul_width && r->mul > 1) verilog_unsigned(out, "MUL", r->mul);
  verilog_parameter(out, "SHIFT", r->shift);
  if (r->zero) verilog_wide(out, "ZERO", r->zero);
  verilog_word(out, "ROUNDING", r->rounding);
  verilog_word(out, "OVERFLOW", r->overflow);
}

static const char *file_name(char *buffer, size_t size, const struct cell *c, const char *what) {
  snprintf(buffer, size, "l%d_%s", c->index, what);
  return buffer;
}

// Eight bits for each plane, the first in the low ones.
static void put_factors(struct parameters *out, const struct residual *r) {
  uint32_t factors = 0;
  for (int k = 0; k < r->planes; k++) factors |= (uint32_t)r->factor[k] << 8 * k;
  verilog_code(out, "FACTORS", factors);
}

// Of operands, accumulators and requantisation.
void emit_weighted_types(struct parameters *out, const struct cell *c) {
  const struct circuit_linear *l = c->facts;
  verilog_parameter(out, "IN_WIDTH", l->in_width);
  verilog_word(out, "IN_TYPE", l->in_type);
  verilog_parameter(out, "WEIGHT_WIDTH", l->code_width);
  verilog_word(out, "WEIGHT_TYPE", l->coded ? "float" : l->weight_type);
  if (l->coded) verilog_parameter(out, "EXPONENT", l->coded->exponent);
  if (l->coded) verilog_parameter(out, "MANTISSA", l->coded->mantissa);
  if (l->shift_width) verilog_parameter(out, "FLOATING", 1);
  if (l->residual) put_factors(out, l->residual);
  if (l->block) verilog_parameter(out, "BLOCK", l->block);
  if (l->block) verilog_parameter(out, "BLOCK_WIDTH", l->block_width);
  if (l->pack) verilog_parameter(out, "PACK", 1);
  if (l->distance) {
    verilog_parameter(out, "DISTANCE", 1);
    verilog_parameter(out, "IN_SHIFT", l->in_shift);
    verilog_parameter(out, "WEIGHT_SHIFT", l->weight_shift);
  }
  verilog_line(out);
  verilog_parameter(out, "BIAS_WIDTH", l->bias_width);
  verilog_parameter(out, "ACC_WIDTH", l->acc_width);
  if (l->sum_shift) verilog_parameter(out, "SUM_SHIFT", l->sum_shift);
  emit_requant_parameters(out, &l->requant, false);
  verilog_line(out);
}

void emit_weighted_files(struct parameters *out, const struct cell *c) {
  const struct circuit_linear *l = c->facts;
  char file[64];
  verilog_file(out, "WEIGHT_FILE", file_name(file, sizeof file, c, "weight"));
  if (l->block) verilog_file(out, "BLOCK_FILE", file_name(file, sizeof file, c, "shared"));
  verilog_file(out, "BIAS_FILE", file_name(file, sizeof file, c, "bias"));
  if (l->mul) verilog_file(out, "MUL_FILE", file_name(file, sizeof file, c, "mul"));
  if (l->rom.style != RAM_AUTO) verilog_word(out, "WEIGHT_STYLE", ram_style_text(l->rom.style));
  if (l->rom.bank != ROM_BANK) verilog_parameter(out, "WEIGHT_BANK", l->rom.bank);
  if (l->rom.split) verilog_parameter(out, "WEIGHT_SPLIT", l->rom.split);
}

void emit_weighted_parameters(struct parameters *out, const struct circuit *p,
                              const struct cell *c) {
  const struct circuit_linear *l = c->facts;
  (void)p;
  verilog_parameter(out, "IN_FEATURES", l->in);
  verilog_parameter(out, "OUT_FEATURES", l->out / l->sets);
  verilog_parameter(out, "IN_LANES", c->in[0]->lanes);
  verilog_parameter(out, "OUT_LANES", c->out[0]->lanes);
  if (l->rows > 1) verilog_parameter(out, "ROWS", l->rows);
  if (l->sets > 1) verilog_parameter(out, "SETS", l->sets);
  if (l->sent) verilog_parameter(out, "SKIP", 1);
  if (l->sparse) verilog_parameter(out, "SCHEDULE", l->words);
  verilog_line(out);
  emit_weighted_types(out, c);
  verilog_parameter(out, "QUEUE", l->queue);
  emit_weighted_files(out, c);
  char file[64];
  if (l->sparse) verilog_file(out, "SCHEDULE_FILE", file_name(file, sizeof file, c, "schedule"));
}

struct lane {
  const struct circuit_linear *l;
  int64_t lane, in_lanes, out_lanes;
};

// The output of group `group`, counted through all sets, whose sizes the lanes divide if there is
// more than one.
static int64_t output(const struct lane *k, int64_t group) {
  return group * k->out_lanes + k->lane;
}

static int64_t weight_bits(const struct lane *k, int64_t o, int64_t i) {
  if (i >= k->l->in || o >= k->l->out) return 0;
  return circuit_weight_bits(k->l, o, i);
}

static int64_t scheduled_weight(const struct lane *k, int64_t word, int64_t field) {
  const struct sparse *s = k->l->sparse;
  int64_t at = word * s->lanes + k->lane;
  if (s->idle[at]) return 0;
  return weight_bits(k, output(k, s->group[at]), s->beat[word] * k->in_lanes + field);
}

static int64_t weight_field(const void *context, int64_t word, int64_t field) {
  const struct lane *k = context;
  if (k->l->sparse) return scheduled_weight(k, word, field);
  int64_t set = word / (k->l->ib * k->l->og), i = word / k->l->og % k->l->ib * k->in_lanes + field;
  return weight_bits(k, output(k, set * k->l->og + word % k->l->og), i);
}

static int64_t bias_field(const void *context, int64_t word, int64_t field) {
  const struct lane *k = context;
  int64_t o = output(k, word);
  (void)field;
  return o < k->l->out ? k->l->bias[o] : 0;
}

// Word (block, group): the exponent of the group's output.
static int64_t shared_field(const void *context, int64_t word, int64_t field) {
  const struct lane *k = context;
  int64_t o = output(k, word % k->l->og);
  (void)field;
  return o < k->l->out ? k->l->exponents[o * k->l->blocks + word / k->l->og] : 0;
}

static int64_t mul_field(const void *context, int64_t word, int64_t field) {
  const struct lane *k = context;
  int64_t o = output(k, word);
  (void)field;
  return o < k->l->out ? k->l->mul[o] : 0;
}

static int64_t schedule_bit(const void *context, int64_t word, int64_t field) {
  const struct circuit_linear *l = context;
  return sparse_word_bit(l->sparse, l->og, word, field);
}

static void lane_image(struct emit_files *f, const struct cell *c, const struct lane *k,
                       const char *what, struct emit_memory image) {
  image.base = arena_printf(f->arena, "l%d_%s_%03lld", c->index, what, (long long)k->lane);
  image.context = k;
  emit_memory(f, &image);
}

void emit_weighted_memories(struct emit_files *f, const struct cell *c) {
  const struct circuit_linear *l = c->facts;
  struct lane k = {l, 0, c->in[0]->lanes, c->out[0]->lanes};
  for (k.lane = 0; k.lane < c->out[0]->lanes; k.lane++) {
    lane_image(f, c, &k, "weight",
               (struct emit_memory){.depth = l->words,
                                    .fields = c->in[0]->lanes,
                                    .width = l->code_width,
                                    .field = weight_field,
                                    .shape = &l->rom});
    lane_image(
        f, c, &k, "bias",
        (struct emit_memory){
            .depth = l->sets * l->og, .fields = 1, .width = l->bias_width, .field = bias_field});
    if (l->block)
      lane_image(f, c, &k, "shared",
                 (struct emit_memory){.depth = l->blocks * l->og,
                                      .fields = 1,
                                      .width = l->block_width,
                                      .field = shared_field});
    if (l->mul)
      lane_image(f, c, &k, "mul",
                 (struct emit_memory){.depth = l->sets * l->og,
                                      .fields = 1,
                                      .width = l->requant.mul_width,
                                      .field = mul_field});
  }
  if (!l->sparse) return;
  struct emit_memory schedule = {.base = arena_printf(f->arena, "l%d_schedule", c->index),
                                 .depth = l->words,
                                 .fields = sparse_word_bits(l->sparse, l->og),
                                 .width = 1,
                                 .field = schedule_bit,
                                 .context = l};
  emit_memory(f, &schedule);
}

const char *emit_weighted_module(const struct cell *c) {
  (void)c;
  return "fixed_linear";
}

const struct emit_column emit_linear = {.module = emit_weighted_module,
                                        .parameters = emit_weighted_parameters,
                                        .memories = emit_weighted_memories};
