// SPDX-License-Identifier: Apache-2.0
#include "quant/load.h"

#include "quant/quantize.h"
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
static bool apply_source(struct arena *a, const struct load *l, struct graph *g, struct err *e) {
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    struct source *s = &g->inputs[i].source;
    int64_t means, deviations;
    double *mean, *std;
    if (s->tables) return err_set(e, "--input-mean: the pixel table of an integer model is fixed");
    if (!option_list(a, "input-mean", l->input_mean, 0, &means, &mean, e) ||
        !option_list(a, "input-std", l->input_std, 1, &deviations, &std, e))
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

static bool parse_formats(struct arena *a, const struct load *l, struct formats *f, struct err *e) {
  *f = formats_new();
  return (!l->precision || formats_set_stream(a, &f->defaults, l->precision, e)) &&
         (!l->weight_precision || formats_set_weight(a, &f->defaults, l->weight_precision, e)) &&
         (!l->input_precision || formats_set_input(a, f, l->input_precision, e)) &&
         (!l->rounding || formats_set_rounding(&f->defaults, l->rounding, e)) &&
         (!l->overflow || formats_set_overflow(&f->defaults, l->overflow, e));
}

bool load_check(struct arena *a, const struct load *l, struct err *e) {
  struct formats f;
  int64_t count;
  double *list;
  if (!option_list(a, "input-mean", l->input_mean, 0, &count, &list, e) ||
      !option_list(a, "input-std", l->input_std, 1, &count, &list, e))
    return false;
  for (int64_t i = 0; i < count; i++)
    if (!(list[i] > 0)) return err_set(e, "--input-std %s: expected numbers above 0", l->input_std);
  return parse_formats(a, l, &f, e);
}

static bool wants_formats(const struct load *l) {
  return l->precision || l->weight_precision || l->input_precision || l->rounding || l->overflow ||
         l->formats;
}

const char *load_path(struct arena *a, const char *path) {
  struct stat st;
  bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
  return folder ? arena_printf(a, "%s/model.bin", path) : path;
}

bool load_model(struct arena *a, const char *path, const struct load *l, struct model *m,
                struct err *e) {
  struct formats f;
  if (!parse_formats(a, l, &f, e) || (l->formats && !formats_read(a, l->formats, &f, e)))
    return false;
  struct graph *g = model_read(a, load_path(a, path), e);
  if (!g) return false;
  if ((l->input_mean || l->input_std) && !apply_source(a, l, g, e))
    return err_within(e, "%s", path);
  *m = (struct model){0};
  if (!graph_is_real(g)) {
    if (wants_formats(l))
      return err_set(e, "%s: the model is quantised already, its types can't be chosen again",
                     path);
    m->fixed = g;
    return true;
  }
  m->real = g;
  if (!wants_formats(l)) return true;
  m->fixed = quantize(a, g, &f, e);
  return m->fixed || err_within(e, "%s", path);
}
