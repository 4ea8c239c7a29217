// SPDX-License-Identifier: Apache-2.0
#include "quant/load.h"

#include "quant/quantize.h"
#include "sw/import/import.h"
#include "sw/pass/branch_lines.h"
#include "sw/pass/fold_norm.h"
#include "sw/pass/fuse.h"
#include "sw/pass/remember.h"

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

static bool option_list(struct arena *a, const char *name, const char *text, int64_t *count,
                        double **out, struct err *e) {
  *count = 0;
  return !text || parse_list(a, text, count, out) ||
         err_set(e, "--%s %s: expected numbers with commas between", name, text);
}

static double entry(const double *list, int64_t count, int64_t c) {
  return list[count > 1 ? c : 0];
}

bool load_source(struct arena *a, const struct load *l, struct graph *g, struct err *e) {
  int64_t means, deviations;
  double *mean = NULL, *std = NULL;
  if (!option_list(a, "input-mean", l->input_mean, &means, &mean, e) ||
      !option_list(a, "input-std", l->input_std, &deviations, &std, e))
    return false;
  for (uint32_t i = 0; i < g->n_inputs && (mean || std); i++) {
    struct source *s = &g->inputs[i].source;
    if (s->tables) return err_set(e, "--input-mean: the pixel table of an integer model is fixed");
    static const double zero = 0, one = 1; // of a model that has none of its own
    int64_t own = s->channels ? s->channels : 1;
    int64_t m = mean ? means : own, d = std ? deviations : own;
    int64_t count = m > d ? m : d;
    double *both = ARENA_NEW(a, double, 2 * count);
    if ((m > 1 && m < count) || (d > 1 && d < count))
      return err_set(
          e,
          "--input-mean and --input-std: %lld means and %lld deviations, expected one or "
          "one per channel of each",
          (long long)m, (long long)d);
    for (int64_t c = 0; c < count; c++) {
      both[c] = entry(mean ? mean : s->channels ? s->mean : &zero, m, c);
      both[count + c] = entry(std ? std : s->channels ? s->std : &one, d, c);
    }
    *s = (struct source){.channels = count, .mean = both, .std = both + count, .axes = s->axes};
    const struct type *type = &g->values[g->inputs[i].value].type;
    if (type_is_integer(type)) quantize_pixels(a, type, s);
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
  if (!option_list(a, "input-mean", l->input_mean, &count, &list, e) ||
      !option_list(a, "input-std", l->input_std, &count, &list, e))
    return false;
  for (int64_t i = 0; i < count; i++)
    if (!(list[i] > 0)) return err_set(e, "--input-std %s: expected numbers above 0", l->input_std);
  return parse_formats(a, l, &f, e);
}

static bool wants_formats(const struct load *l) {
  return l->precision || l->weight_precision || l->input_precision || l->rounding || l->overflow ||
         l->formats;
}

// Whether a float model says of some streams which type they have.
static bool says_types(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (op_is(g->nodes[i].op, TRAIT_NARROWS)) return true;
  return false;
}

const char *load_path(struct arena *a, const char *path) {
  struct stat st;
  bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
  return folder ? arena_printf(a, "%s/model.bin", path) : path;
}

static void idle_formats(struct arena *a, const struct formats *f, struct warnings *w) {
  for (uint32_t i = 0; i < f->n_kinds; i++)
    if (!f->kinds[i].used)
      warnings_add(a, w, f->kinds[i].name,
                   "its entry in the formats file changes nothing: no layer is of this kind");
}

void load_notes(struct arena *a, const struct refusals *r, bool training, struct warnings *w) {
  for (uint32_t i = 0; i < r->n_notes; i++) {
    const struct import_note *n = &r->notes[i];
    if (n->training && !training) continue;
    if (n->others)
      warnings_add(a, w, n->node, "%s (and %u more)", n->text, n->others);
    else
      warnings_add(a, w, n->node, "%s", n->text);
  }
}

bool load_model(struct arena *a, const char *path, const struct load *l, struct model *m,
                struct err *e) {
  struct formats f;
  if (!parse_formats(a, l, &f, e) || (l->formats && !formats_read(a, l->formats, &f, e)))
    return false;
  struct refusals refusals = {0};
  struct graph *g = import_read(a, load_path(a, path), &refusals, e);
  if (!g) return false;
  if ((l->input_mean || l->input_std) && !load_source(a, l, g, e)) return err_within(e, "%s", path);
  *m = (struct model){0};
  load_notes(a, &refusals, false, &m->warnings);
  if (!graph_is_real(g)) {
    if (wants_formats(l))
      return err_set(e, "%s: the model is quantised already, its types can't be chosen again",
                     path);
    g = remember(a, g, e);
    if (!g) return err_within(e, "%s", path);
    m->fixed = branch_lines(a, fuse_needed(g) ? fuse(a, g) : g);
    warnings_find(a, NULL, m->fixed, &m->warnings);
    return true;
  }
  m->real = remember(a, g, e);
  if (!m->real) return err_within(e, "%s", path);
  g = m->whole = m->real;
  if (!wants_formats(l) && !says_types(g)) return true;
  m->real = fold_norm(a, g, e);
  if (!m->real) return err_within(e, "%s", path);
  m->fixed = quantize(a, m->real, &f, e);
  if (!m->fixed) return err_within(e, "%s", path);
  m->fixed = branch_lines(a, m->fixed);
  warnings_find(a, m->real, m->fixed, &m->warnings);
  idle_formats(a, &f, &m->warnings);
  return true;
}
