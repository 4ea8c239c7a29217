// SPDX-License-Identifier: Apache-2.0
#include "cmd/command.h"

#include "cmd/train.h"
#include "gen/verilog.h"
#include "sim/simulate.h"

#include <stdlib.h>
#include <string.h>

static struct load words(const struct options *o) {
  return (struct load){.precision = o->precision,
                       .weight_precision = o->weight_precision,
                       .input_precision = o->input_precision,
                       .rounding = o->rounding,
                       .overflow = o->overflow,
                       .formats = o->formats,
                       .input_mean = o->input_mean,
                       .input_std = o->input_std};
}

bool command_check(struct arena *a, const struct options *o, struct err *e) {
  int in, out;
  char *end = NULL;
  double clock = o->clock ? strtod(o->clock, &end) : 1;
  if (!(clock >= 1 && clock <= 2000) || (end && *end))
    return err_set(e, "--clock %s: expected MHz, 1 to 2000", o->clock);
  const char *s = o->simulator;
  if (s && strcmp(s, "verilator") != 0 && strcmp(s, "icarus") != 0)
    return err_set(e, "--simulator %s: expected verilator or icarus", s);
  if (o->rom_style && strcmp(o->rom_style, "file") != 0 && strcmp(o->rom_style, "case") != 0)
    return err_set(e, "--rom-style %s: expected file or case", o->rom_style);
  int64_t transfer;
  if (!command_framing(o, &transfer, e)) return false;
  if (o->name && !verilog_module_name(o->name))
    return err_set(e,
                   "--name %s: expected letters, digits and _, a letter first, and none of the "
                   "words that SystemVerilog, the library and the benches use",
                   o->name);
  struct load l = words(o);
  if (!train_check(a, o, e)) return false;
  return (!o->stall || simulate_stall(o->stall, &in, &out, e)) && load_check(a, &l, e);
}

bool command_model(struct arena *a, const struct options *o, struct model *m, struct err *e) {
  struct load l = words(o);
  return load_model(a, o->model, &l, m, e);
}

bool command_images(struct arena *a, const struct options *o, const struct graph *g, int64_t limit,
                    struct images *out, struct err *e) {
  if (!data_open(a, o->data ? o->data : "mnist", limit, out, e)) return false;
  struct err note = {0};
  if (out->note && !o->quiet) {
    err_put(&note, "%s", out->note);
    err_print(stderr, &note);
  }
  if (g->n_inputs != 1) return err_set(e, "the model has %u inputs, expected 1", g->n_inputs);
  const struct value *v = &g->values[g->inputs[0].value];
  if (value_elements(v) != out->elements)
    return err_set(e, "%s: images of %lld elements, input \"%s\" of the model has %lld", out->name,
                   (long long)out->elements, v->name, (long long)value_elements(v));
  if (out->pixels && g->inputs[0].source.channels == 0)
    return err_set(e, "%s: bytes, but input \"%s\" of the model has no pixel source", out->name,
                   v->name);
  return true;
}

int32_t *command_codes(struct arena *a, const struct graph *g, const struct images *set,
                       int64_t first, int64_t count) {
  const struct source *source = &g->inputs[0].source;
  const struct type *t = &g->values[g->inputs[0].value].type;
  int32_t *codes = ARENA_NEW(a, int32_t, count * set->elements);
  for (int64_t i = 0; i < count * set->elements; i++) {
    int64_t at = first * set->elements + i;
    int64_t c = source->tables > 1 ? i % source->tables : 0; // channels are the fastest axis
    codes[i] = set->pixels ? source->table[c * 256 + set->pixels[at]]
                           : (int32_t)type_encode(t, (double)set->floats[at]);
  }
  return codes;
}

int64_t command_correct(const struct images *set, int64_t images, const double *output,
                        int64_t elements) {
  int64_t correct = 0;
  for (int64_t i = 0; set->has_labels && i < images; i++) {
    const double *y = output + i * elements;
    int64_t best = 0;
    for (int64_t k = 1; k < elements; k++)
      if (y[k] > y[best]) best = k;
    correct += (elements == 1 ? (int64_t)y[0] : best) == set->labels[i];
  }
  return correct;
}
