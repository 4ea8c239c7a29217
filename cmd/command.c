// SPDX-License-Identifier: Apache-2.0
#include "cmd/command.h"

#include "gen/verilog.h"
#include "quant/quantize.h"
#include "sim/simulate.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool parse_list(struct arena *a, const char *text, int64_t *count, double **out) {
  double *list = ARENA_NEW(a, double, strlen(text) / 2 + 1);
  int64_t n = 0;
  for (const char *p = text;; p++) {
    char *end;
    list[n++] = strtod(p, &end);
    if (end == p || !isfinite(list[n - 1]) || (*end && *end != ',')) return false;
    p = end;
    if (!*end) break;
  }
  *count = n;
  *out = list;
  return true;
}

// The numbers of an option, or one default.
static bool option_list(struct arena *a, const char *name, const char *text, double otherwise,
                        int64_t *count, double **out, struct err *e) {
  *count = 1;
  *out = ARENA_NEW(a, double, 1);
  **out = otherwise;
  return !text || parse_list(a, text, count, out) ||
         err_set(e, "--%s %s: expected numbers with commas between", name, text);
}

// --input-mean and --input-std replace the model's own.
static bool apply_source(struct arena *a, const struct options *o, struct graph *g, struct err *e) {
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    struct source *s = &g->inputs[i].source;
    int64_t means, deviations;
    double *mean, *std;
    if (s->tables) return err_set(e, "--input-mean: the pixel table of an integer model is fixed");
    if (!option_list(a, "input-mean", o->input_mean, 0, &means, &mean, e) ||
        !option_list(a, "input-std", o->input_std, 1, &deviations, &std, e))
      return false;
    int64_t count = means > deviations ? means : deviations;
    double *both = ARENA_NEW(a, double, 2 * count);
    for (int64_t c = 0; c < count; c++) {
      both[c] = mean[means == count ? c : 0];
      both[count + c] = std[deviations == count ? c : 0];
    }
    *s = (struct source){.channels = count, .mean = both, .std = both + count};
  }
  return graph_verify(g, e);
}

static bool parse_formats(struct arena *a, const struct options *o, struct formats *f,
                          struct err *e) {
  *f = formats_new();
  return (!o->precision || formats_set_stream(a, &f->defaults, o->precision, e)) &&
         (!o->weight_precision || formats_set_weight(a, &f->defaults, o->weight_precision, e)) &&
         (!o->input_precision || formats_set_input(a, f, o->input_precision, e)) &&
         (!o->rounding || formats_set_rounding(&f->defaults, o->rounding, e)) &&
         (!o->overflow || formats_set_overflow(&f->defaults, o->overflow, e));
}

bool command_check(struct arena *a, const struct options *o, struct err *e) {
  struct formats f;
  int64_t count;
  double *list;
  if (!option_list(a, "input-mean", o->input_mean, 0, &count, &list, e) ||
      !option_list(a, "input-std", o->input_std, 1, &count, &list, e))
    return false;
  for (int64_t i = 0; i < count; i++)
    if (!(list[i] > 0)) return err_set(e, "--input-std %s: expected numbers above 0", o->input_std);
  int in, out;
  char *end = NULL;
  double clock = o->clock ? strtod(o->clock, &end) : 1;
  if (!(clock >= 1 && clock <= 2000) || (end && *end))
    return err_set(e, "--clock %s: expected MHz, 1 to 2000", o->clock);
  const char *s = o->simulator;
  if (s && strcmp(s, "verilator") != 0 && strcmp(s, "icarus") != 0)
    return err_set(e, "--simulator %s: expected verilator or icarus", s);
  if (o->name && !verilog_module_name(o->name))
    return err_set(e,
                   "--name %s: expected letters, digits and _, a letter first, and none of the "
                   "words that SystemVerilog, the library and the benches use",
                   o->name);
  return (!o->stall || simulate_stall(o->stall, &in, &out, e)) && parse_formats(a, o, &f, e);
}

static bool wants_formats(const struct options *o) {
  return o->precision || o->weight_precision || o->input_precision || o->rounding || o->overflow ||
         o->formats;
}

const char *command_model_path(struct arena *a, const char *path) {
  struct stat st;
  bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
  return folder ? arena_printf(a, "%s/model.bin", path) : path;
}

bool command_model(struct arena *a, const struct options *o, struct model *m, struct err *e) {
  struct formats f;
  if (!parse_formats(a, o, &f, e) || (o->formats && !formats_read(a, o->formats, &f, e)))
    return false;
  struct graph *g = model_read(a, command_model_path(a, o->model), e);
  if (!g) return false;
  if ((o->input_mean || o->input_std) && !apply_source(a, o, g, e))
    return err_within(e, "%s", o->model);
  *m = (struct model){0};
  if (!graph_is_real(g)) {
    if (wants_formats(o))
      return err_set(e, "%s: the model is quantised already, its types can't be chosen again",
                     o->model);
    graph_ranges(g);
    m->fixed = g;
    return true;
  }
  m->real = g;
  if (!wants_formats(o)) return true;
  m->fixed = quantize(a, g, &f, e);
  return m->fixed || err_within(e, "%s", o->model);
}

bool command_images(struct arena *a, const struct options *o, const struct graph *g, int64_t limit,
                    struct images *out, struct err *e) {
  if (!data_open(a, o->data ? o->data : "mnist", limit, out, e)) return false;
  if (out->note && !o->quiet) fprintf(stderr, "nngen: %s\n", out->note);
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
  int64_t zero = type_zero(t, 0), lo = type_lowest(t) - zero, hi = type_highest(t) - zero;
  for (int64_t i = 0; i < count * set->elements; i++) {
    int64_t at = first * set->elements + i;
    int64_t c = source->tables > 1 ? i % source->tables : 0; // channels are the fastest axis
    codes[i] =
        set->pixels
            ? source->table[c * 256 + set->pixels[at]]
            : (int32_t)(zero + fix_from_real((double)set->floats[at] / type_scale(t, 0), lo, hi));
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
